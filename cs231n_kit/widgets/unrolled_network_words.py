"""What an unrolled network says: a sentence for each moment, and the formula behind each number, written out."""

import numpy as np

from cs231n_kit.widgets.circuit_words import bracketed, number
from cs231n_kit.widgets.convolution_words import joined, product
from cs231n_kit.widgets.unrolled_network_pass import GATES
from cs231n_kit.widgets.unrolled_network_state import moments_of

GATE_NAMES = {"i": "input gate", "f": "forget gate", "o": "output gate", "g": "candidate"}
GATE_WORK = {
    "i": "how much of the candidate comes in",
    "f": "how much of the old cell state stays",
    "o": "how much of the cell state is shown as h",
    "g": "what may come into the cell state",
}


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


def _is_cut(run, t):
    """Whether gradients of step t + 1 (from 0) do not come to step t."""
    later = run.sequence.steps - t - 1
    return run.window is not None and later > 0 and later % run.window == 0


def _arrival(run, t):
    """What comes to h at a step: from its loss, and from the step after it."""
    h, total = at("h", t + 1), norm(run.state_gradients["h"][t])
    own = f"its loss sends {h} a gradient of norm {norm(run.own[t])}" if run.counted[t] else "no loss is counted here"
    if t == run.sequence.steps - 1:
        return f"{own}." if run.counted[t] else f"{own}, so nothing comes back yet."
    if _is_cut(run, t):
        return f"{own}. What step {t + 2} would send is cut off here."
    later = f"step {t + 2} sends {norm(run.carried[t])}"
    if not run.counted[t]:
        return f"{own}; only {later.replace('sends', 'sends a gradient of norm')}."
    return f"{own}, {later}: both add up, to {total}."


def _part(run, state, t):
    """What a step adds to the gradient of the chosen weight."""
    name, row, column = state["chosen"]
    part = np.atleast_2d(run.contributions(name)[t])[row, column]
    return f"It adds {number(part)} to ∂L/∂{bracketed_place(state['chosen'])}."


def _past(run, t):
    return run.carried[t - 1] if t else run.initial[0][0]


def _rnn_backward(run, state, t):
    cut = _is_cut(run, t - 1) if t else False
    sent = (
        f"nothing goes on to {at('h', t)}: cut off"
        if cut
        else f"then through Wh to {at('h', t)}, norm {norm(_past(run, t))}"
    )
    return (f"back through tanh, times 1 − h², {sent}. {_part(run, state, t)}",)


def _lstm_backward(run, state, t):
    c, gradients = at("c", t + 1), run.state_gradients
    to_c = gradients["from c"][t - 1] if t else run.initial[1][0]
    cut = _is_cut(run, t - 1) if t else False
    direct = norm(gradients["from c"][t])
    came = f", and {direct} comes from {at('c', t + 2)}" if t < run.sequence.steps - 1 and not _is_cut(run, t) else ""
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
    name, row, column = state["chosen"]
    parts = run.contributions(name)
    parts = parts[:, column] if parts.ndim == 2 else parts[:, row, column]
    what = f"∂L/∂{bracketed_place(state['chosen'])}"
    terms = joined(map(number, parts)) if len(parts) <= 6 else f"the sum of {len(parts)} parts"
    text = f"{what} = {terms} = {number(parts.sum())}, as the same weight is used at every step."
    if run.window is None:
        return text
    whole = run.contributions(name, whole=True)
    full = whole[:, column].sum() if whole.ndim == 2 else whole[:, row, column].sum()
    return f"{text} Without the cut it would be {number(full)}."


def tell(run, state, focus=None):
    """The formula behind a number, with its numbers.

    Args:
        focus: {"kind", "t" (from 1; 0 before the first step), "unit"}, or None for what the present moment computes.

    Returns:
        ``title``; ``lines``, each a list of pairs [text, weight or ""]; ``back``, a list of lines about its gradient,
        and the moments ``at`` and ``known`` from which on forward and backward lines hold; None without such a cell.
    """
    focus = focus or at_moment(run, state)
    kind, t, unit = focus["kind"], focus["t"] - 1, focus["unit"]
    H = len(run.weights["Wh"])
    sizes = {"x": 1, "y": run.sequence.outputs, "loss": 1, "h": H} | (
        dict.fromkeys("cifog", H) if run.cell == "lstm" else {}
    )
    least = -1 if kind in ("h", "c") else 0
    if kind not in sizes or not least <= t < run.sequence.steps or not 0 <= unit < sizes[kind]:
        return None
    if kind in ("x", "y", "loss"):
        return {"x": _tell_input, "y": _tell_output, "loss": _tell_loss}[kind](run, t, unit)
    if t < 0:
        return _story(f"{at(kind, 0)}[{unit}] = 0", [[["Before the first step there is nothing to remember.", ""]]])
    if kind == "c":
        return _tell_cell_state(run, t, unit)
    if kind == "h" and run.cell == "lstm":
        return _tell_hidden_state(run, t, unit)
    return _tell_sum(run, kind, t, unit)


