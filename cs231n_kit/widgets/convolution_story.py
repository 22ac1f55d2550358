"""What the convolution playground writes out: the sum behind each number, and the cells that it is made of.

A place is {"grid", "row", "column"}. Grids are called x0, w0.1 (filter 0, channel 1), b0, out0, dout0, dx0, dw0.1, db0.
A story is {"title", "rows", "sum", "note", "marks"}: a row has a label, lines of terms, and their total; a mark is
{"grid", "kind", "cells"} with the kinds "focus", "read" (what goes in) and "written" (what it goes to).
"""

from cs231n_kit.widgets.circuit_words import bracketed, number
from cs231n_kit.widgets.convolution_pooling_story import pooled, pooled_gradient, pooled_pixel, pooled_upstream
from cs231n_kit.widgets.convolution_words import (
    MOST_NAMED,
    brackets,
    cells,
    inside,
    joined,
    mark,
    product,
    sum_row,
    windows_text,
)

HIDDEN = {"forward": ("dout", "dx", "dw", "db"), "backward": ("out", "b")}
NOTHING = {"title": "", "rows": [], "sum": "", "note": "", "marks": []}


def tell(run, place, view):
    """The story of a place; of the output that the step computed where there is none."""
    if not run.fits:
        return NOTHING | {"title": "There is no output to explain."}
    if place is None or not _is_there(run, place, view):
        if run.step == 0:
            start = "Each output is computed from one window" if view == "forward" else "Each output sends its gradient"
            return NOTHING | {"title": "Step on, play, or point at a cell.", "note": f"{start}, one step for each."}
        k, row, column = run.cell(run.step)
        place = {"grid": f"{'out' if view == 'forward' else 'dout'}{k}", "row": row, "column": column}
    kind, index = split_name(place["grid"])
    story = TELLERS[kind, run.operation != "convolution"](run, *index, place["row"], place["column"], view)
    focus = mark(place["grid"], "focus", [[place["row"], place["column"]]])
    return NOTHING | story | {"marks": [focus, *story["marks"]]}


def split_name(grid):
    """The kind of a grid's name, and its indices: "w0.1" is ("w", (0, 1))."""
    kind = grid.rstrip("0123456789.")
    return kind, tuple(int(part) for part in grid[len(kind) :].split(".") if part)


def _is_there(run, place, view):
    """Whether the picture has this cell; it may have gone since somebody pointed at it."""
    kind, index = split_name(place["grid"])
    if (kind, run.operation != "convolution") not in TELLERS or kind in HIDDEN[view]:
        return False
    array, pad = getattr(run, kind), run.geometry.pad if kind == "x" else 0
    shape = (*array.shape, 1, 1) if kind in ("b", "db") else array.shape
    if len(index) != len(shape) - 2 or any(i >= n for i, n in zip(index, shape, strict=False)):
        return False
    return all(-pad <= place[name] < n + pad for name, n in zip(("row", "column"), shape[-2:], strict=True))


# --- convolution, forward


def _output(run, k, i, j, _view):
    rows, columns = run.window(i, j)
    parts, totals, marks = [], [], [mark(f"b{k}", "read", [[0, 0]])]
    size = range(run.geometry.size)
    for c in range(len(run.x)):
        lines = [joined(product(run.at(c, rows[p], columns[q]), run.w[k, c, p, q]) for q in size) for p in size]
        total = sum(run.at(c, rows[p], columns[q]) * run.w[k, c, p, q] for p in size for q in size)
        parts.append(sum_row(f"channel {c}: x·w", lines, total))
        totals.append(number(total))
        marks.append(mark(f"x{c}", "read", cells(rows, columns)))
        marks.append(mark(f"w{k}.{c}", "read", cells(size, size)))
    title = f"out{brackets(k, i, j)} = {number(run.out[k, i, j])}"
    bias = bracketed(number(run.b[k]))
    return {
        "title": title,
        "rows": parts,
        "sum": f"{joined(totals)} + bias {bias} = {number(run.out[k, i, j])}",
        "marks": marks,
    }


