"""What a kernel keeps for the judge: caches of any kind are handed on, never sent, and handles open nothing else."""

import logging
import socket
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from attacks import FORGE
from nbformat.v4 import new_code_cell, new_notebook

from cs231n_kit.checking.answering import KEPT_LIMIT
from cs231n_kit.checking.arguments import Kept, Network
from cs231n_kit.checking.wire import send
from grader.check import load_checks
from grader.demo import answers
from grader.judge import judge_notebook, secret_generator
from grader.reference import Reference
from grader.session import Handle, Question, Session, SessionSettings

ROOT = Path(__file__).parents[1]
LOG = logging.getLogger("tests")
X = np.arange(6.0).reshape(2, 3)

HELPFUL = """
import os
import numpy as np

def forward(x, cache=None):
    return 2 * x, lambda dout: dout + x.sum()

def backward(dout, cache):
    return cache(dout)

def keep(number):
    return np.zeros(1), number

def give(kept):
    return kept

def die(x):
    os._exit(1)

class Network:
    def __init__(self, scale, fails=0):
        self.scale, self.params = scale, {"W": np.ones(2)}
        if fails:
            raise ValueError("too large")

    def scores(self, x):
        return self.scale * self.params["W"] + x, self.params
"""

HOSTILE = f"""
{FORGE}
import os
import numpy as np
number = 0

class Liar(tuple):
    def __len__(self): return 10**30
    def __getitem__(self, i): raise SystemExit("no")

class Trap:
    def __getattr__(self, name): raise KeyboardInterrupt
    def __eq__(self, other): return True
    def __array__(self, *a, **k): raise MemoryError

def lying(x): return Liar((x, x))
def trapping(x): return x, Trap()
def backward(dout, cache): return dout
def forging(x):
    forge({{"id": IDENTITY, "status": "returned", "kept": 10**30, "handle": [1], "changed": []}}, [])
    return x, x
def sabotage(x):
    import cs231n_kit.checking.answering as answering
    answering.KEPT_LIMIT = -10**9
    return x, x
"""


def session_of(source, **settings):
    notebook = new_notebook(cells=[new_code_cell(source)])
    return Session(notebook, ROOT / "docs", (), SessionSettings(**settings), LOG)


@pytest.fixture(scope="module")
def session():
    with session_of(HELPFUL) as opened:
        yield opened


def ask(session, function, *arguments, take=None, keep=False, seconds=20):
    assert session.ready()
    return session.ask(Question(function, arguments, take, keep), 2**20, time.monotonic() + seconds)


def test_what_a_function_keeps_stays_in_the_kernel_and_is_handed_on(session):
    outcome = ask(session, "forward", X, take=(0,), keep=True)
    assert outcome.status == "returned" and len(outcome.values) == 1 and isinstance(outcome.kept, Handle)
    np.testing.assert_array_equal(outcome.values[0], 2 * X)
    back = ask(session, "backward", X, Kept(outcome.kept, 1))
    np.testing.assert_array_equal(back.values[0], X + X.sum())
    again = ask(session, "backward", 0 * X, Kept(outcome.kept, 1))
    np.testing.assert_array_equal(again.values[0], 0 * X + X.sum())
    np.testing.assert_array_equal(ask(session, "give", Kept(outcome.kept, 0)).values[0], 2 * X)


def test_nothing_is_kept_unasked_and_a_part_that_is_not_there_is_told(session):
    unasked = ask(session, "forward", X, take=())
    assert unasked.status == "returned" and unasked.values == () and unasked.kept is None
    kept = ask(session, "give", X, keep=True).kept
    outcome = ask(session, "backward", X, Kept(kept, 1))
    assert (outcome.status, outcome.returned_type) == ("unkept", "second value")


def test_tuples_and_dictionaries_arrive_as_they_are(session):
    outcome = ask(session, "give", (X, 3.5, {"a": X[0]}), take=(0, 1, "a"))
    assert [v.tolist() for v in outcome.values] == [X.tolist(), 3.5, X[0].tolist()]


def test_networks_are_made_with_the_weights_that_are_given(session):
    network = Network("Network", {"scale": 3}, {"W": np.array([1.0, 2.0])})
    outcome = ask(session, "Network.scores", network, 10, take=(0, "W"))
    assert [v.tolist() for v in outcome.values] == [[13, 16], [1, 2]]
    assert ask(session, "Network.scores", network, 10, take=("V",)).status == "lacks"
    failing = ask(session, "Network.scores", Network("Network", {"scale": 3, "fails": 1}), 10)
    assert (failing.status, failing.raised.message) == ("raised", "too large")
    assert ask(session, "Network.nothing", network).status == "undefined"
    assert ask(session, "Network", 2, take=("W",)).values[0].tolist() == [1, 1]


@pytest.mark.parametrize("number", [0, -1, 10**9, 10**30])
def test_a_handle_that_was_never_given_opens_nothing(session, number):
    outcome = ask(session, "backward", X, Kept(Handle(number), 1))
    assert outcome.status == "unkept" and outcome.values == ()
    assert ask(session, "give", X).status == "returned", "the kernel goes on"


def test_only_the_latest_are_kept(session):
    kept = [ask(session, "keep", i, keep=True).kept for i in range(KEPT_LIMIT + 3)]
    found = [ask(session, "give", Kept(handle, 1)) for handle in kept]
    assert [o.status for o in found[:3]] == ["unkept"] * 3
    assert [int(o.values[0]) for o in found[3:]] == list(range(3, KEPT_LIMIT + 3))


