"""Lecture 06: by how much is this digit turned? L2 and L1 regression, and classification of the same angle."""

from dataclasses import dataclass

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.explorations.losses import softmax
from cs231n_kit.explorations.scoring import trained
from cs231n_kit.losses import l1_loss, l2_loss, softmax_loss
from cs231n_kit.plots import INK, MUTED, RIGHT, WRONG, new_figure, show_image
from cs231n_kit.widgets.regression_plane import METHOD_COLORS

LIMIT = 90.0  # degrees either way
BINS = 36
CENTERS = (2 * np.arange(BINS) + 1) / BINS * LIMIT - LIMIT  # degrees
NAMES = {"l2": "L2", "l1": "L1", "mean": "bins: mean", "mode": "bins: likeliest"}


def turn(images, degrees):
    """Images (N, H, W) turned counterclockwise by degrees (N,), with zeros coming in from outside."""
    from scipy.ndimage import rotate

    return np.stack(
        [rotate(image, angle, reshape=False, order=1) for image, angle in zip(images, degrees, strict=True)]
    )


@dataclass(frozen=True)
class TurnedDigits:
    """Images (N, 12, 12) float32 from 0 to 1, each turned by its angle, in degrees from -90 to 90, (N,)."""

    X: np.ndarray
    angles: np.ndarray
    X_new: np.ndarray
    angles_new: np.ndarray

    def inputs(self):
        """The pixels of both as the network takes them, centred by the training images: (N, 144) and (N', 144)."""
        mean = self.X.mean(axis=0)
        return tuple(((images - mean) / 0.3).reshape(len(images), -1) for images in (self.X, self.X_new))


def turned_digits(images, new_images, copies=3, seed=0):
    """``TurnedDigits`` from upright ones, uint8 (N, 8, 8, 1): every image ``copies`` times, turned at random."""
    rng = np.random.default_rng(seed)
    parts = []
    for upright in (images, new_images):
        upright = np.pad(upright[..., 0].astype(np.float32) / 255, ((0, 0), (2, 2), (2, 2))).repeat(copies, axis=0)
        angles = rng.uniform(-LIMIT, LIMIT, len(upright))
        parts += [turn(upright, angles), angles]
    return TurnedDigits(*parts)


def with_wrong_labels(angles, share, seed=1):
    """The angles (N,) with about this share of them replaced by random ones."""
    rng = np.random.default_rng(seed)
    wrong, others = rng.random(len(angles)) < share, rng.uniform(-LIMIT, LIMIT, len(angles))
    return np.where(wrong, others, angles)


def bin_of(angles):
    """The bin, 0 to 35, of angles (N,) in degrees."""
    return np.clip(((np.asarray(angles) + LIMIT) / (2 * LIMIT) * BINS).astype(int), 0, BINS - 1)


def answers(problem, angles, updates=1000):
    """What networks of 100 hidden units, trained with these angles, say of the new images.

    Returns ({"l2", "l1", "mean", "mode": degrees (N',)}, probabilities of the bins (N', 36)).
    """
    X, X_new = problem.inputs()
    options = {"hidden": 100, "updates": updates, "learning_rate": 3e-3, "regularization": 1e-4}
    found = {}
    for name, loss in (("l2", l2_loss), ("l1", l1_loss)):
        network = trained(X, (angles / LIMIT).astype(np.float32)[:, None], loss, 1, **options)
        found[name] = LIMIT * network.forward(X_new)[:, 0].astype(float)
    shares = softmax(trained(X, bin_of(angles), softmax_loss, BINS, **options).forward(X_new).astype(float))
    return found | {"mean": shares @ CENTERS, "mode": CENTERS[shares.argmax(axis=1)]}, shares


def mean_errors(found, truth):
    """The mean error of each method in degrees, and its standard error: {method: (mean, error)}."""
    errors = {name: np.abs(values - truth) for name, values in found.items()}
    return {name: (float(each.mean()), float(each.std() / np.sqrt(len(each)))) for name, each in errors.items()}


