"""Training on arrays of a device: the same numbers as on the host, and only single numbers come back."""

import sys

import fake_cupy
import numpy as np
import pytest

from cs231n_kit.networks import Affine, BatchNorm, Convolution, Flatten, ReLU, Sequential
from cs231n_kit.training import Trainer

Y = np.arange(40) % 3
X = (np.random.default_rng(0).normal(size=(40, 2, 4, 4)) + Y[:, None, None, None]).astype(np.float32)


@pytest.fixture(autouse=True)
def cupy(monkeypatch):
    module = fake_cupy.module()
    monkeypatch.setitem(sys.modules, "cupy", module)
    fake_cupy.transfers.clear()
    return module


def device(array):
    return fake_cupy.ndarray(array.copy())


def trainer(on_device):
    layers = [Convolution(4, 3, pad=1), BatchNorm(), ReLU(), Flatten(), Affine(3)]
    network = Sequential(*layers).initialize(input_shape=(2, 4, 4), rng=0)
    if on_device:
        network.parameters = {path: device(array) for path, array in network.parameters.items()}
        network.statistics = {path: device(array) for path, array in network.statistics.items()}
    settings = {"batch_size": 8, "epochs": 2, "regularization": 1e-3, "clip_norm": 1.0}
    return Trainer(network, progress_bar=False, live_plot=False, **settings)


def test_training_stays_on_the_device():
    expected, found = trainer(on_device=False), trainer(on_device=True)
    history = expected.fit(X, Y, X[:10], Y[:10])
    data = device(X), device(Y), device(X[:10]), device(Y[:10])
    fake_cupy.transfers.clear()
    found.fit(*data)
    assert set(fake_cupy.transfers["to_host"]) == {()}, "numbers, no arrays"
    assert fake_cupy.transfers["to_device"] == [(40,)] * 2, "the order of each epoch"
    for path, array in expected.network.parameters.items():
        np.testing.assert_allclose(found.network.parameters[path].get(), array, rtol=1e-4, atol=1e-5)
    for path, array in expected.network.statistics.items():
        np.testing.assert_allclose(found.network.statistics[path].get(), array, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.history.losses, history.losses, rtol=1e-4)
    assert found.history.validation_metrics == history.validation_metrics


def test_checkpoints_go_from_the_device_to_the_host_and_back(tmp_path):
    data = device(X), device(Y), device(X[:10]), device(Y[:10])
    whole, first, on_host, second = trainer(True), trainer(True), trainer(False), trainer(True)
    whole.fit(*data)
    for progress in first.steps(*data):
        if progress.done == 7:
            break
    first.save(tmp_path / "run.npz")
    second.load(tmp_path / "run.npz")
    second.fit(*data)
    on_host.load(tmp_path / "run.npz")
    for path, array in whole.network.parameters.items():
        np.testing.assert_array_equal(second.network.parameters[path].get(), array.get())
        np.testing.assert_array_equal(on_host.network.parameters[path], first.network.parameters[path].get())
    assert second.history == whole.history


def test_data_and_network_in_different_memories():
    with pytest.raises(TypeError, match="different memories"):
        trainer(on_device=True).fit(X, Y)
    with pytest.raises(TypeError, match="different memories"):
        trainer(on_device=False).fit(device(X), device(Y))
    with pytest.raises(TypeError, match="different memories"):
        trainer(on_device=True).fit(device(X), Y)
