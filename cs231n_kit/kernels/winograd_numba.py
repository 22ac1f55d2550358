"""The minimal filtering of ``cs231n_kit.kernels.winograd`` in machine code.

Images are rearranged with the channels of a pixel next to each other and the even columns of a row before the odd
ones, so that combining pixels is long loops over consecutive numbers. A tile is 2 x 2 outputs; a block is `rows` rows
of tiles of each of `images` images. Combinations are (16, tiles x channels), one row for each product.
"""

import numpy as np
from numba import prange

from cs231n_kit.kernels.convolution_numba import add, count_blocks, extent
from cs231n_kit.kernels.parallel import compiled


@compiled(parallel=True)
def forward(x, weights, b, out, pad, images, rows, threads):
    """Fill out (N, F, H', W') from x (N, C, H, W) and combined weights (16, C, F).

    Returns a number that is not finite if an output is not.
    """
    N, C = x.shape[:2]
    F, height, width = out.shape[1:]
    down, across = (height + 1) // 2, (width + 1) // 2
    blocks = count_blocks(N, down, images, rows)
    totals = np.zeros(threads, x.dtype)
    for thread in prange(threads):
        lines = np.empty((2 * rows + 2, 2 * (across + 1) * C), x.dtype)
        scratch = np.empty((4, 2 * (across + 1) * C), x.dtype)
        pixels = np.empty((16, images * rows * across * C), x.dtype)
        products = np.empty((16, images * rows * across * F), x.dtype)
        for block in range(thread * blocks // threads, (thread + 1) * blocks // threads):
            first, last, top, bottom = extent(block, N, down, images, rows)
            tiles = (last - first) * (bottom - top) * across
            _combine_all_pixels(x, first, last, top, bottom, pad, lines, scratch, pixels, across)
            for k in range(16):
                row_pixels, row_products = pixels[k, : tiles * C], products[k, : tiles * F]
                np.dot(row_pixels.reshape(tiles, C), weights[k], row_products.reshape(tiles, F))
            at = 0
            for n in range(first, last):
                for row in range(top, bottom):
                    totals[thread] += _sum_products(products, at, at + across * F)
                    _store(products, at, b, out[n], 2 * row)
                    at += across * F
    return totals.sum()


@compiled(parallel=True)
def weight_gradients(x, dout, dweights, pad, images, rows):
    """Add the gradients of the combined weights to dweights (threads, 16, C, F): each thread those of its blocks."""
    N, C = x.shape[:2]
    F, height, width = dout.shape[1:]
    down, across = (height + 1) // 2, (width + 1) // 2
    blocks, threads = count_blocks(N, down, images, rows), len(dweights)
    for thread in prange(threads):
        lines = np.empty((2 * rows + 2, 2 * (across + 1) * C), x.dtype)
        dlines = np.empty((2 * rows, 2 * across * F), x.dtype)
        scratch = np.empty((4, 2 * (across + 1) * max(C, F)), x.dtype)
        pixels = np.empty((16, images * rows * across * C), x.dtype)
        gradients = np.empty((16, images * rows * across * F), x.dtype)
        share = np.empty((C, F), x.dtype)
        for block in range(thread * blocks // threads, (thread + 1) * blocks // threads):
            first, last, top, bottom = extent(block, N, down, images, rows)
            tiles = (last - first) * (bottom - top) * across
            _combine_all_pixels(x, first, last, top, bottom, pad, lines, scratch, pixels, across)
            at = 0
            for n in range(first, last):
                _gather(dout[n], dlines, 2 * (bottom - top), 2 * top, 0, across)
                for row in range(bottom - top):
                    _combine_gradients(dlines[2 * row], dlines[2 * row + 1], scratch, gradients, at)
                    at += across * F
            for k in range(16):
                row_pixels, row_gradients = pixels[k, : tiles * C], gradients[k, : tiles * F]
                np.dot(row_pixels.reshape(tiles, C).T, row_gradients.reshape(tiles, F), share)
                add(share.reshape(-1), dweights[thread, k].reshape(-1))


@compiled()
def _combine_all_pixels(x, first, last, top, bottom, pad, lines, scratch, pixels, across):
    """Fill pixels with the combinations of pixels that the tiles of a block need."""
    at = 0
    for n in range(first, last):
        _gather(x[n], lines, 2 * (bottom - top) + 2, 2 * top - pad[0], pad[1], across + 1)
        for row in range(bottom - top):
            _combine_pixels(lines[2 * row : 2 * row + 4], x.shape[1], scratch, pixels, at)
            at += across * x.shape[1]


@compiled()
def _gather(image, lines, count, top, pad, columns):
    """Fill `count` lines (2, columns, C) with the rows from `top` on of an image (C, H, W); outside of it are zeros."""
    C, H, W = image.shape
    pixels, channels = image.reshape(-1), np.uint64(C)
    for i in range(count):
        line, row = lines[i], top + i
        if row < 0 or row >= H:
            line[:] = 0
            continue
        for j in range(2 * columns):
            if j < pad or j >= pad + W:
                at = (j % 2 * columns + j // 2) * C
                line[at : at + C] = 0
        for parity in range(2):
            start = pad + (pad + parity) % 2
            for c in range(C):
                source = np.uint64((c * H + row) * W + start - pad)
                target = np.uint64((parity * columns + start // 2) * C + c)
                for _ in range((pad + W - start + 1) // 2):
                    line[target] = pixels[source]
                    target += channels
                    source += np.uint64(2)


@compiled()
def _combine_pixels(lines, C, scratch, pixels, at):
    """Combine 4 lines to a row of tiles: d0 - d2, d1 + d2, d2 - d1 and d1 - d3, downwards and then across."""
    size = lines.shape[1]
    _subtract(lines[0], lines[2], scratch[0], size)
    _sum(lines[1], lines[2], scratch[1], size)
    _subtract(lines[2], lines[1], scratch[2], size)
    _subtract(lines[1], lines[3], scratch[3], size)
    length = size // 2 - C
    for k in range(4):
        even, odd = scratch[k], scratch[k, size // 2 :]
        next_even, next_odd = even[C:], odd[C:]
        _subtract(even, next_even, pixels[4 * k, at:], length)
        _sum(odd, next_even, pixels[4 * k + 1, at:], length)
        _subtract(next_even, odd, pixels[4 * k + 2, at:], length)
        _subtract(odd, next_odd, pixels[4 * k + 3, at:], length)


@compiled()
def _combine_gradients(upper, lower, scratch, gradients, at):
    """Combine 2 lines of dout to a row of tiles: y0, y0 + y1, y0 - y1 and y1, downwards and then across."""
    size = len(upper)
    _copy(upper, scratch[0], size)
    _sum(upper, lower, scratch[1], size)
    _subtract(upper, lower, scratch[2], size)
    _copy(lower, scratch[3], size)
    for k in range(4):
        even, odd = scratch[k], scratch[k, size // 2 :]
        _copy(even, gradients[4 * k, at:], size // 2)
        _sum(even, odd, gradients[4 * k + 1, at:], size // 2)
        _subtract(even, odd, gradients[4 * k + 2, at:], size // 2)
        _copy(odd, gradients[4 * k + 3, at:], size // 2)


@compiled()
def _copy(a, result, size):
    for j in range(np.uint64(size)):
        result[j] = a[j]


@compiled()
def _sum(a, b, result, size):
    for j in range(np.uint64(size)):
        result[j] = a[j] + b[j]


@compiled()
def _subtract(a, b, result, size):
    for j in range(np.uint64(size)):
        result[j] = a[j] - b[j]


@compiled()
def _sum_products(p, start, stop):
    """Sum up products to outputs, downwards and then across, in rows 0, 3, 12 and 15. Returns the sum of those."""
    for k in range(4):
        _sums(p[k, start:stop], p[k + 4, start:stop], p[k + 8, start:stop], p[k + 12, start:stop])
    total = p.dtype.type(0)
    for k in (0, 12):
        total += _sums(p[k, start:stop], p[k + 1, start:stop], p[k + 2, start:stop], p[k + 3, start:stop])
    return total


@compiled()
def _sums(p0, p1, p2, p3):
    """p0 + p1 + p2 into p0 and p1 - p2 - p3 into p3; returns the sum of both."""
    total = p0.dtype.type(0)
    for j in range(np.uint64(len(p0))):
        first, second = p0[j] + p1[j] + p2[j], p1[j] - p2[j] - p3[j]
        p0[j], p3[j] = first, second
        total += first + second
    return total


@compiled()
def _store(products, start, b, image, row):
    """Write a row of tiles, plus the biases, into row `row` and, if there is one, row + 1 of an image (F, H', W')."""
    F, height, width = image.shape
    pixels, step = image.reshape(-1), np.uint64(F)
    for lower in range(min(2, height - row)):
        even, odd = products[12 * lower], products[12 * lower + 3]
        for f in range(F):
            source, target = np.uint64(start + f), np.uint64((f * height + row + lower) * width)
            for _ in range(width // 2):
                pixels[target] = even[source] + b[f]
                pixels[target + np.uint64(1)] = odd[source] + b[f]
                target += np.uint64(2)
                source += step
            if width % 2:
                pixels[target] = even[source] + b[f]
