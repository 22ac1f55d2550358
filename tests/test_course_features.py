"""Wrong answers to assignment 1's notebook `features` through the whole nbgrader way, with trained results."""

import warnings
from pathlib import Path

import nbformat
import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from cs231n_kit.checking import save_trained
from cs231n_kit.datasets import load
from cs231n_kit.image_features import hog_features
from grader.check import load_checks
from grader.course import Course
from grader.demo import ASSIGNMENT, answers, fill_in, hand_in, make_course, mistaken

ROOT = Path(__file__).parents[1]
CHECKS = load_checks("features")
FULL = {check.function: check.points for check in (*CHECKS.checks, *CHECKS.trained)}
STOLEN = """
def hog_feature(im, nbin=9, cell=8):
    from cs231n_kit.image_features import hog_features
    return hog_features(im.reshape(1, *im.shape[:2], -1), nbin, cell)[0]
"""


def trained_on_digits(folder):
    """Trained by scikit-learn, in a second: the result is judged, not the way to it."""
    data = load("digits")
    F = hog_features(data.X_train, cell=2)
    mean, std = F.mean(axis=0), F.std(axis=0)
    std[std == 0] = 1
    network = MLPClassifier(200, max_iter=20, learning_rate_init=5e-3, alpha=0.1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it could be trained longer
        network.fit((F - mean) / std, data.y_train)
    (W1, W2), (b1, b2) = network.coefs_, network.intercepts_
    arrays = {"W1": W1, "b1": b1, "W2": W2, "b2": b2, "mean": mean, "std": std}
    return save_trained("features_trained", data.name, folder, **arrays)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The course after grading, and its students' grades by cell."""
    course = make_course(Course(ROOT), tmp_path_factory.mktemp("features"), "features")
    result = trained_on_digits(course.path("source", ASSIGNMENT))
    nothing = {name: np.zeros(shape) for name, shape in CHECKS.trained[0].data["cifar10"].shapes.items()}
    zeros = save_trained("features_trained", "cifar10", tmp_path_factory.mktemp("zeros"), **nothing)
    released = nbformat.read(course.release(ASSIGNMENT) / "features.ipynb", as_version=4)
    right = answers(nbformat.read(course.path("source", ASSIGNMENT) / "features.ipynb", as_version=4))
    hog, standardize = CHECKS["hog_feature"], CHECKS["standardize"]
    signed = next(m for m in hog.mistakes if m.name == "signed directions")
    own = next(m for m in standardize.mistakes if m.name == "validation by its own statistics")
    students = {
        "ben": (mistaken(mistaken(right, hog, signed), standardize, own), result.read_bytes()),
        "dan": ({}, zeros.read_bytes()),
        "eve": ({**right, "hog_feature_answer": STOLEN}, b"no archive"),
    }
    for student, (answered, trained) in students.items():
        path = hand_in(course, student, fill_in(released, answered), "features")
        path.with_name(result.name).write_bytes(trained)
    problems = [g.problem for g in course.autograde(ASSIGNMENT, list(students)) if g.problem]
    assert not problems
    return course, {g.student: {c[0]: c[1] for c in g.cells if not c[3]} for g in course.grades(ASSIGNMENT)}


def test_wrong_features_cost_their_own_points_and_not_those_of_the_trained_result(graded):
    _, grades = graded
    assert grades["ben"] == FULL | {"hog_feature": 5, "standardize": 1.5}


def test_the_kits_features_cannot_be_used_while_grading(graded):
    _, grades = graded
    assert grades["eve"] == FULL | {"hog_feature": 0, "features_trained": 0}


def test_feedback_says_what_is_wrong_and_what_was_measured(graded):
    course, _ = graded
    pages = {s: course.feedback(ASSIGNMENT, s)[0].read_text() for s in ("ben", "eve")}
    assert "of 200 held-out images (digits)" in pages["ben"]
    assert "The ranges cover the full circle of 360 degrees" in pages["ben"]
    assert "standardised by their own mean and std" in pages["ben"]
    assert "features_trained.npz is damaged" in pages["eve"]


def test_a_result_for_cifar10_is_measured_on_its_test_images_and_their_mirror_images(graded):
    course, _ = graded
    page = course.feedback(ASSIGNMENT, "dan")[0].read_text()
    labels = load("cifar10", download=False).y_test
    share = f"{(labels == 0).mean():.1%}"  # all scores are 0: the first class
    assert f"Measured: {share} of {len(labels):,} held-out images (cifar10), {share} of their mirror images" in page
