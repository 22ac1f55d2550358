"""The checks of assignment 1's `svm` and `softmax`: right answers earn everything, known mistakes what is said here."""

import importlib.util
import warnings
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
from scipy.special import logsumexp

from cs231n_kit.checking import outcomes
from cs231n_kit.checking.calling import call
from cs231n_kit.checking.loops import find_loop, sources_beside
from cs231n_kit.checking.verdicts import judge
from cs231n_kit.gradients import numeric_gradient
from grader.check import add_mistakes, draw_cases, load_checks
from grader.reference import SKIP_TAG, Reference

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ("svm", "softmax")
SEEDS = range(4)
CHECKS = {name: load_checks(name) for name in NOTEBOOKS}
PATHS = {name: ROOT / "solutions" / "assignment1" / f"{name}.ipynb" for name in NOTEBOOKS}
REFERENCES = {name: Reference.from_notebook(path) for name, path in PATHS.items()}
FUNCTIONS = [(name, check.function) for name in NOTEBOOKS for check in CHECKS[name].checks]
LOSSES = [(name, function) for name, function in FUNCTIONS if "loss" in function]

# A loss has 1.5 points for its data part, 2 for that part's gradient, 1 for the penalty, 1 for a gradient that fits the
# loss, and 0.5 each for one example, for other dtypes, for zero weights; softmax also for two kinds of large scores.
COMMON = {
    "loss not averaged": 1.5 + 1 + 0.5 + 0.5,
    "gradient not averaged": 2 + 1 + 0.5 + 0.5,
    "nothing averaged": 1.5 + 2 + 0.5 + 0.5,
    "no regularisation": 1 + 1,
    "penalty missing in the loss": 1 + 1,
    "penalty missing in the gradient": 1 + 1,
    "penalty's gradient halved": 1 + 1,
    "other convention": 1,
    "penalty halved in the loss": 1 + 1,
    "penalty doubled in the gradient": 1 + 1,
    "penalty divided by N": 1,
    "penalty without squares": 1 + 1,
    "one number added to the gradient": 1 + 1,
    "bias not penalised": 1,
    "gradient downhill": 2 + 1 + 3 * 0.5,
}
SOFTMAX = {name: lost + 2 * 0.5 * (lost > 2) for name, lost in COMMON.items()} | {
    "overflow": 2 * 0.5,
    "logarithm of 0": 0.5,
    "a floor under the logarithm": 0.5,
    "right class not subtracted": 2 + 1 + 5 * 0.5,
    "right class added": 2 + 1 + 5 * 0.5,
    "probabilities not divided": 2 + 1 + 4 * 0.5,
    "softmax twice": 1.5 + 2 + 1 + 4 * 0.5,  # with zero weights all classes are alike
    "no logarithm": 1.5 + 1 + 5 * 0.5,
    "upside down": 1.5 + 1 + 5 * 0.5,
    "all classes in the loss": 1.5 + 1 + 5 * 0.5,
    "decimal logarithm": 1.5 + 1 + 5 * 0.5,
}
POINTS_LOST = {
    "svm_loss_naive": COMMON
    | {
        "right class counted": 1.5 + 3 * 0.5,
        "no delta": 1.5 + 2 + 3 * 0.5,
        "delta subtracted": 1.5 + 2 + 3 * 0.5,
        "squared hinge": 1.5 + 2 + 3 * 0.5,
        "no column for the right class": 2 + 1 + 3 * 0.5,
        "right class once an example": 2 + 1 + 3 * 0.5,
        "all classes in the gradient": 2 + 1 + 2 * 0.5,  # with zero weights all classes count
        "margins of the wrong sign": 1.5 + 2 + 1 + 2 * 0.5,  # with zero weights the loss stays
        "returns too early": 1.5 + 2 + 2 * 0.5,  # one example is all there is
    },
    "svm_loss_vectorized": COMMON
    | {
        "right class counted": 1.5 + 2 + 1 + 3 * 0.5,
        "right class counted in the loss only": 1.5 + 3 * 0.5,
        "no delta": 1.5 + 2 + 3 * 0.5,
        "squared hinge": 1.5 + 2 + 3 * 0.5,
        "largest margin only": 1.5 + 1 + 3 * 0.5,
        "mean over the classes too": 1.5 + 1 + 3 * 0.5,
        "margins not cut at zero": 1.5 + 1 + 2 * 0.5,
        "whole columns set to zero": 1.5 + 2 + 1 + 2 * 0.5,
        "whole columns replaced": 2 + 1 + 2 * 0.5,
        "no column for the right class": 2 + 1 + 3 * 0.5,
        "right class once an example": 2 + 1 + 3 * 0.5,
        "margins instead of their slope": 2 + 1 + 2 * 0.5,
        "transposed gradient": 2 + 1 + 1 + 3 * 0.5,
    },
    "softmax_loss_naive": SOFTMAX
    | {
        "right class subtracted for every class": 2 + 1 + 5 * 0.5,
        "one subtracted from every class": 2 + 1 + 5 * 0.5,
        "only the right class's column": 2 + 1 + 5 * 0.5,
        "only the last example's loss": 1.5 + 1 + 4 * 0.5,
        "returns too early": 1.5 + 2 + 4 * 0.5,
    },
    "softmax_loss_vectorized": SOFTMAX
    | {
        "one maximum for all": 0.5,
        "maximum over the examples": 1.5 + 2 + 1 + 4 * 0.5,
        "one subtracted from whole columns": 2 + 1 + 4 * 0.5,
        "wrong axis": 1.5 + 2 + 1 + 5 * 0.5,
        "sum over everything": 1.5 + 2 + 1 + 4 * 0.5,
        "mean over the classes too": 1.5 + 1 + 5 * 0.5,
        "transposed gradient": 2 + 1 + 1 + 5 * 0.5,
    },
    "train": {
        "uphill": 3,
        "learning rate not used": 4,
        "weights never change": 3,
        "step divided by the batch size": 3,
        "regularisation not passed on": 2,
        "loss after the step": 3,
        "only the last loss": 2,
        "sum of the losses": 2,
        "one iteration too few": 4,
        "always the first examples": 1,
        "always the same batch": 1,
        "batch size not used": 1,
        "labels of other examples": 1,
        "labels of the first examples": 1,
    },
    "predict": dict.fromkeys(
        (
            "lowest score",
            "wrong axis",
            "scores instead of classes",
            "all scores",
            "absolute scores",
            "numbered from 1",
        ),
        2,
    ),
}


