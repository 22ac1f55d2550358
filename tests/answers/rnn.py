"""Correct answers to assignment 3's notebook `rnn`, in the styles students use. All of them earn full points.

A forward pass and its backward pass belong together: what one keeps, the other reads.
"""

import numpy as np
from scipy.special import expit, log_softmax, softmax

# The vanilla RNN: (step forward, step backward, forward, backward)


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    a = prev_h.dot(Wh) + x.dot(Wx) + b
    next_h = np.tanh(a)
    cache = (x, prev_h, Wx, Wh, b, a, next_h)
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, _b, a, _next_h = cache
    da = dnext_h * (1.0 - np.tanh(a) ** 2)
    dx = da.dot(Wx.T)
    dprev_h = da.dot(Wh.T)
    dWx = x.T.dot(da)
    dWh = prev_h.T.dot(da)
    db = np.sum(da, axis=0)
    return dx, dprev_h, dWx, dWh, db


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, _D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    cache = []
    prev_h = h0
    for t in range(T):
        h[:, t, :], step_cache = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        prev_h = h[:, t, :]
        cache.append(step_cache)
    return h, cache


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx = np.zeros((N, T, D))
    dWx, dWh, db = np.zeros((D, H)), np.zeros((H, H)), np.zeros(H)
    dprev_h = np.zeros((N, H))
    for t in range(T - 1, -1, -1):
        dx[:, t, :], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t, :] + dprev_h, cache.pop())
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dprev_h, dWx, dWh, db


def step_keeping_a_dictionary(x, prev_h, Wx, Wh, b):
    joined, weights = np.hstack([x, prev_h]), np.vstack([Wx, Wh])
    h = np.tanh(joined @ weights + b)
    return h, {"joined": joined, "weights": weights, "h": h, "D": x.shape[1]}


def step_back_from_a_dictionary(dnext_h, cache):
    D, da = cache["D"], dnext_h * (1 - cache["h"]) * (1 + cache["h"])
    back, dweights = da @ cache["weights"].T, cache["joined"].T @ da
    return back[:, :D], back[:, D:], dweights[:D], dweights[D:], da.sum(0)


def forward_with_a_dictionary_of_states(x, h0, Wx, Wh, b):
    h, caches = {-1: h0}, {}
    for t in range(x.shape[1]):
        h[t], caches[t] = rnn_step_forward(x[:, t], h[t - 1], Wx, Wh, b)
    return np.array([h[t] for t in range(x.shape[1])]).transpose(1, 0, 2), caches


def backward_with_a_running_gradient(dh, cache):
    """Adds what comes from above to what comes from behind, in one array."""
    N, T, H = dh.shape
    running, found = np.zeros((N, H)), None
    dx = []
    for t in range(T)[::-1]:
        running += dh[:, t]
        dx_t, running, *params = rnn_step_backward(running, cache[t])
        found = params if found is None else [a + b for a, b in zip(found, params, strict=True)]
        dx.insert(0, dx_t)
    return np.array(dx).swapaxes(0, 1), running, *found


def step_keeping_a_function(x, prev_h, Wx, Wh, b):
    out = np.tanh(x @ Wx + prev_h @ Wh + b)

    def back(dout):
        d = dout / np.cosh(np.arctanh(np.clip(out, -1 + 1e-12, 1 - 1e-12))) ** 2
        return d @ Wx.T, d @ Wh.T, x.T @ d, prev_h.T @ d, np.ones(len(d)) @ d

    return out, back


def step_back_by_calling(dnext_h, cache):
    return cache(dnext_h)


def forward_without_steps(x, h0, Wx, Wh, b):
    """All products with Wx at once, and states in one array with h0."""
    N, T, _ = x.shape
    a = np.einsum("ntd,dh->nth", x, Wx) + b
    h = np.concatenate([h0[:, None], np.zeros((N, T, h0.shape[1]))], axis=1)
    for t in range(T):
        h[:, t + 1] = np.tanh(a[:, t] + h[:, t] @ Wh)
    return h[:, 1:], (x, h, Wx, Wh)


