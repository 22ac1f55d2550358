"""Correct answers to assignment 2's notebook `fully_connected`, in the styles students use. All earn full points."""

import copy
import warnings
from collections import OrderedDict, defaultdict
from itertools import pairwise

import numpy as np

# Momentum


def sgd_momentum(w, dw, config=None):
    """The starter code's order."""
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    v = config.get("velocity", np.zeros_like(w))
    next_w = None
    v = config["momentum"] * v - config["learning_rate"] * dw
    next_w = w + v
    config["velocity"] = v
    return next_w, config


def sgd_momentum_in_place(w, dw, config=None):
    config = config or {}
    if "velocity" not in config:
        config["velocity"] = np.zeros(w.shape)
    v = config["velocity"]
    v *= config.get("momentum", 0.9)
    v -= config.get("learning_rate", 0.01) * dw
    w += v.astype(w.dtype)
    return w, config


def sgd_momentum_with_a_new_dictionary(w, dw, config=None):
    config = config if config is not None else dict()
    mu, eta = config.get("momentum", 0.9), config.get("learning_rate", 1e-2)
    step = eta * dw - mu * config.get("velocity", 0)
    return w - step, {"momentum": mu, "learning_rate": eta, "velocity": -step}


def sgd_momentum_in_loops(w, dw, config=None):
    config = {"learning_rate": 1e-2, "momentum": 0.9, "velocity": np.zeros_like(w), **(config or {})}
    velocity, following = np.zeros(w.shape), np.zeros(w.shape)
    for place in np.ndindex(w.shape):
        velocity[place] = config["momentum"] * config["velocity"][place] - config["learning_rate"] * dw[place]
        following[place] = w[place] + velocity[place]
    config["velocity"] = velocity
    return following, config


def sgd_momentum_in_float32(w, dw, config=None):
    w, dw = np.float32(w), np.float32(dw)
    config = {"learning_rate": 1e-2, "momentum": 0.9, "velocity": np.zeros_like(w), **(config or {})}
    config["velocity"] = np.float32(config["momentum"] * config["velocity"] - config["learning_rate"] * dw)
    return w + config["velocity"], config


def sgd_momentum_with_old_and_new(w, dw, config=None):
    """Keeps more than it has to, prints and warns; an ordered dictionary, and a list for the two results."""
    config = OrderedDict(config or {})
    config["old"] = config.get("velocity", np.zeros_like(dw))
    config["velocity"] = np.add(
        np.multiply(config.get("momentum", 0.9), config["old"]), -config.get("learning_rate", 0.01) * dw
    )
    config["calls"] = config.get("calls", 0) + 1
    print("step", config["calls"])
    warnings.warn("slow", stacklevel=1)
    return [w + config["velocity"], config]


MOMENTUM = (
    sgd_momentum,
    sgd_momentum_in_place,
    sgd_momentum_with_a_new_dictionary,
    sgd_momentum_in_loops,
    sgd_momentum_in_float32,
    sgd_momentum_with_old_and_new,
)

# RMSProp


def rmsprop(w, dw, config=None):
    """The starter code's order."""
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("decay_rate", 0.99)
    config.setdefault("epsilon", 1e-8)
    config.setdefault("cache", np.zeros_like(w))
    next_w = None
    dx_squared = dw * dw
    config["cache"] = config["decay_rate"] * config["cache"] + (1.0 - config["decay_rate"]) * dx_squared
    next_w = w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"])
    return next_w, config


def rmsprop_in_place(w, dw, config=None):
    config = config or {}
    cache = config.setdefault("cache", np.zeros(w.shape))
    rho = config.get("decay_rate", 0.99)
    cache *= rho
    cache += (1 - rho) * np.square(dw)
    w -= (config.get("learning_rate", 0.01) * dw / (cache**0.5 + config.get("epsilon", 1e-8))).astype(w.dtype)
    return w, config


def rmsprop_by_the_difference(w, dw, config=None):
    """The average moves towards the square."""
    settings = {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8} | (config or {})
    old = settings.get("cache", 0 * w)
    settings["cache"] = old + (1 - settings["decay_rate"]) * (dw**2 - old)
    return w - dw * (settings["learning_rate"] / (np.sqrt(settings["cache"]) + settings["epsilon"])), settings


