"""The unit of grading: one submission's files in, verdicts and the graded notebooks out.

A `Work` and what comes of it are plain data. Whoever examines it, in this process, in a worker process or on another
machine, needs neither the course's folder nor its gradebook.
"""

import io
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output
from nbgrader.utils import is_grade, is_solution

from cs231n_kit.checking.rendering import html, text
from cs231n_kit.checking.trained import judge_trained
from cs231n_kit.checking.verdicts import Report
from cs231n_kit.datasets import DatasetError

from .check import NotebookChecks, read_checks
from .intake import IntakeError, find_notebooks
from .judge import TEXT_SECONDS, held_out_images, judge_notebook, secret_generator
from .reference import Reference
from .restore import restore
from .sandbox import SandboxUnavailable
from .session import Session, SessionSettings

TRAINED_SECONDS = 600
"""Allowed for measuring one trained result."""


@dataclass(frozen=True)
class Exercise:
    """A notebook of the assignment.

    solution: the text of the instructor's; released: its graded cells, in order; own_checks: the text of the course's
    own checks, None where it takes those of grader.checks.
    """

    name: str
    solution: str
    released: tuple[dict, ...]
    kernelspec: dict | None = None
    own_checks: str | None = None

    @property
    def checks(self) -> NotebookChecks:
        return read_checks(self.name, self.own_checks) or NotebookChecks(())

    @property
    def grade_ids(self) -> set[str]:
        """Those of its graded cells."""
        return {cell["metadata"]["nbgrader"]["grade_id"] for cell in self.released}

    @property
    def file(self) -> str:
        return f"{self.name}.ipynb"


@dataclass(frozen=True)
class Work:
    """A submission to be examined.

    files, companions: contents by relative name; of the submission, and of what the instructor puts beside the
    notebooks, which takes the place of files that are called the same. secret: the course's.
    """

    student: str
    assignment: str
    files: Mapping[str, bytes]
    exercises: tuple[Exercise, ...]
    secret: bytes = field(repr=False)
    settings: SessionSettings = field(default_factory=SessionSettings)
    companions: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def time_limit(self) -> float:
        """Seconds after which whoever examines it must be hanging: more than the limits inside lead to in practice."""
        return sum(_time_limit(exercise.checks, self.settings) for exercise in self.exercises)


@dataclass(frozen=True)
class JudgedNotebook:
    """A notebook with the verdicts shown in it, as JSON. points: of each check, (earned, possible)."""

    name: str
    content: str
    points: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Judged:
    """What came of a Work. problem: "" when it was judged, else what is wrong and the mend.

    seconds: by phase (PHASES). memory: the most bytes that the examining process has had so far.
    """

    student: str
    notebooks: tuple[JudgedNotebook, ...] = ()
    problem: str = ""
    log: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    memory: int = 0


PHASES = ("intake", "cells", "questions", "verdicts")


def examine(work: Work, tell: Callable[[str], None] = lambda phase: None, only: str | None = None) -> Judged:
    """Judge a submission in the sandbox. `tell` is called with each phase as it begins; only: one notebook's name.

    Whatever is wrong with the submission becomes the result's `problem`. Raises SandboxUnavailable where submissions
    cannot be contained, unless the settings allow that.
    """
    told = io.StringIO()
    log = logging.Logger("judge", logging.INFO)
    handler = logging.StreamHandler(told)
    handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
    log.addHandler(handler)
    phases, notebooks, problem = _Phases(tell), (), ""
    try:
        notebooks = tuple(_examined(work, only, phases, log))
    except SandboxUnavailable:
        raise
    except IntakeError as error:
        problem = str(error)
    except DatasetError as error:
        problem = "its trained result cannot be judged here: " + " ".join(str(error).splitlines()[:2])
    except Exception as error:
        log.exception("judging ended in an error")
        problem = f"{type(error).__name__}: {error}"[:500]
    return Judged(work.student, notebooks, problem, told.getvalue(), phases.seconds, _peak_memory())


