"""The class ThreeLayerConvNet: its initial parameters, its scores, its loss and its gradients."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Network
from cs231n_kit.layers import conv_forward, max_pool_forward
from grader.check import SINGLE_PRECISION, Check, Property

from .network_mistakes import MISTAKES

NAMES = ("W1", "b1", "W2", "b2", "W3", "b3")
LOSS, LAST, MIDDLE, FIRST = (0,), ("W3", "b3"), ("W2", "b2"), ("W1", "b1")
_METHOD = "ThreeLayerConvNet.loss"
_POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}
_STEP = {"W": 4e-4, "b": 2e-3}  # small enough for no kink to be passed


def _layers(params, X):
    """Maps, what is pooled of them, hidden units and scores; of the first three, before the ReLU."""
    pad = params["W1"].shape[2] // 2
    maps, _ = conv_forward(X, params["W1"], params["b1"], {"stride": 1, "pad": pad})
    pooled, _ = max_pool_forward(maps, _POOL)
    hidden = np.maximum(0, pooled).reshape(len(X), -1) @ params["W2"] + params["b2"]
    return maps, pooled, hidden, np.maximum(0, hidden) @ params["W3"] + params["b3"]


def _problem(rng, shape, filters, filter_size, units, classes):
    """(params, X, y): no kink is near, units are on and off, and scores of both signs occur for each image."""
    features = filters * (shape[2] // 2) * (shape[3] // 2)
    while True:
        params = {
            "W1": rng.normal(size=(filters, shape[1], filter_size, filter_size)) / filter_size,
            "b1": 0.5 * rng.normal(size=filters),
            "W2": rng.normal(size=(features, units)) / np.sqrt(features),
            "b2": 0.5 * rng.normal(size=units),
            "W3": rng.normal(size=(units, classes)),
            "b3": 0.5 * rng.normal(size=classes),
        }
        X, y = rng.normal(size=shape), rng.integers(0, classes, size=shape[0])
        maps, pooled, hidden, scores = _layers(params, X)
        away = _away(maps) and np.abs(pooled).min() > 0.01 and np.abs(hidden).min() > 0.02
        if away and (pooled < 0).sum() > 1 and _telling(hidden, scores):
            return params, X, y


def _away(maps):
    """Whether each window's largest two positive numbers are apart."""
    n, f, h, w = maps.shape
    windows = np.maximum(0, maps).reshape(n, f, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(-1, 4)
    second, first = np.sort(windows, axis=1)[:, 2:].T
    return ((first == 0) | (first - second > 0.01)).all()


def _telling(hidden, scores):
    active = 0.2 < (hidden > 0).mean() < 0.8 and (hidden > 0).any(axis=0).all()
    return active and (scores.min(axis=1) < -0.1).all() and (scores.max(axis=1) > 0.1).all()


def _network(params, X, reg=0.0):
    filters, _, filter_size, _ = params["W1"].shape
    settings = {
        "input_dim": list(X.shape[1:]),
        "num_filters": filters,
        "filter_size": filter_size,
        "hidden_dim": len(params["b2"]),
        "num_classes": len(params["b3"]),
        "weight_scale": 0.01,
        "reg": reg,
    }
    return Network("ThreeLayerConvNet", settings, params)


def _calls(problems, take, labels=True, reg=0.0):
    return [
        Case((_network(params, X, reg), X, *([y] if labels else [])), function=_METHOD, take=take)
        for params, X, y in problems
    ]


def _two(rng):
    return [_problem(rng, (3, 2, 4, 4), 3, 3, 6, 4), _problem(rng, (2, 3, 6, 4), 2, 3, 5, 3)]


def _initial(rng):
    """(Large enough for the spread of random numbers to be told.)"""
    return [Case(((3, 6, 4), 8, 3, 8, 30, 0.3, 0.5), take=NAMES)]


def _scores(rng):
    first, second = _two(rng)
    return [*_calls([first], None, labels=False), *_calls([second], None, labels=False, reg=3.0)]


def _sizes(rng):
    problems = [_problem(rng, (2, 2, 4, 6), 3, 5, 5, 4), _problem(rng, (3, 1, 4, 4), 2, 1, 5, 3)]
    return [*_calls(problems, None, labels=False), *_calls(problems, LOSS)]


def _penalties(rng):
    """With and without penalty. It is large, so that no small difference is overlooked."""
    problem = _problem(rng, (3, 2, 4, 4), 2, 3, 5, 4)
    return [case for reg in (30.0, 0.0) for case in _calls([problem], (0, *NAMES), reg=reg)]


def _own(rng):
    """The parameters and neighbours in pairs, one array moved at a time; then other labels, images and strength."""
    params, X, y = _problem(rng, (3, 2, 4, 4), 2, 3, 5, 4)
    reg = 0.7
    cases = _calls([(params, X, y)], (0, *NAMES), reg=reg)
    for name in NAMES:
        step = _STEP[name[0]] * rng.normal(size=params[name].shape)
        for moved in (params[name] + step, params[name] - step):
            cases += _calls([({**params, name: moved}, X, y)], LOSS, reg=reg)
    others = _calls([(params, X, (y + 1) % 4), (params, 1.5 * X, y)], LOSS, reg=reg)
    return [*cases, *others, *_calls([(params, X, y)], LOSS)]


def _gradients(title, points, names):
    return Property(title, points, lambda rng: _calls(_two(rng), names), **SINGLE_PRECISION)


NETWORK = Check(
    "ThreeLayerConvNet",
    (
        Property("A new network: shapes, biases of zero, weights of size weight_scale", 1, _initial, "noise"),
        Property("loss(X) gives the scores", 1, _scores, **SINGLE_PRECISION),
        Property("Filters of other sizes", 0.5, _sizes, **SINGLE_PRECISION),
        Property("loss(X, y): the loss (reg = 0)", 0.5, lambda rng: _calls(_two(rng), LOSS), **SINGLE_PRECISION),
        _gradients("The gradients of W3 and b3 (reg = 0)", 0.5, LAST),
        _gradients("The gradients of W2 and b2 (reg = 0)", 0.5, MIDDLE),
        _gradients("The gradients of W1 and b1 (reg = 0)", 0.5, FIRST),
        Property(
            "The penalty: reg (ΣW1² + ΣW2² + ΣW3²), and its gradient", 1, _penalties, "difference", rtol=1e-4, atol=1e-3
        ),
        Property("The gradients are those of your own loss", 0.5, _own, "own_gradient", rtol=5e-3, atol=2e-5),
    ),
    MISTAKES,
)
