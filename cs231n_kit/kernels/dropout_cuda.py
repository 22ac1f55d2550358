"""cs231n_kit.kernels.dropout in CUDA."""

import numpy as np

from cs231n_kit.kernels import cuda


def dropout(x, p, key):
    cuda.check_reals(x=x)
    if not 0 < p <= 1:
        raise ValueError(f"p, the probability of keeping a unit, must be 0 < p <= 1, not {p!r}")
    words = [cuda.size("key", word, least=0) for word in key]
    if len(words) != 2 or max(words) >= 2**64:
        raise ValueError(f"key must be two integers below 2**64, not {key}")
    (x,) = cuda.contiguous(x)
    out, mask = cuda.empty(x.shape, x.dtype), cuda.empty(x.shape, x.dtype)
    arguments = x, out, mask, float(p), *map(np.uint64, words), np.int64(x.size)
    cuda.launch("dropout.cu", "dropout", arguments, x.dtype, -(-x.size // 8))
    return out, mask
