"""A network playground: data, layers and training under the mouse, trained live by the kit's own network."""

from pathlib import Path

import numpy as np

from cs231n_kit.widgets import frontend, palette
from cs231n_kit.widgets.decision_regions import decision_regions
from cs231n_kit.widgets.live_widget import LiveWidget
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
from cs231n_kit.widgets.state_values import choice
from cs231n_kit.widgets.stateful_widget import PlaneWidget, StateEntry
from cs231n_kit.widgets.training_records import rounded

FOLDER = Path(__file__).parent / "network_playground_frontend"
LIVE, FINE, UNIT = 80, 120, 30  # cells along a side: while training, at rest, and of a unit's picture


class NetworkPlayground(LiveWidget, PlaneWidget):
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

    def __init__(self, X=None, y=None, X_test=None, y_test=None, *, lesson=None, state=None, **settings):
        if isinstance(state, str):
            state = state_from_string(state)
        if lesson is not None:
            choice("lesson", lesson, LESSONS)
        start = {**(state or {}), **(lesson_settings(lesson) if lesson else {})}
        if any(key in GENERATING and settings[key] != start.get(key, DEFAULTS[key]) for key in settings) or lesson:
            start = {key: value for key, value in start.items() if key not in DATA}
        if "test_share" in settings and X_test is None:
            start.pop("test", None)
        start |= own_data(X, y, X_test, y_test) | settings
        start = complete_state(start)
        super().__init__(_describe(start["preset"] == OWN), start)

    @property
    def network(self):
        """The kit's network as it is now, a ``Sequential``; it takes the features of points, not the points."""
        return self._run.network

    @property
    def history(self):
        """A list of ``Record(step, train_loss, test_loss, train_accuracy, test_accuracy)``."""
        return list(self._run.history)

    @property
    def is_test(self):
        """Which points are kept from training, bool (N,)."""
        return np.array(self.state["test"], dtype=bool)

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

    def _complete_state(self, state):
        rest = {key: value for key, value in self._setup.get("initial", {}).items() if key in DEFAULTS}
        return complete_state({**rest, **state})

    def _make_run(self):
        run = TrainingRun(self.state)
        run.record()
        return run

    def _pace(self):
        return PACES[self.state["pace"]]

    def _state_to_string(self, state):
        return state_to_string(state)

    def _frame(self, buffers, history, draft):
        """What a page needs to draw the network as it is; adds regions, unit maps, their ranges and the parameters."""
        run = self._run
        record, resolution = run.record(), LIVE if draft else FINE
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
            "record": [rounded(value) for value in record],
            "history": [[rounded(value) for value in one] for one in run.history] if history else None,
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