def rmsprop_with_a_copy(w, dw, config=None):
    config = copy.deepcopy(config) if config else {}
    rate, rho = config.pop("learning_rate", 1e-2), config.pop("decay_rate", 0.99)
    small, cache = config.pop("epsilon", 1e-8), config.pop("cache", np.zeros(()))
    cache = np.average([np.broadcast_to(cache, dw.shape), np.abs(dw) ** 2], axis=0, weights=[rho, 1 - rho])
    ratio = np.divide(dw, np.add(np.sqrt(cache), small))
    return np.subtract(w, rate * ratio), dict(learning_rate=rate, decay_rate=rho, epsilon=small, cache=cache)


def rmsprop_in_float32(w, dw, config=None):
    next_w, config = rmsprop(np.float32(w), np.float32(dw), config)
    config["cache"] = np.float32(config["cache"])
    return np.float32(next_w), config


def rmsprop_flat(w, dw, config=None):
    config = {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8, "cache": np.zeros_like(w), **(config or {})}
    flat = []
    for c, g in zip(np.ravel(config["cache"]), np.ravel(dw), strict=True):
        flat.append(config["decay_rate"] * c + (1 - config["decay_rate"]) * g * g)
    config["cache"] = np.reshape(flat, w.shape)
    return w - config["learning_rate"] / (config["cache"] ** 0.5 + config["epsilon"]) * dw, config


RMSPROP = (
    rmsprop,
    rmsprop_in_place,
    rmsprop_by_the_difference,
    rmsprop_with_a_copy,
    rmsprop_in_float32,
    rmsprop_flat,
)

# Adam


def adam(w, dw, config=None):
    """The starter code's order."""
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-3)
    config.setdefault("beta1", 0.9)
    config.setdefault("beta2", 0.999)
    config.setdefault("epsilon", 1e-8)
    config.setdefault("m", np.zeros_like(w))
    config.setdefault("v", np.zeros_like(w))
    config.setdefault("t", 0)
    next_w = None
    config["t"] += 1
    config["m"] = config["beta1"] * config["m"] + (1 - config["beta1"]) * dw
    mt = config["m"] / (1 - config["beta1"] ** config["t"])
    config["v"] = config["beta2"] * config["v"] + (1 - config["beta2"]) * (dw**2)
    vt = config["v"] / (1 - config["beta2"] ** config["t"])
    next_w = w - config["learning_rate"] * mt / (np.sqrt(vt) + config["epsilon"])
    return next_w, config


def adam_in_place(w, dw, config=None):
    config = {} if config is None else config
    for name in ("m", "v"):
        config.setdefault(name, np.zeros(w.shape))
    m, v, b1, b2 = config["m"], config["v"], config.get("beta1", 0.9), config.get("beta2", 0.999)
    m *= b1
    m += (1 - b1) * dw
    v *= b2
    v += (1 - b2) * dw * dw
    t = config["t"] = config.get("t", 0) + 1
    mt, vt = m / (1 - b1**t), v / (1 - b2**t)
    w -= (config.get("learning_rate", 1e-3) * mt / (vt**0.5 + config.get("epsilon", 1e-8))).astype(w.dtype)
    return w, config


def adam_with_corrected_rate(w, dw, config=None):
    """Both corrections are moved into the learning rate and epsilon, as in the paper's remark."""
    c = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0, **(config or {})}
    t = c["t"] + 1
    m = c["beta1"] * c.get("m", 0) + (1 - c["beta1"]) * dw
    v = c["beta2"] * c.get("v", 0) + (1 - c["beta2"]) * dw**2
    root = np.sqrt(1 - c["beta2"] ** t)
    rate = c["learning_rate"] * root / (1 - c["beta1"] ** t)
    return w - rate * m / (np.sqrt(v) + root * c["epsilon"]), {**c, "m": m, "v": v, "t": t}


def adam_counting_in_floats(w, dw, config=None):
    settings = defaultdict(float, config or {})
    eta, eps = settings.get("learning_rate", 0.001), settings.get("epsilon", 1e-8)
    beta1, beta2 = settings.get("beta1", 0.9), settings.get("beta2", 0.999)
    settings["t"] += 1.0
    settings["m"] = settings["m"] + (1 - beta1) * (dw - settings["m"])
    settings["v"] = settings["v"] + (1 - beta2) * (dw * dw - settings["v"])
    first = settings["m"] / (1 - np.power(beta1, settings["t"]))
    second = settings["v"] / (1 - np.power(beta2, settings["t"]))
    return w - eta * first / (eps + np.sqrt(second)), settings


