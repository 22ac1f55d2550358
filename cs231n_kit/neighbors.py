"""The k-nearest-neighbour classifier."""

from contextlib import contextmanager

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels.distance import count_votes, k_smallest, l1_distances, l2_distances, paired_distances

METRICS = {"l1": l1_distances, "l2": l2_distances}
QUERIES_AT_ONCE = 2_000
TRAINING_POINTS_AT_ONCE = 5_000
SPARE_CANDIDATES = 8
LONG_WORK = 200_000_000_000  # feature differences that take several seconds and deserve a progress bar


class KNearestNeighbor:
    """Classify by a majority vote among the k nearest training points.

    Training only remembers the data; all work is done when predicting, which is the wrong way round for
    most uses. A tied vote goes to the smaller label, and of training points at equal distance the earlier one
    is nearer, so that predictions never depend on chance.

    Parameters
    ----------
    k
        The number of neighbours that vote.
    metric
        "l2", the Euclidean distance, or "l1", the sum of absolute differences.

    Points are rows of numbers (N, D) or images (N, H, W, C), of any integer or floating type; uint8 images
    are compared as numbers and do not wrap around.
    """

    def __init__(self, k: int = 1, metric: str = "l2"):
        self.k = k
        self.metric = metric

    def fit(self, X, y) -> "KNearestNeighbor":
        """Remember the points X, (N, D) or (N, H, W, C), and their labels y (N,). The arrays are not copied.

        Raises ValueError or TypeError naming the argument that does not fit.
        """
        xp = array_module(X, y)
        X, y = _points(X, "X"), xp.asarray(y)
        if y.shape != X.shape[:1]:
            raise ValueError(
                f"y must have one label for each of the {len(X):,} points in X, shape {X.shape[:1]}, not {y.shape}"
                + (": use y.ravel()" if y.size == len(X) else "")
            )
        if y.dtype.kind not in "biuSU":
            raise TypeError(f"y must hold integers or strings as labels, not {y.dtype}")
        self._check_parameters(len(X))
        self.X_train_, self.y_train_ = X, y
        self.classes_, self._class_of = xp.unique(y, return_inverse=True)
        return self

    def predict(self, X):
        """The label with most votes for each point, shape (N,); the smaller label where votes tie."""
        scores = self.scores(X)
        return self.classes_[scores.argmax(axis=1)]

    def scores(self, X):
        """The fraction of the k votes that each of ``classes_`` gets, float64 of shape (N, C), rows summing to 1."""
        _, indices = self.kneighbors(X)
        return count_votes(self._class_of[indices], len(self.classes_)) / self.k

    def kneighbors(self, X, *, progress: bool | None = None):
        """Distances and indices of the k nearest training points, nearest first, both of shape (N, k).

        Distances are float32 for float32 points and float64 otherwise. ``progress`` switches the
        progress bar on or off; left out, work of more than a few seconds shows one.
        """
        if not hasattr(self, "X_train_"):
            raise RuntimeError("This KNearestNeighbor knows no training points yet: call fit(X, y) first.")
        self._check_parameters(len(self.X_train_))
        X = _points(X, "X")
        if X.shape[1] != self.X_train_.shape[1]:
            raise ValueError(
                f"X must have {self.X_train_.shape[1]:,} features a point like the training data, not {X.shape[1]:,}"
            )
        xp = array_module(X, self.X_train_)
        if progress is None:
            progress = X.size * len(self.X_train_) > LONG_WORK
        dtype = "float32" if X.dtype.name == self.X_train_.dtype.name == "float32" else "float64"
        distances = xp.empty((len(X), self.k), dtype)
        indices = xp.empty((len(X), self.k), "int64")
        # Distances between small integers are exact. Others are rounded differently from place to place, so that
        # somewhat more than k neighbours are found first and their order is settled by differences.
        exact = _small_integers(X) and _small_integers(self.X_train_)
        for queries, found in self._search(xp, X, self.k if exact else self.k + SPARE_CANDIDATES, progress):
            distances[queries], indices[queries] = found if exact else self._settle(xp, X[queries], found[1])
        return distances, indices

    def _search(self, xp, X, wanted, progress):
        """Yield slices of X with the distances and indices of the ``wanted`` nearest training points of each row.

        Blocks of queries meet blocks of training points, so that only a block of distances is in memory.
        """
        n_train = len(self.X_train_)
        wanted = min(wanted, n_train)
        with _progress_bar(len(X) * n_train, progress) as count:
            for i in range(0, len(X), QUERIES_AT_ONCE):
                queries = slice(i, min(i + QUERIES_AT_ONCE, len(X)))
                best = None
                for j in range(0, n_train, TRAINING_POINTS_AT_ONCE):
                    block = self.X_train_[j : j + TRAINING_POINTS_AT_ONCE]
                    found = METRICS[self.metric](X[queries], block)
                    columns = k_smallest(found, min(wanted, len(block)))
                    found = xp.take_along_axis(found, columns, axis=1), columns + j
                    best = found if best is None else _merge(xp, best, found, wanted)
                    count(len(columns) * len(block))
                yield queries, best

    def _settle(self, xp, X, candidates):
        """Distances and indices of the k nearest of the candidates (N, m); equal points get equal distances."""
        candidates = xp.sort(candidates, axis=1)  # so that the earlier point wins a tie
        rows = xp.repeat(xp.arange(len(X)), candidates.shape[1])
        exact = paired_distances(X, self.X_train_, rows, candidates.ravel(), self.metric).reshape(candidates.shape)
        order = k_smallest(exact, self.k)
        return xp.take_along_axis(exact, order, axis=1), xp.take_along_axis(candidates, order, axis=1)

    def _check_parameters(self, n_train: int) -> None:
        if self.metric not in METRICS:
            raise ValueError(f'metric must be "l1" or "l2", not {self.metric!r}')
        if isinstance(self.k, bool) or not isinstance(self.k, int | np.integer) or self.k < 1:
            raise ValueError(f"k must be a positive integer, not {self.k!r}")
        if self.k > n_train:
            raise ValueError(f"k must not exceed the number of training points, {n_train:,}, but is {self.k:,}")


