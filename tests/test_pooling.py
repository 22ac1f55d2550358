import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs231n_kit.kernels import pooling as kernels
from cs231n_kit.layers import pooling

FORWARD = {"numpy": kernels.max_pool_numpy, "numba": kernels.max_pool_numba}
BACKWARD = {"numpy": kernels.max_pool_gradient_numpy, "numba": kernels.max_pool_gradient_numba}
TWO = {"pool_height": 2, "pool_width": 2, "stride": 2}
paths = st.sampled_from(list(FORWARD))


def the_windows(shape, window, stride, pad):
    """Every output's index, and the indices of the pixels that its window holds, row by row."""
    N, C, H, W = shape
    for i in range((H + 2 * pad[0] - window[0]) // stride[0] + 1):
        for j in range((W + 2 * pad[1] - window[1]) // stride[1] + 1):
            rows = range(i * stride[0] - pad[0], i * stride[0] - pad[0] + window[0])
            columns = range(j * stride[1] - pad[1], j * stride[1] - pad[1] + window[1])
            pixels = [(r, c) for r in rows for c in columns if 0 <= r < H and 0 <= c < W]
            for n in range(N):
                for c in range(C):
                    yield (n, c, i, j), [(n, c, *pixel) for pixel in pixels]


def max_pool_oracle(x, *layout, dout=None):
    """(out, None), or (out, dx) where a function gives dout for the shape of out; max() keeps the first of equals."""
    found = {at: max(pixels, key=lambda p: x[p]) for at, pixels in the_windows(x.shape, *layout)}
    out = np.empty(tuple(np.max(list(found), axis=0) + 1), x.dtype)
    dx = np.zeros_like(x)
    dout = dout(out.shape)
    for at, pixel in found.items():
        out[at] = x[pixel]
        dx[pixel] += dout[at]
    return out, dx, dout


@st.composite
def problems(draw):
    window, stride = ((draw(st.integers(1, 3)), draw(st.integers(1, 3))) for _ in range(2))
    pad = tuple(draw(st.integers(0, k - 1)) for k in window)
    size = [draw(st.integers(max(1, k - 2 * p), 9)) for k, p in zip(window, pad, strict=True)]
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 3)), *size)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-2, 3, size=shape) if draw(st.booleans()) else rng.normal(size=shape)  # with ties, and without
    return x.astype(draw(st.sampled_from([np.float32, np.float64]))), window, stride, pad


def draw_dout(shape):
    return np.random.default_rng(7).integers(-9, 10, size=shape).astype(np.float64)


@given(problems(), paths)
def test_max_pool_is_the_maximum_of_each_window_and_its_gradient_goes_to_the_first(problem, path):
    x, *layout = problem
    expected, expected_dx, dout = max_pool_oracle(x, *layout, dout=draw_dout)
    out, switches = FORWARD[path](x, *layout)
    assert out.dtype == x.dtype and switches.dtype == np.uint8
    np.testing.assert_array_equal(out, expected)
    dx = BACKWARD[path](dout.astype(x.dtype), switches, x.shape, *layout)
    assert dx.dtype == x.dtype and dx.flags.c_contiguous
    np.testing.assert_array_equal(dx, expected_dx)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(2, 2), (6, 70), (7, 5), (3, 64)])
def test_the_usual_window_has_a_kernel_of_its_own(size, dtype, monkeypatch):
    rng = np.random.default_rng(1)
    monkeypatch.delattr(pytest.importorskip("cs231n_kit.kernels.pooling_numba"), "max_pool")
    values = np.array([-np.inf, -1, 0, 1, np.inf, np.nan], dtype)
    x = values[rng.integers(0, 6, size=(3, 2, *size))]
    x[:, 1] = rng.normal(size=(3, *size))
    out, switches = kernels.max_pool_numba(x, (2, 2), (2, 2), (0, 0))
    expected = {
        at: next((p for p in seen if np.isnan(x[p])), max(seen, key=lambda p: x[p]))
        for at, seen in the_windows(x.shape, (2, 2), (2, 2), (0, 0))
    }
    for (n, c, i, j), (_, _, row, column) in expected.items():
        assert switches[n, c, i, j] == 2 * (row - 2 * i) + column - 2 * j
        np.testing.assert_equal(out[n, c, i, j], x[n, c, row, column])


