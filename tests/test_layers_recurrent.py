import numpy as np
import pytest
from hypothesis import given, settings
from layer_checks import assert_gradients, assert_well_behaved, seeds, small_sizes
from scipy.special import expit

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


def draw(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 0.7, size=shape) for shape in shapes]


def draw_rnn(seed, N, T, D, H, blocks=1):
    return draw(seed, (N, T, D), (N, H), (D, blocks * H), (H, blocks * H), (blocks * H,))


def draw_lstm(seed, N, T, D, H):
    return draw_rnn(seed, N, T, D, H, blocks=4)


def rnn_oracle(x, h0, Wx, Wh, b):
    """One example, one step, one unit at a time."""
    N, T, D = x.shape
    H = len(b)
    h = np.empty((N, T, H))
    for n in range(N):
        for t in range(T):
            before = h0[n] if t == 0 else h[n, t - 1]
            for j in range(H):
                a = b[j]
                a += sum(x[n, t, d] * Wx[d, j] for d in range(D))
                a += sum(before[k] * Wh[k, j] for k in range(H))
                h[n, t, j] = np.sinh(a) / np.cosh(a)
    return h


def lstm_oracle(x, h0, Wx, Wh, b, c0=0):
    """Each gate with weights of its own; returns hidden and cell states of all steps."""
    H = h0.shape[1]
    weights = {gate: (Wx[:, j * H :][:, :H], Wh[:, j * H :][:, :H], b[j * H :][:H]) for j, gate in enumerate("ifog")}
    h, c = h0, np.zeros_like(h0) + c0
    hidden, cells = [], []
    for x_t in np.moveaxis(x, 1, 0):
        a = {
            gate: np.einsum("nd,dh->nh", x_t, to_x) + np.einsum("nk,kh->nh", h, to_h) + bias
            for gate, (to_x, to_h, bias) in weights.items()
        }
        c = expit(a["f"]) * c + expit(a["i"]) * np.tanh(a["g"])
        h = expit(a["o"]) * np.tanh(c)
        hidden.append(h)
        cells.append(c)
    return np.stack(hidden, axis=1), np.stack(cells, axis=1)


@settings(max_examples=20)
@given(small_sizes, small_sizes, small_sizes, small_sizes, seeds)
def test_rnn(N, T, D, H, seed):
    arrays = draw_rnn(seed, N, T, D, H)
    h, _ = rnn_forward(*arrays)
    np.testing.assert_allclose(h, rnn_oracle(*arrays), atol=1e-12)
    assert_gradients(rnn_forward, rnn_backward, arrays)


@settings(max_examples=20)
@given(small_sizes, small_sizes, small_sizes, seeds)
def test_rnn_step(N, D, H, seed):
    x, *rest = draw_rnn(seed, N, 1, D, H)
    next_h, _ = rnn_step_forward(x[:, 0], *rest)
    np.testing.assert_allclose(next_h, rnn_oracle(x, *rest)[:, 0], atol=1e-12)
    assert_gradients(rnn_step_forward, rnn_step_backward, [x[:, 0], *rest])


@settings(max_examples=20)
@given(small_sizes, small_sizes, small_sizes, small_sizes, seeds)
def test_lstm(N, T, D, H, seed):
    arrays = draw_lstm(seed, N, T, D, H)
    h, _ = lstm_forward(*arrays)
    np.testing.assert_allclose(h, lstm_oracle(*arrays)[0], atol=1e-12)
    assert_gradients(lstm_forward, lstm_backward, arrays)


def joined_lstm_step(x, prev_h, prev_c, Wx, Wh, b):
    """Both results in one array, so that one dout reaches both."""
    next_h, next_c, cache = lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b)
    return np.stack([next_h, next_c]), cache


def joined_lstm_step_backward(dout, cache):
    return lstm_step_backward(dout[0], dout[1], cache)


@settings(max_examples=20)
@given(small_sizes, small_sizes, small_sizes, seeds)
def test_lstm_step(N, D, H, seed):
    x, h0, Wx, Wh, b = draw_lstm(seed, N, 1, D, H)
    (c0,) = draw([seed, 1], (N, H))
    next_h, next_c, _ = lstm_step_forward(x[:, 0], h0, c0, Wx, Wh, b)
    hidden, cells = lstm_oracle(x, h0, Wx, Wh, b, c0)
    np.testing.assert_allclose(next_h, hidden[:, 0], atol=1e-12)
    np.testing.assert_allclose(next_c, cells[:, 0], atol=1e-12)
    assert_gradients(joined_lstm_step, joined_lstm_step_backward, [x[:, 0], h0, c0, Wx, Wh, b])


def test_steps_make_a_sequence():
    x, h, Wx, Wh, b = draw_rnn(0, 3, 5, 4, 2)
    whole, _ = rnn_forward(x, h, Wx, Wh, b)
    for t in range(5):
        h, _ = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        np.testing.assert_allclose(whole[:, t], h, atol=1e-12)
    x, h, Wx, Wh, b = draw_lstm(0, 3, 5, 4, 2)
    whole, _ = lstm_forward(x, h, Wx, Wh, b)
    c = np.zeros_like(h)
    for t in range(5):
        h, c, _ = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        np.testing.assert_allclose(whole[:, t], h, atol=1e-12)


