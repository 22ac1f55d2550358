"""Parts of the judge that need no kernel."""

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from cs231n_kit.checking.loops import find_loop
from grader.judge import function_sources


def notebook(*sources, **metadata):
    return new_notebook(cells=[new_code_cell(source, metadata=metadata) for source in sources])


def test_function_sources_see_definitions_magics_lambdas_and_survive_broken_cells():
    found = function_sources(
        notebook(
            "%matplotlib inline\ndef f(x):\n    return g(x)",
            "def f(x:\n",
            "g = lambda x: [y for y in x]",
            "(" * 5000,
            "!ls\ndef h(x):\n    return 2 * x",
        )
    )
    assert set(found) == {"f", "g", "h"}
    assert find_loop("f", found) == "a list comprehension in g"
    assert find_loop("h", found) == ""


def test_of_two_definitions_the_last_counts_and_skipped_cells_do_not():
    book = notebook("def f(x):\n    for y in x: pass", "def f(x):\n    return x")
    assert find_loop("f", function_sources(book)) == ""
    assert function_sources(notebook("def f(x): pass", tags=["skip-grading"])) == {}
    nbformat.validate(book)
