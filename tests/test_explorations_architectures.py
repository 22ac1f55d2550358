"""What lecture 09 counts and measures: famous networks, stacks, bottlenecks, shortcuts, auxiliary classifiers."""

import numpy as np
import pytest
from scipy.signal import correlate
from scipy.special import log_softmax

from cs231n_kit.architectures import ARCHITECTURES
from cs231n_kit.architectures.small import inception_small, resnet_cifar, vgg_small
from cs231n_kit.datasets import load
from cs231n_kit.explorations import (
    auxiliary_classifiers,
    bottlenecks,
    famous_networks,
    filter_stacks,
    plain_and_residual,
    recorded_trainings,
    residual_blocks,
    small_images,
)
from cs231n_kit.explorations.training_in_turn import train_in_turn, trainer
from cs231n_kit.networks import Residual
from cs231n_kit.training import History


@pytest.fixture(scope="module")
def images():
    return small_images.small_images(load("digits"), 256, 60)


def test_small_images_are_means_or_repeated_pixels():
    rng = np.random.default_rng(0)
    large, tiny = (rng.integers(0, 256, (3, side, side, 2), dtype=np.uint8) for side in (32, 8))
    expected = [[large[1, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, 1].mean() for j in range(16)] for i in range(16)]
    np.testing.assert_allclose(small_images.resized(large)[1, ..., 1], expected)
    np.testing.assert_array_equal(small_images.resized(tiny)[2, ..., 0], np.kron(tiny[2, ..., 0], np.ones((2, 2))))
    with pytest.raises(ValueError, match="side divides 16"):
        small_images.resized(np.zeros((1, 24, 24, 3), np.uint8))


def test_small_images_are_centred_by_the_training_images(images):
    data = load("digits")
    assert images.X.shape == (256, 1, 16, 16) and images.X_val.shape == (60, 1, 16, 16) and images.classes == 10
    assert images.X.mean() == pytest.approx(0, abs=1e-5) and images.X.std() == pytest.approx(1, abs=1e-5)
    seen = data.X_train[:256].astype(np.float64)
    expected = (data.X_val[7].astype(np.float64) - seen.mean(axis=(0, 1, 2))) / seen.std()
    np.testing.assert_allclose(images.X_val[7, 0, ::2, ::2], expected[..., 0], atol=1e-4)
    np.testing.assert_array_equal(images.y_val, data.y_val[:60])


@pytest.mark.parametrize("batchnorm", [True, False])
def test_residual_blocks_that_begin_as_the_identity_pass_on_their_input(images, batchnorm):
    network = plain_and_residual.build(14, True, images, batchnorm=batchnorm)
    outputs = {}
    network.forward(images.X[:8], mode="train", observe=outputs.__setitem__)
    blocks = [i for i, step in enumerate(network.steps) if isinstance(step, Residual)]
    assert len(blocks) == 6
    for i in blocks:
        shortcut = [path for path in outputs if path.startswith(f"{i}.shortcut.")]
        begun = outputs[shortcut[-1]] if shortcut else outputs[str(i - 1)]
        np.testing.assert_array_equal(outputs[str(i)], begun)


def test_projections_replace_the_shortcuts_without_parameters_and_nothing_else():
    before, shape = resnet_cifar(14, 10, 8), (3, 16, 16)
    after = small_images.with_projections(before).summary(shape)
    padded, plain = (definition.summary(shape).parameters for definition in (before, resnet_cifar(14, 10, 8, False)))
    assert padded == plain and after.parameters - padded == 8 * 16 + 2 * 16 + 16 * 32 + 2 * 32
    assert small_images.with_projections(resnet_cifar(14, 10, 8, False)).summary(shape).parameters == plain
    strided = small_images.with_stride(before).summary(shape)
    assert strided.multiply_adds == pytest.approx(before.summary(shape).multiply_adds / 4, rel=0.01)


def loss_of(network, X, y):
    return -log_softmax(network.forward(X, mode="train").astype(np.float64), axis=1)[np.arange(len(y)), y].mean()


