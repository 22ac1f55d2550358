"""The circuit widget without a browser: states, layout, words, steps, requests, figure."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from cs231n_kit.graph import ExpressionError, parse, topological_order
from cs231n_kit.widgets import Circuit
from cs231n_kit.widgets import circuit_words as words
from cs231n_kit.widgets.circuit_scene import arrange, drawn_nodes
from cs231n_kit.widgets.circuit_state import PRESETS, complete_state, last_step, state_from_string, state_to_string
from cs231n_kit.widgets.graph_layout import GAP, NODE, place

LONG = "sin(a*b) + cos(b*c) + tanh(c*a) * max(a, b, c) / exp(a*b)"


def ask(widget, **request):
    """Send a request as the browser does; returns the reply."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    full = {"type": "request", "client": "test", "sequence": 1, "revision": widget._revision, "scene": True}
    widget._handle_custom_msg({**full, **request}, [])
    return sent[-1]


# --- states


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_shown_and_survives_its_string(name):
    widget = Circuit(preset=name)
    assert state_from_string(widget.state_string) == widget.state == json.loads(json.dumps(widget.state))
    assert Circuit(state=widget.state_string).state == Circuit(state=widget.state).state == widget.state
    assert widget.values == PRESETS[name][1]
    assert widget.step == last_step(widget.graph)
    assert len(widget.state_string) < 250


def test_arguments():
    assert Circuit().state == {"expression": "q = x + y; f = q * z", "values": {"x": -2, "y": 5, "z": -4}, "step": 5}
    assert Circuit("x * y", {"y": 7}, step=1).state == {"expression": "x * y", "values": {"x": 2, "y": 7}, "step": 1}
    assert Circuit("x = 4; x * y").state["expression"] == "x * y"
    assert Circuit("log(x - 5)").values["x"] > 5
    with pytest.raises(ExpressionError, match="log needs a number above 0, got -1"):
        Circuit("log(x - 5)", {"x": 4})
    with pytest.raises(ValueError, match="expression must be a text, got 3"):
        Circuit(3)
    state = Circuit("x * y", {"x": 1, "y": 2}).state
    assert Circuit(state=state, values={"y": 5}, step=0).state == {**state, "values": {"x": 1, "y": 5}, "step": 0}
    with pytest.raises(ValueError, match="an expression or a preset, not both"):
        Circuit("x * y", preset="Max routes")
    with pytest.raises(ValueError, match=r"preset must be one of \(x \+ y\) z, .* got 'max'"):
        Circuit(preset="max")


def test_setting_the_state_from_python():
    widget = Circuit("x * y", {"x": 3, "y": -4})
    widget.expression = "y + log(z)"
    assert widget.values == {"y": -4, "z": widget.values["z"]} and widget.step == 5
    widget.values = {"z": 1}
    assert widget.values == {"y": -4, "z": 1} and widget.graph.forward() == -4
    widget.step = 2
    widget.change(expression="a / b", values={"a": 1, "b": 4})
    assert widget.state == {"expression": "a / b", "values": {"a": 1, "b": 4}, "step": 3}
    widget.expression = "log(b - 4)"  # not at b = 4: another start is chosen
    assert widget.values["b"] > 4
    widget.reset()
    assert widget.state == {"expression": "x * y", "values": {"x": 3, "y": -4}, "step": 3}
    with pytest.raises(ExpressionError, match="division by zero"):
        widget.change(expression="1 / x", values={"x": 0})
    assert widget.expression == "x * y"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"expression": 3}, "expression must be a text"),
        ({"values": [1]}, "values must be a dictionary"),
        ({"values": {"x": "2"}}, "x must be a number from -1e"),
        ({"values": {"x": math.nan}}, "x must be a number"),
        ({"values": {"x": 1e7}}, r"x must be a number from -1e\+06 to 1e\+06"),
        ({"values": {"w": 1}}, "no input 'w'; the inputs are x, y"),
        ({"step": 4}, "step must be a whole number from 0 to 3"),
        ({"step": 1.0}, "step must be a whole number"),
        ({"speed": 1}, "unknown entry 'speed'"),
        ({"expression": "x +"}, "missing here"),
        ({"expression": "x / (y - y)"}, "division by zero"),
        ({"expression": "sqrt(x - x) + y"}, "no finite derivative"),
    ],
)
def test_wrong_states_are_refused_by_name(change, words):
    with pytest.raises(ValueError, match=words):
        complete_state({"expression": "x * y", **change})


