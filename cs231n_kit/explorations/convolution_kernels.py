"""Lecture 05: kernels on photographs, stacks of activation maps, and what sharing the weights does."""

from functools import cache

import numpy as np
from matplotlib.figure import Figure

from cs231n_kit import image_transforms as transforms
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.layers import conv_forward
from cs231n_kit.plots import MUTED, new_figure, show_image, write_numbers
from cs231n_kit.widgets.convolution_presets import KERNELS, identity, vertical_edges

SIZE = 200  # pixels along each side of the photographs

NAMES = ("identity", "box blur", "Gaussian blur", "sharpen", "vertical edges", "horizontal edges", "outline")
CHANNELS = {
    "all three alike": (1 / 3, 1 / 3, 1 / 3),
    "red only": (1, 0, 0),
    "green only": (0, 1, 0),
    "blue only": (0, 0, 1),
    "red against green": (1, -1, 0),
}
# What the filters of a stack look at, in this order: (name, kernel, channels).
STACK = (
    ("vertical edges", "vertical edges", "all three alike"),
    ("horizontal edges", "horizontal edges", "all three alike"),
    ("blurred red", "box blur", "red only"),
    ("blurred blue", "box blur", "blue only"),
    ("red against green", "box blur", "red against green"),
    ("outline", "outline", "all three alike"),
    ("sharp green", "sharpen", "green only"),
    ("edges, red against green", "vertical edges", "red against green"),
)


@cache
def photographs(size=SIZE):
    """{name: photograph (size, size, 3) uint8}: a cat first, then three without one; all come with scikit-image."""
    return {"cat": transforms.frame(transforms.cat(size)[0])} | transforms.other_photographs(size)


def as_input(image):
    """A uint8 image (H, W, C) as a convolution takes it: (1, C, H, W), float32 from 0 to 1."""
    return np.moveaxis(image, -1, 0)[None].astype(np.float32) / 255


def make_filter(kernel, channels="all three alike", size=3, strength=1.0):
    """A filter (3, size, size) of channels, rows and columns, from the names of a kernel and of a mixture of channels.

    strength: 0 leaves the kernel's middle alone, 1 is the kernel itself, beyond that it is exaggerated.
    """
    middle = identity(size)
    mixed = middle + strength * (KERNELS[kernel](size) - middle)
    return np.array(CHANNELS[channels])[:, None, None] * mixed


def activation_map(image, weights, gap=1):
    """The map (H', W') of a filter (C, HH, WW) over a uint8 image (H, W, C); `gap` is the dilation. No padding."""
    weights = np.asarray(weights, np.float32)[None]
    out, _ = conv_forward(as_input(image), weights, np.zeros(1, np.float32), {"dilation": gap})
    return out[0, 0]


def show_map(ax, values, title="", caption=""):
    """A map in grays: 0 is middle gray where there are values below 0, and black where there are none."""
    reach = max(float(np.abs(values).max()), 1e-6)
    lowest = -reach if values.min() < -0.01 * reach else 0
    show_image(ax, values, title, caption=caption)
    ax.images[-1].set_clim(lowest, max(reach, 1.0) if lowest == 0 else reach)


def explore_kernels():
    """Choose a kernel, which colours it looks at and how far apart its taps are; see the filter and its map."""
    images = photographs()

    def draw(photograph, kernel, channels, size, strength, gap):
        image, weights = images[photograph], make_filter(kernel, channels, size, strength)
        found = activation_map(image, weights, gap)
        figure = Figure(figsize=(10.2, 4.2), layout="constrained", facecolor="white")
        grid = figure.add_gridspec(3, 3, width_ratios=(1, 0.34, 1))
        height, width = found.shape
        show_image(
            figure.add_subplot(grid[:, 0]), image, f"{photograph}: {SIZE} × {SIZE} × 3", caption="three channels deep"
        )
        reach = max(np.abs(weights).max(), 1e-6)
        for row, (name, part) in enumerate(zip(("red", "green", "blue"), weights, strict=True)):
            ax = figure.add_subplot(grid[row, 1])
            write_numbers(ax, part, cmap="gray", low=-1.15 * reach, high=1.15 * reach, form="{:.2g}")
            _draw_cells(ax, size)
            for text in ax.texts:
                text.set(fontsize=8.5, visible=size == 3)
            ax.set_title(f"weights on {name}", fontsize=9.5)
        signed = found.min() < -0.01 * np.abs(found).max()
        caption = "gray is 0, white above, black below" if signed else "black is 0"
        show_map(figure.add_subplot(grid[:, 2]), found, f"its activation map: {height} × {width}", caption)
        products, reached = weights.size, 1 + gap * (size - 1)
        return figure, (
            f"Each value of the map is a sum of {size} · {size} · 3 = {products} products, from {reached} × {reached} "
            f"pixels and all three channels. All weights together make {weights.sum():+.2f}, the answer to a white "
            f"wall. The map goes from {found.min():.2f} to {found.max():.2f}."
        )

    controls = {
        "photograph": choice("Photograph", list(images)),
        "kernel": choice("Kernel", NAMES, "vertical edges"),
        "channels": choice("Colours", list(CHANNELS)),
        "size": slider("Size F", 3, 11, 3, 2),
        "strength": slider("Strength", 0.0, 2.0, 1.0, 0.1),
        "gap": slider("Taps apart (pixels)", 1, 8, 1),
    }
    return Exploration(draw, controls, description="A photograph, the weights of a filter, and its activation map")


