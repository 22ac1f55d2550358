"""Loss functions: each returns the loss, a float, and its gradient with respect to the scores or predictions.

All are means over the N samples of a batch of what a sample loses, and sums within a sample: over classes,
attributes, dimensions or time steps. float32 scores give a float32 gradient; inputs are never modified.
"""

from cs231n_kit.losses.classification import softmax_loss, squared_hinge_loss, svm_loss, temporal_softmax_loss
from cs231n_kit.losses.label_tree import LabelTree, hierarchical_softmax_loss
from cs231n_kit.losses.multi_label import binary_hinge_loss, logistic_loss
from cs231n_kit.losses.regression import huber_loss, l1_loss, l2_loss
from cs231n_kit.losses.structured import structured_svm_loss

__all__ = [
    "LabelTree",
    "binary_hinge_loss",
    "hierarchical_softmax_loss",
    "huber_loss",
    "l1_loss",
    "l2_loss",
    "logistic_loss",
    "softmax_loss",
    "squared_hinge_loss",
    "structured_svm_loss",
    "svm_loss",
    "temporal_softmax_loss",
]
