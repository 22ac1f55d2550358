"""Known mistakes in ThreeLayerConvNet."""

from grader.check import Mistake

from ..network_mistakes import LABELS_FOR_SCORES, PROBABILITIES_FOR_SCORES, SCORES_FOR_THE_LOSS, penalty_mistakes

_MAPS = "maps, conv_cache = conv_forward(X, W1, b1, self.conv_param)"
_ACTIVE = "active = np.maximum(0, maps)"
_POOLED = "smaller, pool_cache = max_pool_forward(active, pool_param)"
_HIDDEN = "hidden = np.maximum(0, rows @ W2 + b2)"
_SCORES = "scores = hidden @ W3 + b3"
_LOSS = "loss = np.mean(np.log(sums[:, 0]) - scores[every, y])"
_PENALTY = "loss += self.reg * (np.sum(W1**2) + np.sum(W2**2) + np.sum(W3**2))"
_SLOPE = "grads[name] = grads[name] + 2 * self.reg * self.params[name]"
_PENALISED = 'for name in ("W1", "W2", "W3"):'
_PARAM = 'self.conv_param = {"stride": 1, "pad": (filter_size - 1) // 2}'
_DHIDDEN = "dhidden = (dscores @ W3.T) * (hidden > 0)"
_DMAPS = "dmaps = max_pool_backward(dsmaller, pool_cache) * (maps > 0)"
_MEAN = "dscores /= len(y)"
_RANDOM = "weight_scale * np.random.randn(*sizes[layer])"
_ZEROS = "np.zeros(units)"

_OUTPUT = (
    SCORES_FOR_THE_LOSS,
    PROBABILITIES_FOR_SCORES,
    LABELS_FOR_SCORES,
    Mistake(
        "loss not averaged",
        "The loss is added up over the images. It is their mean, and so are the gradients.",
        ((_LOSS, _LOSS.replace("np.mean", "np.sum")),),
    ),
    Mistake(
        "gradients not averaged",
        "The loss is a mean over the images, but the gradients are sums.",
        ((_MEAN, "dscores /= 1"),),
    ),
    Mistake(
        "gradients averaged twice",
        "The gradients are divided by the number of images twice.",
        ((_MEAN, "dscores /= len(y) ** 2"),),
    ),
)

_LAYERS = (
    Mistake(
        "no ReLU after the convolution",
        "There is no ReLU between the convolution and the pooling: negative numbers get through.",
        ((_ACTIVE, "active = maps"), (_DMAPS, _DMAPS.replace(" * (maps > 0)", ""))),
    ),
    Mistake(
        "no ReLU between the affine layers",
        "There is no ReLU between the two affine layers. Without it they are no more than one.",
        ((_HIDDEN, "hidden = rows @ W2 + b2"), (_DHIDDEN, "dhidden = dscores @ W3.T")),
    ),
    Mistake(
        "first ReLU in one direction only",
        "The gradient goes past the ReLU of the convolution: on the way back it has to be masked where that was off.",
        ((_DMAPS, _DMAPS.replace(" * (maps > 0)", "")),),
    ),
    Mistake(
        "second ReLU in one direction only",
        "The gradient goes past the ReLU between the affine layers: mask it on the way back where units were off.",
        ((_DHIDDEN, "dhidden = dscores @ W3.T"),),
    ),
    Mistake(
        "ReLU on the scores",
        "Negative scores are cut off: there is a ReLU after the last layer. Scores may have any sign.",
        ((_SCORES, "scores = np.maximum(0, hidden @ W3 + b3)"),),
    ),
    Mistake(
        "average pooling",
        "This is average pooling. The network has max pooling.",
        (
            (_POOLED, "smaller = active.reshape(*active.shape[:2], active.shape[2] // 2, 2, -1, 2).mean(axis=(3, 5))"),
            (_DMAPS, "dmaps = dsmaller.repeat(2, axis=2).repeat(2, axis=3) / 4 * (maps > 0)"),
        ),
    ),
    Mistake(
        "no first bias",
        "b1 has no effect on the scores.",
        ((_MAPS, _MAPS.replace("b1", "0 * b1")),),
    ),
    Mistake("no second bias", "b2 has no effect on the scores.", ((_HIDDEN, _HIDDEN.replace("b2", "0 * b2")),)),
    Mistake("no third bias", "b3 has no effect on the scores.", ((_SCORES, _SCORES.replace("b3", "0 * b3")),)),
    Mistake(
        "padding fixed at 1",
        "The padding is always 1, which keeps the size for 3 × 3 filters only. It depends on filter_size.",
        ((_PARAM, 'self.conv_param = {"stride": 1, "pad": 1}'),),
    ),
    Mistake(
        "not padded",
        "There is no padding: the maps are smaller than the images, and do not fit to W2.",
        ((_PARAM, 'self.conv_param = {"stride": 1, "pad": 0}'),),
    ),
)

