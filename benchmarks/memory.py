"""Peak memory of one side of all races, in a process of its own: ``python -m benchmarks.memory ours|theirs [pattern]``.

Prints a JSON object from a race's name to the bytes that a call needs above what is there before it, inputs included
there and results here. The first call, in which code is compiled and threads are started, does not count.
"""

import ctypes
import gc
import json
import re
import subprocess
import sys
from pathlib import Path

PEAK = Path("/proc/self/clear_refs")  # writing 5 forgets the peak so far


def peaks(side: str, pattern: str) -> dict[str, int]:
    """``main`` in a fresh process; empty where the system is not Linux."""
    if not PEAK.exists():
        return {}
    command = [sys.executable, "-m", "benchmarks.memory", side, pattern]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def main(side: str, pattern: str = "") -> dict[str, int]:
    from benchmarks.families import all_races
    from benchmarks.harness import threads

    found = {}
    with threads(1):
        for race in all_races():
            if re.search(pattern, race.name):
                function = race.sides()[side == "theirs"]
                function()
                found[race.name] = _peak(function)
                del function
    return found


def _peak(function) -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the first call left behind would be used again without being seen
    before = _kilobytes("VmRSS")
    PEAK.write_text("5")
    function()
    return 1024 * (_kilobytes("VmHWM") - before)


def _kilobytes(name: str) -> int:
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1])


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