def _pixel_in_sums(run, c, m, n, _view):
    seen = run.seen_by(m, n)
    lines = [f"out{brackets(0, i, j)} through w{brackets(0, c, p, q)}" for i, j, p, q in seen[:MOST_NAMED]]
    label = "it goes into" if len(seen) <= MOST_NAMED else f"it goes into {len(seen)} outputs, the first of which are"
    marks = [mark(f"out{k}", "written", [[i, j] for i, j, _, _ in seen]) for k in range(len(run.w))]
    marks += [mark(f"w{k}.{c}", "read", [[p, q] for _, _, p, q in seen]) for k in range(len(run.w))]
    note = "Each of these outputs will send it a gradient in the backward pass."
    note += " So will those of the other maps." if len(run.w) > 1 else ""
    unseen = "No window sees it: the stride or the dilation steps over it, or it lies beyond the last window."
    return {
        "title": f"x{brackets(c, m, n)} = {number(run.at(c, m, n))}, in {windows_text(len(seen))}",
        "rows": [{"label": label, "lines": lines, "total": None}] if seen else [],
        "note": note if seen else unseen,
        "marks": marks,
    }


def _weight_in_sums(run, k, c, p, q, _view):
    _, height, width = run.out.shape
    return {
        "title": f"w{brackets(k, c, p, q)} = {number(run.w[k, c, p, q])}, used {height * width} times",
        "note": f"The same weight in each of the {height} × {width} windows of map {k}: parameters are shared.",
        "marks": [mark(f"x{c}", "read", _pixels_of_weight(run, p, q)), _whole(run, f"out{k}", "written")],
    }


def _pixels_of_weight(run, p, q):
    """The pixels, padding too, that a weight multiplies, output by output."""
    _, height, width = run.out.shape
    windows = [run.window(i, j) for i in range(height) for j in range(width)]
    return [[rows[p], columns[q]] for rows, columns in windows]


def _whole(run, grid, kind):
    _, height, width = run.out.shape
    return mark(grid, kind, cells(range(height), range(width)))


def _bias_in_sums(run, k, _row, _column, _view):
    note = f"Added once to each output of map {k}."
    return {
        "title": f"b[{k}] = {number(run.b[k])}",
        "note": note,
        "marks": [_whole(run, f"out{k}", "written")],
    }


# --- convolution, backward


def _upstream(run, k, i, j, _view):
    rows, columns = run.window(i, j)
    size, upstream = range(run.geometry.size), float(run.dout[k, i, j])
    window = cells(rows, columns)
    parts, marks = [], [mark(f"db{k}", "written", [[0, 0]])]
    for c in range(len(run.x)):
        to_pixels = [", ".join(product(upstream, run.w[k, c, p, q]) for q in size) for p in size]
        to_weights = [", ".join(product(upstream, run.at(c, rows[p], columns[q])) for q in size) for p in size]
        parts.append({"label": f"dx[{c}], in the window, gets dout·w", "lines": to_pixels, "total": None})
        parts.append({"label": f"dw{brackets(k, c)} gets dout·x", "lines": to_weights, "total": None})
        marks += [mark(f"x{c}", "read", window), mark(f"w{k}.{c}", "read", cells(size, size))]
        marks += [mark(f"dx{c}", "written", inside(run, window)), mark(f"dw{k}.{c}", "written", cells(size, size))]
    return {
        "title": f"dout{brackets(k, i, j)} = {number(upstream)}",
        "rows": parts,
        "sum": f"db[{k}] gets {number(upstream)}",
        "note": "What would go to the padding is dropped." if len(inside(run, window)) < len(window) else "",
        "marks": marks,
    }


def _pixel_gradient(run, c, m, n, _view):
    seen = [(k, *place) for k in range(len(run.w)) for place in run.seen_by(m, n)]
    terms = [
        (run.order((k, i, j)), f"dout{brackets(k, i, j)}·w{brackets(k, c, p, q)}",
         float(run.dout[k, i, j]), float(run.w[k, c, p, q]))
        for k, i, j, p, q in seen
    ]  # fmt: skip
    marks = []
    for k in range(len(run.w)):
        own = [place for place in seen if place[0] == k]
        marks.append(mark(f"dout{k}", "read", [[i, j] for _, i, j, _, _ in own]))
        marks.append(mark(f"w{k}.{c}", "read", [[p, q] for *_, p, q in own]))
    flipped = "As the window moves on, the pixel moves back through the kernel: dout meets it turned by half a turn."
    name = f"dx{brackets(c, m, n)}"
    return _gradient_sum(run, name, run.dx[c, m, n], terms, marks) | {"note": flipped if len(seen) > 1 else ""}


