"""The commands with which students work on an assignment: check it, see how far it is, hand it in."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cs231n_kit.terminal import console, errors, printable, stop


def check(
    notebook: Annotated[
        Path, typer.Argument(metavar="NOTEBOOK", help="An assignment's notebook (.ipynb).", show_default=False)
    ],
    timeout: Annotated[int, typer.Option(min=1, help="Seconds that one cell may take.")] = 300,
) -> None:
    """Run an assignment's checks without opening it.

    Runs the notebook from the top in a fresh kernel, leaving out the cells that only train or plot (tagged
    skip-grading), and prints what every check(...) found. The notebook itself is not changed.

    [bold]Examples[/bold]

    cs231n check assignments/assignment1/knn.ipynb

    cs231n check knn.ipynb --timeout 60

    [bold]Exit codes[/bold]  0 all checks passed; 1 something is not right yet; 2 the notebook cannot be checked.
    """
    from cs231n_kit.notebook_checks import CannotCheck, run_checks
    from cs231n_kit.progress import digest, remember

    cells = []
    try:
        before = digest(notebook)
        with errors.status("Starting a kernel ...") as status:
            for cell in run_checks(notebook, timeout, on_start=status.update):
                cells.append(cell)
                for report in cell.reports:
                    _print_report(report.text)
                if cell.error:
                    console.print(f"[red]✗[/red] {escape(cell.error)}\n")
    except CannotCheck as error:
        stop(str(error), code=2)
    reports = [report for cell in cells for report in cell.reports]
    remember(notebook, before, reports)
    passed = sum(report.passed for report in reports)
    stopped = sum(cell.error is not None for cell in cells)
    console.print(
        f"{passed} of {len(reports)} checks passed" + (f"; {stopped} cells ended in an error." if stopped else ".")
    )
    if stopped or passed < len(reports):
        console.print(f"Next: mend the first ✗ or ○ above in {escape(str(notebook))}, save, and check again.")
        raise typer.Exit(1)


def progress(
    assignment: Annotated[
        str | None, typer.Argument(help="An assignment or a notebook; all of them if left out.", show_default=False)
    ] = None,
    run: Annotated[
        bool, typer.Option("--run/--no-run", help="Run the checks of notebooks that were changed since they last ran.")
    ] = True,
    timeout: Annotated[int, typer.Option(min=1, help="Seconds that one cell may take.")] = 300,
) -> None:
    """Show how far you are: every check of every assignment.

    The checks of a notebook run when it was changed since they last did, as in cs231n check; what they found is
    remembered. Save your notebooks first.

    [bold]Examples[/bold]

    cs231n progress

    cs231n progress assignment1 --no-run

    cs231n progress assignments/assignment1/knn.ipynb

    [bold]Exit codes[/bold]  0 shown, whatever is right or wrong; 1 a notebook cannot be read or run; 2 there is no such
    assignment.
    """
    from cs231n_kit.assignment_folder import AssignmentError
    from cs231n_kit.progress import notebook_progress

    try:
        chosen = _chosen(assignment)
    except AssignmentError as error:
        stop(str(error), code=2)
    if not chosen:
        stop("There is no assignment here. Run this in the course's folder.", code=2)
    troubled = False
    for folder, notebooks in chosen:
        shown = []
        for name in notebooks:
            with errors.status(f"{name} ...") as status:
                tell = partial(_tell_cell, status, name)
                shown.append(notebook_progress(folder, name, run, timeout, tell))
            _print_progress(shown[-1])
        earned, points, by_hand = (sum(getattr(one, what) for one in shown) for what in _SUMS)
        rest = f"; {by_hand:g} more are given by hand" if by_hand else ""
        console.print(f"[bold]{escape(folder.folder.name)}: {earned:g} of {points:g} points[/bold]{rest}\n")
        troubled |= any(one.problem for one in shown)
    raise typer.Exit(1 if troubled else 0)


_SUMS = ("earned", "points", "points_by_hand")


def _chosen(assignment: str | None) -> list:
    """(assignment, names of notebooks) to look at."""
    from cs231n_kit.assignment_folder import AssignmentFolder

    if assignment is None:
        return [(folder, folder.notebooks) for folder in AssignmentFolder.all()]
    path = Path(assignment)
    if path.suffix == ".ipynb":
        return [(AssignmentFolder.find(str(path.parent)), (path.stem,))]
    folder = AssignmentFolder.find(assignment)
    return [(folder, folder.notebooks)]


def _tell_cell(status, name: str, words: str) -> None:
    status.update(escape(f"{name}: {words}"))


def _print_progress(shown) -> None:
    """A table with bars at a terminal, else a line for each check."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    name = escape(printable(shown.notebook))
    if shown.problem:
        console.print(f"[bold]{name}[/bold]\n  [red]✗[/red] {escape(printable(shown.problem))}\n")
        return
    told = f"{shown.earned:g} of {shown.points:g} points" + (", changed since" if shown.changed else "")
    console.print(f"[bold]{name}[/bold]: {told}")
    table = Table(box=None, show_header=False, padding=(0, 2))
    for row in shown.checks:
        points = f"{'?' if row.earned is None else f'{row.earned:g}'}/{row.points:g}"
        if console.is_terminal:
            green = {"complete_style": "green", "finished_style": "green"}
            bar = ProgressBar(row.points or 1, row.earned or 0, width=20, style="bright_black", **green)
            table.add_row(escape(row.name), "" if row.by_hand else bar, points, row.state)
        else:
            console.print(f"  {escape(row.name)} {points} {row.state}")
    if console.is_terminal:
        console.print(table)