def _draw_cells(ax, size):
    """Lines between the cells of a matrix, so that equal weights can be counted."""
    between = np.arange(size - 1) + 0.5
    ax.hlines(between, -0.5, size - 0.5, color=MUTED, linewidth=0.5)
    ax.vlines(between, -0.5, size - 0.5, color=MUTED, linewidth=0.5)


def explore_stack():
    """Choose how many filters look at the photograph; each adds a map, and the maps are the next input."""
    images = photographs()

    def draw(photograph, filters):
        image = images[photograph]
        rows = 2 if filters > 4 else 1
        figure = Figure(figsize=(10.2, 2.5 * rows + 0.4), layout="constrained", facecolor="white")
        grid = figure.add_gridspec(rows, 5)
        show_image(figure.add_subplot(grid[:, 0]), image, f"{SIZE} × {SIZE} × 3", caption="input")
        for place, (name, kernel, channels) in enumerate(STACK[:filters]):
            found = activation_map(image, make_filter(kernel, channels))
            show_map(figure.add_subplot(grid[place // 4, 1 + place % 4]), found, f"map {place + 1}", name)
        for place in range(filters, 4 * rows):
            figure.add_subplot(grid[place // 4, 1 + place % 4]).axis("off")
        side = SIZE - 2
        return figure, (
            f"{filters} {'filters' if filters > 1 else 'filter'} of 3 × 3 × 3: an output of {side} × {side} × "
            f"<b>{filters}</b>, from {filters} · (27 + 1) = <b>{28 * filters} parameters</b>. "
            f"A filter of the next layer must be 3 × 3 × <b>{filters}</b>: always as deep as its input."
        )

    controls = {
        "photograph": choice("Photograph", list(images), "astronaut"),
        "filters": slider("Filters K", 1, len(STACK), 4),
    }
    return Exploration(draw, controls, description="A photograph and the activation maps of several filters")


def local_map(image, own):
    """A map (H', W') of a uint8 image (H, W, C), looking for vertical edges in its gray values.

    own: the share of the weights that each place has for itself, drawn at random; 0: all places share one kernel.
    """
    gray = image.mean(axis=-1) / 255
    patches = np.lib.stride_tricks.sliding_window_view(gray, (3, 3))
    shared = vertical_edges(3)
    weights = np.random.default_rng(0).standard_normal(patches.shape) * shared.std()
    return ((1 - own) * shared * patches + own * weights * patches).sum(axis=(2, 3))


def explore_sharing():
    """Move the photograph: with shared weights the map moves along; with weights for each place it becomes another."""
    wide, _ = transforms.cat(SIZE)
    left = (wide.shape[1] - SIZE) // 2

    def draw(shift, own):
        first, moved = (wide[:, left - by : left - by + SIZE] for by in (0, shift))
        before, now = local_map(first, own / 100), local_map(moved, own / 100)
        difference = np.full(now.shape, np.nan)  # where the old map, moved along, says nothing
        start, stop = max(shift, 0), now.shape[1] + min(shift, 0)
        difference[:, start:stop] = np.abs(now[:, start:stop] - before[:, start - shift : stop - shift])
        error, size = np.sqrt(np.nanmean(difference**2)), np.sqrt(np.mean(before**2))
        figure, axes = new_figure(10.2, 3.1, 1, 4)
        show_image(axes[0], moved, f"photograph, moved by {shift}")
        show_map(axes[1], before, "map before")
        show_map(axes[2], now, "map now")
        show_image(axes[3], difference, "map now against moved map", frame=MUTED, caption="white: no difference")
        axes[3].images[0].set(cmap="Oranges", clim=(0, 3 * size))
        return figure, (
            f"The new map and the old one, moved by {shift} pixels, differ by <b>{error / size:.0%}</b> of the size of "
            f"their values (root mean square). Parameters of this map: "
            + (
                "<b>9</b>, one kernel for all places."
                if own == 0
                else f"<b>{9 * now.size:,}</b>, 9 for each of {now.shape[0]} × {now.shape[1]} places."
            )
        )

    controls = {
        "shift": slider("Move by (pixels)", 1 - left, left - 1, 20),
        "own": slider("Weights of its own (%)", 0, 100, 0, 10),
    }
    return Exploration(draw, controls, description="A photograph that moves, and the map of shared or of own weights")
