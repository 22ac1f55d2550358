"""What a unit of the last of several layers sees in each layer below it: the playground's receptive field."""

import numpy as np

from cs231n_kit.networks.receptive_field import Reach, ReceptiveField
from cs231n_kit.widgets.convolution_arithmetic import Geometry

LARGEST, SMALLEST, HEIGHT = 300, 130, 620  # pixels of a map, and of all of them
GAP, TITLE = 24, 54


def trace(layers, side):
    """Sizes and fields of all maps, the input first: [(side, ReceptiveField)]; ends where a window does not fit."""
    maps = [(side, ReceptiveField((side, side)))]
    for layer in layers:
        geometry = Geometry(maps[-1][0], maps[-1][0], **layer)
        if not min(geometry.output):
            break
        reach = Reach((geometry.reach,) * 2, (layer["stride"],) * 2, (layer["pad"],) * 2)
        maps.append((geometry.output[0], maps[-1][1].through(reach, (1, *geometry.output))))
    return maps


def ways(layers, sides, unit):
    """Along one side: how many ways lead from a unit of the last map to each cell of each map, padding left out.

    Returns a list of int arrays, the input's first.
    """
    counts = [np.zeros(side, int) for side in sides]
    counts[-1][unit] = 1
    for level in range(len(sides) - 1, 0, -1):
        layer = layers[level - 1]
        for i in np.flatnonzero(counts[level]):
            cells = i * layer["stride"] - layer["pad"] + layer["dilation"] * np.arange(layer["size"])
            inside = cells[(cells >= 0) & (cells < sides[level - 1])]
            counts[level - 1][inside] += counts[level][i]
    return counts


def describe(state, width):
    """Everything to draw: ``grids`` with the shares (0 to 100) of the ways that lead to each cell, ``rows`` of a table
    with what is computed of each layer, ``trouble``, ``title`` and the ``unit`` that is shown."""
    layers, side = state["layers"], state["field_side"]
    maps = trace(layers, side)
    sides = [side for side, _ in maps]
    unit = [min(i, sides[-1] - 1) for i in state["unit"] or [sides[-1] // 2] * 2]
    rows_, columns_ = (ways(layers, sides, i) for i in unit)
    positions, extent, height = _place(sides, width)
    grids = []
    for level, (rows, columns) in enumerate(zip(rows_, columns_, strict=True)):
        share = np.outer(rows, columns) / max(rows.max() * columns.max(), 1)
        seen = f"{np.count_nonzero(rows)} × {np.count_nonzero(columns)} cells" if level < len(maps) - 1 else "the unit"
        title = f"Layer {level}" if level else "Input"
        grids.append(
            {
                "name": f"map{level}",
                "title": f"{title}: {sides[level]} × {sides[level]}",
                "seen": seen,
                "side": sides[level],
                **positions[level],
                "shares": np.rint(100 * share).astype(int).ravel().tolist(),
            }
        )
    return {
        "width": extent,
        "height": height,
        "grids": grids,
        "rows": [_table_row(layer, maps, i + 1) for i, layer in enumerate(layers)],
        "trouble": _trouble(layers, maps),
        "unit": unit,
        "title": _title(maps, unit, rows_[0], columns_[0], side),
    }


def _place(sides, width):
    """Places of the maps, all drawn in the same size, in rows from left to right, as large as the width allows."""
    count = len(sides)

    def size(rows):
        return min((width - GAP) / -(-count // rows) - GAP, (HEIGHT - GAP) / rows - TITLE, LARGEST)

    sizes = [size(rows) for rows in range(1, count + 1)]
    rows = next(i + 1 for i, one in enumerate(sizes) if one >= 0.75 * max(sizes))  # few rows rather than large maps
    columns, extent = -(-count // rows), max(sizes[rows - 1], SMALLEST)
    found = [
        {
            "x": round(GAP + (level % columns) * (extent + GAP)),
            "y": round(TITLE + (level // columns) * (extent + TITLE)),
            "cell": round(extent / side, 3),
        }
        for level, side in enumerate(sides)
    ]
    return found, round(GAP + columns * (extent + GAP)), round(rows * (extent + TITLE) + GAP)


def _table_row(layer, maps, level):
    """What follows for one layer: the side of its map, the jump, the receptive field, and how it is worked out."""
    if level >= len(maps):
        return {"side": "none", "jump": "", "size": "", "sum": "does not fit"}
    before, field = maps[level - 1][1], maps[level][1]
    reach = layer["dilation"] * (layer["size"] - 1) + 1
    worked = f"{before.size[1]} + ({reach} − 1)·{before.jump[1]} = {field.size[1]}"
    return {"side": str(maps[level][0]), "jump": str(field.jump[1]), "size": str(field.size[1]), "sum": worked}


def _trouble(layers, maps):
    if len(maps) > len(layers):
        return None
    level, side = len(maps), maps[-1][0]
    layer = layers[level - 1]
    reach = layer["dilation"] * (layer["size"] - 1) + 1
    return (
        f"Layer {level} does not fit: its window covers {reach} × {reach} cells, and the map below it has only "
        f"{side + 2 * layer['pad']} × {side + 2 * layer['pad']} with its padding. Pad more, take a smaller window or a "
        f"larger input, or stride less before."
    )


def _title(maps, unit, rows, columns, side):
    if len(maps) == 1:
        return "No layer fits."
    size, which = maps[-1][1].size[1], f"Unit {unit} of layer {len(maps) - 1}"
    spans = [np.flatnonzero(counts) for counts in (rows, columns)]
    if not all(len(span) for span in spans):
        return f"{which} sees {size} × {size} pixels, all of which lie in the padding."
    full = [span[-1] - span[0] + 1 for span in spans]
    padding = ", part of which lies in the padding" if full != [size, size] else ""
    cells = len(spans[0]) * len(spans[1])
    gaps = f"; the windows leave gaps, and only {cells} of {full[0] * full[1]} pixels count"
    shown = gaps if cells < full[0] * full[1] else ""
    return f"{which} sees {size} × {size} pixels of the {side} × {side} input{padding}{shown}."
