"""Networks forward and backward: what layers share and what they do not, what is left out."""

import json
import tracemalloc

import numpy as np
import pytest
from scipy.signal import correlate2d

from cs231n_kit.initialization import small_normal
from cs231n_kit.networks import (
    ELU,
    LSTM,
    RNN,
    Affine,
    AveragePool,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    Layer,
    LayerNorm,
    LeakyReLU,
    Maxout,
    MaxPool,
    Parallel,
    Parameter,
    ReLU,
    Residual,
    Sequential,
    Tanh,
    TemporalAffine,
    WordEmbedding,
)
from cs231n_kit.optimizers import Optimizer

IMAGE = (3, 6, 7)
PROJECTED = Residual(
    Convolution(4, 3, stride=2, pad=1, bias=False),
    BatchNorm(),
    ReLU(),
    Convolution(4, 3, pad=1),
    shortcut=(Convolution(4, 1, stride=2, bias=False), BatchNorm()),
)
INCEPTION = Parallel(
    Convolution(2, 1), (Convolution(3, 1), ReLU(), Convolution(2, 3, pad=1)), (MaxPool(3, 1, 1), Convolution(1, 1)), ()
)


def test_scores_by_hand():
    network = Sequential(Affine(4), ReLU(), Affine(2)).initialize((3,), rng=1, dtype=np.float64)
    x = np.random.default_rng(0).normal(size=(5, 3))
    w1, b1, w2, b2 = network.parameters.values()
    b1 += 0.3
    hidden = np.maximum(0, np.einsum("nd,dm->nm", x, w1) + b1)
    np.testing.assert_allclose(network.forward(x), np.einsum("nd,dm->nm", hidden, w2) + b2, atol=1e-12)


def test_residual_and_parallel_by_hand():
    convolution = Convolution(2, 3, pad=1)
    network = Sequential(Residual(convolution), Parallel(convolution, (), Affine(3)))
    with pytest.raises(ValueError, match=r"Parallel 1 can join .* make \(N, 2, 4, 4\), \(N, 2, 4, 4\), \(N, 3\)"):
        network.initialize((2, 4, 4))
    network = Sequential(Residual(convolution), Parallel(convolution, ())).initialize((2, 4, 4), dtype=np.float64)
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 4))

    def convolved(x, path):
        w, b = network.parameters[f"{path}.w"], network.parameters[f"{path}.b"]
        maps = [sum(correlate2d(x[0, c], w[f, c], "same") for c in range(2)) + b[f] for f in range(2)]
        return np.stack(maps)[None]

    summed = x + convolved(x, "0.body.0")
    joined = np.concatenate([convolved(summed, "1.branch0.0"), summed], axis=1)
    np.testing.assert_allclose(network.forward(x), joined, atol=1e-12)


def test_paths_are_readable_and_in_a_fixed_order():
    network = Sequential(Convolution(3, 1), BatchNorm(), PROJECTED, INCEPTION, Sequential(Flatten(), Affine(2)))
    network.initialize(IMAGE)
    assert (
        list(network.parameters)
        == (
            "0.w 0.b 1.gamma 1.beta 2.body.0.w 2.body.1.gamma 2.body.1.beta 2.body.3.w 2.body.3.b 2.shortcut.0.w "
            "2.shortcut.1.gamma 2.shortcut.1.beta 3.branch0.0.w 3.branch0.0.b 3.branch1.0.w 3.branch1.0.b "
            "3.branch1.2.w 3.branch1.2.b 3.branch2.1.w 3.branch2.1.b 4.1.w 4.1.b"
        ).split()
    )
    assert list(network.statistics) == [
        f"{path}.{name}" for path in ("1", "2.body.1", "2.shortcut.1") for name in ("running_mean", "running_var")
    ]
    paths = [path for path, _ in network.layers()]
    assert paths[:4] == ["0", "1", "2.body.0", "2.body.1"] and paths[-2:] == ["4.0", "4.1"]
    assert dict(network.layers())["2.body.3"] == Convolution(4, 3, pad=1)