def backward_without_steps(dh, cache):
    x, h, Wx, Wh = cache
    da, carried = np.zeros_like(dh), np.zeros_like(dh[:, 0])
    for t in reversed(range(dh.shape[1])):
        da[:, t] = (dh[:, t] + carried) * (1 - h[:, t + 1] ** 2)
        carried = da[:, t] @ Wh.T
    dWx, dWh = np.einsum("ntd,nth->dh", x, da), np.einsum("ntk,nth->kh", h[:, :-1], da)
    return da @ Wx.T, carried, dWx, dWh, da.sum(axis=(0, 1))


def step_in_place(x, prev_h, Wx, Wh, b):
    h = x @ Wx
    h += prev_h @ Wh
    h += b
    np.tanh(h, out=h)
    return h, (x, prev_h, Wx, Wh, h)


def step_back_in_place(dnext_h, cache):
    x, prev_h, Wx, Wh, h = cache
    dnext_h *= 1 - h * h
    return [dnext_h @ Wx.T, dnext_h @ Wh.T, x.T @ dnext_h, prev_h.T @ dnext_h, dnext_h.sum(0, keepdims=True)]


def forward_by_time(x, h0, Wx, Wh, b):
    prev, outs, caches = h0, [], ()
    for x_t in np.moveaxis(x, 1, 0):
        prev, cache = rnn_step_forward(x_t, prev, Wx, Wh, b)
        outs += [prev[:, np.newaxis]]
        caches += (cache,)
    return np.concatenate(outs, axis=1), caches


def backward_into_dh(dh, cache):
    """Adds each step's gradient to that of the state before, in the array that came in."""
    T = dh.shape[1]
    steps = [None] * T
    for t in range(T - 1, -1, -1):
        steps[t] = rnn_step_backward(dh[:, t].copy(), cache[t])
        if t:
            dh[:, t - 1] += steps[t][1]
    dx = np.stack([s[0] for s in steps], 1)
    return dx, steps[0][1], sum(s[2] for s in steps), sum(s[3] for s in steps), sum(s[4] for s in steps)


def step_in_plain_python(x, prev_h, Wx, Wh, b):
    (N, D), H = x.shape, len(b)
    h = np.zeros((N, H))
    for n in range(N):
        for j in range(H):
            a = b[j] + sum(x[n, d] * Wx[d, j] for d in range(D)) + sum(prev_h[n, k] * Wh[k, j] for k in range(H))
            h[n, j] = np.tanh(a)
    return h, (x, prev_h, Wx, Wh, h)


def step_back_in_plain_python(dnext_h, cache):
    x, prev_h, Wx, Wh, h = cache
    dx, dprev_h, dWx, dWh, db = (np.zeros(a.shape) for a in (x, prev_h, Wx, Wh, Wh[0]))
    for n, j in np.ndindex(h.shape):
        d = dnext_h[n, j] * (1 - h[n, j] ** 2)
        dx[n] += d * Wx[:, j]
        dprev_h[n] += d * Wh[:, j]
        dWx[:, j] += d * x[n]
        dWh[:, j] += d * prev_h[n]
        db[j] += d
    return dx, dprev_h, dWx, dWh, db


def forward_recursively(x, h0, Wx, Wh, b):
    """In a notebook, where it is called rnn_forward."""
    if x.shape[1] == 0:
        return np.zeros((len(x), 0, len(b))), []
    h, cache = rnn_step_forward(x[:, 0], h0, Wx, Wh, b)
    rest, caches = rnn_forward(x[:, 1:], h, Wx, Wh, b)
    return np.concatenate([h[:, None], rest], axis=1), [cache, *caches]


RNN = (
    (rnn_step_forward, rnn_step_backward, rnn_forward, rnn_backward),
    (
        step_keeping_a_dictionary,
        step_back_from_a_dictionary,
        forward_with_a_dictionary_of_states,
        backward_with_a_running_gradient,
    ),
    (step_keeping_a_function, step_back_by_calling, forward_without_steps, backward_without_steps),
    (step_in_place, step_back_in_place, forward_by_time, backward_into_dh),
    (step_in_plain_python, step_back_in_plain_python, rnn_forward, rnn_backward),
    (step_keeping_a_dictionary, step_back_from_a_dictionary, forward_recursively, backward_into_dh),
)

