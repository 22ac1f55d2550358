"""Auxiliary classifiers: gradients of all losses together, rest in testing, and all that layers can do."""

import numpy as np
import pytest
from scipy.special import log_softmax

from cs231n_kit.networks import (
    Affine,
    Auxiliary,
    AveragePool,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    GlobalAveragePool,
    ReLU,
    Residual,
    Sequential,
)

IMAGE = (2, 6, 6)
X = np.random.default_rng(0).normal(size=(5, *IMAGE))
Y = np.array([0, 3, 1, 2, 3])
HEADS = {"2": 0.3, "3.body.1": 0.5}


def network():
    """Two heads, one of them inside of a residual block."""
    return Sequential(
        *(Convolution(3, 3, pad=1), ReLU()),
        Auxiliary(AveragePool(2), Convolution(2, 1), BatchNorm(), ReLU(), Flatten(), Dropout(0.8), Affine(4)),
        Residual(Convolution(3, 3, pad=1), Auxiliary(GlobalAveragePool(), Affine(4), weight=0.5)),
        *(ReLU(), GlobalAveragePool(), Affine(4)),
    )


def prepared():
    made = network().initialize(IMAGE, rng=1, dtype=np.float64)
    for parameter in made.parameters.values():
        parameter += np.random.default_rng(parameter.size).normal(0, 0.1, parameter.shape)
    return made


def cross_entropy(scores):
    """The mean loss, and its gradient."""
    logs = log_softmax(scores, axis=1)
    return -logs[np.arange(len(Y)), Y].mean(), (np.exp(logs) - np.eye(scores.shape[1])[Y]) / len(Y)


def loss_and_gradients(made, x=X):
    """The losses of all scores, weighted, and their gradients, from one training pass."""
    loss, dscores = cross_entropy(made.forward(x, mode="train"))
    gradients = {}
    for path, (scores, weight) in made.auxiliary.items():
        head_loss, head_dscores = cross_entropy(scores)
        loss += weight * head_loss
        gradients[path] = weight * head_dscores
    return loss, dscores, gradients


FROZEN = {
    "nothing": (),
    "the first convolution": ("0",),
    "a head": ("2",),
    "the normalisation of a head": ("2.head.2",),
    "all but the heads": ("0", "3.body.0", "6"),
    "all but the last layers of the heads": ("0", "2.head.1", "2.head.2", "3.body.0", "6"),
    "all but the last layer": ("0", "2", "3"),
}


@pytest.mark.parametrize("frozen", FROZEN)
def test_gradients_of_all_losses_together(frozen):
    made = prepared().freeze(*FROZEN[frozen])
    random = made.random_state()
    statistics = {key: array.copy() for key, array in made.statistics.items()}

    def value(x=X):
        made.set_random_state(random)
        for key, array in statistics.items():
            made.statistics[key][...] = array
        return loss_and_gradients(made, x)[0]

    value()
    made.set_random_state(random)
    for key, array in statistics.items():
        made.statistics[key][...] = array
    _, dscores, gradients = loss_and_gradients(made)
    assert list(gradients) == list(HEADS)
    dx = made.backward(dscores, input_gradient=True, auxiliary=gradients)
    with_dx = dict(made.gradients)
    assert list(with_dx) == list(made.trainable)
    assert made.backward(dscores, auxiliary=gradients) is None
    for key, parameter in made.trainable.items():
        np.testing.assert_array_equal(made.gradients[key], with_dx[key], err_msg=key)
        np.testing.assert_allclose(with_dx[key], numeric(value, parameter), rtol=1e-5, atol=1e-8, err_msg=key)
    x = X.copy()
    some = slice(0, 1), slice(None), slice(2, 4)
    np.testing.assert_allclose(dx[some], numeric(lambda: value(x), x[some]), rtol=1e-5, atol=1e-8)


