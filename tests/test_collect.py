"""`cs231n collect`: names of learning platforms, unpacking without harm, and nothing lost."""

import os
import shutil
import stat
import struct
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader import collecting
from grader.collecting import Collector
from grader.course import Course
from grader.unpacking import Limits

ROOT = Path(__file__).parents[1]
NOTEBOOK = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'
ROSTER = (
    ("alovelace", "Ada", "Lovelace", "ada@uni.example", "101"),
    ("jmueller", "Jörg", "Müller-Ødegård", "jm@uni.example", "102"),
    ("grace", "Grace", "Hopper", "g@uni.example", "103"),
    ("other-ada", "Ada", "Lovelace", "", "104"),
    ("jm", "Jo", "March", "jo@uni.example", "105"),
)
MONDAY, TUESDAY = (datetime(2026, 3, day, 12, tzinfo=UTC).timestamp() for day in (2, 3))


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A course with assignment1 of knn and softmax, and an empty gradebook."""
    root = tmp_path_factory.mktemp("template")
    (root / "assignments" / "assignment1").mkdir(parents=True)
    for name in ("knn", "softmax"):
        (root / "assignments" / "assignment1" / f"{name}.ipynb").write_text(NOTEBOOK)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    with Course(root).gradebook():
        pass  # nbgrader makes one
    return root


@pytest.fixture
def course(template, tmp_path):
    return Course(shutil.copytree(template, tmp_path / "course"))


@pytest.fixture
def roster(course):
    with course.gradebook() as gradebook:
        for name, first, last, email, number in ROSTER:
            gradebook.add_student(name, first_name=first, last_name=last, email=email, lms_user_id=number)
        gradebook.add_assignment("assignment1", duedate="2026-03-03 00:00:00 UTC")


@pytest.fixture
def uploads(tmp_path):
    folder = tmp_path / "up loads"
    folder.mkdir()
    return folder


def zipped(path, *names, text=NOTEBOOK, when=MONDAY, **contents):
    """A zip file at `path` with files of these names, and others with the contents given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**dict.fromkeys(names, text), **contents}.items():
            archive.writestr(name, content)
    os.utime(path, (when, when))
    return path


BOTH = ("knn.ipynb", "softmax.ipynb")


def collect(course, source, **settings):
    """{upload: (outcome, student, remarks)} of a run."""
    results = Collector(course, "assignment1", **settings).collect(source)
    return {r.upload: (r.outcome, r.student, "; ".join(r.remarks)) for r in results}


def stored(course, student):
    folder = course.root / "submitted" / student / "assignment1"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.name.startswith("gradebook"))


# --- whose it is ---


def test_canvas_moodle_and_plain_names_find_their_students(course, roster, uploads):
    zipped(uploads / "lovelaceada_101_9001_work.zip", *BOTH)
    zipped(uploads / "müllerødegårdjörg_LATE_999_9002_work-1.zip", *BOTH)
    zipped(uploads / "Grace Hopper_77_assignsubmission_file_" / "my work.zip", *BOTH, when=TUESDAY)
    zipped(uploads / "Ada Lovelace_78_assignsubmission_file_" / "x.zip", *BOTH)
    (uploads / "grace_5_assignsubmission_onlinetext_").mkdir()
    zipped(uploads / "Other-ADA (1).zip", *BOTH)
    zipped(uploads / "jm.zip", *BOTH)
    zipped(uploads / "assignment1-JO@uni.example.zip", *BOTH, when=TUESDAY)
    zipped(uploads / "nobody.zip", *BOTH)
    zipped(uploads / "assignment1-submission.zip", *BOTH)
    (uploads / "knn.ipynb").write_text(NOTEBOOK)
    found = collect(course, uploads)
    assert {name: result[:2] for name, result in found.items()} == {
        "lovelaceada_101_9001_work.zip": ("taken", "alovelace"),
        "müllerødegårdjörg_LATE_999_9002_work-1.zip": ("taken", "jmueller"),
        "Grace Hopper_77_assignsubmission_file_": ("taken", "grace"),
        "Ada Lovelace_78_assignsubmission_file_": ("refused", ""),
        "grace_5_assignsubmission_onlinetext_": ("left", ""),
        "Other-ADA (1).zip": ("taken", "other-ada"),
        "jm.zip": ("taken", "jm"),
        "assignment1-JO@uni.example.zip": ("kept", "jm"),
        "nobody.zip": ("refused", ""),
        "assignment1-submission.zip": ("refused", ""),
        "knn.ipynb": ("left", ""),
    }
    assert "alovelace or other-ada" in found["Ada Lovelace_78_assignsubmission_file_"][2]
    assert "nobody in the roster is called 'nobody'" in found["nobody.zip"][2]
    assert stored(course, "alovelace") == [*BOTH, "timestamp.txt"]
    assert course.students("assignment1") == ["alovelace", "grace", "jm", "jmueller", "other-ada"]


