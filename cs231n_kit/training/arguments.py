"""What settings and data must look like, said before training starts."""

import math
from numbers import Integral, Real
from pathlib import Path

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.training.snapshot import all_finite


def count(name: str, value) -> int:
    """value as a positive integer. Raises ValueError naming it."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
    return int(value)


def number(name: str, value, positive: bool = False) -> float:
    """value as a finite float of at least 0, or above 0. Raises ValueError naming it."""
    real = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not real or value < 0 or (positive and value == 0):
        raise ValueError(f"{name} must be a {'positive' if positive else 'non-negative'} number, not {value!r}")
    return float(value)


def seed(value) -> int:
    """value as an integer of at least 0. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise ValueError(f"seed must be an integer of 0 or more, not {value!r}")
    return int(value)


def function(name: str, value, signature: str):
    """value, if it can be called. Raises TypeError naming it and how it is called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function {signature}, not {value!r}")
    return value


def folder_of(path) -> None:
    """Raise FileNotFoundError unless there is a folder to write the file in, before hours of work depend on it."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"The folder {folder} does not exist: create it before {path} is to be written")


def samples(name: str, X, network):
    """X as an array (N, ...) that the network can take, with nothing empty, NaN or infinite."""
    if network.input_shape is None:
        raise ValueError(
            "The network is not initialised and has no weights yet: "
            f"call network.initialize(input_shape={tuple(np.shape(X)[1:])}, rng=0) first"
        )
    if not network.parameters:
        raise ValueError("The network has no parameters, so there is nothing to train")
    X = array_module(X).asarray(X)
    if X.ndim < 2 or X.size == 0:
        raise ValueError(f"{name} must hold at least one sample, shape (N, ...), not be of shape {X.shape}")
    if X.dtype == np.uint8:
        raise TypeError(
            f"{name} holds uint8 pixels, 0 to 255, which networks learn from badly. Standardise them first, "
            "scaler = cs231n_kit.preprocessing.ChannelMean().fit(X_train); X = scaler.transform(X) / 64, and for "
            "convolutions bring images (N, H, W, C) to (N, C, H, W) with X.transpose(0, 3, 1, 2)"
        )
    if X.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold numbers, not {X.dtype}")
    if X.dtype.kind == "f" and not all_finite([X]):
        bad = ~array_module(X).isfinite(X).reshape(len(X), -1).all(axis=1)
        raise ValueError(
            f"{name} holds NaN or infinity in {int(bad.sum()):,} of {len(X):,} samples, first in {name}[{bad.argmax()}]"
        )
    if X.shape[1:] != network.input_shape and (*X.shape[-1:], *X.shape[1:-1]) == network.input_shape:
        raise ValueError(
            f"{name} holds images (N, H, W, C), {X.shape}, but the network takes (N, C, H, W): "
            "use numpy.ascontiguousarray(X.transpose(0, 3, 1, 2))"
        )
    array_module(X, next(iter(network.parameters.values())))  # raises where one is on a GPU and the other is not
    return X


def something_to_train(network) -> None:
    """Raise ValueError where all parameters are frozen."""
    if network.parameters and not network.trainable:
        raise ValueError("All layers with parameters are frozen, so there is nothing to train: unfreeze one of them")


def targets(name: str, y, X_name: str, X, classification: bool):
    """y as an array with one row for each sample of X; for classification integers (N,), 0 or more."""
    y = array_module(y).asarray(y)
    array_module(X, y)
    if y.ndim == 0 or len(y) != len(X):
        found = f"{len(y):,}" if y.ndim else "a single number"
        raise ValueError(f"{name} must have one target for each of the {len(X):,} samples in {X_name}, not {found}")
    if classification:
        if y.ndim != 1:
            hint = f": use {name}.ravel()" if y.size == len(y) else ""
            raise ValueError(f"{name} must hold one label for each sample, shape ({len(X)},), not {y.shape}{hint}")
        if y.dtype.kind not in "iu":
            hint = f"{name}.astype(int)" if y.dtype.kind in "bf" else f"numpy.unique({name}, return_inverse=True)[1]"
            raise TypeError(f"{name} must hold integers as labels, not {y.dtype}: use {hint}")
        if int(y.min()) < 0:
            raise ValueError(f"{name} holds the label {int(y.min())}: labels count from 0")
    return y


def fitting_scores(network, X, name: str, y) -> None:
    """Raise ValueError unless the network puts out scores (N, C) for samples X and all labels y (N,)."""
    shape = network.forward(X[:1], mode="test", cache=False).shape
    if len(shape) != 2:
        raise ValueError(
            f"For classification the network must put out scores (N, C), not (N, {', '.join(map(str, shape[1:]))}): "
            "end it with Flatten() or GlobalAveragePool(), and Affine(C)"
        )
    needed = int(y.max()) + 1
    if needed > shape[1]:
        raise ValueError(
            f"{name} holds labels up to {needed - 1}, but the network puts out {shape[1]} scores, for the labels 0 to "
            f"{shape[1] - 1}. If the labels are right, let the last layer be Affine({needed})"
        )
