"""The linear-classifier widget under a real mouse and keyboard."""

import numpy as np
import pytest
from stage import PlaneStage

from cs231n_kit.widgets.linear_plane_state import state_from_string

VIEWPORT = {"width": 1360, "height": 1300}


class Stage(PlaneStage):
    """The widget on the page."""

    PROGRAM = "from cs231n_kit.widgets import LinearClassifierPlane\n{}"
    ROOT = ".cs231n-linear"

    def number(self, name, label):
        return self.page.get_by_role("spinbutton", name=f"{name} of class {label}")

    def rows(self):
        """The table of examples as numbers, one row for each point."""
        text = self.text(".examples tbody")
        signs = {ord("−"): "-", ord("+"): None, ord("✗"): None}
        return np.array([line.translate(signs).split() for line in text.splitlines()], float)

    def totals(self):
        return self.text(".totals")


def hinge(state):
    """The Weston-Watkins losses of the examples, written out."""
    X, y = np.array(state["points"]), np.array(state["labels"])
    scores = X @ np.array(state["W"]).T + state["b"]
    margins = np.maximum(0, scores - scores[np.arange(len(y)), y][:, None] + 1)
    margins[np.arange(len(y)), y] = 0
    return scores, margins.sum(axis=1)


def assert_table_holds(stage):
    state, rows = stage.state, stage.rows()
    scores, losses = hinge(state)
    np.testing.assert_allclose(rows[:, 1:3], state["points"], atol=0.0051)
    assert rows[:, 3].tolist() == state["labels"]
    np.testing.assert_allclose(rows[:, 4:7], scores, atol=0.0051)
    np.testing.assert_allclose(rows[:, 7], losses, atol=0.0051)
    total = losses.mean() + state["regularization"] * np.square(state["W"]).sum()
    assert f"Loss {total:.3f}" in stage.totals()


def test_the_table_follows_a_dragged_point(notebook):
    stage = Stage(notebook, "widget = LinearClassifierPlane()")
    assert_table_holds(stage)
    before = stage.state
    stage.drag(before["points"][0], (0.85, 0.8))
    after = stage.state
    assert after["points"][0] == pytest.approx([0.85, 0.8], abs=0.01)
    assert after["points"][1:] == before["points"][1:] and after["W"] == before["W"]
    assert_table_holds(stage)
    stage.plot.press("Control+z")
    stage.settle()
    assert stage.state["points"] == before["points"]


def test_lines_and_arrows_can_be_dragged(notebook):
    state = {"W": [[1, 0], [0, 1], [-1, 0]], "b": [0.5, 0.2, -0.8]}
    stage = Stage(notebook, f"widget = LinearClassifierPlane(state={state})")
    stage.drag((-0.5, -0.8), (-0.2, -0.8))  # the line x₁ = -0.5 of class 0
    state = stage.state
    assert state["W"][0] == [1, 0] and state["b"][0] == pytest.approx(0.2, abs=0.01)
    assert (state["b"][1:], state["W"][1:]) == ([0.2, -0.8], [[0, 1], [-1, 0]])
    tip = 0.1 + 0.8 / 4
    stage.drag((-state["b"][0] + tip, 0), (-state["b"][0] - 0.15, -0.45))  # its arrow now points down and left
    state = stage.state
    length = np.hypot(0.15, 0.45)
    norm = 3 * (length - 0.1) / (0.9 - length)
    assert state["W"][0] == pytest.approx([-0.15 / length * norm, -0.45 / length * norm], abs=0.1)
    w, b = np.array(state["W"][0]), state["b"][0]
    assert w @ [-0.2, 0] + b == pytest.approx(0, abs=0.03) and abs(b) > 0.1  # the foot has stayed on the line
    assert_table_holds(stage)
    count = len(state["points"])
    on_the_line = (-0.9, -(w[0] * -0.9 + b) / w[1])
    stage.click_at(on_the_line)  # without a movement: a point
    assert len(stage.state["points"]) == count + 1


def test_numbers_are_typed_turned_and_dragged(notebook):
    stage = Stage(notebook, "widget = LinearClassifierPlane()")
    field = stage.number("w₂", 1)
    field.fill("-1.25")
    field.press("Enter")
    stage.settle()
    assert stage.state["W"][1][1] == -1.25
    field.press("ArrowUp")
    field.press("Shift+ArrowUp")
    stage.settle()
    assert stage.state["W"][1][1] == pytest.approx(-0.15)
    bias = stage.number("b", 2)
    box = bias.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    stage.page.mouse.move(x, y)
    stage.page.mouse.down()
    stage.page.mouse.move(x + 75, y, steps=10)
    stage.page.mouse.up()
    stage.settle()
    assert stage.state["b"][2] == pytest.approx(0.75)
    assert_table_holds(stage)
    field.fill("much")
    field.press("Enter")
    stage.settle()
    assert stage.state["W"][1][1] == pytest.approx(-0.15) and field.input_value() == "−0.15"
    stage.click("Undo")
    assert stage.state["b"][2] == 0
    stage.click("Undo")  # the two arrow keys are one step
    assert stage.state["W"][1][1] == -1.25


