"""Training in the network playground: the numbers, changes on the way, divergence, lessons, and the thread."""

import itertools
import math
import threading
import types

import numpy as np
import pytest
from playground_conversation import listening, wait_for

from cs231n_kit.widgets import NetworkPlayground, live_training
from cs231n_kit.widgets.live_training import LiveTraining
from cs231n_kit.widgets.playground_state import complete_state, lesson_settings
from cs231n_kit.widgets.playground_training import TrainingRun

SMALL = {"points_per_class": 10, "layers": [4, 3]}


def run(steps=0, **settings):
    made = TrainingRun(complete_state(settings))
    for _ in range(steps):
        made.step()
    return made


# --- the numbers


def test_a_step_is_gradient_descent_on_the_penalised_loss():
    made = run(
        points_per_class=10, layers=[], optimizer="sgd", learning_rate=0.3, batch_size=500, l1=0.02, l2=0.05, classes=4
    )
    w, b = (array.astype(np.float64) for array in made.network.parameters.values())
    X, y = made.X_train.astype(np.float64), made.y_train

    def loss(w, b):
        scores = X @ w + b
        data = np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y])
        return data + 0.02 * np.abs(w).sum() + 0.05 * (w**2).sum()

    assert made.record().train_loss == pytest.approx(
        loss(w, b) - 0.02 * np.abs(w).sum() - 0.05 * (w**2).sum(), rel=1e-5
    )
    assert made.step()
    new_w, new_b = made.network.parameters.values()
    for index in itertools.product(range(2), range(4)):
        nudge = np.zeros_like(w)
        nudge[index] = 1e-6
        slope = (loss(w + nudge, b) - loss(w - nudge, b)) / 2e-6
        assert new_w[index] == pytest.approx(w[index] - 0.3 * slope, abs=1e-5)
    nudge = np.array([1e-6, 0, 0, 0])
    assert new_b[0] == pytest.approx(b[0] - 0.3 * (loss(w, b + nudge) - loss(w, b - nudge)) / 2e-6, abs=1e-5)


def test_adamw_decays_beside_the_loss():
    plain, decayed = (run(1, **SMALL, optimizer="adamw", learning_rate=0.1, l2=l2) for l2 in (0.0, 0.5))
    start = run(**SMALL).network.parameters["0.w"]
    difference = plain.network.parameters["0.w"] - decayed.network.parameters["0.w"]
    assert difference == pytest.approx(0.1 * 0.5 * start, abs=1e-6)


