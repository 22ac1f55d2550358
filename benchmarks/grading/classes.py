"""Throw-away courses with a class of generated submissions, and the same class in a course of stock nbgrader."""

import contextlib
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cs231n_kit.checking import save_trained
from grader.check import load_checks
from grader.course import CONFIG, Course
from grader.demo import CRASH, answers, fill_in, hand_in, make_course, mistaken
from grader.reference import SKIP_TAG, Reference

ROOT = Path(__file__).resolve().parents[2]
KINDS = "RMRRHMRMRRCMRHRMRRMH"  # right, with a known mistake, half empty, ends its kernel; again for every twenty
STOCK_CONFIG = 'c = get_config()\nc.CourseDirectory.source_directory = "solutions"\n'
STOCK_CONFIG += 'c.CourseDirectory.release_directory = "assignments"\n'


@dataclass(frozen=True)
class Exercise:
    """A notebook of an assignment. results: writes the trained result that one student hands in beside it."""

    notebook: str
    assignment: str
    results: Callable[[Course, Path, int], None] | None = None


def conv_layers_result(course: Course, folder: Path, number: int) -> None:
    """Arrays as for digits, so that every machine can judge them. Untrained: judging is the same work."""
    source = course.path("source", CONV_LAYERS.assignment) / f"{CONV_LAYERS.notebook}.ipynb"
    network = Reference.from_notebook(source).function("ThreeLayerConvNet")
    np.random.seed(number)
    params = network((1, 8, 8), num_filters=32, filter_size=5, hidden_dim=100).params
    arrays = {name: array.astype(np.float32) for name, array in params.items()}
    with contextlib.redirect_stdout(io.StringIO()):
        save_trained("conv_layers_trained", "digits", folder, **arrays, mean=np.zeros(1), spread=1.0)


KNN = Exercise("knn", "assignment1")
CONV_LAYERS = Exercise("conv_layers", "assignment2", conv_layers_result)
SMALL = Exercise("small", "small")  # one function, and one question that waits for a hand


def make_class(exercise: Exercise, folder: Path, size: int) -> Course:
    """A course in `folder`, with the exercise released and so many submissions handed in."""
    if exercise == SMALL:
        course = _small_course(folder)
    else:
        course = make_course(Course(ROOT), folder, exercise.notebook, exercise.assignment)
    released = nbformat.read(course.release(exercise.assignment) / f"{exercise.notebook}.ipynb", as_version=4)
    source = course.path("source", exercise.assignment) / f"{exercise.notebook}.ipynb"
    right = answers(nbformat.read(source, as_version=4))
    for number in range(size):
        kind = "R" if exercise == SMALL else KINDS[number % len(KINDS)]
        made = fill_in(released, _answered(kind, right, exercise, number))
        path = hand_in(course, f"student{number:04}", made, exercise.notebook, exercise.assignment)
        if exercise.results and kind != "H":
            exercise.results(course, path.parent, number)
    return course


def _answered(kind: str, right: dict[str, str], exercise: Exercise, number: int) -> dict[str, str]:
    """The answers of one student; no two students' are the same text."""
    if kind == "M":
        found = _mistakes(exercise.notebook, right)
        right = mistaken(right, *found[number % len(found)])
    kept = len(right) // 2 if kind == "H" else len(right)
    answered = {name: f"{source}\n# {number}" for name, source in list(right.items())[:kept]}
    if kind == "C":
        first = next(iter(answered))
        answered[first] += f"\n{CRASH}"
    return answered


def _mistakes(notebook: str, right: dict[str, str]) -> list[tuple]:
    """The known mistakes that can be made in the answer cell of their function."""
    return [
        (check, mistake)
        for check in load_checks(notebook).checks
        for mistake in check.mistakes
        for source in right.values()
        if f"def {check.function}(" in source and all(old in source for old, _ in mistake.replace)
    ]


def _small_course(folder: Path) -> Course:
    source = folder / "solutions" / SMALL.assignment
    source.mkdir(parents=True)
    shutil.copy(ROOT / CONFIG, folder)
    answer = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    question = "Why is it so?"
    cells = [
        _marked(new_code_cell(answer), grade_id="double_answer", solution=True, grade=False),
        _marked(new_markdown_cell(question), grade_id="why_question", solution=True, grade=True, points=2),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), source / f"{SMALL.notebook}.ipynb")
    return Course(folder)


def _marked(cell: NotebookNode, **marks) -> NotebookNode:
    cell.metadata["nbgrader"] = {"schema_version": 3, "locked": False, "task": False, **marks}
    return cell


def make_stock_class(course: Course, exercise: Exercise, folder: Path, size: int, without_training: bool) -> Path:
    """A course for nbgrader as it comes, with the first submissions of `course`; returns `folder`. Nothing is released.

    without_training: the cells tagged `skip-grading` are taken out of the notebooks.
    """
    notebook, assignment = exercise.notebook, exercise.assignment
    source = folder / "solutions" / assignment
    shutil.copytree(course.path("source", assignment), source)
    shutil.copy(course.path("release", assignment) / f"{notebook}_key.npz", source)  # what `check` compares with
    (folder / "nbgrader_config.py").write_text(STOCK_CONFIG)
    for student in course.students(assignment)[:size]:
        submitted = course.path("submitted", assignment, student)
        shutil.copytree(submitted, folder / "submitted" / student / assignment)
    if without_training:
        for path in folder.rglob("*.ipynb"):
            _take_out_training(path)
    return folder


def _take_out_training(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if SKIP_TAG not in cell.metadata.get("tags", [])]
    nbformat.write(notebook, path)
