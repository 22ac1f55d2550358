"""The handwritten digits that scikit-learn ships with: real scans, no network needed."""

import numpy as np

CLASS_NAMES = tuple("0123456789")
VALIDATION = TEST = 200


def read_digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All 1,797 digits as (X_train, y_train, X_test, y_test), intensities stretched from 0..16 to 0..255.

    The scans are stored writer after writer; a fixed shuffle gives every split the same writers.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(231).permutation(len(digits.target))
    X = np.rint(digits.images[order] * (255 / 16)).astype(np.uint8)[..., None]
    y = digits.target[order].astype(np.int64)
    return X[:-TEST], y[:-TEST], X[-TEST:], y[-TEST:]
