"""The memory of the emulated device: arrays are copied there for a launch, far apart, and back afterwards."""

import ctypes
import weakref
from dataclasses import dataclass

import numpy as np

GAP = 1 << 20  # bytes between arrays, so that even a wide overrun does not end in another array

_uninitialised = {}  # address of an array -> (its size in bytes, for each byte whether a kernel has written it)


def empty(shape, dtype) -> np.ndarray:
    """An array for results. A kernel that reads an element which no kernel has written is stopped with an error."""
    array = np.empty(shape, dtype)
    array.reshape(-1).view(np.uint8)[...] = 0xFF  # what is no number, where Python looks at it
    if array.nbytes:
        address = array.ctypes.data
        _uninitialised[address] = array.nbytes, np.zeros(array.nbytes, np.uint8)
        weakref.finalize(array, _uninitialised.pop, address, None)
    return array


@dataclass
class Block:
    """A piece of the device's memory that stands for the bytes from ``start`` to ``end`` of the host's."""

    start: int
    end: int
    memory: np.ndarray
    written: np.ndarray | None
    name: str = ""
    itemsize: int = 1
    is_constant: bool = True

    @property
    def address(self) -> int:
        return self.memory.ctypes.data


class DeviceMemory:
    """Copies of arrays. Arrays that overlap share a block, so that they do on the device as well."""

    def __init__(self, arrays: list[np.ndarray]):
        spans = sorted((array.ctypes.data, array.ctypes.data + array.nbytes) for array in arrays if array.nbytes)
        merged = []
        for start, end in spans:
            if merged and start < merged[-1][1]:
                merged[-1][1] = max(end, merged[-1][1])
            else:
                merged.append([start, end])
        self._arena = np.empty(sum(end - start + 2 * GAP for start, end in merged) + GAP, np.uint8)
        self.blocks, at = [], GAP - self._arena.ctypes.data % 256
        for start, end in merged:
            memory = self._arena[at : at + end - start]
            memory[...] = _bytes_at(start, end)
            self.blocks.append(Block(start, end, memory, _written(start, end, memory)))
            at += (end - start + GAP + 255) // 256 * 256

    def address_of(self, array) -> int:
        """Where the array lies on the device; an empty array has no place."""
        return self.block_of(array).address + array.ctypes.data - self.block_of(array).start if array.nbytes else 0

    def block_of(self, array) -> Block:
        return next(block for block in self.blocks if block.start <= array.ctypes.data < block.end)

    def copy_back(self, array) -> None:
        """Bring home what kernels have written to the array."""
        block, address = self.block_of(array), array.ctypes.data
        begin = address - block.start
        array.reshape(-1).view(np.uint8)[...] = block.memory[begin : begin + array.nbytes]
        for start, size, written in _overlapping(block.start, block.end):
            low, high = max(start, block.start), min(start + size, block.end)
            written[low - start : high - start] = block.written[low - block.start : high - block.start]


def written_bytes(array) -> np.ndarray | None:
    """For each byte of the array whether it holds a value, or None where all do."""
    start = array.ctypes.data
    return _written(start, start + array.nbytes, array.reshape(-1).view(np.uint8))


def _written(start, end, memory):
    found = _overlapping(start, end)
    if not found:
        return None
    written = np.ones(end - start, np.uint8)
    for begin, size, flags in found:
        low, high = max(begin, start), min(begin + size, end)
        # What the host has written since is recognised by not being filling any more.
        written[low - start : high - start] = flags[low - begin : high - begin] | (
            memory[low - start : high - start] != 0xFF
        )
    return written


def _overlapping(start, end):
    return [(a, size, flags) for a, (size, flags) in list(_uninitialised.items()) if a < end and start < a + size]


def _bytes_at(start, end):
    return np.frombuffer((ctypes.c_uint8 * (end - start)).from_address(start), np.uint8)
