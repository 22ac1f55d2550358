"""Races on the device's clock, over buffers that do not stay in its cache."""

import math
import statistics

from benchmarks.gpu.race import DeviceRace
from benchmarks.harness import Time

CACHES = 4  # buffers of so many times the size of the L2 cache go round, so that none is still in it at its next turn
FEWEST_BUFFERS, MOST_BUFFERS = 2, 16
FEWEST, MOST, SECONDS = 5, 100, 1.0  # rounds of each side: as many as fit into the seconds, within these limits


def run(race: DeviceRace, clock, repeat: int | None = None) -> Time | None:
    """Let both sides agree on the result, then time them in turns; None where the device has too little memory."""
    try:
        return _run(race, clock, repeat)
    except clock.out_of_memory():
        return None
    finally:
        clock.forget()


def _run(race, clock, repeat):
    sides = [race.sides() for _ in range(buffers(race, clock.cache_bytes))]
    race.check(race, *(side() for side in sides[0]))
    both = list(zip(*sides, strict=True))
    for calls in both:
        clock.host_seconds(calls)  # warm-up: kernels are compiled, libraries choose their algorithms
    leads = [1.5 * clock.host_seconds(calls) for calls in both]
    once = sum(clock.seconds(calls, lead) * len(calls) + lead for calls, lead in zip(both, leads, strict=True))
    repeat = repeat or int(min(MOST, max(FEWEST, SECONDS / once)))
    rounds = [[clock.seconds(calls, lead) for calls, lead in zip(both, leads, strict=True)] for _ in range(repeat)]
    return Time(*(statistics.median(seconds) for seconds in zip(*rounds, strict=True)))


def buffers(race: DeviceRace, cache_bytes: int) -> int:
    """How many sets of arrays go round."""
    wanted = math.ceil(CACHES * cache_bytes / race.bytes)
    return min(MOST_BUFFERS, max(FEWEST_BUFFERS, wanted))
