"""ReLU and its gradient. Arguments are not checked here: see cs231n_kit.layers.activation."""

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels.parallel import fastest, numba_threads

WORTH_COMPILING = 1_000_000  # elements; below, NumPy needs half a millisecond at most


def relu(x):
    """max(0, x), and NaN where x is NaN."""
    if _is_worth_compiling(x):
        return fastest(relu_numba, relu_numpy, x)
    return relu_numpy(x)


def relu_gradient(dout, x):
    """dout where x > 0, else 0."""
    if _is_worth_compiling(dout, x):
        return fastest(relu_gradient_numba, relu_gradient_numpy, dout, x)
    return relu_gradient_numpy(dout, x)


def relu_numpy(x):
    """``relu`` by its definition."""
    return array_module(x).maximum(x, 0)


def relu_gradient_numpy(dout, x):
    """``relu_gradient`` by its definition."""
    return dout * (x > 0)


def relu_numba(x):
    """``relu`` in parallel machine code. Raises ImportError where Numba is not installed."""
    from cs231n_kit.kernels import activation_numba

    out = np.empty_like(x)
    with numba_threads():
        activation_numba.relu(x.reshape(-1), out.reshape(-1))
    return out


def relu_gradient_numba(dout, x):
    """``relu_gradient`` in parallel machine code. Raises ImportError where Numba is not installed."""
    from cs231n_kit.kernels import activation_numba

    dx = np.empty_like(x)
    with numba_threads():
        activation_numba.relu_gradient(dout.reshape(-1), x.reshape(-1), dx.reshape(-1))
    return dx


def _is_worth_compiling(*arrays):
    """Only where Numba's code takes the arrays as they lie: a copy would cost more than it saves."""
    first = arrays[0]
    return first.size >= WORTH_COMPILING and all(
        array_module(array) is np and array.dtype == first.dtype and array.flags.c_contiguous and array.flags.writeable
        for array in arrays
    )
