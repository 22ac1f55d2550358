"""Normalisation in CUDA: signatures and meaning as in cs231n_kit.kernels.normalization."""

import math
from typing import NamedTuple

import numpy as np

from cs231n_kit.kernels import cuda
from cs231n_kit.kernels.normalization import by_channel

ENOUGH_BLOCKS = 1024  # to keep any GPU busy while it adds up sets
LEAST_SHARE = 4 * cuda.THREADS  # of a set's elements, so that splitting it pays
MOST_SPLITS = 64


class Sets(NamedTuple):
    """Which elements belong together: element i to set i // stride % count."""

    count: int
    stride: int


def batch_normalization(x, gamma, beta, eps):
    _check(dict(x=x, gamma=gamma, beta=beta))
    out, *statistics = _normalization(x, gamma, beta, eps, _channels(x))
    return out, *(by_channel(statistic, x) for statistic in statistics)


def batch_normalization_gradients(dout, x, gamma, mean, error, inverse_std):
    statistics = dict(mean=mean, error=error, inverse_std=inverse_std)
    _check(dict(x=x, dout=dout, gamma=gamma), statistics, (1, *x.shape[1:2], *(1,) * (x.ndim - 2)))
    return _gradients(dout, x, gamma, statistics.values(), _channels(x))


def group_normalization(x, gamma, beta, groups, eps):
    _check(dict(x=x, gamma=gamma, beta=beta))
    groups = _checked_groups(x, groups)
    out, *statistics = _normalization(x, gamma, beta, eps, _groups(x, groups))
    return out, *(statistic.reshape(len(x), groups, 1) for statistic in statistics)


def group_normalization_gradients(dout, x, gamma, mean, error, inverse_std):
    statistics = dict(mean=mean, error=error, inverse_std=inverse_std)
    _check(dict(x=x, dout=dout, gamma=gamma), statistics, (len(x), *mean.shape[1:2], 1))
    groups = _checked_groups(x, mean.shape[1])
    return _gradients(dout, x, gamma, statistics.values(), _groups(x, groups))


def _normalization(x, gamma, beta, eps, sets):
    if not 0 < eps < math.inf:
        raise ValueError(f"eps must be finite and greater than 0, not {eps!r}")
    x, gamma, beta = _of_one_type(x, gamma, beta)
    lanes, splits, grid = _sharing(x, sets)
    means, squares = (cuda.empty((splits, sets.count), x.dtype) for _ in range(2))
    _launch("split_moments", x, grid, x, means, squares, _size(x), *sets, lanes)
    statistics = mean, error, _, inverse_std = [cuda.empty(sets.count, x.dtype) for _ in range(4)]
    arguments = x, means, squares, *statistics, _size(x), *sets, splits, float(eps)
    _launch("join_moments", x, sets.count, *arguments)
    out = cuda.empty(x.shape, x.dtype)
    arguments = x, gamma, beta, mean, error, inverse_std, out, _size(x), *sets, *_channels(x)
    _launch("normalize", x, x.size, *arguments)
    return out, *statistics


def _gradients(dout, x, gamma, statistics, sets):
    dout, x, gamma, *statistics = _of_one_type(dout, x, gamma, *(statistic.ravel() for statistic in statistics))
    channels = _channels(x)
    dbeta, dgamma = _sums(dout, x, gamma, statistics, sets, channels, times_gamma=False)
    sums, by_gamma = (dbeta, dgamma), True
    if sets != channels:
        sums, by_gamma = _sums(dout, x, gamma, statistics, sets, sets, times_gamma=True), False
    dx = cuda.empty(x.shape, x.dtype)
    arguments = dout, x, gamma, *statistics, *sums, dx, _size(x), *sets, *channels, int(by_gamma)
    _launch("input_gradient", x, x.size, *arguments)
    return dx, dgamma, dbeta


def _sums(dout, x, gamma, statistics, sets, summed, times_gamma):
    """Sums of dout and of its products with the normalised x over each of the ``summed`` sets."""
    lanes, splits, grid = _sharing(x, summed)
    parts = [cuda.empty((splits, summed.count), x.dtype) for _ in range(2)]
    arguments = dout, x, gamma, *statistics, *parts, _size(x), *summed, lanes, *sets, *_channels(x), int(times_gamma)
    _launch("split_sums", x, grid, *arguments)
    totals = [cuda.empty(summed.count, x.dtype) for _ in range(2)]
    _launch("join_sums", x, summed.count, *parts, *totals, summed.count, splits)
    return totals


def _sharing(x, sets):
    """How many sets a block has side by side, into how many splits each is cut, and the grid for them."""
    lanes = 32 if sets.stride == 1 and sets.count > 1 else 1
    columns = -(-sets.count // lanes)
    of_set = x.size // sets.count
    splits = max(1, min(MOST_SPLITS, ENOUGH_BLOCKS // columns, of_set // (LEAST_SHARE // lanes)))
    return lanes, splits, (columns, splits, 1)


def _channels(x):
    return Sets(x.shape[1], math.prod(x.shape[2:]))


def _groups(x, groups):
    return Sets(len(x) * groups, math.prod(x.shape[1:]) // groups)


def _check(arrays, statistics=None, statistics_shape=()):
    """Raise TypeError or ValueError, with the name, for an array of another type or shape than the kernels read."""
    x, statistics = arrays["x"], statistics or {}
    cuda.check_reals(**arrays, **statistics)
    if x.ndim < 2 or x.size == 0:
        raise ValueError(f"x must have the shape (N, C) or (N, C, H, W) and not be empty, not {x.shape}")
    for name, array in arrays.items():
        cuda.check_shape(name, array, x.shape if name in ("x", "dout") else x.shape[1:2])
    for name, array in statistics.items():
        cuda.check_shape(name, array, statistics_shape)


def _checked_groups(x, groups):
    groups = cuda.size("groups", groups)
    if x.shape[1] % groups:
        raise ValueError(f"groups must divide the {x.shape[1]} channels of x, but is {groups}")
    return groups


def _of_one_type(*arrays):
    dtype = np.result_type(*(array.dtype for array in arrays))
    return cuda.contiguous(*(array.astype(dtype, copy=False) for array in arrays))


def _size(x):
    if x.size >= 2**31:
        raise ValueError(f"x has {x.size:,} elements, more than the kernel counts, {2**31 - 1:,}: split the batch")
    return np.uint32(x.size)


def _launch(kernel, x, work, *arguments):
    """work: elements for a grid-stride loop, or a grid."""
    how = {"grid": work} if isinstance(work, tuple) else {"work": work}
    cuda.launch("normalization.cu", kernel, arguments, x.dtype, **how)
