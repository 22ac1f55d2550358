"""The unit of grading: plain data in, plain data out, and problems of a submission are results, not errors."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell

from cs231n_kit.checking.trained import save_trained
from grader import work as unit
from grader.check import load_checks
from grader.course import Course
from grader.demo import ASSIGNMENT, NOTEBOOK, answers, fill_in, make_course
from grader.exercises import load_companions, load_exercises
from grader.intake import IntakeError
from grader.sandbox import SandboxUnavailable
from grader.session import SessionSettings
from grader.work import PHASES, Work, examine

ROOT = Path(__file__).parents[1]
FILE = f"{NOTEBOOK}.ipynb"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(Course(ROOT), tmp_path_factory.mktemp("course"))
    course.release(ASSIGNMENT)
    return course


@pytest.fixture(scope="module")
def perfect(course):
    """A perfect submission as a Work, beside which `notes.txt` lies."""
    released = nbformat.read(course.path("release", ASSIGNMENT) / FILE, as_version=4)
    right = answers(nbformat.read(course.path("source", ASSIGNMENT) / FILE, as_version=4))
    notebook = fill_in(released, right)
    notebook.cells.insert(0, new_code_cell("import os; print(sorted(os.listdir()), open('notes.txt').read())"))
    with course.gradebook() as gradebook:
        exercises = load_exercises(gradebook, course.path("source", ASSIGNMENT), course.root, ASSIGNMENT)
    files = {FILE: nbformat.writes(notebook).encode(), "notes.txt": b"mine"}
    return Work("ada", ASSIGNMENT, files, exercises, b"x" * 32, SessionSettings())


def test_a_work_and_its_result_travel_without_the_course(perfect, course, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    sent = pickle.dumps(perfect)
    assert str(course.root).encode() not in sent
    told = []
    judged = pickle.loads(pickle.dumps(examine(pickle.loads(sent), told.append)))
    assert judged.student == "ada" and judged.problem == "", judged.log
    (notebook,) = judged.notebooks
    full = {check.function: (check.points, check.points) for check in load_checks(NOTEBOOK).checks}
    assert dict(notebook.points) == full
    cells = nbformat.reads(notebook.content, as_version=4).cells
    shown = {c.metadata.nbgrader.grade_id: c.outputs[0].data["text/plain"] for c in cells if unit.is_check(c)}
    assert set(shown) == set(full) and all(name in text for name, text in shown.items())
    assert cells[0].outputs[0].text == f"['{FILE}', 'notes.txt'] mine\n"
    assert told == ["intake", "intake", "cells", "questions", "verdicts", "verdicts"]
    assert set(judged.seconds) == set(PHASES) and judged.seconds["cells"] > 0 < judged.memory
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "files, words",
    [
        ({}, "there is no notebook"),
        ({"other.ipynb": b"{}"}, "there is no notebook"),
        ({FILE: b"{"}, f"{FILE} is not valid JSON"),
        ({FILE: "naïve".encode("latin-1")}, f"{FILE} is not UTF-8"),
        (
            {FILE: b'{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}'},
            "is of the notebook format 99",
        ),
        (
            {FILE: json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}).encode()},
            "no list of cells",
        ),
    ],
)
def test_what_is_wrong_with_a_submission_is_its_problem(perfect, files, words):
    judged = examine(replace(perfect, files=files))
    assert words in judged.problem and judged.notebooks == ()


@pytest.mark.parametrize("name", ["../escaped.txt", "/tmp/../escaped.txt", "a/../../escaped.txt"])
def test_no_file_leaves_the_private_folder(perfect, name, tmp_path):
    with pytest.raises(IntakeError, match="name"):
        unit._lay_out(replace(perfect, files={name: b""}), tmp_path / "inner")
    assert not list(tmp_path.rglob("escaped.txt"))


def test_the_instructors_files_are_there_but_not_his_trained_results(perfect, tmp_path):
    exercise = replace(perfect.exercises[0], name="svm")
    work = replace(
        perfect,
        exercises=(exercise,),
        files={"data/table.csv": b"hers", "own.txt": b"hers"},
        companions={"data/table.csv": b"his", "svm_trained.npz": b"his"},
    )
    unit._lay_out(work, tmp_path)
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert found == {"data/table.csv": b"his", "own.txt": b"hers"}


def test_companions_are_what_lies_beside_the_solutions(course):
    source = course.path("source", ASSIGNMENT)
    for name in ("table.csv", "sub/students_own.py", ".ipynb_checkpoints/old.txt"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_bytes(name.encode())
    config = course.config.copy()
    config.Autograde.exclude_overwriting = {ASSIGNMENT: ["sub/students_own.py"]}
    assert load_companions(course._folders, source, config, ASSIGNMENT) == {"table.csv": b"table.csv"}


def test_a_reference_and_its_mistaken_variants_are_kept_for_the_next_submission(perfect):
    (exercise,) = perfect.exercises
    reference = unit._reference(exercise.name, exercise.solution)
    assert unit._reference(exercise.name, str(exercise.solution)) is reference
    assert unit._reference(exercise.name, exercise.solution + "\n") is not reference
    mistake = load_checks(NOTEBOOK).checks[0].mistakes[0]
    assert reference.patched(mistake.replace) is reference.patched(list(mistake.replace)) is not reference


def test_without_a_sandbox_it_refuses_in_words_that_travel(perfect, monkeypatch):
    monkeypatch.setattr("grader.kernel.probe", lambda: "bubblewrap is gone.")
    with pytest.raises(SandboxUnavailable, match="bubblewrap is gone") as refusal:
        examine(perfect)
    assert str(pickle.loads(pickle.dumps(refusal.value))) == str(refusal.value)


def test_a_result_that_cannot_be_measured_here_is_a_problem_with_its_mend(perfect, monkeypatch, tmp_path):
    from cs231n_kit.datasets import DatasetError

    def missing(data_set):
        raise DatasetError("CIFAR-10 is not on this machine.\nFetch it with: cs231n data cifar10\nOr else.")

    monkeypatch.setattr(unit, "held_out_images", missing)
    solution = (ROOT / "solutions" / ASSIGNMENT / "svm.ipynb").read_text()
    empty = nbformat.v4.new_notebook()
    trained = save_trained("svm_trained", "digits", tmp_path, W=np.zeros((65, 10)), mean=np.zeros(64), spread=1.0)
    files = {"svm.ipynb": nbformat.writes(empty).encode(), trained.name: trained.read_bytes()}
    exercise = replace(perfect.exercises[0], name="svm", solution=solution, released=())
    judged = examine(replace(perfect, files=files, exercises=(exercise,)))
    assert "cannot be judged here: CIFAR-10 is not on this machine. Fetch it with" in judged.problem
