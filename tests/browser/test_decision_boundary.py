"""The decision-boundary widget under a real mouse, keyboard and finger."""

import os
import statistics
import time

import numpy as np
import pytest
from stage import PlaneStage

from cs231n_kit.widgets import palette
from cs231n_kit.widgets.boundary_state import state_from_string
from cs231n_kit.widgets.presets import preset_points

REDRAW = """({
    milliseconds: detail.milliseconds,
    resolution: detail.frame?.resolution,
    labels: Array.from(detail.frame?.labels ?? []),
})"""


class Stage(PlaneStage):
    """The widget on the page: where points are, and what is drawn."""

    PROGRAM = "from cs231n_kit.widgets import DecisionBoundary\n{}"
    ROOT = ".cs231n-boundary"

    def __init__(self, notebook, source):
        self.page = notebook.page
        self.record_redraws(REDRAW)
        super().__init__(notebook, source)

    def move(self, place, **options):
        self.page.mouse.move(*self.pixel(place), **options)

    def expected_labels(self):
        return self.notebook.value("widget.regions()[0].ravel().tolist()")

    def shown_labels(self):
        return self.page.evaluate("window.redraws.at(-1).labels")


def share_of_picture_that_agrees(picture, labels, points):
    """Of the cells inside regions and away from points and grid lines: the share in the region's colour."""
    resolution = labels.shape[0]
    ticks = (np.arange(resolution) + 0.5) * 2 / resolution - 1
    x, y = np.meshgrid(ticks, ticks[::-1])
    apart = np.min(np.hypot(x[..., None] - points[:, 0], y[..., None] - points[:, 1]), axis=-1) > 0.12
    neighbours = [np.roll(labels, shift, axis) for shift in (-1, 1) for axis in (0, 1)]
    inside = np.all([labels == other for other in neighbours], axis=0)
    lines = np.min(np.abs(np.stack([x, y])[..., None] - [-1, -0.5, 0, 0.5, 1]), axis=(0, -1)) > 0.1
    chosen = apart & inside & lines
    assert chosen.sum() > 500
    side = picture.shape[0]
    columns = ((x + 1) / 2 * side).astype(int)
    rows = ((1 - y) / 2 * side).astype(int)
    hues = np.stack([palette.tinted(np.full(2, label), [0, 1]) for label in range(3)])  # (class, palest/fullest, 3)
    seen = picture[rows, columns]
    along = np.linspace(0, 1, 12)[:, None]
    ramps = np.stack([pale + along * (full - pale) for pale, full in hues])  # (class, 12, 3)
    distance = np.abs(seen[:, :, None, None] - ramps).sum(-1).min(-1)
    return (distance.argmin(-1) == labels)[chosen].mean()


def test_a_dragged_point_is_followed_and_the_newest_position_wins(notebook):
    stage = Stage(notebook, "widget = DecisionBoundary(k=1, points_per_class=5, noise=0.1)")
    before = stage.state
    first = before["points"][0]
    stage.drag(first, (-0.3, -0.8), steps=60)
    after = stage.state
    assert after["points"][0] == pytest.approx([-0.3, -0.8], abs=0.01)
    assert after["points"][1:] == before["points"][1:]
    assert after["labels"] == before["labels"]
    stage.page.mouse.move(5, 5)
    stage.settle()
    labels = stage.expected_labels()
    assert stage.shown_labels() == labels
    labels = np.array(labels).reshape(100, 100)
    agreement = share_of_picture_that_agrees(stage.picture(), labels, np.array(after["points"]))
    assert agreement > 0.98


def test_a_slow_classifier_gets_few_positions_and_the_last_one(notebook):
    stage = Stage(
        notebook,
        """import time
class Slow:
    seen = []
    def fit(self, X, y):
        self.X, self.y = X, y
    def predict(self, X):
        if len(X) > 1:
            time.sleep(0.2)
            Slow.seen.append(self.X[0].round(3).tolist())
        return self.y[(X @ self.X.T).argmax(1)]
requests = []
widget = DecisionBoundary(Slow(), classes=2, points_per_class=4, resolution=25)
widget.on_msg(lambda _widget, content, _buffers: requests.append(content))""",
    )
    notebook.execute("Slow.seen.clear()")
    start = stage.state["points"][0]
    stage.move(start)
    stage.page.mouse.down()
    for step in range(1, 41):
        stage.move((start[0] + 0.015 * step, start[1] - 0.01 * step))
        drawn = stage.page.evaluate("redraws.length")
    stage.page.mouse.up()
    stage.settle()
    seen, end = notebook.value("Slow.seen"), stage.state["points"][0]
    assert end == pytest.approx([start[0] + 0.6, start[1] - 0.4], abs=0.01)
    assert seen[-1] == end
    assert len(seen) < 20 and drawn < 20  # 40 positions were offered
    assert stage.shown_labels() == stage.expected_labels()

    # An answer that comes late, to a request long answered, changes nothing.
    drawn = stage.page.evaluate("redraws.length")
    notebook.execute(
        "late = dict(type='reply', client=requests[-1]['client'], sequence=1, revision=0, state=widget.state)\n"
        "widget.send({**late, 'resolution': 10, 'printed': '', 'link': ''}, [bytes(200)])"
    )
    stage.press("]")  # asks about a place; the answer comes after the late one
    assert stage.page.evaluate("redraws.length") == drawn
    assert stage.shown_labels() == stage.expected_labels()


