"""Three answers to the same points: least squares, least absolute deviations, and a softmax over bins of y."""

from dataclasses import dataclass

import numpy as np

from cs231n_kit.losses import l1_loss, l2_loss, softmax_loss

COLUMNS = 120  # of the picture of the distribution
PENALTY = 1e-3  # keeps the softmax's weights finite where its bins can be told apart perfectly


def fit_l2(x, y):
    """Slope and intercept of the line with the least mean of (a x + b - y)², for x and y of shape (N,)."""
    return np.linalg.lstsq(np.column_stack([x, np.ones_like(x)]), y, rcond=None)[0]


def fit_l1(x, y):
    """Slope and intercept of a line with the least mean of |a x + b - y|, for x and y of shape (N,).

    Exact: the linear program "least Σ tᵢ with -tᵢ <= a xᵢ + b - yᵢ <= tᵢ". Where several lines are equally good,
    one of them.
    """
    from scipy.optimize import linprog

    design, slack = np.column_stack([x, np.ones_like(x)]), np.eye(len(x))
    limits = np.block([[design, -slack], [-design, -slack]])
    costs = np.concatenate([np.zeros(2), np.ones(len(x))])
    bounds = [(None, None)] * 2 + [(0, None)] * len(x)
    return linprog(costs, limits, np.concatenate([y, -y]), bounds=bounds, method="highs").x[:2]


class BinnedRegression:
    """Regression recast as classification: softmax over equal bins of y in [-1, 1], with scores linear in x.

    After ``fit``: ``W_`` (2, B), slopes and intercepts of the scores of the B bins.
    """

    def __init__(self, bins):
        self.bins = bins
        self.centers = (2 * np.arange(bins) + 1) / bins - 1

    def labels(self, y):
        """The bin of each y (N,)."""
        return np.clip(((np.asarray(y) + 1) / 2 * self.bins).astype(int), 0, self.bins - 1)

    def fit(self, x, y):
        """Learn from x and y of shape (N,): the least cross-entropy with a small L2 penalty on ``W_``."""
        from scipy.optimize import minimize

        design, labels = np.column_stack([x, np.ones_like(x)]), self.labels(y)

        def objective(flat):
            W = flat.reshape(2, self.bins)
            loss, dscores = softmax_loss(design @ W, labels)
            return loss + PENALTY * (W * W).sum(), (design.T @ dscores + 2 * PENALTY * W).ravel()

        start = np.zeros(2 * self.bins)
        self.W_ = minimize(objective, start, jac=True, method="L-BFGS-B").x.reshape(2, self.bins)
        return self

    def probabilities(self, x):
        """P(bin | x) of x (N,), shape (N, B)."""
        scores = np.column_stack([x, np.ones_like(x)]) @ self.W_
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def mean(self, x):
        """The expected value of y at x (N,)."""
        return self.probabilities(x) @ self.centers

    def mode(self, x):
        """The centre of the likeliest bin at x (N,)."""
        return self.centers[self.probabilities(x).argmax(axis=1)]


@dataclass(frozen=True)
class Fits:
    """What the methods make of N points.

    ``lines``: {"l2", "l1": (slope, intercept)}; ``binned``: the fitted ``BinnedRegression``; ``losses``:
    {method: (L2 loss, L1 loss)} of the predictions of "l2", "l1", "mean" and "mode"; ``shares``: {"l2", "l1", "bins":
    (N,)}, what each point has of the loss that its method has minimised.
    """

    lines: dict
    binned: BinnedRegression
    losses: dict
    shares: dict

    def predictions(self, x):
        """{method: y at x}, for x (N,)."""
        lines = {name: slope * x + intercept for name, (slope, intercept) in self.lines.items()}
        return lines | {"mean": self.binned.mean(x), "mode": self.binned.mode(x)}


def fit_all(x, y, bins):
    """The ``Fits`` of points x and y, float64 (N,); None unless two of them differ in x."""
    if len(x) < 2 or np.ptp(x) < 1e-9:
        return None
    binned = BinnedRegression(bins).fit(x, y)
    fits = Fits({"l2": fit_l2(x, y), "l1": fit_l1(x, y)}, binned, {}, {})
    for name, predicted in fits.predictions(x).items():
        fits.losses[name] = l2_loss(predicted, y)[0], l1_loss(predicted, y)[0]
    residuals = {name: np.abs(slope * x + intercept - y) for name, (slope, intercept) in fits.lines.items()}
    right = binned.probabilities(x)[np.arange(len(x)), binned.labels(y)]
    parts = {"l2": residuals["l2"] ** 2, "l1": residuals["l1"], "bins": -np.log(right)}
    fits.shares.update({name: part / max(part.sum(), 1e-12) for name, part in parts.items()})
    return fits


def column_places():
    """The x of the columns in which the distribution is drawn, (COLUMNS,)."""
    return (2 * np.arange(COLUMNS) + 1) / COLUMNS - 1
