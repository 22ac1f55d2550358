"""A network playground: data, layers and training under the mouse, trained live by the kit's own network."""

import math
from pathlib import Path

import numpy as np

from cs231n_kit.widgets import frontend, palette
from cs231n_kit.widgets.decision_regions import decision_regions
from cs231n_kit.widgets.live_training import LiveTraining
from cs231n_kit.widgets.playground_code import program
from cs231n_kit.widgets.playground_data import FEATURES
from cs231n_kit.widgets.playground_lessons import LESSONS
from cs231n_kit.widgets.playground_state import (
    CHOICES,
    DATA,
    DEFAULTS,
    GENERATING,
    LAYER,
    MOST_LAYERS,
    MOST_UNITS,
    OWN,
    PACES,
    RANGES,
    complete_state,
    lesson_settings,
    own_data,
    state_from_string,
    state_to_string,
)
from cs231n_kit.widgets.playground_training import TrainingRun
from cs231n_kit.widgets.presets import PRESETS
from cs231n_kit.widgets.stateful_widget import PlaneWidget, StateEntry

FOLDER = Path(__file__).parent / "network_playground_frontend"
LIVE, FINE, UNIT = 80, 120, 30  # cells along a side: while training, at rest, and of a unit's picture


class NetworkPlayground(PlaneWidget):
    """A network that learns while one looks: change the data, the layers and the training as it goes.

    >>> NetworkPlayground()                                        # three arms of a spiral
    >>> NetworkPlayground(lesson="vanishing")                      # prepared, with a sentence of commentary
    >>> NetworkPlayground(preset="xor", classes=2, layers=[4, 4], learning_rate=0.03)
    >>> NetworkPlayground(X, y)                                    # your own points in the plane

    Everything that moves is the kit's: a ``Sequential``, ``softmax_loss`` and an ``Optimizer``, trained in a thread
    beside the notebook. ``code()`` is the program that repeats it, ``state_string`` a link-sized text that keeps it.

    Args:
        X, y: your own points, numbers (N, 2), and labels (N,) from 0 to 5; at most 500. Points that leave the square
            [-1, 1] x [-1, 1] are moved and scaled into it.
        X_test, y_test: your own test points. Left out, a share of the points is kept from training.
        lesson: prepared settings, one of ``LESSONS``; the other arguments win over it.
        state: an earlier ``state`` or ``state_string``; the other arguments win over it.
        **settings: entries of ``state``:

            ``preset`` ("blobs", "circles", "spiral", "moons", "xor"), ``classes`` (2 to 6), ``points_per_class``,
            ``noise``, ``seed``, ``test_share``: the data;
            ``features``: inputs of the network, some of "x1", "x2", "x1²", "x2²", "x1x2", "sin πx1", "sin πx2";
            ``layers``: the hidden layers, each a number of units or a dictionary with ``units`` (1 to 16),
            ``activation`` ("relu", "leaky_relu", "elu", "sigmoid", "tanh", "linear") and ``initialize``
            ("he_normal", "inverse_sqrt", "xavier_uniform", "small_normal", "large_normal", "zeros");
            ``output_initialize``: the same for the scores; ``network_seed``: of weights, dropout and order;
            ``optimizer`` (the kit's rules), ``learning_rate``, ``batch_size``, ``dropout`` (the share of units
            that is dropped), ``l1`` and ``l2`` (λ₁ Σ|w| + λ₂ Σ w²; for "adamw", l2 is its decoupled decay);
            ``pace`` ("slow", "medium", "fast"), ``show_confidence``.

    Raises:
        ValueError: an argument is unknown, out of range or does not fit the others.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")

    preset, classes, points_per_class, noise, seed = (StateEntry() for _ in range(5))
    test_share, features, layers, output_initialize, network_seed = (StateEntry() for _ in range(5))
    dropout, l1, l2, learning_rate, batch_size, optimizer = (StateEntry() for _ in range(6))
    pace, show_confidence = StateEntry(), StateEntry()

    _live = None

    def __init__(self, X=None, y=None, X_test=None, y_test=None, *, lesson=None, state=None, **settings):
        if isinstance(state, str):
            state = state_from_string(state)
        if lesson is not None and lesson not in LESSONS:
            raise ValueError(f"lesson must be one of {', '.join(LESSONS)}; got {lesson!r}")
        start = {**(state or {}), **(lesson_settings(lesson) if lesson else {})}
        if any(key in GENERATING and settings[key] != start.get(key, DEFAULTS[key]) for key in settings) or lesson:
            start = {key: value for key, value in start.items() if key not in DATA}
        if "test_share" in settings and X_test is None:
            start.pop("test", None)
        start |= own_data(X, y, X_test, y_test) | settings
        self._run = None
        start = complete_state(start)
        super().__init__(_describe(start["preset"] == OWN), start)
        self._live = LiveTraining(self._run_step, self._publish, lambda: PACES[self.state["pace"]], self._lock)
        self.on_msg(self._hear)

    @property
    def network(self):
        """The kit's network as it is now, a ``Sequential``; it takes the features of points, not the points."""
        return self._run.network

    @property
    def history(self):
        """A list of ``Record(step, train_loss, test_loss, train_accuracy, test_accuracy)``."""
        return list(self._run.history)

    @property
    def step_count(self):
        """Updates of the network since its start."""
        return self._run.step_count

    @property
    def running(self):
        """Whether it trains on its own."""
        return self._live.running

    @property
    def trouble(self):
        """Why training stopped by itself, in a sentence, or ""."""
        return self._run.trouble

    @property
    def is_test(self):
        """Which points are kept from training, bool (N,)."""
        return np.array(self.state["test"], dtype=bool)

    def play(self):
        """Train on in the background, as fast as ``pace`` says and the page can paint, until ``pause``."""
        self._live.start()

    def pause(self):
        """Stop training; ``play`` goes on."""
        self._live.stop()
        with self._lock:
            self._publish()

    def train(self, steps=1):
        """Train for so many steps now, and return when they are done or training cannot go on (see ``trouble``).

        Returns the latest ``Record``.
        """
        for done in range(steps):
            with self._lock:
                if not self._run.step():
                    break
                if (done + 1) % max(1, steps // 100) == 0:
                    self._run.record()
        with self._lock:
            self._publish(history=True)
            return self._run.history[-1]

    def restart(self):
        """Begin again with the first weights; data and settings stay."""
        with self._lock:
            self._run.start()
            self._publish(history=True)

    def reset(self):
        """Return to the state the widget was made with, and begin again with the first weights."""
        with self._lock:
            super().reset()
            self.restart()

    def change(self, **entries):
        """Set entries of the state, all at once; points are drawn anew where an entry says how to draw them."""
        dropped = ()
        if "points" not in entries and any(key in GENERATING for key in entries):
            dropped = DATA
        elif "points" in entries or "test_share" in entries:
            dropped = ("test",)
        self.state = {key: value for key, value in self.state.items() if key not in dropped} | entries

    def set_points(self, points, labels, test=None):
        """Show these points, (N, 2) inside [-1, 1], labels (N,) of 0 to classes - 1; test (N,) says which are."""
        entries = {"points": np.asarray(points, np.float64).tolist(), "labels": np.asarray(labels).tolist()}
        if test is None and len(points) == len(self.state["points"]):
            test = self.is_test
        self.change(**entries, **({} if test is None else {"test": np.asarray(test).tolist()}))

    def code(self):
        """The kit's code that builds this network and trains it for as many steps, as text."""
        with self._lock:
            return program(self.state, self._run.step_count, self._run.changed)

    def regions(self, resolution=FINE):
        """Labels and confidence on a grid as they are now; see ``decision_regions``."""
        with self._lock:
            labels = np.array(self.state["labels"], np.int64)
            return decision_regions(self._run, self.state["classes"], labels, resolution)

    def figure(self):
        """The same picture as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.playground_figure import draw_playground

        with self._lock:
            self._run.record()
            return draw_playground(self._run, self.regions())

    def close(self):
        """End the widget and its training."""
        if self._live is not None:  # else the constructor raised
            self._live.stop()
        super().close()

    def _complete_state(self, state):
        rest = {key: value for key, value in self._setup.get("initial", {}).items() if key in DEFAULTS}
        return complete_state({**rest, **state})

    def _forget(self):
        if self._run is None:
            self._run = TrainingRun(self.state)
            self._run.record()
        else:
            self._run.change(self.state)

    def _state_to_string(self, state):
        return state_to_string(state)

    def _respond(self, request, reply, buffers):
        """Commands first: play, pause, step, restart; then what is to be seen: frame, code."""
        self._part = "command"
        command = request.get("command")
        if command == "play":
            self._live.start()
        elif command in ("pause", "step", "restart"):
            self._live.stop()
        if command == "step":
            self._run.step()
        elif command == "restart":
            self._run.start()
        self._part = "frame"
        if request.get("frame"):
            draft = bool(request.get("draft")) or self.running
            reply["frame"] = self._frame(LIVE if draft else FINE, buffers, history=bool(command) or not draft)
        self._part = "code"
        if request.get("code"):
            reply["code"] = self.code()

    def _hear(self, _widget, message, _buffers):
        """What the page says beside its requests: a frame is painted, the last view is gone."""
        if message.get("type") == "painted":
            self._live.seen()
        elif message.get("type") == "gone":
            self._live.stop()

    def _run_step(self):
        return self._run.step()

    def _publish(self, history=False):
        """Send a frame to all pages, unasked."""
        buffers = []
        frame = self._frame(LIVE if self.running else FINE, buffers, history)
        self.send({"type": "frame", "frame": frame}, buffers)

    def _frame(self, resolution, buffers, history):
        """What a page needs to draw the network as it is; adds regions, unit maps, their ranges and the parameters."""
        run = self._run
        record = run.record()
        maps = run.unit_maps(UNIT)
        lows, highs = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))
        largest = np.maximum(np.maximum(-lows, highs), 1e-12)
        shades = np.nan_to_num(np.rint(127 * maps / largest[:, None, None])).astype(np.int8)
        parameters = [array.ravel() for array in run.network.parameters.values()]
        buffers += [
            decision_regions(run, self.state["classes"], run.y_train, resolution).tobytes(),
            shades.tobytes(),
            np.stack([lows, highs], axis=1).astype(np.float32).tobytes(),
            np.concatenate(parameters).astype(np.float32).tobytes(),
        ]
        return {
            "resolution": resolution,
            "shape": _shape(self.state),
            "record": _plain(record),
            "history": [_plain(one) for one in run.history] if history else None,
            "epoch": round(run.epoch, 2),
            "running": self.running,
            "trouble": run.trouble,
            "gradients": run.gradient_sizes(),
            "firing": run.firing().tolist(),
        }


def _describe(own):
    """What the browser must know once: the ranges, names and colours of its controls."""
    return {
        "presets": [*PRESETS, OWN] if own else list(PRESETS),
        "features": list(FEATURES),
        "layer": LAYER,
        "most_layers": MOST_LAYERS,
        "most_units": MOST_UNITS,
        "unit_resolution": UNIT,
        "ranges": {name: list(ends) for name, ends in RANGES.items()},
        "choices": {name: list(values) for name, values in CHOICES.items()},
        "lessons": [
            {"name": name, "title": lesson.title, "text": lesson.text, "settings": lesson_settings(name)}
            for name, lesson in LESSONS.items()
        ],
        "colors": list(palette.COLORS),
        "shapes": list(palette.SHAPES),
        "tint": list(palette.TINT),
        "signs": {"negative": palette.NEGATIVE, "zero": palette.ZERO, "positive": palette.POSITIVE},
    }


def _shape(state):
    """The network's layout in a word; the page draws no frame of another one."""
    units = [str(layer["units"]) for layer in state["layers"]]
    return "|".join([",".join(state["features"]), ",".join(units), str(state["classes"])])


def _plain(record):
    """A record for JSON: four significant digits, None for NaN."""
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in record]
