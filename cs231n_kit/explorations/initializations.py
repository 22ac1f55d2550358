"""Lecture 06: what the first weights do to signals in a deep network, to its training, and to the symmetry of units."""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, choice
from cs231n_kit.explorations.preprocessing_images import around_gray
from cs231n_kit.explorations.training_in_turn import LAYERS, hidden_layers, smooth_losses
from cs231n_kit.initialization import bias_constant, he_normal, inverse_sqrt, small_normal, sparse, zeros
from cs231n_kit.losses import softmax_loss
from cs231n_kit.plots import COLORS, INK, MUTED, new_figure, show_image

# Name: (weights, biases). The weights of "sparse" have the variance 1/10, because each unit adds ten of them.
STARTS = {
    "all zeros": (zeros, zeros),
    "small: 0.01": (partial(small_normal, std=0.01), zeros),
    "large: 1": (partial(small_normal, std=1.0), zeros),
    "1/√n": (inverse_sqrt, zeros),
    "√(2/n)": (he_normal, zeros),
    "sparse: 10": (partial(sparse, connections=10, std=10**-0.5), zeros),
    "√(2/n), bias 0.01": (he_normal, partial(bias_constant, value=0.01)),
}
RANGES = {
    "sigmoid": (0, 1),
    "tanh": (-1, 1),
    "ReLU": (0, 3),
    "leaky ReLU": (-0.5, 3),
    "maxout": (-2, 3),
    "ELU": (-1, 3),
}
LOWEST = -16.0  # log10 of the smallest gradients shown


@dataclass(frozen=True)
class Signals:
    """Outputs of the hidden layers for some images, and the loss's gradients there: lists of (N, units)."""

    outputs: list
    gradients: list


def signals(activation, start, X, y, classes, depth=10, units=100, seed=0):
    """Pass images X (N, D) with labels y (N,) once forward and once back through a fresh network; see ``STARTS``."""
    weights, biases = STARTS[start]
    network = hidden_layers(activation, weights, depth, units, classes, biases=biases).initialize(X.shape[1], seed)
    hidden = [path for path, layer in network.layers() if isinstance(layer, LAYERS[activation])]
    outputs, gradients = {}, {}
    with np.errstate(all="ignore"):
        scores = network.forward(X, observe=outputs.__setitem__)
        network.backward(softmax_loss(scores, y)[1], observe=gradients.__setitem__)
    return Signals([outputs[path] for path in hidden], [gradients[path] for path in hidden])


def _upright_histograms(ax, columns, low, high, color):
    """A histogram of each array in ``columns``, upright side by side, over the range from low to high."""
    edges = np.linspace(low, high, 41)
    middles = (edges[1:] + edges[:-1]) / 2
    for place, values in enumerate(columns, 1):
        counts = np.histogram(np.clip(values, low, high), edges)[0]
        ax.fill_betweenx(middles, place - 0.02, place + 0.88 * counts / max(1, counts.max()), color=color, linewidth=0)
    ax.set(xlim=(0.8, len(columns) + 1), ylim=(low, high))


def signals_figure(found, activation):
    """Histograms of outputs and gradients in all layers; found: {start: Signals}."""
    low, high = RANGES[activation]
    figure, axes = new_figure(9.6, 1.06 * len(found) + 0.5, len(found), 2, sharex=True)
    for (left, right), (start, one) in zip(axes, found.items(), strict=True):
        _upright_histograms(left, [out.ravel() for out in one.outputs], low, high, COLORS[0])
        with np.errstate(divide="ignore"):
            sizes = [np.log10(np.abs(gradient[gradient != 0])) for gradient in one.gradients]
        _upright_histograms(right, sizes, LOWEST, 4, COLORS[3])
        left.set_ylabel(start, fontsize=9.5, rotation=0, ha="right", va="center")
        left.set_title(f"deviation: {_change(one.outputs)}", fontsize=9, loc="right", color=INK, pad=2)
        right.set_title(f"deviation: {_change(one.gradients)}", fontsize=9, loc="right", color=INK, pad=2)
        for ax in (left, right):
            ax.spines[["top", "right"]].set_visible(False)
            ax.tick_params(labelsize=8)
    depth = len(one.outputs)
    for ax in axes[-1]:
        ax.set_xticks(range(1, depth + 1))
        ax.set_xlabel("hidden layer")
    axes[0, 0].set_title(f"outputs of {activation}", fontsize=10.5, loc="left")
    axes[0, 1].set_title("log₁₀ of |gradient|, zeros left out", fontsize=10.5, loc="left")
    return figure


