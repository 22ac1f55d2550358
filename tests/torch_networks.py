"""Networks built twice from one recipe: of the kit's layers and of torch.nn's modules, with the same parameters."""

import numpy as np
import torch
from torch import nn
from torch_checks import normal, tensor

from cs231n_kit import networks


class Sum(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class Join(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class Aside(nn.Module):
    """A head that keeps its scores, beside the way that the input goes on."""

    def __init__(self, *head):
        super().__init__()
        self.head = nn.Sequential(*head)

    def forward(self, x):
        if self.training:
            self.scores = self.head(x)
        return x


class LargestOf(nn.Module):
    """Maxout over neighbouring channels."""

    def __init__(self, pieces):
        super().__init__()
        self.pieces = pieces

    def forward(self, x):
        return x.unflatten(1, (-1, self.pieces)).amax(dim=2)


class HiddenStates(nn.LSTM):
    """The hidden states of all steps alone."""

    def forward(self, x):
        return super().forward(x)[0]


class HiddenStatesOfRNN(nn.RNN):
    def forward(self, x):
        return super().forward(x)[0]


def gates(array):
    """Columns i, f, o, g as i, f, g, o."""
    i, f, o, g = np.split(array, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


def for_torch(name, array, module):
    """A parameter, or its gradient, as PyTorch keeps it."""
    if isinstance(module, nn.LSTM):
        array = gates(array)
    if isinstance(module, nn.Linear | nn.RNNBase) and array.ndim == 2:
        return array.T
    return array.ravel() if isinstance(module, nn.GroupNorm) else array


ARRANGEMENTS = (nn.Sequential, nn.ModuleList, Sum, Join, Aside)
NAMES = {"w": "weight", "b": "bias", "gamma": "weight", "beta": "bias", "W": "weight"}
NAMES_IN_RECURRENT_LAYERS = {"Wx": "weight_ih_l0", "Wh": "weight_hh_l0", "b": "bias_ih_l0"}


def counterparts(network, module):
    """(key, name, layer's module, torch's name) of each of the network's parameters: both have layers in one order."""
    leaves = [
        leaf for leaf in module.modules() if not isinstance(leaf, nn.Sequential | nn.ModuleList | Sum | Join | Aside)
    ]
    layers = list(network.layers())
    assert len(layers) == len(leaves)
    for (path, _), leaf in zip(layers, leaves, strict=True):
        names = NAMES_IN_RECURRENT_LAYERS if isinstance(leaf, nn.RNNBase) else NAMES
        for key in network.parameters:
            before, _, name = key.rpartition(".")
            if before == path:
                yield key, name, leaf, names[name]


def copy_parameters(network, module):
    """Give both the same random parameters, running statistics included, none of them 0 or 1 as at the start."""
    with torch.no_grad():
        for key, name, leaf, torch_name in counterparts(network, module):
            array = network.parameters[key]
            if name in ("b", "beta", "gamma"):
                array[...] = 0.5 * normal(len(key), array.shape)[0] + (name == "gamma")
            if torch_name == "bias_ih_l0":
                leaf.bias_hh_l0.zero_()
            getattr(leaf, torch_name).copy_(tensor(for_torch(name, array, leaf)))
    norms = [leaf for leaf in module.modules() if isinstance(leaf, nn.BatchNorm1d | nn.BatchNorm2d)]
    for i, leaf in enumerate(norms):
        for name, array in running(network, i).items():
            array[...] = 0.2 * normal(i, array.shape)[0] + (name == "running_var")
            getattr(leaf, name).copy_(tensor(array))


def running(network, i):
    """The statistics of the i-th batch normalisation."""
    paths = list(dict.fromkeys(key.rpartition(".")[0] for key in network.statistics))
    return {name: network.statistics[f"{paths[i]}.{name}"] for name in ("running_mean", "running_var")}


def assert_same_parameters(network, module, assert_close, of_gradients=False, **tolerance):
    """``assert_close`` for each parameter, or for each gradient."""
    found = network.gradients if of_gradients else network.parameters
    assert found.keys() == network.parameters.keys()
    for key, name, leaf, torch_name in counterparts(network, module):
        parameter = getattr(leaf, torch_name)
        assert found[key].shape == network.parameters[key].shape
        expected = parameter.grad if of_gradients else parameter
        assert_close(for_torch(name, found[key], leaf), expected, key, **tolerance)


def convnet():
    """A bit of everything that images go through, in both languages."""
    ours = networks.Sequential(
        networks.Convolution(8, 3, pad=1, bias=False),
        networks.BatchNorm(),
        networks.ReLU(),
        networks.Residual(
            networks.Convolution(12, 3, stride=2, pad=1, bias=False),
            networks.BatchNorm(momentum=0.7, eps=1e-3),
            networks.LeakyReLU(0.1),
            networks.Convolution(12, (3, 1), pad=(1, 0)),
            shortcut=(networks.Convolution(12, 1, stride=2, bias=False), networks.BatchNorm()),
        ),
        networks.ReLU(),
        networks.Parallel(
            networks.Convolution(4, 1),
            (networks.Convolution(3, 1), networks.ELU(), networks.Convolution(6, 3, pad=2, dilation=2)),
            (networks.MaxPool(3, 1, 1), networks.Convolution(2, 1)),
            (),
        ),
        networks.GroupNorm(4),
        networks.Residual(networks.Tanh(), networks.Convolution(24, 3, pad=1)),
        networks.AveragePool(2),
        networks.Maxout(3),
        networks.Flatten(),
        networks.Affine(20),
        networks.LayerNorm(),
        networks.Sigmoid(),
        networks.Affine(10, bias=False),
    )
    theirs = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        Sum(
            nn.Sequential(
                nn.Conv2d(8, 12, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(12, momentum=0.3, eps=1e-3),
                nn.LeakyReLU(0.1),
                nn.Conv2d(12, 12, (3, 1), padding=(1, 0)),
            ),
            nn.Sequential(nn.Conv2d(8, 12, 1, stride=2, bias=False), nn.BatchNorm2d(12)),
        ),
        nn.ReLU(),
        Join(
            nn.Conv2d(12, 4, 1),
            nn.Sequential(nn.Conv2d(12, 3, 1), nn.ELU(), nn.Conv2d(3, 6, 3, padding=2, dilation=2)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(12, 2, 1)),
            nn.Sequential(),
        ),
        nn.GroupNorm(4, 24),
        Sum(nn.Sequential(nn.Tanh(), nn.Conv2d(24, 24, 3, padding=1)), nn.Sequential()),
        nn.AvgPool2d(2),
        LargestOf(3),
        nn.Flatten(),
        nn.Linear(72, 20),
        nn.LayerNorm(20),
        nn.Sigmoid(),
        nn.Linear(20, 10, bias=False),
    )
    return ours, theirs


def language_model(recurrent):
    """Words in, scores of the next word out."""
    kit_layer, module = {"lstm": (networks.LSTM, HiddenStates), "rnn": (networks.RNN, HiddenStatesOfRNN)}[recurrent]
    ours = networks.Sequential(
        networks.WordEmbedding(30, 7),
        kit_layer(9),
        networks.Residual(kit_layer(9)),
        networks.TemporalAffine(30),
    )
    theirs = nn.Sequential(
        nn.Embedding(30, 7),
        module(7, 9, batch_first=True),
        Sum(module(9, 9, batch_first=True), nn.Sequential()),
        nn.Linear(9, 30),
    )
    return ours, theirs