def numeric(value, array):
    """Central differences with respect to an array that ``value()`` reads."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        before, values = array[index], []
        for moved in (before + 1e-5, before - 1e-5):
            array[index] = moved
            values.append(value())
        array[index] = before
        gradient[index] = (values[0] - values[1]) / 2e-5
    return gradient


def test_heads_that_get_no_gradient_have_gradients_of_0():
    """Of a function that does not depend on them: of the scores, or of one head's alone."""
    made = prepared()
    _, dscores, gradients = loss_and_gradients(made)
    made.backward(dscores, auxiliary={"2": gradients["2"]})
    one = dict(made.gradients)
    assert all((one[key] == 0).all() == key.startswith("3.body.1.head") for key in one)
    for mode in ("train", "test"):
        made.forward(X, mode=mode)
        made.backward(dscores)
        assert list(made.gradients) == list(made.parameters)
        assert all((made.gradients[key] == 0).all() == (".head." in key) for key in made.gradients)


def test_heads_rest_in_testing():
    made = prepared()
    bare = Sequential(*made.steps[:2], Residual(Convolution(3, 3, pad=1)), *made.steps[4:])
    bare.initialize(IMAGE, dtype=np.float64)
    kept = [array for key, array in made.parameters.items() if ".head." not in key]
    for array, given in zip(bare.parameters.values(), kept, strict=True):
        array[...] = given
    seen = {"train": [], "test": []}
    random = made.random_state()
    for mode, paths in seen.items():
        scores = made.forward(X, mode=mode, observe=lambda path, array, paths=paths: paths.append(path))
        np.testing.assert_array_equal(scores, bare.forward(X, mode=mode))
        assert list(made.auxiliary) == (list(HEADS) if mode == "train" else [])
        if mode == "train":
            shapes = {path: (scores.shape, weight) for path, (scores, weight) in made.auxiliary.items()}
            assert shapes == {path: ((5, 4), weight) for path, weight in HEADS.items()}
            random = made.random_state()
    assert made.random_state() == random, "no numbers are drawn in testing"
    assert [path for path in seen["train"] if ".head." not in path] == seen["test"]
    trunk = ["0", "1", "2", "3.body.0", "3.body.1", "3", "4", "5", "6"]
    assert seen["test"] == trunk
    made.forward(X, mode="train")
    gradients = []
    made.backward(np.ones((5, 4)), observe=lambda path, array: gradients.append(path))
    assert gradients == ["6", "5", "4", "3", "3.body.1", "3.body.0", "2", "1", "0"]


def test_scores_and_predictions_go_without():
    made = prepared()
    made.forward(X, mode="train")
    np.testing.assert_array_equal(made.predict(X), made.forward(X).argmax(axis=1))
    assert not made.auxiliary


def test_paths():
    made = prepared()
    assert [path for path, _ in made.layers()][:6] == ["0", "1", *(f"2.head.{i}" for i in range(4))]
    assert [key for key in made.parameters if ".head." in key] == [
        *("2.head.1.w", "2.head.1.b", "2.head.2.gamma", "2.head.2.beta", "2.head.6.w", "2.head.6.b"),
        *("3.body.1.head.1.w", "3.body.1.head.1.b"),
    ]
    assert list(made.statistics) == ["2.head.2.running_mean", "2.head.2.running_var"]
    assert made.freeze("2").frozen == {f"2.head.{i}" for i in range(7)}
    assert made.unfreeze("2.head").frozen == frozenset()


def test_saved_loaded_and_copied(tmp_path):
    made, other = prepared(), network().initialize(IMAGE, rng=5, dtype=np.float64)
    made.forward(X, mode="train")
    made.save(tmp_path / "network.npz")
    other.load(tmp_path / "network.npz")
    third = network().initialize(IMAGE, rng=6, dtype=np.float64).copy_from(made, "2", "3.body.1")
    for key, array in (made.parameters | made.statistics).items():
        np.testing.assert_array_equal((other.parameters | other.statistics)[key], array)
        assert np.array_equal((third.parameters | third.statistics)[key], array) == (".head." in key)
    without = Sequential(*(step for step in network().steps if not isinstance(step, Auxiliary))).initialize(IMAGE)
    with pytest.raises(ValueError, match=r"additional .*2\.head\.1\.w"):
        without.load(tmp_path / "network.npz")


