"""Lecture 06: mean images, principal components and whitening, seen on real images."""

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.plots import COLORS, INK, MUTED, WRONG, new_figure, show_image
from cs231n_kit.preprocessing import ChannelMean, MeanImage

GRAY = 128  # stands for zero where an image has negative numbers


def around_gray(images, scale=1.0):
    """Images (..., C) with positive and negative numbers as uint8 (..., 3), zero in the middle of the range."""
    return in_colour(np.clip(np.asarray(images) * scale + GRAY, 0, 255))


def in_colour(images):
    """Images (..., C) of numbers from 0 to 255 as uint8 (..., 3), so that no viewer stretches the contrast of greys."""
    pixels = np.asarray(images).astype(np.uint8)
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels


def mean_figure(X, shown=7):
    """The mean image and the mean colour of images X (N, H, W, C) uint8, and images without them (zero is grey)."""
    image, channel = MeanImage().fit(X), ChannelMean().fit(X)
    examples = X[:shown]
    colour = in_colour(np.broadcast_to(channel.mean_, X.shape[1:]))
    rows = {
        "original": (None, in_colour(examples)),
        "minus mean image": (in_colour(image.mean_), around_gray(image.transform(examples))),
        "minus channel mean": (colour, around_gray(channel.transform(examples))),
    }
    figure, axes = new_figure(9.4, 3.9, 3, shown + 1)
    for row, (name, (mean, images)) in zip(axes, rows.items(), strict=True):
        row[0].axis("off")
        if mean is not None:
            show_image(row[0], mean, name.removeprefix("minus "))
        for ax, picture in zip(row[1:], images, strict=True):
            show_image(ax, picture)
        row[1].set_ylabel(name.replace("minus ", "minus\n"), fontsize=9.5, color=INK)
    means = ", ".join(f"{value:.1f}" for value in channel.mean_)
    figure.suptitle(f"{len(X):,} images: mean of each channel {means}", fontsize=11)
    return figure


def components_figure(pca, numbers=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30, 50, 75, 100, 200, 300, 500, 900)):
    """Principal components as images, each scaled to its largest entry (zero is grey), and their shares of variance."""
    numbers = [number for number in numbers if number <= len(pca.components_)]
    shares = pca.explained_variance_ / pca.explained_variance_.sum()
    columns = -(-len(numbers) // 2)
    figure, axes = new_figure(9.8, 2.9, 2, columns, squeeze=False)
    for ax in axes.ravel()[len(numbers) :]:
        ax.axis("off")
    for ax, number in zip(axes.ravel(), numbers, strict=False):
        component = pca.components_[number - 1].reshape(pca.shape_)
        picture = around_gray(component, 127 / np.abs(component).max())
        show_image(ax, picture, f"{number}", caption=f"{100 * shares[number - 1]:.2g} %")
    figure.suptitle("principal components, by number, and their share of the variance", fontsize=11)
    return figure


def left_over(pca, images, k):
    """The share of the images' squared distance from the mean that is lost when only k coordinates are kept."""
    coordinates = pca.transform(images)
    centred = images.reshape(len(images), -1) - pca.mean_
    coordinates[:, k:] = 0
    kept = pca.inverse_transform(coordinates).reshape(len(images), -1) - pca.mean_
    return float(((centred - kept) ** 2).sum() / (centred**2).sum())


def _two_rows_and_a_plot(rows):
    """A figure with {label: images} in two rows, and the axes of an empty plot on its right."""
    count = max(len(images) for images in rows.values())
    grid = [[f"{row}.{column}" for column in range(count)] + ["plot"] for row in range(2)]
    figure = Figure(figsize=(9.9, 2.9), layout="constrained", facecolor="white")
    axes = figure.subplot_mosaic(grid, width_ratios=[1] * count + [0.42 * count])
    for row, (label, images) in enumerate(rows.items()):
        for column, image in enumerate(images):
            show_image(axes[f"{row}.{column}"], image)
        axes[f"{row}.0"].set_ylabel(label, fontsize=10)
    axes["plot"].spines[["top", "right"]].set_visible(False)
    return figure, axes["plot"]


def explore_reconstruction(pca, images, shown=6):
    """Keep the first k coordinates only: what becomes of ``images``, which the components were not computed from."""
    size, most = int(np.prod(pca.shape_)), len(pca.components_)
    numbers = [k for k in (0, 1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500) if k < most] + [most]
    coordinates = pca.transform(images)
    lost = [left_over(pca, images, k) for k in numbers]
    explained = np.concatenate([[0], np.cumsum(pca.explained_variance_)]) / pca.explained_variance_.sum()

    def draw(k):
        some = coordinates[:shown].copy()
        some[:, k:] = 0
        pictures = in_colour(np.clip(pca.inverse_transform(some), 0, 255))
        figure, ax = _two_rows_and_a_plot({"original": in_colour(images[:shown]), f"k = {k:,}": pictures})
        ax.plot(numbers, 100 * explained[numbers], color=COLORS[0], label="of the images it was fitted to")
        ax.plot(numbers, 100 - 100 * np.array(lost), "--", color=COLORS[1], label="of other images")
        ax.plot(k, 100 * explained[k], "o", color=INK)
        ax.set_xscale("symlog", linthresh=1)
        ax.set(xlabel="k", ylabel="variance kept (%)", ylim=(0, 104))
        ax.legend(frameon=False, fontsize=8.5, loc="lower right")
        return figure, (
            f"<b>{k:,} numbers</b> instead of {size:,}: {explained[k]:.1%} of the variance of the images it was "
            f"fitted to, and <b>{1 - lost[numbers.index(k)]:.1%}</b> of that of other images."
        )

    start = 20 if 20 in numbers else most
    controls = {"k": widgets.SelectionSlider(description="Components kept, k", options=numbers, value=start)}
    return Exploration(draw, controls, description="Images rebuilt from their first k principal components")


def explore_whitening(whitening, images, shown=6):
    """Choose ε of a fitted "zca" ``Whitening``: whitened images, and the variance along each component afterwards.

    images: others than those it was fitted to, of the same scale.
    """
    pca = whitening.pca_
    variances = pca.explained_variance_
    elsewhere = pca.transform(images).var(axis=0, dtype=np.float64)
    numbers = np.arange(1, len(variances) + 1)

    def draw(exponent):
        whitening.epsilon = float(10.0**exponent)
        whitened = whitening.transform(images[:shown])
        pictures = [around_gray(image, 100 / max(2.5 * image.std(), 1e-12)) for image in whitened]
        originals = in_colour(np.rint(255 * images[:shown]))
        figure, ax = _two_rows_and_a_plot({"original": originals, "whitened": pictures})
        ax.loglog(numbers, variances, color=MUTED, label="before")
        ax.loglog(numbers, variances / (variances + whitening.epsilon), color=COLORS[0], label="after")
        ax.loglog(numbers, elsewhere / (variances + whitening.epsilon), "--", color=WRONG, label="after, other images")
        ax.set(xlabel="component", ylabel="variance", ylim=(1e-6, 1e3))
        ax.legend(frameon=False, fontsize=8.5, loc="lower left")
        flat = int((variances > whitening.epsilon).sum())
        worst = float((elsewhere / (variances + whitening.epsilon)).max())
        return figure, (
            f"ε = {whitening.epsilon:.0e}: {flat:,} of {len(variances):,} components vary by more than that and come "
            f"out near 1. On other images the largest variance is <b>{worst:.3g}</b>."
        )

    controls = {"exponent": slider("log₁₀ ε", -5.0, 1.0, -1.0, 0.25)}
    return Exploration(draw, controls, description="Whitened images, and the variance along each principal component")
