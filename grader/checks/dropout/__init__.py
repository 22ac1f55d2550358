"""How assignment 2's notebook `dropout` is judged.

Which units a generator drops is nobody's mistake: what is looked at are shares, factors and their spread, and whether
the backward pass drops what the student's own forward pass dropped.
"""

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .backward import DROPOUT_BACKWARD
from .forward import DROPOUT_FORWARD

_UNITS = 1000  # of the hidden layer, at most


def _shapes(features: int) -> dict[str, tuple[int, ...]]:
    return {
        "W1": (features, -_UNITS),
        "b1": (-_UNITS,),
        "W2": (-_UNITS, 10),
        "b2": (10,),
        "mean": (features,),
        "spread": (),
    }


TRAINED = TrainedCheck(
    "dropout_trained",
    "classify",
    steps=(1, 1, 1),
    data={
        "cifar10": OnData((0.32, 0.36, 0.39), _shapes(3072), mirrored=True),
        "digits": OnData((0.75, 0.82, 0.86), _shapes(64)),
    },
)

CHECKS = NotebookChecks(checks=(DROPOUT_FORWARD, DROPOUT_BACKWARD), masked=MASKED, trained=(TRAINED,))
