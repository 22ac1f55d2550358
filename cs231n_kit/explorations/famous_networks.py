"""Lecture 09: the famous networks counted from their definitions, and a photograph sent through one of them."""

import time
from dataclasses import dataclass

import numpy as np

from cs231n_kit import image_transforms
from cs231n_kit.architectures import ARCHITECTURES
from cs231n_kit.networks import Affine, Convolution, Parallel, Residual
from cs231n_kit.networks.summary import Summary
from cs231n_kit.plots import COLORS, INK, MUTED, draw_bars, new_figure, show_image


@dataclass(frozen=True)
class Reported:
    """A top-5 error on the validation images of ImageNet, in percent, of a single network, as published."""

    error: float
    how: str


# Averages over ten crops of each image, or over all places of the whole image ("dense"), as the source has it.
REPORTED = {
    "AlexNet": Reported(18.2, "ten crops, Krizhevsky et al., 2012"),
    "VGG-11": Reported(10.4, "dense, Simonyan and Zisserman, 2014, table 3"),
    "VGG-16": Reported(8.1, "dense, Simonyan and Zisserman, 2014, table 3"),
    "VGG-19": Reported(8.0, "dense, Simonyan and Zisserman, 2014, table 3"),
    "GoogLeNet": Reported(9.15, "ten crops, Szegedy et al., 2014, table 3"),
    "ResNet-34": Reported(7.46, "ten crops, He et al., 2015, table 3"),
    "ResNet-50": Reported(6.71, "ten crops, He et al., 2015, table 3"),
}
BESIDE = {"xytext": (9, -3), "ha": "left"}
LABELS = {
    "VGG-11": {"xytext": (-9, -3), "ha": "right"},
    "VGG-16": {"xytext": (0, -17), "ha": "center"},
    "VGG-19": {"xytext": (5, 9), "ha": "center"},
    "ResNet-34": {"xytext": (-9, -3), "ha": "right"},
}
# Top-5 errors on the test images of the ImageNet challenge, in percent: what was handed in, several networks together.
CHALLENGE = (
    (2010, 28.2, "no deep network"),
    (2011, 25.8, "no deep network"),
    (2012, 15.3, "AlexNet"),
    (2013, 11.7, "Clarifai"),
    (2014, 7.3, "VGG (second)"),
    (2014, 6.7, "GoogLeNet"),
    (2015, 3.57, "ResNet"),
)


def counted(name) -> Summary:
    """The table of a network of ``ARCHITECTURES`` as it works after training, without auxiliary classifiers."""
    architecture = ARCHITECTURES[name]
    return architecture.build().summary(architecture.input_shape).without_auxiliary()


def depth(step) -> int:
    """Layers with weights, convolutional or affine, on the longest way through a network or a part of it.

    This is the number in the names of VGG and ResNet. Normalisation does not count, nor do auxiliary classifiers.
    """
    if isinstance(step, Convolution | Affine):
        return 1
    if isinstance(step, Residual):
        return max(depth(step.body), depth(step.shortcut))
    if isinstance(step, Parallel):
        return max(map(depth, step.branches))
    return sum(map(depth, getattr(step, "steps", ())))  # none in other layers, nor in auxiliary classifiers


def field(summary) -> int:
    """The side of the receptive field, in pixels, of a unit of the last maps."""
    return [row for row in summary.rows if len(row.output_shape) == 3][-1].receptive_field[0]


def totals_table():
    """In Markdown: every network's year, depth, parameters, multiply-adds, memory, field and published error."""
    head = (
        "| network | year | layers | parameters | multiply-adds, millions | memory of all outputs | receptive field "
        "| top-5 error, from the paper |\n|:--|--:|--:|--:|--:|--:|--:|--:|"
    )
    rows = []
    for name, architecture in ARCHITECTURES.items():
        total = counted(name)
        error = f"{REPORTED[name].error:g} %" if name in REPORTED else "–"
        rows.append(
            f"| [{name}]({architecture.url}) | {architecture.year} | {depth(architecture.build())} | "
            f"{total.parameters:,} | {total.multiply_adds / 1e6:,.1f} | {total.memory / 1e6:,.1f} MB | "
            f"{field(total)} × {field(total)} | {error} |"
        )
    return "\n".join([head, *rows])


