"""Lecture 02: nearest neighbours as pictures, the shapes of L1 and L2, and what turning the axes does to each."""

import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage

from cs231n_kit import image_transforms as transforms
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.neighbors import KNearestNeighbor
from cs231n_kit.plots import (
    COLORS,
    INK,
    RIGHT,
    WRONG,
    draw_bars,
    draw_regions,
    new_figure,
    plane_grid,
    show_image,
)

METRICS = {"l1": "L1", "l2": "L2"}


def explore_neighbors(images, labels, train_images, train_labels, class_names, neighbors, *, shown=12):
    """Show the nearest training images of a new image, and how they vote.

    images, labels: the new images (N, H, W, C) and labels (N,); neighbors: {"l1" or "l2": (N, >= shown) indices into
    the training images, nearest first}.
    """

    def draw(image, k, metric):
        index = image - 1
        nearest = neighbors[metric][index, :shown]
        votes = np.bincount(train_labels[nearest[:k]], minlength=len(class_names))
        winner, tied = votes.argmax(), np.flatnonzero(votes == votes.max())
        figure = Figure(figsize=(9.8, 3.5), layout="constrained", facecolor="white")
        grid = figure.add_gridspec(2, 9)
        right = winner == labels[index]
        show_image(
            figure.add_subplot(grid[:, :2]), images[index], f"new image {image}: {class_names[labels[index]]}",
            caption=f"predicted: {class_names[winner]} {'✓' if right else '✗'}", color=RIGHT if right else WRONG,
        )  # fmt: skip
        for place, neighbor in enumerate(nearest):
            ax = figure.add_subplot(grid[place // 6, 2 + place % 6])
            same = train_labels[neighbor] == labels[index]
            show_image(
                ax, train_images[neighbor], class_names[train_labels[neighbor]],
                RIGHT if same else WRONG, frame=RIGHT if same else WRONG,
            )  # fmt: skip
            if place >= k:
                for artist in (*ax.images, *ax.spines.values(), ax.title):
                    artist.set_alpha(0.22)
        ax = figure.add_subplot(grid[:, 8])
        present = np.flatnonzero(votes)
        ax.bar(range(len(present)), votes[present], color=[COLORS[0] if c == winner else "#b9c4cc" for c in present])
        ax.set_xticks(range(len(present)), [class_names[c] for c in present], rotation=90, fontsize=9)
        ax.set_yticks(range(0, votes.max() + 1, max(1, votes.max() // 4)))
        ax.set_title("votes", fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
        text = f"{METRICS[metric]}, k = {k}: {votes[winner]} of {k} neighbours vote <b>{class_names[winner]}</b>, " + (
            "which is right." if right else f"but the image shows a <b>{class_names[labels[index]]}</b>."
        )
        if len(tied) > 1:
            text += f" A tie between {' and '.join(class_names[c] for c in tied)}: the smaller label wins."
        return figure, text

    controls = {
        "image": slider("New image", 1, len(images), 1),
        "k": slider("k", 1, shown, 5),
        "metric": choice("Distance", [(name, metric) for metric, name in METRICS.items()], "l2"),
    }
    return Exploration(draw, controls, description="A new image, its nearest training images, and their votes")


def rotate(points, degrees):
    """Turn points (N, 2) about the origin, counter-clockwise."""
    angle = np.deg2rad(degrees)
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def island_share(classifier, point, label, *, limit, resolution=200):
    """Return the share of the square [-limit, limit]^2 that is joined to `point` (2,) and classified as `label`."""
    predicted = classifier.predict(plane_grid(limit, resolution)).reshape(resolution, resolution)
    pieces, _ = ndimage.label(predicted == label)
    column, row = np.rint((np.asarray(point) + limit) / (2 * limit) * (resolution - 1)).astype(int)
    return float(np.mean(pieces == pieces[row, column])) if pieces[row, column] else 0.0


def tied_share(classifier, *, limit, resolution=120):
    """Return the share of the square [-limit, limit]^2 in which the two classes with most votes have equally many."""
    second, first = np.sort(classifier.scores(plane_grid(limit, resolution)), axis=1)[:, -2:].T
    return float(np.mean(np.isclose(first, second)))


class TurnedAxes:
    """A nearest-neighbour classifier that sees the plane in axes turned by `degrees`: the data stay, the axes move."""

    def __init__(self, X, y, metric, degrees, k=1):
        self.degrees = degrees
        self.classifier = KNearestNeighbor(k=k, metric=metric).fit(rotate(X, -degrees), y)

    def scores(self, points):
        """Return the share of the votes for each class, (N, C), at points (N, 2)."""
        return self.classifier.scores(rotate(points, -self.degrees))


def share_changed(X, y, metric, degrees, *, limit, k=1, resolution=70):
    """Return the share of the square [-limit, limit]^2 whose label changes when the axes turn by `degrees`."""
    grid = plane_grid(limit, resolution)
    before, after = (TurnedAxes(X, y, metric, angle, k).scores(grid).argmax(axis=1) for angle in (0, degrees))
    return float(np.mean(before != after))


def explore_rotation(X, y, *, limit, k=1):
    """Turn the coordinate axes under points (N, 2) and watch the regions of L1 and L2; the curve is measured first."""
    angles = np.arange(0, 91, 3)
    curves = {metric: [share_changed(X, y, metric, a, limit=limit, k=k) for a in angles] for metric in METRICS}

    def draw(angle):
        figure, axes = new_figure(9.8, 3.1, 1, 4)
        corners = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]], float)
        turns = np.linspace(0, 2 * np.pi, 121)
        circle = np.stack([np.cos(turns), np.sin(turns)], axis=1)
        for axis_end in rotate(np.array([[1.35, 0], [0, 1.35]]), angle):
            axes[0].annotate("", axis_end, -axis_end, arrowprops={"arrowstyle": "->", "color": "#777777"})
        axes[0].plot(*circle.T, color=COLORS[0], linewidth=2.5, label="L2")
        axes[0].plot(*rotate(corners, angle).T, color=WRONG, linewidth=2.5, label="L1")
        axes[0].set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", xticks=[], yticks=[])
        axes[0].set_title("all points at distance 1", fontsize=11)
        axes[0].legend(loc="lower left", fontsize=8.5, handlelength=1.2, frameon=False, ncols=2)
        for ax, (metric, name) in zip(axes[1:], METRICS.items(), strict=False):
            draw_regions(ax, TurnedAxes(X, y, metric, angle, k), X, y, limit=limit, title=f"regions by {name}")
        ax = axes[3]
        now = {}
        for (metric, name), color in zip(METRICS.items(), (WRONG, COLORS[0]), strict=True):
            ax.plot(angles, 100 * np.array(curves[metric]), color=color, linewidth=2, label=name)
            now[metric] = 100 * np.interp(angle, angles, curves[metric])
            ax.plot(angle, now[metric], "o", color=color, markersize=8)
        ax.set(xlabel="axes turned by (°)", xticks=range(0, 91, 30))
        ax.set_title("plane with a new label (%)", fontsize=11)
        ax.legend(fontsize=9, frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        return figure, (
            f"Axes turned by {angle}°: the label changed on <b>{now['l1']:.1f} % of the plane for L1</b> "
            f"and on <b>{now['l2']:.1f} % for L2</b>."
        )

    controls = {"angle": slider("Turn the axes (°)", 0, 90, 0)}
    return Exploration(draw, controls, description="Unit circles and decision regions of L1 and L2 in turned axes")


COPIES = {
    "shifted": (transforms.shifted, 0.0, 0.4),
    "tinted": (transforms.tinted, 0.0, 1.0),
    "boxed": (transforms.boxed, 0.0, 1.0),
}


def copies_at_distance(image, distance):
    """Return {name: (H, W, C) float64} shifted, tinted and boxed copies of `image`, all at one L2 distance from it."""
    image = np.asarray(image, float)
    return {
        name: transforms.at_distance(change, image, distance, low, high) for name, (change, low, high) in COPIES.items()
    }


def largest_common_distance(image):
    """Return an L2 distance that all three kinds of copies can reach, a little below the largest such."""
    image = np.asarray(image, float)
    return 0.97 * min(transforms.l2_distance(change(image, high), image) for change, _, high in COPIES.values())


def explore_equal_distances(images):
    """Show shifted, tinted and boxed copies that are exactly equally far from their original, at any distance."""

    def draw(number, percent):
        image = images[number - 1]
        copies = copies_at_distance(image, largest_common_distance(image) * percent / 100)
        figure, axes = new_figure(9.6, 3.1, 1, 4)
        show_image(axes[0], image, "original")
        for ax, (name, copy) in zip(axes[1:], copies.items(), strict=True):
            shown = np.clip(np.rint(copy), 0, 255).astype(np.uint8)
            show_image(ax, shown, name, caption=f"L2 = {transforms.l2_distance(copy, image):.8f}")
        return figure, "Three very different changes, one distance: to the nearest-neighbour rule they are the same."

    controls = {
        "number": slider("Image", 1, len(images), 1),
        "percent": slider("Distance (% of largest)", 5, 100, 80),
    }
    return Exploration(draw, controls, description="An image and three changed copies at the same L2 distance")


def prediction_cost(seconds_per_image, sizes, predicted_sizes):
    """Plot measured prediction time against the number of stored images, and continue the line to larger sets.

    seconds_per_image, sizes: what was measured; predicted_sizes: {number of images: name of that collection}.
    """
    sizes, seconds = np.asarray(sizes, float), np.asarray(seconds_per_image, float)
    # Least squares through the origin: the work is proportional to the number of stored images.
    slope = (sizes @ seconds) / (sizes @ sizes)
    figure, axes = new_figure(9.6, 3.3, 1, 2)
    axes[0].plot(sizes, 1000 * seconds, "o-", color=COLORS[0], label="measured just now")
    axes[0].plot([0, sizes.max()], [0, 1000 * slope * sizes.max()], "--", color=INK, label="proportional")
    axes[0].set(xlabel="stored training images", ylabel="milliseconds for one image", ylim=(0, None), xlim=(0, None))
    axes[0].legend(frameon=False, fontsize=9)
    axes[0].spines[["top", "right"]].set_visible(False)
    milliseconds = [1000 * slope * size for size in predicted_sizes]
    labels = [f"{name}\n({size:,})" for size, name in predicted_sizes.items()]
    draw_bars(axes[1], milliseconds, labels, title="continued: ms to predict one image", form="{:,.0f}", log=True)
    axes[1].margins(x=0.3)
    return figure
