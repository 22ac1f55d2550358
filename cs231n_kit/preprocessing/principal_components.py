"""Rotate data onto its principal components, and whiten it."""

from numbers import Integral

import numpy as np

from cs231n_kit.preprocessing.samples import finite_mean, fitted_samples, samples


class PCA:
    """Project centred data onto the directions in which the training data varies most.

    Parameters
    ----------
    n
        The number of directions to keep, at most min(N, D); left out, all of these.

    Attributes, all float64: ``mean_`` (D,), ``components_`` (n, D), orthonormal rows of which the largest entry is
    positive, and ``explained_variance_`` (n,), largest first, with the denominator N - 1.
    """

    def __init__(self, n: int | None = None):
        self.n = n

    def fit(self, X) -> "PCA":
        """Find the directions in X (N, ...), at least two samples; images are flattened."""
        X = samples(X)
        rows = X.reshape(len(X), -1).astype(np.float64)
        most = min(rows.shape)
        if len(rows) < 2:
            raise ValueError("X must hold at least two samples: a single one does not vary")
        whole = isinstance(self.n, Integral) and not isinstance(self.n, bool)
        if self.n is not None and not (whole and 1 <= self.n <= most):
            raise ValueError(f"n must be an integer between 1 and min(N, D) = {most}, not {self.n!r}")
        self.mean_ = finite_mean(rows)
        rows -= self.mean_
        variances, components = _principal_axes(rows)
        signs = np.sign(components[np.arange(len(components)), np.abs(components).argmax(axis=1)])
        self.components_ = (components * signs[:, None])[: self.n]
        self.explained_variance_ = variances[: self.n]
        self.shape_ = X.shape[1:]
        return self

    def transform(self, X):
        """The coordinates of X (N, ...) along the directions, shape (N, n)."""
        X = fitted_samples(self, X)
        rows = X.reshape(len(X), -1) - self.mean_.astype(X.dtype)
        return rows @ self.components_.T.astype(X.dtype)

    def inverse_transform(self, coordinates):
        """The points, in the shape of the samples, that have these coordinates (N, n): a lossy picture when n < D."""
        if not hasattr(self, "shape_"):
            raise RuntimeError("This PCA knows no training data yet: call fit(X_train) first.")
        coordinates = samples(coordinates)
        if coordinates.shape[1:] != (len(self.components_),):
            raise ValueError(f"coordinates must have the shape (N, {len(self.components_)}), not {coordinates.shape}")
        dtype = coordinates.dtype
        rows = coordinates @ self.components_.astype(dtype) + self.mean_.astype(dtype)
        return rows.reshape(-1, *self.shape_)


class Whitening:
    """Rotate onto the principal components and scale each to variance 1: x ↦ P (x - x̄) / √(λ + ε).

    Parameters
    ----------
    kind
        "pca" leaves the data in the coordinates of the components, shape (N, n); "zca" rotates them back, which of all
        whitenings changes the data least (Bell & Sejnowski, 1997), and keeps the shape, so that images stay images.
    epsilon
        Added to the variances λ, so that directions of hardly any variance are not blown up to noise.
    n
        The number of components to keep; left out, min(N, D).
    """

    def __init__(self, kind: str = "pca", epsilon: float = 1e-5, n: int | None = None):
        if kind not in ("pca", "zca"):
            raise ValueError(f'kind must be "pca" or "zca", not {kind!r}')
        if not 0 < epsilon < np.inf:
            raise ValueError(f"epsilon must be a positive number, not {epsilon!r}")
        self.kind, self.epsilon, self.n = kind, epsilon, n

    def fit(self, X) -> "Whitening":
        """Find components and variances in X (N, ...), at least two samples."""
        self.pca_ = PCA(self.n).fit(X)
        self.shape_ = self.pca_.shape_
        return self

    def transform(self, X):
        """X whitened, (N, n) for "pca" and X's shape for "zca"."""
        X = fitted_samples(self, X)
        scale = 1 / np.sqrt(self.pca_.explained_variance_ + self.epsilon)
        whitened = self.pca_.transform(X) * scale.astype(X.dtype)
        if self.kind == "pca":
            return whitened
        return (whitened @ self.pca_.components_.astype(X.dtype)).reshape(X.shape)


def _principal_axes(centred):
    """Variances, largest first, and directions (rows) of centred data (N, D), min(N, D) of them.

    Few samples: singular values of the data. Many: eigenvectors of the covariance, a matrix of only (D, D).
    """
    samples_, features = centred.shape
    if samples_ <= features:
        _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
        return sizes**2 / (samples_ - 1), directions
    variances, directions = np.linalg.eigh(centred.T @ centred / (samples_ - 1))
    return np.maximum(variances[::-1], 0), directions.T[::-1]
