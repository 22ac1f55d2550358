"""The regression widget without a browser: fits against scikit-learn, state, requests, figure."""

import base64
import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor

from cs231n_kit.widgets import RegressionPlane
from cs231n_kit.widgets.regression_fits import PENALTY, BinnedRegression, fit_all, fit_l1, fit_l2
from cs231n_kit.widgets.regression_plane_state import (
    PRESETS,
    complete_state,
    preset_points,
    state_from_string,
    state_to_string,
)

each_preset = pytest.mark.parametrize("preset", PRESETS)


def ask(widget, **request):
    """Send a request as the browser does; returns the reply and its buffers."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    full = {"type": "request", "client": "test", "sequence": 1, "revision": widget._revision, "results": True}
    widget._handle_custom_msg({**full, **request}, [])
    return sent[-1]


@each_preset
def test_lines_are_as_good_as_scikit_learns(preset):
    x, y = preset_points(preset, 0.2, 5).T
    slope, intercept = fit_l2(x, y)
    peer = LinearRegression().fit(x[:, None], y)
    assert (slope, intercept) == pytest.approx((peer.coef_[0], peer.intercept_))
    slope, intercept = fit_l1(x, y)
    median = QuantileRegressor(quantile=0.5, alpha=0).fit(x[:, None], y)
    ours, theirs = (np.abs(found - y).mean() for found in (slope * x + intercept, median.predict(x[:, None])))
    assert ours == pytest.approx(theirs, abs=1e-9)


@given(st.integers(0, 10_000))
def test_no_line_through_two_points_beats_the_l1_line(seed):
    """One best line goes through two of the points, so that trying all pairs finds its loss."""
    x, y = np.random.default_rng(seed).uniform(-1, 1, (2, 8))
    first, second = np.triu_indices(8, 1)
    slopes = (y[second] - y[first]) / (x[second] - x[first])
    lines = slopes[:, None] * (x - x[first][:, None]) + y[first][:, None]
    slope, intercept = fit_l1(x, y)
    assert np.abs(slope * x + intercept - y).mean() == pytest.approx(np.abs(lines - y).mean(axis=1).min(), abs=1e-9)


def test_bins_are_a_softmax_classifier():
    x, y = preset_points("branches", 0.1, 2).T
    binned = BinnedRegression(4).fit(x, y)
    labels = np.minimum(np.floor((y + 1) * 2), 3).astype(int)
    np.testing.assert_array_equal(binned.labels(y), labels)
    np.testing.assert_allclose(binned.centers, [-0.75, -0.25, 0.25, 0.75])
    assert binned.labels([-1, 1]).tolist() == [0, 3]
    # scikit-learn leaves the intercept out of its penalty, and takes half of Σ W²: a column of ones, and C for λ.
    design = np.column_stack([x, np.ones_like(x)])
    peer = LogisticRegression(C=1 / (2 * len(x) * PENALTY), fit_intercept=False, tol=1e-9, max_iter=10_000)
    peer.fit(design, labels)
    places = np.linspace(-1, 1, 9)
    expected = np.zeros((9, 4))
    expected[:, peer.classes_] = peer.predict_proba(np.column_stack([places, np.ones(9)]))
    found = binned.probabilities(places)
    assert found.sum(axis=1) == pytest.approx(np.ones(9))
    np.testing.assert_allclose(found, expected, atol=0.02)  # bins without points have a small share of their own
    np.testing.assert_allclose(binned.mean(places), found @ binned.centers)
    np.testing.assert_allclose(binned.mode(places), binned.centers[found.argmax(axis=1)])


def test_an_outlier_moves_the_l2_line_alone():
    """As far as it stays on its side of it, the L1 line does not even know where the point is."""
    points = preset_points("outlier", 0.06, 0)
    moved = points.copy()
    outlier = points[:, 1].argmin()
    moved[outlier, 1] -= 0.12
    before, after = (fit_all(*each.T, 10) for each in (points, moved))
    np.testing.assert_allclose(after.lines["l1"], before.lines["l1"], atol=1e-9)
    assert before.lines["l2"][0] - after.lines["l2"][0] > 0.01
    residuals = {
        name: slope * points[:, 0] + intercept - points[:, 1] for name, (slope, intercept) in before.lines.items()
    }
    assert before.losses["l2"] == pytest.approx(((residuals["l2"] ** 2).mean(), np.abs(residuals["l2"]).mean()))
    assert before.shares["l2"] == pytest.approx(residuals["l2"] ** 2 / (residuals["l2"] ** 2).sum())
    assert before.shares["l1"].argmax() == before.shares["l2"].argmax() == outlier
    assert before.losses["l2"][0] < before.losses["l1"][0] and before.losses["l1"][1] < before.losses["l2"][1]


def test_what_the_lecture_says_of_two_answers_is_true():
    """Where the points are high or low, the L2 line and the mean lie between, and the likeliest bin does not."""
    widget = RegressionPlane(preset="branches")
    found = {name: values[0] for name, values in widget.fits().predictions(np.array([0.3])).items()}
    assert abs(found["l2"]) < 0.35 and abs(found["mean"]) < 0.35
    assert found["mode"] == pytest.approx(0.5, abs=0.1)


def test_the_browser_gets_everything_it_shows():
    widget = RegressionPlane(bins=6)
    reply, buffers = ask(widget)
    found, fits = reply["results"], widget.fits()
    assert {name: tuple(line) for name, line in found["lines"].items()} == {
        name: tuple(line) for name, line in fits.lines.items()
    }
    assert [len(curve) for curve in found["curves"].values()] == [120, 120]
    shares = np.frombuffer(buffers[0], np.uint8).reshape(120, 6)
    np.testing.assert_allclose(shares / 255, fits.binned.probabilities((np.arange(120) + 0.5) / 60 - 1), atol=0.003)
    assert json.loads(json.dumps(reply)) == reply
    alone, buffers = ask(widget, state={**widget.state, "points": [[0, 0]], "labels": [0]})
    assert alone["results"] is None and not buffers and "error" not in alone
    above = ask(widget, state={**widget.state, "points": [[0, 0], [0, 1]], "labels": [0, 0]})[0]
    assert above["results"] is None, "one above the other make no line"


@given(
    st.fixed_dictionaries(
        {
            "preset": st.sampled_from(PRESETS),
            "noise": st.floats(0, 0.5),
            "bins": st.integers(2, 20),
            "show_l1": st.booleans(),
            "seed": st.integers(0, 2**31 - 1),
        }
    )
)
def test_a_state_survives_the_string_and_the_widget(state):
    full = complete_state(state)
    assert state_from_string(state_to_string(full)) == full == complete_state(full)
    assert json.loads(json.dumps(full)) == full
    assert np.abs(full["points"]).max() <= 0.97


def test_a_widget_is_made_again_from_its_state():
    widget = RegressionPlane(preset="line", noise=0.2)
    widget.change(points=[[0, 0], [0.5, 0.25]])
    assert RegressionPlane(state=widget.state_string).state == widget.state
    assert RegressionPlane(state=widget.state, bins=3).points.tolist() == [[0, 0], [0.5, 0.25]]
    assert len(RegressionPlane(state=widget.state, seed=3).points) == 15
    widget.seed = 4
    assert len(widget.points) == 15
    widget.reset()
    assert widget.state == RegressionPlane(preset="line", noise=0.2).state


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"preset": "moons"}, "preset must be one of line, outlier, branches"),
        ({"bins": 1}, "bins must be a whole number from 2 to 20"),
        ({"noise": 0.6}, "noise must be a number from 0 to 0.5"),
        ({"show_l2": 2}, "show_l2 must be True or False"),
        ({"points": [[0, 2]]}, "each coordinate must be a number from -1 to 1"),
        ({"points": [[0, 0]] * 61}, "at most 60 points, got 61"),
        ({"points": [[0, 0]], "labels": [1]}, "each label must be a whole number from 0 to 0"),
        ({"colour": 1}, "unknown entry 'colour'"),
    ],
)
def test_a_bad_state_is_refused_by_name_and_the_old_one_kept(change, words):
    widget = RegressionPlane()
    before = widget.state
    with pytest.raises(ValueError, match=words):
        widget.change(**change)
    assert widget.state == before
    assert words.split(",")[0].split(" must")[0] in ask(widget, state=change)[0]["error"]["message"]


def test_a_damaged_string_is_a_clear_error():
    string = base64.urlsafe_b64encode(zlib.compress(b'{"points":[0]}')).decode()
    for bad in (string, string[:-3], "?", ""):
        with pytest.raises(ValueError, match="not a regression state string"):
            state_from_string(bad)


def test_the_figure_shows_what_is_chosen():
    widget = RegressionPlane()
    plane, table = widget.figure().axes
    assert [line.get_label() for line in plane.get_lines()] == ["L2 line", "L1 line", "bins: mean", "bins: likeliest"]
    slope, intercept = widget.fits().lines["l1"]
    x, y = plane.get_lines()[1].get_data()
    np.testing.assert_allclose(y, slope * x + intercept)
    cells = {place: cell.get_text().get_text() for place, cell in table.tables[0].get_celld().items()}
    assert cells[2, 2] == f"{widget.fits().losses['l1'][1]:.3f}"
    widget.change(show_l2=False, show_bins=False)
    plane = widget.figure().axes[0]
    assert [line.get_label() for line in plane.get_lines()] == ["L1 line"] and not plane.images
    widget.change(points=[])
    assert "make a line" in widget.figure().axes[1].get_title()
    assert base64.b64decode(widget._repr_mimebundle_()[0]["image/png"]).startswith(b"\x89PNG")
