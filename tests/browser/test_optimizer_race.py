"""The optimizer race under a real mouse, keyboard and finger."""

import os

import numpy as np
import pytest
from stage import PlaneStage

from cs231n_kit.widgets.optimizer_race_lessons import LESSONS
from cs231n_kit.widgets.optimizer_race_state import state_from_string


class Stage(PlaneStage):
    """The widget on the page."""

    PROGRAM = "from cs231n_kit.widgets import OptimizerRace\nwidget = {}"
    ROOT, PLOT = ".cs231n-race", "canvas.plot"

    def pixel(self, place):
        """Where a place of the surface is on the screen."""
        box, state = self.plot.bounding_box(), self.state
        scale = (box["width"] - 2) / (2 * state["reach"])
        x, y = (part - middle for part, middle in zip(place, state["center"], strict=True))
        return box["x"] + 1 + (x + state["reach"]) * scale, box["y"] + 1 + (state["reach"] - y) * scale

    def colors(self, place, radius=4):
        """The colours around a place, uint8 (n, 3)."""
        x, y = self.pixel(place)
        box = self.plot.bounding_box()
        data = self.plot.evaluate(
            """(canvas, [x, y, radius]) => {
                const scale = canvas.width / canvas.clientWidth, size = Math.round(2 * radius * scale);
                const box = [Math.round((x - radius) * scale), Math.round((y - radius) * scale), size, size];
                return [...canvas.getContext("2d").getImageData(...box).data];
            }""",
            [x - box["x"] - 1, y - box["y"] - 1, radius],
        )
        return np.array(data, np.uint8).reshape(-1, 4)[:, :3]

    def shows(self, place, color):
        """Whether a colour "#rrggbb" is seen around a place."""
        rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
        return bool((np.abs(self.colors(place).astype(int) - rgb).max(axis=1) < 24).any())

    def card(self, name):
        """The part of the page about one optimizer."""
        return self.root.locator(".racer").filter(has=self.page.locator(f"b:text-is('{name}')"))


BLUE, BROWN = "#1f5fae", "#8c6d1f"


def test_dragging_the_start_runs_the_race_from_there(notebook):
    stage = Stage(notebook, "OptimizerRace(racers=['sgd', 'adam'])")
    stage.drag((-1, 0.6), (0.9, -0.5))
    np.testing.assert_allclose(stage.state["start"], [0.9, -0.5], atol=0.01)
    paths = np.array(notebook.value("widget.race.paths[:, :40].tolist()"))
    np.testing.assert_allclose(paths[:, 0], [stage.state["start"]] * 2)
    assert stage.shows(paths[0, 3], BLUE) and stage.shows(paths[1, 8], BROWN)
    assert not stage.shows((-0.8, 0.8), BLUE)
    stage.drag((0.9, -0.5), (0.9, -0.5), steps=1)  # a press without a move changes nothing
    np.testing.assert_allclose(stage.state["start"], [0.9, -0.5], atol=0.01)
    stage.click_at((-0.5, -0.8))
    np.testing.assert_allclose(stage.state["start"], [-0.5, -0.8], atol=0.01)
    stage.press("Control+z")
    np.testing.assert_allclose(stage.state["start"], [0.9, -0.5], atol=0.01)


def test_the_map_is_moved_and_zoomed(notebook):
    stage = Stage(notebook, "OptimizerRace(surface='beale')")
    stage.drag((-3, -3), (-2, -2.5))
    np.testing.assert_allclose(stage.state["center"], [-1, -0.5], atol=0.03)
    stage.button("+").click()
    stage.click("+")
    assert stage.state["reach"] == pytest.approx(4.5 * 0.49)
    stage.page.mouse.move(*stage.pixel((0, 0)))
    before = stage.pixel((0, 0))
    stage.page.keyboard.down("Control")
    stage.page.mouse.wheel(0, -300)
    stage.page.keyboard.up("Control")
    stage.settle()
    assert stage.state["reach"] < 2.2
    np.testing.assert_allclose(stage.pixel((0, 0)), before, atol=2)  # what is under the pointer stays there
    stage.press("0")
    assert (stage.state["center"], stage.state["reach"]) == ([0, 0], 4.5)


