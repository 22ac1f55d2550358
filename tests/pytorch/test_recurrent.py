"""The RNN and the LSTM against PyTorch's, whose weights are transposed and whose gates stand in another order."""

import numpy as np
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch_checks import Form, assert_close, forms, normal, seeds, tensor

from cs231n_kit.layers import (
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_backward,
    rnn_step_forward,
)

sizes = st.integers(1, 5)
LONG = Form(np.float32, False)


def draw(seed, N, T, D, H, gates):
    """x, h0, c0, Wx, Wh, b; Wh so small that long sequences do not magnify rounding."""
    x, h0, c0, Wx, Wh, b = normal(seed, (N, T, D), (N, H), (N, H), (D, gates * H), (H, gates * H), gates * H)
    return x, h0, c0, 0.6 * Wx, 0.6 / H**0.5 * Wh, b


def swapped(blocks):
    """Columns i, f, o, g as i, f, g, o, and back."""
    if len(blocks) == 1:
        return blocks
    i, f, o, g = blocks
    return [i, f, g, o]


def to_torch(array, gates):
    """(D, gates · H) -> (gates · H, D), or (gates · H,) as it is."""
    return np.concatenate(swapped(np.split(array, gates, axis=-1)), axis=-1).T


def from_torch(parameter, gates):
    return np.concatenate(swapped(np.split(parameter.grad.numpy().T, gates, axis=-1)), axis=-1)


def torch_module(kind, Wx, Wh, b):
    """A module with these weights. It has a second bias, which stays 0."""
    gates = len(b) // len(Wh)
    module = kind(len(Wx), len(Wh), dtype=torch.float64)
    step = "" if "Cell" in kind.__name__ else "_l0"
    names = [f"weight_ih{step}", f"weight_hh{step}", f"bias_ih{step}"]
    with torch.no_grad():
        for name, array in zip(names, (Wx, Wh, b), strict=True):
            getattr(module, name).copy_(tensor(to_torch(array, gates)))
        getattr(module, f"bias_hh{step}").zero_()
    return module, lambda: [from_torch(getattr(module, name), gates) for name in names]


def assert_all_close(found, expected, form):
    assert len(found) == len(expected)
    for i, (array, right) in enumerate(zip(found, expected, strict=True)):
        assert array.dtype == form.dtype
        assert_close(array, right, f"result {i}", form.dtype, factor=3)


def check_sequence(forward, backward, kind, sizes, seed, form):
    N, T, D, H = sizes
    gates = 4 if kind is torch.nn.LSTM else 1
    x, h0, _, *weights = (form.of(array) for array in draw(seed, N, T, D, H, gates))
    dh = form.of(normal([seed, 1], (N, T, H))[0])
    before = [array.copy() for array in (x, h0, *weights, dh)]
    h, cache = forward(x, h0, *weights)
    gradients = backward(dh, cache)

    module, weight_gradients = torch_module(kind, *weights)
    leaves = tensor(x, leaf=True), tensor(h0, leaf=True)
    state = leaves[1][None]
    expected, _ = module(leaves[0].swapaxes(0, 1), (state, torch.zeros_like(state)) if gates == 4 else state)
    expected.backward(tensor(dh).swapaxes(0, 1))
    assert_all_close(
        [h, *gradients], [expected.swapaxes(0, 1), *(leaf.grad for leaf in leaves), *weight_gradients()], form
    )
    for array, copy in zip((x, h0, *weights, dh), before, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input was modified")


@settings(max_examples=50)
@given(st.tuples(sizes, sizes, sizes, sizes), seeds, forms)
@example((8, 60, 10, 16), 0, LONG)
def test_rnn(sizes, seed, form):
    check_sequence(rnn_forward, rnn_backward, torch.nn.RNN, sizes, seed, form)


@settings(max_examples=50)
@given(st.tuples(sizes, sizes, sizes, sizes), seeds, forms)
@example((8, 60, 10, 16), 0, LONG)
def test_lstm(sizes, seed, form):
    check_sequence(lstm_forward, lstm_backward, torch.nn.LSTM, sizes, seed, form)


@settings(max_examples=40)
@given(sizes, sizes, sizes, seeds, forms)
def test_rnn_step(N, D, H, seed, form):
    x, prev_h, _, *weights = (form.of(array) for array in draw(seed, N, 1, D, H, 1))
    dnext_h = form.of(normal([seed, 1], (N, H))[0])
    next_h, cache = rnn_step_forward(x[:, 0], prev_h, *weights)
    gradients = rnn_step_backward(dnext_h, cache)

    module, weight_gradients = torch_module(torch.nn.RNNCell, *weights)
    leaves = tensor(x[:, 0], leaf=True), tensor(prev_h, leaf=True)
    expected = module(*leaves)
    expected.backward(tensor(dnext_h))
    assert_all_close([next_h, *gradients], [expected, *(leaf.grad for leaf in leaves), *weight_gradients()], form)


@settings(max_examples=40)
@given(sizes, sizes, sizes, seeds, forms)
def test_lstm_step(N, D, H, seed, form):
    x, prev_h, prev_c, *weights = (form.of(array) for array in draw(seed, N, 1, D, H, 4))
    dnext_h, dnext_c = (form.of(array) for array in normal([seed, 1], (N, H), (N, H)))
    next_h, next_c, cache = lstm_step_forward(x[:, 0], prev_h, prev_c, *weights)
    gradients = lstm_step_backward(dnext_h, dnext_c, cache)

    module, weight_gradients = torch_module(torch.nn.LSTMCell, *weights)
    leaves = [tensor(array, leaf=True) for array in (x[:, 0], prev_h, prev_c)]
    h, c = module(leaves[0], (leaves[1], leaves[2]))
    torch.autograd.backward([h, c], [tensor(dnext_h), tensor(dnext_c)])
    found = [next_h, next_c, *gradients]
    assert_all_close(found, [h, c, *(leaf.grad for leaf in leaves), *weight_gradients()], form)
