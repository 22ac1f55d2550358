"""``SignalThroughDepth`` without a browser: what it measures, what it says, its state and the conversation."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playground_conversation import ask, listening, wait_for
from signal_reference import forward, loss, weights_of

from cs231n_kit.widgets import SignalThroughDepth
from cs231n_kit.widgets.signal_figure import bar_lengths
from cs231n_kit.widgets.signal_histograms import BINS, histograms, round_up
from cs231n_kit.widgets.signal_lessons import LESSONS
from cs231n_kit.widgets.signal_network import ACTIVATIONS, INITIALIZATIONS
from cs231n_kit.widgets.signal_through_depth_state import complete_state, state_from_string, state_to_string

SMALL = {"depth": 3, "width": 20}
STATES = st.fixed_dictionaries(
    {
        "depth": st.integers(1, 30),
        "width": st.integers(10, 500),
        "activation": st.sampled_from(sorted(ACTIVATIONS)),
        "initialize": st.sampled_from(sorted(INITIALIZATIONS)),
        "scale": st.floats(1e-4, 10),
        "bias": st.floats(-1, 1),
        "normalization": st.sampled_from(["none", "batch", "layer"]),
        "inputs": st.sampled_from(["gaussian", "shifted", "badly_scaled"]),
        "labels": st.sampled_from(["data", "random"]),
        "learning_rate": st.floats(1e-4, 100),
        "lesson": st.sampled_from(["", *LESSONS]),
    }
)


# --- what is measured


def squares(layers):
    """The mean square of each layer's outputs."""
    return np.array([layer.mean**2 + layer.std**2 for layer in layers])


@pytest.mark.parametrize(
    ("activation", "initialize", "first", "factor", "back"),
    [
        ("none", "inverse_sqrt", 1, 1, 1),
        ("none", "xavier_uniform", 1 / 2, 1, 1),  # 100 inputs, 300 outputs: 100 * 2 / 400
        ("none", "he_normal", 2, 2, 2),
        ("relu", "he_normal", 1, 1, 1),
        ("relu", "inverse_sqrt", 1 / 2, 1 / 2, 1 / 2),
        ("none", "small_normal", 100 * 0.05**2, 300 * 0.05**2, 300 * 0.05**2),
        ("none", "sparse", 10 * 0.05**2, 10 * 0.05**2, 10 * 0.05**2),
    ],
)
def test_the_signal_grows_by_the_factor_of_the_theory(activation, initialize, first, factor, back):
    """The mean square of 300 sums of normal terms has a relative standard deviation of sqrt(2 / 300) for one input,
    and of sqrt(5 / 300) = 0.13 behind ReLUs, whose squares have the kurtosis 6; at most, since 256 inputs are averaged.
    Over 4 seeds and 5 layers that is 0.03; 0.12 is four times as much. A layer in front of the scores sums as many
    terms backward as forward, and a ReLU passes on half of them."""
    began, grown, returned = [], [], []
    for seed in range(4):
        layers = SignalThroughDepth(
            activation=activation, initialize=initialize, scale=0.05, width=300, depth=6, seed=seed
        ).layers
        size = squares(layers)
        began.append(size[1] / size[0])
        grown.append((size[6] / size[1]) ** (1 / 5))
        gradients = [layer.gradient_std**2 + layer.gradient_mean**2 for layer in layers]
        returned.append((gradients[1] / gradients[6]) ** (1 / 5))
    assert np.mean(began) == pytest.approx(first, rel=0.2)
    assert np.mean(grown) == pytest.approx(factor, rel=0.12)
    assert np.mean(returned) == pytest.approx(back, rel=0.12)


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_numbers_are_those_of_a_plain_network(activation, normalization):
    widget = SignalThroughDepth(
        activation=activation,
        normalization=normalization,
        initialize="small_normal",
        scale=0.25,
        bias=0.1,
        depth=4,
        width=30,
        inputs="shifted",
    )
    widget.train(3)
    signal, X, y = widget._run.signal, widget._run.X, widget._run.y
    outputs, slopes = forward(weights_of(widget.network), X, activation, normalization)
    assert signal.loss == pytest.approx(loss(outputs[-1], y), rel=1e-3)
    for layer, out in zip(widget.layers, [X, *outputs], strict=True):
        size = float(np.abs(out).max())
        assert layer.mean == pytest.approx(out.mean(), abs=1e-4 * size)
        assert layer.std == pytest.approx(out.std(), rel=1e-3)
        assert layer.spread == pytest.approx(np.sqrt(out.var(axis=0).mean()), rel=1e-3)
    for layer, slope in zip(widget.layers[1:-1], slopes, strict=True):
        if activation in ("none", "maxout", "leaky_relu"):
            assert np.isnan(layer.flat) and np.isnan(layer.stuck)
            continue
        flat = slope < 0.05
        assert layer.flat == pytest.approx(flat.mean(), abs=2 / flat.size)  # single precision on the edge
        assert layer.stuck == pytest.approx(flat.all(axis=0).mean(), abs=1e-9)
    if activation == "relu" and normalization == "none":
        assert max(layer.stuck for layer in widget.layers[1:-1]) > 0.5  # the test has seen dead units


