"""Lecture 10: how far back in time the gradients of a recurrent network reach.

``unroll`` computes a network step by step and keeps what is inside of it, ``backward_through_time`` sends gradients
back and keeps the part of each step; ``gradient_norms`` is what comes of a gradient that enters at the last step alone.
N, T, D and H are examples, steps, and the sizes of inputs and hidden states, as in ``cs231n_kit.layers.recurrent``.
"""

from typing import NamedTuple

import numpy as np

from cs231n_kit.layers import lstm_step_backward, lstm_step_forward, rnn_step_backward, rnn_step_forward

CELLS = {"rnn": 1, "lstm": 4}  # blocks of H columns in the weights


class Step(NamedTuple):
    """One step forward: hidden state h and, of an LSTM, cell state c after it, (N, H); the cache for the way back."""

    h: np.ndarray
    c: np.ndarray | None
    cache: tuple


class StepGradients(NamedTuple):
    """What one step gets and gives on the way back.

    ``dh`` and ``dc`` (N, H) arrive at the state after the step, each as if the other were held; dc is None without a
    cell state. ``dx`` goes to its input; ``dWx``, ``dWh``, ``db`` are its parts of the weights' gradients, which are
    the sums over all steps.
    """

    dh: np.ndarray
    dc: np.ndarray | None
    dx: np.ndarray
    dWx: np.ndarray
    dWh: np.ndarray
    db: np.ndarray


class NormsByLag(NamedTuple):
    """Norms (N, T + 1) of ∂L/∂h and ∂L/∂c by lag: after the last step, one step before, ..., before the first one."""

    hidden: np.ndarray
    cell: np.ndarray | None


def initial_weights(cell, inputs, hidden, rng, scale=1.0, forget_bias=0.0):
    """Weights that show scales cleanly: Wh turns and stretches, but does not mix the two.

    Wh (of an LSTM each of its four blocks) is ``scale`` times a random orthogonal matrix, so that ``scale`` is its
    spectral radius and all its singular values; Wx is normal with a mean square of 1 / D; biases are 0, those of an
    LSTM's forget gates ``forget_bias``.

    cell: "rnn" or "lstm". rng: a ``numpy.random.Generator``.

    Returns Wx (D, K), Wh (H, K), b (K,), float64, with K = H, or 4H for an LSTM.
    """
    blocks = CELLS[_known(cell)]
    Wx = rng.standard_normal((inputs, blocks * hidden)) / np.sqrt(inputs)
    turns = [np.linalg.qr(rng.standard_normal((hidden, hidden)))[0] for _ in range(blocks)]
    b = np.zeros(blocks * hidden)
    if cell == "lstm":
        b[hidden : 2 * hidden] = forget_bias
    return Wx, scale * np.hstack(turns), b


def unroll(cell, x, Wx, Wh, b, h0=None):
    """Compute a network over whole sequences and keep every step.

    cell: "rnn" or "lstm".
    x: (N, T, D), a sequence of inputs for each example.
    Wx, Wh, b: weights and biases as in ``rnn_forward`` or ``lstm_forward``.
    h0: (N, H), the hidden state before the first step; zeros without it. The cell state begins at zero.

    Returns a list of T ``Step``. Raises ValueError where the cell is unknown or shapes do not fit.
    """
    x, Wh = np.asarray(x), np.asarray(Wh)
    if x.ndim != 3 or 0 in x.shape:
        raise ValueError(f"x must have the shape (N, T, D) and hold something, not {x.shape}")
    lstm = _known(cell) == "lstm"
    h = np.zeros((len(x), len(Wh)), np.result_type(x, Wh, np.float32)) if h0 is None else h0
    c = np.zeros_like(h) if lstm else None
    steps = []
    for t in range(x.shape[1]):
        if lstm:
            h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        else:
            h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        steps.append(Step(h, c, cache))
    return steps


def backward_through_time(steps, dh, window=None):
    """Send gradients back through what ``unroll`` computed.

    steps: a list of T ``Step``.
    dh: (N, T, H), what the losses of each step send to its hidden state themselves.
    window: None, or the length of the pieces into which the sequence is cut, from its end: gradients do not go from
        a piece into the one before it (truncated backpropagation through time).

    Returns a list of T ``StepGradients``, first step first, and the pair dh0, dc0 of the state before it.
    """
    if window is not None and window < 1:
        raise ValueError(f"window must be at least 1 step, got {window}")
    found, lstm = [], steps[0].c is not None
    nothing = np.zeros_like(steps[0].h)
    from_h, from_c = nothing, nothing if lstm else None
    for t in reversed(range(len(steps))):
        total = dh[:, t] + from_h
        if lstm:
            dx, to_h, to_c, *weights = lstm_step_backward(total, from_c, steps[t].cache)
        else:
            dx, to_h, *weights = rnn_step_backward(total, steps[t].cache)
            to_c = None
        found.append(StepGradients(total, from_c, dx, *weights))
        cut = window is not None and t > 0 and (len(steps) - t) % window == 0
        from_h, from_c = (nothing, nothing if lstm else None) if cut else (to_h, to_c)
    return found[::-1], (from_h, from_c)


def gradient_norms(cell, x, Wx, Wh, b, h0=None, dlast=None):
    """How large the gradient of a loss at the last step is at every state before it.

    cell, x, Wx, Wh, b, h0: as for ``unroll``.
    dlast: (N, H), ∂L/∂h at the last step; without it a vector of length 1 with equal elements for every example.

    Returns ``NormsByLag``: ``hidden[n, k]`` is the norm of ∂L/∂h k steps before the end, ``hidden[n, 0]`` that of
    dlast. ``cell`` is the same of an LSTM's ∂L/∂c, which is 0 at lag 0 (the loss sees h alone), and None for an RNN.
    h and c count as two inputs of the step after them: each gradient holds the other fixed.
    """
    steps = unroll(cell, x, Wx, Wh, b, h0)
    N, H = steps[0].h.shape
    dh = np.zeros((N, len(steps), H), steps[0].h.dtype)
    dh[:, -1] = 1 / np.sqrt(H) if dlast is None else dlast
    with np.errstate(over="ignore", invalid="ignore"):  # gradients may explode beyond the largest number
        gradients, initial = backward_through_time(steps, dh)
        backwards = [*((step.dh, step.dc) for step in reversed(gradients)), initial]
        hidden, inside = zip(*backwards, strict=True)
        hidden = np.linalg.norm(hidden, axis=2).T
        inside = np.linalg.norm(inside, axis=2).T if cell == "lstm" else None
    return NormsByLag(hidden, inside)


def _known(cell):
    if cell not in CELLS:
        raise ValueError(f"cell must be one of {', '.join(CELLS)}; got {cell!r}")
    return cell
