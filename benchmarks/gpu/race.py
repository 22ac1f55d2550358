"""What a race on a GPU is, and what its sides are built with."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.harness import PYTORCH, Race, check_agreement, torch

OF_COPY = 0.8  # of the rate of a copy is the goal of kernels that memory bounds


@dataclass(frozen=True)
class DeviceRace(Race):
    """As ``Race``, with bytes for all: they also say how many buffers outgrow the cache.

    share: the smallest acceptable share of the device's ceiling, that of products where the work has flops and of
        copies where it has none.
    check: compares the results of both sides.
    """

    share: float | None = None
    check: Callable = check_agreement


def memory_bound(work: str, sides, numbers: float, *, goal: float = 1.0, peer: str = PYTORCH, **more) -> DeviceRace:
    """A race of kernels that move so many float32 numbers: as fast as the peer, and near the rate of a copy."""
    return DeviceRace(work, peer, sides, goal, bytes=4 * numbers, share=OF_COPY, **more)


def normal(*shape, seed: int = 0):
    """Normally distributed float32 numbers on the device."""
    import cupy

    return cupy.random.default_rng(seed).standard_normal(shape, dtype="float32")


def integers(high: int, *shape, seed: int = 0):
    """Whole numbers from 0 to below ``high`` on the device, int64."""
    import cupy

    return cupy.random.default_rng(seed).integers(0, high, size=shape)


def tensor(array, gradient: bool = False):
    """A CuPy array as PyTorch's, of the same memory."""
    return torch.from_dlpack(array).requires_grad_(gradient)


def forward(function, *inputs):
    """PyTorch's function of the arrays, without a record for gradients."""
    inputs = [tensor(array) for array in inputs]

    def call():
        with torch.no_grad():
            return function(*inputs)

    return call


def backward(function, dout, *inputs):
    """The gradients of PyTorch's function of the arrays, whose forward pass has been done."""
    inputs, gradient = [tensor(array, gradient=True) for array in inputs], tensor(dout)
    out = function(*inputs)
    return lambda: torch.autograd.grad(out, inputs, gradient, retain_graph=True)


def by(shape) -> str:
    return "x".join(map(str, shape))
