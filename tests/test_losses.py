import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp
from sklearn.metrics import hinge_loss, log_loss

from cs231n_kit import losses
from cs231n_kit.losses import LabelTree

TREE = LabelTree({"animal": {"cat": ["tabby", "lynx"], "dog": ["pug", "collie", "poodle"]}, "vehicle": ["car", "ship"]})


def _indicator(s):
    """One-hot matrix (3, 4) of a sequence of 3 labels out of 4."""
    return np.eye(4)[list(s)]


def _decode(x, y):
    """The best of all 64 sequences, by Hamming distance plus score."""
    candidates = itertools.product(range(4), repeat=3)
    values = {s: np.not_equal(s, y).sum() + (x * _indicator(s)).sum() for s in candidates}
    best = max(values, key=values.get)
    return best, np.not_equal(best, y).sum()


def _structured(x, y):
    return losses.structured_svm_loss(x, y, _indicator, _decode)


def _hierarchical(x, y):
    return losses.hierarchical_softmax_loss(x, y, TREE)


def _temporal(x, y):
    return losses.temporal_softmax_loss(x, y, np.arange(12).reshape(4, 3) % 5 != 1)


RNG = np.random.default_rng(0)
SCORES = RNG.normal(0, 2, (7, 5))
LABELS = RNG.integers(0, 5, 7)
PRESENT = RNG.random((7, 5)) < 0.4
CASES = {
    "softmax": (losses.softmax_loss, SCORES, LABELS),
    "svm": (losses.svm_loss, SCORES, LABELS),
    "squared_hinge": (losses.squared_hinge_loss, SCORES, LABELS),
    "binary_hinge": (losses.binary_hinge_loss, SCORES, PRESENT),
    "logistic": (losses.logistic_loss, SCORES, PRESENT),
    "l2": (losses.l2_loss, SCORES, RNG.normal(size=(7, 5))),
    "l1": (losses.l1_loss, SCORES, RNG.normal(size=(7, 5))),
    "huber": (losses.huber_loss, SCORES, RNG.normal(size=(7, 5))),
    "hierarchical": (_hierarchical, RNG.normal(size=(6, TREE.n_scores)), np.array([0, 6, 3, 2, 2, 5])),
    "structured": (_structured, RNG.normal(size=(5, 3, 4)), RNG.integers(0, 4, (5, 3))),
    "temporal": (_temporal, RNG.normal(size=(4, 3, 6)), RNG.integers(0, 6, (4, 3))),
}
each_loss = pytest.mark.parametrize("loss, x, y", CASES.values(), ids=CASES)


@each_loss
def test_gradients_are_those_of_the_loss(loss, x, y):
    gradient = loss(x, y)[1]
    for index in np.ndindex(x.shape):
        moved = [x.copy(), x.copy()]
        moved[0][index] += 1e-6
        moved[1][index] -= 1e-6
        numeric = (loss(moved[0], y)[0] - loss(moved[1], y)[0]) / 2e-6
        assert gradient[index] == pytest.approx(numeric, rel=1e-6, abs=1e-8)


@each_loss
def test_types_layouts_and_untouched_inputs(loss, x, y):
    expected, expected_gradient = loss(x, y)
    assert type(expected) is float and expected_gradient.dtype == np.float64
    x32, y_frozen = np.asfortranarray(x.astype(np.float32)), y.copy()
    x32.flags.writeable = y_frozen.flags.writeable = False
    value, gradient = loss(x32, y_frozen)
    assert type(value) is float and gradient.dtype == np.float32 and gradient.shape == x.shape
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-5)
    spread = np.zeros((*x.shape, 2))
    spread[..., 0] = x
    assert loss(spread[..., 0], y)[0] == pytest.approx(expected, rel=1e-14)
    assert loss(x[:1], y[:1])[1].shape == (1, *x.shape[1:]) if loss is not _temporal else True


@each_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_scores_neither_overflow_nor_lose_the_gradient(loss, x, y, dtype):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, gradient = loss((x * 1e4).astype(dtype), y)
    assert np.isfinite(value) and value > 100
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0.01


