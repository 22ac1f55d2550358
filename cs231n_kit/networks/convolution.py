"""Layers for images (C, H, W): convolution, pooling, and the way to vectors."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from cs231n_kit.initialization import he_normal, zeros
from cs231n_kit.kernels.convolution import output_size
from cs231n_kit.layers import (
    average_pool_backward,
    average_pool_forward,
    conv_backward,
    conv_forward,
    global_average_pool_backward,
    global_average_pool_forward,
    max_pool_backward,
    max_pool_forward,
    windows,
)
from cs231n_kit.networks.layer import Layer, Parameter, check_count, check_initialize, without_bias
from cs231n_kit.networks.receptive_field import Reach

Pair = int | tuple[int, int]  # for height and width alike, or (along height, along width)


@dataclass(frozen=True, repr=False)
class Convolution(Layer):
    """``filters`` filters of ``size`` pixels over all channels: images (C, H, W) to (filters, H', W').

    H' = 1 + (H + 2 pad - dilation (size - 1) - 1) // stride. Sizes are integers or pairs (along height, along width).
    Arrays w (F, C, HH, WW) and b (F,).
    """

    filters: int
    size: Pair
    stride: Pair = 1
    pad: Pair = 0
    dilation: Pair = 1
    bias: bool = True
    initialize: Callable = he_normal
    initialize_bias: Callable = zeros

    def __post_init__(self):
        check_count("filters", self.filters)
        for name, least in (("size", 1), ("stride", 1), ("pad", 0), ("dilation", 1)):
            windows.pair(name, getattr(self, name), least)
        check_initialize("initialize", self.initialize)
        check_initialize("initialize_bias", self.initialize_bias)

    def output_shape(self, shape):
        check_image(shape)
        size, stride, pad, dilation = self._pairs()
        windows.check_fit((1, *shape), size, pad, dilation)
        return (self.filters, *output_size(shape[1:], size, stride, pad, dilation))

    def parameters(self, shape):
        w = Parameter((self.filters, shape[0], *self._pairs()[0]), self.initialize)
        return {"w": w, "b": Parameter((self.filters,), self.initialize_bias)} if self.bias else {"w": w}

    def multiply_adds(self, shape):
        return math.prod(self.output_shape(shape)) * shape[0] * math.prod(self._pairs()[0])

    def reach(self):
        size, stride, pad, dilation = self._pairs()
        return Reach(tuple(1 + d * (k - 1) for k, d in zip(size, dilation, strict=True)), stride, pad)

    def forward(self, x, own, mode):
        b = own["b"] if self.bias else without_bias(self.filters, own["w"])
        return conv_forward(x, own["w"], b, {"stride": self.stride, "pad": self.pad, "dilation": self.dilation})

    def backward(self, dout, cache, input_gradient):
        dx, dw, db = conv_backward(dout, cache, input_gradient)
        return dx, {"w": dw, "b": db} if self.bias else {"w": dw}

    def _pairs(self):
        """Size, stride, pad and dilation, each as a pair."""
        given = (("size", 1), ("stride", 1), ("pad", 0), ("dilation", 1))
        return [windows.pair(name, getattr(self, name), least) for name, least in given]


@dataclass(frozen=True, repr=False)
class _Pool(Layer):
    """What ``MaxPool`` and ``AveragePool`` have in common: all but the function of a window's pixels."""

    size: Pair
    stride: Pair | None = None  # None: as large as the window, so that windows touch without overlapping
    pad: Pair = 0

    def __post_init__(self):
        size, _, pad = self._pairs()
        if any(p >= k for p, k in zip(pad, size, strict=True)):
            raise ValueError(f"pad must be smaller than the window, {self.size!r}, not {self.pad!r}")

    def output_shape(self, shape):
        check_image(shape)
        size, stride, pad = self._pairs()
        windows.check_fit((1, *shape), size, pad, (1, 1))
        return (shape[0], *output_size(shape[1:], size, stride, pad, (1, 1)))

    def reach(self):
        return Reach(*self._pairs())

    def _pairs(self):
        """Window, stride and pad, each as a pair."""
        stride = self.size if self.stride is None else self.stride
        return windows.pair("size", self.size, 1), windows.pair("stride", stride, 1), windows.pair("pad", self.pad, 0)

    def _pool_param(self):
        (height, width), stride, pad = self._pairs()
        return {"pool_height": height, "pool_width": width, "stride": stride, "pad": pad}


class MaxPool(_Pool):
    """The largest pixel of each window of ``size``, for each channel: (C, H, W) to (C, H', W').

    H' = 1 + (H + 2 pad - size) // stride; without a stride windows lie side by side.
    """

    def forward(self, x, own, mode):
        return max_pool_forward(x, self._pool_param())

    def backward(self, dout, cache, input_gradient):
        return max_pool_backward(dout, cache), {}


class AveragePool(_Pool):
    """The mean of each window of ``size``, padding counted as zeros; otherwise as ``MaxPool``."""

    def forward(self, x, own, mode):
        return average_pool_forward(x, self._pool_param())

    def backward(self, dout, cache, input_gradient):
        return average_pool_backward(dout, cache), {}


@dataclass(frozen=True, repr=False)
class GlobalAveragePool(Layer):
    """The mean of all pixels of each channel: (C, H, W) to (C,)."""

    def output_shape(self, shape):
        return check_image(shape)[:1]

    def reach(self):
        return None

    def forward(self, x, own, mode):
        return global_average_pool_forward(x)

    def backward(self, dout, cache, input_gradient):
        return global_average_pool_backward(dout, cache), {}


@dataclass(frozen=True, repr=False)
class Flatten(Layer):
    """Each example as a vector: any shape to (D,)."""

    def output_shape(self, shape):
        return (math.prod(shape),)

    def forward(self, x, own, mode):
        return x.reshape(len(x), -1), x.shape

    def backward(self, dout, cache, input_gradient):
        return dout.reshape(cache), {}


def check_image(shape):
    """shape itself, (C, H, W), or ValueError."""
    if len(shape) != 3:
        raise ValueError("it takes images, (N, C, H, W)")
    return shape