@pytest.mark.parametrize("normalization", ["none", "batch"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "maxout"])
def test_gradients_are_slopes_of_the_loss(activation, normalization):
    """At every layer's activations, against differences of a plain network's loss in double precision."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(12, 6)), rng.integers(3, size=12)
    widget = SignalThroughDepth(X, y, activation=activation, normalization=normalization, depth=3, width=10)
    signal, weights = widget._run.signal, weights_of(widget.network)
    outputs, _ = forward(weights, X.astype(np.float32), activation, normalization)
    for layer, (out, gradient) in enumerate(zip([X, *outputs], signal.gradients, strict=True)):
        for _ in range(6):
            place = rng.integers(len(out)), rng.integers(out.shape[1])
            losses = []
            for step in (1e-5, -1e-5):
                moved = np.array(out, np.float64)
                moved[place] += step
                after = forward(weights[layer:], moved, activation, normalization)[0] if layer < 4 else [moved]
                losses.append(loss(after[-1], y))
            expected = (losses[0] - losses[1]) / 2e-5
            assert gradient[place] == pytest.approx(expected, abs=2e-4 * float(np.abs(gradient).max()) + 1e-8)
    first = [widget.network.gradients[key] for key in widget.network.parameters if key.endswith(".w")]
    norms = [np.sqrt((dw.astype(np.float64) ** 2).sum()) for dw in first]
    assert [layer.weight_gradient for layer in widget.layers[1:]] == pytest.approx(norms)


def test_equal_weights_stay_equal_and_random_ones_differ():
    for initialize in ("zeros", "constant"):
        widget = SignalThroughDepth(initialize=initialize, scale=0.02, depth=3)
        assert [layer.distinct for layer in widget.layers[1:-1]] == [1, 1, 1]
        assert "same weights" in widget.diagnosis
        before = widget.history[-1].loss
        widget.train(20)
        assert [layer.distinct for layer in widget.layers[1:-1]] == [1, 1, 1]
        assert widget.history[-1].loss < before  # by the biases of the scores at least
        hidden = widget._run.signal.outputs[2]
        assert hidden == pytest.approx(np.repeat(hidden[:, :1], 100, axis=1), abs=1e-5)
    assert not widget_weights(SignalThroughDepth(initialize="zeros"), steps=10).any()
    for activation in ("maxout", "relu"):
        widget = SignalThroughDepth(activation=activation, initialize="sparse", connections=2, width=200)
        assert [layer.distinct for layer in widget.layers[1:-1]] == [200] * 10
        assert (np.count_nonzero(widget.network.parameters["0.w"], axis=0) == 2).all()
    assert "same weights" not in widget.diagnosis


def widget_weights(widget, steps):
    """The weights of all hidden layers after so many steps."""
    widget.train(steps)
    return np.concatenate([w.ravel() for key, w in widget.network.parameters.items() if key.endswith(".w")][:-1])


def test_a_histogram_counts_the_values_on_one_axis_or_each_on_its_own():
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(-size, size, (50, 9)) for size in (9, 4, 0.04, 4000)]
    axes, shares = histograms(arrays, shared=True)
    assert axes.tolist()[1:3] == [[-5, 5], [-5, 5]] and axes[0, 1] == 10 and axes[3, 1] == 5000
    for array, (low, high), found in zip(arrays, axes, shares, strict=True):
        assert found == pytest.approx(np.histogram(array, BINS, (low, high))[0] / 450, abs=1e-6)
    assert histograms(arrays, shared=False)[0][:, 1].tolist() == [10, 5, 0.05, 5000]
    assert histograms([*arrays, arrays[0]], True, bounded=(-1, 1))[0][1:-1].tolist() == [[-1, 1]] * 3
    positive = histograms([arrays[0], np.abs(arrays[1]), arrays[0]], True)
    assert positive[0][1].tolist() == [0, 5]
    broken = [arrays[0], arrays[1], np.full((5, 9), np.inf), np.zeros((5, 9)), None]
    axes, shares = histograms(broken, shared=False)
    assert np.isnan(axes[[2, 4]]).all() and np.isnan(shares[[2, 4]]).all()
    assert axes[3].tolist() == [0, 0] and shares[3].max() == 1 == shares[3].sum()
    assert [round_up(value) for value in (0, 0.011, 2, 3, 7e20)] == [0, pytest.approx(0.02), 2, 5, pytest.approx(1e21)]


def test_one_long_bar_does_not_hide_the_others():
    assert bar_lengths(np.array([0.2, 0.5, 0.3])) == pytest.approx([0.4 / 0.6, 1, 1])
    assert bar_lengths(np.array([0.3, 0.4, 0.3])) == pytest.approx([0.75, 1, 0.75])
    assert bar_lengths(np.array([0, 0.984, 0.016])) == pytest.approx([0, 1, 0.016 / 0.123])
    assert bar_lengths(np.array([0, 1.0, 0])).tolist() == [0, 1, 0]


# --- what is said, and the lessons


def test_the_lessons_show_what_they_say():
    widgets = {name: SignalThroughDepth(lesson=name) for name in LESSONS}
    spreads = {name: [layer.spread for layer in widget.layers] for name, widget in widgets.items()}
    words = {name: widget.diagnosis for name, widget in widgets.items()}
    small = spreads["too_small"]
    assert small[10] / small[1] == pytest.approx(0.1**9, rel=0.9) and "the signal dies" in words["too_small"]
    assert f"{small[10] / small[0]:.1e}".replace("e-0", "e-") in words["too_small"]
    assert "vanish" in words["too_small"] and widgets["too_small"].train(60).loss > 2.25  # guessing: 2.30
    large = widgets["too_large"].layers
    assert min(layer.flat for layer in large[1:-1]) > 0.6 and "saturated" in words["too_large"]
    assert large[1].gradient_std > 100 * large[-1].gradient_std
    assert widgets["too_large"].train(40).loss > 3
    assert 0.1 < spreads["inverse_sqrt"][10] < 1 and "keeps its size" in words["inverse_sqrt"]
    wide = SignalThroughDepth(lesson="inverse_sqrt", width=400)
    assert wide.layers[10].std == pytest.approx(widgets["inverse_sqrt"].layers[10].std, rel=0.3)
    root = np.sqrt(squares(widgets["relu"].layers))
    assert (root[20] / root[1]) ** (1 / 19) == pytest.approx(np.sqrt(0.5), rel=0.1)
    root = np.sqrt(squares(widgets["he"].layers))
    assert 0.3 < root[20] / root[1] < 3 and widgets["he"].layers[10].flat == pytest.approx(0.5, abs=0.1)
    assert spreads["sigmoid"][10] < 1e-5 and "vanish" in words["sigmoid"]
    assert spreads["batch_norm"][10] > 0.5 and widgets["batch_norm"].train(60).loss < 2.15
    assert widgets["inputs"].layers[1].flat > 0.8 and "layer 1" in words["inputs"]


def test_a_high_learning_rate_kills_units_and_a_low_one_does_not():
    widget = SignalThroughDepth(lesson="dead")
    begun = widget.history[-1]
    high = widget.train(60)
    assert begun.stuck < 0.25 and high.stuck > 0.8
    assert "ReLUs are dead" in widget.diagnosis
    assert [record.step for record in widget.history] == sorted({record.step for record in widget.history})
    out = np.maximum(widget._run.X @ widget.network.parameters["0.w"] + widget.network.parameters["0.b"], 0)
    assert widget.layers[1].stuck == (out == 0).all(axis=0).mean()
    widget.change(learning_rate=0.002)
    assert widget.step_count == 60  # it goes on
    widget.restart()
    low = widget.train(60)
    assert low.loss < begun.loss / 2 and low.stuck < 0.25
    widget.change(learning_rate=0.2, activation="leaky_relu")
    assert widget.step_count == 0 and np.isnan(widget.history[-1].stuck)


def test_overflow_is_told_in_words():
    widget = SignalThroughDepth(activation="relu", initialize="small_normal", scale=10, depth=30)
    broken = next(i for i, layer in enumerate(widget.layers) if np.isnan(layer.std))
    assert 15 < broken < 25  # 3.4e38 is reached when 70 ** layers is
    before = f"{widget.layers[broken - 1].std:.3g}".replace("e+", "e")
    assert (
        f"layer {broken - 1} still has a standard deviation of {before}, and layer {broken} holds" in widget.diagnosis
    )
    reply, _ = ask(widget, frame=True)
    json.dumps(reply, allow_nan=False)
    assert reply["frame"]["layers"][broken]["std"] is None and reply["frame"]["record"][1] is None
    assert reply["frame"]["axes"][0][broken] == [None, None] and reply["frame"]["axes"][0][broken - 1][1] > 1e30
    assert widget.train(2).step == 0 and "Training diverged: step 1 " in widget.trouble
    assert widget.diagnosis.startswith("Training diverged")
    activations, gradients, *_ = widget.figure().axes
    assert [text.get_text() for text in activations.texts].count("overflow") == 32 - broken
    assert [text.get_text() for text in gradients.texts] == ["none: the loss is infinite or no number"]
    widget.scale = 0.1
    assert widget.trouble == "" and widget.train(2).step == 2


def test_a_dead_end_says_so():
    still = SignalThroughDepth(np.ones((20, 5)), **SMALL)
    assert "All inputs are the same" in still.diagnosis
    pair = SignalThroughDepth(np.eye(2), [0, 0], normalization="batch", **SMALL)
    assert pair.train(2).step == 2 and pair.history[-1].accuracy == 1
    off = SignalThroughDepth(activation="relu", bias=-1.0, initialize="small_normal", scale=1e-4, **SMALL)
    assert "From layer 1 on all inputs give the same outputs" in off.diagnosis
    assert "in layer 1 all: no gradient gets past it" in off.diagnosis and "same weights" not in off.diagnosis


# --- state and data


@given(STATES)
def test_a_state_survives_the_string(state):
    full = complete_state(state)
    assert state_from_string(state_to_string(full)) == full == complete_state(full)
    assert len(state_to_string(full)) < 500 and json.loads(json.dumps(full)) == full


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depth": 0}, "depth must be a whole number from 1 to 30, got 0"),
        ({"width": 10.5}, "width must be a whole number from 10 to 500"),
        ({"scale": 0}, "scale must be a number from 0.0001 to 10, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number"),
        ({"activation": "swish"}, "activation must be one of sigmoid, tanh"),
        ({"initialize": "ones"}, "initialize must be one of zeros, constant"),
        ({"normalization": None}, "normalization must be one of none, batch, layer"),
        ({"lesson": "nothing"}, "lesson must be one of "),
        ({"inputs": "own"}, r"inputs 'own' needs your data: SignalThroughDepth\(X, y"),
        ({"layers": 3}, "unknown entry 'layers'; the state has lesson, depth"),
    ],
)
def test_a_bad_state_is_refused_by_name_and_the_old_one_kept(change, words):
    widget = SignalThroughDepth(**SMALL)
    before = widget.state
    with pytest.raises(ValueError, match=words):
        SignalThroughDepth(**change)
    with pytest.raises(ValueError, match=words):
        widget.change(**change)
    assert widget.state == before and widget.train().step == 1
    assert "error" in ask(widget, state={**before, **change}, frame=True)[0] and widget.state == before


@pytest.mark.parametrize("string", ["", "hello", "ü" * 20, "A" * 30_000, state_to_string(complete_state({}))[:-9]])
def test_a_damaged_string_is_a_clear_error(string):
    with pytest.raises(ValueError, match="not a signal-through-depth state string"):
        SignalThroughDepth(state=string)


def test_settings_win_over_a_lesson_and_reset_returns():
    widget = SignalThroughDepth(lesson="he", depth=4, width=20)
    start = widget.state
    assert start["initialize"] == "he_normal" and start["depth"] == 4 and start["lesson"] == "he"
    widget.train(2)
    widget.depth, widget.activation = 2, "elu"
    assert len(widget.layers) == 4 and widget.step_count == 0 and widget.activation == "elu"
    widget.train(2)
    widget.reset()
    assert widget.state == start and widget.step_count == 0
    assert SignalThroughDepth(state=widget.state_string, depth=2).state == start | {"depth": 2}
    with pytest.raises(ValueError, match="lesson must be one of zeros, constant"):
        SignalThroughDepth(lesson="nothing")


def test_the_same_state_gives_the_same_numbers_and_another_seed_others():
    first, again, other = (SignalThroughDepth(**SMALL, seed=seed) for seed in (1, 1, 2))
    assert first.train(5) == again.train(5) != other.train(5)


def test_own_images_are_flattened_and_standardised():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (40, 3, 4, 4)).astype(np.uint8), np.repeat([0, 1, 2, 3], 10)
    widget = SignalThroughDepth(X, y, **SMALL)
    assert widget.inputs == "own" and widget.labels == "data" and widget.network.input_shape == (48,)
    assert widget.layers[0].mean == pytest.approx(X.mean()) and widget._run.signal.outputs[-1].shape == (40, 4)
    widget.inputs = "own_standardized"
    assert widget._run.X.mean(axis=0) == pytest.approx(0, abs=1e-5)
    assert widget._run.X.std(axis=0) == pytest.approx(1, abs=1e-3)
    lesson = widget._setup["lessons"][list(LESSONS).index("he")]["settings"]
    assert lesson["inputs"] == "own"  # on the user's data
    again = SignalThroughDepth(X, y, state=widget.state_string)
    assert again.state == widget.state
    assert [layer.std for layer in again.layers] == pytest.approx([layer.std for layer in widget.layers])
    with pytest.raises(ValueError, match="inputs 'own_standardized' needs your data"):
        SignalThroughDepth(state=widget.state_string)
    unlabelled = SignalThroughDepth(X, **SMALL)
    assert unlabelled.labels == "random"
    with pytest.raises(ValueError, match="labels 'data' needs your labels"):
        unlabelled.labels = "data"


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ((np.zeros(5),), r"X must be numbers of shape \(N, \.\.\.\)"),
        ((np.array([["a"]]),), "X must be numbers"),
        ((np.zeros((1, 5)),), "at least 2 examples"),
        ((np.zeros((1001, 5)),), r"at most 1000 examples, got 1001: give X\[:256\] and y alike"),
        ((np.zeros((3, 4001)),), "at most 4000 numbers, got 4001"),
        ((np.full((3, 5), np.nan),), "X holds NaN"),
        ((np.zeros((3, 5)), [0, 1]), r"3 examples need labels y of shape \(3,\), got \(2,\)"),
        ((np.zeros((3, 5)), [0, 1, -1]), "labels must be whole numbers from 0 to 99; numpy.unique"),
        ((np.zeros((3, 5)), ["a", "b", "c"]), "labels must be whole numbers"),
        ((None, [0, 1]), "X and y belong together"),
    ],
)
def test_own_arrays_that_do_not_fit_are_explained(arrays, words):
    with pytest.raises(ValueError, match=words):
        SignalThroughDepth(*arrays)


# --- the conversation with the page, and pictures


def test_a_request_trains_and_shows():
    widget = SignalThroughDepth(**SMALL)
    reply, buffers = ask(widget, command="step", frame=True)
    frame = reply["frame"]
    assert widget.step_count == 1 == frame["record"][0] and frame["history"][-1] == frame["record"]
    assert len(frame["history"]) == 2 and frame["sentences"] and frame["tone"] in ("good", "fair", "bad")
    assert [layer["name"] for layer in frame["layers"]] == ["input", "layer 1", "layer 2", "layer 3", "scores"]
    shares = np.frombuffer(buffers[0], np.float32).reshape(2, 5, BINS)
    values = np.maximum(widget._run.X @ np.eye(100, dtype=np.float32), -99).ravel()
    low, high = frame["axes"][0][0]
    assert shares[0, 0] == pytest.approx(np.histogram(values[:20_000], BINS, (low, high))[0] / 20_000, abs=2e-3)
    reply, _ = ask(widget, state={**widget.state, "depth": 5}, frame=True, sequence=2)
    assert len(reply["frame"]["layers"]) == 7 and reply["frame"]["record"][0] == 0
    assert "error" not in ask(widget, command="fly", frame=True)[0]
    for state in ({"depth": []}, "text", 5):
        assert "error" in ask(widget, state=state, frame=True)[0] and widget.depth == 5


def test_it_trains_beside_the_notebook_until_paused():
    widget, sent = SignalThroughDepth(**SMALL, pace="fast"), []
    with listening(widget, sent):
        widget.play()
        wait_for(lambda: sent and widget._handle_custom_msg({"type": "painted"}, []) is None and widget.step_count > 3)
        assert widget.running
        widget.learning_rate = 0.01
        widget.pause()
    assert not widget.running and sent[-1][0]["frame"]["record"][0] == widget.step_count > 3
    for command, running in (("play", True), ("step", False), ("play", True), ("restart", False), ("pause", False)):
        assert ask(widget, command=command, frame=True)[0]["frame"]["running"] == running == widget.running
    widget.close()


def test_the_figure_and_the_mime_bundle_show_it():
    widget = SignalThroughDepth(activation="relu", initialize="he_normal", **SMALL)
    widget.train(3)
    figure = widget.figure()
    activations, gradients, sizes, _, shares = figure.axes
    assert len(activations.collections) == 5 == len(gradients.collections)
    assert "3 layers of 20, relu, he_normal, step 3" in activations.get_title()
    drawn = {line.get_label(): line.get_ydata() for line in sizes.get_lines()}
    assert drawn["standard deviation"] == pytest.approx([layer.std for layer in widget.layers])
    assert [100 * layer.flat for layer in widget.layers[1:-1]] == pytest.approx(
        [bar.get_height() for bar in shares.patches[1:4]]
    )
    data, _ = widget._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR") and widget.diagnosis in data["text/plain"]
    for settings in ({"activation": "none"}, {"initialize": "zeros", "axis": "own"}, {"depth": 30, "width": 10}):
        SignalThroughDepth(**settings).figure().canvas.draw()
