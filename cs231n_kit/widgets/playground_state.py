"""The state of a network playground: data, network and training as a plain dictionary, checked, and as a string."""

from functools import partial

import numpy as np

from cs231n_kit import initialization
from cs231n_kit.networks import ELU, LeakyReLU, ReLU, Sigmoid, Tanh
from cs231n_kit.optimizers import RULES
from cs231n_kit.widgets import state_values
from cs231n_kit.widgets.playground_data import FEATURES, into_square, own_points, split
from cs231n_kit.widgets.playground_lessons import LESSONS
from cs231n_kit.widgets.presets import PRESETS, preset_points

OWN = "own"  # the preset of points that come from the user
ACTIVATIONS = {"relu": ReLU, "leaky_relu": LeakyReLU, "elu": ELU, "sigmoid": Sigmoid, "tanh": Tanh, "linear": None}
INITIALIZATIONS = {
    "he_normal": initialization.he_normal,
    "inverse_sqrt": initialization.inverse_sqrt,
    "xavier_uniform": initialization.xavier_uniform,
    "small_normal": initialization.small_normal,
    "large_normal": partial(initialization.small_normal, std=3.0),
    "zeros": initialization.zeros,
}
PACES = {"slow": 5, "medium": 100, "fast": float("inf")}  # updates a second
MOST_LAYERS, MOST_UNITS = 8, 16

RANGES = {
    "classes": (2, 6),
    "points_per_class": (5, 80),
    "noise": (0.0, 0.5),
    "seed": (0, 2**31 - 1),
    "network_seed": (0, 2**31 - 1),
    "test_share": (0.0, 0.8),
    "learning_rate": (1e-5, 100.0),
    "batch_size": (1, state_values.MAX_POINTS),
    "l1": (0.0, 1.0),
    "l2": (0.0, 1.0),
    "dropout": (0.0, 0.9),
}
WHOLE = ("classes", "points_per_class", "seed", "network_seed", "batch_size")
CHOICES = {
    "preset": (*PRESETS, OWN),
    "optimizer": tuple(RULES),
    "output_initialize": tuple(INITIALIZATIONS),
    "pace": tuple(PACES),
    "lesson": ("", *LESSONS),
}
LAYER = {"units": 8, "activation": "relu", "initialize": "he_normal"}
DEFAULTS = {
    "lesson": "",  # whose sentences are shown
    "preset": "spiral",
    "classes": 3,
    "points_per_class": 60,
    "noise": 0.03,
    "seed": 0,
    "test_share": 0.3,
    "features": ["x1", "x2"],
    "layers": [LAYER, LAYER],
    "output_initialize": "he_normal",
    "network_seed": 0,
    "dropout": 0.0,
    "l1": 0.0,
    "l2": 0.0,
    "learning_rate": 0.01,
    "batch_size": 32,
    "optimizer": "adam",
    "pace": "medium",
    "show_confidence": True,
}
DATA = ("points", "labels", "test")
GENERATING = ("preset", "classes", "points_per_class", "noise", "seed")  # a change of one of these draws new points


def lesson_settings(name):
    """All settings of a lesson, as a state without points."""
    return DEFAULTS | LESSONS[name].settings | {"lesson": name}


def complete_state(state):
    """Check a state and fill in what is missing.

    Args:
        state: a mapping with some of the keys of ``DEFAULTS``, and ``points`` (pairs inside [-1, 1]), ``labels`` (0
            to classes - 1) and ``test`` (True for points that are kept from training). Without points, those of
            the preset are drawn; without ``test``, a share of the points is. A layer is a dictionary with some of
            the keys of ``LAYER``, or its number of units.

    Returns:
        A new dictionary of plain Python values with every key.

    Raises:
        ValueError: an unknown key, or a value of the wrong type or out of range, named in the message.
    """
    _check_known("state", state, (*DEFAULTS, *DATA))
    full = {key: state.get(key, default) for key, default in DEFAULTS.items()}
    for key, ends in RANGES.items():
        digits = {"learning_rate": 6, "l1": 6, "l2": 6}.get(key, 3)
        whole = key in WHOLE
        full[key] = state_values.whole(key, full[key], *ends) if whole else _real(key, full[key], ends, digits)
    for key, choices in CHOICES.items():
        full[key] = state_values.choice(key, full[key], choices)
    full["show_confidence"] = state_values.flag("show_confidence", full["show_confidence"])
    full["features"] = _features(full["features"])
    full["layers"] = _layers(full["layers"])
    return full | _data(state, full)


