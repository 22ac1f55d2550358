"""hog_feature.

Most properties compare the order of an image's features, so that whoever normalises them otherwise loses one point
only. Several ask for a single range, where directions play no part. Images have a margin of two pixels, so that they do
not tell one convention for gradients at the border from another.
"""

import numpy as np

from grader.check import Check, Mistake, Property

_LUMINANCE = np.array([0.299, 0.587, 0.114])


def _clear(im, nbin, cell, left=False):
    """Whether no direction lies on the bound of two ranges and no two features are alike.

    left: some gradients have to point exactly to the left, at 180 degrees; without it, none may.
    """
    grey = im.astype(float) @ _LUMINANCE if im.ndim == 3 else im.astype(float)
    slope = np.zeros(grey.shape, complex)
    slope[:, 1:-1] += grey[:, 2:] - grey[:, :-2]
    slope[1:-1] += 1j * (grey[2:] - grey[:-2])
    moved = slope[np.abs(slope) > 1e-9]
    place = np.angle(moved) / np.pi % 1 * nbin
    exact = moved.imag == 0
    if (np.abs(place - place.round())[~exact] < 1e-3).any() or (moved.real[exact] < 0).any() != left:
        return False
    place[exact] = 0
    weights = np.zeros((*grey.shape, nbin))
    weights[np.abs(slope) > 1e-9] = np.abs(moved)[:, None] * (place.astype(int)[:, None] == np.arange(nbin))
    rows, columns = (n // cell for n in grey.shape)
    votes = weights.reshape(rows, cell, columns, cell, nbin).sum(axis=(1, 3)).ravel()
    votes = np.sort(votes[votes > 0])
    return np.diff(votes).min() > 1e-5 * votes[-1]


def _framed(rng, shape, nbin=9, cell=8, base=0.0, whole=False, channels=0, falling=False):
    """An image whose two outermost rows and columns have intensity `base`; inside, it varies by up to 100.

    whole: of dtype uint8. channels: 3 for a colour image. falling: at the right margin gradients point to the left.
    """
    while True:
        inner = rng.uniform(-1, 1, size=(shape[0] - 4, shape[1] - 4, max(channels, 1)))
        inner[:, 0] = np.abs(inner[:, 0]) + 0.1
        inner[:, -1] = (1 if falling else -1) * (np.abs(inner[:, -1]) + 0.1)
        im = base + 100 * np.pad(inner, ((2, 2), (2, 2), (0, 0)))
        im = np.rint(im).astype(np.uint8) if whole else im
        im = im if channels else im[:, :, 0]
        if _clear(im, nbin, cell, left=falling):
            return im


def _one_cell(rng):
    return [(_framed(rng, (8, 8)),) for _ in range(3)]


def _several_cells(rng):
    return [(_framed(rng, (16, 16)),), (_framed(rng, (24, 24)),)]


def _lengths_alone(rng):
    return [(_framed(rng, shape, 1), 1) for shape in ((24, 24), (32, 32))]


# A single row of cells, and a single range: no order can be mistaken.


def _contrasts(rng):
    return [(contrast * _framed(rng, (8, 40), 1), 1) for contrast in (1, 0.02)]


def _colors(rng):
    return [(_framed(rng, (8, 96), 1, base=128, whole=True, channels=3), 1) for _ in range(2)]


def _whole_numbers(rng):
    return [(_framed(rng, (8, width), 1, base=128, whole=True), 1) for width in (64, 80)]


def _borders(rng):
    """Images without a margin. Their first and last rows rise, so that no gradient there points to the left."""
    cases = []
    for shape in ((8, 40), (8, 56)):
        im = np.zeros(shape)
        while not im.any() or not _clear(im, 1, 8):
            im = 100 * rng.normal(size=shape)
            im[[0, -1]] = np.sort(im[[0, -1]], axis=1)
        cases.append((im, 1))
    return cases


def _flat(rng):
    return [(np.full((8, 8), 70.0),), (_framed(rng, (8, 40), 1), 1), (np.full((8, 16, 3), 200, np.uint8),)]


def _other_sizes(rng):
    sizes = (((12, 16), 9, 4), ((16, 16), 5, 8), ((12, 18), 7, 6))
    return [(_framed(rng, shape, nbin, cell), nbin, cell) for shape, nbin, cell in sizes]


def _to_the_left(rng):
    return [(_framed(rng, shape, falling=True),) for shape in ((8, 8), (16, 16))]


_FLOAT = "grey = im.astype(float)"
_GREY = "grey = grey @ [0.299, 0.587, 0.114]"
_ACROSS = "gx[:, 1:-1] = grey[:, 2:] - grey[:, :-2]"
_DOWN = "gy[1:-1] = grey[2:] - grey[:-2]"
_STRENGTH = "strength = np.hypot(gx, gy)"
_ANGLE = "angle = np.degrees(np.arctan2(gy, gx)) % 180"
_BINS = "bins = np.floor(angle / 180 * nbin).astype(int) % nbin"
_SIZES = "rows, columns = grey.shape[0] // cell, grey.shape[1] // cell"
_FLATTEN = "feature = histograms.ravel()"
_NORMALISE = "return feature / np.sqrt(np.sum(feature**2) + 1e-10)"

_TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}  # right answers may compute in float32

