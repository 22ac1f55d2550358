"""Inverted dropout (lecture 07; Srivastava et al. 2014). Here p is the probability of KEEPING a unit."""

from collections.abc import Mapping
from numbers import Real

from cs231n_kit.arrays import array_module, as_floats


def dropout_forward(x, dropout_param):
    """Keep each unit with probability p and divide it by p, so that its expectation stays x.

    **p is the probability of KEEPING a unit**, as in the course's notes. PyTorch's and the paper's "dropout rate" is
    the opposite, 1 - p.

    x: an array of any shape.
    dropout_param: a dictionary of
        "mode": "train", which drops units, or "test", which passes x on: no scaling is left to do.
        "p": 0 < p <= 1, the probability of keeping a unit.
        "seed" (optional): an integer gives the same mask at every call, for gradient checks and tests; a
            ``numpy.random.Generator`` gives a new mask at every call and the same series of masks at every run.

    Returns out, of x's shape and type (integers are taken as float64), and the cache (dropout_param, mask) for
    ``dropout_backward``; mask is 1/p for the units kept and 0 for the others, or None in test mode.

    Raises ValueError where "mode" or "p" is missing or has another value, or another entry is there, TypeError where
    x holds no real numbers or dropout_param is no dictionary.
    """
    xp = array_module(x)
    x = as_floats("x", x)
    mode, p = _parameters(dropout_param)
    if mode == "test":
        return x.copy(), (dropout_param, None)
    generator = xp.random.default_rng(dropout_param.get("seed"))
    # float32 draws for every type of x: quick, and a seed's mask does not depend on the type.
    mask = (generator.random(x.shape, dtype=xp.float32) < p).astype(x.dtype)
    mask /= p
    return x * mask, (dropout_param, mask)


def dropout_backward(dout, cache):
    """Gradient dx = dout · mask of ``dropout_forward``, with the mask of the forward pass; dx = dout in test mode.

    dout: the loss's gradient with respect to out. Raises ValueError where it has another shape than the mask.
    """
    _, mask = cache
    dout = as_floats("dout", dout)
    if mask is None:
        return dout.copy()
    if dout.shape != mask.shape:
        raise ValueError(f"dout must have the shape {mask.shape}, that of out, not {dout.shape}")
    return dout * mask


def _parameters(dropout_param):
    if not isinstance(dropout_param, Mapping):
        raise TypeError(f"dropout_param must be a dictionary (of mode, p, seed), not {dropout_param!r}")
    unknown = [name for name in dropout_param if name not in ("mode", "p", "seed")]
    if unknown:
        raise ValueError(f"dropout_param has the unknown entry {unknown[0]!r}; it may have mode, p, seed")
    mode, p = dropout_param.get("mode"), dropout_param.get("p")
    if mode not in ("train", "test"):
        raise ValueError(f'dropout_param["mode"] must be "train" or "test", not {mode!r}')
    if not isinstance(p, Real) or not 0 < p <= 1:
        raise ValueError(f'dropout_param["p"], the probability of keeping a unit, must be 0 < p <= 1, not {p!r}')
    return mode, p
