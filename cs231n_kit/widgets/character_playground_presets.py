"""Texts to begin with in the character playground, with settings that suit them, and a word about each."""

from typing import NamedTuple

import numpy as np


class Preset(NamedTuple):
    """``settings`` are entries of a playground's state; the others have their defaults."""

    title: str
    text: str
    settings: dict


RHYME = """\
One grey cat sat on the mat.
Two small bats sat on the cat.
Three white mice ran over the ice,
and the cat and the bats said, "That looks nice."

One grey cat ran over the ice.
Two small bats ran after the mice.
Three white mice sat down on the mat,
and the mice said, "Nice!" to the bats and the cat.

One grey cat fell into the sea.
Two small bats flew up to a tree.
Three white mice made a boat of the mat,
and the mice and the bats went to look for the cat.
"""


def sums():
    """All sums of two digits from 1 to 9, in a random order, twice."""
    pairs = [(a, b) for a in range(1, 10) for b in range(1, 10)] * 2
    order = np.random.default_rng(0).permutation(len(pairs))
    return "".join(f"{a}+{b}={a + b}\n" for a, b in (pairs[index] for index in order))


PRESETS = {
    "rhyme": Preset(
        "A rhyme",
        "Watch the samples: first the common letters, then words, then whole lines. Is what it writes new, or copied? "
        "The dashed line is the loss on the end of the text, which it never reads.",
        {"text": RHYME, "prefix": "One "},
    ),
    "word": Preset(
        "One word, again and again",
        "After “l” comes “l” or “o”: the letter alone does not say, the state must. Look at the probabilities after "
        "“hel” and after “hell”.",
        {"text": "hello " * 40, "prefix": "hel", "units": 8},
    ),
    "counting": Preset(
        "Counting",
        "Numbers from 1 to 500. Does it go on beyond a number that you type, or write any number at all? What does the "
        "loss on the unread end of the text say?",
        {"text": " ".join(map(str, range(1, 501))), "prefix": "17 18 ", "temperature": 0.3},
    ),
    "sums": Preset(
        "Sums",
        "All sums of two digits. Train until the loss stands still, then ask: type 6+7= and look at the probabilities. "
        "What follows = can be known; what follows a line's end cannot, and the loss never reaches 0.",
        {"text": sums(), "prefix": "6+7=", "temperature": 0.3},
    ),
    "rnn": Preset(
        "A vanilla RNN",
        "The rhyme again, with an RNN. It learns quickly what lies a few letters back. Compare the loss with the "
        "LSTM's after as many updates.",
        {"text": RHYME, "prefix": "One ", "cell": "RNN", "learning_rate": 0.003},
    ),
    "unclipped": Preset(
        "Large steps, not clipped",
        "Plain SGD with a rate of 2, and no clipping: see what the norm of the gradient does, and the loss. Then set "
        "the clip norm to 0.5 and start anew.",
        {
            "text": RHYME,
            "prefix": "One ",
            "cell": "RNN",
            "optimizer": "sgd",
            "learning_rate": 2.0,
            "clip_norm": 0.0,
            "length": 50,
        },
    ),
}
