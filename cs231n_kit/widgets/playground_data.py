"""Points for the network playground: input features, the split into training and test, and a user's own arrays."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cs231n_kit.widgets.presets import MARGIN


class Feature(NamedTuple):
    """An input made of the coordinates: as code, and as a function of x1 and x2 (N,)."""

    code: str
    compute: Callable


FEATURES = {  # by the name that is shown
    "x1": Feature("x1", lambda x1, x2: x1),
    "x2": Feature("x2", lambda x1, x2: x2),
    "x1²": Feature("x1**2", lambda x1, x2: x1**2),
    "x2²": Feature("x2**2", lambda x1, x2: x2**2),
    "x1x2": Feature("x1 * x2", lambda x1, x2: x1 * x2),
    "sin πx1": Feature("np.sin(np.pi * x1)", lambda x1, x2: np.sin(np.pi * x1)),
    "sin πx2": Feature("np.sin(np.pi * x2)", lambda x1, x2: np.sin(np.pi * x2)),
}


def input_features(points, names):
    """The named ``FEATURES`` of points (N, 2): float32 (N, len(names))."""
    x1, x2 = np.asarray(points, np.float64).reshape(-1, 2).T
    return np.stack([FEATURES[name].compute(x1, x2) for name in names], axis=1).astype(np.float32)


def split(labels, share, seed):
    """Choose test points at random: the share of each class, rounded, but never all of it.

    Args:
        labels: int (N,).
        share: from 0 to below 1.
        seed: of the choice.

    Returns:
        bool (N,), True for test points.
    """
    labels = np.asarray(labels, np.int64)
    rng = np.random.default_rng(seed)
    test = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        test[members[: min(round(share * len(members)), len(members) - 1)]] = True
    return test


def into_square(X):
    """Points (N, 2) of any size moved and scaled into the square [-1, 1] x [-1, 1], each axis by itself.

    Points that lie in the square already stay as they are.
    """
    X = np.asarray(X, np.float64)
    if np.abs(X).max(initial=0) <= 1:
        return X
    low, high = X.min(axis=0), X.max(axis=0)
    half = np.where(high > low, (high - low) / 2, 1)
    return MARGIN * (X - (low + high) / 2) / half


def own_points(X, y, what="X and y"):
    """A user's own arrays, checked: X (N, 2) finite numbers, y (N,) labels; returns float64 and int64.

    Raises:
        ValueError: another shape, NaN, or labels that are not the whole numbers 0 to 5.
    """
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2 or X.dtype.kind not in "iuf":
        raise ValueError(f"{what}: the points must be numbers of shape (N, 2), got {X.dtype} of shape {X.shape}")
    if y.shape != (len(X),):
        raise ValueError(f"{what}: {len(X)} points need labels of shape ({len(X)},), got {y.shape}")
    if not np.isfinite(X).all():
        raise ValueError(f"{what}: the points hold NaN or infinity")
    whole = y.dtype.kind in "iu" or (y.dtype.kind == "f" and (y == np.round(y)).all())
    if not whole or not len(y) or y.min() < 0 or y.max() > 5:
        raise ValueError(
            f"{what}: labels must be whole numbers from 0 to 5, at least one; "
            "numpy.unique(y, return_inverse=True)[1] makes them of other labels"
        )
    return X.astype(np.float64), y.astype(np.int64)
