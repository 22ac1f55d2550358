import contextlib
import itertools
import warnings

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_checks import assert_gradients, assert_well_behaved, seeds, small_sizes
from sklearn.preprocessing import scale

from cs231n_kit.kernels import normalization as kernels
from cs231n_kit.layers import (
    batchnorm_backward,
    batchnorm_forward,
    layernorm_backward,
    layernorm_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_groupnorm_backward,
    spatial_groupnorm_forward,
)

each_path = pytest.mark.parametrize("path", ["numpy", "numba"])


@contextlib.contextmanager
def taking(path, threads=1):
    """Within, batch normalisation is computed by NumPy or by Numba, and by nothing else.

    One thread, because thousands of small calls would each wait for a second one where a machine is busy.
    """

    def wrong_path(*arguments):
        raise AssertionError(f"{path} was to compute this")

    other = {"numpy": "numba", "numba": "numpy"}[path]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.setattr(kernels, "WORTH_COMPILING", 0 if path == "numba" else np.inf)
        for name in ("batch_normalization", "batch_normalization_gradients"):
            patch.setattr(kernels, f"{name}_{other}", wrong_path)
        before = numba.get_num_threads()
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        try:
            yield
        finally:
            numba.set_num_threads(before)


def draw(seed, shape, parameters):
    rng = np.random.default_rng(seed)
    return [rng.normal(3, 2, size=shape), *rng.normal(1, 1, size=(2, *parameters))]


def normalized(values, eps=1e-5):
    """The definition, for one set of values."""
    values = np.asarray(values, np.longdouble)
    mean = values.sum() / values.size
    var = ((values - mean) ** 2).sum() / values.size
    return (values - mean) / (var + eps) ** 0.5


def training(**more):
    """batchnorm_forward with a bn_param of its own at each call, so that calls do not depend on each other."""
    return lambda x, gamma, beta: batchnorm_forward(x, gamma, beta, {"mode": "train", **more})


def spatial_training(x, gamma, beta):
    return spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})


def with_running_statistics(forward, channels):
    rng = np.random.default_rng(5)
    param = {"mode": "test", "running_mean": rng.normal(size=channels), "running_var": rng.uniform(0.5, 2, channels)}
    return (lambda x, gamma, beta: forward(x, gamma, beta, param)), param


def layernorm(x, gamma, beta):
    return layernorm_forward(x, gamma, beta, {})


@each_path
@settings(max_examples=25)
@given(st.integers(1, 6), small_sizes, seeds)
def test_batchnorm_training(path, N, D, seed):
    x, gamma, beta = arrays = draw(seed, (N, D), (D,))
    with taking(path):
        out, _ = training()(*arrays)
        for d in range(D):
            np.testing.assert_allclose(out[:, d], normalized(x[:, d]) * gamma[d] + beta[d], atol=1e-9)
        # Two values that happen to be close make the third derivative, and the error of centred differences, huge.
        assert_gradients(training(eps=0.1), batchnorm_backward, arrays)


@settings(max_examples=15)
@given(st.integers(1, 6), small_sizes, seeds)
def test_batchnorm_testing(N, D, seed):
    x, gamma, beta = arrays = draw(seed, (N, D), (D,))
    forward, param = with_running_statistics(batchnorm_forward, D)
    out, _ = forward(*arrays)
    expected = (x - param["running_mean"]) / np.sqrt(param["running_var"] + 1e-5) * gamma + beta
    np.testing.assert_allclose(out, expected, atol=1e-12)
    assert_gradients(forward, batchnorm_backward, arrays)


@settings(max_examples=25)
@given(small_sizes, st.integers(1, 6), seeds)
def test_layernorm(N, D, seed):
    x, gamma, beta = arrays = draw(seed, (N, D), (D,))
    out, _ = layernorm(*arrays)
    for n in range(N):
        np.testing.assert_allclose(out[n], normalized(x[n]) * gamma + beta, atol=1e-9)
    assert_gradients(lambda *arrays: layernorm_forward(*arrays, {"eps": 0.1}), layernorm_backward, arrays)