def test_clicks_add_and_remove_and_every_edit_can_be_undone(notebook):
    stage = Stage(notebook, "widget = DecisionBoundary(points_per_class=4, noise=0.05)")
    start = stage.state
    stage.page.locator(".cs231n-boundary .brush label").nth(2).click()
    stage.click_at((0.9, 0.9))
    added = stage.state
    assert added["labels"] == [*start["labels"], 2]
    assert added["points"][-1] == pytest.approx([0.9, 0.9], abs=0.005)
    stage.page.keyboard.down("Shift")
    stage.click_at(start["points"][0])
    stage.page.keyboard.up("Shift")
    removed = stage.state
    assert removed["points"] == added["points"][1:] and removed["labels"] == added["labels"][1:]
    stage.drag(removed["points"][0], (0.0, 0.0))
    dragged = stage.state
    button = stage.page.locator(".cs231n-boundary .toolbar").get_by_role("button", name="Undo")
    for expected in (removed, added, start):
        button.click()
        stage.settle()
        assert stage.state == expected
    assert button.is_disabled()
    for expected in (added, removed, dragged):
        stage.click("Redo")
        assert stage.state == expected
    stage.click("Reset")
    assert stage.state == start
    button.click()
    stage.settle()
    assert stage.state == dragged
    assert stage.shown_labels() == stage.expected_labels()


def test_a_full_plot_takes_no_more_points(notebook):
    stage = Stage(notebook, "widget = DecisionBoundary(k=1)\nwidget.set_points([[-0.5, -0.5]] * 500, [0] * 500)")
    stage.press("]")  # a selected point stays where it is
    full = stage.state
    stage.drag((0.5, 0.5), (0.7, 0.7))
    assert stage.state == full
    assert "500 points, which is the most" in stage.text("[role=status]")


def test_a_finger_drags_and_taps(notebook):
    stage = Stage(notebook, "widget = DecisionBoundary(points_per_class=3, noise=0.05)")
    start = stage.state
    stage.page.touchscreen.tap(*stage.pixel((0.9, -0.9)))
    stage.settle()
    assert stage.state["points"][-1] == pytest.approx([0.9, -0.9], abs=0.005)
    finger = stage.page.context.new_cdp_session(stage.page)

    def touch(kind, place):
        x, y = stage.pixel(place)
        points = [{"x": x, "y": y}] if place is not None and kind != "touchEnd" else []
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    begin, end = np.array(start["points"][0]), np.array([-0.5, -0.8])
    touch("touchStart", begin)
    for part in np.linspace(0.1, 1, 10):
        touch("touchMove", begin + part * (end - begin))
    touch("touchEnd", end)
    stage.settle()
    assert stage.state["points"][0] == pytest.approx(end, abs=0.01)


def test_the_keyboard_alone_is_enough(notebook):
    stage = Stage(notebook, "widget = DecisionBoundary(points_per_class=3, noise=0.05, k=3)")
    start = stage.state
    stage.plot.focus()
    stage.press("]", "]")
    assert "point 2 of 9, class 0" in stage.text("[role=status]")
    stage.press("ArrowRight", "ArrowUp", "Shift+ArrowRight")
    x, y = start["points"][1]
    assert stage.state["points"][1] == pytest.approx([x + 0.12, y + 0.02], abs=1e-9)
    assert "class" in stage.text(".readout")
    stage.press("3", "c")
    assert stage.state["labels"][1] == 2
    stage.press("Control+z", "Control+z")  # the steps of one point are one edit
    assert stage.state == start
    stage.press("Control+Shift+z", "Control+y")
    assert stage.state["labels"][1] == 2
    stage.press("[", "Delete")
    assert len(stage.state["points"]) == 8
    stage.press("Escape", "ArrowLeft", "2", "Enter")
    assert len(stage.state["points"]) == 9 and stage.state["labels"][-1] == 1
    # None of these keys reaches JupyterLab, where "d d" deletes the cell.
    stage.press("d", "d", "b", "m", "y", "z")
    assert stage.cells() == ["code"]
    # Tab leaves the plot, and every control can be reached and used.
    stage.page.keyboard.press("Tab")
    assert stage.page.evaluate("document.activeElement.textContent") == "Undo"
    stage.page.locator(".cs231n-boundary").get_by_role("radio", name="Spiral").focus()
    stage.page.keyboard.press("ArrowRight")
    stage.settle()
    assert stage.state["preset"] == "moons"
    stage.page.get_by_role("slider", name="k").focus()
    stage.page.keyboard.press("ArrowRight")
    stage.settle()
    assert stage.state["k"] == 4


