"""An unrolled network as a picture that can be stepped through: squares, wires, bars, and when each is known."""

import numpy as np

from cs231n_kit.widgets import palette
from cs231n_kit.widgets.circuit_words import number
from cs231n_kit.widgets.unrolled_network_layout import Layout
from cs231n_kit.widgets.unrolled_network_pass import GATES
from cs231n_kit.widgets.unrolled_network_sequence import shown
from cs231n_kit.widgets.unrolled_network_state import NAMES, Moments
from cs231n_kit.widgets.unrolled_network_words import bracketed_place, moments

WEIGHT_RANGE = 2.0  # the weights whose colours are strongest; states have theirs at 1
ROWS = {"loss": "loss", "h": "hidden state h", "c": "cell state c", "gates": "gates", "x": "input x"}


def fill(value, limit=1.0):
    """The colour of a number, below 0, at 0 and above, and of the ink that can be read on it."""
    share = min(abs(float(value)) / limit, 1.0)
    color = palette.rgb(palette.ZERO) * (1 - share)
    color += palette.rgb(palette.NEGATIVE if value < 0 else palette.POSITIVE) * share
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    ink = "#ffffff" if linear @ (0.2126, 0.7152, 0.0722) < 0.179 else "#000000"
    return "#" + "".join(f"{round(255 * part):02x}" for part in color), ink


def short(value):
    """A number in at most five characters or so, for a square."""
    value = float(value)
    text = f"{value:.2f}" if abs(value) < 9.995 else f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0e}"
    text = "0" if value == 0 else text.removeprefix("-") if float(text) == 0 else text
    return text.replace("-", "−").replace("e+0", "e")


def tiny(value, digits=2):
    """A gradient in a few characters: one or two digits, powers of ten where it is small or large."""
    value = float(value)
    if value == 0 or not np.isfinite(value):
        return "0" if value == 0 else "∞"
    if 0.001 <= abs(value) < 9999.5:
        return (f"{value:.{digits}g}" if abs(value) < 99.5 else f"{value:.0f}").replace("-", "−")
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def describe(run, state):
    """Everything to draw, as plain values; ``run`` is a ``Pass`` of the state.

    Returns:
        ``width``, ``height``, ``last`` moment, ``sentences`` of all moments, ``rows`` (names), ``cells`` (of
        kind x, y, loss, h, c, i, f, o, g, with step ``t`` from 1, or 0 before the first, place, text, colours; known
        from moment ``at`` on, gradients from ``back`` on), ``wires`` (points, weight, moments, and ``flow`` of the
        gradient, 0 to 1), ``bars`` of the chosen weight's gradient from the height ``zero``, and their ``total``.
    """
    layout = Layout(run.cell, run.sequence.steps, state["hidden"], run.sequence.outputs)
    when = Moments(run.cell, run.sequence.steps)
    T = run.sequence.steps
    cells = [cell for t in range(-1, T) for cell in _units(run, layout, when, t)]
    cells += [cell for t in range(T) for cell in _outer(run, layout, when, t)]
    wires = [wire for t in range(T) for wire in _wires(run, layout, when, t)]
    return {
        "width": round(layout.width),
        "height": round(layout.height),
        "last": when.last,
        "sentences": moments(run, state),
        "rows": _names(run, state, layout),
        "cells": cells,
        "wires": wires,
        **_bars(run, state, layout, when),
        "loss": number(run.loss),
    }


def _names(run, state, layout):
    """The names of the rows at the left, and of the gates above them."""
    outputs = "p of the next letter" if run.sequence.symbols else "output y"
    texts = {**ROWS, "y": outputs, "bars": f"∂L/∂{bracketed_place(state['chosen'])}"}
    names = [{"text": text, "x": 6, "y": layout.tops[row] + 16} for row, text in texts.items() if row in layout.tops]
    for t in range(run.sequence.steps if run.cell == "lstm" else 0):
        boxes = [(kind, layout.unit(kind, t, 0)) for kind in GATES]
        names += [{"text": kind, "x": round(box.middle - 3, 1), "y": box.y - 6} for kind, box in boxes]
    return names


def _units(run, layout, when, t):
    """The squares of hidden state, cell state and gates at one step; the first two at -1 as well."""
    kinds = "h" if run.cell == "rnn" else "hc" + GATES * (t >= 0)
    for kind in kinds:
        moment = "gates" if kind in GATES else kind
        for unit, value in enumerate(run.values(kind, t)):
            known = {"at": when.forward(t, moment), "back": when.last + 1, "grad": ""}
            if t >= 0:
                known |= {
                    "back": when.backward(t, "y" if kind == "h" else moment),
                    "grad": tiny(run.state_gradients[kind][t][unit], 1 + (kind in "hc")),
                }
            elif kind == "h":
                known |= {"back": when.backward(0, "gates"), "grad": tiny(run.initial[0][0][unit])}
            yield _cell(kind, t, unit, layout.unit(kind, t, unit), value, **known)