@each_path
@settings(max_examples=15)
@given(st.tuples(small_sizes, small_sizes, small_sizes, small_sizes), seeds)
def test_spatial_batchnorm(path, shape, seed):
    C = shape[1]
    x, gamma, beta = arrays = draw(seed, shape, (C,))
    forward = [
        lambda *arrays: spatial_batchnorm_forward(*arrays, {"mode": "train", "eps": 0.1}),
        with_running_statistics(spatial_batchnorm_forward, C)[0],
    ]
    with taking(path):
        out, _ = spatial_training(*arrays)
        for c in range(C):
            np.testing.assert_allclose(out[:, c], normalized(x[:, c]) * gamma[c] + beta[c], atol=1e-9)
        for each in forward:
            assert_gradients(each, spatial_batchnorm_backward, arrays)


@settings(max_examples=15)
@given(small_sizes, small_sizes, st.integers(1, 3), small_sizes, small_sizes, seeds)
def test_spatial_groupnorm(N, G, size, H, W, seed):
    C = G * size
    x, gamma, beta = arrays = draw(seed, (N, C, H, W), (1, C, 1, 1))
    out, _ = spatial_groupnorm_forward(*arrays, G, {})
    for n, g in itertools.product(range(N), range(G)):
        group = slice(g * size, (g + 1) * size)
        expected = normalized(x[n, group]) * gamma[0, group] + beta[0, group]
        np.testing.assert_allclose(out[n, group], expected, atol=1e-9)
    assert_gradients(
        lambda *arrays: spatial_groupnorm_forward(*arrays, G, {"eps": 0.1}), spatial_groupnorm_backward, arrays
    )


CASES = {
    "batchnorm": (training(), batchnorm_backward, (6, 5), (5,)),
    "batchnorm, testing": (with_running_statistics(batchnorm_forward, 5)[0], batchnorm_backward, (6, 5), (5,)),
    "layernorm": (layernorm, layernorm_backward, (6, 5), (5,)),
    "spatial_batchnorm": (spatial_training, spatial_batchnorm_backward, (3, 4, 2, 5), (4,)),
    "spatial_batchnorm, testing": (
        with_running_statistics(spatial_batchnorm_forward, 4)[0],
        spatial_batchnorm_backward,
        (3, 4, 2, 5),
        (4,),
    ),
    "spatial_groupnorm": (
        lambda *arrays: spatial_groupnorm_forward(*arrays, 2, {}),
        spatial_groupnorm_backward,
        (3, 4, 2, 5),
        (1, 4, 1, 1),
    ),
}


@each_path
@pytest.mark.parametrize("name", CASES)
def test_types_and_inputs(name, path):
    forward, backward, shape, parameters = CASES[name]
    with taking(path):
        assert_well_behaved(forward, backward, draw(0, shape, parameters))


@each_path
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("forward, shape", [(batchnorm_forward, (8, 3)), (spatial_batchnorm_forward, (2, 3, 2, 2))])
def test_running_statistics(forward, shape, dtype, path):
    rng = np.random.default_rng(0)
    param = {"mode": "train", "momentum": np.float64(0.8)}
    mean, var = np.zeros(3), np.zeros(3)
    kept = []
    for _ in range(4):
        x = rng.normal(3, 2, size=shape).astype(dtype)
        with taking(path):
            forward(x, np.ones(3, dtype), np.zeros(3, dtype), param)
        by_channel = np.moveaxis(x, 1, 0).reshape(3, -1)
        mean, var = 0.8 * mean + 0.2 * by_channel.mean(axis=1), 0.8 * var + 0.2 * by_channel.var(axis=1, ddof=0)
        np.testing.assert_allclose(param["running_mean"], mean, rtol=1e-5)
        np.testing.assert_allclose(param["running_var"], var, rtol=1e-5)
        assert param["running_mean"].dtype == param["running_var"].dtype == dtype
        kept.append((param["running_mean"], param["running_mean"].copy()))
    for array, copy in kept:
        np.testing.assert_array_equal(array, copy, err_msg="an array was changed instead of replaced")


