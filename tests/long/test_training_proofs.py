"""Networks that reach what they should. Slow: run by make test-long."""

import time
from functools import partial

import numpy as np
import pytest

from cs231n_kit.datasets import load
from cs231n_kit.initialization import small_normal
from cs231n_kit.networks import Affine, BatchNorm, Convolution, Flatten, MaxPool, ReLU, Sequential
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.preprocessing import random_crop, random_flip
from cs231n_kit.schedules import cosine
from cs231n_kit.training import Callback, NonFiniteError, Trainer

pytestmark = pytest.mark.long

TEN_MINUTES_ON_TWO_CORES = 2 * 600  # seconds of processor time, which other work on the machine does not change


@pytest.fixture(scope="module")
def cifar10():
    """Images (N, 3, 32, 32), each channel standardised by the training images, and labels, by split."""
    dataset = load("cifar10")
    if len(dataset.X_train) < 49_000:
        pytest.fail(f"This needs CIFAR-10 itself (cs231n data cifar10), not {dataset.source}")
    mean, std = (getattr(dataset.X_train, name)(axis=(0, 1, 2), dtype=np.float64) for name in ("mean", "std"))
    splits = {}
    for split in ("train", "val", "test"):
        images = (getattr(dataset, f"X_{split}") - mean.astype(np.float32)) / std.astype(np.float32)
        splits[split] = np.ascontiguousarray(images.transpose(0, 3, 1, 2)), getattr(dataset, f"y_{split}")
    return splits


class TimeLimit(Callback):
    def on_start(self, trainer, progress):
        self.began = time.process_time()

    def on_step(self, trainer, progress):
        if time.process_time() - self.began > TEN_MINUTES_ON_TWO_CORES:
            trainer.stop()


def shifted_and_mirrored(images, rng):
    return random_flip(random_crop(images, rng, channel_axis=1), rng, channel_axis=1)


def test_a_small_convnet_reaches_65_percent_on_cifar10_in_ten_minutes(cifar10, capsys):
    layers = []
    for filters in (32, 64, 128):
        layers += [Convolution(filters, 3, pad=1), BatchNorm(), ReLU(), MaxPool(2)]
    network = Sequential(*layers, Flatten(), Affine(10)).initialize(input_shape=(3, 32, 32), rng=0)
    epochs, batch_size = 3, 64
    updates = epochs * -(-len(cifar10["train"][0]) // batch_size)
    trainer = Trainer(
        network,
        optimizer="adam",
        schedule=cosine(3e-3, updates, warm_up=updates // 10),
        batch_size=batch_size,
        epochs=epochs,
        augment=shifted_and_mirrored,
        callbacks=[TimeLimit()],
    )
    began, began_computing = time.perf_counter(), time.process_time()
    with capsys.disabled():
        trainer.fit(*cifar10["train"], *cifar10["val"])
        seconds, computing = time.perf_counter() - began, time.process_time() - began_computing
        accuracy = trainer.evaluate(*cifar10["test"]).metric
        print(f"\nCIFAR-10: test accuracy {accuracy:.1%} after {seconds:.0f} s, {computing:.0f} s of processor time")
    assert accuracy >= 0.65


def trained_from(std, cifar10, normalised):
    """Accuracy on validation images of a convnet whose filters start with this standard deviation."""
    start = partial(small_normal, std=std)
    layers = []
    for filters in (16, 32, 32, 32):
        layers += [Convolution(filters, 3, pad=1, initialize=start), *([BatchNorm()] if normalised else []), ReLU()]
        layers += [MaxPool(2)]
    layers += [Flatten(), Affine(10)]
    network = Sequential(*layers).initialize(input_shape=(3, 32, 32), rng=0)
    trainer = Trainer(network, optimizer=Optimizer("sgd_momentum", learning_rate=0.1), epochs=3, best_by=None)
    X, y = cifar10["train"]
    try:
        trainer.fit(X[:6000], y[:6000])
    except NonFiniteError:
        return 0.0
    return trainer.evaluate(*cifar10["val"]).metric


@pytest.mark.parametrize("std", [1e-4, 0.5], ids=["far too small", "far too large"])
def test_batch_normalisation_trains_from_a_bad_initialisation(std, cifar10):
    assert trained_from(std, cifar10, normalised=False) < 0.15, "hardly better than chance"
    assert trained_from(std, cifar10, normalised=True) > 0.35
