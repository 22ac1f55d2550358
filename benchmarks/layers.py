"""Batch normalisation, ReLU and the softmax loss, forward and backward, against PyTorch."""

import math

import numpy as np

from benchmarks.harness import PYTORCH, Race, float32, tensors, torch
from cs231n_kit.layers import (
    batchnorm_backward,
    batchnorm_forward,
    relu_backward,
    relu_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)
from cs231n_kit.losses import softmax_loss

# Each pass over an array counts: x, out; dout, x, dx.
ARRAYS = 5


def races():
    vectors, images, megabytes_8, scores = (1024, 512), (64, 32, 32, 32), (2 << 20,), (1024, 10)
    bound = "bound by memory: each sum over the batch is a pass over arrays that do not fit into the cache together"
    for what, shape in ("batchnorm", vectors), ("spatial batchnorm", images):
        bytes = 4 * ARRAYS * math.prod(shape)
        yield Race(f"{what} {_by(shape)} forward + backward", PYTORCH, _batchnorm(shape), 0.9, bytes=bytes, bound=bound)
    relu_bytes, loss_bytes = 4 * ARRAYS * math.prod(megabytes_8), 8 * math.prod(scores)
    yield Race("ReLU 8 MB forward + backward", PYTORCH, _relu(megabytes_8), 0.9, bytes=relu_bytes, bound=bound)
    yield Race(f"softmax loss {_by(scores)}", PYTORCH, _softmax_loss(*scores), 0.9, bytes=loss_bytes)


def _batchnorm(shape):
    def build():
        rng = np.random.default_rng(0)
        x, dout = float32(rng, *shape), float32(rng, *shape)
        gamma, beta = float32(rng, shape[1]), float32(rng, shape[1])
        inputs, gradient = tensors(x, gamma, beta), torch.from_numpy(dout)
        mean, var, bn_param = torch.zeros(shape[1]), torch.ones(shape[1]), {"mode": "train"}
        spatial = len(shape) == 4
        forward = spatial_batchnorm_forward if spatial else batchnorm_forward
        backward = spatial_batchnorm_backward if spatial else batchnorm_backward

        def ours():
            out, cache = forward(x, gamma, beta, bn_param)
            return out, *backward(dout, cache)

        def theirs():
            x, gamma, beta = inputs
            out = torch.nn.functional.batch_norm(x, mean, var, gamma, beta, training=True)
            return out, *torch.autograd.grad(out, inputs, gradient)

        return ours, theirs

    return build


def _relu(shape):
    def build():
        rng = np.random.default_rng(0)
        x, dout = float32(rng, *shape), float32(rng, *shape)
        (tensor,), gradient = tensors(x), torch.from_numpy(dout)

        def ours():
            out, cache = relu_forward(x)
            return out, relu_backward(dout, cache)

        def theirs():
            out = torch.nn.functional.relu(tensor)
            return out, *torch.autograd.grad(out, tensor, gradient)

        return ours, theirs

    return build


def _softmax_loss(N, C):
    def build():
        rng = np.random.default_rng(0)
        x, y = float32(rng, N, C), rng.integers(0, C, N)
        (tensor,), labels = tensors(x), torch.from_numpy(y)

        def theirs():
            loss = torch.nn.functional.cross_entropy(tensor, labels)
            return loss, *torch.autograd.grad(loss, tensor)

        return lambda: softmax_loss(x, y), theirs

    return build


def _by(shape):
    return "x".join(map(str, shape))
