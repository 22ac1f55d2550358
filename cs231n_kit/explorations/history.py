"""Lecture 01: the history of seeing, as a table, a timeline, and the numbers behind the late success of networks."""

from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np

from cs231n_kit.explorations.exploration import Exploration
from cs231n_kit.plots import COLORS, INK, MUTED, new_figure

THIS_YEAR = 2026  # years ago are counted from here


@dataclass(frozen=True)
class Milestone:
    """A step in the history of vision; ``year`` as on a calendar, negative before it."""

    year: int
    theme: str
    title: str
    text: str

    @property
    def years_ago(self):
        return THIS_YEAR - self.year

    @property
    def when(self):
        return f"{-self.year / 1e6:,.0f} million years ago" if self.year < -1e6 else str(self.year)


NATURE, CAMERA, BRAIN, MODELS, LEARNING, DATA, NETWORKS = THEMES = (
    "nature", "cameras", "brains", "models by hand", "features and learning", "data", "networks",
)  # fmt: skip

MILESTONES = (
    Milestone(-540_000_000, NATURE, "First eyes", "Fossils of the Cambrian have eyes, and animals multiply in kind."),
    Milestone(1545, CAMERA, "Camera obscura", "Gemma Frisius prints a drawing of one: a hole, a dark room, an image."),
    Milestone(1826, CAMERA, "First photograph", "Niépce fixes the view from his window; the exposure takes hours."),
    Milestone(
        1959, BRAIN, "Hubel and Wiesel's cat", "Cells in a cat's visual cortex answer to edges of one direction."
    ),
    Milestone(1963, MODELS, "Blocks world", "Roberts finds the edges of solids in a photograph, and their 3-D shape."),
    Milestone(
        1966, MODELS, "Summer Vision Project", "MIT hopes to build a good part of a visual system in one summer."
    ),
    Milestone(1971, MODELS, "Generalised cylinders", "Binford describes objects as tubes along an axis."),
    Milestone(1973, MODELS, "Pictorial structures", "Fischler and Elschlager: parts held together by springs."),
    Milestone(1980, NETWORKS, "Neocognitron", "Fukushima stacks simple and complex cells, after Hubel and Wiesel."),
    Milestone(1982, MODELS, "Marr's Vision", "From a primal sketch over surfaces to a 3-D model, in stages."),
    Milestone(1986, NETWORKS, "Backpropagation", "Rumelhart, Hinton and Williams train networks of several layers."),
    Milestone(1986, MODELS, "Canny's edges", "An edge detector with a definition of what a good one is."),
    Milestone(1997, MODELS, "Segmentation first", "Shi and Malik cut images into regions before naming anything."),
    Milestone(1998, NETWORKS, "LeNet-5", "LeCun and others read handwritten digits with a convolutional network."),
    Milestone(1999, LEARNING, "SIFT", "Lowe finds the same points of an object under other views and light."),
    Milestone(2001, LEARNING, "Faces in real time", "Viola and Jones learn which simple features make a face."),
    Milestone(2006, CAMERA, "Face detection in a camera", "Fujifilm sells one that focuses on faces by itself."),
    Milestone(2009, DATA, "ImageNet", "Millions of photographs, thousands of classes, labelled by many hands."),
    Milestone(2010, DATA, "ImageNet challenge", "1,000 classes, over a million images, one ruler for all methods."),
    Milestone(2012, NETWORKS, "AlexNet", "A convolutional network on two GPUs wins the challenge by far."),
    Milestone(2014, NETWORKS, "VGG and GoogLeNet", "19 and 22 layers with weights; nearly everyone uses networks now."),
)

# The challenge's winners: share of test images (%) whose label is not among five guesses. Russakovsky et al., "ImageNet
# Large Scale Visual Recognition Challenge", 2015; for 2015 He et al., "Deep residual learning", 2016.
WINNERS = (
    (2010, "NEC-UIUC", 28.2), (2011, "XRCE", 25.8), (2012, "AlexNet", 16.4),
    (2013, "Clarifai", 11.7), (2014, "GoogLeNet", 6.7), (2015, "ResNet", 3.57),
)  # fmt: skip

# What stood ready for LeNet-5 and for AlexNet. Speeds are peaks: a 200 MHz R10000 finishes two operations a tick; a
# GeForce GTX 580 has 512 cores at 1,544 MHz, two operations a tick each, and there were two of them.
THEN_AND_NOW = {
    "training images": (60_000, 1_281_167),
    "weights": (60_000, 60_000_000),
    "operations per second": (2 * 200e6, 2 * 512 * 1544e6 * 2),
}