# Words: (forward, backward)


def word_embedding_forward(x, W):
    out = W[x, :]
    return out, (x, W)


def word_embedding_backward(dout, cache):
    x, W = cache
    dW = np.zeros(W.shape)
    np.add.at(dW, x, dout)
    return dW


def one_hot_forward(x, W):
    one_hot = (x[..., None] == np.arange(len(W))).astype(float)
    return one_hot @ W, one_hot


def one_hot_backward(dout, one_hot):
    return one_hot.reshape(-1, one_hot.shape[2]).T @ dout.reshape(-1, dout.shape[2])


def take_forward(x, W):
    return np.take(W, x.astype(int), axis=0), {"x": x, "V": W.shape[0]}


def bincount_backward(dout, cache):
    flat, D = cache["x"].ravel(), dout.shape[2]
    columns = [np.bincount(flat, dout[:, :, d].ravel(), minlength=cache["V"]) for d in range(D)]
    return np.stack(columns, axis=1)


def looping_forward(x, W):
    N, T = x.shape
    out = np.zeros((N, T, W.shape[1]))
    for n in range(N):
        for t in range(T):
            out[n][t] = W[x[n][t]]
    return out, (N, T, x, np.zeros_like(W))


def looping_backward(dout, cache):
    N, T, x, dW = cache
    dW = 0 * dW
    for n in range(N):
        for t in range(T):
            dW[x[n, t]] += dout[n, t]
    return dW


def flat_forward(x, W):
    return W[x.flatten()].reshape((*x.shape, W.shape[1])), [x, W]


def words_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    for word in np.unique(x):
        dW[word] = dout[x == word].sum(axis=0)
    return dW


def einsum_forward(x, W):
    places = np.eye(len(W))[x]
    return np.einsum("ntv,vd->ntd", places, W), places


def einsum_backward(dout, places):
    return np.einsum("ntv,ntd->vd", places, dout)


EMBEDDING = (
    (word_embedding_forward, word_embedding_backward),
    (one_hot_forward, one_hot_backward),
    (take_forward, bincount_backward),
    (looping_forward, looping_backward),
    (flat_forward, words_backward),
    (einsum_forward, einsum_backward),
)

# Scores: (forward, backward)


def temporal_affine_forward(x, w, b):
    N, T, D = x.shape
    M = b.shape[0]
    out = x.reshape(N * T, D).dot(w).reshape(N, T, M) + b
    cache = x, w, b, out
    return out, cache


def temporal_affine_backward(dout, cache):
    x, w, _b, out = cache
    N, T, D = x.shape
    M = out.shape[2]
    dx = dout.reshape(N * T, M).dot(w.T).reshape(N, T, D)
    dw = dout.reshape(N * T, M).T.dot(x.reshape(N * T, D)).T
    db = dout.sum(axis=(0, 1))
    return dx, dw, db


def affine_with_einsum(x, w, b):
    return np.einsum("ntd,dm->ntm", x, w) + b, (x, w)


def affine_back_with_einsum(dout, cache):
    x, w = cache
    return np.einsum("ntm,dm->ntd", dout, w), np.einsum("ntd,ntm->dm", x, dout), np.einsum("ntm->m", dout)


def affine_step_by_step(x, w, b):
    return np.stack([x[:, t] @ w + b for t in range(x.shape[1])], axis=1), {"x": x, "w": w}


def affine_back_step_by_step(dout, cache):
    x, w = cache["x"], cache["w"]
    dx, dw, db = np.zeros_like(x), 0, 0
    for t in range(x.shape[1]):
        dx[:, t] = dout[:, t] @ w.T
        dw, db = dw + x[:, t].T @ dout[:, t], db + dout[:, t].sum(0)
    return [dx, dw, db]


def affine_with_tensordot(x, w, b):
    return np.tensordot(x, w, axes=1) + b[None, None, :], (x.copy(), w.copy())


