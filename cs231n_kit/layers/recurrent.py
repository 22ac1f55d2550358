"""Recurrent layers: the vanilla RNN and the LSTM, step by step and over whole sequences (lecture 10).

N is the size of the batch, T the number of steps, D the size of a step's input and H that of the hidden state.
float32 and float64 are kept, integers are taken as float64, and where types differ NumPy's promotion decides. All
functions raise TypeError where an argument holds no real numbers and ValueError where shapes do not fit.
"""

from cs231n_kit.arrays import array_module, as_floats
from cs231n_kit.layers.activation import sigmoid_forward


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    """next_h = tanh(x Wx + prev_h Wh + b), one step of a vanilla RNN.

    x: (N, D), the input of this step.
    prev_h: (N, H), the hidden state before.
    Wx: (D, H), Wh: (H, H), b: (H,), weights and biases.

    Returns next_h (N, H) and a cache for ``rnn_step_backward``.
    """
    x, prev_h, Wx, Wh, b = _operands({"x": x, "prev_h": prev_h, "Wx": Wx, "Wh": Wh, "b": b}, x_axes="N, D")
    next_h = array_module(x).tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    """Gradients of ``rnn_step_forward``, by tanh' = 1 - tanh².

    dnext_h: (N, H), the loss's gradient with respect to next_h.

    Returns dx (N, D), dprev_h (N, H), dWx (D, H), dWh (H, H), db (H,).
    """
    x, prev_h, Wx, Wh, next_h = cache
    da = _gradient("dnext_h", dnext_h, next_h) * (1 - next_h * next_h)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    """A vanilla RNN over whole sequences: h[:, t] = tanh(x[:, t] Wx + h[:, t - 1] Wh + b), beginning with h0.

    x: (N, T, D), a sequence of inputs for each example.
    h0: (N, H), the hidden state before the first step.
    Wx: (D, H), Wh: (H, H), b: (H,), weights and biases, the same at all steps.

    Returns h (N, T, H), the hidden states of all steps, and a cache for ``rnn_backward``.
    """
    x, h0, Wx, Wh, b = _operands({"x": x, "h0": h0, "Wx": Wx, "Wh": Wh, "b": b}, x_axes="N, T, D")
    xp = array_module(x)
    a = _from_inputs(x, Wx, b)
    h = xp.empty((*x.shape[:2], len(Wh)), xp.result_type(a, h0, Wh))
    prev_h = h0
    for t in range(x.shape[1]):
        prev_h = h[:, t] = xp.tanh(a[:, t] + prev_h @ Wh)
    return h, (x, h0, Wx, Wh, h)


def rnn_backward(dh, cache):
    """Gradients of ``rnn_forward``, by backpropagation through time.

    A hidden state acts on the loss by itself, which is dh[:, t], and through the steps after it, which is what the
    loop carries from the last step to the first.

    dh: (N, T, H), the loss's gradient with respect to h.

    Returns dx (N, T, D), dh0 (N, H), and summed over all steps dWx (D, H), dWh (H, H), db (H,).
    """
    x, h0, Wx, Wh, h = cache
    xp = array_module(dh, x)
    dh = _gradient("dh", dh, h)
    da = xp.empty(h.shape, xp.result_type(dh, h))
    dprev_h = 0
    for t in reversed(range(h.shape[1])):
        da[:, t] = (dh[:, t] + dprev_h) * (1 - h[:, t] * h[:, t])
        dprev_h = da[:, t] @ Wh.T
    dx, dWx, dWh, db = _to_parameters(da, x, h0, h, Wx)
    return dx, dprev_h, dWx, dWh, db


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    """One step of a long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers 2000).

    a = x Wx + prev_h Wh + b is cut into four blocks of H columns, in this order: the input gate i = σ(a₀), the forget
    gate f = σ(a₁), the output gate o = σ(a₂), and the candidate g = tanh(a₃). Then
    next_c = f · prev_c + i · g and next_h = o · tanh(next_c).

    x: (N, D), the input of this step.
    prev_h, prev_c: (N, H), the hidden state and the cell state before.
    Wx: (D, 4H), Wh: (H, 4H), b: (4H,), weights and biases.

    Returns next_h (N, H), next_c (N, H) and a cache for ``lstm_step_backward``.
    """
    given = {"x": x, "prev_h": prev_h, "prev_c": prev_c, "Wx": Wx, "Wh": Wh, "b": b}
    x, prev_h, prev_c, Wx, Wh, b = _operands(given, x_axes="N, D", blocks=4)
    next_h, next_c, cell = _lstm_cell(x @ Wx + prev_h @ Wh + b, prev_c)
    return next_h, next_c, (x, prev_h, Wx, Wh, cell)


