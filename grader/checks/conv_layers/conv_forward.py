"""conv_forward_naive."""

from functools import partial

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, narrow

FORWARD = "conv_forward_naive"

# (shape of x, shape of w, stride, pad)
SQUARE = (((2, 3, 5, 5), (2, 3, 3, 3), 1, 1), ((3, 2, 4, 4), (4, 2, 3, 3), 1, 1))
NO_PADDING = (((2, 2, 5, 6), (3, 2, 3, 3), 1, 0), ((3, 2, 4, 5), (2, 2, 3, 3), 1, 0))
STRIDES = (((2, 2, 6, 7), (3, 2, 3, 3), 2, 1), ((2, 3, 8, 6), (2, 3, 3, 3), 3, 2))
KERNELS = (((2, 2, 5, 7), (3, 2, 2, 4), 1, 1), ((3, 2, 6, 4), (2, 2, 3, 1), 1, 2), ((2, 3, 7, 8), (2, 3, 5, 2), 1, 2))
SINGLE = (((1, 3, 4, 5), (2, 3, 3, 3), 1, 1), ((2, 1, 5, 4), (1, 1, 3, 3), 1, 1))


def arguments_of(rng, x, w, stride, pad, bias=True):
    """(x, w, b, conv_param) for these shapes of x and w; biases of zero on demand."""
    b = 2 + rng.normal(size=w[0]) if bias else np.zeros(w[0])
    return rng.normal(size=x), rng.normal(size=w), b, {"stride": stride, "pad": pad}


def _forward(problems, rng, bias=False):
    return [Case(arguments_of(rng, *problem, bias), take=OUT) for problem in problems]


def _single(rng):
    return [*_forward(SINGLE, rng), Case(narrow(arguments_of(rng, *SQUARE[0], bias=False)), take=OUT)]


_FRAMED = "framed = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))"
_WINDOW = "window = framed[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]"
_SIZE = "out_h, out_w = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride"
_SUM = "out[:, :, i, j] = np.tensordot(window, w, axes=((1, 2, 3), (1, 2, 3)))"
_BIAS = "out = out + b[:, np.newaxis, np.newaxis]"
_PARAM = 'stride, pad = conv_param["stride"], conv_param["pad"]'
_KERNEL = "F, _, HH, WW = w.shape"