def affine_back_with_tensordot(dout, cache):
    x, w = cache
    return np.tensordot(dout, w, (2, 1)), np.tensordot(x, dout, ((0, 1), (0, 1))), dout.sum(1).sum(0)


def affine_with_a_column_of_ones(x, w, b):
    wide, weights = np.concatenate([x, np.ones((*x.shape[:2], 1))], 2), np.vstack([w, b])
    return wide @ weights, lambda dout: (dout @ w.T, np.einsum("ntd,ntm->dm", wide, dout))


def affine_back_from_a_function(dout, cache):
    dx, dweights = cache(dout)
    return dx, dweights[:-1], dweights[-1:]


def affine_by_examples(x, w, b):
    return np.array([example @ w + b for example in x]), (x, w)


def affine_back_by_examples(dout, cache):
    x, w = cache
    pairs = list(zip(x, dout, strict=True))
    dw = sum(example.T @ d for example, d in pairs)
    return np.array([d @ w.T for d in dout]), dw, sum(d.sum(axis=0) for d in dout)


AFFINE = (
    (temporal_affine_forward, temporal_affine_backward),
    (affine_with_einsum, affine_back_with_einsum),
    (affine_step_by_step, affine_back_step_by_step),
    (affine_with_tensordot, affine_back_with_tensordot),
    (affine_with_a_column_of_ones, affine_back_from_a_function),
    (affine_by_examples, affine_back_by_examples),
)

# The loss


def temporal_softmax_loss(x, y, mask):
    N, T, V = x.shape
    x_flat = x.reshape(N * T, V)
    y_flat = y.reshape(N * T)
    mask_flat = mask.reshape(N * T)
    probs = np.exp(x_flat - np.max(x_flat, axis=1, keepdims=True))
    total = np.sum(probs, axis=1, keepdims=True)
    log_probs = x_flat - np.max(x_flat, axis=1, keepdims=True) - np.log(total)
    probs /= total
    loss = -np.sum(mask_flat * log_probs[np.arange(N * T), y_flat]) / N
    dx_flat = probs.copy()
    dx_flat[np.arange(N * T), y_flat] -= 1
    dx_flat /= N
    dx_flat *= mask_flat[:, None]
    return loss, dx_flat.reshape(N, T, V)


def loss_with_scipy(x, y, mask):
    logs = log_softmax(x, axis=-1)
    loss = -np.take_along_axis(logs, y[..., None].astype(int), axis=-1)[..., 0][mask].sum() / len(x)
    dx = (np.exp(logs) - (np.arange(x.shape[2]) == y[..., None])) * mask[..., None] / len(x)
    return loss, dx


def loss_of_what_counts(x, y, mask):
    """Only on the rows that count."""
    mask = mask.astype(bool)
    scores, words = x[mask], y[mask]
    dx, loss = np.zeros_like(x), 0.0
    if len(scores):
        scores = scores - scores.max(1)[:, None]
        sums = np.exp(scores).sum(1)
        loss = (np.log(sums) - scores[np.arange(len(words)), words]).sum() / len(x)
        d = np.exp(scores) / sums[:, None]
        d[np.arange(len(words)), words] -= 1
        dx[mask] = d / len(x)
    return np.array([loss]), dx


def loss_in_loops(x, y, mask):
    N, T, V = x.shape
    loss, dx = 0.0, np.zeros((N, T, V))
    for n in range(N):
        for t in range(T):
            if not mask[n, t]:
                continue
            shifted = [s - max(x[n, t]) for s in x[n, t]]
            total = sum(np.exp(s) for s in shifted)
            loss += (np.log(total) - shifted[y[n, t]]) / N
            for v in range(V):
                dx[n, t, v] = (np.exp(shifted[v]) / total - (v == y[n, t])) / N
    return loss, dx


