"""Lecture 06: the losses of classification and of regression as curves, with their slopes."""

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.losses import huber_loss, l1_loss, l2_loss, softmax_loss, squared_hinge_loss, svm_loss
from cs231n_kit.plots import COLORS, INK, MUTED, new_figure

CLASSIFICATION = {"hinge": svm_loss, "squared hinge": squared_hinge_loss, "cross-entropy": softmax_loss}
REGRESSION = {"L2": l2_loss, "L1": l1_loss, "Huber, δ = 1": huber_loss}


def of_margin(loss, margin):
    """Loss and slope of one image of class 0 of two, whose score leads by a margin: dL/dm, since m = s₀ - s₁."""
    value, gradient = loss(np.array([[margin, 0.0]]), np.array([0]))
    return value, float(gradient[0, 0]) + 0.0  # never -0


def of_error(loss, error):
    """Loss and slope of one prediction that is too large by an error."""
    value, gradient = loss(np.array([error]), np.array([0.0]))
    return value, float(gradient[0])


def explore_loss_shapes():
    """Move one example's margin, and one prediction's error, along the losses."""
    families = (
        (CLASSIFICATION, of_margin, np.linspace(-3, 3, 241), "margin: right score − wrong score", "one right class"),
        (REGRESSION, of_error, np.linspace(-3, 3, 241), "error: prediction − target", "a number"),
    )
    curves = [
        {name: np.array([measured(loss, at) for at in line]) for name, loss in losses.items()}
        for losses, measured, line, _, _ in families
    ]

    def draw(margin, error):
        figure, axes = new_figure(10.4, 3.9, 1, 2)
        sentences = []
        for ax, family, found, at in zip(axes, families, curves, (margin, error), strict=True):
            losses, measured, line, label, title = family
            words = []
            for color, (name, loss) in zip(COLORS, losses.items(), strict=False):
                ax.plot(line, found[name][:, 0], color=color, linewidth=2.2, label=name)
                value, slope = measured(loss, at)
                ax.plot(at, value, "o", color=color, markersize=9)
                ax.plot([at - 0.5, at + 0.5], [value - 0.5 * slope, value + 0.5 * slope], color=INK, linewidth=1.4)
                words.append(f"{name} <b>{value:.2f}</b> (slope {slope:.2f})")
            ax.axvline(0, color=MUTED, linewidth=0.8)
            ax.set(xlabel=label, ylabel="loss", ylim=(-0.3, 9), xlim=(-3, 3))
            ax.set_title(title, fontsize=11)
            ax.legend(frameon=False)
            ax.spines[["top", "right"]].set_visible(False)
            sentences.append(f"{label.split(':')[0].capitalize()} {at:.1f}: {', '.join(words)}.")
        return figure, " ".join(sentences).replace("-", "−").replace("cross−", "cross-")

    controls = {
        "margin": slider("Margin", -3.0, 3.0, 0.5, 0.1),
        "error": slider("Error", -3.0, 3.0, 2.0, 0.1),
    }
    return Exploration(draw, controls, description="Losses against the margin, and against the error, with slopes")
