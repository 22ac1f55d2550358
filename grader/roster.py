"""The students of a course: read from a CSV file of Canvas, Moodle or a spreadsheet, kept in the gradebook."""

import codecs
import csv
import io
import re
import unicodedata
from dataclasses import dataclass, fields, replace
from pathlib import Path

from nbgrader import api
from sqlalchemy.exc import SQLAlchemyError

from .course import Course, CourseError

LARGEST = 20 * 2**20  # bytes of a roster file
LONGEST = 128  # characters of a field in nbgrader's gradebook

# Headers, without capitals, and what they hold. Of several that hold a student's id the first in ID_HEADERS counts.
ID_HEADERS = ("student_id", "id", "sis login id", "username", "sis user id", "id number", "email address", "email")
HEADERS = {
    "first_name": ("first_name", "first name", "firstname"),
    "last_name": ("last_name", "last name", "lastname", "surname"),
    "email": ("email", "email address"),
    "lms_user_id": ("lms_user_id", "id number"),
}
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no names of folders on Windows


@dataclass(frozen=True)
class Student:
    """A student as the gradebook has it; id: the name of the folder in submitted/. lms_user_id: Canvas's own number."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True)
class RosterFile:
    """What a file says. `problems` name their lines; `notes` say what was understood and what left out."""

    students: tuple[Student, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """What the roster does with one student: `before` is None for a new one, equal to `after` where nothing changes."""

    before: Student | None
    after: Student

    @property
    def kind(self) -> str:
        if self.before is None:
            return "added"
        return "unchanged" if self.before == self.after else "changed"

    @property
    def differences(self) -> list[tuple[str, str, str]]:
        """(field, before, after) of what changes in a student that was there."""
        if self.before is None:
            return []
        pairs = [(f.name, getattr(self.before, f.name), getattr(self.after, f.name)) for f in fields(Student)]
        return [(name, old, new) for name, old, new in pairs if old != new]


def read_roster(path: Path, id_column: str = "") -> RosterFile:
    """Read a CSV file whose first row names its columns: separated by commas, semicolons or tabs.

    id_column: the column that holds the students' ids, when it is not the one that ID_HEADERS would choose.
    Raises CourseError when the file as a whole cannot be a roster.
    """
    text, note = _decode(path)
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        columns = _columns(header, id_column, path)
        rows = []
        line = reader.line_num + 1
        for row in reader:
            rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise CourseError(
            f"{path}, line {reader.line_num}: {error}. Save it as CSV again, or mend the quotes there."
        ) from None
    notes = [note] if note else []
    notes.append(f"The id of a student is {header[columns['id']]!r}. Another one: --id COLUMN")
    return _read_rows(rows, header, columns, notes)


def _read_rows(rows: list[tuple[int, list[str]]], header: list[str], columns: dict[str, int], notes: list[str]):
    students: dict[str, tuple[int, Student]] = {}
    problems = []
    for line, row in rows:
        if not any(cell.strip() for cell in row) or row[0].strip() == "Points Possible" or _is_posting_row(row):
            continue
        if len(row) > len(header):
            problems.append(f"line {line}: {len(row)} cells, but the header names {len(header)}")
            continue
        cells = {name: row[place].strip() if place < len(row) else "" for name, place in columns.items()}
        student = _named(cells)
        if (student.last_name, student.first_name) == ("Student", "Test") and "lms_user_id" in cells:
            notes.append(f"line {line}: Canvas's test student is left out")
            continue
        problem = _problem(student)
        if not problem and (known := students.get(student.id.casefold())):
            problem = f"the id {student.id!r} is in line {known[0]} already"
        if problem:
            problems.append(f"line {line}: {problem}")
        else:
            students[student.id.casefold()] = (line, student)
    if not students and not problems:
        problems.append("there is no student in it")
    return RosterFile(tuple(student for _, student in students.values()), tuple(problems), tuple(notes))


def _named(cells: dict[str, str]) -> Student:
    """The student of a row; Canvas has both names in one cell, "Last, First"."""
    both = cells.pop("student", "")
    if both:
        last, comma, first = both.partition(",")
        if not comma:
            first, _, last = both.rpartition(" ")
        cells |= {"first_name": first.strip(), "last_name": last.strip()}
    return Student(**{name: unicodedata.normalize("NFC", cell) for name, cell in cells.items()})


def _is_posting_row(row: list[str]) -> bool:
    """Canvas writes which assignments are muted or posted by hand in a row of its own."""
    return all(re.fullmatch(r"\s*(Muted|Manual Posting.*)?\s*", cell) for cell in row)


def _problem(student: Student) -> str:
    """What is wrong with a row, "" for nothing."""
    name = student.id
    if not name:
        return f"no id{f' for {student.name}' if student.name else ''}"
    for field in fields(Student):
        value = getattr(student, field.name)
        if len(value) > LONGEST:
            return f"{field.name} is longer than {LONGEST} characters"
        if any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in value):
            return f"{field.name} {value!a} holds a character that cannot be seen"
        if "\N{REPLACEMENT CHARACTER}" in value:
            return f"{field.name} {value!r} was damaged when the file was saved: save it as UTF-8"
    if re.search(r'[/\\:*?"<>|]', name) or name[0] in ".-=+@" or name[-1] == "." or RESERVED.fullmatch(name):
        return f"the id {name!r} cannot be the name of a folder in submitted/"
    return ""


def _decode(path: Path) -> tuple[str, str]:
    """(text, a note on its encoding, or "")."""
    try:
        if path.stat().st_size > LARGEST:
            raise CourseError(f"{path} has {path.stat().st_size / 2**20:.0f} MB: that is no roster.")
        raw = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}.") from None
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _text_of(
            raw.decode("utf-16", errors="replace"), path
        ), "The file is UTF-16, as old spreadsheets save it."
    try:
        return _text_of(raw.decode("utf-8-sig"), path), ""
    except UnicodeDecodeError:
        note = "The file is not UTF-8: it was read as Windows-1252 (latin-1). Look at the names with accents."
        return _text_of(raw.decode("cp1252", errors="replace"), path), note


def _text_of(text: str, path: Path) -> str:
    if "\0" in text:
        raise CourseError(f"{path} is no text. Save the sheet as CSV (comma-separated values) first.")
    return text


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _columns(header: list[str], id_column: str, path: Path) -> dict[str, int]:
    """Where the fields of a Student stand, and under "student" both names in one cell. Raises CourseError."""
    places = {name.casefold(): place for place, name in reversed(list(enumerate(header)))}
    canvas = "sis login id" in places or {"student", "id", "section"} <= set(places)
    if canvas and not id_column:
        id_column = next((name for name in ("sis login id", "sis user id", "id") if name in places), "")
    if id_column and id_column.casefold() not in places:
        raise CourseError(f"{path} has no column {id_column!r}; it has {', '.join(header) or 'none'}.")
    chosen = id_column.casefold() or next((name for name in ID_HEADERS if name in places), "")
    if not chosen:
        raise CourseError(
            f"{path} has no column that holds students' ids. It has: {', '.join(header) or 'nothing'}. Give it one "
            "named id, or say which one it is: --id COLUMN"
        )
    columns = {"id": places[chosen]}
    for field, names in HEADERS.items():
        if found := [places[name] for name in names if name in places]:
            columns[field] = found[0]
    if canvas:
        columns |= {"lms_user_id": places["id"]} if "id" in places else {}
        columns |= {"student": places["student"]} if "student" in places else {}
    return columns


def students(course: Course) -> dict[str, Student]:
    """The students in the gradebook, by id."""
    with course.gradebook() as gradebook:
        names = [field.name for field in fields(Student)]
        return {s.id: Student(**{name: getattr(s, name) or "" for name in names}) for s in gradebook.students}


def compare(course: Course, roster: RosterFile) -> list[Change]:
    """What importing the roster would do. What the file leaves empty stays as it is; nobody is ever removed."""
    known = students(course)
    known |= {name.casefold(): student for name, student in known.items() if name.casefold() not in known}
    changes = []
    for student in roster.students:
        before = known.get(student.id) or known.get(student.id.casefold())
        if before is not None:
            given = {f.name: getattr(student, f.name) for f in fields(Student) if getattr(student, f.name)}
            student = replace(before, **given | {"id": before.id})
        changes.append(Change(before, student))
    return changes


def apply(course: Course, changes: list[Change]) -> None:
    """Write what was added and changed to the gradebook: all of it, or nothing when the gradebook refuses."""
    with course.gradebook() as gradebook:
        try:
            for change in changes:
                after = change.after
                values = {f.name: getattr(after, f.name) or None for f in fields(Student) if f.name != "id"}
                if change.kind == "added":
                    gradebook.db.add(api.Student(id=after.id, **values))
                elif change.kind == "changed":
                    entry = gradebook.find_student(after.id)
                    for name, value in values.items():
                        setattr(entry, name, value)
            gradebook.db.commit()
        except SQLAlchemyError as error:
            gradebook.db.rollback()
            reason = getattr(error, "orig", None) or error
            raise CourseError(f"The gradebook cannot be written: {reason}. Nothing of the roster is in it.") from None
