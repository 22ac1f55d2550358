"""The benchmark of grading: what it measures, and what its page says of it."""

import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from benchmarks.grading import classes, graders, report, running
from benchmarks.grading.report import Contest
from benchmarks.grading.running import Memory, Run
from grader.demo import CRASH
from grader.reference import SKIP_TAG

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return classes.make_class(classes.KNN, tmp_path_factory.mktemp("class") / "ours", 12)


def handed_in(course, number):
    path = course.path("submitted", "assignment1", f"student{number:04}") / "knn.ipynb"
    return nbformat.read(path, as_version=4)


def test_a_class_is_mixed_and_no_two_submissions_are_the_same(course):
    texts = ["\n".join(cell.source for cell in handed_in(course, n).cells) for n in range(12)]
    assert len(set(texts)) == 12
    missing = [text.count("raise NotImplementedError") for text in texts]
    assert {kind: [m for k, m in zip(classes.KINDS, missing, strict=False) if k == kind] for kind in "RMC"} == {
        "R": [0] * 6, "M": [0] * 4, "C": [0],
    }  # fmt: skip
    assert missing[classes.KINDS.index("H")] > 1
    assert [CRASH in text for text in texts].index(True) == classes.KINDS.index("C") == 10
    assert [classes.KINDS.count(kind) for kind in "RMHC"] == [10, 6, 3, 1]


def test_stock_gets_the_same_notebooks_with_or_without_what_trains(course, tmp_path):
    def skipped(folder):
        (path,) = folder.glob("submitted/student0000/assignment1/*.ipynb")
        cells = nbformat.read(path, as_version=4).cells
        return [cell for cell in cells if SKIP_TAG in cell.metadata.get("tags", [])], cells

    stripped = classes.make_stock_class(course, classes.KNN, tmp_path / "stripped", 2, without_training=True)
    whole = classes.make_stock_class(course, classes.KNN, tmp_path / "whole", 1, without_training=False)
    assert len(list(stripped.glob("submitted/*"))) == 2
    assert skipped(stripped)[0] == [] and len(skipped(whole)[0]) > 5
    assert [c.source for c in skipped(whole)[1]] == [c.source for c in handed_in(course, 0).cells]
    assert (stripped / "solutions" / "assignment1" / "knn_key.npz").is_file()
    assert "preprocessors" not in (stripped / "nbgrader_config.py").read_text()


def test_both_graders_are_timed(tmp_path):
    course = classes.make_class(classes.SMALL, tmp_path / "ours", 2)
    (course.path("release", "small") / "small_key.npz").touch()
    stock = classes.make_stock_class(course, classes.SMALL, tmp_path / "stock", 2, without_training=True)
    told = []
    runs = graders.run_ours(course, "small", told.append), graders.run_stock(stock, "small", told.append)
    assert told == [1, 2, 1, 2]
    for run in runs:
        assert run.submissions == 2 and run.problems == 0 and run.seconds > 0 and run.memory.main > 2**20
        assert len(list((course.root if run is runs[0] else stock).glob("autograded/*/small/small.ipynb"))) == 2
    assert set(runs[0].phases) == {"intake", "cells", "questions", "verdicts", "recording"}
    assert 0 < runs[0].phases["cells"] < runs[0].seconds and runs[0].memory.worker > 2**20
    with pytest.raises(RuntimeError, match=r"came to 1 of 2 submissions only. It ended with\nan error"):
        graders._require_all(1, 2, "nbgrader autograde", "an error")


def test_memory_is_that_of_all_descendants(tmp_path):
    allocate = "import time; block = bytearray(300 << 20); print('ready', flush=True); time.sleep(2)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {allocate!r}])"
    heard = []
    memory, last = running.lines_of([sys.executable, "-c", program], tmp_path, lambda *said: heard.append(said))
    assert last == "ready\n" == heard[0][0] and heard[0][1] <= time.monotonic()
    assert memory.worker > 300 << 20 and memory.everything > 300 << 20 > memory.main > 1 << 20


def run(submissions, seconds, worker=200, problems=0, phases=()):
    return Run(submissions, seconds, Memory(100 << 20, worker << 20, 500 << 20), dict(phases), problems)


def test_the_page_says_what_was_met_and_what_was_missed():
    phases = {"intake": 0.25, "cells": 0.5, "questions": 1.0, "verdicts": 0.125, "recording": 0.0625}
    contests = [
        Contest("fast", run(100, 50, phases=phases), run(2, 20), run(20, 30)),
        Contest("slow", run(100, 100, problems=3), run(2, 4), run(20, 40, problems=1)),
    ]
    page = report.page(contests, [run(100, 50), run(1000, 501, worker=300)], "Nobody else was there.")
    title = "the cells without training"
    assert f"| `fast` | {title} | 100 | 120.0 | 20 | 40.0 | 1.50 | 3.0 | 3.0 | met |" in page
    assert "| `fast` | all cells | 100 | 120.0 | 2 | 6.0 | 10.00 | 20.0 | 3.0 | met |" in page
    assert f"| `slow` | {title} | 100 | 60.0 | 20 | 30.0 | 2.00 | 2.0 | 3.0 | **missed** |" in page
    assert "| `fast` | 0.250 | 0.500 | 1.000 | 0.125 | 0.062 | 1.94 | 0.50 |" in page
    assert f"Not graded: 3 of 100 of `slow` by us, 1 of 20 of `slow` by stock ({title})." in page
    assert "| `fast` | ours | 100 | 200 | 500 |" in page
    assert "| 1,000 | 119.8 | 0.501 | 100 | 300 | 500 |" in page
    assert "| seconds each | 1.00 | 1.10 | met |" in page and "| largest worker | 1.50 | 1.10 | **missed** |" in page
    missed = page.partition("## Goals missed")[2]
    assert missed.count("\n- ") == 3 and "- largest worker grows 1.50 times." in missed
    assert f"- `slow`, where stock runs {title}: 2.0 times as many a minute." in missed


def test_a_page_without_misses_says_so():
    page = report.page([], [run(100, 50), run(1000, 500)], "Nobody else was there.")
    assert page.endswith("\nAll goals are met.\n") and "Against stock" not in page


@pytest.mark.parametrize(
    "options, message", [(["--only", "svm"], "invalid choice: 'svm'"), (["--small", "0"], "invalid positive")]
)
def test_wrong_options(options, message):
    command = [sys.executable, "-m", "benchmarks.grading", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and message in done.stderr