@pytest.mark.parametrize("path", FORWARD)
def test_windows_of_more_than_256_pixels(path):
    x = np.random.default_rng(0).normal(size=(2, 1, 20, 35))
    layout = (17, 19), (2, 3), (0, 5)
    out, dx, dout = max_pool_oracle(x, *layout, dout=draw_dout)
    found, switches = FORWARD[path](x, *layout)
    np.testing.assert_array_equal(found, out)
    np.testing.assert_array_equal(BACKWARD[path](dout, switches, x.shape, *layout), dx)


@pytest.mark.parametrize("path", FORWARD)
def test_max_pool_of_nan_and_infinities(path):
    x = np.full((1, 1, 4, 6), -np.inf)
    x[0, 0, 0, 2:4] = 1, np.nan
    x[0, 0, 1, 2:4] = np.nan, np.inf
    x[0, 0, 2, 3:5] = np.nan  # after infinity, and the second of them after the first
    out, switches = FORWARD[path](x, (2, 2), (2, 2), (1, 1))
    assert np.isnan(out[0, 0]).tolist() == [[False, False, True, False], [False, True, True, False], [False] * 4]
    dout = np.ones(out.shape)
    dx = BACKWARD[path](dout, switches, x.shape, (2, 2), (2, 2), (1, 1))
    assert dx.sum() == dout.sum(), "padding won a window of -inf, or a gradient was lost"
    assert dx[0, 0, 0, 3] == dx[0, 0, 1, 2] == dx[0, 0, 2, 3] == 1


@pytest.mark.parametrize("path", FORWARD)
def test_an_infinite_gradient_stays_where_it_belongs(path):
    out, switches = FORWARD[path](np.arange(4.0).reshape(1, 1, 2, 2), (2, 2), (2, 2), (0, 0))
    dx = BACKWARD[path](np.full(out.shape, np.inf), switches, (1, 1, 2, 2), (2, 2), (2, 2), (0, 0))
    assert dx.tolist() == [[[[0, 0], [0, np.inf]]]]


@pytest.mark.parametrize("path", FORWARD)
def test_any_layout_and_read_only_arrays(path, monkeypatch):
    monkeypatch.setattr(pooling, "max_pool", FORWARD[path])
    monkeypatch.setattr(pooling, "max_pool_gradient", BACKWARD[path])
    x = np.asfortranarray(np.random.default_rng(1).normal(size=(6, 2, 7, 5)))[::2]
    dout = np.asfortranarray(np.random.default_rng(2).normal(size=(3, 2, 3, 2)))
    x.flags.writeable = dout.flags.writeable = False
    before = x.copy(), dout.copy()
    out, cache = pooling.max_pool_forward(x, TWO)
    dx = pooling.max_pool_backward(dout, cache)
    np.testing.assert_array_equal(out, max_pool_oracle(x, (2, 2), (2, 2), (0, 0), dout=np.zeros)[0])
    np.testing.assert_array_equal(dx, max_pool_oracle(x, (2, 2), (2, 2), (0, 0), dout=lambda shape: dout)[1])
    assert (x == before[0]).all() and (dout == before[1]).all()


def test_large_work_is_compiled(monkeypatch):
    used = []
    for name in ("max_pool_numba", "max_pool_gradient_numba"):
        function = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *a, name=name, function=function: used.append(name) or function(*a))
    x = np.random.default_rng(3).normal(size=(8, 32, 50, 50)).astype("f")
    out, cache = pooling.max_pool_forward(x, TWO)
    dx = pooling.max_pool_backward(out, cache)
    assert used == ["max_pool_numba", "max_pool_gradient_numba"]
    blocks = x.reshape(8, 32, 25, 2, 25, 2)
    assert (out == blocks.max(axis=(3, 5))).all()
    assert (dx == np.where(blocks == out[:, :, :, None, :, None], blocks, 0).reshape(x.shape)).all()


