"""The architecture explorer without a browser: numbers, layout, receptive fields, states, requests, times, figure."""

import json
import re
import threading

import numpy as np
import pytest

from cs231n_kit.architectures import ARCHITECTURES
from cs231n_kit.networks import (
    LSTM,
    Affine,
    AveragePool,
    BatchNorm,
    Convolution,
    Flatten,
    Parallel,
    ReLU,
    Residual,
    Sequential,
    TemporalAffine,
    WordEmbedding,
)
from cs231n_kit.widgets import ArchitectureExplorer
from cs231n_kit.widgets.architecture_explorer_blocks import KINDS, blocks_of
from cs231n_kit.widgets.architecture_explorer_networks import TYPED
from cs231n_kit.widgets.architecture_explorer_words import quantity_text, share_text

# Window, filters or units, stride and padding, in the order of the papers; "P" pools.
ALEXNET = [
    (11, 64, 4, 2), ("P", 3, 2, 0), (5, 192, 1, 2), ("P", 3, 2, 0), (3, 384, 1, 1), (3, 256, 1, 1), (3, 256, 1, 1),
    ("P", 3, 2, 0), 4096, 4096, 1000,
]  # fmt: skip
VGG16 = [
    *[(3, 64, 1, 1)] * 2, ("P", 2, 2, 0), *[(3, 128, 1, 1)] * 2, ("P", 2, 2, 0), *[(3, 256, 1, 1)] * 3, ("P", 2, 2, 0),
    *[(3, 512, 1, 1)] * 3, ("P", 2, 2, 0), *[(3, 512, 1, 1)] * 3, ("P", 2, 2, 0), 4096, 4096, 1000,
]  # fmt: skip
SMALL = {"own": ("[CONV->RELU->POOL]*2->FC", (3, 16, 16))}


def counted(layers, side=224, channels=3):
    """(parameters, multiply-adds, output side, receptive field) of each layer, by the textbook's formulas."""
    field, jump, vector = 1, 1, None
    for layer in layers:
        if isinstance(layer, int):
            inputs = vector or side * side * channels
            vector = layer
            yield inputs * layer + layer, inputs * layer, 1, None
            continue
        kind, size, stride, pad = layer
        window = size if kind == "P" else kind
        side = (side - window + 2 * pad) // stride + 1
        field, jump = field + (window - 1) * jump, jump * stride
        if kind == "P":
            yield 0, 0, side, field
        else:
            weights = window * window * channels * size
            channels = size
            yield weights + size, weights * side * side, side, field


