"""Lecture 07: what dropout does to one layer, pass by pass, and why nothing has to be scaled when testing."""

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.layers import dropout_forward
from cs231n_kit.plots import COLORS, MUTED, new_figure

SHOWN = 6  # passes whose masks are drawn


def passes(x, p, count, seed=0):
    """Outputs (count, D) of inverted dropout on the same units x (D,), a new mask for each."""
    repeated = np.repeat(x[None], count, axis=0)
    return dropout_forward(repeated, {"mode": "train", "p": p, "seed": np.random.default_rng(seed)})[0]


def explore_dropout(x):
    """Choose p and the number of passes; see masks, the mean over passes, and the output when testing."""

    def draw(p, count, seed):
        out = passes(x, p, count, seed)
        tested = dropout_forward(x, {"mode": "test", "p": p})[0]
        figure, (left, right) = new_figure(9.6, 3.5, 1, 2, width_ratios=(1.15, 1))
        _draw_masks(left, x, out[:SHOWN])
        _draw_means(right, tested, out.mean(axis=0), (out * p).mean(axis=0), count)
        error = np.abs(out.mean(axis=0) - tested).max()
        return figure, (
            f"Each of {len(x)} units stays with probability p = {p:g}, and is then divided by p. "
            f"The mean of {count:,} passes is within <b>{error:.2f}</b> of the output when testing. "
            f"Without the division it would be {p:g} times as large."
        )

    controls = {
        "p": slider("Keep with p", 0.1, 1.0, 0.5, step=0.1),
        "count": slider("Passes", 10, 2000, 200, step=10),
        "seed": slider("New masks", 0, 20, 0),
    }
    return Exploration(draw, controls, description="Units that dropout keeps in several passes, and their mean")


def _draw_masks(ax, x, outputs):
    """The units' values without dropout, and in the first passes; a dropped unit is an empty cell with a cross."""
    rows = np.vstack([x, outputs])
    limit = max(np.abs(rows).max(), 1e-9)
    ax.imshow(np.where(rows == 0, np.nan, rows), cmap="Blues", vmin=-0.3 * limit, vmax=1.3 * limit, aspect="auto")
    for (row, column), value in np.ndenumerate(rows):
        dropped = row > 0 and value == 0
        ax.text(
            *(column, row),
            "×" if dropped else f"{value:.1f}",
            **{"ha": "center", "va": "center", "fontsize": 9},
            color=COLORS[1] if dropped else "#222222",
        )
    ax.axhline(0.5, color="#222222", linewidth=1)
    ax.set_yticks(range(len(rows)), ["all units", *(f"pass {i + 1}" for i in range(len(outputs)))])
    ax.set_xticks(range(len(x)), range(1, len(x) + 1))
    ax.set_xlabel("unit")
    ax.set_title("training: × is dropped, the others grow", fontsize=10.5)


def _draw_means(ax, tested, mean, unscaled, count):
    at = np.arange(1, len(tested) + 1)
    ax.bar(at, tested, color="#d5e3f0", width=0.7, label="testing: all units")
    ax.plot(at, mean, "o", color=COLORS[0], label=f"mean of {count:,} passes")
    ax.plot(at, unscaled, "x", color=MUTED, label="the same, not divided by p")
    ax.set(xlabel="unit", xticks=at, ylim=(0, 1.45 * tested.max()))
    ax.set_title("on average, nothing changes", fontsize=10.5)
    ax.legend(frameon=False, fontsize=9, loc="upper left")
    ax.spines[["top", "right"]].set_visible(False)
