"""The training loop against the same loop written with torch.optim: ten updates, then the parameters."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_checks import assert_close, normal, tensor
from torch_networks import Sum, assert_same_parameters, copy_parameters, language_model, running

from cs231n_kit import networks, schedules
from cs231n_kit.losses import temporal_softmax_loss
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.training import Trainer

UPDATES = 10
IMAGES = normal(0, (24, 3, 8, 8))[0]
LABELS = np.random.default_rng(1).integers(0, 5, 24)
QUIET = {"progress_bar": False, "live_plot": False}


def convnets(dtype):
    """Without a bias before the normalisation: its gradient is 0, and its steps are those of rounding."""
    ours = networks.Sequential(
        networks.Convolution(6, 3, pad=1, bias=False),
        networks.BatchNorm(),
        networks.ReLU(),
        networks.MaxPool(2),
        networks.Residual(networks.Convolution(6, 3, pad=1), networks.ELU()),
        networks.Flatten(),
        networks.Affine(5),
    ).initialize((3, 8, 8), dtype=dtype)
    theirs = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        Sum(nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.ELU()), nn.Sequential()),
        nn.Flatten(),
        nn.Linear(96, 5),
    ).double()
    copy_parameters(ours, theirs)
    return ours, theirs


def by_regularization(module):
    """The weights, which are regularised, and all other parameters."""
    weights = [leaf.weight for leaf in module.modules() if isinstance(leaf, nn.Conv2d | nn.Linear)]
    return weights, [p for p in module.parameters() if all(p is not w for w in weights)]


def torch_training(module, optimizer, batches, regularization=0.0, clip_norm=None, scheduler=None):
    """The losses, with the course's penalty λ Σ w², of one update for each batch."""
    losses = []
    weights, _ = by_regularization(module)
    scheduler = scheduler and scheduler(optimizer)
    for X, y in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(module(tensor(X)), torch.tensor(y))
        loss = loss + regularization * sum((w * w).sum() for w in weights)
        loss.backward()
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(module.parameters(), clip_norm)
        optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(loss.item())
    return losses


def minibatches():
    return [(IMAGES[i % 3 :: 3], LABELS[i % 3 :: 3]) for i in range(UPDATES)]


@pytest.mark.parametrize("dtype, factor", [(np.float64, 100), (np.float32, 100)])
def test_momentum_with_weight_decay(dtype, factor):
    """PyTorch's weight_decay adds λ w to the gradient, the course's penalty λ Σ w² adds 2 λ w; biases have none."""
    ours, theirs = convnets(dtype)
    trainer = Trainer(ours, optimizer=Optimizer("sgd_momentum", learning_rate=0.05), regularization=0.01, **QUIET)
    for X, y in minibatches():
        trainer.step(X, y)

    weights, others = by_regularization(theirs.train())
    groups = [{"params": weights, "weight_decay": 0.02}, {"params": others}]
    torch_training(theirs, torch.optim.SGD(groups, lr=0.05, momentum=0.9), minibatches())
    assert_same_parameters(ours, theirs, assert_close, dtype=dtype, factor=factor)
    assert_close(running(ours, 0)["running_mean"], theirs[1].running_mean, "running_mean", dtype, factor)
    assert_close(ours.forward(IMAGES[:1] * 0 + 1), theirs_in_testing(theirs, ours), "scores", dtype, factor)


def theirs_in_testing(theirs, ours):
    """Scores with the kit's running variance: how the two differ is tested with the networks."""
    theirs[1].running_var.copy_(tensor(running(ours, 0)["running_var"]))
    return theirs.eval()(torch.ones(1, 3, 8, 8, dtype=torch.float64))


@pytest.mark.parametrize(
    "settings, make, more",
    [
        (
            {"optimizer": Optimizer("adamw", learning_rate=0.01, weight_decay=0.1)},
            lambda module: torch.optim.AdamW(module.parameters(), lr=0.01, weight_decay=0.1),
            {},
        ),
        (
            {"optimizer": Optimizer("adam", learning_rate=0.01), "regularization": 0.003, "clip_norm": 0.5},
            lambda module: torch.optim.Adam(module.parameters(), lr=0.01),
            {"regularization": 0.003, "clip_norm": 0.5},
        ),
        (
            {"optimizer": Optimizer("sgd"), "schedule": schedules.cosine(0.1, UPDATES + 1)},
            lambda module: torch.optim.SGD(module.parameters(), lr=0.1),
            {"scheduler": lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, UPDATES)},
        ),
    ],
    ids=["adamw", "adam, regularised and clipped", "a schedule"],
)
def test_fit(settings, make, more):
    """Ten epochs of one batch each, whose order does not matter: losses, and parameters at the end."""
    ours, theirs = convnets(np.float64)
    history = Trainer(ours, batch_size=100, epochs=UPDATES, **settings, **QUIET).fit(IMAGES, LABELS)

    losses = torch_training(theirs, make(theirs.train()), [(IMAGES, LABELS)] * UPDATES, **more)
    # Where it clips, PyTorch divides by the norm + 1e-6, which ten steps of Adam keep small.
    factor = 1e6 if "clip_norm" in more else 1e3
    assert_close(history.losses, losses, "the losses", factor=factor)
    assert_same_parameters(ours, theirs, assert_close, factor=factor)
    assert losses[-1] < 0.8 * losses[0]


def test_a_language_model_learns_alike():
    ours, theirs = language_model("lstm")
    ours.initialize((8,), dtype=np.float64)
    copy_parameters(ours, theirs.double())
    words = np.random.default_rng(0).integers(0, 30, (6, 9))
    everything = np.ones((6, 8), bool)
    trainer = Trainer(
        ours,
        lambda scores, y: temporal_softmax_loss(scores, y, everything),
        Optimizer("rmsprop", learning_rate=0.01),
        **QUIET,
    )
    optimizer = torch.optim.RMSprop([p for p in theirs.parameters() if p.shape != (36,)], lr=0.01)
    biases = [(module.bias_ih_l0, module.bias_hh_l0) for module in theirs.modules() if isinstance(module, nn.LSTM)]
    optimizer.add_param_group({"params": [bias for bias, _ in biases]})  # the second bias stays 0
    for _ in range(UPDATES):
        found = trainer.step(words[:, :-1], words[:, 1:])
        optimizer.zero_grad()
        scores = theirs(torch.tensor(words[:, :-1]))
        loss = F.cross_entropy(scores.flatten(0, 1), torch.tensor(words[:, 1:].ravel()), reduction="sum") / 6
        loss.backward()
        optimizer.step()
        assert_close(found, loss, "the loss", factor=1e3)
    assert_same_parameters(ours, theirs, assert_close, factor=1e3)