def test_play_step_and_scrub(notebook):
    stage = Stage(notebook, "OptimizerRace(racers=['sgd'], steps=60, settings={'sgd': {'learning_rate': 0.045}})")
    path = np.array(notebook.value("widget.race.paths[0].tolist()"))
    late = path[20] + [0, 0]
    assert stage.shows(late, BLUE)
    stage.press("Home")
    assert stage.state["step"] == 0 and not stage.shows(late, BLUE)
    stage.press("]", ".", "[")
    assert stage.state["step"] == 1 and stage.shows(path[1], BLUE) and not stage.shows(path[2], BLUE)
    box = stage.root.locator("canvas.losses").bounding_box()
    stage.drag_mouse((box["x"] + 60, box["y"] + 60), (box["x"] + 40 + (box["width"] - 48) / 2, box["y"] + 60), steps=5)
    assert stage.state["step"] == 30
    loss = float(stage.card("SGD").locator(".loss").inner_text().replace("−", "-"))
    assert loss == pytest.approx(notebook.value("float(widget.race.losses[0, 30])"), rel=0.05)
    stage.plot.press(" ")
    stage.page.wait_for_function("document.querySelector('.cs231n-race .play').textContent === 'Pause'")
    stage.page.wait_for_function("document.querySelector('.cs231n-race .play').textContent === 'Play'")
    stage.settle()
    assert stage.state["step"] == 60
    stage.root.get_by_label("Step", exact=True).fill("7")
    stage.settle()
    assert stage.state["step"] == 7 and stage.button("One step back ([)").is_enabled()


def test_rates_and_switches_and_what_is_said(notebook):
    stage = Stage(notebook, "OptimizerRace(lesson='zigzag')")
    verdict = stage.card("SGD").locator(".verdict")
    assert "steps turn back" in verdict.inner_text()
    field = stage.card("SGD").get_by_label("rate of SGD", exact=True)
    field.fill("0.1")
    field.press("Tab")
    stage.settle()
    assert verdict.inner_text() == (
        "SGD leaves the picture at step 1: with learning rate 0.1 and curvature 40 it needs a rate below 0.05."
    )
    field.fill("-3")
    assert field.get_attribute("aria-invalid") == "true"
    field.press("Tab")
    stage.settle()
    assert field.input_value() == "0.1" and stage.state["settings"]["sgd"]["learning_rate"] == 0.1
    slider = stage.root.get_by_label("Learning rate of SGD")
    for _ in range(8):
        slider.press("ArrowLeft")  # a twentieth of a decade each
    stage.settle()
    assert stage.state["settings"]["sgd"]["learning_rate"] == pytest.approx(0.04)
    field.focus()
    field.press("ArrowUp")
    stage.settle()
    assert stage.state["settings"]["sgd"]["learning_rate"] == pytest.approx(0.045)
    assert not stage.card("Adam").get_by_label("β₁ of Adam").is_visible()
    stage.root.get_by_label("Adam runs").check()
    stage.root.get_by_label("SGD runs").uncheck()
    stage.settle()
    assert stage.state["racers"] == ["adam"]
    stage.card("Adam").get_by_label("β₁ of Adam").fill("0.5")
    stage.settle()
    assert stage.state["settings"]["adam"]["beta1"] == 0.5
    assert stage.card("Adam").locator(".verdict").inner_text().startswith("Adam ")


