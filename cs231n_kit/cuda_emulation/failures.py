"""Puts into words what the runtime found."""

import ctypes
import enum


class KernelError(RuntimeError):
    """A mistake of a kernel, found while it ran. ``failure`` says which, ``line`` where in the source, if known."""

    def __init__(self, message, failure, line=None):
        super().__init__(message)
        self.failure = failure
        self.line = line


class Failure(enum.IntEnum):
    """As in memory.h."""

    NONE = 0
    OUT_OF_BOUNDS = 1
    UNINITIALISED = 2
    RACE = 3
    MISALIGNED = 4
    DIVERGENT_BARRIER = 5
    BAD_WARP = 6
    INTERRUPTED = 7
    STACK_OVERFLOW = 8
    BAD_INDEX = 9
    DIVISION = 10
    NO_MEMORY = 11


class Report(ctypes.Structure):
    """As in memory.h."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("failure", "access", "other_access", "region")),
        ("thread", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("other_thread", ctypes.c_uint),
        ("other_block", ctypes.c_uint),
        *((name, ctypes.c_size_t) for name in ("address", "code", "other_code")),
        *((name, ctypes.c_longlong) for name in ("bytes", "line", "other_line", "index")),
    )


_ACCESSES = ("reads", "writes", "updates")


_SHARED = 2  # regions; those of arrays come after them


def describe(report, *, kernel, filename, line_at, blocks, grid, block, seconds) -> KernelError:
    """The error for a report.

    line_at(code): the source's line at a code address, or None.
    blocks: the arrays in the device's memory.
    grid, block: the sizes of the launch.
    """
    failure = Failure(report.failure)
    line = report.line or line_at(report.code)
    thread, in_block = _tuple(report.thread), _tuple(report.block)
    other = _tuple(_position(report.other_thread, block))
    who = f"{_place(filename, line)}: in {kernel}, thread {thread} of block {in_block}"
    does = _ACCESSES[report.access]
    what = _memory(report, blocks)
    if failure is Failure.OUT_OF_BOUNDS:
        text = f"{who} {does} {_outside(report, blocks)}"
    elif failure is Failure.UNINITIALISED:
        missing = " Is a __syncthreads() missing?" if 0 <= report.region < _SHARED else ""
        text = f"{who} reads {what} before any thread has written it.{missing}"
    elif failure is Failure.RACE:
        other_block = _tuple(_position(report.other_block, grid))
        same = other_block == in_block
        by = f"thread {other}" + ("" if same else f" of block {other_block}")
        at = _at(line_at(report.other_code))
        done = ("read", "wrote", "updated")[report.other_access]
        mend = "with no __syncthreads() in between" if same else "and blocks run in any order"
        text = f"{who} {does} {what}, which {by} {done}{at}, {mend}: a race"
    elif failure is Failure.MISALIGNED:
        text = f"{who} {does} {report.bytes} bytes at an address that is not a multiple of {report.bytes}"
    elif failure is Failure.DIVERGENT_BARRIER:
        does = "has returned" if report.other_line < 0 else f"waits{_at(report.other_line)}"
        text = f"{who} waits at __syncthreads(), but thread {other} {does}: all threads of a block must reach it"
    elif failure is Failure.BAD_WARP:
        text = f"{who} {_warp(report)}"
    elif failure is Failure.INTERRUPTED:
        text = f"{who} is still running after {seconds:g} seconds: an endless loop?"
    elif failure is Failure.STACK_OVERFLOW:
        text = f"{who} needs too much memory for its own variables: a function that calls itself?"
    elif failure is Failure.BAD_INDEX:
        text = f"{who} uses the index {report.index}, which is outside the array"
    elif failure is Failure.DIVISION:
        text = f"{who} divides by zero"
    else:
        text = "There is not enough memory to emulate the kernel"
    return KernelError(text, failure.name.lower(), line)


def _warp(report):
    if report.other_line:
        return "waits for lanes of its warp that wait elsewhere: all lanes of the mask must get here"
    if report.index < 0:
        return "takes part in an exchange of its warp whose mask leaves it out"
    return f"takes the value of lane {report.index}, which does not take part"


def _memory(report, blocks):
    if 0 <= report.region < _SHARED:
        return "shared memory"
    index = report.region - _SHARED
    return _element(blocks[index], report.address) if 0 <= index < len(blocks) else "memory"


def _element(block, address):
    return f"{block.name}[{(address - block.address) // block.itemsize}]"


def _outside(report, blocks):
    if 0 <= report.region < _SHARED:
        return "outside its __shared__ array"
    if report.address < 4096:
        return "through a null pointer"
    near = [block for block in blocks if -(1 << 20) < report.address - block.address < block.memory.nbytes + (1 << 20)]
    if not near:
        return "outside all arrays and shared memory"
    nearest = min(near, key=lambda block: abs(report.address - block.address))
    count = nearest.memory.nbytes // nearest.itemsize
    return f"{_element(nearest, report.address)}, but {nearest.name} has {count:,} elements"


def _position(index, size):
    return index % size[0], index // size[0] % size[1], index // size[0] // size[1]


def _tuple(values):
    return "(" + ", ".join(str(value) for value in values) + ")"


def _place(filename, line):
    return f"{filename}:{line}" if line else filename


def _at(line):
    return f" at line {line}" if line else ""
