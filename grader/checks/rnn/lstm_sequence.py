"""lstm_forward and lstm_backward."""

from grader.check import Check, Mistake

from .recurrence import LSTM, sequence_backward_properties, sequence_forward_properties
from .sequence_mistakes import BACKWARD_HINTS, FORWARD_HINTS

_START = "hidden, before, caches = h0, np.zeros_like(h0), []"
_STEP = "hidden, before, cache = lstm_step_forward(x[:, t], hidden, before, Wx, Wh, b)"
_KEEP = "outputs.append(hidden)"
_RETURN = "return np.stack(outputs, axis=1), caches"
_LOOP = "for t in range(x.shape[1]):\n        hidden, before"
_REVERSED = f"for t in reversed(range(x.shape[1])):{_LOOP[27:]}"

_FORWARD_HINTS = {
    **FORWARD_HINTS,
    "cell state not handed on": "The cell state is zero at the beginning of each step. Only the first begins so: each "
    "of the others begins with the cell state that the step before it has left.",
    "cell state begins with h0": "The cell state begins with h0. That is the hidden state; the cell state is zero at "
    "the beginning.",
    "cell states returned": "These are the cell states. They stay inside: the hidden states are asked for.",
}


def _forward(name, *replace):
    return Mistake(name, _FORWARD_HINTS[name], replace)


LSTM_FORWARD = Check(
    "lstm_forward",
    sequence_forward_properties(LSTM),
    (
        _forward("runs in reverse", (_LOOP, _REVERSED)),
        _forward(
            "runs in reverse, returned in order",
            (_LOOP, _REVERSED),
            (_RETURN, _RETURN.replace("outputs", "outputs[::-1]")),
        ),
        _forward("cell state not handed on", (_STEP, _STEP.replace("hidden, before, Wx", "hidden, 0 * before, Wx"))),
        _forward("state not handed on", (_STEP, _STEP.replace("hidden, before, Wx", "h0, before, Wx"))),
        _forward("cell state begins with h0", (_START, "hidden, before, caches = h0, h0, []")),
        _forward("h0 ignored", (_START, "hidden, before, caches = 0 * h0, np.zeros_like(h0), []")),
        _forward("cell states returned", (_KEEP, "outputs.append(before)")),
        _forward("states one step late", (_RETURN, "return np.stack([h0, *outputs[:-1]], axis=1), caches")),
        _forward("last state only", (_RETURN, "return outputs[-1], caches")),
        _forward(
            "last state at all steps", (_RETURN, "return np.stack([outputs[-1] for _ in outputs], axis=1), caches")
        ),
        _forward("time as first axis", (_RETURN, "return np.stack(outputs), caches")),
        _forward("first input at all steps", (_STEP, _STEP.replace("x[:, t]", "x[:, 0]"))),
    ),
)

_BACK = "step = lstm_step_backward(dh[:, t] + dhidden, dcell, cache[t])"
_PARTS = "dinput, dhidden, dcell = step[:3]"
_TOTAL = "dparameters = [total + part for total, part in zip(dparameters, step[3:], strict=True)]"
_STACK = "dinputs = np.stack(dinputs[::-1], axis=1)"
_RESULT = "return dinputs, dhidden, *dparameters"
_BACKWARDS = "for t in reversed(range(dh.shape[1])):"
_LAST = "t == dh.shape[1] - 1"

_BACKWARD_HINTS = {
    **BACKWARD_HINTS,
    "cell's gradient not carried": "The gradient of the cell state is not handed back: each step gets zeros for it. It "
    "is the way on which an LSTM remembers.",
    "cell's gradient for the hidden state's": "What is handed back for the hidden state is the gradient of the cell "
    "state. Mind the order in which the step returns them.",
    "dh0 of the cell state": "dh0 is the gradient of the cell state at the beginning. That of the hidden state is "
    "asked for.",
    "from the cell only": "What comes back from the next step to the hidden state is missing; only the cell's gradient "
    "is handed on.",
}


def _backward(name, *replace):
    return Mistake(name, _BACKWARD_HINTS[name], replace)


def _incoming(text):
    return (_BACK, _BACK.replace("dh[:, t] + dhidden", text))


LSTM_BACKWARD = Check(
    "lstm_backward",
    sequence_backward_properties(LSTM),
    (
        _backward("cell's gradient not carried", (_BACK, _BACK.replace("dcell,", "0 * dcell,"))),
        _backward("from the cell only", _incoming("dh[:, t]")),
        _backward("from the output only", (_BACK, _BACK.replace("dh[:, t] + dhidden, dcell", "dh[:, t], 0 * dcell"))),
        _backward("from the next step only", _incoming(f"(dh[:, t] if {_LAST} else dhidden)")),
        _backward("output counted twice", _incoming("2 * dh[:, t] + dhidden")),
        _backward("cell's gradient for the hidden state's", (_PARTS, "dinput, dcell, dhidden = step[:3]")),
        _backward(
            "carried gradients pile up",
            (_PARTS, "dinput, dhidden, dcell = step[0], dhidden + step[1], dcell + step[2]"),
        ),
        _backward("parameters of the first step only", (_TOTAL, "dparameters = step[3:]")),
        _backward("parameters of the last step only", (_TOTAL, f"dparameters = step[3:] if {_LAST} else dparameters")),
        _backward(
            "parameters averaged over time",
            (_RESULT, "return dinputs, dhidden, *(total / dh.shape[1] for total in dparameters)"),
        ),
        _backward("runs forwards in time", (_BACKWARDS, "for t in range(dh.shape[1]):")),
        _backward("dx in reverse", (_STACK, "dinputs = np.stack(dinputs, axis=1)")),
        _backward("time as first axis", (_STACK, "dinputs = np.stack(dinputs[::-1])")),
        _backward("dh0 of the cell state", (_RESULT, "return dinputs, dcell, *dparameters")),
        _backward("dh0 zero", (_RESULT, "return dinputs, 0 * dhidden, *dparameters")),
    ),
)
