"""Ends a sandbox that takes more memory than resource limits can count.

RLIMIT_AS counts each process alone, and nothing counts what a flood of output costs the grader that receives it.
Control groups would, but not every grading machine lets its users have them.
"""

import subprocess
import threading
from contextlib import suppress

import psutil

INTERVAL = 0.3
GRADER_GROWTH = 2 * 2**30
"""Bytes by which this process may grow while a sandbox runs."""


class MemoryWatch(threading.Thread):
    """Kills `process` and thus its sandbox when all in it together take more than `memory` bytes, or when this
    process grows by GRADER_GROWTH. `verdict` then says so. A context manager; leaving it ends the watch.
    """

    def __init__(self, process: subprocess.Popen, memory: int):
        super().__init__(name=f"memory-watch-{process.pid}", daemon=True)
        self._process, self._memory = process, memory
        self._over = threading.Event()
        self.verdict = ""

    def __enter__(self) -> "MemoryWatch":
        self.start()
        return self

    def __exit__(self, *exception) -> None:
        self._over.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        grader = psutil.Process()
        before = grader.memory_info().rss
        while not self._over.wait(INTERVAL) and self._process.poll() is None:
            if taken(self._process.pid) > self._memory:
                self.verdict = f"its processes together took more than {self._memory / 2**30:.3g} GiB of memory"
            elif grader.memory_info().rss - before > GRADER_GROWTH:
                self.verdict = "it flooded the grader with output"
            if self.verdict:
                self._process.kill()
                return


def taken(pid: int) -> int:
    """Bytes of private memory of the process `pid` and all its descendants."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for process in [top, *top.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                memory = process.memory_info()
                total += memory.rss - memory.shared
    return total
