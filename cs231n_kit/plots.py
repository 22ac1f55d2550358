"""Matplotlib figures that the lectures share: image grids, numbers in cells, decision regions, bars and curves.

Every function returns a `matplotlib.figure.Figure` that no window manager knows, so figures neither pile up nor show
twice in a notebook: the last expression of a cell displays it.
"""

import numpy as np
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure

from cs231n_kit.widgets.palette import COLORS

RIGHT, WRONG, MUTED, INK = "#00805c", "#c23b00", "#8a8a8a", "#222222"


def new_figure(width, height, rows=1, columns=1, **options):
    """Return (Figure, axes) of width x height inches; `options` go to `Figure.subplots`."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    return figure, figure.subplots(rows, columns, **options)


def show_image(ax, image, title="", color=INK, frame=None, caption=""):
    """Draw one uint8 image (H, W, C) on `ax`, with a title above and, if wanted, a frame and a caption below it."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    gray = {"cmap": "gray"} if image.ndim == 2 else {}
    if image.dtype == np.uint8 and gray:
        # Digits use 0 to 16 or 0 to 255: show the full range that this image has.
        gray |= {"vmin": 0, "vmax": max(int(image.max()), 1)}
    ax.imshow(image, interpolation="nearest", **gray)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=10, color=color)
    ax.set_xlabel(caption, fontsize=9.5, color=color)
    for spine in ax.spines.values():
        spine.set_visible(frame is not None)
        if frame is not None:
            spine.set(color=frame, linewidth=4)


def image_grid(rows, titles, columns, *, title=""):
    """Show len(rows) rows of images, each with its title at the left; every row holds at most `columns` images."""
    figure, axes = new_figure(0.9 * columns + 1.2, 0.88 * len(rows) + 0.35, len(rows), columns, squeeze=False)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    for row_axes, images, name in zip(axes, rows, titles, strict=True):
        for ax in row_axes:
            ax.axis("off")
        for ax, image in zip(row_axes, images[:columns], strict=False):
            show_image(ax, image)
        row_axes[0].text(
            -0.15, 0.5, name, transform=row_axes[0].transAxes, ha="right", va="center", fontsize=11, color=INK
        )
    figure.suptitle(title, fontsize=12)
    return figure


def write_numbers(ax, values, *, cmap="gray", low=0, high=255, title="", form="{:.0f}"):
    """Show a small matrix as cells with its numbers written in them, dark on light and light on dark."""
    values = np.asarray(values)
    ax.imshow(values, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    size = np.clip(90 / max(values.shape), 4.5, 15)
    shades = ax.images[-1].cmap(ax.images[-1].norm(values))[..., :3] @ (0.3, 0.59, 0.11)
    for (row, column), value in np.ndenumerate(values):
        ink = "black" if shades[row, column] > 0.5 else "white"
        ax.text(column, row, form.format(value), ha="center", va="center", fontsize=size, color=ink)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=11)


def difference_in_numbers(a, b, names=("new image", "training image")):
    """Work out L1 and L2 between two small matrices (H, W) of pixel values, cell by cell."""
    a, b = np.asarray(a, int), np.asarray(b, int)
    difference = np.abs(a - b)
    figure, axes = new_figure(9.6, 3.5, 1, 3)
    for ax, values, title in zip(axes[:2], (a, b), names, strict=True):
        write_numbers(ax, values, title=title, high=max(a.max(), b.max(), 1))
    write_numbers(axes[2], difference, title="absolute difference", cmap="Oranges", high=max(difference.max(), 1))
    l1, squares = difference.sum(), (difference**2).sum()
    axes[2].set_xlabel(f"L1: their sum = {l1:,}\nL2: √ of the sum of squares = √{squares:,} = {np.sqrt(squares):,.1f}")
    for ax, sign in zip(axes[1:], ("−", "="), strict=True):
        ax.text(-0.11, 0.5, sign, transform=ax.transAxes, fontsize=22, ha="center", va="center")
    return figure


def region_image(scores):
    """Turn scores (H, W, C) into an RGB image (H, W, 3): the winner's colour, pale, and white where votes tie."""
    scores = np.asarray(scores, float)
    top = np.sort(scores, axis=-1)[..., -2:]
    pale = 1 - 0.55 * (1 - np.array([to_rgb(color) for color in COLORS]))
    image = pale[scores.argmax(axis=-1)]
    image[np.isclose(top[..., 0], top[..., 1])] = 1
    return image


def plane_grid(limit, resolution):
    """Return the points (resolution**2, 2) of a square grid over [-limit, limit]^2, rows from bottom to top."""
    line = np.linspace(-limit, limit, resolution)
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


def draw_regions(ax, classifier, X, y, *, limit, resolution=120, title="", classes=None):
    """Colour the square [-limit, limit]^2 by `classifier.scores`, with the training points (N, 2) on top."""
    scores = classifier.scores(plane_grid(limit, resolution)).reshape(resolution, resolution, -1)
    extent = (-limit, limit, -limit, limit)
    ax.imshow(region_image(scores), origin="lower", extent=extent, interpolation="nearest")
    palette = ListedColormap(COLORS[: classes or int(y.max()) + 1])
    ax.scatter(*X.T, c=y, cmap=palette, vmin=0, vmax=palette.N - 1, s=26, edgecolor="white", linewidth=0.8, zorder=2)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[])
    ax.set_title(title, fontsize=11)
    return scores


def decision_regions(classifiers, X, y, *, limit, mark=None):
    """Draw the same points under several fitted classifiers {title: classifier}; `mark` is a point (2,) to circle."""
    width = 9.8 / len(classifiers)
    figure, axes = new_figure(9.8, width + 0.35, 1, len(classifiers), squeeze=False)
    for ax, (title, classifier) in zip(axes[0], classifiers.items(), strict=True):
        draw_regions(ax, classifier, X, y, limit=limit, title=title)
        if mark is not None:
            ax.plot(*mark, "o", markersize=20, markerfacecolor="none", color=INK, markeredgewidth=1.8)
    return figure


def labelled_bars(values, labels, *, title="", unit="", colors=None, form="{:,.0f}", log=False):
    """Draw horizontal bars from top to bottom, each with its value written behind it."""
    figure, ax = new_figure(8.4, 0.55 + 0.42 * len(values))
    draw_bars(ax, values, labels, title=title, unit=unit, colors=colors, form=form, log=log)
    return figure


def draw_bars(ax, values, labels, *, title="", unit="", colors=None, form="{:,.0f}", log=False):
    """The same bars on an axes that is there already."""
    bars = ax.barh(range(len(values)), values, color=colors or COLORS[0], height=0.66, log=log)
    ax.bar_label(bars, [form.format(value) for value in values], padding=5, fontsize=10)
    ax.set_yticks(range(len(values)), labels)
    ax.invert_yaxis()
    ax.margins(x=0.14)
    ax.set_xlabel(unit)
    ax.set_title(title, fontsize=11, loc="left")
    ax.spines[["top", "right"]].set_visible(False)
