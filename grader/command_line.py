"""The instructors' part of the `cs231n` command."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cs231n_kit.terminal import printable

Assignment = Annotated[str, typer.Argument(help="Name of the assignment: its folder in solutions/.")]
Folder = Annotated[Path, typer.Option("--course", help="The course's folder (default: this one or one above it).")]
HERE = Path(".")

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def register(app: typer.Typer) -> None:
    """Add the instructors' commands to the `cs231n` app."""
    from .grade_commands import due, grades, roster, statistics
    from .hand_in_commands import bundle, collect

    for command in (release, bundle, roster, due, collect, autograde, feedback, grades, statistics, demo):
        app.command(rich_help_panel="For instructors")(command)


def release(assignment: Assignment, course: Folder = HERE) -> None:
    """Build what students get from solutions/.

    Answers are cut out, checks are locked, and an answer key (arrays only) is put beside each notebook.

    Example:  cs231n release assignment1
    """
    with _mendable():
        folder = _course(course).release(assignment)
    console.print(f"[green]✓[/] {assignment} is in {escape(str(folder))}")
    console.print(f"Next: hand it out; put submissions in submitted/STUDENT/{assignment}/, then")
    console.print(f"      cs231n autograde {assignment}")


def autograde(
    assignment: Assignment,
    student: Annotated[list[str] | None, typer.Option(help="Only this student (may be given again).")] = None,
    regrade: Annotated[bool, typer.Option("--regrade", help="Grade again what is graded already.")] = False,
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
    """Grade submissions in the sandbox and record the scores.

    Submissions are looked for in submitted/STUDENT/ASSIGNMENT/. What is graded already is kept unless a newer
    submission is there. One that cannot be graded is reported, and the others are graded all the same.

    Example:  cs231n autograde assignment1 --student amelie --regrade

    Exit codes: 0 all graded, 1 some could not be graded, 2 nothing could be done.
    """
    from .sandbox import SandboxUnavailable, probe

    with _mendable():
        place = _course(course)
        if (reason := probe()) is not None:
            if not allow_unsandboxed:
                raise SandboxUnavailable(reason)
            errors.print("[bold red]No sandbox: submissions run with your rights.[/] " + escape(reason))
            place.allow_unsandboxed()
        students = sorted(student or place.students(assignment))
        if not students:
            _fail(f"No submissions in {place.path('submitted', assignment, 'STUDENT')}.", 2)
        problems = 0
        with _progress() as progress:
            task = progress.add_task(f"Grading {assignment}", total=len(students))
            for graded in place.autograde(assignment, students, regrade):
                progress.console.print(_line(place, assignment, graded))
                problems += bool(graded.problem)
                progress.advance(task)
    _tell_equal_results(place, assignment)
    console.print(f"Next: cs231n grades {assignment}, cs231n feedback {assignment}")
    raise typer.Exit(1 if problems else 0)


def feedback(
    assignment: Assignment,
    student: Annotated[list[str] | None, typer.Option(help="Only this student (may be given again).")] = None,
    course: Folder = HERE,
) -> None:
    """Write the feedback pages of graded submissions (HTML files that need no network).

    Example:  cs231n feedback assignment1
    """
    problems = 0
    with _mendable():
        place = _course(course)
        students = sorted(student or place.graded_students(assignment))
        if not students:
            _fail(f"Nothing of {assignment} is graded yet. Next: cs231n autograde {assignment}", 2)
        from .course import CourseError

        for name in students:
            try:
                for page in place.feedback(assignment, name):
                    console.print(f"[green]✓[/] {shown(name)}: {shown(str(page))}", soft_wrap=True)
            except CourseError as error:
                problems += 1
                console.print(f"[red]✗[/] {shown(name)}: {shown(str(error))}")
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

    with _mendable():
        play(_course(course), folder, console)


def _tell_equal_results(place, assignment: str) -> None:
    for file, students in place.equal_results(assignment):
        names = shown(", ".join(students))
        console.print(f"[yellow]![/] {file} holds the same arrays, to the last bit, for: {names}", soft_wrap=True)


def _line(place, assignment: str, graded) -> str:
    name = shown(graded.student)
    if graded.problem:
        return f"[red]✗[/] {name}: not graded: {shown(graded.problem)}"
    grade = next(g for g in place.grades(assignment) if g.student == graded.student)
    rest = ", the written answer is to be graded by hand" if grade.by_hand else ""
    return f"[green]✓[/] {name}: {grade.score:g} of {grade.points:g}{rest}" + (" (kept)" if graded.kept else "")


def shown(text: str) -> str:
    """What comes from students, for the console: in one line, steering no terminal, without markup."""
    return escape(printable(text.replace("\n", " ")))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )


def _course(folder: Path):
    from .course import Course

    return Course(folder)


class _mendable:
    """Turns errors that the instructor can mend into a message and exit code 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind, error, traceback) -> None:
        from .course import CourseError
        from .sandbox import SandboxUnavailable

        if isinstance(error, CourseError | SandboxUnavailable):
            _fail(str(error), 2)


def _fail(message: str, code: int) -> None:
    errors.print(f"[red]✗[/] {escape(message)}")
    raise typer.Exit(code)
