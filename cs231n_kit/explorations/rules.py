"""Lecture 02: classifying by hand-written rules about edges, and why that leads nowhere."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.patches import Rectangle
from skimage import feature
from skimage.color import rgb2gray

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.plots import INK, MUTED, WRONG, new_figure, show_image


def gray(image):
    """Return an image (H, W, C) uint8 as gray values (H, W) in [0, 1]."""
    if image.shape[2] == 1:
        return image[..., 0] / max(int(image.max()), 1)
    return rgb2gray(image)


def edges(image, sigma=1.0):
    """Return Canny's edges (H, W) of an image (H, W, C) as booleans; `sigma` blurs away finer detail."""
    return feature.canny(gray(image), sigma=sigma)


def shared_edges(a, b):
    """Return the share of edge pixels that two edge maps have in common (intersection over union)."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 0.0


def mean_shared_edges(images, others, sigma=1.0):
    """Return the mean of `shared_edges` over all pairs of an image and another image of `others`."""
    a, b = (np.stack([edges(image, sigma).ravel() for image in group]).astype(float) for group in (images, others))
    common = a @ b.T
    shares = common / np.maximum(a.sum(axis=1)[:, None] + b.sum(axis=1) - common, 1)
    if images is others:
        shares = shares[~np.eye(len(a), dtype=bool)]
    return float(shares.mean())


def explore_edges(members, others, name, other_name):
    """Compare the edges of two images of one class, and of one image of another class, and on average over all."""

    @cache
    def average(sigma):
        return mean_shared_edges(members, members, sigma), mean_shared_edges(members, others, sigma)

    def draw(first, second, other, sigma):
        chosen = [members[first - 1], members[second - 1], others[other - 1]]
        maps = [edges(image, sigma) for image in chosen]
        figure, axes = new_figure(9.6, 4.4, 2, 3)
        titles = (f"{name} {first}", f"{name} {second}", f"{other_name} {other}")
        for column, (image, lines, title) in enumerate(zip(chosen, maps, titles, strict=True)):
            show_image(axes[0, column], image, title)
            axes[1, column].imshow(~lines, cmap="gray", vmin=0, vmax=1)
            axes[1, column].set(xticks=[], yticks=[], xlabel=f"{np.count_nonzero(lines)} edge pixels")
        return figure, (
            f"Edge pixels in the same place: <b>{name} {first} and {name} {second}: {shared_edges(*maps[:2]):.0%}</b>; "
            f"<b>{name} {first} and {other_name} {other}: {shared_edges(maps[0], maps[2]):.0%}</b>.<br>"
            f"On average over all {len(members)} and {len(others)} images: two of class {name} share "
            f"{average(sigma)[0]:.1%}, {name} and {other_name} {average(sigma)[1]:.1%}."
        )

    controls = {
        "first": slider(f"First {name}", 1, len(members), 1),
        "second": slider(f"Second {name}", 1, len(members), 2),
        "other": slider(f"The {other_name}", 1, len(others), 1),
        "sigma": slider("Blur before edges", 0.4, 3.0, 1.0, 0.1),
    }
    return Exploration(draw, controls, description=f"Two images of {name}, one of {other_name}, and their edges")


def describe(images):
    """Measure two things a rule could use: the share of edge pixels, and warmth (red minus blue; brightness if gray).

    Returns (N, 2) float64, both in per cent of the full range.
    """
    if images.shape[-1] == 3:
        second = (images[..., 0].astype(float) - images[..., 2]).mean(axis=(1, 2)) / 255
    else:
        second = images.mean(axis=(1, 2, 3)) / max(int(images.max()), 1)
    return 100 * np.stack([[edges(image).mean() for image in images], second], axis=1)


def explore_rule(images, is_member, name):
    """Set four thresholds of a rule "this is a `name`" and see its accuracy; is_member: (N,) booleans, half true."""
    measures = describe(images)
    warm = "warmth: red minus blue (%)" if images.shape[-1] == 3 else "brightness (%)"
    low, high = np.floor(measures.min(axis=0)), np.ceil(measures.max(axis=0))

    @cache
    def accuracy(left, right, bottom, top):
        inside = ((measures >= (left, bottom)) & (measures <= (right, top))).all(axis=1)
        return np.mean(inside == is_member)

    def draw(edge_share, second):
        (left, right), (bottom, top) = edge_share, second
        score = accuracy(left, right, bottom, top)
        figure, ax = new_figure(8.4, 4.2)
        for members, color, label, marker in ((False, MUTED, "anything else", "x"), (True, WRONG, name, "o")):
            points = measures[is_member == members]
            ax.scatter(*points.T, s=16, color=color, label=label, marker=marker, alpha=0.75, linewidth=1)
        ax.add_patch(Rectangle((left, bottom), right - left, top - bottom, fill=False, color=INK, linewidth=2.2))
        ax.set(xlabel="edge pixels (% of the image)", ylabel=warm, xlim=(low[0] - 1, high[0] + 1))
        ax.set_title(f"the rule says “{name}” inside the box: right for {score:.1%} of the images", fontsize=11)
        ax.legend(loc="upper right", fontsize=9)
        return figure, f"Accuracy of your rule: <b>{score:.1%}</b>. Tossing a coin: 50.0%."

    import ipywidgets as widgets

    def span(description, axis):
        return widgets.FloatRangeSlider(
            description=description, min=low[axis], max=high[axis], step=0.5, readout_format=".0f",
            value=tuple(np.percentile(measures[is_member, axis], (15, 85)).round()),
        )  # fmt: skip

    controls = {
        "edge_share": span("Edges between (%)", 0),
        "second": span(f"{warm.split(':')[0].split(' (')[0].capitalize()} (%)", 1),
    }
    return Exploration(draw, controls, description=f"A box-shaped rule for {name} among two measurements of each image")


@dataclass(frozen=True)
class RuleSearch:
    """What a search over box-shaped rules found: accuracies on the images it chose by and on the others."""

    tried: int
    seen: float
    unseen: float


def best_rule(images, is_member, tried=20_000, seed=0):
    """Try random boxes on a random half of the images (N, H, W, C) and test the best one on the other half."""
    measures, rng = describe(images), np.random.default_rng(seed)
    order = rng.permutation(len(images))
    half, rest = order[: len(order) // 2], order[len(order) // 2 :]
    corners = np.sort(measures[rng.choice(half, (tried, 2))], axis=1)
    boxes = corners[:, :, None, :]
    inside = ((measures[half] >= boxes[:, 0]) & (measures[half] <= boxes[:, 1])).all(axis=2)
    accuracies = (inside == is_member[half]).mean(axis=1)
    low, high = corners[accuracies.argmax()]
    unseen = (((measures[rest] >= low) & (measures[rest] <= high)).all(axis=1) == is_member[rest]).mean()
    return RuleSearch(tried, float(accuracies.max()), float(unseen))
