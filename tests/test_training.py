"""The training loop: what one update does, what an epoch is, what is kept."""

import functools
import itertools

import numpy as np
import pytest
from scipy.special import log_softmax

from cs231n_kit.datasets import load
from cs231n_kit.initialization import small_normal
from cs231n_kit.losses import huber_loss, l2_loss, softmax_loss, svm_loss
from cs231n_kit.networks import Affine, BatchNorm, Convolution, Dropout, Flatten, MaxPool, ReLU, Sequential
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.preprocessing import ChannelMean
from cs231n_kit.schedules import cosine, step_decay
from cs231n_kit.training import EarlyStopping, NonFiniteError, Trainer, accuracy

RNG = np.random.default_rng(0)
LABELS = np.arange(30) % 3
POINTS = (RNG.normal(size=(30, 4)) + 2 * np.eye(4)[LABELS]).astype(np.float32)


def quiet(network, *args, **settings):
    return Trainer(network, *args, progress_bar=False, live_plot=False, **settings)


def linear(dtype=np.float64):
    return Sequential(Affine(3)).initialize(input_shape=(4,), rng=0, dtype=dtype)


def small(seed=0, inputs=4):
    layers = (Affine(16), BatchNorm(), ReLU(), Dropout(0.8), Affine(3))
    return Sequential(*layers).initialize(input_shape=(inputs,), rng=seed)


def copies(arrays):
    return {path: array.copy() for path, array in arrays.items()}


def assert_equal(arrays, others):
    assert arrays.keys() == others.keys()
    for path in arrays:
        np.testing.assert_array_equal(arrays[path], others[path], err_msg=path)


@pytest.fixture(scope="module")
def digits():
    dataset = load("digits")
    centre = ChannelMean().fit(dataset.X_train)

    def images(X):
        return np.ascontiguousarray(centre.transform(X).transpose(0, 3, 1, 2)) / 64

    return (
        images(dataset.X_train), dataset.y_train, images(dataset.X_val), dataset.y_val,
        images(dataset.X_test), dataset.y_test,
    )  # fmt: skip


# --- learning ---


def test_a_small_network_learns_the_digits(digits):
    X, y, X_val, y_val, X_test, y_test = digits
    layers = [Convolution(16, 3, pad=1), BatchNorm(), ReLU(), MaxPool(2)]
    layers += [Convolution(32, 3, pad=1), BatchNorm(), ReLU(), Flatten(), Dropout(0.5), Affine(10)]
    network = Sequential(*layers).initialize(input_shape=(1, 8, 8), rng=0)
    trainer = quiet(network, schedule=cosine(0.01, 132), epochs=6)
    history = trainer.fit(X, y, X_val, y_val)
    assert trainer.evaluate(X_test, y_test).metric > 0.95
    assert len(history.losses) == len(history.learning_rates) == 6 * 22
    assert history.losses[-1] < 0.1 * history.losses[0]
    assert max(history.validation_metrics) > 0.95 and history.train_metrics[-1] > 0.95


def test_a_tiny_network_learns_50_examples_by_heart(digits):
    X, y = digits[0][:50], np.random.default_rng(1).integers(0, 10, 50)  # labels that have nothing to do with X
    layers = (Convolution(8, 3, pad=1), ReLU(), MaxPool(2), Flatten(), Affine(64), ReLU(), Affine(10))
    network = Sequential(*layers).initialize(input_shape=(1, 8, 8), rng=0)
    trainer = quiet(network, optimizer=Optimizer("adam", learning_rate=3e-3), batch_size=25, epochs=60)
    trainer.fit(X, y)
    assert trainer.evaluate(X, y).metric == 1.0


@pytest.mark.parametrize("std", [1e-3, 1.0], ids=["far too small", "far too large"])
def test_batch_normalisation_learns_from_weights_of_a_bad_size_where_nothing_else_does(digits, std):
    def reached(*normalisation):
        layers, start = [], functools.partial(small_normal, std=std)
        for _ in range(5):
            layers += [Affine(64, initialize=start), *normalisation, ReLU()]
        network = Sequential(*layers, Affine(10, initialize=start)).initialize(input_shape=(1, 8, 8), rng=0)
        trainer = quiet(network, optimizer=Optimizer("sgd_momentum", learning_rate=0.05), epochs=6)
        try:
            trainer.fit(*digits[:2])
        except NonFiniteError:
            return 0.0
        return trainer.evaluate(*digits[4:]).metric

    assert reached() < 0.2
    assert reached(BatchNorm()) > 0.8


