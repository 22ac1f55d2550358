"""Correct answers to assignment 3's notebook `architectures`, in the styles students use. All of them earn full points.

A forward pass and its backward pass belong together: what one keeps, the other reads.
"""

from functools import reduce
from itertools import pairwise
from types import SimpleNamespace

import numpy as np

from cs231n_kit.layers import (
    affine_backward,
    affine_forward,
    conv_backward,
    conv_forward,
    max_pool_backward,
    max_pool_forward,
    relu_backward,
    relu_forward,
)
from cs231n_kit.losses import softmax_loss

# Counting


def count_by_shapes(config, hidden_dims, input_shape, num_classes):
    C, H, W = input_shape
    shapes = []
    for c in config:
        if isinstance(c, str):
            H, W = int(H / 2), int(W / 2)
        else:
            shapes += [(c, C, 3, 3), (c,)]
            C = c
    dims = [C * H * W, *hidden_dims, num_classes]
    for i in range(len(dims) - 1):
        shapes += [(dims[i], dims[i + 1]), (dims[i + 1],)]
    return sum([np.prod(shape) for shape in shapes])


def count_with_one_more_input(config, hidden_dims, input_shape, num_classes):
    """A bias is the weight of an input that is always 1."""
    filters = [entry for entry in config if entry != "M"]
    shrunk = 2 ** (len(config) - len(filters))
    chain = [input_shape[0], *filters]
    total = sum((9 * c + 1) * f for c, f in pairwise(chain))
    units = [chain[-1] * (input_shape[1] // shrunk) * (input_shape[2] // shrunk), *hidden_dims, num_classes]
    return total + sum((n + 1) * m for n, m in pairwise(units))


def count_by_recursion(config, hidden_dims, input_shape, num_classes):
    C, H, W = input_shape
    if not config:
        D = C * H * W
        if not hidden_dims:
            return D * num_classes + num_classes
        return (
            D * hidden_dims[0]
            + hidden_dims[0]
            + count_by_recursion([], hidden_dims[1:], (hidden_dims[0], 1, 1), num_classes)
        )
    first, rest = config[0], config[1:]
    if first == "M":
        return count_by_recursion(rest, hidden_dims, (C, H // 2, W // 2), num_classes)
    return first * (C * 3 * 3 + 1) + count_by_recursion(rest, hidden_dims, (first, H, W), num_classes)


def count_eating_the_list(config, hidden_dims, input_shape, num_classes):
    """Returns a float, and empties config."""
    params, (channels, h, w) = 0.0, input_shape
    while config:
        entry = config.pop(0)
        if entry == "M":
            h, w = np.floor(h / 2), np.floor(w / 2)
            continue
        params += channels * entry * 9
        params += entry
        channels = entry
    size = channels * h * w
    hidden_dims.append(num_classes)
    for dim in hidden_dims:
        params = params + size * dim + dim
        size = dim
    return params


def count_by_reduction(config, hidden_dims, input_shape, num_classes):
    def step(state, entry):
        total, c, h, w = state
        return (total, c, h >> 1, w >> 1) if entry == "M" else (total + entry * (9 * c + 1), entry, h, w)

    total, *shape = reduce(step, config, (0, *input_shape))
    units = np.array([np.prod(shape), *hidden_dims, num_classes])
    return np.array([total + ((units[:-1] + 1) * units[1:]).sum()])


def count_what_is_built(config, hidden_dims, input_shape, num_classes):
    C, H, W = input_shape
    image, arrays = np.zeros((H, W), bool), []
    for entry in config:
        if entry == "M":
            image = image[1::2, 1::2]
        else:
            arrays += [np.zeros((entry, C, 3, 3), bool), np.zeros(entry, bool)]
            C = entry
    features = image.size * C
    for n in (*hidden_dims, num_classes):
        arrays += [np.zeros((features, n), bool), np.zeros(n, bool)]
        features = n
    return sum(a.size for a in arrays)


COUNTS = [
    count_by_shapes,
    count_with_one_more_input,
    count_by_recursion,
    count_eating_the_list,
    count_by_reduction,
    count_what_is_built,
]


def field_from_the_end(layers):
    r, s = 1, 1
    for layer in reversed(layers):
        r = (r - 1) * layer[1] + layer[0]
        s = s * layer[1]
    return r, s


def field_of_products(layers):
    jumps = np.cumprod([1, *[stride for _, stride in layers]])
    return 1 + sum((k - 1) * int(j) for (k, _), j in zip(layers, jumps[:-1], strict=True)), jumps[-1]


def field_of_an_interval(layers):
    """Which pixels do the numbers at places 0 and 1 see?"""
    ends = []
    for place in (0, 1):
        low = high = place
        for k, s in layers[::-1]:
            low, high = low * s, high * s + k - 1
        ends.append((low, high))
    return [ends[0][1] - ends[0][0] + 1, ends[1][0] - ends[0][0]]


def field_of_sets(layers):
    """Follows every single pixel."""
    seen = [{0}, {1}]
    for k, s in layers[::-1]:
        seen = [{s * p + i for p in pixels for i in range(k)} for pixels in seen]
    return float(len(seen[0])), float(min(seen[1]) - min(seen[0]))


def field_with_prints(layers):
    layers.insert(0, [1, 1])
    RF, jump = 1, 1
    for i in range(len(layers)):
        RF = RF + (layers[i][0] - 1) * jump
        jump = jump * layers[i][1]
        print("layer", i, "receptive field", RF)
    return np.array([RF]), np.int64(jump)


def field_by_recursion(layers):
    if len(layers) == 0:
        return (1, 1)
    *before, (k, s) = layers
    field, jump = field_by_recursion(before)
    return field + (k - 1) * jump, jump * s


FIELDS = [
    field_from_the_end,
    field_of_products,
    field_of_an_interval,
    field_of_sets,
    field_with_prints,
    field_by_recursion,
]


# VGG


def _he(*shape):
    fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
    return np.random.normal(0, np.sqrt(2.0 / fan_in), size=shape)


def _shapes(config, hidden_dims, input_shape, num_classes):
    C, H, W = input_shape
    for entry in config:
        if entry == "M":
            H, W = H // 2, W // 2
        else:
            yield (entry, C, 3, 3), entry
            C = entry
    D = C * H * W
    for n in (*hidden_dims, num_classes):
        yield (D, n), n
        D = n


class VGGOfNumberedCaches:
    """As the course's skeletons are written, with a cache for each layer, by its name."""

    def __init__(self, config, hidden_dims, input_shape, num_classes):
        self.params = {}
        self.config = config
        self.num_conv = len([c for c in config if c != "M"])
        self.num_layers = self.num_conv + len(hidden_dims) + 1
        for i, (shape, units) in enumerate(_shapes(config, hidden_dims, input_shape, num_classes)):
            self.params["W" + str(i + 1)] = _he(*shape)
            self.params["b" + str(i + 1)] = np.zeros(units)

    def loss(self, X, y=None):
        caches, out, i = {}, X, 0
        for k, c in enumerate(self.config):
            if c == "M":
                out, caches["pool" + str(k)] = max_pool_forward(out, {"pool_height": 2, "pool_width": 2, "stride": 2})
            else:
                i += 1
                out, caches["conv" + str(i)] = conv_forward(
                    out, self.params["W" + str(i)], self.params["b" + str(i)], {"stride": 1, "pad": 1}
                )
                out, caches["relu" + str(i)] = relu_forward(out)
        for i in range(self.num_conv + 1, self.num_layers + 1):
            out, caches["fc" + str(i)] = affine_forward(out, self.params["W" + str(i)], self.params["b" + str(i)])
            if i != self.num_layers:
                out, caches["relu" + str(i)] = relu_forward(out)
        scores = out
        if y is None:
            return scores
        loss, dout = softmax_loss(scores, y)
        grads = {}
        for i in range(self.num_layers, self.num_conv, -1):
            if i != self.num_layers:
                dout = relu_backward(dout, caches["relu" + str(i)])
            dout, grads["W" + str(i)], grads["b" + str(i)] = affine_backward(dout, caches["fc" + str(i)])
        i = self.num_conv
        for k in range(len(self.config) - 1, -1, -1):
            if self.config[k] == "M":
                dout = max_pool_backward(dout, caches["pool" + str(k)])
            else:
                dout = relu_backward(dout, caches["relu" + str(i)])
                dout, grads["W" + str(i)], grads["b" + str(i)] = conv_backward(dout, caches["conv" + str(i)])
                i -= 1
        return loss, grads


class VGGOfClosures:
    """Each layer leaves a function that leads back."""

    def __init__(self, config, hidden_dims, input_shape, num_classes):
        self.config = list(config)
        self.params = {}
        for i, (shape, units) in enumerate(_shapes(config, hidden_dims, input_shape, num_classes), 1):
            self.params |= {f"W{i}": _he(*shape), f"b{i}": np.zeros((units,))}

    def loss(self, X, y=None):
        ways, grads, out = [], {}, X
        names = iter(range(1, len(self.params)))

        def trained(forward, backward, *settings):
            nonlocal out
            i = next(names)
            out, cache = forward(out, self.params[f"W{i}"], self.params[f"b{i}"], *settings)

            def back(dout):
                dx, grads[f"W{i}"], grads[f"b{i}"] = backward(dout, cache)
                return dx

            ways.append(back)

        def plain(forward, backward, *settings):
            nonlocal out
            out, cache = forward(out, *settings)
            ways.append(lambda dout: backward(dout, cache))

        for entry in self.config:
            if entry == "M":
                plain(max_pool_forward, max_pool_backward, {"pool_height": 2, "pool_width": 2, "stride": 2})
            else:
                trained(conv_forward, conv_backward, {"stride": 1, "pad": 1})
                plain(relu_forward, relu_backward)
        affine = len(self.params) // 2 - sum(entry != "M" for entry in self.config)
        for i in range(affine):
            trained(affine_forward, affine_backward)
            if i < affine - 1:
                plain(relu_forward, relu_backward)
        if y is None:
            return out
        loss, dout = softmax_loss(out, y)
        for back in ways[::-1]:
            dout = back(dout)
        return loss, grads


class VGGOfNumPy:
    """Nothing of the kit's: windows, sums and a softmax of its own. ReLUs in place."""

    def __init__(self, config, hidden_dims, input_shape, num_classes):
        self.config, self.params = tuple(config), {}
        for i, (shape, units) in enumerate(_shapes(config, hidden_dims, input_shape, num_classes), 1):
            self.params[f"b{i}"] = np.zeros(units)
            self.params[f"W{i}"] = _he(*shape)

    def loss(self, X, y=None):
        steps, out, i = [], X.astype(float), 0
        for entry in self.config:
            if entry == "M":
                n, c, h, w = out.shape
                tiles = out[:, :, : h - h % 2, : w - w % 2].reshape(n, c, h // 2, 2, w // 2, 2)
                steps.append((0, (out.shape, tiles)))
                out = tiles.max(axis=(3, 5))
            else:
                i += 1
                windows = _windows(out, 1, 3)
                out = _tensordot(windows, self.params[f"W{i}"]) + self.params[f"b{i}"][:, None, None]
                out[out < 0] = 0
                steps.append((i, (windows, out)))
        shape, first = out.shape, i
        out = out.reshape(len(out), -1)
        while f"W{i + 1}" in self.params:
            i += 1
            steps.append((i, out))
            out = out @ self.params[f"W{i}"] + self.params[f"b{i}"]
            if f"W{i + 1}" in self.params:
                out = out * (out > 0)
        if y is None:
            return out
        p = np.exp(out - out.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        loss = -np.log(p[range(len(y)), y]).mean()
        p[range(len(y)), y] -= 1
        dout, grads, last = p / len(y), {}, i
        for i, kept in reversed(steps):
            if i > first:
                W = self.params[f"W{i}"]
                grads[f"W{i}"], grads[f"b{i}"] = kept.T @ dout, dout.sum(0)
                dout = dout @ W.T * (kept > 0 if i > first + 1 else 1)
                continue
            dout = dout.reshape(shape) if dout.ndim == 2 else dout
            if i == 0:
                whole, tiles = kept
                hit = tiles == tiles.max(axis=(3, 5), keepdims=True)
                spread = hit * dout[:, :, :, None, :, None]
                dout = np.zeros(whole)
                even = spread.reshape(*whole[:2], 2 * spread.shape[2], 2 * spread.shape[4])
                dout[:, :, : even.shape[2], : even.shape[3]] = even
            else:
                windows, active = kept
                dout = dout * (active > 0)
                grads[f"W{i}"] = np.einsum("nfhw,nchwkl->fckl", dout, windows)
                grads[f"b{i}"] = dout.sum((0, 2, 3))
                dout = _tensordot(_windows(dout, 1, 3), self.params[f"W{i}"].swapaxes(0, 1)[:, :, ::-1, ::-1])
        assert last == len(self.params) // 2
        return loss, grads


def _windows(x, pad, size, stride=1):
    framed = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    return np.lib.stride_tricks.sliding_window_view(framed, (size, size), (2, 3))[:, :, ::stride, ::stride]


def _tensordot(windows, w):
    return np.einsum("nchwkl,fckl->nfhw", windows, w)


class VGGOfLayerObjects:
    """A list of small objects; a list instead of a tuple is returned, with an entry too many in grads."""

    class Layer:
        def __init__(self, forward, backward, name=None, settings=()):
            self.forward, self.backward, self.name, self.settings = forward, backward, name, settings

    def __init__(self, config, hidden_dims, input_shape, num_classes):
        self.params, self.layers = {}, []
        relu = (relu_forward, relu_backward)
        for number, (shape, units) in enumerate(_shapes(config, hidden_dims, input_shape, num_classes), 1):
            self.params[f"W{number}"] = np.random.standard_normal(shape) * (2 / (np.prod(shape) / units)) ** 0.5
            self.params[f"b{number}"] = np.zeros(units)
        number = 0  # of the last layer with parameters
        for entry in config:
            if entry == "M":
                pool = ({"pool_height": 2, "pool_width": 2, "stride": 2},)
                self.layers.append(self.Layer(max_pool_forward, max_pool_backward, None, pool))
            else:
                number += 1
                self.layers.append(self.Layer(conv_forward, conv_backward, number, ({"stride": 1, "pad": 1},)))
                self.layers.append(self.Layer(*relu))
        for _ in (*hidden_dims, num_classes):
            number += 1
            self.layers += [self.Layer(affine_forward, affine_backward, number), self.Layer(*relu)]
        self.layers.pop()

    def loss(self, X, y=None):
        for layer in self.layers:
            given = [self.params[f"{kind}{layer.name}"] for kind in "Wb"] if layer.name else []
            X, layer.cache = layer.forward(X, *given, *layer.settings)
        if y is None:
            return X
        loss, dout = softmax_loss(X, y)
        grads = {"dX": None}
        for layer in self.layers[::-1]:
            dout = layer.backward(dout, layer.cache)
            if layer.name:
                dout, grads[f"W{layer.name}"], grads[f"b{layer.name}"] = dout
        return [np.array([loss]), grads]


class VGGOfSinglePrecision(VGGOfNumberedCaches):
    def loss(self, X, y=None):
        whole = self.params
        self.params = {name: array.astype(np.float32) for name, array in whole.items()}
        try:
            return super().loss(X.astype(np.float32), y)
        finally:
            self.params = whole


class VGGByRecursion:
    def __init__(self, config, hidden_dims, input_shape, num_classes):
        self.plan = [*config, *[("affine", n) for n in hidden_dims], ("affine", num_classes)]
        self.params = {}
        C, *size = input_shape
        flat = None
        for step in self.plan:
            number = len(self.params) // 2 + 1
            if step == "M":
                size = [n // 2 for n in size]
            elif isinstance(step, int):
                self.params[f"W{number}"] = np.random.randn(step, C, 3, 3) * np.sqrt(2.0) / np.sqrt(C * 9)
                self.params[f"b{number}"] = np.zeros(step)
                C = step
            else:
                flat = C * size[0] * size[1] if flat is None else flat
                self.params[f"W{number}"] = np.random.randn(flat, step[1]) / np.sqrt(flat / 2)
                self.params[f"b{number}"] = np.zeros(step[1])
                flat = step[1]

    def loss(self, X, y=None):
        found = self.through(X, y, self.plan, 1)
        return found if y is None else found[:2]

    def through(self, x, y, plan, i):
        """The scores; or the loss, the gradients so far, and the gradient of x."""
        if not plan:
            return x if y is None else (softmax_loss(x, y)[0], {}, softmax_loss(x, y)[1])
        step, *rest = plan
        W, b = self.params.get(f"W{i}"), self.params.get(f"b{i}")
        if step == "M":
            out, cache = max_pool_forward(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
            found = self.through(out, y, rest, i)
            return found if y is None else (*found[:2], max_pool_backward(found[2], cache))
        if isinstance(step, int):
            out, cache = conv_forward(x, W, b, {"stride": 1, "pad": 1})
        else:
            out, cache = affine_forward(x, W, b)
        active = np.where(out > 0, out, 0) if rest else out
        found = self.through(active, y, rest, i + 1)
        if y is None:
            return found
        loss, grads, dout = found
        dout = dout * (out > 0) if rest else dout
        dx, dW, db = (conv_backward if isinstance(step, int) else affine_backward)(dout, cache)
        return loss, {f"W{i}": dW, f"b{i}": db, **grads}, dx


NETWORKS = [
    VGGOfNumberedCaches,
    VGGOfClosures,
    VGGOfNumPy,
    VGGOfLayerObjects,
    VGGOfSinglePrecision,
    VGGByRecursion,
]


# Inception blocks, (forward, backward)

POINT, WINDOW = {"stride": 1, "pad": 0}, {"pool_height": 3, "pool_width": 3, "stride": 1, "pad": 1}


def inception_forward(x, params):
    """Straight on, with a dictionary for what is kept."""
    cache = {}
    a1, cache["c1"] = conv_forward(x, params["W1"], params["b1"], {"stride": 1, "pad": 0})
    out1, cache["r1"] = relu_forward(a1)
    a2, cache["c2"] = conv_forward(x, params["W3_reduce"], params["b3_reduce"], {"stride": 1, "pad": 0})
    h2, cache["r2"] = relu_forward(a2)
    a3, cache["c3"] = conv_forward(h2, params["W3"], params["b3"], {"stride": 1, "pad": 1})
    out2, cache["r3"] = relu_forward(a3)
    a4, cache["c4"] = conv_forward(x, params["W5_reduce"], params["b5_reduce"], {"stride": 1, "pad": 0})
    h4, cache["r4"] = relu_forward(a4)
    a5, cache["c5"] = conv_forward(h4, params["W5"], params["b5"], {"stride": 1, "pad": 2})
    out3, cache["r5"] = relu_forward(a5)
    p, cache["p"] = max_pool_forward(x, {"pool_height": 3, "pool_width": 3, "stride": 1, "pad": 1})
    a6, cache["c6"] = conv_forward(p, params["W_pool"], params["b_pool"], {"stride": 1, "pad": 0})
    out4, cache["r6"] = relu_forward(a6)
    cache["n1"] = out1.shape[1]
    cache["n2"] = cache["n1"] + out2.shape[1]
    cache["n3"] = cache["n2"] + out3.shape[1]
    return np.concatenate((out1, out2, out3, out4), axis=1), cache


def inception_backward(dout, cache):
    n1, n2, n3 = cache["n1"], cache["n2"], cache["n3"]
    grads = {}
    d = relu_backward(dout[:, :n1], cache["r1"])
    dx, grads["W1"], grads["b1"] = conv_backward(d, cache["c1"])
    d = relu_backward(dout[:, n1:n2], cache["r3"])
    d, grads["W3"], grads["b3"] = conv_backward(d, cache["c3"])
    d, grads["W3_reduce"], grads["b3_reduce"] = conv_backward(relu_backward(d, cache["r2"]), cache["c2"])
    dx += d
    d = relu_backward(dout[:, n2:n3], cache["r5"])
    d, grads["W5"], grads["b5"] = conv_backward(d, cache["c5"])
    d, grads["W5_reduce"], grads["b5_reduce"] = conv_backward(relu_backward(d, cache["r4"]), cache["c4"])
    dx += d
    d = relu_backward(dout[:, n3:], cache["r6"])
    d, grads["W_pool"], grads["b_pool"] = conv_backward(d, cache["c6"])
    dx += max_pool_backward(d, cache["p"])
    return dx, grads


_BRANCHES = ((("1", 0),), (("3_reduce", 0), ("3", 1)), (("5_reduce", 0), ("5", 2)), (("_pool", 0),))


def forward_of_chains(x, params):
    """Each branch is a list of steps."""
    outs, chains = [], []
    for names in _BRANCHES:
        out, chain = x, []
        if names[0][0] == "_pool":
            out, cache = max_pool_forward(x, WINDOW)
            chain.append((None, cache, None))
        for name, pad in names:
            maps, cache = conv_forward(out, params[f"W{name}"], params[f"b{name}"], {"stride": 1, "pad": pad})
            out = np.maximum(maps, 0)
            chain.append((name, cache, maps > 0))
        outs.append(out)
        chains.append(chain)
    return np.hstack(outs), [chains, [out.shape[1] for out in outs]]


def backward_of_chains(dout, cache):
    chains, counts = cache
    total, grads, start = 0, {"x": 0}, 0
    for chain, count in zip(chains, counts, strict=True):
        d = dout[:, start : start + count]
        start += count
        for name, kept, active in chain[::-1]:
            if name is None:
                d = max_pool_backward(d, kept)
            else:
                d, grads["W" + name], grads["b" + name] = conv_backward(d * active, kept)
        total = total + d
    return total, grads


def forward_keeping_a_function(x, params):
    def unit(source, name, pad):
        maps, cache = conv_forward(source, params["W" + name], params["b" + name], dict(stride=1, pad=pad))

        def back(dout, grads):
            dsource, grads["W" + name], grads["b" + name] = conv_backward(np.where(maps > 0, dout, 0), cache)
            return dsource

        return np.where(maps > 0, maps, 0), back

    ones, back1 = unit(x, "1", 0)
    reduced3, back3_reduce = unit(x, "3_reduce", 0)
    threes, back3 = unit(reduced3, "3", 1)
    reduced5, back5_reduce = unit(x, "5_reduce", 0)
    fives, back5 = unit(reduced5, "5", 2)
    pooled, pool_cache = max_pool_forward(x, WINDOW)
    projected, back_pool = unit(pooled, "_pool", 0)
    parts = [ones, threes, fives, projected]

    def back(dout):
        grads = {}
        d1, d3, d5, d_pool = np.split(dout, np.cumsum([part.shape[1] for part in parts[:3]]), axis=1)
        ways = [
            back1(d1, grads),
            back3_reduce(back3(d3, grads), grads),
            back5_reduce(back5(d5, grads), grads),
            max_pool_backward(back_pool(d_pool, grads), pool_cache),
        ]
        return sum(ways), grads

    return np.concatenate(parts, 1), back


def backward_by_calling(dout, back):
    return back(dout)


def forward_of_numpy(x, params):
    """Windows and sums, filled into one array; keeps x and params and does all again on the way back."""
    N, _, H, W = x.shape
    counts = [len(params[name]) for name in ("W1", "W3", "W5", "W_pool")]
    out = np.empty((N, sum(counts), H, W), x.dtype)
    at = np.cumsum([0, *counts])
    parts = _branches_of_numpy(x, params)
    for i, key in enumerate(("1", "3", "5", "_pool")):
        out[:, at[i] : at[i + 1]] = parts[key][1]
    return out, (x.copy(), {name: array.copy() for name, array in params.items()})


def _branches_of_numpy(x, params):
    def unit(source, name, pad):
        windows = _windows(source, pad, 1 + 2 * pad)
        return windows, np.maximum(0, _tensordot(windows, params["W" + name]) + params["b" + name][:, None, None])

    parts = {name: unit(x, name, 0) for name in ("1", "3_reduce", "5_reduce")}
    parts["3"] = unit(parts["3_reduce"][1], "3", 1)
    parts["5"] = unit(parts["5_reduce"][1], "5", 2)
    framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    parts["seen"] = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), (2, 3))
    parts["_pool"] = unit(parts["seen"].max((4, 5)), "_pool", 0)
    return parts


def backward_of_numpy(dout, cache):
    x, params = cache
    parts, grads = _branches_of_numpy(x, params), {}

    def unit(dout, name, pad):
        windows, out = parts[name]
        d = dout * (out > 0)
        grads["b" + name], grads["W" + name] = d.sum((0, 2, 3)), np.einsum("nfhw,nchwkl->fckl", d, windows)
        turned = params["W" + name].swapaxes(0, 1)[:, :, ::-1, ::-1]
        return _tensordot(_windows(d, pad, 1 + 2 * pad), turned)

    first, second, third = np.cumsum([parts[name][1].shape[1] for name in ("1", "3", "5")])
    dx = unit(dout[:, :first], "1", 0)
    dx = dx + unit(unit(dout[:, first:second], "3", 1), "3_reduce", 0)
    dx = dx + unit(unit(dout[:, second:third], "5", 2), "5_reduce", 0)
    dpooled = unit(dout[:, third:], "_pool", 0)
    seen = parts["seen"]
    for n, c, i, j in np.ndindex(dpooled.shape):
        k, m = np.unravel_index(seen[n, c, i, j].argmax(), (3, 3))
        dx[n, c, i + k - 1, j + m - 1] += dpooled[n, c, i, j]
    return dx, grads


def forward_in_place(x, params):
    """Adds up one branch after the other, changes x (which is put back too late) and keeps an object."""
    x *= 1.0
    kept = SimpleNamespace(caches={}, sizes=[])
    out = np.zeros((len(x), 0, *x.shape[2:]), dtype=x.dtype)
    for names in _BRANCHES:
        part = x
        if names == (("_pool", 0),):
            part, kept.pool = max_pool_forward(part, WINDOW)
        for name, pad in names:
            part, cache = conv_forward(part, params["W" + name], params["b" + name], {"stride": 1, "pad": pad})
            part *= part > 0
            kept.caches[name] = (cache, part)
        kept.sizes.append(part.shape[1])
        out = np.append(out, part, axis=1)
    return out, kept


def backward_in_place(dout, kept):
    grads, dx = {}, 0
    pieces = []
    for size in kept.sizes:
        pieces.append(dout[:, :size].copy())
        dout = dout[:, size:]
    for names, piece in zip(_BRANCHES, pieces, strict=True):
        for name, _ in names[::-1]:
            cache, part = kept.caches[name]
            piece *= part > 0
            piece, dw, db = conv_backward(piece, cache)
            grads.update({"W" + name: dw, "b" + name: db})
        dx = dx + (max_pool_backward(piece, kept.pool) if names == (("_pool", 0),) else piece)
    return dx, grads


def forward_in_single_precision(x, params):
    return forward_of_chains(x.astype(np.float32), {name: array.astype("f4") for name, array in params.items()})


def backward_in_single_precision(dout, cache):
    return backward_of_chains(dout.astype(np.float32), cache)


INCEPTIONS = [
    (inception_forward, inception_backward),
    (forward_of_chains, backward_of_chains),
    (forward_keeping_a_function, backward_by_calling),
    (forward_of_numpy, backward_of_numpy),
    (forward_in_place, backward_in_place),
    (forward_in_single_precision, backward_in_single_precision),
]


# Residual blocks, (forward, backward)


def residual_block_forward(x, params, stride=1):
    """As the course's skeletons are written."""
    conv1, cache_conv1 = conv_forward(x, params["W1"], params["b1"], {"stride": stride, "pad": 1})
    relu1, cache_relu1 = relu_forward(conv1)
    conv2, cache_conv2 = conv_forward(relu1, params["W2"], params["b2"], {"stride": 1, "pad": 1})
    if params.get("W_proj") is not None:
        skip, cache_skip = conv_forward(x, params["W_proj"], params["b_proj"], {"stride": stride, "pad": 0})
    else:
        skip, cache_skip = x, None
    out, cache_relu2 = relu_forward(conv2 + skip)
    cache = (cache_conv1, cache_relu1, cache_conv2, cache_skip, cache_relu2, x, params)
    return out, cache


def residual_block_backward(dout, cache):
    cache_conv1, cache_relu1, cache_conv2, cache_skip, cache_relu2, _, _ = cache
    grads = {}
    dout = relu_backward(dout, cache_relu2)
    drelu1, grads["W2"], grads["b2"] = conv_backward(dout, cache_conv2)
    dconv1 = relu_backward(drelu1, cache_relu1)
    dx, grads["W1"], grads["b1"] = conv_backward(dconv1, cache_conv1)
    if cache_skip is None:
        dx += dout
    else:
        dskip, grads["W_proj"], grads["b_proj"] = conv_backward(dout, cache_skip)
        dx += dskip
    return dx, grads


def block_of_numpy(x, params, stride=1):
    """Windows, sums and masks of NumPy; a dictionary for what is kept."""
    windows = _windows(x, 1, 3, stride)
    hidden = np.maximum(0, _tensordot(windows, params["W1"]) + params["b1"].reshape(1, -1, 1, 1))
    inner = _windows(hidden, 1, 3)
    out = _tensordot(inner, params["W2"]) + params["b2"].reshape(1, -1, 1, 1)
    seen = x[:, :, ::stride, ::stride]
    if "W_proj" in params:
        out = out + np.einsum("nchw,fc->nfhw", seen, params["W_proj"][..., 0, 0]) + params["b_proj"][:, None, None]
    else:
        out = out + x
    out = out * (out > 0)
    return out, {"windows": windows, "hidden": hidden, "inner": inner, "seen": seen, "out": out} | {
        "params": params,
        "stride": stride,
        "shape": x.shape,
    }


def block_of_numpy_backward(dout, cache):
    params, stride = cache["params"], cache["stride"]
    d = np.where(cache["out"] > 0, dout, 0)
    grads = {"W2": np.einsum("nfhw,nchwkl->fckl", d, cache["inner"]), "b2": d.sum(axis=(0, 2, 3))}
    dh = _tensordot(_windows(d, 1, 3), params["W2"].swapaxes(0, 1)[:, :, ::-1, ::-1]) * (cache["hidden"] > 0)
    grads |= {"W1": np.einsum("nfhw,nchwkl->fckl", dh, cache["windows"]), "b1": dh.sum(axis=(0, 2, 3))}
    N, C, H, W = cache["shape"]
    framed = np.zeros((N, C, H + 2, W + 2))
    for i in range(dh.shape[2]):
        for j in range(dh.shape[3]):
            place = np.s_[:, :, i * stride : i * stride + 3, j * stride : j * stride + 3]
            framed[place] += np.einsum("nf,fckl->nckl", dh[:, :, i, j], params["W1"])
    dx = framed[:, :, 1:-1, 1:-1]
    if "W_proj" in params:
        w = params["W_proj"][:, :, 0, 0]
        grads |= {"W_proj": np.einsum("nfhw,nchw->fc", d, cache["seen"])[:, :, None, None], "b_proj": d.sum((0, 2, 3))}
        dx[:, :, ::stride, ::stride] += np.einsum("nfhw,fc->nchw", d, w)
    else:
        dx = dx + d
    return dx, grads


def block_with_an_identity_convolution(x, params, stride=1):
    """One way for both kinds of shortcut: the identity is a 1 × 1 convolution too."""
    C = x.shape[1]
    w = params.get("W_proj", np.eye(C)[:, :, None, None])
    b = params.get("b_proj", np.zeros(C))
    first = conv_forward(x, params["W1"], params["b1"], {"stride": stride, "pad": 1})
    middle = relu_forward(first[0])
    second = conv_forward(middle[0], params["W2"], params["b2"], {"stride": 1, "pad": 1})
    shortcut = conv_forward(x, w, b, {"stride": stride, "pad": 0})
    end = relu_forward(second[0] + shortcut[0])
    return end[0], [part[1] for part in (first, middle, second, shortcut, end)]


def block_with_an_identity_convolution_backward(dout, caches):
    first, middle, second, shortcut, end = caches
    d = relu_backward(dout, end)
    found = conv_backward(d, second)
    below = conv_backward(relu_backward(found[0], middle), first)
    around = conv_backward(d, shortcut)
    grads = dict(W1=below[1], b1=below[2], W2=found[1], b2=found[2], W_proj=around[1], b_proj=around[2])
    return below[0] + around[0], grads


def block_keeping_a_function(x, params, stride=1):
    a1, c1 = conv_forward(x, params["W1"], params["b1"], {"stride": stride, "pad": 1})
    a2, c2 = conv_forward(a1.clip(min=0), params["W2"], params["b2"], {"stride": 1, "pad": 1})
    projecting = "W_proj" in params
    if projecting:
        s, cs = conv_forward(x, params["W_proj"], params["b_proj"], {"stride": stride, "pad": 0})
    total = a2 + (s if projecting else x)

    def back(dout):
        g = {}
        d = dout * (total > 0)
        dh, g["W2"], g["b2"] = conv_backward(d, c2)
        dx, g["W1"], g["b1"] = conv_backward(dh * (a1 > 0), c1)
        if projecting:
            d, g["W_proj"], g["b_proj"] = conv_backward(d, cs)
        return d + dx, g

    return total.clip(min=0), back


def block_in_place(x, params, stride=1):
    """Writes into its own intermediate results and into dout, and prints."""
    print("x", x.shape)
    hidden, cache1 = conv_forward(x, params["W1"], params["b1"], {"stride": stride, "pad": 1})
    np.maximum(hidden, 0, out=hidden)
    out, cache2 = conv_forward(hidden, params["W2"], params["b2"], {"stride": 1, "pad": 1})
    cache3 = None
    try:
        shortcut, cache3 = conv_forward(x, params["W_proj"], params["b_proj"], {"stride": stride, "pad": 0})
        out += shortcut
    except KeyError:
        out += x
    out[out < 0] = 0
    return out, SimpleNamespace(caches=(cache1, cache2, cache3), hidden=hidden, out=out.copy())


def block_in_place_backward(dout, kept):
    dout *= kept.out > 0
    dhidden, dW2, db2 = conv_backward(dout, kept.caches[1])
    dhidden[kept.hidden <= 0] = 0
    dx, dW1, db1 = conv_backward(dhidden, kept.caches[0])
    grads = {"b1": db1, "W1": dW1, "b2": db2, "W2": dW2}
    if kept.caches[2]:
        dskip, grads["W_proj"], grads["b_proj"] = conv_backward(dout, kept.caches[2])
        dx += dskip
    else:
        dx += dout
    return dx, grads


def block_in_single_precision(x, params, stride=1):
    small = {name: array.astype(np.float32) for name, array in params.items()}
    return residual_block_forward(x.astype(np.float32), small, stride)


def block_in_single_precision_backward(dout, cache):
    return residual_block_backward(np.float32(dout), cache)


def block_done_again(x, params, stride=1):
    """Keeps only what it was given and computes all again on the way back; a list is returned."""
    return [residual_block_forward(x, params, stride)[0], (x, params, stride)]


def block_done_again_backward(dout, cache):
    _, kept = _as_the_skeletons(*cache)
    return list(residual_block_backward(dout, kept))


_as_the_skeletons = residual_block_forward


RESIDUALS = [
    (residual_block_forward, residual_block_backward),
    (block_of_numpy, block_of_numpy_backward),
    (block_with_an_identity_convolution, block_with_an_identity_convolution_backward),
    (block_keeping_a_function, backward_by_calling),
    (block_in_place, block_in_place_backward),
    (block_in_single_precision, block_in_single_precision_backward),
    (block_done_again, block_done_again_backward),
]
