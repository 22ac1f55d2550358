"""conv_forward_naive and conv_backward_naive."""

from functools import partial

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, backward, joined, narrow, own_backward

FORWARD = "conv_forward_naive"
DX, DW, DB = (0,), (1,), (2,)
_ALL = (0, 1, 2)

# (shape of x, shape of w, stride, pad)
_SQUARE = (((2, 3, 5, 5), (2, 3, 3, 3), 1, 1), ((3, 2, 4, 4), (4, 2, 3, 3), 1, 1))
_NO_PADDING = (((2, 2, 5, 6), (3, 2, 3, 3), 1, 0), ((3, 2, 4, 5), (2, 2, 3, 3), 1, 0))
_STRIDES = (((2, 2, 6, 7), (3, 2, 3, 3), 2, 1), ((2, 3, 8, 6), (2, 3, 3, 3), 3, 2))
_KERNELS = (((2, 2, 5, 7), (3, 2, 2, 4), 1, 1), ((3, 2, 6, 4), (2, 2, 3, 1), 1, 2), ((2, 3, 7, 8), (2, 3, 5, 2), 1, 2))
_SINGLE = (((1, 3, 4, 5), (2, 3, 3, 3), 1, 1), ((2, 1, 5, 4), (1, 1, 3, 3), 1, 1))


def _arguments(rng, x, w, stride, pad, bias=True):
    b = 2 + rng.normal(size=w[0]) if bias else np.zeros(w[0])
    return rng.normal(size=x), rng.normal(size=w), b, {"stride": stride, "pad": pad}


def _gradient(rng, x, w, stride, pad):
    """dout, of the size of the output."""
    height, width = (1 + (n + 2 * pad - k) // stride for n, k in zip(x[2:], w[2:], strict=True))
    return rng.normal(size=(x[0], w[0], height, width))


def _forward(problems, rng, bias=False):
    return [Case(_arguments(rng, *problem, bias), take=OUT) for problem in problems]


def _single(rng):
    return [*_forward(_SINGLE, rng), Case(narrow(_arguments(rng, *_SQUARE[0], bias=False)), take=OUT)]


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
            partial(_forward, _SQUARE, bias=True),
            **SINGLE_PRECISION,
        ),
        Property("No padding", 1, partial(_forward, _NO_PADDING), **SINGLE_PRECISION),
        Property("Strides 2 and 3, dividing or not", 1, partial(_forward, _STRIDES), **SINGLE_PRECISION),
        Property("Filters and images of other shapes, padding 2", 1, partial(_forward, _KERNELS), **SINGLE_PRECISION),
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


def _backward(problems, rng, single_precision=False):
    drawn = []
    for problem in problems:
        arguments, dout = _arguments(rng, *problem), _gradient(rng, *problem)
        if single_precision:
            arguments, (dout,) = narrow(arguments), narrow((dout,))
        drawn.append((arguments, dout, arguments))
    return backward(FORWARD, drawn, _ALL)


def _edges(rng):
    return joined(_backward(_SINGLE, rng), _backward(_SQUARE[:1], rng, single_precision=True))


def _own(rng):
    arguments, dout = _arguments(rng, *_SQUARE[0]), _gradient(rng, *_SQUARE[0])
    return own_backward(rng, FORWARD, arguments, dout, (0, 1, 2, 0, 1), _ALL)


def _either(title, points, problems, **settings):
    return Property(title, points, partial(_backward, problems), "either", **settings, **SINGLE_PRECISION)


_STEPS = 'step, margin = conv_param["stride"], conv_param["pad"]'
_AROUND = "around = np.pad(x, ((0, 0), (0, 0), (margin, margin), (margin, margin)))"
_CORNER = "top, left = i * step, j * step"
_END = "bottom, right = top + w.shape[2], left + w.shape[3]"
_DB = "db = dout.sum(axis=(0, 2, 3))"
_DW = "dw[f] += dout[n, f, i, j] * around[n, :, top:bottom, left:right]"
_DX = "daround[n, :, top:bottom, left:right] += dout[n, f, i, j] * w[f]"
_CUT = "dx = daround[:, :, margin : margin + x.shape[2], margin : margin + x.shape[3]]"
_RETURN = "return dx, dw, db"

