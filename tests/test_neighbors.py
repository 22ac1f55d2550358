import subprocess
import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from cs231n_kit import neighbors
from cs231n_kit.datasets import load
from cs231n_kit.neighbors import KNearestNeighbor

POWER = {"l1": 1, "l2": 2}


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize("k", [1, 2, 4, 7, 20])
def test_scikit_learn_agrees_on_digits(digits, metric, k):
    """Even k tie often; digits are small integers, so that distances tie as well."""
    X_train, X = digits.X_train.reshape(-1, 64).astype(float), digits.X_val.reshape(-1, 64).astype(float)
    peer = KNeighborsClassifier(k, p=POWER[metric], algorithm="brute").fit(X_train, digits.y_train)
    ours = KNearestNeighbor(k, metric).fit(digits.X_train, digits.y_train)
    distances, _ = peer.kneighbors(X, k + 1)
    clear = distances[:, k - 1] < distances[:, k]  # elsewhere a tie decides who may vote, in either program
    assert clear.mean() > 0.8
    np.testing.assert_array_equal(ours.predict(digits.X_val)[clear], peer.predict(X)[clear])
    np.testing.assert_allclose(ours.scores(digits.X_val)[clear], peer.predict_proba(X)[clear], atol=1e-12)
    np.testing.assert_allclose(ours.kneighbors(digits.X_val)[0], distances[:, :k], rtol=1e-12)
    assert (ours.predict(digits.X_val) == digits.y_val).mean() > 0.9


def test_beats_chance_on_cifar10():
    data = load("cifar10", subset={"train": 300, "test": 100})
    accuracy = (KNearestNeighbor(5).fit(data.X_train, data.y_train).predict(data.X_test) == data.y_test).mean()
    assert accuracy > 0.13


@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int16])
def test_blocks_change_nothing(monkeypatch, metric, dtype):
    rng = np.random.default_rng(0)
    X_train, X = (rng.integers(0, 200, size=(n, 30)).astype(dtype) for n in (83, 17))
    y = rng.integers(0, 4, size=83)
    monkeypatch.setattr(neighbors, "QUERIES_AT_ONCE", 5)
    monkeypatch.setattr(neighbors, "TRAINING_POINTS_AT_ONCE", 7)
    distances, indices = KNearestNeighbor(9, metric).fit(X_train, y).kneighbors(X)
    exact = cdist(X.astype(float), X_train.astype(float), {"l1": "cityblock", "l2": "euclidean"}[metric])
    assert indices.tolist() == np.argsort(exact, axis=1, kind="stable")[:, :9].tolist()
    np.testing.assert_allclose(distances, np.sort(exact, axis=1)[:, :9], rtol=1e-6)
    assert distances.dtype == (np.float32 if dtype == np.float32 else np.float64) and indices.dtype == np.int64


def test_tied_votes_go_to_the_smaller_label():
    X = np.array([[0.0], [1], [2], [3]])
    for labels in ([7, 7, 3, 3], [3, 3, 7, 7], [7, 3, 7, 3]):
        peer = KNeighborsClassifier(4).fit(X, labels)
        ours = KNearestNeighbor(4).fit(X, labels)
        assert ours.predict([[0.2]]).tolist() == peer.predict([[0.2]]).tolist() == [3]
        assert ours.scores([[0.2]]).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize("features", [2, 300])
def test_of_points_at_equal_distance_the_earlier_is_nearer(metric, features):
    """Copies of one point at places where a blocked kernel sums in different orders."""
    rng = np.random.default_rng(1)
    X_train = rng.normal(size=(500, features)).astype(np.float32) + 3
    copies = np.array([3, 77, 200, 201, 333, 498, 499])
    X_train[copies] = 0.1 * rng.normal(size=features)
    X = rng.normal(size=(11, features)).astype(np.float32) * 0.3
    _, indices = KNearestNeighbor(5, metric).fit(X_train, np.arange(500)).kneighbors(X)
    assert (indices == copies[:5]).all()


