"""What does not fit is said before training starts, with the way to mend it."""

import numpy as np
import pytest

from cs231n_kit.losses import l2_loss
from cs231n_kit.networks import Affine, Convolution, Flatten, ReLU, Sequential
from cs231n_kit.training import Checkpoint, EarlyStopping, LivePlot, Trainer

X, Y = np.ones((6, 4), np.float32), np.array([0, 1, 2, 0, 1, 2])


def network(shape=(4,), classes=3):
    return Sequential(Affine(classes)).initialize(input_shape=shape, rng=0)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"loss": "softmax"}, TypeError, r"loss must be a function \(scores, y\)"),
        ({"optimizer": "adm"}, ValueError, "rule must be one of sgd"),
        ({"optimizer": 0.1}, TypeError, 'optimizer must be an Optimizer or the name of a rule, such as "adam"'),
        ({"schedule": 0.1}, TypeError, r"schedule must be a function \(step\) -> learning rate"),
        ({"batch_size": 0}, ValueError, "batch_size must be a positive integer, not 0"),
        ({"epochs": 2.5}, ValueError, "epochs must be a positive integer, not 2.5"),
        ({"epochs": True}, ValueError, "epochs must be a positive integer"),
        ({"regularization": -1}, ValueError, "regularization must be a non-negative number, not -1"),
        ({"regularization": np.nan}, ValueError, "regularization must be a non-negative number"),
        ({"clip_norm": 0}, ValueError, "clip_norm must be a positive number, not 0"),
        ({"augment": "flip"}, TypeError, r"augment must be a function \(X, rng\) -> X"),
        ({"seed": None}, ValueError, "seed must be an integer of 0 or more"),
        ({"metric": "accuracy"}, TypeError, "metric must be a function"),
        ({"best_by": "accuracy"}, ValueError, "best_by must be"),
        ({"callbacks": [EarlyStopping]}, TypeError, r"Callback objects, such as EarlyStopping\(\), not <class"),
        ({"loss": l2_loss, "best_by": "metric"}, ValueError, "with a metric"),
    ],
)
def test_settings(settings, error, message):
    with pytest.raises(error, match=message):
        Trainer(network(), **settings)


def test_settings_of_callbacks():
    with pytest.raises(ValueError, match="every must be a positive integer, not 0"):
        Checkpoint("x.npz", every=0)
    with pytest.raises(ValueError, match="patience must be a positive integer, not 0"):
        EarlyStopping(0)


@pytest.mark.parametrize("callback", [Checkpoint("nowhere/run.npz"), LivePlot("nowhere/training.png")])
def test_a_folder_that_is_missing_is_missed_before_training(callback):
    trainer = Trainer(network(), progress_bar=False, callbacks=[callback])
    with pytest.raises(FileNotFoundError, match="The folder nowhere does not exist: create it"):
        trainer.fit(X, Y)
    assert trainer.step_count == 0


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ((X, Y[:5]), ValueError, "y must have one target for each of the 6 samples in X, not 5"),
        ((X[:0], Y[:0]), ValueError, r"X must hold at least one sample.*\(0, 4\)"),
        ((np.ones(6), Y), ValueError, r"X must hold at least one sample, shape \(N, ...\), not be of shape \(6,\)"),
        ((X.astype(np.uint8), Y), TypeError, "uint8 pixels.*Standardise them first.*ChannelMean"),
        ((X.astype(str), Y), TypeError, "X must hold numbers"),
        ((np.array([*X[:5], [1, np.nan, 1, 1]]), Y), ValueError, r"NaN or infinity in 1 of 6 samples, first in X\[5\]"),
        ((X, Y - 1), ValueError, "label -1: labels count from 0"),
        ((X, Y + 1), ValueError, r"labels up to 3, but the network puts out 3 scores.*Affine\(4\)"),
        ((X, Y.astype(float)), TypeError, r"integers as labels, not float64: use y.astype\(int\)"),
        ((X, np.array(list("abcabc"))), TypeError, r"numpy.unique\(y, return_inverse=True\)"),
        ((X, Y[:, None]), ValueError, r"y must hold one label for each sample.*use y.ravel\(\)"),
        ((X, 3), ValueError, "one target for each of the 6 samples"),
        ((X, Y, X), ValueError, "X_val and y_val belong together"),
        ((X, Y, X[:2], Y[:3]), ValueError, "y_val must have one target for each of the 2 samples in X_val, not 3"),
        ((X, Y, X, Y + 5), ValueError, "y_val holds labels up to 7"),
        ((X, Y, X.astype(np.uint8), Y), TypeError, "X_val holds uint8 pixels"),
    ],
)
def test_data(data, error, message):
    trainer = Trainer(network())
    with pytest.raises(error, match=message):
        trainer.fit(*data)
    with pytest.raises(error, match=message):
        trainer.steps(*data)  # at once, not when the first step is asked for
    assert trainer.step_count == 0


def test_images_with_channels_last():
    images = np.ones((2, 8, 8, 3), np.float32)
    layers = Sequential(Convolution(4, 3, pad=1), ReLU(), Flatten(), Affine(3)).initialize(input_shape=(3, 8, 8), rng=0)
    with pytest.raises(ValueError, match=r"N, H, W, C.*transpose\(0, 3, 1, 2\)"):
        Trainer(layers).fit(images, Y[:2])


def test_a_network_that_is_not_initialised():
    with pytest.raises(ValueError, match=r"not initialised.*network.initialize\(input_shape=\(4,\), rng=0\)"):
        Trainer(Sequential(Affine(3))).fit(X, Y)


def test_a_network_without_parameters():
    with pytest.raises(ValueError, match="nothing to train"):
        Trainer(Sequential(ReLU()).initialize(input_shape=(4,), rng=0)).fit(X, Y)


def test_a_network_that_puts_out_images():
    layers = Sequential(Convolution(3, 3, pad=1)).initialize(input_shape=(3, 8, 8), rng=0)
    with pytest.raises(ValueError, match=r"must put out scores \(N, C\), not \(N, 3, 8, 8\): end it with Flatten"):
        Trainer(layers).fit(np.ones((6, 3, 8, 8), np.float32), Y)


def test_other_data_in_the_middle_of_an_epoch():
    trainer = Trainer(network(), batch_size=2)
    next(trainer.steps(X, Y))
    with pytest.raises(ValueError, match="Epoch 1 has begun with .*'samples': 6.* cannot go on with .*'samples': 5"):
        trainer.steps(X[:5], Y[:5])


def test_targets_that_do_not_fit_the_loss_leave_the_network_as_it_was():
    layers = network(classes=1)
    before = layers.parameters["0.w"].copy()
    with pytest.raises(ValueError, match="y must have the same shape as x"):
        Trainer(layers, loss=l2_loss, progress_bar=False).fit(X, Y)
    np.testing.assert_array_equal(layers.parameters["0.w"], before)
