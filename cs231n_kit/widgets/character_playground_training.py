"""A character playground's network in training: the kit's ``Trainer``, by settings that may change meanwhile."""

import collections
import math
from typing import NamedTuple

import numpy as np

from cs231n_kit.characters import Vocabulary, character_loss, hidden_states, next_probabilities, sample, windows
from cs231n_kit.clipping import clip_by_norm
from cs231n_kit.networks import LSTM, RNN, Sequential, TemporalAffine, WordEmbedding
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.training import NonFiniteError, Trainer
from cs231n_kit.widgets.character_playground_state import LOOKING, NETWORK, NOT_COLORED
from cs231n_kit.widgets.training_records import add_record
from cs231n_kit.widgets.update_rate import UpdateRate

FOREVER = 10**6  # epochs
EMBEDDING = 16  # numbers of a character's vector
WRITTEN = 240  # characters of a sample
MOST_EXPECTED = 12  # characters whose probabilities are shown
MOST_RECORDS = 400  # of the history; then every other one is dropped
SMOOTH = 20  # updates whose mean loss is the training loss
SHORTEST = 200  # characters of a text of which the last tenth is kept from training


class Record(NamedTuple):
    """After so many updates: losses per character, and the largest gradient of the latest updates.

    ``train_loss`` is the mean of the latest batches, ``validation_loss`` that of the text which is not trained on (NaN
    where the text is too short to keep any), ``norm`` and ``clipped_norm`` are before and after clipping. NaN before
    the first update.
    """

    step: int
    train_loss: float
    validation_loss: float
    norm: float
    clipped_norm: float


class CharacterRun:
    """The network that a state describes, trained update by update.

    ``vocabulary``, ``network`` and ``trainer`` are the kit's; ``step_count`` is the number of updates so far,
    ``history`` a list of ``Record``, ``trouble`` a sentence that says why training cannot go on, or "", and
    ``changed`` whether settings have changed since the first update.
    """

    def __init__(self, state):
        self.state = state
        self.start()

    def start(self):
        """Make the network anew; the same state gives the same numbers."""
        state = self.state
        self.vocabulary = Vocabulary(state["text"])
        numbers = self.vocabulary.encode(state["text"])
        cut, length = split(state)
        self.X, self.y = windows(numbers[:cut], length)
        held = numbers[cut:]
        short = min(length, len(held) - 1)
        self.X_val, self.y_val = windows(held, short, stride=short) if len(held) else (None, None)
        cell = {"RNN": RNN, "LSTM": LSTM}[state["cell"]](state["units"])
        layers = WordEmbedding(len(self.vocabulary), EMBEDDING), cell, TemporalAffine(len(self.vocabulary))
        self.network = Sequential(*layers).initialize((length,), rng=state["seed"])
        self.trainer = Trainer(
            self.network,
            character_loss,
            Optimizer(state["optimizer"], learning_rate=state["learning_rate"]),
            batch_size=state["batch_size"],
            epochs=FOREVER,
            clip_norm=state["clip_norm"] or None,
            seed=state["seed"],
            best_by=None,
            progress_bar=False,
            live_plot=False,
        )
        self.step_count, self.changed, self.trouble, self.history = 0, False, "", []
        self._steps, self._losses, self._norm = None, collections.deque(maxlen=SMOOTH), math.nan
        self._rate = UpdateRate()

    def change(self, state):
        """Go on with another state; the network stays unless the state describes another one."""
        old, self.state = self.state, state
        different = {key for key in state if state[key] != old[key]} - {*LOOKING}
        if different & {*NETWORK}:
            return self.start()
        if different:
            self.changed, self.trouble = self.changed or self.step_count > 0, ""
            if "optimizer" in different:
                self.trainer.optimizer = Optimizer(state["optimizer"], learning_rate=state["learning_rate"])
            self.trainer.optimizer.config["learning_rate"] = state["learning_rate"]
            self.trainer.clip_norm = state["clip_norm"] or None
        return None

    def step(self):
        """One update on the next batch; returns whether it was made. If not, ``trouble`` says why."""
        if self.trouble:
            return False
        if self._steps is None:
            self._steps = self.trainer.steps(self.X, self.y)
        try:
            progress = next(self._steps)
        except NonFiniteError as error:
            self._steps = None
            rate = f"{self.state['learning_rate']:g}"
            self.trouble = f"{error} Lower the learning rate of {rate} here, or clip the gradient, and start anew."
            return False
        except BaseException:
            self._steps = None  # an iterator that raised has ended; the trainer goes on from its last update
            raise
        if math.isnan(self._norm) or self._recorded:
            self._norm = 0.0
        self._norm = max(self._norm, clip_by_norm(self.network.gradients, 1.0)[1])
        self.step_count += 1
        self._losses.append(progress.loss)
        self._rate.count()
        return True

    @property
    def rate(self):
        """Updates a second, of late; 0.0 where there were less than two."""
        return self._rate.per_second

    @property
    def _recorded(self):
        return bool(self.history) and self.history[-1].step == self.step_count

    def record(self):
        """Evaluate the text that is not trained on, unless that is done, and put the ``Record`` into ``history``."""
        if self._recorded:
            return self.history[-1]
        train = float(np.mean(self._losses)) if self._losses else math.nan
        with np.errstate(all="ignore"):
            validation = math.nan if self.X_val is None else self.trainer.evaluate(self.X_val, self.y_val).loss
        clipped = min(self._norm, self.state["clip_norm"] or math.inf)  # the comparison keeps a NaN that comes first
        record = Record(self.step_count, train, float(validation), self._norm, clipped)
        add_record(self.history, record, MOST_RECORDS)
        return record

    def prefix(self):
        """What the network reads before it writes, and what is wrong with the one that was typed, or ""."""
        typed = self.state["prefix"]
        first = self.state["text"][0]
        if not typed:
            return first, f"Nothing was typed: it begins with {first!r}, as the text does."
        unknown = next((character for character in typed if character not in self.vocabulary.characters), None)
        if unknown is None:
            return typed, ""
        return (
            first,
            f"{unknown!r} does not occur in the text, so the network cannot read it. It begins with {first!r}.",
        )

    def write(self, length=WRITTEN):
        """A sample after the prefix, as the state says how to draw it; "" where the scores are not finite."""
        state, prefix = self.state, self.prefix()[0]
        try:
            with np.errstate(all="ignore"):
                return sample(self.network, self.vocabulary, prefix, length, state["temperature"], state["draw"])
        except FloatingPointError:
            return ""

    def expected(self):
        """The characters with their probabilities after the prefix, the likeliest first; [] as for ``write``."""
        try:
            with np.errstate(all="ignore"):
                likely = next_probabilities(self.network, self.vocabulary, self.prefix()[0])
        except FloatingPointError:
            return []
        order = np.argsort(-likely, kind="stable")
        return [(self.vocabulary.characters[k], float(likely[k])) for k in order]

    def activations(self, text):
        """What the chosen unit holds after each character of a text, float (L,); None where no unit is chosen."""
        if self.state["unit"] == NOT_COLORED:
            return None
        return hidden_states(self.network, self.vocabulary.encode(text), "1")[:, self.state["unit"]]


def split(state):
    """How many characters are trained on, and how many there are in a piece: both fit the text."""
    count = len(state["text"])
    cut = int(0.9 * count) if count >= SHORTEST else count
    return cut, min(state["length"], cut - 1)
