"""What goes into the network of ``SignalThroughDepth``: generated inputs, good and bad ones, or the user's own."""

import numpy as np

from cs231n_kit.preprocessing import Standardize

EXAMPLES, FEATURES, CLASSES = 256, 100, 10  # of generated inputs
MOST_EXAMPLES, MOST_FEATURES, MOST_CLASSES = 1000, 4000, 100  # of the user's own
SHIFT = 3.0  # of inputs that are not zero-centred, in standard deviations
GENERATED = {
    "gaussian": "unit Gaussian",
    "shifted": "not zero-centred",
    "badly_scaled": "badly scaled",
}
OWN = {"own": "your data as it is", "own_standardized": "your data, standardised"}
INPUTS = GENERATED | OWN


def generated(inputs):
    """(X, y): float32 (256, 100) and the labels 0 to 9 of a fixed linear rule, int64 (256,).

    ``inputs``: "gaussian", all features of mean 0 and standard deviation 1; "shifted", the same plus 3; "badly_scaled",
    the same with standard deviations from 0.01 to 100. The examples and labels behind them are always the same.
    """
    rng = np.random.default_rng(231)
    unit = rng.standard_normal((EXAMPLES, FEATURES))
    y = (unit @ rng.standard_normal((FEATURES, CLASSES))).argmax(axis=1)
    X = {"gaussian": unit, "shifted": unit + SHIFT, "badly_scaled": unit * np.logspace(-2, 2, FEATURES)}[inputs]
    return X.astype(np.float32), y


def own_data(X, y):
    """A user's arrays, checked: X as float32 (N, D), each example flattened, and y as int64 (N,), or None.

    Raises:
        ValueError: another shape, too many, NaN, or labels that are not whole numbers from 0 on.
    """
    X = np.asarray(X)
    if X.ndim < 2 or X.dtype.kind not in "iuf" or not X.size:
        raise ValueError(f"X must be numbers of shape (N, ...), an example in each row, got {X.dtype} of {X.shape}")
    if len(X) > MOST_EXAMPLES:
        raise ValueError(f"X must hold at most {MOST_EXAMPLES} examples, got {len(X)}: give X[:{EXAMPLES}] and y alike")
    if len(X) < 2:
        raise ValueError("X must hold at least 2 examples: what tells inputs apart is measured")
    X = X.reshape(len(X), -1).astype(np.float32)
    if X.shape[1] > MOST_FEATURES:
        raise ValueError(f"an example must have at most {MOST_FEATURES} numbers, got {X.shape[1]}")
    if not np.isfinite(X).all():
        raise ValueError("X holds NaN or infinity")
    return X, None if y is None else _labels(y, len(X))


def network_input(state, own):
    """(X, y) of a state: float32 (N, D) and int64 (N,); ``own`` is the user's (X, y), if any."""
    if state["inputs"] in GENERATED:
        X, y = generated(state["inputs"])
    else:
        X, y = own
        if state["inputs"] == "own_standardized":
            X = Standardize().fit(X).transform(X)
    if state["labels"] == "random":
        y = np.random.default_rng(231).integers(CLASSES, size=len(X))
    return X, y


def _labels(y, count):
    y = np.asarray(y)
    if y.shape != (count,):
        raise ValueError(f"{count} examples need labels y of shape ({count},), got {y.shape}")
    whole = y.dtype.kind in "iu" or (y.dtype.kind == "f" and (y == np.round(y)).all())
    if not whole or y.min() < 0 or y.max() >= MOST_CLASSES:
        raise ValueError(
            f"labels must be whole numbers from 0 to {MOST_CLASSES - 1}; numpy.unique(y, return_inverse=True)[1] makes "
            "them of other labels"
        )
    return y.astype(np.int64)
