"""What to see in the convolution playground: settings for each lesson, and a sentence or two about them."""

from typing import NamedTuple


class Lesson(NamedTuple):
    """``settings`` are entries of a playground's state; the others have their defaults."""

    title: str
    text: str
    settings: dict


def _layers(*dilations, size=3, stride=1):
    return [
        {"size": size, "stride": stride, "pad": dilation * (size // 2), "dilation": dilation} for dilation in dilations
    ]


LESSONS = {
    "dot product": Lesson(
        "A sliding dot product",
        "One output is the sum over a window of pixel times weight, plus a bias. Step on and read each sum; click a "
        "number to change it.",
        {"step": 1},
    ),
    "volume": Lesson(
        "Full depth, several filters",
        "A filter has one slice for each channel of the input, and one bias; all its products make one number. Every "
        "filter makes one map, and the maps are the channels of the output.",
        {"channels": 3, "filters": 2, "kernels": ["mixed", "outline"], "b": [1.0, 0.0], "pad": 1, "stride": 2},
    ),
    "edges": Lesson(
        "Edge detectors on an image",
        "Weights that add up to 0 answer 0 where the image is even, and strongly where it changes: one filter for "
        "vertical, one for horizontal edges. Try the other kernels.",
        {"input": "cat", "height": 24, "width": 24, "filters": 2, "kernels": ["vertical edges", "horizontal edges"]},
    ),
    "blur": Lesson(
        "Blur and sharpen",
        "A blur is the mean of a window; sharpening adds what the blur takes away. Make the window larger and see "
        "the blur grow.",
        {"input": "cat", "height": 24, "width": 24, "filters": 2, "kernels": ["box blur", "sharpen"], "pad": 1},
    ),
    "one pixel": Lesson(
        "The kernel, turned round",
        "A single bright pixel is met by the last weight first: the output shows the kernel turned by half a turn, "
        "since the kernel is not flipped (a cross-correlation, as everywhere in deep learning).",
        {"input": "one pixel", "kernels": ["1, 2, 3, ..."]},
    ),
    "padding": Lesson(
        "Padding keeps the size",
        "With padding P = (F − 1) / 2 and stride 1 the output is as large as the input, so that layers can be "
        "stacked without shrinking. Move F to 5 and see which P is needed.",
        {"pad": 1},
    ),
    "stride": Lesson(
        "A stride that does not divide",
        "Windows of 3 in steps of 3 do not fill 7 pixels. Course notes call this an error; libraries round down and "
        "never look at the rest. Try the remedies.",
        {"height": 7, "width": 7, "stride": 3},
    ),
    "dilation": Lesson(
        "Dilation spreads the window",
        "Nine weights that look at every second pixel: a window of 5 × 5 for the price of 3 × 3.",
        {"height": 7, "width": 7, "dilation": 2, "step": 5},
    ),
    "pointwise": Lesson(
        "1 × 1 convolutions mix channels",
        "A window of one pixel sees no neighbours, only all channels of its pixel. Here the three channels of a "
        "colour image become their mean and a difference of red and blue.",
        {
            "input": "cat",
            "channels": 3,
            "height": 24,
            "width": 24,
            "size": 1,
            "filters": 2,
            "kernels": ["box blur", "own"],
            "w": [None, [[[1.0]], [[0.0]], [[-1.0]]]],
        },
    ),
    "fully connected": Lesson(
        "A fully connected layer",
        "A filter as large as the input fits once: its output is a dot product with all pixels. Three such filters "
        "are a fully connected layer with three outputs.",
        {"height": 4, "width": 4, "size": 4, "filters": 3, "kernels": ["mixed", "1, 2, 3, ...", "box blur"]},
    ),
    "backward": Lesson(
        "Backward: the kernel is stamped",
        "The gradient of one output goes to each pixel of its window times the weight there, and to each weight "
        "times its pixel. Step on: where windows overlap, gradients add up.",
        {"view": "backward", "height": 4, "width": 4, "step": 1},
    ),
    "flipped": Lesson(
        "Backward: the flipped kernel",
        "Point at the middle of dx: its sum pairs the first dout with the last weight, and so on: the kernel is turned "
        "by half a turn. So the backward pass is a convolution as well, of dout, padded by F − 1.",
        {"view": "backward", "kernels": ["1, 2, 3, ..."]},
    ),
    "weight gradient": Lesson(
        "Backward: shared weights",
        "Every window used the same weights, so every output sends them a gradient. Point at a cell of dw: it is dout "
        "times the pixels that this weight met. The bias gets the sum of dout.",
        {"view": "backward", "input": "ramp", "upstream": "ones"},
    ),
    "max pooling": Lesson(
        "Max pooling",
        "Each window of 2 × 2 keeps its largest number, in every channel by itself: a quarter of the activations, and "
        "no parameters. Dots mark the switches: where each maximum was.",
        {"operation": "max", "height": 4, "width": 4, "channels": 2, "size": 2, "stride": 2},
    ),
    "switches": Lesson(
        "Backward: max pooling routes",
        "The gradient of an output goes to the place of the maximum and nowhere else. These windows overlap: a pixel "
        "that is the maximum of several gets the sum.",
        {
            "operation": "max",
            "view": "backward",
            "input": "own",
            "x": [[[2, 0, 5, 1, 3], [1, 9, 4, 2, 0], [6, 3, 1, 8, 2], [0, 7, 2, 3, 4], [5, 1, 0, 6, 1]]],
            "upstream": "own",
            "dout": [[[1, 2, 3], [1, 1, 2], [2, 1, 3]]],
        },
    ),
    "average pooling": Lesson(
        "Backward: average pooling shares",
        "A mean gives each pixel of the window the same part of the gradient: a convolution whose weights are all 1 "
        "/ F² and never learned.",
        {"operation": "average", "view": "backward", "height": 4, "width": 4, "size": 2, "stride": 2},
    ),
    "stack": Lesson(
        "Three 3 × 3 see 7 × 7",
        "Each layer adds F − 1 pixels to what a unit sees. Three layers of 3 × 3 reach as far as one of 7 × 7, with "
        "27 weights for a pair of channels instead of 49. Click a unit of the last layer.",
        {"view": "receptive field", "layers": _layers(1, 1, 1)},
    ),
    "strides": Lesson(
        "Strides multiply",
        "After a layer of stride 2, a step of one unit is a step of two pixels: later layers reach twice, four times, "
        "eight times as far.",
        {"view": "receptive field", "layers": _layers(1, 1, 1, 1, stride=2), "field_side": 32},
    ),
    "dilated stack": Lesson(
        "Dilations 1, 2, 4",
        "Doubling the dilation from layer to layer, three layers of 3 × 3 see 15 × 15 pixels without a gap, and no "
        "map shrinks.",
        {"view": "receptive field", "layers": _layers(1, 2, 4), "field_side": 19},
    ),
}
