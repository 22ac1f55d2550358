"""Lecture 09: a small Inception network trained with and without classifiers on the way."""

from functools import cache

import numpy as np

from cs231n_kit.architectures.small import inception_small
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.explorations.plain_and_residual import GradientNorms, recorded_norms
from cs231n_kit.explorations.training_in_turn import callback_of, trainer
from cs231n_kit.losses import softmax_loss
from cs231n_kit.networks import Convolution
from cs231n_kit.plots import COLORS, MUTED, new_figure
from cs231n_kit.training import Callback

RATE, BATCH, EVERY, IMAGES = 2e-3, 32, 25, 300
NAMES = {False: "without", True: "with auxiliary classifiers"}


class Validation(Callback):
    """Keeps loss and accuracy on some images every few updates: ``curve``, rows of (updates, loss, accuracy).

    Auxiliary classifiers have no say in it; so both networks are measured alike.
    """

    def __init__(self, images, every=EVERY, count=IMAGES):
        self.X, self.y = images.X_val[:count], images.y_val[:count]
        self.every, self.curve = every, []

    def on_step(self, trainer, progress):
        if trainer.step_count % self.every == 0 or progress.done == progress.total:
            found = trainer.evaluate(self.X, self.y)
            self.curve.append((trainer.step_count, found.loss, found.metric))


def trainers(images, epochs=1, width=8, blocks=2, batchnorm=False, strength=0.7, seed=0):
    """{name: Trainer} for ``train_in_turn``: the same network and batches, with and without auxiliary classifiers.

    Without batch normalisation, as GoogLeNet was in its paper. strength: as for ``fresh_gradients``.
    """
    found = {}
    for auxiliary, name in NAMES.items():
        network = inception_small(images.classes, width, blocks, auxiliary, batchnorm).initialize(images.shape, seed)
        _weaken(network, strength)
        watching = [Validation(images), GradientNorms(range(1, 10_000, 10))]
        options = {"batch_size": BATCH, "callbacks": watching, "seed": seed}
        found[name] = trainer(network, "adam", RATE, epochs, **options)
    share_start(*(one.network for one in found.values()))
    return found


def share_start(without, with_heads):
    """Both begin with the same weights: paths differ, but the layers outside of heads come in the same order."""
    shared = [w for path, w in with_heads.parameters.items() if ".head." not in path]
    for mine, theirs in zip(without.parameters.values(), shared, strict=True):
        theirs[...] = mine


def _weaken(network, strength):
    """Multiply the weights of all convolutions."""
    for path, layer in network.layers():
        if isinstance(layer, Convolution):
            network.parameters[f"{path}.w"][...] *= strength


def validation_curve(one):
    """Rows of (updates, loss, accuracy) that the ``Validation`` of a trainer has kept."""
    return np.array(callback_of(one, Validation).curve)


def figure(trained, chance):
    """Validation loss over time, and the gradient that arrives at the first convolution."""
    drawn, axes = new_figure(9.8, 3.6, 1, 2)
    for (name, one), color, marker in zip(trained.items(), COLORS[1::-1], "so", strict=True):
        curve = validation_curve(one)
        axes[0].plot(curve[:, 0], curve[:, 1], marker=marker, color=color, linewidth=2, label=name)
        norms = recorded_norms(one)
        axes[1].semilogy(list(norms), [first for first, *_ in norms.values()], marker=marker, color=color, label=name)
    axes[0].axhline(-np.log(chance), color=MUTED, linestyle=":", linewidth=1.2)
    axes[0].set(
        xlabel="update", ylabel="loss of the network's own scores", title="validation images (dotted: guessing)"
    )
    axes[1].set(xlabel="update", ylabel="length of ∂L/∂w", title="gradient of the first convolution")
    for ax in axes:
        ax.title.set_fontsize(11)
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
    return drawn


