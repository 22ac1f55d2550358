"""Convolution on every backend, against sums over windows, numeric gradients and the definition of a transpose."""

import inspect
from pathlib import Path

import numpy as np
import pytest
from backends import Family, laid_out, layouts
from hypothesis import given, settings
from hypothesis import strategies as st

from cs231n_kit.cuda_emulation import EmulatedModule, KernelError, thread_order
from cs231n_kit.kernels import convolution, convolution_cuda, cuda
from cs231n_kit.layers.convolution import conv_backward, conv_forward

SAME = (1, 1), (1, 1), (1, 1)
pairs = lambda least, most: st.tuples(st.integers(least, most), st.integers(least, most))  # noqa: E731


def run(backend, name, *arguments, **settings):
    if backend.name == "numpy":
        return getattr(convolution, f"{name.replace('_direct', '')}_numpy")(*arguments, **settings)
    return getattr(Family(backend, convolution_cuda), name)(*arguments, **settings)


def oracle(x, w, b, layout):
    """Sums over windows in float64, with filters that have zeros between their weights, at every stride-th place."""
    stride, pad, dilation = layout
    x, w = x.astype(np.float64), w.astype(np.float64)
    spread = np.zeros((*w.shape[:2], *(1 + d * (k - 1) for k, d in zip(w.shape[2:], dilation, strict=True))))
    spread[:, :, :: dilation[0], :: dilation[1]] = w
    x = np.pad(x, ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(x, spread.shape[2:], axis=(2, 3))
    full = np.einsum("nchwij,fcij->nfhw", windows, spread)
    return full[:, :, :: stride[0], :: stride[1]] + b.astype(np.float64)[:, None, None]


def numeric_gradient(f, array, dout):
    """Centred differences; f is linear in each argument, so a large step costs no accuracy."""
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        step = np.zeros_like(array)
        step[index] = 0.5
        gradient[index] = ((f(array + step) - f(array - step)) * dout).sum()
    return gradient


def tolerance(dtype):
    return dict(rtol=2e-5, atol=2e-5) if dtype == np.float32 else dict(rtol=1e-12, atol=1e-12)


@st.composite
def problems(draw, most=11):
    window, dilation, pad, stride = draw(pairs(1, 4)), draw(pairs(1, 3)), draw(pairs(0, 3)), draw(pairs(1, 3))
    least = [max(1, 1 + d * (k - 1) - 2 * p) for k, d, p in zip(window, dilation, pad, strict=True)]
    size = [draw(st.integers(n, n + most)) for n in least]
    N, C, F = draw(st.integers(0, 3)), draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3, 11]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = (N, C, *size), (F, C, *window), (F,)
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    arrays = [laid_out(rng.normal(size=shape).astype(dtype), draw(layouts)) for shape in shapes]
    return *arrays, (stride, pad, dilation)


@pytest.mark.parametrize("name", ["convolution", "convolution_gradients", "convolution_direct"])
def test_signatures_are_those_of_the_definitions(name):
    theirs = getattr(convolution, name.replace("_direct", ""))
    assert inspect.signature(getattr(convolution_cuda, name)) == inspect.signature(theirs)


@settings(max_examples=40)
@given(problem=problems(), block=st.sampled_from([1, 500, 1 << 25]))
def test_forward(backend, problem, block):
    x, w, b, layout = problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution_cuda, "BLOCK", block)
        found = run(backend, "convolution", x, w, b, *layout)
    assert found.dtype == x.dtype and found.flags.c_contiguous
    np.testing.assert_allclose(found, oracle(x, w, b, layout), **tolerance(x.dtype))


@settings(max_examples=15)
@given(problem=problems())
def test_direct_forward(backend, problem):
    x, w, b, layout = problem
    found = run(backend, "convolution_direct", x, w, b, *layout)
    assert found.dtype == x.dtype
    np.testing.assert_allclose(found, oracle(x, w, b, layout), **tolerance(x.dtype))


