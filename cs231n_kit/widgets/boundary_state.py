"""The state of a decision-boundary widget: a plain dictionary, checked, and short enough for a link."""

from cs231n_kit.widgets import state_values
from cs231n_kit.widgets.presets import PRESETS, preset_points

METRICS = ("l1", "l2")

# For whole and real numbers: the smallest and the largest value.
RANGES = {
    "classes": (2, 6),
    "points_per_class": (1, 80),
    "noise": (0.0, 0.5),
    "seed": (0, 2**31 - 1),
    "k": (1, 30),
}
DEFAULTS = {
    "preset": "blobs",
    "classes": 3,
    "points_per_class": 15,
    "noise": 0.15,
    "seed": 0,
    "k": 1,
    "metric": "l2",
    "show_confidence": True,
}
# A change of one of these draws new points.
GENERATING = ("preset", "classes", "points_per_class", "noise", "seed")


def complete_state(state):
    """Check a state and fill in what is missing.

    Args:
        state: a mapping with some of the keys of ``DEFAULTS``, ``points`` (pairs inside [-1, 1]) and
            ``labels`` (0 to classes - 1). Without points, those of the preset are drawn.

    Returns:
        A new dictionary of plain Python values with every key.

    Raises:
        ValueError: an unknown key, or a value of the wrong type or out of range, named in the message.
    """
    unknown = [key for key in state if key not in DEFAULTS and key not in ("points", "labels")]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has {', '.join(DEFAULTS)}, points, labels")
    full = {key: state.get(key, default) for key, default in DEFAULTS.items()}
    for key in ("classes", "points_per_class", "seed", "k"):
        full[key] = state_values.whole(key, full[key], *RANGES[key])
    full["noise"] = state_values.real("noise", full["noise"], *RANGES["noise"])
    full["preset"] = state_values.choice("preset", full["preset"], tuple(PRESETS))
    full["metric"] = state_values.choice("metric", full["metric"], METRICS)
    full["show_confidence"] = state_values.flag("show_confidence", full["show_confidence"])
    if ("points" in state) != ("labels" in state):
        raise ValueError("points and labels belong together: give both or neither")
    if "points" in state:
        full["points"] = state_values.pairs(state["points"])
        full["labels"] = state_values.class_labels(state["labels"], len(full["points"]), full["classes"])
    else:
        points, labels = preset_points(*(full[key] for key in GENERATING))
        full["points"], full["labels"] = points.tolist(), labels.tolist()
    return full


def state_to_string(state):
    """Pack a state into URL-safe characters (about 10 for each point)."""
    labels = "".join(map(str, state["labels"]))
    return state_values.pack(dict(state, points=state_values.flat_points(state["points"]), labels=labels))


def state_from_string(string):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    return state_values.unpack(string, _read, "decision-boundary")


def _read(packed):
    points, labels = state_values.points_from_flat(packed.get("points")), packed.get("labels")
    if not isinstance(labels, str):
        raise ValueError("labels are missing or damaged")
    return complete_state(dict(packed, points=points, labels=[int(label) for label in labels]))
