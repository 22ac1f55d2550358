"""The architecture playground as a still picture: the table with bars, the curves, the image, maps and filters."""

import numpy as np

from cs231n_kit.plots import INK, RIGHT, show_image
from cs231n_kit.widgets.architecture_look import first_filters, pictures
from cs231n_kit.widgets.architecture_state import INPUT
from cs231n_kit.widgets.palette import NEGATIVE, POSITIVE, ZERO

BAR = "#9ec3e6"
COLUMNS = (
    ("layer", 0.03),
    ("output", 0.32),
    ("sees", 0.47),
    ("parameters", 0.61),
    ("multiply-adds", 0.75),
    ("memory", 0.89),
)
MOST_ROWS = 34


def draw_architecture(playground):
    """Draw an ``ArchitecturePlayground``; returns a matplotlib figure that no window manager knows."""
    from matplotlib.figure import Figure

    run = playground._run
    rows = run.reading.rows[:MOST_ROWS]
    height = max(5.2, 1.2 + 0.23 * (len(rows) + 3))
    figure = Figure(figsize=(13, height), layout="constrained", facecolor="white")
    left, right = figure.subfigures(1, 2, width_ratios=[1.15, 1])
    _draw_table(left.subplots(), run, rows)
    if run.network is None:
        right.text(0.5, 0.5, "This is too large to train here.", ha="center", color=INK)
        return figure
    top, middle, bottom = right.subfigures(3, 1, height_ratios=[1, 1.1, 1])
    _draw_curves(top, run)
    _draw_maps(middle, playground)
    filters, _ = first_filters(run.network, playground.data.image_shape)
    _draw_grid(bottom, filters, "the first layer's weights: grey is 0, each scaled by its largest")
    return figure


def _draw_table(axes, run, rows):
    axes.set(xlim=(0, 1), ylim=(len(rows) + 2.5, -1.5))
    axes.axis("off")
    axes.set_title(_folded(run.state["architecture"]), fontsize=10, family="monospace", loc="left", color=INK)
    for name, x in COLUMNS:
        axes.text(x, -0.6, name, fontsize=8, weight="bold", color=INK)
    counts = [(row.parameters, row.multiply_adds, row.memory) for row in rows]
    largest = np.maximum(np.array(counts, float).max(axis=0, initial=1), 1) if rows else np.ones(3)
    for place, (row, numbers) in enumerate(zip(rows, counts, strict=True)):
        axes.text(0.03, place + 0.4, f"{row.path}  {row.layer}", fontsize=8, color=INK, va="center")
        shape = " × ".join(map(str, row.output_shape))
        axes.text(0.32, place + 0.4, shape, fontsize=8, color=INK, va="center")
        if row.receptive_field:
            seen = " × ".join(map(str, row.receptive_field))
            axes.text(0.47, place + 0.4, seen, fontsize=8, color=INK, va="center")
        for (_, x), number, most in zip(COLUMNS[3:], numbers, largest, strict=True):
            axes.barh(place + 0.4, 0.11 * number / most, left=x, height=0.8, color=BAR)
            axes.text(x + 0.005, place + 0.4, f"{number:,}" if number else "", fontsize=8, color=INK, va="center")
    totals = np.array(counts, np.int64).reshape(-1, 3).sum(axis=0)
    axes.text(0.03, len(rows) + 0.9, "total", fontsize=9, weight="bold", color=INK, va="center")
    for (_, x), total in zip(COLUMNS[3:], totals, strict=True):
        axes.text(x + 0.005, len(rows) + 0.9, f"{total:,}", fontsize=8, weight="bold", color=INK, va="center")
    note = run.reading.too_large or "for one image; memory in bytes of float32"
    axes.text(0.03, len(rows) + 2.1, _folded(note, 110), fontsize=8, color=INK, va="center")


def _draw_curves(figure, run):
    history, train = np.array(run.history), np.array(run.losses()).reshape(-1, 2)
    losses, accuracies = figure.subplots(1, 2)
    losses.plot(train[:, 0], train[:, 1], color=INK, label="training batches")
    losses.plot(history[:, 0], history[:, 2], color="#b0440a", linestyle="--", label="validation")
    losses.set(xlabel="updates", title=f"loss after {run.step_count:,} updates")
    losses.legend(frameon=False, fontsize=8)
    accuracies.plot(history[:, 0], 100 * history[:, 3], color="#b0440a", linestyle="--")
    accuracies.set(xlabel="updates", ylim=(0, 100), title=f"validation accuracy {100 * history[-1, 3]:.1f} %")
    for axes in (losses, accuracies):
        axes.title.set_fontsize(9)
        axes.tick_params(labelsize=8)


def _draw_maps(figure, playground):
    from matplotlib.colors import LinearSegmentedColormap

    seen, state, names = playground.look(), playground.state, playground.data.class_names
    arrays = seen.gradients if state["gradients"] else seen.activations
    layer = state["layer"] if state["layer"] in arrays else INPUT
    shades, _ = pictures(arrays[layer])
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.6])
    axes = left.subplots(1, 2)
    show_image(axes[0], playground.pixels())
    title = names[seen.label] if seen.given else "your image"
    axes[0].set_title(title, fontsize=9, color=INK)
    order = np.argsort(-seen.probabilities, kind="stable")[:5][::-1]
    axes[1].barh(range(len(order)), seen.probabilities[order], color=[RIGHT if i == seen.label else BAR for i in order])
    axes[1].set(yticks=range(len(order)), yticklabels=[names[i] for i in order], xlim=(0, 1), xlabel="probability")
    axes[1].tick_params(labelsize=8)
    colors = LinearSegmentedColormap.from_list("maps", [NEGATIVE, ZERO, POSITIVE])
    what = "gradients" if state["gradients"] else "activations"
    pixels = (255 * colors((shades.astype(float) / 127 + 1) / 2)[..., :3]).astype(np.uint8)
    _draw_grid(right, pixels, f"{what} of layer {layer}: blue below 0, red above")


def _draw_grid(figure, pixels, title):
    """Pictures (K, h, w, C) side by side, with a white line between them."""
    columns = int(np.ceil(np.sqrt(2.2 * len(pixels) * pixels.shape[1] / pixels.shape[2])))
    rows = -(-len(pixels) // columns)
    line = max(1, pixels.shape[1] // 12)
    height, width, channels = pixels.shape[1] + line, pixels.shape[2] + line, pixels.shape[3]
    sheet = np.full((rows * height, columns * width, channels), 255, np.uint8)
    for place, picture in enumerate(pixels):
        top, left = place // columns * height, place % columns * width
        sheet[top : top + height - line, left : left + width - line] = picture
    show_image(figure.subplots(), sheet)
    figure.axes[0].set_title(title, fontsize=9, color=INK)


def _folded(text, width=70):
    from textwrap import fill

    return fill(text, width)
