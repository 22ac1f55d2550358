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
HONEST = ("ada", "extra", "marked", "strange-metadata", "zoe")
AGAIN = ("late-again", "late-link")
"""Graded once, before they handed in something broken."""


MEND = "ask for it to be opened in Jupyter, saved and submitted again"


def raw(content):
    return lambda path: path.write_bytes(content)


def linked(path):
    target = path.rename(path.parents[2] / f"{path.parents[1].name}.ipynb")
    path.symlink_to(target)


def hard_linked(path):
    os.link(path, path.parents[2] / f"{path.parents[1].name}.ipynb")


def piped(path):
    path.unlink()
    os.mkfifo(path)


def beside(name, size=0):
    def make(path):
        with open(path.parent / name, "wb") as file:
            file.truncate(size)

    return make


def grown(path):
    with open(path, "ab") as file:
        file.truncate(200 * 2**20)  # without taking space


def renamed(name):
    return lambda path: path.rename(path.with_name(name))


def changed(**parts):
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), **parts}))


def nested(path):
    path.write_text(path.read_text().replace('"metadata": {', f'"metadata": {{"deep": {"[" * 9999}{"]" * 9999},', 1))


CELL = {"cell_type": "code", "source": "", "metadata": {}, "outputs": [], "execution_count": None}
FAULTS = {
    "10-000-cells": (changed(cells=[CELL] * 10_000), "dropout.ipynb has 10,000 cells", "ask for it without"),
    "200-mb": (beside("data.bin", 200 * 2**20), "data.bin with 200.0 MiB", "ask for what is graded alone"),
    "200-mb-notebook": (grown, "dropout.ipynb with 200.0 MiB", "ask for what is graded alone"),
    "cut-off": (lambda path: path.write_bytes(path.read_bytes()[:500]), "dropout.ipynb is not valid JSON", MEND),
    "deep": (nested, "dropout.ipynb is nested too deeply", MEND),
    "empty": (raw(b""), "dropout.ipynb is not valid JSON (it is empty)", MEND),
    "format-5": (changed(nbformat=5), "dropout.ipynb is of the notebook format 5.5", "update nbformat, or ask for"),
    "hard-link": (hard_linked, "dropout.ipynb is a hard link", "put a copy in its place"),
    "late-again": (raw(b'{"cells": ['), "dropout.ipynb is not valid JSON", MEND),
    "late-link": (linked, "a symbolic link, dropout.ipynb", "ask for the file itself"),
    "latin": (raw('{"author": "naïve"}'.encode("latin-1")), "dropout.ipynb is not UTF-8 text", MEND),
    "linked": (linked, "a symbolic link, dropout.ipynb", "ask for the file itself"),
    "list": (raw(b"[]"), "dropout.ipynb is no notebook", MEND),
    "missing": (lambda path: path.unlink(), "no notebook of the assignment", "ask for dropout.ipynb"),
    "name": (beside("bell\a.txt"), "'bell\\x07.txt' has unusual characters", "ask for another name"),
    "no-cells": (changed(cells=None), "dropout.ipynb has no list of cells", MEND),
    "pipe": (piped, "a pipe, dropout.ipynb", "ask for the file itself"),
    "renamed": (renamed("Copy of dropout.ipynb"), "'Copy of dropout.ipynb' holds its cells", "rename it to dropout"),
    "renamed-wholly": (renamed("homework.ipynb"), "'homework.ipynb' holds its cells", "rename it to dropout.ipynb"),
    "utf-16": (lambda path: path.write_bytes(path.read_text().encode("utf-16")), "dropout.ipynb is UTF-16 text", MEND),
    "web-page": (raw(b"<!DOCTYPE html>"), "dropout.ipynb is not valid JSON (it is a web page)", MEND),
}  # fmt: skip
TAKEN = {
    "extra": beside("notes.ipynb"),
    "marked": lambda path: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes()),
    "strange-metadata": changed(metadata={"kernelspec": 7, "title": ["x"], "widgets": "y", "language_info": None}),
}
"""Unusual, but no reason to give no points."""


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
        FAULTS.get(student, (TAKEN.get(student, os.fspath),))[0](path)
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
def test_what_is_broken_is_reported_in_one_line_with_the_mend(graded, student):
    problem = graded[1][student].problem
    assert problem.isprintable() and all(words in problem for words in FAULTS[student][1:]), problem


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
