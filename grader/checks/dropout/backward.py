"""dropout_backward."""

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .forward import OUT, numbers

_AGREEMENT, _FACTORS = (0,), (1,)  # of what the relation "own_mask" compares


def _training(rng, *shapes):
    """In threes: forward, backward with what that kept, and with the cache of the text."""
    cases = []
    for shape in shapes:
        x, dout, p = numbers(rng, *shape), numbers(rng, *shape), rng.uniform(0.3, 0.4)
        param = {"mode": "train", "p": p}
        mask = (rng.random(shape) < p) / p
        cases.append(Case((x, param), function="dropout_forward", take=OUT))
        cases += [Case((dout, cache), take=OUT) for cache in (Kept(len(cases) - 1, 1), (param, mask))]
    return cases


def _test_mode(rng):
    cases = []
    for shape in ((4, 5), (2, 3, 2, 2)):
        x, dout, param = numbers(rng, *shape), rng.normal(size=shape), {"mode": "test", "p": rng.uniform(0.3, 0.7)}
        cases.append(Case((x, param), function="dropout_forward", take=()))
        cases += [Case((dout, cache), take=OUT) for cache in (Kept(len(cases) - 1, 1), (param, None))]
    return cases


_TRAIN = "    dx = dout * mask"
_TEST = "        return dout\n"

DROPOUT_BACKWARD = Check(
    "dropout_backward",
    (
        Property(
            "Training: nothing passes where your dropout_forward dropped",
            1.5,
            lambda rng: _training(rng, (40, 30)),
            "own_mask",
            rtol=0,
            atol=0.001,
            outputs=_AGREEMENT,
        ),
        Property(
            "Training: what passes is scaled as it was forward",
            1.5,
            lambda rng: _training(rng, (40, 30)),
            "own_mask",
            rtol=1e-4,
            atol=0,
            outputs=_FACTORS,
        ),
        Property("Test: dout comes through as it is", 0.5, _test_mode, "either", **SINGLE_PRECISION),
        Property("x of any shape", 0.5, lambda rng: _training(rng, (12, 3, 4, 2), (50,)), "own_mask", rtol=1e-4),
    ),
    (
        Mistake(
            "all passes",
            "All of dout passes, also where a number was dropped. What was dropped had no influence on the output.",
            ((_TRAIN, "    dx = dout"),),
        ),
        Mistake(
            "mask redrawn",
            "The backward pass draws a mask of its own. It has to be the one that the forward pass used: keep it in "
            "the cache.",
            ((_TRAIN, '    p = dropout_param["p"]\n    dx = dout * (np.random.rand(*dout.shape) < p) / p'),),
        ),
        Mistake(
            "not scaled",
            "The right numbers pass, but unscaled. The forward pass multiplied them by 1 / p, so that is the slope.",
            ((_TRAIN, "    dx = dout * (mask > 0)"),),
        ),
        Mistake(
            "scaled twice",
            "The gradient is divided by p twice: the mask of the forward pass contains 1 / p already.",
            ((_TRAIN, '    dx = dout * mask / dropout_param["p"]'),),
        ),
        Mistake(
            "multiplied by p",
            "The gradient is multiplied by p where the forward pass divided by it.",
            ((_TRAIN, '    dx = dout * (mask > 0) * dropout_param["p"]'),),
        ),
        Mistake(
            "wrong side",
            "The gradient passes where numbers were dropped, and not where they were kept: it is the other way round.",
            ((_TRAIN, '    dx = dout * (mask == 0) / dropout_param["p"]'),),
        ),
        Mistake(
            "mask alone",
            "This is the slope of dropout. By the chain rule it is multiplied with what comes from above, dout.",
            ((_TRAIN, "    dx = mask * 1.0"),),
        ),
        Mistake(
            "scaled in test mode",
            "In test mode the gradient is divided by p. The forward pass leaves x as it is there.",
            ((_TEST, '        return dout / dropout_param["p"]\n'),),
        ),
        Mistake(
            "nothing in test mode",
            "In test mode no gradient comes through. The forward pass leaves x as it is, so dout passes unchanged.",
            ((_TEST, "        return np.zeros_like(dout)\n"),),
        ),
    ),
)
