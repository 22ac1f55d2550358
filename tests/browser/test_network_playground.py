"""The network playground under a real mouse, keyboard and finger, while it trains."""

import os
import re
import statistics
import time

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from stage import PlaneStage

from cs231n_kit.widgets import palette
from cs231n_kit.widgets.playground_lessons import LESSONS
from cs231n_kit.widgets.playground_state import state_from_string

SMALL = "points_per_class=12, layers=[4, 3]"
VIEWPORT = {"width": 1500, "height": 1300}


class Stage(PlaneStage):
    """The playground on the page."""

    PROGRAM = "from cs231n_kit.widgets import NetworkPlayground\nwidget = NetworkPlayground({})"
    ROOT = ".cs231n-playground"

    def unit(self, layer, unit):
        return self.root.locator(".layer").nth(layer).locator(".unit").nth(unit)

    @property
    def steps(self):
        return self.notebook.value("widget.step_count")


def test_it_plays_pauses_steps_and_restarts(notebook, record_property):
    stage = Stage(notebook, "pace='fast'")
    stage.record_redraws("[performance.now(), detail.milliseconds, detail.live]")
    started = time.monotonic()
    stage.button("Play").click()
    stage.wait_for_step(300)
    assert notebook.value("1 + 1") == 2  # the kernel is free meanwhile
    time.sleep(1)
    stage.click("Pause")
    seconds = time.monotonic() - started
    steps = stage.steps
    assert stage.shown_step() == steps and not notebook.value("widget.running")
    frames = np.array([[at, took] for at, took, live in stage.page.evaluate("window.redraws") if live])
    between = statistics.median(np.diff(frames[:, 0]))
    record_property(
        "measured network playground, 3 arms, 2 x 8 units, fast",
        f"{steps / seconds:.0f} steps a second, {len(frames) / seconds:.0f} frames a second, {between:.0f} ms apart, "
        f"drawn in {statistics.median(frames[:, 1]):.0f} ms; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
    )
    time.sleep(0.3)
    assert stage.steps == steps
    stage.click("Step")
    assert stage.steps == steps + 1 == stage.shown_step()
    record = notebook.value("tuple(widget.history[-1])")
    loss, accuracy = stage.root.locator(".numbers").all_inner_texts()
    assert [float(text) for text in re.findall(r"[\d.]+(?:e-\d+)?", loss)] == pytest.approx(record[1:3], rel=0.01)
    assert [float(text) for text in re.findall(r"[\d.]+", accuracy)] == pytest.approx(
        [100 * r for r in record[3:]], abs=0.1
    )
    stage.click("Restart")
    assert stage.steps == 0 == stage.shown_step()
    first = notebook.value("widget.network.parameters['0.w'].tolist()")
    stage.click("New weights")
    assert stage.state["network_seed"] == 1 and notebook.value("widget.network.parameters['0.w'].tolist()") != first


def test_the_plane_shows_pythons_regions_and_a_units_output(notebook):
    stage = Stage(notebook, "test_share=0")
    notebook.execute("record = widget.train(300)")
    stage.wait_for_step(300)
    stage.settle()
    labels, confidence = np.array(notebook.value("widget.regions(20).tolist()"))
    points = np.array(stage.state["points"])
    ticks = (np.arange(20) + 0.5) / 10 - 1
    x, y = np.meshgrid(ticks, ticks[::-1])
    apart = np.hypot(x[..., None] - points[:, 0], y[..., None] - points[:, 1]).min(axis=-1) > 0.09
    sure = (confidence > 240) & apart & (np.abs(x) < 0.85) & (np.abs(y) < 0.85)
    assert sure.sum() > 60

    def at_cells(picture):
        side = picture.shape[0]
        return picture[((1 - y) / 2 * side).astype(int), ((x + 1) / 2 * side).astype(int)]

    expected = palette.tinted(labels % 6, confidence / 255)
    close = np.abs(at_cells(stage.picture()) - expected).max(axis=-1) < 0.15
    assert close[sure].mean() > 0.95

    stage.unit(2, 4).hover()
    stage.settle()
    assert "layer 2, unit 5: output from" in stage.text(".readout")
    ask = "__import__('cs231n_kit.widgets.playground_data', fromlist=['input_features'])"
    cells = np.stack([x.ravel(), y.ravel()], axis=1).round(3).tolist()
    notebook.execute(
        f"outputs = {{}}\nwidget.network.forward({ask}.input_features({cells}, ['x1', 'x2']), "
        "observe=outputs.__setitem__)\nunit = outputs['3'][:, 4]"
    )
    unit = np.array(notebook.value("unit.tolist()")).reshape(20, 20)
    share = unit / np.float64(notebook.value("float(widget._run.unit_maps(30)[2 + 8 + 4].max())"))
    zero, above = np.array(to_rgb(palette.ZERO)), np.array(to_rgb(palette.POSITIVE))
    expected = zero + share[..., None] * (above - zero)
    assert np.median(np.abs(at_cells(stage.picture()) - expected).max(axis=-1)[apart]) < 0.05
    # The unit's own small picture shows the same.
    small = stage.picture(stage.unit(2, 4).locator("canvas"))
    assert small.shape == (30, 30, 3)
    assert np.corrcoef(small[1::3, 1::3, 2].ravel(), unit[1::2, 1::2].ravel())[0, 1] < -0.9


