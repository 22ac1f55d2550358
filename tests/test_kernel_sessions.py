"""Kernels of hostile students, judged through a sandboxed session: what they say and do stays in the sandbox."""

import logging
import time
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cs231n_kit.checking import launching
from cs231n_kit.checking.calling import TEXT_LIMIT
from cs231n_kit.checking.rendering import text
from cs231n_kit.cuda_emulation import find_compiler
from grader.check import NotebookChecks, load_checks
from grader.demo import answers, fill_in
from grader.judge import judge_notebook
from grader.reference import Reference
from grader.sandbox import SandboxUnavailable
from grader.session import Question, Session, SessionSettings

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="needs a C++ compiler")
ROOT = Path(__file__).parents[1]
PATH = ROOT / "solutions" / "assignment2" / "gpu_kernels.ipynb"
LOG = logging.getLogger("tests")
INCLUDES = "".join(
    f"#include <{name}>\n" for name in ("csignal", "cstdio", "cstdlib", "sys/wait.h", "unistd.h", "fcntl.h")
)
SIGNATURE = 'extern "C" __global__ void relu(const float *x, float *out, int n)'
RIGHT = (
    "for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) out[i] = fmaxf(x[i], 0);"
)


def relu(body, before=INCLUDES):
    return f"{before}{SIGNATURE} {{\n{body}\n{RIGHT}\n}}\n"


def returning(text):
    return f"def relu_kernel():\n    return {text!r}"


@cache
def relu_alone():
    checks = load_checks("gpu_kernels")
    return NotebookChecks((checks["relu_kernel"],), checks.masked), Reference.from_notebook(PATH)


def judged(source, checks=None, **settings):
    """The reports of the solution notebook with this source in place of the answer about ReLU."""
    relu_checks, reference = relu_alone()
    solution = nbformat.read(PATH, as_version=4)
    filled = fill_in(solution, {**answers(solution), "relu_kernel_answer": source} if source else answers(solution))
    with Session(filled, PATH.parent, relu_checks.masked, SessionSettings(**settings), LOG) as session:
        numbers = iter(range(10**6))
        return judge_notebook(
            checks or relu_checks,
            reference,
            filled,
            session,
            lambda name: lambda p: np.random.default_rng([next(numbers), *name.encode()]),
            LOG,
        )


@pytest.fixture(autouse=True)
def short_limits(monkeypatch):
    monkeypatch.setattr(launching, "LAUNCH_SECONDS", 1.0)
    monkeypatch.setattr(launching, "ANSWER_SECONDS", 6.0)


def test_the_solution_earns_everything_in_the_sandbox():
    reports = judged("", load_checks("gpu_kernels"))
    assert len(reports) == 5 and all(report.passed for report in reports.values()), reports


def test_a_mistake_is_told_with_its_line_and_without_the_secret_cases():
    body = SIGNATURE + " {\n    int i = blockIdx.x * blockDim.x + threadIdx.x;\n    out[i] = fmaxf(x[i], 0);\n}"
    (report,) = judged(returning(body)).values()
    assert report.points - report.earned == 2 and report.mistakes == ("no bounds check",)
    outside, unwritten = (v for v in report.verdicts if not v.earned)
    assert "outside of an array (line 3 of the kernel: out[i] = fmaxf(x[i], 0);)" in outside.message
    shown = text(report, details=False)
    assert "reads x[" in outside.details and "are not written" in unwritten.details
    assert outside.details not in shown and unwritten.details not in shown


@pytest.mark.parametrize(
    "body, said",
    [
        ("for (;;) { }", "runs without end"),
        ("raise(SIGSTOP);", "runs without end"),
        ("abort();", "ends the process"),
        (
            "for (;;) { char *p = (char *)malloc(1 << 26); for (int i = 0; i < 1 << 26; i += 4096) p[i] = 1; }",
            "",
        ),
        ("for (;;) fork();", ""),
    ],
)
def test_what_does_not_end_or_ends_the_process_earns_nothing_and_harms_nobody(body, said):
    started = time.monotonic()
    (report,) = judged(returning(relu(body))).values()
    assert report.earned == 0 and said in repr(report), report
    assert time.monotonic() - started < 120


