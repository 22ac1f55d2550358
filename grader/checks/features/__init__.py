"""How assignment 1's notebook `features` is judged.

Pixels whose hue or whose gradient's direction lies on the bound of two ranges would fall to either side by a rounding
error, so that there are none in general cases. The bounds that matter have properties of their own.

A trained result is measured with the kit's features: they are the reference's, for many images at once.
"""

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .color import COLOR_HISTOGRAM
from .hog import HOG
from .search import CHOOSE_BEST, LOG_UNIFORM
from .standardization import STANDARDIZE

_UNITS = 200


def _shapes(features):
    hidden = {"W1": (features, _UNITS), "b1": (_UNITS,), "W2": (_UNITS, 10), "b2": (10,)}
    return hidden | {"mean": (features,), "std": (features,)}


TRAINED = TrainedCheck(
    "features_trained",
    "classify",
    steps=(1, 1, 1, 1),
    data={
        "cifar10": OnData((0.40, 0.45, 0.50, 0.53), _shapes(10 + 4 * 4 * 9), mirrored=True),
        "digits": OnData((0.80, 0.86, 0.90, 0.93), _shapes(4 * 4 * 9)),
    },
)

CHECKS = NotebookChecks(
    checks=(COLOR_HISTOGRAM, HOG, STANDARDIZE, LOG_UNIFORM, CHOOSE_BEST),
    masked=(*MASKED, "skimage.feature", "cv2", "cs231n_kit.image_features", "cs231n_kit.preprocessing"),
    trained=(TRAINED,),
)