def _print_report(text: str) -> None:
    """A verdict table, its marks coloured."""
    colours = {"✓": "green", "✗": "red", "○": "dim"}
    for line in text.splitlines():
        mark = line.strip()[:1]
        colour = colours.get(mark)
        line = escape(line)
        console.print(line.replace(mark, f"[{colour}]{mark}[/{colour}]", 1) if colour else line)
    console.print()


def submit(
    assignment: Annotated[str, typer.Argument(help="Name of the assignment, or its folder.", show_default=False)],
    student: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Your name at the course, for the file's name.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="The zip file to make; beside the assignment's folder if left out.", show_default=False),
    ] = None,
    even_so: Annotated[
        bool, typer.Option("--even-so", help="Make the zip file although something is missing.")
    ] = False,
) -> None:
    """Look whether an assignment is complete, and make the zip file to hand in.

    Says what is missing while there is time to mend it: notebooks and answers, cells that were deleted or changed,
    trained results, files that are too large. It runs nothing; cs231n progress tells what your answers earn.

    [bold]Examples[/bold]

    cs231n submit assignment1

    cs231n submit assignment1 --student ada --even-so

    [bold]Exit codes[/bold]  0 the zip file is made; 1 something is missing and no zip file was made; 2 there is no such
    assignment, or the zip file cannot be written.
    """
    from cs231n_kit.assignment_folder import AssignmentError, AssignmentFolder
    from cs231n_kit.handing_in import examine, make_zip

    try:
        found = AssignmentFolder.find(assignment)
        name = found.folder.name
        remarks = examine(found)
        _print_remarks(remarks)
        problems = sum(remark.problem for remark in remarks)
        if problems and not even_so and not _wanted_all_the_same(problems):
            console.print(
                f"No zip file was made. Mend the ✗ above, or hand in what is there:  cs231n submit {name} --even-so"
            )
            raise typer.Exit(1)
        target = output or found.folder.with_name(f"{name}-{_for_file_name(student) or 'submission'}.zip")
        files = make_zip(found, target)
    except AssignmentError as error:
        stop(str(error), code=2)
    console.print(f"[green]✓[/green] {escape(str(target))}: {escape(', '.join(files))}")
    console.print(
        "Next: upload this file where your course collects submissions." + (" It is incomplete." * bool(problems))
    )


def _print_remarks(remarks: list) -> None:
    for file in dict.fromkeys(remark.file for remark in remarks):
        console.print(f"[bold]{escape(printable(file))}[/bold]")
        for remark in remarks:
            if remark.file == file:
                mark = "[red]✗[/red]" if remark.problem else "[yellow]![/yellow]"
                console.print(f"  {mark} {escape(printable(remark.text))}")


def _wanted_all_the_same(problems: int) -> bool:
    things = "1 thing is" if problems == 1 else f"{problems} things are"
    return sys.stdin.isatty() and typer.confirm(f"{things} not in order. Make the zip file all the same?")


def _for_file_name(name: str | None) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in name or "").strip(".-")
