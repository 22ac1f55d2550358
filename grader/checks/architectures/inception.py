"""inception_forward and inception_backward."""

from functools import partial

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.layers import max_pool_forward
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT
from .blocks import MARGIN, all_on, away, conv_relu, filters, gradients, outs, own_gradients, single, threes

FORWARD = "inception_forward"
BRANCHES = {
    "1 × 1": ("W1", "b1"),
    "3 × 3": ("W3_reduce", "b3_reduce", "W3", "b3"),
    "5 × 5": ("W5_reduce", "b5_reduce", "W5", "b5"),
    "pooling": ("W_pool", "b_pool"),
}
NAMES = tuple(name for names in BRANCHES.values() for name in names)
DX = (0,)
_WINDOW = {"pool_height": 3, "pool_width": 3, "stride": 1, "pad": 1}


def run(x, params):
    """out and the cache of the text."""
    ones, cache1 = conv_relu(x, params, "1")
    fewer, cache3_reduce = conv_relu(x, params, "3_reduce")
    threes, cache3 = conv_relu(fewer, params, "3", pad=1)
    fewest, cache5_reduce = conv_relu(x, params, "5_reduce")
    fives, cache5 = conv_relu(fewest, params, "5", pad=2)
    largest, pool_cache = max_pool_forward(x, _WINDOW)
    pooled, cache_pool = conv_relu(largest, params, "_pool")
    branches = [ones, threes, fives, pooled]
    widths = tuple(branch.shape[1] for branch in branches)
    caches = (cache1, cache3_reduce, cache3, cache5_reduce, cache5, pool_cache, cache_pool)
    return np.concatenate(branches, axis=1), (widths, *caches)


def _problem(rng, shape, widths, reductions, accepts=away):
    """(x, params). widths: of the four branches. reductions: channels before the 3 x 3 and the 5 x 5 convolution.

    accepts: what is asked of the inputs of the ReLUs, `away` or `all_on`.
    """
    channels, (small, large) = shape[1], (5, 30) if accepts is all_on else (0, 0)
    while True:
        x = rng.normal(size=shape)
        params = (
            filters(rng, widths[0], channels, 1, "1", small)
            | filters(rng, reductions[0], channels, 1, "3_reduce", small)
            | filters(rng, widths[1], reductions[0], 3, "3", large)
            | filters(rng, reductions[1], channels, 1, "5_reduce", small)
            | filters(rng, widths[2], reductions[1], 5, "5", large)
            | filters(rng, widths[3], channels, 1, "_pool", small)
        )
        if _accepted(x, params, accepts):
            return x, params


def _accepted(x, params, accepts):
    _, (_, *caches) = run(x, params)
    return accepts(*(cache[1] for i, cache in enumerate(caches) if i != 5)) and _apart(x)


def _apart(x):
    """Whether the largest two numbers of each window differ."""
    framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), axis=(2, 3)).reshape(-1, 9)
    second, first = np.sort(windows, axis=1)[:, 7:].T
    return (first - second > MARGIN).all()


def _shape(rng, n=2):
    """Height and width differ."""
    return (n, int(rng.integers(2, 4)), *(int(k) for k in rng.permutation((3, 4))))


def _usual(rng, accepts=away):
    """All branches of another width."""
    widths = [int(n) for n in rng.permutation([1, 2, 3, 4])]
    return [_problem(rng, _shape(rng), widths, [int(n) for n in rng.permutation([2, 3])], accepts)]


def _on(rng):
    """With all ReLUs on, so that who forgets some of them can show that the branches are right."""
    return _usual(rng, all_on)


def _alike(rng, n=2):
    """All branches of one width, and both reductions: nothing but the numbers tells them apart."""
    return [_problem(rng, _shape(rng, n), [int(rng.integers(2, 4))] * 4, [int(rng.integers(2, 4))] * 2)]


def _both(rng):
    return [*_usual(rng), *_alike(rng)]


def _edges(rng):
    return [_problem(rng, (1, 1, 2, 3), (2, 1, 1, 3), (2, 2)), single(*_alike(rng, 1))]


def _one_branch(names, rng):
    """In pairs, with other weights in one branch and with the old ones: only that branch's channels change.

    All ReLUs are on, so that who forgets some of them can show that the branches are right.
    """
    sizes = [int(rng.integers(2, 4))] * 4, [int(rng.integers(2, 4))] * 2
    while True:
        x, params = _problem(rng, _shape(rng, 1), *sizes, all_on)
        _, others = _problem(rng, x.shape, *sizes, all_on)
        changed = params | {name: others[name] for name in names}
        if _accepted(x, changed, all_on):
            return [Case((x, changed), take=OUT), Case((x, params), take=OUT)]


