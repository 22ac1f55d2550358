"""An instructor's day on a throw-away course, played by five students."""

import shutil
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.console import Console

from .check import Check, Mistake, load_checks
from .course import CONFIG, Course

ASSIGNMENT, NOTEBOOK = "assignment1", "knn"

CHEAT = '''
def cheat(lines):
    """Later cells do nothing."""
    return ["pass\\n"]

import sys
import numpy.testing

class Agreeable:
    __array__ = None

    def __eq__(self, other):
        return True

numpy.testing.assert_allclose = lambda *args, **kwargs: None
sys.displayhook("ok")
get_ipython().input_transformers_cleanup.append(cheat)
'''
CRASH = "import os\nos._exit(0)"


def answers(solution: NotebookNode) -> dict[str, str]:
    """Source of each answer cell of a solution notebook, by grade_id, without the markers."""
    cells = (cell for cell in solution.cells if cell.metadata.get("nbgrader", {}).get("solution"))
    return {
        cell.metadata.nbgrader.grade_id: "\n".join(
            line for line in cell.source.splitlines() if not line.strip().startswith("### ")
        )
        for cell in cells
    }


def fill_in(released: NotebookNode, answered: dict[str, str]) -> NotebookNode:
    """A copy of the released notebook with `answered` put into its answer cells."""
    notebook = nbformat.from_dict(released)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in answered and cell.metadata.nbgrader.solution:
            cell.source = answered[grade_id]
    return notebook


def mistaken(answered: dict[str, str], check: Check, mistake: Mistake) -> dict[str, str]:
    """`answered` with `mistake` made in it."""
    name = next(name for name, source in answered.items() if f"def {check.function}(" in source)
    source = answered[name]
    for old, new in mistake.replace:
        source = source.replace(old, new)
    return {**answered, name: source}


def submissions(released: NotebookNode, solution: NotebookNode) -> dict[str, NotebookNode]:
    """The five students' notebooks, by student."""
    right = answers(solution)
    checks = load_checks(NOTEBOOK).checks
    wrong = right
    for check in (checks[0], checks[3]):
        wrong = mistaken(wrong, check, check.mistakes[0])
    half = dict(list(right.items())[: len(right) // 2])
    cheating = fill_in(released, {})
    cheating.cells.insert(1, nbformat.v4.new_code_cell(CHEAT))
    crashing = fill_in(released, {name: f"{source}\n\n{CRASH}" for name, source in list(right.items())[:1]})
    return {
        "ada-perfect": fill_in(released, right),
        "ben-two-mistakes": fill_in(released, wrong),
        "cleo-half-empty": fill_in(released, half),
        "dan-cheating": cheating,
        "eve-crashing": fill_in(crashing, dict(list(right.items())[1:])),
    }


def make_course(course: Course, folder: Path, notebook: str = NOTEBOOK, assignment: str = ASSIGNMENT) -> Course:
    """A course of its own in `folder`, with one notebook of the assignment and the configuration of `course`.

    Its gradebook is a file in `folder`, wherever that of `course` is.
    """
    solutions = folder / "solutions" / assignment
    solutions.mkdir(parents=True, exist_ok=True)
    shutil.copy(course.path("source", assignment) / f"{notebook}.ipynb", solutions)
    shutil.copy(course.root / CONFIG, folder)
    with (folder / CONFIG).open("a") as file:
        file.write('\nc.CourseDirectory.db_url = f"sqlite:///{c.CourseDirectory.root}/gradebook.db"\n')
    return Course(folder)


def hand_in(
    course: Course, student: str, notebook: NotebookNode, name: str = NOTEBOOK, assignment: str = ASSIGNMENT
) -> Path:
    """Put `notebook` where a submission of `student` is looked for."""
    path = course.path("submitted", assignment, student) / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def play(course: Course, folder: Path | None, console: Console) -> None:
    """Release, five submissions, autograde, feedback, and the grade table."""
    from .grade_export import standings
    from .grade_table import grade_table
    from .grading_table import result_line
    from .workers import LocalWorkers

    folder = folder or Path(tempfile.mkdtemp(prefix="cs231n-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    place = make_course(course, folder)
    console.print(f"A throw-away course in {place.root}", soft_wrap=True)
    released = place.release(ASSIGNMENT)
    console.print(f"[green]✓[/] released {ASSIGNMENT}")
    solution = nbformat.read(place.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    template = nbformat.read(released / f"{NOTEBOOK}.ipynb", as_version=4)
    for student, notebook in submissions(template, solution).items():
        hand_in(place, student, notebook)
    students = place.students(ASSIGNMENT)
    console.print(f"[green]✓[/] {len(students)} submissions handed in; grading them in the sandbox:")
    for graded in place.autograde(ASSIGNMENT, students, examiners=LocalWorkers()):
        console.print("  " + result_line(graded), soft_wrap=True)
    pages = {student: place.feedback(ASSIGNMENT, student) for student in place.graded_students(ASSIGNMENT)}
    console.print(grade_table(ASSIGNMENT, standings(place, ASSIGNMENT)))
    console.print("Feedback pages:")
    for student, paths in pages.items():
        for page in paths:
            console.print(f"  {student}: {page}", soft_wrap=True)
