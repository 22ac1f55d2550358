"""The activation functions of cs231n_kit.layers.activation in CUDA: the same names, arguments and results."""

import math

import numpy as np

from cs231n_kit.arrays import array_module, as_floats
from cs231n_kit.kernels import cuda


def relu_forward(x):
    x = _input(x)
    return _elementwise("relu_forward", x), x


def relu_backward(dout, cache):
    return _elementwise("relu_backward", _gradient(dout, cache), cache)


def leaky_relu_forward(x, alpha=0.01):
    x, alpha = _input(x), _slope(alpha)
    return _elementwise("leaky_relu_forward", x, alpha=alpha), (x, alpha)


def leaky_relu_backward(dout, cache):
    x, alpha = cache
    return _elementwise("leaky_relu_backward", _gradient(dout, x), x, alpha=_slope(alpha))


def elu_forward(x, alpha=1.0):
    x, alpha = _input(x), _slope(alpha)
    return _elementwise("elu_forward", x, alpha=alpha), (x, alpha)


def elu_backward(dout, cache):
    x, alpha = cache
    return _elementwise("elu_backward", _gradient(dout, x), x, alpha=_slope(alpha))


def sigmoid_forward(x):
    out = _elementwise("sigmoid_forward", _input(x))
    return out, out


def sigmoid_backward(dout, cache):
    return _elementwise("sigmoid_backward", _gradient(dout, cache), cache)


def tanh_forward(x):
    out = _elementwise("tanh_forward", _input(x))
    return out, out


def tanh_backward(dout, cache):
    return _elementwise("tanh_backward", _gradient(dout, cache), cache)


def maxout_forward(x):
    x = _input(x)
    if x.ndim < 2 or x.shape[-1] == 0:
        raise ValueError(f"x must have the shape (N, M, K) with pieces along the last axis, not {x.shape}")
    out, switches = cuda.empty(x.shape[:-1], x.dtype), cuda.empty(x.shape[:-1], np.int64)
    sizes = np.int64(out.size), np.int64(x.shape[-1])
    cuda.launch("activation.cu", "maxout_forward", (x, out, switches, *sizes), x.dtype, out.size)
    return out, (switches, x.shape[-1])


def maxout_backward(dout, cache):
    switches, pieces = cache
    if switches.dtype != np.int64:
        raise TypeError(f"switches must hold int64, not {switches.dtype}")
    pieces = cuda.size("K", pieces)
    dout = _gradient(dout, switches, dtype=None)
    dx = cuda.empty((*switches.shape, pieces), dout.dtype)
    sizes = np.int64(switches.size), np.int64(pieces)
    cuda.launch("activation.cu", "maxout_backward", (dout, *cuda.contiguous(switches), dx, *sizes), dx.dtype, dx.size)
    return dx


def _elementwise(kernel, *inputs, alpha=None):
    """Run a kernel whose arguments are the inputs, the result of their shape, and alpha, where it takes one."""
    inputs = cuda.contiguous(*inputs)
    out = cuda.empty(inputs[0].shape, inputs[0].dtype)
    numbers = () if alpha is None else (alpha,)
    cuda.launch("activation.cu", kernel, (*inputs, out, *numbers, np.int64(out.size)), out.dtype, out.size)
    return out


def _input(x):
    return cuda.contiguous(as_floats("x", x))[0]


def _gradient(dout, like, dtype="as in the forward pass"):
    """dout, of the shape of ``like`` and, unless dtype is None, of its type."""
    array_module(dout, like)
    if dtype is not None:
        cuda.check_reals(cache=like)
    dout = as_floats("dout", dout)
    if dout.shape != like.shape:
        raise ValueError(f"dout must have the shape {like.shape}, that of out, not {dout.shape}")
    return cuda.contiguous(dout if dtype is None else dout.astype(like.dtype, copy=False))[0]


def _slope(alpha):
    if not 0 <= alpha < math.inf:
        raise ValueError(f"alpha must be a finite number and not negative, not {alpha!r}")
    return float(alpha)
