"""What networks refuse, and what they say."""

import re

import numpy as np
import pytest

from cs231n_kit.initialization import inverse_sqrt
from cs231n_kit.networks import (
    ELU,
    LSTM,
    Affine,
    AveragePool,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    GroupNorm,
    Layer,
    LayerNorm,
    LeakyReLU,
    Maxout,
    MaxPool,
    Parallel,
    Parameter,
    ReLU,
    Residual,
    Sequential,
    TemporalAffine,
    WordEmbedding,
)


def convnet():
    return Sequential(Convolution(4, 3, pad=1), ReLU(), Residual(ReLU(), Convolution(4, 1)), MaxPool(2), Affine(5))


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (lambda: Affine(0), "units must be a positive integer, not 0"),
        (lambda: Affine(10.0), "units must be a positive integer, not 10.0"),
        (lambda: Affine(10, initialize="he_normal"), r"initialize must be a function .* not 'he_normal'"),
        (lambda: Convolution(8, 0), "size must be integers of at least 1, not 0"),
        (lambda: Convolution(8, (3, 3, 3)), r"size must be an integer or a pair .* not \(3, 3, 3\)"),
        (lambda: Convolution(8, 3, stride=0), "stride must be integers of at least 1, not 0"),
        (lambda: Convolution(8, 3, pad=-1), "pad must be integers of at least 0, not -1"),
        (lambda: Convolution(True, 3), "filters must be a positive integer, not True"),
        (lambda: MaxPool(2, pad=2), "pad must be smaller than the window, 2, not 2"),
        (lambda: AveragePool(2, stride="2"), "stride must be an integer or a pair"),
        (lambda: BatchNorm(momentum=1.5), "momentum must be from 0 to 1, not 1.5"),
        (lambda: LayerNorm(eps=0), "eps must be finite and greater than 0, not 0"),
        (lambda: GroupNorm(0), "groups must be a positive integer"),
        (lambda: Dropout(0), "p, the probability of keeping a unit, must be 0 < p <= 1, not 0"),
        (lambda: LeakyReLU(-1), "alpha must be a finite number and not negative, not -1"),
        (lambda: ELU(float("inf")), "alpha must be a finite number and not negative, not inf"),
        (lambda: Maxout(0), "pieces must be a positive integer"),
        (lambda: LSTM(-1), "units must be a positive integer"),
        (lambda: WordEmbedding(0, 3), "words must be a positive integer"),
        (lambda: Sequential(ReLU), r"ReLU is a class, not a layer yet: write ReLU\(\.\.\.\)"),
        (lambda: Sequential([Affine(3)]), r"a layer must not be a list: to unpack it, write Sequential\(\*layers\)"),
        (lambda: Sequential(np.tanh), "a layer was expected, such as .* not <ufunc 'tanh'>"),
        (lambda: Residual(), "Residual needs layers for its body"),
        (lambda: Residual(ReLU(), shortcut=None), "a layer was expected, such as .* not None"),
        (lambda: Parallel(), "Parallel needs branches"),
    ],
)
def test_definitions(define, message):
    with pytest.raises((ValueError, TypeError), match=message):
        define()


