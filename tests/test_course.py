"""The instructor's day: from solutions/ to grades and feedback, with our command and with nbgrader's own."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader import sandbox
from grader.check import load_checks
from grader.course import Course, CourseError
from grader.demo import ASSIGNMENT, NOTEBOOK, answers, fill_in, hand_in, make_course
from grader.judge import course_secret, secret_generator

ROOT = Path(__file__).parents[1]
COMMANDS = Path(sys.executable).parent


def cs231n(*arguments):
    return CliRunner().invoke(build_app(), [str(a) for a in arguments])


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The course that `cs231n demo` leaves, and what it printed."""
    folder = tmp_path_factory.mktemp("a course with spaces")
    result = cs231n("demo", folder, "--course", ROOT)
    assert result.exit_code == 0, result.output
    return Course(folder), result.output


@pytest.fixture
def course(tmp_path):
    """A fresh course with assignment1 released, and its perfect answers."""
    course = make_course(Course(ROOT), tmp_path)
    released = nbformat.read(course.release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    right = answers(nbformat.read(course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4))
    return course, released, right


def test_demo_grades_what_was_planted(demo):
    course, printed = demo
    grades = {g.student: g for g in course.grades(ASSIGNMENT)}
    by_function = {name: {c[0]: c[1] for c in g.cells} for name, g in grades.items()}
    full = {check.function: check.points for check in load_checks(NOTEBOOK).checks}
    assert {k: v for k, v in by_function["ada-perfect"].items() if k in full} == full
    assert 0 < grades["ben-two-mistakes"].score < grades["ada-perfect"].score
    lost = [f for f in full if by_function["ben-two-mistakes"][f] < full[f]]
    assert lost == ["compute_distances_two_loops", "predict_labels"]
    assert grades["dan-cheating"].score == 0
    assert by_function["cleo-half-empty"]["cross_validate"] == 0 < by_function["cleo-half-empty"][next(iter(full))]
    assert by_function["eve-crashing"] == by_function["ada-perfect"] | {"compute_distances_two_loops": 0}
    for name in grades:
        assert f"{grades[name].score:g}/23" in printed
        assert str(course.path("feedback", ASSIGNMENT, name) / f"{NOTEBOOK}.html") in printed.replace("\n", "")


def test_feedback_names_the_mistake_and_reveals_no_case(demo):
    course = demo[0]
    page = (course.path("feedback", ASSIGNMENT, "ben-two-mistakes") / f"{NOTEBOOK}.html").read_text()
    checks = load_checks(NOTEBOOK)
    assert checks.checks[0].mistakes[0].hint in page
    assert "expected " not in page.split("<body>")[1].split("compute_distances_two_loops: ")[-1].split("</table>")[0]
    assert "http://" not in page.replace("http://www.w3.org", "") or "src=" not in page
    assert "<math" in page and "<script" not in page


def test_nbgraders_own_commands_give_the_same_scores(demo):
    course = demo[0]
    ours = {g.student: g.cells for g in course.grades(ASSIGNMENT)}
    for student in ("ada-perfect", "ben-two-mistakes"):
        command = [COMMANDS / "nbgrader", "autograde", ASSIGNMENT, "--force", f"--student={student}"]
        subprocess.run(command, cwd=course.root, check=True, capture_output=True)
    assert {g.student: g.cells for g in course.grades(ASSIGNMENT)} == ours
    for arguments in (["generate_feedback", ASSIGNMENT, "--force"], ["export", "--to", "grades.csv"]):
        subprocess.run([COMMANDS / "nbgrader", *arguments], cwd=course.root, check=True, capture_output=True)
    rows = list(csv.DictReader((course.root / "grades.csv").open()))
    assert {r["student_id"]: float(r["score"]) for r in rows}["ada-perfect"] == 20


def test_damaged_notebooks_are_graded_or_reported_and_stop_nobody(course):
    course, released, right = course
    perfect = fill_in(released, right)
    shuffled = nbformat.from_dict(perfect)
    shuffled.cells = [c for c in perfect.cells if c.metadata.get("nbgrader", {}).get("grade_id") != "predict_labels"]
    shuffled.cells += [nbformat.from_dict(c) for c in perfect.cells[-12:]]
    hand_in(course, "duplicated", shuffled)
    hand_in(course, "zoe", perfect)
    for student, raw in {
        "cut-off": json.dumps(perfect)[:500].encode(),
        "latin": "naïve".encode("latin-1"),
        "list": b"[]",
        "empty": b"",
        "other-format": b'{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}',
    }.items():
        hand_in(course, student, perfect).write_bytes(raw)
    course.path("submitted", ASSIGNMENT, "nothing").mkdir(parents=True)
    result = cs231n("autograde", ASSIGNMENT, "--course", course.root)
    assert result.exit_code == 1
    lines = {line.split()[1].rstrip(":"): line for line in result.output.splitlines() if line[:1] in "✓✗"}
    assert {name for name, line in lines.items() if line.startswith("✓")} == {"duplicated", "zoe"}
    assert "not valid JSON" in lines["cut-off"] and "UTF-8" in lines["latin"]
    assert all(
        "not graded: " in lines[name] and "Traceback" not in lines[name] for name in ("list", "empty", "nothing")
    )
    grades = {g.student: g for g in course.grades(ASSIGNMENT)}
    assert grades["duplicated"].score == grades["zoe"].score == 20
    (page,) = course.feedback(ASSIGNMENT, "duplicated")
    assert "Mended before grading" in page.read_text()


@pytest.mark.parametrize("where", ["notebook", "folder", "file beside it"])
def test_a_link_to_the_solution_is_not_graded(course, where):
    course, released, right = course
    path = hand_in(course, "linker", fill_in(released, right))
    solution = course.path("source", ASSIGNMENT)
    if where == "folder":
        shutil.rmtree(path.parent)
        path.parent.symlink_to(solution)
    elif where == "notebook":
        path.unlink()
        path.symlink_to(solution / path.name)
    else:
        (path.parent / "notes.txt").symlink_to(solution / path.name)
    (graded,) = course.autograde(ASSIGNMENT, ["linker"])
    assert "symbolic link" in graded.problem
    assert not course.path("autograded", ASSIGNMENT, "linker").exists()
    assert all(grade.score == 0 for grade in course.grades(ASSIGNMENT))


def test_nbgraders_own_command_refuses_without_a_sandbox_too(course, monkeypatch):
    course, released, right = course
    hand_in(course, "ada", fill_in(released, right))
    monkeypatch.setattr("grader.kernel.probe", lambda: "bubblewrap is gone.")
    (graded,) = course.autograde(ASSIGNMENT, ["ada"])
    assert "bubblewrap is gone." in graded.problem and "allow_unsandboxed" in graded.problem
    course.allow_unsandboxed()
    (graded,) = course.autograde(ASSIGNMENT, ["ada"])
    assert not graded.problem and course.grades(ASSIGNMENT)[0].score == 20


def test_correct_answers_in_other_styles_get_everything(course):
    course, released, right = course
    noisy = {
        name: source.replace("    return", "    import sys, warnings; print('hm', file=sys.stderr)\n    return")
        for name, source in right.items()
        if name.startswith(("compute", "predict"))
    }
    notebook = fill_in(released, {**right, **noisy})
    notebook.cells.insert(
        1, nbformat.v4.new_code_cell("import warnings\nwarnings.warn('on stderr')\n%matplotlib inline")
    )
    hand_in(course, "noisy", notebook)
    assert [g.problem for g in course.autograde(ASSIGNMENT, ["noisy"])] == [""]
    assert course.grades(ASSIGNMENT)[0].score == 20


def test_without_a_sandbox_grading_refuses_and_says_how_to_allow_it(demo, monkeypatch):
    monkeypatch.setattr(sandbox, "probe", lambda: "user namespaces are switched off on this machine.")
    result = cs231n("autograde", ASSIGNMENT, "--regrade", "--course", demo[0].root)
    assert result.exit_code == 2
    told = " ".join(result.output.split())
    assert "user namespaces are switched off" in told and "--allow-unsandboxed" in told


def test_what_is_graded_is_kept_unless_asked_otherwise(demo):
    course = demo[0]
    kept = list(course.autograde(ASSIGNMENT, ["cleo-half-empty"]))
    assert [g.kept for g in kept] == [True]


def test_hidden_cases_differ_by_student_and_repeat_for_the_same():
    check = load_checks(NOTEBOOK).checks[0]
    draws = {
        student: secret_generator(b"x" * 32, student, ASSIGNMENT)(check.properties[0]).normal(size=3).tolist()
        for student in ("ada", "ben")
    }
    assert draws["ada"] != draws["ben"]
    again = secret_generator(b"x" * 32, "ada", ASSIGNMENT)(check.properties[0]).normal(size=3).tolist()
    assert again == draws["ada"]


def test_the_secret_is_private_and_damage_is_told(tmp_path):
    secret = course_secret(tmp_path)
    assert course_secret(tmp_path) == secret and len(secret) == 32
    path = tmp_path / ".course-secret"
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("ab")
    with pytest.raises(ValueError, match="restore it from a backup"):
        course_secret(tmp_path)


def test_release_refuses_points_that_disagree_with_the_checks(course):
    course = course[0]
    path = course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cell = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "predict_labels")
    cell.metadata.nbgrader.points = 77
    nbformat.write(notebook, path)
    with pytest.raises(CourseError, match="predict_labels.*not worth"):
        course.release(ASSIGNMENT)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("release", "assignment9"), "There is no solutions/assignment9"),
        (("autograde", "assignment9"), "No submissions"),
        (("feedback", "assignment9"), "Nothing of assignment9 is graded"),
        (("grades", "assignment9"), "cs231n release assignment9"),
    ],
)
def test_wrong_names_are_answered_with_the_next_step(demo, arguments, words):
    result = cs231n(*arguments, "--course", demo[0].root)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_outside_a_course_the_command_says_so(tmp_path):
    shutil.rmtree(tmp_path / "x", ignore_errors=True)
    result = cs231n("grades", ASSIGNMENT, "--course", tmp_path)
    assert result.exit_code == 2 and "nbgrader_config.py" in result.output
