"""The picture of the convolution playground as plain values: grids with colours and texts, and what is said of them."""

import numpy as np

from cs231n_kit.widgets.circuit_words import number
from cs231n_kit.widgets.convolution_arithmetic import POOLING, costs, formulas, trouble
from cs231n_kit.widgets.convolution_layout import LEGIBLE, Grid, place, transposed
from cs231n_kit.widgets.convolution_pass import Pass
from cs231n_kit.widgets.convolution_presets import PICTURES
from cs231n_kit.widgets.convolution_state import OWN, RANGES, last_step
from cs231n_kit.widgets.convolution_story import split_name, tell
from cs231n_kit.widgets.palette import NEGATIVE, POSITIVE, ZERO, rgb

WIDTH = 900  # pixels, where nobody says otherwise
BLACK, WHITE = "#000000", "#ffffff"  # one of the two has a contrast of 4.5 with any colour


def describe(run, state, focus=None, width=WIDTH):
    """Everything to draw of a ``Pass``; see ``convolution_story.tell`` for the focus.

    Returns:
        ``width``, ``height``; ``grids``: name, title, heading, place and cell size, rows and columns (with padding),
        pad, ``fills`` and ``inks`` (colours, or "" of what is not computed yet), ``texts`` (none in small cells),
        ``editable``, ``dots`` (switches), ``unseen`` (rows and columns that no window reaches);
        ``pictures``: whether some grids go from black to white; ``formulas``, ``costs``, ``trouble``; ``last``: the
        last step; ``sentence``: about this step; ``story``.
    """
    view = state["view"]
    arrangements = _backward(run) if view == "backward" else _forward(run)
    arrangements = [[[row for row in table if row] for table in tables] for tables in arrangements]
    arrangements = [[table for table in tables if table] for tables in arrangements]
    positions, width, height = place(arrangements, width)
    grids = [grid for table in arrangements[0] for row in table for grid in row if grid]
    grids += [grid.below for grid in grids if grid.below]
    tints = _Tints(run, state)
    return {
        "width": width,
        "height": height,
        "grids": [
            _drawn(run, grid, positions[grid.name], tints) | {"name": grid.name, "heading": grid.heading}
            for grid in grids
        ],
        "pictures": bool(tints.gray),
        "formulas": formulas(run.geometry),
        "costs": costs(state, run.geometry),
        "trouble": trouble(run.geometry, state["operation"], RANGES),
        "last": last_step(state) if run.fits else 0,
        "sentence": _sentence(run, view),
        "story": tell(run, focus, view),
    }


def _forward(run):
    """Arrangements of input, filters and output: side by side, below each other, and for narrow pages."""
    inputs, filters = _inputs(run), _filters(run, "w", "b", "Filter")
    outputs = _maps("out", run.out, f"Output {_size(run.out)}" if run.out.size else "No output")
    beside, below = _columns(inputs, *filters, outputs), [inputs, *filters, outputs]
    across = [[[*inputs, *outputs]], [[grid for own in filters for grid in own]]]
    compact = [_columns(inputs, *filters), [outputs]]
    return [[beside], [below], across, compact, [_columns(inputs), *([own] for own in filters), _columns(outputs)]]


def _backward(run):
    """The same: above what the forward pass used and the gradient that comes in, below the gradients that go out."""
    inputs, filters = _inputs(run), _filters(run, "w", None, "Filter")
    upstream = _maps("dout", run.dout, "Upstream gradient")
    back, weights = _maps("dx", run.dx, "Gradient of x"), _filters(run, "dw", "db", "Gradient of filter")
    above, under = _columns(inputs, *filters, upstream), _columns(back, *weights)
    rows = [inputs, *filters, upstream, back, *weights]
    compact = [_columns(inputs, *filters), [upstream], under]
    return [[[*above, *under]], [_columns(*rows)], [rows], compact, [_columns(row) for row in rows]]


def _columns(*columns):
    return transposed([list(column) for column in columns])


def _size(maps):
    return " × ".join(str(n) for n in (*maps.shape[1:], maps.shape[0]))


def _inputs(run):
    pad = 2 * run.geometry.pad
    heading = f"Input {_size(run.x)}" + (f", padding {run.geometry.pad}" if pad else "")
    _, height, width = run.x.shape
    return [Grid(f"x{c}", height + pad, width + pad, heading=heading if c == 0 else "") for c in range(len(run.x))]


def _maps(name, maps, heading):
    if not maps.size:
        return []
    return [Grid(f"{name}{k}", *maps.shape[1:], heading=heading if k == 0 else "") for k in range(len(maps))]


