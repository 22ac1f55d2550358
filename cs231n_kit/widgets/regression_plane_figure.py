"""The regression widget as a still picture."""

import numpy as np

from cs231n_kit.widgets import palette
from cs231n_kit.widgets.decision_boundary_figure import draw_points
from cs231n_kit.widgets.regression_fits import column_places
from cs231n_kit.widgets.regression_plane import METHOD_COLORS, METHOD_NAMES

STYLES = {"l2": "-", "l1": "--", "mean": "-", "mode": ":"}


def draw_figure(state, fits):
    """Draw a widget's state.

    Args:
        state: as ``RegressionPlane.state``.
        fits: a ``Fits``, or None where no line is defined.

    Returns:
        A matplotlib figure, closed for pyplot so that a notebook shows it once.
    """
    from matplotlib import pyplot as plt

    figure, (axes, table) = plt.subplots(
        1, 2, figsize=(10.4, 4.8), layout="constrained", width_ratios=(1.15, 1), facecolor="white"
    )
    if fits is not None:
        _draw_fits(axes, state, fits)
    draw_points(axes, state["points"], state["labels"], 1, zorder=3)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xlabel="x", ylabel="y", title="y predicted from x")
    table.axis("off")
    table.set_title("of all lines, each is best in its own loss" if fits else "two points that differ in x make a line")
    if fits is not None:
        rows = [[METHOD_NAMES[name], *(f"{loss:.3f}" for loss in fits.losses[name])] for name in METHOD_NAMES]
        cells = table.table(rows, colLabels=["", "mean (ŷ − y)²", "mean |ŷ − y|"], bbox=(0, 0.55, 1, 0.4))
        cells.auto_set_font_size(False)
        cells.set_fontsize(10)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 0.4), frameon=False)
    plt.close(figure)
    return figure


def _draw_fits(axes, state, fits):
    places = column_places()
    shown = {name: state[f"show_{name if name in fits.lines else 'bins'}"] for name in METHOD_NAMES}
    if state["show_bins"]:
        shares = fits.binned.probabilities(places).T[::-1]
        tint = np.ones((*shares.shape, 4))
        tint[..., :3], tint[..., 3] = palette.rgb(METHOD_COLORS["mean"]), 0.62 * shares
        axes.imshow(tint, extent=(-1, 1, -1, 1), interpolation="nearest", aspect="auto")
    for name, predicted in fits.predictions(places).items():
        if shown[name]:
            style = {"color": METHOD_COLORS[name], "linestyle": STYLES[name], "linewidth": 2.4}
            axes.plot(places, predicted, label=METHOD_NAMES[name], **style)
