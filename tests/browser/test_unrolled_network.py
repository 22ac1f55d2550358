"""The unrolled network under a real mouse, keyboard and finger."""

import re

import pytest
from stage import WidgetStage

from cs231n_kit.widgets.unrolled_network_state import state_from_string

VIEWPORT = {"width": 1360, "height": 1900}


class Stage(WidgetStage):
    """The widget on the page."""

    PROGRAM = "from cs231n_kit.widgets import UnrolledNetwork\nwidget = {}"
    ROOT, PLOT = ".cs231n-unrolled", "svg.unrolled:has(.cell)"

    def order(self, kind, t, unit):
        """How many squares of a kind come before this one."""
        scene = self.notebook.value("[(c['kind'], c['t'], c['unit']) for c in widget.scene()['cells']]")
        return [(at, one) for name, at, one in scene if name == kind].index((t, unit))

    def texts(self, kind, part="number"):
        return self.plot.locator(f".cell.{kind} .{part}").all_text_contents()

    def weight(self, name):
        return self.root.get_by_role("button", name=f"{name} = ")


def shown(values):
    """Numbers as squares show them."""
    return [f"{value:.2f}".replace("-", "−") if value else "0" for value in values]


def test_forward_and_then_back_through_time_step_by_step(notebook):
    stage = Stage(notebook, "UnrolledNetwork('hello', step=0)")
    h = notebook.value("widget.states['h'].tolist()")
    assert stage.texts("h") == ["0"] * 3 + [""] * 12 and stage.texts("x") == list("hell")
    assert stage.text(".sentence").startswith("The network reads hell, one letter a step")
    stage.click("One step on (→)")
    assert stage.texts("h")[3:6] == shown(h[0]) and stage.texts("h")[6] == ""
    assert stage.text(".sentence").startswith("Forward, step 1: h₁ = tanh(x₁ Wx + h₀ Wh + b)")
    assert stage.text(".story .title") == "h₁[0] = tanh(x₁ Wx + h₀ Wh + b)[0]"
    stage.root.get_by_role("slider", name="Step", exact=True).fill("9")
    stage.settle()
    assert stage.texts("h")[3:] == [text for row in h for text in shown(row)]
    assert stage.text(".sentence").startswith("Backward, step 4: its loss sends h₄ a gradient")
    grads = stage.texts("h", "grad")
    assert all(grads[12:]) and not any(grads[:12])
    assert not any(stage.plot.locator(".bar .grad").all_text_contents())
    stage.click("One step on (→)")
    assert sum(map(bool, stage.plot.locator(".bar .grad").all_text_contents())) == 1
    stage.click("To the end (End)")
    bars = [float(text.replace("−", "-")) for text in stage.plot.locator(".bar .grad").all_text_contents()]
    assert len(bars) == 5 and sum(bars[:4]) == pytest.approx(bars[4], abs=0.005)
    assert bars[4] == pytest.approx(notebook.value("float(widget.gradients['Wh'][0, 0])"), rel=0.05)
    assert stage.text(".story .title").startswith("∂L/∂Wh[0, 0] = ") and "step 4: " in stage.text(".story")
    assert all(stage.texts("h", "grad"))


def test_play_runs_and_can_be_paused(notebook):
    stage = Stage(notebook, "UnrolledNetwork('hello', step=16)")
    stage.root.get_by_role("button", name="Play").click()
    stage.root.locator(".sentence", has_text="Backward is done").wait_for()
    stage.root.locator(".steps button", has_text="Play").wait_for()
    stage.root.get_by_role("button", name="Play").click()  # from the end it begins at the beginning
    stage.root.locator(".sentence", has_text="Forward, step 1").wait_for()
    stage.root.locator(".steps button", has_text="Pause").click()
    stage.settle()
    assert stage.state["step"] < 10


