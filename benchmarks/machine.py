"""What the machine is, what it can do at best, and who else was using it."""

import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from numba import prange
from threadpoolctl import threadpool_info

from cs231n_kit.kernels.parallel import available_cores, compiled, numba_threads

IN_CACHE, IN_MEMORY = 256 << 10, 64 << 20  # bytes copied for each thread
CACHE = 2 << 20  # bytes that a core's cache is taken to hold: larger work is held against the copy in memory
FLOPS_SIZE = 1024


@dataclass(frozen=True)
class Floors:
    """Rates that no work exceeds: of sgemm in flop/s, of copies in bytes/s, counting both reads and writes."""

    sgemm: float
    cache: float
    memory: float

    def seconds(self, flops: float, bytes: float) -> float:
        """What a work of so many flops on so many bytes takes at least."""
        return max(flops / self.sgemm, bytes / (self.cache if bytes <= CACHE else self.memory))


def measure_floors(threads: int) -> Floors:
    """Measure with as many threads as BLAS and Numba are set to."""
    a = np.ones((FLOPS_SIZE, FLOPS_SIZE), np.float32)
    sgemm = 2 * FLOPS_SIZE**3 / _best_seconds(lambda: np.matmul(a, a))
    return Floors(sgemm, _copy_rate(threads, IN_CACHE, 400), _copy_rate(threads, IN_MEMORY, 1))


def _copy_rate(threads: int, size: int, times: int) -> float:
    source = np.ones((threads, size // 4), np.float32)
    target = np.zeros_like(source)

    def copy():
        with numba_threads():
            _copy(source, target, times)

    return 2 * source.nbytes * times / _best_seconds(copy)


@compiled(parallel=True)
def _copy(source, target, times):
    for thread in prange(len(source)):
        for _ in range(times):
            target[thread] = source[thread]


def _best_seconds(function) -> float:
    """Of many calls, because a floor is what the machine can do while nobody else uses it."""
    function()
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def import_seconds(module: str) -> float:
    """Median time of `import module` in fresh processes."""
    program = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True) for _ in range(5)
    ]
    return statistics.median(float(run.stdout) for run in runs)


def description() -> str:
    names = ["numpy", "numba", "scikit-learn", "torch"]
    versions = [f"{name} {version(name)}" for name in names if version(name)]
    blas = sorted({f"{pool['internal_api']} {pool['version']}" for pool in threadpool_info() if pool["version"]})
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{cpu_name()}, {available_cores()} cores; {system}; " + ", ".join(versions + blas)


def version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


class OtherProcesses:
    """The share of the machine that other processes take from now on, where Linux tells it."""

    def __init__(self):
        self._start = self._now()

    def share(self) -> float | None:
        """From 0 to 1, or None."""
        if self._start is None:
            return None
        every, busy, own = (now - before for now, before in zip(self._now(), self._start, strict=True))
        return max(0.0, busy - own) / every

    @staticmethod
    def _now():
        stat = Path("/proc/stat")
        if not stat.exists():
            return None
        ticks = [int(number) for number in stat.read_text().split("\n", 1)[0].split()[1:9]]
        idle = ticks[3] + ticks[4]  # idle, and waiting for disks
        own = sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK")
        return sum(ticks), sum(ticks) - idle, own
