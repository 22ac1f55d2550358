"""What is collected from nbgrader's exchange, whatever students leave there."""

import os
import pwd
import subprocess
import sys
import time
from pathlib import Path

import pytest
from graded_class import ASSIGNMENT, make_class

from grader.exchange import NotCollected, copy_files_of

ME = pwd.getpwuid(os.getuid()).pw_name
TIME = "2020-11-23 20:00:00.000000 UTC"
NBGRADER = Path(sys.executable).with_name("nbgrader")


def hand_in(inbound: Path, name: str, **files: str) -> Path:
    folder = inbound / name
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / f"{file}.ipynb").write_text(text)
    return folder


@pytest.fixture
def place(tmp_path):
    """A course, and an exchange for it: (course, its inbound folder)."""
    (tmp_path / "course").mkdir()
    exchange = tmp_path / "exchange"
    config = f"\nc.Exchange.root = {str(exchange)!r}\nc.CourseDirectory.max_dir_size = 1000\n"
    return make_class(tmp_path / "course", config=config), exchange / "cs231n" / "inbound"


def collect(course) -> str:
    done = subprocess.run([NBGRADER, "collect", ASSIGNMENT], cwd=course.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_one_bad_folder_stops_no_other_and_no_link_is_followed(place):
    course, inbound = place
    hand_in(inbound, f"nobody-here+{ASSIGNMENT}+{TIME}+x", knn="{}")
    hand_in(inbound, f"{ME}+{ASSIGNMENT}", knn="{}")
    hand_in(inbound, f"{ME}+{ASSIGNMENT}+yesterday", knn="{}")
    hand_in(inbound, f"{ME}+{ASSIGNMENT}+2020-11-23 22:00:00.000000 UTC+big", knn="x" * 1_000_001)
    hand_in(inbound, f"{ME}+{ASSIGNMENT}+{TIME}+old", knn="old")
    hand_in(inbound, f"{ME}+assignment2+2020-11-23 22:00:00.000000 UTC", knn="another assignment")
    (inbound / "note.txt").write_text("a file")
    new = hand_in(inbound, f"{ME}+{ASSIGNMENT}+2020-11-23 21:00:00.000000 UTC+new", knn="new")
    (new / "data").mkdir()
    (new / "data" / "numbers.txt").write_text("1")
    secret = course.root / "solutions"
    secret.mkdir()
    (secret / "secret.ipynb").write_text("secret")
    (new / "a.ipynb").symlink_to(secret / "secret.ipynb")
    (new / "all").symlink_to(secret)
    os.mkfifo(new / "pipe")

    said = collect(course)
    assert said.count("Not collected") == 5, said
    for reason in ("no account 'nobody-here'", "not one that nbgrader gives", "larger than 1 MB"):
        assert reason in said
    assert all(name in said for name in ("'a.ipynb'", "'all'", "'pipe'")), said
    assert f"'{new.name}': was changed after the time in its name" in said
    assert "old': was changed" in said
    submitted = course.path("submitted", ASSIGNMENT, ME)
    files = {path.relative_to(submitted).as_posix() for path in submitted.rglob("*")}
    assert files == {"knn.ipynb", "data", "data/numbers.txt", "timestamp.txt"}
    assert (submitted / "knn.ipynb").read_text() == "new"
    assert (submitted / "timestamp.txt").read_text().startswith("2020-11-23 21:00")
    assert course.students(ASSIGNMENT) == [ME]


def test_when_a_submission_was_changed_is_known_whatever_times_it_gives_itself(tmp_path):
    before = time.time()
    source = hand_in(tmp_path, "source", knn="{}")
    for path in (source, source / "knn.ipynb"):
        os.utime(path, (0, 0))
    _, changed = copy_files_of(os.getuid(), source, tmp_path / "target", 1000)
    assert before - 1 < changed < time.time() + 1


def test_files_of_others_are_left_out(tmp_path):
    source = hand_in(tmp_path, "source", knn="{}")
    assert copy_files_of(os.getuid() + 1, source, tmp_path / "target", 1000)[0] == ["'knn.ipynb'"]
    assert list((tmp_path / "target").iterdir()) == []
    with pytest.raises(NotCollected, match="larger"):
        copy_files_of(os.getuid(), source, tmp_path / "again", 1)


def test_an_exchange_without_a_release_is_named(place):
    course, inbound = place
    inbound.parent.parent.mkdir()
    done = subprocess.run([NBGRADER, "collect", ASSIGNMENT], cwd=course.root, capture_output=True, text=True)
    assert done.returncode == 1 and "Nothing was released through the exchange yet" in done.stderr
