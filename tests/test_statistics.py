"""What a class lost and why, from gradebooks and from verdicts as the judge writes them."""

import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter

import nbformat
import numpy as np
import pytest
from graded_class import ASSIGNMENT, grade, make_class
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.utils import compute_checksum
from PIL import Image
from typer.testing import CliRunner

from cs231n_kit.checking.rendering import text
from cs231n_kit.checking.verdicts import FAILED, NOT_IMPLEMENTED, PASSED, Report, Verdict
from cs231n_kit.command_line import build_app
from grader.check import load_checks
from grader.course import Course, CourseError
from grader.statistics import (
    BY_HAND,
    KNOWN,
    NOT_WRITTEN,
    OTHER,
    CheckStatistics,
    ClassStatistics,
    class_statistics,
    histogram,
    page,
)
from grader.statistics_plot import draw, saved

MISTAKES = load_checks("knn")["predict_labels"].mistakes
EVIL = "raises E in line 1: <script>alert(1)</script> [red]$x$ \x1b[31m"


def report(*statuses, name="predict_labels", hint="", message=""):
    return Report(name, tuple(Verdict(f"property {i}", 2, s, message, hint=hint) for i, s in enumerate(statuses)))


def write_graded(course, student, notebook, reports, questions=(), answer="hint: of my own"):
    """A graded notebook as the judge leaves it; written questions were released with the answer "?"."""
    cells = []
    for verdict in reports:
        cell = new_code_cell(metadata={"nbgrader": {"grade": True, "solution": False, "grade_id": verdict.function}})
        cell.outputs = [new_output("display_data", data={"text/plain": text(verdict, details=False)})]
        cells.append(cell)
    for name in questions:
        metadata = {"nbgrader": {"grade": True, "solution": True, "grade_id": name}}
        released = nbformat.from_dict(
            new_markdown_cell("?", metadata={"nbgrader": metadata["nbgrader"] | {"points": 3}})
        )
        metadata["nbgrader"] |= {"points": 3, "checksum": compute_checksum(released)}
        cells.append(new_markdown_cell(answer, metadata=metadata))
    path = course.path("autograded", ASSIGNMENT, student) / f"{notebook}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """ada: all right; ben and cleo: a known mistake; dan: raises; eve: wrote nothing, no second notebook."""
    course = make_class(tmp_path_factory.mktemp("course"))
    rest = {"cross_validate": 2, "softmax_loss": 5}
    grade(course, "ada", {"predict_labels": 4, "gap_question": 3, **rest})
    grade(course, "ben", {"predict_labels": 2, "gap_question": None, **rest})
    grade(course, "cleo", {"predict_labels": 0, "gap_question": 1, **rest})
    grade(course, "dan", {"predict_labels": 2, "gap_question": 3, **rest})
    grade(course, "eve", {"predict_labels": 0, "cross_validate": 0, "gap_question": 0, "softmax_loss": 0})
    hint = MISTAKES[0].hint
    first = {
        "ada": report(PASSED, PASSED),
        "ben": report(FAILED, PASSED, hint=hint, message="wrong"),
        "cleo": report(FAILED, FAILED, hint=hint, message="wrong"),
        "dan": report(FAILED, PASSED, message=EVIL),
        "eve": report(NOT_IMPLEMENTED, NOT_IMPLEMENTED),
    }
    for student, verdict in first.items():
        other = report(PASSED if student != "eve" else NOT_IMPLEMENTED, name="cross_validate")
        answer = "hint: of my own" if student != "eve" else "?"
        write_graded(course, student, "knn", [verdict, other], ["gap_question"], answer)
        if student != "eve":
            write_graded(course, student, "softmax", [report(PASSED, name="softmax_loss")])
    return course


def test_losses_are_counted_by_check_and_cause(course):
    found = class_statistics(course, ASSIGNMENT)
    checks = {check.name: check for check in found.checks}
    assert found.checks[0].name == "predict_labels"
    assert checks["predict_labels"].lost == {KNOWN: 2 + 4, OTHER: 2, NOT_WRITTEN: 4}
    assert checks["predict_labels"].students == {KNOWN: 2, OTHER: 1, NOT_WRITTEN: 1}
    assert checks["predict_labels"].lost_by_each == 12 / 5 and checks["predict_labels"].notebook == "knn"
    assert checks["gap_question"].lost == {BY_HAND: 2, NOT_WRITTEN: 3} and checks["gap_question"].graded == 4
    assert checks["softmax_loss"].lost == {NOT_WRITTEN: 5} and checks["softmax_loss"].notebook == "softmax"
    assert found.mistakes == ((("predict_labels", MISTAKES[0].name), 2),)
    assert sorted(found.scores) == [0, 8, 9, 12, 14] and found.points == 14
    assert histogram(found) == [1, 0, 0, 0, 0, 1, 1, 0, 1, 1]


def test_who_watches_sees_every_student_and_grades_are_read_once(course, monkeypatch):
    seen, read = [], []
    monkeypatch.setattr(Course, "grades", lambda self, name, real=Course.grades: read.append(name) or real(self, name))
    found = class_statistics(course, ASSIGNMENT, lambda students: (seen.append(name) or name for name in students))
    assert seen == ["ada", "ben", "cleo", "dan", "eve"] and found.waiting == 1
    assert CliRunner().invoke(build_app(), ["statistics", ASSIGNMENT, "--course", str(course.root)]).exit_code == 0
    assert len(read) == 2, "once for each"


def test_damage_and_invention_in_graded_notebooks_stop_nothing(course):
    path = course.path("autograded", ASSIGNMENT, "dan") / "knn.ipynb"
    whole = path.read_bytes()
    try:
        for raw in (
            b"{",
            b"[]",
            b"\xff",
            b'{"cells": 3}',
            b'{"cells": [[]]}',
            b"[" * 100_000,
            whole[: len(whole) // 2],
        ):
            path.write_bytes(raw)
            found = class_statistics(course, ASSIGNMENT)
            assert found.unreadable == 1 and found.mistakes[0][1] == 2
            assert found.checks[0].lost[OTHER] == 2
        notebook = json.loads(whole)
        invented = "predict_labels: 0 of 2\n      hint: <b>bold</b> " + "x " * 5000 + "\x1b[2J"
        notebook["cells"][0]["outputs"][0]["data"]["text/plain"] = invented
        path.write_text(json.dumps(notebook))
        found = class_statistics(course, ASSIGNMENT)
        name = found.mistakes[-1][0][1]
        assert len(name) <= 110 and "\x1b" not in name
        shown = page(found, b"")
        assert "&lt;b&gt;bold" in shown and "<b>" not in shown
        path.parent.rename(path.parent.with_name("gone"))
        found = class_statistics(course, ASSIGNMENT)
        assert found.unreadable == 2 and found.checks[0].lost[OTHER] == 2
        path.parent.with_name("gone").rename(path.parent)
    finally:
        path.write_bytes(whole)


def test_pictures_show_every_check_and_escape_what_they_quote(course):
    found = class_statistics(course, ASSIGNMENT)
    image = np.asarray(Image.open(io.BytesIO(saved(draw(found), "png"))).convert("RGB"))
    assert image.shape[1] > 1000 and (image != 255).any(axis=2).mean() > 0.02
    drawing = draw(found)
    drawn = {label.get_text() for ax in drawing.axes for label in ax.get_yticklabels()}
    assert {"predict_labels (4)", "gap_question (3)", "cross_validate (2)", "softmax_loss (5)"} <= drawn
    lost = {bar.get_width() for bar in drawing.axes[0].patches}
    assert lost >= {6 / 5, 2 / 5, 4 / 5, 2 / 4, 3 / 4}
    assert max(bar.get_x() + bar.get_width() for bar in drawing.axes[0].patches) == pytest.approx(12 / 5)
    assert b"<svg" in saved(draw(found), "svg")


@pytest.mark.parametrize("scores", [[0.0], [14.0, 14.0], [-0.0, 20.0], list(np.linspace(0, 14, 500))])
def test_pictures_of_the_smallest_and_of_large_classes(scores):
    checks = tuple(
        CheckStatistics("knn", f"function_{i}", 2, 10, Counter({OTHER: i}), Counter({OTHER: i})) for i in range(60)
    )
    mistakes = tuple((("f", f"mistake $\\nowhere$ {i}_"), 30 - i) for i in range(30))
    some = ClassStatistics(ASSIGNMENT, checks, mistakes, tuple(scores), 14)
    none = ClassStatistics(ASSIGNMENT, checks[:1], (), tuple(scores), 14)
    for found in (some, none):
        figure = draw(found)
        assert saved(figure, "png")
        bars = [bar.get_height() for bar in figure.axes[2].patches]
        assert sum(bars) == len(scores)
    assert "40 of 60" in draw(some).axes[0].get_title()


def test_the_command_tells_and_writes(course, tmp_path):
    def run(*options):
        command = ["statistics", ASSIGNMENT, "--course", str(course.root), *map(str, options)]
        return CliRunner().invoke(build_app(), command)

    path = tmp_path / "a page.html"
    result = run("--output", path)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["predict_labels", "2.40", "4", "1", "2", "1"] in lines
    assert any(line[:2] == ["2", "predict_labels"] and MISTAKES[0].name in " ".join(line) for line in lines)
    assert "5 students; scores from 0 to 14 of 14 points, median 9, mean 8.6" in result.output
    assert "1 have answers that are to be graded by hand" in result.stderr
    html = path.read_text()
    assert MISTAKES[0].name in html and "<script" not in html and "data:image/png;base64," in html
    assert not re.search(r"\b(ada|ben|cleo|dan|eve)\b", re.sub('base64,[^"]*', "", html))
    for suffix in ("png", "svg", "pdf"):
        assert run("--output", tmp_path / f"x.{suffix}").exit_code == 0
        assert (tmp_path / f"x.{suffix}").stat().st_size > 5000
    ElementTree.parse(tmp_path / "x.svg")
    assert run("--output", tmp_path / "x.exe").exit_code == 2


def test_without_grades_the_next_command_is_named(tmp_path):
    with pytest.raises(CourseError, match="Next: cs231n autograde assignment1"):
        class_statistics(make_class(tmp_path), ASSIGNMENT)
