"""A course on disk: what instructors do with it, through nbgrader's own API."""

import logging
import math
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment, SubmittedNotebook
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import selectinload
from traitlets.config import PyFileConfigLoader

from .check import load_checks

CONFIG = "nbgrader_config.py"


class CourseError(Exception):
    """Something the instructor can mend; the message says how."""


@dataclass(frozen=True)
class Grade:
    """One student's standing in one assignment; `score` is before the `penalty` for handing in late.

    cells, notebooks: (name, score, points, still to be graded by hand). graded: False where a
    notebook could not be graded.
    """

    student: str
    score: float
    points: float
    by_hand: bool
    cells: tuple[tuple[str, float, float, bool], ...]
    notebooks: tuple[tuple[str, float, float, bool], ...] = ()
    penalty: float = 0.0
    seconds_late: float = 0.0
    graded: bool = True

    @property
    def final_score(self) -> float:
        """The score less the penalty, never below 0."""
        return max(0.0, self.score - self.penalty)


@dataclass(frozen=True)
class Graded:
    """What became of one submission. problem: "" when it was graded, else what is wrong and the mend."""

    student: str
    kept: bool = False
    problem: str = ""
    log: str = ""


class Course:
    """The course in the folder that holds nbgrader_config.py: `folder` or the nearest one above it."""

    def __init__(self, folder: Path):
        start = folder.resolve()
        found = [f for f in (start, *start.parents) if (f / CONFIG).is_file()]
        if not found:
            raise CourseError(f"There is no {CONFIG} in {start} or above it. Run this in the course's folder.")
        self.root = found[0]
        config = PyFileConfigLoader(CONFIG, path=str(self.root)).load_config()
        self.config = config
        logging.getLogger("traitlets").propagate = False
        warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own queries, harmless
        self._api = NbGraderAPI(config=config)
        self._folders = self._api.coursedir

    def allow_unsandboxed(self) -> None:
        """Grade without a sandbox from now on: submissions run with the instructor's own rights."""
        self.config.Judge.allow_unsandboxed = True
        self._api = NbGraderAPI(config=self.config)
        self._folders = self._api.coursedir

    def path(self, step: str, assignment: str, student: str = ".") -> Path:
        """The folder of a step ("source", "release", "submitted", "autograded" or "feedback")."""
        directory = getattr(self._folders, f"{step}_directory")
        return Path(self._folders.format_path(directory, student, assignment))

    def release(self, assignment: str) -> Path:
        """Build the students' version from solutions/; returns its folder."""
        if not self.path("source", assignment).is_dir():
            there = ", ".join(sorted(self._api.get_source_assignments())) or "nothing"
            raise CourseError(f"There is no {self._folders.source_directory}/{assignment}; there is {there}.")
        result = self._api.generate_assignment(assignment)
        if not result["success"]:
            raise CourseError(_explain(result))
        return self.path("release", assignment)

    def students(self, assignment: str) -> list[str]:
        """Students with a submission, sorted."""
        return sorted(self._api.get_submitted_students(assignment))

    def autograde(self, assignment: str, students: list[str], regrade: bool = False) -> Iterator[Graded]:
        """Grade the submissions one after the other; a submission that cannot be graded stops no other."""
        self.require_release(assignment)
        for student in students:
            result = self._api.autograde(assignment, student, force=regrade)
            log = result.get("log", "")
            if result["success"]:
                yield Graded(student, kept="Skipping existing assignment" in log, log=log)
            else:
                yield Graded(student, problem=_explain(result), log=log)

    def feedback(self, assignment: str, student: str) -> list[Path]:
        """Write the student's feedback pages; returns their paths."""
        result = self._api.generate_feedback(assignment, student)
        if not result["success"]:
            raise CourseError(_explain(result))
        return sorted(self.path("feedback", assignment, student).glob("*.html"))

    def graded_students(self, assignment: str) -> list[str]:
        """Students whose submission was graded, sorted."""
        return sorted(self._api.get_autograded_students(assignment))

    def grades(self, assignment: str) -> list[Grade]:
        """Grades of all students with a graded submission, by student."""
        self.require_release(assignment)
        with self.gradebook() as gradebook:
            released = gradebook.find_assignment(assignment)
            points = {n.id: sum(c.max_score for c in (*n.grade_cells, *n.task_cells)) for n in released.notebooks}
            found = [_grade(submission, points) for submission in submissions(gradebook, assignment)]
            return sorted(found, key=lambda grade: grade.student)

    def equal_results(self, assignment: str) -> list[tuple[str, list[str]]]:
        """Trained results whose arrays are equal to the last bit: (file, the students who handed them in)."""
        names = sorted(path.stem for path in self.path("source", assignment).glob("*.ipynb"))
        checks = [loaded for name in names if (loaded := load_checks(name, self.root))]
        found = []
        for file in (trained.file for check in checks for trained in check.trained):
            owners: dict[tuple, list[str]] = {}
            for student in self.students(assignment):
                if contents := _contents(self.path("submitted", assignment, student) / file):
                    owners.setdefault(contents, []).append(student)
            found += [(file, students) for students in owners.values() if len(students) > 1]
        return found

    def require_release(self, assignment: str) -> None:
        """Raises CourseError unless the gradebook knows the assignment."""
        try:
            with self.gradebook() as gradebook:
                gradebook.find_assignment(assignment)
        except MissingEntry:
            raise CourseError(f"{assignment} was never released here. Next: cs231n release {assignment}") from None

    def gradebook(self) -> Gradebook:
        """The open gradebook; use it as a context manager."""
        return Gradebook(self._folders.db_url, self._folders.course_id)


