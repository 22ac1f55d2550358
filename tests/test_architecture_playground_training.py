"""Training in the architecture playground, and what it shows: against the kit alone, and by differences."""

import types

import numpy as np
import pytest
from playground_conversation import ask, listening, wait_for

from cs231n_kit.losses import softmax_loss
from cs231n_kit.networks import parse
from cs231n_kit.optimizers import RULES, Optimizer
from cs231n_kit.training import Trainer
from cs231n_kit.widgets import ArchitecturePlayground
from cs231n_kit.widgets.architecture_look import first_filters, look, pictures, silent_maps

RNG = np.random.default_rng(6)
IMAGES = RNG.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(40) % 4
TEXT = "[CONV->RELU->POOL]*2->[FC->RELU]*1->FC"


def make(text=TEXT, **settings):
    return ArchitecturePlayground(
        IMAGES, LABELS, architecture=text, **{"filters": 3, "units": 6, "batch_size": 5, **settings}
    )


# --- training


@pytest.mark.parametrize("rule", ["adam", "adamw"])
def test_training_is_that_of_the_trainer_alone(rule):
    playground = make("CONV->BN->RELU->POOL->DROPOUT->FC", seed=7, regularization=0.01, optimizer=rule)
    data = playground.data
    network = parse("CONV->BN->RELU->POOL->DROPOUT->FC", 4, 3, 6).initialize((3, 8, 8), rng=7)
    decay = {"weight_decay": 0.01} if rule == "adamw" else {}
    trainer = Trainer(
        network,
        optimizer=Optimizer(rule, learning_rate=0.001, **decay),
        batch_size=5,
        regularization=0.0 if decay else 0.01,
        seed=7,
        progress_bar=False,
        live_plot=False,
    )
    updates = trainer.steps(data.inputs_train, data.y_train)
    losses = [next(updates).loss for _ in range(9)]
    playground.train(4)
    playground.layer = "2"  # looking does not disturb
    ask(playground, frame=True)
    record = playground.train(5)
    for path, w in network.parameters.items():
        assert np.array_equal(w, playground.network.parameters[path])
    evaluation = trainer.evaluate(data.inputs_val, data.y_val)
    assert record.step == 9 and record.train_loss == pytest.approx(np.mean(losses))
    assert record[2:] == pytest.approx(tuple(evaluation))
    assert [loss for _, loss in playground._run.losses()] == pytest.approx(losses)
    assert playground._run.epoch == pytest.approx(9 / 7)  # 32 images in batches of at most 5


def test_settings_change_on_the_way_and_only_what_describes_a_network_makes_a_new_one():
    playground = make()
    playground.train(3)
    network = playground.network
    playground.change(learning_rate=0.0005, optimizer="sgd", regularization=0.1, batch_size=16)
    assert playground.network is network and playground.step_count == 3
    assert playground.trainer.optimizer.rule is RULES["sgd"] and playground.trainer.regularization == 0.1
    before = {path: w.copy() for path, w in network.parameters.items()}
    playground.learning_rate = 1e-6
    assert playground.train(2).step == 5
    for path, w in network.parameters.items():
        assert w == pytest.approx(before[path], abs=1e-4)
    assert playground._run.epoch == pytest.approx(3 / 7 + 1)
    for change in ({"seed": 3}, {"units": 7}, {"architecture": "FC"}):
        playground.train(1)
        playground.change(**change)
        assert playground.network is not network and playground.step_count == 0
        network = playground.network


def test_start_anew_gives_the_same_numbers_again():
    playground = make()
    first = playground.train(4)
    playground.restart()
    assert playground.step_count == 0 and playground.history[-1].step == 0
    assert playground.train(4) == first


