"""Grades as files: what a CSV reader, Canvas's importer and Moodle's find in them."""

import csv
import io
import itertools
import os

import pytest
from graded_class import ASSIGNMENT, grade, make_class
from rich.console import Console
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader import grade_table
from grader.course import CourseError
from grader.grade_export import FORMATS, Standing, canvas, defused, moodle, number, spreadsheet, standings, write_file
from grader.roster import Student

FULL = {"predict_labels": 4, "cross_validate": 2, "gap_question": 3, "softmax_loss": 5}


def grades(course, *options):
    return CliRunner().invoke(build_app(), ["grades", ASSIGNMENT, "--course", str(course.root), *map(str, options)])


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """ada: graded; ben: waits for a hand, late; cleo: nothing handed in; dan: not graded; eve: only a folder."""
    course = make_class(tmp_path_factory.mktemp("course"))
    with course.gradebook() as gradebook:
        gradebook.add_student("ada", first_name='Ada "the"', last_name="King, Jr", email="ada@x.org", lms_user_id="11")
        gradebook.add_student("cleo", first_name="Cléo", last_name="=HYPERLINK(1)", email="cleo@x.org")
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate="2026-12-01T22:59Z")
    grade(course, "ada", FULL | {"cross_validate": 1.26})
    grade(course, "ben", FULL | {"gap_question": None}, "2026-12-03T01:59Z")
    with course.gradebook() as gradebook:
        gradebook.find_submission_notebook("knn", ASSIGNMENT, "ben").late_submission_penalty = 1.5
        gradebook.db.commit()
    grade(course, "dan", {"predict_labels": 0})  # its other notebook could not be graded
    course.path("submitted", ASSIGNMENT, "eve").mkdir(parents=True)
    return course


def test_everybody_is_there_and_only_what_is_graded_has_a_score(course):
    found = {row["student"]: row for row in rows_of(spreadsheet(standings(course, ASSIGNMENT)))}
    assert {name: (row["score"], row["status"]) for name, row in found.items()} == {
        "ada": ("13.26", "graded"),
        "ben": ("9.5", "by hand"),
        "cleo": ("", "no submission"),
        "dan": ("", "not graded"),
        "eve": ("", "not graded"),
    }
    ben = found["ben"]
    assert (ben["score before penalty"], ben["late penalty"], ben["hours late"]) == ("11", "1.5", "27")
    assert ben["softmax_loss"] == "5" and found["cleo"]["softmax_loss"] == found["dan"]["predict_labels"] == ""


def test_quotes_hold_and_formulas_are_defused(course):
    found = {row["student"]: row for row in rows_of(spreadsheet(standings(course, ASSIGNMENT)))}
    assert found["ada"]["last name"] == "King, Jr" and found["ada"]["first name"] == 'Ada "the"'
    assert found["cleo"]["last name"] == "'=HYPERLINK(1)"
    formulas = [
        "=1",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        " =1",
        "\r=1",
        "\n=1",
        "|cmd",
        "\ufeff=1",
        "\x00-1",
        "\uff1d1",
        "\uff201",
    ]
    assert [defused(text).replace("'", "", 1) for text in formulas[:4]] == formulas[:4]
    assert all(defused(text).startswith("'") for text in formulas)
    assert defused("a=1") == "a=1" and defused("Öz-Ak") == "Öz-Ak" and defused("") == ""


def test_a_semicolon_or_a_tab_in_a_name_begins_no_field_anywhere():
    name = 'a;=cmd();"=cmd()"\t=cmd()\n=cmd();\ufeff=cmd()'
    rows = [Standing(Student(name, last_name=name, first_name=name), None, True)]
    for write, separator in itertools.product(FORMATS.values(), ";\t,"):
        fields = [f for row in csv.reader(io.StringIO(write(rows, "A1")), delimiter=separator) for f in row]
        assert any("=cmd" in field for field in fields)
        assert not any(field.lstrip('" \ufeff').startswith("=") for field in fields)


