"""The network of ``SignalThroughDepth`` in training, by settings that may change while it trains."""

import math
from typing import NamedTuple

import numpy as np

from cs231n_kit.losses import softmax_loss
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.training import NonFiniteError, Trainer
from cs231n_kit.widgets.signal_data import network_input
from cs231n_kit.widgets.signal_network import build_network, measure
from cs231n_kit.widgets.training_records import add_record

BATCH = 64
MOST_EPOCHS = 10**9  # the user decides when to stop
MOST_RECORDS = 400  # of the history; then every other one is dropped
SHOWN = ("lesson", "pace", "axis")  # entries that change nothing in the network
GOING_ON = ("learning_rate", *SHOWN)  # a change of another entry starts a new network


class Record(NamedTuple):
    """After so many steps: loss and accuracy on all examples, and the shares of flat outputs and of stuck units in
    the hidden layers, on average (see ``LayerSignal``); NaN where there is none."""

    step: int
    loss: float
    accuracy: float
    flat: float
    stuck: float


class SignalRun:
    """The network that a state describes, measured and trained by gradient descent on batches of 64.

    ``signal`` is the latest ``Signal``, measured on all examples; ``history`` a list of ``Record``; ``trouble`` a
    sentence that says why training cannot go on, or "".
    """

    def __init__(self, state, own):
        self.state, self.own = state, own
        self.start()

    def start(self):
        """Make the network anew; the same state gives the same numbers."""
        state = self.state
        self.X, self.y = network_input(state, self.own)
        self.classes = int(self.y.max()) + 1
        self.network, self.paths = build_network(state, self.classes)
        self.network.initialize(self.X.shape[1], rng=state["seed"])
        self.trainer = Trainer(
            self.network,
            softmax_loss,
            Optimizer("sgd", learning_rate=state["learning_rate"]),
            schedule=lambda _step: self.state["learning_rate"],
            batch_size=min(BATCH, len(self.X)),
            epochs=MOST_EPOCHS,
            seed=state["seed"],
            best_by=None,
            progress_bar=False,
            live_plot=False,
        )
        self._updates, self.trouble, self.history = None, "", []
        self.record()

    def change(self, state):
        """Go on with another state; the network stays where it still fits."""
        old, self.state = self.state, state
        different = {key for key in state if state[key] != old[key]}
        if different - {*GOING_ON}:
            self.start()
        elif different - {*SHOWN}:
            self.trouble = ""

    @property
    def step_count(self):
        return self.trainer.step_count

    def step(self):
        """One update on the next batch; returns whether it was made. If not, ``trouble`` says why."""
        if self.trouble:
            return False
        try:
            with np.errstate(all="ignore"):  # what overflows is told in ``trouble``
                self._updates = self._updates or self.trainer.steps(self.X, self.y)
                next(self._updates)
        except NonFiniteError as error:
            self._updates, self.trouble = None, self._divergence(error)
            return False
        return True

    def record(self):
        """Measure all layers on all examples, and put the ``Record`` into ``history``."""
        self.signal = measure(self.network, self.paths, self.X, self.y, self.state["activation"])
        known = [layer for layer in self.signal.layers[1:-1] if not math.isnan(layer.flat)]
        shares = [(layer.flat, layer.stuck) for layer in known] or [(math.nan, math.nan)]
        record = Record(self.step_count, self.signal.loss, self.signal.accuracy, *np.mean(shares, axis=0).tolist())
        add_record(self.history, record, MOST_RECORDS)
        return record

    def _divergence(self, error):
        return (
            f"Training diverged: step {error.step} would have made numbers infinite or NaN, and was taken back. The "
            f"learning rate of {self.state['learning_rate']:g} is too large for this network: lower it or choose a "
            "smaller start, and press Restart."
        )
