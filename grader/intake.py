"""What was handed in, read with suspicion: its files, and its notebooks, which are brought into one plain shape.

A submission may be anything. What comes out of here is the bytes of files, within limits, and valid notebooks without
outputs. Everything else is an IntakeError, whose message says what to ask the student for.
"""

import itertools
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from nbformat import NotebookNode

from cs231n_kit.handing_in import COUNT_LIMIT, TOTAL_LIMIT

from .submitted_notebook import IntakeError, mebibytes, read_notebook, shown
from .unpacking import is_junk, is_plain
from .uploads import rename_to

DEPTH_LIMIT = 20
ENTRY_LIMIT = 10 * COUNT_LIMIT  # folders and hidden files too

_LESS = "ask for what is graded alone"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe would wait for its other end
_KINDS = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}


def read_submission(folder: Path) -> dict[str, bytes]:
    """The files in the folder of a submission, by their names relative to it, with "/" between folders.

    Hidden files, what systems leave behind and answer keys are left out. Raises IntakeError for links, devices and
    names that cannot be used, for more than COUNT_LIMIT files or TOTAL_LIMIT bytes, and for what cannot be read.
    """
    files: dict[str, bytes] = {}
    sizes: dict[str, int] = {}
    try:
        for path in (folder.parent, folder):
            if path.is_symlink():
                raise _special(path.name, stat.S_IFLNK)
        with _opened(folder.parent, _FOLDER) as outer, _opened(folder.name, _FOLDER, outer) as top:
            for name, descriptor in _walk(top, PurePosixPath(), itertools.count()):
                sizes[name] = os.fstat(descriptor).st_size
                if len(sizes) > COUNT_LIMIT:
                    raise IntakeError(f"the submission has more than {COUNT_LIMIT} files: {_LESS}")
                if sum(sizes.values()) <= TOTAL_LIMIT:
                    files[name] = _read(descriptor, sizes[name], name)
    except OSError as error:
        why = f"{shown(error.filename)}: {error.strerror}"
        raise IntakeError(f"the submission cannot be read ({why}): mend that and run again") from error
    if (total := sum(sizes.values())) > TOTAL_LIMIT:
        largest = max(sizes, key=sizes.get)
        raise IntakeError(
            f"the submission has {mebibytes(total)}, and at most {mebibytes(TOTAL_LIMIT)} are taken; the largest file "
            f"is {shown(largest)} with {mebibytes(sizes[largest])}: {_LESS}"
        )
    return dict(sorted(files.items()))


@contextmanager
def _opened(path: str | Path, flags: int, inside: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, flags, dir_fd=inside)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _walk(folder: int, place: PurePosixPath, numbers: Iterator[int]) -> Iterator[tuple[str, int]]:
    """(name, open descriptor) of each file; nothing is reached by its path, which might be exchanged meanwhile."""
    with os.scandir(folder) as entries:
        for entry in entries:
            inner = place / entry.name
            mode = entry.stat(follow_symlinks=False).st_mode
            if next(numbers) > ENTRY_LIMIT or len(inner.parts) > DEPTH_LIMIT:
                raise IntakeError(f"the submission has too many folders, at {shown(inner)}: {_LESS}")
            if stat.S_ISLNK(mode):
                raise _special(inner, mode)
            if is_junk(PurePosixPath(entry.name)):
                continue
            if not is_plain(entry.name):
                raise IntakeError(f"the name of the file {shown(inner)} has unusual characters: ask for another name")
            if stat.S_ISDIR(mode):
                with _opened(entry.name, _FOLDER, folder) as descriptor:
                    yield from _walk(descriptor, inner, numbers)
            elif stat.S_ISREG(mode):
                with _opened(entry.name, _FILE, folder) as descriptor:
                    _require_file(inner, os.fstat(descriptor))
                    yield str(inner), descriptor
            else:
                raise _special(inner, mode)


def _require_file(place: PurePosixPath, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _special(place, status.st_mode)
    if status.st_nlink > 1:
        raise IntakeError(f"the file {shown(place)} is a hard link to one somewhere else: put a copy in its place")


def _special(name: str | PurePosixPath, mode: int) -> IntakeError:
    kind = _KINDS.get(stat.S_IFMT(mode), "device")
    return IntakeError(f"the submission holds a {kind}, {shown(name)}: ask for the file itself")


def _read(descriptor: int, size: int, name: str) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        content = file.read(size + 1)
    if len(content) != size:
        raise IntakeError(f"{shown(name)} changed while it was read: run again")
    return content


def find_notebooks(
    files: Mapping[str, bytes], released: Mapping[str, Collection[str]]
) -> tuple[dict[str, NotebookNode], list[str]]:
    """The notebooks of an assignment among the files of a submission, by name, and remarks on what was not taken.

    released: for each notebook's name, such as "knn", the grade ids of its cells. A notebook that is not there is
    left out and remarked on. Raises IntakeError, with everything that is wrong, where one cannot be read, where one
    seems to be there under another name, and where there is none at all.
    """
    wanted = {f"{name}.ipynb": set(grade_ids) for name, grade_ids in released.items()}
    found: dict[str, NotebookNode] = {}
    problems, remarks = [], []
    for name in wanted.keys() & files.keys():
        try:
            found[name] = read_notebook(files[name], name)
        except IntakeError as error:
            problems.append(str(error))
    held = {name: _grade_ids(notebook) for name, notebook in found.items()}
    problems += [
        f"{name} holds the cells of {other}: give each notebook its name back and run again"
        for name, ids in held.items()
        for other, others in wanted.items()
        if not ids & wanted[name] and _mostly(others, ids)
    ]
    missing = [name for name in wanted if name not in files]
    extra = [name for name in files if name not in wanted and ".ipynb" in name.lower()]
    if missing:
        held = {name: _held(files[name], name) for name in extra}
    for name in missing:
        if holding := [other for other in extra if _mostly(wanted[name], held[other])]:
            problems.append(_renamed(name, holding, "holds its cells"))
        elif alike := [other for other in extra if _is_alike(name, PurePosixPath(other).name)]:
            problems.append(_renamed(name, alike, "is called nearly so"))
        else:
            remarks.append(f"{name} is missing")
    if wanted and not found and not problems:
        there = ", ".join(map(shown, sorted(files)[:8])) or "nothing"
        problems.append(f"there is no notebook of the assignment in the submission, but {there}: ask for {missing[0]}")
    if problems:
        raise IntakeError("; ".join(sorted(problems)))
    remarks += [f"{shown(name)} is no notebook of the assignment and was not graded" for name in sorted(extra)[:8]]
    return {name.removesuffix(".ipynb"): found[name] for name in wanted if name in found}, remarks


def _renamed(name: str, others: list[str], why: str) -> str:
    told = " and ".join(repr(other) for other in sorted(others)[:3])
    which = "rename it" if len(others) == 1 else "rename the one that counts"
    return f"{name} is missing, but {told} {why}: {which} to {name} and run again"


def _held(content: bytes, name: str) -> set[str]:
    try:
        return _grade_ids(read_notebook(content, name))
    except IntakeError:
        return set()


def _grade_ids(notebook: NotebookNode) -> set[str]:
    return {cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata}


def _mostly(wanted: set[str], held: set[str]) -> bool:
    return 2 * len(wanted & held) > len(wanted)


def _is_alike(name: str, other: str) -> bool:
    return name == other or bool(rename_to([name], [other], lambda name: None))