def loss_step_by_step(x, y, mask):
    N, T, _V = x.shape
    loss, dx = 0, np.empty_like(x)
    rows = np.arange(N)
    for t in range(T):
        logs = x[:, t] - np.logaddexp.reduce(x[:, t], axis=1, keepdims=True)
        loss -= np.where(mask[:, t], logs[rows, y[:, t]], 0).sum()
        dx[:, t] = np.exp(logs)
        dx[rows, t, y[:, t]] -= 1
        dx[~mask[:, t], t] = 0
    return loss / N, dx / N


def loss_with_one_hot(x, y, mask):
    weights = mask[:, :, None] / x.shape[0]
    one_hot = np.eye(x.shape[2])[y]
    x = x - x.max(-1, keepdims=True)
    logs = x - np.log(np.exp(x).sum(-1, keepdims=True))
    return -(one_hot * logs * weights).sum(), (np.exp(logs) - one_hot) * weights


LOSSES = (
    temporal_softmax_loss,
    loss_with_scipy,
    loss_of_what_counts,
    loss_in_loops,
    loss_step_by_step,
    loss_with_one_hot,
)

# The LSTM: (step forward, step backward, forward, backward)


def sigmoid(x):
    pos_mask = x >= 0
    neg_mask = x < 0
    z = np.zeros_like(x)
    z[pos_mask] = np.exp(-x[pos_mask])
    z[neg_mask] = np.exp(x[neg_mask])
    top = np.ones_like(x)
    top[neg_mask] = z[neg_mask]
    return top / (1 + z)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    _N, H = prev_h.shape
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    i = sigmoid(a[:, 0:H])
    f = sigmoid(a[:, H : 2 * H])
    o = sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H : 4 * H])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, b, a, i, f, o, g, next_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, _b, _a, i, f, o, g, next_c = cache
    do = dnext_h * np.tanh(next_c)
    dnext_c = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
    df = dnext_c * prev_c
    dprev_c = dnext_c * f
    di = dnext_c * g
    dg = dnext_c * i
    da = np.concatenate((di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)), axis=1)
    dx = da.dot(Wx.T)
    dWx = x.T.dot(da)
    dprev_h = da.dot(Wh.T)
    dWh = prev_h.T.dot(da)
    db = np.sum(da, axis=0)
    return dx, dprev_h, dprev_c, dWx, dWh, db


def lstm_forward(x, h0, Wx, Wh, b):
    N, T, _D = x.shape
    _, H = h0.shape
    h = np.zeros((N, T, H))
    cache = {}
    prev_h, prev_c = h0, np.zeros((N, H))
    for t in range(T):
        prev_h, prev_c, cache[t] = lstm_step_forward(x[:, t], prev_h, prev_c, Wx, Wh, b)
        h[:, t] = prev_h
    return h, cache


def lstm_backward(dh, cache):
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx, dWx, dWh, db = np.zeros((N, T, D)), np.zeros((D, 4 * H)), np.zeros((H, 4 * H)), np.zeros(4 * H)
    dprev_h, dprev_c = np.zeros((N, H)), np.zeros((N, H))
    for t in range(T - 1, -1, -1):
        dx[:, t], dprev_h, dprev_c, a, b, c = lstm_step_backward(dh[:, t] + dprev_h, dprev_c, cache[t])
        dWx += a
        dWh += b
        db += c
    return dx, dprev_h, dWx, dWh, db


def lstm_step_with_split(x, prev_h, prev_c, Wx, Wh, b):
    ai, af, ao, ag = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = expit(ai), expit(af), expit(ao), np.tanh(ag)
    c = f * prev_c + i * g
    return o * np.tanh(c), c, dict(x=x, h=prev_h, c0=prev_c, Wx=Wx, Wh=Wh, i=i, f=f, o=o, g=g, c=c)


def lstm_step_back_from_a_dictionary(dnext_h, dnext_c, cache):
    i, f, o, g, c = (cache[name] for name in "ifogc")
    t = np.tanh(c)
    dc = dnext_c + dnext_h * o / np.cosh(c) ** 2
    da = np.hstack(
        [dc * g * i * (1 - i), dc * cache["c0"] * f * (1 - f), dnext_h * t * o * (1 - o), dc * i * (1 - g * g)]
    )
    dWx, dWh = cache["x"].T @ da, cache["h"].T @ da
    return da @ cache["Wx"].T, da @ cache["Wh"].T, dc * f, dWx, dWh, da.sum(0)


