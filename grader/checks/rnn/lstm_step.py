"""lstm_step_forward and lstm_step_backward."""

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import narrow
from .recurrence import LSTM, large_arguments, step_arguments, step_backward_properties

_H, _C, _STATES = (0,), (1,), (0, 1)


def _usual(take):
    return lambda rng: [Case(step_arguments(rng, LSTM, *shape), take=take) for shape in ((3, 4, 5), (4, 2, 3))]


def _large(rng):
    return [Case(large_arguments(rng, LSTM, 4, 4, 3), take=_STATES)]


def _edges(rng):
    single = narrow(step_arguments(rng, LSTM, 4, 2, 3))
    return [Case(step_arguments(rng, LSTM, 1, 3, 2), take=_STATES), Case(single, take=_STATES)]


_SUM = "a = x @ Wx + prev_h @ Wh + b"
_SIGMOID = "gates = 1 / (1 + np.exp(-a[:, : 3 * H]))"
_GATES = "i, f, o = gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H :]"
_G = "g = np.tanh(a[:, 3 * H :])"
_NEXT_C = "next_c = f * prev_c + i * g"
_NEXT_H = "hidden = o * tanh_c"
_RETURN = "return hidden, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c)"
_ORDER = "The blocks of columns are taken in another order: {}. Here they belong to i, f, o and g, in this order."

LSTM_STEP_FORWARD = Check(
    "lstm_step_forward",
    (
        Property("The next cell state", 1.5, _usual(_C), **SINGLE_PRECISION),
        Property("The next hidden state", 1.5, _usual(_H), **SINGLE_PRECISION),
        Property("Large numbers", 0.5, _large, **SINGLE_PRECISION),
        Property("One example, float32", 0.5, _edges, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "input and forget gate exchanged",
            _ORDER.format("f, i, o, g"),
            ((_GATES, _GATES.replace("i, f, o", "f, i, o")),),
        ),
        Mistake(
            "order i, f, g, o",
            _ORDER.format("i, f, g, o, as PyTorch has them"),
            (
                (_GATES, _GATES.replace("gates[:, 2 * H :]", "1 / (1 + np.exp(-a[:, 3 * H :]))")),
                (_G, "g = np.tanh(a[:, 2 * H : 3 * H])"),
            ),
        ),
        Mistake(
            "order i, o, f, g",
            _ORDER.format("i, o, f, g"),
            ((_GATES, _GATES.replace("i, f, o", "i, o, f")),),
        ),
        Mistake(
            "every fourth column",
            "A gate takes every fourth column. Its columns lie side by side: the first H of them are those of i.",
            ((_SUM, f"{_SUM}\n    a = a.reshape(-1, H, 4).transpose(0, 2, 1).reshape(-1, 4 * H)"),),
        ),
        Mistake(
            "sigmoid for g",
            "g goes through a sigmoid like the gates. What may be written has both signs: it takes a tanh.",
            ((_G, "g = 1 / (1 + np.exp(-a[:, 3 * H :]))"),),
        ),
        Mistake("g without tanh", "g is taken as it is, without its tanh.", ((_G, "g = a[:, 3 * H :]"),)),
        Mistake(
            "tanh for the gates",
            "The gates go through a tanh. A gate is a share between 0 and 1, a sigmoid.",
            ((_SIGMOID, "gates = np.tanh(a[:, : 3 * H])"),),
        ),
        Mistake(
            "nothing forgotten",
            "The old cell state stays whole: the forget gate is not used.",
            ((_NEXT_C, "next_c = prev_c + i * g"),),
        ),
        Mistake(
            "old cell state lost",
            "The old cell state has no effect. Part of it stays, as much as the forget gate says.",
            ((_NEXT_C, "next_c = i * g"),),
        ),
        Mistake(
            "input gate not used",
            "All of g is written: the input gate is not used.",
            ((_NEXT_C, "next_c = f * prev_c + g"),),
        ),
        Mistake(
            "one gate for both",
            "As much is written as is forgotten, 1 - f. That is another kind of cell: here the input gate says how "
            "much.",
            ((_NEXT_C, "next_c = f * prev_c + (1 - f) * g"),),
        ),
        Mistake(
            "hidden state for the cell state",
            "The forget gate is multiplied with the old hidden state. It belongs to the old cell state.",
            ((_NEXT_C, "next_c = f * prev_h + i * g"),),
        ),
        Mistake(
            "no tanh of the cell state",
            "The hidden state is o times the cell state itself. It goes through a tanh before.",
            ((_NEXT_H, "hidden = o * next_c"),),
        ),
        Mistake(
            "output from the old cell state",
            "The hidden state is made of the cell state before the step. It takes the new one.",
            ((_NEXT_H, "hidden = o * np.tanh(prev_c)"),),
        ),
        Mistake(
            "output gate not used",
            "The hidden state is the tanh of the cell state, all of it: the output gate is not used.",
            ((_NEXT_H, "hidden = tanh_c + 0"),),
        ),
        Mistake(
            "states returned in another order",
            "The cell state is returned first. The order is: hidden state, cell state, cache.",
            ((_RETURN, _RETURN.replace("hidden, next_c", "next_c, hidden")),),
        ),
        Mistake("no bias", "The bias b is missing in the sum.", ((_SUM, "a = x @ Wx + prev_h @ Wh"),)),
        Mistake("no recurrence", "The hidden state before has no effect on the gates.", ((_SUM, "a = x @ Wx + b"),)),
        Mistake(
            "sigmoid overflows",
            "For large numbers an exponential overflows, and infinity divided by infinity is NaN. Write the sigmoid "
            "with one exponential.",
            ((_SIGMOID, "gates = np.exp(a[:, : 3 * H]) / (1 + np.exp(a[:, : 3 * H]))"),),
        ),
    ),
)

