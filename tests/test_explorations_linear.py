"""The figures of linear classifiers, losses and optimisation: what they compute is right, every control works."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import softmax as scipy_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import PolynomialFeatures
from test_explorations import (
    CLASS_NAMES,
    assert_labelled,
    images_of,
    test_every_control_works_to_its_ends_and_changes_the_picture,
    test_it_says_what_it_shows_and_offers_a_still_picture,
)

from cs231n_kit.explorations import linear_classifiers, losses, optimization
from cs231n_kit.gradients import numeric_gradient
from cs231n_kit.losses import softmax_loss, svm_loss

# The same two tests as for the figures of lecture 02, on the fixture below.
__all__ = [
    "test_every_control_works_to_its_ends_and_changes_the_picture",
    "test_it_says_what_it_shows_and_offers_a_still_picture",
]


def small_problem(count=60, loss=softmax_loss):
    rng = np.random.default_rng(0)
    y = np.arange(count) % 3
    X = rng.normal(size=(count, 5)) + np.eye(5)[y]
    return optimization.LinearLoss(X / np.sqrt((X**2).sum(axis=1).mean()), y, 3, loss)


def template_figure():
    images, labels = images_of(3, size=8)
    X = images / 255 - 0.5
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(192, 3)), rng.normal(size=3)
    return linear_classifiers.explore_templates(W, b, X, images, labels, CLASS_NAMES)


EXPLORATIONS = {
    "hinge": losses.explore_hinge,
    "scores": losses.explore_scores,
    "regularization": lambda: losses.explore_regularization(*losses.separable_points()),
    "templates": template_figure,
    "features": linear_classifiers.explore_features,
    "difference step": lambda: optimization.explore_difference_step(np.sin, np.cos, 0.7),
    "step size": lambda: optimization.explore_step_size(small_problem(), np.zeros((5, 3)), 6, -1.0, 2.0, 0.0),
    "batch size": lambda: optimization.explore_batch_size(small_problem(), 1.0, 2),
}


@pytest.fixture(scope="module", params=EXPLORATIONS.values(), ids=EXPLORATIONS)
def exploration(request):
    return request.param()


def test_the_hinge_figure_says_the_loss_in_numbers():
    figure = losses.explore_hinge((1.8, 2.4, -0.9))
    expected = max(0, 2.4 - 1.8 + 1) + max(0, -0.9 - 1.8 + 1)
    assert f"<b>{expected:.1f}</b>" in figure.sentence.value
    figure.set(first=3.5)
    assert "<b>0.0</b>" in figure.sentence.value


def test_softmax_of_the_notes_scores():
    found = losses.softmax(np.array(losses.EXAMPLE_SCORES))
    np.testing.assert_allclose(found, scipy_softmax(losses.EXAMPLE_SCORES))
    assert np.isfinite(losses.softmax(np.array([1e4, 0.0]))).all()
    factor = losses.factor_for_share(losses.EXAMPLE_SCORES, 0.9)
    assert scipy_softmax(factor * np.array(losses.EXAMPLE_SCORES))[0] == pytest.approx(0.9)
    with pytest.raises(ValueError, match="share must lie between 1/3 and 1"):
        losses.factor_for_share(losses.EXAMPLE_SCORES, 0.2)
    shown = losses.explore_scores()
    assert "Hinge loss <b>0</b>" in shown.sentence.value and "<b>cat</b>" in shown.sentence.value
    shown.set(right=2)
    assert f"Hinge loss <b>{12.5 + 23 + 1 + 0.6 + 23 + 1:.3g}</b>" in shown.sentence.value


def test_regularization_picks_the_smallest_of_the_weights_without_loss():
    X, y = losses.separable_points()
    problem = losses.TwoWeights(X, y)
    grid = np.stack(np.meshgrid(*[np.linspace(-2, 8, 201)] * 2), axis=-1)
    expected = np.mean([max(0, 1 - s * (x @ (0.7, 0.4))) for x, s in zip(X, y, strict=True)])
    assert problem.loss([0.7, 0.4]) == pytest.approx(expected)
    np.testing.assert_allclose(
        problem.losses(grid[::40, ::40]), [[problem.loss(w) for w in row] for row in grid[::40, ::40]]
    )
    free = grid[problem.losses(grid) == 0]
    assert len(free) > 1000, "a whole region loses nothing"
    shortest = free[np.linalg.norm(free, axis=1).argmin()]
    np.testing.assert_allclose(problem.best(1e-4, grid), shortest, atol=0.15)
    strong = problem.best(0.3, grid)
    peer = minimize(lambda w: problem.loss(w) + 0.3 * (w**2).sum(), strong, method="Nelder-Mead").x
    np.testing.assert_allclose(strong, peer, atol=0.06)


@pytest.mark.parametrize("loss", [svm_loss, softmax_loss])
def test_linear_loss_has_the_gradient_of_its_value(loss):
    problem = small_problem(loss=loss)
    problem.X = problem.X.astype(np.float64)
    W = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    found, gradient = problem.with_gradient(W)
    assert found == pytest.approx(problem(W))
    exact = numeric_gradient(lambda V: loss(problem.X @ V, problem.y)[0], W.astype(np.float64))
    np.testing.assert_allclose(gradient, exact, atol=1e-6)
    batch = np.array([3, 7, 20])
    assert problem(W, batch) == pytest.approx(loss(problem.X[batch] @ W, problem.y[batch])[0])


def test_descent_reaches_what_scikit_learn_reaches():
    problem = small_problem()
    *_, last = optimization.descend(problem, np.zeros((5, 3)), 5.0, 3000)
    peer = LogisticRegression(C=np.inf, fit_intercept=False, max_iter=5000).fit(problem.X, problem.y)
    probabilities = peer.predict_proba(problem.X)[np.arange(60), problem.y]
    assert problem(last) == pytest.approx(-np.log(probabilities).mean(), abs=2e-3)


def test_the_gradient_wins_the_race_and_every_curve_ends_with_all_evaluations():
    problem = small_problem(loss=svm_loss)
    curves = optimization.race(problem, problem.X, problem.y, 200, 0.5)
    final = {name: shares[-1] for name, (_, shares) in curves.items()}
    assert final["following the gradient"] > 0.7 > final["random search"]
    counts, shares = curves["following the gradient"]
    assert counts[0] == 1 and counts[-1] == 200 and len(counts) == len(shares)
    assert shares[0] == np.mean(problem.y == 0), "W = 0 ties everywhere, and the first class wins"
    again = optimization.race(problem, problem.X, problem.y, 200, 0.5)
    assert all(np.array_equal(again[name][1], shares) for name, (_, shares) in curves.items())
    figure = optimization.race_figure(curves, {"random search": 0.155}, 1 / 3)
    assert_labelled(figure)
    assert any("notes: 15.5%" in text.get_text() for text in figure.axes[0].texts)


def test_batches_of_all_points_are_gradient_descent():
    problem = small_problem()
    seen, found = optimization.descend_in_batches(problem, 60, 1.0, 300)
    expected = [problem(W) for W in optimization.descend(problem, np.zeros((5, 3)), 1.0, 5)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert seen.tolist() == [0, 60, 120, 180, 240, 300]
    few = optimization.agreement(problem, np.zeros((5, 3)), 4, draws=50).mean()
    many = optimization.agreement(problem, np.zeros((5, 3)), 40, draws=50).mean()
    assert few < many < 1
    assert optimization.agreement(problem, np.zeros((5, 3)), 60) == pytest.approx(1, abs=1e-5)


def test_templates_are_the_columns_of_the_weights():
    W = np.random.default_rng(0).normal(size=(2 * 2 * 3, 4))
    pictures = linear_classifiers.templates(W, (2, 2, 3))
    assert pictures.shape == (4, 2, 2, 3) and pictures.dtype == np.uint8
    for picture, column in zip(pictures, W.T, strict=True):
        assert np.corrcoef(picture.ravel(), column)[0, 1] > 0.999
        assert {int(picture.min()), int(picture.max())} & {0, 255}
    assert (linear_classifiers.templates(np.zeros((12, 2)), (2, 2, 3)) == 128).all()
    assert_labelled(linear_classifiers.templates_figure(W, (2, 2, 3), "abcd", "templates"))


def test_members_are_in_the_order_of_their_scores():
    images, labels = images_of(3, size=8)
    scores = np.random.default_rng(0).normal(size=(60, 3))
    figure = linear_classifiers.members_by_score(scores, images, labels, 1, "dog", shown=4)
    members = np.flatnonzero(labels == 1)
    order = members[np.argsort(scores[members, 1])[::-1]]
    shown = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    for picture, index in zip(shown, [*order[:4], *order[-4:]], strict=True):
        np.testing.assert_array_equal(picture, images[index])


@pytest.mark.parametrize("name", linear_classifiers.HARD)
def test_no_line_separates_the_hard_cases_and_scikit_learn_agrees(name):
    X, y = linear_classifiers.HARD[name]()
    assert np.abs(X).max() <= 1 and set(y) == {0, 1}
    ours = linear_classifiers.FeatureClassifier(lambda X: X).fit(X, y).accuracy(X, y)
    peer = LogisticRegression(C=1e4).fit(X, y).score(X, y)
    assert max(ours, peer) < 0.85
    bent = PolynomialFeatures(4).fit_transform(X)
    assert LogisticRegression(C=1e4, max_iter=5000).fit(bent, y).score(bent, y) > 0.97, "but they can be learned"


@pytest.mark.parametrize(
    ("data", "features", "works"),
    [
        ("ring", "polar: distance, angle", True),
        ("ring", "squares: x₁², x₂²", True),
        ("ring", "product: x₁, 3 x₁x₂", False),
        ("exclusive or", "product: x₁, 3 x₁x₂", True),
        ("exclusive or", "polar: distance, angle", False),
        ("exclusive or", "squares: x₁², x₂²", False),
        ("several modes", "polar: distance, angle", False),
    ],
)
def test_what_the_lecture_says_of_features_is_true(data, features, works):
    X, y = linear_classifiers.HARD[data]()
    transform, names = linear_classifiers.FEATURES[features]
    classifier = linear_classifiers.FeatureClassifier(transform).fit(X, y)
    right = classifier.accuracy(X, y)
    assert (right == 1) if works else (right < 0.97)
    assert len(names) == transform(X).shape[1] == 2
    np.testing.assert_array_equal(classifier.scores(X).argmax(axis=1), classifier.predict(X))


def test_still_figures_are_labelled():
    assert_labelled(linear_classifiers.failing_cases())
