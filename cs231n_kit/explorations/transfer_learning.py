"""Lecture 07: what one network has learned, used for another task in three ways; what each costs and brings."""

import time
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from cs231n_kit.explorations.regularization import FewImages
from cs231n_kit.networks import Affine, Flatten, Sequential
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.plots import COLORS, MUTED, new_figure
from cs231n_kit.training import Trainer

BODY = "0"  # the convolutions' path in a network Sequential(body, Flatten(), Affine(classes))
BLOCK = 4  # layers of a block: convolution, normalisation, activation, pooling
RATE, SMALL_RATE = 3e-3, 1e-3  # of Adam, for what is new and for what was learned before
QUIET = {"best_by": None, "progress_bar": False, "live_plot": False}
STYLES = {
    "frozen body": (COLORS[3], "D"),
    "features once": (COLORS[0], "o"),
    "fine-tuned": (COLORS[2], "^"),
    "from scratch": (COLORS[1], "s"),
}


@dataclass(frozen=True)
class Outcome:
    """A network after training, and a curve: (seconds of processor time so far, accuracy on new images)."""

    network: Sequential
    curve: np.ndarray

    @property
    def accuracy(self) -> float:
        return float(self.curve[-1, 1])

    @property
    def seconds(self) -> float:
        return float(self.curve[-1, 0])


def of_classes(X, y, chosen):
    """The images of the chosen classes (numbers, ascending), and their labels counted from 0."""
    rows = np.isin(y, chosen)
    return X[rows], np.searchsorted(chosen, y[rows])


def with_new_head(old, classes, seed=0):
    """A network with the body of ``old`` and a new, untrained classifier."""
    body = old.steps[0]
    return Sequential(body, Flatten(), Affine(classes)).initialize(old.input_shape, rng=seed).copy_from(old, BODY)


def train_frozen(old, task: FewImages, epochs, seed=0, points=4) -> Outcome:
    """The first way: all convolutions frozen, a new classifier trained on top of them."""
    network = with_new_head(old, task.classes, seed).freeze(BODY)
    trainer = Trainer(network, optimizer=Optimizer("adam", learning_rate=RATE), epochs=epochs, seed=seed, **QUIET)
    return follow(trainer, task.X, task.y, lambda: accuracy(network, task.X_new, task.y_new), points=points)


def train_on_features(old, task: FewImages, epochs, seed=0, points=4) -> Outcome:
    """The second way: every image once through the convolutions, and a classifier trained on what comes out."""
    network = with_new_head(old, task.classes, seed)
    body = Sequential(network.steps[0]).initialize(old.input_shape).copy_from(old, BODY)
    unseen = body.scores(task.X_new, progress=False)

    start = time.process_time()
    features = body.scores(task.X, progress=False)
    head = Sequential(*network.steps[1:]).initialize(features.shape[1:])
    for name in ("w", "b"):
        head.parameters[f"1.{name}"][...] = network.parameters[f"2.{name}"]
    trainer = Trainer(head, optimizer=Optimizer("adam", learning_rate=RATE), epochs=epochs, seed=seed, **QUIET)
    before = time.process_time() - start

    outcome = follow(trainer, features, task.y, lambda: accuracy(head, unseen, task.y_new), before, points)
    for name in ("w", "b"):
        network.parameters[f"2.{name}"][...] = head.parameters[f"1.{name}"]
    return replace(outcome, network=network)


def fine_tune(old, task: FewImages, epochs, seed=0, points=4, blocks=1) -> Outcome:
    """The third way: after the second, the last convolutions are trained on, too, with a smaller rate."""
    before = train_on_features(old, task, epochs, seed, points=1)
    network = before.network.freeze(BODY)
    layers = len(network.steps[0].steps)
    network.unfreeze(*(f"{BODY}.{i}" for i in range(layers - BLOCK * blocks, layers)))
    trainer = Trainer(network, optimizer=Optimizer("adam", learning_rate=SMALL_RATE), epochs=epochs, seed=seed, **QUIET)
    outcome = follow(trainer, task.X, task.y, lambda: accuracy(network, task.X_new, task.y_new), before.seconds, points)
    return replace(outcome, curve=np.vstack([before.curve[-1:], outcome.curve]))


