"""Lecture 06: batch normalisation, forward and backward, in training and in use, and after bad first weights."""

from copy import deepcopy

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.layers import batchnorm_backward, batchnorm_forward
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, new_figure

BATCH = 64


def normalise_one_unit(mean, spread, gamma, beta):
    """A batch of ``BATCH`` sums of one unit, forward and backward through batch normalisation.

    Returns x, out, dout and dx, each (BATCH,); dout is an upstream gradient that would like to shift all outputs, to
    stretch them, and to move each a little.
    """
    rng = np.random.default_rng(3)
    x = mean + spread * rng.standard_normal((BATCH, 1))
    out, cache = batchnorm_forward(x, np.array([gamma]), np.array([beta]), {"mode": "train"})
    standard = (x - x.mean()) / x.std()
    dout = 0.7 + 0.8 * standard + 0.4 * rng.standard_normal((BATCH, 1))
    dx, _, _ = batchnorm_backward(dout, cache)
    return x[:, 0], out[:, 0], dout[:, 0], dx[:, 0]


def explore_normalisation():
    """Move and stretch a unit's sums, choose γ and β: the outputs, and what is left of the gradient."""

    def draw(mean, spread, gamma, beta):
        x, out, dout, dx = normalise_one_unit(mean, spread, gamma, beta)
        figure, axes = new_figure(9.8, 3.4, 1, 3)
        edges = np.linspace(-8, 8, 65)
        for ax, values, title, color in ((axes[0], x, "in: the unit's sums", MUTED), (axes[1], out, "out", COLORS[0])):
            ax.hist(values, edges, color=color)
            ax.set(xlim=(-8, 8), xlabel=f"mean {values.mean():.2f}, deviation {values.std():.2f}")
            ax.set_title(title, fontsize=11)
        order = (x - x.mean()) / x.std()
        axes[2].axhline(0, color=MUTED, linewidth=0.6)
        axes[2].plot(order, dout, "o", color=MUTED, markersize=4, label="arrives at the output")
        axes[2].plot(order, dx, "o", color=WRONG, markersize=4, label="goes on to the input")
        axes[2].set(xlabel="normalised sum x̂", ylabel="gradient", ylim=(-4, 5))
        axes[2].set_title("backward, one dot an example", fontsize=11)
        axes[2].legend(frameon=False, fontsize=8.5, loc="upper left")
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
        return figure, (
            f"Out: mean <b>{out.mean():.2f}</b> = β, deviation <b>{out.std():.2f}</b> = |γ|, whatever came in. "
            f"The gradient that goes on has the mean {abs(dx.mean()):.3f} and, with x̂, the correlation "
            f"{abs(np.corrcoef(dx, order)[0, 1]):.3f}."
        )

    controls = {
        "mean": slider("Mean of the sums", -5.0, 5.0, 3.0, 0.1),
        "spread": slider("Their deviation", 0.1, 3.0, 0.4, 0.1),
        "gamma": slider("Scale γ", -2.0, 3.0, 1.0, 0.1),
        "beta": slider("Shift β", -3.0, 3.0, 0.0, 0.1),
    }
    return Exploration(draw, controls, description="A unit's sums before and after batch normalisation, and gradients")


def running_statistics(x, momentum, batch_size, batches=150, seed=0):
    """Running mean and variance of x (N,) after each batch drawn from it, and those of the batches: (batches, 4)."""
    rng = np.random.default_rng(seed)
    one, zero = np.ones(1), np.zeros(1)
    param = {"mode": "train", "momentum": momentum, "running_mean": zero, "running_var": one}
    rows = []
    for _ in range(batches):
        batch = rng.choice(x, (batch_size, 1), replace=False)
        batchnorm_forward(batch, one, zero, param)
        rows.append([param["running_mean"][0], param["running_var"][0], batch.mean(), batch.var()])
    return np.array(rows)


