"""What a classifier answers on a grid of the plane: label, confidence and tied votes of every cell."""

from dataclasses import dataclass

import numpy as np

TIE = 255  # the label byte of a cell whose vote is tied


class WrongAnswer(ValueError):
    """A classifier returned something that is no answer; the message says what was expected."""


@dataclass(frozen=True)
class Answer:
    """Answers to N queries: labels int64 (N,), confidence float64 (N,) from 0 to 1, tied bool (N,).

    ``scores`` is float64 (N, C), one column for each label, or None for a classifier without scores; then
    nothing is tied and every confidence is 1.
    """

    labels: np.ndarray
    confidence: np.ndarray
    tied: np.ndarray
    scores: np.ndarray | None


def classify(classifier, X, classes, y_train):
    """Ask a fitted classifier about points.

    The label is the column of the largest ``scores`` (or scikit-learn's ``predict_proba``), of equals the
    first; without those it is what ``predict`` says, and the labels of the ``kneighbors``, where there are
    such, are the votes. A vote is tied where two scores are the largest. Confidence is the label's share p,
    stretched so that 1 / C becomes 0: (p - 1 / C) / (1 - 1 / C). Scores that are no shares go through
    softmax first.

    Args:
        classifier: a fitted object with ``predict(X)`` or ``scores(X)``.
        X: queries, float64 (N, 2).
        classes: number of classes C; labels are 0 to C - 1.
        y_train: labels of the points it was fitted to, int64 (M,).

    Raises:
        WrongAnswer: the answer has the wrong type, shape or values.
    """
    method = next((name for name in ("scores", "predict_proba") if hasattr(classifier, name)), None)
    if method:
        scores = _checked_scores(getattr(classifier, method)(X), method, len(X), classes, classifier)
        labels = scores.argmax(axis=1)
    else:
        labels = _checked_labels(classifier.predict(X), len(X), classes)
        if not callable(getattr(classifier, "kneighbors", None)):
            return Answer(labels, np.ones(len(X)), np.zeros(len(X), bool), None)
        votes = y_train[neighbors(classifier, X, len(y_train))[1]]
        scores = np.stack([(votes == label).mean(axis=1) for label in range(classes)], axis=1)
    best = scores.max(axis=1, keepdims=True)
    if not np.isfinite(best).all():
        raise WrongAnswer("every query needs a finite largest score")
    tied = (np.abs(scores - best) <= 1e-9 * np.maximum(np.abs(best), 1e-3)).sum(axis=1) > 1
    share = _shares(scores, best)[np.arange(len(X)), labels]
    return Answer(labels, np.clip((share - 1 / classes) / (1 - 1 / classes), 0, 1), tied, scores)


def neighbors(classifier, X, count):
    """Distances and indices that ``kneighbors`` gives, each (N, k), indices checked against ``count`` points."""
    answer = classifier.kneighbors(X)
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise WrongAnswer("kneighbors must return a pair (distances, indices)")
    distances, indices = (np.asarray(part) for part in answer)
    if indices.ndim != 2 or len(indices) != len(X) or indices.shape != distances.shape:
        raise WrongAnswer(
            f"kneighbors must return distances and indices of shape ({len(X)}, k); "
            f"got {distances.shape} and {indices.shape}"
        )
    if indices.dtype.kind not in "iu" or not ((indices >= 0) & (indices < count)).all():
        raise WrongAnswer(f"kneighbors must return whole numbers from 0 to {count - 1} as indices")
    return distances, indices


def grid_points(resolution):
    """Centres of the cells of the square [-1, 1] x [-1, 1], from the top left, row by row: (R * R, 2)."""
    ticks = (np.arange(resolution) + 0.5) * 2 / resolution - 1
    x, y = np.meshgrid(ticks, ticks[::-1])
    return np.column_stack([x.ravel(), y.ravel()])


def decision_regions(classifier, classes, y_train, resolution):
    """Classify the grid; the arguments are those of ``classify``.

    Returns:
        uint8 (2, R, R), rows from the top: the label of each cell (``TIE`` where the vote is tied), and its
        confidence from 0 to 255.
    """
    answer = classify(classifier, grid_points(resolution), classes, y_train)
    labels = np.where(answer.tied, TIE, answer.labels)
    shade = np.round(255 * answer.confidence)
    return np.stack([labels, shade]).astype(np.uint8).reshape(2, resolution, resolution)


def _checked_labels(labels, count, classes):
    if labels is None:
        raise WrongAnswer("predict returned None: is its return statement missing?")
    labels = np.asarray(labels)
    if labels.shape != (count,):
        raise WrongAnswer(
            f"predict must return one label for each of the {count} queries, shape ({count},); got shape {labels.shape}"
        )
    if labels.dtype.kind not in "iuf":
        raise WrongAnswer(f"predict must return whole numbers, got an array of {labels.dtype}")
    wrong = labels[~((labels >= 0) & (labels < classes) & (labels == np.round(labels)))]
    if wrong.size:
        raise WrongAnswer(f"predict returned the label {wrong[0]}; the labels are 0 to {classes - 1}")
    return labels.astype(np.int64)


def _checked_scores(scores, name, count, classes, classifier):
    if scores is None:
        raise WrongAnswer(f"{name} returned None: is its return statement missing?")
    scores = np.asarray(scores)
    if scores.dtype.kind not in "biuf":
        raise WrongAnswer(f"{name} must return numbers, got an array of {scores.dtype}")
    if scores.ndim != 2 or len(scores) != count:
        raise WrongAnswer(
            f"{name} must return one row for each query and one column for each class, "
            f"shape ({count}, {classes}); got shape {scores.shape}"
        )
    if np.isnan(scores).any():
        raise WrongAnswer(f"{name} returned NaN for {int(np.isnan(scores).any(axis=1).sum())} of {count} queries")
    columns = getattr(classifier, "classes_", None)
    if columns is None or len(columns) != scores.shape[1]:
        columns = np.arange(scores.shape[1])
    columns = np.asarray(columns)
    if columns.dtype.kind not in "iuf" or (columns.size and not 0 <= columns.min() <= columns.max() < classes):
        raise WrongAnswer(f"{name} returned {scores.shape[1]} columns for {classes} classes")
    is_share = scores.size and scores.min() >= 0
    full = np.full((count, classes), 0.0 if is_share else -np.inf)  # a class without points gets no share
    full[:, columns.astype(np.int64)] = scores
    return full


def _shares(scores, best):
    total = scores.sum(axis=1, keepdims=True)
    if np.all(scores >= 0) and np.allclose(total, 1, atol=1e-6):
        return scores
    shares = np.exp(scores - best)
    return shares / shares.sum(axis=1, keepdims=True)
