"""Losses for one right class out of C: softmax cross-entropy and the multiclass hinge losses."""

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels import cuda
from cs231n_kit.losses import arguments

FEW_CLASSES = 64


@cuda.dispatched("loss_cuda")
def softmax_loss(x, y):
    """Cross-entropy of the softmax probabilities, L = 1/N Σᵢ (log Σⱼ exp xᵢⱼ - xᵢ,yᵢ)   (lecture 03).

    Scores x (N, C) of any size, because each row is first shifted by its maximum; labels y (N,), integers
    between 0 and C - 1. Returns the loss, a float, and dL/dx = (softmax(x) - one-hot(y)) / N, shape (N, C).
    Raises ValueError or TypeError for other shapes, labels or types, and for an empty batch.
    """
    xp = array_module(x, y)
    x, y = _scores_and_labels(x, y)
    losses, gradient = cross_entropies(xp, x, y)
    gradient /= len(x)
    return float(losses.mean(dtype=xp.float64)), gradient


@cuda.dispatched("loss_cuda")
def svm_loss(x, y, delta: float = 1.0):
    """Multiclass hinge loss, L = 1/N Σᵢ Σ_{j≠yᵢ} max(0, xᵢⱼ - xᵢ,yᵢ + δ)   (Weston & Watkins, 1999; lecture 03).

    Scores x (N, C), labels y (N,), margin δ >= 0. Returns the loss and dL/dx (N, C), in which every class inside
    the margin gets 1/N and the right class minus the sum of these. On the margin itself the gradient is 0.
    Raises as ``softmax_loss``.
    """
    xp = array_module(x, y)
    margins, rows, y = _margins(xp, x, y, delta)
    loss = float(margins.sum(dtype=xp.float64)) / len(margins)
    gradient = xp.sign(margins)  # 1 inside the margin, NaN where the scores are
    gradient[rows, y] = -gradient.sum(axis=1)
    gradient /= len(gradient)
    return loss, gradient


@cuda.dispatched("loss_cuda")
def squared_hinge_loss(x, y, delta: float = 1.0):
    """``svm_loss`` with squared margins, L = 1/N Σᵢ Σ_{j≠yᵢ} max(0, xᵢⱼ - xᵢ,yᵢ + δ)²   (L2-SVM; lecture 06).

    Large violations count more, and the gradient is continuous. Arguments, result and errors as ``svm_loss``.
    """
    xp = array_module(x, y)
    margins, rows, y = _margins(xp, x, y, delta)
    loss = float((margins * margins).sum(dtype=xp.float64)) / len(margins)
    gradient = 2 * margins
    gradient[rows, y] = -gradient.sum(axis=1)
    gradient /= len(gradient)
    return loss, gradient


def temporal_softmax_loss(x, y, mask):
    """Cross-entropy over sequences, L = 1/N Σᵢ Σₜ maskᵢₜ (log Σᵥ exp xᵢₜᵥ - xᵢₜ,yᵢₜ)   (assignment 3).

    Scores x (N, T, V) over a vocabulary of V words, labels y (N, T), and mask (N, T): False or 0 where a sequence
    has ended, and the label there may be anything. Summed over time steps, averaged over the N sequences.
    Returns the loss and dL/dx (N, T, V), 0 where masked. Raises as ``softmax_loss``.
    """
    xp = array_module(x, y, mask)
    x = arguments.scores(x, "(N, T, V)", 3)
    y, mask = arguments.integers(y, x.shape[:2]), xp.asarray(mask)
    if mask.shape != x.shape[:2]:
        raise ValueError(f"mask must have one entry for each time step, shape {x.shape[:2]}, not {mask.shape}")
    if mask.dtype.kind != "b":
        if not bool(((mask == 0) | (mask == 1)).all()):
            raise ValueError("mask must hold True and False, or 1 and 0, and nothing else")
        mask = mask.astype(bool)
    arguments.check_range(y[mask], x.shape[2], "x has as many scores at each time step")
    gradient = xp.zeros_like(x, order="C")
    if not bool(mask.any()):
        return 0.0, gradient
    losses, counted = cross_entropies(xp, x[mask], y[mask])
    gradient[mask] = counted / len(x)
    return float(losses.sum(dtype=xp.float64)) / len(x), gradient


def cross_entropies(xp, x, y):
    """The cross-entropy of every row of x (N, C) with the label y (N,), shape (N,), and its gradient (N, C)."""
    # Sums over a handful of neighbours are slow. With few classes, each class gets a row of its own.
    shifted = x.T.copy(order="C" if x.shape[1] <= FEW_CLASSES else "F")  # (C, N)
    shifted -= shifted.max(axis=0)  # the largest is 0 now, so that exp cannot overflow
    samples = xp.arange(len(x))
    right = shifted[y, samples]
    gradient = xp.exp(shifted, out=shifted)
    sums = gradient.sum(axis=0)
    gradient /= sums
    gradient[y, samples] -= 1
    return xp.log(sums) - right, xp.ascontiguousarray(gradient.T)


def _margins(xp, x, y, delta):
    """max(0, xᵢⱼ - xᵢ,yᵢ + δ), 0 for the right class, shape (N, C); the row numbers; the labels."""
    x, y = _scores_and_labels(x, y)
    delta = arguments.number(delta, "delta")
    rows = xp.arange(len(x))
    margins = x - x[rows, y][:, None]
    margins += delta
    xp.maximum(margins, 0, out=margins)
    margins[rows, y] = 0
    return margins, rows, y


def _scores_and_labels(x, y):
    x = arguments.scores(x, "(N, C)", 2)
    return x, arguments.labels(y, x.shape[:1], x.shape[1])
