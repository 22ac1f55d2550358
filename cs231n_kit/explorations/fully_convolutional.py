"""Lecture 05: fully connected layers as convolutions, and the classifier that slides over a large image with them."""

import numpy as np
from matplotlib.patches import Rectangle

from cs231n_kit.explorations.exploration import Exploration, choice
from cs231n_kit.networks import Affine, Convolution, Flatten, Sequential
from cs231n_kit.plots import new_figure, show_image


def fully_convolutional(network):
    """A network of convolutions that computes what ``network`` does, and takes larger images besides.

    The first fully connected layer becomes a convolution whose filters are as large as its input, the others become
    convolutions of 1 x 1. For images of the network's own size the output is (classes, 1, 1); for larger ones it is a
    map of scores for each class, (classes, H', W').

    network: initialised, for images (C, H, W), one layer after another. The weights are copied. Raises ValueError for
    other networks.
    """
    if len(network.input_shape) != 3 or any("." in path for path, _ in network.layers()):
        raise ValueError(f"only plain chains of layers for images (C, H, W) can slide, not {network!r}")
    shape, steps, copied = network.input_shape, [], {}
    for path, layer in network.layers():
        own = {key.partition(".")[2]: array for key, array in _arrays(network).items() if key.startswith(f"{path}.")}
        if isinstance(layer, Flatten):
            continue  # what it lines up, the filters of the next layer read where it is
        if isinstance(layer, Affine):
            own["w"] = own["w"].T.reshape(layer.units, *shape)
            layer = Convolution(layer.units, shape[1:], bias=layer.bias)
        copied |= {f"{len(steps)}.{name}": array for name, array in own.items()}
        steps.append(layer)
        shape = layer.output_shape(shape)
        if len(shape) != 3:
            raise ValueError(f"layer {path}, {layer!r}, makes one vector of the whole image and cannot slide")
    result = Sequential(*steps).initialize(network.input_shape, dtype=network.dtype)
    for key, array in _arrays(result).items():
        array[...] = copied[key]
    return result


def _arrays(network):
    return network.parameters | network.statistics


def collage(images, columns):
    """One image (rows * H, columns * W, C) of images (N, H, W, C) laid side by side, row by row; N is their product."""
    rows = len(images) // columns
    height, width, channels = images.shape[1:]
    tiles = images[: rows * columns].reshape(rows, columns, height, width, channels)
    return tiles.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def window_step(network):
    """How many pixels lie between the windows that neighbouring scores of ``fully_convolutional`` look through."""
    step = 1
    for _, layer in network.layers():
        if isinstance(layer, Affine):
            break
        reach = layer.reach()
        step *= reach.stride[0]
    return step


def probabilities(scores):
    """Softmax over the classes of a map of scores (C, H', W')."""
    shifted = np.exp(scores - scores.max(axis=0))
    return shifted / shifted.sum(axis=0)


def explore_score_map(image, scores, labels, class_names, side, step):
    """Choose a class; see where on the collage the sliding classifier finds it.

    image: the collage (H, W, C) uint8; scores: its map (classes, H', W'); labels: (rows, columns) of its tiles of
    ``side`` pixels; step: pixels between two windows.
    """
    shares = probabilities(scores)
    rows, columns = labels.shape

    def draw(label):
        found = shares[label]
        figure, axes = new_figure(10.2, 5.0 * rows / columns + 0.7, 1, 2)
        show_image(axes[0], image, f"{image.shape[0]} × {image.shape[1]} pixels")
        axes[0].images[0].set_extent((0, image.shape[1], image.shape[0], 0))
        show_image(axes[1], found, f"probability of {class_names[label]}: {found.shape[0]} × {found.shape[1]} windows")
        axes[1].images[0].set(cmap="magma", clim=(0, 1))
        # A score stands for a whole window: draw it around the window's middle.
        half = side / 2
        reach = [half - step / 2 + step * n for n in found.shape]
        axes[1].images[0].set_extent((half - step / 2, reach[1], reach[0], half - step / 2))
        for ax in axes:
            ax.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0))
            for row, column in np.argwhere(labels == label):
                corner = (column * side, row * side)
                ax.add_patch(Rectangle(corner, side, side, fill=False, edgecolor="#00c8a0", linewidth=2))
        axes[1].set_facecolor("#dddddd")
        axes[1].set_xlabel("boxes: where there is one", fontsize=9.5)
        inside = [found[row * side // step, column * side // step] for row, column in np.argwhere(labels == label)]
        name = class_names[label]
        seen = (
            f"Windows that sit exactly on a {name} give it <b>{', '.join(f'{share:.0%}' for share in inside)}</b>."
            if inside
            else f"There is no {name} here."
        )
        return figure, f"{seen} Over all {found.size:,} windows the mean is {found.mean():.0%}."

    present = [(name, label) for label, name in enumerate(class_names)]
    controls = {"label": choice("Class", present, int(labels[0, 0]))}
    return Exploration(draw, controls, description="A collage of images, and where a classifier finds a class in it")
