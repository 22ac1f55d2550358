"""Lecture 08: layers under the roof that arithmetic and memory put over them."""

import numpy as np

from cs231n_kit.arrays import has_gpu, to_device
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.explorations.layer_timing import (
    LAYERS,
    Device,
    affine,
    convolution,
    on_cores,
    relu,
    time_of,
)
from cs231n_kit.kernels.parallel import available_cores
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, new_figure


def times_figure(devices: list[Device]):
    """Bars: what each layer took on each device."""
    names = list(devices[0].times)
    figure, ax = new_figure(9.6, 0.9 + 0.55 * len(names))
    height = 0.8 / len(devices)
    for i, (device, color) in enumerate(zip(devices, _colors(devices), strict=True)):
        rows = np.arange(len(names)) + height * (i - (len(devices) - 1) / 2)
        bars = ax.barh(rows, [1e3 * device.times[name] for name in names], height, color=color, label=device.name)
        ax.bar_label(bars, [f"{1e3 * device.times[name]:,.3g}" for name in names], padding=4, fontsize=9)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.margins(x=0.1)
    ax.set(xscale="log", xlabel="milliseconds (logarithmic)")
    ax.set_title("forward passes, measured just now", fontsize=11, loc="left")
    ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def explore_roofline(devices: list[Device], layers=LAYERS):
    """All layers under the measured roofs; choose one to read what limits it."""

    def draw(layer):
        figure, ax = _roofs(devices, [work.intensity for work in layers.values()])
        for device, color in zip(devices, _colors(devices), strict=True):
            for name, work in layers.items():
                chosen = name == layer
                ax.plot(
                    work.intensity,
                    work.operations / device.times[name] / 1e9,
                    "o",
                    color=color,
                    markersize=11 if chosen else 6,
                    markeredgecolor=INK if chosen else color,
                    alpha=1.0 if chosen else 0.55,
                )
        ax.axvline(layers[layer].intensity, color=MUTED, linewidth=1, linestyle=":")
        rates = [layers[name].operations / devices[-1].times[name] / 1e9 for name in layers]
        for (name, work), rate in zip(layers.items(), rates, strict=True):
            right = work.intensity > 30  # there the label goes to the left
            place = dict(xytext=(-6 if right else 6, -13), textcoords="offset points", ha="right" if right else "left")
            ax.annotate(name, (work.intensity, rate), **place, fontsize=8.5, color=INK)
        return figure, _verdict(layer, layers[layer], devices, [device.times[layer] for device in devices])

    controls = {"layer": choice("Layer", list(layers))}
    return Exploration(draw, controls, description="Roofline: operations a second against operations for each byte")


KINDS = {
    "affine": affine,
    "convolution 1×1": lambda batch, channels: convolution(batch, channels, 1, 16),
    "convolution 3×3": lambda batch, channels: convolution(batch, channels, 3, 16),
    "ReLU": lambda batch, channels: relu(batch, channels, 16),
}


def explore_own_layer(devices: list[Device]):
    """Choose a layer; it is timed at once on each device, and put under the roofs beside what they promise."""

    def draw(kind, units, batch):
        work = KINDS[kind](batch, units)
        channels = "units" if kind == "affine" else "channels"
        places = [np.asarray] * len(devices)
        if has_gpu():
            places[-1] = to_device
        cores = [1] + [available_cores()] * (len(devices) - 1)
        figure, ax = _roofs(devices, [0.1, work.intensity, 300])
        times = []
        for device, color, place, count in zip(devices, _colors(devices), places, cores, strict=True):
            with on_cores(count):
                times.append(time_of(work, place, repeats=3))
            rate = work.operations / times[-1] / 1e9
            roof = device.roof(work.intensity) / 1e9
            ax.plot([work.intensity] * 2, [rate, roof], color=color, linewidth=1, linestyle=":")
            ax.plot(work.intensity, rate, "o", color=color, markersize=11, markeredgecolor=INK)
        return figure, _verdict(f"{kind}, {units} {channels}, batch {batch}", work, devices, times)

    controls = {
        "kind": choice("Layer", list(KINDS), "affine"),
        "units": slider("Units or channels", 16, 256, 256, 16),
        "batch": slider("Batch", 1, 32, 1),
    }
    return Exploration(draw, controls, description="A layer of one's own under the roofs of this machine")


def _roofs(devices, intensities):
    low, high = min(0.06, *intensities) / 1.5, 3 * max(*intensities, *(d.operations / d.bandwidth for d in devices))
    line = np.geomspace(low, high, 200)
    figure, ax = new_figure(9.6, 4.4)
    for device, color in zip(devices, _colors(devices), strict=True):
        ridge = device.operations / device.bandwidth
        label = f"{device.name}: {device.operations / 1e9:,.0f} Gflop/s, {device.bandwidth / 1e9:,.0f} GB/s"
        ax.plot(line, device.roof(line) / 1e9, color=color, linewidth=2, label=label)
        ax.plot(ridge, device.operations / 1e9, "|", color=color, markersize=12)
    ax.set(xscale="log", yscale="log", xlim=(low, high))
    ax.set(xlabel="operations for each byte that must be moved", ylabel="billion operations a second")
    ax.set_title("the roofs: memory (slanted) and arithmetic (flat), measured just now", fontsize=11, loc="left")
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    return figure, ax


_ABOVE = {
    "memory": " More than all: much of it came from a cache, which is faster than memory.",
    "arithmetic": " More than all: it found a way with fewer operations than the definition has, "
    "or the machine was busy while its roof was measured.",
}


def _verdict(title, work, devices, times):
    """What limits a layer, and how much of that limit each device reached, in seconds ``times`` of each."""
    lines = [
        f"<b>{title}</b>: {work.operations / 1e6:,.3g} million operations on {work.nbytes / 1e6:,.3g} MB, "
        f"<b>{work.intensity:,.3g}</b> for each byte."
    ]
    for device, took in zip(devices, times, strict=True):
        least = work.operations / device.roof(work.intensity)
        limit = "memory" if device.bandwidth * work.intensity < device.operations else "arithmetic"
        lines.append(
            f"{device.name}: {1e3 * took:,.3g} ms; <b>{limit}</b> decides, and would allow {1e3 * least:,.3g} ms: "
            f"{least / took:.0%} of the roof.{_ABOVE[limit] if least > 1.1 * took else ''}"
        )
    return "<br>".join(lines)


def _colors(devices):
    return [*COLORS[: len(devices) - 1], RIGHT] if has_gpu() else COLORS[: len(devices)]
