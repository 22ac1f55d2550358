"""rnn_step_forward and rnn_step_backward."""

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, narrow
from .recurrence import RNN, large_arguments, step_arguments, step_backward_properties


def _usual(rng):
    return [Case(step_arguments(rng, RNN, *shape), take=OUT) for shape in ((4, 3, 5), (3, 5, 2))]


def _large(rng):
    return [Case(large_arguments(rng, RNN, 3, 4, 6), take=OUT)]


def _edges(rng):
    single = narrow(step_arguments(rng, RNN, 4, 2, 3))
    return [Case(step_arguments(rng, RNN, 1, 4, 3), take=OUT), Case(single, take=OUT)]


_SUM = "summed = x @ Wx + prev_h @ Wh + b"
_TANH = "next_h = np.tanh(summed)"

RNN_STEP_FORWARD = Check(
    "rnn_step_forward",
    (
        Property("The next hidden state", 2, _usual, **SINGLE_PRECISION),
        Property("Large numbers", 0.5, _large, **SINGLE_PRECISION),
        Property("One example, float32", 0.5, _edges, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "no tanh",
            "The sum is returned as it is. The tanh comes last: without it the state may grow at every step.",
            ((_TANH, "next_h = summed + 0"),),
        ),
        Mistake(
            "sigmoid for tanh",
            "This is a sigmoid, between 0 and 1. A tanh is between -1 and 1.",
            ((_TANH, "next_h = 1 / (1 + np.exp(-summed))"),),
        ),
        Mistake(
            "ReLU for tanh",
            "This is a ReLU. The formula of the text has a tanh.",
            ((_TANH, "next_h = np.maximum(0, summed)"),),
        ),
        Mistake("no bias", "The bias b is missing in the sum.", ((_SUM, "summed = x @ Wx + prev_h @ Wh"),)),
        Mistake(
            "bias twice",
            "The bias is added twice, with x and with prev_h. There is one for both together.",
            ((_SUM, "summed = x @ Wx + prev_h @ Wh + 2 * b"),),
        ),
        Mistake(
            "no recurrence",
            "The hidden state before has no effect: without it this is a plain layer, which remembers nothing.",
            ((_SUM, "summed = x @ Wx + b"),),
        ),
        Mistake("input ignored", "The input x has no effect.", ((_SUM, "summed = prev_h @ Wh + b"),)),
        Mistake(
            "Wh transposed",
            "The transpose of Wh is used. Row k of Wh belongs to unit k of prev_h, as row d of Wx to feature d of x.",
            ((_SUM, "summed = x @ Wx + prev_h @ Wh.T + b"),),
        ),
        Mistake(
            "a tanh of each",
            "Input and state have a tanh each. Add first: there is one tanh, of the sum.",
            ((_TANH, "next_h = np.tanh(x @ Wx + b) + np.tanh(prev_h @ Wh)"),),
        ),
        Mistake(
            "state added after the tanh",
            "The old state is added after the tanh. It belongs inside, multiplied by Wh.",
            ((_TANH, "next_h = np.tanh(x @ Wx + b) + prev_h"),),
        ),
        Mistake(
            "tanh by exponentials",
            "For large numbers the exponentials overflow, and infinity divided by infinity is NaN. NumPy has a "
            "function that takes care.",
            ((_TANH, "next_h = (np.exp(summed) - np.exp(-summed)) / (np.exp(summed) + np.exp(-summed))"),),
        ),
    ),
)

_SLOPE = "dsummed = dnext_h * (1 - next_h**2)"
_DX = "dx = dsummed @ Wx.T"
_DH = "dprev_h = dsummed @ Wh.T"
_DWX = "dWx = x.T @ dsummed"
_DWH = "dWh = prev_h.T @ dsummed"
_DB = "db = dsummed.sum(axis=0)"

RNN_STEP_BACKWARD = Check(
    "rnn_step_backward",
    step_backward_properties(RNN, {"dx": 1, "dprev_h": 1, "dWx, dWh, db": 1.5}, edges=0.5, own=1),
    (
        Mistake(
            "tanh forgotten",
            "The derivative of the tanh is missing: dnext_h is with respect to what comes out of it.",
            ((_SLOPE, "dsummed = dnext_h + 0"),),
        ),
        Mistake(
            "tanh's slope at its output",
            "The tanh is applied once more, to its own output, before its derivative is formed. next_h is a tanh "
            "already.",
            ((_SLOPE, "dsummed = dnext_h * (1 - np.tanh(next_h) ** 2)"),),
        ),
        Mistake(
            "tanh's slope from its input",
            "In 1 - ( )² stands what goes into the tanh. It has to be what comes out of it.",
            ((_SLOPE, "dsummed = dnext_h * (1 - np.arctanh(next_h) ** 2)"),),
        ),
        Mistake(
            "tanh's slope without a square",
            "The derivative of the tanh has the square of its output.",
            ((_SLOPE, "dsummed = dnext_h * (1 - next_h)"),),
        ),
        Mistake(
            "sigmoid's slope",
            "This is the derivative of a sigmoid. That of a tanh is another one.",
            ((_SLOPE, "dsummed = dnext_h * next_h * (1 - next_h)"),),
        ),
        Mistake(
            "sign of the slope",
            "All gradients have the wrong sign: the tanh rises everywhere, so its derivative is positive.",
            ((_SLOPE, "dsummed = dnext_h * (next_h**2 - 1)"),),
        ),
        Mistake(
            "Wh not transposed",
            "In dprev_h stands Wh as on the way forward. On the way back it is its transpose.",
            ((_DH, "dprev_h = dsummed @ Wh"),),
        ),
        Mistake(
            "state's gradient as it came",
            "dprev_h is what comes from above. On its way back it passes the tanh and the weights Wh.",
            ((_DH, "dprev_h = dnext_h + 0"),),
        ),
        Mistake(
            "bias averaged",
            "db is averaged over the examples. The loss has done that already, in what comes from above: add.",
            ((_DB, "db = dsummed.mean(axis=0)"),),
        ),
        Mistake(
            "parameters averaged",
            "The gradients of the parameters are averaged over the examples. The loss has done that already: add.",
            (
                (_DWX, f"{_DWX} / len(x)"),
                (_DWH, f"{_DWH} / len(x)"),
                (_DB, "db = dsummed.mean(axis=0)"),
            ),
        ),
        Mistake(
            "bias without the tanh",
            "db is the sum of dnext_h. The bias is inside the tanh, so its derivative belongs there too.",
            ((_DB, "db = dnext_h.sum(axis=0)"),),
        ),
        Mistake(
            "dWh from the next state",
            "dWh is formed with the state after the step. Wh was multiplied with the one before it.",
            ((_DWH, "dWh = next_h.T @ dsummed"),),
        ),
        Mistake(
            "dWh transposed",
            "dWh is the transpose of what it should be: an element's row belongs to the state before the step.",
            ((_DWH, "dWh = dsummed.T @ prev_h"),),
        ),
    ),
)
