"""Cases that the two blocks, Inception and residual, share.

A block is called as forward(x, params, ...) and returns (out, cache); its backward pass returns (dx, grads), where
grads has an entry for each of params.
"""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept
from cs231n_kit.layers import conv_forward, relu_forward
from grader.check import SINGLE_PRECISION, Property

from ..layer_cases import OUT, backward, narrow

MARGIN = 0.005  # of what goes into a ReLU or a maximum, to the nearest kink
STEP = 1e-4  # small enough for no kink to be passed


def filters(rng, count, channels, size, name, bias=0.0):
    """Weights and biases of a convolution, as entries of params. bias: the mean of the biases."""
    return {
        f"W{name}": rng.normal(size=(count, channels, size, size)) / np.sqrt(channels * size * size / 2),
        f"b{name}": bias + 0.5 * rng.normal(size=count),
    }


def conv_relu(x, params, name, stride=1, pad=0):
    """Output and cache of a convolution and the ReLU after it, as the notebook's conv_relu_forward gives them."""
    maps, conv_cache = conv_forward(x, params[f"W{name}"], params[f"b{name}"], {"stride": stride, "pad": pad})
    out, relu_cache = relu_forward(maps)
    return out, (conv_cache, relu_cache)


def away(*inputs):
    """Whether no input of a ReLU is near its kink, and each ReLU is on somewhere and off somewhere."""
    return all(np.abs(z).min() > MARGIN and z.min() < 0 < z.max() for z in inputs)


def all_on(*inputs):
    """Whether every ReLU with these inputs is on everywhere: what is wrong then is not in a ReLU."""
    return all(z.min() > MARGIN for z in inputs)


def single(arguments):
    """The arguments (x, params, ...) in single precision."""
    x, params, *others = arguments
    return (*narrow((x,)), {name: array.astype(np.float32) for name, array in params.items()}, *others)


def outs(title, points, draw):
    """The property that out of the forward pass is right. draw(rng): the problems."""
    return Property(title, points, lambda rng: [Case(problem, take=OUT) for problem in draw(rng)], **SINGLE_PRECISION)


def threes(rng, forward, run, problems, take):
    """Cases of a backward pass, see `layer_cases.backward`. run(*arguments) gives (out, documented cache)."""
    drawn = []
    for arguments in problems:
        out, cache = run(*arguments)
        drawn.append((arguments, rng.normal(size=out.shape).astype(out.dtype), cache))
    return backward(forward, drawn, take)


def gradients(title, points, forward, run, draw, names):
    """The property that entries `names` of what the backward pass returns are right. draw(rng): the problems."""
    return Property(
        title, points, lambda rng: threes(rng, forward, run, draw(rng), names), "either", **SINGLE_PRECISION
    )


def own_gradients(points, forward, run, draw):
    """The property that the backward pass fits to the notebook's own forward pass. draw(rng): one problem."""

    def cases(rng):
        x, params, *others = draw(rng)
        out, _ = run(x, params, *others)
        take = (0, *params)
        found = [
            Case((x, params, *others), function=forward, take=OUT),
            Case((rng.normal(size=out.shape), Kept(0, 1)), take=take),
        ]
        for name in take:
            change = STEP * rng.normal(size=(params[name] if name else x).shape)
            for step in (change, -change):
                moved = (x, {**params, name: params[name] + step}) if name else (x + step, params)
                found.append(Case((*moved, *others), function=forward, take=OUT))
        return found

    title = f"The gradients of your own {forward}, from your own cache"
    return Property(title, points, cases, "own_backward", rtol=5e-3, atol=2e-5)