def submissions(gradebook: Gradebook, assignment: str) -> list[SubmittedAssignment]:
    """All submissions, as `gradebook.assignment_submissions` gives them, with their grades read in a few queries."""
    grades = selectinload(SubmittedAssignment.notebooks).selectinload(SubmittedNotebook.grades)
    query = gradebook.db.query(SubmittedAssignment).options(grades, selectinload(SubmittedAssignment.student))
    return query.filter(SubmittedAssignment.assignment_id == gradebook.find_assignment(assignment).id).all()


def _grade(submission: SubmittedAssignment, points: dict[str, float]) -> Grade:
    """points: of the released notebooks, by their ids."""
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    notebooks = tuple(
        (
            n.name,
            math.fsum(g.score for g in n.grades),
            points[n.notebook_id],
            any(g.needs_manual_grade for g in n.grades),
        )
        for n in submission.notebooks
    )
    return Grade(
        submission.student.id,
        math.fsum(grade.score for grade in grades),
        sum(points.values()),
        any(grade.needs_manual_grade for grade in grades),
        tuple((g.cell.name, g.score, g.cell.max_score, bool(g.needs_manual_grade)) for g in grades),
        notebooks,
        penalty=sum(n.late_submission_penalty or 0.0 for n in submission.notebooks),
        seconds_late=submission.total_seconds_late,
        graded=all(_is_graded(n) for n in submission.notebooks),
    )


def _is_graded(notebook: SubmittedNotebook) -> bool:
    """Whether the judge was done with it; of written answers alone nothing is known before somebody reads them."""
    scored = any((g.auto_score, g.manual_score) != (None, None) for g in notebook.grades)
    return scored or all(g.cell.cell_type != "code" for g in notebook.grades)


def _contents(path: Path) -> tuple:
    """Names, sizes and checksums of what is in an .npz file, without reading it; () where it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(sorted((member.filename, member.file_size, member.CRC) for member in archive.infolist()))
    except (OSError, zipfile.BadZipFile, ValueError):
        return ()


def _explain(result: dict) -> str:
    """The reason for a failure in one line, with the mend where it is known."""
    told = f"{result.get('log', '')}\n{result.get('error', '')}"
    for pattern, words in _KNOWN:
        if match := re.search(pattern, told, re.DOTALL):
            return words.format(*match.groups())
    lines = re.findall(r"^\s*(\w[\w.]*(?:Error|Exception|Unavailable)\b.*)$", told, re.MULTILINE)
    lines = [line for line in lines if not line.startswith("nbgrader.converters.base.NbGraderException")]
    return (lines[-1] if lines else told.strip().splitlines()[-1])[:500]


_KNOWN = (
    (r"SandboxUnavailable: ([^\n]+\n\s*[^\n]+)", "{0}"),
    (r"ValueError: (the submission holds [^\n]+)", "{0}"),
    (r"DatasetError: ([^\n]+)\n([^\n]+)", "its trained result cannot be judged here: {0} {1}"),
    (r"NotJSONError|JSONDecodeError", "the notebook is not valid JSON: ask for it to be saved and submitted again"),
    (r"NotebookValidationError", "the notebook is damaged (not a valid notebook): ask for it to be submitted again"),
    (r"UnicodeDecodeError", "the notebook is not UTF-8 text: ask for it to be saved in Jupyter and submitted again"),
    (r"No notebooks were matched", "there is no notebook in the submission"),
)
