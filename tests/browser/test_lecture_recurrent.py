"""Lecture 10 in JupyterLab: it runs, its sliders redraw, its widgets live, both themes can be read."""

from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "10_recurrent_networks.ipynb"


def press(lecture, name, slider, key="ArrowRight"):
    """Press a key on a slider of a cell, and wait until the picture has changed; returns the sentence below it."""
    place = lecture.cell(name)
    place.scroll_into_view_if_needed()
    image = place.locator("img.widget-image")
    before = image.get_attribute("src")
    place.locator(".widget-slider", has_text=slider).locator("[role=slider]").focus()
    lecture.page.keyboard.press(key)
    lecture.page.wait_for_function("([node, before]) => node.src !== before", arg=[image.element_handle(), before])
    lecture.wait_idle(30)  # the sentence follows the picture
    return place.locator("[role=status]").text_content()


def test_every_figure_is_there(lecture):
    assert lecture.page.locator("img.widget-image").count() >= 8
    assert lecture.page.locator(".cs231n-characters").count() == 1
    assert lecture.page.locator(".cs231n-unrolled").count() == 2
    lecture.assert_shows_everything()


def test_no_progress_bar_is_left_over(lecture):
    assert lecture.page.get_by_text("Networks:").count() == 0


def test_gradients_follow_radius_and_forget_bias(lecture):
    assert "RNN: less than a thousandth" in press(lecture, "flow-sliders", "Forget bias", "End")
    assert "LSTM: less than a thousandth" not in lecture.cell("flow-sliders").locator("[role=status]").text_content()
    assert "Cut every 60 steps" in press(lecture, "truncation-sliders", "Length of the pieces", "End")


def test_clipping_is_switched_on_at_the_cliff(lecture):
    place = lecture.cell("cliff-sliders")
    image = place.locator("img.widget-image")
    before = image.get_attribute("src")
    place.locator("select").select_option(label="on")
    lecture.page.wait_for_function("([node, before]) => node.src !== before", arg=[image.element_handle(), before])
    place.locator("[role=status]", has_text="the longest step the length 0.30").wait_for(state="attached")


def test_a_beginning_is_typed_and_the_next_character_is_expected(lecture):
    place = lecture.cell("next-sliders")
    box = place.locator("input[type=text]").first
    box.fill("The fo")
    box.press("Enter")
    place.locator("[role=status]", has_text="Likeliest: x").wait_for(state="attached")


def test_rows_are_read_one_by_one(lecture):
    assert "After 16 of 16 rows" in press(lecture, "rows-sliders", "Rows read", "End") or (
        "After 8 of 8 rows" in lecture.cell("rows-sliders").locator("[role=status]").text_content()
    )


def test_the_playground_has_the_text_of_the_lecture_and_trains(lecture):
    playground = lecture.cell("playground-widget").locator(".cs231n-characters")
    playground.scroll_into_view_if_needed()
    assert playground.locator(".text-box").input_value() == lecture.value("text[:4000]")
    playground.get_by_role("button", name="Train", exact=True).click()
    lecture.page.wait_for_function(
        """() => Number(document.querySelector(".cs231n-characters .counter").textContent
            .split(" · ")[0].replace(/\\D/g, "")) >= 5""",
        timeout=60_000,
    )
    playground.get_by_role("button", name="Pause", exact=True).click()
    playground.get_by_role("button", name="Train on", exact=True).wait_for()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    for name in ("unrolled", "flow-sliders", "cliff-sliders", "units", "playground-widget", "rows-sliders"):
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        place.screenshot(path=pictures / f"lecture-10-{name}-{theme.split()[-1].lower()}.png")
    assert lecture.contrast('[data-cell="flow-sliders"] [role=status]') >= 4.5
