"""Lecture 09: what 1 x 1 convolutions save in Inception and residual blocks, and the mean in place of dense layers."""

import ipywidgets as widgets

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.networks import Affine, Convolution, Flatten, GlobalAveragePool, MaxPool, Parallel, Sequential
from cs231n_kit.plots import COLORS, draw_bars, new_figure

TYPICAL = {"channels": 192, "one": 64, "narrow3": 96, "three": 128, "narrow5": 16, "five": 32, "pooled": 32, "side": 28}


def inception_branches(one, narrow3, three, narrow5, five, pooled, reduced=True):
    """{name: its convolutions} of an Inception block, as in its paper: windows of 1, 3 and 5 pixels, and pooling.

    reduced: with 1 x 1 convolutions in front of the large windows. Without them, and without the one after pooling,
    is what the paper calls the naive version.
    """
    wide3, wide5 = Convolution(three, 3, pad=1), Convolution(five, 5, pad=2)
    pool = MaxPool(3, 1, 1)
    return {
        "1 × 1": (Convolution(one, 1),),
        "3 × 3": (Convolution(narrow3, 1), wide3) if reduced else (wide3,),
        "5 × 5": (Convolution(narrow5, 1), wide5) if reduced else (wide5,),
        "pooling": (pool, Convolution(pooled, 1)) if reduced else (pool,),
    }


def inception_costs(channels, side, **widths):
    """(million multiply-adds by branch, parameters, output channels) of the block, reduced and naive: two triples."""
    found = []
    for reduced in (True, False):
        branches = inception_branches(**widths, reduced=reduced)
        shape = (channels, side, side)
        work = {name: Sequential(*layers).summary(shape).multiply_adds / 1e6 for name, layers in branches.items()}
        whole = Sequential(Parallel(*branches.values())).summary(shape)
        found.append((work, whole.parameters, whole.rows[-1].output_shape[0]))
    return found


def explore_inception():
    """Choose the channels of an Inception block; the work of each branch with and without 1 x 1 reductions."""

    def draw(channels, side, one, narrow3, three, narrow5, five, pooled):
        widths = {"one": one, "narrow3": narrow3, "three": three, "narrow5": narrow5, "five": five, "pooled": pooled}
        (work, parameters, out), (naive, naive_parameters, naive_out) = inception_costs(channels, side, **widths)
        figure, axes = new_figure(9.8, 3.6, 1, 2, sharex=True)
        for ax, costs, title, color in (
            (axes[0], naive, f"without 1 × 1 in front: {sum(naive.values()):,.0f} million", COLORS[1]),
            (axes[1], work, f"with them: {sum(work.values()):,.0f} million", COLORS[0]),
        ):
            draw_bars(ax, list(costs.values()), list(costs), title=title, colors=color, form="{:,.1f}")
            ax.set_xlabel("million multiply-adds by branch")
        axes[0].set_xlim(0, 1.25 * max([1e-9, *work.values(), *naive.values()]))
        saved = sum(naive.values()) / sum(work.values())
        return figure, (
            f"{channels} channels come in. Without reductions: {sum(naive.values()):,.1f} million multiply-adds, "
            f"{naive_parameters:,} parameters, and <b>{naive_out}</b> channels go out, since pooling alone keeps all "
            f"{channels}. With them: {sum(work.values()):,.1f} million, {parameters:,} parameters, <b>{out}</b> "
            f"channels. {'Saved: a factor of' if saved > 1 else 'Nothing saved:'} <b>{saved:.2f}</b>."
        )

    controls = {
        "channels": slider("Channels in", 16, 1024, TYPICAL["channels"], 16),
        "side": widgets.SelectionSlider(description="Maps, pixels", options=(7, 14, 28, 56), value=TYPICAL["side"]),
        "one": slider("1 × 1 filters", 8, 384, TYPICAL["one"], 8),
        "narrow3": slider("1 × 1 before 3 × 3", 8, 384, TYPICAL["narrow3"], 8),
        "three": slider("3 × 3 filters", 8, 384, TYPICAL["three"], 8),
        "narrow5": slider("1 × 1 before 5 × 5", 8, 128, TYPICAL["narrow5"], 8),
        "five": slider("5 × 5 filters", 8, 128, TYPICAL["five"], 8),
        "pooled": slider("1 × 1 after pooling", 8, 128, TYPICAL["pooled"], 8),
    }
    return Exploration(draw, controls, description="Multiply-adds of an Inception block, with and without reductions")


