"""softmax_loss_naive and softmax_loss_vectorized."""

import numpy as np

from grader.check import Check, Mistake, Property

from ..linear_losses import NO_LOOPS, common_mistakes, examples, loss_properties, zeros_property

_LARGE = {"rtol": 1e-3, "atol": 1e-3}  # of float32 scores of 1,000, four digits are left


def _moderate(W, X, y):
    """Whether no example's right class is nearly certain or nearly impossible."""
    probabilities = np.exp(X @ W)
    right = probabilities[np.arange(len(y)), y] / probabilities.sum(axis=1)
    return 0.02 < right.min() and right.max() < 0.95 and (len(y) == 1 or np.ptp(right) > 0.1)


def _large(rng):
    """All scores about 1,000; all about -1,000; some examples' about 1,000 and others' about -1,000.

    Nothing changes but for the size of the numbers.
    """
    cases = []
    for size, signs in ((1000.0, 1), (-1000.0, 1), (1000.0, np.array([1, -1, -1, 1, -1]))):
        W, X, y, _ = examples(rng, (5, 4, 3), scale=0.4, accepts=_moderate)
        W = np.vstack([W, np.full(3, size)])
        cases.append((W, np.column_stack([X, np.full(5, signs)]), y, 0.0))
    return cases


def _far_apart(rng):
    """A wrong class leads by about 1,000: the right one's probability is too small for a float, its log is not."""
    W, X, y, _ = examples(rng, (5, 4, 3), scale=0.4, accepts=_moderate)
    W = np.column_stack([W, W[:, 0]])
    W[-1, 3] += 1000.0
    return [(W, X, y, 0.0)]


_PROPERTIES = (
    *loss_properties(_moderate, scale=0.4, step=5e-3),
    zeros_property("All weights zero: the loss is log C"),
    Property("Scores of 1,000 do not overflow", 0.5, _large, **_LARGE),
    Property("A lead of 1,000 for a wrong class: no logarithm of 0", 0.5, _far_apart, **_LARGE),
)

_NOT_SHIFTED = (
    "exp(1000) is infinite. The probabilities stay the same when one number is subtracted from all scores of an "
    "example: choose it so that no exponent is above 0."
)
_LOG_OF_ZERO = (
    "A probability that is too small for a float becomes 0, and its logarithm infinite. Write the logarithm of the "
    "quotient as a difference: one term needs neither logarithm nor exponential."
)
_FLOOR = (
    "A small number under the logarithm keeps it finite, but wrong: the loss of an example can then never grow beyond "
    "some 20. Write the logarithm of the quotient as a difference."
)
_NOT_DIVIDED = "The gradient holds the exponentials themselves: divide by their sum, as for the probabilities."
_ADDED = "The right class's 1 is added to its probability. In the loss its score has a minus sign."
_NOT_SUBTRACTED = (
    "The gradient holds the probabilities alone. The right class's own score appears in the loss a second time."
)
_TWICE = "The softmax is taken twice: probabilities go into it as if they were scores."
_NO_LOG = "This adds up the probabilities of the right classes themselves: the logarithm is missing."
_UPSIDE_DOWN = "The loss has the wrong sign: it should fall when the right class becomes more probable."
_ALL = "The logarithms of all classes are added. Only the right class's probability belongs in the loss."
_DECIMAL = "This is a decimal logarithm. The loss uses the natural one, and the gradient belongs to that."

_NAIVE_LOSS = "loss = loss / num_train + reg * np.sum(W * W)"
_NAIVE_GRADIENT = "dW = dW / num_train + 2 * reg * W"
_TERM = "loss += np.log(total) - shifted[y[i]]"
_COLUMN = "dW[:, j] += (probability - (j == y[i])) * X[i]"

NAIVE = Check(
    "softmax_loss_naive",
    _PROPERTIES,
    (
        *common_mistakes(_NAIVE_LOSS, _NAIVE_GRADIENT, "reg * np.sum(W * W)", "2 * reg * W"),
        Mistake("overflow", _NOT_SHIFTED, (("shifted = scores - scores.max()\n", "shifted = scores\n"),)),
        Mistake("logarithm of 0", _LOG_OF_ZERO, ((_TERM, "loss -= np.log(np.exp(shifted[y[i]]) / total)"),)),
        Mistake(
            "a floor under the logarithm", _FLOOR, ((_TERM, "loss -= np.log(np.exp(shifted[y[i]]) / total + 1e-8)"),)
        ),
        Mistake("right class not subtracted", _NOT_SUBTRACTED, ((_COLUMN, "dW[:, j] += probability * X[i]"),)),
        Mistake("right class added", _ADDED, ((_COLUMN, "dW[:, j] += (probability + (j == y[i])) * X[i]"),)),
        Mistake(
            "right class subtracted for every class",
            "The right class's column loses the example once for every class. It should do so once: that line belongs "
            "outside of the loop over the classes.",
            ((_COLUMN, "dW[:, j] += probability * X[i]\n            dW[:, y[i]] -= X[i]"),),
        ),
        Mistake("probabilities not divided", _NOT_DIVIDED, (("np.exp(shifted[j]) / total", "np.exp(shifted[j])"),)),
        Mistake(
            "one subtracted from every class",
            "1 is subtracted from every probability. Only the right class's own score is in the loss once more.",
            ((_COLUMN, "dW[:, j] += (probability - 1) * X[i]"),),
        ),
        Mistake(
            "only the right class's column",
            "Only the right class's column of the gradient is filled. Every class's score is in the sum that the "
            "probabilities are divided by.",
            (
                (
                    "            probability = ",
                    "            if j != y[i]:\n                continue\n            probability = ",
                ),
            ),
        ),
        Mistake(
            "softmax twice",
            _TWICE,
            (
                (
                    "shifted = scores - scores.max()\n",
                    "shifted = np.exp(scores - scores.max()) / np.sum(np.exp(scores - scores.max()))\n",
                ),
            ),
        ),
        Mistake("no logarithm", _NO_LOG, ((_TERM, "loss -= np.exp(shifted[y[i]]) / total"),)),
        Mistake("upside down", _UPSIDE_DOWN, ((_TERM, "loss -= np.log(total) - shifted[y[i]]"),)),
        Mistake("all classes in the loss", _ALL, ((_TERM, "loss += np.sum(np.log(total) - shifted)"),)),
        Mistake("decimal logarithm", _DECIMAL, ((_TERM, "loss += (np.log(total) - shifted[y[i]]) / np.log(10)"),)),
        Mistake(
            "only the last example's loss",
            "Each example's loss replaces the one before it, so that only the last is left. Add them up.",
            ((_TERM, "loss = np.log(total) - shifted[y[i]]"),),
        ),
        Mistake(
            "returns too early",
            "Only the first example is counted: the average and the return are inside the loop.",
            ((f"    {_NAIVE_LOSS}", f"        break\n    {_NAIVE_LOSS}"),),
        ),
    ),
)

