"""Lecture 01: 540 million years of seeing on one line, and the challenge at its end."""

from dataclasses import dataclass

from matplotlib.figure import Figure

from cs231n_kit.explorations.exploration import Exploration, choice
from cs231n_kit.plots import COLORS, INK, MUTED, new_figure

THIS_YEAR = 2026
THEMES = ("nature", "cameras", "brains", "vision by rules", "learning from data")


@dataclass(frozen=True)
class Milestone:
    """An event: its year (negative: before the common era), a short name, one of THEMES, and a sentence."""

    year: int
    name: str
    theme: str
    sentence: str

    @property
    def age(self) -> int:
        """Years ago."""
        return THIS_YEAR - self.year


MILESTONES = (
    Milestone(
        -540_000_000,
        "first eyes",
        "nature",
        "Fossils of the Cambrian have eyes. Whoever sees finds food and flees; within a few million years "
        "the number of animal forms explodes.",
    ),
    Milestone(
        1545,
        "camera obscura",
        "cameras",
        "Gemma Frisius publishes a drawing of a dark room with a hole, in which the image of a solar eclipse appears "
        "upside down.",
    ),
    Milestone(
        1959,
        "Hubel and Wiesel's cat",
        "brains",
        "Single cells of a cat's visual cortex answer to bars and edges of one direction: seeing begins with simple "
        "structures.",
    ),
    Milestone(
        1966,
        "Summer Vision Project",
        "vision by rules",
        "MIT plans “the construction of a significant part of a visual system” in one summer, from regions to objects.",
    ),
    Milestone(
        1971,
        "generalized cylinders",
        "vision by rules",
        "Binford describes objects by solids that a cross-section sweeps out along an axis.",
    ),
    Milestone(
        1973,
        "pictorial structures",
        "vision by rules",
        "Fischler and Elschlager describe objects by parts that springs hold together.",
    ),
    Milestone(
        1982,
        "Marr's Vision",
        "vision by rules",
        "From the image to edges (the primal sketch), to visible surfaces (2½-D), to solids: David Marr's book gives "
        "the field its stages.",
    ),
    Milestone(
        1997,
        "segmentation first",
        "vision by rules",
        "If naming objects is too hard, first find what belongs together: Shi and Malik's normalized cuts.",
    ),
    Milestone(
        1998,
        "LeNet-5",
        "learning from data",
        "LeCun and others publish the convolutional network that reads digits on cheques. Its layers are still used.",
    ),
    Milestone(
        1999,
        "SIFT",
        "vision by rules",
        "David Lowe matches objects by local features that survive rotation, scale and light.",
    ),
    Milestone(
        2001,
        "Viola and Jones",
        "learning from data",
        "A cascade of learned yes-or-no questions finds faces in real time.",
    ),
    Milestone(
        2006,
        "faces found in a camera",
        "cameras",
        "Fujifilm sells a camera that finds faces while you aim: computer vision is in the shops.",
    ),
    Milestone(
        2009,
        "ImageNet",
        "learning from data",
        "Fei-Fei Li's group collects millions of labelled photographs; a yearly challenge "
        "in 1,000 classes begins in 2010.",
    ),
    Milestone(
        2012,
        "AlexNet",
        "learning from data",
        "A convolutional network, trained on two graphics cards, wins the challenge by a wide margin. Nearly all "
        "entries of the next year are networks.",
    ),
    Milestone(
        2014,
        "VGG and GoogLeNet",
        "learning from data",
        "19 and 22 layers: deeper networks, built from small filters, halve the error again.",
    ),
)


def seconds_before_midnight(age):
    """When `age` years ago was, in seconds before midnight, on a day that begins with the first eyes."""
    return 24 * 60 * 60 * age / MILESTONES[0].age