def test_the_gradient_is_shown_with_one_examples_part(notebook):
    stage = Stage(notebook, "widget = LinearClassifierPlane()")
    wrong = int(np.argmax(stage.rows()[:, 7]))
    stage.page.locator(".cs231n-linear .examples tbody tr").nth(wrong).hover()
    stage.settle()
    state = stage.state
    scores, _ = hinge(state)
    label = state["labels"][wrong]
    inside = (scores[wrong] - scores[wrong, label] + 1 > 0) & (np.arange(3) != label)
    slopes = inside.astype(float)
    slopes[label] = -inside.sum()
    expected = slopes[:, None] * [*state["points"][wrong], 1] / len(scores)
    parts = stage.page.locator(".cs231n-linear .part").all_inner_texts()
    shown = [float(part.strip("()").replace("−", "-")) for part in parts]
    np.testing.assert_allclose(np.reshape(shown, (3, 3)), expected, atol=6e-4)
    assert f"point {wrong + 1} adds" in stage.page.locator(".cs231n-linear .model .hint").inner_text()


def test_step_run_pause_and_keys(notebook):
    stage = Stage(notebook, "widget = LinearClassifierPlane(regularization=0.01, learning_rate=0.3)")
    start = stage.state
    stage.click("Step")
    once = stage.state
    assert len(once["curve"]) == 2 and once["curve"][1] < once["curve"][0]
    assert once["W"] != start["W"]
    stage.click("Undo")
    assert stage.state["W"] == start["W"]
    stage.button("Run").click()
    stage.page.wait_for_function("document.querySelector('.curve .hint').textContent.match(/over (\\d+)/)?.[1] > 40")
    moving = stage.state
    stage.drag(moving["points"][0], (0.9, 0.9))  # while it runs
    assert stage.state["points"][0] == pytest.approx([0.9, 0.9], abs=0.01)
    stage.click("Pause")
    paused = stage.state
    stage.page.wait_for_timeout(200)
    assert stage.state == paused
    assert_table_holds(stage)
    stage.plot.press("s")
    stage.settle()
    assert len(stage.state["curve"]) == len(paused["curve"]) + 1
    stage.plot.press(" ")
    assert stage.button("Pause").is_visible()
    stage.plot.press(" ")
    assert stage.button("Run").is_visible()
    stage.click("Reset")
    assert stage.state == start


def test_a_learning_rate_that_is_too_large_is_named(notebook):
    stage = Stage(notebook, "widget = LinearClassifierPlane(loss='squared_hinge', learning_rate=100)")
    stage.button("Run").click()
    error = stage.page.locator(".cs231n-linear .error")
    error.filter(has_text="the learning rate 100 is too large").wait_for()
    assert stage.button("Run").is_visible()
    slider = stage.page.get_by_role("slider", name="Step size")
    slider.focus()
    for _ in range(8):
        slider.press("ArrowLeft")
    stage.click("Randomise")
    stage.click("Step")
    assert not error.is_visible() and len(stage.state["curve"]) == 2


def test_losses_are_chosen_and_the_state_copied(notebook):
    stage = Stage(notebook, "widget = LinearClassifierPlane()")
    losses = {}
    for name in ("Hinge, one against all", "Squared hinge", "Softmax cross-entropy"):
        stage.page.get_by_role("combobox", name="Loss").select_option(name)
        stage.settle()
        losses[name] = stage.totals().split(" = ")[0]
        expected = stage.notebook.value("widget.evaluate().loss")
        assert losses[name] == f"Loss {expected:.3f}"
    assert len(set(losses.values())) == 3
    assert state_from_string(stage.copied_state()) == stage.state


def test_widgets_on_one_page_keep_their_own_choices(notebook):
    stage = Stage(
        notebook,
        "from cs231n_kit.widgets import DecisionBoundary\n"
        "display(LinearClassifierPlane(preset='xor'), DecisionBoundary())\n"
        "widget = LinearClassifierPlane(preset='moons')",
    )
    stage.page.locator(".cs231n-boundary .plot").wait_for()
    stage.settle()
    chosen = stage.page.locator(".choice :checked").evaluate_all("all => all.map(input => input.value)")
    assert chosen == ["xor", "0", "blobs", "3", "l2", "0", "moons", "0"]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_in_both_themes(notebook, theme, pictures):
    stage = Stage(notebook, "widget = LinearClassifierPlane(loss='softmax'); widget.step(60)")
    notebook.theme(theme)
    stage.page.locator(".cs231n-linear .examples tbody tr").nth(2).hover()
    stage.settle()
    stage.page.locator(".cs231n-linear").screenshot(path=pictures / f"linear-{theme.split()[-1].lower()}.png")
    for selector in (".hint", ".slope", ".part", "caption", "th", "td", ".totals p", "select", ".parameter input"):
        assert notebook.contrast(f".cs231n-linear {selector}") >= 4.5, selector
