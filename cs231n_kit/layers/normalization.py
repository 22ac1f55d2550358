"""Batch, layer, spatial batch and spatial group normalisation (lecture 06).

All compute out = gamma (x - mean) / sqrt(var + eps) + beta and differ in what mean and var are taken over:

==================  =============  =================================================
batchnorm           x (N, D)       the batch N
layernorm           x (N, D)       the features D
spatial_batchnorm   x (N, C, H, W) the batch and all places: N, H, W
spatial_groupnorm   x (N, C, H, W) the C/G channels of a group and all places
==================  =============  =================================================

var is the biased variance, divided by the number of values and not by one less. float32 and float64 are kept,
integers are taken as float64, and where types differ NumPy's promotion decides. All functions raise TypeError where
an argument holds no real numbers and ValueError where a shape or a setting does not fit.
"""

import operator

from cs231n_kit.arrays import array_module, as_floats
from cs231n_kit.kernels.normalization import (
    batch_normalization,
    batch_normalization_gradients,
    by_channel,
    every_axis_but_channels,
    normalize,
    normalize_gradient,
    scale_and_shift,
    standardize,
    sum_of_products,
)

EPS = 1e-5
MOMENTUM = 0.9


def batchnorm_forward(x, gamma, beta, bn_param):
    """Normalise each feature over the batch (Ioffe and Szegedy 2015).

    x: (N, D).
    gamma, beta: (D,), scale and shift.
    bn_param: a dictionary of
        "mode": "train" takes mean and variance of the batch; "test" takes the running ones.
        "eps" (1e-5): added to the variance, greater than 0.
        "momentum" (0.9): the share of the running statistics that stays at each batch, from 0 to 1.
        "running_mean", "running_var" (zeros): (D,). Mode "train" **replaces these two entries**:
            running = momentum · running + (1 - momentum) · sample, with the biased variance (PyTorch takes the
            unbiased one, and 1 - momentum for momentum).

    Returns out (N, D) and a cache for ``batchnorm_backward``. Mode "test" raises ValueError while there are no running
    statistics.
    """
    x, gamma, beta = _operands(x, gamma, beta, "x must have the shape (N, D)", 2)
    _check_shapes(x, gamma, beta, (x.shape[1],))
    return _batchnorm(x, gamma, beta, bn_param)


def batchnorm_backward(dout, cache):
    """Gradients of ``batchnorm_forward``, in either mode.

    In training mean and variance depend on x too. Worked out on paper, the three paths join to
    dx = gamma / sqrt(var + eps) · (dout - mean(dout) - x̂ mean(dout x̂)), where x̂ is the normalised x.

    dout: (N, D), the loss's gradient with respect to out.

    Returns dx (N, D), dgamma (D,), dbeta (D,).
    """
    return _batchnorm_backward(dout, cache)


def layernorm_forward(x, gamma, beta, ln_param):
    """Normalise each example over its features, alike in training and in testing (Ba et al. 2016).

    x: (N, D).
    gamma, beta: (D,), scale and shift.
    ln_param: a dictionary of "eps" (1e-5), added to the variance, greater than 0.

    Returns out (N, D) and a cache for ``layernorm_backward``.
    """
    x, gamma, beta = _operands(x, gamma, beta, "x must have the shape (N, D)", 2)
    _check_shapes(x, gamma, beta, (x.shape[1],))
    x_hat, _, _, _, inverse_std = normalize(x, (1,), _eps("ln_param", ln_param))
    return scale_and_shift(x_hat, gamma, beta), (x_hat, inverse_std, gamma)


def layernorm_backward(dout, cache):
    """Gradients of ``layernorm_forward``: the formula of ``batchnorm_backward`` with means over the features.

    dout: (N, D), the loss's gradient with respect to out.

    Returns dx (N, D), dgamma (D,), dbeta (D,).
    """
    x_hat, inverse_std, gamma = cache
    dout = _dout(dout, x_hat.shape)
    dx = normalize_gradient(dout * gamma, x_hat, inverse_std, (1,))
    return dx, sum_of_products(dout, x_hat, (0,)).ravel(), dout.sum(axis=0)


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    """Normalise each channel over the batch and all places, as befits the output of a convolution.

    x: (N, C, H, W).
    gamma, beta: (C,), scale and shift.
    bn_param: as in ``batchnorm_forward``, with "running_mean" and "running_var" of shape (C,).

    Returns out (N, C, H, W) and a cache for ``spatial_batchnorm_backward``.
    """
    x, gamma, beta = _operands(x, gamma, beta, "x must have the shape (N, C, H, W)", 4)
    _check_shapes(x, gamma, beta, (x.shape[1],))
    return _batchnorm(x, gamma, beta, bn_param)


