"""The figures of lecture 07 on optimizers, saddle points and schedules: what they compute is right."""

import math

import numpy as np
import pytest
from scipy.integrate import dblquad
from test_explorations import (
    assert_labelled,
    test_every_control_works_to_its_ends_and_changes_the_picture,
    test_it_says_what_it_shows_and_offers_a_still_picture,
)

from cs231n_kit.datasets import load
from cs231n_kit.explorations import optimizers, saddle_points, schedules
from cs231n_kit.networks import Affine, Flatten, ReLU, Sequential
from cs231n_kit.optimizers import Optimizer

# The same two tests as for the figures of lecture 02, on the fixture below.
__all__ = [
    "test_every_control_works_to_its_ends_and_changes_the_picture",
    "test_it_says_what_it_shows_and_offers_a_still_picture",
]

EXPLORATIONS = {
    "stable rate": optimizers.explore_stable_rate,
    "random Hessian": saddle_points.explore_random_hessian,
    "schedules": schedules.explore_schedules,
}


@pytest.fixture(scope="module", params=EXPLORATIONS.values(), ids=EXPLORATIONS)
def exploration(request):
    return request.param()


@pytest.fixture(scope="module")
def digits():
    """X_train, y_train, X_val, y_val; few, and as images (N, 1, 8, 8)."""
    data = load("digits")

    def prepared(images):
        return ((images - data.X_train.mean()) / data.X_train.std()).astype(np.float32).transpose(0, 3, 1, 2).copy()

    return prepared(data.X_train)[:300], data.y_train[:300], prepared(data.X_val)[:100], data.y_val[:100]


# --- the largest stable rate


def test_the_stable_rate_sentence_is_right():
    shown = optimizers.explore_stable_rate()
    shown.set(condition=20, rate=0.05)
    assert "leaves 0.950 of x and 0.000 of y" in shown.sentence.value
    steps = math.log(1e-3) / math.log(0.95)
    assert f"<b>{steps:.0f} steps</b>" in shown.sentence.value
    best = math.log(1e-3) / math.log(19 / 21)
    assert f"2 / (1 + κ) = {2 / 21:.3g}, would need {best:.0f}" in shown.sentence.value
    shown.set(rate=0.101)
    assert "y grows" in shown.sentence.value and "2 / L = 0.1" in shown.sentence.value
    shown.set(condition=1, rate=0.1)
    assert "one step of rate 1 is enough" in shown.sentence.value


def test_walking_is_the_closed_form():
    curvatures = np.array([1.0, 7.0])
    points = optimizers.walk(lambda p: curvatures * p, (-1, 0.6), "sgd", {"learning_rate": 0.2}, 25)
    expected = [(1 - 0.2 * curvatures) ** t * (-1, 0.6) for t in range(26)]
    np.testing.assert_allclose(points, expected)


def test_least_squares_is_a_bowl_and_2_over_L_is_its_edge(digits):
    X, y, *_ = digits
    loss = optimizers.LeastSquares(X, y, 10)
    flat = X.reshape(len(X), -1).astype(np.float64)
    centred = np.hstack([flat - flat.mean(axis=0), np.ones((len(X), 1))])
    singular = np.linalg.svd(centred, compute_uv=False)
    np.testing.assert_allclose(loss.curvatures[::-1], singular**2 / len(X), atol=1e-9)
    W = np.random.default_rng(0).standard_normal((65, 10))
    D = np.random.default_rng(1).standard_normal((65, 10))
    slope = (loss(W + 1e-5 * D) - loss(W - 1e-5 * D)) / 2e-5
    assert (loss.gradient(W) * D).sum() == pytest.approx(slope, rel=1e-6)
    targets = np.eye(10)[y]
    assert loss(W) == pytest.approx(((centred @ W - targets) ** 2).sum(axis=1).mean() / 2)
    curves = optimizers.descend_least_squares(loss, (0.5, 0.97, 1.03, 3), 300)
    best = ((centred @ np.linalg.lstsq(centred, targets, rcond=None)[0] - targets) ** 2).sum() / (2 * len(X))
    assert (np.diff(curves[0.5]) <= 1e-12).all() and best < curves[0.5][-1] < curves[0.5][0]
    assert curves[0.97][-1] < curves[0.97][0] and curves[1.03][-1] > 1e3 * curves[1.03][0]
    assert math.isinf(curves[3][-1])
    assert_labelled(optimizers.stable_rate_figure(loss, curves))


# --- the contest


def test_halving_averages_four_pixels():
    images = np.random.default_rng(0).standard_normal((2, 3, 32, 32)).astype(np.float32)
    found = optimizers.halved(images)
    assert found.shape == (2, 3, 16, 16) and found.dtype == np.float32
    np.testing.assert_allclose(found[1, 2, 5, 7], images[1, 2, 10:12, 14:16].mean(), rtol=1e-5)
    assert optimizers.halved(images[:, :, :8, :8]).shape == (2, 3, 8, 8)


def test_a_small_training_begins_with_the_networks_own_loss_and_falls(digits):
    X, y, X_val, y_val = digits
    settings = {"epochs": 3, "batch_size": 300, "hidden": (20,), "seed": 4}
    history = optimizers.train_small(X, y, X_val, y_val, Optimizer("sgd", learning_rate=0.1), **settings)
    network = Sequential(Flatten(), Affine(20), ReLU(), Affine(10)).initialize((1, 8, 8), rng=4)
    scores = network.forward(X).astype(np.float64)
    shifted = scores - scores.max(axis=1, keepdims=True)
    expected = -(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))[np.arange(len(y)), y].mean()
    assert history.losses[0] == pytest.approx(expected, rel=1e-5) and history.losses[-1] < history.losses[0]
    assert len(history.losses) == len(history.validation_losses) == 3
    wild = Optimizer("sgd", learning_rate=1e30)
    assert optimizers.train_small(X, y, X_val, y_val, wild, epochs=3) is None


