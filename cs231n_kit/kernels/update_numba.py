"""The update rules in machine code: w and the memory in config are changed in place, in one pass over the arrays.

The definitions are in cs231n_kit.optimizers. A pass is bound by memory: Adam reads four arrays and writes three.
"""

import numpy as np
from numba import prange

from cs231n_kit.kernels.parallel import compiled

_compiled = compiled(parallel=True, fastmath={"contract"})


def sgd(w, dw, config):
    _sgd(*_flat(w, dw), *_numbers(w, config["learning_rate"]))


def sgd_momentum(w, dw, config):
    _sgd_momentum(*_flat(w, dw, config["velocity"]), *_numbers(w, config["learning_rate"], config["momentum"]))


def nesterov(w, dw, config):
    _nesterov(*_flat(w, dw, config["velocity"]), *_numbers(w, config["learning_rate"], config["momentum"]))


def adagrad(w, dw, config):
    kept_and_added = 1.0, 1.0
    _scaled(*_flat(w, dw, config["cache"]), *_numbers(w, config["learning_rate"], config["epsilon"], *kept_and_added))


def rmsprop(w, dw, config):
    kept_and_added = config["decay_rate"], 1 - config["decay_rate"]
    _scaled(*_flat(w, dw, config["cache"]), *_numbers(w, config["learning_rate"], config["epsilon"], *kept_and_added))


def adam(w, dw, config):
    config["t"] += 1
    beta1, beta2, t = config["beta1"], config["beta2"], config["t"]
    rate, decay = config["learning_rate"], config.get("weight_decay", 0.0)
    corrections = rate / (1 - beta1**t), (1 - beta2**t) ** -0.5
    numbers = (beta1, 1 - beta1, beta2, 1 - beta2, *corrections, config["epsilon"], rate * decay)
    _adam(*_flat(w, dw, config["m"], config["v"]), *_numbers(w, *numbers))


adamw = adam


def _flat(*arrays):
    return [array.reshape(-1) for array in arrays]


def _numbers(w, *values):
    """The values in w's type, because float64 among float32 would halve the speed."""
    return [w.dtype.type(value) for value in values]


@_compiled
def _sgd(w, dw, rate):
    for i in prange(w.size):
        w[i] -= rate * dw[i]


@_compiled
def _sgd_momentum(w, dw, velocity, rate, momentum):
    for i in prange(w.size):
        velocity[i] = momentum * velocity[i] - rate * dw[i]
        w[i] += velocity[i]


@_compiled
def _nesterov(w, dw, velocity, rate, momentum):
    for i in prange(w.size):
        before = velocity[i]
        velocity[i] = momentum * before - rate * dw[i]
        w[i] += velocity[i] + momentum * (velocity[i] - before)


@_compiled
def _scaled(w, dw, cache, rate, epsilon, kept, added):
    for i in prange(w.size):
        cache[i] = kept * cache[i] + added * dw[i] * dw[i]
        w[i] -= rate * dw[i] / (np.sqrt(cache[i]) + epsilon)


@_compiled
def _adam(w, dw, m, v, beta1, rest1, beta2, rest2, rate, correction, epsilon, decay):
    for i in prange(w.size):
        m[i] = beta1 * m[i] + rest1 * dw[i]
        v[i] = beta2 * v[i] + rest2 * dw[i] * dw[i]
        w[i] -= rate * m[i] / (np.sqrt(v[i]) * correction + epsilon) + decay * w[i]
