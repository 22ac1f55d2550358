"""A step of a convolutional network's training, and Adam, against PyTorch."""

import numpy as np

from benchmarks.harness import PYTORCH, Race, float32, tensors, torch
from cs231n_kit.losses import softmax_loss
from cs231n_kit.networks import Affine, Convolution, Flatten, MaxPool, ReLU, Sequential
from cs231n_kit.optimizers import Optimizer

PARAMETERS = 1_000_000
BATCH, FILTERS, SIZE, HIDDEN, CLASSES = 50, 32, 7, 100, 10


def races():
    convolution, affine = 3 * SIZE**2 * FILTERS * 32 * 32, FILTERS * 16 * 16 * HIDDEN
    flops = 2 * BATCH * (2 * convolution + 3 * affine)  # the first layer has no gradient of its input
    bound = "bound by its convolution, half of the time, whose 7x7 filters PyTorch's generated kernels run faster"
    yield Race(f"three-layer convnet, batch {BATCH}: loss and gradients", PYTORCH, _convnet, 0.95, flops, bound=bound)
    yield Race("Adam, 1M parameters", "PyTorch, fused", _adam, 0.7, bytes=4 * 7 * PARAMETERS, bound="bound by memory")


def _convnet():
    """conv - ReLU - 2x2 max pool - affine - ReLU - affine - softmax, as in assignment 2."""
    rng = np.random.default_rng(0)
    x, y = float32(rng, BATCH, 3, 32, 32), rng.integers(0, CLASSES, BATCH)
    network = Sequential(
        Convolution(FILTERS, SIZE, pad=SIZE // 2),
        ReLU(),
        MaxPool(2),
        Flatten(),
        Affine(HIDDEN),
        ReLU(),
        Affine(CLASSES),
    ).initialize((3, 32, 32), rng=0, dtype=np.float32)
    weights = tensors(*(np.array(parameter) for parameter in network.parameters.values()))
    images, labels = torch.from_numpy(x), torch.from_numpy(y)

    def ours():
        loss, dscores = softmax_loss(network.forward(x, mode="train"), y)
        network.backward(dscores)
        return loss, *network.gradients.values()

    def theirs():
        conv_w, conv_b, hidden_w, hidden_b, out_w, out_b = weights
        functional = torch.nn.functional
        maps = functional.relu(functional.conv2d(images, conv_w, conv_b, padding=SIZE // 2))
        hidden = functional.relu(functional.max_pool2d(maps, 2).flatten(1) @ hidden_w + hidden_b)
        loss = functional.cross_entropy(hidden @ out_w + out_b, labels)
        return loss, *torch.autograd.grad(loss, weights)

    return ours, theirs


def _adam():
    rng = np.random.default_rng(0)
    w, dw = float32(rng, PARAMETERS), float32(rng, PARAMETERS)
    weights = torch.from_numpy(w.copy())
    weights.grad = torch.from_numpy(dw)
    optimizer = Optimizer("adam", learning_rate=1e-3)
    peer = torch.optim.Adam([weights], lr=1e-3, fused=True)

    def ours():
        optimizer.step({"w": w}, {"w": dw})
        return w

    def theirs():
        peer.step()
        return weights

    return ours, theirs
