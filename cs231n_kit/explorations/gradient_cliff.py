"""Lecture 10: a cliff in the loss of a recurrent network, and what clipping the gradient does at it."""

import numpy as np

from cs231n_kit.clipping import clip_by_norm
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.layers import rnn_backward, rnn_forward
from cs231n_kit.plots import COLORS, INK, WRONG, new_figure
from cs231n_kit.training import NonFiniteError

STEPS, FIRST, TARGET = 50, 0.5, 0.7
START, UPDATES = (3.0, -0.5), 150
W, B = np.linspace(0.5, 5, 181), np.linspace(-2.2, 3.8, 181)


def loss_and_gradient(w, b):
    """The squared error of one tanh unit after 50 steps without input, h ← tanh(w h + b) from 0.5, target 0.7.

    The example of Pascanu, Mikolov and Bengio (2013). Returns the loss, a float, and its gradient {"w": ..., "b": ...},
    arrays without axes, by backpropagation through time.
    """
    no_input, Wh = np.zeros((1, STEPS, 1)), np.full((1, 1), w, np.float64)
    h, cache = rnn_forward(no_input, np.full((1, 1), FIRST), np.zeros((1, 1)), Wh, np.full(1, b, np.float64))
    error, dh = h[0, -1, 0] - TARGET, np.zeros_like(h)
    dh[0, -1] = 2 * error
    _, _, _, dWh, db = rnn_backward(dh, cache)
    return float(error * error), {"w": dWh[0, 0], "b": db[0]}


def descend(rate, max_norm=None, start=START, updates=UPDATES):
    """Gradient descent from ``start``, with gradients clipped to a norm of ``max_norm``, or not at all.

    Returns the points (updates + 1, 2), their losses and the norms of the gradients before clipping.
    """
    path, found, norms = [np.array(start, np.float64)], [], []
    for _ in range(updates + 1):
        loss, gradients = loss_and_gradient(*path[-1])
        clipped, norm = clip_by_norm(gradients, np.finfo(float).max if max_norm is None else max_norm)
        found.append(loss)
        norms.append(norm)
        path.append(path[-1] - rate * np.array([clipped["w"], clipped["b"]]))
    return np.array(path[:-1]), np.array(found), np.array(norms)


def explore_cliff():
    """Descent beside a cliff, with and without clipping: sliders for the rate and the largest norm."""
    w, b = np.meshgrid(W, B)
    h = np.full(w.shape, FIRST)
    for _ in range(STEPS):
        h = np.tanh(w * h + b)
    surface = np.log10((h - TARGET) ** 2 + 1e-5)

    def draw(clipping, max_norm, rate):
        path, found, norms = descend(rate, max_norm if clipping else None)
        figure, (left, right) = new_figure(10.4, 4.0, 1, 2, width_ratios=[1.3, 1])
        shades = left.contourf(W, B, surface, levels=np.linspace(-5, 0.6, 29), cmap="Greys_r")
        bar = figure.colorbar(shades, ax=left, ticks=range(-5, 1))
        bar.set_ticklabels([f"$10^{{{power}}}$" for power in range(-5, 1)])
        bar.set_label("loss")
        color = COLORS[0] if clipping else WRONG
        left.plot(*path.T, "o-", color=color, markersize=3.5, linewidth=1.3)
        left.plot(*START, "o", color="white", markeredgecolor=color, markersize=8)
        left.set(xlim=(W[0], W[-1]), ylim=(B[0], B[-1]), xlabel="w", ylabel="b")
        left.set_title("start at the ring", fontsize=11)
        right.semilogy(norms, color=INK, linewidth=1, label="norm of the gradient")
        right.semilogy(np.maximum(found, 1e-12), color=color, linewidth=2, label="loss")
        if clipping:
            right.axhline(max_norm, color=INK, linewidth=0.8, linestyle="--")
        right.set(xlabel="updates", ylim=(1e-7, 1e2))
        right.legend(frameon=False)
        right.spines[["top", "right"]].set_visible(False)
        jump = np.linalg.norm(np.diff(path, axis=0), axis=1).max()
        return figure, (
            f"The largest gradient has the norm {norms.max():.1f}, the longest step the length {jump:.2f}. "
            f"Loss after {UPDATES} updates: <b>{found[-1]:.2g}</b>."
        )

    controls = {
        "clipping": choice("Clipping", [("off", False), ("on", True)]),
        "max_norm": slider("Largest norm", 0.1, 5.0, 1.0, 0.1),
        "rate": slider("Learning rate", 0.05, 0.6, 0.3, 0.05),
    }
    return Exploration(draw, controls, description="Gradient descent beside a cliff of an RNN's loss")


def losses_and_norms(trainer, X, y, updates):
    """Train for so many updates: the batches' losses and the norms of their gradients before clipping, two arrays.

    They end early where an update would have made numbers infinite.
    """
    found, steps = [], trainer.steps(X, y)
    try:
        for _ in range(updates):
            loss = next(steps).loss
            found.append((loss, clip_by_norm(trainer.network.gradients, 1.0)[1]))
    except NonFiniteError:
        pass
    return np.array(found).reshape(-1, 2).T


def clipping_figure(runs):
    """Losses and gradient norms of trainings side by side: {name: (losses, norms)} of ``losses_and_norms``."""
    figure, axes = new_figure(10.2, 3.2, 1, 2)
    for (name, (found, norms)), color in zip(runs.items(), (WRONG, COLORS[0]), strict=False):
        axes[0].plot(found, color=color, linewidth=1.6, label=name)
        axes[1].semilogy(norms, ".", color=color, markersize=4, label=name)
    axes[0].set(xlabel="updates", ylabel="loss per character")
    axes[1].set(xlabel="updates", ylabel="norm of the gradient before clipping")
    for ax in axes:
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
    return figure
