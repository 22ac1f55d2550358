"""Batch, layer and group normalisation, forward and backward."""

import math

from benchmarks.gpu.race import backward, by, forward, memory_bound, normal
from benchmarks.harness import torch
from cs231n_kit.kernels import normalization_cuda

EPS = 1e-5
# Statistics have to be known before anything can be normalised, so the inputs go through memory twice.
FORWARD, BACKWARD = 3, 5


def races(vectors, images, groups=32):
    kinds = {
        "batchnorm": (vectors, _batch, _torch_batch),
        "spatial batchnorm": (images, _batch, _torch_batch),
        "layernorm": (vectors, _groups(1), _torch_layer),
        "groupnorm": (images, _groups(groups), _torch_groups(groups)),
    }
    for name, (shape, kernels, peer) in kinds.items():
        work, elements = f"{name} {{}} ({by(shape)})", math.prod(shape)
        yield memory_bound(work.format("forward"), _forward(shape, kernels, peer), FORWARD * elements)
        yield memory_bound(work.format("backward"), _backward(shape, kernels, peer), BACKWARD * elements)


def _forward(shape, kernels, peer):
    def build():
        inputs = _inputs(shape)
        return lambda: kernels[0](*inputs)[0], forward(peer, *inputs)

    return build


def _backward(shape, kernels, peer):
    def build():
        (x, gamma, beta), dout = _inputs(shape), normal(*shape, seed=3)
        _, mean, error, _, inverse_std = kernels[0](x, gamma, beta)

        def ours():
            return kernels[1](dout, x, gamma, mean, error, inverse_std)

        return ours, backward(peer, dout, x, gamma, beta)

    return build


def _inputs(shape):
    return normal(*shape), normal(shape[1], seed=1), normal(shape[1], seed=2)


_batch = (
    lambda x, gamma, beta: normalization_cuda.batch_normalization(x, gamma, beta, EPS),
    normalization_cuda.batch_normalization_gradients,
)


def _groups(groups):
    return (
        lambda x, gamma, beta: normalization_cuda.group_normalization(x, gamma, beta, groups, EPS),
        normalization_cuda.group_normalization_gradients,
    )


def _torch_batch(x, gamma, beta):
    return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=EPS)


def _torch_layer(x, gamma, beta):
    return torch.nn.functional.layer_norm(x, x.shape[1:], gamma, beta, eps=EPS)


def _torch_groups(groups):
    return lambda x, gamma, beta: torch.nn.functional.group_norm(x, groups, gamma, beta, eps=EPS)
