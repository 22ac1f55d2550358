"""svm_loss and softmax_loss: losses of scores, f(x, y) -> (loss, dx)."""

from functools import partial

import numpy as np

from grader.check import SINGLE_PRECISION, Check, Mistake, Property

LOSS, GRADIENT = (0,), (1,)


def _examples(rng, n, c, accepts=lambda x, y: True, scale=1.5):
    """(x, y): scores (n, c) and labels, as many different ones as can be, that `accepts` finds telling."""
    while True:
        x, y = scale * rng.normal(size=(n, c)), rng.integers(0, c, size=n)
        if len(set(y)) == min(n, c) and accepts(x, y):
            return x, y


def _loss_properties(accepts):
    draw = partial(_examples, accepts=accepts)

    def data(rng):
        return [draw(rng, 7, 4), draw(rng, 5, 3)]

    def own(rng):
        """The scores and six of their neighbours in pairs, then other labels."""
        x, y = draw(rng, 6, 4)
        cases = [(x, y)]
        for step in 1e-3 * rng.normal(size=(3, *x.shape)):
            cases += [(x + step, y), (x - step, y)]
        return [*cases, (x, (y + 1) % 4)]

    def edges(rng):
        x, y = draw(rng, 6, 5)
        single = [draw(rng, 1, 5), draw(rng, 1, 2), draw(rng, 5, 2)]
        return [*single, (x.astype(np.float32), y.astype(np.uint8))]

    return (
        Property("The loss", 1.5, data, outputs=LOSS, **SINGLE_PRECISION),
        Property("Its gradient", 1.5, data, outputs=GRADIENT, **SINGLE_PRECISION),
        Property("The gradient is that of your own loss", 0.5, own, "own_gradient", rtol=5e-3, atol=1e-4),
        Property("One example, two classes, float32, labels of dtype uint8", 0.5, edges, **SINGLE_PRECISION),
    )


def _common(average, gradient, name):
    """Mistakes that both losses know. average, gradient: the (line, mistaken line) without the division by N."""
    return (
        Mistake(
            "loss not averaged",
            "The loss is a mean over the examples: divide the sum by their number.",
            (average,),
        ),
        Mistake(
            "gradient not averaged",
            "The loss is averaged but its gradient is not: divide it by the number of examples too.",
            (gradient,),
        ),
        Mistake(
            "nothing averaged",
            "The loss is a mean over the examples: divide the sum by their number, and the gradient likewise.",
            (average, gradient),
        ),
        Mistake(
            "gradient downhill",
            "The gradient has the wrong sign: it points to where the loss grows.",
            ((gradient[0], gradient[0].replace(f"d{name}", f"-d{name}")),),
        ),
    )


def _margins(x, y):
    """All margins x_j - x_y + 1; for the right class 1."""
    return x - np.take_along_axis(x, y[:, np.newaxis], axis=1) + 1


def _hinges(x, y):
    """Whether no margin is near the kink, and some of the wrong classes count and some do not."""
    margins = _margins(x, y)
    counted = (margins > 0).sum(axis=1) - 1
    if np.abs(margins).min() < 0.05:
        return False
    if len(y) == 1 or x.shape[1] == 2:
        return counted.max() >= 1
    below_the_right_score = ((margins > 0) & (margins < 0.9)).any()
    return counted.max() >= 2 and counted.min() == 0 and below_the_right_score


_HINGE = "margins = np.maximum(0, x - x[rows, y][:, np.newaxis] + 1)"
_COUNTED = "dmargins = (margins > 0).astype(x.dtype)"
_RIGHT = "dmargins[rows, y] = -dmargins.sum(axis=1)"
_HINGE_LOSS = "loss = margins.sum() / num_train"
_HINGE_GRADIENT = "return loss, dmargins / num_train"
_RIGHT_CLASS = "The right class counts too: its margin is always 1. The sum is over the wrong classes only."

