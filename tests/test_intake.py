"""What is handed in may be anything: files that are no files, notebooks that are no notebooks, names that are wrong."""

import json
import os
import socket
from pathlib import Path

import nbformat
import pytest

from grader import intake, submitted_notebook
from grader.intake import IntakeError, find_notebooks, read_submission
from grader.submitted_notebook import read_notebook

ROOT = Path(__file__).parents[1]
RELEASED = {
    name: (ROOT / "assignments" / "assignment1" / f"{name}.ipynb").read_bytes() for name in ("knn", "softmax", "svm")
}
GRADE_IDS = {
    name: [c["metadata"]["nbgrader"]["grade_id"] for c in json.loads(content)["cells"] if "nbgrader" in c["metadata"]]
    for name, content in RELEASED.items()
}


def refused(function, *arguments):
    """The message with which it refuses: one line, that names a mend."""
    with pytest.raises(IntakeError) as error:
        function(*arguments)
    words = str(error.value)
    assert words.isprintable() and len(words) < 1000, words
    assert any(mend in words for mend in ("ask for", "rename", "run again", "put a copy")), words
    return words


# --- files ---


@pytest.fixture
def folder(tmp_path):
    """A submission of two files, beside something that is not handed in."""
    (tmp_path / "gradebook.db").write_text("secret")
    folder = tmp_path / "submitted" / "ada" / "assignment1"
    (folder / "data").mkdir(parents=True)
    (folder / "knn.ipynb").write_bytes(b"notebook")
    (folder / "data" / "notes.txt").write_bytes(b"notes")
    return folder


def test_files_are_read_by_name(folder):
    screenshot = "Bild 10.15\u202fPM é.png"
    (folder / screenshot).write_bytes(b"")
    for left_out in (
        "__MACOSX/._knn.ipynb",
        ".ipynb_checkpoints/knn.ipynb",
        ".DS_Store",
        "data/.hidden",
        "knn_key.npz",
    ):
        (folder / left_out).parent.mkdir(exist_ok=True)
        (folder / left_out).write_text("junk")
    assert read_submission(folder) == {screenshot: b"", "data/notes.txt": b"notes", "knn.ipynb": b"notebook"}


@pytest.mark.parametrize("place", ["knn.ipynb", "data", "data/deep.txt", ".hidden", "", ".."])
def test_symbolic_links_are_refused_wherever_they_are(folder, place):
    target = folder / place if place != ".." else folder.parent
    if target.exists():
        aside = target.rename(folder.parents[2] / "aside")
        target.symlink_to(aside)
    else:
        target.symlink_to(folder.parents[2] / "gradebook.db")
    assert f"a symbolic link, {target.relative_to(folder) if place not in ('', '..') else target.name}" in refused(
        read_submission, folder
    )


def test_hard_links_and_what_is_no_file_are_refused_without_waiting(folder):
    os.link(folder.parents[2] / "gradebook.db", folder / "mine.db")
    assert "mine.db is a hard link" in refused(read_submission, folder)
    (folder / "mine.db").unlink()
    os.mkfifo(folder / "pipe")
    assert "a pipe, pipe" in refused(read_submission, folder)
    (folder / "pipe").unlink()
    place = os.getcwd()
    os.chdir(folder)  # a socket's path may have 107 bytes
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        os.chdir(place)
        assert "a socket, socket" in refused(read_submission, folder)


@pytest.mark.parametrize("swap", ["file", "folder"])
def test_what_is_exchanged_for_a_link_meanwhile_is_not_followed(folder, monkeypatch, swap):
    """The link is made after the name was looked at, and before it is opened."""
    secret = folder.parents[2] / "gradebook.db"
    if swap == "folder":
        secret = folder.parents[2] / "solutions"
        secret.mkdir()
        (secret / "knn.txt").write_text("secret")
    target = folder / ("knn.ipynb" if swap == "file" else "data")
    real = os.open

    def late(path, flags, *arguments, **options):
        if path == target.name and not target.is_symlink():
            target.rename(folder.parents[2] / "aside")
            target.symlink_to(secret)
        return real(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", late)
    assert f"cannot be read ({target.name}: " in refused(read_submission, folder)
    assert target.is_symlink()


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"bell\a.txt", b"\x1b[31mred.txt", b"two\nlines.txt"])
def test_names_that_are_not_utf8_or_have_control_characters_are_refused(folder, name):
    (Path(os.fsdecode(os.fsencode(folder) + b"/data/" + name))).write_text("")
    assert "has unusual characters" in refused(read_submission, folder)


