"""Lecture 09: images of 16 x 16 pixels, on which deep networks train while one waits, and networks that suit them."""

from dataclasses import dataclass, replace

import numpy as np

from cs231n_kit.networks import BatchNorm, Convolution, Residual, Sequential

SIDE = 16


@dataclass(frozen=True)
class SmallImages:
    """Training images X (N, C, 16, 16), float32, with labels y (N,), and validation images; numbers around zero."""

    X: np.ndarray
    y: np.ndarray
    X_val: np.ndarray
    y_val: np.ndarray
    classes: int

    @property
    def shape(self):
        """Of one image."""
        return self.X.shape[1:]

    @property
    def arrays(self):
        """As ``Trainer.fit`` wants them."""
        return self.X, self.y, self.X_val, self.y_val


def small_images(data, count=None, validation=1000) -> SmallImages:
    """The first ``count`` training and the first ``validation`` validation images of a data set, 16 pixels a side.

    Larger images become means over squares of pixels, for smaller ones pixels are repeated. Raises ValueError where
    the side neither divides 16 nor is a multiple of it.
    """
    X, X_val = (resized(images) for images in (data.X_train[:count], data.X_val[:validation]))
    center, spread = X.mean(axis=(0, 1, 2)), X.std()
    X, X_val = (((images - center) / spread).transpose(0, 3, 1, 2).copy() for images in (X, X_val))
    return SmallImages(X, data.y_train[:count], X_val, data.y_val[:validation], len(data.class_names))


def resized(images):
    """(N, H, W, C) uint8 to (N, 16, 16, C) float32; see ``small_images``."""
    images = images.astype(np.float32)
    N, height, width, channels = images.shape
    if height != width or (height % SIDE and SIDE % height):
        raise ValueError(f"images must be squares whose side divides {SIDE} or is a multiple of it, not {images.shape}")
    if height <= SIDE:
        return images.repeat(SIDE // height, axis=1).repeat(SIDE // height, axis=2)
    step = height // SIDE
    return images.reshape(N, SIDE, step, SIDE, step, channels).mean(axis=(2, 4))


def with_stride(definition: Sequential, stride=2) -> Sequential:
    """The same network with another stride of its first layer, a convolution: less work in all that follow."""
    first, *rest = definition.steps
    return Sequential(replace(first, stride=stride), *rest)


def start_as_identity(network: Sequential) -> Sequential:
    """Let every residual block of an initialised network begin as the identity: its last layer's scale becomes 0.

    That is gamma of the batch normalisation at its end (Goyal et al., "Accurate, large minibatch SGD", 2017), or the
    weights of the convolution where there is none. Returns the network.
    """
    for i, step in enumerate(network.steps):
        if isinstance(step, Residual):
            last = len(step.body.steps) - 1
            name = "w" if isinstance(step.body.steps[last], Convolution) else "gamma"
            network.parameters[f"{i}.body.{last}.{name}"][...] = 0
    return network


def with_projections(definition: Sequential) -> Sequential:
    """The same network with 1 x 1 convolutions as shortcuts where the shape changes, as ResNet-18 has them.

    This is option B of He et al., 2015: a few parameters more than option A, which pads with zeros.
    """

    def step(block):
        if not (isinstance(block, Residual) and block.shortcut.steps):
            return block
        filters = block.shortcut.steps[0].filters
        projection = Convolution(filters, 1, stride=2, bias=False), BatchNorm()
        return Residual(*block.body.steps, shortcut=projection)

    return Sequential(*map(step, definition.steps))