def verdict(trained):
    """In Markdown: loss and accuracy at the end of both, and how their gradients at the first layer compare."""
    ends, means = {}, {}
    for name, one in trained.items():
        ends[name] = validation_curve(one)[-1]
        means[name] = np.exp(np.mean([np.log(norms[0]) for norms in recorded_norms(one).values()]))
    without, helped = (ends[name] for name in NAMES.values())
    gain = 100 * (helped[2] - without[2])
    error = 100 * np.sqrt(helped[2] * (1 - helped[2]) / IMAGES)
    words = "better" if gain > 2 * error else "worse" if gain < -2 * error else "no different, within the noise"
    return (
        f"After {without[0]:.0f} updates: validation loss {without[1]:.3f} without, {helped[1]:.3f} with auxiliary "
        f"classifiers; right {without[2]:.1%} and {helped[2]:.1%} (one standard error is {error:.1f} points): "
        f"**{words}**. With them the first convolution's gradient is on average "
        f"{means[NAMES[True]] / means[NAMES[False]]:.2f} times as long."
    )


def fresh_gradients(images, blocks, batchnorm, strength=1.0, count=64, seed=0):
    """Lengths of gradients in an untrained network, of the end's loss alone and of all three: two lists, and places.

    A length for each step with weights: the first convolution, then each Inception block, then the classifier. places:
    the number of steps before each of the auxiliary classifiers. strength: times it, all weights of convolutions.
    """
    network = inception_small(images.classes, 8, blocks, True, batchnorm).initialize(images.shape, seed)
    _weaken(network, strength)
    y = images.y[:count]
    scores = network.forward(images.X[:count], mode="train")
    _, end = softmax_loss(scores, y)
    sides = {path: weight * softmax_loss(own, y)[1] for path, (own, weight) in network.auxiliary.items()}
    found = []
    for auxiliary in ({}, sides):
        network.backward(end, auxiliary=auxiliary)
        squares = {}
        for key, gradient in network.gradients.items():
            if key.endswith(".w") and ".head." not in key:
                step = int(key.partition(".")[0])
                squares[step] = squares.get(step, 0.0) + float((gradient.astype(np.float64) ** 2).sum())
        found.append([np.sqrt(total) for total in squares.values()])
    return *found, [sum(step < int(path) for step in squares) for path in sides]


def explore_gradients(images):
    """Choose depth and batch normalisation; gradients in a fresh network with and without auxiliary classifiers."""
    measured = cache(lambda *settings: fresh_gradients(images, *settings))

    def draw(blocks, strength, batchnorm):
        alone, together, places = measured(blocks, batchnorm, strength)
        figure, ax = new_figure(8.6, 3.6)
        steps = range(1, len(alone) + 1)
        for place in places:
            ax.axvline(place + 0.5, color=COLORS[2], linestyle="--", linewidth=1.4)
        ax.plot([], [], color=COLORS[2], linestyle="--", label="a classifier branches off")
        for norms, name, color, marker in zip((alone, together), NAMES.values(), COLORS[1::-1], "so", strict=True):
            ax.semilogy(steps, norms, marker=marker, color=color, linewidth=2, label=name)
        labels = ["conv", *(f"{i}" for i in range(1, len(alone) - 1)), "FC"]
        ax.set_xticks(steps, labels)
        ax.set(xlabel="first convolution, Inception blocks, last classifier", ylabel="length of ∂L/∂w")
        title = f"{3 * blocks} Inception blocks, {'with' if batchnorm else 'without'} batch normalisation, untrained"
        ax.set_title(title, fontsize=11)
        ax.legend(frameon=False, fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
        ratio = together[0] / max(alone[0], 1e-30)
        return figure, (
            f"The first convolution's gradient: {alone[0]:.2g} from the end alone, {together[0]:.2g} with auxiliary "
            f"classifiers: <b>{ratio:,.1f}</b> times as long. Behind the last branch they change nothing."
        )

    controls = {
        "blocks": slider("Blocks in each stage", 1, 6, 3),
        "strength": slider("First weights times", 0.5, 1.0, 1.0, 0.05),
        "batchnorm": choice("Batch normalisation", [("without", False), ("with", True)], False),
    }
    return Exploration(draw, controls, description="Gradients by layer with and without auxiliary classifiers")
