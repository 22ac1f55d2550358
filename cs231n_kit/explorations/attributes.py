"""Lecture 06: attributes, several of which an image can have at once; and a class known by its attributes alone."""

from functools import cache

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.explorations.scoring import trained
from cs231n_kit.losses import binary_hinge_loss, logistic_loss
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, new_figure, show_image

LOSSES = {"logistic regression": logistic_loss, "binary hinge": binary_hinge_loss}

# Which classes have an attribute. Each could be seen or guessed from a picture; only cat and dog share them all.
CIFAR10_ATTRIBUTES = {
    "flies": "airplane bird",
    "is found on water": "ship frog",
    "has wheels": "airplane automobile truck",
    "is man-made": "airplane automobile ship truck",
    "has four legs": "cat deer dog frog horse",
    "has fur": "cat deer dog horse",
    "has hooves": "deer horse",
    "is a pet": "cat dog",
    "carries people": "airplane automobile horse ship truck",
    "carries cargo": "airplane ship truck",
}

# The seven strokes of a digit on a pocket calculator, and the digits in which they are lit.
DIGIT_ATTRIBUTES = {
    "top": "0 2 3 5 6 7 8 9",
    "upper left": "0 4 5 6 8 9",
    "upper right": "0 1 2 3 4 7 8 9",
    "middle": "2 3 4 5 6 8 9",
    "lower left": "0 2 6 8",
    "lower right": "0 1 3 4 5 6 7 8 9",
    "bottom": "0 2 3 5 6 8 9",
}


def attribute_table(class_names):
    """(names of A attributes, table (C, A) of 0 and 1) for the classes of CIFAR-10 or the digits.

    Raises ValueError for other classes.
    """
    for attributes in (CIFAR10_ATTRIBUTES, DIGIT_ATTRIBUTES):
        owners = [members.split() for members in attributes.values()]
        if {name for members in owners for name in members} == set(class_names):
            table = np.array([[name in members for members in owners] for name in class_names], int)
            return tuple(attributes), table
    raise ValueError(f"there are attributes for the classes of CIFAR-10 and the digits, not for {class_names}")


def measure(scores, present, threshold=0.0):
    """How well scores (N, A) above a threshold tell the attributes present (N, A): a dictionary of arrays (A,).

    ``base``: the share of images that have the attribute; ``guess``: the accuracy of always giving the commoner
    answer; ``accuracy``; ``precision``: of those said to have it, the share that do, NaN where none is said to;
    ``recall``: of those that do, the share said to.
    """
    said, present = np.asarray(scores) > threshold, np.asarray(present).astype(bool)
    both, base = (said & present).sum(axis=0), present.mean(axis=0)
    count = said.sum(axis=0)
    return {
        "base": base,
        "guess": np.maximum(base, 1 - base),
        "accuracy": (said == present).mean(axis=0),
        "precision": np.where(count > 0, both / np.maximum(count, 1), np.nan),
        "recall": both / np.maximum(present.sum(axis=0), 1),
    }


def class_log_likelihoods(scores, table):
    """log P(the attributes of a class | image), the attributes taken as independent: (N, C) of logistic scores (N, A).

    The argmax is direct attribute prediction (Lampert, Nickisch & Harmeling, 2009); a class needs no images for it,
    only its row in the table (C, A).
    """
    present, absent = -np.logaddexp(0, -scores), -np.logaddexp(0, scores)
    return present @ table.T + absent @ (1 - table).T


