"""What a layer of a network is: a definition that says what to compute, and holds no arrays."""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from numbers import Integral
from typing import NamedTuple

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.initialization import bias_constant
from cs231n_kit.networks.receptive_field import Reach
from cs231n_kit.networks.trace import Row, Signal

ones = partial(bias_constant, value=1.0)


class Parameter(NamedTuple):
    """The shape of one of a layer's arrays, and ``initialize(shape, rng, dtype)``, which makes it."""

    shape: tuple[int, ...]
    initialize: Callable

    def make(self, key, rng, dtype):
        """The array, checked, contiguous and writeable, as an optimiser wants it; errors name it by its key."""
        array = self.initialize(self.shape, rng, dtype)
        found = getattr(array, "shape", None), str(getattr(array, "dtype", None))
        if found != (self.shape, str(np.dtype(dtype))):
            raise ValueError(
                f"The initialisation of {key} must return an array of shape {self.shape} and type "
                f"{np.dtype(dtype)}, not of shape {found[0]} and type {found[1]}"
            )
        return np.require(array, requirements=["C", "W", "O"])


class Layer:
    """A step of a network. To write one of your own, derive from it and define what differs from the identity.

    Shapes are those of one example, without the batch axis: (3, 32, 32) for images, (D,) for vectors, (T, D) for
    sequences. A definition may stand in a network several times, and in several networks: each place has arrays of
    its own, which the network keeps and hands to ``forward`` as a dictionary.
    """

    needs_generator = False  # whether ``forward`` finds a random generator in own["generator"]
    takes_words = False  # whether inputs are integers, the numbers of words

    def output_shape(self, shape):
        """The shape of outputs for inputs of this shape. Raises ValueError where the layer cannot take them."""
        return shape

    def parameters(self, shape) -> dict[str, Parameter]:
        """The arrays to train, by name, in the order in which they are initialised."""
        return {}

    def statistics(self, shape) -> dict[str, Parameter]:
        """The arrays that forward passes in training update in place, such as running means."""
        return {}

    def multiply_adds(self, shape) -> int:
        """The multiplications by weights, each with an addition, that one example of this shape takes."""
        return 0

    def reach(self) -> Reach | None:
        """Which inputs an output is made of, along height and width: a window, or None for the whole input."""
        return Reach()

    def forward(self, x, own, mode):
        """(out, cache) for a batch x; own holds this place's arrays by name, mode is "train" or "test"."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward(x, own, mode)")

    def backward(self, dout, cache, input_gradient):
        """(dx, gradients): dx may be None unless ``input_gradient``; gradients has each parameter's name."""
        raise NotImplementedError(f"{type(self).__name__} does not define backward(dout, cache, input_gradient)")

    def trace(self, signal, path, rows):
        """What becomes of a signal in this layer; adds a row for it. No arrays are made."""
        try:
            shape = tuple(self.output_shape(signal.shape))
        except ValueError as error:
            raise ValueError(f"Layer {path}, {self!r}, gets inputs {batch_of(signal.shape)}: {error}") from None
        seen = signal.seen and signal.seen.through(self.reach(), shape)
        output = Signal(shape, seen)
        rows.append(Row(path, self, signal.shape, output, self.multiply_adds(signal.shape)))
        return output

    def propagate(self, x, path, run):
        """The output for a batch x; its cache is kept where the pass keeps caches."""
        try:
            out, cache = self.forward(x, run.own[path], "test" if path in run.frozen else run.mode)
        except Exception as error:
            error.add_note(f"This happened in the forward pass of layer {path}, {self!r}.")
            raise
        if run.caches is not None:
            run.caches[path] = cache
        run.show(path, out)
        return out

    def propagate_back(self, dout, path, run, input_gradient):
        """dx, or None unless ``input_gradient``; the pass collects the gradients of parameters."""
        run.show(path, dout)
        if not input_gradient and path not in run.trained:
            return None
        try:
            dx, gradients = self.backward(dout, run.caches[path], input_gradient)
        except Exception as error:
            error.add_note(f"This happened in the backward pass of layer {path}, {self!r}.")
            raise
        run.gradients.update({f"{path}.{name}": gradient for name, gradient in gradients.items()})
        return dx

    def leaves(self, path):
        """(path, layer) of each layer inside, in the order of the forward pass."""
        yield path, self

    def __repr__(self):
        if not is_dataclass(self):
            return f"{type(self).__name__}()"
        shown = []
        for field in fields(self):
            value = getattr(self, field.name)
            text = getattr(value, "__name__", None) or repr(value)
            if field.default is MISSING:
                shown.append(text)
            elif value != field.default:
                shown.append(f"{field.name}={text}")
        return f"{type(self).__name__}({', '.join(shown)})"


def batch_of(shape) -> str:
    """The shape of a batch in words: (N, 3, 32, 32)."""
    return f"({', '.join(['N', *map(str, shape)])}{',' if not shape else ''})"


def check_count(name, value):
    """Raise ValueError unless value is an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")


def check_initialize(name, value):
    if not callable(value):
        raise TypeError(
            f"{name} must be a function initialize(shape, rng, dtype), such as those of cs231n_kit.initialization, "
            f"not {value!r}"
        )


def without_bias(count, like):
    """Zeros in place of the biases that a layer does without."""
    return array_module(like).zeros(count, like.dtype)