@pytest.mark.parametrize(
    ("steps", "shape", "message"),
    [
        ([Affine(3), Convolution(4, 3)], (3, 8, 8), "Layer 1, Convolution(4, 3), gets inputs (N, 3): it takes images"),
        (
            [MaxPool(2), Residual(MaxPool(2), Convolution(4, 7))],
            (3, 8, 8),
            "Layer 1.body.1, Convolution(4, 7), gets inputs (N, 3, 2, 2): the window covers 7 x 7 pixels, more than "
            "the 2 x 2",
        ),
        ([Parallel(ReLU(), MaxPool(9))], (3, 8, 8), "Layer 0.branch1.0, MaxPool(9), gets inputs (N, 3, 8, 8)"),
        (
            [ReLU(), Residual(Convolution(8, 3, stride=2, pad=1))],
            (3, 8, 8),
            "Residual 1 cannot add: its body makes (N, 8, 4, 4), its shortcut (N, 3, 8, 8). Give it a shortcut",
        ),
        ([Parallel(MaxPool(2), ReLU())], (3, 8, 8), "its branches make (N, 3, 4, 4), (N, 3, 8, 8)"),
        ([Parallel(LSTM(2), LSTM(3))], (4, 2), "Parallel 0 can join images of one height and width, or vectors"),
        ([LSTM(4)], (3, 8, 8), "Layer 0, LSTM(4), gets inputs (N, 3, 8, 8): it takes sequences of vectors, (N, T, D)"),
        ([TemporalAffine(4)], (8,), "Layer 0, TemporalAffine(4), gets inputs (N, 8): it takes sequences of vectors"),
        ([WordEmbedding(9, 4)], (3, 4), "it takes sequences of words, (N, T)"),
        ([BatchNorm()], (3, 4), "it takes vectors, (N, D), or images, (N, C, H, W)"),
        ([LayerNorm()], (3, 4, 4), "it takes vectors, (N, D); for images take GroupNorm(1)"),
        ([GroupNorm(2)], (3, 4, 4), "the number of channels must be a multiple of the 2 groups"),
        ([Maxout(2)], (3,), "it takes a multiple of 2 channels"),
        ([ReLU()], (3, 0), "input_shape must be the shape of one example, such as (3, 32, 32) or (784,), not (3, 0)"),
        ([ReLU()], (), "input_shape must be the shape of one example"),
        ([ReLU()], "32", "input_shape must be the shape of one example"),
        ([ReLU()], (None, 3), "input_shape must be the shape of one example"),
    ],
)
def test_shapes_that_do_not_fit_together(steps, shape, message):
    network = Sequential(*steps)
    for refuses in (network.initialize, network.summary):
        with pytest.raises(ValueError, match=re.escape(message)):
            refuses(shape)
    assert network.input_shape is None and not network.parameters


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((2, 1, 8, 8)), "Layer 0, Convolution(4, 3, pad=1), would get inputs (N, 1, 8, 8), but its parameters"),
        (np.ones((2, 8, 8, 3)), "Layer 0, Convolution(4, 3, pad=1), would get inputs (N, 8, 8, 3), but"),
        (np.ones((2, 3, 9, 12)), "Layer 4, Affine(5), would get inputs (N, 4, 4, 6), but its parameters are"),
        (np.ones((2, 192)), "Layer 0, Convolution(4, 3, pad=1), gets inputs (N, 192): it takes images"),
        (np.ones((2, 3, 8, 1)), "Layer 3, MaxPool(2), gets inputs (N, 4, 8, 1): the window covers 2 x 2"),
        (np.ones((3, 8, 8)), "got x (3, 8, 8): a single example is x[None]"),
        (np.ones((0, 3, 8, 8)), "got x (0, 3, 8, 8): x must be a batch of at least one example"),
        (np.ones(5), "x must be a batch"),
        (3.0, "x must be a batch"),
    ],
)  # fmt: skip
def test_inputs_of_another_shape(x, message):
    network = convnet().initialize((3, 8, 8))
    for refuses in (network.forward, network.scores, network.predict):
        with pytest.raises(ValueError, match=re.escape(message)) as raised:
            refuses(x)
        assert "The network was initialised for (N, 3, 8, 8), and got x" in str(raised.value)


def test_inputs_that_hold_no_numbers():
    network = convnet().initialize((3, 8, 8))
    for x in (np.ones((1, 3, 8, 8), complex), np.full((1, 3, 8, 8), "a")):
        with pytest.raises(TypeError, match="x must hold float32 or float64, not"):
            network.forward(x)


def test_errors_of_a_layer_say_where_they_happened():
    network = Sequential(Residual(WordEmbedding(5, 3), shortcut=WordEmbedding(5, 3))).initialize((4,))
    with pytest.raises(IndexError, match="words from 0 to 4") as raised:
        network.forward(np.full((1, 4), 5))
    assert raised.value.__notes__ == ["This happened in the forward pass of layer 0.body.0, WordEmbedding(5, 3)."]
    with pytest.raises(TypeError, match="x must hold integers"):
        network.forward(np.ones((1, 4)))
    scores = network.forward(np.ones((1, 4), int))
    with pytest.raises(ValueError, match="words have no gradient") as raised:
        network.backward(scores, input_gradient=True)
    assert raised.value.__notes__ == ["This happened in the backward pass of layer 0.body.0, WordEmbedding(5, 3)."]


