"""CUDA kernels: the .cu files beside this one, compiled at their first call and launched where the arrays are.

In the sources ``real`` is float or double, set when they are compiled; kernels are ``extern "C"``, take flat arrays,
sizes as int, other numbers as real, and cover any amount of work by grid-stride loops. CuPy has float32 results
smaller than 1.2e-38, denormal numbers, rounded to zero.
"""

import contextlib
import contextvars
import functools
import importlib
import math
import operator
from pathlib import Path

import numpy as np

from cs231n_kit.arrays import array_module

THREADS = 256  # in a block, unless a kernel needs another number
MOST_BLOCKS = 8192  # enough to fill any GPU; grid-stride loops do the rest
MOST_BLOCKS_EMULATED = 3  # few, so that the loops go round

REALS = {"float32": "float", "float64": "double"}

_emulating = contextvars.ContextVar("emulating", default=False)


@contextlib.contextmanager
def emulated():
    """Within, NumPy arrays count as the GPU's: kernels run on the CPU, slowly, with every access to memory checked."""
    token = _emulating.set(True)
    try:
        yield
    finally:
        _emulating.reset(token)


def dispatched(launchers):
    """Decorator: arrays on the GPU go to the function of the same name in the module ``launchers`` of this package.

    The arrays may also stand in a tuple or list, as those in the cache of a layer do.
    """

    def decorate(function):
        @functools.wraps(function)
        def call(*args, **settings):
            if not is_used(*args, *settings.values()):
                return function(*args, **settings)
            module = importlib.import_module(f"cs231n_kit.kernels.{launchers}")
            return getattr(module, function.__name__)(*args, **settings)

        return call

    return decorate


def is_used(*arguments) -> bool:
    """Whether CUDA kernels compute with the arrays among the arguments, or in tuples and lists among them.

    Raises TypeError where host and device arrays are mixed.
    """
    arrays = [one for part in arguments for one in (part if isinstance(part, tuple | list) else (part,))]
    return array_module(*arrays) is not np or _emulating.get()


def empty(shape, dtype):
    """A new array for a kernel to fill: of the GPU or, emulated, one whose reading before writing is an error."""
    if _emulating.get():
        from cs231n_kit import cuda_emulation

        return cuda_emulation.empty(shape, dtype)
    import cupy

    return cupy.empty(shape, dtype)


def contiguous(*arrays):
    """The arrays in C order, copied where they are not."""
    return [a if a.flags.c_contiguous else array_module(a).ascontiguousarray(a) for a in arrays]


def check_reals(**arrays) -> None:
    """Raise TypeError or ValueError, with the name, unless all are arrays of float32 or float64, in one memory."""
    xp = array_module(*arrays.values())
    if xp is not np:
        _check_gpus(xp, "the kernel", arrays.values(), lambda: arrays)
    for name, array in arrays.items():
        dtype = getattr(array, "dtype", type(array).__name__)
        if str(dtype) not in REALS:
            raise TypeError(f"{name} must hold float32 or float64, not {dtype}")


def check_shape(name, array, shape) -> None:
    """Raise ValueError unless the array has the shape. A kernel would read what lies beside it in the GPU's memory."""
    if array.shape != tuple(shape):
        raise ValueError(f"{name} must have the shape {tuple(shape)}, not {array.shape}")


def size(name, value, least=1) -> int:
    """value as Python's integer. Raises TypeError for other numbers and ValueError below ``least``."""
    try:
        found = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {value!r}") from None
    if found < least:
        raise ValueError(f"{name} must be at least {least}, not {found}")
    return found


def pair(name, values, least=1) -> tuple[int, int]:
    """values as two of Python's integers, along height and along width. Raises TypeError or ValueError as ``size``."""
    if not isinstance(values, tuple | list) or len(values) != 2:
        raise TypeError(f"{name} must be a pair, along height and along width, not {values!r}")
    return tuple(size(name, value, least) for value in values)


