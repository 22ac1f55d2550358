"""The formula behind each number of an unrolled network, written out with its numbers."""

import numpy as np

from cs231n_kit.widgets.circuit_words import bracketed, number
from cs231n_kit.widgets.convolution_words import joined, product
from cs231n_kit.widgets.unrolled_network_pass import GATES
from cs231n_kit.widgets.unrolled_network_sequence import shown
from cs231n_kit.widgets.unrolled_network_state import moments_of
from cs231n_kit.widgets.unrolled_network_words import at, bracketed_place

MOST_PARTS = 6  # of a gradient that are written out
GATE_NAMES = {"i": "input gate", "f": "forget gate", "o": "output gate", "g": "candidate"}
GATE_WORK = {
    "i": "how much of the candidate comes in",
    "f": "how much of the old cell state stays",
    "o": "how much of the cell state is shown as h",
    "g": "what may come into the cell state",
}


def tell(run, state, focus=None):
    """The formula behind a number, with its numbers.

    Args:
        focus: {"kind", "t" (from 1; 0 before the first step), "unit"}, or None for what the present moment computes.

    Returns:
        ``title``; ``lines``, each a list of pairs [text, weight or ""]; ``back``, lines about its gradient; ``note``,
        a remark or "". None without such a cell.
    """
    if focus is None and state["step"] == moments_of(state).last:
        return _tell_gradient(run, state)
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
    if step == 0:
        return {"kind": "x", "t": 1, "unit": 0}
    if step < when.back:
        t, moment = divmod(step - 1, len(forward))
        return {"kind": names.get(forward[moment], forward[moment]), "t": t + 1, "unit": 0}
    later, moment = divmod(step - when.back, len(backward))
    kind = "h" if backward[moment] == "y" else backward[moment]
    return {"kind": names.get(kind, kind), "t": T - later, "unit": 0}


def _story(title, lines, back=(), note=""):
    return {"title": title, "lines": lines, "back": list(back), "note": note}


def _tell_gradient(run, state):
    """How each step's part of the chosen weight's gradient is made; of many steps, the largest parts."""
    name, row, column = state["chosen"]
    outer = name in ("Wy", "by")
    slopes = run.doutputs[:, column] if outer else run.state_gradients["a"][:, column]
    parts = run.chosen_parts(state["chosen"])
    largest = sorted(np.argsort(-np.abs(parts), kind="stable")[:MOST_PARTS])
    lines = []
    for t in largest:
        given = {"Wx": run.sequence.x[0, t], "Wh": run.values("h", t - 1), "Wy": run.values("h", t)}.get(name)
        product_of = "" if given is None else f"{number(given[row])} · {bracketed(number(slopes[t]))} = "
        lines.append([[f"step {t + 1}: ", ""], [f"{product_of}{number(parts[t])}", name]])
    source = {"Wx": "x[{}]", "Wh": "h[{}] of the step before", "Wy": "h[{}]"}.get(name)
    top = "the score" if run.sequence.symbols else "the output"
    behind = top if outer else "the sum before σ or tanh" if run.cell == "lstm" else "the sum before tanh"
    what = f"what it was multiplied with, {source.format(row)}, times" if source else "just"
    rest = f" The {len(largest)} largest of {len(parts)} parts:" if len(parts) > len(largest) else ""
    intro = [[f"At each step the weight gets {what} the gradient of {behind}.{rest}", ""]]
    return _story(f"∂L/∂{bracketed_place(state['chosen'])} = {number(parts.sum())}", [intro, *lines])


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
    if t == run.sequence.steps - 1 or run.is_cut(t):
        cut = "; the next step's is cut off" if run.is_cut(t) else ""
        return f"{number(own)}, from the loss of step {t + 1}{cut}"
    sources = f"{number(own)} (from the loss of step {t + 1}) + {bracketed(number(later))} (from step {t + 2})"
    return f"{sources} = {number(total)}"


def _tell_cell_state(run, t, unit):
    c, old = at("c", t + 1), at("c", t)
    i, f, g, before = (run.values(kind, step)[unit] for kind, step in (("i", t), ("f", t), ("g", t), ("c", t - 1)))
    value, slope = run.values("c", t)[unit], run.state_gradients["c"][t][unit]
    on = (
        "the cut stops it here"
        if run.is_cut(t - 1)
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
        f"Probability of {shown(letter)} after step {t + 1}",
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
