"""The unrolled network without a browser: numbers, moments, words, states, requests, figure."""

import json
import math
import re

import numpy as np
import pytest
from scipy.special import expit, logsumexp

from cs231n_kit.gradients import numeric_gradient
from cs231n_kit.widgets import UnrolledNetwork
from cs231n_kit.widgets.unrolled_network_lessons import LESSONS
from cs231n_kit.widgets.unrolled_network_scene import fill, short, tiny
from cs231n_kit.widgets.unrolled_network_sequence import SequenceError, read_sequence
from cs231n_kit.widgets.unrolled_network_state import complete_state, effective_weights, state_from_string
from cs231n_kit.widgets.unrolled_network_story import tell

CELLS = ("rnn", "lstm")


def ask(widget, **request):
    """Send a request as the browser does; returns the reply."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    full = {"type": "request", "client": "test", "sequence": 1, "revision": widget._revision, "scene": True}
    widget._handle_custom_msg({**full, **request}, [])
    return sent[-1]


def reference(cell, x, targets, weights, counted):
    """Hidden states (T, H), outputs (T, V) before any softmax, and the sum of the losses that count."""
    H = len(weights["Wh"])
    h, c, states, outputs, loss = np.zeros(H), np.zeros(H), [], [], 0.0
    for t in range(len(x)):
        a = weights["Wx"].T @ x[t] + weights["Wh"].T @ h + weights["b"]
        if cell == "rnn":
            h = np.sinh(a) / np.cosh(a)
        else:
            i, f, o = (expit(a[k * H : (k + 1) * H]) for k in range(3))
            c = f * c + i * np.tanh(a[3 * H :])
            h = o * np.tanh(c)
        y = weights["Wy"].T @ h + weights["by"]
        own = logsumexp(y) - y[targets[t]] if len(y) > 1 else float((y[0] - targets[t]) ** 2)
        loss += own * (t + 1 in counted)
        states.append(h)
        outputs.append(y)
    return np.stack(states), np.stack(outputs), loss


# --- numbers


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "given, losses", [("hello", [1, 2, 3, 4]), ("noon", [3]), ([1, -0.5, 0, 2], [1, 3])], ids=["all", "last", "numbers"]
)
def test_states_losses_and_gradients_are_those_of_the_formulas(cell, given, losses):
    widget = UnrolledNetwork(given, cell=cell, losses=losses, hidden=2, scale=1.3, forget_bias=0.4, seed=5)
    weights = effective_weights(widget.state, cell)
    sequence = read_sequence(widget.reads, widget.sequence)
    if isinstance(given, str):
        letters = sorted(set(given))
        x, targets = np.eye(len(letters))[[letters.index(one) for one in given[:-1]]], [*map(letters.index, given[1:])]
    else:
        x, targets = np.array(given[:-1])[:, None], given[1:]
    np.testing.assert_array_equal(sequence.x[0], x)
    states, outputs, loss = reference(cell, x, targets, weights, losses)
    np.testing.assert_allclose(widget.states["h"], states, rtol=1e-12)
    if isinstance(given, str):
        outputs = np.exp(outputs - logsumexp(outputs, axis=1, keepdims=True))
    np.testing.assert_allclose(widget.outputs, outputs, rtol=1e-12)
    assert float(widget.scene()["loss"]) == pytest.approx(loss, rel=0.01)
    for name, gradient in widget.gradients.items():
        slope = numeric_gradient(
            lambda w, name=name: reference(cell, x, targets, {**weights, name: w}, losses)[2], weights[name]
        )
        np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-9)


def test_the_scale_and_the_forget_bias_are_in_the_weights_that_are_computed_with():
    widget = UnrolledNetwork("hello", cell="lstm", scale=0.5, forget_bias=2.0)
    stored, used = widget.weights["lstm"], effective_weights(widget.state, "lstm")
    np.testing.assert_allclose(used["Wh"], 0.5 * np.array(stored["Wh"]))
    np.testing.assert_allclose(used["b"] - stored["b"], [0, 0, 0, 2, 2, 2, 0, 0, 0, 0, 0, 0])
    matrices = {matrix["name"]: matrix for matrix in widget.scene()["matrices"]}
    for name, matrix in matrices.items():
        again = (np.array(matrix["values"]) - matrix["plus"]) / matrix["times"]
        np.testing.assert_allclose(again, np.atleast_2d(stored[name]), atol=1e-5)


def test_one_weight_changes_every_step():
    widget = UnrolledNetwork("hello")
    before = widget.states["h"]
    weights = json.loads(json.dumps(widget.weights))
    weights["rnn"]["b"][0] = 0.3
    widget.weights = weights
    assert (widget.states["h"][:, 0] != before[:, 0]).all()


@pytest.mark.parametrize("cell", CELLS)
def test_bars_are_the_parts_of_each_step_and_their_sum(cell):
    widget = UnrolledNetwork("hello", cell=cell, window=2, chosen=["Wh", 1, 2])
    scene = widget.scene()
    parts, sums = scene["bars"][:-1], scene["bars"][-1]
    assert sum(bar["part"] for bar in parts) == pytest.approx(sums["part"], abs=0.05)
    assert sum(bar["whole"] for bar in parts) == pytest.approx(sums["whole"], abs=0.05)
    assert sums["text"] == tiny(widget.gradients["Wh"][1, 2])
    widget.window = 16
    uncut = widget.scene()["bars"]
    assert all(bar["part"] == bar["whole"] for bar in uncut)
    # Both scenes have a scale of their own: the uncut bars of the one are in proportion to the bars of the other.
    wholes, full = np.array([[bar["whole"] for bar in bars] for bars in (scene["bars"], uncut)])
    np.testing.assert_allclose(wholes / np.abs(wholes).max(), full / np.abs(full).max(), atol=0.01)
    # The last piece of two steps is not changed by the cut, the one before is.
    assert [bar["part"] == bar["whole"] for bar in parts[2:]] == [True, True] and parts[1]["part"] != parts[1]["whole"]
    cut = [(wire["kind"], wire["t"]) for wire in scene["wires"] if wire["cut"]]
    assert cut == ([("Wh", 3)] if cell == "rnn" else [("Wh", 3), ("c", 3)])


def test_lags_are_those_of_the_way_back_from_the_last_loss():
    widget = UnrolledNetwork("hello hello", losses=[10], scale=0.7)
    run = widget._pass("rnn")
    sizes = np.array([np.linalg.norm(run.initial[0]), *(np.linalg.norm(part.dh) for part in run.parts)])[::-1]
    lags = widget.scene()["lags"]
    np.testing.assert_allclose(lags["curves"]["rnn h"], np.log10(sizes / sizes[0]), atol=1e-3)
    assert lags["curves"]["lstm c"][0] is None
    assert lags["radius"] == "0.7"  # of 0.7 times an orthogonal matrix
    whole = math.sqrt(sum((gradient**2).sum() for gradient in widget.gradients.values()))
    assert lags["norms"]["rnn"]["log"] == pytest.approx(math.log10(whole), abs=1e-3)
    widget.clip = 0.25
    assert float(widget.scene()["lags"]["factors"]["rnn"]) == pytest.approx(0.25 / whole, rel=0.01)


def test_the_cells_gradient_goes_back_times_the_forget_gate():
    widget = UnrolledNetwork("hello", cell="lstm")
    gradients, f = widget._pass("lstm").state_gradients, widget.states["f"]
    np.testing.assert_allclose(gradients["from c"][:-1], (gradients["c"] * f)[1:], rtol=1e-10)


@pytest.mark.parametrize("cell", CELLS)
def test_learning_finds_the_next_letters(cell):
    widget = UnrolledNetwork("hello", cell=cell, scale=1.5)
    widget.learn()
    assert (widget.outputs.argmax(axis=1) == [0, 2, 2, 3]).all() and widget.outputs.max(axis=1).min() > 0.9
    other = UnrolledNetwork("hello", cell=cell).weights
    untouched = "lstm" if cell == "rnn" else "rnn"
    assert widget.weights[untouched] == other[untouched]


# --- moments, sentences, stories


@pytest.mark.parametrize("cell, forward, backward", [("rnn", 2, 2), ("lstm", 4, 3)])
def test_moments_go_forward_and_then_back_in_time(cell, forward, backward):
    scene = UnrolledNetwork("hello", cell=cell).scene()
    assert scene["last"] == 1 + 4 * (forward + backward) == len(scene["sentences"]) - 1
    for t in range(1, 5):
        cells = [one for one in scene["cells"] if one["t"] == t and one["kind"] != "x"]
        assert {one["at"] for one in cells} == set(range(1 + forward * (t - 1), 1 + forward * t))
        first = 1 + 4 * forward + backward * (4 - t)
        assert {one["back"] for one in cells} <= set(range(first, first + backward))
        assert all(f"step {t}: " in text for text in scene["sentences"][first : first + backward])
    kinds = [text.split()[0] for text in scene["sentences"]]
    assert kinds == ["The"] + ["Forward,"] * 4 * forward + ["Backward,"] * 4 * backward + ["Backward"]
    inside = [
        one["t"] for one in scene["cells"] if 0 > min(one["x"], one["y"]) or one["x"] + one["width"] > scene["width"]
    ]
    assert not inside


def numbers_in(text):
    """A formula of the story as Python."""
    python = text.replace("−", "-").replace("·", "*").replace("²", "**2").replace("log", "math.log")
    return eval(python, {"tanh": math.tanh, "σ": expit, "math": math})


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reads, sequence", [("letters", "hello"), ("numbers", "1, -0.5, 0, 2")])
def test_every_formula_gives_the_number_that_is_shown(cell, reads, sequence):
    widget = UnrolledNetwork(sequence, reads=reads, cell=cell, seed=3)
    run = widget._pass(cell)
    checked = 0
    for shown in widget.scene()["cells"]:
        story = tell(run, widget.state, shown)
        if shown["kind"] in ("x", "loss") or shown["t"] == 0:
            continue
        text = "".join(piece for line in story["lines"] for piece, _ in line)
        sides = [side.strip() for side in text.split("=")]
        worked = [side for side in sides if re.search(r"\d[^a-z]*[·(]", side) and not re.search("[Wxp]", side)]
        assert worked, text
        value = (
            float(sides[-1].replace("−", "-"))
            if shown["kind"] != "y"
            else float(sides[2].split("p")[0].replace("−", "-"))
        )
        assert numbers_in(worked[0]) == pytest.approx(value, rel=0.03, abs=0.004), story
        if shown["kind"] != "y":
            assert shown["text"] == short(run.values(shown["kind"], shown["t"] - 1)[shown["unit"]])
        checked += 1
    assert checked == 3 * 3 * (1 if cell == "rnn" else 6) + 3 * run.sequence.outputs + (reads == "letters") * (
        3 * (1 if cell == "rnn" else 6) + run.sequence.outputs
    )


@pytest.mark.parametrize("name", ["Wx", "Wh", "b", "Wy", "by"])
def test_the_end_tells_how_the_chosen_gradient_is_made(name):
    widget = UnrolledNetwork("hello", chosen=[name, 0, 1])
    story = tell(widget._pass("rnn"), widget.state)
    parts = [numbers_in(line[1][0].split("=")[0]) for line in story["lines"][1:]]
    gradient = np.atleast_2d(widget.gradients[name])[0, 1]
    assert sum(parts) == pytest.approx(gradient, abs=0.002)
    assert story["title"].startswith(f"∂L/∂{name}[") and len(parts) == 4


def test_stories_of_places_that_are_not_there():
    widget = UnrolledNetwork("hello")
    for focus in ({"kind": "c", "t": 1, "unit": 0}, {"kind": "h", "t": 9, "unit": 0}, {"kind": "y", "t": 0, "unit": 0}):
        assert tell(widget._pass("rnn"), widget.state, focus) is None


def test_colours_and_short_numbers():
    assert fill(0)[0] == "#f7f7f7" and fill(-5) == ("#2166ac", "#ffffff") and fill(1)[0] == "#b2401b"
    for value in np.linspace(-1, 1, 41):
        lights = []
        for color in fill(value):
            parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
            lights.append(
                np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)
            )
        assert (max(lights) + 0.05) / (min(lights) + 0.05) >= 4.5  # as WCAG defines contrast
    assert [short(value) for value in (0, 0.999, -0.004, -0.126, 12.34, 1234)] == [
        "0",
        "1.00",
        "0.00",
        "−0.13",
        "12.3",
        "1e3",
    ]
    assert [tiny(value) for value in (0, -0.0123, 1842.1, 3e-5, math.inf)] == ["0", "−0.012", "1842", "3e−5", "∞"]


# --- states and sequences


@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_is_shown_and_survives_its_string(name):
    widget = UnrolledNetwork(lesson=name)
    assert widget.lesson == name
    assert state_from_string(widget.state_string) == widget.state == json.loads(json.dumps(widget.state))
    assert UnrolledNetwork(state=widget.state_string).state == UnrolledNetwork(state=widget.state).state == widget.state
    assert len(widget.state_string) < 300
    assert json.loads(json.dumps(widget.scene()))["last"] >= widget.step


def test_lessons_show_what_they_say():
    curves = {name: UnrolledNetwork(lesson=name).scene()["lags"] for name in ("vanish", "explode", "highway")}
    assert curves["vanish"]["curves"]["rnn h"][-1] < -4  # 10,000 times smaller
    assert curves["explode"]["curves"]["rnn h"][-1] > 2 and curves["explode"]["factors"]["rnn"]
    assert curves["highway"]["curves"]["lstm c"][-1] > curves["highway"]["curves"]["rnn h"][-1] + 3
    memory = UnrolledNetwork(lesson="forget", forget_bias=6)
    assert memory.states["c"][-1, 0] > 0.95
    memory.forget_bias = 0
    assert memory.states["c"][-1, 0] == pytest.approx(memory.states["c"][0, 0] / 2**6, rel=1e-3)


@pytest.mark.parametrize(
    "reads, text, words",
    [
        ("letters", "", "at least two letters are needed"),
        ("letters", "a", "one to read and one to predict, as in hello"),
        ("letters", "a" * 18, "18 letters are too many: at most 17"),
        ("letters", "naïve", "'ï' is unknown here: use letters"),
        ("letters", "abcdefg", "7 different letters .* use at most 6"),
        ("numbers", "1", "at least two numbers are needed"),
        ("numbers", "1, two", "'two' is no number: write numbers with commas"),
        ("numbers", "1, 1e9", "1e9 is too large: numbers from −10 to 10"),
        ("numbers", "1, nan", "nan is too large"),
        ("letters", None, "must be a text, got NoneType"),
    ],
)
def test_sequences_that_cannot_be_read(reads, text, words):
    with pytest.raises(SequenceError, match=words):
        read_sequence(reads, text)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"cell": "gru"}, "cell must be one of rnn, lstm; got 'gru'"),
        ({"hidden": 9}, "hidden must be a whole number from 1 to 4, got 9"),
        ({"scale": 0}, "scale must be a number from 0.1 to 3"),
        ({"losses": [5]}, "each of losses must be a whole number from 1 to 4, got 5"),
        ({"losses": 3}, "losses must be a list of steps"),
        ({"step": 18}, "step must be a whole number from 0 to 17"),
        ({"chosen": ["Wh", 0, 3]}, r"chosen must be \[name, row, column\]"),
        ({"weights": {"rnn": {"Wh": [[1]]}}}, r"Wh of 'rnn' must have the shape \(3, 3\), not \(1, 1\)"),
        ({"weights": {"rnn": {"b": ["a", 0, 0]}}}, "b of 'rnn' must hold numbers"),
        ({"weights": {"rnn": {"b": [math.nan, 0, 0]}}}, "b of 'rnn' must hold numbers from -20 to 20"),
        ({"weights": {"rnn": {"U": 1}}}, "weights of 'rnn' must be a dictionary with Wx, Wh, b, Wy, by"),
        ({"weights": {"gru": {}}}, "weights must be a dictionary with rnn and lstm"),
        ({"speed": 1}, "unknown entry 'speed'"),
        ({"sequence": "h"}, "at least two letters"),
    ],
)
def test_wrong_states_are_refused_by_name(change, words):
    with pytest.raises(ValueError, match=words):
        complete_state(change)
    with pytest.raises(ValueError, match=words):
        UnrolledNetwork().change(**change)


@pytest.mark.parametrize("string", ["", "x", "A" * 30_000, "é"])
def test_other_strings_are_refused(string):
    with pytest.raises(ValueError, match="not a recurrent network state string"):
        UnrolledNetwork(state=string)


def test_arguments_and_changes():
    assert UnrolledNetwork().lesson == "same" and UnrolledNetwork().step == 8
    numbers = UnrolledNetwork(np.array([1, 0.5, 0]), losses=[2])
    assert (numbers.reads, numbers.sequence, numbers.losses) == ("numbers", "1, 0.5, 0", [2])
    with pytest.raises(SequenceError, match="sequence must be a text or a list of numbers, got dict"):
        UnrolledNetwork({})
    with pytest.raises(ValueError, match="lesson must be one of same, twice"):
        UnrolledNetwork(lesson="none")
    widget = UnrolledNetwork("hello", step=3)
    widget.learn()
    learned = widget.weights
    widget.sequence = "hollow"  # other letters: w is new, and what was learned for e, h, l, o does not fit
    assert (
        widget.weights["rnn"]["Wx"] != learned["rnn"]["Wx"] and widget.losses == [1, 2, 3, 4, 5] and widget.step == 21
    )
    widget.losses = [5]
    widget.sequence = "hello"
    assert widget.losses == [4]
    widget.change(cell="lstm", chosen=["Wh", 2, 11])
    widget.cell = "rnn"
    assert widget.chosen == ["Wh", 0, 0]
    drawn = widget.weights
    widget.seed = 7
    assert widget.weights != drawn
    widget.reset()
    assert widget.state == widget._setup["initial"]


# --- requests and print


def test_a_good_request_and_a_refused_one():
    widget = UnrolledNetwork("hello", step=0)
    state = widget.state
    reply = ask(widget, state={**state, "step": 2}, scene=False, story={"focus": {"kind": "h", "t": 1, "unit": 0}})
    assert reply["state"]["step"] == 2 and reply["story"]["title"].startswith("h₁[0] = tanh(")
    reply = ask(widget, state={"sequence": "hell", "reads": "letters"}, sequence=2)
    assert reply["state"]["losses"] == [1, 2, 3] and reply["scene"]["last"] == 13 and reply["refused"] is None
    before = widget.state
    reply = ask(widget, state={**before, "sequence": "ha" * 9}, sequence=3)
    assert "too many" in reply["refused"] and reply["state"] == widget.state == before and "error" not in reply
    reply = ask(widget, state={**before, "weights": {"rnn": {"Wh": "[]"}}}, sequence=4)
    assert reply["error"] and widget.state == before
    reply = ask(widget, state=before, learn=True, sequence=5)
    assert reply["state"]["weights"]["rnn"] != before["weights"]["rnn"] and widget.outputs.max(axis=1).min() > 0.9
    assert reply["link"] == widget.state_string


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("step", [0, 5, -1])
def test_figure_shows_what_is_known_at_the_step(cell, step):
    widget = UnrolledNetwork("hello", cell=cell)
    widget.step = step = widget.step if step < 0 else step
    figure, scene = widget.figure(), widget.scene()
    texts = [text.get_text() for text in figure.axes[0].texts]
    known = [one["text"] for one in scene["cells"] if one["at"] <= step]
    back = [one["grad"] for one in scene["cells"] if one["back"] <= step]
    bars = [bar["text"] for bar in scene["bars"] if bar["back"] <= step]
    missing = [text for text in known + back + bars if text not in texts]
    assert not missing and known
    expected = len(scene["rows"]) + len(known) + len(back) + len(bars) + 1
    expected += sum(bool(one.get("letter")) + bool(one.get("under")) for one in scene["cells"])
    expected += sum(bool(wire["tag"]) + bool(wire["size"] and wire["back"] <= step) for wire in scene["wires"])
    assert len(texts) == expected
    assert scene["sentences"][step] in figure.axes[0].get_title() and figure.axes[1].get_yscale() == "log"
