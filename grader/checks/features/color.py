"""color_histogram_hsv."""

import colorsys

import numpy as np

from grader.check import Check, Mistake, Property


def _pixel(rng, turn):
    """An RGB value (3,) uint8 of about this hue."""
    color = colorsys.hsv_to_rgb(turn % 1, rng.uniform(0.4, 1), rng.uniform(0.4, 1))
    return np.rint(255 * np.array(color)).astype(np.uint8)


def _colored(rng, bins, nbin):
    """Pixels (len(bins), 3) with hues well inside of the ranges `bins` of `nbin`."""
    pixels = []
    for wanted in bins:
        turn = -1.0
        while not 0.05 < nbin * turn - wanted < 0.95:
            pixel = _pixel(rng, (wanted + rng.uniform(0.1, 0.9)) / nbin)
            turn = colorsys.rgb_to_hsv(*(pixel / 255))[0]
        pixels.append(pixel)
    return np.array(pixels)


def _image(rng, pixels, width):
    """The pixels in mixed order as an image with rows of this length."""
    return rng.permutation(pixels).reshape(-1, width, 3)


def _photograph(rng, shape, nbin, first=0, last=None):
    """An image of this shape whose hues lie in the ranges first .. last, in very different shares."""
    ranges = np.arange(first, nbin if last is None else last + 1)
    while True:
        bins = rng.choice(ranges, size=shape[0] * shape[1], p=rng.dirichlet(np.full(len(ranges), 0.7)))
        counts = np.bincount(bins, minlength=nbin)
        if (counts > 0).sum() >= 3 and len(set(counts[counts > 0])) >= 3 and np.ptp(counts[first : last or nbin]) > 3:
            return _image(rng, _colored(rng, bins, nbin), shape[1])


def _shares(rng):
    return [(_photograph(rng, (6, 9), 10),), (_photograph(rng, (8, 5), 10, 2, 7),), (_photograph(rng, (5, 12), 10),)]


def _other_numbers(rng):
    return [(_photograph(rng, (6, 8), nbin, 1, nbin - 2), nbin) for nbin in (7, 5, 13)]