@each_loss
def test_an_empty_batch_is_an_error(loss, x, y):
    with pytest.raises(ValueError, match="x is empty"):
        loss(x[:0], y[:0])


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 2**32 - 1), st.floats(0, 50))
def test_class_losses_by_their_formulas(n, classes, seed, scale):
    """Over all shapes, also a batch of one and a single class."""
    rng = np.random.default_rng(seed)
    x, y = scale * rng.normal(size=(n, classes)), rng.integers(0, classes, n)
    cross_entropy = np.mean([logsumexp(row) - row[label] for row, label in zip(x, y, strict=True)])
    violations = [max(0.0, x[i, j] - x[i, y[i]] + 0.7) for i in range(n) for j in range(classes) if j != y[i]]
    assert losses.softmax_loss(x, y)[0] == pytest.approx(cross_entropy, abs=1e-12)
    assert losses.svm_loss(x, y, delta=0.7)[0] == pytest.approx(sum(violations) / n)
    assert losses.squared_hinge_loss(x, y, delta=0.7)[0] == pytest.approx(sum(v**2 for v in violations) / n)
    softmax_gradient = np.exp(log_softmax(x, axis=1)) - np.eye(classes)[y]
    np.testing.assert_allclose(losses.softmax_loss(x, y)[1], softmax_gradient / n, atol=1e-13)


@pytest.mark.parametrize("classes", [64, 65, 300])
def test_softmax_of_few_and_of_many_classes(classes):
    rng = np.random.default_rng(classes)
    x, y = rng.normal(size=(9, classes)), rng.integers(0, classes, 9)
    logs = log_softmax(x, axis=1)
    for layout in (x, np.asfortranarray(x)):
        value, gradient = losses.softmax_loss(layout, y)
        assert value == pytest.approx(-logs[np.arange(9), y].mean()) and gradient.flags.c_contiguous
        np.testing.assert_allclose(gradient, (np.exp(logs) - np.eye(classes)[y]) / 9, atol=1e-15)


def test_the_scores_of_the_lecture():
    """One cat, one car and one frog; the hinge losses are 2.9, 0 and 12.9."""
    x = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    assert [losses.svm_loss(x[i : i + 1], [i])[0] for i in range(3)] == pytest.approx([2.9, 0, 12.9])
    assert losses.svm_loss(x, [0, 1, 2])[0] == pytest.approx(15.8 / 3)
    assert losses.softmax_loss(x[:1], [0])[0] == pytest.approx(2.04, abs=0.005)
    assert losses.softmax_loss([[1, 2, 3]], [2])[1].dtype == np.float64


def test_scikit_learn_agrees_on_binary_losses():
    x, y = SCORES[:, 0], PRESENT[:, 0]
    assert losses.logistic_loss(x, y)[0] == pytest.approx(log_loss(y, 1 / (1 + np.exp(-x))))
    assert losses.binary_hinge_loss(x, y)[0] == pytest.approx(hinge_loss(y, x))
    all_attributes = sum(log_loss(PRESENT[:, j], 1 / (1 + np.exp(-SCORES[:, j]))) for j in range(5))
    assert losses.logistic_loss(SCORES, PRESENT)[0] == pytest.approx(all_attributes)


@pytest.mark.parametrize("loss", [losses.binary_hinge_loss, losses.logistic_loss])
def test_absent_may_be_written_as_0_or_minus_1(loss):
    for y in (PRESENT.astype(int), PRESENT * 2 - 1, PRESENT * 2.0 - 1):
        value, gradient = loss(SCORES, y)
        assert value == loss(SCORES, PRESENT)[0]
        np.testing.assert_array_equal(gradient, loss(SCORES, PRESENT)[1])


def test_logistic_loss_far_out_is_linear_on_one_side_and_tiny_on_the_other():
    for scale in (50.0, 1e4):
        value, gradient = losses.logistic_loss([[-scale]], [[1]])
        assert value == pytest.approx(scale) and gradient[0, 0] == pytest.approx(-1)
    assert losses.logistic_loss([[50.0]], [[1]])[0] == pytest.approx(np.exp(-50), rel=1e-12)
    assert losses.logistic_loss([[50.0]], [[1]])[1][0, 0] == pytest.approx(-np.exp(-50), rel=1e-12)


def test_regression_losses_sum_over_dimensions_and_average_over_samples():
    x, y = np.array([[1.0, 5.0], [0.0, 0.0]]), np.array([[0.0, 2.0], [0.0, -0.5]])
    assert losses.l2_loss(x, y)[0] == (1 + 9 + 0.25) / 2
    assert losses.l1_loss(x, y)[0] == (1 + 3 + 0.5) / 2
    assert losses.huber_loss(x, y, delta=2)[0] == (0.5 + (2 * 3 - 2) + 0.125) / 2
    assert losses.huber_loss(x, y, delta=2)[1].tolist() == [[0.5, 1], [0, 0.25]]
    assert losses.l1_loss(x, y)[1].tolist() == [[0.5, 0.5], [0, 0.5]]
    assert losses.l2_loss(x[:, 0], y[:, 0])[0] == 0.5
    assert losses.l2_loss(x.astype(np.float32), y)[1].dtype == np.float32


