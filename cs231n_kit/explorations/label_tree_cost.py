"""Lecture 06: how many multiply-adds a flat softmax and a tree of softmaxes need, from ten classes to 100,000."""

import math

import ipywidgets as widgets
import numpy as np

from cs231n_kit.explorations.exploration import Exploration
from cs231n_kit.plots import COLORS, INK, MUTED, new_figure

CLASSES = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)


def depth(classes, branches):
    """The depth of the shallowest tree with so many leaves whose nodes have ``branches`` children."""
    levels = 1
    while branches**levels < classes:
        levels += 1
    return levels


def multiply_adds(classes, features, branches=None):
    """Of the scores for one training example: all classes' if flat, those along one path of a full tree otherwise."""
    return features * (classes if branches is None else branches * depth(classes, branches))


def all_branches(classes, branches):
    """How many branches such a tree has: the scores that the likeliest leaf of all depends on.

    Every node but the root hangs on one branch; merging leaves into one root takes (C - 1) / (b - 1) nodes.
    """
    nodes = math.ceil((classes - 1) / (branches - 1))
    return classes + nodes - 1


def explore_cost(branches=(2, 4, 10, 32), features=512):
    """Choose the number of classes, of branches at each node and of features; read off both costs."""

    def draw(classes, branching, inputs):
        flat, tree = multiply_adds(classes, inputs), multiply_adds(classes, inputs, branching)
        figure, ax = new_figure(8.4, 3.7)
        line = np.array(CLASSES)
        ax.loglog(line, multiply_adds(line, inputs), color=MUTED, linewidth=2.5, label="flat softmax")
        along = [multiply_adds(int(count), inputs, branching) for count in line]
        ax.loglog(line, along, color=COLORS[0], linewidth=2.5, label=f"one path, {branching} branches at a node")
        for cost, color in ((flat, MUTED), (tree, COLORS[0])):
            ax.plot(classes, cost, "o", color=color, markersize=11)
        ax.axvline(classes, color=INK, linewidth=0.8, linestyle=":")
        ax.set(xlabel="classes", ylabel="multiply-adds for the scores", ylim=(1e2, 1e9))
        ax.set_title("one training example, or one prediction that goes down the tree", fontsize=10.5)
        ax.legend(frameon=False, loc="upper left")
        ax.spines[["top", "right"]].set_visible(False)
        factor = flat / tree
        verdict = f"<b>{factor:,.1f} times fewer</b>" if factor >= 1 else f"<b>{1 / factor:,.1f} times more</b>"
        return figure, (
            f"{classes:,} classes, {inputs:,} features: flat {classes:,} × {inputs:,} = {flat:,} multiply-adds; a path "
            f"of {depth(classes, branching)} × {branching} scores {tree:,}, {verdict}. The likeliest leaf of all still "
            f"needs all {all_branches(classes, branching):,} scores of the tree."
        )

    controls = {
        "classes": widgets.SelectionSlider(
            description="Classes", options=[(f"{count:,}", count) for count in CLASSES], value=1000
        ),
        "branching": widgets.SelectionSlider(description="Branches at a node", options=branches, value=branches[0]),
        "inputs": widgets.SelectionSlider(description="Features", options=(64, 512, 4096), value=features),
    }
    return Exploration(draw, controls, description="Multiply-adds of flat and hierarchical softmax against classes")
