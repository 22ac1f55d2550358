"""affine_forward and affine_backward."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, backward, joined, narrow, own_backward

DX, DW, DB = (0,), (1,), (2,)
_ALL = (0, 1, 2)


def _affine(rng, shape, units):
    """(x, w, b) for x of this shape."""
    features = int(np.prod(shape[1:]))
    return rng.normal(size=shape), rng.normal(size=(features, units)), rng.normal(size=units)


def _forward(rng, *problems):
    """Calls of affine_forward, of whose results the output is looked at."""
    return [Case(_affine(rng, shape, units), take=OUT) for shape, units in problems]


def _edges(rng):
    single = _forward(rng, ((1, 4), 3), ((5, 1), 2), ((4, 3), 1), ((1, 2, 3), 1))
    return [*single, Case(narrow(_affine(rng, (4, 6), 3)), take=OUT)]


_OUT = "out = rows @ w + b"
_ROWS = "rows = x.reshape(len(x), -1)"

AFFINE_FORWARD = Check(
    "affine_forward",
    (
        Property(
            "Rows of features: x of shape (N, D)",
            1.5,
            lambda rng: _forward(rng, ((5, 4), 3), ((3, 6), 4)),
            **SINGLE_PRECISION,
        ),
        Property(
            "Images: x of shape (N, d1, ..., dk)",
            1,
            lambda rng: _forward(rng, ((4, 3, 2, 5), 4), ((3, 2, 4), 5)),
            **SINGLE_PRECISION,
        ),
        Property("One example, one feature, one unit, float32", 0.5, _edges, **SINGLE_PRECISION),
    ),
    (
        Mistake("no bias", "The bias is missing: every unit adds its own number b.", ((_OUT, "out = rows @ w"),)),
        Mistake(
            "bias subtracted",
            "The bias is subtracted. It is added to the product.",
            ((_OUT, "out = rows @ w - b"),),
        ),
        Mistake(
            "not reshaped",
            "This works only for x of two axes. Each example has to become one row of D numbers first, whatever its "
            "shape.",
            ((_OUT, "out = x @ w + b"),),
        ),
        Mistake(
            "columns instead of rows",
            "Examples are mixed up: the reshape has to keep the numbers of one example together, so the first axis "
            "stays as it is.",
            ((_ROWS, "rows = x.reshape(-1, len(x)).T"),),
        ),
        Mistake(
            "Fortran order",
            "The numbers of an image are unrolled with the first axis running fastest, as in MATLAB. Here the last one "
            "runs fastest, NumPy's default.",
            ((_ROWS, 'rows = x.reshape(len(x), -1, order="F")'),),
        ),
        Mistake(
            "activated",
            "Negative outputs are cut off. The affine layer is linear: the ReLU is a layer of its own.",
            ((_OUT, "out = np.maximum(0, rows @ w + b)"),),
        ),
        Mistake(
            "divided by N",
            "The output is divided by the number of examples. Averaging belongs to the loss alone.",
            ((_OUT, "out = (rows @ w + b) / len(x)"),),
        ),
    ),
)


def _affine_backward(rng, *problems, single_precision=False):
    drawn = []
    for shape, units in problems:
        arguments, dout = _affine(rng, shape, units), rng.normal(size=(shape[0], units))
        if single_precision:
            arguments, (dout,) = narrow(arguments), narrow((dout,))
        drawn.append((arguments, dout, arguments))
    return backward("affine_forward", drawn, _ALL)


def _own_affine(rng):
    arguments, dout = _affine(rng, (4, 3, 2), 5), rng.normal(size=(4, 5))
    return own_backward(rng, "affine_forward", arguments, dout, (0, 1, 2, 0, 1), _ALL)


def _rows(rng):
    return _affine_backward(rng, ((5, 4), 3), ((3, 6), 4))


def _images(rng):
    return _affine_backward(rng, ((4, 3, 2, 5), 3), ((3, 2, 4), 5))


def _single(rng):
    return joined(
        _affine_backward(rng, ((1, 4), 3), ((5, 1), 2), ((4, 3), 1)),
        _affine_backward(rng, ((4, 3), 2), single_precision=True),
    )


_GIVEN_DX = "dx = (dout @ w.T).reshape(x.shape)"
_GIVEN_DW = "dw = x.reshape(len(x), -1).T @ dout"
_GIVEN_DB = "db = dout.sum(axis=0)"
_GIVEN_RETURN = "return dx, dw, db"

AFFINE_BACKWARD = Check(
    "affine_backward",
    (
        Property("dx", 1, _rows, "either", outputs=DX, **SINGLE_PRECISION),
        Property("dw", 1, _rows, "either", outputs=DW, **SINGLE_PRECISION),
        Property("db", 1, _rows, "either", outputs=DB, **SINGLE_PRECISION),
        Property("Images: dx has the shape of x", 0.5, _images, "either", outputs=(0, 1), **SINGLE_PRECISION),
        Property("One example, one feature, one unit, float32", 0.5, _single, "either", **SINGLE_PRECISION),
        Property(
            "The gradients of your own affine_forward, from your own cache",
            1,
            _own_affine,
            "own_backward",
            rtol=5e-3,
            atol=1e-3,
        ),
    ),
    (
        Mistake(
            "bias gradient over the wrong axis",
            "db is summed over the units and has one number an example. The bias of a unit is used by all examples, so "
            "add over the examples: one number a unit.",
            ((_GIVEN_DB, "db = dout.sum(axis=1)"),),
        ),
        Mistake(
            "bias gradient one number",
            "db is one number for all units. Every unit has a bias, and a gradient, of its own.",
            ((_GIVEN_DB, "db = dout.sum()"),),
        ),
        Mistake(
            "bias gradient averaged",
            "db is averaged over the examples. The loss has done that already, in dout: add.",
            ((_GIVEN_DB, "db = dout.mean(axis=0)"),),
        ),
        Mistake(
            "bias gradient not summed",
            "db is dout itself. The bias of a unit is used by all examples, and what they send back adds up.",
            ((_GIVEN_DB, "db = dout"),),
        ),
        Mistake(
            "no bias gradient",
            "db is zero, as if the output did not depend on the bias.",
            ((_GIVEN_DB, "db = np.zeros(w.shape[1])"),),
        ),
        Mistake(
            "dx not reshaped back",
            "dx comes out as rows. A gradient has the shape of what it belongs to: here that of x.",
            ((_GIVEN_DX, "dx = dout @ w.T"),),
        ),
        Mistake(
            "x not reshaped",
            "dw is right for x of two axes only: unroll the examples into rows, as in the forward pass.",
            ((_GIVEN_DW, "dw = x.T @ dout"),),
        ),
        Mistake(
            "dw averaged",
            "dw is divided by the number of examples. The loss has done that already, in dout.",
            ((_GIVEN_DW, f"{_GIVEN_DW} / len(x)"),),
        ),
        Mistake(
            "everything averaged",
            "dw and db are divided by the number of examples. The loss has done that already, in dout.",
            ((_GIVEN_DW, f"{_GIVEN_DW} / len(x)"), (_GIVEN_DB, "db = dout.mean(axis=0)")),
        ),
        Mistake(
            "weights not transposed",
            "The product for dx does not fit: dout has a column for each unit, and so has w. Which of w's axes has to "
            "meet which of dout's?",
            ((_GIVEN_DX, "dx = (dout @ w).reshape(x.shape)"),),
        ),
        Mistake(
            "returned in another order",
            "dx and dw are exchanged. The order is that of forward's arguments.",
            ((_GIVEN_RETURN, "return dw, dx, db"),),
        ),
        Mistake(
            "dw transposed",
            "dw is transposed: it needs the shape of w, features by units.",
            ((_GIVEN_DW, "dw = dout.T @ x.reshape(len(x), -1)"),),
        ),
        Mistake(
            "bias added to dx",
            "The bias appears in dx. It is a constant as far as x is concerned: how fast the output changes with x "
            "does not depend on it.",
            ((_GIVEN_DX, "dx = ((dout + cache[2]) @ w.T).reshape(x.shape)"),),
        ),
    ),
)
