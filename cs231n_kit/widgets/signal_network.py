"""A deep fully connected network as a state describes it, and what is measured in each of its layers."""

from functools import partial
from typing import NamedTuple

import numpy as np

from cs231n_kit import initialization
from cs231n_kit.losses import softmax_loss
from cs231n_kit.networks import ELU, Affine, BatchNorm, LayerNorm, LeakyReLU, Maxout, ReLU, Sequential, Sigmoid, Tanh
from cs231n_kit.training import accuracy

PIECES = 2  # of a maxout unit
FLAT = 0.05  # an activation function is flat where its slope is below this share of its largest
ALIKE = 1e-5  # units whose weights differ by less than this share of the layer's largest are copies: rounding differs

ACTIVATIONS = {
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "maxout": partial(Maxout, PIECES),
    "none": None,
}
# From outputs to the slope there, as a share of the largest slope; the others are flat nowhere, or too little.
SLOPES = {
    "sigmoid": lambda out: 4 * out * (1 - out),
    "tanh": lambda out: 1 - out * out,
    "relu": lambda out: (out > 0).astype(np.float32),
    "elu": lambda out: np.minimum(out, 0) + 1,
}
NORMALIZATIONS = {"none": None, "batch": BatchNorm, "layer": LayerNorm}


def _sparse(scale, connections):
    def initialize(shape, rng, dtype=np.float32):
        return initialization.sparse(shape, rng, dtype, min(connections, shape[0]), scale)

    return initialize


# From a state's scale and connections to a function of ``cs231n_kit.initialization``.
INITIALIZATIONS = {
    "zeros": lambda scale, connections: initialization.zeros,
    "constant": lambda scale, connections: partial(initialization.bias_constant, value=scale),
    "small_normal": lambda scale, connections: partial(initialization.small_normal, std=scale),
    "inverse_sqrt": lambda scale, connections: initialization.inverse_sqrt,
    "he_normal": lambda scale, connections: initialization.he_normal,
    "xavier_uniform": lambda scale, connections: initialization.xavier_uniform,
    "sparse": _sparse,
}


class LayerSignal(NamedTuple):
    """What is measured at the outputs (N, M) of a layer, numbers or NaN.

    ``mean``, ``std``: of all outputs. ``spread``: the root mean square, over units, of the standard deviation from
    example to example: what is left of the differences between inputs. ``flat``: the share of outputs where the
    activation function is flat (saturated, or 0 for a ReLU). ``stuck``: the share of units for which all outputs are
    (dead ReLUs). ``distinct``: how many units have weights that differ from all others'. ``gradient_mean``,
    ``gradient_std``: of the loss's gradients with respect to the outputs. ``weight_gradient``: the norm of those with
    respect to the weights into the layer.
    """

    name: str
    mean: float
    std: float
    spread: float
    flat: float
    stuck: float
    distinct: int
    gradient_mean: float
    gradient_std: float
    weight_gradient: float


class Signal(NamedTuple):
    """A forward and backward pass: ``layers`` (a list of ``LayerSignal``: input, hidden layers, scores), the arrays
    they were measured on (gradients None where the forward pass overflowed), and the loss and accuracy."""

    layers: list
    outputs: list
    gradients: list
    loss: float
    accuracy: float


def build_network(state, classes):
    """(network, paths): a ``Sequential``, not initialised, and the paths of hidden layers' outputs and the scores."""
    weights = INITIALIZATIONS[state["initialize"]](state["scale"], state["connections"])
    biases = partial(initialization.bias_constant, value=state["bias"])
    normalize, activate = NORMALIZATIONS[state["normalization"]], ACTIVATIONS[state["activation"]]
    pieces = PIECES if state["activation"] == "maxout" else 1
    steps, paths = [], []
    for _ in range(state["depth"]):
        steps.append(Affine(pieces * state["width"], initialize=weights, initialize_bias=biases))
        steps += [layer() for layer in (normalize, activate) if layer]
        paths.append(str(len(steps) - 1))
    steps.append(Affine(classes, initialize=weights))
    return Sequential(*steps), [*paths, str(len(steps) - 1)]


def measure(network, paths, X, y, activation):
    """Send a batch forward and backward through a network, normalised by that batch; returns a ``Signal``."""
    outputs, gradients = {}, {}
    with np.errstate(all="ignore"):  # what overflows is shown, and told in words
        scores = network.forward(X, mode="train", observe=outputs.__setitem__)
        loss, right = np.nan, np.nan
        if np.isfinite(scores).all():
            loss, dscores = softmax_loss(scores, y)
            right = accuracy(scores, y)
            gradients["input"] = network.backward(dscores, input_gradient=True, observe=gradients.__setitem__)
        affine = [path for path in network.parameters if path.endswith(".w")]
        layers = [_measure("input", X, gradients.get("input"))]
        for number, (path, key) in enumerate(zip(paths, affine, strict=True), start=1):
            hidden = path != paths[-1]
            layer = _measure(
                f"layer {number}" if hidden else "scores",
                outputs[path],
                gradients.get(path),
                network.gradients.get(key) if gradients else None,
                SLOPES.get(activation) if hidden else None,
            )
            layers.append(layer._replace(distinct=distinct_units(network.parameters[key], outputs[path].shape[1])))
    places = ("input", *paths)
    outputs["input"] = X
    return Signal(
        layers,
        [outputs[place] for place in places],
        [gradients.get(place) for place in places],
        float(loss),
        float(right),
    )


def _measure(name, out, gradient, dw=None, slope=None):
    measured = LayerSignal(name, *[np.nan] * 5, out.shape[1], *[np.nan] * 3)
    if np.isfinite(out).all():
        measured = measured._replace(
            mean=float(out.mean(dtype=np.float64)),
            std=float(out.std(dtype=np.float64)),
            spread=float(np.sqrt(out.var(axis=0, dtype=np.float64).mean())),
        )
        if slope:
            flat = slope(out) < FLAT
            measured = measured._replace(flat=float(flat.mean()), stuck=float(flat.all(axis=0).mean()))
    if gradient is not None and np.isfinite(gradient).all():
        measured = measured._replace(
            gradient_mean=float(gradient.mean(dtype=np.float64)), gradient_std=float(gradient.std(dtype=np.float64))
        )
    if dw is not None and np.isfinite(dw).all():
        measured = measured._replace(weight_gradient=float(np.linalg.norm(dw.astype(np.float64))))
    return measured


def distinct_units(w, units):
    """How many of so many units have weights of their own, w being (D, units) or, of maxout, (D, units · pieces)."""
    largest = np.abs(w).max()
    if not largest:
        return 1
    columns = w.reshape(len(w), units, -1).transpose(0, 2, 1).reshape(-1, units) / largest
    # Columns that are alike become neighbours when sorted by a random mixture of their entries.
    mixture = np.random.default_rng(0).standard_normal(len(columns)).astype(w.dtype) @ columns
    ordered = columns[:, mixture.argsort()]
    return 1 + int((np.abs(np.diff(ordered, axis=1)).max(axis=0, initial=0) > ALIKE).sum())
