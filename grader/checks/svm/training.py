"""train and predict."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import Check, Mistake, Property

from ..linear_losses import examples
from .losses import margins_of

LOSS_FUNCTION = "svm_loss_vectorized"
WEIGHTS, LOSSES = (0,), (1,)


def _alike(rng, shape, count):
    """(W, X, y) whose examples are all the same one, so that every batch is the same; some margins are violated."""
    n, d, c = shape
    while True:
        W, X, y, _ = examples(rng, (1, d, c), scale=0.7)
        margins = margins_of(W, X, y)[0]
        if (margins > 0).sum() - 1 >= count and np.abs(margins).min() > 0.05:
            return W, np.repeat(X, n, axis=0), np.repeat(y, n)


def _one_step(rng):
    """Pairs of calls: the loss of a batch, and one step on it."""
    cases = []
    for shape, learning_rate, reg, batch_size in (((6, 5, 4), 0.03, 0.4, 3), ((9, 4, 3), 0.4, 0.05, 5)):
        W, X, y = _alike(rng, shape, 1)
        cases.append(Case((W, X[:batch_size], y[:batch_size], reg), function=LOSS_FUNCTION))
        cases.append(Case((W, X, y, learning_rate, reg, 1, batch_size)))
    return cases


def _many_steps(rng):
    """Steps so small that no margin crosses the kink in a rounding error, and that the losses differ."""
    return [(*_alike(rng, (6, 5, 4), 2), 0.004, 0.0, steps, 3) for steps in (4, 9)]


def _distinct(W, X, y):
    """Whether the examples' losses, the means of two of them and the mean of all are all different.

    So are those of examples with each other's labels.
    """
    losses = np.maximum(0, margins_of(W, X, y)).sum(axis=1) - 1
    n = len(y)
    drawn = np.unique(np.add.outer(losses, losses)[np.tril_indices(n)] / 2)
    others = [(i, j) for i in range(n) for j in range(n) if y[i] != y[j]]
    mixed = [np.maximum(0, margins_of(W, X[[i]], y[[j]])).sum() - 1 for i, j in others]
    values = np.sort([*drawn, losses.mean()])
    apart = np.abs(np.subtract.outer(mixed, losses)).min() > 1e-4
    return len(drawn) == n * (n + 1) // 2 and np.diff(values).min() > 1e-4 and apart


def _batches(rng):
    """Learning rate 0: the losses tell which examples were drawn, one or two at a time."""
    W, X, y, _ = examples(rng, (5, 4, 3), accepts=_distinct)
    V, Z, z, _ = examples(rng, (4, 5, 4), accepts=_distinct)
    return [(W, X, y, 0.0, 0.0, 250, 1), (V, Z, z, 0.0, 0.0, 250, 2)]


_STEP = "W -= learning_rate * dW"
_BATCH = "batch = np.random.choice(len(X), batch_size)"
_CALL = "loss, dW = svm_loss_vectorized(W, X[batch], y[batch], reg)"
_RECORD = "loss_history.append(loss)"

TRAIN = Check(
    "train",
    (
        Property(
            "One step: down the gradient of your own loss, which is recorded",
            2,
            _one_step,
            "own_step",
            rtol=1e-4,
            atol=1e-5,
        ),
        Property("Many steps: the weights and every loss on the way", 1, _many_steps, rtol=1e-4, atol=1e-5),
        Property(
            "Batches: examples drawn at random, each with its own label",
            1,
            _batches,
            "drawn",
            rtol=1e-5,
            atol=1e-6,
            outputs=LOSSES,
        ),
    ),
    (
        Mistake(
            "uphill",
            "The step goes up the gradient, where the loss grows. Go the other way.",
            ((_STEP, "W += learning_rate * dW"),),
        ),
        Mistake(
            "learning rate not used",
            "The step is the whole gradient: the learning rate has no effect.",
            ((_STEP, "W -= dW"),),
        ),
        Mistake(
            "weights never change",
            "The weights that come back are those that came in. Was the step forgotten, or made on a copy?",
            ((_STEP, "_ = W - learning_rate * dW"),),
        ),
        Mistake(
            "step divided by the batch size",
            "The gradient is divided by the batch size once more: your loss has done that already.",
            ((_STEP, "W -= learning_rate * dW / batch_size"),),
        ),
        Mistake(
            "regularisation not passed on",
            "The loss of the batch is computed without regularisation: reg does not reach it.",
            ((_CALL, "loss, dW = svm_loss_vectorized(W, X[batch], y[batch], 0.0)"),),
        ),
        Mistake(
            "loss after the step",
            "The loss that is recorded is that of the weights after the step. Record the one that gave the gradient.",
            (
                (_RECORD, "pass"),
                (_STEP, f"{_STEP}\n        loss_history.append(svm_loss_vectorized(W, X[batch], y[batch], reg)[0])"),
            ),
        ),
        Mistake(
            "only the last loss",
            "The history holds the last loss alone: one for each iteration is asked for.",
            ((_RECORD, "loss_history = [loss]"),),
        ),
        Mistake(
            "sum of the losses",
            "Each entry of the history has all losses before it added. Record every batch's loss by itself.",
            ((_RECORD, "loss_history.append(loss + sum(loss_history[-1:]))"),),
        ),
        Mistake(
            "one iteration too few",
            "There is one iteration less than num_iters.",
            (("for _ in range(num_iters):", "for _ in range(1, num_iters):"),),
        ),
        Mistake(
            "always the first examples",
            "Every batch holds the first examples of the training set. Draw them at random.",
            ((_BATCH, "batch = np.arange(batch_size)"),),
        ),
        Mistake(
            "always the same batch",
            "The batch is drawn once, before the loop, and used in every iteration. Draw a new one each time.",
            (
                ("loss_history = []\n", f"loss_history = []\n    {_BATCH}\n"),
                (f"        {_BATCH}\n", ""),
            ),
        ),
        Mistake(
            "batch size not used",
            "Every batch is the whole training set: batch_size has no effect.",
            ((_BATCH, "batch = np.arange(len(X))"),),
        ),
        Mistake(
            "labels of other examples",
            "Examples and labels are drawn separately, so examples get the labels of others. Use the same row numbers "
            "for both.",
            ((_CALL, _CALL.replace("y[batch]", "np.random.choice(y, batch_size)")),),
        ),
        Mistake(
            "labels of the first examples",
            "The labels are those of the first rows, not of the rows that were drawn. Use the same row numbers for "
            "both.",
            ((_CALL, _CALL.replace("y[batch]", "y[:batch_size]")),),
        ),
    ),
)


def _winners(rng, n, d, c):
    """(W, X) whose best scores are clear, spread over at least three classes and not the largest absolute ones."""
    while True:
        W, X = rng.normal(size=(d, c)), rng.normal(size=(n, d))
        scores = X @ W
        order = np.sort(scores, axis=1)
        best = scores.argmax(axis=1)
        clear = (order[:, -1] - order[:, -2]).min() > 1e-3
        if clear and len(set(best)) >= min(3, n, c) and (n == 1 or (np.abs(scores).argmax(axis=1) != best).any()):
            return W, X


def _one_example(rng):
    """Three calls with one example, of three different classes; then float32."""
    cases = []
    while len({int((X @ W).argmax()) for W, X in cases}) < 3:
        cases = [_winners(rng, 1, 4, 5) for _ in range(3)]
    W, X = _winners(rng, 6, 3, 4)
    return [*cases, (W.astype(np.float32), X.astype(np.float32))]


PREDICT = Check(
    "predict",
    (
        Property(
            "The class with the highest score",
            1.5,
            lambda rng: [_winners(rng, 9, 5, 4), _winners(rng, 5, 6, 3)],
            "labels",
        ),
        Property("One example alone, and float32", 0.5, _one_example, "labels"),
    ),
    (
        Mistake(
            "lowest score",
            "These are the classes with the lowest score.",
            (("np.argmax(X @ W, axis=1)", "np.argmin(X @ W, axis=1)"),),
        ),
        Mistake(
            "wrong axis",
            "This finds the best example for each class. Every example needs its best class: the other axis.",
            (("np.argmax(X @ W, axis=1)", "np.argmax(X @ W, axis=0)"),),
        ),
        Mistake(
            "scores instead of classes",
            "These are the highest scores themselves. Asked for is which class has them.",
            (("np.argmax(X @ W, axis=1)", "np.max(X @ W, axis=1)"),),
        ),
        Mistake(
            "all scores",
            "This returns all scores: pick the class with the highest for each example.",
            (("np.argmax(X @ W, axis=1)", "X @ W"),),
        ),
        Mistake(
            "absolute scores",
            "The largest score without its sign wins here. A very negative score means: certainly not this class.",
            (("np.argmax(X @ W, axis=1)", "np.argmax(np.abs(X @ W), axis=1)"),),
        ),
        Mistake(
            "numbered from 1",
            "The classes are numbered from 1. Columns of W, and labels, start with 0.",
            (("np.argmax(X @ W, axis=1)", "np.argmax(X @ W, axis=1) + 1"),),
        ),
    ),
)
