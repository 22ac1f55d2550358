"""Lecture 07's figures on regularisation: what they claim is so, and their controls answer."""

import numpy as np
import pytest
from scipy.special import softmax

from cs231n_kit.explorations import augmentation, ensembles, regularization, regularization_dropout
from cs231n_kit.explorations.regularization import PENALTIES, FewImages, Method
from cs231n_kit.networks import Dropout

RNG = np.random.default_rng(0)


def images(count, noise=0.5, seed=0):
    """Three classes of 8 x 8 images, each with a pattern of its own."""
    rng = np.random.default_rng(seed)
    patterns = np.random.default_rng(9).standard_normal((3, 1, 8, 8))
    y = np.arange(count) % 3
    return (patterns[y] + noise * rng.standard_normal((count, 1, 8, 8))).astype(np.float32), y


FEW = FewImages(*images(12, noise=1.5), *images(200, noise=1.5, seed=1))


@pytest.mark.parametrize(
    ("name", "cost"),
    [
        ("L2", lambda w, a, strength: (w - a) ** 2 / 2 + strength * w**2),
        ("L1", lambda w, a, strength: (w - a) ** 2 / 2 + strength * np.abs(w)),
        ("max-norm", lambda w, a, strength: np.where(np.abs(w) <= strength + 1e-9, (w - a) ** 2 / 2, np.inf)),
    ],
)
def test_penalties_hold_a_weight_where_the_cost_is_least(name, cost):
    w = np.linspace(-3, 3, 6001)
    for strength in (0.0, 0.3, 1.2):
        for a in (-1.7, -0.2, 0.0, 0.4, 2.0):
            expected = w[np.argmin(cost(w, a, strength))]
            assert PENALTIES[name](np.array(a), strength) == pytest.approx(expected, abs=1e-3)


def test_l1_solves_its_step_and_leaves_biases():
    """The new weight makes (v - w)² / 2 + rate λ |v| least."""
    network = regularization.small_network(FEW, seed=1)
    for key, array in network.parameters.items():
        array[...] = RNG.normal(0, 0.05, array.shape) if key.endswith(".w") else 1.0
    before = {key: array.copy() for key, array in network.parameters.items()}
    regularization.shrink(2.0)(network, 0.01)
    v = np.linspace(-0.3, 0.3, 60001)
    for key, array in network.parameters.items():
        if key.endswith(".b"):
            np.testing.assert_array_equal(array, before[key])
            continue
        for old, new in zip(before[key].ravel()[:9], array.ravel()[:9], strict=True):
            assert new == pytest.approx(v[np.argmin((v - old) ** 2 / 2 + 0.02 * np.abs(v))], abs=1e-5)
        assert np.mean(array == 0) == np.mean(np.abs(before[key]) <= np.float32(0.02))


def test_max_norm_shortens_what_is_too_long_and_nothing_else():
    network = regularization.small_network(FEW, seed=2)
    network.parameters["0.w"][0] *= 100
    network.parameters["7.w"][:, 5] *= 100
    before = {key: array.copy() for key, array in network.parameters.items()}
    regularization.limit_norms(3.0)(network, 0.01)
    for key, old in before.items():
        new = network.parameters[key]
        if key.endswith(".b"):
            continue
        old, new = (array.reshape(len(array), -1) if array.ndim == 4 else array.T for array in (old, new))
        for unit, (was, now) in enumerate(zip(old, new, strict=True)):
            length = np.linalg.norm(was.astype(float))
            if length <= 3:
                np.testing.assert_array_equal(now, was)
            else:
                assert (key, unit) in {("0.w", 0), ("7.w", 5)}
                np.testing.assert_allclose(now, was * 3 / length, rtol=1e-5)


def test_training_by_each_method():
    seen_by_augment = []

    def augment(X, rng):
        seen_by_augment.append(len(X))
        return X

    methods = {
        "nothing": Method(),
        "L2": Method(decay=0.05),
        "L1": Method(after=regularization.shrink(0.05)),
        "dropout": Method(keep=0.5),
        "augmentation": Method(augment=augment),
    }
    found = {name: one[0] for name, one in regularization.compare(FEW, methods, 60, seeds=1).items()}
    assert found["nothing"].seen == 1 and 0.4 < found["nothing"].new < 1, "it learns them by heart"
    lengths = {name: np.sum(regularization.all_weights(one.network) ** 2) for name, one in found.items()}
    zeros = {name: np.mean(regularization.all_weights(one.network) == 0) for name, one in found.items()}
    assert lengths["L2"] < 0.8 * lengths["nothing"]
    assert zeros["L1"] > 0.3 and zeros["nothing"] == zeros["L2"] == 0
    assert any(isinstance(layer, Dropout) for _, layer in found["dropout"].network.layers())
    assert seen_by_augment == [12] * 60
    np.testing.assert_array_equal(
        regularization.all_weights(found["augmentation"].network), regularization.all_weights(found["nothing"].network)
    )
    figure = regularization.gap_figure({name: regularization.shares([one]) for name, one in found.items()}, 12)
    seen, new = (np.asarray(dots.get_offsets()) for dots in figure.axes[0].collections[:2])
    assert new[0] == pytest.approx((100 * found["nothing"].new, 0)) and seen[2, 0] == 100 * found["L1"].seen
    assert f"{zeros['L1']:.0%} are 0" in regularization.weights_figure(found).axes[2].get_title()