def test_training_that_diverges_stops_with_a_reason_and_keeps_its_last_weights():
    playground = make("[FC]*4->FC", optimizer="sgd", learning_rate=10.0)
    playground.train(200)
    assert playground.trouble.startswith("Training stopped at update") and "learning rate of 10" in playground.trouble
    assert all(np.isfinite(w).all() for w in playground.network.parameters.values())
    count = playground.step_count
    assert playground.train(1).step == count  # it does not go on
    ask(playground, frame=True)
    playground.learning_rate = 1e-5
    assert playground.trouble == ""
    playground.restart()
    assert playground.train(2).step == 2


def test_the_thread_trains_pauses_at_once_and_ends_with_the_widget():
    playground, sent = make(), []
    with listening(playground, sent):
        playground.play()
        wait_for(lambda: playground.step_count >= 3)
        for _ in range(200):  # the page paints what it gets
            playground._handle_custom_msg({"type": "painted"}, [])
        playground.pause()
        count = playground.step_count
        frames = [content["frame"] for content, _ in sent if content["type"] == "frame"]
        assert not playground.running and frames[-1]["step"] == count and not frames[-1]["running"]
        playground.play()
        wait_for(lambda: playground.step_count > count)
        playground._after_cell(types.SimpleNamespace(error_in_exec=ValueError()))
        assert playground.running
        playground._after_cell(types.SimpleNamespace(error_in_exec=KeyboardInterrupt()))
        assert not playground.running
        playground.play()
        playground._handle_custom_msg({"type": "gone"}, [])
        assert not playground.running
        playground.play()
    thread = playground._live._thread
    playground.close()
    thread.join(20)
    assert not thread.is_alive()


def test_an_interrupt_leaves_whole_updates(monkeypatch):
    playground = make()
    playground.train(2)
    backward = playground.network.backward

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(playground.network, "backward", interrupted)
    with listening(playground, []), pytest.raises(KeyboardInterrupt):
        playground.train(1)
    monkeypatch.setattr(playground.network, "backward", backward)
    assert playground.train(3).step == 5
    straight = make()
    straight.train(5)
    assert np.array_equal(playground.network.parameters["0.w"], straight.network.parameters["0.w"])


# --- looking


def test_maps_are_those_of_direct_calls_and_gradients_those_of_differences():
    network = parse("CONV->TANH->POOL->FC->TANH->FC", 4, 3, 6).initialize((3, 8, 8), rng=2, dtype=np.float64)
    x = RNG.standard_normal((3, 8, 8))

    def behind(path, values, of):
        """The loss or the score, from what the layer puts out."""
        for layer_path, layer in list(network.layers())[path + 1 :]:
            own = {key.split(".")[1]: w for key, w in network.parameters.items() if key.startswith(f"{layer_path}.")}
            values, _ = layer.forward(values, own, "test")
        return softmax_loss(values, np.array([3]))[0] if of < 0 else values[0, of]

    for of in (-1, 2):
        seen = look(network, x, 3, of)
        assert seen.probabilities == pytest.approx(np.exp(seen.scores) / np.exp(seen.scores).sum())
        for path in (0, 1, 2, 4):
            values = seen.activations[str(path)]
            assert behind(path, values[None], -1) == pytest.approx(-np.log(seen.probabilities[3]))
            for flat in RNG.choice(values.size, 6, replace=False):
                place = np.unravel_index(flat, values.shape)
                nudge = np.zeros_like(values)
                nudge[place] = 1e-6
                slope = (behind(path, (values + nudge)[None], of) - behind(path, (values - nudge)[None], of)) / 2e-6
                assert seen.gradients[str(path)][place] == pytest.approx(slope, abs=1e-7, rel=1e-5)
        slopes = np.zeros_like(x)
        for place in [(0, 4, 4), (1, 4, 4), (2, 4, 4)]:
            nudge = np.zeros_like(x)
            nudge[place] = 1e-6
            slopes[place] = (behind(-1, (x + nudge)[None], of) - behind(-1, (x - nudge)[None], of)) / 2e-6
        assert seen.gradients["input"][:, 4, 4] == pytest.approx(slopes[:, 4, 4], abs=1e-7)
        assert seen.saliency[4, 4] == pytest.approx(np.abs(slopes[:, 4, 4]).max(), abs=1e-7)
    assert look(network, x).label == network.predict(x[None])[0] and not look(network, x).given


