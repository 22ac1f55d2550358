"""Losses against torch.nn.functional. The kit sums over what a sample holds and averages over the batch."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch_checks import Form, assert_close, assert_loss, forms, normal, seeds, tensor

from cs231n_kit import losses

sizes = st.integers(1, 7)
batches = st.tuples(sizes, st.integers(1, 100))
scales = st.sampled_from([1e-3, 1.0, 30.0, 1e4])
FORMS = [Form(np.float64, False), Form(np.float32, False), Form(np.float32, True)]


def labels(seed, shape, classes):
    return np.random.default_rng([seed, 1]).integers(0, classes, shape)


@settings(max_examples=80)
@given(batches, scales, seeds, forms)
@example((1, 1), 1.0, 0, FORMS[0])
@example((500, 10), 1.0, 0, FORMS[1])
@example((500, 1000), 1.0, 0, FORMS[1])
@example((20_000, 10), 1.0, 0, FORMS[1])
def test_softmax(shape, scale, seed, form):
    y = labels(seed, shape[0], shape[1])
    assert_loss(losses.softmax_loss, F.cross_entropy, normal(seed, shape, scale=scale)[0], [y], form)


@settings(max_examples=60)
@given(batches, scales, st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.sampled_from([1, 2]), seeds, forms)
@example((1, 2), 1.0, 1.0, 2, 0, FORMS[0])
@example((2000, 100), 1.0, 1.0, 1, 0, FORMS[1])
def test_multiclass_hinge_losses(shape, scale, delta, power, seed, form):
    """PyTorch divides by the number of classes besides."""
    loss = {1: losses.svm_loss, 2: losses.squared_hinge_loss}[power]
    C, y = shape[1], labels(seed, shape[0], shape[1])
    assert_loss(
        lambda x, y: loss(x, y, delta),
        lambda x, y: C * F.multi_margin_loss(x, y, p=power, margin=delta),
        normal(seed, shape, scale=scale)[0],
        [y],
        form,
    )


def torch_logistic(x, y):
    return F.binary_cross_entropy_with_logits(x, y.double(), reduction="sum") / len(x)


def torch_binary_hinge(x, y):
    """Its embedding loss is max(0, margin - d) for pairs that are unlike, marked by -1."""
    signs = 2 * y.double() - 1
    return F.hinge_embedding_loss(signs * x, -torch.ones_like(x), margin=1.0, reduction="sum") / len(x)


@pytest.mark.parametrize(
    "loss, reference",
    [(losses.logistic_loss, torch_logistic), (losses.binary_hinge_loss, torch_binary_hinge)],
    ids=["logistic", "hinge"],
)
@settings(max_examples=50)
@given(st.one_of(batches, st.tuples(sizes)), scales, st.booleans(), seeds, forms)
@example((1,), 1.0, False, 0, FORMS[0])
@example((3000, 40), 1.0, True, 0, FORMS[1])
def test_losses_of_attributes(loss, reference, shape, scale, signs, seed, form):
    y = labels(seed, shape, 2)
    given_y = 2 * y - 1 if signs else y
    x = normal(seed, shape, scale=scale)[0]
    assert_loss(lambda x: loss(x, given_y), lambda x: reference(x, torch.tensor(y)), x, [], form)


@pytest.mark.parametrize(
    "loss, reference",
    [
        (losses.l2_loss, lambda x, y: F.mse_loss(x, y, reduction="sum") / len(x)),
        (losses.l1_loss, lambda x, y: F.l1_loss(x, y, reduction="sum") / len(x)),
        (losses.huber_loss, lambda x, y: F.huber_loss(x, y, reduction="sum") / len(x)),
        (
            lambda x, y: losses.huber_loss(x, y, delta=0.3),
            lambda x, y: F.huber_loss(x, y, reduction="sum", delta=0.3) / len(x),
        ),
    ],
    ids=["l2", "l1", "huber", "huber of 0.3"],
)
@settings(max_examples=50)
@given(st.lists(sizes, min_size=1, max_size=4).map(tuple), scales, seeds, forms)
@example((1,), 1.0, 0, FORMS[0])
@example((200, 30, 10), 1.0, 0, FORMS[1])
def test_regression(loss, reference, shape, scale, seed, form):
    x, y = normal(seed, shape, shape, scale=scale)
    assert_loss(loss, reference, x, [y], form)


@settings(max_examples=50)
@given(st.tuples(sizes, sizes, sizes), scales, st.floats(0, 1), seeds, forms)
@example((1, 1, 1), 1.0, 1.0, 0, FORMS[0])
@example((3, 5, 4), 1.0, 0.0, 0, FORMS[0])  # nothing counts
@example((30, 20, 200), 1.0, 0.5, 0, FORMS[1])
def test_temporal_softmax(shape, scale, share, seed, form):
    N, T, V = shape
    y = labels(seed, (N, T), V)
    mask = np.random.default_rng([seed, 2]).random((N, T)) < share
    targets = torch.tensor(np.where(mask, y, -100))
    assert_loss(
        lambda x: losses.temporal_softmax_loss(x, np.where(mask, y, -7), mask),
        lambda x: F.cross_entropy(x.reshape(-1, V), targets.ravel(), ignore_index=-100, reduction="sum") / N,
        normal(seed, shape, scale=scale)[0],
        [],
        form,
    )


@settings(max_examples=30)
@given(sizes, st.integers(1, 4), st.lists(st.integers(1, 4), min_size=1, max_size=3), seeds, forms)
def test_hierarchical_softmax(N, frequent, clusters, seed, form):
    """PyTorch's adaptive softmax is a tree of two levels: frequent classes at its root, the others in clusters."""
    ends = np.cumsum([frequent, *clusters])
    names = [f"class {c}" for c in range(ends[-1])]
    branches = {f"cluster {i}": names[start:stop] for i, (start, stop) in enumerate(itertools.pairwise(ends))}
    tree = losses.LabelTree({name: name for name in names[:frequent]} | branches, class_names=names)

    features = 5
    adaptive = torch.nn.AdaptiveLogSoftmaxWithLoss(
        features, int(ends[-1]), [int(end) for end in ends[:-1]], div_value=1.0, dtype=torch.float64
    )
    torch.manual_seed(seed)
    for parameter in adaptive.parameters():
        torch.nn.init.normal_(parameter)
    z = tensor(normal(seed, (N, features))[0])
    parts = [adaptive.head(z), *(tail(z) for tail in adaptive.tail)]
    scores = torch.cat(parts, dim=1).detach().numpy()
    y = labels(seed, N, int(ends[-1]))
    assert_close(tree.log_probabilities(scores), adaptive.log_prob(z), "log P")

    def reference(x):
        """The same module, its linear maps replaced by the columns of x."""
        columns = iter(torch.split(x, [part.shape[1] for part in parts], dim=1))
        root = F.log_softmax(next(columns), dim=1)
        log_p = [root[:, :frequent]]
        log_p += [root[:, frequent + i, None] + F.log_softmax(c, dim=1) for i, c in enumerate(columns)]
        return F.nll_loss(torch.cat(log_p, dim=1), torch.tensor(y))

    found, _ = losses.hierarchical_softmax_loss(scores, y, tree)
    assert_close(found, adaptive(z, torch.tensor(y)).loss, "the loss")
    assert_loss(lambda x: losses.hierarchical_softmax_loss(x, y, tree), reference, scores, [], form)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(2, 3), scales, seeds, forms)