def at_moment(run, state):
    """The first number that the present moment computes or sends back to."""
    when, step = moments_of(state), state["step"]
    T, (forward, backward) = run.sequence.steps, when.order
    names = {"gates": "i" if run.cell == "lstm" else "h"}
    if step == 0 or step == when.last:
        return {"kind": "x" if step == 0 else "h", "t": 1, "unit": 0}
    if step < when.back:
        t, moment = divmod(step - 1, len(forward))
        return {"kind": names.get(forward[moment], forward[moment]), "t": t + 1, "unit": 0}
    later, moment = divmod(step - when.back, len(backward))
    kind = "h" if backward[moment] == "y" else backward[moment]
    return {"kind": names.get(kind, kind), "t": T - later, "unit": 0}


def _story(title, lines, back=(), note=""):
    return {"title": title, "lines": lines, "back": list(back), "note": note}


def _tell_input(run, t, _unit):
    name, x = run.sequence.names[t], run.sequence.x[0, t]
    if not run.sequence.symbols:
        return _story(f"{at('x', t + 1)} = {name}", [[["A number of the sequence.", ""]]])
    code = ", ".join(f"{value:g}" for value in x)
    return _story(
        f"{at('x', t + 1)} = {name}, as ({code})",
        [
            [
                [f"One-hot: 1 at the place of {name}, so that {at('x', t + 1)} Wx is row {int(x.argmax())} of ", ""],
                ["Wx", "Wx"],
            ]
        ],
    )


def _sum_of(run, t, column):
    """The terms of x Wx + h Wh + b in a column, as pairs [text, weight]."""
    x, before = run.sequence.x[0, t], run.values("h", t - 1)
    Wx, Wh, b = (run.weights[name] for name in ("Wx", "Wh", "b"))
    used = [d for d in range(len(x)) if x[d] or not run.sequence.symbols]
    terms = joined(product(x[d], Wx[d, column]) for d in used)
    return [
        [terms, "Wx"],
        [" + ", ""],
        [joined(product(h, w) for h, w in zip(before, Wh[:, column], strict=True)), "Wh"],
        [" + ", ""],
        [bracketed(number(b[column])), "b"],
    ]


def _tell_sum(run, kind, t, unit):
    """A hidden unit of an RNN, or a unit of a gate: a sum through tanh or σ."""
    H = len(run.weights["Wh"])
    column = unit if kind == "h" else GATES.index(kind) * H + unit
    function = "tanh" if kind in "hg" else "σ"
    name = f"{at(kind, t + 1)}[{unit}]"
    value, slope = run.values(kind, t)[unit], run.state_gradients["a"][t][column]
    x, before = run.sequence.x[0, t], run.values("h", t - 1)
    a = x @ run.weights["Wx"][:, column] + before @ run.weights["Wh"][:, column] + run.weights["b"][column]
    factor = f"1 − {bracketed(number(value))}²" if function == "tanh" else f"{number(value)} · (1 − {number(value)})"
    lines = [
        [["= " + function + "(", ""], *_sum_of(run, t, column), [")", ""]],
        [[f"= {function}({number(a)}) = {number(value)}", ""]],
    ]
    title = f"{name} = {function}({at('x', t + 1)} Wx + {at('h', t)} Wh + b)[{column}]"
    if kind != "h":
        title = f"{name}, {GATE_NAMES[kind]}: {GATE_WORK[kind]}"
        lines.insert(0, [[f"{name} = {function}({at('x', t + 1)} Wx + {at('h', t)} Wh + b)[{column}]", ""]])
        return _story(title, lines, [f"Gradient of the sum inside {function}: {number(slope)}."])
    dh = run.state_gradients["h"][t][unit]
    back = [
        f"∂L/∂{name} = {_two_sources(run, t, unit)}",
        f"Through tanh: {number(dh)} · ({factor}) = {number(slope)}, of which each weight gets its own input's part.",
    ]
    return _story(title, lines, back)


