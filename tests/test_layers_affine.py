import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_checks import assert_gradients, assert_well_behaved, awkward, seeds, small_sizes

from cs231n_kit.layers import (
    affine_backward,
    affine_forward,
    temporal_affine_backward,
    temporal_affine_forward,
    word_embedding_backward,
    word_embedding_forward,
)


def draw(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


@settings(max_examples=25)
@given(st.lists(small_sizes, min_size=2, max_size=4), small_sizes, seeds)
def test_affine(shape, M, seed):
    x, w, b = arrays = draw(seed, shape, (int(np.prod(shape[1:])), M), (M,))
    out, _ = affine_forward(*arrays)
    expected = [[sum(x[n].flat[d] * w[d, m] for d in range(len(w))) + b[m] for m in range(M)] for n in range(len(x))]
    np.testing.assert_allclose(out, expected, atol=1e-12)
    assert_gradients(affine_forward, affine_backward, arrays)


def test_input_gradient_left_out():
    x, w, b = draw(0, (3, 2, 2), (4, 5), (5,))
    out, cache = affine_forward(x, w, b)
    _, *expected = affine_backward(out, cache)
    dx, *found = affine_backward(out, cache, input_gradient=False)
    assert dx is None
    for value, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(value, right)


@settings(max_examples=25)
@given(small_sizes, small_sizes, small_sizes, small_sizes, seeds)
def test_temporal_affine(N, T, D, M, seed):
    x, w, b = arrays = draw(seed, (N, T, D), (D, M), (M,))
    out, _ = temporal_affine_forward(*arrays)
    np.testing.assert_allclose(out, np.einsum("ntd,dm->ntm", x, w) + b, atol=1e-12)
    assert_gradients(temporal_affine_forward, temporal_affine_backward, arrays)


def test_types_and_inputs():
    assert_well_behaved(affine_forward, affine_backward, draw(0, (3, 2, 4), (8, 5), (5,)))
    assert_well_behaved(temporal_affine_forward, temporal_affine_backward, draw(0, (3, 2, 4), (4, 5), (5,)))
    words = awkward(np.array([[0, 3, 3], [1, 3, 0]]), None)

    def embed(W):
        return word_embedding_forward(words, W)

    assert_well_behaved(embed, word_embedding_backward, draw(0, (4, 5)))


def test_integers_and_lists_become_float64():
    out, _ = affine_forward([[1, 2]], [[1], [3]], [5])
    assert out.dtype == np.float64
    np.testing.assert_array_equal(out, [[12]])
    images = np.full((2, 3), 200, np.uint8)
    out, _ = affine_forward(images, np.ones((3, 1), np.uint8), np.zeros(1, np.uint8))
    np.testing.assert_array_equal(out, [[600], [600]])  # not modulo 256


@settings(max_examples=25)
@given(st.lists(small_sizes, min_size=1, max_size=3), small_sizes, small_sizes, seeds)
def test_word_embedding(shape, V, D, seed):
    words = np.random.default_rng(seed).integers(0, V, size=shape)
    (W,) = draw(seed, (V, D))
    out, _ = word_embedding_forward(words, W)
    assert out.shape == (*shape, D)
    for place in np.ndindex(*shape):
        np.testing.assert_array_equal(out[place], W[words[place]])
    assert_gradients(lambda W: word_embedding_forward(words, W), word_embedding_backward, [W])


def test_gradients_of_a_repeated_word_add_up_alike_every_time():
    words = np.random.default_rng(0).integers(0, 3, size=(50, 40)).astype(np.uint8)
    dout = np.random.default_rng(1).normal(size=(50, 40, 7)).astype(np.float32)
    _, cache = word_embedding_forward(words, np.zeros((5, 7), np.float32))
    dW = word_embedding_backward(dout, cache)
    expected = np.einsum("ntv,ntd->vd", words[..., None] == np.arange(5), dout.astype(np.float64))
    np.testing.assert_allclose(dW, expected, rtol=1e-4, atol=1e-4)
    assert (dW[3:] == 0).all()
    for _ in range(5):
        np.testing.assert_array_equal(word_embedding_backward(dout, cache), dW)


@pytest.mark.parametrize("wrong", [-1, 4, 300])
def test_word_outside_the_vocabulary(wrong):
    with pytest.raises(IndexError, match=f"from 0 to 3, the rows of W .*, but holds {wrong}"):
        word_embedding_forward(np.array([[0, wrong]]), np.zeros((4, 2)))


@pytest.mark.parametrize(
    "shapes, message",
    [
        (((4,), (4, 2), (2,)), r"x must have the shape \(N, d1, ..., dk\), not \(4,\).*x\[None\]"),
        (((0, 4), (4, 2), (2,)), r"x must not be empty, but has the shape \(0, 4\)"),
        (((3, 4), (5, 2), (2,)), r"w must have the shape \(D, M\) with D = 4 .* not \(5, 2\)"),
        (((3, 4), (4,), (2,)), r"w must have the shape .* not \(4,\)"),
        (((3, 4), (4, 2), (1, 2)), r"b must have the shape \(2,\), .* not \(1, 2\)"),
    ],
)
def test_wrong_shapes(shapes, message):
    with pytest.raises(ValueError, match=message):
        affine_forward(*draw(0, *shapes))


def test_wrong_shapes_of_the_others():
    with pytest.raises(ValueError, match=r"x must have the shape \(N, T, D\), not \(3, 4\)"):
        temporal_affine_forward(*draw(0, (3, 4), (4, 2), (2,)))
    with pytest.raises(ValueError, match=r"w must have the shape .*D = 5"):
        temporal_affine_forward(*draw(0, (3, 4, 5), (20, 2), (2,)))
    for shape in ((4,), (0, 4)):
        with pytest.raises(
            ValueError, match=r"W must have the shape \(V, D\), nothing 0, not " + re.escape(str(shape))
        ):
            word_embedding_forward([[0]], np.zeros(shape))
    for shape in ((0, 5, 4), (3, 0, 4)):
        with pytest.raises(ValueError, match="x must not be empty, but has the shape " + re.escape(str(shape))):
            temporal_affine_forward(*draw(0, shape, (4, 2), (2,)))
    with pytest.raises(ValueError, match=r"x must not be empty, but has the shape \(0, 3\)"):
        word_embedding_forward(np.zeros((0, 3), int), np.zeros((4, 2)))
    _, cache = affine_forward(*draw(0, (3, 4), (4, 2), (2,)))
    with pytest.raises(ValueError, match=r"dout must have the shape \(3, 2\), that of out, not \(2,\)"):
        affine_backward(np.zeros(2), cache)
    _, cache = temporal_affine_forward(*draw(0, (3, 5, 4), (4, 2), (2,)))
    with pytest.raises(ValueError, match=r"dout must have the shape \(3, 5, 2\)"):
        temporal_affine_backward(np.zeros((5, 3, 2)), cache)
    _, cache = word_embedding_forward([[0, 1]], np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"dout must have the shape \(1, 2, 3\)"):
        word_embedding_backward(np.zeros((2, 3)), cache)


def test_wrong_types():
    with pytest.raises(TypeError, match="w must hold float32 or float64, not complex128"):
        affine_forward(np.zeros((2, 3)), np.zeros((3, 2), complex), np.zeros(2))
    with pytest.raises(TypeError, match="x must hold integers, the numbers of words, not float64"):
        word_embedding_forward(np.zeros((2, 3)), np.zeros((3, 2)))