def test_every_control_has_a_name(notebook):
    stage = Stage(notebook, "widget = DecisionBoundary()")
    assert stage.nameless("input, button, canvas") == []
    assert "45 points in 3 classes" in stage.plot.get_attribute("aria-label")
    described = stage.plot.get_attribute("aria-describedby")
    assert "move the selected point" in stage.page.locator(f"#{described}").text_content()


def test_controls_draw_the_preset_and_set_the_classifier(notebook):
    stage = Stage(notebook, "widget = DecisionBoundary(points_per_class=6)")
    radio = stage.page.locator(".cs231n-boundary").get_by_role
    radio("radio", name="XOR").check(force=True)
    stage.page.locator(".cs231n-boundary fieldset", has_text="Classes").get_by_label("5").check(force=True)
    radio("radio", name="L1: sum").check(force=True)
    stage.page.get_by_role("slider", name="Noise").fill("0.07")
    stage.settle()
    state = stage.state
    points, labels = preset_points("xor", 5, 6, 0.07, 0)
    assert (state["preset"], state["classes"], state["noise"], state["metric"]) == ("xor", 5, 0.07, "l1")
    assert state["points"] == points.tolist() and state["labels"] == labels.tolist()
    assert stage.shown_labels() == stage.expected_labels()
    pale = stage.picture()
    radio("checkbox", name="confidence").uncheck()
    stage.settle()
    assert not stage.state["show_confidence"]
    assert not np.array_equal(stage.picture(), pale)
    stage.click("New sample")
    assert stage.state["seed"] == 1 and stage.state["points"] != state["points"]


def test_resting_somewhere_shows_who_votes(notebook):
    stage = Stage(notebook, "widget = DecisionBoundary(k=5, noise=0.3, seed=3)")
    before = stage.picture()
    stage.move((0.1, 0.05))
    stage.page.wait_for_selector(".cs231n-boundary .votes")
    stage.settle()
    place = [float(part.replace("−", "-")) for part in stage.text(".verdict").split("(")[1].rstrip(")").split(",")]
    assert place == pytest.approx([0.1, 0.05], abs=0.011)
    notebook.execute(
        "from sklearn.neighbors import KNeighborsClassifier\n"
        "peer = KNeighborsClassifier(5).fit(widget.points, widget.labels)\n"
    )
    peer = "peer.kneighbors([[0.1, 0.05]])"
    votes = np.bincount(np.array(stage.state["labels"])[notebook.value(f"{peer}[1][0].tolist()")])
    assert [int(bar) for bar in stage.text(".votes").split()] == [vote for vote in votes if vote]
    distances = notebook.value(f"{peer}[0][0].tolist()")
    shown = [float(part) for part in stage.text(".readout p:last-child").split("distances")[1].split("·")]
    assert shown == pytest.approx(distances, abs=0.011)
    # The points that vote have a dark rim, which no point had before.
    after = stage.picture()
    side = after.shape[0]
    for x, y in np.array(stage.state["points"])[notebook.value(f"{peer}[1][0].tolist()")]:
        row, column = int((1 - y) / 2 * side), int((x + 1) / 2 * side)
        around = slice(max(row - 14, 0), row + 14), slice(max(column - 14, 0), column + 14)
        dark = [(picture[around].max(-1) < 0.25).sum() for picture in (before, after)]
        assert dark[1] - dark[0] > 35
    stage.page.mouse.move(5, 5)
    stage.page.wait_for_selector(".cs231n-boundary .readout .hint")
    # What the keyboard made the status line say of a point does not change to the vote under the mouse.
    stage.press("]")
    told = stage.text("[role=status]")
    assert told.endswith(": class 0")
    for place in ((-0.9, -0.9), (-0.9, 0.9), (0.9, -0.9), (0.9, 0.9)):
        stage.move(place)
        stage.settle()
        assert stage.text("[role=status]") == told


