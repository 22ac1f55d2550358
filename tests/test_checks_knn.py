"""The checks of assignment 1's notebook `knn`: right answers earn everything, known mistakes what is said here."""

import importlib.util
import warnings
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from cs231n_kit.checking.calling import call
from cs231n_kit.checking.comparison import compare
from cs231n_kit.checking.loops import find_loop, sources_beside
from cs231n_kit.checking.verdicts import judge
from grader.check import add_mistakes, draw_cases, load_checks
from grader.reference import SKIP_TAG, Reference

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "solutions" / "assignment1" / "knn.ipynb"
CHECKS = load_checks("knn")
REFERENCE = Reference.from_notebook(NOTEBOOK)
FUNCTIONS = [check.function for check in CHECKS.checks]
DISTANCES = FUNCTIONS[:3]
SEEDS = range(30)

ONLY_THE_VALUES = 1.0
POINTS_LOST = {
    "compute_distances_two_loops": {
        "squared distance": ONLY_THE_VALUES,
        "L1 distance": 4,
        "mean of the squares": ONLY_THE_VALUES,
        "square of the sum": 4,
        "difference of the lengths": 4,
        "transposed": 4,
        "whole numbers": 4,
        "returns too early": 4,
    },
    "compute_distances_one_loop": {
        "squared distance": ONLY_THE_VALUES,
        "L1 distance": 4,
        "mean of the squares": ONLY_THE_VALUES,
        "square of the sum": 4,
        "sum over the wrong axis": 4,
        "sum over everything": 4,
        "transposed": 4,
        "whole numbers": 4,
        "returns too early": 4,
    },
    "compute_distances_no_loops": {
        "squared distance": ONLY_THE_VALUES,
        "L1 distance": 5,
        "mean of the squares": ONLY_THE_VALUES,
        "square of the sum": 5,
        "transposed": 5,
        "sign of the product": 5,
        "product taken once": 5,
        "no training norms": 5,
        "no training norms, not clipped": 5,
        "no test norms": 5,
        "no test norms, not clipped": 5,
        "not clipped": 0.5,
    },
    "predict_labels": {
        "first label seen wins ties": 0.5,
        "larger label wins ties": 0.5,
        "farthest": 4,
        "index instead of label": 4,
        "position instead of label": 4,
        "count instead of label": 4,
        "ignores k": 3,
        "one neighbour too many": 4,
        "one neighbour too few": 4,
        "skips the nearest": 4,
        "sorts the wrong axis": 4,
        "sorted labels": 3,
        "mean of the labels": 3,
        "commonest label of all": 4,
        "argpartition at k = n": 0.5,
    },
    "cross_validate": {
        "tests on the training folds": 3,
        "keeps the validation fold": 3,
        "roles exchanged": 3,
        "percent": 3,
        "counts": 3,
        "error rate": 3,
        "divided by the number of all points": 3,
        "transposed": 3,
        "averaged over the folds": 3,
        "always the first fold": 3,
        "last fold forgotten": 3,
        "always the same k": 3,
        "labels in another order than the points": 2.5,
        "needs equal folds": 1,
        "drops the remainder": 1,
    },
}


def generator(seed):
    return lambda p: np.random.default_rng([seed, *p.title.encode()])


@cache
def key_of(function, seed):
    check = CHECKS[function]
    return add_mistakes(draw_cases(check, REFERENCE, generator(seed)), check, REFERENCE)


@cache
def mistaken(function, name):
    mistake = next(m for m in CHECKS[function].mistakes if m.name == name)
    return REFERENCE.patched(mistake.replace).function(function)


def report_on(name, function, seed):
    key = key_of(name, seed)
    outcomes = [[call(function, case.arguments) for case in p.cases] for p in key.properties]
    return judge(key, outcomes, find_loop(function.__name__, sources_beside(function)))


