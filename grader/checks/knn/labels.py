"""predict_labels: the majority vote."""

import numpy as np

from grader.check import Check, Mistake, Property

_GAP = 1e-3  # the least relative difference between two distances of a row
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

LABELS = Check(
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
