"""Convolution forward and backward, against PyTorch and against the course's im2col with fancy indices."""

import math

import numpy as np

from benchmarks.harness import PYTORCH, Race, float32, tensors, torch
from cs231n_kit.layers import conv_backward, conv_forward

SHAPES = [  # (N, C, H, W), filters, their size
    ((64, 3, 32, 32), 32, 3),
    ((64, 32, 32, 32), 64, 3),
    ((32, 64, 16, 16), 128, 3),
    ((64, 3, 32, 32), 32, 7),
]
BOUND = "bound by the sgemm rate of BLAS on narrow matrices, which PyTorch's generated kernels avoid"


def races():
    for shape, F, size in SHAPES:
        work = f"conv {size}x{size}, {shape[1]} -> {F} ({shape[0]}x{shape[2]}x{shape[3]})"
        flops = 2 * math.prod(shape) * F * size * size
        arguments = shape, F, size
        forward = dict(flops=flops, bytes=4 * _elements(shape, F), bound=BOUND)
        both = dict(flops=3 * flops, bytes=12 * _elements(shape, F), bound=BOUND)
        yield Race(f"{work} forward + backward", PYTORCH, _sides(_pytorch, *arguments), 0.95, **both)
        yield Race(f"{work} forward + backward", "im2col of the course", _sides(_im2col, *arguments), 0.35, **both)
        yield Race(f"{work} forward", PYTORCH, _sides(_pytorch_forward, *arguments, backward=False), 1.3, **forward)


def _sides(peer, shape, F, size, backward=True):
    def build():
        rng = np.random.default_rng(0)
        x, w, b = float32(rng, *shape), float32(rng, F, shape[1], size, size), float32(rng, F)
        dout = float32(rng, shape[0], F, *shape[2:])

        def ours():
            out, cache = conv_forward(x, w, b, {"pad": size // 2})
            return (out, *conv_backward(dout, cache)) if backward else out

        return ours, peer(x, w, b, dout, size // 2)

    return build


def _pytorch(x, w, b, dout, pad):
    inputs, dout = tensors(x, w, b), torch.from_numpy(dout)

    def step():
        out = torch.nn.functional.conv2d(*inputs, padding=pad)
        return out, *torch.autograd.grad(out, inputs, dout)

    return step


def _pytorch_forward(x, w, b, dout, pad):
    inputs = tensors(x, w, b)

    def forward():
        with torch.no_grad():
            return torch.nn.functional.conv2d(*inputs, padding=pad)

    return forward


def _im2col(x, w, b, dout, pad):
    """Unfold by fancy indices, fold by np.add.at."""
    N, (F, C, size, _) = len(x), w.shape

    def step():
        channels, rows, columns = _indices(x.shape, size, pad)
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        unfolded = padded[:, channels, rows, columns].transpose(1, 2, 0).reshape(C * size * size, -1)
        out = w.reshape(F, -1) @ unfolded + b[:, None]
        out = out.reshape(F, *dout.shape[2:], N).transpose(3, 0, 1, 2)
        gradient = dout.transpose(1, 2, 3, 0).reshape(F, -1)
        dw = (gradient @ unfolded.T).reshape(w.shape)
        dunfolded = (w.reshape(F, -1).T @ gradient).reshape(C * size * size, -1, N).transpose(2, 0, 1)
        dpadded = np.zeros_like(padded)
        np.add.at(dpadded, (slice(None), channels, rows, columns), dunfolded)
        return out, dpadded[:, :, pad:-pad, pad:-pad], dw, gradient.sum(axis=1)

    return step


def _indices(shape, size, pad):
    """Channel, row and column of each entry of the columns, for a stride of 1."""
    _, C, H, W = shape
    height, width = H + 2 * pad - size + 1, W + 2 * pad - size + 1
    rows = np.tile(np.repeat(np.arange(size), size), C)[:, None] + np.repeat(np.arange(height), width)
    columns = np.tile(np.arange(size), size * C)[:, None] + np.tile(np.arange(width), height)
    return np.repeat(np.arange(C), size * size)[:, None], rows, columns


def _elements(shape, F):
    """Of x and out together."""
    N, C, H, W = shape
    return N * (C + F) * H * W
