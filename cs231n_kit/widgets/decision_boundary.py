"""A decision boundary under the mouse: move the data and watch any classifier redraw the plane."""

import math
import time
from pathlib import Path

import numpy as np

from cs231n_kit.widgets import frontend, palette
from cs231n_kit.widgets.boundary_state import (
    DEFAULTS,
    GENERATING,
    METRICS,
    RANGES,
    complete_state,
    state_from_string,
    state_to_string,
)
from cs231n_kit.widgets.decision_regions import classify, decision_regions, neighbors
from cs231n_kit.widgets.distance_classifier import DistanceClassifier
from cs231n_kit.widgets.presets import PRESETS
from cs231n_kit.widgets.stateful_widget import PlaneWidget, StateEntry

FOLDER = Path(__file__).parent / "decision_boundary_frontend"
COARSEST = 25  # cells along a side, when a classifier is too slow for more
DRAFT_SECONDS = 0.15  # a frame may take this long while something is dragged
FULL_SECONDS = 1.5  # and this long when it comes to rest


class DecisionBoundary(PlaneWidget):
    """Points to drag, and the regions that a classifier makes of them.

    >>> DecisionBoundary()                                             # k nearest neighbours
    >>> DecisionBoundary(MyClassifier, preset="spiral", classes=4)     # your own class
    >>> DecisionBoundary.from_functions(compute_distances, predict_labels, k=5)

    Drag points; click to add; Shift-click or Delete to remove; rest the pointer anywhere to see who votes.
    The plot is the square [-1, 1] x [-1, 1]; white means a tied vote.

    Args:
        classifier: an object, a class or a function without arguments that makes an object, with
            ``fit(X, y)`` and ``predict(X)`` or ``scores(X)`` (X float64 (N, 2), y int64 (N,), scores
            (N, C)). Controls appear for its attributes ``k`` and ``metric``, and set them; with
            ``kneighbors(X) -> (distances, indices)`` the voters are shown. Default: ``KNearestNeighbor``.
        classes: number of classes, 2 to 6.
        preset: "blobs", "circles", "spiral", "moons" or "xor".
        points_per_class: 1 to 80.
        noise: standard deviation of the points' scatter, 0 to 0.5.
        k, metric: what the controls start with; the classifier's own values where it has them.
        show_confidence: whether sure places are darker than doubtful ones.
        seed: of the preset's random numbers.
        resolution: cells along a side of the regions; a slow classifier gets fewer.
        state: an earlier ``state`` or ``state_string``; the other arguments given win over it.

    Raises:
        ValueError: an argument is out of range.
        TypeError: the classifier lacks ``fit``, or both ``predict`` and ``scores``.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")

    preset, classes, points_per_class = StateEntry(), StateEntry(), StateEntry()
    noise, seed, k, metric = StateEntry(), StateEntry(), StateEntry(), StateEntry()
    show_confidence = StateEntry()

    def __init__(
        self,
        classifier=None,
        *,
        classes=None,
        preset=None,
        points_per_class=None,
        noise=None,
        k=None,
        metric=None,
        show_confidence=None,
        seed=None,
        resolution=100,
        state=None,
    ):
        if not isinstance(resolution, int) or not 10 <= resolution <= 400:
            raise ValueError(f"resolution must be a whole number from 10 to 400, got {resolution!r}")
        if isinstance(state, str):
            state = state_from_string(state)
        given = {
            "classes": classes,
            "preset": preset,
            "points_per_class": points_per_class,
            "noise": noise,
            "k": k,
            "metric": metric,
            "show_confidence": show_confidence,
            "seed": seed,
        }
        given = {key: value for key, value in given.items() if value is not None}
        start = {**(state or {}), **given}
        if state and any(given.get(key, state.get(key)) != state.get(key) for key in GENERATING):
            start.pop("points", None), start.pop("labels", None)
        self._source = _default_classifier if classifier is None else classifier
        example = _make_classifier(self._source)
        if "k" not in start and isinstance(getattr(example, "k", None), int):
            start["k"] = min(max(example.k, RANGES["k"][0]), RANGES["k"][1])
        if "metric" not in start and getattr(example, "metric", None) in METRICS:
            start["metric"] = example.metric
        start = complete_state(start)

        self._resolution = resolution
        self._fitted = None
        self._cell_seconds = None
        super().__init__(_describe(example), start)

    @classmethod
    def from_functions(cls, compute_distances, predict_labels, **options):
        """Put two functions behind the widget: your own k nearest neighbours.

        Args:
            compute_distances: ``f(X, X_train) -> dists``, shape (num_test, num_train).
            predict_labels: ``f(dists, y_train, k=...) -> labels``, shape (num_test,).
            **options: as for ``DecisionBoundary``.
        """
        return cls(DistanceClassifier(compute_distances, predict_labels), **options)

    def set_points(self, points, labels):
        """Show these points, (N, 2) inside [-1, 1], with labels (N,) of 0 to classes - 1."""
        points, labels = np.asarray(points, np.float64).tolist(), np.asarray(labels).tolist()
        self.change(points=points, labels=labels)

    def change(self, **entries):
        """Set entries of the state, all at once; new points are drawn where an entry says how to draw them."""
        drawn = any(key in entries for key in GENERATING) and "points" not in entries
        kept = {key: value for key, value in self.state.items() if not (drawn and key in ("points", "labels"))}
        self.state = {**kept, **entries}

    def regions(self):
        """Labels and confidence on the grid as they are now; see ``decision_regions``."""
        with self._lock:
            return decision_regions(self._fit(), self.state["classes"], self.labels, self._resolution)

    def figure(self):
        """The same picture as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.decision_boundary_figure import draw_figure

        regions = self.regions() if self.state["points"] else None
        return draw_figure(self.state, regions, self._setup["controls"])

    def _complete_state(self, state):
        rest = {key: value for key, value in self._setup.get("initial", {}).items() if key in DEFAULTS}
        return complete_state({**rest, **state})

    def _forget(self):
        self._fitted = None

    def _state_to_string(self, state):
        return state_to_string(state)

    def _fit(self):
        """The classifier, fitted to the points as they are now."""
        if self._fitted is None:
            state = self.state
            classifier = _make_classifier(self._source)
            for name in self._setup["controls"]:
                setattr(classifier, name, state[name])
            if "k" in self._setup["controls"]:
                classifier.k = min(state["k"], len(state["points"]))
            classifier.fit(self.points, self.labels)
            self._fitted = classifier
        return self._fitted

    def _respond(self, request, reply, buffers):
        self._part = "regions"
        if request.get("regions"):
            regions = self._timed_regions(bool(request.get("draft")))
            reply["resolution"] = 0 if regions is None else regions.shape[1]
            buffers += [] if regions is None else [regions.tobytes()]
        self._part = "probe"
        if request.get("probe") is not None and self.state["points"]:
            reply["probe"] = self._probe(request["probe"])

    def _timed_regions(self, draft):
        """Regions as fine as this classifier can do in the time a frame may take; None without points."""
        if not self.state["points"]:
            return None
        self._fit()
        if self._cell_seconds is None:
            for _ in range(2):  # the first call may compile
                self._measured(COARSEST)
        cells = (DRAFT_SECONDS if draft else FULL_SECONDS) / self._cell_seconds
        return self._measured(min(self._resolution, max(COARSEST, math.isqrt(int(cells)))))

    def _measured(self, resolution):
        start = time.perf_counter()
        regions = decision_regions(self._fitted, self.state["classes"], self.labels, resolution)
        self._cell_seconds = max(time.perf_counter() - start, 1e-6) / resolution**2
        return regions

    def _probe(self, place):
        """The vote at a place: its label, shares or scores, and the neighbours that decided it."""
        place = np.clip(np.array(place, np.float64).reshape(1, 2), -1, 1)
        classifier = self._fit()
        answer = classify(classifier, place, self.state["classes"], self.labels)
        found = {
            "place": place[0].tolist(),
            "label": int(answer.labels[0]),
            "tied": bool(answer.tied[0]),
            "scores": None if answer.scores is None else answer.scores[0].tolist(),
        }
        if callable(getattr(classifier, "kneighbors", None)):
            distances, indices = neighbors(classifier, place, len(self.labels))
            found |= {"neighbors": indices[0].tolist(), "distances": distances[0].tolist()}
        return found


def _default_classifier():
    from cs231n_kit.neighbors import KNearestNeighbor

    return KNearestNeighbor()


def _describe(example):
    """What the browser must know once: the ranges, names and colours of its controls."""
    controls = [name for name in ("k", "metric") if hasattr(example, name)]
    return {
        "controls": controls,
        "presets": list(PRESETS),
        "metrics": list(METRICS),
        "ranges": {name: list(ends) for name, ends in RANGES.items()},
        "colors": list(palette.COLORS),
        "shapes": list(palette.SHAPES),
        "tint": list(palette.TINT),
    }


def _make_classifier(source):
    """An object with ``fit`` and ``predict`` or ``scores``, from itself, its class or a factory."""
    classifier = source() if isinstance(source, type) or (not hasattr(source, "fit") and callable(source)) else source
    name = type(classifier).__name__
    if not callable(getattr(classifier, "fit", None)):
        raise TypeError(f"the classifier ({name}) needs a method fit(X, y)")
    if not any(callable(getattr(classifier, method, None)) for method in ("predict", "scores", "predict_proba")):
        raise TypeError(f"the classifier ({name}) needs a method predict(X) or scores(X)")
    return classifier
