"""Weight initialisation: how large random weights must be for signals to keep their size   (lecture 06).

Every function takes the shape of the weights, a random generator or seed ``rng``, and the ``dtype`` of the result,
float32 or float64. One seed gives the same numbers in both. Hand the same generator to all layers: the same seed would
give layers of one shape the same weights.

Shapes are (D, M) for a dense layer with D inputs and M outputs, or (F, C, HH, WW) for F filters over C channels. The
number of inputs that one output sums over, n below, is D or C · HH · WW. Other shapes raise ValueError.
"""

import math
from numbers import Integral, Real

import numpy as np


def zeros(shape, rng=None, dtype=np.float32):
    """All 0: right for biases; as weights every unit of a layer computes, and learns, the same."""
    return np.zeros(shape, _dtype(dtype))


def bias_constant(shape, rng=None, dtype=np.float32, value: float = 0.01):
    """A small constant for biases, meant to let every ReLU fire at the start."""
    return np.full(shape, value, _dtype(dtype))


def small_normal(shape, rng, dtype=np.float32, std: float = 1e-2):
    """Normal numbers of one standard deviation whatever the shape: signals vanish or grow in deep networks."""
    _check_positive("std", std)
    return _normal(shape, rng, dtype, std)


def inverse_sqrt(shape, rng, dtype=np.float32):
    """Normal numbers of variance 1/n: outputs vary as much as inputs do, in linear layers   (LeCun et al., 1998)."""
    return _normal(shape, rng, dtype, math.sqrt(1 / fans(shape)[0]))


def he_normal(shape, rng, dtype=np.float32):
    """Normal numbers of variance 2/n, which makes up for the half that ReLU cuts off   (He et al., 2015)."""
    return _normal(shape, rng, dtype, math.sqrt(2 / fans(shape)[0]))


def xavier_uniform(shape, rng, dtype=np.float32):
    """Uniform numbers in ±√(6 / (inputs + outputs)): a compromise between forward and backward pass, variance
    2 / (inputs + outputs)   (Glorot & Bengio, 2010). Outputs are M, or F · HH · WW for filters."""
    limit = math.sqrt(6 / sum(fans(shape)))
    return np.random.default_rng(rng).uniform(-limit, limit, shape).astype(_dtype(dtype))


def sparse(shape, rng, dtype=np.float32, connections: int = 10, std: float = 1e-2):
    """Each output has normal weights to ``connections`` random inputs and 0 to all others   (Martens, 2010).

    Raises ValueError unless 1 <= connections <= n.
    """
    inputs, _ = fans(shape)
    if isinstance(connections, bool) or not isinstance(connections, int | np.integer) or connections < 1:
        raise ValueError(f"connections must be a positive integer, not {connections!r}")
    if connections > inputs:
        raise ValueError(
            f"connections must not exceed the {inputs} inputs of shape {tuple(shape)}, but is {connections}"
        )
    _check_positive("std", std)
    rng = np.random.default_rng(rng)
    outputs = math.prod(shape) // inputs
    weights = np.zeros((outputs, inputs))
    for row in weights:
        row[rng.choice(inputs, connections, replace=False)] = std * rng.standard_normal(connections)
    weights = weights.T if len(shape) == 2 else weights.reshape(shape)
    return np.ascontiguousarray(weights, _dtype(dtype))


def fans(shape) -> tuple[int, int]:
    """The numbers of inputs and outputs, (D, M) for dense weights, (C · HH · WW, F · HH · WW) for filters."""
    shape = tuple(shape) if np.iterable(shape) else (shape,)
    if len(shape) not in (2, 4) or not all(isinstance(n, Integral) and n > 0 for n in shape):
        raise ValueError(f"shape must be (D, M) of a dense layer or (F, C, HH, WW) of filters, nothing 0, not {shape}")
    if len(shape) == 2:
        return shape
    filters, channels, height, width = shape
    return channels * height * width, filters * height * width


def _normal(shape, rng, dtype, std):
    return (std * np.random.default_rng(rng).standard_normal(shape)).astype(_dtype(dtype))


def _dtype(dtype):
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, not {dtype}")
    return dtype


def _check_positive(name, value):
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a positive number, not {value!r}")
