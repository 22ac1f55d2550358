"""Lecture 05: how large the output of a convolution is, which windows fit, and how many parameters it takes."""

import ipywidgets as widgets
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.networks import Affine, Convolution, Sequential
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, draw_bars, new_figure
from cs231n_kit.widgets.convolution_arithmetic import Geometry, formulas, trouble

RANGES = {"size": (1, 11), "pad": (0, 5), "stride": (1, 6), "dilation": (1, 1), "width": (3, 32)}
SHOWN_STRIDES, SHOWN_SIZES = range(1, 7), range(1, 12)


def parameter_counts(side, channels, size, filters):
    """Parameters of three layers that turn images (channels, side, side) into maps (filters, side, side).

    "fully connected": every output has a weight for every input; "local": for size x size x channels inputs around
    it, at every place others; "shared": the same, at every place the same ones, which is a convolution. Every output
    or, when shared, every filter has a bias.
    """
    outputs = filters * side * side
    layers = {"fully connected": Affine(outputs), "shared": Convolution(filters, size, pad=size // 2)}
    counts = {name: Sequential(layer).summary((channels, side, side)).parameters for name, layer in layers.items()}
    return {
        "fully connected": counts["fully connected"],
        "local": outputs * (size * size * channels + 1),
        "shared": counts["shared"],
    }


def parameters_figure(sides, channels=3, size=3, filters=32):
    """The three counts for images of each side, on one logarithmic axis."""
    figure, axes = new_figure(9.6, 1.45 * len(sides) + 0.5, len(sides), 1, sharex=True, squeeze=False)
    for ax, side in zip(axes[:, 0], sides, strict=True):
        counts = parameter_counts(side, channels, size, filters)
        labels = [f"{name}{' (convolution)' if name == 'shared' else ''}" for name in counts]
        title = f"{side} × {side} × {channels} to {side} × {side} × {filters}, windows of {size} × {size}"
        colors = [WRONG, COLORS[1], COLORS[0]]
        draw_bars(ax, list(counts.values()), labels, title=title, colors=colors, log=True)
    axes[-1, 0].set_xlabel("parameters (logarithmic)")
    axes[-1, 0].set_xlim(1, 100 * max(parameter_counts(max(sides), channels, size, filters).values()))
    return figure


def explore_parameters():
    """Choose image, window and filters; see what local windows save, and what sharing them saves."""

    def draw(side, channels, size, filters):
        counts = parameter_counts(side, channels, size, filters)
        full, local, shared = counts.values()
        return parameters_figure([side], channels, size, filters), (
            f"Local windows save a factor of {full / local:,.0f}, sharing another {local / shared:,.0f}. "
            f"The shared weights: F·F·D₁·K + K = {size}·{size}·{channels}·{filters} + {filters} = <b>{shared:,}</b>, "
            "whatever the size of the image. "
            f"The fully connected layer would take {4 * full / 1e9:,.3g} GB in float32."
        )

    controls = {
        "side": widgets.SelectionSlider(description="Image W₁ = H₁", options=(8, 16, 32, 64, 128, 224), value=224),
        "channels": slider("Channels D₁", 1, 64, 3),
        "size": slider("Size F", 1, 11, 3, 2),
        "filters": slider("Filters K", 1, 128, 32),
    }
    return Exploration(draw, controls, description="Parameters of a fully connected, a local and a shared layer")


def fits_figure(ax, geometry):
    """Which sizes and strides fit this input and padding: the output's side where they do, and what is wrong if not."""
    for stride in SHOWN_STRIDES:
        for size in SHOWN_SIZES:
            tried = Geometry(geometry.height, geometry.width, size, geometry.pad, stride, 1)
            if not min(tried.output):
                text, color, ink = "–", "#d9d9d9", INK
            elif tried.left_over != (0, 0):
                text, color, ink = "✗", "#f6d5c6", WRONG
            else:
                text, color, ink = str(tried.output[1]), "#cfe8df", INK
            ax.add_patch(Rectangle((size - 0.5, stride - 0.5), 1, 1, facecolor=color, edgecolor="white"))
            ax.text(size, stride, text, ha="center", va="center", fontsize=9.5, color=ink, family="DejaVu Sans")
    here = Rectangle((geometry.size - 0.5, geometry.stride - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=2.4)
    ax.add_patch(here)
    ax.set(xlim=(0.5, 11.5), ylim=(6.5, 0.5), xticks=SHOWN_SIZES, yticks=SHOWN_STRIDES, xlabel="F", ylabel="S")
    ax.set_title(f"output W₂ for every F and S, with W₁ = {geometry.width} and P = {geometry.pad}", fontsize=10)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def windows_figure(ax, geometry):
    """One row of the input with its padding, and the window at each of its places below."""
    pad, width, stride = geometry.pad, geometry.width, geometry.stride
    count = geometry.output[1]
    unseen = geometry.left_over[1] if count else 0
    end = width + 2 * pad
    for place in range(end):
        padding = place < pad or place >= pad + width
        if place >= end - unseen:
            color, edge = "#faf6f3", WRONG
        else:
            color, edge = "white" if padding else "#cfdff0", MUTED
        ax.add_patch(Rectangle((place - pad, 0), 1, 0.9, facecolor=color, edgecolor=edge, linewidth=0.8))
        if padding:
            ax.text(place - pad + 0.5, 0.45, "0", ha="center", va="center", fontsize=8, color=INK)
    shown = min(count, 8)
    for window in range(shown):
        left = window * stride - pad
        ax.add_patch(
            Rectangle((left, -0.75 * (window + 1)), geometry.size, 0.5, facecolor=RIGHT, alpha=0.85, edgecolor="white")
        )
        ax.text(left + geometry.size + 0.2, -0.75 * (window + 1) + 0.25, f"{window + 1}", va="center", fontsize=8)
    depth = shown
    if count and unseen and shown == count:
        left, depth = count * stride - pad, shown + 1
        ax.add_patch(
            Rectangle(
                (left, -0.75 * depth), geometry.size, 0.5, fill=False, edgecolor=WRONG, linestyle="--", linewidth=1.5
            )
        )
        ax.text(left + geometry.size + 0.2, -0.75 * depth + 0.25, "sticks out", va="center", fontsize=9, color=WRONG)
    if not count:
        ax.add_patch(Rectangle((-pad, -0.75), geometry.size, 0.5, fill=False, edgecolor=WRONG, linestyle="--"))
        ax.text(-pad, -1.2, "wider than the input", fontsize=9, color=WRONG)
        depth = 2
    places = f"{count} {'place' if count == 1 else 'places'}" + (f", the first {shown} drawn" if shown < count else "")
    ax.set_title(f"a row of the input, and the window's {places}", fontsize=10)
    right, bottom = max(end - pad, geometry.size) + 5.5, -0.75 * max(depth, 3) - 0.3
    ax.set(xlim=(-5.2, right), ylim=(bottom, 1.1), xticks=[], yticks=[])
    ax.axis("off")


def explore_output_size():
    """Choose input, window, padding and stride; see the windows, the formula, and all combinations that fit."""

    def draw(side, size, pad, stride, channels, filters):
        geometry = Geometry(side, side, size, pad, stride, 1)
        figure = Figure(figsize=(10.2, 3.6), layout="constrained", facecolor="white")
        grid = figure.add_gridspec(1, 2, width_ratios=(1.35, 1))
        windows_figure(figure.add_subplot(grid[0]), geometry)
        fits_figure(figure.add_subplot(grid[1]), geometry)
        wrong = trouble(geometry, "convolution", RANGES)
        out = geometry.output[1]
        parameters = size * size * channels * filters + filters
        made = "does not fit" if wrong else f"{out} × {out} × {filters}"
        figure.suptitle(f"{side} × {side} × {channels}  →  {made},  {parameters:,} parameters", fontsize=11.5)
        counted = f"F·F·D₁·K + K = {size}·{size}·{channels}·{filters} + {filters} = <b>{parameters:,}</b>"
        if wrong:
            mend = " or ".join(remedy["text"] for remedy in wrong["remedies"])
            verdict = f"<b>Does not fit.</b> {wrong['text']}" + (f" It would fit with {mend}." if mend else "")
        else:
            verdict = f"Output <b>{out} × {out} × {filters}</b>, parameters {counted}."
        return figure, f"W₂ = {formulas(geometry)[0]}.<br>{verdict}"

    controls = {
        "side": slider("Input W₁ = H₁", *RANGES["width"], 10),
        "size": slider("Size F", *RANGES["size"], 3),
        "pad": slider("Padding P", *RANGES["pad"], 0),
        "stride": slider("Stride S", *RANGES["stride"], 3),
        "channels": slider("Channels D₁", 1, 64, 3),
        "filters": slider("Filters K", 1, 128, 10),
    }
    return Exploration(draw, controls, description="Places of a window on a row of pixels, and a table of what fits")