def _outer(run, layout, when, t):
    """The input, the outputs and the loss of one step."""
    sequence, at, back = run.sequence, when.forward(t, "y"), when.backward(t, "y")
    box = layout.input(t)
    code = " ".join(f"{value:g}" for value in sequence.x[0, t]) if sequence.symbols else ""
    yield {
        **_place("x", t, 0, box),
        "text": sequence.names[t],
        "under": code,
        "at": 0,
        "back": when.last + 1,
        "grad": "",
    }
    for index, value in enumerate(run.outputs[t]):
        grad = tiny(run.doutputs[t][index]) if run.counted[t] else ""
        cell = _cell("y", t, index, layout.output(t, index), value, at=at, back=back, grad=grad)
        if sequence.symbols:
            symbol = sequence.symbols[index]
            cell |= {"letter": shown(symbol), "target": bool(index == sequence.targets[t])}
        yield cell
    wanted = f"next: {sequence.names[t + 1]}"
    counted = bool(run.counted[t])
    text = f"loss {number(run.losses[t])}" if counted else "no loss"
    yield {
        **_place("loss", t, 0, layout.loss(t)),
        **{"text": text, "under": wanted, "counted": counted, "at": at, "back": back, "grad": ""},
    }


def _cell(kind, t, unit, box, value, **more):
    color, ink = fill(value)
    return {**_place(kind, t, unit, box), "text": short(value), "fill": color, "ink": ink, **more}


def _place(kind, t, unit, box):
    x, y, width, height = (round(float(part), 1) for part in box)
    return {"kind": kind, "t": t + 1, "unit": unit, "x": x, "y": y, "width": width, "height": height}


def _wires(run, layout, when, t):
    """The ways into one step, with the strength of the gradient that goes back along each."""
    first = "h" if run.cell == "rnn" else "gates"
    leaves = when.backward(t, "gates")
    sent = {
        "Wy": (when.forward(t, "y"), when.backward(t, "y"), run.own[t]),
        "loss": (when.forward(t, "y"), when.backward(t, "y"), run.doutputs[t]),
        "Wx": (when.forward(t, first), leaves, run.parts[t].dx[0]),
        "Wh": (when.forward(t, first), leaves, run.carried[t - 1] if t else run.initial[0][0]),
    }
    if run.cell == "lstm":
        sent |= {
            "c": (when.forward(t, "c"), leaves, run.state_gradients["from c"][t - 1] if t else run.initial[1][0]),
            "gates": (when.forward(t, "c"), leaves, run.state_gradients["a"][t]),
            "out": (when.forward(t, "h"), when.backward(t, "c"), run.state_gradients["h"][t]),
        }
    sent |= {"b": sent["Wx"], "by": sent["Wy"]}
    cut = run.is_cut(t - 1)
    for kind, (points, tag, label) in layout.wires(t).items():
        at, back, gradient = sent[kind]
        size = float(np.linalg.norm(gradient))
        yield {
            "kind": kind,
            "t": t + 1,
            "points": [[round(float(x), 1), round(float(y), 1)] for x, y in points],
            "weight": kind if kind in NAMES else "",
            "tag": tag,
            "at": at,
            "back": back,
            "cut": bool(cut and kind in ("Wh", "c")),
            "flow": _flow(size),
            "size": None if label is None else {"text": tiny(size), "place": label},
        }


def _flow(size):
    """A gradient's norm as a part of the widest line: 1 from a norm of 1 on, 0 at 0.0001 and below."""
    if size <= 1e-4:
        return 0.0
    return round(float(min(1 + np.log10(min(size, 1.0)) / 4, 1)), 3)


def _bars(run, state, layout, when):
    """Each step's part of the chosen weight's gradient, what it would be without a cut, and both sums."""
    parts, whole = (run.chosen_parts(state["chosen"], every) for every in (False, True))
    moment = "y" if state["chosen"][0] in ("Wy", "by") else "gates"
    rows = [*zip(parts, whole, strict=True), (parts.sum(), whole.sum())]
    high, low = max(0.0, *np.ravel(rows)), min(0.0, *np.ravel(rows))
    top, room = layout.bar(0).y + 16, layout.bar(0).height - 32
    pixels = room / max(high - low, 1e-12)
    zero = top + pixels * high if high > low else top + room / 2
    bars = [
        {
            "t": t + 1,
            **dict(zip(("x", "y", "width", "height"), (round(float(part), 1) for part in layout.bar(t)), strict=True)),
            "part": round(float(part) * pixels, 2),
            "whole": round(float(full) * pixels, 2),
            "text": tiny(part),
            "back": when.last if t == len(parts) else when.backward(t, moment),
            "sum": t == len(parts),
        }
        for t, (part, full) in enumerate(rows)
    ]
    return {"bars": bars, "zero": round(float(zero), 1), "total": number(parts.sum())}
