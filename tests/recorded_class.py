"""A class whose verdicts are known beforehand, so that grading it is recording them."""

from collections import deque

import nbformat

from grader.autograding import autograde
from grader.check import load_checks
from grader.course import CONFIG, Course
from grader.demo import ASSIGNMENT, NOTEBOOK, hand_in, make_course
from grader.recording import STAGING
from grader.work import Judged, JudgedNotebook

STUDENTS = [f"student{number}" for number in range(5)]
TIMES = "2026-03-02 12:00:00 UTC", "2026-03-09 12:00:00 UTC"


def make_class(course, folder, config=""):
    """A course in `folder`, configured as `course` and with `config`: knn is released, and handed in by everybody."""
    root = make_course(course, folder).root
    with (root / CONFIG).open("a") as file:
        file.write(config)
    made = Course(root)
    released = nbformat.read(made.release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    for student in STUDENTS:
        hand_in(made, student, released)
    hand_in_again(made, 0)
    return made


def hand_in_again(course, attempt):
    """Everybody's submission becomes that of the first (0) or second (1) attempt."""
    for student in STUDENTS:
        (course.path("submitted", ASSIGNMENT, student) / "timestamp.txt").write_text(TIMES[attempt])


def planted(student, attempt):
    """{check: (points earned, points possible)}: everybody's own, and all of them others in the second attempt."""
    checks = load_checks(NOTEBOOK).checks
    earned = [(STUDENTS.index(student) + place) % 3 != 2 * attempt for place in range(len(checks))]
    return {check.function: (check.points * got, check.points) for check, got in zip(checks, earned, strict=True)}


class Known:
    """Examiners who know what comes of each submission: `judge(work)`."""

    capacity = 1

    def __init__(self, judge):
        self._judge, self._waiting = judge, deque()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._waiting.clear()

    def submit(self, work):
        self._waiting.append(work)

    def finished(self, seconds):
        return [self._judge(self._waiting.popleft())]

    def activity(self):
        return []


def grade(course, before=lambda student: None, tell=lambda line: None):
    """Grade the class as planted. before: called with each student's name just before the verdicts come out.

    Raises AssertionError where somebody's submission is a problem, CourseError as `autograde` does.
    """
    path = course.path("release", ASSIGNMENT) / f"{NOTEBOOK}.ipynb"
    notebook = nbformat.read(path, as_version=4)

    def judge(work):
        attempt = TIMES.index(work.files["timestamp.txt"].decode())
        before(work.student)
        notebook.metadata["judged"] = [work.student, attempt]
        content = nbformat.writes(notebook)
        return Judged(work.student, (JudgedNotebook(NOTEBOOK, content, planted(work.student, attempt)),))

    for graded in autograde(course, ASSIGNMENT, STUDENTS, examiners=Known(judge), tell=tell):
        assert not graded.problem, graded.problem


def attempts(course):
    """{student: (the attempt whose grade is in the gradebook, the attempt whose notebook is in autograded/)}.

    None where there is nothing of one. Raises AssertionError where a grade is a mixture.
    """
    grades = {grade.student: grade for grade in course.grades(ASSIGNMENT)}
    found = {}
    for student in STUDENTS:
        recorded = None
        if student in grades and grades[student].graded:
            cells = {name: score for name, score, *_ in grades[student].cells}
            fits = [all(cells[n] == earned for n, (earned, _) in planted(student, a).items()) for a in (0, 1)]
            assert fits.count(True) == 1, f"a mixture of two attempts, or half of one: {cells}"
            recorded = fits.index(True)
        path = course.path("autograded", ASSIGNMENT, student) / f"{NOTEBOOK}.ipynb"
        shown = nbformat.read(path, as_version=4).metadata["judged"] if path.exists() else [student, None]
        assert shown[0] == student
        found[student] = recorded, shown[1]
    return found


def assert_complete(course, attempt=0):
    """Everybody has the grade and the notebook of this attempt, and nothing is left over."""
    assert attempts(course) == dict.fromkeys(STUDENTS, (attempt, attempt))
    left = {path.name for path in course.root.glob(".grading*")} - {".grading.lock"}
    assert not left and not (course.root / STAGING).exists()
