"""The training loop."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.losses import softmax_loss
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.training import arguments
from cs231n_kit.training import checkpoint as checkpointing
from cs231n_kit.training.callbacks import Callback, Checkpoint, ProgressBar
from cs231n_kit.training.evaluation import accuracy, evaluate, is_classification
from cs231n_kit.training.history import History
from cs231n_kit.training.interrupts import how_to_go_on, interrupts_wait
from cs231n_kit.training.live_plot import LivePlot
from cs231n_kit.training.progress import Evaluation, Progress, Totals
from cs231n_kit.training.snapshot import Snapshot
from cs231n_kit.training.update import update, update_ratios

RATIO_EVERY = 50  # updates from one measurement of update ratios to the next
STREAMS = ("shuffling", "augmentation")  # of random numbers that come from the seed


class Trainer:
    """Trains a network on batches: ``Trainer(network).fit(X_train, y_train, X_val, y_val)``.

    Parameters
    ----------
    network
        An initialised network of ``cs231n_kit.networks``, trained in place, except for what it keeps frozen.
    loss
        A function (scores, y) -> (loss, gradient), as in ``cs231n_kit.losses``. In training the losses of auxiliary
        heads, ``networks.Auxiliary``, are added, times their weights; in validation there are none.
    optimizer
        An ``Optimizer``, or the name of its rule.
    schedule
        A function from the number of updates done to the learning rate, as in ``cs231n_kit.schedules``; left out, the
        optimizer's own rate.
    batch_size, epochs
        Every epoch takes all samples in random order, evenly divided into batches of at most ``batch_size``.
    regularization
        The strength λ of the L2 penalty in the course's convention, without a factor 1/2: the loss grows by λ Σ w²
        and the gradient by 2 λ w. Biases, gamma and beta are left out, and frozen layers. Decay that is decoupled
        from the loss is ``Optimizer("adamw", weight_decay=...)``.
    clip_norm
        The largest norm of all gradients together; left out, they are not clipped.
    augment
        A function (X, rng) -> X that alters a batch, with a ``numpy.random.Generator`` that is new for every batch.
    seed
        Of the order of samples and of augmentation. The network has its own, for weights and dropout.
    metric
        A function (scores, y) -> number, the mean over the batch. "auto" is ``accuracy`` for classification losses
        and nothing for others.
    best_by
        What decides which epoch's weights are kept: "metric" of the validation data (higher is better), its "loss"
        (lower is better), or None for the last weights. "auto" is "metric" where that is accuracy, and else "loss".
    progress_bar, live_plot
        Whether they appear. The plot is drawn in notebooks only; a path, such as "training.png", draws it into
        that file anywhere.
    callbacks
        More ``Callback`` objects, such as ``Checkpoint("training.npz")`` and ``EarlyStopping(patience=5)``.

    Attributes
    ----------
    history : the ``History`` so far, also after an error or Ctrl-C.
    step_count, epoch, batch : updates and epochs done, and batches of the present epoch.
    best : a ``Snapshot`` of the network at its best epoch, or None.
    """

    def __init__(
        self,
        network,
        loss: Callable = softmax_loss,
        optimizer: Optimizer | str = "adam",
        *,
        schedule: Callable | None = None,
        batch_size: int = 64,
        epochs: int = 10,
        regularization: float = 0.0,
        clip_norm: float | None = None,
        augment: Callable | None = None,
        seed: int = 0,
        metric: Callable | str | None = "auto",
        best_by: str | None = "auto",
        progress_bar: bool = True,
        live_plot=True,
        callbacks: Sequence[Callback] = (),
    ):
        self.network = network
        self.loss = arguments.function("loss", loss, "(scores, y) -> (loss, gradient)")
        self.optimizer = Optimizer(optimizer) if isinstance(optimizer, str) else optimizer
        if not isinstance(self.optimizer, Optimizer):
            raise TypeError(f'optimizer must be an Optimizer or the name of a rule, such as "adam", not {optimizer!r}')
        self.schedule = schedule and arguments.function("schedule", schedule, "(step) -> learning rate")
        self.batch_size = arguments.count("batch_size", batch_size)
        self.epochs = arguments.count("epochs", epochs)
        self.regularization = arguments.number("regularization", regularization)
        self.clip_norm = None if clip_norm is None else arguments.number("clip_norm", clip_norm, positive=True)
        self.augment = augment and arguments.function("augment", augment, "(X, rng) -> X")
        self.seed = arguments.seed(seed)
        self.classification = is_classification(loss)
        if metric == "auto":
            metric = accuracy if self.classification else None
        self.metric = metric and arguments.function("metric", metric, "(scores, y) -> number")
        if best_by == "auto":
            best_by = "metric" if self.metric is accuracy else "loss"
        if best_by not in ("metric", "loss", None) or (best_by == "metric" and self.metric is None):
            raise ValueError(f'best_by must be "loss", None or, with a metric, "metric", not {best_by!r}')
        self.best_by = best_by
        plot = [LivePlot(None if live_plot is True else live_plot)] if live_plot else []
        self.callbacks = [*([ProgressBar()] if progress_bar else []), *plot, *callbacks]
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks must hold Callback objects, such as EarlyStopping(), not {callback!r}")
        self.history = History(metric_name=getattr(self.metric, "__name__", "metric") if self.metric else "")
        self.step_count = self.epoch = self.batch = 0
        self.totals, self.epoch_of = Totals(), {}
        self.best = self._before = None
        self._stopping = False

    def fit(self, X, y, X_val=None, y_val=None, *, checkpoint=None) -> History:
        """Train on samples X (N, ...) with targets y (N, ...) until ``epochs`` epochs are done; returns the history.

        At the end the network holds the weights of the best epoch, by the validation data (N', ...), if there is
        any. ``fit`` goes on from where the trainer stands: with the same data after Ctrl-C or ``load``, and with a
        larger ``epochs`` after the end, from the weights that the network then holds.

        checkpoint: a file in which to keep the training, after every epoch and at Ctrl-C. Where it is there already,
        a trainer that has not begun goes on from it, to the same numbers: so a stopped program or notebook cell is
        simply run again, also by another process, and a training that was complete is not repeated. Delete the file
        to begin anew.

        Ctrl-C stops training, says how to go on and returns the history so far; the network then holds the weights
        of the last complete update. Raises NonFiniteError, a FloatingPointError that names the layer, before an
        update with NaN or infinity, and ValueError or TypeError for data that does not fit the network or the loss;
        CheckpointError where the file is of another network, training, or number of samples.
        """
        self._stopping, started, error = False, [], None
        callbacks = [*self.callbacks, Checkpoint(checkpoint)] if checkpoint else self.callbacks
        try:
            steps = self.steps(X, y, X_val, y_val)
            resumed = checkpoint and self.step_count == 0 and checkpointing.resume(self, checkpoint)
            if self.epoch >= self.epochs and not resumed:
                warnings.warn(f"All {self.epochs} epochs are done: raise trainer.epochs to go on", stacklevel=2)
            for callback in callbacks:
                started.append(callback)
                callback.on_start(self, self._progress())
            for progress in steps:
                for callback in callbacks:
                    callback.on_step(self, progress)
                if self._stopping:
                    break
        except BaseException as caught:
            error = caught
        for callback in started:
            callback.on_stop(self, error)
        if isinstance(error, KeyboardInterrupt):
            print(how_to_go_on(self, checkpoint))
        elif error is not None:
            raise error
        elif self.best is not None:
            self.restore_best()
        return self.history

    def stop(self) -> None:
        """Let ``fit`` end after the present update, as if all epochs were done. For callbacks."""
        self._stopping = True

    def steps(self, X, y, X_val=None, y_val=None) -> Iterator[Progress]:
        """The same training update by update, without callbacks: an iterator that yields a ``Progress`` after each.

        Ask for the next one to train on; do not ask to pause. Another call goes on where this one was left. The
        best weights are kept but not restored: see ``restore_best``. Arguments and errors as ``fit``.
        """
        arguments.something_to_train(self.network)
        X, y = self._fitting("X", X, "y", y)
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val belong together: give both or neither")
        validation = None if X_val is None else self._fitting("X_val", X_val, "y_val", y_val)
        epoch_of = {"samples": len(X), "batch_size": self.batch_size}
        if self.batch and epoch_of != self.epoch_of:
            raise ValueError(
                f"Epoch {self.epoch + 1} has begun with {self.epoch_of} and cannot go on with {epoch_of}: give the "
                "same data, or make a new Trainer"
            )
        self.epoch_of = epoch_of
        return self._steps(X, y, validation)

    def step(self, X, y) -> float:
        """One update with the batch X (N, ...), y (N, ...), outside of any epoch; returns the batch's loss.

        Augmentation, regularisation, clipping and schedule apply. Raises NonFiniteError as ``fit``.
        """
        arguments.something_to_train(self.network)
        self._update(*self._checked("X", X, "y", y), in_epoch=False)
        return self.history.losses[-1]

    def evaluate(self, X, y) -> Evaluation:
        """Loss and metric of the network, in test mode, on samples X (N, ...) with targets y (N, ...)."""
        return evaluate(self, *self._fitting("X", X, "y", y))

    def restore_best(self) -> None:
        """Give the network the weights and statistics of the epoch with the best validation so far."""
        if self.best is None:
            raise RuntimeError("There are no best weights: no epoch with validation data has ended yet")
        with interrupts_wait():
            self.best.restore_arrays(self.network)

    def save(self, path) -> None:
        """Write a checkpoint: all that ``fit`` needs to go on to the same numbers, in one npz file, atomically."""
        checkpointing.save(self, path)

    def load(self, path) -> None:
        """Continue from a checkpoint, in a trainer made like the one that saved it; ``fit`` then goes on.

        ``epochs`` may differ. Raises CheckpointError, and changes nothing, where the file is damaged or of another
        network or training.
        """
        checkpointing.load(self, path)

    def learning_rate(self) -> float:
        """That of the latest update; before the first, NaN unless the optimizer was given one."""
        config = next(iter(self.optimizer.configs.values()), self.optimizer.config)
        return float(config.get("learning_rate", math.nan))

    def generator(self, stream: str, number: int) -> np.random.Generator:
        """Random numbers for one epoch's "shuffling" or one update's "augmentation", the same whenever it comes."""
        return np.random.default_rng([self.seed, STREAMS.index(stream), number])

    def _steps(self, X, y, validation):
        while self.epoch < self.epochs:
            order = array_module(X).asarray(self.generator("shuffling", self.epoch).permutation(len(X)))
            updates = self._updates_an_epoch()
            while self.batch < updates:
                start, end = (len(X) * batch // updates for batch in (self.batch, self.batch + 1))
                rows = order[start:end]
                self._update(X[rows], y[rows], in_epoch=True)
                if self.batch < updates:
                    yield self._progress()
            evaluation = validation and evaluate(self, *validation)
            progress = self._progress(ended=True, validation=evaluation)
            with interrupts_wait():
                self._end_epoch(evaluation or Evaluation(math.nan, math.nan))
            yield progress

    def _update(self, X, y, in_epoch):
        def commit(loss, metric):
            history = self.history
            if self.step_count % RATIO_EVERY == 0:
                history.ratio_steps.append(self.step_count)
                for path, ratio in update_ratios(self.network, self._before).items():
                    history.update_ratios.setdefault(path, []).append(ratio)
            history.losses.append(loss)
            history.learning_rates.append(self.learning_rate())
            if in_epoch:
                self.totals.add(loss, metric, len(X))
                self.batch += 1
            self.step_count += 1

        if self._before is None:
            self._before = Snapshot(self.network)
        update(self, X, y, self._before, commit)

    def _end_epoch(self, validation):
        history, train = self.history, self.totals.mean()
        history.epoch_ends.append(self.step_count)
        history.train_losses.append(train.loss)
        history.train_metrics.append(train.metric)
        history.validation_losses.append(validation.loss)
        history.validation_metrics.append(validation.metric)
        if self.best_by and history.is_best(self.best_by):
            self.best, history.best_epoch = Snapshot(self.network), len(history.epoch_ends)
        self.epoch, self.batch, self.totals = self.epoch + 1, 0, Totals()

    def _fitting(self, X_name, X, y_name, y):
        X, y = self._checked(X_name, X, y_name, y)
        if self.classification:
            arguments.fitting_scores(self.network, X, y_name, y)
        return X, y

    def _checked(self, X_name, X, y_name, y):
        X = arguments.samples(X_name, X, self.network)
        y = arguments.targets(y_name, y, X_name, X, self.classification)
        return X, y

    def _updates_an_epoch(self):
        return math.ceil(self.epoch_of["samples"] / self.epoch_of["batch_size"])

    def _progress(self, ended=False, validation=None):
        updates = self._updates_an_epoch()
        return Progress(
            done=self.epoch * updates + self.batch,
            total=self.epochs * updates,
            epoch=self.epoch + 1,
            loss=self.history.losses[-1] if self.history.losses else math.nan,
            totals=replace(self.totals),
            epoch_ended=ended,
            validation=validation,
        )