@pytest.mark.parametrize("residual", [True, False])
def test_lengths_of_gradients_are_slopes_along_them(images, residual):
    X, y = images.X[:16], images.y[:16]
    norms, loss = plain_and_residual.fresh_gradients(images, 14, residual, True, False, count=16)
    assert norms.shape == (13,), "shortcuts are left out"
    network = plain_and_residual.build(14, residual, images, identity=False)
    assert loss == pytest.approx(loss_of(network, X, y), abs=1e-5)
    network.initialize(images.shape, 0, np.float64)
    scores = network.forward(X, mode="train")
    network.backward((np.exp(log_softmax(scores, axis=1)) - np.eye(10)[y]) / len(y))
    paths = [key for key in network.parameters if key.endswith(".w") and ".shortcut" not in key]
    for number in (0, 12):
        gradient, w = network.gradients[paths[number]], network.parameters[paths[number]]
        direction, start = gradient / np.linalg.norm(gradient), w.copy()
        losses = []
        for step in (1e-6, -1e-6):
            w[...] = start + step * direction
            losses.append(loss_of(network, X, y))
        w[...] = start
        assert norms[number] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-3)


def test_depth_makes_gradients_vanish_unless_there_are_shortcuts(images):
    first = {
        (name, depth): plain_and_residual.fresh_gradients(images, depth, residual, False, identity, count=16)[0][0]
        for name, (residual, identity) in plain_and_residual.STARTS.items()
        for depth in (8, 44)
    }
    assert first["plain", 44] < first["plain", 8] / 1000
    assert first["residual", 44] > first["residual", 8]
    assert 1 / 5 < first["residual, begins as identity", 44] / first["residual, begins as identity", 8] < 5


def test_training_compares_like_with_like_and_keeps_gradients(images):
    trained = {}
    for kind in plain_and_residual.KINDS:
        trained |= plain_and_residual.trainers(kind, images, 1, depths=(8,), width=4)
    train_in_turn(trained, images.arrays)
    plain, residual = trained.values()
    assert plain.step_count == residual.step_count == 8
    for key in ("0.w", "1.gamma"):
        assert plain.network.parameters[key].shape == residual.network.parameters[key].shape
    for one in trained.values():
        norms = plain_and_residual.recorded_norms(one)
        assert list(norms) == [1] and norms[1].shape == (7,)
    assert (plain_and_residual.recorded_norms(plain)[1] > 0).all()
    inside = plain_and_residual.recorded_norms(residual)[1][1:]
    assert not inside.any(), "behind a scale of 0 the first update finds no gradient"
    for shown in (
        plain_and_residual.curves_figure(trained, 0.1, extra=("mine", plain)),
        plain_and_residual.depth_figure(trained, 0.1),
        plain_and_residual.training_gradients_figure(trained, 8),
    ):
        assert len(shown.axes) == 2
    assert "at updates 1" in plain_and_residual.gradients_verdict(trained, 8)


class Ended:
    def __init__(self, loss):
        self.history = History(losses=[9.0] * 50 + [loss] * 50)


def test_the_verdict_says_what_the_losses_are():
    losses = {("plain", "8 layers"): 1.5, ("plain", "20 layers"): 1.75, ("residual", "8 layers"): 1.6}
    losses["residual", "20 layers"] = 1.61
    told = plain_and_residual.verdict({name: Ended(loss) for name, loss in losses.items()})
    assert "**Plain**: 1.50, 1.75" in told and "20 layers are worse by 0.25 than 8 layers" in told
    assert "20 layers are about as good as 8 layers" in told
    told = plain_and_residual.verdict({("plain", "8 layers"): Ended(2.0), ("plain", "20 layers"): Ended(1.0)})
    assert "better by 1.00" in told