def test_too_much_is_refused_and_the_largest_file_named(folder, monkeypatch):
    with open(folder / "data" / "cifar.npz", "wb") as file:
        file.truncate(200 * 2**20)  # without taking space
    words = refused(read_submission, folder)
    assert "has 200.0 MiB, and at most 64.0 MiB" in words and "data/cifar.npz with 200.0 MiB" in words
    (folder / "data" / "cifar.npz").unlink()
    monkeypatch.setattr(intake, "COUNT_LIMIT", 2)
    assert len(read_submission(folder)) == 2
    (folder / "third").write_text("")
    assert "more than 2 files" in refused(read_submission, folder)


def test_mazes_of_folders_are_refused(folder):
    (folder / "/".join("d" * 21)).mkdir(parents=True)
    assert "too many folders, at d/d/" in refused(read_submission, folder)


def test_what_cannot_be_read_is_said(folder, monkeypatch):
    assert "(assignment9: No such file or directory)" in refused(read_submission, folder.with_name("assignment9"))
    real = os.fstat

    def shorter(descriptor):
        status = real(descriptor)
        return os.stat_result((*status[:6], max(0, status.st_size - 1), *status[7:]))

    monkeypatch.setattr(intake.os, "fstat", shorter)
    assert "changed while it was read" in refused(read_submission, folder)


# --- notebooks ---


def notebook(cells=(), **parts):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **parts}).encode()


def code(source="x = 1", **parts):
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, **parts}


@pytest.mark.parametrize("path", sorted(ROOT.glob("*/assignment?/*.ipynb")), ids=lambda path: "/".join(path.parts[-3:]))
def test_real_notebooks_come_out_with_their_text_and_marks(path):
    given = nbformat.read(path, as_version=4)
    read = read_notebook(path.read_bytes(), path.name)
    nbformat.validate(read)
    assert [(c.cell_type, c.source) for c in read.cells] == [(c.cell_type, c.source) for c in given.cells]
    for before, after in zip(given.cells, read.cells, strict=True):
        assert after.metadata.get("tags", []) == [t for t in before.metadata.get("tags", []) if t == "skip-grading"]
        assert after.metadata.get("nbgrader", {}).get("grade_id") == before.metadata.get("nbgrader", {}).get("grade_id")


def test_outputs_and_strange_metadata_are_left_behind():
    picture = {
        "a.png": {"image/png": "iVBO"},
        "b.svg": {"image/svg+xml": "<svg/>"},
        "c.png": {"image/png": '"><script>'},
    }
    cells = [
        code(outputs=[{"output_type": "nonsense", "data": float("nan")}], execution_count="many", id="same"),
        code(["a = 1\n", "b = 2"], metadata={"tags": ["skip-grading", 7], "nbgrader": {"grade_id": 7}}, id="same"),
        code(metadata=[1], attachments=picture),
        {"cell_type": "markdown", "source": "", "metadata": {"nbgrader": {"grade_id": "why", "points": 99}},
         "attachments": picture},
        {"cell_type": "raw", "source": "cut \ud83d and whole \ud83d\ude00", "id": 7,
         "metadata": {"nbgrader": {"grade_id": "\udc80"}, "tags": "skip-grading"}},
    ]  # fmt: skip
    read = read_notebook(notebook(cells, metadata={"title": "<script>", "widgets": 1, "kernelspec": []}), "knn.ipynb")
    assert [cell.id for cell in read.cells] == ["cell-0", "cell-1", "cell-2", "cell-3", "cell-4"]
    nbformat.validate(read)
    nbformat.writes(read).encode()
    assert read.metadata == {}
    assert [c.metadata for c in read.cells] == [
        {},
        {"tags": ["skip-grading"]},
        {},
        {"nbgrader": {"grade_id": "why"}},
        {"nbgrader": {"grade_id": "\ufffd"}},
    ]
    assert [c.source for c in read.cells] == ["x = 1", "a = 1\nb = 2", "x = 1", "", "cut \ufffd and whole \U0001f600"]
    assert all(c.outputs == [] and c.execution_count is None for c in read.cells[:3])
    assert read.cells[3].attachments == {"a.png": {"image/png": "iVBO"}, "b.svg": {}, "c.png": {}}


