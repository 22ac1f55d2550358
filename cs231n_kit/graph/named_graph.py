"""A graph with names and a text: computed step by step, forwards and backwards, with errors that say where."""

from collections.abc import Iterator

import numpy as np

from cs231n_kit.graph import operations as op
from cs231n_kit.graph.node import Node, topological_order


class ExpressionError(ValueError):
    """What is wrong with an expression, or with its value, and where.

    ``reason``: one sentence. ``text[start:end]``: the place. As a string it is the reason and the line, with
    marks under the place.
    """

    def __init__(self, reason, text, start, end):
        self.reason, self.text, self.start, self.end = reason, text, start, max(end, start + 1)
        super().__init__(reason)

    def __str__(self):
        line_start = self.text.rfind("\n", 0, self.start) + 1
        line = self.text[line_start:].split("\n")[0]
        width = min(self.end - self.start, max(len(line) - (self.start - line_start), 1))
        return f"{self.reason}\n    {line}\n    {' ' * (self.start - line_start)}{'^' * width}"


class Graph:
    """The computational graph of an expression, as ``parse`` makes it.

    ``text``: the expression. ``inputs``: {name: Node}, in the order of appearance. ``output``: the last node.
    ``operations``: the nodes that compute something, in the order in which they are computed. ``given``: the values in
    the text, {name: value}; ``body``: the text without them.
    """

    def __init__(self, text, inputs, output, places, given=(), body=""):
        self.text, self.inputs, self.output = text, inputs, output
        self.given, self.body = dict(given), body
        self._places = places
        self.operations = [node for node in topological_order(output) if node.operation is not None]

    @property
    def values(self):
        """{name: value} of the inputs; numbers as float."""
        return {name: _plain(node.value) for name, node in self.inputs.items()}

    def set(self, **values):
        """Give inputs other values (numbers or arrays), by name, for the next ``forward``; returns the graph."""
        for name, value in values.items():
            if name not in self.inputs:
                raise ValueError(f"there is no input {name!r}; the inputs are {', '.join(self.inputs)}")
            array = np.asarray(value)
            if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
                raise ValueError(f"the input {name} must be a finite number, or an array of them, got {value!r}")
            self.inputs[name].value = array.astype(np.float64)
        return self

    def forward(self):
        """Compute every node from the inputs; returns the output's value. Raises ExpressionError as forward_steps."""
        for _ in self.forward_steps():
            pass
        return _plain(self.output.value)

    def forward_steps(self) -> Iterator[Node]:
        """Compute node after node, yielding each.

        Raises ExpressionError, with the place, where a value is not a finite number: division by zero, overflow ...
        """
        for node in self.operations:
            try:
                with np.errstate(all="ignore"):
                    node.forward()
            except ValueError as error:  # shapes that do not fit
                raise self._error(node, str(error)) from None
            if not np.isfinite(node.value).all():
                raise self._error(node, _why_not_finite(node))
            yield node

    def backward(self):
        """The gradient of the output with respect to each input, {name: gradient}, after ``forward``."""
        for _ in self.backward_steps():
            pass
        return {name: _plain(node.grad) for name, node in self.inputs.items()}

    def backward_steps(self) -> Iterator[Node]:
        """Send gradients back node after node, from the output on; see ``Node.backward_steps``.

        Raises ExpressionError, with the place, where a derivative does not exist or is infinite.
        """
        with np.errstate(all="ignore"):
            for node in self.output.backward_steps():
                used = [share for share, to in zip(node.shares(), node.parents, strict=True) if not to.constant]
                if not all(np.isfinite(share).all() for share in used):
                    at = ", ".join(f"{_plain(parent.value)!s:.40}" for parent in node.parents)
                    raise self._error(node, f"{node.operation.name} has no finite derivative at {at}")
                yield node

    def source(self, node):
        """The part of the text that a node stands for."""
        start, end = self._places[node]
        return self.text[start:end]

    def _error(self, node, reason):
        return ExpressionError(reason, self.text, *self._places[node])


def _why_not_finite(node):
    values = [parent.value for parent in node.parents]
    first, last = values[0], values[-1]
    if node.operation is op.DIVIDE and np.any(last == 0):
        return "division by zero"
    if node.operation is op.LOG and np.any(first <= 0):
        return f"log needs a number above 0, got {_plain(first)}"
    if node.operation is op.SQRT and np.any(first < 0):
        return f"sqrt needs a number of at least 0, got {_plain(first)}"
    if node.operation is op.POWER and np.any((first == 0) & (last < 0)):
        return "division by zero: 0 to a negative power"
    if node.operation is op.POWER and np.any(first < 0) and np.any(last != np.round(last)):
        return f"a negative number has only whole powers, got ({_plain(first)}) ** {_plain(last)}"
    return "overflow: the value is larger than the largest float, 1.8e308"


def _plain(value):
    return float(value) if value.ndim == 0 else value
