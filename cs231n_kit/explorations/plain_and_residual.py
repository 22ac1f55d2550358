"""Lecture 09: plain and residual networks of growing depth, trained, and the gradients that reach their layers."""

import re
from functools import cache

import ipywidgets as widgets
import numpy as np

from cs231n_kit.architectures.small import resnet_cifar
from cs231n_kit.explorations.exploration import Exploration, choice
from cs231n_kit.explorations.small_images import start_as_identity, with_projections, with_stride
from cs231n_kit.explorations.training_in_turn import callback_of, smooth_losses, trainer
from cs231n_kit.losses import softmax_loss
from cs231n_kit.networks import Convolution
from cs231n_kit.plots import COLORS, MUTED, new_figure
from cs231n_kit.training import Callback

KINDS = ("plain", "residual")
DEPTHS = (8, 14, 20)
RATE, BATCH = 3e-3, 32  # of Adam, for all depths alike
SHADES = {"plain": ("#f0a020", "#c23b00", "#6b1f00"), "residual": ("#66ccee", "#1f5fae", "#0b2a55")}
MARKS = ("o", "s", "^")
SIDEWAYS = re.compile(r"\.(shortcut|head)\b")


def build(depth, residual, images, *, width=8, batchnorm=True, identity=True, seed=0):
    """A network of He et al. (2015), section 4.2, initialised for ``SmallImages``.

    Its first convolution has stride 2, so that it takes a quarter of the time. Shortcuts are projections where the
    shape changes. identity: residual blocks begin as the identity, see ``start_as_identity``.
    """
    definition = resnet_cifar(depth, images.classes, width, residual, batchnorm)
    network = with_projections(with_stride(definition)).initialize(images.shape, seed)
    return start_as_identity(network) if identity else network


class GradientNorms(Callback):
    """Keeps in ``norms`` the lengths of the gradients of all convolutions' weights: {updates: (layers,)}.

    Shortcuts are left out. They are taken after the updates ``at`` (numbers of updates done).
    """

    def __init__(self, at):
        self.at, self.norms = set(at), {}

    def on_step(self, trainer, progress):
        if trainer.step_count in self.at:
            self.norms[trainer.step_count] = gradient_norms(trainer.network)


def gradient_norms(network):
    """(layers,): the length of the loss's gradient with respect to the weights of each convolution, in order."""
    return np.array([np.linalg.norm(network.gradients[f"{path}.w"]) for path in _convolutions(network)])


def _convolutions(network):
    return [path for path, layer in network.layers() if isinstance(layer, Convolution) and not SIDEWAYS.search(path)]


def training(network, epochs=2, at=(1, 20, 100), seed=0):
    """A ``Trainer`` with this lecture's batches and rate; ``at``: when gradients are taken, see ``GradientNorms``."""
    return trainer(network, "adam", RATE, epochs, batch_size=BATCH, callbacks=[GradientNorms(at)], seed=seed)


def trainers(kind, images, epochs=2, depths=DEPTHS, seed=0, **options):
    """{(kind, depth): Trainer} for ``train_in_turn``: all with the same batches, rate and number of updates.

    kind: "plain" or "residual". options: of ``build``.
    """
    return {
        (kind, f"{depth} layers"): training(
            build(depth, kind == "residual", images, seed=seed, **options), epochs, seed=seed
        )
        for depth in depths
    }


def final_losses(trained, over=50):
    """{(kind, depth): mean training loss of the last ``over`` batches}."""
    return {name: float(np.mean(one.history.losses[-over:])) for name, one in trained.items()}


def kinds_of(trained):
    """The kinds among the names, in their order."""
    return list(dict.fromkeys(kind for kind, _ in trained))


def curves_figure(trained, chance, extra=None):
    """Training losses, plain at the left and residual at the right; extra: (name, Trainer) to draw in both."""
    kinds = kinds_of(trained)
    figure, axes = new_figure(9.8 if len(kinds) > 1 else 6.4, 3.9, 1, len(kinds), sharey=True, squeeze=False)
    axes = axes[0]
    for ax, kind in zip(axes, kinds, strict=True):
        shown = [(depth, one) for (its_kind, depth), one in trained.items() if its_kind == kind]
        for (depth, one), color in zip(shown, SHADES[kind], strict=False):
            steps, losses = smooth_losses(one.history, over=30)
            ax.plot(steps, losses, color=color, linewidth=2, label=depth)
        if extra:
            steps, losses = smooth_losses(extra[1].history, over=30)
            ax.plot(steps, losses, "--", color=COLORS[2], linewidth=2, label=extra[0])
        ax.axhline(-np.log(chance), color=MUTED, linestyle=":", linewidth=1.2)
        ax.set(xlabel="update", xlim=(0, None))
        ax.set_title(f"{kind} (dotted: guessing)", fontsize=11)
        ax.legend(frameon=False, loc="lower left")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("training loss, mean of 30 batches")
    return figure


