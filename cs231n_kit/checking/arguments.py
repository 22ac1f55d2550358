"""What calls are given besides arrays, numbers and strings: what an earlier call kept, networks with known weights, and
launches of kernels.

Such things stay in the notebook's own process. A case says how to come by them, in a form that fits into JSON.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Kept:
    """What an earlier call returned, such as a cache for the backward pass; whatever it is, it is only handed on.

    of: the number of that call among the property's cases; once it was made, its `Outcome.kept`. part: the place in
    the tuple that it returned.
    """

    of: object
    part: int


@dataclass(frozen=True)
class Network:
    """A new object of the notebook's class `name`, made with `settings` as keyword arguments, with these `params`."""

    name: str
    settings: dict[str, int | float | list[int]]
    params: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Output:
    """An array for a kernel to fill. Its elements hold nothing before."""

    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class Launch:
    """One run of the CUDA kernel `kernel`, whose text the notebook's function returns; the only argument of its case.

    grid, block: numbers of blocks, and of threads in a block. arguments: contiguous arrays, integers (passed as int),
    and an `Output` for each result; those are the values of the outcome, in this order. twice: run it again with the
    threads in reverse order, which must not change a bit.
    """

    kernel: str
    grid: tuple[int, ...]
    block: tuple[int, ...]
    arguments: tuple
    twice: bool = False


def launch_of(arguments: tuple) -> Launch | None:
    """The launch that a case with these arguments is about, None where it is a call."""
    return arguments[0] if arguments and isinstance(arguments[0], Launch) else None


def pack(value, put: Callable[[np.ndarray], object]) -> object:
    """`value` as JSON values; `put(array)` gives those for an array, also inside of other values."""
    match value:
        case np.ndarray():
            return put(value)
        case tuple():
            return {"tuple": [pack(part, put) for part in value]}
        case dict():
            return {"entries": {name: pack(part, put) for name, part in value.items()}}
        case Kept():
            return {"kept": value.of, "part": value.part}
        case Network():
            return {"network": value.name, "settings": value.settings, "params": pack(value.params, put)}
        case Output():
            return {"output": value.shape, "dtype": value.dtype}
        case Launch():
            sizes = {"grid": value.grid, "block": value.block, "twice": value.twice}
            return {"launch": value.kernel, **sizes, "arguments": pack(value.arguments, put)}
    return value


def unpack(packed, get: Callable[[object], np.ndarray]) -> object:
    """The value that `pack` made JSON values of; `get` turns what `put` gave into an array again."""
    match packed:
        case {"tuple": parts}:
            return tuple(unpack(part, get) for part in parts)
        case {"entries": entries}:
            return {name: unpack(part, get) for name, part in entries.items()}
        case {"kept": of, "part": part}:
            return Kept(of, part)
        case {"network": name, "settings": settings, "params": params}:
            return Network(name, settings, unpack(params, get))
        case {"output": shape, "dtype": dtype}:
            return Output(tuple(shape), dtype)
        case {"launch": kernel, "grid": grid, "block": block, "twice": twice, "arguments": arguments}:
            return Launch(kernel, tuple(grid), tuple(block), unpack(arguments, get), twice)
        case dict():
            return get(packed)
    return packed


def describe(value) -> str:
    """An argument in a few words: "float64 (5, 3)", "(float64 (5, 3), 1)", "what your function kept"."""
    match value:
        case np.ndarray():
            return f"{value.dtype} {value.shape}"
        case tuple():
            return f"({', '.join(map(describe, value))})"
        case dict():
            return f"{{{', '.join(f'{name}: {describe(part)}' for name, part in value.items())}}}"
        case Kept():
            return "your own"
        case Network():
            settings = ", ".join(f"{name}={part!r}" for name, part in value.settings.items())
            return f"{value.name}({settings})"
        case Output():
            return f"{value.dtype} {value.shape} to be filled"
        case Launch():
            sizes = f"{' x '.join(map(str, value.grid))} blocks of {' x '.join(map(str, value.block))} threads"
            return f"{value.kernel}({', '.join(map(describe, value.arguments))}) on {sizes}"
    return repr(value)