def _two_sources(run, t, unit):
    """∂L/∂h of a unit as the sum of what its loss and the next step send."""
    own, later, total = run.own[t][unit], run.carried[t][unit], run.state_gradients["h"][t][unit]
    if t == run.sequence.steps - 1 or _is_cut(run, t):
        cut = "; the next step's is cut off" if _is_cut(run, t) else ""
        return f"{number(own)}, from the loss of step {t + 1}{cut}"
    sources = f"{number(own)} (from the loss of step {t + 1}) + {bracketed(number(later))} (from step {t + 2})"
    return f"{sources} = {number(total)}"


def _tell_cell_state(run, t, unit):
    c, old = at("c", t + 1), at("c", t)
    i, f, g, before = (run.values(kind, step)[unit] for kind, step in (("i", t), ("f", t), ("g", t), ("c", t - 1)))
    value, slope = run.values("c", t)[unit], run.state_gradients["c"][t][unit]
    on = (
        "the cut stops it here"
        if _is_cut(run, t - 1) and t
        else f"times f = {number(f)} it goes on to {old}: {number(slope * f)}"
    )
    return _story(
        f"{c}[{unit}] = f · {old} + i · g",
        [[[f"= {product(f, before)} + {product(i, g)} = {number(value)}", ""]]],
        [
            f"∂L/∂{c}[{unit}] = {number(slope)}; {on}.",
            "On this way from step to step there is no weight and no tanh, only the forget gate.",
        ],
    )


def _tell_hidden_state(run, t, unit):
    h, c = at("h", t + 1), at("c", t + 1)
    o, state, value = (run.values(kind, t)[unit] for kind in "och")
    return _story(
        f"{h}[{unit}] = o · tanh({c})",
        [[[f"= {number(o)} · tanh({number(state)}) = {number(value)}", ""]]],
        [f"∂L/∂{h}[{unit}] = {_two_sources(run, t, unit)}"],
    )


def _tell_output(run, t, unit):
    h, Wy, by = run.values("h", t), run.weights["Wy"][:, unit], run.weights["by"][unit]
    terms = [
        [joined(product(a, w) for a, w in zip(h, Wy, strict=True)), "Wy"],
        [" + ", ""],
        [bracketed(number(by)), "by"],
    ]
    score, value, slope = h @ Wy + by, run.outputs[t][unit], run.doutputs[t][unit]
    name = at("y", t + 1)
    back = ["No loss is counted at this step."] if not run.counted[t] else None
    if not run.sequence.symbols:
        back = back or [f"∂L/∂{name} = 2 ({number(value)} − {bracketed(run.sequence.names[t + 1])}) = {number(slope)}"]
        return _story(f"{name} = {at('h', t + 1)} Wy + by", [[["= ", ""], *terms, [f" = {number(value)}", ""]]], back)
    letter, wanted = run.sequence.symbols[unit], float(unit == run.sequence.targets[t])
    back = back or [f"∂L/∂score = p − {wanted:g} = {number(slope)}: p − 1 for the letter that comes, p for all others."]
    return _story(
        f"Probability of {'␣' if letter == ' ' else letter} after step {t + 1}",
        [
            [["score = ", ""], *terms, [f" = {number(score)}", ""]],
            [[f"p = exp(score) / sum of exp(score) of all letters = {number(value)}", ""]],
        ],
        back,
    )


def _tell_loss(run, t, _unit):
    target = run.sequence.names[t + 1]
    count = "A click leaves this loss out." if run.counted[t] else "It does not count; a click makes it count."
    if run.sequence.symbols:
        chance = run.outputs[t][run.sequence.targets[t]]
        line = f"−log p({target}) = −log {number(chance)} = {number(run.losses[t])}"
    else:
        line = f"(y − target)² = ({number(run.outputs[t][0])} − {bracketed(target)})² = {number(run.losses[t])}"
    return _story(f"Loss of step {t + 1}", [[[line, ""]]], [], count)