def explore_timeline():
    """Choose a milestone; the whole line is logarithmic, and its last seven decades are drawn again below."""
    color = dict(zip(THEMES, COLORS, strict=False))
    recent = [milestone for milestone in MILESTONES if milestone.year >= 1950]

    def draw(number, theme):
        chosen = MILESTONES[number]
        # Axes are placed by hand: a layout engine takes longer than drawing.
        figure = Figure(figsize=(9.8, 5.2), facecolor="white")
        whole, zoomed = figure.subplots(2, 1, height_ratios=(1, 2.6))
        figure.subplots_adjust(left=0.02, right=0.98, top=0.92, bottom=0.1, hspace=0.55)
        whole.set_xscale("log")
        whole.minorticks_off()
        for ax, milestones, place in (whole, MILESTONES, "age"), (zoomed, recent, "year"):
            for milestone in milestones:
                shown = theme in ("all", milestone.theme)
                is_chosen = milestone is chosen
                ax.scatter(
                    getattr(milestone, place),
                    0,
                    s=260 if is_chosen else 90,
                    color=color[milestone.theme] if shown else "#dddddd",
                    edgecolor=INK if is_chosen else "white",
                    linewidth=2 if is_chosen else 1,
                    zorder=3 if is_chosen else 2,
                )
            ax.axhline(0, color=MUTED, linewidth=1, zorder=1)
            ax.set(yticks=[], ylim=(-1, 1))
            ax.spines[["left", "top", "right"]].set_visible(False)
        whole.set(xlim=(1.5e9, 8), xlabel="years ago (logarithmic)")
        whole.axvspan(THIS_YEAR - 1954, 8, color="#f2f2f2", zorder=0)
        for milestone in MILESTONES[:2]:
            whole.annotate(milestone.name, (milestone.age, 0), (0, 12), textcoords="offset points", ha="center")
        levels = (0.55, -0.55, 0.25, -0.25, 0.85, -0.85)
        for milestone, level in zip(recent, levels * 3, strict=False):
            shown = theme in ("all", milestone.theme)
            zoomed.plot([milestone.year] * 2, [0, level], color=color[milestone.theme], linewidth=1, alpha=0.5 * shown)
            zoomed.text(
                milestone.year,
                level,
                f"{milestone.name}\n{milestone.year}",
                ha="center",
                va="center",
                fontsize=9,
                color=INK if shown else "#bbbbbb",
                fontweight="bold" if milestone is chosen else "normal",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            )
        zoomed.set(xlim=(1954, 2018), xlabel="year", title="the gray part, year by year")
        for name in THEMES:
            whole.scatter([], [], color=color[name], s=60, label=name)
        whole.legend(ncols=len(THEMES), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=9)
        year = f"{-chosen.year:,} BCE" if chosen.year < 0 else str(chosen.year)
        seconds = seconds_before_midnight(chosen.age)
        clock = "at 0:00" if number == 0 else f"{1000 * seconds:,.0f} milliseconds before midnight"
        return figure, (
            f"<b>{year}: {chosen.name}.</b> {chosen.sentence}<br>"
            f"If all this were one day, this happened <b>{clock}</b>."
        )

    controls = {
        "number": choice("Milestone", [(milestone.name, i) for i, milestone in enumerate(MILESTONES)]),
        "theme": choice("Theme", ["all", *THEMES]),
    }
    return Exploration(draw, controls, description="A timeline from the first eyes to deep networks")


# Best top-5 error of the ImageNet challenge's classification task by year, in per cent, and who reached it
# (Russakovsky et al. 2015; He et al. 2016). The human figure is one trained person's, from the same survey.
CHALLENGE = {
    2010: (28.2, "features + SVM", False),
    2011: (25.8, "features + SVM", False),
    2012: (16.4, "AlexNet", True),
    2013: (11.7, "Clarifai", True),
    2014: (6.7, "GoogLeNet", True),
    2015: (3.6, "ResNet", True),
}
HUMAN = 5.1


def challenge_figure():
    """The winners of the ImageNet challenge: how often the right class was not among five guesses."""
    figure, ax = new_figure(8.4, 3.6)
    errors = [error for error, _, _ in CHALLENGE.values()]
    colors = [COLORS[0] if deep else MUTED for _, _, deep in CHALLENGE.values()]
    bars = ax.bar([str(year) for year in CHALLENGE], errors, color=colors, width=0.62)
    labels = [f"{error:.1f} %\n{name}" for error, name, _ in CHALLENGE.values()]
    for text in ax.bar_label(bars, labels, padding=3, fontsize=9):
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    ax.axhline(HUMAN, color=INK, linestyle="--", linewidth=1, zorder=0)
    ax.text(5.4, HUMAN, "a trained\nhuman", fontsize=9, va="center")
    ax.set(
        xlim=(-0.5, 6),
        ylim=(0, 34),
        ylabel="error (%)",
        title="ImageNet challenge, 1,000 classes: the right one not among five guesses",
    )
    ax.scatter([], [], color=MUTED, marker="s", label="hand-made features, learned classifier")
    ax.scatter([], [], color=COLORS[0], marker="s", label="convolutional network")
    ax.legend(frameon=False, loc="upper right")
    ax.spines[["top", "right"]].set_visible(False)
    return figure
