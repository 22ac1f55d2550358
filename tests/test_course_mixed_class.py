"""A class of twenty, each with two notebooks of assignment 2: the grade table is what was planted, to the point."""

from pathlib import Path

import nbformat
import pytest
from test_checks_conv_layers import POINTS_LOST as CONV_LAYERS
from test_checks_dropout import POINTS_LOST as DROPOUT
from test_checks_fully_connected import POINTS_LOST as FULLY_CONNECTED
from test_checks_gpu_kernels import POINTS_LOST as GPU_KERNELS
from test_checks_normalization import POINTS_LOST as NORMALIZATION

from grader.check import load_checks
from grader.course import Course
from grader.demo import CHEAT, answers, fill_in, hand_in, make_course, mistaken
from grader.judge import SECRET_FILE

ROOT = Path(__file__).parents[1]
ASSIGNMENT = "assignment2"
LOST = {
    "normalization": NORMALIZATION,
    "dropout": DROPOUT,
    "conv_layers": CONV_LAYERS,
    "fully_connected": FULLY_CONNECTED,
    "gpu_kernels": GPU_KERNELS,
}
FIRST, SECOND, THIRD = ("normalization", "dropout"), ("conv_layers", "fully_connected"), ("gpu_kernels", "dropout")

# What goes wrong for each student: {function: its known mistake}. Functions that no other one calls, so that a mistake
# costs what it costs by itself.
MISTAKEN = {
    "ben": (FIRST, {"layernorm_backward": "gamma forgotten in dx"}),
    "cai": (FIRST, {"batchnorm_backward_alt": "sums instead of means"}),
    "dee": (FIRST, {"dropout_backward": "mask redrawn"}),
    "eli": (FIRST, {"dropout_backward": "all passes", "layernorm_backward": "dbeta averaged"}),
    "fay": (FIRST, {"dropout_backward": "scaled in test mode", "batchnorm_backward_alt": "gamma forgotten"}),
    "gus": (SECOND, {"sgd_momentum": "velocity not stored"}),
    "hal": (SECOND, {"rmsprop": "epsilon inside the root"}),
    "ida": (SECOND, {"spatial_groupnorm_backward": "statistics taken for constants"}),
    "jan": (SECOND, {"spatial_batchnorm_backward": "no term of the mean", "sgd_momentum": "uphill"}),
    "kim": (THIRD, {"relu_kernel": "no bounds check", "dropout_backward": "multiplied by p"}),
}
EMPTY = {"lea": FIRST, "max": SECOND}
CHEATING = {"nic": FIRST, "ole": SECOND}
PERFECT = {"ada": FIRST, "pia": THIRD}

# Whole answers replaced: (notebooks, {answer cell: its source}, {function: points lost}).
KIT = "from cs231n_kit.layers import layernorm_forward, layernorm_backward"
REPLACED = {
    "quinn": (
        FIRST,
        {"dropout_backward_answer": "def dropout_backward(dout, cache):\n    return"},
        ["dropout_backward"],
    ),
    "ria": (
        FIRST,
        {"layernorm_forward_answer": KIT, "layernorm_backward_answer": KIT},
        ["layernorm_forward", "layernorm_backward"],
    ),
    "sam": (SECOND, {"rmsprop_answer": "def rmsprop(w, dw, config=None):\n    while True:\n        pass"}, ["rmsprop"]),
    "tom": (SECOND, {"sgd_momentum_answer": "def sgd_momentum(w, dw, config=None)\n    return w"}, ["sgd_momentum"]),
}


def full(notebooks):
    """The points of all functions of these notebooks; trained results, which nobody hands in, earn none."""
    checks = [load_checks(name) for name in notebooks]
    points = {check.function: check.points for one in checks for check in one.checks}
    return points | {trained.function: 0 for one in checks for trained in one.trained}


def planted():
    """{student: {cell: points}} as it should come out."""
    table = {student: full(notebooks) for student, notebooks in PERFECT.items()}
    table |= {student: dict.fromkeys(full(names), 0) for student, names in (EMPTY | CHEATING).items()}
    for student, (notebooks, mistakes) in MISTAKEN.items():
        lost = {f: next(LOST[n][f][m] for n in notebooks if f in LOST[n]) for f, m in mistakes.items()}
        table[student] = {name: points - lost.get(name, 0) for name, points in full(notebooks).items()}
    for student, (notebooks, _, lost) in REPLACED.items():
        table[student] = {name: 0 if name in lost else points for name, points in full(notebooks).items()}
    return table


def submission(student, notebook, released, right):
    if student in MISTAKEN:
        checks = load_checks(notebook)
        for check in checks.checks:
            if check.function in MISTAKEN[student][1]:
                name = MISTAKEN[student][1][check.function]
                right = mistaken(right, check, next(m for m in check.mistakes if m.name == name))
    elif student in REPLACED:
        right = {name: REPLACED[student][1].get(name, source) for name, source in right.items()}
    made = fill_in(released, {} if student in EMPTY | CHEATING else right)
    if student in CHEATING:
        made.cells.insert(1, nbformat.v4.new_code_cell(CHEAT))
    return made


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    for notebook in LOST:
        course = make_course(Course(ROOT), folder, notebook, ASSIGNMENT)
    (folder / SECRET_FILE).write_text("231".zfill(64))  # the same hidden cases every time
    released = course.release(ASSIGNMENT)
    templates = {name: nbformat.read(released / f"{name}.ipynb", as_version=4) for name in LOST}
    source = course.path("source", ASSIGNMENT)
    right = {name: answers(nbformat.read(source / f"{name}.ipynb", as_version=4)) for name in LOST}
    for student, cells in planted().items():
        for name in next(names for names in (FIRST, SECOND, THIRD) if set(cells) == set(full(names))):
            made = submission(student, name, templates[name], right[name])
            hand_in(course, student, made, name, ASSIGNMENT)
    return course


def test_the_grade_table_of_twenty_is_what_was_planted(course):
    table = planted()
    assert len(table) == 20 == len(course.students(ASSIGNMENT))
    graded = list(course.autograde(ASSIGNMENT, course.students(ASSIGNMENT)))
    assert not any(g.problem for g in graded), graded
    found = {
        grade.student: {name: score for name, score, _, by_hand in grade.cells if name in table[grade.student]}
        for grade in course.grades(ASSIGNMENT)
    }
    assert found == table
