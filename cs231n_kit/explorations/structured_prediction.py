"""Lecture 06: a structured SVM reads sequences of digits whose neighbours follow a rule, with exact inference."""

from dataclasses import dataclass

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.losses import structured_svm_loss
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.plots import COLORS, INK, RIGHT, WRONG, new_figure, write_numbers

LENGTH = 8
DIGITS = 10
STEPS = {0: 0.35, 1: 0.5, 2: 0.15}  # by how much the last wheel of a meter moves on within an hour


@dataclass(frozen=True)
class Readings:
    """Rows of T = 8 photographs of a meter's last wheel, (N, T, 8, 8) float32 from 0 to 1, and their digits (N, T)."""

    images: np.ndarray
    digits: np.ndarray

    def inputs(self):
        """Pixels and a constant 1, (N, T, 65)."""
        flat = 2 * self.images.reshape(*self.digits.shape, -1) - 1
        return np.concatenate([flat, np.ones((*self.digits.shape, 1), np.float32)], axis=2)


def readings(images, labels, count, seed, noise=0.3, dirt=0.3):
    """So many sequences from scanned digits, uint8 (M, 8, 8, 1) with labels (M,).

    From one hour to the next the digit moves on by 0, 1 or 2, after 9 comes 0. Every photograph is of a random scan
    of its digit, with Gaussian noise of this standard deviation, and this share of them has half of it hidden by dirt.
    """
    rng = np.random.default_rng(seed)
    steps = rng.choice(list(STEPS), (count, LENGTH), p=list(STEPS.values()))
    steps[:, 0] = rng.integers(0, DIGITS, count)
    digits = steps.cumsum(axis=1) % DIGITS
    scans = [np.flatnonzero(labels == digit) for digit in range(DIGITS)]
    chosen = np.array([rng.choice(scans[digit]) for digit in digits.ravel()])
    pictures = images[chosen][..., 0].astype(np.float32) / 255
    for index in np.flatnonzero(rng.random(len(pictures)) < dirt):
        top, left = rng.integers(0, 5, 2)
        pictures[index, top : top + 4] = 0.15
        pictures[index, :, left : left + 3] = 0.15
    pictures = np.clip(pictures + noise * rng.standard_normal(pictures.shape, dtype=np.float32), 0, 1)
    return Readings(pictures.reshape(count, LENGTH, *pictures.shape[1:]), digits)


def viterbi(unary, transitions):
    """The sequence s with the largest F = Σₜ unary[t, sₜ] + Σₜ transitions[sₜ₋₁, sₜ], exactly: labels (T,).

    unary (T, K), transitions (K, K). T K² steps instead of the K^T sequences   (Viterbi, 1967).
    """
    best, back = unary[0], np.zeros(unary.shape, int)
    for t in range(1, len(unary)):
        reached = best[:, None] + transitions
        back[t] = reached.argmax(axis=0)
        best = reached.max(axis=0) + unary[t]
    path = [int(best.argmax())]
    for t in range(len(unary) - 1, 0, -1):
        path.append(int(back[t, path[-1]]))
    return np.array(path[::-1])


def parts_of(sequence):
    """How often each part occurs in a sequence (T,): its T labels, one-hot, above its transitions; (T + K, K)."""
    parts = np.zeros((len(sequence) + DIGITS, DIGITS))
    parts[np.arange(len(sequence)), sequence] = 1
    np.add.at(parts, (len(sequence) + sequence[:-1], sequence[1:]), 1)
    return parts


def most_violating(scores, y):
    """Loss-augmented Viterbi: the s with the largest Δ(y, s) + F(s), and Δ, the number of wrong labels.

    scores (T + K, K) as ``parts_of``. The Hamming distance is a sum over places, so it joins the unary scores.
    """
    unary = scores[: len(y)] + 1
    unary[np.arange(len(y)), y] -= 1
    found = viterbi(unary, scores[len(y) :])
    return found, float((found != y).sum())


