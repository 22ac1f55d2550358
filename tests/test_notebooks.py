"""Every lecture is stored clean, its links lead somewhere, and it runs from a fresh kernel without a complaint.

Here without CIFAR-10; tests/browser runs each in JupyterLab on CIFAR-10, and asks the same of it.
"""

import functools
import re
from pathlib import Path

import nbformat
import pytest
from executed_notebook import assert_lecture_ran_clean, assert_ran_clean, outputs, printed
from nbclient import NotebookClient

from cs231n_kit.arrays import has_gpu
from cs231n_kit.cuda_emulation import find_compiler

COURSE = Path(__file__).parents[1]
FOLDER = COURSE / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LECTURES = [path for path in NOTEBOOKS if not path.name.startswith("00")]
LINK = re.compile(r"\]\(([^)\s]+)\)")
WITHOUT_CIFAR10 = """
import cs231n_kit.datasets as datasets

def load(name, *args, load=datasets.load, **options):
    if name == "cifar10":
        raise datasets.DatasetError("CIFAR-10 is not on this machine.")
    return load(name, *args, **options)

datasets.load = load
"""


def stem(path):
    return path.stem


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)


def read(path):
    return nbformat.read(path, as_version=4)


def run(notebook):
    """Execute in nbclient's default settings, as if opened from the notebooks' folder; two minutes for each cell."""
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    return notebook


@functools.cache
def without_cifar10(path):
    """A lecture after its run on a machine where CIFAR-10 is not."""
    notebook = read(path)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(WITHOUT_CIFAR10))
    return run(notebook)


@every_notebook
def test_stored_clean(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None, cell.id


@every_notebook
def test_opens_with_a_title_and_tells_what_to_do(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown" and first.source.startswith("# ")
    assert "Run All" in first.source


@every_notebook
def test_links_lead_somewhere(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    headings = {line.lstrip("#").strip().replace(" ", "-") for line in text.splitlines() if line.startswith("#")}
    links = LINK.findall(text)
    assert links
    for link in links:
        if link.startswith("#"):
            assert link[1:] in headings, link
        elif "://" not in link:
            assert (FOLDER / link).is_file(), link


def test_front_page_runs():
    notebook = run(read(FOLDER / "00_start_here.ipynb"))
    assert_ran_clean(notebook)
    shown = "".join(output.data.get("text/markdown", "") for output in outputs(notebook, "execute_result"))
    for path in LECTURES:
        assert f"({path.name})" in shown
    assert "independent" in notebook.cells[-1].source


@pytest.mark.parametrize("path", LECTURES, ids=stem)
def test_lecture_runs_without_cifar10_and_says_so(path):
    assert_lecture_ran_clean(without_cifar10(path), "digits")


@pytest.mark.parametrize("path", LECTURES, ids=stem)
def test_lecture_is_run_on_cifar10_in_the_browser(path):
    modules = (COURSE / "tests" / "browser").glob("test_*.py")
    assert any(re.search(rf'^LECTURE = .*"{path.name}"', module.read_text("utf-8"), re.MULTILINE) for module in modules)


HARDWARE = FOLDER / "08_hardware_and_software.ipynb"
WITHOUT_COMPILER = """
import os

os.environ["PATH"] = os.environ["CXX"] = ""
"""


def reports(notebook):
    """{cell: what a kernel's run is reported to have come to}."""
    shown = ((cell.id, output) for cell in notebook.cells for output in cell.get("outputs", []))
    found = ((name, output.get("data", {}).get("text/markdown", "")) for name, output in shown)
    return {name: text for name, text in found if text.startswith("**It ")}


@pytest.mark.skipif(find_compiler() is None, reason="needs a C++ compiler")
def test_kernels_of_the_lecture_run_and_its_mistakes_are_reported():
    found = reports(without_cifar10(HARDWARE))
    right = {"relu-run", "naive", "tiled", "elementwise-run"}
    assert {name for name, text in found.items() if text.startswith("**It ran.**")} == right
    assert "reads x\\[512\\], but x has 512 elements" in found["careless-run"]
    assert "→   4      out[i]" in found["careless-run"]
    assert "still running after 1 seconds" in found["endless-run"]
    assert "a race" in found["race-run"] and "→  15" in found["race-run"]


def test_the_lecture_on_hardware_runs_without_a_compiler():
    notebook = read(HARDWARE)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(WITHOUT_COMPILER))
    assert_ran_clean(run(notebook))
    assert "takes a C++ compiler, and none was found" in printed(notebook)
    found = reports(notebook)
    if not has_gpu():
        assert len(found) == 7 and all(text.startswith("**It cannot run here.**") for text in found.values())
