"""Frozen layers stay the same bit by bit, cost nothing on the way back, and can be lent to another network."""

import html

import numpy as np
import pytest

from cs231n_kit.losses import softmax_loss
from cs231n_kit.networks import (
    Affine,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    Layer,
    Parallel,
    ReLU,
    Residual,
    Sequential,
)
from cs231n_kit.optimizers import RULES, Optimizer
from cs231n_kit.training import CheckpointError, Trainer

IMAGE = (2, 6, 6)
Y = np.arange(40) % 3
X = (np.random.default_rng(0).normal(size=(40, *IMAGE)) + Y[:, None, None, None]).astype(np.float32)
BODY = Sequential(
    Convolution(4, 3, pad=1),
    BatchNorm(),
    ReLU(),
    Dropout(0.8),
    Residual(Convolution(4, 3, pad=1), BatchNorm(), shortcut=(Convolution(4, 1),)),
    Parallel(Convolution(2, 1), (Convolution(3, 3, pad=1), BatchNorm())),
)


def network(classes=3, seed=0):
    return Sequential(BODY, Flatten(), Affine(8), BatchNorm(), ReLU(), Affine(classes)).initialize(IMAGE, rng=seed)


def trainer(made, **settings):
    return Trainer(made, **{"batch_size": 8, "epochs": 2, "progress_bar": False, "live_plot": False} | settings)


def arrays_of(made):
    return {key: array.copy() for key, array in (made.parameters | made.statistics).items()}


def moved(made, before):
    return {key for key, array in arrays_of(made).items() if not np.array_equal(array, before[key])}


def inside(made, *paths):
    arrays = made.parameters | made.statistics
    return {key for key in arrays if any(key.startswith(f"{path}.") for path in paths)}


@pytest.mark.parametrize("rule", [*RULES])
@pytest.mark.parametrize("paths", [("0",), ("0.4.body", "0.5.branch1.0", "3"), ("2", "5")])
def test_training_moves_what_is_not_frozen_and_nothing_else(rule, paths):
    """Whatever the update rule, with regularisation and the rule's own decay, after updates in which all moved."""
    made = network()
    trained = trainer(made, optimizer=Optimizer(rule, learning_rate=0.01), regularization=0.01, best_by=None)
    for start in (0, 8, 16):
        trained.step(X[start : start + 8], Y[start : start + 8])
    before = arrays_of(made)
    assert made.freeze(*paths) is made
    drawn = made.random_state()
    trained.fit(X, Y, X[:9], Y[:9])
    assert moved(made, before) == before.keys() - inside(made, *paths)
    assert made.gradients.keys() == made.trainable.keys() == made.parameters.keys() - inside(made, *paths)
    assert (made.random_state() == drawn) == ("0" in paths), "frozen dropout draws nothing"


def test_what_is_thawed_starts_from_rest():
    """Momentum from before the freezing would still move it once."""
    made = network()
    trained = trainer(made, optimizer=Optimizer("sgd_momentum", learning_rate=0.1))
    trained.step(X, Y)
    made.freeze("0")
    trained.step(X, Y)
    before = arrays_of(made)
    made.unfreeze("0.0")
    trained.loss = lambda scores, y: (1.0, np.zeros_like(scores))
    trained.step(X, Y)
    assert moved(made, before).isdisjoint(inside(made, "0"))
    made.unfreeze()
    assert made.frozen == frozenset() and made.trainable.keys() == made.parameters.keys()


def test_frozen_layers_run_as_in_a_test():
    """All frozen but the last: the scores of a training pass are those of a test pass, dropout or not."""
    made = network().freeze("0", "1", "2", "3", "4")
    np.testing.assert_array_equal(made.forward(X, "train"), made.forward(X, "test"))
    made.unfreeze("3")
    assert not np.array_equal(made.forward(X, "train"), made.forward(X, "test"))


def test_gradients_of_what_is_trained_do_not_depend_on_what_is_frozen():
    """In a network without layers that differ between training and test, also where a frozen layer lies above."""
    made = Sequential(Convolution(4, 3), ReLU(), Residual(Convolution(4, 3, pad=1)), Flatten(), Affine(5), Affine(3))
    made.initialize(IMAGE)
    dout = softmax_loss(made.forward(X), Y)[1]
    dx = made.backward(dout, input_gradient=True)
    full = dict(made.gradients)
    for paths in (("0",), ("2", "5"), ("0", "2.body.0"), ("4",)):
        made.unfreeze().freeze(*paths)
        np.testing.assert_array_equal(made.backward(dout, input_gradient=True), dx)
        made.backward(dout)
        assert made.gradients.keys() == full.keys() - inside(made, *paths)
        for key, gradient in made.gradients.items():
            np.testing.assert_array_equal(gradient, full[key], err_msg=key)


class Counting(Layer):
    """The identity; counts backward passes."""

    count = 0

    def forward(self, x, own, mode):
        return x, None

    def backward(self, dout, cache, input_gradient):
        self.count += 1
        return dout, {}


def test_the_backward_pass_ends_at_the_lowest_trainable_layer():
    low, middle, high = Counting(), Counting(), Counting()
    made = Sequential(Affine(4), low, Residual(Affine(4), middle), Affine(4), high, Affine(3)).initialize((5,))
    made.forward(np.ones((2, 5)))
    for paths, expected in (((), (1, 1, 1)), (("0",), (0, 1, 1)), (("2",), (0, 0, 1)), (("3", "5"), (0, 0, 0))):
        low.count = middle.count = high.count = 0
        made.freeze(*paths) if paths else None
        assert made.backward(np.ones((2, 3))) is None
        assert (low.count, middle.count, high.count) == expected
    assert made.gradients == {}