def test_an_error_is_shown_with_its_line_and_the_widget_recovers(notebook):
    stage = Stage(
        notebook,
        """import numpy as np
class Fragile:
    def fit(self, X, y):
        self.X, self.y = X, y
    def predict(self, X):
        print("predicting")
        right = self.X[:, 0].max() > 0.8
        if right:
            raise RuntimeError("a point went too far right")
        return self.y[np.abs(X[:, None] - self.X).sum(-1).argmin(1)]
widget = DecisionBoundary(Fragile(), points_per_class=3, noise=0.05)""",
    )
    assert stage.page.get_by_role("slider", name="k").count() == 0  # Fragile has no k to set
    assert not stage.page.locator(".cs231n-boundary .error").is_visible()
    good = stage.picture()
    stage.click_at((0.95, 0.0))
    error = stage.text(".error")
    assert "RuntimeError: a point went too far right" in error
    assert "in predict, line 10" in error
    assert 'raise RuntimeError("a point went too far right")' in error
    assert stage.picture()[30, 60:90].mean() > good[30, 60:90].mean() + 0.05  # paler: the last good regions
    stage.drag((0.95, 0.0), (0.5, 0.9))
    assert not stage.page.locator(".cs231n-boundary .error").is_visible()
    assert stage.shown_labels() == stage.expected_labels()
    assert "predicting" in stage.page.locator(".cs231n-boundary .printed pre").text_content()
    assert stage.page.locator(".jp-OutputArea-child").count() == 1  # nothing was printed into the notebook


def test_the_copied_state_is_the_state(notebook):
    stage = Stage(notebook, "widget = DecisionBoundary(preset='moons')")
    stage.drag(stage.state["points"][3], (0.5, 0.5))
    text = stage.copied_state()
    assert state_from_string(text) == stage.state


def test_python_and_a_second_view_see_the_same(notebook):
    stage = Stage(notebook, "widget = DecisionBoundary(k=1)\ndisplay(widget)")
    assert stage.page.locator(".cs231n-boundary .plot").count() == 2
    notebook.execute("widget.k = 7; widget.preset = 'circles'")
    stage.page.wait_for_function("[...document.querySelectorAll('.slider output')].at(-1).textContent === '7'")
    stage.settle()
    assert stage.shown_labels() == stage.expected_labels()
    stage.click_at((0.99, 0.99))
    stage.page.mouse.move(5, 5)
    stage.settle()
    assert len(stage.state["points"]) == 46
    labels = stage.page.locator(".cs231n-boundary .plot").evaluate_all("all => all.map(node => node.ariaLabel)")
    assert labels == ["Decision boundary with 46 points in 3 classes"] * 2


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_text_stands_out_in_both_themes(notebook, theme):
    Stage(notebook, "widget = DecisionBoundary(k=3)")
    notebook.theme(theme)
    for selector in (
        "legend",
        ".slider span",
        "output",
        "button:enabled",
        ".hint",
        ".choice label:not(:has(:checked))",
    ):
        assert notebook.contrast(f".cs231n-boundary {selector}") >= 4.5, selector
    assert notebook.contrast(".cs231n-boundary .choice label:has(:checked)") >= 3  # bold


def test_redraw_latency(notebook, record_property):
    stage = Stage(notebook, "widget = DecisionBoundary(preset='spiral', points_per_class=20, noise=0.05, k=5)")
    assert len(stage.state["points"]) == 60
    stage.drag(stage.state["points"][0], (0, 0.5), steps=10)  # warm
    stage.page.evaluate("window.redraws = []")
    stage.move((0, 0.5))
    stage.page.mouse.down()
    for angle in np.linspace(0, 4 * np.pi, 200):
        stage.move((0.6 * np.sin(angle), 0.5 * np.cos(angle)))
        time.sleep(0.012)
    stage.page.mouse.up()
    stage.settle()
    drawn = stage.page.evaluate("redraws.map(({milliseconds, resolution}) => [milliseconds, resolution])")
    assert drawn[-1][1] == 100
    times = sorted(milliseconds for milliseconds, resolution in drawn if resolution == 100)
    p95 = times[int(0.95 * len(times))]
    record_property(
        "measured redraw, 100 x 100 regions, 60 points",
        f"median {statistics.median(times):.0f} ms, p95 {p95:.0f} ms, {len(times)} frames of 200 positions "
        f"({len(drawn) - len(times)} coarser); {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
    )
