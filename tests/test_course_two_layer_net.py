"""Assignment 1's two-layer network through the whole nbgrader way: functions and trained weights in, grades out."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from cs231n_kit.checking import save_trained
from cs231n_kit.datasets import load
from grader.check import load_checks
from grader.course import Course
from grader.demo import ASSIGNMENT, answers, fill_in, hand_in, make_course, mistaken
from grader.reference import Reference

ROOT = Path(__file__).parents[1]
NAME = "two_layer_net"


def trained_on_digits(folder):
    """Trained by scikit-learn, in seconds: the result is judged, not the way to it."""
    data = load("digits")
    reference = Reference.from_notebook(ROOT / "solutions" / ASSIGNMENT / f"{NAME}.ipynb")
    pixels = data.X_train.reshape(len(data.X_train), -1).astype(np.float32)
    mean, spread = pixels.mean(axis=0), pixels.std()
    X = reference.function("prepare")(data.X_train, mean, spread)
    network = MLPClassifier((70,), max_iter=400, tol=1e-3, random_state=1).fit(X, data.y_train)
    (W1, W2), (b1, b2) = network.coefs_, network.intercepts_
    return save_trained(f"{NAME}_trained", data.name, folder, W1=W1, b1=b1, W2=W2, b2=b2, mean=mean, spread=spread)


@pytest.fixture(scope="module")
def grades(tmp_path_factory):
    """Grades by student and cell, and the course."""
    course = make_course(Course(ROOT), tmp_path_factory.mktemp(NAME), NAME)
    result = trained_on_digits(tmp_path_factory.mktemp("trained")).read_bytes()
    released = nbformat.read(course.release(ASSIGNMENT) / f"{NAME}.ipynb", as_version=4)
    right = answers(nbformat.read(course.path("source", ASSIGNMENT) / f"{NAME}.ipynb", as_version=4))
    checks = load_checks(NAME)
    wrong = right
    for name, mistake in (("affine_backward", "bias gradient averaged"), ("relu_backward", "not finite at 0")):
        wrong = mistaken(wrong, checks[name], next(m for m in checks[name].mistakes if m.name == mistake))
    stolen = "from cs231n_kit.layers import affine_forward, affine_backward\nfrom cs231n_kit.losses import softmax_loss"
    cheating = dict.fromkeys(("affine_forward_answer", "affine_backward_answer", "softmax_loss_answer"), stolen)
    students = {"ada": (right, result), "ben": (wrong, None), "cleo": ({}, None), "dan": ({**right, **cheating}, None)}
    for student, (answered, trained) in students.items():
        path = hand_in(course, student, fill_in(released, answered), NAME)
        if trained is not None:
            path.with_name(f"{NAME}_trained.npz").write_bytes(trained)
    graded = list(course.autograde(ASSIGNMENT, course.students(ASSIGNMENT)))
    assert not any(g.problem for g in graded), graded
    return {g.student: {c[0]: c[1] for c in g.cells if not c[3]} for g in course.grades(ASSIGNMENT)}, course


def full():
    checks = load_checks(NAME)
    return {check.function: check.points for check in (*checks.checks, *checks.trained)}


def test_solved_gets_full_marks_and_empty_gets_none(grades):
    by_student, _ = grades
    assert by_student["ada"] == full()
    assert not any(by_student["cleo"].values()) and set(full()) <= set(by_student["cleo"])


def test_mistakes_cost_their_points_and_feedback_says_why(grades):
    by_student, course = grades
    (page,) = course.feedback(ASSIGNMENT, "ben")
    assert by_student["ben"]["affine_backward"] == full()["affine_backward"] - 2.5
    assert by_student["ben"]["relu_backward"] == full()["relu_backward"] - 0.5
    assert by_student["ben"]["affine_forward"] == full()["affine_forward"]
    text = page.read_text()
    assert "db is averaged over the examples" in text and "0 / 0 is NaN" in text


def test_the_kits_own_layers_and_losses_cannot_be_handed_in(grades):
    earned = grades[0]["dan"]
    assert not any(earned[name] for name in ("affine_forward", "affine_backward", "softmax_loss"))
    assert earned["relu_forward"] == full()["relu_forward"] and earned["svm_loss"] == full()["svm_loss"]