def test_older_formats_are_brought_up_to_date():
    cells = [
        {"cell_type": "heading", "level": 10**9, "source": ["Nearest ", "neighbors"]},
        {"cell_type": "heading", "level": 3, "source": "Deeper"},
        {"cell_type": "code", "input": ["def f():\n", "    pass"], "language": "python", "prompt_number": 7,
         "metadata": {"nbgrader": {"grade_id": "f"}}, "outputs": [{"output_type": "pyout", "text": 3}]},
        {"cell_type": "html", "source": "<b>bold</b>"},
    ]  # fmt: skip
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": cells}, {"cells": []}],
    }
    read = read_notebook(json.dumps(old).encode(), "knn.ipynb")
    nbformat.validate(read)
    assert [(c.cell_type, c.source) for c in read.cells] == [
        ("markdown", "# Nearest neighbors"),
        ("markdown", "### Deeper"),
        ("code", "def f():\n    pass"),
        ("markdown", "<b>bold</b>"),
    ]
    assert read.cells[2].metadata.nbgrader.grade_id == "f"
    without_ids = read_notebook(notebook([code()], nbformat_minor=0), "knn.ipynb")
    assert (without_ids.nbformat, without_ids.nbformat_minor) == (4, 5)
    nbformat.validate(without_ids)


