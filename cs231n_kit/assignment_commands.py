"""The commands with which students work on an assignment: check it, see how far it is, hand it in."""

import sys
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

    cells = []
    try:
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
    passed = sum(report.passed for report in reports)
    stopped = sum(cell.error is not None for cell in cells)
    console.print(
        f"{passed} of {len(reports)} checks passed" + (f"; {stopped} cells ended in an error." if stopped else ".")
    )
    if stopped or passed < len(reports):
        console.print(f"Next: mend the first ✗ or ○ above in {escape(str(notebook))}, save, and check again.")
        raise typer.Exit(1)


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
