"""Lecture 07: one image, altered in many ways that do not change what it shows."""

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.plots import new_figure, show_image
from cs231n_kit.preprocessing import color_jitter, random_crop, random_flip

ROWS, COLUMNS = 2, 6


def altered_copies(image, count, seed, flip=0.5, padding=4, brightness=0.0, contrast=0.0, saturation=0.0):
    """(count, H, W, C) uint8 copies of one image (H, W, C), each altered at random.

    flip: the probability of a mirror image. padding: by how many pixels a copy may move. brightness, contrast and
    saturation: by which share they may change; images without colours keep theirs.
    """
    rng = np.random.default_rng(seed)
    copies = random_flip(np.repeat(image[None], count, axis=0), rng, flip)
    copies = random_crop(copies, rng, padding)
    if image.shape[2] == 3:
        copies = color_jitter(copies, rng, brightness, contrast, saturation)
    return copies


def explore_augmentation(images, names):
    """Choose an image (N, H, W, C) and by how much its copies may differ; ``names`` are the images' classes."""
    flip, padding = 0.5 if images.shape[3] == 3 else 0.0, images.shape[1] // 8

    def draw(image, flip, padding, seed, light=0.0):
        copies = altered_copies(images[image], ROWS * COLUMNS - 1, seed, flip, padding, light, light, light)
        figure, axes = new_figure(8.6, 3.3, ROWS, COLUMNS)
        for ax, copy in zip(axes.flat, [images[image], *copies], strict=True):
            show_image(ax, copy)
        axes[0, 0].set_title("the image", fontsize=10)
        same = np.mean([np.array_equal(copy, images[image]) for copy in copies])
        middle = np.median([np.abs(copy.astype(float) - images[image]).mean() for copy in copies])
        return figure, (
            f"A <b>{names[image]}</b>, and {len(copies)} copies as training would see them. In the middle one, a pixel "
            f"differs by {middle:.0f} of 255. {same:.0%} of the copies equal the image."
        )

    controls = {
        "image": slider("Image", 0, len(images) - 1, 0),
        "flip": slider("Mirror with probability", 0.0, 1.0, flip, step=0.1),
        "padding": slider("Move by up to (pixels)", 0, images.shape[1] // 2, padding),
        "seed": slider("New copies", 0, 20, 0),
    }
    if images.shape[3] == 3:
        controls["light"] = slider("Light and colour ±", 0.0, 1.0, 0.0, step=0.1)
    return Exploration(draw, controls, description="An image and altered copies of it")
