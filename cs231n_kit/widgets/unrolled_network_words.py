"""What an unrolled network says of each moment, in a sentence."""

import numpy as np

from cs231n_kit.widgets.circuit_words import bracketed, number
from cs231n_kit.widgets.convolution_words import joined


def at(name, t):
    """A name with its step as a subscript: ``h₃``."""
    return name + "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(t))


def bracketed_place(chosen):
    """A weight as in code: ``Wh[0, 1]``, ``b[2]``."""
    name, row, column = chosen
    return f"{name}[{column}]" if name in ("b", "by") else f"{name}[{row}, {column}]"


def norm(gradient):
    return number(np.linalg.norm(gradient))


def moments(run, state):
    """What happens at each moment, in a sentence."""
    T, letters = run.sequence.steps, bool(run.sequence.symbols)
    read = "".join(run.sequence.names[:-1]) if letters else ", ".join(run.sequence.names[:-1])
    first = "h₀ = 0" if run.cell == "rnn" else "h₀ = c₀ = 0"
    kind = "letter" if letters else "number"
    sentences = [f"The network reads {read}, one {kind} a step, and puts out the next one. It begins with {first}."]
    forward = _rnn_forward if run.cell == "rnn" else _lstm_forward
    for t in range(T):
        sentences += [f"Forward, step {t + 1}: {text}" for text in (*forward(t + 1), _output(run, t))]
    backward = _rnn_backward if run.cell == "rnn" else _lstm_backward
    for t in reversed(range(T)):
        sentences += [f"Backward, step {t + 1}: {text}" for text in (_arrival(run, t), *backward(run, state, t))]
    return [*sentences, f"Backward is done: {_sum(run, state)}"]


def _rnn_forward(t):
    return (
        f"{at('h', t)} = tanh({at('x', t)} Wx + {at('h', t - 1)} Wh + b), with the same Wx, Wh and b at every step.",
    )


def _lstm_forward(t):
    h, c, old = at("h", t), at("c", t), at("c", t - 1)
    return (
        f"the gates look at {at('x', t)} and {at('h', t - 1)}, with the same Wx, Wh and b at every step: i, f and o "
        "are sigmoids, g is a tanh.",
        f"{c} = f · {old} + i · g: the forget gate keeps a part of {old}, the input gate lets a part of g in.",
        f"{h} = o · tanh({c}): the output gate shows a part of the cell state.",
    )


def _output(run, t):
    h, target = at("h", t + 1), run.sequence.names[t + 1]
    if run.sequence.symbols:
        chance = number(run.outputs[t][run.sequence.targets[t]])
        text = f"softmax({h} Wy + by) gives the next letter, {target}, the probability {chance}"
        loss = f": loss −log {chance} = {number(run.losses[t])}."
    else:
        text = f"{at('y', t + 1)} = {h} Wy + by = {number(run.outputs[t][0])}, and the next number is {target}"
        loss = f": loss ({number(run.outputs[t][0])} − {bracketed(target)})² = {number(run.losses[t])}."
    return text + (loss if run.counted[t] else "; no loss is counted here.")


def _arrival(run, t):
    """What comes to h at a step: from its loss, and from the step after it."""
    h, total = at("h", t + 1), norm(run.state_gradients["h"][t])
    own = f"its loss sends {h} a gradient of norm {norm(run.own[t])}" if run.counted[t] else "no loss is counted here"
    if t == run.sequence.steps - 1:
        return f"{own}." if run.counted[t] else f"{own}, so nothing comes back yet."
    if run.is_cut(t):
        return f"{own}. What step {t + 2} would send is cut off here."
    later = f"step {t + 2} sends {norm(run.carried[t])}"
    if not run.counted[t]:
        return f"{own}; only {later.replace('sends', 'sends a gradient of norm')}."
    return f"{own}, {later}: both add up, to {total}."


def _part(run, state, t):
    """What a step adds to the gradient of the chosen weight."""
    return f"It adds {number(run.chosen_parts(state['chosen'])[t])} to ∂L/∂{bracketed_place(state['chosen'])}."


def _past(run, t):
    return run.carried[t - 1] if t else run.initial[0][0]


def _rnn_backward(run, state, t):
    cut = run.is_cut(t - 1)
    sent = (
        f"nothing goes on to {at('h', t)}: cut off"
        if cut
        else f"then through Wh to {at('h', t)}, norm {norm(_past(run, t))}"
    )
    return (f"back through tanh, times 1 − h², {sent}. {_part(run, state, t)}",)


def _lstm_backward(run, state, t):
    c, gradients = at("c", t + 1), run.state_gradients
    to_c = gradients["from c"][t - 1] if t else run.initial[1][0]
    cut = run.is_cut(t - 1)
    direct = norm(gradients["from c"][t])
    came = f", and {direct} comes from {at('c', t + 2)}" if t < run.sequence.steps - 1 and not run.is_cut(t) else ""
    past = (
        "nothing goes on to the step before: cut off."
        if cut
        else f"times f it goes on to {at('c', t)}, norm {norm(to_c)}; through the gates and Wh to {at('h', t)}, norm "
        f"{norm(_past(run, t))}."
    )
    return (
        f"{at('h', t + 1)} hands it on to {c} through o and tanh{came}: norm {norm(gradients['c'][t])}.",
        f"{past} {_part(run, state, t)}",
    )


def _sum(run, state):
    parts = run.chosen_parts(state["chosen"])
    what = f"∂L/∂{bracketed_place(state['chosen'])}"
    terms = joined(map(number, parts)) if len(parts) <= 6 else f"the sum of {len(parts)} parts"
    text = f"{what} = {terms} = {number(parts.sum())}, as the same weight is used at every step."
    if run.window is None:
        return text
    return f"{text} Without the cut it would be {number(run.chosen_parts(state['chosen'], whole=True).sum())}."