def test_surfaces_schedules_and_noise(notebook):
    stage = Stage(notebook, "OptimizerRace()")
    condition = stage.root.get_by_label("Condition", exact=True)
    condition.fill("80")  # 40 for each decade
    stage.settle()
    assert stage.state["condition"] == 100
    told = stage.root.locator(".readout").inner_text()
    assert "1 to 100." in told and told.endswith("SGD is stable below 2 / 100 = 0.02.")
    stage.root.get_by_label("Surface", exact=True).select_option("saddle")
    stage.settle()
    assert stage.state["start"] == [-1.4, 0.001] and not condition.is_visible()
    schedules = stage.root.get_by_label("Learning rate over time", exact=True)
    schedules.select_option("step")
    stage.settle()
    stage.root.get_by_label("Every", exact=True).fill("40")
    stage.root.get_by_label("Times", exact=True).fill("0.1")
    stage.root.get_by_label("Steps", exact=True).fill("120")
    stage.root.get_by_label("Noise σ", exact=True).fill("0.5")
    stage.settle()
    rates = notebook.value("widget.race.rates[0].tolist()")
    np.testing.assert_allclose(rates, 0.1 * 0.1 ** (np.arange(120) // 40), rtol=1e-6)
    assert stage.state["noise"] == 0.5 and stage.state["step"] == 120
    label = stage.root.locator("canvas.rates").get_attribute("aria-label")
    assert label == "Learning rate at step 120: 0.010 of the largest"
    stage.click("New noise")
    assert stage.state["seed"] == 1


def test_a_surface_of_ones_own_is_typed_and_errors_are_shown_in_place(notebook):
    stage = Stage(notebook, "OptimizerRace('square(x) + 4 * square(y)')")
    box = stage.root.get_by_label("f(x, y)")
    box.fill("square(x) + sqr(y)")
    box.press("Enter")
    stage.settle()
    error = stage.root.locator(".own .error")
    assert "did you mean" in error.inner_text() and error.locator("mark").inner_text() == "sqr"
    assert stage.state["expression"] == "square(x) + 4 * square(y)" and box.get_attribute("aria-invalid") == "true"
    box.fill("(x - 1)**2 + (y + 1)**2")
    stage.click("Race on it")
    assert not error.is_visible() and stage.state["expression"] == "(x - 1)**2 + (y + 1)**2"
    np.testing.assert_allclose(notebook.value("widget.minima"), [[1, -1]], atol=1e-6)
    stage.drag(stage.state["start"], (1, -1))
    stage.root.get_by_label("Adam runs").uncheck()
    assert len(set(map(tuple, stage.colors((2.2, -1), 30)))) > 3, "lines of equal height"


def test_lessons(notebook):
    stage = Stage(notebook, "OptimizerRace()")
    for name, lesson in LESSONS.items():
        stage.root.get_by_label("Things to see").select_option(name)
        stage.settle()
        assert stage.root.locator(".lesson .text").inner_text() == lesson.text
        assert notebook.value(f"widget.state == OptimizerRace(lesson={name!r}).state")
        shown = stage.root.locator(".racer:not(.off) .verdict").all_inner_texts()
        assert shown == [f"{verdict['text']}." for verdict in notebook.value("widget.verdicts()")]


def test_a_finger_drags_the_start_and_scrolls_elsewhere(notebook):
    stage = Stage(notebook, "OptimizerRace()")
    touch = stage.page.context.new_cdp_session(stage.page)

    def swipe(start, end):
        (x, y), (right, down) = stage.pixel(start), stage.pixel(end)
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for share in np.linspace(0.1, 1, 10):
            at = {"x": x + share * (right - x), "y": y + share * (down - y)}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        stage.settle()

    swipe((-1, 0.6), (0.5, 0.5))
    np.testing.assert_allclose(stage.state["start"], [0.5, 0.5], atol=0.05)
    stage.page.touchscreen.tap(*stage.pixel((-0.4, -0.4)))
    stage.settle()
    np.testing.assert_allclose(stage.state["start"], [-0.4, -0.4], atol=0.05)
    before = stage.state
    swipe((-0.8, -0.2), (-0.8, 0.4))
    assert stage.state == before, "the page scrolls"


def test_keyboard_alone(notebook):
    stage = Stage(notebook, "OptimizerRace()")
    stage.press("ArrowRight", "Shift+ArrowUp", "ArrowDown")
    np.testing.assert_allclose(stage.state["start"], [-1 + 0.024, 0.6 + 0.12 - 0.024], atol=1e-6)
    assert stage.root.locator(".status").inner_text() == "Start at (−0.976, 0.696)"
    stage.press("+", "Control+z")
    assert stage.state["reach"] == 1.2
    # None of these keys reaches JupyterLab, where "d d" deletes the cell.
    stage.press("d", "d", "b", "m", "y")
    assert stage.cells() == ["code"]
    assert stage.nameless("input, button, canvas, select, textarea") == []


def test_the_copied_state_is_the_state_and_a_second_view_sees_the_same(notebook):
    stage = Stage(notebook, "OptimizerRace(lesson='beale', step=40)\ndisplay(widget)")
    stage.drag((1, 1.5), (2, 1.5))
    text = stage.copied_state()
    assert state_from_string(text, LESSONS) == stage.state
    np.testing.assert_allclose(stage.state["start"], [2, 1.5], atol=0.05)
    labels = stage.page.locator(".cs231n-race canvas.plot").evaluate_all("all => all.map(plot => plot.ariaLabel)")
    assert len(labels) == 2 and labels[0] == labels[1] and "step 40" in labels[0]
    notebook.execute("widget.surface = 'ravine'")
    stage.page.wait_for_function(
        "[...document.querySelectorAll('.cs231n-race .settings select')]"
        ".filter(list => list.selectedOptions[0].value === 'ravine').length === 2"
    )


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_text_stands_out_in_both_themes(notebook, theme, pictures):
    stage = Stage(notebook, "OptimizerRace(lesson='ravine')")
    notebook.theme(theme)
    stage.root.get_by_label("rate of SGD", exact=True).fill("0.1")
    stage.settle()
    for selector in (".lesson .text", ".racer b", ".racer:not(.off) .verdict", ".field span", ".readout",
                     ".slider span", "output", "button:not(.play):enabled", "select", ".curves b",
                     ".field input"):  # fmt: skip
        assert notebook.contrast(f".cs231n-race {selector}") >= 4.5, selector
    assert notebook.contrast(".cs231n-race button.play") >= 3, "it is bold"
    assert stage.card("SGD").locator(".verdict.left").count() == 1
    name = theme.split()[-1].lower()
    stage.root.screenshot(path=pictures / f"race-{name}-ravine.png")
    stage = Stage(
        notebook, "OptimizerRace('square(x) / 4 + square(y) + sin(3 * x) * cos(2 * y)', noise=1, schedule='warm_up')"
    )
    box = stage.root.get_by_label("f(x, y)")
    box.fill("sin(x) + cos(y")
    box.press("Enter")
    stage.settle()
    stage.root.screenshot(path=pictures / f"race-{name}-own.png")


def test_narrow_windows(notebook, pictures):
    stage = Stage(notebook, "OptimizerRace(lesson='saddle')")
    stage.root.evaluate("root => { root.parentElement.style.width = '390px'; }")
    stage.settle()
    assert stage.root.evaluate("root => root.scrollWidth <= root.clientWidth + 1")
    wide = stage.root.evaluate(
        """root => [...root.querySelectorAll("canvas, button, input, select, .racer, p")]
            .filter(node => node.getBoundingClientRect().right > root.getBoundingClientRect().right + 1).length"""
    )
    assert wide == 0
    stage.root.screenshot(path=pictures / "race-narrow.png")


def test_redraw_latency(notebook, record_property):
    stage = Stage(notebook, "OptimizerRace(surface='beale', steps=200)")
    stage.record_redraws()
    stage.drag((1, 1.5), (-2, 2.5), steps=100)
    times = sorted(stage.page.evaluate("window.redraws"))
    assert len(times) > 5
    record_property(
        "measured: race of 6 optimizers and 200 steps, drag to redraw",
        f"median {times[len(times) // 2]:.0f} ms, largest {times[-1]:.0f} ms, {len(times)} frames of 100 places; "
        f"load {os.getloadavg()[0]:.1f}",
    )
