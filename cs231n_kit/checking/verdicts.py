"""From outcomes to verdicts: which properties hold, what is off, and which known mistake explains it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from .alternatives import settle
from .answer_key import Case, CheckKey, MistakeKey, PropertyKey
from .arguments import Network, describe, launch_of
from .calling import TEXT_LIMIT, Outcome
from .comparison import COMPARISONS, Difference, compare, compare_values
from .findings import explain, hint_of
from .relations import RECOGNISED_RELATED, relate

PASSED, FAILED, NOT_IMPLEMENTED = "passed", "failed", "not implemented yet"


@dataclass(frozen=True)
class Verdict:
    """One row of the table. `message` reveals nothing of the cases; `details` and `call` (the one that failed) may."""

    title: str
    points: float
    status: str
    message: str = ""
    details: str = ""
    error: float = 0.0
    hint: str = ""
    notes: tuple[str, ...] = ()
    call: str = ""

    @property
    def earned(self) -> float:
        return self.points if self.status == PASSED else 0.0


@dataclass(frozen=True)
class Report:
    """All verdicts about one function. `mistakes` holds the names of the known mistakes recognised."""

    function: str
    verdicts: tuple[Verdict, ...]
    printed: str = ""
    mistakes: tuple[str, ...] = field(default=())

    @property
    def earned(self) -> float:
        return sum(v.earned for v in self.verdicts)

    @property
    def points(self) -> float:
        return sum(v.points for v in self.verdicts)

    @property
    def passed(self) -> bool:
        return all(v.status == PASSED for v in self.verdicts)

    def _repr_html_(self) -> str:
        from .rendering import html

        return html(self)

    def __repr__(self) -> str:
        from .rendering import text

        return text(self)


def judge(key: CheckKey, outcomes: list[list[Outcome]], loop: str) -> Report:
    """Form the verdicts from what calls of the student's function did.

    outcomes[i][j]: of case j of property i. loop: names a Python loop in the function, "" when it has none.
    """
    key, outcomes = settle(key, outcomes)
    flat = [(o, c) for p, row in zip(key.properties, outcomes, strict=True) for o, c in zip(row, p.cases, strict=True)]
    printed = next((o.printed for o, _ in flat if o.printed), "")
    own = ("", *(c.function for _, c in flat if c.function.startswith(f"{key.function}.")))
    if all(_unimplemented(o, c.expected) for o, c in flat if c.function in own and o.status != "unkept"):
        verdicts = tuple(Verdict(p.title, p.points, NOT_IMPLEMENTED) for p in key.properties)
        return Report(key.function, verdicts, printed)

    @cache
    def explains(mistake: int, index: int) -> bool:
        return _alike(key.properties[index], key.mistakes[mistake].outputs[index], outcomes[index])

    verdicts, mistakes = [], []
    for index, (p, row) in enumerate(zip(key.properties, outcomes, strict=True)):
        if p.compare == "no_loops":
            continue
        verdict = _verdict(p, row, key)
        if verdict.status != PASSED and (mistake := _recognise(key, index, explains)):
            verdict = replace(verdict, hint=mistake.hint)
            mistakes.append(mistake.name)
        verdicts.append(verdict)
    works = any(v.status == PASSED for v in verdicts)
    for index, (p, row) in enumerate(zip(key.properties, outcomes, strict=True)):
        if p.compare == "no_loops":
            verdicts.insert(index, _loop_verdict(p, row, loop, works))
    return Report(key.function, tuple(verdicts), printed, tuple(dict.fromkeys(mistakes)))


def _unimplemented(outcome: Outcome, expected: tuple[np.ndarray, ...]) -> bool:
    """Nothing returned, or zeros where something else was expected (an untouched template)."""
    if outcome.status == "nothing":
        return True
    return (
        outcome.status == "returned"
        and all(v.dtype.kind in "biuf" and not v.any() for v in outcome.values)
        and any(e.any() for e in expected)
    )


def _loop_verdict(p: PropertyKey, outcomes: list[Outcome], loop: str, works: bool) -> Verdict:
    """Only a function that gets something right earns points for its style.

    outcomes: of counted calls with more and more data, which must not need many more instructions.
    """
    if loop:
        return Verdict(p.title, p.points, FAILED, f"uses a Python loop: {loop}")
    if not works or any(o.status != "returned" for o in outcomes):
        return Verdict(p.title, p.points, FAILED, "counts once another property holds")
    counts = [o.instructions for o in outcomes]
    if counts and max(counts) > 1.5 * counts[0] + 100:
        return Verdict(p.title, p.points, FAILED, "runs more Python statements for more data, as loops do")
    return Verdict(p.title, p.points, PASSED)


def _verdict(p: PropertyKey, outcomes: list[Outcome], key: CheckKey) -> Verdict:
    """The first thing that is wrong decides; when nothing is, the largest error of all is shown."""
    notes: dict[str, None] = {}
    for outcome, case in zip(outcomes, p.cases, strict=True):
        for i in outcome.changed if not case.function else ():
            notes[f"changes its input {key.parameters[i]} (work on a copy: the caller still needs it)"] = None
        if any(isinstance(case.arguments[i], Network) for i in outcome.changed if i < len(case.arguments)):
            notes[f"{case.function} changes the network's params (only training should)"] = None
        message, details = _not_returned(outcome, len(case.expected))
        if message and case.function:
            message = f"needs {case.function}, which {message}"
        if message:
            call = _describe_call(key, case)
            hint = hint_of(outcome.raised) if outcome.status == "finding" else ""
            return Verdict(p.title, p.points, FAILED, message, details, np.nan, hint, tuple(notes), call)
    largest = 0.0
    for place, differences in _differences(p, _values(outcomes)):
        notes |= dict.fromkeys(d.note for d in differences if d.note)
        wrong = next((d for d in differences if not d.agrees), None)
        if wrong is not None:
            told = (wrong.message, wrong.details, wrong.error)
            call = _describe_call(key, p.cases[place])
            return Verdict(p.title, p.points, FAILED, *told, notes=tuple(notes), call=call)
        largest = max([largest, *(d.error for d in differences)])
    return Verdict(p.title, p.points, PASSED, error=largest, notes=tuple(notes))


def _differences(p: PropertyKey, values: list[tuple[np.ndarray, ...]]) -> list[tuple[int, list[Difference]]]:
    """For each thing that the property compares: the number of the call, and the differences of its values."""
    kind = p.compare if p.compare in COMPARISONS else "values"
    found = []
    for related in relate(p.compare, p.cases, values):
        if related.failure:
            found.append((related.case, [Difference(related.failure, error=np.nan)]))
            continue
        names = _names(p.cases[related.case], len(related.expected))
        differences = [
            _of(names[i], compare(kind, related.expected[i], related.actual[i], p.rtol, p.atol))
            for i in _compared(p, len(related.expected))
        ]
        found.append((related.case, differences))
    return found


def _names(case: Case, count: int) -> tuple[int | str, ...]:
    """What the values of a case are called: entries of a dictionary by their keys, others not."""
    if case.take is None or len(case.take) != count:
        return ("",) * count
    return tuple(which[1] if isinstance(which, tuple) else which for which in case.take)


def _of(name: int | str, difference: Difference) -> Difference:
    if not isinstance(name, str) or not name or not difference.details:
        return difference
    return replace(difference, details=f"{name}: {difference.details}")


def _compared(p: PropertyKey, count: int) -> tuple[int, ...]:
    """Which of `count` values the property looks at."""
    return p.outputs if p.outputs and p.compare != "own_gradient" else tuple(range(count))


def _describe_call(key: CheckKey, case: Case) -> str:
    """A call in short: "f(X: float64 (5, 3), k: 1)"."""
    told = [describe(a) for a in case.arguments]
    if launch_of(case.arguments):
        return told[0]
    if not case.function:
        told = [f"{name}: {words}" for name, words in zip(key.parameters, told, strict=False)]
    return f"{case.function or key.function}({', '.join(told)})"


def _not_returned(outcome: Outcome, count: int) -> tuple[str, str]:
    """(message, details) when the call gave no `count` arrays to compare, else ("", "")."""
    match outcome.status:
        case "returned" if len(outcome.values) == count:
            return "", ""
        case "returned":
            return f"returns {len(outcome.values)} values, {count} expected", ""
        case "nothing":
            return "returns nothing here (None): is a return missing on this path?", ""
        case "object":
            return f"returns a {outcome.returned_type}, not an array of numbers", ""
        case "lacks":
            return f"returns no {outcome.returned_type}", ""
        case "unset":
            return f"leaves no {outcome.returned_type} in the dictionary that it is given", ""
        case "unkept":
            return f"needs what the forward pass keeps, and that has no {outcome.returned_type}", ""
        case "raised":
            error = outcome.raised
            where = f" in line {error.line_number}: {error.line}" if error.line else ""
            return f"raises {error.type}{where}", error.message + _advice(error.type, error.message)
        case "finding":
            return explain(outcome.raised)
        case "no_text":
            return f"returns a {outcome.returned_type}, not the text of a kernel ({TEXT_LIMIT:,} bytes at most)", ""
        case "undefined":
            return "is not defined: run the cell that defines it, and keep its name", ""
        case "timeout":
            return "takes too long: stopped at the time limit", ""
        case "died":
            return "ends the Python process (out of memory, or an exit call)", ""
        case "garbled":
            return "gives an answer that cannot be read as arrays", ""
        case _:
            return "could not be called: the notebook stops or alters its own kernel", ""


def _advice(error_type: str, message: str) -> str:
    if error_type == "AttributeError" and "module 'numpy' has no attribute" in message:
        return ". This name was removed from NumPy: use the plain Python type (int, float, bool) instead"
    return ""


def _recognise(key: CheckKey, index: int, explains: Callable[[int, int], bool]) -> MistakeKey | None:
    """The known mistake that explains why property `index` fails: it gives the student's values for every case.

    explains(number of a mistake, index): whether it does so for that property. Among several, the one that explains
    the most properties; then the one listed first. Where a mistake raises, it has to explain everything: exceptions
    alone are too alike.
    """
    best, most = None, 0
    for number, mistake in enumerate(key.mistakes):
        if not explains(number, index) or not _differs(key.properties[index], mistake.outputs[index]):
            continue
        explained = sum(explains(number, i) for i in range(len(key.properties)))
        raises = any(not isinstance(values, tuple) for values in mistake.outputs[index])
        if explained > most and not (raises and explained < len(key.properties)):
            best, most = mistake, explained
    return best


def _differs(p: PropertyKey, outputs: tuple) -> bool:
    """Whether the mistake that returns `outputs` fails the property."""
    if any(not isinstance(v, tuple) or len(v) != len(c.expected) for c, v in zip(p.cases, outputs, strict=True)):
        return True
    return not all(d.agrees for _, differences in _differences(p, list(outputs)) for d in differences)


def _alike(p: PropertyKey, outputs: tuple, outcomes: list[Outcome]) -> bool:
    """Whether the calls gave what the mistake gives, in all that the property looks at."""
    for values, outcome in zip(outputs, outcomes, strict=True):
        if isinstance(values, str):
            if outcome.status != "finding" or outcome.raised.type != values:
                return False
            continue
        if outcome.status not in (("raised", "lacks", "unset", "object") if values is None else ("returned",)):
            return False
        if values is not None and len(values) != len(outcome.values):
            return False
    if p.compare in RECOGNISED_RELATED and all(isinstance(v, tuple) for v in outputs):
        pairs = zip(relate(p.compare, p.cases, outputs), relate(p.compare, p.cases, _values(outcomes)), strict=True)
        rows = [(theirs.actual, own.actual) for theirs, own in pairs]
        if not all(len(theirs) == len(own) > 0 for theirs, own in rows):
            return False
    else:
        rows = [(v, o.values) for v, o in zip(outputs, outcomes, strict=True) if isinstance(v, tuple)]
    return all(_equal(p, v[i], actual[i]) for v, actual in rows for i in _compared(p, len(v)))


def _values(outcomes: list[Outcome]) -> list[tuple[np.ndarray, ...]]:
    return [outcome.values for outcome in outcomes]


def _equal(p: PropertyKey, expected: np.ndarray, actual: np.ndarray) -> bool:
    """Whether `actual` is what a mistake returns. Where both have NaN, places may differ: rounding decides them."""
    if actual.dtype.kind not in "biuf" or expected.size != actual.size:
        return False
    if p.compare in ("drawn", "noise"):
        return compare(p.compare, expected, actual, p.rtol, p.atol).agrees
    expected, actual = expected.astype(np.float64).ravel(), actual.astype(np.float64).ravel()
    missing, absent = np.isnan(expected), np.isnan(actual)
    gap = missing | absent
    if missing.any() != absent.any() or ((missing != absent).any() and 2 * gap.sum() > gap.size):
        return False
    return compare_values(expected[~gap], actual[~gap], p.rtol, p.atol).agrees
