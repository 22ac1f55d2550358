"""Point sets in the square [-1, 1] x [-1, 1] on which classifiers are shown.

Each preset turns fixed random numbers into points, and noise only scales those numbers: moving the noise
slider moves every point along a straight line instead of shuffling the picture.
"""

import numpy as np

MARGIN = 0.97  # no point lies closer to the edge than this, so that it can be grasped whole


def blobs(along, classes):
    """Round clusters on a circle (for two classes: left and right)."""
    angle = 2 * np.pi * np.arange(classes) / classes + np.pi * (1 / 2 if classes > 2 else 1)
    centres = 0.55 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.broadcast_to(centres[:, None, :], (*along.shape, 2))


def circles(along, classes):
    """One ring inside the other; the innermost class is label 0."""
    radius = np.linspace(0.25, 0.85, classes)[:, None]
    angle = 2 * np.pi * along
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def spiral(along, classes):
    """Arms that wind around the centre, the course's own example for data no line separates."""
    radius = 0.08 + 0.84 * along
    angle = 2 * np.pi * np.arange(classes)[:, None] / classes + 3.6 * along
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=-1)


def moons(along, classes):
    """Half circles, up and down in turn, each reaching into the next."""
    up = np.where(np.arange(classes) % 2 == 0, 1.0, -1.0)[:, None]
    x = np.arange(classes)[:, None] + np.cos(np.pi * along)
    y = up * (np.sin(np.pi * along) - 0.25)
    scale = 1.7 / (classes + 1)
    return np.stack([scale * (x - (classes - 1) / 2), 0.65 * y], axis=-1)


def xor(along, classes):
    """Opposite sectors share a class; two classes give the four quadrants of the exclusive or."""
    count = along.shape[1]
    opposite = np.arange(count) % 2
    radius = 0.25 + 0.6 * np.sqrt((np.arange(count) * 0.618034) % 1)
    spread = np.pi / classes
    angle = spread * (np.arange(classes)[:, None] + 0.12 + 0.76 * along) + np.pi * opposite
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


PRESETS = {"blobs": blobs, "circles": circles, "spiral": spiral, "moons": moons, "xor": xor}


def preset_points(preset, classes, points_per_class, noise, seed):
    """Draw the points of a preset.

    Args:
        preset: a name in ``PRESETS``.
        classes: number of classes C.
        points_per_class: number of points n of each class.
        noise: standard deviation of the Gaussian added to each coordinate, in plot units.
        seed: seed of the random numbers; the same arguments always give the same points.

    Returns:
        ``(points, labels)``: float64 (C * n, 2) inside the square, rounded to 3 decimals; int64 (C * n,).
    """
    rng = np.random.default_rng(seed)
    jitter = rng.uniform(0.25, 0.75, (classes, points_per_class))
    along = (np.arange(points_per_class) + jitter) / points_per_class  # even, yet not regular
    offsets = rng.standard_normal((classes, points_per_class, 2))
    points = PRESETS[preset](along, classes) + noise * offsets
    points = np.clip(points, -MARGIN, MARGIN).reshape(-1, 2).round(3)
    return points, np.repeat(np.arange(classes), points_per_class)
