"""The instructors' commands about students and their grades."""

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cs231n_kit.terminal import printable

from .grade_table import grade_table
from .terminal import (
    HERE,
    Assignment,
    Folder,
    console,
    errors,
    fail,
    mendable,
    open_course,
    print_table,
    tell_equal_results,
)


class Format(StrEnum):
    """What `grades` can write: FORMATS of grader.grade_export, and a table for the terminal."""

    table = "table"
    csv = "csv"
    canvas = "canvas"
    moodle = "moodle"


IN_MOODLE = "In Moodle: Grades, Import, CSV file; comma as separator; then Map from {0}, Map to {0}."


def roster(
    file: Annotated[
        Path | None,
        typer.Argument(help="CSV file of the students; the roster is listed if left out.", show_default=False),
    ] = None,
    id_column: Annotated[
        str, typer.Option("--id", help="Column of the file with the students' ids, if the usual one is not wanted.")
    ] = "",
    partial: Annotated[
        bool, typer.Option("--partial", help="Import what is right although something is wrong.")
    ] = False,
    course: Folder = HERE,
) -> None:
    """Import the students of the course into the gradebook, or list them.

    Takes a gradebook export of Canvas, a participants export of Moodle, or any CSV file with the columns id,
    first_name, last_name, email. The id is the name of the student's folder in submitted/. Students are added and
    changed, never removed; what the file leaves empty stays as it is.

    Examples:  cs231n roster participants.csv

    cs231n roster canvas.csv --id "SIS User ID"

    Exit codes: 0 done, 1 some lines were left out (--partial), 2 nothing was written.
    """
    from .roster import apply, compare, read_roster, students

    with mendable():
        place = open_course(course)
        if file is None:
            _list_students(students(place))
            return
        found = read_roster(file, id_column)
        for note in found.notes:
            errors.print(f"[yellow]![/] {escape(printable(note))}", soft_wrap=True)
        for problem in found.problems:
            errors.print(f"[red]✗[/] {escape(printable(problem))}", soft_wrap=True)
        if found.problems and not partial:
            fail(f"Nothing was written. Mend these lines of {file}, or import the others: --partial")
        changes = compare(place, found)
        apply(place, changes)
        others = len(students(place)) - len(changes)
    for change in changes:
        if change.kind == "added":
            console.print(f"[green]+[/] {_described(change.after)}", soft_wrap=True)
        elif change.kind == "changed":
            told = ", ".join(f"{name}: {old!r} → {new!r}" for name, old, new in change.differences)
            console.print(f"[yellow]~[/] {_described(change.after)}: {escape(printable(told))}", soft_wrap=True)
    counts = [f"{sum(change.kind == kind for change in changes)} {kind}" for kind in ("added", "changed", "unchanged")]
    more = f"; {others} more in the gradebook" if others else ""
    console.print(f"[green]✓[/] {', '.join(counts)}{more}", soft_wrap=True)
    raise typer.Exit(1 if found.problems else 0)


def _described(student) -> str:
    name = f" {student.name}" if student.name else ""
    return escape(printable(student.id + name))


def _list_students(known: dict) -> None:
    if not known:
        console.print("There is nobody in the gradebook yet. Next: cs231n roster FILE.csv")
        return
    table = Table(title=f"{len(known)} students", title_justify="left")
    for name in ("id", "last name", "first name", "email", "number in the LMS"):
        table.add_column(name)
    for student in known.values():
        row = (student.id, student.last_name, student.first_name, student.email, student.lms_user_id)
        table.add_row(*(escape(printable(cell)) for cell in row))
    print_table(table)


