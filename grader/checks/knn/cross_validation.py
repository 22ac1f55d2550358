"""cross_validate: accuracies by k and fold."""

import numpy as np

from grader.check import Check, Mistake, Property


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

CROSS_VALIDATE = Check(
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
