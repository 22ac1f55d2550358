"""An assignment on a student's disk: its notebooks, the marks of their cells, and what else is to be handed in."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .checking.answer_key import CheckKey, TrainedCheck, load_key
from .laboratory import course_folder

KEY = "_key.npz"
RELEASED = ".released"


class AssignmentError(Exception):
    """The assignment or one of its notebooks cannot be used; the message says what to do."""


@dataclass(frozen=True)
class MarkedCell:
    """A cell that is graded, answered or given. released: whether its text is still the one that was handed out."""

    name: str
    source: str
    code: bool
    answer: bool
    locked: bool
    points: float
    released: bool


@dataclass(frozen=True)
class AssignmentFolder:
    """The folder of an assignment. Its answer keys say which notebooks it has."""

    folder: Path

    @classmethod
    def find(cls, assignment: str) -> "AssignmentFolder":
        """The assignment of that name in the course's assignments folder, or the one in that folder.

        Raises AssignmentError, naming those that are there, where there is none.
        """
        course = course_folder()
        inside = course / "assignments" if course else Path("assignments")
        for folder in (Path(assignment), inside / assignment):
            if any(folder.glob(f"*{KEY}")):
                return cls(folder.resolve())
        there = ", ".join(one.folder.name for one in cls.all()) or "none"
        raise AssignmentError(f"There is no assignment {assignment}; in {inside} there is {there}.")

    @classmethod
    def all(cls) -> list["AssignmentFolder"]:
        """All assignments of the course, by name."""
        course = course_folder()
        keys = sorted((course / "assignments").glob(f"*/*{KEY}")) if course else ()
        return [cls(folder) for folder in dict.fromkeys(key.parent for key in keys)]

    @cached_property
    def notebooks(self) -> tuple[str, ...]:
        """Names of the notebooks, without .ipynb, in the order in which to solve them."""
        from .front_page import NOTEBOOKS

        names = {path.name.removesuffix(KEY) for path in self.folder.glob(f"*{KEY}")}
        names |= {path.stem for path in self._released.glob("*.ipynb")}
        place = {name: number for number, name in enumerate(NOTEBOOKS)}
        return tuple(sorted(names, key=lambda name: (place.get(name, len(place)), name)))

    def path(self, notebook: str) -> Path:
        return self.folder / f"{notebook}.ipynb"

    def checks(self, notebook: str) -> list[CheckKey | TrainedCheck]:
        """What the answer key of a notebook checks; raises AssignmentError where a key is damaged."""
        return self._keys[notebook]

    @cached_property
    def _keys(self) -> dict[str, list[CheckKey | TrainedCheck]]:
        paths = {name: self.folder / f"{name}{KEY}" for name in self.notebooks}
        try:
            return {name: load_key(path) if path.is_file() else [] for name, path in paths.items()}
        except ValueError as error:
            raise AssignmentError(str(error)) from error

    def trained(self, notebook: str) -> list[TrainedCheck]:
        """The trained results that are handed in with a notebook."""
        return [check for check in self.checks(notebook) if isinstance(check, TrainedCheck)]

    def cells(self, notebook: str) -> list[MarkedCell]:
        """The marked cells of a notebook, in order; raises AssignmentError where it cannot be read."""
        return marked_cells(self.path(notebook))

    def released_cells(self, notebook: str) -> dict[str, MarkedCell]:
        """The marked cells as they were handed out, by name; empty where no copy of that was kept."""
        path = self._released / f"{notebook}.ipynb"
        return {cell.name: cell for cell in marked_cells(path)} if path.is_file() else {}

    @property
    def _released(self) -> Path:
        return self.folder.parent / RELEASED / self.folder.name


def check_points(check: CheckKey | TrainedCheck) -> float:
    """The points that a check can earn."""
    return check.points if isinstance(check, TrainedCheck) else sum(p.points for p in check.properties)


def marked_cells(notebook: Path) -> list[MarkedCell]:
    """The cells of a notebook that carry nbgrader's mark, in order; raises AssignmentError."""
    from .notebook_checks import CannotCheck, read_notebook

    try:
        cells = read_notebook(notebook).cells
    except CannotCheck as error:
        raise AssignmentError(str(error)) from error
    return [_marked(cell, mark) for cell in cells if isinstance(mark := cell.metadata.get("nbgrader"), dict)]


def _marked(cell, mark: dict) -> MarkedCell:
    answer, grade = bool(mark.get("solution")), bool(mark.get("grade"))
    return MarkedCell(
        name=str(mark.get("grade_id", "")),
        source=cell.source,
        code=cell.cell_type == "code",
        answer=answer,
        locked=not answer and (grade or bool(mark.get("locked"))),
        points=float(mark["points"]) if grade and isinstance(mark.get("points"), int | float) else 0.0,
        released=mark.get("checksum") == _checksum(cell, mark),
    )


def _checksum(cell, mark: dict) -> str:
    """nbgrader's checksum of a cell; the released notebook carries that of the text that was handed out."""
    grade, answer = mark.get("grade", False), mark.get("solution", False)
    locked = not answer and (grade or mark.get("locked", False))
    parts = [cell.source, cell.cell_type, str(grade), str(answer), str(locked), str(mark.get("grade_id"))]
    if grade and isinstance(mark.get("points"), int | float):
        parts.append(str(float(mark["points"])))
    return hashlib.md5("".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
