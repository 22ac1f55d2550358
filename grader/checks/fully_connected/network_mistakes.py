"""What goes wrong in a FullyConnectedNet."""

from grader.check import Mistake

from ..network_mistakes import LABELS_NOT_LOOKED_AT, PROBABILITIES_FOR_SCORES, SCORES_FOR_THE_LOSS, penalty_mistakes

_SIZES = "sizes = [input_dim, *hidden_dims, num_classes]"
_W = 'self.params[f"W{i + 1}"] = weight_scale * np.random.randn(sizes[i], sizes[i + 1])'
_B = 'self.params[f"b{i + 1}"] = np.zeros(sizes[i + 1])'
_PAIRS = "zip(weights[:-1], biases[:-1], strict=True)"
_HIDDEN = "hidden, cache = affine_relu_forward(hidden, w, b)"
_SCORES = "scores, last_cache = affine_forward(hidden, weights[-1], biases[-1])"
_LOSS = "loss, dscores = softmax_loss(scores, y)"
_LAST = "dhidden, dw, db = affine_backward(dscores, last_cache)"
_BACK = "dhidden, dw, db = affine_relu_backward(dhidden, caches[i - 1])"
_STORE = 'grads[f"W{i}"], grads[f"b{i}"] = dw, db'
_PENALISED = "for i, w in enumerate(weights, start=1):"
_PENALTY = "loss += self.reg * np.sum(w**2)"
_SLOPE = 'grads[f"W{i}"] += 2 * self.reg * w'
_RETURN = "return loss, grads"

_WITH_BIASES = "sum(np.sum(p**2) for p in self.params.values())"
_SLOPES = "grads = {name: g + 2 * self.reg * self.params[name] for name, g in grads.items()}"


def _weights(old, new):
    assert old in _W
    return ((_W, _W.replace(old, new)),)


_INITIAL = (
    Mistake(
        "weights not scaled",
        "The weights are of size 1: weight_scale has no effect.",
        _weights("weight_scale * ", ""),
    ),
    Mistake(
        "weights zero",
        "All weights start at zero. Then all units of a layer are alike and stay so: start from random numbers.",
        _weights("weight_scale *", "0 *"),
    ),
    Mistake(
        "weights all positive",
        "The weights are positive, drawn evenly from 0 to weight_scale. Draw them from a normal distribution around 0.",
        _weights("np.random.randn", "np.random.rand"),
    ),
    Mistake(
        "weights of variance weight_scale",
        "The size of the weights is the square root of weight_scale. It is itself their standard deviation.",
        _weights("weight_scale *", "np.sqrt(weight_scale) *"),
    ),
    Mistake(
        "weights transposed",
        "The weights are transposed: what comes in is the first axis, what goes out the second.",
        _weights("sizes[i], sizes[i + 1]", "sizes[i + 1], sizes[i]"),
    ),
    Mistake(
        "all hidden layers of one size",
        "All hidden layers have the size of the first one. hidden_dims holds a size for each.",
        ((_SIZES, "sizes = [input_dim, *[*hidden_dims[:1]] * len(hidden_dims), num_classes]"),),
    ),
    Mistake(
        "biases random",
        "The biases are random numbers. They start at zero.",
        ((_B, 'self.params[f"b{i + 1}"] = weight_scale * np.random.randn(sizes[i + 1])'),),
    ),
    Mistake(
        "biases one",
        "The biases are ones. They start at zero.",
        ((_B, 'self.params[f"b{i + 1}"] = np.ones(sizes[i + 1])'),),
    ),
    Mistake(
        "at least one hidden layer",
        "An empty hidden_dims fails: the code takes for granted that there is a first hidden layer.",
        ((_SIZES, f"first = hidden_dims[0]\n        {_SIZES}"),),
    ),
)

_FORWARD = (
    Mistake(
        "no ReLU",
        "There is no ReLU between the layers. Without it they are no more than one linear layer.",
        ((_HIDDEN, "hidden, cache = affine_forward(hidden, w, b)\n            cache = cache, 1"),),
    ),
    Mistake(
        "ReLU on the scores",
        "Negative scores are cut off: there is a ReLU after the last layer too. Scores may have any sign.",
        (
            (_SCORES, "scores, last_cache = affine_relu_forward(hidden, weights[-1], biases[-1])"),
            (_LAST, "dhidden, dw, db = affine_relu_backward(dscores, last_cache)"),
        ),
    ),
    Mistake(
        "ReLU on the scores, not on the way back",
        "Negative scores are cut off: there is a ReLU after the last layer too. Scores may have any sign.",
        ((_SCORES, f"{_SCORES}\n        scores = np.maximum(0, scores)"),),
    ),
    Mistake(
        "ReLU in one direction only",
        "The gradient goes past the ReLUs: on the way back it has to be masked where the hidden units were off.",
        ((_BACK, "dhidden, dw, db = affine_backward(dhidden, caches[i - 1][0])"),),
    ),
    Mistake(
        "ReLU behind the first layer only",
        "Only the first hidden layer has a ReLU. There is one between any two layers.",
        (
            (
                _HIDDEN,
                f"{_HIDDEN}\n            if caches:\n"
                "                hidden, cache = caches[-1][2] @ w + b, (cache[0], 1)\n"
                "            cache = (*cache, hidden)",
            ),
            (_BACK, "dhidden, dw, db = affine_relu_backward(dhidden, caches[i - 1][:2])"),
        ),
    ),
    Mistake(
        "no biases in the hidden layers",
        "The biases of the hidden layers have no effect.",
        ((_HIDDEN, "hidden, cache = affine_relu_forward(hidden, w, 0 * b)"),),
    ),
    Mistake(
        "no bias in the last layer",
        "The bias of the last layer has no effect on the scores.",
        ((_SCORES, _SCORES.replace("biases[-1]", "0 * biases[-1]")),),
    ),
    Mistake(
        "a hidden layer left out",
        "With two hidden layers or more, the last of them is never used, and shapes do not fit. How many times does "
        "your loop run?",
        ((_PAIRS, f"list({_PAIRS})[: max(1, self.num_layers - 2)]"),),
    ),
    Mistake(
        "weights shared between layers",
        "The third hidden layer, and those after it, use the weights of the second. Each layer has its own: which "
        "number does your loop put into the name?",
        (("biases = [self", "weights[2:-1] = [weights[1]] * len(weights[2:-1])\n        biases = [self"),),
    ),
    SCORES_FOR_THE_LOSS,
    LABELS_NOT_LOOKED_AT,
    PROBABILITIES_FOR_SCORES,
)

