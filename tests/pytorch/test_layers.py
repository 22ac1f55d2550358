"""Affine, activation, embedding and dropout layers against PyTorch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch_checks import Form, assert_close, assert_layer, forms, normal, seeds

from cs231n_kit import layers

sizes = st.integers(1, 6)
shapes = st.lists(sizes, min_size=1, max_size=4).map(tuple)
LARGE, SINGLE = Form(np.float32, False), Form(np.float64, True)

ACTIVATIONS = {
    "relu": F.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.01),
    "elu": F.elu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}


def pair(name):
    return getattr(layers, f"{name}_forward"), getattr(layers, f"{name}_backward")


@settings(max_examples=40)
@given(st.lists(sizes, min_size=2, max_size=4), sizes, seeds, forms)
@example([1, 1], 1, 0, SINGLE)
@example([100, 3, 32, 32], 50, 0, LARGE)
def test_affine(shape, M, seed, form):
    arrays = normal(seed, shape, (int(np.prod(shape[1:])), M), M)
    assert_layer(*pair("affine"), lambda x, w, b: F.linear(x.flatten(1), w.T, b), arrays, form)


@settings(max_examples=30)
@given(sizes, sizes, sizes, sizes, seeds, forms)
def test_temporal_affine(N, T, D, M, seed, form):
    arrays = normal(seed, (N, T, D), (D, M), M)
    assert_layer(*pair("temporal_affine"), lambda x, w, b: F.linear(x, w.T, b), arrays, form)


@settings(max_examples=40)
@given(shapes, sizes, sizes, seeds, forms)
@example((30, 40), 50, 60, 0, LARGE)
def test_word_embedding(shape, V, D, seed, form):
    words = np.random.default_rng(seed).integers(0, V, shape)  # most words repeat
    forward, backward = pair("word_embedding")
    assert_layer(
        lambda W: forward(form.of(words), W),
        backward,
        lambda W: F.embedding(torch.tensor(words), W),
        normal(seed, (V, D)),
        form,
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
@settings(max_examples=30)
@given(shapes, seeds, st.sampled_from([1e-3, 1.0, 100.0]), forms)
@example((1,), 0, 1.0, SINGLE)
@example((300, 500), 0, 1.0, LARGE)
@example((8, 16, 40, 40), 0, 1.0, SINGLE)
def test_activations(name, shape, seed, scale, form):
    # Where all units are saturated, what is left of 1 - out² is rounding.
    assert_layer(*pair(name), ACTIVATIONS[name], normal(seed, shape, scale=scale), form, factor=20)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("copies", [1, 80_000])  # few, and more than a million elements
def test_activations_at_zero_and_far_from_it(name, dtype, copies):
    x = np.tile([0.0, 1e-30, -1e-30, 1e-8, -1e-8, 20, -20, 100, -100, 700, -700, 1e4, -1e4], (copies, 1))
    with np.errstate(over="raise", invalid="raise"):
        assert_layer(*pair(name), ACTIVATIONS[name], [x], Form(dtype, False))


@settings(max_examples=30)
@given(shapes, st.floats(0, 3), seeds, forms)
def test_slopes(shape, alpha, seed, form):
    (x,) = normal(seed, shape)
    forward, backward = pair("leaky_relu")
    assert_layer(lambda x: forward(x, alpha), backward, lambda x: F.leaky_relu(x, alpha), [x], form)
    forward, backward = pair("elu")
    assert_layer(lambda x: forward(x, alpha), backward, lambda x: F.elu(x, alpha), [x], form)


@settings(max_examples=30)
@given(shapes, sizes, seeds, forms)
@example((100, 200), 5, 0, LARGE)
def test_maxout(shape, K, seed, form):
    assert_layer(*pair("maxout"), lambda x: x.max(dim=-1).values, normal(seed, (*shape, K)), form)


@settings(max_examples=40)
@given(shapes, st.floats(0.05, 1), seeds, st.sampled_from(["train", "test"]), forms)
@example((100, 300), 0.5, 0, "train", LARGE)
def test_dropout_with_the_mask_it_drew(shape, p, seed, mode, form):
    param = {"mode": mode, "p": p, "seed": seed}
    kept, _ = layers.dropout_forward(np.ones(shape), param)
    kept = torch.tensor(kept != 0)
    keep = {"train": lambda x: torch.where(kept, x / p, 0), "test": lambda x: F.dropout(x, 1 - p, training=False)}
    forward, backward = pair("dropout")
    assert_layer(lambda x: forward(x, param), backward, keep[mode], normal(seed, shape), form)


def test_dropout_keeps_as_many_as_pytorch():
    """PyTorch's p is the probability of dropping; both leave mean and variance where theory puts them."""
    torch.manual_seed(0)
    (x,) = normal(0, (400, 500))
    ours, _ = layers.dropout_forward(x, {"mode": "train", "p": 0.7, "seed": 0})
    theirs = F.dropout(torch.tensor(x), p=0.3).numpy()
    deviation = np.sqrt(0.7 * 0.3 / x.size)
    assert abs((ours != 0).mean() - (theirs != 0).mean()) < 6 * deviation
    assert abs(ours.std() - theirs.std()) < 0.01
    both = (ours != 0) & (theirs != 0)
    assert_close(ours[both], theirs[both])