@pytest.mark.parametrize("layout", [((1, 1), (1, 1), (1, 1)), ((2, 3), (2, 0), (1, 2)), ((3, 1), (0, 3), (2, 1))])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_are_numeric_gradients(backend, layout, dtype):
    rng = np.random.default_rng(1)
    arrays = {"x": rng.normal(size=(2, 2, 5, 6)), "w": rng.normal(size=(3, 2, 3, 2)), "b": rng.normal(size=3)}
    dout = rng.normal(size=oracle(**arrays, layout=layout).shape)
    found = run(backend, "convolution_gradients", *(a.astype(dtype) for a in (dout, arrays["x"], arrays["w"])), *layout)
    for gradient, name in zip(found, "xwb", strict=True):
        numeric = numeric_gradient(lambda a, n=name: oracle(**(arrays | {n: a}), layout=layout), arrays[name], dout)
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, numeric, **tolerance(dtype))


@settings(max_examples=30)
@given(problem=problems(), block=st.sampled_from([1, 500, 1 << 25]))
def test_gradients_are_transposes(backend, problem, block):
    """<conv(x), y> = <x, dx(y)> = <w, dw(y)> without biases; and <b, db(y)> is the sum of y times b."""
    x, w, b, layout = problem
    b0 = np.zeros_like(b)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution_cuda, "BLOCK", block)
        y = np.random.default_rng(2).normal(size=oracle(x, w, b, layout).shape).astype(x.dtype)
        dx, dw, db = run(backend, "convolution_gradients", y, x, w, *layout)
        without = run(backend, "convolution_gradients", y, x, w, *layout, input_gradient=False)
    assert without[0] is None
    np.testing.assert_array_equal(without[1], dw)
    terms = oracle(x, w, b0, layout) * y
    limits = tolerance(x.dtype) | {"atol": tolerance(x.dtype)["atol"] * (1 + np.abs(terms).sum())}
    np.testing.assert_allclose((x * dx.astype(np.float64)).sum(), terms.sum(), **limits)
    np.testing.assert_allclose((w * dw.astype(np.float64)).sum(), terms.sum(), **limits)
    np.testing.assert_allclose(db, y.astype(np.float64).sum(axis=(0, 2, 3)), **limits)


# Tiles that jut out, several of them, several groups of filters, and channels that take turns in shared memory.
DIRECT = [
    ((2, 3, 11, 37), (9, 3, 3, 3), ((1, 1), (1, 1), (1, 1))),
    ((1, 2, 40, 31), (8, 2, 5, 2), ((2, 3), (2, 0), (2, 1))),
    ((1, 1, 8, 32), (1, 1, 1, 1), ((1, 1), (0, 0), (1, 1))),
    ((1, 1, 1, 1), (17, 1, 3, 3), ((5, 5), (1, 1), (1, 1))),
    ((1, 1, 24, 24), (2, 1, 11, 11), ((4, 4), (2, 2), (1, 1))),
]


