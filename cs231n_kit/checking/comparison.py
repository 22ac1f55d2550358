"""Compare what a function returned with what was expected, and say the difference in words."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Difference:
    """The result of a comparison.

    message is empty when the values agree. It names no value or place of the arrays (a grader may show it for
    hidden cases); `details` does. `error` is the largest absolute difference, NaN where none can be formed.
    `note` is a remark about a value that was accepted, for example an (N, 1) array where (N,) was asked for.
    """

    message: str = ""
    details: str = ""
    error: float = 0.0
    note: str = ""

    @property
    def agrees(self) -> bool:
        return not self.message


def compare(kind: str, expected: np.ndarray, actual: np.ndarray, rtol: float, atol: float) -> Difference:
    """Compare two arrays by the comparison named `kind` (a key of `COMPARISONS`)."""
    if actual.dtype.kind not in "biuf":
        return Difference(_WRONG_KIND.get(actual.dtype.kind, f"returns {actual.dtype}, not numbers"), error=np.nan)
    note = ""
    if actual.shape != expected.shape:
        if _squeezed(actual.shape) != _squeezed(expected.shape):
            return Difference("wrong shape", f"returned shape {actual.shape}, expected {expected.shape}", error=np.nan)
        note = f"returns an array with {actual.ndim} axes, the text asks for {expected.ndim} (accepted)"
        actual = actual.reshape(expected.shape)
    wide = actual.astype(np.float64)
    unusable = ~np.isfinite(wide) & np.isfinite(expected)
    if unusable.any():
        what = "NaN" if np.isnan(wide[unusable]).any() else "infinity"
        count = f"{unusable.sum()} of {wide.size} values are {what}, the first at {_place(np.argwhere(unusable)[0])}"
        return Difference(f"returns {what}", count if wide.ndim else "", np.nan)
    difference = COMPARISONS[kind](expected.astype(np.float64), wide, rtol, atol)
    if difference.agrees:
        return Difference(error=difference.error, note=note)
    if actual.dtype.kind in "iu" and expected.dtype.kind == "f":
        whole = f"whole numbers ({actual.dtype}): the decimals are cut off"
        return Difference(f"returns {whole}", difference.details, difference.error)
    return difference


def compare_values(expected, actual, rtol, atol) -> Difference:
    """Every element within atol + rtol |expected|; infinity and NaN agree with their own kind only."""
    with np.errstate(invalid="ignore", over="ignore"):
        same = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
        errors = np.where(same, 0.0, np.abs(actual - expected))
        errors[np.isnan(errors)] = np.inf
        excess = errors - np.where(np.isfinite(expected), atol + rtol * np.abs(expected), 0.0)
    if not errors.size:
        return Difference()
    largest = float(errors.max())
    if not (excess > 0).any():
        return Difference(error=largest)
    worst = np.unravel_index(int(excess.argmax()), excess.shape)
    count = f"{int((excess > 0).sum())} of {errors.size} values differ, most at {_place(worst)}: "
    values = f"expected {expected[worst]:.6g}, got {actual[worst]:.6g}"
    return Difference("values differ", count + values if errors.ndim else values, largest)


def compare_order(expected, actual, rtol, atol) -> Difference:
    """Each row sorts its columns in the same order (the values themselves may be on another scale)."""
    wanted, found = (np.argsort(values, axis=-1, kind="stable") for values in (expected, actual))
    wrong = (wanted != found).any(axis=-1)
    if not wrong.any():
        return Difference()
    if expected.ndim == 1:
        last = np.flatnonzero(wanted != found)[-1]
        places = f"should be at {_place([wanted[last]])} and is at {_place([found[last]])}"
        return Difference("the order is wrong", f"number {len(wanted) - last} by size {places}", np.nan)
    where = _place(np.argwhere(wrong)[0])
    return Difference("the order is wrong", f"{wrong.sum()} rows sort differently, the first is row {where}", np.nan)


def compare_labels(expected, actual, rtol, atol) -> Difference:
    """Every label equal."""
    wrong = expected != actual
    if not wrong.any():
        return Difference()
    first = tuple(np.argwhere(wrong)[0])
    details = (
        f"{wrong.sum()} of {wrong.size} labels differ, the first at {_place(first)}: "
        f"expected {expected[first]:g}, got {actual[first]:g}"
    )
    return Difference("labels differ", details, np.nan)


def compare_drawn(expected, actual, rtol, atol) -> Difference:
    """Only values that occur in expected, and at least half as many different ones: both were drawn at random."""
    allowed, drawn = _distinct(expected, rtol, atol), _distinct(actual, rtol, atol)
    nearest = np.abs(drawn[:, np.newaxis] - allowed).min(axis=1)
    strange = drawn[nearest > atol + rtol * np.abs(drawn)]
    if strange.size:
        details = f"{strange.size} of {drawn.size} different values cannot come up, one of them {strange[0]:.6g}"
        return Difference("values that cannot come up", details, np.nan)
    if 2 * drawn.size < allowed.size:
        details = f"{drawn.size} different values in {actual.size} draws, {allowed.size} can come up"
        return Difference("too few different values", details, np.nan)
    return Difference()


def _distinct(values, rtol, atol):
    """The sorted values without those that equal the one before them."""
    values = np.sort(values, axis=None)
    return values[np.diff(values, prepend=-np.inf) > atol + rtol * np.abs(values)]


def compare_noise(expected, actual, rtol, atol) -> Difference:
    """Random numbers of the same size: mean and standard deviation alike within a quarter. Zeros where expected."""
    size, found = expected.std(), actual.std()
    if not size:
        return compare_values(expected, actual, rtol, atol)
    if len(np.unique(actual)) < actual.size / 2:
        return Difference("not random", f"{len(np.unique(actual))} different values among {actual.size}", np.nan)
    if not 0.75 < found / size < 1.25:
        return Difference("numbers of another size", f"standard deviation {found:.3g}, expected {size:.3g}", np.nan)
    if abs(actual.mean() - expected.mean()) > size / 4:
        return Difference("another mean", f"mean {actual.mean():.3g}, expected {expected.mean():.3g}", np.nan)
    return Difference()


COMPARISONS = {
    "values": compare_values,
    "order": compare_order,
    "labels": compare_labels,
    "drawn": compare_drawn,
    "noise": compare_noise,
}

_WRONG_KIND = {
    "O": "returns Python objects, not an array of numbers (rows of different length, or None inside?)",
    "c": "returns complex numbers",
    "U": "returns text, not numbers",
    "S": "returns text, not numbers",
}


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def _place(index) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"
