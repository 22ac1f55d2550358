"""The `cs231n` command: open the course, look after data and installation.

Commands for instructors join through the entry-point group "cs231n.commands": each entry point names a function
`register(app: typer.Typer) -> None`. Whatever is slow to import is imported inside the command that needs it.
"""

import contextlib
import sys
from importlib import metadata, util
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cs231n_kit import __version__
from cs231n_kit.assignment_commands import check, progress, submit
from cs231n_kit.installation import install_command, is_package
from cs231n_kit.terminal import console, stop

COMMANDS = "cs231n.commands"
OPTIONAL = ("grader", "nbgrader")  # what instructor commands may lack without anything being wrong


def main() -> None:
    """Entry point of the `cs231n` script."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # an old Windows code page has no check mark
    build_app()(prog_name="cs231n")


def build_app() -> typer.Typer:
    """The student commands, and those of every installed package that offers more."""
    app = typer.Typer(
        rich_markup_mode="rich", no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]}
    )
    for command in (start, lab, check, progress, submit, data, doctor):
        app.command(rich_help_panel="For everyone")(command)
    missing = _register_others(app)
    app.callback(epilog=missing)(about)
    return app


def _register_others(app: typer.Typer) -> str:
    """Let every entry point add its commands; returns a line for `--help` when some are not installed."""
    missing = ""
    for entry_point in metadata.entry_points(group=COMMANDS):
        try:
            if util.find_spec("nbgrader") is None:
                raise ModuleNotFoundError(name="nbgrader")
            entry_point.load()(app)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in OPTIONAL:
                raise
            ways = [] if is_package() else ["make install"]
            ways = " or ".join(f"[bold]{escape(way)}[/bold]" for way in (*ways, install_command("grading")))
            missing = (
                f"Instructor commands, such as release and autograde, need the package {package}: "
                f"in the course's folder run {ways}"
            )
    return missing


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(f"cs231n-kit {__version__}")
        raise typer.Exit


def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Convolutional networks for visual recognition: the course's command.

    New here?  [bold]cs231n doctor[/bold] says whether all is well, [bold]cs231n lab[/bold] opens the course.

    Each command explains itself, with examples:  [bold]cs231n check --help[/bold]
    """


def start(
    folder: Annotated[Path, typer.Argument(help="The new folder; nothing is overwritten.", show_default=False)],
    instructor: Annotated[
        bool, typer.Option("--instructor", help="With the solutions and all that grading needs; not for students.")
    ] = False,
) -> None:
    """Make a course's folder to work in.

    Lectures, and the assignments as they are handed out, from what is installed here.

    [bold]Examples[/bold]

    cs231n start mycourse

    cs231n start mycourse --instructor

    [bold]Exit codes[/bold]  0 the folder is made; 2 nothing was written.
    """
    from cs231n_kit import starting

    try:
        starting.refuse_to_overwrite(folder)
        contents = starting.instructor_files() if instructor else starting.student_files()
        starting.write_folder(contents, folder)
    except starting.StartError as error:
        stop(str(error), code=2)
    except OSError as error:
        stop(f"{folder} cannot be written: {error.strerror}.", code=2)
    console.print(f"[green]✓[/green] {escape(str(folder))}: {len(contents)} files", soft_wrap=True)
    _tell_steps(folder, instructor)


def _tell_steps(folder: Path, instructor: bool) -> None:
    steps = {f'cd "{folder}"' if " " in str(folder) else f"cd {folder}": "", "cs231n doctor": "what works here"}
    if instructor:
        if util.find_spec("nbgrader") is None:
            steps[install_command("grading")] = ""
        steps |= {
            "git init && git add .": "students get what git keeps",
            "cs231n release assignment1": "docs/instructors.md goes on from there",
        }
    else:
        steps |= {
            "cs231n data cifar10": "the photographs (170 MB); without them, scanned digits",
            "cs231n lab": "opens the front page in JupyterLab",
        }
    for number, (step, why) in enumerate(steps.items()):
        line = f"{'      ' if number else 'Next: '}{step:<28}{why and '  # ' + why}"
        console.print(escape(line.rstrip()), soft_wrap=True)


