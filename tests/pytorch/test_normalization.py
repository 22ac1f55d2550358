"""Batch, layer and group normalisation against PyTorch, running statistics and hard cases included.

``torch.batch_norm`` and ``torch.group_norm`` are what ``torch.nn.functional`` calls once it has refused single values.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch_checks import Form, assert_close, assert_layer, forms, normal, seeds, tensor

from cs231n_kit.layers import (
    batchnorm_backward,
    batchnorm_forward,
    layernorm_backward,
    layernorm_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_groupnorm_backward,
    spatial_groupnorm_forward,
)

sizes = st.integers(1, 6)
PLAIN = [Form(np.float64, False), Form(np.float32, False)]
BATCHNORMS = {2: (batchnorm_forward, batchnorm_backward), 4: (spatial_batchnorm_forward, spatial_batchnorm_backward)}

# Normalising two or three values that happen to lie close together magnifies the rounding of what came before.
FEW_VALUES = {np.float64: 1e3, np.float32: 100}


def torch_batchnorm(x, gamma, beta, mean=None, var=None, training=True, momentum=0.1, eps=1e-5):
    return torch.batch_norm(x, gamma, beta, mean, var, training, momentum, eps, False)


def spread(seed, shape):
    """Features of different mean and size."""
    x, mean, size = normal(seed, shape, shape[1:2], shape[1:2])
    channels = (-1,) + (1,) * (len(shape) - 2)
    return x * np.exp(size).reshape(channels) + 3 * mean.reshape(channels)


shapes = st.one_of(st.tuples(sizes, sizes), st.tuples(sizes, sizes, sizes, sizes))


@settings(max_examples=80)
@given(shapes, st.sampled_from([1e-5, 1e-3, 0.5]), seeds, forms)
@example((1, 3), 1e-5, 0, Form(np.float32, True))  # a batch of one, whose variance is 0
@example((1, 1, 1, 1), 1e-5, 0, Form(np.float64, True))
@example((200, 300), 1e-5, 0, PLAIN[1])
@example((16, 20, 30, 30), 1e-5, 0, PLAIN[1])
@example((16, 20, 30, 30), 1e-5, 0, Form(np.float64, True))
def test_batchnorm_in_training(shape, eps, seed, form):
    forward, backward = BATCHNORMS[len(shape)]
    assert_layer(
        lambda *arrays: forward(*arrays, {"mode": "train", "eps": eps}),
        backward,
        lambda *leaves: torch_batchnorm(*leaves, eps=eps),
        [spread(seed, shape), *normal([seed, 1], shape[1], shape[1])],
        form,
        factor=FEW_VALUES[form.dtype],
    )


@settings(max_examples=60)
@given(shapes, st.floats(0, 1), st.integers(1, 4), seeds, forms)
@example((200, 300), 0.9, 3, 0, PLAIN[1])
@example((16, 20, 30, 30), 0.9, 3, 0, PLAIN[1])
def test_running_statistics(shape, momentum, batches, seed, form):
    """PyTorch's momentum is one minus ours, and its variance is divided by one less, which is taken back here."""
    count = int(np.prod(shape)) // shape[1]
    assume(count > 1)
    forward, _ = BATCHNORMS[len(shape)]
    gamma, beta = (form.of(array) for array in normal(seed, shape[1], shape[1]))
    start = [form.of(np.abs(array)) for array in normal([seed, 1], shape[1], shape[1])]
    param = {"mode": "train", "momentum": momentum, "running_mean": start[0], "running_var": start[1]}
    mean, biased = map(tensor, start)
    for i in range(batches):
        x = form.of(spread([seed, i], shape))
        forward(x, gamma, beta, param)
        unbiased = biased.clone()
        torch_batchnorm(*map(tensor, (x, gamma, beta)), mean, unbiased, momentum=1 - momentum)
        biased = momentum * biased + (unbiased - momentum * biased) * (count - 1) / count
    assert_close(param["running_mean"], mean, "the running mean", form.dtype)
    assert_close(param["running_var"], biased, "the running variance", form.dtype)
    assert param["running_mean"].dtype == param["running_var"].dtype == form.dtype
    for statistic, array in zip(start, normal([seed, 1], shape[1], shape[1]), strict=True):
        np.testing.assert_array_equal(statistic, form.of(np.abs(array)), err_msg="the given statistics were modified")


@settings(max_examples=60)
@given(shapes, st.sampled_from([1e-5, 0.5]), seeds, forms)
@example((200, 300), 1e-5, 0, PLAIN[1])
@example((16, 20, 30, 30), 1e-5, 0, PLAIN[1])
def test_batchnorm_in_testing(shape, eps, seed, form):
    forward, backward = BATCHNORMS[len(shape)]
    mean, deviation = normal([seed, 2], shape[1], shape[1])
    statistics = [form.of(mean), form.of(deviation**2 + 0.1)]
    param = {"mode": "test", "eps": eps} | dict(zip(("running_mean", "running_var"), statistics, strict=True))
    assert_layer(
        lambda *arrays: forward(*arrays, param),
        backward,
        lambda *leaves: torch_batchnorm(*leaves, *map(tensor, statistics), training=False, eps=eps),
        [spread(seed, shape), *normal([seed, 1], shape[1], shape[1])],
        form,
    )


