"""Training that was saved and loaded goes on to the same numbers, bit for bit."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from cs231n_kit.networks import Affine, BatchNorm, Convolution, Dropout, Flatten, MaxPool, ReLU, Sequential
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.preprocessing import random_crop, random_flip
from cs231n_kit.schedules import cosine
from cs231n_kit.training import Callback, Checkpoint, CheckpointError, Trainer

RNG = np.random.default_rng(0)
Y = np.arange(50) % 3
X = (RNG.normal(size=(50, 2, 6, 6)) + Y[:, None, None, None]).astype(np.float32)
UPDATES = 3 * 7  # epochs of 7 batches


def augment(images, rng):
    return random_flip(random_crop(images, rng, padding=1, channel_axis=1), rng, channel_axis=1)


def network(seed=0, units=8):
    layers = [Convolution(4, 3, pad=1), BatchNorm(), ReLU(), Dropout(0.9), MaxPool(2)]
    layers += [Flatten(), Affine(units), ReLU(), Dropout(0.6), Affine(3)]
    return Sequential(*layers).initialize(input_shape=(2, 6, 6), rng=seed)


def trainer(seed=0, rule="adam", units=8, **settings):
    made = {"schedule": cosine(0.02, UPDATES, warm_up=4), "augment": augment, "clip_norm": 1.0, "regularization": 1e-3}
    made |= {"batch_size": 8, "epochs": 3, "progress_bar": False, "live_plot": False} | settings
    return Trainer(network(seed, units), optimizer=Optimizer(rule), **made)


def everything(trained):
    """All numbers that a training consists of."""
    return {
        "history": vars(trained.history),
        "position": [trained.step_count, trained.epoch, trained.batch, vars(trained.totals)],
        "random": trained.network.random_state(),
        "optimizer": trained.optimizer.state(),
        "parameters": trained.network.parameters,
        "statistics": trained.network.statistics,
        "best": [trained.best.parameters, trained.best.statistics] if trained.best else None,
    }


def fit(trained):
    trained.fit(X, Y, X[:20], Y[:20])
    return trained


def go(trained, updates):
    for _ in itertools.islice(trained.steps(X, Y, X[:20], Y[:20]), updates):
        pass


@pytest.fixture(scope="module")
def uninterrupted():
    return {rule: everything(fit(trainer(rule=rule))) for rule in ("adam", "nesterov")}


@pytest.mark.parametrize(
    ("updates", "rule"),
    [(0, "adam"), (1, "adam"), (7, "adam"), (10, "adam"), (17, "adam"), (21, "adam"), (10, "nesterov")],
)
def test_resumed_training_ends_with_the_same_bits(tmp_path, uninterrupted, updates, rule):
    first = trainer(rule=rule)
    go(first, updates)
    first.save(tmp_path / "run.npz")
    second = trainer(seed=5, rule=rule)  # other weights and dropout, to be replaced
    second.load(tmp_path / "run.npz")
    np.testing.assert_equal(everything(second), everything(first))
    if updates == UPDATES:
        with pytest.warns(UserWarning, match="All 3 epochs are done"):
            fit(second)
    else:
        fit(second)
    np.testing.assert_equal(everything(second), uninterrupted[rule])


def test_saving_and_loading_do_not_disturb_a_training(tmp_path, uninterrupted):
    first = trainer(callbacks=[Checkpoint(tmp_path / "run.npz", every=3)])
    fit(first)
    np.testing.assert_equal(everything(first), uninterrupted["adam"])
    np.testing.assert_equal(everything(loaded(tmp_path / "run.npz"))["history"], uninterrupted["adam"]["history"])


def loaded(path, **settings):
    made = trainer(**settings)
    made.load(path)
    return made


def test_epochs_may_be_added(tmp_path):
    longer = fit(trainer(epochs=5, best_by=None))
    first = fit(trainer(epochs=2, best_by=None))
    first.save(tmp_path / "run.npz")
    second = fit(loaded(tmp_path / "run.npz", epochs=5, best_by=None))
    np.testing.assert_equal(everything(second), everything(longer))


def test_the_callback_saves_after_epochs_and_every_so_many_updates(tmp_path):
    path, written = tmp_path / "run.npz", []

    class Watch(Callback):
        def on_step(self, trained, progress):
            if path.exists():
                written.append(progress.done)
                path.unlink()

    for every, expected in ((None, [7, 14, 21]), (5, [5, 7, 10, 14, 15, 20, 21])):
        written.clear()
        fit(trainer(callbacks=[Checkpoint(path, every), Watch()]))
        assert written == expected


def test_a_checkpoint_holds_no_objects(tmp_path):
    first = trainer()
    go(first, 8)
    first.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz", allow_pickle=False) as file:
        assert not [name for name in file.files if file[name].dtype.kind not in "fiuU"]


def test_a_write_that_fails_leaves_the_old_checkpoint_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    first = trainer()
    go(first, 3)
    first.save(path)
    old = path.read_bytes()
    go(first, 1)

    def full(*args):
        raise OSError("No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
            patch.setattr(os, name, full)
            first.save(path)
        assert path.read_bytes() == old and os.listdir(tmp_path) == ["run.npz"]


# --- files that do not fit ---


def damage(content: bytes, what: str) -> bytes:
    middle = len(content) // 2
    return {
        "empty": b"",
        "cut": content[:middle],
        "text": b"hello",
        "flipped": content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
    }[what]


@pytest.mark.parametrize("what", ["empty", "cut", "text", "flipped"])
def test_a_damaged_file_changes_nothing(tmp_path, what):
    path = tmp_path / "run.npz"
    first = trainer()
    go(first, 9)
    first.save(path)
    path.write_bytes(damage(path.read_bytes(), what))
    assert_refused(path, trainer(seed=1), "is not a checkpoint that Trainer.save wrote, or is damaged")


def assert_refused(path: Path, second, message):
    go(second, 2)
    before = {name: np.copy(array) for name, array in second.network.parameters.items()}
    with pytest.raises(CheckpointError, match=message):
        second.load(path)
    np.testing.assert_equal(second.network.parameters, before)
    assert (second.step_count, second.best) == (2, None)
    go(second, 1)  # and the trainer still works


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"units": 9},
            r"another network: its parameter '6.w' is float32 of shape \(36, 8\), here it is float32",
        ),
        ({"seed": 0, "batch_size": 9}, "a training with batch_size = 8, but here it is 9"),
        ({"rule": "adamw"}, "a training with optimizer = 'adam', but here it is 'adamw'"),
        ({"regularization": 0.0}, "a training with regularization = 0.001, but here it is 0.0"),
    ],
)
def test_another_training_is_refused(tmp_path, settings, message):
    path = tmp_path / "run.npz"
    first = trainer()
    go(first, 9)
    first.save(path)
    assert_refused(path, trainer(**settings), message)


def test_another_type_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    trainer().save(path)
    second = trainer()
    second.network.initialize(input_shape=(2, 6, 6), rng=0, dtype=np.float64)
    assert_refused(path, second, "its parameter '0.w' is float32 of shape .*, here it is float64")


def test_another_order_of_layers_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    first = trainer()
    first.save(path)
    second = trainer()
    second.network = Sequential(Flatten(), Affine(3), BatchNorm()).initialize(input_shape=(2, 6, 6), rng=0)
    assert_refused(path, second, "is of another network: .* has the parameter")


def test_a_saved_network_is_no_checkpoint(tmp_path):
    network().save(tmp_path / "network.npz")
    assert_refused(tmp_path / "network.npz", trainer(), "is not a checkpoint")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="run.npz"):
        trainer().load(tmp_path / "run.npz")
