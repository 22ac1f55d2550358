"""Check gradients against centred differences, (f(x + h) - f(x - h)) / 2h   (lecture 03).

Use float64: the differences of float32 values hold only three or four digits.
"""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

SMALLEST = 1e-8  # denominators of relative errors: below it, numbers count as 0


def numeric_gradient(f: Callable, x, dout=None, h: float | None = None):
    """The gradient of f at x by centred differences, an array of x's shape and type.

    f maps x to a number, or to an array when its upstream gradient ``dout``, of the same shape, is given: the result
    then is the gradient of sum(f(x) * dout), which is what ``backward(dout, cache)`` computes.

    Each element is moved in place, by ±h, and put back whatever happens, so that f may also read x from elsewhere, such
    as from a model's parameters. Without h the step fits each element: ε^(1/3) max(1, |x|) with the machine precision
    ε of x's type, which balances rounding and curvature. Lists, integers and read-only arrays are copied first.

    Costs two calls of f for every element. Raises ValueError or TypeError when f returns something else.
    """
    x = _movable(x)
    return _quotients(lambda: f(x), x, np.ndindex(x.shape), dout, h)[0].reshape(x.shape).astype(x.dtype)


def numeric_gradients(f: Callable, *arguments, dout=None, h: float | None = None) -> tuple:
    """The gradients of f(*arguments) with respect to every one of them; otherwise as ``numeric_gradient``."""
    arguments = tuple(_movable(argument) for argument in arguments)
    return tuple(numeric_gradient(lambda _: f(*arguments), argument, dout, h) for argument in arguments)


def relative_error(a, b) -> float:
    """The largest |a - b| / max(|a| + |b|, 1e-8) of all elements: 0 where they agree, 1 where signs differ."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"a and b must have the same shape, not {a.shape} and {b.shape}")
    return float(_errors(a, b, SMALLEST).max(initial=0))


def check_gradient(f: Callable, x, gradient, dout=None, h: float | None = None, tolerance: float = 1e-5):
    """Compare ``gradient`` with the numeric gradient of f at x, element by element: a ``GradientReport``.

    Arguments as ``numeric_gradient``. Errors and tolerance as ``compare_gradients``, but differences that the rounding
    of f's values explains are no errors: those of a loss of 10 are uncertain by about 1e-9.
    """
    return _check(f, x, gradient, lambda x: list(np.ndindex(x.shape)), dout, h, tolerance)


def sparse_gradient_check(
    f: Callable, x, gradient, samples: int = 10, rng=0, dout=None, h: float | None = None, tolerance: float = 1e-5
):
    """``check_gradient`` at a few random elements only, for arrays that are too large to check in full.

    ``samples`` elements, at most as many as there are, are drawn without repetition by ``rng``, a generator or seed.
    """
    if isinstance(samples, bool) or not isinstance(samples, int | np.integer) or samples < 1:
        raise ValueError(f"samples must be a positive integer, not {samples!r}")

    def choose(x):
        chosen = np.random.default_rng(rng).choice(x.size, min(samples, x.size), replace=False)
        return [np.unravel_index(flat, x.shape) for flat in np.sort(chosen)]

    return _check(f, x, gradient, choose, dout, h, tolerance)


def compare_gradients(analytic: Mapping, numeric: Mapping, tolerance: float = 1e-5) -> "GradientReport":
    """Compare two dictionaries of gradients, with the same names and shapes.

    An element's error is |a - n| / max(|a| + |n|, 1e-5, a thousandth of the largest |a| + |n| in its array), because
    difference quotients cannot resolve elements far smaller than the others. Passed means no error above ``tolerance``.
    """
    if not analytic or set(analytic) != set(numeric):
        raise ValueError(f"Both must name the same gradients, at least one: {sorted(analytic)} and {sorted(numeric)}")
    rows = []
    for name in analytic:
        a, n = np.asarray(analytic[name]), np.asarray(numeric[name])
        if a.shape != n.shape:
            raise ValueError(f"The gradients {name!r} must have the same shape, not {a.shape} and {n.shape}")
        rows.append(_compare(name, a.ravel(), n.ravel(), list(np.ndindex(a.shape))))
    return GradientReport(tuple(rows), tolerance)


@dataclass(frozen=True)
class WorstElement:
    """Where an array's gradient is worst, ``index`` being () for numbers, and what both ways gave there."""

    name: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    error: float  # infinite where either is NaN or infinite
    checked: int  # the number of elements that were compared