_MISTAKES = (
    Mistake(
        "signed directions",
        "The ranges cover the full circle of 360 degrees. Opposite directions belong to the same line here: the ranges "
        "go from 0 to 180.",
        ((_ANGLE, "angle = np.degrees(np.arctan2(gy, gx)) % 360 / 2"),),
    ),
    Mistake(
        "absolute value of the angle",
        "Angles below 0 lose their sign, so that a line and its mirror image get the same angle. An opposite direction "
        "is 180 degrees away.",
        ((_ANGLE, "angle = np.abs(np.degrees(np.arctan2(gy, gx)))"),),
    ),
    Mistake(
        "one quadrant",
        "All angles lie between 0 and 90 degrees: the signs of both components are lost.",
        ((_ANGLE, "angle = np.degrees(np.arctan2(np.abs(gy), np.abs(gx)))"),),
    ),
    Mistake(
        "radians for degrees",
        "All votes go to the first range: the angles are in radians, the ranges in degrees.",
        ((_ANGLE, "angle = np.arctan2(gy, gx) % np.pi"),),
    ),
    Mistake(
        "components exchanged",
        "The two components of the gradient are exchanged: an angle of 0 should mean that the image changes from left "
        "to right. Which axis of the array is that, and which argument of arctan2 comes first?",
        ((_ANGLE, "angle = np.degrees(np.arctan2(gx, gy)) % 180"),),
    ),
    Mistake(
        "rows counted upwards",
        "The angle turns the other way. The second axis of the picture points downwards, as row numbers do.",
        ((_ANGLE, "angle = np.degrees(np.arctan2(-gy, gx)) % 180"),),
    ),
    Mistake(
        "along the edge",
        "This is the direction along the edge, at right angles to the gradient. The gradient's own is asked for.",
        ((_ANGLE, "angle = (np.degrees(np.arctan2(gy, gx)) + 90) % 180"),),
    ),
    Mistake(
        "rounded ranges",
        "The angles are rounded to the nearest bound. Range k goes from one bound to the next: cut off, do not round.",
        ((_BINS, "bins = np.round(angle / 180 * nbin).astype(int) % nbin"),),
    ),
    Mistake(
        "ranges too wide",
        "The ranges are 180 / (nbin - 1) degrees wide, and the last one gets nothing. How many do you need?",
        ((_BINS, "bins = np.floor(angle / 180 * (nbin - 1)).astype(int) % nbin"),),
    ),
    Mistake(
        "ranges shifted by one",
        "All ranges are shifted by one: angles from 0 on belong to the first, whose number is 0.",
        ((_BINS, "bins = (np.floor(angle / 180 * nbin).astype(int) + 1) % nbin"),),
    ),
    Mistake(
        "180 degrees in the last range",
        "A gradient that points exactly to the left has 180 degrees, which is the same line as 0. It belongs to the "
        "first range, not to the last.",
        (
            (_ANGLE, "angle = np.degrees(np.arctan2(gy, gx))\n    angle[angle < 0] += 180"),
            (_BINS, "bins = np.minimum(np.floor(angle / 180 * nbin).astype(int), nbin - 1)"),
        ),
    ),
    Mistake(
        "180 degrees nowhere",
        "A gradient that points exactly to the left, 180 degrees, is counted in no range. It is the same line as 0.",
        (
            (_ANGLE, "angle = np.degrees(np.arctan2(gy, gx))\n    angle[angle < 0] += 180"),
            (_STRENGTH, "strength = np.hypot(gx, gy) * ~((gy == 0) & (gx < 0))"),
        ),
    ),
    Mistake(
        "every pixel one vote",
        "Every pixel has one vote. Weigh it by the length of the gradient: flat regions have no direction to vote for.",
        ((_STRENGTH, "strength = np.ones_like(gx)"),),
    ),
    Mistake(
        "squared lengths",
        "The votes are squared lengths of the gradients: a root is missing.",
        ((_STRENGTH, "strength = gx**2 + gy**2"),),
    ),
    Mistake(
        "sum of the components",
        "The length of a vector is not the sum of its components' absolute values: think of Pythagoras.",
        ((_STRENGTH, "strength = np.abs(gx) + np.abs(gy)"),),
    ),
    Mistake(
        "forward differences",
        "The gradient is the difference of a pixel and its next neighbour. Take the neighbours on both sides.",
        (
            (_ACROSS, "gx[:, :-1] = grey[:, 1:] - grey[:, :-1]"),
            (_DOWN, "gy[:-1] = grey[1:] - grey[:-1]"),
        ),
    ),
    Mistake(
        "backward differences",
        "The gradient is the difference of a pixel and the one before. Take the neighbours on both sides.",
        (
            (_ACROSS, "gx[:, 1:] = grey[:, 1:] - grey[:, :-1]"),
            (_DOWN, "gy[1:] = grey[1:] - grey[:-1]"),
        ),
    ),
    Mistake(
        "Sobel",
        "This is Sobel's gradient, which averages over three rows or columns. The plain difference is asked for.",
        (
            (_ACROSS, "from scipy.ndimage import sobel\n\n    gx = sobel(grey, axis=1)"),
            (_DOWN, "gy = sobel(grey, axis=0)"),
        ),
    ),
    Mistake(
        "borders one-sided",
        "Inside of the image the gradient is right. In the first and last rows and columns, where a neighbour is "
        "missing, the text says 0, not a one-sided difference.",
        ((_DOWN, "gy, gx = np.gradient(grey)"),),
    ),
    Mistake(
        "bytes wrap around",
        "In uint8 the difference 10 - 20 is 246. Convert grey images to floating point before you subtract.",
        ((_FLOAT, "grey = im"),),
    ),
    Mistake(
        "mean of the channels",
        "Red, green and blue count alike in your grey image. The text weighs them, as the eye does.",
        ((_GREY, "grey = grey.mean(axis=2)"),),
    ),
    Mistake(
        "one channel",
        "Only the red channel is used. The grey image is made of all three.",
        ((_GREY, "grey = grey[:, :, 0]"),),
    ),
    Mistake(
        "brightest channel",
        "The grey image is the brightest channel of every pixel, the V of HSV. The text has a weighted sum.",
        ((_GREY, "grey = grey.max(axis=2)"),),
    ),
    Mistake(
        "weights reversed",
        "The weights of red and blue are exchanged: the channels are red, green, blue, in this order.",
        ((_GREY, "grey = grey @ [0.114, 0.587, 0.299]"),),
    ),
    Mistake(
        "cells column by column",
        "The cells come column by column. The text goes row by row, as one reads.",
        ((_FLATTEN, "feature = histograms.transpose(1, 0, 2).ravel()"),),
    ),
    Mistake(
        "directions first",
        "The order is by direction and then by cell. The nbin numbers of a cell should stand together.",
        ((_FLATTEN, "feature = histograms.transpose(2, 0, 1).ravel()"),),
    ),
    Mistake(
        "not a vector",
        "The values are right, but they come back in several axes. Make one row of numbers of them.",
        ((_FLATTEN, "feature = histograms"),),
    ),
    Mistake(
        "last cells forgotten",
        "The last row and the last column of cells stay zero: a range ends before its stop value.",
        (
            ("for r in range(rows):", "for r in range(max(1, rows - 1)):"),
            ("for c in range(columns):", "for c in range(max(1, columns - 1)):"),
        ),
    ),
    Mistake(
        "square images only",
        "The number of rows of cells is used for the columns too. Images need not be square.",
        ((_SIZES, "rows = columns = grey.shape[0] // cell"),),
    ),
    Mistake(
        "cells of 8 pixels always",
        "Cells are always 8 pixels wide: the argument cell has no effect.",
        ((_SIZES, f"cell = 8\n    {_SIZES}"),),
    ),
    Mistake(
        "nine ranges always",
        "There are always 9 ranges: the argument nbin has no effect.",
        ((_FLOAT, f"nbin = 9\n    {_FLOAT}"),),
    ),
    Mistake(
        "each cell for itself",
        "Every cell is normalised by itself, so that a faint cell counts as much as a strong one. Normalise all "
        "numbers of the image together.",
        (
            (
                _FLATTEN,
                "lengths = np.sqrt((histograms**2).sum(axis=2, keepdims=True) + 1e-10)\n"
                "    feature = (histograms / lengths).ravel()",
            ),
        ),
    ),
    Mistake(
        "not normalised",
        "The features are not normalised: with twice the contrast they double. Divide by their length.",
        ((_NORMALISE, "return feature"),),
    ),
    Mistake(
        "mean over the cell",
        "The features are means over the cells, and not normalised: with twice the contrast they double. Divide them "
        "by the length of the vector.",
        ((_NORMALISE, "return feature / cell**2"),),
    ),
    Mistake(
        "sum 1",
        "The features are divided by their sum. Divide them by their length, the root of the sum of their squares.",
        ((_NORMALISE, "return feature / (np.sum(feature) + 1e-10)"),),
    ),
    Mistake(
        "root missing",
        "The features are divided by the sum of their squares: the root is missing.",
        ((_NORMALISE, "return feature / (np.sum(feature**2) + 1e-10)"),),
    ),
    Mistake(
        "largest is 1",
        "The features are divided by the largest of them. Divide them by the length of the vector.",
        ((_NORMALISE, "return feature / (np.max(feature) + 1e-10)"),),
    ),
    Mistake(
        "zero divided by zero",
        "A flat image has no gradient anywhere, its features are 0 / 0. Keep the length from being 0, as the formula "
        "does.",
        ((_NORMALISE, "return feature / np.sqrt(np.sum(feature**2))"),),
    ),
)

HOG = Check(
    "hog_feature",
    (
        Property("One cell: the directions of its gradients, by their lengths", 2, _one_cell, "order", **_TOLERANCE),
        Property("Several cells: the nbin numbers of a cell together", 1, _several_cells, "order", **_TOLERANCE),
        Property("One range: the lengths of the gradients, row by row", 1.5, _lengths_alone, "order", **_TOLERANCE),
        Property("Normalised: the length of the vector is 1", 1, _contrasts, **_TOLERANCE),
        Property("Colour images", 1, _colors, "order", **_TOLERANCE),
        Property("Grey images of dtype uint8", 0.5, _whole_numbers, "order", **_TOLERANCE),
        Property("Other cells, another number of ranges", 0.5, _other_sizes, "order", **_TOLERANCE),
        Property("The first and the last row and column", 0.5, _borders, "order", **_TOLERANCE),
        Property("A gradient exactly to the left, 180 degrees", 0.5, _to_the_left, "order", **_TOLERANCE),
        Property("A flat image: zeros", 0.5, _flat, "order", **_TOLERANCE),
    ),
    _MISTAKES,
)
