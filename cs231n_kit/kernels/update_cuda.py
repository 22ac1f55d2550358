"""The update rules in CUDA: all parameters of a network in one launch. The definitions are in cs231n_kit.optimizers."""

import functools
import itertools

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels import cuda
from cs231n_kit.optimizers import prepare

CHUNK = 4096  # elements that a block takes at a time; as in update.cu

_MEMORY = {
    "sgd": (),
    "sgd_momentum": ("velocity",),
    "nesterov": ("velocity",),
    "adagrad": ("cache",),
    "rmsprop": ("cache",),
    "adam": ("m", "v"),
    "adamw": ("m", "v"),
}


def update(rule, weights, gradients, configs):
    """One launch for all arrays of one type whose hyperparameters are equal.

    Raises ValueError or TypeError before anything changes.
    """
    if rule not in _MEMORY:
        raise ValueError(f"rule must be one of {', '.join(_MEMORY)}, not {rule!r}")
    if not len(weights) == len(gradients) == len(configs):
        raise ValueError(
            f"each weight needs a gradient and a config, but there are {len(weights)} weights, {len(gradients)} "
            f"gradients and {len(configs)} configs"
        )
    groups, prepared = {}, []
    for w, dw, config in zip(weights, gradients, configs, strict=True):
        array_module(w, dw, *(config.get(name) for name in _MEMORY[rule]))
        _, _, dw, config = prepare(w, dw, config, rule)
        cuda.check_reals(w=w, dw=dw, **{name: config[name] for name in _MEMORY[rule]})
        memory = dict(zip(_MEMORY[rule], cuda.contiguous(*(config[name] for name in _MEMORY[rule])), strict=True))
        row = [*cuda.contiguous(w, dw), *memory.values()]
        if w.size:
            groups.setdefault((w.dtype.name, *_launch_arguments(rule, config)), []).append(row)
        prepared.append((row[0], config | memory))
    for (dtype, kernel, *numbers), rows in groups.items():
        _launch(kernel, dtype, rows, numbers)
    for w, config, (changed, next_config) in zip(weights, configs, prepared, strict=True):
        if changed is not w:
            w[...] = changed
        config |= next_config
        if "t" in config:
            config["t"] += 1


def _launch_arguments(rule, config):
    """The kernel's name and its numbers, for the step after those that the config has counted."""
    rate = config["learning_rate"]
    if rule == "sgd":
        return "sgd", rate
    if rule in ("sgd_momentum", "nesterov"):
        return rule, rate, config["momentum"]
    if rule in ("adagrad", "rmsprop"):
        kept, added = (1.0, 1.0) if rule == "adagrad" else (config["decay_rate"], 1 - config["decay_rate"])
        return "scaled", rate, config["epsilon"], kept, added
    beta1, beta2, t = config["beta1"], config["beta2"], config["t"] + 1
    corrections = rate / (1 - beta1**t), (1 - beta2**t) ** -0.5
    numbers = beta1, 1 - beta1, beta2, 1 - beta2, *corrections, config["epsilon"]
    return "adam", *numbers, rate * config.get("weight_decay", 0.0)


def _launch(kernel, dtype, rows, numbers):
    xp = array_module(*itertools.chain(*rows))
    places = tuple((*map(_address, row), *[0] * (4 - len(row))) for row in rows)
    sizes = tuple(row[0].size for row in rows)
    device = xp.cuda.Device().id if xp is not np else None
    table, chunk_count = _table(xp, device, places, sizes)
    addresses, sizes, chunks = table[: 4 * len(rows)], table[4 * len(rows) : 5 * len(rows)], table[5 * len(rows) :]
    arguments = addresses, sizes, chunks, np.int64(chunk_count), *map(float, numbers)
    reachable = tuple(itertools.chain(*rows))
    cuda.launch("update.cu", kernel, arguments, dtype, chunk_count * cuda.THREADS, reachable=reachable)


@functools.lru_cache(maxsize=16)
def _table(xp, device, places, sizes):
    """Addresses, sizes and chunks for the kernels, one after another on the device, and the number of chunks.

    A network's arrays mostly stay where they are: from the second step on nothing is left to copy.
    """
    chunks = [(number, begin) for number, size in enumerate(sizes) for begin in range(0, size, CHUNK)]
    return xp.asarray(np.array([*itertools.chain(*places), *sizes, *itertools.chain(*chunks)], np.int64)), len(chunks)


def _address(array):
    return array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr
