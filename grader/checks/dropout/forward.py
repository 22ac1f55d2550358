"""dropout_forward."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

OUT = (0,)
_SHARE, _FACTORS, _SPREAD = (0,), (1,), (2,)  # of what the relation "dropped" compares


def numbers(rng, *shape):
    """Numbers of both signs, none of them 0, for which dropping shows; only four, so that answer keys stay small."""
    return rng.choice([-2.0, -1.0, 1.0, 2.0], size=shape)


def _large(rng):
    """Enough of them that chance moves the share kept by 0.01 or so, and no p that is its own complement."""
    return [
        Case((numbers(rng, 50, 44), {"mode": "train", "p": p}), take=OUT)
        for p in (rng.uniform(0.2, 0.35), rng.uniform(0.65, 0.8))
    ]


def _test_mode(rng):
    shapes = ((6, 5), (3, 2, 4, 2))
    return [Case((rng.normal(size=shape), {"mode": "test", "p": rng.uniform(0.2, 0.8)}), take=OUT) for shape in shapes]


def _seeds(rng):
    x, p = numbers(rng, 12, 11), rng.uniform(0.4, 0.6)
    seed, other = (int(s) for s in rng.choice(10_000, size=2, replace=False))
    return [Case((x, {"mode": "train", "p": p, "seed": s}), take=OUT) for s in (seed, seed, other)]


def _all_kept(rng):
    """With p = 1 nothing is dropped, so there is one right answer for x of any shape and type."""
    arrays = [rng.normal(size=(4, 3, 2, 2)), rng.normal(size=7), rng.normal(size=(1, 5)).astype(np.float32)]
    return [Case((x, {"mode": "train", "p": 1.0}), take=OUT) for x in arrays]


_MASK = "mask = (np.random.rand(*x.shape) < p) / p"
_TEST = "        out, mask = x, None"

DROPOUT_FORWARD = Check(
    "dropout_forward",
    (
        Property("Training: keeps a share p of the numbers", 1.5, _large, "dropped", rtol=0, atol=0.05, outputs=_SHARE),
        Property(
            "Training: what is kept grows so that the mean stays",
            1.5,
            _large,
            "dropped",
            rtol=1e-4,
            atol=0,
            outputs=_FACTORS,
        ),
        Property(
            "Training: every number is dropped by itself", 1, _large, "dropped", rtol=0, atol=0.55, outputs=_SPREAD
        ),
        Property("Test: x comes through as it is", 1, _test_mode, **SINGLE_PRECISION),
        Property("A seed decides which numbers are dropped", 0.5, _seeds, "seeded"),
        Property("p = 1, x of any shape, float32", 0.5, _all_kept, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "keeping and dropping swapped",
            "A share 1 - p is kept, and grows by 1 / (1 - p): here p is the probability of keeping a number, not of "
            "dropping it.",
            ((_MASK, "mask = (np.random.rand(*x.shape) >= p) / (1 - p)"),),
        ),
        Mistake(
            "kept with 1 - p, divided by p",
            "The right factor, but a share 1 - p is kept: p is the probability of keeping a number. Which side of the "
            "comparison is that?",
            ((_MASK, "mask = (np.random.rand(*x.shape) > p) / p"),),
        ),
        Mistake(
            "divided by 1 - p",
            "The right share is kept, but it is divided by the share lost. What is the mean of a number that is x / c "
            "with probability p and else 0, and for which c is it x?",
            ((_MASK, "mask = (np.random.rand(*x.shape) < p) / (1 - p)"),),
        ),
        Mistake(
            "not scaled",
            "What is kept stays as it was, so the sum of many such numbers is smaller in training than in testing. "
            "Inverted dropout makes up for that here, in training.",
            ((_MASK, "mask = (np.random.rand(*x.shape) < p) * 1.0"),),
        ),
        Mistake(
            "multiplied by p",
            "What is kept shrinks to a share p of its size. It has to grow: the others are missing.",
            ((_MASK, "mask = (np.random.rand(*x.shape) < p) * p"),),
        ),
        Mistake(
            "scaled in test mode",
            "In test mode x is multiplied by p. That is the other kind of dropout, which leaves training alone. Here "
            "the scaling is done in training already.",
            ((_TEST, "        out, mask = x * p, None"),),
        ),
        Mistake(
            "not inverted",
            "Training does not scale, and testing multiplies by p: a kind of dropout too, but its test is slower, and "
            "its network works only if one remembers p. Scale in training instead.",
            ((_MASK, "mask = (np.random.rand(*x.shape) < p) * 1.0"), (_TEST, "        out, mask = x * p, None")),
        ),
        Mistake(
            "drops in test mode",
            "In test mode numbers are dropped as in training, so the same image gets other scores every time.",
            ((_TEST, "        mask = (np.random.rand(*x.shape) < p) / p\n        out = x * mask"),),
        ),
        Mistake(
            "whole columns",
            "A number of the mask is used for all examples: the same units are missing in all of them. Draw one for "
            "every number in x.",
            ((_MASK, "mask = (np.random.rand(x.shape[-1]) < p) / p"),),
        ),
        Mistake(
            "whole examples",
            "A number of the mask is used for all units of an example, which is there or not at all. Draw one for "
            "every number in x.",
            ((_MASK, "mask = ((np.random.rand(len(x)) < p) / p).reshape(-1, *[1] * (x.ndim - 1))"),),
        ),
        Mistake(
            "normal random numbers",
            "The random numbers are drawn from a normal distribution (randn), so the share below p is another one. "
            "Which distribution has a share p below p?",
            ((_MASK, "mask = (np.random.randn(*x.shape) < p) / p"),),
        ),
        Mistake(
            "nothing dropped",
            "Nothing is dropped in training: x comes through, or is only scaled.",
            ((_MASK, "mask = np.ones(x.shape)"),),
        ),
        Mistake(
            "random factors",
            "The numbers are multiplied with random numbers between 0 and 1. Each is kept or dropped: compare the "
            "random numbers with p.",
            ((_MASK, "mask = np.random.rand(*x.shape) / p"),),
        ),
    ),
)
