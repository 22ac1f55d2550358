"""kNN against its peers, side by side: ``make bench``, or ``python benchmarks/knn.py [--repeat N]``.

500 queries against 5,000 training points of 3,072 float32 features, the size of CIFAR-10 images. Both sides of a
row run alternately in this process with the same number of threads; the table shows medians and their ratio.
Exits with 1 where a goal is missed.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import sklearn
from rich.console import Console
from rich.table import Table
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_info, threadpool_limits

from cs231n_kit.kernels.distance import l1_distances, l2_distances
from cs231n_kit.neighbors import KNearestNeighbor

QUERIES, TRAINING_POINTS, FEATURES, K = 500, 5_000, 3_072, 5


@dataclass(frozen=True)
class Duel:
    """Our function against a peer's; the goal is the largest acceptable ratio of ours to theirs."""

    what: str
    peer: str
    ours: Callable
    theirs: Callable
    goal: float


def chunked_broadcast_l1(X, Y, chunk=8):
    """The usual NumPy way: broadcast a few rows at a time, so that the differences fit in memory."""
    distances = np.empty((len(X), len(Y)), X.dtype)
    for i in range(0, len(X), chunk):
        for j in range(0, len(Y), chunk):
            difference = X[i : i + chunk, None] - Y[None, j : j + chunk]
            distances[i : i + chunk, j : j + chunk] = np.abs(difference).sum(axis=2)
    return distances


def duels() -> list[Duel]:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, size=(QUERIES, FEATURES)).astype(np.float32)
    X_train = rng.integers(0, 256, size=(TRAINING_POINTS, FEATURES)).astype(np.float32)
    y = rng.integers(0, 10, size=TRAINING_POINTS)
    ours = KNearestNeighbor(K, "l2").fit(X_train, y)
    peer = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(X_train)
    return [
        Duel(
            "L2, 5 nearest neighbours",
            "scikit-learn brute force",
            lambda: ours.kneighbors(X),
            lambda: peer.kneighbors(X),
            goal=1.0,
        ),
        Duel(
            "L2, all distances",
            "scikit-learn euclidean_distances",
            lambda: l2_distances(X, X_train),
            lambda: euclidean_distances(X, X_train),
            goal=1.0,
        ),
        Duel(
            "L1, all distances",
            "NumPy, chunked broadcast",
            lambda: l1_distances(X, X_train),
            lambda: chunked_broadcast_l1(X, X_train),
            goal=1 / 5,
        ),
    ]


def fight(duel: Duel, repeat: int) -> tuple[float, float]:
    """Median seconds of ours and theirs, called in turns after one call each to warm up."""
    functions, times = (duel.ours, duel.theirs), ([], [])
    for function in functions:
        function()
    for _ in range(repeat):
        for function, seconds in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=7, help="timed calls of each side (default 7)")
    repeat = parser.parse_args().repeat
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table(title=f"{QUERIES:,} x {TRAINING_POINTS:,} x {FEATURES:,} float32, medians of {repeat}, in seconds")
    for column in ("what", "against", "ours", "theirs", "ours / theirs", "goal", ""):
        table.add_column(column, justify="left" if column in ("what", "against") else "right")
    met = True
    with threadpool_limits(threads):
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        for duel in duels():
            with console.status(f"{duel.what} against {duel.peer}"):
                ours, theirs = fight(duel, repeat)
            ratio = ours / theirs
            verdict = "[green]met[/]" if ratio <= duel.goal else "[red]missed[/]"
            met &= ratio <= duel.goal
            table.add_row(
                duel.what, duel.peer, f"{ours:.3f}", f"{theirs:.3f}", f"{ratio:.3f}", f"{duel.goal:.2f}", verdict
            )
        blas = ", ".join(sorted({f"{pool['internal_api']} {pool['version']}" for pool in threadpool_info()}))
    console.print(table)
    console.print(
        f"{cpu_name()}, {threads} threads; Python {platform.python_version()}, NumPy {np.__version__}, "
        f"Numba {numba.__version__}, scikit-learn {sklearn.__version__}, {blas}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