SVM = Check(
    "svm_loss",
    _loss_properties(_hinges),
    (
        *_common((_HINGE_LOSS, "loss = margins.sum()"), (_HINGE_GRADIENT, "return loss, dmargins"), "margins"),
        Mistake("right class counted", _RIGHT_CLASS, (("    margins[rows, y] = 0\n", ""),)),
        Mistake(
            "right class counted in the loss only",
            _RIGHT_CLASS,
            (("    margins[rows, y] = 0\n", ""), (_COUNTED, f"{_COUNTED}\n    dmargins[rows, y] = 0")),
        ),
        Mistake(
            "no delta",
            "The margin is missing: a wrong class costs something unless it is at least 1 below the right one.",
            ((_HINGE, _HINGE.replace(" + 1)", ")")),),
        ),
        Mistake(
            "delta subtracted",
            "The margin has the wrong sign: scores within 1 of the right one must cost something too.",
            ((_HINGE, _HINGE.replace(" + 1)", " - 1)")),),
        ),
        Mistake(
            "squared hinge",
            "This is the squared hinge loss. Here the margin itself is asked for, not its square.",
            ((_COUNTED, "dmargins = 2 * margins"), (_HINGE_LOSS, "loss = (margins**2).sum() / num_train")),
        ),
        Mistake(
            "largest margin only",
            "Only the worst of the wrong classes counts in the loss. Add up all of them.",
            ((_HINGE_LOSS, "loss = margins.max(axis=1).sum() / num_train"),),
        ),
        Mistake(
            "mean over the classes too",
            "The loss is averaged over examples and classes. Add up the classes, average over the examples only.",
            ((_HINGE_LOSS, "loss = margins.mean()"),),
        ),
        Mistake(
            "margins not cut at zero",
            "Margins below zero are added as they are. A class that is far enough below the right one costs nothing.",
            ((_HINGE, "margins = x - x[rows, y][:, np.newaxis] + 1"),),
        ),
        Mistake(
            "whole columns set to zero",
            "margins[:, y] = 0 sets whole columns to zero, for all examples. Pair each row with its own label: an "
            "array of row numbers and the array of labels together pick one element a row.",
            (("    margins[rows, y] = 0\n", "    margins[:, y] = 0\n"),),
        ),
        Mistake(
            "whole columns replaced",
            "dx[:, y] = ... writes whole columns, for all examples. Pair each row with its own label.",
            ((_RIGHT, "dmargins[:, y] = -dmargins.sum(axis=1, keepdims=True)"),),
        ),
        Mistake(
            "nothing for the right class",
            "The score of the right class appears in every margin too: its part of the gradient is missing.",
            ((f"    {_RIGHT}\n", ""),),
        ),
        Mistake(
            "right class once an example",
            "The right class gets each example once. It gets it once for every wrong class whose margin is violated.",
            ((_RIGHT, "dmargins[rows, y] = -1"),),
        ),
        Mistake(
            "margins instead of their slope",
            "The gradient uses the size of the margins. The slope of a violated margin is 1, however large it is.",
            ((_COUNTED, "dmargins = margins.copy()"),),
        ),
        Mistake(
            "labels of the first example",
            "All examples are compared with the score of the first one's right class.",
            ((_HINGE, "margins = np.maximum(0, x - x[rows, y[0]][:, np.newaxis] + 1)"),),
        ),
    ),
)


def _probable(x, y):
    """Whether the classes are of very different probability, and the right ones not the likeliest everywhere."""
    if len(y) == 1:
        return np.ptp(x) > 0.5
    return np.ptp(x, axis=1).min() > 0.2 and (x.argmax(axis=1) != y).any() and abs(x.max() - x.max(axis=1)[-1]) > 0.1


def _large(rng):
    """Scores of a thousand, far apart, so that some right class has a probability of 0; and all of them negative."""

    def hopeless(x, y):
        return _probable(x, y) and (np.sign(x[3:]).max(axis=1) > np.sign(x[3:])[np.arange(len(y) - 3), y[3:]]).any()

    x, y = _examples(rng, 6, 4, hopeless)
    wide = 1000 * np.sign(x) + 20 * x
    wide[0] = 1000 + x[0]
    wide[1] = -1000 + x[1]
    return [(wide, y), (x - 800, y)]


_MAX = "shifted = x - x.max(axis=1, keepdims=True)"
_TOTALS = "totals = exponentials.sum(axis=1, keepdims=True)"
_LOG = "loss = np.mean(np.log(totals[:, 0]) - shifted[rows, y])"
_MINUS_ONE = "    dscores[rows, y] -= 1\n"
_SOFTMAX_GRADIENT = "return loss, dscores / num_train"
_SHIFT = (
    "Large scores overflow: e¹⁰⁰⁰ is infinite. A constant subtracted from all scores of an example changes nothing but "
    "the size of the numbers. Which constant makes the largest exponent 0?"
)

