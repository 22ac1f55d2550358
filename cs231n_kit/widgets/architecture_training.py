"""An architecture playground's network in training: the kit's ``Trainer``, by settings that may change meanwhile."""

import math
import time
from typing import NamedTuple

import numpy as np

from cs231n_kit.optimizers import Optimizer
from cs231n_kit.training import Trainer
from cs231n_kit.training.diagnosis import NonFiniteError
from cs231n_kit.widgets import architecture_text
from cs231n_kit.widgets.architecture_state import LOOKING, NETWORK
from cs231n_kit.widgets.training_records import add_record
from cs231n_kit.widgets.update_rate import UpdateRate

FOREVER = 10**6  # epochs
MOST_RECORDS = 400  # of the history; then every other one is dropped
SHARE = 0.12  # of the time may go into validation
CURVE = 200  # points of the training loss
SMOOTH = 20  # updates whose mean loss is the training loss


class Record(NamedTuple):
    """After so many updates: the mean loss of the latest batches, and loss and accuracy on validation images.

    NaN before the first update. Losses hold the regularisation.
    """

    step: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float


class ArchitectureRun:
    """The network that a state describes, trained update by update.

    ``reading`` is what the text means; ``network`` the ``Sequential`` or, where it is too large to train, None;
    ``step_count`` the number of updates so far, ``history`` a list of ``Record``, ``trouble`` a sentence that says why
    training cannot go on, or "", and ``changed`` whether settings have changed since the first update.
    """

    def __init__(self, data, state):
        self.data, self.state = data, state
        self.start()

    def start(self):
        """Make the network anew; the same state gives the same numbers."""
        self.reading = architecture_text.read(self.state, self.data)
        self.step_count, self.changed, self.trouble, self.history = 0, False, "", []
        self.network = self.trainer = self._steps = None
        self._losses, self._rate, self._evaluated = [], UpdateRate(), (-math.inf, 0.0)
        self._epochs_before = 0.0
        if not self.reading.too_large:
            self.network = self.reading.network.initialize(self.data.input_shape, rng=self.state["seed"])
            self._train_with(make_optimizer(self.state))

    def change(self, state):
        """Go on with another state; the network stays unless the state describes another one."""
        old, self.state = self.state, state
        different = {key for key in state if state[key] != old[key]} - {*LOOKING}
        if different & {*NETWORK} or (different and self.network is None):
            return self.start()
        if not different:
            return None
        if "batch_size" in different:
            if architecture_text.read(state, self.data).too_large:
                return self.start()
            self._epochs_before += self.trainer.epoch + self.trainer.batch / self._updates_an_epoch(old)
            self._train_with(self.trainer.optimizer)
        self.changed = self.changed or self.step_count > 0
        self.trouble = ""
        if "optimizer" in different:
            self.trainer.optimizer = make_optimizer(state)
        self.trainer.optimizer.config |= make_optimizer(state).config
        self.trainer.regularization = regularization(state)
        return None

    def step(self):
        """One update on the next batch; returns whether it was made. If not, ``trouble`` says why."""
        if self.network is None:
            self.trouble = self.reading.too_large
        if self.trouble:
            return False
        if self._steps is None:
            self._steps = self.trainer.steps(self.data.inputs_train, self.data.y_train)
        try:
            progress = next(self._steps)
        except NonFiniteError as error:
            self._steps = None
            self.trouble = (
                f"{error} Lower the learning rate of {self.state['learning_rate']:g} here, and start the network anew."
            )
            return False
        except BaseException:
            self._steps = None  # an iterator that raised has ended; the trainer goes on from its last update
            raise
        self.step_count += 1
        self._losses.append(progress.loss)
        self._rate.count()
        return True

    @property
    def epoch(self):
        """How often the training images have been gone through, a float."""
        if self.trainer is None:
            return 0.0
        return self._epochs_before + self.trainer.epoch + self.trainer.batch / self._updates_an_epoch(self.state)

    @property
    def rate(self):
        """Updates a second, of late; 0.0 where there were less than two."""
        return self._rate.per_second

    def losses(self):
        """The training loss as a curve, pairs (updates, mean loss of the latest few); about 200 of them at most."""
        width = -(-len(self._losses) // CURVE)
        ends = range(width, len(self._losses) + 1, width) if width else ()
        return [(end, float(np.mean(self._losses[end - width : end]))) for end in ends]

    def is_due(self):
        """Whether validation would take but a small share of the time."""
        ended, took = self._evaluated
        return time.monotonic() - ended > took / SHARE

    def record(self):
        """Evaluate the validation images, unless that is done, and put the ``Record`` into ``history``."""
        if self.history and self.history[-1].step == self.step_count:
            return self.history[-1]
        begun = time.monotonic()
        with np.errstate(all="ignore"):
            validation = self.trainer.evaluate(self.data.inputs_val, self.data.y_val)
        self._evaluated = time.monotonic(), time.monotonic() - begun
        train = float(np.mean(self._losses[-SMOOTH:])) if self._losses else math.nan
        record = Record(self.step_count, train, float(validation.loss), float(validation.metric))
        add_record(self.history, record, MOST_RECORDS)
        return record

    def _updates_an_epoch(self, state):
        return -(-len(self.data.y_train) // state["batch_size"])

    def _train_with(self, optimizer):
        self._steps = None
        self.trainer = Trainer(self.network, optimizer=optimizer, **trainer_settings(self.state))


def trainer_settings(state):
    """The other arguments of the ``Trainer``."""
    return {
        "batch_size": state["batch_size"],
        "epochs": FOREVER,
        "regularization": regularization(state),
        "seed": state["seed"],
        "best_by": None,
        "progress_bar": False,
        "live_plot": False,
    }


def make_optimizer(state):
    """The ``Optimizer``. For AdamW, the strength of regularisation is that of its decoupled weight decay."""
    decay = {"weight_decay": state["regularization"]} if state["optimizer"] == "adamw" else {}
    return Optimizer(state["optimizer"], learning_rate=state["learning_rate"], **decay)


def regularization(state):
    """The strength of the L2 penalty in the loss."""
    return 0.0 if state["optimizer"] == "adamw" else state["regularization"]
