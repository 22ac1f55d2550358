"""What data must look like that is fitted to or transformed."""

import numpy as np


def samples(X):
    """X (N, ...) as a floating array: float32 and float64 stay, pixels and other small integers become float32.

    Raises ValueError or TypeError for anything else, and for no samples.
    """
    X = np.asarray(X)
    if X.dtype.kind not in "biuf":
        raise TypeError(f"X must hold real numbers, not {X.dtype}")
    if X.ndim < 2 or X.size == 0:
        raise ValueError(f"X must have the shape (N, D) or (N, H, W, C) with nothing empty, not {X.shape}")
    return X.astype(np.float64 if X.dtype.itemsize > 4 or X.dtype in (np.int32, np.uint32) else np.float32, copy=False)


def finite_mean(X, axis=0):
    """The mean in float64. Raises ValueError where NaN or infinite numbers are among those of X."""
    mean = X.mean(axis=axis, dtype=np.float64)
    if not np.isfinite(mean).all():
        raise ValueError(
            "X must hold finite numbers, but some are NaN or infinite: look at numpy.argwhere(~numpy.isfinite(X))"
        )
    return mean


def fitted_samples(transform, X):
    """X for a transform that knows, as ``shape_``, the shape of the samples that it was fitted to."""
    if not hasattr(transform, "shape_"):
        name = type(transform).__name__
        raise RuntimeError(f"This {name} knows no training data yet: call fit(X_train) first.")
    X = samples(X)
    if X.shape[1:] != transform.shape_:
        raise ValueError(
            f"X must hold samples of shape {transform.shape_} like the training data, not {X.shape[1:]}"
            + ("; a single sample is X[None]" if X.shape == transform.shape_ else "")
        )
    return X