def train_from_scratch(old, task: FewImages, epochs, seed=0, points=4) -> Outcome:
    """The base line: the same network, and nothing taken along."""
    network = Sequential(old.steps[0], Flatten(), Affine(task.classes)).initialize(old.input_shape, rng=seed)
    trainer = Trainer(network, optimizer=Optimizer("adam", learning_rate=RATE), epochs=epochs, seed=seed, **QUIET)
    return follow(trainer, task.X, task.y, lambda: accuracy(network, task.X_new, task.y_new), points=points)


WAYS = dict(zip(STYLES, (train_frozen, train_on_features, fine_tune, train_from_scratch), strict=True))


def accuracy(network, X, y) -> float:
    """The share of images that the network gets right."""
    return float((network.predict(X, progress=False) == y).mean())


def follow(trainer, X, y, evaluate, before=0.0, points=4) -> Outcome:
    """Train to the end, and evaluate at so many points. The clock, which begins at ``before``, stops for that."""
    curve, spent, start = [], before, time.process_time()
    for progress in trainer.steps(X, y):
        if progress.done % -(-progress.total // points) == 0 or progress.done == progress.total:
            spent += time.process_time() - start
            curve.append((spent, evaluate()))
            start = time.process_time()
    return Outcome(trainer.network, np.array(curve))


def first(task: FewImages, count) -> FewImages:
    """The task with the first ``count`` of its training images only, or all where there are fewer."""
    return replace(task, X=task.X[:count], y=task.y[:count])


def epochs_for(updates, count, batch_size=64):
    """Enough epochs for about so many updates."""
    return max(1, round(updates / -(-count // batch_size)))


def race(old, task: FewImages, sizes, updates, ways=tuple(STYLES)[1:]):
    """{way: {number of images: Outcome}}, each with about the same number of updates.

    The largest of the sizes becomes all images, where there are fewer; others that are not clearly smaller go.
    """
    largest = min(max(sizes), len(task.X))
    sizes = [*(size for size in sorted(sizes) if 2 * size < largest), largest]
    found = {way: {} for way in ways}
    for way, size in product(ways, sizes):
        points = {} if size == largest else {"points": 1}
        found[way][size] = WAYS[way](old, first(task, size), epochs_for(updates, size), **points)
    return found


def sizes_figure(found, chance):
    """Accuracy against the number of images, a line for each way."""
    figure, ax = new_figure(7.2, 4.0)
    for way, outcomes in found.items():
        color, marker = STYLES[way]
        label = "features once (= frozen body)" if way == "features once" else way
        values = [100 * outcome.accuracy for outcome in outcomes.values()]
        ax.plot(list(outcomes), values, color=color, marker=marker, linewidth=2, label=label)
    sizes = list(next(iter(found.values())))
    ax.axhline(100 * chance, color=MUTED, linestyle=":", label="guessing")
    ax.set_xscale("log")
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.minorticks_off()
    ax.set(xlabel="training images of the new classes", ylabel="right for new images (%)")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def seconds_figure(outcomes, chance):
    """Accuracy against processor time, a curve for each way; outcomes: {way: Outcome}."""
    figure, ax = new_figure(7.2, 4.0)
    for way, outcome in outcomes.items():
        color, marker = STYLES[way]
        ax.plot(outcome.curve[:, 0], 100 * outcome.curve[:, 1], color=color, marker=marker, linewidth=2, label=way)
    ax.axhline(100 * chance, color=MUTED, linestyle=":", label="guessing")
    ax.set_xlim(left=0)
    ax.set(xlabel="seconds of processor time, all cores together", ylabel="right for new images (%)")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure
