"""How assignment 2's notebook `conv_layers` is judged.

The first cases of a function are those that everybody thinks of: square images, 3 × 3 filters, 2 × 2 windows. Others
have another size along each axis. No number lies near a kink, except where the property is about it.
"""

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .conv_backward import CONV_BACKWARD
from .conv_forward import CONV_FORWARD
from .network import NETWORK
from .pooling import MAX_POOL_BACKWARD, MAX_POOL_FORWARD
from .spatial_batchnorm import SPATIAL_BATCHNORM_BACKWARD, SPATIAL_BATCHNORM_FORWARD
from .spatial_groupnorm import SPATIAL_GROUPNORM_BACKWARD, SPATIAL_GROUPNORM_FORWARD

_FILTERS, _SIZE, _UNITS = 64, 7, 500  # at most


def _shapes(channels: int, pixels: int) -> dict[str, tuple[int, ...]]:
    """pixels: of a map after the pooling."""
    return {
        "W1": (-_FILTERS, channels, -_SIZE, -_SIZE),
        "b1": (-_FILTERS,),
        "W2": (-_FILTERS * pixels, -_UNITS),
        "b2": (-_UNITS,),
        "W3": (-_UNITS, 10),
        "b3": (10,),
        "mean": (channels,),
        "spread": (),
    }


TRAINED = TrainedCheck(
    "conv_layers_trained",
    "classify",
    steps=(1, 1, 1, 1),
    data={
        "cifar10": OnData((0.40, 0.48, 0.54, 0.58), _shapes(3, 16 * 16), mirrored=True),
        "digits": OnData((0.80, 0.85, 0.89, 0.92), _shapes(1, 4 * 4)),
    },
)

CHECKS = NotebookChecks(
    checks=(
        CONV_FORWARD,
        CONV_BACKWARD,
        MAX_POOL_FORWARD,
        MAX_POOL_BACKWARD,
        NETWORK,
        SPATIAL_BATCHNORM_FORWARD,
        SPATIAL_BATCHNORM_BACKWARD,
        SPATIAL_GROUPNORM_FORWARD,
        SPATIAL_GROUPNORM_BACKWARD,
    ),
    masked=MASKED,
    trained=(TRAINED,),
)
