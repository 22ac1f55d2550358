"""What a folder of submissions holds, told from the names that Canvas, Moodle and students give to files."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
CANVAS = re.compile(r"(?P<name>.+?)_(?:(?P<late>LATE)_)?(?P<number>\d+)_\d+_(?P<file>.+)", re.DOTALL)
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<file>.*)", re.DOTALL)
COPY = r"(?: ?\(\d+\)|-Copy\d+| ?- ?(?:Copy|Kopie|Copie|Copia)(?: ?\(\d+\))?)"  # what systems add to a second file


@dataclass(frozen=True)
class Upload:
    """What one student handed in. `files`: where each is, and the name that the student gave it.

    label: how to name it to the instructor. name: the student's, as the file says it. number: Canvas's number of the
    student, "" elsewhere. late: Canvas calls it late. received: when the file was written.
    """

    source: str
    label: str
    name: str
    files: tuple[tuple[Path, str], ...]
    received: datetime
    number: str = ""
    late: bool = False


def find_uploads(folder: Path, assignment: str) -> tuple[list[Upload], list[tuple[str, str]]]:
    """The uploads in `folder`, oldest first, and what is none: (file, why)."""
    found: dict[tuple, list] = {}
    others = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__MACOSX":
            continue
        key, told = _classify(path, assignment)
        if key is None:
            others.append((path.name, told))
        else:
            found.setdefault(key, []).append((path, told))
    uploads = [_upload(key, members) for key, members in found.items()]
    return sorted(uploads, key=lambda upload: upload.received), others


def _classify(path: Path, assignment: str) -> tuple[tuple | None, str]:
    """((source, label or None, name, number, late), the file's name), or (None, why it is no upload)."""
    if path.is_symlink():
        return None, "it is a link; copy what it leads to"
    if match := MOODLE.fullmatch(path.name):
        if match["kind"] != "file":
            return None, f"it is no file but {match['kind']}; read it in Moodle"
        label = path.name if path.is_dir() else None
        return ("Moodle", label, match["name"], match["number"], False), match["file"]
    if path.is_dir():
        return ("plain", path.name, _student(path.name, assignment), "", False), ""
    if match := CANVAS.fullmatch(path.name):
        return ("Canvas", None, match["name"], match["number"], bool(match["late"])), match["file"]
    if path.suffix.lower() in (".zip", *ARCHIVES):
        return ("plain", path.name, _student(path.stem, assignment), "", False), path.name
    return None, "its name does not say whose it is; name it STUDENT.zip"


def _student(name: str, assignment: str) -> str:
    """The student's part of a name such as "assignment1-ada (1)"; "" where there is none."""
    name = re.sub(f"{COPY}$", "", name)
    around = re.escape(assignment)
    name = re.sub(rf"^{around}[-_ ]+|[-_ ]+{around}$", "", name)
    return "" if name in ("submission", assignment) else name


def _upload(key: tuple, members: list[tuple[Path, str]]) -> Upload:
    source, label, name, number, late = key
    files: list[tuple[Path, str]] = []
    for path, given in members:
        if path.is_dir():
            files += [(inner, str(inner.relative_to(path))) for inner in sorted(path.rglob("*")) if not inner.is_dir()]
        else:
            files.append((path, given or path.name))
    newest = max((path.lstat().st_mtime for path, _ in files), default=0)
    return Upload(
        source,
        label or members[0][0].name + (f" and {len(members) - 1} more" if len(members) > 1 else ""),
        name,
        tuple(files),
        datetime.fromtimestamp(newest, UTC),
        number if source == "Canvas" else "",
        late,
    )


def rename_to(wanted: list[str], there: list[str], differs: Callable[[str], None]) -> dict[str, str]:
    """{name that a file has: the wanted name it stands for}, for wanted names that are not there as such.

    Browsers and systems add " (1)", "-1", " - Copy" or ".txt" to names, and change capitals. differs(name) is called
    for a wanted name that several files stand for; it is not among the results then.
    """
    found = {}
    for name in wanted:
        if name in there:
            continue
        stem, suffix = re.fullmatch(r"(.+)(\.\w+)", name).groups()
        like = re.compile(rf"(copy of )?{_loose(stem)}({COPY}|[-_ ]\d+)*+{re.escape(suffix)}(\.(txt|json|zip))?", re.I)
        candidates = [other for other in there if like.fullmatch(other) and other not in wanted]
        if len(candidates) == 1:
            found[candidates[0]] = name
        elif candidates:
            differs(name)
    return found


def _loose(stem: str) -> str:
    """A pattern for a name whose underscores may have become blanks or hyphens."""
    return r"[-_ ]".join(map(re.escape, stem.split("_")))