def test_a_line_tells_its_weight_and_a_unit_its_numbers(notebook):
    stage = Stage(notebook, "layers=[3], features=['x1', 'x1x2'], classes=2")
    start, end = stage.unit(0, 4).bounding_box(), stage.unit(1, 2).bounding_box()
    x = (start["x"] + start["width"] + end["x"]) / 2
    y = (start["y"] + start["height"] / 2 + end["y"] + end["height"] / 2) / 2
    stage.page.mouse.move(x, y)
    stage.page.wait_for_selector(".cs231n-playground .tip:not([hidden])")
    weights = np.array(notebook.value("widget.network.parameters['0.w'].tolist()"))
    name, value = stage.text(".tip").replace("−", "-").rsplit(": ", 1)
    assert name == "x1x2 → layer 1, unit 3" and float(value) == pytest.approx(weights[1, 2], rel=0.01)
    stage.page.mouse.move(x, y + 160)
    stage.page.wait_for_selector(".cs231n-playground .tip", state="hidden")

    stage.unit(1, 0).focus()  # and on with the keyboard
    stage.page.keyboard.press("ArrowDown")
    stage.settle()
    told = stage.text(".readout").replace("−", "-")
    assert told.startswith("layer 1, unit 2: output from 0.00 to")
    assert f"Weights {weights[0, 1]:.2f}, {weights[1, 1]:.2f}; bias 0.00" in told
    stage.page.keyboard.press("ArrowRight")
    stage.settle()
    into = np.array(notebook.value("widget.network.parameters['2.w'][:, 1].tolist()"))
    told = stage.text(".readout").replace("−", "-")
    assert told.startswith("score of class 1") and f"Weights {', '.join(f'{w:.2f}' for w in into)}; bias 0.00" in told


def test_layers_units_and_inputs_come_and_go_while_it_trains(notebook):
    stage = Stage(notebook, SMALL)
    stage.button("Play").click()
    stage.wait_for_step(5)
    stage.click("One unit more in layer 2")
    stage.click("One unit less in layer 1")
    stage.click("Add layer")
    stage.select("Activation of layer 3", "tanh")
    stage.select("Initial weights of layer 1", "xavier_uniform")
    stage.unit(0, 4).click()
    stage.settle()
    state = stage.state
    assert [layer["units"] for layer in state["layers"]] == [3, 4, 4]
    assert [layer["activation"] for layer in state["layers"]] == ["relu", "relu", "tanh"]
    assert state["layers"][0]["initialize"] == "xavier_uniform" and state["features"] == ["x1", "x2", "x1x2"]
    assert stage.root.locator(".unit:not(.feature)").count() == 3 + 4 + 4 + 3
    assert notebook.value("widget.running")
    shapes = notebook.value("[w.shape for w in widget.network.parameters.values() if w.ndim == 2]")
    assert shapes == [(3, 3), (3, 4), (4, 4), (4, 3)]
    stage.wait_for_step(5)
    stage.click("Pause")
    for _ in range(3):
        stage.click("Remove layer 1")
    assert stage.state["layers"] == [] and stage.root.get_by_role("button", name="Remove layer").count() == 0
    stage.click("Undo")
    stage.click("Undo")
    assert [layer["units"] for layer in stage.state["layers"]] == [4, 4]
    for name in ("x1", "x2", "x1x2"):
        stage.root.locator(f".feature[title^='Input {name}:']").click()
        stage.settle()
    assert stage.state["features"] == ["x1x2"]  # the last input stays


