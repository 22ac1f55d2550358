"""What every solution notebook keeps: stored clean, a cell and the points of each check, examples that are true."""

import doctest
from functools import cache
from pathlib import Path

import nbformat
import pytest

from grader.check import load_checks
from grader.reference import Reference

ROOT = Path(__file__).parents[1]
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))
WITHOUT_EXAMPLES = {"train", "choose_best", "TwoLayerNet", "FullyConnectedNet", "learn_by_heart"}
GIVEN = {"learn_by_heart"}  # functions of the text, whose result depends on the student's

every_solution = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)


@cache
def read(path):
    return nbformat.read(path, as_version=4)


def graded(path, kind):
    cells = [cell for cell in read(path).cells if cell.metadata.get("nbgrader", {}).get(kind)]
    return {cell.metadata.nbgrader.grade_id: cell for cell in cells}


def checks_of(path):
    return load_checks(path.stem)


@every_solution
def test_stored_without_outputs(path):
    nbformat.validate(read(path))
    assert (read(path).nbformat, read(path).nbformat_minor) == (4, 5)
    for cell in read(path).cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


@every_solution
def test_every_function_has_an_answer_cell_and_a_locked_check_with_its_points(path):
    checks, answers, cells = checks_of(path), graded(path, "solution"), graded(path, "grade")
    for check in checks.checks:
        if check.function not in GIVEN:
            answer = answers[f"{check.function}_answer"].source
            assert answer.startswith((f"def {check.function}(", f"class {check.function}:"))
            assert answer.count("### BEGIN SOLUTION") == answer.count("### END SOLUTION") > 0
        assert cells[check.function].source == f'check("{check.function}", {check.function})'
    for check in checks.trained:
        assert cells[check.function].source == f'check("{check.function}", {check.classifier})'
    for check in (*checks.checks, *checks.trained):
        assert cells[check.function].metadata.nbgrader.points == check.points
        assert cells[check.function].metadata.nbgrader.locked
        assert not cells[check.function].metadata.nbgrader.solution
    written = sum(cell.metadata.nbgrader.points for cell in cells.values() if cell.cell_type == "markdown")
    total = sum(cell.metadata.nbgrader.points for cell in cells.values())
    first = read(path).cells[0].source
    assert f"**{total} points**" in first and f"{written} for" in first


@every_solution
def test_the_text_gives_the_scale_of_the_trained_result(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    rows = {line.split("|")[1].strip(): line.replace("*", "") for line in text.splitlines() if line.startswith("| ")}
    for trained in checks_of(path).trained:
        for label, data_set in (("CIFAR-10", "cifar10"), ("digits", "digits")):
            numbers = [float(cell.strip(" %")) for cell in rows[label].split("|")[2:-1]]
            assert numbers == pytest.approx([100 * accuracy for accuracy in trained.data[data_set].accuracies])


@every_solution
def test_examples_in_the_docstrings_are_true(path):
    reference = Reference.from_notebook(path)
    for name in (check.function for check in checks_of(path).checks):
        function = reference.function(name)
        for example in doctest.DocTestFinder(recurse=False).find(function, name, globs=dict(reference.namespace)):
            assert example.examples or name in WITHOUT_EXAMPLES
            assert doctest.DocTestRunner().run(example).failed == 0
