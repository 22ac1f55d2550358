from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from cs231n_kit.datasets import load
from cs231n_kit.linear_classifier import LinearSVM, SoftmaxClassifier, random_local_search, random_search
from cs231n_kit.preprocessing import Standardize

each_classifier = pytest.mark.parametrize("classifier", [LinearSVM, SoftmaxClassifier])
RNG = np.random.default_rng(0)
LABELS = np.arange(150) % 3
POINTS = RNG.normal(size=(150, 4)) + np.eye(4)[LABELS] * 1.5


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@each_classifier
def test_learns_digits(digits, classifier):
    scaler = Standardize().fit(digits.X_train)
    model = classifier().fit(scaler.transform(digits.X_train), digits.y_train)
    X = scaler.transform(digits.X_val)
    assert (model.predict(X) == digits.y_val).mean() > 0.9
    assert model.W_.shape == (64, 10) and model.W_.dtype == model.scores(X).dtype == np.float32
    assert model.scores(X).shape == (len(X), 10)
    assert model.loss_history_[-50:].mean() < 0.3 * model.loss_history_[0]


def test_softmax_classifier_finds_the_weights_of_logistic_regression():
    """scikit-learn minimises C Σ loss + Σ W²/2: the same with C = 1 / (2 N λ)."""
    model = SoftmaxClassifier(0.1, regularization=0.05, steps=2_000, batch_size=150).fit(POINTS, LABELS)
    peer = LogisticRegression(C=1 / (2 * 150 * 0.05), tol=1e-10, max_iter=1_000).fit(POINTS, LABELS)
    np.testing.assert_allclose(model.W_.T, peer.coef_, atol=1e-5)
    np.testing.assert_allclose(model.b_ - model.b_.mean(), peer.intercept_ - peer.intercept_.mean(), atol=1e-5)


def test_svm_reaches_the_minimum_of_the_hinge_loss():
    def objective(flat):
        scores = POINTS @ flat[:12].reshape(4, 3) + flat[12:]
        right = scores[np.arange(150), LABELS][:, None]
        return (np.maximum(0, scores - right + 1).sum() - 150) / 150 + 0.05 * (flat[:12] ** 2).sum()

    least = minimize(objective, np.zeros(15), method="Powell", options={"maxiter": 100_000, "ftol": 1e-12}).fun
    model = LinearSVM(0.003, regularization=0.05, steps=4_000, batch_size=150).fit(POINTS, LABELS)
    assert objective(np.concatenate([model.W_.ravel(), model.b_])) == pytest.approx(least, abs=2e-3)


@each_classifier
def test_labels_seeds_and_untouched_inputs(classifier):
    X, names = POINTS.copy(), np.array(["b", "c", "a"])[LABELS]
    X.flags.writeable = names.flags.writeable = False
    model = classifier(steps=100, seed=4).fit(X, names)
    assert model.classes_.tolist() == ["a", "b", "c"] and (model.predict(X) == names).mean() > 0.7
    again = classifier(steps=100, seed=4).fit(X, names)
    np.testing.assert_array_equal(model.W_, again.W_)
    assert not np.array_equal(model.W_, classifier(steps=100, seed=5).fit(X, names).W_)


def test_every_point_is_used_before_one_is_used_again():
    """With one step for each of 15 batches of 10 points, a wrong label anywhere changes the weights."""
    fit = SoftmaxClassifier(steps=15, batch_size=10).fit
    weights = fit(POINTS, LABELS).W_.copy()
    for wrong in (0, 70, 149):
        labels = LABELS.copy()
        labels[wrong] = (labels[wrong] + 1) % 3
        assert not np.array_equal(fit(POINTS, labels).W_, weights)


def test_progress_is_shown_on_demand(capsys):
    LinearSVM(steps=5).fit(POINTS, LABELS)
    assert capsys.readouterr().err == ""
    LinearSVM(steps=5).fit(POINTS, LABELS, progress=True)
    assert "Training: 100%" in capsys.readouterr().err


def bowl(W):
    return float(((W - 3) ** 2).sum())


def test_random_search_keeps_the_best_of_what_it_tried():
    rng = np.random.default_rng(8)
    tried = [bowl(2 * rng.standard_normal((2, 2))) for _ in range(200)]
    found = random_search(bowl, (2, 2), 200, 8, scale=2)
    assert found[0].evaluations == 1 and found[-1].loss == pytest.approx(min(tried))
    assert found[-1].evaluations == np.argmin(tried) + 1 and bowl(found[-1].W) == found[-1].loss
    assert all(a.loss > b.loss and a.evaluations < b.evaluations for a, b in pairwise(found))


def test_random_local_search_walks_downhill_further_than_random_search():
    start = np.zeros((4, 5))
    found = random_local_search(bowl, start, 500, 0, step=0.1)
    assert found[0].loss == bowl(start) and not start.any()
    assert all(a.loss > b.loss for a, b in pairwise(found))
    assert found[-1].loss < 0.2 * random_search(bowl, (4, 5), 500, 0, scale=1)[-1].loss


TRAINED = LinearSVM(steps=1).fit(POINTS, LABELS)


@pytest.mark.parametrize(
    "action, error, message",
    [
        (lambda: LinearSVM().predict(POINTS), RuntimeError, r"LinearSVM is not trained yet: call fit\(X, y\) first"),
        (lambda: TRAINED.predict(POINTS[:, :3]), ValueError, "X must have 4 features .* not 3"),
        (lambda: TRAINED.predict(POINTS[0]), ValueError, r"not \(4,\)"),
        (lambda: LinearSVM().fit(POINTS, LABELS[:9]), ValueError, r"each of the 150 points in X, not shape \(9,\)"),
        (lambda: LinearSVM().fit(POINTS, LABELS + 0.5), TypeError, "integers or strings as labels, not float64"),
        (lambda: LinearSVM().fit([["a"]], [0]), TypeError, "X must hold real numbers"),
        (lambda: LinearSVM(0).fit(POINTS, LABELS), ValueError, "learning_rate must be a positive number, not 0"),
        (lambda: LinearSVM("1e-2").fit(POINTS, LABELS), ValueError, "learning_rate must be a positive .* not '1e-2'"),
        (lambda: LinearSVM(1, -1).fit(POINTS, LABELS), ValueError, "regularization must be a non-negative .* not -1"),
        (lambda: LinearSVM(steps=0).fit(POINTS, LABELS), ValueError, "steps must be a positive integer, not 0"),
        (lambda: LinearSVM(batch_size=2.5).fit(POINTS, LABELS), ValueError, "batch_size must .* not 2.5"),
        (lambda: LinearSVM(rule="sdg").fit(POINTS, LABELS), ValueError, "rule must be one of .* not 'sdg'"),
        (lambda: random_search(bowl, (2,), 0, 0), ValueError, "evaluations must be a positive integer, not 0"),
    ],
)
def test_errors_name_the_argument_what_came_and_what_was_expected(action, error, message):
    with pytest.raises(error, match=message):
        action()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_overflows_says_what_to_do_and_keeps_the_old_weights():
    model = LinearSVM(steps=50).fit(POINTS, LABELS)
    before = model.W_.copy()
    with pytest.raises(FloatingPointError, match="loss became .* in step .* or lower the learning_rate, 0.01"):
        model.fit(1e25 * POINTS.astype(np.float32), LABELS)
    np.testing.assert_array_equal(model.W_, before)
