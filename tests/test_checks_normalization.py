"""The checks of assignment 2's `normalization`: right answers earn everything, known mistakes what is said here."""

import numpy as np
import pytest
from exercise import Exercise, Trials, absent, beside
from scipy.stats import zscore

from cs231n_kit.gradients import numeric_gradient

EXERCISE = Exercise("assignment2", "normalization")
POINTS_LOST = {
    "batchnorm_forward": {
        "unbiased variance": 5.5,
        "running variance unbiased": 2,
        "statistics of examples": 5.5,
        "statistics of everything": 5.5,
        "one variance for all features": 5.5,
        "variance not rooted": 5.5,
        "eps outside of the root": 0.5,
        "eps fixed": 0.5,
        "not centred": 5.5,
        "no gamma": 3.5,
        "no beta": 3.5,
        "gamma and beta exchanged": 5.5,
        "shifted before scaling": 3.5,
        "test mode with batch statistics": 2,
        "momentum swapped": 2,
        "momentum fixed": 0.5,
        "nothing stored": 2,
        "last batch only": 2,
        "running standard deviation": 2,
        "running variance forgotten": 2,
        "normalised by the running statistics": 4,
        "test mode without gamma and beta": 2,
        "test mode moves the averages": 1.5,
    },
    "batchnorm_backward": {
        "statistics taken for constants": 4.5,
        "no term of the variance": 4.5,
        "no term of the mean": 4.5,
        "sign of the variance's term": 4.5,
        "sign of the mean's term": 4.5,
        "variance's term not averaged": 4.5,
        "variance's term doubled": 4.5,
        "variance's term halved": 4.5,
        "mean's term summed": 4.5,
        "divided by N - 1": 4.5,
        "gamma forgotten in dx": 4.5,
        "not divided by the standard deviation": 4.5,
        "divided by the variance": 4.5,
        "dgamma without x_hat": 3,
        "dgamma averaged": 3,
        "dbeta averaged": 2.5,
        "dgamma with gamma": 3,
        "sums over the wrong axis": 3.5,
    },
    "batchnorm_backward_alt": {
        "statistics taken for constants": 3,
        "no term of the variance": 3,
        "no term of the mean": 3,
        "sums instead of means": 3,
        "gamma forgotten": 3,
        "sign of the variance's term": 3,
        "not divided by the standard deviation": 3,
        "gradient of x_hat squared": 3,
    },
    "layernorm_forward": {
        "statistics of features": 4,
        "one variance for all": 4,
        "unbiased variance": 4,
        "variance not rooted": 4,
        "eps outside of the root": 1,
        "not centred": 4,
        "no gamma": 2,
        "no beta": 2,
    },
    "layernorm_backward": {
        "formula of batch normalisation": 3,
        "gamma applied after the means": 3,
        "gamma forgotten in dx": 3,
        "statistics taken for constants": 3,
        "no term of the variance": 3,
        "no term of the mean": 3,
        "not divided by the standard deviation": 3,
        "dgamma without x_hat": 2,
        "dgamma averaged": 2,
        "dbeta averaged": 2,
        "dgamma with gamma": 2,
        "sums over the wrong axis": 2.5,
    },
}
STYLES = [
    *(("batchnorm", pair) for pair in EXERCISE.answers.BATCHNORM),
    *(("layernorm", pair) for pair in EXERCISE.answers.LAYERNORM),
]


@pytest.mark.parametrize("kind, axis", [("batchnorm", 0), ("layernorm", 1)])
def test_the_reference_agrees_with_scipy_and_its_numeric_gradients(kind, axis):
    rng = np.random.default_rng(3)
    forward, backward = (EXERCISE.reference.function(f"{kind}_{way}") for way in ("forward", "backward"))
    arguments = {"x": rng.normal(2, 3, (6, 5)), "gamma": rng.normal(size=5), "beta": rng.normal(size=5)}
    dout = rng.normal(size=(6, 5))
    out, cache = forward(**arguments, **{f"{kind[0]}n_param": {"mode": "train", "eps": 1e-12}})
    expected = arguments["gamma"] * zscore(arguments["x"], axis=axis) + arguments["beta"]
    np.testing.assert_allclose(out, expected, rtol=1e-8)
    for (name, value), gradient in zip(arguments.items(), backward(dout, cache), strict=True):

        def loss(moved, name=name):
            given = {**arguments, name: moved}
            return np.sum(dout * (given["gamma"] * zscore(given["x"], axis=axis) + given["beta"]))

        np.testing.assert_allclose(gradient, numeric_gradient(loss, value.copy()), rtol=1e-5, atol=1e-7)


