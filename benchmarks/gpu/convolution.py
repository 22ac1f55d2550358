"""Convolution against cuDNN without TF32, and the kernels that it consists of."""

import math

from benchmarks.gpu.race import DeviceRace, by, forward, memory_bound, normal, tensor
from benchmarks.harness import check_agreement, torch
from cs231n_kit.kernels import convolution_cuda

PEER = "cuDNN, TF32 off"
GOAL = 2.0  # half as fast as cuDNN
STRIDE, DILATION = (1, 1), (1, 1)


def races(shape, filters, size):
    pad = (size // 2, size // 2)
    work = f"conv {size}x{size}, {shape[1]} -> {filters} ({shape[0]}x{shape[2]}x{shape[3]})"
    flops = 2 * math.prod(shape) * filters * size * size
    bytes = 4 * (math.prod(shape) + shape[0] * filters * math.prod(shape[2:]))
    settings = STRIDE, pad, DILATION
    arguments = shape, filters, size, settings
    bound = "bound by memory: the columns are size x size times the images, and are written and read again"
    whole = dict(flops=flops, bytes=bytes, bound=bound)
    yield DeviceRace(f"{work} forward", PEER, _forward(convolution_cuda.convolution, *arguments), GOAL, **whole)
    both = dict(flops=3 * flops, bytes=3 * bytes, bound=bound)
    yield DeviceRace(f"{work} forward + backward", PEER, _both(*arguments), GOAL, **both)
    direct = _forward(convolution_cuda.convolution_direct, *arguments)
    yield DeviceRace(f"{work} forward, the kernel to read", PEER, direct, flops=flops, bytes=bytes)
    numbers = math.prod(shape) * (1 + size * size)
    unfold = _unfold(shape, (filters, shape[1], size, size), settings)
    fold = _fold(shape, (filters, shape[1], size, size), settings)
    work = f"{{}}, {size}x{size} windows ({by(shape)})"
    yield memory_bound(work.format("unfold (im2col)"), unfold, numbers, check=_check_columns(shape))
    yield memory_bound(work.format("fold (col2im)"), fold, numbers)


def _inputs(shape, filters, size):
    return normal(*shape), normal(filters, shape[1], size, size, seed=1), normal(filters, seed=2)


def _forward(kernel, shape, filters, size, settings):
    def build():
        inputs = _inputs(shape, filters, size)
        return lambda: kernel(*inputs, *settings), forward(_torch(settings), *inputs)

    return build


def _both(shape, filters, size, settings):
    def build():
        x, w, b = _inputs(shape, filters, size)
        dout = normal(shape[0], filters, *shape[2:], seed=3)
        inputs, gradient = [tensor(array, gradient=True) for array in (x, w, b)], tensor(dout)

        def ours():
            out = convolution_cuda.convolution(x, w, b, *settings)
            return out, *convolution_cuda.convolution_gradients(dout, x, w, *settings)

        def theirs():
            out = _torch(settings)(*inputs)
            return out, *torch.autograd.grad(out, inputs, gradient)

        return ours, theirs

    return build


def _torch(settings):
    stride, pad, dilation = settings
    return lambda x, w, b: torch.nn.functional.conv2d(x, w, b, stride, pad, dilation)


def _unfold(shape, w_shape, settings):
    stride, pad, dilation = settings

    def build():
        x = normal(*shape)
        theirs = forward(lambda x: torch.nn.functional.unfold(x, w_shape[2:], dilation, pad, stride), x)
        return lambda: convolution_cuda._unfolded(x, w_shape, shape[2:], *settings), theirs

    return build


def _check_columns(shape):
    """PyTorch has the images first, (N, C HH WW, H W) instead of (C HH WW, N H W)."""

    def check(race, ours, theirs):
        check_agreement(race, ours, theirs.permute(1, 0, 2).reshape(len(ours), -1))

    return check


def _fold(shape, w_shape, settings):
    stride, pad, dilation = settings

    def build():
        columns = normal(math.prod(w_shape[1:]), shape[0] * math.prod(shape[2:]))
        images = normal(*shape)
        by_image = tensor(columns).reshape(len(columns), shape[0], -1).permute(1, 0, 2).contiguous()

        def ours():
            convolution_cuda._fold(columns, images, w_shape, shape[2:], *settings)
            return images

        def theirs():
            return torch.nn.functional.fold(by_image, shape[2:], w_shape[2:], dilation, pad, stride)

        return ours, theirs

    return build