@pytest.mark.parametrize("string", ["", "x", "A" * 30_000, state_to_string({"expression": "import os"}), "é"])
def test_other_strings_are_refused(string):
    with pytest.raises(ValueError, match="not a circuit state string"):
        Circuit(state=string)


# --- layout


@st.composite
def dags(draw):
    """Parents of each node of a random graph; every third node or so is an input."""
    count = draw(st.integers(1, 22))
    parents = [[]]
    for i in range(1, count):
        parents.append(draw(st.lists(st.integers(0, i - 1), max_size=3)))
    return parents


@settings(max_examples=60)
@given(dags(), st.booleans())
def test_layout_keeps_its_rules(parents, fixed):
    layers, heights, routes, ports = place(parents, [fixed] * len(parents))
    for i, own in enumerate(parents):
        assert layers[i] == 1 + max((layers[parent] for parent in own), default=-1)
        assert [len(route) for route in routes[i]] == [layers[i] - layers[parent] - 1 for parent in own]
        assert sorted(ports[i]) == sorted(np.linspace(-1, 1, len(own)) if len(own) > 1 else [0.0] * len(own))
        if fixed:
            assert ports[i] == sorted(ports[i])
    for layer in set(layers):
        own = sorted(y for y, at in zip(heights, layers, strict=True) if at == layer)
        assert all(b - a > GAP[NODE] - 1e-6 for a, b in pairwise(own))
    assert min(heights + [y for route in routes for wire in route for y in wire]) == pytest.approx(0)


def wires_cross(layout):
    """Pairs of wires whose straight lines between two columns cross."""
    parts = {}
    for wire in layout.wires:
        points = wire["points"]
        for (x0, y0), (x1, y1) in pairwise(points):
            parts.setdefault((x0, round(x1)), []).append((y0, y1))
    return sum(
        (a0 - b0) * (a1 - b1) < 0
        for lines in parts.values()
        for i, (a0, a1) in enumerate(lines)
        for b0, b1 in lines[:i]
    )


@pytest.mark.parametrize("text", [PRESETS["(x + y) z"][0], PRESETS["Sigmoid neuron"][0], "a*b*c + d*e + g/h - i",
                                  "x*x*x", "(a+b)*(c+d)*(e+g)", PRESETS["All patterns"][0]])  # fmt: skip
def test_trees_have_no_crossings(text):
    assert wires_cross(arrange(parse(text))) == 0


def test_crossings_are_few():
    assert wires_cross(arrange(parse(PRESETS["Staged example"][0]))) <= 2
    assert wires_cross(arrange(parse(LONG))) <= 8


def test_wires_run_from_node_to_node():
    graph = parse(LONG)
    layout = arrange(graph)
    nodes = drawn_nodes(graph)
    assert len(layout.places) == len(nodes) == len(set(map(id, nodes)))
    for wire in layout.wires:
        start, end = layout.places[wire["from"]], layout.places[wire["to"]]
        assert nodes[wire["to"]].parents[wire["operand"]] is nodes[wire["from"]]
        (x0, y0), (x1, y1) = wire["points"][0], wire["points"][-1]
        assert (x0, y0) == pytest.approx((start["x"] + start["width"] / 2, start["y"]), abs=0.1)
        assert end["x"] - end["width"] / 2 - 0.1 <= x1 <= end["x"] and abs(y1 - end["y"]) < 20
        assert all(a[0] < b[0] for a, b in pairwise(wire["points"]))
    assert max(spot["x"] + spot["width"] / 2 for spot in layout.places) < layout.width
    assert max(spot["y"] for spot in layout.places) < layout.height


