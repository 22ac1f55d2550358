"""Known mistakes in VGG."""

from grader.check import Mistake

from ..network_mistakes import (
    LABELS_FOR_SCORES,
    LABELS_NOT_LOOKED_AT,
    PROBABILITIES_FOR_SCORES,
    SCORES_FOR_THE_LOSS,
)

_SMALLER = "H, W = H // 2, W // 2"
_CHANNELS = "C = step"
_FLAT = "inputs = C * H * W"
_WIDTHS = "for width_out in [*hidden_dims, num_classes]:"
_RANDOM = "np.sqrt(2 / fan_in) * np.random.randn(*shape)"
_ZEROS = "np.zeros(count)"
_CONVOLUTION = 'out, cache = conv_relu_forward(out, *self.layer(number), {"stride": 1, "pad": 1})'
_POOL = "out, cache = max_pool_forward(out, pool_param)"
_HIDDEN = "if number < last:"
_LOSS = "loss, dout = softmax_loss(scores, y)"
_CONV_BACK = "dout, dw, db = conv_relu_backward(dout, cache)"
_POOL_BACK = "dout = max_pool_backward(dout, cache)"
_RELU_BACK = "dout = relu_backward(dout, relu_cache)"
_GRADS = 'grads[f"W{number}"], grads[f"b{number}"] = dw, db'

MISTAKES = (
    SCORES_FOR_THE_LOSS,
    LABELS_NOT_LOOKED_AT,
    PROBABILITIES_FOR_SCORES,
    LABELS_FOR_SCORES,
    Mistake(
        "no ReLU after the convolutions",
        "There is no ReLU after the convolutions: without it a stack of them is no more than one.",
        (
            (_CONVOLUTION, _CONVOLUTION.replace("conv_relu", "conv")),
            (_CONV_BACK, _CONV_BACK.replace("conv_relu", "conv")),
        ),
    ),
    Mistake(
        "no ReLU between the affine layers",
        "There is no ReLU after the hidden affine layers: without it they are no more than one.",
        ((_HIDDEN, "if False:"),),
    ),
    Mistake(
        "ReLU on the scores",
        "Negative scores are cut off: there is a ReLU after the last layer. Scores may have any sign.",
        ((_HIDDEN, "if True:"),),
    ),
    Mistake(
        "ReLU of the convolutions in one direction only",
        "The gradient goes past the ReLUs of the convolutions: where they were off, nothing comes back.",
        ((_CONV_BACK, "dout, dw, db = conv_backward(dout, cache[0])"),),
    ),
    Mistake(
        "ReLU of the affine layers in one direction only",
        "The gradient goes past the ReLUs of the hidden affine layers: where they were off, nothing comes back.",
        ((_RELU_BACK, "pass"),),
    ),
    Mistake(
        "gradients averaged again",
        "The gradients are divided by the number of images once more: softmax_loss has done that already.",
        ((_LOSS, f"{_LOSS}\n        dout = dout / len(X)"),),
    ),
    Mistake(
        "average pooling",
        "This is average pooling. The M in the list stands for a maximum.",
        (
            (
                _POOL,
                "h, w = out.shape[2] // 2, out.shape[3] // 2\n"
                "                cache = out.shape\n"
                "                even = out[:, :, : 2 * h, : 2 * w]\n"
                "                out = even.reshape(*out.shape[:2], h, 2, w, 2).mean(axis=(3, 5))",
            ),
            (
                _POOL_BACK,
                "spread = dout.repeat(2, axis=2).repeat(2, axis=3) / 4\n"
                "                ends = [(0, n - k) for n, k in zip(cache, spread.shape)]\n"
                "                dout = np.pad(spread, ends)",
            ),
        ),
    ),
    Mistake(
        "gradients in the wrong order",
        "The gradients of the layers are in another order than the layers: the way back begins at the last one.",
        ((_GRADS, 'grads[f"W{last + 1 - number}"], grads[f"b{last + 1 - number}"] = dw, db'),),
    ),
    Mistake(
        "biases without gradients",
        "grads has no entries for the biases. They are learned as well.",
        ((_GRADS, 'grads[f"W{number}"] = dw'),),
    ),
    Mistake(
        "no biases",
        "The biases have no effect on the scores.",
        (
            (
                'return self.params[f"W{number}"], self.params[f"b{number}"]',
                'return self.params[f"W{number}"], 0 * self.params[f"b{number}"]',
            ),
        ),
    ),
    Mistake(
        "pooling forgotten in the first affine layer",
        "The first affine layer is as large as if nothing was pooled: each pooling halves the height and the width.",
        ((_SMALLER, "pass"),),
    ),
    Mistake(
        "images taken for square",
        "The first affine layer takes the images for square: the height and the width are both needed.",
        ((_FLAT, "inputs = C * H * H"),),
    ),
    Mistake(
        "channels of the image only",
        "All filters have as many channels as the image. From the second convolution on, what comes in has as many "
        "channels as the convolution before has filters.",
        ((_CHANNELS, "last = step"), (_FLAT, "inputs = last * H * W if config else C * H * W")),
    ),
    Mistake(
        "hidden layers forgotten",
        "There are no hidden affine layers: hidden_dims has no effect.",
        ((_WIDTHS, "for width_out in [num_classes]:"),),
    ),
    Mistake(
        "weights of size 1",
        "The weights have standard deviation 1, so numbers grow from layer to layer. Make up for the number of inputs.",
        ((_RANDOM, "np.random.randn(*shape)"),),
    ),
    Mistake(
        "half of the variance",
        "The weights have variance 1 / fan-in, as for layers without a ReLU. The ReLU sets half of the numbers to 0: "
        "make up for that.",
        ((_RANDOM, "np.sqrt(1 / fan_in) * np.random.randn(*shape)"),),
    ),
    Mistake(
        "variance for standard deviation",
        "2 / fan-in is the variance of the weights. Their standard deviation is its root.",
        ((_RANDOM, "2 / fan_in * np.random.randn(*shape)"),),
    ),
    Mistake(
        "one small size for all",
        "All weights have the same small size. Then numbers shrink from layer to layer, and deep networks learn "
        "nothing: the size depends on the number of inputs.",
        ((_RANDOM, "1e-2 * np.random.randn(*shape)"),),
    ),
    Mistake(
        "weights zero",
        "All weights start at zero. Then all filters are alike and stay so: start from random numbers.",
        ((_RANDOM, f"0 * {_RANDOM}"),),
    ),
    Mistake(
        "biases one",
        "The biases are ones. They start at zero.",
        ((_ZEROS, "np.ones(count)"),),
    ),
)