def lstm_step_backward(dnext_h, dnext_c, cache):
    """Gradients of ``lstm_step_forward``.

    dnext_h, dnext_c: (N, H), the loss's gradients with respect to next_h and next_c.

    Returns dx (N, D), dprev_h (N, H), dprev_c (N, H), dWx (D, 4H), dWh (H, 4H), db (4H,).
    """
    x, prev_h, Wx, Wh, cell = cache
    dnext_h, dnext_c = _gradient("dnext_h", dnext_h, prev_h), _gradient("dnext_c", dnext_c, prev_h)
    da, dprev_c = _lstm_cell_backward(dnext_h, dnext_c, cell)
    return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def lstm_forward(x, h0, Wx, Wh, b):
    """An LSTM over whole sequences: ``lstm_step_forward`` at each step, with a cell state that begins at zero.

    x: (N, T, D), a sequence of inputs for each example.
    h0: (N, H), the hidden state before the first step.
    Wx: (D, 4H), Wh: (H, 4H), b: (4H,), weights and biases, the same at all steps; gates in the order i, f, o, g.

    Returns h (N, T, H), the hidden states of all steps, and a cache for ``lstm_backward``. Cell states stay inside.
    """
    x, h0, Wx, Wh, b = _operands({"x": x, "h0": h0, "Wx": Wx, "Wh": Wh, "b": b}, x_axes="N, T, D", blocks=4)
    xp = array_module(x)
    a = _from_inputs(x, Wx, b)
    h = xp.empty((*x.shape[:2], len(Wh)), xp.result_type(a, h0, Wh))
    prev_h, prev_c, cells = h0, xp.zeros(h0.shape, h.dtype), []
    for t in range(x.shape[1]):
        prev_h, prev_c, cell = _lstm_cell(a[:, t] + prev_h @ Wh, prev_c)
        h[:, t] = prev_h
        cells.append(cell)
    return h, (x, h0, Wx, Wh, h, cells)


def lstm_backward(dh, cache):
    """Gradients of ``lstm_forward``, by backpropagation through time as in ``rnn_backward``.

    dh: (N, T, H), the loss's gradient with respect to h.

    Returns dx (N, T, D), dh0 (N, H), and summed over all steps dWx (D, 4H), dWh (H, 4H), db (4H,).
    """
    x, h0, Wx, Wh, h, cells = cache
    xp = array_module(dh, x)
    dh = _gradient("dh", dh, h)
    da = xp.empty((*h.shape[:2], Wh.shape[1]), xp.result_type(dh, h))
    dprev_h = dprev_c = 0
    for t in reversed(range(h.shape[1])):
        da[:, t], dprev_c = _lstm_cell_backward(dh[:, t] + dprev_h, dprev_c, cells[t])
        dprev_h = da[:, t] @ Wh.T
    dx, dWx, dWh, db = _to_parameters(da, x, h0, h, Wx)
    return dx, dprev_h, dWx, dWh, db


def _lstm_cell(a, prev_c):
    """Hidden state, cell state and what the way back needs, from the gates before their nonlinearities a (N, 4H)."""
    xp = array_module(a)
    H = prev_c.shape[1]
    gates, _ = sigmoid_forward(a[:, : 3 * H])
    i, f, o = gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H :]
    g = xp.tanh(a[:, 3 * H :])
    c = f * prev_c + i * g
    tanh_c = xp.tanh(c)
    return o * tanh_c, c, (i, f, o, g, prev_c, tanh_c)


def _lstm_cell_backward(dh, dc, cell):
    """Gradients of ``_lstm_cell`` with respect to a (N, 4H) and prev_c (N, H)."""
    i, f, o, g, prev_c, tanh_c = cell
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    da = [dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dh * tanh_c * o * (1 - o), dc * i * (1 - g * g)]
    return array_module(dc).concatenate(da, axis=1), dc * f


def _from_inputs(x, Wx, b):
    """x[:, t] Wx + b of all steps at once, for which one large matrix product beats T small ones."""
    return (x.reshape(-1, x.shape[2]) @ Wx + b).reshape(*x.shape[:2], -1)


def _to_parameters(da, x, h0, h, Wx):
    """Gradients dx, dWx, dWh, db from those of a[:, t] = x[:, t] Wx + h[:, t - 1] Wh + b."""
    prev_h = array_module(h).concatenate([h0[:, None], h[:, :-1]], axis=1)
    rows = da.reshape(-1, da.shape[2])
    dWx, dWh = x.reshape(-1, x.shape[2]).T @ rows, prev_h.reshape(len(rows), -1).T @ rows
    return (rows @ Wx.T).reshape(x.shape), dWx, dWh, rows.sum(axis=0)


def _operands(given, x_axes, blocks=1):
    """The arguments as floating point arrays; checks that their shapes go together."""
    array_module(*given.values())
    arrays = {name: as_floats(name, array) for name, array in given.items()}
    x, Wh = arrays["x"], arrays["Wh"]
    if x.ndim != x_axes.count(",") + 1:
        raise ValueError(f"x must have the shape ({x_axes}), not {x.shape}")
    if 0 in x.shape:
        raise ValueError(f"x must not be empty, but has the shape {x.shape}")
    columns = "H" if blocks == 1 else f"{blocks}H"
    if Wh.ndim != 2 or Wh.shape[1] != blocks * len(Wh):
        raise ValueError(f"Wh must have the shape (H, {columns}), not {Wh.shape}")
    N, D, H = len(x), x.shape[-1], len(Wh)
    expected = {"Wx": (D, blocks * H), "b": (blocks * H,)} | dict.fromkeys(("prev_h", "prev_c", "h0"), (N, H))
    for name, array in arrays.items():
        if array.shape != expected.get(name, array.shape):
            raise ValueError(
                f"{name} must have the shape {expected[name]} for x {x.shape} and Wh {Wh.shape}, not {array.shape}"
            )
    return arrays.values()


def _gradient(name, gradient, of):
    gradient = as_floats(name, gradient)
    if gradient.shape != of.shape:
        raise ValueError(f"{name} must have the shape {of.shape}, that of {name[1:]}, not {gradient.shape}")
    return gradient
