"""``SignalThroughDepth`` as a still picture: histograms, sizes and shares of all layers, one column each."""

import textwrap

import numpy as np

from cs231n_kit.widgets.signal_histograms import BINS, BOUNDED, histograms
from cs231n_kit.widgets.signal_network import SLOPES

FORWARD, BACKWARD = "#00734f", "#b93015"  # as in the browser, and in ``Circuit``
FULL = 0.86  # of a column's width, for the longest bar
CUT = 8  # the longest bar is cut, but to no less than an eighth
ACTIVATION_SIZES = {"std": ("standard deviation", "-o"), "mean": ("|mean|", "--x"), "spread": ("between inputs", ":s")}
GRADIENT_SIZES = {
    "gradient_std": ("at activations, standard deviation", "-o"),
    "weight_gradient": ("of weights, norm", "--x"),
}


def draw_signal(run, sentences):
    """Draw a network as it is.

    Args:
        run: a ``SignalRun``.
        sentences: what is said about it below.

    Returns:
        A matplotlib figure, closed for pyplot so that a notebook shows it once.
    """
    from matplotlib import pyplot as plt

    state, signal = run.state, run.signal
    shared = state["axis"] == "shared"
    figure = plt.figure(figsize=(11, 8.4), layout="constrained")
    rows = figure.subplots(5, 1, sharex=True, height_ratios=[1.5, 1.5, 1.2, 1.2, 0.7])
    _draw_histograms(rows[0], signal.outputs, shared, BOUNDED.get(state["activation"]), FORWARD)
    rows[0].set(title=_title(run), ylabel="activations")
    _draw_histograms(rows[1], signal.gradients, shared, None, BACKWARD)
    rows[1].set(ylabel="gradients")
    _draw_sizes(rows[2], signal.layers, ACTIVATION_SIZES, FORWARD)
    rows[2].set(ylabel="size of\nactivations")
    _draw_sizes(rows[3], signal.layers, GRADIENT_SIZES, BACKWARD)
    rows[3].set(ylabel="size of\ngradients")
    _draw_shares(rows[4], signal.layers, state["activation"])
    names = [layer.name.removeprefix("layer ") for layer in signal.layers]
    step = 1 + len(names) // 24
    kept = [i for i in range(len(names)) if i in (0, len(names) - 1) or (i % step == 0 and i < len(names) - step)]
    rows[4].set_xticks(kept, [names[i] for i in kept])
    rows[4].set(xlim=(-0.5, len(names) - 0.5), xlabel="layer")
    figure.supxlabel("\n".join(textwrap.wrap(" ".join(sentences), 150)), fontsize=9)
    plt.close(figure)
    return figure


def bar_lengths(shares):
    """Lengths of a histogram's bars, from 0 to 1: one bar much longer than all others is cut, or it would hide them."""
    largest, second = np.sort(shares)[[-1, -2]]
    full = largest if largest <= 1.5 * second else max(second, largest / CUT)
    return np.minimum(shares / full, 1)


def _draw_histograms(axes, arrays, shared, bounded, color):
    """A column of bars for each layer, all as high as the picture; the ends of the hidden layers' axis at the left."""
    from matplotlib.collections import PolyCollection

    ends, shares = histograms(arrays, shared, bounded)
    if np.isnan(ends).all():
        axes.text(0.5, 0.5, "none: the loss is infinite or no number", transform=axes.transAxes, ha="center")
        return axes.set_yticks([])
    edges = np.arange(BINS + 1) / BINS
    for column, (layer, (low, high)) in enumerate(zip(shares, ends, strict=True)):
        left = column - FULL / 2
        axes.plot([left, left], [0, 1], color="#9aa0a8", linewidth=0.6)
        if np.isnan(layer).any():
            axes.text(column, 0.5, "overflow", rotation=90, ha="center", va="center", fontsize=8)
            continue
        lengths = bar_lengths(layer)
        bars = [
            [(left, bottom), (left + FULL * length, bottom), (left + FULL * length, top), (left, top)]
            for length, bottom, top in zip(lengths, edges, edges[1:], strict=False)
        ]
        axes.add_collection(PolyCollection(bars, facecolor=color))
        if not shared or column in (0, len(ends) - 1):
            axes.text(column, 1.03, f"{high:.0e}".replace("e-0", "e-").replace("e+0", "e"), ha="center", fontsize=6.5)
        if low:
            axes.plot([left, left + FULL], [0.5, 0.5], color="#9aa0a8", linewidth=0.5)
    low, high = ends[1]
    axes.set(ylim=(0, 1.12 if not shared else 1.05))
    if shared and np.isfinite(high) and high > 0:
        places = [0, 0.5, 1] if low else [0, 1]
        axes.set_yticks(places, [f"{low + place * (high - low):g}" for place in places])
    else:
        axes.set_yticks([])


def _draw_sizes(axes, layers, fields, color):
    """A line over the layers for each field of ``LayerSignal``, on a logarithmic axis."""
    for field, (name, style) in fields.items():
        values = np.abs([getattr(layer, field) for layer in layers])
        values[values == 0] = np.nan  # a logarithm has no place for it
        # A mean may be as near to 0 as it likes: it leaves the axis below.
        axes.plot(values, style, color=color, markersize=3.5, linewidth=1.2, label=name, scaley=field != "mean")
    axes.set(yscale="log")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, fontsize=8, ncols=3)


def _draw_shares(axes, layers, activation):
    what = ("outputs 0", "units dead") if activation == "relu" else ("outputs saturated", "units, for all inputs")
    if activation not in SLOPES:
        axes.text(0.5, 0.5, "these units do not saturate", transform=axes.transAxes, ha="center", va="center")
    for field, name, color, width in (("flat", what[0], "#c3cad4", FULL), ("stuck", what[1], "#b00020", FULL / 2)):
        values = np.nan_to_num([getattr(layer, field) for layer in layers])
        axes.bar(range(len(layers)), 100 * values, width=width, color=color, label=name)
    axes.set(ylim=(0, 100), ylabel="%")
    if activation in SLOPES:
        axes.legend(framealpha=0.85, edgecolor="none", fontsize=8, ncols=2, loc="upper right")


def _title(run):
    state, record = run.state, run.history[-1]
    weights = state["initialize"]
    if weights in ("constant", "small_normal", "sparse"):
        weights += f" {state['scale']:g}"
    parts = [f"{state['depth']} layers of {state['width']}", state["activation"].replace("_", " "), weights]
    if state["normalization"] != "none":
        parts.append(f"{state['normalization']} normalisation")
    loss = "loss overflows" if np.isnan(record.loss) else f"loss {record.loss:.3g}"
    return ", ".join([*parts, f"step {record.step:,}", loss])