def test_regression_learns_a_line():
    X = RNG.normal(size=(200, 4))
    y = X @ np.array([[1.0], [-2.0], [0.5], [0.0]]) + 3
    network = Sequential(Affine(1)).initialize(input_shape=(4,), rng=0, dtype=np.float64)
    trainer = quiet(network, loss=l2_loss, optimizer=Optimizer("sgd", learning_rate=0.05), epochs=60)
    history = trainer.fit(X, y, X[:50], y[:50])
    np.testing.assert_allclose(network.parameters["0.w"].ravel(), [1, -2, 0.5, 0], atol=1e-4)
    np.testing.assert_allclose(network.parameters["0.b"], 3, atol=1e-4)
    assert history.metric_name == "" and np.isnan(history.validation_metrics).all()
    assert history.best_epoch == 1 + np.argmin(history.validation_losses)
    assert np.isnan(trainer.evaluate(X, y).metric)


# --- one update ---


def hand_computed(w, b, X, y, regularization):
    """Loss and gradients of softmax regression with the penalty λ Σ w², written out."""
    log_p = log_softmax(X @ w + b, axis=1)
    loss = -log_p[np.arange(len(X)), y].mean() + regularization * (w**2).sum()
    dscores = (np.exp(log_p) - np.eye(3)[y]) / len(X)
    return loss, X.T @ dscores + 2 * regularization * w, dscores.sum(axis=0)


@pytest.mark.parametrize("clip_norm", [None, 0.1, 100.0])
@pytest.mark.parametrize("regularization", [0.0, 0.5])
def test_one_update_is_gradient_descent_on_the_regularised_loss(regularization, clip_norm):
    X, network = POINTS.astype(np.float64), linear()
    network.parameters["0.b"][...] = [0.5, -1, 2]  # so that a penalty on biases would show
    w, b = network.parameters["0.w"].copy(), network.parameters["0.b"].copy()
    expected, dw, db = hand_computed(w, b, X, LABELS, regularization)
    norm = np.sqrt((dw**2).sum() + (db**2).sum())
    scale = min(1, clip_norm / norm) if clip_norm else 1
    trainer = quiet(
        network, optimizer=Optimizer("sgd", learning_rate=0.3), regularization=regularization, clip_norm=clip_norm
    )
    assert trainer.evaluate(X, LABELS).loss == pytest.approx(expected, rel=1e-12)
    assert trainer.step(X, LABELS) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(network.parameters["0.w"], w - 0.3 * scale * dw, rtol=1e-12)
    np.testing.assert_allclose(network.parameters["0.b"], b - 0.3 * scale * db, rtol=1e-12)
    ratio = np.linalg.norm(0.3 * scale * dw) / np.linalg.norm(w)
    assert trainer.history.update_ratios == {"0.w": [pytest.approx(ratio, rel=1e-12)]}


def test_gamma_and_beta_are_not_regularised():
    network = small()
    network.parameters["1.gamma"][...] = 100
    quiet_one, penalised = (quiet(network, regularization=r).evaluate(POINTS, LABELS).loss for r in (0, 0.01))
    weights = sum(float((network.parameters[path] ** 2).sum()) for path in ("0.w", "4.w"))
    assert penalised - quiet_one == pytest.approx(0.01 * weights, rel=1e-4)


def test_the_schedule_sets_the_learning_rate_of_every_update():
    schedule = cosine(0.1, 9, warm_up=2)
    trainer = quiet(linear(), optimizer="sgd", schedule=schedule, batch_size=10, epochs=3)
    w = trainer.network.parameters["0.w"]
    history = trainer.fit(POINTS, LABELS)
    assert history.learning_rates == [schedule(step) for step in range(9)]
    before = w.copy()
    trainer.step(POINTS, LABELS)  # the rate is 0 from here on
    np.testing.assert_array_equal(w, before)


def test_without_a_schedule_the_optimizer_keeps_its_rate():
    trainer = quiet(linear(), optimizer=Optimizer("nesterov", learning_rate=0.02), epochs=1)
    assert trainer.fit(POINTS, LABELS).learning_rates == [0.02]


# --- epochs and batches ---


def batches_of(n, batch_size, seed=0, epochs=2):
    """The numbers of the samples in each batch."""
    seen = []

    def record(X, rng):
        seen.append(X[:, 0].astype(int).tolist())
        return X

    X = np.arange(n)[:, None] * np.ones(4)
    trainer = quiet(linear(), optimizer="sgd", batch_size=batch_size, epochs=epochs, augment=record, seed=seed)
    trainer.optimizer.config["learning_rate"] = 0.0
    trainer.fit(X, np.zeros(n, int))
    return seen


