"""What a training leaves behind to look at: losses, accuracies, learning rates and how far the weights moved."""

import math
from dataclasses import dataclass, field

import numpy as np

LOG_SCALE = 50  # a loss that falls by more than this factor is drawn on a logarithmic axis
BINS = 300  # points of the smoothed loss curve


@dataclass
class History:
    """Lists that grow while a network trains. What does not exist, such as validation without data, is NaN.

    For each update: ``losses``, of the batch with regularisation, and ``learning_rates``.

    For each epoch: ``epoch_ends``, the number of updates done; ``train_losses`` and ``train_metrics``, means over the
    epoch's batches as they were trained on (augmented, with dropout, the weights still changing); and
    ``validation_losses`` and ``validation_metrics``, of the network in test mode afterwards.

    Now and then, at the updates ``ratio_steps``: ``update_ratios``, for each weight array the length of the update over
    that of the weights, |Δw| / |w|; about 0.001 is healthy (lecture 07).

    ``metric_name`` says what the metrics are, "accuracy" for classification; ``best_epoch`` counts from 1, and is None
    without validation.
    """

    metric_name: str = ""
    losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    epoch_ends: list[int] = field(default_factory=list)
    train_losses: list[float] = field(default_factory=list)
    train_metrics: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    validation_metrics: list[float] = field(default_factory=list)
    ratio_steps: list[int] = field(default_factory=list)
    update_ratios: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None

    def __repr__(self) -> str:
        text = f"History({len(self.losses):,} updates, {len(self.epoch_ends)} epochs"
        if self.best_epoch is not None:
            text += f", best {self.epoch_in_words(self.best_epoch)}"
        return text + ")"

    def epoch_in_words(self, epoch: int) -> str:
        """For example "epoch 3 (validation accuracy 0.712)"; the epochs count from 1."""
        metric, loss = self.validation_metrics[epoch - 1], self.validation_losses[epoch - 1]
        if self.metric_name and not math.isnan(metric):
            return f"epoch {epoch} (validation {self.metric_name} {metric:.4g})"
        return f"epoch {epoch} (validation loss {loss:.4g})"

    def is_best(self, by: str) -> bool:
        """Whether the last epoch's validation is better than at ``best_epoch``, "by" metric or loss. NaN never is."""
        values = self.validation_metrics if by == "metric" else [-loss for loss in self.validation_losses]
        if self.best_epoch is None:
            return not math.isnan(values[-1])
        return values[-1] > values[self.best_epoch - 1]

    def figure(self):
        """The curves as a matplotlib Figure: losses and, where there is a metric, the metric against updates."""
        from cs231n_kit.plots import new_figure

        figure, axes = new_figure(9.6 if self.metric_name else 5.6, 3.2, 1, 2 if self.metric_name else 1, squeeze=False)
        self._draw_losses(axes[0, 0])
        if self.metric_name:
            ax = axes[0, 1]
            self._draw_epochs(ax, self.train_metrics, 0, "training, over the epoch")
            self._draw_epochs(ax, self.validation_metrics, 1, "validation")
            ax.set(xlabel="update", ylabel=self.metric_name, xlim=(0, 1.02 * max(1, len(self.losses))))
            ax.grid(alpha=0.3)
            if self.epoch_ends:
                ax.legend(frameon=False)
        return figure

    def _draw_losses(self, ax):
        from cs231n_kit.plots import COLORS

        losses = np.array(self.losses)
        steps = np.arange(1, len(losses) + 1)
        ax.plot(steps, losses, color=COLORS[0], alpha=0.25, linewidth=0.7)
        bins = np.array_split(np.arange(len(losses)), max(1, min(BINS, len(losses) // 4)))
        if len(losses):
            ax.plot(
                *([values[rows].mean() for rows in bins] for values in (steps, losses)),
                color=COLORS[0],
                label="training",
            )
        self._draw_epochs(ax, self.validation_losses, 1, "validation")
        if len(losses) and 0 < losses.min() * LOG_SCALE < losses.max():
            ax.set_yscale("log")
        ax.set(xlabel="update", ylabel="loss", xlim=(0, 1.02 * max(1, len(losses))))
        ax.grid(alpha=0.3)
        if len(losses):
            ax.legend(frameon=False)

    def _draw_epochs(self, ax, values, color, label):
        from cs231n_kit.plots import COLORS

        if not np.isnan(values).all():
            ax.plot(self.epoch_ends, values, "o-", color=COLORS[color], markersize=4, label=label)
