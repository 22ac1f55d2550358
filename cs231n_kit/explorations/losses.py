"""Lecture 03: what the hinge loss and softmax make of the same scores, and how regularisation picks one W of many."""

import numpy as np
from matplotlib.patches import Patch

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.losses import softmax_loss, svm_loss
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, new_figure

CAT_DOG_SHIP = ("cat", "dog", "ship")
EXAMPLE_SCORES = (12.5, 0.6, -23.0)


def softmax(scores):
    """Probabilities exp(s) / Σ exp(s) of scores (..., C), of any size."""
    shares = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def explore_hinge(scores=(1.8, 2.4, -0.9), class_names=CAT_DOG_SHIP):
    """Move three scores of a picture of the first class, and δ, and watch who stands in the red zone."""

    def draw(first, second, third, delta):
        now = np.array([first, second, third])
        margins = now[1:] - now[0] + delta
        loss = svm_loss(now[None], np.zeros(1, int), delta)[0]
        figure, axes = new_figure(9.8, 2.9, 1, 2, width_ratios=(1.7, 1))
        _draw_score_line(axes[0], now, class_names, delta)
        distance = np.linspace(-8, 8, 201)
        axes[1].plot(distance, np.maximum(0, distance + delta), color=INK)
        for label, other in enumerate(now[1:], start=1):
            axes[1].plot(other - now[0], max(0, other - now[0] + delta), "o", color=COLORS[label], markersize=10)
        axes[1].axvline(0, color=MUTED, linewidth=1)
        axes[1].set(xlabel=f"its score − the score of {class_names[0]}", ylabel="its share of the loss", xlim=(-8, 8))
        axes[1].set_title("the hinge", fontsize=11)
        axes[1].spines[["top", "right"]].set_visible(False)
        terms = " + ".join(
            f"max(0, {other:.1f} − {first:.1f} + {delta:.1f})".replace("− -", "+ ").replace("(0, -", "(0, −")
            for other in now[1:]
        )
        parts = " + ".join(f"{max(0, margin):.1f}" for margin in margins)
        return figure, f"L = {terms} = {parts} = <b>{loss:.1f}</b>"

    controls = {
        name: slider(f"Score of {label}", -5.0, 5.0, value, 0.1)
        for name, label, value in zip(("first", "second", "third"), class_names, scores, strict=True)
    }
    controls["delta"] = slider("Margin δ", 0.0, 4.0, 1.0, 0.1)
    return Exploration(draw, controls, description="Three scores on a line, the margin, and the hinge loss")


def _draw_score_line(ax, scores, class_names, delta):
    border = scores[0] - delta
    ax.axvspan(border, 10, color=WRONG, alpha=0.13)
    ax.axvline(border, color=WRONG, linewidth=1.5)
    ax.axhline(0, color=MUTED, linewidth=1)
    for label, (score, name) in enumerate(zip(scores, class_names, strict=True)):
        height = 0.25 + 0.25 * label
        inside = label > 0 and score > border
        ax.plot([score, score], [0, height], color=COLORS[label], linewidth=1.5)
        ax.plot(score, 0, "o", color=COLORS[label], markersize=11)
        ax.text(score, height, f"{name} {score:.1f}", ha="center", va="bottom", color=INK, fontsize=11)
        if inside:
            ax.plot([border, score], [-0.12 * label] * 2, color=WRONG, linewidth=5, solid_capstyle="butt")
    ax.set(xlim=(-7, 7), ylim=(-0.4, 1.05), yticks=[], xlabel="score")
    ax.set_title(f"a picture of a {class_names[0]}: in red, where the others must not be", fontsize=11)
    ax.spines[["top", "left", "right"]].set_visible(False)


def explore_scores(scores=EXAMPLE_SCORES, class_names=CAT_DOG_SHIP):
    """Give the same three scores to the SVM and to softmax; a factor shrinks or stretches all of them."""

    def draw(first, second, third, factor, right):
        now = factor * np.array([first, second, third])
        shares = softmax(now)
        hinge, cross_entropy = (loss(now[None], np.array([right]))[0] for loss in (svm_loss, softmax_loss))
        figure, axes = new_figure(9.8, 2.9, 1, 3)
        _bars(axes[0], now, class_names, "{:.1f}", "scores, times the factor", right)
        _bars(axes[1], 100 * shares, class_names, "{:.3g}%", "softmax: probabilities (%)", right)
        axes[1].set_xlim(0, 135)
        _bars(axes[2], [hinge, cross_entropy], ("hinge", "softmax"), "{:.3g}", "what each loses")
        surest = int(shares.argmax())
        return figure, (
            f"The picture shows a {class_names[right]}. Hinge loss <b>{hinge:.3g}</b>; softmax says "
            f"<b>{class_names[surest]}</b> with probability {shares[surest]:.7g} and loses "
            f"−log {shares[right]:.3g} = <b>{cross_entropy:.3g}</b>."
        )

    controls = {
        name: slider(f"Score of {label}", -25.0, 25.0, value, 0.1)
        for name, label, value in zip(("first", "second", "third"), class_names, scores, strict=True)
    }
    controls["factor"] = slider("All scores times", 0.0, 2.0, 1.0, 0.02)
    controls["right"] = choice("The picture shows", [(name, label) for label, name in enumerate(class_names)])
    return Exploration(draw, controls, description="Three scores, their softmax probabilities, and both losses")


def _bars(ax, values, names, form, title, right=None):
    colors = COLORS if right is not None else (MUTED, MUTED)
    bars = ax.barh(range(len(values)), values, color=colors[: len(values)], height=0.62)
    ax.bar_label(bars, [form.format(value) for value in values], padding=4, fontsize=10)
    labels = [f"{name} ✓" if index == right else name for index, name in enumerate(names)]
    ax.set_yticks(range(len(values)), labels)
    ax.invert_yaxis()
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.margins(x=0.28)
    ax.set_title(title, fontsize=11)
    ax.spines[["top", "right", "left"]].set_visible(False)


