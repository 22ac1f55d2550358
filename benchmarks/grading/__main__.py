"""Time the grading of generated classes beside stock nbgrader and write benchmarks/grading.md."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cs231n_kit.laboratory import IDLE_THREADS_SLEEP

PAGE = Path(__file__).resolve().parents[1] / "grading.md"
NAMES = ("knn", "conv_layers", "small")
QUIET_SECONDS = 3  # of watching what others do on this machine


def main() -> None:
    options = parse(sys.argv[1:])
    from grader.sandbox import SandboxUnavailable, probe

    if (reason := probe()) is not None:
        sys.exit(f"There is nothing to measure, so no page was written.\n{SandboxUnavailable(reason)}")
    for variable, value in IDLE_THREADS_SLEEP.items():
        os.environ.setdefault(variable, value)

    from rich.console import Console

    from benchmarks.grading import classes, report

    with (
        tempfile.TemporaryDirectory(prefix="cs231n-bench-") as folder,
        Console(stderr=True).status("") as status,
    ):
        busy = [others_share()]
        contests = [
            contest(exercise, Path(folder), options, status.update)
            for exercise in (classes.KNN, classes.CONV_LAYERS)
            if exercise.notebook in options.only
        ]
        small = []
        if classes.SMALL.notebook in options.only:
            small = [small_run(size, Path(folder), status.update) for size in options.small]
        busy.append(others_share())
    page = report.page(contests, small, conditions(busy))
    print(page)
    if sys.argv[1:]:
        print(f"{PAGE.name} was left as it is, because it holds a complete run.")
    else:
        PAGE.write_text(page, encoding="utf-8")


def contest(exercise, folder: Path, options, tell: Callable[[str], None]):
    """Stock and we grade the same class."""
    from benchmarks.grading import classes, graders, report

    name, assignment = exercise.notebook, exercise.assignment
    size, stock_size = options.submissions, min(options.stock, options.submissions)
    tell(f"{name}: generating {size} submissions")
    course = classes.make_class(exercise, folder / name, size)

    def stock(count: int, without_training: bool):
        what = "the cells without training" if without_training else "all cells"
        place = folder / f"{name}-stock-{without_training}"
        classes.make_stock_class(course, exercise, place, count, without_training)
        return graders.run_stock(
            place, assignment, lambda done: tell(f"{name}, stock nbgrader, {what}: {done} of {count}")
        )

    without_training = stock(stock_size, True)
    ours = graders.run_ours(course, assignment, lambda done: tell(f"{name}, cs231n autograde: {done} of {size}"))
    return report.Contest(name, ours, stock(min(options.all_cells, stock_size), False), without_training)


def small_run(size: int, folder: Path, tell: Callable[[str], None]):
    from benchmarks.grading import classes, graders

    tell(f"the small notebook: generating {size} submissions")
    course = classes.make_class(classes.SMALL, folder / f"small-{size}", size)
    told = lambda done: tell(f"the small notebook, cs231n autograde: {done} of {size}")  # noqa: E731
    return graders.run_ours(course, classes.SMALL.assignment, told)


def others_share() -> float | None:
    """The share of the machine that others take while this process does nothing."""
    from benchmarks import machine

    others = machine.OtherProcesses()
    time.sleep(QUIET_SECONDS)
    return others.share()


def conditions(busy: list[float | None]) -> str:
    from cs231n_kit.datasets import DatasetError, load

    try:
        load("cifar10", subset={"train": 0, "val": 0, "test": 1}, download=False)
        data = "CIFAR-10 is here, so stock trains on it"
    except DatasetError:
        data = "CIFAR-10 is not here, so stock trains on digits"
    settings = ", ".join(f"{variable}={os.environ[variable]}" for variable in IDLE_THREADS_SLEEP)
    told = f"{data} where it runs all cells. {settings} on both sides."
    if None not in busy:
        told += f" Just before and after, other processes took {busy[0]:.0%} and {busy[1]:.0%} of the machine."
    return told


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__)
    add = parser.add_argument
    add("--submissions", type=positive, default=100, help="in the classes of knn and conv_layers (default: 100)")
    add("--stock", type=positive, default=20, help="how many of them stock grades without training (default: 20)")
    add("--all-cells", type=positive, default=2, help="how many of them stock grades with all cells (default: 2)")
    add("--small", type=positive, nargs="+", default=[100, 1000], help="classes with the small notebook (100 1000)")
    add("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=f"only these: {', '.join(NAMES)}")
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    main()
