"""The GPU: what is missing to use one, what it can do at best, and a clock that runs on it."""

import platform
import sys
import time
from dataclasses import dataclass

from benchmarks.harness import torch
from cs231n_kit.arrays import device_report

COPY_BYTES, FLOPS_SIZE = 1 << 30, 8192
ROUNDS = 20  # of which the best counts for a ceiling
LONGEST_LEAD = 50e-3  # seconds

# Keeps the GPU busy until the host has queued the work to be timed: without, short kernels would wait for Python.
SPIN = r"""
extern "C" __global__ void spin(long long nanoseconds) {
    unsigned long long now, start;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(start));
    do {
        asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
    } while ((long long)(now - start) < nanoseconds);
}
"""


def what_is_missing() -> list[str]:
    """A sentence with its mend for each thing that keeps the benchmark from running; empty on a GPU server."""
    report = device_report()
    missing = [] if report.backend == "cupy" else [report.advice]
    install = f'"{sys.executable}" -m pip install -c constraints.txt -e ".[torch]"'
    if torch is None:
        missing.append(f"PyTorch, to compare with, is not installed: {install}")
    elif torch.version.cuda is None:
        missing.append(
            f"PyTorch {torch.__version__} is built without CUDA. pytorch.org/get-started names the command for this "
            "system and its CUDA version."
        )
    elif not missing and not torch.cuda.is_available():
        missing.append(f"PyTorch {torch.__version__}, built for CUDA {torch.version.cuda}, finds no GPU it can use.")
    return missing


def name() -> str:
    return device_report().device


def description() -> str:
    """The device, its memory and the software that used it."""
    import cupy

    properties = cupy.cuda.runtime.getDeviceProperties(0)
    memory, cache = properties["totalGlobalMem"] / 2**30, properties["l2CacheSize"] / 2**20
    driver = cupy.cuda.runtime.driverGetVersion()
    return (
        f"{name()}, compute capability {device_report().compute_capability}, {properties['multiProcessorCount']} "
        f"multiprocessors, {memory:.0f} GB, {cache:.0f} MB of L2 cache; driver for CUDA {driver // 1000}."
        f"{driver % 1000 // 10}, CuPy {cupy.__version__}, PyTorch {torch.__version__}, cuDNN "
        f"{torch.backends.cudnn.version()}, Python {platform.python_version()}"
    )


def forbid_tf32() -> None:
    """In PyTorch, which also may search for its fastest convolution."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True


@dataclass(frozen=True)
class Ceilings:
    """Rates that no work exceeds: of sgemm in flop/s, of copies in bytes/s, counting both reads and writes."""

    sgemm: float
    copy: float


class Clock:
    """Takes the device's time, by events in the stream that CuPy and PyTorch share."""

    def __init__(self):
        import cupy

        self._spin = cupy.RawKernel(SPIN, "spin")
        self.cache_bytes = cupy.cuda.runtime.getDeviceProperties(0)["l2CacheSize"]

    def seconds(self, calls, lead: float = 0.0) -> float:
        """Mean device seconds of the calls, all queued while the device spins for ``lead`` seconds.

        Results are kept until the end, so that each call writes to other memory.
        """
        import cupy

        start, end = cupy.cuda.Event(), cupy.cuda.Event()
        self._spin((1,), (1,), (int(1e9 * min(lead, LONGEST_LEAD)),))
        start.record()
        results = [call() for call in calls]
        end.record()
        end.synchronize()
        del results
        return cupy.cuda.get_elapsed_time(start, end) / 1e3 / len(calls)

    def host_seconds(self, calls) -> float:
        """What the host takes to queue the calls; waits until the device has run them."""
        start = time.perf_counter()
        results = [call() for call in calls]
        taken = time.perf_counter() - start
        torch.cuda.synchronize()
        del results
        return taken

    @staticmethod
    def forget() -> None:
        """Give back memory that CuPy and PyTorch keep for later."""
        import cupy

        cupy.get_default_memory_pool().free_all_blocks()
        torch.cuda.empty_cache()

    @staticmethod
    def out_of_memory() -> tuple[type[Exception], ...]:
        import cupy

        return cupy.cuda.memory.OutOfMemoryError, torch.OutOfMemoryError


def measure_ceilings(clock: Clock) -> Ceilings:
    """The best of many rounds, because a ceiling is what the device can do."""
    import cupy

    source = cupy.ones(COPY_BYTES // 4, "float32")
    target = cupy.empty_like(source)
    matrix = cupy.ones((FLOPS_SIZE, FLOPS_SIZE), "float32")
    out = cupy.empty_like(matrix)

    def best(function):
        function()
        return min(clock.seconds([function], lead=1e-3) for _ in range(ROUNDS))

    copy = best(lambda: cupy.copyto(target, source))
    product = best(lambda: cupy.matmul(matrix, matrix, out=out))
    return Ceilings(2 * FLOPS_SIZE**3 / product, 2 * COPY_BYTES / copy)
