"""Max pooling forward and backward, against PyTorch."""

import numpy as np

from benchmarks.harness import PYTORCH, Race, float32, tensors, torch
from cs231n_kit.layers import max_pool_backward, max_pool_forward

SHAPE = 64, 32, 32, 32
ELEMENTS = 64 * 32 * 32 * 32
POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}


def races():
    work, bytes = "max pool 2x2 (64x32x32x32)", 4 * ELEMENTS * 5 / 4
    bound = "bound by memory: PyTorch's backward, too, writes each pixel once"
    yield Race(f"{work} forward", PYTORCH, _forward, 0.2, bytes=bytes)
    yield Race(f"{work} backward", PYTORCH, _backward, 1.5, bytes=bytes, bound=bound)


def _forward():
    x = float32(np.random.default_rng(0), *SHAPE)
    (tensor,) = tensors(x)

    def theirs():
        with torch.no_grad():
            return torch.nn.functional.max_pool2d(tensor, 2)

    return lambda: max_pool_forward(x, POOL)[0], theirs


def _backward():
    rng = np.random.default_rng(0)
    x = float32(rng, *SHAPE)
    out, cache = max_pool_forward(x, POOL)
    dout = float32(rng, *out.shape)
    (tensor,) = tensors(x)
    result, gradient = torch.nn.functional.max_pool2d(tensor, 2), torch.from_numpy(dout)

    def theirs():
        return torch.autograd.grad(result, tensor, gradient, retain_graph=True)[0]

    return lambda: max_pool_backward(dout, cache), theirs
