"""Lecture 06 in JupyterLab: it runs, its sliders redraw, its graph and widgets live, both themes can be read."""

from pathlib import Path

import pytest

from cs231n_kit.widgets.regression_plane_state import preset_points

LECTURE = Path(__file__).parents[2] / "notebooks" / "06_training_neural_networks_1.ipynb"


def move(lecture, name, key="ArrowRight", times=1):
    """Move the first slider of a cell; returns the sentence below the new picture."""
    place = lecture.cell(name)
    place.scroll_into_view_if_needed()
    image = place.locator("img.widget-image")
    place.locator("[role=slider]").first.focus()
    for _ in range(times):
        before = image.get_attribute("src")
        lecture.page.keyboard.press(key)
        lecture.page.wait_for_function("([node, before]) => node.src !== before", arg=[image.element_handle(), before])
    lecture.wait_idle(30)  # the sentence follows the picture
    return place.locator("[role=status]").text_content()


def test_every_figure_is_there(lecture):
    assert lecture.page.locator("img.widget-image").count() >= 9
    assert lecture.page.locator(".cs231n-circuit svg.graph").count() == 1
    lecture.assert_shows_everything()


def test_no_progress_bar_is_left_over(lecture):
    assert lecture.page.get_by_text("updates/s").count() == 0


def test_sliders_redraw(lecture):
    assert "for 100% of the examples" not in move(lecture, "zigzag-sliders", "Home").lower()
    assert "one 1.0 times" not in move(lecture, "cloud-sliders")
    assert "30 numbers" in move(lecture, "reconstruction-sliders")


def test_dead_units_follow_the_learning_rate(lecture):
    shares = lecture.value("[round(100 * s) for s in watches['ReLU', 0.03].shares[-1]]")
    assert ", ".join(f"{share} %" for share in shares) in move(lecture, "dead-sliders")


def test_the_examples_of_a_batch_are_tied_together(lecture):
    circuit = lecture.cell("bn-circuit").locator(".cs231n-circuit")
    circuit.scroll_into_view_if_needed()
    circuit.locator("svg.graph").focus()
    lecture.page.keyboard.press("End")
    gradients = [float(text.replace("−", "-")) for text in circuit.locator("td.grad").all_text_contents()[:3]]
    assert all(gradients) and abs(sum(gradients)) < 0.01


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    for name in ("activation-sliders", "dead-sliders", "cloud-sliders", "signal", "start-histograms", "bn-circuit"):
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        path = pictures / f"lecture-06-{theme.split()[-1].lower()}-{name}.png"
        place.screenshot(path=path)
        assert path.stat().st_size > 5000


def wait_for_text(lecture, name, text):
    lecture.cell(name).locator("[role=status]").filter(has_text=text).wait_for()


def press(lecture, name, label, key):
    lecture.cell(name).locator(".widget-slider").filter(has_text=label).locator("[role=slider]").press(key)


def test_figures_of_losses_follow_their_controls(lecture):
    press(lecture, "loss-shapes", "Margin", "End")
    wait_for_text(lecture, "loss-shapes", "Margin 3.0: hinge 0.00 (slope 0.00)")
    press(lecture, "tree-cost", "Classes", "End")
    wait_for_text(lecture, "tree-cost", "100,000 × 512 = 51,200,000")
    lecture.cell("tree-sliders").locator("select").last.select_option("ship")
    wait_for_text(lecture, "tree-sliders", "P(ship) = ")
    press(lecture, "attributes-sliders", "Threshold", "End")
    wait_for_text(lecture, "attributes-sliders", "Above 3.0 (a probability of 95%)")
    lecture.cell("attributes-unseen").locator("select").first.select_option("cat")
    wait_for_text(lecture, "attributes-unseen", "Trained without one cat and without one ship")
    lecture.cell("outlier-angles-sliders").locator("select").select_option("1 in 10 wrong")
    wait_for_text(lecture, "outlier-angles-sliders", "Turned by")
    press(lecture, "sequence-sliders", "Weight of neighbours", "Home")
    wait_for_text(lecture, "sequence-sliders", "0.00 (neighbours)")


def test_an_outlier_is_dragged(lecture):
    page, widget = lecture.page, lecture.cell("outlier-plane").locator(".cs231n-regression")
    formula, canvas = widget.locator(".formula"), widget.locator(".plot")
    before = formula.inner_text()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = min(preset_points("outlier", 0.06, 0), key=lambda point: point[1])
    across, down = (box["x"] + (x + 1) / 2 * box["width"], box["y"] + (1 - y) / 2 * box["height"])
    page.mouse.move(across, down)
    page.mouse.down()
    page.mouse.move(across, down - 0.2 * box["height"], steps=12)
    page.mouse.up()
    page.wait_for_function("([node, text]) => node.innerText !== text", arg=[formula.element_handle(), before])
    page.wait_for_selector('.cs231n-regression[aria-busy="false"]')
    old, new = (text.split(" · ") for text in (before, formula.inner_text()))
    assert old[0].startswith("L2") and old[0] != new[0] and old[1:] == new[1:]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_of_losses_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    for name in ("tree-sliders", "attributes-sliders", "outlier-plane", "outlier-angles-sliders", "sequence-sliders"):
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        path = pictures / f"lecture-06-{theme.split()[-1].lower()}-{name}.png"
        place.screenshot(path=path)
        assert path.stat().st_size > 5000