def test_observers_see_every_output_and_its_gradient():
    network = Sequential(Flatten(), Affine(4), Residual(ReLU(), Affine(4)), Affine(2)).initialize((3, 2))
    outputs, gradients = {}, {}
    scores = network.forward(np.ones((5, 3, 2)), observe=outputs.__setitem__)
    network.backward(np.ones_like(scores), observe=gradients.__setitem__)
    assert list(outputs) == ["0", "1", "2.body.0", "2.body.1", "2", "3"]
    assert outputs["3"] is scores and outputs["1"].shape == (5, 4)
    np.testing.assert_array_equal(outputs["2"], outputs["2.body.1"] + outputs["1"])
    assert list(gradients) == ["3", "2", "2.body.1", "2.body.0", "1"], "nothing needs the gradient of layer 0"
    np.testing.assert_allclose(gradients["2"], np.ones((5, 2)) @ network.parameters["3.w"].T, rtol=1e-6)


def count_input_gradients(monkeypatch, module, name):
    """A list that grows by the value of input_gradient at each call of the backward function."""
    import importlib

    module = importlib.import_module(f"cs231n_kit.networks.{module}")
    original, counted = getattr(module, name), []

    def counting(dout, cache, input_gradient=True):
        counted.append(input_gradient)
        return original(dout, cache, input_gradient)

    monkeypatch.setattr(module, name, counting)
    return counted


def test_the_first_input_gradient_is_computed_only_when_asked_for(monkeypatch):
    convolutions = count_input_gradients(monkeypatch, "convolution", "conv_backward")
    affines = count_input_gradients(monkeypatch, "affine", "affine_backward")
    network = Sequential(AveragePool(1), Convolution(2, 3), ReLU(), Convolution(2, 3), Flatten(), Affine(2))
    network.initialize(IMAGE)
    dout = np.ones_like(network.forward(np.ones((2, *IMAGE))))
    assert network.backward(dout) is None
    assert (affines, convolutions) == ([True], [True, False])
    convolutions.clear()
    assert network.backward(dout, input_gradient=True).shape == (2, *IMAGE)
    assert convolutions == [True, True]


def test_every_branch_at_the_beginning_leaves_out_its_input_gradient(monkeypatch):
    convolutions = count_input_gradients(monkeypatch, "convolution", "conv_backward")
    for step in (PROJECTED, INCEPTION, Residual(ReLU(), Residual(Convolution(3, 1)))):
        network = Sequential(step, Convolution(2, 1)).initialize(IMAGE)
        dout = np.ones_like(network.forward(np.ones((2, *IMAGE))))
        convolutions.clear()
        network.backward(dout)
        needed = {id(PROJECTED): 2, id(INCEPTION): 2}.get(id(step), 1)  # the last one, and those after the first
        assert (convolutions.count(True), len(convolutions)) == (needed, sum("w" in p for p in network.parameters))


def test_layers_before_all_parameters_are_left_out_of_the_backward_pass(monkeypatch):
    pools = []
    monkeypatch.setattr(AveragePool, "backward", lambda self, dout, cache, input_gradient: (pools.append(1), {}))
    convolution = Convolution(3, 1)
    for steps in ([AveragePool(1), convolution], [Parallel(convolution, AveragePool(1))], [AveragePool(1)]):
        network = Sequential(*steps).initialize(IMAGE)
        network.backward(network.forward(np.ones((2, *IMAGE))))
    assert not pools


def test_a_definition_in_two_places_has_arrays_of_its_own_in_each():
    block = (Affine(4), BatchNorm(), Dropout(0.5))
    network = Sequential(*block, *block, Residual(*block), Residual(*block)).initialize((4,))
    arrays = [*network.parameters.values(), *network.statistics.values()]
    assert len(arrays) == 4 * 6
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    assert not np.array_equal(network.parameters["0.w"], network.parameters["3.w"])
    other = Sequential(*block).initialize((4,))
    assert not np.shares_memory(network.parameters["0.w"], other.parameters["0.w"])
    masks = []
    x = np.random.default_rng(0).normal(size=(50, 4))
    network.forward(x, "train", observe=lambda path, array: masks.append((path, array == 0)))
    dropped = [mask for path, mask in masks if path in ("2", "5", "6.body.2", "7.body.2")]
    assert len(dropped) == 4
    assert not any(np.array_equal(a, b) for i, a in enumerate(dropped) for b in dropped[:i])