@pytest.mark.parametrize("order", ["forward", "reverse", "shuffled"])
@pytest.mark.parametrize(("shape", "filters", "layout"), DIRECT)
def test_threads_of_the_direct_kernel_may_run_in_any_order(backend, shape, filters, layout, order):
    rng = np.random.default_rng(3)
    x, w, b = (rng.normal(size=size).astype("f") for size in (shape, filters, filters[:1]))
    with thread_order(order, seed=3):
        direct = run(backend, "convolution_direct", x, w, b, *layout)
    np.testing.assert_allclose(direct, oracle(x, w, b, layout), rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(direct, run(backend, "convolution", x, w, b, *layout), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", ["convolution", "convolution_direct"])
def test_nan_reaches_the_windows_that_see_it_and_no_other(backend, name):
    x = np.ones((2, 2, 6, 6))
    x[1, 0, 2, 3] = np.nan
    out = run(backend, name, x, np.ones((3, 2, 3, 3)), np.zeros(3), *SAME)
    expected = np.zeros(out.shape, bool)
    expected[1, :, 1:4, 2:5] = True
    np.testing.assert_array_equal(np.isnan(out), expected)


def test_the_same_bits_at_each_run(backend):
    rng = np.random.default_rng(4)
    x, w, dout = (rng.normal(size=size).astype("f") for size in ((5, 4, 12, 12), (5, 4, 3, 3), (5, 5, 12, 12)))
    with thread_order("forward"):
        first = run(backend, "convolution_gradients", dout, x, w, *SAME)
    with thread_order("shuffled", seed=5):
        second = run(backend, "convolution_gradients", dout, x, w, *SAME)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_memory_is_that_of_a_block(monkeypatch):
    sizes, empty = [], cuda.empty
    monkeypatch.setattr(cuda, "empty", lambda shape, dtype: (sizes.append(np.prod(shape)), empty(shape, dtype))[1])
    monkeypatch.setattr(convolution_cuda, "BLOCK", 3000)
    with cuda.emulated():
        out = convolution_cuda.convolution(np.ones((20, 2, 6, 6)), np.ones((3, 2, 3, 3)), np.zeros(3), *SAME)
    assert (out[:, :, 1:-1, 1:-1] == 18).all()
    assert sizes == [out.size] + [4 * 36 * 18] * 5


@pytest.mark.parametrize(
    ("N", "numbers", "expected"), [(130, 589_824, [44, 44, 42]), (3, 1 << 30, [1] * 3), (7, 9, [7]), (0, 9, [])]
)
def test_blocks_are_of_about_the_same_size(N, numbers, expected):
    blocks = convolution_cuda._blocks(N, numbers)
    assert [len(range(N)[block]) for block in blocks] == expected


X, W, B = np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3)), np.ones(4)
PLAIN = (1, 1), (0, 0), (1, 1)
ON_DEVICE = type("ndarray", (), {"__module__": "cupy"})()


@pytest.mark.parametrize(
    ("name", "arguments", "error", "words"),
    [
        ("convolution", (X, W.astype("f"), B, *PLAIN), TypeError, "one type.* not float64, float32, float64"),
        ("convolution", (X.astype(int), W.astype(int), B.astype(int), *PLAIN), TypeError, "not int64"),
        ("convolution", (X, W, ON_DEVICE, *PLAIN), TypeError, "different memories .NumPy, NumPy, CuPy."),
        ("convolution", (X, W[:, :2], B, *PLAIN), ValueError, "x must be .*, not .2, 3, 5, 5. and .4, 2, 3, 3."),
        ("convolution", (X, W[:0], B[:0], *PLAIN), ValueError, "x must be .*, not .* and .0, 3, 3, 3."),
        ("convolution", (X, W, B[:3], *PLAIN), ValueError, "b must have the shape .4,., not .3,."),
        ("convolution", (X, W, B, (0, 1), (0, 0), (1, 1)), ValueError, "stride must be at least 1, not 0"),
        ("convolution", (X, W, B, (1, 1), (0, -1), (1, 1)), ValueError, "pad must be at least 0, not -1"),
        ("convolution", (X, W, B, (1, 1), (0, 0), (np.inf, 1)), TypeError, "dilation must be an integer, not inf"),
        ("convolution_direct", (X, W, B, (np.nan, 1), (0, 0), (1, 1)), TypeError, "stride must be an integer, not nan"),
        ("convolution_gradients", (X, X, W, 1, (0, 0), (1, 1)), TypeError, "stride must be a pair, along height"),
        ("convolution", (X, W, B, (1, 1), (0, 0), (3, 1)), ValueError, "does not fit images .2, 3, 5, 5."),
        ("convolution_gradients", (X, X, W, *PLAIN), ValueError, "dout must have the shape .2, 4, 3, 3., not"),
        (
            "convolution_direct",
            (X, W, B, (9, 9), (2, 2), (1, 1)),
            ValueError,
            "149,472 bytes of shared .*49,152",
        ),
    ],
)
def test_arguments_that_would_read_outside_are_refused(name, arguments, error, words):
    with cuda.emulated(), pytest.raises(error, match=words):
        getattr(convolution_cuda, name)(*arguments)


