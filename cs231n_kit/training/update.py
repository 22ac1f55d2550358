"""One update of a network: all of it happens, or nothing."""

import math
from collections.abc import Callable

import numpy as np

from cs231n_kit.clipping import clip_by_norm
from cs231n_kit.networks.paths import layer_of
from cs231n_kit.training.diagnosis import after_update, diagnose
from cs231n_kit.training.interrupts import interrupts_wait
from cs231n_kit.training.objective import objective, weights
from cs231n_kit.training.snapshot import Snapshot, all_finite


def update(trainer, X, y, before: Snapshot, commit: Callable) -> None:
    """Change the trainer's network by one update with the batch X, y and call ``commit(loss, metric)``.

    Ctrl-C and errors leave the network as it was, by way of ``before``, which is overwritten. Raises NonFiniteError
    where loss, gradients or new parameters are not finite.
    """
    network, optimizer = trainer.network, trainer.optimizer
    before.take(network)
    done = False
    try:
        rate = None if trainer.schedule is None else float(trainer.schedule(trainer.step_count))
        if trainer.augment:
            X = trainer.augment(X, trainer.generator("augmentation", trainer.step_count))
        with np.errstate(all="ignore"):  # what overflows is reported below
            loss, scores, gradients = _gradients(trainer, X, y)
            if gradients is None:
                before.restore(network)
                raise diagnose(trainer, X, y, rate)
            metric = trainer.metric(scores, y) if trainer.metric else math.nan
            with interrupts_wait():
                optimizer.step(network.parameters, gradients, rate)
                if not all_finite(network.parameters.values()):
                    optimizer.configs = {}  # its memory led there
                    raise after_update(trainer, rate)
                _forget(optimizer, network.frozen)
                commit(loss, metric)
                done = True
    except BaseException:
        if not done:
            with interrupts_wait():
                before.restore(network)
        raise


def _forget(optimizer, frozen):
    """Drop the memory of frozen layers: unfrozen, they start from rest."""
    optimizer.configs = {path: c for path, c in optimizer.configs.items() if layer_of(path) not in frozen}


def update_ratios(network, before: Snapshot) -> dict[str, float]:
    """|Δw| / |w| of the weights since ``before``; NaN for weights that are all zero."""
    ratios = {}
    for path, w in weights(network).items():
        old = before.parameters[path]
        lengths = [math.sqrt(float((a * a).sum(dtype=np.float64))) for a in (w - old, old)]
        ratios[path] = lengths[0] / lengths[1] if lengths[1] else math.nan
    return ratios


def _gradients(trainer, X, y):
    """Loss, scores and the gradients for the update, None where the loss or a gradient is not finite."""
    network = trainer.network
    scores = network.forward(X, mode="train")
    loss, dscores, auxiliary = objective(trainer, scores, y)
    if not math.isfinite(loss):
        return loss, scores, None
    network.backward(dscores, auxiliary=auxiliary)
    gradients = dict(network.gradients)
    if trainer.regularization:
        for path, w in weights(network).items():
            gradients[path] = gradients[path] + 2 * trainer.regularization * w
    if not all_finite(gradients.values()):
        return loss, scores, None
    if trainer.clip_norm is not None:
        gradients, _ = clip_by_norm(gradients, trainer.clip_norm)
    return loss, scores, gradients
