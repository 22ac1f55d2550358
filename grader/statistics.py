"""What cost a class its points: losses by check, known mistakes by how many students made them, and the scores."""

import base64
import json
import re
import statistics
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path

from nbformat import from_dict
from nbgrader.utils import compute_checksum

from cs231n_kit.terminal import printable

from .check import load_checks
from .course import Course, CourseError

NOT_WRITTEN, KNOWN, OTHER, BY_HAND = "not written", "a known mistake", "something else", "graded by hand"
CAUSES = (NOT_WRITTEN, KNOWN, OTHER, BY_HAND)
LARGEST = 50 * 2**20  # bytes of a graded notebook
LONGEST = 110  # characters of a hint that is no known mistake's


@dataclass
class CheckStatistics:
    """One graded cell in the class. lost: points lost, by cause; students: how many lost some, by cause."""

    notebook: str
    name: str
    points: float
    graded: int = 0
    lost: Counter = field(default_factory=Counter)
    students: Counter = field(default_factory=Counter)

    @property
    def lost_by_each(self) -> float:
        """Points that a student lost on average."""
        return sum(self.lost.values()) / self.graded if self.graded else 0.0


@dataclass(frozen=True)
class ClassStatistics:
    """checks: those that cost most come first. mistakes: (check, mistake) and how many students made it, most first.

    scores: final scores, one a student, of `points`. waiting: students with answers that are to be graded by hand.
    unreadable: graded notebooks that are gone or damaged.
    """

    assignment: str
    checks: tuple[CheckStatistics, ...]
    mistakes: tuple[tuple[tuple[str, str], int], ...]
    scores: tuple[float, ...]
    points: float
    waiting: int = 0
    unreadable: int = 0


def class_statistics(
    course: Course, assignment: str, watch: Callable[[Sequence[str]], Iterable[str]] = iter
) -> ClassStatistics:
    """Statistics of all graded submissions. watch: gets the students, and gives them on as their notebooks are read."""
    grades = {grade.student: grade for grade in course.grades(assignment) if grade.graded}
    if not grades:
        raise CourseError(f"Nothing of {assignment} is graded yet. Next: cs231n autograde {assignment}")
    checks: dict[str, CheckStatistics] = {}
    mistakes: Counter = Counter()
    unreadable = 0
    for student in watch(list(grades)):
        grade = grades[student]
        folder = course.path("autograded", assignment, student)
        verdicts: dict[str, tuple[str, str | None]] = {}
        lacking = 0
        for notebook, *_ in grade.notebooks:
            read = read_verdicts(folder / f"{notebook}.ipynb") if folder.is_dir() else None
            lacking += read is None
            verdicts |= {name: (notebook, verdict) for name, verdict in (read or {}).items()}
        unreadable += lacking
        for name, score, points, by_hand in grade.cells:
            notebook, verdict = verdicts.get(name, ("", ""))
            hints = hints_of(verdict or "")
            check = checks.setdefault(name, CheckStatistics(notebook, name, points))
            check.notebook = check.notebook or notebook
            mistakes.update({(name, mistake_of(course.root, notebook, name, hint)) for hint in hints})
            if by_hand:
                continue
            check.graded += 1
            if score < points:
                cause = OTHER if lacking and not verdict else _cause(verdict, hints)
                check.lost[cause] += points - score
                check.students[cause] += 1
    order = sorted(checks.values(), key=lambda check: -check.lost_by_each)
    counted = sorted(mistakes.items(), key=lambda item: (-item[1], item[0]))
    scores = tuple(grade.final_score for grade in grades.values())
    points = max(grade.points for grade in grades.values())
    waiting = sum(grade.by_hand for grade in grades.values())
    return ClassStatistics(assignment, tuple(order), tuple(counted), scores, points, waiting, unreadable)


def _cause(verdict: str | None, hints: list[str]) -> str:
    """verdict: None for a cell that the judge does not judge, "" where nothing was handed in."""
    if verdict is None:
        return BY_HAND
    if not verdict or verdict.partition("\n")[0].endswith(": not implemented yet"):
        return NOT_WRITTEN
    return KNOWN if hints else OTHER