def test_temporal_loss_is_one_softmax_loss_for_each_unmasked_step():
    rng = np.random.default_rng(1)
    x, y, mask = rng.normal(size=(3, 4, 5)), rng.integers(0, 5, (3, 4)), rng.random((3, 4)) < 0.6
    expected = sum(-log_softmax(x[i, t])[y[i, t]] for i in range(3) for t in range(4) if mask[i, t]) / 3
    y[~mask] = -1  # what stands where a sequence has ended does not count
    for given_mask in (mask, mask.astype(int), mask.astype(float)):
        value, gradient = losses.temporal_softmax_loss(x, y, given_mask)
        assert value == pytest.approx(expected)
        assert not gradient[~mask].any() and gradient[mask].all()
    value, gradient = losses.temporal_softmax_loss(x, y, np.zeros((3, 4), bool))
    assert value == 0 and not gradient.any()


def test_the_label_tree_numbers_classes_and_columns():
    assert TREE.class_names == ("tabby", "lynx", "pug", "collie", "poodle", "car", "ship")
    assert [node.name for node in TREE.nodes] == ["root", "animal", "cat", "dog", "vehicle"]
    assert [node.child_names for node in TREE.nodes][1:3] == [("cat", "dog"), ("tabby", "lynx")]
    assert TREE.n_scores == 2 + 2 + 2 + 3 + 2
    assert LabelTree([("a", "b"), "c"], class_names=["c", "b", "a"]).nodes[0].child_of_class.tolist() == [1, 0, 0]


def test_hierarchical_softmax_multiplies_probabilities_along_the_path():
    x = CASES["hierarchical"][1]
    root, animal, dog = log_softmax(x[:, :2], 1), log_softmax(x[:, 2:4], 1), log_softmax(x[:, 6:9], 1)
    collie = root[:, 0] + animal[:, 1] + dog[:, 1]
    np.testing.assert_allclose(TREE.log_probabilities(x)[:, 3], collie)
    np.testing.assert_allclose(np.exp(TREE.log_probabilities(x)).sum(axis=1), 1)
    assert _hierarchical(x, np.full(6, 3))[0] == pytest.approx(-collie.mean())
    assert TREE.log_probabilities(x.astype(np.float32)).dtype == np.float32
    visited = _hierarchical(x, np.full(6, 3))[1].any(axis=0)
    assert visited.tolist() == [True] * 4 + [False] * 2 + [True] * 3 + [False] * 2


def test_a_tree_of_one_level_is_the_ordinary_softmax():
    flat = LabelTree(list("abcde"))
    value, gradient = losses.hierarchical_softmax_loss(SCORES, LABELS, flat)
    assert value == pytest.approx(losses.softmax_loss(SCORES, LABELS)[0])
    np.testing.assert_allclose(gradient, losses.softmax_loss(SCORES, LABELS)[1], atol=1e-15)


def test_structured_loss_of_single_labels_is_the_hinge_loss_of_the_worst_class():
    """Crammer & Singer's loss: of all violated margins only the largest counts."""

    def decode(x, y):
        augmented = x + (np.arange(5) != y)
        return augmented.argmax(), float(augmented.argmax() != y)

    value, _ = losses.structured_svm_loss(SCORES, LABELS, lambda s: np.eye(5)[s], decode)
    worst = [max(0, *(row[j] + 1 - row[y] for j in range(5) if j != y)) for row, y in zip(SCORES, LABELS, strict=True)]
    assert value == pytest.approx(np.mean(worst))


def _structured_with(indicator=_indicator, decode=_decode):
    return lambda: losses.structured_svm_loss(np.zeros((2, 3, 4)), [(0, 0, 0), (1, 2, 3)], indicator, decode)