def lab(
    notebook: Annotated[
        Path | None, typer.Argument(help="Notebook to open; the course's front page if left out.", show_default=False)
    ] = None,
    browser: Annotated[
        bool | None,
        typer.Option(
            "--browser/--no-browser", help="Open a browser; by default where there is a screen.", show_default=False
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port; the next free one is taken if it is busy.")] = 8888,
) -> None:
    """Open the course in JupyterLab.

    Without a screen (a server, SSH) it prints the address to open in a browser elsewhere. Ctrl-C stops it.

    [bold]Examples[/bold]

    cs231n lab

    cs231n lab assignments/assignment1/knn.ipynb --port 9000
    """
    from cs231n_kit.laboratory import course_folder, open_lab

    folder = course_folder()
    if folder is None:
        stop(
            "There is no notebooks/00_start_here.ipynb here. Run this in the course's folder, or make one: "
            "cs231n start mycourse",
            code=2,
        )
    path = (notebook or folder / "notebooks" / "00_start_here.ipynb").resolve()
    if not path.is_file():
        stop(f"There is no notebook {notebook}. The course's notebooks are in {folder}.", code=2)
    raise typer.Exit(open_lab(folder, path, browser=browser, port=port))


def data(
    names: Annotated[
        list[str] | None, typer.Argument(help="Data sets to download; none lists them all.", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where to put them; the course's datasets folder if left out.", show_default=False),
    ] = None,
) -> None:
    """List the course's data sets, or download some.

    A download that was cut off goes on where it stopped, and nothing with a wrong checksum is kept. Data sets
    are looked for in the course's datasets folder, then in $CS231N_DATA.

    [bold]Examples[/bold]

    cs231n data

    cs231n data cifar10

    [bold]Exit codes[/bold]  0 done; 1 a download failed; 2 no such data set.
    """
    from cs231n_kit import datasets

    known = {row.name: row for row in datasets.status()}
    for name in names or []:
        if name not in known:
            stop(f"There is no data set {name!r}; there are {', '.join(known)}.", code=2)
    for name in names or []:
        try:
            place = datasets.download(name, folder)
        except datasets.DatasetError as error:
            stop(str(error))
        console.print(f"[green]✓[/green] {known[name].title}: {escape(str(place or 'comes with scikit-learn'))}")
    if not names:
        for row in known.values():
            _print_data_set(row)


def doctor(
    tests: Annotated[
        bool, typer.Option("--tests", help="Also require what the test suite needs: the sandbox and Chromium.")
    ] = False,
) -> None:
    """Examine the installation and say how to mend what is broken.

    [green]✓[/green] works   [yellow]![/yellow] worth knowing, nothing to do at once   [red]✗[/red] broken

    [bold]Exit codes[/bold]  0 the course works; 1 something it needs is broken.
    """
    from cs231n_kit.doctor import BROKEN, NOTE, OK, examine

    marks = {OK: "[green]✓[/green]", NOTE: "[yellow]![/yellow]", BROKEN: "[red]✗[/red]"}
    broken = 0
    for finding in examine(for_tests=tests):
        broken += finding.status == BROKEN
        console.print(f"{marks[finding.status]} {finding.subject:<14} {escape(finding.found)}")
        if finding.mend:
            console.print(f"{'':17}→ {escape(finding.mend)}")
    if broken:
        stop(f"{broken} of these must be mended; each line with → says how.")
    console.print("The course is ready." if tests else "The course is ready: cs231n lab opens it.")


def _print_data_set(row) -> None:
    size = f"{row.download_size / 1e6:,.0f} MB" if row.download_size else ""
    if row.folder:
        mark, place = "[green]✓[/green]", str(row.folder)
    elif row.present:
        mark, place = "[green]✓[/green]", "comes with scikit-learn"
    else:
        mark, place = "[dim]○[/dim]", f"not here yet; cs231n data {row.name} downloads {size}"
    console.print(f"{mark} [bold]{row.name:<14}[/bold] {escape(row.contents)}")
    for title, words in (("where", place), ("size", size), ("licence", row.licence), ("home", row.homepage)):
        if words:
            console.print(f"  {'':14} {title + ':':<9} {escape(words)}")


if __name__ == "__main__":
    main()
