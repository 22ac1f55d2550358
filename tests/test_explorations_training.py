"""What lecture 06 measures: activations, signs of gradients, dead units, preparation, leaks, first weights, batches."""

import warnings

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import expit
from sklearn.decomposition import PCA as PeerPCA
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from cs231n_kit import initialization
from cs231n_kit.datasets import load
from cs231n_kit.explorations import (
    activations,
    batch_normalization,
    dead_units,
    gradient_signs,
    initializations,
    preprocessing_clouds,
    preprocessing_images,
    preprocessing_leaks,
)
from cs231n_kit.explorations.training_in_turn import LAYERS, hidden_layers, smooth_losses, train_in_turn, trainer
from cs231n_kit.gradients import check_gradient, numeric_gradient
from cs231n_kit.losses import softmax_loss
from cs231n_kit.preprocessing import PCA, Standardize, Whitening
from cs231n_kit.training import Callback, History


@pytest.fixture(scope="module")
def digits():
    """X_train (1397, 64), y_train, X_val (200, 64), y_val, standardised."""
    data = load("digits")
    flat = [images.reshape(len(images), -1).astype(np.float32) for images in (data.X_train, data.X_val)]
    scaler = Standardize().fit(flat[0])
    return scaler.transform(flat[0]), data.y_train, scaler.transform(flat[1]), data.y_val


def small_network(activation="ReLU", start=initialization.he_normal, seed=0, **options):
    return hidden_layers(activation, start, 2, 16, 10, **options).initialize(64, seed)