def depth_figure(trained, chance):
    """Loss at the end, and accuracy on validation images, against depth."""
    figure, axes = new_figure(9.8, 3.4, 1, 2)
    losses = final_losses(trained)
    for kind, color, marker in zip(KINDS, (COLORS[1], COLORS[0]), MARKS, strict=False):
        names = [name for name in trained if name[0] == kind]
        depths = [int(depth.split()[0]) for _, depth in names]
        shares = [100 * trained[name].history.validation_metrics[-1] for name in names]
        for ax, values in zip(axes, ([losses[name] for name in names], shares), strict=True):
            ax.plot(depths, values, marker=marker, color=color, linewidth=2, markersize=8, label=kind)
            ax.set_xticks(depths)
    axes[1].axhline(100 * chance, color=MUTED, linestyle=":", linewidth=1.2, label="guessing")
    axes[0].set(xlabel="layers", ylabel="training loss, last 50 batches")
    axes[1].set(xlabel="layers", ylabel="right for validation images (%)", ylim=(0, None))
    for ax in axes:
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def verdict(trained):
    """In Markdown: the losses at the end by kind and depth, and whether depth has helped or hurt each kind."""
    losses, lines = final_losses(trained), []
    for kind in kinds_of(trained):
        found = {depth: loss for (its_kind, depth), loss in losses.items() if its_kind == kind}
        (first, shallow), (last, deep) = next(iter(found.items())), list(found.items())[-1]
        change = deep - shallow
        words = (
            "about as good as"
            if abs(change) < 0.03
            else f"{'worse' if change > 0 else 'better'} by {abs(change):.2f} than"
        )
        listed = ", ".join(f"{loss:.2f}" for loss in found.values())
        lines.append(f"**{kind.capitalize()}**: {listed} with {', '.join(found)}; {last} are {words} {first}.")
    return f"Training loss at the end. {' '.join(lines)}"


def recorded_norms(one):
    """{updates: (layers,)} that the ``GradientNorms`` of a trainer has kept."""
    return callback_of(one, GradientNorms).norms


def training_gradients_figure(trained, depth):
    """Lengths of gradients by layer, at the updates at which they were taken, of plain and residual networks."""
    figure, axes = new_figure(9.8, 3.6, 1, 2, sharey=True)
    for ax, kind in zip(axes, KINDS, strict=True):
        found = recorded_norms(trained[kind, f"{depth} layers"])
        for (step, norms), color, marker in zip(found.items(), SHADES[kind], MARKS, strict=False):
            places = np.flatnonzero(norms)  # behind a scale of 0 there is no gradient
            label = f"update {step:,}"
            ax.semilogy(places + 1, norms[places], marker=marker, markersize=4, color=color, label=label)
        ax.set(xlabel="convolution, the first one at the left")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_title(f"{kind}, {depth} layers", fontsize=11)
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("length of ∂L/∂w")
    return figure


STARTS = {"plain": (False, False), "residual": (True, False), "residual, begins as identity": (True, True)}


def fresh_gradients(images, depth, residual, batchnorm, identity, count=64, seed=0):
    """(layers,) lengths of gradients in a network that has not been trained, and its loss, for ``count`` images."""
    network = build(depth, residual, images, batchnorm=batchnorm, identity=identity, seed=seed)
    with np.errstate(all="ignore"):
        scores = network.forward(images.X[:count], mode="train")
        loss, gradient = softmax_loss(scores, images.y[:count])
        network.backward(gradient)
    return gradient_norms(network), float(loss)


def explore_gradients(images):
    """Choose depth and batch normalisation; the gradients that reach each layer of fresh networks."""
    measured = cache(lambda *settings: fresh_gradients(images, *settings))

    def draw(depth, batchnorm):
        figure, ax = new_figure(9.0, 3.8)
        words = []
        styles = zip((COLORS[1], COLORS[0], COLORS[2]), MARKS, strict=True)
        for (name, (residual, identity)), (color, marker) in zip(STARTS.items(), styles, strict=True):
            norms, loss = measured(depth, residual, batchnorm, identity)
            places = np.flatnonzero(norms)  # behind a scale of 0 there is no gradient
            ax.semilogy(places + 1, norms[places], marker=marker, markersize=4, color=color, label=name)
            words.append(f"{name}: loss {loss:.3g}, first layer's gradient <b>{norms[0]:.2g}</b>")
        ax.set(xlabel="convolution, the first one at the left", ylabel="length of ∂L/∂w", ylim=(1e-6, 1e4))
        ax.set_title(
            f"{depth} layers, {'with' if batchnorm else 'without'} batch normalisation, untrained", fontsize=11
        )
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(frameon=False, fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
        kind = "with" if batchnorm else "without"
        return figure, f"Before any training, {kind} batch normalisation. {'; '.join(words)}."

    controls = {
        "depth": widgets.SelectionSlider(description="Layers", options=(8, 14, 20, 32, 44, 56), value=20),
        "batchnorm": choice("Batch normalisation", [("without", False), ("with", True)], False),
    }
    return Exploration(draw, controls, description="Lengths of gradients by layer, of plain and residual networks")


def gradients_verdict(trained, depth):
    """In Markdown: the gradients of the first and of the last convolution, by kind, at each recorded update."""
    lines = []
    for kind in kinds_of(trained):
        norms = recorded_norms(trained[kind, f"{depth} layers"])
        ends = [f"{found[0]:.2g} and {found[found > 0][-1]:.2g}" for found in norms.values()]
        lines.append(f"**{kind}** {', '.join(ends)}")
    steps = ", ".join(map(str, norms))
    return f"First and last gradient (zeros left out) at updates {steps}: {'; '.join(lines)}."
