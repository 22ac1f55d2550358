"""Training with auxiliary classifiers: what one update minimises, what validation sees, what is kept, what is said."""

import numpy as np
import pytest
from scipy.special import log_softmax

from cs231n_kit.networks import Affine, Auxiliary, Sequential, Tanh
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.training import NonFiniteError, Trainer

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 4)), np.arange(12) % 3
WEIGHT, LAMBDA, RATE = 0.4, 0.01, 0.1


def network(head=3):
    layers = Affine(5), Tanh(), Auxiliary(Affine(4), Tanh(), Affine(head), weight=WEIGHT), Affine(3)
    return Sequential(*layers).initialize((4,), rng=0, dtype=np.float64)


def trainer(made, **settings):
    settings = {"optimizer": Optimizer("sgd", learning_rate=RATE), "batch_size": 4, "epochs": 3} | settings
    return Trainer(made, progress_bar=False, live_plot=False, **settings)


def cross_entropy(scores):
    return -log_softmax(scores, axis=1)[np.arange(len(Y)), Y].mean()


def loss_by_hand(p):
    """Cross-entropy of the scores and, times the weight, of the head's; and the penalty of all weights."""
    hidden = np.tanh(X @ p["0.w"] + p["0.b"])
    head = np.tanh(hidden @ p["2.head.0.w"] + p["2.head.0.b"]) @ p["2.head.2.w"] + p["2.head.2.b"]
    loss = cross_entropy(hidden @ p["3.w"] + p["3.b"]) + WEIGHT * cross_entropy(head)
    return loss + LAMBDA * sum((w**2).sum() for key, w in p.items() if key.endswith("w"))


def test_an_update_minimises_the_sum_of_all_losses():
    made = network()
    before = {key: w.copy() for key, w in made.parameters.items()}
    assert trainer(made, regularization=LAMBDA).step(X, Y) == pytest.approx(loss_by_hand(before), rel=1e-12)
    for key, w in before.items():
        for index in np.ndindex(w.shape):
            start, values = w[index], []
            for moved in (start + 1e-5, start - 1e-5):
                w[index] = moved
                values.append(loss_by_hand(before))
            w[index] = start
            gradient = (values[0] - values[1]) / 2e-5
            assert made.parameters[key][index] == pytest.approx(start - RATE * gradient, abs=1e-9), key


def test_validation_knows_no_heads():
    made = network()
    training = trainer(made)
    expected = cross_entropy(made.forward(X))
    assert training.evaluate(X, Y).loss == pytest.approx(expected, rel=1e-12)
    history = training.fit(X, Y, X, Y)
    assert history.train_losses[-1] > history.validation_losses[-1] + 0.1
    assert training.evaluate(X, Y).loss == pytest.approx(history.validation_losses[history.best_epoch - 1], rel=1e-12)


def test_going_on_from_a_checkpoint(tmp_path):
    whole, part, rest = (trainer(network(), optimizer="adam") for _ in range(3))
    whole.fit(X, Y)
    part.epochs = 1
    part.fit(X, Y)
    part.save(tmp_path / "training.npz")
    rest.load(tmp_path / "training.npz")
    rest.fit(X, Y)
    assert rest.history.losses == whole.history.losses
    for key, w in whole.network.parameters.items():
        np.testing.assert_array_equal(rest.network.parameters[key], w)


def test_frozen_heads_stay_and_still_teach():
    made, without = network().freeze("2"), network()
    without.parameters["2.head.2.w"][...] = 0
    without.freeze("2")
    kept = {key: w.copy() for key, w in made.parameters.items() if ".head." in key}
    trainer(made).step(X, Y), trainer(without).step(X, Y)
    for key, w in kept.items():
        np.testing.assert_array_equal(made.parameters[key], w)
    assert not np.allclose(made.parameters["0.w"], without.parameters["0.w"])
    np.testing.assert_allclose(made.parameters["3.w"], without.parameters["3.w"])


def test_a_loss_that_the_head_does_not_fit():
    with pytest.raises((ValueError, IndexError)) as caught:
        trainer(network(head=2)).step(X, Y)
    assert "This happened in the loss of the auxiliary scores '2'." in caught.value.__notes__


@pytest.mark.parametrize(
    ("where", "place", "path"), [("2.head.2.w", "forward", "2.head.2"), ("3.w", "forward", "3"), ("loss", "loss", "")]
)
def test_numbers_that_are_not_finite(where, place, path):
    made = network()
    if where == "loss":

        def loss(scores, y):
            """The first scores of a pass are the network's, the second the head's."""
            loss.calls += 1
            value = np.inf if loss.calls % 2 == 0 else 1.0
            return value, np.zeros_like(scores)

        loss.calls = 0
        training = trainer(made, loss=loss)
    else:
        made.parameters["2.head.0.b"][...] = 10  # hidden units of the head near 1
        made.parameters[where][...] = 1.7e308
        training = trainer(made)
    with pytest.raises(NonFiniteError) as caught:
        training.step(X, Y)
    assert (caught.value.place, caught.value.path) == (place, path)
