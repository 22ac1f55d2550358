"""Trained results through the whole nbgrader way, by the example of the SVM: right, missing, damaged, stolen, equal."""

import os
from pathlib import Path

import nbformat
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from cs231n_kit.checking import save_trained
from cs231n_kit.command_line import build_app
from cs231n_kit.datasets import DatasetError, load
from grader.check import load_checks
from grader.course import Course
from grader.demo import ASSIGNMENT, answers, fill_in, hand_in, make_course, mistaken
from grader.reference import Reference

ROOT = Path(__file__).parents[1]
NOTEBOOK = "svm"
STOLEN = """
from cs231n_kit.losses import svm_loss

def svm_loss_naive(W, X, y, reg):
    loss, dscores = svm_loss(X @ W, y)
    return loss + reg * (W**2).sum(), X.T @ dscores + 2 * reg * W
"""


def trained_on_digits(folder):
    """Trained by scikit-learn, in a second: the result is judged, not the way to it."""
    data = load("digits")
    reference = Reference.from_notebook(ROOT / "solutions" / ASSIGNMENT / f"{NOTEBOOK}.ipynb")
    pixels = data.X_train.reshape(len(data.X_train), -1).astype(np.float32)
    mean, spread = pixels.mean(axis=0), pixels.std()
    X = reference.function("prepare")(data.X_train, mean, spread)
    W = LogisticRegression(fit_intercept=False, max_iter=300).fit(X, data.y_train).coef_.T
    return save_trained(f"{NOTEBOOK}_trained", data.name, folder, W=W, mean=mean, spread=spread)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The course after grading, its students' grades by cell, and what the command printed."""
    course = make_course(Course(ROOT), tmp_path_factory.mktemp("course"), NOTEBOOK)
    result = trained_on_digits(course.path("source", ASSIGNMENT))  # as if the solution had been run there
    released = nbformat.read(course.release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    right = answers(nbformat.read(course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4))
    check = load_checks(NOTEBOOK).checks[0]
    convention = next(m for m in check.mistakes if m.name == "other convention")
    students = {
        "ada": (right, result.read_bytes()),
        "ben": (mistaken(right, check, convention), result.read_bytes()),
        "dan": (right, None),
        "eve": ({**right, f"{check.function}_answer": STOLEN}, b"no archive"),
    }
    for student, (answered, trained) in students.items():
        path = hand_in(course, student, fill_in(released, answered), NOTEBOOK)
        if trained is not None:
            path.with_name(result.name).write_bytes(trained)
    done = CliRunner().invoke(build_app(), ["autograde", ASSIGNMENT, "--course", str(course.root)])
    assert done.exit_code == 0, done.output
    grades = {g.student: {c[0]: c[1] for c in g.cells if not c[3]} for g in course.grades(ASSIGNMENT)}
    return course, grades, done.output


FULL = {check.function: check.points for check in (*load_checks(NOTEBOOK).checks, *load_checks(NOTEBOOK).trained)}


def test_a_mistake_and_a_missing_or_unreadable_result_cost_their_own_points_only(graded):
    _, grades, _ = graded
    assert grades["ada"] == FULL
    first, trained = next(iter(FULL)), f"{NOTEBOOK}_trained"
    assert grades["ben"] == FULL | {first: FULL[first] - 1}
    assert grades["dan"] == FULL | {trained: 0}, "the instructor's own result is not taken for the student's"
    assert grades["eve"] == FULL | {trained: 0, first: 0}, "the kit's loss cannot be imported while grading"


def test_feedback_says_what_was_measured(graded):
    course, _, _ = graded
    pages = {s: course.feedback(ASSIGNMENT, s)[0].read_text() for s in ("ada", "dan", "eve")}
    assert "of 200 held-out images (digits)" in pages["ada"]
    assert f"there is no file {NOTEBOOK}_trained.npz" in pages["dan"]
    assert f"{NOTEBOOK}_trained.npz is damaged" in pages["eve"]


def test_equal_results_are_told_to_the_instructor_and_to_no_student(graded):
    course, _, printed = graded
    line = f"{NOTEBOOK}_trained.npz holds the same arrays, to the last bit, for: ada, ben"
    assert line in printed
    assert line in CliRunner().invoke(build_app(), ["grades", ASSIGNMENT, "--course", str(course.root)]).output
    pipe = course.path("submitted", ASSIGNMENT, "gil") / f"{NOTEBOOK}_trained.npz"  # which nobody ever writes into
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)
    assert course.equal_results(ASSIGNMENT) == [(f"{NOTEBOOK}_trained.npz", ["ada", "ben"])]
    assert "same arrays" not in course.feedback(ASSIGNMENT, "ada")[0].read_text()


def test_the_instructors_result_is_not_released(graded):
    course, _, _ = graded
    assert list(course.path("source", ASSIGNMENT).glob("*_trained.npz"))
    assert not list(course.path("release", ASSIGNMENT).glob("*_trained.npz"))


def test_a_result_for_cifar10_is_measured_on_its_test_images_and_their_mirror_images(graded):
    course, _, _ = graded
    path = course.path("submitted", ASSIGNMENT, "dan") / f"{NOTEBOOK}_trained.npz"
    zeros = {"W": np.zeros((3073, 10)), "mean": np.zeros(3072), "spread": 1.0}
    save_trained(path.stem, "cifar10", path.parent, **zeros)
    list(course.autograde(ASSIGNMENT, ["dan"], regrade=True))
    page = course.feedback(ASSIGNMENT, "dan")[0].read_text()
    labels = load("cifar10", download=False).y_test
    share = f"{(labels == 0).mean():.1%}"  # all scores are 0: the first class
    assert f"Measured: {share} of {len(labels):,} held-out images (cifar10), {share} of their mirror images" in page


def test_without_the_images_a_result_is_not_judged_and_the_mend_is_told(graded, monkeypatch):
    course, _, _ = graded

    def missing(data_set):
        raise DatasetError("CIFAR-10 is not on this machine.\nFetch it with: cs231n data cifar10\nOr else.")

    monkeypatch.setattr("grader.work.held_out_images", missing)
    (graded_one,) = course.autograde(ASSIGNMENT, ["ada"], regrade=True)
    assert "cannot be judged here" in graded_one.problem and "cs231n data cifar10" in graded_one.problem
