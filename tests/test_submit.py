"""`cs231n submit`: what it finds missing, and the zip file it makes."""

import os
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from typer.testing import CliRunner

from cs231n_kit import assignment_commands, handing_in
from cs231n_kit.assignment_folder import AssignmentFolder, marked_cells
from cs231n_kit.command_line import build_app

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ("knn", "softmax")


def run(*arguments, **settings):
    result = CliRunner().invoke(build_app(), [str(argument) for argument in arguments], **settings)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    result.words = " ".join(result.output.split())
    return result


def edit(path, change):
    """Read a notebook, let `change` have its cells by their marks, write it."""
    notebook = nbformat.read(path, as_version=4)
    change(notebook, {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata})
    nbformat.write(notebook, path)


def answer_all(notebook, cells):
    for cell in cells.values():
        if cell.metadata.nbgrader.solution:
            cell.source = cell.source.replace("raise NotImplementedError()", "return 0").replace("YOUR ANSWER", "mine")


def train(folder, notebook="softmax"):
    (trained,) = AssignmentFolder(folder).trained(notebook)
    shapes = trained.data["digits"].shapes
    arrays = {name: np.zeros([abs(size) for size in shape], np.float32) for name, shape in shapes.items()}
    np.savez(folder / trained.file, data_set=np.array("digits"), **arrays)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of an assignment of two notebooks, complete: everything is answered and trained."""
    folder = tmp_path / "my cöurse" / "assignments" / "assignment1"
    folder.mkdir(parents=True)
    (tmp_path / "my cöurse" / "notebooks").mkdir()
    (tmp_path / "my cöurse" / "notebooks" / "00_start_here.ipynb").write_text("{}")
    monkeypatch.chdir(tmp_path / "my cöurse")
    for name in NOTEBOOKS:
        for file in (f"{name}.ipynb", f"{name}_key.npz"):
            shutil.copy(ROOT / "assignments" / "assignment1" / file, folder)
        edit(folder / f"{name}.ipynb", answer_all)
    train(folder)
    return folder


def keep_released(folder):
    released = folder.parent / ".released" / folder.name
    released.mkdir(parents=True)
    for name in NOTEBOOKS:
        shutil.copy(ROOT / "assignments" / "assignment1" / f"{name}.ipynb", released)


def test_a_complete_assignment_becomes_a_zip_of_what_counts(folder):
    (folder / "distances.py").write_text("x = 1")
    (folder / "knn-Copy1.ipynb").write_text("{}")
    (folder / "softmax_trained.part").write_text("")
    result = run("submit", "assignment1", "--student", "Ada L/../x")
    assert result.exit_code == 0, result.output
    target = folder.parent / "assignment1-Ada-L-..-x.zip"
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["knn.ipynb", "softmax.ipynb", "softmax_trained.npz", "distances.py"]
        assert archive.read("knn.ipynb") == (folder / "knn.ipynb").read_bytes()
    assert "✗" not in result.output and "knn-Copy1.ipynb" in result.output
    assert run("submit", folder).exit_code == 0
    assert (folder.parent / "assignment1-submission.zip").is_file()
    assert not list(folder.parent.glob("*.part"))


def test_what_was_handed_out_is_not_an_answer(folder):
    shutil.copy(ROOT / "assignments" / "assignment1" / "knn.ipynb", folder)
    (folder / "softmax_trained.npz").unlink()
    result = run("submit", "assignment1")
    assert result.exit_code == 1
    expected = [cell.name for cell in marked_cells(folder / "knn.ipynb") if cell.answer and cell.code]
    assert "not answered yet: " + ", ".join(expected) + "." in result.words
    assert "not answered in words yet: duplicates_question." in result.words
    assert "there is no file softmax_trained.npz: run the cell that trains" in result.words
    assert "--even-so" in result.output
    assert not list(folder.parent.glob("*.zip"))
    assert run("submit", "assignment1", "--even-so").exit_code == 0
    assert zipfile.ZipFile(folder.parent / "assignment1-submission.zip").namelist() == ["knn.ipynb", "softmax.ipynb"]


@pytest.mark.parametrize("kept", [True, False], ids=["beside the released copy", "by the notebook alone"])
def test_deleted_changed_and_repeated_cells_are_named(folder, kept):
    def damage(notebook, cells):
        cells["prepare_given"].source += "\n# mine"
        cells["settings_answer"].source = " "
        cells["softmax_loss_vectorized_answer"].source += "\n    raise NotImplementedError()"
        notebook.cells.remove(cells["softmax_trained"])
        if kept:
            notebook.cells.remove(cells["softmax_loss_naive_answer"])
        notebook.cells.append(nbformat.from_dict({**cells["comparison_question"], "id": "copied"}))

    edit(folder / "softmax.ipynb", damage)
    if kept:
        keep_released(folder)
    result = run("submit", "assignment1")
    assert result.exit_code == 1
    assert "changed, but not to be edited: prepare_given." in result.words
    gone = "softmax_loss_naive_answer, softmax_trained" if kept else "softmax_trained"
    assert f"cells are gone: {gone}. Copy them" in result.words
    assert "not answered yet: settings_answer." in result.words
    assert "a raise NotImplementedError() left: softmax_loss_vectorized_answer." in result.words
    assert "more than once: comparison_question." in result.words
    assert "knn.ipynb" not in result.output


def test_a_mark_that_was_tampered_with_does_not_hide_an_empty_answer(folder):
    shutil.copy(ROOT / "assignments" / "assignment1" / "knn.ipynb", folder)
    edit(folder / "knn.ipynb", lambda _, cells: cells["predict_labels_answer"].metadata.nbgrader.pop("checksum"))
    keep_released(folder)
    assert "predict_labels_answer" in run("submit", "assignment1").output


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "knn.ipynb").unlink(), "knn.ipynb ✗ is missing. Take a fresh copy"),
        (lambda f: (f / "knn.ipynb").rename(f / "knn (1).ipynb"), "is missing. Is it knn (1).ipynb? Rename that."),
        (lambda f: (f / "knn.ipynb").write_text('{"cells": ['), "cannot be read as a notebook (NotJSONError)"),
        (lambda f: (f / "knn.ipynb").write_bytes(b"\xff\xfe"), "cannot be read as a notebook (UnicodeDecodeError)"),
        (lambda f: (f / "softmax_trained.npz").write_bytes(b"PK"), "softmax_trained.npz is damaged"),
        (lambda f: np.savez(f / "softmax_trained.npz", W=np.ones(3)), "softmax_trained.npz cannot be read"),
        (lambda f: os.utime(f / "softmax_trained.npz", (0, 0)), "before softmax.ipynb was saved"),
    ],
)
def test_what_is_missing_damaged_or_old_is_named_with_the_mend(folder, damage, words):
    damage(folder)
    result = run("submit", "assignment1")
    assert words in result.words
    assert result.exit_code == (0 if "before" in words else 1)


def test_what_is_too_large_is_named(folder, monkeypatch):
    monkeypatch.setattr(handing_in, "FILE_LIMIT", 2**20)
    (folder / "picture.png").write_bytes(bytes(3 * 2**20))
    result = run("submit", "assignment1")
    assert result.exit_code == 1
    assert "picture.png ✗ 3 MiB; at most 1 MiB are taken. Make it smaller." in result.words


@pytest.mark.parametrize("reply", [True, False])
def test_at_a_terminal_it_asks(folder, monkeypatch, reply):
    (folder / "knn.ipynb").unlink()
    asked = []
    monkeypatch.setattr(assignment_commands, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr(assignment_commands.typer, "confirm", lambda text: asked.append(text) or reply)
    assert run("submit", "assignment1").exit_code == (0 if reply else 1)
    assert asked == ["1 thing is not in order. Make the zip file all the same?"]
    assert (folder.parent / "assignment1-submission.zip").exists() is reply


def test_other_files_are_not_overwritten(folder):
    notes = folder / "notes.txt"
    notes.write_text("mine")
    result = run("submit", "assignment1", "--output", notes)
    assert result.exit_code == 2
    assert "is no zip file" in result.words
    assert notes.read_text() == "mine"
    assert run("submit", "assignment1", "--output", folder / "no" / "such.zip").exit_code == 2


def test_a_damaged_answer_key_is_named(folder):
    (folder / "knn_key.npz").write_bytes(b"PK")
    result = run("submit", "assignment1")
    assert result.exit_code == 2
    assert "The answer key knn_key.npz cannot be read" in result.words and "fresh copy" in result.words


def test_a_wrong_name_is_answered_with_those_that_are_there(folder):
    result = run("submit", "assignment9")
    assert result.exit_code == 2
    assert "There is no assignment assignment9" in result.words and "there is assignment1." in result.words


def test_names_cannot_steer_the_terminal(folder):
    (folder / "\x1b[31mred‮.csv").write_text("")
    assert "?[31mred?.csv" in run("submit", "assignment1").output


@pytest.mark.parametrize("command", ["submit", "progress"])
def test_the_commands_explain_themselves(command):
    explained = run(command, "--help").words
    assert f"cs231n {command} assignment1" in explained and "Exit codes 0 " in explained
