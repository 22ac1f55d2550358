"""The notebooks that students get, in JupyterLab: empty, with a known mistake, and solved."""

import shutil
from pathlib import Path

import nbformat
import pytest

from grader.check import load_checks

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "assignments").glob("*/*.ipynb"))

# Runs the cell that nbgrader knows by this name: with a new source, or with all cells `above` it first.
RUN = """async ([name, source, above]) => {
    const {commands, shell} = window.jupyterapp;
    const notebook = shell.currentWidget.content;
    const index = notebook.widgets.findIndex(cell => cell.model.getMetadata("nbgrader")?.grade_id === name);
    notebook.activeCellIndex = index;
    notebook.deselectAll();
    const cell = notebook.widgets[index];
    cell.node.dataset.cell = name;
    if (above) await commands.execute("notebook:run-all-above");
    notebook.activeCellIndex = index;
    if (source !== null) cell.model.sharedModel.setSource(source);
    await commands.execute("notebook:run-cell");
}"""


def answer(path, function):
    """The source of a function's answer cell in the solution."""
    solution = nbformat.read(ROOT / "solutions" / path.parent.name / path.name, as_version=4)
    named = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in solution.cells}
    return named[f"{function}_answer"].source


def with_a_mistake(check, source):
    """A known mistake that is made inside of this one answer cell, and the source that has it."""
    for mistake in check.mistakes:
        if all(old in source for old, _ in mistake.replace):
            for old, new in mistake.replace:
                source = source.replace(old, new)
            return mistake, source
    raise AssertionError(f"no known mistake of {check.function} is inside of its answer cell")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_empty_a_mistaken_and_a_right_answer(path, open_notebook, lab, pictures):
    for key in path.parent.glob("*_key.npz"):
        shutil.copy(key, lab.folder)
    notebook = open_notebook(path)
    check = load_checks(path.stem).checks[0]
    right = answer(path, check.function)
    mistake, wrong = with_a_mistake(check, right)

    def report(source=None, above=False):
        if source is not None:
            notebook.page.evaluate(RUN, [f"{check.function}_answer", source, False])
        notebook.page.evaluate(RUN, [check.function, None, above])
        notebook.wait_idle(60)
        shown = notebook.cell(check.function).locator(".jp-OutputArea-output", has_text="What was found")
        shown.wait_for()
        return shown.text_content()

    assert "not implemented yet" in report(above=True)
    for theme in "JupyterLab Light", "JupyterLab Dark":
        notebook.theme(theme)
        told = report(wrong)
        notebook.cell(check.function).scroll_into_view_if_needed()
        notebook.cell(check.function).screenshot(path=pictures / f"assignment-{path.stem}-{theme.split()[-1]}.png")
    assert mistake.hint in told
    assert f"{check.points:g} of {check.points:g} points" in report(right)
    assert notebook.errors() == [] and notebook.console == []
