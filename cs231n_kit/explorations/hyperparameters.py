"""Lecture 02: four ways to choose k, and what each of them reports about images never seen."""

from functools import cache

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, new_figure

TRAIN, VALIDATION, TEST = COLORS[0], COLORS[1], COLORS[2]
IDEAS = (
    ("1  all data", [("train, and choose k on it", 10, TRAIN)]),
    ("2  train / test", [("train", 8, TRAIN), ("choose k\nand report", 2, TEST)]),
    ("3  train / validation / test", [("train", 6, TRAIN), ("choose k", 2, VALIDATION), ("report", 2, TEST)]),
    ("4  cross-validation / test", [(f"fold {i}", 1.6, TRAIN) for i in range(1, 5)]
     + [("fold 5", 1.6, VALIDATION), ("report", 2, TEST)]),
)  # fmt: skip


def four_ideas():
    """Draw how each of the four ideas divides the labelled images."""
    figure, ax = new_figure(9.4, 2.5)
    for row, (_, parts) in enumerate(IDEAS):
        left = 0.0
        for text, width, color in parts:
            ax.barh(row, width, left=left, height=0.68, color=color, edgecolor="white", linewidth=2)
            ax.text(left + width / 2, row, text, ha="center", va="center", color="white", fontsize=10, weight="bold")
            left += width
    ax.set_yticks(range(len(IDEAS)), [name for name, _ in IDEAS], fontsize=11)
    ax.tick_params(length=0)
    ax.set(xticks=[], xlim=(0, 10))
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    ax.set_title("train: blue      choose k: orange      report: green", fontsize=10, loc="left")
    return figure


def correct_by_k(neighbor_labels, labels, ks):
    """Return (N, len(ks)) booleans: is image i classified rightly with ks[j] neighbours?

    neighbor_labels: (N, >= max(ks)) labels of the neighbours, nearest first; tied votes go to the smaller label.
    """
    classes = np.arange(max(neighbor_labels.max(), labels.max()) + 1)
    running = np.cumsum(neighbor_labels[:, : max(ks), None] == classes, axis=1)
    return running[:, np.asarray(ks) - 1].argmax(axis=2) == labels[:, None]


def accuracy_curves(ks, curves, *, title=""):
    """Plot accuracies (fractions) against k, {name: (len(ks),)}, with a star at each curve's best k."""
    figure, ax = new_figure(8.6, 3.6)
    for (name, accuracies), color in zip(curves.items(), COLORS, strict=False):
        accuracies = np.asarray(accuracies)
        best = accuracies.argmax()
        ax.plot(ks, 100 * accuracies, color=color, linewidth=2, label=f"{name}: best at k = {ks[best]}")
        ax.plot(ks[best], 100 * accuracies[best], "*", color=color, markersize=16, markeredgecolor="white")
    ax.set(xlabel="k", ylabel="accuracy (%)", ylim=(0, 104))
    ax.set_title(title, fontsize=11)
    ax.legend(frameon=False, loc="best")
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def choose_and_report(correct, size, rng):
    """Play ideas 2 and 3 once on a random draw from `correct` (N, len(ks)) booleans.

    `size` images choose k (index `best`). Idea 2 reports the accuracy on those same images, idea 3 on `size` fresh
    ones; the truth is the accuracy on all images that did not choose. Returns (best, idea2, idea3, truth, curve).
    """
    if not 1 <= size <= len(correct) // 2:
        raise ValueError(f"size must be between 1 and {len(correct) // 2}, half of the images; it is {size}")
    order = rng.permutation(len(correct))
    chooser, fresh = correct[order[:size]], correct[order[size : 2 * size]]
    curve = chooser.mean(axis=0)
    best = int(curve.argmax())
    return best, curve[best], fresh[:, best].mean(), correct[order[size:], best].mean(), curve


def optimism(correct, size, repeats=2000, seed=0):
    """Return (repeats, 2) differences reported minus true accuracy, for idea 2 and idea 3, in percentage points."""
    rng = np.random.default_rng(seed)
    runs = [choose_and_report(correct, size, rng) for _ in range(repeats)]
    return np.array([(100 * (two - truth), 100 * (three - truth)) for _, two, three, truth, _ in runs])


def explore_choosing(correct, ks):
    """Choose k on small test sets, again and again, and compare what is reported with the truth.

    correct: (N, len(ks)) booleans, see `correct_by_k`.
    """
    off_by = cache(lambda size: optimism(correct, size))

    def draw(size, repeat):
        best, two, three, truth, curve = choose_and_report(correct, size, np.random.default_rng(repeat))
        gaps = off_by(size)
        mean_gaps = gaps.mean(axis=0).round(1) + 0.0  # no minus before a zero
        figure, axes = new_figure(9.6, 3.6, 1, 2)
        axes[0].plot(ks, 100 * curve, color=WRONG, linewidth=1.6, label=f"on the {size} images that choose k")
        axes[0].plot(ks, 100 * correct.mean(axis=0), color=INK, linewidth=1.6, label=f"on all {len(correct):,} images")
        axes[0].plot(ks[best], 100 * two, "*", color=WRONG, markersize=16, markeredgecolor="white")
        axes[0].set(xlabel="k", ylabel="accuracy (%)")
        axes[0].legend(fontsize=9, frameon=False, loc="best")
        axes[0].set_title(f"repeat {repeat}: k = {ks[best]} looks best", fontsize=11)
        bins = np.linspace(-15, 15, 41)
        for column, (name, color) in enumerate((("idea 2: same images", WRONG), ("idea 3: fresh images", RIGHT))):
            mean = mean_gaps[column]
            axes[1].hist(
                gaps[:, column],
                bins,
                histtype="stepfilled",
                alpha=0.45,
                color=color,
                label=f"{name}, mean {mean:+.1f}",
            )
            axes[1].axvline(mean, ymax=0.74, color=color, linewidth=2.5)
        axes[1].axvline(0, ymax=0.74, color=MUTED, linestyle=":")
        axes[1].set(xlabel="reported minus true accuracy (points)", ylabel=f"share of {len(gaps):,} repeats", yticks=[])
        axes[1].set_ylim(0, axes[1].get_ylim()[1] * 1.35)
        axes[1].legend(fontsize=9, frameon=False, loc="upper left")
        axes[1].set_title("how far off is the report?", fontsize=11)
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
        return figure, (
            f"Idea 2 reports <b>{two:.1%}</b>, idea 3 reports <b>{three:.1%}</b> for the same k = {ks[best]}; "
            f"on the images that had no say it is <b>{truth:.1%}</b>. Over {len(gaps):,} repeats idea 2 is off by "
            f"<b>{mean_gaps[0]:+.1f}</b> points on average, idea 3 by <b>{mean_gaps[1]:+.1f}</b>."
        )

    controls = {
        "size": slider("Images that choose", 25, min(400, len(correct) // 2), 100, 25),
        "repeat": slider("Repeat", 1, 50, 1),
    }
    return Exploration(
        draw, controls, description="Accuracy against k on a small test set, and the error of the report"
    )
