"""Terms, sums and marks: what the stories of the convolution playground are put together from."""

from cs231n_kit.widgets.circuit_words import bracketed, number

MOST_NAMED = 9  # terms that are written out with the names of their factors


def mark(grid, kind, cells):
    """Cells (row, column) of a grid to be framed: as "focus", "read" or "written"."""
    return {"grid": grid, "kind": kind, "cells": [list(cell) for cell in cells]}


def product(a, b):
    """Two factors, as ``3·(−1)``."""
    return f"{number(a)}·{bracketed(number(b))}"


def joined(texts):
    """Terms joined: the first as it is, negative ones in brackets."""
    texts = list(texts)
    return " + ".join([texts[0], *(bracketed(text) for text in texts[1:])]) if texts else "0"


def sum_row(label, lines, total):
    """Lines of terms that add up to a total, as a row of a story."""
    lines = list(lines)
    lines = [line + (" +" if i + 1 < len(lines) else "") for i, line in enumerate(lines)]
    return {"label": label, "lines": lines, "total": number(total)}


def cells(rows, columns):
    """All cells of these rows and columns, row by row."""
    return [[row, column] for row in rows for column in columns]


def brackets(*index):
    """An index, as ``[0, 1, 2]``."""
    return f"[{', '.join(str(i) for i in index)}]"


def windows_text(count):
    return f"{count} window{'' if count == 1 else 's'}"


def inside(run, window):
    """The cells of a window that are pixels, not padding."""
    _, height, width = run.x.shape
    return [[m, n] for m, n in window if 0 <= m < height and 0 <= n < width]
