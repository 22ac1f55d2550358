"""`cs231n progress`: what every check earns, and when checks run again."""

import re
import shutil
from io import StringIO
from pathlib import Path

import nbformat
import numpy as np
import platformdirs
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rich.console import Console
from typer.testing import CliRunner

from cs231n_kit import assignment_commands, progress
from cs231n_kit.assignment_folder import AssignmentFolder
from cs231n_kit.checking.answer_key import Case, CheckKey, PropertyKey, save_key
from cs231n_kit.command_line import build_app

ROOT = Path(__file__).parents[1]


def run(*arguments):
    result = CliRunner().invoke(build_app(), [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course with a folder for assignment1; results are remembered beside it."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_start_here.ipynb").write_text("{}")
    (tmp_path / "assignments" / "assignment1").mkdir(parents=True)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *names, **more: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def marked(make, source, name, **mark):
    cell = make(source)
    cell.metadata["nbgrader"] = {"grade_id": name, "checksum": "of another text", "schema_version": 3, **mark}
    return cell


@pytest.fixture
def exercise(course):
    """Writes the notebook `numbers`, whose checks are of `double` (3 points, in two rows) and `halve` (4 points)."""
    x = np.arange(4.0)
    keys = [
        CheckKey(name, ("x",), tuple(PropertyKey(f"row {i}", p, "values", 1e-7, 1e-9, (c,)) for i, (p, c) in rows))
        for name, rows in {
            "double": enumerate([(2, Case((x,), (2 * x,))), (1, Case((x - 9,), (2 * x - 18,)))]),
            "halve": enumerate([(4, Case((x,), (x / 2,)))]),
        }.items()
    ]
    folder = course / "assignments" / "assignment1"
    (folder / "numbers_key.npz").write_bytes(save_key(keys))

    def write(double, halve="raise NotImplementedError()", words="Because."):
        cells = [
            new_code_cell("from cs231n_kit.checking import check\nopen('ran.txt', 'a').write('x')"),
            marked(new_code_cell, f"def double(x):\n    {double}", "double_answer", solution=True),
            marked(new_code_cell, "check('double', double)", "double", grade=True, locked=True, points=3),
            marked(new_code_cell, f"def halve(x):\n    {halve}", "halve_answer", solution=True),
            marked(new_code_cell, "check('halve', halve)", "halve", grade=True, locked=True, points=4),
            marked(new_markdown_cell, words, "why", solution=True, grade=True, points=2),
        ]
        nbformat.write(new_notebook(cells=cells), folder / "numbers.ipynb")
        return folder / "numbers.ipynb"

    return write


def runs(notebook):
    path = notebook.with_name("ran.txt")
    return len(path.read_text()) if path.exists() else 0


def lines(result):
    return [line.strip() for line in result.output.splitlines() if line.strip()]


def test_every_check_is_shown_and_runs_again_only_after_a_change(exercise):
    notebook = exercise("return abs(2 * x)")
    expected = [
        "numbers: 2 of 7 points",
        "double 2/3 not right yet",
        "halve 0/4 not tried yet",
        "why ?/2 answered, graded by hand",
        "assignment1: 2 of 7 points; 2 more are given by hand",
    ]
    assert lines(run("progress")) == expected
    assert lines(run("progress", "assignment1")) == lines(run("progress", notebook)) == expected
    assert runs(notebook) == 1
    exercise("return 2 * x", "return x / 2", " ")
    changed = lines(run("progress", "--no-run"))
    assert changed[:3] == ["numbers: 2 of 7 points, changed since", *expected[1:3]] and runs(notebook) == 1
    assert lines(run("progress")) == [
        "numbers: 7 of 7 points",
        "double 3/3 all right",
        "halve 4/4 all right",
        "why ?/2 not answered yet, graded by hand",
        "assignment1: 7 of 7 points; 2 more are given by hand",
    ]
    assert runs(notebook) == 2


def test_a_terminal_shows_bars(exercise, monkeypatch):
    exercise("return 2 * x")
    terminal = Console(force_terminal=True, color_system="standard", width=90, file=StringIO())
    monkeypatch.setattr(assignment_commands, "console", terminal)
    run("progress")
    bars = dict(re.findall(r"(double|halve) +\x1b\[(\d+)m━{20}\x1b", terminal.file.getvalue()))
    assert bars == {"double": "32", "halve": "90"}, "green where it is full, grey where it is empty"


def test_what_check_found_is_remembered(exercise):
    notebook = exercise("return 2 * x")
    assert "double ?/3 not checked yet" in run("progress", "--no-run").output
    run("check", notebook)
    assert "double 3/3 all right" in lines(run("progress"))
    assert runs(notebook) == 1


def test_a_check_that_is_not_reached_is_named(exercise):
    notebook = exercise("return 2 * x")
    content = nbformat.read(notebook, as_version=4)
    content.cells[4].source = "1 / 0"
    nbformat.write(content, notebook)
    assert "halve ?/4 did not run" in lines(run("progress"))


def test_a_new_trained_result_or_answer_key_counts_as_a_change(exercise):
    notebook = exercise("return 2 * x")
    found = {progress.digest(notebook)}
    for name in ("numbers_trained.npz", "numbers_key.npz"):
        notebook.with_name(name).write_bytes(b"other")
        found.add(progress.digest(notebook))
    notebook.with_name("letters_trained.npz").write_bytes(b"other")
    content = nbformat.read(notebook, as_version=4)
    content.cells.append(new_code_cell("train()", metadata={"tags": ["skip-grading"]}))
    content.cells[0].outputs = [nbformat.v4.new_output("stream", text="printed")]
    nbformat.write(content, notebook)
    assert len(found) == 3 and progress.digest(notebook) in found


def test_released_notebooks_are_not_run_and_damaged_ones_are_named(course, monkeypatch):
    monkeypatch.setattr(progress, "run_checks", lambda *arguments: pytest.fail("was run"))
    for name in ("knn", "softmax"):
        for file in (f"{name}.ipynb", f"{name}_key.npz"):
            shutil.copy(ROOT / "assignments" / "assignment1" / file, course / "assignments" / "assignment1")
    (course / "assignments" / "assignment1" / "softmax.ipynb").write_text('{"cells": [')
    result = run("progress")
    assert result.exit_code == 1
    assert "knn: 0 of 20 points" in lines(result) and "cannot be read as a notebook" in result.output
    checks = AssignmentFolder.find("assignment1").checks("knn")
    assert result.output.count("not tried yet") == len(checks) == 5
    assert "predict_labels 0/4 not tried yet" in lines(result)


def test_memory_that_is_damaged_or_cannot_be_written_does_no_harm(exercise, course, monkeypatch):
    notebook = exercise("return 2 * x")
    (course / "cache").write_text("a file where a folder should be")
    assert "double 3/3 all right" in lines(run("progress"))
    (course / "cache").unlink()
    run("progress")
    (kept,) = (course / "cache" / "progress").iterdir()
    kept.write_text('{"digest":')
    assert "double 3/3 all right" in lines(run("progress"))
    assert runs(notebook) == 3


def test_a_kernel_that_dies_is_told(exercise):
    exercise("import os; os._exit(1)")
    result = run("progress")
    assert result.exit_code == 1 and "Python itself died" in result.output


def test_where_there_is_no_assignment_it_says_so(course):
    result = run("progress")
    assert result.exit_code == 2 and "Run this in the course's folder" in result.output
    assert run("progress", "assignment7").exit_code == 2
    assert run("progress", "no.ipynb").exit_code == 2
