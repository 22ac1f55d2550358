"""A class in which nearly everybody handed in something broken: it is graded to its end, and nothing stored is lost."""

import json
import os
from pathlib import Path

import nbformat
import pytest

from grader.check import load_checks
from grader.course import Course
from grader.demo import answers, fill_in, hand_in, make_course

ROOT = Path(__file__).parents[1]
ASSIGNMENT, NOTEBOOK = "assignment2", "dropout"
HONEST = ("ada", "zoe")
AGAIN = ("late-again", "late-link")
"""Graded once, before they handed in something broken."""


def raw(content):
    return lambda path: path.write_bytes(content)


def without_notebook(path):
    path.unlink()


def linked(path):
    target = path.rename(path.parents[2] / f"{path.parents[1].name}.ipynb")
    path.symlink_to(target)


def changed(**parts):
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), **parts}))


FAULTS = {
    "cut-off": lambda path: path.write_bytes(path.read_bytes()[:500]),
    "empty": raw(b""),
    "format-5": changed(nbformat=5),
    "late-again": raw(b'{"cells": ['),
    "late-link": linked,
    "latin": raw('{"author": "naïve"}'.encode("latin-1")),
    "linked": linked,
    "list": raw(b"[]"),
    "missing": without_notebook,
    "no-cells": changed(cells=None),
    "renamed": lambda path: path.rename(path.with_name("dropout (1).ipynb")),
    "utf-16": lambda path: path.write_bytes(path.read_text().encode("utf-16")),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """(course, what came of each student, the grades of AGAIN from before)."""
    course = make_course(Course(ROOT), tmp_path_factory.mktemp("faults"), NOTEBOOK, ASSIGNMENT)
    released = nbformat.read(course.release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    right = answers(nbformat.read(course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4))
    perfect = fill_in(released, right)
    for student in AGAIN:
        path = hand_in(course, student, perfect, NOTEBOOK, ASSIGNMENT)
        (path.parent / "timestamp.txt").write_text("2026-03-01 12:00:00 UTC\n")
    assert not any(result.problem for result in course.autograde(ASSIGNMENT, AGAIN))
    before = {grade.student: grade for grade in course.grades(ASSIGNMENT)}
    for student in (*HONEST, *FAULTS):
        path = hand_in(course, student, perfect, NOTEBOOK, ASSIGNMENT)
        (path.parent / "timestamp.txt").write_text("2026-03-02 12:00:00 UTC\n")
        FAULTS.get(student, os.fspath)(path)
    results = {result.student: result for result in course.autograde(ASSIGNMENT, course.students(ASSIGNMENT))}
    return course, results, before


def test_the_class_is_graded_to_its_end_and_the_honest_get_everything(graded):
    course, results, _ = graded
    assert results.keys() == {*HONEST, *FAULTS}
    grades = {grade.student: grade for grade in course.grades(ASSIGNMENT)}
    for student in HONEST:
        assert not results[student].problem
        points = {check.function: check.points for check in load_checks(NOTEBOOK).checks}
        assert {name: score for name, score, _, _ in grades[student].cells if name in points} == points


@pytest.mark.parametrize("student", FAULTS)
def test_what_is_broken_is_reported_in_one_line(graded, student):
    problem = graded[1][student].problem
    assert problem and "Traceback" not in problem and problem.isprintable(), problem


@pytest.mark.parametrize("student", AGAIN)
def test_the_grade_from_before_stays_when_something_broken_is_handed_in(graded, student):
    course, _, before = graded
    grades = {grade.student: grade for grade in course.grades(ASSIGNMENT)}
    assert grades[student].cells == before[student].cells and before[student].score > 0


def test_broken_submissions_stay_as_they_were_handed_in(graded):
    course = graded[0]
    for student in FAULTS:
        folder = course.path("submitted", ASSIGNMENT, student)
        assert (folder / "timestamp.txt").read_text().startswith("2026-03-02"), student
    assert course.path("submitted", ASSIGNMENT, "linked").joinpath(f"{NOTEBOOK}.ipynb").is_symlink()
