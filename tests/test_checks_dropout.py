"""The checks of assignment 2's `dropout`: right answers earn everything, known mistakes what is said here."""

import numpy as np
import pytest
from exercise import Exercise, Trials, absent, beside
from scipy.stats import binomtest

from cs231n_kit.checking.answer_key import load_key, save_key

EXERCISE = Exercise("assignment2", "dropout", seeds=4)
POINTS_LOST = {
    "dropout_forward": {
        "keeping and dropping swapped": 3.5,
        "kept with 1 - p, divided by p": 2,
        "divided by 1 - p": 2,
        "not scaled": 1.5,
        "multiplied by p": 1.5,
        "scaled in test mode": 1,
        "not inverted": 2.5,
        "drops in test mode": 1,
        "whole columns": 1,
        "whole examples": 1,
        "normal random numbers": 2,
        "nothing dropped": 4.5,
        "random factors": 4.5,
    },
    "dropout_backward": {
        "all passes": 3.5,
        "mask redrawn": 2,
        "not scaled": 2,
        "scaled twice": 2,
        "multiplied by p": 2,
        "wrong side": 3.5,
        "mask alone": 2,
        "scaled in test mode": 0.5,
        "nothing in test mode": 0.5,
    },
}


def backward_of(pair):
    return beside(pair[1], dropout_forward=pair[0])


def test_the_reference_keeps_a_share_p_and_its_mean():
    forward = EXERCISE.reference.function("dropout_forward")
    for p in (0.2, 0.7):
        out, (_, mask) = forward(np.full((200, 100), 3.0), {"mode": "train", "p": p, "seed": 0})
        assert binomtest(int((out != 0).sum()), out.size, p).pvalue > 1e-3
        np.testing.assert_allclose(out[out != 0], 3 / p)
        np.testing.assert_array_equal(mask * 3.0, out)


class TestExercise(Trials):
    exercise, points_lost, largest_key = EXERCISE, POINTS_LOST, 600_000


@pytest.mark.parametrize("pair", EXERCISE.answers.PAIRS, ids=lambda pair: pair[0].__name__)
def test_answers_in_any_style_earn_full_points(pair):
    EXERCISE.assert_full_points("dropout_forward", pair[0])
    EXERCISE.assert_full_points("dropout_backward", backward_of(pair))


def test_there_are_at_least_six_variants():
    assert len({forward for forward, _ in EXERCISE.answers.PAIRS}) >= 6


def test_a_mistake_is_recognised_whatever_the_generator():
    def swapped(x, dropout_param):
        rng = np.random.default_rng(dropout_param.get("seed"))
        return (x * (rng.random(x.shape) > dropout_param["p"]) / (1 - dropout_param["p"])), None

    report = EXERCISE.report("dropout_forward", swapped)
    assert "keeping and dropping swapped" in report.mistakes, report

    def own_mask_redrawn(dout, cache):
        return dout * (np.random.default_rng(5).random(dout.shape) < 0.35) / 0.35 if cache else dout

    pair = EXERCISE.answers.forward_with_a_new_generator, own_mask_redrawn
    assert EXERCISE.report("dropout_backward", backward_of(pair)).verdicts[0].earned == 0


def test_a_seed_that_is_not_looked_at_is_noticed():
    def careless(x, dropout_param):
        return EXERCISE.answers.dropout_forward(x, {**dropout_param, "seed": 3})

    report = EXERCISE.report("dropout_forward", careless)
    assert report.points - report.earned == 0.5 and "another seed gives the same result" in repr(report)

    def fresh(x, dropout_param):
        return EXERCISE.answers.forward_with_a_new_generator(x, {k: dropout_param[k] for k in ("mode", "p")})

    report = EXERCISE.report("dropout_forward", fresh)
    assert report.points - report.earned == 0.5 and "the same seed gives another result" in repr(report)


@pytest.mark.parametrize("forward", [absent, lambda x, dropout_param: x, lambda x, dropout_param: (x, "nothing")])
def test_a_backward_pass_is_judged_on_the_cache_of_the_text_where_the_own_one_fails(forward):
    report = EXERCISE.report("dropout_backward", beside(EXERCISE.answers.dropout_backward, dropout_forward=forward))
    assert report.passed, report


def test_a_backward_pass_follows_its_own_wrong_forward_pass():
    def halved(x, dropout_param):
        out, (param, mask) = EXERCISE.answers.dropout_forward(x, dropout_param)
        return (out, (param, None)) if mask is None else (out / 2, (param, mask / 2))

    pair = halved, EXERCISE.answers.dropout_backward
    assert EXERCISE.report("dropout_backward", backward_of(pair)).passed


@pytest.mark.parametrize(
    "name, answer",
    [
        ("dropout_forward", lambda x, dropout_param: (np.zeros_like(x), None)),
        ("dropout_backward", lambda dout, cache: np.zeros_like(dout)),
        ("dropout_forward", lambda x, dropout_param: None),
    ],
)
def test_templates_and_zeros_earn_nothing(name, answer):
    assert EXERCISE.report(name, answer).earned == 0


@pytest.mark.parametrize("strange", [np.array("text"), np.array([None]), np.full((2, 3), np.nan), 1j * np.ones((5, 4))])
def test_strange_values_are_refused_without_an_error(strange):
    assert EXERCISE.report("dropout_forward", lambda x, dropout_param: (strange, None)).earned == 0
    answer = beside(lambda dout, cache: strange, dropout_forward=EXERCISE.answers.dropout_forward)
    assert EXERCISE.report("dropout_backward", answer).earned == 0


def test_the_key_is_read_back_as_it_was_written(tmp_path):
    key = EXERCISE.key_of("dropout_forward", 0)
    (tmp_path / "key.npz").write_bytes(save_key([key]))
    (read,) = load_key(tmp_path / "key.npz")
    assert read.properties[0].cases[0].arguments[1] == key.properties[0].cases[0].arguments[1]


def test_cells_that_train_or_plot_are_skipped_and_the_kits_own_layers_hidden():
    EXERCISE.assert_cells_are_tagged({"setup"})
    assert "cs231n_kit.layers" in EXERCISE.checks.masked