CONV_FORWARD = Check(
    FORWARD,
    (
        Property(
            "Square images, 3 × 3 filters, padding 1, stride 1",
            1.5,
            partial(_forward, SQUARE, bias=True),
            **SINGLE_PRECISION,
        ),
        Property("No padding", 1, partial(_forward, NO_PADDING), **SINGLE_PRECISION),
        Property("Strides 2 and 3, dividing or not", 1, partial(_forward, STRIDES), **SINGLE_PRECISION),
        Property("Filters and images of other shapes, padding 2", 1, partial(_forward, KERNELS), **SINGLE_PRECISION),
        Property("One image, one channel, float32", 0.5, _single, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "filters flipped",
            "The filters are turned upside down, as mathematicians do in a convolution. Here they meet the window as "
            "they are.",
            ((_SUM, _SUM.replace("window, w,", "window, w[:, :, ::-1, ::-1],")),),
        ),
        Mistake(
            "rows and columns of the filter exchanged",
            "The filters are transposed: their first axis of places belongs to the rows of the image.",
            (
                (
                    _SUM,
                    "out[:, :, i, j] = np.tensordot(window, w.transpose(0, 1, 3, 2), axes=((1, 2, 3), (1, 2, 3)))",
                ),
            ),
        ),
        Mistake(
            "no bias",
            "The biases are missing: each filter adds one number of its own.",
            ((_BIAS, ""),),
        ),
        Mistake(
            "bias for each channel",
            "The bias is added once for every channel of the image. It is added once, to the sum over all channels.",
            ((_BIAS, f"{_BIAS} * x.shape[1]"),),
        ),
        Mistake(
            "bias for each product",
            "The bias is added to every product, so the sum contains it many times. It is added once, to the sum.",
            ((_BIAS, f"{_BIAS} * w[0].size"),),
        ),
        Mistake(
            "bias subtracted",
            "The bias is subtracted. It is added to the sum.",
            ((_BIAS, "out = out - b[:, np.newaxis, np.newaxis]"),),
        ),
        Mistake(
            "first bias for all",
            "All filters get the same bias. Each has its own.",
            ((_BIAS, "out = out + b[0]"),),
        ),
        Mistake(
            "padded with ones",
            "The frame around the image is not zero. It is made of zeros, so that it adds nothing to a sum.",
            ((_FRAMED, f"{_FRAMED[:-1]}, constant_values=1)"),),
        ),
        Mistake(
            "padded with the edge",
            "The frame repeats the pixels at the edge. It is made of zeros.",
            ((_FRAMED, f'{_FRAMED[:-1]}, mode="edge")'),),
        ),
        Mistake(
            "not padded",
            "There is no frame: the padding is not looked at, so the output is too small.",
            ((_PARAM, 'stride, pad = conv_param["stride"], 0'),),
        ),
        Mistake(
            "padded at one end",
            "The frame is on two sides only. It goes around the image: above, below, left and right.",
            ((_FRAMED, "framed = np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad)))"),),
        ),
        Mistake(
            "padding fixed at 1",
            "The frame is always one pixel wide. conv_param says how wide it is.",
            ((_PARAM, 'stride, pad = conv_param["stride"], 1'),),
        ),
        Mistake(
            "stride fixed at 1",
            "The stride is always 1. conv_param may say another one.",
            ((_PARAM, 'stride, pad = 1, conv_param["pad"]'),),
        ),
        Mistake(
            "stride in the size only",
            "The output has the right size, but the windows move by one pixel each time: the stride is in the formula "
            "of the size, and not in the places of the windows.",
            ((_WINDOW, "window = framed[:, :, i : i + HH, j : j + WW]"),),
        ),
        Mistake(
            "stride along the rows only",
            "The stride is used along one axis only. Windows are that far apart both downwards and to the right.",
            ((_WINDOW, _WINDOW.replace("j * stride : j * stride", "j : j")),),
        ),
        Mistake(
            "stride along the columns only",
            "The stride moves the windows to the right, but not downwards.",
            ((_WINDOW, _WINDOW.replace("i * stride : i * stride", "i : i")),),
        ),
        Mistake(
            "height for width",
            "The output is square: its width is computed from the heights.",
            ((_SIZE, "out_h = out_w = 1 + (H + 2 * pad - HH) // stride"),),
        ),
        Mistake(
            "3 × 3 filters only",
            "The filters are taken for 3 × 3. Their shape says how large they are.",
            ((_KERNEL, "F, HH, WW = len(w), 3, 3"),),
        ),
        Mistake(
            "zeros left at the border",
            "The last row and column of the output are still zero: the loops end one step too early.",
            (
                ("for i in range(out_h):", "for i in range(out_h - 1):"),
                ("for j in range(out_w):", "for j in range(out_w - 1):"),
            ),
        ),
        Mistake(
            "rounded up",
            "The output is too large where the stride does not divide: a window that does not fit into the image as a "
            "whole gives no output.",
            (
                (_SIZE, "out_h, out_w = 1 - (HH - H - 2 * pad) // stride, 1 - (WW - W - 2 * pad) // stride"),
                (_FRAMED, "framed = np.pad(x, ((0, 0), (0, 0), (pad, pad + stride), (pad, pad + stride)))"),
            ),
        ),
        Mistake(
            "first channel only",
            "Only the first channel is looked at. A filter goes through all of them, and adds them up.",
            ((_SUM, _SUM.replace("window, w, axes=((1, 2, 3), (1, 2, 3))", "window[:, 0], w[:, 0], axes=2")),),
        ),
        Mistake(
            "first image only",
            "All images of the batch get the result of the first one.",
            ((_SUM, _SUM.replace("window, w", "window[:1], w")),),
        ),
        Mistake(
            "mean instead of sum",
            "The products are averaged. They are added up.",
            ((_SUM, f"{_SUM} / w[0].size"),),
        ),
    ),
)
