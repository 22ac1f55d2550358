"""Cases and properties that the RNN and the LSTM share: of one step, and of whole sequences."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept
from cs231n_kit.layers import lstm_step_forward, rnn_step_forward
from grader.check import SINGLE_PRECISION, Property

from ..layer_cases import OUT, backward, joined, narrow, own_backward


def _rnn_step(x, states, Wx, Wh, b):
    next_h, cache = rnn_step_forward(x, *states, Wx, Wh, b)
    return (next_h,), cache


def _lstm_step(x, states, Wx, Wh, b):
    next_h, next_c, (_, prev_h, _, _, (i, f, o, g, prev_c, tanh_c)) = lstm_step_forward(x, *states, Wx, Wh, b)
    return (next_h, next_c), (x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c)


@dataclass(frozen=True)
class Cell:
    """name: of its functions, such as name_step_forward. states: how many it hands on. blocks: of H columns in Wx.

    step(x, states, Wx, Wh, b) gives the next states, and the cache of a step as the text has it.
    """

    name: str
    states: int
    blocks: int
    step: Callable

    @property
    def step_parameters(self) -> tuple[int, ...]:
        """Where a backward step has the gradients of Wx, Wh and b."""
        return tuple(range(1 + self.states, 4 + self.states))


RNN = Cell("rnn", 1, 1, _rnn_step)
LSTM = Cell("lstm", 2, 4, _lstm_step)


def weights(rng, cell, D, H):
    columns = cell.blocks * H
    return 0.6 * rng.normal(size=(D, columns)), 0.6 * rng.normal(size=(H, columns)), 0.5 * rng.normal(size=columns)


def step_arguments(rng, cell, N, D, H):
    """(x, states, Wx, Wh, b) of a step, in one row; no number so large that a tanh of it is nearly 1."""
    states = 0.7 * rng.normal(size=(cell.states, N, H))
    states[1:] *= 2  # a cell state may be larger than 1
    return 0.8 * rng.normal(size=(N, D)), *states, *weights(rng, cell, D, H)


def large_arguments(rng, cell, N, D, H):
    """Those of a step whose sums are in the hundreds or thousands, of both signs."""
    while True:
        x, *states, Wx, Wh, b = step_arguments(rng, cell, N, D, H)
        if np.abs(np.sign(x) @ Wx).min() > 0.05:
            return 2000 * np.sign(x) + x, *states, Wx, Wh, b


def sequence_arguments(rng, cell, N, T, D, H):
    """(x, h0, Wx, Wh, b)."""
    return 0.8 * rng.normal(size=(N, T, D)), 0.7 * rng.normal(size=(N, H)), *weights(rng, cell, D, H)


def step_problem(rng, cell, N, D, H, prepare=lambda arrays: arrays):
    """Of `layer_cases.backward`; prepare: done to a tuple of arrays."""
    arguments = prepare(step_arguments(rng, cell, N, D, H))
    dout = prepare(tuple(rng.normal(size=(cell.states, N, H))))
    x, *states, Wx, Wh, b = arguments
    return arguments, dout, cell.step(x, states, Wx, Wh, b)[1]


def sequence_problem(rng, cell, N, T, D, H, prepare=lambda arrays: arrays):
    arguments = prepare(sequence_arguments(rng, cell, N, T, D, H))
    (dh,) = prepare((rng.normal(size=(N, T, H)),))
    x, h0, *parameters = arguments
    states, caches = (h0, *[np.zeros_like(h0)] * (cell.states - 1)), []
    for t in range(T):
        states, cache = cell.step(x[:, t], states, *parameters)
        caches.append(cache)
    return arguments, dh, tuple(caches)


def step_backward_properties(cell: Cell, points: dict[str, float], edges: float, own: float) -> tuple[Property, ...]:
    """points: of each state's gradient and of dx, by name."""
    forward = f"{cell.name}_step_forward"
    places = {"dx": (0,), "dprev_h": (1,), "dprev_c": (2,), "dWx, dWh, db": cell.step_parameters}
    everything = tuple(range(4 + cell.states))

    def usual(take):
        return lambda rng: backward(forward, [step_problem(rng, cell, 3, 4, 3), step_problem(rng, cell, 4, 3, 2)], take)

    def edge_cases(rng):
        single = backward(forward, [step_problem(rng, cell, 1, 3, 2)], everything)
        return joined(single, backward(forward, [step_problem(rng, cell, 3, 2, 4, narrow)], everything))

    def own_cases(rng):
        arguments, dout, _ = step_problem(rng, cell, 3, 4, 2)
        return own_backward(rng, forward, arguments, dout, everything * 2, everything, step=0.005)

    return (
        *(Property(name, p, usual(places[name]), "either", **SINGLE_PRECISION) for name, p in points.items()),
        Property("One example, float32", edges, edge_cases, "either", **SINGLE_PRECISION),
        Property(
            f"The gradients of your own {forward}, from your own cache",
            own,
            own_cases,
            "own_backward",
            rtol=2e-3,
            atol=2e-5,
        ),
    )