_DC = "dc = dnext_c + dnext_h * o * (1 - tanh_c**2)"
_DI = "dai = dc * g * i * (1 - i)"
_DF = "daf = dc * prev_c * f * (1 - f)"
_DO = "dao = dnext_h * tanh_c * o * (1 - o)"
_DG = "dag = dc * i * (1 - g**2)"
_DA = "da = np.hstack([dai, daf, dao, dag])"
_DPREV_C = "dprev_c = dc * f"
_BACK = "return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, prev_h.T @ da, da.sum(axis=0)"

LSTM_STEP_BACKWARD = Check(
    "lstm_step_backward",
    step_backward_properties(LSTM, {"dx": 1, "dprev_h": 1, "dprev_c": 1, "dWx, dWh, db": 1.5}, edges=0.5, own=1),
    (
        Mistake(
            "dnext_c ignored",
            "dnext_c has no effect. The cell state matters in two ways: through next_h, and by itself at the next "
            "step.",
            ((_DC, "dc = dnext_h * o * (1 - tanh_c**2)"),),
        ),
        Mistake(
            "cell state not through next_h",
            "The cell's gradient is dnext_c alone. The cell state goes into next_h too, and what comes back from there "
            "is missing.",
            ((_DC, "dc = dnext_c + 0"),),
        ),
        Mistake(
            "tanh of the cell forgotten",
            "On the way from next_h to the cell state the derivative of the tanh is missing.",
            ((_DC, "dc = dnext_c + dnext_h * o"),),
        ),
        Mistake(
            "tanh's slope from its input",
            "In 1 - ( )² stands the cell state, which goes into the tanh. It has to be what comes out of it.",
            ((_DC, "dc = dnext_c + dnext_h * o * (1 - (f * prev_c + i * g) ** 2)"),),
        ),
        Mistake(
            "output gate forgotten",
            "On the way from next_h to the cell state the output gate is missing: next_h was multiplied by it.",
            ((_DC, "dc = dnext_c + dnext_h * (1 - tanh_c**2)"),),
        ),
        Mistake(
            "sigmoid's slope for g",
            "For g stands the derivative of a sigmoid. g is a tanh.",
            ((_DG, "dag = dc * i * g * (1 - g)"),),
        ),
        Mistake(
            "tanh of g forgotten",
            "The derivative of g's tanh is missing.",
            ((_DG, "dag = dc * i"),),
        ),
        Mistake(
            "sigmoids forgotten",
            "The derivatives of the sigmoids are missing: i, f and o come out of them.",
            ((_DI, "dai = dc * g"), (_DF, "daf = dc * prev_c"), (_DO, "dao = dnext_h * tanh_c")),
        ),
        Mistake(
            "tanh's slope for the gates",
            "For the gates stands the derivative of a tanh. They are sigmoids.",
            (
                (_DI, "dai = dc * g * (1 - i**2)"),
                (_DF, "daf = dc * prev_c * (1 - f**2)"),
                (_DO, "dao = dnext_h * tanh_c * (1 - o**2)"),
            ),
        ),
        Mistake(
            "output gate with the cell state",
            "In the gradient of the output gate stands the cell state. The gate was multiplied with its tanh.",
            ((_DO, "dao = dnext_h * (f * prev_c + i * g) * o * (1 - o)"),),
        ),
        Mistake(
            "forget gate with g",
            "The gradients of input and forget gate are exchanged: what was each of them multiplied with?",
            ((_DI, "dai = dc * prev_c * i * (1 - i)"), (_DF, "daf = dc * g * f * (1 - f)")),
        ),
        Mistake(
            "blocks in another order",
            "The gradients of the gates are put together in another order than the columns have: i, f, o, g.",
            ((_DA, "da = np.hstack([dai, daf, dag, dao])"),),
        ),
        Mistake(
            "dprev_c without the forget gate",
            "dprev_c is the gradient of the new cell state. On its way back it passes the multiplication by the forget "
            "gate.",
            ((_DPREV_C, "dprev_c = dc + 0"),),
        ),
        Mistake(
            "dprev_c from dnext_c only",
            "In dprev_c what comes through next_h is missing: it reaches the old cell state too.",
            ((_DPREV_C, "dprev_c = dnext_c * f"),),
        ),
        Mistake(
            "bias averaged",
            "db is averaged over the examples. The loss has done that already: add.",
            ((_BACK, _BACK.replace("da.sum(axis=0)", "da.mean(axis=0)")),),
        ),
        Mistake(
            "parameters averaged",
            "The gradients of the parameters are averaged over the examples. The loss has done that already: add.",
            (
                (
                    _BACK,
                    _BACK.replace("x.T @ da, prev_h.T @ da", "x.T @ da / len(x), prev_h.T @ da / len(x)").replace(
                        "da.sum(axis=0)", "da.mean(axis=0)"
                    ),
                ),
            ),
        ),
    ),
)
