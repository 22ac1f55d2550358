"""Pooling on every backend, against loops over the windows."""

import inspect
from pathlib import Path

import numpy as np
import pytest
from backends import Family, laid_out, layouts
from hypothesis import given, settings
from hypothesis import strategies as st

from cs231n_kit.cuda_emulation import EmulatedModule, KernelError, thread_order
from cs231n_kit.kernels import cuda, pooling, pooling_cuda
from cs231n_kit.layers import pooling as layers

NAMES = ("max_pool", "max_pool_gradient", "average_pool", "average_pool_gradient")


def run(backend, name, *arguments):
    return getattr(Family(backend, pooling if backend.name == "numpy" else pooling_cuda), name)(*arguments)


def the_windows(shape, window, stride, pad):
    """Each output's index, and its pixels: (index, position in the window)."""
    N, C, H, W = shape
    for i in range((H + 2 * pad[0] - window[0]) // stride[0] + 1):
        for j in range((W + 2 * pad[1] - window[1]) // stride[1] + 1):
            top, left = i * stride[0] - pad[0], j * stride[1] - pad[1]
            inside = [
                ((top + k, left + m), k * window[1] + m)
                for k in range(window[0])
                for m in range(window[1])
                if 0 <= top + k < H and 0 <= left + m < W
            ]
            for n in range(N):
                for c in range(C):
                    yield (n, c, i, j), [((n, c, *pixel), position) for pixel, position in inside]


def rank(pixel):
    return (1, 0) if np.isnan(pixel) else (0, pixel)


@st.composite
def problems(draw):
    window, stride = ((draw(st.integers(1, 4)), draw(st.integers(1, 4))) for _ in range(2))
    pad = tuple(draw(st.integers(0, k - 1)) for k in window)
    size = [draw(st.integers(max(1, k - 2 * p), 13)) for k, p in zip(window, pad, strict=True)]
    shape = (draw(st.integers(0, 3)), draw(st.integers(0, 5)), *size)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-2, 3, size=shape) if draw(st.booleans()) else rng.normal(size=shape)  # with ties, and without
    x = x.astype(draw(st.sampled_from([np.float32, np.float64])))
    return laid_out(x, draw(layouts)), window, stride, pad


def out_shape(x, window, stride, pad):
    sizes = zip(x.shape[2:], window, stride, pad, strict=True)
    return (*x.shape[:2], *(1 + (n + 2 * p - k) // s for n, k, s, p in sizes))


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_those_of_the_definitions(name):
    assert inspect.signature(getattr(pooling_cuda, name)) == inspect.signature(getattr(pooling, name))


@settings(max_examples=60)
@given(problem=problems(), special=st.booleans())
def test_max_pool(backend, problem, special):
    x, *layout = problem
    rng = np.random.default_rng(1)
    if special:
        x = x.copy()
        x[rng.random(x.shape) < 0.3] = -np.inf
        x[rng.random(x.shape) < 0.1] = np.nan
        x[rng.random(x.shape) < 0.1] = np.inf
    dout = rng.integers(-9, 10, size=out_shape(x, *layout)).astype(x.dtype)
    expected, switches, dx = np.empty(dout.shape), np.empty(dout.shape, int), np.zeros(x.shape)
    for at, pixels in the_windows(x.shape, *layout):
        best, switches[at] = max(pixels, key=lambda pixel: rank(x[pixel[0]]))  # max() keeps the first of equals
        expected[at] = x[best]
        dx[best] += dout[at]
    maxima, found = run(backend, "max_pool", x, *layout)
    assert maxima.dtype == x.dtype and found.dtype == np.uint8
    np.testing.assert_array_equal(maxima, expected)
    np.testing.assert_array_equal(found, switches)
    gradient = run(backend, "max_pool_gradient", dout, found, x.shape, *layout)
    assert gradient.dtype == x.dtype and gradient.flags.c_contiguous
    np.testing.assert_array_equal(gradient, dx)


@settings(max_examples=40)
@given(problem=problems())
def test_average_pool(backend, problem):
    x, *layout = problem
    dout = np.random.default_rng(2).normal(size=out_shape(x, *layout)).astype(x.dtype)
    expected, dx, area = np.zeros(dout.shape), np.zeros(x.shape), np.prod(layout[0])
    for at, pixels in the_windows(x.shape, *layout):
        for pixel, _ in pixels:
            expected[at] += float(x[pixel]) / area
            dx[pixel] += float(dout[at]) / area
    means = run(backend, "average_pool", x, *layout)
    gradient = run(backend, "average_pool_gradient", dout, x.shape, *layout)
    assert means.dtype == gradient.dtype == x.dtype
    tolerance = 1e-5 if x.dtype == np.float32 else 1e-13
    np.testing.assert_allclose(means, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(gradient, dx, rtol=tolerance, atol=tolerance)


def test_means_of_nan_and_infinities(backend):
    x = np.zeros((1, 1, 1, 8))
    x[..., 1], x[..., 4], x[..., 6:] = np.nan, np.inf, (np.inf, -np.inf)
    with np.errstate(invalid="ignore"):
        means = run(backend, "average_pool", x, (1, 2), (1, 2), (0, 0))
    np.testing.assert_array_equal(means[0, 0, 0], [np.nan, 0, np.inf, np.nan])


@pytest.mark.parametrize(
    ("size", "layout", "dtype"),
    [((20, 35), ((17, 19), (4, 3), (0, 5)), np.uint16), ((1, 1), ((257, 257), (300, 300), (256, 256)), np.uint32)],
)
def test_switches_of_large_windows(backend, size, layout, dtype):
    x = np.random.default_rng(3).permutation(np.prod(size)).reshape(1, 1, *size).astype(np.float64)
    maxima, switches = run(backend, "max_pool", x, *layout)
    assert switches.dtype == dtype
    dx = np.zeros_like(x)
    for at, pixels in the_windows(x.shape, *layout):
        best, position = max(pixels, key=lambda pixel: x[pixel[0]])
        assert (maxima[at], switches[at]) == (x[best], position)
        dx[best] += 1
    np.testing.assert_array_equal(run(backend, "max_pool_gradient", maxima * 0 + 1, switches, x.shape, *layout), dx)


def test_an_infinite_gradient_stays_where_it_belongs(backend):
    layout = (2, 2), (1, 1), (0, 0)
    _, switches = run(backend, "max_pool", np.arange(6.0).reshape(1, 1, 2, 3), *layout)
    dx = run(backend, "max_pool_gradient", np.array([[[[np.nan, np.inf]]]]), switches, (1, 1, 2, 3), *layout)
    np.testing.assert_array_equal(dx[0, 0], [[0, 0, 0], [0, np.nan, np.inf]])


def test_gradients_of_overlapping_windows_have_the_bits_of_numpys_at_each_run(backend):
    rng = np.random.default_rng(4)
    layout = (3, 4), (1, 2), (2, 1)
    maxima, switches = run(backend, "max_pool", rng.normal(size=(3, 5, 12, 11)).astype("f"), *layout)
    dout = rng.normal(size=maxima.shape).astype("f")
    expected = pooling.max_pool_gradient_numpy(dout, switches, (3, 5, 12, 11), *layout)
    for order in ("forward", "reverse", "shuffled"):
        with thread_order(order):
            found = run(backend, "max_pool_gradient", dout, switches, (3, 5, 12, 11), *layout)
            np.testing.assert_array_equal(found, expected)


def test_arrays_of_other_layouts_stay_as_they_were(backend):
    x = np.asfortranarray(np.random.default_rng(5).normal(size=(6, 2, 7, 5)))[::2]
    x.flags.writeable = False
    before = x.copy()
    maxima, _ = run(backend, "max_pool", x, (2, 2), (2, 2), (0, 0))
    np.testing.assert_array_equal(maxima, before[:, :, :6, :4].reshape(3, 2, 3, 2, 2, 2).max(axis=(3, 5)))
    np.testing.assert_array_equal(x, before)


X = np.ones((2, 3, 4, 4))
TWO = (2, 2), (2, 2), (0, 0)
DOUT = np.ones((2, 3, 2, 2))
ON_DEVICE = type("ndarray", (), {"__module__": "cupy"})()


@pytest.mark.parametrize(
    ("name", "arguments", "error", "words"),
    [
        ("max_pool", (X.astype(np.int64), *TWO), TypeError, "float32 or float64, not int64"),
        ("max_pool", (X[0], *TWO), ValueError, "must have the shape .N, C, H, W., not .3, 4, 4."),
        ("max_pool", (X, (5, 2), (2, 2), (0, 0)), ValueError, "window .5, 2. with pad .0, 0. does not fit"),
        ("average_pool", (X, (2, 2), (2, 2), (0, 2)), ValueError, "pad .0, 2. must be smaller than the window"),
        ("average_pool", (X[:, :, :0], (2, 2), (2, 2), (1, 1)), ValueError, "does not fit"),
        ("average_pool_gradient", (DOUT[:1], X.shape, *TWO), ValueError, "dout must have the shape .2, 3, 2, 2."),
        ("max_pool_gradient", (DOUT, DOUT.astype("i8"), X.shape, *TWO), TypeError, "must hold uint8, not int64"),
        ("max_pool_gradient", (DOUT, DOUT[1:].astype("u1"), X.shape, *TWO), ValueError, "switches must have the shape"),
        ("max_pool", (X, (2, 2), (2.0, 2), (0, 0)), TypeError, "stride must be an integer, not 2.0"),
        ("max_pool", (X, (np.inf, 2), (2, 2), (0, 0)), TypeError, "window must be an integer, not inf"),
        ("average_pool", (X, (2, 2), (0, 2), (0, 0)), ValueError, "stride must be at least 1, not 0"),
        ("average_pool_gradient", (DOUT, X.shape, (2, 2), (2, 2), (0, -1)), ValueError, "pad must be at least 0"),
        ("average_pool_gradient", (DOUT.astype("f2"), X.shape, *TWO), TypeError, "not float16"),
        ("max_pool_gradient", (DOUT, ON_DEVICE, X.shape, *TWO), TypeError, "different memories .NumPy, CuPy."),
    ],
)
def test_arguments_that_would_read_outside_are_refused(name, arguments, error, words):
    with cuda.emulated(), pytest.raises(error, match=words):
        getattr(pooling_cuda, name)(*arguments)


def test_more_outputs_than_the_kernels_count_are_refused(monkeypatch):
    many = np.broadcast_to(np.float32(0), (1 << 16, 1 << 15, 1, 1))
    monkeypatch.setattr(cuda, "empty", lambda shape, dtype: np.broadcast_to(np.zeros((), dtype), shape))
    monkeypatch.setattr(cuda, "contiguous", lambda *arrays: arrays)
    with cuda.emulated(), pytest.raises(OverflowError, match="not 2,147,483,648: split the batch"):
        pooling_cuda.average_pool(many, (1, 1), (1, 1), (0, 0))


def everything(x, *layout):
    maxima, switches = pooling_cuda.max_pool(x, *layout)
    dout = 1 + switches.astype(x.dtype)
    gradient = pooling_cuda.max_pool_gradient(dout, switches, x.shape, *layout)
    means = pooling_cuda.average_pool(x, *layout)
    return maxima, switches, gradient, means, pooling_cuda.average_pool_gradient(dout, x.shape, *layout)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("min(begin + window, size)", "begin + window"),
        ("from_window / stride + 1", "from_window / stride"),
        ("min((pixel + pad) / stride + 1, size)", "(pixel + pad) / stride + 1"),
    ],
)
def test_planted_faults_are_found(good, bad, monkeypatch):
    def faulty(cupy, file, options, kernel):
        code = (Path(cuda.__file__).parent / file).read_text(encoding="utf-8")
        assert good in code
        return EmulatedModule(code.replace(good, bad), options, filename=file).get_function(kernel)

    problem = np.random.default_rng(6).normal(size=(1, 1, 5, 5)).astype("f"), (3, 3), (1, 2), (1, 1)
    with cuda.emulated():
        expected = everything(*problem)
        monkeypatch.setattr(cuda, "_function", faulty)
        try:
            found = everything(*problem)
        except KernelError as error:
            assert error.failure == "out_of_bounds"
        else:
            assert any((a != b).any() for a, b in zip(found, expected, strict=True))


@pytest.fixture
def launched(monkeypatch):
    """The names of the kernels that are launched."""
    names, launch = [], cuda.launch
    monkeypatch.setattr(cuda, "launch", lambda *args, **settings: names.append(args[1]) or launch(*args, **settings))
    return names


@pytest.mark.parametrize("kind", ["max_pool", "average_pool"])
def test_the_layers_run_through_the_kernels(kind, launched):
    forward, backward = (getattr(layers, f"{kind}_{direction}") for direction in ("forward", "backward"))
    rng = np.random.default_rng(7)
    x, dout = rng.normal(size=(3, 2, 9, 7)), rng.normal(size=(3, 2, 5, 3))
    param = {"pool_height": 3, "pool_width": 2, "stride": (2, 3), "pad": (1, 1)}
    expected, cache = forward(x, param)
    expected = expected, backward(dout, cache)
    assert launched == []
    with cuda.emulated():
        out, cache = forward(x, param)
        found = out, backward(dout, cache)
    assert launched == [kind, f"{kind}_gradient"]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