_BACKWARD = (
    Mistake(
        "caches in the order of the way forward",
        "The way back takes the caches in the order in which they were made, so layers meet the caches of others. The "
        "last one made is needed first.",
        ((_BACK, _BACK.replace("caches[i - 1]", "caches[-i]")),),
    ),
    Mistake(
        "gradients under other layers' names",
        "Gradients are right, but hidden layers have their numbers the wrong way round: the first gets the gradient "
        "of the last.",
        (
            (_STORE, 'j = self.num_layers - i\n            grads[f"W{j}"], grads[f"b{j}"] = dw, db'),
            (_SLOPE, 'if self.reg:\n                grads[f"W{i}"] = grads[f"W{i}"] + 2 * self.reg * w'),
        ),
    ),
    Mistake(
        "gradient not handed on",
        "Every hidden layer gets the gradient that the last layer returned. Each should get that of the layer right "
        "after it.",
        ((_BACK, _BACK.replace("dhidden, dw, db =", "_, dw, db =")),),
    ),
    Mistake(
        "gradients of the middle layers missing",
        "grads holds the first and the last layer only. Every layer between them has a gradient too.",
        (
            (
                _RETURN,
                'ends = ("W1", "b1", f"W{self.num_layers}", f"b{self.num_layers}")\n'
                "        return loss, {name: g for name, g in grads.items() if name in ends}",
            ),
        ),
    ),
    Mistake(
        "gradients averaged again",
        "The gradients are divided by the number of examples once more: softmax_loss has done that already.",
        ((_LOSS, f"{_LOSS}\n        dscores = dscores / len(X)"),),
    ),
    Mistake(
        "gradients averaged in each layer",
        "The gradient is divided by the number of examples in every hidden layer. softmax_loss has done that, once.",
        ((_BACK, f"{_BACK}\n            dw, db, dhidden = dw / len(X), db / len(X), dhidden / len(X)"),),
    ),
)

_PENALTIES = (
    *penalty_mistakes(_PENALTY, _SLOPE),
    Mistake(
        "penalty doubled",
        "The penalty is twice as large as it should be, in the loss and in the gradients.",
        ((_PENALTY, _PENALTY.replace("+= self", "+= 2 * self")), (_SLOPE, _SLOPE.replace("2 * self", "4 * self"))),
    ),
    Mistake(
        "penalty divided by N",
        "The penalty is divided by the number of examples. It belongs to the weights, of which there is one set "
        "only: leave it as it is, in the loss and in the gradients.",
        ((_PENALTY, f"{_PENALTY} / len(X)"), (_SLOPE, f"{_SLOPE} / len(X)")),
    ),
    Mistake(
        "last layer not penalised",
        "The last layer's weights are left out of the penalty. It is the sum over all layers.",
        ((_PENALISED, "for i, w in enumerate(weights[:-1], start=1):"),),
    ),
    Mistake(
        "first layer alone penalised",
        "Only W1 is penalised. The penalty is the sum over the weights of all layers.",
        ((_PENALISED, "for i, w in enumerate(weights[:1], start=1):"),),
    ),
    Mistake(
        "last layer alone penalised",
        "Only the last layer's weights are penalised. The penalty is the sum over the weights of all layers.",
        ((_PENALISED, "for i, w in list(enumerate(weights, start=1))[-1:]:"),),
    ),
    Mistake(
        "penalty without squares",
        "The penalty adds up the weights themselves, so positive and negative ones cancel. Square them first.",
        ((_PENALTY, _PENALTY.replace("w**2", "w")),),
    ),
    Mistake(
        "biases penalised",
        "The biases are penalised too. Only weights are: a bias does not make a function wilder.",
        (
            (_PENALTY, "pass"),
            (_SLOPE, "pass"),
            (_RETURN, f"loss += self.reg * {_WITH_BIASES}\n        {_SLOPES}\n        {_RETURN}"),
        ),
    ),
    Mistake(
        "biases penalised in the loss",
        "The penalty in the loss contains the biases, its gradient does not. Only weights are penalised.",
        ((_PENALTY, "pass"), (_RETURN, f"loss += self.reg * {_WITH_BIASES}\n        {_RETURN}")),
    ),
    Mistake(
        "biases penalised in the gradients",
        "The gradients of the biases contain a penalty that the loss does not have. Only weights are penalised.",
        ((_SLOPE, "pass"), (_RETURN, f"{_SLOPES}\n        {_RETURN}")),
    ),
    Mistake(
        "gradients of the penalty alone",
        "The weights' gradients are those of the penalty alone: add it to that of the data loss.",
        ((_SLOPE, _SLOPE.replace("+=", "=")),),
    ),
)

MISTAKES = _INITIAL + _FORWARD + _BACKWARD + _PENALTIES
