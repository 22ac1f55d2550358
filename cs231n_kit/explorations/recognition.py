"""Lecture 01: recognition beyond one label: boxes, regions, a sentence, depth; on a made scene and on photographs."""

from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import numpy as np
from matplotlib.patches import Rectangle
from skimage import color, data, draw, feature, measure, segmentation

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.plots import COLORS, INK, new_figure, show_image

SIZE = 120  # side of the scene, pixels
PAINTS = {"red": (200, 50, 40), "green": (40, 150, 70), "blue": (50, 90, 200), "yellow": (235, 200, 40)}
KINDS = ("circle", "square", "triangle")


@dataclass(frozen=True)
class Thing:
    """An object of the scene: where it is (row, column, half its size) and how many pixels it moves between eyes."""

    kind: str
    paint: str
    row: int
    column: int
    half: int
    disparity: int


def make_things(seed):
    """Three objects of different paints side by side, each at a depth of its own."""
    rng = np.random.default_rng(seed)
    paints = rng.choice(list(PAINTS), 3, replace=False)
    depths = rng.permutation((4, 8, 12))
    return [
        Thing(
            str(rng.choice(KINDS)), str(paint), int(rng.integers(35, 85)), column, int(rng.integers(12, 17)), int(depth)
        )
        for paint, column, depth in zip(paints, (24, 60, 96), depths, strict=True)
    ]


def paint_scene(things, seed, eye=0):
    """The scene (120, 120, 3) uint8 as one eye sees it: eye 1 has everything moved left by its disparity."""
    rng = np.random.default_rng([seed, 1])
    image = 205 + 22 * rng.standard_normal((SIZE, SIZE, 1)) * np.ones(3)
    grain = 22 * rng.standard_normal((SIZE, SIZE + 20, 1))
    for thing in sorted(things, key=lambda thing: thing.disparity):  # near ones cover far ones
        shift = eye * thing.disparity
        rows, columns = _outline(thing, -shift)
        image[rows, columns] = np.array(PAINTS[thing.paint]) + grain[rows, columns + shift]
    return np.clip(image, 0, 255).astype(np.uint8)


def _outline(thing, shift):
    row, column, half = thing.row, thing.column + shift, thing.half
    if thing.kind == "circle":
        return draw.disk((row, column), half, shape=(SIZE, SIZE))
    if thing.kind == "square":
        return draw.rectangle((row - half, column - half), (row + half, column + half), shape=(SIZE, SIZE))
    return draw.polygon(
        (row - half, row + half, row + half), (column, column - half, column + half), shape=(SIZE, SIZE)
    )


@dataclass(frozen=True)
class Found:
    """A region that was found: what it is taken for, its box (top, left, bottom, right) and its pixels."""

    kind: str
    paint: str
    box: tuple
    mask: np.ndarray


def find_things(image):
    """Segment the image (H, W, 3) by paint, and name each region by its shape; from left to right."""
    colors = np.stack([np.full(3, 205.0), *map(np.array, PAINTS.values())])
    nearest = np.abs(image[..., None, :].astype(float) - colors).sum(axis=-1).argmin(axis=-1)
    found = []
    for index, paint in enumerate(PAINTS, start=1):
        for region in measure.regionprops(measure.label(nearest == index)):
            if region.area > 100:  # smaller ones are noise
                mask = np.zeros(nearest.shape, bool)
                mask[tuple(region.coords.T)] = True
                found.append(Found(_name_shape(region), paint, region.bbox, mask))
    return sorted(found, key=lambda each: each.box[1])


def _name_shape(region):
    """By the share of its box that it fills: 1 for a square, π/4 for a circle, 1/2 for a triangle."""
    ideal = {"square": 1.0, "circle": np.pi / 4, "triangle": 0.5}
    return min(ideal, key=lambda kind: abs(ideal[kind] - region.extent))


def estimate_disparity(left, right, largest=16, window=4):
    """By how many pixels each place of ``left`` has moved to the left in ``right``: the best match of small windows."""
    a, b = (image.astype(float).mean(axis=-1) for image in (left, right))
    costs = []
    for d in range(largest + 1):
        difference = np.abs(a - np.roll(b, d, axis=1))
        difference[:, :d] = 255
        sums = np.pad(difference, window, mode="edge").cumsum(axis=0).cumsum(axis=1)
        sums = np.pad(sums, ((1, 0), (1, 0)))
        k = 2 * window + 1
        costs.append(sums[k:, k:] - sums[:-k, k:] - sums[k:, :-k] + sums[:-k, :-k])
    return np.argmin(costs, axis=0)


