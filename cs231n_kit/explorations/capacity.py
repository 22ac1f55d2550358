"""Lecture 04: how many hidden units, and how much regularisation; measured on points that no network has seen."""

from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.plots import COLORS, INK, MUTED, new_figure, plane_grid, region_image

NOISE = 0.2
POINTS = 60  # of each training set
STEPS, RATE = 500, 0.05
STRENGTHS = (0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)  # of regularisation


def spirals(count, rng):
    """Points (count, 2) of two noisy spiral arms, and which arm each is on, (count,)."""
    y = np.arange(count) % 2
    along = rng.uniform(0, 1, count)
    radius, angle = 0.1 + 0.8 * along, np.pi * y + 3.6 * along
    X = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return X + NOISE * rng.standard_normal((count, 2)), y


def train_many(X, y, units, strengths, seeds, steps=STEPS):
    """Train S two-layer networks side by side: logistic loss, λ Σ w², Adam on all points at once.

    X: (S, N, 2) float; y: (S, N) of 0 and 1; strengths: λ of each network, (S,); seeds: of its first weights, (S,).
    Returns the weights W1 (S, 2, H), b1 (S, 1, H), W2 (S, H, 1), b2 (S, 1, 1), for ``margins``.
    """
    starts = [np.random.default_rng(int(seed)) for seed in seeds]
    first = np.stack([rng.standard_normal((2, units)) for rng in starts])
    second = np.stack([rng.standard_normal((units, 1)) for rng in starts]) * np.sqrt(2 / units)
    count = len(starts)
    weights = [first, np.zeros((count, 1, units)), second, np.zeros((count, 1, 1))]
    means, squares = [0 * w for w in weights], [0 * w for w in weights]
    decay = 2 * np.asarray(strengths)[:, None, None]
    for step in range(1, steps + 1):
        gradients = _gradients(weights, X, y[..., None])
        gradients[0] = gradients[0] + decay * weights[0]
        gradients[2] = gradients[2] + decay * weights[2]
        for w, dw, mean, square in zip(weights, gradients, means, squares, strict=True):
            mean += 0.1 * (dw - mean)
            square += 0.001 * (dw * dw - square)
            w -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return weights


def margins(weights, X):
    """How clearly the networks vote for class 1: the score w2 · max(0, W1 x + b1) + b2, (S, N) of X (S, N, 2)."""
    W1, b1, W2, b2 = weights
    return (np.maximum(0, X @ W1 + b1) @ W2 + b2)[..., 0]


def _gradients(weights, X, y):
    W1, b1, W2, b2 = weights
    hidden = np.maximum(0, X @ W1 + b1)
    score = hidden @ W2 + b2
    dscore = (1 / (1 + np.exp(-score)) - y) / X.shape[1]
    dhidden = (dscore * W2.swapaxes(1, 2)) * (hidden > 0)
    return [
        X.swapaxes(1, 2) @ dhidden,
        dhidden.sum(axis=1, keepdims=True),
        hidden.swapaxes(1, 2) @ dscore,
        dscore.sum(axis=1, keepdims=True),
    ]


@dataclass(frozen=True)
class Race:
    """Accuracies of networks on new points: (number of sizes, number of strengths, number of training sets)."""

    sizes: tuple
    strengths: tuple
    validation: np.ndarray
    test: np.ndarray

    def plain(self):
        """Test accuracies without regularisation, (sizes, training sets)."""
        return self.test[:, 0]

    def chosen(self):
        """(index of the best strength for each size, by mean accuracy on validation points; its test accuracies)."""
        best = self.validation.mean(axis=2).argmax(axis=1)
        return best, self.test[np.arange(len(self.sizes)), best]


def race(sizes=(3, 6, 20, 100), strengths=STRENGTHS, draws=10, new_points=2000):
    """Train every size with every strength on ``draws`` training sets of their own; measure on points of two others."""
    sets = [spirals(POINTS, np.random.default_rng([1, draw])) for draw in range(draws)]
    X = np.stack([points for points, _ in sets for _ in strengths])
    y = np.stack([labels for _, labels in sets for _ in strengths])
    found = []
    for units in sizes:
        seeds = np.repeat(np.arange(draws), len(strengths))
        weights = train_many(X, y, units, np.tile(strengths, draws), seeds)
        found.append(
            [_accuracies(weights, *spirals(new_points, np.random.default_rng([2, part]))) for part in range(2)]
        )
    validation, test = np.array(found).reshape(len(sizes), 2, draws, len(strengths)).transpose(1, 0, 3, 2)
    return Race(tuple(sizes), tuple(strengths), validation, test)


def _accuracies(weights, X, y):
    return ((margins(weights, X[None]) > 0) == y).mean(axis=1)


