"""Backups of the gradebook, one run at a time, and what is said when the gradebook cannot be written."""

import errno
import json
import os
import pwd
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import processes
import pytest
from graded_class import make_class
from processes import as_nobody
from sqlalchemy.exc import OperationalError

from grader import gradebook as keeping
from grader import gradebook_errors
from grader.course import CourseError
from grader.gradebook import NOTE, RunLock, back_up, require_writable, with_timeouts
from grader.gradebook_errors import explained, shown

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_class(tmp_path_factory.mktemp("course"))


@pytest.fixture
def book(template, tmp_path):
    """The file of a gradebook with nobody in it."""
    path = tmp_path / "grade book.db"
    path.write_bytes((template.root / "gradebook.db").read_bytes())
    return path


@pytest.fixture
def url(book):
    return f"sqlite:///{book}"


def students(path):
    with closing(sqlite3.connect(path)) as database:
        return [name for (name,) in database.execute("SELECT id FROM student ORDER BY id")]


def add(path, *names):
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany("INSERT INTO student (id) VALUES (?)", [(name,) for name in names])


def writer(path, until="sys.stdin.read()"):
    """A process that locks the gradebook for as long as its input is open."""
    script = f"""
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
{until}
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_backup_is_whole_and_nobody_elses(book, url, tmp_path):
    add(book, "ada")
    backup = back_up(url, tmp_path)
    assert backup.parent == tmp_path / "backups" and backup.name.startswith("gradebook-") and backup.suffix == ".db"
    assert backup.stat().st_mode & 0o777 == 0o600 and backup.parent.stat().st_mode & 0o777 == 0o700
    add(book, "ben")
    assert students(backup) == ["ada"] and students(book) == ["ada", "ben"]


def test_the_oldest_go_and_the_same_is_kept_once(book, url, tmp_path):
    made = []
    for name in ("ada", "ben", "cai", "dee"):
        add(book, name)
        made += [back_up(url, tmp_path, keep=3), back_up(url, tmp_path, keep=3)]
    assert made[0::2] == made[1::2] and made[0::2] == sorted(set(made))
    assert sorted((tmp_path / "backups").iterdir()) == made[2::2]
    assert [len(students(path)) for path in made[2::2]] == [2, 3, 4]


def test_a_backup_made_while_something_writes_has_all_of_it_or_nothing(book, url, tmp_path):
    add(book, "ada")
    with closing(sqlite3.connect(book, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.executemany("INSERT INTO student (id) VALUES (?)", [(f"student {i}",) for i in range(500)])
        assert students(back_up(url, tmp_path)) == ["ada"]
        other.execute("COMMIT")
        assert len(students(back_up(url, tmp_path))) == 501


def test_nothing_to_back_up_is_no_error(tmp_path):
    assert back_up(f"sqlite:///{tmp_path}/gradebook.db", tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_cannot_be_written_leaves_nothing(book, url, tmp_path, monkeypatch):
    kept = back_up(url, tmp_path)
    add(book, "ada")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CourseError, match="is full. Free some space"):
        back_up(url, tmp_path)
    monkeypatch.undo()
    assert list((tmp_path / "backups").iterdir()) == [kept]
    (tmp_path / "elsewhere" / "backups").parent.mkdir()
    (tmp_path / "elsewhere" / "backups").write_text("a file")
    with pytest.raises(CourseError, match="No backup of the gradebook can be written .*File exists"):
        back_up(url, tmp_path / "elsewhere")


def test_a_damaged_gradebook_drives_no_good_backup_out(book, url, tmp_path):
    add(book, *(f"student {i}" for i in range(400)))
    good = back_up(url, tmp_path)
    content = bytearray(book.read_bytes())
    content[-4096 * 3 :] = b"\xff" * 4096 * 3
    book.write_bytes(content)
    with pytest.raises(CourseError, match="is damaged: .*Next, to go back to the newest backup: cp .*") as refused:
        back_up(url, tmp_path)
    assert list((tmp_path / "backups").iterdir()) == [good]
    subprocess.run(str(refused.value).partition("backup: ")[2], shell=True, check=True)
    assert len(students(book)) == 400


@pytest.mark.parametrize("use", [require_writable, lambda url: back_up(url, Path(shown(url)).parent)])
def test_a_locked_gradebook_is_waited_for_and_then_named(book, url, monkeypatch, use):
    other = writer(book)
    try:
        monkeypatch.setattr(keeping, "PATIENCE", 0.2)
        with pytest.raises(CourseError, match="grade book.db is locked: another program .*formgrader"):
            use(url)
        monkeypatch.undo()
        monkeypatch.setattr(gradebook_errors, "SLOW", 0.2)

        def let_go(line):
            lines.append(line)
            other.stdin.close()

        lines = []
        with explained(url, tell=let_go):
            use(url)
        assert [line.partition(",")[0] for line in lines] == [f"Waiting for {book}"]
    finally:
        other.kill()
        other.wait()


def test_to_find_out_whether_it_can_be_written_changes_nothing(book, url, tmp_path):
    add(book, "ada")
    before = book.read_bytes()
    require_writable(url)
    assert book.read_bytes() == before
    require_writable(f"sqlite:///{tmp_path}/new.db")
    with closing(sqlite3.connect(tmp_path / "new.db")) as database:
        assert database.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)


@pytest.fixture
def open_folder():
    """A folder that every user gets to."""
    folder = Path(tempfile.mkdtemp(prefix="cs231n-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "file, folder, words",
    [
        (0o666, 0o777, ""),
        (0o444, 0o777, "is read-only for you. Next: chmod u+w '"),
        (0o666, 0o555, "cannot be opened: you must be able to write to it and to "),
        (0o000, 0o777, "cannot be opened: you must be able to write to it and to "),
    ],
)
def test_a_gradebook_that_cannot_be_written_is_named_with_the_mend(template, open_folder, file, folder, words):
    book = open_folder / "grade book.db"
    shutil.copy(template.root / "gradebook.db", book)
    book.chmod(file)
    open_folder.chmod(folder)
    told = as_nobody(require_writable, f"sqlite:///{book}")
    open_folder.chmod(0o777)
    assert (str(book) in told and words in told) if words else told is None


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda book: book.write_text("no database at all" * 100), "is damaged: file is not a database"),
        (lambda book: alter(book, "ALTER TABLE student DROP COLUMN lms_user_id"), "older nbgrader: its table student"),
        (lambda book: (book.unlink(), alter(book, "CREATE TABLE birds (name)")), "no gradebook but the tables birds"),
    ],
)
def test_a_file_that_is_no_gradebook_is_refused(book, url, spoil, words):
    spoil(book)
    with pytest.raises(CourseError, match=words):
        require_writable(url)


def alter(book, words):
    with closing(sqlite3.connect(book)) as database, database:
        database.execute(words)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CourseError, match=f"{tmp_path}/none/gradebook.db cannot be opened"):
        require_writable(f"sqlite:///{tmp_path}/none/gradebook.db")


def test_other_errors_pass_unchanged(url):
    for error in (ValueError("x"), OSError(errno.ENOENT, "No such file"), KeyError("y")):
        with pytest.raises(type(error)) as passed, explained(url):
            raise error
        assert passed.value is error


def test_nbgraders_own_word_for_a_database_error_is_seen_through(template, monkeypatch):
    """It turns all of them into InvalidEntry."""

    def full():
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = "SQLITE_FULL"
        raise OperationalError("INSERT", {}, error)

    with pytest.raises(CourseError, match="disk of the gradebook .* is full"), template.gradebook() as gradebook:
        monkeypatch.setattr(gradebook.db, "commit", full)
        gradebook.add_student("ada")


def test_the_url_says_how_long_to_wait_unless_it_does_so_itself():
    assert with_timeouts("sqlite:////a/b.db") == "sqlite:////a/b.db?timeout=30"
    assert with_timeouts("sqlite:////a/b.db?timeout=5") == "sqlite:////a/b.db?timeout=5"
    server = with_timeouts("postgresql+psycopg://me:a%40b@host/db?connect_timeout=3")
    assert "connect_timeout=3" in server and "lock_timeout" in server and "me:a%40b@host" in server
    assert with_timeouts(server) == server and "a%40b" not in shown(server) and shown(server).endswith("@host/db")


def test_a_second_run_is_refused_and_told_of_the_first(open_folder):
    with processes.started(processes.hold, open_folder) as (first, connection):
        assert connection.recv() == "entered"
        me = pwd.getpwuid(os.getuid()).pw_name
        expected = f"autograde assignment1, started by {me} on .* UTC .process {first.pid} on .*Wait until it is done"
        with pytest.raises(CourseError, match=expected):
            processes.enter(open_folder)
        assert re.search(expected, as_nobody(processes.enter, open_folder))
        connection.send("end")
        first.join()
        assert not (open_folder / NOTE).exists()
        with RunLock(open_folder, "feedback"):
            assert json.loads((open_folder / NOTE).read_text())["what"] == "feedback"
        assert as_nobody(processes.enter, open_folder) == "entered"


def test_what_a_killed_run_leaves_is_no_obstacle(open_folder):
    with processes.started(processes.hold, open_folder) as (first, connection):
        assert connection.recv() == "entered"
        first.kill()
        first.join()
    assert (open_folder / NOTE).exists()
    assert as_nobody(processes.enter, open_folder) == "entered"
    assert processes.enter(open_folder) == "entered"


def test_a_run_in_the_same_process_is_refused_too(tmp_path):
    with RunLock(tmp_path, "one"):
        with pytest.raises(CourseError, match="Another run uses this course: one, started by"):
            RunLock(tmp_path, "two").__enter__()
        (tmp_path / NOTE).write_text('{"who": "half a no')
        with pytest.raises(CourseError, match="Another run uses this course: one that has only just begun"):
            RunLock(tmp_path, "two").__enter__()


def test_an_error_inside_gives_the_course_free(tmp_path):
    with pytest.raises(KeyError), RunLock(tmp_path, "one"):
        raise KeyError
    with RunLock(tmp_path, "two"):
        pass