def test_hostile_caches_and_forged_answers_change_nothing():
    with session_of(HOSTILE) as session:
        for function in ("lying", "trapping"):
            first = ask(session, function, X, take=(0,), keep=True)
            if first.kept is not None:
                assert ask(session, "backward", X, Kept(first.kept, 1)).status in ("returned", "raised", "unkept")
        assert ask(session, "sabotage", X, take=(0,), keep=True).status == "returned"
        honest = ask(session, "trapping", X, take=(0,), keep=True)
        assert ask(session, "backward", X, Kept(honest.kept, 1)).status in ("unkept", "died", "returned")
    with session_of(HOSTILE.replace("IDENTITY", "1")) as session:
        forged = ask(session, "forging", X, take=(0,), keep=True)
        assert forged.values == () and forged.kept == Handle(1), "the number is the judge's own"
        assert ask(session, "backward", X, Kept(forged.kept, 1)).status in ("garbled", "returned", "unkept")


def test_a_handle_ends_with_its_kernel():
    with session_of(HELPFUL) as session:
        kept = ask(session, "forward", X, take=(0,), keep=True).kept
        assert ask(session, "die", X, keep=True).kept is None
        again = ask(session, "forward", X, take=(0,), keep=True).kept
        outcome = ask(session, "backward", X, Kept(kept, 1))
        assert outcome.status == "unkept", "another kernel answers now, with numbers of its own"
        assert ask(session, "backward", X, Kept(again, 1)).status == "returned"


ODD = """
class Box:
    def __init__(self, *held): self.held = held

def affine_forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, Box(x, w, (i for i in range(3)), lambda: 1)

def affine_backward(dout, cache):
    x, w, _, _ = cache.held
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(axis=0)
"""

CHEATING = """
import gc

def affine_forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, "the judge knows"

def affine_backward(dout, cache):
    found = [a for a in gc.get_objects() if isinstance(a, np.ndarray) and a.shape == dout.shape and a is not dout]
    return found[0] if found else dout, cache, globals()
"""


def test_the_judge_takes_any_cache_and_expected_gradients_are_nowhere_to_be_found():
    path = ROOT / "solutions" / "assignment1" / "two_layer_net.ipynb"
    solution = nbformat.read(path, as_version=4)
    reference, checks = Reference.from_notebook(path), load_checks("two_layer_net")
    earned = []
    for source in (ODD, CHEATING):
        answered = {**answers(solution), "affine_forward_answer": source, "affine_backward_answer": ""}
        notebook = nbformat.from_dict(solution)
        for cell in notebook.cells:
            cell.source = answered.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        with Session(notebook, ROOT / "docs", checks.masked, SessionSettings(), LOG) as session:
            reports = judge_notebook(
                checks, reference, notebook, session, lambda name: secret_generator(b"secret" * 9, name), LOG
            )
        earned.append({name: report.earned for name, report in reports.items()})
    full = {check.function: check.points for check in checks.checks}
    assert earned[0] == full
    assert earned[1] == {**full, "affine_backward": 0, "TwoLayerNet": earned[1]["TwoLayerNet"]}
    assert earned[1]["TwoLayerNet"] < full["TwoLayerNet"]


def test_a_cell_that_exits_is_the_only_one_left_out():
    """exit() ends the kernel a tenth of a second later, when it runs another cell."""
    cells = ["def give(x):\n    return x", "exit()", *(f"def later{i}(x):\n    return {i} * x" for i in range(9))]
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    with Session(notebook, ROOT / "docs", (), SessionSettings(), LOG) as session:
        assert [ask(session, name, X).status for name in ("give", "later0", "later8")] == ["returned"] * 3
    notes = [i for i, cell in enumerate(notebook.cells) for output in cell.outputs if output.output_type == "error"]
    assert notes == [1] and "exit call" in notebook.cells[1].outputs[0].evalue


@pytest.mark.parametrize("number", [0, 2, -1, 10**30, float("nan"), "1", [1], {}, None])
def test_an_answer_to_another_question_is_not_taken(number):
    session = Session(new_notebook(), ROOT / "docs", (), SessionSettings(), LOG)
    session._channel, theirs = socket.socketpair()
    with session._channel, theirs:
        send(theirs, {"id": number, "status": "returned"}, (X,))
        outcome = session.ask(Question("f", (X,)), 2**20, time.monotonic() + 20)
    assert outcome.status == "garbled" and outcome.values == ()


def test_cells_that_end_their_kernel_are_not_run_again_for_hours(monkeypatch):
    session, clock, runs = Session(new_notebook(), ROOT / "docs", (), SessionSettings(), LOG), [0.0], []

    def run_cells(deadline):
        clock[0] = deadline - 50
        runs.append(deadline)
        return len(runs)

    monkeypatch.setattr("grader.session.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(session, "_start", lambda: None)
    monkeypatch.setattr(session, "_run_cells", run_cells)
    with session:
        assert not session.ready()
    assert len(runs) == 4  # of 9: each took 250 s of the 300 s that one run may take


def test_what_a_kernel_says_the_number_of_a_cell_is_is_not_believed():
    say = "kernel = get_ipython().kernel\ndef send(number):\n    content = {'execution_count': number}\n"
    say += "    kernel.session.send(kernel.iopub_socket, 'execute_input', content, parent=kernel.get_parent('shell'))"
    notebook = new_notebook(cells=[new_code_cell(source) for source in (say, "send('<script>')", "send(7)")])
    with Session(notebook, ROOT / "docs", (), SessionSettings(), LOG):
        assert [cell.execution_count for cell in notebook.cells] == [1, None, 7]