def faulty(good, bad, number):
    """Builds kernels with a fault: the good text, of all its occurrences that with the number, is replaced."""

    def function(cupy, file, options, kernel):
        code = (Path(cuda.__file__).parent / file).read_text(encoding="utf-8")
        parts = code.split(good)
        assert len(parts) > number + 1
        code = good.join(parts[: number + 1]) + bad + good.join(parts[number + 1 :])
        return EmulatedModule(code, options, filename=file).get_function(kernel)

    return function


@pytest.mark.parametrize(
    ("good", "bad", "number", "failures"),
    [
        ("__syncthreads();", "", 0, ("race", "uninitialised")),
        ("__syncthreads();", "", 1, ("race",)),
        ("(HH - 1) * dilation_h + 1", "(HH - 1) * dilation_h", 0, ("wrong result",)),  # it takes weights for pixels
        ("0 <= h && h < H", "0 <= h && h <= H", 1, ("out_of_bounds",)),
        ("row >= height || ", "", 1, ("out_of_bounds", "race")),
        ("i < seen_h * seen_w", "i < seen_h * seen_w - 1", 0, ("uninitialised",)),
    ],
)
def test_faults_planted_in_the_direct_kernel_are_found(good, bad, number, failures, monkeypatch):
    rng = np.random.default_rng(6)
    x, w, b = (rng.normal(size=size).astype("f") for size in ((1, 2, 9, 35), (2, 2, 3, 3), (2,)))
    monkeypatch.setattr(cuda, "_function", faulty(good, bad, number))
    for order in ("forward", "reverse", "shuffled"):
        with thread_order(order), cuda.emulated():
            try:
                found = convolution_cuda.convolution_direct(x, w, b, *SAME)
            except KernelError as error:
                assert error.failure in failures
            else:
                assert "wrong result" in failures
                assert not np.allclose(found, oracle(x, w, b, SAME), atol=1e-3)


@pytest.mark.parametrize(
    ("good", "bad", "number"),
    [
        ("0 <= w && w < W", "0 <= w && w <= W", 0),
        ("i < count", "i <= count", 0),
        ("row >= height", "row > height", 0),
    ],
)
def test_faults_planted_in_columns_are_found(good, bad, number, monkeypatch):
    rng = np.random.default_rng(7)
    x, w, dout = (rng.normal(size=size).astype("f") for size in ((2, 2, 5, 6), (3, 2, 3, 2), (2, 3, 5, 6)))
    layout = (1, 1), (1, 1), (1, 2)
    with cuda.emulated():
        expected = everything(x, w, dout, layout)
        monkeypatch.setattr(cuda, "_function", faulty(good, bad, number))
        try:
            found = everything(x, w, dout, layout)
        except KernelError as error:
            assert error.failure == "out_of_bounds"
        else:
            assert not all(np.allclose(a, b, atol=1e-3) for a, b in zip(found, expected, strict=True))


def everything(x, w, dout, layout):
    out = convolution_cuda.convolution(x, w, np.arange(3, dtype="f"), *layout)
    return out, *convolution_cuda.convolution_gradients(dout, x, w, *layout)


def test_the_layer_runs_through_the_kernels(monkeypatch):
    launched, launch = [], cuda.launch
    monkeypatch.setattr(cuda, "launch", lambda *args, **settings: launched.append(args[1]) or launch(*args, **settings))
    rng = np.random.default_rng(8)
    x, w, b, dout = (rng.normal(size=size) for size in ((2, 3, 6, 5), (4, 3, 3, 2), (4,), (2, 4, 3, 5)))
    param = {"stride": (2, 1), "pad": 1, "dilation": (1, 2)}
    expected, cache = conv_forward(x, w, b, param)
    expected = expected, *conv_backward(dout, cache)
    assert launched == []
    with cuda.emulated():
        out, cache = conv_forward(x, w, b, param)
        found = out, *conv_backward(dout, cache)
        assert launched == ["unfold", "add_bias", "unfold", "fold"]
        assert conv_backward(dout, cache, input_gradient=False)[0] is None
        assert launched[4:] == ["unfold"]
        conv_forward(x, w[:, :, :1, :1], b, {})  # a matrix product as it is
        assert len(launched) == 5
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
