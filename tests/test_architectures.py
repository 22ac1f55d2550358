"""Famous networks: totals as published, receptive fields, and what the small versions share with their papers."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from cs231n_kit.architectures import (
    ARCHITECTURES,
    alexnet_small,
    googlenet,
    inception_small,
    lenet5,
    resnet_cifar,
    vgg_small,
)
from cs231n_kit.architectures.googlenet import inception
from cs231n_kit.architectures.small import Subsample
from cs231n_kit.networks import Auxiliary, Residual, Sequential, layer_seconds, timing

PUBLISHED = {  # parameters and billions of multiply-adds ("num_params", "_ops") of torchvision's weights
    "AlexNet": (61_100_840, 0.714),
    "VGG-11": (132_863_336, 7.609),
    "VGG-16": (138_357_544, 15.470),
    "VGG-19": (143_667_240, 19.632),
    "GoogLeNet": (6_624_904, 1.498),
    "ResNet-18": (11_689_512, 1.814),
    "ResNet-34": (21_797_672, 3.664),
    "ResNet-50": (25_557_032, 4.089),
}
PAPERS = {  # billions of multiply-adds as the papers give them; ResNet's, table 1, has VGG-19, too
    "VGG-19": 19.6,
    "GoogLeNet": 1.5,
    "ResNet-18": 1.8,
    "ResNet-34": 3.6,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_totals(name):
    parameters, billions = PUBLISHED[name]
    architecture = ARCHITECTURES[name]
    tracemalloc.start()
    network = architecture.build()
    summary = network.summary(architecture.input_shape).without_auxiliary()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert summary.parameters == parameters
    assert round(summary.multiply_adds / 1e9, 3) == billions
    if name in PAPERS:
        assert summary.multiply_adds / 1e9 == pytest.approx(PAPERS[name], abs=0.1)
    assert most < 4e6, "no parameters are made"
    assert network.input_shape is None and not network.parameters
    assert summary.rows[-1].output_shape == (1000,)


def test_googlenet_with_and_without_its_heads():
    with_heads, without = googlenet().summary((3, 224, 224)), googlenet(auxiliary=False).summary((3, 224, 224))
    assert with_heads.parameters == 13_004_888  # torchvision.models.googlenet(aux_logits=True)
    assert without.parameters == 6_624_904
    cut = with_heads.without_auxiliary()
    for total in ("parameters", "multiply_adds", "memory"):
        assert getattr(cut, total) == getattr(without, total) < getattr(with_heads, total)
    assert [row.output_shape for row in with_heads.rows if "AveragePool(5" in row.layer] == [(512, 4, 4), (528, 4, 4)]
    heads = [step for step in googlenet().steps if isinstance(step, Auxiliary)]
    assert [head.weight for head in heads] == [0.3, 0.3]


def test_inception_blocks_as_in_table_1_of_the_paper():
    """Szegedy et al. 2014: thousands (of 1024) of parameters and millions (of 1024²) of multiply-adds, rounded."""
    blocks = {
        (192, 28): (64, 96, 128, 16, 32, 32, 159, 128),
        (256, 28): (128, 128, 192, 32, 96, 64, 380, 304),
        (480, 14): (192, 96, 208, 16, 48, 64, 364, 73),
        (832, 7): (384, 192, 384, 48, 128, 128, 1388, 71),
    }
    for (channels, side), (*widths, thousands, millions) in blocks.items():
        summary = Sequential(inception(*widths, largest=5, batchnorm=False)).summary((channels, side, side))
        assert summary.parameters / 1024 == pytest.approx(thousands, rel=0.05)
        assert summary.multiply_adds / 1e6 == pytest.approx(millions, rel=0.05)


def test_lenet_as_in_the_paper():
    """LeCun et al. 1998, section II B, apart from what the definition says it has not."""
    rows = [row for row in lenet5().summary((1, 32, 32)).rows if row.parameters]
    assert [row.parameters for row in rows] == [156, 2416, 48_120, 10_164, 850]
    assert sum(row.parameters for row in rows) == 61_706
    connections = [row.multiply_adds + np.prod(row.output_shape) for row in rows]  # biases counted
    assert connections[0] == 122_304 and connections[2] == 48_120
    # All 16 filters see 6 channels, here; in the paper six see 3, nine see 4, and one sees 6, pooled ones weighted.
    assert 60_000 == 61_706 - 25 * (6 * 3 + 9 * 2) + 2 * (6 + 16) - 850


def test_receptive_fields():
    """Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", 2019, for the first two;
    ResNets (stride in 3 x 3 convolutions) by s += (k - 1) · product of strides, GoogLeNet alike."""

    def last_map(name):
        architecture = ARCHITECTURES[name]
        rows = architecture.build().summary(architecture.input_shape).rows
        maps = [row for row in rows if len(row.output_shape) == 3 and not row.auxiliary]
        return maps[-1].receptive_field

    inception_blocks = (2, 8), (5, 16), (2, 32)  # how many, and the product of strides; a 3 x 3 window on the way
    stem = 7 + 2 * 2 + 2 * 4 + 2 * 4  # 7 x 7 with stride 2, pooling, 3 x 3 at stride 4, pooling
    google = stem + sum(count * 2 * jump for count, jump in inception_blocks) + 2 * 8 + 16  # two more poolings
    resnet50 = 7 + 2 * 2 + 3 * 2 * 4 + (4 + 3 * 8) * 2 + (8 + 5 * 16) * 2 + (16 + 2 * 32) * 2
    expected = {"AlexNet": 195, "VGG-16": 212, "GoogLeNet": google, "ResNet-18": 435, "ResNet-34": 899}
    for name, side in (expected | {"ResNet-50": resnet50}).items():
        assert last_map(name) == (side, side), name
    rows = ARCHITECTURES["ResNet-50"].build().summary((3, 224, 224)).rows
    assert rows[-1].receptive_field[0] == resnet50 + 6 * 32, "the mean of 7 x 7 units"


def test_the_list_of_architectures():
    assert list(ARCHITECTURES) == ["LeNet-5", *PUBLISHED]
    for name, architecture in ARCHITECTURES.items():
        assert architecture.name == name
        assert str(architecture.year) in architecture.source and architecture.authors in architecture.source
        summary = architecture.build(classes=7).summary(architecture.input_shape)
        scores = [row.output_shape for row in summary.rows if len(row.output_shape) == 1]
        assert scores[-1] == (7,) and (1000,) not in scores
    numbers = {"VGG-11": 11, "VGG-16": 16, "VGG-19": 19, "ResNet-18": 18, "ResNet-34": 34, "ResNet-50": 50}
    for name, count in numbers.items():
        layers = ARCHITECTURES[name].build().summary((3, 224, 224)).rows
        weighted = [row for row in layers if row.multiply_adds and "shortcut" not in row.path]
        assert len(weighted) == count


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_residual_networks_for_cifar(depth, millions):
    """He et al. 2015, table 6."""
    residual, plain = resnet_cifar(depth), resnet_cifar(depth, residual=False)
    summary, of_plain = residual.summary((3, 32, 32)), plain.summary((3, 32, 32))
    assert round(summary.parameters / 1e6, 1 if millions > 1 else 2) == millions
    assert summary.parameters == of_plain.parameters and summary.multiply_adds == of_plain.multiply_adds
    assert sum(row.multiply_adds > 0 for row in summary.rows) == depth
    maps = [row.output_shape for row in summary.rows if len(row.output_shape) == 3]
    assert list(dict.fromkeys(maps)) == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]
    assert sum(isinstance(step, Residual) for step in residual.steps) == (depth - 2) // 2
    assert not any(isinstance(step, Residual) for step in plain.steps)


def test_depths_that_there_are_not():
    for depth in (2, 10, 19):
        with pytest.raises(ValueError, match="6 n [+] 2, such as 8, 14 or 20"):
            resnet_cifar(depth)
    with pytest.raises(ValueError, match="depth must be a positive integer"):
        resnet_cifar(8.0)


@pytest.mark.parametrize("side", [6, 7])
def test_subsampled_shortcuts(side):
    network = Sequential(Subsample(5)).initialize((3, side, side), dtype=np.float64)
    x = np.random.default_rng(0).normal(size=(2, 3, side, side))
    out = network.forward(x)
    half = (side + 1) // 2
    assert out.shape == (2, 5, half, half)
    assert (out[:, 3:] == 0).all()
    dout = np.random.default_rng(1).normal(size=out.shape)
    dx = network.backward(dout, input_gradient=True)
    for i in range(side):
        for j in range(side):
            taken = i % 2 == 0 and j % 2 == 0
            expected = dout[:, :3, i // 2, j // 2] if taken else 0
            np.testing.assert_array_equal(dx[:, :, i, j], expected)
            if taken:
                np.testing.assert_array_equal(out[:, :3, i // 2, j // 2], x[:, :, i, j])
    with pytest.raises(ValueError, match="up to 2, but takes none away"):
        Sequential(Subsample(2)).summary((3, side, side))


@pytest.mark.parametrize(
    "network",
    [lenet5(), alexnet_small(), vgg_small(), resnet_cifar(8), resnet_cifar(8, batchnorm=False), inception_small()],
    ids=["LeNet-5", "AlexNet", "VGG", "ResNet", "ResNet without normalisation", "Inception"],
)
def test_signals_and_gradients_of_small_networks(network):
    """Scores differ from image to image at the start, and the gradient reaches every parameter."""
    network.initialize((3, 32, 32), rng=0)
    X = np.random.default_rng(0).normal(size=(8, 3, 32, 32))
    assert 0.01 < network.forward(X).std(axis=0).mean() < 30
    dscores = np.random.default_rng(1).normal(size=network.forward(X, mode="train").shape)
    network.backward(dscores, auxiliary=dict.fromkeys(network.auxiliary, dscores))
    for key, gradient in network.gradients.items():
        assert np.isfinite(gradient).all() and gradient.any(), key


def test_seconds_of_layers():
    network = inception_small(blocks=1, width=4).initialize((3, 32, 32))
    x = np.random.default_rng(0).normal(size=(1, 3, 32, 32))
    seconds = layer_seconds(network, x, repeats=2)
    assert not any(array.any() for key, array in network.statistics.items() if key.endswith("mean")), "as at the start"
    seen = []
    network.forward(x, observe=lambda path, array: seen.append(path))
    assert list(seconds) == seen
    assert not any(".head." in path for path in seconds), "heads rest in test passes"
    assert all(taken > 0 for taken in seconds.values())
    with pytest.raises(ValueError, match="repeats must be a positive integer"):
        layer_seconds(network, x, repeats=0)
    with pytest.raises(ValueError, match="a single example is x"):
        layer_seconds(network, x[0])


def test_seconds_on_a_gpu_are_read_when_it_is_done(monkeypatch):
    """Work on a GPU is only begun when a function returns."""
    network = resnet_cifar(8, width=2).initialize((3, 8, 8))
    x = np.zeros((1, 3, 8, 8), np.float32)
    events = []

    class Device:
        def synchronize(self):
            events.append("wait")

    def clock():
        events.append("look")
        return float(len(events))

    monkeypatch.setattr(timing, "array_module", lambda array: SimpleNamespace(cuda=SimpleNamespace(Device=Device)))
    monkeypatch.setattr(timing.time, "perf_counter", clock)
    layers = len(layer_seconds(network, x, repeats=1))
    assert events == ["wait", "look"] + layers * ["wait", "look", "look"]
