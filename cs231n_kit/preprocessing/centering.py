"""Centre data around zero, and scale it to unit variance."""

import numpy as np

from cs231n_kit.preprocessing.samples import finite_mean, fitted_samples, samples


class MeanImage:
    """Subtract the mean of the training samples, pixel by pixel. X is (N, ...); ``mean_`` has a sample's shape."""

    def fit(self, X) -> "MeanImage":
        X = samples(X)
        self.mean_ = finite_mean(X)
        self.shape_ = X.shape[1:]
        return self

    def transform(self, X):
        X = fitted_samples(self, X)
        return X - self.mean_.astype(X.dtype)


class ChannelMean:
    """Subtract one mean for each colour channel, of all pixels of the training images.

    ``channel_axis`` is -1 for images (N, H, W, C) and 1 for (N, C, H, W); ``mean_`` has the shape (C,).
    """

    def __init__(self, channel_axis: int = -1):
        self.channel_axis = channel_axis

    def fit(self, X) -> "ChannelMean":
        X = samples(X)
        if not -X.ndim < self.channel_axis < X.ndim or self.channel_axis == 0:
            raise ValueError(f"channel_axis must be one of the axes 1 to {X.ndim - 1} of X, not {self.channel_axis}")
        self._axis = self.channel_axis % X.ndim
        others = tuple(axis for axis in range(X.ndim) if axis != self._axis)
        self.mean_ = finite_mean(X, others)
        self.shape_ = X.shape[1:]
        return self

    def transform(self, X):
        X = fitted_samples(self, X)
        return X - self.mean_.astype(X.dtype).reshape([-1 if axis == self._axis else 1 for axis in range(X.ndim)])


class Standardize:
    """Centre every feature and divide it by its standard deviation in the training data: (x - x̄) / s.

    X is (N, ...); ``mean_`` and ``std_`` have a sample's shape, s² = 1/N Σ (x - x̄)². Features that are constant in the
    training data are only centred, because there is no scale to divide by.
    """

    def fit(self, X) -> "Standardize":
        X = samples(X)
        self.mean_ = finite_mean(X)
        self.std_ = X.std(axis=0, dtype=np.float64)
        rounding = 10 * np.finfo(X.dtype).eps * np.abs(self.mean_)
        self._scale = np.where(self.std_ > rounding, self.std_, 1.0)
        self.shape_ = X.shape[1:]
        return self

    def transform(self, X):
        X = fitted_samples(self, X)
        return (X - self.mean_.astype(X.dtype)) / self._scale.astype(X.dtype)
