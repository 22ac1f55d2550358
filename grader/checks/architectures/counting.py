"""count_parameters and receptive_field."""

from cs231n_kit.checking.answer_key import Case
from grader.check import Check, Mistake, Property

POOL = "M"
EXACT = {"rtol": 0, "atol": 0.5}


def stages(rng, channels, most=2):
    """A configuration: for each of these numbers of channels one to `most` convolutions, then a pooling."""
    return [entry for n in channels for entry in (*[n] * int(rng.integers(1, most + 1)), POOL)]


def widths(rng, count, low, high):
    """Different whole numbers."""
    return [int(n) for n in rng.choice(range(low, high), size=count, replace=False)]


def _convolutions(rng):
    """Images whose sides differ, and are multiples of 4."""
    cases = []
    for channels in (3, 1):
        height, width = (4 * n for n in widths(rng, 2, 2, 9))
        cases.append((stages(rng, widths(rng, 2, 5, 70), 3), [], (channels, height, width), int(rng.integers(2, 30))))
    return cases


def _hidden(rng):
    cases = []
    for count in (1, 2):
        config, hidden = stages(rng, widths(rng, 2, 5, 40)), widths(rng, count, 20, 300)
        cases.append((config, hidden, (3, 8, 12), int(rng.integers(2, 20))))
    return cases


def _channels(rng):
    """In pairs: images with more channels, and with fewer."""
    cases = []
    for hidden in ([], widths(rng, 1, 20, 60)):
        config, more, fewer = stages(rng, widths(rng, 2, 5, 70)), *(int(n) for n in rng.permutation([3, 5]))
        cases += [(config, hidden, (n, 8, 12), 5) for n in (more, fewer)]
    return cases


def _odd(rng):
    """In pairs: with two poolings, and without. The height is odd again after the first one, the width is not."""
    cases = []
    for _ in range(2):
        height, width = 4 * int(rng.integers(1, 6)) + 3, 4 * int(rng.integers(1, 6)) + 1
        config, hidden = stages(rng, widths(rng, 2, 4, 30)), widths(rng, 1, 10, 60)
        plain = [entry for entry in config if entry != POOL]
        cases += [(entries, hidden, (2, height, width), 10) for entries in (config, plain)]
    return cases


def _without(rng):
    """Nothing pooled; no convolution at all."""
    shape = (int(rng.integers(2, 5)), 5, 7)
    return [(widths(rng, 2, 4, 30), widths(rng, 1, 10, 60), shape, 6), ([], widths(rng, 1, 10, 60), shape, 4)]


_HALVED = "height, width = height // 2, width // 2"
_CONVOLUTION = "total += 3 * 3 * channels * entry + entry"
_DEEPER = "channels = entry"
_FLAT = "units = channels * height * width"
_AFFINE = "total += units * outputs + outputs"
_LAST = "for outputs in [*hidden_dims, num_classes]:"

COUNT_PARAMETERS = Check(
    "count_parameters",
    (
        Property("Convolutions and poolings", 1, _convolutions, **EXACT),
        Property("Hidden affine layers", 0.5, _hidden, **EXACT),
        Property("What another number of channels of the image changes", 0.5, _channels, "difference", **EXACT),
        Property("What poolings change, also of odd sizes", 0.5, _odd, "difference", **EXACT),
        Property("Without poolings, without convolutions", 0.5, _without, **EXACT),
    ),
    (
        Mistake(
            "no biases",
            "The biases are missing: each filter has one, and each unit of an affine layer.",
            ((_CONVOLUTION, "total += 3 * 3 * channels * entry"), (_AFFINE, "total += units * outputs")),
        ),
        Mistake(
            "no biases of filters",
            "The biases of the convolutions are missing: each filter has one.",
            ((_CONVOLUTION, "total += 3 * 3 * channels * entry"),),
        ),
        Mistake(
            "no biases of affine layers",
            "The biases of the affine layers are missing: each unit has one, and so has each class.",
            ((_AFFINE, "total += units * outputs"),),
        ),
        Mistake(
            "a bias for each weight of a channel",
            "There are too many biases. A filter has a single one, however many channels it looks at.",
            ((_CONVOLUTION, "total += (3 * 3 + 1) * channels * entry"),),
        ),
        Mistake(
            "filters of one channel",
            "The filters are counted as if they had one channel. Each goes through all channels of what comes in.",
            ((_CONVOLUTION, "total += 3 * 3 * entry + entry"),),
        ),
        Mistake(
            "channels of the image only",
            "All convolutions are counted with the channels of the image. From the second one on, what comes in has as "
            "many channels as the convolution before has filters.",
            ((_DEEPER, "last = entry"), (_FLAT, "units = last * height * width if config else 0")),
        ),
        Mistake(
            "pooling not counted",
            "The poolings have no effect: the first affine layer is counted as if all maps were as large as the image.",
            ((_HALVED, "pass"),),
        ),
        Mistake(
            "pooled along one axis",
            "The poolings halve the height only. The width is halved as well.",
            ((_HALVED, "height = height // 2"),),
        ),
        Mistake(
            "pooling rounds up",
            "Odd sizes are rounded up. A window that does not fit as a whole is left out.",
            ((_HALVED, "height, width = -(-height // 2), -(-width // 2)"),),
        ),
        Mistake(
            "rounded once, at the end",
            "The size is rounded after all poolings. Each of them rounds down by itself.",
            (
                (_HALVED, "height, width = height / 2, width / 2"),
                (_FLAT, "units = channels * round(height) * round(width)"),
            ),
        ),
        Mistake(
            "images taken for square",
            "The images are taken for square: both the height and the width are needed.",
            ((_FLAT, "units = channels * height**2"),),
        ),
        Mistake(
            "pooled to one number",
            "The first affine layer is counted as if each map had a single number. It sees all places of all maps.",
            ((_FLAT, "units = channels"),),
        ),
        Mistake(
            "poolings have weights",
            "The poolings are counted as if they had weights. A maximum has none.",
            ((_HALVED, f"total += 2 * 2 * channels\n            {_HALVED}"),),
        ),
        Mistake(
            "last layer forgotten",
            "The last affine layer is missing, the one whose outputs are the scores of the classes.",
            ((_LAST, "for outputs in hidden_dims:"),),
        ),
        Mistake(
            "hidden layers forgotten",
            "The hidden affine layers are missing: only the one that gives the scores is counted.",
            ((_LAST, "for outputs in [num_classes]:"),),
        ),
    ),
)


