"""Correct answers to assignment 1's notebook `knn`, in the styles students use. All of them earn full points.

Loaded by tests/test_checks_knn.py as if each were a cell of a notebook.
"""

import math
import sys
import warnings
from collections import Counter

import numpy as np
from scipy import stats

# Distances: any of these is right for all three functions, those without a loop also for the third.


def distances_in_plain_python(X, X_train):
    return [[math.sqrt(sum((p - q) ** 2 for p, q in zip(a, b))) for b in X_train] for a in X]  # noqa: B905


def distances_by_math_dist(X, X_train):
    rows = []
    for a in X.tolist():
        row = []
        for b in X_train.tolist():
            row.append(math.dist(a, b))
        rows.append(row)
    return np.array(rows)


def distances_by_norm_and_append(X, X_train):
    dists = []
    for x in X:
        dists.append(np.linalg.norm(X_train - x, axis=1))
    return dists


def distances_while_printing(X, X_train):
    dists = np.zeros((X.shape[0], X_train.shape[0]))
    for i in range(X.shape[0]):
        print("row", i, dists[i])
        print("progress", file=sys.stderr)
        warnings.warn("slow", stacklevel=1)
        dists[i, :] = np.sqrt(np.sum(np.square(X_train - X[i, :]), axis=1))
    return dists


def distances_in_place(X, X_train):
    result = np.zeros((len(X), len(X_train)))
    for i in range(len(X)):
        for j in range(len(X_train)):
            a = X[i].astype(float)
            a -= X_train[j]
            a *= a
            result[i][j] = a.sum() ** 0.5
    X *= 0
    return result


def distances_with_a_loop_in_a_helper(X, X_train):
    def distance(a, b):
        return np.linalg.norm(a - b)

    return np.array([[distance(a, b) for b in X_train] for a in X])


def distances_by_broadcasting(X, X_train):
    return np.sqrt(((X[:, None, :] - X_train[None, :, :]) ** 2).sum(-1))


def distances_by_norm(X, X_train):
    return np.linalg.norm(X[:, np.newaxis] - X_train, axis=-1)


def distances_by_einsum(X, X_train):
    squares = np.einsum("ij,ij->i", X, X)[:, None] + np.einsum("ij,ij->i", X_train, X_train)
    squares = squares - 2 * np.einsum("id,jd->ij", X, X_train)
    return np.sqrt(np.where(squares > 0, squares, 0))


def distances_by_absolute_expansion(X, X_train):
    X2 = (X * X).sum(1).reshape(-1, 1)
    T2 = (X_train * X_train).sum(1).reshape(1, -1)
    return np.sqrt(np.abs(X2 + T2 - 2 * X.dot(X_train.T)))


def distances_clipped_in_place(X, X_train):
    dists = np.dot(X, X_train.T)
    dists *= -2
    dists += np.square(X).sum(axis=1)[:, None]
    dists += np.square(X_train).sum(axis=1)
    np.maximum(dists, 0, out=dists)
    return np.sqrt(dists, out=dists)


def distances_in_float32(X, X_train):
    X, X_train = X.astype(np.float32), X_train.astype(np.float32)
    squares = (X**2).sum(1)[:, None] - 2 * X @ X_train.T + (X_train**2).sum(1)
    return np.sqrt(squares.clip(min=0))


def distances_as_a_matrix(X, X_train):
    return np.matrix(_length(X[:, None] - X_train))


def _length(vectors):
    return np.sqrt(np.sum(vectors * vectors, axis=-1))


def distances_by_recursion(X, X_train):
    if X.shape[1] == 0:
        return np.zeros((len(X), len(X_train)))
    last = np.subtract.outer(X[:, -1].astype(float), X_train[:, -1].astype(float))
    return np.hypot(distances_by_recursion(X[:, :-1], X_train[:, :-1]), last)


distances_by_lambda = lambda X, X_train: _length(X[:, None, :] - X_train)  # noqa: E731

WITH_LOOPS = (
    distances_in_plain_python,
    distances_by_math_dist,
    distances_by_norm_and_append,
    distances_while_printing,
    distances_in_place,
    distances_with_a_loop_in_a_helper,
)
WITHOUT_LOOPS = (
    distances_by_broadcasting,
    distances_by_norm,
    distances_by_einsum,
    distances_by_absolute_expansion,
    distances_clipped_in_place,
    distances_in_float32,
    distances_as_a_matrix,
    distances_by_recursion,
    distances_by_lambda,
)

# Labels


def labels_by_bincount(dists, y_train, k=1):
    y_pred = np.zeros(dists.shape[0])
    for i in range(dists.shape[0]):
        closest_y = y_train[np.argsort(dists[i])[:k]]
        y_pred[i] = np.argmax(np.bincount(closest_y))
    return y_pred


def labels_by_sorted_counter(dists, y_train, k=1):
    result = []
    for row in dists:
        near = sorted(range(len(row)), key=lambda j: row[j])[:k]
        counts = Counter(int(y_train[j]) for j in near)
        result.append(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[0][0])
    return result


