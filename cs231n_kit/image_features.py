"""What an image shows, in fewer numbers than pixels: a histogram of its hues, and one of its oriented gradients.

Both are worked out for many images at once   (lecture 02, and assignment 1's notebook `features`).
"""

import numpy as np

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue (ITU-R BT.601)
EPSILON = 1e-5  # keeps the features of a flat image from being 0 / 0
_AT_ONCE = 100  # images: their intermediate arrays stay in the processor's cache


def color_histograms_hsv(images, nbin=10):
    """The share of an image's pixels in each of `nbin` equal ranges of hue, for every image: (N, nbin) float32.

    images: (N, H, W, 3), red, green and blue from 0 to 255. Hue, in the HSV system, goes once around the circle of
    colours from 0, red, over green and blue towards 1, red again; pixels without a colour of their own count as red.
    """
    images = _checked(images, (3,))
    _check_count("nbin", nbin)
    return _in_parts(images, lambda part: _hue_histograms(part, nbin))


def hog_features(images, nbin=9, cell=8):
    """Histograms of oriented gradients of every image: (N, H // cell * W // cell * nbin) float32.

    images: (N, H, W, 1 or 3), intensities from 0 to 255; H and W are multiples of `cell`. Every pixel votes, with the
    length of its gradient, for one of `nbin` equal ranges of the gradient's direction from 0 to 180 degrees. The votes
    of each square of `cell` by `cell` pixels are added up. The order is cells row by row, and within a cell the ranges.
    All features of an image together are divided by sqrt(Σ v² + 1e-10), which makes their length 1.
    Gradients are I[i + 1] - I[i - 1], and 0 in the first and the last row or column, where one side is missing.

    After Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005, with one block.
    """
    images = _checked(images, (1, 3))
    _check_count("nbin", nbin)
    _check_count("cell", cell)
    height, width = images.shape[1:3]
    if height % cell or width % cell:
        raise ValueError(f"images of {height} x {width} pixels do not divide into cells of {cell} x {cell}")
    return _in_parts(images, lambda part: _hog(part, nbin, cell))


def _hue_histograms(images, nbin):
    red, green, blue = np.moveaxis(images.astype(np.float32), -1, 0)
    brightest = np.maximum(np.maximum(red, green), blue)
    chroma = brightest - np.minimum(np.minimum(red, green), blue)
    # Six times the hue, times chroma: whole numbers for whole intensities, so that the division is exact at all bounds.
    turned = np.where(
        brightest == red,
        green - blue,
        np.where(brightest == green, blue - red + 2 * chroma, red - green + 4 * chroma),
    )
    turned += 6 * chroma * (turned < 0)
    bins = (nbin * turned / np.maximum(6 * chroma, np.finfo(np.float32).tiny)).astype(np.intp)
    return _votes(bins.reshape(len(images), -1), nbin) / bins[0].size


def _hog(images, nbin, cell):
    grey = images[..., 0].astype(np.float32) if images.shape[-1] == 1 else images.astype(np.float32) @ LUMINANCE
    across, down = np.zeros_like(grey), np.zeros_like(grey)
    across[:, :, 1:-1] = grey[:, :, 2:] - grey[:, :, :-2]
    down[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    turn = np.arctan2(down, across) / np.float32(np.pi) % 1  # 0 and 1, two ends of the same line, are both 0
    orientation = np.minimum((nbin * turn).astype(np.intp), nbin - 1)
    rows, columns = (np.arange(n) // cell for n in grey.shape[1:])
    cells = rows[:, np.newaxis] * (columns[-1] + 1) + columns
    bins = (cells * nbin + orientation).reshape(len(images), -1)
    votes = _votes(bins, (cells[-1, -1] + 1) * nbin, np.hypot(across, down))
    return votes / np.sqrt((votes**2).sum(axis=1, keepdims=True) + EPSILON**2)


def _votes(bins, count, weights=None):
    """How many of each row of `bins` (N, P) are 0 .. count - 1, or the sums of their weights: (N, count)."""
    places = bins + count * np.arange(len(bins))[:, np.newaxis]
    weights = None if weights is None else weights.ravel()
    return np.bincount(places.ravel(), weights, minlength=len(bins) * count).reshape(len(bins), count)


def _in_parts(images, features):
    parts = [features(images[start : start + _AT_ONCE]) for start in range(0, len(images), _AT_ONCE)]
    return np.concatenate(parts).astype(np.float32)


def _checked(images, channels):
    images = np.asarray(images)
    if images.dtype.kind not in "uif":
        raise TypeError(f"images must hold numbers, not {images.dtype}")
    if images.ndim != 4 or images.shape[-1] not in channels or images.size == 0:
        wanted = " or ".join(str(n) for n in channels)
        raise ValueError(
            f"images must have the shape (N, H, W, {wanted}) with nothing empty, not {images.shape}"
            + ("; a single image is image[np.newaxis]" if images.ndim == 3 else "")
        )
    return images


def _check_count(name, value):
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
