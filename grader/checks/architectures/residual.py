"""residual_block_forward and residual_block_backward."""

from functools import partial

from cs231n_kit.layers import conv_forward, relu_forward
from grader.check import Check, Mistake, Property

from .blocks import all_on, away, conv_relu, filters, gradients, outs, own_gradients, single, threes

FORWARD = "residual_block_forward"
CONVOLUTIONS, PROJECTION = ("W1", "b1", "W2", "b2"), ("W_proj", "b_proj")
DX = (0,)


def run(x, params, stride=1):
    """out and the cache of the text."""
    hidden, cache1 = conv_relu(x, params, "1", stride, 1)
    branch, cache2 = conv_forward(hidden, params["W2"], params["b2"], {"stride": 1, "pad": 1})
    shortcut, projection_cache = x, None
    if "W_proj" in params:
        shortcut, projection_cache = conv_forward(x, params["W_proj"], params["b_proj"], {"stride": stride, "pad": 0})
    out, relu_cache = relu_forward(branch + shortcut)
    return out, (cache1, cache2, projection_cache, relu_cache)


def _problem(rng, shape, filters_out=0, stride=None, accepts=away):
    """(x, params) or (x, params, stride). filters_out: of a block with a projection; 0: identity.

    accepts: what is asked of the inputs of the ReLUs, `away` or `all_on`.
    """
    channels, count = shape[1], filters_out or shape[1]
    while True:
        x = rng.normal(size=shape)
        biases = (5, 30) if accepts is all_on else (0, 0)
        params = filters(rng, count, channels, 3, "1", biases[0]) | filters(rng, count, count, 3, "2", biases[1])
        if filters_out:
            params |= filters(rng, count, channels, 1, "_proj")
        arguments = (x, params) if stride is None else (x, params, stride)
        _, ((_, first), _, _, last) = run(*arguments)
        if accepts(first, last):
            return arguments


def _sizes(rng, low=3, high=6):
    """Height and width, which differ."""
    return (int(n) for n in rng.choice(range(low, high), size=2, replace=False))


def _identity(rng):
    channels = int(rng.integers(2, 4))
    return [_problem(rng, (n, channels, *_sizes(rng)), stride=stride) for n, stride in ((2, None), (1, 1))]


def _projection(rng):
    """With all ReLUs on, so that who forgets one of them can show that the projection is right."""
    channels = int(rng.integers(2, 4))
    return [_problem(rng, (n, channels, *_sizes(rng)), channels + n, 1, all_on) for n in (1, 2)]


def _strided(rng):
    """Strides 2 and 3, which divide the sizes or do not; also with as many channels as before."""
    return [
        _problem(rng, (2, 2, *(2 * n for n in _sizes(rng, 2, 4))), 3, 2),
        _problem(rng, (1, 3, *(2 * n + 1 for n in _sizes(rng, 2, 4))), 3, 2),
        _problem(rng, (1, 2, 7, 5), 4, 3),
    ]


def _edges(rng):
    return [
        _problem(rng, (1, 2, 1, 4)),
        single(_problem(rng, (1, 3, 4, 3))),
        _problem(rng, (2, 1, 5, 4), 2, 1),
        single(_problem(rng, (2, 2, 4, 5), 3, 2)),
    ]


_HIDDEN = 'hidden, cache1 = conv_relu_forward(x, params["W1"], params["b1"], {"stride": stride, "pad": 1})'
_BRANCH = 'branch, cache2 = conv_forward(hidden, params["W2"], params["b2"], {"stride": 1, "pad": 1})'
_SHORTCUT = "shortcut, projection_cache = x, None"
_PROJECTED = 'if "W_proj" in params:'
_MEETING = "out, relu_cache = relu_forward(branch + shortcut)"
_PROJECTING = (
    'shortcut, projection_cache = conv_forward(x, params["W_proj"], params["b_proj"], {"stride": stride, "pad": 0})'
)

