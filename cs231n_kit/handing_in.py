"""Handing in an assignment: what is missing, and the zip file of what is there."""

import os
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .assignment_folder import KEY, AssignmentError, AssignmentFolder, MarkedCell
from .checking.trained import TrainedError, load_trained

# What a submission may hold; whoever collects submissions refuses more.
FILE_LIMIT = 64 * 2**20
TOTAL_LIMIT = 64 * 2**20
COUNT_LIMIT = 200
ALONG = {".py", ".txt", ".md", ".png", ".jpg", ".jpeg", ".gif", ".svg"}  # what a notebook may need beside it
_STUB = re.compile(r"^\s*raise NotImplementedError\(\)\s*$", re.MULTILINE)  # what is to be replaced by an answer
UNLIKE = 10 * 60  # seconds between training and saving the notebook that are nothing to speak of


@dataclass(frozen=True)
class Remark:
    """Something about a file that is to be handed in. problem: it costs points, unless it is mended."""

    file: str
    text: str
    problem: bool = True


def examine(assignment: AssignmentFolder) -> list[Remark]:
    """Everything that is missing, damaged or worth a look, notebook by notebook; nothing is run."""
    remarks = [remark for name in assignment.notebooks for remark in _notebook(assignment, name)]
    sizes = {path.name: path.stat().st_size for path in contents(assignment)}
    for file, size in sizes.items():
        if size > FILE_LIMIT:
            remarks.append(
                Remark(file, f"{_megabytes(size)}; at most {_megabytes(FILE_LIMIT)} are taken. {_smaller(file)}")
            )
    if sum(sizes.values()) > TOTAL_LIMIT:
        remarks.append(Remark("all together", f"{_megabytes(sum(sizes.values()))}; at most {_megabytes(TOTAL_LIMIT)}."))
    if len(sizes) > COUNT_LIMIT:
        remarks.append(Remark("all together", f"{len(sizes)} files; at most {COUNT_LIMIT} are taken."))
    if left := _left_out(assignment):
        remarks.append(Remark("left out", ", ".join(left), problem=False))
    return remarks


def contents(assignment: AssignmentFolder) -> list[Path]:
    """The files that are handed in: notebooks, trained results, and small things that may belong to a notebook."""
    wanted = [f"{name}.ipynb" for name in assignment.notebooks]
    wanted += [trained.file for name in assignment.notebooks for trained in assignment.trained(name)]
    along = sorted(path.name for path in assignment.folder.iterdir() if path.suffix.lower() in ALONG)
    paths = [assignment.folder / name for name in (*wanted, *along) if not name.startswith(".")]
    return [path for path in paths if path.is_file()]


def make_zip(assignment: AssignmentFolder, target: Path) -> list[str]:
    """Write the submission to `target`, complete or not at all; returns the names of the files in it.

    Raises AssignmentError when there is nothing to hand in, or when `target` is there and is no zip file.
    """
    if target.exists() and not zipfile.is_zipfile(target):
        raise AssignmentError(f"{target} is there already and is no zip file; choose another name with --output.")
    files = contents(assignment)
    if not any(path.suffix == ".ipynb" for path in files):
        raise AssignmentError(f"There is no notebook of {assignment.folder.name} in {assignment.folder}.")
    unfinished = target.with_name(f"{target.name}.part")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for path in files:
                archive.write(path, path.name)
        os.replace(unfinished, target)
    except OSError as error:
        raise AssignmentError(
            f"{target} cannot be written ({error.strerror}); choose another place with --output."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return [path.name for path in files]


def _notebook(assignment: AssignmentFolder, name: str) -> list[Remark]:
    path = assignment.path(name)
    if not path.is_file():
        others = [other.name for other in _notebooks_beside(assignment) if other.stem.startswith(name)]
        mend = f"Is it {others[0]}? Rename that." if others else "Take a fresh copy, or look for where you saved it."
        return [Remark(path.name, f"is missing. {mend}")]
    try:
        cells = assignment.cells(name)
        checks = [check.function for check in assignment.checks(name)]
    except AssignmentError as error:
        return [Remark(path.name, str(error))]
    released = assignment.released_cells(name)
    remarks = [Remark(path.name, text) for text in _cells(cells, released, checks)]
    repeated = [cell for cell, times in Counter(cell.name for cell in cells).items() if times > 1]
    if repeated:
        text = f"more than once: {', '.join(repeated)}. The last one with an answer counts; delete the others."
        remarks.append(Remark(path.name, text, problem=False))
    return remarks + _trained(assignment, name)


def _cells(cells: list[MarkedCell], released: dict[str, MarkedCell], checks: list[str]) -> list[str]:
    """What is wrong with the marked cells of a notebook, in words."""
    found = []
    there = {cell.name for cell in cells}
    gone = [name for name in released or checks if name not in there]
    if gone:
        found.append(f"cells are gone: {', '.join(gone)}. Copy them, whole, from a fresh copy of the notebook.")
    touched = {cell.name for cell in cells if cell.answer and not _as_released(cell, released)}
    for code, words in ((True, "not answered yet"), (False, "not answered in words yet")):
        empty = {cell.name: None for cell in cells if cell.answer and cell.code == code and cell.name not in touched}
        if empty:
            found.append(f"{words}: {', '.join(empty)}.")
    begun = {cell.name: None for cell in cells if cell.answer and cell.name in touched and _STUB.search(cell.source)}
    if begun:
        found.append(f"begun, but there is a raise NotImplementedError() left: {', '.join(begun)}.")
    changed = [cell.name for cell in cells if cell.locked and not _as_released(cell, released)]
    if changed:
        found.append(
            f"changed, but not to be edited: {', '.join(changed)}. They are graded as they were handed out: put your "
            "own code into cells of your own."
        )
    return found


def _as_released(cell: MarkedCell, released: dict[str, MarkedCell]) -> bool:
    """Whether the cell's text is the one handed out: by the copy that was kept, else by the cell's own checksum."""
    if not cell.source.strip():
        return not cell.locked
    return cell.source.strip() == released[cell.name].source.strip() if cell.name in released else cell.released


def _trained(assignment: AssignmentFolder, name: str) -> list[Remark]:
    remarks = []
    for trained in assignment.trained(name):
        path = assignment.folder / trained.file
        try:
            load_trained(path, trained)
        except TrainedError as error:
            remarks.append(Remark(trained.file, f"{error}."))
            continue
        age = assignment.path(name).stat().st_mtime - path.stat().st_mtime
        if age > UNLIKE:
            text = f"was written {_span(age)} before {name}.ipynb was saved. If its code changed since, train again."
            remarks.append(Remark(trained.file, text, problem=False))
    return remarks


def _notebooks_beside(assignment: AssignmentFolder) -> list[Path]:
    return [path for path in sorted(assignment.folder.glob("*.ipynb")) if path.stem not in assignment.notebooks]


def _left_out(assignment: AssignmentFolder) -> list[str]:
    """Files that are not handed in, and that a student may have thought would be."""
    taken = {path.name for path in contents(assignment)}
    files = (path.name for path in sorted(assignment.folder.iterdir()) if path.is_file())
    return [
        name for name in files if name not in taken and not name.startswith(".") and not name.endswith((KEY, ".part"))
    ]


def _smaller(file: str) -> str:
    return (
        "Clear its outputs (Edit, Clear Outputs of All Cells) and save."
        if file.endswith(".ipynb")
        else "Make it smaller."
    )


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _span(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600)):
        if (count := round(seconds / length)) >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{round(seconds / 60)} minutes"