def read_verdicts(path: Path) -> dict[str, str | None] | None:
    """What the judge wrote below each graded cell of a graded notebook: its text; None where a hand grades, but "" for
    an answer that is as it was released.

    {} where there is no notebook; None where it cannot be read. Its texts quote students: they are data, no more.
    """
    if not path.is_file():
        return {}
    try:
        if path.is_symlink() or path.stat().st_size > LARGEST:
            return None
        return dict(_verdict(cell) for cell in json.loads(path.read_bytes())["cells"] if _is_graded(cell))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _is_graded(cell: dict) -> bool:
    return bool(cell["metadata"].get("nbgrader", {}).get("grade"))


def _verdict(cell: dict) -> tuple[str, str | None]:
    info = cell["metadata"]["nbgrader"]
    for output in cell.get("outputs", []):
        return info["grade_id"], "".join(output.get("data", {}).get("text/plain", ""))
    as_released = compute_checksum(from_dict(cell | {"source": "".join(cell["source"])}))
    return info["grade_id"], "" if info.get("checksum") == as_released else None


def hints_of(verdict: str) -> list[str]:
    """The hints in a verdict table as `cs231n_kit.checking.rendering.text` writes it."""
    found = re.findall(r"^ {6}hint: (.+)$", verdict, re.MULTILINE)
    return [hint for hint in dict.fromkeys(found) if hint != "the same as above."]


def mistake_of(course: Path, notebook: str, name: str, hint: str) -> str:
    """The name of the known mistake that has this hint, else the hint itself, shortened."""
    known = _mistakes(course, notebook).get((name, hint))
    return known or textwrap.shorten(printable(hint), LONGEST, placeholder=" ...")


@cache
def _mistakes(course: Path, notebook: str) -> dict[tuple[str, str], str]:
    checks = load_checks(notebook, course)
    every = [(check.function, m) for check in checks.checks for m in check.mistakes] if checks else []
    return {(function, m.hint): m.name for function, m in reversed(every)}


def score_line(found: ClassStatistics) -> str:
    """The scores in a sentence."""
    scores, count = found.scores, len(found.scores)
    if count == 1:
        return f"1 student, {scores[0]:.4g} of {found.points:g} points"
    return (
        f"{count} students; scores from {min(scores):.4g} to {max(scores):.4g} of {found.points:g} points, "
        f"median {statistics.median(scores):.4g}, mean {statistics.fmean(scores):.4g}"
    )


def histogram(found: ClassStatistics) -> list[int]:
    """How many students are in each tenth of the points; full marks, and more, are in the last."""
    counts = [0] * 10
    for score in found.scores:
        counts[min(9, int(10 * score / found.points)) if found.points else 9] += 1
    return counts


def page(found: ClassStatistics, picture: bytes) -> str:
    """A page that needs no network and runs nothing: the picture (PNG), and its numbers in tables."""
    losses = [
        [check.notebook, check.name, f"{check.points:g}", f"{check.lost_by_each:.2f}"]
        + [str(check.students[cause]) for cause in CAUSES]
        for check in found.checks
    ]
    made = [[str(count), name, mistake] for (name, mistake), count in found.mistakes]
    title = escape(f"What {found.assignment} cost the class")
    source = base64.b64encode(picture).decode()
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.45 system-ui, sans-serif; max-width: 78rem; margin: 2rem auto; padding: 0 1rem }}
img {{ max-width: 100%; background: white }}
table {{ border-collapse: collapse }}
th, td {{ text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #8884 }}
</style></head><body>
<h1>{title}</h1>
<p>{escape(score_line(found))}</p>
<img src="data:image/png;base64,{source}" alt="Bar charts of the numbers in the tables below">
<h2>Points lost</h2>
{_table(["notebook", "check", "points", "lost by a student", *(f"students: {cause}" for cause in CAUSES)], losses)}
<h2>Known mistakes</h2>
{_table(["students", "check", "mistake"], made)}
</body></html>
"""


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in header) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{escape(printable(cell))}</td>" for cell in row) + "</tr>" for row in rows]
    return "<table>\n" + "\n".join(lines) + "\n</table>"
