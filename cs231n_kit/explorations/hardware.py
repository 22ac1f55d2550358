"""Lecture 08: one operation on all the hardware there is, the price of moving data, and why work comes in batches."""

import contextlib
import sys
import time

import numpy as np

from cs231n_kit.arrays import device_report, has_gpu, to_device
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.kernels.distance import l1_distances, l1_distances_numba, l1_distances_numpy
from cs231n_kit.kernels.parallel import numba_threads
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, new_figure

LOOPED_PAIRS = 3  # of which the Python loop's time is continued


def seconds(function, repeats=5):
    """Seconds of the fastest of several calls, after one that does not count: what else runs only adds to them.

    Waits for the GPU where there is one.
    """
    wait = _gpu_wait()
    function(), wait()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(), wait()
        times.append(time.perf_counter() - start)
    return min(times)


def _gpu_wait():
    if not has_gpu():
        return lambda: None
    import cupy

    return cupy.cuda.Device().synchronize


def l1_everywhere(X, Y):
    """Time the L1 distances between the rows of X (N, D) and Y (M, D), float32, on everything this machine has.

    Returns ({what: seconds}, sentences about what is missing). The Python loop runs for a few pairs only.
    """
    pairs = [(X[i].tolist(), Y[i].tolist()) for i in range(LOOPED_PAIRS)]
    looped = seconds(lambda: [sum(abs(a - b) for a, b in zip(x, y, strict=True)) for x, y in pairs])
    times = {
        f"Python loop (continued from {LOOPED_PAIRS} pairs)": looped / LOOPED_PAIRS * len(X) * len(Y),
        "NumPy": seconds(lambda: l1_distances_numpy(X, Y), repeats=1),
    }
    missing = []
    try:
        with numba_threads():
            from numba import get_num_threads

            threads = get_num_threads()
        with contextlib.redirect_stderr(sys.stdout):  # the first call ever says that it is compiling: no error
            took = seconds(lambda: l1_distances_numba(X, Y))
        times[f"Numba, compiled, {threads} thread{'s' * (threads > 1)}"] = took
    except ImportError:
        missing.append("Numba is not installed, so there is no bar for it.")
    report = device_report()
    if has_gpu():
        on_gpu = to_device(X), to_device(Y)
        times[f"{report.device}, CUDA kernel"] = seconds(lambda: l1_distances(*on_gpu))
    else:
        missing.append(f"There is no bar for a GPU: {report.reason}")
    return times, missing


def bus_speed(array):
    """Bytes per second at which an array is copied to the GPU, or None where there is none."""
    return array.nbytes / seconds(lambda: _copy_to_gpu(array)) if has_gpu() else None


def _copy_to_gpu(array):
    import cupy

    return cupy.array(array)


def transfer_times(operations, cpu_seconds, nbytes, bus, faster):
    """Seconds (on the CPU, to the GPU and back, computing there) of operations one after another on the same data.

    cpu_seconds: of one operation; nbytes: of the data; bus: bytes per second; faster: how many times the GPU is.
    """
    return operations * cpu_seconds, 2 * nbytes / bus, operations * cpu_seconds / faster


def explore_transfer(measured, nbytes, *, bus=None):
    """Compare computing here with moving the data to a GPU, computing there, and moving the result back.

    measured: {operation: seconds here}; nbytes: of the data; bus: measured bytes per second, where there is a GPU.
    """

    def draw(operation, times, bus, faster):
        here, moving, there = transfer_times(times, measured[operation], nbytes, 1e9 * bus, faster)
        figure, ax = new_figure(9.6, 2.3)
        bars = [("here, on the CPU", 0, here, COLORS[0], "compute here")]
        bars += [
            ("on the GPU", 0, moving / 2, WRONG, "copy there and back"),
            ("on the GPU", moving / 2, there, RIGHT, "compute there"),
            ("on the GPU", moving / 2 + there, moving / 2, WRONG, None),
        ]
        for row, left, width, color, label in bars:
            ax.barh(row, 1e3 * width, left=1e3 * left, color=color, height=0.6, label=label)
        ax.invert_yaxis()
        ax.set(xlabel="milliseconds", xlim=(0, 1e3 * 1.05 * max(here, moving + there)))
        ax.set_title(f"{operation}, {times} time{'s' * (times > 1)} on {nbytes / 1e6:,.0f} MB", fontsize=11, loc="left")
        ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        ax.spines[["top", "right"]].set_visible(False)
        ratio = here / (moving + there)
        verdict = f"{ratio:.1f} times as fast" if ratio >= 1 else f"{1 / ratio:.1f} times slower"
        return figure, (
            f"All in all the GPU is <b>{verdict}</b>; {moving / (moving + there):.0%} of its time goes into copying. "
            "The bar of the CPU was measured just now."
        )

    names, speed = list(measured), "measured" if bus else "assumed"
    controls = {
        "operation": choice("Operation", names, names[-1]),
        "times": slider("Times in a row", 1, 100, 1),
        "bus": slider(f"Bus (GB/s, {speed})", 1.0, 64.0, round(bus / 1e9) if bus else 16.0, 1.0),
        "faster": slider("Speed-up (assumed)", 2, 200, 50),
    }
    return Exploration(draw, controls, description="Time on the CPU, and on a GPU with copying there and back")


def batching_figure(batches):
    """Plot images per second, and time, against the batch size. batches: {device: {size: seconds for the batch}}."""
    figure, axes = new_figure(9.6, 3.3, 1, 2)
    for (name, by_size), color in zip(batches.items(), (COLORS[0], RIGHT), strict=False):
        sizes, times = (np.array(list(values)) for values in (by_size.keys(), by_size.values()))
        axes[0].plot(sizes, sizes / times, "o-", color=color, label=name)
        axes[1].plot(sizes, 1e3 * times, "o-", color=color, label=name)
        axes[1].plot(sizes, 1e3 * times[0] * sizes / sizes[0], "--", color=MUTED, label=f"{name}, one by one")
    for ax, what in zip(axes, ("images per second", "milliseconds for the batch"), strict=True):
        ax.set(xscale="log", yscale="log", xlabel="images in a batch", ylabel=what)
        ax.set_xticks(sizes, [str(size) for size in sizes], minor=False)
        ax.minorticks_off()
        ax.legend(frameon=False, fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
    figure.suptitle("measured just now", fontsize=11, color=INK)
    return figure
