"""conv_backward_naive."""

from functools import partial

from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import backward, joined, narrow, own_backward
from .conv_forward import FORWARD, KERNELS, NO_PADDING, SINGLE, SQUARE, STRIDES, arguments_of

DX, DW, DB = (0,), (1,), (2,)
_ALL = (0, 1, 2)


def _gradient(rng, x, w, stride, pad):
    """dout, of the size of the output."""
    height, width = (1 + (n + 2 * pad - k) // stride for n, k in zip(x[2:], w[2:], strict=True))
    return rng.normal(size=(x[0], w[0], height, width))


def _backward(problems, rng, single_precision=False):
    drawn = []
    for problem in problems:
        arguments, dout = arguments_of(rng, *problem), _gradient(rng, *problem)
        if single_precision:
            arguments, (dout,) = narrow(arguments), narrow((dout,))
        drawn.append((arguments, dout, arguments))
    return backward(FORWARD, drawn, _ALL)


def _edges(rng):
    return joined(_backward(SINGLE, rng), _backward(SQUARE[:1], rng, single_precision=True))


def _own(rng):
    arguments, dout = arguments_of(rng, *SQUARE[0]), _gradient(rng, *SQUARE[0])
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
        _either("dx", 1.5, SQUARE, outputs=DX),
        _either("dw", 1.5, SQUARE, outputs=DW),
        _either("db", 0.5, SQUARE, outputs=DB),
        _either("dx without padding", 0.5, NO_PADDING, outputs=DX),
        _either("Strides 2 and 3, dividing or not", 0.5, STRIDES, outputs=(0, 1)),
        _either("Filters and images of other shapes, padding 2", 0.5, KERNELS, outputs=(0, 1)),
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
