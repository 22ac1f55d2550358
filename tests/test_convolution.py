import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from cs231n_kit.kernels import convolution as kernels
from cs231n_kit.layers.convolution import conv_backward, conv_forward

FORWARD = {"numpy": kernels.convolution_numpy, "numba": kernels.convolution_numba, "chosen": kernels.convolution}
BACKWARD = {
    "numpy": kernels.convolution_gradients_numpy,
    "numba": kernels.convolution_gradients_numba,
    "chosen": kernels.convolution_gradients,
}
pairs = lambda least, most: st.tuples(st.integers(least, most), st.integers(least, most))  # noqa: E731


@pytest.fixture(params=FORWARD)
def path(request, monkeypatch):
    """Each path in turn behind conv_forward and conv_backward."""
    monkeypatch.setattr("cs231n_kit.layers.convolution.convolution", FORWARD[request.param])
    monkeypatch.setattr("cs231n_kit.layers.convolution.convolution_gradients", BACKWARD[request.param])
    return request.param


def oracle(x, w, b, stride=(1, 1), pad=(0, 0), dilation=(1, 1)):
    """SciPy's correlation with filters that have zeros between their weights, every stride-th place of it."""
    x, w, b = (array.astype(np.float64) for array in (x, w, b))
    spread = np.zeros((*w.shape[:2], *(1 + d * (k - 1) for k, d in zip(w.shape[2:], dilation, strict=True))))
    spread[:, :, :: dilation[0], :: dilation[1]] = w
    x = np.pad(x, ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    full = [
        [sum(map(lambda a, k: correlate(a, k, "valid", "direct"), image, kernel)) for kernel in spread] for image in x
    ]
    return np.array(full)[:, :, :: stride[0], :: stride[1]] + b[:, None, None]


def numeric_gradient(f, array, dout):
    """Centred differences; f is linear in each argument, so a large step costs no accuracy."""
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        step = np.zeros_like(array)
        step[index] = 0.5
        gradient[index] = ((f(array + step) - f(array - step)) * dout).sum()
    return gradient


@st.composite
def problems(draw, most=8):
    window, dilation, pad, stride = draw(pairs(1, 3)), draw(pairs(1, 3)), draw(pairs(0, 2)), draw(pairs(1, 3))
    least = [max(1, 1 + d * (k - 1) - 2 * p) for k, d, p in zip(window, dilation, pad, strict=True)]
    size = [draw(st.integers(n, n + most)) for n in least]
    N, C, F = (draw(st.integers(1, 3)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, w, b = rng.normal(size=(N, C, *size)), rng.normal(size=(F, C, *window)), rng.normal(size=F)
    return x, w, b, {"stride": stride, "pad": pad, "dilation": dilation}


@given(problems(), st.sampled_from([np.float32, np.float64]), st.sampled_from(list(FORWARD)))
def test_forward_is_scipys(problem, dtype, path):
    *arrays, conv_param = problem
    arrays = [array.astype(dtype) for array in arrays]
    found = FORWARD[path](*arrays, **conv_param)
    assert found.dtype == dtype
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found, oracle(*arrays, **conv_param), rtol=tolerance, atol=tolerance)


@settings(max_examples=30)
@given(problems(most=3), st.sampled_from(list(BACKWARD)))
def test_gradients_are_numeric_gradients(problem, path):
    x, w, b, conv_param = problem
    dout = np.random.default_rng(1).normal(size=kernels.convolution_numpy(x, w, b, **conv_param).shape)
    forward = lambda x=x, w=w, b=b: kernels.convolution_numpy(x, w, b, **conv_param)  # noqa: E731
    expected = [
        numeric_gradient(lambda a, n=name: forward(**{n: a}), dict(x=x, w=w, b=b)[name], dout) for name in "xwb"
    ]
    for found, numeric in zip(BACKWARD[path](dout, x, w, **conv_param), expected, strict=True):
        np.testing.assert_allclose(found, numeric, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "shape, filters",
    [
        ((13, 5, 17, 19), (7, 5, 3, 5)),
        ((1, 1, 40, 40), (3, 1, 7, 7)),
        ((67, 3, 5, 5), (11, 3, 5, 5)),
        ((3, 200, 6, 6), (5, 200, 3, 3)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_paths_agree_over_many_blocks(shape, filters, dtype, monkeypatch):
    monkeypatch.setattr(kernels, "BLOCK", 3000)
    rng = np.random.default_rng(2)
    x, w, b = (rng.normal(size=size).astype(dtype) for size in (shape, filters, filters[:1]))
    settings = (1, 2), (2, 1), (1, 1)
    out = kernels.convolution_numpy(x, w, b, *settings)
    dout = rng.normal(size=out.shape).astype(dtype)
    tolerance = dict(rtol=1e-4, atol=1e-3) if dtype == np.float32 else dict(rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(out, oracle(x, w, b, *settings), **tolerance)
    np.testing.assert_allclose(kernels.convolution_numba(x, w, b, *settings), out, **tolerance)
    for with_dx in (True, False):
        ours = kernels.convolution_gradients_numba(dout, x, w, *settings, with_dx)
        definition = kernels.convolution_gradients_numpy(dout, x, w, *settings, with_dx)
        assert (ours[0] is None) == (definition[0] is None) == (not with_dx)
        for found, expected in zip(ours[not with_dx :], definition[not with_dx :], strict=True):
            assert found.dtype == dtype
            np.testing.assert_allclose(found, expected, **tolerance)


def test_any_layout_and_read_only_arrays_give_the_same_and_stay_as_they_were(path):
    rng = np.random.default_rng(3)
    plain = [rng.normal(size=size) for size in ((3, 2, 7, 8), (4, 2, 3, 2), (4,))]
    out, cache = conv_forward(*plain, {"stride": 2, "pad": 1})
    dout = rng.normal(size=out.shape)
    expected = [out, *conv_backward(dout, cache)]
    strange = [np.repeat(np.asfortranarray(array), 2, axis=0)[::2] for array in (*plain, dout)]
    for array in strange:
        array.flags.writeable = False
    out, cache = conv_forward(*strange[:3], {"stride": 2, "pad": 1})
    for found, right in zip([out, *conv_backward(strange[3], cache)], expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-12)
    for array, before in zip(strange, (*plain, dout), strict=True):
        assert (array == before).all()


def test_same_bits_at_each_call(path):
    rng = np.random.default_rng(4)
    x, w, dout = (rng.normal(size=size).astype("f") for size in ((9, 4, 12, 12), (5, 4, 3, 3), (9, 5, 12, 12)))
    out, cache = conv_forward(x, w, np.zeros(5, "f"), {"pad": 1})
    first, second = conv_backward(dout, cache), conv_backward(dout, cache)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert (out == conv_forward(x, w, np.zeros(5, "f"), {"pad": 1})[0]).all()


def test_nan_reaches_the_windows_that_see_it_and_no_other(path):
    x = np.ones((2, 2, 6, 6))
    x[1, 0, 2, 3] = np.nan
    out, _ = conv_forward(x, np.ones((3, 2, 3, 3)), np.zeros(3), {"pad": 1})
    expected = np.zeros(out.shape, bool)
    expected[1, :, 1:4, 2:5] = True
    assert (np.isnan(out) == expected).all()


def test_one_by_one_filters_take_the_short_cut_and_strided_ones_do_not(monkeypatch):
    rng = np.random.default_rng(5)
    x, w, b = rng.normal(size=(3, 4, 5, 6)), rng.normal(size=(7, 4, 1, 1)), rng.normal(size=7)
    for name in ("convolution_numpy", "convolution_gradients_numpy"):
        monkeypatch.delattr(kernels, name)
    out, cache = conv_forward(x, w, b, {})
    np.testing.assert_allclose(out, oracle(x, w, b))
    dout = rng.normal(size=out.shape)
    dx, dw, db = conv_backward(dout, cache)
    np.testing.assert_allclose(dx, np.einsum("nfij,fc->ncij", dout, w[:, :, 0, 0]))
    np.testing.assert_allclose(dw[:, :, 0, 0], np.einsum("nfij,ncij->fc", dout, x))
    np.testing.assert_allclose(db, np.einsum("nfij->f", dout))
    assert conv_backward(dout, cache, input_gradient=False)[0] is None
    with pytest.raises(NameError):
        conv_forward(x, w, b, {"stride": 2})


def test_large_work_is_compiled_and_falls_back(monkeypatch):
    def broken(*arguments):
        raise RuntimeError("no thread pool")

    def missing(*arguments):
        raise ImportError("no numba")

    x, w, b = np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3)), np.zeros(1)
    monkeypatch.setattr(kernels, "WORTH_COMPILING", 1)
    monkeypatch.setattr(kernels, "convolution_numba", missing)
    assert (conv_forward(x, w, b, {})[0] == 9).all()
    monkeypatch.setattr(kernels, "convolution_numba", broken)
    with pytest.warns(UserWarning, match="no thread pool"):
        assert (conv_forward(x, w, b, {})[0] == 9).all()


def test_types_follow_promotion():
    x, w, b = np.ones((1, 1, 3, 3), np.uint8), np.ones((1, 1, 3, 3), "f"), np.ones(1, "f")
    assert conv_forward(x, w, b, {})[0].dtype == np.float64
    assert conv_forward(x.astype("f"), w, b, {})[0].dtype == np.float32


GOOD = dict(x=np.ones((2, 3, 5, 5)), w=np.ones((4, 3, 3, 3)), b=np.ones(4), conv_param={"stride": 1, "pad": 0})


@pytest.mark.parametrize(
    "changes, error, words",
    [
        (dict(x=np.ones((0, 3, 5, 5))), ValueError, "x must not be empty.*0, 3, 5, 5"),
        (dict(x=np.ones((3, 5, 5))), ValueError, "x must have the shape .N, C, H, W.*3, 5, 5.*x.None."),
        (dict(x=np.ones((2, 3, 5, 5), np.float16)), TypeError, "x must hold float32 or float64, not float16"),
        (dict(w=np.ones((4, 2, 3, 3))), ValueError, "w must .* C = 3 .*4, 2, 3, 3"),
        (dict(w=np.ones((4, 3, 3, 3), complex)), TypeError, "w must hold .*complex"),
        (dict(w=np.ones((0, 3, 3, 3))), ValueError, "w must have the shape"),
        (dict(b=np.ones(3)), ValueError, "b must have the shape .4,.*3,"),
        (dict(w=np.ones((4, 3, 6, 3))), ValueError, "window covers 6 x 3 pixels, more than the 5 x 5"),
        (dict(conv_param={"dilation": 3}), ValueError, "window covers 7 x 7 pixels"),
        (dict(conv_param={"padding": 1}), ValueError, "unknown entry 'padding'; it may have stride, pad, dilation"),
        (dict(conv_param={"stride": 0}), ValueError, "'stride'. must be integers of at least 1, not 0"),
        (dict(conv_param={"stride": 1.0}), ValueError, "'stride'. must be an integer or a pair.*1.0"),
        (dict(conv_param={"pad": (1, -1)}), ValueError, "'pad'. must be integers of at least 0"),
        (dict(conv_param={"pad": (1, 1, 1)}), ValueError, "'pad'. must be an integer or a pair"),
    ],
)
def test_bad_arguments_are_named(changes, error, words):
    with pytest.raises(error, match=words):
        conv_forward(**(GOOD | changes))


def test_backward_names_a_wrong_dout():
    _, cache = conv_forward(**GOOD)
    with pytest.raises(
        ValueError, match="dout must have the shape of the layer's output, .2, 4, 3, 3., not .2, 4, 3, 2."
    ):
        conv_backward(np.ones((2, 4, 3, 2)), cache)