FORMULAS = {
    "sigmoid": expit,
    "tanh": np.tanh,
    "ReLU": lambda x: (x + abs(x)) / 2,
    "leaky ReLU": lambda x: 0.55 * x + 0.45 * abs(x),
    "maxout": lambda x: np.maximum(-0.5 * x, x - 0.5),
    "ELU": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_curves_and_slopes(name):
    x = np.linspace(-5.03, 5.01, 200)  # on none of the kinks
    value, slope = activations.value_and_slope(name, x)
    np.testing.assert_allclose(value, FORMULAS[name](x), atol=1e-12)
    np.testing.assert_allclose(slope, (FORMULAS[name](x + 1e-6) - FORMULAS[name](x - 1e-6)) / 2e-6, atol=1e-6)


def test_the_sentence_says_what_a_saturated_unit_passes_on():
    shown = activations.explore_activation()
    shown.set(activation="sigmoid", x=5.0)
    slope = expit(5) * expit(-5)
    assert f"slope <b>{slope:.3g}</b>" in shown.sentence.value and f"{slope**10:.1e}" in shown.sentence.value
    assert "saturated" in shown.sentence.value
    shown.set(x=0.0)
    assert "saturated" not in shown.sentence.value


def test_every_activation_computes_its_formula_in_a_network(digits):
    X = digits[0][:5].astype(np.float64)
    for name in ("sigmoid", "tanh", "ReLU", "ELU"):
        network = hidden_layers(name, initialization.inverse_sqrt, 1, 7, 10).initialize(64, 3, np.float64)
        w = network.parameters
        expected = FORMULAS[name](X @ w["0.w"] + w["0.b"]) @ w["2.w"] + w["2.b"]
        np.testing.assert_allclose(network.forward(X), expected, atol=1e-10)
    assert hidden_layers("maxout", initialization.he_normal, 1, 7, 10).initialize(64).parameters["0.w"].shape == (
        64,
        14,
    )


class Interrupt(Callback):
    """Ctrl-C after an update, once."""

    def __init__(self, step):
        self.step = step

    def on_step(self, trainer, progress):
        if trainer.step_count == self.step:
            self.step = None
            raise KeyboardInterrupt


def test_training_in_turn_is_that_of_each_alone_and_goes_on_after_a_stop(digits, capsys):
    def trainers(*callbacks):
        return {
            rate: trainer(small_network(), learning_rate=rate, epochs=2, callbacks=callbacks if rate == 0.01 else ())
            for rate in (0.01, 0.1)
        }

    alone = trainers()
    with threadpool_limits(1, user_api="blas"):
        for one in alone.values():
            one.fit(*digits)
    together = trainers(Interrupt(20))
    with pytest.raises(KeyboardInterrupt, match="run this cell again"):
        train_in_turn(together, digits)
    assert [one.step_count for one in together.values()] == [20, 0]
    assert "Stopped after 20 updates" in capsys.readouterr().out
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train_in_turn(together, digits)
    for rate, one in together.items():
        assert one.history.losses == alone[rate].history.losses
        for path, weights in one.network.parameters.items():
            np.testing.assert_array_equal(weights, alone[rate].network.parameters[path])


def test_a_network_that_blows_up_does_not_stop_the_others(digits):
    trainers = {rate: trainer(small_network(), learning_rate=rate, epochs=2) for rate in (1e6, 0.01)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train_in_turn(trainers, digits)
    assert trainers[1e6].epoch < 2 and trainers[0.01].epoch == 2
    assert batch_normalization.last_accuracy(trainers[1e6], 0.1) == 0.1
    assert batch_normalization.last_accuracy(trainers[0.01], 0.1) > 0.3
    assert list(activations.best_rates({("ReLU", rate): one for rate, one in trainers.items()})) == ["ReLU"]


def test_smooth_losses():
    past = History(losses=[float(i**2) for i in range(50)])
    steps, smooth = smooth_losses(past, over=4)
    assert steps[0] == 4 and steps[-1] == 50
    np.testing.assert_allclose(smooth, np.convolve(past.losses, np.ones(4) / 4, "valid"))


def test_silent_units_are_those_below_zero_for_every_example(digits):
    for kind in ("ReLU", "leaky ReLU"):
        network = small_network(kind)
        network.parameters["0.b"][:4] = -1e4
        network.parameters["2.b"][:1] = -1e4
        before = [np.array(share) for share in dead_units.silent_shares(small_network(kind), digits[0][:300])]
        shares = dead_units.silent_shares(network, digits[0][:300])
        assert len(shares) == 2 and shares[0] == pytest.approx(4 / 16) and shares[1] >= 1 / 16 and before[0] == 0


def test_a_rate_that_is_too_high_kills_relus_while_they_train(digits):
    watches = {rate: dead_units.SilentUnits(digits[0][:300], every=7) for rate in (0.003, 0.2)}
    runs = {
        ("ReLU", rate): trainer(small_network(), "adam", rate, epochs=4, callbacks=[watch])
        for rate, watch in watches.items()
    }
    train_in_turn(runs, digits)
    calm, wild = (np.mean(watch.shares[-1]) for watch in watches.values())
    assert watches[0.003].steps == list(range(0, 57, 7)) and len(watches[0.003].shares) == 9
    assert calm < 0.05 < 0.15 < wild
    shown = dead_units.explore_dead_units(runs, {("ReLU", rate): watch for rate, watch in watches.items()}, 0.1)
    shown.set(rate=0.2)
    listed = ", ".join(f"{100 * share:.0f} %" for share in watches[0.2].shares[-1])
    assert f"<b>{listed}</b>" in shown.sentence.value


def test_gradients_of_one_sign(digits):
    X, y = digits[0][:6], digits[1][:6]
    gradient = gradient_signs.second_layer_gradients("sigmoid", X, y, 10)
    network = hidden_layers("sigmoid", initialization.inverse_sqrt, 2, 24, 10).initialize(64, 0, np.float64)

    def loss(w):
        network.parameters["2.w"][...] = w
        return softmax_loss(network.forward(X), y)[0]

    assert check_gradient(loss, network.parameters["2.w"].copy(), gradient.astype(np.float64), tolerance=1e-3)
    one = {kind: gradient_signs.second_layer_gradients(kind, X[:1], y[:1], 10) for kind in ("sigmoid", "ReLU", "tanh")}
    assert [gradient_signs.one_sign_share(one[kind]) for kind in one] == [1, 1, 0]
    assert gradient_signs.one_sign_share(np.array([[1, -1, 0], [2, 1, 0]])) == 0.5


def test_descent_and_its_steps():
    X = gradient_signs.positive_inputs(0.5)
    assert (X > 0).all() and len(X) == 60
    path = gradient_signs.descend(X, [0.3, 0.9], steps=25)
    w = gradient_signs.START.copy()
    for i, x in enumerate(X[np.random.default_rng(0).integers(0, 60, 25)]):
        np.testing.assert_allclose(path[i, 1], w)
        w = w - 0.9 * (w @ x - gradient_signs.GOAL @ x) * x
    goal = gradient_signs.GOAL
    near, far = goal + 0.05, goal + 1
    lost = np.full(2, np.nan)
    columns = ([far, near, far, near, near], [far] * 5, [near] * 5, [far, far, lost, lost, lost])
    made = np.stack([np.stack(column) for column in columns], axis=1)
    assert gradient_signs.steps_needed(made).tolist() == [3, np.inf, 0, np.inf]


def test_inputs_around_zero_are_faster():
    rates = 0.1 * 1.25 ** np.arange(17)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        needed = [
            gradient_signs.steps_needed(gradient_signs.descend(gradient_signs.positive_inputs(mean), rates)).min()
            for mean in (0.0, 0.5, 1.0)
        ]
        assert needed[0] < needed[1] < needed[2]
        shown = gradient_signs.explore_zigzag()
        assert "<b>100%</b>" in shown.sentence.value
        shown.set(mean=0.0)
        assert "<b>100%</b>" not in shown.sentence.value
        shown.set(mean=1.0, rate=4.0)
    assert "not within 600 steps" in shown.sentence.value


def test_steps_of_preparation():
    points = preprocessing_clouds.cloud(3, 30, (2, -1))
    steps = preprocessing_clouds.prepared(points)
    for name, now in steps.items():
        rows = np.hstack([now, np.ones((len(now), 1))])
        assert preprocessing_clouds.narrowness(now) == pytest.approx(np.linalg.cond(rows) ** 2)
        assert np.allclose(now.mean(axis=0), 0) == (name != "original")
    np.testing.assert_allclose(np.cov(steps["whitened"].T), np.eye(2), atol=1e-9)
    np.testing.assert_allclose(np.diag(np.cov(steps["normalised"].T, bias=True)), 1)
    variances = np.linalg.eigvalsh(np.cov(points.T))[::-1]
    np.testing.assert_allclose(np.cov(steps["decorrelated"].T), np.diag(variances), atol=1e-9)
    assert preprocessing_clouds.narrowness(points) > preprocessing_clouds.narrowness(steps["centred"]) > 5


def test_what_is_lost_with_few_components():
    data = load("digits")
    pca = PCA().fit(data.X_train)
    flat = data.X_val.reshape(len(data.X_val), -1).astype(float)
    for k in (1, 7, 30):
        peer = PeerPCA(k, svd_solver="full").fit(data.X_train.reshape(len(data.X_train), -1).astype(float))
        lost = ((flat - peer.inverse_transform(peer.transform(flat))) ** 2).sum() / ((flat - peer.mean_) ** 2).sum()
        assert preprocessing_images.left_over(pca, data.X_val, k) == pytest.approx(lost, rel=1e-4)
    shown = preprocessing_images.explore_reconstruction(pca, data.X_val)
    shown.set(k=30)
    assert f"<b>{1 - lost:.1%}</b>" in shown.sentence.value
    assert len(preprocessing_images.components_figure(pca).axes) == 14  # of the numbers up to 64
    assert len(preprocessing_images.mean_figure(data.X_train).axes) == 24


def test_whitening_by_epsilon():
    data = load("digits")
    seen, new = data.X_train / np.float32(255), data.X_val / np.float32(255)
    shown = preprocessing_images.explore_whitening(Whitening("zca").fit(seen), new)
    shown.set(exponent=-2.0)
    peer = PeerPCA(svd_solver="full").fit(seen.reshape(len(seen), -1))
    spread = peer.transform(new.reshape(len(new), -1)).var(axis=0) / (peer.explained_variance_ + 0.01)
    assert f"{(peer.explained_variance_ > 0.01).sum()} of 64 components" in shown.sentence.value
    assert f"<b>{spread.max():.3g}</b>" in shown.sentence.value


def test_the_classifier_of_the_leaks_is_a_peers():
    rng = np.random.default_rng(0)
    X, others, y = rng.standard_normal((30, 80)), rng.standard_normal((50, 80)), np.arange(30) % 2
    centred = X - X.mean(axis=0)
    peer = Ridge(alpha=0.1 * (centred**2).sum() / 30).fit(X, 2 * y - 1)
    np.testing.assert_array_equal(preprocessing_leaks._ridge(X, y, others), peer.predict(others) > 0)


def test_leaks_by_what_they_look_at(digits):
    data = load("digits")
    X = data.X_train.reshape(len(data.X_train), -1).astype(np.float32)
    chosen = next(name for name, method in preprocessing_leaks.METHODS.items() if "choose" in name)
    random = preprocessing_leaks.measure(X, data.y_train, draws=150, methods=(chosen, "mean image"), shuffled=True)
    gap, error = random.optimism(chosen, "all")
    assert gap > 2 * error > 0
    for honest in ((chosen, "training"), ("mean image", "training"), ("mean image", "all")):
        gap, error = random.optimism(*honest)
        assert abs(gap) < 3.5 * error
        assert random.fresh[honest].mean() == pytest.approx(0.5, abs=0.02)
    real = preprocessing_leaks.measure(X, data.y_train, draws=40, methods=("whiten",))
    gap, error = real.optimism("whiten", "all")
    assert gap < -3 * error
    assert len(preprocessing_leaks.leaks_figure({"real": real, "random": random}).axes) == 2


def test_best_pixels_are_those_that_tell_classes_apart():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((400, 60)), np.arange(400) % 2
    X[:, 5:25] += y[:, None] * rng.choice([-1, 1], 20)
    kept = preprocessing_leaks.BestPixels().fit(X, y)
    assert set(kept.kept_) == set(range(5, 25))
    np.testing.assert_array_equal(kept.transform(X), X[:, kept.kept_])


def test_signals_shrink_and_grow_as_variances_say(digits):
    X, y = digits[0][:300], digits[1][:300]

    def sizes(activation, start):
        found = initializations.signals(activation, start, X, y, 10, depth=8, units=100)
        return [np.array([np.sqrt((out.astype(float) ** 2).mean()) for out in part]) for part in vars(found).values()]

    outputs, gradients = sizes("tanh", "small: 0.01")  # so small that tanh is linear: 0.01 √100 a layer, either way
    np.testing.assert_allclose(outputs[2:] / outputs[1:-1], 0.1, rtol=0.2)
    np.testing.assert_allclose(gradients[1:-2] / gradients[2:-1], 0.1, rtol=0.2)
    outputs, _ = sizes("ReLU", "1/√n")
    assert outputs[-1] / outputs[0] == pytest.approx(2 ** (-7 / 2), rel=0.4)
    outputs, _ = sizes("ReLU", "√(2/n)")
    assert 0.5 < outputs[-1] / outputs[0] < 2
    large = initializations.signals("tanh", "large: 1", X, y, 10)
    assert np.mean(np.abs(large.outputs[-1]) > 0.95) > 0.7
    zero = initializations.signals("tanh", "all zeros", X, y, 10)
    assert not np.any(zero.outputs) and not np.any(zero.gradients[:-1]) and not initializations.healthy(zero)
    shown = initializations.explore_starts(X, y, 10)
    healthy = shown.sentence.value.partition("<b>")[2].partition("</b>")[0]
    assert "1/√n" in healthy and "0.01," not in healthy and "large" not in healthy


def test_nothing_breaks_the_symmetry_of_zeros(digits):
    networks = {start: small_network("sigmoid", getattr(initialization, start)) for start in ("zeros", "inverse_sqrt")}
    train_in_turn({name: trainer(network, epochs=2) for name, network in networks.items()}, digits)
    assert np.any(networks["zeros"].parameters["4.w"])
    assert {name: initializations.distinct_units(network) for name, network in networks.items()} == {
        "zeros": 1,
        "inverse_sqrt": 16,
    }
    assert len(initializations.templates_figure(networks, (8, 8, 1)).axes) == 16


def test_first_weights_and_losses_in_one_picture(digits):
    runs = {}
    for start, (weights, biases) in initializations.STARTS.items():
        network = small_network("ReLU", weights, biases=biases)
        assert np.all(network.parameters["0.b"] == np.float32(0.01 if "bias" in start else 0))
        runs["ReLU", start] = trainer(network, epochs=1)
    train_in_turn(runs, digits)
    labels = [line.get_label() for line in initializations.losses_figure(runs, 0.1, ["ReLU"]).axes[0].lines]
    assert set(initializations.STARTS) <= set(labels)


def test_one_unit_through_batch_normalisation():
    x, out, dout, dx = batch_normalization.normalise_one_unit(3.0, 0.4, -1.5, 0.5)
    assert out.mean() == pytest.approx(0.5) and out.std() == pytest.approx(1.5, rel=1e-3)

    def normalised(x):
        return -1.5 * (x - x.mean()) / np.sqrt(x.var() + 1e-5) + 0.5

    np.testing.assert_allclose(dx, numeric_gradient(normalised, x, dout=dout), atol=1e-6)


def test_running_statistics_are_exponential_averages():
    x = 2 + np.random.default_rng(0).standard_normal(500)
    rows = batch_normalization.running_statistics(x, 0.8, 20, batches=60)
    for column, start in ((0, 0.0), (1, 1.0)):
        average, _ = lfilter([0.2], [1, -0.8], rows[:, column + 2], zi=[0.8 * start])
        np.testing.assert_allclose(rows[:, column], average)
    assert rows[-1, 0] == pytest.approx(x.mean(), abs=0.3)


def test_training_mode_depends_on_companions_and_test_mode_does_not(digits):
    _, _, X, y = digits
    network = small_network(normalize=True)
    train_in_turn({"one": trainer(network, epochs=6)}, digits)
    statistics = {path: array.copy() for path, array in network.statistics.items()}
    found, accuracies, sure, right = batch_normalization.by_batch_size(network, X, y, image=3)
    for path, array in network.statistics.items():
        np.testing.assert_array_equal(array, statistics[path])
    assert np.ptp(found[0]) == 0 and found[1].std() > found[-1].std() > 0
    assert accuracies[0] <= 0.2 < 0.6 < accuracies[-1] and right > 0.7
    scores = network.forward(X[[3]])[0].astype(float)
    assert sure == pytest.approx(np.exp(scores[y[3]]) / np.exp(scores).sum(), rel=1e-4)
    np.testing.assert_allclose(network.forward(X)[3], scores, atol=1e-4)
    assert len(batch_normalization.modes_figure((found, accuracies, sure, right)).axes) == 2
