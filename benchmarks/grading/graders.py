"""The two graders: ours, and nbgrader as it comes."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.grading.running import NBGRADER, Run, environment, lines_of
from grader.course import Course

AUTOGRADE = (sys.executable, str(Path(__file__).with_name("autograde.py")))


def run_ours(course: Course, assignment: str, told: Callable[[int], None]) -> Run:
    """Grade all submissions, by the clock from the start of the process to its end. told(number graded so far)."""
    graded: list[dict] = []

    def heard(line: str, _: float) -> None:
        if line.startswith("{"):
            graded.append(json.loads(line))
            told(len(graded))

    started = time.monotonic()
    memory, last = lines_of([*AUTOGRADE, str(course.root), assignment], course.root, heard)
    seconds = time.monotonic() - started
    phases = {name: 0.0 for one in graded for name in one["seconds"]}
    for name in phases:
        phases[name] = sum(one["seconds"].get(name, 0.0) for one in graded) / len(graded)
    _require_all(len(graded), len(course.students(assignment)), "cs231n autograde", last)
    return Run(len(graded), seconds, memory, phases, sum(bool(one["problem"]) for one in graded))


def run_stock(folder: Path, assignment: str, told: Callable[[int], None]) -> Run:
    """Release there, then `nbgrader autograde`, by the clock from the first submission on: its start is not counted."""
    begun: list[float] = []

    def heard(line: str, now: float) -> None:
        if re.search(r"\bSanitizing ", line):
            begun.append(now)
            told(len(begun))

    command = [*NBGRADER, "generate_assignment", assignment]
    subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)
    memory, last = lines_of([*NBGRADER, "autograde", assignment], folder, heard)
    seconds = time.monotonic() - begun[0] if begun else 0.0
    _require_all(len(begun), len(list(folder.glob(f"submitted/*/{assignment}"))), "nbgrader autograde", last)
    problems = len(begun) - len(list(folder.glob(f"autograded/*/{assignment}")))
    return Run(len(begun), seconds, memory, problems=problems)


def _require_all(done: int, handed_in: int, who: str, last: str) -> None:
    if done != handed_in or not done:
        raise RuntimeError(f"{who} came to {done} of {handed_in} submissions only. It ended with\n{last}")
