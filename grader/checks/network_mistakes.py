"""Known mistakes that networks with a method loss(X, y) have in common, whatever their layers are."""

from grader.check import Mistake

SCORES_FOR_THE_LOSS = Mistake(
    "scores instead of the loss",
    "With labels, the first thing to return is the loss, a number. These are the scores.",
    (("return loss, grads", "return scores, grads"),),
)
LABELS_NOT_LOOKED_AT = Mistake(
    "labels not looked at",
    "loss(X, y) returns the scores, as if no labels had been given. They are asked for only where y is None.",
    (("if y is None:", "if True:"),),
)
PROBABILITIES_FOR_SCORES = Mistake(
    "probabilities instead of scores",
    "These are probabilities. The scores themselves are asked for: the softmax belongs to the loss.",
    (
        (
            "return scores\n",
            "scores = np.exp(scores - scores.max(axis=1, keepdims=True))\n"
            "            return scores / scores.sum(axis=1, keepdims=True)\n",
        ),
    ),
)
LABELS_FOR_SCORES = Mistake(
    "labels instead of scores",
    "These are the predicted labels. The scores of all classes are asked for.",
    (("return scores\n", "return scores.argmax(axis=1)\n"),),
)


def penalty_mistakes(penalty: str, slope: str, weights: str = "the weights") -> tuple[Mistake, ...]:
    """Mistakes with the penalty reg ΣW².

    penalty: the line "loss += self.reg * ..."; slope: what adds "2 * self.reg * ..." to the gradients; weights: whose.
    """
    half_penalty = (penalty, penalty.replace("+= self", "+= 0.5 * self"))
    half_slope = (slope, slope.replace("2 * self", "self"))
    return (
        Mistake(
            "no regularisation",
            "reg has no effect: neither the loss nor the gradients contain the penalty. Is it kept in __init__?",
            ((penalty, "pass"), (slope, "pass")),
        ),
        Mistake(
            "penalty missing in the loss",
            "The gradients contain the penalty's gradient, but the penalty itself is missing in the loss.",
            ((penalty, "pass"),),
        ),
        Mistake(
            "penalty missing in the gradients",
            f"The loss contains the penalty, but its gradient is missing in those of {weights}.",
            ((slope, "pass"),),
        ),
        Mistake(
            "penalty's gradient halved",
            "The loss adds reg ΣW², whose gradient is not reg W: differentiate W² once more.",
            (half_slope,),
        ),
        Mistake(
            "other convention",
            "Loss and gradients fit together, but they belong to a penalty of half the size. The text's convention is "
            "reg ΣW², without a factor 1/2.",
            (half_penalty, half_slope),
        ),
        Mistake(
            "penalty halved in the loss",
            "The gradients belong to reg ΣW², but the loss has half of that penalty.",
            (half_penalty,),
        ),
    )
