"""A graph as a picture that can be stepped through: places, wires, texts, and what changes at each step."""

from dataclasses import dataclass

import numpy as np

from cs231n_kit.gradients import numeric_gradient
from cs231n_kit.graph import ExpressionError, operations, topological_order
from cs231n_kit.widgets import circuit_words as words
from cs231n_kit.widgets.graph_layout import place

LABEL = 60  # pixels behind a node for its value and gradient
CURVE = 44  # for wires between columns
SHARE = 44  # for the part of a gradient that comes along one of several wires
RADIUS = 20
MARGIN = (14, 42)  # left and right, above and below


@dataclass(frozen=True)
class Layout:
    """Places in pixels, for as long as the expression stays; see ``arrange``."""

    places: list
    wires: list
    width: float
    height: float


def drawn_nodes(graph):
    """The nodes that are drawn: all but constants, in the order of computation."""
    return [node for node in topological_order(graph.output) if not node.constant]


def arrange(graph):
    """Find a place for every node and a way for every wire."""
    nodes = drawn_nodes(graph)
    index = {node: i for i, node in enumerate(nodes)}
    parents = [[index[parent] for parent in node.parents if not parent.constant] for node in nodes]
    fixed = [node.operation in (operations.SUBTRACT, operations.DIVIDE, operations.POWER) for node in nodes]
    layers, heights, routes, ports = place(parents, fixed)
    symbols = [words.symbol(node) if node.operation else node.name for node in nodes]
    widths = [max(2 * RADIUS, 9 * len(text) + 18) for text in symbols]
    uses = np.bincount([i for own in parents for i in own], minlength=len(nodes))
    columns, width = _columns(layers, widths, parents, uses)
    places = [
        {"x": columns[layer][0] + columns[layer][1] / 2, "y": y + MARGIN[1], "width": w, "symbol": text}
        for layer, y, w, text in zip(layers, heights, widths, symbols, strict=True)
    ]
    wires = []
    for i, own in enumerate(parents):
        operands = [k for k, parent in enumerate(nodes[i].parents) if not parent.constant]
        for k, (start, bends, port) in enumerate(zip(own, routes[i], ports[i], strict=True)):
            points = _points(places, columns, layers, start, i, bends, port)
            wires.append(
                {"from": start, "to": i, "operand": operands[k], "points": points, "shared": bool(uses[start] > 1)}
            )
    return Layout(places, wires, width, max(heights) + 2 * MARGIN[1])


def _columns(layers, widths, parents, uses):
    """(left, width of the nodes, right end of the labels) of each layer, and the right end of all."""
    columns, left = [], float(MARGIN[0])
    for layer in range(max(layers) + 1):
        widest = max(w for w, own in zip(widths, layers, strict=True) if own == layer)
        end = left + widest + LABEL
        columns.append((left, widest, end))
        next_nodes = [own for own, at in zip(parents, layers, strict=True) if at == layer + 1]
        left = end + CURVE + SHARE * any(uses[i] > 1 for own in next_nodes for i in own)
    return columns, columns[-1][2] + MARGIN[0]


def _points(places, columns, layers, start, end, bends, port):
    """The way of a wire: out of the node, along its label, through its bends, into the next node."""
    a, b = places[start], places[end]
    points = [(a["x"] + a["width"] / 2, a["y"]), (columns[layers[start]][2], a["y"])]
    for layer, y in enumerate(bends, layers[start] + 1):
        left, width, _ = columns[layer]
        points += [(left, y + MARGIN[1]), (left + width + LABEL, y + MARGIN[1])]
    slope = port * (0.55 if b["width"] > 2 * RADIUS else 0.5) * RADIUS
    inset = 0 if b["width"] > 2 * RADIUS else RADIUS - (RADIUS**2 - slope**2) ** 0.5
    points.append((b["x"] - b["width"] / 2 + inset, b["y"] + slope))
    return [[round(float(x), 1), round(float(y), 1)] for x, y in points]


