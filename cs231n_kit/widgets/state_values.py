"""What the states of widgets share: checks of their values, and strings short enough for a link."""

import base64
import json
import math
import zlib
from numbers import Integral, Real

MAX_POINTS = 500
MAX_STRING = 20_000  # characters of a state string
MAX_JSON = 60_000  # bytes that a state string may unpack to


def whole(name, value, smallest, largest):
    """value as an int. Raises ValueError naming it unless it is a whole number in the range."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not smallest <= value <= largest:
        raise ValueError(f"{name} must be a whole number from {smallest} to {largest}, got {short(value)}")
    return int(value)


def real(name, value, smallest, largest, digits=3):
    """value as a float, rounded to so many decimals. Raises ValueError naming it unless it is in the range."""
    if isinstance(value, bool) or not isinstance(value, Real) or not smallest <= value <= largest:
        raise ValueError(f"{name} must be a number from {smallest:g} to {largest:g}, got {short(value)}")
    return round(float(value), digits)


def choice(name, value, choices):
    """value, if it is one of the choices. Raises ValueError naming it otherwise."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {short(value)}")
    return value


def flag(name, value):
    """value as a bool. Raises ValueError naming it unless it is True or False."""
    if value not in (True, False):
        raise ValueError(f"{name} must be True or False, got {short(value)}")
    return bool(value)


def pairs(points):
    """points as a list of [x, y] inside the square [-1, 1] x [-1, 1]. Raises ValueError for anything else."""
    points = [tuple(point) for point in points]
    if len(points) > MAX_POINTS:
        raise ValueError(f"at most {MAX_POINTS} points, got {len(points)}")
    if any(len(point) != 2 for point in points):
        raise ValueError("each point must be a pair (x, y)")
    if not all(math.isfinite(value) for point in points for value in point):
        raise ValueError("points must be finite numbers")
    return [[real("each coordinate", value, -1, 1) for value in point] for point in points]


def class_labels(labels, count, classes):
    """labels as a list of so many ints from 0 to classes - 1. Raises ValueError for anything else."""
    labels = [whole("each label", label, 0, classes - 1) for label in labels]
    if len(labels) != count:
        raise ValueError(f"{count} points need {count} labels, got {len(labels)}")
    return labels


def short(value):
    """repr(value), cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def flat_points(points):
    """Points as one list of thousandths, which packs tightly."""
    return [round(1000 * value) for point in points for value in point]


def points_from_flat(flat):
    """What ``flat_points`` made, as a list of [x, y]. Raises ValueError for anything else."""
    if not isinstance(flat, list) or len(flat) % 2:
        raise ValueError("points are missing or damaged")
    flat = [whole("points", value, -1000, 1000) / 1000 for value in flat]
    return [list(pair) for pair in zip(flat[::2], flat[1::2], strict=True)]


def pack(values):
    """A dictionary of plain values in URL-safe characters."""
    text = json.dumps(values, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpack(string, read, kind):
    """``read(values)`` of what ``pack`` made.

    Raises ValueError, "not a {kind} state string: ...", for any other string and where ``read`` raises; nothing of
    a string is ever run, and it cannot unpack to more than ``MAX_JSON`` bytes.
    """
    refusal = f"not a {kind} state string: "
    if len(string) > MAX_STRING:
        raise ValueError(f"{refusal}{len(string)} characters, at most {MAX_STRING} are read")
    try:
        data = base64.b64decode(string + "=" * (-len(string) % 4), altchars=b"-_", validate=True)
        decompressor = zlib.decompressobj()
        text = decompressor.decompress(data, MAX_JSON)
        if decompressor.unconsumed_tail or not decompressor.eof:
            raise ValueError("cut short, or too large")
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("no dictionary inside")
        return read(values)
    except (ValueError, TypeError, zlib.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{refusal}{error}") from None
