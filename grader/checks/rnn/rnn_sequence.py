"""rnn_forward and rnn_backward."""

from grader.check import Check, Mistake

from .recurrence import RNN, sequence_backward_properties, sequence_forward_properties
from .sequence_mistakes import BACKWARD_HINTS, FORWARD_HINTS

_START = "states, steps, state = [], [], h0"
_STEP = "state, kept = rnn_step_forward(x[:, t], state, Wx, Wh, b)"
_STACK = "h = np.stack(states, axis=1)"
_LOOP = "for t in range(x.shape[1]):\n        state, kept"


def _forward(name, *replace):
    return Mistake(name, FORWARD_HINTS[name], replace)


RNN_FORWARD = Check(
    "rnn_forward",
    sequence_forward_properties(RNN),
    (
        _forward("runs in reverse", (_LOOP, f"for t in reversed(range(x.shape[1])):{_LOOP[27:]}")),
        _forward(
            "runs in reverse, returned in order",
            (_LOOP, f"for t in reversed(range(x.shape[1])):{_LOOP[27:]}"),
            (_STACK, "h = np.stack(states[::-1], axis=1)"),
        ),
        _forward("state not handed on", (_STEP, _STEP.replace("state, Wx", "h0, Wx"))),
        _forward("h0 ignored", (_START, _START.replace("h0", "0 * h0"))),
        _forward("states one step late", (_STACK, "h = np.stack([h0, *states[:-1]], axis=1)")),
        _forward("last state at all steps", (_STACK, "h = np.stack([states[-1] for _ in states], axis=1)")),
        _forward("last state only", (_STACK, "h = states[-1]")),
        _forward("time as first axis", (_STACK, "h = np.stack(states)")),
        _forward("h0 among the states", (_STACK, "h = np.stack([h0, *states], axis=1)")),
        _forward("first input at all steps", (_STEP, _STEP.replace("x[:, t]", "x[:, 0]"))),
        _forward("last input left out", (_STACK, "states[-1] = states[max(0, len(states) - 2)]\n    " + _STACK)),
    ),
)

_BACK = "dx[t], carried, *shares = rnn_step_backward(dh[:, t] + carried, cache[t])"
_TOTAL = "dparams = [total + share for total, share in zip(dparams, shares, strict=True)]"
_DH0 = "dh0 = carried"
_RETURN = "return np.stack(dx, axis=1), dh0, *dparams"
_BACKWARDS = "for t in reversed(range(T)):"


def _backward(name, *replace):
    return Mistake(name, BACKWARD_HINTS[name], replace)


def _incoming(text):
    return (_BACK, _BACK.replace("dh[:, t] + carried", text))


RNN_BACKWARD = Check(
    "rnn_backward",
    sequence_backward_properties(RNN),
    (
        _backward("from the output only", _incoming("dh[:, t]")),
        _backward("from the next step only", _incoming("(carried if t < T - 1 else dh[:, t])")),
        _backward("last step's output only", _incoming("(carried if t < T - 1 else dh[:, t]) * (t == T - 1)")),
        _backward(
            "one step back only", (_BACK, f"{_BACK}\n        carried = rnn_step_backward(dh[:, t], cache[t])[1]")
        ),
        _backward("output counted twice", _incoming("2 * dh[:, t] + carried")),
        _backward(
            "carried gradients pile up",
            (_BACK, f"{_BACK.replace('carried, *', 'new, *')}\n        carried = carried + new"),
        ),
        _backward("parameters of the first step only", (_TOTAL, "dparams = shares")),
        _backward("parameters of the last step only", (_TOTAL, "dparams = shares if t == T - 1 else dparams")),
        _backward(
            "parameters averaged over time", (_RETURN, _RETURN.replace("*dparams", "*(total / T for total in dparams)"))
        ),
        _backward("runs forwards in time", (_BACKWARDS, "for t in range(T):")),
        _backward("dx in reverse", (_RETURN, _RETURN.replace("stack(dx", "stack(dx[::-1]"))),
        _backward("time as first axis", (_RETURN, _RETURN.replace("dx, axis=1", "dx"))),
        _backward(
            "dh0 before the first step",
            (_BACK, f"above = dh[:, t] + carried\n        {_BACK}"),
            (_DH0, "dh0 = above"),
        ),
        _backward("dh0 of the last step", (_DH0, "dh0 = rnn_step_backward(dh[:, T - 1], cache[T - 1])[1]")),
        _backward("dh0 from the first output only", (_DH0, "dh0 = rnn_step_backward(dh[:, 0], cache[0])[1]")),
        _backward("dh0 zero", (_DH0, "dh0 = 0 * carried")),
    ),
)
