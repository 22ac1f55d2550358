"""Distances, the k smallest and their votes, and the k-nearest-neighbour classifier that they make."""

from benchmarks.gpu.race import DeviceRace, forward, integers, memory_bound, normal, tensor
from benchmarks.harness import PYTORCH, torch
from cs231n_kit.kernels import distance_cuda
from cs231n_kit.neighbors import KNearestNeighbor

OF_PRODUCT = 0.7
CLASSES = 10


def races(queries, training_points, features, k, l1, plane, votes):
    """l1: queries, training points and features; plane: points of 3 numbers on each side; votes: points that vote."""
    pairs = queries * training_points
    whole = dict(flops=2 * pairs * features, bytes=4 * (queries + training_points) * features, share=OF_PRODUCT)
    work = f"kNN L2, k = {k} ({queries:,} x {training_points:,} x {features:,})"
    yield DeviceRace(work, f"{PYTORCH}, cdist and topk", _neighbors(queries, training_points, features, k), **whole)
    work = f"{k} smallest of each row ({queries:,} x {training_points:,})"
    bound = "a round for each of the k goes over the row again"
    yield memory_bound(work, _smallest(queries, training_points, k), pairs, peer=f"{PYTORCH}, topk", bound=bound)
    N, M, D = l1
    # A subtraction and an addition, which take as long as two multiply-adds; the absolute value is free.
    each = dict(flops=4 * N * M * D, bytes=4 * (N + M) * D)
    yield DeviceRace(f"L1 distances ({N:,} x {M:,} x {D:,})", f"{PYTORCH}, cdist", _distances("l1", *l1), 1.0, **each)
    work = f"L2 distances, few features ({plane:,} x {plane:,} x 3)"
    yield memory_bound(work, _distances("l2", plane, plane, 3), plane * plane, peer=f"{PYTORCH}, cdist")
    work = f"votes of {k} neighbours ({votes:,} points, {CLASSES} classes)"
    numbers = 2 * votes * (k + CLASSES)  # of 8 bytes
    yield memory_bound(work, _votes(votes, k), numbers, peer=f"{PYTORCH}, scatter_add")


def _neighbors(queries, training_points, features, k):
    def build():
        X = integers(256, queries, features).astype("float32")
        X_train = integers(256, training_points, features, seed=1).astype("float32")
        classifier = KNearestNeighbor(k, "l2").fit(X_train, integers(CLASSES, training_points, seed=2))

        def theirs(X, X_train):
            return torch.cdist(X, X_train).topk(k, largest=False).values

        return lambda: classifier.kneighbors(X, progress=False)[0], forward(theirs, X, X_train)

    return build


def _smallest(rows, columns, k):
    def build():
        # Each row holds the same numbers, all different, so that both sides must find the same places.
        distances = normal(rows, columns).argsort(axis=1).astype("float32")
        theirs = forward(lambda distances: distances.topk(k, largest=False).indices, distances)
        return lambda: distance_cuda.k_smallest(distances, k), theirs

    return build


def _distances(metric, N, M, D):
    function, p = getattr(distance_cuda, f"{metric}_distances"), float(metric[1:])

    def build():
        X, Y = normal(N, D), normal(M, D, seed=1)
        differences = "donot_use_mm_for_euclid_dist"  # as exact as ours
        return lambda: function(X, Y), forward(lambda X, Y: torch.cdist(X, Y, p, compute_mode=differences), X, Y)

    return build


def _votes(points, k):
    def build():
        labels = integers(CLASSES, points, k)
        theirs_labels = tensor(labels)

        def theirs():
            votes = torch.zeros((points, CLASSES), dtype=torch.int64, device=theirs_labels.device)
            return votes.scatter_add(1, theirs_labels, torch.ones_like(theirs_labels))

        return lambda: distance_cuda.count_votes(labels, CLASSES), theirs

    return build
