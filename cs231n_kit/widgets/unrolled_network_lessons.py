"""What to see in ``UnrolledNetwork``: settings for each lesson, and a sentence or two about them."""

from cs231n_kit.widgets.playground_lessons import Lesson
from cs231n_kit.widgets.unrolled_network_state import complete_state

LONG = "hello hello hello"
# One unit that takes the number 1 in, keeps it, and shows it: gates i, f, o, g; the forget bias comes on top.
MEMORY = {"lstm": {"Wx": [[8, 0, 0, 4]], "Wh": [[0, 0, 0, 0]], "b": [-4, 0, 4, 0], "Wy": [[1.3]], "by": [0]}}

LESSONS = {
    "same": Lesson(
        "The same weights at every step",
        "One set of weights, drawn once below, used at every step: point at Wh there, and all its places in the "
        "picture light up. Drag one of its numbers sideways: every hidden state from the second on changes.",
        {"step": 8},
    ),
    "twice": Lesson(
        "Twice the same letter",
        "Steps 3 and 4 read the same l, but l must follow the first and o the second. Only h can tell them "
        "apart. Press Learn and compare the two columns: the same x, another h, another output.",
        {"step": 8},
    ),
    "sum": Lesson(
        "Gradients add up over time",
        "Press Play. Each loss sends its gradient to its own h, where it joins what comes from later steps. Each step "
        "leaves its part of the chosen weight's gradient as a bar below; the weight is one, so the parts are summed.",
        {"step": 9},
    ),
    "truncate": Lesson(
        "Truncated: cut after k steps",
        "Long sequences are learned in pieces: gradients stop at the scissors. Hollow bars are what each step would "
        "have given: the sum is another one. Move the cut, and count the last loss only: what can still be learned?",
        {"sequence": LONG, "scale": 1.4, "window": 4, "chosen": ["Wh", 0, 1]},
    ),
    "vanish": Lesson(
        "Why it vanishes",
        "Only the last step has a loss. On its way back its gradient is multiplied by Wh and by 1 − h² at every step: "
        "red lines get thin, and the curve falls by a factor each step. Raise the scale of Wh: where does it stay "
        "level, and why does it fall again beyond? Look at h.",
        {"sequence": LONG, "losses": [16], "scale": 0.6},
    ),
    "explode": Lesson(
        "Why it explodes, and clipping",
        "Small inputs leave tanh straight, and Wh makes everything 1.8 times as large at each step. The whole gradient "
        "comes out beyond the limit, and clipping scales it down to it. Larger inputs press h to ±1: what then?",
        {
            "reads": "numbers",
            "sequence": "0.01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3",
            "scale": 1.8,
            "losses": [11],
            "clip": 5.0,
        },
    ),
    "forget": Lesson(
        "What the forget gate does",
        "A memory of one unit: the 1 opens the input gate, and its trace stays in c as long as the forget gate is "
        "open. Move the forget bias: at 6 it stays, at 0 half of it is lost at every step. Then add a second 1.",
        {
            "cell": "lstm",
            "reads": "numbers",
            "sequence": "1, 0, 0, 0, 0, 0, 0, 1",
            "hidden": 1,
            "losses": [7],
            "forget_bias": 3.0,
            "weights": MEMORY,
            "chosen": ["b", 0, 1],
        },
    ),
    "highway": Lesson(
        "The LSTM's highway",
        "The same sequence and loss as in Why it vanishes. From c to c a gradient is only multiplied by the forget "
        "gate. Open it with its bias and compare the curves: whatever Wh does, the cell state's stays in reach.",
        {"cell": "lstm", "sequence": LONG, "losses": [16], "scale": 0.6, "forget_bias": 4.0},
    ),
}


def lesson_settings(name):
    """All settings of a lesson, as a complete state."""
    return complete_state(LESSONS[name].settings | {"lesson": name})
