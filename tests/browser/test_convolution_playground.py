"""The convolution playground under a real mouse, keyboard and finger."""

import os
import re

import numpy as np
import pytest
from stage import WidgetStage

from cs231n_kit.widgets.convolution_state import state_from_string

VIEWPORT = {"width": 1360, "height": 1500}


class Stage(WidgetStage):
    """The widget on the page."""

    PROGRAM = "from cs231n_kit.widgets import ConvolutionPlayground\nwidget = ConvolutionPlayground({})"
    ROOT, PLOT = ".cs231n-convolution", "svg.grids"

    def center(self, grid, row, column):
        """The middle of a cell on the page; padding counts."""
        place = self.page.evaluate(
            """([grid, row, column]) => {
                const all = [...document.querySelectorAll(`.cs231n-convolution [data-grid="${grid}"] .cell`)];
                const lefts = [...new Set(all.map(cell => cell.getAttribute("x")))].length;
                const cell = all[row * lefts + column];
                cell.scrollIntoView({block: "nearest", inline: "nearest"});
                const {x, y, width, height} = cell.getBoundingClientRect();
                return [x + width / 2, y + height / 2];
            }""",
            [grid, row, column],
        )
        return place

    def point(self, grid, row, column):
        self.page.mouse.move(*self.center(grid, row, column))
        self.settle()

    def type(self, grid, row, column, text, key="Enter"):
        self.page.mouse.click(*self.center(grid, row, column))
        field = self.root.locator("input.editor")
        field.wait_for()
        field.fill(text)
        field.press(key)
        self.settle()

    def numbers(self, grid):
        """What stands in the cells of a grid, None where nothing does."""
        texts = self.root.locator(f'[data-grid="{grid}"] .number').all_text_contents()
        return [float(text.replace("−", "-")) if text else None for text in texts]

    def marks(self, kind):
        """The grids with a frame of this kind."""
        return sorted(self.root.locator(f".mark.{kind}.edge").evaluate_all("all => all.map(mark => mark.dataset.mark)"))


def test_forward_step_by_step(notebook):
    stage = Stage(notebook, "step=0")
    assert stage.numbers("out0") == [None] * 9 and stage.text(".sentence") == "The input is given."
    stage.click("One step on (→)")
    assert stage.numbers("out0") == [6] + [None] * 8 and stage.text(".sentence") == "Forward: out[0, 0, 0] = 6"
    lines = stage.root.locator(".story .line").all_text_contents()
    assert lines == ["0·(−1) + 1·0 + 2·0 +", "3·1 + 1·0 + 3·1 +", "2·0 + 1·0 + 0·(−1)"]
    assert stage.text(".story .sum") == "6 + bias 0 = 6"
    assert stage.marks("focus") == ["out0"] and stage.marks("read") == ["b0", "w0.0", "x0"]
    box = stage.root.locator(".mark.read.edge[data-mark=x0]")
    cell = float(stage.root.locator("[data-grid=x0] .cell").first.get_attribute("width"))
    assert float(box.get_attribute("width")) == 3 * cell  # the window
    stage.slide("Step", 5)
    assert stage.state["step"] == 5 and stage.numbers("out0")[5:] == [None] * 4
    stage.click("To the end (End)")
    assert stage.numbers("out0") == stage.notebook.value("widget.out.ravel().tolist()")
    stage.page.mouse.click(*stage.center("out0", 1, 0))  # a click on an output goes to its step
    stage.settle()
    assert stage.state["step"] == 4


def test_play_pauses_and_begins_again(notebook):
    stage = Stage(notebook, "height=8, width=8")
    stage.root.get_by_role("button", name="Play").click()  # from the end it begins at the beginning
    stage.root.locator(".sentence", has_text=re.compile(r"out\[0, 0, [1-5]\]")).wait_for()
    stage.root.locator(".steps button", has_text="Pause").click()
    stage.settle()
    assert 2 <= stage.state["step"] < 36
    large = Stage(notebook, "lesson='edges'")
    large.root.get_by_role("button", name="Play").click()
    steps = "() => Number(document.querySelector('.cs231n-convolution .steps input').value)"
    large.page.wait_for_function(f"() => ({steps})() > 100 && ({steps})() < 968")  # hundreds go by faster
    large.root.locator(".steps button", has_text="Pause").click()


