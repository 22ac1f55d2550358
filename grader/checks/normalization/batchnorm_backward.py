"""batchnorm_backward and batchnorm_backward_alt."""

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .batchnorm_forward import features, scales
from .gradients import ALL, properties, scale_mistakes

_FORWARD, _TRAIN = "batchnorm_forward", {"mode": "train"}

_GAMMA = "dgamma = np.sum(dout * x_hat, axis=0)"
_BETA = "dbeta = np.sum(dout, axis=0)"
_HAT = "dx_hat = dout * gamma"
_CENTRED = "dcentred = dx_hat / std"
_STD = "dstd = -np.sum(dx_hat * x_hat, axis=0) / std"
_SPREAD = "dcentred = dcentred + dstd * x_hat / len(x_hat)"
_DX = "dx = dcentred - np.mean(dcentred, axis=0)"

BATCHNORM_BACKWARD = Check(
    "batchnorm_backward",
    properties(_FORWARD, 0, (2.5, 1, 0.5, 0.5, 1.5), _TRAIN),
    (
        Mistake(
            "statistics taken for constants",
            "The mean and the variance are treated as constants. They are made of x as well, so each number of x has "
            "an influence on all others of its feature: two terms are missing.",
            ((_SPREAD, "dcentred = dcentred + 0"), (_DX, "dx = dcentred + 0")),
        ),
        Mistake(
            "no term of the variance",
            "The way through the variance is missing: x moves it, and it moves all numbers of the feature.",
            ((_SPREAD, "dcentred = dcentred + 0"),),
        ),
        Mistake(
            "no term of the mean",
            "The way through the mean is missing: x moves it, and it moves all numbers of the feature.",
            ((_DX, "dx = dcentred + 0"),),
        ),
        Mistake(
            "sign of the variance's term",
            "The term of the variance has the wrong sign: a larger spread makes the normalised numbers smaller.",
            ((_STD, "dstd = np.sum(dx_hat * x_hat, axis=0) / std"),),
        ),
        Mistake(
            "sign of the mean's term",
            "The term of the mean has the wrong sign: the mean is subtracted.",
            ((_DX, "dx = dcentred + np.mean(dcentred, axis=0)"),),
        ),
        Mistake(
            "variance's term not averaged",
            "The term of the variance is N times as large: the variance is a mean of squares, so each number has a "
            "share of 1 / N in it.",
            ((_SPREAD, "dcentred = dcentred + dstd * x_hat"),),
        ),
        Mistake(
            "variance's term doubled",
            "The term of the variance is twice as large. The square gives a factor 2, but the root gives ½.",
            ((_SPREAD, "dcentred = dcentred + 2 * dstd * x_hat / len(x_hat)"),),
        ),
        Mistake(
            "variance's term halved",
            "The term of the variance is half as large. The root gives a factor ½, but the square gives 2.",
            ((_SPREAD, "dcentred = dcentred + dstd * x_hat / (2 * len(x_hat))"),),
        ),
        Mistake(
            "mean's term summed",
            "The term of the mean is N times as large: the mean takes a share of 1 / N from each number.",
            ((_DX, "dx = dcentred - np.sum(dcentred, axis=0)"),),
        ),
        Mistake(
            "divided by N - 1",
            "The terms of mean and variance are divided by N - 1. Forward, both are divided by N.",
            (
                (_SPREAD, "dcentred = dcentred + dstd * x_hat / max(1, len(x_hat) - 1)"),
                (_DX, "dx = dcentred - np.sum(dcentred, axis=0) / max(1, len(x_hat) - 1)"),
            ),
        ),
        Mistake(
            "gamma forgotten in dx",
            "gamma is missing in dx: on its way back the gradient passes the multiplication by gamma first.",
            ((_HAT, "dx_hat = dout + 0"),),
        ),
        Mistake(
            "not divided by the standard deviation",
            "dx is not divided by the standard deviation, as x was on the way forward.",
            ((_CENTRED, "dcentred = dx_hat + 0"), (_STD, "dstd = -np.sum(dx_hat * x_hat, axis=0)")),
        ),
        Mistake(
            "divided by the variance",
            "dx is divided by the variance. On the way forward x was divided by the standard deviation.",
            ((_CENTRED, "dcentred = dx_hat / std**2"), (_STD, "dstd = -np.sum(dx_hat * x_hat, axis=0) / std**2")),
        ),
        *scale_mistakes(_GAMMA, _BETA, "len(x_hat)"),
    ),
)


def _agreeing(rng):
    """A forward pass, and both backward passes from what it kept."""
    arguments, dout = (features(rng, 6, 4), *scales(rng, 4), dict(_TRAIN)), rng.normal(size=(6, 4))
    return [
        Case(arguments, function=_FORWARD, take=()),
        Case((dout, Kept(0, 1)), function="batchnorm_backward", take=ALL),
        Case((dout, Kept(0, 1)), take=ALL),
    ]


_ALT = "    dx = gamma / std * (dout - dout.mean(axis=0) - x_hat * np.mean(dout * x_hat, axis=0))"
_USUAL = properties(_FORWARD, 0, (1.5, 0, 0, 0.5, 0), _TRAIN)


def _alt(replacement):
    return ((_ALT, f"    dx = {replacement}"),)


BATCHNORM_BACKWARD_ALT = Check(
    "batchnorm_backward_alt",
    (
        _USUAL[0],
        _USUAL[3],
        Property("The same as your batchnorm_backward", 1, _agreeing, "same", **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "statistics taken for constants",
            "The two terms of the mean and the variance are missing.",
            _alt("gamma / std * dout"),
        ),
        Mistake(
            "no term of the variance",
            "The term of the variance is missing, the one with x_hat.",
            _alt("gamma / std * (dout - dout.mean(axis=0))"),
        ),
        Mistake(
            "no term of the mean",
            "The term of the mean is missing: the mean of dout is to be subtracted.",
            _alt("gamma / std * (dout - x_hat * np.mean(dout * x_hat, axis=0))"),
        ),
        Mistake(
            "sums instead of means",
            "Both terms are N times as large: they are means over the batch.",
            _alt("gamma / std * (dout - dout.sum(axis=0) - x_hat * np.sum(dout * x_hat, axis=0))"),
        ),
        Mistake(
            "gamma forgotten",
            "gamma is missing: it was multiplied with x_hat on the way forward.",
            _alt("(dout - dout.mean(axis=0) - x_hat * np.mean(dout * x_hat, axis=0)) / std"),
        ),
        Mistake(
            "sign of the variance's term",
            "The term of the variance, with x_hat, has the wrong sign.",
            _alt("gamma / std * (dout - dout.mean(axis=0) + x_hat * np.mean(dout * x_hat, axis=0))"),
        ),
        Mistake(
            "not divided by the standard deviation",
            "Nothing is divided by the standard deviation, as x was on the way forward.",
            _alt("gamma * (dout - dout.mean(axis=0) - x_hat * np.mean(dout * x_hat, axis=0))"),
        ),
        Mistake(
            "gradient of x_hat squared",
            "In the term of the variance x_hat has to appear twice: once inside the mean, with dout, and once outside.",
            _alt("gamma / std * (dout - dout.mean(axis=0) - np.mean(dout * x_hat, axis=0))"),
        ),
    ),
)