# --- words


@pytest.mark.parametrize(
    "value, text",
    [(0, "0"), (-12.0, "−12"), (0.7310586, "0.731"), (1234.56, "1234.6"), (-0.00905, "−0.00905"), (1e5, "1e5"),
     (0.000123, "1.2e−4"), (-2.5e-9, "−2.5e−9"), (12345.0, "12345"), (99.96, "100"), (1.2e300, "1.2e300")],
)  # fmt: skip
def test_numbers_are_short(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    "text, values, rules",
    [
        ("x + y", (2, 3), ["1", "1"]),
        ("x - y", (2, 3), ["1", "−1"]),
        ("-x", (2,), ["−1"]),
        ("x * y", (2, 3), ["y", "x"]),
        ("x / y", (2, 3), ["1 / y", "−x / y²"]),
        ("x ** y", (2, 3), ["y · x^(y − 1)", "f · log x"]),
        ("x ** 2", (3,), ["2 · x"]),
        ("x ** 3", (3,), ["3 · x^2"]),
        ("max(x, y)", (2, 3), ["1 where x is the largest, else 0", "1 where y is the largest, else 0"]),
        ("exp(x)", (2,), ["f"]),
        ("log(x)", (2,), ["1 / x"]),
        ("sqrt(x)", (2,), ["1 / (2 f)"]),
        ("sigmoid(x)", (2,), ["(1 − f) · f"]),
        ("sum(x)", (2,), ["1"]),
    ],
)
def test_local_derivatives_in_words(text, values, rules):
    """The words, read as a formula, give the number beside them."""
    graph = parse(text, **dict(zip("xy", values, strict=False)))
    graph.backward()
    name_of = words.names(topological_order(graph.output), graph.output)
    rows = words.products(graph.output, name_of, "f")
    assert [row["derivative"].split(" = ")[1] for row in rows] == rules
    x, y, f = values[0], values[-1], graph.forward()
    for row, said in zip(rows, rules, strict=True):
        if "where" in said:
            continue
        python = (
            said.replace("−", "-").replace("²", "**2").replace("·", "*").replace("^", "**").replace("(2 f)", "(2*f)")
        )
        value = eval(python.replace("log x", "math.log(x)"), {"x": x, "y": y, "f": f, "math": math})
        assert words.number(value) == row["local"] == row["share"]


def test_every_operation_has_words():
    for name in ("abs", "cos", "exp", "log", "relu", "sigmoid", "sin", "sqrt", "square", "sum", "tanh"):
        scene = Circuit(f"{name}(x)", {"x": 0.5}).scene()
        assert scene["nodes"][-1]["details"]["rows"][0]["to"] == "x"
    for text in (
        "2 ** x",
        "x ** -1",
        "1 / x",
        "x / 2",
        "x - 1",
        "1 - x",
        "max(0, x)",
        "min(x, 3, 4)",
        "x * 2",
        "x + 1",
    ):
        assert Circuit(text).scene()["nodes"][-1]["symbol"]


def test_names_do_not_clash():
    scene = Circuit("v1 = x * y; (v1 + f) * x + 1").scene()
    names = [node["name"] for node in scene["nodes"]]
    assert sorted(names) == sorted(set(names)) and {"v1", "f", "x", "y"} < set(names)
    assert scene["output"] != "f"


# --- the scene


