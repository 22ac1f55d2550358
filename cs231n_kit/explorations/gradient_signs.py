"""Lecture 06: inputs of one sign make all gradients of a unit's weights share a sign, and descent zigzags."""

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.explorations.training_in_turn import hidden_layers
from cs231n_kit.initialization import inverse_sqrt
from cs231n_kit.losses import softmax_loss
from cs231n_kit.plots import COLORS, INK, MUTED, WRONG, new_figure

START, GOAL = np.array([-0.6, 0.6]), np.array([0.6, -0.6])
MOST, NEAR = 600, 0.1  # steps, and the distance to the goal that counts as arrived


def positive_inputs(mean, count=60):
    """Pairs of inputs (count, 2), uniform within 1/2 of their mean: never negative from a mean of 1/2 on."""
    return np.random.default_rng(4).uniform(-0.5, 0.5, (count, 2)) + mean


def descend(X, rates, steps=MOST):
    """SGD, one example (of 1/2 (w · x - goal · x)²) at a time, for several rates at once: paths (steps + 1, R, 2)."""
    w = np.repeat(START[None], len(rates), axis=0)
    paths = [w]
    with np.errstate(over="ignore", invalid="ignore"):  # rates that are too high end in infinity
        for x in X[np.random.default_rng(0).integers(0, len(X), steps)]:
            w = w - np.asarray(rates)[:, None] * ((w - GOAL) @ x)[:, None] * x
            paths.append(w)
    return np.stack(paths)


def steps_needed(paths):
    """After how many steps each path (steps + 1, R, 2) has come near the goal for good; inf where it hasn't, (R,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        far = ~(np.linalg.norm(paths - GOAL, axis=2) <= NEAR)
    last = len(far) - 1 - far[::-1].argmax(axis=0)
    return np.where(far[-1], np.inf, np.where(far.any(axis=0), last + 1, 0))


def explore_zigzag():
    """Move the inputs' mean away from zero, choose the rate; see single gradients, the path and the best rate."""
    rates = 0.1 * 1.25 ** np.arange(17)
    line = np.linspace(-1.3, 1.3, 80)
    plane = np.stack(np.meshgrid(line, line), axis=-1)

    def draw(mean, rate):
        X = positive_inputs(mean)
        gradients = ((START - GOAL) @ X.T)[:, None] * X
        same = np.mean((gradients > 0).all(axis=1) | (gradients < 0).all(axis=1))
        path = descend(X, [rate])
        needed, best = steps_needed(path)[0], steps_needed(descend(X, rates))
        figure, axes = new_figure(9.6, 4.3, 1, 2)
        reach = 1.1 * np.abs(gradients).max()
        for corner in ((0, 0), (-reach, -reach)):
            axes[0].fill_between([corner[0], corner[0] + reach], corner[1], corner[1] + reach, color=MUTED, alpha=0.18)
        for gradient in gradients:
            axes[0].plot([0, -gradient[0]], [0, -gradient[1]], color=COLORS[0], linewidth=1, alpha=0.7)
        axes[0].plot(*-gradients.T, ".", color=COLORS[0])
        axes[0].set(
            xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="step in w₁", ylabel="step in w₂"
        )
        axes[0].set_title("first step, by each of 60 examples\n(grey: both weights up, or both down)", fontsize=10.5)
        loss = (((plane - GOAL) @ X.T) ** 2).mean(axis=-1)
        axes[1].contour(line, line, np.sqrt(loss), 12, colors=[MUTED], linewidths=0.6)
        inside = path[:61, 0].clip(-1.3, 1.3)
        axes[1].plot(*inside.T, "o-", color=WRONG, markersize=3, linewidth=1)
        axes[1].plot(*START, "s", color=INK, markersize=8)
        axes[1].plot(*GOAL, "*", color=COLORS[2], markersize=15)
        axes[1].set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal", xlabel="w₁", ylabel="w₂")
        axes[1].set_title("60 steps of SGD, one example each\n(lines: equal loss over all examples)", fontsize=10.5)
        arrived = f"after {needed:.0f} steps" if np.isfinite(needed) else f"not within {MOST} steps"
        return figure, (
            f"For <b>{same:.0%}</b> of the examples both weights get gradients of one sign. Near the star for good: "
            f"<b>{arrived}</b>. The best rate for these inputs is about {rates[best.argmin()]:.2f}, with "
            f"{best.min():.0f} steps."
        )

    controls = {
        "mean": slider("Mean of the inputs", 0.0, 1.0, 0.5, 0.1),
        "rate": slider("Learning rate", 0.1, 4.0, 0.6, 0.1),
    }
    return Exploration(draw, controls, description="Gradients of single examples and the path of descent")


def second_layer_gradients(activation, X, y, classes, units=24, seed=0):
    """The loss's gradient for the weights (units, units) between two hidden layers, mean over the images X (N, D)."""
    network = hidden_layers(activation, inverse_sqrt, 2, units, classes).initialize(X.shape[1], seed)
    network.backward(softmax_loss(network.forward(X), y)[1])
    return network.gradients["2.w"]


def one_sign_share(gradient):
    """The share of the units, columns of the gradient (D, M), with some gradient and none of another sign."""
    up, down = (gradient > 0).any(axis=0), (gradient < 0).any(axis=0)
    return float((up != down).sum() / max(1, (up | down).sum()))


def signs_figure(X, y, classes, activations=("sigmoid", "ReLU", "tanh")):
    """Gradients of a second layer's weights, for the first image of X (N, D) and for all of them together."""
    figure, axes = new_figure(9.6, 6.6, 2, len(activations), sharex=True, sharey=True)
    for row, (count, words) in enumerate(((1, "one image"), (len(X), f"mean of {len(X)} images"))):
        for ax, activation in zip(axes[row], activations, strict=True):
            gradient = second_layer_gradients(activation, X[:count], y[:count], classes)
            limit = np.abs(gradient).max()
            ax.imshow(np.cbrt(gradient / limit), cmap="RdBu", vmin=-1, vmax=1, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            share = one_sign_share(gradient)
            ax.set_title(f"{activation}, {words}:\n{share:.0%} of the units have one sign", fontsize=10.5)
        axes[row, 0].set_ylabel("weights of a unit")
    for ax in axes[1]:
        ax.set_xlabel("units of layer 2")
    return figure