@pytest.mark.parametrize(
    "action, error, message",
    [
        (lambda: losses.softmax_loss(SCORES, LABELS[:6]), ValueError, r"y must have .* \(7,\), not \(6,\)"),
        (lambda: losses.softmax_loss(SCORES, LABELS[:, None]), ValueError, r"not \(7, 1\): use y.ravel"),
        (lambda: losses.softmax_loss(SCORES[0], LABELS), ValueError, r"x must have the shape \(N, C\), not \(5,\)"),
        (lambda: losses.softmax_loss(SCORES, LABELS + 1.0), TypeError, r"y must hold integers .* use y.astype\(int\)"),
        (lambda: losses.softmax_loss(SCORES, LABELS == 1), TypeError, "y must hold integers as labels, not bool"),
        (lambda: losses.softmax_loss(SCORES, np.full(7, 5)), ValueError, "label 5; labels must lie between 0 and 4"),
        (lambda: losses.svm_loss(SCORES, np.full(7, -1)), ValueError, "y holds the label -1"),
        (lambda: losses.svm_loss(SCORES.astype(np.float16), LABELS), TypeError, "float32 or float64 .* not float16"),
        (lambda: losses.svm_loss(SCORES, LABELS, -1), ValueError, "delta must be a non-negative number, not -1"),
        (lambda: losses.svm_loss(SCORES, LABELS, np.nan), ValueError, "delta must be a non-negative number, not nan"),
        (lambda: losses.huber_loss(SCORES, SCORES, 0), ValueError, "delta must be a positive number, not 0"),
        (lambda: losses.l2_loss(SCORES, SCORES[:, :1]), ValueError, r"same shape as x, \(7, 5\), not \(7, 1\)"),
        (lambda: losses.l2_loss(1.0, 1.0), ValueError, r"x must have the shape \(N, \.\.\.\), not \(\)"),
        (lambda: losses.logistic_loss(SCORES, PRESENT + 1), ValueError, "y must hold 1 where .* 0 or -1 throughout"),
        (lambda: losses.logistic_loss([1.0, 2, 3], [1, 0, -1]), ValueError, "0 or -1 throughout"),
        (lambda: losses.logistic_loss(SCORES[None], PRESENT[None]), ValueError, r"not \(1, 7, 5\)"),
        (lambda: losses.binary_hinge_loss(SCORES, SCORES), ValueError, "y must hold 1 where"),
        (lambda: _hierarchical(SCORES, LABELS), ValueError, "x must have 11 columns, one for each branch .* not 5"),
        (lambda: _hierarchical(np.ones((1, 11)), [7]), ValueError, "between 0 and 6, because the tree has 7 classes"),
        (lambda: losses.hierarchical_softmax_loss(SCORES, LABELS, ["a"]), TypeError, "tree must be a LabelTree"),
        (lambda: LabelTree(["a", ["b", "a"]]), ValueError, r"occur more often: \['a'\]"),
        (lambda: LabelTree(["a", []]), ValueError, "at least one child"),
        (lambda: LabelTree(["a", 3]), TypeError, "A tree is made of .* not 3"),
        (lambda: LabelTree(["a", "b"], ["a", "c"]), ValueError, "class_names must be the leaves"),
        (lambda: losses.temporal_softmax_loss(np.ones((1, 2, 3)), [[0, 3]], [[1, 1]]), ValueError, "label 3"),
        (lambda: losses.temporal_softmax_loss(np.ones((1, 2, 3)), [[0, 0]], [[1]]), ValueError, "mask must have one"),
        (lambda: losses.temporal_softmax_loss(np.ones((1, 2, 3)), [[0, 0]], [[1, 0.5]]), ValueError, "True and False"),
        (lambda: losses.structured_svm_loss(SCORES, LABELS[:3], None, None), ValueError, "each of the 7 samples"),
        (_structured_with(indicator=lambda s: np.eye(3)), ValueError, r"indicator\(s\) must .* \(3, 4\), not \(3, 3\)"),
        (_structured_with(decode=lambda x, y: (y, -1)), ValueError, r"decode\(x\[0\], y\[0\]\) returned .* 1 less"),
    ],
)
def test_errors_name_the_argument_what_came_and_what_was_expected(action, error, message):
    with pytest.raises(error, match=message):
        action()


@pytest.mark.parametrize("loss", [losses.softmax_loss, losses.svm_loss, losses.squared_hinge_loss])
def test_nan_scores_are_seen_in_the_loss_and_in_their_row_of_the_gradient(loss):
    x = np.random.default_rng(0).normal(size=(3, 4))
    x[1, 2] = np.nan
    value, gradient = loss(x, np.array([0, 1, 2]))
    assert np.isnan(value)
    assert np.isnan(gradient[1, 2]) and np.isnan(gradient[1, 1])
    assert np.isfinite(gradient[[0, 2]]).all()