def test_training_is_set_while_it_runs(notebook):
    stage = Stage(notebook, SMALL + ", learning_rate=0.02")
    stage.button("Play").click()
    stage.wait_for_step(3)
    stage.select("Learning rate", "0.1")
    stage.select("Optimizer", "rmsprop")
    stage.select("L2", "0.01")
    stage.select("Batch size", "8")
    stage.root.get_by_role("slider", name="Dropout").fill("0.25")
    stage.root.get_by_role("slider", name="Test").fill("0.5")
    stage.root.get_by_role("radio", name="100 steps").press("ArrowLeft")
    stage.settle()
    stage.click("Pause")
    state = stage.state
    found = [
        state[name] for name in ("learning_rate", "optimizer", "l2", "batch_size", "dropout", "test_share", "pace")
    ]
    assert found == [0.1, "rmsprop", 0.01, 8, 0.25, 0.5, "slow"]
    assert sum(state["test"]) == 18 and stage.steps > 3
    notebook.execute("widget.change(learning_rate=0.042)")
    stage.settle()
    assert stage.root.get_by_role("combobox", name="Learning rate").input_value() == "0.042"


def test_points_are_dragged_added_and_removed_while_it_trains(notebook):
    stage = Stage(notebook, SMALL + ", test_share=0.5, noise=0.02")
    start = stage.state
    stage.button("Play").click()
    stage.wait_for_step(3)
    stage.page.mouse.move(*stage.pixel(start["points"][5]))
    stage.page.mouse.down()
    stage.page.mouse.move(*stage.pixel((0.85, -0.85)), steps=15)
    stage.page.mouse.up()
    stage.settle()
    moved = stage.state
    assert moved["points"][5] == pytest.approx([0.85, -0.85], abs=0.01)
    assert moved["points"][6:] == start["points"][6:] and moved["test"] == start["test"]
    stage.root.locator(".brush label").nth(1).click()
    stage.click_at((-0.9, -0.9))
    added = stage.state
    assert added["labels"][-1] == 1 and added["test"] == [*start["test"], False]
    stage.page.keyboard.down("Shift")
    stage.page.mouse.click(*stage.pixel(start["points"][0]))
    stage.page.keyboard.up("Shift")
    stage.settle()
    removed = stage.state
    assert removed["points"] == added["points"][1:] and removed["test"] == added["test"][1:]
    assert notebook.value("widget.running")
    stage.click("Pause")
    for expected in (added, moved, start):
        stage.click("Undo")
        assert stage.state == expected
    stage.click("Redo")
    stage.click("Reset")
    assert stage.state == start and stage.steps == 0


def test_a_finger_adds_and_drags_points(notebook):
    stage = Stage(notebook, SMALL + ", noise=0.02")
    start = stage.state
    stage.page.touchscreen.tap(*stage.pixel((0.9, -0.9)))
    stage.settle()
    assert stage.state["points"][-1] == pytest.approx([0.9, -0.9], abs=0.01)
    finger = stage.page.context.new_cdp_session(stage.page)
    begin, end = np.array(start["points"][11]), np.array([-0.8, -0.8])
    for kind, place in (
        ("touchStart", begin),
        *(("touchMove", begin + t * (end - begin)) for t in np.linspace(0.2, 1, 6)),
    ):
        x, y = stage.pixel(place)
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    stage.settle()
    assert stage.state["points"][11] == pytest.approx(end, abs=0.02)
    stage.unit(1, 2).tap()
    stage.settle()
    assert stage.text(".readout").startswith("layer 1, unit 3")


def test_the_keyboard_plays_and_jupyterlab_keeps_still(notebook):
    stage = Stage(notebook, SMALL)
    stage.plot.focus()
    for key in ("s", "s"):
        stage.page.keyboard.press(key)
        stage.settle()
    assert stage.steps == 2
    stage.page.keyboard.press("Space")
    stage.wait_for_step(8)
    stage.unit(1, 0).focus()
    stage.page.keyboard.press("Space")
    stage.settle()
    assert not notebook.value("widget.running")
    stage.page.keyboard.press("r")
    stage.settle()
    assert stage.steps == 0
    stage.plot.focus()
    before = stage.state["test"]
    for key in ("]", "t"):
        stage.page.keyboard.press(key)
        stage.settle()
    assert stage.state["test"] == [not before[0], *before[1:]]
    assert ("test" if not before[0] else "training") in stage.text("[role=status].status")
    stage.page.keyboard.press("d")
    stage.page.keyboard.press("d")
    assert stage.cells() == ["code"]
    assert stage.nameless("input, select, button, .plot, .curve") == []


