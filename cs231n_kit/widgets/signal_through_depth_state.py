"""The state of ``SignalThroughDepth``: network, data and training as a plain dictionary, checked, and as a string."""

from cs231n_kit.widgets import state_values
from cs231n_kit.widgets.signal_data import GENERATED, INPUTS
from cs231n_kit.widgets.signal_lessons import LESSONS
from cs231n_kit.widgets.signal_network import ACTIVATIONS, INITIALIZATIONS, NORMALIZATIONS

PACES = {"slow": 3, "medium": 15, "fast": float("inf")}  # updates a second

WHOLE = {"depth": (1, 30), "width": (10, 500), "connections": (1, 500), "seed": (0, 2**31 - 1)}
REAL = {"scale": (1e-4, 10.0), "bias": (-1.0, 1.0), "learning_rate": (1e-4, 100.0)}
CHOICES = {
    "lesson": ("", *LESSONS),
    "activation": tuple(ACTIVATIONS),
    "initialize": tuple(INITIALIZATIONS),
    "normalization": tuple(NORMALIZATIONS),
    "inputs": tuple(INPUTS),
    "labels": ("data", "random"),
    "pace": tuple(PACES),
    "axis": ("shared", "own"),
}
DEFAULTS = {
    "lesson": "",  # whose sentences are shown
    "depth": 10,
    "width": 100,
    "activation": "tanh",
    "initialize": "inverse_sqrt",
    "scale": 0.01,  # of the weights, where the initialisation has one
    "connections": 10,  # of each unit, where the initialisation is sparse
    "bias": 0.0,
    "normalization": "none",
    "inputs": "gaussian",
    "labels": "data",
    "seed": 0,
    "learning_rate": 0.1,
    "pace": "medium",
    "axis": "shared",
}


def complete_state(state, own=None):
    """Check a state and fill in what is missing.

    Args:
        state: a mapping with some of the keys of ``DEFAULTS``.
        own: the user's data, (X, y) as ``signal_data.own_data`` returns it, or None.

    Returns:
        A new dictionary of plain Python values with every key.

    Raises:
        ValueError: an unknown key, a value of the wrong type or out of range, named in the message, or data that is
            not there.
    """
    unknown = [key for key in state if key not in DEFAULTS]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has {', '.join(DEFAULTS)}")
    full = DEFAULTS | own_defaults(own) | dict(state)
    for key, ends in WHOLE.items():
        full[key] = state_values.whole(key, full[key], *ends)
    for key, ends in REAL.items():
        full[key] = state_values.real(key, full[key], *ends, digits=6)
    for key, choices in CHOICES.items():
        full[key] = state_values.choice(key, full[key], choices)
    if own is None and full["inputs"] not in GENERATED:
        raise ValueError(f"inputs {full['inputs']!r} needs your data: SignalThroughDepth(X, y, ...)")
    if full["labels"] == "data" and full["inputs"] not in GENERATED and own[1] is None:
        raise ValueError("labels 'data' needs your labels: SignalThroughDepth(X, y, ...), or choose labels 'random'")
    return full


def own_defaults(own):
    """The entries that the user's data changes: it is shown, with random labels where it has none."""
    if own is None:
        return {}
    return {"inputs": "own", "labels": "data" if own[1] is not None else "random"}


def lesson_settings(name, own=None):
    """All settings of a lesson, as a state; on the user's data, unless the lesson is about other inputs."""
    return DEFAULTS | own_defaults(own) | LESSONS[name].settings | {"lesson": name}


def state_to_string(state):
    """Pack a state into URL-safe characters, about 200; the user's own data stays out of it."""
    return state_values.pack(state)


def state_from_string(string, own=None):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    return state_values.unpack(string, lambda state: complete_state(state, own), "signal-through-depth")
