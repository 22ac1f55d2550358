"""Backward passes are tried on what the student's own forward pass keeps; failing that, on the cache of the text."""

from dataclasses import replace

from .answer_key import CheckKey, MistakeKey, PropertyKey
from .calling import Outcome
from .comparison import compare

EITHER = "either"


def settle(key: CheckKey, outcomes: list[list[Outcome]]) -> tuple[CheckKey, list[list[Outcome]]]:
    """`key` and `outcomes` with a single call for each three of the properties that compare "either" way.

    Their cases come in threes: a forward call, the backward call with what it kept, and the backward call with the
    cache that the text describes. Whichever is right counts; when none is, the first that returned anything.
    """
    properties, settled, chosen = [], [], {}
    for index, (p, row) in enumerate(zip(key.properties, outcomes, strict=True)):
        if p.compare == EITHER:
            chosen[index] = [_choice(p, row, i) for i in range(1, len(row), 3)]
            row = [row[i] for i in chosen[index]]
            p = replace(p, compare="values", cases=tuple(p.cases[i] for i in chosen[index]))
        properties.append(p)
        settled.append(row)
    if not chosen:
        return key, outcomes
    mistakes = tuple(_settled_mistake(m, chosen) for m in key.mistakes)
    return replace(key, properties=tuple(properties), mistakes=mistakes), settled


def _choice(p: PropertyKey, outcomes: list[Outcome], own: int) -> int:
    """The number of the backward call that counts: `own`, or the one after it."""

    def returned(i):
        return outcomes[i].status == "returned" and len(outcomes[i].values) == len(p.cases[i].expected)

    def right(i):
        pairs = list(zip(p.cases[i].expected, outcomes[i].values, strict=True)) if returned(i) else []
        compared = [pairs[k] for k in p.outputs] if pairs and p.outputs else pairs
        return bool(pairs) and all(compare("values", a, b, p.rtol, p.atol).agrees for a, b in compared)

    return next((i for test in (right, returned) for i in (own, own + 1) if test(i)), own + 1)


def _settled_mistake(mistake: MistakeKey, chosen: dict[int, list[int]]) -> MistakeKey:
    """The mistake's values for the calls that were chosen; those with its own cache, where it has them."""

    def outputs(index, row):
        if index not in chosen:
            return row
        owned = [1 + 3 * (i // 3) for i in chosen[index]]
        return tuple(row[i] if row[i] is not None else row[i + 1] for i in owned)

    return replace(mistake, outputs=tuple(outputs(i, row) for i, row in enumerate(mistake.outputs)))
