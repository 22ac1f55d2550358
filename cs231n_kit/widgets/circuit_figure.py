"""A circuit as a still picture."""

from matplotlib.patches import Circle, FancyBboxPatch
from matplotlib.path import Path

from cs231n_kit.plots import INK, MUTED, RIGHT, WRONG

FORWARD, BACKWARD = RIGHT, WRONG
PIXELS_PER_INCH = 82
ABOVE, BELOW = 5, 5  # pixels between a wire and its texts


def draw_figure(scene, state):
    """Draw a circuit at the step of its state; ``scene`` as ``circuit_scene.describe`` makes it.

    Returns a matplotlib figure that pyplot does not know, so that a notebook shows it once.
    """
    from cs231n_kit.plots import new_figure

    width, height = scene["width"], scene["height"] + 44
    figure, ax = new_figure(max(width / PIXELS_PER_INCH, 4), max(height / PIXELS_PER_INCH, 2))
    for wire in scene["wires"]:
        _draw_wire(ax, scene, wire, state["step"])
    output = next(node for node in scene["nodes"] if node["output"])
    end = output["x"] + output["width"] / 2
    ax.plot([end, scene["width"] - 14], [output["y"]] * 2, color=MUTED, linewidth=1.4, zorder=1)
    grads = _grads(scene, state["step"])
    for index, node in enumerate(scene["nodes"]):
        _draw_node(ax, node, state["step"], grads.get(index))
    ax.set(xlim=(0, scene["width"]), ylim=(scene["height"], 0), aspect="equal")
    ax.axis("off")
    text = state["expression"] if len(state["expression"]) < 90 else state["expression"][:87] + "..."
    ax.set_title(f"{text}\nvalues above the wires in green, gradients below them in red", fontsize=9.5, color=INK)
    return figure


def _grads(scene, step):
    """The gradients as they stand after a step: {node: text}."""
    grads = {}
    for each in scene["steps"][: step + 1]:
        grads.update(each["grads"])
    return grads


def _draw_wire(ax, scene, wire, step):
    points = wire["points"]
    flowing = wire["arrives"] <= step
    ax.add_patch(_smooth(points, color=BACKWARD if wire["arrives"] == step else MUTED))
    if wire["shared"] and flowing:
        x, y = points[-1]
        halo = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8}
        ax.text(x - 6, y + BELOW, wire["share"], ha="right", va="top", fontsize=7.5, color=BACKWARD, bbox=halo)


def _smooth(points, color):
    """Straight along labels, and curved in between, as the browser draws it."""
    from matplotlib.patches import PathPatch

    vertices, codes = [points[0], points[1]], [Path.MOVETO, Path.LINETO]
    for (x0, y0), (x1, y1) in zip(points[1:-1:2], points[2::2], strict=True):
        middle = (x0 + x1) / 2
        vertices += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
        following = points.index([x1, y1]) + 1
        if following < len(points):
            vertices.append(points[following])
            codes.append(Path.LINETO)
    return PathPatch(Path(vertices, codes), facecolor="none", edgecolor=color, linewidth=1.4, zorder=1)


def _draw_node(ax, node, step, grad):
    x, y, width = node["x"], node["y"], node["width"]
    look = {"facecolor": "#eef3f8" if node["input"] else "white", "edgecolor": INK, "linewidth": 1.3, "zorder": 2}
    if node["width"] <= 40 and not node["input"]:
        ax.add_patch(Circle((x, y), 20, **look))
    else:
        corner = (x - width / 2, y - 17)
        ax.add_patch(FancyBboxPatch(corner, width, 34, boxstyle="round,pad=0,rounding_size=8", **look))
    style = {"style": "italic"} if node["input"] else {}
    ax.text(x, y, node["symbol"], ha="center", va="center", fontsize=10, color=INK, zorder=3, **style)
    if not node["input"]:
        ax.text(x, y + 22, node["name"], ha="center", va="top", fontsize=7.5, color="#666666", style="italic")
    end = x + width / 2
    if node["computed"] <= step:
        ax.text(end + 4, y - ABOVE, node["value"], ha="left", va="bottom", fontsize=8.5, color=FORWARD, weight="bold")
    if grad is not None:
        ax.text(end + 4, y + BELOW, grad, ha="left", va="top", fontsize=8.5, color=BACKWARD, weight="bold")
