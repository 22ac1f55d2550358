"""Lecture 04 in JupyterLab: it runs, its graphs can be stepped, its sliders redraw, both themes can be read."""

import os
from pathlib import Path

import pytest

LECTURE = Path(__file__).parents[2] / "notebooks" / "04_backpropagation_and_neural_networks.ipynb"

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


def test_every_figure_is_there(lecture):
    broken = "() => [...document.querySelectorAll('img.widget-image')].filter(image => !image.naturalWidth).length"
    assert lecture.page.evaluate(broken) == 0
    assert lecture.page.locator("img.widget-image").count() >= 3
    assert lecture.page.locator(".cs231n-circuit svg.graph").count() >= 6
    assert lecture.page.get_by_text("Error displaying widget").count() == 0
    assert lecture.console == []


def test_the_first_graph_is_stepped_through(lecture):
    circuit = cell(lecture, "first-circuit").locator(".cs231n-circuit")
    circuit.scroll_into_view_if_needed()
    circuit.locator("svg.graph").focus()
    for _ in range(5):
        lecture.page.keyboard.press("ArrowRight")
    circuit.locator(".sentence", has_text="Backward through q: ∂f/∂x gets −4 × 1 = −4").wait_for()
    assert circuit.locator("td.grad").all_text_contents() == ["−4", "−4", "3"]


def test_sliders_redraw(lecture):
    place = cell(lecture, "matrix-sliders")
    place.scroll_into_view_if_needed()
    image = place.locator("img.widget-image")
    before = image.get_attribute("src")
    place.locator("[role=slider]").first.focus()
    lecture.page.keyboard.press("ArrowRight")
    lecture.page.wait_for_function("([node, before]) => node.src !== before", arg=[image.element_handle(), before])
    assert "largest relative error" in place.locator("[role=status]").text_content()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_in_both_themes(lecture, theme, tmp_path):
    folder = Path(os.environ.get("CS231N_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    lecture.theme(theme)
    for name in ("staged-circuit", "network-circuit", "capacity-sliders", "staged-check"):
        place = cell(lecture, name)
        place.scroll_into_view_if_needed()
        path = folder / f"lecture-04-{theme.split()[-1].lower()}-{name}.png"
        place.screenshot(path=path)
        assert path.stat().st_size > 5000