def test_numbers_are_typed_and_everything_follows(notebook):
    stage = Stage(notebook)
    start = stage.state
    stage.click("To the end (End)")
    stage.type("x0", 0, 0, "−2,5")
    assert stage.state["x"][0][0][0] == -2.5 and stage.state["input"] == "own"
    assert stage.numbers("x0")[0] == -2.5
    assert stage.numbers("out0")[0] == 6 + 2.5  # its weight is -1
    assert stage.root.get_by_label("Input", exact=True).input_value() == "own"
    stage.type("w0.0", 1, 1, "10", key="Tab")  # Tab goes on to the next cell
    field = stage.root.locator("input.editor")
    assert field.get_attribute("aria-label") == "w[0, 0], row 1, column 2"
    field.press("Escape")
    stage.type("b0", 0, 0, "100")
    x, w = np.array(stage.state["x"]), np.array(stage.state["w"])
    assert w[0, 0, 1, 1] == 10 and stage.state["kernels"] == ["own"]
    assert stage.numbers("out0")[4] == (x[0, 1:4, 1:4] * w[0, 0]).sum() + 100
    stage.page.mouse.click(*stage.center("x0", 2, 2))
    field.fill("many")
    field.press("Enter")
    assert field.get_attribute("aria-invalid") == "true" and "Type a number" in stage.text(".status")
    field.press("Escape")
    assert not field.is_visible()
    for _ in range(4):
        stage.click("Undo")
    assert stage.state == start
    stage.click("Redo")
    assert stage.state["step"] == 9


def test_settings_and_what_does_not_fit(notebook):
    stage = Stage(notebook, "height=7, width=7")
    stage.slide("Stride S", 3)
    assert stage.text(".formulas").endswith("(7 − 3 + 2·0) / 3 + 1 = 2.333")
    assert "Stride 3 does not divide" in stage.text(".trouble")
    assert stage.root.locator(".unseen").count() == 2 and len(stage.numbers("out0")) == 4
    stage.click("S = 2")
    assert not stage.root.locator(".arithmetic .trouble").is_visible() and len(stage.numbers("out0")) == 9
    stage.slide("Dilation D", 4)
    assert "spread by dilation 4 covers 9 × 9 pixels" in stage.text(".trouble")
    assert stage.root.locator('[data-grid="out0"]').count() == 0
    assert stage.root.get_by_role("button", name="Play").is_disabled()
    stage.click("P = 1")
    assert stage.state["pad"] == 1 and len(stage.numbers("out0")) == 1
    assert "F′ = D (F − 1) + 1 = 4·2 + 1 = 9" in stage.text(".formulas")
    stage.select("Filter 0", "box blur")
    np.testing.assert_allclose(stage.numbers("w0.0"), 1 / 9, atol=1e-3)
    stage.slide("Dilation D", 1)
    stage.slide("Size F", 5)
    np.testing.assert_allclose(stage.numbers("w0.0"), [1 / 25] * 25)
    stage.root.get_by_role("radio", name="3").last.check(force=True)  # filters
    stage.settle()
    assert stage.text(".costs").startswith("Parameters: F·F·D₁·K + K = 5·5·1·3 + 3 = 78")
    stage.select("Input", "one pixel")
    assert sum(stage.state["x"][0][3]) == 1 and sum(map(sum, stage.state["x"][0])) == 1
    assert not stage.root.locator(".error").first.is_visible()


def test_backward_adds_up_step_by_step(notebook):
    stage = Stage(notebook, "lesson='backward', step=0")
    assert set(stage.numbers("dx0")) == {0} == set(stage.numbers("dw0.0"))
    stage.click("One step on (→)")
    np.testing.assert_allclose(np.reshape(stage.numbers("dx0"), (4, 4))[:3, :3].ravel(), stage.numbers("w0.0"))
    assert stage.marks("written") == ["db0", "dw0.0", "dx0"] and stage.numbers("db0") == [1]
    stage.click("One step on (→)")
    assert stage.numbers("db0") == [3]
    stage.point("dx0", 1, 1)
    assert stage.text(".story .title") == "dx[0, 1, 1] = 2 so far, 2 more to come"  # 1·w[1, 1] + 2·w[1, 0]
    assert stage.marks("read") == ["dout0", "w0.0"]
    stage.page.mouse.move(2, 2)
    stage.click("To the end (End)")
    assert stage.numbers("dx0") == stage.notebook.value("widget.gradients['x'].ravel().tolist()")
    stage.point("dw0.0", 0, 2)
    lines = stage.root.locator(".story .line").all_text_contents()
    assert lines == ["dout[0, 0, 0]·x[0, 0, 2] = 1·2 = 2", "dout[0, 0, 1]·x[0, 0, 3] = 2·3 = 6",
                     "dout[0, 1, 0]·x[0, 1, 2] = 3·3 = 9", "dout[0, 1, 1]·x[0, 1, 3] = −1·1 = −1"]  # fmt: skip
    assert stage.text(".story .sum") == "2 + 6 + 9 + (−1) = 16"
    stage.type("dout0", 0, 0, "5")
    assert stage.state["upstream"] == "own" and stage.numbers("db0") == [9]


