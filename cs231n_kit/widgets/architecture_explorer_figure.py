"""The architecture explorer as a still picture."""

import textwrap

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from cs231n_kit.plots import INK, MUTED, WRONG
from cs231n_kit.widgets.architecture_explorer_blocks import KIND_COLORS
from cs231n_kit.widgets.architecture_explorer_layout import TITLE
from cs231n_kit.widgets.architecture_explorer_words import NAMES

PIXELS_PER_INCH = 82
HEADING, FOOT = 62, 200  # pixels above each network, and below all
SLAB = "#b9c2cf"


def draw_explorer(scene, state, selected, picture):
    """Draw a scene, as ``architecture_explorer_scene.describe`` makes it.

    selected: (place of a network, id of the block that is told about).
    picture: the image that its network gets, uint8 (H, W, C), or None.

    Returns a matplotlib figure that pyplot does not know, so that a notebook shows it once.
    """
    networks = scene["networks"]
    width = max(700, *(one["drawing"]["width"] for one in networks))
    heights = [one["drawing"]["height"] + HEADING for one in networks]
    full = sum(heights) + FOOT + 26
    figure = Figure(figsize=(width / PIXELS_PER_INCH, full / PIXELS_PER_INCH), facecolor="white")
    _legend(figure, scene, state, width, full)
    top = full - 26
    for network, height in zip(networks, heights, strict=True):
        top -= height
        ax = figure.add_axes([0, top / full, 1, (height - HEADING) / full])
        ax.set(xlim=(0, width), ylim=(height - HEADING, 0))
        ax.axis("off")
        _heading(ax, network)
        _draw(ax, network)
    place, id = selected
    _tell(figure, networks[place], id, picture, width, full)
    return figure


def _legend(figure, scene, state, width, full):
    ax = figure.add_axes([0, 1 - 24 / full, 1, 24 / full])
    ax.set(xlim=(0, width), ylim=(24, 0))
    ax.axis("off")
    square, x = scene["legend"]["square"], 8
    if square:
        ax.add_patch(Rectangle((x, 2), square, square, facecolor="none", edgecolor=INK))
        x += square + 6
    words = f"{scene['legend']['text']}{' ' + NAMES[state['size_by']] if square else ''}"
    ax.text(x, 12, words, fontsize=8.5, va="center", color=INK)
    x += 20 + 6.2 * len(words)
    for kind, color in KIND_COLORS.items():
        ax.add_patch(Rectangle((x, 6), 12, 12, facecolor=color))
        ax.text(x + 16, 12, kind, fontsize=8.5, va="center", color=INK)
        x += 34 + 5.6 * len(kind)


def _heading(ax, network):
    totals = network["totals"]
    ax.text(8, -46, network["name"], fontsize=12, weight="bold", color=INK, va="center")
    text = f"{totals['parameters']} parameters, {totals['multiply_adds']} multiply-adds, {totals['memory']} of memory"
    if totals["time"] != "not measured":
        text += f", {totals['time']}"
    ax.text(30 + 9.5 * len(network["name"]), -46, text, fontsize=9, color=INK, va="center")
    sentence = "\n".join(textwrap.wrap(network["sentence"], int(ax.get_xlim()[1] / 6.2)))
    ax.text(8, -32, sentence, fontsize=8.5, color=INK, va="top")


def _draw(ax, network):
    drawing, details = network["drawing"], network["details"]
    for points in drawing["wires"]:
        ax.plot(*zip(*points, strict=True), color=MUTED, linewidth=0.9, zorder=1)
    for slab in drawing["slabs"]:
        style = {"facecolor": SLAB, "edgecolor": MUTED, "linewidth": 0.4, "zorder": 2}
        ax.add_patch(Rectangle((slab["x"], slab["y"]), slab["width"], slab["height"], **style))
    for frame in drawing["frames"]:
        style = {"facecolor": "none", "edgecolor": MUTED, "linewidth": 0.7, "zorder": 1}
        ax.add_patch(Rectangle((frame["x"], frame["y"]), frame["width"], frame["height"], **style))
        ax.text(frame["x"] + 4, frame["y"] + TITLE / 2 + 1, details[frame["id"]]["label"], fontsize=7.5, va="center")
    for block in drawing["blocks"]:
        _block(ax, block, details[block["id"]])


def _block(ax, block, detail):
    x, y, width, height = (block[name] for name in ("x", "y", "width", "height"))
    top = y
    for kind, share in detail["shares"]:
        color = KIND_COLORS[kind] if block["honest"] else "white"
        ax.add_patch(Rectangle((x, top), width, height * share, facecolor=color, zorder=3))
        top += height * share
    edge = INK if block["honest"] else KIND_COLORS[detail["shares"][0][0]]
    ax.add_patch(Rectangle((x, y), width, height, facecolor="none", edgecolor=edge, linewidth=0.6, zorder=4))
    slanted = {"rotation": -50, "ha": "left", "va": "top", "rotation_mode": "anchor"}
    style = slanted if block["main"] else {"ha": "center", "va": "center"}
    ax.text(x + width / 2, block["label_y"], detail["label"], fontsize=7, color=INK, **style)
    if block["form"] == "stack":
        corner = [(x + 3, y - 3), (x + width + 3, y - 3), (x + width + 3, y + height - 3)]
        ax.plot(*zip(*corner, strict=True), color=INK, linewidth=0.6, zorder=2)
    if detail["short"] and width >= 6.4 * len(detail["short"]) and height > 24:
        halo = [withStroke(linewidth=2.5, foreground="white")]
        middle = {"ha": "center", "va": "center", "zorder": 5, "path_effects": halo}
        ax.text(x + width / 2, y + height / 2, detail["short"], fontsize=7.5, color=INK, **middle)


def _tell(figure, network, id, picture, width, full):
    detail = network["details"][id]
    lines = [f"{network['name']}: {detail['title']}"]
    for what, text in detail["lines"]:
        lines += textwrap.wrap(f"{what}: {text}", int((width - 250) / 6.2))
    figure.text(0.01, (FOOT - 14) / full, "\n".join(lines), fontsize=8.5, color=INK, va="top", linespacing=1.5)
    if picture is None or detail["field"] is None:
        return
    side = FOOT - 40
    ax = figure.add_axes([1 - (side + 40) / width, 26 / full, side / width, side / full])
    height, across = picture.shape[:2]
    ax.imshow(picture if picture.shape[2] == 3 else picture[..., 0], cmap="gray", extent=(0, across, height, 0))
    rows = max(height, across)
    top, left, bottom, right = detail["field"]["box"]
    ax.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=WRONG, linewidth=2))
    ax.set(xlim=(-0.15 * rows, across + 0.15 * rows), ylim=(height + 0.15 * rows, -0.15 * rows), xticks=[], yticks=[])
    ax.set_title("\n".join(textwrap.wrap(detail["field"]["text"], 42)), fontsize=7.5, color=INK)
