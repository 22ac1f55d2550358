"""Lecture 09: a stack of 3 x 3 convolutions and one large window with the same receptive field."""

import numpy as np
from matplotlib.patches import Rectangle

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.explorations.training_in_turn import smooth_losses, trainer
from cs231n_kit.networks import Affine, BatchNorm, Convolution, GlobalAveragePool, MaxPool, ReLU, Sequential
from cs231n_kit.plots import COLORS, INK, MUTED, draw_bars, new_figure

RATE, BATCH = 3e-3, 32  # of Adam


def stack(layers, channels, size=3):
    """``layers`` padded convolutions of ``size`` pixels that keep the number of channels, a ReLU after each."""
    return Sequential(*[Convolution(channels, size, pad=size // 2), ReLU()] * layers)


def totals(layers, channels, side):
    """Of a stack of 3 x 3 and of one window with the same field, on maps of ``side`` pixels: two Summary objects."""
    shape = (channels, side, side)
    return stack(layers, channels).summary(shape), stack(1, channels, 2 * layers + 1).summary(shape)


def field_figure(ax, layers):
    """The pixels that a unit of each layer sees, from above: one square for each layer, inside of the next."""
    largest = 2 * layers + 1
    for layer in range(layers, -1, -1):
        half = layer + 0.5
        color = COLORS[0] if layer else COLORS[1]
        square = Rectangle((-half, -half), 2 * half, 2 * half, facecolor=color, alpha=0.16 if layer else 1, linewidth=0)
        ax.add_patch(square)
        ax.add_patch(Rectangle((-half, -half), 2 * half, 2 * half, fill=False, edgecolor=INK, linewidth=1.1))
        if layer:
            ax.text(0, -half + 0.5, f"layer {layer}", ha="center", va="center", fontsize=9, color=INK)
    edge = max(largest, 7) / 2 + 0.6
    ticks = np.arange(-np.floor(edge), np.floor(edge) + 1) - 0.5
    for tick in ticks:
        ax.axhline(tick, color=MUTED, linewidth=0.3, zorder=0)
        ax.axvline(tick, color=MUTED, linewidth=0.3, zorder=0)
    ax.set(xlim=(-edge, edge), ylim=(edge, -edge), xticks=[], yticks=[], aspect="equal")
    ax.set_title(f"{layers} × (3 × 3): one unit sees {largest} × {largest} pixels", fontsize=10.5)
    ax.spines[:].set_visible(False)


def explore_stacks():
    """Choose the number of layers, channels and the size of the maps; see the field and what both ways cost."""

    def draw(layers, channels, side):
        small, large = totals(layers, channels, side)
        field = small.rows[-1].receptive_field[0]
        figure, axes = new_figure(9.8, 3.9, 1, 3, width_ratios=(1.15, 1, 1))
        field_figure(axes[0], layers)
        labels = [f"{layers} × (3 × 3)", f"1 × ({field} × {field})"]
        colors = [COLORS[0], COLORS[1]]
        counts = [small.parameters, large.parameters]
        work = [small.multiply_adds / 1e6, large.multiply_adds / 1e6]
        draw_bars(axes[1], counts, labels, title="parameters", colors=colors)
        draw_bars(axes[2], work, ["", ""], title="million multiply-adds", colors=colors, form="{:,.1f}")
        for ax in axes[1:]:
            ax.margins(x=0.35)
            ax.set_xticks([])
        weights = f"{layers}·9·C² = {layers * 9 * channels**2:,} against {field}²·C² = {field**2 * channels**2:,}"
        kept = "the same layer" if layers == 1 else f"<b>{counts[0] / counts[1]:.0%}</b> of the parameters"
        return figure, (
            f"Both see {field} × {field} pixels. Weights: {weights}; with biases {counts[0]:,} against {counts[1]:,}: "
            f"{kept}, and {layers} ReLU{'s' if layers > 1 else ''} instead of one. Outputs to keep for the backward "
            f"pass: {small.memory / 1e6:,.2f} MB against {large.memory / 1e6:,.2f} MB an image."
        )

    controls = {
        "layers": slider("Layers of 3 × 3", 1, 6, 3),
        "channels": slider("Channels C", 8, 512, 64, 8),
        "side": choice("Maps", [(f"{n} × {n}", n) for n in (7, 14, 28, 56, 112, 224)], 56),
    }
    return Exploration(draw, controls, description="The field of stacked 3 by 3 convolutions, and what they cost")


def network(layers, size, classes, width=16):
    """A convolution and pooling, then ``layers`` convolutions of ``size`` pixels, and the mean; not yet initialised."""

    def convolution(window):
        return Convolution(width, window, pad=window // 2, bias=False), BatchNorm(), ReLU()

    middle = convolution(size) * layers
    return Sequential(*convolution(3), MaxPool(2), *middle, GlobalAveragePool(), Affine(classes))


def trainers(images, epochs=2, seeds=2):
    """{(name, seed): Trainer} for ``train_in_turn``: three layers of 3 x 3 and one of 7 x 7, otherwise alike."""
    return {
        (name, f"start {seed + 1}"): trainer(
            network(layers, size, images.classes).initialize(images.shape, seed),
            "adam",
            RATE,
            epochs,
            batch_size=BATCH,
            seed=seed,
        )
        for name, layers, size in (("3 × (3 × 3)", 3, 3), ("1 × (7 × 7)", 1, 7))
        for seed in range(seeds)
    }


def training_figure(trained, chance):
    """Training losses of both, a line for each start."""
    figure, ax = new_figure(7.4, 3.7)
    for color, kind in zip(COLORS, dict.fromkeys(name for name, _ in trained), strict=False):
        ones = [one for (name, _), one in trained.items() if name == kind]
        for i, one in enumerate(ones):
            steps, losses = smooth_losses(one.history, over=30)
            ax.plot(steps, losses, color=color, linewidth=1.8, label=kind if i == 0 else None)
    ax.axhline(-np.log(chance), color=MUTED, linestyle=":", linewidth=1.2, label="guessing")
    ax.set(xlabel="update", ylabel="training loss, mean of 30 batches", xlim=(0, None))
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def training_table(trained):
    """In Markdown: parameters, work, loss and accuracy of both, means over the starts."""
    lines = ["| | parameters | multiply-adds | training loss, last 50 | right, validation |", "|:--|--:|--:|--:|--:|"]
    for kind in dict.fromkeys(name for name, _ in trained):
        ones = [one for (name, _), one in trained.items() if name == kind]
        total = ones[0].network.summary()
        losses = [np.mean(one.history.losses[-50:]) for one in ones]
        shares = [one.history.validation_metrics[-1] for one in ones]
        each = [", ".join(f"{loss:.3f}" for loss in losses), ", ".join(f"{share:.1%}" for share in shares)]
        each = [f" ({text})" if len(ones) > 1 else "" for text in each]
        lines.append(
            f"| {kind} | {total.parameters:,} | {total.multiply_adds:,} | {np.mean(losses):.3f}{each[0]} | "
            f"{np.mean(shares):.1%}{each[1]} |"
        )
    return "\n".join(lines)


def verdict(trained):
    """In Markdown: which of the two has learned more, in view of their parameters."""
    kinds = list(dict.fromkeys(name for name, _ in trained))
    losses, counts = {}, {}
    for kind in kinds:
        ones = [one for (name, _), one in trained.items() if name == kind]
        losses[kind] = np.mean([one.history.losses[-50:] for one in ones])
        counts[kind] = ones[0].network.summary().parameters
    small, large = kinds
    gap = losses[small] - losses[large]
    words = (
        "learn about equally well"
        if abs(gap) < 0.04
        else f"do not learn equally well: the {'stack' if gap < 0 else 'large window'} is ahead by {abs(gap):.2f}"
    )
    return (
        f"In this training they **{words}** ({losses[small]:.2f} against {losses[large]:.2f}), and the stack has "
        f"{counts[small] / counts[large]:.0%} of the parameters."
    )