def accuracy_figure(scores, present, names):
    """Accuracy of every attribute for each loss, {loss: scores (N, A)}, beside always giving the commoner answer."""
    found = {loss: measure(values, present) for loss, values in scores.items()}
    guess = next(iter(found.values()))["guess"]
    figure, ax = new_figure(8.6, 0.7 + 0.36 * len(names))
    at = np.arange(len(names))
    ax.barh(at, 100 * guess, color="#d9d9d9", height=0.7, label="always the commoner answer")
    for (loss, values), color, marker in zip(found.items(), COLORS, "os", strict=False):
        ax.plot(100 * values["accuracy"], at, marker, color=color, markersize=8, label=loss)
    ax.set_yticks(at, names)
    ax.invert_yaxis()
    ax.set(xlim=(40, 100), xlabel="right for new images (%)")
    ax.set_title("one yes-or-no classifier for each attribute", fontsize=11, loc="left")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def explore_attributes(images, y, scores, table, names, class_names):
    """Look at one new image's scores of A attributes, move the threshold, and see precision and recall.

    images: uint8 (N, H, W, C) with labels y (N,); scores: {loss: (N, A)}; table: (C, A) of 0 and 1.
    """
    present = table[y]

    def draw(image, loss, threshold):
        own, found = scores[loss][image], measure(scores[loss], present, threshold)
        figure, axes = new_figure(10.6, 0.9 + 0.34 * len(names), 1, 3, width_ratios=(0.75, 1.3, 1.3))
        show_image(axes[0], images[image], class_names[y[image]])
        _draw_scores(axes[1], own, present[image], names, threshold)
        _draw_precision_and_recall(axes[2], found, names)
        said = [name for name, score in zip(names, own, strict=True) if score > threshold]
        wrong = int(((own > threshold) != present[image]).sum())
        meaning = f" (a probability of {1 / (1 + np.exp(-threshold)):.0%})" if LOSSES[loss] is logistic_loss else ""
        return figure, (
            f"Above {threshold:.1f}{meaning}: {', '.join(said) or 'none of them'}. "
            f"For this image <b>{wrong} of {len(names)} answers are wrong</b>. Over all {len(y):,} images "
            f"{found['accuracy'].mean():.1%} of the answers are right."
        )

    controls = {
        "image": slider("Image", 0, min(len(y), 200) - 1, 0),
        "loss": choice("Trained by", list(scores)),
        "threshold": slider("Threshold", -3.0, 3.0, 0.0, 0.1),
    }
    return Exploration(
        draw, controls, description="Scores of the attributes of one image, and precision and recall of each"
    )


def _draw_scores(ax, own, present, names, threshold):
    right = (own > threshold) == present.astype(bool)
    ax.barh(range(len(names)), own, color=[RIGHT if hit else WRONG for hit in right], height=0.66)
    ax.axvline(threshold, color=INK, linewidth=1.4, linestyle="--")
    ax.axvline(0, color=MUTED, linewidth=0.8)
    ax.set_yticks(
        range(len(names)), [f"{name} ✓" if has else f"{name}   " for name, has in zip(names, present, strict=True)]
    )
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    limit = max(4.0, 1.1 * np.abs(own).max())
    ax.set(xlim=(-limit, limit), xlabel="score; dashed: the threshold")
    ax.set_title("✓ is the truth; green: told right", fontsize=10.5)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _draw_precision_and_recall(ax, found, names):
    at = np.arange(len(names))
    ax.hlines(at, 100 * found["precision"], 100 * found["recall"], color="#cccccc", linewidth=3, zorder=1)
    ax.plot(100 * found["precision"], at, "o", color=COLORS[0], markersize=8, label="precision")
    ax.plot(100 * found["recall"], at, "s", color=COLORS[1], markersize=8, label="recall")
    ax.plot(100 * found["base"], at, "|", color=INK, markersize=13, label="have it")
    ax.set_yticks(at, [])
    ax.invert_yaxis()
    ax.set(xlim=(-3, 103), xlabel="% of all new images")
    ax.set_title("precision and recall", fontsize=10.5)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, frameon=False, fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)


