"""Convolution in machine code: each thread unfolds a block of windows, and BLAS multiplies it while it is in the cache.

Arrays are flat where they are indexed, and inner indices unsigned: signed ones (which may count from the end) keep
LLVM from vectorising. A geometry is (C, H, W, HH, WW, H', W', strides, pads, dilations), all along height and width.
A block is `rows` output rows of each of `images` images; blocks are counted image by image. A block's columns are
(K, width) with K = C HH WW, and as wide as it has outputs in a channel.
"""

import numpy as np
from numba import prange

from cs231n_kit.kernels.parallel import compiled


@compiled(parallel=True)
def forward(x, w, b, out, geometry, images, rows, threads):
    """Fill out, flat (N, F, H', W'), from x, flat, w (F, K) and b (F,)."""
    OH, OW = geometry[5], geometry[6]
    F, K = w.shape
    N = out.size // (F * OH * OW)
    blocks = count_blocks(N, OH, images, rows)
    for thread in prange(threads):
        columns_memory = np.empty(K * images * rows * OW, x.dtype)
        result_memory = np.empty(F * images * rows * OW, x.dtype)
        shifted = np.empty(_seen_rows(rows, geometry) * OW, x.dtype)
        for block in range(thread * blocks // threads, (thread + 1) * blocks // threads):
            first, last, top, bottom = extent(block, N, OH, images, rows)
            width = (last - first) * (bottom - top) * OW
            columns, result = columns_memory[: K * width], result_memory[: F * width]
            _unfold(x, shifted, columns, first, last, top, bottom, geometry)
            np.dot(w, columns.reshape(K, width), result.reshape(F, width))
            _store(result, b, out, first, last, top, bottom, OH, OW)


@compiled(parallel=True)
def backward(dout, x, w, dx, dw, geometry, images, rows):
    """Add to dw (threads, K, F), a share of the blocks by each thread, and to dx (copies, size) unless it is empty.

    Each thread has a copy of dx, or all share one and each has images of its own: rows of an image's dx overlap.
    """
    OH, OW = geometry[5], geometry[6]
    F, K = w.shape
    N = dout.size // (F * OH * OW)
    blocks, threads, copies = count_blocks(N, OH, images, rows), len(dw), len(dx)
    together = count_blocks(1, OH, 1, rows) if copies == 1 else 1
    units = blocks // together
    w_transposed = np.ascontiguousarray(w.T)
    for thread in prange(threads):
        columns_memory = np.empty(K * images * rows * OW, x.dtype)
        gradient_memory = np.empty((2, F * images * rows * OW), x.dtype)
        shifted = np.empty(_seen_rows(rows, geometry) * OW, x.dtype)
        share = np.empty((K, F), x.dtype)
        for block in range(thread * units // threads * together, (thread + 1) * units // threads * together):
            first, last, top, bottom = extent(block, N, OH, images, rows)
            width = (last - first) * (bottom - top) * OW
            columns = columns_memory[: K * width]
            gradient, transposed = gradient_memory[0, : F * width], gradient_memory[1, : F * width]
            _load(dout, gradient, transposed, first, last, top, bottom, OH, OW, F)
            _unfold(x, shifted, columns, first, last, top, bottom, geometry)
            np.dot(columns.reshape(K, width), transposed.reshape(width, F), share)
            add(share.reshape(-1), dw[thread].reshape(-1))
            if dx.size:
                np.dot(w_transposed, gradient.reshape(F, width), columns.reshape(K, width))
                _fold(columns, shifted, dx[thread % copies], first, last, top, bottom, geometry)


@compiled()
def count_blocks(N, OH, images, rows):
    """How many blocks of so many images and rows there are in N images of OH rows."""
    return ((N + images - 1) // images) * ((OH + rows - 1) // rows)


@compiled()
def extent(block, N, OH, images, rows):
    """(first, last, top, bottom): the images first <= n < last and the output rows top <= i < bottom of a block."""
    bands = (OH + rows - 1) // rows
    first, top = block // bands * images, block % bands * rows
    return first, min(N, first + images), top, min(OH, top + rows)


@compiled()
def _seen_rows(rows, geometry):
    """How many rows of pixels, padding included, the windows of so many output rows see."""
    return (rows - 1) * geometry[7] + (geometry[3] - 1) * geometry[11] + 1


@compiled()
def _unfold(x, shifted, columns, first, last, top, bottom, geometry):
    """columns[c, kh, kw, n, i, j] = what position (kh, kw) of the window at (i, j) sees in channel c of image n.

    The pixels that column kw of the windows sees are shifted into place once, for all the kh that see them.
    """
    C, H, W, HH, WW, _, OW, sh, sw, ph, pw, dh, dw = geometry
    height, step, start = bottom - top, np.uint64(sw), top * sh - ph
    for n in range(first, last):
        for c in range(C):
            for kw in range(WW):
                low, high = inside(W, OW, sw, kw * dw - pw)
                for i in range(_seen_rows(height, geometry)):
                    row, at = start + i, np.uint64(i * OW)
                    if row < 0 or row >= H or low == high:
                        for j in range(np.uint64(OW)):
                            shifted[at + j] = 0
                        continue
                    for j in range(np.uint64(low)):
                        shifted[at + j] = 0
                    for j in range(np.uint64(high), np.uint64(OW)):
                        shifted[at + j] = 0
                    at += np.uint64(low)
                    source = np.uint64(((n * C + c) * H + row) * W + low * sw + kw * dw - pw)
                    if sw == 1:
                        for j in range(np.uint64(high - low)):
                            shifted[at + j] = x[source + j]
                    else:
                        for j in range(np.uint64(high - low)):
                            shifted[at + j] = x[source + j * step]
                for kh in range(HH):
                    place = (((c * HH + kh) * WW + kw) * (last - first) + n - first) * height * OW
                    length = height * OW if sh == 1 else OW  # without a stride the rows lie next to each other
                    for i in range(height if sh > 1 else 1):
                        at, source = np.uint64(place + i * OW), np.uint64((i * sh + kh * dh) * OW)
                        for j in range(np.uint64(length)):
                            columns[at + j] = shifted[source + j]


@compiled()
def _fold(columns, shifted, dx, first, last, top, bottom, geometry):
    """The transpose of ``_unfold``: add each entry of columns to the place in dx that it would come from."""
    C, H, W, HH, WW, _, OW, sh, sw, ph, pw, dh, dw = geometry
    height, step, start = bottom - top, np.uint64(sw), top * sh - ph
    for n in range(first, last):
        for c in range(C):
            for kw in range(WW):
                low, high = inside(W, OW, sw, kw * dw - pw)
                shifted[:] = 0
                for kh in range(HH):
                    place = (((c * HH + kh) * WW + kw) * (last - first) + n - first) * height * OW
                    length = height * OW if sh == 1 else OW
                    for i in range(height if sh > 1 else 1):
                        source, at = np.uint64(place + i * OW), np.uint64((i * sh + kh * dh) * OW)
                        for j in range(np.uint64(length)):
                            shifted[at + j] += columns[source + j]
                for i in range(max(0, -start), min(H - start, _seen_rows(height, geometry))):
                    source = np.uint64(i * OW + low)
                    at = np.uint64(((n * C + c) * H + start + i) * W + low * sw + kw * dw - pw)
                    if sw == 1:
                        for j in range(np.uint64(high - low)):
                            dx[at + j] += shifted[source + j]
                    else:
                        for j in range(np.uint64(high - low)):
                            dx[at + j * step] += shifted[source + j]


@compiled()
def inside(size, outputs, stride, offset):
    """(low, high): for low <= j < high, and no other outputs j, 0 <= j * stride + offset < size."""
    low = min(outputs, max(0, -(offset // stride)))
    high = min(outputs, (size - 1 - offset) // stride + 1)
    return low, max(low, high)


@compiled()
def _store(result, b, out, first, last, top, bottom, OH, OW):
    """Move result (F, images, rows, W') into out, flat (N, F, H', W'), and add the biases on the way."""
    F, length = len(b), np.uint64((bottom - top) * OW)
    source = np.uint64(0)
    for f in range(F):
        for n in range(first, last):
            target = np.uint64(((n * F + f) * OH + top) * OW)
            for j in range(length):
                out[target + j] = result[source + j] + b[f]
            source += length


@compiled()
def _load(dout, gradient, transposed, first, last, top, bottom, OH, OW, F):
    """Gather a block of dout, flat (N, F, H', W'), as gradient (F, images, rows, W'), and that transposed."""
    length = np.uint64((bottom - top) * OW)
    target = np.uint64(0)
    for f in range(F):
        at = np.uint64(f)
        for n in range(first, last):
            source = np.uint64(((n * F + f) * OH + top) * OW)
            for j in range(length):
                gradient[target + j] = dout[source + j]
            for j in range(length):
                transposed[at] = dout[source + j]
                at += np.uint64(F)
            target += length


@compiled()
def add(a, total):
    """Add a to total, both flat."""
    for i in range(np.uint64(len(a))):
        total[i] += a[i]