@cache
def answers():
    path = Path(__file__).parent / "answers" / "knn.py"
    spec = importlib.util.spec_from_file_location("answers_knn", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def oracle(name, arguments):
    """What the function should return, from SciPy and scikit-learn."""
    if name in DISTANCES:
        return cdist(*(a.astype(np.float64) for a in arguments))
    if name == "predict_labels":
        dists, y_train, k = (*arguments, 1)[:3]
        classifier = KNeighborsClassifier(k, metric="precomputed").fit(np.zeros((len(y_train), len(y_train))), y_train)
        return classifier.predict(dists)
    X, y, k_choices, num_folds = (*arguments, 5)[:4]
    folds = KFold(num_folds)
    return np.array([cross_val_score(KNeighborsClassifier(int(k)), X, y, cv=folds) for k in k_choices])


# The reference


@pytest.mark.parametrize("name", FUNCTIONS)
def test_reference_agrees_with_scipy_and_scikit_learn_for_every_seed(name):
    function = REFERENCE.function(name)
    for seed in range(30 if name == "cross_validate" else 200):  # scikit-learn takes its time over many folds
        for p in CHECKS[name].properties:
            for arguments in p.cases(generator(seed)(p)) if p.cases else ():
                actual = np.asarray(call(function, arguments).values[0])
                difference = compare(p.compare, oracle(name, arguments), actual, p.rtol, p.atol)
                assert difference.agrees, (seed, p.title, difference)


def test_labels_of_every_integer_dtype_are_tried():
    (renamed,) = (p for p in CHECKS["predict_labels"].properties if "dtype" in p.title)
    dtypes = {arguments[1].dtype for arguments in renamed.cases(np.random.default_rng(0))}
    assert {np.dtype("uint8"), np.dtype("int64")} <= dtypes


def test_general_cases_have_no_equal_distances_and_no_tied_votes():
    for seed in range(200):
        for p in CHECKS["predict_labels"].properties:
            for dists, y_train, k in ((*arguments, 1)[:3] for arguments in p.cases(generator(seed)(p))):
                assert np.diff(np.sort(dists, axis=1), axis=1).min(initial=1) > 0.1
                near = y_train[np.argsort(dists, axis=1)[:, :k]]
                counts = np.sort([[np.sum(row == label) for label in (-1, *set(y_train))] for row in near], axis=1)
                tied = counts[:, -1] == counts[:, -2]
                assert tied.all() if "tied" in p.title else not tied.any(), (seed, p.title)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_time_of_all_cases_and_size_of_the_key_stay_small(name):
    arrays = [a for p in key_of(name, 0).properties for c in p.cases for a in c.arguments if isinstance(a, np.ndarray)]
    assert sum(a.nbytes for a in arrays) < 30_000


# Known mistakes


def test_every_known_mistake_is_listed_here():
    assert {c.function: [m.name for m in c.mistakes] for c in CHECKS.checks} == {
        function: list(losses) for function, losses in POINTS_LOST.items()
    }


@pytest.mark.parametrize("name, mistake", [(f, m) for f, losses in POINTS_LOST.items() for m in losses])
def test_known_mistake_is_caught_and_recognised_as_itself(name, mistake):
    check = CHECKS[name]
    hint = next(m.hint for m in check.mistakes if m.name == mistake)
    for seed in SEEDS:
        report = report_on(name, mistaken(name, mistake), seed)
        assert report.earned == check.points - POINTS_LOST[name][mistake], (seed, report)
        assert report.mistakes == (mistake,), (seed, report)
        assert hint in repr(report)


def test_hints_are_sentences_and_do_not_contain_the_repair():
    for check in CHECKS.checks:
        for mistake in check.mistakes:
            assert mistake.hint.endswith((".", "?")) and len(mistake.hint) > 40
            for right, _ in mistake.replace:
                assert right not in mistake.hint


# Correct answers


@pytest.mark.parametrize("name", DISTANCES)
def test_distances_in_any_style_earn_full_points(name):
    right = answers().WITHOUT_LOOPS if name == "compute_distances_no_loops" else answers().WITH_LOOPS
    for variant in (*right, *answers().WITHOUT_LOOPS):
        assert_full_points(name, variant)


def test_labels_in_any_style_earn_full_points():
    for variant in answers().LABELS:
        assert_full_points("predict_labels", variant)


def test_accuracies_in_any_style_earn_full_points():
    for variant in answers().ACCURACIES:
        assert_full_points("cross_validate", variant)


def assert_full_points(name, variant):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what a student warns about must not reach us
        for seed in SEEDS:
            report = report_on(name, variant, seed)
            assert report.earned == CHECKS[name].points, (variant.__name__, seed, report)


def test_wrong_tie_break_and_squared_distances_cost_nothing_in_cross_validation():
    for own, other in (("predict_labels", "first label seen"), ("compute_distances_no_loops", "squared distance")):
        mistake = next(m for m in CHECKS[own].mistakes if m.name.startswith(other))
        function = REFERENCE.patched(mistake.replace).function("cross_validate")
        for seed in SEEDS:
            assert report_on("cross_validate", function, seed).passed


def test_loops_cost_the_point_for_having_none_and_no_other():
    for function in answers().WITH_LOOPS:
        report = report_on("compute_distances_no_loops", function, 0)
        assert report.earned == 4, (function.__name__, report)
        assert "uses a Python loop" in report.verdicts[-1].message


# Answers that are none


def trivial(name):
    """Functions that do not look at the problem."""

    def shaped(fill):
        def answer(*arguments, **_):
            first = arguments[0]
            if name in DISTANCES:
                shape = (len(first), len(arguments[1]))
            elif name == "predict_labels":
                shape = (len(first),)
            else:
                shape = (len(arguments[2]), (*arguments, 5)[3])
            return fill(shape)

        return answer

    rng = np.random.default_rng(5)
    yield from (lambda *a, i=i, **_: a[i] for i in range(2))
    yield lambda *a, **_: None
    for constant in (0, 1, 0.5, 2, 3, 5, np.inf, np.nan, -1e300):
        yield shaped(lambda shape, constant=constant: np.full(shape, constant))
    yield shaped(lambda shape: np.arange(np.prod(shape)).reshape(shape))
    yield shaped(lambda shape: -np.arange(np.prod(shape)).reshape(shape))
    yield shaped(lambda shape: rng.normal(size=shape))
    yield shaped(lambda shape: rng.integers(0, 4, size=shape))
    if name in DISTANCES:
        yield lambda X, X_train: X @ X_train.T
        yield lambda X, X_train: np.tile(np.linalg.norm(X_train, axis=1), (len(X), 1))
    if name == "predict_labels":
        yield lambda dists, y_train, k=1: np.full(len(dists), y_train[0])
        yield lambda dists, y_train, k=1: np.full(len(dists), y_train.min())
        yield lambda dists, y_train, k=1: np.full(len(dists), np.bincount(y_train).argmax())
        yield lambda dists, y_train, k=1: np.resize(y_train, len(dists))
        yield lambda dists, y_train, k=1: dists.argmin(axis=1)
        yield lambda dists, y_train, k=1: y_train[dists.argmax(axis=1)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_answers_that_do_not_look_at_the_problem_earn_nothing(name):
    for number, function in enumerate(trivial(name)):
        for seed in range(10):
            report = report_on(name, function, seed)
            assert report.earned == 0, (number, seed, report)


def test_nearest_label_alone_earns_the_point_for_one_neighbour_only():
    for seed in SEEDS:
        report = report_on("predict_labels", lambda dists, y_train, k=1: y_train[dists.argmin(axis=1)], seed)
        assert [v.title for v in report.verdicts if v.earned] == ["k = 1: the label of the nearest training point"]


@cache
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_cells_that_plot_or_load_data_are_skipped_when_grading():
    for cell in notebook().cells:
        heavy = any(word in cell.source for word in ("matplotlib", "plt.", "load(", "DecisionBoundary", "print("))
        if cell.cell_type == "code" and heavy:
            assert SKIP_TAG in cell.metadata.tags, cell.source


def test_no_answer_is_left_outside_the_solution_regions():
    for cell in notebook().cells:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("solution"):
            assert "maximum" not in cell.source and "bincount" not in cell.source