def test_testing_changes_no_statistics_and_depends_on_no_other_example():
    x = np.random.default_rng(0).normal(size=(6, 3))
    param = {"mode": "test", "running_mean": np.ones(3), "running_var": np.full(3, 4.0)}
    out, _ = batchnorm_forward(x, np.ones(3), np.zeros(3), param)
    np.testing.assert_array_equal(param["running_mean"], np.ones(3))
    np.testing.assert_array_equal(param["running_var"], np.full(3, 4.0))
    np.testing.assert_array_equal(batchnorm_forward(x[2:3], np.ones(3), np.zeros(3), param)[0], out[2:3])


def test_float64_statistics_do_not_turn_float32_into_float64():
    forward, param = with_running_statistics(batchnorm_forward, 3)
    assert param["running_mean"].dtype == np.float64
    assert forward(np.ones((2, 3), np.float32), np.ones(3, np.float32), np.ones(3, np.float32))[0].dtype == np.float32


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("wide", [0, 1, 2])
def test_one_float64_among_float32_gives_float64(name, wide):
    forward, _, shape, parameters = CASES[name]
    arrays = draw(0, shape, parameters)
    given = [array if i == wide else array.astype(np.float32) for i, array in enumerate(arrays)]
    out, _ = forward(*given)
    assert out.dtype == np.float64
    np.testing.assert_allclose(out, forward(*arrays)[0], atol=1e-5)


def as_images(x):
    """The columns of x (N, D) as D channels of N / 50 images of 5 x 10 pixels."""
    return np.ascontiguousarray(x.reshape(-1, 5, 10, x.shape[1]).transpose(0, 3, 1, 2))


def as_columns(images):
    return images.transpose(0, 2, 3, 1).reshape(-1, images.shape[1])


def spatial_batchnorm_of_columns(x, gamma, beta, param):
    out, cache = spatial_batchnorm_forward(as_images(x), gamma, beta, param)
    return as_columns(out), cache


def spatial_batchnorm_of_columns_backward(dout, cache):
    dx, dgamma, dbeta = spatial_batchnorm_backward(as_images(dout), cache)
    return as_columns(dx), dgamma, dbeta


LARGE_CASES = [
    (batchnorm_forward, {"mode": "train"}, 0),
    (spatial_batchnorm_of_columns, {"mode": "train"}, 0),
    (layernorm_forward, {}, 1),
]


@each_path
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("forward, param, axis", LARGE_CASES)
@pytest.mark.parametrize("mean, deviation", [(0, 1e-6), (1e4, 1), (1e4, 0.01), (-1e6, 1), (1e-3, 1e-6)])
def test_tiny_variances_and_large_means(forward, param, axis, dtype, mean, deviation, path):
    x = np.random.default_rng(0).normal(mean, deviation, size=(300, 200)).astype(dtype)
    with taking(path):
        out, _ = forward(x, np.ones(200, dtype), np.zeros(200, dtype), {**param, "eps": 1e-15})
    expected = scale(x.astype(np.float64), axis=axis)
    if deviation == 1e-6:  # where eps counts
        expected /= np.sqrt(1 + 1e-15 / x.astype(np.float64).var(axis=axis, keepdims=True))
    np.testing.assert_allclose(out, expected, atol=2e-5 if dtype == np.float32 else 2e-9)


@each_path
@pytest.mark.parametrize("value", [0, 0.1, 1e4, 12345.678, -1e6])
@pytest.mark.parametrize("forward, param, axis", LARGE_CASES)
def test_constants_become_zero(forward, param, axis, value, path):
    x = np.full((1000, 300), value, np.float32)
    with taking(path):
        out, _ = forward(x, np.ones(300, np.float32), np.zeros(300, np.float32), param)
    assert np.abs(out).max() < 1e-6


