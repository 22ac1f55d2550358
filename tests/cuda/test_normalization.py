"""Normalisation on every backend, against float64 with deviations computed in long double, and numeric gradients."""

import inspect

import numpy as np
import pytest
from backends import assert_close, dtypes, laid_out, layouts, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

from cs231n_kit.kernels import normalization, normalization_cuda

EPS = 1e-5
STEP = 1e-7  # with the digits of long double
BATCHES = [(1, 1), (2, 3), (7, 33), (300, 2), (40, 64), (1, 5, 1, 1), (2, 3, 5, 7), (5, 1, 16, 17), (3, 8, 31, 1)]
GROUPS = [((1, 1), 1), ((3, 40), 1), ((5, 12), 4), ((2, 6, 5, 7), 3), ((2, 4, 1, 3), 4), ((1, 2, 40, 41), 1)]


@pytest.mark.parametrize("kind", ["batch", "group"])
def test_signatures_are_those_of_the_definitions(kind):
    for name in (f"{kind}_normalization", f"{kind}_normalization_gradients"):
        signatures = [inspect.signature(getattr(module, name)) for module in (normalization, normalization_cuda)]
        assert signatures[0] == signatures[1]


def oracle(x, gamma, beta, groups, eps=EPS):
    """What is expected, set by set, with more digits; ``groups`` is None for batch normalisation."""
    x = x.astype(np.longdouble)
    channels = x.reshape(*x.shape[:2], -1)
    if groups is None:
        sets, axes = channels, (0, 2)
    else:
        sets, axes = x.reshape(len(x), groups, -1), (2,)
    x_hat = (sets - sets.mean(axis=axes, keepdims=True)) / np.sqrt(sets.var(axis=axes, keepdims=True) + eps)
    out = x_hat.reshape(channels.shape) * gamma[:, None].astype(np.longdouble) + beta[:, None]
    return out.reshape(x.shape)


def gradient_oracle(dout, x, gamma, beta, groups):
    """Gradients of Σ out · dout by centred differences."""

    def total(*arguments):
        return (oracle(*arguments, groups) * dout).sum()

    arguments, gradients = [a.astype(np.longdouble) for a in (x, gamma, beta)], []
    for i, argument in enumerate(arguments):
        gradient = np.empty(argument.shape)
        for index in np.ndindex(argument.shape):
            values = []
            for step in (STEP, -STEP):
                moved = [array.copy() for array in arguments]
                moved[i][index] += step
                values.append(total(*moved))
            gradient[index] = (values[0] - values[1]) / (2 * STEP)
        gradients.append(gradient)
    return gradients


def draw(shape, dtype, seed, layout="contiguous", offset=0.0, scale=1.0):
    rng = np.random.default_rng(seed)
    x = laid_out((offset + scale * rng.normal(size=shape)).astype(dtype), layout)
    gamma, beta = rng.normal(size=(2, shape[1])).astype(dtype)
    return x, gamma, beta, laid_out(rng.normal(size=shape).astype(dtype), layout)


def forward(backend, x, gamma, beta, groups):
    family = backend.family("normalization")
    if groups is None:
        return family.batch_normalization(x, gamma, beta, EPS)
    return family.group_normalization(x, gamma, beta, groups, EPS)


def backward(backend, dout, x, gamma, groups, statistics):
    family = backend.family("normalization")
    gradients = family.batch_normalization_gradients if groups is None else family.group_normalization_gradients
    mean, error, _, inverse_std = statistics
    return gradients(dout, x, gamma, mean, error, inverse_std)


cases = st.sampled_from([(shape, None) for shape in BATCHES] + GROUPS)


@settings(max_examples=30)
@given(case=cases, dtype=dtypes, layout=layouts, seed=seeds)
def test_forward(backend, case, dtype, layout, seed):
    shape, groups = case
    x, gamma, beta, _ = draw(shape, dtype, seed, layout)
    out, mean, error, variance, inverse_std = forward(backend, x, gamma, beta, groups)
    assert_close(out, oracle(x, gamma, beta, groups), dtype, factor=30)
    sets = x.astype(np.float64)
    if groups is None:
        axes = (0, *range(2, x.ndim))
    else:
        sets, axes = sets.reshape(len(x), groups, -1), (2,)
    assert_close(mean + error, sets.mean(axis=axes, keepdims=True), dtype, factor=10)
    assert_close(variance, sets.var(axis=axes, keepdims=True), dtype, factor=10)
    assert_close(inverse_std, (sets.var(axis=axes, keepdims=True) + EPS) ** -0.5, dtype, factor=300)


@settings(max_examples=12)
@given(case=st.sampled_from([(shape, None) for shape in BATCHES if np.prod(shape) < 300] + GROUPS[:5]), seed=seeds)
def test_backward(backend, case, seed):
    shape, groups = case
    x, gamma, beta, dout = draw(shape, "float64", seed)
    _, *statistics = forward(backend, x, gamma, beta, groups)
    found = backward(backend, dout, x, gamma, groups, statistics)
    for gradient, expected in zip(found, gradient_oracle(dout, x, gamma, beta, groups), strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "groups"), [((300, 7), None), ((4, 3, 20, 20), None), ((6, 70), 1), ((2, 4, 9, 9), 2)]
)
def test_backward_in_float32_is_that_in_float64(backend, shape, groups):
    x, gamma, beta, dout = draw(shape, "float32", 0, "strided")
    results = []
    for dtype in ("float32", "float64"):
        arrays = [array.astype(dtype) for array in (x, gamma, beta, dout)]
        _, *statistics = forward(backend, *arrays[:3], groups)
        results.append(backward(backend, arrays[3], *arrays[:2], groups, statistics))
    for single, double in zip(*results, strict=True):
        assert_close(single, double, "float32", factor=30)


@pytest.mark.parametrize(("shape", "groups"), [((500, 3), None), ((4, 3, 20, 20), None), ((6, 500), 1)])
@pytest.mark.parametrize(("offset", "scale"), [(1e4, 1.0), (1e4, 1e-2), (0.0, 1e-6), (-3e6, 100.0)])
def test_means_far_from_zero_and_tiny_variances(backend, shape, groups, offset, scale):
    x, gamma, beta, _ = draw(shape, "float32", 0, offset=offset, scale=scale)
    out, *_ = forward(backend, x, gamma, beta, groups)
    np.testing.assert_allclose(out, oracle(x, gamma, beta, groups), rtol=2e-4, atol=2e-4)


def test_constant_values_become_beta(backend):
    x, gamma, beta, _ = draw((40, 5), "float32", 0, offset=12345.678, scale=0.0)
    out, *_ = forward(backend, x, gamma, beta, None)
    np.testing.assert_array_equal(out, np.broadcast_to(beta, out.shape))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_its_set(backend, value):
    x, gamma, beta, _ = draw((40, 5), "float32", 0)
    x[3, 2] = value
    with np.errstate(all="ignore"):
        out, *_ = forward(backend, x, gamma, beta, None)
    assert np.isnan(out[:, 2]).all()
    assert np.isfinite(np.delete(out, 2, axis=1)).all()


def test_the_same_bits_each_time(backend):
    x, gamma, beta, dout = draw((64, 3, 16, 16), "float32", 0)
    first, second = (forward(backend, x, gamma, beta, None) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    gradients = [backward(backend, dout, x, gamma, None, first[1:]) for _ in range(2)]
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_array_equal(one, other)
