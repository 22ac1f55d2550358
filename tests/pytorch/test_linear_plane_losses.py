"""The losses of the linear-classifier widget against autograd."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cs231n_kit.widgets.linear_plane_losses import LOSSES, evaluate

PEERS = {
    "weston_watkins": lambda s, y: 3 * F.multi_margin_loss(s, y),
    "squared_hinge": lambda s, y: 3 * F.multi_margin_loss(s, y, p=2),
    "softmax": F.cross_entropy,
    "one_vs_all": lambda s, y: torch.relu(1 - (2 * F.one_hot(y, 3) - 1) * s).sum(dim=1).mean(),
    "structured": lambda s, y: ((s + 1 - F.one_hot(y, 3)).amax(dim=1) - s.gather(1, y[:, None])[:, 0]).mean(),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(20))
def test_losses_and_gradients(loss, seed):
    rng = np.random.default_rng(seed)
    W, b, X, y = rng.normal(size=(3, 2)), rng.normal(size=3), rng.uniform(-1, 1, (9, 2)), rng.integers(0, 3, 9)
    weights, bias = (torch.tensor(array, requires_grad=True) for array in (W, b))
    scores = torch.tensor(X) @ weights.T + bias
    total = PEERS[loss](scores, torch.tensor(y)) + 0.3 * (weights**2).sum()
    total.backward()
    found = evaluate(W, b, X, y, loss, 0.3)
    assert found.loss == pytest.approx(total.item())
    np.testing.assert_allclose(found.dW, weights.grad, atol=1e-12)
    np.testing.assert_allclose(found.db, bias.grad, atol=1e-12)
