import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from cs231n_kit.cross_validation import cross_validate, cross_validation_figure, k_fold_indices
from cs231n_kit.neighbors import KNearestNeighbor


@given(n=st.integers(2, 200), folds=st.integers(2, 200), seed=st.integers(0, 9))
def test_every_sample_is_in_exactly_one_fold_of_nearly_equal_size(n, folds, seed):
    folds = min(folds, n)
    split = k_fold_indices(n, folds, np.random.default_rng(seed))
    assert np.sort(np.concatenate(split)).tolist() == list(range(n))
    sizes = [len(fold) for fold in split]
    assert len(split) == folds and max(sizes) - min(sizes) <= 1


def test_folds_are_shuffled_and_repeat_with_the_seed():
    first, again, other = (np.concatenate(k_fold_indices(100, 5, seed)) for seed in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()
    assert k_fold_indices(100, 5, 0)[0].tolist() != list(range(20))


@pytest.mark.parametrize(
    "n, folds, message",
    [(10, 1, "at least 2, not 1"), (10, 2.5, "at least 2, not 2.5"), (3, 4, "number of samples, 3, but is 4")],
)
def test_fold_counts_that_cannot_be(n, folds, message):
    with pytest.raises(ValueError, match=message):
        k_fold_indices(n, folds)


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, size=103)
    return rng.normal(size=(103, 5)) + y[:, None] * 0.7, y


def test_accuracies_are_scikit_learns_on_the_same_folds(blobs):
    X, y = blobs
    values = [1, 3, 9]
    fold_of = np.empty(len(y), int)
    for i, fold in enumerate(k_fold_indices(len(y), 4, 7)):
        fold_of[fold] = i
    expected = [cross_val_score(KNeighborsClassifier(k), X, y, cv=PredefinedSplit(fold_of)) for k in values]
    found = cross_validate(KNearestNeighbor, X, y, values, folds=4, seed=7, progress=False)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found.shape == (3, 4)


def test_a_classifier_whose_fit_returns_nothing(blobs):
    class Constant:
        def fit(self, X, y):
            self.label = 1

        def predict(self, X):
            return np.full(len(X), self.label)

    X, y = blobs
    found = cross_validate(lambda value: Constant(), X, y, ["any"], progress=False)
    assert found.mean() == pytest.approx(np.mean(y == 1), abs=0.02)


def test_progress_can_be_switched_off(blobs, capsys):
    cross_validate(KNearestNeighbor, *blobs, [1], progress=False)
    assert capsys.readouterr().err == ""
    cross_validate(KNearestNeighbor, *blobs, [1])
    assert "Cross-validating: 100%" in capsys.readouterr().err


def test_errors_say_what_does_not_fit(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match=r"one label for each of the 103 samples in X, not shape \(102,\)"):
        cross_validate(KNearestNeighbor, X, y[1:], [1])
    with pytest.raises(ValueError, match="values is empty"):
        cross_validate(KNearestNeighbor, X, y, [])

    class Column(KNearestNeighbor):
        def predict(self, X):
            return super().predict(X)[:, None]

    with pytest.raises(ValueError, match=r"predict must return one label .* \(21,\), not \(21, 1\)"):
        cross_validate(Column, X, y, [1], progress=False)


def test_the_figure_shows_means_deviations_folds_and_the_best():
    accuracies = np.array([[0.2, 0.4], [0.5, 0.7], [0.1, 0.3]])
    figure = cross_validation_figure([1, 5, 50], accuracies, name="k")
    (axes,) = figure.axes
    assert axes.get_xlabel() == "k" and axes.get_ylabel() == "validation accuracy" and axes.get_title()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "5", "50"]
    (bars,) = axes.containers
    np.testing.assert_allclose(bars.lines[0].get_ydata(), [0.3, 0.6, 0.2])
    (segments,) = bars.lines[2]
    np.testing.assert_allclose(segments.get_segments()[1], [[1, 0.5], [1, 0.7]])
    by_label = {line.get_label(): line for line in axes.lines}
    np.testing.assert_allclose(by_label["one fold"].get_ydata(), accuracies.ravel())
    assert by_label["best: k = 5, 60.0%"].get_xdata()[0] == 1


def test_the_figure_refuses_accuracies_of_other_values():
    with pytest.raises(ValueError, match=r"one row for each of the 2 values, shape \(2, folds\), not \(3, 4\)"):
        cross_validation_figure([1, 2], np.ones((3, 4)))