def labels_by_sorting_before_counting(dists, y_train, k=1):
    order = np.argpartition(dists, k - 1, axis=1)[:, :k]
    return np.array([Counter(sorted(y_train[row].tolist())).most_common(1)[0][0] for row in order])


def labels_by_unique_per_row(dists, y_train, k=1):
    def winner(row):
        values, counts = np.unique(row, return_counts=True)
        return values[counts.argmax()]

    return np.apply_along_axis(winner, 1, y_train[dists.argsort()[:, :k]])


def labels_by_mode(dists, y_train, k=1):
    return stats.mode(y_train[np.argsort(dists, axis=1)[:, :k]], axis=1).mode


def labels_as_a_column(dists, y_train, k=1):
    return labels_by_one_hot(dists, y_train, k).reshape(-1, 1)


def labels_by_one_hot(dists, y_train, k=1):
    classes = np.unique(y_train)
    near = y_train[np.argsort(dists, 1)[:, :k]]
    return classes[(near[..., None] == classes).sum(1).argmax(1)]


def labels_as_floats_from_a_table(dists, y_train, k=1):
    y_train = np.squeeze(y_train)
    y_pred = np.zeros(len(dists))
    for i, row in enumerate(dists):
        votes = {}
        for j in np.argsort(row)[:k]:
            votes[y_train[j]] = votes.get(y_train[j], 0) + 1
        most = max(votes.values())
        y_pred[i] = min(label for label, count in votes.items() if count == most)
    return y_pred


def labels_by_striking_out(dists, y_train, k=1):
    y_pred = []
    for i in range(len(dists)):
        closest = []
        for _ in range(k):
            j = int(dists[i].argmin())
            closest.append(y_train[j])
            dists[i, j] = np.inf
        y_pred.append(max(sorted(set(closest)), key=closest.count))
    return np.array(y_pred)


LABELS = (
    labels_by_bincount,
    labels_by_sorted_counter,
    labels_by_sorting_before_counting,
    labels_by_unique_per_row,
    labels_by_mode,
    labels_as_a_column,
    labels_by_one_hot,
    labels_as_floats_from_a_table,
    labels_by_striking_out,
)

# Cross-validation. The first label seen wins ties in the vote used here, and the distances are squared: neither
# matters to cross-validation, where no vote is tied.


def _predict(X, X_train, y_train, k):
    near = np.argsort(((X[:, None] - X_train) ** 2).sum(2), axis=1)[:, :k]
    return np.array([Counter(y_train[row].tolist()).most_common(1)[0][0] for row in near])


def accuracies_by_dictionary(X, y, k_choices, num_folds=5):
    X_folds, y_folds = np.array_split(X, num_folds), np.array_split(y, num_folds)
    k_to_accuracies = {}
    for k in k_choices:
        k_to_accuracies[k] = []
        for i in range(num_folds):
            X_tr = np.vstack([X_folds[j] for j in range(num_folds) if j != i])
            y_tr = np.hstack([y_folds[j] for j in range(num_folds) if j != i])
            num_correct = np.sum(_predict(X_folds[i], X_tr, y_tr, k) == y_folds[i])
            k_to_accuracies[k].append(float(num_correct) / len(y_folds[i]))
    return [k_to_accuracies[k] for k in k_choices]


def accuracies_by_index(X, y, k_choices, num_folds=5):
    folds = np.array_split(np.arange(len(X)), num_folds)
    table = []
    for k in k_choices.tolist():
        row = []
        for fold in folds:
            kept = np.setdiff1d(np.arange(len(X)), fold)
            row.append((_predict(X[fold], X[kept], y[kept], k) == y[fold]).mean())
        table.append(row)
    return np.array(table, dtype=np.float32)


def accuracies_by_mask(X, y, k_choices, num_folds=5):
    small, larger = divmod(len(X), num_folds)
    stops = np.cumsum([small + (f < larger) for f in range(num_folds)])
    result = np.empty((len(k_choices), num_folds))
    for f, stop in enumerate(stops):
        held = np.zeros(len(X), dtype=bool)
        held[stop - small - (f < larger) : stop] = True
        for i, k in enumerate(k_choices):
            result[i, f] = np.mean([a == b for a, b in zip(_predict(X[held], X[~held], y[~held], k), y[held])])  # noqa: B905
    return result


def accuracies_by_delete(X, y, k_choices, num_folds=5):
    print("folds:", num_folds)
    parts = np.array_split(range(len(y)), num_folds)

    def accuracy(k, part):
        predicted = _predict(X[part], np.delete(X, part, axis=0), np.delete(y, part), k)
        return 1 - np.count_nonzero(predicted - y[part]) / part.size

    return np.array([[accuracy(int(k), part) for part in parts] for k in k_choices])


ACCURACIES = (accuracies_by_dictionary, accuracies_by_index, accuracies_by_mask, accuracies_by_delete)
