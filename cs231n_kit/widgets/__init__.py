"""Interactive figures for lectures and assignments (Jupyter widgets that run offline)."""

from cs231n_kit.widgets.circuit import Circuit
from cs231n_kit.widgets.decision_boundary import DecisionBoundary
from cs231n_kit.widgets.linear_classifier_plane import LinearClassifierPlane
from cs231n_kit.widgets.network_playground import NetworkPlayground
from cs231n_kit.widgets.optimizer_race import OptimizerRace

__all__ = ["Circuit", "DecisionBoundary", "LinearClassifierPlane", "NetworkPlayground", "OptimizerRace"]
