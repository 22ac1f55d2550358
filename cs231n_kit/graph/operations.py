"""The primitives of a computational graph: the value of each, and the gradient it sends back   (lecture 04).

An operation knows nothing of the graph around it. Forward it turns its operands into a value; backward it turns the
gradient of its output, "upstream", into one gradient for each operand, by the chain rule: upstream times local.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Operation:
    """A primitive. ``forward(*values) -> out``; ``backward(upstream, out, *values) -> a gradient for each value``."""

    name: str  # in a typed expression
    symbol: str  # in a drawn graph
    forward: Callable
    backward: Callable


@dataclass(frozen=True)
class Elementwise:
    """A primitive that works element by element: its local gradients are arrays too, and backward is a product."""

    name: str
    symbol: str
    forward: Callable
    local: Callable  # (out, *values) -> the derivative of out with respect to each value

    def backward(self, upstream, out, *values):
        shares = (upstream * local for local in self.local(out, *values))
        return tuple(_summed_to(share, value.shape) for share, value in zip(shares, values, strict=True))


def _summed_to(gradient, shape):
    """Undo broadcasting: an operand that was used many times collects the sum of its gradients."""
    gradient = np.asarray(gradient)
    added = tuple(range(gradient.ndim - len(shape)))
    stretched = tuple(len(added) + axis for axis, size in enumerate(shape) if size == 1)
    return np.broadcast_to(gradient.sum(axis=added + stretched, keepdims=True), (1,) * len(added) + shape).reshape(
        shape
    )


def _slope_of_power(a, b):
    """b a^(b-1), which is 0 for b = 0 also where a is 0."""
    return np.where(b == 0, 0.0, b * a ** np.where(b == 0, 1.0, b - 1))


def _log_of_base(a, b):
    """log a; 0 where 0^b stays 0 as b moves, and NaN for negative bases, whose powers are complex in between."""
    return np.log(a, where=a > 0, out=np.where((a == 0) & (b > 0), 0.0, np.nan))


def _winners(out, *values):
    """1 for the operand that won and 0 for the others; equal winners share."""
    won = [value == out for value in values]
    return tuple(one / sum(np.asarray(each, float) for each in won) for one in won)


def _largest(*values):
    return np.maximum.reduce(np.broadcast_arrays(*values))


def _smallest(*values):
    return np.minimum.reduce(np.broadcast_arrays(*values))


def _matrix_product(W, X):
    if W.ndim != 2 or X.ndim != 2:
        raise ValueError(
            f"@ multiplies two matrices, not arrays of shapes {W.shape} and {X.shape}; for numbers write *"
        )
    return W @ X


ADD = Elementwise("+", "+", lambda a, b: a + b, lambda out, a, b: (1.0, 1.0))
SUBTRACT = Elementwise("-", "−", lambda a, b: a - b, lambda out, a, b: (1.0, -1.0))
NEGATE = Elementwise("-", "× −1", lambda a: -a, lambda out, a: (-1.0,))
MULTIPLY = Elementwise("*", "×", lambda a, b: a * b, lambda out, a, b: (b, a))
DIVIDE = Elementwise("/", "÷", lambda a, b: a / b, lambda out, a, b: (1 / b, -out / b))
POWER = Elementwise("**", "^", lambda a, b: a**b, lambda out, a, b: (_slope_of_power(a, b), out * _log_of_base(a, b)))
MAXIMUM = Elementwise("max", "max", _largest, _winners)
MINIMUM = Elementwise("min", "min", _smallest, _winners)
EXP = Elementwise("exp", "exp", np.exp, lambda out, a: (out,))
LOG = Elementwise("log", "log", np.log, lambda out, a: (1 / a,))
SQRT = Elementwise("sqrt", "√", np.sqrt, lambda out, a: (0.5 / out,))
SQUARE = Elementwise("square", "x²", np.square, lambda out, a: (2 * a,))
ABS = Elementwise("abs", "|x|", np.abs, lambda out, a: (np.sign(a),))
SIN = Elementwise("sin", "sin", np.sin, lambda out, a: (np.cos(a),))
COS = Elementwise("cos", "cos", np.cos, lambda out, a: (-np.sin(a),))
TANH = Elementwise("tanh", "tanh", np.tanh, lambda out, a: (1 - out**2,))
# 1 / (1 + e^-a), written so that it overflows nowhere.
SIGMOID = Elementwise("sigmoid", "σ", lambda a: np.exp(-np.logaddexp(0, -a)), lambda out, a: ((1 - out) * out,))
RELU = Elementwise("relu", "relu", lambda a: np.maximum(0, a), lambda out, a: (a > 0,))
# D = W X: shapes (n, m) = (n, k) (k, m), and each gradient has the shape of what it belongs to.
MATMUL = Operation("@", "@", _matrix_product, lambda upstream, out, W, X: (upstream @ X.T, W.T @ upstream))


def sum_over(axis=None, keepdims=False):
    """The operation that adds up along an axis, or all; backward hands the upstream gradient to every summand."""

    def backward(upstream, out, a):
        if axis is not None and not keepdims:
            upstream = np.expand_dims(upstream, axis)
        return (np.broadcast_to(upstream, a.shape),)

    return Operation("sum", "Σ", lambda a: a.sum(axis=axis, keepdims=keepdims), backward)


SUM = sum_over()

UNARY = {op.name: op for op in (EXP, LOG, SQRT, SQUARE, ABS, SIN, COS, TANH, SIGMOID, RELU, SUM)}
VARIADIC = {op.name: op for op in (MAXIMUM, MINIMUM)}
