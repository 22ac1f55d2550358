"""The checks of assignment 1's `two_layer_net`: right answers earn everything, known mistakes what is said here."""

import importlib.util
import types
import warnings
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
from scipy.special import logsumexp

from cs231n_kit.checking import outcomes
from cs231n_kit.checking.answer_key import load_key, save_key
from cs231n_kit.checking.verdicts import judge
from cs231n_kit.gradients import numeric_gradient
from grader.check import add_mistakes, draw_cases, load_checks
from grader.judge import public_generator
from grader.reference import SKIP_TAG, Reference

ROOT = Path(__file__).parents[1]
NAME = "two_layer_net"
SEEDS = range(2)
CHECKS = load_checks(NAME)
PATH = ROOT / "solutions" / "assignment1" / f"{NAME}.ipynb"
REFERENCE = Reference.from_notebook(PATH)
FUNCTIONS = [check.function for check in CHECKS.checks]

POINTS_LOST = {
    "affine_forward": {
        "no bias": 3,
        "bias subtracted": 3,
        "not reshaped": 1.5,
        "columns instead of rows": 3,
        "Fortran order": 1.5,
        "activated": 3,
        "divided by N": 3,
    },
    "affine_backward": {
        "bias gradient over the wrong axis": 2.5,
        "bias gradient one number": 2.5,
        "bias gradient averaged": 2.5,
        "bias gradient not summed": 2.5,
        "no bias gradient": 2.5,
        "dx not reshaped back": 1.5,
        "x not reshaped": 1.5,
        "dw averaged": 3,
        "everything averaged": 4,
        "weights not transposed": 5,
        "returned in another order": 4,
        "dw transposed": 3,
        "bias added to dx": 3,
    },
    "relu_forward": {
        "unchanged": 1,
        "absolute value": 1,
        "wrong side": 1,
        "zeros and ones": 1,
        "leaky": 1,
        "squashed": 1,
        "cut at 1": 1,
    },
    "relu_backward": {
        "no mask": 2,
        "wrong side": 2,
        "mask alone": 2,
        "times x": 2,
        "sign of dout": 2,
        "sign of both": 2,
        "leaky": 2,
        "not finite at 0": 0.5,
    },
    "svm_loss": {
        "loss not averaged": 2.5,
        "gradient not averaged": 2.5,
        "nothing averaged": 3.5,
        "gradient downhill": 2.5,
        "right class counted": 4,
        "right class counted in the loss only": 2,
        "no delta": 3.5,
        "delta subtracted": 3.5,
        "squared hinge": 3.5,
        "largest margin only": 2.5,
        "mean over the classes too": 2.5,
        "margins not cut at zero": 2.5,
        "whole columns set to zero": 4,
        "whole columns replaced": 2.5,
        "nothing for the right class": 2.5,
        "right class once an example": 2.5,
        "margins instead of their slope": 2.5,
        "labels of the first example": 4,
    },
    "softmax_loss": {
        "loss not averaged": 3.5,
        "gradient not averaged": 3.5,
        "nothing averaged": 4.5,
        "gradient downhill": 3.5,
        "not shifted": 1,
        "one maximum for all": 1,
        "logarithm of zero": 1,
        "constant in the logarithm": 1,
        "softmax over the wrong axis": 5,
        "one sum for all": 5,
        "softmax twice": 5,
        "negative loss": 3.5,
        "no logarithm": 3.5,
        "all classes in the loss": 3.5,
        "mean over the classes too": 3.5,
        "other logarithm": 3.5,
        "decimal logarithm": 3.5,
        "probabilities as gradient": 3.5,
        "whole columns reduced": 3.5,
        "right class only": 3.5,
    },
    "TwoLayerNet": {
        "no ReLU": 5,
        "ReLU in one direction only": 2,
        "ReLU on the scores": 5,
        "ReLU on the scores, not on the way back": 6,
        "no first bias": 6,
        "no second bias": 6,
        "scores instead of the loss": 3.5,
        "labels not looked at": 5.5,
        "probabilities instead of scores": 2,
        "labels instead of scores": 2,
        "hinge loss": 3.5,
        "no regularisation": 2,
        "penalty missing in the loss": 2,
        "penalty missing in the gradients": 2,
        "penalty's gradient halved": 2,
        "other convention": 1,
        "penalty halved in the loss": 2,
        "penalty doubled in the gradients": 2,
        "penalty divided by N": 1,
        "penalty of the first layer only": 1,
        "penalty of the last layer only": 1,
        "penalty without squares": 2,
        "biases penalised": 1,
        "biases penalised in the loss": 2,
        "biases penalised in the gradients": 2,
        "gradients averaged again": 3,
        "old penalty gradient only": 3,
        "weights not scaled": 1,
        "weights zero": 1,
        "weights all positive": 1,
        "weights of variance weight_scale": 1,
        "weights transposed": 1,
        "biases random": 1,
        "biases one": 1,
    },
}


