"""Whole networks against torch.nn: scores, the loss, all gradients, and running statistics."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch_checks import assert_close, normal, seeds, tensor
from torch_networks import (
    Join,
    Sum,
    assert_same_parameters,
    convnet,
    copy_parameters,
    language_model,
    running,
)

from cs231n_kit import networks
from cs231n_kit.losses import softmax_loss, temporal_softmax_loss


def both(pair, input_shape, dtype=np.float64):
    ours, theirs = pair
    theirs = theirs.double()
    ours.initialize(input_shape, rng=0, dtype=dtype)
    copy_parameters(ours, theirs)
    return ours, theirs


@pytest.mark.parametrize("dtype, factor", [(np.float64, 10), (np.float32, 50)])
@pytest.mark.parametrize("mode", ["train", "test"])
def test_convnet(mode, dtype, factor):
    ours, theirs = both(convnet(), (3, 12, 12), dtype)
    x, y = normal(0, (6, 3, 12, 12))[0].astype(dtype), np.arange(6)
    theirs.train(mode == "train")
    leaf = tensor(x, leaf=True)
    expected = theirs(leaf)
    expected_loss = F.cross_entropy(expected, torch.tensor(y))
    expected_loss.backward()

    scores = ours.forward(x, mode=mode)
    loss, dscores = softmax_loss(scores, y)
    dx = ours.backward(dscores, input_gradient=True)
    assert_close(scores, expected, "scores", dtype, factor)
    assert_close(loss, expected_loss, "the loss", dtype, factor)
    assert_close(dx, leaf.grad, "dx", dtype, factor)
    assert_same_parameters(ours, theirs, assert_close, of_gradients=True, dtype=dtype, factor=factor)
    assert {array.dtype for array in (scores, dx, *ours.gradients.values())} == {np.dtype(dtype)}

    with_dx = {key: array.copy() for key, array in ours.gradients.items()}
    assert ours.backward(dscores) is None
    for key, array in ours.gradients.items():
        np.testing.assert_array_equal(array, with_dx[key], err_msg=key)


def test_running_statistics_after_some_batches():
    """PyTorch's variances are unbiased: n / (n - 1) times ours, apart from what is left of the start."""
    ours, theirs = both(convnet(), (3, 12, 12))
    norms = [(0.9, 6 * 12 * 12), (0.7, 6 * 6 * 6), (0.9, 6 * 6 * 6)]
    start = [{name: array.copy() for name, array in running(ours, i).items()} for i in range(len(norms))]
    for i in range(5):
        (x,) = normal(i, (6, 3, 12, 12))
        ours.forward(x, mode="train")
        theirs.train()(tensor(x))
    modules = [module for module in theirs.modules() if isinstance(module, nn.BatchNorm2d)]
    for i, ((momentum, count), module) in enumerate(zip(norms, modules, strict=True)):
        left = momentum**5 * start[i]["running_var"]
        found = running(ours, i)
        assert_close(found["running_mean"], module.running_mean, "running_mean")
        assert_close(left + (found["running_var"] - left) * count / (count - 1), module.running_var, "running_var")
    (x,) = normal(9, (4, 3, 12, 12))
    for module, i in zip(modules, range(len(norms)), strict=True):
        module.running_var.copy_(tensor(running(ours, i)["running_var"]))
    assert_close(ours.forward(x), theirs.eval()(tensor(x)), "scores in testing", factor=10)


@pytest.mark.parametrize("dtype, factor", [(np.float64, 10), (np.float32, 20)])
@pytest.mark.parametrize("recurrent", ["lstm", "rnn"])
def test_language_model(recurrent, dtype, factor):
    ours, theirs = both(language_model(recurrent), (11,), dtype)
    rng = np.random.default_rng(0)
    words, mask = rng.integers(0, 30, (5, 12)), rng.random((5, 11)) < 0.8
    targets = torch.tensor(np.where(mask, words[:, 1:], -100))
    expected = theirs(torch.tensor(words[:, :-1]))
    expected_loss = F.cross_entropy(expected.flatten(0, 1), targets.ravel(), reduction="sum") / 5
    expected_loss.backward()

    scores = ours.forward(words[:, :-1], mode="train")
    loss, dscores = temporal_softmax_loss(scores, words[:, 1:], mask)
    ours.backward(dscores)
    assert_close(scores, expected, "scores", dtype, factor)
    assert_close(loss, expected_loss, "the loss", dtype, factor)
    assert_same_parameters(ours, theirs, assert_close, of_gradients=True, dtype=dtype, factor=factor)