RESIDUAL_BLOCK_FORWARD = Check(
    FORWARD,
    (
        outs("Identity shortcut", 1.5, _identity),
        outs("Projection to more channels, all ReLUs on", 1, _projection),
        outs("Projection with a stride", 1, _strided),
        outs("One image, one channel, one row, float32", 0.5, _edges),
    ),
    (
        Mistake(
            "no shortcut",
            "The input is not added: this is a plain stack of two convolutions.",
            ((_MEETING, "out, relu_cache = relu_forward(branch)"),),
        ),
        Mistake(
            "identity not added",
            "Where there is a projection it is added, but without one nothing is: the shortcut is the input then.",
            ((_SHORTCUT, "shortcut, projection_cache = 0, None"),),
        ),
        Mistake(
            "ReLU before the addition",
            "The ReLU stands before the addition, so the block can only make numbers larger. Add first: the branch may "
            "well be negative.",
            ((_MEETING, "out, relu_cache = relu_forward(branch)[0] + shortcut, None"),),
        ),
        Mistake(
            "ReLU before and after the addition",
            "There is a ReLU before the addition as well, so the branch can only add. The one after it is enough.",
            ((_MEETING, "out, relu_cache = relu_forward(relu_forward(branch)[0] + shortcut)"),),
        ),
        Mistake(
            "no ReLU at the end",
            "The sum leaves the block as it is. After the addition comes a ReLU.",
            ((_MEETING, "out, relu_cache = branch + shortcut, None"),),
        ),
        Mistake(
            "no ReLU in the middle",
            "There is no ReLU between the two convolutions: without it they are no more than one.",
            ((_HIDDEN, _HIDDEN.replace("conv_relu", "conv")),),
        ),
        Mistake(
            "shortcut subtracted",
            "The shortcut is subtracted. It is added to the branch.",
            ((_MEETING, "out, relu_cache = relu_forward(branch - shortcut)"),),
        ),
        Mistake(
            "mean of both",
            "This is the mean of branch and shortcut. The block adds them: the identity should pass undiminished.",
            ((_MEETING, "out, relu_cache = relu_forward((branch + shortcut) / 2)"),),
        ),
        Mistake(
            "shortcut from the middle",
            "The shortcut starts after the first convolution. It leads around both.",
            ((_MEETING, "out, relu_cache = relu_forward(branch + hidden)"),),
        ),
        Mistake(
            "ReLU on the shortcut",
            "The shortcut passes a ReLU of its own, so negative numbers are lost. Let it through as it is.",
            ((_MEETING, "out, relu_cache = relu_forward(branch + relu_forward(shortcut)[0])"),),
        ),
        Mistake(
            "ReLU on the projection",
            "There is a ReLU after the projection. It is a convolution alone: the ReLU comes after the addition.",
            ((_PROJECTING, _PROJECTING.replace("conv_forward", "conv_relu_forward")),),
        ),
        Mistake(
            "projection not used",
            "The projection is never used. Where params has one, x goes through it: else the shapes may not fit.",
            ((_PROJECTED, "if False:"),),
        ),
        Mistake(
            "projection for other channels only",
            "The projection is left out where the block keeps the number of channels. params says whether there is "
            "one: a stride needs it too.",
            ((_PROJECTED, 'if "W_proj" in params and len(params["W_proj"]) != x.shape[1]:'),),
        ),
        Mistake(
            "projection without stride",
            "The projection has stride 1, so its maps are larger than those of the branch. Both ways have to take the "
            "same steps.",
            ((_PROJECTING, _PROJECTING.replace('"stride": stride', '"stride": 1')),),
        ),
        Mistake(
            "projection without bias",
            "The projection's bias has no effect.",
            ((_PROJECTING, _PROJECTING.replace('params["b_proj"]', '0 * params["b_proj"]')),),
        ),
        Mistake(
            "stride in the second convolution",
            "The second convolution takes the stride. The sizes are right, but it is the first one that does so.",
            (
                (_HIDDEN, _HIDDEN.replace('"stride": stride', '"stride": 1')),
                (_BRANCH, _BRANCH.replace('"stride": 1', '"stride": stride')),
            ),
        ),
        Mistake(
            "stride in both convolutions",
            "Both convolutions take the stride, so the maps shrink twice. Only the first does so.",
            ((_BRANCH, _BRANCH.replace('"stride": 1', '"stride": stride')),),
        ),
        Mistake(
            "stride ignored",
            "The stride has no effect. The first convolution and the projection take it.",
            (
                (_HIDDEN, _HIDDEN.replace('"stride": stride', '"stride": 1')),
                (_PROJECTING, _PROJECTING.replace('"stride": stride', '"stride": 1')),
            ),
        ),
    ),
)

_DSUM = "dsum = relu_backward(dout, relu_cache)"
_SECOND = 'dhidden, grads["W2"], grads["b2"] = conv_backward(dsum, cache2)'
_FIRST = 'dx, grads["W1"], grads["b1"] = conv_relu_backward(dhidden, cache1)'
_DSHORTCUT = "dshortcut = dsum"
_DPROJECTED = 'dshortcut, grads["W_proj"], grads["b_proj"] = conv_backward(dsum, projection_cache)'
_RETURN = "return dx + dshortcut, grads"
_either = partial(gradients, forward=FORWARD, run=run)

