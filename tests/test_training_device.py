"""Training on arrays of a device: the same numbers as on the host, and only single numbers come back."""

import sys

import fake_cupy
import numpy as np
import pytest

from cs231n_kit import optimizers
from cs231n_kit.kernels import update_cuda
from cs231n_kit.networks import Affine, BatchNorm, Convolution, Dropout, Flatten, MaxPool, ReLU, Sequential
from cs231n_kit.training import Trainer

Y = np.arange(40) % 3
X = (np.random.default_rng(0).normal(size=(40, 2, 4, 4)) + Y[:, None, None, None]).astype(np.float32)


@pytest.fixture(autouse=True)
def cupy(monkeypatch):
    module = fake_cupy.module()
    monkeypatch.setitem(sys.modules, "cupy", module)
    fake_cupy.transfers.clear()
    fake_cupy.launches.clear()
    update_cuda._table.cache_clear()
    return module


def device(array):
    return fake_cupy.ndarray(array.copy())


def trainer(on_device, optimizer="adam"):
    layers = [Convolution(4, 3, pad=1), BatchNorm(), ReLU(), Dropout(0.8), MaxPool(2), Flatten(), Affine(3)]
    network = Sequential(*layers).initialize(input_shape=(2, 4, 4), rng=0)
    if on_device:
        network.parameters = {path: device(array) for path, array in network.parameters.items()}
        network.statistics = {path: device(array) for path, array in network.statistics.items()}
    settings = {"optimizer": optimizer, "batch_size": 8, "epochs": 2, "regularization": 1e-3, "clip_norm": 1.0}
    return Trainer(network, progress_bar=False, live_plot=False, **settings)


def test_training_stays_on_the_device():
    # Not Adam: batch normalisation leaves the biases before it a gradient of rounding errors, which Adam would blow up.
    expected, found = (trainer(on_device, optimizer="sgd_momentum") for on_device in (False, True))
    history = expected.fit(X, Y, X[:10], Y[:10])
    data = device(X), device(Y), device(X[:10]), device(Y[:10])
    fake_cupy.transfers.clear()
    found.fit(*data)
    assert set(fake_cupy.transfers["to_host"]) == {()}, "numbers, no arrays"
    orders, tables = ([s for s in fake_cupy.transfers["to_device"] if (s == (40,)) is order] for order in (True, False))
    assert len(orders) == 2, "the order of each epoch"
    assert len(tables) <= 10, "where the gradients of an update lie, for its kernel"
    for path, array in expected.network.parameters.items():
        np.testing.assert_allclose(found.network.parameters[path].get(), array, rtol=1e-4, atol=1e-5)
    for path, array in expected.network.statistics.items():
        np.testing.assert_allclose(found.network.statistics[path].get(), array, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.history.losses, history.losses, rtol=1e-4)
    assert found.history.validation_metrics == history.validation_metrics


@pytest.mark.parametrize("rule", optimizers.RULES)
def test_a_training_step_reads_single_numbers_and_launches_each_kernel_once(rule):
    training = trainer(on_device=True, optimizer=rule)
    X_batch, y_batch = device(X[:8]), device(Y[:8])
    training.step(X_batch, y_batch)
    fake_cupy.transfers.clear()
    fake_cupy.launches.clear()
    training.step(X_batch, y_batch)
    update = "scaled" if rule in ("adagrad", "rmsprop") else "adam" if rule == "adamw" else rule
    forward = [
        "unfold",
        "add_bias",
        "split_moments",
        "join_moments",
        "normalize",
        "relu_forward",
        "dropout",
        "max_pool",
    ]
    backward = ["max_pool_gradient", "relu_backward", "split_sums", "join_sums", "input_gradient", "unfold"]
    assert fake_cupy.launches == [*forward, "softmax_loss", *backward, update]
    # The loss, its penalty, two for the norm that is clipped, three to check that all is finite, three that labels fit.
    assert fake_cupy.transfers["to_host"] == [()] * 10
    assert len(fake_cupy.transfers["to_device"]) <= 1, "where the gradients lie"


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