def test_canvas_is_believed_about_who_is_late(course, roster, uploads):
    """Files may carry the date of the download, which is after the due date for everybody."""
    zipped(uploads / "lovelaceada_101_1_a.zip", *BOTH, when=TUESDAY)
    zipped(uploads / "hoppergrace_LATE_103_2_a.zip", *BOTH, when=MONDAY)
    zipped(uploads / "jmueller.zip", *BOTH, when=TUESDAY)
    collect(course, uploads)
    late = {}
    for student in ("alovelace", "grace", "jmueller"):
        time = course._folders.get_existing_timestamp(str(course.path("submitted", "assignment1", student)))
        with course.gradebook() as gradebook:
            gradebook.add_submission("assignment1", student, timestamp=time)
            late[student] = gradebook.find_submission("assignment1", student).total_seconds_late
    assert late == {"alovelace": 0, "grace": 60, "jmueller": 12 * 3600}


def test_without_a_roster_the_names_in_the_files_are_the_students(course, uploads):
    with course.gradebook() as gradebook:
        gradebook.add_student("entered-by-grading")
    zipped(uploads / "lovelaceada_101_1_a.zip", *BOTH)
    zipped(uploads / "assignment1-Zoë.zip", *BOTH)
    zipped(uploads / "Ada  B. Love_7_assignsubmission_file_" / "a.zip", *BOTH)
    zipped(uploads / "Ada  B. Love_8_assignsubmission_file_" / "a.zip", *BOTH)
    found = collect(course, uploads)
    assert course.students("assignment1") == ["Ada--B.-Love", "Zoë", "lovelaceada-101"]
    assert "has the same name" in found["Ada  B. Love_8_assignsubmission_file_"][2]


def test_one_zip_file_of_everything(course, roster, tmp_path):
    inner = zipped(tmp_path / "inner.zip", *BOTH).read_bytes()
    for name, members in {
        "moodle": {"Grace Hopper_77_assignsubmission_file_/a.zip": inner},
        "canvas": {"lovelaceada_101_1_knn-1.ipynb": NOTEBOOK, "lovelaceada_101_2_softmax.ipynb": NOTEBOOK},
    }.items():
        results = collect(course, zipped(tmp_path / f"{name}.zip", **members))
        assert [result[0] for result in results.values()] == ["taken"], results
    assert stored(course, "grace") == stored(course, "alovelace") == [*BOTH, "timestamp.txt"]


# --- what is in it ---


