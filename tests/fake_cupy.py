"""A stand-in for CuPy where there is no GPU: arrays that compute with NumPy, but keep CuPy's rules and count copies.

CUDA kernels run in the kit's emulation. What CuPy refuses is refused: implicit conversion to NumPy arrays and mixing
with them. ``transfers`` says what went over the bus: the shapes of arrays copied to the host ("to_host", () for a
number read) and to the device ("to_device"). ``launches`` are the names of the kernels that were launched.
"""

import collections
import types
import weakref

import numpy as np

from cs231n_kit.cuda_emulation import EmulatedModule

transfers = collections.defaultdict(list)
launches = []
_current_devices = [0]
_memories = weakref.WeakValueDictionary()  # of all living arrays, by their identity


class Device:
    """One of several GPUs; within ``with Device(1):`` it is the current one, where new arrays come to lie."""

    def __init__(self, id=None):
        self.id = _current_devices[-1] if id is None else id

    def __enter__(self):
        _current_devices.append(self.id)

    def __exit__(self, *error):
        _current_devices.pop()


class ndarray:
    __array_ufunc__ = None  # NumPy's operators leave it to ours, which refuse NumPy's arrays

    def __init__(self, memory, device=None):
        self._memory = memory
        self.device = device or Device()
        _memories[id(memory)] = memory

    @property
    def data(self):
        return types.SimpleNamespace(ptr=self._memory.ctypes.data)

    def get(self):
        transfers["to_host"].append(self.shape)
        return self._memory.copy()

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self._memory, name)
        return _on_device(value, self.device) if callable(value) else _wrapped(value, self.device)

    def __getitem__(self, index):
        return _wrapped(self._memory[_unwrapped(index, host_too=True)], self.device)

    def __setitem__(self, index, value):
        self._memory[_unwrapped(index, host_too=True)] = _unwrapped(value)

    def __len__(self):
        return len(self._memory)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __repr__(self):
        return f"device {self._memory!r}"


ndarray.__module__ = "cupy"


def _number_read(kind):
    def read(self):
        transfers["to_host"].append(())
        return getattr(self._memory, kind)()

    return read


def _operator(name):
    def operate(self, *others):
        result = getattr(self._memory, name)(*_unwrapped(others))
        return self if name.startswith("__i") and result is self._memory else _wrapped(result, self.device)

    return operate


for _kind in ("__float__", "__int__", "__bool__", "__index__", "item", "tolist"):
    setattr(ndarray, _kind, _number_read(_kind))
_arithmetic = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
_comparisons = "lt le eq ne gt ge neg pos abs invert".split()
for _name in [*_comparisons, *_arithmetic, *("r" + n for n in _arithmetic), *("i" + n for n in _arithmetic)]:
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))


def _unwrapped(value, host_too=False):
    if isinstance(value, ndarray):
        return value._memory
    if isinstance(value, np.ndarray) and not host_too:
        raise TypeError(f"Unsupported type {np.ndarray}: a NumPy array of shape {value.shape} among CuPy's")
    if isinstance(value, tuple | list):
        return type(value)(_unwrapped(item, host_too) for item in value)
    return value


def _wrapped(value, device=None):
    """NumPy's arrays, and its scalars, which are arrays of no dimension in CuPy, as arrays of the device."""
    if isinstance(value, np.ndarray | np.generic):
        return ndarray(np.asarray(value), device)
    if isinstance(value, tuple | list) and any(isinstance(item, np.ndarray) for item in value):
        return type(value)(_wrapped(item, device) for item in value)
    return value


def _on_device(function, device=None):
    def call(*args, **kwargs):
        kwargs = {key: _unwrapped(value) for key, value in kwargs.items()}
        return _wrapped(function(*_unwrapped(args), **kwargs), device)

    for name in ("at", "reduce", "reduceat", "accumulate", "outer"):
        if hasattr(function, name):
            setattr(call, name, _on_device(getattr(function, name)))
    return call


def asarray(array, dtype=None):
    """As cupy.asarray: the array itself where it is on the device, a counted copy from the host otherwise."""
    if isinstance(array, ndarray):
        return array if dtype is None or array.dtype == dtype else array.astype(dtype)
    copy = np.array(array, dtype)
    if isinstance(array, np.ndarray):
        transfers["to_device"].append(copy.shape)
    return ndarray(copy)


class RawModule:
    """Of CuPy: kernels take device arrays and numbers, and any memory whose address stands in one of the arrays."""

    def __init__(self, code, options=()):
        self._module = EmulatedModule(code, tuple(option for option in options if not option.startswith("--std")))

    def get_function(self, name):
        kernel = self._module.get_function(name)

        def launch(grid, block, args, shared_mem=0):
            launches.append(name)
            tables = [arg._memory.ravel() for arg in args if isinstance(arg, ndarray) and arg.dtype == np.int64]
            addresses = {address for table in tables for address in table.tolist()}
            found = sorted(_memories.values(), key=lambda memory: memory.nbytes)  # the largest at an address comes last
            reachable = {memory.ctypes.data: memory for memory in found if memory.ctypes.data in addresses}
            reachable = list(reachable.values())
            kernel(grid, block, _unwrapped(tuple(args)), shared_mem=shared_mem, reachable=reachable)

        return launch


class _Generator:
    """Of cupy.random: seeded with integers only, and its numbers are born on the device."""

    def __init__(self, seed):
        if isinstance(seed, np.random.Generator):
            raise TypeError("cupy.random.default_rng takes no NumPy generator")
        self._generator = np.random.default_rng(seed)

    def __getattr__(self, name):
        return _on_device(getattr(self._generator, name))


def module() -> types.ModuleType:
    """A module to put at sys.modules["cupy"]."""
    cupy = types.ModuleType("cupy")
    cupy.__spec__ = types.SimpleNamespace(name="cupy")
    for name in dir(np):
        value = getattr(np, name)
        is_function = callable(value) and not isinstance(value, type)
        if not name.startswith("_") and not isinstance(value, types.ModuleType):
            setattr(cupy, name, _on_device(value) if is_function else value)
    cupy.ndarray = ndarray
    cupy.cuda = types.SimpleNamespace(Device=Device)
    cupy.asarray = asarray
    cupy.RawModule = RawModule
    cupy.array = lambda array, dtype=None: asarray(array, dtype).copy()
    cupy.asnumpy = lambda array: array.get() if isinstance(array, ndarray) else np.asarray(array)
    cupy.random = types.SimpleNamespace(default_rng=_Generator, Generator=_Generator)
    return cupy