PUBLISHED = {
    "LeNet-5": (5, 61_706),
    "AlexNet": (8, 61_100_840),
    "VGG-11": (11, 132_863_336),
    "VGG-16": (16, 138_357_544),
    "VGG-19": (19, 143_667_240),
    "GoogLeNet": (22, 6_624_904),
    "ResNet-18": (18, 11_689_512),
    "ResNet-34": (34, 21_797_672),
    "ResNet-50": (50, 25_557_032),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_famous_networks_have_as_many_layers_and_parameters_as_published(name):
    layers, parameters = PUBLISHED[name]
    assert famous_networks.depth(ARCHITECTURES[name].build()) == layers
    assert famous_networks.counted(name).parameters == parameters
    row = next(line for line in famous_networks.totals_table().splitlines() if f"[{name}]" in line)
    assert f"| {layers} | {parameters:,} |" in row
    assert name in famous_networks.layer_tables().data


def test_the_field_of_the_last_maps():
    vgg = 1 + sum(2 * 2**stage * count + 2**stage for stage, count in enumerate((2, 2, 3, 3, 3)))
    assert famous_networks.field(famous_networks.counted("VGG-16")) == vgg == 212
    alexnet = 11 + 2 * 4 + 4 * 8 + 2 * 8 + 3 * 2 * 16 + 2 * 16
    assert famous_networks.field(famous_networks.counted("AlexNet")) == alexnet == 195


def test_a_photograph_goes_through_a_network():
    photograph = famous_networks.photograph(32)
    assert photograph.shape == (32, 32, 3) and photograph.dtype == np.uint8
    done = famous_networks.forward_pass("LeNet-5", photograph)
    assert [maps.shape for maps in done.maps.values()] == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (120, 1, 1),
    ]
    gray = (photograph.astype(np.float64).mean(axis=2) - 118) / 64
    expected = done.network.forward(gray[None, None])[0]
    np.testing.assert_allclose(done.scores, expected, atol=1e-4)
    assert done.seconds > 0
    assert len(famous_networks.maps_figure(done, photograph, shown=3).axes) == 18


def test_the_timeline_shows_every_network():
    left, right = famous_networks.timeline_figure().axes
    assert {text.get_text() for text in right.texts} == set(ARCHITECTURES) - {"LeNet-5"}
    assert [text.get_text() for text in left.texts] == [f"{error:g} %" for _, error, _ in famous_networks.CHALLENGE]


@pytest.mark.parametrize("layers", [1, 2, 3, 6])
def test_a_stack_sees_as_much_as_one_window_for_less(layers):
    small, large = filter_stacks.totals(layers, 24, 14)
    side = 2 * layers + 1
    assert small.parameters == layers * (9 * 24**2 + 24) and large.parameters == side**2 * 24**2 + 24
    assert small.multiply_adds == layers * 9 * 24**2 * 14**2
    assert small.rows[-1].receptive_field == large.rows[-1].receptive_field == (side, side)


def test_the_sentence_on_stacks():
    shown = filter_stacks.explore_stacks()
    assert "3·9·C² = 110,592 against 7²·C² = 200,704" in shown.sentence.value
    shown.set(layers=1, channels=8)
    assert "the same layer" in shown.sentence.value and "Both see 3 × 3" in shown.sentence.value


def test_stacks_are_trained_alike(images):
    trained = filter_stacks.trainers(images, epochs=1, seeds=1)
    train_in_turn(trained, images.arrays)
    small, large = (one.network for one in trained.values())
    np.testing.assert_array_equal(*(one.initialize(images.shape, 0).parameters["0.w"] for one in (small, large)))
    fields = [network.summary().rows[-3].receptive_field for network in (small, large)]
    assert fields[0] == fields[1], "just before the mean"
    assert f"{small.summary().parameters:,}" in filter_stacks.training_table(trained)
    ratio = small.summary().parameters / large.summary().parameters
    assert f"{ratio:.0%} of the parameters" in filter_stacks.verdict(trained)
    assert len(filter_stacks.training_figure(trained, 0.1).axes[0].lines) == 3


