"""A recurrent network unrolled over a short sequence: stepped through, forward and back through time."""

from pathlib import Path

import numpy as np

from cs231n_kit.clipping import clip_by_norm
from cs231n_kit.explorations.gradient_lags import CELLS
from cs231n_kit.widgets import frontend, palette
from cs231n_kit.widgets.circuit_words import number
from cs231n_kit.widgets.state_values import choice
from cs231n_kit.widgets.stateful_widget import StateEntry, StatefulWidget
from cs231n_kit.widgets.unrolled_network_lessons import LESSONS, lesson_settings
from cs231n_kit.widgets.unrolled_network_pass import Pass, learn
from cs231n_kit.widgets.unrolled_network_scene import WEIGHT_RANGE, describe, fill, short
from cs231n_kit.widgets.unrolled_network_sequence import SequenceError
from cs231n_kit.widgets.unrolled_network_state import (
    CHOICES,
    LARGEST,
    REAL,
    WHOLE,
    complete_state,
    state_from_string,
    state_to_string,
    with_changes,
)
from cs231n_kit.widgets.unrolled_network_story import tell
from cs231n_kit.widgets.unrolled_network_words import bracketed_place

FOLDER = Path(__file__).parent / "unrolled_network_frontend"


class UnrolledNetwork(StatefulWidget):
    """A small RNN or LSTM that reads letters or numbers and puts out the next one, drawn step by step.

    >>> UnrolledNetwork()                                               # an RNN of 3 units reads "hell"
    >>> UnrolledNetwork("hello hello", cell="lstm", step=0)
    >>> UnrolledNetwork([1, 0, 0, 0, 1], losses=[4], forget_bias=3)     # numbers, with a loss at the last step only
    >>> UnrolledNetwork(lesson="vanish")                                # prepared, with a sentence of commentary

    Step forward, then back through time; point at a number to see its formula; drag a weight, and all steps change.
    Numbers are those of ``rnn_step_forward``, ``lstm_step_forward`` and their backward passes, on a batch of one.

    Args:
        sequence: a text of 2 to 17 letters, at most 6 of them different; or as many numbers, as a list or a text
            such as "1, 0, 0.5". All but the last are read, all but the first are to be put out.
        lesson: prepared settings, one of ``unrolled_network_lessons.LESSONS``; the other arguments win over it.
        state: an earlier ``state`` or ``state_string``; the other arguments win over it.
        **settings: entries of ``state``:

            ``cell`` ("rnn", "lstm"), ``hidden`` (1 to 4 units), ``reads`` ("letters", "numbers"), ``seed`` of the first
            weights, ``weights`` ({cell: {"Wx", "Wh", "b", "Wy", "by"}} in the layers' shapes; what is missing comes
            from the seed), ``scale`` (Wh is multiplied by it), ``forget_bias`` (is added to the forget gates' b);
            ``losses`` (steps from 1 on whose loss counts), ``window`` (gradients are cut every so many steps from the
            end), ``clip`` (norm of the whole gradient that clipping would allow), ``chosen`` ([name, row, column] of
            the weight whose gradient is added up), ``step`` (0 to all forward and backward moments).

    Raises:
        SequenceError: the sequence cannot be read. ValueError: an argument is unknown or wrong.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")

    cell, sequence, reads, hidden, seed, weights = (StateEntry() for _ in range(6))
    scale, forget_bias, losses, window, clip, chosen, step, lesson = (StateEntry() for _ in range(8))

    def __init__(self, sequence=None, *, lesson=None, state=None, **settings):
        if lesson is not None:
            choice("lesson", lesson, LESSONS)
        if isinstance(state, str):
            state = state_from_string(state)
        if sequence is not None:
            settings = _named(sequence) | settings
        start = complete_state(state or {})
        if lesson is not None or not (state or settings):
            start = lesson_settings(lesson or next(iter(LESSONS)))
        self._passes = {}  # of both cells at the present state, once asked for
        self._refused = None
        super().__init__(_describe(), with_changes(start, settings))

    @property
    def states(self):
        """What each step computes, {kind: (T, H)}: h, and of an LSTM also c and the gates i, f, o, g."""
        run = self._pass(self.state["cell"])
        kinds = "h" if run.cell == "rnn" else "hcifog"
        return {kind: np.stack([run.values(kind, t) for t in range(run.sequence.steps)]) for kind in kinds}

    @property
    def outputs(self):
        """Probabilities of the next letter, or the next number, (T, V)."""
        return self._pass(self.state["cell"]).outputs

    @property
    def gradients(self):
        """{name: gradient} of the weights that are computed with, summed over all steps, cut as the window says."""
        return self._pass(self.state["cell"]).gradients

    def change(self, **entries):
        """Set entries of the state, all at once; what no longer fits (weights, losses, step) is made anew."""
        self.state = with_changes(self.state, entries)

    def learn(self):
        """Train the present cell's weights on the sequence: 200 steps of Adam."""
        self.change(weights=learn(self.state))

    def figure(self):
        """The same picture as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.unrolled_network_figure import draw_figure

        with self._lock:
            return draw_figure(self.scene(), self.state)

    def scene(self):
        """All that is drawn, as plain values; see ``unrolled_network_scene.describe``."""
        with self._lock:
            run = self._pass(self.state["cell"])
            return {**describe(run, self.state), "matrices": self._matrices(run), "lags": self._lags()}

    def _pass(self, cell):
        with self._lock:
            if cell not in self._passes:
                self._passes[cell] = Pass(self.state, cell)
            return self._passes[cell]

    def _matrices(self, run):
        """The weights as they are computed with: numbers, and each as ``times`` the stored one plus ``plus``."""
        H = self.state["hidden"]
        found = []
        for name, values in run.weights.items():
            rows = np.atleast_2d(values)
            plus = np.zeros(rows.shape[1])
            if name == "b" and run.cell == "lstm":
                plus[H : 2 * H] = self.state["forget_bias"]
            cells = [
                [dict(zip(("fill", "ink"), fill(v, WEIGHT_RANGE), strict=True), text=short(v)) for v in row]
                for row in rows
            ]
            times = self.state["scale"] if name == "Wh" else 1.0
            names = run.sequence.symbols if name == "Wx" else ()
            columns = run.sequence.symbols if name in ("Wy", "by") else ()
            found.append(
                {"name": name, "values": rows.round(6).tolist(), "cells": cells, "times": times, "plus": plus.tolist()}
                | {"rows": list(names), "columns": list(columns)}
            )
        return found

    def _lags(self):
        """Gradients by lag and the norms of whole gradients, of both cells."""
        curves, norms = {}, {}
        for cell in CELLS:
            run = self._pass(cell)
            hidden, inside = run.lags()
            curves[f"{cell} h"] = _logarithms(hidden)
            if inside is not None:
                curves[f"{cell} c"] = _logarithms(inside)
            norms[cell] = clip_by_norm(run.gradients, self.state["clip"])[1]
        radius = float(np.abs(np.linalg.eigvals(self._pass("rnn").weights["Wh"])).max())
        clipped = {cell: min(1.0, self.state["clip"] / norm) if norm else 1.0 for cell, norm in norms.items()}
        return {
            "curves": curves,
            "norms": {cell: {"text": number(norm), "log": _logarithms([norm])[0]} for cell, norm in norms.items()},
            "factors": {cell: number(factor) if factor < 1 else "" for cell, factor in clipped.items()},
            "radius": number(radius),
            "weight": bracketed_place(self.state["chosen"]),
        }

    def _caption(self):
        return f"UnrolledNetwork, {self.cell}, reads {self.sequence}"

    def _complete_state(self, state):
        return complete_state(state)

    def _forget(self):
        self._passes, self._refused = {}, None

    def _state_to_string(self, state):
        return state_to_string(state)

    def _take(self, state):
        """Take the browser's state; a sequence that cannot be read is refused, and the last good one stays."""
        self._refused = None
        try:
            changed = {key: value for key, value in state.items() if value != self.state.get(key)}
            super()._take(with_changes(self.state, changed))
        except SequenceError as error:
            self._refused = str(error)

    def _respond(self, request, reply, buffers):
        if request.get("learn"):
            self._part = "learn"
            super()._take(with_changes(self.state, {"weights": learn(self.state)}))
        self._part = "scene"
        reply["refused"] = self._refused
        if request.get("scene"):
            reply["scene"] = self.scene()
        if request.get("scene") or request.get("story"):
            self._part = "story"
            focus = (request.get("story") or {}).get("focus")
            reply["story"] = tell(self._pass(self.state["cell"]), self.state, focus)