GOOD = notebook([code()])
REFUSED = {
    "empty": (b"", "is not valid JSON (it is empty)"),
    "cut off": (RELEASED["knn"][:5000], "is not valid JSON (line 1"),
    "trailing garbage": (GOOD + b"garbage", f"(line 1, column {len(GOOD) + 1:,})"),
    "zip": (b"PK\3\4" + b"\0" * 40, "is a zip file"),
    "page": (b"\n <!DOCTYPE html><html>", "is a web page"),
    "conflict": (b'{\n<<<<<<< HEAD\n"a": 1,\n=======\n>>>>>>> theirs\n}', "marks of a merge conflict"),
    "latin-1": ("naïve".encode("latin-1"), "is not UTF-8 text (byte 3)"),
    "cesu-8": (b'"\xed\xa0\x80"', "is not UTF-8 text"),
    "utf-16": (GOOD.decode().encode("utf-16"), "is UTF-16 text"),
    "utf-16 without mark": (GOOD.decode().encode("utf-16-be"), "is UTF-16 text"),
    "deep": (GOOD.replace(b'"x = 1"', b"[" * 10**5 + b"]" * 10**5), "too deeply"),
    "huge number": (GOOD.replace(b'"x = 1"', b"1" * 9999), "digits"),
    "large format": (notebook(nbformat=10**4000), "format (a large number).5"),
    "nan": (notebook(nbformat=float("nan")), "does not say which notebook format"),
    "true": (notebook(nbformat=True), "does not say which notebook format"),
    "negative": (notebook(nbformat_minor=-1), "does not say which notebook format"),
    "format 1": (notebook(nbformat=1), "does not say which notebook format"),
    "format 5": (notebook(nbformat=5, nbformat_minor=0), "is of the notebook format 5.0, and 4.5 is the newest"),
    "format 4.6": (notebook(nbformat_minor=6), "is of the notebook format 4.6, and 4.5 is the newest"),
    "list": (b"[]", "is no notebook"),
    "text": (b'"nbformat"', "is no notebook"),
    "no cells": (b'{"nbformat": 4}', "has no list of cells"),
    "old without cells": (b'{"nbformat": 3, "worksheets": {}}', "has no list of cells"),
    "cells": (notebook(cells={"a": 1}), "cell 1 of knn.ipynb is no cell"),
    "cell": (notebook([code(), 7]), "cell 2 of knn.ipynb is no cell"),
    "kind": (notebook([code(cell_type="code")] * 2 + [code(cell_type=["code"])]), "cell 3 of knn.ipynb is no cell"),
    "heading": (notebook([code(cell_type="heading")]), "cell 1 of knn.ipynb is no cell"),
    "source": (notebook([code(source=None)]), "cell 1 of knn.ipynb has no text"),
    "lines": (notebook([code(source=["a", 1])]), "cell 1 of knn.ipynb has no text"),
    "10,000 cells": (notebook([code("")] * 10_000), "has 10,000 cells, and at most 2,000"),
    "long cell": (notebook([code("#" * 100_001)]), "cell 1 of knn.ipynb has 100,001 characters"),
    "long together": (notebook([code("#" * 90_000)] * 12), "hold 1,080,000 characters"),
    "many lists": (notebook(metadata=[[]] * 1_000_001), "more than 1,000,000 lists"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_notebook_is_refused_with_the_reason(kind):
    content, words = REFUSED[kind]
    told = refused(read_notebook, content, "knn.ipynb")
    assert words in told and "knn.ipynb" in told


def test_a_notebook_of_200_mb_is_refused_unread(monkeypatch):
    monkeypatch.setattr(submitted_notebook, "_parse", None)
    assert "has 200.0 MiB, and a notebook may have 20.0 MiB" in refused(read_notebook, bytes(200 * 2**20), "knn.ipynb")


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf" + GOOD, b"\r\n" + GOOD + b"\n", GOOD.replace(b"{", b'{"cells": [],', 1)]
)
def test_what_jupyter_reads_too_is_taken(content):
    """A mark of UTF-8 in front, white space, and a key twice, of which the last counts."""
    assert [cell.source for cell in read_notebook(content, "knn.ipynb").cells] == ["x = 1"]


def test_names_of_files_cannot_break_a_message_up():
    assert "'a\\x1b[31m\\nb.ipynb'" in refused(read_notebook, b"", "a\x1b[31m\nb.ipynb")


# --- which notebook is which ---


def handed_in(**names):
    """Files of a submission: {name without suffix: the released notebook that is in it}."""
    return {f"{name}.ipynb": RELEASED.get(content, content) for name, content in names.items()}


def test_the_notebooks_of_the_assignment_are_found_and_others_remarked_on():
    files = handed_in(knn="knn", softmax="softmax", **{"my tests": GOOD}) | {"notes.txt": b""}
    found, remarks = find_notebooks(files, {name: GRADE_IDS[name] for name in ("knn", "softmax")})
    assert list(found) == ["knn", "softmax"]
    assert found["knn"].cells[1].source == "".join(json.loads(RELEASED["knn"])["cells"][1]["source"])
    assert remarks == ["my tests.ipynb is no notebook of the assignment and was not graded"]
    found, remarks = find_notebooks(handed_in(knn="knn", copy="knn"), GRADE_IDS)
    assert list(found) == ["knn"]
    assert remarks == ["softmax.ipynb is missing", "svm.ipynb is missing",
                       "copy.ipynb is no notebook of the assignment and was not graded"]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["knn (1)", "Copy of knn", "KNN", "knn-Copy1", "knn - Copy", "assignment", "work/knn", "work/homework 1"]
)
def test_a_renamed_notebook_is_a_problem_with_its_mend(name):
    words = refused(find_notebooks, handed_in(softmax="softmax", svm="svm", **{name: "knn"}), GRADE_IDS)
    assert words == f"knn.ipynb is missing, but '{name}.ipynb' holds its cells: rename it to knn.ipynb and run again"


def test_a_renamed_notebook_is_recognised_by_its_name_alone_too():
    stripped = notebook([code("def f(): pass")])
    for content in (stripped, b"{"):
        words = refused(find_notebooks, handed_in(softmax="softmax", svm="svm", **{"knn (1)": content}), GRADE_IDS)
        assert words.startswith("knn.ipynb is missing, but 'knn (1).ipynb' is called nearly so: rename it to knn.ipynb")
    words = refused(find_notebooks, {"knn.ipynb.txt": RELEASED["knn"], **handed_in(svm="svm")}, GRADE_IDS)
    assert "'knn.ipynb.txt' holds its cells" in words


def test_names_of_copies_of_copies_are_read_at_once():
    """A pattern that goes back over each of them would take longer than the universe is old."""
    files = handed_in(softmax="softmax", svm="svm", **{f"knn{'-Copy(1)' * 200}x": GOOD})
    assert find_notebooks(files, GRADE_IDS)[1][0] == "knn.ipynb is missing"
    files = handed_in(softmax="softmax", svm="svm", **{"knn-Copy1 - Kopie (2)-3 (4)-Copy-Copy5": GOOD})
    assert "Copy5.ipynb' is called nearly so" in refused(find_notebooks, files, GRADE_IDS)


def test_of_several_copies_the_instructor_chooses():
    files = handed_in(svm="svm", softmax="softmax", **{"knn (1)": "knn", "knn (2)": "knn"})
    words = refused(find_notebooks, files, GRADE_IDS)
    assert "'knn (1).ipynb' and 'knn (2).ipynb' holds its cells: rename the one that counts" in words


def test_exchanged_notebooks_are_noticed():
    words = refused(find_notebooks, handed_in(knn="svm", svm="knn", softmax="softmax"), GRADE_IDS)
    assert "knn.ipynb holds the cells of svm.ipynb" in words and "svm.ipynb holds the cells of knn.ipynb" in words


def test_everything_that_is_wrong_is_told_at_once():
    words = refused(find_notebooks, handed_in(knn=b"{", softmax=b"", SVM="svm"), GRADE_IDS)
    assert all(f"{name}.ipynb is" in words for name in GRADE_IDS) and words.count("; ") == 2


def test_a_submission_without_any_notebook_is_a_problem():
    assert "but essay.pdf: ask for knn.ipynb" in refused(find_notebooks, {"essay.pdf": b""}, GRADE_IDS)
    assert "but nothing: ask for knn.ipynb" in refused(find_notebooks, {}, GRADE_IDS)
