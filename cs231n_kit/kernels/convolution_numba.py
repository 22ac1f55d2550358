"""Convolution in machine code: each thread unfolds a block of windows, and BLAS multiplies it while it is in the cache.

Arrays are flat where they are indexed, and inner indices unsigned: signed ones (which may count from the end) keep
LLVM from vectorising. A geometry is (C, H, W, HH, WW, H', W', strides, pads, dilations), all along height and width.
Output rows of all images are counted through: row r belongs to image r // H'.
"""

import numpy as np
from numba import prange

from cs231n_kit.kernels.parallel import compiled


@compiled(parallel=True)
def forward(x, w, b, out, geometry, rows, threads):
    """Fill out, flat (N, F, H', W'), from x, flat, w (F, K) and b (F,), `rows` output rows at a time."""
    OH, OW = geometry[5], geometry[6]
    F, K = w.shape
    every_row = out.size // (F * OW)
    blocks = (every_row + rows - 1) // rows
    for thread in prange(threads):
        columns_memory = np.empty(K * rows * OW, x.dtype)
        result_memory = np.empty(F * rows * OW, x.dtype)
        for block in range(thread * blocks // threads, (thread + 1) * blocks // threads):
            start, stop = block * rows, min((block + 1) * rows, every_row)
            width = (stop - start) * OW
            columns, result = columns_memory[: K * width], result_memory[: F * width]
            _unfold(x, columns, start, stop, geometry)
            np.dot(w, columns.reshape(K, width), result.reshape(F, width))
            _store(result, b, out, start, stop, OH, OW)


@compiled(parallel=True)
def backward(dout, x, w, dx, dw, geometry, rows):
    """Add to dx, flat, unless it is empty, and to dw (threads, F, K), a share of the images for each thread."""
    OH, OW = geometry[5], geometry[6]
    threads, F, K = dw.shape
    N = dout.size // (F * OH * OW)
    w_transposed = np.ascontiguousarray(w.T)
    for thread in prange(threads):
        columns_memory = np.empty(K * rows * OW, x.dtype)
        dout_memory = np.empty(F * rows * OW, x.dtype)
        share = np.empty((F, K), x.dtype)
        first, last = thread * N // threads * OH, (thread + 1) * N // threads * OH
        for start in range(first, last, rows):
            stop = min(start + rows, last)
            width = (stop - start) * OW
            columns, gradient = columns_memory[: K * width], dout_memory[: F * width]
            _load(dout, gradient, start, stop, OH, OW, F)
            _unfold(x, columns, start, stop, geometry)
            np.dot(gradient.reshape(F, width), columns.reshape(K, width).T, share)
            dw[thread] += share
            if dx.size:
                np.dot(w_transposed, gradient.reshape(F, width), columns.reshape(K, width))
                _fold(columns, dx, start, stop, geometry)


@compiled()
def _unfold(x, columns, start, stop, geometry):
    """columns[c, kh, kw, r, j] = what position (kh, kw) of the window at output row r, column j sees in channel c."""
    C, H, W, HH, WW, OH, OW, sh, sw, ph, pw, dh, dw = geometry
    step = np.uint64(sw)
    at = np.uint64(0)
    for c in range(C):
        for kh in range(HH):
            for kw in range(WW):
                low, high = _inside(W, OW, sw, kw * dw - pw)
                before, within, after = np.uint64(low), np.uint64(high - low), np.uint64(OW - high)
                n, i = start // OH, start % OH
                for _ in range(start, stop):
                    row = i * sh + kh * dh - ph
                    if row < 0 or row >= H or low == high:
                        for j in range(np.uint64(OW)):
                            columns[at + j] = 0
                    else:
                        source = np.uint64(((n * C + c) * H + row) * W + low * sw + kw * dw - pw)
                        for j in range(before):
                            columns[at + j] = 0
                        target = at + before
                        if sw == 1:
                            for j in range(within):
                                columns[target + j] = x[source + j]
                        else:
                            for j in range(within):
                                columns[target + j] = x[source + j * step]
                        target += within
                        for j in range(after):
                            columns[target + j] = 0
                    at += np.uint64(OW)
                    i += 1
                    if i == OH:
                        i, n = 0, n + 1


@compiled()
def _fold(columns, dx, start, stop, geometry):
    """The transpose of ``_unfold``: add each entry of columns to the place in dx that it would come from."""
    C, H, W, HH, WW, OH, OW, sh, sw, ph, pw, dh, dw = geometry
    step = np.uint64(sw)
    at = np.uint64(0)
    for c in range(C):
        for kh in range(HH):
            for kw in range(WW):
                low, high = _inside(W, OW, sw, kw * dw - pw)
                within = np.uint64(high - low)
                n, i = start // OH, start % OH
                for _ in range(start, stop):
                    row = i * sh + kh * dh - ph
                    if 0 <= row < H and low < high:
                        target = np.uint64(((n * C + c) * H + row) * W + low * sw + kw * dw - pw)
                        source = at + np.uint64(low)
                        if sw == 1:
                            for j in range(within):
                                dx[target + j] += columns[source + j]
                        else:
                            for j in range(within):
                                dx[target + j * step] += columns[source + j]
                    at += np.uint64(OW)
                    i += 1
                    if i == OH:
                        i, n = 0, n + 1


@compiled()
def _inside(size, outputs, stride, offset):
    """(low, high): for low <= j < high, and no other outputs j, 0 <= j * stride + offset < size."""
    low = min(outputs, max(0, -(offset // stride)))
    high = min(outputs, (size - 1 - offset) // stride + 1)
    return low, max(low, high)


@compiled()
def _store(result, b, out, start, stop, OH, OW):
    """Move result (F, rows, W') into out, flat (N, F, H', W'), and add the biases on the way."""
    F = len(b)
    source = np.uint64(0)
    for f in range(F):
        n, i = start // OH, start % OH
        while n * OH + i < stop:
            run = min(OH - i, stop - n * OH - i)  # rows of one image lie next to each other
            target = np.uint64(((n * F + f) * OH + i) * OW)
            length = np.uint64(run * OW)
            for j in range(length):
                out[target + j] = result[source + j] + b[f]
            source += length
            i, n = 0, n + 1


@compiled()
def _load(dout, gradient, start, stop, OH, OW, F):
    """Gather rows start to stop of dout, flat (N, F, H', W'), as gradient (F, rows, W')."""
    target = np.uint64(0)
    for f in range(F):
        n, i = start // OH, start % OH
        while n * OH + i < stop:
            run = min(OH - i, stop - n * OH - i)
            source = np.uint64(((n * F + f) * OH + i) * OW)
            length = np.uint64(run * OW)
            for j in range(length):
                gradient[target + j] = dout[source + j]
            target += length
            i, n = 0, n + 1
