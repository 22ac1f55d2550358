"""Training that stops before its end: by Ctrl-C, wherever it is, and at NaN and infinity."""

import signal
import threading

import numpy as np
import pytest

from cs231n_kit.losses import l2_loss, softmax_loss
from cs231n_kit.networks import Affine, BatchNorm, Dropout, Layer, ReLU, Sequential
from cs231n_kit.optimizers import Optimizer, adam
from cs231n_kit.training import Callback, Checkpoint, History, NonFiniteError, Trainer, accuracy
from cs231n_kit.training.interrupts import interrupts_wait

Y = np.arange(40) % 3
X = (np.random.default_rng(0).normal(size=(40, 4)) + 2 * np.eye(4)[Y]).astype(np.float32)
UPDATES = 2 * 5


def network(*layers, seed=0):
    layers = layers or (Affine(8), BatchNorm(), ReLU(), Dropout(0.7), Affine(3))
    return Sequential(*layers).initialize(input_shape=(4,), rng=seed)


def trainer(made=None, **settings):
    settings = {"batch_size": 8, "epochs": 2, "progress_bar": False, "live_plot": False} | settings
    return Trainer(made or network(), **settings)


def everything(trained):
    return {
        "history": vars(trained.history),
        "random": trained.network.random_state(),
        "optimizer": trained.optimizer.state(),
        "parameters": trained.network.parameters,
        "statistics": trained.network.statistics,
    }


# --- Ctrl-C ---


