"""Races: two sides that compute the same, checked for agreement and then called in turns."""

import statistics
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import numba
import numpy as np
from threadpoolctl import threadpool_limits

try:
    import torch
except ImportError:
    torch = None

PYTORCH = "PyTorch"
FEWEST, MOST, SECONDS = 3, 300, 2.0  # calls of each side: as many as fit into the seconds, within these limits


@dataclass(frozen=True)
class Race:
    """One row of the table.

    sides: builds the inputs and returns our function and the peer's, each without arguments.
    goal: the largest acceptable ratio of our time to the peer's.
    flops, bytes: what the work cannot do without, for its floor; a multiply-add counts as two.
    bound: where the goal may be missed, a sentence about what was tried and what bounds us.
    """

    work: str
    peer: str
    sides: Callable[[], tuple[Callable, Callable]]
    goal: float | None = None
    flops: float = 0
    bytes: float = 0
    tolerance: float = 1e-3
    bound: str = ""

    @property
    def name(self) -> str:
        return f"{self.work}, {self.peer}"


@dataclass(frozen=True)
class Time:
    """Median seconds of both sides."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def run(race: Race, repeat: int | None = None) -> Time:
    """Let both sides agree on the result, then time them in turns."""
    ours, theirs = race.sides()
    check_agreement(race, ours(), theirs())
    once = _seconds(ours) + _seconds(theirs)
    repeat = repeat or int(min(MOST, max(FEWEST, SECONDS / once)))
    pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(repeat)]
    return Time(*(statistics.median(times) for times in zip(*pairs, strict=True)))


def check_agreement(race: Race, ours, theirs) -> None:
    """Raise AssertionError unless both results are the same, up to the tolerance times their largest entry."""
    ours, theirs = (result if isinstance(result, tuple) else (result,) for result in (ours, theirs))
    for found, expected in zip(ours, theirs, strict=True):
        found, expected = as_array(found), as_array(expected)
        tolerance = race.tolerance * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=race.name)


def as_array(result) -> np.ndarray:
    return result.detach().numpy() if torch and isinstance(result, torch.Tensor) else np.asarray(result)


@contextmanager
def threads(count: int):
    """Within, BLAS, Numba, OpenMP and PyTorch use so many threads."""
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    if torch:
        torch.set_num_threads(count)
    with threadpool_limits(count):
        yield


def float32(rng, *shape) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def tensors(*arrays) -> list:
    """The arrays as PyTorch's, sharing their memory, with gradients."""
    return [torch.from_numpy(array).requires_grad_() for array in arrays]


def _seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
