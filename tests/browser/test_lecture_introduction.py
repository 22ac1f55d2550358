"""Lecture 01 in JupyterLab: it runs, the timeline can be walked through, and the quiz can be answered by keyboard."""

from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "01_introduction.ipynb"


def test_every_live_figure_has_its_picture(lecture):
    assert lecture.page.locator("img.widget-image").count() == 12
    lecture.assert_shows_everything()


def test_the_timeline_is_walked_through(lecture):
    timeline = lecture.cell("timeline")
    timeline.get_by_role("combobox").first.select_option("AlexNet")
    timeline.locator("[role=status]").filter(has_text="2012: AlexNet.").wait_for()
    timeline.get_by_role("combobox").nth(1).select_option("vision by rules")
    timeline.get_by_role("button", name="Reset").click()
    timeline.locator("[role=status]").filter(has_text="540,000,000 BCE").wait_for()


def test_the_quiz_is_answered_by_keyboard(lecture):
    quiz = lecture.cell("quiz-play")
    first = quiz.locator("img").get_attribute("src")
    quiz.get_by_role("button").first.focus()
    lecture.page.keyboard.press("Tab")
    lecture.page.keyboard.press("Enter")
    quiz.locator("[role=status]").filter(has_text="of 1").wait_for()
    lecture.page.wait_for_function(
        "first => document.querySelector('[data-cell=quiz-play] img').src !== first", arg=first
    )


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_screenshots_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    for name in "timeline", "simple-cell", "depth", "quiz-play":
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        place.screenshot(path=pictures / f"introduction-{theme.split()[-1].lower()}-{name}.png")