def test_canvas_finds_its_columns_students_and_points(course):
    table = list(csv.reader(io.StringIO(canvas(standings(course, ASSIGNMENT), "Assignment 1 (4711)"), newline="")))
    assert table[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Assignment 1 (4711)"]
    assert "Points Possible" in table[1][0] and table[1][5] == "14"
    by_login = {row[3]: row for row in table[2:]}
    assert by_login["ada"] == ["King, Jr, Ada \"the\"", "11", "", "ada", "", "13.26"]  # fmt: skip
    assert [by_login[name][5] for name in ("ben", "cleo", "dan")] == ["9.5", "", ""]
    assert by_login["ben"][0] == "ben"


def test_moodle_rows_are_never_without_what_identifies_the_student(course):
    found = rows_of(moodle(standings(course, ASSIGNMENT), "Assignment: One"))
    assert list(found[0]) == ["First name", "Last name", "Username", "Assignment: One"]
    assert {row["Username"]: row["Assignment: One"] for row in found} == {
        **{"ada": "13.26", "ben": "9.5"},
        **dict.fromkeys(["cleo", "dan", "eve"], "-"),
    }
    with_emails = [row for row in standings(course, ASSIGNMENT) if row.student.email]
    assert {row["Email address"] for row in rows_of(moodle(with_emails, "x"))} == {"ada@x.org", "cleo@x.org"}


def test_numbers_have_at_most_two_decimals_and_no_exponent():
    assert [number(x) for x in (0, 7, 7.5, 2 / 3, 1234567.0, 10)] == ["0", "7", "7.5", "0.67", "1234567", "10"]


def test_the_command_writes_files_and_says_whose_score_is_not_final(course, tmp_path):
    path = tmp_path / "for canvas.csv"
    result = grades(course, "--format", "canvas", "--title", "A1 (7)", "--output", path)
    assert result.exit_code == 0 and "5 students" in result.output
    text = path.read_bytes().decode("utf-8")
    assert text == canvas(standings(course, ASSIGNMENT), "A1 (7)") and path.stat().st_mode & 0o077 == 0
    assert "1 of 5 have answers that are to be graded by hand" in result.stderr and "ben" in result.stderr
    assert "2 of 5 handed in and are not graded" in result.stderr and "dan, eve" in result.stderr
    told = grades(course, "--format", "moodle")
    assert "Map from Username" in " ".join(told.stderr.split())
    assert told.stdout.replace("\r\n", "\n") == moodle(standings(course, ASSIGNMENT), ASSIGNMENT).replace("\r\n", "\n")
    assert grades(course, "--output", path).exit_code == 2
    assert grades(course, "--format", "xlsx").exit_code == 2
    nowhere = grades(course, "--format", "csv", "--output", tmp_path / "no" / "x.csv")
    assert nowhere.exit_code == 2 and "cannot be written" in nowhere.output


def test_what_was_there_survives_a_failure(tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    path.write_bytes(b"old")
    path.chmod(0o640)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CourseError, match=r"No space left.*untouched"):
            write_file(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["grades.csv"]
    write_file(path, b"new")
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o640


def test_the_table_tells_what_a_score_alone_does_not(course):
    intruder = course.path("submitted", ASSIGNMENT, "\x1b[31mred[b]")
    intruder.mkdir(parents=True)
    result = grades(course)
    intruder.rmdir()
    intruder.parent.rmdir()
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert "by hand" in lines["ben"] and "9.5/14  1 d 3 h late, 1.5 off" in lines["ben"]
    assert "no submission" in lines["cleo"] and "not graded" in lines["dan"] and "/14" not in lines["dan"]
    assert "13.26/14" in lines["ada"] and "\x1b" not in result.output and "?[31mred[b]" in result.output


def test_a_table_that_is_too_wide_shows_notebooks(course, monkeypatch):
    monkeypatch.setattr(grade_table, "console", Console(force_terminal=True, width=70))
    table = grade_table.grade_table(ASSIGNMENT, standings(course, ASSIGNMENT))
    assert "1 knn\n2 softmax" in table.caption
    assert "to be graded by hand; 1 d 3 h late, 1.5 off" in list(table.columns[-1].cells)