def test_the_contest_chooses_the_rate_with_the_smallest_last_loss(digits):
    X, y, X_val, y_val = digits
    grid = {"sgd": (0.001, 0.1, 1e30), "adam": (1e-5, 0.003)}
    found = optimizers.contest(X, y, X_val, y_val, epochs=3, grid=grid)
    assert found.chosen == {"sgd": 0.1, "adam": 0.003}
    assert found.histories["sgd"][1e30] is None and found.final("sgd", 1e30) == math.inf
    assert found.final("sgd", 0.1) == pytest.approx(np.mean(found.histories["sgd"][0.1].losses[-20:]))
    rows = optimizers.contest_rows(found)
    assert rows[0][2] <= rows[1][2] and {row[:2] for row in rows} == {("SGD", 0.1), ("Adam", 0.003)}
    figure = optimizers.contest_figure(found)
    assert_labelled(figure)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["SGD, η = 0.1", "Adam, η = 0.003"]


# --- saddle points


def test_few_dimensions_have_known_shares():
    """In two dimensions the eigenvalues are m ± r (up to a factor): m has variance 1/2, r² the mean 1."""
    rng = np.random.default_rng(0)
    assert saddle_points.shares(1, 1000, rng)[2] == 0
    minima, maxima, saddles = saddle_points.shares(2, 40_000, rng)
    assert saddles == pytest.approx(1 / math.sqrt(2), abs=0.01)

    def density(r, m):
        return math.exp(-(m**2)) / math.sqrt(math.pi) * 2 * r * math.exp(-(r**2))

    definite = dblquad(density, 0, 8, 0, lambda m: m)[0]
    assert minima == pytest.approx(definite, abs=0.01) and maxima == pytest.approx(definite, abs=0.01)
    minima = saddle_points.shares(3, 40_000, rng)[0]
    assert minima == pytest.approx((math.pi - 2 * math.sqrt(2)) / (4 * math.pi), abs=0.004)
    assert saddle_points.shares(12, 500, rng)[2] == 1
    assert saddle_points.shares(12, 500, rng, lift=2)[0] == 1 == saddle_points.shares(12, 500, rng, lift=-2)[1]


def test_random_hessians_fill_wigners_half_circle():
    hessians = saddle_points.random_hessians(300, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(hessians, hessians.transpose(0, 2, 1))
    eigenvalues = np.linalg.eigvalsh(hessians).ravel()
    assert abs(eigenvalues).max() == pytest.approx(math.sqrt(2), rel=0.05)
    inner = np.mean(abs(eigenvalues) < math.sqrt(2) / 2)
    assert inner == pytest.approx(1 / 3 + math.sqrt(3) / (2 * math.pi), abs=0.03)
    assert_labelled(saddle_points.saddle_figure(range(1, 5), 500))
    shown = saddle_points.explore_random_hessian()
    shown.set(dimension=1, seed=3)
    assert "of 1 directions lead down: <b>a m" in shown.sentence.value
    shown.set(dimension=200, lift=2.5)
    assert "0 of 200 directions lead down: <b>a minimum</b>" in shown.sentence.value


# --- schedules


def test_all_plans_lead_from_the_high_rate_to_the_low_one():
    made = schedules.plans(100, 0.3, 0.01)
    assert {name: schedule(99) for name, schedule in made.items()} == pytest.approx(
        {"constant, 0.3": 0.3, "constant, 0.01": 0.01, "step decay": 0.01, "1/t decay": 0.3 / (1 + 99 * 0.29),
         "warm-up, cosine": 0},
        abs=1e-6,
    )  # fmt: skip
    assert made["step decay"](25) == pytest.approx(0.3 * (1 / 30) ** (1 / 3))
    np.testing.assert_allclose([made["warm-up, cosine"](step) for step in (0, 10)], [0.3 / 11, 0.3])
    shown = schedules.explore_schedules()
    assert f"step decay 0.0500, exponential {0.1 * math.exp(-2.5):.4f}" in shown.sentence.value
    shown.set(every=20)
    assert "step decay 0.0250" in shown.sentence.value


def test_every_training_follows_its_schedule_from_the_same_weights(digits):
    X, y, X_val, y_val = digits
    found = schedules.train_with_schedules(X, y, X_val, y_val, epochs=4, high=0.5, low=0.02, batch_size=30)
    made = schedules.plans(40, 0.5, 0.02)
    for name, (history,) in found.items():
        np.testing.assert_allclose(history.learning_rates, [made[name](step) for step in range(40)])
    first = {history.losses[0] for (history,) in found.values()}
    assert len(first) == 1, "the same network and the same first batch"
    rows = schedules.outcomes(found)
    assert [row[0] for row in rows] == list(made)
    name, training, scatter, loss, accuracy = rows[-1]
    history = found[name][0]
    assert training == pytest.approx(np.mean(history.losses[-10:]))
    assert scatter == pytest.approx(np.std(history.validation_losses))
    assert (loss, accuracy) == (history.validation_losses[-1], history.validation_metrics[-1])
    assert accuracy > 0.6
    assert_labelled(schedules.training_figure(found))
    with pytest.raises(FloatingPointError, match="take a smaller rate than 1e"):
        schedules.train_with_schedules(X, y, X_val, y_val, epochs=1, high=1e30, low=0.1)