def _filters(run, name, bias, heading):
    """For each filter the slices of its channels, and its bias below the last one; none for pooling."""
    if run.operation in POOLING:
        return []
    size, last = run.geometry.size, len(run.x) - 1
    titles = [f"{heading} {k}" if len(run.w) > 1 else heading for k in range(len(run.w))]
    biases = [Grid(f"{bias}{k}", 1, 1, True) if bias else None for k in range(len(run.w))]
    return [
        [
            Grid(f"{name}{k}.{c}", size, size, True, titles[k] if c == 0 else "", biases[k] if c == last else None)
            for c in range(len(run.x))
        ]
        for k in range(len(run.w))
    ]


class _Tints:
    """Colours of values: by sign and size within each kind of grid, or from black to white for pictures."""

    def __init__(self, run, state):
        is_picture = state["input"] in (*PICTURES, OWN) and run.x.min() >= 0 and 0 < run.x.max() <= 1
        self.gray = {f"x{c}" for c in range(len(run.x))} if is_picture else set()
        # Where the weights add up to 1, gray stays gray: the map is a picture again.
        images = (
            range(len(run.out)) if run.operation in POOLING else np.flatnonzero(abs(run.w.sum((1, 2, 3)) - 1) < 0.1)
        )
        self.gray |= {f"out{k}" for k in images} if is_picture else set()
        # Gradients keep the colours that they have at the end, so that steps do not change all of them.
        last = Pass({**state, "step": last_step(state)}) if state["view"] == "backward" else run
        self.largest = {
            kind: np.abs(getattr(run, kind)).max(initial=0) or 1.0 for kind in ("x", "w", "b", "out", "dout")
        }
        self.largest |= {kind: np.abs(getattr(last, kind)).max() or 1.0 for kind in ("dx", "dw", "db")}

    def __call__(self, name, values):
        """(fills, inks) of the values of a grid, as flat lists of colours."""
        if name in self.gray:
            colors = np.repeat(values.reshape(-1, 1).clip(0, 1), 3, axis=1)
        else:
            share = (values.reshape(-1, 1) / self.largest[split_name(name)[0]]).clip(-1, 1)
            far = np.where(share < 0, rgb(NEGATIVE), rgb(POSITIVE))
            colors = rgb(ZERO) + np.abs(share) * (far - rgb(ZERO))
        linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
        light = linear @ (0.2126, 0.7152, 0.0722) > 0.179
        whole = np.rint(255 * colors).astype(int).tolist()
        return ["#" + bytes(color).hex() for color in whole], [BLACK if one else WHITE for one in light]


def _drawn(run, grid, position, tints):
    """One grid: its cells row by row."""
    x, y, cell = position
    kind, index = split_name(grid.name)
    values = np.atleast_2d(getattr(run, kind)[index])
    fills, inks = tints(grid.name, values)
    texts = [number(value) for value in values.ravel()] if cell >= LEGIBLE - 4 else [""] * values.size
    if kind == "out":
        waiting = range(max(run.step - index[0] * values.size, 0), values.size)
        for i in waiting:
            fills[i] = texts[i] = ""
    title = f"{kind}[{', '.join(str(i) for i in index)}]"
    drawn = {"title": title, "kind": kind, "x": x, "y": y, "cell": cell, "rows": grid.rows, "columns": grid.columns}
    drawn |= {"fills": fills, "inks": inks, "texts": texts, "pad": 0, "dots": [], "unseen": [0, 0]}
    drawn["editable"] = kind in ("x", "w", "b", "dout")
    if kind == "x":
        drawn["pad"] = run.geometry.pad
        drawn["pad_text"] = ("−∞" if run.operation == "max" else "0") if cell >= LEGIBLE - 4 else ""
        drawn["unseen"] = list(run.geometry.left_over) if run.fits else [0, 0]
        if run.switches is not None and run.step:
            done = run.switches[index].reshape(-1, 2)[: max(run.step - index[0] * run.out[0].size, 0)]
            drawn["dots"] = done.tolist()
    return drawn


def _sentence(run, view):
    if not run.fits:
        return "The window does not fit."
    if run.step == 0:
        return "The input is given." if view == "forward" else "The upstream gradient is given, the others are 0."
    place = list(run.cell(run.step))
    if view == "forward":
        return f"Forward: out{place} = {number(run.out[tuple(place)])}"
    spread = {"convolution": "times the weights, and times the pixels of its window", "max": "to the maximum of its "
              "window", "average": "in equal shares to its window"}[run.operation]  # fmt: skip
    return f"Backward: dout{place} = {number(run.dout[tuple(place)])} goes {spread}"
