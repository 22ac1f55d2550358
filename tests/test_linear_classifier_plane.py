"""The linear-classifier widget without a browser: losses, gradients, steps, state, requests, figure."""

import base64
import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from cs231n_kit.gradients import numeric_gradient
from cs231n_kit.widgets import LinearClassifierPlane
from cs231n_kit.widgets.linear_plane_losses import LOSSES, evaluate
from cs231n_kit.widgets.linear_plane_state import CURVE, complete_state, state_from_string, state_to_string

each_loss = pytest.mark.parametrize("loss", LOSSES)
RNG = np.random.default_rng(3)
W, B = RNG.normal(size=(3, 2)), RNG.normal(size=3)
X, Y = RNG.uniform(-1, 1, (11, 2)), RNG.integers(0, 3, 11)


def written_out(loss, s, y):
    """The loss of one example's scores s, as its formula says."""
    others = [j for j in range(3) if j != y]
    margins = [max(0, s[j] - s[y] + 1) for j in others]
    return {
        "weston_watkins": sum(margins),
        "one_vs_all": max(0, 1 - s[y]) + sum(max(0, 1 + s[j]) for j in others),
        "structured": max(margins),
        "squared_hinge": sum(m**2 for m in margins),
        "softmax": -log_softmax(s)[y],
    }[loss]