def test_an_epoch_takes_every_sample_once_in_even_batches():
    batches = batches_of(33, 16)
    assert [len(batch) for batch in batches] == [11] * 6
    for epoch in (batches[:3], batches[3:]):
        order = list(itertools.chain(*epoch))
        assert sorted(order) == list(range(33)) and order != list(range(33))
    assert batches[:3] != batches[3:]


def test_batches_depend_on_the_seed_alone():
    assert batches_of(20, 8, seed=3) == batches_of(20, 8, seed=3) != batches_of(20, 8, seed=4)


def test_a_batch_size_beyond_the_data_takes_all():
    assert [len(batch) for batch in batches_of(5, 64)] == [5, 5]


def test_augmentation_draws_anew_for_every_batch_and_the_same_in_every_run():
    def run(seed):
        drawn = []

        def noise(X, rng):
            drawn.append(rng.random())
            return X + rng.normal(size=X.shape).astype(X.dtype)

        network = linear()
        quiet(network, batch_size=10, epochs=2, augment=noise, seed=seed).fit(POINTS, LABELS)
        return drawn, network.parameters["0.w"]

    (drawn, w), (again, w_again), (other, _) = run(0), run(0), run(1)
    assert len(set(drawn)) == 6 and drawn == again and not set(drawn) & set(other)
    np.testing.assert_array_equal(w, w_again)


# --- evaluation and the best weights ---


def test_evaluation_is_the_mean_over_all_samples_in_test_mode():
    X = RNG.normal(size=(700, 4)).astype(np.float32)  # eleven batches, the last one smaller
    y = RNG.integers(0, 3, 700)
    network = small()
    trainer = quiet(network, epochs=1)
    trainer.fit(X, y)
    before = copies(network.statistics)
    loss, metric = trainer.evaluate(X, y)
    scores = network.forward(X, mode="test").astype(np.float64)
    assert loss == pytest.approx(-log_softmax(scores, axis=1)[np.arange(700), y].mean(), rel=1e-5)
    assert metric == pytest.approx((scores.argmax(axis=1) == y).mean(), rel=1e-12)
    assert_equal(network.statistics, before)


def test_history_holds_epoch_means_of_batches_and_validation_afterwards():
    trainer = quiet(linear(), batch_size=10, epochs=3, best_by=None)
    right = []
    trainer.metric = lambda scores, y: right.append((scores.argmax(1) == y).sum()) or accuracy(scores, y)
    history = trainer.fit(POINTS, LABELS, POINTS[:7], LABELS[:7])
    assert history.epoch_ends == [3, 6, 9]
    np.testing.assert_allclose(history.train_losses, np.reshape(history.losses, (3, 3)).mean(axis=1))
    hits = np.reshape(right, (3, 4))  # three batches and a validation
    np.testing.assert_allclose(history.train_metrics, hits[:, :3].sum(axis=1) / 30)
    np.testing.assert_allclose(history.validation_metrics, hits[:, 3] / 7)
    assert trainer.evaluate(POINTS[:7], LABELS[:7]) == (history.validation_losses[-1], history.validation_metrics[-1])
    assert history.best_epoch is None and trainer.best is None


@pytest.mark.parametrize(("best_by", "best"), [("auto", 3), ("metric", 3), ("loss", 2), (None, None)])
def test_the_weights_and_statistics_of_the_best_epoch_come_back(best_by, best):
    """Scores for validation are made to order: accuracy is highest in epoch 3, and its loss least in epoch 2."""
    network, kept = small(), []
    metrics, losses = iter([0.5, 0.6, 0.9, 0.9]), iter([2.0, 1.0, np.nan, 1.5])

    def loss(scores, y):
        return (next(losses) if len(y) == 7 else 1.0), softmax_loss(scores, y)[1]

    trainer = quiet(network, loss=loss, metric=accuracy, batch_size=10, epochs=4, best_by=best_by)
    trainer.metric = lambda scores, y: next(metrics) if len(y) == 7 else 0.0
    for progress in trainer.steps(POINTS, LABELS, POINTS[:7], LABELS[:7]):
        if progress.epoch_ended:
            kept.append((copies(network.parameters), copies(network.statistics)))
    assert trainer.history.best_epoch == best
    if best:
        trainer.restore_best()
    parameters, statistics = kept[(best or 4) - 1]
    assert_equal(network.parameters, parameters)
    assert_equal(network.statistics, statistics)
    if not best:
        with pytest.raises(RuntimeError, match="no best weights"):
            trainer.restore_best()


