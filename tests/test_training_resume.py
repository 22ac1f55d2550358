"""``fit(checkpoint=...)``: a training that was stopped goes on where its cell is run again, to the same numbers."""

import signal
from pathlib import Path

import nbformat
import numpy as np
import pytest

from cs231n_kit import datasets
from cs231n_kit.networks import Affine, BatchNorm, Dropout, ReLU, Sequential
from cs231n_kit.training import Callback, CheckpointError, Trainer

Y = np.arange(40) % 3
X = (np.random.default_rng(0).normal(size=(40, 4)) + 2 * np.eye(4)[Y]).astype(np.float32)
UPDATES = 3 * 5
LECTURE = Path(__file__).parents[1] / "notebooks" / "07_training_neural_networks_2.ipynb"


@pytest.fixture(autouse=True)
def signals():
    """Ctrl-C works, also where tests run in the background and were started to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class CtrlC(Callback):
    def __init__(self, at):
        self.at = at

    def on_step(self, trainer, progress):
        if progress.done == self.at:
            signal.raise_signal(signal.SIGINT)


def cell(path, stop=None, samples=40, units=8, **settings):
    """What a notebook's cell does each time it is run: a new network, a new trainer, and the same file."""
    layers = (Affine(units), BatchNorm(), ReLU(), Dropout(0.7), Affine(3))
    network = Sequential(*layers).initialize(input_shape=(4,), rng=0)
    made = {"batch_size": 8, "epochs": 3, "progress_bar": False, "live_plot": False} | settings
    trainer = Trainer(network, callbacks=[CtrlC(stop)], **made)
    trainer.fit(X[:samples], Y[:samples], X[:9], Y[:9], checkpoint=path)
    return trainer


def everything(trained):
    return {
        "history": vars(trained.history),
        "random": trained.network.random_state(),
        "optimizer": trained.optimizer.state(),
        "parameters": trained.network.parameters,
        "statistics": trained.network.statistics,
        "best": [trained.best.parameters, trained.best.statistics],
    }


@pytest.fixture(scope="module")
def uninterrupted():
    return everything(cell(None))


@pytest.mark.parametrize("stops", [(1,), (7,), (5, 6, 14), (10, 15)])
def test_stopped_and_run_again_equals_one_run(tmp_path, capsys, uninterrupted, stops):
    path = tmp_path / "run.npz"
    for run, stop in enumerate(stops):
        assert cell(path, stop).step_count == stop
        told = capsys.readouterr().out
        assert f"Stopped after {stop} updates" in told
        assert f"{path} keeps the training: to go on from here, run the same code again." in told
        assert "goes on after" in told if run else "goes on" not in told
    np.testing.assert_equal(everything(cell(path)), uninterrupted)
    told = capsys.readouterr().out
    assert ("is complete" if stops[-1] == UPDATES else f"goes on after {stops[-1]} updates") in told
    assert f"The training kept in {path}" in told and "To begin anew, delete that file" in told


def test_a_complete_training_is_not_repeated(tmp_path, capsys, recwarn, uninterrupted):
    path = tmp_path / "run.npz"
    cell(path)
    written = path.read_bytes()
    again = cell(path, stop=UPDATES - 1)
    np.testing.assert_equal(everything(again), uninterrupted)
    assert path.read_bytes() == written and not recwarn.list
    assert "is complete" in capsys.readouterr().out
    longer = cell(path, epochs=4)
    assert longer.epoch == 4 and longer.step_count == 20


def test_a_trainer_that_has_begun_goes_on_from_itself(tmp_path, capsys, uninterrupted):
    path = tmp_path / "run.npz"
    trained = cell(path, stop=7)
    path.write_bytes(b"not to be read")
    trained.fit(X, Y, X[:9], Y[:9], checkpoint=path)
    np.testing.assert_equal(everything(trained), uninterrupted)
    assert "goes on" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"units": 9}, "another network"),
        ({"batch_size": 10}, "a training with batch_size = 8, but here it is 10"),
        ({"samples": 33}, "a training with {'samples': 40, 'batch_size': 8}, but here it is {'samples': 33"),
    ],
)
def test_another_training_is_not_mixed_in(tmp_path, settings, message):
    path = tmp_path / "run.npz"
    cell(path, stop=5)
    written = path.read_bytes()
    with pytest.raises(CheckpointError, match=f"{message}.* To begin anew, delete the file, or keep this"):
        cell(path, **settings)
    assert path.read_bytes() == written


def test_a_damaged_file_and_a_missing_folder(tmp_path):
    path = tmp_path / "run.npz"
    path.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="is damaged.* To begin anew, delete the file"):
        cell(path)
    with pytest.raises(FileNotFoundError, match="The folder .*nowhere does not exist: create it"):
        cell(tmp_path / "nowhere" / "run.npz")


def test_the_training_cell_of_lecture_07(tmp_path, monkeypatch, capsys):
    """Interrupted half-way and run again, it ends with the network of a cell that ran once; then the file is gone."""
    monkeypatch.chdir(tmp_path)
    cells = {made.id: made.source.replace("%matplotlib inline", "") for made in nbformat.read(LECTURE, 4).cells}
    digits = datasets.load("digits")
    monkeypatch.setattr(datasets, "load", lambda *name, **options: digits)
    names = {}
    for name in ("setup", "transfer-data", "body", "pretrain"):
        exec(cells[name], names)
    whole = {key: w.copy() for key, w in (names["pretrained"].parameters | names["pretrained"].statistics).items()}
    assert not list(tmp_path.glob("*.npz"))

    presses, cosine = [60], names["cosine"]

    def pressing(*settings, **more):
        schedule = cosine(*settings, **more)

        def at(step):
            if presses == [step]:
                presses.clear()
                signal.raise_signal(signal.SIGINT)
            return schedule(step)

        return at

    names["cosine"] = pressing
    exec(cells["pretrain"], names)
    assert names["trainer"].step_count == 60 and len(list(tmp_path.glob("*.npz"))) == 1
    assert "run the same code again" in capsys.readouterr().out
    exec(cells["pretrain"], names)
    assert "goes on after 60 updates" in capsys.readouterr().out
    np.testing.assert_equal(names["pretrained"].parameters | names["pretrained"].statistics, whole)
    assert not list(tmp_path.glob("*.npz"))
