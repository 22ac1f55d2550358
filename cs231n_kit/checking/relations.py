"""Relations between several calls of a student's functions: what a property compares when one call does not tell.

They separate one mistake from another. A loss that is wrong everywhere may still have its penalty right (`difference`),
a gradient may be that of the student's own wrong loss (`own_gradient`), a training step may follow the student's own
wrong gradient (`own_step`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .answer_key import Case
from .arguments import Network

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
    """Whether the gradients (second value and on) of the first call are those of the function's own loss (first).

    They are with respect to the first argument: an array W, or the parameters of a network. The other calls have
    another one, in pairs W + step and W - step, where the loss has to change as the gradients say; or the same W with
    other data, which a loss must not ignore.
    """
    points = [_arrays(case.arguments[0]) for case in cases]
    loss, gradients = _number(values[0][0]), _fitted(values[0][1:], points[0])
    if not gradients:
        return [Related(0, failure="the gradient has not the shape of the weights")]
    moved = [i for i in range(1, len(cases)) if _moved(points[i], points[0])]
    for i in range(1, len(cases)):
        if i not in moved and np.isclose(_number(values[i][0]), loss, rtol=1e-9, atol=0):
            return [Related(i, failure="the loss does not depend on all of the data, the labels and reg")]
    pairs = list(zip(moved[::2], moved[1::2], strict=True))
    changes = [_number(values[i][0]) - _number(values[j][0]) for i, j in pairs]
    if not np.isfinite([loss, *changes]).all():
        return [Related(0, failure="the loss is not finite")]
    if np.allclose(changes, 0, rtol=0, atol=1e-9 * abs(loss)):
        return [Related(0, failure="the loss does not depend on the weights")]
    return [Related(0, (np.array(changes),), (_told(gradients, points, pairs),))]


def own_backward(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """Whether a backward pass gives the gradients of the notebook's own forward pass, right or wrong.

    Forward at some arguments, backward with (dout, what that call kept), then forward in pairs at + step and - step:
    sum(dout * out) has to change as the gradients, one for each array of floats among forward's arguments and in
    dictionaries among them, say. Where forward has several outputs, backward gets a gradient for each.
    """
    points = [_given(case.arguments) for case in cases]
    gradients = _fitted(values[1], points[0])
    if any(not _fitted(values[i], points[1]) for i in (0, *range(2, len(cases)))):
        return [Related(0, failure="the forward pass gives no output of the shape of dout to start from")]
    if not gradients:
        return [Related(1, failure="the gradients have not the shapes of forward's arguments")]
    pairs = [(i, i + 1) for i in range(2, len(cases), 2)]
    sums = {i: _inner(points[1], _fitted(values[i], points[1])) for pair in pairs for i in pair}
    changes = np.array([sums[i] - sums[j] for i, j in pairs])
    if not np.isfinite(changes).all() or (np.abs(changes) < 1e-9).any():
        return [Related(0, failure="the forward pass does not depend on all of its arguments")]
    return [Related(1, (changes,), (_told(gradients, points, pairs),))]


def own_steps(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """Whether a pass over a sequence repeats the notebook's own step, right or wrong. What is right passes anyway.

    A call of the step for each time, with the states that the one before returned, then that of the whole sequence,
    (N, T, H). The first value of a step (N, H) is what the sequence has at that time.
    """
    last = len(cases) - 1
    if _near(values[last], cases[last].expected):
        return [Related(last, cases[last].expected, values[last])]
    steps = [_fitted(v[:1], case.expected[:1]) for v, case in zip(values[:last], cases[:last], strict=True)]
    if not all(steps):
        return [Related(last, failure="your own step gives no hidden states (N, H) to compare with")]
    h = np.stack([h for (h,) in steps], axis=1)
    if np.allclose(h, h[:, :1]):
        return [Related(last, failure="your own step does not depend on x")]
    return [Related(last, (h,), values[last])]


def own_steps_backward(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """Whether a backward pass through a sequence repeats the notebook's own backward step. What is right passes anyway.

    A forward call of the step for each time; then, from the last time to the first, what comes in from above at that
    time, sent back step by step to the beginning; then forward and backward of the whole sequence. A step gives
    (dx, dprev_h, gradients of the parameters), the sequence (dx, dh0, gradients of the parameters). As a step is
    linear in what comes in, the gradients are the sums over all these ways.
    """
    last, T = len(cases) - 1, cases[-1].arguments[0].shape[1]
    if _near(values[last], cases[last].expected):
        return [Related(last, cases[last].expected, values[last])]
    steps = [_fitted(values[i], cases[i].expected) for i in range(T, last - 1)]
    if not all(steps):
        return [Related(last, failure="your own backward step gives no gradients of the right shapes to compare with")]
    ways = [t for start in reversed(range(T)) for t in reversed(range(start + 1))]
    dx = np.stack([sum(step[0] for step, at in zip(steps, ways, strict=True) if at == t) for t in range(T)], axis=1)
    dh0 = sum(step[1] for step, at in zip(steps, ways, strict=True) if at == 0)
    gradients = (dx, dh0, *(sum(arrays) for arrays in zip(*(step[2:] for step in steps), strict=True)))
    if not all(gradient.any() for gradient in gradients):
        return [Related(last, failure="your own backward step gives gradients that are all zeros")]
    return [Related(last, gradients, values[last])]


def same(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """Whether the last call gives what the one before it gave, another function of the notebook."""
    before, last = values[-2:]
    if any(
        a.shape != b.shape or not {a.dtype.kind, b.dtype.kind} <= set("biuf") for a, b in zip(before, last, strict=True)
    ):
        return [Related(len(cases) - 1, failure="the shapes are others")]
    return [Related(len(cases) - 1, before, last)]


def unmoved(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """What should stay as it is in the dictionary that comes first, such as frozen weights, stays bit by bit.

    Those are the entries, among what a case takes by name, that are expected to be what they were before the call. Any
    other entry has to become something else, finite and of the right shape; what is no entry is compared as usual.
    """
    found = []
    for i, (case, actual) in enumerate(zip(cases, values, strict=True)):
        told, failure = [], ""
        for which, expected, value in zip(case.take, case.expected, actual, strict=True):
            name = which[1] if isinstance(which, tuple) else which
            before = case.arguments[0].get(name)
            stays, should = (before is not None and np.array_equal(before, array) for array in (value, expected))
            if stays != should and not failure:
                failure = f"{name} is not what it was, bit by bit" if should else f"{name} stays, but should change"
            usable = value.shape == expected.shape and value.dtype.kind in "biuf" and np.isfinite(value).all()
            told.append(expected if before is not None and usable else value)
        found.append(Related(i, case.expected, tuple(told), failure))
    return found


def subgradient(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """A ReLU's backward pass where some inputs are 0: at this kink every slope from 0 to 1 is right.

    Cases come in pairs: the forward pass of x, and the backward pass with (dout, what that call kept).
    """
    found = []
    for i in range(1, len(cases), 2):
        (x,), dout, (expected,), (dx,) = cases[i - 1].arguments, cases[i].arguments[0], cases[i].expected, values[i]
        if dx.shape == x.shape and dx.dtype.kind in "biuf":
            between = np.clip(dx.astype(np.float64), np.minimum(dout, 0), np.maximum(dout, 0))
            expected = np.where((x == 0) & np.isfinite(dx), between, expected)
        found.append(Related(i, (expected,), (dx,)))
    return found


def ties(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """The backward pass of a maximum over each map of x (N, C, H, W), where several places have it.

    One of them may get all of the gradient, each of them may, or they share it. Cases come in pairs: the forward pass
    of x, and the backward pass with (dout, what that call kept); dout (N, C, 1, 1) holds no zeros.
    """
    found = []
    for i in range(1, len(cases), 2):
        x, dout, (expected,), (dx,) = cases[i - 1].arguments[0], cases[i].arguments[0], cases[i].expected, values[i]
        if dx.shape == x.shape and dx.dtype.kind in "biuf":
            largest = x == x.max(axis=(2, 3), keepdims=True)
            shares = np.where(largest, np.clip(np.nan_to_num(dx / dout), 0, 1), 0)
            told, most = (part.sum(axis=(2, 3), keepdims=True) for part in (shares, largest))
            whole = np.isclose(told, 1, atol=1e-4) | np.isclose(told, most, atol=1e-4)
            expected = np.where(whole, shares * dout, expected)
        found.append(Related(i, (expected,), (dx,)))
    return found


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


def dropped(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """What dropout, called as (x, {"p": keeping probability, ...}), does to each x (N, D), which holds no zeros.

    In numbers that do not depend on which units a generator drops: the share kept, the least and the greatest factor
    of what is kept, and how much the shares kept of rows and of columns vary, in multiples of what chance makes them.
    """
    found = []
    for i, (case, (out,)) in enumerate(zip(cases, values, strict=True)):
        x, p = case.arguments[0], case.arguments[1]["p"]
        if out.shape != x.shape or out.dtype.kind not in "biuf":
            found.append(Related(i, failure="the output has not the shape of x"))
            continue
        kept = out != 0
        factors = (out / x)[kept]
        if not kept.any() or not np.isfinite(factors).all():
            found.append(Related(i, failure="the output is all zeros" if not kept.any() else "returns NaN or infinity"))
            continue
        chance = np.sqrt(p * (1 - p) / np.array(x.shape[::-1]))
        spread = np.array([kept.mean(axis=1).std(), kept.mean(axis=0).std()]) / chance
        share = kept.mean() if spread.max() < 3 else p  # whole rows or columns are too few draws to tell the share
        told = (np.array(share), np.array([factors.min(), factors.max()]), spread)
        found.append(Related(i, (np.array(p), np.full(2, 1 / p), np.ones(2)), told))
    return found


def own_mask(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """Whether dropout's backward pass does to dout what the forward pass did to x, neither of which holds a zero.

    Cases come in pairs: forward at x, backward with (dout, what that call kept). The share of places where both keep
    or both drop, and the least and the greatest ratio of the two factors where both keep: all should be 1.
    """
    found = []
    for i in range(1, len(cases), 2):
        x, dout, (out,), (dx,) = cases[i - 1].arguments[0], cases[i].arguments[0], values[i - 1], values[i]
        if out.shape != x.shape or dx.shape != x.shape or not {out.dtype.kind, dx.dtype.kind} <= set("biuf"):
            found.append(Related(i, failure="the gradient has not the shape of x"))
            continue
        both = (out != 0) & (dx != 0)
        ratios = (dx * x)[both] / (dout * out)[both] if both.any() else np.zeros(1)
        told = np.array(((out != 0) == (dx != 0)).mean()), np.array([ratios.min(), ratios.max()])
        found.append(Related(i, (np.array(1.0), np.ones(2)), told))
    return found


def seeded(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """Three calls, the first two with the same seed: their results should be the same, that of the third another."""
    (first,), (again,), (other,) = values
    if not np.array_equal(first, again):
        return [Related(1, failure="the same seed gives another result")]
    if np.array_equal(first, other):
        return [Related(2, failure="another seed gives the same result")]
    return []


def transitions(cases: Sequence[Case], values: Sequence[Values]) -> list[Related]:
    """Long sequences of small integers, drawn at random: the share of each pair of neighbours among all pairs."""
    found = []
    for i, (case, (drawn,)) in enumerate(zip(cases, values, strict=True)):
        (expected,) = case.expected
        count = int(expected.max()) + 1
        sequence = drawn.ravel()
        if sequence.dtype.kind not in "biuf" or not np.isin(sequence, np.arange(count)).all():
            found.append(Related(i, failure=f"there are values other than the whole numbers from 0 to {count - 1}"))
        elif abs(sequence.size - expected.size) > 0.1 * expected.size:
            found.append(Related(i, failure="the sequence has another length"))
        else:
            found.append(Related(i, (_pairs(expected, count),), (_pairs(sequence, count),)))
    return found


def _pairs(sequence: np.ndarray, count: int) -> np.ndarray:
    codes = sequence.astype(np.int64)
    return np.bincount(count * codes[:-1] + codes[1:], minlength=count**2).reshape(count, count) / (len(codes) - 1)


RELATIONS: dict[str, Callable[[Sequence[Case], Sequence[Values]], list[Related]]] = {
    "difference": difference,
    "own_gradient": own_gradient,
    "own_backward": own_backward,
    "own_step": own_step,
    "own_steps": own_steps,
    "own_steps_backward": own_steps_backward,
    "same": same,
    "unmoved": unmoved,
    "subgradient": subgradient,
    "ties": ties,
    "dropped": dropped,
    "own_mask": own_mask,
    "seeded": seeded,
    "transitions": transitions,
}

# A known mistake is recognised by what these compare.
RECOGNISED_RELATED = ("difference", "dropped", "own_mask", "transitions")


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


def _arrays(value) -> tuple[np.ndarray, ...]:
    return tuple(value.params.values()) if isinstance(value, Network) else (value,)


def _given(arguments: Sequence) -> tuple[np.ndarray, ...]:
    """The arrays of floats among `arguments`, and those in dictionaries among them, in order."""
    parts = [part for a in arguments for part in (a.values() if isinstance(a, dict) else (a,))]
    return tuple(part for part in parts if isinstance(part, np.ndarray) and part.dtype.kind == "f")


def _fitted(gradients: Values, like: Values) -> Values:
    """The gradients in the shapes of what they belong to, axes of length 1 aside; () where they do not fit."""
    shapes = [tuple(n for n in array.shape if n != 1) for array in (*gradients, *like)]
    if shapes[: len(gradients)] != shapes[len(gradients) :] or any(g.dtype.kind not in "biuf" for g in gradients):
        return ()
    return tuple(g.astype(np.float64).reshape(a.shape) for g, a in zip(gradients, like, strict=True))


def _inner(one: Values, other: Values) -> float:
    with np.errstate(all="ignore"):
        return sum(float((a * b).sum()) for a, b in zip(one, other, strict=True))


def _near(values: Values, expected: Values) -> bool:
    fitted = _fitted(values, expected)
    pairs = zip(fitted, expected, strict=True) if fitted else ()
    return bool(fitted) and all(np.allclose(a, e, rtol=1e-4, atol=2e-5) for a, e in pairs)


def _moved(point: Values, origin: Values) -> bool:
    return not all(np.array_equal(a, b) for a, b in zip(point, origin, strict=True))


def _told(gradients: Values, points: Sequence[Values], pairs: list[tuple[int, int]]) -> np.ndarray:
    """The changes that the gradients predict from the second point of each pair to the first."""
    with np.errstate(all="ignore"):
        return np.array(
            [
                sum(float((g * (a - b)).sum()) for g, a, b in zip(gradients, points[i], points[j], strict=True))
                for i, j in pairs
            ]
        )