def due(
    assignment: Assignment,
    time: Annotated[
        str, typer.Argument(help="Date, time and time zone; the due date is shown if left out.", show_default=False)
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Let the assignment have no due date.")] = False,
    course: Folder = HERE,
) -> None:
    """Show or set when an assignment is due, and bring penalties for lateness up to date.

    What lateness costs is said in nbgrader_config.py (LatePolicy); without that, nothing. A submission's time is in
    its timestamp.txt. After a change of the policy, or grading by hand, run this once more: nothing is graded again.

    Examples:  cs231n due assignment1 2026-12-01T23:59+01:00

    cs231n due assignment1 "2026-12-01 23:59 Europe/Berlin"

    cs231n due assignment1

    Exit codes: 0 done, 2 nothing could be done.
    """
    from .late import LatePolicy, assess, due_date, parse_due, penalties, policy, set_due_date, without_time

    if time and remove:
        fail("Give a time or --remove, not both.")
    with mendable():
        place = open_course(course)
        if time or remove:
            set_due_date(place, assignment, parse_due(time) if time else None)
        moment = due_date(place, assignment)
        assess(place, assignment)
        costs = [recorded for recorded, _ in penalties(place, assignment).values() if recorded]
        unknown = without_time(place, assignment) if moment else []
        rule = policy(place)
    if moment is None:
        console.print(f"{assignment} has no due date. Next: cs231n due {assignment} 2026-12-01T23:59+01:00")
        return
    console.print(f"[green]✓[/] {assignment} is due {shown_time(moment)}.", soft_wrap=True)
    words = str(rule) if isinstance(rule, LatePolicy) else f"What lateness costs is up to {type(rule).__name__}."
    console.print(words, soft_wrap=True)
    if costs:
        console.print(f"{len(costs)} late, {sum(costs):g} points off together. Next: cs231n grades {assignment}")
    if unknown:
        errors.print(
            f"[yellow]![/] Of unknown time (no timestamp.txt), so taken to be in time: {escape(_some(unknown))}",
            soft_wrap=True,
        )


def shown_time(moment) -> str:
    """A moment in UTC, and in this machine's time zone where that is another: "2026-12-01 22:59 UTC (23:59 CET)"."""
    form = "%Y-%m-%d %H:%M:%S" if moment.second else "%Y-%m-%d %H:%M"
    here = moment.astimezone()
    local = f" ({here.strftime(form)} {here.tzname()} here)" if here.utcoffset() else ""
    return f"{moment.strftime(form)} UTC{local}"


def _some(names: list[str]) -> str:
    """The first few names."""
    shown = ", ".join(printable(name) for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def grades(
    assignment: Assignment,
    form: Annotated[
        Format,
        typer.Option("--format", help="A table, a file for a spreadsheet, or one that Canvas or Moodle imports."),
    ] = Format.table,
    output: Annotated[
        Path | None, typer.Option(help="File to write, whole or not at all; the terminal if left out.")
    ] = None,
    title: Annotated[
        str, typer.Option(help="What the assignment is called in Canvas or Moodle; its name here if left out.")
    ] = "",
    course: Folder = HERE,
) -> None:
    """Show the grades of an assignment, or write them for a spreadsheet, Canvas or Moodle.

    Everybody in the roster (cs231n roster) appears, with an empty score where nothing is graded. Canvas adds scores
    to an assignment that it has when --title is the head of its column in a gradebook export, number included.

    Examples:  cs231n grades assignment1

    cs231n grades assignment1 --format csv --output grades.csv

    cs231n grades assignment1 --format canvas --title "Assignment 1 (4711)" --output canvas.csv

    Exit codes: 0 done, 2 nothing could be done.
    """
    from .grade_export import FORMATS, standings, write_file
    from .late import due_date, penalties

    if form is Format.table and output:
        fail("A table is for the terminal. Say which file it should be: --format csv, canvas or moodle.")
    with mendable():
        place = open_course(course)
        rows = standings(place, assignment)
        moment, owed = due_date(place, assignment), penalties(place, assignment)
        stale = [student for student, (recorded, now) in owed.items() if abs(recorded - now) > 1e-6]
        if not rows:
            fail(f"No submission of {assignment} is graded yet. Next: cs231n autograde {assignment}")
        if form is Format.table:
            print_table(grade_table(assignment, rows))
            if moment:
                console.print(f"Due {shown_time(moment)}.")
            tell_equal_results(place, assignment)
        else:
            text = FORMATS[form.value](rows, title or assignment)
            if output:
                write_file(output, text.encode())
                console.print(f"[green]✓[/] {len(rows)} students are in {escape(printable(str(output)))}")
            else:
                sys.stdout.write(text)
    _tell_unfinished(assignment, rows, stale)
    if form is Format.moodle:
        errors.print(IN_MOODLE.format("Email address" if all(row.student.email for row in rows) else "Username"))


def statistics(
    assignment: Assignment,
    output: Annotated[
        Path | None, typer.Option(help="Picture to write: .png, .svg or .pdf; or .html, with the numbers in tables.")
    ] = None,
    course: Folder = HERE,
) -> None:
    """Show which checks and which mistakes cost the class most, and how the scores are spread.

    Counts what is graded. A known mistake is one that the judge recognised and gave a hint about; it counts once for
    each student and check. No student is named, so the picture can be shown in class.

    Examples:  cs231n statistics assignment1

    cs231n statistics assignment1 --output statistics.html

    Exit codes: 0 done, 2 nothing could be done.
    """
    from rich.progress import track

    from .grade_export import write_file
    from .statistics import class_statistics, page

    form = output.suffix.lower().removeprefix(".") if output else ""
    if output and form not in ("png", "svg", "pdf", "html"):
        fail(f"{output} should end in .png, .svg, .pdf or .html.")
    with mendable():
        place = open_course(course)
        watch = partial(
            track, description="Reading verdicts", console=errors, transient=True, disable=not errors.is_terminal
        )
        found = class_statistics(place, assignment, watch)
        _show_statistics(found)
        if output:
            from .statistics_plot import draw, saved

            picture = saved(draw(found), "png" if form == "html" else form)
            write_file(output, page(found, picture).encode() if form == "html" else picture)
            console.print(f"[green]✓[/] The picture is in {escape(printable(str(output)))}", soft_wrap=True)


def _show_statistics(found) -> None:
    """The statistics in tables: all checks, the commonest mistakes, the scores by tenths."""
    from .statistics import CAUSES, histogram, score_line

    console.print(f"{escape(printable(found.assignment))}: {score_line(found)}\n", soft_wrap=True)
    causes = [cause for cause in CAUSES if any(check.students[cause] for check in found.checks)]
    table = Table(title="Points lost by a student on average", title_justify="left")
    table.add_column("check", no_wrap=True)
    table.add_column("lost", justify="right")
    table.add_column("of", justify="right")
    for cause in causes:
        table.add_column(f"students: {cause}", justify="right")
    for check in found.checks:
        counts = [str(check.students[cause] or "") for cause in causes]
        table.add_row(escape(printable(check.name)), f"{check.lost_by_each:.2f}", f"{check.points:g}", *counts)
    print_table(table)
    if found.mistakes:
        table = Table(title="Known mistakes", title_justify="left")
        table.add_column("students", justify="right")
        table.add_column("check", no_wrap=True)
        table.add_column("mistake")
        for (name, mistake), count in found.mistakes[:15]:
            table.add_row(str(count), escape(printable(name)), escape(mistake))
        console.print()
        print_table(table)
        if len(found.mistakes) > 15:
            console.print(f"and {len(found.mistakes) - 15} rarer ones, which --output FILE.html lists")
    counts, width = histogram(found), found.points / 10
    console.print("\nStudents by score")
    for number, count in enumerate(counts):
        bar = "█" * round(40 * count / max(counts))
        console.print(f"{number * width:6.1f} to {(number + 1) * width:5.1f}  {count:4d}  {bar}")
    if found.waiting:
        errors.print(
            f"[yellow]![/] {found.waiting} have answers that are to be graded by hand: these count as 0 so far."
        )
    if found.unreadable:
        errors.print(
            f"[yellow]![/] {found.unreadable} graded notebooks are gone or damaged: their mistakes are not counted. "
            f"Next: cs231n autograde {escape(found.assignment)} --regrade",
            soft_wrap=True,
        )


def _tell_unfinished(assignment: str, rows: list, stale: list[str]) -> None:
    """On the error stream: whose score is not what it will be; stale: whose penalty is not."""
    for status, words in (
        ("by hand", "have answers that are to be graded by hand; their scores will grow. Next: nbgrader formgrader"),
        ("not graded", f"handed in and are not graded. Next: cs231n autograde {assignment}"),
    ):
        names = [row.student.id for row in rows if row.status == status]
        if names:
            errors.print(f"[yellow]![/] {len(names)} of {len(rows)} {words}\n  {escape(_some(names))}", soft_wrap=True)
    if stale:
        errors.print(
            f"[yellow]![/] {len(stale)} of {len(rows)} have a penalty that is not what the late policy asks for now. "
            f"Next: cs231n due {assignment}\n  {escape(_some(stale))}",
            soft_wrap=True,
        )