RESIDUAL_BLOCK_BACKWARD = Check(
    "residual_block_backward",
    (
        _either("Identity shortcut: dx", 1.5, draw=_identity, names=DX),
        _either("Identity shortcut: the gradients of both convolutions", 1, draw=_identity, names=CONVOLUTIONS),
        _either("Projection, all ReLUs on: dx", 1, draw=_projection, names=DX),
        _either("Projection, all ReLUs on: its own gradients", 0.5, draw=_projection, names=PROJECTION),
        _either("Projection with a stride", 0.5, draw=_strided, names=(0, *CONVOLUTIONS, *PROJECTION)),
        Property(
            "One image, one channel, one row, float32",
            0.5,
            lambda rng: threes(rng, FORWARD, run, _edges(rng), (0, *CONVOLUTIONS)),
            "either",
            rtol=2e-3,
            atol=2e-4,
        ),
        own_gradients(1, FORWARD, run, lambda rng: _problem(rng, (2, 2, 4, 3), 3, 2)),
    ),
    (
        Mistake(
            "shortcut's gradient dropped",
            "dx is that of the convolutions alone. The input goes two ways, so its gradient is the sum of what comes "
            "back on both: the shortcut's is missing.",
            ((_RETURN, "return dx, grads"),),
        ),
        Mistake(
            "identity's gradient dropped",
            "Without a projection the shortcut's gradient is missing. An identity lets the gradient through unchanged: "
            "that is why such networks can be so deep.",
            ((_DSHORTCUT, "dshortcut = 0"),),
        ),
        Mistake(
            "projection's gradient dropped",
            "Where there is a projection, what comes back through it is missing in dx.",
            ((_DPROJECTED, f"_, {_DPROJECTED.split(', ', 1)[1]}\n        dshortcut = 0"),),
        ),
        Mistake(
            "shortcut's gradient counted twice",
            "The gradient of the shortcut is counted twice.",
            ((_RETURN, "return dx + 2 * dshortcut, grads"),),
        ),
        Mistake(
            "shortcut's gradient only",
            "dx is what comes back on the shortcut alone. What comes back through the convolutions is missing.",
            ((_RETURN, "return dshortcut, grads"),),
        ),
        Mistake(
            "mean of both ways",
            "dx is the mean of what comes back on the two ways. Gradients add up where ways part.",
            ((_RETURN, "return (dx + dshortcut) / 2, grads"),),
        ),
        Mistake(
            "last ReLU forgotten",
            "The gradient goes past the ReLU at the end: where the sum was negative, nothing comes back, on neither "
            "way.",
            ((_DSUM, "dsum = dout"),),
        ),
        Mistake(
            "last ReLU on the branch only",
            "The shortcut gets dout as it came in. The ReLU is after the addition: both ways get what comes back "
            "through it.",
            (
                (_DSHORTCUT, "dshortcut = dout"),
                (_DPROJECTED, _DPROJECTED.replace("dsum", "dout")),
            ),
        ),
        Mistake(
            "last ReLU on the shortcut only",
            "The convolutions get dout as it came in. The ReLU is after the addition: both ways get what comes back "
            "through it.",
            ((_SECOND, _SECOND.replace("dsum", "dout")),),
        ),
        Mistake(
            "middle ReLU forgotten",
            "The gradient goes past the ReLU between the convolutions: where that was off, nothing comes back.",
            ((_FIRST, _FIRST.replace("conv_relu_backward(dhidden, cache1)", "conv_backward(dhidden, cache1[0])")),),
        ),
        Mistake(
            "gradient split between the ways",
            "Each of the two ways gets half of the gradient. An addition hands all of it to both of its terms.",
            ((_DSUM, "dsum = relu_backward(dout, relu_cache) / 2"),),
        ),
        Mistake(
            "gradients of the convolutions exchanged",
            "The gradients of the two convolutions are exchanged.",
            (
                (_SECOND, _SECOND.replace('"W2"', '"W1"').replace('"b2"', '"b1"')),
                (_FIRST, _FIRST.replace('"W1"', '"W2"').replace('"b1"', '"b2"')),
            ),
        ),
        Mistake(
            "projection not trained",
            "grads has no entries for the projection. It has weights and biases as well.",
            ((_DPROJECTED, "dshortcut, _, _ = conv_backward(dsum, projection_cache)"),),
        ),
        Mistake(
            "gradient added once more before the branch",
            "The gradient of the shortcut goes into the convolutions too: it has been added to what comes back to the "
            "hidden maps. The ways meet at the input of the block.",
            ((_FIRST, f"{_FIRST.replace('dhidden,', 'dhidden + (dsum if projection_cache is None else 0),')}"),),
        ),
    ),
)
