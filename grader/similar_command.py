"""The instructors' command that looks for copied work."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cs231n_kit.terminal import printable

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

FIRST = 15  # pairs in the terminal
MUCH = 0.3  # of a notebook's code: if more does not count, the instructor should know


def similar(
    assignment: Assignment,
    threshold: Annotated[
        int, typer.Option(min=1, max=100, help="Show pairs that are alike by so many percent in some notebook.")
    ] = 40,
    also: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Compare with the notebooks in this folder, too: an earlier year's course, or a solution that was "
            "found elsewhere (may be given again).",
        ),
    ] = None,
    common: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Leave out passages that more than so many students have: 10, or a tenth of a class that is larger "
            "than 100, if not given.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="HTML file to write; similar/ASSIGNMENT.html if left out.", show_default=False)
    ] = None,
    course: Folder = HERE,
) -> None:
    """Find answers that look copied, and show them side by side.

    Compares what students wrote in submitted/ with each other and with the solution: not what they were given in the
    notebook or in lectures. Other names, comments, blanks and another order of functions make no difference. Nothing
    is run. Alike is a reason to look, and no proof.

    Examples:  cs231n similar assignment1

    cs231n similar assignment1 --also ../course-2025 --threshold 60

    Exit codes: 0 all compared, 1 some notebooks could not be compared, 2 nothing could be done.
    """
    from rich.progress import track

    from .grade_export import write_file
    from .similarity import compare_class
    from .similarity_page import page

    watch = partial(track, console=errors, transient=True, disable=not errors.is_terminal)
    with mendable():
        place = open_course(course)
        if not place.students(assignment):
            fail(f"No submissions in {place.path('submitted', assignment, 'STUDENT')}.")
        reading, marking = (partial(watch, description=label) for label in ("Reading", "Marking passages"))
        found = compare_class(place, assignment, threshold / 100, also or (), common, reading)
        target = output or place.root / "similar" / f"{assignment}.html"
        text = page(found, marking).encode()
        if output is None:
            target.parent.mkdir(exist_ok=True)
        write_file(target, text)
    _show(found)
    tell_equal_results(place, assignment)
    damaged = [one for one in found.not_compared if one.damaged]
    for one in damaged:
        words = f"{one.author.name}: {one.notebook}.ipynb is not compared: {one.reason}"
        errors.print(f"[red]✗[/] {escape(printable(words))}", soft_wrap=True)
    console.print(f"[green]✓[/] The passages side by side: {escape(printable(str(target)))}", soft_wrap=True)
    console.print("Alike is a reason to look, and no proof.")
    raise typer.Exit(1 if damaged else 0)


def _show(found) -> None:
    """The pairs that are most alike."""
    from .similarity_page import percent

    for name, comparison in found.comparisons.items():
        if comparison.left_out > MUCH:
            words = f"{name}: {percent(comparison.left_out)} of the code does not count, as more than {found.common}"
            errors.print(f"[yellow]![/] {escape(words)} students have it (see --common).", soft_wrap=True)
    students, pairs = sum(author.student for author in found.authors), sum(found.counts)
    if not found.pairs:
        console.print(f"{students} students: none of {pairs:,} pairs is alike by {percent(found.threshold)} or more.")
        return
    table = Table(title=f"{len(found.pairs):,} of {pairs:,} pairs are alike", title_justify="left")
    table.add_column("alike", justify="right", no_wrap=True)
    table.add_column("over all", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("notebooks")
    for pair in found.pairs[:FIRST]:
        high = sorted((item for item in pair.alike.items() if item[1] >= found.threshold), key=lambda item: -item[1])
        names = [escape(printable(author.name)) for author in (pair.first, pair.second)]
        where = ", ".join(f"{name} {percent(alike)}" for name, alike in high)
        table.add_row(percent(pair.highest), percent(pair.overall), *names, escape(where))
    print_table(table)
    if len(found.pairs) > FIRST:
        console.print(f"and {len(found.pairs) - FIRST:,} more, in the page below")