def residual_bodies(width, narrow):
    """{name: layers} of two residual bodies of ``width`` channels: two 3 x 3, and 1 x 1, 3 x 3, 1 x 1."""
    plain = Convolution(width, 3, pad=1, bias=False)
    return {
        "two of 3 × 3": [plain, plain],
        f"bottleneck of {narrow}": [
            Convolution(narrow, 1, bias=False),
            Convolution(narrow, 3, pad=1, bias=False),
            Convolution(width, 1, bias=False),
        ],
    }


def explore_bottleneck():
    """Choose the channels of a residual block and how narrow its middle is; weights layer by layer."""

    def draw(width, narrow, side):
        bodies = residual_bodies(width, narrow)
        figure, axes = new_figure(9.8, 3.1, 1, 2, sharex=True)
        counts = []
        for ax, (name, layers), color in zip(axes, bodies.items(), (COLORS[1], COLORS[0]), strict=True):
            total = Sequential(*layers).summary((width, side, side))
            labels = [
                f"{layer.size} × {layer.size}, {before} to {layer.filters}"
                for layer, before in zip(layers, [width, *(layer.filters for layer in layers)], strict=False)
            ]
            weights = [row.parameters for row in total.rows]
            draw_bars(ax, weights, labels, title=f"{name}: {total.parameters:,} weights", colors=color)
            counts.append(total)
        axes[0].set_xlim(0, 1.45 * max(row.parameters for total in counts for row in total.rows))
        for ax in axes:
            ax.set_xticks([])
        two, bottleneck = counts
        ratio = two.parameters / bottleneck.parameters
        return figure, (
            f"Both turn {width} channels into {width}. Two 3 × 3: {two.multiply_adds / 1e6:,.0f} million multiply-"
            f"adds; bottleneck: {bottleneck.multiply_adds / 1e6:,.0f} million, "
            + (f"<b>{ratio:.1f}</b> times less" if ratio > 1 else f"<b>{1 / ratio:.1f}</b> times more")
            + f", and {len(bodies[f'bottleneck of {narrow}'])} layers instead of 2."
        )

    controls = {
        "width": slider("Channels of the block", 16, 512, 256, 16),
        "narrow": slider("Channels inside", 8, 256, 64, 8),
        "side": widgets.SelectionSlider(description="Maps, pixels", options=(7, 14, 28, 56), value=56),
    }
    return Exploration(draw, controls, description="Weights of a residual block with and without a bottleneck")


def heads(channels, side, units, classes=1000):
    """{name: Summary} of three ways from maps (channels, side, side) to scores."""
    shape = (channels, side, side)
    ways = {
        f"two dense layers of {units:,}": (Flatten(), Affine(units), Affine(units), Affine(classes)),
        "one dense layer": (Flatten(), Affine(classes)),
        "the mean of each map first": (GlobalAveragePool(), Affine(classes)),
    }
    return {name: Sequential(*layers).summary(shape) for name, layers in ways.items()}


def explore_heads():
    """Choose the last maps and the hidden units; parameters from there to the scores of 1,000 classes."""

    def draw(channels, side, units):
        found = heads(channels, side, units)
        counts = [total.parameters for total in found.values()]
        figure, ax = new_figure(9.2, 2.5)
        colors = [COLORS[1], COLORS[5], COLORS[0]]
        title = f"from {side} × {side} × {channels} to 1,000 scores: parameters (logarithmic)"
        draw_bars(ax, counts, list(found), title=title, colors=colors, log=True)
        ax.set_xlim(1e4, 20 * max(counts))
        return figure, (
            f"Dense layers: <b>{counts[0]:,}</b> parameters, {4 * counts[0] / 1e6:,.0f} MB in float32. With the mean: "
            f"<b>{counts[-1]:,}</b>, {counts[0] / counts[-1]:,.0f} times fewer, whatever the size of the maps, so that "
            "images of other sizes are welcome as well."
        )

    controls = {
        "channels": slider("Channels", 64, 2048, 512, 64),
        "side": slider("Maps, pixels", 1, 14, 7),
        "units": slider("Hidden units", 256, 8192, 4096, 256),
    }
    return Exploration(draw, controls, description="Parameters of dense layers, and of the mean in their place")
