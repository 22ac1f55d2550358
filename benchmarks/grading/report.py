"""The results as a page of Markdown."""

import datetime
import platform
from dataclasses import dataclass

from benchmarks import machine
from benchmarks.grading.running import Memory, Run
from benchmarks.markdown import table, verdict

THROUGHPUT_GOAL = 3.0  # times as many submissions a minute as stock
GROWTH_GOAL = 1.1  # from the smaller class to the larger one: memory, and seconds of a submission
PHASES = ("intake", "cells", "questions", "verdicts", "recording")


@dataclass(frozen=True)
class Contest:
    """One notebook: our run, and stock's on fewer submissions, as handed in and without what trains."""

    notebook: str
    ours: Run
    as_handed_in: Run
    without_training: Run


def page(contests: list[Contest], small: list[Run], conditions: str) -> str:
    """small: runs with the small notebook, the smaller class first."""
    parts = [
        "# Speed of grading",
        "Written by `make bench-grading`: generated classes, graded by `cs231n autograde` with a worker for each core "
        "and by stock `nbgrader autograde`, one after the other on the same machine. Stock is nbgrader's own "
        "configuration: only the names of its folders are set, and it has no sandbox.",
        f"{datetime.date.today()}. {_description()}. {conditions}",
    ]
    if contests:
        parts += [*_against_stock(contests), *_phases(contests), *_memory(contests)]
    if small:
        parts += _growth(small)
    return "\n\n".join(part for part in [*parts, _missed(contests, small)] if part) + "\n"


def _description() -> str:
    names = ("nbgrader", "nbclient", "ipykernel", "numpy", "sqlalchemy")
    versions = ", ".join(f"{name} {machine.version(name)}" for name in names)
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{machine.cpu_name()}, {machine.available_cores()} cores; {system}; {versions}"


def _against_stock(contests):
    rows = []
    for contest in contests:
        for title, stock in _comparisons(contest):
            times = contest.ours.a_minute / stock.a_minute
            rows.append(
                (
                    f"`{contest.notebook}`",
                    title,
                    str(contest.ours.submissions),
                    f"{contest.ours.a_minute:.1f}",
                    str(stock.submissions),
                    f"{stock.a_minute:.1f}",
                    f"{stock.seconds_each:.2f}",
                    f"{times:.1f}",
                    f"{THROUGHPUT_GOAL:.1f}",
                    _at_least(times, THROUGHPUT_GOAL),
                )
            )
    header = "notebook", "stock runs", "submissions", "a minute", "stock: submissions", "a minute", "seconds each"
    failed = [
        f"{run.problems} of {run.submissions} of `{contest.notebook}` by {who}"
        for contest in contests
        for who, run in (("us", contest.ours), *((f"stock ({t})", run) for t, run in _comparisons(contest)))
        if run.problems
    ]
    return [
        "## Against stock nbgrader",
        "Of twenty submissions ten are right, six have a known mistake, three are half empty and one ends its kernel. "
        "All have answer cells of their own. We grade them as they are handed in; cells tagged `skip-grading`, which "
        "train and plot, stay in the notebook and are not run. Stock knows no such tag and runs every cell, so it is "
        "timed twice, on the first submissions of the class: as handed in, and with these cells taken out. Our time "
        "is that of the whole command; stock's begins with its first submission.",
        table((*header, "times as many", "goal", ""), rows, numbers_from=2),
        f"Not graded: {', '.join(failed)}." if failed else "",
    ]


def _comparisons(contest):
    return ("the cells without training", contest.without_training), ("all cells", contest.as_handed_in)


def _at_least(found: float, goal: float) -> str:
    return verdict(goal, round(found, 1))


def _phases(contests):
    def row(contest):
        seconds = contest.ours.phases
        named = [f"{seconds.get(name, 0.0):.3f}" for name in PHASES]
        return f"`{contest.notebook}`", *named, f"{sum(seconds.values()):.2f}", f"{contest.ours.seconds_each:.2f}"

    return [
        "## Where the time goes",
        "Mean seconds of one submission in each phase: reading and mending the notebook; the kernel's start and the "
        "cells; the judge's questions; verdicts and trained results; the gradebook. Workers run side by "
        "side, so the class takes less than the sum.",
        table(("notebook", *PHASES, "sum", "of the class, each"), [row(c) for c in contests], numbers_from=1),
    ]


def _memory(contests):
    rows = [
        (f"`{contest.notebook}`", who, *_megabytes(run.memory))
        for contest in contests
        for who, run in (("ours", contest.ours), ("stock", contest.without_training))
    ]
    return ["## Peak memory", _MEMORY, table(("notebook", "", *_MEMORY_COLUMNS), rows, numbers_from=2)]


_MEMORY = (
    "In MB: of the process that was started; of the largest worker; and private memory of everything together, the "
    "students' kernels included."
)
_MEMORY_COLUMNS = ("main process", "largest worker", "everything")


def _megabytes(memory: Memory) -> tuple[str, ...]:
    return tuple(f"{peak / 2**20:.0f}" if peak else "" for peak in (memory.main, memory.worker, memory.everything))


def growth(small: list[Run]) -> dict[str, float]:
    """How many times as much a submission, and the memory, takes in the largest class as in the smallest."""
    least, most = small[0], small[-1]
    grown = {"seconds each": most.seconds_each / least.seconds_each}
    for name, attribute in zip(_MEMORY_COLUMNS, ("main", "worker", "everything"), strict=True):
        if getattr(least.memory, attribute):
            grown[name] = getattr(most.memory, attribute) / getattr(least.memory, attribute)
    return grown


def _growth(small):
    rows = [
        (f"{run.submissions:,}", f"{run.a_minute:.1f}", f"{run.seconds_each:.3f}", *_megabytes(run.memory))
        for run in small
    ]
    header = ("submissions", "a minute", "seconds each", *_MEMORY_COLUMNS)
    parts = [
        "## Larger classes",
        "A small notebook: one function, and a question that waits for a hand. Memory in MB, as above.",
        table(header, rows, numbers_from=0),
    ]
    if len(small) > 1:
        goals = [
            (name, f"{grown:.2f}", f"{GROWTH_GOAL:.2f}", verdict(grown, GROWTH_GOAL))
            for name, grown in growth(small).items()
        ]
        header = (f"{small[-1].submissions:,} against {small[0].submissions:,} submissions", "ratio", "goal", "")
        parts.append(table(header, goals, numbers_from=1))
    return parts


def _missed(contests, small):
    missed = [
        f"- `{contest.notebook}`, where stock runs {title}: {times:.1f} times as many a minute."
        for contest in contests
        for title, stock in _comparisons(contest)
        if _at_least(times := contest.ours.a_minute / stock.a_minute, THROUGHPUT_GOAL) != "met"
    ]
    if len(small) > 1:
        missed += [
            f"- {name} grows {grown:.2f} times."
            for name, grown in growth(small).items()
            if verdict(grown, GROWTH_GOAL) != "met"
        ]
    return "## Goals missed\n\n" + "\n".join(missed) if missed else "All goals are met."
