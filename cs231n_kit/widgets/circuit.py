"""A computational graph under the mouse: type an expression, step through it, change an input and watch."""

from pathlib import Path

from cs231n_kit.graph import ExpressionError
from cs231n_kit.widgets import circuit_state, frontend
from cs231n_kit.widgets.circuit_scene import arrange, describe
from cs231n_kit.widgets.stateful_widget import StateEntry, StatefulWidget

FOLDER = Path(__file__).parent / "circuit_frontend"


class Circuit(StatefulWidget):
    """The graph of an expression, with values above its wires and gradients below them.

    >>> Circuit("q = x + y; f = q * z", {"x": -2, "y": 5, "z": -4})
    >>> Circuit(preset="Sigmoid neuron", step=0)

    Type another expression; step forward and backward; drag an input sideways or type its value; rest the pointer
    on a node to read its local derivatives and what the chain rule makes of them.

    Args:
        expression: as for ``cs231n_kit.graph.parse``, of numbers: ``+ - * / **``, max, min, exp, log, sqrt, square,
            abs, sin, cos, tanh, sigmoid, relu; steps may have names, as in the example.
        values: {name: value} of the inputs, each from -1e6 to 1e6; missing ones are chosen.
        preset: a name in ``circuit_state.PRESETS``, instead of an expression. The default is the first one.
        step: 0 shows the inputs only; without it, everything is computed.
        state: an earlier ``state`` or ``state_string``; the other arguments given win over it.

    Raises:
        ExpressionError: the expression cannot be read or computed; it says where.
        ValueError: another argument is wrong.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")

    expression, values, step = StateEntry(), StateEntry(), StateEntry()

    def __init__(self, expression=None, values=None, *, preset=None, step=None, state=None):
        if expression is not None and preset is not None:
            raise ValueError("give an expression or a preset, not both")
        if preset is not None and preset not in circuit_state.PRESETS:
            raise ValueError(f"preset must be one of {', '.join(circuit_state.PRESETS)}; got {preset!r}")
        if isinstance(state, str):
            state = circuit_state.state_from_string(state)
        start = dict(state or {})
        if expression is not None:
            start = {"expression": expression} if values else circuit_state.with_expression(expression, {})
        elif preset is not None or "expression" not in start:
            expression, preset_values = circuit_state.PRESETS[preset or next(iter(circuit_state.PRESETS))]
            start = {"expression": expression, "values": preset_values}
        if values is not None:
            start["values"] = {**start.get("values", {}), **values}
        if step is not None:
            start["step"] = step
        self._layout = (None, None)  # the expression and its layout
        self._refused = None
        presets = [
            {"name": name, "expression": text, "values": chosen}
            for name, (text, chosen) in circuit_state.PRESETS.items()
        ]
        super().__init__({"presets": presets}, circuit_state.complete_state(start))

    @property
    def graph(self):
        """The graph as it is now, computed forward and backward; a new ``cs231n_kit.graph.Graph`` each time."""
        return circuit_state.evaluate(self.state["expression"], self.state["values"])

    def change(self, **entries):
        """Set entries of the state, all at once; a new expression without values keeps those that fit."""
        values = entries.pop("values", None)
        if "expression" not in entries:
            self.state = {**self.state, "values": {**self.values, **(values or {})}, **entries}
        elif values is None:
            kept = circuit_state.with_expression(entries.pop("expression"), self.values)
            self.state = {**kept, **entries}
        else:
            self.state = {"values": values, **entries}

    def figure(self):
        """The same picture as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.circuit_figure import draw_figure

        return draw_figure(self.scene(), self.state)

    def scene(self):
        """All that is drawn, as plain values; see ``circuit_scene.describe``."""
        with self._lock:
            graph = self.graph
            if self._layout[0] != graph.text:
                self._layout = (graph.text, arrange(graph))
            return describe(graph, self._layout[1])

    def _caption(self):
        return f"Circuit of {self.expression}"

    def _complete_state(self, state):
        return circuit_state.complete_state({"expression": self._setup["initial"]["expression"], **state})

    def _forget(self):
        self._refused = None

    def _state_to_string(self, state):
        return circuit_state.state_to_string(state)

    def _take(self, state):
        """Take the browser's state; one that cannot be computed is refused, and the last good one stays."""
        self._refused = None
        try:
            if state.get("expression") != self.state["expression"] and "step" not in state:
                state = circuit_state.with_expression(state["expression"], state.get("values", {}))
            super()._take(state)
        except ExpressionError as error:
            self._refused = {"reason": error.reason, "text": error.text, "start": error.start, "end": error.end}

    def _respond(self, request, reply, buffers):
        self._part = "scene"
        reply["refused"] = self._refused
        if request.get("scene"):
            reply["scene"] = self.scene()