# Units that are off everywhere leave channels without variance, where rounding decides what a maximum is; so
# random networks have neither ReLU nor maxima. They are in the networks above. A large eps keeps normalising, again
# and again, from magnifying rounding.
ELEMENTWISE = [
    (networks.Tanh, nn.Tanh),
    (networks.Sigmoid, nn.Sigmoid),
    (networks.ELU, nn.ELU),
    (networks.LeakyReLU, nn.LeakyReLU),
]


@st.composite
def chains(draw, channels, depth, least=0):
    """Up to four steps that keep height and width: (the kit's, PyTorch's, the number of channels that come out)."""
    ours, theirs = [], []
    for _ in range(draw(st.integers(least, 4))):
        kinds = ["convolution", "elementwise", "batchnorm", "groupnorm", "pool"]
        kind = draw(st.sampled_from(kinds + ["residual", "parallel"] * (depth > 0)))
        if kind == "convolution":
            filters, size, bias = draw(st.integers(1, 4)), draw(st.sampled_from([1, 3])), draw(st.booleans())
            ours.append(networks.Convolution(filters, size, pad=size // 2, bias=bias))
            theirs.append(nn.Conv2d(channels, filters, size, padding=size // 2, bias=bias))
            channels = filters
        elif kind == "elementwise":
            layer, module = draw(st.sampled_from(ELEMENTWISE))
            ours.append(layer())
            theirs.append(module())
        elif kind == "batchnorm":
            ours.append(networks.BatchNorm(eps=0.1))
            theirs.append(nn.BatchNorm2d(channels, eps=0.1))
        elif kind == "groupnorm":
            groups = draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
            ours.append(networks.GroupNorm(groups, eps=0.1))
            theirs.append(nn.GroupNorm(groups, channels, eps=0.1))
        elif kind == "pool":
            ours.append(networks.AveragePool(3, 1, 1))
            theirs.append(nn.AvgPool2d(3, 1, 1))
        elif kind == "residual":
            body, torch_body, filters = draw(chains(channels, depth - 1, least=1))
            shortcut, torch_shortcut = (), nn.Sequential()
            if filters != channels or draw(st.booleans()):
                shortcut, torch_shortcut = networks.Convolution(filters, 1), nn.Conv2d(channels, filters, 1)
            ours.append(networks.Residual(*body, shortcut=shortcut))
            theirs.append(Sum(nn.Sequential(*torch_body), torch_shortcut))
            channels = filters
        else:
            branches = [draw(chains(channels, depth - 1)) for _ in range(draw(st.integers(1, 3)))]
            ours.append(networks.Parallel(*(branch for branch, _, _ in branches)))
            theirs.append(Join(*(nn.Sequential(*branch) for _, branch, _ in branches)))
            channels = sum(filters for _, _, filters in branches)
    return ours, theirs, channels


@settings(max_examples=60)
@given(chains(2, depth=2, least=1), st.booleans(), st.sampled_from(["train", "test"]), seeds)
def test_random_networks(chain, with_head, mode, seed):
    """Residual and Parallel inside each other, parameters anywhere or nowhere, gradients to x asked for or not."""
    steps, modules, channels = chain
    if with_head:
        steps, modules = [*steps, networks.Affine(3)], [*modules, nn.Flatten(), nn.Linear(channels * 20, 3)]
        steps.insert(-1, networks.Flatten())
    ours, theirs = both((networks.Sequential(*steps), nn.Sequential(*modules)), (2, 5, 4))
    theirs.train(mode == "train")
    (x,) = normal(seed, (3, 2, 5, 4))
    leaf = tensor(x, leaf=True)
    expected = theirs(leaf)
    out = ours.forward(x, mode=mode)
    (dout,) = normal([seed, 1], out.shape)
    expected.backward(tensor(dout))
    factor = 100
    assert_close(out, expected, "out", factor=factor)
    assert ours.backward(dout) is None
    assert_same_parameters(ours, theirs, assert_close, of_gradients=True, factor=factor)
    assert_close(ours.backward(dout, input_gradient=True), leaf.grad, "dx", factor=factor)
    assert_same_parameters(ours, theirs, assert_close, of_gradients=True, factor=factor)
