"""Training networks: one loop, ``Trainer``, and what may happen beside it."""

from cs231n_kit.training.callbacks import Callback, Checkpoint, EarlyStopping, ProgressBar
from cs231n_kit.training.checkpoint import CheckpointError
from cs231n_kit.training.diagnosis import NonFiniteError
from cs231n_kit.training.evaluation import accuracy
from cs231n_kit.training.history import History
from cs231n_kit.training.live_plot import LivePlot
from cs231n_kit.training.progress import Evaluation, Progress
from cs231n_kit.training.trainer import Trainer

__all__ = [
    "Callback",
    "Checkpoint",
    "CheckpointError",
    "EarlyStopping",
    "Evaluation",
    "History",
    "LivePlot",
    "NonFiniteError",
    "Progress",
    "ProgressBar",
    "Trainer",
    "accuracy",
]
