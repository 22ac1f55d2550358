"""Lecture 04 in JupyterLab: it runs, its graphs can be stepped, its sliders redraw, both themes can be read."""

from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "04_backpropagation_and_neural_networks.ipynb"


def test_every_figure_is_there(lecture):
    assert lecture.page.locator("img.widget-image").count() >= 3
    assert lecture.page.locator(".cs231n-circuit svg.graph").count() >= 6
    lecture.assert_shows_everything()


def test_the_first_graph_is_stepped_through(lecture):
    circuit = lecture.cell("first-circuit").locator(".cs231n-circuit")
    circuit.scroll_into_view_if_needed()
    circuit.locator("svg.graph").focus()
    for _ in range(5):
        lecture.page.keyboard.press("ArrowRight")
    circuit.locator(".sentence", has_text="Backward through q: ∂f/∂x gets −4 × 1 = −4").wait_for()
    assert circuit.locator("td.grad").all_text_contents() == ["−4", "−4", "3"]


def test_sliders_redraw(lecture):
    place = lecture.cell("matrix-sliders")
    place.scroll_into_view_if_needed()
    image = place.locator("img.widget-image")
    before = image.get_attribute("src")
    place.locator("[role=slider]").first.focus()
    lecture.page.keyboard.press("ArrowRight")
    lecture.page.wait_for_function("([node, before]) => node.src !== before", arg=[image.element_handle(), before])
    assert "largest relative error" in place.locator("[role=status]").text_content()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    for name in ("staged-circuit", "network-circuit", "capacity-sliders", "staged-check"):
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        path = pictures / f"lecture-04-{theme.split()[-1].lower()}-{name}.png"
        place.screenshot(path=path)
        assert path.stat().st_size > 5000
