"""The checks of assignment 3's `transfer_learning`: right answers earn everything, known mistakes what is said here."""

import types

import numpy as np
import pytest
from exercise import Exercise, Trials, absent
from scipy.signal import correlate2d
from scipy.special import logsumexp

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.relations import unmoved
from cs231n_kit.gradients import numeric_gradient
from grader.checks.transfer_learning.networks import AVERAGES, images, network

EXERCISE = Exercise("assignment3", "transfer_learning")
POINTS_LOST = {
    "select_classes": {
        "labels not counted anew": 2,
        "labels in order of appearance": 2,
        "labels in ascending order": 1,
        "labels counted from 1": 2,
        "sorted by class": 2,
        "all images": 2,
        "the other classes": 2,
    },
    "loss_and_gradients": {
        "frozen blocks in training mode": 4.5,
        "frozen blocks normalised by the batch": 3.5,
        "everything in test mode": 5,
        "test mode as soon as something is frozen": 4,
        "modes exchanged": 5.5,
        "stops at the first frozen block": 1,
        "gradients of the head alone": 3,
        "running averages lost": 1,
        "gradients averaged again": 3.5,
    },
    "update": {
        "frozen has no effect": 2,
        "frozen layers with a gradient of 0": 1,
        "frozen layers decay": 1,
        "frozen layers at a rate of almost 0": 2,
        "all that has no gradient is stepped": 1,
        "memory of frozen layers goes on moving them": 1,
        "body_scale has no effect": 1,
        "the head slowed, too": 1,
        "the head slowed instead": 1,
        "gradients scaled instead of the rate": 1,
        "divided by body_scale": 1,
        "memory lost": 1,
        "memory not used": 2,
        "no weight decay": 0.5,
        "weight decay in the gradient": 0.5,
        "learning rate of the configs": 1,
        "learning rate fixed": 4,
        "only what was stepped comes back": 3,
    },
    "replace_head": {
        "arrays shared": 1,
        "the old network changed": 1,
        "old head kept": 3,
        "old head kept where it fits": 1,
        "old biases kept": 1,
        "weights of 0": 1,
        "weights not scaled": 1,
        "weights transposed": 1,
        "body new, too": 1,
        "running averages reset": 1,
        "running averages missing": 1,
    },
    "extract_features": {
        "training mode": 4,
        "training mode on a copy": 4,
        "last batch dropped": 1.5,
        "last batch left at zeros": 1.5,
        "first batch only": 4,
        "last batch filled up": 1.5,
        "scores of the old head": 4,
        "one block too early": 4,
        "before the ReLU": 4,
        "maps averaged": 4,
        "not flattened": 4,
        "channels last": 4,
    },
    "train_head": {
        "head begins at 0": 2.5,
        "features standardised": 2.5,
        "one step for all images": 2.5,
        "head not put back": 3,
        "head alone": 0.5,
        "one epoch": 2.5,
        "seed not handed on": 1.5,
        "learning rate fixed": 2.5,
    },
    "fine_tune": {
        "first blocks instead of the last": 3.5,
        "nothing frozen at a count of 0": 2,
        "nothing frozen": 4,
        "frozen and trained exchanged": 4,
        "everything frozen": 4,
        "one block at a time": 2,
        "last stage only": 1.5,
        "first stage only": 2.5,
        "stages in reverse": 1.5,
        "blocks at the whole rate": 1.5,
        "everything at the smaller rate": 1.5,
        "slower twice": 1.5,
        "seed not handed on": 1.5,
    },
}
STYLES = EXERCISE.answers.STYLES


def notebook(**answers):
    """A notebook's names with these answers in it: the given functions call them, and they the given functions."""
    names = dict(EXERCISE.reference.namespace)
    for name, function in EXERCISE.reference.namespace.items():
        if isinstance(function, types.FunctionType) and function.__globals__ is EXERCISE.reference.namespace:
            names[name] = _moved(function, names)
    for name, answer in answers.items():
        for helper, value in answer.__globals__.items():
            names.setdefault(helper, value)
        names[name] = _moved(answer, names)
    return names


def _moved(function, names):
    return types.FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)


def report(name, answer):
    return EXERCISE.report(name, notebook(**{name: answer})[name])


# The reference


