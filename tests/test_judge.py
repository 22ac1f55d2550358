"""Parts of the judge that need no kernel."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cs231n_kit.checking.answer_key import Case, CheckKey
from cs231n_kit.checking.calling import Outcome
from cs231n_kit.checking.loops import find_loop
from grader.check import Check
from grader.judge import _asker, function_sources


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


@pytest.mark.parametrize(
    "source",
    [
        "%%time\ndef f(x):\n    for y in x: pass",
        "    def f(x):\n        for y in x: pass\n    %matplotlib inline",
        ">>> def f(x):\n...     for y in x: pass",
        "names = !ls\nf?\ndef f(x):\n    %time\n    for y in x: pass",
        "def f(x): pass\n" * 20_000 + "!ls\n" * 5_000 + "def f(x):\n    for y in x: pass",
    ],
)
def test_what_only_ipython_understands_hides_no_loop_and_takes_no_time(source):
    assert find_loop("f", function_sources(notebook(source))) == "for in f"


class SlowSession:
    """Answers every question after `seconds` of a made-up clock, as long as the judge waits that long."""

    def __init__(self, seconds):
        self.seconds, self.clock, self.asked = seconds, 0.0, 0

    def ready(self):
        return True

    def ask(self, question, size, deadline):
        self.asked += 1
        allowed = deadline - self.clock
        self.clock += min(self.seconds, allowed)
        return Outcome("nothing" if self.seconds <= allowed else "timeout")


def test_the_time_limit_is_for_all_cases_of_a_check_together(monkeypatch):
    session = SlowSession(seconds=3.0)
    monkeypatch.setattr("grader.judge.time.monotonic", lambda: session.clock)
    ask = _asker(Check("f", (), time_limit=10.0), CheckKey("f", ("x",), ()), session)
    statuses = [ask(Case(())).status for _ in range(6)]
    assert statuses == ["nothing"] * 3 + ["timeout"] * 3
    assert session.asked == 4, "after a time-out nothing more is asked"
    assert session.clock == 10
