"""Lecture 05: activation and pooling on a photograph, and where pooling sends the gradient."""

import ipywidgets as widgets
import numpy as np
from matplotlib.patches import Rectangle

from cs231n_kit.explorations.convolution_kernels import (
    NAMES,
    SIZE,
    activation_map,
    make_filter,
    photographs,
    show_map,
)
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.layers import (
    average_pool_backward,
    average_pool_forward,
    max_pool_backward,
    max_pool_forward,
    relu_forward,
    sigmoid_forward,
    tanh_forward,
)
from cs231n_kit.plots import COLORS, MUTED, new_figure, show_image

ACTIVATIONS = {"none": None, "ReLU": relu_forward, "sigmoid": sigmoid_forward, "tanh": tanh_forward}
POOLS = {"max": (max_pool_forward, max_pool_backward), "average": (average_pool_forward, average_pool_backward)}
CORNER, SIDE = (58, 20), 24  # of the piece of the cat's map whose gradient is drawn: round the left eye, thinned out
THINNED = 3


def pool(kind, x, size, stride=None):
    """``(out, cache)`` of "max" or "average" pooling of a map (H, W); without a stride windows lie side by side."""
    parameters = {"pool_height": size, "pool_width": size, "stride": stride or size}
    out, cache = POOLS[kind][0](x[None, None], parameters)
    return out[0, 0], cache


def pool_gradient(kind, dout, cache):
    """The gradient (H, W) of the pooled map (H, W) from that of its output, (H', W')."""
    return POOLS[kind][1](dout[None, None], cache)[0, 0]


def explore_stage():
    """Choose kernel, activation and pooling; see the photograph become a smaller map."""
    images = photographs()

    def draw(photograph, kernel, activation, kind, size):
        convolved = activation_map(images[photograph], make_filter(kernel))
        activate = ACTIVATIONS[activation]
        active = convolved if activate is None else activate(convolved)[0]
        pooled = active if size == 1 else pool(kind, active, size)[0]
        figure, axes = new_figure(10.2, 3.1, 1, 4)
        show_image(axes[0], images[photograph], "input", caption=f"{SIZE} × {SIZE} × 3")
        maps = (convolved, active, pooled)
        titles = (f"CONV: {kernel}", f"activation: {activation}", f"POOL: {kind} of {size} × {size}")
        for ax, values, title in zip(axes[1:], maps, titles, strict=True):
            show_map(ax, values, title, f"{values.shape[0]} × {values.shape[1]} × 1")
        return figure, (
            f"{np.mean(convolved < 0):.0%} of the convolution's values are below 0. After the activation "
            f"{np.mean(active == 0):.0%} are exactly 0, and the largest is {active.max():.2f}. Pooling leaves "
            f"<b>{pooled.size:,} of {active.size:,} numbers</b>, the largest of which is {pooled.max():.2f}. "
            "Neither layer has parameters."
        )

    controls = {
        "photograph": choice("Photograph", list(images)),
        "kernel": choice("Kernel", NAMES, "vertical edges"),
        "activation": choice("Activation", list(ACTIVATIONS), "ReLU"),
        "kind": choice("Pooling", list(POOLS)),
        "size": widgets.SelectionSlider(description="Pooling window", options=(1, 2, 3, 4, 6, 8, 12, 16), value=4),
    }
    return Exploration(draw, controls, description="A photograph, its activation map, and what two more layers make")


def piece_of_a_map():
    """Edges of the cat's eye after a ReLU, (SIDE, SIDE) float32: small enough to see every cell."""
    small = photographs()["cat"][::THINNED, ::THINNED]
    edges = relu_forward(activation_map(small, make_filter("vertical edges")))[0]
    row, column = (place // THINNED for place in CORNER)
    return edges[row : row + SIDE, column : column + SIDE]


def explore_routing():
    """Choose a pooling layer; see which pixels won, and where the gradient that arrives is sent."""
    x = piece_of_a_map()

    def draw(kind, size, stride, where):
        out, cache = pool(kind, x, size, stride)
        wins = pool_gradient(kind, np.ones_like(out), cache)
        row, column = (int(place) for place in np.unravel_index(out.argmax(), out.shape))
        dout = np.random.default_rng(0).standard_normal(out.shape).astype(np.float32)
        if where == "one window":
            dout[...] = 0
            dout[row, column] = 2
        dx = pool_gradient(kind, dout, cache)
        figure, axes = new_figure(10.2, 3.2, 1, 4)
        show_map(axes[0], x, f"forward: x, {SIDE} × {SIDE}", "pink: the switches" if kind == "max" else "")
        show_map(axes[1], out, f"out, {out.shape[0]} × {out.shape[1]}")
        show_image(axes[2], dout, "backward: dout", frame=MUTED, caption="white is 0")
        show_image(axes[3], dx, "dx: where it went", frame=MUTED, caption="the same colours")
        for ax in axes[2:]:
            ax.images[0].set(cmap="RdBu_r", clim=(-2, 2))
        if kind == "max":
            axes[0].scatter(*np.nonzero(wins)[::-1], s=7, color="#ff5fa2")
        if where == "one window":
            for ax in (axes[0], axes[3]):
                _frame(ax, row * stride, column * stride, size)
            for ax in axes[1:3]:
                _frame(ax, row, column, 1)
        sentence = (
            f"The gradients that arrive add up to {dout.sum():.3f}, those that go on to <b>{dx.sum():.3f}</b>, "
            f"on <b>{np.mean(dx != 0):.1%}</b> of the pixels."
        )
        if kind == "max" and wins.max() > 1:
            sentence += f" One pixel is the largest of {wins.max():.0f} windows: it gets the sum of what they send."
        if kind == "average":
            sentence += f" Each pixel of a window gets 1/{size * size} of its gradient."
        return figure, sentence

    controls = {
        "kind": choice("Pooling", list(POOLS)),
        "size": slider("Window", 2, 6, 3),
        "stride": slider("Stride", 1, 6, 3),
        "where": choice("Gradient arrives at", ["all windows", "one window"]),
    }
    return Exploration(draw, controls, description="A map, its pooled map, and the gradients of both")


def _frame(ax, row, column, size):
    corner = (column - 0.5, row - 0.5)
    ax.add_patch(Rectangle(corner, size, size, fill=False, edgecolor=COLORS[1], linewidth=2.2))
