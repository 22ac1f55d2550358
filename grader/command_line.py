"""The instructors' part of the `cs231n` command."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from .terminal import HERE, Assignment, Folder, console, errors, fail, mendable, open_course, plain, tell_equal_results

INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add the instructors' commands to the `cs231n` app."""
    from .grade_commands import due, grades, roster, statistics
    from .hand_in_commands import bundle, collect
    from .similar_command import similar

    for command in (release, bundle, roster, due, collect, autograde, similar, feedback, grades, statistics, demo):
        app.command(rich_help_panel="For instructors")(command)


def release(assignment: Assignment, course: Folder = HERE) -> None:
    """Build what students get from solutions/.

    Answers are cut out, checks are locked, and an answer key (arrays only) is put beside each notebook.

    Example:  cs231n release assignment1
    """
    with mendable():
        folder = open_course(course).release(assignment)
    console.print(f"[green]✓[/] {assignment} is in {escape(str(folder))}")
    console.print(f"Next: hand it out; put submissions in submitted/STUDENT/{assignment}/, then")
    console.print(f"      cs231n autograde {assignment}")


def autograde(
    assignment: Assignment,
    student: Annotated[list[str] | None, typer.Option(help="Only this student (may be given again).")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Submissions graded at the same time; as many as there are cores if left out."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Grade on the workers of this Dask scheduler, like tcp://10.0.0.5:8786 (needs the extra `cluster`).",
        ),
    ] = None,
    regrade: Annotated[bool, typer.Option("--regrade", help="Grade again what is graded already.")] = False,
    only_new: Annotated[
        bool, typer.Option("--only-new", help="Only those of whom nothing is graded yet; no newer submissions.")
    ] = False,
    allow_unsandboxed: Annotated[
        bool,
        typer.Option(
            "--allow-unsandboxed",
            help="Where no sandbox works: run submissions with your own rights, on your files. They can do anything "
            "that you can. Only for code you trust.",
        ),
    ] = False,
    course: Folder = HERE,
) -> None:
    """Grade submissions in the sandbox, several at a time, and record the scores.

    Submissions are looked for in submitted/STUDENT/ASSIGNMENT/. What is graded already is kept unless a newer
    submission is there. One that cannot be graded is reported, and the others are graded all the same. Ctrl-C stops:
    what was graded is recorded, and the same command goes on from there.

    Examples:  cs231n autograde assignment1

    cs231n autograde assignment1 --student amelie --regrade

    cs231n autograde assignment1 --scheduler tcp://10.0.0.5:8786

    Exit codes: 0 all graded, 1 some could not be graded, 2 nothing could be done, 130 stopped.
    """
    if regrade and only_new:
        fail("Give --regrade or --only-new, not both.")
    if scheduler and workers:
        fail("--workers is for this machine; with --scheduler the cluster has as many as were started there.")
    with mendable():
        place = open_course(course)
        examiners = _examiners(place, workers, scheduler, allow_unsandboxed)
        students = _chosen(place, assignment, student, only_new)
        table, stopped = _grade(place, assignment, students, regrade, examiners)
    tell_equal_results(place, assignment)
    if stopped:
        left = "the others keep their earlier grades" if regrade else "the same command goes on from there"
        errors.print(f"stopped: {table.done} of {len(students)} graded; {left}", soft_wrap=True)
        raise typer.Exit(INTERRUPTED)
    console.print(table.summary())
    console.print(f"Next: cs231n grades {assignment}, cs231n feedback {assignment}")
    raise typer.Exit(1 if table.failed else 0)


