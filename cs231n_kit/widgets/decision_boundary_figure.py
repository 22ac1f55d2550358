"""The decision-boundary widget as a still picture."""

import numpy as np

from cs231n_kit.widgets import palette
from cs231n_kit.widgets.decision_regions import TIE


def draw_figure(state, regions, controls=("k", "metric")):
    """Draw a widget's state.

    Args:
        state: as ``DecisionBoundary.state``.
        regions: uint8 (2, R, R) as made by ``decision_regions``, or None for bare points.
        controls: which of ``k`` and ``metric`` belong in the title.

    Returns:
        A matplotlib figure, closed for pyplot so that a notebook shows it once.
    """
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
    if regions is not None:
        axes.imshow(_region_colors(regions, state["show_confidence"]), extent=(-1, 1, -1, 1))
    points = np.array(state["points"]).reshape(-1, 2)
    labels = np.array(state["labels"], dtype=int)
    for label in range(state["classes"]):
        shape = palette.SHAPES[label]
        axes.scatter(
            *points[labels == label].T,
            s=110 if shape in ("star", "plus") else 60,
            marker=palette.MATPLOTLIB_MARKERS[shape],
            color=palette.COLORS[label],
            edgecolor="white",
            linewidth=1.2,
            label=f"class {label}",
        )
    shown = {"k": f"k = {state['k']}", "metric": f"{state['metric'].upper()} distance"}
    title = ", ".join(shown[name] for name in controls)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xlabel="$x_1$", ylabel="$x_2$", title=title)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    plt.close(figure)
    return figure


def _region_colors(regions, show_confidence):
    """float64 (R, R, 3): the class's colour, paler where doubtful, white where tied."""
    labels, confidence = regions
    tied = labels == TIE
    # Without shades every region has the tint of a fairly sure one, as in the browser.
    shade = confidence / 255 if show_confidence else np.full(labels.shape, 0.6)
    colors = palette.tinted(np.where(tied, 0, labels), shade)
    colors[tied] = 1
    return colors
