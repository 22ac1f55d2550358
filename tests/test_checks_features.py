"""The checks of assignment 1's notebook `features`: right answers earn everything, known mistakes what is said here."""

import importlib.util
import re
import warnings
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
from skimage.color import rgb2hsv
from skimage.feature import hog
from sklearn.preprocessing import StandardScaler

from cs231n_kit.checking import outcomes
from cs231n_kit.checking.verdicts import judge
from cs231n_kit.image_features import color_histograms_hsv, hog_features
from grader.check import add_mistakes, draw_cases, load_checks
from grader.reference import SKIP_TAG, Reference

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "solutions" / "assignment1" / "features.ipynb"
CHECKS = load_checks("features")
REFERENCE = Reference.from_notebook(NOTEBOOK)
FUNCTIONS = [check.function for check in CHECKS.checks]
SEEDS = range(5)

# hog_feature has 2 points for directions in one cell and 1 in several, 1.5 for lengths without directions, 1 for the
# normalisation, 1 for colour, and 0.5 each for dtype uint8, other sizes, borders, 180 degrees and flat images.
DIRECTIONS = 2 + 1 + 0.5 + 0.5
LENGTHS = (7, 9)  # a wrong length keeps the order of a few cells now and then
POINTS_LOST = {
    "color_histogram_hsv": {
        "counts": 4,
        "density": 4,
        "largest is 1": 4,
        "length 1": 4,
        "divided by the number of values": 4,
        "range of the image": (3.5, 4),  # where both ends of the hues occur, they are nearly 0 and 1
        "ranges too wide": 4,
        "one range too few": 4,
        "last range missing": 4,
        "nbin not used": 1 + 0.5 + 0.5,
        "saturation": 4,
        "value": 4,
        "all channels": 4,
        "red instead of hue": 4,
        "red and blue exchanged": 4,
        "first row only": 4,
        "hues reversed": 4,
        "grey pixels left out": 0.5,
    },
    "hog_feature": {
        "signed directions": DIRECTIONS,
        "absolute value of the angle": DIRECTIONS,
        "one quadrant": DIRECTIONS,
        "radians for degrees": DIRECTIONS,
        "components exchanged": DIRECTIONS,
        "rows counted upwards": DIRECTIONS,
        "along the edge": DIRECTIONS,
        "rounded ranges": DIRECTIONS,
        "ranges too wide": DIRECTIONS,
        "ranges shifted by one": DIRECTIONS,
        "180 degrees in the last range": 0.5,
        "180 degrees nowhere": 0.5,
        "every pixel one vote": 9,
        "squared lengths": LENGTHS,
        "sum of the components": LENGTHS,
        "forward differences": LENGTHS,
        "backward differences": LENGTHS,
        "Sobel": LENGTHS,
        "borders one-sided": 0.5,
        "bytes wrap around": 0.5,
        "mean of the channels": 1,
        "one channel": 1,
        "brightest channel": 1,
        "weights reversed": 1,
        "cells column by column": 1 + 1.5 + 0.5 + 0.5,
        "directions first": 1 + 0.5 + 0.5,
        "not a vector": 1 + 1.5 + 0.5 + 0.5 + 0.5,
        "last cells forgotten": (6, 7),
        "square images only": 1 + 1 + 4 * 0.5,
        "cells of 8 pixels always": 0.5,
        "nine ranges always": 1.5 + 1 + 1 + 4 * 0.5,
        "each cell for itself": 9 - 2,
        "not normalised": 1,
        "mean over the cell": 1,
        "sum 1": 1,
        "root missing": 1,
        "largest is 1": 1,
        "zero divided by zero": 0.5,
    },
    "standardize": {
        "validation by its own statistics": 1.5 + 0.5 + 0.5,
        "statistics of all images": 4,
        "statistics of the validation images": 4,
        "validation left alone": 1.5 + 0.5 + 0.5,
        "not divided": 3.5,
        "not centred": 3.5,
        "divided first": 3.5,
        "variance": 4,
        "images instead of features": 4,
        "one number for all features": 4,
        "lowest 0, highest 1": 4,
        "largest absolute value": 4,
        "mean and std exchanged": 0.5,
        "division by zero": 0.5,
        "statistics of the standardised features": 0.5,
    },
    "log_uniform": dict.fromkeys(
        (
            "linear scale",
            "exponents",
            "natural exponents",
            "ten for e",
            "e for ten",
            "ends exchanged",
            "low added",
            "whole powers of ten",
        ),
        2,
    ),
    "choose_best": dict.fromkeys(
        (
            "training accuracy",
            "test accuracy",
            "mean of validation and test",
            "mean of training and validation",
            "smallest gap",
            "lowest",
            "accuracy instead of row",
            "numbered from 1",
            "largest of the table",
            "settings instead of row",
        ),
        2,
    ),
}


