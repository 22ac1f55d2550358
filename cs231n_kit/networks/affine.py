"""Fully connected layers, over examples and over time, and word embeddings."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from cs231n_kit.initialization import he_normal, inverse_sqrt, small_normal, zeros
from cs231n_kit.layers import (
    affine_backward,
    affine_forward,
    temporal_affine_backward,
    temporal_affine_forward,
    word_embedding_backward,
    word_embedding_forward,
)
from cs231n_kit.networks.layer import Layer, Parameter, check_count, check_initialize, without_bias


@dataclass(frozen=True, repr=False)
class Affine(Layer):
    """A fully connected layer, x w + b: inputs of any shape, flattened, to (units,). Arrays w (D, M) and b (M,)."""

    units: int
    bias: bool = True
    initialize: Callable = he_normal
    initialize_bias: Callable = zeros

    def __post_init__(self):
        check_count("units", self.units)
        check_initialize("initialize", self.initialize)
        check_initialize("initialize_bias", self.initialize_bias)

    def output_shape(self, shape):
        return (self.units,)

    def parameters(self, shape):
        w = Parameter((math.prod(shape), self.units), self.initialize)
        return {"w": w, "b": Parameter((self.units,), self.initialize_bias)} if self.bias else {"w": w}

    def multiply_adds(self, shape):
        return math.prod(shape) * self.units

    def reach(self):
        return None

    def forward(self, x, own, mode):
        return affine_forward(x, own["w"], own["b"] if self.bias else without_bias(self.units, own["w"]))

    def backward(self, dout, cache, input_gradient):
        dx, dw, db = affine_backward(dout, cache, input_gradient)
        return dx, {"w": dw, "b": db} if self.bias else {"w": dw}


@dataclass(frozen=True, repr=False)
class TemporalAffine(Layer):
    """The same fully connected layer for each step of sequences (T, D), to (T, units). Arrays w (D, M) and b (M,)."""

    units: int
    initialize: Callable = inverse_sqrt
    initialize_bias: Callable = zeros

    def __post_init__(self):
        check_count("units", self.units)
        check_initialize("initialize", self.initialize)
        check_initialize("initialize_bias", self.initialize_bias)

    def output_shape(self, shape):
        return (check_sequence(shape)[0], self.units)

    def parameters(self, shape):
        w = Parameter((shape[1], self.units), self.initialize)
        return {"w": w, "b": Parameter((self.units,), self.initialize_bias)}

    def multiply_adds(self, shape):
        return math.prod(shape) * self.units

    def forward(self, x, own, mode):
        return temporal_affine_forward(x, own["w"], own["b"])

    def backward(self, dout, cache, input_gradient):
        dx, dw, db = temporal_affine_backward(dout, cache)
        return dx, {"w": dw, "b": db}


@dataclass(frozen=True, repr=False)
class WordEmbedding(Layer):
    """A vector for each of ``words`` words: integers (T,) to (T, units). Array W (words, units)."""

    takes_words = True
    words: int
    units: int
    initialize: Callable = small_normal

    def __post_init__(self):
        check_count("words", self.words)
        check_count("units", self.units)
        check_initialize("initialize", self.initialize)

    def output_shape(self, shape):
        if len(shape) != 1:
            raise ValueError("it takes sequences of words, (N, T)")
        return (*shape, self.units)

    def parameters(self, shape):
        return {"W": Parameter((self.words, self.units), self.initialize)}

    def forward(self, x, own, mode):
        return word_embedding_forward(x, own["W"])

    def backward(self, dout, cache, input_gradient):
        if input_gradient:
            raise ValueError("words have no gradient: leave out input_gradient=True")
        return None, {"W": word_embedding_backward(dout, cache)}


def check_sequence(shape):
    """shape itself, (T, D), or ValueError."""
    if len(shape) != 2:
        raise ValueError("it takes sequences of vectors, (N, T, D)")
    return shape
