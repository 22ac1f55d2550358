"""Lecture 09 in JupyterLab: it runs, its figures answer, training stops and goes on, both themes can be read."""

import re
from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "09_architectures.ipynb"
RUN_CELL = """name => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.id === name);
    window.jupyterapp.commands.execute("notebook:run-cell");
}"""
INTERRUPT = "() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')"


def status(lecture, name, text):
    lecture.cell(name).locator("[role=status]").filter(has_text=text).wait_for()


def press(lecture, name, label, *keys):
    slider = lecture.cell(name).locator(".widget-slider").filter(has_text=label).locator("[role=slider]")
    for key in keys:
        slider.press(key)


def test_everything_is_shown(lecture):
    lecture.assert_shows_everything()
    assert lecture.cell("explorer-play").locator("canvas, svg").count() > 0
    assert lecture.cell("layer-tables").locator("details").count() == 9


def test_layer_tables_unfold(lecture):
    tables = lecture.cell("layer-tables")
    assert tables.locator("table:visible").count() == 1
    tables.locator("summary").filter(has_text="ResNet-18").click()
    tables.locator("table:visible").nth(1).wait_for()
    assert "11,689,512" in tables.locator("details[open]").last.inner_text()


def test_stacks_and_blocks_are_counted_anew(lecture):
    status(lecture, "stacks-sliders", "55% of the parameters")
    press(lecture, "stacks-sliders", "Layers of 3", "End")
    status(lecture, "stacks-sliders", "Both see 13 × 13 pixels")
    press(lecture, "inception-sliders", "1 × 1 before 3 × 3", "End")
    press(lecture, "inception-sliders", "1 × 1 before 5 × 5", "End")
    status(lecture, "inception-sliders", "Nothing saved")
    press(lecture, "bottleneck-sliders", "Channels inside", "Home")
    status(lecture, "bottleneck-sliders", "times less")


def test_a_block_without_weights_passes_on_the_picture(lecture):
    press(lecture, "identity-sliders", "Weights times", "Home")
    status(lecture, "identity-sliders", "with shortcuts exactly the picture")
    press(lecture, "gradients-sliders", "Layers", "Home")
    lecture.cell("gradients-sliders").locator("select").select_option("with")
    status(lecture, "gradients-sliders", "Before any training, with batch normalisation")
    press(lecture, "auxiliary-sliders", "First weights", "Home")
    status(lecture, "auxiliary-sliders", "times as long")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    names = (
        "title",
        "totals-table",
        "explorer-play",
        "layer-tables",
        "stacks-sliders",
        "stacks-table",
        "photograph-run",
    )
    more = (
        "residual-run",
        "identity-code",
        "identity-sliders",
        "gradients-sliders",
        "recorded-figure",
        "recorded-without",
        "mine-run",
    )
    for name in (*names, *more, "auxiliary-sliders", "small-table"):
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        path = pictures / f"lecture-09-{theme.split()[-1].lower()}-{name}.png"
        place.screenshot(path=path)
        assert path.stat().st_size > 3000
    assert lecture.contrast("[role=status], .widget-label") >= 4.5


def test_own_training_stops_at_the_button_and_goes_on(lecture):
    lecture.execute(
        "my_training = {'mine': plain_and_residual.training("
        "plain_and_residual.build(8, True, images), 1000)}; my_name = 'mine'"
    )
    lecture.page.evaluate(RUN_CELL, "mine-run")
    output = lecture.cell("mine-run").locator(".jp-OutputArea")
    output.filter(has_text=re.compile(r"\b[1-9]\d*/\d+")).wait_for()
    lecture.page.evaluate(INTERRUPT)
    output.filter(has_text="run this cell again to go on").wait_for()
    lecture.wait_idle(20)
    stopped = lecture.value("my_training['mine'].step_count")
    assert stopped > 0
    lecture.execute("my_training['mine'].epochs = my_training['mine'].epoch + 1")
    lecture.page.evaluate(RUN_CELL, "mine-run")
    lecture.page.wait_for_timeout(300)
    lecture.wait_idle(60)
    assert lecture.errors() == []
    assert lecture.value("my_training['mine'].step_count") > stopped
    assert lecture.cell("mine-run").locator("img").count() == 1
