"""relu_forward and relu_backward."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, STEP, backward


def _activations(rng, *shape):
    """Numbers of both signs, none of them near the kink."""
    x = rng.uniform(0.1, 2, size=shape) * rng.permutation(np.arange(np.prod(shape)) % 2 * 2 - 1).reshape(shape)
    return x * np.where(np.abs(np.abs(x) - 1) < 0.02, 1.1, 1)


def _relu(rng, *shapes):
    return [Case((_activations(rng, *shape),), take=OUT) for shape in shapes]


def _relu_edges(rng):
    x = _activations(rng, 4, 5)
    x[1, 2] = x[3, 0] = 0
    narrow = Case((_activations(rng, 3, 4).astype(np.float32),), take=OUT)
    return [*_relu(rng, (3, 2, 4, 2), (6,)), Case((x,), take=OUT), narrow]


_MAXIMUM = "out = np.maximum(0, x)"

RELU_FORWARD = Check(
    "relu_forward",
    (
        Property("Negative numbers become 0, positive ones stay", 0.5, lambda rng: _relu(rng, (5, 6), (3, 4))),
        Property("Any shape, 0, float32", 0.5, _relu_edges, rtol=1e-5),
    ),
    (
        Mistake(
            "unchanged",
            "Negative numbers come through. They become 0.",
            ((_MAXIMUM, "out = x"),),
        ),
        Mistake(
            "absolute value",
            "Negative numbers lose their sign here. They become 0.",
            ((_MAXIMUM, "out = np.abs(x)"),),
        ),
        Mistake(
            "wrong side",
            "The positive numbers are cut off and the negative ones stay: it is the other way round.",
            ((_MAXIMUM, "out = np.minimum(0, x)"),),
        ),
        Mistake(
            "zeros and ones",
            "This says which numbers are positive, but not what they are: they stay as they are.",
            ((_MAXIMUM, "out = (x > 0) * 1.0"),),
        ),
        Mistake(
            "leaky",
            "Negative numbers keep a part of their size, as in a leaky ReLU. Here they become 0.",
            ((_MAXIMUM, "out = np.maximum(0.01 * x, x)"),),
        ),
        Mistake(
            "squashed",
            "This is a sigmoid. The ReLU is the maximum of 0 and x.",
            ((_MAXIMUM, "out = 1 / (1 + np.exp(-x))"),),
        ),
        Mistake(
            "cut at 1",
            "Numbers above 1 are cut off too. The ReLU has no upper limit.",
            ((_MAXIMUM, "out = np.clip(x, 0, 1)"),),
        ),
    ),
)


def _relu_problems(rng, *shapes):
    drawn = []
    for shape in shapes:
        x = _activations(rng, *shape)
        drawn.append(((x,), rng.uniform(0.2, 2, shape) * rng.choice([-1, 1], shape), x))
    return backward("relu_forward", drawn)


def _own_relu(rng):
    x = _activations(rng, 4, 5)
    cases = [
        Case((x,), function="relu_forward", take=OUT),
        Case((rng.normal(size=x.shape), Kept(0, 1)), take=OUT),
    ]
    for _ in range(3):
        step = rng.uniform(-STEP, STEP, size=x.shape)
        cases += [Case((x + change,), function="relu_forward", take=OUT) for change in (step, -step)]
    return cases


def _kinks(rng):
    x = _activations(rng, 4, 6)
    x[rng.random(x.shape) < 0.3] = 0
    x[0, 0] = 0
    return [Case((x,), function="relu_forward", take=()), Case((rng.normal(size=x.shape), Kept(0, 1)))]


_MASKED = "dx = dout * (x > 0)"

RELU_BACKWARD = Check(
    "relu_backward",
    (
        Property(
            "Passes on what belongs to positive inputs",
            1,
            lambda rng: _relu_problems(rng, (5, 6), (3, 2, 4, 2)),
            "either",
            **SINGLE_PRECISION,
        ),
        Property(
            "The gradient of your own relu_forward, from your own cache",
            0.5,
            _own_relu,
            "own_backward",
            rtol=1e-3,
            atol=1e-4,
        ),
        Property("Where x is exactly 0: any slope from 0 to 1", 0.5, _kinks, "subgradient", **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "no mask",
            "All of dout passes, also where the input was negative. (If there is a mask: a ReLU's output is never "
            "negative, so a comparison of the output with >= holds everywhere.)",
            ((_MASKED, "dx = dout"),),
        ),
        Mistake(
            "wrong side",
            "The gradient passes where the input was negative: it is the other way round.",
            ((_MASKED, "dx = dout * (x < 0)"),),
        ),
        Mistake(
            "mask alone",
            "This is the slope of the ReLU. By the chain rule it is multiplied with what comes from above, dout.",
            ((_MASKED, "dx = (x > 0) * 1.0"),),
        ),
        Mistake(
            "times x",
            "The gradient is multiplied with the size of x. The slope of the ReLU is 1 for all positive x.",
            ((_MASKED, "dx = dout * np.maximum(0, x)"),),
        ),
        Mistake(
            "sign of dout",
            "The ReLU is applied to dout: negative gradients are lost. What decides is the sign of the input x.",
            ((_MASKED, "dx = np.maximum(0, dout)"),),
        ),
        Mistake(
            "sign of both",
            "Negative gradients are lost too. What decides is the sign of the input x alone.",
            ((_MASKED, "dx = np.maximum(0, dout) * (x > 0)"),),
        ),
        Mistake(
            "leaky",
            "Negative inputs let a part of the gradient through, as in a leaky ReLU. Here nothing passes there.",
            ((_MASKED, "dx = dout * np.where(x > 0, 1, 0.01)"),),
        ),
        Mistake(
            "not finite at 0",
            "Dividing the output by the input gives the mask, except where the input is 0: 0 / 0 is NaN. Compare "
            "with 0 instead.",
            ((_MASKED, "dx = dout * (np.maximum(0, x) / x)"),),
        ),
    ),
)