def test_summary():
    summary = network().summary(IMAGE)
    rows = {row.path: row for row in summary.rows}
    assert rows["2"].layer == "Auxiliary, input passed on"
    assert (rows["2"].output_shape, rows["2"].memory, rows["2"].parameters) == ((3, 6, 6), 0, 0)
    assert {path for path, row in rows.items() if row.auxiliary} == {
        path for path in rows if ".head." in path or path in HEADS
    }
    heads = (3 * 2 + 2) + 4 + (18 * 4 + 4) + (3 * 4 + 4)
    trunk = (2 * 9 * 3 + 3) + (3 * 9 * 3 + 3) + (3 * 4 + 4)
    alone = summary.without_auxiliary()
    assert (summary.parameters, alone.parameters) == (trunk + heads, trunk)
    assert summary.multiply_adds - alone.multiply_adds == 9 * 3 * 2 + 18 * 4 + 3 * 4
    assert summary.memory - alone.memory == 4 * (27 + 4 * 18 + 18 + 4 + 3 + 4)
    assert rows["2.head.0"].receptive_field == (4, 4) and rows["3.body.0"].receptive_field == (5, 5)
    text = str(summary)
    assert f"Without the auxiliary heads, which only work in training: {trunk} parameters" in text
    assert "auxiliary heads" not in str(alone)
    frozen = prepared().freeze("2", "6").summary()
    assert frozen.trainable == trunk + heads - 8 - 4 - 76 - 16


def test_folded_summary():
    made = prepared().freeze("2", "3.body.0")
    summary = made.summary()
    folded = summary.folded()
    assert [(row.path, row.layer, row.frozen, row.auxiliary) for row in folded.rows] == [
        ("0", "Convolution(3, 3, pad=1)", False, False),
        ("1", "ReLU()", False, False),
        ("2", "Auxiliary, input passed on · 7 layers", True, True),
        ("3", "Residual, sum · 3 layers", False, False),
        ("4", "ReLU()", False, False),
        ("5", "GlobalAveragePool()", False, False),
        ("6", "Affine(4)", False, False),
    ]
    for total in ("parameters", "trainable", "multiply_adds", "memory"):
        assert getattr(folded, total) == getattr(summary, total)
    assert folded.rows[3].parameters == 84 + 16 and folded.rows[3].trainable == 16
    assert folded.rows[3].output_shape == (3, 6, 6)
    nested = Sequential(Sequential(Affine(3), ReLU()), Affine(2)).summary((4,)).folded()
    assert [(row.path, row.layer, row.parameters) for row in nested.rows] == [
        ("0", "Sequential · 2 layers", 15),
        ("1", "Affine(2)", 8),
    ]


def test_errors():
    with pytest.raises(ValueError, match="Auxiliary needs layers for its head"):
        Auxiliary()
    for weight in (-1, float("nan"), float("inf"), "much", True):
        with pytest.raises(ValueError, match="weight must be a finite number and not negative"):
            Auxiliary(Affine(3), weight=weight)
    with pytest.raises(TypeError, match="Affine is a class"):
        Auxiliary(Affine)
    with pytest.raises(ValueError, match=r"Layer 0\.head\.0, AveragePool\(9\)"):
        Sequential(Auxiliary(AveragePool(9))).summary(IMAGE)
    made = prepared()
    made.forward(X, mode="train")
    with pytest.raises(ValueError, match=r"gradient for '9', but .* auxiliary scores for \['2', '3.body.1'\]"):
        made.backward(np.ones((5, 4)), auxiliary={"9": np.ones((5, 4))})
    with pytest.raises(ValueError, match=r"auxiliary scores '2' must have their shape, \(5, 4\), not \(4, 4\)"):
        made.backward(np.ones((5, 4)), auxiliary={"2": np.ones((4, 4))})
    made.forward(X)
    with pytest.raises(ValueError, match='only passes in mode "train" make any'):
        made.backward(np.ones((5, 4)), auxiliary={"2": np.ones((5, 4))})
