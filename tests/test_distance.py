import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from cs231n_kit.kernels import distance
from cs231n_kit.kernels.distance import k_smallest, l1_distances, l2_distances

L1_PATHS = [distance.l1_distances, distance.l1_distances_numpy, distance.l1_distances_numba]
SCIPY_NAME = {"l1": "cityblock", "l2": "euclidean"}


def oracle(X, Y, metric):
    return cdist(X.astype(np.float64), Y.astype(np.float64), SCIPY_NAME[metric])


@pytest.mark.parametrize("function", [l2_distances, *L1_PATHS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int64, np.float16])
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 7, 3), (4, 2, 16), (9, 11, 17), (3, 10, 100), (0, 4, 20), (4, 0, 20)])
def test_distances_are_scipys(function, dtype, shape):
    n, m, d = shape
    rng = np.random.default_rng(sum(shape))
    X, Y = (rng.normal(100, 30, size=(rows, d)).clip(0, 255).astype(dtype) for rows in (n, m))
    metric = "l2" if function is l2_distances else "l1"
    found = function(X, Y)
    tolerance = 1e-5 if found.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found, oracle(X, Y, metric), rtol=tolerance)


@pytest.mark.parametrize(
    "dtypes, expected",
    [
        ((np.float32, np.float32), np.float32),
        ((np.float64, np.float32), np.float64),
        ((np.uint8, np.float32), np.float64),
        ((np.int32, np.int32), np.float64),
    ],
)
@pytest.mark.parametrize("function", [l2_distances, *L1_PATHS])
def test_result_type(function, dtypes, expected):
    X, Y = (np.ones((2, 20), dtype) for dtype in dtypes)
    assert function(X, Y).dtype == expected


