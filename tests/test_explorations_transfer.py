"""Lecture 07's three ways of transfer learning: what each may change, and what they have in common."""

import numpy as np
import pytest

from cs231n_kit.explorations import transfer_learning
from cs231n_kit.explorations.regularization import FewImages
from cs231n_kit.networks import Affine, BatchNorm, Convolution, Dropout, Flatten, MaxPool, ReLU, Sequential
from cs231n_kit.training import Trainer

BLOCK = (BatchNorm(), ReLU(), MaxPool(2))
PATTERNS = np.random.default_rng(9).standard_normal((9, 1, 8, 8))


def images(count, classes, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(count) % len(classes))
    X = PATTERNS[np.array(classes)[y]] + rng.standard_normal((count, 1, 8, 8))
    return X.astype(np.float32), y


TASK = FewImages(*images(90, [5, 6, 7]), *images(120, [5, 6, 7], seed=1))


@pytest.fixture(scope="module")
def old():
    """Trained on five other classes; its body has dropout, which must not disturb what is frozen."""
    body = Sequential(Convolution(6, 3, pad=1, bias=False), *BLOCK, Dropout(0.9), Convolution(8, 3, pad=1), *BLOCK)
    network = Sequential(body, Flatten(), Affine(5)).initialize((1, 8, 8), rng=1)
    Trainer(network, epochs=3, progress_bar=False, live_plot=False).fit(*images(300, [0, 1, 2, 3, 4], seed=2))
    return network


def arrays_of(network):
    return network.parameters | network.statistics


def moved(network, old):
    """Keys of the body's arrays that are not those of the old network."""
    body = {key: array for key, array in arrays_of(old).items() if key.startswith("0.")}
    return {key for key, array in body.items() if not np.array_equal(arrays_of(network)[key], array)}


def test_the_first_two_ways_give_the_same_classifier(old):
    before = {key: array.copy() for key, array in arrays_of(old).items()}
    frozen = transfer_learning.train_frozen(old, TASK, epochs=4)
    once = transfer_learning.train_on_features(old, TASK, epochs=4)
    start = transfer_learning.with_new_head(old, 3)
    for name in ("2.w", "2.b"):
        first, second = frozen.network.parameters[name], once.network.parameters[name]
        np.testing.assert_allclose(first, second, rtol=0, atol=1e-5 * np.abs(first).max())
        assert np.abs(first - start.parameters[name]).max() > 0.01, "both were trained"
    assert not moved(frozen.network, old) and not moved(once.network, old)
    np.testing.assert_array_equal(frozen.curve[:, 1], once.curve[:, 1])
    np.testing.assert_array_equal(frozen.network.predict(TASK.X_new), once.network.predict(TASK.X_new))
    np.testing.assert_equal(arrays_of(old), before)


def test_other_seeds_give_other_classifiers(old):
    found = [transfer_learning.train_on_features(old, TASK, 1, seed).network.parameters["2.w"] for seed in (0, 1)]
    assert not np.allclose(*found)


def test_fine_tuning_moves_the_last_block_alone(old):
    before = {key: array.copy() for key, array in arrays_of(old).items()}
    tuned = transfer_learning.fine_tune(old, TASK, epochs=3)
    last = {key for key in before if key.split(".")[:2] in (["0", "5"], ["0", "6"])}
    assert moved(tuned.network, old) == last and len(last) == 6
    assert moved(transfer_learning.fine_tune(old, TASK, epochs=1, blocks=2).network, old) > last
    features = transfer_learning.train_on_features(old, TASK, epochs=3)
    assert tuned.curve[0, 1] == features.accuracy, "it begins where the second way ends"
    np.testing.assert_equal(arrays_of(old), before)


def test_from_scratch_takes_nothing_along(old):
    other = Sequential(*old.steps).initialize((1, 8, 8), rng=77)
    found = [transfer_learning.train_from_scratch(network, TASK, 2).network for network in (old, other)]
    np.testing.assert_equal(arrays_of(found[0]), arrays_of(found[1]))


def test_the_clock_stops_while_accuracy_is_measured(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(transfer_learning.time, "process_time", lambda: now[0])

    class Progress:
        total = 12

        def __init__(self, done):
            self.done = done

    class Fake:
        network = "the network"

        def steps(self, X, y):
            for done in range(1, 13):
                now[0] += 2
                yield Progress(done)

    def evaluate():
        now[0] += 1000
        return 0.5

    outcome = transfer_learning.follow(Fake(), None, None, evaluate, before=7, points=6)
    np.testing.assert_array_equal(outcome.curve[:, 0], 7 + 4 * np.arange(1, 7))
    assert (outcome.seconds, outcome.accuracy, outcome.network) == (31, 0.5, "the network")


def test_classes_sizes_and_epochs():
    X, y = np.arange(6)[:, None], np.array([4, 1, 7, 4, 0, 7])
    rows, labels = transfer_learning.of_classes(X, y, [4, 7])
    assert rows.ravel().tolist() == [0, 2, 3, 5] and labels.tolist() == [0, 1, 0, 1]
    assert [transfer_learning.epochs_for(100, count) for count in (50, 200, 2000, 100_000)] == [100, 25, 3, 1]


def test_the_race_and_its_figures(old):
    found = transfer_learning.race(old, TASK, (20, 60, 2000), updates=8)
    assert list(found) == ["features once", "fine-tuned", "from scratch"]
    for outcomes in found.values():
        assert list(outcomes) == [20, 90], "as many as there are, and none that is nearly as large"
    ax = transfer_learning.sizes_figure(found, 1 / 3).axes[0]
    for line, outcomes in zip(ax.lines, found.values(), strict=False):
        np.testing.assert_allclose(line.get_ydata(), [100 * outcome.accuracy for outcome in outcomes.values()])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["20", "90"]
    ax = transfer_learning.seconds_figure({way: outcomes[90] for way, outcomes in found.items()}, 1 / 3).axes[0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*found, "guessing"]
    np.testing.assert_allclose(ax.lines[1].get_xdata(), found["fine-tuned"][90].curve[:, 0])
