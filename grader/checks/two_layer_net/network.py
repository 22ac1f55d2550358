"""The class TwoLayerNet: its initial parameters, its scores, its loss and its gradients."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Network
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..network_mistakes import (
    LABELS_FOR_SCORES,
    LABELS_NOT_LOOKED_AT,
    PROBABILITIES_FOR_SCORES,
    SCORES_FOR_THE_LOSS,
    penalty_mistakes,
)

NAMES = ("W1", "b1", "W2", "b2")
LOSS, SECOND, FIRST = (0,), ("W2", "b2"), ("W1", "b1")
_METHOD = "TwoLayerNet.loss"
_STEP = 5e-4


def _hidden(params, X):
    return X.reshape(len(X), -1) @ params["W1"] + params["b1"]


def _problem(rng, shape, units, classes):
    """(params, X, y): every hidden unit is away from the kink, and scores of both signs occur for each example."""
    features = int(np.prod(shape[1:]))
    while True:
        params = {
            "W1": rng.normal(size=(features, units)) / np.sqrt(features),
            "b1": 0.5 * rng.normal(size=units),
            "W2": rng.normal(size=(units, classes)) / np.sqrt(units),
            "b2": 0.5 * rng.normal(size=classes),
        }
        X, y = 1.5 * rng.normal(size=shape), rng.integers(0, classes, size=shape[0])
        hidden = _hidden(params, X)
        scores = np.maximum(0, hidden) @ params["W2"] + params["b2"]
        away = np.abs(hidden).min() > 0.02 and np.abs(scores).min() > 0.02
        active = 0.2 < (hidden > 0).mean() < 0.8 and (hidden > 0).any(axis=0).all()
        if away and active and (scores.min(axis=1) < -0.1).all() and (scores.max(axis=1) > 0.1).all():
            return params, X, y


def _network(params, reg=0.0):
    features, units = params["W1"].shape
    settings = {
        "input_dim": features,
        "hidden_dim": units,
        "num_classes": len(params["b2"]),
        "weight_scale": 0.01,
        "reg": reg,
    }
    return Network("TwoLayerNet", settings, params)


def _calls(problems, take, labels=True, reg=0.0):
    return [
        Case((_network(params, reg), X, y) if labels else (_network(params, reg), X), function=_METHOD, take=take)
        for params, X, y in problems
    ]


def _two(rng):
    return [_problem(rng, (5, 6), 7, 4), _problem(rng, (3, 4), 6, 5)]


def _initial(rng):
    return [Case((30, 20, 25, 0.3, 0.0), take=NAMES), Case((25, 22, 20, 0.01, 0.5), take=NAMES)]


def _scores(rng):
    first, second = _two(rng)
    return [*_calls([first], None, labels=False), *_calls([second], None, labels=False, reg=3.0)]


def _penalties(rng):
    """In pairs, with and without penalty. It is large, so that no small difference is overlooked."""
    cases = []
    for params, X, y in _two(rng):
        for reg in (30.0, 0.0):
            cases += _calls([(params, X, y)], (0, *NAMES), reg=reg)
    return cases


def _own(rng):
    """The parameters and neighbours in pairs, one array moved at a time; then other labels, points and strength."""
    params, X, y = _problem(rng, (6, 5), 6, 4)
    take, reg = (0, *NAMES), 0.7
    cases = _calls([(params, X, y)], take, reg=reg)
    for name in NAMES:
        step = _STEP * rng.normal(size=params[name].shape)
        for moved in (params[name] + step, params[name] - step):
            cases += _calls([({**params, name: moved}, X, y)], take, reg=reg)
    others = _calls([(params, X, (y + 1) % 4), (params, 1.5 * X, y)], take, reg=reg)
    return [*cases, *others, *_calls([(params, X, y)], take)]


def _images(rng):
    problem = _problem(rng, (4, 3, 2, 3), 6, 5)
    return [*_calls([problem], None, labels=False), *_calls([problem], LOSS)]


_HIDDEN = "hidden, first_cache = affine_forward(X, W1, b1)"
_ACTIVATED = "activated, relu_cache = relu_forward(hidden)"
_FORWARD = "scores, second_cache = affine_forward(activated, W2, b2)"
_LOSS = "loss, dscores = softmax_loss(scores, y)"
_PENALTY = "loss += self.reg * (np.sum(W1**2) + np.sum(W2**2))"
_SLOPES = 'grads["W1"] += 2 * self.reg * W1\n        grads["W2"] += 2 * self.reg * W2'
_UNMASKED = "dhidden = relu_backward(dactivated, relu_cache)"
_W1 = 'self.params["W1"] = weight_scale * np.random.randn(input_dim, hidden_dim)'
_W2 = 'self.params["W2"] = weight_scale * np.random.randn(hidden_dim, num_classes)'
_B1 = 'self.params["b1"] = np.zeros(hidden_dim)'
_B2 = 'self.params["b2"] = np.zeros(num_classes)'


def _scaled(old, new):
    return ((_W1, _W1.replace(old, new)), (_W2, _W2.replace(old, new)))


NETWORK = Check(
    "TwoLayerNet",
    (
        Property("A new network: shapes, biases of zero, weights of size weight_scale", 1, _initial, "noise"),
        Property("loss(X) gives the scores", 1.5, _scores, **SINGLE_PRECISION),
        Property("loss(X, y): the loss (reg = 0)", 1, lambda rng: _calls(_two(rng), LOSS), **SINGLE_PRECISION),
        Property("The gradients of W2 and b2 (reg = 0)", 1, lambda rng: _calls(_two(rng), SECOND), **SINGLE_PRECISION),
        Property("The gradients of W1 and b1 (reg = 0)", 1, lambda rng: _calls(_two(rng), FIRST), **SINGLE_PRECISION),
        Property(
            "The penalty: reg (ΣW1² + ΣW2²), and its gradient",
            1,
            _penalties,
            "difference",
            rtol=1e-4,
            atol=1e-3,
        ),
        Property("The gradients are those of your own loss", 1, _own, "own_gradient", rtol=5e-3, atol=2e-5),
        Property("Images: X of shape (N, H, W, C)", 0.5, _images, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "no ReLU",
            "There is no ReLU between the two layers. Without it they are no more than one linear layer.",
            ((_ACTIVATED, "activated, relu_cache = hidden, np.ones_like(hidden)"),),
        ),
        Mistake(
            "ReLU in one direction only",
            "The gradient goes past the ReLU: on the way back it has to be masked where the hidden units were off.",
            ((_UNMASKED, "dhidden = dactivated"),),
        ),
        Mistake(
            "ReLU on the scores",
            "Negative scores are cut off: there is a ReLU after the second layer. Scores may have any sign.",
            (
                (_FORWARD, f"{_FORWARD}\n        scores, last_cache = relu_forward(scores)"),
                (_LOSS, f"{_LOSS}\n        dscores = relu_backward(dscores, last_cache)"),
            ),
        ),
        Mistake(
            "ReLU on the scores, not on the way back",
            "Negative scores are cut off: there is a ReLU after the second layer. Scores may have any sign.",
            ((_FORWARD, f"{_FORWARD}\n        scores = np.maximum(0, scores)"),),
        ),
        Mistake(
            "no first bias",
            "b1 has no effect on the scores.",
            ((_HIDDEN, "hidden, first_cache = affine_forward(X, W1, 0 * b1)"),),
        ),
        Mistake(
            "no second bias",
            "b2 has no effect on the scores.",
            ((_FORWARD, "scores, second_cache = affine_forward(activated, W2, 0 * b2)"),),
        ),
        SCORES_FOR_THE_LOSS,
        LABELS_NOT_LOOKED_AT,
        PROBABILITIES_FOR_SCORES,
        LABELS_FOR_SCORES,
        Mistake(
            "hinge loss",
            "This is the SVM's loss. The network is trained with the softmax loss.",
            ((_LOSS, "loss, dscores = svm_loss(scores, y)"),),
        ),
        *penalty_mistakes(_PENALTY, _SLOPES, "W1 and W2"),
        Mistake(
            "penalty doubled in the gradients",
            "The penalty's gradient is twice as large as it should be. Was it added twice?",
            ((_SLOPES, _SLOPES.replace("2 * self", "4 * self")),),
        ),
        Mistake(
            "penalty divided by N",
            "The penalty is divided by the number of examples. It belongs to the weights, of which there is one set "
            "only: leave it as it is, in the loss and in the gradients.",
            (
                (_PENALTY, f"{_PENALTY} / len(X)"),
                (_SLOPES, _SLOPES.replace("2 * self.reg", "2 / len(X) * self.reg")),
            ),
        ),
        Mistake(
            "penalty of the first layer only",
            "Only W1 is penalised. The penalty is the sum over both layers' weights.",
            (
                (_PENALTY, "loss += self.reg * np.sum(W1**2)"),
                (_SLOPES, 'grads["W1"] += 2 * self.reg * W1'),
            ),
        ),
        Mistake(
            "penalty of the last layer only",
            "Only W2 is penalised. The penalty is the sum over both layers' weights.",
            (
                (_PENALTY, "loss += self.reg * np.sum(W2**2)"),
                (_SLOPES, 'grads["W2"] += 2 * self.reg * W2'),
            ),
        ),
        Mistake(
            "penalty without squares",
            "The penalty adds up the weights themselves, so positive and negative ones cancel. Square them first.",
            ((_PENALTY, "loss += self.reg * (np.sum(W1) + np.sum(W2))"),),
        ),
        Mistake(
            "biases penalised",
            "The biases are penalised too. Only W1 and W2 are: a bias does not make a function wilder.",
            (
                (_PENALTY, "loss += self.reg * sum(np.sum(p**2) for p in self.params.values())"),
                (_SLOPES, "grads = {k: g + 2 * self.reg * self.params[k] for k, g in grads.items()}"),
            ),
        ),
        Mistake(
            "biases penalised in the loss",
            "The penalty in the loss contains the biases, its gradient does not. Only W1 and W2 are penalised.",
            ((_PENALTY, "loss += self.reg * sum(np.sum(p**2) for p in self.params.values())"),),
        ),
        Mistake(
            "biases penalised in the gradients",
            "The gradients of the biases contain a penalty that the loss does not have. Only W1 and W2 are penalised.",
            ((_SLOPES, "grads = {k: g + 2 * self.reg * self.params[k] for k, g in grads.items()}"),),
        ),
        Mistake(
            "gradients averaged again",
            "The gradients are divided by the number of examples once more: softmax_loss has done that already.",
            ((_LOSS, f"{_LOSS}\n        dscores = dscores / len(X)"),),
        ),
        Mistake(
            "old penalty gradient only",
            "The gradients of W1 and W2 are those of the penalty alone: add it to that of the data loss.",
            ((_SLOPES, _SLOPES.replace("+=", "=")),),
        ),
        Mistake(
            "weights not scaled",
            "The weights are of size 1: weight_scale has no effect.",
            _scaled("weight_scale * ", ""),
        ),
        Mistake(
            "weights zero",
            "All weights start at zero. Then all hidden units are alike and stay so: start from random numbers.",
            _scaled("weight_scale * np.random.randn(", "0 * np.random.randn("),
        ),
        Mistake(
            "weights all positive",
            "The weights are positive, drawn evenly from 0 to weight_scale. Draw them from a normal distribution "
            "around 0.",
            _scaled("np.random.randn(", "np.random.rand("),
        ),
        Mistake(
            "weights of variance weight_scale",
            "The size of the weights is the square root of weight_scale. It is itself their standard deviation.",
            _scaled("weight_scale * ", "np.sqrt(weight_scale) * "),
        ),
        Mistake(
            "weights transposed",
            "The weights are transposed: features come first, units second.",
            (
                (_W1, "self.params['W1'] = weight_scale * np.random.randn(hidden_dim, input_dim)"),
                (_W2, "self.params['W2'] = weight_scale * np.random.randn(num_classes, hidden_dim)"),
            ),
        ),
        Mistake(
            "biases random",
            "The biases are random numbers. They start at zero.",
            (
                (_B1, 'self.params["b1"] = weight_scale * np.random.randn(hidden_dim)'),
                (_B2, 'self.params["b2"] = weight_scale * np.random.randn(num_classes)'),
            ),
        ),
        Mistake(
            "biases one",
            "The biases are ones. They start at zero.",
            (
                (_B1, 'self.params["b1"] = np.ones(hidden_dim)'),
                (_B2, 'self.params["b2"] = np.ones(num_classes)'),
            ),
        ),
    ),
)
