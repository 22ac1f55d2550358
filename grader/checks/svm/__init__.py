"""How assignment 1's notebook `svm` is judged.

No margin lies near the hinge's kink, so that every convention for the slope there is right.
"""

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .losses import NAIVE, VECTORIZED
from .training import PREDICT, TRAIN

TRAINED = TrainedCheck(
    "svm_trained",
    "classify",
    steps=(1, 1, 1, 1),
    data={
        "cifar10": OnData((0.25, 0.30, 0.33, 0.36), {"W": (3073, 10), "mean": (3072,), "spread": ()}, mirrored=True),
        "digits": OnData((0.75, 0.85, 0.90, 0.93), {"W": (65, 10), "mean": (64,), "spread": ()}),
    },
)

CHECKS = NotebookChecks(checks=(NAIVE, VECTORIZED, TRAIN, PREDICT), masked=MASKED, trained=(TRAINED,))
