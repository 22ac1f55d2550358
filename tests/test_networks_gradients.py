"""Every layer and arrangement inside of whole networks: gradients, types, device arrays, representations."""

import sys

import fake_cupy
import numpy as np
import pytest
from layer_checks import numeric_gradient

from cs231n_kit.initialization import inverse_sqrt, small_normal
from cs231n_kit.networks import (
    ELU,
    LSTM,
    RNN,
    Affine,
    Auxiliary,
    AveragePool,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    LayerNorm,
    LeakyReLU,
    Maxout,
    MaxPool,
    Parallel,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Tanh,
    TemporalAffine,
    WordEmbedding,
)

IMAGE, SEQUENCE = (2, 5, 6), (4, 3)
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

# Networks in which every layer stands between layers with parameters, and the shapes of their inputs.
NETWORKS = {
    "affine": ((5,), [Affine(4), Tanh(), Affine(3, bias=False)]),
    "affine on images": (IMAGE, [Affine(4), ReLU(), Affine(3)]),
    "convolution": (IMAGE, [Convolution(4, (3, 2), (2, 1), (1, 2), (1, 2)), ReLU(), Convolution(2, 3, bias=False)]),
    "max pool": (IMAGE, [Convolution(2, 3), MaxPool(2, 1), Convolution(2, 1), MaxPool(3, 2, 1), Flatten(), Affine(3)]),
    "average pool": (IMAGE, [Convolution(2, 3), AveragePool(2), Convolution(2, 1), GlobalAveragePool(), Affine(3)]),
    "relus": ((5,), [Affine(6), LeakyReLU(0.1), Affine(6), ELU(0.5), Affine(6), ReLU(), Affine(2)]),
    "sigmoid": ((5,), [Affine(6), Sigmoid(), Affine(2)]),
    "maxout": ((5,), [Affine(12), Maxout(3), Affine(2)]),
    "maxout of images": (IMAGE, [Convolution(6, 2), Maxout(2), Convolution(2, 3)]),
    "batchnorm": ((5,), [Affine(4), BatchNorm(), Affine(3)]),
    "spatial batchnorm": (IMAGE, [Convolution(4, 3), BatchNorm(), ReLU(), Convolution(2, 3)]),
    "layernorm": ((5,), [Affine(4), LayerNorm(), Affine(3)]),
    "groupnorm": (IMAGE, [Convolution(4, 3), GroupNorm(2), ReLU(), Convolution(2, 3)]),
    "dropout": ((5,), [Affine(6), Dropout(0.6), Affine(3)]),
    "identity shortcut": (IMAGE, [Convolution(3, 1), Residual(Convolution(3, 3, pad=1), ReLU()), Flatten(), Affine(3)]),
    "projection": (IMAGE, [Convolution(3, 1), PROJECTED, ReLU(), GlobalAveragePool(), Affine(3)]),
    "projection first": (IMAGE, [PROJECTED]),
    "branches": (IMAGE, [Convolution(3, 1), INCEPTION, ReLU(), GlobalAveragePool(), Affine(3)]),
    "branches first": (IMAGE, [INCEPTION]),
    "branches of vectors": ((5,), [Parallel(Affine(2), (Affine(3), Tanh())), Affine(2)]),
    "residual in branch": (IMAGE, [Parallel(Residual(Convolution(2, 1), shortcut=BatchNorm()), Convolution(1, 1))]),
    "heads": (IMAGE, [Convolution(3, 1), Auxiliary(INCEPTION, Affine(2)), Auxiliary(Affine(2), weight=1.0), Affine(3)]),
    "nested": ((5,), [Affine(4), Sequential(ReLU(), Affine(3), Sequential(Tanh())), Affine(2)]),
    "rnn": (SEQUENCE, [RNN(3), TemporalAffine(2), RNN(2)]),
    "lstm": (SEQUENCE, [LSTM(3), TemporalAffine(2), LSTM(2)]),
    "words": ((4,), [WordEmbedding(6, 3, initialize=inverse_sqrt), LSTM(3), TemporalAffine(6)]),
    "nothing to train": (IMAGE, [MaxPool(2), Residual(Tanh()), Parallel(Sigmoid(), ()), Flatten()]),
}  # fmt: skip


