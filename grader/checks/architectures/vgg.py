"""The class VGG: its initial parameters, its scores, its loss and its gradients."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Network
from cs231n_kit.layers import affine_forward, conv_forward, max_pool_forward, relu_forward
from grader.check import SINGLE_PRECISION, Check, Property

from .blocks import MARGIN, away
from .counting import POOL, stages, widths
from .vgg_mistakes import MISTAKES

LOSS = (0,)
_METHOD = "VGG.loss"
_STEP = {"W": 1e-4, "b": 3e-4}  # small enough for no kink to be passed
_WINDOW = {"pool_height": 2, "pool_width": 2, "stride": 2}


def _draw(rng, config, hidden_dims, shape, classes):
    """Parameters for images of this shape (C, H, W)."""
    channels, height, width = shape
    weights = []
    for entry in config:
        if entry == POOL:
            height, width = height // 2, width // 2
        else:
            weights.append(rng.normal(size=(entry, channels, 3, 3)) / np.sqrt(4.5 * channels))
            channels = entry
    inputs = channels * height * width
    for units in (*hidden_dims, classes):
        weights.append(rng.normal(size=(inputs, units)) / np.sqrt(inputs / 2))
        inputs = units
    params = {}
    for i, W in enumerate(weights, start=1):
        params |= {f"W{i}": W, f"b{i}": 0.5 * rng.normal(size=len(W) if W.ndim == 4 else W.shape[1])}
    return params


def _runs(config, params, X):
    """(scores, what goes into the ReLUs, whether each pooled window's largest two positive numbers are apart)."""
    out, inputs, clear, layers = X, [], True, len(params) // 2
    parameters = iter([(params[f"W{i}"], params[f"b{i}"]) for i in range(1, layers + 1)])
    for entry in config:
        if entry == POOL:
            clear = clear and _apart(out)
            out, _ = max_pool_forward(out, _WINDOW)
            continue
        maps, _ = conv_forward(out, *next(parameters), {"stride": 1, "pad": 1})
        inputs.append(maps)
        out, _ = relu_forward(maps)
    for W, b in parameters:
        out, _ = affine_forward(out, W, b)
        inputs.append(out)
        out, _ = relu_forward(out)
    return inputs[-1], inputs[:-1], clear


def _apart(maps):
    n, c, height, width = maps.shape
    even = maps[:, :, : height // 2 * 2, : width // 2 * 2]
    windows = even.reshape(n, c, height // 2, 2, width // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(-1, 4)
    second, first = np.sort(windows, axis=1)[:, 2:].T
    return ((first == 0) | (first - second > MARGIN)).all()


def _problem(rng, config, hidden_dims, shape, classes, n=2):
    """(settings, params, X, y): no kink is near, and scores of both signs occur."""
    while True:
        params, X = _draw(rng, config, hidden_dims, shape, classes), rng.normal(size=(n, *shape))
        scores, inputs, clear = _runs(config, params, X)
        if away(*inputs) and clear and scores.min() < -0.1 and scores.max() > 0.1:
            settings = {
                "config": config,
                "hidden_dims": hidden_dims,
                "input_shape": list(shape),
                "num_classes": classes,
            }
            return settings, params, X, rng.integers(0, classes, size=n)


def _usual(rng):
    """Two stages and a hidden layer; one stage of two convolutions and no hidden layer."""
    first, second = widths(rng, 2, 2, 5), widths(rng, 1, 2, 5)
    return [
        _problem(rng, [first[0], POOL, first[1], POOL], widths(rng, 1, 4, 7), (2, 8, 4), int(rng.integers(3, 6))),
        _problem(rng, [*second, *widths(rng, 1, 2, 5), POOL], [], (3, 4, 6), int(rng.integers(3, 6))),
    ]


def _other(rng):
    """Odd sizes, two poolings in a row, no pooling, no convolution."""
    return [
        _problem(rng, [*stages(rng, widths(rng, 1, 2, 4), 1), POOL], widths(rng, 2, 4, 7), (1, 7, 5), 3),
        _problem(rng, widths(rng, 2, 2, 4), [], (2, 3, 4), 4),
        _problem(rng, [], widths(rng, 1, 4, 7), (2, 2, 3), 3),
    ]


def _network(settings, params):
    return Network("VGG", settings, params)


def _calls(problems, take, labels=True):
    return [
        Case((_network(settings, params), X, *([y] if labels else [])), function=_METHOD, take=take(params))
        for settings, params, X, y in problems
    ]


def _scores(draw, rng):
    return _calls(draw(rng), lambda params: None, labels=False)


def _last(params):
    """The parameters of the affine layers."""
    return tuple(name for name in params if params[f"W{name[1:]}"].ndim == 2)


def _convolutions(params):
    return tuple(name for name in params if params[f"W{name[1:]}"].ndim == 4)


def _initial(rng):
    """(Each array is large enough, some 600 numbers, for mean and spread of random numbers to be told.)"""
    config, hidden = [int(rng.integers(22, 25)), 3, POOL], [int(rng.integers(33, 36))]
    names = tuple(f"{kind}{i}" for i in range(1, 5) for kind in "Wb")
    return [Case((config, hidden, (3, 7, 4), int(rng.integers(18, 21))), take=names)]


def _own(rng):
    """The parameters and neighbours in pairs, one array moved at a time; then other labels and images."""
    settings, params, X, y = _problem(rng, [2, POOL, 3], [5], (2, 4, 4), 4)
    cases = _calls([(settings, params, X, y)], lambda params: (0, *params))
    for name in params:
        step = _STEP[name[0]] * rng.normal(size=params[name].shape)
        for moved in (params[name] + step, params[name] - step):
            cases += _calls([(settings, {**params, name: moved}, X, y)], lambda params: LOSS)
    others = [(settings, params, X, (y + 1) % 4), (settings, params, 1.5 * X, y)]
    return [*cases, *_calls(others, lambda params: LOSS)]


VGG = Check(
    "VGG",
    (
        Property("A new network: shapes, biases of zero, weights of size √(2 / fan-in)", 1.5, _initial, "noise"),
        Property("loss(X) gives the scores", 1.5, lambda rng: _scores(_usual, rng), **SINGLE_PRECISION),
        Property("Odd sizes, no poolings, no convolutions", 0.5, lambda rng: _scores(_other, rng), **SINGLE_PRECISION),
        Property("loss(X, y): the loss", 0.5, lambda rng: _calls(_usual(rng), lambda params: LOSS), **SINGLE_PRECISION),
        Property("The gradients of the affine layers", 0.5, lambda rng: _calls(_usual(rng), _last), **SINGLE_PRECISION),
        Property(
            "The gradients of the convolutions", 1.5, lambda rng: _calls(_usual(rng), _convolutions), **SINGLE_PRECISION
        ),
        Property("The gradients are those of your own loss", 1, _own, "own_gradient", rtol=5e-3, atol=1e-6),
    ),
    MISTAKES,
)
