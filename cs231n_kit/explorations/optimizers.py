"""Lecture 07: how large a step may be and why, on bowls and on real images, and six optimizers on a small network."""

import math
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.networks import Affine, Flatten, ReLU, Sequential
from cs231n_kit.optimizers import RULES, Optimizer
from cs231n_kit.plots import COLORS, INK, MUTED, WRONG, new_figure
from cs231n_kit.training import NonFiniteError, Trainer

TITLES = {
    "sgd": "SGD",
    "sgd_momentum": "momentum",
    "nesterov": "Nesterov",
    "adagrad": "AdaGrad",
    "rmsprop": "RMSProp",
    "adam": "Adam",
}
GRID = {  # learning rates tried for a small network
    "sgd": (0.03, 0.1, 0.3, 1.0),
    "sgd_momentum": (0.003, 0.01, 0.03, 0.1),
    "nesterov": (0.003, 0.01, 0.03, 0.1),
    "adagrad": (0.003, 0.01, 0.03, 0.1),
    "rmsprop": (0.0003, 0.001, 0.003, 0.01),
    "adam": (0.0003, 0.001, 0.003, 0.01),
}
DEEP = (40, 40, 40)  # hidden units of the network that the optimizers train


def walk(gradient, start, rule, config, steps):
    """Points of an optimizer of the kit, float64 (steps + 1, D): ``gradient`` is a function of a point (D,)."""
    points = [np.asarray(start, np.float64)]
    for _ in range(steps):
        after, config = RULES[rule](points[-1], gradient(points[-1]), config)
        points.append(after)
    return np.array(points)


def explore_stable_rate(steps=40):
    """SGD on the bowl (x² + κ y²) / 2: what a rate does in the flat and the steep direction, and the best of both."""

    def draw(condition, rate):
        curvatures = np.array([1.0, condition])
        points = walk(lambda p: curvatures * p, (-1.0, 0.6), "sgd", {"learning_rate": rate}, steps)
        factors = np.abs(1 - rate * curvatures)
        figure, axes = new_figure(10.4, 3.9, 1, 2)
        x, y = np.meshgrid(np.linspace(-1.15, 1.15, 120), np.linspace(-1.15, 1.15, 120))
        heights = (x**2 + condition * y**2) / 2
        axes[0].contour(
            x, y, heights, np.geomspace(heights.max() * 1e-3, heights.max(), 12), colors=MUTED, linewidths=0.6
        )
        shown = np.clip(points, -3, 3)
        axes[0].plot(*shown.T, ".-", color=COLORS[0], linewidth=1.4)
        axes[0].plot(0, 0, "+", color=INK, markersize=12)
        axes[0].set(
            xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), xlabel="x, curvature 1", ylabel=f"y, curvature {condition:g}"
        )
        axes[0].set_title(f"{steps} steps", fontsize=11)
        rates = np.linspace(0, min(2.4 / condition, 2.4), 200)
        for color, curvature, name in ((COLORS[0], 1, "x"), (COLORS[1], condition, "y")):
            axes[1].plot(
                rates, np.abs(1 - rates * curvature), color=color, linewidth=2, label=f"{name}: |1 − η·{curvature:g}|"
            )
            axes[1].plot(rate, abs(1 - rate * curvature), "o", color=color, markersize=8, clip_on=True)
        axes[1].axhline(1, color=INK, linewidth=0.8)
        axes[1].axvline(2 / condition, color=WRONG, linewidth=1.4, linestyle="--", label=f"2 / L = {2 / condition:.3g}")
        axes[1].set(xlim=(0, rates[-1]), ylim=(0, 1.45), xlabel="learning rate η", ylabel="what is left after a step")
        axes[1].set_title("each direction is multiplied by its own factor", fontsize=11)
        axes[1].legend(frameon=False, fontsize=9, loc="lower left")
        axes[1].spines[["top", "right"]].set_visible(False)
        return figure, _rate_in_words(condition, rate, factors)

    controls = {
        "condition": slider("Condition number κ", 1.0, 100.0, 20.0, 1.0),
        "rate": slider("Learning rate η", 0.002, 0.12, 0.095, 0.001, readout_format=".3f"),
    }
    return Exploration(draw, controls, description="Gradient descent on a bowl, and its factor in both directions")


