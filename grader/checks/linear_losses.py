"""What the losses of linear classifiers, f(W, X, y, reg) -> (loss, dW), have in common: cases and properties.

Data loss, its gradient and the penalty have points of their own, and one property asks only whether the gradient is
that of the student's own loss: whoever misreads one thing loses the points for that thing.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from grader.check import SINGLE_PRECISION, Mistake, Property

LOSS, GRADIENT = (0,), (1,)
MASKED = (
    "sklearn",
    "torch",
    "tensorflow",
    "jax",
    "autograd",
    *(
        f"cs231n_kit.{name}"
        for name in (
            *("losses", "linear_classifier", "layers", "optimizers", "gradients", "kernels", "networks", "training"),
            *("neighbors", "cross_validation", "explorations", "widgets", "graph"),
            *("architectures", "characters"),
        )
    ),
)

Accepts = Callable[[np.ndarray, np.ndarray, np.ndarray], bool]


def examples(rng, shape, reg=0.0, scale=1.0, accepts: Accepts = lambda W, X, y: True):
    """(W, X, y, reg) for shape (N, D, C); the last feature is 1, and as many labels occur as can.

    scale: of the weights. accepts(W, X, y) refuses draws where right and wrong answers would be alike.
    """
    n, d, c = shape
    while True:
        W, X = scale * rng.normal(size=(d, c)), rng.normal(size=(n, d))
        X[:, -1] = 1
        y = rng.integers(0, c, size=n)
        if len(set(y)) == min(n, c) and accepts(W, X, y):
            return W, X, y, reg


def loss_properties(accepts: Accepts, scale: float = 1.0, step: float = 5e-4) -> tuple[Property, ...]:
    """Six and a half points for a loss and its gradient. accepts: of the data loss, see `examples`."""
    draw = partial(examples, accepts=accepts, scale=scale)

    def data(rng):
        return [draw(rng, (7, 5, 4)), draw(rng, (4, 6, 3))]

    def penalties(rng):
        """In pairs, with and without penalty. It is large, so that no small difference is overlooked."""
        pairs = [examples(rng, (6, 5, 3), scale=2.0), examples(rng, (5, 4, 6), scale=0.5)]
        return [case for W, X, y, _ in pairs for case in ((W, X, y, 30.0), (W, X, y, 0.0))]

    def own(rng):
        """The weights and six of their neighbours in pairs, then other labels, points and strength."""
        W, X, y, reg = draw(rng, (6, 5, 4), reg=2.5)
        steps = step * rng.normal(size=(3, *W.shape))
        cases = [(W, X, y, reg)]
        for change in steps:
            cases += [(W + change, X, y, reg), (W - change, X, y, reg)]
        others = [(W, X, (y + 1) % 4, reg), (W, X * np.append(np.full(4, -0.5), 1), y, reg), (W, X, y, 0.0)]
        return cases + others

    def single(rng):
        return [draw(rng, (1, 5, 3)), draw(rng, (1, 4, 2)), draw(rng, (1, 3, 6))]

    def narrow(rng):
        W, X, y, _ = draw(rng, (6, 9, 5))
        whole = draw(rng, (5, 4, 3))
        return [(W.astype(np.float32), X.astype(np.float32), y.astype(np.uint8), 0.0), (*whole[:2], whole[2], 0)]

    return (
        Property("The data loss (reg = 0)", 1.5, data, outputs=LOSS, **SINGLE_PRECISION),
        Property("The gradient of the data loss (reg = 0)", 2, data, outputs=GRADIENT, **SINGLE_PRECISION),
        Property(
            "The penalty: reg ΣW² in the loss, 2 reg W in its gradient",
            1,
            penalties,
            "difference",
            rtol=1e-4,
            atol=1e-3,
        ),
        Property("The gradient is that of your own loss", 1, own, "own_gradient", rtol=5e-3, atol=1e-4),
        Property("One example, two classes or more", 0.5, single, **SINGLE_PRECISION),
        Property("float32 inputs, labels of dtype uint8, reg = 0 as an int", 0.5, narrow, **SINGLE_PRECISION),
    )


def zeros_property(title: str) -> Property:
    def zeros(rng):
        drawn = (examples(rng, (6, 4, 5), 0.7), examples(rng, (3, 5, 4)))
        return [(np.zeros_like(W), X, y, reg) for W, X, y, reg in drawn]

    return Property(title, 0.5, zeros, **SINGLE_PRECISION)


def growing(rng):
    """The same problem with more examples and more classes, for counting."""
    return [examples(rng, shape, 0.1) for shape in ((8, 5, 4), (80, 5, 4), (8, 5, 40))]


NO_LOOPS = Property("Uses no Python loop", 1, growing, "no_loops")

_AVERAGE = "The data loss is a mean over the examples: divide the sum by their number N."


def common_mistakes(loss: str, gradient: str, penalty: str, slope: str) -> tuple[Mistake, ...]:
    """Mistakes that do not depend on the kind of loss.

    loss, gradient: the two lines of the reference that divide by num_train and add `penalty` and `slope`.
    """

    def changed(line, *pairs):
        new = line
        for old, text in pairs:
            assert old in new, (old, new)
            new = new.replace(old, text)
        return (line, new)

    def in_loss(*pairs):
        return changed(loss, *pairs)

    def in_gradient(*pairs):
        return changed(gradient, *pairs)

    divided = " / num_train"
    half = penalty.replace("reg *", "0.5 * reg *")
    return (
        Mistake("loss not averaged", _AVERAGE, (in_loss((divided, "")),)),
        Mistake(
            "gradient not averaged",
            "The data loss is averaged but its gradient is not: divide the gradient by N too.",
            (in_gradient((divided, "")),),
        ),
        Mistake(
            "nothing averaged",
            f"{_AVERAGE} The gradient needs the same factor.",
            (in_loss((divided, "")), in_gradient((divided, ""))),
        ),
        Mistake(
            "no regularisation",
            "reg has no effect: neither the loss nor the gradient contains the penalty.",
            (in_loss((f" + {penalty}", "")), in_gradient((f" + {slope}", ""))),
        ),
        Mistake(
            "penalty missing in the loss",
            "The gradient contains the penalty's gradient, but the penalty itself is missing in the loss.",
            (in_loss((f" + {penalty}", "")),),
        ),
        Mistake(
            "penalty missing in the gradient",
            "The loss contains the penalty, but its gradient is missing in dW.",
            (in_gradient((f" + {slope}", "")),),
        ),
        Mistake(
            "penalty's gradient halved",
            "The loss adds reg ΣW², whose gradient is not reg W: differentiate W² once more.",
            (in_gradient((slope, "reg * W")),),
        ),
        Mistake(
            "other convention",
            "Loss and gradient fit together, but they belong to a penalty of half the size. The text's convention is "
            "reg ΣW², without a factor 1/2.",
            (in_loss((penalty, half)), in_gradient((slope, "reg * W"))),
        ),
        Mistake(
            "penalty halved in the loss",
            "The gradient belongs to reg ΣW², but the loss has half of that penalty.",
            (in_loss((penalty, half)),),
        ),
        Mistake(
            "penalty doubled in the gradient",
            "The penalty's gradient is twice as large as it should be. Was it added twice?",
            (in_gradient((slope, f"2 * {slope}")),),
        ),
        Mistake(
            "penalty divided by N",
            "The penalty is divided by N together with the data loss. It belongs to the weights, of which there is one "
            "set only: add it after averaging, in the loss and in the gradient.",
            (in_loss((penalty, f"{penalty} / len(X)")), in_gradient((slope, f"{slope} / len(X)"))),
        ),
        Mistake(
            "penalty without squares",
            "The penalty adds up the weights themselves, so positive and negative ones cancel. Square them first.",
            (in_loss((penalty, "reg * np.sum(W)")),),
        ),
        Mistake(
            "one number added to the gradient",
            "The penalty's gradient is one number for all weights here. Every weight has its own: no sum in dW.",
            (in_gradient((slope, "2 * reg * np.sum(W)")),),
        ),
        Mistake(
            "bias not penalised",
            "The weights of the bias, the last row of W, are left out of the penalty. It is often done so, but this "
            "text penalises all of W.",
            (
                in_loss((penalty, "reg * np.sum(W[:-1] ** 2)")),
                in_gradient((slope, "2 * reg * np.vstack([W[:-1], 0 * W[-1:]])")),
            ),
        ),
        Mistake(
            "gradient downhill",
            "The data loss's gradient has the wrong sign: a gradient points uphill, where the loss grows.",
            (changed(gradient, ("dW = ", "dW = -")),),
        ),
    )
