"""The instructor's side of an assignment, as grading needs it: read once, from solutions/ and the gradebook."""

import json
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, Notebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files
from traitlets.config import Config

from .check import own_checks
from .reference import read_solution
from .work import Exercise


def load_exercises(gradebook: Gradebook, source: Path, course: Path, assignment: str) -> tuple[Exercise, ...]:
    """All notebooks of a released assignment. source: the folder of their solutions; course: of the whole.

    Raises FileNotFoundError or ValueError, naming it, when a solution cannot be read.
    """
    notebooks = gradebook.find_assignment(assignment).notebooks
    return tuple(_load_exercise(notebook, source, course) for notebook in notebooks)


def _load_exercise(notebook: Notebook, source: Path, course: Path) -> Exercise:
    solution = read_solution(source / f"{notebook.name}.ipynb")
    cells = nbformat.reads(solution, as_version=4).cells
    order = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells]
    places = {grade_id: place for place, grade_id in reversed(list(enumerate(order)))}
    released = _released_cells(notebook)
    released.sort(key=lambda cell: places.get(cell["metadata"]["nbgrader"]["grade_id"], len(order)))
    kernelspec = json.loads(notebook.kernelspec) if notebook.kernelspec else None
    return Exercise(notebook.name, solution, tuple(released), kernelspec, own_checks(notebook.name, course))


def load_companions(folders: CourseDirectory, source: Path, config: Config, assignment: str) -> dict[str, bytes]:
    """What lies beside the solutions and takes the place of what a student has there.

    That is all but notebooks and what `config` names in nbgrader's Autograde.exclude_overwriting.
    """
    kept = config.Autograde.get("exclude_overwriting", {}).get(assignment, [])
    paths = map(Path, find_all_files(str(source), [*folders.ignore, "*.ipynb"]))
    named = {path.relative_to(source).as_posix(): path for path in paths}
    return {name: path.read_bytes() for name, path in named.items() if name not in kept}


def _released_cells(notebook: Notebook) -> list[dict]:
    points = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
    solutions = {cell.name for cell in notebook.solution_cells}
    tasks = {cell.name for cell in notebook.task_cells}
    return [
        {
            "cell_type": cell.cell_type,
            "source": cell.source,
            "metadata": {
                "nbgrader": {
                    "schema_version": 3,
                    "grade_id": cell.name,
                    "grade": cell.name in points and cell.name not in tasks,
                    "solution": cell.name in solutions,
                    "task": cell.name in tasks,
                    "locked": cell.locked,
                    "cell_type": cell.cell_type,
                    "checksum": cell.checksum,
                    **({"points": points[cell.name]} if cell.name in points else {}),
                }
            },
        }
        for cell in notebook.source_cells
    ]
