"""temporal_softmax_loss(x, y, mask) -> (loss, dx)."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

LOSS, GRADIENT = (0,), (1,)


def _masked(rng, N, T):
    """A mask of sentences of different lengths, of one word and of all T among them, filled up at the end."""
    lengths = np.array([1, T, *rng.integers(1, T, size=N - 2)])
    return np.arange(T) < rng.permutation(lengths)[:, np.newaxis]


def _examples(rng, N, T, V, masked=False):
    """(x, y, mask): scores of different size at each step, every word likely somewhere and unlikely elsewhere."""
    x = 1.5 * rng.normal(size=(N, T, V)) + rng.normal(size=(N, T, 1))
    return x, rng.integers(0, V, size=(N, T)), _masked(rng, N, T) if masked else np.ones((N, T), bool)


def _whole(rng):
    return [_examples(rng, 3, 4, 5), _examples(rng, 2, 5, 3)]


def _filled_up(rng):
    return [_examples(rng, 4, 5, 3, masked=True), _examples(rng, 3, 4, 6, masked=True)]


def _own(rng):
    """The scores, then other words, another mask, and six of the scores' neighbours in pairs."""
    x, y, mask = _examples(rng, 4, 3, 5, masked=True)
    others = [(x, (y + 1) % 5, mask), (x, y, np.ones_like(mask))]
    for step in 1e-3 * rng.normal(size=(3, *x.shape)):
        others += [(x + step, y, mask), (x - step, y, mask)]
    return [Case((x, y, mask)), *(Case(arguments, take=LOSS) for arguments in others)]


def _large(rng):
    """Scores of a thousand, so that some words have a probability of 0."""
    x, y, mask = _examples(rng, 3, 4, 5, masked=True)
    return [(1000 * np.sign(x) + x, y, mask), (x - 900, y, mask)]


def _edges(rng):
    x, y, mask = _examples(rng, 3, 4, 5, masked=True)
    mask[0] = False
    return [_examples(rng, 1, 3, 2), _examples(rng, 3, 1, 4), (x.astype(np.float32), y.astype(np.uint8), mask)]


_RIGHT = "right = np.arange(N)[:, np.newaxis], np.arange(T), y"
_SHIFT = "shifted = x - x.max(axis=2, keepdims=True)"
_LOGARITHMS = "logarithms = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))"
_LOSSES = "losses = -logarithms[right]"
_LOSS = "loss = np.sum(mask * losses) / N"
_DSCORES = "dscores = np.exp(logarithms)"
_MINUS_ONE = "    dscores[right] -= 1\n"
_DX = "dx = dscores * mask[:, :, np.newaxis] / N"
_AXES = "Sum over the steps and average over the examples, N, only."

