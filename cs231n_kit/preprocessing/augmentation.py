"""Altered copies of images that show the same thing: more training data for free.

Each function takes a batch of images and a random generator or seed, draws anew for every image, and returns a new
batch of the same type. ``channel_axis`` is -1 for images (N, H, W, C) and 1 for (N, C, H, W).
"""

import numpy as np

GREY = np.array([0.299, 0.587, 0.114])  # how bright red, green and blue look (ITU-R BT.601)


def random_flip(X, rng, probability: float = 0.5, channel_axis: int = -1):
    """Mirror images left to right, each with the given probability."""
    images = _images(X, channel_axis)
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must be between 0 and 1, not {probability!r}")
    chosen = np.random.default_rng(rng).random(len(images)) < probability
    flipped = np.where(chosen[:, None, None, None], images[:, :, ::-1], images)
    return _restored(flipped, channel_axis)


def random_crop(X, rng, padding: int = 4, size: tuple[int, int] | None = None, channel_axis: int = -1):
    """Cut a window at a random place out of each image, after adding ``padding`` zeros on all four sides.

    ``size`` is the window's (height, width); left out, that of the images, so that they move by up to ``padding``
    pixels. Zero is the mean where the data is centred first.
    """
    images = _images(X, channel_axis)
    if isinstance(padding, bool) or not isinstance(padding, int | np.integer) or padding < 0:
        raise ValueError(f"padding must be an integer of 0 or more, not {padding!r}")
    rng = np.random.default_rng(rng)
    padded = np.pad(images, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    height, width = images.shape[1:3] if size is None else size
    free = padded.shape[1] - height, padded.shape[2] - width
    if height < 1 or width < 1 or min(free) < 0:
        raise ValueError(f"size must fit into the padded images, {padded.shape[1:3]}, not be {(height, width)}")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    tops, lefts = (rng.integers(0, space + 1, len(images)) for space in free)
    return _restored(windows[np.arange(len(images)), tops, lefts].transpose(0, 2, 3, 1), channel_axis)


def color_jitter(
    X, rng, brightness: float = 0.2, contrast: float = 0.2, saturation: float = 0.2, channel_axis: int = -1
):
    """Change brightness, contrast and saturation of each RGB image by random factors, in this order.

    The factors are uniform in 1 ± brightness and so on, each between 0 and 1. Brightness scales the pixels, contrast
    scales the distance from the image's mean grey, saturation that from the pixel's own grey. Integer images are
    rounded and clipped to 0 to 255; floating images are taken as not centred yet, and not clipped.
    """
    images = _images(X, channel_axis)
    if images.shape[3] != 3:
        raise ValueError(
            f"X must hold images of 3 channels, red, green and blue, on axis {channel_axis}, not {X.shape}"
        )
    amounts = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    for name, amount in amounts.items():
        if not 0 <= amount <= 1:
            raise ValueError(f"{name} must be between 0 and 1, not {amount!r}")
    rng = np.random.default_rng(rng)
    bright, contrasted, saturated = (
        rng.uniform(1 - amount, 1 + amount, (len(images), 1, 1, 1)) for amount in amounts.values()
    )
    result = images * bright
    grey = (result @ GREY).mean(axis=(1, 2))[:, None, None, None]
    result = grey + contrasted * (result - grey)
    grey = (result @ GREY)[..., None]
    result = grey + saturated * (result - grey)
    if images.dtype.kind != "f":
        result = np.clip(np.rint(result), 0, 255)
    return _restored(result.astype(images.dtype), channel_axis)


def _images(X, channel_axis):
    """X as (N, H, W, C), a view."""
    X = np.asarray(X)
    if X.ndim != 4 or X.size == 0:
        raise ValueError(f"X must be a batch of images, four axes with nothing empty, not of shape {X.shape}")
    if X.dtype != np.uint8 and X.dtype.kind != "f":
        raise TypeError(f"X must hold uint8 or floating pixels, not {X.dtype}")
    if channel_axis not in (-1, 1, 3):
        raise ValueError(f"channel_axis must be -1 for (N, H, W, C) or 1 for (N, C, H, W), not {channel_axis!r}")
    return np.moveaxis(X, channel_axis, -1)


def _restored(images, channel_axis):
    return np.ascontiguousarray(np.moveaxis(images, -1, channel_axis))
