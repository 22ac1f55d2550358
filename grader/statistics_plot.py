"""The statistics of a class as one picture."""

import io
import statistics
import textwrap

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cs231n_kit.plots import INK, MUTED
from cs231n_kit.terminal import printable
from cs231n_kit.widgets.palette import COLORS

from .grade_export import number
from .statistics import CAUSES, ClassStatistics, histogram, score_line

MOST_CHECKS, MOST_MISTAKES = 40, 15
FEW = 4  # rows that a chart has room for at least, so that a single bar is not a wall
COLOR_OF = dict(zip(CAUSES, ("#c9c9c9", COLORS[1], COLORS[0], COLORS[3]), strict=True))


def draw(found: ClassStatistics) -> Figure:
    """Points lost by check and cause at the left; the commonest known mistakes and the scores at the right."""
    checks, mistakes = found.checks[:MOST_CHECKS], found.mistakes[:MOST_MISTAKES]
    height = max(6.0, 1.8 + 0.27 * len(checks), 4.2 + 0.4 * len(mistakes))
    figure = Figure(figsize=(13, height), layout="constrained", facecolor="white")
    mistakes_part = 0.4 * max(len(mistakes), FEW) + 0.8
    axes = figure.subplot_mosaic(
        [["checks", "mistakes"], ["checks", "scores"]],
        height_ratios=[mistakes_part, max(2.4, height - mistakes_part - 0.8)],
    )
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.12)
    figure.suptitle(_text(f"What {found.assignment} cost the class\n{score_line(found)}"), fontsize=13, color=INK)
    _draw_checks(axes["checks"], checks, len(found.checks))
    _draw_mistakes(axes["mistakes"], mistakes, len(found.mistakes))
    _draw_scores(axes["scores"], found)
    for ax in axes.values():
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_checks(ax, checks, in_all: int) -> None:
    places, left = range(len(checks)), [0.0] * len(checks)
    for cause in CAUSES:
        widths = [check.lost[cause] / max(check.graded, 1) for check in checks]
        if any(widths):
            ax.barh(places, widths, left=left, color=COLOR_OF[cause], label=cause)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    ax.set_yticks(places, [_text(f"{check.name} ({check.points:g})") for check in checks])
    ax.set_ylim(max(len(checks), FEW) - 0.4, -0.6)
    ax.set_xlim(0, max([1.0, *(1.08 * value for value in left)]))
    for place, value in zip(places, left, strict=True):
        ax.text(value, place, f" {number(value)}", va="center", fontsize=8, color=INK)
    ax.set_xlabel("points that a student lost on average")
    ax.set_title(_of_all("Checks, and the points that each is worth", len(checks), in_all), fontsize=11)
    if any(left):
        ax.legend(title="lost because of", fontsize=9, loc="lower right", framealpha=0.9)


def _draw_mistakes(ax, mistakes, in_all: int) -> None:
    labels = [_text(textwrap.fill(f"{name}: {mistake}", 44)) for (name, mistake), _ in mistakes]
    numbers = [students for _, students in mistakes]
    ax.set_title(_of_all("Known mistakes that were recognised", len(mistakes), in_all), fontsize=11)
    if not mistakes:
        ax.text(0.5, 0.5, "none", transform=ax.transAxes, ha="center", color=MUTED)
        ax.set(xticks=[], yticks=[])
        return
    ax.barh(range(len(mistakes)), numbers, color=COLOR_OF["a known mistake"])
    ax.set_yticks(range(len(mistakes)), labels, fontsize=8.5)
    ax.set_ylim(max(len(mistakes), FEW) - 0.4, -0.6)
    for place, count in enumerate(numbers):
        ax.text(count, place, f" {count}", va="center", fontsize=8, color=INK)
    ax.set_xlim(0, 1.08 * max(numbers))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("students")


def _draw_scores(ax, found: ClassStatistics) -> None:
    width = (found.points or 1.0) / 10
    ax.bar([width * (i + 0.5) for i in range(10)], histogram(found), width=0.94 * width, color=COLORS[2])
    ax.set_xticks([width * i for i in range(0, 11, 2)], [f"{width * i:.4g}" for i in range(0, 11, 2)])
    middle = statistics.median(found.scores)
    ax.axvline(middle, color=INK, linestyle="--", linewidth=1.2, label=f"median {middle:.4g}")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlim=(0, 10 * width), xlabel=f"score, of {found.points:g}", ylabel="students")
    ax.set_title("Scores", fontsize=11)
    ax.legend(fontsize=9)


def _of_all(title: str, shown: int, count: int) -> str:
    return title if shown == count else f"{title}: {shown} of {count}"


def _text(words: str) -> str:
    """`words` with nothing that steers a terminal, and no formula where a dollar sign is meant."""
    return "\n".join(printable(line) for line in words.split("\n")).replace("$", r"\$")


def saved(figure: Figure, form: str) -> bytes:
    """The figure as the bytes of a file: form "png", "svg" or "pdf"."""
    file = io.BytesIO()
    figure.savefig(file, format=form, dpi=130)
    return file.getvalue()
