"""Maxima and means of the windows of images (N, C, H, W), float32 or float64.

Window, stride and pad are pairs (along height, along width). Arguments are not checked here: see
cs231n_kit.layers.pooling.
"""

import math

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels.convolution import output_size
from cs231n_kit.kernels.parallel import fastest, numba_threads

WORTH_COMPILING = 500_000  # comparisons; below, NumPy needs a few milliseconds at most


def max_pool(x, window, stride, pad):
    """(maxima, switches), both (N, C, H', W'): switches say which position of the window, counted row by row, won.

    The first of equal pixels wins, NaN beats all numbers, and padding never wins.
    """
    if _is_worth_compiling(x, x.size * math.prod(window) // math.prod(stride)):
        return fastest(max_pool_numba, max_pool_numpy, x, window, stride, pad)
    return max_pool_numpy(x, window, stride, pad)


def max_pool_gradient(dout, switches, shape, window, stride, pad):
    """Gradient (N, C, H, W) of the maxima: each dout goes where its maximum was."""
    arguments = dout, switches, shape, window, stride, pad
    if _is_worth_compiling(dout, dout.size * math.prod(window)):
        return fastest(max_pool_gradient_numba, max_pool_gradient_numpy, *arguments)
    return max_pool_gradient_numpy(*arguments)


def max_pool_numpy(x, window, stride, pad):
    """``max_pool`` by its definition: all windows at once, position by position."""
    xp = array_module(x)
    size = output_size(x.shape[2:], window, stride, pad, (1, 1))
    padded = _padded(xp, x, pad, -xp.inf)
    maxima = xp.full((*x.shape[:2], *size), -xp.inf, x.dtype)
    switches = xp.empty(maxima.shape, _switch_type(window))
    # Where all is -inf, the first pixel wins, not the padding before it.
    first_rows, first_columns = (xp.maximum(0, p - s * xp.arange(n)) for n, s, p in zip(size, stride, pad, strict=True))
    switches[...] = first_rows[:, None] * window[1] + first_columns
    for position, seen in _positions(window, stride, size):
        pixels = padded[seen]
        larger = (pixels > maxima) | ((pixels != pixels) & (maxima == maxima))
        maxima[larger] = pixels[larger]
        switches[larger] = position
    return maxima, switches


def max_pool_gradient_numpy(dout, switches, shape, window, stride, pad):
    """``max_pool_gradient`` by its definition."""
    xp = array_module(dout, switches)
    dx = xp.zeros(_padded_shape(shape, pad), dout.dtype)
    for position, seen in _positions(window, stride, dout.shape[2:]):
        dx[seen] += xp.where(switches == position, dout, dout.dtype.type(0))
    return _inner(dx, pad)


def max_pool_numba(x, window, stride, pad):
    """``max_pool`` in parallel machine code. Raises ImportError where Numba is not installed."""
    from cs231n_kit.kernels import pooling_numba

    size = output_size(x.shape[2:], window, stride, pad, (1, 1))
    maxima = np.empty((*x.shape[:2], *size), x.dtype)
    switches = np.empty(maxima.shape, _switch_type(window))
    (x,) = _planes(x)
    with numba_threads():
        if (window, stride, pad) == ((2, 2), (2, 2), (0, 0)):
            pooling_numba.max_pool_2x2(x, *_planes(maxima, switches))
        else:
            pooling_numba.max_pool(x, *_planes(maxima, switches), (*window, *stride, *pad))
    return maxima, switches


def max_pool_gradient_numba(dout, switches, shape, window, stride, pad):
    """``max_pool_gradient`` in parallel machine code. Raises ImportError where Numba is not installed."""
    from cs231n_kit.kernels import pooling_numba

    dx = np.empty(shape, dout.dtype)
    with numba_threads():
        pooling_numba.max_pool_gradient(*_planes(dout, switches, dx), (*window, *stride, *pad))
    return dx


def average_pool(x, window, stride, pad):
    """Means of the windows, (N, C, H', W'); padding counts as zeros."""
    xp = array_module(x)
    size = output_size(x.shape[2:], window, stride, pad, (1, 1))
    padded = _padded(xp, x, pad, 0)
    sums = xp.zeros((*x.shape[:2], *size), x.dtype)
    for _, seen in _positions(window, stride, size):
        sums += padded[seen]
    sums /= math.prod(window)
    return sums


def average_pool_gradient(dout, shape, window, stride, pad):
    """Gradient (N, C, H, W) of the means: each dout is shared evenly by the pixels of its window."""
    dx = array_module(dout).zeros(_padded_shape(shape, pad), dout.dtype)
    share = dout / math.prod(window)
    for _, seen in _positions(window, stride, dout.shape[2:]):
        dx[seen] += share
    return _inner(dx, pad)


def _positions(window, stride, size):
    """For each position of the window, row by row: its number, and the index of the pixels that it sees."""
    (sh, sw), (height, width) = stride, size
    for i in range(window[0]):
        for j in range(window[1]):
            rows, columns = slice(i, i + sh * (height - 1) + 1, sh), slice(j, j + sw * (width - 1) + 1, sw)
            yield i * window[1] + j, (..., rows, columns)


def _switch_type(window):
    return np.min_scalar_type(math.prod(window) - 1)


def _padded(xp, x, pad, value):
    if not any(pad):
        return x
    return xp.pad(x, ((0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])), constant_values=value)


def _padded_shape(shape, pad):
    return (*shape[:2], shape[2] + 2 * pad[0], shape[3] + 2 * pad[1])


def _inner(dx, pad):
    """``_padded`` undone, as an array of its own."""
    (ph, pw), (H, W) = pad, dx.shape[2:]
    return array_module(dx).ascontiguousarray(dx[:, :, ph : H - ph, pw : W - pw])


def _is_worth_compiling(array, work):
    return array_module(array) is np and work >= WORTH_COMPILING


def _planes(*arrays):
    """(N C, H, W), contiguous and writeable, copied where they are not: for other kinds Numba would compile anew."""
    plain = [np.require(array, requirements=["C", "A", "W"]) for array in arrays]
    return [array.reshape(-1, *array.shape[2:]) for array in plain]
