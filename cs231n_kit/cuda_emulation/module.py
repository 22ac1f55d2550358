"""Modules and kernels that are called as CuPy's RawModule and RawKernel are, and run on the CPU."""

import contextlib
import contextvars
import ctypes
import functools
import threading

import numpy as np

from cs231n_kit.cuda_emulation import compiling
from cs231n_kit.cuda_emulation.failures import Report, describe
from cs231n_kit.cuda_emulation.memory import DeviceMemory, written_bytes

ORDERS = ("forward", "reverse", "shuffled")
MOST_THREADS = 1024
SHARED_BYTES = 48 << 10
MOST_ARRAYS = 4000

_order = contextvars.ContextVar("order", default=(0, 0))


@contextlib.contextmanager
def thread_order(order: str, seed: int = 0):
    """Within, the threads of a block run in this order: "forward", "reverse" or "shuffled"."""
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {order!r}")
    token = _order.set((ORDERS.index(order), seed))
    try:
        yield
    finally:
        _order.reset(token)


class EmulatedModule:
    """The kernels of a CUDA source, for the CPU.

    Parameters
    ----------
    code
        The CUDA source: ``__global__`` functions, which may use shared memory (also ``extern``), barriers, shuffles
        and atomics. No ``<<<...>>>``, no templates of kernels, no CUDA headers.
    options
        For the compiler, as for CuPy: ``("-DTILE=16",)``.
    filename
        What messages call the source.
    time_limit
        Seconds after which a launch is stopped.

    Compiles at once, or takes the result from the user's cache. Raises CompileError with the source's line numbers,
    and RuntimeError where there is no C++ compiler.
    """

    def __init__(self, code: str, options: tuple[str, ...] = (), *, filename="kernel.cu", time_limit: float = 60.0):
        self.code = code
        self.filename = filename
        self.time_limit = time_limit
        self.library, self.names = compiling.build(code, tuple(options), filename)
        self._loaded = ctypes.CDLL(str(self.library))
        self._loaded.cuda_static_shared_bytes.restype = ctypes.c_uint64
        self._one_at_a_time = threading.Lock()
        used = self._loaded.cuda_static_shared_bytes()
        if used > SHARED_BYTES * len(self.names):
            raise compiling.CompileError(
                f"{filename}: {used:,} bytes of shared memory, but a block has {SHARED_BYTES:,}"
            )

    def get_function(self, name: str) -> "EmulatedKernel":
        """The kernel of this name. Raises ValueError where there is none."""
        if name not in self.names:
            raise ValueError(f"{self.filename} has no kernel {name!r}, but {', '.join(self.names)}")
        return EmulatedKernel(self, name)


