import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_checks import assert_gradients, assert_well_behaved, seeds, small_sizes
from scipy.special import expit

from cs231n_kit import layers
from cs231n_kit.kernels import activation as kernels

ELEMENTWISE = ["relu", "leaky_relu", "elu", "sigmoid", "tanh"]
ALL = [*ELEMENTWISE, "maxout"]
DEFINITIONS = {
    "relu": lambda x: x if x > 0 else 0.0,
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "sigmoid": lambda x: expit(x),
    "tanh": lambda x: (math.exp(2 * x) - 1) / (math.exp(2 * x) + 1),
}


def pair(name):
    return getattr(layers, f"{name}_forward"), getattr(layers, f"{name}_backward")


def away_from_kinks(seed, shape):
    """Different values, none near zero, so that centred differences do not step over a kink."""
    rng = np.random.default_rng(seed)
    values = (0.1 + 0.05 * np.arange(math.prod(shape))) * rng.choice([-1, 1], size=math.prod(shape))
    return rng.permutation(values).reshape(shape)


@pytest.mark.parametrize("name", ELEMENTWISE)
@settings(max_examples=15)
@given(shape=st.lists(small_sizes, max_size=4), seed=seeds)
def test_elementwise(name, shape, seed):
    forward, backward = pair(name)
    x = away_from_kinks(seed, shape)
    out, _ = forward(x)
    np.testing.assert_allclose(out, np.vectorize(DEFINITIONS[name], otypes=[float])(x), rtol=1e-12)
    assert_gradients(forward, backward, [x])


@pytest.mark.parametrize("name, alpha", [("leaky_relu", 0), ("leaky_relu", 0.3), ("leaky_relu", 2), ("elu", 0.5)])
def test_alpha(name, alpha):
    forward, backward = pair(name)
    x = away_from_kinks(0, (3, 4))
    out, _ = forward(x, alpha)
    below = alpha * x if name == "leaky_relu" else alpha * (np.exp(x) - 1)
    np.testing.assert_allclose(out, np.select([x > 0], [x], below), rtol=1e-12)
    assert_gradients(lambda x: forward(x, alpha=alpha), backward, [x])
    assert forward(x.astype(np.float32), alpha=np.float64(alpha))[0].dtype == np.float32


@settings(max_examples=25)
@given(st.lists(small_sizes, min_size=1, max_size=3), small_sizes, seeds)
def test_maxout(shape, K, seed):
    x = away_from_kinks(seed, [*shape, K])
    out, _ = layers.maxout_forward(x)
    assert out.shape == tuple(shape)
    for place in np.ndindex(*shape):
        assert out[place] == max(x[place])
    assert_gradients(layers.maxout_forward, layers.maxout_backward, [x])


