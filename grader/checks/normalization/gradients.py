"""Cases and mistakes that the backward passes of normalisation share."""

import numpy as np

from grader.check import SINGLE_PRECISION, Mistake, Property

from ..layer_cases import backward, joined, narrow, own_backward
from .batchnorm_forward import features, scales

DX, DGAMMA, DBETA = (0,), (1,), (2,)
ALL = (0, 1, 2)
EPS = 1e-5


def problems(rng, forward, axis, *shapes, single_precision=False, settings=None):
    """Triples of calls for x (n, d) of these shapes; axis: that of mean and variance."""
    drawn = []
    for n, d in shapes:
        arguments, dout = (features(rng, n, d), *scales(rng, d), settings or {}), rng.normal(size=(n, d))
        if single_precision:
            arguments, (dout,) = narrow(arguments), narrow((dout,))
        x, gamma = arguments[:2]
        std = np.sqrt(x.var(axis=axis, keepdims=axis == 1) + EPS)
        cache = ((x - x.mean(axis=axis, keepdims=True)) / std, gamma, std)
        drawn.append((arguments, dout, cache))
    return backward(forward, drawn, ALL)


def properties(forward, axis, points, settings=None):
    """Of a backward pass: dx, dgamma, dbeta, edges, and the gradients of the own forward pass.

    points: of each of these five.
    """

    def usual(rng):
        return problems(rng, forward, axis, (7, 4), (4, 6), settings=settings)

    def edges(rng):
        small = (2, 3) if axis == 0 else (3, 2)
        return joined(
            problems(rng, forward, axis, small, settings=settings),
            problems(rng, forward, axis, (6, 5), single_precision=True, settings=settings),
        )

    def own(rng):
        arguments = (features(rng, 6, 4), *scales(rng, 4), settings or {})
        return own_backward(rng, forward, arguments, rng.normal(size=(6, 4)), (0, 1, 2, 0), ALL, step=0.02)

    single = "Batch of two" if axis == 0 else "Two features"
    return (
        Property("dx", points[0], usual, "either", outputs=DX, **SINGLE_PRECISION),
        Property("dgamma", points[1], usual, "either", outputs=DGAMMA, **SINGLE_PRECISION),
        Property("dbeta", points[2], usual, "either", outputs=DBETA, **SINGLE_PRECISION),
        Property(f"{single}, float32", points[3], edges, "either", rtol=2e-3, atol=2e-4),
        Property(
            f"The gradients of your own {forward}, from your own cache",
            points[4],
            own,
            "own_backward",
            rtol=1e-2,
            atol=2e-3,
        ),
    )


def scale_mistakes(dgamma, dbeta, count):
    """Mistakes in dgamma and dbeta, whose right lines are given; count: the code for the number of examples."""
    return (
        Mistake(
            "dgamma without x_hat",
            "dgamma is that of beta. gamma is multiplied with the normalised numbers, so these are in its gradient.",
            ((dgamma, dgamma.replace(" * x_hat", "").replace(" * normed", "")),),
        ),
        Mistake(
            "dgamma averaged",
            "dgamma is averaged. The loss has done that already, in dout: add.",
            ((dgamma, f"{dgamma} / {count}"),),
        ),
        Mistake(
            "dbeta averaged",
            "dbeta is averaged. The loss has done that already, in dout: add.",
            ((dbeta, f"{dbeta} / {count}"),),
        ),
        Mistake(
            "dgamma with gamma",
            "gamma appears in its own gradient. The output is gamma times the normalised numbers: how fast it changes "
            "with gamma does not depend on gamma.",
            ((dgamma, f"{dgamma} * gamma"),),
        ),
        Mistake(
            "sums over the wrong axis",
            "dgamma and dbeta are summed over the features. gamma has a number for each feature, used by all examples: "
            "add over the examples.",
            ((dgamma, dgamma.replace("axis=0", "axis=1")), (dbeta, dbeta.replace("axis=0", "axis=1"))),
        ),
    )
