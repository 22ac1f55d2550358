"""Batch normalisation in machine code: each thread takes a share of the channels.

x is (N, D) in the functions of columns, (N, C, pixels) in those of planes. Inner indices are unsigned: signed ones
(which may count from the end) cost a comparison each.

Sums end up in float64, in an order that does not depend on the number of threads. Deviations are first taken from
the mean of a sixteenth of the values, a pass less than taking them from the mean of all. That is safe: no sixteenth
of a batch has a mean further than √15 standard deviations away, so that at most a digit of the variance cancels.
"""

import numpy as np
from numba import prange

from cs231n_kit.kernels.parallel import compiled

ROWS = 32  # whose sum is formed in the type of x before it joins the float64 sum, which takes twice as long

_compiled = compiled(fastmath={"contract"})
_compiled_for_all_threads = compiled(parallel=True, fastmath={"contract"})


@_compiled_for_all_threads
def normalize_columns(x, gamma, beta, eps, out, statistics, threads):
    """Fill out and statistics (4, D): mean, what rounding took from it, variance and 1 / sqrt(variance + eps)."""
    D = x.shape[1]
    for thread in prange(threads):
        _normalize_columns(x, gamma, beta, eps, out, statistics, thread * D // threads, (thread + 1) * D // threads)


@_compiled
def _normalize_columns(x, gamma, beta, eps, out, statistics, start, stop):
    N, first, width = len(x), np.uint64(start), np.uint64(stop - start)
    mean, error, inverse_std = np.zeros(width, x.dtype), np.empty(width, x.dtype), np.empty(width, x.dtype)
    sample = _sample(x)
    sums, _ = _column_sums(sample, mean, sample, mean, first)
    for d in range(width):
        mean[d] = sums[d] / len(sample)
    sums, squares = _column_sums(x, mean, x, mean, first)
    for d in range(width):
        error[d] = sums[d] / N
        variance = max(0, squares[d] / N - (sums[d] / N) ** 2)
        inverse_std[d] = 1 / np.sqrt(variance + eps)
        statistics[0, first + d], statistics[1, first + d] = mean[d], error[d]
        statistics[2, first + d], statistics[3, first + d] = variance, inverse_std[d]
    for top in range((N - 1) // ROWS * ROWS, -1, -ROWS):  # from the end, which is still in the cache
        for n in range(np.uint64(top), np.uint64(min(top + ROWS, N))):
            for d in range(width):
                normalized = (x[n, first + d] - mean[d] - error[d]) * inverse_std[d]
                out[n, first + d] = normalized * gamma[first + d] + beta[first + d]


@_compiled_for_all_threads
def columns_gradient(dout, x, gamma, mean, error, inverse_std, dx, dgamma, dbeta, threads):
    """Fill dx, dgamma and dbeta."""
    D = x.shape[1]
    for thread in prange(threads):
        start, stop = thread * D // threads, (thread + 1) * D // threads
        _columns_gradient(dout, x, gamma, mean, error, inverse_std, dx, dgamma, dbeta, start, stop)


@_compiled
def _columns_gradient(dout, x, gamma, mean, error, inverse_std, dx, dgamma, dbeta, start, stop):
    N, first, width = len(x), np.uint64(start), np.uint64(stop - start)
    nothing, mean, error = np.zeros(width, x.dtype), mean[start:stop], error[start:stop]
    mean_dout, slope, scale = np.empty(width, x.dtype), np.empty(width, x.dtype), np.empty(width, x.dtype)
    sums, products = _column_sums(dout, nothing, x, mean, first)
    for d in range(width):
        dbeta[first + d] = sums[d]
        dgamma[first + d] = (products[d] - sums[d] * error[d]) * inverse_std[first + d]
        mean_dout[d] = sums[d] / N
        slope[d] = dgamma[first + d] * inverse_std[first + d] / N
        scale[d] = gamma[first + d] * inverse_std[first + d]
    for top in range((N - 1) // ROWS * ROWS, -1, -ROWS):
        for n in range(np.uint64(top), np.uint64(min(top + ROWS, N))):
            for d in range(width):
                deviation = x[n, first + d] - mean[d] - error[d]
                dx[n, first + d] = (dout[n, first + d] - mean_dout[d] - deviation * slope[d]) * scale[d]


@_compiled
def _column_sums(a, a_offset, b, b_offset, first):
    """Sums over the rows, for the columns from the first on, of a' = a - a_offset and of a' (b - b_offset)."""
    N, width = len(a), np.uint64(len(a_offset))
    sums, products = np.zeros(width), np.zeros(width)
    few_sums, few_products = np.empty_like(a_offset), np.empty_like(a_offset)
    for top in range(0, N, ROWS):
        few_sums[:] = 0
        few_products[:] = 0
        for n in range(np.uint64(top), np.uint64(min(top + ROWS, N))):
            for d in range(width):
                value = a[n, first + d] - a_offset[d]
                few_sums[d] += value
                few_products[d] += value * (b[n, first + d] - b_offset[d])
        for d in range(width):
            sums[d] += few_sums[d]
            products[d] += few_products[d]
    return sums, products


@_compiled_for_all_threads
def normalize_planes(x, gamma, beta, eps, out, statistics):
    """``normalize_columns`` for planes, with statistics (4, C)."""
    kind, count, sample = x.dtype.type, x.shape[0] * x.shape[2], _sample(x)
    for channel in prange(x.shape[1]):
        c = np.uint64(channel)
        sums, _ = _plane_sums(sample, kind(0), sample, kind(0), c)
        mean = kind(sums / (len(sample) * x.shape[2]))
        sums, squares = _plane_sums(x, mean, x, mean, c)
        error = kind(sums / count)
        variance = max(0, squares / count - (sums / count) ** 2)
        inverse_std = kind(1 / np.sqrt(variance + eps))
        statistics[0, c], statistics[1, c] = mean, error
        statistics[2, c], statistics[3, c] = variance, inverse_std
        scale, shift = gamma[c], beta[c]
        for n in range(np.uint64(x.shape[0])):
            for p in range(np.uint64(x.shape[2])):
                out[n, c, p] = (x[n, c, p] - mean - error) * inverse_std * scale + shift


@_compiled_for_all_threads
def planes_gradient(dout, x, gamma, means, errors, inverse_stds, dx, dgamma, dbeta):
    """``columns_gradient`` for planes."""
    kind, count = x.dtype.type, x.shape[0] * x.shape[2]
    for channel in prange(x.shape[1]):
        c = np.uint64(channel)
        mean, error, inverse_std = means[c], errors[c], inverse_stds[c]
        sums, products = _plane_sums(dout, kind(0), x, mean, c)
        products = (products - sums * error) * inverse_std
        dbeta[c], dgamma[c] = sums, products
        mean_dout, slope, scale = kind(sums / count), kind(products * inverse_std / count), gamma[c] * inverse_std
        for n in range(np.uint64(x.shape[0])):
            for p in range(np.uint64(x.shape[2])):
                dx[n, c, p] = (dout[n, c, p] - mean_dout - (x[n, c, p] - mean - error) * slope) * scale


@compiled()
def _plane_sums(a, a_offset, b, b_offset, c):
    """Sums over channel c of a' = a - a_offset and of a' (b - b_offset)."""
    sums = products = 0.0
    for n in range(np.uint64(a.shape[0])):
        for p in range(np.uint64(a.shape[2])):
            value = np.float64(a[n, c, p] - a_offset)
            sums += value
            products += value * np.float64(b[n, c, p] - b_offset)
    return sums, products


@_compiled
def _sample(x):
    """A sixteenth of x, but at least 16 of its rows or images where there are so many."""
    return x[: max(len(x) // 16, min(len(x), 16))]
