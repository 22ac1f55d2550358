"""max_pool_forward_naive and max_pool_backward_naive."""

from functools import partial

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, backward, joined, narrow, own_backward

FORWARD = "max_pool_forward_naive"

# (shape of x, pool_height, pool_width, stride)
_SQUARE = (((2, 3, 4, 4), 2, 2, 2), ((3, 2, 6, 6), 2, 2, 2))
_LEFT_OVER = (((2, 2, 5, 7), 2, 2, 2), ((2, 3, 7, 9), 2, 3, 3), ((3, 2, 8, 5), 3, 2, 3))
_OVERLAPPING = (((2, 3, 5, 6), 3, 3, 1), ((2, 2, 7, 6), 3, 2, 1), ((3, 2, 6, 7), 3, 3, 2))
_SINGLE = (((1, 2, 4, 6), 2, 2, 2), ((2, 1, 4, 4), 2, 2, 2))


def _distinct(rng, shape):
    """Positive numbers (N, C, H, W), no two of a channel nearer than 0.5."""
    n, c, h, w = shape
    return 1 + 0.5 * rng.permuted(np.broadcast_to(np.arange(h * w), (n * c, h * w)), axis=1).reshape(shape)


def _arguments(rng, x, height, width, stride):
    return _distinct(rng, x), {"pool_height": height, "pool_width": width, "stride": stride}


