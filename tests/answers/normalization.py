"""Correct answers to assignment 2's notebook `normalization`, in the styles students use. All of them earn full points.

A forward pass and its backward passes belong together: what one keeps, the others read.
"""

from types import SimpleNamespace

import numpy as np

# Batch normalisation, (forward, backward)


def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    N, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
    out, cache = None, None
    if mode == "train":
        mu = 1 / float(N) * np.sum(x, axis=0)
        xmu = x - mu
        carre = xmu**2
        var = 1 / float(N) * np.sum(carre, axis=0)
        sqrtvar = np.sqrt(var + eps)
        invvar = 1.0 / sqrtvar
        va2 = xmu * invvar
        va3 = gamma * va2
        out = va3 + beta
        running_mean = momentum * running_mean + (1.0 - momentum) * mu
        running_var = momentum * running_var + (1.0 - momentum) * var
        cache = (mu, xmu, carre, var, sqrtvar, invvar, va2, va3, gamma, beta, x, bn_param)
    elif mode == "test":
        out = (x - running_mean) / np.sqrt(running_var + eps) * gamma + beta
    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache


def batchnorm_backward(dout, cache):
    _, xmu, _, var, sqrtvar, invvar, va2, _, gamma, _, _, bn_param = cache
    eps = bn_param.get("eps", 1e-5)
    N, D = dout.shape
    dva3 = dout
    dbeta = np.sum(dout, axis=0)
    dva2 = gamma * dva3
    dgamma = np.sum(va2 * dva3, axis=0)
    dxmu = invvar * dva2
    dinvvar = np.sum(xmu * dva2, axis=0)
    dsqrtvar = -1.0 / (sqrtvar**2) * dinvvar
    dvar = 0.5 * (var + eps) ** (-0.5) * dsqrtvar
    dcarre = 1 / float(N) * np.ones((N, D)) * dvar
    dxmu += 2 * xmu * dcarre
    dx = dxmu
    dmu = -np.sum(dxmu, axis=0)
    dx = dx + 1 / float(N) * np.ones((N, D)) * dmu
    return dx, dgamma, dbeta


def forward_keeping_a_dictionary(x, gamma, beta, bn_param):
    eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    if bn_param["mode"] == "train":
        mean, var = np.mean(x, 0), np.var(x, 0)
        for name, value in (("running_mean", mean), ("running_var", var)):
            bn_param[name] = m * bn_param.get(name, 0) + (1 - m) * value
    else:
        mean, var = bn_param["running_mean"], bn_param["running_var"]
    hat = (x - mean) * (var + eps) ** -0.5
    return hat * gamma + beta, {"hat": hat, "var": var, "eps": eps, "gamma": gamma, "N": len(x)}


def backward_from_a_dictionary(dout, cache):
    hat, N = cache["hat"], cache["N"]
    dgamma, dbeta = (dout * hat).sum(0), dout.sum(0)
    dx = cache["gamma"] * (cache["var"] + cache["eps"]) ** -0.5 / N * (N * dout - dbeta - hat * dgamma)
    return dx, dgamma, dbeta


def forward_keeping_an_object(x, gamma, beta, bn_param):
    """Writes into x, and changes the running arrays in place."""
    eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    mean, var = bn_param.setdefault("running_mean", np.zeros(x.shape[1])), bn_param.setdefault("running_var", None)
    if var is None:
        var = bn_param["running_var"] = np.zeros(x.shape[1])
    if bn_param["mode"] == "test":
        return (x - mean) / np.sqrt(var + eps) * gamma + beta, None
    batch_mean, batch_var = x.mean(0), x.var(0)
    mean *= m
    mean += (1 - m) * batch_mean
    var *= m
    var += (1 - m) * batch_var
    x -= batch_mean
    x /= np.sqrt(batch_var + eps)
    return x * gamma + beta, SimpleNamespace(hat=x.copy(), std=np.sqrt(batch_var + eps), gamma=gamma)


def backward_from_an_object(dout, cache):
    """With the whole Jacobian of every feature."""
    N, D = dout.shape
    dx = np.empty((N, D))
    for d in range(D):
        hat = cache.hat[:, d]
        jacobian = (np.eye(N) - 1 / N - np.outer(hat, hat) / N) / cache.std[d]
        dx[:, d] = cache.gamma[d] * dout[:, d] @ jacobian
    return dx, np.einsum("nd,nd->d", dout, cache.hat), np.ones(N) @ dout


