"""What training minimises: the loss of the data and the regularisation of the weights."""

import numpy as np

NOT_REGULARIZED = ("b", "beta", "gamma")


def objective(trainer, scores, y):
    """The loss with regularisation, a float, and its gradient with respect to the scores."""
    loss, dscores = trainer.loss(scores, y)
    loss = float(loss)
    if trainer.regularization:
        squares = sum((w * w).sum(dtype=np.float64) for w in weights(trainer.network).values())
        loss += trainer.regularization * float(squares)
    return loss, dscores


def weights(network) -> dict:
    """The parameters that are regularised: trainable, and no biases nor scales and shifts of normalisation."""
    return {path: w for path, w in network.trainable.items() if path.rpartition(".")[2] not in NOT_REGULARIZED}
