"""Grading while the gradebook, the disk or the run fails: nothing stored is lost, and the next call completes it."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import processes
import pytest
from failing_disk import FREE, IN_A_NAMESPACE
from recorded_class import ASSIGNMENT, STUDENTS, assert_complete, attempts, grade, hand_in_again, make_class
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader import autograding, gradebook, gradebook_errors, recording
from grader.course import Course, CourseError

ROOT = Path(__file__).parents[1]
MOMENTS = (0.3, 0.9, 0.6, 0.0, 0.75, 0.45, 0.15)  # shares of the time that recording a submission takes


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A class that is graded, and has handed in again."""
    course = make_class(Course(ROOT), tmp_path_factory.mktemp("class"))
    grade(course)
    assert_complete(course)
    hand_in_again(course, 1)
    return course.root


@pytest.fixture
def root(template, tmp_path):
    return shutil.copytree(template, tmp_path / "course")


@pytest.fixture
def course(root):
    return Course(root)


def test_a_run_killed_at_any_moment_leaves_whole_grades_and_the_next_completes_it(course, tmp_path):
    began = time.monotonic()
    grade(Course(shutil.copytree(course.root, tmp_path / "timed")))
    each = (time.monotonic() - began) / len(STUDENTS)
    killed = 0
    for share in MOMENTS:
        with processes.started(processes.grade, course.root) as (process, connection):
            try:
                connection.recv()
            except EOFError:  # the runs before have graded all of them
                break
            time.sleep(share * each)  # somewhere while the submission is recorded, and nobody knows where
            process.kill()
            process.join()
            killed += process.exitcode < 0
        for student, (recorded, shown) in attempts(course).items():
            mark = course.root / recording.STAGING / "unfinished" / ASSIGNMENT / student
            assert (recorded, shown) in {(0, 0), (1, 1)} or mark.exists(), (student, recorded, shown)
    assert killed >= 4
    grade(course)
    assert_complete(course, 1)


def test_before_every_run_there_is_a_backup(course):
    grade(course)
    newest = max((course.root / "backups").iterdir())
    shutil.copy(newest, course.root / "gradebook.db")
    assert {recorded for recorded, _ in attempts(course).values()} == {0}


def lock(path):
    """A process that keeps the gradebook for itself until its input is closed."""
    script = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", script, path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "locked\n"
    return process


@pytest.fixture
def lock_at(root):
    """`lock_at(student)` is the hook with which the gradebook is locked when the student's grade is due."""
    locks = []

    def hook(student):
        return lambda name: locks.append(lock(root / "gradebook.db")) if name == student else None

    yield hook, lambda: [process.communicate("") for process in locks]
    for process in locks:
        process.kill()
        process.communicate()


def test_a_locked_gradebook_is_waited_for(course, lock_at, monkeypatch):
    monkeypatch.setattr(gradebook_errors, "SLOW", 0.2)
    hook, let_go = lock_at
    told = []

    def tell(line):
        told.append(line)
        let_go()

    grade(course, hook("student2"), tell)
    assert_complete(course, 1)
    assert told[0].startswith(f"Waiting for {course.root / 'gradebook.db'}, which another program may be writing to")


def test_a_gradebook_that_stays_locked_ends_the_run(root, lock_at, monkeypatch):
    monkeypatch.setattr(gradebook, "PATIENCE", 0.2)
    hook, let_go = lock_at
    with pytest.raises(CourseError, match="gradebook.db is locked: .*same command goes on"):
        grade(Course(root), hook("student2"))
    let_go()
    monkeypatch.undo()
    course = Course(root)
    assert [recorded for recorded, _ in attempts(course).values()] == [1, 1, 0, 0, 0]
    grade(course)
    assert_complete(course, 1)


@pytest.fixture(scope="module")
def failing_disk(template, tmp_path_factory):
    """What was said of each fault; the script fails where something stored was lost."""
    if sys.platform != "linux":
        pytest.skip("no mount namespaces")
    command = [*IN_A_NAMESPACE, template, tmp_path_factory.mktemp("disks")]
    wide = {**os.environ, "COLUMNS": "10000"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=wide)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_full_disk_ends_the_run_with_the_mend(failing_disk):
    assert len(failing_disk["full"]) == 1 + len(FREE)
    for words, count in failing_disk["full"]:
        assert "No space left" in words or "is full. Free some space. Nothing that was stored is lost" in words
        assert count == 2, "graded until the disk was full, and then no more"


def test_a_read_only_gradebook_is_found_before_anything_is_graded(failing_disk):
    (words,) = failing_disk["read-only"]
    assert "gradebook.db is read-only" in words and "chmod u+w" in words


def test_a_second_run_is_refused_and_disturbs_nothing(course, monkeypatch):
    refused = []

    def another(*options):
        arguments = ["autograde", ASSIGNMENT, "--course", str(course.root), *options]
        refused.append(CliRunner().invoke(build_app(), arguments))

    put_in_place = recording.put_in_place

    def meanwhile(new, final):
        """When the first run has a graded notebook in its hands."""
        if final.parent.name == "student1":
            another()
            another("--only-new")
        put_in_place(new, final)

    monkeypatch.setattr(recording, "put_in_place", meanwhile)
    monkeypatch.setattr("grader.sandbox.probe", lambda: None)
    grade(course)
    assert_complete(course, 1)
    assert [result.exit_code for result in refused] == [2, 2]
    for result in refused:
        words = " ".join(result.stderr.split())
        assert f"Another run uses this course: autograde {ASSIGNMENT}, started by" in words


def test_a_gradebook_without_backup_is_graded_and_it_is_said(course, monkeypatch):
    monkeypatch.setattr(autograding, "back_up", lambda *_: None)
    told = []
    grade(course, tell=told.append)
    assert told == ["No backup of the gradebook is made: there is no pg_dump. Next: install postgresql-client"]
    assert_complete(course, 1)
