"""Time the CUDA kernels against PyTorch on the same GPU and write benchmarks/gpu-<device>.md."""

import argparse
import os
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent


def main() -> None:
    options = parse(sys.argv[1:])
    os.environ["CUPY_TF32"] = "0"  # read when CuPy is loaded; float32 means float32 on both sides

    from benchmarks.gpu import device

    if missing := device.what_is_missing():
        sys.exit("There is nothing to measure, so no page was written.\n" + "\n".join(f"- {line}" for line in missing))

    from benchmarks.gpu import report, timing
    from benchmarks.gpu.families import all_races

    races = [race for race in all_races() if re.search(options.only, race.name)]
    if not races:
        sys.exit(f"No race matches {options.only!r}. There are:\n" + "\n".join(race.name for race in all_races()))
    device.forbid_tf32()
    clock = device.Clock()
    tell("measuring what the GPU can do")
    ceilings = device.measure_ceilings(clock)
    times = {}
    for number, race in enumerate(races, 1):
        tell(f"{number} of {len(races)}: {race.name}")
        times[race.name] = timing.run(race, clock, options.repeat)
    tell("")
    page = report.page(races, times, ceilings, device.description())
    print(page)
    path = FOLDER / report.file_name(device.name())
    if options.only:
        print(f"{path.name} was left as it is, because it holds the complete table.")
    else:
        path.write_text(page, encoding="utf-8")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--repeat", type=positive, help="timed rounds of each side (default: as many as fit a second)")
    parser.add_argument("--only", default="", metavar="PATTERN", help="only races whose name matches, e.g. 'conv|kNN'")
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def tell(text: str) -> None:
    """What goes on, on one line of the terminal."""
    print(f"\r\033[K{text:.100}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
