"""The state of the regression widget: points, bins and what is shown, checked, and as a string."""

import numpy as np

from cs231n_kit.widgets import state_values

MAX_POINTS = 60
COUNT = 15  # of a preset's points
PRESETS = ("line", "outlier", "branches")
RANGES = {"noise": (0.0, 0.5), "seed": (0, 2**31 - 1), "bins": (2, 20)}
DEFAULTS = {"preset": "outlier", "noise": 0.06, "seed": 0, "bins": 10}
SHOWN = ("show_l2", "show_l1", "show_bins")
GENERATING = ("preset", "noise", "seed")  # a change of one of these draws new points
KEYS = (*DEFAULTS, *SHOWN, "points", "labels")


def preset_points(preset, noise, seed):
    """Points (15, 2) inside [-0.97, 0.97]², rounded to 3 decimals.

    "line": about a rising line. "outlier": the same, but one lies far below. "branches": two answers for
    every x, one high and one low, as where a picture can be read in two ways.
    """
    rng = np.random.default_rng(seed)
    x = np.linspace(-0.9, 0.9, COUNT) + rng.uniform(-0.04, 0.04, COUNT)
    y = 0.45 * x + 0.25 + noise * rng.standard_normal(COUNT)
    if preset == "outlier":
        y[-3] = -0.85
    if preset == "branches":
        y = np.where(np.arange(COUNT) % 3 == 0, -0.55, 0.5) + noise * rng.standard_normal(COUNT)
    return np.clip(np.column_stack([x, y]), -0.97, 0.97).round(3)


def complete_state(state):
    """Check a state and fill in what is missing.

    Args:
        state: a mapping with some of ``KEYS``. ``points`` are pairs inside [-1, 1]; ``labels`` one 0 for each, since
            all points are of one kind. Without points, those of the preset are drawn.

    Returns:
        A new dictionary of plain Python values with every key, ``classes`` among them, which is always 1.

    Raises:
        ValueError: an unknown key, or a value of the wrong type or out of range, named in the message.
    """
    unknown = [key for key in state if key not in KEYS and key != "classes"]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has {', '.join(KEYS)}")
    full = {"classes": 1} | {key: state.get(key, default) for key, default in DEFAULTS.items()}
    full["preset"] = state_values.choice("preset", full["preset"], PRESETS)
    full["noise"] = state_values.real("noise", full["noise"], *RANGES["noise"])
    for key in ("seed", "bins"):
        full[key] = state_values.whole(key, full[key], *RANGES[key])
    for key in SHOWN:
        full[key] = state_values.flag(key, state.get(key, True))
    if "points" in state:
        full["points"] = state_values.pairs(state["points"])
        if len(full["points"]) > MAX_POINTS:
            raise ValueError(f"at most {MAX_POINTS} points, got {len(full['points'])}")
    else:
        full["points"] = preset_points(full["preset"], full["noise"], full["seed"]).tolist()
    full["labels"] = [0] * len(full["points"])
    if "points" in state and "labels" in state:
        full["labels"] = state_values.class_labels(state["labels"], len(full["points"]), 1)
    return full


def without_drawn(state, entries):
    """The state without its points, where the new entries bring others or draw them."""
    drawn = "points" in entries or any(key in entries and entries[key] != state.get(key) for key in GENERATING)
    return {key: value for key, value in state.items() if not (drawn and key in ("points", "labels"))}


def state_to_string(state):
    """Pack a state into URL-safe characters (about 8 for each point)."""
    packed = {key: value for key, value in state.items() if key not in ("labels", "classes")}
    return state_values.pack(dict(packed, points=state_values.flat_points(state["points"])))


def state_from_string(string):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""

    def read(packed):
        return complete_state(dict(packed, points=state_values.points_from_flat(packed.get("points"))))

    return state_values.unpack(string, read, "regression")
