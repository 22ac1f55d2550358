"""The convolution playground without a browser: states, numbers, sums in words, pictures, requests."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from cs231n_kit.gradients import numeric_gradient
from cs231n_kit.widgets import ConvolutionPlayground
from cs231n_kit.widgets.convolution_arithmetic import Geometry, trouble
from cs231n_kit.widgets.convolution_layout import Grid, place
from cs231n_kit.widgets.convolution_lessons import LESSONS
from cs231n_kit.widgets.convolution_pass import Pass
from cs231n_kit.widgets.convolution_presets import INPUTS, KERNELS, UPSTREAMS, kernel
from cs231n_kit.widgets.convolution_scene import describe
from cs231n_kit.widgets.convolution_state import RANGES, complete_state, last_step, state_from_string
from cs231n_kit.widgets.convolution_story import tell


def ask(widget, **request):
    """Send a request as the browser does; returns the reply."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    full = {"type": "request", "client": "test", "sequence": 1, "revision": widget._revision, "scene": {"width": 900}}
    widget._handle_custom_msg({**full, **request}, [])
    return sent[-1]


@st.composite
def states(draw, operations=("convolution", "max", "average")):
    """Settings of any kind, most of which fit, with random numbers in all arrays."""
    operation = draw(st.sampled_from(operations))
    channels, height, width = (draw(st.integers(1, most)) for most in (3, 7, 7))
    filters, size = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    entries = {
        "operation": operation,
        "channels": channels,
        "height": height,
        "width": width,
        "filters": filters,
        "size": size,
        "pad": draw(st.integers(0, 2)),
        "stride": draw(st.integers(1, 3)),
        "dilation": draw(st.integers(1, 2)),
    }
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    entries["input"] = "own"
    entries["kernels"] = ["own"] * filters
    entries["x"] = rng.integers(-3, 4, (channels, height, width)).tolist()
    entries["w"] = rng.integers(-3, 4, (filters, channels, size, size)).tolist()
    entries["b"] = rng.integers(-3, 4, filters).tolist()
    state = complete_state(entries)
    state["dout"] = rng.integers(-3, 4, np.shape(state["dout"])).tolist()
    state["upstream"] = "own"
    return complete_state(state)


# --- states


@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_fits_and_survives_its_string(name):
    widget = ConvolutionPlayground(lesson=name)
    assert ConvolutionPlayground(state=widget.state_string).state == widget.state
    assert ConvolutionPlayground(state=widget.state).state == widget.state == json.loads(json.dumps(widget.state))
    assert widget.lesson == name and len(widget.state_string) < 300
    scene = widget.scene()
    if name == "stride":
        assert scene["trouble"]["kind"] == "warning"
    else:
        assert not scene["trouble"]
    initial = next(lesson for lesson in widget._setup["lessons"] if lesson["name"] == name)["settings"]
    assert complete_state(initial) == widget.state  # the page shows it with the same settings


