"""Lecture 01: why networks of 1998 won in 2012. Their sizes, counted, and how long computers take to train them."""

import time
from dataclasses import dataclass

import numpy as np

from cs231n_kit.architectures import lenet5
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.networks import Affine, Convolution, Flatten, MaxPool, ReLU, Sequential
from cs231n_kit.networks.summary import Summary
from cs231n_kit.plots import COLORS, MUTED, new_figure


def alexnet_of_2012():
    """The first AlexNet, for 227 x 227 colour images (Krizhevsky et al. 2012), whose two halves are one column here.

    ``cs231n_kit.architectures.alexnet`` is the smaller one of 2014.
    """
    return Sequential(
        *(Convolution(96, 11, stride=4), ReLU(), MaxPool(3, stride=2)),
        *(Convolution(256, 5, pad=2), ReLU(), MaxPool(3, stride=2)),
        *(Convolution(384, 3, pad=1), ReLU(), Convolution(384, 3, pad=1), ReLU()),
        *(Convolution(256, 3, pad=1), ReLU(), MaxPool(3, stride=2)),
        *(Flatten(), Affine(4096), ReLU(), Affine(4096), ReLU(), Affine(1000)),
    )


@dataclass(frozen=True)
class Training:
    """What a network was trained on: its summary, the number of training images, and the epochs."""

    summary: Summary
    images: int
    epochs: int

    @property
    def operations(self) -> float:
        """Additions and multiplications of all epochs; a backward pass takes about twice the forward pass."""
        return 3 * 2 * self.summary.multiply_adds * self.images * self.epochs


def trainings():
    """{name: Training} of 1998 and 2012, the counts taken from the networks themselves."""
    return {
        "LeNet-5 on digits, 1998": Training(lenet5().summary((1, 32, 32)), 60_000, 20),
        "AlexNet on ImageNet, 2012": Training(alexnet_of_2012().summary((3, 227, 227)), 1_281_167, 90),
    }


# Most single-precision operations a second: clock rate times operations in a cycle.
COMPUTERS = {
    "a PC of 1998 (300 MHz, 1 in a cycle)": 300e6 * 1,
    "two graphics cards of 2012 (2 × 512 cores, 1.54 GHz)": 2 * 512 * 2 * 1.54e9,
}


def measured_rate(size=1024, repeats=3):
    """Operations a second of this machine's float32 matrix product."""
    matrix = np.random.default_rng(0).random((size, size), np.float32)
    matrix @ matrix
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def in_words(seconds):
    """A duration in the unit that suits it."""
    for unit, length in ("years", 365.25 * 86400), ("days", 86400), ("hours", 3600), ("minutes", 60):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.1f} seconds"


def growth_figure():
    """Between LeNet-5 and AlexNet: layers of the same kind, more of everything else."""
    old, new = trainings().values()
    rows = {
        "training images": (old.images, new.images),
        "numbers in an image": (np.prod(old.summary.input_shape), np.prod(new.summary.input_shape)),
        "parameters": (old.summary.parameters, new.summary.parameters),
        "multiply-adds for an image": (old.summary.multiply_adds, new.summary.multiply_adds),
        "operations to train": (old.operations, new.operations),
        "operations a second": tuple(COMPUTERS.values()),
    }
    figure, ax = new_figure(9.2, 3.6)
    for place, (before, after) in enumerate(rows.values()):
        ax.plot([before, after], [place] * 2, color=MUTED, linewidth=3, zorder=1)
        ax.text(after * 2.2, place, f"× {after / before:,.0f}", va="center", fontsize=10)
    for column, color, label in (0, MUTED, "LeNet-5, 1998"), (1, COLORS[0], "AlexNet, 2012"):
        ax.scatter([pair[column] for pair in rows.values()], range(len(rows)), s=80, color=color, label=label, zorder=2)
    ax.set(
        xscale="log",
        xlim=(300, 1e21),
        xlabel="number (logarithmic)",
        title="the same kind of layers, fourteen years apart",
    )
    ax.set_yticks(range(len(rows)), rows)
    ax.invert_yaxis()
    ax.legend(frameon=False, loc="lower left")
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def explore_training_time(rate):
    """How long a training takes on the computers of 1998 and 2012 and on this one (`rate` operations a second)."""
    computers = {**COMPUTERS, "this machine (measured just now)": rate}
    all_trainings = trainings()

    def draw(training, share):
        operations = all_trainings[training].operations
        seconds = [operations / (share / 100 * each) for each in computers.values()]
        figure, ax = new_figure(9.2, 2.4)
        bars = ax.barh(range(len(seconds)), seconds, log=True, color=[MUTED, COLORS[0], COLORS[1]], height=0.6)
        ax.bar_label(bars, [in_words(each) for each in seconds], padding=5)
        ax.set_yticks(range(len(seconds)), computers)
        ax.invert_yaxis()
        ax.set(xlim=(0.1, 1e12), xlabel="seconds (logarithmic)", title=f"to train {training}")
        ax.spines[["top", "right"]].set_visible(False)
        return figure, (
            f"{operations:.1e} operations at {share} % of each computer's best speed: "
            f"<b>{in_words(seconds[0])}</b> then, <b>{in_words(seconds[1])}</b> in 2012, {in_words(seconds[2])} here."
        )

    controls = {
        "training": choice("Training", list(all_trainings), "AlexNet on ImageNet, 2012"),
        "share": slider("Share of best speed (%)", 5, 100, 30, 5),
    }
    return Exploration(draw, controls, description="How long the training of two networks takes on three computers")