def test_max_pooling_shows_its_switches(notebook):
    stage = Stage(notebook, "lesson='max pooling'")
    assert stage.root.locator('[data-grid="x0"] .dot').count() == 4
    assert not stage.root.get_by_label("Filter 0", exact=True).is_visible()
    assert not stage.root.get_by_role("slider", name="Dilation D").is_visible()
    stage = Stage(notebook, "lesson='switches'")
    stage.point("dx0", 1, 1)
    assert stage.text(".story .title") == "dx[0, 1, 1] = 5"
    assert "1 + 2 + 1 + 1 = 5" in stage.text(".story .sum")
    stage.page.mouse.move(2, 2)
    stage.type("x0", 0, 2, "50")  # the maximum of the first row of windows moves
    dx = np.reshape(stage.numbers("dx0"), (5, 5))
    assert dx[0, 2] == 1 + 2 + 3 and dx[1, 1] == 2
    stage.root.get_by_role("radio", name="Average pooling").check(force=True)
    stage.settle()
    np.testing.assert_allclose(np.reshape(stage.numbers("dx0"), (5, 5))[0, 0], 1 / 9, atol=1e-3)


def test_the_keyboard_alone_is_enough(notebook):
    stage = Stage(notebook)
    stage.page.mouse.move(2, 2)
    stage.plot.focus()
    stage.press("ArrowRight", "ArrowRight")
    assert stage.state["step"] == 3
    stage.press("Home", "End", "ArrowLeft")
    assert stage.state["step"] == 8
    stage.press("]", "ArrowDown", "ArrowRight")
    assert stage.text(".story .title").startswith("x[0, 1, 1] = 1, in 4 windows") and stage.marks("focus") == ["x0"]
    stage.press("Enter")
    field = stage.root.locator("input.editor")
    field.press_sequentially("7")
    field.press("Enter")
    stage.settle()
    assert stage.state["x"][0][1][1] == 7
    assert stage.page.evaluate("document.activeElement.classList.contains('grids')")
    stage.press("]", "]", "Enter")  # the output
    assert "computed" in stage.text(".status")
    stage.press("Escape", "ArrowRight")
    assert stage.state["step"] == 9
    stage.press("Control+z", "Control+z")
    assert stage.state["x"][0][1][1] == 1
    stage.press("d", "d", "b", "m")  # none of these keys reaches JupyterLab, where "d d" deletes the cell
    assert stage.cells() == ["code"]
    assert stage.nameless("input, button, svg, select") == []


def test_a_finger_reads_first_and_edits_then(notebook):
    stage = Stage(notebook)
    place = stage.center("x0", 2, 2)
    stage.page.touchscreen.tap(*place)
    stage.settle()
    field = stage.root.locator("input.editor")
    assert stage.text(".story .title").startswith("x[0, 2, 2]") and not field.is_visible()
    stage.page.touchscreen.tap(*place)
    field.wait_for()
    field.fill("9")
    field.press("Enter")
    stage.settle()
    assert stage.state["x"][0][2][2] == 9


def test_receptive_field(notebook):
    stage = Stage(notebook, "lesson='stack'")
    seen = "all => all.map(map => map.querySelectorAll('.seen').length)"
    maps = stage.root.locator("[data-map]")
    assert maps.evaluate_all(seen) == [49, 25, 9, 1]
    assert "sees 7 × 7 pixels of the 15 × 15 input." in stage.text(".stack .sentence")
    last = stage.root.locator("[data-map='3'] .cell")
    last.nth(0).scroll_into_view_if_needed()
    boxes = [last.nth(i).bounding_box() for i in (0, 16)]
    points = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
    stage.page.mouse.move(*points[0])
    stage.page.mouse.down()
    stage.settle()
    assert maps.evaluate_all(seen) == [16, 9, 4, 1] and "part of which lies in the padding" in stage.text(".stack")
    stage.page.mouse.move(*points[1], steps=4)
    stage.page.mouse.up()
    stage.settle()
    assert stage.state["unit"] == [1, 1]
    field = stage.root.locator("svg.field")
    field.press("ArrowDown")
    field.press("ArrowRight")
    stage.settle()
    assert stage.state["unit"] == [2, 2]
    stride = stage.root.get_by_label("S of layer 1", exact=True)
    stride.fill("2")
    stride.press("Tab")
    stage.settle()
    cells = stage.root.locator("table.layers tbody tr").last.locator("td").all_text_contents()
    assert cells[4:7] == ["8", "2", "7 + (3 − 1)·2 = 11"]
    stage.click("+ layer")
    assert len(stage.state["layers"]) == 4 and maps.count() == 5
    stage.root.get_by_label("Remove layer 2").click()
    stage.settle()
    assert [layer["stride"] for layer in stage.state["layers"]] == [2, 1, 1]
    size = stage.root.get_by_label("F of layer 3", exact=True)
    size.fill("7")
    pad = stage.root.get_by_label("P of layer 3", exact=True)
    pad.fill("0")
    side = stage.root.get_by_label("Width of the input")
    side.fill("9")
    side.press("Tab")
    stage.settle()
    assert "Layer 3 does not fit: its window covers 7 × 7 cells" in stage.text(".stack .trouble")
    stage.root.get_by_role("radio", name="Forward").check(force=True)
    stage.settle()
    assert stage.plot.is_visible() and stage.numbers("out0")


