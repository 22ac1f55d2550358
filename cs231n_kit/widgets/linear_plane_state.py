"""The state of the linear-classifier widget: points, the nine parameters and the training, checked, and as a string."""

import numpy as np

from cs231n_kit.widgets import state_values
from cs231n_kit.widgets.linear_plane_losses import LOSSES
from cs231n_kit.widgets.presets import PRESETS, preset_points

CLASSES = 3
MAX_POINTS = 100
LIMIT = 100.0  # of each parameter's size
CURVE = 400  # of the loss curve, the newest values are kept

RANGES = {
    "points_per_class": (1, MAX_POINTS // CLASSES),
    "noise": (0.0, 0.5),
    "seed": (0, 2**31 - 1),
    "weight_seed": (0, 2**31 - 1),
    "regularization": (0.0, 10.0),
    "learning_rate": (1e-4, 100.0),
}
DEFAULTS = {
    "preset": "blobs",
    "points_per_class": 4,
    "noise": 0.15,
    "seed": 0,
    "weight_seed": 0,
    "loss": "weston_watkins",
    "regularization": 0.03,
    "learning_rate": 0.1,
}
# A change of one of these draws new points; the weights' seed draws new parameters.
GENERATING = ("preset", "points_per_class", "noise", "seed")
POINTS, PARAMETERS = ("points", "labels"), ("W", "b")
KEYS = (*DEFAULTS, *POINTS, *PARAMETERS, "curve")


def complete_state(state):
    """Check a state and fill in what is missing.

    Args:
        state: a mapping with some of ``KEYS``: those of ``DEFAULTS``; ``points``, pairs inside [-1, 1], and their
            ``labels``, 0 to 2; ``W``, three rows of two numbers, and ``b``, three numbers; ``curve``, the losses of
            the latest steps. Without points, those of the preset are drawn; without W and b, random ones.

    Returns:
        A new dictionary of plain Python values with every key, ``classes`` among them, which is always 3.

    Raises:
        ValueError: an unknown key, or a value of the wrong type or out of range, named in the message.
    """
    unknown = [key for key in state if key not in KEYS and key != "classes"]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has {', '.join(KEYS)}")
    if state.get("classes", CLASSES) != CLASSES:
        raise ValueError(f"this widget has {CLASSES} classes, got {state['classes']!r}")
    full = {"classes": CLASSES} | {key: state.get(key, default) for key, default in DEFAULTS.items()}
    for key in ("points_per_class", "seed", "weight_seed"):
        full[key] = state_values.whole(key, full[key], *RANGES[key])
    for key in ("noise", "regularization", "learning_rate"):
        full[key] = state_values.real(key, full[key], *RANGES[key], digits=6)
    full["preset"] = state_values.choice("preset", full["preset"], tuple(PRESETS))
    full["loss"] = state_values.choice("loss", full["loss"], tuple(LOSSES))
    for pair in (POINTS, PARAMETERS):
        if (pair[0] in state) != (pair[1] in state):
            raise ValueError(f"{pair[0]} and {pair[1]} belong together: give both or neither")
    full |= _given_points(state) if "points" in state else _preset_points(full)
    full |= _given_parameters(state) if "W" in state else random_parameters(full["weight_seed"])
    full["curve"] = [_parameter("curve", value, 1e12) for value in list(state.get("curve", []))[-CURVE:]]
    return full


def random_parameters(seed):
    """W (3, 2) of the standard normal distribution and b = 0, as entries of a state."""
    W = np.random.default_rng(seed).standard_normal((CLASSES, 2))
    return {"W": W.round(4).tolist(), "b": [0.0] * CLASSES}


def state_to_string(state):
    """Pack a state, without its loss curve, into URL-safe characters (about 10 for each point)."""
    labels = "".join(map(str, state["labels"]))
    packed = {key: value for key, value in state.items() if key not in ("curve", "classes")}
    return state_values.pack(dict(packed, points=state_values.flat_points(state["points"]), labels=labels))


def state_from_string(string):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    return state_values.unpack(string, _read, "linear-classifier")


def _read(packed):
    points, labels = state_values.points_from_flat(packed.get("points")), packed.get("labels")
    if not isinstance(labels, str):
        raise ValueError("labels are missing or damaged")
    return complete_state(dict(packed, points=points, labels=[int(label) for label in labels]))


def _preset_points(full):
    shape = full["preset"], CLASSES, full["points_per_class"], full["noise"], full["seed"]
    points, labels = preset_points(*shape)
    return {"points": points.tolist(), "labels": labels.tolist()}


def _given_points(state):
    points = state_values.pairs(state["points"])
    if len(points) > MAX_POINTS:
        raise ValueError(f"at most {MAX_POINTS} points, got {len(points)}")
    return {"points": points, "labels": state_values.class_labels(state["labels"], len(points), CLASSES)}


def _given_parameters(state):
    W, b = [list(row) for row in state["W"]], list(state["b"])
    if [len(row) for row in W] != [2] * CLASSES or len(b) != CLASSES:
        raise ValueError(f"W must have {CLASSES} rows of 2 numbers, and b {CLASSES} numbers")
    W = [[_parameter(f"W[{c}, {i}]", value) for i, value in enumerate(row)] for c, row in enumerate(W)]
    return {"W": W, "b": [_parameter(f"b[{c}]", value) for c, value in enumerate(b)]}


def _parameter(name, value, limit=LIMIT):
    return state_values.real(name, value, -limit, limit, digits=9)