def generator(seed):
    return lambda p: np.random.default_rng([seed, *p.title.encode()])


@cache
def key_of(notebook, function, seed):
    check, reference = CHECKS[notebook][function], REFERENCES[notebook]
    return add_mistakes(draw_cases(check, reference, generator(seed)), check, reference)


@cache
def mistaken(notebook, function, name):
    mistake = next(m for m in CHECKS[notebook][function].mistakes if m.name == name)
    return REFERENCES[notebook].patched(mistake.replace)


def report_on(notebook, name, function, seed):
    key = key_of(notebook, name, seed)
    return judge(key, outcomes(key, function), find_loop(function.__name__, sources_beside(function)))


@cache
def answers(notebook):
    path = Path(__file__).parent / "answers" / f"{notebook}.py"
    spec = importlib.util.spec_from_file_location(f"answers_{notebook}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def oracle(notebook, W, X, y, reg):
    """The loss in float64, example by example as the formula says it, and its numeric gradient."""
    W, X = W.astype(np.float64), X.astype(np.float64)

    def loss(W):
        total = 0.0
        for scores, label in zip(X @ W, y, strict=True):
            if notebook == "svm":
                total += sum(max(0.0, s - scores[label] + 1) for j, s in enumerate(scores) if j != label)
            else:
                total += logsumexp(scores) - scores[label]
        return total / len(X) + reg * (W.ravel() @ W.ravel())

    return loss(W), numeric_gradient(loss, W.copy())


# The references


@pytest.mark.parametrize("notebook, name", LOSSES)
def test_reference_losses_agree_with_the_formula_and_its_numeric_gradient(notebook, name):
    function = REFERENCES[notebook].function(name)
    for p in CHECKS[notebook][name].properties:
        for W, X, y, reg in p.cases(generator(0)(p)):
            loss, dW = oracle(notebook, W, X, y, reg)
            actual, gradient = function(W, X, y, reg)
            tolerance = 1e-4 if W.dtype == np.float32 else 1e-6
            np.testing.assert_allclose(actual, loss, rtol=tolerance)
            np.testing.assert_allclose(gradient, dW, rtol=tolerance, atol=1e-6 * max(1, abs(loss)))


def test_training_follows_an_independent_descent():
    """Examples that are all alike: every batch is the same, so SGD is gradient descent."""
    rng = np.random.default_rng(1)
    W0, X, y = rng.normal(size=(4, 3)), np.repeat(rng.normal(size=(1, 4)), 6, axis=0), np.full(6, 2)
    W, history = W0.copy(), []
    for _ in range(5):
        loss, dW = oracle("svm", W, X, y, 0.1)
        history.append(loss)
        W = W - 0.05 * dW
    trained, losses = REFERENCES["svm"].function("train")(W0, X, y, 0.05, 0.1, 5, 3)
    np.testing.assert_allclose(trained, W, rtol=1e-6)
    np.testing.assert_allclose(losses, history, rtol=1e-6)


def test_margins_that_are_compared_keep_away_from_the_kink():
    """The penalty's cases may come close: they are differences of two calls with the same margins."""
    for name in ("svm_loss_naive", "svm_loss_vectorized"):
        for p in (p for p in CHECKS["svm"][name].properties if p.compare in ("values", "own_gradient")):
            for seed in range(50):
                cases = p.cases(generator(seed)(p))
                for W, X, y, _ in cases if p.compare == "values" else cases[:1]:
                    scores = X.astype(float) @ W
                    margins = scores - scores[np.arange(len(y)), y][:, None] + 1
                    assert np.abs(margins).min() > 0.04, (p.title, seed)


def test_scores_are_as_large_as_the_property_says_and_moderate_elsewhere():
    for name in ("softmax_loss_naive", "softmax_loss_vectorized"):
        for p in CHECKS["softmax"][name].properties:
            for W, X, _, _ in p.cases(generator(0)(p)):
                sizes = np.abs(X @ W)
                if p.title == "Scores of 1,000 do not overflow":
                    assert sizes.min() > 900
                elif "1,000" not in p.title:
                    assert sizes.max() < 50


@pytest.mark.parametrize("notebook, name", FUNCTIONS)
def test_cases_stay_small(notebook, name):
    cases = [case for p in key_of(notebook, name, 0).properties for case in p.cases]
    assert sum(a.nbytes for case in cases for a in case.arguments if isinstance(a, np.ndarray)) < 60_000


# Known mistakes


def test_every_known_mistake_is_listed_here():
    for notebook in NOTEBOOKS:
        for check in CHECKS[notebook].checks:
            assert sorted(m.name for m in check.mistakes) == sorted(POINTS_LOST[check.function]), check.function


@pytest.mark.parametrize("notebook, name, mistake", [(n, f, m) for n, f in FUNCTIONS for m in POINTS_LOST.get(f, ())])
def test_known_mistake_is_caught_and_recognised_as_itself(notebook, name, mistake):
    check = CHECKS[notebook][name]
    hint = next(m.hint for m in check.mistakes if m.name == mistake)
    for seed in SEEDS:
        report = report_on(notebook, name, mistaken(notebook, name, mistake).function(name), seed)
        assert report.points - report.earned == POINTS_LOST[name][mistake], (seed, report)
        assert report.mistakes == (mistake,), (seed, report)
        assert hint in repr(report)


def test_hints_are_sentences_and_do_not_contain_the_repair():
    for notebook in NOTEBOOKS:
        for check in CHECKS[notebook].checks:
            for mistake in check.mistakes:
                assert mistake.hint.endswith((".", "?")) and len(mistake.hint) > 40
                for right, _ in mistake.replace:
                    assert right not in mistake.hint


@pytest.mark.parametrize("notebook, name", LOSSES)
def test_two_mistakes_at_once_are_both_recognised_where_their_points_differ(notebook, name):
    """Losing the average of the data loss and doubling the penalty's gradient are two hints, not none."""
    (first, second) = (mistaken(notebook, name, m) for m in ("loss not averaged", "penalty doubled in the gradient"))
    lines = dict(zip(REFERENCES[notebook].source.splitlines(), first.source.splitlines(), strict=True))
    both = Reference("\n".join(lines.get(line, line) for line in second.source.splitlines()), notebook)
    report = report_on(notebook, name, both.function(name), 0)
    assert {"loss not averaged", "penalty doubled in the gradient"} <= set(report.mistakes), report


# Correct answers


@pytest.mark.parametrize("notebook, name", LOSSES)
def test_losses_in_any_style_earn_full_points(notebook, name):
    module = answers(notebook)
    for variant in (*module.WITHOUT_LOOPS, *(() if "vectorized" in name else module.WITH_LOOPS)):
        assert_full_points(notebook, name, variant)


def test_training_and_predictions_in_any_style_earn_full_points():
    for name, variants in (("train", answers("svm").TRAINING), ("predict", answers("svm").PREDICTIONS)):
        for variant in variants:
            assert_full_points("svm", name, variant)


def assert_full_points(notebook, name, variant):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what a student warns about must not reach us
        for seed in SEEDS:
            report = report_on(notebook, name, variant, seed)
            assert report.passed, (variant.__name__, seed, report)


def test_there_are_at_least_six_variants_of_each_and_they_differ():
    for notebook in NOTEBOOKS:
        module = answers(notebook)
        assert len(module.WITHOUT_LOOPS) >= 6 and len(module.WITH_LOOPS) >= 3
    assert len(answers("svm").TRAINING) >= 6 and len(answers("svm").PREDICTIONS) >= 6


@pytest.mark.parametrize("notebook, name", [pair for pair in LOSSES if "vectorized" in pair[1]])
def test_loops_cost_the_point_for_having_none_and_no_other(notebook, name):
    for function in answers(notebook).WITH_LOOPS:
        report = report_on(notebook, name, function, 0)
        assert report.points - report.earned == 1, (function.__name__, report)
        assert "uses a Python loop" in report.verdicts[-1].message


@pytest.mark.parametrize("notebook, name", [pair for pair in LOSSES if "vectorized" in pair[1]])
def test_a_loop_that_the_source_does_not_show_is_found_by_counting(notebook, name):
    looping = answers(notebook).loss_with_one_loop
    hidden = eval("lambda W, X, y, reg: looping(W, X, y, reg)", {"looping": looping})
    key = key_of(notebook, name, 0)
    report = judge(key, outcomes(key, hidden), loop="")
    assert report.points - report.earned == 1, report
    assert "more Python statements for more data" in report.verdicts[-1].message


@pytest.mark.parametrize("notebook, name", LOSSES)
def test_inputs_that_are_changed_are_reported_and_cost_nothing(notebook, name):
    report = report_on(notebook, name, answers(notebook).loss_that_spoils_its_inputs, 0)
    assert report.passed
    assert "changes its input W" in repr(report) and "changes its input X" in repr(report)


# Credit carried forward


def test_a_wrong_loss_costs_nothing_twice_in_training():
    """One step follows the student's own gradient: only what cannot be known without it is lost."""
    for mistake in ("other convention", "loss not averaged", "gradient not averaged", "penalty divided by N"):
        function = mistaken("svm", "svm_loss_vectorized", mistake).function("train")
        report = report_on("svm", "train", function, 0)
        assert report.verdicts[0].earned == 2, report
    conventional = mistaken("svm", "svm_loss_vectorized", "other convention").function("train")
    assert all(report_on("svm", "train", conventional, seed).passed for seed in SEEDS)


def test_training_without_a_loss_says_what_it_needs():
    source = REFERENCES["svm"].source
    start, end = source.index("def svm_loss_vectorized"), source.index("def train")
    empty = "def svm_loss_vectorized(W, X, y, reg):\n    raise NotImplementedError()\n\n\n"
    report = report_on("svm", "train", Reference(source[:start] + empty + source[end:], "svm").function("train"), 0)
    assert report.earned == 0 and "not implemented yet" in repr(report), report


# Answers that are none


def trivial(name):
    yield lambda *a: None
    yield from (lambda *a, i=i: a[i] for i in range(2))
    if name == "predict":
        for constant in range(6):
            yield lambda W, X, c=constant: np.full(len(X), c)
        yield lambda W, X: np.arange(len(X)) % W.shape[1]
        yield lambda W, X: np.random.default_rng(3).integers(0, W.shape[1], len(X))
    elif name == "train":
        yield lambda W, X, y, *a: (W, np.zeros(a[2]))
        yield lambda W, X, y, *a: (W, np.ones(a[2]))
        yield lambda W, X, y, *a: (W, np.random.random(a[2]))
        yield lambda W, X, y, *a: (0 * W, np.arange(a[2]))
    else:
        for loss in (0.0, 1.0, 2.3026, np.inf, np.nan):
            yield lambda W, X, y, reg, loss=loss: (loss, np.zeros_like(W))
            yield lambda W, X, y, reg, loss=loss: (loss, np.ones_like(W))
        yield lambda W, X, y, reg: (W.shape[1] - 1, np.zeros_like(W))
        yield lambda W, X, y, reg: (np.log(W.shape[1]), np.zeros_like(W))
        yield lambda W, X, y, reg: (W.sum(), np.ones_like(W))
        yield lambda W, X, y, reg: (np.sum(W**2), 2 * W)
        yield lambda W, X, y, reg: (np.sum(X @ W), X.T @ np.ones((len(X), W.shape[1])))
        yield lambda W, X, y, reg: (np.random.random(), np.random.random(W.shape))
        yield lambda W, X, y, reg: X @ W


@pytest.mark.parametrize("notebook, name", FUNCTIONS)
def test_answers_that_do_not_look_at_the_problem_earn_nothing(notebook, name):
    for number, function in enumerate(trivial(name)):
        for seed in SEEDS[:2]:
            report = report_on(notebook, name, function, seed)
            assert report.earned == 0, (number, seed, report)


@pytest.mark.parametrize("notebook, name", LOSSES)
def test_the_loss_alone_and_the_penalty_alone_earn_their_own_points(notebook, name):
    right = REFERENCES[notebook].function(name)

    def loss_alone(W, X, y, reg):
        return right(W, X, y, reg)[0], np.zeros_like(W)

    def penalty_alone(W, X, y, reg):
        return reg * np.sum(W**2), 2 * reg * W

    titles = {
        f: {v.title for v in report_on(notebook, name, f, 0).verdicts if v.earned} for f in (loss_alone, penalty_alone)
    }
    loops = {"Uses no Python loop"} if "vectorized" in name else set()
    assert titles[loss_alone] - loops == {p.title for p in CHECKS[notebook][name].properties if p.outputs == (0,)}
    assert titles[penalty_alone] - loops == {"The penalty: reg ΣW² in the loss, 2 reg W in its gradient"}


@cache
def notebook_of(name):
    return nbformat.read(PATHS[name], as_version=4)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_cells_that_plot_train_or_load_data_are_skipped_when_grading(name):
    for cell in notebook_of(name).cells:
        heavy = any(w in cell.source for w in ("plt.", "load(", "cs231n_kit.gradients", "print(", "train(start"))
        if cell.cell_type == "code" and heavy and "def " not in cell.source:
            assert SKIP_TAG in cell.metadata.get("tags", []), cell.source


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_answer_is_left_outside_the_solution_regions(name):
    for cell in notebook_of(name).cells:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("solution"):
            for word in ("margins[", "dscores", "np.log(total", "exp(shifted", "argmax(X @ W", "random.choice"):
                assert word not in cell.source, (word, cell.source)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_kits_own_answers_are_hidden_while_grading(name):
    hidden = {
        f"cs231n_kit.{m}" for m in ("losses", "linear_classifier", "layers", "optimizers", "gradients", "kernels")
    }
    assert hidden | {"cs231n_kit.networks", "cs231n_kit.training", "sklearn", "torch"} <= set(CHECKS[name].masked)


@pytest.mark.parametrize("path", sorted(ROOT.glob("solutions/*/*.ipynb")), ids=lambda path: path.stem)
def test_what_is_hidden_exists_and_the_kits_networks_are_hidden_from_every_notebook(path):
    masked = load_checks(path.stem).masked
    ours = [name for name in masked if name.startswith("cs231n_kit.")]
    assert len(set(masked)) == len(masked) and not [name for name in ours if importlib.util.find_spec(name) is None]
    if path.stem != "knn":  # which asks for nothing that a network could answer
        assert {"cs231n_kit.architectures", "cs231n_kit.characters", "cs231n_kit.networks"} <= {*ours}


def test_a_call_changes_no_random_numbers_of_the_notebook():
    np.random.seed(4)
    expected = np.random.random()
    np.random.seed(4)
    call(lambda: np.random.random(7), ())
    assert np.random.random() == expected