BY_CHANNEL = [
    (batchnorm_forward, batchnorm_backward),
    (spatial_batchnorm_of_columns, spatial_batchnorm_of_columns_backward),
]


@each_path
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("forward, backward", BY_CHANNEL)
def test_gradients_do_not_depend_on_where_the_values_lie(forward, backward, dtype, path):
    rng = np.random.default_rng(3)
    x, dout = rng.integers(-50, 50, size=(2, 400, 30)).astype(dtype)
    ones, zeros = np.ones(30, dtype), np.zeros(30, dtype)
    gradients = []
    for moved in (x, x + 2**17):  # whole numbers, exact in float32 at either place
        with taking(path):
            _, cache = forward(moved, ones, zeros, {"mode": "train"})
            gradients.append(backward(dout, cache))
    for found, expected in zip(*gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("outliers", [1, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("forward, backward", BY_CHANNEL)
def test_outliers_among_the_first_values_cost_no_digits(forward, backward, dtype, outliers):
    """The machine code takes deviations from the mean of the first values, which here is far from that of all."""
    x = np.random.default_rng(4).normal(size=(1600, 20))
    x[:outliers] += 1e6
    x = x.astype(dtype)
    with taking("numba"):
        out, _ = forward(x, np.ones(20, dtype), np.zeros(20, dtype), {"mode": "train", "eps": 1e-15})
    expected = scale(x.astype(np.float64))
    np.testing.assert_allclose(out, expected, rtol=2e-6 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("forward, backward", BY_CHANNEL)
def test_the_number_of_threads_changes_no_bit(forward, backward):
    rng = np.random.default_rng(5)
    x, dout = rng.normal(3, 2, size=(2, 350, 37)).astype(np.float32)
    gamma, beta = rng.normal(size=(2, 37)).astype(np.float32)
    results = []
    for threads in (1, 2):
        with taking("numba", threads):
            out, cache = forward(x, gamma, beta, {"mode": "train"})
            results.append([out, *backward(dout, cache)])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    "forward, shape", [(batchnorm_forward, (500, 300)), (spatial_batchnorm_forward, (40, 8, 20, 20))]
)
def test_large_work_is_compiled(forward, shape, monkeypatch):
    used = []
    for name in ("batch_normalization_numba", "batch_normalization_gradients_numba"):
        function = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *a, name=name, function=function: used.append(name) or function(*a))
    x = np.random.default_rng(6).normal(5, 3, size=shape).astype(np.float32)
    ones, zeros = np.ones(shape[1], np.float32), np.zeros(shape[1], np.float32)
    out, cache = forward(x, ones, zeros, {"mode": "train"})
    backward = batchnorm_backward if x.ndim == 2 else spatial_batchnorm_backward
    dx, _, dbeta = backward(out, cache)
    assert used == ["batch_normalization_numba", "batch_normalization_gradients_numba"]
    np.testing.assert_allclose(out.std(axis=kernels.every_axis_but_channels(x)), 1, rtol=1e-4)
    np.testing.assert_allclose(dbeta, 0, atol=0.1)
    np.testing.assert_allclose(dx, 0, atol=1e-4)  # out is what normalisation leaves unchanged


def test_group_norm_of_one_group_and_of_as_many_as_channels():
    x = np.random.default_rng(0).normal(size=(2, 6, 3, 3))
    ones, zeros = np.ones((1, 6, 1, 1)), np.zeros((1, 6, 1, 1))
    layer, _ = layernorm(x.reshape(2, -1), np.ones(54), np.zeros(54))
    np.testing.assert_allclose(spatial_groupnorm_forward(x, ones, zeros, 1, {})[0].reshape(2, -1), layer, atol=1e-12)
    instance = (x - x.mean((2, 3), keepdims=True)) / np.sqrt(x.var((2, 3), keepdims=True) + 1e-5)
    np.testing.assert_allclose(spatial_groupnorm_forward(x, ones, zeros, 6, {})[0], instance, atol=1e-12)


@pytest.mark.parametrize("G", [0, -1, 4, 12])
def test_groups_that_do_not_divide_the_channels(G):
    x, gamma, beta = draw(0, (2, 6, 3, 3), (1, 6, 1, 1))
    with pytest.raises(ValueError, match=rf"G, .* must divide the 6 channels of x \(1, 2, 3, 6\), but is {G}"):
        spatial_groupnorm_forward(x, gamma, beta, G, {})


def test_a_fraction_of_a_group():
    with pytest.raises(TypeError):
        spatial_groupnorm_forward(*draw(0, (2, 5, 3, 3), (1, 5, 1, 1)), 2.5, {})


@pytest.mark.parametrize(
    "param, message",
    [
        ({}, r'bn_param\["mode"\] must be "train" or "test", not None'),
        ({"mode": "Train"}, "not 'Train'"),
        ({"mode": "train", "eps": 0}, r'bn_param\["eps"\] must be finite and greater than 0, not 0.0'),
        ({"mode": "train", "eps": float("nan")}, "not nan"),
        ({"mode": "train", "momentum": 1.1}, r'bn_param\["momentum"\] must be from 0 to 1, not 1.1'),
        ({"mode": "test"}, 'bn_param has no "running_mean".* first run training batches'),
        ({"mode": "test", "running_mean": np.zeros(3)}, 'bn_param has no "running_var"'),
        ({"mode": "train", "running_mean": np.zeros(4)}, r'"running_mean"\] must have the shape \(3,\).* not \(4,\)'),
    ],
)
def test_wrong_bn_param(param, message):
    given = dict(param)
    with pytest.raises(ValueError, match=message):
        batchnorm_forward(np.ones((2, 3)), np.ones(3), np.ones(3), param)
    assert param.keys() == given.keys(), "statistics of a batch that failed"


@pytest.mark.parametrize(
    "name, shapes, message",
    [
        ("batchnorm", ((3,), (3,), (3,)), r"x must have the shape \(N, D\), not \(3,\)"),
        ("batchnorm", ((0, 3), (3,), (3,)), r"x must not be empty, but has the shape \(0, 3\)"),
        ("batchnorm", ((2, 3), (2,), (3,)), r"gamma must have the shape \(3,\) for x \(2, 3\), not \(2,\)"),
        ("layernorm", ((2, 3), (3,), (1, 3)), r"beta must have the shape \(3,\) for x \(2, 3\), not \(1, 3\)"),
        ("spatial_batchnorm", ((2, 3), (3,), (3,)), r"x must have the shape \(N, C, H, W\), not \(2, 3\)"),
        ("spatial_batchnorm", ((2, 3, 4, 5), (5,), (3,)), r"gamma must have the shape \(3,\)"),
        ("spatial_groupnorm", ((2, 4, 4, 5), (4,), (4,)), r"gamma must have the shape \(1, 4, 1, 1\) .* not \(4,\)"),
    ],
)
def test_wrong_shapes(name, shapes, message):
    with pytest.raises(ValueError, match=message):
        CASES[name][0](*(np.ones(shape) for shape in shapes))


@pytest.mark.parametrize("name", CASES)
def test_wrong_dout_and_types(name):
    forward, backward, shape, parameters = CASES[name]
    x, gamma, beta = draw(0, shape, parameters)
    _, cache = forward(x, gamma, beta)
    with pytest.raises(ValueError, match=r"dout must have the shape .*, that of out, not \(2, 2\)"):
        backward(np.ones((2, 2)), cache)
    with pytest.raises(TypeError, match="gamma must hold float32 or float64, not complex128"):
        forward(x, gamma.astype(complex), beta)