def test_strings_and_images_as_they_come(digits):
    names = np.array(["zero", "one"])[digits.y_train[:200] % 2]
    model = KNearestNeighbor(3).fit(digits.X_train[:200], names)
    assert model.classes_.tolist() == ["one", "zero"]
    assert set(model.predict(digits.X_val[:9])) <= {"one", "zero"}


def test_bright_and_dark_pixels_do_not_wrap_around():
    X_train = np.array([[255, 255], [3, 3]], np.uint8)
    for metric in ("l1", "l2"):
        assert KNearestNeighbor(1, metric).fit(X_train, [0, 1]).predict(np.array([[0, 0]], np.uint8)) == [1]


FITTED = KNearestNeighbor(2).fit(np.arange(12.0).reshape(6, 2), [0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize(
    "action, error, message",
    [
        (lambda: KNearestNeighbor().predict([[1.0]]), RuntimeError, r"call fit\(X, y\) first"),
        (lambda: KNearestNeighbor(0).fit([[1.0]], [1]), ValueError, "k must be a positive integer, not 0"),
        (lambda: KNearestNeighbor(1.5).fit([[1.0]], [1]), ValueError, "k must be a positive integer, not 1.5"),
        (lambda: KNearestNeighbor(True).fit([[1.0]], [1]), ValueError, "k must be a positive integer, not True"),
        (lambda: KNearestNeighbor(3).fit([[1.0], [2.0]], [1, 2]), ValueError, "k must not exceed .* 2, but is 3"),
        (lambda: KNearestNeighbor(1, "l3").fit([[1.0]], [1]), ValueError, 'metric must be "l1" or "l2", not \'l3\''),
        (lambda: KNearestNeighbor().fit([[1.0], [np.nan]], [1, 2]), ValueError, "X holds NaN or infinity"),
        (lambda: FITTED.predict([[np.inf, 1.0]]), ValueError, "X holds NaN or infinity"),
        (lambda: KNearestNeighbor().fit([[1.0], [2.0]], [1]), ValueError, r"y must have .* \(2,\), not \(1,\)"),
        (lambda: KNearestNeighbor().fit([[1.0], [2.0]], [[1], [2]]), ValueError, r"\(2,\), not \(2, 1\)"),
        (lambda: KNearestNeighbor().fit([[1.0]], [0.5]), TypeError, "y must hold integers or strings"),
        (lambda: KNearestNeighbor().fit([["a"]], [1]), TypeError, "X must hold real numbers"),
        (lambda: FITTED.predict([[1.0, 2.0, 3.0]]), ValueError, "X must have 2 features .* not 3"),
        (lambda: FITTED.predict([1.0, 2.0]), ValueError, r"shape \(N, D\) or .* not \(2,\)"),
        (lambda: FITTED.predict(np.ones((0, 2))), ValueError, "nothing empty"),
    ],
)
def test_errors_name_the_argument_what_came_and_what_was_expected(action, error, message):
    with pytest.raises(error, match=message):
        action()


def test_a_failed_fit_leaves_the_old_training_data():
    model = KNearestNeighbor(1).fit([[0.0], [9.0]], [4, 5])
    with pytest.raises(ValueError):
        model.fit([[0.0], [1.0]], [1])
    assert model.predict([[8.0]]).tolist() == [5]


def test_progress_is_shown_for_long_work_only(capsys, monkeypatch):
    FITTED.predict([[1.0, 2.0]])
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(neighbors, "LONG_WORK", 1)
    FITTED.predict([[1.0, 2.0]])
    assert "Comparing: 100%" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="the resource module is for Unix")
def test_memory_does_not_grow_with_queries_times_training_points():
    """12,000 x 24,000 distances alone would take 2.3 GB in float64."""
    program = """
import resource, sys
import numpy as np
from cs231n_kit.neighbors import KNearestNeighbor
rng = np.random.default_rng(0)
X = rng.integers(0, 256, size=(24_000, 48), dtype=np.uint8)
model = KNearestNeighbor(5).fit(X, np.arange(24_000) % 10)
model.predict(X[:10])
scale = 1 if sys.platform == "darwin" else 1024
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
model.predict(X[:12_000])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale - before)
"""
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    assert int(run.stdout) < 600e6
