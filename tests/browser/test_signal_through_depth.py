"""``SignalThroughDepth`` under a real mouse, keyboard and finger, while it trains."""

import os
import re
import statistics
import time

import pytest
from stage import WidgetStage

from cs231n_kit.widgets.signal_lessons import LESSONS
from cs231n_kit.widgets.signal_through_depth_state import state_from_string

VIEWPORT = {"width": 1500, "height": 1400}


class Stage(WidgetStage):
    """The widget on the page."""

    PROGRAM = "import numpy as np\nfrom cs231n_kit.widgets import SignalThroughDepth\nwidget = SignalThroughDepth({})"
    ROOT, PLOT = ".cs231n-signal", ".depth"

    def column(self, layer):
        """The middle of a layer's column, in pixels of the page."""
        box = self.root.locator("canvas.names").bounding_box()
        count = self.notebook.value("len(widget.layers)")
        return box["x"] + 62 + (layer + 0.5) * (box["width"] - 68) / count, box["y"] - 100

    def layer(self, index):
        """What Python measured in a layer, as a dictionary."""
        return self.notebook.value(f"widget.layers[{index}]._asdict()")


def test_a_slider_is_followed_and_a_layer_tells_its_numbers(notebook, record_property):
    stage = Stage(notebook, "lesson='too_small'")
    assert stage.text(".lesson .text") == LESSONS["too_small"].text
    assert "the signal dies" in stage.text(".diagnosis")
    stage.record_redraws()
    box = stage.root.get_by_role("slider", name="Scale", exact=True).bounding_box()
    left, right, y = box["x"] + box["width"] * 0.4, box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2
    stage.drag_mouse((left, y), (right, y), steps=25)
    took = stage.page.evaluate("window.redraws")
    record_property(
        "measured signal through depth, 10 layers of 100, a slider dragged",
        f"{len(took)} pictures, {statistics.median(took):.0f} ms from the hand to the picture (median); "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
    )
    assert 0.05 < stage.state["scale"] < 0.2 and took
    assert "the signal dies" not in stage.text(".diagnosis")
    stage.page.mouse.move(*stage.column(4))
    stage.settle()
    told = stage.text(".readout").replace("−", "-")
    layer = stage.layer(4)
    assert told.startswith("Layer 4: mean ") and "100 of 100 units distinct" in told
    named = {name: float(re.search(rf"{name} ([-\d.e]+)", told)[1].rstrip(".")) for name in ("between inputs", "norm")}
    assert named == {
        "between inputs": pytest.approx(layer["spread"], rel=0.06),
        "norm": pytest.approx(layer["weight_gradient"], rel=0.06),
    }
    stage.page.mouse.move(5, 5)
    stage.settle()
    assert stage.text(".readout").startswith("Point at a layer")
    stage.click("Undo")
    assert stage.state["scale"] == 0.01 and "the signal dies" in stage.text(".diagnosis")


def test_the_picture_shows_pythons_numbers(notebook):
    """Bars of dead ReLUs and histograms, read from the pixels."""
    stage = Stage(notebook, "activation='relu', initialize='he_normal', depth=20")
    shares, widest = stage.page.evaluate(
        """root => {
            const read = (canvas, name) => {
                const probe = document.createElement("canvas").getContext("2d");
                probe.fillStyle = getComputedStyle(canvas).getPropertyValue(name);
                probe.fillRect(0, 0, 1, 1);
                const wanted = probe.getImageData(0, 0, 1, 1).data;
                const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                const is = (x, y) => [0, 1, 2, 3].every(
                    part => Math.abs(data[4 * (y * width + x) + part] - wanted[part]) < 3);
                const columns = Array.from({ length: width }, (_, x) =>
                    Array.from({ length: height }, (_, y) => is(x, y)).filter(Boolean).length);
                return { columns, width, height };
            };
            const count = 22, left = 62, right = 6;
            const at = ({ columns, width }, layer, share) =>
                columns[Math.round(left + ((width - left - right) * (layer + share)) / count)];
            const units = read(document.querySelector(`${root} canvas.flat`), "--stuck");
            const first = read(document.querySelector(`${root} canvas.tall`), "--forward");
            return [
                Array.from({ length: count }, (_, layer) => at(units, layer, 0.2) / (units.height - 12)),
                Array.from({ length: count }, (_, layer) => at(first, layer, 0.15)),
            ];
        }""",
        Stage.ROOT,
    )
    stuck = [0, *notebook.value("[layer.stuck for layer in widget.layers[1:-1]]"), 0]
    assert shares == pytest.approx(stuck, abs=0.04) and max(stuck) > 0.3
    assert all(pixels > 5 for pixels in widest)  # every layer has its bars


def test_it_trains_pauses_steps_and_restarts(notebook):
    stage = Stage(notebook, "lesson='dead'")
    stage.click("Step")
    assert notebook.value("widget.step_count") == 1
    stage.root.get_by_role("radio", name="as many steps").check(force=True)
    stage.button("Train").click()
    stage.wait_for_step(25)
    assert notebook.value("widget.running") and notebook.value("1 + 1") == 2  # the kernel is free meanwhile
    stage.click("Pause")
    steps = notebook.value("widget.step_count")
    time.sleep(0.3)
    assert notebook.value("widget.step_count") == steps and not notebook.value("widget.running")
    assert stage.text(".counter").startswith(f"step {steps:,}, loss ")
    assert "ReLUs are dead" in stage.text(".diagnosis") and stage.layer(1)["stuck"] > 0.5
    share = float(re.search(r"(\d+) % dead", stage.text(".curves:last-child .key"))[1]) / 100
    assert share == pytest.approx(notebook.value("widget.history[-1].stuck"), abs=0.006)
    stage.slide("Rate", -2.7)
    assert stage.state["learning_rate"] == 0.002 and notebook.value("widget.step_count") == steps
    stage.click("Restart")
    assert stage.text(".counter").startswith("step 0, ") and notebook.value("len(widget.history)") == 1
    first = notebook.value("widget.network.parameters['0.w'].tolist()")
    stage.click("New weights")
    assert stage.state["seed"] == 1 and notebook.value("widget.network.parameters['0.w'].tolist()") != first


