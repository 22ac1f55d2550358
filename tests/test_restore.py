"""Graded cells that students deleted, duplicated or damaged."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.restore import restore


def graded(kind, grade_id, source, **flags):
    metadata = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    return kind(source, metadata={"nbgrader": {**metadata, "grade_id": grade_id, **flags}})


@pytest.fixture
def released():
    return [
        graded(new_code_cell, "f_answer", "def f(x):\n    raise NotImplementedError()", solution=True),
        graded(new_code_cell, "f", 'check("f", f)', grade=True, locked=True, points=2),
        graded(new_markdown_cell, "why", "YOUR ANSWER HERE", grade=True, solution=True, points=1),
    ]


def submission(released, **sources):
    cells = [nbformat.from_dict(cell) for cell in released]
    for cell in cells:
        cell.source = sources.get(cell.metadata.nbgrader.grade_id, cell.source)
    return cells


def assert_restored(cells, released):
    """Each graded cell is there once, with the released metadata, and the notebook is valid."""
    found = [cell for cell in cells if "nbgrader" in cell.metadata]
    assert [c.metadata.nbgrader for c in found] == [c.metadata.nbgrader for c in released]
    assert [c.cell_type for c in found] == [c.cell_type for c in released]
    nbformat.validate(new_notebook(cells=cells))
    return {c.metadata.nbgrader.grade_id: c.source for c in found}


ANSWER = "def f(x):\n    return 2 * x"


def test_an_untouched_submission_stays_as_it_is(released):
    cells, remarks = restore(submission(released, f_answer=ANSWER, why="Because."), released)
    assert assert_restored(cells, released) == {"f_answer": ANSWER, "f": 'check("f", f)', "why": "Because."}
    assert remarks == []


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_deleted_cells_come_back_in_place(released, gone):
    cells = submission(released, f_answer=ANSWER, why="Because.")
    del cells[gone]
    cells, remarks = restore(cells, released)
    assert assert_restored(cells, released)[released[gone].metadata.nbgrader.grade_id] == released[gone].source
    assert len(remarks) == 1 and "missing" in remarks[0]


def test_everything_deleted_comes_back_in_order(released):
    cells, remarks = restore([], released)
    assert_restored(cells, released)
    assert len(remarks) == 3


def test_of_duplicates_the_last_answer_counts(released):
    cells = submission(released, f_answer=ANSWER)
    cells += submission(released)  # the whole notebook pasted once more, unanswered
    cells, remarks = restore(cells, released)
    assert assert_restored(cells, released)["f_answer"] == ANSWER
    assert any("2 times" in remark for remark in remarks)


def test_an_answer_whose_metadata_was_lost_is_found_by_what_it_defines(released):
    cells = [*submission(released)[1:], new_code_cell(ANSWER)]
    cells, remarks = restore(cells, released)
    found = {c.metadata.nbgrader.grade_id: c.source for c in cells if "nbgrader" in c.metadata}
    assert found["f_answer"] == ANSWER
    assert any("had lost its mark" in remark for remark in remarks)


def test_locked_text_points_and_types_are_put_back(released):
    cells = submission(released, f_answer=ANSWER, f="pass  # nothing to check")
    cells[1].metadata.nbgrader.points = 100
    cells[0].metadata.nbgrader.update(grade=True, points=50)
    cells[2] = new_code_cell("because", metadata=cells[2].metadata)
    cells, remarks = restore(cells, released)
    assert assert_restored(cells, released) == {"f_answer": ANSWER, "f": 'check("f", f)', "why": "because"}
    assert len(remarks) == 2


@pytest.mark.parametrize("junk", [None, 7, [], {}, {"grade_id": 7}, {"grade_id": "other", "grade": True, "points": 9}])
def test_junk_metadata_is_dropped(released, junk):
    cells = [*submission(released), new_code_cell("x = 1", metadata={"nbgrader": junk})]
    cells, _ = restore(cells, released)
    assert_restored(cells, released)
    assert cells[-1].source == "x = 1"


def test_an_answer_cannot_be_marked_as_not_to_be_run(released):
    cells = submission(released, f_answer=ANSWER)
    cells[0].metadata.tags = ["skip-grading"]
    cells, _ = restore(cells, released)
    assert "skip-grading" not in cells[0].metadata.tags


def test_an_answer_that_was_merged_into_another_cell_counts_there(released):
    second = graded(new_code_cell, "g_answer", "def g(x):\n    raise NotImplementedError()", solution=True)
    released = [released[0], second, *released[1:]]
    merged = f"{ANSWER}\n\n\ndef g(x):\n    return 3 * x"
    for mark in (True, False):
        cells = submission(released, f_answer=merged)
        del cells[1]
        if not mark:
            del cells[0].metadata["nbgrader"]
        cells, remarks = restore(cells, released)
        sources = assert_restored(cells, released)
        assert (sources["f_answer"], sources["g_answer"]) == (merged, "")
        assert any("g_answer stands in another cell" in remark for remark in remarks)


def test_an_answer_in_a_cell_whose_text_is_put_back_does_not_count(released):
    cells = submission(released, f=ANSWER)[1:]
    cells, remarks = restore(cells, released)
    assert assert_restored(cells, released)["f_answer"] == released[0].source
    assert any("f_answer was missing" in remark for remark in remarks)
