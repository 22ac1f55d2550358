"""How assignment 1's notebook `two_layer_net` is judged.

Backward passes are tried on what the student's own forward passes keep, and failing that on the cache of the text. No
number lies near a kink, except where the property is about the kink.
"""

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .affine import AFFINE_BACKWARD, AFFINE_FORWARD
from .losses import SOFTMAX, SVM
from .network import NETWORK
from .relu import RELU_BACKWARD, RELU_FORWARD

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
    "two_layer_net_trained",
    "classify",
    steps=(1, 1, 1, 1),
    data={
        "cifar10": OnData((0.35, 0.42, 0.47, 0.50), _shapes(3072), mirrored=True),
        "digits": OnData((0.80, 0.88, 0.92, 0.94), _shapes(64)),
    },
)

CHECKS = NotebookChecks(
    checks=(AFFINE_FORWARD, AFFINE_BACKWARD, RELU_FORWARD, RELU_BACKWARD, SVM, SOFTMAX, NETWORK),
    masked=MASKED,
    trained=(TRAINED,),
)
