"""Lecture 06: units that never fire, counted while a network trains."""

import ipywidgets as widgets
import numpy as np

from cs231n_kit.explorations.exploration import Exploration, choice
from cs231n_kit.explorations.training_in_turn import LAYERS, smooth_losses
from cs231n_kit.plots import COLORS, MUTED, WRONG, new_figure
from cs231n_kit.training import Callback


def silent_shares(network, X):
    """For each activation layer the share of its units that are at or below zero for every example of X, a list.

    A ReLU of which this is true for all training examples is dead: its gradient is zero, and it stays as it is.
    """
    activations = {path for path, layer in network.layers() if isinstance(layer, tuple(LAYERS.values()))}
    shares = []

    def observe(path, out):
        if path in activations:
            shares.append(float((out <= 0).all(axis=0).mean()))

    network.forward(X, observe=observe, cache=False)
    return shares


class SilentUnits(Callback):
    """Takes the ``silent_shares`` of examples X (N, D) before training and after every so many updates.

    ``steps`` are the updates done then, ``shares`` a list of the layers' shares for each.
    """

    def __init__(self, X, every=10):
        self.X, self.every = X, every
        self.steps, self.shares = [], []

    def on_start(self, trainer, progress):
        if not self.steps:
            self._measure(trainer)

    def on_step(self, trainer, progress):
        if trainer.step_count % self.every == 0:
            self._measure(trainer)

    def _measure(self, trainer):
        self.steps.append(trainer.step_count)
        self.shares.append(silent_shares(trainer.network, self.X))


def explore_dead_units(trainers, watches, chance):
    """Choose the learning rate and the activation; see silent units, loss and accuracy of that training.

    trainers, watches: ``Trainer`` and ``SilentUnits`` by (activation, learning rate).
    """
    activations, rates = (list(dict.fromkeys(part)) for part in zip(*trainers, strict=True))

    def draw(rate, activation):
        trainer, watch = trainers[activation, rate], watches[activation, rate]
        shares, history = 100 * np.array(watch.shares), trainer.history
        figure, axes = new_figure(9.8, 3.5, 1, 2)
        for layer, (share, color, line) in enumerate(zip(shares.T, COLORS, ("-", "--", "-.", ":"), strict=False), 1):
            axes[0].plot(watch.steps, share, line, color=color, linewidth=2, label=f"hidden layer {layer}")
        silent = "dead units" if activation == "ReLU" else "units below zero for every image"
        axes[0].set(xlabel="update", ylabel=f"{silent} (%)", ylim=(-3, 103))
        axes[0].set_title(f"{activation}, learning rate {rate:g}", fontsize=11)
        axes[0].legend(frameon=False, fontsize=9)
        for kind, color in zip(activations, (WRONG, COLORS[0]), strict=False):
            steps, losses = smooth_losses(trainers[kind, rate].history)
            width = 2.4 if kind == activation else 1.2
            axes[1].plot(steps, losses, color=color, linewidth=width, label=kind)
        guess = -np.log(chance)
        axes[1].axhline(guess, color=MUTED, linestyle=":", linewidth=1.2)
        axes[1].set(xlabel="update", ylabel="loss, mean of 20 batches", ylim=(0, 1.6 * guess))
        axes[1].set_title("training loss (dotted: guessing)", fontsize=11)
        axes[1].legend(frameon=False, fontsize=9)
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
        listed = ", ".join(f"{share:.0f} %" for share in shares[-1])
        return figure, (
            f"In the end {silent} in the layers: <b>{listed}</b>. Right for "
            f"<b>{history.validation_metrics[-1]:.1%}</b> of the validation images; guessing gives {chance:.0%}."
        )

    controls = {
        "rate": widgets.SelectionSlider(
            description="Learning rate", options=[(f"{rate:g}", rate) for rate in rates], value=rates[len(rates) // 2]
        ),
        "activation": choice("Activation", activations),
    }
    return Exploration(draw, controls, description="Share of units that never fire, and the loss, while training")