def _reds(rng):
    """Pure reds, whose hue is 0, and reds a little towards blue, whose hue is nearly 1."""
    cases = []
    for pure, bluish, nbin in ((7, 12, 10), (11, 4, 30)):
        reds = np.array([(rng.integers(150, 256), low, low) for low in rng.integers(0, 90, size=pure)], np.uint8)
        others = rng.integers(nbin // 3, nbin - 1, size=30 - pure - bluish)
        colors = _colored(rng, [*others, *([nbin - 1] * bluish)], nbin)
        cases.append((_image(rng, np.concatenate([reds, colors]), 6), nbin))
    return cases


def _greys(rng):
    cases = []
    for count, nbin in ((13, 10), (4, 5)):
        greys = np.repeat(
            np.append(rng.integers(1, 255, size=count - 2), (0, 255)).astype(np.uint8)[:, None], 3, axis=1
        )
        colors = _colored(rng, rng.integers(1, nbin - 1, size=24 - count), nbin)
        cases.append((_image(rng, np.concatenate([greys, colors]), 4), nbin))
    return cases


_HUE = "hue = rgb_to_hsv(im / 255)[:, :, 0]"
_COUNT = "counts, _ = np.histogram(hue, bins=nbin, range=(0, 1))"
_RETURN = "return counts / counts.sum()"

COLOR_HISTOGRAM = Check(
    "color_histogram_hsv",
    (
        Property("The share of the pixels in each of 10 ranges of hue", 2, _shares, rtol=1e-5, atol=1e-6),
        Property("Another number of ranges", 1, _other_numbers, rtol=1e-5, atol=1e-6),
        Property("Pure red is hue 0; reds towards blue are at the other end", 0.5, _reds, rtol=1e-5, atol=1e-6),
        Property("Grey, black and white pixels count as hue 0", 0.5, _greys, rtol=1e-5, atol=1e-6),
    ),
    (
        Mistake(
            "counts",
            "These are numbers of pixels. A larger image has more of them and is no more colourful: take shares.",
            ((_RETURN, "return counts"),),
        ),
        Mistake(
            "density",
            "The values add up to the number of ranges, not to 1: this is a density, the share divided by the range's "
            "width.",
            ((_RETURN, "return nbin * counts / counts.sum()"),),
        ),
        Mistake(
            "largest is 1",
            "The values are divided by the largest of them. Shares add up to 1.",
            ((_RETURN, "return counts / counts.max()"),),
        ),
        Mistake(
            "length 1",
            "The values are divided by the length of the vector, as in HOG. Shares are asked for: they add up to 1.",
            ((_RETURN, "return counts / np.linalg.norm(counts)"),),
        ),
        Mistake(
            "divided by the number of values",
            "The values add up to a third: they are divided by height times width times 3. A pixel is one pixel.",
            ((_RETURN, "return counts / im.size"),),
        ),
        Mistake(
            "range of the image",
            "The ranges go from the smallest to the largest hue of this very image, so that every image has ranges of "
            "its own and they cannot be compared. Make them the same for all images: from 0 to 1.",
            ((_COUNT, "counts, _ = np.histogram(hue, bins=nbin)"),),
        ),
        Mistake(
            "ranges too wide",
            "All pixels fall into the first range. rgb_to_hsv gives hues between 0 and 1, not up to 255 or 360: look "
            "at the bounds of your ranges.",
            ((_COUNT, "counts, _ = np.histogram(hue, bins=nbin, range=(0, 255))"),),
        ),
        Mistake(
            "one range too few",
            "There is one range less than nbin. nbin ranges have nbin + 1 bounds.",
            ((_COUNT, "counts, _ = np.histogram(hue, bins=np.linspace(0, 1, nbin))"),),
        ),
        Mistake(
            "last range missing",
            "The last range is missing, the reds towards blue: the bounds end before 1.",
            ((_COUNT, "counts, _ = np.histogram(hue, bins=np.linspace(0, 1, nbin, endpoint=False))"),),
        ),
        Mistake(
            "nbin not used",
            "There are always 10 ranges: nbin has no effect.",
            ((_COUNT, "counts, _ = np.histogram(hue, bins=10, range=(0, 1))"),),
        ),
        Mistake(
            "saturation",
            "This is a histogram of the saturation, the second channel of HSV. The hue is asked for.",
            ((_HUE, "hue = rgb_to_hsv(im / 255)[:, :, 1]"),),
        ),
        Mistake(
            "value",
            "This is a histogram of the value (brightness), the last channel of HSV. The hue is asked for.",
            ((_HUE, "hue = rgb_to_hsv(im / 255)[:, :, 2]"),),
        ),
        Mistake(
            "all channels",
            "Hue, saturation and value are counted together. The hue alone is asked for: pick its channel.",
            ((_HUE, "hue = rgb_to_hsv(im / 255)"),),
        ),
        Mistake(
            "red instead of hue",
            "This is a histogram of the red channel. Convert the image to HSV first, then take the hue.",
            ((_HUE, "hue = im[:, :, 0] / 255"),),
        ),
        Mistake(
            "red and blue exchanged",
            "Red and blue are exchanged. The channels of these images are red, green, blue, in this order.",
            ((_HUE, "hue = rgb_to_hsv(im[:, :, ::-1] / 255)[:, :, 0]"),),
        ),
        Mistake(
            "first row only",
            "Only the pixels of the first row of the image are counted.",
            ((_HUE, "hue = rgb_to_hsv(im / 255)[0, :, 0]"),),
        ),
        Mistake(
            "hues reversed",
            "The ranges are in reversed order: the first one begins at hue 0.",
            ((_RETURN, "return counts[::-1] / counts.sum()"),),
        ),
        Mistake(
            "grey pixels left out",
            "Pixels without colour are left out. The text counts them as hue 0, which is what rgb_to_hsv gives.",
            ((_HUE, "hsv = rgb_to_hsv(im / 255)\n    hue = hsv[hsv[:, :, 1] > 0][:, 0]"),),
        ),
    ),
)