def ask(widget, **request):
    """Send a request as the browser does; returns the reply and its buffers."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    full = {"type": "request", "client": "test", "sequence": 1, "revision": widget._revision, "results": True}
    widget._handle_custom_msg({**full, **request}, [])
    return sent[-1]


@each_loss
def test_losses_are_their_formulas_and_the_total_is_data_plus_penalty(loss):
    found = evaluate(W, B, X, Y, loss, 0.2)
    scores = np.array([[W[c] @ x + B[c] for c in range(3)] for x in X])
    expected = [written_out(loss, s, y) for s, y in zip(scores, Y, strict=True)]
    np.testing.assert_allclose(found.scores, scores)
    np.testing.assert_allclose(found.losses, expected)
    assert found.data_loss == pytest.approx(np.mean(expected))
    assert found.penalty == pytest.approx(0.2 * (W**2).sum())
    assert found.loss == pytest.approx(found.data_loss + found.penalty)
    assert found.right.tolist() == [int(np.argmax(s)) == y for s, y in zip(scores, Y, strict=True)]


@each_loss
def test_gradients_are_numeric_gradients_and_the_sum_of_the_examples_parts(loss):
    found = evaluate(W, B, X, Y, loss, 0.2)
    weights, bias = W.copy(), B.copy()

    def total(_):
        scores = X @ weights.T + bias
        data = np.mean([written_out(loss, s, y) for s, y in zip(scores, Y, strict=True)])
        return data + 0.2 * (weights**2).sum()

    np.testing.assert_allclose(found.dW, numeric_gradient(total, weights), atol=1e-8)
    np.testing.assert_allclose(found.db, numeric_gradient(total, bias), atol=1e-8)
    parts = found.contributions(X)
    assert parts.shape == (11, 3, 3)
    penalty = np.column_stack([2 * 0.2 * W, np.zeros(3)])
    np.testing.assert_allclose(parts.sum(axis=0) + penalty, np.column_stack([found.dW, found.db]))


def test_many_steps_find_the_minimum():
    widget = LinearClassifierPlane(points_per_class=12, noise=0.4, learning_rate=1, regularization=0.02, loss="softmax")
    widget.step(1000)
    peer = LogisticRegression(C=1 / (2 * 36 * 0.02), tol=1e-10, max_iter=1000).fit(widget.points, widget.labels)
    np.testing.assert_allclose(widget.W, peer.coef_, atol=1e-3)
    widget.change(loss="one_vs_all", learning_rate=0.03)
    widget.step(1200)

    def objective(flat):
        scores = widget.points @ flat[:6].reshape(3, 2).T + flat[6:]
        data = np.mean([written_out("one_vs_all", s, y) for s, y in zip(scores, widget.labels, strict=True)])
        return data + 0.02 * (flat[:6] ** 2).sum()

    start = np.concatenate([widget.W.ravel(), widget.b])
    least = minimize(objective, start, method="Powell", options={"maxiter": 200}).fun
    assert widget.evaluate().loss == pytest.approx(least, rel=0.01)


def test_a_step_goes_down_the_gradient_and_is_kept_in_the_curve():
    widget = LinearClassifierPlane(learning_rate=0.25, loss="squared_hinge")
    before, first = widget.W, widget.evaluate()
    widget.step()
    np.testing.assert_allclose(widget.W, before - 0.25 * first.dW, atol=1e-8)
    assert widget.state["curve"] == pytest.approx([first.loss, widget.evaluate().loss])
    widget.learning_rate = 0.1
    assert len(widget.state["curve"]) == 2  # still the same problem
    widget.step(CURVE + 50)
    assert len(widget.state["curve"]) == CURVE
    widget.regularization = 0.5
    assert widget.state["curve"] == []


def test_a_step_too_large_is_refused_and_nothing_changes():
    widget = LinearClassifierPlane(loss="squared_hinge", learning_rate=100)
    before = widget.state
    with pytest.raises(ValueError, match="the learning rate 100 is too large"):
        widget.step(5)
    assert widget.state == before
    reply, buffers = ask(widget, steps=3)
    assert reply["error"]["part"] == "steps" and "too large" in reply["error"]["message"] and not buffers
    for steps in (0, True, 1.0, "3", 10**9):
        with pytest.raises(ValueError, match="steps must be a whole number from 1 to 10,000"):
            widget.step(steps)
    widget.state = {**before, "points": [], "labels": []}
    with pytest.raises(ValueError, match="no points"):
        widget.step()


def test_the_browser_steps_and_gets_everything_it_shows():
    widget = LinearClassifierPlane(points_per_class=2)
    before = widget.W
    reply, buffers = ask(widget, steps=2)
    assert len(reply["state"]["curve"]) == 3 and not np.array_equal(widget.W, before)
    found, now = reply["results"], widget.evaluate()
    np.testing.assert_allclose(found["gradient"], np.column_stack([now.dW, now.db]), atol=1e-5)
    np.testing.assert_allclose(found["losses"], now.losses, atol=1e-4)
    assert np.shape(found["contributions"]) == (6, 3, 3)
    assert buffers == [widget.regions().tobytes()] and reply["resolution"] == 100
    assert json.loads(json.dumps(reply)) == reply
    empty, _ = ask(widget, state={**widget.state, "points": [], "labels": []})
    assert empty["results"] is None and "error" not in empty


def test_regions_belong_to_the_largest_score():
    widget = LinearClassifierPlane(weight_seed=5)
    ticks = (np.arange(100) + 0.5) / 50 - 1
    places = np.array([[x, y] for y in ticks[::-1] for x in ticks])
    expected = (places @ widget.W.T + widget.b).argmax(axis=1)
    assert np.array_equal(widget.regions()[0].ravel(), expected)


@given(
    st.fixed_dictionaries(
        {
            "preset": st.sampled_from(["blobs", "circles", "spiral", "moons", "xor"]),
            "noise": st.floats(0, 0.5),
            "loss": st.sampled_from(sorted(LOSSES)),
            "regularization": st.floats(0, 10),
            "learning_rate": st.floats(1e-4, 100),
            "weight_seed": st.integers(0, 2**31 - 1),
        }
    )
)
def test_a_state_survives_the_string_and_the_widget(state):
    full = complete_state({**state, "points_per_class": 2})
    assert state_from_string(state_to_string(full)) == full
    assert json.loads(json.dumps(full)) == full == complete_state(full)


def test_a_widget_is_made_again_from_its_state():
    widget = LinearClassifierPlane(preset="moons", loss="softmax")
    widget.step(7)
    assert len(widget.state_string) < 700
    again = LinearClassifierPlane(state=widget.state_string)
    assert again.state == {**widget.state, "curve": []}
    assert LinearClassifierPlane(state=widget.state).state == widget.state
    assert LinearClassifierPlane(state=widget.state, seed=9).points.tolist() != widget.points.tolist()
    other = LinearClassifierPlane(state=widget.state, weight_seed=9)
    assert other.W.tolist() != widget.W.tolist() and other.points.tolist() == widget.points.tolist()
    widget.randomize()
    assert widget.b.tolist() == [0, 0, 0] and widget.state["weight_seed"] == 1
    widget.state = {"noise": 0.3}
    assert widget.preset == "moons" and widget.noise == 0.3
    widget.reset()
    assert widget.noise == 0.15


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"loss": "l3"}, "loss must be one of weston_watkins, one_vs_all, structured, squared_hinge, softmax"),
        ({"regularization": -1}, "regularization must be a number from 0 to 10"),
        ({"learning_rate": 0}, "learning_rate must be a number from 0.0001 to 100"),
        ({"W": [[0, 0]] * 3}, "W and b belong together"),
        ({"W": [[0, 0]] * 2, "b": [0, 0, 0]}, "W must have 3 rows of 2 numbers"),
        ({"W": [[0, 0]] * 3, "b": [0, 0, 101]}, r"b\[2\] must be a number from -100 to 100"),
        ({"W": [[0, 0], [0, float("nan")], [0, 0]], "b": [0, 0, 0]}, r"W\[1, 1\] must be a number"),
        ({"points": [[0, 0]]}, "points and labels belong together"),
        ({"points": [[0, 0]] * 101, "labels": [0] * 101}, "at most 100 points, got 101"),
        ({"points": [[0, 0]], "labels": [3]}, "each label must be a whole number from 0 to 2"),
        ({"classes": 4}, "this widget has 3 classes"),
        ({"curve": ["x"]}, "curve must be a number"),
        ({"colour": 1}, "unknown entry 'colour'"),
    ],
)
def test_a_bad_state_is_refused_by_name_and_the_old_one_kept(change, words):
    widget = LinearClassifierPlane()
    before = widget.state
    with pytest.raises(ValueError, match=words):
        widget.state = change
    assert widget.state == before
    assert "error" in ask(widget, state={**before, **change} if len(change) > 1 else change)[0]


@pytest.mark.parametrize("text", ["{}", "[1]", '{"points":[0,0],"labels":[0]}', '{"points":[0],"labels":"0"}'])
def test_a_damaged_string_is_a_clear_error(text):
    string = base64.urlsafe_b64encode(zlib.compress(text.encode())).decode()
    for bad in (string, string[:-3], "?", ""):
        with pytest.raises(ValueError, match="not a linear-classifier state string"):
            state_from_string(bad)


def test_the_figure_shows_plane_parameters_curve_and_examples():
    widget = LinearClassifierPlane(points_per_class=6, weight_seed=2)
    widget.step(5)
    figure = widget.figure()
    plane, parameters, curve, examples = figure.axes
    assert [len(axes.get_lines()) for axes in (plane, curve)] == [3, 1]
    for line, weights, bias in zip(plane.get_lines(), widget.W, widget.b, strict=True):
        np.testing.assert_allclose(line.get_xydata() @ weights + bias, 0, atol=1e-9)
    cells = {place: cell.get_text().get_text() for place, cell in parameters.tables[0].get_celld().items()}
    assert cells[2, 1].startswith(f"{widget.W[1, 0]:.2f}")
    assert "the first 14 of 18 examples" in examples.get_title()
    widget.change(points=[], labels=[], W=[[0, 0]] * 3, b=[0, 0, 0])
    assert widget.figure().axes[3].get_title() == "no examples"
