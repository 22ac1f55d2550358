"""The circuit under a real mouse, keyboard and finger."""

import math
import os

import pytest
from stage import WidgetStage

from cs231n_kit.widgets.circuit_state import PRESETS, state_from_string


class Stage(WidgetStage):
    """The widget on the page."""

    PROGRAM = "from cs231n_kit.widgets import Circuit\nwidget = {}"
    ROOT, PLOT = ".cs231n-circuit", "svg.graph:has(.node)"

    def type(self, expression):
        box = self.root.get_by_label("Expression", exact=True)
        box.fill(expression)
        box.press("Enter")
        self.settle()

    def node(self, name):
        """The node with this name, or the input."""
        named = self.plot.locator(".node").filter(has=self.page.locator(f".name:text-is('{name}')"))
        return named.or_(self.plot.locator(".node.input").filter(has=self.page.locator(f".symbol:text-is('{name}')")))

    def center(self, name):
        box = self.node(name).locator("rect").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def labels(self, name):
        """The value and the gradient that stand at a node, as numbers or None."""
        return tuple(as_number(self.node(name).locator(f".{kind}").text_content()) for kind in ("value", "grad"))

    def drag(self, name, pixels, steps=10):
        self.drag_right(self.node(name).locator("rect"), pixels, steps)

    def table(self):
        """{input: (value, gradient, numeric gradient)} as shown."""
        rows = self.root.locator("table.inputs tbody tr").all()
        found = {}
        for row in rows:
            analytic, numeric = (as_number(cell.text_content()) for cell in row.locator("td").all()[1:])
            found[row.locator("th").text_content()] = (float(row.locator("input").input_value()), analytic, numeric)
        return found


def as_number(text):
    return float(text.replace("−", "-")) if text and text != "…" else None


def test_forward_and_backward_step_by_step(notebook):
    stage = Stage(notebook, "Circuit(step=0)")
    assert [stage.labels(name) for name in "xyzqf"] == [(-2, None), (5, None), (-4, None), (None, None), (None, None)]
    assert stage.text(".sentence") == "The inputs are given: x = −2, y = 5, z = −4."
    seen = []
    for _ in range(5):
        stage.root.get_by_role("button", name="One step on").click()
        stage.settle()
        seen.append((stage.text(".sentence"), {name: stage.labels(name)[1] for name in "xyzqf"}, stage.labels("f")[0]))
    sentences, grads, outputs = zip(*seen, strict=True)
    assert sentences == (
        "Forward: q = x + y = −2 + 5 = 3",
        "Forward: f = q × z = 3 × (−4) = −12",
        "Backward starts at the output: ∂f/∂f = 1",
        "Backward through f: ∂f/∂q gets 1 × (−4) = −4; ∂f/∂z gets 1 × 3 = 3",
        "Backward through q: ∂f/∂x gets −4 × 1 = −4; ∂f/∂y gets −4 × 1 = −4",
    )
    assert outputs == (None, -12, -12, -12, -12)
    assert grads[2:] == (
        dict(x=None, y=None, z=None, q=None, f=1),
        dict(x=None, y=None, z=3, q=-4, f=1),
        dict(x=-4, y=-4, z=3, q=-4, f=1),
    )
    assert stage.root.get_by_role("button", name="One step on").is_disabled()
    assert stage.state["step"] == 5
    slider = stage.root.get_by_role("slider", name="Step")
    slider.fill("2")
    stage.settle()
    assert stage.labels("f") == (-12, None) and stage.state["step"] == 2
    assert stage.table()["x"] == (-2, None, -4)  # the numeric gradient needs no backward pass


def test_play_runs_to_the_end_and_can_be_paused(notebook):
    stage = Stage(notebook, "Circuit(preset='Multiply swaps')")
    stage.root.get_by_role("button", name="Play").click()  # from the end it begins at the beginning
    stage.settle()
    assert stage.text(".sentence").startswith("The inputs are given")
    stage.root.locator(".sentence", has_text="Forward: f = x × y = 3 × (−4) = −12").wait_for()
    stage.root.locator(".sentence", has_text="Backward through f").wait_for()
    stage.root.locator(".steps button", has_text="Play").wait_for()
    stage.root.get_by_role("button", name="Play").click()
    stage.root.locator(".steps button", has_text="Pause").click()
    stage.settle()
    assert stage.state["step"] == 0


