"""How assignment 3's notebook `architectures` is judged.

Configurations are drawn: numbers of channels, sizes and strides differ from case to case and from axis to axis. No
number lies near a kink. The kit's layers are given, so they stay; networks built of them are hidden.
"""

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .counting import COUNT_PARAMETERS, RECEPTIVE_FIELD
from .inception import INCEPTION_BACKWARD, INCEPTION_FORWARD
from .residual import RESIDUAL_BLOCK_BACKWARD, RESIDUAL_BLOCK_FORWARD
from .vgg import VGG

_GIVEN = {"cs231n_kit.layers", "cs231n_kit.losses", "cs231n_kit.kernels"}
_WIDTH = 64  # channels, at most


def _shapes(channels: int) -> dict[str, tuple[int, ...]]:
    """Of a network of three residual blocks, the second and third with a projection."""
    shapes = {"mean": (channels,), "spread": (), "W_stem": (-_WIDTH, channels, 3, 3), "b_stem": (-_WIDTH,)}
    for block in (1, 2, 3):
        names = {"1": 3, "2": 3} | ({"_proj": 1} if block > 1 else {})
        for name, size in names.items():
            shapes |= {f"block{block}_W{name}": (-_WIDTH, -_WIDTH, size, size), f"block{block}_b{name}": (-_WIDTH,)}
    return shapes | {"W_out": (-_WIDTH, 10), "b_out": (10,)}


TRAINED = TrainedCheck(
    "architectures_trained",
    "classify",
    steps=(1, 1, 1, 1),
    data={
        "cifar10": OnData((0.40, 0.47, 0.52, 0.56), _shapes(3), mirrored=True),
        "digits": OnData((0.80, 0.85, 0.89, 0.92), _shapes(1)),
    },
)

CHECKS = NotebookChecks(
    checks=(
        COUNT_PARAMETERS,
        RECEPTIVE_FIELD,
        VGG,
        INCEPTION_FORWARD,
        INCEPTION_BACKWARD,
        RESIDUAL_BLOCK_FORWARD,
        RESIDUAL_BLOCK_BACKWARD,
    ),
    masked=tuple(name for name in MASKED if name not in _GIVEN),
    trained=(TRAINED,),
)
