"""Lecture 03 in JupyterLab: it runs, sliders and the plane answer, both themes can be read."""

import os
from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "03_loss_functions_and_optimization.ipynb"
NAME_CELLS = """() => {
    for (const cell of window.jupyterapp.shell.currentWidget.content.widgets) cell.node.dataset.cell = cell.model.id;
}"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Where screenshots go: $CS231N_SCREENSHOTS, else a temporary folder."""
    folder = Path(os.environ.get("CS231N_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def lecture(open_notebook):
    notebook = open_notebook(LECTURE)
    assert notebook.run_all(300) == []
    notebook.page.evaluate(NAME_CELLS)
    return notebook


def cell(lecture, name):
    return lecture.page.locator(f'[data-cell="{name}"]')


def wait_for_text(lecture, name, text):
    cell(lecture, name).locator("[role=status]").filter(has_text=text).wait_for()


def press(lecture, name, label, *keys):
    slider = cell(lecture, name).locator(".widget-slider").filter(has_text=label).locator("[role=slider]")
    for key in keys:
        slider.press(key)


def test_every_live_figure_has_its_picture(lecture):
    broken = lecture.page.evaluate(
        """() => [...document.querySelectorAll("img.widget-image")].filter(image => !image.naturalWidth).length"""
    )
    assert broken == 0
    assert lecture.page.locator("img.widget-image").count() == 6
    assert lecture.page.get_by_text("Error displaying widget").count() == 0
    assert lecture.console == []


def test_the_hinge_loss_follows_its_sliders(lecture):
    wait_for_text(lecture, "hinge-sliders", "= 1.6")
    press(lecture, "hinge-sliders", "Score of cat", "PageUp", "PageUp", "End")
    wait_for_text(lecture, "hinge-sliders", "= 0.0")
    cell(lecture, "hinge-sliders").get_by_role("button", name="Reset").click()
    wait_for_text(lecture, "hinge-sliders", "= 1.6")


def test_softmax_grows_unsure_when_the_scores_shrink(lecture):
    wait_for_text(lecture, "softmax-sliders", "says cat with probability 0.9999932")
    press(lecture, "softmax-sliders", "All scores times", "Home")
    wait_for_text(lecture, "softmax-sliders", "probability 0.3333333")
    cell(lecture, "softmax-sliders").locator("select").select_option("ship")
    wait_for_text(lecture, "softmax-sliders", "The picture shows a ship")


def test_a_step_too_large_makes_the_loss_rise(lecture):
    status = cell(lecture, "step-sliders").locator("[role=status]")
    assert "went up" not in status.inner_text()
    press(lecture, "step-sliders", "step size", "End")
    wait_for_text(lecture, "step-sliders", "of the steps went up")


def test_the_plane_runs_and_a_point_is_dragged(lecture):
    page, plane = lecture.page, cell(lecture, "plane").locator(".cs231n-linear")
    plane.get_by_role("button", name="Run").click()
    curve = plane.locator(".curve .hint")
    curve.filter(has_text="Loss over 2").wait_for()  # 20 steps or more, or 2
    canvas = plane.locator(".plot")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 40)
    page.mouse.down()  # a new point
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 80, steps=8)
    page.mouse.up()
    plane.locator(".examples tbody tr").nth(15).wait_for()
    plane.get_by_role("button", name="Pause").click()
    assert plane.locator(".totals").inner_text().endswith("of 16 points right")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    for name in ("hinge-sliders", "plane", "race-figure", "step-sliders"):
        place = cell(lecture, name)
        place.scroll_into_view_if_needed()
        place.screenshot(path=pictures / f"lecture-03-{theme.split()[-1].lower()}-{name}.png")