class EmulatedKernel:
    """A kernel. ``kernel(grid, block, args, shared_mem=0)`` runs it on NumPy arrays and NumPy scalars.

    Arrays are passed where the kernel takes pointers. They must be contiguous, of the kernel's type, and those that
    the kernel does not take as ``const`` hold what it wrote afterwards. ``reachable`` names further arrays, which
    the kernel reaches through addresses that are stored in an argument.

    Raises TypeError or ValueError for arguments that do not fit the kernel, and KernelError for what a GPU would not
    tell: accesses outside arrays, reading what was never written, races, barriers that not all threads reach,
    exchanges with lanes that do not take part, division by zero, and running longer than the module's time limit.
    """

    def __init__(self, module: EmulatedModule, name: str):
        self.module = module
        self.name = name
        self._call = getattr(module._loaded, f"cuda_call_{name}")
        self._parameters = _parameters(getattr(module._loaded, f"cuda_parameters_{name}"))
        names = compiling.parameter_names(module.code, name)
        unnamed = [f"argument {i + 1}" for i in range(len(self._parameters))]
        self.parameter_names = names if len(names) == len(self._parameters) else unnamed

    def __call__(self, grid, block, args, *, shared_mem: int = 0, reachable=()):
        grid, block = _triple("grid", grid), _triple("block", block)
        if np.prod(block) > MOST_THREADS:
            raise ValueError(f"a block has at most {MOST_THREADS:,} threads, not {block}")
        if not 0 <= shared_mem <= SHARED_BYTES:
            raise ValueError(f"shared_mem must be from 0 to {SHARED_BYTES:,} bytes, not {shared_mem}")
        if len(args) != len(self._parameters):
            expected = ", ".join(self.parameter_names)
            raise TypeError(f"{self.name} takes {len(self._parameters)} arguments ({expected}), not {len(args)}")
        named = list(zip(self.parameter_names, self._parameters, args, strict=True))
        arrays = [_checked_array(*one) for one in named if one[1].kind == b"p" and one[2] is not None]
        memory = DeviceMemory(arrays)
        values = []
        for name, parameter, value in named:
            if parameter.kind != b"p":
                values.append(_scalar(name, parameter, value))
                continue
            values.append(ctypes.c_void_p(0 if value is None else memory.address_of(value)))
            if value is not None and value.nbytes:
                found = memory.block_of(value)
                found.name, found.itemsize = found.name or name, max(found.itemsize, value.itemsize)
                found.is_constant &= bool(parameter.constant)
        self._launch(grid, block, values, shared_mem, memory, reachable)
        for _, parameter, value in named:
            if parameter.kind == b"p" and not parameter.constant and value is not None and value.nbytes:
                memory.copy_back(value)

    def _launch(self, grid, block, values, shared_mem, memory, reachable):
        regions = [
            _Region(found.address, found.memory.nbytes, _address(found.written), None, found.is_constant)
            for found in memory.blocks
        ]
        kept = [written_bytes(array) for array in reachable if array.nbytes]
        within = [array for array in reachable if array.nbytes]
        for array, written in zip(within, kept, strict=True):
            regions.append(_Region(array.ctypes.data, array.nbytes, _address(written)))
        if len(regions) > MOST_ARRAYS:
            raise ValueError(f"a launch may use {MOST_ARRAYS:,} arrays, not {len(regions):,}")
        stop = ctypes.c_int(0)
        order, seed = _order.get()
        arguments = (ctypes.c_void_p * (len(values) + 1))(*(ctypes.addressof(value) for value in values))
        launch = _Launch(
            ctypes.cast(self._call, ctypes.c_void_p),
            ctypes.cast(arguments, ctypes.c_void_p),
            (ctypes.c_uint * 3)(*grid),
            (ctypes.c_uint * 3)(*block),
            shared_mem,
            order,
            seed,
            (_Region * (len(regions) + 1))(*regions),
            len(regions),
            ctypes.pointer(stop),
        )
        report = Report()
        with self.module._one_at_a_time:
            self._run(launch, report, stop)
        if report.failure:
            raise describe(
                report,
                kernel=self.name,
                filename=self.module.filename,
                line_at=functools.partial(compiling.source_line, self.module.library, filename=self.module.filename),
                blocks=memory.blocks,
                grid=grid,
                block=block,
                seconds=self.module.time_limit,
            )

    def _run(self, launch, report, stop):
        """Launch from a thread of its own, so that this one can see to the time and to the user's interrupts."""
        runner = threading.Thread(
            target=self.module._loaded.cuda_launch, args=(ctypes.byref(launch), ctypes.byref(report))
        )
        runner.start()
        try:
            runner.join(self.module.time_limit)
        finally:
            stop.value = 1
            runner.join()


class _Parameter(ctypes.Structure):
    """As CudaParameter in device.h."""

    _fields_ = (
        ("kind", ctypes.c_char),
        ("bytes", ctypes.c_int),
        ("element_kind", ctypes.c_char),
        ("element_bytes", ctypes.c_int),
        ("constant", ctypes.c_int),
    )


class _Region(ctypes.Structure):
    """As Region in memory.h."""

    _fields_ = (
        ("begin", ctypes.c_void_p),
        ("bytes", ctypes.c_uint64),
        ("written", ctypes.c_void_p),
        ("cells", ctypes.c_void_p),
        ("is_constant", ctypes.c_uint64),
    )


