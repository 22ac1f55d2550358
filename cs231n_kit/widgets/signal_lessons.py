"""What to see in ``SignalThroughDepth``: settings for each lesson, and a sentence or two about them."""

from cs231n_kit.widgets.playground_lessons import Lesson

LESSONS = {
    "zeros": Lesson(
        "All zeros: no symmetry breaking",
        "Every unit of a layer computes the same, here 0, and gets the same gradient, so all of them stay copies of "
        "one unit. Press Train: nothing but the biases of the scores ever changes.",
        {"activation": "tanh", "initialize": "zeros"},
    ),
    "constant": Lesson(
        "All equal: copies that learn",
        "One constant for all weights: press Train, and the loss falls. But each layer has one distinct unit before "
        "training and after it, so that this is a network of width one.",
        {"activation": "tanh", "initialize": "constant", "scale": 0.02, "depth": 3},
    ),
    "too_small": Lesson(
        "Too small: the signal dies",
        "Weights of standard deviation 0.01 and 100 inputs to each unit: every layer passes on a tenth of what it "
        "gets, forward and backward. Drag the scale and watch where the lines become level.",
        {"activation": "tanh", "initialize": "small_normal", "scale": 0.01},
    ),
    "too_large": Lesson(
        "Too large: tanh saturates",
        "Weights of standard deviation 1: most outputs are pressed against -1 or +1, where tanh is flat and stops the "
        "gradient. The few units between pass it on multiplied, layer after layer: gradients are wild, and training "
        "gets nowhere.",
        {"activation": "tanh", "initialize": "small_normal", "scale": 1.0},
    ),
    "inverse_sqrt": Lesson(
        "1/√n with tanh: fine",
        "A variance of 1/n makes up for adding n terms. Outputs shrink only slowly with depth, and gradients of all "
        "layers are of one size. Change the width: nothing happens, which is the point.",
        {"activation": "tanh", "initialize": "inverse_sqrt"},
    ),
    "relu": Lesson(
        "1/√n with ReLU: dies by half each layer",
        "The ReLU cuts off half of the signal's power, and 1/√n does not know about it: the mean square halves in each "
        "layer, the standard deviation falls by √2. Choose √(2/n).",
        {"activation": "relu", "initialize": "inverse_sqrt", "depth": 20},
    ),
    "he": Lesson(
        "√(2/n) with ReLU",
        "The factor 2 makes up for the half that the ReLU cuts off: the standard deviation keeps its size for twenty "
        "layers. Half of the outputs are 0. In deep layers inputs look more and more alike (the dotted line falls), "
        "and some units are off for all of them.",
        {"activation": "relu", "initialize": "he_normal", "depth": 20},
    ),
    "sigmoid": Lesson(
        "Sigmoid: half on, and flat",
        "Outputs lie around 0.5 rather than 0, and the slope is 1/4 at best: what distinguishes inputs shrinks in each "
        "layer, gradients as well. Take off one layer after another until it learns.",
        {"activation": "sigmoid", "initialize": "xavier_uniform"},
    ),
    "batch_norm": Lesson(
        "A bad start, rescued by batch normalisation",
        'The weights of "too small", but each unit is centred and scaled over the batch before its activation: all '
        "layers look alike again. Set the normalisation to none to see what it does.",
        {"activation": "tanh", "initialize": "small_normal", "scale": 0.01, "normalization": "batch"},
    ),
    "dead": Lesson(
        "Learning rate too high: dead units",
        "Press Train and watch the red bars. The inputs are not zero-centred, so all examples push a unit the same "
        "way, and large steps push it so far that it puts out 0 for every input. Its gradient is 0 then, and it hardly "
        "ever comes back. Divide the rate by a hundred and press Restart; try leaky ReLUs, or centred inputs.",
        {
            "activation": "relu",
            "initialize": "he_normal",
            "depth": 3,
            "inputs": "shifted",
            "learning_rate": 0.2,
            "pace": "slow",
        },
    ),
    "inputs": Lesson(
        "Inputs that are badly scaled",
        "A good initialisation expects inputs of mean 0 and standard deviation 1. These range from 0.01 to 100: the "
        "first layer saturates at once. Choose the unit Gaussian, or normalise the layers.",
        {"activation": "tanh", "initialize": "inverse_sqrt", "inputs": "badly_scaled"},
    ),
}
