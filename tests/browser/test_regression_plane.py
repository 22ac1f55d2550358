"""The regression widget under a real mouse and keyboard."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, QuantileRegressor
from stage import PlaneStage

from cs231n_kit.widgets.regression_plane_state import state_from_string


class Stage(PlaneStage):
    """The widget on the page."""

    PROGRAM = "from cs231n_kit.widgets import RegressionPlane\nwidget = RegressionPlane({})"
    ROOT = ".cs231n-regression"

    def numbers(self):
        """The table as numbers, {method: [L2 loss, L1 loss, share of the marked point in %]}."""
        rows = self.root.locator(".losses tbody tr").all()
        cells = [[cell.inner_text() for cell in row.locator("td").all()] for row in rows]
        names = [row.locator("th").inner_text() for row in rows]
        return {name: [float(cell.strip("%")) for cell in row] for name, row in zip(names, cells, strict=True)}

    def pixels(self):
        return self.plot.evaluate("node => node.toDataURL()")


def peers(points):
    """The lines that scikit-learn finds: {"L2 line", "L1 line": predictions at the points}."""
    x, y = np.array(points).T
    least_squares = LinearRegression().fit(x[:, None], y)
    median = QuantileRegressor(quantile=0.5, alpha=0).fit(x[:, None], y)
    return {"L2 line": least_squares.predict(x[:, None]), "L1 line": median.predict(x[:, None])}


def test_a_dragged_outlier_moves_the_l2_line_and_not_the_l1_line(notebook):
    stage = Stage(notebook)
    before = stage.state["points"]
    outlier = int(np.argmin([y for _, y in before]))
    first = notebook.value("{name: line.tolist() for name, line in widget.fits().lines.items()}")
    stage.drag(before[outlier], (before[outlier][0], -0.3))
    after = stage.state["points"]
    assert after[outlier] == pytest.approx([before[outlier][0], -0.3], abs=0.01)
    assert [*after[:outlier], *after[outlier + 1 :]] == [*before[:outlier], *before[outlier + 1 :]]
    second = notebook.value("{name: line.tolist() for name, line in widget.fits().lines.items()}")
    assert second["l1"] == pytest.approx(first["l1"], abs=1e-6)
    assert second["l2"][0] - first["l2"][0] > 0.05
    shown, y = stage.numbers(), np.array(after)[:, 1]
    for name, predicted in peers(after).items():
        assert shown[name][0] == pytest.approx(((predicted - y) ** 2).mean(), abs=6e-4)
        assert shown[name][1] == pytest.approx(np.abs(predicted - y).mean(), abs=6e-4)
        share = np.abs(predicted - y) ** (2 if name == "L2 line" else 1)
        assert shown[name][2] == pytest.approx(100 * share[outlier] / share.sum(), abs=0.6)
    assert f"point {outlier + 1} has" in stage.root.locator(".losses thead").inner_text()
    stage.press("Control+z")
    assert stage.state["points"] == before


def test_points_are_added_moved_and_removed_with_the_keys_alone(notebook):
    stage = Stage(notebook, "preset='line'")
    before = stage.state["points"]
    stage.plot.focus()
    stage.press("n", "ArrowUp", "Shift+ArrowUp")
    assert stage.state["points"][0] == pytest.approx([before[0][0], before[0][1] + 0.12])
    assert "point 1 of 15 at" in stage.root.locator(".status").first.inner_text()
    stage.press("Delete", "c", "3")  # there are no classes, so nothing happens
    assert stage.state["points"] == before[1:] and set(stage.state["labels"]) == {0}
    stage.press("Escape", "Enter")
    assert len(stage.state["points"]) == 15 and stage.notebook.value("len(widget.fits().shares['l1'])") == 15


def test_bins_and_curves_are_chosen(notebook):
    stage = Stage(notebook)
    pictures = {stage.pixels()}
    for name in ("L2: least squares", "L1: least absolute values", "Bins: softmax over y"):
        stage.page.get_by_role("checkbox", name=name).uncheck()
        stage.settle()
        pictures.add(stage.pixels())
    assert len(pictures) == 4
    assert [stage.state[key] for key in ("show_l2", "show_l1", "show_bins")] == [False] * 3
    slider = stage.root.get_by_role("slider", name="Bins")
    slider.focus()
    slider.press("End")
    stage.settle()
    assert stage.state["bins"] == 20 and stage.notebook.value("widget.distribution().shape") == (120, 20)
    stage.root.locator("label").filter(has_text="Two answers").click()
    stage.settle()
    assert stage.state["preset"] == "branches" and min(y for _, y in stage.state["points"]) < -0.4
    assert state_from_string(stage.copied_state()) == stage.state


def test_without_two_places_it_says_what_to_do(notebook):
    stage = Stage(notebook, "state={'points': [[0.2, 0.1]]}")
    hint = stage.root.get_by_text("Two points that differ in x make a line")
    assert hint.is_visible() and not stage.root.locator(".losses").is_visible()
    stage.click_at((-0.6, 0.5))
    assert not hint.is_visible() and stage.numbers()["L2 line"][:2] == [0, 0]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_in_both_themes(notebook, theme, pictures):
    stage = Stage(notebook)
    notebook.theme(theme)
    stage.settle()
    stage.root.screenshot(path=pictures / f"regression-{theme.split()[-1].lower()}.png")
    for selector in ("caption", "th", "td", ".formula", ".check", "legend", "output"):
        assert notebook.contrast(f".cs231n-regression {selector}") >= 4.5, selector
    stage.page.set_viewport_size({"width": 720, "height": 1000})
    try:
        stage.settle()
        stage.root.screenshot(path=pictures / f"regression-narrow-{theme.split()[-1].lower()}.png")
        assert stage.root.evaluate("node => node.scrollWidth - node.clientWidth") <= 1
    finally:
        stage.page.set_viewport_size({"width": 1360, "height": 1000})
