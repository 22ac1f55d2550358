"""Correct answers to assignment 2's notebook `conv_layers`, in the styles students use. All of them earn full points.

A forward pass and its backward pass belong together: what one keeps, the other reads.
"""

from types import SimpleNamespace

import numpy as np

# Convolution, (forward, backward)


def conv_forward_naive(x, w, b, conv_param):
    """Four loops."""
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    pad = conv_param["pad"]
    stride = conv_param["stride"]
    x_pad = np.pad(x, ((0,), (0,), (pad,), (pad,)), "constant")
    H_out = int(1 + (H + 2 * pad - HH) / stride)
    W_out = int(1 + (W + 2 * pad - WW) / stride)
    out = np.zeros((N, F, H_out, W_out))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    hs, ws = i * stride, j * stride
                    out[n, f, i, j] = np.sum(x_pad[n, :, hs : hs + HH, ws : ws + WW] * w[f]) + b[f]
    return out, (x, w, b, conv_param)


def conv_backward_naive(dout, cache):
    x, w, _, conv_param = cache
    pad, stride = conv_param["pad"], conv_param["stride"]
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0,), (0,), (pad,), (pad,)), "constant")
    dx_pad, dw, db = np.zeros_like(x_pad), np.zeros_like(w), np.zeros(F)
    for n in range(N):
        for f in range(F):
            db[f] += np.sum(dout[n, f])
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    hs, ws = i * stride, j * stride
                    dw[f] += x_pad[n, :, hs : hs + HH, ws : ws + WW] * dout[n, f, i, j]
                    dx_pad[n, :, hs : hs + HH, ws : ws + WW] += w[f] * dout[n, f, i, j]
    return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, db


def conv_in_columns(x, w, b, conv_param):
    """All windows as rows of one matrix, which is kept."""
    N, C, _, _ = x.shape
    F, _, HH, WW = w.shape
    p, s = conv_param["pad"], conv_param["stride"]
    xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    windows = np.lib.stride_tricks.sliding_window_view(xp, (HH, WW), axis=(2, 3))[:, :, ::s, ::s]
    rows, cols = windows.shape[2:4]
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * rows * cols, C * HH * WW)
    out = (columns @ w.reshape(F, -1).T + b).reshape(N, rows, cols, F).transpose(0, 3, 1, 2)
    return out, {"columns": columns, "w": w, "shape": xp.shape, "param": conv_param, "x shape": x.shape}


def conv_back_from_columns(dout, cache):
    w, p, s = cache["w"], cache["param"]["pad"], cache["param"]["stride"]
    N, C, H, W = cache["x shape"]
    F, _, HH, WW = w.shape
    flat = dout.transpose(0, 2, 3, 1).reshape(-1, F)
    dw = (flat.T @ cache["columns"]).reshape(w.shape)
    pieces = (flat @ w.reshape(F, -1)).reshape(N, *dout.shape[2:], C, HH, WW)
    dxp = np.zeros(cache["shape"])
    for k, m in np.ndindex(HH, WW):
        end_k, end_m = k + s * dout.shape[2], m + s * dout.shape[3]
        dxp[:, :, k:end_k:s, m:end_m:s] += pieces[..., k, m].transpose(0, 3, 1, 2)
    return dxp[:, :, p : p + H, p : p + W], dw, flat.sum(axis=0, keepdims=True)


def conv_tap_by_tap(x, w, b, conv_param):
    """A loop over the places of the filter instead of the image."""
    (pad, stride), (HH, WW) = (conv_param["pad"], conv_param["stride"]), w.shape[2:]
    xp = np.pad(x, [(0, 0)] * 2 + [(pad, pad)] * 2)
    out_h, out_w = (xp.shape[2] - HH) // stride + 1, (xp.shape[3] - WW) // stride + 1
    out = np.zeros((len(x), len(w), out_h, out_w)) + b.reshape(1, -1, 1, 1)
    for k in range(HH):
        for m in range(WW):
            taken = xp[:, :, k : k + stride * (out_h - 1) + 1 : stride, m : m + stride * (out_w - 1) + 1 : stride]
            out += np.einsum("nchw,fc->nfhw", taken, w[:, :, k, m])
    return out, SimpleNamespace(xp=xp, w=w, pad=pad, stride=stride)


