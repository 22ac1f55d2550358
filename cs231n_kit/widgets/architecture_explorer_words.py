"""The arithmetic of a block in words, with its numbers filled in."""

import math

from cs231n_kit.networks import (
    Affine,
    AveragePool,
    Convolution,
    Flatten,
    MaxPool,
    Residual,
)
from cs231n_kit.widgets.architecture_explorer_blocks import HEAD, IN_ORDER, JOIN, QUANTITIES, SUM
from cs231n_kit.widgets.convolution_arithmetic import Geometry, formulas

NAMES = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds",
    "memory": "memory",
    "time": "time",
}


def quantity_text(quantity, amount):
    """An amount with three digits and its unit: "61.1 million", "4.6 MB", "12.3 ms"."""
    if amount is None:
        return "not measured"
    if quantity == "memory":
        return _scaled(amount, (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)), "B")
    if quantity == "time":
        return f"{1e3 * amount:.3g} ms" if amount < 1 else f"{amount:.3g} s"
    return _scaled(amount, (("billion", 1e9), ("million", 1e6)), "").strip()


def short_text(quantity, amount):
    """The same in few letters, for inside a block: "61.1 M"."""
    text = quantity_text(quantity, amount)
    return text.replace(" billion", " G").replace(" million", " M")


def _scaled(amount, units, rest):
    for unit, size in units:
        if amount >= size:
            return f"{amount / size:.3g} {unit}" if amount < 999.5 * size else f"{amount / size:,.0f} {unit}"
    return f"{amount:,} {rest}"


def shape_text(shape):
    """(64, 55, 55) as "55 × 55 × 64", the way papers write it."""
    return " × ".join(map(str, (*shape[1:], shape[0]) if len(shape) == 3 else shape))


def share_text(part, whole):
    """A share in per cent; what is there, but rounds to nothing, is "< 0.1 %"."""
    if not part or not whole:
        return "0 %"
    share = 100 * part / whole
    if share < 0.1:
        return "< 0.1 %"
    if 99 <= share < 100:
        return "> 99 %"
    return f"{share:.0f} %" if share >= 9.95 else f"{share:.1f} %"


def title(block):
    """What a block is, in a line."""
    if _in_row(block):
        layers = [leaf.layer for leaf in block.leaves()]
        if block.leaf is not None and block.leaf.meets:
            return "Sum of body and shortcut" if isinstance(layers[0], Residual) else "Branches, channels joined"
        after = _listed([repr(layer) for layer in layers[1:]])
        return f"{layers[0]!r}, then {after}" if after else repr(layers[0])
    if block.stage:
        return f"Stage {block.label}: {len(block.inside)} neighbours that put out maps of one size"
    if block.form == SUM:
        shortcut = "with layers in the shortcut" if block.inside[1].inside else "the shortcut is the identity"
        return f"Residual block {block.label.removeprefix('residual')}: H(x) = F(x) + x, {shortcut}".replace(" :", ":")
    if block.form == HEAD:
        return "Auxiliary classifier: scores of its own, whose loss helps in training"
    if block.form == JOIN:
        name = "Parallel" if block.label == "branches" else f"Inception block {block.label}"
        return f"{name}: {len(block.inside)} branches side by side"
    return f"Sequential: {len(block.inside)} blocks in order"


def describe(block, total, seconds=None):
    """Lines about a block, pairs (what, text).

    total: {quantity: amount} of the whole network.
    seconds: measured times by path, or None.
    """
    leaves = list(block.leaves())
    in_row = _in_row(block)
    lines, formulas_of = (_of_layers if in_row else _of_group)(block, leaves)
    for quantity in QUANTITIES:
        amount = block.amount(quantity, seconds)
        if amount:
            text = formulas_of.get(quantity) or quantity_text(quantity, amount)
            lines.append((NAMES[quantity], f"{text}, {share_text(amount, total[quantity])} of the network's"))
        elif quantity in ("parameters", "multiply_adds"):
            lines.append((NAMES[quantity], "none"))
    if block.form == HEAD:
        lines.append(("when", "in training only; in mode “test” it does nothing, and takes no time"))
    end = block.inside[-1].output if block.form == HEAD else block.output
    if end.seen is not None:
        lines.append(("receptive field", _field(leaves[0], end) if in_row else f"{_by(end.seen.size)} pixels"))
    return lines


