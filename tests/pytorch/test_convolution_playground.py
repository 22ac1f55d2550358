"""The convolution playground's numbers against PyTorch, dilation and overlapping pooling windows included."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cs231n_kit.widgets import ConvolutionPlayground


@pytest.mark.parametrize("size, pad, stride, dilation", [(3, 0, 1, 1), (3, 2, 2, 2), (2, 1, 3, 3), (4, 4, 1, 4)])
def test_convolution(size, pad, stride, dilation):
    rng = np.random.default_rng(size)
    x = rng.integers(-4, 5, (3, 8, 9))
    w, b = rng.integers(-4, 5, (2, 3, size, size)), rng.integers(-4, 5, 2)
    settings = {"pad": pad, "stride": stride, "dilation": dilation}
    widget = ConvolutionPlayground(x, w, b, **settings, view="backward")
    leaves = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in (x, w, b)]
    out = F.conv2d(*leaves, padding=pad, stride=stride, dilation=dilation)
    out.backward(torch.tensor(widget.dout))
    np.testing.assert_allclose(widget.out, out.detach())
    for name, leaf in zip("xwb", leaves, strict=True):
        np.testing.assert_allclose(widget.gradients[name], leaf.grad, err_msg=name)


@pytest.mark.parametrize("operation, pool", [("max", F.max_pool2d), ("average", F.avg_pool2d)])
@pytest.mark.parametrize("size, pad, stride", [(2, 0, 2), (3, 1, 1), (4, 2, 3)])
def test_pooling(operation, pool, size, pad, stride):
    x = np.random.default_rng(size).permutation(126).reshape(2, 7, 9) - 60
    widget = ConvolutionPlayground(x, operation=operation, size=size, pad=pad, stride=stride, upstream="whole numbers")
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    out = pool(leaf, size, stride, pad)
    out.backward(torch.tensor(widget.dout))
    np.testing.assert_allclose(widget.out, out.detach())
    np.testing.assert_allclose(widget.gradients["x"], leaf.grad)
