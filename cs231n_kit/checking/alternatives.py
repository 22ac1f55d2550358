"""Backward passes are tried on what the student's own forward pass keeps; failing that, on the cache of the text.

Their cases come in threes: a forward call, the backward call with what it kept, and the backward call with the cache
that the text describes. A single call of each three is looked at.
"""

from collections.abc import Sequence
from dataclasses import replace

from .answer_key import CheckKey, MistakeKey, PropertyKey
from .calling import Outcome
from .comparison import compare
from .relations import relate

EITHER = "either"
OWN_MASK = "own_mask"


def settle(key: CheckKey, outcomes: list[list[Outcome]]) -> tuple[CheckKey, list[list[Outcome]]]:
    """`key` and `outcomes` with the calls that count, of the properties that compare "either" way or "own_mask".

    Whichever is right counts; when none is, the first that returned anything. For "own_mask" the forward call counts
    too: what is right after it depends on what it dropped.
    """
    properties, settled, chosen = [], [], {}
    for index, (p, row) in enumerate(zip(key.properties, outcomes, strict=True)):
        if p.compare in (EITHER, OWN_MASK):
            chosen[index] = _chosen(p, row) if p.compare == EITHER else _chosen_masks(p, row)
            p = replace(p, cases=tuple(p.cases[i] for i in chosen[index]))
            if 0 not in chosen[index]:
                p = replace(p, compare="values", outputs=p.outputs if p.compare == EITHER else ())
            row = [row[i] for i in chosen[index]]
        properties.append(p)
        settled.append(row)
    if not chosen:
        return key, outcomes
    mistakes = tuple(_settled_mistake(m, chosen) for m in key.mistakes)
    return replace(key, properties=tuple(properties), mistakes=mistakes), settled


def _chosen(p: PropertyKey, outcomes: list[Outcome]) -> list[int]:
    """The numbers of the backward calls that count: of each three the second or the third."""
    return [
        next((i for test in (_right, _returned) for i in (own, own + 1) if test(p, outcomes, i)), own + 1)
        for own in range(1, len(outcomes), 3)
    ]


def _chosen_masks(p: PropertyKey, outcomes: list[Outcome]) -> list[int]:
    """The numbers of the calls that count: of all threes the first and second, or of all the third."""
    own = [i for i in range(len(outcomes)) if i % 3 != 2]
    documented = list(range(2, len(outcomes), 3))
    if all(_returned(p, outcomes, i) for i in own):
        values = [outcomes[i].values for i in own]
        related = relate(OWN_MASK, [p.cases[i] for i in own], values)
        own_right = all(not r.failure and _agree(p, r.expected, r.actual) for r in related)
        if own_right or not all(_right(replace(p, outputs=()), outcomes, i) for i in documented):
            return own
    return documented


def _returned(p: PropertyKey, outcomes: list[Outcome], i: int) -> bool:
    return outcomes[i].status == "returned" and len(outcomes[i].values) == len(p.cases[i].expected)


def _right(p: PropertyKey, outcomes: list[Outcome], i: int) -> bool:
    return _returned(p, outcomes, i) and _agree(p, p.cases[i].expected, outcomes[i].values)


def _agree(p: PropertyKey, expected: Sequence, actual: Sequence) -> bool:
    """Whether all values that the property looks at agree, and there are any."""
    pairs = list(zip(expected, actual, strict=True))
    compared = [pairs[k] for k in p.outputs] if pairs and p.outputs else pairs
    return bool(pairs) and all(compare("values", a, b, p.rtol, p.atol).agrees for a, b in compared)


def _settled_mistake(mistake: MistakeKey, chosen: dict[int, list[int]]) -> MistakeKey:
    """The mistake's values for the calls that were chosen; those with its own cache, where it has them."""

    def outputs(index, row):
        if index not in chosen:
            return row
        if 0 in chosen[index]:
            return tuple(row[i] for i in chosen[index])
        owned = [1 + 3 * (i // 3) for i in chosen[index]]
        return tuple(row[i] if row[i] is not None else row[i + 1] for i in owned)

    return replace(mistake, outputs=tuple(outputs(i, row) for i, row in enumerate(mistake.outputs)))
