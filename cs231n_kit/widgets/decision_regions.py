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


def classify(classifier, X, classes):
    """Ask a fitted classifier about points.

    The label is ``predict``'s, or the column with the largest score (of equals the first) where there is no
    ``predict``. Ties and confidence come from ``scores`` (or scikit-learn's ``predict_proba``): the vote is
    tied where two scores are the largest, and confidence is the label's share p of the scores, stretched so
    that 1 / C becomes 0: (p - 1 / C) / (1 - 1 / C). Scores that are no shares go through softmax first.

    Args:
        classifier: a fitted object with ``predict(X)`` or ``scores(X)``.
        X: queries, float64 (N, 2).
        classes: number of classes C; labels are 0 to C - 1.

    Raises:
        WrongAnswer: the answer has the wrong type, shape or values.
    """
    ask_scores = getattr(classifier, "scores", None) or getattr(classifier, "predict_proba", None)
    scores = None
    if callable(getattr(classifier, "predict", None)):
        labels = _checked_labels(classifier.predict(X), len(X), classes)
    elif not ask_scores:
        raise WrongAnswer("the classifier has neither predict(X) nor scores(X)")
    if ask_scores:
        scores = _checked_scores(ask_scores(X), ask_scores.__name__, len(X), classes, classifier)
        if not callable(getattr(classifier, "predict", None)):
            labels = scores.argmax(axis=1)
    if scores is None:
        return Answer(labels, np.ones(len(X)), np.zeros(len(X), bool), None)
    best = scores.max(axis=1, keepdims=True)
    tied = (np.abs(scores - best) <= 1e-9 * np.maximum(np.abs(best), 1e-3)).sum(axis=1) > 1
    share = _shares(scores, best)[np.arange(len(X)), labels]
    return Answer(labels, np.clip((share - 1 / classes) / (1 - 1 / classes), 0, 1), tied, scores)


def grid_points(resolution):
    """Centres of the cells of the square [-1, 1] x [-1, 1], from the top left, row by row: (R * R, 2)."""
    ticks = (np.arange(resolution) + 0.5) * 2 / resolution - 1
    x, y = np.meshgrid(ticks, ticks[::-1])
    return np.column_stack([x.ravel(), y.ravel()])


def decision_regions(classifier, classes, resolution):
    """Classify the grid.

    Returns:
        uint8 (2, R, R), rows from the top: the label of each cell (``TIE`` where the vote is tied), and its
        confidence from 0 to 255.
    """
    answer = classify(classifier, grid_points(resolution), classes)
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
