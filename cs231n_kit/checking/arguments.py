"""What calls are given besides arrays, numbers and strings: what an earlier call kept, and networks with known weights.

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
    return repr(value)