def test_before_initialize(tmp_path):
    network = convnet()
    calls = [
        lambda: network.forward(np.ones((1, 3, 8, 8))),
        lambda: network.backward(np.ones((1, 5))),
        lambda: network.scores(np.ones((1, 3, 8, 8))),
        lambda: network.save(tmp_path / "network.npz"),
        lambda: network.load(tmp_path / "network.npz"),
        lambda: network.summary(),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match=r"only a definition so far: call initialize\(input_shape\) first"):
            call()


def test_backward_goes_the_way_of_a_forward_pass_back():
    network = convnet().initialize((3, 8, 8))
    with pytest.raises(RuntimeError, match=r"call forward\(x\) first"):
        network.backward(np.ones((2, 5)))
    scores = network.forward(np.ones((2, 3, 8, 8)))
    for wrong in (scores[:1], scores[:, :4], scores[0]):
        with pytest.raises(ValueError, match=re.escape(f"the shape of the scores, (2, 5), not {wrong.shape}")):
            network.backward(wrong)
    network.backward(scores)
    first = network.gradients["0.w"].copy()
    network.backward(scores)
    np.testing.assert_array_equal(network.gradients["0.w"], first)
    network.scores(np.ones((2, 3, 8, 8)))
    with pytest.raises(RuntimeError, match="the last forward pass kept nothing for backward: .* without cache=False"):
        network.backward(scores)
    network.forward(np.ones((2, 3, 8, 8)))
    with pytest.raises(ValueError, match="mode must be .* not 'training'"):
        network.forward(np.ones((2, 3, 8, 8)), mode="training")
    network.initialize((3, 8, 8))
    with pytest.raises(RuntimeError, match=r"call forward\(x\) first"):
        network.backward(scores)


def test_a_forward_pass_that_fails_leaves_nothing_to_go_back():
    network = Sequential(Affine(3), Affine(2)).initialize((4,))
    scores = network.forward(np.ones((2, 4)))
    network.parameters["1.w"] = network.parameters["1.w"][:2]
    with pytest.raises(ValueError, match="w must have the shape"):
        network.forward(np.ones((2, 4)))
    with pytest.raises(RuntimeError, match=r"call forward\(x\) first"):
        network.backward(scores)


def test_initialisations_must_make_what_the_layer_asked_for():
    for made in (lambda *_: np.ones((2, 2), np.float32), lambda *_: np.ones((4, 3), int), lambda *_: None):
        network = Sequential(ReLU(), Affine(3, initialize=made))
        with pytest.raises(ValueError, match=r"initialisation of 1.w must return .* \(4, 3\) and type float32, not"):
            network.initialize((4,))
    with pytest.raises(TypeError, match="dtype must be float32 or float64, not float16"):
        Sequential(ReLU()).initialize((4,), dtype=np.float16)
    frozen = Sequential(Affine(3, initialize=read_only)).initialize((4,))
    frozen.parameters["0.w"] += 1


def read_only(shape, rng, dtype):
    array = inverse_sqrt(shape, rng, dtype)
    array.flags.writeable = False
    return array


def test_layers_of_ones_own_that_are_not_complete():
    class Nothing(Layer):
        pass

    class NoGradient(Layer):
        def parameters(self, shape):
            return {"w": Parameter(shape, inverse_ones)}

        def forward(self, x, own, mode):
            return x * own["w"], None

        def backward(self, dout, cache, input_gradient):
            return dout, {}

    with pytest.raises(NotImplementedError, match=r"Nothing does not define forward\(x, own, mode\)"):
        Sequential(Nothing()).initialize((3,)).forward(np.ones((1, 3)))
    network = Sequential(Flatten(), NoGradient()).initialize((3,))
    with pytest.raises(RuntimeError, match="no layer's backward returned the gradient of 1.w"):
        network.backward(network.forward(np.ones((1, 3))))


def inverse_ones(shape, rng, dtype):
    return np.ones(shape, dtype)