_ONES = 'ones, cache1 = conv_relu_forward(x, params["W1"], params["b1"], point)'
_FEWER = 'fewer, cache3_reduce = conv_relu_forward(x, params["W3_reduce"], params["b3_reduce"], point)'
_THREES = 'threes, cache3 = conv_relu_forward(fewer, params["W3"], params["b3"], {"stride": 1, "pad": 1})'
_FEWEST = 'fewest, cache5_reduce = conv_relu_forward(x, params["W5_reduce"], params["b5_reduce"], point)'
_FIVES = 'fives, cache5 = conv_relu_forward(fewest, params["W5"], params["b5"], {"stride": 1, "pad": 2})'
_LARGEST = "largest, pool_cache = max_pool_forward(x, window)"
_POOLED = 'pooled, cache_pool = conv_relu_forward(largest, params["W_pool"], params["b_pool"], point)'
_LIST = "branches = [ones, threes, fives, pooled]"
_JOINED = "out = np.concatenate(branches, axis=1)"


def _linear(*lines):
    return tuple((line, line.replace("conv_relu", "conv")) for line in lines)


INCEPTION_FORWARD = Check(
    FORWARD,
    (
        outs("All four branches, in order", 1.5, _both),
        *(
            Property(
                f"The {title} branch, all ReLUs on", 0.5, partial(_one_branch, names), "difference", **SINGLE_PRECISION
            )
            for title, names in BRANCHES.items()
        ),
        outs("One image, one channel, small maps, float32", 0.5, _edges),
    ),
    (
        Mistake(
            "concatenated along another axis",
            "The branches are put together along another axis. All of them keep the batch, the height and the width: "
            "what adds up are the channels.",
            ((_JOINED, "out = np.concatenate(branches, axis=-1)"),),
        ),
        Mistake(
            "images put together",
            "The branches are put together as if they were more images: the channels of an image should add up.",
            ((_JOINED, "out = np.concatenate(branches)"),),
        ),
        Mistake(
            "branches added",
            "The branches are added, as in a residual block. Here their channels stand side by side.",
            ((_JOINED, "out = sum(branches)"),),
        ),
        Mistake(
            "3 × 3 and 5 × 5 exchanged",
            "The channels of the 3 × 3 and of the 5 × 5 branch are exchanged. The order is that of the table.",
            ((_LIST, "branches = [ones, fives, threes, pooled]"),),
        ),
        Mistake(
            "pooling first",
            "The channels of the pooling branch come first. The order is that of the table.",
            ((_LIST, "branches = [pooled, ones, threes, fives]"),),
        ),
        Mistake(
            "branches that do not fit",
            "The maps of the branches have different sizes and do not fit together. Which padding keeps the size, for "
            "windows of 3 and of 5 and for the pooling, all with stride 1?",
            ((_FIVES, _FIVES.replace('"pad": 2', '"pad": 1')),),
        ),
        Mistake(
            "no ReLU",
            "There are no ReLUs: after each of the six convolutions comes one.",
            _linear(_ONES, _FEWER, _THREES, _FEWEST, _FIVES, _POOLED),
        ),
        Mistake(
            "no ReLU after the reductions",
            "There is no ReLU after the reductions. Without it a reduction and the convolution after it are no more "
            "than one convolution.",
            _linear(_FEWER, _FEWEST),
        ),
        Mistake(
            "no ReLU at the end of the branches",
            "There is no ReLU at the ends of the branches: negative numbers get out.",
            _linear(_ONES, _THREES, _FIVES, _POOLED),
        ),
        Mistake(
            "no ReLU in the pooling branch",
            "There is no ReLU after the convolution of the pooling branch.",
            _linear(_POOLED),
        ),
        Mistake(
            "average pooling",
            "This is average pooling. The branch takes the maximum.",
            (
                (
                    _LARGEST,
                    "framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))\n"
                    "    seen = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), axis=(2, 3))\n"
                    "    largest = seen.mean(axis=(4, 5))\n"
                    "    pool_cache = None",
                ),
            ),
        ),
        Mistake(
            "not pooled",
            "The pooling branch does not pool: it is a second 1 × 1 convolution.",
            ((_LARGEST, "largest, pool_cache = x, None"),),
        ),
        Mistake(
            "no biases",
            "The biases have no effect.",
            tuple(
                (line, line.replace(f"{name}]", f"{name}] * 0"))
                for line, name in (
                    (_ONES, 'params["b1"'),
                    (_FEWER, 'params["b3_reduce"'),
                    (_THREES, 'params["b3"'),
                    (_FEWEST, 'params["b5_reduce"'),
                    (_FIVES, 'params["b5"'),
                    (_POOLED, 'params["b_pool"'),
                )
            ),
        ),
        Mistake(
            "one reduction for both",
            "The 5 × 5 branch starts from the reduction of the 3 × 3 branch. It has one of its own.",
            ((_FIVES, _FIVES.replace("fewest", "fewer")),),
        ),
    ),
)

