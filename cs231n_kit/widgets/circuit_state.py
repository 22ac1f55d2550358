"""The state of a circuit: an expression, its inputs' values and a step; short enough for a link."""

from collections.abc import Mapping

from cs231n_kit.graph import ExpressionError
from cs231n_kit.graph.expression import read
from cs231n_kit.widgets import state_values

LARGEST = 1e6  # of an input's value
DIGITS = 6  # decimals that an input's value keeps

PRESETS = {
    "(x + y) z": ("q = x + y; f = q * z", {"x": -2, "y": 5, "z": -4}),
    "Sigmoid neuron": ("1 / (1 + exp(-(w0*x0 + w1*x1 + w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    "Staged example": ("(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)", {"x": 3, "y": -4}),
    "Add distributes": ("2 * (x + y + z)", {"x": 1, "y": -3, "z": 4}),
    "Max routes": ("3 * max(x, y)", {"x": 2, "y": 1}),
    "Multiply swaps": ("x * y", {"x": 3, "y": -4}),
    "A fork adds": ("x * y + square(x)", {"x": 0.5, "y": 2}),
    "All patterns": ("2 * (x * y + max(z, w))", {"x": 3, "y": -4, "z": 2, "w": -1}),
}


def last_step(graph):
    """Step 0 shows the inputs; then each operation, the start of the backward pass, and each operation again."""
    return 2 * len(graph.operations) + 1


def complete_state(state):
    """Check a state and fill in what is missing.

    Args:
        state: a mapping with ``expression``, and perhaps ``values`` ({name: number} of the inputs; missing ones come
            from the text or are chosen) and ``step`` (default: the last one, when everything is computed).

    Returns:
        ``{"expression", "values", "step"}``, plain; values that stood in the text (``x = 3; ...``) are moved out of it.

    Raises:
        ExpressionError: the expression cannot be read, or not be computed at these values.
        ValueError: anything else is wrong; the message names it.
    """
    unknown = [key for key in state if key not in ("expression", "values", "step")]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has expression, values, step")
    expression, values = state.get("expression"), state.get("values", {})
    if not isinstance(expression, str):
        raise ValueError(f"expression must be a text, got {state_values.short(expression)}")
    if not isinstance(values, Mapping):
        raise ValueError(f"values must be a dictionary of numbers, got {state_values.short(values)}")
    graph = read(expression)
    values = {name: value for name, value in values.items() if name not in graph.given}
    graph.set(**{name: state_values.real(name, value, -LARGEST, LARGEST, DIGITS) for name, value in values.items()})
    values = {name: state_values.real(name, value, -LARGEST, LARGEST, DIGITS) for name, value in graph.values.items()}
    evaluate(graph.body, values)
    step = state_values.whole("step", state.get("step", last_step(graph)), 0, last_step(graph))
    return {"expression": graph.body, "values": values, "step": step}


def with_expression(expression, values):
    """The state of a new expression, which keeps those of the old one's values that it has a name for.

    They were not chosen for this expression: where it cannot be computed at them, others are tried.

    Raises:
        ExpressionError: it cannot be read, or computed at any of the values tried; ValueError: it is no text.
    """
    if not isinstance(expression, str):
        raise ValueError(f"expression must be a text, got {state_values.short(expression)}")
    graph = read(expression)
    kept = {name: value for name, value in values.items() if name in graph.inputs}
    ones, rising = dict.fromkeys(graph.inputs, 1.0), dict(zip(graph.inputs, range(1, 99), strict=False))
    first = None
    for start in (kept, {**ones, **kept}, {**rising, **kept}, {}, ones, rising, dict.fromkeys(graph.inputs, 10.0)):
        try:
            return complete_state({"expression": expression, "values": start})
        except ExpressionError as error:
            first = first or error
    raise first


def evaluate(expression, values):
    """The graph of an expression, computed forward and backward at these values of all its inputs."""
    graph = read(expression).set(**values)
    graph.forward()
    graph.backward()
    return graph


def state_to_string(state):
    """Pack a state into URL-safe characters."""
    return state_values.pack(state)


def state_from_string(string):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    return state_values.unpack(string, complete_state, "circuit")
