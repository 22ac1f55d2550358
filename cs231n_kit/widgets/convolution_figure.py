"""The convolution playground as a still picture."""

from matplotlib.patches import Rectangle

from cs231n_kit.plots import INK, MUTED, new_figure
from cs231n_kit.widgets.convolution_scene import DARK

PIXELS_PER_INCH = 82
FRAMES = {"read": DARK, "written": "#c25700", "focus": "#8e24aa"}  # as in view.css
SEEN = "#1976d2"


def draw_pass(scene):
    """Draw forward or backward pass; ``scene`` as ``convolution_scene.describe`` makes it.

    Returns a matplotlib figure that pyplot does not know, so that a notebook shows it once.
    """
    figure, ax = _canvas(scene)
    for grid in scene["grids"]:
        _texts(ax, grid, grid["heading"], grid["title"])
        _cells(ax, grid)
    for mark in sorted(scene["story"]["marks"], key=lambda one: list(FRAMES).index(one["kind"])):
        grid = next(one for one in scene["grids"] if one["name"] == mark["grid"])
        for row, column in mark["cells"]:
            _frame(ax, grid, row, column, edgecolor=FRAMES[mark["kind"]], linewidth=1.8, zorder=4)
    story = scene["story"]
    lines = [scene["formulas"][-1], scene["sentence"], story["sum"] if story["sum"] != scene["sentence"] else ""]
    if scene["trouble"]:
        lines[1:] = [scene["trouble"]["text"]]
    ax.set_title("\n".join(line for line in lines if line), fontsize=9.5, color=INK, wrap=True)
    return figure


def draw_field(scene):
    """Draw the receptive field; ``scene`` as ``convolution_fields.describe`` makes it. Returns a figure likewise."""
    figure, ax = _canvas(scene)
    for level, grid in enumerate(scene["grids"]):
        side, cell = grid["side"], grid["cell"]
        _texts(ax, grid, grid["title"], grid["seen"])
        last = level == len(scene["grids"]) - 1
        for i, share in enumerate(grid["shares"]):
            look = {"facecolor": FRAMES["focus"] if last else SEEN, "alpha": 0.3 + 0.7 * (share / 100) ** 0.5}
            corner = (grid["x"] + i % side * cell, grid["y"] + i // side * cell)
            ax.add_patch(Rectangle(corner, cell, cell, **(look if share else {"facecolor": "none"})))
            ax.add_patch(Rectangle(corner, cell, cell, facecolor="none", edgecolor=MUTED, linewidth=0.3))
    ax.set_title(scene["title"], fontsize=9.5, color=INK)
    return figure


def _canvas(scene):
    figure, ax = new_figure(max(scene["width"] / PIXELS_PER_INCH, 5), scene["height"] / PIXELS_PER_INCH + 0.7)
    ax.set(xlim=(0, scene["width"]), ylim=(scene["height"], 0), aspect="equal")
    ax.axis("off")
    return figure, ax


def _texts(ax, grid, heading, title):
    ax.text(grid["x"], grid["y"] - 25, heading, fontsize=9, weight="bold", color=INK)
    ax.text(grid["x"], grid["y"] - 6, title, fontsize=8, family="monospace", color="#555555")


def _cells(ax, grid):
    pad, cell = grid["pad"], grid["cell"]
    columns = grid["columns"] - 2 * pad
    for i, (fill, ink, text) in enumerate(zip(grid["fills"], grid["inks"], grid["texts"], strict=True)):
        row, column = divmod(i, columns)
        _frame(ax, grid, row, column, facecolor=fill or "none", edgecolor=MUTED, linewidth=0.4)
        size = min(0.4 * cell, 1.5 * cell / max(len(text), 1)) * 72 / PIXELS_PER_INCH
        center = (grid["x"] + (column + pad + 0.5) * cell, grid["y"] + (row + pad + 0.5) * cell)
        ax.text(*center, text, ha="center", va="center", fontsize=size, color=ink, zorder=3)
    if pad:
        corner = (grid["x"], grid["y"])
        look = {"facecolor": "none", "edgecolor": MUTED, "linestyle": "--", "linewidth": 0.8}
        ax.add_patch(Rectangle(corner, grid["columns"] * cell, grid["rows"] * cell, **look))
    for row, column in grid["dots"]:
        spot = (grid["x"] + (column + pad + 0.84) * cell, grid["y"] + (row + pad + 0.16) * cell)
        ax.plot(*spot, "o", markersize=max(0.2 * cell, 2), color=DARK, markeredgecolor="white", zorder=3)


def _frame(ax, grid, row, column, **look):
    cell, pad = grid["cell"], grid["pad"]
    corner = (grid["x"] + (column + pad) * cell, grid["y"] + (row + pad) * cell)
    ax.add_patch(Rectangle(corner, cell, cell, **{"facecolor": "none", **look}))
