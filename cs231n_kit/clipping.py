"""Gradient clipping: keep one bad batch, or a long recurrence, from throwing the parameters far away.

Gradients are a dictionary from parameter names to arrays. The result is a new dictionary; inputs are not modified.
"""

import math
from numbers import Real

from cs231n_kit.arrays import array_module


def clip_by_norm(gradients: dict, max_norm: float) -> tuple[dict, float]:
    """Scale all gradients together so that their norm is at most ``max_norm``   (Pascanu et al., 2013).

    The norm is the Euclidean one of all arrays as a single vector, so that the direction stays the same. Returns
    the gradients and the norm before clipping, a float worth plotting. Where it is NaN or infinite there is no
    direction to keep: the gradients come back as they are. Raises ValueError unless max_norm > 0.
    """
    _check("max_norm", max_norm)
    norm = math.hypot(*(_norm(gradient) for gradient in gradients.values()))
    if not max_norm < norm < math.inf:
        return dict(gradients), norm
    scale = float(max_norm / norm)  # Python's float, which keeps float32
    return {name: gradient * scale for name, gradient in gradients.items()}, norm


def clip_by_value(gradients: dict, limit: float) -> dict:
    """Clip every element to [-limit, limit], which may turn the direction. Raises ValueError unless limit > 0."""
    _check("limit", limit)
    limit = float(limit)
    return {name: gradient.clip(-limit, limit) for name, gradient in gradients.items()}


def _norm(gradient) -> float:
    """The Euclidean norm, by way of the largest element, whose square may be beyond float32."""
    xp = array_module(gradient)
    largest = float(xp.abs(gradient).max()) if gradient.size else 0.0
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(float(xp.square(gradient / largest).sum(dtype=xp.float64)))


def _check(name, value):
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a positive number, not {value!r}")
