"""How assignment 2's notebook `gpu_kernels` is judged.

What the functions return is CUDA text, which is run on launches of all kinds; the verdicts are about results and about
what the emulation finds. The kit's own kernels are masked where it is compiled, too.
"""

from grader.check import NotebookChecks

from ..linear_losses import MASKED
from .max_pool import MAX_POOL, MAX_POOL_BACKWARD
from .relu import RELU, RELU_BACKWARD
from .softmax_loss import SOFTMAX_LOSS

CHECKS = NotebookChecks(checks=(RELU, RELU_BACKWARD, SOFTMAX_LOSS, MAX_POOL, MAX_POOL_BACKWARD), masked=MASKED)