def conv_back_tap_by_tap(dout, cache):
    xp, w, pad, stride = cache.xp, cache.w, cache.pad, cache.stride
    out_h, out_w = dout.shape[2:]
    dxp, dw = np.zeros(xp.shape), np.empty(w.shape)
    for k, m in np.ndindex(w.shape[2:]):
        rows = slice(k, k + stride * (out_h - 1) + 1, stride)
        cols = slice(m, m + stride * (out_w - 1) + 1, stride)
        dw[:, :, k, m] = np.einsum("nfhw,nchw->fc", dout, xp[:, :, rows, cols])
        dxp[:, :, rows, cols] += np.einsum("nfhw,fc->nchw", dout, w[:, :, k, m])
    dx = dxp if pad == 0 else dxp[:, :, pad:-pad, pad:-pad]
    return [dx, dw, np.einsum("nfhw->f", dout)]


def conv_with_scipy(x, w, b, conv_param):
    from scipy.signal import correlate

    p, s = conv_param["pad"], conv_param["stride"]
    xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p))).astype(float)
    maps = [[correlate(image, kernel, mode="valid")[0, ::s, ::s] for kernel in w.astype(float)] for image in xp]
    return np.array(maps) + b[None, :, None, None], (xp, w, (p, s))


def conv_back_with_a_larger_dout(dout, cache):
    """dx as a full convolution of dout, spread out by the stride, with the flipped filters."""
    xp, w, (p, s) = cache
    N, _, H, W = xp.shape
    F, _, HH, WW = w.shape
    spread = np.zeros((N, F, H - HH + 1, W - WW + 1))
    spread[:, :, ::s, ::s] = dout
    dw = np.zeros(w.shape)
    for k, m in np.ndindex(HH, WW):
        dw[:, :, k, m] = np.tensordot(spread, xp[:, :, k : k + H - HH + 1, m : m + W - WW + 1], ([0, 2, 3], [0, 2, 3]))
    framed = np.pad(spread, ((0, 0), (0, 0), (HH - 1, HH - 1), (WW - 1, WW - 1)))
    dx = np.zeros(xp.shape)
    for i, j in np.ndindex(H, W):
        dx[:, :, i, j] = np.tensordot(framed[:, :, i : i + HH, j : j + WW], w[:, :, ::-1, ::-1], ([1, 2, 3], [0, 2, 3]))
    return dx[:, :, p : H - p, p : W - p], dw, dout.sum((0, 2, 3))


def conv_keeping_a_function(x, w, b, conv_param):
    """Changes x, prints, and keeps a function."""
    p, s = conv_param["pad"], conv_param["stride"]
    xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    print("padded", xp.shape)
    height, width = w.shape[2:]
    places = [(i, j) for i in range(0, xp.shape[2] - height + 1, s) for j in range(0, xp.shape[3] - width + 1, s)]
    out = [(xp[:, None, :, i : i + height, j : j + width] * w).sum(axis=(2, 3, 4)) + b for i, j in places]
    size = x.shape
    x *= 0

    def back(dout):
        flat = dout.reshape(*dout.shape[:2], -1)
        dxp, dw = 0 * xp, 0 * w
        for place, (i, j) in enumerate(places):
            d = flat[:, :, place, None, None, None]
            dw += (d * xp[:, None, :, i : i + height, j : j + width]).sum(0)
            dxp[:, :, i : i + height, j : j + width] += (d * w).sum(1)
        return dxp[:, :, p : p + size[2], p : p + size[3]], dw, flat.sum(-1).sum(0)

    lines = len(range(0, xp.shape[2] - height + 1, s))
    return np.stack(out, axis=-1).reshape(len(x), len(w), lines, -1), back


def by_calling(dout, cache):
    return cache(dout)


def conv_in_float32(x, w, b, conv_param):
    out, (x, w, b, conv_param) = conv_forward_naive(x.astype(np.float32), w.astype(np.float32), b, conv_param)
    return out.astype(np.float32), (x, w, b, conv_param)


def conv_backward_changing_dout(dout, cache):
    dx, dw, db = conv_backward_naive(dout, cache)
    dout[:] = 0
    return np.float32(dx), np.float32(dw), np.float32(db)


CONVOLUTION = (
    (conv_forward_naive, conv_backward_naive),
    (conv_in_columns, conv_back_from_columns),
    (conv_tap_by_tap, conv_back_tap_by_tap),
    (conv_with_scipy, conv_back_with_a_larger_dout),
    (conv_keeping_a_function, by_calling),
    (conv_in_float32, conv_backward_changing_dout),
)