def describe(graph, layout):
    """Everything to draw, as plain values; the graph has been computed forward and backward.

    Returns:
        ``width``, ``height``; ``nodes``: place, symbol, name, value, gradient, the steps at which these are
        ``computed`` and ``complete``, and details; ``wires``: from, to, points, the gradient that comes along
        (``share``) and the step of its coming; ``steps``: for each step the active node, what to say, and ``grads``,
        the gradients that changed as {node: text}; ``inputs``: names, values and both gradients.
    """
    name_of = words.names(topological_order(graph.output), graph.output)
    drawn = drawn_nodes(graph)
    steps, arrivals = _steps(graph, drawn, name_of)
    shares = {(wire["to"], wire["operand"]): drawn[wire["to"]].shares()[wire["operand"]] for wire in layout.wires}
    arrived, complete = [[] for _ in drawn], [len(graph.operations) + 1] * len(drawn)
    for wire in layout.wires:
        arrived[wire["from"]].append(shares[wire["to"], wire["operand"]])
        complete[wire["from"]] = max(complete[wire["from"]], arrivals[wire["to"]])
    nodes = [
        {
            **spot,
            "name": name_of[node],
            "input": node.operation is None,
            "output": node is graph.output,
            "value": words.number(node.value),
            "grad": words.number(node.grad),
            "computed": 0 if node.operation is None else 1 + graph.operations.index(node),
            "complete": last,
            "details": words.details(node, name_of, graph.output, own),
        }
        for spot, node, own, last in zip(layout.places, drawn, arrived, complete, strict=True)
    ]
    wires = [
        {**wire, "share": words.number(shares[wire["to"], wire["operand"]]), "arrives": arrivals[wire["to"]]}
        for wire in layout.wires
    ]
    return {
        "width": round(layout.width, 1),
        "height": round(layout.height, 1),
        "nodes": nodes,
        "wires": wires,
        "steps": steps,
        "inputs": _inputs(graph),
        "output": name_of[graph.output],
    }


def _steps(graph, drawn, name_of):
    index = {node: i for i, node in enumerate(drawn)}
    f = name_of[graph.output]
    given = ", ".join(f"{name} = {words.number(node.value)}" for name, node in graph.inputs.items())
    steps = [{"node": None, "text": f"The inputs are given: {given}.", "grads": {}}]
    for node in graph.operations:
        text = f"Forward: {words.equation(node, name_of)} = {words.worked(node)}"
        steps.append({"node": index[node], "text": text, "grads": {}})
    arrivals = {}
    seed = f"Backward starts at the output: ∂{f}/∂{f} = 1"
    for position, node in enumerate(graph.backward_steps()):
        if position == 0:
            steps.append({"node": index[node], "text": seed, "grads": {index[node]: "1"}})
        changed = {index[parent]: words.number(parent.grad) for parent in node.parents if not parent.constant}
        arrivals[index[node]] = len(steps)
        text = f"Backward through {name_of[node]}: {_sent(node, name_of, f)}"
        steps.append({"node": index[node], "text": text, "grads": changed})
    return steps, arrivals


def _sent(node, name_of, f):
    """What a node sends back: "∂f/∂x gets −4 × 1 = −4"."""
    return "; ".join(
        f"∂{f}/∂{row['to']} gets {row['upstream']} × {words.bracketed(row['local'])} = {row['share']}"
        for row in words.products(node, name_of, f)
    )


def _inputs(graph):
    """Name, value, gradient and numeric gradient of each input."""
    names = list(graph.inputs)
    point = np.array([float(graph.inputs[name].value) for name in names])
    analytic = [float(graph.inputs[name].grad) for name in names]
    numeric = _numeric(graph, names, point)
    return [
        {
            "name": name,
            "value": value,
            "analytic": grad,
            "numeric": slope,
            "texts": [_six(grad), _six(slope)],
            "agrees": slope is not None and abs(grad - slope) <= 1e-5 * max(abs(grad) + abs(slope), 1e-3),
        }
        for name, value, grad, slope in zip(names, point.tolist(), analytic, numeric, strict=True)
    ]


def _numeric(graph, names, point):
    """Centred differences, None where the function cannot be computed on one side."""

    def output(x):
        return graph.set(**dict(zip(names, x.tolist(), strict=True))).forward()

    slopes = []
    for i in range(len(names)):

        def along(x, i=i):
            return output(np.concatenate([point[:i], x, point[i + 1 :]]))

        try:
            slopes.append(float(numeric_gradient(along, point[i : i + 1].copy())[0]))
        except ExpressionError:
            slopes.append(None)
    output(point)
    return slopes


def _six(value):
    return "none on one side" if value is None else f"{value:.6g}".replace("-", "−")
