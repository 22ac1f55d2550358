"""Lecture 08: what layers compute and move, and how long that takes on all the hardware there is."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from cs231n_kit.arrays import array_module, device_report, has_gpu, to_device
from cs231n_kit.explorations.hardware import seconds
from cs231n_kit.kernels.parallel import available_cores
from cs231n_kit.layers import affine_forward, conv_forward, max_pool_forward, relu_forward, spatial_batchnorm_forward

MATRIX, COPIED = 1024, 64 << 20  # rows of the product, bytes of the copy, that measure the ceilings


@dataclass(frozen=True)
class Work:
    """A layer's forward pass: operations (a multiply-add counts as two) and the bytes that it cannot but move.

    Those are inputs, parameters and outputs, each once. function(*arrays) does it; shapes are those of the arrays.
    """

    function: Callable
    shapes: tuple[tuple[int, ...], ...]
    operations: int
    nbytes: int

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.operations / self.nbytes


@dataclass
class Device:
    """What a piece of hardware can do at best, and the seconds that it took for each layer."""

    name: str
    operations: float  # a second, in a large matrix product
    bandwidth: float  # bytes a second, read and written, in a large copy
    times: dict[str, float] = field(default_factory=dict)

    def roof(self, intensity):
        """The most operations a second at so many operations for each byte (Williams, Waterman and Patterson 2009)."""
        return np.minimum(self.operations, self.bandwidth * intensity)


def affine(batch: int, units: int) -> Work:
    """An affine layer of as many inputs as units."""
    moved = 2 * batch * units + units * units + units
    shapes = (batch, units), (units, units), (units,)
    return Work(affine_forward, shapes, 2 * batch * units * units, 4 * moved)


def convolution(batch: int, channels: int, size: int, pixels: int = 32) -> Work:
    """A convolution of square filters that keeps the number of channels and the size of square images."""
    images, filters = batch * channels * pixels**2, channels * channels * size**2

    def function(x, w, b):
        return conv_forward(x, w, b, {"stride": 1, "pad": size // 2})

    shapes = (batch, channels, pixels, pixels), (channels, channels, size, size), (channels,)
    return Work(function, shapes, 2 * images * channels * size**2, 4 * (2 * images + filters + channels))


def relu(batch: int, channels: int, pixels: int = 32) -> Work:
    """One comparison for each number of the images."""
    n = batch * channels * pixels**2
    return Work(relu_forward, ((batch, channels, pixels, pixels),), n, 8 * n)


def max_pool(batch: int, channels: int, pixels: int = 32) -> Work:
    """Windows of 2 x 2 pixels: three comparisons for each output."""
    n = batch * channels * pixels**2
    pool = {"pool_height": 2, "pool_width": 2, "stride": 2}
    return Work(lambda x: max_pool_forward(x, pool), ((batch, channels, pixels, pixels),), 3 * n // 4, 5 * n)


def batch_norm(batch: int, channels: int, pixels: int = 32) -> Work:
    """Eight operations for each number: one for the mean, three for the variance, two to normalise, two to scale."""
    n, shape = batch * channels * pixels**2, (batch, channels, pixels, pixels)

    def function(x, gamma, beta):
        return spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})

    return Work(function, (shape, (channels,), (channels,)), 8 * n, 8 * n)


LAYERS = {
    "conv 3×3, 64 channels": convolution(16, 64, 3),
    "conv 1×1, 64 channels": convolution(64, 64, 1),
    "affine, batch 256": affine(256, 2048),
    "affine, batch 1": affine(1, 2048),
    "batch norm": batch_norm(64, 64),
    "max pool 2×2": max_pool(64, 64),
    "ReLU": relu(64, 64),
}


def measure(layers=LAYERS) -> list[Device]:
    """Time the layers, {name: Work}, and the ceilings, on one core, on all cores, and on a GPU where there is one."""
    cores = available_cores()
    devices = [_measured(f"CPU, {counted(n, 'core')}", n, layers) for n in sorted({1, cores})]
    if has_gpu():
        devices.append(_measured(device_report().device, cores, layers, to_device))
    return devices


def _measured(name, cores, layers, place=np.asarray):
    with on_cores(cores):
        square = place(np.ones((MATRIX, MATRIX), np.float32))
        operations = 2 * MATRIX**3 / seconds(lambda: square @ square)
        device = Device(name, operations, 2 * COPIED / seconds(_copy(place, cores)))
        device.times |= {layer: time_of(work, place) for layer, work in layers.items()}
    return device


def time_of(work: Work, place=np.asarray, repeats=5) -> float:
    """Seconds that a layer takes for random numbers; place(array) puts them where it shall run."""
    rng = np.random.default_rng(0)
    arrays = [place(rng.standard_normal(shape, dtype=np.float32)) for shape in work.shapes]
    return seconds(lambda: work.function(*arrays), repeats)


@contextlib.contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Within, BLAS and the kit's compiled kernels use so many cores."""
    from threadpoolctl import threadpool_limits

    with contextlib.ExitStack() as stack:
        stack.enter_context(threadpool_limits(count))
        with contextlib.suppress(ImportError):
            import numba

            stack.callback(numba.set_num_threads, numba.get_num_threads())
            numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
        yield


def _copy(place, cores):
    """A function that copies COPIED bytes, with all the threads it takes to keep the memory busy."""
    source = place(np.ones(COPIED // 4, np.float32))
    target = array_module(source).zeros_like(source)
    if array_module(source) is not np or cores == 1:
        return lambda: target.__setitem__(slice(None), source)

    def copy():
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(np.copyto, np.array_split(target, cores), np.array_split(source, cores)))

    return copy


def counted(count, what):
    """1 core, 2 cores."""
    return f"{count} {what}{'s' * (count > 1)}"