def _rate_in_words(condition, rate, factors):
    """How fast the slower direction is, and how fast it could be."""
    best = (condition - 1) / (condition + 1)
    text = f"Each step leaves {factors[0]:.3f} of x and {factors[1]:.3f} of y. "
    if factors.max() > 1:
        return text + f"<b>y grows</b>: η is above 2 / L = {2 / condition:.3g}."
    slowest = factors.max()
    needed = math.log(1e-3) / math.log(slowest) if 0 < slowest < 1 else 0 if slowest == 0 else math.inf
    text += (
        f"A thousandth of the way is left after <b>{needed:.0f} steps</b>" if needed < math.inf else "It stands still"
    )
    if best > 0:
        at_best = math.log(1e-3) / math.log(best)
        text += f"; the best rate, 2 / (1 + κ) = {2 / (1 + condition):.3g}, would need {max(at_best, 1):.0f}."
    else:
        text += "; with κ = 1 one step of rate 1 is enough."
    return text


class LeastSquares:
    """A loss that is exactly a bowl: mean over images of |W x - t|² / 2, with t one-hot; W (D, C).

    X: vectors (N, D); y: labels (N,) of ``classes``. Its curvature has the eigenvalues of XᵀX / N, ``curvatures`` (D,),
    ascending, whatever W is.
    """

    def __init__(self, X, y, classes):
        X = np.asarray(X, np.float64).reshape(len(X), -1)
        self.X = np.hstack([X - X.mean(axis=0), np.ones((len(X), 1))])
        self.targets = np.eye(classes)[y]
        self._second = self.X.T @ self.X / len(X)
        self._mixed = self.X.T @ self.targets / len(X)
        self.curvatures = np.linalg.eigvalsh(self._second)

    def __call__(self, W):
        """The loss, a float."""
        return float(((self.X @ W - self.targets) ** 2).sum() / (2 * len(self.X)))

    def gradient(self, W):
        """Its gradient, (D, C)."""
        return self._second @ W - self._mixed


def descend_least_squares(loss, shares, steps):
    """The losses of SGD with all images from W = 0, at these shares of the largest stable rate 2 / L.

    Returns {share: losses (steps + 1,)}; a loss above 1e6 ends the curve with infinity.
    """
    limit = 2 / loss.curvatures[-1]
    curves = {}
    for share in shares:
        W, config = np.zeros((loss.X.shape[1], loss.targets.shape[1])), {"learning_rate": share * limit}
        losses = [loss(W)]
        for _ in range(steps):
            W, config = RULES["sgd"](W, loss.gradient(W), config)
            losses.append(loss(W) if losses[-1] < 1e6 else math.inf)
        curves[share] = np.array(losses)
    return curves


