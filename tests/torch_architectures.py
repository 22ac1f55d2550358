"""The kit's definitions as torch.nn's modules, over the same memory; and two networks written for PyTorch alone."""

import numpy as np
import torch
from torch import nn
from torch_networks import Aside, Join, Sum, counterparts, for_torch

from cs231n_kit import networks
from cs231n_kit.networks.layer import Layer


def as_torch(network):
    """The module that computes what an initialised network does; parameters and statistics are shared where they can.

    Modules for layers of the famous networks alone. In PyTorch p is the probability of dropping a unit.
    """
    shapes = {row.path: row.input_shape for row in network._trace(network.input_shape)}
    with torch.device("meta"):  # takes no memory
        module = nn.Sequential(*(_module(step, str(i), shapes) for i, step in enumerate(network.steps)))
    for key, name, leaf, torch_name in list(counterparts(network, module)):
        setattr(leaf, torch_name, nn.Parameter(torch.from_numpy(for_torch(name, network.parameters[key], leaf))))
    norms = [leaf for leaf in module.modules() if isinstance(leaf, nn.BatchNorm2d)]
    for i, array in enumerate(network.statistics.values()):
        setattr(norms[i // 2], ("running_mean", "running_var")[i % 2], torch.from_numpy(array))
    return module


def _module(step, path, shapes):
    def chain(steps, place):
        return [_module(inner, f"{path}.{place}.{i}", shapes) for i, inner in enumerate(steps)]

    if isinstance(step, networks.Residual):
        body = nn.Sequential(*chain(step.body.steps, "body"))
        return Sum(body, nn.Sequential(*chain(step.shortcut.steps, "shortcut")))
    if isinstance(step, networks.Parallel):
        return Join(*(nn.Sequential(*chain(way.steps, f"branch{i}")) for i, way in enumerate(step.branches)))
    if isinstance(step, networks.Auxiliary):
        return Aside(*chain(step.head.steps, "head"))
    assert isinstance(step, Layer)
    return MODULES[type(step)](step, shapes[path])


class Mean(nn.Module):
    """Of all pixels of each channel."""

    def forward(self, x):
        return x.mean(dim=(2, 3))


MODULES = {
    networks.Affine: lambda layer, shape: nn.Linear(int(np.prod(shape)), layer.units, layer.bias),
    networks.AveragePool: lambda layer, shape: nn.AvgPool2d(layer.size, layer.stride, layer.pad),
    networks.BatchNorm: lambda layer, shape: nn.BatchNorm2d(shape[0], layer.eps, 1 - layer.momentum),
    networks.Convolution: lambda layer, shape: nn.Conv2d(
        shape[0], layer.filters, layer.size, layer.stride, layer.pad, layer.dilation, bias=layer.bias
    ),
    networks.Dropout: lambda layer, shape: nn.Dropout(1 - layer.p),
    networks.Flatten: lambda layer, shape: nn.Flatten(),
    networks.GlobalAveragePool: lambda layer, shape: Mean(),
    networks.MaxPool: lambda layer, shape: nn.MaxPool2d(layer.size, layer.stride, layer.pad),
    networks.ReLU: lambda layer, shape: nn.ReLU(),
    networks.Tanh: lambda layer, shape: nn.Tanh(),
}


class Bottleneck(nn.Module):
    """He et al. 2015, figure 5, right, with the stride in the middle."""

    def __init__(self, before, narrow, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, narrow, 1, bias=False), nn.BatchNorm2d(narrow)
        self.conv2, self.bn2 = nn.Conv2d(narrow, narrow, 3, stride, 1, bias=False), nn.BatchNorm2d(narrow)
        self.conv3, self.bn3 = nn.Conv2d(narrow, 4 * narrow, 1, bias=False), nn.BatchNorm2d(4 * narrow)
        self.downsample = None
        if before != 4 * narrow:
            projection = nn.Conv2d(before, 4 * narrow, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(4 * narrow))

    def forward(self, x):
        out = self.bn1(self.conv1(x)).relu()
        out = self.bn2(self.conv2(out)).relu()
        return (self.bn3(self.conv3(out)) + (self.downsample(x) if self.downsample else x)).relu()


class ResNet50(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        blocks, before = [], 64
        for narrow, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for i in range(count):
                blocks.append(Bottleneck(before, narrow, 1 if i else stride))
                before = 4 * narrow
        self.blocks, self.fc = nn.Sequential(*blocks), nn.Linear(2048, 1000)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        return self.fc(self.blocks(x).mean(dim=(2, 3)))


class ConvBlock(nn.Module):
    def __init__(self, before, filters, size, **settings):
        super().__init__()
        self.conv = nn.Conv2d(before, filters, size, padding=size // 2, bias=False, **settings)
        self.bn = nn.BatchNorm2d(filters, eps=1e-3)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()


class InceptionBlock(nn.Module):
    """Szegedy et al. 2014, figure 2 (b), with 3 x 3 for 5 x 5."""

    def __init__(self, before, one, before3, three, before5, five, pooled):
        super().__init__()
        self.one = ConvBlock(before, one, 1)
        self.three = nn.Sequential(ConvBlock(before, before3, 1), ConvBlock(before3, three, 3))
        self.five = nn.Sequential(ConvBlock(before, before5, 1), ConvBlock(before5, five, 3))
        self.pooled = ConvBlock(before, pooled, 1)

    def forward(self, x):
        pooled = self.pooled(nn.functional.max_pool2d(x, 3, 1, 1))
        return torch.cat([self.one(x), self.three(x), self.five(x), pooled], dim=1)


class Head(nn.Module):
    """An auxiliary classifier, without its dropout."""

    def __init__(self, before):
        super().__init__()
        self.conv = ConvBlock(before, 128, 1)
        self.fc1, self.fc2 = nn.Linear(2048, 1024), nn.Linear(1024, 1000)

    def forward(self, x):
        x = self.conv(nn.functional.avg_pool2d(x, 5, 3)).flatten(1)
        return self.fc2(self.fc1(x).relu())


class GoogLeNet(nn.Module):
    """Szegedy et al. 2014, table 1, without dropout; returns the scores, and those of both heads."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            *(ConvBlock(3, 64, 7, stride=2), nn.MaxPool2d(3, 2, 1)),
            *(ConvBlock(64, 64, 1), ConvBlock(64, 192, 3), nn.MaxPool2d(3, 2, 1)),
        )
        self.a3 = InceptionBlock(192, 64, 96, 128, 16, 32, 32)
        self.b3 = InceptionBlock(256, 128, 128, 192, 32, 96, 64)
        self.a4 = InceptionBlock(480, 192, 96, 208, 16, 48, 64)
        self.aux1 = Head(512)
        self.b4 = InceptionBlock(512, 160, 112, 224, 24, 64, 64)
        self.c4 = InceptionBlock(512, 128, 128, 256, 24, 64, 64)
        self.d4 = InceptionBlock(512, 112, 144, 288, 32, 64, 64)
        self.aux2 = Head(528)
        self.e4 = InceptionBlock(528, 256, 160, 320, 32, 128, 128)
        self.a5 = InceptionBlock(832, 256, 160, 320, 32, 128, 128)
        self.b5 = InceptionBlock(832, 384, 192, 384, 48, 128, 128)
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x):
        pool = nn.functional.max_pool2d
        first = self.a4(pool(self.b3(self.a3(self.stem(x))), 3, 2, 1))
        second = self.d4(self.c4(self.b4(first)))
        x = self.b5(self.a5(pool(self.e4(second), 2, 2)))
        return self.fc(x.mean(dim=(2, 3))), self.aux1(first), self.aux2(second)
