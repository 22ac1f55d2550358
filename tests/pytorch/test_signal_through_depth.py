"""Activations and gradients of every layer of ``SignalThroughDepth`` against autograd."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cs231n_kit.widgets import SignalThroughDepth

ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "maxout": lambda x: x.unflatten(1, (-1, 2)).amax(dim=2),
    "none": lambda x: x,
}
NORMALIZATIONS = {
    "none": lambda x, layer: x,
    "batch": lambda x, layer: F.batch_norm(x, None, None, layer["gamma"], layer["beta"], training=True),
    "layer": lambda x, layer: F.layer_norm(x, x.shape[1:], layer["gamma"], layer["beta"]),
}


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_all_layers(activation, normalization):
    widget = SignalThroughDepth(
        activation=activation, normalization=normalization, initialize="he_normal", depth=5, width=40, bias=0.1
    )
    widget.train(3)
    signal, layers = widget._run.signal, []
    for key, array in widget.network.parameters.items():
        name = key.split(".")[1]
        if name == "w":
            layers.append({})
        layers[-1][name] = torch.tensor(array, dtype=torch.float64, requires_grad=True)
    outputs = [torch.tensor(widget._run.X, dtype=torch.float64, requires_grad=True)]
    for layer in layers[:-1]:
        summed = outputs[-1] @ layer["w"] + layer["b"]
        outputs.append(ACTIVATIONS[activation](NORMALIZATIONS[normalization](summed, layer)))
    outputs.append(outputs[-1] @ layers[-1]["w"] + layers[-1]["b"])
    for output in outputs:
        output.retain_grad()
    loss = F.cross_entropy(outputs[-1], torch.tensor(widget._run.y))
    loss.backward()
    assert signal.loss == pytest.approx(loss.item(), rel=1e-4)
    for found, gradient, expected in zip(signal.outputs, signal.gradients, outputs, strict=True):
        for array, peer in ((found, expected.detach()), (gradient, expected.grad)):
            np.testing.assert_allclose(array, peer, atol=2e-4 * peer.abs().max().item())
    norms = [layer["w"].grad.norm().item() for layer in layers]
    assert [layer.weight_gradient for layer in signal.layers[1:]] == pytest.approx(norms, rel=1e-3)