@settings(max_examples=50)
@given(sizes, sizes, st.sampled_from([1e-5, 1e-3, 0.5]), seeds, forms)
@example(1, 1, 1e-5, 0, PLAIN[0])
@example(200, 300, 1e-5, 0, PLAIN[1])
def test_layernorm(N, D, eps, seed, form):
    assert_layer(
        lambda *arrays: layernorm_forward(*arrays, {"eps": eps}),
        layernorm_backward,
        lambda x, gamma, beta: F.layer_norm(x, (D,), gamma, beta, eps),
        [spread(seed, (N, D)), *normal([seed, 1], D, D)],
        form,
        factor=FEW_VALUES[form.dtype],
    )


@settings(max_examples=60)
@given(st.tuples(sizes, st.integers(1, 3), sizes, sizes), st.integers(1, 3), seeds, forms)
@example((1, 1, 1, 1), 1, 0, PLAIN[0])
@example((16, 6, 30, 30), 4, 0, PLAIN[1])
def test_groupnorm(shape, G, seed, form):
    N, share, H, W = shape
    C = G * share
    assert_layer(
        lambda *arrays: spatial_groupnorm_forward(*arrays, G, {}),
        spatial_groupnorm_backward,
        lambda x, gamma, beta: torch.group_norm(x, G, gamma.ravel(), beta.ravel(), 1e-5, False),
        [spread(seed, (N, C, H, W)), *normal([seed, 1], (1, C, 1, 1), (1, C, 1, 1))],
        form,
        factor=FEW_VALUES[form.dtype],
    )


@pytest.mark.parametrize("shape", [(50, 6), (10, 6, 4, 3)], ids=str)
@pytest.mark.parametrize("deviation, mean", [(1e-6, 0), (1e-6, 1), (1e-3, 1e4), (1, 1e4)])
def test_small_variances_and_large_means(shape, deviation, mean):
    """Variances of 1e-12, where eps decides, and means far from zero; float64 has digits to spare, but not many."""
    x = deviation * normal(0, shape)[0] + mean
    gamma, beta = normal(1, 6, 6)
    for forward, backward, reference in [
        (lambda *arrays: BATCHNORMS[len(shape)][0](*arrays, {"mode": "train"}), BATCHNORMS[len(shape)][1], None),
        (
            lambda *arrays: layernorm_forward(*arrays, {}),
            layernorm_backward,
            lambda *leaves: F.layer_norm(leaves[0], (6,), *leaves[1:]),
        ),
    ][: 2 if len(shape) == 2 else 1]:
        assert_layer(forward, backward, reference or torch_batchnorm, [x, gamma, beta], PLAIN[0], factor=1e6)


@pytest.mark.parametrize("deviation, mean", [(1e-6, 0), (1e-6, 1e-3), (1e-2, 1e4)])
def test_hard_cases_in_float32(deviation, mean):
    """The kit in float32 is as close to float64 as PyTorch in float32 is, where variances are tiny or means large."""
    for shape in [(50, 6), (10, 6, 8, 8)]:
        forward, _ = BATCHNORMS[len(shape)]
        x = (deviation * normal(0, shape)[0] + mean).astype(np.float32)
        gamma, beta = np.ones(6, np.float32), np.zeros(6, np.float32)
        out, _ = forward(x, gamma, beta, {"mode": "train"})
        exact = torch_batchnorm(*map(tensor, (x, gamma, beta))).numpy()
        theirs = torch_batchnorm(*map(torch.tensor, (x, gamma, beta))).numpy()
        assert np.isfinite(out).all()
        assert np.abs(out - exact).max() <= 2 * np.abs(theirs - exact).max() + 1e-6 * np.abs(exact).max()


@pytest.mark.parametrize("dtype, factor", [(np.float64, 1e3), (np.float32, 10)])
@pytest.mark.parametrize("shape", [(4000, 60), (64, 10, 20, 20)], ids=str)
@pytest.mark.parametrize("order", ["sorted", "one example far away", "constant but for one"])
def test_batches_that_are_not_alike_throughout(order, shape, dtype, factor):
    """What holds for the first examples of a batch need not hold for the others."""
    (x,) = normal(0, shape)
    if order == "sorted":
        x = np.sort(x, axis=0) + 100
    elif order == "one example far away":
        x[0] += 1e3
    else:
        x[1:] = 3
    forward, backward = BATCHNORMS[len(shape)]
    assert_layer(
        lambda *arrays: forward(*arrays, {"mode": "train"}),
        backward,
        torch_batchnorm,
        [x, *normal(1, shape[1], shape[1])],
        Form(dtype, False),
        factor,
    )
