"""What the arguments of loss functions must look like."""

import math
import numbers

from cs231n_kit.arrays import array_module


def scores(x, shape: str, ndim: int | None = None):
    """x as a floating array, integers as float64. ``shape`` names the expected shape in messages.

    Raises TypeError for other types and ValueError for another number of dimensions or an empty array.
    """
    xp = array_module(x)
    x = xp.asarray(x)
    if x.dtype.kind in "iu":
        x = x.astype(xp.float64)
    if x.dtype not in (xp.float32, xp.float64):
        raise TypeError(f"x must hold float32 or float64 numbers, not {x.dtype}: use x.astype(numpy.float32)")
    if x.ndim != ndim if ndim else x.ndim == 0:
        raise ValueError(f"x must have the shape {shape}, not {x.shape}")
    if x.size == 0:
        raise ValueError(f"x is empty, shape {x.shape}: a mean over no samples or no classes is not defined")
    return x


def labels(y, shape: tuple, classes: int, columns_of: str = "x has as many columns"):
    """y as an integer array of the given shape, every label between 0 and ``classes`` - 1."""
    y = integers(y, shape)
    check_range(y, classes, columns_of)
    return y


def integers(y, shape: tuple):
    """y as an integer array of the given shape. Raises ValueError or TypeError for anything else."""
    xp = array_module(y)
    y = xp.asarray(y)
    if y.shape != shape:
        hint = ": use y.ravel()" if len(shape) == 1 and y.shape == (*shape, 1) else ""
        raise ValueError(f"y must have one label for each score vector, shape {shape}, not {y.shape}{hint}")
    if y.dtype.kind not in "iu":
        raise TypeError(f"y must hold integers as labels, not {y.dtype}: use y.astype(int)")
    return y


def check_range(y, classes: int, columns_of: str) -> None:
    """Raise ValueError unless every label is one of 0, 1, ..., ``classes`` - 1."""
    if y.size and not (0 <= int(y.min()) and int(y.max()) < classes):
        wrong = y[(y < 0) | (y >= classes)][0]
        raise ValueError(
            f"y holds the label {int(wrong)}; labels must lie between 0 and {classes - 1}, because {columns_of}"
        )


def targets(y, x):
    """y as an array of x's type, and exactly of x's shape, so that nothing is broadcast by mistake."""
    xp = array_module(x, y)
    y = xp.asarray(y)
    if y.shape != x.shape:
        raise ValueError(f"y must have the same shape as x, {x.shape}, not {y.shape}")
    if y.dtype.kind not in "biuf":
        raise TypeError(f"y must hold real numbers, not {y.dtype}")
    return y.astype(x.dtype, copy=False)


def number(value, name: str, positive: bool = False) -> float:
    """value as a finite float of at least 0, or above 0. Raises ValueError naming it."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not real or value < 0 or (positive and value == 0):
        raise ValueError(f"{name} must be a {'positive' if positive else 'non-negative'} number, not {value!r}")
    return float(value)
