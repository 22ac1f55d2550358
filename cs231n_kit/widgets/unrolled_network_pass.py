"""A recurrent network reads a sequence, forward and back through time: all numbers that ``UnrolledNetwork`` shows."""

from functools import cached_property

import numpy as np

from cs231n_kit.clipping import clip_by_norm
from cs231n_kit.explorations.gradient_lags import backward_through_time, gradient_norms, unroll
from cs231n_kit.layers import affine_backward, affine_forward
from cs231n_kit.losses import l2_loss, softmax_loss
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.widgets.unrolled_network_sequence import read_sequence
from cs231n_kit.widgets.unrolled_network_state import effective_weights, stored_weights

GATES = "ifog"
ROUNDS, LEARNING_RATE = 200, 0.03  # of Adam, when it is asked to learn


class Pass:
    """One cell on one sequence, by the kit's layers, with a batch of one.

    ``sequence``, ``weights``; ``steps`` as ``unroll`` gives them; ``outputs`` (T, V): probabilities of the next letter,
    or the next number; ``losses`` (T,) of all steps and ``counted`` (T,), which of them count; ``doutputs`` (T, V): the
    gradients that these send to the scores, ``own`` (T, H): to the hidden states themselves; ``parts`` and ``initial``:
    the way back as ``backward_through_time`` gives it, cut off by the state's window, and ``whole``: without a cut.
    """

    def __init__(self, state, cell=None, weights=None):
        self.cell = cell or state["cell"]
        self.sequence = read_sequence(state["reads"], state["sequence"])
        self.weights = effective_weights(state, self.cell) if weights is None else weights
        T = self.sequence.steps
        self.window = state["window"] if state["window"] < T else None
        self.counted = np.isin(np.arange(1, T + 1), state["losses"])
        own = {name: self.weights[name] for name in ("Wx", "Wh", "b")}
        self.steps = unroll(self.cell, self.sequence.x, **own)
        self._read_out()
        self.parts, self.initial = backward_through_time(self.steps, self.own[None], self.window)
        self.whole = self.parts if self.window is None else backward_through_time(self.steps, self.own[None])[0]

    def _read_out(self):
        """Outputs and losses of every step, and what the losses that count send back."""
        rows, self._to_outputs = [], []
        for t, step in enumerate(self.steps):
            scores, cache = affine_forward(step.h, self.weights["Wy"], self.weights["by"])
            loss, dscores = self._loss(scores, self.sequence.targets[t : t + 1])
            outputs = scores
            if self.sequence.symbols:  # the gradient of the scores is the probabilities minus the one-hot target
                outputs = dscores + np.eye(self.sequence.outputs)[self.sequence.targets[t : t + 1]]
            dh, dWy, dby = affine_backward(dscores * self.counted[t], cache)
            rows.append((outputs[0], loss, dscores[0], dh[0]))
            self._to_outputs.append((dWy, dby))
        outputs, losses, slopes, own = zip(*rows, strict=True)
        self.outputs, self.losses, self.own = np.stack(outputs), np.array(losses), np.stack(own)
        self.doutputs = np.stack(slopes) * self.counted[:, None]
        self.last_slope = affine_backward(slopes[-1][None], cache)[0]  # of the last loss, whether or not it counts

    def _loss(self, scores, target):
        return softmax_loss(scores, target) if self.sequence.symbols else l2_loss(scores, target[:, None])

    @property
    def loss(self):
        """The sum of the losses that count."""
        return float(self.losses[self.counted].sum())

    def contributions(self, name, whole=False):
        """Each step's part of a weight's gradient, (T, ...); ``whole``: as if nothing were cut off."""
        if name in ("Wy", "by"):
            return np.stack([parts[name == "by"] for parts in self._to_outputs])
        return np.stack([getattr(part, f"d{name}") for part in (self.whole if whole else self.parts)])

    def chosen_parts(self, chosen, whole=False):
        """Each step's part (T,) of one weight's gradient; chosen: (name, row, column), of a bias the row is 0."""
        name, row, column = chosen
        parts = self.contributions(name, whole)
        return parts.reshape(len(parts), -1, parts.shape[-1])[:, row, column]

    @property
    def gradients(self):
        """{name: gradient} of all weights, the sums over all steps."""
        return {name: self.contributions(name).sum(axis=0) for name in self.weights}

    @property
    def carried(self):
        """∂L/∂h (T, H) that comes to each step's hidden state from the step after it: 0 at the last and at a cut."""
        return np.stack([part.dh[0] for part in self.parts]) - self.own

    def values(self, kind, t):
        """The numbers (H,) of h, c or a gate (i, f, o, g) at step t from 0; those before the first step are 0."""
        if t < 0:
            return np.zeros(len(self.weights["Wh"]))
        if kind in GATES:
            return self.steps[t].cache[-1][GATES.index(kind)][0]
        return (self.steps[t].h if kind == "h" else self.steps[t].c)[0]

    @cached_property
    def state_gradients(self):
        """{kind: (T, ...)}: ∂L/∂h, ∂L/∂c by all ways, its part "from c" by the next step, and ∂L/∂a of the sums a
        before σ and tanh, of an LSTM also by gate."""
        found = {"h": np.stack([part.dh[0] for part in self.parts]), "a": np.stack([part.db for part in self.parts])}
        if self.cell == "rnn":
            return found
        direct = np.stack([part.dc[0] for part in self.parts])
        o, tanh_c = (np.stack([step.cache[-1][place][0] for step in self.steps]) for place in (2, 5))
        found |= {"c": direct + found["h"] * o * (1 - tanh_c**2), "from c": direct}
        return found | dict(zip(GATES, np.split(found["a"], 4, axis=1), strict=True))

    def is_cut(self, t):
        """Whether what step t + 1 (from 0) would send back to step t is cut off."""
        later = self.sequence.steps - 1 - t
        return self.window is not None and t >= 0 and later > 0 and later % self.window == 0

    def lags(self):
        """Norms (T + 1,) of ∂L_T/∂h and ∂L_T/∂c (an RNN has None) by lag, as parts of ∂L_T/∂h at the last step."""
        size = np.linalg.norm(self.last_slope)
        dlast = self.last_slope / size if size > 0 else None
        own = {name: self.weights[name] for name in ("Wx", "Wh", "b")}
        hidden, cell = gradient_norms(self.cell, self.sequence.x, **own, dlast=dlast)
        return hidden[0], None if cell is None else cell[0]


def learn(state):
    """The state's ``weights`` after ``ROUNDS`` steps of Adam on this one sequence, with clipped gradients."""
    cell = state["cell"]
    weights = effective_weights(state, cell)
    optimizer = Optimizer("adam", learning_rate=LEARNING_RATE)
    for _ in range(ROUNDS):
        gradients, _ = clip_by_norm(Pass(state, cell, weights).gradients, state["clip"])
        optimizer.step(weights, gradients)
    return stored_weights(state, cell, weights)