def test_fit_ends_with_the_best_weights():
    def spoil(X, rng):
        return X if trainer.epoch < 3 else -X

    trainer = quiet(small(), optimizer=Optimizer("adam", learning_rate=0.03), batch_size=10, epochs=6, augment=spoil)
    history = trainer.fit(POINTS, LABELS, POINTS, LABELS)
    assert history.best_epoch <= 3 and history.validation_metrics[-1] < max(history.validation_metrics)
    best = history.validation_losses[history.best_epoch - 1], max(history.validation_metrics)
    assert trainer.evaluate(POINTS, LABELS) == best
    assert repr(history).startswith(f"History(18 updates, 6 epochs, best epoch {history.best_epoch} (validation acc")


def test_metrics_other_than_accuracy():
    def error(scores, y):
        return abs(scores - y).mean()

    X, y = POINTS.astype(np.float64), POINTS[:, :1].astype(np.float64)
    network = Sequential(Affine(1)).initialize(input_shape=(4,), rng=0, dtype=np.float64)
    history = quiet(network, loss=huber_loss, metric=error, epochs=2).fit(X, y, X, y)
    assert history.metric_name == "error" and not np.isnan(history.validation_metrics).any()
    assert quiet(network, loss=functools.partial(svm_loss, delta=2.0)).metric is accuracy
    assert quiet(network, loss=lambda scores, y: svm_loss(scores, y)).metric is None


# --- step by step ---


def test_steps_can_be_paused_and_go_on_to_the_numbers_of_fit():
    whole, parts = small(), small()
    expected = quiet(whole, batch_size=10, epochs=3, best_by=None).fit(POINTS, LABELS, POINTS, LABELS)
    trainer = quiet(parts, batch_size=10, epochs=3, best_by=None)
    seen = []
    for count in (1, 2, 4, 5):
        seen += itertools.islice(trainer.steps(POINTS, LABELS, POINTS, LABELS), count)
    assert trainer.history == expected
    assert_equal(parts.parameters, whole.parameters)
    assert [progress.done for progress in seen] == list(range(1, 10))
    assert {progress.total for progress in seen} == {9}
    assert [progress.epoch for progress in seen] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert [progress.loss for progress in seen] == expected.losses
    assert [progress.epoch_ended for progress in seen] == [False, False, True] * 3
    validations = [progress.validation for progress in seen if progress.epoch_ended]
    assert [v.metric for v in validations] == expected.validation_metrics
    metrics = [progress.metric for progress in seen]
    assert metrics[2::3] == expected.train_metrics and len(set(metrics)) > 3


def test_a_step_by_hand_is_outside_of_epochs():
    trainer = quiet(linear(), epochs=1, batch_size=10)
    for _ in range(5):
        loss = trainer.step(POINTS[:4], LABELS[:4])
    assert loss == trainer.history.losses[-1] and (trainer.step_count, trainer.epoch, trainer.batch) == (5, 0, 0)
    assert trainer.fit(POINTS, LABELS).epoch_ends == [8]


def test_fit_goes_on_where_it_ended_when_epochs_are_raised():
    trainer = quiet(linear(), epochs=1, batch_size=10)
    trainer.fit(POINTS, LABELS)
    with pytest.warns(UserWarning, match="All 1 epochs are done: raise trainer.epochs to go on"):
        trainer.fit(POINTS, LABELS)
    trainer.epochs = 3
    assert trainer.fit(POINTS, LABELS).epoch_ends == [3, 6, 9]


def test_early_stopping_waits_for_its_patience():
    validation = iter([0.5, 0.7, 0.6, 0.7, 0.9])
    trainer = quiet(linear(), epochs=9, callbacks=[EarlyStopping(patience=2)])
    trainer.metric = lambda scores, y: next(validation) if len(y) == 7 else 0.0
    history = trainer.fit(POINTS, LABELS, POINTS[:7], LABELS[:7])
    assert history.validation_metrics == [0.5, 0.7, 0.6, 0.7] and history.best_epoch == 2


def test_a_network_may_be_initialised_anew_with_another_type():
    trainer = quiet(linear(np.float32))
    trainer.step(POINTS, LABELS)
    trainer.network.initialize(input_shape=(4,), rng=1, dtype=np.float64)
    before = trainer.network.parameters["0.w"].copy()
    trainer.loss = lambda scores, y: (np.nan, scores)
    with pytest.raises(NonFiniteError):
        trainer.step(POINTS, LABELS)
    np.testing.assert_array_equal(trainer.network.parameters["0.w"], before)


def test_inputs_are_left_alone():
    X, y = POINTS.copy(), LABELS.copy()
    X.flags.writeable = y.flags.writeable = False
    quiet(small(), epochs=2, batch_size=7, schedule=step_decay(0.1, every=3)).fit(X, y, X, y)
    np.testing.assert_array_equal(X, POINTS)
