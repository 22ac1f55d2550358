"""temporal_affine_forward and temporal_affine_backward."""

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from ..layer_cases import OUT, backward, joined, narrow, own_backward

_FORWARD = "temporal_affine_forward"
_DX, _PARAMETERS, _ALL = (0,), (1, 2), (0, 1, 2)


def _arguments(rng, N, T, D, M):
    """(x, w, b)."""
    return rng.normal(size=(N, T, D)), rng.normal(size=(D, M)), rng.normal(size=M)


def _usual(rng):
    return [Case(_arguments(rng, *shape), take=OUT) for shape in ((3, 4, 5, 2), (2, 3, 4, 6))]


def _edges(rng):
    return [
        Case(_arguments(rng, 1, 4, 2, 3), take=OUT),
        Case(_arguments(rng, 3, 1, 4, 2), take=OUT),
        Case(narrow(_arguments(rng, 2, 3, 4, 5)), take=OUT),
    ]


_SCORES = "scores = x @ w + b"

TEMPORAL_AFFINE_FORWARD = Check(
    _FORWARD,
    (
        Property("x w + b at every step", 1.5, _usual, **SINGLE_PRECISION),
        Property("One example, one step, float32", 0.5, _edges, **SINGLE_PRECISION),
    ),
    (
        Mistake("no bias", "The bias b is missing in the sum.", ((_SCORES, "scores = x @ w"),)),
        Mistake(
            "steps and examples in one row",
            "The result has two axes. Bring it back to (N, T, M).",
            ((_SCORES, "scores = (x @ w + b).reshape(-1, w.shape[1])"),),
        ),
        Mistake(
            "time as first axis",
            "The steps are along the first axis. They belong along the second, as in x.",
            ((_SCORES, "scores = (x @ w + b).swapaxes(0, 1)"),),
        ),
        Mistake(
            "last step only",
            "There are scores for the last step only. Every step has its own.",
            ((_SCORES, "scores = x[:, -1] @ w + b"),),
        ),
        Mistake(
            "steps added up",
            "All steps are added up before the bias. Every step has scores of its own.",
            ((_SCORES, "scores = x.sum(axis=1) @ w + b"),),
        ),
    ),
)


def _problem(rng, shape, prepare=lambda arrays: arrays):
    arguments = prepare(_arguments(rng, *shape))
    (dout,) = prepare((rng.normal(size=(*shape[:2], shape[3])),))
    return arguments, dout, arguments[:2]


def _gradients(take):
    return lambda rng: backward(_FORWARD, [_problem(rng, (3, 4, 5, 2)), _problem(rng, (2, 3, 4, 6))], take)


def _backward_edges(rng):
    return joined(
        backward(_FORWARD, [_problem(rng, (1, 4, 2, 3)), _problem(rng, (4, 1, 3, 2))], _ALL),
        backward(_FORWARD, [_problem(rng, (3, 2, 4, 5), narrow)], _ALL),
    )


def _own(rng):
    arguments, dout, _ = _problem(rng, (3, 2, 4, 5))
    return own_backward(rng, _FORWARD, arguments, dout, _ALL, _ALL)


_DX_LINE = "dx = dout @ w.T"
_DW = "dw = rows.T @ drows"
_DB = "db = drows.sum(axis=0)"

TEMPORAL_AFFINE_BACKWARD = Check(
    "temporal_affine_backward",
    (
        Property("dx", 0.5, _gradients(_DX), "either", **SINGLE_PRECISION),
        Property("dw, db: from all steps", 1.5, _gradients(_PARAMETERS), "either", **SINGLE_PRECISION),
        Property("One example, one step, float32", 0.5, _backward_edges, "either", **SINGLE_PRECISION),
        Property(
            f"The gradients of your own {_FORWARD}, from your own cache",
            0.5,
            _own,
            "own_backward",
            rtol=1e-2,
            atol=1e-3,
        ),
    ),
    (
        Mistake(
            "bias summed over the examples only",
            "db is summed over the examples, but has an axis for the steps left. The bias is used at all steps of all "
            "examples: add over both.",
            ((_DB, "db = dout.sum(axis=0)"),),
        ),
        Mistake(
            "bias summed over the steps only",
            "db is summed over the steps, but has an axis for the examples left. The bias is used at all steps of all "
            "examples: add over both.",
            ((_DB, "db = dout.sum(axis=1)"),),
        ),
        Mistake(
            "bias of the last step",
            "db is that of the last step. The bias is used at all of them.",
            ((_DB, "db = dout[:, -1].sum(axis=0)"),),
        ),
        Mistake(
            "bias averaged",
            "db is averaged. The loss has done that already, in dout: add.",
            ((_DB, "db = drows.mean(axis=0)"),),
        ),
        Mistake(
            "weights of the last step",
            "dw is that of the last step. The weights are used at all of them.",
            ((_DW, "dw = x[:, -1].T @ dout[:, -1]"),),
        ),
        Mistake(
            "parameters averaged over time",
            "dw and db are divided by the number of steps. Where a number is used several times, its gradients add up.",
            ((_DW, f"{_DW} / x.shape[1]"), (_DB, f"{_DB} / x.shape[1]")),
        ),
        Mistake(
            "dw for each example",
            "dw has an axis for the examples left. All of them share the weights: add.",
            ((_DW, "dw = x.swapaxes(1, 2) @ dout"),),
        ),
        Mistake(
            "dw transposed",
            "dw is transposed: it has the shape of w, a row for each feature of x.",
            ((_DW, "dw = drows.T @ rows"),),
        ),
        Mistake(
            "steps and examples in one row",
            "dx has two axes. It has the shape of x, (N, T, D).",
            ((_DX_LINE, "dx = drows @ w.T"),),
        ),
    ),
)
