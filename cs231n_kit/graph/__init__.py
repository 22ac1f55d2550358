"""Computational graphs that differentiate themselves: a small reverse-mode engine to read   (lecture 04)."""

from cs231n_kit.graph.expression import parse
from cs231n_kit.graph.named_graph import ExpressionError, Graph
from cs231n_kit.graph.node import (
    Node,
    absolute,
    cos,
    exp,
    log,
    maximum,
    minimum,
    relu,
    sigmoid,
    sin,
    sqrt,
    square,
    tanh,
    topological_order,
)

__all__ = [
    "ExpressionError",
    "Graph",
    "Node",
    "absolute",
    "cos",
    "exp",
    "log",
    "maximum",
    "minimum",
    "parse",
    "relu",
    "sigmoid",
    "sin",
    "sqrt",
    "square",
    "tanh",
    "topological_order",
]
