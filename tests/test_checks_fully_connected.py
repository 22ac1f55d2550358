"""The checks of assignment 2's `fully_connected`: right answers earn everything, known mistakes what is said here."""

import numpy as np
import pytest
from exercise import Exercise, Trials, absent, beside
from scipy.special import logsumexp

from cs231n_kit.gradients import numeric_gradient

EXERCISE = Exercise("assignment2", "fully_connected")
POINTS_LOST = {
    "sgd_momentum": {
        "uphill": 4,
        "velocity subtracted": 4,
        "velocity not stored": 2.5,
        "learning rate outside of the velocity": 1,
        "learning rate applied twice": 4,
        "Nesterov's momentum": 4,
        "gradient weighted by 1 - momentum": 4,
        "momentum and learning rate exchanged": 4,
        "no momentum": 2.5,
        "old velocity decays twice": 2.5,
        "step of the old velocity": 4,
        "momentum fixed": 2.5,
        "learning rate fixed": 3.5,
        "parameters stored as velocity": 2.5,
    },
    "rmsprop": {
        "uphill": 4,
        "epsilon inside the root": 0.5,
        "epsilon fixed": 0.5,
        "no root": 4,
        "not divided": 4,
        "multiplied by the root": 4,
        "cache not stored": 2,
        "decay rate swapped": 4,
        "old cache not decayed": 2.5,
        "new square not weighted": 4,
        "AdaGrad": 4,
        "gradient not squared": 4,
        "absolute value for the square": 4,
        "one average for all": 4,
        "root stored": 2,
        "step by the old cache": 4,
        "learning rate fixed": 3.5,
        "decay rate fixed": 3.5,
    },
    "adam": {
        "uphill": 5,
        "no bias correction": 3,
        "m not corrected": 3,
        "v not corrected": 3,
        "both corrected by beta1": 3,
        "correction without the power": 3.5,
        "product for the power": 3.5,
        "step counted from 0": 3,
        "step counted from 2": 3,
        "t not stored": 2.5,
        "t always 1": 4.5,
        "m not stored": 2.5,
        "v not stored": 2.5,
        "nothing stored": 2.5,
        "corrected averages stored": 2.5,
        "betas exchanged": 4.5,
        "weights of m swapped": 6,
        "weights of both swapped": 6,
        "gradient not weighted": 6,
        "gradient not squared": 6,
        "squares of m": 6,
        "no root": 5,
        "epsilon inside the root": 0.5,
        "epsilon fixed": 0.5,
        "no momentum": 3.5,
        "learning rate fixed": 4.5,
        "betas fixed": 4.5,
    },
    "FullyConnectedNet": {
        "weights not scaled": 1,
        "weights zero": 1,
        "weights all positive": 1,
        "weights of variance weight_scale": 1,
        "weights transposed": 1,
        "all hidden layers of one size": 1,
        "biases random": 1,
        "biases one": 1,
        "at least one hidden layer": 0.5,
        "no ReLU": 7,
        "ReLU on the scores": 7.5,
        "ReLU on the scores, not on the way back": 8,
        "ReLU in one direction only": 3,
        "ReLU behind the first layer only": 6.5,
        "no biases in the hidden layers": 7.5,
        "no bias in the last layer": 8,
        "a hidden layer left out": 8,
        "weights shared between layers": 6.5,
        "scores instead of the loss": 4,
        "labels not looked at": 7,
        "probabilities instead of scores": 3.5,
        "caches in the order of the way forward": 6.5,
        "gradients under other layers' names": 4,
        "gradient not handed on": 6.5,
        "gradients of the middle layers missing": 4,
        "gradients averaged again": 4.5,
        "gradients averaged in each layer": 3,
        "no regularisation": 1.5,
        "penalty missing in the loss": 1.5,
        "penalty missing in the gradients": 1.5,
        "penalty's gradient halved": 1.5,
        "other convention": 1,
        "penalty halved in the loss": 1.5,
        "penalty doubled": 1,
        "penalty divided by N": 1,
        "last layer not penalised": 1,
        "first layer alone penalised": 1,
        "last layer alone penalised": 1,
        "penalty without squares": 1.5,
        "biases penalised": 1,
        "biases penalised in the loss": 1.5,
        "biases penalised in the gradients": 1.5,
        "gradients of the penalty alone": 4.5,
    },
    "learn_by_heart": {},
}
RULES = {"sgd_momentum": "MOMENTUM", "rmsprop": "RMSPROP", "adam": "ADAM"}
ANSWERS = [(name, answer) for name, style in RULES.items() for answer in getattr(EXERCISE.answers, style)]
ANSWERS += [("FullyConnectedNet", network) for network in EXERCISE.answers.NETWORKS]


