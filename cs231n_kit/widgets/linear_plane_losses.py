"""What a linear classifier of the plane loses: the losses to choose from, by example and in all, with gradients."""

from dataclasses import dataclass

import numpy as np

from cs231n_kit.linear_classifier import LinearClassifier
from cs231n_kit.losses import binary_hinge_loss, softmax_loss, squared_hinge_loss, structured_svm_loss, svm_loss


def one_vs_all_loss(x, y):
    """One binary hinge loss for each class against all others; arguments and result as ``svm_loss``."""
    return binary_hinge_loss(x, np.eye(x.shape[1])[y])


def largest_violation_loss(x, y):
    """L = 1/N Σᵢ max_j (xᵢⱼ + [j ≠ yᵢ]) - xᵢ,yᵢ: only the worst class counts (Crammer & Singer, 2001).

    The structured hinge loss whose structures are single labels. Arguments and result as ``svm_loss``.
    """
    one_hot = np.eye(x.shape[1])

    def decode(scores, label):
        worst = int((scores + 1 - one_hot[label]).argmax())
        return worst, float(worst != label)

    return structured_svm_loss(x, y, lambda label: one_hot[label], decode)


LOSSES = {
    "weston_watkins": svm_loss,
    "one_vs_all": one_vs_all_loss,
    "structured": largest_violation_loss,
    "squared_hinge": squared_hinge_loss,
    "softmax": softmax_loss,
}
TITLES = {
    "weston_watkins": "Hinge, Weston–Watkins",
    "one_vs_all": "Hinge, one against all",
    "structured": "Hinge, structured (worst class)",
    "squared_hinge": "Squared hinge",
    "softmax": "Softmax cross-entropy",
}


class _Classifier(LinearClassifier):
    """The kit's linear classifier with any of the losses."""

    def __init__(self, loss, regularization):
        super().__init__(regularization=regularization)
        self.data_loss = LOSSES[loss]


@dataclass(frozen=True)
class Evaluation:
    """The loss of W (C, 2) and b (C,) on N points, and where it comes from; all arrays float64.

    scores (N, C) = X Wᵀ + b; losses (N,) of single examples, whose mean is data_loss; dscores (N, C), the gradient of
    each example's own loss by its scores; penalty = λ Σ W². dW (C, 2) and db (C,) are the gradients of
    loss = data_loss + penalty. A point is right where the largest of its scores, of equals the first, is its label's.
    """

    scores: np.ndarray
    losses: np.ndarray
    dscores: np.ndarray
    data_loss: float
    penalty: float
    dW: np.ndarray
    db: np.ndarray
    right: np.ndarray

    @property
    def loss(self):
        """Data loss plus penalty."""
        return self.data_loss + self.penalty

    def contributions(self, X):
        """What each of the points X (N, 2) adds to dW and db, as columns [w₁, w₂, b] of float64 (N, C, 3)."""
        inputs = np.column_stack([X, np.ones(len(X))])
        return self.dscores[:, :, None] * inputs[:, None] / len(X)


def evaluate(W, b, X, y, loss, regularization):
    """Evaluate weights W (C, 2) and biases b (C,) on points X (N, 2), N >= 1, with labels y (N,)."""
    model = _Classifier(loss, regularization)
    total, gradients = model.loss(W.T, b, X, y)
    scores = X @ W.T + b
    singles = [model.data_loss(scores[i : i + 1], y[i : i + 1]) for i in range(len(X))]
    penalty = regularization * float((W**2).sum())
    return Evaluation(
        scores=scores,
        losses=np.array([value for value, _ in singles]),
        dscores=np.concatenate([gradient for _, gradient in singles]),
        data_loss=total - penalty,
        penalty=penalty,
        dW=gradients["W"].T,
        db=gradients["b"],
        right=scores.argmax(axis=1) == y,
    )
