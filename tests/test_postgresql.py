"""The gradebook in PostgreSQL: the same results as in a file, and what is said when the server fails."""

import subprocess
import threading
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import nbformat
import psycopg
import pytest
import recorded_class
from graded_class import ASSIGNMENT, CELLS, grade, make_class
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader import api
from postgresql_server import PASSWORD, running
from recorded_class import STUDENTS
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader import demo, gradebook_errors, late, roster
from grader import gradebook as keeping
from grader.autograding import autograde
from grader.check import load_checks
from grader.course import Course, CourseError
from grader.gradebook import back_up, require_writable
from grader.recording import Recorder

ROOT = Path(__file__).parents[1]
ADA = {"predict_labels": 4, "cross_validate": 1.25, "gap_question": None, "softmax_loss": 0}
BEN = {"predict_labels": 0, "cross_validate": 2, "gap_question": 3}
PEOPLE = 'id,first_name,last_name,email\nada,Ada,"Łove, Jr",a@x.org\nben,=1+1,B,\nzoe,Zoe,Z,\n'


@pytest.fixture(scope="module")
def server():
    with running() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "get_alembic_version", cache(api.get_alembic_version))  # a process for each new gradebook
        yield server


@pytest.fixture(scope="module")
def emptied(server):
    return server.database("test")


@pytest.fixture
def database(server, emptied):
    """The URL of an empty database."""
    server.sql("ALTER DATABASE test RESET ALL")
    server.sql("DROP SCHEMA public CASCADE", "test")
    server.sql("CREATE SCHEMA public", "test")
    server.sql("GRANT USAGE ON SCHEMA public TO PUBLIC", "test")
    return emptied


def put(url):
    return f"\nc.CourseDirectory.db_url = {url!r}\n"


def cs231n(*arguments):
    return CliRunner().invoke(build_app(), [str(argument) for argument in arguments])


def told(result):
    return " ".join((result.output + result.stderr).split())


def write_source(course):
    """The instructor's notebooks, which say in which order the cells stand."""
    folder = course.path("source", ASSIGNMENT)
    folder.mkdir(parents=True)
    for name, cells in CELLS.items():
        marked = [new_code_cell(metadata={"nbgrader": {"grade_id": cell}}) for cell in cells]
        nbformat.write(new_notebook(cells=marked), folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def classes(server, tmp_path_factory):
    """The same class twice: in a file, and in PostgreSQL."""
    made = []
    for config in ("", put(server.database("class"))):
        folder = tmp_path_factory.mktemp("class")
        course = make_class(folder, config=config)
        (folder / "people.csv").write_text(PEOPLE)
        assert cs231n("roster", folder / "people.csv", "--course", folder).exit_code == 0
        grade(course, "ben", BEN, "2026-03-02 12:00:00 UTC")
        grade(course, "ada", ADA, "2026-03-04 12:00:00 UTC")
        late.set_due_date(course, ASSIGNMENT, datetime(2026, 3, 3, tzinfo=UTC))
        grade(course, "ada", {"softmax_loss": 5})  # a second time, which moves its rows in a server's table
        write_source(course)
        made.append(course)
    return made


@pytest.mark.parametrize(
    "look",
    [
        lambda course: course.grades(ASSIGNMENT),
        lambda course: course.graded_students(ASSIGNMENT),
        lambda course: roster.students(course),
        lambda course: late.due_date(course, ASSIGNMENT),
        lambda course: late.penalties(course, ASSIGNMENT),
        *(lambda course, form=form: told(cs231n("grades", ASSIGNMENT, "--course", course.root, "--format", form))
          for form in ("csv", "canvas", "moodle")),
        lambda course: told(cs231n("grades", ASSIGNMENT, "--course", course.root)),
        lambda course: told(cs231n("statistics", ASSIGNMENT, "--course", course.root)),
    ],
)  # fmt: skip
def test_the_same_class_gives_the_same_answers(classes, look):
    file, server = map(look, classes)
    assert file == server


def add(course, student):
    with course.gradebook() as gradebook:
        gradebook.add_student(student)


def plain(url):
    """As libpq's own programs take it."""
    return url.replace("+psycopg", "").replace(" ", "%20")


def test_a_backup_is_put_back_as_the_documentation_says(database, tmp_path, monkeypatch):
    course = make_class(tmp_path, config=put(database))
    add(course, "ada")
    commands, run = [], subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda words, **options: commands.append(words) or run(words, **options))
    backup = back_up(course.db_url, tmp_path)
    assert (backup.parent, backup.suffix) == (tmp_path / "backups", ".dump")
    assert backup.stat().st_mode & 0o777 == 0o600 and [backup] == list(backup.parent.iterdir())
    assert commands[0][0] == "pg_dump" and not any("50%" in word for word in commands[0]), "others see these words"
    with course.gradebook() as gradebook:
        gradebook.remove_student("ada")
    add(course, "ben")
    (command,) = (line.split() for line in keeping.__doc__.splitlines() if line.strip().startswith("pg_restore"))
    run([*command[:-2], f"--dbname={plain(database)}", str(backup)], check=True)
    assert set(roster.students(course)) == {"ada"}


