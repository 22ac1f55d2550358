"""The famous networks against torch.nn: the same scores for one image, and GoogLeNet's three losses in training."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch_architectures import GoogLeNet, ResNet50, as_torch
from torch_checks import assert_close
from torch_networks import assert_same_parameters

from cs231n_kit import initialization
from cs231n_kit.architectures import ARCHITECTURES, googlenet, inception_small, resnet50
from cs231n_kit.losses import softmax_loss
from cs231n_kit.networks import Dropout
from cs231n_kit.training import Trainer
from cs231n_kit.training.objective import objective

SOME = np.random.default_rng(0).standard_normal(1_000_003)


@pytest.fixture(autouse=True)
def cheap_weights(monkeypatch):
    """Normal numbers, but the same million again and again: VGG-19 has 144 millions."""

    def normal(shape, rng, dtype, std):
        return np.resize((std * SOME).astype(dtype), shape)

    monkeypatch.setattr(initialization, "_normal", normal)


def initialized(network, input_shape, dtype=np.float32):
    """With biases, scales, shifts and statistics that are not those of the start."""
    network.initialize(input_shape, dtype=dtype)
    for i, (key, array) in enumerate((network.parameters | network.statistics).items()):
        if array.ndim == 1:
            start = 1 if key.endswith(("gamma", "var")) else 0
            array[...] = start + 0.1 * np.random.default_rng(i).standard_normal(array.shape)
    return network


def image(shape, count=1):
    return np.random.default_rng(count).standard_normal((count, *shape))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_scores_of_an_image(name):
    architecture = ARCHITECTURES[name]
    network = initialized(architecture.build(), architecture.input_shape)
    module = as_torch(network).eval()
    x = image(architecture.input_shape).astype(np.float32)
    with torch.inference_mode():
        expected = module(torch.from_numpy(x))
    assert expected.shape == (1, 10 if name == "LeNet-5" else 1000)
    assert expected.std() > 1e-3
    assert_close(network.forward(x, cache=False), expected, name, np.float32)


def fill_in_order(module, network):
    """Give the module the network's arrays, both in the order of their definitions."""
    parameters = list(module.parameters())
    assert sum(parameter.numel() for parameter in parameters) == sum(w.size for w in network.parameters.values())
    with torch.no_grad():
        for parameter, w in zip(parameters, network.parameters.values(), strict=True):
            parameter.copy_(torch.from_numpy(w.T if w.ndim == 2 else w))
        buffers = [buffer for buffer in module.buffers() if buffer.ndim]
        for buffer, array in zip(buffers, network.statistics.values(), strict=True):
            buffer.copy_(torch.from_numpy(array))
    return module


def test_resnet50_of_another_definition():
    network = initialized(resnet50(), (3, 224, 224))
    module = fill_in_order(ResNet50(), network).eval()
    assert sum(parameter.numel() for parameter in module.parameters()) == 25_557_032
    x = image((3, 224, 224)).astype(np.float32)
    with torch.inference_mode():
        assert_close(network.forward(x, cache=False), module(torch.from_numpy(x)), "scores", np.float32)


def test_googlenet_of_another_definition():
    """A training pass: scores of all three classifiers, the loss, and all gradients; dropout is off in both."""
    network = initialized(googlenet(), (3, 224, 224), np.float64)
    network.freeze(*(path for path, layer in network.layers() if isinstance(layer, Dropout)))
    module = fill_in_order(GoogLeNet().double(), network).train()
    assert sum(parameter.numel() for parameter in module.parameters()) == 13_004_888
    x, y = image((3, 224, 224), 2), np.array([3, 999])
    labels = torch.from_numpy(y)
    expected = module(torch.from_numpy(x))
    losses = [F.cross_entropy(scores, labels) for scores in expected]
    expected_loss = losses[0] + 0.3 * (losses[1] + losses[2])
    expected_loss.backward()

    scores = network.forward(x, mode="train")
    found = [scores, *(head.scores for head in network.auxiliary.values())]
    for i in range(3):
        assert_close(found[i], expected[i], f"scores {i}", factor=100)
    loss, dscores, heads = objective(Trainer(network, progress_bar=False, live_plot=False), scores, y)
    assert_close(loss, expected_loss, "loss", factor=100)
    network.backward(dscores, auxiliary=heads)
    gradients = zip(network.gradients.items(), module.parameters(), strict=True)
    for (key, gradient), parameter in gradients:
        assert_close(gradient.T if gradient.ndim == 2 else gradient, parameter.grad, key, factor=100)


@pytest.mark.parametrize(
    "network", [inception_small(width=4), inception_small(width=4, blocks=1, batchnorm=False)], ids=["with", "without"]
)
def test_gradients_of_small_inception_networks(network):
    """With and without normalisation, gradients to the images included."""
    initialized(network, (3, 32, 32), np.float64)
    module = as_torch(network).train()
    x, y = image((3, 32, 32), 4), np.arange(4)
    leaf = torch.from_numpy(x.copy()).requires_grad_()
    scores = module(leaf)
    asides = [aside.scores for aside in module if hasattr(aside, "scores")]
    (
        F.cross_entropy(scores, torch.from_numpy(y))
        + 0.3 * sum(F.cross_entropy(s, torch.from_numpy(y)) for s in asides)
    ).backward()
    _, dscores = softmax_loss(network.forward(x, mode="train"), y)
    heads = {path: weight * softmax_loss(head, y)[1] for path, (head, weight) in network.auxiliary.items()}
    assert len(heads) == len(asides) == 2
    dx = network.backward(dscores, input_gradient=True, auxiliary=heads)
    assert_close(dx, leaf.grad, "dx", factor=1000)
    assert_same_parameters(network, module, assert_close, of_gradients=True, factor=1000)
