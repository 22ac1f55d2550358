"""Where a training stands."""

import math
from dataclasses import dataclass
from typing import NamedTuple


class Evaluation(NamedTuple):
    """The mean loss, regularisation included as in training, and the metric, NaN where there is none."""

    loss: float
    metric: float


@dataclass
class Totals:
    """Sums over an epoch's samples so far. That of the metric may wait on the GPU until somebody looks."""

    loss: float = 0.0
    metric: object = math.nan
    samples: int = 0

    def add(self, loss, metric, samples) -> None:
        self.loss += loss * samples
        self.metric = metric * samples if self.samples == 0 else self.metric + metric * samples
        self.samples += samples

    def mean(self) -> Evaluation:
        if not self.samples:
            return Evaluation(math.nan, math.nan)
        return Evaluation(self.loss / self.samples, float(self.metric) / self.samples)


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` updates, in ``epoch`` (the first is 1).

    ``loss`` is that of the last batch, NaN before the first. ``validation`` comes with the last batch of an epoch
    (``epoch_ended``) where there is validation data, and is None otherwise.
    """

    done: int
    total: int
    epoch: int
    loss: float
    totals: Totals
    epoch_ended: bool = False
    validation: Evaluation | None = None

    @property
    def metric(self) -> float:
        """The metric over the epoch so far, NaN where there is none. Fetches a number where arrays are on a GPU."""
        return self.totals.mean().metric
