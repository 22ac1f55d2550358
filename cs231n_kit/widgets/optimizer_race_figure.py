"""The optimizer race as a still picture."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap

from cs231n_kit.plots import INK
from cs231n_kit.widgets import palette
from cs231n_kit.widgets.optimizer_race_run import SCHEDULES
from cs231n_kit.widgets.optimizer_race_state import TITLES, expression_of, schedule_of
from cs231n_kit.widgets.optimizer_race_surfaces import GROUNDS

HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#ffffff", "#dde3ed"])  # as in race_plane.js
COLOR_OF = dict(zip(TITLES, palette.COLORS, strict=True))
MARKER_OF = {name: palette.MATPLOTLIB_MARKERS[shape] for name, shape in zip(TITLES, palette.SHAPES, strict=True)}
SMALLEST = 1e-12  # loss drawn on the logarithmic axis
BEYOND = 30  # times the first loss, where the axis ends


def draw_figure(state, race, drawn, lowest, minima, verdicts):
    """Draw a race as its widget shows it: ``drawn`` a ``Map``, the others as the widget's properties of these names.

    Returns a matplotlib figure that pyplot does not know, so that a notebook shows it once.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 5.2 + 0.17 * len(verdicts)), layout="constrained", facecolor="white")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.1, 1), height_ratios=(4, 1))
    plane = figure.add_subplot(grid[:, 0])
    draw_paths(plane, state, race, drawn, minima)
    plane.set_title(_title(state), fontsize=10.5, color=INK)
    losses = figure.add_subplot(grid[0, 1])
    draw_losses(losses, state, race, lowest)
    draw_schedule(figure.add_subplot(grid[1, 1]), state)
    lines = [f"{verdict['text']}." for verdict in verdicts] or ["No optimizer is switched on."]
    figure.supxlabel("\n".join(lines), fontsize=9, color=INK, x=0.02, ha="left")
    return figure


def draw_paths(ax, state, race, drawn, minima):
    """Map, minima, start and the paths up to the step shown."""
    (x, y), reach = state["center"], state["reach"]
    extent = (x - reach, x + reach, y - reach, y + reach)
    ax.imshow(drawn.shade, extent=extent, cmap=HEIGHTS, vmin=0, vmax=255, interpolation="bilinear", aspect="equal")
    ax.add_collection(LineCollection(drawn.lines, colors=INK, alpha=0.22, linewidths=0.7))
    for place in minima:
        ax.plot(*place, marker="+", color=INK, markersize=13, markeredgewidth=2)
    for name, path in zip(race.names, race.paths, strict=True):
        path = path[: state["step"] + 1]
        path = path[np.isfinite(path).all(axis=1)]
        ax.plot(*path.T, "-", color="white", linewidth=3, alpha=0.8)
        ax.plot(*path.T, ".-", color=COLOR_OF[name], linewidth=1.6, markersize=3.5)
        ax.plot(*path[-1], MARKER_OF[name], color=COLOR_OF[name], markersize=9, markeredgecolor="white")
    ax.plot(*state["start"], "o", color="white", markeredgecolor=INK, markersize=8, markeredgewidth=2)
    ax.set(xlim=extent[:2], ylim=extent[2:], xlabel="x", ylabel="y")


def draw_losses(ax, state, race, lowest):
    """The losses above the lowest one, against the step."""
    for name, losses in zip(race.names, race.losses, strict=True):
        above = losses - lowest
        with np.errstate(invalid="ignore"):
            above = np.where(above > SMALLEST, above, np.nan)
        ax.plot(above, color=COLOR_OF[name], linewidth=1.8)
        ax.plot([], [], MARKER_OF[name], color=COLOR_OF[name], label=TITLES[name])
    if state["step"] < state["steps"]:
        ax.axvline(state["step"], color=INK, linewidth=1, linestyle=":")
    first = (race.losses[:, :1] - lowest).max(initial=SMALLEST)
    ax.set(xlim=(0, state["steps"]), yscale="log", ylabel="loss above the lowest", xlabel="step")
    ax.set_ylim(None, min(ax.get_ylim()[1], BEYOND * first))
    ax.spines[["top", "right"]].set_visible(False)
    if race.names:
        ax.legend(loc="lower left", fontsize=8.5, framealpha=0.8, edgecolor="none")


def draw_schedule(ax, state):
    """What the schedule multiplies every learning rate by."""
    plan = schedule_of(state)(1.0)
    ax.plot([plan(step) for step in range(state["steps"])], color=INK, linewidth=1.4)
    ax.set(xlim=(0, state["steps"]), ylim=(0, 1.1), ylabel="rate ×", xlabel="step")
    ax.set_title(f"learning rate: {SCHEDULES[state['schedule']]}", fontsize=9.5, color=INK)
    ax.spines[["top", "right"]].set_visible(False)


def _title(state):
    if state["surface"] == "own":
        text = expression_of(state)
        return text if len(text) < 70 else f"{text[:67]}..."
    title = GROUNDS[state["surface"]].title
    return f"{title}, condition number {state['condition']:g}" if state["surface"] == "bowl" else title
