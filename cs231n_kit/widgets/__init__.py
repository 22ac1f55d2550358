"""Interactive figures for lectures and assignments (Jupyter widgets that run offline)."""

from cs231n_kit.widgets.architecture_explorer import ArchitectureExplorer
from cs231n_kit.widgets.architecture_playground import ArchitecturePlayground
from cs231n_kit.widgets.character_playground import CharacterPlayground
from cs231n_kit.widgets.circuit import Circuit
from cs231n_kit.widgets.convolution_playground import ConvolutionPlayground
from cs231n_kit.widgets.decision_boundary import DecisionBoundary
from cs231n_kit.widgets.linear_classifier_plane import LinearClassifierPlane
from cs231n_kit.widgets.network_playground import NetworkPlayground
from cs231n_kit.widgets.optimizer_race import OptimizerRace
from cs231n_kit.widgets.regression_plane import RegressionPlane
from cs231n_kit.widgets.signal_through_depth import SignalThroughDepth
from cs231n_kit.widgets.unrolled_network import UnrolledNetwork

__all__ = [
    "ArchitectureExplorer",
    "ArchitecturePlayground",
    "CharacterPlayground",
    "Circuit",
    "ConvolutionPlayground",
    "DecisionBoundary",
    "LinearClassifierPlane",
    "NetworkPlayground",
    "OptimizerRace",
    "RegressionPlane",
    "SignalThroughDepth",
    "UnrolledNetwork",
]