def _change(layers):
    return f"{layers[0].std(dtype=np.float64):.2g} → {layers[-1].std(dtype=np.float64):.2g}"


def healthy(one, factor=10):
    """Whether outputs and gradients keep their size within a factor from the first hidden layer to the last."""
    for layers in (one.outputs, one.gradients):
        first, last = (layer.std(dtype=np.float64) for layer in (layers[0], layers[-1]))
        if not first / factor < last < first * factor:
            return False
    return True


def explore_starts(X, y, classes, depth=10):
    """Choose the activation; histograms of all layers for every one of ``STARTS``."""

    @cache
    def found(activation):
        return {start: signals(activation, start, X, y, classes, depth) for start in STARTS}

    def draw(activation):
        kept = [start for start, one in found(activation).items() if healthy(one)]
        text = ", ".join(kept) if kept else "none of them"
        return signals_figure(found(activation), activation), (
            f"{activation}: over {depth} layers, outputs and gradients keep their size within a factor of ten with "
            f"<b>{text}</b>."
        )

    controls = {"activation": choice("Activation", ["tanh", "ReLU", "sigmoid", "leaky ReLU", "ELU", "maxout"])}
    return Exploration(draw, controls, description="Histograms of outputs and gradients by layer and first weights")


def losses_figure(trainers, chance, activations):
    """Training losses, cut off above; trainers by (activation, start)."""
    figure, axes = new_figure(9.6, 3.8, 1, len(activations), sharey=True, squeeze=False)
    guess = -np.log(chance)
    styles = dict(zip(STARTS, zip((*COLORS, INK), ("-", "--", "-", "-", "-", "-", "--"), strict=True), strict=True))
    for ax, activation in zip(axes[0], activations, strict=True):
        for (kind, start), trainer in trainers.items():
            if kind == activation:
                steps, losses = smooth_losses(trainer.history)
                color, style = styles[start]
                losses = np.minimum(losses, 1.55 * guess)
                ax.plot(steps, losses, style, color=color, linewidth=1.7, label=start)
                if trainer.epoch < trainer.epochs:
                    ax.plot(steps[-1:], losses[-1:], "x", color=color, markersize=9, markeredgewidth=2)
        ax.axhline(guess, color=MUTED, linestyle=":", linewidth=1.2)
        ax.set(xlabel="update", ylim=(0, 1.6 * guess))
        ax.set_title(f"{activation} (dotted: guessing; ×: blew up)", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("training loss, mean of 20 batches")
    axes[0, -1].legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def distinct_units(network, path="0.w"):
    """How many different columns the weights (D, M) have: units that compute something of their own."""
    return len(np.unique(network.parameters[path], axis=1).T)


def templates_figure(networks, shape, shown=8):
    """The first layer's weights as images, a row for each of {title: network}; shape: (H, W, C) of the images."""
    figure, axes = new_figure(9.4, 1.08 * len(networks) + 0.1, len(networks), shown, squeeze=False)
    for row, (title, network) in zip(axes, networks.items(), strict=True):
        weights = network.parameters["0.w"]
        largest = np.abs(weights).max()
        for ax, column in zip(row, weights.T, strict=False):
            show_image(ax, around_gray(column.reshape(shape), 127 / (largest or 1)))
        row[0].set_ylabel(title, fontsize=9.5, rotation=0, ha="right", va="center")
    return figure
