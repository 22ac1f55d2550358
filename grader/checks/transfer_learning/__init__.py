"""How assignment 3's notebook `transfer_learning` is judged.

Networks are dictionaries of arrays, small ones here, with two or three blocks. What is frozen has to stay bit by bit:
"unmoved" looks at that, and never at it alone, since a function that does nothing moves nothing.
"""

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .features import EXTRACT_FEATURES
from .fine_tuning import FINE_TUNE
from .head import REPLACE_HEAD
from .labels import SELECT_CLASSES
from .loss import LOSS_AND_GRADIENTS
from .train_head import TRAIN_HEAD
from .update import UPDATE

_GIVEN = {f"cs231n_kit.{name}" for name in ("layers", "kernels", "losses", "optimizers")}  # what the text imports
_FILTERS = (16, 32, 64)
_NEW = (5, 7, 8, 9)


def _shapes(channels: int, features: int) -> dict[str, tuple[int, ...]]:
    shapes = {"mean": (channels,), "spread": ()}
    for i, filters in enumerate(_FILTERS, start=1):
        shapes[f"block{i}.w"] = (filters, channels, 3, 3)
        shapes |= {f"block{i}.{kind}": (filters,) for kind in ("gamma", "beta", "running_mean", "running_var")}
        channels = filters
    return shapes | {"head.w": (features, len(_NEW)), "head.b": (len(_NEW),)}


TRAINED = TrainedCheck(
    "transfer_learning_trained",
    "classify",
    steps=(1, 1, 1),
    data={
        "cifar10": OnData((0.55, 0.62, 0.67), _shapes(3, 1024), mirrored=True, classes=_NEW),
        "digits": OnData((0.60, 0.75, 0.86), _shapes(1, 64), classes=_NEW),
    },
)

CHECKS = NotebookChecks(
    checks=(
        SELECT_CLASSES,
        LOSS_AND_GRADIENTS,
        UPDATE,
        EXTRACT_FEATURES,
        REPLACE_HEAD,
        TRAIN_HEAD,
        FINE_TUNE,
    ),
    masked=tuple(name for name in MASKED if name not in _GIVEN),
    trained=(TRAINED,),
)
