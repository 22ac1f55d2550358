"""Linear classifiers and numeric gradients against PyTorch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_checks import Form, assert_close, forms, normal, seeds, tensor

from cs231n_kit.gradients import check_gradient, numeric_gradient, numeric_gradients
from cs231n_kit.linear_classifier import LinearSVM, SoftmaxClassifier

sizes = st.integers(1, 6)
CLASSIFIERS = {
    LinearSVM: lambda scores, y: scores.shape[1] * F.multi_margin_loss(scores, y),
    SoftmaxClassifier: F.cross_entropy,
}


def torch_loss(kind, regularization, W, b, X, y):
    return CLASSIFIERS[kind](X @ W + b, y) + regularization * (W**2).sum()


@pytest.mark.parametrize("kind", CLASSIFIERS)
@settings(max_examples=30)
@given(sizes, sizes, st.integers(2, 5), st.sampled_from([0.0, 1e-3, 2.5]), seeds, forms)
def test_losses(kind, N, D, C, regularization, seed, form):
    X, W, b = (form.of(array) for array in normal(seed, (N, D), (D, C), C))
    y = np.random.default_rng(seed).integers(0, C, N)
    loss, gradients = kind(regularization=regularization).loss(W, b, X, y)
    leaves = tensor(W, leaf=True), tensor(b, leaf=True)
    expected = torch_loss(kind, regularization, *leaves, tensor(X), torch.tensor(y))
    expected.backward()
    assert_close(loss, expected, "the loss", form.dtype)
    for name, leaf in zip("Wb", leaves, strict=True):
        assert gradients[name].dtype == form.dtype
        assert_close(gradients[name], leaf.grad, f"d{name}", form.dtype)


@pytest.mark.parametrize("form", [Form(np.float64, False), Form(np.float32, True)], ids=str)
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_fit(kind, form):
    """Batches as large as the data, so that their order does not matter: every loss of 30 steps, and the weights."""
    X, noise = (form.of(array) for array in normal(0, (60, 8), (60, 3)))
    y = (np.asarray(X[:, :3]) + 0.3 * noise).argmax(axis=1)
    classifier = kind(learning_rate=0.1, regularization=0.01, steps=30, batch_size=60, rule="sgd_momentum")
    classifier.fit(X, np.array(["cat", "dog", "ship"])[y], progress=False)

    start = 1e-3 * np.random.default_rng(0).standard_normal((8, 3))  # as fit draws it for seed 0
    W, b = tensor(start.astype(form.dtype), leaf=True), tensor(np.zeros(3), leaf=True)
    optimizer = torch.optim.SGD([W, b], lr=0.1, momentum=0.9)
    history = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch_loss(kind, 0.01, W, b, tensor(X), torch.tensor(y))
        history.append(loss.item())
        loss.backward()
        optimizer.step()
    assert_close(classifier.loss_history_, history, "the losses", form.dtype)
    assert_close(classifier.W_, W, "W", form.dtype)
    assert_close(classifier.b_, b, "b", form.dtype)
    assert_close(classifier.scores(X), tensor(X) @ W + b, "the scores", form.dtype, factor=3)


def smooth(x, w):
    """A function that runs on NumPy and PyTorch alike, its derivatives of all sizes."""
    return (x @ w) ** 3 / (1 + (x @ w) ** 2) + x[:, :1]


@settings(max_examples=30)
@given(sizes, sizes, sizes, seeds)
def test_numeric_gradients(N, D, M, seed):
    x, w, dout = normal(seed, (N, D), (D, M), (N, M))
    leaves = tensor(x, leaf=True), tensor(w, leaf=True)
    expected = torch.autograd.grad(smooth(*leaves), leaves, tensor(dout))
    for found, right in zip(numeric_gradients(smooth, x, w, dout=dout), expected, strict=True):
        np.testing.assert_allclose(found, right.numpy(), rtol=1e-6, atol=1e-8)
    assert check_gradient(lambda x: smooth(x, w), x, expected[0].numpy(), dout=dout)
    assert not check_gradient(lambda x: smooth(x, w), x, expected[0].numpy() * 1.01 + 0.01, dout=dout)


def test_numeric_gradient_of_a_number():
    (x,) = normal(0, (3, 4))
    leaf = tensor(x, leaf=True)
    expected = torch.autograd.grad(torch.logsumexp(leaf, (0, 1)) * leaf.sum(), leaf)[0]
    found = numeric_gradient(lambda x: np.log(np.exp(x).sum()) * x.sum(), x)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-7)
