"""Convolution as matrix products: the windows are unfolded into columns (im2col), block by block.

x is (N, C, H, W), w is (F, C, HH, WW), b is (F,), all of one type, float32 or float64; stride, pad and dilation are
pairs (along height, along width). Arguments are not checked here: see cs231n_kit.layers.convolution.
"""

import math

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels import winograd
from cs231n_kit.kernels.parallel import block_size, fastest, numba_threads

BLOCK = 1 << 17  # elements of the columns of a block, so that they stay in the cache
WORTH_COMPILING = 20_000_000  # multiply-adds; below, NumPy needs a few milliseconds at most


def output_size(size, window, stride, pad, dilation):
    """(H', W') for a window over size (H, W): 1 + (H + 2 pad - dilation (HH - 1) - 1) // stride, so for W'."""
    lengths = zip(size, window, stride, pad, dilation, strict=True)
    return tuple(1 + (n + 2 * p - d * (k - 1) - 1) // s for n, k, s, p, d in lengths)


def convolution(x, w, b, stride, pad, dilation):
    """Cross-correlation of x with the filters w, plus b, shape (N, F, H', W')."""
    if _is_pointwise(w, stride, pad):
        return _pointwise(x, w, b)
    if _is_worth_compiling(x, w, stride, pad, dilation):
        return fastest(convolution_numba, convolution_numpy, x, w, b, stride, pad, dilation)
    return convolution_numpy(x, w, b, stride, pad, dilation)


def convolution_gradients(dout, x, w, stride, pad, dilation, input_gradient=True):
    """Gradients (dx, dw, db) of ``convolution`` from dout (N, F, H', W'); dx is None unless it is asked for."""
    if _is_pointwise(w, stride, pad):
        return _pointwise_gradients(dout, x, w, input_gradient)
    arguments = dout, x, w, stride, pad, dilation, input_gradient
    if _is_worth_compiling(x, w, stride, pad, dilation):
        return fastest(convolution_gradients_numba, convolution_gradients_numpy, *arguments)
    return convolution_gradients_numpy(*arguments)


def convolution_numpy(x, w, b, stride, pad, dilation):
    """``convolution`` by its definition, a block of images at a time."""
    xp = array_module(x, w, b)
    N, F = len(x), len(w)
    height, width = output_size(x.shape[2:], w.shape[2:], stride, pad, dilation)
    out = xp.empty((N, F, height, width), x.dtype)
    for block in _blocks(N, w, height * width):
        columns = _unfold(_padded(xp, x[block], pad), w.shape, (height, width), stride, dilation)
        products = w.reshape(F, -1) @ columns.reshape(w[0].size, -1)
        out[block] = products.reshape(F, -1, height, width).swapaxes(0, 1)
    out += b[:, None, None]
    return out


def convolution_gradients_numpy(dout, x, w, stride, pad, dilation, input_gradient=True):
    """``convolution_gradients`` by its definition, a block of images at a time."""
    xp = array_module(dout, x, w)
    N, F, height, width = dout.shape
    rows = w.reshape(F, -1)
    dx = xp.empty_like(x, order="C") if input_gradient else None
    dw = xp.zeros(rows.shape, rows.dtype)
    for block in _blocks(N, w, height * width):
        images = _padded(xp, x[block], pad)
        columns = _unfold(images, w.shape, (height, width), stride, dilation)
        gradient = dout[block].swapaxes(0, 1).reshape(F, -1)
        dw += gradient @ columns.reshape(len(rows[0]), -1).T
        if input_gradient:
            dcolumns = (rows.T @ gradient).reshape(columns.shape)
            dx[block] = _inner(_fold(dcolumns, images.shape, stride, dilation), pad)
    return dx, dw.reshape(w.shape), dout.sum(axis=(0, 2, 3))


def convolution_numba(x, w, b, stride, pad, dilation):
    """``convolution`` in parallel machine code. Raises ImportError where Numba is not installed."""
    from numba import get_num_threads

    from cs231n_kit.kernels import convolution_numba

    x, w, b = _plain(x, w, b)
    if winograd.is_faster(x, w, stride, pad, dilation):
        out = winograd.convolution(x, w, b, pad)
        if out is not None:
            return out
    geometry = _geometry(x, w, stride, pad, dilation)
    out = np.empty((len(x), len(w), *geometry[5:7]), x.dtype)
    threads = get_num_threads()
    with numba_threads():
        arguments = x.reshape(-1), w.reshape(len(w), -1), b, out.reshape(-1)
        convolution_numba.forward(*arguments, geometry, *_block(out.shape, w, threads), threads)
    return out


def convolution_gradients_numba(dout, x, w, stride, pad, dilation, input_gradient=True):
    """``convolution_gradients`` in parallel machine code. Raises ImportError where Numba is not installed.

    Each thread sums up dw over its share of the work: the last bits depend on the number of threads.
    """
    from numba import get_num_threads

    from cs231n_kit.kernels import convolution_numba

    dout, x, w = _plain(dout, x, w)
    db = dout.sum(axis=(0, 2, 3))
    if winograd.is_faster(x, w, stride, pad, dilation):
        dx_and_dw = winograd.gradients(dout, x, w, pad, input_gradient)
        if dx_and_dw is not None:
            return *dx_and_dw, db
    geometry = _geometry(x, w, stride, pad, dilation)
    threads = get_num_threads()
    copies = threads if len(x) < threads else 1
    dx = np.zeros((copies, x.size if input_gradient else 0), x.dtype)
    dw = np.zeros((threads, w[0].size, len(w)), w.dtype)
    with numba_threads():
        arguments = dout.reshape(-1), x.reshape(-1), w.reshape(len(w), -1), dx, dw
        convolution_numba.backward(*arguments, geometry, *_block(dout.shape, w, threads))
    dx = (dx[0] if copies == 1 else dx.sum(axis=0)).reshape(x.shape) if input_gradient else None
    return dx, np.ascontiguousarray(dw.sum(axis=0).T).reshape(w.shape), db


def _is_pointwise(w, stride, pad):
    return w.shape[2:] == stride == (1, 1) and pad == (0, 0)


def _pointwise(x, w, b):
    """A 1x1 window needs no columns: the pixels are columns already."""
    products = w[:, :, 0, 0] @ x.reshape(*x.shape[:2], -1)
    products += b[:, None]
    return products.reshape(len(x), len(w), *x.shape[2:])


def _pointwise_gradients(dout, x, w, input_gradient):
    xp = array_module(dout, x, w)
    pixels, gradients = x.reshape(*x.shape[:2], -1), dout.reshape(*dout.shape[:2], -1)
    dx = (w[:, :, 0, 0].T @ gradients).reshape(x.shape) if input_gradient else None
    dw = xp.tensordot(gradients, pixels, axes=((0, 2), (0, 2)))
    return dx, dw.reshape(w.shape), dout.sum(axis=(0, 2, 3))


def _is_worth_compiling(x, w, stride, pad, dilation):
    outputs = math.prod(output_size(x.shape[2:], w.shape[2:], stride, pad, dilation))
    return array_module(x) is np and len(x) * outputs * w.size >= WORTH_COMPILING


def _blocks(N, w, pixels):
    step = max(1, BLOCK // (w[0].size * pixels))
    return [slice(n, n + step) for n in range(0, N, step)]


def _unfold(images, w_shape, size, stride, dilation):
    """Columns (C, HH, WW, N, H', W'): what each position of the window sees, wherever the window lies."""
    _, C, HH, WW = w_shape
    columns = array_module(images).empty((C, HH, WW, len(images), *size), images.dtype)
    for i in range(HH):
        for j in range(WW):
            columns[:, i, j] = images[_seen(i, j, size, stride, dilation)].swapaxes(0, 1)
    return columns


def _fold(columns, shape, stride, dilation):
    """The transpose of ``_unfold``: each pixel's sum over all positions of all windows that see it."""
    images = array_module(columns).zeros(shape, columns.dtype)
    for i in range(columns.shape[1]):
        for j in range(columns.shape[2]):
            images[_seen(i, j, columns.shape[4:], stride, dilation)] += columns[:, i, j].swapaxes(0, 1)
    return images


def _seen(i, j, size, stride, dilation):
    """Index of the pixels of (N, C, H, W) that position (i, j) of the window sees."""
    places = zip((i, j), size, stride, dilation, strict=True)
    return (..., *(slice(k * d, k * d + s * (n - 1) + 1, s) for k, n, s, d in places))


def _padded(xp, images, pad):
    return xp.pad(images, ((0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1]))) if any(pad) else images


def _inner(images, pad):
    """``_padded`` undone; [pad:-pad] would be empty for pad = 0."""
    (ph, pw), (H, W) = pad, images.shape[2:]
    return images[:, :, ph : H - ph, pw : W - pw]


def _geometry(x, w, stride, pad, dilation):
    """The sizes that the compiled kernels take, in their order."""
    size = output_size(x.shape[2:], w.shape[2:], stride, pad, dilation)
    return (*x.shape[1:], *w.shape[2:], *size, *stride, *pad, *dilation)


def _plain(*arrays):
    """Contiguous and writeable, copied where they are not: for other kinds of arrays Numba would compile anew."""
    return [np.require(array, requirements=["C", "A", "W"]) for array in arrays]


def _block(out_shape, w, threads):
    """(images, rows): how many images a block of the compiled kernels is made of, and how many output rows of each."""
    N, _, height, width = out_shape
    columns = max(BLOCK // w[0].size, 256)  # with fewer BLAS gets slow,
    if w.size * 192 <= 10**6:  # except that OpenBLAS is at its fastest where a product is that small
        columns = 192
    return block_size(N, height, width, columns, threads)
