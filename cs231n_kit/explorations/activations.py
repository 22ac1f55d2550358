"""Lecture 06: six activation functions, what their outputs do to gradients, and their race."""

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.explorations.training_in_turn import LAYERS
from cs231n_kit.layers import (
    elu_backward,
    elu_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    maxout_backward,
    maxout_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from cs231n_kit.plots import COLORS, INK, MUTED, WRONG, new_figure

ALPHA = 0.1  # of leaky ReLU in the pictures, so that its slope can be seen; in networks 0.01 is usual
PIECES = ((-0.5, 0.0), (1.0, -0.5))  # slope and offset of maxout's pieces in the pictures
FLAT = 0.05  # a slope below this counts as saturated
WORDS = {
    "sigmoid": "saturated on both sides, never negative",
    "tanh": "saturated on both sides, centred",
    "ReLU": "flat below zero, never negative",
    "leaky ReLU": f"slope {ALPHA} below zero (0.01 in networks)",
    "maxout": "here the larger of −x/2 and x − 1/2",
    "ELU": "flat far below zero, never below −1",
}
_PAIRS = {
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "tanh": (tanh_forward, tanh_backward),
    "ReLU": (relu_forward, relu_backward),
    "leaky ReLU": (lambda x: leaky_relu_forward(x, ALPHA), leaky_relu_backward),
    "ELU": (elu_forward, elu_backward),
}


def value_and_slope(name, x, pieces=PIECES):
    """f(x) and f'(x) of the activation called ``name``, (N,) each, from the kit's layers; pieces: those of maxout."""
    x = np.asarray(x, np.float64)
    if name == "maxout":
        slopes, offsets = np.array(pieces, np.float64).T
        out, cache = maxout_forward((x[:, None] * slopes + offsets)[:, None, :])
        return out[:, 0], maxout_backward(np.ones_like(out), cache)[:, 0] @ slopes
    forward, backward = _PAIRS[name]
    out, cache = forward(x)
    return out, backward(np.ones_like(out), cache)


def _draw_curves(ax, name, x):
    value, slope = value_and_slope(name, x)
    ax.axhline(0, color=MUTED, linewidth=0.6)
    ax.axvline(0, color=MUTED, linewidth=0.6)
    ax.plot(x, value, color=COLORS[0], linewidth=2.2, label="f(x)")
    ax.plot(x, slope, color=WRONG, linewidth=1.6, linestyle="--", label="f′(x)")
    ax.fill_between(
        x, 0, 1, where=np.abs(slope) < FLAT, transform=ax.get_xaxis_transform(), color=MUTED, alpha=0.18, linewidth=0
    )
    ax.spines[["top", "right"]].set_visible(False)


def overview_figure():
    """All six, each with its derivative; where the derivative is almost zero, the ground is grey."""
    figure, axes = new_figure(9.6, 4.9, 2, 3, sharex=True)
    x = np.linspace(-6, 6, 600)
    for ax, (name, words) in zip(axes.ravel(), WORDS.items(), strict=True):
        _draw_curves(ax, name, x)
        ax.set_ylim(-1.25, 1.5 if name in ("sigmoid", "tanh") else 3)
        ax.set_xticks((-6, -3, 0, 3, 6))
        ax.set_title(name, fontsize=11, loc="left")
        ax.set_xlabel(words, fontsize=9.5)
    axes[0, 0].legend(frameon=False, fontsize=9, loc="upper left")
    return figure


def explore_activation():
    """Choose an activation and move its input: the value, the slope, and what the slope does to a gradient."""
    grid = np.linspace(-6, 6, 601)
    normal = np.random.default_rng(0).standard_normal(100_000)

    def draw(activation, x):
        value, slope = (float(part[0]) for part in value_and_slope(activation, np.array([x])))
        figure, axes = new_figure(9.8, 3.5, 1, 2)
        _draw_curves(axes[0], activation, grid)
        tangent = np.array([x - 1.2, x + 1.2])
        axes[0].plot(tangent, value + slope * (tangent - x), color=INK, linewidth=1.4)
        axes[0].plot([x, x], [value, slope], "o", color=INK, markersize=7)
        axes[0].set(xlabel="x, the weighted sum of the inputs", ylim=(-1.5, 3), xlim=(-6.2, 6.2))
        axes[0].set_title(f"{activation}: value, tangent and slope (dashed)", fontsize=11)
        axes[0].legend(frameon=False, fontsize=9, loc="upper left")
        depth = np.arange(11)
        left = np.abs(slope) ** depth
        axes[1].semilogy(depth, np.maximum(left, 1e-16), "o-", color=WRONG, markersize=5)
        axes[1].set(xlabel="units of this kind on the way back", ylim=(1e-16, 30), xticks=range(0, 11, 2))
        axes[1].set_title("what is left of a gradient of 1 (their weights: 1)", fontsize=11)
        axes[1].spines[["top", "right"]].set_visible(False)
        mean = value_and_slope(activation, normal)[0].mean()
        state = " It is <b>saturated</b> here." if abs(slope) < FLAT else ""
        return figure, (
            f"f({x:g}) = {value:.3f}, slope <b>{slope:.3g}</b>: a gradient of 1 goes back as {slope:.3g}, and through "
            f"ten such units as {slope**10:.1e}.{state} The mean output for normal inputs is {mean:.2f}."
        )

    controls = {"activation": choice("Activation", list(LAYERS)), "x": slider("Input x", -6.0, 6.0, 0.0, 0.1)}
    return Exploration(draw, controls, description="An activation function, its slope, and what is left of a gradient")


def explore_maxout():
    """Maxout with one input and two pieces, whose slopes and offsets can be set."""
    grid = np.linspace(-3, 3, 301)

    def draw(slope1, offset1, slope2, offset2):
        pieces = ((slope1, offset1), (slope2, offset2))
        value, slope = value_and_slope("maxout", grid, pieces)
        figure, ax = new_figure(6.4, 3.4)
        for i, (a, b) in enumerate(pieces):
            ax.plot(grid, a * grid + b, color=COLORS[i + 1], linewidth=1.4, linestyle="--", label=f"piece {i + 1}")
        ax.plot(grid, value, color=COLORS[0], linewidth=3, label="maxout: the larger one", zorder=1)
        ax.axhline(0, color=MUTED, linewidth=0.6)
        ax.axvline(0, color=MUTED, linewidth=0.6)
        ax.set(xlabel="x", ylim=(-2, 3))
        ax.legend(frameon=False, fontsize=9, loc="upper center")
        ax.spines[["top", "right"]].set_visible(False)
        flat = np.mean(np.abs(slope) < FLAT)
        return figure, (
            f"Slopes {slope1:g} and {slope2:g}. Flat on {flat:.0%} of this range"
            + (": no gradient gets through there." if flat else ": a gradient always gets through.")
        )

    controls = {
        "slope1": slider("Slope of piece 1", -2.0, 2.0, PIECES[0][0], 0.1),
        "offset1": slider("Offset of piece 1", -1.0, 1.0, PIECES[0][1], 0.1),
        "slope2": slider("Slope of piece 2", -2.0, 2.0, PIECES[1][0], 0.1),
        "offset2": slider("Offset of piece 2", -1.0, 1.0, PIECES[1][1], 0.1),
    }
    return Exploration(draw, controls, description="Maxout of two straight lines")


def race_figure(curves, chance):
    """Validation accuracy against epochs; curves: {name: accuracies after each epoch}."""
    figure, ax = new_figure(8.6, 3.8)
    for (name, accuracies), color, marker in zip(curves.items(), COLORS, "os^Dv*", strict=False):
        epochs = np.arange(1, len(accuracies) + 1)
        ax.plot(epochs, 100 * np.array(accuracies), marker=marker, color=color, linewidth=1.8, label=name)
    ax.axhline(100 * chance, color=MUTED, linestyle=":", linewidth=1.2)
    ax.annotate("guessing", (1, 100 * chance), (2, 3), textcoords="offset points", color=MUTED, fontsize=9)
    ax.set(xlabel="epoch", ylabel="right for validation images (%)", xlim=(0.7, None), ylim=(0, None))
    ax.set_title("the same network with six activations, each at its better learning rate", fontsize=11)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9.5)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def best_rates(trainers):
    """Of trainers by (activation, learning rate): {activation: (rate, Trainer)} with the highest last validation.

    Trainings that blew up don't take part.
    """
    best = {}
    for (name, rate), trainer in trainers.items():
        finished = trainer.epoch and trainer.epoch == trainer.epochs
        accuracy = trainer.history.validation_metrics[-1] if finished else -1.0
        if accuracy >= 0 and (name not in best or accuracy > best[name][1].history.validation_metrics[-1]):
            best[name] = rate, trainer
    return best
