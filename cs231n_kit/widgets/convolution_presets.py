"""Inputs, kernels and upstream gradients that the convolution playground offers by name, each in any size."""

from functools import cache

import numpy as np

DIGITS = 2  # decimals of every value that can be edited


def steps(channels, height, width):
    """Small whole numbers, the same each time: easy to add up by hand."""
    c, i, j = np.indices((channels, height, width))
    return ((3 * i + 5 * j + 7 * c + i * j) % 4 - (c == 1) * (j % 2)).astype(np.float64)


def ramp(channels, height, width):
    """1, 2, 3, ... row by row, through all channels."""
    return np.arange(1.0, channels * height * width + 1).reshape(channels, height, width)


def edge(channels, height, width):
    """Dark at the left, bright at the right."""
    image = np.zeros((channels, height, width))
    image[:, :, (width + 1) // 2 :] = 1
    return image


def square(channels, height, width):
    """A bright square on a dark ground."""
    image = np.zeros((channels, height, width))
    image[:, height // 4 : height - height // 4, width // 4 : width - width // 4] = 1
    return image


def impulse(channels, height, width):
    """One bright pixel: what comes out is the kernel itself, turned by half a turn."""
    image = np.zeros((channels, height, width))
    image[:, height // 2, width // 2] = 1
    return image


def digit(channels, height, width):
    """A handwritten three, the same in every channel (the digits that scikit-learn ships with)."""
    from sklearn.datasets import load_digits

    return image_as_input(load_digits().images[3] / 16, channels, height, width)


def cat(channels, height, width):
    """The face of a cat; one channel is the mean of red, green and blue."""
    return image_as_input(_cat(), channels, height, width)


@cache
def _cat():
    from cs231n_kit import image_transforms

    return image_transforms.frame(image_transforms.cat(300)[0]) / 255


def image_values(image):
    """An image (H, W), (H, W, 1) or (H, W, 3), uint8 or from 0 to 1, as floats (H, W) or (H, W, 3) from 0 to 1.

    Raises ValueError for anything else.
    """
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"image must have the shape (H, W), (H, W, 1) or (H, W, 3), not {image.shape}")
    if image.dtype == np.uint8:
        return image / 255
    if image.dtype.kind not in "fiub" or not (image.min() >= 0 and image.max() <= 1):
        raise ValueError("image must be uint8, or hold numbers from 0 to 1")
    return image.astype(np.float64)


def image_as_input(image, channels, height, width):
    """An image (H, W) or (H, W, 3), values from 0 to 1, as (channels, height, width), averaged over areas."""
    from skimage.transform import resize

    image = image if image.ndim == 3 else image[..., None]
    if channels == 1:
        image = image.mean(axis=2, keepdims=True)
    small = resize(image, (height, width), order=1, anti_aliasing=True)
    return np.moveaxis(small[..., np.arange(channels) % image.shape[2]], -1, 0).round(DIGITS)


INPUTS = {
    "numbers": steps,
    "ramp": ramp,
    "edge": edge,
    "square": square,
    "one pixel": impulse,
    "digit": digit,
    "cat": cat,
}
PICTURES = ("edge", "square", "one pixel", "digit", "cat", "your image")  # shown from black to white


def _across(size):
    """1, ..., 0, ..., -1 in so many steps."""
    return np.sign(np.linspace(1, -1, size).round(9)) if size > 1 else np.ones(1)


def _bell(size):
    """The binomial weights, which are near a Gaussian; their sum is 1."""
    weights = np.ones(1)
    for _ in range(size - 1):
        weights = np.convolve(weights, [0.5, 0.5])
    return weights


def _delta(size):
    kernel = np.zeros((size, size))
    kernel[size // 2, size // 2] = 1
    return kernel


def identity(size):
    """Copies the input."""
    return _delta(size)


def box(size):
    """The mean of the window."""
    return np.full((size, size), 1 / size**2)


def gaussian(size):
    """A mean that counts the middle most."""
    return np.outer(_bell(size), _bell(size))


def vertical_edges(size):
    """Prewitt's operator: the right side of the window less the left one."""
    return np.tile(-_across(size), (size, 1))


def horizontal_edges(size):
    """The lower side of the window less the upper one."""
    return vertical_edges(size).T


def outline(size):
    """The Laplacian: the middle times the number of its neighbours, less the neighbours."""
    return size**2 * _delta(size) - np.ones((size, size))


def sharpen(size):
    """The image plus its difference from the mean."""
    return 2 * _delta(size) - box(size)


def corner(size):
    """1, 2, 3, ...: tells every position of the window from the others."""
    return np.arange(1.0, size**2 + 1).reshape(size, size)


KERNELS = {
    "identity": identity,
    "box blur": box,
    "Gaussian blur": gaussian,
    "vertical edges": vertical_edges,
    "horizontal edges": horizontal_edges,
    "outline": outline,
    "sharpen": sharpen,
    "1, 2, 3, ...": corner,
    "mixed": None,
}


def kernel(name, channels, size):
    """The weights (channels, size, size) of a named filter, rounded.

    Every channel gets the same slice, divided by their number where it is an average or a copy (so that gray stays
    gray); "mixed" has small whole numbers, another slice for each channel.
    """
    if name == "mixed":
        c, i, j = np.indices((channels, size, size))
        return ((2 * i + j * j + 2 * c + i * j) % 3 - 1).astype(np.float64)
    plane = KERNELS[name](size)
    share = 1 if name in ("vertical edges", "horizontal edges", "outline", "1, 2, 3, ...") else channels
    return np.repeat(plane[None] / share, channels, axis=0).round(3)


def ones(*shape):
    """1 everywhere: the loss is the sum of all outputs."""
    return np.ones(shape)


def one_cell(*shape):
    """1 at one cell in the middle of the first map: the loss is that output."""
    gradient = np.zeros(shape)
    if gradient.size:
        gradient[0, (shape[1] - 1) // 2, (shape[2] - 1) // 2] = 1
    return gradient


def whole_numbers(*shape):
    """1, 2, 3, -1, 1, 2, ...: small numbers that can be told apart."""
    return np.resize([1.0, 2.0, 3.0, -1.0], shape)


UPSTREAMS = {"ones": ones, "one cell": one_cell, "whole numbers": whole_numbers}
