"""Lecture 07 in JupyterLab: it runs, its figures answer, both themes can be read."""

from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "07_training_neural_networks_2.ipynb"


def test_everything_is_shown(lecture):
    lecture.assert_shows_everything()


def wait_for_text(lecture, name, text):
    lecture.cell(name).locator("[role=status]").filter(has_text=text).wait_for()


def press(lecture, name, label, *keys):
    slider = lecture.cell(name).locator(".widget-slider").filter(has_text=label).locator("[role=slider]")
    for key in keys:
        slider.press(key)


def test_penalties_pull_at_a_weight(lecture):
    wait_for_text(lecture, "pull-sliders", "wants to be 0.2 ends at 0.00")
    lecture.cell("pull-sliders").locator("select").select_option("L2")
    wait_for_text(lecture, "pull-sliders", "wants to be 0.2 ends at 0.10")
    press(lecture, "pull-sliders", "limit", "Home")
    wait_for_text(lecture, "pull-sliders", "wants to be 0.2 ends at 0.20")


def test_dropout_is_right_on_average(lecture):
    press(lecture, "dropout-sliders", "Keep with p", "End")
    wait_for_text(lecture, "dropout-sliders", "within 0.00 of the output when testing")
    lecture.cell("dropout-sliders").get_by_role("button", name="Reset").click()
    wait_for_text(lecture, "dropout-sliders", "Without the division it would be 0.5 times as large")


def test_an_image_is_altered(lecture):
    press(lecture, "augmentation-sliders", "Mirror with probability", "Home")
    press(lecture, "augmentation-sliders", "Move by up to", "Home")
    wait_for_text(lecture, "augmentation-sliders", "100% of the copies equal the image")


def test_training_was_shown_and_the_first_two_ways_are_the_same(lecture):
    assert "100%" in lecture.cell("pretrain").inner_text()
    assert lecture.cell("pretrain").locator("img").count() == 1
    told = lecture.cell("first-two").inner_text()
    assert "have changed 0." in told and ("Equal to the bit." in told or "Equal, but for rounding." in told)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_of_regularisation_and_transfer_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    for name in (
        *("pull-sliders", "dropout-sliders", "augmentation-sliders", "effects-figure", "weights-figure"),
        *("ensemble-run", "pretrain", "frozen-summary", "first-two", "race-run", "race-table", "seconds-run"),
    ):
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        place.screenshot(path=pictures / f"lecture-07-{theme.split()[-1].lower()}-{name}.png")
    assert lecture.contrast("[role=status], .widget-label") >= 4.5
