"""The losses of cs231n_kit.losses.classification in CUDA: the same names, arguments, results and errors."""

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels import cuda
from cs231n_kit.losses import arguments

LANES = 32  # a warp takes a row


def softmax_loss(x, y):
    return _loss_and_gradient("softmax_loss", x, y)


def svm_loss(x, y, delta: float = 1.0):
    return _loss_and_gradient("svm_loss", x, y, arguments.number(delta, "delta"))


def squared_hinge_loss(x, y, delta: float = 1.0):
    return _loss_and_gradient("squared_hinge_loss", x, y, arguments.number(delta, "delta"))


def _loss_and_gradient(kernel, x, y, *numbers):
    array_module(x, y)
    x = arguments.scores(x, "(N, C)", 2)
    y = arguments.labels(y, x.shape[:1], x.shape[1])
    x, y = cuda.contiguous(x, y.astype(np.int64))
    losses, gradient = cuda.empty(len(x), x.dtype), cuda.empty(x.shape, x.dtype)
    sizes = np.int64(x.shape[0]), np.int64(x.shape[1])
    cuda.launch("loss.cu", kernel, (x, y, losses, gradient, *numbers, *sizes), x.dtype, len(x) * LANES)
    return float(losses.mean(dtype=np.float64)), gradient
