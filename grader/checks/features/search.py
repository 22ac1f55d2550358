"""log_uniform and choose_best."""

import numpy as np

from grader.check import Check, Mistake, Property


def _drawn(rng):
    return [(rng.uniform(0.05, 0.95, size=n), low, high) for n, low, high in ((6, 1e-4, 1e-1), (4, 0.5, 80.0))]


def _ends(rng):
    return [(np.array([0.0, 1.0, 0.5]), 1e-3, 10.0), (float(rng.uniform(0.2, 0.8)), 2e-5, 3e-2), (1.0, 1e-2, 7.0)]


def _many_decades(rng):
    return [(rng.uniform(size=8), 1e-12, 1e5), (rng.uniform(size=5), 1e3, 1e9)]


_FORMULA = "return low * (high / low) ** u"

LOG_UNIFORM = Check(
    "log_uniform",
    (
        Property("Equal steps of u are equal factors", 1, _drawn, rtol=1e-4, atol=1e-10),
        Property("u = 0 gives low and u = 1 gives high, also for one number u", 0.5, _ends, rtol=1e-4, atol=1e-10),
        Property("Over many powers of ten", 0.5, _many_decades, rtol=1e-4, atol=1e-14),
    ),
    (
        Mistake(
            "linear scale",
            "Equal steps of u are equal differences here, a linear scale: nine tenths of the settings would be above a "
            "tenth of high. Make the exponent uniform instead.",
            ((_FORMULA, "return low + (high - low) * u"),),
        ),
        Mistake(
            "exponents",
            "These are the exponents, powers of ten that are still to be taken.",
            ((_FORMULA, "return np.log10(low) + u * np.log10(high / low)"),),
        ),
        Mistake(
            "natural exponents",
            "These are natural logarithms of the settings. The exponential function is still to be applied.",
            ((_FORMULA, "return np.log(low) + u * np.log(high / low)"),),
        ),
        Mistake(
            "ten for e",
            "The logarithm is the natural one, but the power is one of ten. Use the same base for both.",
            ((_FORMULA, "return 10.0 ** np.clip(np.log(low) + u * np.log(high / low), -300, 300)"),),
        ),
        Mistake(
            "e for ten",
            "The logarithm is to base ten, but the power is one of e. Use the same base for both.",
            ((_FORMULA, "return np.exp(np.log10(low) + u * np.log10(high / low))"),),
        ),
        Mistake(
            "ends exchanged",
            "The ends are exchanged: u = 0 should give low, and u = 1 high.",
            ((_FORMULA, "return high * (low / high) ** u"),),
        ),
        Mistake(
            "low added",
            "low is added to the power. On a logarithmic scale one starts at low by multiplying.",
            ((_FORMULA, "return low + (high / low) ** u"),),
        ),
        Mistake(
            "whole powers of ten",
            "The exponents are rounded, so that only a few settings come up. All between low and high should.",
            ((_FORMULA, "return 10.0 ** np.round(np.log10(low) + u * np.log10(high / low))"),),
        ),
    ),
)

_TRAINING, _VALIDATION, _TEST = 2, 3, 4


_TRAPS = (  # training, validation and test accuracy of the best row, then of what each wrong way to choose prefers
    (0.62, 0.60, 0.55),
    (0.99, 0.40, 0.40),  # the best on training images
    (0.50, 0.45, 0.75),  # on test images
    (0.90, 0.55, 0.45),  # on training and validation images together
    (0.62, 0.57, 0.70),  # on validation and test images together
    (0.16, 0.10, 0.15),  # the worst
    (0.33, 0.33, 0.30),  # the one without a gap
)


def _table(rng, tries):
    """Results in which every other way to choose gives another row than the validation accuracy does."""
    validation = rng.uniform(0.20, 0.38, size=tries)
    table = np.column_stack([validation + rng.uniform(0.03, 0.1, size=tries), validation, validation])
    table[:, 2] += rng.uniform(-0.05, 0.05, size=tries)
    places = rng.permutation(np.arange(1, tries - 1))[: len(_TRAPS)]
    table[places] = np.array(_TRAPS) + rng.uniform(-0.004, 0.004, size=(len(_TRAPS), 3))
    return np.column_stack([10 ** rng.uniform(-4, -1, size=tries), 10 ** rng.uniform(-6, -1, size=tries), table])


def _other_tables(rng):
    return [(_table(rng, 12).astype(np.float32),), (_table(rng, 12)[3:4],), (_table(rng, 40),)]


_CHOICE = "return int(np.argmax(results[:, 3]))"

CHOOSE_BEST = Check(
    "choose_best",
    (
        Property(
            "The row with the highest validation accuracy",
            1.5,
            lambda rng: [(_table(rng, n),) for n in (15, 25, 20)],
            "labels",
        ),
        Property("A single try, many tries, float32", 0.5, _other_tables, "labels"),
    ),
    (
        Mistake(
            "training accuracy",
            "This chooses by the training accuracy. It is highest where most was learned by heart.",
            ((_CHOICE, f"return int(np.argmax(results[:, {_TRAINING}]))"),),
        ),
        Mistake(
            "test accuracy",
            "This chooses by the test accuracy. Then the test images have taken part in the making of the classifier, "
            "and nothing is left to tell how good it is on images that it has never met.",
            ((_CHOICE, f"return int(np.argmax(results[:, {_TEST}]))"),),
        ),
        Mistake(
            "mean of validation and test",
            "The test accuracy takes part in the choice. It must not: it is there for the end.",
            ((_CHOICE, "return int(np.argmax(results[:, 3] + results[:, 4]))"),),
        ),
        Mistake(
            "mean of training and validation",
            "The training accuracy takes part in the choice and rewards learning by heart. Choose by the other one.",
            ((_CHOICE, "return int(np.argmax(results[:, 2] + results[:, 3]))"),),
        ),
        Mistake(
            "smallest gap",
            "This chooses the smallest gap between training and validation accuracy. A classifier that has learned "
            "nothing has no gap at all.",
            ((_CHOICE, "return int(np.argmin(results[:, 2] - results[:, 3]))"),),
        ),
        Mistake(
            "lowest",
            "This is the row with the lowest validation accuracy. Accuracies are better the higher they are.",
            ((_CHOICE, "return int(np.argmin(results[:, 3]))"),),
        ),
        Mistake(
            "accuracy instead of row",
            "This returns the best accuracy itself. Asked for is the number of the row where it stands.",
            ((_CHOICE, "return results[:, 3].max()"),),
        ),
        Mistake(
            "numbered from 1",
            "The rows are numbered from 1. Python counts them from 0.",
            ((_CHOICE, "return int(np.argmax(results[:, 3])) + 1"),),
        ),
        Mistake(
            "largest of the table",
            "This looks for the largest number of the whole table, whatever column it is in.",
            ((_CHOICE, "return int(np.argmax(results))"),),
        ),
        Mistake(
            "settings instead of row",
            "This returns the settings of the best row. Asked for is the number of the row.",
            ((_CHOICE, "return results[np.argmax(results[:, 3]), :2]"),),
        ),
    ),
)
