"""A node of a computational graph, and the backward pass over it   (reverse-mode differentiation, lecture 04)."""

from collections.abc import Iterator

import numpy as np

from cs231n_kit.graph import operations as op


class Node:
    """A value in a graph: given (an input or a constant), or computed from other nodes by an operation.

    >>> x, y, z = Node(-2), Node(5), Node(-4)
    >>> f = (x + y) * z
    >>> f.backward()
    >>> x.grad, y.grad, z.grad
    (-4.0, -4.0, 3.0)

    Numbers and arrays beside a node become constants. ``value`` and, after ``backward``, ``grad`` are float64 arrays of
    the same shape (a number is an array of shape ()); arithmetic broadcasts as in NumPy, ``@`` takes two matrices.
    """

    __array_ufunc__ = None  # `array @ node` is for the node to answer, not for NumPy

    def __init__(self, value=None, *, name="", operation=None, parents=(), constant=False):
        self.operation, self.parents = operation, tuple(parents)
        self.name, self.constant = name, constant
        self.value = None if value is None else np.asarray(value, np.float64)
        self.grad = None

    def __repr__(self):
        grad = "" if self.grad is None else f", grad={self.grad.tolist()}"
        return f"Node({'?' if self.value is None else self.value.tolist()}{grad})"

    # Forward

    def forward(self):
        """Compute the value from the parents' values; returns this node."""
        if self.operation is not None:
            self.value = np.asarray(self.operation.forward(*self._operands()), np.float64)
        return self

    def _operands(self):
        return [parent.value for parent in self.parents]

    # Backward

    def local_gradients(self):
        """The derivative of this node with respect to each parent, as arrays; of elementwise operations only."""
        if not isinstance(self.operation, op.Elementwise):
            what = "An input" if self.operation is None else f"{self.operation.name!r} of arrays"
            raise TypeError(f"{what} has no elementwise local gradient; backward() works without one")
        return tuple(np.asarray(local, np.float64) for local in self.operation.local(self.value, *self._operands()))

    def shares(self):
        """What this node sends back: upstream times local, one array in the shape of each parent."""
        return self.operation.backward(self.grad, self.value, *self._operands())

    def backward(self):
        """Set ``grad`` of every node that this one depends on to the gradient of this one's (summed) value."""
        for _ in self.backward_steps():
            pass

    def backward_steps(self) -> Iterator["Node"]:
        """The backward pass one node at a time, yielding each node once its gradient has gone to its parents."""
        order = topological_order(self)
        for node in order:
            node.grad = np.zeros_like(node.value)
        self.grad = np.ones_like(self.value)
        for node in reversed(order):  # whoever uses a node comes before it, so its grad is complete
            if node.operation is not None:
                for parent, share in zip(node.parents, node.shares(), strict=True):
                    if not parent.constant:
                        parent.grad += share  # += because gradients add up where a value was used twice
                yield node

    # What can be written

    def __add__(self, other):
        return apply(op.ADD, self, other)

    def __sub__(self, other):
        return apply(op.SUBTRACT, self, other)

    def __mul__(self, other):
        return apply(op.MULTIPLY, self, other)

    def __truediv__(self, other):
        return apply(op.DIVIDE, self, other)

    def __pow__(self, other):
        return apply(op.POWER, self, other)

    def __matmul__(self, other):
        return apply(op.MATMUL, self, other)

    def __neg__(self):
        return apply(op.NEGATE, self)

    def __radd__(self, other):
        return apply(op.ADD, other, self)

    def __rsub__(self, other):
        return apply(op.SUBTRACT, other, self)

    def __rmul__(self, other):
        return apply(op.MULTIPLY, other, self)

    def __rtruediv__(self, other):
        return apply(op.DIVIDE, other, self)

    def __rpow__(self, other):
        return apply(op.POWER, other, self)

    def __rmatmul__(self, other):
        return apply(op.MATMUL, other, self)

    def sum(self, axis=None, keepdims=False):
        """The sum of all elements, or along an axis, as ``ndarray.sum``."""
        return apply(op.sum_over(axis, keepdims), self)


def apply(operation, *operands) -> Node:
    """A new node: the operation applied to nodes, numbers or arrays, computed at once."""
    parents = [each if isinstance(each, Node) else Node(each, constant=True) for each in operands]
    return Node(operation=operation, parents=parents).forward()


def topological_order(output) -> list[Node]:
    """All nodes that the output depends on, itself last, each one after its parents."""
    order, seen, stack = [], set(), [(output, False)]
    while stack:
        node, parents_done = stack.pop()
        if parents_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((parent, False) for parent in reversed(node.parents))
    return order


def exp(x):
    """e^x of a node."""
    return apply(op.EXP, x)


def log(x):
    """The natural logarithm of a node."""
    return apply(op.LOG, x)


def sqrt(x):
    """The square root of a node."""
    return apply(op.SQRT, x)


def square(x):
    """The square of a node."""
    return apply(op.SQUARE, x)


def absolute(x):
    """The absolute value of a node; its derivative at 0 counts as 0."""
    return apply(op.ABS, x)


def sin(x):
    """The sine of a node, in radians."""
    return apply(op.SIN, x)


def cos(x):
    """The cosine of a node, in radians."""
    return apply(op.COS, x)


def tanh(x):
    """The hyperbolic tangent of a node."""
    return apply(op.TANH, x)


def sigmoid(x):
    """1 / (1 + e^-x) of a node."""
    return apply(op.SIGMOID, x)


def relu(x):
    """max(0, x) of a node; its derivative at 0 counts as 0."""
    return apply(op.RELU, x)


def maximum(*operands):
    """The largest of nodes, numbers or arrays, element by element; equal largest ones share the gradient."""
    return apply(op.MAXIMUM, *operands)


def minimum(*operands):
    """The smallest of nodes, numbers or arrays, element by element; equal smallest ones share the gradient."""
    return apply(op.MINIMUM, *operands)