class ChainSVM:
    """A structured SVM for sequences: the scores W x of every place, and A[a, b] for digit b after a.

    With ``transitions=False`` A stays 0, and every place is classified alone, with the same loss.
    After ``fit``: ``W_`` (D, K), ``A_`` (K, K), ``losses_``, the mean loss of each epoch.
    """

    def __init__(self, transitions=True, epochs=12, learning_rate=0.01, regularization=1e-3, batch=20, seed=0):
        self.transitions, self.epochs, self.learning_rate = transitions, epochs, learning_rate
        self.regularization, self.batch, self.seed = regularization, batch, seed

    def fit(self, X, y):
        """Learn from inputs X (N, T, D) and digits y (N, T) by Adam on ``structured_svm_loss``."""
        rng = np.random.default_rng(self.seed)
        self.W_, self.A_ = np.zeros((X.shape[2], DIGITS)), np.zeros((DIGITS, DIGITS))
        parameters = {"W": self.W_, "A": self.A_} if self.transitions else {"W": self.W_}
        optimizer, self.losses_ = Optimizer("adam", learning_rate=self.learning_rate), []
        for _ in range(self.epochs):
            losses = []
            for rows in np.array_split(rng.permutation(len(X)), max(1, len(X) // self.batch)):
                loss, dscores = structured_svm_loss(self.scores(X[rows]), y[rows], parts_of, most_violating)
                gradients = {
                    "W": np.einsum("ntd,ntk->dk", X[rows], dscores[:, : X.shape[1]]),
                    "A": dscores[:, X.shape[1] :].sum(axis=0),
                }
                gradients = {name: gradients[name] + 2 * self.regularization * w for name, w in parameters.items()}
                optimizer.step(parameters, gradients)
                losses.append(loss)
            self.losses_.append(float(np.mean(losses)))
        return self

    def scores(self, X):
        """Scores of all parts, (N, T + K, K)."""
        return np.concatenate([X @ self.W_, np.broadcast_to(self.A_, (len(X), DIGITS, DIGITS))], axis=1)

    def predict(self, X):
        """The best sequences (N, T) for inputs X (N, T, D)."""
        return np.array([viterbi(unary, self.A_) for unary in X @ self.W_])


def accuracies(predicted, digits):
    """The share of right digits, and of sequences right from end to end, for two arrays (N, T)."""
    right = predicted == digits
    return float(right.mean()), float(right.all(axis=1).mean())


def transition_figure(A, digits):
    """Learned scores A (K, K) beside how often each digit followed each other one in sequences (N, T)."""
    counts = np.zeros((DIGITS, DIGITS))
    np.add.at(counts, (digits[:, :-1].ravel(), digits[:, 1:].ravel()), 1)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = new_figure(9.6, 4.5, 1, 2)
    limit = np.abs(A).max() or 1
    pictures = ((A, "RdBu", -limit, limit, "{:.1f}", "learned: the score A[a, b] of b after a"),
                (shares, "Greys", 0, 100, "{:.0f}", "in the training sequences: b after a (%)"))  # fmt: skip
    for ax, (values, colors, low, high, form, title) in zip(axes, pictures, strict=True):
        write_numbers(ax, values, cmap=colors, low=low, high=high, form=form, title=title)
        ax.set(xticks=range(DIGITS), yticks=range(DIGITS), xlabel="digit b", ylabel="digit a, an hour before")
    return figure


def explore_sequences(chain, found, alone):
    """Read one new sequence with more or less weight on its neighbours.

    chain: a fitted ``ChainSVM``; found: the new ``Readings``; alone: (N, T), what a classifier of single places says.
    """
    X = found.inputs()
    shown = min(len(X), 100)
    unary = X[:shown] @ chain.W_

    def draw(sequence, weight):
        digits, scores = found.digits[sequence], unary[sequence]
        read = viterbi(scores, weight * chain.A_)
        figure, axes = new_figure(10.4, 5.6, 2, 1, height_ratios=(1, 2.5))
        _draw_readings(axes[0], found.images[sequence], digits, alone[sequence], read)
        _draw_trellis(axes[1], scores, digits, scores.argmax(axis=1), read)
        places, pairs = scores[np.arange(LENGTH), read].sum(), weight * chain.A_[read[:-1], read[1:]].sum()
        parts = np.concatenate([scores, weight * chain.A_])
        rival, task_loss = most_violating(parts, digits)
        lead = (parts * (parts_of(rival) - parts_of(digits))).sum()
        return figure, (
            f"Read: {' '.join(map(str, read))}, <b>{int((read != digits).sum())} of {LENGTH} wrong</b>, with the score "
            f"F = {places:.2f} (places) + {pairs:.2f} (neighbours) = {places + pairs:.2f}. The sequence that the loss "
            f"finds worst, {' '.join(map(str, rival))}, has Δ = {task_loss:.0f} wrong digits and scores {lead:+.2f} "
            f"against the truth: structured hinge loss {task_loss:.0f} {'+' if lead >= 0 else '−'} {abs(lead):.2f} = "
            f"<b>{task_loss + lead:.2f}</b>."
        )

    controls = {
        "sequence": slider("Sequence", 0, shown - 1, 0),
        "weight": slider("Weight of neighbours", 0.0, 2.0, 1.0, 0.1),
    }
    return Exploration(draw, controls, description="Eight dirty photographs of digits, and the best path through them")


def _draw_readings(ax, images, digits, alone, read):
    gap = np.ones((images.shape[1], 2), np.float32)
    strip = np.concatenate([np.concatenate([image, gap], axis=1) for image in images], axis=1)[:, :-2]
    ax.imshow(strip, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    height, width = images.shape[1:]
    for row, (name, values) in enumerate((("truth", digits), ("trained alone", alone), ("with neighbours", read))):
        down = height + 1.3 + 2.3 * row
        ax.text(-1.2, down, name, ha="right", va="center", fontsize=10.5, color=INK)
        for place, (value, truth) in enumerate(zip(values, digits, strict=True)):
            color = INK if row == 0 else RIGHT if value == truth else WRONG
            mark = "" if row == 0 or value == truth else " ✗"
            center = place * (width + 2) + (width - 1) / 2
            ax.text(center, down, f"{value}{mark}", ha="center", va="center", fontsize=12, color=color)
    ax.set(xlim=(-9, strip.shape[1]), ylim=(height + 7.2, -0.6))
    ax.axis("off")
    ax.set_title("the last wheel of a meter, once an hour", fontsize=10.5)


def _draw_trellis(ax, scores, digits, best_alone, read):
    hours = np.arange(LENGTH)
    picture = ax.imshow(scores.T, cmap="Greys", aspect="auto", interpolation="nearest")
    ax.figure.colorbar(picture, ax=ax, pad=0.01).ax.set_title("score", fontsize=9)
    ax.plot(hours, best_alone, "s--", color=COLORS[1], markersize=10, linewidth=1.5, label="best score of each place")
    ax.plot(hours, read, "o-", color=COLORS[0], markersize=11, linewidth=3, label="best sequence (Viterbi)")
    ax.plot(hours, digits, "x", color=WRONG, markersize=9, markeredgewidth=2.5, label="truth")
    ax.set(xticks=hours, yticks=range(DIGITS), xlabel="hour", ylabel="digit")
    ax.set_title("dark: what the pixels speak for; the line: the path with the largest sum", fontsize=10.5)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, frameon=False)