def generator(seed):
    return lambda p: np.random.default_rng([seed, *p.title.encode()])


@cache
def key_of(function, seed):
    return add_mistakes(draw_cases(CHECKS[function], REFERENCE, generator(seed)), CHECKS[function], REFERENCE)


def report_on(name, function, seed):
    return judge(key_of(name, seed), outcomes(key_of(name, seed), function), "")


@cache
def mistaken(function, name):
    mistake = next(m for m in CHECKS[function].mistakes if m.name == name)
    return REFERENCE.patched(mistake.replace)


@cache
def answers():
    spec = importlib.util.spec_from_file_location(f"answers_{NAME}", Path(__file__).parent / "answers" / f"{NAME}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def beside(function, **others):
    """`function` as if `others` were defined in its notebook."""
    namespace = {**function.__globals__, **others}
    return types.FunctionType(function.__code__, namespace, function.__name__, None, function.__closure__)


def in_pairs():
    """(name of the check, function) for all styles of layers, each beside its other half."""
    for kind, pairs in (("affine", answers().AFFINE), ("relu", answers().RELU)):
        for forward, backward in pairs:
            yield f"{kind}_forward", forward
            yield f"{kind}_backward", beside(backward, **{f"{kind}_forward": forward})


# The reference


def test_reference_layers_agree_with_the_formulas_and_their_numeric_gradients():
    rng = np.random.default_rng(4)
    forward, backward = REFERENCE.function("affine_forward"), REFERENCE.function("affine_backward")
    x, w, b, dout = rng.normal(size=(3, 2, 4)), rng.normal(size=(8, 5)), rng.normal(size=5), rng.normal(size=(3, 5))
    out, kept = forward(x, w, b)
    for n, j in np.ndindex(3, 5):
        assert out[n, j] == pytest.approx(sum(x[n].flat[d] * w[d, j] for d in range(8)) + b[j])
    arguments = {"x": x, "w": w, "b": b}
    for (name, value), gradient in zip(arguments.items(), backward(dout, kept), strict=True):
        moved = lambda v, name=name: np.sum(dout * forward(**{**arguments, name: v})[0])  # noqa: E731
        np.testing.assert_allclose(gradient, numeric_gradient(moved, value.copy()), rtol=1e-6, atol=1e-8)
    out, kept = REFERENCE.function("relu_forward")(x)
    assert out.tolist() == [[[max(v, 0.0) for v in row] for row in example] for example in x.tolist()]
    dx = REFERENCE.function("relu_backward")(x + 1, kept)
    np.testing.assert_array_equal(dx, [[[v + 1 if v > 0 else 0 for v in row] for row in e] for e in x.tolist()])


def svm(x, y):
    return sum(max(0, s - row[c] + 1) for row, c in zip(x, y, strict=True) for j, s in enumerate(row) if j != c) / len(
        x
    )


def softmax(x, y):
    return np.mean([logsumexp(row) - row[c] for row, c in zip(x, y, strict=True)])


@pytest.mark.parametrize("name, oracle", [("svm_loss", svm), ("softmax_loss", softmax)])
def test_reference_losses_agree_with_the_formula_and_its_numeric_gradient(name, oracle):
    rng = np.random.default_rng(5)
    x, y = 2 * rng.normal(size=(6, 4)), rng.integers(0, 4, size=6)
    loss, dx = REFERENCE.function(name)(x, y)
    assert loss == pytest.approx(oracle(x, y))
    np.testing.assert_allclose(dx, numeric_gradient(lambda x: oracle(x, y), x.copy()), rtol=1e-6, atol=1e-8)


def test_reference_network_agrees_with_the_formula_and_its_numeric_gradients():
    rng = np.random.default_rng(6)
    np.random.seed(6)
    network = REFERENCE.function("TwoLayerNet")(6, 5, 4, weight_scale=0.8, reg=0.3)
    X, y = rng.normal(size=(7, 3, 2)), rng.integers(0, 4, size=7)

    def loss():
        p = network.params
        scores = np.maximum(0, X.reshape(7, 6) @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        return softmax(scores, y) + 0.3 * ((p["W1"] ** 2).sum() + (p["W2"] ** 2).sum())

    told, grads = network.loss(X, y)
    assert told == pytest.approx(loss())
    assert set(grads) == set(network.params)
    for name, value in network.params.items():
        expected = numeric_gradient(lambda v: loss(), value)
        np.testing.assert_allclose(grads[name], expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_reference_earns_everything_and_its_cases_stay_small(name):
    for seed in SEEDS:
        assert report_on(name, REFERENCE.function(name), seed).passed
    assert len(save_key([draw_cases(CHECKS[name], REFERENCE, generator(0))])) < 300_000


# Known mistakes


def test_every_known_mistake_is_listed_here():
    for check in CHECKS.checks:
        assert sorted(m.name for m in check.mistakes) == sorted(POINTS_LOST[check.function]), check.function


@pytest.mark.parametrize("name, mistake", [(f, m) for f in FUNCTIONS for m in POINTS_LOST.get(f, ())])
def test_known_mistake_is_caught_and_recognised_as_itself(name, mistake):
    hint = next(m.hint for m in CHECKS[name].mistakes if m.name == mistake)
    for seed in SEEDS:
        report = report_on(name, mistaken(name, mistake).function(name), seed)
        assert report.points - report.earned == POINTS_LOST[name][mistake], (seed, report)
        assert report.mistakes == (mistake,), (seed, report)
        assert hint in repr(report)


def test_hints_are_sentences_and_do_not_contain_the_repair():
    for check in CHECKS.checks:
        for mistake in check.mistakes:
            assert mistake.hint.endswith((".", "?", ")")) and len(mistake.hint) > 25
            for right, _ in mistake.replace:
                assert right not in mistake.hint


def test_a_mistake_is_recognised_whatever_the_students_cache_looks_like():
    def affine_backward(dout, cache):
        dflat = (dout @ cache["w"].T).reshape(cache["shape"])
        return dflat, cache["flat"].T @ dout, dout.sum(axis=1)

    function = beside(affine_backward, affine_forward=answers().affine_keeping_a_dictionary)
    report = report_on("affine_backward", function, 0)
    assert report.mistakes == ("bias gradient over the wrong axis",), report
    assert report.points - report.earned == POINTS_LOST["affine_backward"]["bias gradient over the wrong axis"]


# Correct answers


def assert_full_points(name, function):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what a student warns about must not reach us
        for seed in SEEDS:
            report = report_on(name, function, seed)
            assert report.passed, (function.__name__, seed, report)


def test_layers_in_any_style_earn_full_points():
    for name, function in in_pairs():
        assert_full_points(name, function)


@pytest.mark.parametrize("name, style", [("svm_loss", "SVM"), ("softmax_loss", "SOFTMAX"), ("TwoLayerNet", "NETWORKS")])
def test_losses_and_networks_in_any_style_earn_full_points(name, style):
    for variant in getattr(answers(), style):
        assert_full_points(name, variant)


def test_there_are_at_least_six_variants_of_each():
    for style in ("AFFINE", "RELU", "SVM", "SOFTMAX", "NETWORKS"):
        assert len(set(getattr(answers(), style))) >= 6


def test_inputs_that_are_changed_are_reported_and_cost_nothing():
    report = report_on("affine_forward", answers().affine_keeping_copies, 0)
    assert report.passed and "changes its input x" in repr(report) and "changes its input w" in repr(report)

    class Spoiling(answers().TwoLayerNet):
        def loss(self, X, y=None):
            result = super().loss(X, y)
            self.params["W1"] *= 0
            return result

    report = report_on("TwoLayerNet", Spoiling, 0)
    assert report.passed and "changes the network's params" in repr(report)


# Credit carried forward


def absent(*arguments):
    raise NotImplementedError


def no_cache(x, w, b):
    return x.reshape(len(x), -1) @ w + b


def unusable_cache(x, w, b):
    return no_cache(x, w, b), "nothing of use"


@pytest.mark.parametrize("forward", [absent, no_cache, unusable_cache])
def test_a_backward_pass_is_judged_on_the_cache_of_the_text_where_the_own_one_fails(forward):
    report = report_on("affine_backward", beside(answers().affine_backward, affine_forward=forward), 0)
    assert [v.earned for v in report.verdicts] == [1, 1, 1, 0.5, 0.5, 0], report
    report = report_on("relu_backward", beside(answers().relu_backward, relu_forward=lambda x: forward(x, 1, 1)), 0)
    assert report.verdicts[0].earned == 1 and report.verdicts[1].earned == 0


def test_what_the_own_forward_pass_lacks_is_said():
    said = repr(report_on("affine_backward", beside(answers().affine_backward, affine_forward=no_cache), 0))
    assert "needs what the forward pass keeps, and that has no second value" in said
    said = repr(report_on("affine_backward", beside(answers().affine_backward, affine_forward=absent), 0))
    assert "needs affine_forward, which returns nothing" in said


def halved(x, w, b):
    return (x.reshape(len(x), -1) @ w + b) / 2, (x, w, b)


def halved_backward(dout, cache):
    x, w, _ = cache
    dout = dout / 2
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(axis=0)


def test_the_gradient_of_a_wrong_forward_pass_earns_its_point_and_a_right_one_is_not_lost():
    report = report_on("affine_backward", beside(halved_backward, affine_forward=halved), 0)
    assert [v.earned for v in report.verdicts] == [0, 0, 0, 0, 0, 1], report
    report = report_on("affine_backward", beside(answers().affine_backward, affine_forward=halved), 0)
    assert [v.earned for v in report.verdicts] == [1, 1, 1, 0.5, 0.5, 0], report


def test_a_wrong_layer_costs_its_own_points_and_its_part_of_the_network():
    class Network(answers().TwoLayerNet):
        loss = beside(answers().TwoLayerNet.loss, affine_forward=lambda x, w, b: (no_cache(x, w, 0 * b), (x, w, b)))

    earned = {v.title: v.earned for v in report_on("TwoLayerNet", Network, 0).verdicts}
    assert earned["A new network: shapes, biases of zero, weights of size weight_scale"] == 1
    assert earned["The penalty: reg (ΣW1² + ΣW2²), and its gradient"] == 1
    assert earned["loss(X) gives the scores"] == 0


# Answers that are none


def trivial(name):
    yield lambda *a: None
    yield lambda *a: a[0]
    yield lambda *a: (a[0], a[0])
    if name == "affine_forward":
        yield lambda x, w, b: (np.zeros((len(x), len(b))), None)
        yield lambda x, w, b: (np.tile(b, (len(x), 1)), (x, w, b))
        yield lambda x, w, b: (np.random.random((len(x), len(b))), (x, w, b))
    elif name == "affine_backward":
        yield lambda dout, cache: cache
        yield lambda dout, cache: tuple(np.zeros_like(a) for a in cache)
        yield lambda dout, cache: tuple(np.ones_like(a) for a in cache)
    elif name == "relu_forward":
        yield lambda x: (np.zeros_like(x), x)
        yield lambda x: (np.ones_like(x), x)
    elif name == "relu_backward":
        yield lambda dout, cache: cache
        yield lambda dout, cache: 0.5 * dout
    elif "loss" in name:
        for loss in (0.0, 1.0, 2.3026, np.inf, np.nan):
            yield lambda x, y, loss=loss: (loss, np.zeros_like(x))
            yield lambda x, y, loss=loss: (loss, np.ones_like(x))
        yield lambda x, y: (np.log(x.shape[1]), np.zeros_like(x))
        yield lambda x, y: (x.sum(), np.ones_like(x))
        yield lambda x, y: (np.sum(x**2), 2 * x)
        yield lambda x, y: (np.random.random(), np.random.random(x.shape))


class Zeros:
    def __init__(self, input_dim, hidden_dim, num_classes, weight_scale, reg):
        shapes = {"W1": (input_dim, hidden_dim), "b1": hidden_dim, "W2": (hidden_dim, num_classes), "b2": num_classes}
        self.params = {name: np.zeros(shape) for name, shape in shapes.items()}

    def loss(self, X, y=None):
        scores = np.zeros((len(X), len(self.params["b2"])))
        return scores if y is None else (0.0, {name: np.zeros_like(v) for name, v in self.params.items()})


class Template:
    def __init__(self, input_dim=3 * 32 * 32, hidden_dim=100, num_classes=10, weight_scale=1e-3, reg=0.0):
        raise NotImplementedError()

    def loss(self, X, y=None):
        raise NotImplementedError()


class NoLoss(Template):
    __init__ = Zeros.__init__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_answers_that_do_not_look_at_the_problem_earn_nothing(name):
    for number, function in enumerate((Zeros, Template, NoLoss) if name == "TwoLayerNet" else trivial(name)):
        for seed in SEEDS:
            report = report_on(name, function, seed)
            assert report.earned == 0, (number, seed, report)


def test_a_template_is_not_implemented_yet_and_not_wrong():
    for name in FUNCTIONS:
        report = report_on(name, Template if name == "TwoLayerNet" else absent, 0)
        assert {v.status for v in report.verdicts} == {"not implemented yet"}, report
    assert {v.status for v in report_on("TwoLayerNet", Zeros, 0).verdicts} == {"not implemented yet"}
    after_a_mistake = beside(absent, affine_forward=lambda x, w, b: x @ w.T)
    report = report_on("affine_backward", after_a_mistake, 0)
    assert {v.status for v in report.verdicts} == {"not implemented yet"}, report


def test_a_network_without_params_or_gradients_is_told_so():
    class NoParams(answers().TwoLayerNet):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            del self.params

    class NoGradient(answers().TwoLayerNet):
        def loss(self, X, y=None):
            result = super().loss(X, y)
            if y is not None:
                del result[1]["b1"]
            return result

    class LossAlone(answers().TwoLayerNet):
        def loss(self, X, y=None):
            result = super().loss(X, y)
            return result if y is None else result[0]

    assert "has no attribute 'params'" in repr(report_on("TwoLayerNet", NoParams, 0))
    for network, words in ((NoGradient, "returns no dictionary with the entry 'b1'"), (LossAlone, "the entry 'W1'")):
        report = report_on("TwoLayerNet", network, 0)
        earned = {v.title: v.earned for v in report.verdicts}
        assert words in repr(report) and earned["loss(X, y): the loss (reg = 0)"] == 1, report


def test_the_entry_of_the_dictionary_that_is_wrong_is_named():
    report = report_on("TwoLayerNet", mistaken("TwoLayerNet", "biases one").function("TwoLayerNet"), 0)
    assert report.verdicts[0].details.startswith("b1: 20 of 20 values differ"), report


# The answer key and the notebook


def test_the_key_comes_back_as_it_was(tmp_path):
    keys = [key_of(name, 0) for name in FUNCTIONS]
    (tmp_path / "a_key.npz").write_bytes(save_key(keys, CHECKS.trained))
    *loaded, trained = load_key(tmp_path / "a_key.npz")
    assert trained == CHECKS.trained[0]
    for key, again in zip(keys, loaded, strict=True):
        assert repr(again) == repr(key)
        np.testing.assert_equal(_plain(again), _plain(key))


def _plain(value):
    """Dataclasses and tuples as dictionaries and lists, which can be compared with the arrays in them."""
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def test_what_is_released_is_up_to_date_and_holds_no_answer():
    folder = ROOT / "assignments" / "assignment1"
    stored = {key.function: key for key in load_key(folder / f"{NAME}_key.npz")}
    for check in CHECKS.checks:
        fresh = draw_cases(check, REFERENCE, public_generator(check.function))
        fresh = add_mistakes(fresh, check, REFERENCE)
        for p, q in zip(fresh.properties, stored[check.function].properties, strict=True):
            assert (p.title, p.points, p.compare) == (q.title, q.points, q.compare)
        assert [m.hint for m in fresh.mistakes] == [m.hint for m in stored[check.function].mistakes]
    released = "\n".join(c.source for c in nbformat.read(folder / f"{NAME}.ipynb", as_version=4).cells)
    assert "BEGIN SOLUTION" not in released
    assert "np.maximum(0, x)" not in released and "dout.sum" not in released and "symmetry." not in released


@cache
def notebook():
    return nbformat.read(PATH, as_version=4)


def test_the_text_gives_the_points_of_sections():
    text = "\n".join(c.source for c in notebook().cells if c.cell_type == "markdown")
    points = [CHECKS[name].points for name in FUNCTIONS]
    for words in ("forward ({:g} points)", "backward ({:g} points)", "ReLU ({:g} + {:g} points)"):
        told = [points.pop(0) for _ in range(words.count("{"))]
        assert words.format(*told) in text
    assert "Losses ({:g} + {:g} points)".format(*points[:2]) in text and f"network ({points[2]:g} points)" in text


def test_what_only_trains_or_plots_is_not_graded():
    for cell in notebook().cells:
        if cell.cell_type == "code" and ("plt.show()" in cell.source or "train(" in cell.source):
            assert SKIP_TAG in cell.metadata.get("tags", []), cell.id


def test_edges_of_the_relu_are_what_the_title_says():
    edges = next(p for p in CHECKS["relu_forward"].properties if p.title == "Any shape, 0, float32")
    drawn = [case.arguments[0] for case in edges.cases(np.random.default_rng(0))]
    assert {x.ndim for x in drawn} == {1, 2, 4}
    assert any((x == 0).any() for x in drawn)
    assert any(x.dtype == np.float32 for x in drawn)