SOFTMAX = Check(
    "softmax_loss",
    (
        *_loss_properties(_probable),
        Property("Finite and right for scores of ±1,000", 1, _large, **SINGLE_PRECISION),
    ),
    (
        *_common(
            (_LOG, "loss = np.sum(np.log(totals[:, 0]) - shifted[rows, y])"),
            (_SOFTMAX_GRADIENT, "return loss, dscores"),
            "scores",
        ),
        Mistake("not shifted", _SHIFT, ((_MAX, "shifted = x"),)),
        Mistake(
            "one maximum for all",
            "The largest score of the whole batch is subtracted from all. An example whose own scores are far below "
            "loses all its exponentials to 0: every example has a maximum of its own.",
            ((_MAX, "shifted = x - x.max()"),),
        ),
        Mistake(
            "logarithm of zero",
            "A probability that is rounded to 0 has no finite logarithm, though the loss is finite. Take the logarithm "
            "of the formula first: log(e^a / sum) = a - log(sum).",
            ((_LOG, f"{_LOG[:7]}-np.mean(np.log((exponentials / totals)[rows, y]))"),),
        ),
        Mistake(
            "constant in the logarithm",
            "A small constant inside the logarithm keeps it finite, but the loss can then not grow beyond some 20 or "
            "30. Take the logarithm of the formula first: log(e^a / sum) = a - log(sum).",
            ((_LOG, f"{_LOG[:7]}-np.mean(np.log((exponentials / totals)[rows, y] + 1e-12))"),),
        ),
        Mistake(
            "softmax over the wrong axis",
            "The exponentials are divided by their sum over the examples. The probabilities of one example's classes "
            "add up to 1: sum over the other axis.",
            (
                (_MAX, "shifted = x - x.max(axis=0)"),
                (_TOTALS, "totals = np.broadcast_to(exponentials.sum(axis=0), x.shape)"),
                (_LOG, f"{_LOG[:7]}np.mean(np.log(totals[rows, y]) - shifted[rows, y])"),
            ),
        ),
        Mistake(
            "one sum for all",
            "All exponentials of the batch are added up. Each example has a sum of its own: say along which axis.",
            (
                (_MAX, "shifted = x - x.max()"),
                (_TOTALS, "totals = np.full((num_train, 1), exponentials.sum())"),
            ),
        ),
        Mistake(
            "softmax twice",
            "The softmax is applied to the probabilities once more.",
            (
                (
                    _MAX,
                    "x = np.exp(x - x.max(axis=1, keepdims=True))\n"
                    "    x = x / x.sum(axis=1, keepdims=True)\n    shifted = x - 0",
                ),
            ),
        ),
        Mistake(
            "negative loss",
            "The loss is negative: the logarithm of a probability is below zero, so it takes a minus.",
            ((_LOG, f"{_LOG[:7]}-np.mean(np.log(totals[:, 0]) - shifted[rows, y])"),),
        ),
        Mistake(
            "no logarithm",
            "This is the mean probability of the right classes, without the logarithm.",
            ((_LOG, f"{_LOG[:7]}-np.mean((exponentials / totals)[rows, y])"),),
        ),
        Mistake(
            "all classes in the loss",
            "The logarithms of all probabilities are added up. Only the right class of each example counts.",
            ((_LOG, f"{_LOG[:7]}np.sum(np.log(totals) - shifted) / num_train"),),
        ),
        Mistake(
            "mean over the classes too",
            "The loss is averaged over examples and classes. There is one term an example: average over the examples.",
            ((_LOG, f"{_LOG} / x.shape[1]"),),
        ),
        Mistake(
            "other logarithm",
            "This is a logarithm to the base 2 or 10. The natural one is asked for, np.log.",
            ((_LOG, f"{_LOG} / np.log(2)"),),
        ),
        Mistake(
            "decimal logarithm",
            "This is a logarithm to the base 2 or 10. The natural one is asked for, np.log.",
            ((_LOG, f"{_LOG} / np.log(10)"),),
        ),
        Mistake(
            "probabilities as gradient",
            "The gradient holds the probabilities alone. The right class's score appears once more in the loss, with a "
            "minus.",
            ((_MINUS_ONE, ""),),
        ),
        Mistake(
            "whole columns reduced",
            "dx[:, y] -= 1 changes whole columns, for all examples. Pair each row with its own label.",
            ((_MINUS_ONE, "    dscores[:, y] -= 1\n"),),
        ),
        Mistake(
            "right class only",
            "Only the right class's score has a gradient here. The others are in the loss as well, in the sum.",
            ((_MINUS_ONE, f"{_MINUS_ONE}    dscores *= np.eye(x.shape[1])[y]\n"),),
        ),
    ),
)
