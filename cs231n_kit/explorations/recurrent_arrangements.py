"""Lecture 10: drawings of what goes into a recurrent network and what comes out, of captioning, and of an embedding."""

from typing import NamedTuple

import numpy as np

from cs231n_kit.plots import COLORS, INK, new_figure, show_image, write_numbers

INPUT, HIDDEN, OUTPUT = "#f6dcae", "#cfe0f2", "#c9e8d8"
SIDE = 0.66


class Kind(NamedTuple):
    """Which of so many steps have an input, "x", and which an output, "y"; "." where there is none."""

    title: str
    example: str
    inputs: str
    outputs: str


KINDS = (
    Kind("one to one", "an image to its class", "x", "y"),
    Kind("one to many", "an image to a caption", "x...", "yyyy"),
    Kind("many to one", "a video to what happens in it", "xxxx", "...y"),
    Kind("many to many, after all is read", "a sentence to another language", "xxx...", "...yyy"),
    Kind("many to many, at each step", "each letter to the next one", "xxxx", "yyyy"),
)


def arrangements_figure():
    """The five ways in which sequences go in and come out: inputs below, hidden states between, outputs above."""
    widths = [len(kind.inputs) + 0.8 for kind in KINDS]
    figure, axes = new_figure(13, 3.1, 1, len(KINDS), width_ratios=widths)
    for ax, kind in zip(axes, KINDS, strict=True):
        steps = len(kind.inputs)
        ax.set(xlim=(-0.9, steps - 0.1), ylim=(-0.8, 2.9), aspect="equal")
        ax.axis("off")
        for t in range(steps):
            box(ax, t, 1, HIDDEN)
            if t:
                arrow(ax, (t - 1 + SIDE / 2, 1), (t - SIDE / 2, 1))
            for sign, y, color, ends in ((kind.inputs[t], 0, INPUT, (0, 1)), (kind.outputs[t], 2, OUTPUT, (1, 2))):
                if sign != ".":
                    box(ax, t, y, color)
                    arrow(ax, (t, ends[0] + SIDE / 2), (t, ends[1] - SIDE / 2))
        middle = (steps - 1) / 2
        ax.set_title(kind.title.replace(", ", ",\n"), fontsize=10.5, color=INK)
        ax.text(middle, -0.75, kind.example.replace(" to ", "\nto ", 1), ha="center", va="top", fontsize=9, color=INK)
    return figure


def caption_figure(image, caption):
    """How an image is put into words: features of a network that sees become h₀ of one that writes.

    image: uint8 (H, W, C). caption: the words, in order.
    """
    figure, (left, right) = new_figure(12, 3.4, 1, 2, width_ratios=[1, 5])
    show_image(left, image)
    words = ["<start>", *caption]
    ax = right
    ax.set(xlim=(-4.6, len(words) * 1.5), ylim=(-0.9, 3.3), aspect="equal")
    ax.axis("off")
    box(ax, -3.6, 1, "#e4e4e4", "CNN", width=1.5)
    box(ax, -1.5, 1, HIDDEN, "$h_0$")
    arrow(ax, (-4.6, 1), (-4.4, 1))
    arrow(ax, (-2.85, 1), (-1.5 - SIDE / 2, 1))
    ax.text(-2.35, 1.16, "$W$", ha="center", fontsize=10, color=INK)
    for t, word in enumerate(words):
        x = 1.5 * t
        box(ax, x, 1, HIDDEN, f"$h_{t + 1}$")
        arrow(ax, (x - 1.5 + SIDE / 2, 1), (x - SIDE / 2, 1))
        box(ax, x, 0, INPUT, "", width=SIDE)
        arrow(ax, (x, SIDE / 2), (x, 1 - SIDE / 2))
        box(ax, x, 2, OUTPUT, "", width=SIDE)
        arrow(ax, (x, 1 + SIDE / 2), (x, 2 - SIDE / 2))
        said = [*caption, "<end>"][t]
        ax.text(x, -0.55, word, ha="center", va="top", fontsize=10.5, color=INK)
        ax.text(x, 2.55, said, ha="center", va="bottom", fontsize=10.5, color=INK)
        if t:
            bend = {"arrowstyle": "->", "color": COLORS[1], "connectionstyle": "arc3,rad=-0.15", "linewidth": 1.2}
            ax.annotate("", (x - SIDE / 2, 0.05), (x - 1.5 + SIDE / 2, 2), arrowprops=bend)
    ax.text(-1.5, -0.55, "reads:", ha="center", va="top", fontsize=10, color=INK)
    ax.text(-1.5, 2.55, "writes:", ha="center", va="bottom", fontsize=10, color=INK)
    return figure


def embedding_figure(words, W, word):
    """A word as a row of a table: its one-hot vector times W picks it out.

    words: V names, W: (V, D), word: the number of one of them.
    """
    figure, axes = new_figure(
        10.4, 0.34 * len(words) + 0.9, 1, 3, width_ratios=[len(words), 2.2 * W.shape[1], 2.2 * W.shape[1]]
    )
    one_hot = np.eye(len(words))[word][None]
    largest = np.abs(W).max()
    write_numbers(axes[0], one_hot, cmap="Blues", low=0, high=1.6, title=f"“{words[word]}”, one-hot")
    axes[0].set_xticks(range(len(words)), words, rotation=90, fontsize=9)
    write_numbers(axes[1], W, cmap="PuOr", low=-largest, high=largest, title="times W", form="{:.1f}")
    axes[1].set_yticks(range(len(words)), words, fontsize=9)
    axes[1].axhspan(word - 0.5, word + 0.5, facecolor="none", edgecolor=INK, linewidth=2.5)
    write_numbers(
        axes[2], W[word][None], cmap="PuOr", low=-largest, high=largest, title="is its row of W", form="{:.1f}"
    )
    return figure


def box(ax, x, y, color, text="", width=SIDE):
    """A rectangle around (x, y), with a word in it."""
    from matplotlib.patches import Rectangle

    corner = (x - width / 2, y - SIDE / 2)
    ax.add_patch(Rectangle(corner, width, SIDE, facecolor=color, edgecolor=INK, linewidth=1))
    ax.text(x, y, text, ha="center", va="center", fontsize=10.5, color=INK)


def arrow(ax, start, end):
    """An arrow from one point to another."""
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": INK, "linewidth": 1.1})