def ask(widget, **request):
    """Send a request as the browser does; returns the reply."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    full = {"type": "request", "client": "test", "sequence": 1, "revision": widget._revision}
    widget._handle_custom_msg({**full, **request}, [])
    return next(content for content in sent if content["type"] == "reply")


def details_by_label(widget, place=0):
    network = widget.scene()["networks"][place]
    return [(detail["label"], detail) for detail in network["details"].values()]


# --- numbers


@pytest.mark.parametrize("name, layers", [("AlexNet", ALEXNET), ("VGG-16", VGG16)])
def test_every_block_has_the_numbers_of_the_textbook(name, layers):
    widget = ArchitectureExplorer(shown=name)
    block = blocks_of(ARCHITECTURES[name].build(), (3, 224, 224))
    drawn = [one for one, _ in block.drawn(lambda one: one.stage) if not one.stage]
    expected = list(counted(layers))
    assert [one.amount("parameters") for one in drawn] == [row[0] for row in expected]
    assert [one.amount("multiply_adds") for one in drawn] == [row[1] for row in expected]
    fields = [one.output.seen.size for one in drawn]
    assert fields[:-3] == [(row[3], row[3]) for row in expected[:-3]]
    sides = [one.inside[0].output.shape[1] if one.inside else one.output.shape[1] for one in drawn[:-3]]
    assert sides == [row[2] for row in expected[:-3]]
    totals = widget.scene()["networks"][0]["totals"]
    assert totals["parameters"] == f"{sum(row[0] for row in expected):,}"
    # The same numbers stand at the end of the formulas that one reads.
    details = [detail for _, detail in details_by_label(widget) if not detail["title"].startswith("Stage")]
    for detail, (parameters, adds, side, field) in zip(details, expected, strict=True):
        lines = dict(detail["lines"])
        if parameters:
            assert f"= {parameters:,}, " in lines["parameters"] and f"= {adds:,}, " in lines["multiply-adds"]
        else:
            assert lines["parameters"] == lines["multiply-adds"] == "none"
        if field:
            assert re.search(rf"= ({side}|{side}\.\d+|.*rounded down: {side})$", lines["output side"])
            assert f"{field} × {field} pixels" in lines["receptive field"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_blocks_hold_all_of_a_network_once(name):
    architecture = ARCHITECTURES[name]
    block = blocks_of(architecture.build(), architecture.input_shape)
    summary = architecture.build().summary(architecture.input_shape)
    for quantity in ("parameters", "multiply_adds", "memory"):
        assert block.amount(quantity) == getattr(summary, quantity)
        assert sum(block.shares(quantity).values()) == getattr(summary, quantity)
    ids = [one.id for one, _ in block.drawn(lambda one: True)]
    assert len(set(ids)) == len(ids)
    paths = [path for path, _ in architecture.build().layers()]
    assert [leaf.path for leaf in block.leaves() if not leaf.meets] == paths


def test_groups_have_the_names_of_the_papers():
    def stages(name):
        block = blocks_of(ARCHITECTURES[name].build(), ARCHITECTURES[name].input_shape)
        return {one.label: [inner.label for inner in one.inside] for one in block.inside if one.stage}

    resnet = stages("ResNet-50")
    assert list(resnet) == ["conv2_x", "conv3_x", "conv4_x", "conv5_x"]
    assert resnet["conv4_x"] == ["4a", "4b", "4c", "4d", "4e", "4f"]
    google = stages("GoogLeNet")
    assert google["inception 3"] == ["3a", "3b"] and google["inception 5"] == ["5a", "5b"]
    assert google["inception 4"] == ["4a", "auxiliary", "4b", "4c", "4d", "auxiliary", "4e"]
    assert stages("VGG-16")["56×56"] == ["3×3, 256"] * 3


def test_totals_and_shares_are_said():
    scene = ArchitectureExplorer().scene()
    sentence = scene["networks"][1]["sentence"]
    dense = 4097 * 1000 + 4097 * 4096 + (7 * 7 * 512 + 1) * 4096
    assert f"fully connected layers: {100 * dense / 138_357_544:.0f} % of the parameters" in sentence
    assert "0.8 % of the multiply-adds" in sentence  # 123,633,664 of 15,470,264,320
    google = ArchitectureExplorer(shown="GoogLeNet").scene()["networks"][0]
    assert google["totals"]["parameters"] == "13,004,888" and "6,624,904 parameters" in google["sentence"]
    rows = {row["kind"]: row["shares"] for row in google["rows"]}
    assert set(rows) <= set(KINDS) and rows["activation"][0] == "0 %" and rows["convolution"][3] == "–"


@pytest.mark.parametrize(
    "part, whole, text",
    [(0, 5, "0 %"), (1, 4, "25 %"), (999, 1000, "> 99 %"), (1, 9999, "< 0.1 %"), (5, 5, "100 %"), (1, 30, "3.3 %")],
)
def test_shares_in_words(part, whole, text):
    assert share_text(part, whole) == text


@pytest.mark.parametrize(
    "quantity, amount, text",
    [
        ("parameters", 61_706, "61,706"),
        ("parameters", 1_500_000, "1.5 million"),
        ("parameters", 999_900_000, "1,000 million"),
        ("multiply_adds", 15_470_264_320, "15.5 billion"),
        ("memory", 4_000, "4 kB"),
        ("memory", 12, "12 B"),
        ("time", 0.0123, "12.3 ms"),
        ("time", 2.5, "2.5 s"),
        ("time", None, "not measured"),
    ],
)
def test_amounts_in_words(quantity, amount, text):
    assert quantity_text(quantity, amount) == text


def test_windows_that_are_no_squares_and_other_layers_are_worked_out_too():
    network = Sequential(
        Convolution(6, (1, 7), stride=(1, 2), pad=(0, 3)),
        BatchNorm(),
        Flatten(),
        Affine(5, bias=False),
    )
    details = details_by_label(ArchitectureExplorer({"odd": (network, (2, 9, 20))}, shown="odd"))
    lines = dict(details[0][1]["lines"])
    assert details[0][0] == "1×7, 6 /1,2"
    assert lines["output side"] == (
        "height (H − F + 2P) / S + 1 = (9 − 1 + 2·0) / 1 + 1 = 9; "
        "width (W − F + 2P) / S + 1 = (20 − 7 + 2·3) / 2 + 1 = 10.5, rounded down: 10"
    )
    assert lines["parameters"].startswith("F₁·F₂·D₁·K + K = 1·7·2·6 + 6 = 90; BatchNorm 6 (gamma) + 6 (beta) = 12, ")
    assert lines["multiply-adds"].startswith("9·10·6 outputs × 1·7·2 = 7,560, ")
    assert dict(details[1][1]["lines"])["parameters"].startswith("D·M = 540·5 = 2,700, ")


# --- layout


CASES = {
    "side by side": {"size_by": "multiply_adds"},
    "memory": {"shown": ["ResNet-18", "ResNet-50"], "size_by": "memory", "opened": {"ResNet-50": ["3a", "2b"]}},
    "heads": {"shown": "GoogLeNet", "opened": {"GoogLeNet": ["inception 3", "inception 4", "3a", "4d", "auxiliary"]}},
    "typed": {"shown": [TYPED, "LeNet-5"]},
}


@pytest.mark.parametrize("case", CASES)
def test_areas_are_true_and_nothing_lies_on_anything(case):
    widget = ArchitectureExplorer(**CASES[case])
    scene = widget.scene(920)
    areas = []
    for place, picture in enumerate(scene["networks"]):
        block = widget._explored()[place].block
        by_id = {one.id: one for one, _ in block.drawn(lambda one: True)}
        drawing = picture["drawing"]
        frames = {frame["id"]: frame for frame in drawing["frames"]}
        assert {one["id"] for one in drawing["blocks"]} | set(frames) == set(picture["details"])
        boxes = []
        for one in drawing["blocks"]:
            amount = by_id[one["id"]].amount(widget.size_by)
            if one["honest"]:
                areas.append(one["width"] * one["height"] / amount)
            x, y, width, height = (one[name] for name in ("x", "y", "width", "height"))
            assert 0 <= x and x + width <= drawing["width"] and 0 <= y and y + height <= drawing["height"]
            boxes.append((x, y, x + width, y + height))
            parent = picture["details"][one["id"]]["parent"]
            while parent is not None:
                frame = frames[parent]
                assert frame["x"] <= x and x + width <= frame["x"] + frame["width"]
                assert frame["y"] <= y and y + height <= frame["y"] + frame["height"]
                parent = picture["details"][parent]["parent"]
        boxes += [(one["x"], one["y"], one["x"] + one["width"], one["y"] + one["height"]) for one in drawing["slabs"]]
        boxes = np.array(boxes)
        lows, highs = boxes[:, None, :2], boxes[None, :, 2:]
        meets = ((lows < highs - 1e-6) & (boxes[None, :, :2] < boxes[:, None, 2:] - 1e-6)).all(axis=-1)
        assert meets.sum() == len(boxes)  # each with itself alone
        whole = [slab for slab in drawing["slabs"] if slab["text"].count("×") == 2]
        for slab in whole:
            side = int(slab["text"].split(" × ")[0])
            assert slab["height"] == pytest.approx(whole[0]["height"] * side / picture["input_shape"][1], abs=1.2)
    assert areas and max(areas) == pytest.approx(min(areas))


def test_what_fits_keeps_to_the_page_and_the_rest_scrolls():
    for size_by in ("parameters", "multiply_adds", "memory"):
        widget = ArchitectureExplorer(shown=["GoogLeNet", "ResNet-50"], size_by=size_by)
        drawings = [network["drawing"] for network in widget.scene(1100)["networks"]]
        assert all(drawing["width"] <= 1100 for drawing in drawings)
        largest = max(block["height"] for drawing in drawings for block in drawing["blocks"])
        assert largest >= 69.9
        narrow = [network["drawing"] for network in widget.scene(320)["networks"]]
        assert max(block["height"] for drawing in narrow for block in drawing["blocks"]) == pytest.approx(70)


def test_branches_shortcuts_and_heads_have_lanes_of_their_own():
    scene = ArchitectureExplorer(
        shown=["GoogLeNet", "ResNet-18"],
        opened={"GoogLeNet": ["3a", "inception 4"], "ResNet-18": ["conv2_x", "3a", "conv4_x"]},
    ).scene()
    google, resnet = ({one["id"]: one for one in n["drawing"]["blocks"]} for n in scene["networks"])

    def middle(block):
        return block["y"] + block["height"] / 2

    lanes = [middle(google[f"11.branch{i}.0-11.branch{i}.2"]) for i in range(3)] + [middle(google["11.branch3.0"])]
    assert lanes == sorted(lanes) and min(np.diff(lanes)) > 20
    assert np.mean([lanes[0], lanes[3]]) == pytest.approx(middle(google["11.join"]), abs=12)
    assert middle(google["15"]) > middle(google["14"]) + google["14"]["height"] / 2  # the head hangs below the line
    [projection] = [block for id, block in resnet.items() if "shortcut" in id]
    assert middle(projection) < middle(resnet["8.sum"]) - 20
    wires = scene["networks"][1]["drawing"]["wires"]
    arcs = [wire for wire in wires if len(wire) == 4 and wire[0][1] == wire[3][1] > wire[1][1] == wire[2][1]]
    assert len(arcs) == 5  # around the closed residual blocks


# --- receptive fields


MIXED = Sequential(
    Convolution(3, 5, stride=2, pad=2),
    Residual(Convolution(3, 3, pad=1)),
    AveragePool(2),
    Parallel(Convolution(2, 1), Convolution(2, 3, pad=1, dilation=1)),
)


@pytest.mark.parametrize("unit", [(0.0, 0.0), (0.5, 0.4), (0.99, 1.0)])
def test_the_field_is_where_the_gradient_is(unit):
    """The pixels that a unit's gradient reaches, in a linear network with positive weights."""
    widget = ArchitectureExplorer({"mixed": (MIXED, (1, 32, 32))}, shown="mixed", unit=unit)
    fields = {id: one["field"] for id, one in widget.scene()["networks"][0]["details"].items()}
    for depth, id in ((1, "0"), (2, "1"), (3, "2"), (4, "3")):
        network = Sequential(*MIXED.steps[:depth]).initialize((1, 32, 32))
        for w in network.parameters.values():
            w[...] = np.abs(w) + 0.1
        out = network.forward(np.ones((1, 1, 32, 32)), mode="train")
        row, column = (min(int(share * n), n - 1) for share, n in zip(unit, out.shape[2:], strict=True))
        dout = np.zeros_like(out)
        dout[0, :, row, column] = 1
        rows, columns = np.nonzero(network.backward(dout, input_gradient=True)[0, 0])
        top, left, bottom, right = fields[id]["box"]
        assert fields[id]["unit"] == [row, column] and fields[id]["grid"] == list(out.shape[2:])
        found = [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
        assert [max(top, 0), max(left, 0), min(bottom, 32), min(right, 32)] == found
        clipped = [top, left, bottom, right] != found
        assert ("padding" in fields[id]["text"]) == clipped


def test_fields_that_are_the_whole_image_or_none():
    scene = ArchitectureExplorer(shown="AlexNet").scene()["networks"][0]
    assert scene["details"]["20"]["field"]["text"] == (
        "The unit sees the whole image: its field of 355 × 355 reaches into padding beyond the borders."
    )
    vectors = ArchitectureExplorer({"dense": (Sequential(Affine(7), ReLU(), Affine(3)), (20,))}, shown="dense")
    assert all(detail["field"] is None for _, detail in details_by_label(vectors))
    assert vectors.picture((20,)) is None
    assert ask(vectors, scene={"width": 700})["pictures"] == {}


# --- states


def test_states_survive_their_strings():
    widget = ArchitectureExplorer(
        SMALL,
        shown=["own", "GoogLeNet"],
        size_by="memory",
        opened={"GoogLeNet": ["3a"]},
        selected=(1, "12"),
        unit=(0, 1),
    )
    assert widget.opened == {"GoogLeNet": ["11-12", "11"]}  # by their ids, with the stage around
    assert json.loads(json.dumps(widget.state)) == widget.state
    again = ArchitectureExplorer(SMALL, state=widget.state_string)
    assert again.state == ArchitectureExplorer(SMALL, state=widget.state).state == widget.state
    assert ArchitectureExplorer(state=widget.state | {"shown": ["AlexNet"], "selected": None}).shown == ["AlexNet"]
    again.opened = {"GoogLeNet": []}
    assert len(again.scene()["networks"][1]["drawing"]["frames"]) == 0
    again.reset()
    assert again.state == widget.state
    again.shown = "AlexNet"
    assert again.selected is None
    assert ArchitectureExplorer().shown == ["AlexNet", "VGG-16"] and ArchitectureExplorer(SMALL).shown == ["own"]
    assert len(ArchitectureExplorer().state_string) < 40


@pytest.mark.parametrize(
    "change, words",
    [
        ({"shown": "AlexNex"}, "shown must be one of LeNet-5, AlexNet, .* got 'AlexNex'"),
        ({"shown": []}, "one or two networks"),
        ({"shown": ["AlexNet"] * 3}, "one or two networks"),
        ({"shown": 3}, "one or two networks"),
        ({"size_by": "flops"}, "size_by must be one of parameters, multiply_adds, memory, time"),
        ({"opened": ["3a"]}, "opened must map networks to lists"),
        ({"opened": {"AlexNet": "13×13"}}, "must be a list of groups"),
        ({"opened": {"AlexNet": ["3a"]}}, "AlexNet has no group '3a'; it has 13×13"),
        ({"opened": {"mine": []}}, "opened must be one of"),
        ({"selected": [0, "99"]}, "AlexNet has no block '99'"),
        ({"selected": "0"}, "selected must be a pair"),
        ({"unit": [0.5]}, "unit must be a pair"),
        ({"unit": [0.5, 2]}, "unit must be a number from 0 to 1"),
        ({"side": 4}, "side must be a whole number from 8 to 512"),
        ({"text": 3}, "text must be a text"),
        ({"text": "CONV->POOOL"}, "There is no layer POOOL"),
        ({"text": "[CONV->POOL]*9->FC", "side": 16}, "POOL"),
        ({"colour": 1}, "unknown entry 'colour'"),
    ],
)
def test_wrong_states_are_refused_by_name(change, words):
    with pytest.raises(ValueError, match=words):
        ArchitectureExplorer(**change)


@pytest.mark.parametrize("string", ["", "x", "A" * 30_000, "é"])
def test_other_strings_are_refused(string):
    with pytest.raises(ValueError, match="not a architecture-explorer state string"):
        ArchitectureExplorer(state=string)


# --- networks of one's own


def test_own_networks_come_first_and_are_not_touched():
    network = Sequential(Convolution(4, 3, pad=1), ReLU(), Flatten(), Affine(10)).initialize((3, 8, 8), 3, np.float64)
    before = {key: w.copy() for key, w in network.parameters.items()}
    widget = ArchitectureExplorer({"trained": network, "line": "CONV5-6->POOL->FC", "AlexNet": ARCHITECTURES["VGG-11"]})
    assert widget.shown == ["trained", "line"] and widget._networks.names[:4] == [
        "trained",
        "line",
        "AlexNet",
        "LeNet-5",
    ]
    widget.measure()
    assert all((network.parameters[key] == w).all() for key, w in before.items())
    details = details_by_label(widget)
    assert [label for label, _ in details] == ["3×3, 4", "FC 10"]
    assert "8·8·4 numbers × 4 bytes" in dict(details[0][1]["lines"])["memory"]  # float32, as all others
    widget.shown = "AlexNet"
    assert widget.scene()["networks"][0]["totals"]["parameters"] == "132,863,336"


@pytest.mark.parametrize(
    "networks, error, words",
    [
        ([1], TypeError, "networks must be a mapping from names to networks"),
        ({"a": 3}, TypeError, r"networks\['a'\] must be a Sequential or a text for parse, not int"),
        ({"": "FC"}, ValueError, "name must be a text of 1 to 40 characters"),
        ({TYPED: "FC"}, ValueError, "a network's name must be"),
        ({"a": Sequential(Affine(3))}, ValueError, r"without the shape of its input: give both, as \(network"),
        (
            {"a": (Sequential(Convolution(3, 9)), (3, 4, 4))},
            ValueError,
            r"networks\['a'\]: Layer 0, Convolution\(3, 9\)",
        ),
        ({"a": (Sequential(ReLU()), "big")}, ValueError, "input_shape must be the shape of one example"),
        ({"a": (Sequential(*[ReLU()] * 501), (3,))}, ValueError, "has 501 layers; from 1 to 500"),
        ({"a": "CONV->"}, ValueError, r"a layer \(CONV, "),
    ],
)
def test_networks_that_cannot_be_shown(networks, error, words):
    with pytest.raises(error, match=words):
        ArchitectureExplorer(networks)


def test_a_wrong_image_is_refused():
    with pytest.raises(ValueError, match="a picture has the shape"):
        ArchitectureExplorer(image=np.zeros((3, 5, 7, 2)))
    image = np.zeros((40, 60), np.uint8)
    image[:, 30:] = 255
    picture = ArchitectureExplorer(image=image).picture((3, 224, 224))
    assert picture.shape == (224, 224, 3) and picture[:, :100].max() == 0 and picture[:, 124:].min() == 255


# --- requests


def test_the_browser_gets_what_it_asks_for():
    widget = ArchitectureExplorer()
    reply = ask(widget, scene={"width": 800})
    assert list(reply["pictures"]) == ["3x224x224"] and reply["pictures"]["3x224x224"].startswith("data:image/png")
    json.dumps(reply)
    assert ask(widget, scene={"width": 800, "known": ["3x224x224"]})["pictures"] == {}
    assert "scene" not in ask(widget)
    state = {**widget.state, "size_by": "memory", "shown": ["LeNet-5"]}
    assert (
        list(ask(widget, state=state, scene={"width": 800})["pictures"]) == ["1x32x32"] and widget.size_by == "memory"
    )
    wrong = ask(widget, state={**state, "size_by": "beauty"}, scene={"width": 800})
    assert "size_by must be one of" in wrong["error"]["message"] and wrong["state"] == state


def test_a_text_that_cannot_be_built_leaves_the_last_network():
    widget = ArchitectureExplorer(shown=TYPED)
    before = widget.state
    reply = ask(widget, state={**before, "text": "CONV->[RELU"}, scene={"width": 800})
    assert widget.state == reply["state"] == before
    assert reply["refused"]["text"] == "CONV->[RELU" and reply["refused"]["start"] == 11
    assert "]" in reply["refused"]["problem"] and reply["scene"]["networks"][0]["about"] == before["text"]
    text = "CONV->RELU->POOL->FC"
    reply = ask(widget, state={**before, "text": text, "opened": {TYPED: ["5-9"]}, "side": 16}, scene={"width": 800})
    assert reply["refused"] is None and widget.text == text and widget.opened == {TYPED: []}
    parameters = 3 * 3 * 3 * 16 + 16 + (8 * 8 * 16 + 1) * 10
    assert reply["scene"]["networks"][0]["totals"]["parameters"] == f"{parameters:,}"


# --- times


def test_times_are_measured_when_asked_for():
    widget = ArchitectureExplorer(SMALL, size_by="time")
    scene = widget.scene()
    assert scene["legend"] == {"square": None, "text": "time: not measured yet"} and widget.seconds == {}
    widget.measure()
    network = widget._networks["own"].network
    assert network.parameters == {}  # what was made for the measuring is gone again
    assert list(widget.seconds["own"]) == [path for path, _ in network.layers()]
    assert all(0 < seconds < 10 for seconds in widget.seconds["own"].values())
    shown = widget.scene()["networks"][0]
    assert shown["totals"]["time"] == quantity_text("time", sum(widget.seconds["own"].values()))
    areas = {one["id"]: one["width"] * one["height"] for one in shown["drawing"]["blocks"] if one["honest"]}
    first = widget.seconds["own"]["0"] + widget.seconds["own"]["1"]
    last = widget.seconds["own"]["3"] + widget.seconds["own"]["4"]
    if {"0-1", "3-4"} <= set(areas):
        assert areas["0-1"] / areas["3-4"] == pytest.approx(first / last)
    words = Sequential(WordEmbedding(10, 6), Sequential(), Sequential(LSTM(7)), TemporalAffine(4))
    read = ArchitectureExplorer({"words": (words, (5,))}, shown="words")
    read.measure()
    assert list(read.seconds["words"]) == ["0", "2.0", "3"]
    assert [label for label, _ in details_by_label(read)] == ["wordembedding", "lstm", "temporalaffine"]
    progress = widget._progress()
    assert progress["measured"] == ["own"] and progress["runs"] == 5 and not progress["running"]


def test_measuring_can_be_stopped_and_says_what_goes_wrong(monkeypatch):
    widget = ArchitectureExplorer(SMALL)
    begun, go_on = threading.Event(), threading.Event()

    def slow_pass(network, x):
        begun.set()
        assert go_on.wait(20)
        return {path: 1.0 for path, _ in network.layers()}

    monkeypatch.setattr("cs231n_kit.widgets.architecture_explorer_timing.timed_pass", slow_pass)
    reply = ask(widget, measure="start")
    assert reply["measuring"]["running"] and begun.wait(20)
    thread = widget._measurement._thread
    ask(widget, measure="start")  # once is enough
    assert widget._measurement._thread is thread
    reply = ask(widget, measure="stop")
    assert not reply["measuring"]["running"] and reply["measuring"]["words"] == ""
    go_on.set()
    thread.join(20)
    assert widget.seconds == {} and not widget._measurement.running

    def broken_pass(network, x):
        raise FloatingPointError("the layer of mine")

    monkeypatch.setattr("cs231n_kit.widgets.architecture_explorer_timing.timed_pass", broken_pass)
    widget.measure()
    assert widget._progress()["words"] == "This network does not run: the layer of mine"
    widget.change(shown=TYPED, text="CONV-500->FC-30000->FC", side=512)
    widget.measure()
    parameters = 3 * 3 * 3 * 500 + 500 + (512 * 512 * 500 + 1) * 30_000 + 300_010
    assert f"has {parameters:,} parameters, at most 200,000,000 are tried" in widget._progress()["words"]


# --- the still picture


def test_the_figure_tells_the_same():
    widget = ArchitectureExplorer(shown=["LeNet-5", "GoogLeNet"], opened={"GoogLeNet": ["3a"]}, selected=(1, "11"))
    figure = widget.figure()
    texts = [text.get_text() for ax in figure.axes for text in ax.texts] + [text.get_text() for text in figure.texts]
    assert {"LeNet-5", "GoogLeNet", "3a", "5×5, 6", "3×3, 128"} <= set(texts)
    assert any(text.startswith("GoogLeNet: Inception block 3a: 4 branches side by side") for text in texts)
    assert figure.axes[-1].images[0].get_array().shape == (224, 224, 3)
    widget.selected = (1, "13")
    widget.opened = {"GoogLeNet": []}
    widget.figure()
    bundle, _ = widget._repr_mimebundle_()
    assert bundle["text/plain"] == "ArchitectureExplorer of LeNet-5 and GoogLeNet, sized by parameters"
    assert "image/png" in bundle
