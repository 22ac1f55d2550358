"""How assignment 1's notebook `knn` is judged.

General cases keep away from kinks: distances are well apart, votes are never tied. The kinks (a distance of zero, a
tied vote) have properties of their own. Every property has a case that no constant answer passes.
"""

from functools import partial

import numpy as np

from grader.check import Check, Mistake, NotebookChecks, Property

_GAP = 1e-3  # the least relative difference between two distances of a row


# Distances


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

_TWO_LOOPS = Check(
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

_ONE_LOOP = Check(
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

_NO_LOOPS = Check(
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


# Labels

_GAPPY = np.array([3, 7, 42, 200])


def _distance_table(rng, num_test, num_train):
    """Distances (num_test, num_train) whose order is drawn, any two of a row at least 0.5 apart."""
    ranks = rng.permuted(np.tile(np.arange(1.0, num_train + 1), (num_test, 1)), axis=1)
    return ranks + rng.uniform(0, 0.5, ranks.shape)


def _vote(dists, y_train, k, num_labels=4):
    """Votes for each label 0 .. num_labels - 1 among the k nearest, (num_test, num_labels)."""
    near = y_train[np.argsort(dists, axis=1)[:, :k]]
    return (near[:, :, np.newaxis] == np.arange(num_labels)).sum(axis=1)


def _winners(dists, y_train, k):
    return _vote(dists, y_train, k).argmax(axis=1)


def _clear_vote(rng, num_test, num_train, k):
    """(dists, y_train) with labels 0 to 3 and no vote of k neighbours tied.

    No other number of neighbours (1, k - 1, k + 1) gives the same labels, nor do their mean or smallest label (k > 1)
    or one label for all.
    """
    while True:
        y_train = rng.permutation(np.arange(num_train) % 4)
        dists = _distance_table(rng, 12 * num_test, num_train)
        votes = np.sort(_vote(dists, y_train, k), axis=1)
        dists = dists[votes[:, -1] > votes[:, -2]][:num_test]
        winners = _winners(dists, y_train, k)
        near_misses = [_winners(dists, y_train, other) for other in {1, max(k - 1, 1), k + 1} - {k}]
        if k > 1:
            near = y_train[np.argsort(dists, axis=1)[:, :k]]
            near_misses += [near.mean(axis=1).round(), near.min(axis=1)]
        tells_apart = all((miss != winners).any() for miss in near_misses)
        if len(dists) == num_test and len(set(winners)) >= 3 and tells_apart:
            return dists, y_train


def _nearest(rng):
    first, second = _clear_vote(rng, 7, 10, 1), _clear_vote(rng, 5, 8, 1)
    return [first, (*second, 1)]


def _voted(rng):
    return [(*_clear_vote(rng, 8, 15, k), k) for k in (3, 5, 6)]


def _renamed(rng):
    cases = []
    for k, dtype in ((1, np.uint8), (5, np.int64), (3, np.int16)):
        dists, y_train = _clear_vote(rng, 7, 12, k)
        cases.append((dists.astype(np.float32), _GAPPY[y_train].astype(dtype), k))
    return cases


def _all_vote(rng):
    """k = number of training points; a case with fewer keeps the commonest label of all from passing."""
    some = (*_clear_vote(rng, 6, 9, 3), 3)
    y_train = rng.permutation(np.array([1, 2, 2, 3, 2, 0, 3, 2, 1]))
    return [some, (_distance_table(rng, 4, 9), y_train, 9)]


def _tied(rng):
    """Tied votes. Rules that fail: first seen, last seen, larger label, smallest label present, nearest."""
    cases = []
    for k, pattern in ((2, (0, 1)), (3, (0, 1, 2)), (4, (0, 0, 1, 1)), (5, (1, 1, 2, 2, 0))):
        rows = []
        for a in range(6):
            labels = np.sort(rng.choice(4, size=3, replace=False)) if k == 5 or a else np.array([1, 2, 3])
            rows.append(labels[list(pattern)])
        order = [rng.permutation(k) for _ in rows]
        order[0], order[1] = np.arange(k), np.arange(k)[::-1]
        y_train = np.repeat(np.arange(4), 4)
        dists = np.array([_with_nearest(rng, y_train, row[o]) for row, o in zip(rows, order, strict=True)])
        cases.append((dists, y_train, k))
    return cases


def _with_nearest(rng, y_train, labels):
    """One row of distances whose nearest neighbours have `labels`, in this order."""
    free = list(rng.permutation(len(y_train)))
    order = []
    for label in labels:
        chosen = next(i for i in free if y_train[i] == label)
        free.remove(chosen)
        order.append(chosen)
    row = np.empty(len(y_train))
    row[order + free] = np.arange(1, len(y_train) + 1) + rng.uniform(0, 0.5, len(y_train))
    return row


_COUNT = "labels, counts = np.unique(row, return_counts=True)"
_NEAREST = "np.argsort(dists, axis=1)[:, :k]"
_WINNER = "labels[np.argmax(counts)]"

_LABELS = Check(
    "predict_labels",
    (
        Property("k = 1: the label of the nearest training point", 1, _nearest, "labels"),
        Property("k = 3 and more: the label with most votes", 1.5, _voted, "labels"),
        Property("Labels with gaps, of any integer dtype", 0.5, _renamed, "labels"),
        Property("k = number of training points", 0.5, _all_vote, "labels"),
        Property("A tied vote goes to the smaller label", 0.5, _tied, "labels"),
    ),
    (
        Mistake(
            "first label seen wins ties",
            "In a tied vote the label met first wins here. The text asks for the smaller label.",
            (
                (
                    _COUNT,
                    "labels = list(dict.fromkeys(row.tolist()))\n"
                    "        counts = [row.tolist().count(label) for label in labels]",
                ),
            ),
        ),
        Mistake(
            "larger label wins ties",
            "In a tied vote the larger label wins here. The text asks for the smaller one.",
            ((_WINNER, "labels[len(counts) - 1 - np.argmax(counts[::-1])]"),),
        ),
        Mistake(
            "farthest",
            "These are the labels of the farthest training points: the sorting is the wrong way round.",
            ((_NEAREST, "np.argsort(-dists, axis=1)[:, :k]"),),
        ),
        Mistake(
            "index instead of label",
            "This returns which training point is near, not that point's label. One look-up is missing.",
            (("votes = y_train[nearest]", "votes = nearest"),),
        ),
        Mistake(
            "position instead of label",
            "This returns the winner's place in the list of labels found, not the label that stands there.",
            ((_WINNER, "np.argmax(counts)"),),
        ),
        Mistake(
            "count instead of label",
            "This returns how many votes the winner has, not who it is.",
            ((_WINNER, "np.max(counts)"),),
        ),
        Mistake(
            "ignores k",
            "Whatever k is, only the nearest training point is asked.",
            ((_NEAREST, "np.argsort(dists, axis=1)[:, :1]"),),
        ),
        Mistake(
            "one neighbour too many",
            "k + 1 neighbours vote. A slice ends before its stop value.",
            ((_NEAREST, "np.argsort(dists, axis=1)[:, : k + 1]"),),
        ),
        Mistake(
            "one neighbour too few",
            "k - 1 neighbours vote, none at all for k = 1. A slice ends before its stop value.",
            ((_NEAREST, "np.argsort(dists, axis=1)[:, : k - 1]"),),
        ),
        Mistake(
            "skips the nearest",
            "The nearest training point is left out. That would make sense if the test points were themselves among "
            "the training points, but they are not.",
            ((_NEAREST, "np.argsort(dists, axis=1)[:, 1 : k + 1]"),),
        ),
        Mistake(
            "sorts the wrong axis",
            "The sorting runs over the test points. Every test point needs the training points sorted: "
            "along the other axis of dists.",
            ((_NEAREST, "np.argsort(dists, axis=0)[:, :k]"),),
        ),
        Mistake(
            "sorted labels",
            "The nearest labels are not counted: the first of them in sorted order is taken, as if all were tied.",
            ((_WINNER, "labels[0]"),),
        ),
        Mistake(
            "mean of the labels",
            "The labels of the neighbours are averaged. Labels are names: half-way between 'cat' (3) and 'frog' (6) "
            "is not a class. Count votes instead.",
            ((_WINNER, "np.round(row.mean())"),),
        ),
        Mistake(
            "commonest label of all",
            "Every test point gets the commonest label of the whole training set: the distances play no part.",
            ((_NEAREST, "np.argsort(dists, axis=1)"),),
        ),
        Mistake(
            "argpartition at k = n",
            "np.argpartition(a, k) needs k < the number of columns, so it fails when all training points vote. "
            "Which index does it really have to put into place?",
            ((_NEAREST, "np.argpartition(dists, k, axis=1)[:, :k]"),),
        ),
    ),
)


# Cross-validation


def _accuracies(X, y, k_choices, num_folds):
    """Accuracies (K, num_folds) for labels 2 and 5 and odd k."""
    folds = np.array_split(np.arange(len(X)), num_folds)
    table = np.empty((len(k_choices), num_folds))
    for column, held in enumerate(folds):
        kept = np.setdiff1d(np.arange(len(X)), held)
        order = np.argsort(np.linalg.norm(X[held, np.newaxis] - X[kept], axis=2), axis=1)
        for row, k in enumerate(k_choices):
            table[row, column] = ((y[kept][order[:, :k]].mean(axis=1) > 3.5) == (y[held] == 5)).mean()
    return table


def _labelled(rng, count, k_choices, num_folds):
    """Points of two overlapping classes in the plane, in mixed order; all folds and values of k tell apart.

    Two classes and odd k: no vote is ever tied, so a wrong tie-break in predict_labels costs nothing here.
    """
    k_choices = np.array(k_choices)
    while True:
        y = rng.permutation(np.where(np.arange(count) % 2, 5, 2))
        X = rng.normal(size=(count, 2)) + 0.9 * (y == 5)[:, np.newaxis]
        apart = np.diff(np.sort(np.linalg.norm(X[:, np.newaxis] - X, axis=2), axis=1), axis=1) > 1e-5
        table = _accuracies(X, y, k_choices, num_folds)
        rows, columns = len(np.unique(table, axis=0)), len(np.unique(table, axis=1).T)
        if apart.all() and rows == len(k_choices) and columns == num_folds and table[0].max() < 1:
            return X, y, k_choices, num_folds


_KEPT_Y = "y_kept = np.concatenate(y_folds[:fold] + y_folds[fold + 1 :])"
_KEPT_X = "X_kept = np.concatenate(X_folds[:fold] + X_folds[fold + 1 :])"
_SCORE = "np.mean(predicted == y_folds[fold])"

_CROSS_VALIDATE = Check(
    "cross_validate",
    (
        Property(
            "Accuracy of every k in every fold",
            1.5,
            lambda rng: [_labelled(rng, 32, (1, 3, 7, 11), 4)],
        ),
        Property(
            "Folds of different size",
            1,
            lambda rng: [_labelled(rng, 35, (1, 5, 9), 4), (*_labelled(rng, 43, (3, 7, 1), 5)[:3],)],
        ),
        Property(
            "Two folds",
            0.5,
            lambda rng: [_labelled(rng, 24, (1, 3, 5), 2)],
        ),
    ),
    (
        Mistake(
            "tests on the training folds",
            "The accuracy is measured on the folds that the classifier has memorised. Measure it on the fold that "
            "was held out.",
            (
                ("compute_distances_no_loops(X_folds[fold], X_kept)", "compute_distances_no_loops(X_kept, X_kept)"),
                (_SCORE, "np.mean(predicted == y_kept)"),
            ),
        ),
        Mistake(
            "keeps the validation fold",
            "The held-out fold is still among the training points, so every point finds itself at distance 0.",
            (
                (_KEPT_X, "X_kept = np.concatenate(X_folds)"),
                (_KEPT_Y, "y_kept = np.concatenate(y_folds)"),
            ),
        ),
        Mistake(
            "roles exchanged",
            "One fold trains and all the others test. It is the other way round: one fold is held out.",
            (
                (
                    "compute_distances_no_loops(X_folds[fold], X_kept)",
                    "compute_distances_no_loops(X_kept, X_folds[fold])",
                ),
                ("predict_labels(dists, y_kept, k)", "predict_labels(dists, y_folds[fold], k)"),
                (_SCORE, "np.mean(predicted == y_kept)"),
            ),
        ),
        Mistake(
            "percent",
            "These are percentages. An accuracy is a fraction between 0 and 1.",
            ((_SCORE, "100 * np.mean(predicted == y_folds[fold])"),),
        ),
        Mistake(
            "counts",
            "This counts the correct labels. Divide by the size of the fold.",
            ((_SCORE, "np.sum(predicted == y_folds[fold])"),),
        ),
        Mistake(
            "error rate",
            "This is the share of wrong labels. The accuracy is the share of right ones.",
            ((_SCORE, "np.mean(predicted != y_folds[fold])"),),
        ),
        Mistake(
            "divided by the number of all points",
            "The correct labels are divided by the number of all points. Only those of the held-out fold were tried.",
            ((_SCORE, "np.sum(predicted == y_folds[fold]) / len(y)"),),
        ),
        Mistake(
            "transposed",
            "The table is transposed: a row for each k, a column for each fold.",
            (
                ("np.zeros((len(k_choices), num_folds))", "np.zeros((num_folds, len(k_choices)))"),
                ("accuracies[row, fold]", "accuracies[fold, row]"),
            ),
        ),
        Mistake(
            "averaged over the folds",
            "This is the mean over the folds. Return all accuracies: their spread shows how far to trust the mean.",
            (("return accuracies", "return accuracies.mean(axis=1)"),),
        ),
        Mistake(
            "always the first fold",
            "All columns are alike: the same fold is held out every time.",
            (
                ("for fold in range(num_folds):", "for fold in [0] * num_folds:"),
                ("accuracies[row, fold]", "accuracies[row, :]"),
            ),
        ),
        Mistake(
            "last fold forgotten",
            "The last fold is never held out: its column stays zero.",
            (("for fold in range(num_folds):", "for fold in range(num_folds - 1):"),),
        ),
        Mistake(
            "always the same k",
            "All rows are alike: the k of the loop does not reach predict_labels.",
            (("predict_labels(dists, y_kept, k)", "predict_labels(dists, y_kept, k_choices[0])"),),
        ),
        Mistake(
            "labels in another order than the points",
            "The training folds of X and of y are joined in different orders, so points carry the labels of others.",
            ((_KEPT_Y, "y_kept = np.concatenate(y_folds[fold + 1 :] + y_folds[:fold])"),),
        ),
        Mistake(
            "needs equal folds",
            "np.split insists on folds of equal size. np.array_split lets the first folds be one point larger.",
            (("np.array_split(X, num_folds)", "np.split(X, num_folds)"),),
        ),
        Mistake(
            "drops the remainder",
            "The number of points is divided by the number of folds without remainder, and the points left over are "
            "used nowhere. The text gives them to the first folds, one each.",
            (
                ("np.array_split(X, num_folds)", "np.split(X[: len(X) // num_folds * num_folds], num_folds)"),
                ("np.array_split(y, num_folds)", "np.split(y[: len(y) // num_folds * num_folds], num_folds)"),
            ),
        ),
    ),
)


CHECKS = NotebookChecks(
    checks=(_TWO_LOOPS, _ONE_LOOP, _NO_LOOPS, _LABELS, _CROSS_VALIDATE),
    masked=(
        "sklearn",
        "scipy.spatial.distance",
        "torch",
        "tensorflow",
        "jax",
        "faiss",
        "cs231n_kit.neighbors",
        "cs231n_kit.kernels",
        "cs231n_kit.cross_validation",
        "cs231n_kit.explorations",
        "cs231n_kit.widgets",
    ),
)
