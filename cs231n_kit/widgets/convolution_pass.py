"""Forward and backward pass of the convolution playground, by the kit's layers, up to a step."""

import numpy as np

from cs231n_kit.layers.convolution import conv_backward, conv_forward
from cs231n_kit.layers.pooling import (
    average_pool_backward,
    average_pool_forward,
    max_pool_backward,
    max_pool_forward,
)
from cs231n_kit.widgets.convolution_arithmetic import POOLING, Geometry
from cs231n_kit.widgets.convolution_state import output_shape


class Pass:
    """All numbers of a state: ``out`` in full, and the gradients that its first ``step`` outputs send back.

    x (C, H, W), w (K, C, F, F), b (K,), out and dout (M, H', W') with M maps (K, or C for pooling); dx, dw, db as x,
    w, b. ``switches`` (C, H', W', 2) are row and column of every maximum for max pooling, None otherwise. Where the
    window does not fit, ``out`` is empty and the gradients are zeros.
    """

    def __init__(self, state):
        self.operation, self.geometry, self.step = state["operation"], Geometry.of(state), state["step"]
        self.x, self.w, self.b = (np.array(state[name]) for name in ("x", "w", "b"))
        shape = output_shape(state)
        self.out, self.switches = np.zeros(shape), None
        self.dout = np.array(state["dout"]) if self.out.size else self.out
        self.dx, self.dw, self.db = np.zeros_like(self.x), np.zeros_like(self.w), np.zeros_like(self.b)
        pooling = self.operation in POOLING
        self.fits = self.out.size > 0 and not (pooling and self.geometry.pad >= self.geometry.size)
        if self.fits:
            sent = np.where(np.arange(self.out.size).reshape(shape) < self.step, self.dout, 0.0)
            if pooling:
                self._pool(sent)
            else:
                self._convolve(sent)
        else:
            self.out, self.dout = np.zeros((shape[0], 0, 0)), np.zeros((shape[0], 0, 0))

    def _convolve(self, sent):
        shape = self.geometry
        settings = {"stride": shape.stride, "pad": shape.pad, "dilation": shape.dilation}
        out, cache = conv_forward(self.x[None], self.w, self.b, settings)
        dx, self.dw, self.db = conv_backward(sent[None], cache)
        self.out, self.dx = out[0], dx[0]

    def _pool(self, sent):
        shape = self.geometry
        settings = {"pool_height": shape.size, "pool_width": shape.size, "stride": shape.stride, "pad": shape.pad}
        if self.operation == "average":
            out, cache = average_pool_forward(self.x[None], settings)
            self.dx = average_pool_backward(sent[None], cache)[0]
        else:
            out, cache = max_pool_forward(self.x[None], settings)
            self.dx = max_pool_backward(sent[None], cache)[0]
            within = np.stack(np.divmod(cache[0][0].astype(int), shape.size), axis=-1)
            corners = np.moveaxis(np.indices(out.shape[2:]), 0, -1) * shape.stride - shape.pad
            self.switches = corners + within
        self.out = out[0]

    def cell(self, step):
        """(map, row, column) of the output that a step computes, from 1 to the last."""
        return tuple(int(i) for i in np.unravel_index(step - 1, self.out.shape))

    def order(self, place):
        """The step that computes an output (map, row, column)."""
        return 1 + int(np.ravel_multi_index(place, self.out.shape))

    def window(self, row, column):
        """Rows and columns of the input, padding included as -1 and so on, that an output sees."""
        shape = self.geometry
        along = shape.dilation * np.arange(shape.size) - shape.pad
        return [[int(n) for n in shape.stride * i + along] for i in (row, column)]

    def at(self, channel, row, column):
        """x there; 0 in the padding."""
        inside = 0 <= row < self.x.shape[1] and 0 <= column < self.x.shape[2]
        return float(self.x[channel, row, column]) if inside else 0.0

    def seen_by(self, row, column):
        """The outputs that see a pixel, row by row: [(i, j, p, q)], with its place (p, q) in their windows."""
        ways = [self._along(n, count) for n, count in zip((row, column), self.out.shape[1:], strict=True)]
        return [(i, j, p, q) for i, p in ways[0] for j, q in ways[1]]

    def _along(self, n, count):
        shape, found = self.geometry, []
        for i in range(count):
            p, rest = divmod(n + shape.pad - shape.stride * i, shape.dilation)
            if rest == 0 and 0 <= p < shape.size:
                found.append((i, p))
        return found
