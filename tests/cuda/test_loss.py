import numpy as np
import pytest
from backends import assert_close, dtypes, laid_out, layouts, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

LOSSES = ["softmax_loss", "svm_loss", "squared_hinge_loss"]


def expected(name, x, y, delta=1.0):
    """Loss and gradient in float64, sample by sample."""
    x, N = x.astype(float), len(x)
    rows = np.arange(N)
    if name == "softmax_loss":
        log_probabilities = x - np.logaddexp.reduce(x, axis=1, keepdims=True)
        gradient = np.exp(log_probabilities)
        gradient[rows, y] -= 1
        return -log_probabilities[rows, y].mean(), gradient / N
    margins = np.maximum(0, x - x[rows, y][:, None] + delta)
    margins[rows, y] = 0
    terms, slopes = (margins, 1.0 * (margins > 0)) if name == "svm_loss" else (margins**2, 2 * margins)
    slopes[rows, y] = -slopes.sum(axis=1)
    return terms.sum() / N, slopes / N


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=25)
@given(
    N=st.sampled_from([1, 2, 7, 8, 9, 31, 50]),
    C=st.sampled_from([1, 2, 3, 10, 31, 32, 33, 100]),
    scale=st.sampled_from([1, 30, 1000]),
    dtype=dtypes,
    layout=layouts,
    labels=st.sampled_from(["int64", "int32", "uint8"]),
    seed=seeds,
)
def test_loss_and_gradient(backend, name, N, C, scale, dtype, layout, labels, seed):
    rng = np.random.default_rng(seed)
    x = laid_out((scale * rng.normal(size=(N, C))).astype(dtype), layout)
    y = rng.integers(0, C, N).astype(labels)
    loss, gradient = getattr(backend.family("loss"), name)(x, y)
    right_loss, right_gradient = expected(name, x, y)
    assert isinstance(loss, float)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(loss, right_loss, rtol=tolerance, atol=tolerance)
    if name == "svm_loss" and dtype == "float32":  # a margin of nearly 0 may round to either side
        margins = x.astype(float) - x[np.arange(N), y].astype(float)[:, None] + 1
        clear = (np.abs(margins) > 1e-4 * scale).all(axis=1)
        gradient, right_gradient = gradient[clear], right_gradient[clear]
    assert_close(gradient, right_gradient, dtype, factor=scale)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_that_are_no_numbers_spoil_their_row_only(backend, name, dtype):
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(dtype)
    y = np.array([0, 1, 2, 3, 0])
    clean = getattr(backend.family("loss"), name)(x, y)[1]
    x[1, 1] = np.nan
    x[3, 0] = np.inf
    with np.errstate(all="ignore"):
        loss, gradient = getattr(backend.family("loss"), name)(x, y)
    assert not np.isfinite(loss)
    np.testing.assert_array_equal(gradient[[0, 2, 4]], clean[[0, 2, 4]])
    if name == "softmax_loss":
        assert np.isnan(gradient[[1, 3]]).all()


def test_scores_of_minus_infinity_are_impossible_classes(backend):
    x = np.array([[0, -np.inf, 1.0], [-np.inf, 3, -np.inf]])
    loss, gradient = backend.family("loss").softmax_loss(x, np.array([2, 1]))
    assert loss == pytest.approx(np.log1p(np.exp(-1)) / 2)
    assert (gradient[[0, 1, 1], [1, 0, 2]] == 0).all()


@pytest.mark.parametrize("delta", [0, 0.5, 10])
@pytest.mark.parametrize("name", ["svm_loss", "squared_hinge_loss"])
def test_margins(backend, name, delta):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 7)), rng.integers(0, 7, 20)
    loss, gradient = getattr(backend.family("loss"), name)(x, y, delta=delta)
    right_loss, right_gradient = expected(name, x, y, delta)
    assert loss == pytest.approx(right_loss)
    assert_close(gradient, right_gradient, "float64")


@pytest.mark.parametrize("name", LOSSES)
def test_the_same_bits_each_time(backend, name):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(33, 65)).astype("float32"), rng.integers(0, 65, 33)
    first, second = (getattr(backend.family("loss"), name)(x, y) for _ in range(2))
    assert first[0] == second[0]
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize(
    ("x", "y", "error", "says"),
    [
        (np.zeros((2, 3)), np.array([0, 3]), ValueError, "y holds the label 3"),
        (np.zeros((2, 3)), np.array([-1, 0]), ValueError, "y holds the label -1"),
        (np.zeros((2, 3)), np.array([0]), ValueError, "one label for each score vector"),
        (np.zeros((2, 3)), np.array([0.0, 1]), TypeError, "y must hold integers"),
        (np.zeros((0, 3)), np.zeros(0, int), ValueError, "x is empty"),
        (np.zeros((2, 3), np.float16), np.zeros(2, int), TypeError, "float32 or float64"),
        (np.zeros(3), np.zeros(3, int), ValueError, r"x must have the shape \(N, C\)"),
    ],
)
@pytest.mark.parametrize("name", LOSSES)
def test_bad_arguments(backend, name, x, y, error, says):
    with pytest.raises(error, match=says):
        getattr(backend.family("loss"), name)(x, y)


@pytest.mark.parametrize("name", LOSSES)
def test_a_score_that_is_no_number_shows_in_the_loss(backend, name):
    x = np.array([[0.0, np.nan, 1.0], [1.0, 2.0, 3.0]])
    assert np.isnan(getattr(backend.family("loss"), name)(x, np.array([0, 1]))[0])
