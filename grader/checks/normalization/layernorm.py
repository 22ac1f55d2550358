"""layernorm_forward and layernorm_backward."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, narrow
from .batchnorm_forward import features, scales
from .gradients import properties, scale_mistakes


def _plain(rng):
    return [Case((features(rng, n, d), np.ones(d), np.zeros(d), {}), take=OUT) for n, d in ((4, 7), (6, 5))]


def _scaled(rng):
    return [Case((features(rng, n, d), *scales(rng, d), {}), take=OUT) for n, d in ((3, 7), (6, 4))]


def _edges(rng):
    x, gamma, beta = features(rng, 4, 5), *scales(rng, 5)
    given = [(x, gamma, beta, {"eps": rng.uniform(0.5, 1)}), (features(rng, 1, 6), *scales(rng, 6), {})]
    return [Case(arguments, take=OUT) for arguments in (*given, narrow((x, gamma, beta, {})))]


_MU = "mu = x.mean(axis=1, keepdims=True)"
_SIGMA = "sigma = np.sqrt(x.var(axis=1, keepdims=True) + eps)"
_NORMED = "normed = (x - mu) / sigma"
_OUT = "out = normed * gamma + beta"

LAYERNORM_FORWARD = Check(
    "layernorm_forward",
    (
        Property("Every example gets mean 0 and variance 1", 2, _plain, **SINGLE_PRECISION),
        Property("gamma scales, beta shifts", 1, _scaled, **SINGLE_PRECISION),
        Property("eps, a batch of one, float32", 1, _edges, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "statistics of features",
            "Mean and variance are those of each feature, as in batch normalisation. Here every example has its own.",
            (
                (_MU, "mu = x.mean(axis=0, keepdims=True)"),
                (_SIGMA, "sigma = np.sqrt(x.var(axis=0, keepdims=True) + eps)"),
            ),
        ),
        Mistake(
            "one variance for all",
            "Every example has its own mean, but the standard deviation is one number for all of them.",
            ((_SIGMA, "sigma = np.sqrt(x.var() + eps)"),),
        ),
        Mistake(
            "unbiased variance",
            "The variance is divided by D - 1. It is the biased one, divided by D.",
            ((_SIGMA, "sigma = np.sqrt(x.var(axis=1, keepdims=True, ddof=1) + eps)"),),
        ),
        Mistake(
            "variance not rooted",
            "The numbers are divided by the variance. It takes its square root, the standard deviation.",
            ((_SIGMA, "sigma = x.var(axis=1, keepdims=True) + eps"),),
        ),
        Mistake(
            "eps outside of the root",
            "eps is added to the standard deviation. It belongs under the root, to the variance.",
            ((_SIGMA, "sigma = x.std(axis=1, keepdims=True) + eps"),),
        ),
        Mistake("not centred", "The mean is not subtracted.", ((_NORMED, "normed = x / sigma"),)),
        Mistake("no gamma", "gamma is not used: it scales every feature.", ((_OUT, "out = normed + beta"),)),
        Mistake("no beta", "beta is not used: it is added at the end.", ((_OUT, "out = normed * gamma"),)),
    ),
)

_GAMMA = "dgamma = np.sum(dout * normed, axis=0)"
_BETA = "dbeta = dout.sum(axis=0)"
_DNORMED = "dnormed = gamma * dout"
_CENTRE = "centre = dnormed.mean(axis=1, keepdims=True)"
_ALONG = "along = np.mean(dnormed * normed, axis=1, keepdims=True)"
_DX = "dx = (dnormed - centre - normed * along) / sigma"

LAYERNORM_BACKWARD = Check(
    "layernorm_backward",
    properties("layernorm_forward", 1, (1.5, 0.5, 0.5, 0.5, 1)),
    (
        Mistake(
            "formula of batch normalisation",
            "The means in dx are taken over the batch, as in batch normalisation. Forward, mean and variance were "
            "those of an example, so here they are taken over the features.",
            (
                (_CENTRE, "centre = dnormed.mean(axis=0)"),
                (_ALONG, "along = np.mean(dnormed * normed, axis=0)"),
            ),
        ),
        Mistake(
            "gamma applied after the means",
            "gamma is multiplied at the end, as it can be in batch normalisation. Here the means mix features, and "
            "each has its own gamma: multiply first.",
            (
                (_DNORMED, "dnormed = dout + 0"),
                (_DX, f"{_DX} * gamma"),
            ),
        ),
        Mistake(
            "gamma forgotten in dx",
            "gamma is missing in dx: on its way back the gradient passes the multiplication by gamma first.",
            ((_DNORMED, "dnormed = dout + 0"),),
        ),
        Mistake(
            "statistics taken for constants",
            "The mean and the variance are treated as constants: two terms are missing.",
            ((_DX, "dx = dnormed / sigma"),),
        ),
        Mistake(
            "no term of the variance",
            "The way through the variance is missing.",
            ((_DX, "dx = (dnormed - centre) / sigma"),),
        ),
        Mistake(
            "no term of the mean",
            "The way through the mean is missing.",
            ((_DX, "dx = (dnormed - normed * along) / sigma"),),
        ),
        Mistake(
            "not divided by the standard deviation",
            "dx is not divided by the standard deviation, as x was on the way forward.",
            ((_DX, "dx = dnormed - centre - normed * along"),),
        ),
        *scale_mistakes(_GAMMA, _BETA, "len(normed)"),
    ),
)
