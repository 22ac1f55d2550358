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
    return _batchnorm(x, gamma, beta, bn_param, axes=(0,))


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
    x_hat, _, _, inverse_std = _normalize(x, (1,), _eps("ln_param", ln_param))
    return _scale_and_shift(x_hat, gamma, beta), (x_hat, inverse_std, gamma)


def layernorm_backward(dout, cache):
    """Gradients of ``layernorm_forward``: the formula of ``batchnorm_backward`` with means over the features.

    dout: (N, D), the loss's gradient with respect to out.

    Returns dx (N, D), dgamma (D,), dbeta (D,).
    """
    x_hat, inverse_std, gamma = cache
    dout = _dout(dout, x_hat.shape)
    dx = _normalize_backward(dout * gamma, x_hat, inverse_std, (1,))
    return dx, _sum_of_products(dout, x_hat, (0,)).ravel(), dout.sum(axis=0)


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    """Normalise each channel over the batch and all places, as befits the output of a convolution.

    x: (N, C, H, W).
    gamma, beta: (C,), scale and shift.
    bn_param: as in ``batchnorm_forward``, with "running_mean" and "running_var" of shape (C,).

    Returns out (N, C, H, W) and a cache for ``spatial_batchnorm_backward``.
    """
    x, gamma, beta = _operands(x, gamma, beta, "x must have the shape (N, C, H, W)", 4)
    _check_shapes(x, gamma, beta, (x.shape[1],))
    return _batchnorm(x, gamma, beta, bn_param, axes=(0, 2, 3))


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
    groups, _, _, inverse_std = _normalize(x.reshape(N, G, -1), (2,), _eps("gn_param", gn_param))
    x_hat = groups.reshape(x.shape)
    return _scale_and_shift(x_hat, gamma, beta), (x_hat, inverse_std, gamma)


def spatial_groupnorm_backward(dout, cache):
    """Gradients of ``spatial_groupnorm_forward``: the formula of ``batchnorm_backward`` with means over a group.

    dout: (N, C, H, W), the loss's gradient with respect to out.

    Returns dx (N, C, H, W), dgamma (1, C, 1, 1), dbeta (1, C, 1, 1).
    """
    x_hat, inverse_std, gamma = cache
    dout = _dout(dout, x_hat.shape)
    grouped = (*inverse_std.shape[:2], -1)
    dx = _normalize_backward((dout * gamma).reshape(grouped), x_hat.reshape(grouped), inverse_std, (2,))
    axes = (0, 2, 3)
    return dx.reshape(dout.shape), _sum_of_products(dout, x_hat, axes), dout.sum(axis=axes, keepdims=True)


def _batchnorm(x, gamma, beta, bn_param, axes):
    """Batch normalisation of the channels along axis 1, statistics over all other axes."""
    mode, eps = bn_param.get("mode"), _eps("bn_param", bn_param)
    if mode not in ("train", "test"):
        raise ValueError(f'bn_param["mode"] must be "train" or "test", not {mode!r}')
    running_mean, running_var = _running_statistics(x, mode, bn_param)
    momentum = float(bn_param.get("momentum", MOMENTUM))
    if not 0 <= momentum <= 1:
        raise ValueError(f'bn_param["momentum"] must be from 0 to 1, not {momentum!r}')
    channels = (1, -1) + (1,) * (x.ndim - 2)
    if mode == "train":
        x_hat, mean, var, inverse_std = _normalize(x, axes, eps)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean.ravel()
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var.ravel()
    else:
        inverse_std = ((running_var + eps) ** -0.5).reshape(channels)
        x_hat = (x - running_mean.reshape(channels)) * inverse_std
    gamma = gamma.reshape(channels)
    return _scale_and_shift(x_hat, gamma, beta.reshape(channels)), (mode, x_hat, inverse_std, gamma, axes)


def _batchnorm_backward(dout, cache):
    """Gradients of ``_batchnorm``. gamma is the same for all that a mean is taken over, which leaves two sums."""
    mode, x_hat, inverse_std, gamma, axes = cache
    dout = _dout(dout, x_hat.shape)
    dgamma, dbeta = _sum_of_products(dout, x_hat, axes), dout.sum(axis=axes, keepdims=True)
    if mode == "train":
        count = x_hat.size // dbeta.size
        dx = x_hat * (dgamma / -count)
        dx += dout
        dx -= dbeta / count
        dx *= gamma * inverse_std
    else:  # the running statistics do not depend on x
        dx = dout * (gamma * inverse_std)
    return dx, dgamma.ravel(), dbeta.ravel()


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


def _normalize(x, axes, eps):
    """x minus its mean, divided by its standard deviation over the axes; also mean, variance and 1 / deviation.

    The deviations are computed before they are squared, because E[x²] - E[x]² cancels where the mean is large, and
    their own mean, the rounding error of the first, is taken out (Chan, Golub and LeVeque 1983): for values near
    10,000 float32 gets the mean wrong by 1/1000, far more than the deviations of a nearly constant feature.
    """
    xp = array_module(x)
    mean = x.mean(axis=axes, keepdims=True)
    deviations = x - mean
    error = deviations.mean(axis=axes, keepdims=True)
    deviations -= error
    var = _sum_of_products(deviations, deviations, axes) * (error.size / x.size)
    inverse_std = 1 / xp.sqrt(var + eps)
    deviations *= inverse_std
    return deviations, mean + error, var, inverse_std


def _normalize_backward(dx_hat, x_hat, inverse_std, axes):
    """Gradient of ``_normalize``'s first result with respect to x."""
    mean = dx_hat.mean(axis=axes, keepdims=True)
    dx = x_hat * (_sum_of_products(dx_hat, x_hat, axes) * (-mean.size / x_hat.size))
    dx += dx_hat
    dx -= mean
    dx *= inverse_std
    return dx


def _scale_and_shift(x_hat, gamma, beta):
    xp = array_module(x_hat)
    out = xp.multiply(x_hat, gamma, dtype=xp.result_type(x_hat, gamma, beta))
    out += beta
    return out


def _sum_of_products(a, b, axes):
    """(a · b).sum(axis=axes, keepdims=True) without an array for the products."""
    every = list(range(a.ndim))
    kept = [axis for axis in every if axis not in axes]
    shape = [1 if axis in axes else a.shape[axis] for axis in every]
    return array_module(a, b).einsum(a, every, b, every, kept).reshape(shape)


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