def test_history_and_update_ratios_are_of_trained_layers_alone():
    made = network().freeze("0")
    trained = trainer(made, regularization=0.5, best_by=None)
    history = trained.fit(X, Y)
    assert history.update_ratios.keys() == {"2.w", "5.w"}
    made.parameters["0.0.w"][...] *= 3
    made.freeze()
    trained.loss = lambda scores, y: (0.0, np.zeros_like(scores))
    assert trained.evaluate(X, Y).loss == 0, "the penalty of frozen weights is no loss"


def test_nothing_to_train():
    made = network().freeze()
    for train in (lambda: trainer(made).fit(X, Y), lambda: trainer(made).step(X, Y)):
        with pytest.raises(ValueError, match="All layers with parameters are frozen.*: unfreeze one"):
            train()
    assert trainer(made).evaluate(X, Y).loss > 0


def test_checkpoints_are_of_one_state_of_freezing(tmp_path):
    path = tmp_path / "run.npz"
    whole, first, other = (trainer(network().freeze("0", "3")) for _ in range(3))
    whole.fit(X, Y, X[:9], Y[:9])
    for _, _ in zip(range(7), first.steps(X, Y, X[:9], Y[:9]), strict=False):
        pass
    first.save(path)
    other.load(path)
    other.fit(X, Y, X[:9], Y[:9])
    np.testing.assert_equal(arrays_of(other.network), arrays_of(whole.network))
    with pytest.raises(CheckpointError, match=r"a training with frozen = \['0.0', .*'3'\], but here it is \[\]"):
        trainer(network()).load(path)


def test_checkpoints_that_say_nothing_of_freezing_are_of_trained_networks(tmp_path):
    made = trainer(network())
    made.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as file:
        arrays = dict(file)
    arrays["facts"] = np.array(str(arrays["facts"]).replace(', "frozen": []', ""))
    assert "frozen" not in str(arrays["facts"])
    np.savez(tmp_path / "old.npz", **arrays)
    made.load(tmp_path / "old.npz")
    made.network.freeze("0")
    with pytest.raises(CheckpointError, match=r"frozen = \[\], but here it is \['0.0'"):
        made.load(tmp_path / "old.npz")


def test_the_summary_marks_frozen_layers():
    made = network()
    assert made.summary().trainable == made.summary().parameters and "frozen" not in str(made.summary())
    made.freeze("0")
    summary = made.summary()
    assert summary.trainable == sum(w.size for w in made.trainable.values()) < summary.parameters
    assert [row.path for row in summary.rows if row.frozen] == [path for path, _ in made.layers() if path[0] == "0"]
    for text in (str(summary), html.unescape(summary._repr_html_())):
        assert text.count("· frozen") == 10
        assert f"{summary.trainable:,} of the {summary.parameters:,} parameters are trained" in text


def test_freezing_goes_before_initialising_and_outlasts_it():
    made = Sequential(BODY, Flatten(), Affine(3)).freeze("0.4", "2").initialize(IMAGE)
    assert made.frozen == {"0.4.body.0", "0.4.body.1", "0.4.shortcut.0", "2"}
    made.initialize(IMAGE, rng=1)
    assert not any(key.startswith(("0.4", "2")) for key in made.trainable)


@pytest.mark.parametrize("path", ["7", "0.9", "", "0.4.bod", 0])
def test_paths_that_are_not_there(path):
    made = network()
    for change in (made.freeze, made.unfreeze, lambda *paths: made.copy_from(network(), *paths)):
        with pytest.raises(ValueError, match=f"There is no layer {path!r}; the network has '0.0', '0.1'"):
            change("0", path)
    assert made.frozen == frozenset()


def test_a_body_is_lent_to_a_network_with_another_head():
    old, new = network(classes=3, seed=1), network(classes=5, seed=2)
    trainer(old).fit(X, Y)
    before, kept = arrays_of(new), {key: id(array) for key, array in new.parameters.items()}
    assert new.copy_from(old, "0", "3") is new
    assert moved(new, before) == inside(new, "0", "3")
    for key in inside(new, "0", "3"):
        np.testing.assert_array_equal((new.parameters | new.statistics)[key], (old.parameters | old.statistics)[key])
    assert {key: id(array) for key, array in new.parameters.items()} == kept, "copied in place, for optimisers"
    alone = Sequential(BODY).initialize(IMAGE, rng=3).copy_from(old, "0")
    seen = []
    old.forward(X, observe=lambda path, out: seen.append(out))
    np.testing.assert_array_equal(alone.forward(X), next(out for out in seen[::-1] if out.shape == (40, 5, 6, 6)))


def test_what_does_not_fit_is_not_copied():
    old, new = network(classes=3, seed=1), network(classes=5, seed=2)
    before = arrays_of(new)
    with pytest.raises(
        ValueError, match=r"of the other network does not fit.*5.w of shape \(8, 3\) instead of \(8, 5\)"
    ):
        new.copy_from(old)
    smaller = Sequential(Sequential(*BODY.steps[:3])).initialize(IMAGE)
    with pytest.raises(ValueError, match="of '0' does not fit this network: missing 0.4.body.0.w.*Nothing was loaded"):
        new.copy_from(smaller, "0")
    with pytest.raises(ValueError, match="additional 0.4.body.0.w"):
        smaller.copy_from(old, "0")
    with pytest.raises(RuntimeError, match="only a definition so far"):
        new.copy_from(Sequential(BODY), "0")
    np.testing.assert_equal(arrays_of(new), before)
