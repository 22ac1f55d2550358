"""The hinge loss for structured outputs: sequences, segmentations, graphs."""

from collections.abc import Callable, Sequence

import numpy as np

from cs231n_kit.arrays import array_module, to_host
from cs231n_kit.losses import arguments


def structured_svm_loss(x, y: Sequence, indicator: Callable, decode: Callable):
    """L = 1/N Σᵢ max_s [Δ(yᵢ, s) + F(xᵢ, s)] - F(xᵢ, yᵢ), the structured hinge loss with margin rescaling.

    (Tsochantaridis, Joachims, Hofmann & Altun, 2005; lecture 06.) The score of a structure s is the sum of the
    scores of its parts, F(xᵢ, s) = Σ xᵢ · indicator(s). Two functions say what a structure is:

    indicator(s)
        An array of the shape of x[i]: how often each part occurs in s. For a sequence of T labels out of K with
        scores (T, K) it is the one-hot matrix of s.
    decode(x_i, y_i)
        The loss-augmented decoder: returns (s, Δ(y_i, s)) for the structure s with the largest
        Δ(y_i, s) + F(x_i, s). The task loss Δ is at least 0, and 0 for s = y_i; the Hamming distance is usual.

    x (N, ...) are the scores of all parts, y the N right structures, of any type. Returns the loss, a float, and
    dL/dx = (indicator(s) - indicator(y)) / N, of x's shape. With x = weights · features the chain rule gives the
    joint features of the paper. Computed on the CPU, sample by sample.

    Raises ValueError for an empty batch, another number of structures, indicators of another shape, and a decoder
    that returns something worse than y[i] itself, which cannot be the maximum.
    """
    xp = array_module(x)
    x = arguments.scores(to_host(x), "(N, ...)")
    if len(y) != len(x):
        raise ValueError(f"y must have one structure for each of the {len(x)} samples in x, not {len(y)}")
    loss, gradient = 0.0, np.empty(x.shape, x.dtype)
    for i, (x_i, y_i) in enumerate(zip(x, y, strict=True)):
        found, task_loss = decode(x_i.copy(), y_i)
        difference = _parts(indicator, found, x_i) - _parts(indicator, y_i, x_i)
        lost = float(task_loss) + float((x_i * difference).sum(dtype=np.float64))
        if lost < -1e-4 * (1 + np.abs(x_i).max()):
            raise ValueError(
                f"decode(x[{i}], y[{i}]) returned a structure that scores {-lost:.3g} less than y[{i}] itself: it must "
                "return the structure s with the largest Δ(y, s) + F(x, s)"
            )
        loss += max(lost, 0.0)  # in this order NaN stays NaN
        gradient[i] = difference
    gradient /= len(x)
    return loss / len(x), xp.asarray(gradient)


def _parts(indicator, structure, x_i):
    parts = np.asarray(indicator(structure), x_i.dtype)
    if parts.shape != x_i.shape:
        raise ValueError(f"indicator(s) must have the shape of one sample of x, {x_i.shape}, not {parts.shape}")
    return parts
