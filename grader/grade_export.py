"""Grades of a whole class as CSV files: for spreadsheets, and as Canvas and Moodle import them."""

import csv
import io
import os
import re
import tempfile
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .course import Course, CourseError, Grade
from .roster import Student, students


@dataclass(frozen=True)
class Standing:
    """A student and what there is of the assignment: `grade` is None as long as nothing is graded."""

    student: Student
    grade: Grade | None
    handed_in: bool

    @property
    def status(self) -> str:
        if self.grade is None:
            return "not graded" if self.handed_in else "no submission"
        return "by hand" if self.grade.by_hand else "graded"


def standings(course: Course, assignment: str) -> list[Standing]:
    """Everybody in the gradebook, and whoever handed in besides, by last name, then by id."""
    grades = {grade.student: grade for grade in course.grades(assignment)}
    handed_in = set(course.students(assignment)) | set(grades)
    known = students(course)
    everybody = known | {name: Student(name) for name in handed_in - set(known)}
    rows = [
        Standing(student, grade if (grade := grades.get(name)) and grade.graded else None, name in handed_in)
        for name, student in everybody.items()
    ]
    return sorted(rows, key=lambda row: (row.student.last_name.casefold(), row.student.id.casefold()))


def spreadsheet(rows: list[Standing], title: str = "") -> str:
    """One row a student, one column a graded cell; without a graded submission they are empty."""
    names = list(dict.fromkeys(cell[0] for row in rows if row.grade for cell in row.grade.cells))
    header = ["student", "last name", "first name", "email", *names]
    table = [[*header, "score before penalty", "hours late", "late penalty", "score", "points", "status"]]
    for row in rows:
        student, grade = row.student, row.grade
        known = [student.id, student.last_name, student.first_name, student.email]
        scores = {name: number(score) for name, score, _, _ in grade.cells} if grade else {}
        ends = [""] * 5
        if grade:
            ends = [grade.score, grade.seconds_late / 3600, grade.penalty, grade.final_score, grade.points]
            ends = [number(value) for value in ends]
        table.append([*map(defused, known), *(scores.get(name, "") for name in names), *ends, row.status])
    return _csv(table)


def canvas(rows: list[Standing], title: str) -> str:
    """As Canvas's gradebook imports it: Student, ID, SIS User ID, SIS Login ID, Section, then the assignment.

    Canvas finds students by ID (its own number, from an imported roster), else by SIS Login ID, here the student's id.
    title: the assignment's name there; with its number, as in "Assignment 1 (4711)", there is no doubt which is meant.
    Source: "How do I import grades in the Gradebook?", Canvas instructor guide.
    """
    points = next((number(row.grade.points) for row in rows if row.grade), "")
    table = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
        ["    Points Possible", "", "", "", "", points],
    ]
    for row in rows:
        student = row.student
        name = f"{student.last_name}, {student.first_name}" if student.first_name else student.last_name or student.id
        score = number(row.grade.final_score) if row.grade else ""
        table.append([defused(name), defused(student.lms_user_id), "", defused(student.id), "", score])
    return _csv(table)


def moodle(rows: list[Standing], title: str) -> str:
    """As Moodle's "Import grades from CSV" takes it: columns to identify a user by, and the grade, "-" for none.

    Moodle gives the grade of a row without identification to the student of the row before; so ID number and
    Email address are columns only where every student has one. Username is the student's id.
    Source: "Grade import", Moodle documentation.
    """
    columns: dict[str, Callable[[Student], str]] = {
        "First name": lambda s: s.first_name,
        "Last name": lambda s: s.last_name,
        "Username": lambda s: s.id,
        "ID number": lambda s: s.lms_user_id,
        "Email address": lambda s: s.email,
    }
    for name in ("ID number", "Email address"):
        if not all(columns[name](row.student) for row in rows):
            del columns[name]
    table = [[*columns, title]]
    for row in rows:
        score = number(row.grade.final_score) if row.grade else "-"
        table.append([*(defused(value(row.student)) for value in columns.values()), score])
    return _csv(table)


FORMATS = {"csv": spreadsheet, "canvas": canvas, "moodle": moodle}


def _csv(table: list[list[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(table)
    return file.getvalue()


def defused(text: str) -> str:
    """`text` so that no spreadsheet takes it, or what follows a separator in it, for a formula."""
    return "".join("'" + part if _is_formula(part) else part for part in re.split(r"(?<=[;\t\r\n])", text))


def _is_formula(text: str) -> bool:
    """Whether it begins like one, behind quotes and what one does not see. The wide forms of = + - @ count too."""
    seen = (c for c in text if c.isprintable() and not c.isspace() and c not in "'\"")
    return text[:1] in tuple("\t\r\n") or unicodedata.normalize("NFKC", next(seen, ""))[:1] in tuple("=+-@|")


def number(value: float) -> str:
    """At most two decimals, as Canvas and Moodle show them: "7.25", "7"."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def write_file(path: Path, content: bytes) -> None:
    """Write all of `content` to `path`, or leave `path` as it was. Raises CourseError."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o600 if not path.exists() else path.stat().st_mode & 0o777)  # grades are nobody else's
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CourseError(f"{path} cannot be written: {error.strerror}. What was there is untouched.") from None
