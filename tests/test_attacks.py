"""A class in which nearly everybody cheats: one run grades them all, and every grade is what was earned."""

import os
import socket
import threading
from pathlib import Path

import nbformat
import pytest
from attacks import ATTACKS, HONEST, HONEST_POINTS, WRONG
from nbformat.v4 import new_code_cell

from grader.course import Course
from grader.demo import ASSIGNMENT, NOTEBOOK, answers, fill_in, hand_in, make_course

MARKER = f"detached-by-test-{os.getpid()}"


class Listener(threading.Thread):
    """Accepts connections on this machine and remembers that there was one."""

    def __init__(self):
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.reached = False

    def run(self):
        while True:
            self.server.accept()
            self.reached = True


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The course after grading: attackers by name, and two honest students, one first and one last."""
    course = make_course(Course(Path(__file__).parent), tmp_path_factory.mktemp("class"))
    listener = Listener()
    listener.start()
    released = nbformat.read(course.release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    key = (course.path("release", ASSIGNMENT) / f"{NOTEBOOK}_key.npz").read_bytes()
    right = answers(nbformat.read(course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4))
    names = {"root": course.root, "marker": MARKER, "port": listener.port}
    for name, attack in ATTACKS.items():
        notebook = fill_in(released, {**right, **WRONG})
        setup, trick = f"import numpy as np\n{attack.setup}", f"def trick(a, b):\n    {attack.trick}"
        for source in reversed((setup, trick, *attack.cells)):
            for placeholder, value in names.items():
                source = source.replace("{" + placeholder + "}", str(value))
            notebook.cells.insert(0, new_code_cell(source))
        notebook.cells.append(new_code_cell(attack.after))
        if name == "writes-metadata":
            for cell in notebook.cells:
                if "points" in cell.metadata.get("nbgrader", {}):
                    cell.metadata.nbgrader.update(points=100, grade=True, solution=True, locked=False)
            notebook.metadata["cs231n_remarks"] = ["full marks"]
        path = hand_in(course, name, notebook)
        path.with_name(f"{NOTEBOOK}_key.npz").write_bytes(key)
    for name in ("aaa-honest", "zzz-honest"):
        hand_in(course, name, fill_in(released, right))
    log = {g.student: g for g in course.autograde(ASSIGNMENT, course.students(ASSIGNMENT))}
    return course, log, {g.student: g for g in course.grades(ASSIGNMENT)}, listener


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_earns_only_what_is_honest(graded, name):
    _, log, grades, _ = graded
    assert not log[name].problem, log[name].log
    scores = {cell: score for cell, score, _, _ in grades[name].cells}
    honest = scores.pop(HONEST)
    assert honest == (HONEST_POINTS if ATTACKS[name].survives else 0), log[name].log
    assert not any(scores.values()), scores


@pytest.mark.parametrize("name", ["aaa-honest", "zzz-honest"])
def test_honest_students_beside_them_get_everything(graded, name):
    grade = graded[2][name]
    assert [score for _, score, _, by_hand in grade.cells if not by_hand] == [
        points for _, _, points, by_hand in grade.cells if not by_hand
    ]


def test_nothing_is_harmed_or_left_behind(graded):
    course, _, _, listener = graded
    assert (course.root / "solutions" / ASSIGNMENT / f"{NOTEBOOK}.ipynb").is_file()
    assert not (course.root / "pwned").exists()
    assert not listener.reached
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(MARKER.encode() in line for line in running)


def test_feedback_runs_no_script(graded):
    course = graded[0]
    (page,) = course.feedback(ASSIGNMENT, "script-in-output")
    html = page.read_text()
    assert "alert(1)" in html  # shown as the text it is
    assert "<script" not in html.lower()
    assert "<iframe" not in html.lower() and "onerror=alert" not in html.replace("&lt;img src=x onerror=alert", "")
    assert "default-src 'none'" in html


def test_regrading_gives_the_same_scores(graded):
    course, _, grades, _ = graded
    names = ["aaa-honest", "visible-cases-only", "nan-bomb"]
    list(course.autograde(ASSIGNMENT, names, regrade=True))
    again = {g.student: g for g in course.grades(ASSIGNMENT)}
    assert {n: again[n].cells for n in names} == {n: grades[n].cells for n in names}
