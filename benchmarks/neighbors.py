"""The 10 nearest of 5,000 training points, for 500 points the size of CIFAR-10 images, against scikit-learn."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from benchmarks.harness import Race
from cs231n_kit.neighbors import KNearestNeighbor

QUERIES, TRAINING_POINTS, FEATURES, K = 500, 5_000, 3_072, 10
PAIRS = QUERIES * TRAINING_POINTS * FEATURES
METRICS = {"l1": "manhattan", "l2": "euclidean"}


def races():
    work = f"kNN {{}}, k = {K} ({QUERIES} x {TRAINING_POINTS:,} x {FEATURES:,})"
    bound = "bound by one matrix product, most of our time; selecting and settling the neighbours take the rest"
    yield Race(work.format("L2"), "scikit-learn", _sides("l2"), 0.5, 2 * PAIRS, bound=bound)
    # Subtraction, absolute value and addition are three instructions where a multiply-add is one.
    yield Race(work.format("L1"), "scikit-learn", _sides("l1"), 0.15, 3 * 2 * PAIRS)


def _sides(metric):
    def build():
        rng = np.random.default_rng(0)
        X = rng.integers(0, 256, size=(QUERIES, FEATURES)).astype(np.float32)
        X_train = rng.integers(0, 256, size=(TRAINING_POINTS, FEATURES)).astype(np.float32)
        y = rng.integers(0, 10, size=TRAINING_POINTS)
        ours = KNearestNeighbor(K, metric).fit(X_train, y)
        peer = NearestNeighbors(n_neighbors=K, algorithm="brute", metric=METRICS[metric]).fit(X_train)
        return lambda: ours.kneighbors(X, progress=False)[0], lambda: peer.kneighbors(X)[0]

    return build