def _gradient(rng, x, height, width, stride):
    return rng.normal(size=(*x[:2], 1 + (x[2] - height) // stride, 1 + (x[3] - width) // stride))


def _forward(problems, rng):
    return [Case(_arguments(rng, *problem), take=OUT) for problem in problems]


def _negative(rng):
    x, param = _arguments(rng, *_SQUARE[0])
    return [Case((x - 100, param), take=OUT), *_forward(_SINGLE, rng), Case(narrow((x, param)), take=OUT)]


_SHAPE = "out = np.zeros((N, C, 1 + (H - height) // apart, 1 + (W - width) // apart))"
_PATCH = "patch = x[:, :, i * apart : i * apart + height, j * apart : j * apart + width]"
_MAX = "out[:, :, i, j] = patch.max(axis=(2, 3))"
_PARAM = 'height, width, apart = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]'

MAX_POOL_FORWARD = Check(
    FORWARD,
    (
        Property("Square images, 2 × 2 windows, stride 2", 1, partial(_forward, _SQUARE), **SINGLE_PRECISION),
        Property(
            "Other windows, and pixels left over at the end", 1, partial(_forward, _LEFT_OVER), **SINGLE_PRECISION
        ),
        Property("Overlapping windows", 0.5, partial(_forward, _OVERLAPPING), **SINGLE_PRECISION),
        Property("Negative numbers, one image, one channel, float32", 0.5, _negative, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "mean for the maximum",
            "This is average pooling. Max pooling keeps the largest number of a window.",
            ((_MAX, "out[:, :, i, j] = patch.mean(axis=(2, 3))"),),
        ),
        Mistake(
            "sum for the maximum",
            "The numbers of a window are added up. Max pooling keeps the largest.",
            ((_MAX, "out[:, :, i, j] = patch.sum(axis=(2, 3))"),),
        ),
        Mistake(
            "smallest",
            "The smallest number of each window is kept. Keep the largest.",
            ((_MAX, "out[:, :, i, j] = patch.min(axis=(2, 3))"),),
        ),
        Mistake(
            "places of the maxima",
            "These are the places of the maxima within their windows. The maxima themselves are asked for.",
            ((_MAX, "out[:, :, i, j] = patch.reshape(N, C, -1).argmax(axis=2)"),),
        ),
        Mistake(
            "maximum over the channels",
            "All channels have the same result: the maximum is taken over them too. Each channel is pooled for itself.",
            ((_MAX, "out[:, :, i, j] = patch.max(axis=(1, 2, 3))[:, np.newaxis]"),),
        ),
        Mistake(
            "maximum over the batch",
            "All images have the same result: the maximum is taken over the batch too.",
            ((_MAX, "out[:, :, i, j] = patch.max(axis=(0, 2, 3))"),),
        ),
        Mistake(
            "starts at zero",
            "Negative maxima come out as zero: the search for the maximum starts at 0. All numbers of a window may be "
            "negative.",
            ((_MAX, "out[:, :, i, j] = np.maximum(0, patch.max(axis=(2, 3)))"),),
        ),
        Mistake(
            "absolute values",
            "The number of the largest size is kept, whatever its sign. The maximum of -5 and -2 is -2.",
            ((_MAX, "out[:, :, i, j] = np.where(patch.max(axis=(2, 3)) > 0, patch.max((2, 3)), patch.min((2, 3)))"),),
        ),
        Mistake(
            "stride not looked at",
            "The windows are always side by side, as far apart as they are large. How far apart they are is the "
            "stride.",
            ((_PATCH, "patch = x[:, :, i * height : i * height + height, j * width : j * width + width]"),),
        ),
        Mistake(
            "stride in the size only",
            "The output has the right size, but the windows move by one pixel each time.",
            ((_PATCH, "patch = x[:, :, i : i + height, j : j + width]"),),
        ),
        Mistake(
            "2 × 2 windows only",
            "The windows are always 2 × 2. pool_param says how large they are.",
            ((_PARAM, 'height, width, apart = 2, 2, pool_param["stride"]'),),
        ),
        Mistake(
            "height and width exchanged",
            "The height and the width of the windows are exchanged: the height goes along the rows' axis, the third.",
            (
                (
                    _PARAM,
                    'width, height, apart = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]',
                ),
            ),
        ),
        Mistake(
            "left over pixels pooled",
            "The output is too large where the stride does not divide: a window that does not fit as a whole gives no "
            "output.",
            ((_SHAPE, "out = np.zeros((N, C, 1 - (height - H) // apart, 1 - (width - W) // apart))"),),
        ),
        Mistake(
            "zeros left at the border",
            "The last row of the output is still zero: the loop ends one step too early.",
            ((_MAX, f"{_MAX} * (i < out.shape[2] - 1)"),),
        ),
    ),
)


def _backward(problems, rng, single_precision=False):
    drawn = []
    for problem in problems:
        arguments, dout = _arguments(rng, *problem), _gradient(rng, *problem)
        if single_precision:
            arguments, (dout,) = narrow(arguments), narrow((dout,))
        drawn.append((arguments, dout, arguments))
    return backward(FORWARD, drawn)


def _others(rng):
    return joined(_backward((*_LEFT_OVER, *_SINGLE), rng), _backward(_SQUARE[:1], rng, single_precision=True))


def _ties(rng):
    """Maps that are one window each, with several largest pixels."""
    cases = []
    for h, w in ((2, 2), (3, 2)):
        x = rng.integers(0, 2, size=(3, 2, h, w)).astype(np.float64)
        x[:, :, 0, 0] = x[:, :, -1, -1] = 1
        param = {"pool_height": h, "pool_width": w, "stride": 2}
        dout = rng.uniform(1, 2, size=(3, 2, 1, 1)) * rng.choice([-1, 1], size=(3, 2, 1, 1))
        cases += [Case((x, param), function=FORWARD, take=()), Case((dout, Kept(len(cases), 1)))]
    return cases


def _own(rng):
    arguments, dout = _arguments(rng, *_SQUARE[0]), _gradient(rng, *_SQUARE[0])
    return own_backward(rng, FORWARD, arguments, dout, (0, 0, 0), None)


def _either(title, points, cases):
    return Property(title, points, cases, "either", **SINGLE_PRECISION)


_HOPS = 'tall, wide, hop = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]'
_SEEN = "seen = x[n, c, i * hop : i * hop + tall, j * hop : j * hop + wide]"
_WINNER = "row, column = np.unravel_index(seen.argmax(), seen.shape)"
_DX = "dx[n, c, i * hop + row, j * hop + column] += dout[n, c, i, j]"

MAX_POOL_BACKWARD = Check(
    "max_pool_backward_naive",
    (
        _either("Square images, 2 × 2 windows, stride 2", 1, partial(_backward, _SQUARE)),
        _either("Other windows, pixels left over, one image, one channel, float32", 0.5, _others),
        _either("Overlapping windows", 0.5, partial(_backward, _OVERLAPPING)),
        Property("Several largest pixels in a window", 0.5, _ties, "ties", **SINGLE_PRECISION),
        Property(
            f"The gradient of your own {FORWARD}, from your own cache", 0.5, _own, "own_backward", rtol=5e-3, atol=1e-3
        ),
    ),
    (
        Mistake(
            "overwritten where windows overlap",
            "Where windows overlap, a pixel may be the largest of several. It gets the gradients of all of them: here "
            "one replaces the other.",
            ((_DX, _DX.replace("+=", "=")),),
        ),
        Mistake(
            "all pixels of the window",
            "All pixels of a window get the gradient. Only the largest does: a little change of the others changes "
            "nothing.",
            ((_DX, "dx[n, c, i * hop : i * hop + tall, j * hop : j * hop + wide] += dout[n, c, i, j]"),),
        ),
        Mistake(
            "average pooling",
            "The gradient is divided among the pixels of the window, as in average pooling. The largest gets all of "
            "it.",
            ((_DX, "dx[n, c, i * hop : i * hop + tall, j * hop : j * hop + wide] += dout[n, c, i, j] / seen.size"),),
        ),
        Mistake(
            "ones for the gradient",
            "The places are right, but they get 1. They get dout's numbers.",
            ((_DX, "dx[n, c, i * hop + row, j * hop + column] += 1"),),
        ),
        Mistake(
            "times the maximum",
            "The gradient is multiplied by the maximum itself. The output is that pixel, so its slope is 1.",
            ((_DX, f"{_DX} * seen.max()"),),
        ),
        Mistake(
            "largest of a row",
            "The place of the maximum is searched for along one axis only. It is the largest of the whole window.",
            ((_WINNER, "row, column = 0, seen[0].argmax()"),),
        ),
        Mistake(
            "row and column exchanged",
            "The row and the column of the maximum within its window are exchanged: the number that argmax gives "
            "counts row after row.",
            ((_WINNER, "column, row = np.unravel_index(seen.argmax(), seen.shape)"),),
        ),
        Mistake(
            "place within the window",
            "All gradients arrive in the upper left corner of the image: the place of the maximum within its window is "
            "taken for its place in the image.",
            ((_DX, "dx[n, c, row, column] += dout[n, c, i, j]"),),
        ),
        Mistake(
            "smallest",
            "The smallest pixel of each window gets the gradient. It is the largest that went forward.",
            ((_WINNER, _WINNER.replace("argmax", "argmin")),),
        ),
        Mistake(
            "stride not looked at",
            "The windows are always side by side. How far apart they are is the stride.",
            (
                (_SEEN, "seen = x[n, c, i * tall : i * tall + tall, j * wide : j * wide + wide]"),
                (_DX, "dx[n, c, i * tall + row, j * wide + column] += dout[n, c, i, j]"),
            ),
        ),
        Mistake(
            "2 × 2 windows only",
            "The windows are always 2 × 2. pool_param says how large they are.",
            ((_HOPS, 'tall, wide, hop = 2, 2, pool_param["stride"]'),),
        ),
        Mistake(
            "nothing where pixels are equal",
            "Where several pixels of a window are equally large, none gets the gradient. All of it may go to the "
            "first, or to all of them, or they may share it: each of these counts as right.",
            ((_DX, f"{_DX} * (np.sum(seen == seen.max()) == 1)"),),
        ),
        Mistake(
            "divided by the number of images",
            "dx is divided by the number of images. The loss has done that already, in dout.",
            ((_DX, f"{_DX} / len(x)"),),
        ),
    ),
)
