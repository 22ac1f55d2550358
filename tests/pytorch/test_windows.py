"""Convolution and pooling against PyTorch: every stride, padding and dilation, not only square ones."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_checks import Form, assert_close, assert_layer, forms, normal, seeds, tensor

from cs231n_kit.layers import (
    average_pool_backward,
    average_pool_forward,
    conv_backward,
    conv_forward,
    global_average_pool_backward,
    global_average_pool_forward,
    max_pool_backward,
    max_pool_forward,
)

FORMS = [Form(np.float64, False), Form(np.float32, False), Form(np.float32, True)]
few = st.integers(1, 3)


@st.composite
def geometries(draw, with_dilation):
    """Window, stride, pad, dilation and image size, each a pair, the window just fitting or better."""
    window, stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4))), draw(st.tuples(few, few))
    dilation = draw(st.tuples(few, few)) if with_dilation else (1, 1)
    pad = tuple(draw(st.integers(0, 3 if with_dilation else k - 1)) for k in window)
    least = [max(1, 1 + d * (k - 1) - 2 * p) for k, d, p in zip(window, dilation, pad, strict=True)]
    return window, stride, pad, dilation, tuple(draw(st.integers(n, n + 6)) for n in least)


def check_conv(x_shape, w_shape, stride, pad, dilation, seed, form):
    param = {"stride": stride, "pad": pad, "dilation": dilation}
    assert_layer(
        lambda x, w, b: conv_forward(x, w, b, param),
        conv_backward,
        lambda x, w, b: F.conv2d(x, w, b, stride, pad, dilation),
        normal(seed, x_shape, w_shape, w_shape[0]),
        form,
    )


@settings(max_examples=120)
@given(geometries(with_dilation=True), few, few, few, seeds, forms)
def test_convolution(geometry, N, C, filters, seed, form):
    window, stride, pad, dilation, size = geometry
    check_conv((N, C, *size), (filters, C, *window), stride, pad, dilation, seed, form)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize(
    "x_shape, w_shape, stride, pad, dilation",
    [
        ((8, 16, 32, 32), (32, 16, 3, 3), 1, 1, 1),
        ((4, 3, 64, 60), (32, 3, 7, 7), 2, 3, 1),
        ((1, 24, 40, 56), (48, 24, 3, 3), 1, 1, 1),
        ((3, 32, 33, 31), (40, 32, 3, 3), 1, 1, 1),
        ((2, 64, 20, 29), (67, 64, 3, 3), 1, 0, 1),
        ((1, 96, 14, 15), (128, 96, 3, 3), 1, 2, 1),
        ((6, 3, 50, 50), (64, 3, 3, 3), 1, (1, 0), 1),
        ((4, 40, 25, 30), (48, 40, 3, 3), 1, (2, 0), 1),
        ((4, 40, 30, 25), (48, 40, 3, 3), 1, (0, 1), 1),
        ((16, 1, 60, 60), (48, 1, 5, 3), (1, 2), (0, 2), 1),
        ((5, 20, 31, 33), (30, 20, 3, 2), (2, 1), (2, 1), (2, 3)),
        ((3, 64, 30, 30), (128, 64, 1, 1), 1, 0, 1),
        ((3, 64, 60, 60), (128, 64, 1, 1), 2, 0, 1),
        ((7, 17, 19, 23), (37, 17, 4, 4), 1, (5, 0), 1),
        ((2, 32, 28, 28), (64, 32, 28, 28), 1, 0, 1),
    ],
)
def test_large_convolutions(x_shape, w_shape, stride, pad, dilation, form):
    check_conv(x_shape, w_shape, stride, pad, dilation, 0, form)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_convolution_without_an_input_gradient(dtype):
    for size in (5, 40):
        x, w, b = (array.astype(dtype) for array in normal(0, (4, 16, size, size), (24, 16, 3, 3), 24))
        out, cache = conv_forward(x, w, b, {"pad": 1})
        leaves = [tensor(array, leaf=True) for array in (x, w, b)]
        expected = torch.autograd.grad(F.conv2d(*leaves, padding=1), leaves, tensor(out))
        dx, *gradients = conv_backward(out, cache, input_gradient=False)
        assert dx is None
        for gradient, right in zip(gradients, expected[1:], strict=True):
            assert_close(gradient, right, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "x_shape, w_shape, stride, pad",
    [
        ((8, 32, 32, 32), (32, 32, 3, 3), 1, 1),
        ((3, 40, 21, 35), (64, 40, 3, 3), 1, 0),
        ((4, 3, 64, 60), (32, 3, 7, 7), 2, 3),
        ((4, 16, 9, 8), (8, 16, 3, 3), 1, 1),
    ],
)
def test_a_bright_pixel_spoils_no_digits_of_others(x_shape, w_shape, stride, pad, dtype):
    """Numbers of all sizes: each result is as exact as the numbers that it is computed from allow.

    What these are is itself a convolution, of sizes: a result may lose some digits of the largest weight of its
    channel times the pixels of its window.
    """
    x, w, dout_of_all = normal(0, x_shape, w_shape, (*x_shape[:1], w_shape[0], *x_shape[2:]))
    rng = np.random.default_rng(1)
    x, w = (array * 10 ** rng.uniform(-4, 4, array.shape) for array in (x, w))
    b = np.zeros(w_shape[0])
    x, w, b = (array.astype(dtype) for array in (x, w, b))
    out, cache = conv_forward(x, w, b, {"stride": stride, "pad": pad})
    dout = dout_of_all[:, :, : out.shape[2], : out.shape[3]] * 10 ** rng.uniform(-4, 4, out.shape)
    found = (out, *conv_backward(dout.astype(dtype), cache)[:2])

    def through(x, w, dout):
        """out, dx and dw."""
        leaves = tensor(x, leaf=True), tensor(w, leaf=True)
        out = F.conv2d(*leaves, stride=stride, padding=pad)
        return out.detach().numpy(), *(g.numpy() for g in torch.autograd.grad(out, leaves, tensor(dout)))

    expected = through(x, w, dout.astype(dtype))
    largest = np.broadcast_to(np.abs(w).max(axis=(2, 3), keepdims=True), w.shape)
    *sizes, dw_sizes = through(np.abs(x), largest, np.abs(dout))
    sizes.append(dw_sizes.sum(axis=(2, 3), keepdims=True))
    for array, right, size, what in zip(found, expected, sizes, ["out", "dx", "dw"], strict=True):
        error = float((np.abs(array - right) / size).max()) / np.finfo(dtype).eps
        assert error < 16, f"{what} loses {error:.0f} times the precision of {np.dtype(dtype)}"


def check_pool(forward, backward, reference, shape, window, stride, pad, seed, form, values=None):
    param = {"pool_height": window[0], "pool_width": window[1], "stride": stride, "pad": pad}
    x = normal(seed, shape)[0] if values is None else values
    assert_layer(lambda x: forward(x, param), backward, reference, [x], form)


def torch_max_pool(window, stride, pad):
    """PyTorch itself pads by half a window at most."""
    (above, left), fill = pad, -torch.inf
    return lambda x: F.max_pool2d(F.pad(x, (left, left, above, above), value=fill), window, stride)


def torch_average_pool(window, stride, pad):
    above, left = pad
    return lambda x: F.avg_pool2d(F.pad(x, (left, left, above, above)), window, stride)


POOLS = {
    "max": (max_pool_forward, max_pool_backward, torch_max_pool),
    "average": (average_pool_forward, average_pool_backward, torch_average_pool),
}


@pytest.mark.parametrize("name", POOLS)
@settings(max_examples=80)
@given(geometries(with_dilation=False), few, few, seeds, forms)
def test_pooling(name, geometry, N, C, seed, form):
    window, stride, pad, _, size = geometry
    forward, backward, reference = POOLS[name]
    arguments = (N, C, *size), window, stride, pad, seed, form
    check_pool(forward, backward, reference(window, stride, pad), *arguments)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize(
    "shape, window, stride, pad",
    [
        ((8, 32, 64, 64), (2, 2), (2, 2), (0, 0)),
        ((8, 32, 65, 63), (2, 2), (2, 2), (0, 0)),
        ((4, 20, 55, 57), (3, 3), (2, 2), (0, 0)),
        ((4, 20, 56, 56), (3, 3), (1, 1), (1, 1)),
        ((1, 40, 70, 50), (3, 2), (3, 1), (2, 0)),
    ],
)
def test_large_pooling(name, shape, window, stride, pad, form):
    forward, backward, reference = POOLS[name]
    check_pool(forward, backward, reference(window, stride, pad), shape, window, stride, pad, 0, form)


@settings(max_examples=40)
@given(geometries(with_dilation=False), few, few, seeds, forms)
def test_of_equal_maxima_the_first_counts(geometry, N, C, seed, form):
    window, stride, pad, _, size = geometry
    x = np.random.default_rng(seed).integers(0, 2, (N, C, *size)).astype(float)
    reference = torch_max_pool(window, stride, pad)
    check_pool(max_pool_forward, max_pool_backward, reference, None, window, stride, pad, seed, form, x)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("window, stride", [((2, 2), (2, 2)), ((3, 3), (2, 1))], ids=str)
def test_equal_maxima_in_large_images(window, stride, form):
    x = np.random.default_rng(0).integers(0, 3, (8, 32, 65, 63)).astype(float)
    reference = torch_max_pool(window, stride, (0, 0))
    check_pool(max_pool_forward, max_pool_backward, reference, None, window, stride, (0, 0), 0, form, x)


@settings(max_examples=40)
@given(st.tuples(few, few, st.integers(1, 7), st.integers(1, 7)), seeds, forms)
def test_global_average_pooling(shape, seed, form):
    forward, backward = global_average_pool_forward, global_average_pool_backward
    assert_layer(forward, backward, lambda x: F.adaptive_avg_pool2d(x, 1)[..., 0, 0], normal(seed, shape), form)
