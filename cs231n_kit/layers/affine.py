"""Affine (fully connected) layers, over examples and over time, and word embeddings."""

import math

from cs231n_kit.arrays import array_module, as_floats


def affine_forward(x, w, b):
    """out = x w + b, each example flattened to a row (lecture 04).

    x: (N, d1, ..., dk), a batch of at least one example; D = d1 · ... · dk.
    w: (D, M), weights.
    b: (M,), biases.

    Returns out (N, M) and the cache (x, w, b) for ``affine_backward``. float32 and float64 are kept, integers are
    taken as float64, and where types differ NumPy's promotion decides.

    Raises TypeError where an argument holds no real numbers, ValueError where shapes do not fit.
    """
    array_module(x, w, b)
    x, w, b = as_floats("x", x), as_floats("w", w), as_floats("b", b)
    if x.ndim < 2:
        raise ValueError(f"x must have the shape (N, d1, ..., dk), not {x.shape}; a single example is x[None]")
    _check_not_empty(x)
    _check_parameters(w, b, math.prod(x.shape[1:]), f"flattened examples of x {x.shape}")
    return _rows(x) @ w + b, (x, w, b)


def affine_backward(dout, cache, input_gradient=True):
    """Gradients of ``affine_forward``: dx = dout wᵀ, dw = xᵀ dout, db = the sum of dout over the batch.

    dout: (N, M), the loss's gradient with respect to out.
    input_gradient: False leaves out dx, which a network's first layer has no use for.

    Returns dx (N, d1, ..., dk) or None, dw (D, M), db (M,). Raises ValueError where dout has another shape than out.
    """
    x, w, _ = cache
    dout = as_floats("dout", dout)
    _check_shape("dout", dout, (len(x), w.shape[1]), "that of out")
    dx = (dout @ w.T).reshape(x.shape) if input_gradient else None
    return dx, _rows(x).T @ dout, dout.sum(axis=0)


def temporal_affine_forward(x, w, b):
    """out[n, t] = x[n, t] w + b: one affine layer for all steps of all sequences (lecture 10).

    x: (N, T, D), sequences of vectors.
    w: (D, M), weights.
    b: (M,), biases.

    Returns out (N, T, M) and the cache (x, w, b) for ``temporal_affine_backward``. Types and errors are those of
    ``affine_forward``.
    """
    array_module(x, w, b)
    x, w, b = as_floats("x", x), as_floats("w", w), as_floats("b", b)
    if x.ndim != 3:
        raise ValueError(f"x must have the shape (N, T, D), not {x.shape}; a single sequence is x[None]")
    _check_not_empty(x)
    _check_parameters(w, b, x.shape[2], f"vectors of x {x.shape}")
    out = x.reshape(-1, x.shape[2]) @ w + b  # one large matrix product instead of N small ones
    return out.reshape(*x.shape[:2], -1), (x, w, b)


def temporal_affine_backward(dout, cache):
    """Gradients of ``temporal_affine_forward``; those of w and b are summed over sequences and steps.

    dout: (N, T, M), the loss's gradient with respect to out.

    Returns dx (N, T, D), dw (D, M), db (M,). Raises ValueError where dout has another shape than out.
    """
    x, w, b = cache
    dout = as_floats("dout", dout)
    _check_shape("dout", dout, (*x.shape[:2], w.shape[1]), "that of out")
    dx, dw, db = affine_backward(dout.reshape(-1, w.shape[1]), (x.reshape(-1, x.shape[2]), w, b))
    return dx.reshape(x.shape), dw, db


def word_embedding_forward(x, W):
    """out[n, t] = W[x[n, t]]: a vector for each word (lecture 10).

    x: integers of shape (N, T), or any other, each 0 <= word < V.
    W: (V, D), the vector of each of the V words.

    Returns out (N, T, D), of W's type, and the cache (x, W) for ``word_embedding_backward``.

    Raises TypeError where x holds no integers, ValueError where W is no matrix or x is empty, IndexError for a word
    outside W.
    """
    xp = array_module(x, W)
    x, W = xp.asarray(x), as_floats("W", W)
    if x.dtype.kind not in "iu":
        raise TypeError(f"x must hold integers, the numbers of words, not {x.dtype}")
    if W.ndim != 2 or 0 in W.shape:
        raise ValueError(f"W must have the shape (V, D), nothing 0, not {W.shape}")
    _check_not_empty(x)
    smallest, largest = int(x.min()), int(x.max())
    if smallest < 0 or largest >= len(W):  # NumPy would take -1 for the last word
        wrong = smallest if smallest < 0 else largest
        raise IndexError(f"x must hold words from 0 to {len(W) - 1}, the rows of W {W.shape}, but holds {wrong}")
    return W[x], (x, W)


def word_embedding_backward(dout, cache):
    """Gradient of ``word_embedding_forward`` with respect to W; a word's gradients add up where it repeats.

    dout: (N, T, D), the loss's gradient with respect to out.

    Returns dW (V, D), of dout's type, the same to the last bit at each call. Words have no gradient.
    Raises ValueError where dout has another shape than out.
    """
    x, W = cache
    xp = array_module(dout, x)
    dout = as_floats("dout", dout)
    _check_shape("dout", dout, (*x.shape, W.shape[1]), "that of out")
    dW = xp.zeros(W.shape, dout.dtype)
    words = x.ravel()
    # Equal words stand together once sorted, in a fixed order, so that each run sums to one row.
    order = xp.argsort(words, kind="stable")
    present, starts = xp.unique(words[order], return_index=True)
    dW[present] = xp.add.reduceat(dout.reshape(len(words), -1)[order], starts, axis=0)
    return dW


def _rows(x):
    return x.reshape(len(x), -1)


def _check_not_empty(x):
    if 0 in x.shape:
        raise ValueError(f"x must not be empty, but has the shape {x.shape}")


def _check_parameters(w, b, inputs, of_what):
    if w.ndim != 2 or len(w) != inputs:
        raise ValueError(f"w must have the shape (D, M) with D = {inputs} for the {of_what}, not {w.shape}")
    _check_shape("b", b, w.shape[1:], f"a bias for each column of w {w.shape}")


def _check_shape(name, array, expected, why):
    if array.shape != expected:
        raise ValueError(f"{name} must have the shape {expected}, {why}, not {array.shape}")