def stable_rate_figure(loss, curves):
    """The curvatures of a ``LeastSquares`` loss, sorted, and the losses of ``descend_least_squares``."""
    figure, axes = new_figure(10, 3.6, 1, 2)
    largest = loss.curvatures[-1]
    shown = np.maximum(loss.curvatures[::-1], 1e-9 * largest)
    axes[0].semilogy(np.arange(1, len(shown) + 1), shown, color=COLORS[0], linewidth=2)
    axes[0].set(xlabel="direction, sorted", ylabel="curvature", title=f"curvatures; the largest is L = {largest:.3g}")
    for color, (share, losses) in zip(COLORS, curves.items(), strict=False):
        axes[1].plot(losses, color=color, linewidth=2, label=f"η = {share:g} · 2/L")
    top = 3 * next(iter(curves.values()))[0]
    axes[1].set(xlabel="step", ylabel="loss (cut off above)", ylim=(0, top), title="gradient descent with all images")
    axes[1].legend(frameon=False)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def halved(images):
    """Images (N, C, H, W) at half the resolution where they have 32 pixels a side or more, float32."""
    count, channels, height, width = images.shape
    if height < 32:
        return np.asarray(images, np.float32)
    return images.reshape(count, channels, height // 2, 2, width // 2, 2).mean(axis=(3, 5), dtype=np.float32)


def train_small(X, y, X_val, y_val, optimizer, *, epochs, batch_size=50, hidden=(50,), schedule=None, seed=0):
    """Train a network of fully connected layers with ReLUs; returns its ``History``, or None where it diverged.

    X, X_val: images (N, C, H, W). hidden: the number of units of each hidden layer. The first weights and the order of
    images depend on the seed alone.
    """
    inside = [layer for units in hidden for layer in (Affine(units), ReLU())]
    network = Sequential(Flatten(), *inside, Affine(int(max(y.max(), y_val.max())) + 1))
    network.initialize(X.shape[1:], rng=seed)
    silent = {"progress_bar": False, "live_plot": False, "best_by": None}
    trainer = Trainer(
        network, optimizer=optimizer, schedule=schedule, batch_size=batch_size, epochs=epochs, seed=seed, **silent
    )
    try:
        with threadpool_limits(1, "blas"):  # such small matrices gain nothing from threads that wait for each other
            return trainer.fit(X, y, X_val, y_val)
    except NonFiniteError:
        return None


class Contest(NamedTuple):
    """``histories``: {rule: {learning rate: History, or None where it diverged}}; ``chosen``: {rule: rate}."""

    histories: dict
    chosen: dict

    def final(self, rule, rate, last=20):
        """The mean training loss of the last updates; infinite where it diverged."""
        history = self.histories[rule][rate]
        return math.inf if history is None else float(np.mean(history.losses[-last:]))


def contest(X, y, X_val, y_val, epochs, grid=None, seed=0):
    """Train the same network with each optimizer and each learning rate of its grid; choose by the last training loss.

    The network has three hidden layers of 40 units. With a progress bar. Returns a ``Contest``.
    """
    from tqdm.auto import tqdm

    grid = GRID if grid is None else grid
    found = Contest({rule: {} for rule in grid}, {})
    tasks = [(rule, rate) for rule, rates in grid.items() for rate in rates]
    for rule, rate in tqdm(tasks, desc="Optimizers", unit="training", delay=1):
        optimizer = Optimizer(rule, learning_rate=rate)
        found.histories[rule][rate] = train_small(X, y, X_val, y_val, optimizer, epochs=epochs, seed=seed, hidden=DEEP)
    for rule, rates in grid.items():
        found.chosen[rule] = min(rates, key=lambda rate: found.final(rule, rate))
    return found


def contest_figure(found):
    """Training loss against updates, each optimizer at its chosen rate; and the last loss against the learning rate."""
    figure, axes = new_figure(10.4, 4, 1, 2, width_ratios=(1.3, 1))
    first, finals = 0.0, []
    for rule, rate in found.chosen.items():
        color = COLORS[list(TITLES).index(rule)]
        losses = np.array(found.histories[rule][rate].losses)
        width = max(1, len(losses) // 16)
        smooth = np.convolve(losses, np.ones(width) / width, "valid")
        label = f"{TITLES[rule]}, η = {rate:g}"
        axes[0].plot(np.arange(len(smooth)) + width, smooth, color=color, linewidth=2, label=label)
        rates = [each for each in found.histories[rule] if math.isfinite(found.final(rule, each))]
        ends = [found.final(rule, each) for each in rates]
        axes[1].plot(rates, ends, "o-", color=color, markersize=5)
        first, finals = losses[0], finals + ends
    axes[0].set(xlabel="update", ylabel="training loss, smoothed", ylim=(0, 1.2 * first))
    axes[0].set_title("each at the best rate of its grid", fontsize=11)
    axes[0].legend(frameon=False, fontsize=9)
    axes[1].set(xscale="log", xlabel="learning rate", ylabel="training loss at the end")
    axes[1].set_ylim(0.9 * min(finals), min(1.1 * max(finals), 1.2 * first))
    axes[1].set_title("how much the rate matters", fontsize=11)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def contest_rows(found):
    """Rows (title, chosen rate, last training loss, validation accuracy at the end), the smallest loss first."""
    rows = []
    for rule, rate in found.chosen.items():
        accuracy = found.histories[rule][rate].validation_metrics[-1]
        rows.append((TITLES[rule], rate, found.final(rule, rate), accuracy))
    return sorted(rows, key=lambda row: row[2])
