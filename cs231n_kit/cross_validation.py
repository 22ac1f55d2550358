"""k-fold cross-validation: choose a hyperparameter without touching the test set."""

from collections.abc import Callable, Sequence

import numpy as np


def k_fold_indices(n: int, folds: int = 5, rng: np.random.Generator | int = 0) -> list[np.ndarray]:
    """Split 0..n-1 at random into ``folds`` sorted index arrays, whose sizes differ by at most one.

    Fold i is the validation set of round i; the other folds together are its training set. ``rng`` is a
    random generator or a seed. Raises ValueError unless 2 <= folds <= n.
    """
    if isinstance(folds, bool) or not isinstance(folds, int | np.integer) or folds < 2:
        raise ValueError(f"folds must be an integer of at least 2, not {folds!r}")
    if folds > n:
        raise ValueError(f"folds must not exceed the number of samples, {n:,}, but is {folds:,}")
    order = np.random.default_rng(rng).permutation(n)
    return [np.sort(fold) for fold in np.array_split(order, folds)]


def cross_validate(
    make_classifier: Callable,
    X: np.ndarray,
    y: np.ndarray,
    values: Sequence,
    folds: int = 5,
    seed: int = 0,
    progress: bool = True,
) -> np.ndarray:
    """Validation accuracy of ``make_classifier(value)`` for each value and fold, shape (len(values), folds).

    ``make_classifier`` takes a value of the hyperparameter and returns a new classifier with ``fit(X, y)`` and
    ``predict(X)``. All values see the same folds of X (N, ...) and y (N,). ``progress`` shows a bar.
    """
    from tqdm.auto import tqdm

    X, y, values = np.asarray(X), np.asarray(y), list(values)
    if y.ndim != 1 or len(X) != len(y):
        raise ValueError(f"y must have one label for each of the {len(X):,} samples in X, not shape {y.shape}")
    if not values:
        raise ValueError("values is empty: give at least one value of the hyperparameter to try")
    accuracies = np.empty((len(values), folds))
    with tqdm(total=accuracies.size, disable=not progress, desc="Cross-validating", unit="fit") as bar:
        for j, held_out in enumerate(k_fold_indices(len(X), folds, seed)):
            kept = np.ones(len(X), bool)
            kept[held_out] = False
            X_kept, y_kept, X_held, y_held = X[kept], y[kept], X[held_out], y[held_out]
            for i, value in enumerate(values):
                classifier = make_classifier(value)
                classifier.fit(X_kept, y_kept)
                predicted = np.asarray(classifier.predict(X_held))
                if predicted.shape != y_held.shape:
                    raise ValueError(
                        f"predict must return one label for each of {len(y_held):,} samples, shape {y_held.shape}, "
                        f"not {predicted.shape}"
                    )
                accuracies[i, j] = np.mean(predicted == y_held)
                bar.update()
    return accuracies


def cross_validation_figure(values: Sequence, accuracies: np.ndarray, name: str = "k"):
    """The picture of a cross-validation: every fold a dot, the mean as a line, one standard deviation as bars.

    ``accuracies`` has the shape (len(values), folds), as ``cross_validate`` returns it; ``name`` is that of
    the hyperparameter. Returns a matplotlib Figure.
    """
    import matplotlib.pyplot as plt

    values, accuracies = list(values), np.asarray(accuracies, float)
    if accuracies.ndim != 2 or len(accuracies) != len(values) or not values:
        raise ValueError(
            f"accuracies must have one row for each of the {len(values)} values, shape ({len(values)}, folds), "
            f"not {accuracies.shape}"
        )
    mean, deviation = accuracies.mean(axis=1), accuracies.std(axis=1)
    best = int(mean.argmax())
    # Evenly spaced, because the values usually are not: 1, 3, 5, 10, 20, 50, 100.
    places = np.arange(len(values))
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    axes.plot(np.repeat(places, accuracies.shape[1]), accuracies.ravel(), ".", color="0.55", label="one fold")
    axes.errorbar(places, mean, deviation, marker="o", capsize=4, label="mean ± one standard deviation")
    axes.plot(
        places[best],
        mean[best],
        "*",
        markersize=17,
        color="tab:orange",
        zorder=3,
        label=f"best: {name} = {values[best]}, {mean[best]:.1%}",
    )
    axes.set_xticks(places, [str(value) for value in values])
    axes.set_xlabel(name)
    axes.set_ylabel("validation accuracy")
    axes.set_title(f"Cross-validation on {name}, {accuracies.shape[1]} folds")
    axes.yaxis.set_major_formatter("{x:.0%}" if np.ptp(accuracies) > 0.04 else "{x:.1%}")
    axes.grid(alpha=0.3)
    axes.legend()
    plt.close(figure)  # a notebook shows the returned figure; left open it would be shown twice
    return figure