def test_the_reference_averages_as_a_sum_of_shares():
    rng = np.random.default_rng(4)
    batches, param = rng.normal(1, 2, (7, 5, 3)), {"mode": "train", "momentum": 0.8}
    for batch in batches:
        EXERCISE.reference.function("batchnorm_forward")(batch, np.ones(3), np.zeros(3), param)
    shares = 0.2 * 0.8 ** np.arange(6, -1, -1)
    np.testing.assert_allclose(param["running_mean"], np.einsum("b,bnd->d", shares, batches) / 5)
    np.testing.assert_allclose(param["running_var"], shares @ batches.var(axis=1))


class TestExercise(Trials):
    exercise, points_lost = EXERCISE, POINTS_LOST


@pytest.mark.parametrize("kind, pair", STYLES, ids=lambda value: value if isinstance(value, str) else value[0].__name__)
def test_answers_in_any_style_earn_full_points(kind, pair):
    forward, backward = pair
    EXERCISE.assert_full_points(f"{kind}_forward", forward)
    EXERCISE.assert_full_points(f"{kind}_backward", beside(backward, **{f"{kind}_forward": forward}))
    if kind == "batchnorm":
        EXERCISE.assert_full_points(
            "batchnorm_backward_alt", beside(backward, batchnorm_forward=forward, batchnorm_backward=backward)
        )


def test_there_are_at_least_six_variants_of_each():
    assert len({pair[0] for pair in EXERCISE.answers.BATCHNORM}) >= 6
    assert len({pair[0] for pair in EXERCISE.answers.LAYERNORM}) >= 6


def test_running_statistics_that_are_nowhere_are_asked_for():
    def forgetful(x, gamma, beta, bn_param):
        bn_param.pop("running_mean", None)
        return zscore(x, axis=0) * gamma + beta, None

    assert "leaves no entry 'running_mean' in the dictionary" in repr(EXERCISE.report("batchnorm_forward", forgetful))


@pytest.mark.parametrize("kind", ["batchnorm", "layernorm"])
@pytest.mark.parametrize("forward", [absent, lambda *arguments: arguments[0], lambda *arguments: (arguments[0], 1)])
def test_a_backward_pass_is_judged_on_the_cache_of_the_text_where_the_own_one_fails(kind, forward):
    backward = EXERCISE.reference.function(f"{kind}_backward")
    report = EXERCISE.report(f"{kind}_backward", beside(backward, **{f"{kind}_forward": forward}))
    assert [v.earned == v.points for v in report.verdicts] == [True, True, True, True, False], report


def test_two_wrong_backward_passes_may_agree():
    def constant(dout, cache):
        return dout * cache[1] / cache[2], (dout * cache[0]).sum(0), dout.sum(0)

    forward = EXERCISE.answers.forward_with_the_cache_of_the_text
    answer = beside(constant, batchnorm_forward=forward, batchnorm_backward=constant)
    report = EXERCISE.report("batchnorm_backward_alt", answer)
    assert [v.earned for v in report.verdicts] == [0, 0, 1] and "statistics taken for constants" in report.mistakes


@pytest.mark.parametrize("name", EXERCISE.functions)
def test_templates_zeros_and_what_comes_in_earn_nothing(name):
    assert EXERCISE.report(name, lambda *arguments: None).earned == 0
    forward = name.endswith("forward")
    zeros = (lambda x, *_: (0 * x, None)) if forward else (lambda dout, cache: (0 * dout, 0 * dout[0], 0 * dout[0]))
    assert EXERCISE.report(name, zeros).earned == 0
    same = (lambda x, *_: (x, None)) if forward else (lambda dout, cache: (dout, dout[0], dout[1]))
    assert EXERCISE.report(name, same).earned == 0


@pytest.mark.parametrize("strange", [np.array("text"), np.array([None]), np.full((2, 3), np.nan), 1j * np.ones((5, 4))])
@pytest.mark.parametrize("name", EXERCISE.functions)
def test_strange_values_are_refused_without_an_error(name, strange):
    assert EXERCISE.report(name, lambda *arguments: (strange, strange, strange)).earned == 0


def test_cells_that_train_or_plot_are_skipped_and_the_kits_own_layers_hidden():
    EXERCISE.assert_cells_are_tagged({"setup"})
    assert "cs231n_kit.layers" in EXERCISE.checks.masked
