"""Grading a class: submissions are examined in parallel, and one writer records what comes of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbgrader.utils import parse_utc

from .course import Course, Grade
from .errors import CourseError
from .exercises import load_companions, load_exercises
from .gradebook import RunLock, back_up, require_writable
from .gradebook_errors import explained
from .intake import IntakeError, read_submission
from .judge import course_secret
from .preprocessors import Judge
from .recording import Recorder, was_recorded
from .work import Judged, Work
from .workers import Examiners, InThisProcess

TIMESTAMP = "timestamp.txt"
WAIT = 0.2
"""Seconds after which a stop is noticed at the latest."""


@dataclass(frozen=True)
class Graded:
    """What became of one submission. problem: "" when it was graded, else what is wrong and the mend.

    grade: as it is in the gradebook; where there is a problem, what an earlier submission got. kept: it was graded
    before. seconds: by phase; memory: the most bytes the examining process has had.
    """

    student: str
    kept: bool = False
    problem: str = ""
    log: str = ""
    grade: Grade | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    memory: int = 0


def autograde(
    course: Course,
    assignment: str,
    students: list[str],
    *,
    regrade: bool = False,
    examiners: Examiners | None = None,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[str], None] = lambda line: None,
) -> Iterator[Graded]:
    """Grade submissions; each comes out when it is recorded. One that cannot be graded stops no other.

    What is graded is kept unless a newer submission is there, or `regrade`. When `stop()` says so it ends early: what
    came out is recorded, and the same call goes on from there, as it does after this process was killed. tell: is
    given lines to show about the gradebook.

    Raises CourseError when nothing can be graded or recorded at present, or another run is under way.
    """
    course.require_release(assignment)
    with ExitStack() as stack:
        stack.enter_context(RunLock(course.root, f"autograde {assignment}"))
        with explained(course.db_url, tell):
            require_writable(course.db_url)
            if back_up(course.db_url, course.root) is None:
                tell("No backup of the gradebook is made: there is no pg_dump. Next: install postgresql-client")
        examiners = stack.enter_context(examiners or InThisProcess())
        recorder = stack.enter_context(Recorder(course, assignment, tell))
        yield from _Run(course, assignment, recorder, examiners, stop).grade(students, regrade)


class _Run:
    def __init__(
        self, course: Course, assignment: str, recorder: Recorder, examiners: Examiners, stop: Callable[[], bool]
    ):
        self._course, self._assignment, self._recorder, self._examiners = course, assignment, recorder, examiners
        self._stop = stop
        source = course.path("source", assignment)
        try:
            with course.gradebook() as gradebook:
                self._exercises = load_exercises(gradebook, source, course.root, assignment)
            self._companions = load_companions(course.folders, source, course.config, assignment)
            self._secret = course_secret(course.root)
        except (OSError, ValueError) as error:
            raise CourseError(str(error)) from error
        self._settings = Judge(config=course.config).settings

    def grade(self, students: list[str], regrade: bool) -> Iterator[Graded]:
        to_do, under_way = iter(students), {}
        while not self._stop():
            while len(under_way) < self._examiners.capacity and (student := next(to_do, None)) is not None:
                if not regrade and (grade := self._kept(student)):
                    yield Graded(student, kept=True, grade=grade)
                    continue
                try:
                    under_way[student] = self._work(student)
                except IntakeError as error:
                    yield self._refused(student, str(error))
                else:
                    self._examiners.submit(under_way[student])
            if not under_way:
                return
            for judged in self._examiners.finished(WAIT):
                yield self._record(under_way.pop(judged.student), judged)

    def _kept(self, student: str) -> Grade | None:
        """The grade of a submission since which nothing newer was handed in, as nbgrader decides it; else None."""
        grade = self._recorder.grade(student)
        if not was_recorded(self._course, self._assignment, student, grade):
            return None
        handed_in, graded = (
            _timestamp(self._course.path(step, self._assignment, student)) for step in ("submitted", "autograded")
        )
        return grade if handed_in is None or graded is None or handed_in <= graded else None

    def _work(self, student: str) -> Work:
        """Raises IntakeError."""
        files = read_submission(self._course.path("submitted", self._assignment, student))
        if TIMESTAMP in files and files[TIMESTAMP].strip():
            _parsed(files[TIMESTAMP])
        return Work(student, self._assignment, files, self._exercises, self._secret, self._settings, self._companions)

    def _record(self, work: Work, judged: Judged) -> Graded:
        if judged.problem:
            return self._refused(work.student, judged.problem, judged)
        try:
            log = self._recorder.record(work, judged)
        except CourseError:
            raise
        except Exception as error:
            problem = f"its grade could not be recorded: {type(error).__name__}: {error}"
            return self._refused(work.student, problem, judged)
        grade = self._recorder.grade(work.student)
        return Graded(work.student, False, "", judged.log + log, grade, judged.seconds, judged.memory)

    def _refused(self, student: str, problem: str, judged: Judged | None = None) -> Graded:
        """What was recorded of the student before stays as it is."""
        judged = judged or Judged(student)
        grade = self._recorder.grade(student)
        return Graded(student, False, problem, judged.log, grade, judged.seconds, judged.memory)


def _timestamp(folder: Path) -> datetime | None:
    """When it was handed in, None where nobody knows."""
    try:
        return _parsed((folder / TIMESTAMP).read_bytes())
    except (OSError, IntakeError):
        return None


def _parsed(content: bytes) -> datetime:
    try:
        return parse_utc(content.decode().strip())
    except (ValueError, OverflowError) as error:
        words = f"{TIMESTAMP} holds no time ({error}): write one like 2026-12-01 22:59:00 UTC, or delete the file"
        raise IntakeError(words) from error
