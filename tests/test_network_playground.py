"""The network playground without a browser: state, data, the conversation with the page, the program, the figure."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from playground_conversation import ask

from cs231n_kit.optimizers import RULES
from cs231n_kit.widgets import NetworkPlayground
from cs231n_kit.widgets.playground_data import FEATURES, input_features, into_square, split
from cs231n_kit.widgets.playground_lessons import LESSONS
from cs231n_kit.widgets.playground_state import (
    ACTIVATIONS,
    INITIALIZATIONS,
    complete_state,
    state_from_string,
    state_to_string,
)
from cs231n_kit.widgets.presets import preset_points

SMALL = {"points_per_class": 10, "layers": [4, 3]}

LAYERS = st.fixed_dictionaries(
    {
        "units": st.integers(1, 16),
        "activation": st.sampled_from(sorted(ACTIVATIONS)),
        "initialize": st.sampled_from(sorted(INITIALIZATIONS)),
    }
)
STATES = st.fixed_dictionaries(
    {
        "preset": st.sampled_from(["blobs", "circles", "spiral", "moons", "xor"]),
        "classes": st.integers(2, 6),
        "noise": st.floats(0, 0.5),
        "seed": st.integers(0, 2**31 - 1),
        "test_share": st.floats(0, 0.8),
        "features": st.lists(st.sampled_from(sorted(FEATURES)), min_size=1),
        "layers": st.lists(LAYERS, max_size=4),
        "optimizer": st.sampled_from(sorted(RULES)),
        "learning_rate": st.floats(1e-5, 1),
        "batch_size": st.integers(1, 50),
        "dropout": st.floats(0, 0.9),
        "l1": st.floats(0, 0.1),
        "l2": st.floats(0, 0.1),
    }
)


# --- state


@given(STATES)
def test_a_state_survives_the_string(state):
    full = complete_state({**state, "points_per_class": 5})
    assert state_from_string(state_to_string(full)) == full
    assert json.loads(json.dumps(full)) == full
    assert complete_state(full) == full


def test_a_string_fits_a_link_and_holds_points_only_where_they_were_touched():
    playground = NetworkPlayground(classes=6, points_per_class=80, layers=[8] * 8)
    assert len(playground.state_string) < 500
    points = playground.points
    points[7] = 0.5, -0.25
    playground.set_points(points, playground.labels)
    assert len(playground.state_string) > 1500
    again = NetworkPlayground(state=playground.state_string)
    assert again.state == playground.state and again.state["points"][7] == [0.5, -0.25]
    assert set(playground.state_string) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": 7}, "classes must be a whole number from 2 to 6"),
        ({"learning_rate": 0}, "learning_rate must be a number from 1e-05 to 100, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number"),
        ({"dropout": 1.0}, "dropout must be a number from 0 to 0.9"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1"),
        ({"optimizer": "adamm"}, "optimizer must be one of sgd, sgd_momentum"),
        ({"layers": [0]}, "units must be a whole number from 1 to 16, got 0"),
        ({"layers": [4] * 9}, "at most 8 hidden layers, got 9"),
        ({"layers": [{"units": 3, "activation": "swish"}]}, "activation must be one of relu, leaky_relu"),
        ({"layers": [{"units": 3, "initialise": "zeros"}]}, "unknown entry 'initialise'; the layer has units"),
        ({"layers": 5}, "layers must be a list"),
        ({"output_initialize": "ones"}, "output_initialize must be one of he_normal"),
        ({"features": []}, "features must be a list of at least one of x1, x2"),
        ({"features": "x1"}, "features must be a list"),
        ({"features": ["x3"]}, "each feature must be one of x1"),
        ({"preset": "own"}, "the preset 'own' needs points and labels"),
        ({"rate": 1}, "unknown entry 'rate'; the state has lesson, preset"),
        ({"points": [[0, 0]]}, "points and labels belong together"),
        ({"points": [[0, 0]], "labels": [0], "test": [2]}, "each entry of test must be True or False, got 2"),
        ({"points": [[0, 0]], "labels": [0], "test": []}, "1 points need 1 entries of test, got 0"),
        ({"points": [[0, 0]], "labels": [3]}, "each label must be a whole number from 0 to 2"),
    ],
)
def test_a_bad_state_is_refused_by_name_and_the_old_one_kept(change, words):
    playground = NetworkPlayground(**SMALL)
    before = playground.state
    with pytest.raises(ValueError, match=words):
        complete_state(change)
    with pytest.raises(ValueError, match=words):
        playground.state = change
    assert playground.state == before and playground.train().step == 1


@pytest.mark.parametrize("string", ["", "hello", "ü" * 20, "A" * 30_000, state_to_string(complete_state({}))[:-9]])
def test_a_damaged_string_is_a_clear_error(string):
    with pytest.raises(ValueError, match="not a network-playground state string"):
        state_from_string(string)


def test_settings_win_over_a_lesson_and_over_a_state():
    playground = NetworkPlayground(lesson="vanishing", learning_rate=0.5)
    assert playground.state["lesson"] == "vanishing" and playground.state["learning_rate"] == 0.5
    assert len(playground.state["layers"]) == 6 and playground.state["preset"] == "circles"
    again = NetworkPlayground(state=playground.state, noise=0.2)
    assert again.state["points"] != playground.state["points"] and len(again.state["layers"]) == 6
    other = NetworkPlayground(state=playground.state, test_share=0.0)
    assert other.state["points"] == playground.state["points"] and not other.is_test.any()
    with pytest.raises(ValueError, match="lesson must be one of spiral, linear"):
        NetworkPlayground(lesson="nothing")
    with pytest.raises(ValueError, match="unknown entry 'units'"):
        NetworkPlayground(units=3)


def test_entries_of_the_state_are_attributes_and_reset_returns():
    playground = NetworkPlayground(**SMALL)
    start = playground.state
    playground.train(3)
    playground.learning_rate, playground.layers, playground.noise = 0.5, [2], 0.4
    assert playground.state["learning_rate"] == 0.5 and playground.layers[0]["units"] == 2
    assert playground.state["points"] != start["points"]
    playground.train(3)
    playground.reset()
    assert playground.state == start and playground.step_count == 0


# --- data


def test_features_are_those_of_the_names():
    points = np.array([[0.5, -0.25], [-1.0, 0.75]])
    expected = {
        "x1": [0.5, -1],
        "x2": [-0.25, 0.75],
        "x1²": [0.25, 1],
        "x2²": [0.0625, 0.5625],
        "x1x2": [-0.125, -0.75],
        "sin πx1": [1, 0],
        "sin πx2": [-np.sqrt(0.5), np.sqrt(0.5)],
    }
    assert list(expected) == list(FEATURES)
    found = input_features(points, list(FEATURES))
    assert found.dtype == np.float32
    assert found == pytest.approx(np.array(list(expected.values())).T, abs=1e-6)


@given(st.lists(st.integers(0, 5), max_size=60), st.floats(0, 0.99), st.integers(0, 100))
def test_every_class_is_split_alike_and_keeps_a_training_point(labels, share, seed):
    test = split(labels, share, seed)
    assert np.array_equal(test, split(labels, share, seed))
    for label in set(labels):
        members = test[np.array(labels) == label]
        assert members.sum() <= len(members) - 1
        assert abs(members.sum() - share * len(members)) <= max(0.5, share)


def test_own_arrays_are_brought_into_the_square():
    rng = np.random.default_rng(0)
    X, y = rng.normal(50, 20, (40, 2)), np.repeat([0, 1, 2, 3], 10)
    playground = NetworkPlayground(X, y)
    assert playground.state["preset"] == "own" and playground.state["classes"] == 4
    assert np.array_equal(playground.labels, y) and playground.is_test.sum() == 12
    assert np.abs(playground.points).max() == pytest.approx(0.97, abs=0.001)
    for axis in range(2):  # the map is a straight line on each axis
        assert np.corrcoef(playground.points[:, axis], X[:, axis])[0, 1] > 0.9999
    inside = rng.uniform(-1, 1, (30, 2)).round(3)
    assert np.array_equal(NetworkPlayground(inside, y[:30]).points, inside)
    assert into_square(np.full((3, 2), 7.0)).tolist() == [[0, 0]] * 3
    parts = NetworkPlayground(inside[:20], y[:20], inside[20:], y[20:30])
    assert parts.is_test.tolist() == [False] * 20 + [True] * 10


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ((np.zeros((3, 3)), [0, 1, 0]), r"X and y: the points must be numbers of shape \(N, 2\), got float64"),
        ((np.zeros((3, 2)), [0, 1]), r"3 points need labels of shape \(3,\), got \(2,\)"),
        ((np.full((3, 2), np.nan), [0, 1, 0]), "the points hold NaN"),
        ((np.zeros((3, 2)), [0, 6, 0]), "labels must be whole numbers from 0 to 5"),
        ((np.zeros((3, 2)), ["a", "b", "a"]), "numpy.unique"),
        ((np.zeros((501, 2)), np.zeros(501, int)), "at most 500 points, got 501"),
        ((np.zeros((3, 2)), None), "X and y belong together"),
        ((np.zeros((3, 2)), [0, 1, 0], np.zeros((1, 2))), "X_test and y_test"),
        ((np.zeros((3, 2)), [0, 1, 0], np.zeros((1, 2)), [9]), "X_test and y_test: labels must be"),
    ],
)
def test_own_arrays_that_do_not_fit_are_explained(arrays, words):
    with pytest.raises(ValueError, match=words):
        NetworkPlayground(*arrays)


# --- the program


@given(STATES, st.integers(1, 12), st.booleans())
@settings(max_examples=25, phases=[Phase.generate])  # a failure is not made smaller, which takes minutes
def test_the_program_repeats_the_playground_bit_by_bit(state, steps, touched):
    playground = NetworkPlayground(**{**state, "points_per_class": 6, "seed": 1})
    if touched:
        points = playground.points
        points[0] = 0.123, -0.456
        playground.set_points(points, playground.labels, [False, True] * (len(points) // 2))
        playground.restart()
    steps = playground.train(steps).step  # fewer, where it diverges
    scope = {}
    exec(compile(playground.code(), "program", "exec"), scope)
    found, expected = scope["network"].parameters, playground.network.parameters
    assert list(found) == list(expected)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    if any(playground.is_test) and steps:
        assert scope["loss"] == pytest.approx(playground.history[-1].test_loss, rel=1e-4)
        assert scope["right"] == pytest.approx(playground.history[-1].test_accuracy)


def test_the_program_runs_by_itself_and_prints_what_the_playground_shows():
    playground = NetworkPlayground(dropout=0.25, l1=0.001, l2=0.01, layers=[6, {"units": 5, "activation": "tanh"}])
    record = playground.train(60)
    code = playground.code()
    assert "Dropout(0.75)" in code and "2 * 0.01 * w + 0.001 * np.sign(w)" in code and "range(60)" in code
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    losses = [float(text) for text in re.findall(r"loss ([\d.]+)", printed)]
    assert losses == pytest.approx([record.train_loss, record.test_loss], abs=1e-4)
    assert f"{record.test_accuracy:.1%} right" in printed
    origin = re.search(r'state="([\w-]+)"', code)[1]
    assert NetworkPlayground(state=origin).state == playground.state


def test_the_program_says_where_it_cannot_repeat_the_playground():
    playground = NetworkPlayground(**SMALL)
    playground.train(3)
    assert "were changed" not in playground.code() and "Settings or data changed" not in playground.code()
    playground.change(learning_rate=0.5)
    assert playground.code().startswith("# Settings or data changed")
    playground.restart()
    assert "Settings or data changed" not in playground.code()


# --- the conversation with the page


def test_a_request_trains_changes_and_shows():
    playground = NetworkPlayground(**SMALL)
    reply, buffers = ask(playground, command="step", frame=True)
    frame = reply["frame"]
    assert playground.step_count == 1 and frame["record"][0] == 1 and frame["history"][-1] == frame["record"]
    regions, maps, ranges, parameters = buffers
    assert regions == playground.regions(frame["resolution"]).tobytes()
    assert len(maps) == (2 + 4 + 3 + 3) * 30 * 30 and len(ranges) == 8 * 12
    expected = np.concatenate([w.ravel() for w in playground.network.parameters.values()])
    assert np.array_equal(np.frombuffer(parameters, np.float32), expected)
    assert frame["shape"] == "x1,x2|4,3|3" and len(frame["gradients"]) == 3 and len(frame["firing"]) == 7
    reply, _ = ask(playground, state={**playground.state, "features": ["x1", "x1²"]}, frame=True, sequence=2)
    assert playground.state["features"] == ["x1", "x1²"] and playground.step_count == 0
    assert reply["frame"]["shape"].startswith("x1,x1²|")
    reply, _ = ask(playground, code=True, sequence=3)
    assert reply["code"] == playground.code() and "frame" not in reply
    json.dumps([reply, frame], allow_nan=False)


def test_a_request_of_nonsense_is_answered_with_an_error():
    playground = NetworkPlayground(**SMALL)
    before = playground.state
    for state in ({"classes": 99}, {"layers": [[]]}, {"layers": None}, "text", 5):
        assert "error" in ask(playground, state=state, frame=True)[0]
        assert playground.state == before
    assert "error" not in ask(playground, command="fly", frame=True)[0]


def test_unit_maps_are_the_network_on_the_grid():
    playground = NetworkPlayground(**SMALL, features=["x2", "x1x2"])
    playground.train(20)
    _, maps, ranges, _ = ask(playground, frame=True)[1]
    w = [array.astype(np.float64) for array in playground.network.parameters.values()]
    ticks = (np.arange(30) + 0.5) / 15 - 1
    x1, x2 = (axis.ravel() for axis in np.meshgrid(ticks, ticks[::-1]))
    inputs = np.stack([x2, x1 * x2])
    first = np.maximum(w[0].T @ inputs + w[1][:, None], 0)
    second = np.maximum(w[2].T @ first + w[3][:, None], 0)
    expected = np.concatenate([inputs, first, second, w[4].T @ second + w[5][:, None]])
    largest = np.abs(expected).max(axis=1, keepdims=True)
    shown = np.frombuffer(maps, np.int8).reshape(12, 900)
    assert shown * largest / 127 == pytest.approx(expected, abs=largest.max() / 200)
    ends = np.frombuffer(ranges, np.float32).reshape(12, 2)
    assert ends == pytest.approx(np.stack([expected.min(axis=1), expected.max(axis=1)], axis=1), abs=1e-4)


def test_no_points_are_no_error():
    playground = NetworkPlayground(**SMALL)
    playground.change(points=[], labels=[], test=[])
    record = playground.train(5)
    assert record.step == 0 and "no training points" in playground.trouble
    reply, _ = ask(playground, frame=True)
    assert reply["frame"]["record"] == [0, None, None, None, None]
    points, labels = preset_points("blobs", 3, 5, 0.1, 0)
    playground.set_points(points, labels)
    assert playground.trouble == "" and playground.train(5).step == 5
    playground.change(points=[], labels=[], test=[])
    playground.figure()


# --- lessons and pictures


def test_every_lesson_can_be_shown_and_taken_along():
    for name, lesson in LESSONS.items():
        playground = NetworkPlayground(lesson=name)
        assert state_from_string(playground.state_string) == playground.state
        assert len(playground.state_string) < 500 and lesson.text.endswith(".")
        assert complete_state(playground._setup["lessons"][list(LESSONS).index(name)]["settings"]) == playground.state


def test_the_figure_shows_the_network_the_plane_and_the_curves():
    playground = NetworkPlayground(**SMALL, test_share=0.4, l2=0.01)
    playground.train(50)
    figure = playground.figure()
    network, plane, loss, accuracy = figure.axes
    assert len(network.images) == 2 + 4 + 3 + 3
    assert [len(lines.get_segments()) for lines in network.collections] == [8, 12, 9]
    widths = np.asarray(network.collections[0].get_linewidths())
    w = np.abs(playground.network.parameters["0.w"]).ravel()
    assert widths / widths.max() == pytest.approx(w / w.max(), rel=1e-5)
    assert "step 50" in network.get_title() and "L2 0.01" in network.get_title()
    drawn = np.concatenate([scatter.get_offsets() for scatter in plane.collections])
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, playground.points))
    train, test = loss.get_lines()
    assert train.get_xdata()[-1] == 50 and train.get_ydata()[-1] == pytest.approx(playground.history[-1].train_loss)
    assert test.get_ydata()[-1] == pytest.approx(playground.history[-1].test_loss)
    assert accuracy.get_lines()[1].get_ydata()[-1] == pytest.approx(playground.history[-1].test_accuracy)
