"""Max pooling: windows that overlap or do not, where the largest value was, and gradients that meet."""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Launch, Output
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .relu import SECONDS

WINDOW_ROWS = "for (int r = row * stride; r < row * stride + size; r++)"
WINDOW_COLUMNS = "for (int c = column * stride; c < column * stride + size; c++)"
GATHER = "if (switches[window] == row * width + column) sum += dout[window]"
PIXEL_LOOP = "for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < pixels; i += gridDim.x * blockDim.x) {"

# Shapes of the input, size and stride of the windows, numbers of blocks and threads.
SIDE_BY_SIDE = (((2, 4, 4), 2, 2, 1, 32), ((2, 6, 6), 3, 3, 3, 32), ((3, 8, 8), 2, 2, 6, 32))
OBLONG = (((3, 4, 6), 2, 2, 3, 32), ((4, 5, 3), 1, 1, 2, 32), ((1, 2, 8), 2, 2, 1, 32))
OVERLAPPING = (((2, 7, 5), 3, 2, 4, 32), ((2, 5, 6), 3, 1, 4, 32), ((2, 6, 6), 2, 1, 4, 32))
GAPS = (((2, 7, 8), 2, 3, 4, 32), ((2, 5, 5), 2, 2, 2, 32))
FEW_THREADS = (((3, 8, 8), 2, 2, 1, 8), ((2, 6, 8), 3, 1, 2, 4), ((1, 5, 5), 5, 1, 1, 1))
VALUES, PLACES = {"outputs": (0,), **SINGLE_PRECISION}, {"outputs": (1,), **SINGLE_PRECISION}


def out_sizes(x, size, stride):
    planes, height, width = x.shape
    return planes, (height - size) // stride + 1, (width - size) // stride + 1


def forward_of(x, size, stride, blocks, threads):
    shape = out_sizes(x, size, stride)
    arguments = (x, Output(shape), Output(shape, "int32"), *x.shape, size, stride)
    return Case((Launch("max_pool", (blocks,), (threads,), arguments, twice=True),))


def forward(rng, shape, size, stride, blocks, threads):
    return forward_of(distinct(rng, shape), size, stride, blocks, threads)


def distinct(rng, shape):
    """Values that are all different, half of the planes below zero."""
    values = (rng.permutation(int(np.prod(shape))) + 0.5).reshape(shape).astype(np.float32) / 8
    return values - values.max() * (np.arange(shape[0]) % 2)[:, None, None].astype(np.float32) - np.float32(2)


def of_equals(rng):
    def image(shape):
        return rng.integers(0, 3, shape).astype(np.float32)

    return [forward_of(image((2, 6, 6)), 3, 2, 1, 32), forward_of(np.full((1, 4, 4), -1, np.float32), 2, 2, 1, 8)]


def backward(rng, shape, size, stride, blocks, threads):
    x = distinct(rng, shape) if size <= stride else peaks(rng, shape)
    shape = out_sizes(x, size, stride)
    dout = rng.uniform(0.5, 1.5, shape).astype(np.float32) * rng.choice([-1, 1], shape).astype(np.float32)
    arguments = (dout, switches_of(x, size, stride), Output(x.shape), *x.shape, size, stride)
    return Case((Launch("max_pool_backward", (blocks,), (threads,), arguments, twice=True),))


def peaks(rng, shape):
    """Few large values, so that many windows have the same winner."""
    return (distinct(rng, shape) + 1000 * (rng.random(shape) < 0.15)).astype(np.float32)


def switches_of(x, size, stride):
    planes, rows, columns = out_sizes(x, size, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))[:, ::stride, ::stride]
    r, c = np.divmod(windows.reshape(planes, rows, columns, -1).argmax(-1), size)
    place = (np.arange(rows)[:, None] * stride + r) * x.shape[2] + np.arange(columns) * stride + c
    return place.astype(np.int32)


def each(case, *settings):
    return lambda rng: [case(rng, *values) for values in settings]


