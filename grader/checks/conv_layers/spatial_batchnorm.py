"""spatial_batchnorm_forward and spatial_batchnorm_backward."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, backward, joined, narrow, own_backward

FORWARD = "spatial_batchnorm_forward"
EPS = 1e-5
DX, DGAMMA, DBETA = (0,), (1,), (2,)
ALL = (0, 1, 2)
_RUNNING = ((3, "running_mean"), (3, "running_var"))
_TRAIN = {"mode": "train"}


def images(rng, n, c, h, w):
    """x (n, c, h, w), whose channels, images and rows have means and spreads of their own."""
    x = rng.normal(size=(n, c, h, w)) * rng.uniform(0.5, 3, size=(c, 1, 1)) + rng.uniform(-4, 4, size=(c, 1, 1))
    return x + rng.normal(size=(n, 1, 1, 1)) + rng.normal(size=(h, 1))


def scales(rng, shape):
    """gamma and beta of this shape, none of them near 0 or 1."""
    return rng.uniform(1.3, 2.5, size=shape) * rng.choice([-1, 1], size=shape), rng.uniform(-3, 3, size=shape)


def _running(rng, c):
    return {"running_mean": rng.uniform(-2, 2, size=c), "running_var": rng.uniform(1.5, 4, size=c)}


def _cases(rng, mode, take, *shapes, running=False, scaled=False):
    cases = []
    for shape in shapes:
        param = {"mode": mode, **(_running(rng, shape[1]) if running else {})}
        gamma, beta = scales(rng, shape[1]) if scaled else (np.ones(shape[1]), np.zeros(shape[1]))
        cases.append(Case((images(rng, *shape), gamma, beta, param), take=take))
    return cases


def _training(rng):
    return _cases(rng, "train", OUT, (4, 3, 3, 5), (2, 5, 4, 2))


def _scaled(rng):
    return _cases(rng, "train", OUT, (3, 4, 2, 3), scaled=True)


def _averages(rng):
    return _cases(rng, "train", _RUNNING, (3, 4, 2, 5), (2, 3, 4, 3), running=True)


def _testing(rng):
    return _cases(rng, "test", OUT, (3, 4, 2, 5), (1, 3, 4, 3), running=True)


def _edges(rng):
    param = {"mode": "train", "eps": rng.uniform(0.5, 1), "momentum": rng.uniform(0.3, 0.6)}
    arguments = (images(rng, 3, 2, 4, 3), np.ones(2), np.zeros(2))
    return [
        Case((*arguments, param), take=(0, *_RUNNING)),
        *_cases(rng, "train", OUT, (1, 3, 3, 4)),
        Case(narrow((*arguments, _TRAIN)), take=OUT),
    ]


_STATISTICS = "average, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))"
_TEST = "average, variance = running_mean, running_var"
_STD = "std = np.sqrt(variance + eps)"
_OUT = "out = gamma[:, np.newaxis, np.newaxis] * x_hat + beta[:, np.newaxis, np.newaxis]"
_HAT = "x_hat = (x - average[:, np.newaxis, np.newaxis]) / std[:, np.newaxis, np.newaxis]"
_MEAN_SHARE = "running_mean = momentum * running_mean + (1 - momentum) * average"
_VAR_SHARE = "running_var = momentum * running_var + (1 - momentum) * variance"
_ROWS = "rows = x.reshape(-1, x.shape[1])"

SPATIAL_BATCHNORM_FORWARD = Check(
    FORWARD,
    (
        Property("Training: every channel gets mean 0 and variance 1", 1, _training, **SINGLE_PRECISION),
        Property("gamma scales, beta shifts", 0.5, _scaled, **SINGLE_PRECISION),
        Property("Running averages of each channel", 0.5, _averages, **SINGLE_PRECISION),
        Property("Testing, with the running averages", 0.5, _testing, **SINGLE_PRECISION),
        Property("eps, momentum, one image, float32", 0.5, _edges, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "reshaped without transposing",
            "Channels are mixed up: reshaping to (N·H·W, C) leaves the order of the numbers as it is, and in it the "
            "channels are not the last axis. Bring the axis of the channels to the end first.",
            (
                (_STATISTICS, f"{_ROWS}\n        average, variance = rows.mean(axis=0), rows.var(axis=0)"),
                (_HAT, "x_hat = ((x.reshape(-1, x.shape[1]) - average) / std).reshape(x.shape)"),
                (_OUT, "out = (gamma * x_hat.reshape(-1, x.shape[1]) + beta).reshape(x.shape)"),
            ),
        ),
        Mistake(
            "statistics of each place",
            "Every place has a mean and a variance of its own, taken over the batch. All places of a channel share "
            "one.",
            (
                (
                    _STATISTICS,
                    "average, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))\n"
                    "        every, each = x.mean(axis=0), np.sqrt(x.var(axis=0) + eps)",
                ),
                (_HAT, f'x_hat = (x - every) / each if mode == "train" else {_HAT.split(" = ")[1]}'),
            ),
        ),
        Mistake(
            "statistics of each image",
            "Every image has a mean and a variance of its own. A channel's are taken over the whole batch.",
            (
                (
                    _STATISTICS,
                    f"{_STATISTICS}\n"
                    "        every = x.mean(axis=(2, 3), keepdims=True)\n"
                    "        each = np.sqrt(x.var(axis=(2, 3), keepdims=True) + eps)",
                ),
                (_HAT, f'x_hat = (x - every) / each if mode == "train" else {_HAT.split(" = ")[1]}'),
            ),
        ),
        Mistake(
            "one statistic for all channels",
            "All channels share one mean and one variance. Each has its own.",
            (
                (
                    _STATISTICS,
                    "average, variance = np.full(x.shape[1], x.mean()), np.full(x.shape[1], x.var())",
                ),
            ),
        ),
        Mistake(
            "unbiased variance",
            "The variance is divided by one less than the number of values. It is the biased one.",
            ((_STATISTICS, _STATISTICS.replace("x.var(axis=(0, 2, 3))", "x.var(axis=(0, 2, 3), ddof=1)")),),
        ),
        Mistake(
            "test mode with batch statistics",
            "Test mode normalises by the batch too, so the result for an image depends on the others beside it. It "
            "takes the running averages.",
            ((_TEST, "average, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3)) + 0"),),
        ),
        Mistake(
            "momentum swapped",
            "The new batch gets the weight momentum, and the old average the rest: it is the other way round, so that "
            "the average moves slowly.",
            (
                (_MEAN_SHARE, "running_mean = (1 - momentum) * running_mean + momentum * average"),
                (_VAR_SHARE, "running_var = (1 - momentum) * running_var + momentum * variance"),
            ),
        ),
        Mistake(
            "nothing stored",
            "The running averages are not written back into bn_param: at the next call they start again. If you call "
            "batchnorm_forward, hand bn_param itself on.",
            (('bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var', ""),),
        ),
        Mistake(
            "variance not rooted",
            "The numbers are divided by the variance. It takes its square root, the standard deviation.",
            ((_STD, "std = variance + eps"),),
        ),
        Mistake(
            "eps fixed",
            "eps is always the same small number. bn_param may hold another one.",
            ((_STD, "std = np.sqrt(variance + 1e-5)"),),
        ),
        Mistake(
            "no gamma",
            "gamma is not used: it scales each channel.",
            ((_OUT, _OUT.replace("gamma[:, np.newaxis, np.newaxis] * ", "")),),
        ),
        Mistake("no beta", "beta is not used: it is added to each channel.", ((_OUT, _OUT.split(" + beta")[0]),)),
    ),
)


def _problems(rng, *shapes, single_precision=False):
    drawn = []
    for shape in shapes:
        x, (gamma, beta), dout = images(rng, *shape), scales(rng, shape[1]), rng.normal(size=shape)
        arguments = (x, gamma, beta, _TRAIN)
        if single_precision:
            arguments, (dout,) = narrow(arguments), narrow((dout,))
            x, gamma = arguments[:2]
        std = np.sqrt(x.var(axis=(0, 2, 3)) + EPS)
        x_hat = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / std[:, np.newaxis, np.newaxis]
        drawn.append((arguments, dout, (x_hat, gamma, std)))
    return backward(FORWARD, drawn, ALL)


def _usual(rng):
    return _problems(rng, (3, 4, 2, 3), (2, 3, 4, 2))


def _small(rng):
    return joined(_problems(rng, (1, 3, 3, 2)), _problems(rng, (3, 2, 2, 4), single_precision=True))


def _own(rng):
    arguments = (images(rng, 3, 2, 3, 2), *scales(rng, 2), _TRAIN)
    return own_backward(rng, FORWARD, arguments, rng.normal(size=(3, 2, 3, 2)), (0, 1, 2, 0, 1, 2), ALL, step=0.02)


def backward_properties(forward, points, usual, edges, own):
    """Of the backward pass of a normalisation: dx, dgamma and dbeta, edges, the gradients of the own forward pass."""
    return (
        Property("dx", points[0], usual, "either", outputs=DX, **SINGLE_PRECISION),
        Property("dgamma and dbeta", points[1], usual, "either", outputs=(1, 2), **SINGLE_PRECISION),
        Property("One image, float32", points[2], edges, "either", rtol=2e-3, atol=2e-4),
        Property(
            f"The gradients of your own {forward}, from your own cache",
            points[3],
            own,
            "own_backward",
            rtol=1e-2,
            atol=2e-3,
        ),
    )


_DBETA = "dbeta = dout.sum(axis=(0, 2, 3))"
_DGAMMA = "dgamma = np.sum(dout * x_hat, axis=(0, 2, 3))"
_FIRST = "mean_dout = dout.mean(axis=(0, 2, 3), keepdims=True)"
_SECOND = "mean_product = np.mean(dout * x_hat, axis=(0, 2, 3), keepdims=True)"
_DX = "dx = (gamma / std)[:, np.newaxis, np.newaxis] * (dout - mean_dout - x_hat * mean_product)"

SPATIAL_BATCHNORM_BACKWARD = Check(
    "spatial_batchnorm_backward",
    backward_properties(FORWARD, (1, 0.5, 0.25, 0.25), _usual, _small, _own),
    (
        Mistake(
            "means over the batch only",
            "The means in dx are taken over the batch, for each place. Forward, mean and variance were those of a "
            "whole channel.",
            (
                (_FIRST, "mean_dout = dout.mean(axis=0)"),
                (_SECOND, "mean_product = np.mean(dout * x_hat, axis=0)"),
            ),
        ),
        Mistake(
            "means over each image",
            "The means in dx are taken over each image. Forward, mean and variance were those of a channel, over the "
            "batch as well.",
            (
                (_FIRST, "mean_dout = dout.mean(axis=(2, 3), keepdims=True)"),
                (_SECOND, "mean_product = np.mean(dout * x_hat, axis=(2, 3), keepdims=True)"),
            ),
        ),
        Mistake(
            "statistics taken for constants",
            "The mean and the variance are treated as constants: two terms are missing.",
            ((_DX, "dx = (gamma / std)[:, np.newaxis, np.newaxis] * dout"),),
        ),
        Mistake(
            "no term of the variance",
            "The way through the variance is missing.",
            ((_DX, _DX.replace(" - x_hat * mean_product", "")),),
        ),
        Mistake(
            "no term of the mean",
            "The way through the mean is missing.",
            ((_DX, _DX.replace(" - mean_dout", "")),),
        ),
        Mistake(
            "gamma forgotten in dx",
            "gamma is missing in dx: on its way back the gradient passes the multiplication by gamma first.",
            ((_DX, _DX.replace("gamma / std", "1 / std")),),
        ),
        Mistake(
            "not divided by the standard deviation",
            "dx is not divided by the standard deviation, as x was on the way forward.",
            ((_DX, _DX.replace("gamma / std", "gamma")),),
        ),
        Mistake(
            "divided by N for N H W",
            "The sums in dx are divided by the number of images. They run over all places as well: divide by N·H·W.",
            (
                (_FIRST, "mean_dout = dout.sum(axis=(0, 2, 3), keepdims=True) / len(dout)"),
                (_SECOND, "mean_product = np.sum(dout * x_hat, axis=(0, 2, 3), keepdims=True) / len(dout)"),
            ),
        ),
        Mistake(
            "dgamma and dbeta for each place",
            "dgamma and dbeta have numbers for each place. gamma has a number for each channel, used at all places.",
            ((_DBETA, "dbeta = dout.sum(axis=0)"), (_DGAMMA, "dgamma = np.sum(dout * x_hat, axis=0)")),
        ),
        Mistake(
            "dgamma without x_hat",
            "dgamma is that of beta. gamma is multiplied with the normalised numbers, so these are in its gradient.",
            ((_DGAMMA, "dgamma = np.sum(dout, axis=(0, 2, 3))"),),
        ),
        Mistake(
            "dgamma and dbeta averaged",
            "dgamma and dbeta are averaged. The loss has done that already, in dout: add.",
            ((_DBETA, _DBETA.replace("sum", "mean")), (_DGAMMA, _DGAMMA.replace("sum", "mean"))),
        ),
    ),
)