def own_data(X, y, X_test, y_test):
    """A user's arrays (see ``NetworkPlayground``) as entries of a state; nothing without them."""
    if X is None and y is None and X_test is None and y_test is None:
        return {}
    if X is None or y is None or (X_test is None) != (y_test is None):
        raise ValueError("X and y belong together, and so do X_test and y_test, which need X and y")
    X, y = own_points(X, y)
    data = {"preset": OWN}
    if X_test is not None:
        X_test, y_test = own_points(X_test, y_test, "X_test and y_test")
        data["test"] = [False] * len(X) + [True] * len(X_test)
        X, y = np.concatenate([X, X_test]), np.concatenate([y, y_test])
    data |= {"points": into_square(X).round(3).tolist(), "labels": y.tolist()}
    return data | {"classes": max(2, int(y.max()) + 1)}


def preset_data(state):
    """The points, labels and split that a state's preset, share and seed stand for, as entries of a state."""
    points, labels = preset_points(*(state[key] for key in GENERATING))
    return {"points": points.tolist(), "labels": labels.tolist(), "test": _split(labels, state)}


def is_preset(state):
    """Whether the points are still those of the preset, none moved, added, removed or put into the other part."""
    return state["preset"] != OWN and preset_data(state) == {key: state[key] for key in DATA}


def state_to_string(state):
    """Pack a state into URL-safe characters: about 300, and 12 for each point unless all are the preset's."""
    packed = dict(state, layers=[list(layer.values()) for layer in state["layers"]])
    if is_preset(state):
        packed = {key: value for key, value in packed.items() if key not in DATA}
    else:
        packed["points"] = state_values.flat_points(state["points"])
        packed["labels"] = "".join(map(str, state["labels"]))
        packed["test"] = "".join(str(int(test)) for test in state["test"])
    return state_values.pack(packed)


def state_from_string(string):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    return state_values.unpack(string, _read, "network-playground")


def _read(packed):
    layers = packed.get("layers")
    if not isinstance(layers, list) or not all(isinstance(layer, list) and len(layer) == 3 for layer in layers):
        raise ValueError("layers are missing or damaged")
    state = dict(packed, layers=[dict(zip(LAYER, layer, strict=True)) for layer in layers])
    if "points" in packed:
        labels, test = packed.get("labels"), packed.get("test")
        if not isinstance(labels, str) or not isinstance(test, str) or not set(test) <= {"0", "1"}:
            raise ValueError("labels or the split are missing or damaged")
        state["points"] = state_values.points_from_flat(packed["points"])
        state["labels"] = [int(label) for label in labels]
        state["test"] = [part == "1" for part in test]
    return complete_state(state)


def _data(state, full):
    if ("points" in state) != ("labels" in state):
        raise ValueError("points and labels belong together: give both or neither")
    if "points" not in state:
        if full["preset"] == OWN:
            raise ValueError(f"the preset {OWN!r} needs points and labels")
        return preset_data(full)
    points = state_values.pairs(state["points"])
    labels = state_values.class_labels(state["labels"], len(points), full["classes"])
    test = [state_values.flag("each entry of test", entry) for entry in state.get("test", _split(labels, full))]
    if len(test) != len(points):
        raise ValueError(f"{len(points)} points need {len(points)} entries of test, got {len(test)}")
    return {"points": points, "labels": labels, "test": test}


def _split(labels, state):
    return split(labels, state["test_share"], state["seed"]).tolist()


def _real(key, value, ends, digits):
    return state_values.real(key, value, *ends, digits)


def _features(names):
    if isinstance(names, str) or not names:
        raise ValueError(f"features must be a list of at least one of {', '.join(FEATURES)}")
    names = [state_values.choice("each feature", name, tuple(FEATURES)) for name in names]
    return [name for name in FEATURES if name in names]


def _layers(layers):
    if not isinstance(layers, list | tuple):
        raise ValueError(f"layers must be a list of hidden layers, got {state_values.short(layers)}")
    if len(layers) > MOST_LAYERS:
        raise ValueError(f"at most {MOST_LAYERS} hidden layers, got {len(layers)}")
    return [_layer(layer) for layer in layers]


def _layer(layer):
    if not isinstance(layer, dict):
        layer = {"units": layer}
    _check_known("layer", layer, tuple(LAYER))
    layer = LAYER | layer
    return {
        "units": state_values.whole("units", layer["units"], 1, MOST_UNITS),
        "activation": state_values.choice("activation", layer["activation"], tuple(ACTIVATIONS)),
        "initialize": state_values.choice("initialize", layer["initialize"], tuple(INITIALIZATIONS)),
    }


def _check_known(what, entries, known):
    unknown = [key for key in entries if key not in known]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the {what} has {', '.join(known)}")
