"""The softmax loss: rows for blocks, sums that threads form together, and numbers that overflow."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Launch, Output
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .relu import SECONDS

CLASS_LOOP = "for (int j = t; j < classes; j += blockDim.x) "
GRADIENT = "(expf(s[j] - largest) / sum - (j == y[row])) / rows"
BEFORE_SUM = "shared[t] = sum;"
LOSSES, GRADIENTS = {"outputs": (0,), **SINGLE_PRECISION}, {"outputs": (1,), **SINGLE_PRECISION}
LOSS = "losses[row] = logf(sum) - (s[y[row]] - largest)"


def softmax(rng, rows, classes, blocks, threads, scale=2.0, shift=0.0):
    scores = (shift + scale * rng.standard_normal((rows, classes))).astype(np.float32)
    y = rng.integers(0, classes, rows).astype(np.int32)
    results = Output((rows,)), Output((rows, classes))
    return Case((Launch("softmax_loss", (blocks,), (threads,), (scores, y, *results, rows, classes), twice=True),))


def plain(rng):
    return [softmax(rng, 6, 10, 6, 32), softmax(rng, 3, 7, 5, 16), softmax(rng, 5, 32, 8, 32)]


def many_rows(rng):
    return [softmax(rng, 7, 5, 2, 2), softmax(rng, 9, 10, 1, 4), softmax(rng, 70, 3, 2, 8)]


def many_classes(rng):
    return [softmax(rng, 3, 50, 4, 16), softmax(rng, 2, 33, 2, 32), softmax(rng, 4, 9, 4, 1)]


def large_scores(rng):
    large = [softmax(rng, 4, 6, 4, 8, 1.0, shift) for shift in (1000.0, -1000.0)]
    return [softmax(rng, 4, 10, 4, 16, 300.0), *large]


def smallest(rng):
    return [softmax(rng, 1, 2, 1, 1), softmax(rng, 1, 10, 3, 32), softmax(rng, 5, 1, 5, 4)]


SOFTMAX_LOSS = Check(
    "softmax_loss_kernel",
    (
        Property("loss of each row", 2, plain, **LOSSES),
        Property("gradient of the mean loss", 2, plain, **GRADIENTS),
        Property("more rows than blocks", 1, many_rows, **GRADIENTS),
        Property("more classes than threads", 1, many_classes, **GRADIENTS),
        Property("scores of a thousand", 1, large_scores, outputs=(0,), rtol=1e-4, atol=5e-4),
        Property("a single row, a single class", 1, smallest, **LOSSES),
    ),
    (
        Mistake(
            "not shifted",
            "The exponential of 100 is too large for a float. Probabilities do not change when all scores of a row are "
            "shifted by the same number: which one makes every exponent harmless?",
            (("largest = shared[0];", "largest = 0;"),),
        ),
        Mistake(
            "label's one forgotten",
            "The gradient is the probabilities, and something more at the place of the right class.",
            ((GRADIENT, GRADIENT.replace("- (j == y[row])", "")),),
        ),
        Mistake(
            "sign of the label's one",
            "A higher score of the right class makes the loss smaller. Is the gradient at its place negative?",
            ((GRADIENT, GRADIENT.replace("- (j == y[row])", "+ (j == y[row])")),),
        ),
        Mistake(
            "gradient not divided",
            "The gradient is that of the mean over all rows, so each row has only its share in it.",
            ((GRADIENT, GRADIENT.replace(") / rows", ")")),),
        ),
        Mistake(
            "gradient divided by the classes",
            "The mean is taken over examples, not over classes.",
            ((GRADIENT, GRADIENT.replace(") / rows", ") / classes")),),
        ),
        Mistake(
            "not normalised",
            "Exponentials alone are no probabilities: in each row these have to add up to 1.",
            ((GRADIENT, GRADIENT.replace(" / sum", "")),),
        ),
        Mistake(
            "sign of the loss",
            "A loss is the negative logarithm of a probability, so it cannot be below 0.",
            ((LOSS, "losses[row] = s[y[row]] - largest - logf(sum)"),),
        ),
        Mistake(
            "logarithm forgotten",
            "This is the probability of the right class; the loss is large where that is small.",
            ((LOSS, "losses[row] = expf(s[y[row]] - largest) / sum"),),
        ),
        Mistake(
            "losses divided",
            "Each row has its own loss here, nothing is averaged yet: only the gradient belongs to the mean.",
            ((LOSS, "losses[row] = (logf(sum) - (s[y[row]] - largest)) / rows"),),
        ),
        Mistake(
            "wrong length of a row",
            "Rows lie one after another in memory. How many numbers does a row have?",
            (("scores + row * classes", "scores + row * rows"),),
        ),
        Mistake(
            "one row per block",
            "Each block does one row and stops. With more rows than blocks, who does the others?",
            (
                (
                    "for (int row = blockIdx.x; row < rows; row += gridDim.x) {",
                    "int row = blockIdx.x; if (row < rows) {",
                ),
            ),
        ),
        Mistake(
            "one class per thread",
            "Each thread looks at one class of the row. With more classes than threads some are never looked at.",
            (
                (CLASS_LOOP + "largest", "int j = t; if (j < classes) largest"),
                (CLASS_LOOP + "sum", "if (j < classes) sum"),
                (CLASS_LOOP + "{", "if (j < classes) {"),
            ),
        ),
        Mistake(
            "barrier missing",
            "Threads take from shared memory what others put there. Before they do, all must have put it; and before "
            "anybody puts something else into the same place, all must have taken it.",
            ((BEFORE_SUM + "\n        __syncthreads();", BEFORE_SUM),),
        ),
    ),
    SECONDS,
)
