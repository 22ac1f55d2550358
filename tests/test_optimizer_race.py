"""The optimizer race without a browser: surfaces, paths, words, states, requests, figure."""

import json
import math

import numpy as np
import pytest
from scipy import optimize

from cs231n_kit.graph import ExpressionError
from cs231n_kit.widgets import OptimizerRace
from cs231n_kit.widgets.optimizer_race_lessons import LESSONS
from cs231n_kit.widgets.optimizer_race_run import SCHEDULES, make_schedule, run
from cs231n_kit.widgets.optimizer_race_state import (
    DEFAULTS,
    SETTINGS,
    TITLES,
    complete_state,
    expression_of,
    state_from_string,
    state_to_string,
)
from cs231n_kit.widgets.optimizer_race_surfaces import GROUNDS, Surface, bowl, draw_map
from cs231n_kit.widgets.optimizer_race_words import stable_rate


def ask(widget, **request):
    """Send a request as the browser does; returns the reply and its buffers."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    full = {"type": "request", "client": "test", "sequence": 1, "revision": widget._revision, "race": True, "map": ""}
    widget._handle_custom_msg({**full, **request}, [])
    return sent[-1]


def beale(p):
    x, y = p
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def saddle(p):
    return p[0] ** 2 / 2 - p[1] ** 2 / 2 + p[1] ** 4 / 4


FORMULAS = {"ravine": optimize.rosen, "beale": beale, "saddle": saddle}


# --- surfaces


@pytest.mark.parametrize("name", FORMULAS)
def test_surfaces_are_the_known_ones_with_their_minima(name):
    ground, formula = GROUNDS[name], FORMULAS[name]
    surface = Surface(ground.expression)
    points = np.random.default_rng(0).uniform(-2, 2, (30, 2))
    values, gradients = surface.values_and_gradients(points)
    np.testing.assert_allclose(values, [formula(p) for p in points], rtol=1e-10)
    np.testing.assert_allclose(surface.values(points.reshape(5, 6, 2)), values.reshape(5, 6))
    numeric = [optimize.approx_fprime(p, formula, 1e-7) for p in points]
    np.testing.assert_allclose(gradients, numeric, rtol=1e-4, atol=1e-3)
    for place in ground.minima:
        found = optimize.minimize(formula, np.add(place, 0.05), method="Nelder-Mead", options={"xatol": 1e-8}).x
        np.testing.assert_allclose(found, place, atol=1e-5)
    global_minimum = min(surface.values(np.array(ground.minima)))
    bounds = [(c - ground.reach, c + ground.reach) for c in ground.center]
    peer = optimize.differential_evolution(formula, bounds, seed=0, maxiter=60, tol=1e-8).fun
    assert global_minimum <= peer + 1e-9


def test_derivatives_of_rosenbrock_are_scipys():
    surface = Surface(GROUNDS["ravine"].expression)
    points = np.random.default_rng(1).uniform(-2, 2, (20, 2))
    gradients = surface.values_and_gradients(points)[1]
    np.testing.assert_allclose(gradients, [optimize.rosen_der(p) for p in points], rtol=1e-12, atol=1e-12)
    expected = [np.linalg.eigvalsh(optimize.rosen_hess(p)) for p in points]
    np.testing.assert_allclose(surface.curvatures(points), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("condition, angle", [(1, 0), (40, 0), (7.5, 30), (1000, 90)])
def test_the_bowl_has_the_condition_number_it_says(condition, angle):
    surface = Surface(bowl(condition, angle))
    np.testing.assert_allclose(surface.curvatures([[0.3, -0.2]]), [[1, condition]], rtol=1e-4)
    turn = math.radians(angle)
    flat, steep = (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))
    np.testing.assert_allclose(surface.values([flat, steep]), [0.5, condition / 2], rtol=1e-4)


def test_a_surface_of_ones_own():
    surface = Surface("a = 3; (x - a)**2 + max(y, -y)")
    assert surface.values([[1.0, -2.0]]) == pytest.approx(6)
    np.testing.assert_allclose(surface.values_and_gradients(np.array([[1.0, -2.0]]))[1], [[-4, -1]])
    np.testing.assert_allclose(surface.lowest_point((0, 0), 1), [3, 0], atol=1e-6)
    only_x = Surface("square(x)")
    np.testing.assert_allclose(only_x.values_and_gradients(np.array([[2.0, 5.0]]))[1], [[4, 0]])
    assert Surface("x * y").lowest_point((0, 0), 1) is None, "it falls for ever"
    assert Surface("log(x - 50)").lowest_point((0, 0), 1) is None, "it has no value there"
    surface = Surface("sqrt(x) + y")
    assert math.isnan(surface.values([[-1.0, 0.0]])[0]) and surface.why_undefined((4, 1)) == ""
    assert "sqrt needs a number of at least 0" in surface.why_undefined((-1, 1))
    assert "no finite derivative" in surface.why_undefined((0, 1))
    for text, words in (("x * z", "give z a value in front"), ("sum(x)", "sum is for arrays"), ("x +", "missing here")):
        with pytest.raises(ExpressionError, match=words):
            Surface(text)


def test_a_map_is_pale_where_it_is_low_and_its_lines_are_level():
    surface = Surface(GROUNDS["beale"].expression)
    drawn = draw_map(surface, (0, 0), 4.5, 0.0)
    assert drawn.shade.shape == (101, 101) and drawn.shade.dtype == np.uint8
    places = np.linspace(-4.5, 4.5, 101)
    heights = np.array([[beale((x, y)) for x in places] for y in places[::-1]])
    order = np.argsort(heights.ravel())
    assert (np.diff(drawn.shade.ravel()[order].astype(int)) >= 0).all() and drawn.shade.min() == 0
    for line in drawn.lines:
        heights = np.log(surface.values(line))
        assert np.ptp(heights) < 1.5, "between the grid's points lines are straight"
    levels = sorted({round(float(np.median(np.log(surface.values(line)))), 1) for line in drawn.lines})
    assert len(levels) >= 15
    holes = draw_map(Surface("log(x) + square(y)"), (0, 0), 1, -5)
    assert (holes.shade[:, :49] == 255).all() and min(line[:, 0].min() for line in holes.lines) > 0
    assert draw_map(Surface("0 * x + 3"), (0, 0), 1, 3).lines == []


# --- the race


def test_sgd_on_a_bowl_is_the_closed_form():
    """x_t = Q (1 - η Λ)^t Qᵀ x_0."""
    condition, angle, rate, start = 12.0, 25.0, 0.13, np.array([-0.8, 0.5])
    race = run(Surface(bowl(condition, angle)), start, {"sgd": {"learning_rate": rate}}, 40)
    turn = math.radians(angle)
    Q = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    factors = 1 - rate * np.array([1, condition])
    expected = [Q @ (factors**t * (Q.T @ start)) for t in range(41)]
    np.testing.assert_allclose(race.paths[0], expected, atol=1e-5)
    values = [(p @ Q) ** 2 @ [1, condition] / 2 for p in np.array(expected)]
    np.testing.assert_allclose(race.losses[0], values, atol=1e-5)


def test_momentum_on_a_bowl_is_a_linear_recurrence():
    """Eliminating the velocity: w' = (1 + μ - ηλ) w - μ w_before, and Nesterov's with the gradient looked ahead."""
    rate, momentum, curvatures = 0.03, 0.8, np.array([1, 20.0])
    racers = {name: {"learning_rate": rate, "momentum": momentum} for name in ("sgd_momentum", "nesterov")}
    start = np.array([-1.0, 0.4])
    race = run(Surface(bowl(20, 0)), start, racers, 30)
    heavy, before = [start, (1 - rate * curvatures) * start], start
    for _ in range(29):
        heavy.append((1 + momentum - rate * curvatures) * heavy[-1] - momentum * heavy[-2])
    np.testing.assert_allclose(race.paths[0], heavy, atol=1e-10)
    # Nesterov in its first form: a step at the point ahead, y; the kit's w is that point.
    ahead, points = start, [start]
    for _ in range(30):
        after = ahead - rate * curvatures * ahead
        ahead, before = after + momentum * (after - before), after
        points.append(ahead)
    np.testing.assert_allclose(race.paths[1], points, atol=1e-10)


@pytest.mark.parametrize("name, momentum", [("sgd", 0.0), ("sgd_momentum", 0.9), ("nesterov", 0.9), ("nesterov", 0.5)])
def test_above_the_stable_rate_steps_grow_and_below_they_do_not(name, momentum):
    limit = stable_rate(name, 40.0, momentum)
    own = {} if name == "sgd" else {"momentum": momentum}
    last = {}
    for factor in (0.97, 1.03):
        race = run(Surface(bowl(40, 0)), (0.0, 1.0), {name: {"learning_rate": factor * limit, **own}}, 2000, reach=1e4)
        followed = race.losses[0][np.isfinite(race.losses[0])]
        last[factor] = followed[-1] / followed[0]
    assert last[0.97] < 1e-3 and last[1.03] > 1e3
    assert stable_rate("adam", 40.0) is None


def test_noise_and_schedules_reach_the_rules():
    flat = Surface("0 * x + 0 * y")
    racers = {"sgd": {"learning_rate": 0.5}}

    def moves(noise=2.0, seed=0, schedule="constant", **settings):
        plan = lambda rate: make_schedule(schedule, rate, 400, **settings)  # noqa: E731
        return np.diff(run(flat, (0, 0), racers, 400, noise=noise, seed=seed, schedule=plan).paths[0], axis=0)

    still = moves()
    assert still.std() == pytest.approx(0.5 * 2, rel=0.05) and abs(still.mean()) < 0.1
    np.testing.assert_array_equal(still, moves())
    assert not np.array_equal(still, moves(seed=1))
    assert not moves(noise=0).any()
    t = np.arange(400)[:, None]
    np.testing.assert_allclose(moves(schedule="inverse_time", decay=0.1), still / (1 + 0.1 * t))
    np.testing.assert_allclose(moves(schedule="exponential", decay=0.01), still * np.exp(-0.01 * t), atol=1e-12)
    np.testing.assert_allclose(moves(schedule="step", every=50, factor=0.5), still * 0.5 ** (t // 50))
    np.testing.assert_allclose(moves(schedule="cosine"), still * (1 + np.cos(np.pi * t / 399)) / 2, atol=1e-12)
    warm = moves(schedule="warm_up", warm_up=9) / still
    np.testing.assert_allclose(warm[:10, 0], np.arange(1, 11) / 10)
    assert warm[-1] == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="a schedule is one of constant, step"):
        make_schedule("linear", 0.1, 10)


def test_who_leaves_the_numbers_stops_and_the_others_go_on():
    racers = {"sgd": {"learning_rate": 1.5}, "adam": {"learning_rate": 0.01}}
    race = run(Surface("log(x) + square(y)"), (0.5, 1.0), racers, 30)
    assert race.stopped == {"sgd": (1, "log needs a number above 0, got -2.5")}
    assert np.isnan(race.paths[0, 2:]).all() and np.isnan(race.losses[0, 1:]).all()
    assert np.isfinite(race.paths[1]).all()
    race = run(Surface(bowl(40, 0)), (0, 1), {"sgd": {"learning_rate": 1.0}}, 500)
    step, reason = race.stopped["sgd"]
    assert reason == "it is too far away" and step == math.ceil(math.log(1e4, 39))
    assert run(Surface("square(x)"), (0, 1), {}, 5).paths.shape == (0, 6, 2)


# --- words


def test_divergence_is_said_in_words():
    """From y = 0.6 each step multiplies y by 1 - 40 · 0.1 = -3, so that the first one leaves a window of 1.2."""
    widget = OptimizerRace(racers=["sgd"], settings={"sgd": {"learning_rate": 0.1}})
    (verdict,) = widget.verdicts()
    assert verdict == {
        "kind": "left",
        "step": 1,
        "text": "SGD leaves the picture at step 1: with learning rate 0.1 and curvature 40 it needs a rate below 0.05",
    }
    widget.settings = {"sgd": {"learning_rate": 0.051}}
    step = math.ceil(math.log(1.2 / 0.6) / math.log(40 * 0.051 - 1))
    assert widget.verdicts()[0]["step"] == step
    widget.change(racers=["sgd_momentum"], settings={"sgd_momentum": {"learning_rate": 0.5, "momentum": 0.5}})
    assert "it needs a rate below 0.075" in widget.verdicts()[0]["text"]
    widget.change(racers=["rmsprop"], settings={"rmsprop": {"learning_rate": 3}})
    assert "each of its steps is about as long as its learning rate, 3" in widget.verdicts()[0]["text"]
    widget = OptimizerRace(surface="ravine", racers=["sgd"], settings={"sgd": {"learning_rate": 0.02}})
    assert "and a bowl as curved as that needs a rate below" in widget.verdicts()[0]["text"]
    assert "starts outside" in OptimizerRace(start=(5, 5), racers=["sgd"], steps=5).verdicts()[0]["text"]
    widget = OptimizerRace("log(x) + square(y)", start=(0.5, 1), settings={"sgd": {"learning_rate": 1}}, racers=["sgd"])
    assert widget.verdicts()[0] == {
        "kind": "stopped",
        "step": 1,
        "text": "SGD cannot go on from step 1: log needs a number above 0, got -1.5",
    }


def test_arrivals_saddles_and_zigzags_are_told():
    rate = 0.03
    settings = {"sgd": {"learning_rate": rate}}
    widget = OptimizerRace(condition=1, start=(-1, 0), racers=["sgd"], settings=settings, steps=200)
    arrival = math.ceil(math.log(1e-3) / (2 * math.log(1 - rate)))
    assert widget.verdicts()[0] == {
        "kind": "arrived",
        "step": arrival,
        "text": f"SGD needs {arrival} steps for a thousandth of the first loss",
    }
    widget.steps = 50
    left = 100 * (1 - rate) ** 100
    assert f"{left:.3g} % of the first loss is left" in widget.verdicts()[0]["text"]
    zigzag = OptimizerRace(start=(0, 1), racers=["sgd"], settings={"sgd": {"learning_rate": 0.045}}, steps=60)
    assert "59 of its 60 steps turn back" in zigzag.verdicts()[0]["text"], "every step is on the other side"
    ridge = OptimizerRace(surface="saddle", start=(-1.4, 0), racers=["sgd", "adam"], steps=300)
    assert [verdict["kind"] for verdict in ridge.verdicts()] == ["saddle"] * 2
    np.testing.assert_allclose(ridge.race.paths[:, -1], 0, atol=1e-3)


# --- states


def test_another_surface_brings_its_own_start_window_and_rates():
    widget = OptimizerRace()
    assert widget.start == list(GROUNDS["bowl"].start) and widget.step == widget.steps == 100
    widget.change(start=(0.5, 0.5), settings={"sgd": {"learning_rate": 0.01}}, noise=1.0)
    assert widget.settings["sgd"] == {"learning_rate": 0.01} and widget.settings["adam"]["learning_rate"] == 0.1
    widget.settings = {"adam": {"beta1": 0.5}}
    assert widget.settings["sgd"]["learning_rate"] == 0.01 and widget.settings["adam"]["learning_rate"] == 0.1
    widget.surface = "beale"
    ground = GROUNDS["beale"]
    assert widget.start == list(ground.start) and widget.reach == ground.reach and widget.noise == 1
    assert {name: own["learning_rate"] for name, own in widget.settings.items()} == ground.rates
    widget.steps = 300
    assert widget.step == 300, "the last step stays the last"
    widget.change(step=20, steps=250)
    assert (widget.step, widget.steps) == (20, 250)
    widget.reset()
    assert widget.state == OptimizerRace().state
    own = OptimizerRace("square(x) + y", noise=2)
    assert (own.surface, own.noise) == ("own", 2) and own.minima == [] and OptimizerRace().minima == [[0.0, 0.0]]
    assert OptimizerRace(state=own.state, surface="bowl").start == list(GROUNDS["bowl"].start)
    moved = OptimizerRace("square(log(x - 1)) + square(y)")  # nothing is defined at the usual start
    assert moved.start[0] > 1 and moved.race.stopped == {}


@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_is_a_state_and_survives_its_string(name):
    widget = OptimizerRace(lesson=name)
    assert widget.state["lesson"] == name and len(widget.state_string) < 600
    assert state_from_string(widget.state_string, LESSONS) == widget.state == json.loads(json.dumps(widget.state))
    assert OptimizerRace(state=widget.state_string).state == OptimizerRace(state=widget.state).state == widget.state
    assert len(LESSONS[name].text) > 60 and all(verdict["kind"] != "left" for verdict in widget.verdicts())


@pytest.mark.parametrize(
    "change, words",
    [
        ({"surface": "hill"}, "surface must be one of bowl, saddle"),
        ({"expression": 3, "surface": "own"}, "expression must be a text"),
        ({"condition": 0.5}, "condition must be a number from 1 to 1000"),
        ({"start": (1, 2, 3)}, "start must be a pair"),
        ({"start": (math.nan, 0)}, "x of start must be a number"),
        ({"racers": ["sgd", "adamw"]}, "racers must be one of sgd, sgd_momentum"),
        ({"settings": {"sgd": {"momentum": 0.5}}}, "settings of sgd are learning_rate; got 'momentum'"),
        ({"settings": {"adam": {"beta1": 1.5}}}, "beta1 of adam must be a number from 0 to 0.999"),
        ({"settings": [1]}, "settings must be a dictionary"),
        ({"schedule": "linear"}, "schedule must be one of constant, step"),
        ({"steps": 0}, "steps must be a whole number from 1 to 500"),
        ({"noise": "1"}, "noise must be a number"),
        ({"lesson": "nothing"}, "lesson must be one of"),
        ({"speed": 1}, "unknown entry 'speed'"),
    ],
)
def test_wrong_states_are_refused_by_name(change, words):
    with pytest.raises(ValueError, match=words):
        OptimizerRace(**change)


@pytest.mark.parametrize("string", ["", "x", "A" * 30_000, state_to_string({"surface": "import os"})])
def test_other_strings_are_refused(string):
    with pytest.raises(ValueError, match="not a race state string"):
        OptimizerRace(state=string)
    with pytest.raises(ValueError, match="lesson must be one of zigzag"):
        OptimizerRace(lesson="nothing")


def test_defaults_name_the_kits_rules_and_schedules():
    full = complete_state({})
    assert set(full["settings"]) == set(TITLES) == set(SETTINGS)
    assert set(DEFAULTS["racers"]) == set(TITLES) and set(SCHEDULES) > {"constant", "cosine"}
    assert expression_of(full) == bowl(40, 0)


# --- what the lessons claim


def final_loss(widget, last=1):
    return np.nanmean(widget.race.losses[:, -last:] - widget.lowest, axis=1)


def test_what_the_lessons_say_is_so():
    zigzag = OptimizerRace(lesson="zigzag")
    across = zigzag.race.paths[0, :, 1]
    assert (across[1:30] * across[:29] < 0).all()
    zigzag.condition = 1
    assert (zigzag.race.paths[0, :, 1] > 0).all()
    momentum = OptimizerRace(lesson="momentum")
    reached = momentum.race.paths[:, :, 0].max(axis=1)
    assert reached[1] > 0.1 > 0.01 > reached[0], "only momentum runs past the minimum"
    assert final_loss(momentum)[0] > 10 * final_loss(momentum)[1:].max()
    assert reached[2] < reached[1]
    adagrad = OptimizerRace(lesson="adagrad").race
    lengths = np.linalg.norm(np.diff(adagrad.paths, axis=1), axis=2)
    assert lengths[0, -1] < 0.05 * lengths[0, 0] and lengths[1, -1] > 0.2 * lengths[1, 50]
    turned = OptimizerRace(lesson="turned")
    askew = final_loss(turned)
    turned.angle = 0
    turned.start = (-1.1, -0.4)
    assert (askew[2:] > 20 * final_loss(turned)[2:]).sum() >= 2
    saddle = OptimizerRace(lesson="saddle")
    slow = dict(zip(saddle.race.names, saddle.verdicts(), strict=True))
    assert slow["adam"]["step"] < slow["sgd"]["step"] / 2
    noise = OptimizerRace(lesson="noise")
    wandering = final_loss(noise, 50)
    noise.schedule = "cosine"
    assert final_loss(noise, 20) < wandering / 5
    beale = OptimizerRace(lesson="beale")
    assert [verdict["kind"] for verdict in beale.verdicts()] == ["arrived"] * 6


# --- requests and pictures


def test_the_map_is_sent_once_and_the_race_each_time():
    widget = OptimizerRace(lesson="saddle")
    reply, buffers = ask(widget)
    count, steps = len(reply["race"]["names"]), widget.steps
    paths = np.frombuffer(buffers[0], np.float32).reshape(count, steps + 1, 2)
    np.testing.assert_allclose(paths, widget.race.paths, rtol=1e-6)
    above = np.frombuffer(buffers[1], np.float32).reshape(count, steps + 1)
    np.testing.assert_allclose(above, widget.race.losses + 0.25, atol=1e-6)
    assert len(buffers[2]) == reply["map"]["resolution"] ** 2
    assert len(buffers[3]) == 8 * sum(reply["map"]["lengths"])
    assert reply["race"]["minima"] == [[0, 1], [0, -1]] and reply["race"]["rates"] == [0.1] * steps
    moved = widget.state | {"start": [-1, 0.5]}
    reply, buffers = ask(widget, state=moved, map=reply["map"]["name"])
    assert "resolution" not in reply["map"] and len(buffers) == 2 and reply["state"]["start"] == [-1, 0.5]
    reply, buffers = ask(widget, state=moved | {"reach": 0.5}, map=reply["map"]["name"])
    assert reply["map"]["reach"] == 0.5 and len(buffers) == 4
    json.dumps(reply)
    empty, buffers = ask(widget, state=moved | {"racers": []})
    assert empty["race"]["names"] == [] and empty["race"]["rates"] == [] and "error" not in empty


def test_a_surface_that_cannot_be_read_is_refused_and_the_last_one_stays():
    widget = OptimizerRace("square(x) + square(y)")
    before = widget.state
    reply, _ = ask(widget, state={"surface": "own", "expression": "square(x) + sqr(y)"})
    assert "did you mean" in reply["refused"]["reason"] and reply["state"] == before and "error" not in reply
    reply, _ = ask(widget, state={"surface": "own", "expression": "log(x)", "start": [-1, 0]})
    assert reply["refused"]["reason"].startswith("at the start, (-1, 0): log needs")
    reply, _ = ask(widget, state=before | {"noise": 99})
    assert "noise must be a number from 0 to 10" in reply["error"]["message"] and reply["error"]["part"] == "state"
    reply, _ = ask(widget, state=before | {"noise": 9})
    assert reply["refused"] is None and reply["state"]["noise"] == 9


def test_the_race_is_run_again_only_when_something_of_it_changes():
    widget = OptimizerRace()
    race = widget.race
    widget.step, widget.reach = 5, 2.0
    assert widget.race is race
    widget.condition = 41
    assert widget.race is not race


def test_figure_and_bundle():
    widget = OptimizerRace(lesson="ravine", step=100)
    figure = widget.figure()
    plane, losses, rate = figure.axes
    assert plane.get_xlabel() == "x" and losses.get_yscale() == "log" and "constant" in rate.get_title()
    assert [text.get_text() for text in losses.get_legend().get_texts()] == ["SGD", "Momentum", "RMSProp", "Adam"]
    ends = [line.get_xydata()[-1] for line in plane.lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 50]
    np.testing.assert_allclose(ends[0], widget.race.paths[0, 100])
    assert all(verdict["text"] in figure.get_supxlabel() for verdict in widget.verdicts())
    bundle = widget._repr_mimebundle_()[0]
    assert bundle["image/png"] and bundle["text/plain"] == "Optimizer race: Ravine (Rosenbrock)"
    assert OptimizerRace("x * y + log(x)", racers=[], start=(1, 1)).figure().get_supxlabel().startswith("No optimizer")
