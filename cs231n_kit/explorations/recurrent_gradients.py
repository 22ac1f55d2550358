"""Lecture 10: what becomes of a gradient on its way back through time, and what is lost when the way is cut."""

from functools import cache

import ipywidgets as widgets
import numpy as np
from matplotlib.patches import Rectangle

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.explorations.gradient_lags import backward_through_time, gradient_norms, initial_weights, unroll
from cs231n_kit.plots import COLORS, INK, MUTED, WRONG, new_figure

UNITS, STEPS, EXAMPLES = 32, 60, 8
LOWEST = 1e-9  # of the axis
FORGOTTEN, EXPLODED = 1e-3, 1e3  # shares of the gradient that are worth a word


def norms_by_lag(radius, forget_bias, size=0.5, seed=0):
    """The mean norm of ∂L/∂h k steps before the end, by k, for an RNN and an LSTM of 32 units on noise.

    radius: the spectral radius of the RNN's Wh and of each block of the LSTM's. forget_bias: of the LSTM's forget
    gates. size: the standard deviation of the inputs, normal, 8 numbers a step.

    Returns {"rnn": (61,), "lstm": (61,)}; the LSTM's is the length of ∂L/∂h and ∂L/∂c together. Geometric means over
    8 sequences.
    """
    rng = np.random.default_rng(seed)
    x = size * rng.standard_normal((EXAMPLES, STEPS, 8))
    found = {}
    for cell in ("rnn", "lstm"):
        norms = gradient_norms(cell, x, *initial_weights(cell, 8, UNITS, rng, radius, forget_bias))
        both = norms.hidden if norms.cell is None else np.hypot(norms.hidden, norms.cell)
        found[cell] = np.exp(np.log(np.maximum(both, 1e-300)).mean(axis=0))
    return found


def explore_gradient_against_lag():
    """Sliders for spectral radius, forget bias and inputs: how much gradient is left so many steps back."""

    def draw(radius, forget_bias, size, seed):
        found = norms_by_lag(radius, forget_bias, size, seed)
        figure, ax = new_figure(9.2, 3.9)
        lags = np.arange(STEPS + 1)
        ax.semilogy(lags, radius**lags, color=MUTED, linewidth=1.2, linestyle=":", label=f"{radius:.2f}$^k$")
        open_share = 1 / (1 + np.exp(-forget_bias))
        ax.semilogy(
            lags, open_share**lags, color=MUTED, linewidth=1.2, linestyle="--", label=f"σ({forget_bias:.1f})$^k$"
        )
        for name, color in (("rnn", COLORS[1]), ("lstm", COLORS[0])):
            ax.semilogy(lags, found[name], color=color, linewidth=2.4, label=name.upper())
        ax.axhline(1, color=INK, linewidth=0.6)
        ax.set(xlabel="k steps back", ylabel="norm of the gradient", ylim=(LOWEST, 1e6), xlim=(0, STEPS))
        ax.legend(frameon=False, ncols=4, loc="upper center")
        ax.spines[["top", "right"]].set_visible(False)
        return figure, " ".join(f"<b>{name.upper()}</b>: {in_words(found[name])}" for name in ("rnn", "lstm"))

    controls = {
        "radius": slider("Spectral radius of Wh", 0.4, 2.0, 0.9, 0.05),
        "forget_bias": slider("Forget bias", -2.0, 6.0, 1.0, 0.5),
        "size": slider("Size of the inputs", 0.0, 2.0, 0.5, 0.1),
        "seed": slider("Other weights", 0, 20, 0),
    }
    return Exploration(draw, controls, description="Norm of the gradient against time lag, RNN and LSTM")


def in_words(norms):
    """What a series of norms, beginning with 1 at lag 0, comes to: an HTML sentence."""
    small, large = np.flatnonzero(norms < FORGOTTEN), np.flatnonzero(norms > EXPLODED)
    if large.size and not (small.size and small[0] < large[0]):
        return f"more than a thousand times as large {large[0]} steps back: it explodes."
    if small.size:
        return f"less than a thousandth is left {small[0]} steps back: it vanishes."
    return f"{len(norms) - 1} steps back it is {norms[-1]:.2g} times as large."


