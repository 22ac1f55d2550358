"""Lecture 10: the three gates of an LSTM, moved by hand on one cell, and read off a trained network."""

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, slider
from cs231n_kit.explorations.gradient_lags import unroll
from cs231n_kit.layers import lstm_step_forward, sigmoid_forward
from cs231n_kit.plots import COLORS, INK, MUTED, new_figure

STEPS = 20
OPEN, SHUT = 6.0, -6.0  # sums before the sigmoid
GATES = ("input", "forget", "output")


def one_cell(write, forget, read, forget_gate):
    """One LSTM cell whose gates are told what to do: write 1 at one step, forget at another, be read at a third.

    write, forget, read: steps from 0 to 19. forget_gate: what f is at all steps but ``forget``, where it is shut.

    Returns the gates {"input": (20,), ...}, the cell states c (20,) and the hidden states h (20,). The sums before the
    gates come in as four inputs, by weights that are the identity.
    """
    with np.errstate(divide="ignore"):
        kept = float(np.log(forget_gate / (1 - forget_gate)))
    sums = np.tile([SHUT, kept, SHUT, OPEN], (STEPS, 1))
    sums[write, 0], sums[forget, 1], sums[read, 2] = OPEN, SHUT, OPEN
    h, c, found = np.zeros((1, 1)), np.zeros((1, 1)), []
    for a in sums:
        h, c, _ = lstm_step_forward(a[None], h, c, np.eye(4), np.zeros((1, 4)), np.zeros(4))
        found.append((c.item(), h.item()))
    gates = sigmoid_forward(sums[:, :3])[0]
    return dict(zip(GATES, gates.T, strict=True)), *np.array(found).T


def explore_one_cell():
    """Sliders for when a cell is written, forgotten and read."""

    def draw(write, forget, read, forget_gate):
        gates, c, h = one_cell(write, forget, read, forget_gate)
        figure, (top, bottom) = new_figure(9.2, 4.0, 2, 1, sharex=True, height_ratios=[1, 1.5])
        top.imshow(np.stack(list(gates.values())), cmap="Greys", vmin=0, vmax=1.25, aspect="auto")
        top.set_yticks(range(3), [f"{name} gate" for name in gates])
        for row in range(2):
            top.axhline(row + 0.5, color="white", linewidth=3)
        bottom.plot(c, "o-", color=COLORS[0], linewidth=2, label="c: what the cell holds")
        bottom.bar(range(STEPS), h, color=COLORS[1], width=0.5, label="h: what the others see")
        bottom.set(xlabel="step", ylim=(-0.08, 1.15), xticks=range(0, STEPS, 2))
        bottom.axhline(0, color=INK, linewidth=0.6)
        bottom.legend(frameon=False, loc="upper right", ncols=2)
        bottom.spines[["top", "right"]].set_visible(False)
        return figure, (
            f"When it is read at step {read}, the cell holds {c[read]:.3f} and tells <b>h = {h[read]:.3f}</b>. "
            f"A step multiplies what is held by f = {forget_gate:.2f}, so 10 steps by {forget_gate**10:.2g}."
        )

    controls = {
        "write": slider("Write at step", 0, STEPS - 1, 2),
        "forget": slider("Forget at step", 0, STEPS - 1, 16),
        "read": slider("Read at step", 0, STEPS - 1, 12),
        "forget_gate": slider("Forget gate elsewhere", 0.5, 0.995, 0.97, 0.005),
    }
    return Exploration(draw, controls, description="One LSTM cell: gates, cell state and hidden state, step by step")


def gates_of(network, numbers, path="1"):
    """The gates and states of an LSTM layer while it reads a text.

    numbers: (L,), of characters. path: the LSTM's, behind the word embedding.

    Returns {"input": (L, H), "forget": ..., "output": ..., "cell state": ..., "hidden state": ...}.
    """
    seen = {}
    network.forward(np.asarray(numbers)[None], observe=seen.__setitem__, cache=False)
    weights = (network.parameters[f"{path}.{name}"] for name in ("Wx", "Wh", "b"))
    steps = unroll("lstm", seen[str(int(path) - 1)], *weights)
    gates = (np.concatenate([step.cache[-1][k] for step in steps]) for k in range(3))
    states = {"cell state": [step.c for step in steps], "hidden state": [step.h for step in steps]}
    return dict(zip(GATES, gates, strict=True)) | {name: np.concatenate(all) for name, all in states.items()}


def gate_histograms(network, numbers, path="1"):
    """How open the gates of a trained LSTM are, over all units and a whole text; returns a figure."""
    found = gates_of(network, numbers, path)
    figure, axes = new_figure(9.6, 2.5, 1, 3, sharey=True)
    for ax, name in zip(axes, GATES, strict=True):
        values = found[name].ravel()
        ax.hist(values, np.linspace(0, 1, 41), color=COLORS[0])
        ax.set_title(f"{name} gate: mean {values.mean():.2f}", fontsize=10.5)
        ax.set(xlabel="shut 0 … 1 open", yticks=[])
        ax.axvline(values.mean(), color=MUTED, linewidth=1)
        ax.spines[["top", "right", "left"]].set_visible(False)
    return figure