def adam_in_float32(w, dw, config=None):
    next_w, config = adam(np.float32(w), np.float32(dw), config)
    config["t"] = np.array([config["t"]]).reshape(1)
    config["m"], config["v"] = np.float32(config["m"]), np.float32(config["v"])
    return np.float32(next_w), config


def adam_of_two_parts(w, dw, config=None):
    config = {
        **dict.fromkeys(("m", "v"), np.zeros_like(w)),
        **dict(learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, t=0),
        **(config if config is not None else {}),
    }
    config["t"] = config["t"] + 1
    hats = [_average(config, "m", "beta1", dw), _average(config, "v", "beta2", np.square(dw))]
    return w + -config["learning_rate"] * hats[0] / (np.sqrt(hats[1]) + config["epsilon"]), config


def _average(config, name, beta, new):
    config[name] = config[beta] * config[name] + (1 - config[beta]) * new
    return config[name] / (1 - config[beta] ** config["t"])


ADAM = (
    adam,
    adam_in_place,
    adam_with_corrected_rate,
    adam_counting_in_floats,
    adam_in_float32,
    adam_of_two_parts,
)

# Networks


def affine_forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(axis=0)


def affine_relu_forward(x, w, b):
    out, cache = affine_forward(x, w, b)
    return np.maximum(0, out), (cache, out > 0)


def affine_relu_backward(dout, cache):
    return affine_backward(dout * cache[1], cache[0])


def softmax_loss(x, y):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


class FullyConnectedNet:
    """The starter code's order."""

    def __init__(self, hidden_dims, input_dim=3 * 32 * 32, num_classes=10, reg=0.0, weight_scale=1e-2):
        self.reg = reg
        self.num_layers = 1 + len(hidden_dims)
        self.params = {}
        layer_dims = [input_dim] + hidden_dims + [num_classes]  # noqa: RUF005 (a list is promised)
        for i, (into, out) in enumerate(pairwise(layer_dims)):
            self.params["W" + str(i + 1)] = np.random.normal(0, weight_scale, size=(into, out))
            self.params["b" + str(i + 1)] = np.zeros(out)

    def loss(self, X, y=None):
        scores = None
        cache = {}
        a = X
        for i in range(1, self.num_layers):
            a, cache[i] = affine_relu_forward(a, self.params["W" + str(i)], self.params["b" + str(i)])
        L = str(self.num_layers)
        scores, cache[self.num_layers] = affine_forward(a, self.params["W" + L], self.params["b" + L])
        if y is None:
            return scores
        loss, grads = 0.0, {}
        loss, dscores = softmax_loss(scores, y)
        da, grads["W" + L], grads["b" + L] = affine_backward(dscores, cache[self.num_layers])
        loss += self.reg * np.sum(self.params["W" + L] ** 2)
        grads["W" + L] += 2 * self.reg * self.params["W" + L]
        for i in reversed(range(1, self.num_layers)):
            da, dw, db = affine_relu_backward(da, cache[i])
            grads["W" + str(i)] = dw + 2 * self.reg * self.params["W" + str(i)]
            grads["b" + str(i)] = db
            loss += self.reg * np.sum(self.params["W" + str(i)] ** 2)
        return loss, grads


class NetworkThatSpoilsItsList(FullyConnectedNet):
    """Puts the other sizes into the list that it was given; a generator of its own; biases of shape (1, out)."""

    def __init__(self, hidden_dims, input_dim=3072, num_classes=10, reg=0.0, weight_scale=1e-2):
        rng = np.random.default_rng()
        hidden_dims.insert(0, input_dim)
        hidden_dims.append(num_classes)
        self.reg, self.params, self.num_layers = reg, {}, len(hidden_dims) - 1
        while len(hidden_dims) > 1:
            number, out = len(hidden_dims) - 1, hidden_dims.pop()
            self.params[f"W{number}"] = rng.standard_normal((hidden_dims[-1], out)) * weight_scale
            self.params[f"b{number}"] = np.zeros((1, out))