def test_costs_of_an_inception_block_by_hand():
    widths = {"one": 64, "narrow3": 96, "three": 128, "narrow5": 16, "five": 32, "pooled": 32}
    (work, parameters, out), (naive, _, naive_out) = bottlenecks.inception_costs(192, 28, **widths)
    pixels = 28 * 28 / 1e6
    expected = [192 * 64, 192 * 96 + 9 * 96 * 128, 192 * 16 + 25 * 16 * 32, 192 * 32]
    np.testing.assert_allclose(list(work.values()), pixels * np.array(expected))
    np.testing.assert_allclose(list(naive.values()), pixels * np.array([192 * 64, 9 * 192 * 128, 25 * 192 * 32, 0]))
    assert parameters == sum(expected) + 64 + 96 + 128 + 16 + 32 + 32
    assert (out, naive_out) == (64 + 128 + 32 + 32, 64 + 128 + 32 + 192)


def test_bottlenecks_and_heads_by_hand():
    shown = bottlenecks.explore_bottleneck()
    assert f"<b>{2 * 9 * 256**2 / (2 * 256 * 64 + 9 * 64**2):.1f}</b> times less" in shown.sentence.value
    shown.set(width=16, narrow=256)
    assert "times more" in shown.sentence.value
    dense, one, mean = (total.parameters for total in bottlenecks.heads(512, 7, 4096).values())
    assert dense == 25_088 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 1000 + 1000
    assert (one, mean) == (25_088 * 1000 + 1000, 512 * 1000 + 1000)
    assert f"<b>{dense:,}</b>" in bottlenecks.explore_heads().sentence.value
    shown = bottlenecks.explore_inception()
    shown.set(narrow3=384, narrow5=128)
    assert "Nothing saved" in shown.sentence.value


def convolved(x, w):
    """(C, H, W) by (F, C, 3, 3), padded, as SciPy has it."""
    return np.stack(
        [sum(correlate(channel, k, "same") for channel, k in zip(x, kernels, strict=True)) for kernels in w]
    )


def test_a_picture_through_blocks():
    picture = famous_networks.photograph(24)
    x = ((picture.astype(np.float64) - 128) / 128).transpose(2, 0, 1)
    for residual in (False, True):
        network = residual_blocks.blocks(2, residual).initialize((3, 24, 24), 0)
        first, second = list(network.parameters.values())[:2]
        expected = convolved(np.maximum(0, convolved(x, 0.5 * first)), 0.5 * second) + residual * x
        found = residual_blocks.through(picture, 0.5, residual, count=2)
        np.testing.assert_allclose(found[1].transpose(2, 0, 1), expected, atol=1e-5)
        nothing = residual_blocks.through(picture, 0.0, residual, count=3)
        np.testing.assert_array_equal(nothing[3], nothing[0] if residual else 0)


def test_what_is_left_of_the_picture_is_said():
    shown = residual_blocks.explore_blocks(famous_networks.photograph(24))
    shown.set(strength=0.0)
    assert "with shortcuts <b>exactly the picture</b>" in shown.sentence.value
    assert "without shortcuts <b>nothing" in shown.sentence.value
    shown.set(strength=0.1)
    assert "exactly" not in shown.sentence.value
    same, other = residual_blocks.likeness(np.array([[1.0, 2, 4], [-2, -4, -8]]))
    assert (same, other) == (pytest.approx(1), pytest.approx(-1))


def test_auxiliary_classifiers_change_what_comes_before_them(images):
    alone, together, places = auxiliary_classifiers.fresh_gradients(images, 2, False)
    assert len(alone) == 8 and places == [3, 5]
    assert alone[5:] == together[5:] and not np.isclose(alone[:5], together[:5], rtol=1e-3).any()
    weak, helped, _ = auxiliary_classifiers.fresh_gradients(images, 2, False, strength=0.5)
    assert helped[0] / weak[0] > 1.5 * together[0] / alone[0]

    network = inception_small(images.classes, 8, 2, False, False).initialize(images.shape)
    with_heads = inception_small(images.classes, 8, 2, True, False).initialize(images.shape)
    auxiliary_classifiers.share_start(network, with_heads)
    source = inception_small(images.classes, 8, 2, True, False).initialize(images.shape, 0)
    shared = [w for path, w in source.parameters.items() if ".head." not in path]
    for mine, theirs in zip(network.parameters.values(), shared, strict=True):
        mine[...] = theirs
    scores = network.forward(images.X[:64], mode="train").astype(np.float64)
    network.backward((np.exp(log_softmax(scores, axis=1)) - np.eye(10)[images.y[:64]]) / 64)
    assert alone[0] == pytest.approx(np.linalg.norm(network.gradients["0.w"]), rel=1e-4)
    trainer(source).step(images.X[:64], images.y[:64])
    assert together[0] == pytest.approx(np.linalg.norm(source.gradients["0.w"]), rel=1e-4)