def _steps(cell, arguments):
    """A call of the student's step for each time, each with the states of the one before."""
    x, h0, *parameters = arguments
    states, cases = (h0, *[np.zeros_like(h0)] * (cell.states - 1)), []
    for t in range(x.shape[1]):
        cases.append(Case((x[:, t], *states, *parameters), function=f"{cell.name}_step_forward", take=OUT))
        states = tuple(Kept(t, part) for part in range(cell.states))
    return cases


def sequence_forward_properties(cell: Cell) -> tuple[Property, ...]:
    """Four points for the hidden states of a sequence."""

    shapes = ((3, 4, 5, 2), (2, 5, 3, 4))

    def usual(rng):
        return [Case(sequence_arguments(rng, cell, *shape), take=OUT) for shape in shapes]

    def from_zero(rng):
        drawn = [sequence_arguments(rng, cell, *shape) for shape in shapes]
        return [Case((x, np.zeros_like(h0), *parameters), take=OUT) for x, h0, *parameters in drawn]

    def own(rng):
        arguments = sequence_arguments(rng, cell, 2, 4, 3, 5)
        return [*_steps(cell, arguments), Case(arguments, take=OUT)]

    def edges(rng):
        drawn = [sequence_arguments(rng, cell, *shape) for shape in ((3, 1, 2, 4), (1, 3, 4, 2))]
        return [
            *(Case(a, take=OUT) for a in drawn),
            Case(narrow(sequence_arguments(rng, cell, 2, 3, 4, 5)), take=OUT),
        ]

    return (
        Property("The hidden states of all steps, h0 zero", 1, from_zero, **SINGLE_PRECISION),
        Property("The hidden states of all steps, any h0", 1, usual, **SINGLE_PRECISION),
        Property(f"Repeats your own {cell.name}_step_forward", 1.5, own, "own_steps", **SINGLE_PRECISION),
        Property("One step, one example, float32", 0.5, edges, **SINGLE_PRECISION),
    )


def sequence_backward_properties(cell: Cell) -> tuple[Property, ...]:
    """Six points for backpropagation through time."""
    forward, step_backward = f"{cell.name}_forward", f"{cell.name}_step_backward"
    DX, DH0, PARAMETERS, ALL = (0,), (1,), (2, 3, 4), (0, 1, 2, 3, 4)

    def usual(take):
        return lambda rng: backward(forward, [sequence_problem(rng, cell, 2, 4, 5, 3)], take)

    def own(rng):
        """See `cs231n_kit.checking.relations.own_steps_backward`."""
        arguments, dh, _ = sequence_problem(rng, cell, 2, 3, 4, 3)
        T, cases = dh.shape[1], _steps(cell, arguments)
        nothing = [np.zeros_like(dh[:, 0])] * (cell.states - 1)
        for start in reversed(range(T)):
            coming = (dh[:, start], *nothing)
            for t in reversed(range(start + 1)):
                given = (*coming, Kept(t, cell.states))
                cases.append(Case(given, function=step_backward, take=(0, 1, *cell.step_parameters)))
                coming = tuple(Kept(len(cases) - 1, 1 + state) for state in range(cell.states))
        cases.append(Case(arguments, function=forward, take=()))
        return [*cases, Case((dh, Kept(len(cases) - 1, 1)), take=ALL)]

    def edges(rng):
        single = backward(forward, [sequence_problem(rng, cell, 3, 1, 2, 4)], ALL)
        return joined(single, backward(forward, [sequence_problem(rng, cell, 1, 3, 4, 2, narrow)], ALL))

    return (
        Property("dx", 1.5, usual(DX), "either", **SINGLE_PRECISION),
        Property("dh0", 1, usual(DH0), "either", **SINGLE_PRECISION),
        Property("dWx, dWh, db: from all steps", 1.5, usual(PARAMETERS), "either", **SINGLE_PRECISION),
        Property(f"Repeats your own {step_backward}", 1.5, own, "own_steps_backward", **SINGLE_PRECISION),
        Property("One step, one example, float32", 0.5, edges, "either", **SINGLE_PRECISION),
    )
