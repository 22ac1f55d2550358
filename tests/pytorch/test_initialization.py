"""Initial weights against torch.nn.init: PyTorch's layers keep dense weights as (outputs, inputs)."""

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from cs231n_kit import initialization

SHAPES = [(300, 200), (64, 32, 5, 3)]


def for_torch(shape):
    return torch.empty(shape[::-1] if len(shape) == 2 else shape, dtype=torch.float64)


@pytest.mark.parametrize("shape", [*SHAPES, (1, 7), (3, 1, 1, 1)], ids=str)
def test_fans(shape):
    assert initialization.fans(shape) == torch.nn.init._calculate_fan_in_and_fan_out(for_torch(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "ours, theirs",
    [
        (initialization.he_normal, lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu")),
        (initialization.inverse_sqrt, lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear")),
        (initialization.xavier_uniform, torch.nn.init.xavier_uniform_),
        (initialization.small_normal, lambda w: torch.nn.init.normal_(w, std=1e-2)),
    ],
    ids=["he", "inverse_sqrt", "xavier", "small"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distributions(ours, theirs, shape, dtype):
    """Two samples of tens of thousands of numbers, which one distribution can explain."""
    torch.manual_seed(0)
    found, expected = ours(shape, 0, dtype), theirs(for_torch(shape)).numpy()
    assert found.dtype == dtype
    assert ks_2samp(found.ravel(), expected.ravel()).pvalue > 1e-3
    assert abs(found.std() / expected.std() - 1) < 0.02
    assert abs(np.abs(found).max() / np.abs(expected).max() - 1) < 0.2


def test_sparse():
    """PyTorch's sparsity is the share of inputs that an output is not connected to."""
    torch.manual_seed(0)
    found = initialization.sparse((300, 200), 0, np.float64, connections=15)
    expected = torch.nn.init.sparse_(torch.empty(300, 200, dtype=torch.float64), sparsity=0.95).numpy()
    np.testing.assert_array_equal((found != 0).sum(axis=0), (expected != 0).sum(axis=0))
    assert ks_2samp(found[found != 0], expected[expected != 0]).pvalue > 1e-3