@settings(max_examples=50)
@given(problems())
def test_average_pool_and_its_gradient(problem):
    x, window, stride, pad = problem
    param = {"pool_height": window[0], "pool_width": window[1], "stride": stride, "pad": pad}
    out, cache = pooling.average_pool_forward(x, param)
    expected, dx = np.empty_like(out), np.zeros_like(x, np.float64)
    dout = draw_dout(out.shape)
    for at, pixels in the_windows(x.shape, window, stride, pad):
        expected[at] = sum(float(x[p]) for p in pixels) / (window[0] * window[1])
        for p in pixels:
            dx[p] += dout[at] / (window[0] * window[1])
    found = pooling.average_pool_backward(dout.astype(x.dtype), cache)
    assert out.dtype == found.dtype == x.dtype
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found, dx, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_global_average_pool_and_its_gradient(dtype):
    x = np.random.default_rng(4).normal(size=(3, 5, 7, 2)).astype(dtype)
    out, cache = pooling.global_average_pool_forward(x)
    np.testing.assert_allclose(out, np.einsum("ncij->nc", x.astype(np.float64)) / 14, rtol=1e-5, atol=1e-6)
    dout = np.arange(15, dtype=dtype).reshape(3, 5)
    dx = pooling.global_average_pool_backward(dout, cache)
    assert out.dtype == dx.dtype == dtype and dx.shape == x.shape and dx.flags.writeable
    for index in np.ndindex(x.shape):
        assert dx[index] == dout[index[:2]] / dtype(14)


@pytest.mark.parametrize("forward", [pooling.max_pool_forward, pooling.average_pool_forward])
@pytest.mark.parametrize(
    "x, changes, error, words",
    [
        (np.ones((0, 1, 4, 4)), {}, ValueError, "x must not be empty"),
        (np.ones((4, 4)), {}, ValueError, "x must have the shape .N, C, H, W., not .4, 4."),
        (np.ones((1, 1, 4, 4), complex), {}, TypeError, "x must hold float32 or float64, not complex"),
        (np.ones((1, 1, 4, 1)), {}, ValueError, "window covers 2 x 2 pixels, more than the 4 x 1"),
        (np.ones((1, 1, 4, 4)), {"pad": 2}, ValueError, "'pad'. must be smaller than the window, 2 x 2, not .2, 2."),
        (np.ones((1, 1, 4, 4)), {"stride": 0}, ValueError, "'stride'. must be integers of at least 1"),
        (np.ones((1, 1, 4, 4)), {"pool_height": 0}, ValueError, "pool_height and pool_width must be .*at least 1"),
        (np.ones((1, 1, 4, 4)), {"size": 2}, ValueError, "unknown entry 'size'"),
    ],
)
def test_bad_arguments_are_named(forward, x, changes, error, words):
    with pytest.raises(error, match=words):
        forward(x, TWO | changes)


def test_missing_parameters_and_wrong_gradients_are_named():
    with pytest.raises(ValueError, match="pool_param lacks 'stride'"):
        pooling.max_pool_forward(np.ones((1, 1, 4, 4)), {"pool_height": 2, "pool_width": 2})
    for name, shape in (("max_pool", "1, 2, 2, 2"), ("average_pool", "1, 2, 2, 2"), ("global_average_pool", "1, 2")):
        arguments = () if name.startswith("global") else (TWO,)
        _, cache = getattr(pooling, f"{name}_forward")(np.ones((1, 2, 4, 4)), *arguments)
        with pytest.raises(ValueError, match=f"dout must have the shape of the layer's output, .{shape}., not .3, 3."):
            getattr(pooling, f"{name}_backward")(np.ones((3, 3)), cache)
