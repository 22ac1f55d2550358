"""The state of a decision-boundary widget: a plain dictionary, checked, and short enough for a link."""

import base64
import binascii
import json
import math
import zlib
from numbers import Integral, Real

from cs231n_kit.widgets.presets import PRESETS, preset_points

METRICS = ("l1", "l2")
MAX_POINTS = 500
MAX_STRING = 20_000  # characters of a state string
MAX_JSON = 60_000  # bytes that a state string may unpack to

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
        full[key] = _whole(key, full[key], *RANGES[key])
    full["noise"] = _real("noise", full["noise"], *RANGES["noise"])
    full["preset"] = _choice("preset", full["preset"], tuple(PRESETS))
    full["metric"] = _choice("metric", full["metric"], METRICS)
    if full["show_confidence"] not in (True, False):
        raise ValueError(f"show_confidence must be True or False, got {full['show_confidence']!r}")
    full["show_confidence"] = bool(full["show_confidence"])
    if ("points" in state) != ("labels" in state):
        raise ValueError("points and labels belong together: give both or neither")
    if "points" in state:
        full["points"] = _points(state["points"])
        full["labels"] = _labels(state["labels"], len(full["points"]), full["classes"])
    else:
        points, labels = preset_points(*(full[key] for key in GENERATING))
        full["points"], full["labels"] = points.tolist(), labels.tolist()
    return full


def state_to_string(state):
    """Pack a state into URL-safe characters (about 10 for each point)."""
    packed = dict(state, points=[round(1000 * value) for point in state["points"] for value in point])
    packed["labels"] = "".join(map(str, state["labels"]))
    text = json.dumps(packed, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def state_from_string(string):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    refusal = "not a decision-boundary state string: "
    if len(string) > MAX_STRING:
        raise ValueError(f"{refusal}{len(string)} characters, at most {MAX_STRING} are read")
    try:
        data = base64.b64decode(string + "=" * (-len(string) % 4), altchars=b"-_", validate=True)
        unpack = zlib.decompressobj()
        text = unpack.decompress(data, MAX_JSON)
        if unpack.unconsumed_tail or not unpack.eof:
            raise ValueError("cut short, or too large")
        packed = json.loads(text)
        if not isinstance(packed, dict):
            raise ValueError("no dictionary inside")
        flat, labels = packed.get("points"), packed.get("labels")
        if not isinstance(flat, list) or len(flat) % 2 or not isinstance(labels, str):
            raise ValueError("points or labels are missing or damaged")
        flat = [_whole("points", value, -1000, 1000) / 1000 for value in flat]
        packed["points"] = [list(pair) for pair in zip(flat[::2], flat[1::2], strict=True)]
        packed["labels"] = [int(label) for label in labels]
        return complete_state(packed)
    except (ValueError, TypeError, binascii.Error, zlib.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{refusal}{error}") from None


def _whole(name, value, smallest, largest):
    if isinstance(value, bool) or not isinstance(value, Integral) or not smallest <= value <= largest:
        raise ValueError(f"{name} must be a whole number from {smallest} to {largest}, got {_short(value)}")
    return int(value)


def _real(name, value, smallest, largest):
    if isinstance(value, bool) or not isinstance(value, Real) or not smallest <= value <= largest:
        raise ValueError(f"{name} must be a number from {smallest:g} to {largest:g}, got {_short(value)}")
    return round(float(value), 3)


def _choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {_short(value)}")
    return value


def _points(points):
    points = [tuple(point) for point in points]
    if len(points) > MAX_POINTS:
        raise ValueError(f"at most {MAX_POINTS} points, got {len(points)}")
    if any(len(point) != 2 for point in points):
        raise ValueError("each point must be a pair (x, y)")
    if not all(math.isfinite(value) for point in points for value in point):
        raise ValueError("points must be finite numbers")
    return [[_real("each coordinate", value, -1, 1) for value in point] for point in points]


def _labels(labels, count, classes):
    labels = [_whole("each label", label, 0, classes - 1) for label in labels]
    if len(labels) != count:
        raise ValueError(f"{count} points need {count} labels, got {len(labels)}")
    return labels


def _short(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
