"""What lecture 04 measures: many small networks at once, their gradients, their race, and shapes of matrices."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from cs231n_kit.explorations import capacity, matrix_products
from cs231n_kit.gradients import check_gradient
from cs231n_kit.networks import Affine, ReLU, Sequential
from cs231n_kit.optimizers import Optimizer


def some_weights(count, units, seed=0):
    rng = np.random.default_rng(seed)
    shapes = ((count, 2, units), (count, 1, units), (count, units, 1), (count, 1, 1))
    return [rng.standard_normal(shape) for shape in shapes]


def logistic_loss(weights, X, y):
    """Mean over the points, sum over the networks."""
    signed = np.where(y == 1, 1, -1) * capacity.margins(weights, X)
    return np.logaddexp(0, -signed).mean(axis=1).sum()


def test_gradients():
    weights = some_weights(3, 5)
    sets = [capacity.spirals(12, np.random.default_rng(seed)) for seed in range(3)]
    X, y = (np.stack(parts) for parts in zip(*sets, strict=True))
    found = capacity._gradients(weights, X, y[..., None])
    for i, (w, gradient) in enumerate(zip(weights, found, strict=True)):

        def loss(w, i=i):
            return logistic_loss([*weights[:i], w, *weights[i + 1 :]], X, y)

        assert gradient.shape == w.shape
        assert check_gradient(loss, w, gradient)


def test_training_is_that_of_the_kit():
    """The kit's layers and Adam, one network at a time, from the same first weights."""
    X, y = capacity.spirals(20, np.random.default_rng(3))
    strengths, units, steps = (0.0, 0.01), 4, 30
    weights = capacity.train_many(np.stack([X, X]), np.stack([y, y]), units, strengths, (7, 8), steps)
    for i, (strength, seed) in enumerate(zip(strengths, (7, 8), strict=True)):
        rng = np.random.default_rng(seed)
        network = Sequential(Affine(units), ReLU(), Affine(1))
        network.initialize(2, dtype=np.float64)
        network.parameters["0.w"][...] = rng.standard_normal((2, units))
        network.parameters["2.w"][...] = rng.standard_normal((units, 1)) * np.sqrt(2 / units)
        optimizer = Optimizer("adam", learning_rate=capacity.RATE)
        for _ in range(steps):
            score = network.forward(X, mode="train")[:, 0]
            network.backward(((1 / (1 + np.exp(-score)) - y) / len(y))[:, None])
            gradients = dict(network.gradients)
            for path in ("0.w", "2.w"):
                gradients[path] = gradients[path] + 2 * strength * network.parameters[path]
            optimizer.step(network.parameters, gradients)
        alone = network.forward(X)[:, 0]
        np.testing.assert_allclose(capacity.margins([w[i : i + 1] for w in weights], X[None])[0], alone, rtol=1e-6)


def test_more_capacity_fits_more_and_regularisation_smooths():
    accuracies = {
        setting: capacity.train_one(*setting)[3:] for setting in ((1, 0.0), (100, 0.0), (100, 1e-3), (100, 0.1))
    }
    assert accuracies[1, 0.0][0] < 0.95 and accuracies[100, 0.0][0] == 1
    assert accuracies[100, 1e-3][1] > accuracies[100, 0.0][1] > 0.75
    assert accuracies[100, 0.1][0] < accuracies[100, 1e-3][0]


def test_accuracy_is_about_a_peers():
    """scikit-learn's network, also without regularisation, on the same points."""
    _, X, y, _, ours = capacity.train_one(20, 0.0)
    new, new_y = capacity.spirals(2000, np.random.default_rng([2, 1]))
    peers = [
        MLPClassifier((20,), alpha=0, solver="lbfgs", max_iter=500, random_state=seed).fit(X, y).score(new, new_y)
        for seed in range(5)
    ]
    assert ours == pytest.approx(np.mean(peers), abs=0.05)


def test_the_race_chooses_on_validation_points():
    found = capacity.race(sizes=(2, 30), strengths=(0.0, 1e-3, 0.3), draws=3, new_points=500)
    assert found.test.shape == found.validation.shape == (2, 3, 3)
    assert not np.array_equal(found.test, found.validation)
    best, chosen = found.chosen()
    for size in range(2):
        assert best[size] == found.validation[size].mean(axis=1).argmax()
        assert np.array_equal(chosen[size], found.test[size, best[size]])
    np.testing.assert_array_equal(found.plain(), found.test[:, 0])
    new, new_y = capacity.spirals(500, np.random.default_rng([2, 1]))
    weights = capacity.train_one(30, 1e-3, draw=2)[0]
    assert found.test[1, 1, 2] == pytest.approx(((capacity.margins(weights, new[None]) > 0) == new_y).mean())
    gain, error = capacity.advantage(found, 30, 2)
    differences = chosen[1] - chosen[0]
    assert gain == pytest.approx(differences.mean()) and error == pytest.approx(differences.std(ddof=1) / np.sqrt(3))
    assert len(capacity.race_figure(found).axes[0].containers) == 2


@pytest.mark.parametrize("sizes", [(1, 1, 1), (4, 5, 3), (6, 2, 6)])
def test_gradients_of_a_matrix_product(sizes):
    rows, inner, columns = sizes
    rng = np.random.default_rng(0)
    W, X, dD = (rng.standard_normal(shape) for shape in ((rows, inner), (inner, columns), (rows, columns)))
    dW, dX = matrix_products.product_gradients(W, X, dD)
    np.testing.assert_allclose(dW, np.einsum("nm,km->nk", dD, X))
    np.testing.assert_allclose(dX, np.einsum("nk,nm->km", W, dD))


def test_sentences_say_what_is_drawn():
    product = matrix_products.explore_matrix_product()
    product.set(rows=2, inner=3, columns=2, row=2, column=3)
    rng = np.random.default_rng(0)
    _, X, dD = (rng.standard_normal(shape) for shape in ((2, 3), (3, 2), (2, 2)))
    assert f"<b>{(dD @ X.T)[1, 2]:.3f}</b>" in product.sentence.value
    network = matrix_products.explore_network()
    network.set(inputs=4, first=3, second=2, outputs=1)
    assert "12 + 6 + 2 = <b>20 weights</b>, and 6 biases" in network.sentence.value
