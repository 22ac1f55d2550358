"""Time convolution and max pooling against the course's NumPy versions, and PyTorch where it is installed.

All are called in turns in one process, with equally many threads; the table shows medians and their ratios.
Exits with 1 where a goal is missed.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numba
import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from cs231n_kit.layers.convolution import conv_backward, conv_forward
from cs231n_kit.layers.pooling import max_pool_backward, max_pool_forward

try:
    import torch
except ImportError:
    torch = None

CONVOLUTIONS = [  # (N, C, H, W), filters, size of a filter
    ((64, 3, 32, 32), 32, 3),
    ((64, 32, 32, 32), 64, 3),
    ((32, 64, 16, 16), 128, 3),
    ((64, 3, 32, 32), 32, 7),
]
IM2COL, LOOPS, TORCH = "im2col, fancy indices", "loops over windows", "PyTorch"
POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}


@dataclass(frozen=True)
class Race:
    """Our function against peers that do the same; a goal is the largest acceptable ratio of ours to theirs."""

    what: str
    ours: Callable
    peers: dict[str, Callable]
    goals: dict[str, float] = field(default_factory=dict)


def im2col_indices(shape, size, pad):
    """Channel, row and column of each entry of the columns, for a stride of 1."""
    _, C, H, W = shape
    height, width = H + 2 * pad - size + 1, W + 2 * pad - size + 1
    rows = np.tile(np.repeat(np.arange(size), size), C)[:, None] + np.repeat(np.arange(height), width)
    columns = np.tile(np.arange(size), size * C)[:, None] + np.tile(np.arange(width), height)
    return np.repeat(np.arange(C), size * size)[:, None], rows, columns


def im2col_step(x, w, b, dout, pad):
    """Convolution forward and backward by fancy indices and np.add.at."""
    N, (F, C, size, _) = len(x), w.shape
    channels, rows, columns = im2col_indices(x.shape, size, pad)
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    unfolded = padded[:, channels, rows, columns].transpose(1, 2, 0).reshape(C * size * size, -1)
    out = w.reshape(F, -1) @ unfolded + b[:, None]
    out = out.reshape(F, *dout.shape[2:], N).transpose(3, 0, 1, 2)
    gradient = dout.transpose(1, 2, 3, 0).reshape(F, -1)
    dw = (gradient @ unfolded.T).reshape(w.shape)
    dunfolded = (w.reshape(F, -1).T @ gradient).reshape(C * size * size, -1, N).transpose(2, 0, 1)
    dpadded = np.zeros_like(padded)
    np.add.at(dpadded, (slice(None), channels, rows, columns), dunfolded)
    return out, dpadded[:, :, pad:-pad, pad:-pad], dw, gradient.sum(axis=1)


def loop_max_pool(x):
    """2 x 2 max pooling forward, a window at a time for all images."""
    out = np.empty((*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2), x.dtype)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max(axis=(2, 3))
    return out


def loop_max_pool_gradient(dout, x):
    """2 x 2 max pooling backward, a window at a time for all images."""
    dx = np.zeros_like(x)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            window = np.s_[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            largest = x[window] == x[window].max(axis=(2, 3), keepdims=True)
            dx[window] += largest * dout[:, :, i, j, None, None]
    return dx


def convolution_races(shape, F, size) -> list[Race]:
    rng = np.random.default_rng(0)
    pad = size // 2
    x, w, b, dout = (
        rng.normal(size=s).astype(np.float32)
        for s in (shape, (F, shape[1], size, size), (F,), (shape[0], F, *shape[2:]))
    )
    what = f"{size}x{size}, {shape[1]} -> {F} ({shape[0]}x{shape[2]}x{shape[3]})"

    def ours():
        out, cache = conv_forward(x, w, b, {"stride": 1, "pad": pad})
        return out, *conv_backward(dout, cache)

    peers = {IM2COL: lambda: im2col_step(x, w, b, dout, pad)}
    forward_peers = {}
    if torch:
        tx, tw, tb = (torch.from_numpy(array).requires_grad_() for array in (x, w, b))
        tdout = torch.from_numpy(dout)

        def torch_step():
            out = torch.nn.functional.conv2d(tx, tw, tb, padding=pad)
            return out, *torch.autograd.grad(out, (tx, tw, tb), tdout)

        def torch_forward():
            with torch.no_grad():
                return torch.nn.functional.conv2d(tx, tw, tb, padding=pad)

        peers[TORCH], forward_peers[TORCH] = torch_step, torch_forward
    forward = Race(
        f"conv {what} forward",
        lambda: conv_forward(x, w, b, {"stride": 1, "pad": pad})[0],
        forward_peers,
        {TORCH: 1.3},
    )
    return [Race(f"conv {what} forward + backward", ours, peers, {IM2COL: 0.35, TORCH: 0.95}), forward]


def pooling_races() -> list[Race]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 32, 32, 32)).astype(np.float32)
    out, cache = max_pool_forward(x, POOL)
    dout = rng.normal(size=out.shape).astype(np.float32)
    forward, backward = {LOOPS: lambda: loop_max_pool(x)}, {LOOPS: lambda: loop_max_pool_gradient(dout, x)}
    if torch:
        tx, tdout = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dout)
        tout = torch.nn.functional.max_pool2d(tx, 2)

        def torch_forward():
            with torch.no_grad():
                return torch.nn.functional.max_pool2d(tx, 2)

        forward[TORCH] = torch_forward
        backward[TORCH] = lambda: torch.autograd.grad(tout, tx, tdout, retain_graph=True)[0]
    what = "max pool 2x2 of 64x32x32x32"
    return [
        Race(f"{what}, forward", lambda: max_pool_forward(x, POOL)[0], forward, {TORCH: 0.2}),
        Race(f"{what}, backward", lambda: max_pool_backward(dout, cache), backward, {TORCH: 1.5}),
    ]


def run(race: Race, repeat: int) -> dict[str, float]:
    """Median seconds of each side, called in turns after a first call whose results must agree."""
    sides = {"ours": race.ours, **race.peers}
    results = {name: function() for name, function in sides.items()}
    for theirs in results.values():
        pairs = zip(results["ours"], theirs, strict=True) if isinstance(theirs, tuple) else [(results["ours"], theirs)]
        for found, expected in pairs:
            np.testing.assert_allclose(found, _array(expected), rtol=1e-2, atol=1e-2 * np.abs(found).max())
    seconds = {name: [] for name in sides}
    for _ in range(repeat):
        for name, function in sides.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def _array(result):
    return result if isinstance(result, np.ndarray) else result.detach().numpy()


def cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def main() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="timed calls of each side (default 5)")
    parser.add_argument("--threads", type=int, default=available, help=f"threads of each side (default {available})")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 130)
    table = Table(title=f"float32, medians of {arguments.repeat}, in milliseconds, {arguments.threads} threads")
    for column in ("what", "against", "ours", "theirs", "ours / theirs", "goal", ""):
        table.add_column(column, justify="left" if column in ("what", "against") else "right")
    numba.set_num_threads(min(arguments.threads, numba.config.NUMBA_NUM_THREADS))
    if torch:
        torch.set_num_threads(arguments.threads)
    met = True
    with threadpool_limits(arguments.threads), console.status("") as status:
        for race in [race for case in CONVOLUTIONS for race in convolution_races(*case)] + pooling_races():
            if not race.peers:
                continue
            status.update(race.what)
            medians = run(race, arguments.repeat)
            ours = medians.pop("ours")
            for peer, theirs in medians.items():
                ratio, goal = ours / theirs, race.goals.get(peer)
                verdict = "" if goal is None else "[green]met[/]" if ratio <= goal else "[red]missed[/]"
                met &= goal is None or ratio <= goal
                numbers = f"{1e3 * ours:.2f}", f"{1e3 * theirs:.2f}", f"{ratio:.3f}", f"{goal:.2f}" if goal else ""
                table.add_row(race.what, peer, *numbers, verdict)
    console.print(table)
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, Numba {numba.__version__}"
    console.print(f"{cpu_name()}; {versions}" + (f", PyTorch {torch.__version__}" if torch else ""))
    if not torch:
        console.print("PyTorch is not installed, so its rows are left out: pip install torch")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
