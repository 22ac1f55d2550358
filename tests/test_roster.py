"""Rosters as Canvas, Moodle and spreadsheets export them, and what becomes of them in the gradebook."""

import sqlite3

import pytest
from graded_class import make_class
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader.course import CourseError
from grader.roster import Student, read_roster, students

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Assignment 1 (4711),Final Score
,,,,,Manual Posting,
    Points Possible,,,,,14,(read only)
"Lovelace, Ada",101,S-7,ada,Lecture 1,12,
"van der Berg, Jan Willem",102,S-8,jan,Lecture 1 and Lecture 2,,
"Student, Test",999,,a1b2c3,Lecture 1,,
"""
MOODLE = """\
"First name","Last name","ID number","Email address",Groups
Ada,Lovelace,4711,ada@x.org,
Łukasz,Müller,4712,lukasz@x.org,"G1, G2"
"""
PLAIN = """\
id,first_name,last_name,email
ada,Ada,Lovelace,ada@x.org
jan,Jan Willem,van der Berg,
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_class(tmp_path_factory.mktemp("course"))


@pytest.fixture
def course(template):
    """A course with nobody in it."""
    yield template
    with template.gradebook() as gradebook:
        for student in list(gradebook.students):
            gradebook.remove_student(student.id)


@pytest.fixture
def written(tmp_path):
    """Writes a roster file."""

    def write(content, encoding="utf-8"):
        path = tmp_path / "the roster.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def roster(course, path, *options):
    return CliRunner().invoke(build_app(), ["roster", str(path), "--course", str(course.root), *options])


ADA = Student("ada", "Ada", "Lovelace", "ada@x.org")
JAN = Student("jan", "Jan Willem", "van der Berg")


@pytest.mark.parametrize(
    "content, options, expected",
    [
        (PLAIN, "", [ADA, JAN]),
        (PLAIN.replace(",", ";"), "", [ADA, JAN]),
        (PLAIN.replace(",", "\t").replace("\n", "\r\n"), "", [ADA, JAN]),
        (
            CANVAS,
            "",
            [
                Student("ada", "Ada", "Lovelace", "", "101"),
                Student("jan", "Jan Willem", "van der Berg", "", "102"),
            ],
        ),
        (
            CANVAS,
            "SIS User ID",
            [
                Student("S-7", "Ada", "Lovelace", "", "101"),
                Student("S-8", "Jan Willem", "van der Berg", "", "102"),
            ],
        ),
        (
            MOODLE,
            "",
            [
                Student("4711", "Ada", "Lovelace", "ada@x.org", "4711"),
                Student("4712", "Łukasz", "Müller", "lukasz@x.org", "4712"),
            ],
        ),
        ("LastName,FirstName,ID,SIS Login ID,Section\nLovelace,Ada,,ada,L\n", "", [Student("ada", "Ada", "Lovelace")]),
        ("Surname,First name,Username\nLovelace,Ada,ada\n", "", [Student("ada", "Ada", "Lovelace")]),
        ("Vorname,Kennung\nAda,ada\n", "kennung", [Student("ada")]),
        ('id,first_name\n\nada,"A\nda"\n,\nben,"B, ""x"""', "", [Student("ben", 'B, "x"')]),
    ],
)  # fmt: skip
def test_files_are_known_by_their_headers(written, content, options, expected):
    found = read_roster(written(content), options)
    assert list(found.students) == expected
    assert any("canvas's test student" in note.lower() for note in found.notes) == ("Test" in content)


@pytest.mark.parametrize("encoding, words", [("utf-8-sig", ""), ("latin-1", "not UTF-8"), ("utf-16", "UTF-16")])
def test_names_survive_other_encodings_and_it_is_said(written, encoding, words):
    found = read_roster(written("id,last_name\nada,Müller\n", encoding))
    assert found.students == (Student("ada", "", "Müller"),)
    assert words in found.notes[0] and len(found.notes) == 1 + bool(words)


def test_two_spellings_of_a_letter_are_one(written):
    assert read_roster(written("id,last_name\nada,Mu\u0308ller\n")).students[0].last_name == "Müller"