# Max pooling, (forward, backward)


def max_pool_forward_naive(x, pool_param):
    N, C, H, W = x.shape
    hp, wp, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    H_out, W_out = int((H - hp) / s + 1), int((W - wp) / s + 1)
    out = np.zeros((N, C, H_out, W_out))
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    out[n, c, i, j] = np.max(x[n, c, i * s : i * s + hp, j * s : j * s + wp])
    return out, (x, pool_param)


def max_pool_backward_naive(dout, cache):
    """All of the gradient to all of the largest."""
    x, pool_param = cache
    hp, wp, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*dout.shape):
        window = x[n, c, i * s : i * s + hp, j * s : j * s + wp]
        dx[n, c, i * s : i * s + hp, j * s : j * s + wp] += (window == np.max(window)) * dout[n, c, i, j]
    return dx


def pool_backward_sharing(dout, cache):
    """The largest share the gradient."""
    x, param = cache
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dout.shape[2:]):
        rows = slice(i * param["stride"], i * param["stride"] + param["pool_height"])
        cols = slice(j * param["stride"], j * param["stride"] + param["pool_width"])
        mask = x[:, :, rows, cols] == x[:, :, rows, cols].max(axis=(2, 3), keepdims=True)
        dx[:, :, rows, cols] += mask / mask.sum(axis=(2, 3), keepdims=True) * dout[:, :, i, j, None, None]
    return dx


def pool_by_views(x, pool_param):
    """Keeps where the maxima are; changes x."""
    s, size = pool_param["stride"], (pool_param["pool_height"], pool_param["pool_width"])
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))[:, :, ::s, ::s]
    flat = windows.reshape(*windows.shape[:4], -1)
    out, places, shape = flat.max(axis=-1), flat.argmax(axis=-1), x.shape
    x[:] = 0
    return out, {"places": places, "shape": shape, "s": s, "width": size[1]}


def pool_back_by_places(dout, cache):
    dx = np.zeros(cache["shape"], dtype=dout.dtype)
    n, c, i, j = np.indices(dout.shape)
    rows, cols = i * cache["s"] + cache["places"] // cache["width"], j * cache["s"] + cache["places"] % cache["width"]
    np.add.at(dx, (n, c, rows, cols), dout)
    return dx


def pool_in_plain_python(x, pool_param):
    height, width, s = (pool_param[name] for name in ("pool_height", "pool_width", "stride"))
    H, W = x.shape[2:]
    tops, lefts = range(0, H - height + 1, s), range(0, W - width + 1, s)
    values, winners = [], []
    for n, c in np.ndindex(x.shape[:2]):
        for top in tops:
            for left in lefts:
                best = (top, left)
                for k in range(top, top + height):
                    for m in range(left, left + width):
                        if x[n, c, k, m] >= x[n, c][best]:  # of equal ones the last
                            best = (k, m)
                values.append(float(x[n, c][best]))
                winners.append((n, c, *best))
    return np.array(values).reshape(*x.shape[:2], len(tops), len(lefts)).tolist(), (winners, x.shape)


def pool_back_in_plain_python(dout, cache):
    winners, shape = cache
    dx = np.zeros(shape)
    for place, d in zip(winners, dout.flatten(), strict=True):
        dx[place] += d
    return (dx,)


def pool_by_taps(x, pool_param):
    s, height, width = pool_param["stride"], pool_param["pool_height"], pool_param["pool_width"]
    h, w = (x.shape[2] - height) // s + 1, (x.shape[3] - width) // s + 1
    out = np.full((*x.shape[:2], h, w), -np.inf)
    for k, m in np.ndindex(height, width):
        out = np.maximum(out, x[:, :, k : k + s * (h - 1) + 1 : s, m : m + s * (w - 1) + 1 : s])
    return out, (out, x, pool_param)


def pool_back_by_taps(dout, cache):
    out, x, pool_param = cache
    s, (h, w), dx = pool_param["stride"], out.shape[2:], np.zeros_like(x)
    for k, m in np.ndindex(pool_param["pool_height"], pool_param["pool_width"]):
        places = np.s_[:, :, k : k + s * (h - 1) + 1 : s, m : m + s * (w - 1) + 1 : s]
        dx[places] += np.where(x[places] == out, dout, 0)
    return dx


def pool_in_float32(x, pool_param):
    out, _ = max_pool_forward_naive(x, pool_param)
    return np.float32(out), (np.float32(x), dict(pool_param), "more")


