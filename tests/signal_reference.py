"""A deep fully connected network written out in double precision, for the tests of ``SignalThroughDepth``."""

import numpy as np

EPS = 1e-5  # of normalisation

# Outputs and slopes, as shares of the largest slope.
FUNCTIONS = {
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x: 4 * np.exp(-x) / (1 + np.exp(-x)) ** 2),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "relu": (lambda x: np.where(x > 0, x, 0), lambda x: np.where(x > 0, 1, 0)),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.01 * x), np.ones_like),
    "elu": (lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1), lambda x: np.exp(np.minimum(x, 0))),
    "maxout": (lambda x: np.maximum(x[:, ::2], x[:, 1::2]), lambda x: np.ones_like(x[:, ::2])),
    "none": (lambda x: x, np.ones_like),
}


def weights_of(network):
    """For each affine layer a dictionary of its arrays and those of the normalisation behind it, in float64."""
    layers = []
    for key, array in network.parameters.items():
        name = key.split(".")[1]
        if name == "w":
            layers.append({})
        layers[-1][name] = array.astype(np.float64)
    return layers


def forward(layers, X, activation, normalization):
    """The outputs of all layers, scores last, and the slopes of the activation function in the hidden ones."""
    apply, slope = FUNCTIONS[activation]
    outputs, slopes, x = [], [], np.asarray(X, np.float64)
    for layer in layers[:-1]:
        x = x @ layer["w"] + layer["b"]
        if normalization != "none":
            axis = 0 if normalization == "batch" else 1
            x = (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + EPS)
            x = x * layer["gamma"] + layer["beta"]
        slopes.append(slope(x))
        x = apply(x)
        outputs.append(x)
    return [*outputs, x @ layers[-1]["w"] + layers[-1]["b"]], slopes


def loss(scores, y):
    """The mean cross-entropy of softmax."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]))
