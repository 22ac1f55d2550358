"""How assignment 2's notebook `normalization` is judged.

Features and examples of all cases have means and spreads of their own, so that no wrong axis goes unnoticed, and
batches are small, so that N and N - 1 are far apart.
"""

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .batchnorm_backward import BATCHNORM_BACKWARD, BATCHNORM_BACKWARD_ALT
from .batchnorm_forward import BATCHNORM_FORWARD
from .layernorm import LAYERNORM_BACKWARD, LAYERNORM_FORWARD

_UNITS = 200  # of a hidden layer, at most
_HIDDEN = 4  # layers


def _shapes(features: int) -> dict[str, tuple[int, ...]]:
    shapes = {"mean": (features,), "spread": (), "W1": (features, -_UNITS)}
    for layer in range(1, _HIDDEN + 1):
        shapes |= {f"{name}{layer}": (-_UNITS,) for name in ("gamma", "beta", "running_mean", "running_var")}
        shapes[f"W{layer + 1}"] = (-_UNITS, 10 if layer == _HIDDEN else -_UNITS)
    return shapes | {"b": (10,)}


TRAINED = TrainedCheck(
    "normalization_trained",
    "classify",
    steps=(1, 1, 1),
    data={
        "cifar10": OnData((0.38, 0.43, 0.47), _shapes(3072), mirrored=True),
        "digits": OnData((0.80, 0.88, 0.92), _shapes(64)),
    },
)

CHECKS = NotebookChecks(
    checks=(
        BATCHNORM_FORWARD,
        BATCHNORM_BACKWARD,
        BATCHNORM_BACKWARD_ALT,
        LAYERNORM_FORWARD,
        LAYERNORM_BACKWARD,
    ),
    masked=MASKED,
    trained=(TRAINED,),
)
