"""Lecture 07: several networks decide together, by the mean of their probabilities."""

import numpy as np
from threadpoolctl import threadpool_limits

from cs231n_kit.explorations.regularization import RATE, FewImages, Method, make_trainer, train, updates_in
from cs231n_kit.plots import COLORS, MUTED, new_figure
from cs231n_kit.schedules import cosine

ORDERS = 50  # in which the members are added up, for the mean over which ones come first


def probabilities(network, X):
    """Softmax of the network's scores, (N, C)."""
    scores = network.scores(X, progress=False).astype(np.float64)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def members(few: FewImages, method: Method, count, epochs):
    """Networks trained independently, from different first weights and with images in different order."""
    return [train(few, method, epochs, seed) for seed in range(count)]


def snapshots(few: FewImages, method: Method, cycles, epochs, seed=0):
    """Probabilities on the new images, (cycles, N, C), at the end of each cycle of one training.

    In each cycle of ``epochs`` epochs the learning rate falls to 0 along half a cosine wave, and so the network comes
    to rest; then it starts high again and drives the network elsewhere   (Huang et al. 2017, "Snapshot ensembles").
    """
    cycle = updates_in(few, epochs)
    once = cosine(RATE, cycle)
    trainer = make_trainer(few, method, lambda step: once(step % cycle), cycles * epochs, seed)
    found = []
    with threadpool_limits(1):
        for progress in trainer.steps(few.X, few.y):
            if progress.done % cycle == 0:
                found.append(probabilities(trainer.network, few.X_new))
    return np.array(found)


def accuracies(shares, y):
    """Accuracy of the mean of k of the K members' probabilities (K, N, C), for k = 1 to K; over many choices."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(ORDERS):
        order = rng.permutation(len(shares))
        together = np.cumsum(shares[order], axis=0)
        found.append((together.argmax(axis=2) == y).mean(axis=1))
    return np.mean(found, axis=0)


def ensemble_figure(curves):
    """Accuracy against the number of members; curves: {name: accuracies for k = 1, 2, ...}."""
    figure, ax = new_figure(7.2, 3.7)
    for (name, values), color, marker in zip(curves.items(), COLORS, "os^", strict=False):
        ax.plot(np.arange(1, len(values) + 1), 100 * values, marker + "-", color=color, linewidth=2, label=name)
    alone = 100 * next(iter(curves.values()))[0]
    ax.axhline(alone, color=MUTED, linestyle=":", label="one network alone, on average")
    ax.set(xlabel="networks that decide together", ylabel="right for new images (%)")
    ax.set_xticks(range(1, max(map(len, curves.values())) + 1))
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure
