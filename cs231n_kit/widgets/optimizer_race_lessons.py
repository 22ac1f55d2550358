"""What to see in the optimizer race: settings for each lesson, and a sentence or two about them."""

from typing import NamedTuple


class Lesson(NamedTuple):
    """``settings`` are entries of a race's state; the others have their defaults."""

    title: str
    text: str
    settings: dict


LESSONS = {
    "zigzag": Lesson(
        "Zigzag",
        "The bowl is 40 times as curved across as along. SGD must go slowly enough for the steep direction, where it "
        "bounces from wall to wall, and is then far too slow for the flat one. Raise its rate past 0.05 and see it fly "
        "out; set the condition number to 1 and see the zigzag go.",
        {"racers": ["sgd"], "settings": {"sgd": {"learning_rate": 0.047}}},
    ),
    "momentum": Lesson(
        "Momentum overshoots",
        "A heavy ball: bounces cancel, the way along adds up, and it arrives long before SGD. But it cannot stop: "
        "it runs past the minimum and swings back. Nesterov's look ahead brakes earlier. Try momentum 0.5 and 0.98.",
        {
            "racers": ["sgd", "sgd_momentum", "nesterov"],
            "settings": {
                "sgd": {"learning_rate": 0.02},
                "sgd_momentum": {"learning_rate": 0.02},
                "nesterov": {"learning_rate": 0.02},
            },
        },
    ),
    "adagrad": Lesson(
        "AdaGrad slows down for good",
        "AdaGrad divides by the root of all squared gradients so far. That sum only grows, so its steps only shrink: "
        "the large gradients of the first steps brake it for ever. RMSProp forgets them.",
        {
            "surface": "ravine",
            "racers": ["adagrad", "rmsprop"],
            "settings": {"adagrad": {"learning_rate": 0.1}, "rmsprop": {"learning_rate": 0.02}},
        },
    ),
    "ravine": Lesson(
        "Along a ravine",
        "The floor of the curved valley is flat, its walls are steep. RMSProp and Adam take steps of about their "
        "learning rate wherever they are, so they do not slow down on the floor; RMSProp then shivers across it, and "
        "Adam's average calms that.",
        {"surface": "ravine", "racers": ["sgd", "sgd_momentum", "rmsprop", "adam"]},
    ),
    "turned": Lesson(
        "Turn the bowl",
        "AdaGrad, RMSProp and Adam scale each coordinate on its own. While the bowl lies along the axes that undoes "
        "the condition number at once. Now it lies askew, and they lose most of that. SGD and momentum do not care how "
        "it lies: turn it and see.",
        {
            "condition": 100.0,
            "angle": 45.0,
            "start": [-1.1, -0.4],
            "racers": ["sgd", "sgd_momentum", "adagrad", "rmsprop", "adam"],
            "settings": {"sgd": {"learning_rate": 0.018}, "sgd_momentum": {"learning_rate": 0.01}},
        },
    ),
    "saddle": Lesson(
        "Saddle: who escapes",
        "The start is almost on the ridge, and the slope away from it is almost nothing. SGD takes steps as small as "
        "that slope and sits at the saddle for long. Adam and the others that divide by the size of the slope leave at "
        "once. Drag the start onto the ridge, y = 0: who gets off it now?",
        {"surface": "saddle", "start": [-1.4, 0.001]},
    ),
    "noise": Lesson(
        "Noise and a decaying rate",
        "Gradients of minibatches are noisy, and at a constant rate SGD never settles: it wanders about the minimum. "
        "Choose a schedule that falls, and it settles. Switch back to constant with a smaller rate: calm, but slow.",
        {
            "condition": 5.0,
            "noise": 1.0,
            "seed": 3,
            "racers": ["sgd"],
            "steps": 200,
            "settings": {"sgd": {"learning_rate": 0.3}},
        },
    ),
    "beale": Lesson(
        "All six on Beale's function",
        "Flat plateaus, steep walls, one minimum at (3, 0.5). Drag the start about: which of them depends on it most? "
        "From some places the plain ones are thrown out by the walls' huge gradients.",
        {"surface": "beale"},
    ),
}
