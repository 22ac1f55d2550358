"""Histograms of all layers beside each other, on one axis or each on its own."""

import math

import numpy as np

BINS = 41  # odd, so that 0 has a bin of its own on an axis from -a to a
SAMPLE = 20_000  # values of a layer that a histogram is made of, at most
WITHIN = 0.999  # of the values; the few outermost are left out, or they would stretch the axis
BOUNDED = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


def histograms(arrays, shared, bounded=None):
    """Axes and histograms of layers.

    Args:
        arrays: of the input, hidden layers and scores, each (N, M), or None where there is none.
        shared: whether hidden layers share an axis. Input and scores always have their own.
        bounded: (low, high), the axis that hidden layers share, where the activation function gives one.

    Returns:
        ``(axes, shares)``: float64 (L, 2), the ends of each layer's axis, and float32 (L, BINS), the share of the
        layer's values in each bin, lowest first. Both are NaN where an array is missing or not finite. An axis is
        (0, 0) where every value is 0.
    """
    samples = [_sample(array) for array in arrays]
    axes = np.array([_axis(values) for values in samples])
    hidden = axes[1:-1]
    known = ~np.isnan(hidden[:, 0])
    if shared and known.any():
        hidden[known] = bounded or (hidden[known, 0].min(), hidden[known, 1].max())
    return axes, np.stack([_histogram(values, ends) for values, ends in zip(samples, axes, strict=True)])


def _sample(array):
    """The first examples' values, flat; None where there are none or they are not finite."""
    if array is None or not np.isfinite(array).all():
        return None
    return array[: math.ceil(SAMPLE / array.shape[1])].ravel()


def _axis(values):
    if values is None:
        return np.nan, np.nan
    low, high = np.quantile(values, [1 - WITHIN, WITHIN])
    if low == high:
        low, high = values.min(), values.max()
    largest = max(-float(low), float(high), 0.0)
    if low < -0.05 * largest:
        return -round_up(largest), round_up(largest)
    return 0.0, round_up(largest)


def _histogram(values, ends):
    if values is None:
        return np.full(BINS, np.nan, np.float32)
    low, high = ends
    if not high > low:  # every value is 0
        return np.eye(BINS, dtype=np.float32)[BINS // 2]
    bins = np.floor((values.astype(np.float64) - low) / (high - low) * BINS)
    bins[values == np.float32(high)] = BINS - 1
    bins = bins[(bins >= 0) & (bins < BINS)].astype(np.intp)
    return (np.bincount(bins, minlength=BINS) / len(values)).astype(np.float32)


def round_up(value):
    """The next of 1, 2, 5 times a power of ten, so that axes keep still while values change a little; 0 for 0."""
    if value < 1e-300:
        return 0.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 2, 5, 10) if step * unit >= value * (1 - 1e-9))