def caption(found, disparity):
    """One sentence about what was found, from left to right, and what is nearest."""
    words = [f"a {each.paint} {each.kind}" for each in found]
    nearest = max(found, key=lambda each: np.median(disparity[each.mask]))
    listed = ", ".join(words[:-1]) + f" and {words[-1]}"
    return f"From left to right, {listed}; the {nearest.paint} {nearest.kind} is nearest."


def explore_scene():
    """Choose a scene and a task; the answers are computed from the pixels."""

    def draw_task(task, scene):
        things = make_things(scene)
        left, right = (paint_scene(things, scene, eye) for eye in (0, 1))
        found, disparity = find_things(left), estimate_disparity(left, right)
        figure, axes = new_figure(7.6, 3.9, 1, 2)
        show_image(axes[0], left, "the image")
        show_image(axes[1], left, task)
        answer = _ANSWERS[task](axes[1], found, disparity)
        right_kinds = sum(a.kind == b.kind and a.paint == b.paint for a, b in zip(things, found, strict=False))
        return figure, f"<b>{answer}</b><br>{right_kinds} of {len(things)} objects were recognised rightly."

    controls = {
        "task": widgets.Dropdown(description="Task", options=tuple(_ANSWERS)),
        "scene": slider("Scene", 1, 20, 2),
    }
    return Exploration(draw_task, controls, description="A scene of three objects, and what a program finds in it")


def _classify(ax, found, _disparity):
    largest = max(found, key=lambda each: each.mask.sum())
    ax.set_xlabel(largest.kind, fontsize=15)
    return f"One label for the whole image: {largest.kind}. The rest is lost."


def _detect(ax, found, _disparity):
    for each in found:
        top, left, bottom, right = each.box
        ax.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=INK, linewidth=2))
        ax.text(left, top - 2, each.kind, fontsize=9, va="bottom", color=INK)
    return f"What and where: {len(found)} boxes, each with a label."


def _segment(ax, found, _disparity):
    regions = np.full((SIZE, SIZE, 3), 235, np.uint8)
    for index, each in enumerate(found):
        regions[each.mask] = [int(COLORS[index][i : i + 2], 16) for i in (1, 3, 5)]
    show_image(ax, regions, "segmentation")
    return (
        f"A label for each of {SIZE * SIZE:,} pixels; {sum(each.mask.mean() for each in found):.0%} belong to objects."
    )


def _describe(ax, found, disparity):
    ax.set_xlabel("see below", fontsize=10)
    return caption(found, disparity)


def _depth(ax, _found, disparity):
    ax.imshow(disparity, cmap="viridis", vmin=0, vmax=14)
    ax.set_xlabel("brighter is nearer: pixels that it moves between two eyes", fontsize=9)
    return "From two views: what moves more when you change eyes is nearer."


_ANSWERS = {
    "classification": _classify,
    "detection": _detect,
    "segmentation": _segment,
    "captioning": _describe,
    "3-D": _depth,
}


@cache
def find_faces():
    """Boxes (top, left, bottom, right) of faces in ``skimage.data.astronaut()``, by a trained cascade of tests."""
    detector = feature.Cascade(data.lbp_frontal_face_cascade_filename())
    found = detector.detect_multi_scale(
        img=data.astronaut(), scale_factor=1.2, step_ratio=1, min_size=(60, 60), max_size=(180, 180)
    )
    return [(box["r"], box["c"], box["r"] + box["height"], box["c"] + box["width"]) for box in found]


def photograph_figure(scale=400):
    """A photograph, the face that a detector finds in it, and its regions by Felzenszwalb and Huttenlocher's method."""
    photograph = data.astronaut()
    figure, axes = new_figure(9.6, 3.6, 1, 3)
    show_image(axes[0], photograph, "a photograph")
    show_image(axes[1], photograph, "detection: a face")
    for top, left, bottom, right in find_faces():
        axes[1].add_patch(
            Rectangle((left, top), right - left, bottom - top, fill=False, color="#ffd400", linewidth=2.5)
        )
    regions = segmentation.felzenszwalb(photograph, scale=scale, sigma=0.8, min_size=200)
    mean = color.label2rgb(regions, photograph, kind="avg", bg_label=-1).astype(np.uint8)
    show_image(axes[2], mean, f"segmentation: {regions.max() + 1} regions")
    return figure
