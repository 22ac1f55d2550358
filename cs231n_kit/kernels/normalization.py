"""Normalisation: values minus their mean, divided by their standard deviation, then scaled and shifted.

Arguments are not checked here: see cs231n_kit.layers.normalization. Means, variances and 1 / deviations keep the
axes that they are taken over, with length 1.
"""

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels.parallel import fastest, numba_threads

WORTH_COMPILING = 100_000  # elements; below, NumPy needs half a millisecond at most


def batch_normalization(x, gamma, beta, eps):
    """Normalise the channels along axis 1 of x (N, C) or (N, C, H, W), over all other axes, by their own statistics.

    gamma and beta: (C,). Returns out and the statistics mean, error, variance and 1 / sqrt(variance + eps): the mean
    of the values, to more digits than their type has, is mean + error.
    """
    if _is_worth_compiling(x, gamma, beta):
        return fastest(batch_normalization_numba, batch_normalization_numpy, x, gamma, beta, eps)
    return batch_normalization_numpy(x, gamma, beta, eps)


def batch_normalization_gradients(dout, x, gamma, mean, error, inverse_std):
    """Gradients (dx, dgamma, dbeta) of ``batch_normalization``; gamma, dgamma and dbeta are (C,)."""
    arguments = dout, x, gamma, mean, error, inverse_std
    if _is_worth_compiling(*arguments):
        return fastest(batch_normalization_gradients_numba, batch_normalization_gradients_numpy, *arguments)
    return batch_normalization_gradients_numpy(*arguments)


def batch_normalization_numpy(x, gamma, beta, eps):
    """``batch_normalization`` by its definition."""
    x_hat, *statistics = normalize(x, every_axis_but_channels(x), eps)
    return scale_and_shift(x_hat, by_channel(gamma, x), by_channel(beta, x)), *statistics


def batch_normalization_gradients_numpy(dout, x, gamma, mean, error, inverse_std):
    """``batch_normalization_gradients``; gamma is the same for all that a mean is taken over, which leaves two sums."""
    axes = every_axis_but_channels(x)
    x_hat = standardize(x, mean, error, inverse_std)
    dgamma, dbeta = sum_of_products(dout, x_hat, axes), dout.sum(axis=axes, keepdims=True)
    count = dout.size // dbeta.size
    dx = x_hat * (dgamma / -count)
    dx += dout
    dx -= dbeta / count
    dx *= by_channel(gamma, x) * inverse_std
    return dx, dgamma.ravel(), dbeta.ravel()


def batch_normalization_numba(x, gamma, beta, eps):
    """``batch_normalization`` in parallel machine code. Raises ImportError where Numba is not installed."""
    from numba import get_num_threads

    from cs231n_kit.kernels import normalization_numba

    out, statistics = np.empty(x.shape, x.dtype), np.empty((4, x.shape[1]), x.dtype)
    arguments = _planes(x), *_plain(gamma, beta), eps, _planes(out), statistics
    with numba_threads():
        if x.ndim == 2:
            normalization_numba.normalize_columns(*arguments, get_num_threads())
        else:
            normalization_numba.normalize_planes(*arguments)
    return out, *(by_channel(statistic, x) for statistic in statistics)


def batch_normalization_gradients_numba(dout, x, gamma, mean, error, inverse_std):
    """``batch_normalization_gradients`` in parallel machine code. Raises ImportError where Numba is not installed."""
    from numba import get_num_threads

    from cs231n_kit.kernels import normalization_numba

    dx, dgamma, dbeta = np.empty(x.shape, x.dtype), np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    by_channel = _plain(gamma, mean.ravel(), error.ravel(), inverse_std.ravel())
    arguments = _planes(dout), _planes(x), *by_channel, _planes(dx), dgamma, dbeta
    with numba_threads():
        if x.ndim == 2:
            normalization_numba.columns_gradient(*arguments, get_num_threads())
        else:
            normalization_numba.planes_gradient(*arguments)
    return dx, dgamma, dbeta


def normalize(x, axes, eps):
    """x minus its mean, divided by its standard deviation over the axes; also mean, error, variance, 1 / deviation.

    The deviations are computed before they are squared, because E[x²] - E[x]² cancels where the mean is large, and
    their own mean, the rounding error of the first, is taken out (Chan, Golub and LeVeque 1983): for values near
    10,000 float32 gets the mean wrong by 1/1000, far more than the deviations of a nearly constant feature.
    """
    xp = array_module(x)
    mean = x.mean(axis=axes, keepdims=True)
    deviations = x - mean
    error = deviations.mean(axis=axes, keepdims=True)
    deviations -= error
    var = sum_of_products(deviations, deviations, axes) * (error.size / x.size)
    inverse_std = 1 / xp.sqrt(var + eps)
    deviations *= inverse_std
    return deviations, mean, error, var, inverse_std


def standardize(x, mean, error, inverse_std):
    """(x - mean - error) · inverse_std."""
    x_hat = x - mean
    x_hat -= error
    x_hat *= inverse_std
    return x_hat


def normalize_gradient(dx_hat, x_hat, inverse_std, axes):
    """Gradient of ``normalize``'s first result with respect to x."""
    mean = dx_hat.mean(axis=axes, keepdims=True)
    dx = x_hat * (sum_of_products(dx_hat, x_hat, axes) * (-mean.size / x_hat.size))
    dx += dx_hat
    dx -= mean
    dx *= inverse_std
    return dx


def scale_and_shift(x_hat, gamma, beta):
    xp = array_module(x_hat)
    out = xp.multiply(x_hat, gamma, dtype=xp.result_type(x_hat, gamma, beta))
    out += beta
    return out


def sum_of_products(a, b, axes):
    """(a · b).sum(axis=axes, keepdims=True) without an array for the products."""
    every = list(range(a.ndim))
    kept = [axis for axis in every if axis not in axes]
    shape = [1 if axis in axes else a.shape[axis] for axis in every]
    return array_module(a, b).einsum(a, every, b, every, kept).reshape(shape)


def by_channel(values, x):
    """Values (C,) in a shape that meets the channels along axis 1 of x."""
    return values.reshape(1, -1, *(1,) * (x.ndim - 2))


def every_axis_but_channels(x):
    return (0, *range(2, x.ndim))


def _is_worth_compiling(x, *others):
    return array_module(x) is np and x.size >= WORTH_COMPILING and all(array.dtype == x.dtype for array in others)


def _plain(*arrays):
    """Contiguous and writeable, copied where they are not: for other kinds of arrays Numba would compile anew."""
    return [np.require(array, requirements=["C", "A", "W"]) for array in arrays]


def _planes(x):
    """x (N, C) as it is, images (N, C, H, W) as (N, C, H W)."""
    (x,) = _plain(x)
    return x if x.ndim == 2 else x.reshape(*x.shape[:2], -1)
