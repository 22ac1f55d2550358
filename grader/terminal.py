"""What the instructors' commands share: arguments, how they print, and how they end."""

import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cs231n_kit.terminal import printable

if TYPE_CHECKING:
    from .course import Course

Assignment = Annotated[str, typer.Argument(help="Name of the assignment: its folder in solutions/.")]
Folder = Annotated[Path, typer.Option("--course", help="The course's folder (default: this one or one above it).")]
HERE = Path(".")

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def plain(text: str) -> str:
    """A text that may come from a student, in one line, as it can be put between Rich's markup."""
    return escape(printable(" ".join(text.split())))


def open_course(folder: Path) -> "Course":
    """The course in `folder` or above it."""
    from .course import Course

    return Course(folder)


def fail(message: str) -> NoReturn:
    """End the command, which could do nothing: with a message and exit code 2."""
    errors.print(f"[red]✗[/] {escape(message)}", soft_wrap=True)  # it may hold a command to be copied
    raise typer.Exit(2)


class mendable:
    """Turns errors that the instructor can mend into a message and exit code 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind, error, traceback) -> None:
        from .errors import CourseError
        from .sandbox import SandboxUnavailable

        if isinstance(error, CourseError | SandboxUnavailable):
            fail(str(error))


class Interrupts:
    """While it is entered, Ctrl-C and SIGTERM end nothing at once: `asked` says that somebody wants the end."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __enter__(self) -> "Interrupts":
        self._asked = False
        self._before = [signal.signal(number, self._remember) for number in self.SIGNALS]
        return self

    def __exit__(self, *exception) -> None:
        for number, handler in zip(self.SIGNALS, self._before, strict=True):
            signal.signal(number, handler)

    def asked(self) -> bool:
        """Whether one of them came."""
        return self._asked

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._asked = True


def print_table(table: Table) -> None:
    """A table that fits the terminal; elsewhere plain lines, as wide as they need to be."""
    if console.is_terminal:
        console.print(table)
        return
    table.box = None
    for column in table.columns:
        column.no_wrap = True
    Console(file=console.file, highlight=False, width=10_000).print(table)


def tell_equal_results(course: "Course", assignment: str) -> None:
    """Say who handed in the very same trained results."""
    for file, students in course.equal_results(assignment):
        names = plain(", ".join(students))
        console.print(f"[yellow]![/] {file} holds the same arrays, to the last bit, for: {names}", soft_wrap=True)
