"""The small networks of the cases: dictionaries of arrays as the notebook describes them."""

import numpy as np

HEAD = ("head.w", "head.b")
TRAINED = ("w", "gamma", "beta")  # of a block, by gradients
AVERAGES = ("running_mean", "running_var")
SHAPE = (5, 1, 8, 6)  # of a batch of images: after two blocks 2 x 1 places are left


def network(rng, shape=SHAPE, filters=(2, 3), classes=3):
    """Random arrays everywhere; the running averages are far from those of a batch, so that modes differ."""
    _, channels, height, width = shape
    params = {}
    for i, count in enumerate(filters, start=1):
        params |= {
            f"block{i}.w": rng.normal(0, np.sqrt(2 / (9 * channels)), (count, channels, 3, 3)),
            f"block{i}.gamma": rng.uniform(0.6, 1.6, count),
            f"block{i}.beta": rng.uniform(0.2, 0.8, count),
            f"block{i}.running_mean": rng.uniform(0.3, 0.8, count) * rng.choice([-1, 1], count),
            f"block{i}.running_var": rng.uniform(2, 4, count),
        }
        channels, height, width = count, height // 2, width // 2
    features = channels * height * width
    return params | {"head.w": 0.5 * rng.normal(size=(features, classes)), "head.b": rng.normal(size=classes)}


def images(rng, shape=SHAPE, classes=3):
    """(X, y), with as many of the labels as there are images for."""
    y = rng.permutation(np.arange(shape[0]) % classes)
    return rng.normal(size=shape), y


def of_blocks(params, kinds, blocks=None):
    """The names of arrays of these kinds in these blocks, in all of them where none are named."""
    parts = {name: name.split(".") for name in body(params)}
    return tuple(n for n, (block, kind) in parts.items() if kind in kinds and (blocks is None or block in blocks))


def body(params):
    """The names of all arrays of the blocks."""
    return tuple(name for name in params if name not in HEAD)


def after_call(listed):
    """What to `take`: entries of the dictionary that is the first argument, as they are after the call."""
    return tuple((0, name) for name in listed)
