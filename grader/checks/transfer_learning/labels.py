"""select_classes: images of some classes, their labels counted anew."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import Check, Mistake, Property


def _problem(rng, chosen):
    """Images of ten classes, those of all chosen ones among them; the first of these is not of chosen[0]."""
    while True:
        y = rng.integers(0, 10, 24)
        found = [label for label in y if label in chosen]
        first_seen = list(dict.fromkeys(found))
        if set(found) == set(chosen) and first_seen not in (sorted(chosen), list(chosen)):
            return Case((rng.integers(1, 256, (24, 2, 3, 1), dtype=np.uint8), y, np.array(chosen)), take=(0, 1))


def _ascending(rng):
    return [_problem(rng, sorted(rng.choice(np.arange(1, 10), count, replace=False))) for count in (4, 3)]


def _any_order(rng):
    """Neither ascending nor descending; the smallest label comes neither first nor last."""
    a, b, c, d = sorted(rng.choice(10, 4, replace=False))
    return [_problem(rng, (c, a, d, b)), _problem(rng, (d, a, c))]


_FOUND = "found = y[:, np.newaxis] == classes"
_ROWS = "rows = found.any(axis=1)"
_RETURN = "return X[rows], found[rows].argmax(axis=1)"

SELECT_CLASSES = Check(
    "select_classes",
    (
        Property("Classes in ascending order", 1, _ascending),
        Property("Classes in any order: the label k is that of classes[k]", 1, _any_order),
    ),
    (
        Mistake(
            "labels not counted anew",
            "The labels are those of the data set. A network with K scores knows the labels 0 to K - 1 only.",
            ((_RETURN, "return X[rows], y[rows]"),),
        ),
        Mistake(
            "labels in order of appearance",
            "The labels are counted in the order in which the classes come up among the images. So they depend on the "
            "images: training and test images of one class may get different labels. The list of classes decides.",
            (
                (
                    _RETURN,
                    "order = list(dict.fromkeys(y[rows].tolist()))\n"
                    "    return X[rows], np.array([order.index(label) for label in y[rows]])",
                ),
            ),
        ),
        Mistake(
            "labels in ascending order",
            "The labels are counted in ascending order of the classes, whatever order the list has them in.",
            ((_FOUND, "found = y[:, np.newaxis] == np.sort(classes)"),),
        ),
        Mistake(
            "labels counted from 1",
            "The labels are counted from 1. The first class of the list has the number 0.",
            ((_RETURN, f"{_RETURN} + 1"),),
        ),
        Mistake(
            "sorted by class",
            "Images and labels are sorted by class. They stay in the order that they have in X.",
            (
                (
                    _RETURN,
                    "by_class = np.concatenate([np.flatnonzero(column) for column in found.T])\n"
                    "    return X[by_class], found[by_class].argmax(axis=1)",
                ),
            ),
        ),
        Mistake(
            "all images",
            "All images come back, also those of other classes.",
            ((_ROWS, "rows = np.ones(len(y), bool)"),),
        ),
        Mistake(
            "the other classes",
            "These are the images of the other classes: the choice is upside down.",
            ((_FOUND, "others = np.setdiff1d(np.unique(y), classes)\n    found = y[:, np.newaxis] == others"),),
        ),
    ),
)
