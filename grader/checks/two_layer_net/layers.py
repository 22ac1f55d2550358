"""affine_forward, affine_backward, relu_forward and relu_backward."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept
from grader.check import Check, Mistake, Property

OUT, DX, DW, DB = (0,), (0,), (1,), (2,)
_ALL = (0, 1, 2)
_SINGLE_PRECISION = {"rtol": 1e-4, "atol": 2e-5}  # right answers may compute in float32
_STEP = 0.05


def _affine(rng, shape, units):
    """(x, w, b) for x of this shape."""
    features = int(np.prod(shape[1:]))
    return rng.normal(size=shape), rng.normal(size=(features, units)), rng.normal(size=units)


def _forward(rng, *problems):
    """Calls of affine_forward, of whose results the output is looked at."""
    return [Case(_affine(rng, shape, units), take=OUT) for shape, units in problems]


def _narrow(arguments):
    return tuple(a.astype(np.float32) for a in arguments)


def _edges(rng):
    single = _forward(rng, ((1, 4), 3), ((5, 1), 2), ((4, 3), 1), ((1, 2, 3), 1))
    return [*single, Case(_narrow(_affine(rng, (4, 6), 3)), take=OUT)]


_OUT = "out = rows @ w + b"
_ROWS = "rows = x.reshape(len(x), -1)"

AFFINE_FORWARD = Check(
    "affine_forward",
    (
        Property(
            "Rows of features: x of shape (N, D)",
            1.5,
            lambda rng: _forward(rng, ((5, 4), 3), ((3, 6), 4)),
            **_SINGLE_PRECISION,
        ),
        Property(
            "Images: x of shape (N, d1, ..., dk)",
            1,
            lambda rng: _forward(rng, ((4, 3, 2, 5), 4), ((3, 2, 4), 5)),
            **_SINGLE_PRECISION,
        ),
        Property("One example, one feature, one unit, float32", 0.5, _edges, **_SINGLE_PRECISION),
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


def backward(forward, problems, take=None):
    """In threes: the forward call, the backward call with what it kept, and with the cache of the text.

    problems: (arguments of forward, dout, documented cache).
    """
    cases = []
    for arguments, dout, cache in problems:
        own = Kept(len(cases), 1)
        cases.append(Case(arguments, function=forward, take=()))
        cases += [Case((dout, own), take=take), Case((dout, cache), take=take)]
    return cases


def _affine_backward(rng, *problems, narrow=False):
    drawn = []
    for shape, units in problems:
        arguments, dout = _affine(rng, shape, units), rng.normal(size=(shape[0], units))
        if narrow:
            arguments, (dout,) = _narrow(arguments), _narrow((dout,))
        drawn.append((arguments, dout, arguments))
    return backward("affine_forward", drawn, _ALL)


def _own_affine(rng):
    """Forward, backward, and forward again with one argument after the other moved there and back."""
    arguments = _affine(rng, (4, 3, 2), 5)
    cases = [
        Case(arguments, function="affine_forward", take=OUT),
        Case((rng.normal(size=(4, 5)), Kept(0, 1)), take=_ALL),
    ]
    for place in (0, 1, 2, 0, 1):
        step = _STEP * rng.normal(size=arguments[place].shape)
        for change in (step, -step):
            moved = tuple(a + change if i == place else a for i, a in enumerate(arguments))
            cases.append(Case(moved, function="affine_forward", take=OUT))
    return cases


def _rows(rng):
    return _affine_backward(rng, ((5, 4), 3), ((3, 6), 4))


def _images(rng):
    return _affine_backward(rng, ((4, 3, 2, 5), 3), ((3, 2, 4), 5))


def _single(rng):
    return _affine_backward(rng, ((1, 4), 3), ((5, 1), 2), ((4, 3), 1)) + _renumbered(
        _affine_backward(rng, ((4, 3), 2), narrow=True), 9
    )


def _renumbered(cases, start):
    """The cases as they are when `start` others stand before them."""
    return [
        Case(
            tuple(Kept(a.of + start, a.part) if isinstance(a, Kept) else a for a in c.arguments), (), c.function, c.take
        )
        for c in cases
    ]


_GIVEN_DX = "dx = (dout @ w.T).reshape(x.shape)"
_GIVEN_DW = "dw = x.reshape(len(x), -1).T @ dout"
_GIVEN_DB = "db = dout.sum(axis=0)"
_GIVEN_RETURN = "return dx, dw, db"

AFFINE_BACKWARD = Check(
    "affine_backward",
    (
        Property("dx", 1, _rows, "either", outputs=DX, **_SINGLE_PRECISION),
        Property("dw", 1, _rows, "either", outputs=DW, **_SINGLE_PRECISION),
        Property("db", 1, _rows, "either", outputs=DB, **_SINGLE_PRECISION),
        Property("Images: dx has the shape of x", 0.5, _images, "either", outputs=(0, 1), **_SINGLE_PRECISION),
        Property("One example, one feature, one unit, float32", 0.5, _single, "either", **_SINGLE_PRECISION),
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
        step = rng.uniform(-_STEP, _STEP, size=x.shape)
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
            **_SINGLE_PRECISION,
        ),
        Property(
            "The gradient of your own relu_forward, from your own cache",
            0.5,
            _own_relu,
            "own_backward",
            rtol=1e-3,
            atol=1e-4,
        ),
        Property("Where x is exactly 0: any slope from 0 to 1", 0.5, _kinks, "subgradient", **_SINGLE_PRECISION),
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
