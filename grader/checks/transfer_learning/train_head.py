"""train_head: the second way of transfer, which ends where the first one ends."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .networks import HEAD, body, images, network

_SETTINGS = (3, 4, 0.1)  # epochs, images in a batch, learning rate


def _features(rng, params, count=9):
    """Features that are not negative, as behind a ReLU, with many zeros among them; and labels."""
    rows = np.maximum(0, rng.normal(0.3, 1, (count, len(params["head.w"]))))
    return rows, rng.permutation(np.arange(count) % len(params["head.b"]))


def _trained(rng):
    cases = []
    for settings in (_SETTINGS, (2, 5, 0.03)):
        params = network(rng)
        cases.append(Case((params, *_features(rng, params), *settings, int(rng.integers(1, 99))), take=HEAD))
    return cases


def _two_ways(rng):
    params = network(rng)
    X, y = images(rng, (7, 1, 8, 6))
    first = Case((params, X, y, ("block1", "block2"), *_SETTINGS, 0), function="train", take=HEAD)
    return [first, Case((params, X, y, *_SETTINGS, 0), function="features_once", take=HEAD)]


def _whole(rng):
    params = network(rng)
    return [Case((params, *_features(rng, params), *_SETTINGS, 1), take=(*HEAD, *body(params)))]


_HEAD = 'head = {name: array for name, array in params.items() if layer_of(name) == "head"}'
_RETURN = "return params | train(head, features, y, (), epochs, batch_size, learning_rate, seed)"


def _instead(old, new):
    assert old in _RETURN
    return ((_RETURN, _RETURN.replace(old, new)),)


TRAIN_HEAD = Check(
    "train_head",
    (
        Property("The head after training", 1.5, _trained, **SINGLE_PRECISION),
        Property(
            "With your features: the same head as by training with a frozen body", 1, _two_ways, "same", 1e-4, 2e-5
        ),
        Property("The whole network, the body as it was, bit by bit", 0.5, _whole, "unmoved", **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "head begins at 0",
            "The head begins at weights of 0, not at those that it has in params.",
            ((_HEAD, f"{_HEAD}\n    head = {{name: np.zeros_like(array) for name, array in head.items()}}"),),
        ),
        Mistake(
            "features standardised",
            "The head is trained on features that were centred and scaled first. In the whole network nobody does "
            "that, so head and body do not fit together.",
            _instead("features,", "(features - features.mean(axis=0)) / (features.std(axis=0) + 1e-8),"),
        ),
        Mistake(
            "one step for all images",
            "All features are one batch: batch_size has no effect.",
            _instead("batch_size", "len(features)"),
        ),
        Mistake(
            "head not put back",
            "The head is trained, but the network that comes back still has the old one.",
            ((_RETURN, f"{_RETURN.replace('return params |', 'trained =')}\n    return params"),),
        ),
        Mistake(
            "head alone",
            "The head comes back alone. The network that is returned has its body, too.",
            _instead("params | ", ""),
        ),
        Mistake(
            "one epoch",
            "There is one epoch only, however many are asked for.",
            _instead("epochs", "1"),
        ),
        Mistake(
            "seed not handed on",
            "seed is not handed on to train: batches come in another order than in the first way.",
            _instead(", seed", ""),
        ),
        Mistake(
            "learning rate fixed",
            "learning_rate is not handed on to train.",
            _instead("learning_rate", "1e-3"),
        ),
    ),
)