def test_folders_are_flattened_and_changed_names_recognised(course, uploads):
    zipped(uploads / "deep.zip", "work/assignment1/knn.ipynb", "work/assignment1/Softmax (1).ipynb")
    junk = ("__MACOSX/._knn.ipynb", ".DS_Store", "a/.ipynb_checkpoints/knn-checkpoint.ipynb", "a/knn_key.npz")
    zipped(uploads / "junk.zip", "a/knn.ipynb", "a\\softmax.ipynb", "softmax_trained-1.npz", *junk)
    zipped(uploads / "saved-as-text.zip", "knn - Copy.ipynb", "softmax.ipynb.txt", "data/notes.txt")
    zipped(uploads / "unclear.zip", "knn (1).ipynb", "knn (2).ipynb", "softmax.ipynb")
    zipped(uploads / "other.zip", "essay.pdf")
    found = collect(course, uploads)
    assert stored(course, "deep") == [*BOTH, "timestamp.txt"]
    assert "Softmax (1).ipynb taken as softmax.ipynb; without softmax_trained.npz" in found["deep.zip"][2]
    assert stored(course, "junk") == ["knn.ipynb", "softmax.ipynb", "softmax_trained-1.npz", "timestamp.txt"]
    assert stored(course, "saved-as-text") == ["data/notes.txt", *BOTH, "timestamp.txt"]
    assert "several files could be knn.ipynb; none was taken" in found["unclear.zip"][2]
    assert (
        found["other.zip"][0] == "refused" and "no notebook of the assignment, but essay.pdf" in found["other.zip"][2]
    )


