"""Convolution in CUDA: the functions of cs231n_kit.kernels.convolution, with kernels of convolution.cu behind them.

Raises TypeError or ValueError for arrays that do not fit together, OverflowError beyond what the kernels count.
"""

import math

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels import cuda
from cs231n_kit.kernels.convolution import is_pointwise, output_size, pointwise, pointwise_gradients

BLOCK = 1 << 25  # numbers in the columns of a block of images (128 MB); an image that has more is a block of its own
TILE = (32, 8)  # outputs along width and height that a block of threads of the direct kernel computes
FILTERS = 8  # for each of them; as in convolution.cu, where they are registers
SHARED_BYTES = 48 << 10  # of shared memory, which a block of threads may use


def convolution(x, w, b, stride, pad, dilation):
    """Columns, a matrix product (cuBLAS) and the biases, a block of images at a time."""
    (x, w, b), size, stride, pad, dilation = _checked(x, w, stride, pad, dilation, b=b)
    if is_pointwise(w, stride, pad):
        return pointwise(x, w, b)
    N, F = len(x), len(w)
    out = cuda.empty((N, F, *size), x.dtype)
    for block in _blocks(N, max(w[0].size, F) * math.prod(size)):
        products = w.reshape(F, -1) @ _unfolded(x[block], w.shape, size, stride, pad, dilation)
        arguments = products, b, out[block], out[block].size, len(x[block]), F, math.prod(size)
        cuda.launch("convolution.cu", "add_bias", arguments, x.dtype, out[block].size)
    return out


def convolution_gradients(dout, x, w, stride, pad, dilation, input_gradient=True):
    """The products of the columns and of the filters with dout, a block of images at a time."""
    (x, w, dout), size, stride, pad, dilation = _checked(x, w, stride, pad, dilation, dout=dout)
    if is_pointwise(w, stride, pad):
        return pointwise_gradients(dout, x, w, input_gradient)
    rows = w.reshape(len(w), -1)
    dx = cuda.empty(x.shape, x.dtype) if input_gradient else None
    dw = array_module(w).zeros(rows.shape, rows.dtype)
    for block in _blocks(len(x), max(w[0].size, len(w)) * math.prod(size)):
        gradient = dout[block].swapaxes(0, 1).reshape(len(w), -1)
        dw += gradient @ _unfolded(x[block], w.shape, size, stride, pad, dilation).T
        if input_gradient:
            _fold(rows.T @ gradient, dx[block], w.shape, size, stride, pad, dilation)
    return dx, dw.reshape(w.shape), dout.sum(axis=(0, 2, 3))


def convolution_direct(x, w, b, stride, pad, dilation):
    """``convolution`` without columns: blocks of threads share the pixels that they see in shared memory.

    The kernel to read. Raises ValueError where the pixels that the outputs of a tile see are more than shared memory
    holds, which takes large strides, windows or dilations.
    """
    (x, w, b), size, stride, pad, dilation = _checked(x, w, stride, pad, dilation, b=b)
    N, F, window = len(x), len(w), w.shape[2:]
    along = zip(reversed(TILE), window, stride, dilation, strict=True)
    seen = [(tile - 1) * s + (k - 1) * d + 1 for tile, k, s, d in along]
    bytes_ = x.itemsize * (math.prod(seen) + math.prod(window) * FILTERS)
    if bytes_ > SHARED_BYTES:
        raise ValueError(
            f"convolution_direct would need {bytes_:,} bytes of shared memory for a window {window}, stride {stride} "
            f"and dilation {dilation}, but has {SHARED_BYTES:,}; convolution takes all sizes"
        )
    out = cuda.empty((N, F, *size), x.dtype)
    jobs = N * math.ceil(F / FILTERS) * math.ceil(size[0] / TILE[1]) * math.ceil(size[1] / TILE[0])
    arguments = x, w, b, out, *x.shape, F, *window, *size, *stride, *pad, *dilation
    work = jobs * math.prod(TILE)
    options = dict(block=(*TILE, 1), shared_mem=bytes_, FILTERS=FILTERS)
    cuda.launch("convolution.cu", "direct", arguments, x.dtype, work, **options)
    return out


def _unfolded(images, w_shape, size, stride, pad, dilation):
    """Columns (C HH WW, N H' W'): for each output the pixels that it sees (im2col)."""
    N, C = images.shape[:2]
    outputs = N * math.prod(size)
    columns = cuda.empty((math.prod(w_shape[1:]), outputs), images.dtype)
    sizes = *images.shape, *w_shape[2:], *size, *stride, *pad, *dilation
    cuda.launch("convolution.cu", "unfold", (images, columns, C * outputs, *sizes), images.dtype, C * outputs)
    return columns


def _fold(columns, images, w_shape, size, stride, pad, dilation):
    """Sum up columns into images, the transpose of ``_unfolded`` (col2im)."""
    sizes = *images.shape, *w_shape[2:], *size, *stride, *pad, *dilation
    cuda.launch("convolution.cu", "fold", (columns, images, images.size, *sizes), images.dtype, images.size)


def _blocks(N, numbers):
    """Slices of about equally many of N images, with no more than BLOCK numbers, if each has as many as given."""
    most = max(1, BLOCK // numbers)
    step = math.ceil(N / math.ceil(N / most)) if N else 1
    return [slice(n, n + step) for n in range(0, N, step)]


def _checked(x, w, stride, pad, dilation, b=None, dout=None):
    """x, w and the third array, contiguous, (H', W'), and stride, pad and dilation as integers."""
    name, third = ("b", b) if dout is None else ("dout", dout)
    cuda.check_reals(x=x, w=w, **{name: third})
    types = [array.dtype.name for array in (x, w, third)]
    if len(set(types)) > 1:
        raise TypeError(f"convolution takes arrays of one type, float32 or float64, not {', '.join(types)}")
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or w.size == 0:
        raise ValueError(f"x must be (N, C, H, W) and w (F, C, HH, WW), not {x.shape} and {w.shape}")
    stride, dilation = cuda.pair("stride", stride), cuda.pair("dilation", dilation)
    pad = cuda.pair("pad", pad, least=0)
    size = output_size(x.shape[2:], w.shape[2:], stride, pad, dilation)
    if min(size) < 1:
        raise ValueError(f"a window {w.shape[2:]} with pad {pad} and dilation {dilation} does not fit images {x.shape}")
    cuda.check_shape(name, third, w.shape[:1] if dout is None else (len(x), len(w), *size))
    return cuda.contiguous(x, w, third), size, stride, pad, dilation