_PENALTIES = (
    *penalty_mistakes(_PENALTY, _SLOPE),
    Mistake(
        "filters not penalised",
        "The filters W1 are not penalised. The penalty is the sum over all three layers' weights.",
        (
            (_PENALTY, "loss += self.reg * (np.sum(W2**2) + np.sum(W3**2))"),
            (_PENALISED, 'for name in ("W2", "W3"):'),
        ),
    ),
    Mistake(
        "third layer not penalised",
        "W3 is not penalised. The penalty is the sum over all three layers' weights.",
        (
            (_PENALTY, "loss += self.reg * (np.sum(W1**2) + np.sum(W2**2))"),
            (_PENALISED, 'for name in ("W1", "W2"):'),
        ),
    ),
    Mistake(
        "biases penalised",
        "The biases are penalised too. Only the weights are: a bias does not make a function wilder.",
        (
            (_PENALTY, "loss += self.reg * sum(np.sum(p**2) for p in self.params.values())"),
            (_PENALISED, "for name in grads:"),
        ),
    ),
)

_BEGINNINGS = (
    Mistake(
        "weights not scaled",
        "The weights are of size 1: weight_scale has no effect.",
        ((_RANDOM, "np.random.randn(*sizes[layer])"),),
    ),
    Mistake(
        "weights zero",
        "All weights start at zero. Then all filters are alike and stay so: start from random numbers.",
        ((_RANDOM, f"0 * {_RANDOM}"),),
    ),
    Mistake(
        "weights all positive",
        "The weights are positive, drawn evenly from 0 to weight_scale. Draw them from a normal distribution around 0.",
        ((_RANDOM, _RANDOM.replace("randn", "rand")),),
    ),
    Mistake(
        "weights of variance weight_scale",
        "The size of the weights is the square root of weight_scale. It is itself their standard deviation.",
        ((_RANDOM, "np.sqrt(weight_scale) * np.random.randn(*sizes[layer])"),),
    ),
    Mistake(
        "biases one",
        "The biases are ones. They start at zero.",
        ((_ZEROS, "np.ones(units)"),),
    ),
    Mistake(
        "biases random",
        "The biases are random numbers. They start at zero.",
        ((_ZEROS, "weight_scale * np.random.randn(units)"),),
    ),
    Mistake(
        "pooling forgotten in W2",
        "W2 is as large as if nothing was pooled: after the pooling, the maps have half the height and half the width.",
        (("num_filters * (H // 2) * (W // 2)", "num_filters * H * W"),),
    ),
    Mistake(
        "images taken for square",
        "W2 takes the images for square: the height and the width are both needed.",
        (("num_filters * (H // 2) * (W // 2)", "num_filters * (H // 2) ** 2"),),
    ),
)

MISTAKES = (*_OUTPUT, *_LAYERS, *_PENALTIES, *_BEGINNINGS)
