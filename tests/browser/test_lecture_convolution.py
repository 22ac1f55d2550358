"""Lecture 05 in JupyterLab: it runs, sliders and playgrounds answer, training stops at ■ and goes on, both themes."""

from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "05_convolutional_networks.ipynb"
RUN_CELL = """name => {
    const panel = window.jupyterapp.shell.currentWidget;
    panel.content.activeCellIndex = panel.content.widgets.findIndex(cell => cell.model.id === name);
    window.jupyterapp.commands.execute("notebook:run-cell");
}"""
INTERRUPT = "() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')"


def status(lecture, name, text):
    lecture.cell(name).locator("[role=status]").filter(has_text=text).first.wait_for()


def press(lecture, name, label, *keys):
    slider = lecture.cell(name).locator(".widget-slider").filter(has_text=label).locator("[role=slider]")
    for key in keys:
        slider.press(key)


def test_every_figure_is_there(lecture):
    assert lecture.page.locator("img.widget-image").count() == 11
    assert lecture.page.locator(".cs231n-convolution").count() == 7
    assert lecture.page.locator(".cs231n-architecture").count() == 1
    lecture.assert_shows_everything()


def test_a_kernel_grows(lecture):
    status(lecture, "kernel-sliders", "3 · 3 · 3 = 27 products")
    press(lecture, "kernel-sliders", "Size F", "ArrowRight")
    status(lecture, "kernel-sliders", "5 · 5 · 3 = 75 products")
    lecture.cell("kernel-sliders").locator("select").nth(1).select_option("box blur")
    status(lecture, "kernel-sliders", "All weights together make +1.00")


def test_a_stride_that_does_not_divide_is_explained(lecture):
    status(lecture, "fit-sliders", "Does not fit")
    press(lecture, "fit-sliders", "Stride S", "Home")
    status(lecture, "fit-sliders", "Output 8 × 8 × 10")
    press(lecture, "fit-sliders", "Size F", "End")
    status(lecture, "fit-sliders", "The window does not fit")


def test_classes_are_looked_for_on_the_collage(lecture):
    place = lecture.cell("slide-sliders")
    image = place.locator("img.widget-image")
    before = image.get_attribute("src")
    chosen = place.locator("select")
    chosen.select_option(index=(chosen.evaluate("node => node.selectedIndex") + 1) % 10)
    lecture.page.wait_for_function("([node, before]) => node.src !== before", arg=[image.element_handle(), before])


def test_training_stops_at_the_button_and_goes_on(lecture):
    before = lecture.value("trainer.step_count")
    lecture.execute("trainer.epochs = 1000")
    lecture.page.evaluate(RUN_CELL, "train-run")
    output = lecture.cell("train-run").locator(".jp-OutputArea")
    output.filter(has_text="/1000").wait_for()
    lecture.page.evaluate(INTERRUPT)
    output.filter(has_text="To go on from here").wait_for()
    lecture.wait_idle(20)
    stopped = lecture.value("trainer.step_count")
    assert stopped > before and lecture.value("file.exists()")
    lecture.execute("trainer.epochs = trainer.epoch + 1")
    lecture.page.evaluate(RUN_CELL, "train-run")
    lecture.page.wait_for_timeout(300)
    lecture.wait_idle(60)
    assert lecture.errors() == []
    assert lecture.value("trainer.step_count") > stopped and lecture.value("trainer.epoch == trainer.epochs")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    names = ("kernel-sliders", "sharing-sliders", "field-sliders", "fit-sliders", "routing-sliders", "train-run")
    for name in (*names, "network-parse", "compare-table", "learned-strongest-sliders", "slide-sliders"):
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        path = pictures / f"lecture-05-{theme.split()[-1].lower()}-{name}.png"
        place.screenshot(path=path)
        assert path.stat().st_size > 5000