def test_arguments():
    assert ConvolutionPlayground().lesson == "dot product"
    x, w = np.arange(32).reshape(2, 4, 4), np.ones((3, 2, 2, 2))
    widget = ConvolutionPlayground(x, w, [1, 2, 3], stride=2, view="backward", dout=np.full((3, 2, 2), 2))
    assert (widget.channels, widget.height, widget.filters, widget.size, widget.stride) == (2, 4, 3, 2, 2)
    assert widget.kernels == ["own"] * 3 and widget.input == widget.upstream == "own" and widget.step == 12
    np.testing.assert_array_equal(widget.gradients["b"], [8, 8, 8])
    assert ConvolutionPlayground(x[0]).x.shape == (1, 4, 4)
    assert ConvolutionPlayground(kernels=["sharpen", "outline"]).w.shape == (2, 1, 3, 3)
    photo = np.zeros((8, 8, 3), np.uint8)
    photo[:, 4:] = (255, 51, 0)
    shown = ConvolutionPlayground(image=photo, height=4, width=4)
    np.testing.assert_allclose(shown.x[0, 1, [0, 3]], [0, 0.4], atol=0.02)
    shown.channels = 3
    np.testing.assert_allclose(shown.x[:, 1, 3], [1, 0.2, 0], atol=0.03)
    again = ConvolutionPlayground(state=shown.state_string)  # which has no image, only its numbers
    assert again.input == "own" and np.array_equal(again.x, shown.x)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"size": 9}, "size must be a whole number from 1 to 7, got 9"),
        ({"operation": "median"}, "operation must be one of convolution, max, average; got 'median'"),
        ({"kernels": ["blurr"]}, "each of kernels must be one of .*'blurr'"),
        ({"speed": 3}, "unknown entry 'speed'"),
        ({"x": [[1, 2], [3]]}, "x must hold numbers in equal rows"),
        ({"x": np.full((1, 3, 3), np.nan)}, "x must hold numbers from -999 to 999"),
        ({"x": np.zeros((4, 5, 5))}, "channels must be a whole number from 1 to 3, got 4"),
        ({"w": np.zeros((1, 1, 2, 3))}, r"w must hold square filters .* not \(1, 1, 2, 3\)"),
        ({"x": np.zeros((2, 4, 4)), "w": np.zeros((1, 3, 2, 2))}, "as many channels as x, 2"),
        ({"w": np.zeros((2, 1, 3, 3)), "b": [1, 2, 3]}, r"b must have the shape \(2,\), not \(3,\)"),
        ({"dout": np.zeros((1, 2, 2))}, r"dout must have the shape \(1, 3, 3\), not \(1, 2, 2\)"),
        ({"input": "your image"}, "needs an image: ConvolutionPlayground"),
        ({"image": np.zeros((3, 3, 4))}, r"image must have the shape .* not \(3, 3, 4\)"),
        ({"image": np.full((3, 3), 200.0)}, "image must be uint8, or hold numbers from 0 to 1"),
        ({"lesson": "poooling"}, "lesson must be one of dot product, .* got 'poooling'"),
        ({"layers": []}, "layers must be a list of 1 to 5"),
        ({"layers": [{"size": 0}]}, "a layer's size must be a whole number from 1 to 7, got 0"),
        ({"state": "AAAA"}, "not a convolution playground state string"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, words):
    with pytest.raises(ValueError, match=words):
        ConvolutionPlayground(**arguments)


def test_arrays_follow_sizes_and_names():
    widget = ConvolutionPlayground(kernels=["box blur"], size=3)
    widget.size = 5
    np.testing.assert_allclose(widget.w[0, 0], np.full((5, 5), 0.04))
    widget.change(channels=2, pad=2)
    assert widget.x.shape == (2, 5, 5) and widget.w.shape == (1, 2, 5, 5) and widget.dout.shape == (1, 5, 5)
    assert widget.step == 25  # everything is computed anew
    own = np.arange(18).reshape(1, 2, 3, 3)
    widget.w = own
    widget.filters = 2
    assert widget.kernels == ["own", "vertical edges"]
    np.testing.assert_array_equal(widget.w[0], own[0])
    widget.size = 2
    np.testing.assert_array_equal(widget.w[0], own[0, :, :2, :2])  # one's own numbers are cut, not lost
    widget.kernels = ["own", "sharpen"]
    np.testing.assert_array_equal(widget.w[0], own[0, :, :2, :2])
    widget.input = "ramp"
    np.testing.assert_array_equal(widget.x.ravel(), np.arange(1, 51))
    widget.reset()
    assert widget.kernels == ["box blur"] and widget.size == 3