@dataclass(frozen=True)
class GradientReport:
    """The worst element of each gradient, as a table when printed; true when all are within the tolerance."""

    rows: tuple[WorstElement, ...]
    tolerance: float

    @property
    def passed(self) -> bool:
        return all(row.error <= self.tolerance for row in self.rows)

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        table = [("gradient", "worst at", "analytic", "numeric", "error", "checked", "")]
        for row in self.rows:
            place = f"[{', '.join(map(str, row.index))}]"
            numbers = f"{row.analytic:.6g}", f"{row.numeric:.6g}", f"{row.error:.1e}", f"{row.checked:,}"
            table.append((row.name, place, *numbers, "ok" if row.error <= self.tolerance else "WRONG"))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in table]
        verdict = "All gradients agree" if self.passed else "Some gradients differ"
        return "\n".join(line.rstrip() for line in [*lines, f"{verdict} (tolerance {self.tolerance:.0e})."])


def _movable(x):
    """x itself where its elements can be moved in place, else a copy, of float64 unless it is floating already."""
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"x must hold real numbers, not {array.dtype}")
    if array.dtype in (np.float32, np.float64):
        return array if array is x and array.flags.writeable else array.copy()
    return array.astype(np.float64)


def _check(f, x, gradient, choose, dout, h, tolerance):
    """The report on the elements of x whose indices ``choose(x)`` lists."""
    x, gradient = _movable(x), np.asarray(gradient)
    if gradient.shape != x.shape:
        raise ValueError(f"gradient must have the shape of x, {x.shape}, not {gradient.shape}")
    indices = choose(x)
    numeric, rounding = _quotients(lambda: f(x), x, indices, dout, h)
    analytic = np.array([gradient[index] for index in indices])
    return GradientReport((_compare("x", analytic, numeric, indices, rounding),), tolerance)


def _quotients(f, x, indices, dout, h):
    """The centred differences of f() when x[index] moves, and how much rounding may change them, both float64."""
    pairs = [_quotient(f, x, index, dout, h) for index in indices]
    return np.array(pairs, np.float64).reshape(-1, 2).T


def _quotient(f, x, index, dout, h):
    epsilon = float(np.finfo(x.dtype).eps)
    if h is None:
        step = epsilon ** (1 / 3) * max(1.0, abs(float(x[index])))
    elif not 0 < h < np.inf:
        raise ValueError(f"h must be a positive number, not {h!r}")
    else:
        step = float(h)
    with _kept(x, index) as before:
        x[index] = before + step
        above, high = float(x[index]), _value(f(), dout)
        x[index] = before - step
        below, low = float(x[index]), _value(f(), dout)
    if above == below:
        raise ValueError(f"h = {step:g} is too small to move the element {before:g} in {x.dtype}")
    weights = 1.0 if dout is None else np.asarray(dout)
    difference = ((high - low) * weights).sum()  # differences before sums, which saves digits
    rounding = 4 * epsilon * ((np.abs(high) + np.abs(low)) * np.abs(weights) * (high != low)).sum()
    return difference / (above - below), rounding / (above - below)  # by the step that was made, after rounding


@contextmanager
def _kept(x, index):
    """x[index], put back at the end."""
    before = x[index].copy()
    try:
        yield before
    finally:
        x[index] = before


def _value(value, dout):
    """What f returned, checked, as float64 and copied, because f may return the same array again."""
    if isinstance(value, tuple | list):
        raise TypeError(
            f"f must return a number or an array, not a {type(value).__name__}: take its first item, f(x)[0]"
        )
    if value is None:
        raise TypeError("f must return a number or an array, but returns nothing: is its return statement missing?")
    value = np.array(value, np.float64)
    if dout is None and value.size != 1:
        raise ValueError(
            f"f returns an array of shape {value.shape}: give its upstream gradient dout, of the same shape"
        )
    if dout is not None and value.shape != np.shape(dout):
        raise ValueError(f"dout must have the shape of what f returns, {value.shape}, not {np.shape(dout)}")
    return value if dout is not None else value.reshape(())


def _compare(name, analytic, numeric, indices, rounding=0.0) -> WorstElement:
    """The worst of the elements, given as vectors; differences up to ``rounding`` do not count."""
    if analytic.size == 0:
        raise ValueError(f"The gradient {name!r} is empty: there is nothing to compare")
    sizes = np.abs(analytic.astype(np.float64)) + np.abs(numeric)
    largest = sizes[np.isfinite(sizes)].max(initial=0)
    errors = _errors(analytic, numeric, max(1e-5, 1e-3 * largest), rounding)
    worst = int(errors.argmax())
    index = tuple(int(i) for i in indices[worst])
    values = float(analytic[worst]), float(numeric[worst]), float(errors[worst])
    return WorstElement(name, index, *values, errors.size)


def _errors(a, b, smallest, rounding=0.0):
    """Relative errors, infinite where a or b is NaN or infinite."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore"):
        differences = np.abs(a - b)
        errors = np.maximum(differences - rounding, 0) / np.maximum(np.abs(a) + np.abs(b), smallest)
    return np.where(np.isfinite(differences), errors, np.inf)
