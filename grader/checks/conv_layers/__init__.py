"""How assignment 2's notebook `conv_layers` is judged.

The first cases of a function are those that everybody thinks of: square images, 3 × 3 filters, 2 × 2 windows. Others
have another size along each axis. No number lies near a kink, except where the property is about it.
"""

from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .convolution import CONV_BACKWARD, CONV_FORWARD
from .pooling import MAX_POOL_BACKWARD, MAX_POOL_FORWARD

CHECKS = NotebookChecks(
    checks=(CONV_FORWARD, CONV_BACKWARD, MAX_POOL_FORWARD, MAX_POOL_BACKWARD),
    masked=MASKED,
)