def scores(params, X, frozen):
    """The scores (N, K) by the formulas, with SciPy's correlation for the convolutions."""
    depth = (len(params) - 2) // 5
    for i in range(1, depth + 1):
        w, gamma, beta, mean, var = (params[f"block{i}.{k}"] for k in ("w", "gamma", "beta", *AVERAGES))
        maps = np.stack(
            [[sum(map(same_size, image, filters)) for filters in w] for image in X]  # over the channels
        )
        if f"block{i}" not in frozen:
            mean, var = maps.mean(axis=(0, 2, 3)), maps.var(axis=(0, 2, 3))
        mean, var, gamma, beta = (part.reshape(-1, 1, 1) for part in (mean, var, gamma, beta))
        maps = np.maximum(0, gamma * (maps - mean) / np.sqrt(var + 1e-5) + beta)
        N, F, H, W = (*maps.shape[:2], maps.shape[2] // 2, maps.shape[3] // 2)
        X = maps[:, :, : 2 * H, : 2 * W].reshape(N, F, H, 2, W, 2).max(axis=(3, 5))
    return X.reshape(len(X), -1) @ params["head.w"] + params["head.b"]


def same_size(channel, weights):
    return correlate2d(channel, weights, mode="same")


@pytest.mark.parametrize("frozen", [(), ("block1",), ("block2",), ("block1", "block2")])
def test_the_reference_agrees_with_the_formulas_and_their_numeric_gradients(frozen):
    rng = np.random.default_rng(len(frozen))
    params = network(rng, (4, 2, 4, 4), (2, 3))
    X, y = images(rng, (4, 2, 4, 4))

    def loss(moved):
        rows = scores(moved, X, frozen)
        return np.mean(logsumexp(rows, axis=1) - rows[np.arange(len(y)), y])

    after = dict(params)
    told, grads = EXERCISE.reference.function("loss_and_gradients")(after, X, y, frozen)
    assert told == pytest.approx(loss(params))
    assert set(grads) == {n for n in params if "running" not in n and n.split(".")[0] not in frozen}
    for name, gradient in grads.items():
        expected = numeric_gradient(lambda value, name=name: loss({**params, name: value}), params[name].copy())
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-8)
    for name in params:
        moves = "running" in name and name.split(".")[0] not in frozen
        assert np.array_equal(after[name], params[name]) != moves


def test_the_reference_steps_as_adamw_is_published():
    rng = np.random.default_rng(2)
    start, gradients = network(rng), [network(rng) for _ in range(4)]
    for name, rate in (("head.w", 0.1), ("block2.w", 0.02)):
        w, (b1, b2) = start[name], (0.9, 0.999)
        for t in range(1, 5):
            past = np.array([g[name] for g in gradients[:t]])
            m = np.einsum("i,i...", (1 - b1) * b1 ** np.arange(t - 1, -1, -1), past) / (1 - b1**t)
            v = np.einsum("i,i...", (1 - b2) * b2 ** np.arange(t - 1, -1, -1), past**2) / (1 - b2**t)
            w = w - rate * (m / (np.sqrt(v) + 1e-8) + 0.3 * w)
        params, configs = start, {}
        for g in gradients:
            params, configs = EXERCISE.reference.function("update")(params, g, configs, ("block1",), 0.1, 0.2, 0.3)
        np.testing.assert_allclose(params[name], w, rtol=1e-10)
        assert np.array_equal(params["block1.w"], start["block1.w"]) and "block1.w" not in configs


def test_the_references_features_are_what_its_head_works_on():
    rng = np.random.default_rng(3)
    params, (X, _) = network(rng), images(rng)
    features = EXERCISE.reference.function("extract_features")(params, X, 2)
    expected = scores(params, X, ("block1", "block2"))
    np.testing.assert_allclose(features @ params["head.w"] + params["head.b"], expected, rtol=1e-10)


# Known mistakes


class TestExercise(Trials):
    exercise, points_lost = EXERCISE, POINTS_LOST


def test_a_mistake_in_another_style_is_recognised():
    def update(params, grads, configs, frozen, learning_rate, body_scale, weight_decay):
        """Gradients of 0 for what is frozen, as many a training loop has it."""
        grads = {name: g * (layer_of(name) not in frozen) for name, g in grads.items()}  # noqa: F821
        for name in grads:
            rate = learning_rate if name[:4] == "head" else learning_rate * body_scale
            asked = dict(configs.get(name, {}), learning_rate=rate, weight_decay=weight_decay)
            params[name], configs[name] = adamw(params[name], grads[name], asked)  # noqa: F821
        return params, configs

    found = report("update", update)
    assert found.mistakes == ("frozen layers with a gradient of 0",), found
    assert found.points - found.earned == POINTS_LOST["update"]["frozen layers with a gradient of 0"]
    assert "is not what it was, bit by bit" in repr(found)


# Right answers


@pytest.mark.parametrize("style", range(6), ids=lambda style: STYLES["update"][style].__name__)
def test_a_notebook_in_any_style_earns_full_points(style):
    names = notebook(**{name: answers[style] for name, answers in STYLES.items()})
    for name in EXERCISE.functions:
        EXERCISE.assert_full_points(name, names[name])


