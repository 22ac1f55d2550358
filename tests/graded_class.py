"""Gradebooks as grading leaves them, written through nbgrader's API: no notebook runs."""

import shutil
import warnings
from pathlib import Path

from sqlalchemy.exc import SAWarning

from grader.course import CONFIG, Course

ROOT = Path(__file__).parents[1]
ASSIGNMENT = "assignment1"
CELLS = {"knn": {"predict_labels": 4, "cross_validate": 2, "gap_question": 3}, "softmax": {"softmax_loss": 5}}
QUESTIONS = ("gap_question",)


def make_class(folder: Path, cells: dict = CELLS, config: str = "") -> Course:
    """A course in `folder` with a released assignment of these cells, {notebook: {cell: points}}."""
    shutil.copy(ROOT / CONFIG, folder)
    with (folder / CONFIG).open("a") as file:
        file.write(config)
    course = Course(folder)
    with course.gradebook() as gradebook:
        gradebook.add_assignment(ASSIGNMENT)
        for notebook, points in cells.items():
            gradebook.add_notebook(notebook, ASSIGNMENT)
            for name, worth in points.items():
                kind = "markdown" if name in QUESTIONS else "code"
                gradebook.add_grade_cell(name, notebook, ASSIGNMENT, max_score=worth, cell_type=kind)
    return course


def grade(course: Course, student: str, scores: dict, timestamp: str | None = None) -> None:
    """Record a submission: {cell: score}, None for a cell that waits for a hand, no entry for one not graded."""
    with course.gradebook() as gradebook, warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, harmless
        gradebook.update_or_create_student(student)
        submission = gradebook.update_or_create_submission(ASSIGNMENT, student, timestamp=timestamp)
        for notebook in submission.notebooks:
            for entry in notebook.grades:
                if entry.name in scores:
                    entry.auto_score, entry.needs_manual_grade = scores[entry.name], scores[entry.name] is None
        gradebook.db.commit()