@pytest.mark.parametrize("size", range(1, 8))
def test_kernels_do_what_their_names_say(size):
    image = np.random.default_rng(0).random((12, 12)).round(2)
    for name in ("box blur", "Gaussian blur", "identity", "sharpen"):
        assert kernel(name, 1, size).sum() == pytest.approx(1, abs=0.02), name
    for name in ("vertical edges", "horizontal edges", "outline"):
        assert kernel(name, 1, size).sum() == pytest.approx(0 if size > 1 else kernel(name, 1, 1).sum()), name
    np.testing.assert_array_equal(kernel("horizontal edges", 1, size)[0], kernel("vertical edges", 1, size)[0].T)
    middle = slice(size // 2, size // 2 + 13 - size)
    same = correlate(image, kernel("identity", 1, size)[0], "valid")
    np.testing.assert_allclose(same, image[middle, middle], atol=1e-12)
    for name in KERNELS:
        assert kernel(name, 3, size).shape == (3, size, size)


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_come_in_every_size(name):
    for shape in ((1, 1, 1), (3, 5, 8), (2, 32, 32)):
        x = INPUTS[name](*shape)
        assert x.shape == shape and np.abs(x).max() < 3100
    assert complete_state({"input": name, "channels": 2, "height": 9, "width": 9})["input"] == name


# --- numbers


def by_definition(state):
    """(out, dx, dw, db) of the whole pass, cell by cell."""
    x, w, b, dout = (np.array(state[name], float) for name in ("x", "w", "b", "dout"))
    size, pad, stride = state["size"], state["pad"], state["stride"]
    pooling = state["operation"] != "convolution"
    dilation = 1 if pooling else state["dilation"]
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)), constant_values=-np.inf if state["operation"] == "max" else 0)
    dpadded, dw, db = np.zeros(padded.shape), np.zeros(w.shape), np.zeros(b.shape)
    out = np.zeros(dout.shape)
    for k, i, j in np.ndindex(out.shape):
        rows = stride * i + dilation * np.arange(size)
        columns = stride * j + dilation * np.arange(size)
        cells = np.ix_([k] if pooling else range(len(x)), rows, columns)
        window = padded[cells]
        if state["operation"] == "max":
            out[k, i, j] = window.max()
            share = np.zeros(window.size)
            share[window.argmax()] = 1
            dpadded[cells] += dout[k, i, j] * share.reshape(window.shape)
        elif state["operation"] == "average":
            out[k, i, j] = window.sum() / size**2
            dpadded[cells] += dout[k, i, j] / size**2
        else:
            out[k, i, j] = (window * w[k]).sum() + b[k]
            dpadded[cells] += dout[k, i, j] * w[k]
            dw[k] += dout[k, i, j] * window
            db[k] += dout[k, i, j]
    return out, dpadded[:, pad : pad + x.shape[1], pad : pad + x.shape[2]], dw, db


@settings(max_examples=80, deadline=None)
@given(states())
def test_numbers_are_those_of_the_definition(state):
    run = Pass(state)
    if not run.fits:
        assert run.out.size == 0 and not run.dx.any()
        return
    for name, values in zip(("out", "dx", "dw", "db"), by_definition(state), strict=True):
        np.testing.assert_allclose(getattr(run, name), values, atol=1e-12, err_msg=name)


