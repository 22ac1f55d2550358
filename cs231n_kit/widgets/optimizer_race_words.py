"""What the race says of each optimizer in a sentence, and the largest rates at which steps do not grow on a bowl."""

import numpy as np

from cs231n_kit.widgets import circuit_words
from cs231n_kit.widgets.optimizer_race_state import TITLES

ARRIVED = 1e-3  # of the first loss above the minimum
ADAPTIVE = ("rmsprop", "adam")  # each step is about as long as the learning rate


def stable_rate(name, curvature, momentum=0.0):
    """The learning rate above which a rule's steps grow without end on a bowl of this largest curvature L.

    2 / L for "sgd", 2 (1 + μ) / L for "sgd_momentum" (Polyak, 1964), and 2 (1 + μ) / ((1 + 2μ) L) for "nesterov"; None
    for the others, which divide by the size of the gradient.
    """
    if name == "sgd":
        return 2 / curvature
    if name == "sgd_momentum":
        return 2 * (1 + momentum) / curvature
    if name == "nesterov":
        return 2 * (1 + momentum) / ((1 + 2 * momentum) * curvature)
    return None


def verdicts(race, surface, settings, lowest, center, reach, quadratic):
    """How each fared: a list of ``{"kind", "text", "step"}`` in the order of ``race.names``.

    ``kind`` is "left" (outside of the window at the end, from ``step`` on), "stopped" (nothing is defined where it
    went), "saddle", "arrived" (at ``step`` the loss above ``lowest`` was a thousandth of the first one) or "running".

    Args:
        settings: {name: its settings}. center, reach: the window that counts. quadratic: whether the surface is a bowl.
    """
    found = []
    for k, name in enumerate(race.names):
        path, losses = race.paths[k], race.losses[k]
        last = race.stopped[name][0] if name in race.stopped else len(path) - 1
        path, losses = path[: last + 1], losses[: last + 1]
        outside = np.abs(path - center).max(axis=1) > reach
        if outside.all():
            text = f"{TITLES[name]} starts outside of the surface's picture and stays there"
            found.append({"kind": "left", "step": 0, "text": text})
        elif outside[-1]:
            step = int(np.flatnonzero(~outside)[-1]) + 1
            text = _why_left(name, settings[name], race.rates[k], surface, path[:step], quadratic)
            text = f"{TITLES[name]} leaves the picture at step {step}: {text}"
            found.append({"kind": "left", "step": step, "text": text})
        elif name in race.stopped:
            text = f"{TITLES[name]} cannot go on from step {last}: {race.stopped[name][1]}"
            found.append({"kind": "stopped", "step": last, "text": text})
        else:
            found.append(_inside(TITLES[name], path, losses, lowest, surface))
    return found


def _why_left(name, own, rates, surface, path, quadratic):
    """The reason why it leaves, as far as curvature and step length tell; ``path`` is the part inside."""
    most = rates[: len(path)].max()
    if name in ADAPTIVE:
        return f"each of its steps is about as long as its learning rate, {number(most)}"
    curvatures = surface.curvatures(path)[:, 1]
    largest = np.nanmax(curvatures) if np.isfinite(curvatures).any() else np.nan
    limit = stable_rate(name, largest, own.get("momentum", 0.0)) if largest > 0 else None
    if limit is None:
        return "it follows the slope out of it"
    if most <= limit:
        return "it is carried out of it, though its rate is small enough for the curvature"
    if quadratic:
        return (
            f"with learning rate {number(most)} and curvature {number(largest)} it needs a rate below {number(limit)}"
        )
    return (
        f"the curvature on its way reaches {number(largest)}, and a bowl as curved as that needs a rate below "
        f"{number(limit)}, not {number(most)}"
    )


def _inside(title, path, losses, lowest, surface):
    """The verdict on one that is in the window at the end."""
    steps = len(path) - 1
    above = losses - lowest
    share = above[-1] / above[0] if above[0] > 0 else 0.0
    _, (gradient,) = surface.values_and_gradients(path[-1:])
    (curvatures,) = surface.curvatures(path[-1:])
    if np.linalg.norm(gradient) < 1e-3 and curvatures[0] < -1e-3 and share > ARRIVED:
        text = f"{title} stands at a saddle: no slope to follow, though the surface falls to two sides"
        return {"kind": "saddle", "step": steps, "text": text}
    arrivals = np.flatnonzero(above <= ARRIVED * above[0])
    moves = np.diff(path, axis=0)
    turns = int(((moves[1:] * moves[:-1]).sum(axis=1) < 0).sum())
    zigzag = f"; {turns} of its {steps} steps turn back" if steps > 3 and turns > steps / 3 else ""
    if len(arrivals) and share > 10 * ARRIVED:
        text = f"{title} is there at step {arrivals[0]} but does not stay: at the end {percent(share)} is left"
        return {"kind": "running", "step": int(arrivals[0]), "text": text + zigzag}
    if len(arrivals):
        text = f"{title} needs {arrivals[0]} steps for a thousandth of the first loss"
        return {"kind": "arrived", "step": int(arrivals[0]), "text": text + zigzag}
    text = f"{title} is on its way: {percent(share)} of the first loss is left"
    lengths = np.linalg.norm(moves, axis=1)
    if steps > 3 and 0 < lengths[-1] < 0.02 * lengths[0]:
        text += f", and its steps have shrunk to {percent(lengths[-1] / lengths[0])}"
    return {"kind": "running", "step": steps, "text": text + zigzag}


def number(value):
    """A number with three digits."""
    return circuit_words.number(float(f"{value:.3g}"))


def percent(share):
    """A share of any size as a short percentage."""
    return f"{number(100 * share)} %"