def _gradient_sum(run, name, value, terms, marks):
    """A gradient as the sum of what has arrived: terms are (step, names, factor, factor)."""
    come = [term for term in terms if term[0] <= run.step]
    named = len(terms) <= MOST_NAMED
    lines = [f"{names} = {product(a, b)} = {number(a * b)}" for _, names, a, b in come] if named else []
    parts = [{"label": "the sum of", "lines": lines, "total": None}] if lines else []
    waiting = len(terms) - len(come)
    so_far = f" so far, {waiting} more to come" if waiting else ""
    products = joined(number(a * b) if named else product(a, b) for _, _, a, b in come)
    total = f"{products} = {number(value)}" if len(come) > 1 else ""
    return {"title": f"{name} = {number(value)}{so_far}", "rows": parts, "sum": total, "marks": marks}


def _weight_gradient(run, k, c, p, q, _view):
    pixels = _pixels_of_weight(run, p, q)
    places = cells(*(range(n) for n in run.out.shape[1:]))
    terms = [
        (run.order((k, i, j)), f"dout{brackets(k, i, j)}·x{brackets(c, m, n)}",
         float(run.dout[k, i, j]), run.at(c, m, n))
        for (i, j), (m, n) in zip(places, pixels, strict=True)
    ]  # fmt: skip
    marks = [_whole(run, f"dout{k}", "read"), mark(f"x{c}", "read", pixels)]
    note = "Every output used this weight, so every output sends it a gradient: dout slides over x."
    return _gradient_sum(run, f"dw{brackets(k, c, p, q)}", run.dw[k, c, p, q], terms, marks) | {"note": note}


def _bias_gradient(run, k, _row, _column, _view):
    come = [float(value) for value in run.dout[k].ravel()[: max(run.step - k * run.dout[k].size, 0)]]
    rest = run.dout[k].size - len(come)
    so_far = f" so far, {rest} more to come" if rest else ""
    return {
        "title": f"db[{k}] = {number(run.db[k])}{so_far}",
        "sum": f"{joined(number(value) for value in come)} = {number(run.db[k])}" if len(come) > 1 else "",
        "note": f"The bias is added once to each output of map {k}, so it gets the sum of their gradients.",
        "marks": [_whole(run, f"dout{k}", "read")],
    }


def _pixel(run, c, m, n, view):
    if not (0 <= m < run.x.shape[1] and 0 <= n < run.x.shape[2]):
        never = "it never is the maximum" if run.operation == "max" else "it counts as 0"
        return {"title": f"padding: {never}", "note": "Gradients that would go here are dropped.", "marks": []}
    pooling = run.operation != "convolution"
    if view == "forward":
        return (pooled_pixel if pooling else _pixel_in_sums)(run, c, m, n, view)
    return (pooled_gradient if pooling else _pixel_gradient)(run, c, m, n, view)


def _weight(run, k, c, p, q, view):
    return (_weight_in_sums if view == "forward" else _weight_gradient)(run, k, c, p, q, view)


def _bias(run, k, row, column, view):
    return (_bias_in_sums if view == "forward" else _bias_gradient)(run, k, row, column, view)


TELLERS = {
    ("x", False): _pixel,
    ("w", False): _weight,
    ("b", False): _bias,
    ("out", False): _output,
    ("dout", False): _upstream,
    ("dx", False): _pixel_gradient,
    ("dw", False): _weight_gradient,
    ("db", False): _bias_gradient,
    ("x", True): _pixel,
    ("out", True): pooled,
    ("dout", True): pooled_upstream,
    ("dx", True): pooled_gradient,
}