def test_dropout_keeps_or_drops_and_is_right_on_average():
    x = np.array([1.0, 2.0, 0.5])
    for p in (0.2, 0.5, 1.0):
        out = regularization_dropout.passes(x, p, 20_000)
        assert set(np.unique(out[:, 1].round(9))) <= {0, round(2 / p, 9)}
        scatter = x * np.sqrt((1 - p) / p / len(out))
        assert (np.abs(out.mean(axis=0) - x) <= 5 * scatter + 1e-12).all()
    exploration = regularization_dropout.explore_dropout(x)
    exploration.set(p=1.0, count=10)
    assert "within <b>0.00</b>" in exploration.sentence.value
    texts = [text.get_text() for text in exploration.figure().axes[0].texts]
    assert len(texts) == 3 * 7 and "×" not in texts
    exploration.set(p=0.1)
    assert "×" in [text.get_text() for text in exploration.figure().axes[0].texts]


@pytest.mark.parametrize("channels", [1, 3])
def test_altered_copies_and_their_controls(channels):
    image = RNG.integers(0, 256, (8, 8, channels), dtype=np.uint8)
    still = {"flip": 0.0, "padding": 0}
    np.testing.assert_array_equal(augmentation.altered_copies(image, 3, 0, **still), [image] * 3)
    mirrored = augmentation.altered_copies(image, 3, 0, flip=1.0, padding=0)
    np.testing.assert_array_equal(mirrored, [image[:, ::-1]] * 3)
    exploration = augmentation.explore_augmentation(np.stack([image, 255 - image]), ["cat", "dog"])
    exploration.set(image=1, **still)
    assert "<b>dog</b>" in exploration.sentence.value and "100% of the copies equal" in exploration.sentence.value
    exploration.set(padding=4)
    assert "100% of the copies" not in exploration.sentence.value
    assert ("light" in exploration.controls) == (channels == 3)


def test_the_ensemble_adds_up_probabilities():
    plain = ensembles.members(FEW, Method(), count=3, epochs=4)
    shares = np.array([ensembles.probabilities(one.network, FEW.X_new) for one in plain])
    np.testing.assert_allclose(shares[1], softmax(plain[1].network.scores(FEW.X_new), axis=1), atol=1e-6)
    found = ensembles.accuracies(shares, FEW.y_new)
    assert found[0] == pytest.approx(np.mean([one.new for one in plain]), abs=0.02), (
        "many orders, each first now and then"
    )
    assert found[2] == pytest.approx((shares.mean(axis=0).argmax(axis=1) == FEW.y_new).mean())
    assert len({one.new for one in plain}) > 1 or not np.array_equal(shares[0], shares[1])


def test_snapshots_are_taken_where_the_rate_is_lowest(monkeypatch):
    rates = []

    class Watched(regularization.Trainer):
        def steps(self, *data):
            for progress in super().steps(*data):
                rates.append(self.learning_rate())
                yield progress

    monkeypatch.setattr(regularization, "Trainer", Watched)
    kept = ensembles.snapshots(FEW, Method(), cycles=3, epochs=5)
    assert kept.shape == (3, 200, 3)
    np.testing.assert_allclose(kept.sum(axis=2), 1)
    low, high = rates[4::5], rates[::5]
    assert len(rates) == 15 and max(low) < 0.25 * min(high)
    assert not np.array_equal(kept[0], kept[1])
    lines = ensembles.ensemble_figure({"a": np.array([0.5, 0.6]), "b": np.array([0.4, 0.7])}).axes[0].lines
    assert [list(line.get_ydata()) for line in lines[:2]] == [[50, 60], [40, 70]]


def test_pulling_at_one_weight():
    exploration = regularization.explore_pull()
    assert "0.2 ends at <b>0.00</b>" in exploration.sentence.value and "2 at <b>1.50</b>" in exploration.sentence.value
    exploration.set(penalty="L2", strength=0.5)
    assert "0.2 ends at <b>0.10</b>" in exploration.sentence.value and "2 at <b>1.00</b>" in exploration.sentence.value
    exploration.set(penalty="max-norm", strength=1.0)
    assert "0.2 ends at <b>0.20</b>" in exploration.sentence.value and "2 at <b>1.00</b>" in exploration.sentence.value
