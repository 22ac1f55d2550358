"""ReLU in machine code, over flat arrays: each thread takes a share of the elements."""

import numpy as np
from numba import prange

from cs231n_kit.kernels.parallel import compiled


@compiled(parallel=True, fastmath=())
def relu(x, out):
    """Fill out with max(0, x), and NaN where x is NaN."""
    zero = x.dtype.type(0)
    for i in prange(np.uint64(x.size)):
        out[i] = zero if x[i] <= 0 else x[i]


@compiled(parallel=True, fastmath=())
def relu_gradient(dout, x, dx):
    """Fill dx with dout times 1 where x > 0, times 0 elsewhere."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in prange(np.uint64(x.size)):
        dx[i] = dout[i] * (one if x[i] > 0 else zero)