def draw_regions(ax, weights, X, y, title):
    """Which arm one network (the first of ``weights``) says every point of the plane is on, under the points."""
    resolution, limit = 150, 1.35
    shown = margins([w[:1] for w in weights], plane_grid(limit, resolution)[None])[0].reshape(resolution, resolution)
    ax.imshow(region_image(np.stack([-shown, shown], axis=-1)), origin="lower", extent=(-limit, limit, -limit, limit))
    for label, marker in ((0, "o"), (1, "s")):
        ax.scatter(*X[y == label].T, s=22, marker=marker, color=COLORS[label], edgecolor="white", linewidth=0.7)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[])
    ax.set_title(title, fontsize=10.5, color=INK)


def train_one(units, strength, draw=0):
    """One network and its accuracies: (weights, X, y, accuracy on X, accuracy on new points)."""
    X, y = spirals(POINTS, np.random.default_rng([1, draw]))
    weights = train_many(X[None], y[None], units, [strength], [draw])
    new, new_y = spirals(2000, np.random.default_rng([2, 1]))
    return weights, X, y, float(_accuracies(weights, X, y)[0]), float(_accuracies(weights, new, new_y)[0])


def regions_figure(settings, draw=0):
    """Networks side by side on the same points; settings: pairs (hidden units, strength of regularisation)."""
    figure, axes = new_figure(3.3 * len(settings), 3.8, 1, len(settings), squeeze=False)
    for ax, (units, strength) in zip(axes[0], settings, strict=True):
        weights, X, y, seen, new = train_one(units, strength, draw)
        draw_regions(ax, weights, X, y, f"{units} hidden units, λ = {strength:g}")
        ax.set_xlabel(f"{seen:.0%} of these points right, {new:.1%} of new ones", fontsize=10)
    return figure


def explore_capacity():
    """Choose hidden units, regularisation and the training set; see the regions and both accuracies."""
    sizes = (1, 2, 3, 4, 6, 10, 20, 50, 100, 200)
    results = cache(train_one)

    def draw(size, strength, training_set):
        weights, X, y, seen, new = results(size, strength, training_set - 1)
        figure, axes = new_figure(8.6, 4.1, 1, 2, width_ratios=(1, 1.05))
        draw_regions(axes[0], weights, X, y, f"{size} hidden units, λ = {strength:g}")
        axes[1].bar(["these points", "new points"], [100 * seen, 100 * new], color=[MUTED, COLORS[0]], width=0.6)
        axes[1].bar_label(axes[1].containers[0], [f"{seen:.1%}", f"{new:.1%}"], fontsize=11)
        axes[1].set(ylim=(50, 104), ylabel="right (%)")
        axes[1].set_title("accuracy; guessing gives 50 %", fontsize=10.5)
        axes[1].spines[["top", "right"]].set_visible(False)
        parameters = 4 * size + 1
        return figure, (
            f"{size} hidden units have {parameters} parameters for {POINTS} points. "
            f"Right for {seen:.1%} of these points and <b>{new:.1%} of 2,000 new ones</b>."
        )

    controls = {
        "size": widgets.SelectionSlider(description="Hidden units", options=sizes, value=6),
        "strength": widgets.SelectionSlider(description="Regularisation λ", options=STRENGTHS, value=0.0),
        "training_set": slider("Training set", 1, 20, 1),
    }
    return Exploration(draw, controls, description="Decision regions of a two-layer network and its accuracies")


def race_figure(found):
    """Mean accuracy on new points for each size, without regularisation and with the chosen one; ± a standard error."""
    figure, ax = new_figure(7.6, 3.9)
    at = np.arange(len(found.sizes))
    best, chosen = found.chosen()
    lines = (
        ("no regularisation", found.plain(), COLORS[1], "s"),
        ("λ chosen on validation points", chosen, COLORS[0], "o"),
    )
    for shift, (label, accuracies, color, marker) in zip((-0.04, 0.04), lines, strict=True):
        mean = 100 * accuracies.mean(axis=1)
        error = 100 * accuracies.std(axis=1, ddof=1) / np.sqrt(accuracies.shape[1])
        ax.errorbar(at + shift, mean, error, marker=marker, color=color, label=label, linewidth=2, capsize=4)
    for x, index, mean in zip(at, best, 100 * chosen.mean(axis=1), strict=True):
        text = f"λ = {found.strengths[index]:g}"
        ax.annotate(text, (x, mean), (0, 26), textcoords="offset points", ha="center", fontsize=9)
    ax.set_xticks(at, [f"{size}" for size in found.sizes])
    ax.margins(y=0.25)
    ax.set(xlabel="hidden units", ylabel="right for new points (%)")
    ax.set_title(f"mean of {chosen.shape[1]} training sets of {POINTS} points, ± one standard error", fontsize=10.5)
    ax.legend(loc="lower right", frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def advantage(found, size, other):
    """How far ``size`` units with the chosen λ beat ``other`` with theirs: (mean, standard error), set by set."""
    _, chosen = found.chosen()
    better = chosen[found.sizes.index(size)] - chosen[found.sizes.index(other)]
    return float(better.mean()), float(better.std(ddof=1) / np.sqrt(better.size))
