"""The judge's places in nbgrader's assembly lines, named in `nbgrader_config.py`."""

import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output
from nbgrader.api import Gradebook, Notebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from nbgrader.utils import is_grade, is_solution
from traitlets import Bool, Float, Integer

from cs231n_kit.checking.answer_key import save_key
from cs231n_kit.checking.rendering import html, text
from cs231n_kit.checking.trained import judge_trained

from .check import NotebookChecks, add_mistakes, draw_cases, load_checks
from .judge import course_secret, held_out_images, judge_notebook, public_generator, secret_generator
from .reference import Reference
from .restore import restore
from .sandbox import Limits
from .session import Session, SessionSettings

REMARKS = "cs231n_remarks"


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
    cells = {c.metadata.nbgrader.grade_id: c.metadata.nbgrader.points for c in nb.cells if _is_check(c)}
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
    calls = [c.metadata.nbgrader.grade_id for c in nb.cells if _is_check(c) and "check(" in c.source]
    if calls:
        raise ValueError(
            f"{name}.ipynb calls checks ({', '.join(calls)}), and there are none: write checks/{name}.py, as "
            "docs/new-exercise.md shows"
        )


class RestoreCells(_InCourse):
    """Before grading: puts damaged, deleted and duplicated cells back, and remembers what was mended."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        info = resources["nbgrader"]
        refuse_links(Path(resources["metadata"]["path"]))
        with Gradebook(info["db_url"]) as gradebook:
            released = _released_cells(gradebook.find_notebook(info["notebook"], info["assignment"]))
        order = [
            c.metadata.get("nbgrader", {}).get("grade_id")
            for c in nbformat.read(self.folder("source", info) / f"{info['notebook']}.ipynb", 4).cells
        ]
        released.sort(key=lambda cell: order.index(cell.metadata.nbgrader.grade_id))
        nb.cells, remarks = restore(nb.cells, released)
        for remark in remarks:
            self.log.warning("%s", remark)
        nb.metadata[REMARKS] = remarks
        return nb, resources


def refuse_links(submission: Path) -> None:
    """Raises ValueError when the folder is, or holds, a symbolic link: it could lead to the solution."""
    for path in (submission, submission.parent, *submission.rglob("*")):
        if path.is_symlink():
            raise ValueError(f"the submission holds a symbolic link, {path.name}: ask for the file itself")


def _released_cells(notebook: Notebook) -> list[NotebookNode]:
    """The released notebook's cells as the gradebook remembers them."""
    points = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
    solutions = {cell.name for cell in notebook.solution_cells}
    tasks = {cell.name for cell in notebook.task_cells}
    return [
        NotebookNode(
            cell_type=cell.cell_type,
            source=cell.source,
            metadata=NotebookNode(
                nbgrader=NotebookNode(
                    schema_version=3,
                    grade_id=cell.name,
                    grade=cell.name in points and cell.name not in tasks,
                    solution=cell.name in solutions,
                    task=cell.name in tasks,
                    locked=cell.locked,
                    cell_type=cell.cell_type,
                    checksum=cell.checksum,
                    **({"points": points[cell.name]} if cell.name in points else {}),
                )
            ),
        )
        for cell in notebook.source_cells
    ]


class Judge(_InCourse):
    """Runs the submission in the sandbox, asks its functions for hidden cases, and writes the verdicts."""

    cell_timeout = Integer(30, help="Seconds for one cell of a submission.").tag(config=True)
    notebook_timeout = Integer(300, help="Seconds for all cells of a submission.").tag(config=True)
    memory_gib = Float(4, help="Memory of a submission's kernel, in GiB.").tag(config=True)
    allow_unsandboxed = Bool(
        False, help="Run submissions without a sandbox: with your rights, on your files. Only for code you trust."
    ).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        info = resources["nbgrader"]
        checks = load_checks(info["notebook"], self.root) or NotebookChecks(())
        reference = Reference.from_notebook(self.folder("source", info) / f"{info['notebook']}.ipynb")
        secret = course_secret(self.root)
        settings = SessionSettings(
            cell_timeout=self.cell_timeout,
            notebook_timeout=self.notebook_timeout,
            limits=Limits(memory=int(self.memory_gib * 2**30)),
            allow_unsandboxed=self.allow_unsandboxed,
        )
        folder = Path(resources["metadata"]["path"])
        bring_results(checks, self.folder("submitted", info, info["student"]), folder)

        def generator(function: str):
            return secret_generator(secret, info["student"], info["assignment"], info["notebook"], function)

        with Session(nb, folder, checks.masked, settings, self.log) as session:
            reports = judge_notebook(checks, reference, nb, session, generator, self.log)
        for trained in checks.trained:
            classifier = reference.function(trained.classifier)
            report = judge_trained(trained, folder, classifier, held_out_images, hidden=True)
            reports[trained.function] = report
            self.log.info("%s: %g of %g points", trained.function, report.earned, trained.points)
        info["reports"] = reports
        for cell in nb.cells:
            if _is_check(cell) and cell.metadata.nbgrader.grade_id in reports:
                report = reports[cell.metadata.nbgrader.grade_id]
                data = {"text/html": html(report, details=False), "text/plain": text(report, details=False)}
                cell.outputs = [new_output("display_data", data=data)]
        if remarks := nb.metadata.pop(REMARKS, []):
            listed = "\n".join(f"- {remark}" for remark in remarks)
            nb.cells.insert(0, new_markdown_cell(f"**Mended before grading**\n\n{listed}"))
        return nb, resources


def bring_results(checks: NotebookChecks, submitted: Path, folder: Path) -> None:
    """Put the submitted trained results into `folder`, where nbgrader may have put the instructor's own over them."""
    for trained in checks.trained:
        (folder / trained.file).unlink(missing_ok=True)
        if (submitted / trained.file).is_file():
            shutil.copy(submitted / trained.file, folder)


class SaveJudgedGrades(SaveAutoGrades):
    """Writes the judge's verdicts into the gradebook; nothing in the notebook's outputs counts."""

    def _add_score(self, cell: NotebookNode, resources: dict) -> None:
        if not _is_check(cell):
            super()._add_score(cell, resources)
            return
        grade_id = cell.metadata.nbgrader.grade_id
        grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
        report = resources["nbgrader"]["reports"].get(grade_id)
        grade.auto_score = None if report is None else round(grade.max_score * report.earned / report.points, 6)
        grade.needs_manual_grade = report is None or grade.manual_score is not None
        self.gradebook.db.commit()


def _is_check(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)
