"""Lecture 10: images read row by row, as sequences, and what a recurrent classifier thinks on the way down."""

import numpy as np

from cs231n_kit.characters import probabilities
from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.explorations.small_images import resized
from cs231n_kit.initialization import inverse_sqrt
from cs231n_kit.losses import softmax_loss
from cs231n_kit.networks import Affine, LastStep, Sequential
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, new_figure, show_image
from cs231n_kit.training import Trainer


def as_rows(images, mean=None, scale=None):
    """Images (N, H, W, C) as sequences of rows, float32 (N, H, W · C).

    mean, scale: what is subtracted and divided by, numbers; left out, those of these images. Photographs, 32 x 32
    pixels, are halved. Returns the rows and (mean, scale).
    """
    pixels = resized(images) if images.shape[1] == 32 else images.astype(np.float32)
    rows = pixels.reshape(*pixels.shape[:2], -1)
    mean = float(rows.mean()) if mean is None else mean
    scale = float(rows.std()) if scale is None else scale
    return (rows - np.float32(mean)) / np.float32(scale), (mean, scale)


def row_classifier(cell, classes):
    """A recurrent layer that reads all rows, and scores of what it holds at the end."""
    return Sequential(cell, LastStep(), Affine(classes, initialize=inverse_sqrt))


def last_states(network, rows):
    """What the recurrent layer holds when it has read all rows: (N, H, D) to (N, units)."""
    seen = {}
    network.forward(rows, observe=seen.__setitem__, cache=False)
    return seen["1"]


def scores_by_row(network, rows):
    """The scores after one row, two, ..., all: rows (N, H, D) to (N, H, C). The network answers wherever it stops."""
    return np.stack([network.scores(rows[:, : end + 1]) for end in range(rows.shape[1])], axis=1)


def accuracy_by_row(scores, y):
    """The share that is told right after each row: scores (N, H, C), y (N,) to (H,)."""
    return (scores.argmax(axis=2) == y[:, None]).mean(axis=0)


def explore_rows(images, y, scores, names):
    """A slider down an image: what has been read, and the probabilities after each row.

    images (N, H', W', C) uint8, labels y (N,), scores (N, H, C) of ``scores_by_row``, and the classes' names.
    """
    steps = scores.shape[1]
    shares = probabilities(scores)
    accuracies = accuracy_by_row(scores, y)

    def draw(image, row):
        figure, axes = new_figure(10.2, 3.3, 1, 3, width_ratios=[1, 1.7, 1.3])
        height = images.shape[1]
        seen = images[image].copy()
        show_image(axes[0], seen, title=names[y[image]])
        end = row * height / steps - 0.5
        axes[0].axhspan(end, height - 0.5, color="white", alpha=0.88)
        axes[0].axhline(end, color=WRONG, linewidth=2)
        axes[0].set_ylim(height - 0.5, -0.5)
        along = np.arange(1, steps + 1)
        likely = np.argsort(-shares[image].max(axis=0))[:5]
        for place, kind in enumerate(dict.fromkeys([int(y[image]), *map(int, likely)])):
            line = axes[1].plot(along, 100 * shares[image, :, kind], color=COLORS[place % len(COLORS)], linewidth=1.6)
            line[0].set(label=names[kind], linewidth=3 if kind == y[image] else 1.6)
        axes[1].axvline(row, color=WRONG, linewidth=1.2)
        axes[1].set(xlabel="rows read", ylabel="probability (%)", ylim=(-2, 102))
        axes[1].legend(frameon=False, fontsize=8.5, loc="upper left")
        axes[2].plot(along, 100 * accuracies, color=INK, linewidth=2)
        axes[2].axhline(100 / len(names), color=MUTED, linestyle="--", linewidth=1)
        axes[2].axvline(row, color=WRONG, linewidth=1.2)
        axes[2].set(xlabel="rows read", ylabel="right (%)", ylim=(0, 100))
        axes[2].set_title(f"all {len(y):,} images", fontsize=10.5)
        for ax in axes[1:]:
            ax.spines[["top", "right"]].set_visible(False)
        answer = int(shares[image, row - 1].argmax())
        color = RIGHT if answer == y[image] else WRONG
        return figure, (
            f"After {row} of {steps} rows: <b style='color: {color}'>{names[answer]}</b>, "
            f"{shares[image, row - 1, answer]:.0%}. Of all images {accuracies[row - 1]:.1%} are told right by then."
        )

    controls = {
        "image": slider("Image", 0, len(images) - 1, 0),
        "row": slider("Rows read", 1, steps, steps // 2),
    }
    return Exploration(draw, controls, description="An image read row by row, with the probabilities after each row")


def trained_rows(cell, data, rate=0.003, epochs=6):
    """Train a row classifier on (X_train, y_train, X_val, y_val), rows; returns the ``Trainer``."""
    X_train, y_train, X_val, y_val = data
    network = row_classifier(cell, int(y_train.max()) + 1).initialize(X_train.shape[1:], rng=0)
    trainer = Trainer(
        network,
        softmax_loss,
        Optimizer("adam", learning_rate=rate),
        batch_size=100,
        epochs=epochs,
        clip_norm=1.0,
        progress_bar=False,
        live_plot=False,
    )
    trainer.fit(X_train, y_train, X_val, y_val)
    return trainer