def test_an_initialised_network_cannot_be_a_layer():
    trained = Sequential(Affine(3)).initialize((4,))
    for build in (
        lambda: Sequential(trained, ReLU()),
        lambda: Residual(ReLU(), shortcut=trained),
        lambda: Parallel(trained),
    ):
        with pytest.raises(ValueError, match="a network that was initialised cannot be a layer of another one"):
            build()


def test_one_seed_gives_one_network():
    steps = [Convolution(3, 3), BatchNorm(), Dropout(0.5), Flatten(), Affine(2)]
    x = np.random.default_rng(0).normal(size=(4, *IMAGE))
    first, again, other = (Sequential(*steps).initialize(IMAGE, rng=seed) for seed in (3, 3, 4))
    for path in first.parameters:
        np.testing.assert_array_equal(first.parameters[path], again.parameters[path])
    assert not np.array_equal(first.parameters["0.w"], other.parameters["0.w"])
    np.testing.assert_array_equal(first.forward(x, "train"), again.forward(x, "train"))
    assert not np.array_equal(first.forward(x, "train"), first.forward(x, "train")), "new masks for every batch"
    saved = json.loads(json.dumps(first.random_state()))
    expected = first.forward(x, "train")
    first.set_random_state(saved)
    np.testing.assert_array_equal(first.forward(x, "train"), expected)
    with pytest.raises(ValueError, match=r"random state is for layers \['1'\], .* draws in \['2'\]"):
        first.set_random_state({"1": saved["2"]})


def test_initialisation_is_he_normal_or_what_a_layer_asks_for():
    network = Sequential(
        Convolution(200, 5), Affine(300), Affine(400, initialize=small_normal), Affine(5, initialize_bias=constant)
    ).initialize((20, 6, 6))
    stds = {path: array.std() for path, array in network.parameters.items()}
    assert stds["0.w"] == pytest.approx((2 / 500) ** 0.5, rel=0.02)
    assert stds["1.w"] == pytest.approx((2 / 800) ** 0.5, rel=0.02)
    assert stds["2.w"] == pytest.approx(0.01, rel=0.02)
    assert (network.parameters["0.b"] == 0).all() and (network.parameters["3.b"] == 7).all()
    lstm = Sequential(LSTM(2)).initialize((4, 3))
    np.testing.assert_array_equal(lstm.parameters["0.b"], [0, 0, 1, 1, 0, 0, 0, 0])


def constant(shape, rng, dtype):
    return np.full(shape, 7, dtype)


def test_settings_reach_the_computation():
    x = np.random.default_rng(0).normal(size=(500, 4))
    negative = np.where(x < 0, x, 0)

    def outputs(layer, mode="test", shape=(4,)):
        network = Sequential(layer).initialize(shape, dtype=np.float64)
        return network.forward(x.reshape(-1, *shape), mode)

    np.testing.assert_allclose(outputs(LeakyReLU(0.3)), np.maximum(x, 0) + 0.3 * negative)
    np.testing.assert_allclose(outputs(ELU(0.3)), np.maximum(x, 0) + 0.3 * (np.exp(negative) - 1))
    np.testing.assert_array_equal(outputs(Maxout(2)), np.maximum(x[:, ::2], x[:, 1::2]))
    kept = outputs(Dropout(0.8), "train")
    assert np.mean(kept != 0) == pytest.approx(0.8, abs=0.03)
    np.testing.assert_allclose(kept[kept != 0], x[kept != 0] / 0.8)
    np.testing.assert_array_equal(outputs(Dropout(0.8)), x)
    np.testing.assert_allclose(outputs(BatchNorm(eps=3), "train"), (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 3))
    rows = x - x.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs(LayerNorm(eps=3)), rows / np.sqrt(x.var(axis=1, keepdims=True) + 3))
    groups = x.reshape(-1, 2, 2)
    normal = (groups - groups.mean(axis=2, keepdims=True)) / np.sqrt(groups.var(axis=2, keepdims=True) + 3)
    np.testing.assert_allclose(outputs(GroupNorm(2, eps=3), shape=(4, 1, 1)).ravel(), normal.ravel())


