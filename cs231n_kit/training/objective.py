"""What training minimises: the loss of the data and the regularisation of the weights."""

import numpy as np

NOT_REGULARIZED = ("b", "beta", "gamma")


def objective(trainer, scores, y):
    """(loss, dscores, auxiliary): as ``data_loss``, the loss with regularisation."""
    loss, dscores, auxiliary = data_loss(trainer, scores, y)
    if trainer.regularization:
        squares = sum((w * w).sum(dtype=np.float64) for w in weights(trainer.network).values())
        loss += trainer.regularization * float(squares)
    return loss, dscores, auxiliary


def data_loss(trainer, scores, y):
    """The loss, a float, and its gradients with respect to the scores and, by path, to the auxiliary ones.

    After a training pass of a network with auxiliary heads it is the sum of all losses, times the heads' weights.
    """
    loss, dscores = trainer.loss(scores, y)
    loss, auxiliary = float(loss), {}
    for path, (head_scores, weight) in trainer.network.auxiliary.items():
        try:
            head_loss, head_dscores = trainer.loss(head_scores, y)
        except Exception as error:
            error.add_note(f"This happened in the loss of the auxiliary scores {path!r}.")
            raise
        loss += weight * float(head_loss)
        auxiliary[path] = weight * head_dscores
    return loss, dscores, auxiliary


def weights(network) -> dict:
    """The parameters that are regularised: trainable, and no biases nor scales and shifts of normalisation."""
    return {path: w for path, w in network.trainable.items() if path.rpartition(".")[2] not in NOT_REGULARIZED}