def _peak_memory() -> int:
    """The most bytes this process has had; 0 where nobody counts them."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ModuleNotFoundError:  # Windows, where assignments can be released
        return 0
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class _Phases:
    """Adds up the seconds of each phase."""

    def __init__(self, tell: Callable[[str], None]):
        self.seconds: dict[str, float] = {}
        self._tell = tell

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        self._tell(phase)
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - started


def _examined(work: Work, only: str | None, phases: _Phases, log: logging.Logger) -> Iterator[JudgedNotebook]:
    with tempfile.TemporaryDirectory(prefix="cs231n-work-") as place:
        folder = Path(place)
        with phases("intake"):
            notebooks, remarks = find_notebooks(work.files, {e.name: e.grade_ids for e in work.exercises})
            for remark in remarks:
                log.warning("%s", remark)
            _lay_out(work, folder)
        for exercise in work.exercises:
            if exercise.name in notebooks and only in (None, exercise.name):
                yield _examined_notebook(work, exercise, notebooks[exercise.name], remarks, folder, phases, log)


def _examined_notebook(
    work: Work,
    exercise: Exercise,
    notebook: NotebookNode,
    remarks: list[str],
    folder: Path,
    phases: _Phases,
    log: logging.Logger,
) -> JudgedNotebook:
    """remarks: on the whole submission."""
    with phases("intake"):
        mended = _restore(notebook, exercise)
    for remark in mended:
        log.warning("%s", remark)
    reports = _judge(work, exercise, notebook, folder, phases, log)
    with phases("verdicts"):
        _show(notebook, reports, [*remarks, *mended])
        points = {name: (report.earned, report.points) for name, report in reports.items()}
        return JudgedNotebook(exercise.name, nbformat.writes(notebook), points)


def _lay_out(work: Work, folder: Path) -> None:
    """Write what the student's code may find beside the notebook: but not the instructor's own trained results."""
    trained = {result.file for exercise in work.exercises for result in exercise.checks.trained}
    companions = {name: content for name, content in work.companions.items() if name not in trained}
    for name, content in {**work.files, **companions}.items():
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts:
            raise IntakeError(f"the submission holds a file with the name {name!r}: ask for it without")
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _restore(notebook: NotebookNode, exercise: Exercise) -> list[str]:
    """Put the graded cells back into the shape in which they were released; returns a remark on each mend."""
    notebook.cells, remarks = restore(notebook.cells, [nbformat.from_dict(cell) for cell in exercise.released])
    if exercise.kernelspec:
        notebook.metadata["kernelspec"] = nbformat.from_dict(exercise.kernelspec)
    return remarks


def _judge(
    work: Work, exercise: Exercise, notebook: NotebookNode, folder: Path, phases: _Phases, log: logging.Logger
) -> dict[str, Report]:
    """The report on every check of the notebook, into which the outputs of its cells go."""
    checks = exercise.checks
    reference = _reference(exercise.name, exercise.solution)

    def generator(function: str):
        return secret_generator(work.secret, work.student, work.assignment, exercise.name, function)

    session = Session(notebook, folder, checks.masked, work.settings, log)
    try:
        with phases("cells"):
            session.__enter__()
        with phases("questions"):
            reports = judge_notebook(checks, reference, notebook, session, generator, log)
    finally:
        session.__exit__()
    with phases("verdicts"):
        for trained in checks.trained:
            classifier = reference.function(trained.classifier)
            report = judge_trained(trained, folder, classifier, held_out_images, hidden=True)
            reports[trained.function] = report
            log.info("%s: %g of %g points", trained.function, report.earned, trained.points)
    return reports


def _show(notebook: NotebookNode, reports: Mapping[str, Report], remarks: list[str]) -> None:
    """Write the verdicts into their cells, and what was mended in front of everything."""
    for cell in notebook.cells:
        if is_check(cell) and cell.metadata.nbgrader.grade_id in reports:
            report = reports[cell.metadata.nbgrader.grade_id]
            data = {"text/html": html(report, details=False), "text/plain": text(report, details=False)}
            cell.outputs = [new_output("display_data", data=data)]
    if remarks:
        listed = "\n".join(f"- {remark}" for remark in remarks)
        notebook.cells.insert(0, new_markdown_cell(f"**Mended before grading**\n\n{listed}"))


def is_check(cell: NotebookNode) -> bool:
    """Whether the cell is one that the judge gives points for."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


@lru_cache(maxsize=64)
def _reference(name: str, solution: str) -> Reference:
    """Kept for the next submission: its imports are paid once."""
    return Reference.from_text(solution, name)


def _time_limit(checks: NotebookChecks, settings: SessionSettings) -> float:
    questions = sum(check.time_limit + TEXT_SECONDS for check in checks.checks)
    return 3 * settings.notebook_timeout + 2 * questions + TRAINED_SECONDS * len(checks.trained) + 120