def chosen_milestones(themes=THEMES, since=None):
    """The milestones of some themes, oldest first; ``since``: the largest number of years ago."""
    return [m for m in MILESTONES if m.theme in themes and (since is None or m.years_ago <= since)]


def timeline_figure(themes=THEMES, years=1_000_000_000):
    """All of it in one picture: years ago on a logarithmic axis, a row for each milestone."""
    shown = chosen_milestones(themes, years)
    figure, ax = new_figure(10.4, 1.2 + 0.29 * max(len(shown), 3))
    for row, milestone in enumerate(shown):
        color = (*COLORS, INK)[THEMES.index(milestone.theme)]
        ax.plot([milestone.years_ago, 0.5], [row, row], color=color, linewidth=1, alpha=0.35)
        ax.plot(milestone.years_ago, row, "o", color=color, markersize=9)
        early = milestone.years_ago > 1e5
        ax.annotate(
            f"{milestone.title}, {milestone.when}", (milestone.years_ago, row), (9 if early else -9, 0),
            textcoords="offset points", ha="left" if early else "right", va="center", fontsize=9.5, color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set(
        xlim=(max(4 * max((m.years_ago for m in shown), default=60), 4000), 8), ylim=(len(shown) - 0.4, -0.6), yticks=[]
    )
    ax.set_xlabel(f"years before {THIS_YEAR} (logarithmic)")
    handles = [ax.plot([], [], "o", color=(*COLORS, INK)[THEMES.index(theme)], label=theme)[0] for theme in themes]
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 1.0 + 0.75 / figure.get_figheight()),
              ncols=7, frameon=False, fontsize=8.5, handletextpad=0.1, columnspacing=1)  # fmt: skip
    ax.spines[["top", "right", "left"]].set_visible(False)
    return figure


def explore_timeline():
    """Choose a theme and how far to look back; read the milestones' sentences."""
    spans = {"all of it": 10**9, "500 years": 500, "70 years": 70, "30 years": 30}

    def draw(theme, back):
        themes = THEMES if theme == "all" else (theme,)
        rows = chosen_milestones(themes, spans[back])
        lines = [f"<b>{m.when}, {m.title}.</b> {m.text}" for m in rows]
        return timeline_figure(themes, spans[back]), "<br>".join(lines) or "Nothing of this theme is that recent."

    controls = {
        "theme": widgets.Dropdown(description="Theme", options=("all", *THEMES)),
        "back": widgets.SelectionSlider(description="Look back", options=tuple(spans)),
    }
    return Exploration(draw, controls, description="A timeline of vision, from the first eyes to deep networks")


def winners_figure():
    """The error of the challenge's winners, year by year."""
    figure, ax = new_figure(8, 3.2)
    colors = [MUTED if year < 2012 else COLORS[0] for year, _, _ in WINNERS]
    bars = ax.bar([f"{year}\n{name}" for year, name, _ in WINNERS], [error for *_, error in WINNERS], color=colors)
    ax.bar_label(bars, [f"{error:g} %" for *_, error in WINNERS], fontsize=10)
    ax.set(ylabel="top-5 error (%)", ylim=(0, 33))
    ax.set_title("winners of the ImageNet challenge; convolutional networks in blue", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def then_and_now_figure(own_speed=None):
    """LeNet-5's means beside AlexNet's on logarithmic axes; own_speed: operations per second measured here."""
    figure, axes = new_figure(10, 2.9, 1, 3)
    for ax, (what, (then, now)) in zip(axes, THEN_AND_NOW.items(), strict=True):
        values, names = [then, now], ["LeNet-5\n1998", "AlexNet\n2012"]
        if own_speed and what.startswith("operations"):
            values, names = [*values, own_speed], [*names, "this machine\nmeasured"]
        bars = ax.bar(names, values, color=[MUTED, COLORS[0], COLORS[1]][: len(values)], log=True)
        ax.bar_label(bars, [_short(value) for value in values], fontsize=10)
        ax.set(ylim=(min(values) / 5, max(values) * 8), ylabel="logarithmic")
        ax.set_title(f"{what}: × {_round(now / then)}", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def _short(value):
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:.2g} {name}" if value < 100 * size else f"{value / size:.0f} {name}"
    return f"{value:,.0f}"


def _round(value):
    digits = int(np.floor(np.log10(value)))
    return f"{round(value, 1 - digits):,.0f}"
