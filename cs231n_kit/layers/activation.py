"""Activation functions, element by element, and maxout (lecture 06).

Arrays may have any shape. float32 and float64 are kept and integers are taken as float64. All functions raise
TypeError where x holds no real numbers and ValueError where dout has another shape than out.
"""

import math

from cs231n_kit.arrays import array_module, as_floats
from cs231n_kit.kernels.activation import relu, relu_gradient


def relu_forward(x):
    """out = max(0, x) (Nair and Hinton 2010). Returns out, of x's shape, and the cache x for ``relu_backward``."""
    x = as_floats("x", x)
    return relu(x), x


def relu_backward(dout, cache):
    """Gradient dx of ``relu_forward``: dout where x > 0, else 0, also at the kink x = 0."""
    return relu_gradient(_dout(dout, cache.shape), cache)


def leaky_relu_forward(x, alpha=0.01):
    """out = x where x > 0, else alpha x (Maas et al. 2013).

    alpha: the slope below zero, finite and not negative.

    Returns out, of x's shape, and the cache (x, alpha) for ``leaky_relu_backward``.
    """
    xp = array_module(x)
    x, alpha = as_floats("x", x), _slope(alpha)
    return xp.where(x > 0, x, alpha * x), (x, alpha)


def leaky_relu_backward(dout, cache):
    """Gradient dx of ``leaky_relu_forward``: dout where x > 0, else alpha dout, also at the kink x = 0."""
    x, alpha = cache
    xp = array_module(dout, x)
    dout = _dout(dout, x.shape)
    return xp.where(x > 0, dout, alpha * dout)


def elu_forward(x, alpha=1.0):
    """out = x where x > 0, else alpha (eˣ - 1) (Clevert et al. 2016), exact to the last digits also near zero.

    alpha: minus the value for x → -∞, finite and not negative.

    Returns out, of x's shape, and the cache (x, alpha) for ``elu_backward``.
    """
    xp = array_module(x)
    x, alpha = as_floats("x", x), _slope(alpha)
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0))), (x, alpha)


def elu_backward(dout, cache):
    """Gradient dx of ``elu_forward``: dout where x > 0, else dout alpha eˣ, which at x = 0 is alpha dout."""
    x, alpha = cache
    xp = array_module(dout, x)
    dout = _dout(dout, x.shape)
    return dout * xp.where(x > 0, 1, alpha * xp.exp(xp.minimum(x, 0)))


def sigmoid_forward(x):
    """out = 1 / (1 + e⁻ˣ) = eˣ / (eˣ + 1), each where its power cannot overflow (lecture 04).

    Returns out, of x's shape, and the cache out for ``sigmoid_backward``.
    """
    xp = array_module(x)
    x = as_floats("x", x)
    z = xp.exp(-xp.abs(x))
    out = xp.where(x >= 0, 1, z) / (1 + z)
    return out, out


def sigmoid_backward(dout, cache):
    """Gradient dx = dout out (1 - out) of ``sigmoid_forward``."""
    return _dout(dout, cache.shape) * cache * (1 - cache)


def tanh_forward(x):
    """out = tanh x. Returns out, of x's shape, and the cache out for ``tanh_backward``."""
    xp = array_module(x)
    out = xp.tanh(as_floats("x", x))
    return out, out


def tanh_backward(dout, cache):
    """Gradient dx = dout (1 - out²) of ``tanh_forward``."""
    return _dout(dout, cache.shape) * (1 - cache * cache)


def maxout_forward(x):
    """out[n, m] = the largest of x[n, m, :]: the largest of the K pieces of each of M units (Goodfellow et al. 2013).

    x: (N, M, K), or any shape whose last axis holds the pieces: an affine layer's output (N, M·K) reshaped.

    Returns out (N, M) and the cache (switches, K) for ``maxout_backward``, with switches (N, M) saying which piece
    was largest, the first of equal ones. Raises ValueError where there are no pieces.
    """
    xp = array_module(x)
    x = as_floats("x", x)
    if x.ndim < 2 or x.shape[-1] == 0:
        raise ValueError(f"x must have the shape (N, M, K) with pieces along the last axis, not {x.shape}")
    switches = x.argmax(axis=-1)
    return xp.take_along_axis(x, switches[..., None], axis=-1)[..., 0], (switches, x.shape[-1])


def maxout_backward(dout, cache):
    """Gradient dx (N, M, K) of ``maxout_forward``: dout goes to the piece that was largest, the others get 0."""
    switches, pieces = cache
    xp = array_module(dout, switches)
    dout = _dout(dout, switches.shape)
    return xp.where(xp.arange(pieces) == switches[..., None], dout[..., None], 0)


def _dout(dout, shape):
    dout = as_floats("dout", dout)
    if dout.shape != shape:
        raise ValueError(f"dout must have the shape {shape}, that of out, not {dout.shape}")
    return dout


def _slope(alpha):
    if not 0 <= alpha < math.inf:
        raise ValueError(f"alpha must be a finite number and not negative, not {alpha!r}")
    return float(alpha)  # a NumPy float64 would turn float32 into float64
