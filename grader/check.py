"""The vocabulary of checks. A file in `grader/checks/`, or in a course's own `checks/`, says with these words how a
notebook is judged."""

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import numpy as np

from cs231n_kit.checking.answer_key import Case, CheckKey, MistakeKey, PropertyKey, TrainedCheck
from cs231n_kit.checking.arguments import launch_of
from cs231n_kit.checking.calling import Outcome, call_for_text, call_named, in_turn
from cs231n_kit.checking.launching import run_text

from .reference import Reference

SINGLE_PRECISION = {"rtol": 1e-4, "atol": 2e-5}  # of a Property: right answers may compute in float32


@dataclass(frozen=True)
class Property:
    """One thing that should hold, with points of its own.

    cases: draws argument tuples from a random generator, or Cases, where another function is called. Those of
    compare="no_loops" are calls with more and more data; it may have none.
    compare: "values", "order", "labels", "drawn", "noise", "no_loops"; a relation between calls, one of
    `cs231n_kit.checking.relations.RELATIONS`; or "either", for backward passes (see
    `cs231n_kit.checking.alternatives`).
    outputs: which of the returned values are compared, all when empty. A value passes when
    |actual - expected| <= atol + rtol |expected|.
    """

    title: str
    points: float
    cases: Callable[[np.random.Generator], Sequence[tuple | Case]] | None = None
    compare: str = "values"
    rtol: float = 1e-6
    atol: float = 1e-8
    outputs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Mistake:
    """A known mistake: `replace` lists (old, new) texts that turn the reference's source into the mistaken one."""

    name: str
    hint: str
    replace: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Check:
    """How one function is judged. time_limit: seconds for all its cases together."""

    function: str
    properties: tuple[Property, ...]
    mistakes: tuple[Mistake, ...] = ()
    time_limit: float = 20.0

    @property
    def points(self) -> float:
        return sum(p.points for p in self.properties)


@dataclass(frozen=True)
class NotebookChecks:
    """All checks of a notebook, the modules hidden from it while it is graded, and its trained results."""

    checks: tuple[Check, ...]
    masked: tuple[str, ...] = ()
    trained: tuple[TrainedCheck, ...] = ()

    def __getitem__(self, function: str) -> Check:
        return {check.function: check for check in self.checks}[function]


def load_checks(notebook: str, course: Path | None = None) -> NotebookChecks | None:
    """The `CHECKS` of a notebook, None when it has none.

    Those in `checks/<notebook>.py` of the folder `course` come first, else they are those of the module or package
    `grader.checks.<notebook>`.

    Raises ValueError where the course's file fails or defines no CHECKS.
    """
    return read_checks(notebook, own_checks(notebook, course) if course else None)


def own_checks(notebook: str, course: Path) -> str | None:
    """The text of the course's own `checks/<notebook>.py`, None where there is none.

    It is the instructor's code, trusted as the solutions are.
    """
    path = course / "checks" / f"{notebook}.py"
    return path.read_text(encoding="utf-8") if path.is_file() else None


@lru_cache(maxsize=64)
def read_checks(notebook: str, own: str | None = None) -> NotebookChecks | None:
    """The `CHECKS` that the text `own` defines, or without one those of `grader.checks`; as `load_checks`."""
    if own is not None:
        return _run_checks(f"checks/{notebook}.py", own)
    name = f"grader.checks.{notebook}"
    if not notebook.isidentifier() or importlib.util.find_spec(name) is None:
        return None
    return importlib.import_module(name).CHECKS


def _run_checks(file: str, text: str) -> NotebookChecks:
    module = ModuleType(f"course_{Path(file).stem}")
    sys.modules[module.__name__] = module  # dataclasses look there
    try:
        exec(compile(text, file, "exec"), vars(module))
    except Exception as error:
        raise ValueError(f"{file} cannot be used: {type(error).__name__}: {error}") from error
    if not isinstance(checks := vars(module).get("CHECKS"), NotebookChecks):
        raise ValueError(f"{file} defines no CHECKS = NotebookChecks(...)")
    return checks


def draw_cases(check: Check, reference: Reference, generator: Callable[[Property], np.random.Generator]) -> CheckKey:
    """Draw the cases of `check`, with what the reference returns for them; no mistakes yet.

    generator(property) gives the random generator of a property: fixed for the students' answer key, secret for
    the judge.
    """
    properties = tuple(_draw(p, check.function, reference, generator(p)) for p in check.properties)
    parameters = tuple(inspect.signature(reference.function(check.function)).parameters)
    return CheckKey(check.function, parameters, properties)


def add_mistakes(key: CheckKey, check: Check, reference: Reference) -> CheckKey:
    """`key` with what each mistaken variant of the reference returns for its cases."""
    mistakes = tuple(
        MistakeKey(m.name, m.hint, _outputs(check.function, reference.patched(m.replace), key.properties))
        for m in check.mistakes
    )
    return replace(key, mistakes=mistakes)


def _draw(p: Property, function: str, reference: Reference, generator: np.random.Generator) -> PropertyKey:
    drawn = p.cases(generator) if p.cases else ()
    cases = [d if isinstance(d, Case) else Case(tuple(d)) for d in drawn]
    outcomes = _outcomes(function, reference, cases)
    failed = next((o for o in outcomes if o.status != "returned"), None)
    if failed is not None:
        raise RuntimeError(f"the reference fails on its own case of {p.title!r}: {failed}")
    cases = [replace(case, expected=outcome.values) for case, outcome in zip(cases, outcomes, strict=True)]
    return PropertyKey(p.title, p.points, p.compare, p.rtol, p.atol, tuple(cases), p.outputs)


def _outcomes(function: str, reference: Reference, cases: Sequence[Case]) -> list[Outcome]:
    def ask(case: Case, keep: bool) -> Outcome:
        if launch := launch_of(case.arguments):
            text = call_for_text(reference.namespace, function)
            return run_text(text.values[0].tobytes().decode(), launch) if text.status == "returned" else text
        return call_named(reference.namespace, case.function or function, case.arguments, case.take)

    return in_turn(cases, ask)


def _outputs(function: str, mistaken: Reference, properties: tuple[PropertyKey, ...]) -> tuple:
    """What a mistaken variant returns for every case, None where it does not return arrays."""

    def kept(outcome: Outcome) -> tuple | str | None:
        if outcome.status == "finding":
            return outcome.raised.type
        return outcome.values if outcome.status == "returned" else None

    return tuple(tuple(map(kept, _outcomes(function, mistaken, p.cases))) for p in properties)
