"""Convolutional layers (lecture 05)."""

from cs231n_kit.arrays import array_module, as_floats
from cs231n_kit.kernels.convolution import convolution, convolution_gradients, output_size
from cs231n_kit.layers import windows
from cs231n_kit.layers.parameters import check_names


def conv_forward(x, w, b, conv_param):
    """out[n, f, i, j] = b[f] + Σ w[f, c, k, l] x[n, c, i·stride + k·dilation - pad, j·stride + l·dilation - pad].

    The sum is over channels c and positions (k, l) of the filter; x counts as zero outside of the image. As
    everywhere in deep learning this is a cross-correlation: the filters are not flipped (Goodfellow, Bengio and
    Courville, "Deep Learning", 2016, equation 9.6; dilation: Yu and Koltun, 2016).

    x: (N, C, H, W), a batch of at least one image.
    w: (F, C, HH, WW), filters of any size.
    b: (F,), biases.
    conv_param: a dictionary with "stride" (1 where missing), "pad" (0) and "dilation" (1), each an integer or a
        pair (along height, along width).

    Returns out (N, F, H', W') with H' = 1 + (H + 2 pad - dilation (HH - 1) - 1) // stride, and W' alike, and the
    cache for ``conv_backward``. Where the stride does not divide evenly, the last rows or columns are not seen.
    float32 and float64 are kept, integers are taken as float64, and where types differ NumPy's promotion decides.

    Raises TypeError where an argument holds no real numbers, ValueError where shapes do not fit together, the
    filter does not fit into the padded image, or conv_param is wrong.
    """
    array_module(x, w, b)
    x, w, b = windows.images(x), as_floats("w", w), as_floats("b", b)
    if w.ndim != 4 or 0 in w.shape or w.shape[1] != x.shape[1]:
        raise ValueError(f"w must have the shape (F, C, HH, WW) with C = {x.shape[1]} as x {x.shape}, not {w.shape}")
    if b.shape != w.shape[:1]:
        raise ValueError(f"b must have the shape {w.shape[:1]}, a bias for each filter of w {w.shape}, not {b.shape}")
    stride, pad, dilation = _settings(conv_param)
    windows.check_fit(x.shape, w.shape[2:], pad, dilation)
    return convolution(*_of_one_type(x, w, b), stride, pad, dilation), (x, w, b, conv_param)


def conv_backward(dout, cache, input_gradient=True):
    """Gradients of ``conv_forward``.

    Each output is a sum of products, so its gradient goes to every pixel times its weight, and to every weight
    times its pixel, summed wherever pixels and weights were used.

    dout: (N, F, H', W'), the loss's gradient with respect to out.
    input_gradient: False leaves out dx, which a network's first layer has no use for.

    Returns dx (N, C, H, W) or None, dw (F, C, HH, WW) and db (F,). Raises ValueError where dout has another shape
    than out.
    """
    x, w, b, conv_param = cache
    stride, pad, dilation = _settings(conv_param)
    size = output_size(x.shape[2:], w.shape[2:], stride, pad, dilation)
    dout = windows.gradients(dout, (len(x), len(w), *size))
    dout, x, w, _ = _of_one_type(dout, x, w, b)
    return convolution_gradients(dout, x, w, stride, pad, dilation, input_gradient)


def _settings(conv_param):
    """Stride, pad and dilation, each a pair."""
    check_names("conv_param", conv_param, ("stride", "pad", "dilation"))
    least_and_default = {"stride": (1, 1), "pad": (0, 0), "dilation": (1, 1)}
    return [
        windows.pair(f"conv_param[{name!r}]", conv_param.get(name, default), least)
        for name, (least, default) in least_and_default.items()
    ]


def _of_one_type(*arrays):
    dtype = array_module(*arrays).result_type(*arrays)
    return [array.astype(dtype, copy=False) for array in arrays]
