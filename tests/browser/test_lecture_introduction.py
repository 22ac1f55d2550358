"""Lecture 01 in JupyterLab: it runs, the timeline and the scene obey, and both themes are pictured."""

import os
from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "01_introduction.ipynb"

NAME_CELLS = """() => {
    for (const cell of window.jupyterapp.shell.currentWidget.content.widgets) cell.node.dataset.cell = cell.model.id;
}"""


@pytest.fixture(scope="module")
def lecture(open_notebook):
    notebook = open_notebook(LECTURE)
    assert notebook.run_all(120) == []
    notebook.page.evaluate(NAME_CELLS)
    yield notebook
    assert notebook.console == []


def cell(notebook, name):
    return notebook.page.locator(f'[data-cell="{name}"]')


def test_the_timeline_is_chosen_by_theme_and_span(lecture):
    place = cell(lecture, "timeline")
    place.locator("[role=status]", has_text="540 million years ago, First eyes").wait_for()
    place.locator("select").select_option("networks")
    sentences = place.locator("[role=status]")
    sentences.filter(has_not_text="obscura").wait_for()
    assert "1980, Neocognitron" in sentences.text_content()
    place.locator("[role=slider]").focus()
    for _ in range(3):
        lecture.page.keyboard.press("ArrowRight")
    sentences.filter(has_not_text="Neocognitron").wait_for()
    assert "2012, AlexNet" in sentences.text_content()


@pytest.mark.parametrize("task", ["detection", "segmentation", "captioning", "3-D"])
def test_each_task_has_an_answer(lecture, task):
    place = cell(lecture, "scene")
    words = {"detection": "3 boxes", "segmentation": "A label for each", "captioning": "From left", "3-D": "two views"}
    place.locator("select").select_option(task)
    place.locator("[role=status]", has_text=words[task]).wait_for()
    assert "3 of 3 objects" in place.locator("[role=status]").text_content()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_in_both_themes(lecture, theme, tmp_path):
    folder = Path(os.environ.get("CS231N_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    lecture.theme(theme)
    for name in ("timeline", "scene"):
        place = cell(lecture, name)
        place.scroll_into_view_if_needed()
        path = folder / f"lecture-01-{theme.split()[-1].lower()}-{name}.png"
        place.screenshot(path=path)
        assert path.stat().st_size > 5000
