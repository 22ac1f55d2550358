"""Networks to begin with in the architecture playground, fitted to the size of the images, and a word about each."""

import math
from typing import NamedTuple


class Preset(NamedTuple):
    """``settings`` are entries of a playground's state; the others have their defaults."""

    title: str
    text: str
    settings: dict


def stages(input_shape, most=3):
    """How many POOLs leave at least 2 x 2 pixels of images (C, H, W): 3 for CIFAR-10, 2 for the 8 x 8 digits."""
    return max(1, min(most, int(math.log2(min(input_shape[1:]) / 2))))


def default_architecture(input_shape):
    """A small VGG network that fits images (C, H, W)."""
    return f"[[CONV->RELU]*2->POOL]*{stages(input_shape)}->[FC->RELU]*1->FC"


def presets(input_shape):
    """{name: Preset} for images (C, H, W)."""
    depth = stages(input_shape)
    return {
        "vgg": Preset(
            "A small VGG network",
            "Two convolutions, then POOL, again and again: maps become fewer pixels, but more of them, and every unit "
            "sees more of the image. Compare the columns: the first layers hold the memory and do the work, the first "
            "FC has most of the parameters.",
            {"architecture": default_architecture(input_shape)},
        ),
        "linear": Preset(
            "A linear classifier",
            "One FC and nothing else: a single template for each class. Train it and look at the templates below: the "
            "L2 penalty wipes out the random start, and what stays is a blurred average, for one picture must do for "
            "all poses of a class.",
            {"architecture": "FC", "learning_rate": 0.0003, "regularization": 0.3},
        ),
        "fully_connected": Preset(
            "Fully connected",
            "Two hidden layers, each unit joined to every pixel. Such a network does not know that pixels have "
            "neighbours: it has many parameters and learns each pattern for each place anew.",
            {"architecture": "[FC->RELU]*2->FC"},
        ),
        "one_block": Preset(
            "One convolution",
            "A few small filters, slid over the whole image. They have few parameters, and within some hundred updates "
            "on CIFAR-10 the noise in them gives way to edges and colours. The L2 penalty smooths them: see what "
            "they become without it.",
            {
                "architecture": "CONV5->RELU->POOL3->FC",
                "optimizer": "sgd_momentum",
                "learning_rate": 0.01,
                "regularization": 0.03,
            },
        ),
        "three_by_three": Preset(
            "Three small or one large",
            "Three CONV3 on top of each other see 7 × 7 pixels, as one CONV7 does: 27 C² parameters instead of 49 C² "
            "for C channels in and out, and three ReLUs instead of one. Write CONV7->RELU in their place and compare.",
            {"architecture": "[CONV3->RELU]*3->POOL->FC"},
        ),
        "batch_norm": Preset(
            "With batch normalisation",
            "BN between CONV and RELU gives every map mean 0 and variance 1 over the batch. Set a learning rate ten "
            "times as high, here and without BN, and see which one bears it better.",
            {"architecture": f"[[CONV->BN->RELU]*2->POOL]*{depth}->[FC->RELU]*1->FC", "learning_rate": 0.003},
        ),
        "sigmoid": Preset(
            "With sigmoids",
            "The same network with SIGMOID for RELU. Switch to gradients and walk from the last layer to the first: "
            "each sigmoid multiplies them by 1/4 at most, and the filters hardly learn. Put RELU back in.",
            {"architecture": f"[[CONV->SIGMOID]*2->POOL]*{depth}->[FC->SIGMOID]*1->FC"},
        ),
        "no_pool": Preset(
            "Without POOL",
            "Leave out POOL, and the FC at the end must read every pixel of every map: see what becomes of its "
            "parameters, and how slowly the receptive field grows.",
            {"architecture": "[CONV->RELU]*3->FC"},
        ),
    }
