"""Lecture 07: where the gradient is zero: how many such points are minima, and how many are saddles?"""

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.plots import COLORS, INK, RIGHT, WRONG, new_figure


def random_hessians(dimension, count, rng):
    """Random symmetric matrices, float64 (count, D, D): Gaussian entries, those off the diagonal half as varied.

    No direction is special to them (the Gaussian orthogonal ensemble). Divided by √D, their eigenvalues fill a half
    circle from -√2 to √2 as D grows   (Wigner, 1958).
    """
    entries = rng.standard_normal((count, dimension, dimension))
    return (entries + entries.transpose(0, 2, 1)) / (2 * np.sqrt(dimension))


def shares(dimension, count, rng, lift=0.0):
    """How often all eigenvalues of a random Hessian are above 0 (a minimum), all below (a maximum), or mixed.

    lift: what is added to every eigenvalue; the lower a critical point lies, the more. Returns three floats that
    add up to 1, (minima, maxima, saddles).
    """
    eigenvalues = np.linalg.eigvalsh(random_hessians(dimension, count, rng)) + lift
    minima = float((eigenvalues > 0).all(axis=1).mean())
    maxima = float((eigenvalues < 0).all(axis=1).mean())
    return minima, maxima, 1 - minima - maxima


def saddle_figure(dimensions=range(1, 11), count=4000, seed=0):
    """The shares of saddles and of minima among random critical points, against dimension.

    For large D the share of minima falls as 3^(-D²/4)   (Dean & Majumdar, 2006).
    """
    rng = np.random.default_rng(seed)
    found = np.array([shares(dimension, count, rng) for dimension in dimensions])
    figure, axes = new_figure(10, 3.5, 1, 2)
    axes[0].plot(dimensions, 100 * found[:, 2], "o-", color=COLORS[1], linewidth=2, label="saddles")
    axes[0].plot(dimensions, 100 * found[:, 0], "o-", color=COLORS[0], linewidth=2, label="minima")
    axes[0].set(xlabel="dimension", ylabel="share of critical points (%)", xticks=list(dimensions))
    axes[0].set_title("minima become rare at once", fontsize=11)
    axes[0].legend(frameon=False)
    seen = found[:, 0] > 0
    shown = np.array(dimensions)[seen]
    axes[1].semilogy(shown, found[seen, 0], "o", color=COLORS[0], label=f"among {count:,} matrices")
    along = np.linspace(dimensions[0], dimensions[-1], 100)
    fall = 3.0 ** (-(along**2) / 4)
    axes[1].semilogy(along, fall, color=INK, linewidth=1, label="$3^{-D^2/4}$, its fall for large D")
    axes[1].set(xlabel="dimension D", ylabel="share of minima", ylim=(0.3 / count, 1.5), xticks=list(dimensions))
    axes[1].set_title("and rarer faster than exponentially", fontsize=11)
    axes[1].legend(frameon=False)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def explore_random_hessian():
    """The eigenvalues of one random Hessian, lifted more or less: how many directions lead down?"""

    def draw(dimension, lift, seed):
        (hessian,) = random_hessians(dimension, 1, np.random.default_rng(seed))
        eigenvalues = np.linalg.eigvalsh(hessian) + lift
        figure, ax = new_figure(9.2, 3.3)
        edges = np.linspace(-3, 4, 71)
        for part, color, name in ((eigenvalues < 0, WRONG, "down"), (eigenvalues >= 0, RIGHT, "up")):
            ax.hist(eigenvalues[part], edges, color=color, label=f"curved {name}: {part.sum()}")
        ax.axvline(0, color=INK, linewidth=1.2)
        ax.set(xlabel="eigenvalue of the Hessian: curvature of a direction", ylabel="directions", xlim=(-3, 4))
        ax.set_title(f"a random critical point in {dimension} dimensions", fontsize=11)
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        down = int((eigenvalues < 0).sum())
        kind = "a minimum" if down == 0 else "a maximum" if down == dimension else "a saddle"
        return figure, f"{down} of {dimension} directions lead down: <b>{kind}</b>."

    controls = {
        "dimension": slider("Dimension", 1, 300, 100),
        "lift": slider("Lift (how low it lies)", -1.0, 2.5, 0.0, 0.1),
        "seed": slider("Another one", 0, 50, 0),
    }
    return Exploration(draw, controls, description="The eigenvalues of a random Hessian")
