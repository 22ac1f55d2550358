"""The instructors' commands about what goes out to students and what comes back."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cs231n_kit.terminal import printable

from .terminal import HERE, Assignment, Folder, console, mendable, open_course, print_table

COLOURS = {"taken": "green", "replaced": "green", "kept": "dim", "refused": "red", "left": "yellow"}
DATES = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]


def bundle(
    target: Annotated[
        Path | None,
        typer.Argument(help="Zip file, or new folder; dist/cs231n-kit-students.zip if left out.", show_default=False),
    ] = None,
    course: Folder = HERE,
) -> None:
    """Make the students' copy of the course.

    Lectures, the kit and the released assignments, and no solutions, checks, tests, grades or submissions: only what
    git keeps goes out. It refuses when a released notebook holds answers.

    Examples:  cs231n bundle

    cs231n bundle ~/public/week1.zip

    Exit codes: 0 done, 2 nothing was written.
    """
    from .bundling import student_copy, write_copy

    with mendable():
        place = open_course(course)
        contents, unknown = student_copy(place)
        target = target or place.root / "dist" / "cs231n-kit-students.zip"
        write_copy(contents, target)
    size = sum(map(len, contents.values())) / 1e6
    console.print(f"[green]✓[/] {escape(str(target))}: {len(contents)} files, {size:.1f} MB unpacked", soft_wrap=True)
    for name in unknown:
        console.print(f"[yellow]![/] {escape(printable(name))} is left out: git does not keep it", soft_wrap=True)
    console.print("Next: hand it out. Students unpack it and run make lab.")


def collect(
    assignment: Assignment,
    source: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder, or the one zip file, with all that was handed in.")
    ],
    received: Annotated[
        datetime | None,
        typer.Option(formats=DATES, help="When all of it came, in local time; else the date of each file counts."),
    ] = None,
    anyone: Annotated[bool, typer.Option("--anyone", help="Take students who are not in the roster, too.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take it even if what is there already came later.")
    ] = False,
    course: Folder = HERE,
) -> None:
    """Take in submissions as Canvas, Moodle or students name them.

    Canvas:  lastfirst_12345_67890_file.zip, with LATE_ for late ones, several files of one student, or all in one zip.

    Moodle:  a folder "First Last_12345_assignsubmission_file_" for each student, or all of them in one zip.

    Otherwise:  STUDENT.zip or a folder STUDENT.

    Names are looked up in the roster (cs231n roster). Each submission goes to submitted/STUDENT/ASSIGNMENT/; what was
    there before is kept in submitted_earlier/. Nothing of a submission is run. A bad one is refused, and the others
    are taken all the same.

    Examples:  cs231n collect assignment1 ~/Downloads/submissions.zip

    cs231n collect assignment1 uploads --received "2026-11-20 18:00"

    Exit codes: 0 all taken, 1 some refused, 2 nothing could be done.
    """
    from .collecting import REFUSED, Collector

    with mendable():
        when = received and received.astimezone(UTC)
        results = list(Collector(open_course(course), assignment, when, anyone, replace).collect(source))
    print_table(_result_table(results))
    counted = Counter(result.outcome for result in results)
    console.print(", ".join(f"{counted[outcome]} {outcome}" for outcome in COLOURS if counted[outcome]))
    console.print(f"Next: cs231n autograde {assignment}")
    raise typer.Exit(1 if counted[REFUSED] else 0)


def _result_table(results: list) -> Table:
    table = Table("upload", "student", "outcome", "remarks")
    for result in results:
        colour = COLOURS[result.outcome]
        words = (result.upload, result.student, result.outcome, "; ".join(result.remarks))
        upload, student, outcome, remarks = (escape(printable(word)) for word in words)
        table.add_row(upload, student, f"[{colour}]{outcome}[/]", remarks)
    return table
