"""Lecture 03 in JupyterLab: it runs, sliders and the plane answer, both themes can be read."""

from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "03_loss_functions_and_optimization.ipynb"


def wait_for_text(lecture, name, text):
    lecture.cell(name).locator("[role=status]").filter(has_text=text).wait_for()


def press(lecture, name, label, *keys):
    slider = lecture.cell(name).locator(".widget-slider").filter(has_text=label).locator("[role=slider]")
    for key in keys:
        slider.press(key)


def test_every_live_figure_has_its_picture(lecture):
    assert lecture.page.locator("img.widget-image").count() == 6
    lecture.assert_shows_everything()


def test_the_hinge_loss_follows_its_sliders(lecture):
    wait_for_text(lecture, "hinge-sliders", "= 1.6")
    press(lecture, "hinge-sliders", "Score of cat", "PageUp", "PageUp", "End")
    wait_for_text(lecture, "hinge-sliders", "= 0.0")
    lecture.cell("hinge-sliders").get_by_role("button", name="Reset").click()
    wait_for_text(lecture, "hinge-sliders", "= 1.6")


def test_softmax_grows_unsure_when_the_scores_shrink(lecture):
    wait_for_text(lecture, "softmax-sliders", "says cat with probability 0.9999932")
    press(lecture, "softmax-sliders", "All scores times", "Home")
    wait_for_text(lecture, "softmax-sliders", "probability 0.3333333")
    lecture.cell("softmax-sliders").locator("select").select_option("ship")
    wait_for_text(lecture, "softmax-sliders", "The picture shows a ship")


def test_a_step_too_large_makes_the_loss_rise(lecture):
    status = lecture.cell("step-sliders").locator("[role=status]")
    assert "went up" not in status.inner_text()
    press(lecture, "step-sliders", "step size", "End")
    wait_for_text(lecture, "step-sliders", "of the steps went up")


def test_the_plane_runs_and_a_point_is_dragged(lecture):
    page, plane = lecture.page, lecture.cell("plane").locator(".cs231n-linear")
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
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        place.screenshot(path=pictures / f"lecture-03-{theme.split()[-1].lower()}-{name}.png")
