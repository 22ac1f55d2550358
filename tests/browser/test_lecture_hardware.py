"""Lecture 08 in JupyterLab: it runs, its figures obey the keyboard, and reports can be read in both themes."""

from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "08_hardware_and_software.ipynb"


def test_every_live_figure_has_its_picture(lecture):
    assert lecture.page.locator("img.widget-image").count() == 7
    lecture.assert_shows_everything()


def test_arrow_keys_move_the_framed_thread(lecture):
    place = lecture.cell("threads")
    sentence = place.locator("[role=status]")
    assert "3 · 32 + 5 = 101" in sentence.text_content()
    handle = place.locator(".widget-slider", has_text="Thread").last.locator("[role=slider]")
    handle.focus()
    lecture.page.keyboard.press("ArrowLeft")
    lecture.page.keyboard.press("ArrowLeft")
    sentence.filter(has_text="3 · 32 + 3 = 99, and computes element 99").wait_for()


def test_another_layer_under_the_roof_by_the_keyboard(lecture):
    place = lecture.cell("roofline-figure")
    sentence = place.locator("[role=status]")
    assert "conv 3×3, 64 channels" in sentence.text_content()
    place.locator("select").focus()
    lecture.page.keyboard.press("End")
    sentence.filter(has_text="memory decides").filter(has_text="ReLU").wait_for()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_screenshots_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    for name in (
        "operation-run",
        "roofline-figure",
        "roofline-own",
        "transfer",
        "threads",
        "careless-run",
        "race-run",
        "tiles-steps",
    ):
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        place.screenshot(path=pictures / f"hardware-{theme.split()[-1].lower()}-{name}.png")
