"""What to see in the network playground: settings for each lesson, and a sentence or two about them."""

from typing import NamedTuple


class Lesson(NamedTuple):
    """``settings`` are entries of a playground's state; the others have their defaults."""

    title: str
    text: str
    settings: dict


def _layers(count, units, activation, initialize="he_normal"):
    return [{"units": units, "activation": activation, "initialize": initialize}] * count


_NOISY_MOONS = {"preset": "moons", "classes": 2, "points_per_class": 30, "noise": 0.3, "test_share": 0.5}

LESSONS = {
    "spiral": Lesson(
        "Bend the plane",
        "No line separates the arms of a spiral. Each unit of the first layer is one fold along one line; the "
        "second layer folds what is folded already. Watch the units' pictures become curved from left to "
        "right.",
        {},
    ),
    "linear": Lesson(
        "Layers without activation",
        "Twelve hidden units, and still only straight borders: a product of matrices is a matrix, so a stack "
        "of linear layers is one linear layer. Set both activations to tanh and play on.",
        {"preset": "xor", "classes": 2, "noise": 0.05, "layers": _layers(2, 6, "linear")},
    ),
    "feature": Lesson(
        "A better input",
        "The same data without any hidden layer: given the product x1x2 as input, a linear classifier is "
        "enough. Networks learn such features where we cannot think of them.",
        {"preset": "xor", "classes": 2, "noise": 0.05, "layers": [], "features": ["x1x2"], "learning_rate": 0.03},
    ),
    "zeros": Lesson(
        "Everything zero",
        "With all weights zero, every unit puts out zero and every weight's gradient is zero, so nothing is "
        "ever learned but the biases of the scores. Random numbers break the symmetry: choose another start "
        "for the layers.",
        {
            "layers": _layers(2, 6, "tanh", "zeros"),
            "output_initialize": "zeros",
            "points_per_class": 40,
        },
    ),
    "dead": Lesson(
        "Dead ReLUs",
        "At this learning rate one step throws units so far that they put out 0 for every training point. "
        "Their gradient is 0 then, so they never come back. Lower the rate and press Restart, or try leaky "
        "ReLUs.",
        {"optimizer": "sgd", "learning_rate": 3.0},
    ),
    "vanishing": Lesson(
        "Gradients that vanish",
        "Six sigmoid layers: each multiplies the gradient by at most 1/4 on its way back. Compare the "
        "gradients written under the layers. Set the activations to ReLU with He's start, and the first "
        "layers learn too.",
        {
            "preset": "circles",
            "classes": 2,
            "layers": _layers(6, 6, "sigmoid", "inverse_sqrt"),
            "optimizer": "sgd",
            "learning_rate": 0.1,
        },
    ),
    "overfitting": Lesson(
        "Learning by heart",
        "A large network and thirty noisy points: the training loss goes to zero, while the test loss turns "
        "and rises. The border winds around single points.",
        {**_NOISY_MOONS, "layers": _layers(2, 16, "relu")},
    ),
    "decay": Lesson(
        "The same with weight decay",
        "The same large network with an L2 penalty: weights stay small, the border stays smooth, and the test "
        "loss stays low.",
        {**_NOISY_MOONS, "layers": _layers(2, 16, "relu"), "l2": 0.02},
    ),
    "divergence": Lesson(
        "Too fast",
        "Every step overshoots by more than the last one, until the numbers are too large for the computer. "
        "Training then stops and takes its last step back. Divide the learning rate by ten and press Restart.",
        {"layers": _layers(3, 8, "linear"), "optimizer": "sgd", "learning_rate": 3.0},
    ),
}