@pytest.mark.parametrize(
    "row, words",
    [
        ("ADA,x", "line 3: the id 'ADA' is in line 2 already"),
        (",Ben", "line 3: no id for Ben"),
        ("../../etc,x", "cannot be the name of a folder"),
        ("a\\b,x", "cannot be the name of a folder"),
        ("CON,x", "cannot be the name of a folder"),
        (".hidden,x", "cannot be the name of a folder"),
        ("-rf,x", "cannot be the name of a folder"),
        ("=1+1,x", "cannot be the name of a folder"),
        ("be\x1b[31mn,x", "cannot be seen"),
        ("ben,evil\u202eeman", "cannot be seen"),
        ("b" * 200 + ",x", "longer than 128"),
        ("ben,x,y", "3 cells, but the header names 2"),
        ("ben,M\ufffdller", "damaged when the file was saved"),
    ],
)
def test_rows_that_are_wrong_are_named_by_their_line(written, row, words):
    found = read_roster(written(f"id,first_name\nada,Ada\n{row}\nzoe,Zoe\n"))
    assert [student.id for student in found.students] == ["ada", "zoe"]
    (problem,) = found.problems
    assert problem.startswith("line 3: ") and words in problem


@pytest.mark.parametrize(
    "content, words",
    [
        ("name,group\nAda,1\n", "no column that holds students' ids. It has: name, group"),
        ("", "has: nothing"),
        ("PK\x03\x04\0\0", "is no text"),
        ('id,first_name\nada,"Ada\n', "line 2"),
        (b"\xff\xfe\x00\xd8", "no column"),
    ],
)
def test_files_that_are_no_roster_are_refused(written, content, words):
    with pytest.raises(CourseError, match=words):
        read_roster(written(content))


def test_import_adds_changes_and_never_removes(course, written):
    with course.gradebook() as gradebook:
        gradebook.add_student("ada", first_name="Ada", email="ada@x.org", lms_user_id="101")
        gradebook.add_student("old", first_name="Old")
    first = roster(course, written(PLAIN.replace("ada@x.org", "")))
    assert first.exit_code == 0, first.output
    assert "1 added, 1 changed, 0 unchanged; 1 more in the gradebook" in " ".join(first.output.split())
    assert "ada" in first.output and "last_name: '' → 'Lovelace'" in first.output
    kept = Student("ada", "Ada", "Lovelace", "ada@x.org", "101")
    assert students(course) == {"ada": kept, "jan": JAN, "old": Student("old", "Old")}
    again = roster(course, written(PLAIN))
    assert "0 added, 0 changed, 2 unchanged" in " ".join(again.output.split())


def test_nothing_is_written_unless_all_is_right_or_partial_is_wanted(course, written):
    path = written(PLAIN + "ada,Twice,x,y@z\n,Nobody,x,\n")
    refused = roster(course, path)
    told = " ".join(refused.output.split())
    assert refused.exit_code == 2 and "line 4: the id 'ada' is in line 2 already" in told
    assert "line 5: no id for Nobody" in told and "--partial" in told and "Nothing was written" in told
    assert students(course) == {}
    part = roster(course, path, "--partial")
    assert part.exit_code == 1 and set(students(course)) == {"ada", "jan"}


def test_a_gradebook_that_refuses_keeps_what_it_had(course, written):
    with sqlite3.connect(course.root / "gradebook.db") as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON student WHEN new.id = 'jan' "
            "BEGIN SELECT RAISE(ABORT, 'it is full'); END"
        )
    try:
        result = roster(course, written(PLAIN))
        assert result.exit_code == 2 and "it is full" in result.output and "Traceback" not in result.output
        assert students(course) == {}
    finally:
        with sqlite3.connect(course.root / "gradebook.db") as database:
            database.execute("DROP TRIGGER full")


def test_without_a_file_the_roster_is_listed(course, written):
    empty = CliRunner().invoke(build_app(), ["roster", "--course", str(course.root)])
    assert empty.exit_code == 0 and "cs231n roster FILE.csv" in empty.output
    roster(course, written(CANVAS))
    listed = CliRunner().invoke(build_app(), ["roster", "--course", str(course.root)])
    assert "Jan Willem" in listed.output and "102" in listed.output and "2 students" in listed.output
    missing = roster(course, "no.csv")
    assert missing.exit_code == 2 and "no.csv cannot be read" in " ".join(missing.output.split())
