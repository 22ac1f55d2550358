"""Every solution notebook runs from a fresh kernel and solves its assignment; what students get is built from it.

The notebooks run on digits, which takes seconds. What they train there is then handed in, and graded the whole
nbgrader way.
"""

import re
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
from executed_notebook import assert_ran_clean, outputs, printed
from nbclient import NotebookClient
from test_notebooks import WITHOUT_CIFAR10

from cs231n_kit.checking.answer_key import load_key
from grader.check import load_checks
from grader.course import Course
from grader.demo import answers, fill_in, hand_in, make_course

ROOT = Path(__file__).parents[1]
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))
ASSIGNMENTS = sorted({path.parent.name for path in SOLUTIONS})
HEAD = re.compile(r'extern "C" __global__ void [^{]*\{')  # of a kernel, which the text asks for
REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)

every_solution = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
every_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS)


@cache
def read(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with all notebooks, released."""
    folder = tmp_path_factory.mktemp("course")
    for path in SOLUTIONS:
        place = make_course(Course(ROOT), folder, path.stem, path.parent.name)
    for assignment in ASSIGNMENTS:
        place.release(assignment)
    return place


@pytest.fixture(scope="module")
def solved(course):
    """solved(path of a solution) -> the notebook after a run from top to bottom beside its key, and that folder."""

    @cache
    def run(path):
        folder = course.root / "solved" / path.stem
        folder.mkdir(parents=True)
        key = course.path("release", path.parent.name) / f"{path.stem}_key.npz"
        (folder / key.name).write_bytes(key.read_bytes())
        notebook = nbformat.from_dict(read(path))
        notebook.cells.insert(0, nbformat.v4.new_code_cell(WITHOUT_CIFAR10))
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
        return notebook, folder

    return run


@every_solution
def test_runs_from_a_fresh_kernel_and_every_check_holds(path, solved):
    notebook, _ = solved(path)
    assert_ran_clean(notebook)
    assert "digits" in printed(notebook).lower(), "says which data it uses"
    assert any("image/png" in output.data for output in outputs(notebook, "display_data")), "looks at its results"
    checks = load_checks(path.stem)
    told = "\n".join(output.data["text/plain"] for output in outputs(notebook, "execute_result"))
    for check in (*checks.checks, *checks.trained):
        assert re.search(rf"^{check.function}: all \d+ properties hold", told, re.MULTILINE), check.function


@every_assignment
def test_solved_gets_full_marks_and_empty_gets_none(assignment, course, solved):
    full = {}
    for path in (path for path in SOLUTIONS if path.parent.name == assignment):
        released = nbformat.read(course.path("release", assignment) / path.name, as_version=4)
        hand_in(course, "empty", fill_in(released, {}), path.stem, assignment)
        place = hand_in(course, "solved", fill_in(released, answers(read(path))), path.stem, assignment)
        checks = load_checks(path.stem)
        for trained in checks.trained:
            (place.parent / trained.file).write_bytes((solved(path)[1] / trained.file).read_bytes())
        full |= {check.function: check.points for check in (*checks.checks, *checks.trained)}
    assert [graded.problem for graded in course.autograde(assignment, ["empty", "solved"])] == ["", ""]
    empty, perfect = course.grades(assignment)
    assert {name: score for name, score, _, by_hand in perfect.cells if not by_hand} == full
    assert empty.score == 0 and set(full) <= {name for name, *_ in empty.cells}


@every_solution
def test_what_students_get_is_what_release_builds(path, course):
    built, kept = course.path("release", path.parent.name), ROOT / "assignments" / path.parent.name
    stale = f"assignments/ is out of date: run cs231n release {path.parent.name}"
    assert read(built / path.name) == read(kept / path.name), stale
    fresh, stored = (load_key(folder / f"{path.stem}_key.npz") for folder in (built, kept))
    assert_alike(fresh, stored)


def assert_alike(one, other):
    """The same values, up to rounding on another machine."""
    assert type(one) is type(other)
    if is_dataclass(one):
        for field in fields(one):
            assert_alike(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        assert_alike(list(one.values()), list(other.values()))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_alike(a, b)
    elif isinstance(one, np.ndarray | float):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    else:
        assert one == other


@every_assignment
def test_nothing_else_is_given_to_students(assignment, course):
    built, kept = course.path("release", assignment), ROOT / "assignments" / assignment
    tracked = {p.name for p in kept.iterdir() if p.suffix in (".ipynb", ".npz") and not p.stem.endswith("_trained")}
    assert tracked == {p.name for p in built.iterdir()}


@every_solution
def test_no_answer_is_in_what_students_get(path):
    given = read(ROOT / "assignments" / path.parent.name / path.name)
    lines = {line.strip() for cell in given.cells for line in cell.source.splitlines()}
    assert "raise NotImplementedError()" in lines and "YOUR ANSWER HERE" in lines
    for name, source in written(path).items():
        for line in HEAD.sub("", source).splitlines():
            assert len(line.strip()) < 20 or line.strip() not in lines, (name, line)


def written(path):
    """What an instructor wrote where students have to write, by grade_id."""
    cells = [cell for cell in read(path).cells if cell.metadata.get("nbgrader", {}).get("solution")]
    return {cell.metadata.nbgrader.grade_id: "".join(REGION.findall(cell.source)) or cell.source for cell in cells}


@every_assignment
def test_names_of_graded_cells_are_used_once(assignment):
    names = []
    for path in (path for path in SOLUTIONS if path.parent.name == assignment):
        graded = [cell.metadata.get("nbgrader", {}) for cell in read(path).cells]
        names += [cell["grade_id"] for cell in graded if cell.get("grade")]
    assert sorted(names) == sorted(set(names)), "check() finds a key, and the grade table a column, by its name alone"