def test_a_dragged_weight_changes_all_steps_and_can_be_undone(notebook):
    stage = Stage(notebook, "UnrolledNetwork('hello')")
    start, before = stage.state, stage.texts("h")
    stage.drag_right(stage.weight("Wh[1, 2]"), 40)  # ten times 0.05
    state = stage.state
    assert state["chosen"] == ["Wh", 1, 2]
    old, new = (one["weights"]["rnn"]["Wh"][1][2] for one in (start, state))
    assert new == pytest.approx(old + 0.5, abs=0.011)
    after = stage.texts("h")
    assert all(after[3 * t + 2] != before[3 * t + 2] for t in (2, 3, 4)) and after[:6] == before[:6]
    assert stage.text(".one b") == "Wh[1, 2]"
    stage.slide("Weight", -1.5)
    assert stage.state["weights"]["rnn"]["Wh"][1][2] == pytest.approx(-1.5)
    for _ in range(3):  # the slider, the drag, and the choice of the weight
        stage.click("Undo")
    assert stage.state == start
    stage.slide("Wh times", 2)
    stage.drag_right(stage.weight("Wh[0, 0]"), 16)
    assert stage.state["weights"]["rnn"]["Wh"][0][0] == pytest.approx(
        start["weights"]["rnn"]["Wh"][0][0] + 0.1, abs=0.006
    )


def test_pointing_at_a_weight_lights_all_its_places(notebook):
    stage = Stage(notebook, "UnrolledNetwork('hello')")

    def lit():
        strokes = "all => all.map(tag => [tag.parentNode.dataset.weight, getComputedStyle(tag).strokeWidth])"
        return [name for name, width in stage.plot.locator(".tag").evaluate_all(strokes) if width == "4px"]

    stage.root.locator("table[data-weight=Wh] caption").hover()
    assert lit() == ["Wh"] * 4
    stage.plot.locator(".wire.Wx .tag-name").nth(2).hover()
    assert lit() == ["Wx"] * 4 and "lit" in stage.root.locator("table[data-weight=Wx]").get_attribute("class")
    stage.page.mouse.move(2, 2)
    assert lit() == []


def test_the_number_under_the_pointer_is_worked_out(notebook):
    stage = Stage(notebook, "UnrolledNetwork('hello', cell='lstm')")
    stage.plot.locator(".cell.c").nth(stage.order("c", 3, 1)).hover()
    story = stage.root.locator(".story")
    story.get_by_text("c₃[1] = f · c₂ + i · g").wait_for()
    c = notebook.value("float(widget.states['c'][2, 1])")
    worked = story.locator("p").nth(1).inner_text()
    assert float(worked.split("=")[-1].replace("−", "-")) == pytest.approx(c, rel=0.01)
    assert "only the forget gate" in story.inner_text()
    stage.plot.locator(".cell.f").nth(stage.order("f", 2, 0)).hover()
    story.get_by_text("f₂[0], forget gate").wait_for()
    stage.page.mouse.move(2, 2)
    stage.settle()
    assert "∂L/∂Wh[0, 0]" in story.inner_text()


def test_losses_are_clicked_away_and_a_cut_stops_gradients(notebook):
    stage = Stage(notebook, "UnrolledNetwork('hello')")
    whole = stage.text(".weights .grad")
    stage.plot.locator(".cell.loss").nth(1).click()
    stage.settle()
    assert stage.state["losses"] == [1, 3, 4] and "no loss" in stage.texts("loss")
    stage.plot.locator(".cell.loss").nth(1).click()
    stage.slide("Cut after", 2)
    assert stage.state["losses"] == [1, 2, 3, 4] and stage.state["window"] == 2
    assert stage.plot.locator(".scissors.shut").count() == 1 and stage.plot.locator(".bar .whole").count() > 0
    assert "Without the cut it would be" in stage.text(".sentence") and stage.text(".weights .grad") != whole
    stage.slide("Cut after", 16)
    assert stage.text(".weights .grad") == whole


