"""Lecture 05: how much of the input a unit sees, by the rules and by the gradient, as layers are stacked."""

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.networks import Convolution, ReLU, Sequential
from cs231n_kit.plots import COLORS, MUTED, WRONG, show_image

DILATIONS = {
    "1 in every layer": lambda layer: 1,
    "2 in every layer": lambda layer: 2,
    "doubling": lambda layer: 2**layer,
}
MOST = 127  # pixels along the side of the largest input for which gradients are computed


def build(layers, size, stride, dilation, filters=4):
    """Convolutions without padding, each followed by a ReLU; dilation is a name of ``DILATIONS``."""
    steps = [
        (Convolution(filters, size, stride=stride, dilation=DILATIONS[dilation](layer)), ReLU())
        for layer in range(layers)
    ]
    return Sequential(*(step for pair in steps for step in pair))


def field_sizes(network, side):
    """The side of the receptive field after each convolution, for images of ``side`` x ``side`` pixels."""
    rows = network.summary((3, side, side)).rows
    return [row.receptive_field[0] for row in rows if row.parameters]


def field_side(layers, size, stride, dilation):
    """The same for the last layer, worked out: each layer adds dilation · (F - 1) steps of the strides before it."""
    side, jump = 1, 1
    for layer in range(layers):
        side += DILATIONS[dilation](layer) * (size - 1) * jump
        jump *= stride
    return side


def measured_field(network, side, draws=12):
    """|∂ unit / ∂ pixel|, summed over channels, for the only unit over an input of ``side`` x ``side`` pixels.

    The mean over ``draws`` random networks and images, (side, side) float64; 1 is the largest.
    """
    total = np.zeros((side, side))
    for seed in range(draws):
        network.initialize((3, side, side), rng=seed)
        # Inputs above 0 with weights of both signs: about half of the units let gradients through.
        scores = network.forward(np.random.default_rng(seed).random((1, 3, side, side)), mode="train")
        network_gradient = network.backward(np.ones_like(scores), input_gradient=True)
        total += np.abs(network_gradient[0]).sum(axis=0)
    return total / max(total.max(), 1e-30)


def used_pixels(layers, size, stride, dilation):
    """Along one axis, the units of every layer that one unit of the last layer depends on, the input's first."""
    used = [{0}]
    for layer in reversed(range(layers)):
        gap = DILATIONS[dilation](layer)
        used.insert(0, {stride * unit + gap * tap for unit in used[0] for tap in range(size)})
    return [sorted(units) for units in used]


def wires_figure(ax, layers, size, stride, dilation):
    """One unit at the top, and below it the units of each layer that it depends on, down to the pixels."""
    used = used_pixels(layers, size, stride, dilation)
    jump = [stride**layer for layer in range(layers + 1)]
    half = used[0][-1] / 2

    def place(layer, unit):  # of its middle, in pixels of the input
        start = sum(DILATIONS[dilation](below) * (size - 1) / 2 * jump[below] for below in range(layer))
        return start + unit * jump[layer] - half

    for layer in range(layers, 0, -1):
        for unit in used[layer]:
            for tap in range(size):
                below = stride * unit + DILATIONS[dilation](layer - 1) * tap
                ax.plot(
                    [place(layer, unit), place(layer - 1, below)], [layer, layer - 1], color=MUTED, lw=0.6, alpha=0.6
                )
    for layer, units in enumerate(used):
        color = COLORS[0] if layer else COLORS[1]
        positions = [place(layer, unit) for unit in units]
        dot = np.clip(900 / max(used[0][-1], 1), 2, 60)
        ax.scatter(positions, [layer] * len(units), s=dot, color=color, zorder=3, marker="o" if layer else "s")
    ax.set(yticks=range(layers + 1), ylim=(-0.45, layers + 0.45))
    ax.set_yticklabels(["pixels", *(f"layer {layer}" for layer in range(1, layers + 1))])
    ax.set_xlabel("along one row of the image, in pixels")
    ax.set_title("what one unit of the last layer depends on", fontsize=10.5)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)


def explore_receptive_field():
    """Stack convolutions; see the pixels that one unit depends on, and how much it depends on each."""

    def draw(layers, size, stride, dilation):
        side = field_side(layers, size, stride, dilation)
        if side > MOST:
            raise ValueError(
                f"one unit would see {side:,} × {side:,} pixels, too many to draw (at most {MOST}): take fewer layers, "
                "smaller windows, or a smaller stride"
            )
        network = build(layers, size, stride, dilation)
        sizes = field_sizes(network, side)
        found = measured_field(network, side)
        figure = Figure(figsize=(10.2, 3.9), layout="constrained", facecolor="white")
        grid = figure.add_gridspec(1, 2, width_ratios=(1.7, 1))
        wires_figure(figure.add_subplot(grid[0]), layers, size, stride, dilation)
        ax = figure.add_subplot(grid[1])
        canvas = np.zeros((side + 4, side + 4))
        canvas[2:-2, 2:-2] = found
        show_image(ax, canvas, f"the gradient of the unit, {side} × {side} pixels", caption="dark: depends on it most")
        ax.images[0].set(cmap="Purples", clim=(0, 1))
        ax.add_patch(Rectangle((1.5, 1.5), side, side, fill=False, edgecolor=WRONG, linewidth=1.6))
        touched = (len(used_pixels(layers, size, stride, dilation)[0]) / side) ** 2
        half = np.sort(found.ravel())[::-1].cumsum()
        needed = int(np.searchsorted(half, half[-1] / 2)) + 1
        return figure, (
            f"Receptive field after each layer: {', '.join(f'{n} × {n}' for n in sizes)} pixels. "
            f"A unit of the last one uses <b>{touched:.0%}</b> of its {side} × {side} pixels. Half of the "
            f"gradient comes from {needed / found.size:.0%} of them (random weights)."
        )

    controls = {
        "layers": slider("Layers", 1, 6, 3),
        "size": widgets.SelectionSlider(description="Size F", options=(1, 2, 3, 5, 7), value=3),
        "stride": slider("Stride S", 1, 3, 1),
        "dilation": choice("Dilation", list(DILATIONS)),
    }
    return Exploration(draw, controls, description="Units of stacked layers, their wires, and a gradient")