def test_files_outside_are_not_there(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("42")
    there = [
        secret,
        PATH,
        ROOT / ".course-secret",
        ROOT / "grader" / "judge.py",
        ROOT / "cs231n_kit/kernels/activation.cu",
    ]
    looks = "".join(f'    if (open("{path}", O_RDONLY) >= 0) abort();\n' for path in there)
    writes = "".join(
        f'    if (open("{path}", O_WRONLY | O_CREAT, 0644) >= 0) abort();\n' for path in (secret, "/usr/here")
    )
    (report,) = judged(returning(relu(looks + writes))).values()
    assert report.passed, report
    assert secret.read_text() == "42"
    (opened,) = judged(returning(relu('if (open("/usr/bin/env", O_RDONLY) >= 0) abort();'))).values()
    assert "ends the process" in repr(opened), "this test can notice a file that is there"


def test_the_kits_own_kernels_cannot_be_included():
    source = f'#include "{ROOT / "cs231n_kit/kernels/activation.cu"}"\n'
    (report,) = judged(returning(relu("", source))).values()
    assert report.earned == 0 and "does not compile" in repr(report), report


def test_answers_forged_by_a_kernel_are_not_believed():
    """It finds the judge's line and writes to it what it likes: headers too long, numbers of another size."""
    lines = "for (int fd = 3; fd < 64; fd++) "
    for words in (r"\x7f\xff\xff\xff", r"\0\0\0\x20{\"header\": {}, \"arrays\": []}  "):
        (report,) = judged(returning(relu(f'{lines} write(fd, "{words}", sizeof "{words}" - 1);'))).values()
        assert report.earned == 0, (words, report)


TEXTS = """
def huge(): return 'x' * 100_000_000
def number(): return 12
def array(): return np.full((50, 50), 'text')
def half(): return '\\ud800'
def short(): return 'é'

class Text(str):
    def __len__(self): return 1
    def __getitem__(self, i): return self
    def encode(self, *options, **more): return b'x' * 10**8

def lying(): return Text('y' * 10**6)
"""


def test_texts_are_plain_and_short():
    notebook = new_notebook(cells=[new_code_cell("import numpy as np\n" + TEXTS)])
    with Session(notebook, PATH.parent, (), SessionSettings(), LOG) as session:

        def ask(name):
            assert session.ready()
            outcome = session.ask(Question(name, (), text=True), TEXT_LIMIT, time.monotonic() + 20)
            return outcome.values[0].tobytes() if outcome.status == "returned" else outcome.returned_type

        assert [ask(name) for name in ("short", "half", "number")] == ["é".encode(), b"?", "int"]
        assert [ask(name) for name in ("array", "huge")] == ["ndarray", "text of 100,000,000 characters"]
        assert len(ask("lying")) <= TEXT_LIMIT


@pytest.mark.parametrize(
    "source, said",
    [
        ("def relu_kernel():\n    while True: pass", "takes too long"),
        ("import os\ndef relu_kernel():\n    os._exit(1)", "ends the Python process"),
        ("def relu_kernel():\n    return 'x' * 100_000_000", "text of 100,000,000 characters"),
    ],
)
def test_a_text_that_does_not_come_earns_nothing(source, said, monkeypatch):
    monkeypatch.setattr("grader.judge.TEXT_SECONDS", 5.0)
    (report,) = judged(source).values()
    assert report.earned == 0 and said in repr(report), report


def test_without_a_sandbox_nothing_is_run(monkeypatch):
    def nowhere():
        return "none here"

    monkeypatch.setattr("grader.contained.probe", nowhere)
    with pytest.raises(SandboxUnavailable, match="none here"):
        judged("")
