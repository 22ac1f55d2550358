"""How assignment 1's notebook `softmax` is judged.

Scores are moderate in all cases but those about overflow, which have points of their own.
"""

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .losses import NAIVE, VECTORIZED

TRAINED = TrainedCheck(
    "softmax_trained",
    "classify",
    steps=(1, 1, 1, 1),
    data={
        "cifar10": OnData((0.25, 0.30, 0.33, 0.36), {"W": (3073, 10), "mean": (3072,), "spread": ()}, mirrored=True),
        "digits": OnData((0.75, 0.85, 0.90, 0.93), {"W": (65, 10), "mean": (64,), "spread": ()}),
    },
)

CHECKS = NotebookChecks(checks=(NAIVE, VECTORIZED), masked=(*MASKED, "scipy.special"), trained=(TRAINED,))
