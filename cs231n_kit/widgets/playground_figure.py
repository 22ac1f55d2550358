"""The network playground as a still picture: regions and points, the network with its units' pictures, the curves."""

import numpy as np

from cs231n_kit.widgets.decision_boundary_figure import draw_points, draw_regions
from cs231n_kit.widgets.palette import NEGATIVE, POSITIVE, ZERO

UNIT_RESOLUTION = 30
WIDEST_LINE = 3.0  # points, of the largest weight of a layer


def draw_playground(run, regions):
    """Draw a training run.

    Args:
        run: a ``TrainingRun``.
        regions: uint8 (2, R, R), its ``decision_regions``.

    Returns:
        A matplotlib figure, closed for pyplot so that a notebook shows it once.
    """
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(11, 7.2), layout="constrained")
    grid = figure.add_gridspec(2, 3, height_ratios=[1.35, 1])
    _draw_network(figure.add_subplot(grid[0, :]), run)
    _draw_plane(figure.add_subplot(grid[1, 0]), run.state, regions)
    history = np.array(run.history)
    for column, (what, train, test) in enumerate((("loss", 1, 2), ("accuracy", 3, 4)), start=1):
        axes = figure.add_subplot(grid[1, column])
        axes.plot(history[:, 0], history[:, train], color="#1f2430", label="training")
        axes.plot(history[:, 0], history[:, test], color="#d0570e", label="test", linestyle="--")
        axes.set(
            xlabel="steps",
            ylabel=what,
            title=f"{what}: {_number(history[-1, train])}, test {_number(history[-1, test])}",
        )
        axes.set_ylim(0, 1.03 if what == "accuracy" else None)
        axes.legend(frameon=False)
    plt.close(figure)
    return figure


def _draw_plane(axes, state, regions):
    draw_regions(axes, regions, state["show_confidence"])
    test = np.array(state["test"], dtype=bool)
    points, labels = np.array(state["points"]).reshape(-1, 2), np.array(state["labels"], dtype=int)
    draw_points(axes, points[~test], labels[~test], state["classes"], s=26, linewidth=0.7)
    draw_points(axes, points[test], labels[test], state["classes"], s=26, edgecolor="#1f2430", linewidth=0.9)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    axes.set_title("regions (test points have a dark rim)", fontsize=10)


def _draw_network(axes, run):
    """Columns of units, each a picture of its output over the plane, joined by weights."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    colors = LinearSegmentedColormap.from_list("outputs", [NEGATIVE, ZERO, POSITIVE])
    state = run.state
    counts = [len(state["features"]), *(layer["units"] for layer in state["layers"]), state["classes"]]
    maps = run.unit_maps(UNIT_RESOLUTION)
    side = 0.8 * min(1 / max(counts), 0.25)
    places, unit = [], 0
    for column, count in enumerate(counts):
        x = 4 * (column + 0.5) / len(counts)
        places.append([(x, 1 - (row + 0.5) / count) for row in range(count)])
        for _, y in places[-1]:
            largest = max(float(np.abs(maps[unit]).max()), 1e-12)
            extent = (x - side / 2, x + side / 2, y - side / 2, y + side / 2)
            axes.imshow(maps[unit], cmap=colors, vmin=-largest, vmax=largest, extent=extent, zorder=2)
            corner = (x - side / 2, y - side / 2)
            axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor="#9aa0a8", linewidth=0.8, zorder=3))
            unit += 1
    matrices = [array for path, array in run.network.parameters.items() if path.endswith(".w")]
    for left, right, w in zip(places[:-1], places[1:], matrices, strict=True):
        lines = [[(a[0] + side / 2, a[1]), (b[0] - side / 2, b[1])] for a in left for b in right]
        strength = w.ravel() / max(float(np.abs(w).max()), 1e-12)
        widths = WIDEST_LINE * np.abs(strength)
        shades = [POSITIVE if value > 0 else NEGATIVE for value in strength]
        axes.add_collection(LineCollection(lines, linewidths=widths, colors=shades, alpha=0.75, zorder=1))
    for x, name in zip([column[0][0] for column in places], _column_names(state), strict=True):
        axes.text(x, 1.03, name, ha="center", va="bottom", fontsize=9)
    axes.set(xlim=(0, 4), ylim=(0, 1.2), aspect="equal", title=_title(run))
    axes.axis("off")


def _column_names(state):
    names = [f"{layer['activation'].replace('_', ' ')}\n{layer['initialize']}" for layer in state["layers"]]
    return [", ".join(state["features"]), *names, f"scores\n{state['output_initialize']}"]


def _title(run):
    state = run.state
    parts = [f"step {run.step_count:,}", state["optimizer"], f"learning rate {state['learning_rate']:g}"]
    parts += [
        f"{name} {state[key]:g}" for name, key in (("L1", "l1"), ("L2", "l2"), ("dropout", "dropout")) if state[key]
    ]
    return ", ".join(parts)


def _number(value):
    return "–" if np.isnan(value) else f"{value:.3g}"
