"""Max and average pooling, forward and backward, with windows beside each other and overlapping ones."""

import math

from benchmarks.gpu.race import backward, by, forward, memory_bound, normal
from benchmarks.harness import torch
from cs231n_kit.kernels import pooling_cuda
from cs231n_kit.kernels.convolution import output_size

WINDOWS = {"2x2": ((2, 2), (2, 2), (0, 0)), "3x3, stride 2, pad 1": ((3, 3), (2, 2), (1, 1))}


def races(shape):
    for name, window in WINDOWS.items():
        pixels = math.prod(shape)
        outputs = math.prod(shape[:2]) * math.prod(output_size(shape[2:], *window, (1, 1)))
        switches = outputs / 4  # a byte each
        work = f"{{}} pool {name} {{}} ({by(shape)})"
        numbers = pixels + outputs + switches
        yield memory_bound(work.format("max", "forward"), _max_forward(shape, *window), numbers)
        yield memory_bound(work.format("max", "backward"), _max_backward(shape, *window), numbers)
    numbers = pixels + outputs
    yield memory_bound(work.format("average", "forward"), _average_forward(shape, *window), numbers)
    yield memory_bound(work.format("average", "backward"), _average_backward(shape, *window), numbers)


def _max_forward(shape, window, stride, pad):
    def build():
        x = normal(*shape)
        return lambda: pooling_cuda.max_pool(x, window, stride, pad)[0], forward(_torch_max(window, stride, pad), x)

    return build


def _max_backward(shape, window, stride, pad):
    def build():
        x = normal(*shape)
        out, switches = pooling_cuda.max_pool(x, window, stride, pad)
        dout = normal(*out.shape, seed=1)

        def ours():
            return pooling_cuda.max_pool_gradient(dout, switches, x.shape, window, stride, pad)

        return ours, backward(_torch_max(window, stride, pad), dout, x)

    return build


def _average_forward(shape, window, stride, pad):
    def build():
        x = normal(*shape)
        return lambda: pooling_cuda.average_pool(x, window, stride, pad), forward(
            _torch_average(window, stride, pad), x
        )

    return build


def _average_backward(shape, window, stride, pad):
    def build():
        x = normal(*shape)
        dout = normal(*pooling_cuda.average_pool(x, window, stride, pad).shape, seed=1)

        def ours():
            return pooling_cuda.average_pool_gradient(dout, x.shape, window, stride, pad)

        return ours, backward(_torch_average(window, stride, pad), dout, x)

    return build


def _torch_max(window, stride, pad):
    return lambda x: torch.nn.functional.max_pool2d(x, window, stride, pad)


def _torch_average(window, stride, pad):
    return lambda x: torch.nn.functional.avg_pool2d(x, window, stride, pad)
