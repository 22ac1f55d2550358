"""A course on disk: what instructors do with it, through nbgrader's own API."""

import json
import logging
import math
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment, SubmittedNotebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import selectinload
from traitlets.config import PyFileConfigLoader

from .check import load_checks
from .errors import CourseError
from .gradebook import RunLock, with_timeouts
from .gradebook_errors import explained

if TYPE_CHECKING:
    from .autograding import Graded
    from .workers import Examiners

CONFIG = "nbgrader_config.py"


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


class Course:
    """The course in the folder that holds nbgrader_config.py: `folder` or the nearest one above it."""

    def __init__(self, folder: Path):
        start = folder.resolve()
        found = [f for f in (start, *start.parents) if (f / CONFIG).is_file()]
        if not found:
            raise CourseError(f"There is no {CONFIG} in {start} or above it. Run this in the course's folder.")
        self.root = found[0]
        config = PyFileConfigLoader(CONFIG, path=str(self.root)).load_config()
        config.CourseDirectory.db_url = with_timeouts(CourseDirectory(config=config).db_url)
        self.config = config
        logging.getLogger("traitlets").propagate = False
        warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own queries, harmless
        self._api = NbGraderAPI(config=config)
        self._folders = self._api.coursedir

    def allow_unsandboxed(self) -> None:
        """Grade without a sandbox from now on: submissions run with the instructor's own rights."""
        self.config.Judge.allow_unsandboxed = True

    @property
    def folders(self) -> CourseDirectory:
        """nbgrader's own idea of where everything is."""
        return self._folders

    def path(self, step: str, assignment: str, student: str = ".") -> Path:
        """The folder of a step ("source", "release", "submitted", "autograded" or "feedback")."""
        directory = getattr(self._folders, f"{step}_directory")
        return Path(self._folders.format_path(directory, student, assignment))

    def release(self, assignment: str) -> Path:
        """Build the students' version from solutions/; returns its folder.

        Raises CourseError, also while the course is being graded: those who are graded later would be measured by
        other checks.
        """
        if not self.path("source", assignment).is_dir():
            there = ", ".join(sorted(self._api.get_source_assignments())) or "nothing"
            raise CourseError(f"There is no {self._folders.source_directory}/{assignment}; there is {there}.")
        with RunLock(self.root, f"release {assignment}"):
            result = self._api.generate_assignment(assignment)
        if not result["success"]:
            raise CourseError(_explain(result))
        return self.path("release", assignment)

    def students(self, assignment: str) -> list[str]:
        """Students with a submission, sorted."""
        return sorted(self._api.get_submitted_students(assignment))

    def autograde(
        self, assignment: str, students: list[str], regrade: bool = False, examiners: "Examiners | None" = None
    ) -> Iterator["Graded"]:
        """Grade the submissions (see `grader.autograding.autograde`), in this process unless there are `examiners`."""
        from .autograding import autograde

        return autograde(self, assignment, students, regrade=regrade, examiners=examiners)

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
            points = _points(gradebook, assignment)
            order = self._order(assignment)
            found = [_grade(submission, points, order) for submission in submissions(gradebook, assignment)]
            return sorted(found, key=lambda grade: grade.student)

    def _order(self, assignment: str) -> dict[tuple[str, str], int]:
        """Where the marked cells stand, by (notebook, cell): the gradebook knows no order."""
        order = {}
        for path in self.path("source", assignment).glob("*.ipynb"):
            with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
                for place, cell in enumerate(json.loads(path.read_bytes())["cells"]):
                    order[path.stem, cell["metadata"].get("nbgrader", {}).get("grade_id")] = place
        return order

    def grade(self, assignment: str, student: str) -> Grade | None:
        """The grade of one student, None where nothing of the student's is in the gradebook."""
        with self.gradebook() as gradebook:
            try:
                submission = gradebook.find_submission(assignment, student)
            except MissingEntry:
                return None
            return _grade(submission, _points(gradebook, assignment), self._order(assignment))

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

    @property
    def db_url(self) -> str:
        """Where the gradebook is: SQLAlchemy's URL, with its password."""
        return self._folders.db_url

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """The open gradebook. Raises CourseError, with the mend, when it cannot be read or written."""
        with explained(self.db_url), Gradebook(self.db_url, self._folders.course_id) as gradebook:
            yield gradebook


def submissions(gradebook: Gradebook, assignment: str) -> list[SubmittedAssignment]:
    """All submissions, as `gradebook.assignment_submissions` gives them, with their grades read in a few queries."""
    grades = selectinload(SubmittedAssignment.notebooks).selectinload(SubmittedNotebook.grades)
    query = gradebook.db.query(SubmittedAssignment).options(grades, selectinload(SubmittedAssignment.student))
    return query.filter(SubmittedAssignment.assignment_id == gradebook.find_assignment(assignment).id).all()


def _points(gradebook: Gradebook, assignment: str) -> dict[str, float]:
    """What each released notebook is worth, by its id."""
    notebooks = gradebook.find_assignment(assignment).notebooks
    return {n.id: sum(cell.max_score for cell in (*n.grade_cells, *n.task_cells)) for n in notebooks}


def _grade(submission: SubmittedAssignment, points: dict[str, float], order: dict[tuple[str, str], int]) -> Grade:
    """points: of the released notebooks, by their ids. order: of the cells, by (notebook, cell)."""
    handed_in = sorted(submission.notebooks, key=lambda notebook: notebook.name)
    grades = [
        grade
        for notebook in handed_in
        for grade in sorted(notebook.grades, key=lambda g: order.get((notebook.name, g.cell.name), len(order)))
    ]
    notebooks = tuple(
        (
            n.name,
            math.fsum(g.score for g in n.grades),
            points[n.notebook_id],
            any(g.needs_manual_grade for g in n.grades),
        )
        for n in handed_in
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
    if path.is_symlink() or not path.is_file():  # a pipe would wait for its other end
        return ()
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(sorted((member.filename, member.file_size, member.CRC) for member in archive.infolist()))
    except (OSError, zipfile.BadZipFile, ValueError):
        return ()


def _explain(result: dict) -> str:
    """The reason for a failure in one line."""
    told = f"{result.get('log', '')}\n{result.get('error', '')}"
    lines = re.findall(r"^\s*(\w[\w.]*(?:Error|Exception|Unavailable)\b.*)$", told, re.MULTILINE)
    lines = [line for line in lines if not line.startswith("nbgrader.converters.base.NbGraderException")]
    return (lines[-1] if lines else told.strip().splitlines()[-1])[:500]
