"""What a training shows: the progress bar, and curves that grow in a notebook."""

import struct
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from cs231n_kit.losses import l2_loss
from cs231n_kit.networks import Affine, Sequential
from cs231n_kit.training import History, LivePlot, ProgressBar, Trainer, live_plot

Y = np.arange(40) % 3
X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)


def trainer(**settings):
    network = Sequential(Affine(3)).initialize(input_shape=(4,), rng=0)
    return Trainer(network, **{"batch_size": 8, "epochs": 2} | settings)


# --- the progress bar ---


def test_the_bar_shows_updates_epoch_loss_and_accuracy(capsys):
    shown = trainer(progress_bar=False, callbacks=[ProgressBar(delay=0)])
    history = shown.fit(X, Y, X[:10], Y[:10])
    last = capsys.readouterr().err.strip().split("\r")[-1]
    assert last.startswith("Epoch 2/2: 100%") and "10/10" in last
    assert f"loss={np.mean(history.losses):.4g}" in last
    assert f"accuracy={history.train_metrics[-1]:.4g}" in last
    assert f"validation={history.validation_metrics[-1]:.4g}" in last


def test_the_bar_goes_on_where_training_does(capsys):
    shown = trainer(progress_bar=False, callbacks=[ProgressBar(delay=0)])
    for progress in shown.steps(X, Y):
        if progress.done == 7:
            break
    shown.fit(X, Y)
    lines = capsys.readouterr().err.strip().split("\r")
    assert "7/10" in lines[0] and "10/10" in lines[-1]


def test_the_bar_of_a_regression_has_no_accuracy(capsys):
    shown = trainer(progress_bar=False, callbacks=[ProgressBar(delay=0)], loss=l2_loss)
    history = shown.fit(X, X[:, :3], X[:9], X[:9, :3])
    last = capsys.readouterr().err.strip().split("\r")[-1]
    assert "accuracy" not in last and f"validation={history.validation_losses[-1]:.4g}" in last


def test_a_quick_training_shows_nothing(capsys):
    trainer().fit(X, Y)
    assert capsys.readouterr() == ("", "")


# --- the plot ---


@pytest.fixture
def drawings(monkeypatch):
    """The number of updates that each picture shows."""
    drawn, figure = [], History.figure

    def counted(history):
        drawn.append(len(history.losses))
        return figure(history)

    monkeypatch.setattr(History, "figure", counted)
    return drawn


def test_outside_of_a_notebook_nothing_is_drawn(drawings):
    trainer(progress_bar=False, live_plot=False, callbacks=[LivePlot(interval=0)]).fit(X, Y)
    assert drawings == []


def test_a_file_that_is_asked_for_is_drawn_anywhere(tmp_path, drawings):
    path = tmp_path / "training.png"
    trainer(live_plot=path).fit(X, Y)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG") and struct.unpack(">II", content[16:24]) == (960, 320)
    assert drawings == [10], "a training this short is drawn once, at its end"


def test_drawing_is_bounded_in_rate_and_in_its_share_of_the_time(tmp_path, monkeypatch, drawings):
    """A clock that only updates and drawings move on: 1 s for an update, so many for a drawing."""
    for drawing, expected in ((0.0, [3, 6, 9, 10]), (1.0, [3, 10])):
        now = [0.0]
        monkeypatch.setattr(live_plot, "time", SimpleNamespace(monotonic=lambda now=now: now[0]))

        def slow_figure(history, now=now, drawing=drawing):
            now[0] += drawing
            drawings.append(len(history.losses))
            return SimpleNamespace(savefig=lambda *args, **kwargs: None)

        monkeypatch.setattr(History, "figure", slow_figure)
        plot = LivePlot(tmp_path / "training.png", interval=3.0)

        def tick(images, rng, now=now):
            now[0] += 1.0
            return images

        drawings.clear()
        trainer(progress_bar=False, live_plot=False, augment=tick, callbacks=[plot]).fit(X, Y)
        assert drawings == expected


def test_the_figure_shows_what_happened():
    shown = trainer(progress_bar=False, live_plot=False)
    history = shown.fit(X, Y, X[:10], Y[:10])
    losses, accuracies = history.figure().axes
    np.testing.assert_array_equal(losses.lines[0].get_ydata(), history.losses)
    np.testing.assert_array_equal(losses.lines[-1].get_xydata(), np.c_[history.epoch_ends, history.validation_losses])
    for line, values in zip(accuracies.lines, (history.train_metrics, history.validation_metrics), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.c_[history.epoch_ends, values])
    assert (losses.get_xlabel(), losses.get_ylabel(), accuracies.get_ylabel()) == ("update", "loss", "accuracy")


def test_figures_of_little():
    assert len(History().figure().axes) == 1
    assert len(History("accuracy", losses=[2.0, 0.01], learning_rates=[0.1] * 2).figure().axes) == 2


CELLS = """
import numpy as np
from cs231n_kit.networks import Affine, Sequential
from cs231n_kit.training import LivePlot, Trainer
X, y = np.ones((40, 4), np.float32), np.arange(40) % 3
network = Sequential(Affine(3)).initialize(input_shape=(4,), rng=0)
quick = Trainer(network, epochs=2).fit(X, y)
---
import time
def slowly(images, rng):
    time.sleep(0.1)
    return images
trainer = Trainer(network, epochs=4, batch_size=10, augment=slowly, live_plot=False, callbacks=[LivePlot(interval=0.3)])
history = trainer.fit(X, y, X, y)
---
import os, signal, threading
trainer.epochs = 1000

def interrupt():
    while trainer.step_count < 20:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt).start()
history = trainer.fit(X, y)
print(len(history.losses) < 3000)
"""


def test_in_a_notebook_one_picture_is_renewed_and_interrupting_stops():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS.split("---\n")])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    quick, slow, interrupted = (cell.outputs for cell in notebook.cells)
    assert quick == [], "what takes no time shows neither bar nor picture"
    pictures = [output for output in slow if "image/png" in output.get("data", {})]
    assert len(pictures) == 1, "one place in the notebook, renewed"
    bars = [output.data["text/plain"] for output in slow if "data" in output and "image/png" not in output.data]
    assert len(bars) == 1 and "/16 [" in bars[0]
    text = "".join(output.get("text", "") for output in interrupted)
    assert "Stopped after" in text and text.endswith("True\n")
