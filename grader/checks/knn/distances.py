"""compute_distances_*: two loops, one loop, no loop."""

from functools import partial

import numpy as np

from grader.check import Check, Mistake, Property

_GAP = 1e-3  # the least relative difference between two distances of a row


def _points(rng, num_test, num_train, dim, scale=1.0, offset=0.0):
    """(X, X_train) of normal points that only the L2 distance ranks rightly; see `_tells_apart`."""
    while True:
        X = offset + scale * rng.normal(size=(num_test, dim))
        X_train = offset + scale * rng.normal(size=(num_train, dim))
        if _tells_apart(X, X_train):
            return X, X_train


def _tells_apart(X, X_train):
    """Whether, for each test point, the distances are _GAP of the largest apart, and near misses rank differently.

    Near misses: L1, distances cut to whole numbers, squares without the test point's norm (clipped at zero). With one
    training point or one feature there is nothing to rank differently.
    """
    differences = X[:, np.newaxis] - X_train
    distances = np.sqrt((differences**2).sum(axis=2))
    if (np.diff(np.sort(distances, axis=1), axis=1) <= _GAP * distances.max()).any():
        return False
    if 1 in differences.shape[1:]:
        return True
    near_misses = (
        np.abs(differences).sum(axis=2),
        np.floor(distances),
        np.maximum((X_train**2).sum(axis=1) - 2 * X @ X_train.T, 0),
    )
    order = np.argsort(distances, axis=1)
    return all((np.argsort(miss, axis=1, kind="stable") != order).any() for miss in near_misses)


def _ranked(rng):
    return [_points(rng, 6, 9, 5), _points(rng, 9, 7, 3)]


def _single(rng):
    return [_points(rng, 1, 8, 4), _points(rng, 5, 1, 4), _points(rng, 5, 7, 1)]


def _pixels(rng):
    X, X_train = _points(rng, 6, 12, 48, scale=40, offset=128)
    return [(X.astype(np.float32), X_train.astype(np.float32))]


def _coincident(rng):
    """Every test point is a training point, and (a-b)^2 by its expansion comes out below zero for several."""
    while True:
        X_train = rng.normal(size=(14, 24))
        X = rng.permutation(X_train)[:10]
        expanded = (X**2).sum(axis=1, keepdims=True) - 2 * X @ X_train.T + (X_train**2).sum(axis=1)
        if (expanded < 0).sum() >= 3 and _tells_apart(X, X_train):
            return [(X, X_train)]


def _distance_properties():
    return (
        Property("Ranks the training points from near to far", 1, _ranked, "order", rtol=1e-5),
        Property("Gives the Euclidean distances themselves", 1, _ranked, rtol=1e-4),
        Property("One test point, one training point, one feature", 1, _single, "order", rtol=1e-5),
        Property("Pixel values from 0 to 255 in float32", 0.5, _pixels, "order", rtol=1e-3),
        Property("A test point that is also a training point", 0.5, _coincident, "order", rtol=1e-5, atol=1e-5),
    )


_SQUARED = partial(
    Mistake,
    "squared distance",
    "These are squared distances. They rank the neighbours alike, but the distance itself was asked for: "
    "one step of the formula is still to do.",
)
_L1 = partial(
    Mistake,
    "L1 distance",
    "This is the L1 (city-block) distance, a sum of absolute differences. The L2 distance sums squares instead.",
)
_MEAN = partial(
    Mistake,
    "mean of the squares",
    "You average the squared differences over the features. The Euclidean distance adds them up.",
)
_SQUARED_SUM = partial(
    Mistake,
    "square of the sum",
    "You add up the differences first and square the total, so that positive and negative ones cancel. "
    "Square every difference before adding.",
)
_TRANSPOSED = partial(
    Mistake,
    "transposed",
    "The matrix is transposed: rows belong to test points, columns to training points.",
)
_WHOLE_NUMBERS = partial(
    Mistake,
    "whole numbers",
    "The array that collects the distances has an integer dtype, so every distance loses its decimals. "
    "Give it a floating-point dtype.",
)
_EARLY_RETURN = partial(
    Mistake,
    "returns too early",
    "Only the first test point is done, all other rows are zero: the return is inside the loop.",
)

TWO_LOOPS = Check(
    "compute_distances_two_loops",
    _distance_properties(),
    (
        _SQUARED((("np.sqrt(np.sum(difference**2))", "np.sum(difference**2)"),)),
        _L1((("np.sqrt(np.sum(difference**2))", "np.sum(np.abs(difference))"),)),
        _MEAN((("np.sqrt(np.sum(difference**2))", "np.sqrt(np.mean(difference**2))"),)),
        _SQUARED_SUM((("np.sqrt(np.sum(difference**2))", "np.sqrt(np.sum(difference) ** 2)"),)),
        Mistake(
            "difference of the lengths",
            "This compares how long the two vectors are. Points in opposite directions can have equal lengths and "
            "still be far apart: subtract the vectors first, then take the length.",
            (
                (
                    "np.sqrt(np.sum(difference**2))",
                    "abs(np.sqrt(np.sum(X[i] ** 2)) - np.sqrt(np.sum(X_train[j] ** 2)))",
                ),
            ),
        ),
        _TRANSPOSED(
            (("np.zeros((num_test, num_train))", "np.zeros((num_train, num_test))"), ("dists[i, j] =", "dists[j, i] ="))
        ),
        _WHOLE_NUMBERS((("np.zeros((num_test, num_train))", "np.zeros((num_test, num_train), dtype=int)"),)),
        _EARLY_RETURN((("np.sqrt(np.sum(difference**2))", "np.sqrt(np.sum(difference**2))\n        return dists"),)),
    ),
)

