"""How far an assignment is: what each check of its notebooks earns now.

The checks of a notebook are run, and what they found is remembered with a checksum of everything it depends on. As
long as that stays the same nothing is run again.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from glob import escape
from pathlib import Path

from . import __version__
from .assignment_folder import AssignmentError, AssignmentFolder, MarkedCell, check_points
from .notebook_checks import SKIPPED, CannotCheck, CheckReport, read_notebook, run_checks

RIGHT, WRONG, NOT_TRIED = "all right", "not right yet", "not tried yet"
NOT_RUN, NOT_CHECKED = "did not run", "not checked yet"
ANSWERED, UNANSWERED = "answered, graded by hand", "not answered yet, graded by hand"


@dataclass(frozen=True)
class CheckProgress:
    """One check or written question. earned: of its `points`, None where nothing is known."""

    name: str
    points: float
    earned: float | None
    state: str
    by_hand: bool = False


@dataclass(frozen=True)
class NotebookProgress:
    """Of a notebook, by check and question. changed: it was changed since. problem: why nothing is known."""

    notebook: str
    checks: tuple[CheckProgress, ...] = ()
    changed: bool = False
    problem: str = ""

    @property
    def earned(self) -> float:
        return sum(row.earned or 0 for row in self.checks)

    @property
    def points(self) -> float:
        return sum(row.points for row in self.checks if not row.by_hand)

    @property
    def points_by_hand(self) -> float:
        return sum(row.points for row in self.checks if row.by_hand)


def notebook_progress(
    assignment: AssignmentFolder,
    notebook: str,
    run: bool = True,
    timeout: float = 300,
    on_start: Callable[[str], None] = lambda words: None,
) -> NotebookProgress:
    """How far a notebook is. Its checks run when it was changed since they last did, and something in it is answered.

    run: False takes what is remembered. timeout, on_start: as for `run_checks`.
    """
    path = assignment.path(notebook)
    try:
        cells = assignment.cells(notebook)
        checks = assignment.checks(notebook)
        reports, changed, missing = {}, False, NOT_TRIED
        if any(cell.code and cell.answer and not cell.released for cell in cells):
            now = digest(path)
            reports, changed = recall(path, now)
            if run and changed:
                found = [report for cell in run_checks(path, timeout, on_start) for report in cell.reports]
                reports, changed = remember(path, now, found), False
            missing = NOT_CHECKED if changed else NOT_RUN
    except (AssignmentError, CannotCheck) as error:
        return NotebookProgress(notebook, problem=str(error))
    rows = [_check_progress(check.function, check_points(check), reports, missing) for check in checks]
    rows += [_written(cell) for cell in cells if cell.answer and cell.points]
    return NotebookProgress(notebook, tuple(rows), changed)


def remember(notebook: Path, told: str, reports: Iterable[CheckReport]) -> dict[str, dict]:
    """Keep what the checks of a notebook found, by the names of their functions; returns it.

    told: the notebook's `digest` before they ran. What cannot be kept, as the disk may be full, is found out again
    the next time.
    """
    found = {report.function: {k: v for k, v in asdict(report).items() if k != "text"} for report in reports}
    path = _memory(notebook)
    unfinished = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps({"digest": told, "reports": found}), encoding="utf-8")
        os.replace(unfinished, path)
    except OSError:
        pass
    return found


def recall(notebook: Path, now: str) -> tuple[dict[str, dict], bool]:
    """What the checks of a notebook found when they last ran, and whether its digest, `now`, is another one since."""
    try:
        kept = json.loads(_memory(notebook).read_text(encoding="utf-8"))
        return kept["reports"], kept["digest"] != now
    except (OSError, ValueError, KeyError, TypeError):
        return {}, True


def digest(notebook: Path) -> str:
    """A checksum of what the checks of a notebook depend on: code, answer key, trained results, the kit."""
    total = hashlib.sha256(__version__.encode())
    for cell in read_notebook(notebook).cells:
        if cell.cell_type == "code" and SKIPPED not in cell.metadata.get("tags", []):
            total.update(cell.source.encode("utf-8", "replace") + b"\0")
    for file in sorted(notebook.resolve().parent.glob(f"{escape(notebook.stem)}*.npz")):
        total.update(file.name.encode() + file.read_bytes())
    return total.hexdigest()


def _memory(notebook: Path) -> Path:
    from platformdirs import user_cache_path

    name = hashlib.sha256(str(notebook.resolve()).encode("utf-8", "replace")).hexdigest()[:32]
    return user_cache_path("cs231n-kit", appauthor=False) / "progress" / f"{name}.json"


def _check_progress(name: str, points: float, reports: dict[str, dict], missing: str) -> CheckProgress:
    """missing: the state of a check without a report."""
    report = reports.get(name)
    if report is None:
        return CheckProgress(name, points, 0.0 if missing == NOT_TRIED else None, missing)
    if not report["tried"]:
        return CheckProgress(name, points, 0.0, NOT_TRIED)
    return CheckProgress(name, points, report["earned"], RIGHT if report["passed"] else WRONG)


def _written(cell: MarkedCell) -> CheckProgress:
    answered = bool(cell.source.strip()) and not cell.released
    return CheckProgress(cell.name, cell.points, None, ANSWERED if answered else UNANSWERED, by_hand=True)