def test_every_epoch_takes_every_training_point_once():
    made = run(points_per_class=11, classes=2, test_share=0.2, batch_size=4)
    count = len(made.X_train)
    for _ in range(3):
        rows = [next(made._batches) for _ in range(-(-count // 4))]
        assert [len(part) for part in rows[:-1]] == [4] * (len(rows) - 1)
        assert sorted(np.concatenate(rows)) == list(range(count))
    assert run(9, points_per_class=11, classes=2, test_share=0.2, batch_size=4).epoch == pytest.approx(9 / len(rows))


def test_the_same_state_gives_the_same_numbers_and_another_seed_others():
    first, second = (run(30, **SMALL, dropout=0.2) for _ in range(2))
    other = run(30, **SMALL, dropout=0.2, network_seed=1)
    for name, w in first.network.parameters.items():
        assert np.array_equal(w, second.network.parameters[name])
    assert not np.array_equal(first.network.parameters["0.w"], other.network.parameters["0.w"])
    second.start()
    for _ in range(30):
        second.step()
    assert np.array_equal(first.network.parameters["0.w"], second.network.parameters["0.w"])


def test_test_points_are_not_trained_on():
    made = run(**SMALL, test_share=0.5)
    moved = [
        [-x, -y] if test else [x, y] for (x, y), test in zip(made.state["points"], made.state["test"], strict=True)
    ]
    other = TrainingRun(complete_state({**made.state, "points": moved}))
    for _ in range(20):
        made.step(), other.step()
    assert np.array_equal(made.network.parameters["0.w"], other.network.parameters["0.w"])
    assert made.record().train_loss == other.record().train_loss
    assert made.record().test_loss != other.record().test_loss


def test_gradient_sizes_and_firing_are_measured():
    made = run(1, **SMALL)
    sizes = [np.sqrt(np.mean(made.network.gradients[f"{path}.w"].astype(np.float64) ** 2)) for path in (0, 2, 4)]
    assert made.gradient_sizes() == pytest.approx(sizes, rel=1e-5)
    w, b = made.network.parameters["0.w"], made.network.parameters["0.b"]
    assert made.firing()[:4] == pytest.approx((made.X_train @ w + b > 0).mean(axis=0))


def test_the_history_stays_short_and_keeps_both_ends():
    made = run(**SMALL)
    for _ in range(1300):
        made.step_count += 1
        made.record()
    steps = [record.step for record in made.history]
    assert len(steps) <= 500 and steps == sorted(set(steps)) and steps[0] == 1 and steps[-1] == 1300


# --- changes on the way


def test_settings_of_training_change_without_losing_the_weights():
    made = run(20, **SMALL)
    before = {name: w.copy() for name, w in made.network.parameters.items()}
    made.change(complete_state({**made.state, "learning_rate": 0.5, "batch_size": 3, "optimizer": "sgd", "l2": 0.1}))
    for name, w in before.items():
        assert np.array_equal(made.network.parameters[name], w)
    assert made.step_count == 20 and made.changed
    next_rows = next(made._batches)
    assert len(next_rows) == 3
    made.step()
    assert made.optimizer.configs["0.w"]["learning_rate"] == 0.5 and "m" not in made.optimizer.configs["0.w"]


def test_dropout_comes_and_goes_and_the_optimizer_remembers():
    made = run(20, **SMALL)
    w, memory = made.network.parameters["2.w"].copy(), made.optimizer.configs["2.w"]["m"].copy()
    made.change(complete_state({**made.state, "dropout": 0.5}))
    assert np.array_equal(made.network.parameters["3.w"], w)
    assert np.array_equal(made.optimizer.configs["3.w"]["m"], memory)
    outputs = {}
    made.network.forward(made.X_train, mode="train", observe=outputs.__setitem__)
    assert (outputs["2"] == 0).mean() > (outputs["1"] == 0).mean() + 0.2
    assert made.step()
    made.change(complete_state({**made.state, "dropout": 0.0}))
    assert list(made.network.parameters) == ["0.w", "0.b", "2.w", "2.b", "4.w", "4.b"] and made.step()


@pytest.mark.parametrize(
    "change",
    [{"layers": [4, 4]}, {"features": ["x1"]}, {"network_seed": 5}, {"classes": 2}, {"output_initialize": "zeros"}],
)
def test_another_network_starts_anew(change):
    playground = NetworkPlayground(**SMALL)
    playground.train(10)
    playground.change(**change)
    assert playground.step_count == 0 and [record.step for record in playground.history] == [0] * bool(
        playground.history
    )
    assert playground.train().step == 1


def test_a_moved_point_counts_from_the_next_step():
    playground = NetworkPlayground(**SMALL, test_share=0)
    playground.train(10)
    w = playground.network.parameters["0.w"].copy()
    points = playground.points
    points[4] = 0.9, 0.9
    playground.set_points(points, playground.labels)
    assert np.array_equal(playground.network.parameters["0.w"], w) and playground.step_count == 10
    assert playground._run.X_train[4] == pytest.approx([0.9, 0.9])


def test_what_is_only_looked_at_changes_nothing():
    playground = NetworkPlayground(**SMALL)
    playground.train(3)
    playground.change(pace="fast", show_confidence=False)
    assert playground.step_count == 3 and not playground._run.changed


# --- divergence


def test_divergence_is_taken_back_and_said_and_the_data_kept():
    playground = NetworkPlayground(lesson="divergence")
    points = playground.state["points"]
    record = playground.train(200)
    assert 0 < record.step < 50
    assert f"Training diverged: step {record.step + 1}" in playground.trouble
    assert "learning rate of 3 is too large" in playground.trouble
    stopped_before = run(record.step, **lesson_settings("divergence"))
    for name, w in playground.network.parameters.items():
        assert np.array_equal(w, stopped_before.network.parameters[name]) and np.isfinite(w).all()
    assert playground.state["points"] == points
    assert playground.train(5).step == record.step  # the trouble stays until something changes
    playground.restart()
    assert playground.trouble == "" and playground.step_count == 0
    playground.change(learning_rate=0.03)
    assert playground.train(300).step == 300


def test_numbers_that_overflow_only_on_the_plane_are_drawn():
    made = run(points_per_class=10, layers=[{"units": 3, "activation": "linear"}] * 2)
    for w in made.network.parameters.values():
        w[...] = 3e38
    assert np.isfinite(made.scores(np.ones((4, 2)))).all() and np.isfinite(made.unit_maps(5)).all()
    with np.errstate(all="raise"):
        made.record()


# --- lessons do what they say


def lesson(name, steps=400, **changes):
    made = TrainingRun(complete_state(lesson_settings(name) | changes))
    made.record()
    for _ in range(steps):
        made.step()
    return made, made.record()


def layers(count, units, activation, initialize="he_normal"):
    return [{"units": units, "activation": activation, "initialize": initialize}] * count


def test_the_spiral_is_learnt():
    _, record = lesson("spiral")
    assert record.train_accuracy > 0.97 and record.test_accuracy > 0.9


def test_linear_layers_cannot_do_exclusive_or():
    assert lesson("linear")[1].train_accuracy < 0.65
    assert lesson("linear", layers=layers(2, 6, "tanh"))[1].test_accuracy > 0.95
    assert lesson("feature")[1].test_accuracy > 0.95


def test_nothing_is_learnt_from_zeros():
    made, record = lesson("zeros")
    weights = [w for name, w in made.network.parameters.items() if name.endswith(".w")]
    assert len(weights) == 3 and not any(w.any() for w in weights)
    assert record.train_loss == pytest.approx(np.log(3), abs=0.01)
    assert lesson("zeros", layers=layers(2, 6, "tanh"))[1].train_accuracy > 0.9


def test_relus_die_at_a_high_rate():
    made, record = lesson("dead")
    firing = made.firing()
    assert (firing[8:] == 0).all() or (firing[:8] == 0).all()  # a whole layer
    assert max(made.gradient_sizes()) == 0 and record.train_accuracy < 0.5
    assert lesson("dead", learning_rate=0.3)[1].train_accuracy > 0.95
    assert lesson("dead", layers=layers(2, 8, "leaky_relu"), steps=1500)[1].train_accuracy > 0.7


def test_gradients_vanish_through_sigmoids():
    made, record = lesson("vanishing")
    sizes = made.gradient_sizes()
    assert len(sizes) == 7 and sizes[0] < sizes[-1] / 200
    assert record.train_accuracy < 0.6
    assert lesson("vanishing", layers=layers(6, 6, "relu"))[1].train_accuracy > 0.95


def test_weight_decay_mends_what_was_learnt_by_heart():
    _, by_heart = lesson("overfitting", steps=1000)
    assert by_heart.train_accuracy == 1
    _, held_back = lesson("decay", steps=1000)
    assert held_back.test_loss < 0.6 < by_heart.test_loss / 3
    assert held_back.test_accuracy > by_heart.test_accuracy + 0.1
    assert held_back.train_loss > 100 * by_heart.train_loss


# --- the thread


class Page:
    """A page that paints every frame, and counts them."""

    def __init__(self, playground):
        self.playground, self.frames = playground, []

    def append(self, sent):
        content, _ = sent
        if content["type"] == "frame":
            self.frames.append(content["frame"])
            self.playground._handle_custom_msg({"type": "painted"}, [])


def test_playing_trains_beside_the_notebook_and_pauses():
    playground = NetworkPlayground(**SMALL, pace="fast")
    page = Page(playground)
    with listening(playground, page):
        playground.play()
        playground.play()  # no second thread
        wait_for(lambda: playground.step_count > 100 and len(page.frames) > 3)
        assert playground.running and sum(t.name == "live training" for t in threading.enumerate()) == 1
        playground.change(learning_rate=0.002)  # while it runs
        playground.pause()
        wait_for(lambda: not any(t.name == "live training" for t in threading.enumerate()))
        steps = playground.step_count
        assert not playground.running and page.frames[0]["running"] and not page.frames[-1]["running"]
        playground.play()
        wait_for(lambda: playground.step_count > steps)
        playground.close()
    wait_for(lambda: not any(t.name == "live training" for t in threading.enumerate()))
    steps_of_frames = [frame["record"][0] for frame in page.frames]
    assert steps_of_frames == sorted(steps_of_frames)


def test_training_waits_for_a_page_that_does_not_paint():
    playground = NetworkPlayground(**SMALL, pace="fast")
    sent = []
    with listening(playground, sent):
        playground.play()
        wait_for(lambda: len(sent) == live_training.UNSEEN)
        steps = playground.step_count
        assert steps > 0 and playground.running
        playground._handle_custom_msg({"type": "painted"}, [])
        wait_for(lambda: len(sent) == live_training.UNSEEN + 1)
        assert playground.step_count > steps
        playground._handle_custom_msg({"type": "gone"}, [])  # the cell was run again
        assert not playground.running
    wait_for(lambda: not any(t.name == "live training" for t in threading.enumerate()))


def test_training_stops_when_no_page_answers(monkeypatch):
    monkeypatch.setattr(live_training, "PATIENCE", 0.05)
    playground = NetworkPlayground(**SMALL)
    sent = []
    with listening(playground, sent):
        playground.play()
        wait_for(lambda: not playground.running and len(sent) > live_training.UNSEEN)
    assert [content["frame"]["running"] for content, _ in sent] == [True] * live_training.UNSEEN + [False]


def test_an_interrupted_cell_pauses_training():
    playground = NetworkPlayground(**SMALL)
    with listening(playground, []):
        playground.play()
        playground._after_cell(types.SimpleNamespace(error_in_exec=ValueError()))
        assert playground.running
        playground._after_cell(types.SimpleNamespace(error_in_exec=KeyboardInterrupt()))
        assert not playground.running


def test_several_playgrounds_play_at_once_and_give_the_numbers_of_one():
    playgrounds = [NetworkPlayground(**SMALL, network_seed=seed, pace="fast") for seed in range(3)]
    pages = [Page(playground) for playground in playgrounds]
    for playground, page in zip(playgrounds, pages, strict=True):
        playground.send = lambda content, buffers=None, page=page: page.append((content, buffers))
        playground.play()
    wait_for(lambda: all(playground.step_count > 50 for playground in playgrounds))
    for playground in playgrounds:
        playground.close()
    wait_for(lambda: not any(t.name == "live training" for t in threading.enumerate()))
    for seed, playground in enumerate(playgrounds):
        alone = run(playground.step_count, **SMALL, network_seed=seed)
        assert np.array_equal(alone.network.parameters["0.w"], playground.network.parameters["0.w"])


def test_divergence_pauses_and_is_shown():
    playground = NetworkPlayground(lesson="divergence")
    page = Page(playground)
    with listening(playground, page):
        playground.play()
        wait_for(lambda: not playground.running and page.frames and page.frames[-1]["trouble"])
    assert "diverged" in page.frames[-1]["trouble"] and not page.frames[-1]["running"]


def test_training_without_a_limit_begins_though_the_clock_stands_still(monkeypatch):
    clock, taken = [0.0], []

    def step():
        taken.append(clock[0])
        clock[0] += 0.01
        return True

    def sleep(seconds):
        clock[0] += seconds
        live.seen()
        if clock[0] > 1:
            live.stop()

    monkeypatch.setattr(live_training.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(live_training.time, "sleep", sleep)
    live = LiveTraining(step, lambda: None, lambda: math.inf, threading.RLock())
    live._thread = threading.current_thread()
    live._play()
    assert len(taken) > 3


def test_the_pace_is_kept(monkeypatch):
    clock, slept, taken = [0.0], [], []

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds
        live.seen()
        if clock[0] > 10:
            live.stop()

    monkeypatch.setattr(live_training.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(live_training.time, "sleep", sleep)
    live = LiveTraining(lambda: taken.append(clock[0]) or True, lambda: None, lambda: 5, threading.RLock())
    live._thread = threading.current_thread()
    live._play()
    assert len(taken) == pytest.approx(50, abs=3)
    assert min(slept) >= live_training.PAUSE
    assert min(np.diff(taken)) > 0.1
