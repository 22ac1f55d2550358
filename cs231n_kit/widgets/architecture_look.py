"""What a network makes of one image: maps, their gradients, a saliency map, scores; and its first filters."""

from dataclasses import dataclass

import numpy as np

from cs231n_kit.losses import softmax_loss
from cs231n_kit.networks import Affine, Convolution, ReLU
from cs231n_kit.widgets.architecture_state import INPUT, LOSS

MOST_MAPS, MOST_NUMBERS, MOST_FILTERS = 64, 1024, 64
HUGE = 3e38  # stands for infinity, which float32 nearly reaches
PROBED = 64  # validation images that a map must be 0 for to be called dead


@dataclass(frozen=True)
class Look:
    """One image in the network, in test mode. Arrays may hold NaN where numbers overflow.

    ``activations`` and ``gradients`` hold, by the layer's path ("input" is the image), what it puts out, float32
    (K, H, W) or (K,), and the gradient there of what ``of`` says: the loss, or the score of a class. The loss is that
    of the image's ``label``; for an image without one, of the class with the highest score. ``probabilities`` are
    float64 (C,); ``saliency`` is max |gradient| over the channels of the image, float32 (H, W)   (Simonyan et al.,
    "Deep Inside Convolutional Networks", 2013).
    """

    activations: dict
    gradients: dict
    scores: np.ndarray
    probabilities: np.ndarray
    saliency: np.ndarray
    label: int
    given: bool  # whether the label came with the image


def look(network, x, label=None, of=LOSS):
    """The ``Look`` at one image x (C, H, W), as the network takes it, with this label or None."""
    activations, gradients = {INPUT: x}, {}
    with np.errstate(all="ignore"):
        scores = network.forward(x[None], observe=_keeper(activations))
        target = int(scores[0].argmax()) if label is None else int(label)
        if of == LOSS:
            _, dscores = softmax_loss(scores, np.array([target]))
        else:
            dscores = np.zeros_like(scores)
            dscores[0, of] = 1
        dx = network.backward(dscores, input_gradient=True, observe=_keeper(gradients))[0]
        shifted = np.exp(scores[0].astype(np.float64) - scores[0].max())
    return Look(
        activations,
        gradients | {INPUT: dx},
        scores[0],
        shifted / shifted.sum(),
        np.abs(dx).max(axis=0),
        target,
        label is not None,
    )


def silent_maps(network, inputs, path):
    """Which maps of a ReLU are 0 everywhere for all the inputs (N, C, H, W), bool (K,); None for other layers."""
    layer = dict(network.layers()).get(path)
    if not isinstance(layer, ReLU):
        return None
    silent = {}

    def observe(at, array):
        if at == path:
            silent[at] = ~(array != 0).any(axis=(0, *range(2, array.ndim)))

    with np.errstate(all="ignore"):
        network.forward(inputs[:PROBED], cache=False, observe=observe)
    return silent[path]


def first_filters(network, image_shape):
    """The first layer's weights as pictures, uint8 (K, h, w, C), and the largest |weight| of each; None without any.

    The filters of a convolution, or the templates of an FC that sees the image (H, W, C) itself. Each is scaled by its
    own largest weight: grey is 0, white the largest positive one.
    """
    path, layer = next(((path, layer) for path, layer in network.layers() if isinstance(layer, Convolution | Affine)))
    w = network.parameters[f"{path}.w"]
    height, width, channels = image_shape
    if isinstance(layer, Affine):
        w = w.T.reshape(-1, channels, height, width)
    w = np.nan_to_num(w[:MOST_FILTERS].transpose(0, 2, 3, 1).astype(np.float64))
    largest = np.abs(w).max(axis=(1, 2, 3))
    shares = w / np.maximum(largest, 1e-30)[:, None, None, None]
    return np.rint(127.5 + 127.5 * shares).astype(np.uint8), largest


def pictures(values):
    """Maps for the eye: int8 (K, H, W), -127 to 127, with their ranges, float32 (K, 2), lows and highs.

    values: (K, H, W), each map scaled by its own largest absolute value, or (K,), all numbers by their largest one.
    """
    single = values.ndim == 1
    values = values[: MOST_NUMBERS if single else MOST_MAPS].astype(np.float64)
    values = np.nan_to_num(values, posinf=HUGE, neginf=-HUGE)
    maps = values[:, None, None] if single else values
    lows, highs = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))
    largest = np.maximum(np.maximum(-lows, highs), 1e-30)
    if single:
        largest = np.full_like(largest, largest.max())
    shades = np.rint(127 * (maps / largest[:, None, None])).astype(np.int8)
    return shades, np.stack([lows, highs], axis=1).astype(np.float32)


def _keeper(kept):
    """An observer that copies what it sees of the first example: arrays may be overwritten later."""

    def observe(path, array):
        kept[path] = array[0].copy()

    return observe
