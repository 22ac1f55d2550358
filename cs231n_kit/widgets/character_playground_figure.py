"""The character playground as a still picture: what it writes, what it expects, and the curves."""

from textwrap import fill

import numpy as np

from cs231n_kit.plots import COLORS, INK
from cs231n_kit.widgets.character_playground_training import MOST_EXPECTED

SHOWN = {"\n": "↵", " ": "␣", "\t": "⇥"}


def draw_characters(run):
    """Draw a ``CharacterRun``; returns a matplotlib figure that no window manager knows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.4), layout="constrained", facecolor="white")
    grid = figure.add_gridspec(2, 3, height_ratios=[1, 1.1])
    _draw_writing(figure.add_subplot(grid[0, :2]), run)
    _draw_expected(figure.add_subplot(grid[0, 2]), run)
    history = np.array(run.history).reshape(-1, 5)
    curves = (
        ("loss per character", ((1, "training", "-"), (2, "text it has not read", "--"))),
        ("norm of the gradient", ((3, "before clipping", "-"), (4, "after", "--"))),
    )
    for column, (title, lines) in enumerate(curves):
        axes = figure.add_subplot(grid[1, 2 * column : 2 * column + 2] if column == 0 else grid[1, 2])
        for place, (which, name, style) in enumerate(lines):
            axes.plot(history[:, 0], history[:, which], style, color=COLORS[place], label=name)
        axes.set(xlabel="updates", ylim=(0, None))
        axes.set_title(title, fontsize=10, color=INK)
        axes.legend(frameon=False, fontsize=8)
    return figure


def _draw_writing(axes, run):
    state, prefix = run.state, run.prefix()[0]
    axes.axis("off")
    title = f"{state['cell']} with {state['units']} units after {run.step_count:,} updates"
    axes.set_title(f"{title}, temperature {state['temperature']:g}", fontsize=10, loc="left", color=INK)
    written = (prefix + run.write()).replace("$", r"\$")
    lines = "\n".join(fill(line, 72) for line in written.split("\n"))
    axes.text(0, 0.95, lines, va="top", family="monospace", fontsize=8.5, color=INK)


def _draw_expected(axes, run):
    likely = run.expected()[:MOST_EXPECTED]
    axes.bar(range(len(likely)), [100 * share for _, share in likely], color=COLORS[0])
    axes.set_xticks(range(len(likely)), [SHOWN.get(letter, letter).replace("$", r"\$") for letter, _ in likely])
    axes.set(ylim=(0, 100), ylabel="probability (%)")
    axes.set_title("the next character", fontsize=10, color=INK)
