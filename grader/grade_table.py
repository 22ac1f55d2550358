"""Tables for the terminal, the one of an assignment's grades among them."""

from rich.markup import escape
from rich.table import Table

from cs231n_kit.terminal import printable

from .terminal import console


def grade_table(assignment: str, rows: list) -> Table:
    """Students against graded cells, which are numbered so that the table fits a terminal; the caption names them.

    rows: standings of `grader.grade_export`. Where there are too many cells for the terminal, notebooks stand instead.
    """
    table = _table_of(assignment, rows, "cells")
    unlimited = console.options.update(max_width=10_000)
    if console.is_terminal and console.measure(table, options=unlimited).maximum > console.width:
        return _table_of(assignment, rows, "notebooks")
    return table


def _table_of(assignment: str, rows: list, parts: str) -> Table:
    graded = [row.grade for row in rows if row.grade]
    names = list(dict.fromkeys(part[0] for grade in graded for part in getattr(grade, parts)))
    numbered = "\n".join(f"{number} {name}" for number, name in enumerate(names, 1))
    table = Table(title=f"Grades of {assignment}", caption=numbered, title_justify="left", caption_justify="left")
    named, remarks = any(row.student.name for row in rows), [_remark(row, parts) for row in rows]
    table.add_column("student", no_wrap=True)
    if named:
        table.add_column("name")
    for number in range(1, len(names) + 1):
        table.add_column(str(number), justify="right", no_wrap=True)
    table.add_column("score", justify="right", style="bold", no_wrap=True)
    if any(remarks):
        table.add_column("", no_wrap=True)
    for row, remark in zip(rows, remarks, strict=True):
        cells = {}
        if row.grade:
            for name, score, points, by_hand in getattr(row.grade, parts):
                cells[name] = "by hand" if by_hand and parts == "cells" else f"{score:g}/{points:g}"
        name = [escape(printable(row.student.name))] if named else []
        total = f"{row.grade.final_score:.6g}/{row.grade.points:g}" if row.grade else ""
        last = [remark] if any(remarks) else []
        table.add_row(escape(printable(row.student.id)), *name, *(cells.get(n, "") for n in names), total, *last)
    return table


def _remark(row, parts: str) -> str:
    """What the scores do not say."""
    if row.grade is None:
        return row.status
    words = ["to be graded by hand"] if row.grade.by_hand and parts == "notebooks" else []
    if row.grade.seconds_late:
        penalty = f", {row.grade.penalty:g} off" if row.grade.penalty else ""
        words.append(f"{duration(row.grade.seconds_late)} late{penalty}")
    return "; ".join(words)


def duration(seconds: float) -> str:
    """The two largest units: "2 d 3 h", "45 min", "20 s"."""
    left, parts = int(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than 1 s"