def lstm_forward_by_time(x, h0, Wx, Wh, b):
    h, c, outs, caches = h0, 0 * h0, [], []
    for x_t in x.transpose(1, 0, 2):
        h, c, cache = lstm_step_forward(x_t, h, c, Wx, Wh, b)
        outs.append(h)
        caches.append(cache)
    return np.array(outs).transpose(1, 0, 2), caches


def lstm_backward_popping(dh, cache):
    dh_t, dc_t, dx, params = 0, np.zeros_like(dh[:, 0]), [], []
    for t in range(dh.shape[1] - 1, -1, -1):
        dx_t, dh_t, dc_t, *shares = lstm_step_backward(dh[:, t] + dh_t, dc_t, cache.pop())
        dx.append(dx_t)
        params.append(shares)
    dWx, dWh, db = (np.sum(arrays, axis=0) for arrays in zip(*params, strict=True))
    return np.stack(dx, 1)[:, ::-1], dh_t, dWx, dWh, db


def lstm_step_with_four_axes(x, prev_h, prev_c, Wx, Wh, b):
    N, H = prev_h.shape
    a = (x @ Wx + prev_h @ Wh + b).reshape(N, 4, H)
    gates = 0.5 * (1 + np.tanh(a / 2))  # a sigmoid
    gates[:, 3] = np.tanh(a[:, 3])
    c = gates[:, 1] * prev_c + gates[:, 0] * gates[:, 3]
    return gates[:, 2] * np.tanh(c), c, (x, prev_h, prev_c, Wx, Wh, gates, np.tanh(c))


