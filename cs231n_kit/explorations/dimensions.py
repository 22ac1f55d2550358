"""Lecture 02: the curse of dimensionality, measured on random points."""

import numpy as np
from matplotlib.figure import Figure
from scipy.spatial import cKDTree

from cs231n_kit.explorations.exploration import Exploration
from cs231n_kit.plots import COLORS, INK, MUTED, WRONG, new_figure

DIMENSIONS = (1, 2, 3, 5, 10, 20, 50, 100, 300, 1000, 3072)


def grid_of_points(per_axis=4):
    """Draw the points that keep one spacing in one, two and three dimensions: per_axis, per_axis^2, per_axis^3."""
    line = (np.arange(per_axis) + 0.5) / per_axis
    figure = Figure(figsize=(9.4, 3.2), layout="constrained", facecolor="white")
    grid = figure.add_gridspec(1, 3)
    flat = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    flat[0].plot(line, 0 * line, "o", color=COLORS[0], markersize=10)
    flat[0].axhline(0, color=MUTED, linewidth=1, zorder=0)
    flat[0].set(ylim=(-1, 1), xlim=(0, 1))
    flat[1].plot(*(axis.ravel() for axis in np.meshgrid(line, line)), "o", color=COLORS[0], markersize=10)
    flat[1].set(xlim=(0, 1), ylim=(0, 1))
    solid = figure.add_subplot(grid[2], projection="3d")
    x, y, z = (axis.ravel() for axis in np.meshgrid(line, line, line))
    solid.scatter(x, y, z, c=z, cmap="viridis", s=42, depthshade=False)
    solid.set(zticks=[])
    for power, ax in enumerate((*flat, solid), start=1):
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"{power} dimension{'s' * (power > 1)}: {per_axis**power} points", fontsize=11)
        if power < 3:
            ax.set_box_aspect(1)
    return figure


def nearest_distance(points, dimensions, queries=200, seed=0):
    """Return the mean distance from random places in the unit cube to the nearest of `points` random points."""
    rng = np.random.default_rng(seed)
    tree = cKDTree(rng.random((points, dimensions)))
    return float(tree.query(rng.random((queries, dimensions)))[0].mean())


def points_needed(dimensions, distance=0.1, most=2**19, seed=0):
    """Measure how many random points the unit cube needs until the nearest one is `distance` away on average.

    Doubles the number until that holds, then interpolates in the logarithm. Raises ValueError beyond `most` points.
    """
    fewer, points = None, 1
    while points <= most:
        mean = nearest_distance(points, dimensions, seed=seed)
        if mean <= distance:
            if fewer is None:
                return float(points)
            part = np.log(fewer[1] / distance) / np.log(fewer[1] / mean)
            return float(fewer[0] * (points / fewer[0]) ** part)
        fewer, points = (points, mean), 2 * points
    raise ValueError(f"{most:,} points are not enough to come within {distance} in {dimensions} dimensions")


def growth_figure(dimensions, needed, distance=0.1):
    """Plot the measured number of points (logarithmic) against the dimension, with the fitted exponential.

    Returns (Figure, factor): every further dimension takes `factor` times as many points.
    """
    slope, start = np.polyfit(dimensions, np.log10(needed), 1)
    figure, ax = new_figure(8.4, 3.7)
    ax.semilogy(dimensions, needed, "o", color=COLORS[0], markersize=9, label="measured")
    ends = np.array([min(dimensions), max(dimensions) + 0.6])
    ax.semilogy(ends, 10 ** (start + slope * ends), "--", color=INK, label=f"× {10**slope:.1f} for each dimension")
    for x, count in zip(dimensions, needed, strict=True):
        ax.annotate(f"{count:,.0f}", (x, count), xytext=(9, -12), textcoords="offset points", fontsize=10)
    ax.set(xlabel="dimensions", ylabel="points needed", xticks=list(dimensions))
    ax.set_title(f"random points until the nearest is {distance} away on average (unit cube)", fontsize=11)
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure, 10**slope


def distances_to_random_points(dimensions, points=1000, seed=0):
    """Return the distances (points,) from one random place in the unit cube to `points` random points."""
    rng = np.random.default_rng(seed)
    return np.linalg.norm(rng.random((points, dimensions)) - rng.random(dimensions), axis=1)


def contrast(distances):
    """Return nearest / farthest for distances (..., N): near 0 when "nearest" means much, 1 when it means nothing."""
    return np.min(distances, axis=-1) / np.max(distances, axis=-1)


def explore_dimensions(image_contrast=None, image_dimensions=3072):
    """Turn up the dimension and watch all points become equally far; a diamond marks real images, if given."""
    from ipywidgets import SelectionSlider

    ratios = [np.mean([contrast(distances_to_random_points(d, seed=s)) for s in range(5)]) for d in DIMENSIONS]

    def draw(dimensions):
        distances = distances_to_random_points(dimensions)
        ratio = contrast(distances)
        figure, axes = new_figure(9.6, 3.5, 1, 2)
        axes[0].hist(distances / distances.max(), np.linspace(0, 1, 51), color=COLORS[0])
        axes[0].axvline(ratio, color=WRONG, linewidth=2.5)
        axes[0].set(xlim=(0, 1), xlabel="distance / farthest distance", ylabel="points of 1,000")
        axes[0].set_title(f"{dimensions:,} dimension{'s' * (dimensions > 1)}: nearest is the red line", fontsize=11)
        axes[1].semilogx(DIMENSIONS, ratios, "o-", color=COLORS[0], label="random points")
        axes[1].plot(dimensions, ratios[DIMENSIONS.index(dimensions)], "o", color=WRONG, markersize=12)
        if image_contrast is not None:
            axes[1].plot(image_dimensions, image_contrast, "D", color=COLORS[2], markersize=10, label="the real images")
        axes[1].set(xlabel="dimensions", ylabel="nearest / farthest", ylim=(0, 1))
        axes[1].legend(frameon=False, loc="upper left")
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
        return figure, (
            f"In {dimensions:,} dimensions the nearest of 1,000 random points is at <b>{ratio:.1%}</b> of the distance "
            "of the farthest."
        )

    controls = {"dimensions": SelectionSlider(description="Dimensions", options=DIMENSIONS, value=2)}
    return Exploration(draw, controls, description="Distances from one place to 1,000 random points")
