"""Losses for attributes that are present or absent independently of each other: one binary classifier each.

Scores x are (N, A) for A attributes, or (N,) for a single one. Targets y have the same shape and hold 1 or True
where an attribute is present; where it is absent either 0 (False) or -1 throughout.
"""

from cs231n_kit.arrays import array_module
from cs231n_kit.losses import arguments


def binary_hinge_loss(x, y):
    """L = 1/N Σᵢ Σⱼ max(0, 1 - sᵢⱼ xᵢⱼ) with the sign s = ±1 of attribute j   (lecture 06, attribute classification).

    Scores x (N, A) or (N,), targets y of the same shape, 1 where present and 0 or -1 where absent. Returns the loss,
    a float, and dL/dx. Raises ValueError for other targets or shapes and for an empty batch.
    """
    xp = array_module(x, y)
    x, signs = _scores_and_signs(xp, x, y)
    margins = xp.maximum(0, 1 - signs * x)
    gradient = -signs * (margins > 0)
    gradient /= len(x)
    return float(margins.sum(dtype=xp.float64)) / len(x), gradient


def logistic_loss(x, y):
    """L = 1/N Σᵢ Σⱼ log(1 + exp(-sᵢⱼ xᵢⱼ)) with the sign s = ±1 of attribute j   (lecture 06, logistic regression).

    The negative log-likelihood of independent attributes with P(present) = σ(x); the same as
    -y log σ(x) - (1 - y) log(1 - σ(x)) for y in {0, 1}, without its overflow. Arguments, result and errors as
    ``binary_hinge_loss``; dL/dx = (σ(x) - y) / N.
    """
    xp = array_module(x, y)
    x, signs = _scores_and_signs(xp, x, y)
    margins = signs * x
    zero = x.dtype.type(0)
    losses = xp.logaddexp(zero, -margins)
    gradient = -signs * xp.exp(-xp.logaddexp(zero, margins))  # σ(-m) = 1 / (1 + exp m), which underflows gently
    gradient /= len(x)
    return float(losses.sum(dtype=xp.float64)) / len(x), gradient


def _scores_and_signs(xp, x, y):
    """x, checked, and +1 or -1 of the same shape and type where the attribute is present or absent."""
    x = arguments.scores(x, "(N, A), or (N,) for one attribute")
    if x.ndim > 2:
        raise ValueError(f"x must have the shape (N, A), or (N,) for one attribute, not {x.shape}")
    y = arguments.targets(y, x)
    present = y == 1
    if not bool((present | (y == 0)).all()) and not bool((present | (y == -1)).all()):
        raise ValueError("y must hold 1 where an attribute is present and, where it is absent, 0 or -1 throughout")
    return x, xp.where(present, x.dtype.type(1), x.dtype.type(-1))