def forward_keeping_a_function(x, gamma, beta, bn_param):
    eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    if bn_param["mode"] == "train":
        mean = x.mean(axis=0, keepdims=True)
        var = ((x - mean) ** 2).mean(axis=0, keepdims=True)
        bn_param["running_mean"] = m * bn_param.get("running_mean", np.zeros(x.shape[1])) + (1 - m) * mean.squeeze(0)
        bn_param["running_var"] = m * bn_param.get("running_var", np.zeros(x.shape[1])) + (1 - m) * var.squeeze(0)
    else:
        mean, var = bn_param["running_mean"], bn_param["running_var"]
    hat = (x - mean) / np.sqrt(var + eps)

    def back(dout):
        g = dout * gamma
        dx = (g - g.mean(0) - hat * (g * hat).mean(0)) / np.sqrt(var + eps)
        return [dx, (dout * hat).sum(0, keepdims=True), dout.sum(0, keepdims=True)]

    return gamma * hat + beta, back


def backward_by_calling(dout, cache):
    return tuple(cache(dout))


def forward_in_plain_python(x, gamma, beta, bn_param):
    eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    N, D = x.shape
    mean, var = [0.0] * D, [0.0] * D
    old_mean = bn_param.get("running_mean", [0.0] * D)
    old_var = bn_param.get("running_var", [0.0] * D)
    for d in range(D):
        if bn_param["mode"] == "train":
            mean[d] = sum(x[n, d] for n in range(N)) / N
            var[d] = sum((x[n, d] - mean[d]) ** 2 for n in range(N)) / N
        else:
            mean[d], var[d] = old_mean[d], old_var[d]
    if bn_param["mode"] == "train":
        bn_param["running_mean"] = [m * a + (1 - m) * b for a, b in zip(old_mean, mean, strict=True)]
        bn_param["running_var"] = [m * a + (1 - m) * b for a, b in zip(old_var, var, strict=True)]
    out = np.zeros((N, D))
    for n, d in np.ndindex(N, D):
        out[n, d] = gamma[d] * (x[n, d] - mean[d]) / (var[d] + eps) ** 0.5 + beta[d]
    return out, (x, gamma, mean, var, eps)


def backward_in_plain_python(dout, cache):
    x, gamma, mean, var, eps = cache
    N, D = x.shape
    dx, dgamma, dbeta = np.zeros((N, D)), np.zeros(D), np.zeros(D)
    for d in range(D):
        std = (var[d] + eps) ** 0.5
        hat = [(x[n, d] - mean[d]) / std for n in range(N)]
        dbeta[d] = sum(dout[n, d] for n in range(N))
        dgamma[d] = sum(dout[n, d] * hat[n] for n in range(N))
        for n in range(N):
            dx[n, d] = gamma[d] / std * (dout[n, d] - dbeta[d] / N - hat[n] * dgamma[d] / N)
    return dx, dgamma, dbeta


def forward_with_the_cache_of_the_text(x, gamma, beta, bn_param):
    eps = bn_param.get("eps", 1e-5)
    train = bn_param["mode"] == "train"
    mean = x.mean(axis=0) if train else bn_param["running_mean"]
    variance = x.var(axis=0) if train else bn_param["running_var"]
    if train:
        share = 1 - bn_param.get("momentum", 0.9)
        for name, value in (("running_mean", mean), ("running_var", variance)):
            old = bn_param.get(name, np.zeros_like(value))
            bn_param[name] = old + share * (value - old)
    std = np.sqrt(variance + eps)
    x_hat = (x - mean) / std
    return np.asarray(gamma * x_hat + beta, dtype=x.dtype), (x_hat, gamma, std)


def backward_with_the_cache_of_the_text(dout, cache):
    x_hat, gamma, std = cache
    dgamma, dbeta = np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)
    return gamma / std * (dout - (dbeta + x_hat * dgamma) / dout.shape[0]), dgamma, dbeta


BATCHNORM = (
    (batchnorm_forward, batchnorm_backward),
    (forward_keeping_a_dictionary, backward_from_a_dictionary),
    (forward_keeping_an_object, backward_from_an_object),
    (forward_keeping_a_function, backward_by_calling),
    (forward_in_plain_python, backward_in_plain_python),
    (forward_with_the_cache_of_the_text, backward_with_the_cache_of_the_text),
)


# Layer normalisation, (forward, backward)


def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    x_T = x.T
    mu = np.mean(x_T, axis=0)
    std = np.sqrt(np.var(x_T, axis=0) + eps)
    x_hat = ((x_T - mu) / std).T
    out = gamma * x_hat + beta
    return out, (x_hat, gamma, std)