@settings(max_examples=20, deadline=None)
@given(states(("convolution", "average")))
def test_gradients_are_those_of_the_sum_of_outputs(state):
    run = Pass(state)
    if not run.fits or run.x.size > 60:
        return
    x = run.x.copy()
    slope = numeric_gradient(lambda x: (Pass({**state, "x": x.tolist()}).out * run.dout).sum(), x)
    np.testing.assert_allclose(run.dx, slope, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(states(), st.data())
def test_steps_accumulate(state, data):
    if not Pass(state).fits:
        return
    step = data.draw(st.integers(0, last_step(state)))
    masked = np.array(state["dout"], float)
    masked.ravel()[step:] = 0
    part, whole = Pass({**state, "step": step}), Pass({**state, "dout": masked.tolist(), "step": last_step(state)})
    np.testing.assert_allclose(part.dx, whole.dx)
    np.testing.assert_allclose(part.dw, whole.dw)
    np.testing.assert_array_equal(part.out, whole.out)


def test_the_flipped_kernel_of_the_lesson():
    """dx is the full convolution of dout with the kernel, as the lesson says."""
    widget = ConvolutionPlayground(lesson="flipped", upstream="whole numbers")
    w, dout = widget.w[0, 0], widget.dout[0]
    full = correlate(np.pad(dout, 2), w[::-1, ::-1], "valid")
    np.testing.assert_allclose(widget.gradients["x"][0], full)
    one = ConvolutionPlayground(lesson="one pixel")
    np.testing.assert_array_equal(one.out[0], one.w[0, 0, ::-1, ::-1])


# --- sums in words


def number_of(text):
    return float(text.replace("−", "-"))


def value_of(text):
    """A sum of products, as written, worked out."""
    return eval(text.replace("−", "-").replace("·", "*").replace("+ bias", "+").replace(",", " + "), {"max": max})


def every_place(run, state, view):
    scene = describe(run, {**state, "view": view})
    for grid in scene["grids"]:
        pad = grid["pad"]
        for row in range(-pad, grid["rows"] - pad):
            for column in range(-pad, grid["columns"] - pad):
                yield grid, {"grid": grid["name"], "row": row, "column": column}


@settings(max_examples=25, deadline=None)
@given(states(), st.sampled_from(["forward", "backward"]))
def test_what_is_written_out_is_right(state, view):
    """Every sum, read as a formula, gives the number behind its equals sign, and every mark lies in its grid."""
    run = Pass(state)
    if not run.fits or run.out.size > 30:
        return
    grids = {grid["name"]: grid for grid, _ in every_place(run, state, view)}
    for grid, at in every_place(run, state, view):
        story = tell(run, at, view)
        told = re.search(r"(?<![=]) = (−?[\d.]+(?:e−?\d+)?)", story["title"])
        sides = [grid[name] - 2 * grid["pad"] for name in ("rows", "columns")]
        if 0 <= at["row"] < sides[0] and 0 <= at["column"] < sides[1]:
            name, index = re.match(r"(\w+)\[([\d, ]+)\]", story["title"]).groups()
            exact = getattr(run, name)[tuple(int(i) for i in index.split(","))]
            assert number_of(told[1]) == pytest.approx(exact, rel=6e-3)
            if " = " in story["sum"] and not story["sum"].startswith("each"):
                left, right = story["sum"].split(" = ")
                if "max(" in left:
                    assert max(map(number_of, left[4:-1].split(", "))) == number_of(right)
                else:
                    assert value_of(left) == pytest.approx(number_of(right), rel=0.02, abs=0.02)
        for row in story["rows"]:
            if row["total"] is not None:
                assert value_of(" ".join(row["lines"])) == pytest.approx(number_of(row["total"]), rel=0.02, abs=0.02)
        for mark in story["marks"]:
            pad, rows, columns = (grids[mark["grid"]][name] for name in ("pad", "rows", "columns"))
            for i, j in mark["cells"]:
                assert -pad <= i < rows - pad and -pad <= j < columns - pad


@settings(max_examples=20, deadline=None)
@given(states())
def test_the_cells_of_a_gradient_are_those_it_is_made_of(state):
    """No cell of dout moves a gradient but those that are marked for it."""
    run = Pass(state)
    if not run.fits or run.operation == "max":
        return
    c, m, n = 0, run.x.shape[1] // 2, run.x.shape[2] // 2
    story = tell(run, {"grid": f"dx{c}", "row": m, "column": n}, "backward")
    marked = {(int(mark["grid"][4:]), *cell) for mark in story["marks"] if mark["grid"].startswith("dout")
              for cell in map(tuple, mark["cells"])}  # fmt: skip
    for cell in np.ndindex(run.dout.shape):
        changed = run.dout.copy()
        changed[cell] += 1
        moves = Pass({**state, "dout": changed.tolist()}).dx[c, m, n] != run.dx[c, m, n]
        assert not moves or cell in marked


def test_a_sum_with_its_bias_and_its_channels():
    widget = ConvolutionPlayground(lesson="volume")
    story = tell(Pass(widget.state), {"grid": "out0", "row": 0, "column": 0}, "forward")
    assert [row["label"] for row in story["rows"]] == [f"channel {c}: x·w" for c in range(3)]
    assert story["rows"][0]["lines"] == ["0·(−1) + 0·0 + 0·0 +", "0·1 + 0·0 + 1·1 +", "0·0 + 3·0 + 1·(−1)"]
    assert story["sum"] == "0 + (−6) + 0 + bias 1 = −5"
    marked = {(mark["grid"], mark["kind"]) for mark in story["marks"]}
    assert marked == {("out0", "focus"), ("b0", "read")} | {(f"{g}{c}", "read") for g in ("x", "w0.") for c in range(3)}


def test_the_switches_of_overlapping_windows():
    widget = ConvolutionPlayground(lesson="switches")
    story = tell(Pass(widget.state), {"grid": "dx0", "row": 1, "column": 1}, "backward")
    assert story["title"] == "dx[0, 1, 1] = 5" and story["sum"] == "1 + 2 + 1 + 1 = 5"
    assert "dout[0, 0, 1] = 2: the maximum was here" in story["rows"][0]["lines"]
    early = tell(Pass({**widget.state, "step": 2}), {"grid": "dx0", "row": 1, "column": 1}, "backward")
    assert early["title"] == "dx[0, 1, 1] = 3 so far, 2 more to come"


# --- what does not fit


GEOMETRIES = st.builds(
    Geometry, height=st.integers(1, 12), width=st.integers(1, 12), size=st.integers(1, 7), pad=st.integers(0, 4),
    stride=st.integers(1, 4), dilation=st.integers(1, 4),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(GEOMETRIES, st.sampled_from(["convolution", "max"]))
def test_remedies_are_cures_and_the_nearest(geometry, operation):
    def is_whole(geometry):
        fits = all((n + 2 * geometry.pad - geometry.dilation * (geometry.size - 1) - 1) % geometry.stride == 0
                   and n + 2 * geometry.pad > geometry.dilation * (geometry.size - 1)
                   for n in (geometry.height, geometry.width))  # fmt: skip
        return fits and (operation == "convolution" or geometry.pad < geometry.size)

    found = trouble(geometry, operation, RANGES)
    assert (found is None) == is_whole(geometry)
    for remedy in found["remedies"] if found else []:
        assert is_whole(Geometry(**{**vars(geometry), **remedy["change"]}))
        name, value = next(iter(remedy["change"].items()))
        old = geometry.width if name == "height" else getattr(geometry, name)
        for nearer in range(old - abs(old - value) + 1, old + abs(old - value)):
            if RANGES[name][0] <= nearer <= RANGES[name][1]:
                assert not is_whole(Geometry(**{**vars(geometry), **dict.fromkeys(remedy["change"], nearer)}))


def test_a_window_that_does_not_fit_is_explained_and_no_error():
    widget = ConvolutionPlayground(size=7, height=4, width=4)
    scene = widget.scene()
    assert widget.out.size == 0 and scene["last"] == 0 and scene["trouble"]["kind"] == "error"
    assert "7 × 7 covers 7 × 7 pixels, and the input has only 4 × 4" in scene["trouble"]["text"]
    assert {"F = 4", "P = 2", "input 7 × 7"} == {remedy["text"] for remedy in scene["trouble"]["remedies"]}
    widget.change(**scene["trouble"]["remedies"][0]["change"])
    assert widget.out.shape == (1, 1, 1)
    pooling = ConvolutionPlayground(operation="max", size=2, pad=2).scene()
    assert pooling["trouble"]["kind"] == "error" and "nothing but padding" in pooling["trouble"]["text"]
    stride = ConvolutionPlayground(lesson="stride").scene()
    assert stride["formulas"] == ["(W − F + 2P) / S + 1 = (7 − 3 + 2·0) / 3 + 1 = 2.333"]
    assert stride["grids"][0]["unseen"] == [1, 1]
    for one in (widget, ConvolutionPlayground(size=7, height=4, width=4, view="backward")):
        one.figure()


def test_the_price_in_words():
    costs = ConvolutionPlayground(lesson="volume").scene()["costs"]
    assert costs == "Parameters: F·F·D₁·K + K = 3·3·3·2 + 2 = 56; 486 multiply-adds"
    assert ConvolutionPlayground(lesson="max pooling").scene()["costs"] == "No parameters; 2 channels stay 2"


# --- pictures


def frames(scene):
    for grid in scene["grids"]:
        yield grid["x"], grid["y"], grid["x"] + grid["columns"] * grid["cell"], grid["y"] + grid["rows"] * grid["cell"]


@settings(max_examples=40, deadline=None)
@given(states(), st.sampled_from(["forward", "backward"]), st.integers(320, 1200))
def test_grids_do_not_overlap_and_can_be_read(state, view, width):
    scene = describe(Pass(state), {**state, "view": view}, None, width)
    boxes = list(frames(scene))
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert 0 <= left and top >= 18 and right <= scene["width"] and bottom <= scene["height"]
        for other in boxes[:i]:
            assert left >= other[2] or right <= other[0] or top >= other[3] + 16 or bottom + 16 <= other[1]
    assert all(grid["cell"] >= 26 for grid in scene["grids"])


def test_an_image_keeps_its_kernels_large():
    scene = ConvolutionPlayground(lesson="edges").scene()
    cells = {grid["name"]: grid["cell"] for grid in scene["grids"]}
    assert cells["x0"] == cells["out1"] >= 10 and cells["w0.0"] >= 30
    fills = {grid["name"]: grid["fills"] for grid in ConvolutionPlayground(lesson="blur").scene()["grids"]}
    grays = {f"#{part}{part}{part}" for part in (f"{i:02x}" for i in range(256))}
    assert all(set(fills[name]) <= grays for name in ("x0", "out0", "out1")) and not set(fills["w0.0"]) <= grays
    positions, width, _ = place([[[[Grid("a", 2, 2)]]]], 60)  # narrower than any picture
    assert positions["a"][2] == 26 and width > 60


@settings(max_examples=30, deadline=None)
@given(states(), st.sampled_from(["forward", "backward"]))
def test_numbers_stand_out_from_their_cells(state, view):
    def luminance(color):
        parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)

    for grid in describe(Pass(state), {**state, "view": view})["grids"]:
        for fill, ink, text in zip(grid["fills"], grid["inks"], grid["texts"], strict=True):
            if text:
                light, dark = sorted((luminance(fill), luminance(ink)), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_outputs_appear_step_by_step():
    state = ConvolutionPlayground(lesson="volume", step=11).state
    scene = describe(Pass(state), state)
    shown = {grid["name"]: [bool(fill) for fill in grid["fills"]] for grid in scene["grids"]}
    assert shown["out0"] == [True] * 9 and shown["out1"] == [True] * 2 + [False] * 7
    assert scene["sentence"] == "Forward: out[1, 0, 1] = 4" and scene["story"]["title"] == "out[1, 0, 1] = 4"


# --- the receptive field


def sees(layers, side, unit):
    """Rows of the input that a unit of the last layer depends on, found by disturbing each of them."""

    def output(x):
        for layer in layers:
            x = np.pad(x, layer["pad"])
            reach = layer["dilation"] * (layer["size"] - 1) + 1
            starts = range(0, len(x) - reach + 1, layer["stride"])
            x = np.array([x[i : i + reach : layer["dilation"]].sum() for i in starts])
        return x

    return [i for i in range(side) if output(np.eye(side)[i])[unit]]


LAYERS = st.lists(
    st.fixed_dictionaries({"size": st.integers(1, 4), "stride": st.integers(1, 3), "pad": st.integers(0, 2),
                           "dilation": st.integers(1, 3)}),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(LAYERS, st.integers(12, 24), st.data())
def test_what_a_unit_sees(layers, side, data):
    widget = ConvolutionPlayground(view="receptive field", layers=layers, field_side=side)
    scene = widget.scene()
    if scene["trouble"]:
        assert len(scene["grids"]) <= len(layers)
        return
    unit = [data.draw(st.integers(0, scene["grids"][-1]["side"] - 1)) for _ in "ij"]
    widget.unit = unit
    shares = np.array(widget.scene()["grids"][0]["shares"]).reshape(side, side)
    expected = np.zeros((side, side), bool)
    expected[np.ix_(sees(layers, side, unit[0]), sees(layers, side, unit[1]))] = True
    assert not (shares[~expected] > 0).any()
    assert (shares > 0).sum() >= 0.5 * expected.sum()  # shares below half a percent are drawn as 0
    extent = [np.ptp(np.flatnonzero(expected.any(axis=axis))) + 1 if expected.any() else 0 for axis in (1, 0)]
    assert max(extent) <= int(scene["rows"][-1]["size"])


def test_the_sizes_of_the_lessons():
    for name, size, sums in (
        ("stack", 7, ["1 + (3 − 1)·1 = 3", "3 + (3 − 1)·1 = 5", "5 + (3 − 1)·1 = 7"]),
        ("strides", 31, ["1 + (3 − 1)·1 = 3", "3 + (3 − 1)·2 = 7", "7 + (3 − 1)·4 = 15", "15 + (3 − 1)·8 = 31"]),
        ("dilated stack", 15, ["1 + (3 − 1)·1 = 3", "3 + (5 − 1)·1 = 7", "7 + (9 − 1)·1 = 15"]),
    ):
        scene = ConvolutionPlayground(lesson=name).scene()
        assert [row["sum"] for row in scene["rows"]] == sums and f"sees {size} × {size} pixels" in scene["title"]
        for row in scene["rows"]:
            assert value_of(row["sum"].split(" = ")[0].replace(")·", ")*")) == int(row["size"])


def test_a_layer_that_does_not_fit_is_named():
    layers = [{"size": 3, "stride": 4, "pad": 0}, {"size": 7, "pad": 0}]
    scene = ConvolutionPlayground(view="receptive field", layers=layers, field_side=12).scene()
    assert scene["trouble"].startswith("Layer 2 does not fit: its window covers 7 × 7 cells, and the map below it")
    assert [row["side"] for row in scene["rows"]] == ["3", "none"] and len(scene["grids"]) == 2
    gaps = ConvolutionPlayground(view="receptive field", layers=[{"dilation": 2, "pad": 0}], field_side=9).scene()
    assert "only 9 of 25 pixels count" in gaps["title"]


# --- requests and print


def test_requests():
    widget = ConvolutionPlayground()
    reply = ask(widget, state={**widget.state, "size": 5, "step": None})
    assert np.shape(reply["state"]["w"]) == (1, 1, 5, 5) and reply["scene"]["last"] == 1
    assert widget.state_string == reply["link"]
    reply = ask(widget, scene=None, story={"focus": {"grid": "x0", "row": 2, "column": 2}}, sequence=2)
    assert reply["story"]["title"].startswith("x[0, 2, 2] = ")
    for focus in ({"grid": "x7", "row": 0, "column": 0}, {"grid": "dx0", "row": 0, "column": 0},
                  {"grid": "x0", "row": 99, "column": 0}, {"grid": "__class__", "row": 0, "column": 0}):  # fmt: skip
        reply = ask(widget, scene=None, story={"focus": focus}, sequence=3)
        assert reply["story"]["title"].startswith("out[0, 0, 0] = ") and "error" not in reply
    before = widget.state
    for state in ({"size": 99}, {"x": [["a"]]}, {"kernels": 3}, {"speed": 1}):
        reply = ask(widget, state={**before, **state}, sequence=4)
        assert reply["error"]["part"] == "state" and widget.state == before
    assert json.loads(json.dumps(ask(widget, sequence=5)))["scene"]["view"] == "forward"


def test_random_numbers_in_the_largest_state_still_fit_a_string():
    rng = np.random.default_rng(0)
    x = rng.uniform(-10, 10, (3, 32, 32))
    widget = ConvolutionPlayground(x, upstream="ones")
    assert len(widget.state_string) < 15_000
    assert ConvolutionPlayground(state=widget.state_string).state == widget.state
    assert state_from_string(widget.state_string)["x"] == x.round(2).tolist()


@pytest.mark.parametrize("name", ["volume", "edges", "backward", "switches", "stack"])
def test_figure_shows_the_numbers_of_the_scene(name):
    widget = ConvolutionPlayground(lesson=name)
    figure, scene = widget.figure(), widget.scene()
    texts = [text.get_text() for text in figure.axes[0].texts]
    for grid in scene["grids"]:
        for text in (grid["title"], *(text for text in grid.get("texts", []) if text)):
            assert text in texts
    title = figure.axes[0].get_title()
    assert (scene["title"] if name == "stack" else scene["sentence"]) in title
    data, _ = widget._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR")


def test_typed_numbers_survive_a_window_that_does_not_fit():
    widget = ConvolutionPlayground(dout=[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]])
    widget.size = 7
    assert widget.out.size == 0
    widget.size = 4
    np.testing.assert_array_equal(widget.dout, [[[1, 2], [4, 5]]])


def test_upstream_gradients_have_the_shape_of_the_output():
    for name in UPSTREAMS:
        state = complete_state({"upstream": name, "filters": 2, "height": 6})
        assert np.shape(state["dout"]) == (2, 4, 3)
    steps = [last_step(complete_state({"filters": k})) for k in (1, 2, 3)]
    assert all(b - a == 9 for a, b in pairwise(steps))