def test_curves_follow_scale_forget_bias_and_clipping(notebook):
    stage = Stage(notebook, "UnrolledNetwork(lesson='vanish')")

    def ends():
        """Powers of ten at the far ends of the three curves."""
        label = stage.root.locator("svg.lags").get_attribute("aria-label")
        return [float(power) for power in re.findall(r"10\^(-?[\d.]+)", label)]

    rnn, _, lstm = ends()
    assert rnn < -4 and stage.root.locator("svg.lags polyline").count() == 3
    stage.slide("Wh times", 1)
    assert stage.state["scale"] == 1 and "Spectral radius of the RNN's Wh: 1" in stage.text(".sliders")
    assert ends()[0] > rnn + 2
    stage.slide("Forget bias", 6)
    assert ends()[2] > lstm + 0.5
    stage.slide("Clip at", -1)
    assert stage.state["clip"] == 0.1 and "clipping would multiply it by" in stage.text(".norm-words")
    assert stage.root.locator(".norm.clipped").count() == 2


def test_typing_reads_another_sequence_and_mistakes_are_explained(notebook):
    stage = Stage(notebook, "UnrolledNetwork('hello')")
    box = stage.root.get_by_label("Sequence", exact=True)

    def type_in(text):
        box.fill(text)
        box.press("Enter")
        stage.settle()

    type_in("hey you")
    assert stage.texts("x") == list("hey␣yo") and stage.state["losses"] == [1, 2, 3, 4, 5, 6]
    before = stage.state
    mistakes = {
        "": "At least two letters",
        "abcdefgh": "too many to draw",
        "x" * 30: "30 letters",
        "ä ö": "unknown here",
    }
    for text, reason in mistakes.items():
        type_in(text)
        assert reason in stage.text(".refusal") and stage.state == before and box.input_value() == text
        assert box.get_attribute("aria-invalid") == "true" and stage.texts("x") == list("hey␣yo")
    stage.click("Undo")  # what was refused has never been
    assert stage.texts("x") == list("hell")
    type_in("aab")
    assert not stage.root.locator(".refusal").is_visible() and stage.texts("x") == ["a", "a"]
    stage.root.locator(".choice label", has_text="numbers").click()
    stage.settle()
    assert stage.state["reads"] == "numbers" and stage.texts("x") == ["1", "0", "0", "0"]
    type_in("1, two")
    assert "'two' is no number" in stage.text(".refusal")
    stage.root.locator(".choice label", has_text="LSTM").click()
    stage.settle()
    assert stage.state["cell"] == "lstm" and stage.plot.locator(".cell.f").count() == 12
    stage.root.get_by_label("Things to see").select_option(label="Twice the same letter")
    stage.settle()
    assert stage.state["cell"] == "rnn" and stage.state["step"] == 8
    stage.click("Learn")
    assert notebook.value("float(widget.outputs.max(axis=1).min())") > 0.9
    assert "the same x, another h" in stage.text(".lesson .text")
    stage.click("Undo")
    assert notebook.value("float(widget.outputs.max(axis=1).min())") < 0.5


def test_the_keyboard_alone_is_enough(notebook):
    stage = Stage(notebook, "UnrolledNetwork('hello', step=0)")
    stage.page.mouse.move(2, 2)
    stage.plot.focus()
    stage.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert stage.state["step"] == 1
    stage.press("End", "]", "]", "]", "]")
    assert stage.plot.locator(".cell.chosen").count() == 1
    stage.press("n")
    stage.press("l")
    assert len(stage.state["losses"]) == 3
    before = stage.state["weights"]["rnn"]["Wh"][0][0]
    stage.press("ArrowUp", "Shift+ArrowDown")
    assert stage.state["weights"]["rnn"]["Wh"][0][0] == pytest.approx(before - 0.9)
    stage.press("Control+z", "Escape", "Home")
    assert stage.plot.locator(".cell.chosen").count() == 0 and stage.state["step"] == 0
    stage.weight("Wh[0, 0]").focus()
    stage.page.keyboard.press("ArrowRight")
    stage.page.keyboard.press("ArrowDown")
    stage.page.keyboard.press("+")
    stage.settle()
    assert stage.state["chosen"] == ["Wh", 1, 1]
    # None of these keys reaches JupyterLab, where "d d" deletes the cell.
    stage.press("d", "d", "b", "m", "y")
    assert stage.cells() == ["code"]
    assert stage.nameless("input, button, svg.unrolled, select") == []


