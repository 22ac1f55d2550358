"""Lecture 06: what centring, normalising, decorrelating and whitening do to a cloud of points in the plane."""

import numpy as np
from matplotlib.colors import hsv_to_rgb

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.plots import INK, MUTED, WRONG, new_figure
from cs231n_kit.preprocessing import PCA, MeanImage, Standardize, Whitening

REACH = 5.0  # of the pictures' axes


def cloud(stretch, tilt, mean, count=220, seed=1):
    """Normal points (count, 2), ``stretch`` times as wide as high, turned by ``tilt`` degrees, around ``mean`` (2,)."""
    points = 0.6 * np.random.default_rng(seed).standard_normal((count, 2)) * (stretch, 1)
    angle = np.deg2rad(tilt)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return points @ turn + mean


def prepared(points):
    """{name: the points (N, 2) after it}, each step by the kit and with statistics of these points."""
    return {
        "original": points,
        "centred": MeanImage().fit(points).transform(points),
        "normalised": Standardize().fit(points).transform(points),
        "decorrelated": PCA().fit(points).transform(points),
        "whitened": Whitening(epsilon=1e-12).fit(points).transform(points),
    }


def narrowness(points):
    """How much steeper than along it is across the valley in which a linear model with a bias learns; 1: a round bowl.

    points: (N, D). The condition number of the squared loss's second derivatives, 1/N Σ (x, 1) (x, 1)ᵀ.
    """
    rows = np.hstack([points, np.ones((len(points), 1))])
    curvatures = np.linalg.eigvalsh(rows.T @ rows / len(rows))
    return float(curvatures[-1] / max(curvatures[0], 1e-300))


def explore_cloud():
    """Shape a cloud of points with sliders and see it after each step of preprocessing."""

    def draw(stretch, tilt, right, up):
        points = cloud(stretch, tilt, (right, up))
        steps = prepared(points)
        round_ones = steps["whitened"]
        hue = np.arctan2(round_ones[:, 1], round_ones[:, 0]) / (2 * np.pi) % 1
        colors = hsv_to_rgb(np.stack([hue, np.full_like(hue, 0.75), np.full_like(hue, 0.8)], axis=1))
        figure, axes = new_figure(9.9, 2.75, 1, len(steps), sharex=True, sharey=True)
        for ax, (name, now) in zip(axes, steps.items(), strict=True):
            ax.axhline(0, color=MUTED, linewidth=0.6)
            ax.axvline(0, color=MUTED, linewidth=0.6)
            ax.scatter(*now.T, s=9, c=colors)
            (a, b), (_, d) = np.cov(now.T, bias=True)
            ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xticks=[], yticks=[])
            ax.set_title(name, fontsize=11, color=INK)
            numbers = f"variances {a:.2f}, {d:.2f}\ncovariance {round(b, 2) + 0:.2f}\nvalley {narrowness(now):.1f}"
            ax.set_xlabel(numbers, fontsize=9.5)
        pca = PCA().fit(points)
        for direction, variance in zip(pca.components_, pca.explained_variance_, strict=True):
            tip = 2 * np.sqrt(variance) * direction
            axes[1].annotate("", tip, (0, 0), arrowprops={"arrowstyle": "->", "color": WRONG, "linewidth": 2})
        before, after = narrowness(points), narrowness(steps["centred"])
        return figure, (
            f"A linear model's valley is <b>{before:.1f}</b> times as steep across as along on the original points, "
            f"{after:.1f} times when they are centred, {narrowness(steps['normalised']):.1f} normalised, "
            f"{narrowness(round_ones):.1f} whitened. Arrows: the principal directions, two deviations long."
        )

    controls = {
        "stretch": slider("Stretch", 1.0, 4.0, 2.5, 0.1),
        "tilt": slider("Tilt (degrees)", 0, 180, 35),
        "right": slider("Mean, to the right", -3.0, 3.0, 1.5, 0.1),
        "up": slider("Mean, upwards", -3.0, 3.0, 1.5, 0.1),
    }
    return Exploration(draw, controls, description="A cloud of points: original, centred, normalised, turned, whitened")