ONE_LOOP = Check(
    "compute_distances_one_loop",
    _distance_properties(),
    (
        _SQUARED((("np.sqrt(squares.sum(axis=1))", "squares.sum(axis=1)"),)),
        _L1((("np.sqrt(squares.sum(axis=1))", "np.sqrt(squares).sum(axis=1)"),)),
        _MEAN((("np.sqrt(squares.sum(axis=1))", "np.sqrt(squares.mean(axis=1))"),)),
        _SQUARED_SUM((("np.sqrt(squares.sum(axis=1))", "np.abs((X_train - point).sum(axis=1))"),)),
        Mistake(
            "sum over the wrong axis",
            "The sum runs over the training points and leaves one number for each feature. It should run over the "
            "features and leave one number for each training point.",
            (("np.sqrt(squares.sum(axis=1))", "np.sqrt(squares.sum(axis=0))"),),
        ),
        Mistake(
            "sum over everything",
            "All distances of a row are equal: the sum runs over the training points as well. "
            "Say along which axis to add.",
            (("np.sqrt(squares.sum(axis=1))", "np.sqrt(squares.sum())"),),
        ),
        _TRANSPOSED(
            (("np.zeros((len(X), len(X_train)))", "np.zeros((len(X_train), len(X)))"), ("dists[i] =", "dists[:, i] ="))
        ),
        _WHOLE_NUMBERS((("np.zeros((len(X), len(X_train)))", "np.zeros((len(X), len(X_train)), dtype=int)"),)),
        _EARLY_RETURN((("np.sqrt(squares.sum(axis=1))", "np.sqrt(squares.sum(axis=1))\n        return dists"),)),
    ),
)

_EXPANSION = "test_norms - 2 * X @ X_train.T + train_norms"
_NO_TRAIN_NORMS = "One of the three terms is missing: each training point brings its own squared length."
_NO_TEST_NORMS = (
    "One of the three terms is missing: the squared length of the test point. Without it the order within a row may "
    "stay, but these are no distances."
)

NO_LOOPS = Check(
    "compute_distances_no_loops",
    (*_distance_properties(), Property("Uses no Python loop", 1, compare="no_loops")),
    (
        _SQUARED((("np.sqrt(np.maximum(squared, 0))", "np.maximum(squared, 0)"),)),
        _L1((("np.sqrt(np.maximum(squared, 0))", "np.abs(X[:, None] - X_train).sum(axis=2)"),)),
        _MEAN((("np.sqrt(np.maximum(squared, 0))", "np.sqrt(np.maximum(squared, 0) / X.shape[1])"),)),
        _SQUARED_SUM((("np.sqrt(np.maximum(squared, 0))", "np.abs((X[:, None] - X_train).sum(axis=2))"),)),
        _TRANSPOSED((("np.sqrt(np.maximum(squared, 0))", "np.sqrt(np.maximum(squared, 0)).T"),)),
        Mistake(
            "sign of the product",
            "The product term is added. Look at the signs in the expansion of the squared difference.",
            ((_EXPANSION, "test_norms + 2 * X @ X_train.T + train_norms"),),
        ),
        Mistake(
            "product taken once",
            "The product term is there, but its factor is not the one of the expansion.",
            ((_EXPANSION, "test_norms - X @ X_train.T + train_norms"),),
        ),
        Mistake(
            "no training norms",
            _NO_TRAIN_NORMS,
            ((_EXPANSION, "test_norms - 2 * X @ X_train.T"),),
        ),
        Mistake(
            "no training norms, not clipped",
            _NO_TRAIN_NORMS,
            ((_EXPANSION, "test_norms - 2 * X @ X_train.T"), ("np.maximum(squared, 0)", "squared")),
        ),
        Mistake(
            "no test norms",
            _NO_TEST_NORMS,
            ((_EXPANSION, "train_norms - 2 * X @ X_train.T"),),
        ),
        Mistake(
            "no test norms, not clipped",
            _NO_TEST_NORMS,
            ((_EXPANSION, "train_norms - 2 * X @ X_train.T"), ("np.maximum(squared, 0)", "squared")),
        ),
        Mistake(
            "not clipped",
            "Where two points coincide, rounding makes the squared distance a tiny negative number, and its square "
            "root is NaN. Keep it from going below zero first.",
            (("np.maximum(squared, 0)", "squared"),),
        ),
    ),
)