CONV_BACKWARD = Check(
    "conv_backward_naive",
    (
        _either("dx", 1.5, _SQUARE, outputs=DX),
        _either("dw", 1.5, _SQUARE, outputs=DW),
        _either("db", 0.5, _SQUARE, outputs=DB),
        _either("dx without padding", 0.5, _NO_PADDING, outputs=DX),
        _either("Strides 2 and 3, dividing or not", 0.5, _STRIDES, outputs=(0, 1)),
        _either("Filters and images of other shapes, padding 2", 0.5, _KERNELS, outputs=(0, 1)),
        Property("One image, one channel, float32", 0.5, _edges, "either", **SINGLE_PRECISION),
        Property(
            f"The gradients of your own {FORWARD}, from your own cache",
            0.5,
            _own,
            "own_backward",
            rtol=5e-3,
            atol=1e-3,
        ),
    ),
    (
        Mistake(
            "frame cut by negative numbers",
            "The frame is cut off by a slice that ends pad before the end. With pad = 0 that is the beginning, and "
            "nothing is left. Let it end where the image ends.",
            ((_CUT, "dx = daround[:, :, margin:-margin, margin:-margin]"),),
        ),
        Mistake(
            "frame not cut off",
            "dx has the frame around it still. A gradient has the shape of what it belongs to.",
            ((_CUT, "dx = daround"),),
        ),
        Mistake(
            "cut at the wrong end",
            "dx has the right size, but the frame was cut off on two sides only: dx begins in it.",
            ((_CUT, "dx = daround[:, :, : x.shape[2], : x.shape[3]]"),),
        ),
        Mistake(
            "dx overwritten",
            "dx keeps what came last. Windows overlap, and every filter sends something back: add up.",
            ((_DX, _DX.replace("+=", "=")),),
        ),
        Mistake(
            "dw overwritten",
            "dw keeps what the last image and place send back. All places of all images use the same weights: add up.",
            ((_DW, _DW.replace("+=", "=")),),
        ),
        Mistake(
            "dw of the last image",
            "dw has the last image of the batch only: what the images send back adds up. Is something set to zero, or "
            "assigned, within the loop over the images?",
            ((_DW, f"dw[f] += (n == len(x) - 1) * {_DW.split(' += ')[1]}"),),
        ),
        Mistake(
            "dw of the first image",
            "dw has the first image of the batch only: what the images send back adds up.",
            ((_DW, f"dw[f] += (n == 0) * {_DW.split(' += ')[1]}"),),
        ),
        Mistake(
            "dw averaged",
            "dw is divided by the number of images. The loss has done that already, in dout: add.",
            ((_RETURN, "return dx, dw / len(x), db"),),
        ),
        Mistake(
            "dw and db averaged",
            "dw and db are divided by the number of images. The loss has done that already, in dout: add.",
            ((_RETURN, "return dx, dw / len(x), db / len(x)"),),
        ),
        Mistake(
            "no frame around x",
            "dw is made from an image without its frame. In the forward pass the filters met the framed image, with "
            "its zeros in front.",
            ((_AROUND, "around = np.pad(x, ((0, 0), (0, 0), (0, 2 * margin), (0, 2 * margin)))"),),
        ),
        Mistake(
            "filters flipped in dx",
            "The filters are flipped in dx. A pixel gets dout times the weight that it met, and forward that was the "
            "filter as it is.",
            ((_DX, _DX.replace("w[f]", "w[f, :, ::-1, ::-1]")),),
        ),
        Mistake(
            "dw flipped",
            "dw is upside down: a weight gets dout times the pixel that it met.",
            ((_DW, _DW.replace("right]", "right][:, ::-1, ::-1]")),),
        ),
        Mistake(
            "db over the wrong axes",
            "db has numbers for the images, or the places. The bias of a filter is used in all images and at all "
            "places: add over these, one number a filter.",
            ((_DB, "db = dout.sum(axis=(1, 2, 3))"),),
        ),
        Mistake(
            "db of each place",
            "db is added over the images only. A bias is used at all places as well: one number a filter.",
            ((_DB, "db = dout.sum(axis=0)"),),
        ),
        Mistake(
            "db one number",
            "db is one number for all filters. Each filter has a bias, and a gradient, of its own.",
            ((_DB, "db = dout.sum()"),),
        ),
        Mistake(
            "db averaged",
            "db is averaged. The loss has done that already, in dout: add.",
            ((_DB, "db = dout.mean(axis=(0, 2, 3))"),),
        ),
        Mistake(
            "no db",
            "db is zero, as if the output did not depend on the biases.",
            ((_DB, "db = np.zeros(len(w))"),),
        ),
        Mistake(
            "stride fixed at 1",
            "The stride is always 1. conv_param may say another one.",
            ((_STEPS, 'step, margin = 1, conv_param["pad"]'),),
        ),
        Mistake(
            "stride along the rows only",
            "The stride is used along one axis only: windows are that far apart in both directions.",
            ((_CORNER, "top, left = i * step, j"),),
        ),
        Mistake(
            "3 × 3 filters only",
            "The filters are taken for 3 × 3. Their shape says how large they are.",
            ((_END, "bottom, right = top + 3, left + 3"),),
        ),
        Mistake(
            "returned in another order",
            "dx and dw are exchanged. The order is that of forward's arguments.",
            ((_RETURN, "return dw, dx, db"),),
        ),
    ),
)
