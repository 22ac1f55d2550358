"""The linear-classifier widget as a still picture."""

import numpy as np

from cs231n_kit.widgets import palette
from cs231n_kit.widgets.decision_boundary_figure import draw_points, draw_regions
from cs231n_kit.widgets.linear_plane_losses import TITLES

ROWS = 14  # of the table of examples


def draw_figure(state, evaluation, regions):
    """Draw a widget's state.

    Args:
        state: as ``LinearClassifierPlane.state``.
        evaluation: an ``Evaluation``, or None without points.
        regions: uint8 (2, R, R) as made by ``decision_regions``.

    Returns:
        A matplotlib figure, closed for pyplot so that a notebook shows it once.
    """
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(11, 8.2), layout="constrained", facecolor="white")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.15, 1), height_ratios=(1, 0.85))
    _draw_plane(figure.add_subplot(grid[0, 0]), state, regions)
    upper = grid[0, 1].subgridspec(2, 1)
    _draw_parameters(figure.add_subplot(upper[0]), state, evaluation)
    _draw_curve(figure.add_subplot(upper[1]), state["curve"])
    _draw_examples(figure.add_subplot(grid[1, :]), state, evaluation)
    plt.close(figure)
    return figure


def arrow_length(norm):
    """How long the arrow of weights of this norm is in the plane: longer for larger ones, yet never out of sight."""
    return 0.1 + 0.8 * norm / (norm + 3)


def _draw_plane(axes, state, regions):
    draw_regions(axes, regions)
    for label, ((w1, w2), bias) in enumerate(zip(state["W"], state["b"], strict=True)):
        length = np.hypot(w1, w2)
        if length < 1e-9:
            continue
        normal = np.array([w1, w2]) / length
        foot = -bias / length * normal
        along = np.array([-normal[1], normal[0]])
        axes.plot(*np.column_stack([foot - 4 * along, foot + 4 * along]), color=palette.COLORS[label], linewidth=2.2)
        tip = foot + arrow_length(length) * normal
        arrow = {"arrowstyle": "-|>", "color": palette.COLORS[label], "linewidth": 2.2, "mutation_scale": 16}
        axes.annotate("", tip, foot, arrowprops=arrow, annotation_clip=False)
    draw_points(axes, state["points"], state["labels"], state["classes"], label=True, zorder=3)
    title = f"{TITLES[state['loss']]}, $\\lambda$ = {state['regularization']:g}"
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xlabel="$x_1$", ylabel="$x_2$", title=title)
    axes.legend(loc="upper right", bbox_to_anchor=(-0.16, 1), frameon=False)


def _draw_parameters(axes, state, evaluation):
    columns = ["", "$w_1$", "$w_2$", "b"]
    rows = []
    for label, (weights, bias) in enumerate(zip(state["W"], state["b"], strict=True)):
        values = [f"{value:.2f}" for value in (*weights, bias)]
        if evaluation is not None:
            slopes = (*evaluation.dW[label], evaluation.db[label])
            values = [f"{value}  ({slope:+.2f})" for value, slope in zip(values, slopes, strict=True)]
        rows.append([f"class {label}", *values])
    total = ""
    if evaluation is not None:
        total = f"loss {evaluation.loss:.3f} = data {evaluation.data_loss:.3f} + penalty {evaluation.penalty:.3f}"
    _table(axes, columns, rows, "W and b (and the gradient)\n" + total)


def _draw_curve(axes, curve):
    axes.plot(range(len(curve)), curve, color=palette.COLORS[0])
    axes.set(xlabel="step", ylabel="loss", title="loss while it steps", ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)


def _draw_examples(axes, state, evaluation):
    count = len(state["points"])
    columns = ["$x_1$", "$x_2$", "class", "score 0", "score 1", "score 2", "loss", *(f"∂L/∂s{c}" for c in range(3))]
    rows = []
    for index in range(min(count, ROWS)):
        place = [f"{value:.2f}" for value in state["points"][index]]
        scores = [f"{value + 0:.2f}" for value in evaluation.scores[index].round(2)]
        slopes = [f"{value + 0:+.2f}" for value in evaluation.dscores[index].round(2)]
        rows.append([*place, str(state["labels"][index]), *scores, f"{evaluation.losses[index]:.2f}", *slopes])
    title = "the examples" if count <= ROWS else f"the first {ROWS} of {count} examples"
    _table(axes, columns, rows, title if count else "no examples")


def _table(axes, columns, rows, title):
    axes.axis("off")
    axes.set_title(title, fontsize=11)
    if rows:
        table = axes.table(rows, colLabels=columns, loc="upper center", cellLoc="center", bbox=(0, 0, 1, 1))
        table.auto_set_font_size(False)
        table.set_fontsize(9.5)
        for cell in table.get_celld().values():
            cell.set_linewidth(0.4)
