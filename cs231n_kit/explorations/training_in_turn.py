"""Several networks trained one after the other on the same images, for the comparisons of lectures 06 and 09."""

import numpy as np
from threadpoolctl import threadpool_limits

from cs231n_kit.networks import ELU, Affine, BatchNorm, LeakyReLU, Maxout, ReLU, Sequential, Sigmoid, Tanh
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.training import Callback, NonFiniteError, Trainer

LAYERS = {"sigmoid": Sigmoid, "tanh": Tanh, "ReLU": ReLU, "leaky ReLU": LeakyReLU, "maxout": Maxout, "ELU": ELU}


def hidden_layers(activation, initialize, depth, units, classes, *, biases=None, normalize=False):
    """``depth`` hidden layers of ``units`` with one of ``LAYERS`` behind each, then the scores; not yet initialised.

    initialize: of all weights, and of the biases if ``biases`` is given; see ``cs231n_kit.initialization``. Maxout
    takes the larger of two sums, so its layers have twice the weights. normalize: batch normalisation before each
    activation.
    """
    made = LAYERS[activation]()
    options = {"initialize": initialize} | ({"initialize_bias": biases} if biases else {})
    layers = []
    for _ in range(depth):
        layers.append(Affine(units * made.pieces if activation == "maxout" else units, **options))
        layers += [BatchNorm(), made] if normalize else [made]
    return Sequential(*layers, Affine(classes, **options))


def trainer(network, rule="sgd_momentum", learning_rate=0.01, epochs=8, *, batch_size=100, callbacks=(), seed=0):
    """A ``Trainer`` that leaves the progress bar to ``train_in_turn`` and keeps the last weights, good or bad."""
    return Trainer(
        network,
        optimizer=Optimizer(rule, learning_rate=learning_rate),
        batch_size=batch_size,
        epochs=epochs,
        best_by=None,
        progress_bar=False,
        live_plot=False,
        callbacks=callbacks,
        seed=seed,
    )


class _Count(Callback):
    def __init__(self, bar):
        self.bar = bar

    def on_step(self, trainer, progress):
        self.bar.update()


def train_in_turn(trainers, arrays):
    """Fit {name: Trainer}, one after the other, under one progress bar.

    arrays: X, y, X_val and y_val for all, or a dictionary of such by name. Ctrl-C, or the stop button of a notebook,
    ends the work after the present update, with KeyboardInterrupt; the same call then goes on from there. A network
    that meets NaN or infinity stops where it is, and its history with it; the others go on.
    """
    from tqdm.auto import tqdm

    def own(name):
        return arrays[name] if isinstance(arrays, dict) else arrays

    def left(name, trainer):
        batches = -(-len(own(name)[0]) // trainer.batch_size)
        return trainer.epochs * batches - trainer.step_count

    total = sum(left(name, trainer) for name, trainer in trainers.items())
    # Networks that blow up are part of the lesson: their overflows are not worth a warning. And products this small
    # gain nothing from threads, but wait for them.
    with (
        tqdm(total=total, unit=" updates", delay=0.5, leave=False) as bar,
        np.errstate(all="ignore"),
        threadpool_limits(1, user_api="blas"),
    ):
        for name, trainer in trainers.items():
            if trainer.epoch == trainer.epochs:
                continue
            bar.set_description(", ".join(map(str, name)) if isinstance(name, tuple) else str(name))
            trainer.callbacks.append(counting := _Count(bar))
            try:
                trainer.fit(*own(name))
            except NonFiniteError:
                bar.update(left(name, trainer))
                continue
            finally:
                trainer.callbacks.remove(counting)
            if trainer.epoch < trainer.epochs:
                # The cells that wait behind this one must not draw half of a comparison.
                raise KeyboardInterrupt("what is trained so far is kept: run this cell again to go on")


def callback_of(trainer, kind):
    """The callback of a class among a trainer's own."""
    return next(callback for callback in trainer.callbacks if isinstance(callback, kind))


def smooth_losses(history, over=20):
    """(updates, mean loss of the last ``over`` batches); all losses where there are fewer."""
    losses = np.array(history.losses, np.float64)
    if len(losses) < over:
        return np.arange(1, len(losses) + 1), losses
    sums = np.cumsum(np.concatenate([[0], losses]))
    return np.arange(over, len(losses) + 1), (sums[over:] - sums[:-over]) / over