@contextmanager
def _progress_bar(pairs: int, shown: bool):
    """Within, a function that counts compared pairs, on a bar if it is to be shown."""
    if not shown:
        yield lambda _: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=pairs, desc="Comparing", unit="pair", unit_scale=True) as bar:
        yield bar.update


def _points(X, name: str):
    """X as a matrix (N, D), images flattened; checks type, shape and values."""
    xp = array_module(X)
    X = xp.asarray(X)
    if X.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, not {X.dtype}")
    if X.ndim < 2 or 0 in X.shape:
        raise ValueError(
            f"{name} must have the shape (N, D) or (N, H, W, C) with nothing empty, not {X.shape}; "
            f"a single point is {name}[None]"
        )
    # Smallest and largest value, because isfinite(X) would take a quarter of X's memory again.
    if X.dtype.kind == "f" and not (xp.isfinite(X.min()) and xp.isfinite(X.max())):
        raise ValueError(f"{name} holds NaN or infinity, which have no distance to anything")
    return X.reshape(len(X), -1)


def _small_integers(X) -> bool:
    return X.dtype.kind in "biu" and X.dtype.itemsize <= 2


def _merge(xp, best, found, wanted):
    """The nearest of two sets of (distances, indices), each (N, ·) and with the earlier points in the first."""
    distances, indices = (xp.concatenate(pair, axis=1) for pair in zip(best, found, strict=True))
    columns = k_smallest(distances, min(wanted, distances.shape[1]))
    return xp.take_along_axis(distances, columns, axis=1), xp.take_along_axis(indices, columns, axis=1)