def test_a_finger_drags_a_weight_and_taps_a_number(notebook):
    stage = Stage(notebook, "UnrolledNetwork('hello')")
    before = stage.state["weights"]["rnn"]["Wh"][2][1]
    box = stage.weight("Wh[2, 1]").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = stage.page.context.new_cdp_session(stage.page)

    def touch(kind, points):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", [{"x": x, "y": y}])
    for part in range(1, 9):
        touch("touchMove", [{"x": x - 5 * part, "y": y}])
    touch("touchEnd", [])
    stage.settle()
    assert stage.state["weights"]["rnn"]["Wh"][2][1] == pytest.approx(before - 0.5, abs=0.06)
    place = stage.plot.locator(".cell.h").nth(stage.order("h", 2, 0)).bounding_box()
    stage.page.touchscreen.tap(place["x"] + 20, place["y"] + 10)
    stage.root.locator(".story", has_text="h₂[0] = tanh").wait_for()


def test_the_copied_state_python_and_a_second_view(notebook):
    stage = Stage(notebook, "UnrolledNetwork('hello', cell='lstm', step=4)\ndisplay(widget)")
    stage.drag_right(stage.weight("Wx[0, 3]"), 20)
    assert state_from_string(stage.copied_state()) == stage.state
    notebook.execute("widget.change(sequence='aba', cell='rnn')")
    stage.page.wait_for_function(
        "[...document.querySelectorAll('.cs231n-unrolled .sequence')].every(box => box.value === 'aba')"
    )
    stage.settle()
    both = stage.page.locator(".cs231n-unrolled .cell.x .number").all_text_contents()
    assert both == ["a", "b"] * 2


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_text_stands_out_in_both_themes(notebook, theme, pictures):
    stage = Stage(notebook, "UnrolledNetwork(lesson='truncate')")
    notebook.theme(theme)
    name = theme.split()[-1].lower()
    stage.page.mouse.move(2, 2)
    texts = ".row, .grad, .letter, .under, .tick, .sentence, .story p, .story .of, caption, .legend span, .tables th"
    for selector in [*texts.split(", "), ".hint", ".norm-words", ".keys", "button:enabled", "figcaption"]:
        assert notebook.contrast(f".cs231n-unrolled {selector}") >= 4.5, selector
    # Text on coloured squares: an SVG text's ground is the rect before it.
    least = stage.plot.evaluate(
        """svg => Math.min(...[...svg.querySelectorAll(".cell .number, .tag-name")].map(text => {
            const rect = text.closest("g").querySelector("rect");
            const light = node => getComputedStyle(node).fill.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
                .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
            const [a, b] = [light(text), light(rect)];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        }))"""
    )
    assert least >= 4.5
    stage.root.screenshot(path=pictures / f"unrolled-{name}-truncate.png")
    stage = Stage(notebook, "UnrolledNetwork(lesson='forget')")
    stage.root.screenshot(path=pictures / f"unrolled-{name}-forget.png")


def test_a_narrow_window_scrolls_the_picture_alone(notebook, pictures):
    stage = Stage(notebook, "UnrolledNetwork('hello', cell='lstm', step=0)")
    stage.page.set_viewport_size({"width": 620, "height": 1900})
    stage.settle()
    paper = stage.root.locator(".paper")
    assert paper.evaluate("paper => paper.scrollWidth > paper.clientWidth + 100")
    assert stage.root.evaluate("root => root.scrollWidth <= root.clientWidth + 1")
    stage.press("End")
    stage.press("ArrowLeft")  # step 1: at the left
    assert paper.evaluate("paper => paper.scrollLeft") < 100
    stage.root.get_by_role("slider", name="Step", exact=True).fill("17")  # the loss of step 4
    stage.settle()
    assert paper.evaluate("paper => paper.scrollLeft") > 300
    stage.root.screenshot(path=pictures / "unrolled-narrow.png")
    stage.page.set_viewport_size({"width": 1360, "height": 1900})