@pytest.fixture(autouse=True)
def signals():
    """Ctrl-C works, also where tests run in the background and were started to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class CtrlC:
    """Sends the signal of Ctrl-C at one of the occasions that call it."""

    def __init__(self, at):
        self.at, self.count = at, 0

    def __call__(self):
        self.count += 1
        if self.count == self.at:
            signal.raise_signal(signal.SIGINT)


class Interrupting(Layer):
    """The identity, which presses Ctrl-C on the way forward or back."""

    def __init__(self, forward=None, backward=None):
        self.presses = {"forward": forward, "backward": backward}

    def forward(self, x, own, mode):
        if self.presses["forward"]:
            self.presses["forward"]()
        return x, None

    def backward(self, dout, cache, input_gradient):
        if self.presses["backward"]:
            self.presses["backward"]()
        return dout, {}


def interrupted(place, press):
    """A trainer that is interrupted at the place; without the interruption they all compute the same."""

    def pressing(function):
        def pressed(*args):
            press()
            return function(*args)

        return pressed

    class Pressing(Callback):
        def on_step(self, trained, progress):
            press()

    layers = [Affine(8), BatchNorm(), Interrupting(), ReLU(), Dropout(0.7), Affine(3)]
    settings = {"optimizer": Optimizer(pressing(adam) if place == "update" else adam), "metric": accuracy}
    if place in ("forward", "backward"):
        layers[2] = Interrupting(**{place: press})
    elif place == "loss":
        settings["loss"] = pressing(softmax_loss)
    elif place == "augment":
        settings["augment"] = pressing(lambda images, rng: images)
    elif place == "metric":
        settings["metric"] = pressing(accuracy)
    elif place == "schedule":
        settings["schedule"] = pressing(lambda step: 1e-3)
    elif place == "callback":
        settings["callbacks"] = [Pressing()]
    return trainer(network(*layers), best_by="loss", **settings)


PLACES = {
    "forward": [1, 2, 6, 7, 9, 13],  # the sixth and seventh are the check of the data and an update
    "backward": [1, 4, 10],
    "loss": [1, 5, 6, 12],  # the sixth is the validation's
    "metric": [1, 6, 12],
    "augment": [1, 7],
    "schedule": [1, 7],
    "update": [1, 2, 6, 7, 25, 60],  # parameter by parameter, six in an update
    "callback": [1, 5, 10],
}


@pytest.mark.parametrize(("place", "at"), [(place, at) for place, counts in PLACES.items() for at in counts])
def test_after_ctrl_c_training_goes_on_to_the_same_bits(place, at, capsys):
    whole = interrupted(place, CtrlC(at=0))
    whole.fit(X, Y, X[:9], Y[:9])
    trained = interrupted(place, CtrlC(at))
    history = trained.fit(X, Y, X[:9], Y[:9])
    message = capsys.readouterr().out
    assert "Stopped after" in message and "call fit with the same data again" in message
    assert history is trained.history and len(history.losses) == trained.step_count <= UPDATES
    assert ("restore_best()" in message) == (trained.best is not None)
    assert all(np.isfinite(array).all() for array in trained.network.parameters.values())
    assert len(trained.network.predict(X)) == 40
    if trained.epoch < 2:
        trained.fit(X, Y, X[:9], Y[:9])
        assert capsys.readouterr().out == ""
    else:
        trained.restore_best()
    np.testing.assert_equal(everything(trained), everything(whole))


def test_ctrl_c_between_two_epochs_waits_for_the_bookkeeping(monkeypatch):
    whole, trained = interrupted("callback", CtrlC(at=0)), interrupted("loss", CtrlC(at=0))
    whole.fit(X, Y, X[:9], Y[:9])
    press, is_best = CtrlC(at=1), History.is_best
    monkeypatch.setattr(History, "is_best", lambda history, by: press() or is_best(history, by))
    history = trained.fit(X, Y, X[:9], Y[:9])
    assert (trained.epoch, trained.batch, len(history.validation_losses), history.best_epoch) == (1, 0, 1, 1)
    trained.fit(X, Y, X[:9], Y[:9])
    np.testing.assert_equal(everything(trained), everything(whole))


def test_ctrl_c_saves_a_checkpoint_where_one_is_kept(tmp_path):
    path = tmp_path / "run.npz"
    trained = interrupted("loss", CtrlC(at=4))
    trained.callbacks = [Checkpoint(path)]
    trained.fit(X, Y)
    assert trained.step_count == 3
    again = interrupted("loss", CtrlC(at=0))
    again.load(path)
    np.testing.assert_equal(everything(again), everything(trained))


def test_ctrl_c_in_steps_is_the_callers_to_catch():
    trained = interrupted("loss", CtrlC(at=3))
    with pytest.raises(KeyboardInterrupt):
        list(trained.steps(X, Y))
    assert trained.step_count == 2
    assert len(list(trained.steps(X, Y))) == UPDATES - 2


def test_interrupts_wait_for_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts_wait():
        signal.raise_signal(signal.SIGINT)
        done.append("all of it")
    assert done == ["all of it"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_training_works_in_a_thread():
    trained = trainer()
    thread = threading.Thread(target=trained.fit, args=(X, Y))
    thread.start()
    thread.join()
    assert trained.epoch == 2


def test_other_errors_come_through_and_leave_the_last_update():
    left = [1, 1, 1]
    trained = trainer(loss=lambda scores, y: left.pop() and softmax_loss(scores, y))
    reference = trainer()
    for _, _ in zip(range(3), reference.steps(X, Y), strict=False):
        pass
    with pytest.raises(IndexError, match="pop from empty list"):
        trained.fit(X, Y)
    np.testing.assert_equal(trained.network.parameters, reference.network.parameters)
    np.testing.assert_equal(trained.network.statistics, reference.network.statistics)


# --- NaN and infinity ---


class Spoiling(Layer):
    """The identity for ``good`` passes; then one number is not finite any more, on the way forward or back."""

    def __init__(self, value=np.nan, good=0, forward=False):
        self.value, self.good, self.passes_forward = value, good, forward
        self.count = 0

    def forward(self, x, own, mode):
        self.count += self.passes_forward and mode == "train"
        return self._spoiled(x, self.passes_forward), None

    def backward(self, dout, cache, input_gradient):
        self.count += not self.passes_forward
        return self._spoiled(dout, not self.passes_forward), {}

    def _spoiled(self, array, spoil):
        array = array.copy()
        if spoil and self.count > self.good:
            array[0, 0] = self.value
        return array


def stopped(made, before=None, **settings):
    """The error, after a look at what it leaves: the network as it was before the update."""
    trained = trainer(made, **settings)
    with pytest.raises(NonFiniteError) as caught:
        trained.fit(X, Y)
    assert caught.value.step == trained.step_count + 1 == len(trained.history.losses) + 1
    assert np.isfinite(trained.history.losses).all()
    for array in (made.parameters | made.statistics).values():
        assert np.isfinite(array).all()
    assert f"Training stopped at update {caught.value.step}" in str(caught.value)
    return caught.value


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_layer_that_spoils_the_forward_pass_is_named(value):
    made = network(Affine(8), BatchNorm(), ReLU(), Spoiling(value, good=3, forward=True), Dropout(0.9), Affine(3))
    error = stopped(made)
    assert (error.step, error.place, error.path, error.kind) == (4, "forward", "3", "Spoiling")
    assert "in the forward pass, NaN or infinity first comes out of layer '3' (Spoiling)" in str(error)
    assert "lower the learning rate, which was 0.001" in str(error) and "clip_norm" in str(error)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_layer_that_spoils_the_backward_pass_is_named(value):
    made = network(Affine(8), BatchNorm(), Spoiling(value, good=2), ReLU(), Affine(3))
    error = stopped(made)
    assert (error.step, error.place, error.path, error.kind) == (3, "backward", "2", "Spoiling")
    assert "in the backward pass, NaN or infinity first comes out of layer '2' (Spoiling)" in str(error)


def test_the_gradient_of_a_parameter_is_named():
    class Root(Layer):
        """√x, whose derivative at 0 is infinite."""

        def forward(self, x, own, mode):
            return np.sqrt(np.maximum(x, 0)), x

        def backward(self, dout, cache, input_gradient):
            return dout * np.where(cache > 0, 0.5 / np.sqrt(np.abs(cache)), np.inf), {}

    class Scale(Affine):
        """Affine, with a weight gradient that is beyond float32."""

        def backward(self, dout, cache, input_gradient):
            dx, gradients = super().backward(dout, cache, input_gradient)
            return dx, {name: gradient * np.float32(1e30) * np.float32(1e30) for name, gradient in gradients.items()}

    error = stopped(network(Scale(8), ReLU(), Scale(6), ReLU(), Affine(3)))
    assert (error.step, error.place, error.path[:2], error.kind) == (1, "backward", "2.", "Scale")
    assert "first in the gradient of '2." in str(error) and "start from smaller weights" in str(error)
    error = stopped(network(Affine(8), ReLU(), Root(), Affine(3)))
    assert (error.place, error.path, error.kind) == ("backward", "2", "Root")


@pytest.mark.filterwarnings("error")  # NumPy's, of overflows that the error itself tells better
def test_divergence_is_found_where_it_begins():
    """Plain gradient descent on a deep network, far too fast: weights grow until a layer overflows."""
    made = network(Affine(16), ReLU(), Affine(16), ReLU(), Affine(1))
    trained = trainer(made, loss=l2_loss, optimizer=Optimizer("sgd", learning_rate=1e4), epochs=20)
    with pytest.raises(NonFiniteError, match=r"in the forward pass.*learning rate, which was 1e\+04") as caught:
        trained.fit(X, Y[:, None].astype(np.float32))
    error = caught.value
    assert error.step > 1 and error.kind == "Affine"
    finite = {}
    batch = X[trained.generator("shuffling", trained.epoch).permutation(40)[8 * trained.batch :][:8]]
    with np.errstate(all="ignore"):
        made.forward(batch, mode="train", observe=lambda path, out: finite.update({path: np.isfinite(out).all()}))
    assert not finite[error.path] and all(finite[str(i)] for i in range(int(error.path)))
    assert all(np.isfinite(w).all() for w in made.parameters.values())


class Unlucky(Layer):
    """NaN as soon as its judge likes the input."""

    def __init__(self, judge):
        self.judge = judge

    def forward(self, x, own, mode):
        return x * (np.nan if mode == "train" and self.judge(x) else 1), None

    def backward(self, dout, cache, input_gradient):
        return dout, {}


def test_the_search_draws_the_same_units_to_drop():
    error = stopped(network(Dropout(0.5), Unlucky(lambda x: (x[:4, 0] == 0).all()), Affine(3)), epochs=99)
    assert (error.place, error.path) == ("forward", "1") and error.step > 1


def test_what_does_not_happen_again_is_called_so():
    luck = iter([False, False, False, True])
    error = stopped(network(Unlucky(lambda x: next(luck, False)), Affine(3)))
    assert error.place == "unknown" and error.step == 4 and "but not when repeated" in str(error)


def test_data_with_nan_after_augmentation():
    error = stopped(network(), augment=lambda images, rng: np.where(rng.random() > 0.5, images, np.nan))
    assert error.place == "data" and "Check the data, and what augment does to it" in str(error)


def test_an_infinite_loss_of_finite_scores():
    error = stopped(network(), loss=lambda scores, y: (np.inf, scores))
    assert error.place == "loss" and "the loss is inf, although all scores are finite" in str(error)


def test_regularisation_that_overflows():
    made = network()
    made.parameters["0.w"][...] *= 1e25
    error = stopped(made, regularization=1e-4)
    assert error.place == "loss" and "the regularisation overflows" in str(error)


def test_an_update_that_overflows_is_taken_back():
    made = network(Affine(3))
    before = made.parameters["0.w"].copy()
    error = stopped(made, optimizer=Optimizer("sgd", learning_rate=1e39))
    assert (error.place, error.kind, error.step) == ("parameters", "Affine", 1)
    assert "and was taken back" in str(error) and "which was 1e+39" in str(error)
    np.testing.assert_array_equal(made.parameters["0.w"], before)


def test_large_data_is_mentioned():
    made = network(Affine(8), Spoiling(good=0, forward=True), Affine(3))
    with pytest.raises(NonFiniteError, match=r"scale the data, which reaches 255"):
        trainer(made).fit(np.full((40, 4), 255, np.float32), Y)


def test_large_finite_gradients_are_no_reason_to_stop():
    made = network(Affine(3))
    trained = trainer(made, loss=lambda scores, y: (1.0, np.full_like(scores, 2e37)), clip_norm=1.0, epochs=1)
    assert len(trained.fit(X * 0 + 0.4, Y).losses) == 5


def test_a_checkpoint_of_good_weights_is_not_replaced_by_diverged_ones(tmp_path):
    path = tmp_path / "run.npz"
    made = network(Affine(8), Spoiling(good=7, forward=True), Affine(3))
    trained = trainer(made, callbacks=[Checkpoint(path)])
    with pytest.raises(NonFiniteError, match="update 8"):
        trained.fit(X, Y)
    again = trainer(network(Affine(8), Spoiling(good=99, forward=True), Affine(3)))
    again.load(path)
    assert again.step_count == 5
