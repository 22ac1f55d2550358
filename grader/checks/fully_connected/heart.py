"""Fifty examples by heart: the notebook's network, trained by its own adam, has to get all of them right."""

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept
from grader.check import Check, Property

_EXAMPLES = 50


def _by_heart(rng, shape, hidden_dims):
    """Training on points with labels drawn by lot, and the labels that it gives to the points in another order.

    (Fewer features than examples, so that no linear classifier can do it.)
    """
    X, y = rng.normal(size=(_EXAMPLES, *shape)), rng.integers(0, 10, size=_EXAMPLES)
    training = Case((X, y, hidden_dims), take=())
    return [training, Case((Kept(0, 0), rng.permutation(X)), function="predict")]


HEART = Check(
    "learn_by_heart",
    (
        Property("Fifty examples, one hidden layer", 0.5, lambda rng: _by_heart(rng, (12,), [80]), "labels"),
        Property("Fifty examples, two hidden layers", 1, lambda rng: _by_heart(rng, (12,), [80, 60]), "labels"),
        Property("Fifty images, three hidden layers", 0.5, lambda rng: _by_heart(rng, (2, 3, 2), [60] * 3), "labels"),
    ),
)
