import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import harness, report
from benchmarks.families import all_races
from benchmarks.harness import Race, Time
from benchmarks.machine import Floors

ROOT = Path(__file__).resolve().parent.parent


def race(ours, theirs=lambda: np.ones(3), **more):
    return Race("work", "peer", lambda: (ours, theirs), **more)


@pytest.mark.parametrize("wrong", [np.array([1, 1, 1.1]), (np.ones(3), np.ones(3)), np.array([1, np.nan, 1])])
def test_sides_that_disagree_are_not_timed(wrong):
    calls = []
    with pytest.raises((AssertionError, ValueError)):
        harness.run(race(lambda: calls.append(1) or wrong), repeat=3)
    assert len(calls) == 1


def test_both_sides_are_called_in_turns():
    calls = []
    sides = [lambda name=name: calls.append(name) or np.ones(3) for name in ("ours", "theirs")]
    time = harness.run(race(*sides), repeat=3)
    assert calls == ["ours", "theirs"] * 5  # to compare, to see how long they take, and three times by the clock
    assert time.ours > 0 and time.theirs > 0


def test_names_are_different():
    names = [race.name for race in all_races()]
    assert len(set(names)) == len(names) >= 4


def test_the_floor_is_the_longer_of_computing_and_copying():
    floors = Floors(sgemm=100e9, cache=50e9, memory=10e9)
    assert floors.seconds(flops=1e9, bytes=1e6) == 0.01
    assert floors.seconds(flops=1e6, bytes=1e9) == 0.1
    assert floors.seconds(flops=0, bytes=1e6) == 2e-5


def test_the_page_says_what_was_met_and_what_was_missed():
    races = [
        race(None, goal=0.5, flops=1e9),
        Race("slow", "peer", None, goal=0.2, bound="bound by memory", bytes=1e9),
    ]
    times = {("work, peer", 1): Time(0.05, 0.1), ("slow, peer", 1): Time(0.3, 1.2)}
    memory = {side: {"work, peer": 2 << 20, "slow, peer": 3 << 20} for side in ("ours", "theirs")}
    page = report.page(races, times, {1: Floors(100e9, 50e9, 10e9)}, memory, {"kit": 0.1}, "Nobody else was there.")
    assert "| work | peer | 50 | 100 | 0.50 | 0.50 | met | 5.0 |" in page
    assert "| slow | peer | 300 | 1200 | 0.25 | 0.20 | **missed** | 3.0 |" in page
    assert "- slow, peer (goal 0.20, got 0.25 on 1 thread): bound by memory." in page
    assert "| `import kit` | 0.100 | 0.30 | met |" in page


def test_a_family_can_be_run_alone_and_leaves_the_page_alone():
    page = ROOT / "benchmarks" / "cpu.md"
    before = page.exists() and page.read_bytes()
    command = [sys.executable, "-m", "benchmarks", "--only", "L2", "--threads", "1", "--repeat", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| kNN L2, k = 10 (500 x 5,000 x 3,072) | scikit-learn |" in done.stdout
    assert (page.exists() and page.read_bytes()) == before


@pytest.mark.parametrize(
    "options, message",
    [(["--only", "nonsense"], "No race matches 'nonsense'"), (["--threads", "0"], "invalid positive")],
)
def test_wrong_options(options, message):
    done = subprocess.run([sys.executable, "-m", "benchmarks", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and message in done.stderr