class _Launch(ctypes.Structure):
    """As Launch in runtime.cpp."""

    _fields_ = (
        ("kernel", ctypes.c_void_p),
        ("arguments", ctypes.c_void_p),
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("dynamic_bytes", ctypes.c_uint64),
        ("order", ctypes.c_int),
        ("seed", ctypes.c_uint64),
        ("regions", ctypes.POINTER(_Region)),
        ("region_count", ctypes.c_int),
        ("should_stop", ctypes.POINTER(ctypes.c_int)),
    )


def _parameters(function) -> list[_Parameter]:
    parameters = (_Parameter * (function(None) or 1))()
    return list(parameters)[: function(parameters)]


def _triple(name, size):
    size = (size,) if isinstance(size, int | np.integer) else tuple(size)
    if not 1 <= len(size) <= 3 or not all(isinstance(n, int | np.integer) and n >= 1 for n in size):
        raise ValueError(f"{name} must be one to three positive integers, not {size}")
    return (*map(int, size), 1, 1)[:3]


def _type_name(kind, size):
    if kind == b"s":
        return f"a struct of {size} bytes"
    return {b"f": "float", b"i": "int", b"u": "uint"}[kind] + str(8 * size)


def _checked_array(name, parameter, array):
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, because the kernel takes a pointer there, not {array!r:.80}")
    if not array.flags.c_contiguous:
        raise ValueError(f"{name} must be contiguous: use numpy.ascontiguousarray({name})")
    if not parameter.constant and not array.flags.writeable:
        raise ValueError(f"{name} is read-only, but the kernel may write to it")
    kind, size = parameter.element_kind, parameter.element_bytes
    fits = kind in b"vs" or (array.dtype.itemsize == size and _kind(array.dtype) == kind)
    if not fits and not (kind == b"u" and size == 1 and array.dtype == bool):
        raise TypeError(f"{name} must hold {_type_name(kind, size)}, as in the kernel, not {array.dtype}")
    return array


def _kind(dtype):
    return {"f": b"f", "i": b"i", "u": b"u", "b": b"u"}.get(dtype.kind, b"?")


_SCALARS = {
    (b"f", 4): ctypes.c_float,
    (b"f", 8): ctypes.c_double,
    **{
        (b"i", n): kind
        for n, kind in {1: ctypes.c_int8, 2: ctypes.c_int16, 4: ctypes.c_int32, 8: ctypes.c_int64}.items()
    },
    **{
        (b"u", n): kind
        for n, kind in {1: ctypes.c_uint8, 2: ctypes.c_uint16, 4: ctypes.c_uint32, 8: ctypes.c_uint64}.items()
    },
}


def _scalar(name, parameter, value):
    """The value as C has it. A NumPy scalar must be of the kernel's type: on a GPU its bytes are passed as they are."""
    key = parameter.kind, parameter.bytes
    if key not in _SCALARS:
        raise TypeError(f"{name} is {_type_name(*key)}: the emulation passes numbers and arrays only")
    if isinstance(value, np.generic):
        if (_kind(value.dtype), value.dtype.itemsize) != key:
            raise TypeError(f"{name} must be numpy.{_type_name(*key)}, as in the kernel, not {value.dtype}")
        return _SCALARS[key](value.item())
    if isinstance(value, float) and key != (b"f", 8):
        raise TypeError(
            f"{name} must be numpy.{_type_name(*key)}, as in the kernel: CuPy passes Python's float as float64"
        )
    if isinstance(value, int | float):
        if key[0] == b"f" and not isinstance(value, float):
            raise TypeError(f"{name} must be numpy.{_type_name(*key)}, as in the kernel, not the integer {value}")
        result = _SCALARS[key](value)
        if result.value != value and value == value:
            raise ValueError(f"{name} is {value}, which does not fit into {_type_name(*key)}")
        return result
    raise TypeError(f"{name} must be a number of type {_type_name(*key)}, not {value!r:.80}")


def _address(array):
    return None if array is None else array.ctypes.data
