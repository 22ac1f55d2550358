"""Disks that are full or read-only, in a mount namespace of their own: run as a script, which ends with an error where
something stored is lost. Prints what was said of each fault, as JSON.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from recorded_class import ASSIGNMENT, STUDENTS, assert_complete, attempts, grade
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader.course import Course, CourseError

IN_A_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, __file__]
FREE = (0, 12, 40, 230)  # KiB: the disk is full a little later each time


def command(course):
    """What `cs231n autograde` says. Its sandbox is of no matter here, and may not work inside."""
    arguments = ["autograde", ASSIGNMENT, "--allow-unsandboxed", "--course", str(course.root)]
    result = CliRunner().invoke(build_app(), arguments)
    assert result.exit_code == 2, result.output
    return " ".join(result.stderr.split())


def full(template, folder):
    """[said when the disk was full, so many graded by then]: it becomes so during a run, and is before others."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    course = Course(shutil.copytree(template, folder / "course"))
    ballast, before, told = folder / "ballast", attempts(course), []

    def fill(free=0):
        room = os.statvfs(folder)
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - free * 1024)

    def fill_half_way(student):
        if student == STUDENTS[2]:
            fill()

    for free in (None, *FREE):
        if free is None:
            words = said(course, fill_half_way)
        else:
            fill(free)
            words = said(course) if free else command(course)
        after = attempts(course)
        told.append([words, sum(recorded for recorded, _ in after.values())])
        for student in STUDENTS:
            assert after[student][0] >= before[student][0] and None not in after[student], (free, before, after)
        before = after
        ballast.unlink()
    assert said(course) == ""
    assert_complete(course, 1)
    return told


def said(course, hook=lambda name: None):
    """What ends a run, "" where nothing does."""
    try:
        grade(course, hook)
    except CourseError as error:
        return str(error)
    return ""


def read_only(template, folder):
    """Said of a gradebook that cannot be written, though its folder can."""
    course = Course(shutil.copytree(template, folder / "course"))
    book = course.root / "gradebook.db"
    before = attempts(course), book.read_bytes()
    subprocess.run(["mount", "--bind", book, book], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", book], check=True)
    told = command(course)
    assert (attempts(course), book.read_bytes()) == before
    subprocess.run(["umount", book], check=True)
    grade(course)
    assert_complete(course, 1)
    return [told]


if __name__ == "__main__":
    template, folder = map(Path, sys.argv[1:])
    for name in ("full", "read-only"):
        (folder / name).mkdir()
    said_of = {"read-only": read_only(template, folder / "read-only"), "full": full(template, folder / "full")}
    print(json.dumps(said_of))