def _in_row(block):
    """Whether a block is one layer, or a layer with those that work on its numbers."""
    return block.leaf is not None or (
        block.form == IN_ORDER and not block.stage and all(part.leaf is not None for part in block.inside)
    )


def _of_group(block, leaves):
    counts = {}
    for leaf in leaves:
        if not leaf.meets:
            counts[type(leaf.layer).__name__] = counts.get(type(leaf.layer).__name__, 0) + 1
    inside = _listed([f"{count} {name}" for name, count in counts.items()])
    end = block.inside[-1].output if block.form == HEAD else block.output
    lines = [("inside", inside), ("shape", f"{shape_text(block.input.shape)} → {shape_text(end.shape)}")]
    if block.form == JOIN:
        channels = [branch.output.shape[0] for branch in block.inside]
        lines.append(("channels", f"{' + '.join(map(str, channels))} = {sum(channels)} joined"))
    return lines, {}


def _of_layers(block, leaves):
    """Lines about layers in a row, and the formulas {quantity: text}."""
    lead = leaves[0]
    lines = [("shape", f"{shape_text(block.input.shape)} → {shape_text(block.output.shape)}")]
    if isinstance(lead.layer, Convolution | MaxPool | AveragePool):
        lines.append(("output side", _sides(lead)))
    parameters = [(type(leaf.layer).__name__, _parameters(leaf)) for leaf in leaves if leaf.parameters]
    written = [
        text if len(parameters) == 1 or i == 0 else f"{name} {text}" for i, (name, text) in enumerate(parameters)
    ]
    return lines, {
        "parameters": "; ".join(written),
        "multiply_adds": next((_multiply_adds(leaf) for leaf in leaves if leaf.multiply_adds), ""),
        "memory": _memory(leaves),
    }


def _parameters(leaf):
    layer, before = leaf.layer, leaf.input.shape
    if isinstance(layer, Convolution):
        window = _window(layer)
        names = "F·F·D₁·K" if window[0] == window[1] else "F₁·F₂·D₁·K"
        bias = (" + K", f" + {layer.filters}") if layer.bias else ("", "")
        return f"{names}{bias[0]} = {window[0]}·{window[1]}·{before[0]}·{layer.filters}{bias[1]} = {leaf.parameters:,}"
    if isinstance(layer, Affine):
        bias = (" + M", f" + {layer.units}") if layer.bias else ("", "")
        return f"D·M{bias[0]} = {math.prod(before)}·{layer.units}{bias[1]} = {leaf.parameters:,}"
    arrays = layer.parameters(before).items()
    sizes = " + ".join(f"{'·'.join(map(str, array.shape))} ({name})" for name, array in arrays)
    return f"{sizes} = {leaf.parameters:,}"


def _multiply_adds(leaf):
    layer, before, after = leaf.layer, leaf.input.shape, leaf.output.shape
    if isinstance(layer, Convolution):
        window = _window(layer)
        each = f"{window[0]}·{window[1]}·{before[0]}"
        return f"{_product(after)} outputs × {each} = {leaf.multiply_adds:,}"
    if isinstance(layer, Affine):
        return f"D·M = {math.prod(before)}·{layer.units} = {leaf.multiply_adds:,}"
    return f"{leaf.multiply_adds:,}"


def _memory(leaves):
    """What training keeps: the output of each layer."""
    kept = [leaf for leaf in leaves if leaf.memory]
    sizes = {math.prod(leaf.output.shape) for leaf in kept}
    total = sum(leaf.memory for leaf in kept)
    if len(sizes) != 1:
        return f"outputs of {len(kept)} layers, {total:,} bytes"
    outputs = f"{len(kept)} outputs of " if len(kept) > 1 else ""
    each = kept[0].memory // sizes.pop()
    return f"{outputs}{_product(kept[0].output.shape)} numbers × {each} bytes = {total:,} bytes"