def learning(network=None, rule=None):
    """The given learn_by_heart with this network and this adam."""
    return beside(
        EXERCISE.reference.function("learn_by_heart"),
        FullyConnectedNet=network or EXERCISE.reference.function("FullyConnectedNet"),
        adam=rule or EXERCISE.reference.function("adam"),
    )


# The reference


def walked(rule, gradients, config):
    """Where the rule goes from the origin, with the config it returned handed on."""
    w = np.zeros_like(gradients[0])
    for dw in gradients:
        w, config = EXERCISE.reference.function(rule)(w, dw, config)
    return w


def test_the_reference_rules_agree_with_sums_over_all_gradients():
    gradients, steps = np.random.default_rng(1).normal(size=(7, 4, 3)), np.arange(7)
    shares = [0.3 * sum(0.8**k for k in range(7 - i)) for i in steps]  # each push, and what is left of it later
    config = {"learning_rate": 0.3, "momentum": 0.8}
    np.testing.assert_allclose(walked("sgd_momentum", gradients, config), -np.einsum("i,i...", shares, gradients))

    def average(values, beta, until):
        weights = (1 - beta) * beta ** np.arange(until, -1, -1)
        return np.einsum("i,i...", weights, values[: until + 1])

    expected = [0.3 * g / (np.sqrt(average(gradients**2, 0.7, i)) + 0.1) for i, g in enumerate(gradients)]
    config = {"learning_rate": 0.3, "decay_rate": 0.7, "epsilon": 0.1}
    np.testing.assert_allclose(walked("rmsprop", gradients, config), -np.sum(expected, axis=0))

    expected = [
        0.3
        * (average(gradients, 0.8, i) / average(np.ones(7), 0.8, i))
        / (np.sqrt(average(gradients**2, 0.9, i) / average(np.ones(7), 0.9, i)) + 0.1)
        for i in steps
    ]
    config = {"learning_rate": 0.3, "beta1": 0.8, "beta2": 0.9, "epsilon": 0.1}
    np.testing.assert_allclose(walked("adam", gradients, config), -np.sum(expected, axis=0))


@pytest.mark.parametrize("hidden_dims", [[], [5], [6, 4, 5]])
def test_the_reference_network_agrees_with_the_formula_and_its_numeric_gradients(hidden_dims):
    rng = np.random.default_rng(6)
    np.random.seed(6)
    network = EXERCISE.reference.function("FullyConnectedNet")(hidden_dims, 6, 4, weight_scale=0.8, reg=0.3)
    for name in network.params:
        if name[0] == "b":
            network.params[name] = rng.normal(size=network.params[name].shape)
    X, y, depth = rng.normal(size=(7, 3, 2)), rng.integers(0, 4, size=7), len(hidden_dims) + 1

    def loss():
        h = X.reshape(7, 6)
        for i in range(1, depth + 1):
            h = h @ network.params[f"W{i}"] + network.params[f"b{i}"]
            h = np.maximum(0, h) if i < depth else h
        penalty = sum((network.params[f"W{i}"] ** 2).sum() for i in range(1, depth + 1))
        return np.mean([logsumexp(row) - row[c] for row, c in zip(h, y, strict=True)]) + 0.3 * penalty

    told, grads = network.loss(X, y)
    assert told == pytest.approx(loss()) and set(grads) == set(network.params) and len(grads) == 2 * depth
    for name, value in network.params.items():
        expected = numeric_gradient(lambda v: loss(), value)
        np.testing.assert_allclose(grads[name], expected, rtol=1e-5, atol=1e-8)


