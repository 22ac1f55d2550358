"""A playground for language models: write a text, train an RNN or an LSTM on it, and read what it writes."""

from pathlib import Path

import numpy as np

from cs231n_kit.optimizers import RULES
from cs231n_kit.widgets import frontend, palette
from cs231n_kit.widgets.character_playground_code import program
from cs231n_kit.widgets.character_playground_presets import PRESETS
from cs231n_kit.widgets.character_playground_state import (
    CELLS,
    LONGEST,
    LONGEST_PREFIX,
    RANGES,
    TextError,
    complete_state,
    preset_settings,
    state_from_string,
    state_to_string,
)
from cs231n_kit.widgets.character_playground_training import MOST_EXPECTED, CharacterRun, split
from cs231n_kit.widgets.live_widget import LiveWidget
from cs231n_kit.widgets.state_values import choice
from cs231n_kit.widgets.stateful_widget import StateEntry
from cs231n_kit.widgets.training_records import rounded

FOLDER = Path(__file__).parent / "character_playground_frontend"


class CharacterPlayground(LiveWidget):
    """A network that learns to write a text, letter by letter, while one looks: change text, network and training.

    >>> CharacterPlayground()                                   # a rhyme
    >>> CharacterPlayground("To be or not to be. " * 10, cell="RNN", units=32)
    >>> CharacterPlayground(preset="sums")                      # prepared, with a sentence of commentary

    Everything that counts or moves is the kit's: ``Vocabulary``, ``windows``, a ``Sequential``, a ``Trainer``, which
    trains in a thread beside the notebook until it is paused, and ``sample``. ``code()`` is the program that repeats
    it, ``state_string`` a text that keeps it.

    Args:
        text: what to learn, at most 4,000 characters, at least two different ones. Of 200 characters or more, the last
            tenth is kept from training.
        preset: a prepared text with a sentence of commentary: "rhyme", "word", "counting", "sums", "rnn" or
            "unclipped"; the other arguments win over it.
        state: an earlier ``state`` or ``state_string``; the other arguments win over it.
        **settings: entries of ``state``:

            ``cell`` ("RNN", "LSTM"), ``units`` (1 to 256), ``length`` (characters of a piece that is trained on),
            ``batch_size``, ``seed`` (of weights and order); ``optimizer`` (the kit's rules), ``learning_rate``,
            ``clip_norm`` (the largest norm of the gradient; 0 does not clip);
            ``prefix`` (what the network reads before it writes), ``temperature`` (0 to 5), ``draw`` (seed of what is
            written), ``unit`` (the one that colours the letters, -1 none).

    Raises:
        TextError: a ``ValueError``; nothing can be learned from the text. It says why.
        ValueError: another argument is unknown or out of range.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")
    _every = 0.5  # each has a new sample

    preset, text, cell, units, length, batch_size, seed = (StateEntry() for _ in range(7))
    optimizer, learning_rate, clip_norm = (StateEntry() for _ in range(3))
    prefix, temperature, draw, unit = (StateEntry() for _ in range(4))

    def __init__(self, text=None, *, preset=None, state=None, **settings):
        if isinstance(state, str):
            state = state_from_string(state)
        if preset is not None:
            choice("preset", preset, tuple(PRESETS))
        elif text is None and not state and "text" not in settings:
            preset = "rhyme"
        start = dict(state or {}) | (preset_settings(preset) if preset else {})
        if text is not None:
            start |= {"text": text, "preset": ""}
        self._refused = None
        super().__init__(_describe(), complete_state(start | settings))

    @property
    def network(self):
        """The kit's network as it is now, a ``Sequential`` from numbers of characters to scores."""
        return self._run.network

    @property
    def vocabulary(self):
        """The ``Vocabulary`` of the text."""
        return self._run.vocabulary

    @property
    def history(self):
        """A list of ``Record(step, train_loss, validation_loss, norm, clipped_norm)``."""
        return list(self._run.history)

    def write(self, length=240):
        """What the network writes after the prefix now, a string of so many characters."""
        with self._lock:
            return self._run.write(length)

    def code(self):
        """The kit's code that builds this network and trains it for as many updates, as text."""
        with self._lock:
            return program(self.state, self._run.prefix()[0], self._run.step_count, self._run.changed)

    def figure(self):
        """What is written and expected, and the curves, as a matplotlib figure for print and pages without a kernel."""
        from cs231n_kit.widgets.character_playground_figure import draw_characters

        with self._lock:
            self._run.record()
            return draw_characters(self._run)

    def _caption(self):
        return f"CharacterPlayground of a text of {len(self.state['text']):,} characters"

    def _complete_state(self, state):
        return complete_state({**self._setup.get("initial", {}), **state})

    def _make_run(self):
        run = CharacterRun(self.state)
        run.record()
        return run

    def _state_to_string(self, state):
        return state_to_string(state)

    def _take(self, state):
        self._refused = None
        try:
            super()._take(state)
        except TextError as error:  # the network goes on as it is
            self._refused = {"text": state["text"], "problem": str(error)}

    def _respond(self, request, reply, buffers):
        super()._respond(request, reply, buffers)
        if request.get("frame"):
            reply["refused"] = self._refused

    def _frame(self, buffers, history, draft):
        """Where the training stands, what is written and expected; adds the chosen unit's activations, int8."""
        run = self._run
        record = run.record()
        prefix, problem = run.prefix()
        written = run.write()
        values = run.activations(prefix + written)
        if values is not None:
            buffers.append(np.rint(127 * values.astype(np.float64)).astype(np.int8).tobytes())
        cut, _ = split(self.state)
        return {
            "record": [rounded(value) for value in record],
            "history": [[rounded(value) for value in one] for one in run.history] if history else None,
            "running": self.running,
            "trouble": run.trouble,
            "rate": round(run.rate, 1),
            "characters": [len(self.state["text"]), len(run.vocabulary), len(self.state["text"]) - cut],
            "prefix": prefix,
            "prefix_problem": problem,
            "written": written,
            "expected": [[character, rounded(share)] for character, share in run.expected()[:MOST_EXPECTED]],
            "colored": values is not None,
        }


def _describe():
    """What the browser must know once: presets, and the values of its controls."""
    return {
        "presets": [
            {"name": name, "title": preset.title, "text": preset.text, "settings": preset_settings(name)}
            for name, preset in PRESETS.items()
        ],
        "ranges": {name: list(ends) for name, ends in RANGES.items()},
        "rules": list(RULES),
        "cells": list(CELLS),
        "longest": LONGEST,
        "longest_prefix": LONGEST_PREFIX,
        "signs": {"negative": palette.NEGATIVE, "zero": palette.ZERO, "positive": palette.POSITIVE},
    }
