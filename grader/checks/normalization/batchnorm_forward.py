"""batchnorm_forward."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, narrow

_RUNNING = ((3, "running_mean"), (3, "running_var"))


def features(rng, n, d):
    """x (n, d), whose features and examples have means and spreads of their own."""
    return rng.normal(size=(n, d)) * rng.uniform(0.5, 3, size=d) + rng.uniform(-4, 4, size=d) + rng.normal(size=(n, 1))


def scales(rng, d):
    """gamma and beta (d,), none of them near 0 or 1."""
    return rng.uniform(1.3, 2.5, size=d) * rng.choice([-1, 1], size=d), rng.uniform(-3, 3, size=d)


def running(rng, d):
    return {"running_mean": rng.uniform(-2, 2, size=d), "running_var": rng.uniform(1.5, 4, size=d)}


def _training(rng):
    cases = []
    for n, d in ((8, 4), (5, 6)):
        cases.append(Case((features(rng, n, d), np.ones(d), np.zeros(d), {"mode": "train"}), take=OUT))
    return cases


def _scaled(rng):
    return [Case((features(rng, n, d), *scales(rng, d), {"mode": "train"}), take=OUT) for n, d in ((7, 3), (4, 6))]


def _running(rng):
    cases = []
    for n, d in ((6, 4), (4, 5)):
        param = {"mode": "train", **running(rng, d)}
        cases.append(Case((features(rng, n, d), *scales(rng, d), param), take=_RUNNING))
    return cases


def _testing(rng):
    cases = []
    for n, d in ((6, 4), (1, 5)):
        param = {"mode": "test", **running(rng, d)}
        cases.append(Case((features(rng, n, d), *scales(rng, d), param), take=(0, *_RUNNING)))
    return cases


def _settings(rng):
    param = {"mode": "train", "eps": rng.uniform(0.5, 1), "momentum": rng.uniform(0.3, 0.6), **running(rng, 4)}
    first = {"mode": "train", "eps": rng.uniform(0.5, 1)}
    test = {"mode": "test", "eps": rng.uniform(0.5, 1), **running(rng, 4)}
    x, gamma, beta = features(rng, 6, 4), *scales(rng, 4)
    return [
        *(Case((x, gamma, beta, dict(p)), take=(0, *_RUNNING)) for p in (param, first)),
        Case((x, gamma, beta, test), take=OUT),
    ]


def _edges(rng):
    one = (features(rng, 1, 5), *scales(rng, 5), {"mode": "train"})
    single = narrow((features(rng, 6, 3), *scales(rng, 3), {"mode": "train"}))
    return [Case(one, take=OUT), Case(single, take=OUT)]


_STATISTICS = "mean, var = x.mean(axis=0), x.var(axis=0)"
_RUNNING_MEAN = "running_mean = momentum * running_mean + (1 - momentum) * mean"
_RUNNING_VAR = "running_var = momentum * running_var + (1 - momentum) * var"
_TEST = "mean, var = running_mean, running_var"
_STD = "std = np.sqrt(var + eps)"
_HAT = "x_hat = (x - mean) / std"
_OUT = "out = gamma * x_hat + beta"
_STORE = '    bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var\n'

BATCHNORM_FORWARD = Check(
    "batchnorm_forward",
    (
        Property("Training: every feature gets mean 0 and variance 1", 2, _training, **SINGLE_PRECISION),
        Property("Training: gamma scales, beta shifts", 1, _scaled, **SINGLE_PRECISION),
        Property("Training: running mean and variance in bn_param", 1.5, _running, **SINGLE_PRECISION),
        Property("Test: running statistics are used, and stay", 1.5, _testing, **SINGLE_PRECISION),
        Property("eps and momentum of bn_param, the first call of all", 0.5, _settings, **SINGLE_PRECISION),
        Property("Batch of one, float32", 0.5, _edges, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "unbiased variance",
            "The variance is divided by N - 1. Batch normalisation takes the biased one, divided by N.",
            ((_STATISTICS, "mean, var = x.mean(axis=0), x.var(axis=0, ddof=min(1, len(x) - 1))"),),
        ),
        Mistake(
            "running variance unbiased",
            "The running variance takes another variance than the batch was normalised with: divided by N - 1, as "
            "PyTorch does. Here it is the same one, divided by N.",
            ((_RUNNING_VAR, f"{_RUNNING_VAR} * len(x) / max(1, len(x) - 1)"),),
        ),
        Mistake(
            "statistics of examples",
            "Mean and variance are those of each example, as in layer normalisation. Here every feature has its own, "
            "taken over the batch.",
            ((_STATISTICS, "mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)"),),
        ),
        Mistake(
            "statistics of everything",
            "There is one mean and one variance for all features together. Every feature has its own.",
            ((_STATISTICS, "mean, var = np.full(x.shape[1], x.mean()), np.full(x.shape[1], x.var())"),),
        ),
        Mistake(
            "one variance for all features",
            "Every feature has its own mean, but the variance is one number for all of them: an axis is missing.",
            ((_STATISTICS, "mean, var = x.mean(axis=0), np.full(x.shape[1], x.var())"),),
        ),
        Mistake(
            "variance not rooted",
            "The numbers are divided by the variance. It takes its square root, the standard deviation, to get "
            "variance 1.",
            ((_STD, "std = var + eps"),),
        ),
        Mistake(
            "eps outside of the root",
            "eps is added to the standard deviation. It belongs under the root, to the variance.",
            ((_STD, "std = np.sqrt(var) + eps"),),
        ),
        Mistake(
            "eps fixed",
            "eps is always the same small number (or none). bn_param may hold another one.",
            ((_STD, "std = np.sqrt(var + 1e-5)"),),
        ),
        Mistake(
            "not centred",
            "The mean is not subtracted.",
            ((_HAT, "x_hat = x / std"),),
        ),
        Mistake(
            "no gamma",
            "gamma is not used: the normalised numbers are multiplied by it.",
            ((_OUT, "out = x_hat + beta"),),
        ),
        Mistake("no beta", "beta is not used: it is added at the end.", ((_OUT, "out = gamma * x_hat"),)),
        Mistake(
            "gamma and beta exchanged",
            "gamma and beta are exchanged: gamma scales, beta shifts.",
            ((_OUT, "out = beta * x_hat + gamma"),),
        ),
        Mistake(
            "shifted before scaling",
            "beta is added first and then scaled by gamma as well. It is added at the end.",
            ((_OUT, "out = gamma * (x_hat + beta)"),),
        ),
        Mistake(
            "test mode with batch statistics",
            "Test mode normalises by the batch too, so the result for an image depends on the others beside it. It "
            "takes the running statistics.",
            ((_TEST, "mean, var = x.mean(axis=0), x.var(axis=0) + 0"),),
        ),
        Mistake(
            "momentum swapped",
            "The new batch gets the weight momentum, and the old average 1 - momentum: it is the other way round, so "
            "that the average moves slowly.",
            (
                (_RUNNING_MEAN, "running_mean = (1 - momentum) * running_mean + momentum * mean"),
                (_RUNNING_VAR, "running_var = (1 - momentum) * running_var + momentum * var"),
            ),
        ),
        Mistake(
            "momentum fixed",
            "The momentum is always 0.9. bn_param may hold another one.",
            (
                (_RUNNING_MEAN, "running_mean = 0.9 * running_mean + 0.1 * mean"),
                (_RUNNING_VAR, "running_var = 0.9 * running_var + 0.1 * var"),
            ),
        ),
        Mistake(
            "nothing stored",
            "The running statistics are not written back into bn_param: at the next call they start again.",
            ((_STORE, ""),),
        ),
        Mistake(
            "last batch only",
            "The running statistics are those of the last batch. Average: keep a share momentum of what was there.",
            ((_RUNNING_MEAN, "running_mean = mean"), (_RUNNING_VAR, "running_var = var")),
        ),
        Mistake(
            "running standard deviation",
            "What is averaged in running_var is the standard deviation. It is the variance, without the root.",
            ((_RUNNING_VAR, "running_var = momentum * running_var + (1 - momentum) * np.sqrt(var + eps)"),),
        ),
        Mistake(
            "running variance forgotten",
            "running_mean is updated, and running_var is not.",
            ((_RUNNING_VAR, "running_var = running_var"),),
        ),
        Mistake(
            "normalised by the running statistics",
            "Training normalises by the running statistics as well. In training it is the batch's own mean and "
            "variance.",
            ((_STD, "mean, var = running_mean, running_var\n    std = np.sqrt(var + eps)"),),
        ),
        Mistake(
            "test mode without gamma and beta",
            "In test mode gamma and beta are forgotten: the last step is the same in both modes.",
            ((_OUT, 'out = gamma * x_hat + beta if mode == "train" else x_hat'),),
        ),
        Mistake(
            "test mode moves the averages",
            "Test mode changes the running statistics. Only training does.",
            (
                (
                    _TEST,
                    "mean, var = running_mean, running_var\n        running_mean = 0.9 * mean + 0.1 * x.mean(axis=0)\n"
                    "        running_var = 0.9 * var + 0.1 * x.var(axis=0)",
                ),
            ),
        ),
    ),
)
