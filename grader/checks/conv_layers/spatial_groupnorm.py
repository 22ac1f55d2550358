"""spatial_groupnorm_forward and spatial_groupnorm_backward."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, backward, joined, narrow, own_backward
from .spatial_batchnorm import ALL, EPS, backward_properties, images, scales

FORWARD = "spatial_groupnorm_forward"


def _arguments(rng, shape, G, param=None, scaled=True):
    of_channels = (1, shape[1], 1, 1)
    gamma, beta = scales(rng, of_channels) if scaled else (np.ones(of_channels), np.zeros(of_channels))
    return images(rng, *shape), gamma, beta, G, param or {}


def _cases(rng, *problems, scaled=False):
    return [Case(_arguments(rng, shape, G, scaled=scaled), take=OUT) for shape, G in problems]


def _groups(rng):
    return _cases(rng, ((3, 6, 2, 4), 2), ((2, 6, 4, 3), 3))


def _extremes(rng):
    return _cases(rng, ((2, 4, 3, 2), 1), ((3, 3, 2, 4), 3))


def _scaled(rng):
    return _cases(rng, ((2, 6, 2, 3), 2), scaled=True)


def _edges(rng):
    settings = _arguments(rng, (2, 4, 3, 2), 2, {"eps": rng.uniform(0.5, 1)}, scaled=False)
    single = narrow(_arguments(rng, (3, 4, 2, 3), 2, scaled=False))
    return [Case(settings, take=OUT), *_cases(rng, ((1, 4, 2, 3), 2)), Case(single, take=OUT)]


_SPLIT = "groups = x.reshape(N, G, C // G, H, W)"
_MIDDLE = "middle = groups.mean(axis=(2, 3, 4), keepdims=True)"
_DEVIATION = "deviation = np.sqrt(groups.var(axis=(2, 3, 4), keepdims=True) + eps)"
_HAT = "x_hat = ((groups - middle) / deviation).reshape(x.shape)"
_OUT = "out = gamma * x_hat + beta"
_INTERLEAVED = "groups = x.reshape(N, C // G, G, H, W).swapaxes(1, 2)"

SPATIAL_GROUPNORM_FORWARD = Check(
    FORWARD,
    (
        Property("Every group of an image gets mean 0 and variance 1", 1.5, _groups, **SINGLE_PRECISION),
        Property("One group, and a group for each channel", 0.5, _extremes, **SINGLE_PRECISION),
        Property("gamma scales, beta shifts", 0.5, _scaled, **SINGLE_PRECISION),
        Property("eps, one image, float32", 0.5, _edges, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "channels in a group for the number of groups",
            "G is taken for the number of channels in a group. It is the number of groups.",
            ((_SPLIT, "groups = x.reshape(N, C // G, G, H, W)"),),
        ),
        Mistake(
            "every G-th channel",
            "A group takes every G-th channel. Its channels are neighbours.",
            (
                (_SPLIT, _INTERLEAVED),
                (_HAT, "x_hat = ((groups - middle) / deviation).swapaxes(1, 2).reshape(x.shape)"),
            ),
        ),
        Mistake(
            "statistics over the batch",
            "Mean and variance are taken over the batch as well. Each image has its own, so that no other matters.",
            (
                (_MIDDLE, _MIDDLE.replace("(2, 3, 4)", "(0, 2, 3, 4)")),
                (_DEVIATION, _DEVIATION.replace("(2, 3, 4)", "(0, 2, 3, 4)")),
            ),
        ),
        Mistake(
            "statistics of each channel",
            "Every channel has its own mean and variance. All channels of a group share one.",
            (
                (_MIDDLE, _MIDDLE.replace("(2, 3, 4)", "(3, 4)")),
                (_DEVIATION, _DEVIATION.replace("(2, 3, 4)", "(3, 4)")),
            ),
        ),
        Mistake(
            "statistics of each place",
            "Every place has its own mean and variance, over the channels. All places of a group share one.",
            (
                (_MIDDLE, _MIDDLE.replace("(2, 3, 4)", "2")),
                (_DEVIATION, _DEVIATION.replace("(2, 3, 4)", "2")),
            ),
        ),
        Mistake(
            "all channels one group",
            "All channels are normalised together, as in layer normalisation: G has no effect.",
            (
                (_MIDDLE, _MIDDLE.replace("(2, 3, 4)", "(1, 2, 3, 4)")),
                (_DEVIATION, _DEVIATION.replace("(2, 3, 4)", "(1, 2, 3, 4)")),
            ),
        ),
        Mistake(
            "gamma for each group",
            "All channels of a group have the same gamma and beta, those of its first channel. Each channel has its "
            "own.",
            (
                (
                    _OUT,
                    "out = gamma.reshape(G, -1)[:, :1].repeat(C // G).reshape(1, C, 1, 1) * x_hat\n"
                    "    out = out + beta.reshape(G, -1)[:, :1].repeat(C // G).reshape(1, C, 1, 1)",
                ),
            ),
        ),
        Mistake(
            "unbiased variance",
            "The variance is divided by one less than the number of values. It is the biased one.",
            ((_DEVIATION, _DEVIATION.replace("keepdims=True)", "keepdims=True, ddof=1)")),),
        ),
        Mistake(
            "variance not rooted",
            "The numbers are divided by the variance. It takes its square root, the standard deviation.",
            ((_DEVIATION, "deviation = groups.var(axis=(2, 3, 4), keepdims=True) + eps"),),
        ),
        Mistake(
            "eps fixed",
            "eps is always the same small number. gn_param may hold another one.",
            ((_DEVIATION, _DEVIATION.replace("eps", "1e-5")),),
        ),
        Mistake("not centred", "The mean is not subtracted.", ((_HAT, _HAT.replace("(groups - middle)", "groups")),)),
        Mistake("no gamma", "gamma is not used: it scales each channel.", ((_OUT, "out = x_hat + beta"),)),
        Mistake("no beta", "beta is not used: it is added to each channel.", ((_OUT, "out = gamma * x_hat"),)),
    ),
)


def _problems(rng, *problems, single_precision=False):
    drawn = []
    for shape, G in problems:
        arguments, dout = _arguments(rng, shape, G), rng.normal(size=shape)
        if single_precision:
            arguments, (dout,) = narrow(arguments), narrow((dout,))
        x, gamma = arguments[:2]
        groups = x.reshape(shape[0], G, -1, *shape[2:])
        std = np.sqrt(groups.var(axis=(2, 3, 4), keepdims=True) + EPS)
        x_hat = ((groups - groups.mean(axis=(2, 3, 4), keepdims=True)) / std).reshape(shape)
        drawn.append((arguments, dout, (x_hat, gamma, std)))
    return backward(FORWARD, drawn, ALL)


def _usual(rng):
    return _problems(rng, ((3, 6, 2, 3), 2), ((2, 6, 3, 2), 3))


def _small(rng):
    return joined(_problems(rng, ((1, 4, 3, 2), 2)), _problems(rng, ((3, 4, 2, 3), 2), single_precision=True))


def _own(rng):
    arguments, dout = _arguments(rng, (2, 4, 3, 2), 2), rng.normal(size=(2, 4, 3, 2))
    return own_backward(rng, FORWARD, arguments, dout, (0, 1, 2, 0, 1, 2), ALL, step=0.02)


_DBETA = "dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)"
_DGAMMA = "dgamma = np.sum(dout * x_hat, axis=(0, 2, 3), keepdims=True)"
_DNORMED = "dnormed = (dout * gamma).reshape(grouped)"
_CENTRE = "centre = dnormed.mean(axis=(2, 3, 4), keepdims=True)"
_ALONG = "along = np.mean(dnormed * normed, axis=(2, 3, 4), keepdims=True)"
_DX = "dx = ((dnormed - centre - normed * along) / deviation).reshape(dout.shape)"

SPATIAL_GROUPNORM_BACKWARD = Check(
    "spatial_groupnorm_backward",
    backward_properties(FORWARD, (1, 0.5, 0.25, 0.25), _usual, _small, _own),
    (
        Mistake(
            "means over the batch",
            "The means in dx are taken over the batch as well. Forward, each image had its own mean and variance.",
            (
                (_CENTRE, _CENTRE.replace("(2, 3, 4)", "(0, 2, 3, 4)")),
                (_ALONG, _ALONG.replace("(2, 3, 4)", "(0, 2, 3, 4)")),
            ),
        ),
        Mistake(
            "means of each channel",
            "The means in dx are taken for each channel. Forward, all channels of a group shared mean and variance.",
            (
                (_CENTRE, _CENTRE.replace("(2, 3, 4)", "(3, 4)")),
                (_ALONG, _ALONG.replace("(2, 3, 4)", "(3, 4)")),
            ),
        ),
        Mistake(
            "gamma applied after the means",
            "gamma is multiplied at the end, as it can be in batch normalisation. Here the means mix channels, and "
            "each has its own gamma: multiply first.",
            ((_DNORMED, "dnormed = dout.reshape(grouped)"), (_DX, f"{_DX} * gamma")),
        ),
        Mistake(
            "gamma forgotten in dx",
            "gamma is missing in dx: on its way back the gradient passes the multiplication by gamma first.",
            ((_DNORMED, "dnormed = dout.reshape(grouped)"),),
        ),
        Mistake(
            "statistics taken for constants",
            "The mean and the variance are treated as constants: two terms are missing.",
            ((_DX, "dx = (dnormed / deviation).reshape(dout.shape)"),),
        ),
        Mistake(
            "no term of the variance",
            "The way through the variance is missing.",
            ((_DX, _DX.replace(" - normed * along", "")),),
        ),
        Mistake("no term of the mean", "The way through the mean is missing.", ((_DX, _DX.replace(" - centre", "")),)),
        Mistake(
            "not divided by the standard deviation",
            "dx is not divided by the standard deviation, as x was on the way forward.",
            ((_DX, "dx = (dnormed - centre - normed * along).reshape(dout.shape)"),),
        ),
        Mistake(
            "dgamma and dbeta for each image",
            "dgamma and dbeta have numbers for each image. gamma has a number for each channel, used by all images.",
            (
                (_DBETA, _DBETA.replace("(0, 2, 3)", "(2, 3)")),
                (_DGAMMA, _DGAMMA.replace("(0, 2, 3)", "(2, 3)")),
            ),
        ),
        Mistake(
            "dgamma without x_hat",
            "dgamma is that of beta. gamma is multiplied with the normalised numbers, so these are in its gradient.",
            ((_DGAMMA, "dgamma = np.sum(dout, axis=(0, 2, 3), keepdims=True)"),),
        ),
        Mistake(
            "dgamma and dbeta averaged",
            "dgamma and dbeta are averaged. The loss has done that already, in dout: add.",
            ((_DBETA, _DBETA.replace("sum", "mean")), (_DGAMMA, _DGAMMA.replace("sum", "mean"))),
        ),
    ),
)
