"""Regression under the mouse: drag an outlier, and see which loss minds it."""

from pathlib import Path

import numpy as np

from cs231n_kit.widgets import frontend, palette
from cs231n_kit.widgets.regression_fits import column_places, fit_all
from cs231n_kit.widgets.regression_plane_state import (
    DEFAULTS,
    MAX_POINTS,
    PRESETS,
    RANGES,
    SHOWN,
    complete_state,
    state_from_string,
    state_to_string,
    without_drawn,
)
from cs231n_kit.widgets.stateful_widget import PlaneWidget, StateEntry

FOLDER = Path(__file__).parent / "regression_plane_frontend"
METHOD_COLORS = {"l2": "#c23b00", "l1": "#00805c", "mean": "#882255", "mode": "#882255"}
METHOD_NAMES = {"l2": "L2 line", "l1": "L1 line", "mean": "bins: mean", "mode": "bins: likeliest"}


class RegressionPlane(PlaneWidget):
    """Points (x, y) of the plane, and y predicted from x in three ways.

    The L2 line has the least mean of squares, the L1 line the least mean of absolute values, and a softmax over bins
    of y, with scores linear in x, gives a whole distribution: the background, with its mean and its likeliest bin.
    Drag points and see who follows. The plane is the square [-1, 1] x [-1, 1].

    >>> RegressionPlane()
    >>> RegressionPlane(preset="branches", bins=20)

    Args:
        preset: "line", "outlier" or "branches" (two answers for each x).
        noise: standard deviation of the points' scatter, 0 to 0.5.
        seed: of the points.
        bins: of the classification, 2 to 20.
        show_l2, show_l1, show_bins: what is drawn.
        state: an earlier ``state`` or ``state_string``; the other arguments given win over it.

    Raises:
        ValueError: an argument is out of range.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")

    preset, noise, seed, bins = StateEntry(), StateEntry(), StateEntry(), StateEntry()
    show_l2, show_l1, show_bins = StateEntry(), StateEntry(), StateEntry()

    def __init__(
        self,
        *,
        preset=None,
        noise=None,
        seed=None,
        bins=None,
        show_l2=None,
        show_l1=None,
        show_bins=None,
        state=None,
    ):
        if isinstance(state, str):
            state = state_from_string(state)
        given = {
            "preset": preset,
            "noise": noise,
            "seed": seed,
            "bins": bins,
            "show_l2": show_l2,
            "show_l1": show_l1,
            "show_bins": show_bins,
        }
        given = {key: value for key, value in given.items() if value is not None}
        self._fits = None
        super().__init__(_SETUP, complete_state(without_drawn(state or {}, given) | given))

    def change(self, **entries):
        """Set entries of the state, all at once; a new preset, noise or seed draws new points."""
        self.state = without_drawn(self.state, entries) | entries

    def fits(self):
        """What the methods make of the points now, a ``Fits``; None unless two points differ in x."""
        with self._lock:
            if self._fits is None:
                self._fits = fit_all(*self.points.T, self.state["bins"])
            return self._fits

    def distribution(self):
        """P(bin | x) in the columns of the picture, uint8 (120, bins) with 255 for certainty; None without fits."""
        fits = self.fits()
        return None if fits is None else np.rint(255 * fits.binned.probabilities(column_places())).astype(np.uint8)

    def figure(self):
        """The same picture as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.regression_plane_figure import draw_figure

        return draw_figure(self.state, self.fits())

    def _caption(self):
        return f"Regression of {len(self.points)} points"

    def _complete_state(self, state):
        rest = {key: self._setup["initial"][key] for key in (*DEFAULTS, *SHOWN) if "initial" in self._setup}
        return complete_state({**rest, **state})

    def _forget(self):
        self._fits = None

    def _state_to_string(self, state):
        return state_to_string(state)

    def _respond(self, request, reply, buffers):
        self._part = "results"
        if request.get("results"):
            reply["results"] = self._results()
            if reply["results"]:
                buffers.append(self.distribution().tobytes())

    def _results(self):
        """What the browser shows in lines and numbers; None without fits."""
        fits = self.fits()
        if fits is None:
            return None
        places = column_places()
        return {
            "lines": {name: [float(part) for part in line] for name, line in fits.lines.items()},
            "curves": {name: fits.predictions(places)[name].round(4).tolist() for name in ("mean", "mode")},
            "losses": {name: [float(loss) for loss in losses] for name, losses in fits.losses.items()},
            "shares": {name: shares.round(5).tolist() for name, shares in fits.shares.items()},
            "bins": self.state["bins"],
        }


_SETUP = {
    "presets": list(PRESETS),
    "ranges": {name: list(ends) for name, ends in RANGES.items()},
    "max_points": MAX_POINTS,
    "colors": [palette.COLORS[0]],
    "shapes": [palette.SHAPES[0]],
    "methods": [[name, METHOD_NAMES[name], METHOD_COLORS[name]] for name in METHOD_NAMES],
}