def test_running_statistics_are_those_of_the_batches():
    network = Sequential(BatchNorm(momentum=0.75)).initialize((3,), dtype=np.float64)
    mean, var = network.statistics["0.running_mean"], network.statistics["0.running_var"]
    x = np.random.default_rng(0).normal(2, 3, size=(50, 3))
    network.forward(x, "test")
    np.testing.assert_array_equal([mean, var], [[0, 0, 0], [1, 1, 1]])
    network.forward(x, "train")
    np.testing.assert_allclose(mean, 0.25 * x.mean(axis=0))
    np.testing.assert_allclose(var, 0.75 + 0.25 * x.var(axis=0))
    assert mean is network.statistics["0.running_mean"], "updated in place"
    np.testing.assert_allclose(network.forward(x), (x - mean) / np.sqrt(var + 1e-5))


def test_an_optimizer_trains_the_arrays_in_place():
    network = Sequential(Affine(16), Tanh(), Affine(1)).initialize((2,), rng=0)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    optimizer = Optimizer("adam", learning_rate=0.05)
    for _ in range(300):
        error = network.forward(x, "train") - [[0], [1], [1], [0]]
        network.backward(error)
        optimizer.step(network.parameters, network.gradients)
    assert np.abs(error).max() < 0.05


def test_scores_in_batches_are_scores():
    network = Sequential(Convolution(2, 3), BatchNorm(), Dropout(0.5), Flatten(), Affine(3)).initialize(IMAGE)
    X = np.random.default_rng(0).normal(size=(11, *IMAGE))
    expected = network.forward(X)
    for size in (1, 4, 11, 200):
        np.testing.assert_allclose(network.scores(X, batch_size=size), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(network.predict(X, 4, progress=True), expected.argmax(axis=1))
    with pytest.raises(ValueError, match="batch_size must be a positive integer, not 0"):
        network.scores(X, batch_size=0)


def test_nothing_is_kept_without_caches():
    network = Sequential(*[Affine(400), Tanh()] * 10).initialize((400,))
    x = np.ones((1000, 400), np.float32)

    def peak(cache):
        network.forward(x[:1])  # drops what the last pass kept
        tracemalloc.start()
        network.forward(x, cache=cache)
        try:
            return tracemalloc.get_traced_memory()[1] / x.nbytes
        finally:
            tracemalloc.stop()

    assert peak(cache=True) > 9
    assert peak(cache=False) < 5


def test_a_new_pass_replaces_the_memory_of_the_last_one():
    network = Sequential(*[Affine(400), Tanh()] * 10).initialize((400,))
    x = np.ones((1000, 400), np.float32)
    tracemalloc.start()
    network.forward(x, "train")
    once = tracemalloc.get_traced_memory()[1]
    network.forward(x, "train")
    twice = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert twice < 1.2 * once


def test_other_sizes_and_lengths_where_all_parameters_fit():
    network = Sequential(Convolution(2, 3, pad=1), MaxPool(2), GlobalAveragePool(), Affine(3)).initialize(IMAGE)
    assert network.forward(np.ones((2, 3, 20, 31))).shape == (2, 3)
    network = Sequential(WordEmbedding(5, 3), RNN(4), TemporalAffine(5)).initialize((7,))
    assert network.forward(np.zeros((2, 1), int)).shape == (2, 1, 5)


class Scale(Layer):
    """A layer as a student writes it: one factor for each feature."""

    def parameters(self, shape):
        return {"factor": Parameter(shape, lambda shape, rng, dtype: np.ones(shape, dtype))}

    def forward(self, x, own, mode):
        return x * own["factor"], (x, own["factor"])

    def backward(self, dout, cache, input_gradient):
        x, factor = cache
        return dout * factor, {"factor": (dout * x).sum(axis=0)}


def test_a_layer_of_ones_own():
    network = Sequential(Scale(), Affine(2)).initialize((3,), dtype=np.float64)
    x = np.random.default_rng(0).normal(size=(4, 3))
    network.parameters["0.factor"] *= [1, 2, 3]
    w = network.parameters["1.w"]
    scores = network.forward(x)
    np.testing.assert_allclose(scores, x * [1, 2, 3] @ w)
    dx = network.backward(np.ones_like(scores), input_gradient=True)
    np.testing.assert_allclose(dx, np.tile(w.sum(axis=1) * [1, 2, 3], (4, 1)))
    np.testing.assert_allclose(network.gradients["0.factor"], x.sum(axis=0) * w.sum(axis=1))
    assert network.summary().parameters == 3 + 8
    assert network.forward(np.ones((2, 3))).shape == (2, 2)
    assert repr(network) == "Sequential(\n    Scale(),\n    Affine(2),\n)"