def launch(
    file, kernel, arguments, real, work=None, *, grid=None, block=THREADS, shared_mem=0, reachable=(), **defines
):
    """Run a kernel of a .cu file.

    file, kernel: names, such as "pooling.cu" and "max_pool".
    arguments: contiguous arrays, Python's integers (int in the kernel), floats (real) and NumPy's numbers as they are.
    real: the dtype that ``real`` stands for, float32 or float64.
    work: how many elements the kernel's grid-stride loop goes over, a thread each; nothing is launched for 0.
    grid: blocks along x, y, z for kernels that share out work in another way.
    block: threads of a block, an integer or along x, y, z.
    shared_mem: bytes of ``extern __shared__`` memory.
    reachable: further arrays, which the kernel reaches through addresses stored in one of the arguments.
    defines: macros for the compiler, TILE=16 for instance.

    Raises OverflowError for sizes beyond 2³¹ - 1, which int does not hold, and ValueError for arrays of several GPUs.
    """
    if work == 0:
        return
    real, emulating = np.dtype(real), _emulating.get()
    if real.name not in REALS:
        raise TypeError(f"{kernel} computes in float32 or float64, not in {real}")
    block = (block, 1, 1) if isinstance(block, int) else block
    if grid is None:
        most = MOST_BLOCKS_EMULATED if emulating else MOST_BLOCKS
        grid = (min(most, math.ceil(work / math.prod(block))), 1, 1)
    options = (f"-Dreal={REALS[real.name]}", *(f"-D{name}={value}" for name, value in sorted(defines.items())))
    arguments = tuple(_argument(kernel, value, real) for value in arguments)
    if emulating:
        _function(None, file, options, kernel)(grid, block, arguments, shared_mem=shared_mem, reachable=reachable)
        return
    import cupy

    _check_gpus(cupy, kernel, (*arguments, *reachable), lambda: _names(file, kernel, arguments, reachable))
    _function(cupy, file, options, kernel)(grid, block, arguments, shared_mem=shared_mem)


@functools.cache
def _function(cupy, file, options, kernel):
    return _module(cupy, file, options).get_function(kernel)


@functools.cache
def _module(cupy, file, options):
    """The compiled file: by CuPy or, where that is None, for the emulation."""
    code = _source(file)
    if cupy is None:
        from cs231n_kit.cuda_emulation import EmulatedModule

        return EmulatedModule(code, options, filename=file)
    return cupy.RawModule(code=code, options=("--std=c++17", *options))


def _source(file):
    return Path(__file__).with_name(file).read_text(encoding="utf-8")


def _check_gpus(cupy, user, arguments, names) -> None:
    """Raise ValueError unless all arrays lie on the GPU that kernels run on now: they might not see another's.

    user: who takes the arguments. names: a function that returns theirs.
    """
    current = cupy.cuda.Device().id
    places = [getattr(getattr(value, "device", None), "id", current) for value in arguments]
    if any(place != current for place in places):
        elsewhere = [f"{name} on GPU {place}" for name, place in zip(names(), places, strict=True) if place != current]
        raise ValueError(
            f"{user} runs on GPU {current}, the current one, but there is {', '.join(elsewhere)}. Bring all arrays to "
            "one GPU with cupy.asarray, and compute there, within cupy.cuda.Device(number)"
        )


def _names(file, kernel, arguments, reachable):
    """What messages call the arrays."""
    from cs231n_kit.cuda_emulation.compiling import parameter_names

    names = parameter_names(_source(file), kernel)
    if len(names) != len(arguments):
        names = [f"argument {i + 1}" for i in range(len(arguments))]
    return [*names, *(f"array {i + 1}" for i in range(len(reachable)))]


def _argument(kernel, value, real):
    if isinstance(value, float):
        return real.type(value)
    if not isinstance(value, int):
        return value
    if not -(2**31) <= value < 2**31:
        raise OverflowError(f"{kernel} takes sizes up to {2**31 - 1:,}, not {value:,}: split the batch")
    return np.int32(value)
