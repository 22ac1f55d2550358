"""Where the nodes of a graph go on paper: layers from left to right, few crossings, straight wires.

Sugiyama's method: nodes stand in the layer of their longest path from an input; wires that skip layers get a bend in
each of them; the order in the layers is improved until fewer crossings are found no more; then everything moves up or
down to where its neighbours are.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.optimize import isotonic_regression

SWEEPS = 12
NODE, BEND = 1, 0  # kinds of items
GAP = {NODE: 66.0, BEND: 26.0}  # from the middle of an item to that of the next one, half of it for each, in pixels


@dataclass(eq=False)
class Item:
    """Something with a place in a layer: a node, or a wire's bend where it passes a layer."""

    kind: int
    layer: int
    y: float = 0.0
    order: int = 0
    befores: list = field(default_factory=list)  # pairs (item, port), the port from -1 at the top to 1
    afters: list = field(default_factory=list)


def place(parents, fixed_order):
    """Find layers, heights and routes.

    Args:
        parents: for each node, the indices of the nodes that it uses, in the order of its operands; nodes come after
            their parents. One may be used twice.
        fixed_order: for each node, whether its first operand must enter above its second one.

    Returns:
        ``(layers, heights, routes)``: for each node its layer and its y in pixels (the topmost is 0), and for each
        node and operand the list of the y of the bends on the way, from the parent on; ``ports``, the same shape,
        says where the wire enters, from -1 (top) to 1.
    """
    layers = []
    for own in parents:
        layers.append(1 + max((layers[parent] for parent in own), default=-1))
    nodes = [Item(NODE, layer) for layer in layers]
    bends = [[_wire(nodes[parent], node) for parent in own] for node, own in zip(nodes, parents, strict=True)]
    columns = [[] for _ in range(max(layers) + 1)]
    for node, wires in zip(nodes, bends, strict=True):
        for item in (*(bend for wire in wires for bend in wire), node):
            columns[item.layer].append(item)
    ends = [
        _join(nodes, node, own, wires, fixed)
        for node, own, wires, fixed in zip(nodes, parents, bends, fixed_order, strict=True)
    ]
    _order(columns, ends)
    _straighten(columns)
    top = min(item.y for column in columns for item in column)
    heights = [node.y - top for node in nodes]
    routes = [[[bend.y - top for bend in wire] for wire in wires] for wires in bends]
    ports = [[port for _, port in _ports(end)] for end in ends]
    return layers, heights, routes, ports


@dataclass(eq=False)
class _End:
    """The wires that enter one node: what each comes from, in the order of the operands."""

    node: Item
    sources: list
    fixed: bool


def _wire(parent, node):
    return [Item(BEND, layer) for layer in range(parent.layer + 1, node.layer)]


def _join(nodes, node, own, wires, fixed):
    sources = []
    for parent, wire in zip(own, wires, strict=True):
        chain = [nodes[parent], *wire]
        for before, after in pairwise(chain):
            before.afters.append(after)
            after.befores.append(before)
        chain[-1].afters.append(node)
        node.befores.append(chain[-1])
        sources.append(chain[-1])
    return _End(node, sources, fixed)


def _ports(end):
    """(source, port) of each wire into a node: in the operands' order where it matters, else from top to bottom."""
    count = len(end.sources)
    slots = [0.0] if count == 1 else np.linspace(-1, 1, count).tolist()
    if end.fixed:
        return list(zip(end.sources, slots, strict=True))
    ranks = sorted(range(count), key=lambda i: (end.sources[i].order, i))
    port = {i: slot for i, slot in zip(ranks, slots, strict=True)}
    return [(source, port[i]) for i, source in enumerate(end.sources)]


def _order(columns, ends):
    by_node = {id(end.node): end for end in ends}

    def number():
        for column in columns:
            for order, item in enumerate(column):
                item.order = order

    def crossings():
        number()
        return sum(_crossings(column, by_node) for column in columns[1:])

    fewest, best = crossings(), [list(column) for column in columns]
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        for column in columns[1:] if forth else reversed(columns[:-1]):
            # The middle of the neighbours; every second round breaks ties the other way.
            sign = 1 if sweep % 4 < 2 else -1
            column.sort(key=lambda item: (_middle(item.befores if forth else item.afters, item), sign * item.order))
            for order, item in enumerate(column):
                item.order = order
        found = crossings()
        if found < fewest:
            fewest, best = found, [list(column) for column in columns]
    columns[:] = best
    _swap_neighbours(columns, crossings)


def _middle(neighbours, item):
    return sum(each.order for each in neighbours) / len(neighbours) if neighbours else item.order


def _swap_neighbours(columns, crossings):
    fewest = crossings()
    improved = fewest > 0
    while improved:
        improved = False
        for column in columns:
            for i in range(len(column) - 1):
                column[i], column[i + 1] = column[i + 1], column[i]
                found = crossings()
                if found < fewest:
                    fewest, improved = found, True
                else:
                    column[i], column[i + 1] = column[i + 1], column[i]
    crossings()  # numbers the items as they now stand


def _crossings(column, by_node):
    """Pairs of wires into a column that cross."""
    wires = []
    for item in column:
        entering = _ports(by_node[id(item)]) if item.kind == NODE else [(item.befores[0], 0.0)]
        wires += [(source.order, item.order + 0.4 * port) for source, port in entering]
    if len(wires) < 2:
        return 0
    start, end = np.array(wires).T
    return int(np.sum((start[:, None] < start) & (end[:, None] > end)))


def _straighten(columns):
    """Move items towards the mean of their neighbours, in their order and with room between them."""
    for column in columns:
        _spread(column, [item.order * GAP[NODE] for item in column])
    for sweep in range(2 * SWEEPS):
        forth = sweep % 2 == 0
        for column in columns if forth else reversed(columns):
            _spread(column, [_wanted(item, item.befores if forth else item.afters) for item in column])
    for _ in range(2 * SWEEPS):
        for column in columns:
            _spread(column, [_wanted(item, item.befores + item.afters) for item in column])


def _wanted(item, near):
    """The mean height of the neighbours; bends follow bends above all, which keeps long wires straight."""
    if not near:
        return item.y
    weights = [4.0 if each.kind == item.kind == BEND else 1.0 for each in near]
    return float(np.average([each.y for each in near], weights=weights))


def _spread(column, wanted):
    """The nearest heights to the wanted ones that keep their distances: isotonic regression of what is left of them."""
    rooms = [(GAP[a.kind] + GAP[b.kind]) / 2 for a, b in pairwise(column)]
    least = np.concatenate([[0.0], np.cumsum(rooms)])
    weights = [2.0 if item.kind == NODE else 1.0 for item in column]
    fitted = isotonic_regression(np.array(wanted) - least, weights=weights).x
    for item, y in zip(column, fitted + least, strict=True):
        item.y = float(y)
