"""One test suite for three backends: the definitions in NumPy, CUDA in the emulation, CUDA on a GPU."""

import contextlib
import importlib
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from cs231n_kit.arrays import to_device, to_host
from cs231n_kit.kernels import cuda

# The module with the definitions, and the one with the launchers of the same names.
FAMILIES = {
    "normalization": ("cs231n_kit.kernels.normalization", "cs231n_kit.kernels.normalization_cuda"),
    "distance": ("cs231n_kit.kernels.distance", "cs231n_kit.kernels.distance_cuda"),
    "dropout": ("cs231n_kit.kernels.dropout", "cs231n_kit.kernels.dropout_cuda"),
    "loss": ("cs231n_kit.losses.classification", "cs231n_kit.kernels.loss_cuda"),
    "convolution": ("cs231n_kit.kernels.convolution", "cs231n_kit.kernels.convolution_cuda"),
    "pooling": ("cs231n_kit.kernels.pooling", "cs231n_kit.kernels.pooling_cuda"),
    "update": ("cs231n_kit.optimizers", "cs231n_kit.kernels.update_cuda"),
    "activation": ("cs231n_kit.layers.activation", "cs231n_kit.kernels.activation_cuda"),
}

TOLERANCE = {"float32": 3e-6, "float64": 1e-13}  # relative; sums of many numbers need more


@dataclass(frozen=True)
class Backend:
    name: str

    def family(self, name):
        """The functions of a family of kernels, taking and returning NumPy arrays whatever the backend."""
        return Family(self, importlib.import_module(FAMILIES[name][self.name != "numpy"]))

    def array(self, array):
        return to_device(array) if self.name == "cuda" and isinstance(array, np.ndarray) else array


BACKENDS = {name: Backend(name) for name in ("numpy", "cuda-on-cpu", "cuda")}


class Family:
    def __init__(self, backend, module):
        self._backend = backend
        self._module = module

    def __getattr__(self, name):
        function = getattr(self._module, name)

        def call(*args, **settings):
            arguments = mapped(self._backend.array, args)
            with cuda.emulated() if self._backend.name == "cuda-on-cpu" else contextlib.nullcontext():
                return mapped(to_host_array, function(*arguments, **settings))

        return call


def mapped(function, value):
    """function applied to the arrays in nested tuples and lists."""
    if isinstance(value, tuple | list):
        return type(value)(mapped(function, one) for one in value)
    return function(value)


def to_host_array(value):
    return to_host(value) if hasattr(value, "dtype") and not isinstance(value, np.generic) else value


# --- what hypothesis draws ---

sizes = st.sampled_from([0, 1, 2, 3, 7, 31, 32, 33, 61, 128])
dtypes = st.sampled_from(["float32", "float64"])
layouts = st.sampled_from(["contiguous", "reversed", "strided", "transposed"])
seeds = st.integers(0, 2**32 - 1)


def laid_out(array, layout):
    """The same values, in memory in another way."""
    if layout == "reversed":
        return np.ascontiguousarray(array[::-1])[::-1]
    if layout == "strided":
        wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    return np.asfortranarray(array) if layout == "transposed" else array


def assert_close(found, expected, dtype, factor=1.0):
    """found has the type, and the values up to ``factor`` times its rounding; NaN and infinity where they belong."""
    assert found.dtype == dtype
    tolerance = factor * TOLERANCE[str(np.dtype(dtype))]
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
