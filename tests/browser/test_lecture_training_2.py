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


def test_sgd_is_thrown_out_of_the_valley_and_the_words_say_why(lecture):
    race = lecture.cell("optimizer-zigzag").locator(".cs231n-race")
    verdict = race.locator(".racer:not(.off) .verdict")
    verdict.filter(has_text="steps turn back").wait_for()
    race.get_by_label("rate of SGD", exact=True).fill("0.06")
    words = "with learning rate 0.06 and curvature 40 it needs a rate below 0.05"
    verdict.filter(has_text=words).wait_for()
    race.get_by_label("Condition", exact=True).fill("0")  # a round bowl: 10 to the power 0
    verdict.filter(has_text="SGD needs").wait_for()
    assert "turn back" not in verdict.inner_text()


def test_the_race_with_momentum_plays_to_its_end_and_its_start_is_dragged(lecture):
    page, race = lecture.page, lecture.cell("optimizer-momentum-race").locator(".cs231n-race")
    where = race.locator(".steps output")
    assert where.inner_text() == "0 of 100"
    race.locator(".play").click()
    where.filter(has_text="100 of 100").wait_for(timeout=60_000)
    canvas = race.locator("canvas.plot")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    scale = box["width"] / 2.4
    page.mouse.move(box["x"] + 0.2 * scale, box["y"] + 0.6 * scale)  # (-1, 0.6)
    page.mouse.down()
    page.mouse.move(box["x"] + 2.2 * scale, box["y"] + 1.2 * scale, steps=8)
    page.mouse.up()
    page.wait_for_function("canvas => /from \\((0.9|1.0)/.test(canvas.ariaLabel)", arg=canvas.element_handle())


def test_the_stable_rate_and_a_lifted_hessian_follow_their_sliders(lecture):
    wait_for_text(lecture, "optimizer-rate-sliders", "A thousandth of the way is left after")
    press(lecture, "optimizer-rate-sliders", "Learning rate", "End")
    wait_for_text(lecture, "optimizer-rate-sliders", "y grows")
    press(lecture, "saddle-sliders", "Lift", "End")
    wait_for_text(lecture, "saddle-sliders", "a minimum")


def test_a_schedule_that_falls_lets_sgd_settle(lecture):
    race = lecture.cell("schedule-race").locator(".cs231n-race")
    loss = race.locator(".racer:not(.off) .loss")
    wandering = float(loss.inner_text().replace("−", "-"))
    race.get_by_label("Learning rate over time", exact=True).select_option("cosine")
    race.locator(".racer:not(.off) .verdict").filter(has_text="thousandth").wait_for()
    assert float(loss.inner_text().replace("−", "-")) < wandering / 10