def test_structured_hinge(N, T, K, scale, seed, form):
    """Sequences of T labels out of K, against the maximum over all K^T of them."""
    sequences = np.array(list(itertools.product(range(K), repeat=T)))
    parts = np.eye(K)[sequences]  # (K^T, T, K)
    y = labels(seed, (N, T), K)

    def decode(x, right):
        losses_of_all = (sequences != right).sum(axis=1)
        best = (losses_of_all + (parts * x).sum(axis=(1, 2))).argmax()
        return sequences[best], losses_of_all[best]

    def reference(x):
        right = torch.tensor(np.eye(K)[y])
        hamming = (torch.tensor(sequences)[None] != torch.tensor(y)[:, None]).sum(dim=2)
        leads = torch.einsum("ntk,nstk->ns", x, torch.tensor(parts) - right[:, None])  # F(s) - F(y)
        return (hamming + leads).max(dim=1).values.mean()

    x = normal(seed, (N, T, K), scale=scale)[0]
    assert_loss(lambda x: losses.structured_svm_loss(x, y, lambda s: np.eye(K)[s], decode), reference, x, [], form)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("size", [1e4, -1e4, 1e30])
def test_scores_beyond_what_exp_can_take(size, form):
    """Right and wrong classes far ahead, and all far from zero."""
    x = np.array([[size, 0, 1], [0, size, 1], [size, size, size], [size, size + 1, size - 1], [0, -size, size]])
    y = np.array([0, 0, 1, 2, 2])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert_loss(losses.softmax_loss, F.cross_entropy, x, [y], form)
        assert_loss(losses.logistic_loss, torch_logistic, x, [np.eye(3, dtype=int)[y]], form)
        everything = np.ones((1, 5), bool)
        found, gradient = losses.temporal_softmax_loss(form.of(x[None]), y[None], everything)
        flat, flat_gradient = losses.softmax_loss(form.of(x), y)
        assert_close(found, 5 * flat)
        assert_close(gradient[0], 5 * flat_gradient, dtype=form.dtype)


@pytest.mark.parametrize(
    "loss, reference",
    [
        (losses.softmax_loss, F.cross_entropy),
        (lambda x, y: losses.l2_loss(x, np.ones(x.shape)), lambda x, y: F.mse_loss(x, torch.ones_like(x))),
        (lambda x, y: losses.logistic_loss(x, np.ones(x.shape)), lambda x, y: torch_logistic(x, torch.ones_like(x))),
        (
            lambda x, y: losses.structured_svm_loss(x, y, lambda s: np.eye(3)[s], lambda x, y: (2, 1.0)),
            lambda x, y: (1 + x[:, 2] - x.gather(1, y[:, None])[:, 0]).clamp(min=0).mean(),
        ),
    ],
    ids=["softmax", "l2", "logistic", "structured"],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_score_of_nan_is_not_hidden(loss, reference):
    x, y = normal(0, (4, 3))[0], np.array([0, 1, 2, 1])
    x[1, 2] = np.nan
    assert reference(tensor(x), tensor(y)).isnan()
    assert np.isnan(loss(x, y)[0])
