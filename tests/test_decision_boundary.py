"""The decision-boundary widget without a browser: state, presets, regions, requests, figure."""

import base64
import itertools
import json
import threading
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from cs231n_kit.widgets import DecisionBoundary, palette
from cs231n_kit.widgets.boundary_state import complete_state, state_from_string, state_to_string
from cs231n_kit.widgets.decision_regions import TIE, WrongAnswer, decision_regions, grid_points
from cs231n_kit.widgets.presets import PRESETS, preset_points


class Nearest:
    """A student's own 1-nearest-neighbour classifier: fit and predict, nothing else."""

    def fit(self, X, y):
        self.X, self.y = X, y

    def predict(self, X):
        return self.y[((X[:, None] - self.X) ** 2).sum(-1).argmin(1)]


class Scores:
    """A classifier of scores alone, given by a function of the queries."""

    def __init__(self, function):
        self.function = function

    def fit(self, X, y):
        pass

    def scores(self, X):
        return self.function(X)


def ask(widget, **request):
    """Send a request as the browser does; returns the reply and its buffers."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    full = {"type": "request", "client": "test", "sequence": 1, "revision": widget._revision, "regions": True}
    widget._handle_custom_msg({**full, **request}, [])
    return sent[-1]


# --- state


@given(
    st.fixed_dictionaries(
        {
            "preset": st.sampled_from(sorted(PRESETS)),
            "classes": st.integers(2, 6),
            "noise": st.floats(0, 0.5),
            "k": st.integers(1, 30),
            "metric": st.sampled_from(["l1", "l2"]),
            "seed": st.integers(0, 2**31 - 1),
            "show_confidence": st.booleans(),
        }
    )
)
def test_a_state_survives_the_string_and_the_widget(state):
    full = complete_state({**state, "points_per_class": 3})
    assert state_from_string(state_to_string(full)) == full
    assert json.loads(json.dumps(full)) == full
    assert complete_state(full) == full


def test_a_widget_is_made_again_from_its_state():
    widget = DecisionBoundary(Nearest, preset="moons", classes=2, noise=0.2, seed=4)
    points = widget.points
    points[5] = (0.123, -0.456)
    widget.set_points(points, widget.labels)
    widget.k = 7
    for state in (widget.state, widget.state_string):
        again = DecisionBoundary(Nearest, state=state)
        assert again.state == widget.state
        assert np.array_equal(again.regions(), widget.regions())
    other = DecisionBoundary(Nearest)
    other.state = widget.state
    assert other.state == widget.state
    assert DecisionBoundary(Nearest, state=widget.state, k=9).state == {**widget.state, "k": 9}
    assert DecisionBoundary(Nearest, state=widget.state, seed=5).state["points"] != widget.state["points"]


def test_a_part_of_a_state_is_filled_up():
    widget = DecisionBoundary(Nearest, k=3, classes=4)
    widget.state = {"preset": "xor", "classes": 2}
    assert (widget.k, widget.classes) == (3, 2)
    points, labels = preset_points("xor", 2, 15, 0.15, 0)
    assert np.array_equal(widget.points, points) and np.array_equal(widget.labels, labels)
    widget.noise = 0.3
    assert np.array_equal(widget.points, preset_points("xor", 2, 15, 0.3, 0)[0])
    widget.reset()
    assert (widget.preset, widget.classes) == ("blobs", 4)


def test_a_state_string_fits_a_link():
    assert len(DecisionBoundary(Nearest, classes=4, points_per_class=15).state_string) < 1000
    assert set(DecisionBoundary(Nearest).state_string) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": 7}, "classes must be a whole number from 2 to 6"),
        ({"classes": 2.0}, "classes must be a whole number"),
        ({"k": True}, "k must be a whole number"),
        ({"k": 0}, "k must be"),
        ({"noise": float("nan")}, "noise must be a number from 0 to 0.5"),
        ({"noise": "much"}, "noise must be a number"),
        ({"preset": "donut"}, "preset must be one of blobs, circles, spiral, moons, xor; got 'donut'"),
        ({"metric": []}, "metric must be one of l1, l2"),
        ({"colour": "red"}, "unknown entry 'colour'"),
        ({"points": [[0, 0]]}, "points and labels belong together"),
        ({"points": [[0, 0]], "labels": [0, 1]}, "1 points need 1 labels, got 2"),
        ({"points": [[0, 1.5]], "labels": [0]}, "each coordinate must be a number from -1 to 1, got 1.5"),
        ({"points": [[0, float("inf")]], "labels": [0]}, "finite"),
        ({"points": [[0, 0, 0]], "labels": [0]}, "pair"),
        ({"points": [[0, 0]], "labels": [3]}, "each label must be a whole number from 0 to 2"),
        ({"points": [[0, 0]] * 501, "labels": [0] * 501}, "at most 500 points"),
        ({"show_confidence": "no"}, "show_confidence must be True or False"),
    ],
)
def test_a_bad_state_is_refused_by_name_and_the_old_one_kept(change, words):
    widget = DecisionBoundary(Nearest)
    before = widget.state
    with pytest.raises(ValueError, match=words):
        complete_state(change)
    with pytest.raises(ValueError, match=words):
        widget.state = change
    assert widget.state == before


def packed(text):
    return base64.urlsafe_b64encode(zlib.compress(text.encode())).decode()


@pytest.mark.parametrize(
    "string",
    [
        "",
        "hello",
        "../../etc/passwd",
        "ü" * 20,
        "A" * 30_000,
        packed("[]"),
        packed("{}"),
        packed("["),
        packed("[" * 50_000),
        packed('{"points":[1e400,0],"labels":"0"}'),
        packed('{"points":[0,0],"labels":"9"}'),
        packed('{"points":[0,0],"labels":"0","classes":' + "9" * 5000 + "}"),
        packed('{"points":[0,0],"labels":"0","__class__":"os"}'),
        packed(" " * 10_000_000 + "{}"),
        base64.urlsafe_b64encode(b"\x80\x04cos\nsystem\n").decode(),
        state_to_string(complete_state({}))[:-20],
    ],
)
def test_a_damaged_or_hostile_string_is_a_clear_error(string):
    with pytest.raises(ValueError, match="not a decision-boundary state string") as caught:
        state_from_string(string)
    assert len(str(caught.value)) < 300
    with pytest.raises(ValueError, match="state"):
        DecisionBoundary(Nearest, state=string or "?")


def test_a_string_that_unpacks_to_megabytes_is_not_unpacked():
    with pytest.raises(ValueError, match="too large"):
        state_from_string(packed(" " * 10_000_000 + "{}"))


# --- presets


@pytest.mark.parametrize("classes", range(2, 7))
@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_learnable_and_repeatable(preset, classes):
    points, labels = preset_points(preset, classes, 80, 0.0, 1)
    assert points.shape == (80 * classes, 2) and points.dtype == np.float64
    assert np.bincount(labels).tolist() == [80] * classes
    assert np.abs(points).max() <= 1
    assert np.array_equal(points, preset_points(preset, classes, 80, 0.0, 1)[0])
    assert not np.array_equal(points, preset_points(preset, classes, 80, 0.1, 2)[0])
    shuffled = np.random.default_rng(0).permutation(len(points))
    unseen, seen = np.split(shuffled, [20 * classes])
    peer = KNeighborsClassifier(1).fit(points[seen], labels[seen])
    assert peer.score(points[unseen], labels[unseen]) > 0.8
    if preset != "blobs":  # no line separates the others
        assert LogisticRegression().fit(points, labels).score(points, labels) < 0.9


def test_noise_moves_points_along_straight_lines():
    still, half, full = (preset_points("circles", 2, 10, noise, 0)[0] for noise in (0.0, 0.02, 0.04))
    assert half - still == pytest.approx((full - still) / 2, abs=0.002)
    moved = preset_points("blobs", 2, 80, 0.1, 0)[0] - preset_points("blobs", 2, 80, 0.0, 0)[0]
    assert moved.std() == pytest.approx(0.1, rel=0.15) and abs(moved.mean()) < 0.03


# --- regions


def test_regions_are_what_an_independent_classifier_says():
    widget = DecisionBoundary(Nearest, classes=4, noise=0.3, resolution=60)
    ticks = -1 + (np.arange(60) + 0.5) / 30
    queries = np.array([[x, y] for y in ticks[::-1] for x in ticks])
    peer = KNeighborsClassifier(1).fit(widget.points, widget.labels)
    labels, confidence = widget.regions()
    assert np.array_equal(labels.ravel(), peer.predict(queries))
    assert (confidence == 255).all()


@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_the_default_classifier_agrees_with_scikit_learn_and_ties_are_white(metric):
    widget = DecisionBoundary(k=4, metric=metric, noise=0.4, seed=2)
    peer = KNeighborsClassifier(4, metric=metric).fit(widget.points, widget.labels)
    shares = np.sort(peer.predict_proba(grid_points(100)), axis=1)
    tied = np.isclose(shares[:, -1], shares[:, -2]).reshape(100, 100)
    labels, confidence = widget.regions()
    assert 0.02 < tied.mean() < 0.5
    assert np.array_equal(labels == TIE, tied)
    assert np.array_equal(labels[~tied], peer.predict(grid_points(100)).reshape(100, 100)[~tied])
    expected = (shares[:, -1].reshape(100, 100) - 1 / 3) / (2 / 3)
    assert confidence / 255 == pytest.approx(expected, abs=0.003)


def test_labels_missing_from_the_data_shift_no_column():
    widget = DecisionBoundary(lambda: KNeighborsClassifier(1), classes=4)
    keep = widget.labels != 1
    widget.set_points(widget.points[keep], widget.labels[keep])
    assert set(np.unique(widget.regions()[0])) == {0, 2, 3}


def test_scores_that_are_no_shares_give_labels_and_confidence():
    columns = lambda X: np.stack([5 * X[:, 0], -5 * X[:, 0], np.full(len(X), -50.0)], axis=1)  # noqa: E731
    labels, confidence = decision_regions(Scores(columns), 3, np.zeros(1, int), 40)
    assert (labels[:, 20:] == 0).all() and (labels[:, :20] == 1).all()
    assert (confidence[:, 39] > confidence[:, 21]).all()
    level = lambda X: np.zeros((len(X), 2))  # noqa: E731
    assert (decision_regions(Scores(level), 2, np.zeros(1, int), 10)[0] == TIE).all()


def test_other_classifiers_work_too():
    labels, _ = DecisionBoundary(SVC(), preset="circles", classes=2, noise=0.05).regions()
    assert labels[50, 50] == 0 and labels[2, 50] == 1
    sure = DecisionBoundary(LogisticRegression(), noise=0.1).regions()[1]
    assert sure.min() < 128 < sure.max()


def with_answer(**methods):
    """A classifier whose methods give these answers for every X."""
    answers = {name: staticmethod(function) for name, function in methods.items()}
    return type("Student", (), {"fit": lambda self, X, y: self, **answers})()


@pytest.mark.parametrize(
    ("classifier", "words"),
    [
        (with_answer(predict=lambda X: None), "predict returned None: is its return statement missing"),
        (with_answer(predict=lambda X: np.zeros((len(X), 1))), r"shape \(10000,\); got shape \(10000, 1\)"),
        (with_answer(predict=lambda X: np.full(len(X), np.nan)), "predict returned the label nan"),
        (with_answer(predict=lambda X: np.full(len(X), 3)), "returned the label 3; the labels are 0 to 2"),
        (with_answer(predict=lambda X: np.full(len(X), 0.5)), "returned the label 0.5"),
        (with_answer(predict=lambda X: ["cat"] * len(X)), "predict must return whole numbers"),
        (with_answer(scores=lambda X: None), "scores returned None"),
        (with_answer(scores=lambda X: np.zeros(len(X))), r"shape \(10000, 3\); got shape \(10000,\)"),
        (with_answer(scores=lambda X: np.full((len(X), 3), np.nan)), "returned NaN for 10000 of 10000"),
        (with_answer(scores=lambda X: np.zeros((len(X), 5))), "5 columns for 3 classes"),
        (with_answer(scores=lambda X: np.full((len(X), 3), -np.inf)), "finite largest score"),
    ],
)
def test_a_wrong_answer_is_explained(classifier, words):
    widget = DecisionBoundary(classifier)
    with pytest.raises(WrongAnswer, match=words):
        widget.regions()
    reply, buffers = ask(widget)
    assert reply["error"]["part"] == "regions" and not buffers


# --- classifiers


def test_a_classifier_is_an_object_a_class_or_a_factory():
    for classifier in (Nearest, Nearest(), lambda: Nearest()):
        assert DecisionBoundary(classifier).regions().shape == (2, 100, 100)
    with pytest.raises(TypeError, match=r"the classifier \(object\) needs a method fit"):
        DecisionBoundary(object)
    with pytest.raises(TypeError, match=r"the classifier \(Half\) needs a method predict\(X\) or scores\(X\)"):
        DecisionBoundary(type("Half", (), {"fit": lambda self, X, y: self}))
    with pytest.raises(ValueError, match="resolution"):
        DecisionBoundary(Nearest, resolution=5)


def test_k_and_metric_go_to_classifiers_that_have_them():
    class Settable(Nearest):
        k, metric = 5, "l1"

    classifier = Settable()
    widget = DecisionBoundary(classifier)
    assert widget._setup["controls"] == ["k", "metric"]
    assert (widget.k, widget.metric) == (5, "l1")
    widget.k, widget.metric = 3, "l2"
    widget.regions()
    assert (classifier.k, classifier.metric) == (3, "l2")
    widget.set_points([[0, 0], [0.5, 0.5]], [0, 1])
    widget.regions()
    assert classifier.k == 2  # no more neighbours than points
    assert widget.k == 3
    assert DecisionBoundary(Nearest)._setup["controls"] == []


def two_loops(X, X_train):
    return np.array([[np.sqrt(((x - t) ** 2).sum()) for t in X_train] for x in X])


def votes(dists, y_train, k=1):
    return np.array([np.bincount(y_train[np.argsort(row)[:k]]).argmax() for row in dists])


def test_two_functions_of_a_student_make_a_classifier():
    widget = DecisionBoundary.from_functions(two_loops, votes, k=4, noise=0.4, resolution=20)
    assert widget._setup["controls"] == ["k"]
    default = DecisionBoundary(k=4, noise=0.4, resolution=20)
    assert np.array_equal(widget.regions(), default.regions())
    found = ask(widget, regions=False, probe=[0.1, 0.2])[0]["probe"]
    same = ask(default, regions=False, probe=[0.1, 0.2])[0]["probe"]
    assert found["neighbors"] == same["neighbors"]
    assert found["distances"] == pytest.approx(same["distances"])
    with pytest.raises(TypeError, match="predict_labels must be a function"):
        DecisionBoundary.from_functions(two_loops, None)


@pytest.mark.parametrize(
    ("compute", "predict", "words"),
    [
        (lambda X, Y: None, votes, "compute_distances returned None"),
        (lambda X, Y: np.zeros((len(Y), len(X))), votes, r"\(num_test, num_train\) = "),
        (lambda X, Y: np.full((len(X), len(Y)), np.nan), votes, "compute_distances returned NaN"),
        (two_loops, lambda d, y, k: None, "predict returned None"),
    ],
)
def test_mistakes_in_the_two_functions_are_named(compute, predict, words):
    widget = DecisionBoundary.from_functions(compute, predict, resolution=10)
    assert words.replace("\\", "") in ask(widget)[0]["error"]["message"]


def test_functions_that_change_their_arguments_do_no_harm():
    def spoil(dists, y_train, k=1):
        labels = votes(dists, y_train, k)
        dists[:], y_train[:] = 0, 0
        return labels

    good = DecisionBoundary.from_functions(two_loops, votes, resolution=20, k=2)
    bad = DecisionBoundary.from_functions(two_loops, spoil, resolution=20, k=2)
    assert np.array_equal(bad.regions(), good.regions())


# --- the conversation with the browser


def test_a_request_moves_a_point_and_gets_the_regions():
    widget = DecisionBoundary(Nearest, points_per_class=4)
    seen = []
    widget.observe(lambda change: seen.append(change["new"]), "state")
    state = {**widget.state, "points": [[0.5, 0.5], *widget.state["points"][1:]]}
    reply, buffers = ask(widget, state=state, sequence=12, probe=[0.5, 0.5])
    assert seen == [state] and widget.state == state
    assert (reply["sequence"], reply["client"], reply["resolution"]) == (12, "test", 100)
    assert buffers[0] == widget.regions().tobytes()
    assert reply["probe"]["label"] == 0
    assert state_from_string(reply["link"]) == state


def test_a_request_from_before_a_change_in_python_does_not_undo_it():
    widget = DecisionBoundary(Nearest)
    old = widget.state
    widget.preset = "xor"
    reply, _ = ask(widget, state=old, revision=0)
    assert widget.preset == "xor" and reply["state"] == widget.state


def test_a_hostile_request_is_answered_with_an_error():
    widget = DecisionBoundary(Nearest)
    before = widget.state
    for state in ({"classes": 99}, {"points": "x", "labels": "y"}, "text", 5):
        assert "error" in ask(widget, state=state)[0]
        assert widget.state == before
    assert "error" in ask(widget, probe="here")[0]
    assert "error" not in ask(widget)[0]


def test_without_points_the_plane_is_empty():
    widget = DecisionBoundary(Nearest, points_per_class=1)
    reply, buffers = ask(widget, state={**widget.state, "points": [], "labels": []}, probe=[0, 0])
    assert reply["resolution"] == 0 and not buffers and "error" not in reply
    assert widget.figure().axes


def test_an_error_names_the_students_line_and_the_next_request_recovers(capsys):
    class Fragile(Nearest):
        broken = True

        def scores(self, X):
            print("looking at", len(X))
            if self.broken:
                np.linalg.inv(np.zeros((2, 2)))  # the student's line
            return np.eye(3)[self.predict(X)]

    widget = DecisionBoundary(Fragile)
    reply, _ = ask(widget)
    error = reply["error"]
    assert (error["type"], error["message"], error["function"]) == ("LinAlgError", "Singular matrix", "scores")
    assert error["source"] == "np.linalg.inv(np.zeros((2, 2)))  # the student's line"
    Fragile.broken = False
    reply, buffers = ask(widget)
    assert "error" not in reply and buffers
    assert reply["printed"].endswith("looking at 10000\n")
    assert capsys.readouterr() == ("", "")


def test_prints_of_other_threads_pass(capsys):
    class Waiting(Nearest):
        def predict(self, X):
            other = threading.Thread(target=lambda: print("from a cell that runs meanwhile"))
            other.start()
            other.join()
            print("x" * 100_000)
            return super().predict(X)

    reply, _ = ask(DecisionBoundary(Waiting))
    assert "from a cell" in capsys.readouterr().out
    assert len(reply["printed"]) <= 2000


def test_a_slow_classifier_gets_a_coarser_draft(monkeypatch):
    from cs231n_kit.widgets import decision_boundary

    clock = itertools.count()
    seconds = {"cell": 1e-3, "now": 0.0}

    class Slow(Nearest):
        def predict(self, X):
            seconds["now"] += seconds["cell"] * len(X)
            return super().predict(X)

    monkeypatch.setattr(decision_boundary.time, "perf_counter", lambda: seconds["now"] + 1e-9 * next(clock))
    widget = DecisionBoundary(Slow)
    assert ask(widget, draft=True)[0]["resolution"] == decision_boundary.COARSEST
    assert ask(widget, draft=False)[0]["resolution"] == 38  # 1.5 s at 1 ms a cell
    seconds["cell"] = 1e-6
    ask(widget)
    assert ask(widget, draft=True)[0]["resolution"] == 100


# --- pictures


def simulated(colors, kind):
    """Colours as seen with a colour vision deficiency (Machado, Oliveira and Fernandes 2009, severity 1)."""
    matrices = {
        "normal": np.eye(3),
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
        "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
    }
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(matrices[kind]).T, 0, 1)
    return np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("kind", ["normal", "protan", "deutan", "tritan"])
def test_the_colors_are_told_apart_by_every_eye(kind):
    points = np.array([to_rgb(color) for color in palette.COLORS])
    regions = palette.tinted(np.arange(6), np.ones(6))
    for colors, least in ((points, 15), (regions, 9)):
        lab = rgb2lab(simulated(colors, kind)[None])[0]
        pairs = [deltaE_ciede2000(a, b) for a, b in itertools.combinations(lab, 2)]
        assert min(pairs) > least


def test_the_figure_shows_the_same():
    widget = DecisionBoundary(k=4, noise=0.3, classes=4)
    figure = widget.figure()
    axes = figure.axes[0]
    image = axes.images[0]
    labels, confidence = widget.regions()
    shown = np.asarray(image.get_array())
    assert image.get_extent() == [-1, 1, -1, 1] and image.origin == "upper"
    assert (shown[labels == TIE] == 1).all() and (labels == TIE).any()
    row, column = np.argwhere(labels == 2)[0]
    strength = palette.TINT[0] + (palette.TINT[1] - palette.TINT[0]) * confidence[row, column] / 255
    assert shown[row, column] == pytest.approx(1 - strength * (1 - np.array(to_rgb(palette.COLORS[2]))))
    drawn = np.concatenate([points.get_offsets() for points in axes.collections])
    assert np.array_equal(drawn, widget.points)
    paths = {points.get_paths()[0].vertices.tobytes() for points in axes.collections}
    assert len(paths) == 4  # a shape for every class
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [f"class {i}" for i in range(4)]
    assert axes.get_xlabel() and axes.get_ylabel() and "k = 4" in axes.get_title()
