"""Lecture 03: looking for good weights at random and along the gradient, the size of steps, and minibatches."""

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.linear_classifier import random_local_search, random_search
from cs231n_kit.losses import svm_loss
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, new_figure


class LinearLoss:
    """The multiclass hinge loss of weights W (D, C) on points X (N, D), and its gradient, all in float32."""

    def __init__(self, X, y, classes, loss=svm_loss):
        self.X, self.y, self.data_loss = np.asarray(X, np.float32), np.asarray(y), loss
        self.shape = (self.X.shape[1], classes)

    def __call__(self, W, batch=slice(None)):
        """The loss, a float, of all points or of a batch of indices."""
        return self.data_loss(self.X[batch] @ np.asarray(W, np.float32), self.y[batch])[0]

    def with_gradient(self, W, batch=slice(None)):
        """The loss and its gradient (D, C)."""
        X = self.X[batch]
        loss, dscores = self.data_loss(X @ np.asarray(W, np.float32), self.y[batch])
        return loss, X.T @ dscores


def accuracy(W, X, y):
    """The share of points X (N, D) whose largest score is their label's."""
    return float(np.mean((X @ np.asarray(W, X.dtype)).argmax(axis=1) == y))


def descend(loss, W, step_size, steps):
    """Gradient descent with all points; yields W before the first step and after each, the same array all the time."""
    W = np.array(W, np.float32)
    for _ in range(steps):
        yield W
        W -= step_size * loss.with_gradient(W)[1]
    yield W


def race(loss, X_test, y_test, evaluations, step_size, seed=0):
    """Let three ways look for weights, and follow how often each is right on test points (N, D).

    Returns {name: (evaluations so far, accuracy (M,))}: random search with W of standard deviation 1e-4, random local
    search from 1e-3 in steps of 1e-4, and the gradient from 0 in steps of ``step_size``.
    """
    rng = np.random.default_rng(seed)
    tried = {
        "random search": random_search(loss, loss.shape, evaluations, rng),
        "random local search": random_local_search(loss, 1e-3 * rng.standard_normal(loss.shape), evaluations, rng),
    }
    curves = {}
    for name, found in tried.items():
        counts = np.array([best.evaluations for best in found])
        curves[name] = counts, np.array([accuracy(best.W, X_test, y_test) for best in found])
    moments = np.unique(np.geomspace(1, evaluations, 80).round().astype(int))
    walk = enumerate(descend(loss, np.zeros(loss.shape), step_size, evaluations - 1), start=1)
    followed = [accuracy(W, X_test, y_test) for count, W in walk if count in moments]
    curves["following the gradient"] = moments, np.array(followed)
    return curves


