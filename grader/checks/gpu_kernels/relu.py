"""ReLU, forward and backward: which thread takes which elements."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Launch, Output
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

FORWARD = "void relu(const float *x, float *out, int n) {\n"
BACKWARD = "void relu_backward(const float *dout, const float *x, float *dx, int n) {\n"
LOOP = "    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {\n"
SECONDS = 120.0  # for all launches of a check


def away_from_zero(rng, n):
    return (rng.choice([-1, 1], n) * rng.uniform(0.1, 3, n)).astype(np.float32)


def forward(rng, n, blocks, threads):
    x = away_from_zero(rng, n)
    return Case((Launch("relu", (blocks,), (threads,), (x, Output((n,)), n), twice=True),))


def backward(rng, n, blocks, threads):
    x, dout = away_from_zero(rng, n), away_from_zero(rng, n)
    return Case((Launch("relu_backward", (blocks,), (threads,), (dout, x, Output((n,)), n), twice=True),))


def fitting(case):
    """As many threads as elements."""
    return lambda rng: [case(rng, n, n // threads, threads) for n, threads in ((128, 32), (96, 96), (256, 64))]


def sticking_out(case):
    """Threads without an element."""
    sizes = ((101, 4, 32), (1, 1, 64), (130, 5, 64))
    return lambda rng: [case(rng, n, blocks, threads) for n, blocks, threads in sizes]


def striding(case):
    """Fewer threads than elements."""
    sizes = ((200, 2, 32), (333, 1, 64), (97, 3, 1))
    return lambda rng: [case(rng, n, blocks, threads) for n, blocks, threads in sizes]


RELU = Check(
    "relu_kernel",
    (
        Property("as many threads as elements", 1, fitting(forward), **SINGLE_PRECISION),
        Property("more threads than elements", 1, sticking_out(forward), **SINGLE_PRECISION),
        Property("more elements than threads", 1, striding(forward), **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "no bounds check",
            "Every thread takes an element, also those that stand beyond the end of the array: the last block is "
            "seldom full.",
            ((FORWARD + LOOP, FORWARD + "    { int i = blockIdx.x * blockDim.x + threadIdx.x;\n"),),
        ),
        Mistake(
            "one element per thread",
            "Each thread does one element and stops. Where there are more elements than threads, somebody has to do "
            "the others.",
            ((FORWARD + LOOP, FORWARD + "    int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) {\n"),),
        ),
        Mistake(
            "blocks share elements",
            "Threads of different blocks work on the same elements. The number of a thread counts the threads in all "
            "blocks before its own, and in each round all blocks move on together.",
            ((FORWARD + LOOP, FORWARD + LOOP.replace("blockIdx.x * blockDim.x", "blockIdx.x * gridDim.x")),),
        ),
        Mistake(
            "last element left out",
            "The last element has the number n - 1, and it is an element like the others.",
            ((FORWARD + LOOP, FORWARD + LOOP.replace("i < n", "i < n - 1")),),
        ),
        Mistake(
            "minimum",
            "ReLU keeps what is positive. This kernel keeps what is negative.",
            (("out[i] = x[i] > 0 ? x[i] : 0", "out[i] = x[i] < 0 ? x[i] : 0"),),
        ),
        Mistake(
            "absolute value",
            "Negative numbers become positive ones here; ReLU has the same result for all of them.",
            (("out[i] = x[i] > 0 ? x[i] : 0", "out[i] = x[i] > 0 ? x[i] : -x[i]"),),
        ),
    ),
    SECONDS,
)

RELU_BACKWARD = Check(
    "relu_backward_kernel",
    (
        Property("any number of elements in the last block", 1, sticking_out(backward), **SINGLE_PRECISION),
        Property("more elements than threads", 1, striding(backward), **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "masked by dout",
            "Whether a gradient passes was decided in the forward pass, by the input; the gradient's own sign has no "
            "say.",
            (("dx[i] = x[i] > 0 ? dout[i] : 0", "dx[i] = dout[i] > 0 ? dout[i] : 0"),),
        ),
        Mistake(
            "not masked",
            "Where the input was negative the output did not depend on it, and yet a gradient passes here.",
            (("dx[i] = x[i] > 0 ? dout[i] : 0", "dx[i] = dout[i]"),),
        ),
        Mistake(
            "mask alone",
            "This is the derivative of ReLU itself: the chain rule has a second factor.",
            (("dx[i] = x[i] > 0 ? dout[i] : 0", "dx[i] = x[i] > 0 ? 1 : 0"),),
        ),
        Mistake(
            "one element per thread",
            "Each thread does one element and stops. Where there are more elements than threads, somebody has to do "
            "the others.",
            ((BACKWARD + LOOP, BACKWARD + "    int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) {\n"),),
        ),
    ),
    SECONDS,
)