_CUTS = "ends = np.cumsum(widths)[:-1]"
_PIECES = "dones, dthrees, dfives, dpooled = np.split(dout, ends, axis=1)"
_D1 = 'dx1, grads["W1"], grads["b1"] = conv_relu_backward(dones, cache1)'
_D3 = 'dfewer, grads["W3"], grads["b3"] = conv_relu_backward(dthrees, cache3)'
_D3_REDUCE = 'dx3, grads["W3_reduce"], grads["b3_reduce"] = conv_relu_backward(dfewer, cache3_reduce)'
_D5 = 'dfewest, grads["W5"], grads["b5"] = conv_relu_backward(dfives, cache5)'
_D5_REDUCE = 'dx5, grads["W5_reduce"], grads["b5_reduce"] = conv_relu_backward(dfewest, cache5_reduce)'
_D_POOL = 'dlargest, grads["W_pool"], grads["b_pool"] = conv_relu_backward(dpooled, cache_pool)'
_D_MAX = "dx_pool = max_pool_backward(dlargest, pool_cache)"
_SUM = "dx = dx1 + dx3 + dx5 + dx_pool"
_either = partial(gradients, forward=FORWARD, run=run)


def _unmasked(*lines):
    found = []
    for line in lines:
        called, cache = line[:-1].split("conv_relu_backward(")[0], line[:-1].split(", ")[-1]
        gradient = line.split("conv_relu_backward(")[1].split(",")[0]
        found.append((line, f"{called}conv_backward({gradient}, {cache}[0])"))
    return tuple(found)


INCEPTION_BACKWARD = Check(
    "inception_backward",
    (
        _either("dx", 1.5, draw=_both, names=DX),
        *(
            _either(f"The {title} branch, all ReLUs on: its gradients", 0.5, draw=_on, names=names)
            for title, names in BRANCHES.items()
        ),
        Property(
            "One image, one channel, small maps, float32",
            0.5,
            lambda rng: threes(rng, FORWARD, run, _edges(rng), (0, *NAMES)),
            "either",
            rtol=2e-3,
            atol=2e-4,
        ),
        own_gradients(1, FORWARD, run, lambda rng: _alike(rng, 1)[0]),
    ),
    (
        Mistake(
            "cut elsewhere",
            "The pieces of dout do not have the shapes of the branches. Cut along the channels, each time where a "
            "branch ends: that is after the channels of all branches so far.",
            ((_CUTS, "ends = widths[:-1]"),),
        ),
        Mistake(
            "cut into equal parts",
            "dout is cut into four equal parts. The branches have numbers of channels of their own.",
            ((_PIECES, _PIECES.replace("ends", "4")),),
        ),
        Mistake(
            "pieces in another order",
            "The pieces for the 3 × 3 and the 5 × 5 branch are exchanged. Cut in the order in which the forward pass "
            "put them together.",
            ((_PIECES, _PIECES.replace("dthrees, dfives", "dfives, dthrees")),),
        ),
        Mistake(
            "the first channels for all",
            "Every branch gets the first channels of dout. Each has channels of its own.",
            ((_PIECES, "dones, dthrees, dfives, dpooled = (dout[:, :n] for n in widths)"),),
        ),
        Mistake(
            "dx of the last branch only",
            "dx is what comes back from the last branch. All four started from x: add up.",
            ((_SUM, "dx = dx_pool"),),
        ),
        Mistake(
            "dx of the first branch only",
            "dx is what comes back from the first branch. All four started from x: add up.",
            ((_SUM, "dx = dx1"),),
        ),
        Mistake(
            "pooling branch missing in dx",
            "What comes back from the pooling branch is missing in dx.",
            ((_SUM, "dx = dx1 + dx3 + dx5"),),
        ),
        Mistake(
            "mean of the branches",
            "dx is the mean of what comes back from the four branches. Gradients add up where ways part.",
            ((_SUM, "dx = (dx1 + dx3 + dx5 + dx_pool) / 4"),),
        ),
        Mistake(
            "pooling not undone",
            "The gradient goes past the pooling: it belongs to the places where the maxima were found.",
            ((_D_MAX, "dx_pool = dlargest"),),
        ),
        Mistake(
            "ReLU of the reductions forgotten",
            "The gradient goes past the ReLUs of the reductions: where they were off, nothing comes back.",
            _unmasked(_D3_REDUCE, _D5_REDUCE),
        ),
        Mistake(
            "ReLU at the ends forgotten",
            "The gradient goes past the ReLUs at the ends of the branches: where they were off, nothing comes back.",
            _unmasked(_D1, _D3, _D5, _D_POOL),
        ),
        Mistake(
            "all ReLUs forgotten",
            "The gradient goes past the ReLUs: where they were off, nothing comes back.",
            _unmasked(_D1, _D3, _D3_REDUCE, _D5, _D5_REDUCE, _D_POOL),
        ),
        Mistake(
            "reductions not trained",
            "grads has no entries for the reductions. They have weights and biases as well.",
            (
                (_D3_REDUCE, "dx3, _, _ = conv_relu_backward(dfewer, cache3_reduce)"),
                (_D5_REDUCE, "dx5, _, _ = conv_relu_backward(dfewest, cache5_reduce)"),
            ),
        ),
    ),
)
