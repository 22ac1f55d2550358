"""Read CIFAR-10's pickled batch files as data.

``pickle.load`` runs whatever a file tells it to run, and a download or a classmate's USB stick is not to be
trusted that far. This reader walks over the pickle's instructions and carries out only those that build plain
data: numbers, strings, lists, dictionaries and arrays of bytes. The few names that honest files mention (NumPy's
array, its dtype, the latin-1 encoder) are compared as text and acted on here; nothing is imported or called.
"""

import pickletools
from dataclasses import dataclass

import numpy as np

from cs231n_kit.datasets.dataset import DatasetError

LARGEST_FILE = 128_000_000  # bytes; official batches have 31 million
MOST_INSTRUCTIONS = 1_000_000  # an honest batch of 10,000 images takes 120,000

_ENCODE = "_codecs encode"
_NDARRAY = "numpy ndarray"
_DTYPE = "numpy dtype"
_RECONSTRUCT = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
_FROMBUFFER = ("numpy.core.numeric _frombuffer", "numpy._core.numeric _frombuffer")


def read_batch_file(name: str, content: bytes) -> dict[str, object]:
    """The dictionary in a pickle of protocol 2 to 5, written by Python 2 or 3, with its keys as str.

    Byte strings stay bytes; arrays are uint8. Raises DatasetError naming the file for anything else.
    """
    if len(content) > LARGEST_FILE:
        raise DatasetError(f"{name} has {len(content):,} bytes, more than a CIFAR-10 batch can have.")
    try:
        result = _Reader(len(content)).read(content)
        if not isinstance(result, dict):
            raise _Refused(f"a dictionary was expected, not a {type(result).__name__}")
        return {key.decode("latin-1") if isinstance(key, bytes) else str(key): result[key] for key in result}
    except _Refused as refusal:
        raise DatasetError(f"{name} is not a CIFAR-10 batch file: {refusal}.") from None
    except Exception as error:  # pickletools and the stack fail in many ways on damaged input
        raise DatasetError(f"{name} is not a CIFAR-10 batch file, or was cut off ({error}).") from error


class _Refused(Exception):
    """The file asks for something that no CIFAR-10 file needs."""


@dataclass(frozen=True)
class _Name:
    """A name the pickle would import; kept as text."""

    text: str


class _Dtype:
    """numpy.dtype('u1'), the only element type there is in CIFAR-10."""


class _Array:
    """An array of bytes; empty until the BUILD instruction brings shape and content."""

    values: np.ndarray


class _Reader:
    """The pickle stack machine, reduced to what builds data."""

    def __init__(self, budget: int):
        self.stack: list = []
        self.marks: list[int] = []  # where on the stack the items of unfinished lists, tuples, dictionaries begin
        self.memo: dict[int, object] = {}
        self.budget = budget  # bytes that may be decoded: no file needs more than its own size

    def read(self, content: bytes) -> object:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(content)):
            if count > MOST_INSTRUCTIONS:
                raise _Refused(f"it has more than {MOST_INSTRUCTIONS:,} instructions")
            self.step(instruction.name, argument)
        (result,) = self.stack
        return _finished(result)

    def step(self, name: str, argument) -> None:
        match name:
            case "BININT1" | "BININT2" | "BININT" | "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8":
                self.stack.append(argument)
            case "SHORT_BINBYTES" | "BINBYTES" | "BINBYTES8" | "BYTEARRAY8":
                self.stack.append(argument)
            case "SHORT_BINSTRING" | "BINSTRING":  # Python 2's str
                self.stack.append(argument.encode("latin-1"))
            case "BINGET" | "LONG_BINGET":
                self.stack.append(self.memo[argument])
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = self.stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "MARK":
                self.marks.append(len(self.stack))
            case "EMPTY_DICT":
                self.stack.append({})
            case "EMPTY_LIST":
                self.stack.append([])
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                self.stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
            case "EMPTY_TUPLE":
                self.stack.append(())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self.stack.append(tuple(self.pop(int(name[-1]))))
            case "TUPLE":
                self.stack.append(tuple(self.pop_to_mark()))
            case "APPEND" | "APPENDS":
                items = self.pop(1) if name == "APPEND" else self.pop_to_mark()
                self.top(list).extend(_finished(item) for item in items)
            case "SETITEM" | "SETITEMS":
                items = self.pop(2) if name == "SETITEM" else self.pop_to_mark()
                keys, values = items[::2], items[1::2]
                if not all(isinstance(key, bytes | str) for key in keys):
                    raise _Refused("a dictionary key is not a string")
                self.top(dict).update(zip(keys, map(_finished, values), strict=True))
            case "GLOBAL" | "STACK_GLOBAL":
                self.stack.append(self.known_name(argument or " ".join(self.pop(2))))
            case "REDUCE":
                function, arguments = self.pop(2)
                self.stack.append(self.call(function, arguments))
            case "BUILD":
                target, state = self.pop(2)
                self.stack.append(self.build(target, state))
            case "PROTO" | "FRAME" | "STOP":
                pass
            case _:
                raise _Refused(f"it uses the pickle instruction {name}, which could run code or is not needed")

    def pop(self, count: int) -> list:
        items = self.stack[-count:]
        if len(items) < count:
            raise _Refused("its instructions do not fit together")
        del self.stack[-count:]
        return items

    def pop_to_mark(self) -> list:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def top(self, kind: type):
        if type(self.stack[-1]) is not kind:
            raise _Refused("its instructions do not fit together")
        return self.stack[-1]

    def known_name(self, text: str) -> _Name:
        if text not in (_ENCODE, _NDARRAY, _DTYPE, *_RECONSTRUCT, *_FROMBUFFER):
            raise _Refused(f'it asks for "{text.replace(" ", ".")}", which could run code')
        return _Name(text)

    def call(self, function: _Name, arguments: tuple) -> object:
        match function.text, arguments:
            case "_codecs encode", (str(text), "latin1"):
                self.budget -= len(text)
                if self.budget < 0:
                    raise _Refused("it unpacks to more than its own size")
                return text.encode("latin-1")
            case "numpy dtype", ("u1" | b"u1", *_):
                return _Dtype()
            case name, (_Name(text="numpy ndarray"), *_) if name in _RECONSTRUCT:
                return _Array()
            case name, (buffer, _Dtype(), shape, order) if name in _FROMBUFFER:
                return _filled(_Array(), shape, order == "F", buffer)
        raise _Refused(f'it uses "{function.text.replace(" ", ".")}" in a way that CIFAR-10 does not')

    def build(self, target: object, state: tuple) -> object:
        match target, state:
            case _Dtype(), tuple():
                return target
            case _Array(), (1, shape, _Dtype(), column_major, buffer):
                return _filled(target, shape, column_major, buffer)
        raise _Refused("it holds an array of something else than unsigned bytes")


def _filled(array: _Array, shape: object, column_major: object, buffer: object) -> _Array:
    if not isinstance(shape, tuple) or len(shape) > 4 or not all(type(n) is int and n >= 0 for n in shape):
        raise _Refused("an array has no valid shape")
    if not isinstance(buffer, bytes | bytearray) or len(buffer) != int(np.prod(shape, dtype=object)):
        raise _Refused(f"an array's content does not fill its shape {shape}")
    order = "F" if column_major else "C"
    array.values = np.frombuffer(buffer, np.uint8).reshape(shape, order=order)
    return array


def _finished(item: object) -> object:
    """Replace an array's stand-in, which the memo may still refer to, by the array."""
    return item.values if isinstance(item, _Array) else item