def test_every_setting_reaches_python_and_overflow_is_explained(notebook):
    stage = Stage(notebook, "np.random.default_rng(0).normal(size=(40, 3, 4, 4)), depth=3, width=20")
    assert stage.state["inputs"] == "own" and not stage.root.get_by_role("radio", name="of the data").is_visible()
    stage.select("Activation", "maxout")
    stage.select("Weights", "sparse")
    for name, value in (("Depth", 5), ("Width", 30), ("Bias", 0.1), ("Inputs each", 4), ("Scale", -1)):
        stage.slide(name, value)
    stage.root.get_by_role("radio", name="layer", exact=True).check(force=True)
    stage.root.get_by_role("radio", name="each its own").check(force=True)
    stage.select("Inputs", "own_standardized")
    stage.settle()
    expected = {
        "activation": "maxout",
        "initialize": "sparse",
        "depth": 5,
        "width": 30,
        "bias": 0.1,
        "connections": 4,
        "scale": 0.1,
        "normalization": "layer",
        "axis": "own",
        "inputs": "own_standardized",
    }
    assert stage.state.items() >= expected.items()
    assert "cannot saturate" in stage.text(".band:has-text('Units')")
    stage.select("Weights", "he_normal")
    assert not stage.root.get_by_role("slider", name="Scale", exact=True).is_visible()
    stage.select("Inputs", "gaussian")
    stage.select("Activation", "relu")
    stage.select("Weights", "small_normal")
    stage.root.get_by_role("radio", name="none", exact=True).check(force=True)
    stage.slide("Depth", 30)
    stage.slide("Scale", 1)
    stage.slide("Width", 100)
    assert "holds infinity or NaN" in stage.text(".diagnosis") and "loss overflow" in stage.text(".counter")
    stage.click("Step")
    assert "Training diverged" in stage.text(".diagnosis")
    stage.page.mouse.move(*stage.column(29))
    stage.settle()
    assert stage.text(".readout") == "Layer 29: overflow, the values are infinite or no numbers."
    stage.click("Reset")
    assert stage.state["depth"] == 3 and stage.state["inputs"] == "own"


def test_the_keyboard_and_a_finger_do_it_all(notebook):
    stage = Stage(notebook, "depth=4, width=20")
    stage.plot.focus()
    for key, name in (("ArrowRight", "Input"), ("ArrowRight", "Layer 1"), ("End", "Scores"), ("ArrowLeft", "Layer 4")):
        stage.page.keyboard.press(key)
        stage.settle()
        assert stage.text(".readout").startswith(f"{name}: mean ")
    assert stage.plot.get_attribute("aria-valuetext") == stage.text(".readout")
    stage.page.keyboard.press("Escape")
    stage.settle()
    assert stage.text(".readout").startswith("Point at a layer")
    for key in ("s", "s", "Space"):
        stage.page.keyboard.press(key)
        stage.settle()
    stage.wait_for_step(4)
    stage.page.keyboard.press("Space")
    stage.settle()
    assert not notebook.value("widget.running")
    stage.page.keyboard.press("r")
    stage.settle()
    assert notebook.value("widget.step_count") == 0
    stage.page.keyboard.press("d")
    stage.page.keyboard.press("d")
    assert stage.cells() == ["code"]
    stage.plot.scroll_into_view_if_needed()
    stage.page.touchscreen.tap(*stage.column(2))
    stage.settle()
    assert stage.text(".readout").startswith("Layer 2: mean ")
    assert stage.nameless("input, select, button, .depth, .curve") == []
    stage.select("Things to see", "zeros")
    assert "1 of 100 distinct" in stage.text(".band:has-text('Units')")
    assert "same weights" in stage.text(".diagnosis") and stage.state["depth"] == 10
    assert state_from_string(stage.copied_state()) == stage.state


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_reads_well_in_both_themes_and_at_all_widths(notebook, pictures, theme):
    stage = Stage(notebook, "lesson='he', depth=12")
    notebook.theme(theme)
    notebook.execute("record = widget.train(30)")
    stage.wait_for_step(30)
    stage.page.mouse.click(*stage.column(7))
    for selector in (".key", ".band b", ".text", ".counter", ".readout", ".diagnosis p", ".select span", "output"):
        assert notebook.contrast(f"{Stage.ROOT} {selector}") >= 4.5, selector
    for width in (1500, 700):
        stage.page.set_viewport_size({"width": width, "height": 1400})
        stage.settle()
        wide = "node => [node.scrollWidth, node.clientWidth]"
        inner, outer = stage.page.locator(f".jp-OutputArea-output:has({Stage.ROOT})").evaluate(wide)
        assert inner <= outer
        stage.root.screenshot(path=pictures / f"signal-{theme.split()[1].lower()}-{width}.png")
    stage.page.set_viewport_size({"width": 1500, "height": 1400})