def race_figure(curves, quoted, chance):
    """Plot accuracy against evaluations; ``quoted`` {name: share} are the figures of the course's notes, dashed."""
    figure, ax = new_figure(9.2, 4.2)
    last = max(counts[-1] for counts, _ in curves.values())
    for color, (name, (counts, shares)) in zip((COLORS[1], COLORS[3], COLORS[0]), curves.items(), strict=True):
        counts, shares = np.append(counts, last), np.append(shares, shares[-1])
        ax.step(counts, 100 * shares, where="post", color=color, linewidth=2.2, label=f"{name}: {shares[-1]:.1%}")
        if name in quoted:
            ax.axhline(100 * quoted[name], color=color, linestyle="--", linewidth=1.2)
            ax.annotate(f"notes: {quoted[name]:.1%}", (2.2, 100 * quoted[name] + 0.4), color=color, fontsize=10)
    ax.axhline(100 * chance, color=MUTED, linewidth=1)
    ax.annotate("guessing", (last, 100 * chance - 0.4), color=INK, fontsize=10, ha="right", va="top")
    ax.set(
        xscale="log", xlabel="evaluations of the loss (or of loss and gradient)", ylabel="accuracy on test images (%)"
    )
    ax.legend(loc="center right", bbox_to_anchor=(1, 0.68), frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def explore_difference_step(f, derivative, x, symbol="f"):
    """Approximate f'(x) by differences over h, one-sided and centred, and see the error fall and rise again.

    f and derivative map a float to a float; the plot is measured in float64.
    """
    exponents = np.arange(-14, 0.01, 0.25)
    exact = derivative(x)
    steps = 10.0**exponents
    errors = {
        "one-sided": np.array([abs((f(x + h) - f(x)) / h - exact) for h in steps]),
        "centred": np.array([abs((f(x + h) - f(x - h)) / (2 * h) - exact) for h in steps]),
    }

    def draw(exponent):
        h = 10.0**exponent
        one, two = (f(x + h) - f(x)) / h, (f(x + h) - f(x - h)) / (2 * h)
        figure, axes = new_figure(9.8, 3.4, 1, 2)
        around = x + np.linspace(-1.2, 1.2, 200)
        axes[0].plot(around, [f(value) for value in around], color=INK)
        for slope, start, color, name in ((one, x, COLORS[1], "one-sided"), (two, x - h, COLORS[0], "centred")):
            axes[0].plot(around, f(start) + slope * (around - start), color=color, linewidth=1.6, label=name)
        axes[0].plot(x, f(x), "o", color=INK)
        axes[0].set(xlabel="x", ylabel=symbol, title=f"two differences, h = {h:.2g}")
        axes[0].legend(frameon=False, fontsize=9)
        for (name, error), color in zip(errors.items(), (COLORS[1], COLORS[0]), strict=True):
            axes[1].loglog(steps, np.maximum(error, 1e-17), color=color, label=name)
        axes[1].axvline(h, color=WRONG, linewidth=1.2)
        axes[1].set(xlabel="h", ylabel="error of the derivative", title="exact answer − difference quotient")
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
        return figure, (
            f"Exact: {exact:.10f}. One-sided: {one:.10f}, off by <b>{abs(one - exact):.1e}</b>. "
            f"Centred: {two:.10f}, off by <b>{abs(two - exact):.1e}</b>."
        )

    controls = {"exponent": slider("log₁₀ h", -14.0, 0.0, -0.25, 0.25)}
    return Exploration(draw, controls, description="Difference quotients of a function and their errors")


def explore_step_size(loss, W, steps=20, low=-4.0, high=0.0, start=-3.0):
    """Choose the step size of gradient descent on a real loss, and see the first step and where ``steps`` of them lead.

    loss: a ``LinearLoss``. W (D, C): where it starts.
    """
    first, gradient = loss.with_gradient(W)
    sizes = 10.0 ** np.linspace(low, high, 49)
    along = np.array([loss(W - size * gradient) for size in sizes])
    best = sizes[along.argmin()]

    def draw(exponent):
        size = 10.0**exponent
        curve = np.array([loss(now) for now in descend(loss, W, size, steps)])
        figure, axes = new_figure(9.8, 3.4, 1, 2)
        axes[0].semilogx(sizes, along, color=INK)
        axes[0].axhline(first, color=MUTED, linewidth=1, linestyle="--")
        here = loss(W - size * gradient)
        axes[0].plot(size, min(here, 1.7 * first), "o", color=RIGHT if here < first else WRONG, markersize=11)
        axes[0].set(xlabel="step size", ylabel="loss after one step (cut off above)", ylim=(0, 1.7 * first))
        axes[0].set_title("one step along the gradient (dashed: before it)", fontsize=11)
        axes[1].plot(np.minimum(curve, 1.7 * first), "o-", markersize=4, color=COLORS[0])
        axes[1].set(
            xlabel="step",
            ylabel="loss (cut off above)",
            ylim=(0, 1.7 * first),
            xticks=range(0, steps + 1, max(1, steps // 5)),
        )
        axes[1].set_title(f"{steps} steps of this size", fontsize=11)
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
        rises = int((np.diff(curve) > 0).sum())
        text = f"Step size {size:.2g}: loss {first:.2f} → <b>{curve[-1]:.3g}</b> after {steps} steps"
        if rises:
            text += f"; <b>{rises} of the steps went up</b>"
        return figure, text + f". The best single step is about {best:.2g}."

    controls = {"exponent": slider("log₁₀ step size", low, high, start, 0.1)}
    return Exploration(draw, controls, description="The loss after one step and over many, for one step size")


def descend_in_batches(loss, batch_size, step_size, images, seed=0, measured=40):
    """Minibatch gradient descent from W = 0 until ``images`` points have been looked at.

    Returns (points looked at (M,), loss of all points (M,)) at about ``measured`` moments.
    """
    rng, count = np.random.default_rng(seed), len(loss.X)
    W = np.zeros(loss.shape, np.float32)
    steps = max(1, images // batch_size)
    moments = set(np.linspace(0, steps, min(measured, steps) + 1).astype(int).tolist())
    seen, losses = [], []
    for step in range(steps + 1):
        if step in moments:
            seen.append(step * batch_size)
            losses.append(loss(W))
        if step < steps:
            batch = rng.choice(count, batch_size, replace=False) if batch_size < count else slice(None)
            W -= step_size * loss.with_gradient(W, batch)[1]
    return np.array(seen), np.array(losses)


def agreement(loss, W, batch_size, draws=20, seed=0):
    """The cosine between the gradient of a random batch and that of all points, (draws,)."""
    rng, full = np.random.default_rng(seed), loss.with_gradient(W)[1].ravel()
    cosines = []
    for _ in range(draws):
        part = loss.with_gradient(W, rng.choice(len(loss.X), batch_size, replace=False))[1].ravel()
        norms = np.linalg.norm(part) * np.linalg.norm(full)
        cosines.append(float(part @ full) / float(norms) if norms else 0.0)
    return np.array(cosines)


def explore_batch_size(loss, step_size, passes=4):
    """Choose the batch size: the same number of points looked at, in few exact steps or many rough ones."""
    from ipywidgets import SelectionSlider

    count = len(loss.X)
    sizes = [size for size in (4, 16, 64, 256, 1024) if size < count] + [count]
    curves = {size: descend_in_batches(loss, size, step_size, passes * count) for size in sizes}
    cosines = {size: agreement(loss, np.zeros(loss.shape), size) for size in sizes}

    def draw(batch_size):
        figure, axes = new_figure(9.8, 3.4, 1, 2)
        for size, (seen, losses) in curves.items():
            mine = size == batch_size
            axes[0].plot(
                seen, losses, color=COLORS[0] if mine else "#c4ccd2", linewidth=2.5 if mine else 1.2, zorder=2 + mine
            )
        axes[0].set(xlabel="images looked at", ylabel="loss on all of them", ylim=(0, 1.2 * loss(np.zeros(loss.shape))))
        axes[0].set_title(f"batches of {batch_size:,} (gray: the others)", fontsize=11)
        means = [cosines[size].mean() for size in sizes]
        axes[1].semilogx(sizes, means, "o-", color="#c4ccd2")
        axes[1].plot([batch_size] * len(cosines[batch_size]), cosines[batch_size], ".", color=COLORS[0])
        axes[1].set(xlabel="batch size", ylabel="cosine with the full gradient", ylim=(0, 1.05))
        axes[1].set_title("how well a batch points the right way", fontsize=11)
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
        steps = passes * count // batch_size
        return figure, (
            f"Batches of {batch_size:,}: <b>{steps:,} steps</b> for {passes * count:,} images, loss "
            f"<b>{curves[batch_size][1][-1]:.2f}</b>; cosine {cosines[batch_size].mean():.2f} on average."
        )

    options = [(f"{size:,}", size) for size in sizes]
    control = SelectionSlider(description="Batch size", options=options, value=sizes[min(3, len(sizes) - 1)])
    return Exploration(draw, {"batch_size": control}, description="Loss against images looked at, by batch size")