@pytest.mark.parametrize("offset", [0, 1e3, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_l2_keeps_its_digits_for_close_points_far_from_the_origin(dtype, offset):
    rng = np.random.default_rng(0)
    Y = (rng.normal(size=(40, 300)) + offset).astype(dtype)
    X = Y[:10].copy()
    X[5:, 7] = np.nextafter(X[5:, 7], dtype(np.inf))  # the smallest difference there is
    expected = oracle(X, Y, "l2")
    found = l2_distances(X, Y)
    assert (found[np.arange(5), np.arange(5)] == 0).all(), "a duplicate must have distance 0"
    np.testing.assert_allclose(found, expected, rtol=2e-5 if dtype == np.float32 else 1e-11)


def test_l2_keeps_its_digits_in_two_tight_clusters_far_apart():
    rng = np.random.default_rng(1)
    Y = rng.normal(size=(60, 64)).astype(np.float32)
    Y[::2] += 1e5
    X = Y[:20] + rng.normal(size=(20, 64)).astype(np.float32)
    np.testing.assert_allclose(l2_distances(X, Y), oracle(X, Y, "l2"), rtol=2e-5)


def test_l2_keeps_its_digits_when_only_some_features_are_far_out():
    """Moving the origin rounds the features that were close to it."""
    rng = np.random.default_rng(5)
    Y = rng.normal(size=(40, 40)).astype(np.float32)
    Y[:, :20] += 1e4
    X = Y[:10].copy()
    X[:, 30] = np.nextafter(X[:, 30], np.float32(np.inf))
    np.testing.assert_allclose(l2_distances(X, Y), oracle(X, Y, "l2"), rtol=2e-5)


def test_l2_leaves_distant_points_to_the_matrix_product(monkeypatch):
    rng = np.random.default_rng(6)
    X, Y = (rng.normal(size=(rows, 64)) + 1e6 for rows in (20, 30))
    recomputed = []
    paired = distance.paired_distances
    monkeypatch.setattr(distance, "paired_distances", lambda *a: recomputed.append(len(a[2])) or paired(*a))
    l2_distances(X, Y)
    assert recomputed == [0]


def test_l2_of_whole_numbers_far_out_is_exact():
    rng = np.random.default_rng(7)
    X, Y = (rng.integers(0, 256, size=(rows, 301)) for rows in (20, 31))
    expected = np.sqrt(((X[:, None] - Y) ** 2).sum(-1))
    assert (l2_distances(X + 123_457, Y + 123_457) == expected).all()


def test_l2_of_numbers_whose_squares_overflow_float32():
    X = np.full((2, 20), 1e30, np.float32)
    Y = np.zeros((3, 20), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_allclose(l2_distances(X, Y), oracle(X, Y, "l2"), rtol=1e-6)


@pytest.mark.parametrize("function", [l2_distances, *L1_PATHS])
def test_whole_numbers_are_exact_and_do_not_wrap_around(function):
    rng = np.random.default_rng(2)
    X, Y = (rng.integers(0, 256, size=(rows, 3072), dtype=np.uint8) for rows in (6, 9))
    difference = X[:, None].astype(int) - Y.astype(int)
    expected = np.sqrt((difference**2).sum(-1)) if function is l2_distances else np.abs(difference).sum(-1)
    assert (function(X, Y) == expected).all()


@pytest.mark.parametrize("function", [l2_distances, *L1_PATHS])
def test_inputs_stay_as_they_are_and_need_not_be_contiguous(function):
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(40, 12)).T[::2], np.asfortranarray(rng.normal(size=(9, 40)))
    before = X.copy(), Y.copy()
    np.testing.assert_allclose(function(X, Y), function(X.copy(), np.ascontiguousarray(Y)), rtol=1e-12)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(Y, before[1])


@pytest.mark.parametrize("function", [l2_distances, *L1_PATHS])
@pytest.mark.parametrize("shapes", [((3, 4), (3, 5)), ((4,), (3, 4)), ((2, 2, 2), (3, 2))])
def test_shapes_that_do_not_fit(function, shapes):
    with pytest.raises(ValueError, match=r"\(N, D\) and \(M, D\)"):
        function(np.ones(shapes[0]), np.ones(shapes[1]))


@pytest.mark.parametrize("paired", [distance.paired_distances_numpy, distance.paired_distances_numba])
@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distances_of_chosen_pairs(paired, metric, dtype):
    rng = np.random.default_rng(8)
    X, Y = (rng.normal(1e4, 1, size=(rows, 301)).astype(dtype) for rows in (20, 30))
    Y[17] = Y[3]
    rows, columns = rng.integers(0, 20, 400), rng.integers(0, 30, 400)
    columns[:200:2], columns[1:200:2], rows[1:200:2] = 3, 17, rows[:200:2]
    found = paired(X, Y, rows, columns, metric)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, oracle(X, Y, metric)[rows, columns], rtol=1e-12)
    assert (found[:200:2] == found[1:200:2]).all(), "equal points must have equal distances"


def test_many_pairs_take_the_compiled_kernel_where_that_needs_no_copy(monkeypatch):
    calls = []
    compiled = distance.paired_distances_numba
    monkeypatch.setattr(distance, "paired_distances_numba", lambda *a: calls.append(1) or compiled(*a))
    monkeypatch.setattr(distance, "PAIRS_WORTH_COMPILING", 1)
    X = np.random.default_rng(9).normal(size=(30, 40))
    pairs = np.arange(30), np.arange(30)[::-1]
    expected = oracle(X, X, "l2")[pairs]
    for layout in (X, np.asfortranarray(X), X.astype(np.float32), X.astype(np.float16)):
        tolerance = 1e-2 if layout.dtype == np.float16 else 1e-5
        np.testing.assert_allclose(distance.paired_distances(layout, layout, *pairs, "l2"), expected, rtol=tolerance)
    assert len(calls) == 2


def test_large_l1_problems_take_the_compiled_kernel_and_agree(monkeypatch):
    rng = np.random.default_rng(4)
    X, Y = (rng.random((rows, 33), np.float32) for rows in (101, 203))
    monkeypatch.setattr(distance, "WORTH_COMPILING", 1)
    calls = []
    compiled = distance.l1_distances_numba
    monkeypatch.setattr(distance, "l1_distances_numba", lambda *a: calls.append(1) or compiled(*a))
    np.testing.assert_allclose(l1_distances(X, Y), distance.l1_distances_numpy(X, Y), rtol=1e-5)
    assert calls


def test_l1_warns_and_falls_back_when_numba_fails(monkeypatch):
    def broken(X, Y):
        raise SystemError("LLVM has lost its way")

    monkeypatch.setattr(distance, "WORTH_COMPILING", 1)
    monkeypatch.setattr(distance, "l1_distances_numba", broken)
    X = np.arange(12.0).reshape(3, 4)
    with pytest.warns(UserWarning, match="LLVM has lost its way"):
        found = l1_distances(X, X)
    np.testing.assert_array_equal(found, oracle(X, X, "l1"))


def test_without_numba_l1_is_computed_silently():
    program = """
import sys, warnings
warnings.simplefilter("error")
sys.modules["numba"] = None  # makes "import numba" fail
import numpy as np
from cs231n_kit.kernels import distance
distance.WORTH_COMPILING = 1
X = np.arange(12.0).reshape(3, 4)
assert distance.l1_distances(X, X + 1).tolist() == [[4, 20, 36], [12, 4, 20], [28, 12, 4]]
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@given(
    rows=st.lists(st.lists(st.integers(0, 4), min_size=7, max_size=7), min_size=1, max_size=5),
    k=st.integers(1, 7),
)
def test_k_smallest_is_a_stable_sort(rows, k):
    values = np.array(rows, float)
    expected = [sorted(range(7), key=lambda j, row=row: (row[j], j))[:k] for row in rows]
    assert k_smallest(values, k).tolist() == expected


def test_k_smallest_of_many_ties_takes_the_leftmost():
    values = np.full((3, 5000), 2.0, np.float32)
    values[1, 4000:] = 1
    assert k_smallest(values, 3).tolist() == [[0, 1, 2], [4000, 4001, 4002], [0, 1, 2]]


@pytest.mark.parametrize("k", [0, 4])
def test_k_smallest_refuses_a_k_that_is_not_there(k):
    with pytest.raises(ValueError, match="between 1 and the number of columns, 3"):
        k_smallest(np.ones((2, 3)), k)
