"""Lecture 07: what holds a network back from learning its images by heart; measured on few images, and seen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.networks import Affine, Convolution, Dropout, Flatten, MaxPool, ReLU, Sequential
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.plots import COLORS, INK, MUTED, new_figure
from cs231n_kit.schedules import cosine
from cs231n_kit.training import Trainer
from cs231n_kit.training.objective import weights

RATE = 0.03
BATCH = 25
MOMENTUM = 0.9


@dataclass(frozen=True)
class FewImages:
    """Images to train on and new ones to judge by, (N, C, H, W) float, with their labels (N,)."""

    X: np.ndarray
    y: np.ndarray
    X_new: np.ndarray
    y_new: np.ndarray

    @property
    def classes(self) -> int:
        return int(max(self.y.max(), self.y_new.max())) + 1


@dataclass(frozen=True)
class Method:
    """A way of training on few images.

    decay: λ of the L2 penalty λ Σ w². keep: the probability of keeping a hidden unit, 1 for no dropout. after:
    ``after(network, rate)`` changes the weights after each update; rate is how far a lasting gradient of 1 moves a
    weight in an update, η / (1 - μ) with momentum μ. augment: as for ``Trainer``.
    """

    decay: float = 0.0
    keep: float = 1.0
    after: Callable | None = None
    augment: Callable | None = None


@dataclass(frozen=True)
class Trained:
    """A network after training, and the shares of the images trained on and of new ones that it gets right."""

    network: Sequential
    seen: float
    new: float


def small_network(few: FewImages, keep=1.0, seed=0):
    """Two convolutions and two fully connected layers, initialised for these images."""
    layers = [Convolution(8, 3, pad=1), ReLU(), MaxPool(2), Convolution(16, 3, pad=1), ReLU(), MaxPool(2)]
    layers += [Flatten(), Affine(64), ReLU(), *([Dropout(keep)] if keep < 1 else []), Affine(few.classes)]
    return Sequential(*layers).initialize(few.X.shape[1:], rng=seed)


def make_trainer(few: FewImages, method: Method, schedule, epochs: int, seed=0) -> Trainer:
    """A trainer of a small network by the method: SGD with momentum, a rate by the schedule, no evaluation."""
    return Trainer(
        small_network(few, method.keep, seed),
        optimizer=Optimizer("sgd_momentum", momentum=MOMENTUM),
        schedule=schedule,
        batch_size=BATCH,
        epochs=epochs,
        regularization=method.decay,
        augment=method.augment,
        seed=seed,
        best_by=None,
        progress_bar=False,
        live_plot=False,
    )


def updates_in(few: FewImages, epochs: int) -> int:
    return epochs * -(-len(few.X) // BATCH)


def train(few: FewImages, method: Method, epochs: int, seed=0) -> Trained:
    """Train a small network on the few images; the rate falls to a tenth along half a cosine wave."""
    schedule = cosine(RATE, updates_in(few, epochs), final=RATE / 10)
    trainer = make_trainer(few, method, schedule, epochs, seed)
    with threadpool_limits(1):  # so small a network is not faster on two cores, but keeps both of them busy
        for _ in trainer.steps(few.X, few.y):
            if method.after:
                method.after(trainer.network, trainer.learning_rate() / (1 - MOMENTUM))
    scores = [trainer.network.scores(X, progress=False) for X in (few.X, few.X_new)]
    seen, new = (float((s.argmax(axis=1) == y).mean()) for s, y in zip(scores, (few.y, few.y_new), strict=True))
    return Trained(trainer.network, seen, new)


def shrink(strength: float):
    """L1: after each update, every weight moves towards 0 by rate · strength, and stays there once it arrives.

    This is the exact way to follow the penalty λ Σ |w|, whose slope is ± λ however small the weight ("soft
    threshold", Daubechies et al. 2004). Subtracting the slope as a gradient would make weights jump across 0.
    """

    def after(network, rate):
        for w in weights(network).values():
            w[...] = np.sign(w) * np.maximum(np.abs(w) - rate * strength, 0)

    return after


def limit_norms(largest: float):
    """Max-norm: after each update, the incoming weights of every unit are scaled back to a length of at most this.

    Srivastava et al. 2014, "Dropout".
    """

    def after(network, rate):
        for w in weights(network).values():
            units = tuple(range(1, w.ndim)) if w.ndim == 4 else 0  # filters (F, C, h, w); columns of (D, M)
            length = np.sqrt((w * w).sum(axis=units, keepdims=True))
            w *= np.minimum(1, largest / np.maximum(length, 1e-12))

    return after


def compare(few: FewImages, methods: dict[str, Method], epochs, seeds=2) -> dict[str, list[Trained]]:
    """Train a small network by each method, from the same first weights, once for each seed."""
    return {name: [train(few, method, epochs, seed) for seed in range(seeds)] for name, method in methods.items()}


def shares(trained: list[Trained]) -> tuple[float, float]:
    """(accuracy on the images trained on, accuracy on new ones), means over the networks."""
    return float(np.mean([one.seen for one in trained])), float(np.mean([one.new for one in trained]))


def gap_figure(found: dict[str, tuple[float, float]], count):
    """For each method, how many of the images trained on and of the new ones it gets right; the gap is between."""
    figure, ax = new_figure(8.6, 0.9 + 0.48 * len(found))
    for row, (seen, new) in enumerate(found.values()):
        ax.plot([100 * new, 100 * seen], [row, row], color="#d0d0d0", linewidth=5, zorder=1)
        ax.annotate(f"{new:.1%}", (100 * new, row), (-9, 0), textcoords="offset points", ha="right", va="center")
    seen, new = (100 * np.array([pair[i] for pair in found.values()]) for i in range(2))
    rows = np.arange(len(found))
    ax.scatter(seen, rows, s=70, color=MUTED, marker="s", label=f"the {count:,} images trained on", zorder=2)
    ax.scatter(new, rows, s=80, color=COLORS[0], label="new images", zorder=2)
    ax.axvline(new[0], color=COLORS[0], linestyle=":", linewidth=1, zorder=0)
    ax.set_yticks(rows, list(found))
    ax.invert_yaxis()
    ax.set(xlabel="right (%)", xlim=(min(new) - 12, 103))
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=2)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def weights_figure(found: dict[str, Trained]):
    """How the weights of some networks are distributed, with the share of them that is exactly 0."""
    figure, axes = new_figure(10.2, 2.9, 1, len(found), sharex=True, sharey=True)
    limit = max(np.abs(all_weights(one.network)).max() for one in found.values())
    for ax, (name, one), color in zip(axes, found.items(), COLORS, strict=False):
        values = all_weights(one.network)
        ax.hist(values, bins=np.linspace(-limit, limit, 61), color=color)
        ax.set_yscale("log")
        ax.set_title(
            f"{name}\n{np.mean(values == 0):.0%} are 0, Σ w² = {np.sum(values**2):.0f}", fontsize=10, color=INK
        )
        ax.set_xlabel("weight")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("how many (logarithmic)")
    return figure


def explore_pull():
    """Choose a penalty and its strength; see where it holds a weight that the data pull elsewhere."""
    pull = np.linspace(-2, 2, 401)

    def draw(penalty, strength):
        held = PENALTIES[penalty](pull, strength)
        figure, ax = new_figure(5.6, 3.8)
        ax.plot(pull, pull, color=MUTED, linestyle=":", label="nothing held back")
        ax.plot(pull, held, color=COLORS[0], linewidth=2.5, label=penalty)
        ax.axhline(0, color="#d0d0d0", linewidth=0.8, zorder=0)
        ax.set(xlabel="where the data alone would put the weight", ylabel="where it ends", ylim=(-2.05, 2.05))
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        small, large = (PENALTIES[penalty](np.array(a), strength) for a in (0.2, 2.0))
        return figure, (
            f"{penalty}, λ or limit = {strength:g}: a weight that wants to be 0.2 ends at <b>{small:.2f}</b>, and one "
            f"that wants to be 2 at <b>{large:.2f}</b>. {np.mean(held == 0):.0%} of this range ends at exactly 0."
        )

    controls = {
        "penalty": choice("Penalty", list(PENALTIES), "L1"),
        "strength": slider("λ, or limit", 0.0, 1.5, 0.5, step=0.1),
    }
    return Exploration(draw, controls, description="Where a penalty holds a weight, against where the data pull it")


# The w that makes (w - a)² / 2 plus the penalty least, for what the data want, a, and a strength λ or limit.
PENALTIES = {
    "L2": lambda a, strength: a / (1 + 2 * strength),
    "L1": lambda a, strength: np.sign(a) * np.maximum(np.abs(a) - strength, 0),
    "max-norm": lambda a, strength: np.clip(a, -strength, strength),
}


def all_weights(network):
    """All weights but biases, one after another."""
    return np.concatenate([w.ravel() for w in weights(network).values()]).astype(np.float64)
