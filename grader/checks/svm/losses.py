"""svm_loss_naive and svm_loss_vectorized."""

import numpy as np

from grader.check import Check, Mistake

from ..linear_losses import NO_LOOPS, common_mistakes, loss_properties, zeros_property


def margins_of(W, X, y):
    """All margins s_j - s_y + 1; for the right class 1."""
    scores = X @ W
    return scores - np.take_along_axis(scores, y[:, np.newaxis], axis=1) + 1


def _tells_apart(W, X, y):
    """Whether every margin is away from the kink at 0, and some of the wrong classes count and some do not.

    With several examples: one has several classes that count, and one has none;
    and one class counts although its score is below the right one's.
    """
    margins = margins_of(W, X, y)
    counted = (margins > 0).sum(axis=1) - 1
    if np.abs(margins).min() < 0.05 or (np.abs(margins - 1) < 1e-2).sum() > len(y):
        return False
    if len(y) == 1:
        return counted[0] == max(1, W.shape[1] // 3)
    return counted.max() >= 2 and counted.min() == 0 and ((margins > 0) & (margins < 0.99)).any()


_PROPERTIES = (
    *loss_properties(_tells_apart),
    zeros_property("All weights zero: every wrong class costs 1"),
)

_RIGHT_CLASS = "The right class counts too: its margin is always 1. The sum is over the wrong classes only."
_DELTA = "The margin is missing: a wrong class costs something unless it is at least 1 below the right one."
_SQUARED = "This is the squared hinge loss. Here the margin itself is asked for, not its square."
_LARGEST = "Only the worst of the wrong classes counts here. Add up all of them."
_ONCE = (
    "The right class's column of the gradient gets each example once. It gets it once for every wrong class whose "
    "margin is violated."
)
_NOT_RIGHT = "The score of the right class appears in every margin too: its column of the gradient is missing."
_ALL_COUNT = "The gradient counts every wrong class, also those whose margin is kept and which cost nothing."

_NAIVE_LOSS = "loss = loss / num_train + reg * np.sum(W * W)"
_NAIVE_GRADIENT = "dW = dW / num_train + 2 * reg * W"
_ADDED = """                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
"""

NAIVE = Check(
    "svm_loss_naive",
    _PROPERTIES,
    (
        *common_mistakes(_NAIVE_LOSS, _NAIVE_GRADIENT, "reg * np.sum(W * W)", "2 * reg * W"),
        Mistake(
            "right class counted",
            _RIGHT_CLASS,
            (("            if j == y[i]:\n                continue\n", ""),),
        ),
        Mistake("no delta", _DELTA, (("scores[j] - correct_score + 1", "scores[j] - correct_score"),)),
        Mistake(
            "delta subtracted",
            "The margin has the wrong sign: scores within 1 of the right one must cost something too.",
            (("scores[j] - correct_score + 1", "scores[j] - correct_score - 1"),),
        ),
        Mistake(
            "squared hinge",
            _SQUARED,
            ((_ADDED, _ADDED.replace("+= margin", "+= margin**2").replace("= X[i]", "= 2 * margin * X[i]")),),
        ),
        Mistake(
            "no column for the right class",
            _NOT_RIGHT,
            (("                dW[:, y[i]] -= X[i]\n", ""),),
        ),
        Mistake(
            "right class once an example",
            _ONCE,
            (
                ("                dW[:, y[i]] -= X[i]\n", ""),
                ("        correct_score = ", "        dW[:, y[i]] -= X[i]\n        correct_score = "),
            ),
        ),
        Mistake(
            "all classes in the gradient",
            _ALL_COUNT,
            (
                (
                    _ADDED,
                    "                loss += margin\n            dW[:, j] += X[i]\n            dW[:, y[i]] -= X[i]\n",
                ),
            ),
        ),
        Mistake(
            "margins of the wrong sign",
            "The difference of the scores is the wrong way round: the loss grows when the right class's score grows.",
            (("scores[j] - correct_score + 1", "correct_score - scores[j] + 1"),),
        ),
        Mistake(
            "returns too early",
            "Only the first example is counted: the average and the return are inside the loop.",
            ((f"    {_NAIVE_LOSS}", f"        break\n    {_NAIVE_LOSS}"),),
        ),
    ),
)

_LOSS = "loss = margins.sum() / num_train + reg * np.sum(W**2)"
_GRADIENT = "dW = X.T @ dscores / num_train + 2 * reg * W"
_MARGINS = "np.maximum(0, scores - scores[rows, y][:, np.newaxis] + 1)"
_RIGHT = "dscores[rows, y] = -dscores.sum(axis=1)"
_COUNTED = "dscores = (margins > 0).astype(scores.dtype)"

VECTORIZED = Check(
    "svm_loss_vectorized",
    (*_PROPERTIES, NO_LOOPS),
    (
        *common_mistakes(_LOSS, _GRADIENT, "reg * np.sum(W**2)", "2 * reg * W"),
        Mistake("right class counted", _RIGHT_CLASS, (("    margins[rows, y] = 0\n", ""),)),
        Mistake(
            "right class counted in the loss only",
            _RIGHT_CLASS,
            (
                ("    margins[rows, y] = 0\n", ""),
                (_COUNTED, f"{_COUNTED}\n    dscores[rows, y] = 0"),
            ),
        ),
        Mistake("no delta", _DELTA, ((_MARGINS, "np.maximum(0, scores - scores[rows, y][:, np.newaxis])"),)),
        Mistake(
            "squared hinge",
            _SQUARED,
            ((_COUNTED, "dscores = 2 * margins"), ("margins.sum() /", "(margins**2).sum() /")),
        ),
        Mistake("largest margin only", _LARGEST, (("margins.sum() /", "margins.max(axis=1).sum() /"),)),
        Mistake(
            "mean over the classes too",
            "The loss is averaged over examples and classes. Add up the classes, average over the examples only.",
            (("margins.sum() / num_train", "margins.mean()"),),
        ),
        Mistake(
            "margins not cut at zero",
            "Margins below zero are added as they are. A class that is far enough below the right one costs nothing.",
            ((_MARGINS, "scores - scores[rows, y][:, np.newaxis] + 1"),),
        ),
        Mistake(
            "whole columns set to zero",
            "margins[:, y] = 0 sets whole columns to zero, for all examples. Pair each row with its own label: an "
            "array of row numbers and the array of labels together pick one element a row.",
            (("    margins[rows, y] = 0\n", "    margins[:, y] = 0\n"),),
        ),
        Mistake(
            "whole columns replaced",
            "dscores[:, y] = ... writes whole columns, for all examples. Pair each row with its own label.",
            ((_RIGHT, "dscores[:, y] = -dscores.sum(axis=1, keepdims=True)"),),
        ),
        Mistake("no column for the right class", _NOT_RIGHT, ((f"    {_RIGHT}\n", ""),)),
        Mistake("right class once an example", _ONCE, ((_RIGHT, "dscores[rows, y] = -1"),)),
        Mistake(
            "margins instead of their slope",
            "The gradient uses the size of the margins. The slope of a violated margin is 1, however large it is.",
            ((_COUNTED, "dscores = margins.copy()"),),
        ),
        Mistake(
            "transposed gradient",
            "The gradient is transposed: it has to have the shape of W, (D, C).",
            ((_GRADIENT, "dW = (X.T @ dscores / num_train + 2 * reg * W).T"),),
        ),
    ),
)
