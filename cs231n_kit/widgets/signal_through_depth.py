"""Signals through a deep network, forward and backward, layer by layer, before training and while it trains."""

from pathlib import Path

import numpy as np

from cs231n_kit.widgets import frontend
from cs231n_kit.widgets.live_widget import LiveWidget
from cs231n_kit.widgets.signal_data import GENERATED, INPUTS, own_data
from cs231n_kit.widgets.signal_histograms import BINS, BOUNDED, histograms
from cs231n_kit.widgets.signal_lessons import LESSONS
from cs231n_kit.widgets.signal_through_depth_state import (
    CHOICES,
    PACES,
    REAL,
    WHOLE,
    complete_state,
    lesson_settings,
    state_from_string,
    state_to_string,
)
from cs231n_kit.widgets.signal_training import SignalRun
from cs231n_kit.widgets.signal_words import diagnose
from cs231n_kit.widgets.state_values import choice
from cs231n_kit.widgets.stateful_widget import StateEntry
from cs231n_kit.widgets.training_records import rounded

FOLDER = Path(__file__).parent / "signal_through_depth_frontend"


class SignalThroughDepth(LiveWidget):
    """What a deep fully connected network does to a signal: histograms of activations and gradients in each layer,
    for any activation, initialisation, width, depth and normalisation, before training and while it trains.

    >>> SignalThroughDepth()                                                # tanh, weights of variance 1/n
    >>> SignalThroughDepth(lesson="too_small")                              # prepared, with a sentence of commentary
    >>> SignalThroughDepth(activation="relu", initialize="he_normal", depth=20, width=200)
    >>> SignalThroughDepth(X, y, normalization="batch")                     # real images

    All that is shown is measured on the kit's ``Sequential``, in one pass forward and backward of all examples, in
    float32. Normalisation is by that batch. ``state_string`` is a link-sized text that keeps everything but X and y.

    Args:
        X, y: your own examples, numbers (N, ...) with N from 2 to 1,000, each flattened to at most 4,000 numbers, and
            labels (N,) from 0 to at most 99. Without y, labels are random.
        lesson: prepared settings, one of ``signal_lessons.LESSONS``; the other arguments win over it.
        state: an earlier ``state`` or ``state_string``; the other arguments win over it.
        **settings: entries of ``state``:

            ``depth`` (1 to 30 hidden layers), ``width`` (10 to 500 units in each), ``activation`` ("sigmoid", "tanh",
            "relu", "leaky_relu", "elu", "maxout", "none"), ``normalization`` ("none", "batch", "layer");
            ``initialize`` ("zeros", "constant", "small_normal", "inverse_sqrt", "he_normal", "xavier_uniform",
            "sparse"), ``scale`` (of "constant", "small_normal" and "sparse"), ``connections`` (of "sparse"), ``bias``
            (of hidden units), ``seed`` (of weights and of the order of training);
            ``inputs`` ("gaussian", "shifted", "badly_scaled": 256 examples of 100 numbers; "own",
            "own_standardized": X), ``labels`` ("data", "random");
            ``learning_rate`` of gradient descent on batches of 64, ``pace`` ("slow", "medium", "fast");
            ``axis`` of the histograms ("shared" by the hidden layers, "own").

    Raises:
        ValueError: an argument is unknown, out of range or does not fit the others.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")

    depth, width, activation, initialize, scale, connections, bias = (StateEntry() for _ in range(7))
    normalization, inputs, labels, seed, learning_rate, pace, axis = (StateEntry() for _ in range(7))

    def __init__(self, X=None, y=None, *, lesson=None, state=None, **settings):
        if X is None and y is not None:
            raise ValueError("X and y belong together: y are the labels of X")
        self._own = None if X is None else own_data(X, y)
        if lesson is not None:
            choice("lesson", lesson, LESSONS)
        if isinstance(state, str):
            state = state_from_string(state, self._own)
        start = {**(state or {}), **({"lesson": lesson} | LESSONS[lesson].settings if lesson else {}), **settings}
        start = complete_state(start, self._own)
        super().__init__(_describe(self._own), start)

    @property
    def network(self):
        """The kit's network as it is now, a ``Sequential``; it takes examples flattened, (N, D)."""
        return self._run.network

    @property
    def layers(self):
        """What is measured in each layer, a list of ``LayerSignal``: the input, the hidden layers, the scores."""
        return list(self._run.signal.layers)

    @property
    def history(self):
        """A list of ``Record(step, loss, accuracy, flat, stuck)``."""
        return list(self._run.history)

    @property
    def diagnosis(self):
        """What the numbers mean, in sentences."""
        return " ".join(self._diagnose()[1])

    def figure(self):
        """The same picture as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.signal_figure import draw_signal

        with self._lock:
            return draw_signal(self._run, self._diagnose()[1])

    def _caption(self):
        return f"Signal through {self.depth} layers of {self.width} units. {self.diagnosis}"

    def _complete_state(self, state):
        return complete_state({**self._setup.get("initial", {}), **state}, self._own)

    def _make_run(self):
        return SignalRun(self.state, self._own)

    def _pace(self):
        return PACES[self.state["pace"]]

    def _is_due(self, done, steps):
        return done % max(1, steps // 50) == 0

    def _state_to_string(self, state):
        return state_to_string(state)

    def _frame(self, buffers, history, draft):
        """What a page needs to draw the network as it is; adds the histograms (2, L, BINS), float32."""
        run = self._run
        if run.history[-1].step != run.step_count:
            run.record()
        axes, shares = self._histograms()
        buffers.append(shares.tobytes())
        tone, sentences = self._diagnose()
        return {
            "layers": [dict(zip(layer._fields, _plain(layer), strict=True)) for layer in run.signal.layers],
            "axes": [[_plain(ends) for ends in kind] for kind in axes],
            "record": _plain(run.history[-1]),
            "history": [_plain(record) for record in run.history] if history else None,
            "classes": run.classes,
            "running": self.running,
            "tone": tone,
            "sentences": sentences,
        }

    def _histograms(self):
        """(axes, shares) of activations and gradients, (2, L, 2) and (2, L, BINS)."""
        signal, shared = self._run.signal, self.state["axis"] == "shared"
        outputs = histograms(signal.outputs, shared, BOUNDED.get(self.state["activation"]))
        gradients = histograms(signal.gradients, shared)
        return [np.stack(pair) for pair in zip(outputs, gradients, strict=True)]

    def _diagnose(self):
        return diagnose(self._run.signal, self.state, self._run.step_count, self._run.trouble)


def _describe(own):
    """What the browser must know once: the ranges and names of its controls."""
    lessons = [
        {"name": name, "title": lesson.title, "text": lesson.text, "settings": lesson_settings(name, own)}
        for name, lesson in LESSONS.items()
    ]
    return {
        "bins": BINS,
        "ranges": {name: list(ends) for name, ends in (WHOLE | REAL).items()},
        "choices": {name: list(values) for name, values in CHOICES.items()},
        "inputs": [[name, text] for name, text in INPUTS.items() if own is not None or name in GENERATED],
        "labelled": own is None or own[1] is not None,
        "lessons": lessons,
    }


def _plain(values):
    """Numbers for JSON; texts stay."""
    return [value if isinstance(value, str) else rounded(value) for value in values]
