"""The graph's gradients against autograd, on the same expressions and the same network."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_checks import assert_close, normal, seeds, tensor

from cs231n_kit import graph
from cs231n_kit.graph import Node, parse

EXPRESSIONS = [
    "(x + y) * z",
    "(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)",
    "1 / (1 + exp(-(x*y + z)))",
    "max(x, y, z) * min(x, y) + relu(x - z)",
    "log(square(x) + exp(y)) - sqrt(square(z) + 1)",
    "sin(x * y) * cos(y / (2 + square(z))) + tanh(x)",
    "(square(x) + 0.1) ** y - abs(z)",
    "a = x * y; b = a + x; c = a * b; max(c, b)",
]
FUNCTIONS = {name: getattr(torch, name) for name in "exp log sqrt square abs sin cos tanh sigmoid relu".split()} | {
    "max": lambda *values: torch.stack(values).amax(0),  # amax shares among equals
    "min": lambda *values: torch.stack(values).amin(0),
}


def torch_value(text, inputs):
    """The same text, run by Python over PyTorch's tensors."""
    names = FUNCTIONS | inputs
    *steps, last = text.split("; ")
    for step in steps:
        name, expression = step.split(" = ")
        names[name] = eval(expression, {}, names)
    return eval(last, {}, names)


@pytest.mark.parametrize("text", EXPRESSIONS)
@settings(max_examples=20)
@given(seeds, st.booleans())
def test_expressions(text, seed, tied):
    x, y, z = (float(value) for value in normal(seed, (3,))[0])
    if tied:
        y = z = x
    found = parse(text, x=x, y=y, z=z) if "z" in text else parse(text, x=x, y=y)
    inputs = {name: tensor(value, leaf=True) for name, value in found.values.items()}
    expected = torch_value(text, inputs)
    expected.backward()
    assert_close(found.forward(), expected, text)
    for name, grad in found.backward().items():
        assert_close(grad, inputs[name].grad, f"the gradient of {text} with respect to {name}", factor=10)


@settings(max_examples=30)
@given(seeds, st.integers(1, 9), st.integers(1, 6))
def test_a_two_layer_network(seed, batch, hidden):
    arrays = normal(seed, (batch, 3), (3, hidden), (1, hidden), (hidden, 4), (4,))
    labels = np.eye(4)[np.random.default_rng(seed).integers(0, 4, batch)]

    def loss(X, W1, b1, W2, b2, relu, exp, log):
        scores = relu(X @ W1 + b1) @ W2 + b2
        return (log(exp(scores).sum(1)) - (scores * labels).sum(1)).sum() / batch

    nodes = [Node(array) for array in arrays]
    leaves = [tensor(array, leaf=True) for array in arrays]
    found = loss(*nodes, graph.relu, graph.exp, graph.log)
    labels_array, labels = labels, tensor(labels)
    expected = loss(*leaves, torch.relu, torch.exp, torch.log)
    labels = labels_array
    found.backward()
    expected.backward()
    assert_close(found.value, expected, "the loss")
    for node, leaf, name in zip(nodes, leaves, ("X", "W1", "b1", "W2", "b2"), strict=True):
        assert_close(node.grad, leaf.grad, name)