class NetworkWithoutLayers(FullyConnectedNet):
    """All formulas in one place."""

    def loss(self, X, y=None):
        p, L = self.params, self.num_layers
        h = [X.reshape(X.shape[0], -1)]
        for i in range(1, L + 1):
            z = h[-1] @ p[f"W{i}"] + p[f"b{i}"]
            h.append(z if i == L else z * (z > 0))
        if y is None:
            return h[-1]
        S = h[-1] - np.max(h[-1], axis=1, keepdims=True)
        P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
        loss = -np.mean(np.log(P[range(len(y)), y]))
        delta = (P - np.eye(P.shape[1])[y]) / len(y)
        grads = {}
        for i in range(L, 0, -1):
            grads[f"W{i}"] = h[i - 1].T @ delta + 2 * self.reg * p[f"W{i}"]
            grads[f"b{i}"] = delta.sum(axis=0)
            delta = delta @ p[f"W{i}"].T * (h[i - 1] > 0)
        return loss + self.reg * sum(np.sum(v * v) for k, v in p.items() if k.startswith("W")), grads


class NetworkInFloat32(FullyConnectedNet):
    def loss(self, X, y=None):
        self.params = {name: np.float32(array) for name, array in self.params.items()}
        result = super().loss(X.astype(np.float32), y)
        return result if y is None else (np.float32(result[0]), result[1])


class RecursiveNetwork(FullyConnectedNet):
    """Each layer calls the next one; more entries than asked for; prints, and changes X; a list for the results."""

    def loss(self, X, y=None):
        grads, self.labels = {"calls": 1}, y
        loss, dX = self._from(1, X.reshape(len(X), -1), grads)
        X *= 0
        if y is None:
            return loss.tolist()
        print("loss", loss)
        grads["X"] = dX
        for name in self.params:
            if "W" in name:
                loss = loss + self.reg * np.linalg.norm(self.params[name]) ** 2
                grads[name] = grads[name] + self.reg * (self.params[name] + self.params[name])
        return [np.array([[loss]]), grads]

    def _from(self, i, x, grads):
        w, b = self.params[f"W{i}"], self.params[f"b{i}"]
        out = np.dot(x, w) + b
        if i < self.num_layers:
            loss, dout = self._from(i + 1, out.clip(min=0), grads)
            dout = None if dout is None else np.where(out > 0, dout, 0)
        elif self.labels is None:
            return out, None
        else:
            loss, dout = softmax_loss(out, self.labels)
        if dout is None:
            return loss, None
        grads[f"W{i}"], grads[f"b{i}"] = x.T.dot(dout), dout.sum(0)
        return loss, dout.dot(w.T)


class NetworkOfObjects:
    """A list of layers, each an object; names with their numbers only in params."""

    def __init__(self, hidden_dims, input_dim=3072, num_classes=10, reg=0.0, weight_scale=1e-2):
        self.hidden_dims, self.reg = tuple(hidden_dims), reg
        dims = (input_dim, *hidden_dims, num_classes)
        shapes = list(pairwise(dims))
        self.params = {f"b{n}": np.zeros(s[1]) for n, s in enumerate(shapes, 1)}
        self.params.update({f"W{n}": weight_scale * np.random.randn(*s) for n, s in enumerate(shapes, 1)})

    def loss(self, X, y=None):
        stack, out = [], X
        for n in range(len(self.hidden_dims) + 1):
            w, b = self.params[f"W{n + 1}"], self.params[f"b{n + 1}"]
            last = n == len(self.hidden_dims)
            out, cache = (affine_forward if last else affine_relu_forward)(out, w, b)
            stack.append((n + 1, affine_backward if last else affine_relu_backward, cache, w))
        if y is None:
            return out
        loss, dout = softmax_loss(out, y)
        grads = {}
        while stack:
            n, backward, cache, w = stack.pop()
            dout, grads[f"W{n}"], grads[f"b{n}"] = backward(dout, cache)
            loss += self.reg * (w**2).sum()
            grads[f"W{n}"] += 2 * self.reg * w
        return loss, grads


NETWORKS = (
    FullyConnectedNet,
    NetworkThatSpoilsItsList,
    NetworkWithoutLayers,
    NetworkInFloat32,
    RecursiveNetwork,
    NetworkOfObjects,
)