TEMPORAL_SOFTMAX_LOSS = Check(
    "temporal_softmax_loss",
    (
        Property("The loss, everything counting", 1, _whole, outputs=LOSS, **SINGLE_PRECISION),
        Property("Its gradient, everything counting", 1, _whole, outputs=GRADIENT, **SINGLE_PRECISION),
        Property("What is masked does not count", 1.5, _filled_up, **SINGLE_PRECISION),
        Property("The gradient is that of your own loss", 0.5, _own, "own_gradient", rtol=5e-3, atol=1e-4),
        Property("Finite and right for scores of ±1,000", 0.5, _large, **SINGLE_PRECISION),
        Property("One example, one step, nothing in a row counting, float32", 0.5, _edges, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "mask ignored",
            "The mask has no effect: filling counts like words, in the loss and in its gradient.",
            ((_LOSS, "loss = np.sum(losses) / N"), (_DX, "dx = dscores / N")),
        ),
        Mistake(
            "mask ignored in the loss",
            "The mask has no effect on the loss, only on its gradient.",
            ((_LOSS, "loss = np.sum(losses) / N"),),
        ),
        Mistake(
            "mask ignored in the gradient",
            "The mask has no effect on the gradient. Scores that do not count in the loss have a gradient of zero.",
            ((_DX, "dx = dscores / N"),),
        ),
        Mistake(
            "mask the other way round",
            "What counts is left out, and what does not count is in: True is for words that count.",
            (
                (_LOSS, "loss = np.sum((1 - mask) * losses) / N"),
                (_DX, "dx = dscores * (1 - mask)[:, :, np.newaxis] / N"),
            ),
        ),
        Mistake(
            "scores masked",
            "The mask is multiplied with the scores. Scores of zero are scores too, with a loss of log V: leave out "
            "the losses, not the scores.",
            (
                (_SHIFT, "x = x * mask[:, :, np.newaxis]\n    shifted = x - x.max(axis=2, keepdims=True)"),
                (_LOSS, "loss = np.sum(losses) / N"),
            ),
        ),
        Mistake(
            "averaged over the steps too",
            f"Loss and gradient are divided by N and by T. {_AXES}",
            ((_LOSS, f"{_LOSS} / T"), (_DX, f"{_DX} / T")),
        ),
        Mistake(
            "averaged over what counts",
            f"Loss and gradient are divided by the number of words that count. {_AXES}",
            (
                (_LOSS, "loss = np.sum(mask * losses) / mask.sum()"),
                (_DX, "dx = dscores * mask[:, :, np.newaxis] / mask.sum()"),
            ),
        ),
        Mistake(
            "averaged over the steps instead",
            f"Loss and gradient are divided by T, not by N. {_AXES}",
            ((_LOSS, "loss = np.sum(mask * losses) / T"), (_DX, "dx = dscores * mask[:, :, np.newaxis] / T")),
        ),
        Mistake(
            "nothing averaged",
            "Loss and gradient are not averaged over the examples.",
            ((_LOSS, "loss = np.sum(mask * losses)"), (_DX, "dx = dscores * mask[:, :, np.newaxis]")),
        ),
        Mistake(
            "gradient not averaged",
            "The loss is averaged but its gradient is not: divide it by the number of examples too.",
            ((_DX, "dx = dscores * mask[:, :, np.newaxis]"),),
        ),
        Mistake(
            "softmax over the steps",
            "The exponentials are divided by their sum over the steps. It is the words of one step whose probabilities "
            "add up to 1.",
            (
                (_SHIFT, "shifted = x - x.max(axis=1, keepdims=True)"),
                (_LOGARITHMS, "logarithms = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))"),
            ),
        ),
        Mistake(
            "one sum for all",
            "All exponentials of an example are added up. Each step has a sum of its own.",
            (
                (_SHIFT, "shifted = x - x.max(axis=(1, 2), keepdims=True)"),
                (_LOGARITHMS, "logarithms = shifted - np.log(np.exp(shifted).sum(axis=(1, 2), keepdims=True))"),
            ),
        ),
        Mistake(
            "words of the first example",
            "All examples are compared with the words of the first one.",
            ((_RIGHT, "right = np.arange(N)[:, np.newaxis], np.arange(T), y[:1] + 0 * y"),),
        ),
        Mistake(
            "probabilities as gradient",
            "The gradient holds the probabilities alone. The right word's score appears once more in the loss, with a "
            "minus.",
            ((_MINUS_ONE, ""),),
        ),
        Mistake(
            "gradient downhill",
            "The gradient has the wrong sign: it points to where the loss grows.",
            ((_DX, _DX.replace("dscores *", "-dscores *")),),
        ),
        Mistake(
            "negative loss",
            "The loss is negative: the logarithm of a probability is below zero, so it takes a minus.",
            ((_LOSS, "loss = -np.sum(mask * losses) / N"),),
        ),
        Mistake(
            "not shifted",
            "Large scores overflow: e¹⁰⁰⁰ is infinite. A constant subtracted from all scores of a step changes nothing "
            "but the size of the numbers. Which constant makes the largest exponent 0?",
            ((_SHIFT, "shifted = x + 0"),),
        ),
        Mistake(
            "logarithm of zero",
            "A probability that is rounded to 0 has no finite logarithm, though the loss is finite. Take the logarithm "
            "of the formula first: log(e^a / sum) = a - log(sum).",
            (
                (
                    _LOSSES,
                    "losses = -np.log((np.exp(shifted) / np.exp(shifted).sum(axis=2, keepdims=True))[right])",
                ),
            ),
        ),
    ),
)
