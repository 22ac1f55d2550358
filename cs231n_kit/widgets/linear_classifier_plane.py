"""A linear classifier under the mouse: move points, lines and numbers, and watch the loss and its gradient."""

from pathlib import Path

import numpy as np

from cs231n_kit.widgets import frontend, palette
from cs231n_kit.widgets.decision_regions import decision_regions
from cs231n_kit.widgets.linear_plane_losses import TITLES, evaluate
from cs231n_kit.widgets.linear_plane_state import (
    CLASSES,
    CURVE,
    DEFAULTS,
    GENERATING,
    LIMIT,
    MAX_POINTS,
    PARAMETERS,
    POINTS,
    RANGES,
    complete_state,
    state_from_string,
    state_to_string,
)
from cs231n_kit.widgets.presets import PRESETS
from cs231n_kit.widgets.stateful_widget import PlaneWidget, StateEntry

FOLDER = Path(__file__).parent / "linear_classifier_plane_frontend"
RESOLUTION = 100
MAX_STEPS = 10_000  # in one call


class LinearClassifierPlane(PlaneWidget):
    """Three classes of points in the plane and the linear classifier scores = W x + b.

    Each row of W is drawn as the line on which its class scores 0, with an arrow towards higher scores. Drag points,
    lines and arrows; drag, type or turn with the arrow keys any of the nine numbers; the table tells what every point
    scores and loses. Step or run: gradient descent on all points. The plane is the square [-1, 1] x [-1, 1].

    >>> LinearClassifierPlane()
    >>> LinearClassifierPlane(preset="circles", loss="softmax", regularization=0)

    Args:
        loss: "weston_watkins" (the multiclass hinge loss), "one_vs_all", "structured", "squared_hinge" or "softmax".
        regularization: λ of the penalty λ Σ W², 0 to 10; b is free.
        learning_rate: the size of steps, 0.0001 to 100.
        preset: "blobs", "circles", "spiral", "moons" or "xor".
        points_per_class: 1 to 33.
        noise: standard deviation of the points' scatter, 0 to 0.5.
        seed, weight_seed: of the points, and of the first W; b begins at 0.
        state: an earlier ``state`` or ``state_string``; the other arguments given win over it.

    Raises:
        ValueError: an argument is out of range.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")

    preset, points_per_class, noise, seed = StateEntry(), StateEntry(), StateEntry(), StateEntry()
    weight_seed, loss, regularization, learning_rate = StateEntry(), StateEntry(), StateEntry(), StateEntry()

    def __init__(
        self,
        *,
        loss=None,
        regularization=None,
        learning_rate=None,
        preset=None,
        points_per_class=None,
        noise=None,
        seed=None,
        weight_seed=None,
        state=None,
    ):
        if isinstance(state, str):
            state = state_from_string(state)
        given = {
            "loss": loss,
            "regularization": regularization,
            "learning_rate": learning_rate,
            "preset": preset,
            "points_per_class": points_per_class,
            "noise": noise,
            "seed": seed,
            "weight_seed": weight_seed,
        }
        given = {key: value for key, value in given.items() if value is not None}
        self._evaluation = None
        super().__init__(_SETUP, complete_state(_without_drawn(state or {}, given) | given))

    @property
    def W(self):
        """The weights, one row for each class, float64 (3, 2)."""
        return np.array(self.state["W"], dtype=np.float64)

    @property
    def b(self):
        """The biases, float64 (3,)."""
        return np.array(self.state["b"], dtype=np.float64)

    def change(self, **entries):
        """Set entries of the state, all at once; what an entry draws (points, weights) is drawn anew."""
        stale = {} if set(entries) <= {"learning_rate"} else {"curve": []}  # the curve of another problem
        self.state = _without_drawn(self.state, entries) | stale | entries

    def scores(self, X):
        """The scores X Wᵀ + b of points X (N, 2), shape (N, 3)."""
        return X @ self.W.T + self.b

    def evaluate(self):
        """Losses and gradients as they are now, an ``Evaluation``; None without points."""
        with self._lock:
            if self._evaluation is None and self.state["points"]:
                choices = self.state["loss"], self.state["regularization"]
                self._evaluation = evaluate(self.W, self.b, self.points, self.labels, *choices)
            return self._evaluation

    def step(self, steps=1):
        """Take so many steps of gradient descent on all points.

        Raises ValueError where a parameter would leave [-100, 100]: the learning rate is too large then.
        """
        self.state = self._stepped(steps)

    def randomize(self):
        """Draw new weights and set b to 0."""
        self.change(weight_seed=(self.state["weight_seed"] + 1) % RANGES["weight_seed"][1])

    def regions(self):
        """Labels and confidence on the grid, uint8 (2, 100, 100); see ``decision_regions``."""
        return decision_regions(self, CLASSES, self.labels, RESOLUTION)

    def figure(self):
        """The same picture as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.linear_plane_figure import draw_figure

        return draw_figure(self.state, self.evaluate(), self.regions())

    def _complete_state(self, state):
        rest = {key: value for key, value in self._setup.get("initial", {}).items() if key in DEFAULTS}
        return complete_state({**rest, **state})

    def _forget(self):
        self._evaluation = None

    def _state_to_string(self, state):
        return state_to_string(state)

    def _respond(self, request, reply, buffers):
        self._part = "steps"
        if request.get("steps") is not None:
            self._take(self._stepped(request["steps"]))
        self._part = "results"
        if request.get("results"):
            reply["results"] = self._results()
            reply["resolution"] = RESOLUTION
            buffers.append(self.regions().tobytes())

    def _stepped(self, steps):
        """The state after so many steps."""
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MAX_STEPS:
            raise ValueError(f"steps must be a whole number from 1 to {MAX_STEPS:,}, got {steps!r}")
        state, X, y = self.state, self.points, self.labels
        if not len(X):
            raise ValueError("there are no points to learn from: click into the plane to add some")
        W, b, now = self.W, self.b, self.evaluate()
        curve = list(state["curve"]) or [now.loss]
        for _ in range(steps):
            W, b = W - state["learning_rate"] * now.dW, b - state["learning_rate"] * now.db
            if max(np.abs(W).max(), np.abs(b).max()) > LIMIT:
                raise ValueError(
                    f"this step would make a parameter larger than {LIMIT:g}: the learning rate "
                    f"{state['learning_rate']:g} is too large, lower it and press Randomise"
                )
            now = evaluate(W, b, X, y, state["loss"], state["regularization"])
            curve.append(now.loss)
        return {**state, "W": W.tolist(), "b": b.tolist(), "curve": curve[-CURVE:]}

    def _results(self):
        """What the browser shows in numbers; None without points."""
        now = self.evaluate()
        if now is None:
            return None
        return {
            "scores": now.scores.round(4).tolist(),
            "losses": now.losses.round(4).tolist(),
            "dscores": now.dscores.round(4).tolist(),
            "right": now.right.tolist(),
            "data_loss": now.data_loss,
            "penalty": now.penalty,
            "gradient": np.column_stack([now.dW, now.db]).round(5).tolist(),
            "contributions": now.contributions(self.points).round(5).tolist(),
        }


def _without_drawn(state, entries):
    """The state without what the new entries draw anew."""
    drawn = set()
    if any(key in entries and entries[key] != state.get(key) for key in GENERATING) and "points" not in entries:
        drawn |= set(POINTS)
    if "weight_seed" in entries and "W" not in entries:
        drawn |= set(PARAMETERS)
    return {key: value for key, value in state.items() if key not in drawn}


_SETUP = {
    "presets": list(PRESETS),
    "losses": [[name, title] for name, title in TITLES.items()],
    "ranges": {name: list(ends) for name, ends in RANGES.items()},
    "limit": LIMIT,
    "max_points": MAX_POINTS,
    "colors": list(palette.COLORS[:CLASSES]),
    "shapes": list(palette.SHAPES[:CLASSES]),
    "tint": list(palette.TINT),
}
