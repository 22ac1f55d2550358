"""What the cases of update rules, rule(w, dw, config) -> (next_w, config), have in common."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept
from grader.check import Property

from ..layer_cases import OUT, narrow

_SHAPES = ((4, 3), (6,), (2, 3, 2))


def gradient(rng, shape):
    """A gradient of this shape, no number of which is near 0 or 1 or of a usual size."""
    size = np.where(rng.random(shape) < 0.5, rng.uniform(0.3, 0.8, shape), rng.uniform(1.3, 3, shape))
    return size * rng.choice([-1, 1], size=shape)


def single(rng, *configs, take=OUT):
    """One step for each config."""
    drawn = zip(configs, _SHAPES, strict=False)
    return [Case((rng.normal(size=shape), gradient(rng, shape), config), take=take) for config, shape in drawn]


def several(rng, config, steps, shape=(5,)):
    """Steps in a row: each gets the config that the one before it returned, and other parameters."""
    first = Case((rng.normal(size=shape), gradient(rng, shape), config), take=OUT)
    later = (Case((rng.normal(size=shape), gradient(rng, shape), Kept(i, 1)), take=OUT) for i in range(steps - 1))
    return [first, *later]


def _defaults(rng):
    """A step without a config, with None, with {} in single precision, and of one number alone."""
    single_precision = (*narrow((rng.normal(size=(3, 2)), gradient(rng, (3, 2)))), {})
    return [
        Case((rng.normal(size=(4,)), gradient(rng, (4,))), take=OUT),
        Case((rng.normal(size=(2, 3, 2)), gradient(rng, (2, 3, 2)), None), take=OUT),
        Case(single_precision, take=OUT),
        Case((rng.normal(size=(1,)), gradient(rng, (1,)), None), take=OUT),
    ]


# Steps of the default rates are short, so less is tolerated.
DEFAULTS = Property("Without a config: the defaults, any shape, float32", 0.5, _defaults, rtol=2e-6, atol=1e-6)
