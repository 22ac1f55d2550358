"""Max pooling in machine code: the planes (images of one channel) are shared out among the threads.

Arrays are (planes, height, width); a layout is the window, stride and pad, each along height and width. Inner indices
are unsigned: signed ones (which may count from the end) keep LLVM from vectorising.
"""

import numpy as np
from numba import prange

from cs231n_kit.kernels.parallel import compiled


@compiled(parallel=True)
def max_pool(x, maxima, switches, layout):
    """Fill maxima and switches (the position in the window, counted row by row, of the first maximum)."""
    planes, H, W = x.shape
    for plane in prange(planes):
        _max_pool(x[plane].reshape(H * W), W, maxima[plane], switches[plane], layout)


@compiled()
def _max_pool(x, W, maxima, switches, layout):
    """One plane, x flat; a row of windows is compared position by position, which vectorises."""
    HH, WW, sh, sw, ph, pw = layout
    H = x.size // W
    height, width = maxima.shape
    step = np.uint64(sw)
    for i in range(height):
        best, winner = maxima[i], switches[i]
        top, bottom = max(0, ph - i * sh), min(HH, H + ph - i * sh)  # rows of the window that lie in the image
        for j in range(width):
            best[j] = -np.inf
            winner[j] = top * WW + max(0, pw - j * sw)  # where all is -inf, the first pixel wins
        for k in range(top, bottom):
            row = (i * sh + k - ph) * W
            for m in range(WW):
                low = min(width, max(0, -((m - pw) // sw)))
                high = max(low, min(width, (W - 1 + pw - m) // sw + 1))
                if low == high:
                    continue
                position = winner.dtype.type(k * WW + m)
                first, source = np.uint64(low), np.uint64(row + low * sw + m - pw)
                length = np.uint64(high - low)
                if sw == 1:
                    _compare(x, source, np.uint64(1), best, winner, first, length, position)
                elif sw == 2:
                    _compare(x, source, np.uint64(2), best, winner, first, length, position)
                else:
                    _compare(x, source, np.uint64(sw), best, winner, first, length, position)


@compiled(inline="always")
def _compare(x, source, step, best, winner, first, length, position):
    """Let the pixels that one position of the window sees compete with the largest so far."""
    for j in range(length):
        pixel, largest = x[source + j * step], best[first + j]
        larger = (pixel > largest) | ((pixel != pixel) & (largest == largest))
        best[first + j] = pixel if larger else largest
        winner[first + j] = position if larger else winner[first + j]


@compiled(parallel=True)
def max_pool_gradient(dout, switches, dx, layout):
    """Fill dx: zeros, and dout added where the switches point."""
    WW, sh, sw, ph, pw = layout[1:]
    planes, height, width = dout.shape
    W = dx.shape[2]
    corners = np.empty(layout[0] * WW, np.int64)
    for position in range(len(corners)):
        corners[position] = position // WW * W + position % WW
    for plane in prange(planes):
        target = dx[plane].reshape(-1)
        target[:] = 0
        for i in range(height):
            start = (i * sh - ph) * W - pw
            for j in range(width):
                target[np.uint64(start + j * sw + corners[switches[plane, i, j]])] += dout[plane, i, j]