def test_lessons_comment_diverge_and_die(notebook):
    stage = Stage(notebook, SMALL)
    stage.select("Things to see", "divergence")
    assert stage.text(".lesson .text") == LESSONS["divergence"].text
    points = stage.state["points"]
    stage.button("Play").click()
    stage.wait_for_text(".error", "Training diverged: step")
    assert stage.button("Play").is_visible() and not notebook.value("widget.running")
    assert stage.state["points"] == points
    stage.select("Learning rate", "0.03")
    stage.click("Restart")
    assert not stage.root.locator(".error").first.is_visible()
    stage.select("Things to see", "dead")
    notebook.execute("record = widget.train(400)")
    stage.wait_for_text(".error", "is dead: its ReLUs put out 0")
    assert stage.root.locator(".unit.dead").count() >= 8
    assert "dead" in stage.root.locator(".unit.dead").first.get_attribute("aria-label")
    stage.select("Things to see", "vanishing")
    stage.click("Step")
    sizes = [
        float(text.removeprefix("gradient ").replace("−", "-"))
        for text in stage.root.locator(".foot").all_inner_texts()
        if text
    ]
    assert len(sizes) == 7 and sizes[0] < sizes[-1] / 1000


def test_the_code_and_the_state_are_copied(notebook):
    stage = Stage(notebook, SMALL + ", l1=0.001")
    notebook.execute("record = widget.train(20)")
    stage.wait_for_step(20)
    stage.root.locator(".code summary").click()
    stage.wait_for_text(".code pre", "range(20)")
    stage.click("Copy the code")
    code = stage.page.evaluate("navigator.clipboard.readText()")
    assert code == notebook.value("widget.code()")
    notebook.execute(f"scope = {{}}\nexec({code!r}, scope)")
    assert notebook.value(
        "all((scope['network'].parameters[k] == w).all() for k, w in widget.network.parameters.items())"
    )
    stage.click("Step")
    stage.wait_for_text(".code pre", "range(21)")
    assert state_from_string(stage.copied_state()) == stage.state


def test_own_points_come_back_after_a_preset(notebook):
    stage = Stage(notebook, "[[0, 0], [3, 4], [6, 2], [1, 1]], [0, 1, 0, 2], layers=[3]")
    start = stage.state
    assert stage.root.get_by_role("radio", name="own").is_checked()
    assert not stage.root.get_by_role("slider", name="Noise").is_visible()
    stage.root.get_by_role("radio", name="Moons").check(force=True)
    stage.settle()
    assert len(stage.state["points"]) > 100
    stage.root.get_by_role("radio", name="own").check(force=True)
    stage.settle()
    assert stage.state == start


def test_two_playgrounds_run_at_once_and_a_rerun_stops_them(notebook):
    stage = Stage(notebook, SMALL, "other = NetworkPlayground(points_per_class=10)\ndisplay(widget, other)")
    assert stage.page.locator(".cs231n-playground").count() == 2
    stage.page.locator(".cs231n-playground .play").evaluate_all("all => all.forEach(button => button.click())")
    stage.wait_for_step(10)
    assert notebook.value("(widget.running, other.running)") == (True, True)
    notebook.execute("old = [widget, other]")
    again = Stage(notebook, SMALL)
    deadline = time.monotonic() + 10
    while notebook.value("[one.running for one in old]") != [False, False]:
        assert time.monotonic() < deadline
    assert notebook.value("sum(t.name == 'network playground' for t in __import__('threading').enumerate())") == 0
    again.click("Step")
    assert again.steps == 1


def test_a_kernel_restart_in_the_middle_is_harmless(open_notebook):
    notebook = open_notebook(viewport={"width": 1500, "height": 1300})
    stage = Stage(notebook, SMALL)
    stage.button("Play").click()
    stage.wait_for_step(5)
    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    notebook.wait_idle(60)
    stage.root.locator(".play").click()
    stage.wait_for_text(".notices", "run this cell again")
    again = Stage(notebook, SMALL)
    again.button("Play").click()
    again.wait_for_step(5)
    again.click("Pause")


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_reads_well_in_both_themes_and_at_all_widths(notebook, pictures, theme):
    stage = Stage(notebook, "lesson='spiral'")
    notebook.theme(theme)
    notebook.execute("record = widget.train(200)")
    stage.wait_for_step(200)
    parts = (
        ".foot",
        ".numbers .test",
        ".numbers .train",
        ".legend span",
        ".feature span",
        ".readout",
        ".text",
        ".counter",
    )
    for selector in parts:
        assert notebook.contrast(f".cs231n-playground {selector}") >= 4.5, selector
    for width in (1500, 760):
        stage.page.set_viewport_size({"width": width, "height": 1300})
        stage.settle()
        wide = "node => [node.scrollWidth, node.clientWidth]"
        inner, outer = stage.page.locator(".jp-OutputArea-output:has(.cs231n-playground)").evaluate(wide)
        assert inner <= outer
        stage.root.screenshot(path=pictures / f"network-playground-{theme.split()[1].lower()}-{width}.png")
    stage.page.set_viewport_size({"width": 1500, "height": 1300})
