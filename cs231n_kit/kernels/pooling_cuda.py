"""Pooling in CUDA: the functions of cs231n_kit.kernels.pooling, with kernels of pooling.cu behind them.

Raises TypeError or ValueError for arrays that do not fit together, OverflowError beyond 2³¹ - 1 numbers in a result.
"""

import math

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels import cuda
from cs231n_kit.kernels.convolution import output_size
from cs231n_kit.kernels.pooling import switch_type

SWITCHES = {"uint8": "unsigned char", "uint16": "unsigned short", "uint32": "unsigned"}


def max_pool(x, window, stride, pad):
    """A thread for each output looks at its window."""
    cuda.check_reals(x=x)
    sizes = out_shape, *_ = _sizes(x.shape, window, stride, pad)
    maxima, switches = cuda.empty(out_shape, x.dtype), cuda.empty(out_shape, switch_type(window))
    arrays = *cuda.contiguous(x), maxima, switches
    _launch("max_pool", arrays, maxima, x.shape, *sizes, switch_type=SWITCHES[switches.dtype.name])
    return maxima, switches


def max_pool_gradient(dout, switches, shape, window, stride, pad):
    """A thread for each pixel looks at all windows that hold it."""
    array_module(dout, switches)
    cuda.check_reals(dout=dout)
    sizes = out_shape, *_ = _sizes(shape, window, stride, pad)
    cuda.check_shape("dout", dout, out_shape)
    cuda.check_shape("switches", switches, out_shape)
    if switches.dtype != switch_type(window):
        raise TypeError(f"switches of a window {window} must hold {switch_type(window)}, not {switches.dtype}")
    dx = cuda.empty(shape, dout.dtype)
    arrays = *cuda.contiguous(dout, switches), dx
    _launch("max_pool_gradient", arrays, dx, shape, *sizes, switch_type=SWITCHES[switches.dtype.name])
    return dx


def average_pool(x, window, stride, pad):
    """A thread for each output looks at its window."""
    cuda.check_reals(x=x)
    sizes = out_shape, *_ = _sizes(x.shape, window, stride, pad)
    means = cuda.empty(out_shape, x.dtype)
    _launch("average_pool", (*cuda.contiguous(x), means), means, x.shape, *sizes)
    return means


def average_pool_gradient(dout, shape, window, stride, pad):
    """A thread for each pixel looks at all windows that hold it."""
    cuda.check_reals(dout=dout)
    sizes = out_shape, *_ = _sizes(shape, window, stride, pad)
    cuda.check_shape("dout", dout, out_shape)
    dx = cuda.empty(shape, dout.dtype)
    _launch("average_pool_gradient", (*cuda.contiguous(dout), dx), dx, shape, *sizes)
    return dx


def _launch(kernel, arrays, result, shape, out_shape, window, stride, pad, **names):
    """Run a kernel that computes each number of the result in a thread of its own."""
    arguments = *arrays, result.size, *shape[2:], *out_shape[2:], *window, *stride, *pad
    cuda.launch("pooling.cu", kernel, arguments, result.dtype, result.size, **names)


def _sizes(shape, window, stride, pad):
    """The shape of the outputs, and window, stride and pad as integers; checked all."""
    window, stride, pad = cuda.pair("window", window), cuda.pair("stride", stride), cuda.pair("pad", pad, least=0)
    shape = tuple(cuda.size("shape", length, least=0) for length in shape)
    if len(shape) != 4:
        raise ValueError(f"images must have the shape (N, C, H, W), not {shape}")
    if any(p >= k for p, k in zip(pad, window, strict=True)):
        raise ValueError(f"pad {pad} must be smaller than the window {window}, so that each window holds a pixel")
    size = output_size(shape[2:], window, stride, pad, (1, 1))
    if math.prod(shape[2:]) == 0 or min(size) < 1:
        raise ValueError(f"a window {window} with pad {pad} does not fit images of the shape {shape}")
    return (*shape[:2], *size), window, stride, pad
