"""Lecture 06: statistics from the training data only, or also from the validation data? An experiment.

Far fewer images than pixels, so that a leak has something to tell; repeated for many random draws of images.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from cs231n_kit.plots import COLORS, MUTED, new_figure
from cs231n_kit.preprocessing import MeanImage, Standardize, Whitening

KEPT = 20  # pixels that a selection keeps
FRESH = 200  # images of each draw that neither preparation nor training has seen


class BestPixels:
    """Keeps the pixels whose means in the two classes differ most, in units of their spread: it looks at labels."""

    def fit(self, X, y):
        difference = X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0)
        spread = np.sqrt((X[y == 1].var(axis=0) + X[y == 0].var(axis=0)) / 2)
        self.kept_ = np.argsort(-np.abs(difference) / np.maximum(spread, 1e-3))[:KEPT]
        return self

    def transform(self, X):
        return X[:, self.kept_]


METHODS = {
    "mean image": MeanImage,
    "standardise": Standardize,
    "whiten": lambda: Whitening(epsilon=10.0),
    f"choose {KEPT} pixels": BestPixels,
}


@dataclass(frozen=True)
class Leaks:
    """Shares of right answers, each (draws,): of validation images and of fresh ones, by (method, source).

    source: "training" or "all", where the statistics come from.
    """

    validation: dict
    fresh: dict

    def optimism(self, method, source):
        """How much better the validation images make it look: (mean, standard error)."""
        gap = self.validation[method, source] - self.fresh[method, source]
        return float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(len(gap)))


@threadpool_limits.wrap(1, user_api="blas")  # products this small gain nothing from threads, and wait for them
def measure(X, y, count=20, draws=100, methods=tuple(METHODS), shuffled=False, seed=0):
    """Prepare, train and validate on small random draws from X (N, D) with labels y (N,).

    Each draw takes two classes at random, ``count`` images for training, as many for validation, and fresh ones.
    shuffled: draw labels at random instead, so that there is nothing to learn and 50 % is the truth.
    """
    rng = np.random.default_rng(seed)
    validation = {(method, source): [] for method in methods for source in ("training", "all")}
    fresh = {key: [] for key in validation}
    for _ in range(draws):
        pair = rng.choice(np.unique(y), 2, replace=False)
        rows = rng.permutation(np.flatnonzero(np.isin(y, pair)))[: 2 * count + FRESH]
        images, labels = X[rows].astype(np.float64), (y[rows] == pair[1]).astype(int)
        if shuffled:
            labels = rng.permutation(np.arange(len(rows)) % 2)
        parts = {"training": slice(0, count), "all": slice(0, 2 * count)}
        for method in methods:
            for source, seen in parts.items():
                preparation = METHODS[method]()
                arguments = (images[seen], labels[seen]) if isinstance(preparation, BestPixels) else (images[seen],)
                ready = preparation.fit(*arguments).transform(images)
                right = _ridge(ready[:count], labels[:count], ready[count:]) == labels[count:]
                validation[method, source].append(right[:count].mean())
                fresh[method, source].append(right[count:].mean())
    return Leaks(*({key: np.array(shares) for key, shares in part.items()} for part in (validation, fresh)))


def _ridge(X, y, others, strength=0.1):
    """Labels of ``others`` by least squares with a penalty, relative to the data's scale; by the (N, N) matrix X Xᵀ."""
    center = X.mean(axis=0)
    X, others = X - center, others - center
    products = X @ X.T
    penalty = strength * np.trace(products) / len(X)
    target = 2.0 * y - 1
    weights = np.linalg.solve(products + penalty * np.eye(len(X)), target - target.mean())
    return (others @ X.T @ weights + target.mean() > 0).astype(int)


def leaks_figure(found):
    """How much better validation makes it look than it is, in points; found: {title: Leaks}. ± two standard errors."""
    figure, axes = new_figure(9.6, 3.6, 1, len(found), sharey=True, squeeze=False)
    colors = {"training": COLORS[0], "all": COLORS[1]}
    labels = {"training": "statistics from the training images", "all": "from all images (a leak)"}
    for ax, (title, leaks) in zip(axes[0], found.items(), strict=True):
        methods = list(dict.fromkeys(method for method, _ in leaks.fresh))
        for shift, (source, color) in zip((-0.2, 0.2), colors.items(), strict=True):
            means, errors = 100 * np.array([leaks.optimism(method, source) for method in methods]).T
            at = np.arange(len(methods)) + shift
            ax.bar(at, means, 0.36, yerr=2 * errors, color=color, label=labels[source], error_kw={"capsize": 3})
        ax.axhline(0, color=MUTED, linewidth=0.8)
        ax.set_xticks(range(len(methods)), [method.replace(" ", "\n", 1) for method in methods], fontsize=9.5)
        ax.set_title(title, fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("validation − truth (points)")
    axes[0, 0].legend(frameon=False, fontsize=9, loc="lower left")
    return figure