def _examiners(place, workers: int | None, scheduler: str | None, allow_unsandboxed: bool):
    """Where submissions are to be examined: on a cluster, whose workers need the sandbox and not this machine, or here.

    Raises CourseError or SandboxUnavailable.
    """
    if scheduler is None:
        from .workers import LocalWorkers

        _require_sandbox(place, allow_unsandboxed)
        return LocalWorkers(workers)
    from .cluster import ClusterWorkers

    if allow_unsandboxed:
        errors.print("[bold red]Workers without a sandbox run submissions with the rights they have there.[/]")
        place.allow_unsandboxed()
    return ClusterWorkers(scheduler, allow_unsandboxed, lambda words: errors.print(f"[yellow]![/] {plain(words)}"))


def _require_sandbox(place, allow_unsandboxed: bool) -> None:
    """Raises SandboxUnavailable where no sandbox works and nobody allowed to do without."""
    from .sandbox import SandboxUnavailable, probe

    if (reason := probe()) is not None:
        if not allow_unsandboxed:
            raise SandboxUnavailable(reason)
        errors.print("[bold red]No sandbox: submissions run with your rights.[/] " + escape(reason))
        place.allow_unsandboxed()


def _chosen(place, assignment: str, wanted: list[str] | None, only_new: bool) -> list[str]:
    """Whose submissions are to be graded; ends the command where there are none."""
    from .recording import was_recorded

    there = place.students(assignment)
    if not there:
        fail(f"No submissions in {place.path('submitted', assignment, 'STUDENT')}.")
    if unknown := sorted(set(wanted or ()) - set(there)):
        shown = ", ".join(there[:20]) + (f" and {len(there) - 20} more" if len(there) > 20 else "")
        fail(f"No submission of {', '.join(unknown)} in {place.path('submitted', assignment, 'STUDENT')}: {shown}.")
    students = sorted(set(wanted)) if wanted else there
    grades = {grade.student: grade for grade in place.grades(assignment)} if only_new else {}
    if only_new and not (students := [s for s in students if not was_recorded(place, assignment, s, grades.get(s))]):
        words = "Something is graded of everybody. Next, for newer submissions: the same without --only-new"
        console.print(words, soft_wrap=True)
        raise typer.Exit(0)
    return students


def _grade(place, assignment: str, students: list[str], regrade: bool, examiners) -> tuple:
    """Grade and show it; returns the table with its counts, and whether it was stopped."""
    from .autograding import autograde
    from .grading_table import GradingTable
    from .terminal import Interrupts

    with Interrupts() as interrupts, GradingTable(console, assignment, len(students), examiners) as table:
        options = {"examiners": examiners, "stop": interrupts.asked, "tell": table.tell}
        run = autograde(place, assignment, students, regrade=regrade, **options)
        for graded in run:
            table.show(graded)
        return table, interrupts.asked() and table.done < len(students)


def feedback(
    assignment: Assignment,
    student: Annotated[list[str] | None, typer.Option(help="Only this student (may be given again).")] = None,
    course: Folder = HERE,
) -> None:
    """Write the feedback pages of graded submissions (HTML files that need no network).

    Example:  cs231n feedback assignment1
    """
    problems = 0
    with mendable():
        place = open_course(course)
        students = sorted(student or place.graded_students(assignment))
        if not students:
            fail(f"Nothing of {assignment} is graded yet. Next: cs231n autograde {assignment}")
        from .errors import CourseError

        for name in students:
            try:
                for page in place.feedback(assignment, name):
                    console.print(f"[green]✓[/] {plain(name)}: {plain(str(page))}", soft_wrap=True)
            except CourseError as error:
                problems += 1
                console.print(f"[red]✗[/] {plain(name)}: {plain(str(error))}", soft_wrap=True)
    raise typer.Exit(1 if problems else 0)


def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to build the course (default: a new temporary folder).")
    ] = None,
    course: Folder = HERE,
) -> None:
    """Play an instructor's day on a throw-away course.

    Releases an assignment, hands in five submissions (perfect, two known mistakes, half empty, cheating,
    crashing), grades them, and prints the grades and where the feedback pages are.
    """
    from .demo import play

    with mendable():
        play(open_course(course), folder, console)
