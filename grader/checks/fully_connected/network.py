"""The class FullyConnectedNet: its initial parameters, its scores, its loss and its gradients."""

from itertools import pairwise

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Network
from grader.check import SINGLE_PRECISION, Check, Property

from .network_mistakes import MISTAKES

LOSS = (0,)
_METHOD = "FullyConnectedNet.loss"
_STEP = 2e-4


def _names(depth):
    return tuple(f"{kind}{i}" for i in range(1, depth + 1) for kind in "Wb")


def _depth(problem):
    return len(problem[0]) // 2


def _all_names(problem):
    return _names(_depth(problem))


def _layers(params, X):
    """What comes out of each affine layer, the scores last."""
    inputs, outputs = X.reshape(len(X), -1), []
    for i in range(1, len(params) // 2 + 1):
        outputs.append(inputs @ params[f"W{i}"] + params[f"b{i}"])
        inputs = np.maximum(0, outputs[-1])
    return outputs


def _problem(rng, shape, hidden_dims, classes):
    """(params, X, y): hidden units are away from the kink, some on and some off, and scores have both signs."""
    sizes = [int(np.prod(shape[1:])), *hidden_dims, classes]
    while True:
        params = {}
        for i, (into, out) in enumerate(pairwise(sizes), start=1):
            params[f"W{i}"] = rng.normal(size=(into, out)) * np.sqrt((1 if i == 1 else 2) / into)
            params[f"b{i}"] = rng.uniform(0.1, 0.5, size=out) * rng.choice([-1, 1], size=out)
        X, y = 1.5 * rng.normal(size=shape), rng.integers(0, classes, size=shape[0])
        *hidden, scores = _layers(params, X)
        away = all(np.abs(out).min() > 0.01 for out in (*hidden, scores))
        active = all(0.2 < (out > 0).mean() < 0.8 and (out > 0).any(axis=1).all() for out in hidden)
        if away and active and (scores.min(axis=1) < -0.1).any() and (scores.max(axis=1) > 0.1).any():
            return params, X, y


def _network(params, reg=0.0):
    sizes = [len(params["W1"]), *(len(params[f"b{i}"]) for i in range(1, len(params) // 2 + 1))]
    settings = {"hidden_dims": sizes[1:-1], "input_dim": sizes[0], "num_classes": sizes[-1], "reg": reg}
    return Network("FullyConnectedNet", settings, params)


def _calls(problems, take, labels=True, reg=0.0):
    """take: what to look at, or a function of the problem that says so."""
    return [
        Case(
            (_network(p[0], reg), *(p[1:] if labels else p[1:2])),
            function=_METHOD,
            take=take(p) if callable(take) else take,
        )
        for p in problems
    ]


def _depths(rng):
    """Networks of two, three and four layers, the last with hidden layers of the same size."""
    return [
        _problem(rng, (5, 6), [7], 4),
        _problem(rng, (4, 5), [7, 6], 4),
        _problem(rng, (3, 4), [6, 6, 6], 5),
    ]


def _initial(rng):
    """(Large enough for the spread of random numbers to be told.)"""
    return [Case(([20, 25], 30, 18, 0.5, 0.3), take=_names(3))]


def _shallow(rng):
    return _calls([_problem(rng, (5, 6), [7], 4)], None, labels=False, reg=3.0)


def _deep(rng):
    return _calls(_depths(rng)[1:], None, labels=False)


def _last(problem):
    return _all_names(problem)[-2:]


def _hidden(problem):
    return _all_names(problem)[:-2]


def _penalties(rng):
    """In pairs, with and without penalty. It is large, so that no small difference is overlooked."""
    cases = []
    for problem in _depths(rng)[:2]:
        for reg in (30.0, 0.0):
            cases += _calls([problem], (0, *_all_names(problem)), reg=reg)
    return cases


def _own(rng):
    """The parameters and neighbours in pairs, one array moved at a time; then other labels, points and strength."""
    params, X, y = problem = _problem(rng, (6, 5), [6, 7], 4)
    reg = 0.7
    cases = _calls([problem], (0, *_all_names(problem)), reg=reg)
    for name in params:
        step = _STEP * rng.normal(size=params[name].shape)
        for moved in (params[name] + step, params[name] - step):
            cases += _calls([({**params, name: moved}, X, y)], LOSS, reg=reg)
    others = _calls([(params, X, (y + 1) % 4), (params, 1.5 * X, y)], LOSS, reg=reg)
    return [*cases, *others, *_calls([problem], LOSS)]


def _extremes(hidden_dims):
    def cases(rng):
        problem = _problem(rng, (3, 5), hidden_dims, 4)
        every = (0, *_all_names(problem))
        return [*_calls([problem], None, labels=False), *_calls([problem], every)]

    return cases


def _images(rng):
    params, X, y = problem = _problem(rng, (4, 3, 2, 3), [6, 5], 5)
    narrow = {name: array.astype(np.float32) for name, array in params.items()}
    single = (narrow, X.astype(np.float32), y.astype(np.uint8))
    return [*_calls([problem, single], None, labels=False), *_calls([problem, single], LOSS)]


NETWORK = Check(
    "FullyConnectedNet",
    (
        Property("A new network: shapes, biases of zero, weights of size weight_scale", 1, _initial, "noise"),
        Property("loss(X) gives the scores: one hidden layer", 0.5, _shallow, **SINGLE_PRECISION),
        Property("loss(X) gives the scores: two and three hidden layers", 1.5, _deep, **SINGLE_PRECISION),
        Property("loss(X, y): the loss (reg = 0)", 1, lambda rng: _calls(_depths(rng), LOSS), **SINGLE_PRECISION),
        Property(
            "The gradients of the last layer (reg = 0)",
            1,
            lambda rng: _calls(_depths(rng), _last),
            **SINGLE_PRECISION,
        ),
        Property(
            "The gradients of the hidden layers (reg = 0)",
            2,
            lambda rng: _calls(_depths(rng), _hidden),
            **SINGLE_PRECISION,
        ),
        Property("The penalty: reg ΣW² of all layers, and its gradient", 1, _penalties, "difference", 1e-4, 1e-3),
        Property("The gradients are those of your own loss", 0.5, _own, "own_gradient", rtol=5e-3, atol=2e-5),
        Property("No hidden layer at all", 0.5, _extremes([]), **SINGLE_PRECISION),
        Property("Five hidden layers", 0.5, _extremes([6, 5, 4, 6, 5]), **SINGLE_PRECISION),
        Property("Images: X of shape (N, H, W, C), float32", 0.5, _images, **SINGLE_PRECISION),
    ),
    MISTAKES,
)
