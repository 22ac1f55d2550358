"""Distances between all rows of two matrices, and the k smallest of each row."""

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels.parallel import fastest, numba_threads

FEW_FEATURES = 16  # up to here differences are as fast as a matrix product, and free of cancellation
BLOCK = 1 << 18  # elements of a temporary array, so that it stays in the cache
WORTH_COMPILING = 20_000_000  # absolute differences; NumPy needs about 50 ms for them
PAIRS_WORTH_COMPILING = 5_000_000  # differences of chosen pairs; NumPy needs about 10 ms for them


def l2_distances(X, Y):
    """Euclidean distances between the rows of X (N, D) and those of Y (M, D), shape (N, M).

    float32 in, float32 out; all else is computed in float64, where sums of squares of integer pixels are exact.

    |x - y|² = |x|² + |y|² - 2 x·y leaves nearly all the work to one matrix product. Where x and y are close,
    the terms cancel and few digits are left: points far from the origin are moved there together, which keeps
    the terms small, and pairs that are too close even so are computed again from their differences.
    """
    xp = array_module(X, Y)
    X, Y, whole_numbers = _operands(xp, X, Y)
    if X.shape[1] <= FEW_FEATURES:
        return _from_differences(xp, X, Y, "l2")
    close_up = X, Y
    centre = Y.sum(axis=0) / max(1, len(Y))
    sizes_of_Y = _squared_sizes(xp, Y)
    if _is_far_out(centre, sizes_of_Y):
        centre = xp.rint(centre) if whole_numbers else centre  # whole numbers stay whole, and exact
        X, Y = X - centre, Y - centre
        sizes_of_Y = _squared_sizes(xp, Y)
    sizes = _squared_sizes(xp, X)[:, None] + sizes_of_Y
    squares = X @ Y.T
    squares *= -2
    squares += sizes
    sizes *= xp.finfo(X.dtype).eps ** 0.25
    close = xp.nonzero(~(squares > sizes))  # "not greater", so that an overflow to NaN is among them
    distances = xp.sqrt(xp.maximum(squares, 0, out=squares), out=squares)
    distances[close] = paired_distances(*close_up, *close, "l2")  # from the points before rounding moved them
    return distances


def l1_distances(X, Y):
    """Sums of absolute differences between the rows of X (N, D) and those of Y (M, D), shape (N, M).

    float32 in, float32 out (so for uint8, whose sums float32 holds exactly); all else in float64. Large
    problems run in a compiled kernel where Numba is installed; the first call ever then takes some seconds.
    """
    xp = array_module(X, Y)
    if xp is np and len(X) * len(Y) * X.shape[-1] >= WORTH_COMPILING:
        return fastest(l1_distances_numba, l1_distances_numpy, X, Y)
    return l1_distances_numpy(X, Y)


def l1_distances_numpy(X, Y):
    """``l1_distances`` by its definition."""
    xp = array_module(X, Y)
    X, Y, _ = _operands(xp, X, Y, small_integers="float32")
    return _from_differences(xp, X, Y, "l1")


def l1_distances_numba(X, Y):
    """``l1_distances`` in parallel machine code. Raises ImportError where Numba is not installed."""
    from cs231n_kit.kernels.distance_numba import sum_absolute_differences

    X, Y, _ = _operands(np, X, Y, small_integers="float32")
    distances = np.empty((len(X), len(Y)), X.dtype)
    with numba_threads():
        sum_absolute_differences(np.ascontiguousarray(X), np.ascontiguousarray(Y), distances)
    return distances


def paired_distances(X, Y, rows, columns, metric):
    """Distances, from the differences, between X[rows[i]] and Y[columns[i]], as float64 of shape (len(rows),).

    In one call the same two rows give the same bits wherever they stand, which is what makes ties ties.
    """
    arguments = X, Y, rows, columns, metric
    if array_module(X, Y) is np and len(rows) * X.shape[1] >= PAIRS_WORTH_COMPILING and _are_plain(X, Y):
        return fastest(paired_distances_numba, paired_distances_numpy, *arguments)
    return paired_distances_numpy(*arguments)


