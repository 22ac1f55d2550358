"""Colours and marker shapes of up to six classes, the same in the browser and in print."""

import numpy as np

# Told apart by all common kinds of colour vision; every class has its own shape besides.
COLORS = ("#1f5fae", "#f0a020", "#009e73", "#882255", "#66ccee", "#8c6d1f")
SHAPES = ("circle", "square", "triangle", "diamond", "star", "plus")
MATPLOTLIB_MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "star": "*", "plus": "P"}

# What a unit puts out over the plane and the sign of weights, told apart by all eyes as well: below 0, at 0, above 0.
NEGATIVE, ZERO, POSITIVE = "#2166ac", "#f7f7f7", "#b2401b"

# A cell's colour is white mixed with this much of its class's colour, at confidence 0 and at 1.
TINT = (0.2, 0.64)


def rgb(color):
    """``"#rrggbb"`` as float64 (3,) from 0 to 1."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def tinted(labels, confidence):
    """Colours of cells: labels (...) of 0 to 5, confidence (...) from 0 to 1 -> float64 (..., 3)."""
    strength = (TINT[0] + (TINT[1] - TINT[0]) * np.asarray(confidence))[..., None]
    colors = np.stack([rgb(color) for color in COLORS])
    return 1 - strength * (1 - colors[labels])