def test_typing_draws_another_graph_and_keeps_the_values_that_fit(notebook):
    stage = Stage(notebook, "Circuit('x * y', {'x': 3, 'y': -4})")
    stage.type("  s = sigmoid(x); s * s + y * w ")
    assert stage.state["expression"] == "s = sigmoid(x); s * s + y * w"
    assert stage.state["values"] == {"x": 3, "y": -4, "w": pytest.approx(3)}
    assert stage.plot.locator(".node").count() == 7
    s = 1 / (1 + math.exp(-3))
    assert stage.labels("s") == pytest.approx((s, 2 * s), abs=0.005)
    shares = [text for text in stage.plot.locator(".share").all_text_contents() if text]
    assert [as_number(text) for text in shares] == pytest.approx([s, s], abs=0.001)  # the fork, along both wires
    stage.type("x = 0.5; log(x) / y")
    assert stage.state == {"expression": "log(x) / y", "values": {"x": 0.5, "y": -4}, "step": 5}
    stage.type("log(y)")  # -4 has no logarithm, and was not chosen for this expression
    assert stage.state["values"]["y"] > 0
    stage.root.get_by_label("Examples").select_option("Staged example")
    stage.settle()
    assert stage.state["values"] == PRESETS["Staged example"][1]
    table = stage.table()
    assert table["x"] == pytest.approx((3, 2.05957, 2.05957), abs=1e-5)
    assert table["y"] == pytest.approx((-4, 1.59223, 1.59223), abs=1e-5)


@pytest.mark.parametrize(
    "typed, reason, marked",
    [
        ("(x + y) * sn(z)", "unknown function sn; did you mean sin?", "sn"),
        ("x + * y", "an operator, a number or a bracket missing", "*"),
        ("z / (y - y)", "division by zero", "z / (y - y)"),
        ("exp(x * x * 1000)", "overflow", "exp(x * x * 1000)"),
        ("x + " * 120 + "y", "too long", None),
    ],
)
def test_a_mistake_is_underlined_and_the_last_good_graph_stays(notebook, typed, reason, marked):
    stage = Stage(notebook, "Circuit()")
    before = stage.state
    stage.type(typed)
    assert reason in stage.text(".refusal")
    if marked:
        assert stage.root.locator(".refusal mark").text_content() == marked
        chosen = "box => box.value.slice(box.selectionStart, box.selectionEnd)"
        box = stage.root.get_by_label("Expression", exact=True)
        assert box.evaluate(chosen) == marked and box.input_value() == typed
        assert "underline" in stage.root.locator("mark").evaluate("mark => getComputedStyle(mark).textDecorationLine")
    assert stage.state == before and stage.labels("f") == (-12, 1)
    assert stage.root.get_by_role("button", name="Undo").is_disabled()
    stage.type("x * y * z")
    assert not stage.root.locator(".refusal").is_visible()
    assert stage.labels("f") == (40, 1)


def test_an_input_is_dragged_and_typed_and_everything_follows(notebook):
    stage = Stage(notebook, "Circuit()")
    start = stage.state
    stage.drag("x", 50)
    x = stage.state["values"]["x"]
    assert x == pytest.approx(-1)
    assert stage.labels("x") == (x, -4) and stage.labels("q") == (x + 5, -4) and stage.labels("f") == (-4 * (x + 5), 1)
    assert stage.labels("z") == (-4, x + 5)
    field = stage.root.get_by_label("Value of z")
    field.fill("2.5")
    stage.settle()
    assert stage.table() == {"x": (x, 2.5, 2.5), "y": (5, 2.5, 2.5), "z": (2.5, x + 5, x + 5)}
    field.press("ArrowUp")
    stage.settle()
    assert stage.state["values"]["z"] == pytest.approx(2.6)
    x0, y0 = stage.center("y")
    stage.page.mouse.click(x0, y0)  # a click on an input leads to its field
    assert stage.page.evaluate("document.activeElement.ariaLabel") == "Value of y"
    for _ in range(2):  # typing is one edit, dragging another
        stage.click("Undo")
    assert stage.state == start
    stage.click("Redo")
    assert stage.state["values"]["x"] == x


def test_a_value_that_cannot_be_is_refused(notebook):
    stage = Stage(notebook, "Circuit('log(x) * y', {'x': 1, 'y': 2})")
    stage.root.get_by_label("Value of x").fill("-3")
    stage.settle()
    assert "log needs a number above 0, got -3.0" in stage.text(".refusal")
    assert stage.state["values"]["x"] == 1
    stage.root.get_by_label("Value of x").fill("2")
    stage.settle()
    assert not stage.root.locator(".refusal").is_visible()
    assert stage.labels("f")[0] == pytest.approx(2 * math.log(2), abs=0.01)


def test_a_finger_drags_an_input(notebook):
    stage = Stage(notebook, "Circuit()")
    finger = stage.page.context.new_cdp_session(stage.page)
    x, y = stage.center("y")

    def touch(kind, points):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", [{"x": x, "y": y}])
    for part in range(1, 9):
        touch("touchMove", [{"x": x - 5 * part, "y": y}])
    touch("touchEnd", [])
    stage.settle()
    assert stage.state["values"]["y"] == pytest.approx(5 - 0.8, abs=0.11)
    stage.page.touchscreen.tap(*stage.center("q"))
    assert stage.text(".details .title").startswith("q = x + y")