def pool_back_in_float32(dout, cache):
    return pool_backward_sharing(dout.astype(np.float32), cache[:2]).astype(np.float32)


POOLING = (
    (max_pool_forward_naive, max_pool_backward_naive),
    (max_pool_forward_naive, pool_backward_sharing),
    (pool_by_views, pool_back_by_places),
    (pool_in_plain_python, pool_back_in_plain_python),
    (pool_by_taps, pool_back_by_taps),
    (pool_in_float32, pool_back_in_float32),
)


# Networks

conv_forward, conv_backward = conv_tap_by_tap, conv_back_tap_by_tap
max_pool_forward, max_pool_backward = pool_by_taps, pool_back_by_taps


def affine_forward(x, w, b):
    return x.reshape(x.shape[0], -1).dot(w) + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout.dot(w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T.dot(dout), np.sum(dout, axis=0)


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, x):
    return dout * (x > 0)


def softmax_loss(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    dx = np.exp(log_probs)
    dx[np.arange(len(x)), y] -= 1
    return -np.mean(log_probs[np.arange(len(x)), y]), dx / len(x)


class ThreeLayerConvNet:
    def __init__(
        self,
        input_dim=(3, 32, 32),
        num_filters=32,
        filter_size=7,
        hidden_dim=100,
        num_classes=10,
        weight_scale=1e-3,
        reg=0.0,
        dtype=np.float32,
    ):
        C, H, W = input_dim
        self.params = {}
        self.reg = reg
        self.filter_size = filter_size
        self.params["W1"] = weight_scale * np.random.randn(num_filters, C, filter_size, filter_size)
        self.params["b1"] = np.zeros(num_filters)
        self.params["W2"] = weight_scale * np.random.randn(num_filters * H * W // 4, hidden_dim)
        self.params["b2"] = np.zeros(hidden_dim)
        self.params["W3"] = weight_scale * np.random.randn(hidden_dim, num_classes)
        self.params["b3"] = np.zeros(num_classes)

    def loss(self, X, y=None):
        p = self.params
        conv_param = {"stride": 1, "pad": (p["W1"].shape[2] - 1) // 2}
        a, conv_cache = conv_forward(X, p["W1"], p["b1"], conv_param)
        a, relu1 = relu_forward(a)
        a, pool_cache = max_pool_forward(a, {"pool_height": 2, "pool_width": 2, "stride": 2})
        a, affine1 = affine_forward(a, p["W2"], p["b2"])
        a, relu2 = relu_forward(a)
        scores, affine2 = affine_forward(a, p["W3"], p["b3"])
        if y is None:
            return scores
        loss, dout = softmax_loss(scores, y)
        grads = {}
        dout, grads["W3"], grads["b3"] = affine_backward(dout, affine2)
        dout, grads["W2"], grads["b2"] = affine_backward(relu_backward(dout, relu2), affine1)
        dout = relu_backward(max_pool_backward(dout, pool_cache), relu1)
        _, grads["W1"], grads["b1"] = conv_backward(dout, conv_cache)
        for name in ("W1", "W2", "W3"):
            loss += self.reg * np.sum(p[name] * p[name])
            grads[name] += 2 * self.reg * p[name]
        return loss, grads


class NetworkInOneGo(ThreeLayerConvNet):
    """Without layers: the convolution by windows, the pooling by a reshape."""

    def loss(self, X, y=None):
        W1, b1, W2, b2, W3, b3 = (self.params[name] for name in "W1 b1 W2 b2 W3 b3".split())
        k = W1.shape[-1]
        framed = np.pad(X, ((0, 0), (0, 0), (k // 2, k // 2), (k // 2, k // 2)))
        windows = np.lib.stride_tricks.sliding_window_view(framed, (k, k), axis=(2, 3))
        maps = np.einsum("nchwkl,fckl->nfhw", windows, W1) + b1[:, None, None]
        n, f, h, w = maps.shape
        blocks = np.maximum(maps, 0).reshape(n, f, h // 2, 2, w // 2, 2)
        pooled = blocks.max(axis=(3, 5), keepdims=True)
        rows = pooled.reshape(n, -1)
        H = np.maximum(0, rows @ W2 + b2)
        S = H @ W3 + b3
        if y is None:
            return S
        P = np.exp(S - S.max(1, keepdims=True))
        P /= P.sum(1, keepdims=True)
        reg = self.reg
        loss = -np.log(P[range(n), y]).mean() + reg * sum((W**2).sum() for W in (W1, W2, W3))
        D = (P - np.eye(S.shape[1])[y]) / n
        DH = D @ W3.T * (H > 0)
        dpooled = (DH @ W2.T).reshape(pooled.shape)
        dmaps = (dpooled * (blocks == pooled)).reshape(maps.shape) * (maps > 0)
        grads = {
            "b3": D.sum(0)[None],
            "W3": H.T @ D + 2 * reg * W3,
            "b2": DH.sum(0),
            "W2": rows.T @ DH + 2 * reg * W2,
            "b1": dmaps.sum(axis=(0, 2, 3)),
            "W1": np.einsum("nchwkl,nfhw->fckl", windows, dmaps) + 2 * reg * W1,
        }
        return loss, grads


class NetworkOfTuples(ThreeLayerConvNet):
    """Layers joined by helpers, a bias kept as a column, more entries than asked for, prints on the way."""

    def __init__(self, input_dim, num_filters, filter_size, hidden_dim, num_classes, weight_scale, reg):
        super().__init__(input_dim, num_filters, filter_size, hidden_dim, num_classes, weight_scale, reg)
        self.params["b2"] = np.zeros((1, hidden_dim))
        self.params["running"] = 3

    def loss(self, X, y=None):
        print("batch", len(X))
        result = super().loss(X, y)
        return result if y is None else [np.array([result[0]]), {**result[1], "X": X}]


class NetworkInFloat32(ThreeLayerConvNet):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.params = {name: array.astype(np.float32) for name, array in self.params.items()}

    def loss(self, X, y=None):
        self.params = {name: array.astype(np.float32) for name, array in self.params.items()}
        result = super().loss(X.astype(np.float32), y)
        return result if y is None else (np.float32(result[0]), result[1])


class NetworkOnNaiveLayers(ThreeLayerConvNet):
    """The names of the kit's fast layers stand for the student's own; changes X."""

    def loss(self, X, y=None):
        out, conv_cache = conv_forward_naive(
            X, self.params["W1"], self.params["b1"], {"stride": 1, "pad": int((self.filter_size - 1) / 2)}
        )
        out[out < 0] = 0
        mask = out > 0
        pooled, pool_cache = max_pool_forward_naive(out, {"pool_height": 2, "pool_width": 2, "stride": 2})
        hidden = (pooled.reshape(len(X), -1) @ self.params["W2"] + self.params["b2"]).clip(min=0)
        scores = hidden @ self.params["W3"] + self.params["b3"]
        if y is None:
            return scores.tolist()
        loss, dscores = softmax_loss(scores, y)
        dhidden = dscores @ self.params["W3"].T * np.sign(hidden)
        dpooled = (dhidden @ self.params["W2"].T).reshape(pooled.shape)
        dconv = max_pool_backward_naive(dpooled, pool_cache) * mask
        _, dW1, db1 = conv_backward_naive(dconv, conv_cache)
        X *= 0
        gradients = {"W1": dW1, "b1": db1, "W3": hidden.T @ dscores, "b3": dscores.sum(0)}
        gradients |= {"W2": pooled.reshape(len(X), -1).T @ dhidden, "b2": dhidden.sum(0)}
        for name, array in self.params.items():
            if name.startswith("W"):
                loss += self.reg * np.linalg.norm(array) ** 2
                gradients[name] = gradients[name] + self.reg * (array + array)
        return loss, gradients


class NetworkInALoop(ThreeLayerConvNet):
    """The layers as a list of pairs of functions."""

    def loss(self, X, y=None):
        p, out, back = self.params, X, []
        pad = p["W1"].shape[3] // 2
        steps = (
            (lambda x: conv_forward(x, p["W1"], p["b1"], {"stride": 1, "pad": pad}), conv_backward, "1"),
            (relu_forward, relu_backward, ""),
            (lambda x: max_pool_forward(x, {"pool_height": 2, "pool_width": 2, "stride": 2}), max_pool_backward, ""),
            (lambda x: affine_forward(x, p["W2"], p["b2"]), affine_backward, "2"),
            (relu_forward, relu_backward, ""),
            (lambda x: affine_forward(x, p["W3"], p["b3"]), affine_backward, "3"),
        )
        for forward, backward, layer in steps:
            out, cache = forward(out)
            back.append((backward, cache, layer))
        if y is None:
            return out
        loss, dout = softmax_loss(out, np.asarray(y).astype(int))
        grads = {}
        for backward, cache, layer in back[::-1]:
            found = backward(dout, cache)
            if layer:
                dout, grads["W" + layer], grads["b" + layer] = found
                grads["W" + layer] = grads["W" + layer] + 2 * self.reg * p["W" + layer]
                loss = loss + self.reg * (p["W" + layer] ** 2).sum()
            else:
                dout = found
        return loss, grads


NETWORKS = (
    ThreeLayerConvNet,
    NetworkInOneGo,
    NetworkOfTuples,
    NetworkInFloat32,
    NetworkOnNaiveLayers,
    NetworkInALoop,
)


# Batch normalisation of images, (forward, backward)


def batchnorm_forward(x, gamma, beta, bn_param):
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    D = x.shape[1]
    running_mean, running_var = bn_param.get("running_mean", np.zeros(D)), bn_param.get("running_var", np.zeros(D))
    cache = None
    if bn_param["mode"] == "train":
        mean, var = np.mean(x, axis=0), np.var(x, axis=0)
        hat = (x - mean) / np.sqrt(var + eps)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
        cache = (hat, gamma, var + eps)
    else:
        hat = (x - running_mean) / np.sqrt(running_var + eps)
    bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
    return gamma * hat + beta, cache


def batchnorm_backward(dout, cache):
    hat, gamma, var = cache
    dgamma, dbeta = np.sum(dout * hat, axis=0), np.sum(dout, axis=0)
    return gamma / np.sqrt(var) / len(dout) * (len(dout) * dout - dbeta - hat * dgamma), dgamma, dbeta


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(N * H * W, C)
    out, cache = batchnorm_forward(rows, gamma, beta, bn_param)
    return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache


def spatial_batchnorm_backward(dout, cache):
    N, C, H, W = dout.shape
    dx, dgamma, dbeta = batchnorm_backward(dout.transpose(0, 2, 3, 1).reshape(-1, C), cache)
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta


def by_swapping(x, gamma, beta, bn_param):
    swapped = x.swapaxes(0, 1)
    out, cache = batchnorm_forward(swapped.reshape(len(swapped), -1).T, gamma, beta, bn_param)
    return out.T.reshape(swapped.shape).swapaxes(0, 1), {"cache": cache, "shape": swapped.shape}


def back_by_swapping(dout, cache):
    shape = cache["shape"]
    dx, dgamma, dbeta = batchnorm_backward(dout.swapaxes(0, 1).reshape(shape[0], -1).T, cache["cache"])
    return dx.T.reshape(shape).swapaxes(0, 1), dgamma[None], dbeta[None]


def channel_by_channel(x, gamma, beta, bn_param):
    """Changes x, which it returns."""
    eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    C = x.shape[1]
    means = list(bn_param.get("running_mean", [0.0] * C))
    variances = list(bn_param.get("running_var", [0.0] * C))
    kept = []
    for c in range(C):
        mean, var = means[c], variances[c]
        if bn_param["mode"] == "train":
            mean, var = x[:, c].mean(), x[:, c].var()
            means[c], variances[c] = m * means[c] + (1 - m) * mean, m * variances[c] + (1 - m) * var
        x[:, c] = (x[:, c] - mean) / (var + eps) ** 0.5
        kept.append((x[:, c].copy(), gamma[c], (var + eps) ** 0.5))
        x[:, c] = x[:, c] * gamma[c] + beta[c]
    bn_param.update(running_mean=np.array(means), running_var=np.array(variances))
    return x, kept


def back_channel_by_channel(dout, cache):
    dx, dgamma, dbeta = np.zeros(dout.shape), [], []
    for c, (hat, gamma, std) in enumerate(cache):
        d = dout[:, c]
        dgamma.append((d * hat).sum())
        dbeta.append(d.sum())
        dx[:, c] = gamma / std * (d - d.mean() - hat * (d * hat).mean())
    return dx, dgamma, dbeta


def keeping_a_function(x, gamma, beta, bn_param):
    axes, shape = (0, 2, 3), (1, -1, 1, 1)
    eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    if bn_param["mode"] == "train":
        mean, var = x.mean(axes), x.var(axes)
        for name, value in (("running_mean", mean), ("running_var", var)):
            bn_param[name] = m * bn_param.get(name, 0) + (1 - m) * value
    else:
        mean, var = bn_param["running_mean"], bn_param["running_var"]
    std = np.sqrt(var + eps).reshape(shape)
    hat = (x - mean.reshape(shape)) / std

    def back(dout):
        g = dout * gamma.reshape(shape)
        dx = (g - g.mean(axes, keepdims=True) - hat * (g * hat).mean(axes, keepdims=True)) / std
        return dx, (dout * hat).sum(axes, keepdims=True), dout.sum(axes, keepdims=True)

    return hat * gamma.reshape(shape) + beta.reshape(shape), back


def node_by_node(x, gamma, beta, bn_param):
    train = bn_param["mode"] == "train"
    number = x.size // x.shape[1]
    mean = np.einsum("nchw->c", x) / number if train else bn_param["running_mean"]
    centred = x - mean[:, None, None]
    var = np.einsum("nchw,nchw->c", centred, centred) / number if train else bn_param["running_var"]
    if train:
        share = 1 - bn_param.get("momentum", 0.9)
        for name, value in (("running_mean", mean), ("running_var", var)):
            old = bn_param.get(name, np.zeros_like(value))
            bn_param[name] = old + share * (value - old)
    inverse = 1 / np.sqrt(var + bn_param.get("eps", 1e-5))
    out = np.einsum("nchw,c,c->nchw", centred, inverse, gamma) + beta[:, None, None]
    return out, SimpleNamespace(centred=centred, inverse=inverse, gamma=gamma, number=number)


def back_node_by_node(dout, cache):
    hat = cache.centred * cache.inverse[:, None, None]
    dhat = dout * cache.gamma[:, None, None]
    dinverse = np.einsum("nchw,nchw->c", dhat, cache.centred)
    dvar = -0.5 * cache.inverse**3 * dinverse
    dcentred = dhat * cache.inverse[:, None, None] + 2 / cache.number * cache.centred * dvar[:, None, None]
    dx = dcentred - dcentred.mean(axis=(0, 2, 3))[:, None, None]
    return dx, np.einsum("nchw,nchw->c", dout, hat), np.einsum("nchw->c", dout)


def in_float32(x, gamma, beta, bn_param):
    out, cache = spatial_batchnorm_forward(x.astype(np.float32), gamma, beta, bn_param)
    return out.astype(np.float32), cache


SPATIAL_BATCHNORM = (
    (spatial_batchnorm_forward, spatial_batchnorm_backward),
    (by_swapping, back_by_swapping),
    (channel_by_channel, back_channel_by_channel),
    (keeping_a_function, by_calling),
    (node_by_node, back_node_by_node),
    (in_float32, spatial_batchnorm_backward),
)


# Group normalisation, (forward, backward)


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    """Layer normalisation of rows, one for each group of each image."""
    N, C, H, W = x.shape
    rows = x.reshape(N * G, C // G * H * W).T
    mean, var = rows.mean(axis=0), rows.var(axis=0)
    std = np.sqrt(var + gn_param.get("eps", 1e-5))
    hat = ((rows - mean) / std).T.reshape(N, C, H, W)
    return gamma * hat + beta, (G, hat, std, gamma)


def spatial_groupnorm_backward(dout, cache):
    G, hat, std, gamma = cache
    N, C, H, W = dout.shape
    dgamma = np.sum(dout * hat, axis=(0, 2, 3), keepdims=True)
    dbeta = np.sum(dout, axis=(0, 2, 3), keepdims=True)
    hat, dhat = hat.reshape(N * G, -1).T, (dout * gamma).reshape(N * G, -1).T
    D = dhat.shape[0]
    dx = (D * dhat - dhat.sum(axis=0) - hat * np.sum(dhat * hat, axis=0)) / (D * std)
    return dx.T.reshape(N, C, H, W), dgamma, dbeta


def group_by_group(x, gamma, beta, G, gn_param):
    size, kept = x.shape[1] // G, {}
    out = np.zeros(x.shape)
    for n in range(len(x)):
        for g in range(G):
            part = x[n, g * size : (g + 1) * size]
            std = np.sqrt(part.var() + gn_param.get("eps", 1e-5))
            kept[n, g] = ((part - part.mean()) / std, std)
            out[n, g * size : (g + 1) * size] = kept[n, g][0]
    return out * gamma + beta, (kept, gamma, size)


def back_group_by_group(dout, cache):
    kept, gamma, size = cache
    dx, dgamma, dbeta = np.zeros(dout.shape), np.zeros(dout.shape[1]), dout.sum(axis=(0, 2, 3))
    for (n, g), (hat, std) in kept.items():
        channels = slice(g * size, (g + 1) * size)
        dgamma[channels] += (dout[n, channels] * hat).sum(axis=(1, 2))
        d = dout[n, channels] * gamma[0, channels]
        dx[n, channels] = (d - d.mean() - hat * (d * hat).mean()) / std
    return dx, dgamma, dbeta


def groups_in_place(x, gamma, beta, G, gn_param):
    """Changes x and returns it."""
    groups = x.reshape(len(x), G, -1)
    groups -= groups.mean(axis=2, keepdims=True)
    std = np.sqrt(np.mean(groups**2, axis=2, keepdims=True) + gn_param.get("eps", 1e-5))
    groups /= std
    hat = x.copy()
    x *= gamma
    x += beta
    return x, {"hat": hat, "std": std, "gamma": gamma.squeeze()}


def groups_back_in_place(dout, cache):
    hat, std = cache["hat"], cache["std"]
    dgamma, dbeta = np.einsum("nchw,nchw->c", dout, hat), np.einsum("nchw->c", dout)
    dout *= cache["gamma"].reshape(-1, 1, 1)
    d, rows = dout.reshape(*std.shape[:2], -1), hat.reshape(*std.shape[:2], -1)
    along = (d * rows).mean(axis=2, keepdims=True)
    d -= d.mean(axis=2, keepdims=True)
    d -= rows * along
    return (d / std).reshape(dout.shape), dgamma, dbeta


def groups_keeping_a_function(x, gamma, beta, G, gn_param):
    split = np.stack(np.split(x, G, axis=1), axis=1)
    mean = split.mean((2, 3, 4), keepdims=True)
    inverse = (((split - mean) ** 2).mean((2, 3, 4), keepdims=True) + gn_param.get("eps", 1e-5)) ** -0.5
    hat = np.concatenate(list(np.moveaxis((split - mean) * inverse, 1, 0)), axis=1)

    def back(dout):
        d = np.stack(np.split(dout * gamma, G, axis=1), axis=1)
        normed = (split - mean) * inverse
        d = inverse * (d - d.mean((2, 3, 4), keepdims=True) - normed * (d * normed).mean((2, 3, 4), keepdims=True))
        dx = np.concatenate(list(np.moveaxis(d, 1, 0)), axis=1)
        return dx, (dout * hat).sum((0, 2, 3)), dout.sum((0, 2, 3))

    return gamma * hat + beta, back


def groups_with_the_cache_of_the_text(x, gamma, beta, G, gn_param):
    N, C, H, W = x.shape
    parts = x.reshape((N, G, C // G, H, W))
    std = np.sqrt(parts.var(axis=(2, 3, 4), keepdims=True) + gn_param.get("eps", 1e-5))
    hat = ((parts - parts.mean(axis=(2, 3, 4), keepdims=True)) / std).reshape(N, C, H, W)
    return np.asarray(hat * gamma + beta, dtype=x.dtype), (hat, gamma, std)


def groups_back_from_the_cache_of_the_text(dout, cache):
    """With the whole Jacobian of every group."""
    hat, gamma, std = cache
    N, G = std.shape[:2]
    d, rows = (dout * gamma).reshape(N, G, -1), hat.reshape(N, G, -1)
    D, dx = d.shape[2], np.zeros(d.shape)
    for n, g in np.ndindex(N, G):
        jacobian = np.eye(D) - 1 / D - np.outer(rows[n, g], rows[n, g]) / D
        dx[n, g] = jacobian @ d[n, g] / std[n, g].item()
    return dx.reshape(dout.shape), (dout * hat).sum((0, 2, 3), keepdims=True), dout.sum((0, 2, 3), keepdims=True)


def groups_in_float32(x, gamma, beta, G, gn_param):
    out, cache = groups_with_the_cache_of_the_text(x.astype(np.float32), gamma.astype(np.float32), beta, G, gn_param)
    return out.astype(np.float32), cache


SPATIAL_GROUPNORM = (
    (spatial_groupnorm_forward, spatial_groupnorm_backward),
    (group_by_group, back_group_by_group),
    (groups_in_place, groups_back_in_place),
    (groups_keeping_a_function, by_calling),
    (groups_with_the_cache_of_the_text, groups_back_from_the_cache_of_the_text),
    (groups_in_float32, groups_back_from_the_cache_of_the_text),
)
