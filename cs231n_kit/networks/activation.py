"""Activation functions: element by element, whatever the shape; and maxout."""

from dataclasses import dataclass

from cs231n_kit.arrays import array_module
from cs231n_kit.layers import (
    elu_backward,
    elu_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    maxout_backward,
    maxout_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from cs231n_kit.networks.layer import Layer, check_count


@dataclass(frozen=True, repr=False)
class ReLU(Layer):
    """max(0, x)."""

    def forward(self, x, own, mode):
        return relu_forward(x)

    def backward(self, dout, cache, input_gradient):
        return relu_backward(dout, cache), {}


@dataclass(frozen=True, repr=False)
class LeakyReLU(Layer):
    """x where x > 0, else alpha x."""

    alpha: float = 0.01

    def __post_init__(self):
        check_slope(self.alpha)

    def forward(self, x, own, mode):
        return leaky_relu_forward(x, self.alpha)

    def backward(self, dout, cache, input_gradient):
        return leaky_relu_backward(dout, cache), {}


@dataclass(frozen=True, repr=False)
class ELU(Layer):
    """x where x > 0, else alpha (eˣ - 1)."""

    alpha: float = 1.0

    def __post_init__(self):
        check_slope(self.alpha)

    def forward(self, x, own, mode):
        return elu_forward(x, self.alpha)

    def backward(self, dout, cache, input_gradient):
        return elu_backward(dout, cache), {}


@dataclass(frozen=True, repr=False)
class Sigmoid(Layer):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, x, own, mode):
        return sigmoid_forward(x)

    def backward(self, dout, cache, input_gradient):
        return sigmoid_backward(dout, cache), {}


@dataclass(frozen=True, repr=False)
class Tanh(Layer):
    """tanh x."""

    def forward(self, x, own, mode):
        return tanh_forward(x)

    def backward(self, dout, cache, input_gradient):
        return tanh_backward(dout, cache), {}


@dataclass(frozen=True, repr=False)
class Maxout(Layer):
    """The largest of ``pieces`` neighbouring channels: (M·pieces, ...) to (M, ...)   (Goodfellow et al. 2013)."""

    pieces: int = 2

    def __post_init__(self):
        check_count("pieces", self.pieces)

    def output_shape(self, shape):
        if not shape or shape[0] % self.pieces:
            raise ValueError(f"it takes a multiple of {self.pieces} channels")
        return (shape[0] // self.pieces, *shape[1:])

    def forward(self, x, own, mode):
        grouped = x.reshape(len(x), -1, self.pieces, *x.shape[2:])
        return maxout_forward(array_module(x).moveaxis(grouped, 2, -1))

    def backward(self, dout, cache, input_gradient):
        dx = array_module(dout).moveaxis(maxout_backward(dout, cache), -1, 2)
        return dx.reshape(len(dx), -1, *dx.shape[3:]), {}


def check_slope(alpha):
    if not 0 <= alpha < float("inf"):
        raise ValueError(f"alpha must be a finite number and not negative, not {alpha!r}")
