"""Lecture 10: remember the first symbol of a sequence until its end, a task that takes memory and nothing else."""

import numpy as np

from cs231n_kit.initialization import inverse_sqrt
from cs231n_kit.networks import LSTM, RNN, Affine, LastStep, Sequential
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.plots import COLORS, INK, new_figure
from cs231n_kit.training import Trainer, accuracy

SYMBOLS, NOISE = 4, 4  # kinds of what is to be remembered, and of what comes after it
LOUDNESS = 2.0  # of a symbol: the one number of its vector that is not 0
UNITS, BATCH = 32, 50
CELLS = {"RNN": (RNN, 0.003), "LSTM": (LSTM, 0.01)}  # each with the learning rate that suits it best


def recall_sequences(lag, count, rng):
    """One of four symbols, then ``lag`` of four others, drawn at random.

    Returns X, float32 (count, lag + 1, 8), one-hot vectors times 2, and y (count,), which of the four came first.
    """
    y = rng.integers(0, SYMBOLS, count)
    after = SYMBOLS + rng.integers(0, NOISE, (count, lag))
    return np.float32(LOUDNESS) * np.eye(SYMBOLS + NOISE, dtype=np.float32)[np.column_stack([y, after])], y


def recall_accuracy(cell, lag, updates, seed=0):
    """Train an RNN or LSTM of 32 units to name the first symbol at the end; returns its accuracy on 500 new sequences.

    cell: "RNN" or "LSTM". lag: steps between the symbol and the question.
    """
    layer, rate = CELLS[cell]
    rng = np.random.default_rng(seed)
    X, y = recall_sequences(lag, 40 * BATCH, rng)
    X_new, y_new = recall_sequences(lag, 500, rng)
    network = Sequential(layer(UNITS), LastStep(), Affine(SYMBOLS, initialize=inverse_sqrt))
    trainer = Trainer(
        network.initialize(X.shape[1:], rng=seed),
        optimizer=Optimizer("adam", learning_rate=rate),
        batch_size=BATCH,
        epochs=updates,
        clip_norm=1.0,
        seed=seed,
        progress_bar=False,
        live_plot=False,
    )
    for _, _progress in zip(range(updates), trainer.steps(X, y), strict=False):
        pass
    return float(accuracy(network.scores(X_new), y_new))


def recall_race(lags, seeds, updates):
    """``recall_accuracy`` of both cells, with a progress bar: {(cell, lag): accuracies (seeds,)}."""
    from tqdm.auto import tqdm

    runs = [(cell, lag, seed) for cell in CELLS for lag in lags for seed in range(seeds)]
    found = {}
    for cell, lag, seed in tqdm(runs, desc="Networks", leave=False):
        found.setdefault((cell, lag), []).append(recall_accuracy(cell, lag, updates, seed))
    return {key: np.array(values) for key, values in found.items()}


def recall_figure(found):
    """Accuracy against lag: what ``recall_race`` returned, a dot for each network and a line for their mean."""
    figure, ax = new_figure(8.6, 3.5)
    lags = sorted({lag for _, lag in found})
    for cell, color, shift in (("RNN", COLORS[1], -1), ("LSTM", COLORS[0], 1)):
        for lag in lags:
            values = 100 * found[cell, lag]
            ax.plot([lag + 0.2 * shift] * len(values), values, "o", color=color, markersize=5, alpha=0.7)
        ax.plot(lags, [100 * found[cell, lag].mean() for lag in lags], color=color, linewidth=2, label=f"{cell}, mean")
    ax.axhline(100 / SYMBOLS, color=INK, linewidth=0.8, linestyle="--", label="guessing")
    ax.set(xlabel="steps to remember", ylabel="right at the end (%)", ylim=(0, 105), xticks=lags)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.spines[["top", "right"]].set_visible(False)
    return figure