def test_what_the_reference_learns_by_heart_is_all_right_and_no_linear_classifier_could():
    for p in EXERCISE.checks["learn_by_heart"].properties:
        for seed in range(5):
            training, asking = p.cases(np.random.default_rng([seed, *p.title.encode()]))
            X, y, hidden_dims = training.arguments
            network = EXERCISE.reference.function("learn_by_heart")(X, y, hidden_dims)
            scores = network.loss(X)
            right = scores[np.arange(50), y].copy()
            scores[np.arange(50), y] = -np.inf
            assert (right - scores.max(axis=1)).min() > 2  # far from a tie, so that rounding decides nothing
            rows = np.column_stack([X.reshape(50, -1), np.ones(50)])
            fitted = rows @ np.linalg.lstsq(rows, np.eye(10)[y], rcond=None)[0]
            assert np.mean(fitted.argmax(axis=1) == y) < 0.9
            assert sorted(asking.arguments[1].ravel()) == sorted(X.ravel())


# Known mistakes


class TestExercise(Trials):
    exercise, points_lost = EXERCISE, POINTS_LOST


def test_a_mistake_in_another_style_is_recognised():
    def adam(w, dw, config=None):
        config = dict({"beta1": 0.9, "beta2": 0.999, "learning_rate": 1e-3, "epsilon": 1e-8, "t": 0}, **(config or {}))
        config["m"] = config["beta1"] * config.get("m", 0 * w) + (1 - config["beta1"]) * dw
        config["v"] = config["beta2"] * config.get("v", 0 * w) + (1 - config["beta2"]) * dw * dw
        m, v = config["m"] / (1 - config["beta1"] ** config["t"]), config["v"] / (1 - config["beta2"] ** config["t"])
        config["t"] += 1
        return w - config["learning_rate"] * m / (np.sqrt(v) + config["epsilon"]), config

    report = EXERCISE.report("adam", adam)
    assert report.mistakes == ("step counted from 0",), report
    assert report.points - report.earned == POINTS_LOST["adam"]["step counted from 0"]


# Right answers


@pytest.mark.parametrize("name, answer", ANSWERS, ids=lambda value: getattr(value, "__name__", value))
def test_answers_in_any_style_earn_full_points(name, answer):
    EXERCISE.assert_full_points(name, answer)
    if name == "adam":
        EXERCISE.assert_full_points("learn_by_heart", learning(rule=answer))
    if name == "FullyConnectedNet":
        EXERCISE.assert_full_points("learn_by_heart", learning(answer))


def test_there_are_at_least_six_variants_of_each():
    for style in (*RULES.values(), "NETWORKS"):
        assert len(set(getattr(EXERCISE.answers, style))) >= 6


def test_inputs_that_are_changed_are_reported_and_cost_nothing():
    report = EXERCISE.report("adam", EXERCISE.answers.adam_in_place)
    assert report.passed and "changes its input w" in repr(report)


# Wrong ones


@pytest.mark.parametrize("rule", RULES)
def test_a_config_that_does_not_come_back_is_asked_for(rule):
    known = EXERCISE.reference.function(rule)
    said = repr(EXERCISE.report(rule, lambda w, dw, config=None: known(w, dw, config)[0]))
    assert "returns no dictionary with the entry" in said and "that has no second value" in said