def test_maxout_gives_the_gradient_of_a_tie_to_the_first():
    _, cache = layers.maxout_forward(np.array([[[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]]))
    dx = layers.maxout_backward(np.array([[5.0, 7.0]]), cache)
    np.testing.assert_array_equal(dx, [[[0, 5, 0], [7, 0, 0]]])


@pytest.mark.parametrize("name", ALL)
def test_types_and_inputs(name):
    assert_well_behaved(*pair(name), [away_from_kinks(0, (3, 4, 5))])


@pytest.mark.parametrize("name", ALL)
def test_integers_become_float64(name):
    forward, _ = pair(name)
    whole = np.array([[-2, 0, 3]])
    out, _ = forward(whole)
    assert out.dtype == np.float64
    np.testing.assert_array_equal(out, forward(whole.astype(float))[0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_huge_inputs_do_not_overflow(name, dtype):
    forward, backward = pair(name)
    x = np.array([-1e4, -800, 800, 1e4], dtype)
    out, cache = forward(x)
    limits = {
        "relu": [0, 0, 800, 1e4],
        "leaky_relu": [-100, -8, 800, 1e4],
        "elu": [-1, -1, 800, 1e4],
        "sigmoid": [0, 0, 1, 1],
        "tanh": [-1, -1, 1, 1],
    }
    np.testing.assert_allclose(out, limits[name], rtol=1e-6, atol=1e-300)
    assert np.isfinite(backward(np.ones_like(x), cache)).all()


def test_digits_that_the_plain_formulas_lose():
    x = np.array([-1e-8, -1e-4])
    np.testing.assert_allclose(layers.elu_forward(x)[0], x + x**2 / 2 + x**3 / 6 + x**4 / 24, rtol=1e-15)
    x = np.array([-700.0, -40.0, 40.0])
    np.testing.assert_allclose(layers.sigmoid_forward(x)[0], expit(x), rtol=1e-15)


def test_gradient_at_the_kink():
    x, dout = np.zeros(1), np.ones(1)
    found = {name: pair(name)[1](dout, pair(name)[0](x)[1])[0] for name in ("relu", "leaky_relu", "elu")}
    assert found == {"relu": 0, "leaky_relu": 0.01, "elu": 1}


@pytest.mark.parametrize("name", ALL)
def test_nan_is_passed_on(name):
    out, _ = pair(name)[0](np.array([[np.nan, 1.0]]))
    assert np.isnan(out.flat[0])


@pytest.mark.parametrize("name", ALL)
def test_errors(name):
    forward, backward = pair(name)
    for wrong in (np.ones(3, complex), np.ones(3, np.float16), np.array(["a"])):
        with pytest.raises(TypeError, match=f"x must hold float32 or float64, not {wrong.dtype}"):
            forward(wrong)
    out, cache = forward(np.ones((2, 3, 4)))
    expected = str(out.shape).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=rf"dout must have the shape {expected}, that of out, not \(3,\)"):
        backward(np.ones(3), cache)


@pytest.mark.parametrize("alpha", [-0.1, math.inf, math.nan])
@pytest.mark.parametrize("name", ["leaky_relu", "elu"])
def test_wrong_alpha(name, alpha):
    with pytest.raises(ValueError, match="alpha must be a finite number and not negative, not"):
        pair(name)[0](np.ones(2), alpha)


@pytest.mark.parametrize("shape", [(3,), (3, 0), ()])
def test_maxout_without_pieces(shape):
    with pytest.raises(ValueError, match=r"x must have the shape \(N, M, K\)"):
        layers.maxout_forward(np.ones(shape))


@pytest.mark.parametrize("path", ["numpy", "numba"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relu_of_special_values(path, dtype):
    relu, gradient = getattr(kernels, f"relu_{path}"), getattr(kernels, f"relu_gradient_{path}")
    x = np.array([[-np.inf, -1, -0.0], [0, 1e-40, 2], [np.inf, np.nan, -np.nan]], dtype)
    np.testing.assert_array_equal(relu(x), np.array([[0, 0, 0], [0, 1e-40, 2], [np.inf, np.nan, np.nan]], dtype))
    dx = gradient(np.full_like(x, -3), x)
    np.testing.assert_array_equal(dx, [[0, 0, 0], [0, -3, -3], [-3, 0, 0]])
    assert relu(x).dtype == dx.dtype == dtype


def test_relu_of_large_arrays_is_compiled_where_that_needs_no_copy(monkeypatch):
    used = []
    for name in ("relu_numba", "relu_gradient_numba"):
        function = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *a, name=name, function=function: used.append(name) or function(*a))
    x, dout = np.random.default_rng(0).normal(size=(2, 101, 100, 100)).astype(np.float32)
    expected = np.array([value if value > 0 else 0 for value in x.ravel().tolist()]).reshape(x.shape)
    for layout in (np.ascontiguousarray, np.asfortranarray):
        out, cache = layers.relu_forward(layout(x))
        dx = layers.relu_backward(layout(dout), cache)
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(dx, np.where(expected > 0, dout, 0))
        assert used == ["relu_numba", "relu_gradient_numba"]
