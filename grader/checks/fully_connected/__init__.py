"""How assignment 2's notebook `fully_connected` is judged.

The notebook gives the layers and the loss of assignment 1's `two_layer_net`, in short, since networks need them again:
release it after that assignment is due. Whether rules and network work together is seen where they learn fifty
examples by heart; everything else is judged one call, or a few steps, at a time.
"""

from itertools import pairwise

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .adam import ADAM
from .heart import HEART
from .network import NETWORK
from .optimizers import MOMENTUM, RMSPROP

_UNITS = 500  # of a hidden layer, at most


def _shapes(features: int) -> dict[str, tuple[int, ...]]:
    sizes = [features, *[-_UNITS] * 4, 10]
    shapes = {"mean": (features,), "spread": ()}
    for layer, (into, out) in enumerate(pairwise(sizes), start=1):
        shapes |= {f"W{layer}": (into, out), f"b{layer}": (out,)}
    return shapes


TRAINED = TrainedCheck(
    "fully_connected_trained",
    "classify",
    steps=(1, 1, 1, 1),
    data={
        "cifar10": OnData((0.35, 0.42, 0.46, 0.50), _shapes(3072), mirrored=True),
        "digits": OnData((0.80, 0.88, 0.92, 0.94), _shapes(64)),
    },
)

CHECKS = NotebookChecks(
    checks=(MOMENTUM, RMSPROP, ADAM, NETWORK, HEART),
    masked=MASKED,
    trained=(TRAINED,),
)
