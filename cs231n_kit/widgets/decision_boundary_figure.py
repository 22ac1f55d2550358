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
        draw_regions(axes, regions, state["show_confidence"])
    draw_points(axes, state["points"], state["labels"], state["classes"], label=True)
    shown = {"k": f"k = {state['k']}", "metric": f"{state['metric'].upper()} distance"}
    title = ", ".join(shown[name] for name in controls)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xlabel="$x_1$", ylabel="$x_2$", title=title)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    plt.close(figure)
    return figure


def draw_regions(axes, regions, show_confidence=True):
    """Paint the square [-1, 1] x [-1, 1] with regions, uint8 (2, R, R), as made by ``decision_regions``."""
    axes.imshow(_region_colors(regions, show_confidence), extent=(-1, 1, -1, 1))


def draw_points(axes, points, labels, classes, label=False, **options):
    """Scatter points (N, 2) in their classes' colours and shapes, with entries for a legend if wanted.

    Options are matplotlib's for ``scatter``; ``s`` is the area of most markers.
    """
    points, labels = np.array(points, dtype=float).reshape(-1, 2), np.array(labels, dtype=int)
    area = options.pop("s", 60)
    for one in range(classes):
        shape = palette.SHAPES[one]
        style = {"color": palette.COLORS[one], "edgecolor": "white", "linewidth": 1.2} | options
        axes.scatter(
            *points[labels == one].T,
            s=1.8 * area if shape in ("star", "plus") else area,
            marker=palette.MATPLOTLIB_MARKERS[shape],
            label=f"class {one}" if label else None,
            **style,
        )


def _region_colors(regions, show_confidence):
    """float64 (R, R, 3): the class's colour, paler where doubtful, white where tied."""
    labels, confidence = regions
    tied = labels == TIE
    # Without shades every region has the tint of a fairly sure one, as in the browser.
    shade = confidence / 255 if show_confidence else np.full(labels.shape, 0.6)
    colors = palette.tinted(np.where(tied, 0, labels), shade)
    colors[tied] = 1
    return colors