def spatial_batchnorm_backward(dout, cache):
    """Gradients of ``spatial_batchnorm_forward``, in either mode.

    dout: (N, C, H, W), the loss's gradient with respect to out.

    Returns dx (N, C, H, W), dgamma (C,), dbeta (C,).
    """
    return _batchnorm_backward(dout, cache)


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    """Normalise each group of channels of each example over all places (Wu and He 2018).

    x: (N, C, H, W).
    gamma, beta: (1, C, 1, 1), scale and shift of each channel.
    G: the number of groups, which must divide C; group g holds the channels g C/G to (g + 1) C/G - 1.
    gn_param: a dictionary of "eps" (1e-5), added to the variance, greater than 0.

    Returns out (N, C, H, W) and a cache for ``spatial_groupnorm_backward``.
    """
    x, gamma, beta = _operands(x, gamma, beta, "x must have the shape (N, C, H, W)", 4)
    N, C = x.shape[:2]
    _check_shapes(x, gamma, beta, (1, C, 1, 1))
    G = operator.index(G)
    if G < 1 or C % G:
        divisors = ", ".join(str(d) for d in range(1, C + 1) if C % d == 0)
        raise ValueError(f"G, the number of groups, must divide the {C} channels of x ({divisors}), but is {G}")
    groups, _, _, _, inverse_std = normalize(x.reshape(N, G, -1), (2,), _eps("gn_param", gn_param))
    x_hat = groups.reshape(x.shape)
    return scale_and_shift(x_hat, gamma, beta), (x_hat, inverse_std, gamma)


def spatial_groupnorm_backward(dout, cache):
    """Gradients of ``spatial_groupnorm_forward``: the formula of ``batchnorm_backward`` with means over a group.

    dout: (N, C, H, W), the loss's gradient with respect to out.

    Returns dx (N, C, H, W), dgamma (1, C, 1, 1), dbeta (1, C, 1, 1).
    """
    x_hat, inverse_std, gamma = cache
    dout = _dout(dout, x_hat.shape)
    grouped = (*inverse_std.shape[:2], -1)
    dx = normalize_gradient((dout * gamma).reshape(grouped), x_hat.reshape(grouped), inverse_std, (2,))
    axes = (0, 2, 3)
    return dx.reshape(dout.shape), sum_of_products(dout, x_hat, axes), dout.sum(axis=axes, keepdims=True)


def _batchnorm(x, gamma, beta, bn_param):
    """Batch normalisation of the channels along axis 1, statistics over all other axes."""
    mode, eps = bn_param.get("mode"), _eps("bn_param", bn_param)
    if mode not in ("train", "test"):
        raise ValueError(f'bn_param["mode"] must be "train" or "test", not {mode!r}')
    running_mean, running_var = _running_statistics(x, mode, bn_param)
    momentum = float(bn_param.get("momentum", MOMENTUM))
    if not 0 <= momentum <= 1:
        raise ValueError(f'bn_param["momentum"] must be from 0 to 1, not {momentum!r}')
    if mode == "train":
        out, mean, error, var, inverse_std = batch_normalization(x, gamma, beta, eps)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * (mean + error).ravel()
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var.ravel()
    else:
        mean, inverse_std = by_channel(running_mean, x), by_channel((running_var + eps) ** -0.5, x)
        error = array_module(x).zeros_like(mean)
        x_hat = standardize(x, mean, error, inverse_std)
        out = scale_and_shift(x_hat, by_channel(gamma, x), by_channel(beta, x))
    return out, (mode, x, gamma, mean, error, inverse_std)


def _batchnorm_backward(dout, cache):
    mode, x, gamma, *statistics = cache
    dout = _dout(dout, x.shape)
    if mode == "train":
        return batch_normalization_gradients(dout, x, gamma, *statistics)
    dgamma = sum_of_products(dout, standardize(x, *statistics), every_axis_but_channels(x)).ravel()
    _, _, inverse_std = statistics  # does not depend on x here
    return dout * (by_channel(gamma, x) * inverse_std), dgamma, dout.sum(axis=every_axis_but_channels(x))


def _running_statistics(x, mode, bn_param):
    found = []
    for name in ("running_mean", "running_var"):
        if name in bn_param:
            statistic = as_floats(f'bn_param["{name}"]', bn_param[name])
            _check_shape(f'bn_param["{name}"]', statistic, x.shape[1:2], x)
            statistic = statistic.astype(x.dtype, copy=False)
        elif mode == "train":
            statistic = array_module(x).zeros(x.shape[1], x.dtype)
        else:
            raise ValueError(
                f'bn_param has no "{name}", which mode "test" needs: first run training batches through the layer in '
                'mode "train" with this bn_param'
            )
        found.append(statistic)
    return found


def _eps(name, param):
    eps = float(param.get("eps", EPS))  # a NumPy float64 would turn float32 into float64
    if not 0 < eps < float("inf"):
        raise ValueError(f'{name}["eps"] must be finite and greater than 0, not {eps!r}')
    return eps


def _operands(x, gamma, beta, rule, ndim):
    array_module(x, gamma, beta)
    x, gamma, beta = as_floats("x", x), as_floats("gamma", gamma), as_floats("beta", beta)
    if x.ndim != ndim:
        raise ValueError(f"{rule}, not {x.shape}")
    if 0 in x.shape:
        raise ValueError(f"x must not be empty, but has the shape {x.shape}")
    return x, gamma, beta


def _dout(dout, shape):
    dout = as_floats("dout", dout)
    if dout.shape != shape:
        raise ValueError(f"dout must have the shape {shape}, that of out, not {dout.shape}")
    return dout


def _check_shapes(x, gamma, beta, expected):
    _check_shape("gamma", gamma, expected, x)
    _check_shape("beta", beta, expected, x)


def _check_shape(name, array, expected, x):
    if array.shape != expected:
        raise ValueError(f"{name} must have the shape {expected} for x {x.shape}, not {array.shape}")
