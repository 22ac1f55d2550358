"""A partly frozen network against torch.nn with ``requires_grad_(False)`` and ``eval()`` on the same layers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_checks import assert_close, normal, tensor
from torch_networks import assert_same_parameters, convnet, copy_parameters, running

from cs231n_kit.optimizers import Optimizer
from cs231n_kit.training import Trainer


@pytest.mark.parametrize("paths", [("0", "1", "2", "3"), ("3.body", "5.branch1", "11"), ("1", "13")])
def test_updates_of_a_partly_frozen_network(paths):
    ours, theirs = convnet()
    theirs = theirs.double()
    ours.initialize((3, 12, 12), dtype=np.float64)
    copy_parameters(ours, theirs)
    ours.freeze(*paths)
    theirs.train()
    for path in paths:
        names = path.split(".")
        module = theirs[int(names[0])]
        for name in names[1:]:
            module = module.branches[int(name[-1])] if name.startswith("branch") else getattr(module, name)
        module.requires_grad_(False).eval()
    trainer = Trainer(
        ours, optimizer=Optimizer("sgd_momentum", learning_rate=0.05), progress_bar=False, live_plot=False
    )
    optimizer = torch.optim.SGD([p for p in theirs.parameters() if p.requires_grad], lr=0.05, momentum=0.9)
    x, y = normal(0, (18, 3, 12, 12))[0], np.arange(18) % 10
    for batch in range(3):
        rows = slice(6 * batch, 6 * batch + 6)
        trainer.step(x[rows], y[rows])
        optimizer.zero_grad()
        F.cross_entropy(theirs(tensor(x[rows])), torch.tensor(y[rows])).backward()
        optimizer.step()
    assert_same_parameters(ours, theirs, assert_close, dtype=np.float64, factor=1000)
    norms = [leaf for leaf in theirs.modules() if isinstance(leaf, nn.BatchNorm2d)]
    for i, leaf in enumerate(norms):
        assert_close(running(ours, i)["running_mean"], leaf.running_mean, f"mean {i}", np.float64, 1000)