def test_a_gradient_at_the_last_step_only_reaches_all_steps():
    for arrays, forward, backward in [
        (draw_rnn(0, 2, 6, 3, 4), rnn_forward, rnn_backward),
        (draw_lstm(0, 2, 6, 3, 4), lstm_forward, lstm_backward),
    ]:
        h, cache = forward(*arrays)
        dh = np.zeros_like(h)
        dh[:, -1] = 1
        dx = backward(dh, cache)[0]
        assert (np.abs(dx).max(axis=(0, 2)) > 0).all()
        dh = np.zeros_like(h)
        dh[:, 2] = 1
        assert (backward(dh, cache)[0][:, 3:] == 0).all(), "the past does not depend on the future"


def test_types_and_inputs():
    assert_well_behaved(rnn_forward, rnn_backward, draw_rnn(0, 3, 5, 4, 2))
    assert_well_behaved(lstm_forward, lstm_backward, draw_lstm(0, 3, 5, 4, 2))
    x, *rest = draw_rnn(0, 3, 1, 4, 2)
    assert_well_behaved(rnn_step_forward, rnn_step_backward, [x[:, 0], *rest])
    x, h0, *rest = draw_lstm(0, 3, 1, 4, 2)
    assert_well_behaved(joined_lstm_step, joined_lstm_step_backward, [x[:, 0], h0, h0 / 2, *rest])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_gates_stay_finite(dtype):
    for forward, backward, arrays in [
        (rnn_forward, rnn_backward, draw_rnn(0, 2, 3, 4, 5)),
        (lstm_forward, lstm_backward, draw_lstm(0, 2, 3, 4, 5)),
    ]:
        x, *rest = (array.astype(dtype) for array in arrays)
        h, cache = forward(x * dtype(1e4), *rest)
        assert np.isfinite(h).all()
        assert all(np.isfinite(gradient).all() for gradient in backward(np.ones_like(h), cache))


@pytest.mark.parametrize(
    "name, shape, message",
    [
        ("x", (3, 4), r"x must have the shape \(N, T, D\), not \(3, 4\)"),
        ("x", (3, 0, 4), r"x must not be empty, but has the shape \(3, 0, 4\)"),
        ("h0", (2, 2), r"h0 must have the shape \(3, 2\) for x \(3, 5, 4\) and Wh \(2, 2\), not \(2, 2\)"),
        ("Wx", (2, 4), r"Wx must have the shape \(4, 2\) .* not \(2, 4\)"),
        ("Wh", (2, 3), r"Wh must have the shape \(H, H\), not \(2, 3\)"),
        ("b", (1, 2), r"b must have the shape \(2,\) .* not \(1, 2\)"),
    ],
)
def test_wrong_shapes(name, shape, message):
    arrays = dict(zip(["x", "h0", "Wx", "Wh", "b"], draw_rnn(0, 3, 5, 4, 2), strict=True))
    arrays[name] = np.ones(shape)
    with pytest.raises(ValueError, match=message):
        rnn_forward(**arrays)


def test_wrong_shapes_of_the_lstm():
    x, h0, Wx, Wh, b = draw_lstm(0, 3, 5, 4, 2)
    with pytest.raises(ValueError, match=r"Wh must have the shape \(H, 4H\), not \(2, 2\)"):
        lstm_forward(x, h0, Wx[:, :2], Wh[:, :2], b[:2])
    with pytest.raises(ValueError, match=r"prev_c must have the shape \(3, 2\) .* not \(3, 1\)"):
        lstm_step_forward(x[:, 0], h0, h0[:, :1], Wx, Wh, b)
    with pytest.raises(ValueError, match=r"x must have the shape \(N, D\), not \(3, 5, 4\)"):
        lstm_step_forward(x, h0, h0, Wx, Wh, b)


def test_wrong_gradients_and_types():
    x, h0, Wx, Wh, b = draw_lstm(0, 3, 5, 4, 2)
    _, cache = lstm_forward(x, h0, Wx, Wh, b)
    with pytest.raises(ValueError, match=r"dh must have the shape \(3, 5, 2\), that of h, not \(3, 2\)"):
        lstm_backward(np.ones((3, 2)), cache)
    _, _, cache = lstm_step_forward(x[:, 0], h0, h0, Wx, Wh, b)
    with pytest.raises(ValueError, match=r"dnext_c must have the shape \(3, 2\), that of next_c, not \(3, 1\)"):
        lstm_step_backward(np.ones((3, 2)), np.ones((3, 1)), cache)
    with pytest.raises(TypeError, match="h0 must hold float32 or float64, not complex128"):
        lstm_forward(x, h0.astype(complex), Wx, Wh, b)
