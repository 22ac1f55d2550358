"""Lecture 08 in JupyterLab: it runs, its figures obey the keyboard, and reports can be read in both themes."""

import os
from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "08_hardware_and_software.ipynb"

NAME_CELLS = """() => {
    for (const cell of window.jupyterapp.shell.currentWidget.content.widgets) cell.node.dataset.cell = cell.model.id;
}"""


@pytest.fixture(scope="module")
def lecture(open_notebook):
    notebook = open_notebook(LECTURE)
    assert notebook.run_all(240) == []
    notebook.page.evaluate(NAME_CELLS)
    return notebook


def cell(notebook, name):
    return notebook.page.locator(f'[data-cell="{name}"]')


def test_every_live_figure_has_its_picture(lecture):
    broken = lecture.page.evaluate(
        """() => [...document.querySelectorAll("img.widget-image")].filter(image => !image.naturalWidth).length"""
    )
    assert broken == 0
    assert lecture.page.locator("img.widget-image").count() == 5
    assert lecture.page.get_by_text("Error displaying widget").count() == 0
    assert lecture.console == []


def test_arrow_keys_move_the_framed_thread(lecture):
    place = cell(lecture, "threads")
    sentence = place.locator("[role=status]")
    assert "3 · 32 + 5 = 101" in sentence.text_content()
    handle = place.locator(".widget-slider", has_text="Thread").last.locator("[role=slider]")
    handle.focus()
    lecture.page.keyboard.press("ArrowLeft")
    lecture.page.keyboard.press("ArrowLeft")
    sentence.filter(has_text="3 · 32 + 3 = 99, and computes element 99").wait_for()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_screenshots_in_both_themes(lecture, theme, tmp_path):
    lecture.theme(theme)
    folder = Path(os.environ.get("CS231N_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("operation-run", "transfer", "threads", "careless-run", "race-run", "tiles-steps"):
        place = cell(lecture, name)
        place.scroll_into_view_if_needed()
        place.screenshot(path=folder / f"hardware-{theme.split()[-1].lower()}-{name}.png")