def _calls(stacks):
    return [Case((layers,), take=(0, 1)) for layers in stacks]


def _layers(rng, count, strides, sizes):
    """Layers as pairs (size, stride) of different sizes, the strides in an order that matters."""
    chosen = [int(k) for k in rng.choice(sizes, size=count, replace=False)]
    return [(k, int(s)) for k, s in zip(chosen, strides, strict=True)]


def _stacks(rng):
    return _calls([_layers(rng, 3, (1, 1, 1), (3, 5, 7, 9)), [(3, 1)] * int(rng.integers(2, 6))])


def _strides(rng):
    return _calls(_layers(rng, 4, strides, (4, 5, 7, 9)) for strides in ((2, 1, 3, 1), (1, 2, 2, 3)))


def _poolings(rng):
    """Stages as in VGG: convolutions, then windows of 2 x 2 that do not overlap."""
    cases = []
    for _ in range(2):
        counts = rng.integers(1, 4, size=3)
        cases.append([layer for n in counts for layer in (*[(3, 1)] * int(n), (2, 2))])
    return _calls(cases)


def _edges(rng):
    return _calls([[], [(5, 1), (1, int(rng.integers(2, 4))), (3, 2), (1, 1)]])


_GROWN = "field += (size - 1) * jump"
_JUMP = "jump *= stride"
_BOTH = f"{_GROWN}\n        {_JUMP}"
_START = "field, jump = 1, 1"
_FIELD = (0,)

RECEPTIVE_FIELD = Check(
    "receptive_field",
    (
        Property("Stride 1: the field", 0.5, _stacks, outputs=_FIELD, **EXACT),
        Property("Several strides: the field", 1, _strides, outputs=_FIELD, **EXACT),
        Property("Several strides: the jump", 0.5, _strides, outputs=(1,), **EXACT),
        Property("Convolutions and poolings, as in VGG", 0.5, _poolings, **EXACT),
        Property("No layers at all, 1 × 1 filters with a stride", 0.5, _edges, **EXACT),
    ),
    (
        Mistake(
            "strides have no effect on the field",
            "The field grows as if all strides were 1. After a stride, neighbours are further apart in the image, so "
            "the next window reaches further.",
            ((_GROWN, "field += size - 1"),),
        ),
        Mistake(
            "stride of the layer itself",
            "A layer's own stride has an effect on its field. How far a window reaches depends on how far apart its "
            "inputs are, which only the layers before decide.",
            ((_BOTH, f"{_JUMP}\n        {_GROWN}"),),
        ),
        Mistake(
            "last stride only",
            "The jump is the stride of the last layer. Strides multiply: two of 2 make neighbours 4 pixels apart.",
            ((_JUMP, "jump = stride"),),
        ),
        Mistake(
            "jumps added",
            "The jump adds up the strides. They multiply: each stride counts in steps of the layer before.",
            ((_JUMP, "jump += stride - 1"),),
        ),
        Mistake(
            "starts at nothing",
            "The field is too small by one: before any layer, a number sees one pixel, itself.",
            ((_START, "field, jump = 0, 1"),),
        ),
        Mistake(
            "windows added",
            "The field adds whole windows. Stacked windows overlap: the first place of a window is counted already.",
            ((_GROWN, "field += size * jump"),),
        ),
        Mistake(
            "windows multiplied",
            "The field multiplies the sizes of the windows, as if they lay side by side. They overlap.",
            ((_GROWN, "field *= size"),),
        ),
        Mistake(
            "largest window",
            "The field is the largest window. Each layer adds to what the layers before see.",
            ((_GROWN, "field = max(field, size)"),),
        ),
        Mistake(
            "poolings left out",
            "Layers whose windows do not overlap, such as poolings, are left out. They see more than one number, and "
            "their stride counts.",
            ((_GROWN, f"if 1 < size == stride:\n            continue\n        {_GROWN}"),),
        ),
        Mistake(
            "formula for the other direction",
            "This is the formula for going from the last layer to the first, used from the first to the last.",
            ((_GROWN, "field = (field - 1) * stride + size"),),
        ),
        Mistake(
            "no jump",
            "The field is right, but the jump is always 1: how far apart in the image are two neighbours of the last "
            "layer?",
            ((_BOTH, "field += (size - 1) * apart\n        apart *= stride"), (_START, "field, jump, apart = 1, 1, 1")),
        ),
    ),
)