def factor_for_share(scores, share):
    """The factor on scores (C,) that gives the largest of them the softmax probability ``share``, by bisection.

    The share must lie between 1 / C, which factor 0 gives, and 1.
    """
    scores = np.asarray(scores, float)
    if not 1 / len(scores) < share < 1:
        raise ValueError(f"share must lie between 1/{len(scores)} and 1, not {share}")
    low, high = 0.0, 1.0
    while softmax(high * scores).max() < share:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if softmax(middle * scores).max() < share else (low, middle)
    return high


class TwoWeights:
    """The hinge loss mean max(0, 1 - y w·x) of two weights on points (N, 2) with signs y (N,) of 1 and -1.

    It is the multiclass hinge loss of two classes whose scores are ± w·x / 2.
    """

    def __init__(self, X, y):
        self.X, self.labels = np.asarray(X, float), (np.asarray(y) < 0).astype(int)

    def loss(self, w):
        """The data loss of weights (2,)."""
        half = self.X @ np.asarray(w, float) / 2
        return svm_loss(np.column_stack([half, -half]), self.labels)[0]

    def losses(self, grid):
        """The data losses of many weights (..., 2), shape (...)."""
        signs = 1 - 2 * self.labels
        return np.maximum(0, 1 - signs * (grid @ self.X.T)).mean(axis=-1)

    def best(self, strength, grid):
        """Of a grid (R, R, 2) the weights with the least loss plus strength · Σ w²."""
        total = self.losses(grid) + strength * (grid**2).sum(axis=-1)
        return grid[np.unravel_index(total.argmin(), total.shape)]


def separable_points(seed=4, count=12):
    """Points (2 count, 2) on both sides of a line through the origin, with a gap between, and their signs."""
    rng = np.random.default_rng(seed)
    y = np.repeat([1, -1], count)
    X = y[:, None] * (0.55, 0.3) + rng.uniform(-0.3, 0.3, (2 * count, 2))
    return X, y


def explore_regularization(X, y):
    """Choose two weights yourself, then let λ choose: among all that lose nothing it takes the smallest."""
    problem = TwoWeights(X, y)
    line = np.linspace(-2, 8, 161)
    grid = np.stack(np.meshgrid(line, line), axis=-1)
    data = problem.losses(grid)

    def draw(w1, w2, strength):
        yours, penalty = np.array([w1, w2]), strength * (w1**2 + w2**2)
        figure, axes = new_figure(9.8, 3.9, 1, 2)
        _draw_weights(axes[0], grid, data + strength * (grid**2).sum(axis=-1), data, yours)
        best = problem.best(strength, grid) if strength else None
        if best is not None:
            axes[0].plot(*best, "*", color=WRONG, markersize=17, markeredgecolor="white")
        _draw_borders(axes[1], X, y, {"yours": (yours, INK), "chosen by λ": (best, WRONG)})
        text = (
            f"Your w = ({w1:.1f}, {w2:.1f}): data loss {problem.loss(yours):.3f} + penalty {penalty:.3f} = "
            f"<b>{problem.loss(yours) + penalty:.3f}</b>. "
        )
        if best is None:
            return figure, text + "Without a penalty every w in the white region is as good as any other: loss 0."
        least = problem.loss(best) + strength * (best**2).sum()
        return figure, text + f"λ = {strength:g} picks w = ({best[0]:.2f}, {best[1]:.2f}), loss <b>{least:.3f}</b>."

    controls = {
        "w1": slider("w₁", -2.0, 8.0, 5.0, 0.1),
        "w2": slider("w₂", -2.0, 8.0, 4.0, 0.1),
        "strength": choice("λ", [(f"{value:g}", value) for value in (0.0, 0.001, 0.01, 0.03, 0.1, 0.3, 1.0)], 0.0),
    }
    return Exploration(draw, controls, description="The loss over two weights, and the borders that weights draw")


def _draw_weights(ax, grid, total, data, yours):
    extent = (grid[0, 0, 0], grid[0, -1, 0], grid[0, 0, 1], grid[-1, 0, 1])
    ax.contourf(total, levels=np.linspace(0, 3, 25), extent=extent, cmap="Blues", extend="max")
    ax.contour(data, levels=[1e-9], extent=extent, colors=[RIGHT], linewidths=1.5)
    ax.plot(*yours, "o", color=INK, markersize=10, markeredgecolor="white")
    ax.set(xlabel="$w_1$", ylabel="$w_2$")
    ax.set_title("total loss; right of the green line the data lose nothing", fontsize=10)


def _draw_borders(ax, X, y, weights):
    for sign, label, marker in ((1, 0, "o"), (-1, 1, "s")):
        ax.scatter(*X[y == sign].T, color=COLORS[label], marker=marker, edgecolor="white", s=55, zorder=3)
    handles = []
    for name, (w, color) in weights.items():
        if w is None or not np.any(w):
            continue
        along = np.array([-w[1], w[0]]) / np.linalg.norm(w)
        ax.plot(*np.column_stack([-3 * along, 3 * along]), color=color, linewidth=2)
        for side in (-1, 1):
            foot = side * w / (w @ w)
            ax.plot(*np.column_stack([foot - 3 * along, foot + 3 * along]), color=color, linewidth=1, linestyle=":")
        handles.append(Patch(color=color, label=name))
    ax.legend(handles=handles, loc="upper left", fontsize=9)
    ax.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    ax.set_title("the border w·x = 0, dotted: w·x = ±1", fontsize=10)
