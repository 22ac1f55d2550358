"""Put what a class handed in where it is graded: from a folder, or one zip file, of uploads to submitted/."""

import hashlib
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbgrader.utils import parse_utc

from .check import load_checks
from .course import Course, CourseError
from .late import due_date
from .roster import Student, students
from .unpacking import DOWNLOAD, SUBMISSION, Refused, is_junk, refuse_special, safe_place, unpack
from .uploads import ARCHIVES, Upload, find_uploads, rename_to

TAKEN, REPLACED, KEPT, REFUSED, LEFT = "taken", "replaced", "kept", "refused", "left"
EARLIER = "submitted_earlier"
TIMESTAMP = "timestamp.txt"


@dataclass(frozen=True)
class Collected:
    """What became of an upload: TAKEN, REPLACED (an older one, which is kept elsewhere), KEPT (the one that was there),
    REFUSED, or LEFT because it is no upload; and why."""

    upload: str
    outcome: str
    student: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Collector:
    """Collects the uploads of an assignment. received: when all of them came, else each file's own date counts.

    anyone: take students who are not in the roster. replace: take what is older than what is there as well.
    """

    course: Course
    assignment: str
    received: datetime | None = None
    anyone: bool = False
    replace: bool = False

    def collect(self, source: Path) -> Iterator[Collected]:
        """Collect everything in the folder or zip file `source`; what is wrong with one upload stops no other.

        Raises CourseError when there is no such assignment or nothing to collect.
        """
        wanted = self._wanted()
        roster = {name: student for name, student in students(self.course).items() if _is_described(student)}
        due = None
        with suppress(CourseError):
            due = due_date(self.course, self.assignment)
        with tempfile.TemporaryDirectory(prefix=".collecting-", dir=self.course.root) as scratch:
            uploads, others = find_uploads(_as_folder(source, Path(scratch) / "download"), self.assignment)
            if not uploads and not others:
                raise CourseError(f"{source} is empty: there is nothing to collect.")
            for name, why in others:
                yield Collected(name, LEFT, remarks=(why,))
            owners: dict[str, Upload] = {}
            for number, upload in enumerate(uploads):
                stage = Path(scratch) / str(number)
                student = ""
                try:
                    student = find_student(upload, roster, self.anyone)
                    other = owners.setdefault(student, upload)
                    if other is not upload and upload.source == "Moodle":
                        raise Refused(f"{other.label} has the same name; name each ID.zip")
                    remarks = _stage(upload, stage, wanted)
                    yield self._store(upload, student, stage, due, remarks)
                except Refused as error:
                    yield Collected(upload.label, REFUSED, student, (f"{error}.",))
                except OSError as error:
                    yield Collected(upload.label, REFUSED, student, (f"it cannot be stored: {error.strerror}.",))
                shutil.rmtree(stage, ignore_errors=True)

    def _wanted(self) -> list[str]:
        """The names of the files that are graded, notebooks first."""
        found = {path.stem for step in ("release", "source") for path in self._notebooks(step)}
        if not found:
            raise CourseError(f"There is no assignment {self.assignment} here. Next: cs231n release {self.assignment}")
        found = sorted(found)
        checks = [loaded for name in found if (loaded := load_checks(name, self.course.root))]
        trained = [trained.file for loaded in checks for trained in loaded.trained]
        return [*(f"{name}.ipynb" for name in found), *trained]

    def _notebooks(self, step: str) -> Iterator[Path]:
        return self.course.path(step, self.assignment).glob("*.ipynb")

    def _store(self, upload: Upload, student: str, stage: Path, due: datetime | None, remarks: list[str]) -> Collected:
        """Move what was staged to submitted/; what is there already is moved aside, or kept."""
        target = self.course.path("submitted", self.assignment, student)
        if target.is_symlink() or target.parent.is_symlink():
            raise Refused(f"{target} is a link; remove it")
        time, told = received(upload, due, self.received)
        remarks = [*remarks, *told]
        (stage / TIMESTAMP).write_text(f"{time:%Y-%m-%d %H:%M:%S} UTC\n")
        outcome = TAKEN
        if target.exists():
            if _digests(target) == _digests(stage):
                return Collected(upload.label, KEPT, student, ("the same is there already", *remarks))
            before = _timestamp(target)
            if before is not None and before > time and not self.replace:
                told = f"what is there came later, on {before:%Y-%m-%d %H:%M} UTC; --replace takes this one"
                return Collected(upload.label, KEPT, student, (told, *remarks))
            outcome = REPLACED
            aside = self._aside(student)
            os.replace(target, aside)
            remarks.append(f"the one before is in {aside.relative_to(self.course.root)}")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(stage, target)
        except OSError:
            if outcome == REPLACED:
                os.replace(aside, target)
            raise
        return Collected(upload.label, outcome, student, tuple(remarks))

    def _aside(self, student: str) -> Path:
        folder = self.course.root / EARLIER / student / self.assignment
        folder.mkdir(parents=True, exist_ok=True)
        return folder / str(1 + max((int(path.name) for path in folder.iterdir() if path.name.isdecimal()), default=0))


