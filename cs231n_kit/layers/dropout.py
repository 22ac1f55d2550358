"""Inverted dropout (lecture 07; Srivastava et al. 2014). Here p is the probability of KEEPING a unit."""

from numbers import Real

from cs231n_kit.arrays import as_floats
from cs231n_kit.kernels.dropout import dropout, key_of
from cs231n_kit.layers.parameters import check_names


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
            Either gives the same masks on a GPU, and for float32 as for float64.

    Returns out, of x's shape and type (integers are taken as float64), and the cache (dropout_param, mask) for
    ``dropout_backward``; mask is 1/p for the units kept and 0 for the others, or None in test mode.

    Raises ValueError where "mode" or "p" is missing or has another value, or another entry is there, TypeError where
    x holds no real numbers or dropout_param is no dictionary.
    """
    x = as_floats("x", x)
    mode, p = _parameters(dropout_param)
    if mode == "test":
        return x.copy(), (dropout_param, None)
    out, mask = dropout(x, p, key_of(dropout_param.get("seed")))
    return out, (dropout_param, mask)


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
    check_names("dropout_param", dropout_param, ("mode", "p", "seed"))
    mode, p = dropout_param.get("mode"), dropout_param.get("p")
    if mode not in ("train", "test"):
        raise ValueError(f'dropout_param["mode"] must be "train" or "test", not {mode!r}')
    if not isinstance(p, Real) or not 0 < p <= 1:
        raise ValueError(f'dropout_param["p"], the probability of keeping a unit, must be 0 < p <= 1, not {p!r}')
    return mode, p