class ZeroShot:
    """Attribute classifiers trained without two of the classes, and what they make of new images of these two.

    X (N, D) with labels y (N,) to train on, X_new (M, D) with y_new (M,) to tell, table (C, A) of attributes.
    """

    def __init__(self, X, y, X_new, y_new, table):
        self.X, self.y, self.X_new, self.y_new, self.table = X, y, X_new, y_new, table

    def likelihoods(self, first, second):
        """``class_log_likelihoods`` (M, C) of the new images, after training on the other classes alone."""
        seen = (self.y != first) & (self.y != second)
        network = trained(self.X[seen], self.table[self.y[seen]], logistic_loss, self.table.shape[1])
        return class_log_likelihoods(network.forward(self.X_new), self.table)

    def accuracies(self, found, pair):
        """Shares of right answers for the images of each class of the pair, from what ``likelihoods`` found.

        Two arrays (2,): chosen between the two, and chosen among all classes. Between classes with the same
        attributes nothing can choose: half of them count as right.
        """
        between, among = [], []
        for own, other in (pair, pair[::-1]):
            part = found[self.y_new == own]
            lead = part[:, own] - part[:, other]
            between.append((lead > 0).mean() + (lead == 0).mean() / 2)
            among.append((part.argmax(axis=1) == own).mean())
        return np.array(between), np.array(among)


def explore_zero_shot(problem, images, names, class_names, pair, shown=6):
    """Hide two classes from training, and see whether their attributes alone tell them.

    problem: a ``ZeroShot``; images: its new images, uint8 (M, H, W, C); pair: the two classes to begin with.
    """
    likelihoods = cache(problem.likelihoods)

    def draw(first, second):
        pair = (first, second)
        found = likelihoods(*sorted(pair))
        between, among = problem.accuracies(found, pair)
        figure, axes = new_figure(10.4, 3.0, 2, shown + 1, width_ratios=(3.2, *[1] * shown))
        for row, (own, other) in enumerate((pair, pair[::-1])):
            _draw_told(axes[row, 0], class_names[own], between[row], among[row], 1 / len(class_names))
            _draw_surest(axes[row, 1:], found, problem.y_new, images, own, other, class_names)
        differing = [name for name, *owns in zip(names, *problem.table[list(pair)], strict=True) if owns[0] != owns[1]]
        words = [class_names[label] for label in pair]
        if first == second:
            return figure, "Choose two <b>different</b> classes: there is nothing to tell apart."
        if not differing:
            return figure, f"{words[0]} and {words[1]} have the same attributes: <b>nothing can tell them apart</b>."
        return figure, (
            f"Trained without one {words[0]} and without one {words[1]}; what tells them: {', '.join(differing)}. "
            f"<b>{between.mean():.0%}</b> right between the two (guessing: 50%), "
            f"{among.mean():.0%} among all {len(class_names)} (guessing: {1 / len(class_names):.0%})."
        )

    options = [(name, label) for label, name in enumerate(class_names)]
    controls = {
        "first": choice("Never seen", options, pair[0]),
        "second": choice("and never seen", options, pair[1]),
    }
    description = "Two classes told by attributes alone, with the surest images of each"
    return Exploration(draw, controls, description=description)


def _draw_told(ax, name, between, among, chance):
    ax.barh([0, 1], [100 * between, 100 * among], color=[COLORS[0], MUTED], height=0.62)
    for at, (share, guess) in enumerate(((between, 0.5), (among, chance))):
        ax.plot([100 * guess] * 2, [at - 0.4, at + 0.4], color=INK, linewidth=2)
        ax.text(100 * max(share, guess) + 3, at, f"{share:.0%}", va="center", fontsize=10)
    ax.set_yticks([0, 1], ["between the two", "among all"])
    ax.invert_yaxis()
    ax.set(xlim=(0, 118), xticks=[])
    ax.set_title(f"{name}: told right (line: guessing)", fontsize=10.5, loc="left")
    ax.spines[["top", "right", "bottom"]].set_visible(False)


def _draw_surest(axes, found, y, images, own, other, class_names):
    """Of the new images of both classes, those that look most like ``own`` and least like ``other``."""
    both = np.flatnonzero((y == own) | (y == other))
    surest = both[np.argsort(found[both, other] - found[both, own], kind="stable")[: len(axes)]]
    for ax in axes:
        ax.axis("off")
    for ax, index in zip(axes, surest, strict=False):
        ax.axis("on")
        show_image(ax, images[index], frame=RIGHT if y[index] == own else WRONG)
    axes[0].set_title(f"surest of “{class_names[own]}”", fontsize=10.5, loc="left")
