"""What the measured numbers mean, in sentences."""

import math

MUCH = 0.3  # a share of flat outputs or stuck units that is worth a word
LOST, GROWN = 1e-2, 1e2  # factors between first and last layer beyond which a signal dies or explodes


def number(value):
    """Three digits at most: 0.63, 12, 1.2e-6."""
    if not math.isfinite(value):
        return "not a number"
    text = f"{value:.2g}" if abs(value) < 100 else f"{value:.3g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text


def times(ratio):
    """A ratio before what it refers to: "0.63 of", "6,030 times"."""
    if ratio < 1:
        return f"{number(ratio)} of"
    return f"{float(f'{ratio:.3g}'):,.0f} times" if 10 <= ratio < 1e6 else f"{number(ratio)} times"


def percent(share):
    text = f"{100 * share:.0f}"
    return f"{text} %" if text != "0" or not share else "under 1 %"


def diagnose(signal, state, step, trouble=""):
    """(tone, sentences) about a ``Signal``: "good", "fair" or "bad", and a list of sentences, most important first."""
    judged = [_forward(signal, state), _units(signal, state), _symmetry(signal), _backward(signal)]
    judged.append(_training(signal, step))
    found = [one for one in judged if one]
    if trouble:
        found.insert(0, ("bad", trouble))
    tones = [tone for tone, _ in found]
    worst = next((tone for tone in ("bad", "fair") if tone in tones), "good")
    return worst, [sentence for _, sentence in found]


def _forward(signal, state):
    """What becomes of the differences between inputs on the way forward."""
    layers = signal.layers
    broken = next((i for i, layer in enumerate(layers) if math.isnan(layer.std)), None)
    if broken is not None:
        before = layers[broken - 1]
        return "bad", (
            f"The numbers overflow: {_named(before)} still has a standard deviation of {number(before.std)}, and "
            f"{_named(layers[broken])} holds infinity or NaN, for 32-bit numbers end at 3.4e38. Nothing behind it can "
            "be computed, and no gradient comes back: make the weights smaller, the network shallower, or normalise."
        )
    first, last = layers[0], layers[-2]
    if first.spread and not last.spread:
        dead = next(layer for layer in layers[1:] if not layer.spread)
        return "bad", (
            f"From {_named(dead)} on all inputs give the same outputs: nothing of what came in is left, and the "
            "scores cannot depend on it."
        )
    if not first.spread:
        return "bad", "All inputs are the same: there is nothing to tell apart."
    ratio, deep = last.spread / first.spread, last.spread / layers[1].spread
    each = number(deep ** (1 / max(state["depth"] - 1, 1)))
    by = f"By {_named(last)} the differences between inputs are {times(ratio)} what came in"
    if deep < LOST:
        return "bad", f"{by}: the signal dies, each layer passing on about {each} of it."
    if deep > GROWN:
        return "bad", f"{by}: the signal explodes, each layer multiplying it by about {each}."
    if ratio < LOST or ratio > GROWN:
        change = "shrinks" if ratio < 1 else "blows up"
        return "fair", (
            f"{by}: layer 1 {change} them from {number(first.spread)} to {number(layers[1].spread)}, the others to "
            f"{number(last.spread)}."
        )
    if 0.1 <= ratio <= 10:
        return "good", f"{by}: the signal keeps its size."
    return "fair", f"{by}: the signal changes with every layer, and would not survive a much deeper network."


def _units(signal, state):
    """Saturated outputs and dead units."""
    hidden = [layer for layer in signal.layers[1:-1] if not math.isnan(layer.flat)]
    if not hidden:
        return None
    worst = max(hidden, key=lambda layer: (layer.stuck, layer.flat))
    if state["activation"] == "relu":
        if not worst.stuck:
            return "good", "No ReLU is dead: every unit fires for some input."
        share = percent(sum(layer.stuck for layer in hidden) / len(hidden))
        tone = "bad" if worst.stuck >= MUCH else "fair"
        where = (
            f", at worst {percent(worst.stuck)} in {_named(worst)}"
            if worst.stuck < 1
            else f", and in {_named(worst)} all: no gradient gets past it"
        )
        return tone, f"{share} of the ReLUs are dead: they put out 0 for every input{where}."
    worst = max(hidden, key=lambda layer: layer.flat)
    if worst.flat < MUCH:
        return None
    stuck = f", {percent(worst.stuck)} of its units for every input" if worst.stuck else ""
    return "bad" if worst.flat > 0.6 else "fair", (
        f"{percent(worst.flat)} of the outputs of {_named(worst)} are saturated{stuck}: the function is flat there, "
        "and they pass on hardly any gradient."
    )


def _symmetry(signal):
    """Units that are copies of each other."""
    hidden = signal.layers[1:-1]
    alike = [layer for layer in hidden if layer.distinct == 1]
    if not alike:
        return None
    units = signal.outputs[1].shape[1]
    where = "every hidden layer" if len(alike) == len(hidden) else f"{len(alike)} of {len(hidden)} hidden layers"
    return "bad", (
        f"The {units} units of {where} have the same weights: they put out the same, get the same gradients and stay "
        "copies of one unit however long one trains. Start from random weights."
    )


def _backward(signal):
    """What becomes of the gradient on its way from the scores to the first layer."""
    first, last = signal.layers[1], signal.layers[-1]
    if math.isnan(last.gradient_std):
        return None
    if math.isnan(first.gradient_std):
        return "bad", "The gradients overflow on their way back: the first layer gets no numbers to learn from."
    if not first.weight_gradient:
        return "bad", "The gradient of the first layer's weights is exactly 0: it will never change."
    if not last.gradient_std or not first.gradient_std:
        return None
    ratio = first.gradient_std / last.gradient_std
    weights = f"The gradient of the first layer's weights has the norm {number(first.weight_gradient)}."
    back = f"Gradients at the first layer are {times(ratio)} those at the scores"
    if ratio < LOST / 10:
        return "bad", f"{back}: they vanish on the way back. {weights}"
    if ratio > GROWN * 10:
        return "bad", f"{back}: they explode on the way back. {weights}"
    return "good", f"{back}."


def _training(signal, step):
    if not step or math.isnan(signal.loss):
        return None
    chance = math.log(signal.outputs[-1].shape[1])
    tone = "good" if signal.loss < 0.9 * chance else "fair"
    return tone, (
        f"After {step:,} steps the loss is {number(signal.loss)} (guessing: {number(chance)}) and "
        f"{percent(signal.accuracy)} of the examples are right."
    )


def _named(layer):
    return {"input": "the input", "scores": "the scores"}.get(layer.name, layer.name)
