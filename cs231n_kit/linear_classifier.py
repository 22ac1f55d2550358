"""Linear classifiers, scores = X W + b, and three ways to find good weights   (lecture 03).

``LinearSVM`` and ``SoftmaxClassifier`` follow the gradient; ``random_search`` and ``random_local_search`` only try.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import numpy as np

from cs231n_kit.losses import softmax_loss, svm_loss
from cs231n_kit.optimizers import Optimizer

LONG_WORK = 2_000_000_000  # multiply-adds that take about a second and deserve a progress bar


class LinearClassifier:
    """What ``LinearSVM`` and ``SoftmaxClassifier`` have in common: training by minibatch gradient descent.

    The loss is the mean of the data loss plus ``regularization`` · Σ W²; the bias b is not regularised.

    Parameters
    ----------
    learning_rate, regularization
        The size of steps, above 0, and the strength of the L2 penalty, 0 or more.
    steps, batch_size
        The number of updates, and of training points drawn for each, without repetition until all have been used.
    rule
        An update rule of ``cs231n_kit.optimizers``, "sgd_momentum" if left out.
    seed
        Of the initial weights and of the batches.

    Points are rows (N, D) or images (N, H, W, C), which are flattened. Centre and scale them first, as in
    ``cs231n_kit.preprocessing``: gradients grow with the size of the inputs.

    After ``fit``: ``W_`` (D, C) and ``b_`` (C,), float64 for float64 points and float32 otherwise; ``classes_``, the C
    labels; ``loss_history_`` (steps,), the loss of each batch.
    """

    def __init__(
        self,
        learning_rate: float = 1e-2,
        regularization: float = 1e-4,
        steps: int = 1_000,
        batch_size: int = 200,
        rule: str = "sgd_momentum",
        seed: int = 0,
    ):
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.steps = steps
        self.batch_size = batch_size
        self.rule = rule
        self.seed = seed

    def fit(self, X, y, *, progress: bool | None = None):
        """Learn from the points X, (N, D) or (N, H, W, C), and their labels y (N,), integers or strings.

        ``progress`` switches the progress bar on or off; left out, work of more than about a second shows one.
        Raises ValueError or TypeError for arguments that do not fit, and FloatingPointError when the loss overflows.
        """
        from tqdm.auto import trange

        self._check_parameters()
        X, y = _points(X), np.asarray(y)
        if y.shape != X.shape[:1]:
            raise ValueError(f"y must have one label for each of the {len(X):,} points in X, not shape {y.shape}")
        if y.dtype.kind not in "biuSU":
            raise TypeError(f"y must hold integers or strings as labels, not {y.dtype}")
        classes, y = np.unique(y, return_inverse=True)
        rng = np.random.default_rng(self.seed)
        W = (1e-3 * rng.standard_normal((X.shape[1], len(classes)))).astype(X.dtype)
        parameters = {"W": W, "b": np.zeros(len(classes), X.dtype)}
        optimizer = Optimizer(self.rule, learning_rate=self.learning_rate)
        batches = _batches(len(X), self.batch_size, rng)
        history = np.empty(self.steps)
        if progress is None:
            progress = self.steps * self.batch_size * W.size > LONG_WORK
        for step in trange(self.steps, disable=not progress, desc="Training", unit="step"):
            batch = next(batches)
            history[step], gradients = self.loss(parameters["W"], parameters["b"], X[batch], y[batch])
            if not math.isfinite(history[step]):
                raise FloatingPointError(
                    f"The loss became {history[step]} in step {step + 1}: centre and scale X "
                    f"(preprocessing.Standardize) or lower the learning_rate, {self.learning_rate}"
                )
            optimizer.step(parameters, gradients)
        self.W_, self.b_, self.classes_, self.loss_history_ = W, parameters["b"], classes, history
        return self

    def loss(self, W, b, X, y):
        """The loss of weights W (D, C) and b (C,) on points X (N, D) with class numbers y (N,), and its gradients.

        Returns a float and the dictionary {"W": dW, "b": db}.
        """
        data_loss, dscores = self.data_loss(X @ W + b, y)
        penalty = self.regularization * float((W * W).sum(dtype=np.float64))
        gradients = {"W": X.T @ dscores + 2 * float(self.regularization) * W, "b": dscores.sum(axis=0)}
        return data_loss + penalty, gradients

    def data_loss(self, scores, y):
        """The loss of scores (N, C) with class numbers y (N,), a float, and its gradient (N, C)."""
        raise NotImplementedError

    def scores(self, X):
        """The scores of ``classes_`` for every point, shape (N, C)."""
        if not hasattr(self, "W_"):
            raise RuntimeError(f"This {type(self).__name__} is not trained yet: call fit(X, y) first.")
        X = _points(X)
        if X.shape[1] != len(self.W_):
            raise ValueError(
                f"X must have {len(self.W_):,} features a point like the training data, not {X.shape[1]:,}"
            )
        return X @ self.W_ + self.b_

    def predict(self, X):
        """The label of the highest score for each point, shape (N,)."""
        scores = self.scores(X)
        return self.classes_[scores.argmax(axis=1)]

    def _check_parameters(self):
        for name, least in (("learning_rate", np.nextafter(0, 1)), ("regularization", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real) or not least <= value < math.inf:
                raise ValueError(f"{name} must be a {'positive' if least else 'non-negative'} number, not {value!r}")
        for name in ("steps", "batch_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name} must be a positive integer, not {value!r}")


class LinearSVM(LinearClassifier):
    """A linear classifier that minimises the multiclass hinge loss."""

    def data_loss(self, scores, y):
        return svm_loss(scores, y)


class SoftmaxClassifier(LinearClassifier):
    """A linear classifier that minimises the cross-entropy of softmax probabilities (logistic regression)."""

    def data_loss(self, scores, y):
        return softmax_loss(scores, y)


@dataclass(frozen=True)
class Improvement:
    """Weights W that were better than all before, their loss, and the number of evaluations that it took."""

    evaluations: int
    loss: float
    W: np.ndarray


def random_search(loss: Callable, shape: tuple, evaluations: int, rng, scale: float = 1e-4) -> list[Improvement]:
    """Try normal random weights of standard deviation ``scale``, each without regard to the others.

    ``loss(W)`` returns a float for an array of this shape. Returns every improvement in order; the last is the best.
    """
    rng = np.random.default_rng(rng)
    return _improvements(loss, lambda best: scale * rng.standard_normal(shape), evaluations)


def random_local_search(loss: Callable, start, evaluations: int, rng, step: float = 1e-4) -> list[Improvement]:
    """Try a normal random step of standard deviation ``step`` from the best weights so far, and keep it if it helps.

    The first evaluation is that of the weights ``start``, which are not modified. Otherwise as ``random_search``.
    """
    rng, start = np.random.default_rng(rng), np.array(start, float)

    def near(best):
        return start if best is None else best.W + step * rng.standard_normal(start.shape)

    return _improvements(loss, near, evaluations)


def _improvements(loss, propose, evaluations):
    if isinstance(evaluations, bool) or not isinstance(evaluations, int | np.integer) or evaluations < 1:
        raise ValueError(f"evaluations must be a positive integer, not {evaluations!r}")
    found = []
    for i in range(1, evaluations + 1):
        W = propose(found[-1] if found else None)
        value = float(loss(W))
        if not found or value < found[-1].loss or math.isnan(found[-1].loss):
            found.append(Improvement(i, value, W))
    return found


def _batches(n, size, rng):
    """Index arrays, without end: all points in random order, then all in another."""
    while True:
        order = rng.permutation(n)
        yield from (order[i : i + size] for i in range(0, n, size))


def _points(X):
    """X as a floating matrix (N, D), images flattened."""
    X = np.asarray(X)
    if X.dtype.kind not in "biuf":
        raise TypeError(f"X must hold real numbers, not {X.dtype}")
    if X.ndim < 2 or X.size == 0:
        raise ValueError(f"X must have the shape (N, D) or (N, H, W, C) with nothing empty, not {X.shape}")
    return X.reshape(len(X), -1).astype(np.float64 if X.dtype == np.float64 else np.float32, copy=False)