def lstm_step_back_with_four_axes(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, gates, t = cache
    i, f, o, g = gates.transpose(1, 0, 2)
    dc = dnext_c + dnext_h * o * (1 - t) * (1 + t)
    slopes = gates * (1 - gates)
    slopes[:, 3] = 1 - g**2
    da = (np.stack([dc * g, dc * prev_c, dnext_h * t, dc * i], axis=1) * slopes).reshape(len(x), -1)
    return [da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(0, keepdims=True)]


def lstm_forward_without_steps(x, h0, Wx, Wh, b):
    h, c, H, kept, outs = h0, np.zeros(h0.shape), h0.shape[1], [], []
    a = x @ Wx + b
    for t in range(x.shape[1]):
        z = a[:, t] + h @ Wh
        i, f, o = (1 / (1 + np.exp(-z[:, k * H : (k + 1) * H])) for k in range(3))
        g = np.tanh(z[:, 3 * H :])
        before, old = h, c
        c = f * c + i * g
        h = o * np.tanh(c)
        kept.append((i, f, o, g, before, old, c))
        outs.append(h)
    return np.stack(outs, 1), (x, Wx, Wh, kept)


def lstm_backward_without_steps(dh, cache):
    x, Wx, Wh, kept = cache
    dz, dhidden, dcell = np.zeros((*dh.shape[:2], Wh.shape[1])), 0, 0
    dWh = np.zeros_like(Wh)
    for t in reversed(range(dh.shape[1])):
        i, f, o, g, before, old, c = kept[t]
        d, tc = dh[:, t] + dhidden, np.tanh(c)
        dcell = dcell + d * o * (1 - tc**2)
        dz[:, t] = np.hstack(
            [dcell * g * i * (1 - i), dcell * old * f * (1 - f), d * tc * o * (1 - o), dcell * i * (1 - g**2)]
        )
        dWh += before.T @ dz[:, t]
        dhidden, dcell = dz[:, t] @ Wh.T, dcell * f
    return dz @ Wx.T, dhidden, np.einsum("ntd,nth->dh", x, dz), dWh, dz.sum((0, 1))


def lstm_step_with_a_matrix_each(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    parts = [slice(k * H, (k + 1) * H) for k in range(4)]
    ai, af, ao, ag = (x @ Wx[:, p] + prev_h @ Wh[:, p] + b[p] for p in parts)
    i, f, o, g = expit(ai), expit(af), expit(ao), np.tanh(ag)
    c = f * prev_c + i * g

    def back(dh, dc):
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        das = dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dh * np.tanh(c) * o * (1 - o), dc * i * (1 - g**2)
        dx = sum(da @ Wx[:, p].T for da, p in zip(das, parts, strict=True))
        dprev_h = sum(da @ Wh[:, p].T for da, p in zip(das, parts, strict=True))
        dWx, dWh = np.hstack([x.T @ da for da in das]), np.hstack([prev_h.T @ da for da in das])
        return dx, dprev_h, dc * f, dWx, dWh, np.concatenate([da.sum(0) for da in das])

    return o * np.tanh(c), c, back


def lstm_step_back_by_calling(dnext_h, dnext_c, cache):
    return cache(dnext_h, dnext_c)


def lstm_backward_into_dh(dh, cache):
    dcell, steps = np.zeros_like(dh[:, 0]), [None] * dh.shape[1]
    for t in range(dh.shape[1] - 1, -1, -1):
        steps[t] = lstm_step_backward(dh[:, t].copy(), dcell, cache[t])
        dcell = steps[t][2]
        if t > 0:
            dh[:, t - 1] += steps[t][1]
    dx = np.swapaxes([step[0] for step in steps], 0, 1)
    return dx, steps[0][1], *(sum(step[k] for step in steps) for k in (3, 4, 5))


def lstm_step_in_place(x, prev_h, prev_c, Wx, Wh, b):
    """Changes prev_c, and returns float32 where it got float32."""
    H = prev_h.shape[1]
    kept = prev_c.copy()
    a = x @ Wx
    a += prev_h @ Wh
    a += b
    a[:, : 3 * H] = expit(a[:, : 3 * H])
    a[:, 3 * H :] = np.tanh(a[:, 3 * H :])
    i, f, o, g = (a[:, k * H : k * H + H] for k in range(4))
    prev_c = prev_c * f
    prev_c += i * g
    t = np.tanh(prev_c)
    return o * t, prev_c, (x, prev_h, kept, Wx, Wh, i, f, o, g, t)


def lstm_step_back_in_place(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, t = cache
    dnext_c += dnext_h * o * (1 - t**2)
    dnext_h *= t
    da = np.concatenate(
        [dnext_c * g * i * (1 - i), dnext_c * prev_c * f * (1 - f), dnext_h * o * (1 - o), dnext_c * i * (1 - g**2)], -1
    )
    return da @ Wx.T, da @ Wh.T, dnext_c * f, x.T @ da, prev_h.T @ da, np.ones(len(x)) @ da


LSTM = (
    (lstm_step_forward, lstm_step_backward, lstm_forward, lstm_backward),
    (lstm_step_with_split, lstm_step_back_from_a_dictionary, lstm_forward_by_time, lstm_backward_popping),
    (lstm_step_with_four_axes, lstm_step_back_with_four_axes, lstm_forward_without_steps, lstm_backward_without_steps),
    (lstm_step_with_a_matrix_each, lstm_step_back_by_calling, lstm_forward, lstm_backward_into_dh),
    (lstm_step_in_place, lstm_step_back_in_place, lstm_forward_by_time, lstm_backward_into_dh),
    (lstm_step_with_four_axes, lstm_step_back_with_four_axes, lstm_forward_by_time, lstm_backward_popping),
)

# Probabilities


def next_probabilities(scores, temperature=1.0):
    e = np.exp((scores - np.max(scores)) / temperature)
    return e / np.sum(e)


def probabilities_with_scipy(scores, temperature=1.0):
    return softmax(scores / temperature)


def probabilities_in_place(scores, temperature=1.0):
    scores = scores.astype(np.float64)
    scores -= scores.max()
    scores /= temperature
    np.exp(scores, out=scores)
    scores /= scores.sum()
    return scores


def probabilities_as_differences(scores, temperature=1.0):
    with np.errstate(over="ignore"):
        return 1 / np.exp((scores[None, :] - scores[:, None]) / temperature).sum(axis=1)


def probabilities_by_logarithms(scores, temperature=1.0):
    scaled = scores / temperature
    return np.exp(scaled - np.logaddexp.reduce(scaled))


def probabilities_in_plain_python(scores, temperature=1.0):
    largest = max(scores)
    powers = [np.exp((s - largest) / temperature) for s in scores]
    return [p / sum(powers) for p in powers]


PROBABILITIES = (
    next_probabilities,
    probabilities_with_scipy,
    probabilities_in_place,
    probabilities_as_differences,
    probabilities_by_logarithms,
    probabilities_in_plain_python,
)

# Sampling


def sample(model, prefix, length, temperature=1.0, seed=None):
    rng = np.random.default_rng(seed)
    state = None
    for p in prefix:
        scores, state = model.step(p, state)
    out = []
    for _ in range(length):
        if temperature == 0:
            idx = int(scores.argmax())
        else:
            idx = int(rng.choice(np.arange(len(scores)), p=next_probabilities(scores, temperature)))
        out.append(idx)
        scores, state = model.step(idx, state)
    return np.array(out)


def sample_all_in_one_loop(model, prefix, length, temperature=1.0, seed=None):
    """Whatever is read, from the prefix or its own, is read in the same place."""
    rng = np.random.default_rng(seed)
    text, state = [int(p) for p in prefix], None
    for n in range(len(prefix) + length - 1):
        scores, state = model.step(text[n], state)
        if n >= len(prefix) - 1:
            greedy = temperature == 0
            text.append(
                int(np.argmax(scores)) if greedy else int(rng.choice(len(scores), p=softmax(scores / temperature)))
            )
    return np.array(text[len(prefix) :])


def sample_by_cumulated_probabilities(model, prefix, length, temperature=1.0, seed=None):
    rng = np.random.default_rng(seed)
    state, written = None, np.zeros(length, dtype=np.int32)
    for character in prefix:
        scores, state = model.step(character, state)
    for n in range(length):
        if temperature:
            cumulated = np.cumsum(next_probabilities(scores, temperature))
            written[n] = np.searchsorted(cumulated, rng.random() * cumulated[-1])
        else:
            written[n] = np.argmax(scores)
        scores, state = model.step(written[n], state)
    return written


def sample_with_gumbel_noise(model, prefix, length, temperature=1.0, seed=None):
    """The largest of scores / temperature + noise; with temperature 0 the noise is nothing beside the scores."""
    rng = np.random.default_rng(seed)
    state, written = None, []
    for character in prefix:
        scores, state = model.step(character, state)
    for _ in range(length):
        noisy = scores + temperature * rng.gumbel(size=len(scores))
        written.append(noisy.argmax())
        scores, state = model.step(written[-1], state)
    return written


def sample_with_the_global_generator(model, prefix, length, temperature=1.0, seed=None):
    np.random.seed(seed)
    state = None
    for character in prefix[:-1]:
        _, state = model.step(character, state)
    last, written = prefix[-1], np.zeros(length)
    for n in range(length):
        scores, state = model.step(last, state)
        p = np.eye(len(scores))[np.argmax(scores)] if temperature == 0 else next_probabilities(scores, temperature)
        last = np.random.choice(len(scores), p=p)
        written[n] = last
    return written


def sample_as_a_generator(model, prefix, length, temperature=1.0, seed=None):
    from itertools import islice

    def write():
        rng, state = np.random.default_rng(seed), None
        for character in prefix:
            scores, state = model.step(character, state)
        while True:
            p = softmax(scores / max(temperature, 1e-6))
            character = np.flatnonzero(rng.multinomial(1, p))[0]
            yield character
            scores, state = model.step(character, state)

    return np.fromiter(islice(write(), length), dtype=np.int64)


SAMPLES = (
    sample,
    sample_all_in_one_loop,
    sample_by_cumulated_probabilities,
    sample_with_gumbel_noise,
    sample_with_the_global_generator,
    sample_as_a_generator,
)
