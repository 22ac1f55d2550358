"""Lecture 01: a hole that makes an image, a cell that sees a direction, and the rules people wrote to see with."""

from functools import cache

import numpy as np
from matplotlib.patches import Circle
from scipy.signal import fftconvolve
from skimage import draw as shapes
from skimage import feature, segmentation, transform

from cs231n_kit import image_transforms as transforms
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.explorations.rules import edges, gray
from cs231n_kit.plots import COLORS, RIGHT, WRONG, new_figure, show_image

PHOTONS = 3.0  # that a white pixel gets through a hole of one pixel's area


def camera_obscura(image, diameter, exposure=1, seed=0):
    """The image (H, W, 3) uint8 behind a hole, upside down, and the light that comes through.

    diameter: of the hole, in pixels of the image, each point of which it smears into a disc of that size.
    exposure: how long light is collected. Photons arrive at random (Poisson), so that little light is noisy.

    Returns the picture, brightened as if printed for viewing (uint8), and the expected photons of a white pixel.
    """
    size = int(np.ceil(diameter)) | 1
    offsets = np.arange(size) - size // 2
    disc = (np.hypot(*np.meshgrid(offsets, offsets)) <= diameter / 2).astype(float)
    disc /= disc.sum()
    pad = size // 2
    padded = np.pad(image / 255, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    smeared = fftconvolve(padded, disc[..., None], mode="valid", axes=(0, 1)).clip(0, 1)
    photons = PHOTONS * exposure * np.pi * (diameter / 2) ** 2
    arrived = np.random.default_rng(seed).poisson(smeared * photons)
    return (255 * (arrived / photons).clip(0, 1)).astype(np.uint8)[::-1, ::-1], photons


def explore_camera_obscura(image):
    """Change the hole of a dark room: small is sharp and dark, large is bright and blurred."""

    def draw(diameter, exposure):
        seen, photons = camera_obscura(image, diameter, exposure)
        figure, axes = new_figure(9.6, 3.4, 1, 3)
        show_image(axes[0], image, "outside")
        axes[1].add_patch(Circle((0, 0), 1, color="#333333"))
        axes[1].add_patch(Circle((0, 0), diameter / 16, color="#ffe08a"))
        axes[1].set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", xticks=[], yticks=[])
        axes[1].set_title("the hole in the wall", fontsize=10)
        axes[1].spines[:].set_visible(False)
        show_image(axes[2], seen, "on the wall inside, brightened")
        return figure, (
            f"A hole {diameter:.1f} pixels wide smears each point into a disc of that width; "
            f"a white pixel collects about <b>{photons:,.0f} photons</b>."
        )

    controls = {
        "diameter": slider("Width of the hole", 0.5, 15.0, 4.0, 0.5),
        "exposure": slider("Time", 1, 30, 2),
    }
    return Exploration(draw, controls, description="A cat outside, a hole, and the image on the wall of a dark room")


FIELD = 41  # pixels across the field of view of the simulated cell


def receptive_field(angle, wavelength=14.0):
    """A simple cell's weights (FIELD, FIELD): a Gabor function of sum 0 that likes bars at `angle` degrees.

    Daugman (1985) found that such functions fit cells like those that Hubel and Wiesel had heard.
    """
    line = np.arange(FIELD) - FIELD // 2
    x, y = np.meshgrid(line, -line)
    across = -x * np.sin(np.deg2rad(angle)) + y * np.cos(np.deg2rad(angle))
    weights = np.cos(2 * np.pi * across / wavelength) * np.exp(-(x**2 + y**2) / (2 * (FIELD / 6) ** 2))
    return weights - weights.mean()


def bar_of_light(angle, offset=0.0, width=6.0):
    """A bright bar (FIELD, FIELD), 0 to 1, through the centre moved by `offset` pixels across its direction."""
    line = np.arange(FIELD) - FIELD // 2
    x, y = np.meshgrid(line, -line)
    across = -x * np.sin(np.deg2rad(angle)) + y * np.cos(np.deg2rad(angle)) - offset
    return (0.5 + width / 2 - np.abs(across)).clip(0, 1)


def response(stimulus, weights):
    """What the cell answers: the weighted sum of the light, as a firing rate, which cannot fall below 0."""
    return max(0.0, float((stimulus * weights).sum()))


def explore_simple_cell():
    """Turn and shift a bar of light before a cell that likes one direction, and read its firing rate."""

    def draw(angle, offset, preferred):
        weights, stimulus = receptive_field(preferred), bar_of_light(angle, offset)
        best = response(bar_of_light(preferred), weights)
        angles = np.arange(0, 181, 5)
        tuning = [response(bar_of_light(each, offset), weights) / best for each in angles]
        answer = response(stimulus, weights) / best
        figure, axes = new_figure(9.6, 3.2, 1, 3, width_ratios=(1, 1, 1.7))
        show_image(axes[0], stimulus, "the cat sees")
        axes[1].imshow(weights, cmap="PuOr_r", vmin=-1, vmax=1)
        axes[1].set(xticks=[], yticks=[])
        axes[1].set_title("the cell's weights: orange\nlikes light, violet dislikes it", fontsize=10)
        axes[2].plot(angles, tuning, color=COLORS[0])
        axes[2].plot(angle, answer, "o", color=WRONG, markersize=10)
        axes[2].set(ylim=(-0.05, 1.1), xticks=range(0, 181, 45), xlabel="direction of the bar (degrees)")
        axes[2].set_ylabel("firing rate / best")
        axes[2].set_title("the cell answers", fontsize=10)
        axes[2].spines[["top", "right"]].set_visible(False)
        return figure, f"A bar at {angle}°, {offset:+d} pixels off the centre: <b>{answer:.0%}</b> of the best answer."

    controls = {
        "angle": slider("Turn the bar (°)", 0, 180, 30, 5),
        "offset": slider("Shift the bar", -12, 12, 0),
        "preferred": slider("The cell likes (°)", 0, 175, 45, 5),
    }
    return Exploration(draw, controls, description="A bar of light, a cell's weights, and its answer at each direction")


SIZE = 160


def blocks():
    """A picture (SIZE, SIZE, 3) uint8 of two blocks on a table, as vision by rules liked it."""
    picture = np.full((SIZE, SIZE, 3), 205, np.uint8)
    faces = (
        (((60, 20), (60, 70), (115, 70), (115, 20)), 120),
        (((60, 20), (42, 38), (42, 88), (60, 70)), 175),
        (((60, 70), (42, 88), (97, 88), (115, 70)), 80),
        (((85, 92), (85, 130), (135, 130), (135, 92)), 140),
        (((85, 92), (72, 104), (72, 142), (85, 130)), 185),
        (((85, 130), (72, 142), (122, 142), (135, 130)), 60),
    )
    for corners, brightness in faces:
        picture[shapes.polygon(*np.transpose(corners))] = brightness
    return picture


def straight_lines(image, shortest):
    """Line segments ((x, y), (x, y)) among an image's edges: the probabilistic Hough transform, a fixed seed."""
    return transform.probabilistic_hough_line(edges(image), threshold=8, line_length=shortest, line_gap=3, rng=0)


def explained_edges(image, lines):
    """The share of edge pixels that lie on one of the lines, within 2 pixels."""
    found = edges(image)
    near = np.zeros_like(found)
    for (x0, y0), (x1, y1) in lines:
        near[shapes.line(y0, x0, y1, x1)] = True
    distance = fftconvolve(near.astype(float), np.ones((5, 5)), mode="same") > 0.5
    return np.count_nonzero(found & distance) / max(1, np.count_nonzero(found))


def explore_blocks_world():
    """Find straight lines, the letters of vision by rules, in a picture of blocks or in a photograph."""
    pictures = {"blocks on a table": blocks(), "a cat": transforms.frame(transforms.cat(SIZE)[0])}

    def draw(picture, shortest):
        image = pictures[picture]
        lines = straight_lines(image, shortest)
        figure, axes = new_figure(9.6, 3.4, 1, 3)
        show_image(axes[0], image, picture)
        axes[1].imshow(~edges(image), cmap="gray")
        axes[1].set(xticks=[], yticks=[])
        axes[1].set_title("its edges", fontsize=10)
        axes[2].imshow(np.full((SIZE, SIZE), 255), cmap="gray", vmin=0, vmax=255)
        for (x0, y0), (x1, y1) in lines:
            axes[2].plot([x0, x1], [y0, y1], color=COLORS[0], linewidth=2)
        axes[2].set(xticks=[], yticks=[])
        axes[2].set_title(f"{len(lines)} straight lines", fontsize=10)
        return figure, f"The lines explain <b>{explained_edges(image, lines):.0%}</b> of the edges of {picture}."

    controls = {
        "picture": choice("Picture", list(pictures)),
        "shortest": slider("Shortest line (pixels)", 6, 40, 30),
    }
    return Exploration(draw, controls, description="A picture, its edges, and the straight lines in them")


def best_union(pieces, mask):
    """Which pieces (H, W) of labels to join to come nearest to a mask, and the overlap (IoU) reached.

    Pieces are joined if more than half of them lies inside.
    """
    inside = np.bincount(pieces.ravel(), mask.ravel()) / np.bincount(pieces.ravel())
    joined = inside[pieces] > 0.5
    return joined, np.count_nonzero(joined & mask) / np.count_nonzero(joined | mask)


def explore_segmentation():
    """Cut the cat's picture into pieces of similar colour (SLIC), then join them to a cat as well as possible."""
    image, outline = transforms.cat(SIZE)
    mask = outline > 0.5

    @cache
    def cut(count, compactness):
        return segmentation.slic(image, n_segments=count, compactness=compactness, start_label=0)

    def draw(count, compactness):
        pieces = cut(count, compactness)
        joined, overlap = best_union(pieces, mask)
        figure, axes = new_figure(9.6, 2.8, 1, 3)
        show_image(axes[0], image, "the photograph")
        bordered = segmentation.mark_boundaries(image, pieces, color=(1, 0.85, 0.1))
        show_image(axes[1], (255 * bordered).astype(np.uint8), f"{pieces.max() + 1} pieces of similar colour")
        shown = np.where(joined[..., None], image, 235).astype(np.uint8)
        show_image(axes[2], shown, "the pieces that are cat,\nif someone tells which")
        return figure, (
            f"Joined with the help of the true outline, the pieces overlap with the cat by <b>{overlap:.0%}</b>. "
            "Without a notion of a cat, nothing says which pieces to join."
        )

    controls = {
        "count": slider("Pieces", 2, 200, 40),
        "compactness": slider("Roundness", 1, 60, 10),
    }
    return Exploration(draw, controls, description="A cat cut into pieces of similar colour")


def turned(image, angle, zoom, brightness):
    """Turn by degrees, zoom and darken an image; returns it and the transform from the original's (x, y) to its own."""
    centre = np.array(image.shape[1::-1]) / 2 - 0.5
    rotation = transform.SimilarityTransform(rotation=np.deg2rad(angle), scale=zoom)
    there = (
        transform.SimilarityTransform(translation=-centre)
        + rotation
        + transform.SimilarityTransform(translation=centre)
    )
    moved = transform.warp(image, there.inverse, preserve_range=True, mode="edge")
    return (brightness * moved).clip(0, 255).astype(np.uint8), there


def sift(image):
    """SIFT's keypoints (K, 2) as (row, column), and descriptors (K, 128), of a colour image (Lowe 1999, 2004)."""
    detector = feature.SIFT(upsampling=1)
    detector.detect_and_extract(gray(image))
    return detector.keypoints, detector.descriptors


def explore_sift(image):
    """Find the same points in an image and in a turned, zoomed, darkened copy."""
    points, descriptors = sift(image)

    def draw(angle, zoom, brightness):
        copy, there = turned(image, angle, zoom, brightness)
        try:
            other_points, other_descriptors = sift(copy)
            pairs = feature.match_descriptors(descriptors, other_descriptors, max_ratio=0.8, cross_check=True)
        except RuntimeError:  # no keypoints at all
            other_points, pairs = np.empty((0, 2)), np.empty((0, 2), int)
        expected = there(points[pairs[:, 0], ::-1])
        found = other_points[pairs[:, 1], ::-1]
        right = np.linalg.norm(expected - found, axis=1) < 3 if len(pairs) else np.empty(0, bool)
        figure, ax = new_figure(9.6, 3.9)
        width = image.shape[1]
        ax.imshow(np.hstack([image, copy]))
        for (y, x), (to_x, to_y), is_right in zip(points[pairs[:, 0]], found, right, strict=True):
            color = RIGHT if is_right else WRONG
            ax.plot([x, to_x + width], [y, to_y], color=color, linewidth=0.8, alpha=0.8)
        ax.set(xticks=[], yticks=[])
        ax.set_title("matched points: green where they truly are the same, red where not", fontsize=10)
        return figure, (
            f"{len(points)} points in the photograph, {len(other_points)} in its copy; {len(pairs)} matched, "
            f"<b>{right.sum()} of them right</b>."
        )

    controls = {
        "angle": slider("Turn (°)", 0, 180, 30, 10),
        "zoom": slider("Zoom", 0.5, 2.0, 0.8, 0.1),
        "brightness": slider("Light", 0.2, 1.0, 0.7, 0.1),
    }
    return Exploration(draw, controls, description="Points of a photograph matched with points of its changed copy")