def test_without_pg_dump_there_is_no_backup(database, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert back_up(database, tmp_path) is None and not (tmp_path / "backups").exists()


def test_a_backup_that_fails_leaves_nothing(server, tmp_path):
    with pytest.raises(CourseError, match='pg_dump cannot back up .*database "none" does not exist') as refused:
        back_up(server.url("none"), tmp_path)
    assert PASSWORD not in str(refused.value) and list((tmp_path / "backups").iterdir()) == []


def test_a_writable_gradebook_is_left_as_it_was(server, database):
    require_writable(database)
    assert server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "test") == [(0,)]


def read_only(server, database):
    server.sql("ALTER DATABASE test SET default_transaction_read_only = on")
    return database


def not_allowed(server, database):
    server.sql("CREATE ROLE stranger LOGIN PASSWORD 'x'")
    return server.url("test", "stranger", "x")


def another_one(server, database):
    server.sql("CREATE TABLE birds (name text)", "test")
    return database


def older(server, database):
    server.sql("CREATE TABLE student (id text)", "test")
    return database


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda server, database: server.url(password="wrong" + PASSWORD), "password authentication failed"),
        (lambda server, database: server.url("nowhere"), 'database "nowhere" does not exist. Does the server run'),
        (lambda server, database: server.url(folder="/nowhere"), "No such file or directory .*Does the server run"),
        (lambda server, database: database.replace("+psycopg", "+unheard"), r"driver .*pip install .*\[postgresql\]"),
        (
            lambda server, database: database.replace("://", ":/"),
            "URL of the gradebook is none: write it like p",
        ),
        (read_only, "cannot execute .* in a read-only transaction. .*server that takes changes"),
        (not_allowed, "permission denied for schema public.* database's owner"),
        (another_one, "holds no gradebook but the tables birds. Name another database"),
        (older, "older nbgrader: its table student lacks columns.*nbgrader db upgrade"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_graded(server, database, spoil, words):
    with pytest.raises(CourseError, match=f"(?s){words}") as refused:
        require_writable(spoil(server, database))
    assert "wrong" not in str(refused.value) and PASSWORD not in str(refused.value)
    assert "pass%20word" not in str(refused.value) and "pass+word" not in str(refused.value)


def test_a_locked_table_is_waited_for_and_then_named(database, tmp_path, monkeypatch):
    course = make_class(tmp_path, config=put(database))
    monkeypatch.setattr(keeping, "PATIENCE", 1)
    with psycopg.connect(plain(database)) as other:
        other.execute("LOCK TABLE student")
        with pytest.raises(CourseError, match="lock timeout.*Another program has kept it locked"):
            require_writable(database)
        monkeypatch.undo()
        monkeypatch.setattr(gradebook_errors, "SLOW", 0.2)
        waiting = threading.Event()

        def let_go(line):
            waiting.set()
            other.rollback()

        with gradebook_errors.explained(database, tell=let_go):
            require_writable(database)
        assert waiting.is_set()
    add(course, "ada")
    assert set(roster.students(course)) == {"ada"}


def test_a_server_that_fails_half_way_loses_nothing(server, database, tmp_path):
    course = make_class(tmp_path, config=put(database))
    add(course, "ada")
    try:
        lost = pytest.raises(CourseError, match="Does the server run.*Nothing that was stored is lost")
        with lost as told_so, course.gradebook() as gradebook:
            gradebook.add_student("ben")
            server.stop()
            gradebook.add_student("cleo")
        assert PASSWORD not in str(told_so.value)
        with pytest.raises(CourseError, match="Does the server run"):
            require_writable(course.db_url)
    finally:
        server.start()
    assert set(roster.students(course)) == {"ada", "ben"}
    add(course, "cleo")


def test_the_environment_names_the_gradebook(server, database, tmp_path, monkeypatch):
    monkeypatch.setenv("CS231N_GRADEBOOK", database)
    add(make_class(tmp_path), "ada")
    assert server.sql("SELECT id FROM student", "test") == [("ada",)]
    assert not (tmp_path / "gradebook.db").exists()
    throw_away = demo.make_course(Course(ROOT), tmp_path / "demo")
    assert throw_away.db_url.startswith(f"sqlite:///{tmp_path}/demo/gradebook.db")


@pytest.fixture(scope="module")
def graded(server, tmp_path_factory):
    """A class of five, examined once: with its gradebook in PostgreSQL by the command, and the same in a file."""
    folder = tmp_path_factory.mktemp("graded")
    course = recorded_class.make_class(Course(ROOT), folder, put(server.database("graded")))
    released, solution = (
        nbformat.read(course.path(step, ASSIGNMENT) / f"{demo.NOTEBOOK}.ipynb", as_version=4)
        for step in ("release", "source")
    )
    for student, notebook in zip(STUDENTS, list(demo.submissions(released, solution).values())[:3], strict=False):
        demo.hand_in(course, student, notebook)
    in_file = recorded_class.make_class(Course(ROOT), tmp_path_factory.mktemp("in_file"))
    examined = {}
    record = Recorder.record

    def remember(recorder, work, judged):
        examined[work.student] = judged
        return record(recorder, work, judged)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "record", remember)
        result = cs231n("autograde", ASSIGNMENT, "--workers", 1, "--course", folder)
    assert result.exit_code == 0, told(result)
    known = recorded_class.Known(lambda work: examined[work.student])
    assert not [one.problem for one in autograde(in_file, ASSIGNMENT, STUDENTS, examiners=known) if one.problem]
    return in_file, course