def test_there_are_at_least_six_variants_of_each():
    assert set(STYLES) == set(EXERCISE.functions)
    assert all(len(set(answers)) == 6 for answers in STYLES.values())


# Wrong ones


def same_arrays(params, *arguments):
    return params


IDLE = {
    "select_classes": (lambda X, y, classes: (X, y), lambda X, y, classes: (0 * X, 0 * y)),
    "loss_and_gradients": (
        lambda params, *rest: (0.0, {name: 0 * array for name, array in params.items()}),
        lambda params, *rest: (1.0, params),
    ),
    "update": (
        lambda params, grads, configs, *rest: (params, configs),
        lambda params, grads, configs, *rest: ({name: 0 * array for name, array in params.items()}, configs),
        lambda params, grads, *rest: (grads, {}),
    ),
    "replace_head": (
        same_arrays,
        lambda params, *rest: {},
        lambda params, *rest: {n: 0 * a for n, a in params.items()},
    ),
    "extract_features": (lambda params, X, *rest: X, lambda params, X, *rest: np.zeros((len(X), 6))),
    "train_head": (same_arrays, lambda params, *rest: {}),
    "fine_tune": (same_arrays, lambda params, *rest: {}),
}


@pytest.mark.parametrize("name", EXERCISE.functions)
def test_templates_zeros_and_what_comes_in_earn_nothing(name):
    for answer in (absent, lambda *arguments: None, *IDLE[name]):
        assert report(name, answer).earned == 0, report(name, answer)
    assert {v.status for v in report(name, absent).verdicts} == {"not implemented yet"}


@pytest.mark.parametrize("strange", [np.array("text"), np.array([None]), np.full((4, 3), np.nan), 1j * np.ones((4, 3))])
@pytest.mark.parametrize("name", EXERCISE.functions)
def test_strange_values_are_refused_without_an_error(name, strange):
    everything = dict.fromkeys(network(np.random.default_rng(0), filters=(2, 2, 2), shape=(1, 1, 8, 8)), strange)
    for answer in (
        lambda *arguments: strange,
        lambda *arguments: everything,
        lambda *arguments: (strange, everything),
        lambda *arguments: (everything, strange),
    ):
        assert report(name, answer).earned == 0


def test_what_depends_on_other_functions_waits_for_them():
    names = notebook(loss_and_gradients=absent)
    for name in ("train_head", "fine_tune"):
        assert {v.status for v in EXERCISE.report(name, names[name]).verdicts} == {"not implemented yet"}
    assert EXERCISE.report("extract_features", names["extract_features"]).passed


def test_unmoved_wants_bits_where_nothing_may_change_and_a_change_elsewhere():
    before = {"stays": np.array([0.1, 0.2]), "moves": np.array([1.0, 2.0])}
    case = Case((before,), (before["stays"], np.array([3.0, 4.0])), take=("stays", "moves"))

    def failure(stays, moves):
        (related,) = unmoved([case], [(np.array(stays), np.array(moves))])
        agrees = all(np.array_equal(a, b) for a, b in zip(related.expected, related.actual, strict=True))
        return related.failure or ("" if agrees else "differs")

    assert failure([0.1, 0.2], [5.0, 6.0]) == ""
    assert failure([np.nextafter(0.1, 1), 0.2], [5.0, 6.0]) == "stays is not what it was, bit by bit"
    assert failure([0.1, 0.2], [1.0, 2.0]) == "moves stays, but should change"
    for other in ([np.nan, 1.0], [1.0, 2.0, 3.0], ["a", "b"]):
        assert failure([0.1, 0.2], other) == "differs"


# The notebook


def test_cells_that_train_or_plot_are_skipped_and_the_kits_networks_hidden():
    EXERCISE.assert_cells_are_tagged({"setup"})
    masked = set(EXERCISE.checks.masked)
    assert {f"cs231n_kit.{name}" for name in ("networks", "training", "explorations", "architectures")} <= masked
    assert not {f"cs231n_kit.{name}" for name in ("layers", "kernels", "losses", "optimizers")} & masked


def test_the_text_gives_the_points_of_sections():
    text = "\n".join(c.source for c in EXERCISE.notebook.cells if c.cell_type == "markdown")
    for words, name in {
        "Your own classes": "select_classes",
        "frozen blocks": "loss_and_gradients",
        "spares some layers": "update",
        "Features": "extract_features",
        "A new head": "replace_head",
        "features, once": "train_head",
        "fine-tuning": "fine_tune",
    }.items():
        assert f"{words} ({EXERCISE.checks[name].points:g} points)" in text
