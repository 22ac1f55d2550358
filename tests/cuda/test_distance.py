"""Distances, the k smallest and votes, on every backend, against sums in float64 and sorting in Python."""

import inspect
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs231n_kit.kernels import distance, distance_cuda

sizes = st.sampled_from([0, 1, 2, 5, 17, 67])
features = st.sampled_from([1, 3, 16, 17, 31, 40])
METRICS = ("l1", "l2")


def oracle(metric, X, Y):
    """Distances in float64, from the differences of each pair."""
    differences = np.abs(X[:, None].astype(float) - Y.astype(float))
    return differences.sum(axis=2) if metric == "l1" else np.sqrt((differences**2).sum(axis=2))


def distances(backend, metric, X, Y):
    return getattr(backend.family("distance"), f"{metric}_distances")(X, Y)


@pytest.mark.parametrize("name", ["l1_distances", "l2_distances", "k_smallest", "count_votes"])
def test_signatures_are_those_of_the_definitions(name):
    assert inspect.signature(getattr(distance_cuda, name)) == inspect.signature(getattr(distance, name))


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=25)
@given(N=sizes, M=sizes, D=features, dtype=st.sampled_from([np.float32, np.float64]), seed=st.integers(0, 99))
def test_distances(backend, metric, N, M, D, dtype, seed):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(N, D)).astype(dtype), rng.normal(size=(M, 2 * D)).astype(dtype)[:, ::2]
    found = distances(backend, metric, X, Y)
    assert found.dtype == dtype
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found, oracle(metric, X, Y), rtol=tolerance, atol=tolerance)


def test_pixels_are_exact(backend):
    X, Y = np.random.default_rng(0).integers(0, 256, size=(2, 20, 70), dtype=np.uint8)
    for metric in METRICS:
        np.testing.assert_array_equal(distances(backend, metric, X, Y), oracle(metric, X, Y))


def test_close_points_far_from_the_origin(backend):
    rng = np.random.default_rng(0)
    X = (1e4 + rng.normal(size=(9, 40))).astype(np.float32)
    Y = np.concatenate([X[::-1], X + np.float32(0.01)])
    expected = oracle("l2", X, Y)
    np.testing.assert_allclose(distances(backend, "l2", X, Y), expected, rtol=1e-4)


@pytest.mark.parametrize("metric", METRICS)
def test_nan_and_infinity_stay_in_their_rows_and_columns(backend, metric):
    X, Y = np.random.default_rng(0).normal(size=(2, 5, 20))
    X[1, 3], Y[2, 4] = np.nan, np.inf
    found = distances(backend, metric, X, Y)
    expected = np.ones((5, 5), bool)
    expected[1], expected[:, 2] = False, False
    if metric == "l1" or backend.name != "numpy":
        assert np.isnan(found[1]).all()
    assert (np.isfinite(found) == expected).all()


@settings(max_examples=40)
@given(
    rows=st.integers(0, 4),
    columns=st.sampled_from([1, 2, 7, 255, 256, 257, 600]),
    share=st.floats(0, 1),
    values=st.sampled_from([3, 1000]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 99),
)
def test_the_k_smallest_with_ties_from_the_left(backend, rows, columns, share, values, dtype, seed):
    k = 1 + int(share * (min(columns, 12) - 1))
    distances = np.random.default_rng(seed).integers(0, values, size=(rows, columns)).astype(dtype)
    expected = [sorted(range(columns), key=row.__getitem__)[:k] for row in distances]
    found = backend.family("distance").k_smallest(distances, k)
    np.testing.assert_array_equal(found, np.reshape(expected, (rows, k)))


def test_nan_is_larger_than_everything(backend):
    row = np.array([[np.nan, 2, np.inf, -np.inf, np.nan, 1]])
    assert backend.family("distance").k_smallest(row, 6).tolist() == [[3, 5, 1, 2, 0, 4]]


def test_many_neighbours_are_sorted(backend):
    distances = np.random.default_rng(0).permutation(200).astype(float)[None]
    np.testing.assert_array_equal(
        backend.family("distance").k_smallest(distances, 100)[0], np.argsort(distances[0])[:100]
    )


@pytest.mark.parametrize("k", [0, 4])
def test_k_must_fit(backend, k):
    with pytest.raises(ValueError, match=f"between 1 and the number of columns, 3, not {k}"):
        backend.family("distance").k_smallest(np.zeros((2, 3)), k)


@settings(max_examples=25)
@given(rows=st.integers(0, 5), k=st.integers(1, 8), classes=st.integers(1, 700), seed=st.integers(0, 99))
def test_votes(backend, rows, k, classes, seed):
    labels = np.random.default_rng(seed).integers(0, classes, size=(rows, k))
    counts = [Counter(row) for row in labels.tolist()]
    expected = np.reshape([[count[c] for c in range(classes)] for count in counts], (rows, classes))
    np.testing.assert_array_equal(backend.family("distance").count_votes(labels, classes), expected)