def find_student(upload: Upload, roster: dict[str, Student], anyone: bool) -> str:
    """The id of the student whose upload it is; raises Refused when that cannot be told.

    Without a roster, and with `anyone`, who is not found gets the name in the file as an id, in Canvas with its number.
    """
    if upload.source == "plain" and (same := [name for name in roster if name.casefold() == upload.name.casefold()]):
        return upload.name if upload.name in same else same[0]
    named = [name for name, student in roster.items() if _is_named(student, upload)]
    if upload.number:
        named = [name for name, student in roster.items() if student.lms_user_id == upload.number] or named
    if len(named) > 1:
        raise Refused(f"it could be of {' or '.join(sorted(named))}; name it ID.zip")
    if named:
        return named[0]
    if roster and not anyone:
        raise Refused(
            f"nobody in the roster is called {upload.name!r}; name it ID.zip, complete the roster (cs231n roster), or "
            "use --anyone"
        )
    name = unicodedata.normalize("NFC", upload.name).strip()
    name = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name).strip("._-")
    if not name:
        raise Refused("its name does not say whose it is; name it STUDENT.zip")
    return f"{name[:80]}-{upload.number}" if upload.number else name[:100]


def received(upload: Upload, due: datetime | None, given: datetime | None) -> tuple[datetime, list[str]]:
    """When an upload came, and what is to be said about it.

    Canvas tells who is late, but not when anything came, and the date of a file may be that of the download: where the
    two disagree, Canvas is believed.
    """
    time = given or upload.received
    if upload.source == "Canvas" and due is not None and given is None:
        if upload.late and time <= due:
            return due + timedelta(minutes=1), ["late, says Canvas; by how much is not known"]
        if not upload.late and time > due:
            return due, []
    return time, ["late, says Canvas"] if upload.late else []


def _is_described(student: Student) -> bool:
    """Whether the gradebook knows more of a student than the id, which grading alone enters."""
    return bool(student.name or student.email or student.lms_user_id)


def _is_named(student: Student, upload: Upload) -> bool:
    called = _letters(upload.name)
    if upload.source == "plain" and upload.name.casefold() in (
        student.email.casefold(),
        student.email.partition("@")[0].casefold(),
    ):
        return bool(called)
    names = {_letters(student.first_name + student.last_name), _letters(student.last_name + student.first_name)}
    return bool(called) and called in names


def _letters(name: str) -> str:
    """The letters and digits of a name without accents, as Canvas writes them together."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", name).casefold()))


def _as_folder(source: Path, scratch: Path) -> Path:
    """The folder of uploads; a zip file with all of them is unpacked first."""
    if source.is_dir():
        return source
    if not source.is_file():
        raise CourseError(f"There is no folder {source}. Name the folder, or the zip file, with what was handed in.")
    try:
        unpack(source, scratch, DOWNLOAD, flatten=False)
    except Refused as error:
        raise CourseError(f"{source}: {error}.") from error
    scratch.mkdir(exist_ok=True)
    return scratch


def _stage(upload: Upload, stage: Path, wanted: list[str]) -> list[str]:
    """Lay out the files of an upload in `stage` with the names that are graded; returns remarks. Raises Refused."""
    stage.mkdir()
    left = SUBMISSION
    for path, given in upload.files:
        refuse_special(path)
        if given.lower().endswith(ARCHIVES):
            raise Refused(f"{given!r} is no zip file: ask for a zip file")
        if given.lower().endswith(".zip"):
            left = unpack(path, stage, left)
        elif not is_junk(place := safe_place(given)):
            if (size := path.stat().st_size) > left.file:
                raise Refused(f"{given!r} is too large; at most {left.file / 2**20:,.0f} MiB are taken")
            left = left.less(1, size)
            _copy(path, stage / place)
    return _settle(stage, wanted)


def _copy(path: Path, target: Path) -> None:
    if target.exists():
        raise Refused(f"there are two files called {target.name!r}: ask which one counts")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, target)


def _settle(stage: Path, wanted: list[str]) -> list[str]:
    """Move the notebooks to the top and give them their names; returns remarks. Raises Refused if there is none."""
    remarks: list[str] = []
    notebooks = [name for name in wanted if name.endswith(".ipynb")]

    def matches(folder: Path) -> dict[str, str]:
        there = [path.name for path in folder.iterdir() if path.is_file()]
        return {name: name for name in wanted if name in there} | rename_to(wanted, there, unclear.append)

    folders = [stage, *sorted(path for path in stage.rglob("*") if path.is_dir())]
    unclear: list[str] = []
    best = max(folders, key=lambda folder: sum(name in notebooks for name in matches(folder).values()))
    unclear.clear()
    found = matches(best)
    if not set(found.values()) & set(notebooks):
        there = ", ".join(sorted(path.name for path in stage.rglob("*") if path.is_file())[:8]) or "nothing"
        several = f", and several that could be {unclear[0]}" if unclear else ""
        raise Refused(f"it holds no notebook of the assignment, but {there}{several}")
    for given, name in found.items():
        if given != name or best != stage:
            if (stage / name).exists():
                raise Refused(f"there are two files called {name!r}: ask which one counts")
            os.replace(best / given, stage / name)
            remarks.append(f"{(best / given).relative_to(stage)} taken as {name}")
    remarks += [f"several files could be {name}; none was taken" for name in unclear]
    if missing := [name for name in wanted if name not in found.values() and name not in unclear]:
        remarks.append(f"without {', '.join(missing)}")
    return remarks


def _digests(folder: Path) -> dict[str, str]:
    """Checksums of the files of a submission, by their places; the timestamp does not count."""
    places = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    places.pop(TIMESTAMP, None)
    return {place: hashlib.sha256(path.read_bytes()).hexdigest() for place, path in places.items()}


def _timestamp(folder: Path) -> datetime | None:
    try:
        return parse_utc((folder / TIMESTAMP).read_text().strip()).replace(tzinfo=UTC)
    except (OSError, ValueError):
        return None
