"""Lecture 02: an image is a table of numbers, and what leaves the object alone changes nearly all of them."""

from functools import cache

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cs231n_kit import image_transforms as transforms
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, draw_bars, new_figure, show_image, write_numbers

SEEN, STORED = 200, 32
CHANNELS = ("red", "green", "blue")


def explore_pixels(image):
    """Move a window over an image (H, W, 3) uint8 and read the numbers under it."""
    height, width = image.shape[:2]

    def draw(column, row, cells, channel):
        left, top = min(column, width - cells), min(row, height - cells)
        patch = image[top : top + cells, left : left + cells]
        figure, axes = new_figure(9.6, 3.5, 1, 3)
        show_image(axes[0], image, f"{height} × {width} × 3 = {image.size:,} numbers")
        axes[0].add_patch(Rectangle((left - 0.5, top - 0.5), cells, cells, fill=False, color="red", linewidth=2))
        show_image(axes[1], patch, f"the red square: {cells} × {cells} pixels")
        write_numbers(axes[2], patch[..., channel], title=f"its {CHANNELS[channel]} values, 0 to 255")
        return figure, (
            f"Top left pixel of the square, row {top}, column {left}: "
            f"red, green, blue = <b>{', '.join(str(value) for value in patch[0, 0])}</b>."
        )

    controls = {
        "column": slider("Column", 0, width - 1, width // 6),
        "row": slider("Row", 0, height - 1, 3 * height // 10),
        "cells": slider("Pixels across", 4, 16, 10),
        "channel": choice("Colour channel", [(name, i) for i, name in enumerate(CHANNELS)]),
    }
    return Exploration(draw, controls, description="A photograph, an enlarged part of it, and its pixel values")


def changed_cat(turn=0, roll=0, zoom=1.0, brightness=1.0, side=0.0, bend=0.0, hidden=0.0, background=None):
    """Return the cat (SEEN, SEEN, 3) uint8 with the scene changed; the defaults give the original photograph."""
    image, mask = transforms.cat(SEEN)
    if background is not None:
        image = transforms.clutter(image, mask, background, amount=1.0)
    image = transforms.deform(image, bend)
    image = transforms.change_viewpoint(image, turn, roll, zoom)
    image = transforms.occlude(image, hidden)
    return transforms.illuminate(transforms.frame(image), brightness, side)


def nearest_of_other_classes(images, labels, class_names, own_class, count=3):
    """Find, in other classes than the cat's, the images nearest to the cat photograph: {class name: image}.

    images: (N, 32, 32, 3) uint8; at most one image of each class, the nearest first.
    """
    target = transforms.resize(changed_cat(), STORED).astype(float)
    distances = np.linalg.norm((images.astype(np.float32) - target).reshape(len(images), -1), axis=1)
    found = {}
    for index in distances.argsort(kind="stable"):
        if labels[index] != own_class:
            found.setdefault(class_names[labels[index]], images[index])
        if len(found) == count:
            break
    return found


def flat_color():
    """Return a square (32, 32, 3) uint8 of the cat photograph's mean color: a picture of nothing."""
    mean = transforms.resize(changed_cat(), STORED).mean(axis=(0, 1))
    return np.rint(np.broadcast_to(mean, (STORED, STORED, 3))).astype(np.uint8)


def explore_semantic_gap(others):
    """Change the scene with sliders and see how far the numbers move; `others` {name: (32, 32, 3) image} compare."""
    original = transforms.resize(changed_cat(), STORED)
    nearest = min(others, key=lambda name: transforms.l2_distance(original, others[name]))
    compared = {**others, "one flat colour": flat_color()}
    distances = {name: transforms.l2_distance(original, image) for name, image in compared.items()}

    def draw(**scene):
        seen = changed_cat(**scene)
        stored = transforms.resize(seen, STORED)
        difference = np.abs(stored.astype(int) - original)
        distance = transforms.l2_distance(stored, original)
        figure = Figure(figsize=(9.6, 4.9), layout="constrained", facecolor="white")
        grid = figure.add_gridspec(2, 4, height_ratios=(1, 0.95))
        axes = [figure.add_subplot(grid[0, column]) for column in range(4)]
        show_image(axes[0], changed_cat(), "the photograph")
        show_image(axes[1], seen, "what you see now")
        show_image(axes[2], stored, f"what the classifier gets\n{STORED} × {STORED} × 3 numbers")
        axes[3].imshow(difference.mean(axis=2), cmap="magma", vmin=0, vmax=128)
        axes[3].set(xticks=[], yticks=[])
        axes[3].set_title("change of each pixel\n(black 0, yellow 128)", fontsize=10)
        farther = distance > distances[nearest]
        draw_bars(
            figure.add_subplot(grid[1, :3]),
            [distance, *distances.values()],
            ["this cat, changed", *distances],
            title="L2 distance from the photograph",
            colors=[WRONG if farther else RIGHT] + [MUTED] * len(distances),
        )
        show_image(figure.add_subplot(grid[1, 3]), others[nearest], f"the nearest other: {nearest}")
        changed = np.count_nonzero(difference)
        verdict = (
            f"That is <b>farther away than the picture of “{nearest}”</b> ({distances[nearest]:,.0f})."
            if farther
            else f"The picture of “{nearest}” is at {distances[nearest]:,.0f}, still farther."
        )
        return figure, (
            f"<b>{changed:,} of {stored.size:,} numbers changed ({changed / stored.size:.0%})</b>, "
            f"by {difference.mean():.1f} on average; L2 distance {distance:,.0f}. It is the same cat. {verdict}"
        )

    def draw_scene(turn, roll, zoom, brightness, side, bend, hidden, background):
        return draw(
            turn=turn, roll=roll, zoom=zoom, brightness=brightness, side=side, bend=bend, hidden=hidden,
            background=background,
        )  # fmt: skip

    controls = {
        "turn": slider("Viewpoint: turn (°)", -45, 45, 0),
        "roll": slider("Viewpoint: tilt (°)", -45, 45, 0),
        "zoom": slider("Scale", 0.8, 2.0, 1.0, 0.05),
        "brightness": slider("Light", 0.2, 1.8, 1.0, 0.05),
        "side": slider("Lamp left or right", -1.0, 1.0, 0.0, 0.05),
        "bend": slider("Deformation", 0.0, 0.25, 0.0, 0.01),
        "hidden": slider("Occlusion", 0.0, 0.8, 0.0, 0.05, readout_format=".0%"),
        "background": choice(
            "Background", [("as photographed", None), *((n, n) for n in ("gravel", "grass", "bricks"))]
        ),
    }
    return Exploration(
        draw_scene, controls, description="A cat, the changed cat, its pixels, and the distance between the two"
    )


VARIATIONS = {
    "viewpoint": [{"turn": value} for value in (10, 20, 30, 40)],
    "tilt": [{"roll": value} for value in (5, 12, 25, 45)],
    "scale": [{"zoom": value} for value in (1.1, 1.25, 1.5, 1.9)],
    "illumination": [{"brightness": value} for value in (0.8, 0.6, 0.4, 0.25)],
    "deformation": [{"bend": value} for value in (0.04, 0.08, 0.14, 0.2)],
    "occlusion": [{"hidden": value} for value in (0.15, 0.3, 0.45, 0.6)],
    "background": [{"background": name} for name in ("grass", "gravel", "bricks")],
}


def semantic_gap_figure(others):
    """Show each kind of variation at growing strength, with the L2 distance; red where another class is nearer."""
    original = transforms.resize(changed_cat(), STORED)
    limit, nearest = min((transforms.l2_distance(original, image), name) for name, image in others.items())
    figure, axes = new_figure(9.6, 6.3, 4, len(VARIATIONS))
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.02, wspace=0, hspace=0)
    for column, (name, scenes) in enumerate(VARIATIONS.items()):
        for ax in axes[len(scenes) :, column]:
            ax.axis("off")
        for ax, scene in zip(axes[:, column], scenes, strict=False):
            seen = changed_cat(**scene)
            distance = transforms.l2_distance(transforms.resize(seen, STORED), original)
            color = WRONG if distance > limit else INK
            show_image(ax, seen, name if ax is axes[0, column] else "", caption=f"{distance:,.0f}", color=color)
            ax.title.set_color(INK)
    figure.suptitle(
        f"the same cat: L2 distances, red above {limit:,.0f} (the nearest picture of another class: {nearest})"
    )
    return figure


def explore_class_members(images, labels, class_names, own_class):
    """Choose an image of a class and walk from the nearest to the farthest other member of that class.

    images: (N, H, W, C) uint8. The histogram compares the members' distances with those of all other classes.
    """
    flat = images.reshape(len(images), -1).astype(np.float32)
    members, rest = np.flatnonzero(labels == own_class), np.flatnonzero(labels != own_class)
    name = class_names[own_class]

    @cache
    def ranked(first):
        distances = np.linalg.norm(flat - flat[members[first - 1]], axis=1)
        return distances, members[distances[members].argsort(kind="stable")][1:]

    def draw(first, member):
        start, (distances, by_distance) = members[first - 1], ranked(first)
        bins, index = np.linspace(0, distances.max() * 1.02, 45), by_distance[member - 1]
        closer = rest[distances[rest] < distances[index]]
        figure, axes = new_figure(9.6, 3.4, 1, 3, width_ratios=(1, 1, 2.3))
        show_image(axes[0], images[start], f"a {name}")
        show_image(axes[1], images[index], f"another {name}, at {distances[index]:,.0f}")
        weights = {"bins": bins, "density": True, "histtype": "stepfilled", "alpha": 0.6}
        axes[2].hist(distances[rest], color=MUTED, label="all other classes", **weights)
        axes[2].hist(distances[by_distance], color=COLORS[1], label=f"other images of class {name}", **weights)
        axes[2].axvline(distances[index], color=INK, linewidth=2)
        axes[2].set(xlabel="L2 distance from the first image", yticks=[], ylabel="share of images")
        axes[2].legend(fontsize=9, loc="upper left", frameon=False)
        return figure, (
            f"<b>{len(closer):,} of {len(rest):,} images of other classes ({len(closer) / len(rest):.0%}) "
            f"are nearer</b> to the first {name} than this one is."
        )

    controls = {
        "first": slider(f"First {name}", 1, min(60, len(members)), 2),
        "member": slider(f"Another {name}", 1, len(members) - 1, len(members) // 2),
    }
    return Exploration(draw, controls, description=f"Two images of class {name} and the distances within the class")