def test_the_node_under_the_pointer_is_explained(notebook):
    stage = Stage(notebook, "Circuit('x * y + square(x)', {'x': 0.5, 'y': 2})")
    stage.page.mouse.move(*stage.center("v1"))
    details = stage.root.locator(".details")
    details.locator(".title", has_text="v1 = x × y = 0.5 × 2 = 1").wait_for()
    lines = details.locator("li").all_text_contents()
    assert lines == [
        "∂v1/∂x = y = 2, so x gets ∂f/∂v1 · ∂v1/∂x = 1 · 2 = 2",
        "∂v1/∂y = x = 0.5, so y gets ∂f/∂v1 · ∂v1/∂y = 1 · 0.5 = 0.5",
    ]
    assert "Multiplication swaps" in details.inner_text()
    stage.page.mouse.move(*stage.center("x"))
    details.locator(".grad", has_text="∂f/∂x = 2 + 1 = 3").wait_for()
    assert "used 2 times, so 2 gradients arrive and add up" in details.inner_text()
    assert "When x grows by 0.01, f changes by about 0.03" in details.inner_text()
    stage.press("Home")
    stage.page.mouse.move(*stage.center("v1"))
    details.get_by_text("Not computed yet").wait_for()


def test_the_keyboard_alone_is_enough(notebook):
    stage = Stage(notebook, "Circuit(step=0)")
    stage.page.mouse.move(2, 2)
    stage.plot.focus()
    stage.press("ArrowRight", "ArrowRight")
    assert stage.labels("f") == (-12, None)
    stage.press("ArrowLeft")
    assert stage.labels("f") == (None, None)
    stage.press("End", "]")
    assert stage.text(".details .title").startswith("x")
    stage.press("ArrowUp", "Shift+ArrowUp")
    assert stage.state["values"]["x"] == pytest.approx(-0.9)
    stage.press("Control+z")
    assert stage.state["values"]["x"] == -2
    stage.press("Control+Shift+z", "]", "]", "]", "n", "p")  # y, q, z, f, and back to z
    assert stage.state["values"]["x"] == pytest.approx(-0.9)
    stage.press("Enter")
    typed = stage.page.evaluate("document.activeElement.ariaLabel")
    assert typed == "Value of z"
    # None of these keys reaches JupyterLab, where "d d" deletes the cell.
    stage.press("d", "d", "b", "m", "y", "z")
    assert stage.cells() == ["code"]
    assert stage.nameless("input, button, svg.graph, select, textarea") == []


def test_the_copied_state_is_the_state(notebook):
    stage = Stage(notebook, "Circuit(preset='Staged example', step=4)")
    stage.drag("x", 20)
    text = stage.copied_state()
    assert state_from_string(text) == stage.state
    assert stage.state["step"] == 4 and stage.state["values"]["x"] == pytest.approx(3.4)


def test_python_and_a_second_view_see_the_same(notebook):
    stage = Stage(notebook, "Circuit()\ndisplay(widget)")
    notebook.execute("widget.expression = 'a / b'; widget.values = {'a': 6, 'b': 3}")
    stage.page.wait_for_function(
        "[...document.querySelectorAll('.cs231n-circuit textarea')].every(box => box.value === 'a / b')"
    )
    stage.settle()
    both = stage.page.locator(".cs231n-circuit .node .value").all_text_contents()
    assert both == ["6", "3", "2"] * 2
    stage.type("a / b + c")
    again = stage.page.locator(".cs231n-circuit textarea").evaluate_all("all => all.map(box => box.value)")
    assert again == ["a / b + c"] * 2


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_text_stands_out_in_both_themes(notebook, theme, pictures):
    stage = Stage(notebook, "Circuit(preset='Staged example')")
    notebook.theme(theme)
    for selector in ("svg .value", "svg .grad", "svg .name", "svg .symbol", ".sentence", ".details p", "td.grad",
                     "thead th", "button:enabled", "textarea", "select", "section .hint"):  # fmt: skip
        assert notebook.contrast(f".cs231n-circuit {selector}") >= 4.5, selector
    name = theme.split()[-1].lower()
    stage.page.mouse.move(*stage.center("v4"))
    stage.settle()
    stage.root.screenshot(path=pictures / f"circuit-{name}-staged.png")
    stage = Stage(notebook, "Circuit(preset='Sigmoid neuron', step=12)")
    stage.root.screenshot(path=pictures / f"circuit-{name}-neuron.png")
    stage = Stage(notebook, "Circuit()")
    stage.type("(x + y) * sn(z)")
    stage.root.screenshot(path=pictures / f"circuit-{name}-error.png")


def test_redraw_latency(notebook, record_property):
    stage = Stage(notebook, "Circuit(preset='Sigmoid neuron')")
    stage.record_redraws()
    stage.drag("w0", 200, steps=100)
    times = sorted(stage.page.evaluate("window.redraws"))
    assert len(times) > 5 and stage.state["values"]["w0"] == pytest.approx(6)
    record_property(
        "measured: circuit of 8 operations, drag to redraw",
        f"median {times[len(times) // 2]:.0f} ms, {len(times)} frames of 40 values; load {os.getloadavg()[0]:.1f}",
    )