def truncated_gradients(cell, radius, windows, forget_bias=1.0, seed=0):
    """How well the gradient of Wh points where the whole one points, if the way back is cut every so many steps.

    A loss at every one of 60 steps, Σ h · v with a random v of its own, and 32 examples.

    Returns {window: (cosine of the angle to the whole gradient, length relative to it)}.
    """
    rng = np.random.default_rng(seed)
    weights = initial_weights(cell, 8, UNITS, rng, radius, forget_bias)
    steps = unroll(cell, 0.5 * rng.standard_normal((32, STEPS, 8)), *weights)
    direction = rng.standard_normal(UNITS) / np.sqrt(UNITS)
    dh = np.broadcast_to(direction, (32, STEPS, UNITS)) / STEPS

    def gradient(window):
        parts, _ = backward_through_time(steps, dh, window)
        return sum(part.dWh for part in parts).ravel()

    whole, found = gradient(None), {}
    for window in windows:
        cut = gradient(window)
        lengths = np.linalg.norm(cut), np.linalg.norm(whole)
        found[window] = (float(cut @ whole / max(lengths[0] * lengths[1], 1e-300)), float(lengths[0] / lengths[1]))
    return found


def explore_truncation():
    """Where the gradient of a long sequence is cut into pieces: the share of the way back that is walked."""
    windows = (1, 2, 3, 5, 8, 12, 20, 30, 60)
    measured = cache(lambda cell, radius: truncated_gradients(cell, radius, windows))

    def draw(cell, window, radius):
        found = measured(cell, radius)
        figure, (left, right) = new_figure(10.2, 3.4, 1, 2, width_ratios=[1.25, 1])
        _draw_pieces(left, window)
        cosines = [found[each][0] for each in windows]
        right.plot(windows, cosines, "o-", color=COLORS[0], linewidth=2)
        right.plot(window, found[window][0], "o", color=COLORS[1], markersize=10)
        right.set(xscale="log", xlabel="steps from cut to cut", ylabel="cosine with the whole gradient", ylim=(0, 1.05))
        right.set_xticks(windows, windows)
        right.minorticks_off()
        right.spines[["top", "right"]].set_visible(False)
        cosine, length = found[window]
        angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        sentence = (
            f"Cut every {window} steps, the gradient of Wh is off by <b>{angle:.0f}°</b> and has "
            f"{length:.0%} of the length."
        )
        return figure, sentence

    controls = {
        "cell": choice("Cell", [("RNN", "rnn"), ("LSTM", "lstm")]),
        "window": widgets.SelectionSlider(description="Length of the pieces", options=windows, value=5),
        "radius": slider("Spectral radius of Wh", 0.4, 1.4, 1.0, 0.1),
    }
    return Exploration(draw, controls, description="Truncated backpropagation through time against the whole way back")


def _draw_pieces(ax, window):
    """A row of steps; arrows forward all along it, arrows back that stop at the cuts."""
    shown, side = 16, 0.56
    ax.set(xlim=(-0.6, shown - 0.4), ylim=(-3, 3), aspect="equal")
    ax.axis("off")
    for t in range(shown):
        corner = (t - side / 2, -side / 2)
        ax.add_patch(Rectangle(corner, side, side, facecolor="#e8eef6", edgecolor=INK, linewidth=0.8))
        if t:
            ax.annotate("", (t - 0.2, 0.45), (t - 0.8, 0.45), arrowprops={"arrowstyle": "->", "color": INK})
            if (shown - t) % window == 0:
                ax.plot([t - 0.5] * 2, [-1.3, -0.1], color=WRONG, linewidth=2)
            else:
                ax.annotate("", (t - 0.8, -0.6), (t - 0.2, -0.6), arrowprops={"arrowstyle": "->", "color": WRONG})
    ax.text(shown / 2 - 0.5, 1.1, "forward: the state goes on, across all cuts", ha="center", color=INK, fontsize=10)
    ax.text(shown / 2 - 0.5, -2.1, "back: gradients end at a cut", ha="center", color=WRONG, fontsize=10)