def layernorm_backward(dout, cache):
    """Batch normalisation of the transpose."""
    x_hat, gamma, std = cache
    dgamma = np.sum(dout * x_hat, axis=0)
    dbeta = np.sum(dout, axis=0)
    g, hat = (dout * gamma).T, x_hat.T
    N = hat.shape[0]
    dx = (1 / N / std * (N * g - g.sum(axis=0) - hat * np.sum(g * hat, axis=0))).T
    return dx, dgamma, dbeta


def layer_forward_keeping_a_dictionary(x, gamma, beta, ln_param):
    mean = x.mean(1)[:, None]
    inverse = 1 / np.sqrt(((x - mean) ** 2).mean(1)[:, None] + ln_param.get("eps", 1e-5))
    return (x - mean) * inverse * gamma + beta, {"x": x, "mean": mean, "inverse": inverse, "gamma": gamma}


def layer_backward_from_a_dictionary(dout, cache):
    hat = (cache["x"] - cache["mean"]) * cache["inverse"]
    g = dout * cache["gamma"]
    dx = cache["inverse"] * (g - g.mean(1, keepdims=True) - hat * (g * hat).mean(1, keepdims=True))
    return dx, (dout * hat).sum(0), dout.sum(0)


def layer_forward_in_place(x, gamma, beta, ln_param):
    x -= x.mean(axis=-1, keepdims=True)
    std = np.sqrt((x**2).mean(axis=-1, keepdims=True) + ln_param.get("eps", 1e-5))
    x /= std
    hat = x.copy()
    x *= gamma
    x += beta
    return x, (hat, gamma, std)


def layer_backward_in_place(dout, cache):
    hat, gamma, std = cache
    dgamma, dbeta = (dout * hat).sum(axis=0), dout.sum(axis=0)
    dout *= gamma
    along = (dout * hat).mean(axis=1, keepdims=True)
    dout -= dout.mean(axis=1, keepdims=True)
    dout -= hat * along
    return dout / std, dgamma, dbeta


def layer_forward_by_examples(x, gamma, beta, ln_param):
    rows = [(row - row.mean()) / np.sqrt(row.var() + ln_param.get("eps", 1e-5)) for row in x]
    stds = [np.sqrt(row.var() + ln_param.get("eps", 1e-5)) for row in x]
    return np.array([gamma * row + beta for row in rows]), (rows, stds, gamma)


def layer_backward_by_examples(dout, cache):
    rows, stds, gamma = cache
    dx, dgamma, dbeta = [], 0, 0
    for d, row, std in zip(dout, rows, stds, strict=True):
        D = len(row)
        jacobian = (np.eye(D) - np.ones((D, D)) / D - np.outer(row, row) / D) / std
        dx.append(jacobian @ (gamma * d))
        dgamma, dbeta = dgamma + d * row, dbeta + d
    return np.array(dx), dgamma, dbeta


def layer_forward_node_by_node(x, gamma, beta, ln_param):
    D = x.shape[1]
    mean = np.sum(x, axis=1, keepdims=True) / D
    centred = x - mean
    var = np.sum(centred * centred, axis=1, keepdims=True) / D
    std = np.sqrt(var + ln_param.get("eps", 1e-5))
    return gamma * (centred / std) + beta, (centred, std, gamma)


def layer_backward_node_by_node(dout, cache):
    centred, std, gamma = cache
    D = centred.shape[1]
    dhat = dout * gamma
    dcentred = dhat / std
    dstd = -np.sum(dhat * centred, axis=1, keepdims=True) / std**2
    dvar = dstd / (2 * std)
    dcentred = dcentred + 2 * centred * dvar / D
    dmean = -dcentred.sum(axis=1, keepdims=True)
    return dcentred + dmean / D, np.sum(dout * centred / std, 0), np.sum(dout, 0)


def layer_forward_with_scipy(x, gamma, beta, ln_param):
    from scipy.stats import zscore

    eps = ln_param.get("eps", 1e-5)
    variance = x.var(axis=1, keepdims=True)
    hat = np.nan_to_num(zscore(x, axis=1)) * np.sqrt(variance / (variance + eps))
    return np.matrix(hat * gamma + beta), (hat, gamma, np.sqrt(variance + eps))


LAYERNORM = (
    (layernorm_forward, layernorm_backward),
    (layer_forward_keeping_a_dictionary, layer_backward_from_a_dictionary),
    (layer_forward_in_place, layer_backward_in_place),
    (layer_forward_by_examples, layer_backward_by_examples),
    (layer_forward_node_by_node, layer_backward_node_by_node),
    (layer_forward_with_scipy, layer_backward_in_place),
)
