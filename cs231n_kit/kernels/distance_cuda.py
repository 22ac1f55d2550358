"""Distances, the k smallest and their votes in CUDA: signatures and meaning as in cs231n_kit.kernels.distance."""

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels import cuda
from cs231n_kit.kernels.distance import FEW_FEATURES, operands, still_exact

TILE, SIDE = 64, 16  # as in distance.cu
MOST_ROUNDS = 64  # a round of k_smallest reads the row again; for larger k it is better sorted


def l2_distances(X, Y):
    """One matrix product and a kernel that makes distances of it; for few features from the differences."""
    xp = array_module(X, Y)
    X, Y, whole_numbers = operands(xp, X, Y)
    if X.shape[1] <= FEW_FEATURES:
        return _tiled("l2_distances", X, Y)
    centre = Y.sum(axis=0) / max(1, len(Y))
    centre = xp.rint(centre) if whole_numbers else centre  # whole numbers stay whole, and exact
    X_moved, Y_moved = X - centre, Y - centre
    squares = [(array * array).sum(axis=1) for array in (X_moved, Y_moved)]
    distances, *arrays = cuda.contiguous(X_moved @ Y_moved.T, *squares, X, Y)
    arguments = distances, *arrays, *distances.shape, X.shape[1], still_exact(X.dtype)
    cuda.launch("distance.cu", "l2_from_products", arguments, X.dtype, distances.size)
    return distances


def l1_distances(X, Y):
    """A tiled kernel, in which each number is read once for 64 distances."""
    X, Y, _ = operands(array_module(X, Y), X, Y, small_integers="float32")
    return _tiled("l1_distances", X, Y)


def k_smallest(distances, k):
    """Round by round, a block of threads for each row."""
    cuda.check_reals(distances=distances)
    k, (rows, columns) = cuda.size("k", k, least=-(2**31)), _matrix("distances", distances).shape
    if not 1 <= k <= columns:
        raise ValueError(f"k must be between 1 and the number of columns, {columns}, not {k}")
    if k > MOST_ROUNDS:
        return array_module(distances).argsort(distances, axis=1, kind="stable")[:, :k]
    (distances,) = cuda.contiguous(distances)
    chosen = cuda.empty((rows, k), np.int64)
    arguments = distances, chosen, rows, columns, k
    cuda.launch("distance.cu", "k_smallest", arguments, distances.dtype, rows * cuda.THREADS)
    return chosen


def count_votes(labels, classes):
    """A thread for each point and class."""
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must hold integers, not {labels.dtype}")
    classes = cuda.size("classes", classes, least=0)
    (labels,) = cuda.contiguous(_matrix("labels", labels).astype(np.int64, copy=False))
    votes = cuda.empty((len(labels), classes), np.int64)
    arguments = labels, votes, *labels.shape, classes
    cuda.launch("distance.cu", "count_votes", arguments, np.float32, votes.size)
    return votes


def _tiled(kernel, X, Y):
    X, Y = cuda.contiguous(X, Y)
    distances = cuda.empty((len(X), len(Y)), X.dtype)
    tiles = -(-len(X) // TILE) * -(-len(Y) // TILE)
    arguments = X, Y, distances, *distances.shape, X.shape[1]
    cuda.launch("distance.cu", kernel, arguments, X.dtype, tiles * SIDE * SIDE, block=(SIDE, SIDE, 1))
    return distances


def _matrix(name, array):
    if array.ndim != 2:
        raise ValueError(f"{name} must be a matrix, not of shape {array.shape}")
    return array
