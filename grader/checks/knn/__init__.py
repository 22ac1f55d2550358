"""How assignment 1's notebook `knn` is judged.

General cases keep away from kinks: distances are well apart, votes are never tied. The kinks (a distance of zero, a
tied vote) have properties of their own. Every property has a case that no constant answer passes.
"""

from grader.check import NotebookChecks

from .cross_validation import CROSS_VALIDATE
from .distances import NO_LOOPS, ONE_LOOP, TWO_LOOPS
from .labels import LABELS

CHECKS = NotebookChecks(
    checks=(TWO_LOOPS, ONE_LOOP, NO_LOOPS, LABELS, CROSS_VALIDATE),
    masked=(
        "sklearn",
        "scipy.spatial",
        "scipy.spatial.distance",
        "scipy.spatial._ckdtree",
        "scipy.spatial._kdtree",
        "scipy.spatial._distance_wrap",
        "scipy.spatial._distance_pybind",
        "scipy.spatial._hausdorff",
        "scipy.cluster",
        "torch",
        "tensorflow",
        "jax",
        "faiss",
        "cs231n_kit.neighbors",
        "cs231n_kit.kernels",
        "cs231n_kit.cross_validation",
        "cs231n_kit.explorations",
        "cs231n_kit.widgets",
    ),
)
