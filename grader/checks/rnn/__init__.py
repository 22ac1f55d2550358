"""How assignment 3's notebook `rnn` is judged.

Sizes N, T, D and H of a case differ, so that no wrong axis goes unnoticed. What runs over a sequence has points for
repeating the student's own step: a wrong step costs its own points, and those of right numbers, but no more.
"""

from cs231n_kit.checking.answer_key import OnData, TrainedCheck
from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .embedding import EMBEDDING_BACKWARD, EMBEDDING_FORWARD
from .lstm_sequence import LSTM_BACKWARD, LSTM_FORWARD
from .lstm_step import LSTM_STEP_BACKWARD, LSTM_STEP_FORWARD
from .rnn_sequence import RNN_BACKWARD, RNN_FORWARD
from .rnn_step import RNN_STEP_BACKWARD, RNN_STEP_FORWARD
from .sampling import NEXT_PROBABILITIES, SAMPLE
from .temporal_affine import TEMPORAL_AFFINE_BACKWARD, TEMPORAL_AFFINE_FORWARD
from .temporal_loss import TEMPORAL_SOFTMAX_LOSS

_UNITS = 128  # of the hidden state, at most


def _shapes(rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    return {
        "Wx": (columns, -4 * _UNITS),
        "Wh": (-_UNITS, -4 * _UNITS),
        "b": (-4 * _UNITS,),
        "w": (-_UNITS, 10),
        "c": (10,),
        "mean": (rows, columns),
        "spread": (),
    }


TRAINED = TrainedCheck(
    "rnn_trained",
    "classify",
    steps=(1, 1, 1),
    data={
        "cifar10": OnData((0.32, 0.38, 0.42), _shapes(32, 96), mirrored=True),
        "digits": OnData((0.78, 0.85, 0.89), _shapes(8, 8)),
    },
)

CHECKS = NotebookChecks(
    checks=(
        RNN_STEP_FORWARD,
        RNN_STEP_BACKWARD,
        RNN_FORWARD,
        RNN_BACKWARD,
        EMBEDDING_FORWARD,
        EMBEDDING_BACKWARD,
        TEMPORAL_AFFINE_FORWARD,
        TEMPORAL_AFFINE_BACKWARD,
        TEMPORAL_SOFTMAX_LOSS,
        LSTM_STEP_FORWARD,
        LSTM_STEP_BACKWARD,
        LSTM_FORWARD,
        LSTM_BACKWARD,
        NEXT_PROBABILITIES,
        SAMPLE,
    ),
    masked=MASKED,
    trained=(TRAINED,),
)