def paired_distances_numpy(X, Y, rows, columns, metric):
    """``paired_distances`` by its definition."""
    xp = array_module(X, Y)
    norm = _NORMS[metric]
    distances = xp.empty(len(rows), xp.float64)
    step = max(1, BLOCK // max(1, X.shape[1]))
    for i in range(0, len(rows), step):
        block = slice(i, i + step)
        difference = X[rows[block]].astype(xp.float64)
        difference -= Y[columns[block]]
        distances[block] = norm(xp, difference)
    return distances


def paired_distances_numba(X, Y, rows, columns, metric):
    """``paired_distances`` in parallel machine code. Raises ImportError where Numba is not installed."""
    from cs231n_kit.kernels import distance_numba

    kernel = {"l1": distance_numba.paired_l1, "l2": distance_numba.paired_l2}[metric]
    distances = np.empty(len(rows))
    with numba_threads():
        kernel(X, Y, *(np.ascontiguousarray(index, np.int64) for index in (rows, columns)), distances)
    return distances


def k_smallest(distances, k):
    """Column indices of the k smallest entries of each row, smallest first, shape (N, k).

    Of equal entries the one further left comes first, also where a tie crosses the k-th place.
    """
    xp = array_module(distances)
    columns = distances.shape[1]
    if not 1 <= k <= columns:
        raise ValueError(f"k must be between 1 and the number of columns, {columns}, not {k}")
    if k == columns:
        return xp.argsort(distances, axis=1, kind="stable")
    chosen = xp.sort(xp.argpartition(distances, k - 1, axis=1)[:, :k], axis=1)
    values = xp.take_along_axis(distances, chosen, axis=1)
    # Which of several entries equal to the k-th smallest are chosen is left open by argpartition.
    tied = xp.nonzero((distances <= values.max(axis=1, keepdims=True)).sum(axis=1) > k)[0]
    order = xp.argsort(values, axis=1, kind="stable")
    chosen = xp.take_along_axis(chosen, order, axis=1)
    if len(tied):
        chosen[tied] = xp.argsort(distances[tied], axis=1, kind="stable")[:, :k]
    return chosen


def _operands(xp, X, Y, small_integers="float64"):
    """X and Y as matrices of one floating type, and whether they held whole numbers; checks their shapes."""
    X, Y = xp.asarray(X), xp.asarray(Y)
    if X.ndim != 2 or Y.ndim != 2 or X.shape[1] != Y.shape[1]:
        raise ValueError(
            f"X and Y must be matrices with equally many columns, shapes (N, D) and (M, D), not {X.shape} and {Y.shape}"
        )
    types = {X.dtype.name, Y.dtype.name}
    if types <= {"float16", "float32"}:
        dtype = "float32"
    elif types == {"uint8"} and X.shape[1] * 255 < 2**24:
        dtype = small_integers
    else:
        dtype = "float64"
    whole_numbers = X.dtype.kind in "biu" and Y.dtype.kind in "biu"
    return X.astype(dtype, copy=False), Y.astype(dtype, copy=False), whole_numbers


def _are_plain(X, Y):
    """Whether Numba's code takes the matrices as they lie: a copy could cost more than it saves."""
    return (
        X.dtype == Y.dtype
        and X.dtype.name in ("float32", "float64")
        and all(array.flags.c_contiguous and array.flags.writeable for array in (X, Y))
    )


def _squared_sizes(xp, X):
    return xp.einsum("nd,nd->n", X, X)


def _is_far_out(centre, sizes_of_Y):
    """Whether Y lies so far from the origin, compared with its extent, that moving it saves a digit."""
    spread = sizes_of_Y.sum() / max(1, len(sizes_of_Y)) - centre @ centre
    return centre @ centre > 10 * spread


def _from_differences(xp, X, Y, metric):
    """Distances (N, M) from the differences of each pair, block by block."""
    distances = xp.empty((len(X), len(Y)), X.dtype)
    few = X.shape[1] <= FEW_FEATURES
    pairs = max(1, BLOCK // (4 if few else max(1, X.shape[1])))
    columns = max(1, min(len(Y), pairs))
    rows = max(1, pairs // columns)
    block_distances = _by_features if few else _by_pairs
    for i in range(0, len(X), rows):
        for j in range(0, len(Y), columns):
            block_distances(xp, X[i : i + rows], Y[j : j + columns], metric, distances[i : i + rows, j : j + columns])
    return distances


def _by_pairs(xp, X, Y, metric, distances):
    """Fill distances (N, M) by broadcasting (N, 1, D) against (M, D)."""
    distances[...] = _NORMS[metric](xp, X[:, None] - Y)


def _by_features(xp, X, Y, metric, distances):
    """The same, feature by feature: with few of them, a sum over a short axis would cost the most."""
    distances[...] = 0
    for x, y in zip(X.T, Y.T, strict=True):
        difference = x[:, None] - y
        distances += xp.abs(difference) if metric == "l1" else difference * difference
    if metric == "l2":
        xp.sqrt(distances, out=distances)


def _l1_norm(xp, difference):
    return xp.abs(difference, out=difference).sum(axis=-1)


def _l2_norm(xp, difference):
    return xp.sqrt(xp.multiply(difference, difference, out=difference).sum(axis=-1))


_NORMS = {"l1": _l1_norm, "l2": _l2_norm}
