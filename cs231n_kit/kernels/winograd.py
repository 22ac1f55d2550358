"""3x3 convolutions with fewer multiplications   (Winograd, 1980; Lavin and Gray, "Fast algorithms for ConvNets", 2016).

Two neighbouring outputs y0 and y1 of a filter g0, g1, g2 over the pixels d0 to d3 take 4 products instead of 6, each of
one combination of pixels and one of weights:

    p0 = (d0 - d2) g0,   p1 = (d1 + d2) (g0 + g1 + g2) / 2,   p2 = (d2 - d1) (g0 - g1 + g2) / 2,   p3 = (d1 - d3) g2,
    y0 = p0 + p1 + p2,   y1 = p1 - p2 - p3.

In both directions, tiles of 2 x 2 outputs take 16 instead of 36, and because all combinations are linear, the sum over
channels comes first: for each of the 16 a matrix product, tiles x channels times channels x filters. In y0 all that
comes from d3 is absent, and in y1 all from d0, so that rounding errors stay those of the window an output belongs to.
"""

import math

import numpy as np

from cs231n_kit.kernels.parallel import block_size, numba_threads

_WEIGHTS = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
_BOTH_DIRECTIONS = np.kron(_WEIGHTS, _WEIGHTS)  # (16, 9)
# The gradients of p0 to p3 are dy0, dy0 + dy1, dy0 - dy1 and -dy1; the kernel leaves out the last one's sign.
_SIGNED = _WEIGHTS * [[1], [1], [1], [-1]]
_BOTH_DIRECTIONS_SIGNED = np.kron(_SIGNED, _SIGNED)

ENOUGH_CHANNELS = 32  # with fewer, combining costs more than the products that it saves


def is_faster(x, w, stride, pad, dilation):
    """Whether the arguments of a convolution are such that this way pays."""
    if w.shape[2:] != (3, 3) or stride != (1, 1) or dilation != (1, 1) or max(pad) > 2:
        return False
    height, width = (size + 2 * p - 2 for size, p in zip(x.shape[2:], pad, strict=True))
    enough_outputs = min(height, width) >= 4 and len(x) * height * width >= 4 * max(w.shape[:2])
    return enough_outputs and min(w.shape[:2]) >= ENOUGH_CHANNELS


def convolution(x, w, b, pad):
    """Convolution of x (N, C, H, W) with w (F, C, 3, 3) plus b (F,), all contiguous and of one type, for a stride of 1.

    Returns None where the result is not finite, because differences of infinities are NaN.
    Raises ImportError where Numba is not installed.
    """
    from numba import get_num_threads

    from cs231n_kit.kernels import winograd_numba

    F, C = w.shape[:2]
    with np.errstate(all="ignore"):
        weights = _BOTH_DIRECTIONS.astype(w.dtype) @ w.transpose(2, 3, 1, 0).reshape(9, -1)
    out = np.empty((len(x), F, x.shape[2] + 2 * pad[0] - 2, x.shape[3] + 2 * pad[1] - 2), x.dtype)
    threads = get_num_threads()
    with numba_threads():
        arguments = x, weights.reshape(16, C, F), b, out, pad, *_block(out.shape, C, threads), threads
        total = winograd_numba.forward(*arguments)
    return out if math.isfinite(total) else None


def gradients(dout, x, w, pad, input_gradient=True):
    """(dx, dw) of ``convolution`` from dout (N, F, H', W'); dx is None unless asked for. pad may be 2 at most.

    Returns None where one of them is not finite. The last bits depend on the number of threads.
    Raises ImportError where Numba is not installed.
    """
    from numba import get_num_threads

    from cs231n_kit.kernels import winograd_numba

    F, C = w.shape[:2]
    dx = None
    if input_gradient:  # each pixel is seen by the window's positions in reverse
        reverse = np.ascontiguousarray(w[:, :, ::-1, ::-1].swapaxes(0, 1))
        dx = convolution(dout, reverse, np.zeros(C, w.dtype), (2 - pad[0], 2 - pad[1]))
        if dx is None:
            return None
    threads = get_num_threads()
    dweights = np.zeros((threads, 16, C, F), w.dtype)
    with numba_threads():
        winograd_numba.weight_gradients(x, dout, dweights, pad, *_block(dout.shape, C, threads))
    with np.errstate(all="ignore"):
        dw = _BOTH_DIRECTIONS_SIGNED.T.astype(w.dtype) @ dweights.sum(axis=0).reshape(16, -1)
    dw = np.ascontiguousarray(dw.reshape(3, 3, C, F).transpose(3, 2, 0, 1))
    return (dx, dw) if np.isfinite(dw).all() else None


def _block(out_shape, C, threads):
    """(images, rows): how many images a block is made of, and how many rows of tiles of each."""
    N, F, height, width = out_shape
    down, across = math.ceil(height / 2), math.ceil(width / 2)
    tiles = min(128, 10**6 // (C * F))  # OpenBLAS is at its fastest for products that small
    tiles = tiles if tiles >= 32 else 128
    return block_size(N, down, across, tiles, threads)