def test_a_whole_class_gets_the_same_grades_statistics_and_feedback(graded):
    assert not (graded[1].root / "gradebook.db").exists()
    (backup,) = (graded[1].root / "backups").iterdir()
    assert backup.suffix == ".dump"
    in_file, in_server = (course.grades(ASSIGNMENT) for course in graded)
    assert in_file == in_server and len(in_server) == 5
    full = sum(check.points for check in load_checks(demo.NOTEBOOK).checks)
    scores = [grade.score for grade in in_server]
    assert scores[0] == full > scores[1] > scores[2] > scores[3] == scores[4] == 0
    for command in ("grades", "statistics", "feedback"):
        results = [cs231n(command, ASSIGNMENT, "--course", course.root) for course in graded]
        assert [result.exit_code for result in results] == [0, 0]
        shown = [told(result).replace(str(course.root), "") for result, course in zip(results, graded, strict=True)]
        assert command == "feedback" or shown[0] == shown[1]
    for student in STUDENTS:
        pages = [course.path("feedback", ASSIGNMENT, student) / f"{demo.NOTEBOOK}.html" for course in graded]
        assert pages[0].read_text() == pages[1].read_text()


def test_a_run_whose_server_fails_half_way_is_completed_by_the_next(server, graded):
    course = graded[1]
    recorded_class.hand_in_again(course, 1)
    try:
        with pytest.raises(CourseError, match="Does the server run.*the same command goes on"):
            recorded_class.grade(course, lambda student: server.stop() if student == STUDENTS[2] else None)
    finally:
        server.start()
    scores = {grade.student: {c[0]: c[1] for c in grade.cells} for grade in course.grades(ASSIGNMENT)}
    second = [
        all(scores[student][name] == earned for name, (earned, _) in recorded_class.planted(student, 1).items())
        for student in STUDENTS
    ]
    assert second == [True, True, False, False, False]
    assert course.grades(ASSIGNMENT)[2:] == graded[0].grades(ASSIGNMENT)[2:]
    recorded_class.grade(course)
    recorded_class.assert_complete(course, 1)
