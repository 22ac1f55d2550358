"""The results as a page of Markdown."""

import datetime

from benchmarks import machine
from benchmarks.harness import Race, Time, torch
from benchmarks.machine import Floors

IMPORT_GOAL = 0.3  # seconds


def page(
    races: list[Race],
    times: dict[tuple[str, int], Time],
    floors: dict[int, Floors],
    memory: dict[str, dict[str, int]],
    imports: dict[str, float],
    conditions: str,
) -> str:
    """times: by race's name and number of threads; floors: by number of threads; memory: bytes by side and race."""
    parts = [
        "# Speed on the CPU",
        "Written by `make bench`: the kit and its peers, float32, in turns in one process, with equally many threads. "
        "Times are medians in milliseconds, ratios are ours / theirs. Both sides were first checked to agree.",
        f"{datetime.date.today()}. {machine.description()}. {conditions}",
        *(_times(races, times, floors[threads], threads) for threads in floors),
        _missed(races, times),
        "## Floors",
        "The floor of a work is its operations at the rate of a large matrix product or its bytes at that of a copy, "
        f"whichever takes longer; up to {machine.CACHE >> 20} MB the copy is one inside the cache.",
        _floors(floors),
        "## Memory and import",
        "Peak memory of a call above its inputs, one thread, each side in a process of its own; results included.",
        _memory(races, memory) if any(memory.values()) else "Peak memory is measured on Linux only.",
        _imports(imports),
    ]
    if not torch:
        parts.append("PyTorch is not installed, so its rows are left out: `pip install torch`.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _times(races, times, floors, threads):
    rows = []
    for race in races:
        time = times[race.name, threads]
        floor = floors.seconds(race.flops, race.bytes)
        rows.append(
            (
                race.work,
                race.peer,
                _ms(time.ours),
                _ms(time.theirs),
                f"{time.ratio:.2f}",
                *(("", "") if race.goal is None else (f"{race.goal:.2f}", verdict(time.ratio, race.goal))),
                f"{time.ours / floor:.1f}",
            )
        )
    header = "work", "peer", "ours", "theirs", "ratio", "goal", "", "ours / floor"
    title = f"## {threads} thread{'s' * (threads > 1)}"
    return f"{title}\n\n{_table(header, rows, numbers_from=2)}"


def verdict(ratio: float, goal: float) -> str:
    """As the ratio is printed: 0.954 meets 0.95."""
    return "met" if round(ratio, 2) <= goal else "**missed**"


def _missed(races, times):
    missed = {}
    for (name, threads), time in times.items():
        race = next(race for race in races if race.name == name)
        if race.goal is not None and verdict(time.ratio, race.goal) != "met":
            missed.setdefault(race, []).append(f"{time.ratio:.2f} on {threads} thread{'s' * (threads > 1)}")
    if not missed:
        return "All goals are met."
    lines = [
        f"- {race.name} (goal {race.goal:.2f}, got {', '.join(ratios)})" + (f": {race.bound}." if race.bound else ".")
        for race, ratios in missed.items()
    ]
    return "## Goals missed\n\n" + "\n".join(lines)


def _floors(floors):
    rows = [
        (str(threads), f"{each.sgemm / 1e9:.0f}", f"{each.cache / 1e9:.0f}", f"{each.memory / 1e9:.0f}")
        for threads, each in floors.items()
    ]
    header = (
        "threads",
        "sgemm, Gflop/s",
        "copy in the cache, GB/s read + written",
        "copy in memory, GB/s read + written",
    )
    return _table(header, rows, numbers_from=0)


def _memory(races, memory):
    rows = []
    for race in races:
        ours, theirs = (memory[side][race.name] / 2**20 for side in ("ours", "theirs"))
        rows.append((race.work, race.peer, f"{ours:.1f}", f"{theirs:.1f}"))
    return _table(("work", "peer", "ours, MB", "theirs, MB"), rows, numbers_from=2)


def _imports(imports):
    rows = [(f"`import {module}`", f"{seconds:.3f}") for module, seconds in imports.items()]
    rows[0] = (*rows[0], f"{IMPORT_GOAL:.2f}", verdict(next(iter(imports.values())), IMPORT_GOAL))
    return _table(("fresh process", "seconds", "goal", ""), [(*row, "", "")[:4] for row in rows], numbers_from=1)


def _table(header, rows, numbers_from):
    rules = ["---" if i < numbers_from else "---:" for i in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rules, *rows))


def _ms(seconds):
    return f"{1e3 * seconds:.3g}" if seconds < 1 else f"{1e3 * seconds:.0f}"