def generator(seed):
    return lambda p: np.random.default_rng([seed, *p.title.encode()])


@cache
def key_of(function, seed):
    return add_mistakes(draw_cases(CHECKS[function], REFERENCE, generator(seed)), CHECKS[function], REFERENCE)


@cache
def mistaken(function, name):
    mistake = next(m for m in CHECKS[function].mistakes if m.name == name)
    return REFERENCE.patched(mistake.replace).function(function)


def report_on(name, function, seed):
    key = key_of(name, seed)
    return judge(key, outcomes(key, function), loop="")


@cache
def answers():
    path = Path(__file__).parent / "answers" / "features.py"
    spec = importlib.util.spec_from_file_location("answers_features", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cases_of(name, seeds):
    for seed in seeds:
        for p in CHECKS[name].properties:
            for arguments in p.cases(generator(seed)(p)):
                yield p, arguments


# The references


def test_reference_histograms_of_hues_agree_with_scikit_image():
    for p, (im, *nbin) in cases_of("color_histogram_hsv", range(10)):
        nbin = nbin[0] if nbin else 10
        expected = np.histogram(rgb2hsv(im)[..., 0], nbin, (0, 1))[0] / im[..., 0].size
        np.testing.assert_allclose(REFERENCE.function("color_histogram_hsv")(im, nbin), expected, err_msg=p.title)
        np.testing.assert_allclose(color_histograms_hsv(im[np.newaxis], nbin)[0], expected, rtol=1e-6)


def test_reference_gradients_agree_with_scikit_image():
    for p, (im, *sizes) in cases_of("hog_feature", range(6)):
        nbin, cell = (*sizes, *(9, 8)[len(sizes) :])
        grey = im @ [0.299, 0.587, 0.114] if im.ndim == 3 else im.astype(float)
        expected = hog(grey, nbin, (cell, cell), (len(im) // cell, im.shape[1] // cell), "L2")
        np.testing.assert_allclose(REFERENCE.function("hog_feature")(im, nbin, cell), expected, atol=1e-6)
        kits = hog_features(im.reshape(1, *im.shape[:2], -1), nbin, cell)[0]
        np.testing.assert_allclose(kits, expected, atol=1e-5, err_msg=p.title)


def test_reference_standardization_agrees_with_scikit_learn():
    for _, (F_train, F_val) in cases_of("standardize", range(10)):
        scaler = StandardScaler().fit(F_train.astype(float))
        expected = (scaler.transform(F_train), scaler.transform(F_val), scaler.mean_, scaler.scale_)
        for actual, wanted in zip(REFERENCE.function("standardize")(F_train, F_val), expected, strict=True):
            np.testing.assert_allclose(actual, wanted, atol=2e-5)


def test_reference_draws_are_evenly_spread_on_a_logarithmic_scale():
    draw = REFERENCE.function("log_uniform")
    np.testing.assert_allclose(draw(np.linspace(0, 1, 7), 1e-5, 10.0), np.geomspace(1e-5, 10, 7), rtol=1e-12)
    assert draw(0.5, 0.01, 1.0) == pytest.approx(0.1)


def test_no_hue_and_no_direction_of_general_cases_is_on_the_bound_of_two_ranges():
    for p, (im, *nbin) in cases_of("color_histogram_hsv", range(10)):
        hues = rgb2hsv(im)[..., 0].ravel() * (nbin[0] if nbin else 10)
        assert (np.abs(hues - hues.round()) > 0.04)[hues > 0].all(), p.title
    for p, (im, *sizes) in cases_of("hog_feature", range(10)):
        grey = im @ [0.299, 0.587, 0.114] if im.ndim == 3 else im.astype(float)
        gx, gy = np.zeros(grey.shape), np.zeros(grey.shape)
        gx[:, 1:-1], gy[1:-1] = grey[:, 2:] - grey[:, :-2], grey[2:] - grey[:-2]
        apart = (sizes or (9,))[0] * (np.degrees(np.arctan2(gy, gx))[gy != 0] % 180) / 180
        assert (np.abs(apart - apart.round()) > 5e-4).all(), p.title
        assert ((gy == 0) & (gx < 0)).any() == ("180" in p.title), p.title


@pytest.mark.parametrize("name", FUNCTIONS)
def test_cases_stay_small(name):
    cases = [case for p in key_of(name, 0).properties for case in p.cases]
    assert sum(a.nbytes for case in cases for a in case.arguments if isinstance(a, np.ndarray)) < 60_000


# Known mistakes


def test_every_known_mistake_is_listed_here():
    for check in CHECKS.checks:
        assert sorted(m.name for m in check.mistakes) == sorted(POINTS_LOST[check.function]), check.function


@pytest.mark.parametrize("name, mistake", [(f, m) for f, losses in POINTS_LOST.items() for m in losses])
def test_known_mistake_is_caught_and_recognised_as_itself(name, mistake):
    hint = next(m.hint for m in CHECKS[name].mistakes if m.name == mistake)
    lost = POINTS_LOST[name][mistake]
    least, most = lost if isinstance(lost, tuple) else (lost, lost)
    for seed in SEEDS:
        report = report_on(name, mistaken(name, mistake), seed)
        assert least <= report.points - report.earned <= most, (seed, report)
        assert report.mistakes == (mistake,), (seed, report)
        assert hint in repr(report)


def test_hints_are_sentences_and_do_not_contain_the_repair():
    for check in CHECKS.checks:
        for mistake in check.mistakes:
            assert mistake.hint.endswith((".", "?")) and len(mistake.hint) > 40
            for right, _ in mistake.replace:
                assert right not in mistake.hint


def test_features_in_another_order_are_told_by_their_places():
    wrong = mistaken("hog_feature", "cells column by column")
    report = report_on("hog_feature", wrong, 0)
    told = re.search(r"number (\d+) by size should be at \[(\d+)\] and is at \[(\d+)\]", repr(report))
    rank, should, place = (int(number) for number in told.groups())
    case = key_of("hog_feature", 0).properties[1].cases[0]
    largest = np.sort(case.expected[0])[-rank]
    assert should != place
    assert case.expected[0][should] == pytest.approx(largest) and wrong(*case.arguments)[place] == pytest.approx(
        largest
    )


def test_a_mistake_in_single_precision_is_recognised_too():
    wrong = mistaken("hog_feature", "components exchanged")
    report = report_on("hog_feature", lambda *a: wrong(*a).astype(np.float32), 0)
    assert report.mistakes == ("components exchanged",)


# Correct answers


@pytest.mark.parametrize("name", FUNCTIONS)
def test_answers_in_any_style_earn_full_points(name):
    variants = answers().VARIANTS[name]
    assert len(set(variants)) >= 6
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what a student warns about must not reach us
        for variant in variants:
            for seed in SEEDS:
                report = report_on(name, variant, seed)
                assert report.passed, (variant.__name__, seed, report)


@pytest.mark.parametrize(
    "name, variant, changed",
    [("color_histogram_hsv", "hues_with_digitize", "im"), ("standardize", "standardize_in_place", "F_train")],
)
def test_inputs_that_are_changed_are_reported_and_cost_nothing(name, variant, changed):
    report = report_on(name, getattr(answers(), variant), 0)
    assert report.passed and f"changes its input {changed}" in repr(report)


# Answers that are none


def trivial(name):
    """Functions that do not look at the problem."""
    yield lambda *a: None
    yield lambda *a: a[0]
    rng = np.random.default_rng(3)
    if name == "color_histogram_hsv":
        for k in range(3):
            yield lambda im, nbin=10, k=k: np.eye(nbin)[k]
        yield lambda im, nbin=10: np.full(nbin, 1 / nbin)
        yield lambda im, nbin=10: rng.dirichlet(np.ones(nbin))
        yield lambda im, nbin=10: np.histogram(im, nbin, (0, 255))[0] / im.size
    elif name == "hog_feature":

        def size(im, nbin=9, cell=8):
            return im[..., 0].size // cell**2 * nbin if im.ndim == 3 else im.size // cell**2 * nbin

        yield lambda *a: np.zeros(size(*a))
        yield lambda *a: np.full(size(*a), size(*a) ** -0.5)
        yield lambda *a: np.arange(size(*a))
        yield lambda *a: -np.arange(size(*a))
        yield lambda *a: np.resize(a[0], size(*a))
        yield lambda *a: rng.random(size(*a))
        yield lambda *a: np.full(size(*a), np.nan)
    elif name == "standardize":
        yield lambda F, V: (F, V, F[0], F[1])
        yield lambda F, V: (0 * F, 0 * V, 0 * F[0], 0 * F[0] + 1)
        yield lambda F, V: (0 * F, 0 * V, 0 * F[0], 0 * F[0])
        yield lambda F, V: (rng.normal(size=F.shape), rng.normal(size=V.shape), F[0], F[0])
    elif name == "log_uniform":
        yield lambda u, low, high: low
        yield lambda u, low, high: high + 0 * u
        yield lambda u, low, high: low + 0 * u
        yield lambda u, low, high: (low * high) ** 0.5 + 0 * u
        yield lambda u, low, high: rng.uniform(low, high, size=np.shape(u))
    else:
        for row in range(40):
            yield lambda results, row=row: row
        yield lambda results: len(results) - 1
        yield lambda results: int(rng.integers(len(results)))
        for column in (0, 1):
            yield lambda results, column=column: results[:, column].argmax()
            yield lambda results, column=column: results[:, column].argmin()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_answers_that_do_not_look_at_the_problem_earn_nothing(name):
    for number, function in enumerate(trivial(name)):
        for seed in SEEDS:
            report = report_on(name, function, seed)
            assert report.earned == 0, (number, seed, report)


@cache
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_what_is_described_has_the_shapes_that_are_judged():
    describe, classify = (REFERENCE.function(name) for name in ("describe", "classify"))
    rng = np.random.default_rng(0)
    for data_set, shape in (("cifar10", (32, 32, 3)), ("digits", (8, 8, 1))):
        images = rng.integers(0, 17, size=(6, *shape)).astype(np.uint8)
        arrays = {n: rng.normal(size=s) for n, s in CHECKS.trained[0].data[data_set].shapes.items()}
        F = describe(images)
        assert F.shape == (6, len(arrays["mean"]))
        arrays["mean"], arrays["std"] = F.mean(axis=0), F.std(axis=0)
        arrays["std"][-1] = 0  # a feature that never changed
        scale = np.where(arrays["std"] == 0, 1, arrays["std"])
        expected = []
        for x in (F - arrays["mean"]) / scale:
            hidden = [max(0.0, float(x @ w + b)) for w, b in zip(arrays["W1"].T, arrays["b1"], strict=True)]
            scores = [float(np.dot(hidden, w) + b) for w, b in zip(arrays["W2"].T, arrays["b2"], strict=True)]
            expected.append(scores.index(max(scores)))
        assert classify(images, **arrays).tolist() == expected and len(set(expected)) > 1


def test_cells_that_plot_train_or_load_data_are_skipped_when_grading():
    for cell in notebook().cells:
        heavy = any(word in cell.source for word in ("plt.", "load(", "tqdm", "print(", "Trainer", "save_trained("))
        is_answer = cell.metadata.get("nbgrader", {}).get("solution")
        if cell.cell_type == "code" and heavy and not is_answer:
            assert SKIP_TAG in cell.metadata.get("tags", []), cell.source


def test_no_answer_is_left_outside_the_solution_regions():
    for cell in notebook().cells:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("solution"):
            for word in ("rgb_to_hsv(", "np.histogram", "arctan2", "hypot", ".std(", "results[:, 3])", "high / low"):
                assert word not in cell.source, (word, cell.source)


def test_the_kits_own_answers_are_hidden_while_grading():
    assert {"cs231n_kit.image_features", "cs231n_kit.preprocessing", "skimage.feature", "cv2"} <= set(CHECKS.masked)