def test_steps_of_the_staged_example():
    scene = Circuit(preset="Staged example").scene()
    kinds = [step["text"].split()[0] for step in scene["steps"]]
    assert kinds == ["The"] + ["Forward:"] * 7 + ["Backward"] * 8
    computed = sorted(node["computed"] for node in scene["nodes"])
    assert computed == [0, 0, 1, 2, 3, 4, 5, 6, 7]
    x = next(i for i, node in enumerate(scene["nodes"]) if node["name"] == "x")
    history = [step["grads"][x] for step in scene["steps"] if x in step["grads"]]
    assert len(history) == 3 and history[-1] == "2.06"  # x is used three times, and the gradients add up
    shares = [float(wire["share"].replace("−", "-")) for wire in scene["wires"] if wire["from"] == x]
    assert sum(shares) == pytest.approx(2.06, abs=0.01) and len(shares) == 3
    assert scene["nodes"][x]["complete"] == max(wire["arrives"] for wire in scene["wires"] if wire["from"] == x)


@pytest.mark.parametrize("text", [*(expression for expression, _ in PRESETS.values()), LONG])
def test_both_gradients_of_every_input(text):
    graph = parse(text)
    graph.backward()
    for row in Circuit(text).scene()["inputs"]:
        assert row["analytic"] == pytest.approx(row["numeric"], rel=1e-6, abs=1e-8) and row["agrees"]
        assert row["analytic"] == graph.inputs[row["name"]].grad


def test_kinks_are_marked():
    rows = {row["name"]: row for row in Circuit("relu(x) + y", {"x": 0, "y": 1}).scene()["inputs"]}
    assert rows["x"]["numeric"] == pytest.approx(0.5) and not rows["x"]["agrees"] and rows["y"]["agrees"]
    edge = Circuit("x ** 1.5 * y", {"x": 0, "y": 1}).scene()["inputs"][0]
    assert edge["numeric"] is None and edge["texts"][1] == "none on one side"


def test_the_scene_is_plain():
    scene = Circuit(LONG).scene()
    assert json.loads(json.dumps(scene))["width"] == scene["width"]


# --- requests


def test_a_good_request_and_a_refused_one():
    widget = Circuit("x * y", {"x": 3, "y": -4})
    reply = ask(widget, state={"expression": "sigmoid(x) * y", "values": {"x": 3, "y": -4}})
    assert reply["state"] == {"expression": "sigmoid(x) * y", "values": {"x": 3, "y": -4}, "step": 5}
    assert reply["refused"] is None and reply["scene"]["nodes"][-1]["value"] == words.number(-4 * expit(3))
    before = widget.state
    reply = ask(widget, state={"expression": "x * (y", "values": {}}, sequence=2)
    assert reply["refused"] == {
        "reason": "the brackets do not match: '(' was never closed",
        "text": "x * (y",
        "start": 4,
        "end": 5,
    }
    assert reply["state"] == widget.state == before and "error" not in reply
    reply = ask(widget, state={**before, "values": {"x": 1, "y": 2}}, sequence=3)
    assert reply["refused"] is None and reply["state"]["values"] == {"x": 1, "y": 2}
    assert widget.state_string == reply["link"]


def test_a_hostile_request_changes_nothing():
    widget = Circuit()
    before = widget.state
    for state in (
        {"expression": "__import__('os').system('true')"},
        {"values": {"x": 1}, "step": 99},
        {"expression": []},
    ):
        reply = ask(widget, state=state)
        assert reply.get("refused") or reply["error"]
        assert widget.state == before


# --- print


@pytest.mark.parametrize("step", [0, 3, 8, 15])
def test_figure_shows_what_is_known_at_the_step(step):
    widget = Circuit(preset="Staged example", step=step)
    figure = widget.figure()
    texts = [text.get_text() for text in figure.axes[0].texts]
    scene = widget.scene()
    values = [node["value"] for node in scene["nodes"] if node["computed"] <= step]
    for value in values:
        assert value in texts
    grads = {}
    for each in scene["steps"][: step + 1]:
        grads.update(each["grads"])
    shares = sum(wire["shared"] and wire["arrives"] <= step for wire in scene["wires"])
    symbols_and_names = len(scene["nodes"]) + sum(not node["input"] for node in scene["nodes"])
    assert len(texts) == len(values) + len(grads) + shares + symbols_and_names
    assert "(x + sigmoid(y))" in figure.axes[0].get_title()
