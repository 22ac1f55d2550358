"""The convolution playground as a still picture."""

import textwrap

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from cs231n_kit.plots import INK, MUTED, new_figure
from cs231n_kit.widgets.palette import rgb

PIXELS_PER_INCH = 82
ABOVE = 76  # pixels for the lines above the picture
FRAMES = {"read": "#1f2430", "written": "#c25700", "focus": "#8e24aa"}  # as in view.css
PADDING, SEEN = "#f0f1f3", "#1976d2"


def draw_pass(scene):
    """Draw forward or backward pass; ``scene`` as ``convolution_scene.describe`` makes it.

    Returns a matplotlib figure that pyplot does not know, so that a notebook shows it once.
    """
    story = scene["story"]
    lines = [scene["formulas"][-1], scene["sentence"], story["sum"]]
    if scene["trouble"]:
        lines[1:] = textwrap.wrap(scene["trouble"]["text"], max(scene["width"], 520) // 7)
    figure, ax = _canvas(scene, "\n".join(line for line in lines if line))
    for grid in scene["grids"]:
        _texts(ax, grid, grid["heading"], grid["title"])
        _cells(ax, grid)
    for mark in sorted(story["marks"], key=lambda one: list(FRAMES).index(one["kind"])):
        grid = next(one for one in scene["grids"] if one["name"] == mark["grid"])
        for row, column in mark["cells"]:
            corner = _corner(grid, row + grid["pad"], column + grid["pad"])
            look = {"facecolor": "none", "edgecolor": FRAMES[mark["kind"]], "linewidth": 1.8, "zorder": 4}
            ax.add_patch(Rectangle(corner, grid["cell"], grid["cell"], **look))
    return figure


def draw_field(scene):
    """Draw the receptive field; ``scene`` as ``convolution_fields.describe`` makes it. Returns a figure likewise."""
    figure, ax = _canvas(scene, scene["title"])
    for level, grid in enumerate(scene["grids"]):
        side = grid["side"]
        color = np.array(to_rgb(FRAMES["focus"] if level == len(scene["grids"]) - 1 else SEEN))
        shares = np.array(grid["shares"]).reshape(side, side, 1) / 100
        image = 1 - (1 - color) * np.where(shares > 0, 0.3 + 0.7 * np.sqrt(shares), 0)
        _texts(ax, grid, grid["title"], grid["seen"])
        _image(ax, grid | {"rows": side, "columns": side}, image)
    return figure


def _canvas(scene, title):
    width, height = max(scene["width"], 520), scene["height"] + ABOVE
    figure, ax = new_figure(width / PIXELS_PER_INCH, height / PIXELS_PER_INCH)
    figure.set_layout_engine("none")  # which takes seconds for so many texts, and all have their places
    ax.set_position([0, 0, 1, scene["height"] / height])
    ax.set(xlim=(0, width), ylim=(scene["height"], 0), aspect="equal", anchor="NW")
    ax.axis("off")
    ax.set_title(title, fontsize=9.5, color=INK)
    return figure, ax


def _corner(grid, row, column):
    return grid["x"] + column * grid["cell"], grid["y"] + row * grid["cell"]


def _texts(ax, grid, heading, title):
    ax.text(grid["x"], grid["y"] - 25, heading, fontsize=9, weight="bold", color=INK)
    ax.text(grid["x"], grid["y"] - 6, title, fontsize=8, family="monospace", color="#555555")


def _cells(ax, grid):
    """The values with their colours and numbers, and the padding around them."""
    pad, cell = grid["pad"], grid["cell"]
    rows, columns = grid["rows"] - 2 * pad, grid["columns"] - 2 * pad
    image = np.tile(to_rgb(PADDING), (grid["rows"], grid["columns"], 1))
    colors = [rgb(fill) if fill else np.ones(3) for fill in grid["fills"]]
    image[pad : pad + rows, pad : pad + columns] = np.reshape(colors, (rows, columns, 3))
    _image(ax, grid, image)
    for i, (ink, text) in enumerate(zip(grid["inks"], grid["texts"], strict=True)):
        x, y = _corner(grid, i // columns + pad + 0.5, i % columns + pad + 0.5)
        size = min(0.4 * cell, 1.5 * cell / max(len(text), 1)) * 72 / PIXELS_PER_INCH
        if text:
            ax.text(x, y, text, ha="center", va="center", fontsize=size, color=ink)
    for row, column in grid["dots"]:
        x, y = _corner(grid, row + pad + 0.16, column + pad + 0.84)
        ax.plot(x, y, "o", markersize=max(0.2 * cell, 2), color=INK, markeredgecolor="white")


def _image(ax, grid, image):
    """Cells as an image (rows, columns, 3), with lines between those that are large enough."""
    right, bottom = _corner(grid, grid["rows"], grid["columns"])
    extent = (grid["x"], right, bottom, grid["y"])
    ax.imshow(image, extent=extent, interpolation="nearest", zorder=1, aspect="equal")
    across = [[_corner(grid, i, 0), _corner(grid, i, grid["columns"])] for i in range(grid["rows"] + 1)]
    down = [[_corner(grid, 0, j), _corner(grid, grid["rows"], j)] for j in range(grid["columns"] + 1)]
    lines = [*across, *down] if grid["cell"] >= 9 else [across[0], across[-1], down[0], down[-1]]
    ax.add_collection(LineCollection(lines, colors=MUTED, linewidths=0.4, zorder=1.5), autolim=False)
