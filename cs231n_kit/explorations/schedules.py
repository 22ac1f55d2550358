"""Lecture 07: learning rates that change with time: their curves, and what they do to a small training."""

import math

import numpy as np

from cs231n_kit import schedules
from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.explorations.optimizers import train_small
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.plots import COLORS, new_figure


def plans(steps, high, low, warm_up=0.1):
    """{name: schedule} of a training of so many steps: high and low throughout, and three ways from high to low.

    warm_up: the share of steps that a warm-up takes.
    """
    return {
        f"constant, {high:.2g}": schedules.constant(high),
        f"constant, {low:.2g}": schedules.constant(low),
        "step decay": schedules.step_decay(high, max(1, math.ceil(steps / 4)), (low / high) ** (1 / 3)),
        "1/t decay": schedules.inverse_time_decay(high, (high / low - 1) / steps),
        "warm-up, cosine": schedules.cosine(high, steps, warm_up=int(warm_up * steps)),
    }


def explore_schedules(steps=100):
    """The curves of the kit's schedules from the rate 0.1; every slider shapes one of them."""

    def draw(every, factor, decay, warm_up):
        figure, ax = new_figure(9.6, 3.8)
        shown = {
            f"step decay: × {factor:g} every {every} epochs": schedules.step_decay(0.1, every, factor),
            f"exponential decay: rate {decay:g}": schedules.exponential_decay(0.1, decay),
            f"1/t decay: rate {decay:g}": schedules.inverse_time_decay(0.1, decay),
            f"cosine after {warm_up} epochs of warm-up": schedules.cosine(0.1, steps, warm_up=warm_up),
        }
        for color, (name, schedule) in zip(COLORS, shown.items(), strict=False):
            ax.plot([schedule(step) for step in range(steps)], color=color, linewidth=2, label=name)
        ax.set(xlabel="epoch", ylabel="learning rate", xlim=(0, steps), ylim=(0, 0.105))
        ax.set_title("four ways down from 0.1", fontsize=11)
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        step, exponential, inverse, cosine = (schedule(steps // 2) for schedule in shown.values())
        return figure, (
            f"Halfway: step decay {step:.4f}, exponential {exponential:.4f}, 1/t {inverse:.4f}, cosine {cosine:.4f}."
        )

    controls = {
        "every": slider("Step decay: every", 5, 60, 30),
        "factor": slider("Step decay: times", 0.1, 0.9, 0.5, 0.1),
        "decay": slider("Exponential, 1/t: rate", 0.01, 0.2, 0.05, 0.01),
        "warm_up": slider("Warm-up: epochs", 0, 30, 5),
    }
    return Exploration(draw, controls, description="The learning rate over a hundred epochs under four schedules")


def train_with_schedules(X, y, X_val, y_val, *, epochs, high, low, batch_size=20, rule="sgd", seeds=(0,)):
    """Train the same network, from the same first weights and on the same batches, with each of ``plans``.

    With a progress bar. Returns {name: [a ``History`` for each seed]}.
    """
    from tqdm.auto import tqdm

    steps = epochs * math.ceil(len(X) / batch_size)
    made = plans(steps, high, low)
    found = {name: [] for name in made}
    for name, seed in tqdm([(name, seed) for name in made for seed in seeds], desc="Schedules", delay=1):
        optimizer, settings = Optimizer(rule, learning_rate=high), {"epochs": epochs, "batch_size": batch_size}
        history = train_small(X, y, X_val, y_val, optimizer, schedule=made[name], seed=seed, **settings)
        if history is None:
            raise FloatingPointError(f"{name}: the loss left the numbers; take a smaller rate than {high:g}")
        found[name].append(history)
    return found


def training_figure(found):
    """Learning rate, smoothed training loss and validation loss of ``train_with_schedules``, means over the seeds."""
    figure, axes = new_figure(11, 3.7, 1, 3)
    for color, (name, histories) in zip(COLORS, found.items(), strict=False):
        first = histories[0]
        axes[0].plot(first.learning_rates, color=color, linewidth=2, label=name)
        losses = np.mean([history.losses for history in histories], axis=0)
        width = max(1, len(losses) // 20)
        axes[1].plot(
            np.arange(len(losses) - width + 1) + width,
            np.convolve(losses, np.ones(width) / width, "valid"),
            color=color,
        )
        axes[2].plot(
            first.epoch_ends, np.mean([each.validation_losses for each in histories], axis=0), "o-", color=color, ms=4
        )
    axes[0].set(ylabel="learning rate", ylim=(0, None))
    axes[1].set(ylabel="training loss, smoothed")
    axes[2].set(ylabel="validation loss")
    for ax in axes:
        ax.set(xlabel="update")
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False, fontsize=9.5
    )
    return figure


def outcomes(found):
    """Rows (name, last training loss, its scatter over the last epoch, validation loss, validation accuracy)."""
    rows = []
    for name, histories in found.items():
        epoch = histories[0].epoch_ends[-1] - (histories[0].epoch_ends[-2] if len(histories[0].epoch_ends) > 1 else 0)
        losses = np.mean([np.mean(history.losses[-epoch:]) for history in histories])
        scatter = np.mean([np.std(history.validation_losses[-4:]) for history in histories])
        loss = np.mean([history.validation_losses[-1] for history in histories])
        accuracy = np.mean([history.validation_metrics[-1] for history in histories])
        rows.append((name, float(losses), float(scatter), float(loss), float(accuracy)))
    return rows
