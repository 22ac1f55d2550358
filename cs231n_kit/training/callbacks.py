"""What may happen beside the training: a progress bar, checkpoints, stopping early."""

import math
import time

from cs231n_kit.training import arguments

REFRESH = 0.2  # seconds between two updates of the numbers beside the progress bar
RECENT = 50  # losses that the number beside the bar averages


class Callback:
    """Does nothing at three occasions; a subclass does something at one or more of them.

    ``progress`` is a ``Progress``; ``trainer.stop()`` ends the training after this update.
    """

    def on_start(self, trainer, progress) -> None:
        """Before the first update."""

    def on_step(self, trainer, progress) -> None:
        """After every update. The last of an epoch comes after its validation: ``progress.epoch_ended``."""

    def on_stop(self, trainer, error: BaseException | None) -> None:
        """At the end, also after an error or Ctrl-C (KeyboardInterrupt); before the best weights are restored."""


class ProgressBar(Callback):
    """Updates done and left, time, epoch, loss and metric, as soon as training takes longer than ``delay`` seconds."""

    def __init__(self, delay: float = 0.5):
        self.delay = delay
        self._bar, self._next = None, 0.0

    def on_start(self, trainer, progress):
        from tqdm.auto import tqdm

        self._bar = tqdm(total=progress.total, initial=progress.done, unit=" updates", delay=self.delay, leave=True)
        self._bar.set_description(_epoch(trainer, progress), refresh=False)
        self._next = time.monotonic()

    def on_step(self, trainer, progress):
        if progress.epoch_ended or time.monotonic() >= self._next:
            self._next = time.monotonic() + REFRESH
            self._bar.set_description(_epoch(trainer, progress), refresh=False)
            self._bar.set_postfix(self._numbers(trainer, progress), refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def on_stop(self, trainer, error):
        if self._bar is not None:
            self._bar.close()

    def _numbers(self, trainer, progress):
        recent = trainer.history.losses[-RECENT:]
        numbers = {"loss": f"{sum(recent) / len(recent):.4g}"}
        name = trainer.history.metric_name
        if name:
            numbers[name] = f"{progress.metric:.4g}"
        validation = trainer.history.validation_metrics if name else trainer.history.validation_losses
        if validation and not math.isnan(validation[-1]):
            numbers["validation"] = f"{validation[-1]:.4g}"
        return numbers


class Checkpoint(Callback):
    """Write ``trainer.save(path)`` after every epoch, at Ctrl-C and, if wanted, ``every`` so many updates.

    Weights that have diverged to NaN or infinity never replace a checkpoint.
    """

    def __init__(self, path, every: int | None = None):
        self.path, self.every = path, None if every is None else arguments.count("every", every)

    def on_start(self, trainer, progress):
        arguments.folder_of(self.path)

    def on_step(self, trainer, progress):
        if progress.epoch_ended or (self.every and trainer.step_count % self.every == 0):
            trainer.save(self.path)

    def on_stop(self, trainer, error):
        if isinstance(error, KeyboardInterrupt):
            trainer.save(self.path)


class EarlyStopping(Callback):
    """Stop when ``patience`` epochs have passed since the one with the best validation   (lecture 07)."""

    def __init__(self, patience: int = 5):
        self.patience = arguments.count("patience", patience)

    def on_step(self, trainer, progress):
        best = trainer.history.best_epoch
        if progress.epoch_ended and best is not None and len(trainer.history.epoch_ends) - best >= self.patience:
            trainer.stop()


def _epoch(trainer, progress):
    return f"Epoch {min(progress.epoch, trainer.epochs)}/{trainer.epochs}"
