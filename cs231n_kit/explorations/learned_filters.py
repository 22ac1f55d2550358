"""Lecture 05: what a trained convolutional network has learned: filters, activation maps, and what excites a map."""

from functools import cache

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cs231n_kit.explorations.convolution_kernels import show_map
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.networks import Convolution
from cs231n_kit.networks.receptive_field import ReceptiveField
from cs231n_kit.plots import COLORS, RIGHT, WRONG, new_figure, show_image

SHOWN = 16  # maps of a layer


def filters_figure(weights, title=""):
    """The filters (K, C, F, F) of a first layer as pictures, eight in a row: gray is 0, each on its own scale."""
    columns = 8
    rows = -(-len(weights) // columns)
    figure, axes = new_figure(9.2, 1.3 * rows + 0.4, rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for number, (ax, one) in enumerate(zip(axes.flat, weights, strict=False), 1):
        ax.axis("on")
        scaled = 0.5 + 0.5 * one / max(float(np.abs(one).max()), 1e-12)
        show_image(ax, np.round(255 * np.moveaxis(scaled, 0, -1)).astype(np.uint8), str(number))
        if len(one) == 1:
            ax.images[0].set_clim(0, 255)
    figure.suptitle(title, fontsize=11)
    return figure


def shown_layers(network):
    """{name: path} of the layers of a network that put out maps, in words such as "2 ReLU"."""
    shape, found = network.input_shape, {}
    for path, layer in network.layers():
        shape = layer.output_shape(shape)
        if len(shape) == 3:
            height, width = shape[1:]
            found[f"{path} {type(layer).__name__}, {shape[0]} maps of {height} × {width}"] = path
    return found


def maps_of(network, X):
    """{path: output} of every layer for a batch X, and the scores (N, C)."""
    outputs = {}
    scores = network.forward(X, observe=lambda path, out: outputs.update({path: out.copy()}), cache=False)
    return outputs, scores


def explore_activations(network, X, images, labels, class_names):
    """Choose an image and a layer; see the maps that this layer puts out, and the scores at the end.

    X: images as the network takes them, (N, C, H, W); images: the same to be shown, (N, H, W, C) uint8.
    """
    paths = shown_layers(network)

    def draw(image, layer):
        index, path = image - 1, paths[layer]
        outputs, scores = maps_of(network, X[index : index + 1])
        maps = outputs[path][0]
        figure = Figure(figsize=(10.2, 3.7), layout="constrained", facecolor="white")
        grid = figure.add_gridspec(2, 12)
        winner, truth = int(scores[0].argmax()), int(labels[index])
        color = RIGHT if winner == truth else WRONG
        ax = figure.add_subplot(grid[:, :2])
        show_image(ax, images[index], f"image {image}: {class_names[truth]}")
        ax.set_xlabel(f"predicted: {class_names[winner]}", fontsize=9.5, color=color)
        for number, one in enumerate(maps[:SHOWN]):
            ax = figure.add_subplot(grid[number // 8, 2 + number % 8])
            show_map(ax, one, str(number + 1))
        ax = figure.add_subplot(grid[:, 10:])
        exponentials = np.exp(scores[0] - scores[0].max())
        ax.barh(range(len(class_names)), exponentials / exponentials.sum(), color="#b9c4cc")
        ax.patches[winner].set_color(color)
        ax.set_yticks(range(len(class_names)), class_names, fontsize=8.5)
        ax.set(xlim=(0, 1), xticks=(0, 1))
        ax.invert_yaxis()
        ax.set_title("probability", fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
        some = f"the first {SHOWN} of {len(maps)}" if len(maps) > SHOWN else f"all {len(maps)}"
        return figure, (
            f"Layer {layer}; {some} are drawn, each on its own scale. "
            f"<b>{np.mean(maps == 0):.0%}</b> of the values are exactly 0, and {np.mean(maps < 0):.0%} are below it."
        )

    controls = {
        "image": slider("Image", 1, len(images), 1),
        "layer": choice("Layer", list(paths), list(paths)[min(1, len(paths) - 1)]),
    }
    return Exploration(
        draw, controls, description="An image, activation maps of a layer, and probabilities of the classes"
    )


def field_after(network, path):
    """The ``ReceptiveField`` of the units of the layer with this path."""
    shape = network.input_shape
    field = ReceptiveField(shape[1:])
    for place, layer in network.layers():
        shape = layer.output_shape(shape)
        field = field.through(layer.reach(), shape)
        if place == path:
            return field
    raise ValueError(f"the network has no layer {path!r}")


def strongest(network, X, path, batch=100):
    """Where each map of a layer is largest in each image: (values, rows, columns), each (N, K) for X (N, C, H, W)."""
    values, places = [], []
    for start in range(0, len(X), batch):
        maps = maps_of(network, X[start : start + batch])[0][path]
        flat = maps.reshape(*maps.shape[:2], -1)
        places.append(flat.argmax(axis=-1))
        values.append(flat.max(axis=-1))
    rows, columns = np.divmod(np.concatenate(places), maps.shape[-1])
    return np.concatenate(values), rows, columns


def seen_by(field, row, column, image):
    """The part of an image (H, W, C) that unit (row, column) sees; gray where its window sticks out."""
    (top, left), (height, width) = (
        [first + place * jump for first, place, jump in zip(field.first, (row, column), field.jump, strict=True)],
        field.size,
    )
    patch = np.full((height, width, image.shape[-1]), int(image.max()) // 2 + 1, np.uint8)
    rows, columns = (
        range(max(start, 0), min(start + length, whole))
        for start, length, whole in zip((top, left), (height, width), image.shape, strict=False)
    )
    patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = image[
        rows.start : rows.stop, columns.start : columns.stop
    ]
    return patch


def explore_strongest(network, X, images, labels, class_names, shown=10):
    """Choose a layer and one of its maps; see the images in which it is largest, and what it sees there."""
    paths = {name: path for name, path in shown_layers(network).items() if _follows_convolution(network, path)}
    found = cache(lambda path: strongest(network, X, path))
    most = min(len(field_values) for field_values in (_maps(network, path) for path in paths.values()))

    def draw(layer, number):
        path = paths[layer]
        values, rows, columns = (part[:, number - 1] for part in found(path))
        field = field_after(network, path)
        best = np.argsort(-values, kind="stable")[:shown]
        figure = Figure(figsize=(10.2, 2.7), layout="constrained", facecolor="white")
        axes = figure.subplots(2, shown)
        for place, index in enumerate(best):
            row, column = int(rows[index]), int(columns[index])
            show_image(axes[0, place], images[index], class_names[labels[index]])
            corner = [
                first + at * jump - 0.5 for first, at, jump in zip(field.first, (row, column), field.jump, strict=True)
            ]
            axes[0, place].add_patch(
                Rectangle(corner[::-1], field.size[1], field.size[0], fill=False, edgecolor=COLORS[1], linewidth=1.6)
            )
            show_image(axes[1, place], seen_by(field, row, column, images[index]), caption=f"{values[index]:.2f}")
        members = labels[best]
        counts = np.bincount(members, minlength=len(class_names))
        silent = np.mean(values <= 0)
        return figure, (
            f"Map {number} of layer {layer}: each unit sees {field.size[0]} × {field.size[1]} pixels. "
            f"Above the images of {len(X)} in which it is largest, below what it sees there. Most frequent among "
            f"them: <b>{class_names[counts.argmax()]}</b>, {counts.max()} of {len(best)}. "
            f"In {silent:.0%} of all images the map is silent."
        )

    controls = {"layer": choice("Layer", list(paths)), "number": slider("Map", 1, most, 1)}
    return Exploration(draw, controls, description="Images in which one map is largest, and the pixels it sees there")


def _maps(network, path):
    """The numbers of the maps that a layer puts out."""
    shape = network.input_shape
    for place, layer in network.layers():
        shape = layer.output_shape(shape)
        if place == path:
            break
    return range(shape[0])


def _follows_convolution(network, path):
    """Whether the layer is the activation right after a convolution."""
    layers = dict(network.layers())
    return isinstance(layers.get(str(int(path) - 1)), Convolution)


def per_class(predicted, y, classes):
    """The share of each class's images (N,) that were recognised."""
    return np.array([np.mean(predicted[y == label] == label) for label in range(classes)])


def per_class_figure(predictions, y, class_names, title=""):
    """Bars side by side for each class; predictions: {classifier: predicted labels (N,)}."""
    figure, ax = new_figure(9.6, 3.5)
    width = 0.8 / len(predictions)
    colors = ("#b9c4cc", COLORS[1], COLORS[0])
    at = np.arange(len(class_names))
    for place, ((name, predicted), color) in enumerate(zip(predictions.items(), colors, strict=True)):
        shares = 100 * per_class(predicted, y, len(class_names))
        ax.bar(at + (place - (len(predictions) - 1) / 2) * width, shares, width, label=name, color=color)
    ax.axhline(100 / len(class_names), color="#444444", linewidth=0.9, linestyle=":", label="guessing")
    ax.set_xticks(at, class_names)
    ax.set(ylabel="recognised (%)", ylim=(0, 100))
    ax.set_title(title, fontsize=11)
    ax.legend(frameon=False, ncols=len(predictions) + 1, loc="upper center", bbox_to_anchor=(0.5, -0.1))
    ax.spines[["top", "right"]].set_visible(False)
    return figure
