"""The judge's places in nbgrader's assembly lines, named in `nbgrader_config.py`."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from traitlets import Bool, Float, Integer

from cs231n_kit.checking.answer_key import save_key

from .check import NotebookChecks, add_mistakes, draw_cases, load_checks
from .exercises import load_companions, load_exercises
from .intake import read_submission
from .judge import course_secret, public_generator
from .reference import Reference
from .sandbox import Limits
from .session import SessionSettings
from .work import Judged, Work, examine, is_check


class _InCourse(NbGraderPreprocessor):
    @property
    def course(self) -> CourseDirectory:
        return CourseDirectory(parent=self)

    @property
    def root(self) -> Path:
        return Path(self.course.root)

    def folder(self, step: str, info: dict, student: str = ".") -> Path:
        """The folder of a step ("source", "release", "submitted" ...) of the assignment in `info`."""
        directory = getattr(self.course, f"{step}_directory")
        return Path(self.course.format_path(directory, student, info["assignment"]))


class WriteAnswerKey(_InCourse):
    """At release: compares the notebook with its checks and writes the students' answer key beside it."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        name = resources["nbgrader"]["notebook"]
        checks = load_checks(name, self.root)
        if checks is None:
            refuse_unknown_checks(nb, name)
            return nb, resources
        compare_points(nb, checks, name)
        reference = Reference.from_notebook(Path(resources["metadata"]["path"]) / f"{name}.ipynb")
        keys = [
            add_mistakes(draw_cases(check, reference, public_generator(check.function)), check, reference)
            for check in checks.checks
        ]
        resources.setdefault("outputs", {})[f"{name}_key.npz"] = save_key(keys, checks.trained)
        released = self.folder("release", resources["nbgrader"])
        for trained in checks.trained:  # nbgrader has copied the instructor's own, if there is one
            (released / trained.file).unlink(missing_ok=True)
        return nb, resources


def compare_points(nb: NotebookNode, checks: NotebookChecks, name: str) -> None:
    """Raises ValueError unless each check has its cell in the notebook, worth the check's points."""
    cells = {c.metadata.nbgrader.grade_id: c.metadata.nbgrader.points for c in nb.cells if is_check(c)}
    for check in (*checks.checks, *checks.trained):
        if cells.pop(check.function, None) != check.points:
            raise ValueError(
                f"{name}.ipynb: the check cell {check.function!r} is missing or not worth {check.points:g} points, "
                f"as the checks of {name} say"
            )
    if cells:
        raise ValueError(f"{name}.ipynb: none of the checks of {name} is for the cells {', '.join(cells)}")


def refuse_unknown_checks(nb: NotebookNode, name: str) -> None:
    """Raises ValueError when a notebook without checks calls some: nothing would be known about its answers."""
    calls = [c.metadata.nbgrader.grade_id for c in nb.cells if is_check(c) and "check(" in c.source]
    if calls:
        raise ValueError(
            f"{name}.ipynb calls checks ({', '.join(calls)}), and there are none: write checks/{name}.py, as "
            "docs/new-exercise.md shows"
        )


class Judge(_InCourse):
    """Puts the submitted notebook in order, runs it in the sandbox, asks its functions for hidden cases, and writes
    the verdicts: the same that `cs231n autograde` does.
    """

    cell_timeout = Integer(30, help="Seconds for one cell of a submission.").tag(config=True)
    notebook_timeout = Integer(300, help="Seconds for all cells of a submission.").tag(config=True)
    memory_gib = Float(4, help="Memory of a submission's kernel, in GiB.").tag(config=True)
    allow_unsandboxed = Bool(
        False, help="Run submissions without a sandbox: with your rights, on your files. Only for code you trust."
    ).tag(config=True)

    @property
    def settings(self) -> SessionSettings:
        """What the configuration says."""
        return SessionSettings(
            cell_timeout=self.cell_timeout,
            notebook_timeout=self.notebook_timeout,
            limits=Limits(memory=int(self.memory_gib * 2**30)),
            allow_unsandboxed=self.allow_unsandboxed,
        )

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        info = resources["nbgrader"]
        source = self.folder("source", info)
        with Gradebook(info["db_url"]) as gradebook:
            exercises = load_exercises(gradebook, source, self.root, info["assignment"])
        work = Work(
            info["student"],
            info["assignment"],
            read_submission(self.folder("submitted", info, info["student"])),
            exercises,
            course_secret(self.root),
            self.settings,
            load_companions(self.course, source, self.config, info["assignment"]),
        )
        judged = examine(work, only=info["notebook"])
        for line in judged.log.splitlines():
            self.log.info("%s", line)
        if judged.problem:
            raise ValueError(judged.problem)
        return take(judged, nb, resources)


def take(judged: Judged, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
    """What a preprocessor returns in place of `nb`: its judged notebook, and the points for SaveJudgedGrades."""
    found = next(notebook for notebook in judged.notebooks if notebook.name == resources["nbgrader"]["notebook"])
    resources["nbgrader"]["points"] = found.points
    return nbformat.reads(found.content, as_version=4), resources


class SaveJudgedGrades(SaveAutoGrades):
    """Writes the judge's verdicts into the gradebook; nothing in the notebook's outputs counts."""

    def _add_score(self, cell: NotebookNode, resources: dict) -> None:
        if not is_check(cell):
            super()._add_score(cell, resources)
            return
        grade_id = cell.metadata.nbgrader.grade_id
        grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
        found = resources["nbgrader"]["points"].get(grade_id)
        grade.auto_score = None if found is None else round(grade.max_score * found[0] / found[1], 6)
        grade.needs_manual_grade = found is None or grade.manual_score is not None
        self.gradebook.db.commit()