_LOSS = "loss = np.sum(np.log(totals[:, 0]) - shifted[rows, y]) / num_train + reg * np.sum(W**2)"
_GRADIENT = "dW = X.T @ dscores / num_train + 2 * reg * W"
_TERMS = "np.log(totals[:, 0]) - shifted[rows, y]"
_SHIFT = "shifted = scores - scores.max(axis=1, keepdims=True)"
_TOTALS = "totals = exponentials.sum(axis=1, keepdims=True)"
_SUBTRACTED = "    dscores[rows, y] -= 1\n"

VECTORIZED = Check(
    "softmax_loss_vectorized",
    (*_PROPERTIES, NO_LOOPS),
    (
        *common_mistakes(_LOSS, _GRADIENT, "reg * np.sum(W**2)", "2 * reg * W"),
        Mistake("overflow", _NOT_SHIFTED, ((_SHIFT, "shifted = scores"),)),
        Mistake("logarithm of 0", _LOG_OF_ZERO, ((_TERMS, "-np.log(exponentials[rows, y] / totals[:, 0])"),)),
        Mistake(
            "a floor under the logarithm", _FLOOR, ((_TERMS, "-np.log(exponentials[rows, y] / totals[:, 0] + 1e-8)"),)
        ),
        Mistake(
            "one maximum for all",
            "The same number is subtracted from all examples' scores. One whose scores lie 1,000 below that number is "
            "left with nothing but zeros: every example needs a number of its own.",
            ((_SHIFT, "shifted = scores - scores.max()"),),
        ),
        Mistake(
            "maximum over the examples",
            "The maximum is taken over the examples, so another number is subtracted from each class, which changes "
            "the probabilities. It has to be the same for all classes of an example: the other axis.",
            ((_SHIFT, "shifted = scores - scores.max(axis=0)"),),
        ),
        Mistake("right class not subtracted", _NOT_SUBTRACTED, ((_SUBTRACTED, ""),)),
        Mistake("right class added", _ADDED, ((_SUBTRACTED, "    dscores[rows, y] += 1\n"),)),
        Mistake("probabilities not divided", _NOT_DIVIDED, (("exponentials / totals\n", "exponentials.copy()\n"),)),
        Mistake(
            "one subtracted from whole columns",
            "dscores[:, y] -= 1 changes whole columns, for all examples. Pair each row with its own label: an array of "
            "row numbers and the array of labels together pick one element from each row.",
            ((_SUBTRACTED, "    dscores[:, y] -= 1\n"),),
        ),
        Mistake(
            "wrong axis",
            "The exponentials are added up over the examples. The probabilities of the classes of one example have to "
            "add up to 1: the other axis.",
            ((_TOTALS, "totals = exponentials.sum(axis=0, keepdims=True)"), ("totals[:, 0]", "totals[0, y]")),
        ),
        Mistake(
            "sum over everything",
            "The exponentials of all examples are added up together. Each example has its own sum.",
            ((_TOTALS, "totals = exponentials.sum(keepdims=True)"),),
        ),
        Mistake(
            "softmax twice",
            _TWICE,
            ((_SHIFT, f"{_SHIFT}\n    shifted = np.exp(shifted) / np.exp(shifted).sum(1)[:, None]"),),
        ),
        Mistake("no logarithm", _NO_LOG, ((_TERMS, "-exponentials[rows, y] / totals[:, 0]"),)),
        Mistake("upside down", _UPSIDE_DOWN, ((_TERMS, "shifted[rows, y] - np.log(totals[:, 0])"),)),
        Mistake("all classes in the loss", _ALL, ((_TERMS, "np.log(totals) - shifted"),)),
        Mistake("decimal logarithm", _DECIMAL, ((_TERMS, f"({_TERMS}) / np.log(10)"),)),
        Mistake(
            "mean over the classes too",
            "The loss is divided by the number of classes as well. Average over the examples only.",
            ((f"{_TERMS}) / num_train", f"{_TERMS}) / scores.size"),),
        ),
        Mistake(
            "transposed gradient",
            "The gradient is transposed: it has to have the shape of W, (D, C).",
            ((_GRADIENT, "dW = (X.T @ dscores / num_train + 2 * reg * W).T"),),
        ),
    ),
)
