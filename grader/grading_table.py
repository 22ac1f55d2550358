"""How grading a class looks in a terminal while it goes on, and what it says of each submission."""

import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from .grade_table import duration
from .terminal import plain

if TYPE_CHECKING:
    from .autograding import Graded
    from .workers import Activity, Examiners

MOST_ROWS = 16
"""Workers shown: a cluster may have more than a terminal has lines."""
RECENT = 50
"""Of so many results, those of the last while, the time that is left is guessed."""


def result_line(graded: "Graded") -> str:
    """What became of a submission, as Rich's markup."""
    name = plain(graded.student)
    if graded.problem:
        earlier = "; the grade of an earlier submission stands" if graded.grade and graded.grade.graded else ""
        return f"[red]✗[/] {name}: not graded: {plain(graded.problem)}{earlier}"
    grade = graded.grade
    late = f", {grade.penalty:g} off for being {duration(grade.seconds_late)} late" if grade.penalty else ""
    rest = ", the written answer is to be graded by hand" if grade.by_hand else ""
    kept = " (kept)" if graded.kept else ""
    return f"[green]✓[/] {name}: {grade.score:g} of {grade.points:g}{late}{rest}{kept}"


class GradingTable:
    """Shows each result as a line; in a terminal also, below them, what every worker does and how far it all is.

    A context manager. total: submissions.
    """

    def __init__(self, console: Console, assignment: str, total: int, examiners: "Examiners"):
        self._console, self._examiners, self._total = console, examiners, total
        self.graded = self.kept = self.failed = 0
        self._started = time.monotonic()
        self._ends: deque[float] = deque(maxlen=RECENT)
        self._progress = Progress(
            TextColumn("Grading {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[rest]}"),
            console=console,
        )
        self._task = self._progress.add_task(plain(assignment), total=total, rest="")
        self._live = Live(get_renderable=self._picture, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "GradingTable":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    @property
    def done(self) -> int:
        """Submissions of which is known what became of them."""
        return self.graded + self.kept + self.failed

    def show(self, graded: "Graded") -> None:
        """The next result."""
        self.failed += bool(graded.problem)
        self.kept += graded.kept
        self.graded += not graded.kept and not graded.problem
        if not graded.kept:
            self._ends.append(time.monotonic())
        self._console.print(result_line(graded), soft_wrap=True)
        self._progress.update(self._task, completed=self.done)

    def tell(self, line: str) -> None:
        """Something worth knowing beside the results."""
        self._console.print(f"[yellow]![/] {plain(line)}", soft_wrap=True)

    def summary(self) -> str:
        """All in one line: "12 graded in 16 s (45.0 a minute), 3 kept, 1 not graded"."""
        seconds = time.monotonic() - self._started
        words = []
        if self.graded or not self.done:
            rate = f" ({60 * self.graded / seconds:.1f} a minute)" if self.graded else ""
            words.append(f"{self.graded} graded in {duration(seconds)}{rate}")
        words += [f"{count} {what}" for count, what in ((self.kept, "kept"), (self.failed, "not graded")) if count]
        return ", ".join(words)

    def _picture(self) -> RenderableType:
        self._progress.update(self._task, rest=self._rest())
        table = Table("worker", "submission", "phase", "seconds", box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.columns[1].min_width, table.columns[2].min_width = 16, 9  # the table does not jump about
        table.columns[3].justify = "right"
        now, workers = time.monotonic(), self._examiners.activity()
        for worker in workers[:MOST_ROWS]:
            table.add_row(*_row(worker, now))
        if len(workers) > MOST_ROWS:
            table.add_row(f"and {len(workers) - MOST_ROWS} more")
        return Group(table, self._progress)

    def _rest(self) -> str:
        """What else there is to say: how many failed, and how long it will take from here."""
        words = [f"[red]{self.failed} not graded[/]"] if self.failed else []
        left = self._total - self.done
        if left and len(self._ends) >= 3:
            words.append(f"{duration((self._ends[-1] - self._ends[0]) / (len(self._ends) - 1) * left)} left")
        return ", ".join(words)


def _row(worker: "Activity", now: float) -> tuple[str, str, str, str]:
    if not worker.student:
        return worker.worker, "", worker.phase, ""
    return worker.worker, plain(worker.student), worker.phase, f"{now - worker.since:.0f}"
