"""The one writer: what was judged goes into the gradebook and into the folder of graded notebooks.

nbgrader's own autograding does it, with the verdicts in place of its execution, so that late penalties, grades given by
hand, comments and time stamps are nbgrader's. It works on a staging course, in which nothing is but one submission.
A submission's grades are one transaction, its folder is put in its place at once, and one that was interrupted
between the two is known, so that the next run grades it again.
"""

import ctypes
import io
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import scoped_session, sessionmaker

from .course import Course, Grade
from .errors import CourseError
from .gradebook_errors import explained
from .preprocessors import take
from .work import Judged, Work

JUDGE = "grader.preprocessors.Judge"
STAGING = ".grading.staging"
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def was_recorded(course: Course, assignment: str, student: str, grade: Grade | None) -> bool:
    """Whether there are graded notebooks of the student, and no run was killed while it recorded them.

    grade: what the gradebook says. Where an older gradebook was put back, it may know nothing of them.
    """
    return (
        grade is not None
        and course.path("autograded", assignment, student).is_dir()
        and not _mark(course, assignment, student).exists()
    )


def _mark(course: Course, assignment: str, student: str) -> Path:
    """This file is there from before the gradebook is written until the folder is in its place."""
    return course.root / STAGING / "unfinished" / assignment / student


class Recorder:
    """Records what was judged of one assignment; a context manager. Only one at a time may be open for a course.

    tell: is given a line to show when the gradebook has to be waited for.
    """

    def __init__(self, course: Course, assignment: str, tell: Callable[[str], None] | None = None):
        self._course, self._assignment, self._tell = course, assignment, tell
        self._staging = course.root / STAGING
        config = course.config.copy()
        config.CourseDirectory.submitted_directory = f"{STAGING}/submitted"
        config.CourseDirectory.autograded_directory = f"{STAGING}/autograded"
        self._api = NbGraderAPI(config=config)
        if JUDGE not in Autograde(coursedir=self._api.coursedir, parent=self._api).autograde_preprocessors:
            raise CourseError(
                f"nbgrader_config.py does not name {JUDGE} in Autograde.autograde_preprocessors, so nothing would be "
                "judged. Take that list from the course as it was handed out."
            )

    def __enter__(self) -> "Recorder":
        self._engine = create_engine(self._course.db_url)
        self._clear()
        return self

    def __exit__(self, *exception) -> None:
        self._engine.dispose()
        self._clear()

    def grade(self, student: str) -> Grade | None:
        """The student's grade as it is recorded, None where there is none."""
        with self._transaction():
            return self._course.grade(self._assignment, student)

    def record(self, work: Work, judged: Judged) -> str:
        """Record what came of `work`, wholly or not at all; returns what nbgrader had to say.

        Raises CourseError when nothing can be recorded at present, and other errors of nbgrader's for this submission.
        """
        staged = {step: self._staging / step / work.student / work.assignment for step in ("submitted", "autograded")}
        mark = _mark(self._course, work.assignment, work.student)
        try:
            with explained(self._course.db_url):  # the disk may be full at any of these steps
                _write(staged["submitted"], work.files)
                _write(staged["submitted"], {f"{n.name}.ipynb": n.content.encode() for n in judged.notebooks})
                with self._transaction():
                    told = self._run_nbgrader(work, judged, staged["submitted"])
                    mark.parent.mkdir(parents=True, exist_ok=True)
                    mark.touch()
                final = self._course.path("autograded", work.assignment, work.student)
                self._make_parents(final)
                put_in_place(staged["autograded"], final)
                mark.unlink()
        finally:
            for folder in staged.values():
                shutil.rmtree(folder.parent, ignore_errors=True)
        return told

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with explained(self._course.db_url, self._tell), one_transaction(self._engine):
            yield

    def _run_nbgrader(self, work: Work, judged: Judged, folder: Path) -> str:
        app = _Recording(folder, work, coursedir=self._api.coursedir, parent=self._api)
        app.autograde_preprocessors = [
            partial(take, judged) if named == JUDGE else named for named in app.autograde_preprocessors
        ]
        told = io.StringIO()
        handler = logging.StreamHandler(told)
        handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
        app.log.addHandler(handler)
        try:
            app.start()
        finally:
            app.log.removeHandler(handler)
        return told.getvalue()

    def _make_parents(self, final: Path) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        if self._api.coursedir.groupshared:
            for folder in (final.parent, final.parent.parent):
                folder.chmod(folder.stat().st_mode & 0o7777 | 0o2770)

    def _clear(self) -> None:
        """Remove what was staged; the marks stay."""
        for step in ("submitted", "autograded"):
            shutil.rmtree(self._staging / step, ignore_errors=True)
        for folder in (self._staging / "unfinished" / self._assignment, self._staging / "unfinished", self._staging):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


class _Recording(Autograde):
    """nbgrader's autograding of the one submission in `folder`; what goes wrong is raised, not logged."""

    def __init__(self, folder: Path, work: Work, **kwargs):
        super().__init__(**kwargs)
        self._folder, self._work = folder, work
        self.coursedir.assignment_id, self.coursedir.student_id = work.assignment, work.student

    def init_notebooks(self) -> None:
        self.notebooks = sorted(str(self._folder / e.file) for e in self._work.exercises if e.file in self._work.files)

    def convert_notebooks(self) -> None:
        names = self._work.assignment, self._work.student
        self.run_pre_convert_hook()
        self.init_assignment(*names)
        for notebook in self.notebooks:
            self.convert_single_notebook(notebook)
        self.set_permissions(*names)
        self.run_post_convert_hook()


@contextmanager
def one_transaction(engine: Engine) -> Iterator[None]:
    """Inside, whatever opens a Gradebook of nbgrader's has a part in one transaction on one connection.

    It is committed at the end, and taken back when anything is raised: what nbgrader commits, cell by cell, is not.
    """
    with engine.begin() as connection:
        sessions = sessionmaker(bind=connection, join_transaction_mode="rollback_only", autoflush=True)

        def opened(gradebook, db_url, course_id="default_course", authenticator=None) -> None:
            gradebook.engine, gradebook.db = engine, scoped_session(sessions)
            gradebook.course_id, gradebook.authenticator = course_id, authenticator

        def closed(gradebook) -> None:
            gradebook.db.remove()

        kept = Gradebook.__init__, Gradebook.close
        Gradebook.__init__, Gradebook.close = opened, closed
        try:
            yield
        finally:
            Gradebook.__init__, Gradebook.close = kept


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def put_in_place(new: Path, final: Path) -> None:
    """Make the folder `new` the folder `final`, at once; what `final` was is then `new`."""
    if not final.exists():
        os.replace(new, final)
        return
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if exchange and exchange(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(final), RENAME_EXCHANGE) == 0:
        return
    old = new.with_name(f"{new.name}.old")  # a file system that cannot exchange
    os.replace(final, old)
    os.replace(new, final)
    os.replace(old, new)
