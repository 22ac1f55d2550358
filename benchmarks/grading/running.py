"""Runs of a grader as a process of its own, with the seconds and the memory that it takes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cs231n_kit.laboratory import IDLE_THREADS_SLEEP
from grader.sandbox_watch import taken

NBGRADER = (sys.executable, "-m", "nbgrader")
SAMPLES = 0.3  # seconds between two looks at the memory
SANDBOXED = "ipykernel_launcher", "bwrap"


@dataclass
class Memory:
    """Peaks in bytes: of the process that was started, of the largest of its workers, and of all private memory.

    The latter has the students' kernels in it.
    """

    main: int = 0
    worker: int = 0
    everything: int = 0


@dataclass(frozen=True)
class Run:
    """What a grader did with a class. phases: mean seconds of one submission in each phase. problems: not graded."""

    submissions: int
    seconds: float
    memory: Memory
    phases: dict[str, float] = field(default_factory=dict)
    problems: int = 0

    @property
    def a_minute(self) -> float:
        """Submissions a minute."""
        return 60 * self.submissions / self.seconds

    @property
    def seconds_each(self) -> float:
        return self.seconds / self.submissions


def environment() -> dict[str, str]:
    """What both sides run in: threads with nothing to do sleep, and this Python's commands are found."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**IDLE_THREADS_SLEEP, **os.environ, "PATH": path}


def lines_of(command: list[str], folder: Path, heard: Callable[[str, float], None]) -> tuple[Memory, str]:
    """Run `command` in `folder`; heard(line, its time by `time.monotonic()`) gets what it prints.

    Returns also its last lines, which say what went wrong where something did.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    last: list[str] = []
    with (
        subprocess.Popen(command, cwd=folder, env=environment(), text=True, errors="replace", **pipes) as process,
        _Sampler(process.pid) as memory,
    ):
        for line in process.stdout:
            heard(line, time.monotonic())
            last = [*last[-20:], line]
    return memory, "".join(last)


class _Sampler(threading.Thread):
    """Looks at the memory of a process and its descendants until it is left."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self._pid, self._memory, self._over = pid, Memory(), threading.Event()

    def __enter__(self) -> Memory:
        self.start()
        return self._memory

    def __exit__(self, *exception) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        peaks = self._memory
        while not self._over.wait(SAMPLES):
            with suppress(psutil.NoSuchProcess):
                main = psutil.Process(self._pid)
                peaks.main = max(peaks.main, main.memory_info().rss)
                peaks.everything = max(peaks.everything, taken(self._pid))
                for child in main.children(recursive=True):
                    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                        if not any(name in word for word in child.cmdline() for name in SANDBOXED):
                            peaks.worker = max(peaks.worker, child.memory_info().rss)
