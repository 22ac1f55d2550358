"""The results as a page of Markdown."""

import datetime
import re

from benchmarks.gpu.device import Ceilings
from benchmarks.gpu.race import DeviceRace
from benchmarks.harness import Time
from benchmarks.markdown import milliseconds, table, verdict


def file_name(device: str) -> str:
    return f"gpu-{re.sub(r'[^a-z0-9]+', '-', device.lower()).strip('-')}.md"


def page(races: list[DeviceRace], times: dict[str, Time | None], ceilings: Ceilings, description: str) -> str:
    """times: by race's name, None where memory was too small."""
    run = [race for race in races if times[race.name]]
    left_out = [f"- {race.name}" for race in races if not times[race.name]]
    parts = [
        "# Speed on a GPU",
        "Written by `make bench-gpu`: the kit's CUDA kernels and their peers, float32, TF32 off, in turns on one "
        "device in one process. Times are medians by the device's events, in milliseconds, after a warm-up, over "
        "buffers that together outgrow its cache; ratios are ours / theirs. Both sides were first checked to agree.",
        f"{datetime.date.today()}. {description}.",
        f"This device multiplies matrices of 8192 x 8192 at **{ceilings.sgemm / 1e12:.1f} Tflop/s** and copies 1 GB at "
        f"**{ceilings.copy / 1e9:.0f} GB/s**, read and written. The share is that of the first where the work "
        "has flops, and of the second where it has none.",
        table(_HEADER, [_row(race, times[race.name], ceilings) for race in run], numbers_from=2),
        _missed(run, times, ceilings),
        "## Left out\n\nThe device has too little memory for these.\n\n" + "\n".join(left_out) if left_out else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_HEADER = "work", "peer", "ours", "theirs", "ratio", "goal", "", "rate", "share", "goal", ""


def _row(race, time, ceilings):
    share = _share(race, time, ceilings)
    return (
        race.work,
        race.peer,
        milliseconds(time.ours),
        milliseconds(time.theirs),
        f"{time.ratio:.2f}",
        *(("", "") if race.goal is None else (f"{race.goal:.2f}", verdict(time.ratio, race.goal))),
        f"{race.flops / time.ours / 1e12:.1f} Tflop/s" if race.flops else f"{race.bytes / time.ours / 1e9:.0f} GB/s",
        f"{share:.0%}",
        *(("", "") if race.share is None else (f"{race.share:.0%}", _verdict_on_share(share, race.share))),
    )


def _share(race, time, ceilings):
    return (race.flops / ceilings.sgemm if race.flops else race.bytes / ceilings.copy) / time.ours


def _verdict_on_share(share, goal):
    """As the share is printed: 79.6 % meets 80 %."""
    return verdict(-share, -goal)


def _missed(races, times, ceilings):
    lines = []
    for race in races:
        time, missed = times[race.name], []
        if race.goal is not None and verdict(time.ratio, race.goal) != "met":
            missed.append(f"goal {race.goal:.2f}, got {time.ratio:.2f}")
        share = _share(race, time, ceilings)
        if race.share is not None and _verdict_on_share(share, race.share) != "met":
            missed.append(f"goal {race.share:.0%}, got {share:.0%}")
        if missed:
            lines.append(f"- {race.name} ({'; '.join(missed)})" + (f": {race.bound}." if race.bound else "."))
    return "## Goals missed\n\n" + "\n".join(lines) if lines else "All goals are met."
