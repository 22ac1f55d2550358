"""Time the kit against its peers and write benchmarks/cpu.md."""

import argparse
import os
import re
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("cpu.md")
IMPORTED = "cs231n_kit", "cs231n_kit.layers", "cs231n_kit.networks"


def main() -> None:
    options = parse(sys.argv[1:])
    if not options.spinning_blas:
        os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "8")  # read when NumPy is loaded, in the imports below

    from rich.console import Console

    from benchmarks import harness, machine, memory, report
    from benchmarks.families import all_races

    races = [race for race in all_races() if re.search(options.only, race.name)]
    if not races:
        sys.exit(f"No race matches {options.only!r}. There are:\n" + "\n".join(race.name for race in all_races()))
    cores = machine.available_cores()
    floors, times, others = {}, {}, machine.OtherProcesses()
    with Console(stderr=True).status("") as status:
        for threads in options.threads or range(1, min(2, cores) + 1):
            with harness.threads(threads):
                status.update("measuring what the machine can do")
                floors[threads] = machine.measure_floors(threads)
                for number, race in enumerate(races, 1):
                    status.update(f"{threads} thread(s), {number} of {len(races)}: {race.name}")
                    times[race.name, threads] = harness.run(race, options.repeat)
        conditions = describe(others.share())
        status.update("measuring memory")
        peaks = {side: memory.peaks(side, options.only) for side in ("ours", "theirs")}
        imports = {module: machine.import_seconds(module) for module in IMPORTED}
    page = report.page(races, times, floors, peaks, imports, conditions)
    print(page)
    if options.only or options.threads or not harness.torch:
        print(f"{PAGE.name} was left as it is, because it holds the complete table.")
    else:
        PAGE.write_text(page, encoding="utf-8")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--threads", type=positive, nargs="+", help="numbers of threads (default: 1 and 2)")
    parser.add_argument(
        "--repeat", type=positive, help="timed calls of each side (default: 2 seconds' worth, 3 to 300)"
    )
    parser.add_argument("--only", default="", metavar="PATTERN", help="only races whose name matches, e.g. 'conv|kNN'")
    parser.add_argument(
        "--spinning-blas",
        action="store_true",
        help="leave OPENBLAS_THREAD_TIMEOUT unset: idle BLAS threads then keep a core busy for a while",
    )
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def describe(others: float | None) -> str:
    timeout = os.environ.get("OPENBLAS_THREAD_TIMEOUT")
    blas = f"OPENBLAS_THREAD_TIMEOUT={timeout}, as `cs231n lab` sets it" if timeout else "OPENBLAS_THREAD_TIMEOUT unset"
    busy = "" if others is None else f" Other processes took {others:.0%} of the machine meanwhile."
    return f"{blas}.{busy}"


if __name__ == "__main__":
    main()
