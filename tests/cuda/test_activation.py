import numpy as np
import pytest
from backends import assert_close, dtypes, laid_out, layouts, seeds, sizes
from hypothesis import given, settings
from hypothesis import strategies as st


def expit(x):
    """The logistic function, by way of its logarithm, which does not overflow."""
    return np.exp(-np.logaddexp(0, -x))


# The functions and their derivatives with respect to x, in float64.
DEFINITIONS = {
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.01)),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0)))),
    "sigmoid": (expit, lambda x: expit(x) * expit(-x)),
    "tanh": (np.tanh, lambda x: np.cosh(x) ** -2.0),
}


@pytest.mark.parametrize("name", DEFINITIONS)
@settings(max_examples=12)
@given(shape=st.lists(sizes, min_size=1, max_size=2), dtype=dtypes, layout=layouts, seed=seeds)
def test_elementwise(backend, name, shape, dtype, layout, seed):
    family = backend.family("activation")
    rng = np.random.default_rng(seed)
    x, dout = (laid_out(rng.normal(0, 3, shape).astype(dtype), layout) for _ in range(2))
    function, derivative = DEFINITIONS[name]
    out, cache = getattr(family, f"{name}_forward")(x)
    assert_close(out, function(x.astype(float)), dtype)
    dx = getattr(family, f"{name}_backward")(dout, cache)
    assert_close(dx, derivative(x.astype(float)) * dout, dtype, factor=4)


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_values(backend, name, dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 1e30, -1e30, 1e-30, -1e-30, 88, -88, 710, -746], dtype)
    with np.errstate(all="ignore"):
        out, _ = getattr(backend.family("activation"), f"{name}_forward")(x)
        assert_close(out, DEFINITIONS[name][0](x.astype(float)), dtype)


@pytest.mark.parametrize("name", ["leaky_relu", "elu"])
def test_slopes(backend, name):
    family = backend.family("activation")
    x, dout = np.random.default_rng(0).normal(size=(2, 50)).astype("float32")
    for alpha in (0, 0.3, 2):
        out, cache = getattr(family, f"{name}_forward")(x, alpha)
        below, slope = (alpha * x, alpha) if name == "leaky_relu" else (alpha * np.expm1(x), alpha * np.exp(x))
        assert_close(out, np.where(x > 0, x, below), "float32")
        dx = getattr(family, f"{name}_backward")(dout, cache)
        assert_close(dx, np.where(x > 0, dout, slope * dout), "float32")


@settings(max_examples=20)
@given(shape=st.lists(sizes, min_size=1, max_size=2), pieces=st.integers(1, 5), dtype=dtypes, seed=seeds)
def test_maxout(backend, shape, pieces, dtype, seed):
    family = backend.family("activation")
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, (*shape, pieces)).astype(dtype)  # with ties
    x[rng.random(x.shape) < 0.1] = np.nan
    dout = rng.normal(size=shape).astype(dtype)
    out, cache = family.maxout_forward(x)
    winners = x.argmax(axis=-1)
    np.testing.assert_array_equal(out, x.max(axis=-1))
    np.testing.assert_array_equal(cache[0], winners)
    expected = np.where(np.arange(pieces) == winners[..., None], dout[..., None], 0)
    np.testing.assert_array_equal(family.maxout_backward(dout, cache), expected)


def test_integers_are_taken_as_float64(backend):
    out, _ = backend.family("activation").relu_forward(np.arange(-3, 4))
    assert_close(out, [0, 0, 0, 0, 1, 2, 3], "float64")


@pytest.mark.parametrize("name", DEFINITIONS)
def test_arrays_without_axes(backend, name):
    family = backend.family("activation")
    x = np.array(0.7, np.float32)
    out, cache = getattr(family, f"{name}_forward")(x)
    dx = getattr(family, f"{name}_backward")(x, cache)
    assert out.shape == dx.shape == ()
    assert float(out) == pytest.approx(DEFINITIONS[name][0](0.7), rel=1e-6)
    assert float(dx) == pytest.approx(0.7 * DEFINITIONS[name][1](0.7), rel=1e-6)


def test_bad_arguments(backend):
    family = backend.family("activation")
    x = np.zeros((2, 3))
    with pytest.raises(TypeError, match="x must hold float32 or float64, not complex128"):
        family.relu_forward(x + 1j)
    with pytest.raises(ValueError, match=r"dout must have the shape \(2, 3\)"):
        family.tanh_backward(np.zeros((3, 2)), family.tanh_forward(x)[1])
    with pytest.raises(ValueError, match="alpha must be a finite number"):
        family.elu_forward(x, alpha=float("inf"))
    with pytest.raises(ValueError, match="pieces along the last axis"):
        family.maxout_forward(np.zeros((2, 0)))


def test_small_results_are_exact_relative_to_their_size(backend):
    family = backend.family("activation")
    x = np.array([-1e-6, -1e-5, -1e-4], np.float32)
    np.testing.assert_allclose(family.elu_forward(x)[0], np.expm1(x.astype(float)), rtol=1e-6, atol=0)
    x = np.array([-20, -50, -87], np.float32)  # below e^-87 CuPy lets GPUs take float32 for 0
    np.testing.assert_allclose(family.sigmoid_forward(x)[0], expit(x.astype(float)), rtol=1e-4, atol=0)
    x = np.array([-50.0, -720.0])  # e^720 is too large for float64, e^-720 is not too small
    np.testing.assert_allclose(family.sigmoid_forward(x)[0], expit(x), rtol=1e-9, atol=0)
