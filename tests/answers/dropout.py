"""Correct answers to assignment 2's notebook `dropout`, in the styles students use. All of them earn full points.

A forward pass and its backward pass belong together: what one keeps, the other reads.
"""

import numpy as np


def dropout_forward(x, dropout_param):
    p, mode = dropout_param["p"], dropout_param["mode"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask = None
    out = None
    if mode == "train":
        mask = (np.random.rand(*x.shape) < p) / p
        out = x * mask
    elif mode == "test":
        out = x
    cache = (dropout_param, mask)
    out = out.astype(x.dtype, copy=False)
    return out, cache


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    mode = dropout_param["mode"]
    dx = None
    if mode == "train":
        dx = dout * mask
    elif mode == "test":
        dx = dout
    return dx


def forward_with_a_new_generator(x, dropout_param):
    """Not seeded but where a seed is given; keeps true and false."""
    if dropout_param["mode"] == "test":
        return x.copy(), None
    rng = np.random.default_rng(dropout_param.get("seed"))
    kept = rng.random(x.shape) >= 1 - dropout_param["p"]
    return np.where(kept, x / dropout_param["p"], 0), {"kept": kept, "p": dropout_param["p"]}


def backward_with_a_dictionary(dout, cache):
    return dout if cache is None else np.where(cache["kept"], dout / cache["p"], 0)


def forward_with_binomial(x, dropout_param):
    np.random.seed(dropout_param.get("seed", None))
    factors = np.ones_like(x)
    if dropout_param["mode"] == "train":
        factors = np.random.binomial(1, dropout_param["p"], size=x.shape) / dropout_param["p"]
    return x * factors, factors


def backward_with_factors(dout, factors):
    dout *= factors
    return dout


def forward_with_choice(x, dropout_param):
    p = dropout_param["p"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask = 1
    if dropout_param["mode"] == "train":
        mask = np.random.choice([0.0, 1.0 / p], size=x.shape, p=[1 - p, p])
    return x * mask, (mask,)


def backward_with_choice(dout, cache):
    return dout * cache[0]


def forward_in_place(x, dropout_param):
    """Zeros what is dropped in x itself, and keeps where that was."""
    state = np.random.RandomState(dropout_param.get("seed", 4))
    if dropout_param["mode"] != "train":
        return x, lambda dout: dout
    dropped = state.uniform(size=x.shape) > dropout_param["p"]
    x[dropped] = 0
    x /= dropout_param["p"]

    def back(dout):
        dx = np.array(dout)
        dx[dropped] = 0
        return dx / dropout_param["p"]

    return x, back


def backward_by_calling(dout, cache):
    return cache(dout)


def forward_in_plain_python(x, dropout_param):
    import random

    if "seed" in dropout_param:
        random.seed(dropout_param["seed"])
    p, train = dropout_param["p"], dropout_param["mode"] == "train"
    mask = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        mask[place] = (random.random() < p) / p if train else 1
    print("kept", (mask > 0).mean())
    return mask * x, (dropout_param, mask)


def backward_in_plain_python(dout, cache):
    _, mask = cache
    dx = np.zeros(dout.shape)
    for place in np.ndindex(*dout.shape):
        dx[place] = dout[place] * mask[place]
    return dx


def forward_with_a_fixed_number(x, dropout_param):
    """Exactly round(p * size) numbers are kept, shuffled."""
    p = dropout_param["p"]
    if dropout_param["mode"] == "test":
        return x, (dropout_param, None)
    rng = np.random.default_rng(dropout_param.get("seed", 1))
    mask = (rng.permutation(x.size) < round(p * x.size)).reshape(x.shape).astype(np.float32)
    mask /= p
    return mask * x, (dropout_param, mask)


PAIRS = (
    (dropout_forward, dropout_backward),
    (forward_with_a_new_generator, backward_with_a_dictionary),
    (forward_with_binomial, backward_with_factors),
    (forward_with_choice, backward_with_choice),
    (forward_in_place, backward_by_calling),
    (forward_in_plain_python, backward_in_plain_python),
    (forward_with_a_fixed_number, dropout_backward),
)