def test_networks_with_and_without_auxiliary_classifiers_begin_alike_and_are_judged_alike(images):
    trained = auxiliary_classifiers.trainers(images, width=4, blocks=1)
    without, helped = (one.network for one in trained.values())
    np.testing.assert_array_equal(without.forward(images.X[:9]), helped.forward(images.X[:9]))
    train_in_turn(trained, images.arrays)
    for one in trained.values():
        step, loss, right = auxiliary_classifiers.validation_curve(one)[-1]
        scores = one.network.forward(images.X_val).astype(np.float64)
        expected = -log_softmax(scores, axis=1)[np.arange(60), images.y_val].mean()
        assert step == 8 and loss == pytest.approx(expected, abs=1e-4)
        assert right == pytest.approx((scores.argmax(axis=1) == images.y_val).mean())
    told = auxiliary_classifiers.verdict(trained)
    assert told.startswith("After 8 updates") and "times as long" in told
    assert len(auxiliary_classifiers.figure(trained, 0.1).axes) == 2


def test_gradients_of_fresh_networks_are_shown(images):
    shown = plain_and_residual.explore_gradients(images)
    shown.set(depth=8, batchnorm=True)
    assert [text.get_text() for text in shown.figure().axes[0].get_legend().get_texts()] == [*plain_and_residual.STARTS]
    shown = auxiliary_classifiers.explore_gradients(images)
    shown.set(blocks=1, strength=0.5)
    alone, together, _ = auxiliary_classifiers.fresh_gradients(images, 1, False, 0.5)
    assert f"<b>{together[0] / alone[0]:,.1f}</b> times" in shown.sentence.value


def test_the_recorded_training_is_complete_and_shows_what_the_lecture_says():
    found = recorded_trainings.recorded()
    shown = recorded_trainings.small_table(
        {"small VGG": vgg_small(), "mine": resnet_cifar(8)}, (3, 32, 32)
    ).splitlines()
    vgg = found["small"]["networks"]["small VGG"]["validation"][-1]
    assert shown[2].startswith("| small VGG | 9 | 221,082 |") and f"| {vgg:.1%} |" in shown[2]
    assert shown[3].endswith("– | – |")
    assert all(run["validation"][-1] > 0.2 for run in found["small"]["networks"].values())
    names = {f"{kind}, {depth} layers" for kind in plain_and_residual.KINDS for depth in plain_and_residual.DEPTHS}
    ends = {}
    for normalized, runs in found["runs"].items():
        assert set(runs) == names
        for name, run in runs.items():
            assert len(run["losses"]) == run["updates"] // found["batch"] == 125 and len(run["validation"]) == 5
            ends[normalized, name] = np.mean(run["losses"][-8:])
            assert f"| {name} | {normalized} | {ends[normalized, name]:.3f} |" in recorded_trainings.table()
    assert ends["with", "plain, 20 layers"] > ends["with", "plain, 8 layers"] + 0.1
    assert ends["with", "residual, 20 layers"] < ends["with", "residual, 8 layers"]
    assert ends["without", "plain, 20 layers"] == pytest.approx(np.log(10), abs=0.01)
    assert ends["without", "residual, 20 layers"] == pytest.approx(ends["without", "residual, 8 layers"], abs=0.05)
    for ax in (*recorded_trainings.figure("with").axes, *recorded_trainings.figure("without").axes):
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["8 layers", "14 layers", "20 layers"]
