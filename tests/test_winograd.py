import numpy as np
import pytest
from scipy.signal import correlate

from cs231n_kit.kernels import convolution as kernels
from cs231n_kit.kernels import winograd

pytest.importorskip("numba")
TOLERANCES = {np.float32: dict(rtol=1e-4, atol=1e-4), np.float64: dict(rtol=1e-11, atol=1e-11)}


def problem(shape, F, pad, dtype):
    rng = np.random.default_rng(0)
    size = (shape[0], F, shape[2] + 2 * pad[0] - 2, shape[3] + 2 * pad[1] - 2)
    shapes = shape, (F, shape[1], 3, 3), (F,), size
    return [rng.normal(size=s).astype(dtype) for s in shapes]


def oracle(x, w, b, pad):
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    sums = [[sum(map(lambda a, k: correlate(a, k, "valid"), image, filters)) for filters in w] for image in padded]
    return np.array(sums) + b[:, None, None]


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("block", [None, (1, 1), (1, 2), (2, 99)])
@pytest.mark.parametrize(
    "shape, F, pad",
    [
        ((5, 3, 6, 8), 4, (1, 1)),
        ((3, 2, 7, 5), 5, (0, 2)),  # tiles reach beyond the image
        ((1, 4, 5, 10), 2, (2, 1)),
        ((2, 1, 3, 3), 1, (0, 0)),  # a single output
    ],
)
def test_outputs_are_scipys_and_gradients_those_of_the_definition(shape, F, pad, block, dtype, monkeypatch):
    if block:
        monkeypatch.setattr(
            winograd, "_block", lambda out_shape, C, threads: (block[0], min(block[1], -(-out_shape[2] // 2)))
        )
    x, w, b, dout = problem(shape, F, pad, dtype)
    out = winograd.convolution(x, w, b, pad)
    assert out.dtype == dtype
    np.testing.assert_allclose(out, oracle(x, w, b, pad), **TOLERANCES[dtype])
    expected = kernels.convolution_gradients_numpy(dout.astype("d"), x.astype("d"), w.astype("d"), (1, 1), pad, (1, 1))
    found = winograd.gradients(dout, x, w, pad)
    for gradient, right in zip(found, expected[:2], strict=True):
        assert gradient.dtype == dtype and gradient.flags.c_contiguous
        np.testing.assert_allclose(gradient, right, **TOLERANCES[dtype])
    without_dx = winograd.gradients(dout, x, w, pad, input_gradient=False)
    assert without_dx[0] is None and (without_dx[1] == found[1]).all()


def test_convolution_takes_this_way_where_it_is_faster(monkeypatch):
    calls = []
    for name in ("convolution", "gradients"):
        real = getattr(winograd, name)
        monkeypatch.setattr(winograd, name, lambda *args, real=real, name=name: calls.append(name) or real(*args))
    x, w, b, dout = problem((8, 32, 8, 8), 32, (1, 1), np.float32)
    settings = (1, 1), (1, 1), (1, 1)
    out = kernels.convolution_numba(x, w, b, *settings)
    gradients = kernels.convolution_gradients_numba(dout, x, w, *settings)
    assert calls == ["convolution", "gradients", "convolution"]
    np.testing.assert_allclose(out, kernels.convolution_numpy(x, w, b, *settings), rtol=1e-4, atol=1e-4)
    for found, expected in zip(gradients, kernels.convolution_gradients_numpy(dout, x, w, *settings), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "shape, filters, stride, pad, dilation",
    [
        ((8, 31, 8, 8), (32, 31, 3, 3), (1, 1), (1, 1), (1, 1)),
        ((8, 32, 8, 8), (32, 32, 3, 1), (1, 1), (1, 1), (1, 1)),
        ((8, 32, 8, 8), (32, 32, 3, 3), (1, 2), (1, 1), (1, 1)),
        ((8, 32, 8, 8), (32, 32, 3, 3), (1, 1), (1, 1), (2, 1)),
        ((8, 32, 8, 8), (32, 32, 3, 3), (1, 1), (3, 1), (1, 1)),
        ((8, 32, 8, 5), (32, 32, 3, 3), (1, 1), (0, 0), (1, 1)),
        ((4, 512, 4, 4), (512, 512, 3, 3), (1, 1), (1, 1), (1, 1)),
    ],
)
def test_other_convolutions_go_another_way(shape, filters, stride, pad, dilation):
    assert not winograd.is_faster(np.empty(shape, "f"), np.empty(filters, "f"), stride, pad, dilation)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e38])
@pytest.mark.parametrize("where", ["x", "w", "dout"])
def test_infinities_and_nan_come_out_where_the_definition_has_them(value, where):
    x, w, b, dout = problem((2, 32, 8, 8), 32, (1, 1), np.float32)
    {"x": x, "w": w, "dout": dout}[where][1, 2, 0, 0] = value
    settings = (1, 1), (1, 1), (1, 1)
    with np.errstate(all="ignore"):
        expected = (
            kernels.convolution_numpy(x, w, b, *settings),
            *kernels.convolution_gradients_numpy(dout, x, w, *settings),
        )
    found = (
        kernels.convolution_numba(x, w, b, *settings),
        *kernels.convolution_gradients_numba(dout, x, w, *settings),
    )
    for ours, right in zip(found, expected, strict=True):
        assert (np.isnan(ours) == np.isnan(right)).all()
        assert (np.isposinf(ours) == np.isposinf(right)).all() and (np.isneginf(ours) == np.isneginf(right)).all()


def test_same_bits_at_each_call():
    x, w, b, dout = problem((7, 32, 9, 9), 33, (1, 1), np.float32)
    assert (winograd.convolution(x, w, b, (1, 1)) == winograd.convolution(x, w, b, (1, 1))).all()
    first, second = (winograd.gradients(dout, x, w, (1, 1)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