def error_figure(runs, truth):
    """Bars of the mean error of every method; runs: {title: what ``answers`` has returned}."""
    figure, ax = new_figure(8.6, 3.5)
    width = 0.8 / len(runs)
    for number, (title, (found, _)) in enumerate(runs.items()):
        means, errors = np.array(list(mean_errors(found, truth).values())).T
        at = np.arange(len(means)) + (number - (len(runs) - 1) / 2) * width
        colors = [METHOD_COLORS[name] for name in found]
        bars = ax.bar(at, means, 0.92 * width, yerr=errors, color=colors, alpha=1 if number else 0.45, capsize=3)
        ax.bar_label(bars, [f"{mean:.1f}°\n{title}" for mean in means], fontsize=9, padding=3)
    ax.set_xticks(range(len(found)), [NAMES[name] for name in found])
    ax.set(ylabel="mean error (degrees)")
    ax.margins(y=0.25)
    ax.set_title(f"{len(truth):,} new digits; ± one standard error; guessing 0° would give 45°", fontsize=10.5)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def explore_angles(problem, runs):
    """One turned digit, what each method says, and the digit turned back by each answer.

    runs: {title: what ``answers`` has returned}. It begins with the digit for which, in the first run, the likeliest
    bin is farthest ahead of L2.
    """
    shown = min(len(problem.X_new), 200)
    first = next(iter(runs.values()))[0]
    errors = {name: np.abs(values - problem.angles_new)[:shown] for name, values in first.items()}
    telling = int((errors["l2"] - errors["mode"]).argmax())

    def draw(image, run):
        found, shares = runs[run]
        truth, pixels = problem.angles_new[image], problem.X_new[image]
        figure, axes = new_figure(10.6, 4.3, 2, 5, height_ratios=(1, 1.15))
        show_image(axes[0, 0], pixels, f"turned by {truth:.0f}°")
        said = {name: values[image] for name, values in found.items()}
        back = turn(np.repeat(pixels[None], len(said), axis=0), [-angle for angle in said.values()])
        for ax, picture, (name, angle) in zip(axes[0, 1:], back, said.items(), strict=True):
            close = abs(angle - truth) < 15
            show_image(ax, picture, f"{NAMES[name]}: {angle:.0f}°", color=METHOD_COLORS[name],
                       frame=RIGHT if close else WRONG, caption=f"{abs(angle - truth):.0f}° off")  # fmt: skip
        below = axes[1, 0].get_gridspec()
        for ax in axes[1]:
            ax.remove()
        _draw_distribution(figure.add_subplot(below[1, :]), shares[image], said, truth)
        surest = shares[image].max()
        return figure, (
            f"Turned by {truth:.0f}°. "
            + "; ".join(f"{NAMES[name]} says {angle:.0f}°" for name, angle in said.items())
            + f". The likeliest bin has <b>{surest:.0%}</b> of the probability."
        )

    controls = {
        "image": slider("Digit", 0, shown - 1, telling),
        "run": choice("Trained with", list(runs)),
    }
    return Exploration(draw, controls, description="A turned digit, the angles that four methods say, and turned back")


def _draw_distribution(ax, shares, said, truth):
    width = 2 * LIMIT / BINS
    ax.bar(CENTERS, 100 * shares, 0.94 * width, color=METHOD_COLORS["mode"], alpha=0.4, label="P(bin)")
    ax.axvline(truth, color=INK, linewidth=2, label="truth")
    for name, angle in said.items():
        style = ":" if name == "mode" else "-"
        ax.axvline(angle, color=METHOD_COLORS[name], linewidth=2, linestyle=style, label=NAMES[name])
    ax.set(xlim=(-LIMIT - 5, LIMIT + 5), xlabel="angle (degrees)", ylabel="probability (%)")
    ax.axhline(0, color=MUTED, linewidth=0.8)
    ax.set_title("the classifier gives a distribution, regression one number", fontsize=10.5)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
