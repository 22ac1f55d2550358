"""An unrolled network as a still picture, with the gradients against time lag below it."""

from matplotlib.gridspec import GridSpec
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.path import Path

from cs231n_kit.plots import COLORS, INK, MUTED, WRONG, new_figure
from cs231n_kit.widgets.unrolled_network_sequence import shown

PIXELS_PER_INCH = 88
WEIGHTS = {"Wx": COLORS[2], "Wh": COLORS[3], "Wy": COLORS[5], "b": MUTED, "by": MUTED}
CURVES = {
    "rnn h": ("RNN, ∂L/∂h", COLORS[2], "o-"),
    "lstm h": ("LSTM, ∂L/∂h", COLORS[3], "--"),
    "lstm c": ("LSTM, ∂L/∂c", COLORS[3], "s-"),
}


def draw_figure(scene, state):
    """Draw the scene that ``UnrolledNetwork.scene`` makes, at the moment of its state.

    Returns a matplotlib figure that pyplot does not know, so that a notebook shows it once.
    """
    wide, high = scene["width"] / PIXELS_PER_INCH, scene["height"] / PIXELS_PER_INCH
    figure, ax = new_figure(max(wide, 7), high + 3.2)
    grid = GridSpec(2, 1, figure, height_ratios=(high, 2.6))
    ax.set_subplotspec(grid[0])
    step = state["step"]
    for row in scene["rows"]:
        ax.text(row["x"], row["y"], row["text"], fontsize=7.5, color="#555555", weight="bold", va="baseline")
    for wire in scene["wires"]:
        _draw_wire(ax, wire, step)
    for cell in scene["cells"]:
        _draw_cell(ax, cell, step)
    for bar in scene["bars"]:
        _draw_bar(ax, bar, scene["zero"], step)
    ax.set(xlim=(0, scene["width"]), ylim=(scene["height"], 0), aspect="equal")
    ax.axis("off")
    read = "".join(map(shown, state["sequence"])) if state["reads"] == "letters" else state["sequence"]
    ax.set_title(
        f"{state['cell'].upper()} on {read}: values in the squares, gradients in red\n{scene['sentences'][step]}",
        fontsize=9,
        color=INK,
        wrap=True,
    )
    _draw_lags(figure.add_subplot(grid[1]), scene["lags"])
    return figure


def _draw_wire(ax, wire, step):
    returned, points = step >= wire["back"], wire["points"]
    if points:
        color = WRONG if returned else WEIGHTS.get(wire["weight"], MUTED)
        width = 0.6 + 3 * wire["flow"] if returned else 1.1
        way = Path(points[::-1] if returned else points)
        dashed = wire["cut"] or step < wire["at"] or (returned and not wire["flow"])
        style = {"linestyle": (0, (2, 2)) if dashed else "-", "color": color, "linewidth": width}
        ax.add_patch(
            FancyArrowPatch(path=way, arrowstyle="-" if dashed else "-|>", mutation_scale=8, zorder=1, **style)
        )
    if wire["tag"]:
        box = {"boxstyle": "round,pad=0.25", "facecolor": WEIGHTS[wire["weight"]], "edgecolor": "none"}
        ax.text(*wire["tag"], wire["weight"], ha="center", va="center", fontsize=6, color="white", bbox=box, zorder=2)
    if wire["size"] and returned:
        text = "cut" if wire["cut"] else wire["size"]["text"]
        ax.text(*wire["size"]["place"], text, ha="center", fontsize=6.5, color=WRONG, weight="bold")


def _draw_cell(ax, cell, step):
    x, y, width, height, kind = (cell[key] for key in ("x", "y", "width", "height", "kind"))
    known = step >= cell["at"]
    look = {"facecolor": cell.get("fill", "#eef0f3") if known else "white", "edgecolor": INK if known else MUTED}
    look["linewidth"] = 1.8 if cell.get("target") else 0.7
    ax.add_patch(Rectangle((x, y), width, height, zorder=2, **look))
    middle = x + width / 2, y + (27 if kind == "loss" else height / 2)
    if known:
        ax.text(*middle, cell["text"], ha="center", va="center", fontsize=7, color=cell.get("ink", INK), zorder=3)
    if cell.get("letter"):
        ax.text(x - 4, middle[1], cell["letter"], ha="right", va="center", fontsize=7.5, color=INK)
    if cell.get("under"):
        below = y + 11 if kind == "loss" else y + height + 11
        ax.text(middle[0], below, cell["under"], ha="center", va="center", fontsize=6.5, color="#555555", zorder=3)
    if step >= cell["back"]:
        place = (x + width + 3, middle[1]) if kind == "y" else (middle[0], y + height + 7)
        ax.text(*place, cell["grad"], ha="left" if kind == "y" else "center", va="center", fontsize=6.5, color=WRONG)


def _draw_bar(ax, bar, level, step):
    ax.plot([bar["x"] - 6, bar["x"] + bar["width"] + 6], [level, level], color=MUTED, linewidth=0.7)
    if bar["sum"]:
        ax.text(bar["x"] + bar["width"] / 2, bar["y"] - 4, "sum Σ", ha="center", fontsize=7.5, color="#555555")
    if step < bar["back"]:
        return
    for share, look in ((bar["part"], {"facecolor": WRONG}), (bar["whole"], {"fill": False, "linestyle": ":"})):
        ax.add_patch(Rectangle((bar["x"], level), bar["width"], -share, edgecolor=WRONG, **look))
    ax.text(
        bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] + 8, bar["text"], ha="center", fontsize=6.5, color=WRONG
    )


def _draw_lags(ax, lags):
    for name, (label, color, style) in CURVES.items():
        points = [(lag, 10**power) for lag, power in enumerate(lags["curves"][name]) if power is not None]
        ax.plot(*zip(*points, strict=True) if points else ([], []), style, color=color, label=label, markersize=3.5)
    ax.axhline(1, color=MUTED, linewidth=0.8)
    ax.set(yscale="log", xlabel="steps back from the last", ylabel="gradient of the last\nloss, relative")
    ax.legend(fontsize=8, loc="lower left")
    norms = ", ".join(f"{cell.upper()} {norm['text']}" for cell, norm in lags["norms"].items())
    ax.set_title(f"Spectral radius of the RNN's Wh: {lags['radius']}. Norm of the whole gradient: {norms}", fontsize=9)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8)
