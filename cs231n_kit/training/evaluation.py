"""How good a network is."""

import functools
import math

from cs231n_kit.arrays import array_module
from cs231n_kit.losses import softmax_loss, squared_hinge_loss, svm_loss
from cs231n_kit.training.objective import objective
from cs231n_kit.training.progress import Evaluation, Totals

CLASSIFICATION_LOSSES = (softmax_loss, svm_loss, squared_hinge_loss)


def accuracy(scores, y):
    """The share of samples whose highest score is that of their label: scores (N, C), labels y (N,), a 0-d array."""
    xp = array_module(scores, y)
    return (scores.argmax(axis=1) == xp.asarray(y)).mean()


def is_classification(loss) -> bool:
    """Whether the loss compares scores (N, C) with labels (N,), by itself or within functools.partial."""
    while isinstance(loss, functools.partial):
        loss = loss.func
    return loss in CLASSIFICATION_LOSSES


def evaluate(trainer, X, y) -> Evaluation:
    """Loss and metric of the trainer's network, in test mode, on samples X (N, ...) with targets y (N, ...)."""
    totals, size = Totals(), trainer.batch_size
    for start in range(0, len(X), size):
        targets = y[start : start + size]
        scores = trainer.network.forward(X[start : start + size], mode="test", cache=False)
        loss, *_ = objective(trainer, scores, targets)
        totals.add(loss, trainer.metric(scores, targets) if trainer.metric else math.nan, len(targets))
    return totals.mean()