def timeline_figure():
    """The challenge's errors year by year, and the parameters and the work of each network."""
    figure, axes = new_figure(10.2, 4.0, 1, 2, width_ratios=(1, 1.25))
    years, errors, names = zip(*CHALLENGE, strict=True)
    colors = [MUTED if name.startswith("no") else COLORS[0] for name in names]
    draw_bars(
        axes[0],
        errors,
        [f"{year}  {name}" for year, name in zip(years, names, strict=True)],
        title="top-5 error in the ImageNet challenge, test images",
        unit="% (as published)",
        colors=colors,
        form="{:g} %",
    )

    shown = [name for name in ARCHITECTURES if name != "LeNet-5"]
    for name in shown:
        total = counted(name)
        x, y = total.multiply_adds / 1e9, total.parameters / 1e6
        family = next(i for i, start in enumerate(("Alex", "VGG", "Goog", "Res")) if name.startswith(start))
        axes[1].scatter(x, y, s=90, color=COLORS[family], zorder=3)
        axes[1].annotate(name, (x, y), color=INK, fontsize=9, textcoords="offset points", **LABELS.get(name, BESIDE))
    axes[1].set(xscale="log", yscale="log", xlim=(0.4, 60), ylim=(4, 300))
    axes[1].set(xlabel="billion multiply-adds for an image", ylabel="million parameters")
    axes[1].set_title("counted from the definitions, 224 × 224 pixels", fontsize=10.5, loc="left")
    axes[1].grid(alpha=0.25, which="both")
    axes[1].spines[["top", "right"]].set_visible(False)
    return figure


def photograph(side=224):
    """The course's cat, (side, side, 3) uint8."""
    return image_transforms.resize(image_transforms.frame(image_transforms.cat(300)[0]), side)


def prepared(image, channels=3):
    """A photograph (H, W, 3) uint8 as a batch of one, (1, C, H, W) float32 around zero; one channel is its mean."""
    batch = (image.astype(np.float32).transpose(2, 0, 1)[None] - 118) / 64
    return batch if channels == 3 else batch.mean(axis=1, keepdims=True)


@dataclass(frozen=True)
class ForwardPass:
    """What a network made of a photograph: ``maps`` {path: (C, H, W)} where the size changes, scores, seconds."""

    network: object
    maps: dict
    scores: np.ndarray
    seconds: float


def forward_pass(name, image, seed=0) -> ForwardPass:
    """Build a network of ``ARCHITECTURES``, with random weights, and send a photograph through it; timed once more."""
    architecture = ARCHITECTURES[name]
    network = architecture.build().initialize(architecture.input_shape, seed)
    batch = prepared(image, architecture.input_shape[0])
    outputs = {}
    network.forward(batch, cache=False, observe=outputs.__setitem__)
    start = time.perf_counter()
    scores = network.forward(batch, cache=False)[0]
    seconds = time.perf_counter() - start
    maps = {}
    for path, out in outputs.items():
        if out.ndim == 4 and "." not in path:
            maps[out.shape[2]] = path, out[0]  # the last step of each size
    return ForwardPass(network, dict(maps.values()), scores, seconds)


def maps_figure(done: ForwardPass, image, shown=5):
    """The photograph, and the first maps at each size that the network goes through."""
    figure, axes = new_figure(1.5 * len(done.maps) + 2.0, 0.92 * shown + 0.6, shown, len(done.maps) + 1)
    for ax in axes[:, 0]:
        ax.axis("off")
    middle = axes[shown // 2 - 1, 0]
    middle.axis("on")
    show_image(middle, image, f"{image.shape[0]} × {image.shape[1]} × 3")
    for column, maps in zip(axes[:, 1:].T, done.maps.values(), strict=True):
        channels, height, width = maps.shape
        for ax, one in zip(column, maps, strict=False):
            spread = max(np.ptp(one), 1e-12)
            show_image(ax, (255 * (one - one.min()) / spread).astype(np.uint8))
        column[0].set_title(f"{height} × {width} × {channels}", fontsize=9.5)
    return figure


FOLDED = ("GoogLeNet", "ResNet-18", "ResNet-34", "ResNet-50")  # a row for each block, where all layers would be many


def layer_tables(opened="AlexNet"):
    """The layer table of every network, to be unfolded, as IPython's HTML; the one named ``opened`` is open."""
    from IPython.display import HTML

    parts = []
    for name, architecture in ARCHITECTURES.items():
        total = architecture.build().summary(architecture.input_shape)
        table = (total.folded() if name in FOLDED else total)._repr_html_()
        state = " open" if name == opened else ""
        parts.append(f"<details{state}><summary><b>{name}</b>: {architecture.idea}</summary>{table}</details>")
    return HTML("".join(parts))
