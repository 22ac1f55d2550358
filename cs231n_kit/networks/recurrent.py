"""Recurrent layers over sequences (T, D); the hidden state before the first step is zero."""

from collections.abc import Callable
from dataclasses import dataclass

from cs231n_kit.arrays import array_module
from cs231n_kit.initialization import inverse_sqrt, zeros
from cs231n_kit.layers import lstm_backward, lstm_forward, rnn_backward, rnn_forward
from cs231n_kit.networks.affine import check_sequence
from cs231n_kit.networks.layer import Layer, Parameter, check_count, check_initialize


@dataclass(frozen=True, repr=False)
class RNN(Layer):
    """A vanilla RNN: sequences (T, D) to the hidden states of all steps, (T, units).

    Arrays Wx (D, H), Wh (H, H) and b (H,).
    """

    units: int
    initialize: Callable = inverse_sqrt

    def __post_init__(self):
        check_count("units", self.units)
        check_initialize("initialize", self.initialize)

    def output_shape(self, shape):
        return (check_sequence(shape)[0], self.units)

    def parameters(self, shape):
        return _parameters(shape[1], self.units, 1, self.initialize, zeros)

    def multiply_adds(self, shape):
        return shape[0] * (shape[1] + self.units) * self.units

    def forward(self, x, own, mode):
        return rnn_forward(x, _first_state(x, self.units), own["Wx"], own["Wh"], own["b"])

    def backward(self, dout, cache, input_gradient):
        dx, _, dWx, dWh, db = rnn_backward(dout, cache)
        return dx, {"Wx": dWx, "Wh": dWh, "b": db}


@dataclass(frozen=True, repr=False)
class LSTM(Layer):
    """Long short-term memory: sequences (T, D) to the hidden states of all steps, (T, units).

    forget_bias: where the forget gates' biases start. 1 keeps them open at first, so that gradients reach far back
    (Jozefowicz, Zaremba and Sutskever 2015).

    Arrays Wx (D, 4H), Wh (H, 4H) and b (4H,), gates in the order i, f, o, g.
    """

    units: int
    forget_bias: float = 1.0
    initialize: Callable = inverse_sqrt

    def __post_init__(self):
        check_count("units", self.units)
        check_initialize("initialize", self.initialize)

    def output_shape(self, shape):
        return (check_sequence(shape)[0], self.units)

    def parameters(self, shape):
        return _parameters(shape[1], self.units, 4, self.initialize, self._bias)

    def multiply_adds(self, shape):
        return shape[0] * (shape[1] + self.units) * 4 * self.units

    def forward(self, x, own, mode):
        return lstm_forward(x, _first_state(x, self.units), own["Wx"], own["Wh"], own["b"])

    def backward(self, dout, cache, input_gradient):
        dx, _, dWx, dWh, db = lstm_backward(dout, cache)
        return dx, {"Wx": dWx, "Wh": dWh, "b": db}

    def _bias(self, shape, rng, dtype):
        b = zeros(shape, rng, dtype)
        b[self.units : 2 * self.units] = self.forget_bias
        return b


@dataclass(frozen=True, repr=False)
class LastStep(Layer):
    """The last step of sequences, (T, D) to (D,): what a recurrent layer holds when it has read all."""

    def output_shape(self, shape):
        return check_sequence(shape)[1:]

    def forward(self, x, own, mode):
        return x[:, -1], x.shape

    def backward(self, dout, cache, input_gradient):
        dx = array_module(dout).zeros(cache, dout.dtype)
        dx[:, -1] = dout
        return dx, {}


def _parameters(inputs, units, blocks, initialize, initialize_bias):
    return {
        "Wx": Parameter((inputs, blocks * units), initialize),
        "Wh": Parameter((units, blocks * units), initialize),
        "b": Parameter((blocks * units,), initialize_bias),
    }


def _first_state(x, units):
    return array_module(x).zeros((len(x), units), x.dtype)
