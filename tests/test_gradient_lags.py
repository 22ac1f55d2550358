"""Gradients against time lag: numeric gradients, the layers' own sums, and closed forms."""

import numpy as np
import pytest

from cs231n_kit.explorations.gradient_lags import backward_through_time, gradient_norms, initial_weights, unroll
from cs231n_kit.gradients import numeric_gradient
from cs231n_kit.layers import (
    lstm_backward,
    lstm_forward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_forward,
)

N, T, D, H = 2, 5, 3, 4
LAYERS = {"rnn": (rnn_forward, rnn_backward), "lstm": (lstm_forward, lstm_backward)}


def draw(cell, seed=0):
    """x, Wx, Wh, b, h0 and an upstream gradient of the last step."""
    rng = np.random.default_rng(seed)
    Wx, Wh, b = initial_weights(cell, D, H, rng, scale=0.9, forget_bias=1.0)
    return rng.normal(size=(N, T, D)), Wx, Wh, b + rng.normal(0, 0.1, b.shape), *rng.normal(size=(2, N, H))


def continued(cell, x, h, c, weights):
    """The hidden state after the last step of x (N, T, D), from a state in the middle."""
    for t in range(x.shape[1]):
        if cell == "lstm":
            h, c, _ = lstm_step_forward(x[:, t], h, c, *weights)
        else:
            h, _ = rnn_step_forward(x[:, t], h, *weights)
    return h


@pytest.mark.parametrize("cell", LAYERS)
def test_norms_by_lag_are_those_of_numeric_gradients(cell):
    x, Wx, Wh, b, h0, dlast = draw(cell)
    steps = unroll(cell, x, Wx, Wh, b, h0)
    norms = gradient_norms(cell, x, Wx, Wh, b, h0, dlast)
    assert norms.hidden.shape == (N, T + 1)
    for lag in range(T + 1):
        h, c = (h0, np.zeros((N, H))) if lag == T else (steps[T - 1 - lag].h, steps[T - 1 - lag].c)
        rest = x[:, T - lag :]
        slope = numeric_gradient(lambda h, c=c, rest=rest: continued(cell, rest, h, c, (Wx, Wh, b)), h, dlast)
        np.testing.assert_allclose(norms.hidden[:, lag], np.linalg.norm(slope, axis=1), rtol=1e-7)
        if cell == "lstm":
            slope = numeric_gradient(lambda c, h=h, rest=rest: continued(cell, rest, h, c, (Wx, Wh, b)), c, dlast)
            np.testing.assert_allclose(norms.cell[:, lag], np.linalg.norm(slope, axis=1), rtol=1e-7)
    assert norms.cell is None if cell == "rnn" else (norms.cell[:, 0] == 0).all()


@pytest.mark.parametrize("cell", LAYERS)
def test_parts_of_the_steps_add_up_to_the_layers_gradients(cell):
    forward, backward = LAYERS[cell]
    x, Wx, Wh, b, h0, _ = draw(cell, seed=1)
    dh = np.random.default_rng(2).normal(size=(N, T, H))
    steps = unroll(cell, x, Wx, Wh, b, h0)
    h, cache = forward(x, h0, Wx, Wh, b)
    np.testing.assert_allclose(np.stack([step.h for step in steps], axis=1), h, rtol=1e-12)
    parts, (dh0, _) = backward_through_time(steps, dh)
    dx, *sums = backward(dh, cache)
    np.testing.assert_allclose(np.stack([part.dx for part in parts], axis=1), dx, rtol=1e-10)
    for total, wanted in zip([dh0, *(sum(getattr(part, name) for part in parts) for name in ("dWx", "dWh", "db"))],
                             sums, strict=True):  # fmt: skip
        np.testing.assert_allclose(total, wanted, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize("window", [1, 2, 4, 5, 9])
def test_a_window_is_the_whole_way_back_through_each_piece(cell, window):
    """What a piece learns is what it would learn alone, from the state that the piece before left."""
    x, Wx, Wh, b, h0, _ = draw(cell, seed=3)
    dh = np.random.default_rng(4).normal(size=(N, T, H))
    steps = unroll(cell, x, Wx, Wh, b, h0)
    parts, _ = backward_through_time(steps, dh, window)
    starts = [t for t in range(T) if t == 0 or (T - t) % window == 0]
    for start, end in zip(starts, [*starts[1:], T], strict=True):
        alone, _ = backward_through_time(steps[start:end], dh[:, start:end])
        for part, wanted in zip(parts[start:end], alone, strict=True):
            np.testing.assert_array_equal(part.dWh, wanted.dWh)
            np.testing.assert_array_equal(part.dh, wanted.dh)


def test_without_saturation_an_rnn_multiplies_by_its_scale_at_every_step():
    """h = 0 everywhere, where tanh' = 1: the gradient is turned, and scaled by the orthogonal matrix's one factor."""
    for scale in (0.5, 1.0, 2.0):
        Wx, Wh, b = initial_weights("rnn", 2, 6, np.random.default_rng(0), scale)
        assert max(abs(np.linalg.eigvals(Wh))) == pytest.approx(scale)
        norms = gradient_norms("rnn", np.zeros((1, 40, 2)), Wx, Wh, b)
        np.testing.assert_allclose(norms.hidden[0], scale ** np.arange(41.0), rtol=1e-9)


def test_an_open_forget_gate_keeps_the_cells_gradient():
    """Without recurrent weights, ∂L/∂c shrinks by the forget gate at every step, from ∂L/∂h o (1 - tanh²) on."""
    Wx, Wh, b = initial_weights("lstm", 2, 4, np.random.default_rng(0), scale=0.0, forget_bias=3.0)
    norms = gradient_norms("lstm", np.zeros((1, 30, 2)), Wx, Wh, b)
    gate = 1 / (1 + np.exp(-3.0))
    np.testing.assert_allclose(norms.cell[0, 1:], 0.5 * gate ** np.arange(1.0, 31), rtol=1e-9)
    assert (norms.hidden[0, 1:] == 0).all()


def test_gradients_beyond_all_numbers_are_infinite_without_a_word(recwarn):
    Wx, Wh, b = initial_weights("rnn", 2, 4, np.random.default_rng(0), scale=1e10)
    norms = gradient_norms("rnn", np.zeros((1, 50, 2)), Wx, Wh, b)
    assert not np.isfinite(norms.hidden[0, -1]) and not recwarn.list


def test_bad_arguments_are_named():
    x, Wx, Wh, b, h0, _ = draw("rnn")
    with pytest.raises(ValueError, match="cell must be one of rnn, lstm; got 'gru'"):
        gradient_norms("gru", x, Wx, Wh, b)
    with pytest.raises(ValueError, match=r"x must have the shape \(N, T, D\) and hold something, not \(2, 0, 3\)"):
        unroll("rnn", x[:, :0], Wx, Wh, b)
    with pytest.raises(ValueError, match=r"Wh must have the shape \(H, 4H\)"):
        unroll("lstm", x, Wx, Wh, b)
    with pytest.raises(ValueError, match="window must be at least 1 step, got 0"):
        backward_through_time(unroll("rnn", x, Wx, Wh, b, h0), np.zeros((N, T, H)), window=0)