def _named(sequence):
    """A sequence given as an argument, as entries of the state."""
    if isinstance(sequence, str):
        return {"sequence": sequence}
    numbers = np.asarray(sequence).tolist() if isinstance(sequence, (list, tuple, np.ndarray)) else None
    if not isinstance(numbers, list) or not all(isinstance(value, (int, float)) for value in numbers):
        raise SequenceError(f"sequence must be a text or a list of numbers, got {type(sequence).__name__}")
    return {"sequence": ", ".join(f"{value:g}" for value in numbers), "reads": "numbers"}


def _logarithms(values):
    """Logarithms to base 10 for JSON, None where there is none."""
    return [round(float(np.log10(value)), 4) if 0 < value < np.inf else None for value in values]


def _describe():
    """What the browser must know once."""
    return {
        "ranges": {name: list(ends) for name, ends in (WHOLE | REAL).items()},
        "choices": {name: list(values) for name, values in CHOICES.items()},
        "largest": LARGEST,
        "signs": {"negative": palette.NEGATIVE, "zero": palette.ZERO, "positive": palette.POSITIVE},
        "weight_range": WEIGHT_RANGE,
        "lessons": [
            {"name": name, "title": lesson.title, "text": lesson.text, "settings": lesson_settings(name)}
            for name, lesson in LESSONS.items()
        ],
    }