def special(name, mode):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def hostile(path, kind):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("knn.ipynb", NOTEBOOK)
        if kind == "link":
            archive.writestr(special("softmax.ipynb", stat.S_IFLNK | 0o777), "/etc/passwd")
        elif kind == "device":
            archive.writestr(special("softmax.ipynb", stat.S_IFIFO | 0o644), "")
        elif kind in ("../../out.txt", "/out.txt", "C:\\out.txt", "a\\..\\..\\out.txt", "bell\a.txt", "x" * 300):
            archive.writestr(kind, "out")
        elif kind == "bomb":
            archive.writestr("zeros", bytes(3 * 2**20))
        elif kind == "many":
            for number in range(600):
                archive.writestr(f"{number}.txt", "")
        elif kind == "twice":
            archive.writestr("KNN.ipynb", "")
        elif kind == "file and folder":
            archive.writestr("knn.ipynb/x", "")
        elif kind == "lzma":
            archive.writestr("softmax.ipynb", NOTEBOOK, compress_type=zipfile.ZIP_LZMA)
    raw = bytearray(path.read_bytes())
    if kind == "lying bomb":  # the headers promise one byte
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("knn.ipynb", bytes(3 * 2**20))
        raw = path.read_bytes().replace((3 * 2**20).to_bytes(4, "little"), (1).to_bytes(4, "little"))
    elif kind == "locked":
        start = raw.index(b"PK\1\2")
        raw[start + 8] |= 1
    elif kind == "cut off":
        raw = raw[: len(raw) // 2]
    elif kind == "no zip":
        raw = b"\0" * 50
    elif kind == "empty":
        raw = b""
    elif kind == "far away":  # the list of contents says that the file begins at byte 2**64 - 1
        entry, end = raw.index(b"PK\1\2"), raw.index(b"PK\5\6")
        extra = struct.pack("<HHQ", 1, 8, 2**64 - 1)
        raw[entry + 42 : entry + 46] = b"\xff" * 4
        raw[entry + 30 : entry + 32] = len(extra).to_bytes(2, "little")
        raw[end + 12 : end + 16] = (end - entry + len(extra)).to_bytes(4, "little")
        raw[end:end] = extra
    elif kind == "long listing":  # as if there were 16 MiB of names
        end = raw.index(b"PK\5\6")
        raw[end + 12 : end + 16] = (2**24).to_bytes(4, "little")
        raw = bytes(2**24) + raw
    path.write_bytes(raw)


HOSTILE = {
    "link": "holds a link, 'softmax.ipynb'",
    "device": "holds a link",
    "../../out.txt": "leads out of its folder",
    "/out.txt": "leads out of its folder",
    "C:\\out.txt": "leads out of its folder",
    "a\\..\\..\\out.txt": "leads out of its folder",
    "bell\a.txt": "unprintable characters, 'bell\\x07.txt'",
    "x" * 300: "too long",
    "bomb": "'zeros' in it is too large",
    "lying bomb": "a damaged one",
    "many": "holds too many files, by 401",
    "twice": "two files called 'KNN.ipynb'",
    "file and folder": "a file and a folder of the same name",
    "lzma": "packed in an unusual way",
    "locked": "locked with a password",
    "cut off": "no zip file, or a damaged one",
    "no zip": "no zip file, or a damaged one",
    "empty": "no zip file, or a damaged one",
    "far away": "a damaged one",
    "long listing": "list of contents is too long",
}


def test_hostile_and_damaged_zip_files_are_refused_and_stop_nobody(course, uploads, monkeypatch):
    monkeypatch.setattr(collecting, "SUBMISSION", Limits(file=2**20))
    for number, kind in enumerate(HOSTILE):
        hostile(uploads / f"s{number:02}.zip", kind)
    (uploads / "s90.zip").symlink_to(uploads / "s00.zip")
    (uploads / "s91.rar").write_bytes(b"Rar!")
    (uploads / "s92").mkdir()
    (uploads / "s92" / "knn.ipynb").symlink_to("/etc/passwd")
    zipped(uploads / "zoe.zip", *BOTH)
    before = everything(course.root.parent)
    found = collect(course, uploads)
    for number, (kind, words) in enumerate(HOSTILE.items()):
        outcome, student, remarks = found[f"s{number:02}.zip"]
        assert (outcome, student) == ("refused", f"s{number:02}"), kind
        assert words in remarks, kind
    assert found["s90.zip"][0] == "left" and "zip file" in found["s91.rar"][2] and "is a link" in found["s92"][2]
    new = set(everything(course.root.parent)) - set(before)
    assert {name for name in new if "zoe" not in name} == {"course/submitted"}


def test_limits_hold_for_all_files_of_an_upload_together(course, uploads, monkeypatch):
    monkeypatch.setattr(collecting, "SUBMISSION", Limits(count=4, file=3000, total=5000))
    for name, count, size in (("many", 2, 100), ("large", 1, 3000), ("fine", 1, 100)):
        folder = uploads / f"{name}_1_assignsubmission_file_"
        zipped(folder / "a.zip", "knn.ipynb", **{f"a{i}.txt": os.urandom(size) for i in range(count)})
        zipped(folder / "b.zip", **{f"b{i}.txt": os.urandom(size) for i in range(count)})
    for number in range(5):
        (uploads / f"manyplain_7_{number}_{number}.txt").write_text("")
    for number in range(3):
        (uploads / f"largeplain_8_{number}_{number}.txt").write_bytes(bytes(2000))
    (uploads / "largest_9_1_knn.ipynb").write_bytes(bytes(3001))
    told = {name.partition("_")[0]: result for name, result in collect(course, uploads).items()}
    assert told.pop("fine")[0] == "taken"
    assert len(told) == 5 and {result[0] for result in told.values()} == {"refused"}
    for name, (_, _, remarks) in told.items():
        assert ("too many files, by 1:" if name.startswith("many") else "too large") in remarks, name


def test_names_as_systems_make_them_are_taken_and_control_characters_are_not(course, uploads):
    screenshot = "Screenshot 2026-03-02 at 10.15\u202fPM.png"  # as macOS writes it
    zipped(uploads / "ada.zip", "knn.ipynb", screenshot, "año\xa0uno.txt")
    zipped(uploads / "ben.zip", "knn.ipynb", "line\u2028end.txt")
    found = collect(course, uploads)
    assert found["ada.zip"][0] == "taken" and screenshot in stored(course, "ada")
    assert found["ben.zip"][0] == "refused" and "unprintable characters, 'line\\u2028end.txt'" in found["ben.zip"][2]


# --- what is there already ---


def test_what_was_collected_before_is_never_lost(course, uploads):
    upload = zipped(uploads / "ada.zip", *BOTH)
    assert collect(course, uploads)["ada.zip"][0] == "taken"
    assert collect(course, uploads)["ada.zip"][0] == "kept"
    zipped(upload, *BOTH, text=NOTEBOOK + " ", when=TUESDAY)
    outcome, _, remarks = collect(course, uploads)["ada.zip"]
    assert outcome == "replaced" and "the one before is in submitted_earlier/ada/assignment1/1" in remarks
    earlier = course.root / "submitted_earlier" / "ada" / "assignment1" / "1"
    assert (earlier / "knn.ipynb").read_text() == NOTEBOOK
    assert "2026-03-02 12:00" in (earlier / "timestamp.txt").read_text()
    zipped(upload, *BOTH, text=NOTEBOOK + "  ", when=MONDAY)
    outcome, _, remarks = collect(course, uploads)["ada.zip"]
    assert outcome == "kept" and "came later, on 2026-03-03 12:00 UTC; --replace" in remarks
    assert collect(course, uploads, replace=True)["ada.zip"][0] == "replaced"
    assert {path.name for path in earlier.parent.iterdir()} == {"1", "2"}
    zipped(uploads / "ada (1).zip", *BOTH, text=NOTEBOOK + "   ", when=TUESDAY)
    assert [result[0] for result in collect(course, uploads).values()] == ["kept", "replaced"], "the newest counts"
    submitted = course.root / "submitted" / "ada" / "assignment1" / "knn.ipynb"
    assert submitted.read_text() == NOTEBOOK + "   "


def test_a_failure_to_store_leaves_what_was_there(course, uploads, monkeypatch):
    upload = zipped(uploads / "ada.zip", *BOTH)
    collect(course, uploads)
    zipped(upload, *BOTH, text=NOTEBOOK + " ", when=TUESDAY)
    replace = os.replace

    def full(source, target):
        if ".collecting-" in str(source) and str(target).endswith("assignment1"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert collect(course, uploads)["ada.zip"] == ("refused", "ada", "it cannot be stored: No space left on device.")
    assert (course.root / "submitted" / "ada" / "assignment1" / "knn.ipynb").read_text() == NOTEBOOK


# --- the command ---


def run(*arguments):
    result = CliRunner().invoke(build_app(), [str(argument) for argument in arguments])
    result.words = " ".join(result.output.split())
    return result


def test_the_command_tells_each_outcome_and_the_next_step(course, uploads):
    zipped(uploads / "ada.zip", *BOTH)
    (uploads / "b\x1b[31m[red]‮.zip").write_bytes(b"")
    result = run("collect", "assignment1", uploads, "--course", course.root, "--received", "2026-03-01 10:00")
    assert result.exit_code == 1
    assert "1 taken, 1 refused Next: cs231n autograde assignment1" in result.words
    assert "b?[31m[red]?.zip" in result.words and "\x1b" not in result.output and "‮" not in result.output
    time = datetime.fromisoformat("2026-03-01 10:00").astimezone(UTC)
    timestamp = (course.root / "submitted" / "ada" / "assignment1" / "timestamp.txt").read_text()
    assert timestamp == f"{time:%Y-%m-%d %H:%M:%S} UTC\n"


def test_nothing_to_collect_is_said(course, uploads, tmp_path):
    for source, words in (
        (tmp_path / "no", "There is no folder"),
        (uploads, "is empty"),
        (Path(__file__), "no zip file"),
    ):
        result = run("collect", "assignment1", source, "--course", course.root)
        assert result.exit_code == 2 and words in result.words
    result = run("collect", "assignment9", uploads, "--course", course.root)
    assert result.exit_code == 2 and "cs231n release assignment9" in result.words


@pytest.mark.parametrize("command", ["collect", "bundle"])
def test_the_commands_explain_themselves(command):
    explained = run(command, "--help").words
    assert f"Examples: cs231n {command}" in explained and "Exit codes: 0 " in explained
