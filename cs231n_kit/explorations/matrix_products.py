"""Lecture 04: shapes of a matrix product and of its gradients, and networks as matrix products, in pictures."""

from itertools import pairwise

import numpy as np
from matplotlib.patches import Rectangle

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.gradients import numeric_gradients, relative_error
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, new_figure

UNIT = 0.34  # side of a cell
GAP = 0.75  # between two matrices, for the sign
WIDTH = 18 * UNIT + 2 * GAP + 0.4  # of three matrices at their largest


def product_gradients(W, X, dD):
    """The gradients of D = W X: dW = dD Xᵀ and dX = Wᵀ dD, each in the shape of what it belongs to."""
    return dD @ X.T, W.T @ dD


def explore_matrix_product():
    """Choose the sizes of D = W X and one element of dW; see which numbers go into it, and check all numerically."""

    def draw(rows, inner, columns, row, column):
        row, column = min(row, rows), min(column, inner)
        rng = np.random.default_rng(0)
        W, X, dD = (rng.standard_normal(shape) for shape in ((rows, inner), (inner, columns), (rows, columns)))
        dW, dX = product_gradients(W, X, dD)
        numeric = numeric_gradients(lambda W, X: W @ X, W, X, dout=dD)
        errors = [relative_error(*pair) for pair in zip((dW, dX), numeric, strict=True)]
        figure, axes = new_figure(8.8, 0.5 + UNIT * (2 * max(rows, inner) + inner + 5), 3, 1)
        lit = {"row": row - 1, "column": column - 1}
        _equation(axes[0], [("D", rows, columns, {}), ("W", rows, inner, {}), ("X", inner, columns, {})], INK)
        _equation(axes[1], [
            ("dW", rows, inner, {"cell": (lit["row"], lit["column"])}),
            ("dD", rows, columns, {"row": lit["row"]}),
            ("Xᵀ", columns, inner, {"column": lit["column"]}),
        ], WRONG)  # fmt: skip
        _equation(axes[2], [("dX", inner, columns, {}), ("Wᵀ", inner, rows, {}), ("dD", rows, columns, {})], WRONG)
        terms = " + ".join(f"{a:.2f} · {b:.2f}" for a, b in zip(dD[row - 1], X[column - 1], strict=True))
        return figure, (
            f"dW[{row - 1}, {column - 1}] = {terms} = <b>{dW[row - 1, column - 1]:.3f}</b>: row {row - 1} of dD, where "
            f"W[{row - 1}, {column - 1}] had its say, times row {column - 1} of X, which it was multiplied by.<br>"
            f"Against numeric gradients: largest relative error {errors[0]:.0e} for dW, {errors[1]:.0e} for dX."
        )

    controls = {
        "rows": slider("Rows of W", 1, 6, 4),
        "inner": slider("Columns of W", 1, 6, 5),
        "columns": slider("Columns of X", 1, 6, 3),
        "row": slider("Row of dW", 1, 6, 2),
        "column": slider("Column of dW", 1, 6, 3),
    }
    return Exploration(
        draw, controls, description="Matrices of a product and of its gradients, drawn with their shapes"
    )


def _equation(ax, matrices, color):
    """Draw ``first = second third`` as grids; lit: the row, column or cell to fill."""
    total = sum(columns for _, _, columns, _ in matrices) * UNIT + 2 * GAP
    middle, left = 0.0, (WIDTH - total) / 2
    signs = ("=", "·", "")
    for (name, rows, columns, lit), sign in zip(matrices, signs, strict=True):
        width, height = columns * UNIT, rows * UNIT
        for i in range(rows):
            for j in range(columns):
                on = lit.get("row") == i or lit.get("column") == j or lit.get("cell") == (i, j)
                corner = (left + j * UNIT, middle + height / 2 - (i + 1) * UNIT)
                fill = COLORS[1] if on else "#eef3f8"
                ax.add_patch(Rectangle(corner, UNIT, UNIT, facecolor=fill, edgecolor="#9aa5b1", linewidth=0.8))
        ax.text(left + width / 2, middle + height / 2 + 0.1, name, ha="center", va="bottom", fontsize=13, color=color)
        ax.text(
            left + width / 2, middle - height / 2 - 0.08, f"{rows} × {columns}", ha="center", va="top", fontsize=9.5
        )
        left += width + GAP
        ax.text(left - GAP / 2, middle, sign, ha="center", va="center", fontsize=17, color=INK)
    tallest = max(rows for _, rows, _, _ in matrices) * UNIT
    ax.set(xlim=(0, WIDTH), ylim=(-tallest / 2 - 0.45, tallest / 2 + 0.5), aspect="equal")
    ax.axis("off")
    ax.set_title(" ", fontsize=2)


def layer_shapes(sizes):
    """Shapes of the weight matrices of s = W3 max(0, W2 max(0, W1 x)): one (to, from) for each pair of layers."""
    return [(after, before) for before, after in pairwise(sizes)]


def explore_network():
    """Choose the layers' sizes; see units, wires and matrices, and count parameters."""

    def draw(inputs, first, second, outputs):
        sizes = [inputs, first, second, outputs]
        figure, ax = new_figure(8.8, 4.4)
        names = ("x", "h₁ = max(0, W₁ x)", "h₂ = max(0, W₂ h₁)", "s = W₃ h₂")
        places = [
            [(2.6 * layer, (unit - (size - 1) / 2) * 0.62) for unit in range(size)] for layer, size in enumerate(sizes)
        ]
        for before, after in pairwise(places):
            for x0, y0 in before:
                for x1, y1 in after:
                    ax.plot([x0, x1], [y0, y1], color=MUTED, linewidth=0.7, alpha=0.7, zorder=1)
        for layer, (own, name) in enumerate(zip(places, names, strict=True)):
            color = (MUTED, COLORS[0], COLORS[0], RIGHT)[layer]
            ax.scatter(*np.array(own).T, s=210, color=color, edgecolor="white", linewidth=1.5, zorder=2)
            ax.text(2.6 * layer, 2.75, name, ha="center", va="bottom", fontsize=11)
        for layer, (rows, columns) in enumerate(layer_shapes(sizes)):
            label = f"W{'₁₂₃'[layer]}: {rows} × {columns}"
            ax.text(2.6 * layer + 1.3, -2.75, label, ha="center", va="top", fontsize=11, color=INK)
        ax.set(xlim=(-0.7, 8.5), ylim=(-3.2, 3.2))
        ax.axis("off")
        ax.set_title("every unit is wired to every unit of the next layer, to none of its own", fontsize=10.5)
        weights = [rows * columns for rows, columns in layer_shapes(sizes)]
        biases = sum(sizes[1:])
        return figure, (
            f"A wire is one number of a matrix: {' + '.join(map(str, weights))} = <b>{sum(weights)} weights</b>, and "
            f"{biases} biases besides. The network has {sum(sizes[1:])} neurons and, as layers are counted, 3 layers."
        )

    controls = {
        "inputs": slider("Inputs", 1, 8, 3),
        "first": slider("First hidden layer", 1, 8, 5),
        "second": slider("Second hidden layer", 1, 8, 4),
        "outputs": slider("Scores", 1, 8, 3),
    }
    return Exploration(draw, controls, description="A network of three layers, with the shapes of its weight matrices")
