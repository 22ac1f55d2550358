"""The sums and choices behind the numbers of pooling, written out for the convolution playground."""

from cs231n_kit.widgets.circuit_words import number
from cs231n_kit.widgets.convolution_words import (
    MOST_NAMED,
    brackets,
    cells,
    inside,
    joined,
    mark,
    sum_row,
    windows_text,
)


def pooled(run, c, i, j, _view):
    rows, columns = run.window(i, j)
    value = number(run.out[c, i, j])
    marks = [mark(f"x{c}", "read", cells(rows, columns))]
    title = f"out{brackets(c, i, j)} = {value}"
    if run.operation == "average":
        lines = [joined(number(run.at(c, m, n)) for n in columns) for m in rows]
        count = run.geometry.size**2
        total = sum(run.at(c, m, n) for m in rows for n in columns)
        return {
            "title": title,
            "rows": [sum_row("the sum of the window", lines, total)],
            "sum": f"{number(total)} / {count} = {value}",
            "note": "Padding counts as 0." if run.geometry.pad else "",
            "marks": marks,
        }
    pixels = inside(run, cells(rows, columns))
    m, n = run.switches[c, i, j]
    return {
        "title": title,
        "sum": f"max({', '.join(number(run.at(c, *cell)) for cell in pixels)}) = {value}",
        "note": f"The switch remembers x{brackets(c, m, n)}: that is where the gradient will go. Of equal numbers "
        "the first one counts, and padding never.",
        "marks": [*marks, mark(f"x{c}", "written", [[int(m), int(n)]])],
    }


def pooled_pixel(run, c, m, n, _view):
    seen = run.seen_by(m, n)
    won = sum(_is_switch(run, c, i, j, m, n) for i, j, _, _ in seen)
    best = f", the maximum of {won}" if run.operation == "max" and seen else ""
    return {
        "title": f"x{brackets(c, m, n)} = {number(run.at(c, m, n))}, in {windows_text(len(seen))}{best}",
        "note": "" if seen else "No window sees it.",
        "marks": [mark(f"out{c}", "written", [[i, j] for i, j, _, _ in seen])],
    }


def _is_switch(run, c, i, j, m, n):
    return run.switches is not None and tuple(run.switches[c, i, j]) == (m, n)


def pooled_upstream(run, c, i, j, _view):
    rows, columns = run.window(i, j)
    upstream = float(run.dout[c, i, j])
    window = cells(rows, columns)
    title = f"dout{brackets(c, i, j)} = {number(upstream)}"
    marks = [mark(f"x{c}", "read", window)]
    if run.operation == "max":
        m, n = (int(k) for k in run.switches[c, i, j])
        return {
            "title": title,
            "sum": f"dx{brackets(c, m, n)} gets all of it: {number(upstream)}",
            "note": "The switch says where the maximum was; the others of the window get nothing.",
            "marks": [*marks, mark(f"dx{c}", "written", [[m, n]])],
        }
    pixels = inside(run, window)
    share = number(upstream / len(window))
    return {
        "title": title,
        "sum": f"each of the window's {len(window)} cells gets {number(upstream)} / {len(window)} = {share}",
        "note": "" if len(pixels) == len(window) else "The padding's share is dropped.",
        "marks": [*marks, mark(f"dx{c}", "written", pixels)],
    }


def pooled_gradient(run, c, m, n, _view):
    count = run.geometry.size**2
    seen = run.seen_by(m, n)
    come = [(i, j) for i, j, _, _ in seen if run.order((c, i, j)) <= run.step]
    lines, texts = [], []
    for i, j in come:
        name, upstream = f"dout{brackets(c, i, j)}", float(run.dout[c, i, j])
        if run.operation == "average":
            lines.append(f"{name} / {count} = {number(upstream)} / {count}")
            texts.append(number(upstream / count))
        elif _is_switch(run, c, i, j, m, n):
            lines.append(f"{name} = {number(upstream)}: the maximum was here")
            texts.append(number(upstream))
        else:
            winner = run.switches[c, i, j]
            lines.append(f"nothing of {name}: its maximum was x{brackets(c, *winner)}")
    waiting = len(seen) - len(come)
    so_far = f" so far, {waiting} more to come" if waiting else ""
    value = number(run.dx[c, m, n])
    many = "Overlapping windows: what they send adds up." if len(texts) > 1 else ""
    return {
        "title": f"dx{brackets(c, m, n)} = {value}{so_far}",
        "rows": [{"label": "the sum of", "lines": lines[:MOST_NAMED], "total": None}] if lines else [],
        "sum": f"{joined(texts)} = {value}" if len(texts) > 1 else "",
        "note": many if seen else "No window sees this pixel.",
        "marks": [mark(f"dout{c}", "read", [[i, j] for i, j, _, _ in seen])],
    }