MAX_POOL = Check(
    "max_pool_kernel",
    (
        Property("largest values, windows side by side", 1, each(forward, *SIDE_BY_SIDE), **VALUES),
        Property("where they were", 1, each(forward, *SIDE_BY_SIDE, *OVERLAPPING), **PLACES),
        Property("oblong images", 1, each(forward, *OBLONG), **VALUES),
        Property("windows that overlap, or leave gaps", 1, each(forward, *OVERLAPPING, *GAPS), **VALUES),
        Property("of equal values the first", 1, of_equals, **PLACES),
        Property("more windows than threads", 1, each(forward, *FEW_THREADS), **VALUES),
    ),
    (
        Mistake(
            "smallest",
            "This keeps the smallest value of each window.",
            (("if (image[r * width + c] > image[best])", "if (image[r * width + c] < image[best])"),),
        ),
        Mistake(
            "at least zero",
            "Where all values of a window are negative, the largest of them is negative too: what does the search "
            "start with?",
            (("out[i] = image[best]", "out[i] = fmaxf(0, image[best])"),),
        ),
        Mistake(
            "stride taken for size",
            "Windows begin every `stride` pixels, however large they are.",
            (
                ("int best = row * stride * width + column * stride", "int best = row * size * width + column * size"),
                (WINDOW_ROWS, WINDOW_ROWS.replace("stride", "size")),
                (WINDOW_COLUMNS, WINDOW_COLUMNS.replace("stride", "size")),
            ),
        ),
        Mistake(
            "size taken for stride",
            "A window is `size` pixels high and wide; the stride only says where the next one begins.",
            (
                (WINDOW_ROWS, WINDOW_ROWS.replace("+ size", "+ stride")),
                (WINDOW_COLUMNS, WINDOW_COLUMNS.replace("+ size", "+ stride")),
            ),
        ),
        Mistake(
            "height for width",
            "A step down in an image skips a whole row. How many pixels does a row have?",
            (
                (
                    "if (image[r * width + c] > image[best]) best = r * width + c",
                    "if (image[r * height + c] > image[best]) best = r * height + c",
                ),
            ),
        ),
        Mistake(
            "always the first plane",
            "All planes have the results of the first: where in x does the plane of this thread begin?",
            (("x + plane * height * width", "x"),),
        ),
        Mistake(
            "places in the whole array",
            "Places are counted from the beginning of the plane, not of the whole array.",
            (("switches[i] = best", "switches[i] = plane * height * width + best"),),
        ),
        Mistake(
            "places in the output",
            "Stored is where the value was in the input, for the backward pass to find it again.",
            (("switches[i] = best", "switches[i] = row * out_width + column"),),
        ),
        Mistake(
            "last of equals",
            "Of equal values the later one wins here. Which comparison lets the first one stay?",
            (("if (image[r * width + c] > image[best])", "if (image[r * width + c] >= image[best])"),),
        ),
        Mistake(
            "one window per thread",
            "Each thread does one window and stops. With more windows than threads, who does the others?",
            (
                (
                    "for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < windows; i += gridDim.x * blockDim.x) {",
                    "int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < windows) {",
                ),
            ),
        ),
    ),
    SECONDS,
)

MAX_POOL_BACKWARD = Check(
    "max_pool_backward_kernel",
    (
        Property("windows side by side", 1, each(backward, *SIDE_BY_SIDE), **SINGLE_PRECISION),
        Property("oblong images, gaps between windows", 1, each(backward, *OBLONG, *GAPS), **SINGLE_PRECISION),
        Property("windows that overlap", 2, each(backward, *OVERLAPPING), **SINGLE_PRECISION),
        Property("more pixels than threads", 1, each(backward, *FEW_THREADS), **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "last window wins",
            "A pixel that is the largest in several windows is moved by all of them, and here only the last one "
            "counts.",
            ((GATHER, GATHER.replace("sum += dout", "sum = dout")),),
        ),
        Mistake(
            "all pixels of a window",
            "Only the largest pixel of a window had an influence on the output; this gives the gradient to all of "
            "them.",
            ((GATHER, "sum += dout[window]"),),
        ),
        Mistake(
            "planes forgotten",
            "All planes get the gradient of the first: where in dout does the plane of this thread begin?",
            (("int window = (plane * out_height + r) * out_width + c", "int window = r * out_width + c"),),
        ),
        Mistake(
            "zeros not written",
            "Most pixels were the largest nowhere. Their gradient is 0, and somebody has to write it: results hold "
            "nothing before.",
            (("dx[i] = sum", "if (sum != 0) dx[i] = sum"),),
        ),
        Mistake(
            "only the window that begins nearest",
            "A pixel may lie in several windows, and this looks into the last of them alone.",
            (
                ("int first_row = row < size ? 0 : (row - size) / stride + 1", "int first_row = row / stride"),
                (
                    "int first_column = column < size ? 0 : (column - size) / stride + 1",
                    "int first_column = column / stride",
                ),
            ),
        ),
        Mistake(
            "place transposed",
            "Places in a plane are counted along rows: row by row, so a row's number is multiplied by how long a row "
            "is.",
            ((GATHER, GATHER.replace("row * width + column", "row * height + column")),),
        ),
        Mistake(
            "scattered by the windows",
            "Several windows may give to the same pixel, and their threads meet there at once. Who could collect "
            "instead?",
            (
                (
                    PIXEL_LOOP,
                    PIXEL_LOOP.replace("{", "dx[i] = 0;")
                    + "int windows = planes * out_height * out_width;\n"
                    + PIXEL_LOOP.replace("pixels", "windows")
                    + "dx[i / (out_height * out_width) * height * width + switches[i]] += dout[i]; }\n"
                    + "for (int i = pixels; i < pixels; i++) {",
                ),
            ),
        ),
        Mistake(
            "one pixel per thread",
            "Each thread does one pixel and stops. With more pixels than threads, who does the others?",
            ((PIXEL_LOOP, "int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < pixels) {"),),
        ),
    ),
    SECONDS,
)