def test_lessons_and_the_copied_state(notebook):
    stage = Stage(notebook)
    stage.select("Things to see", "volume")
    assert "one slice for each channel" in stage.text(".lesson .text")
    assert stage.state["channels"] == 3 and len(stage.numbers("x2")) == 49  # padding is drawn
    stage.point("x0", 0, 0)
    assert stage.text(".story .title") == "padding: it counts as 0"
    stage.point("out1", 1, 1)
    assert len(stage.root.locator(".story .row").all()) == 3
    stage.type("w1.2", 1, 1, "3")
    assert state_from_string(stage.copied_state()) == stage.state
    stage.click("Undo")
    stage.click("Undo")
    assert stage.state["lesson"] == "dot product"


def test_python_and_a_second_view_see_the_same(notebook):
    stage = Stage(notebook, "height=4, width=4", "display(widget)\nwidget")
    notebook.execute("widget.change(x=[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]], kernels=['identity'])")
    both = stage.page.locator('.cs231n-convolution [data-grid="out0"] .number')
    stage.page.wait_for_function(
        "document.querySelectorAll('.cs231n-convolution [data-grid=out0] .number').length === 2"
    )
    stage.settle()
    assert both.all_text_contents() == ["5", "5"]
    stage.type("b0", 0, 0, "2")
    stage.page.wait_for_timeout(100)
    assert both.all_text_contents() == ["7", "7"]


def test_narrow_windows_rearrange_the_grids(notebook):
    stage = Stage(notebook, "lesson='volume'")
    wide = stage.plot.bounding_box()["width"]
    notebook.page.set_viewport_size({"width": 760, "height": 1500})
    stage.page.wait_for_function(
        "limit => document.querySelector('svg.grids').getBoundingClientRect().width < limit", arg=wide - 100
    )
    stage.settle()
    paper = stage.root.locator(".paper").first
    assert paper.evaluate("paper => paper.scrollWidth <= paper.clientWidth + 1")
    sizes = stage.root.locator("[data-grid=x0] .number").evaluate_all(
        "all => all.map(n => parseFloat(n.style.fontSize))"
    )
    assert min(sizes) >= 10
    stage = Stage(notebook, "lesson='backward'")  # and so they stand from the beginning
    paper = stage.root.locator(".paper").first
    assert paper.evaluate("paper => paper.scrollWidth <= paper.clientWidth + 1")
    notebook.page.set_viewport_size({"width": 1360, "height": 1500})
    stage.settle()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_text_stands_out_in_both_themes(notebook, theme, pictures):
    notebook.theme(theme)
    name = theme.split()[-1].lower()
    for lesson, step in (("volume", 11), ("backward", 2), ("stack", 0), ("stride", 3)):
        stage = Stage(notebook, f"lesson={lesson!r}, step={step}")
        selectors = ["svg .heading", "svg .title", ".lesson .text", "button:enabled"]
        if lesson == "stack":
            selectors += [".stack .sentence", ".stack td", ".stack th", ".hint"]
        else:
            selectors += [".sentence", ".story p:not([hidden])", ".formulas", ".costs", ".legend span"]
        if lesson == "volume":
            selectors += [".story .line", ".story .label", ".number.padding"]
        for selector in selectors:
            assert notebook.contrast(f".cs231n-convolution {selector}") >= 4.5, selector
        stage.root.screenshot(path=pictures / f"convolution-{name}-{lesson}.png")


def test_redraw_latency(notebook, record_property):
    stage = Stage(notebook, "lesson='edges'")
    stage.record_redraws()
    slider = stage.root.get_by_role("slider", name="Size F")
    for size in (1, 2, 3, 4, 5, 6, 7, 5, 3):
        slider.fill(str(size))
        stage.settle()
    times = sorted(stage.page.evaluate("window.redraws"))
    assert len(times) >= 5 and stage.state["size"] == 3
    record_property(
        "measured: convolution of 24 x 24, slider to redraw",
        f"median {times[len(times) // 2]:.0f} ms, {len(times)} frames; load {os.getloadavg()[0]:.1f}",
    )
