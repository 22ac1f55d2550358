"""Pooling layers (lecture 05)."""

import math

from cs231n_kit.kernels.convolution import output_size
from cs231n_kit.kernels.pooling import average_pool, average_pool_gradient, max_pool, max_pool_gradient
from cs231n_kit.layers import windows
from cs231n_kit.layers.parameters import check_names


def max_pool_forward(x, pool_param):
    """out[n, c, i, j] = the largest x[n, c, k, l] in the window with its corner at (i·stride - pad, j·stride - pad).

    x: (N, C, H, W), a batch of at least one image.
    pool_param: a dictionary with "pool_height", "pool_width", "stride", and "pad" (0 where missing). The last two
        are integers or pairs (along height, along width). Windows may overlap. Padding is never the maximum (it
        counts as -inf), and must be smaller than the window, so that each window holds a pixel.

    Returns out (N, C, H', W') with H' = 1 + (H + 2 pad - pool_height) // stride, and W' alike, and the cache for
    ``max_pool_backward``, which says where each maximum was found. Of equal pixels the first counts, row by row.
    NaN counts as larger than any number. float32 and float64 are kept, integers are taken as float64.

    Raises TypeError where x holds no real numbers, ValueError where it is no batch of images, the window does not
    fit, or pool_param is wrong.
    """
    x = windows.images(x)
    window, stride, pad = _settings(pool_param)
    windows.check_fit(x.shape, window, pad, (1, 1))
    out, switches = max_pool(x, window, stride, pad)
    return out, (switches, x.shape, pool_param)


def max_pool_backward(dout, cache):
    """Gradient of ``max_pool_forward``: that of each output goes to its maximum, and adds up where windows overlap.

    dout: (N, C, H', W'), the loss's gradient with respect to out.

    Returns dx (N, C, H, W), of dout's type. Raises ValueError where dout has another shape than out.
    """
    switches, shape, pool_param = cache
    dout = windows.gradients(dout, switches.shape)
    return max_pool_gradient(dout, switches, shape, *_settings(pool_param))


def average_pool_forward(x, pool_param):
    """out[n, c, i, j] = the mean of x[n, c] over the window with its corner at (i·stride - pad, j·stride - pad).

    Padding counts: the sum is always divided by pool_height · pool_width, which makes this the convolution of each
    channel with a constant filter (average pooling of LeNet, LeCun et al. 1998, without its weights). Arguments,
    shapes, types and errors are those of ``max_pool_forward``.
    """
    x = windows.images(x)
    window, stride, pad = _settings(pool_param)
    windows.check_fit(x.shape, window, pad, (1, 1))
    return average_pool(x, window, stride, pad), (x.shape, pool_param)


def average_pool_backward(dout, cache):
    """Gradient of ``average_pool_forward``: each pixel of a window gets dout / (pool_height · pool_width).

    dout: (N, C, H', W'), the loss's gradient with respect to out.

    Returns dx (N, C, H, W), of dout's type. Raises ValueError where dout has another shape than out.
    """
    shape, pool_param = cache
    window, stride, pad = _settings(pool_param)
    dout = windows.gradients(dout, (*shape[:2], *output_size(shape[2:], window, stride, pad, (1, 1))))
    return average_pool_gradient(dout, shape, window, stride, pad)


def global_average_pool_forward(x):
    """out[n, c] = the mean of all pixels of x[n, c] (Lin, Chen and Yan, "Network in Network", 2014).

    x: (N, C, H, W), a batch of at least one image.

    Returns out (N, C) and the cache for ``global_average_pool_backward``. Types and errors are those of
    ``max_pool_forward``.
    """
    x = windows.images(x)
    return x.mean(axis=(2, 3)), x.shape


def global_average_pool_backward(dout, cache):
    """Gradient of ``global_average_pool_forward``: each pixel gets dout / (H W).

    dout: (N, C), the loss's gradient with respect to out.

    Returns dx (N, C, H, W), of dout's type. Raises ValueError where dout has another shape than out.
    """
    shape = cache
    dout = windows.gradients(dout, shape[:2])
    return (dout / math.prod(shape[2:]))[:, :, None, None].repeat(shape[2], axis=2).repeat(shape[3], axis=3)


def _settings(pool_param):
    """Window, stride and pad, each a pair."""
    check_names("pool_param", pool_param, ("pool_height", "pool_width", "stride", "pad"))
    for name in ("pool_height", "pool_width", "stride"):
        if name not in pool_param:
            raise ValueError(f"pool_param lacks {name!r}; a common choice is pool_height = pool_width = stride = 2")
    size = pool_param["pool_height"], pool_param["pool_width"]
    window = windows.pair("pool_param's pool_height and pool_width", size, 1)
    stride = windows.pair("pool_param['stride']", pool_param["stride"], 1)
    pad = windows.pair("pool_param['pad']", pool_param.get("pad", 0), 0)
    if any(p >= k for p, k in zip(pad, window, strict=True)):
        raise ValueError(f"pool_param['pad'] must be smaller than the window, {window[0]} x {window[1]}, not {pad}")
    return window, stride, pad