def explore_running_statistics(x):
    """Choose momentum and batch size: running statistics of sums x (N,) converge towards those of all of them."""
    x = np.asarray(x, np.float64)

    def draw(momentum, batch_size):
        rows = running_statistics(x, momentum, batch_size)
        figure, axes = new_figure(9.8, 3.2, 1, 2)
        steps = np.arange(1, len(rows) + 1)
        for ax, column, true, title in zip(axes, (0, 1), (x.mean(), x.var()), ("mean", "variance"), strict=True):
            ax.plot(steps, rows[:, column + 2], ".", color=MUTED, markersize=4, label="of each batch")
            ax.plot(steps, rows[:, column], color=COLORS[0], linewidth=2, label="running")
            ax.axhline(true, color=RIGHT, linestyle="--", label="of all images")
            ax.set(xlabel="batch", title=title)
            ax.spines[["top", "right"]].set_visible(False)
        axes[0].legend(frameon=False, fontsize=9)
        late = rows[len(rows) // 2 :]
        wobble = late[:, 1].std() / x.var()
        return figure, (
            f"After {len(rows)} batches the running mean is <b>{rows[-1, 0]:.3f}</b> (true: {x.mean():.3f}), the "
            f"running variance <b>{rows[-1, 1]:.3f}</b> (true: {x.var():.3f}); in the second half the latter still "
            f"wobbles by {wobble:.1%}."
        )

    controls = {
        "momentum": slider("Momentum", 0.0, 0.99, 0.9, 0.01),
        "batch_size": slider("Batch size", 2, 200, 50),
    }
    return Exploration(draw, controls, description="Running mean and variance, batch by batch")


def by_batch_size(network, X, y, image=0, sizes=(1, 2, 4, 8, 16, 32, 64, 128), draws=25, seed=0):
    """What mode "train" makes of images (N, D), in batches of several sizes, where mode "test" always says the same.

    Returns the probabilities of image number ``image``'s own class, (sizes, draws), each with other companions; the
    accuracy on all of X, (sizes,); and both in mode "test", two numbers.
    """
    network, rng = deepcopy(network), np.random.default_rng(seed)  # mode "train" changes the running statistics
    others = np.delete(np.arange(len(X)), image)
    found, accuracies = [], []
    sure, right = _share(network.forward(X[[image]])[0], y[image]), float((network.predict(X) == y).mean())
    for size in sizes:
        batches = [np.concatenate([[image], rng.choice(others, size - 1, replace=False)]) for _ in range(draws)]
        found.append([_share(network.forward(X[rows], mode="train")[0], y[image]) for rows in batches])
        order = rng.permutation(len(X))[: len(X) // size * size].reshape(-1, size)[:200]
        answers = [network.forward(X[rows], mode="train").argmax(axis=1) == y[rows] for rows in order]
        accuracies.append(float(np.mean(answers)))
    return np.array(found), np.array(accuracies), sure, right


def _share(scores, label):
    powers = np.exp(scores - scores.max())
    return float(powers[label] / powers.sum())


def modes_figure(found, sizes=(1, 2, 4, 8, 16, 32, 64, 128)):
    """One image's probability and the accuracy by batch size, in mode "train" and in mode "test"."""
    probabilities, accuracies, sure, right = found
    figure, axes = new_figure(9.8, 3.4, 1, 2)
    for place, values in enumerate(probabilities):
        spots = place + np.linspace(-0.2, 0.2, len(values))
        axes[0].plot(spots, 100 * values, ".", color=COLORS[1], label="train mode" if place == 0 else None)
    axes[0].axhline(100 * sure, color=COLORS[0], linewidth=2, label="test mode")
    axes[0].set(ylabel="probability of its own class (%)", ylim=(-3, 103))
    axes[0].set_title("one image, among 25 different sets of companions", fontsize=10.5)
    axes[1].plot(range(len(sizes)), 100 * accuracies, "o-", color=COLORS[1], label="train mode")
    axes[1].axhline(100 * right, color=COLORS[0], linewidth=2, label="test mode")
    axes[1].set(ylabel="right for validation images (%)", ylim=(0, None))
    axes[1].set_title("all images", fontsize=10.5)
    for ax in axes:
        ax.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        ax.set_xlabel("images in the batch")
        ax.legend(frameon=False, fontsize=9, loc="lower right")
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def robustness_figure(trainers, chance):
    """Last validation accuracy against the scale of the first weights; trainers by (whether normalised, scale)."""
    figure, ax = new_figure(8.0, 3.7)
    for normalize, label, color, marker in (
        (True, "with batch normalisation", COLORS[0], "o"),
        (False, "without", COLORS[1], "s"),
    ):
        scales = sorted(scale for kind, scale in trainers if kind is normalize)
        ends = [last_accuracy(trainers[normalize, scale], chance) for scale in scales]
        ax.semilogx(scales, 100 * np.array(ends), marker=marker, color=color, linewidth=2, label=label)
    ax.axhline(100 * chance, color=MUTED, linestyle=":", linewidth=1.2)
    ax.axvline(1, color=INK, linewidth=0.8, linestyle="--")
    ax.set(xlabel="first weights: √(2/n) times this factor", ylabel="right for validation images (%)", ylim=(0, None))
    ax.set_title("after a short training (dotted: guessing)", fontsize=11)
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def last_accuracy(trainer, chance):
    """Validation accuracy at the end, that of guessing after a training that blew up."""
    return trainer.history.validation_metrics[-1] if trainer.epoch == trainer.epochs else chance