def batch_for(network, shape, seed=0, N=3):
    rng = np.random.default_rng(seed)
    is_words = isinstance(network.steps[0], WordEmbedding)
    return rng.integers(0, 6, (N, *shape)) if is_words else rng.normal(size=(N, *shape))


@pytest.mark.parametrize("mode", ["train", "test"])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_whole_networks(name, mode):
    shape, steps = NETWORKS[name]
    network = Sequential(*steps).initialize(shape, rng=7, dtype=np.float64)
    for parameter in network.parameters.values():
        parameter += np.random.default_rng(parameter.size).normal(0, 0.1, parameter.shape)  # no bias stays at 0
    x, random = batch_for(network, shape), network.random_state()
    network.forward(x, "train")  # statistics that are not 0 and 1
    statistics = {path: array.copy() for path, array in network.statistics.items()}

    def forward(_):
        network.set_random_state(random)
        for path, array in statistics.items():
            network.statistics[path][...] = array
        return network.forward(x, mode)

    dout = np.random.default_rng(1).normal(size=forward(x).shape)
    is_words = x.dtype.kind == "i"
    dx = network.backward(dout, input_gradient=not is_words)
    gradients = network.gradients
    assert list(gradients) == list(network.parameters)
    for path, parameter in network.parameters.items():
        expected = np.empty_like(parameter)
        for index in np.ndindex(parameter.shape):
            before = parameter[index]
            values = []
            for moved in (before + 1e-5, before - 1e-5):
                parameter[index] = moved
                values.append(forward(x))
            parameter[index] = before
            expected[index] = ((values[0] - values[1]) * dout).sum() / 2e-5
        np.testing.assert_allclose(gradients[path], expected, rtol=1e-5, atol=1e-7, err_msg=path)
    if not is_words:

        def of_input(moved):
            network.set_random_state(random)
            for path, array in statistics.items():
                network.statistics[path][...] = array
            return network.forward(moved, mode)

        np.testing.assert_allclose(dx, numeric_gradient(of_input, x, dout), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NETWORKS)
def test_all_arrays_have_the_type_of_the_network(name, dtype):
    shape, steps = NETWORKS[name]
    network = Sequential(*steps).initialize(shape, dtype=dtype)
    x = batch_for(network, shape)
    seen = []

    def note(path, array):
        seen.append(array.dtype)

    for given in (x, (10 * x).astype(np.uint8) % 6, x.tolist()):
        for mode in ("train", "test"):
            out = network.forward(given, mode, observe=note)
            network.backward(out.astype(np.float64), observe=note)
            seen += [array.dtype for array in [*network.gradients.values(), *network.statistics.values()]]
    assert set(seen) == {np.dtype(dtype)}


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "words"])
def test_on_a_device(name, monkeypatch):
    """With device arrays as parameters all stays on the device, and the numbers are the same."""
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module())
    shape, steps = NETWORKS[name]
    network = Sequential(*steps).initialize(shape)
    x = batch_for(network, shape).astype(np.float32)
    expected = network.forward(x, "train")
    network.backward(expected)
    gradients = network.gradients
    network.initialize(shape)
    for arrays in (network.parameters, network.statistics):
        arrays.update({path: fake_cupy.ndarray(array) for path, array in arrays.items()})
    fake_cupy.transfers.clear()
    out = network.forward(fake_cupy.ndarray(x), "train")
    network.backward(out)
    assert not fake_cupy.transfers["to_host"] and not fake_cupy.transfers["to_device"]
    for found, right in zip([out, *network.gradients.values()], [expected, *gradients.values()], strict=True):
        assert type(found) is fake_cupy.ndarray
        np.testing.assert_allclose(found._memory, right, rtol=1e-4, atol=1e-5)


def test_representations_are_the_code_that_makes_them():
    for _, steps in NETWORKS.values():
        network = Sequential(*steps)
        assert repr(eval(repr(network))) == repr(network)
    assert repr(Convolution(4, (3, 5), stride=2, bias=False)) == "Convolution(4, (3, 5), stride=2, bias=False)"
    assert repr(Affine(3, initialize=small_normal)) == "Affine(3, initialize=small_normal)"
