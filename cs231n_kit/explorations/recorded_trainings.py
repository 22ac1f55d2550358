"""Lecture 09: trainings that are too long to wait for, as they were recorded."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from cs231n_kit.explorations.famous_networks import depth
from cs231n_kit.explorations.plain_and_residual import KINDS, SHADES
from cs231n_kit.plots import MUTED, new_figure

FILE = Path(__file__).with_suffix(".json")


@cache
def recorded():
    """What was recorded: "date", "machine", "setting", "batch" (updates of which each loss is the mean), "runs".

    small: "setting" and "networks", {name: {"validation", "seconds", "updates", "rate"}}, see ``small_table``.
    runs: {"with" or "without" batch normalisation: {"plain, 8 layers": {"losses", "validation", "seconds",
    "updates"}}}; validation is the accuracy after each epoch, seconds are of processor time.
    """
    return json.loads(FILE.read_text(encoding="utf-8"))


def figure(normalized="with"):
    """Training losses of the recorded networks, plain at the left and residual at the right."""
    found, runs = recorded(), recorded()["runs"][normalized]
    drawn, axes = new_figure(9.8, 3.8, 1, 2, sharey=True)
    for ax, kind in zip(axes, KINDS, strict=True):
        names = sorted((name for name in runs if name.startswith(kind)), key=lambda name: int(name.split()[1]))
        for name, color in zip(names, SHADES[kind], strict=False):
            losses = np.convolve(runs[name]["losses"], np.ones(8) / 8, "valid")
            steps = found["batch"] * np.arange(8, 8 + len(losses))
            ax.plot(steps, losses, color=color, linewidth=2, label=name.partition(", ")[2])
        ax.axhline(np.log(10), color=MUTED, linestyle=":", linewidth=1.2)
        ax.set(xlabel="update", xlim=(0, None))
        ax.set_title(f"{kind}, {normalized} batch normalisation: recorded", fontsize=11)
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(f"training loss, mean of {8 * found['batch']} batches")
    return drawn


def small_table(definitions, shape):
    """In Markdown: small networks {name: definition} counted for images of ``shape``, and how they did when recorded.

    Networks that were not recorded have a dash.
    """
    found = recorded()["small"]
    lines = [
        "| | layers | parameters | multiply-adds, millions | memory | right, recorded | processor time |",
        "|:--|--:|--:|--:|--:|--:|--:|",
    ]
    for name, definition in definitions.items():
        total = definition.summary(shape).without_auxiliary()
        run = found["networks"].get(name)
        ended = f"{run['validation'][-1]:.1%} | {run['seconds']:.0f} s" if run else "– | –"
        lines.append(
            f"| {name} | {depth(definition)} | {total.parameters:,} | {total.multiply_adds / 1e6:.1f} | "
            f"{total.memory / 1e6:.2f} MB | {ended} |"
        )
    return "\n".join([*lines, "", f"Recorded on {recorded()['date']} on {recorded()['machine']}: {found['setting']}."])


def table():
    """In Markdown: where and when, then loss, accuracy and time of every recorded network at its end."""
    found = recorded()
    lines = [
        f"Recorded on {found['date']} on {found['machine']}: {found['setting']}.\n",
        "| | batch normalisation | training loss, last 200 batches | right, validation | processor time |",
        "|:--|:--|--:|--:|--:|",
    ]
    last = 200 // found["batch"]
    for normalized, runs in found["runs"].items():
        for name, run in sorted(runs.items(), key=lambda item: (item[0][:5], int(item[0].split()[1]))):
            loss = np.mean(run["losses"][-last:])
            lines.append(
                f"| {name} | {normalized} | {loss:.3f} | {run['validation'][-1]:.1%} | {run['seconds']:.0f} s |"
            )
    return "\n".join(lines)
