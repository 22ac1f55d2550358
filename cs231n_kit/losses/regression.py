"""Losses for numbers: predictions x and targets y of one shape, (N,) or (N, D) or more dimensions.

Each sums over the dimensions of a sample and averages over the N samples   (lecture 06, regression).
"""

from cs231n_kit.arrays import array_module
from cs231n_kit.losses import arguments


def l2_loss(x, y):
    """L = 1/N Σᵢ |xᵢ - yᵢ|², the squared Euclidean distance without a factor 1/2.

    x (N, ...) and y of the same shape. Returns the loss, a float, and dL/dx = 2 (x - y) / N.
    Raises ValueError or TypeError for different shapes, an empty batch or what is not a number.
    """
    xp, difference = _difference(x, y)
    loss = float((difference * difference).sum(dtype=xp.float64)) / len(difference)
    difference *= 2 / len(difference)
    return loss, difference


def l1_loss(x, y):
    """L = 1/N Σᵢ Σⱼ |xᵢⱼ - yᵢⱼ|, which outliers move less than the L2 loss.

    Arguments and errors as ``l2_loss``; dL/dx = sign(x - y) / N, 0 where x = y.
    """
    xp, difference = _difference(x, y)
    loss = float(xp.abs(difference).sum(dtype=xp.float64)) / len(difference)
    return loss, xp.sign(difference) / len(difference)


def huber_loss(x, y, delta: float = 1.0):
    """L = 1/N Σᵢ Σⱼ h(xᵢⱼ - yᵢⱼ), h(d) = d²/2 for |d| <= δ and δ (|d| - δ/2) beyond   (Huber, 1964).

    Smooth like the L2 loss near the target, and linear like the L1 loss far from it. δ > 0. Arguments and errors as
    ``l2_loss``; dL/dx = clip(x - y, -δ, δ) / N.
    """
    xp, difference = _difference(x, y)
    delta = arguments.number(delta, "delta", positive=True)
    near = xp.clip(difference, -delta, delta)
    loss = float((near * (difference - near / 2)).sum(dtype=xp.float64)) / len(difference)
    return loss, near / len(difference)


def _difference(x, y):
    x = arguments.scores(x, "(N, ...)")
    return array_module(x, y), x - arguments.targets(y, x)
