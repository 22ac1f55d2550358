"""word_embedding_forward and word_embedding_backward."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, backward, joined, narrow, own_backward


def _words(rng, shape, size, single=False):
    """Words x of this shape, most of them several times; the first and the last of the vocabulary are among them."""
    count = int(np.prod(shape))
    chosen = rng.choice(np.arange(1, size - 1), size=min(count, size // 2), replace=False)
    words = np.resize([0, size - 1, *chosen], count)
    return (words if single else rng.permutation(words)).reshape(shape)


def _vectors(rng, size, d):
    return rng.normal(size=(size, d))


def _forward(rng):
    return [
        Case((_words(rng, (3, 4), 9), _vectors(rng, 9, 5)), take=OUT),
        Case((_words(rng, (2, 5), 6), _vectors(rng, 6, 3)), take=OUT),
    ]


def _forward_edges(rng):
    one, single = np.array([[2]]), (_words(rng, (4, 3), 5).astype(np.uint8), *narrow((_vectors(rng, 5, 2),)))
    return [Case((one, _vectors(rng, 4, 3)), take=OUT), Case(single, take=OUT)]


_LOOKUP = "vectors = W[x]"

EMBEDDING_FORWARD = Check(
    "word_embedding_forward",
    (
        Property("The vector of each word", 1.5, _forward, **SINGLE_PRECISION),
        Property("A single word, numbers of dtype uint8, float32", 0.5, _forward_edges, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "counted from one",
            "Each word gets the vector of the word before it in the vocabulary. Words are counted from 0.",
            ((_LOOKUP, "vectors = W[x.astype(int) - 1]"),),
        ),
        Mistake(
            "counted from the end",
            "The vocabulary is read from its end: word 0 has the first row.",
            ((_LOOKUP, "vectors = W[::-1][x]"),),
        ),
        Mistake(
            "time as first axis",
            "The words of an example are along the first axis. The result is (N, T, D), in the order of x.",
            ((_LOOKUP, "vectors = W[x.T]"),),
        ),
        Mistake(
            "axes in another order",
            "The numbers of a vector are not along the last axis: the result is (N, T, D).",
            ((_LOOKUP, "vectors = W[x].transpose(0, 2, 1)"),),
        ),
        Mistake(
            "words added up",
            "The vectors of an example's words are added up. Each step keeps its own.",
            ((_LOOKUP, "vectors = W[x].sum(axis=1)"),),
        ),
    ),
)

_ADD = "np.add.at(dW, x, dout)"
_ZEROS = "dW = np.zeros_like(W)"


def _problem(rng, x, size, d, single=False):
    W, dout = _vectors(rng, size, d), rng.normal(size=(*x.shape, d))
    if single:
        W, dout = narrow((W, dout))
    return (x, W), dout, (x, W)


def _once(rng):
    """No word twice, and some not at all; the last of the vocabulary is among them."""
    x = rng.permutation([10, *rng.permutation(10)[:7]]).reshape(2, 4)
    return backward("word_embedding_forward", [_problem(rng, x, 11, 3)], OUT)


def _repeated(rng):
    problems = [_problem(rng, _words(rng, (3, 5), 6), 6, 4), _problem(rng, _words(rng, (4, 3), 5), 5, 2)]
    return backward("word_embedding_forward", problems, OUT)


def _backward_edges(rng):
    same, single = np.full((2, 3), 1), _words(rng, (3, 4), 5).astype(np.uint8)
    return joined(
        backward("word_embedding_forward", [_problem(rng, same, 4, 2)], OUT),
        backward("word_embedding_forward", [_problem(rng, single, 7, 3, single=True)], OUT),
    )


def _own(rng):
    arguments, dout, _ = _problem(rng, _words(rng, (3, 4), 5), 5, 3)
    return own_backward(rng, "word_embedding_forward", arguments, dout, (1, 1), OUT)


EMBEDDING_BACKWARD = Check(
    "word_embedding_backward",
    (
        Property("Words that occur once, or not at all", 0.5, _once, "either", **SINGLE_PRECISION),
        Property("Words that occur several times", 1.5, _repeated, "either", **SINGLE_PRECISION),
        Property("One word over and over, dtype uint8, float32", 0.5, _backward_edges, "either", **SINGLE_PRECISION),
        Property(
            "The gradients of your own word_embedding_forward, from your own cache",
            0.5,
            _own,
            "own_backward",
            rtol=1e-2,
            atol=1e-3,
        ),
    ),
    (
        Mistake(
            "overwritten on repeated words",
            "Where a word occurs several times, only the last place counts. With an array of numbers as the index, = "
            "and += write to each row once, whatever came before: the gradients of all places have to be added.",
            ((_ADD, "dW[x] += dout"),),
        ),
        Mistake(
            "first place only",
            "Where a word occurs several times, only the first place counts. Add the gradients of all.",
            ((_ADD, "dW[x[:, ::-1][::-1]] = dout[:, ::-1][::-1]"),),
        ),
        Mistake(
            "averaged over the places",
            "The gradient of a word is averaged over the places where it stands. Where something is used several "
            "times, its gradients add up.",
            ((_ADD, f"{_ADD}\n    dW /= np.maximum(1, np.bincount(x.ravel(), minlength=len(W)))[:, np.newaxis]"),),
        ),
        Mistake(
            "averaged over the examples",
            "The gradient is divided by the number of examples. The loss has done that already: add.",
            ((_ADD, f"{_ADD}\n    dW /= len(x)"),),
        ),
        Mistake(
            "counted from one",
            "Each gradient goes to the row of the word before. Words are counted from 0.",
            ((_ADD, "np.add.at(dW, x.astype(int) - 1, dout)"),),
        ),
        Mistake(
            "every word everywhere",
            "All rows get the gradients of all words. A row belongs to one word, and gets those of its places.",
            ((_ADD, "dW += dout.sum(axis=(0, 1))"),),
        ),
        Mistake(
            "last step of each example only",
            "Only the last word of each example has a gradient. All steps count.",
            ((_ADD, "np.add.at(dW, x[:, -1], dout[:, -1])"),),
        ),
        Mistake(
            "rows of the words that occur only",
            "dW has rows for some words only. It has the shape of W: a word that does not occur has a row of zeros.",
            ((_ZEROS, "dW = np.zeros_like(W[: x.max() + 1])"),),
        ),
    ),
)