def test_a_frame_holds_the_maps_of_the_chosen_layer():
    playground = make(layer="3", image=2)
    playground.train(2)
    outputs = {}
    playground.network.forward(playground.data.inputs_val[2:3], observe=outputs.__setitem__)
    reply, buffers = ask(playground, frame=True)
    frame = reply["frame"]
    assert frame["layer"] == "3" and frame["shape"] == [6, 4, 4] == frame["map_shape"] and frame["label"] == 2
    maps = np.frombuffer(buffers[1], np.int8).reshape(6, 4, 4)
    ranges = np.frombuffer(buffers[2], np.float32).reshape(6, 2)
    expected = outputs["3"][0]
    assert ranges[:, 0] == pytest.approx(expected.min(axis=(1, 2))) and ranges[:, 1] == pytest.approx(
        expected.max(axis=(1, 2))
    )
    largest = np.abs(ranges).max(axis=1)[:, None, None]
    assert maps / 127 * largest == pytest.approx(expected, abs=float(largest.max()) / 200)
    playground.change(gradients=True, of=1)
    reply, buffers = ask(playground, frame=True)
    seen = playground.look().gradients["3"]
    assert np.array_equal(np.frombuffer(buffers[1], np.int8).reshape(6, 4, 4), pictures(seen)[0])
    assert ask(playground, state={**playground.state, "layer": "77"}, frame=True)[0]["frame"]["layer"] == "input"


def test_pictures_scale_each_map_by_itself_and_numbers_alike():
    shades, ranges = pictures(np.array([[[1.0, -2.0]], [[0.0, 0.0]], [[np.nan, 0.5]]]))
    assert shades.tolist() == [[[64, -127]], [[0, 0]], [[0, 127]]] and ranges.tolist() == [[-2, 1], [0, 0], [0, 0.5]]
    assert pictures(np.array([1.0, -2.0, 0.0]))[0].ravel().tolist() == [64, -127, 0]


def test_dead_maps_are_those_that_no_image_wakes():
    playground = make("CONV->RELU->POOL->FC", layer="1")
    playground.network.parameters["0.b"][...] = [0, -1e3, 0]
    assert silent_maps(playground.network, playground.data.inputs_val, "1").tolist() == [False, True, False]
    assert silent_maps(playground.network, playground.data.inputs_val, "0") is None
    assert ask(playground, frame=True)[0]["frame"]["silent"] == [1]


def test_filters_and_templates_are_the_first_weights():
    playground = make("CONV->RELU->FC")
    w = playground.network.parameters["0.w"]
    w[1] = 0
    w[1, 2, 0, 1] = -0.25  # in blue, at the top
    shown, largest = first_filters(playground.network, (8, 8, 3))
    assert shown.shape == (3, 3, 3, 3) and largest[1] == 0.25
    assert shown[1, 0, 1].tolist() == [128, 128, 0] and (shown[1].reshape(-1, 3)[2:] == 128).all()
    linear = make("FC")
    w = linear.network.parameters["0.w"]
    w[:, 3] = 0
    w[64 + 8 * 5 + 2, 3] = 0.5  # green, row 5, column 2
    shown, _ = first_filters(linear.network, (8, 8, 3))
    assert shown.shape == (4, 8, 8, 3) and shown[3, 5, 2].tolist() == [128, 255, 128]


def test_numbers_that_overflow_are_shown_as_none():
    playground = make("CONV->RELU->FC")
    for w in playground.network.parameters.values():
        w[...] = 1e30
    reply, _ = ask(playground, frame=True)
    assert "error" not in reply and None in reply["frame"]["probabilities"]
