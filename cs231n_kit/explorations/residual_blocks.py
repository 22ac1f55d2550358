"""Lecture 09: a picture through many layers with small weights, with and without shortcuts around them."""

from functools import cache

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.networks import Convolution, ReLU, Residual, Sequential
from cs231n_kit.plots import COLORS, new_figure, show_image

SHOWN = (0, 1, 2, 4, 8, 16, 32)


def blocks(count, residual, channels=3):
    """``count`` blocks of convolution, ReLU, convolution: F(x), or F(x) + x; not yet initialised."""

    def body():
        return Convolution(8, 3, pad=1, bias=False), ReLU(), Convolution(channels, 3, pad=1, bias=False)

    return Sequential(*(step for _ in range(count) for step in ([Residual(*body())] if residual else body())))


def through(image, strength, residual, count=32, seed=0):
    """A picture (H, W, 3) after each of ``count`` blocks, (count + 1, H, W, 3), itself first; numbers around zero.

    strength: times it, all weights; 1 is what ``he_normal`` draws.
    """
    network = blocks(count, residual).initialize(image.transpose(2, 0, 1).shape, seed)
    for weights in network.parameters.values():
        weights *= strength
    outputs = {}
    x = ((image.astype(np.float32) - 128) / 128).transpose(2, 0, 1)[None]
    network.forward(x, cache=False, observe=outputs.__setitem__)
    step = 1 if residual else 3
    after = [x, *(outputs[str(step * (i + 1) - 1)] for i in range(count))]
    return np.concatenate(after).transpose(0, 2, 3, 1)


def likeness(pictures):
    """(count + 1,): the correlation of each with the first; 0 where nothing is left."""
    first = pictures[0].ravel() - pictures[0].mean()
    found = []
    for picture in pictures:
        values = picture.ravel() - picture.mean(dtype=np.float64)
        length = np.linalg.norm(values) * np.linalg.norm(first)
        found.append(float(values @ first / length) if length > 1e-30 else 0.0)
    return np.array(found)


def explore_blocks(image):
    """Scale the weights of 32 blocks, down to zero; what is left of a picture (H, W, 3) uint8 after 1, 2, 4, ...."""
    passed = cache(lambda strength, residual: through(image, strength, residual))

    def draw(strength):
        figure, axes = new_figure(1.45 * len(SHOWN), 3.5, 2, len(SHOWN))
        words = []
        for row, residual in zip(axes, (False, True), strict=True):
            pictures = passed(strength, residual)
            alike = likeness(pictures)
            for ax, count in zip(row, SHOWN, strict=True):
                picture = np.nan_to_num(pictures[count])
                largest = np.abs(picture).max()
                shown = picture / largest if largest > 1 else picture
                title = f"{count} block{'s' if count > 1 else ''}" if count else "the picture"
                show_image(ax, np.clip(128 + 127 * shown, 0, 255).astype(np.uint8), title if not residual else "")
                ax.set_xlabel(f"spread {picture.std():.1g}\nalike {alike[count]:.2f}", fontsize=8)
            row[0].set_ylabel("F(x) + x" if residual else "F(x)", fontsize=12, color=COLORS[0 if residual else 1])
            same = np.array_equal(pictures[-1], pictures[0])
            nothing = "nothing but zeros" if not pictures[-1].any() else f"a correlation of {alike[-1]:.2f} with it"
            end = "exactly the picture" if same else nothing
            words.append(f"{'with' if residual else 'without'} shortcuts <b>{end}</b>")
        return figure, f"Weights times {strength:g}. After {SHOWN[-1]} blocks: {', '.join(words)}."

    controls = {"strength": slider("Weights times", 0.0, 1.0, 0.2, 0.05)}
    return Exploration(draw, controls, description="A picture after many blocks, with and without shortcuts")
