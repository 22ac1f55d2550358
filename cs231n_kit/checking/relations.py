"""Relations between several calls of a student's functions: what a property compares when one call does not tell.

They separate one mistake from another. A loss that is wrong everywhere may still have its penalty right (`difference`),
a gradient may be that of the student's own wrong loss (`own_gradient`), a training step may follow the student's own
wrong gradient (`own_step`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .answer_key import Case

Values = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Related:
    """Arrays that should agree: what is `expected` of the call number `case`, and its `actual` values.

    failure: in words, why they cannot be compared.
    """

    case: int
    expected: Values = ()
    actual: Values = ()
    failure: str = ""


def difference(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """Cases come in pairs: the change of every value from the second call of a pair to the first."""
    return [
        Related(
            i,
            tuple(a - b for a, b in zip(cases[i].expected, cases[i + 1].expected, strict=True)),
            tuple(_minus(a, b) for a, b in zip(values[i], values[i + 1], strict=True)),
        )
        for i in range(0, len(cases), 2)
    ]


def own_gradient(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """Whether the gradient (second value) of the first call, at W, is that of the function's own loss (first value).

    The other calls have another first argument, in pairs W + step and W - step, where the loss has to change as the
    gradient says; or the same W with other data, which a loss must not ignore.
    """
    W = cases[0].arguments[0]
    if values[0][1].shape != W.shape:
        return [Related(0, failure="the gradient has not the shape of the weights")]
    loss, gradient = _number(values[0][0]), values[0][1].astype(np.float64)
    moved = [i for i in range(1, len(cases)) if not np.array_equal(cases[i].arguments[0], W)]
    for i in range(1, len(cases)):
        if i not in moved and np.isclose(_number(values[i][0]), loss, rtol=1e-9, atol=0):
            return [Related(i, failure="the loss does not depend on all of the data, the labels and reg")]
    pairs = list(zip(moved[::2], moved[1::2], strict=True))
    changes = [_number(values[i][0]) - _number(values[j][0]) for i, j in pairs]
    if not np.isfinite([loss, *changes]).all():
        return [Related(0, failure="the loss is not finite")]
    if np.allclose(changes, 0, rtol=0, atol=1e-9 * abs(loss)):
        return [Related(0, failure="the loss does not depend on the weights")]
    told = [float((gradient * (cases[i].arguments[0] - cases[j].arguments[0])).sum()) for i, j in pairs]
    return [Related(0, (np.array(changes),), (np.array(told),))]


def own_step(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """Cases come in pairs: the notebook's loss function at (W, X, y, reg), then training by one step on the same data.

    Training is called as (W, X, y, learning_rate, ...) and returns the new weights and the losses.
    """
    found = []
    for i in range(0, len(cases), 2):
        loss, gradient = values[i]
        W, learning_rate = cases[i + 1].arguments[0], cases[i + 1].arguments[3]
        if gradient.shape != W.shape:
            return [Related(i, failure="the gradient has not the shape of the weights")]
        found.append(Related(i + 1, (W - learning_rate * gradient, np.reshape(loss, 1)), values[i + 1]))
    return found


RELATIONS: dict[str, Callable[[Sequence[Case], Sequence[Values]], list[Related]]] = {
    "difference": difference,
    "own_gradient": own_gradient,
    "own_step": own_step,
}


def relate(kind: str, cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """What a property of this kind compares: each call with what is expected of it, unless it names a relation."""
    if kind in RELATIONS:
        return RELATIONS[kind](cases, values)
    return [Related(i, case.expected, actual) for i, (case, actual) in enumerate(zip(cases, values, strict=True))]


def _minus(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a - b in float64; a itself where they cannot be subtracted, to be told so."""
    if a.dtype.kind not in "biuf" or b.dtype.kind not in "biuf" or a.shape != b.shape:
        return a
    with np.errstate(all="ignore"):
        return a.astype(np.float64) - b.astype(np.float64)


def _number(value: np.ndarray) -> float:
    return float(value.reshape(())) if value.size == 1 and value.dtype.kind in "biuf" else np.nan