def _product(shape):
    return "·".join(map(str, (*shape[1:], shape[0]) if len(shape) == 3 else shape))


def _window(layer):
    return layer.size if isinstance(layer.size, tuple) else (layer.size, layer.size)


def _sides(leaf):
    """The formula of the output's side, for height and width alike or one after the other."""
    reach = leaf.layer.reach()
    dilation = getattr(leaf.layer, "dilation", 1)
    axes = []
    for axis in range(2):
        spread = dilation[axis] if isinstance(dilation, tuple) else dilation
        size = (reach.window[axis] - 1) // spread + 1
        side = leaf.input.shape[1 + axis]
        geometry = Geometry(side, side, size, reach.pad[axis], reach.stride[axis], spread)
        [text] = formulas(geometry)
        rounded = f", rounded down: {geometry.output[0]}" if geometry.left_over[0] else ""
        axes.append(text + rounded)
    if axes[0] == axes[1]:
        return axes[0]
    return f"height {axes[0].replace('W', 'H')}; width {axes[1]}"


def _field(leaf, end):
    """What one unit behind a layer sees, and how that comes from what its input's units see."""
    text = f"{_by(end.seen.size)} pixels"
    before = leaf.input.seen
    if leaf.meets or before is None:
        return text
    reach = leaf.layer.reach()
    if reach is None:
        return text if isinstance(leaf.layer, Flatten) else f"{text}: one unit depends on all units before it"
    if reach.window == (1, 1):
        return text
    window, jump, size = reach.window[0], before.jump[0], before.size[0]
    apart = f"{jump} pixel{'s' * (jump > 1)} apart"
    return f"{size} + ({window} − 1)·{jump} = {end.seen.size[0]}: {text}; units before it lie {apart}"


def field_on_image(signal, unit, image):
    """Where the field of one unit lies on the image, and a sentence about it; None where the input is no image.

    unit: (row, column) of the unit in its map, as shares from 0 to 1.
    image: (height, width) in pixels.

    Returns ``{"grid": [rows, columns] of units, "unit": [row, column], "box": [top, left, bottom, right] in pixels,
    the ends one past the last, "whole": whether that is all of the image, "text"}``.
    """
    seen = signal.seen
    if seen is None:
        return None
    unit = [min(int(share * n), n - 1) for share, n in zip(unit, seen.grid, strict=True)]
    starts = [first + i * jump for first, i, jump in zip(seen.first, unit, seen.jump, strict=True)]
    ends = [last + i * jump + 1 for last, i, jump in zip(seen.last, unit, seen.jump, strict=True)]
    visible = [min(end, n) - max(start, 0) for start, end, n in zip(starts, ends, image, strict=True)]
    return {
        "grid": list(seen.grid),
        "unit": unit,
        "box": [*starts, *ends],
        "whole": tuple(visible) == tuple(image),
        "text": _seen_text(seen, unit, visible, image),
    }


def _seen_text(seen, unit, visible, image):
    """What a unit sees, and what of that lies beyond the image's border."""
    which = "The unit" if seen.grid == (1, 1) else f"Unit ({unit[0]}, {unit[1]}) of {_by(seen.grid)}"
    if min(visible) <= 0:
        return f"{which} sees padding only."
    if tuple(visible) == tuple(image):
        beyond = (
            f": its field of {_by(seen.size)} reaches into padding beyond the borders"
            if any(s > n for s, n in zip(seen.size, image, strict=True))
            else ""
        )
        return f"{which} sees the whole image{beyond}."
    if tuple(visible) == tuple(seen.size):
        return f"{which} sees {_by(seen.size)} of the image's {_by(image)} pixels."
    beyond = "the rest is padding beyond its border"
    return f"{which} sees {_by(seen.size)} pixels, {_by(visible)} of them on the image; {beyond}."


def _by(pair):
    return f"{pair[0]} × {pair[1]}"


def _listed(words):
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
