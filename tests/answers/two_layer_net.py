"""Correct answers to assignment 1's notebook `two_layer_net`, in the styles students use. All of them earn full points.

Loaded by tests/test_checks_two_layer_net.py as if each were a cell of a notebook. A forward pass and its backward pass
belong together: what one keeps, the other reads.
"""

import sys
import warnings
from types import SimpleNamespace

import numpy as np

# Affine layers, (forward, backward)


def affine_forward(x, w, b):
    N = x.shape[0]
    out = np.dot(x.reshape((N, -1)), w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, _ = cache
    N, D = x.shape[0], np.prod(x.shape[1:])
    dx = np.dot(dout, w.T).reshape(x.shape)
    dw = np.dot(np.reshape(x, (N, D)).T, dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def affine_keeping_a_dictionary(x, w, b):
    flat = x.reshape(-1, w.shape[0])
    out = np.einsum("nd,dm->nm", flat, w) + b[np.newaxis]
    return out, {"flat": flat, "shape": x.shape, "w": w, "epoch": 3}


def affine_backward_from_a_dictionary(dout, cache):
    dflat = np.einsum("nm,dm->nd", dout, cache["w"])
    dw = np.einsum("nd,nm->dm", cache["flat"], dout)
    return dflat.reshape(cache["shape"]), dw, np.einsum("nm->m", dout)


def affine_keeping_a_function(x, w, b):
    """The cache is the backward pass."""
    rows = np.array([example.ravel() for example in x])

    def back(dout):
        return (dout @ w.T).reshape(x.shape), rows.T @ dout, np.ones(len(x)) @ dout

    return rows @ w + b, back


def affine_backward_by_calling(dout, cache):
    return cache(dout)


def affine_in_plain_python(x, w, b):
    rows = [example.ravel().tolist() for example in x]
    out = [
        [sum(v * weights[j] for v, weights in zip(row, w.tolist(), strict=True)) + b[j] for j in range(len(b))]
        for row in rows
    ]
    return np.array(out), SimpleNamespace(rows=rows, w=w.tolist(), shape=x.shape)


def affine_backward_in_plain_python(dout, cache):
    n, m, d = len(dout), len(dout[0]), len(cache.w)
    dx, dw, db = np.zeros((n, d)), np.zeros((d, m)), np.zeros(m)
    for i in range(n):
        for j in range(m):
            db[j] += dout[i, j]
            for k in range(d):
                dx[i, k] += dout[i, j] * cache.w[k][j]
                dw[k, j] += dout[i, j] * cache.rows[i][k]
        print("example", i)
        print("progress", file=sys.stderr)
        warnings.warn("slow", stacklevel=1)
    return dx.reshape(cache.shape), dw, db


def affine_keeping_copies(x, w, b):
    """Spoils what came in, after copying it."""
    cache = x.copy(), w.copy(), b.copy()
    out = x.reshape(len(x), -1).dot(w)
    out += b
    x[...] = 0
    w *= 2
    return out, cache


def affine_backward_in_place(dout, cache):
    """Spoils dout and the cache once they are no longer needed, and returns rows of bias gradients."""
    x, w, _ = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = dout.sum(axis=0, keepdims=True)
    dout *= 0
    x *= 0
    w -= 1
    return dx, dw, db


def affine_in_float32(x, w, b):
    x, w, b = (a.astype(np.float32) for a in (x, w, b))
    return x.reshape(x.shape[0], -1) @ w + b, [x, w]


def affine_backward_in_float32(dout, cache):
    x, w = cache
    dout = dout.astype(np.float32)
    return [(dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(0)]


def affine_transposed(x, w, b):
    columns = x.reshape(len(x), -1).T
    return (w.T @ columns + b.reshape(-1, 1)).T, ("a note", columns, w, x.shape)


def affine_backward_transposed(dout, cache):
    _, columns, w, shape = cache
    return (w @ dout.T).T.reshape(*shape), columns @ dout, np.asmatrix(dout).sum(axis=0)


def affine_with_the_bias_as_a_weight(x, w, b):
    extended = np.hstack([x.reshape(len(x), -1), np.ones((len(x), 1))])
    weights = np.vstack([w, b])
    return extended @ weights, (extended, weights, x.shape)


def affine_backward_with_the_bias_as_a_weight(dout, cache):
    extended, weights, shape = cache
    gradient = extended.T @ dout
    return (dout @ weights[:-1].T).reshape(shape), gradient[:-1], gradient[-1]


AFFINE = (
    (affine_forward, affine_backward),
    (affine_keeping_a_dictionary, affine_backward_from_a_dictionary),
    (affine_keeping_a_function, affine_backward_by_calling),
    (affine_in_plain_python, affine_backward_in_plain_python),
    (affine_keeping_copies, affine_backward_in_place),
    (affine_in_float32, affine_backward_in_float32),
    (affine_transposed, affine_backward_transposed),
    (affine_with_the_bias_as_a_weight, affine_backward_with_the_bias_as_a_weight),
)

# ReLUs, (forward, backward)


def relu_forward(x):
    out = np.maximum(x, 0)
    cache = x
    return out, cache


def relu_backward(dout, cache):
    dx, x = None, cache
    dx = np.array(dout, copy=True)
    dx[x <= 0] = 0
    return dx


def relu_keeping_the_mask(x):
    mask = x >= 0
    return np.where(mask, x, 0), mask


def relu_backward_by_the_mask(dout, mask):
    return np.where(mask, dout, 0.0)


def relu_keeping_the_output(x):
    out = x * (x > 0)
    return out, out


def relu_backward_by_the_output(dout, out):
    return dout * (out > 0).astype(np.float64)


def relu_in_place(x):
    x[x < 0] = 0
    return x, x


def relu_backward_in_place(dout, x):
    dout[x == 0] = 0
    return dout


def relu_by_the_absolute_value(x):
    return (x + np.abs(x)) / 2, {"sign": np.sign(x)}


def relu_backward_by_the_sign(dout, cache):
    """A slope of a half at 0."""
    return dout * (1 + cache["sign"]) / 2


def relu_in_plain_python(x):
    return np.array([max(0.0, v) for v in x.ravel()]).reshape(x.shape), (x.shape, [v > 0 for v in x.ravel()])


def relu_backward_in_plain_python(dout, cache):
    shape, positive = cache
    return np.array([d if p else 0.0 for d, p in zip(dout.ravel(), positive, strict=True)]).reshape(shape)


def relu_by_clipping(x):
    return np.clip(x, 0, None), lambda dout: dout * np.heaviside(x, 1)


def relu_backward_by_calling(dout, cache):
    return (cache(dout),)


RELU = (
    (relu_forward, relu_backward),
    (relu_keeping_the_mask, relu_backward_by_the_mask),
    (relu_keeping_the_output, relu_backward_by_the_output),
    (relu_in_place, relu_backward_in_place),
    (relu_by_the_absolute_value, relu_backward_by_the_sign),
    (relu_in_plain_python, relu_backward_in_plain_python),
    (relu_by_clipping, relu_backward_by_calling),
)

# Losses of scores


def svm_loss(x, y):
    N = x.shape[0]
    correct_class_scores = x[np.arange(N), y]
    margins = np.maximum(0, x - correct_class_scores[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    num_pos = np.sum(margins > 0, axis=1)
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[np.arange(N), y] -= num_pos
    dx /= N
    return loss, dx


def svm_loss_with_loops(x, y):
    loss, dx = 0.0, np.zeros(x.shape)
    for i in range(len(x)):
        for j in range(x.shape[1]):
            margin = x[i, j] - x[i, y[i]] + 1
            if j != y[i] and margin > 0:
                loss += margin
                dx[i, j] += 1
                dx[i, y[i]] -= 1
        print("loss", loss)
        warnings.warn("slow", stacklevel=1)
    return loss / len(x), dx / len(x)


def svm_loss_with_one_hot_labels(x, y):
    hot = np.eye(x.shape[1])[y]
    margins = (x - (x * hot).sum(1, keepdims=True) + 1) * (1 - hot)
    violated = (margins > 0) * 1.0
    return (margins * violated).sum(1).mean(), (violated - hot * violated.sum(1, keepdims=True)) / len(y)


def svm_loss_that_subtracts_the_right_class(x, y):
    margins = np.maximum(0, x - np.take_along_axis(x, y.reshape(-1, 1).astype(int), axis=1) + 1)
    violated = np.where(margins > 0, 1.0, 0.0)
    np.add.at(violated, (np.arange(len(x)), y), -violated.sum(axis=1))
    return margins.sum() / len(x) - 1, violated / x.shape[0]


def svm_loss_in_float32(x, y):
    loss, dx = svm_loss(x.astype(np.float32), y)
    return np.float32(loss), dx.astype(np.float32)


def svm_loss_that_spoils_the_scores(x, y):
    """Turns the scores into the gradient, in place."""
    rows = range(len(y))
    x -= x[rows, y].reshape(-1, 1) - 1
    x[rows, y] = 0
    x[x < 0] = 0
    loss = x.sum() / len(y)
    x[x > 0] = 1
    x[rows, y] = -x.sum(axis=1)
    x /= len(y)
    return np.array([loss]), np.asmatrix(x)


SVM = (
    svm_loss,
    svm_loss_with_loops,
    svm_loss_with_one_hot_labels,
    svm_loss_that_subtracts_the_right_class,
    svm_loss_in_float32,
    svm_loss_that_spoils_the_scores,
)


def softmax_loss(x, y):
    shifted_logits = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted_logits), axis=1, keepdims=True)
    log_probs = shifted_logits - np.log(Z)
    probs = np.exp(log_probs)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


def softmax_loss_with_a_loop(x, y):
    loss, dx = 0, np.zeros(x.shape)
    for i, (row, label) in enumerate(zip(x, y, strict=True)):
        exponentials = np.exp(row - max(row))
        loss += np.log(exponentials.sum()) - (row[label] - max(row))
        dx[i] = exponentials / sum(exponentials)
        dx[i, label] -= 1
        print("loss", loss)
        warnings.warn("slow", stacklevel=1)
    return loss / len(y), dx / len(y)


def softmax_loss_with_one_hot_labels(x, y):
    hot = np.eye(x.shape[1])[y]
    total = np.logaddexp.reduce(x, axis=1, keepdims=True)
    return np.mean((hot * (total - x)).sum(axis=1)), (np.exp(x - total) - hot) / len(hot)


def softmax_loss_by_differences(x, y):
    """Subtracts the right class's score; where that overflows, the largest is subtracted as well."""
    lead = x - np.take_along_axis(x, y.reshape(-1, 1).astype(int), axis=1)
    top = lead.max(axis=1)
    losses = top + np.log(np.exp(lead - top[:, None]).sum(axis=1))
    dx = np.exp(lead - losses[:, None])
    np.subtract.at(dx, (np.arange(len(y)), y), 1)
    return losses.mean(), np.divide(dx, len(y))


def softmax_loss_in_float32(x, y):
    loss, dx = softmax_loss(x.astype(np.float32), y)
    return np.float32(loss), dx.astype(np.float32)


def softmax_loss_that_spoils_the_scores(x, y):
    x -= x.max(axis=1).reshape(-1, 1)
    right = x[range(len(y)), y].copy()
    np.exp(x, out=x)
    totals = x.sum(axis=1)
    x /= totals[:, None]
    x[range(len(y)), y] -= 1
    x /= len(y)
    return np.asarray((np.log(totals) - right).mean()).reshape(1, 1), x


def softmax_loss_transposed(x, y):
    scores = x.T - x.T.max(axis=0)
    P = np.exp(scores) / np.exp(scores).sum(axis=0)
    loss = (np.log(np.exp(scores).sum(axis=0)) - scores[y, np.arange(len(y))]).sum() / len(y)
    P[y, np.arange(len(y))] -= 1
    return float(loss), P.T / P.shape[1]


SOFTMAX = (
    softmax_loss,
    softmax_loss_with_a_loop,
    softmax_loss_with_one_hot_labels,
    softmax_loss_by_differences,
    softmax_loss_in_float32,
    softmax_loss_that_spoils_the_scores,
    softmax_loss_transposed,
)

# Networks


class TwoLayerNet:
    """The starter code's order."""

    def __init__(self, input_dim=3 * 32 * 32, hidden_dim=100, num_classes=10, weight_scale=1e-3, reg=0.0):
        self.params = {}
        self.reg = reg
        self.params["W1"] = np.random.normal(0.0, weight_scale, (input_dim, hidden_dim))
        self.params["b1"] = np.zeros(hidden_dim)
        self.params["W2"] = np.random.normal(0.0, weight_scale, (hidden_dim, num_classes))
        self.params["b2"] = np.zeros(num_classes)

    def loss(self, X, y=None):
        scores = None
        W1, W2 = self.params["W1"], self.params["W2"]
        b1, b2 = self.params["b1"], self.params["b2"]
        out1, cache1 = affine_forward(X, W1, b1)
        out2, cache2 = relu_forward(out1)
        scores, cache3 = affine_forward(out2, W2, b2)
        if y is None:
            return scores
        loss, grads = 0, {}
        loss, dscores = softmax_loss(scores, y)
        loss += self.reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        dout2, dW2, db2 = affine_backward(dscores, cache3)
        dout1 = relu_backward(dout2, cache2)
        _, dW1, db1 = affine_backward(dout1, cache1)
        grads["W1"] = dW1 + 2 * self.reg * W1
        grads["b1"] = db1
        grads["W2"] = dW2 + 2 * self.reg * W2
        grads["b2"] = db2
        return loss, grads


class NetworkWithoutLayers(TwoLayerNet):
    """All formulas in one place, and a generator of its own."""

    def __init__(self, input_dim=3 * 32 * 32, hidden_dim=100, num_classes=10, weight_scale=1e-3, reg=0.0):
        rng = np.random.default_rng()
        self.reg, self.sizes = reg, (input_dim, hidden_dim, num_classes)
        self.params = dict(
            W1=rng.standard_normal((input_dim, hidden_dim)) * weight_scale,
            b1=np.zeros((1, hidden_dim)),
            W2=rng.standard_normal((hidden_dim, num_classes)) * weight_scale,
            b2=np.zeros((1, num_classes)),
        )

    def loss(self, X, y=None):
        p = self.params
        rows = X.reshape(X.shape[0], -1)
        H = np.maximum(0, rows @ p["W1"] + p["b1"])
        S = H @ p["W2"] + p["b2"]
        if y is None:
            return S
        S = S - S.max(axis=1, keepdims=True)
        P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
        loss = -np.log(P[np.arange(len(y)), y]).mean()
        D = P
        D[np.arange(len(y)), y] -= 1
        D /= len(y)
        DH = D @ p["W2"].T
        DH[H <= 0] = 0
        loss += self.reg * sum((p[name] ** 2).sum() for name in ("W1", "W2"))
        return loss, {
            "b2": D.sum(axis=0, keepdims=True),
            "W2": H.T @ D + 2 * self.reg * p["W2"],
            "b1": DH.sum(axis=0, keepdims=True),
            "W1": rows.T @ DH + 2 * self.reg * p["W1"],
        }


class NetworkOfSandwiches(TwoLayerNet):
    """Helpers join affine and ReLU; more entries than asked for; prints on the way."""

    def loss(self, X, y=None):
        print("shape", X.shape)
        warnings.warn("slow", stacklevel=1)
        out, cache = _sandwich(X, self.params["W1"], self.params["b1"])
        scores, last = affine_forward(out, self.params["W2"], self.params["b2"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        dout, dW2, db2 = affine_backward(dscores, last)
        dX, dW1, db1 = _sandwich_backward(dout, cache)
        grads = {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "X": dX, "count": 3}
        for name, w in self.params.items():
            if name[0] == "W":
                loss = loss + self.reg * np.linalg.norm(w) ** 2
                grads[name] = grads[name] + self.reg * (w + w)
        return np.array([loss]), grads


def _sandwich(x, w, b):
    out, first = affine_forward(x, w, b)
    out, second = relu_forward(out)
    return out, (first, second)


def _sandwich_backward(dout, cache):
    return affine_backward(relu_backward(dout, cache[1]), cache[0])


class NetworkInFloat32(TwoLayerNet):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.params = {name: array.astype(np.float32) for name, array in self.params.items()}

    def loss(self, X, y=None):
        self.params = {name: array.astype(np.float32) for name, array in self.params.items()}
        result = super().loss(X.astype(np.float32), y)
        return result if y is None else (np.float32(result[0]), result[1])


class NetworkThatRemembers(TwoLayerNet):
    """Keeps the intermediate results in itself, has a method of its own for each way, and changes X."""

    reg = None

    def __init__(self, input_dim=3072, hidden_dim=100, num_classes=10, weight_scale=1e-3, reg=0.0):
        super().__init__(input_dim, hidden_dim, num_classes, weight_scale, reg)
        self.history = []

    def forward(self, X):
        self.rows = X.reshape(-1, self.params["W1"].shape[0])
        self.hidden = (self.rows.dot(self.params["W1"]) + self.params["b1"]).clip(min=0)
        return self.hidden.dot(self.params["W2"]) + self.params["b2"]

    def backward(self, dscores):
        dhidden = dscores.dot(self.params["W2"].T) * np.sign(self.hidden)
        return {
            "W1": self.rows.T.dot(dhidden) + 2 * self.reg * self.params["W1"],
            "W2": self.hidden.T.dot(dscores) + 2 * self.reg * self.params["W2"],
            "b1": dhidden.sum(axis=0),
            "b2": dscores.sum(axis=0),
        }

    def loss(self, X, y=None):
        scores = self.forward(X)
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        grads = self.backward(dscores)
        X *= 0
        self.history.append(loss)
        return loss + self.reg * ((self.params["W1"] ** 2).sum() + (self.params["W2"] ** 2).sum()), grads


class NetworkInALoop(TwoLayerNet):
    """Written for any number of layers; only two are there."""

    def loss(self, X, y=None):
        out, caches = X, []
        for layer in (1, 2):
            out, cache = affine_forward(out, self.params[f"W{layer}"], self.params[f"b{layer}"])
            caches.append(cache)
            if layer < 2:
                out, cache = relu_forward(out)
                caches.append(cache)
        if type(y) is type(None):
            return out.tolist()
        loss, dout = softmax_loss(out, y)
        grads = {}
        for layer in (2, 1):
            if layer < 2:
                dout = relu_backward(dout, caches.pop())
            dout, grads[f"W{layer}"], grads[f"b{layer}"] = affine_backward(dout, caches.pop())
            grads[f"W{layer}"] += self.reg * 2 * self.params[f"W{layer}"]
            loss += self.reg * np.square(self.params[f"W{layer}"]).sum()
        return [loss, grads]


NETWORKS = (
    TwoLayerNet,
    NetworkWithoutLayers,
    NetworkOfSandwiches,
    NetworkInFloat32,
    NetworkThatRemembers,
    NetworkInALoop,
)