def test_what_is_not_learned_by_heart_earns_nothing():
    class Idle(EXERCISE.reference.function("FullyConnectedNet")):
        def loss(self, X, y=None):
            result = super().loss(X, y)
            return result if y is None else (result[0], {name: 0 * g for name, g in result[1].items()})

    def uphill(w, dw, config=None):
        return EXERCISE.reference.function("adam")(w, -dw, config)

    def middle_layers_stay(w, dw, config=None):
        return EXERCISE.reference.function("adam")(w, dw, {**(config or {}), "learning_rate": 1e-7})

    for answer in (learning(Idle), learning(rule=uphill), learning(rule=middle_layers_stay), lambda X, y, hidden: y):
        assert EXERCISE.report("learn_by_heart", answer).earned == 0
    report = EXERCISE.report("learn_by_heart", learning(rule=absent))
    assert {v.status for v in report.verdicts} == {"not implemented yet"}, report


class Zeros:
    def __init__(self, hidden_dims, input_dim=3072, num_classes=10, reg=0.0, weight_scale=1e-2):
        sizes = [input_dim, *hidden_dims, num_classes]
        self.params = {f"W{i}": np.zeros(sizes[i - 1 : i + 1]) for i in range(1, len(sizes))}
        self.params |= {f"b{i}": np.zeros(sizes[i]) for i in range(1, len(sizes))}

    def loss(self, X, y=None):
        scores = np.zeros((len(X), len(self.params[f"b{len(self.params) // 2}"])))
        return scores if y is None else (0.0, {name: np.zeros_like(v) for name, v in self.params.items()})


class Template(Zeros):
    def __init__(self, hidden_dims, input_dim=3072, num_classes=10, reg=0.0, weight_scale=1e-2):
        raise NotImplementedError()


class NoLoss(Zeros):
    def loss(self, X, y=None):
        raise NotImplementedError()


def test_templates_zeros_and_what_comes_in_earn_nothing():
    for name in RULES:
        for answer in (
            absent,
            lambda w, dw, config=None: None,
            lambda w, dw, config=None: (w, config),
            lambda w, dw, config=None: (0 * w, {"velocity": 0 * w, "cache": 0 * w, "m": 0 * w, "v": 0 * w, "t": 0}),
            lambda w, dw, config=None: (w - 0.01 * np.sign(dw), {}),
        ):
            report = EXERCISE.report(name, answer)
            assert report.earned == 0, (name, report)
        assert {v.status for v in EXERCISE.report(name, absent).verdicts} == {"not implemented yet"}
    for network in (Zeros, Template, NoLoss):
        assert EXERCISE.report("FullyConnectedNet", network).earned == 0
        assert EXERCISE.report("learn_by_heart", learning(network)).earned == 0


@pytest.mark.parametrize("strange", [np.array("text"), np.array([None]), np.full((4, 3), np.nan), 1j * np.ones((4, 3))])
def test_strange_values_are_refused_without_an_error(strange):
    class Strange(EXERCISE.reference.function("FullyConnectedNet")):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            if not settings:
                self.params = dict.fromkeys(self.params, strange)

        def loss(self, X, y=None):
            return strange if y is None else (strange, dict.fromkeys(self.params, strange))

    everything = dict.fromkeys(("velocity", "cache", "m", "v", "t"), strange)
    for name in RULES:
        assert EXERCISE.report(name, lambda w, dw, config=None: (strange, everything)).earned == 0
    assert EXERCISE.report("FullyConnectedNet", Strange).earned == 0
    assert EXERCISE.report("learn_by_heart", learning(Strange)).earned == 0


# The notebook


def test_cells_that_train_or_plot_are_skipped_and_the_kits_own_optimizers_hidden():
    EXERCISE.assert_cells_are_tagged({"setup"})
    assert {"cs231n_kit.optimizers", "cs231n_kit.layers", "cs231n_kit.losses"} <= set(EXERCISE.checks.masked)


def test_the_text_gives_the_points_of_sections():
    text = "\n".join(c.source for c in EXERCISE.notebook.cells if c.cell_type == "markdown")
    told = ("Momentum ({:g} points)", "RMSProp ({:g} points)", "Adam ({:g} points)", "any depth ({:g} points)")
    for words, name in zip((*told, "by heart ({:g} points)"), EXERCISE.functions, strict=True):
        assert words.format(EXERCISE.checks[name].points) in text
