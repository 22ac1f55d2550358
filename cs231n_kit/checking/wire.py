"""Arrays and plain text over a socket: how the judge asks and how the student's kernel answers.

A message is a 4-byte length, a JSON header, and the bytes of the arrays that the header describes. Nothing is
unpickled or evaluated, every size is checked before memory is taken, so the other side need not be trusted.
"""

import json
import math
import socket
import struct
import time

import numpy as np

HEADER_LIMIT = 64 * 1024
EMPTY_LIMIT = 2**24  # bytes of an array without elements, its axes of length 0 taken for 1
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}
_DTYPES = {f"{order}{kind}{size}" for order in "<>|" for kind, sizes in _SIZES.items() for size in sizes}
_LENGTH = struct.Struct(">I")


class WireError(Exception):
    """The other side sent something that is not a message."""


def send(connection: socket.socket, header: dict, arrays: tuple[np.ndarray, ...] = ()) -> None:
    """Send `header` (JSON values) and `arrays` (bool, integer, float or complex)."""
    described = [{"dtype": a.dtype.str, "shape": a.shape, "fortran": _is_fortran(a)} for a in arrays]
    text = json.dumps({"header": header, "arrays": described}).encode()
    connection.sendall(_LENGTH.pack(len(text)) + text)
    for a in arrays:
        connection.sendall(a.tobytes(order="F" if _is_fortran(a) else "C"))


def receive(
    connection: socket.socket, limit: int, deadline: float | None = None
) -> tuple[dict, tuple[np.ndarray, ...]]:
    """Receive one message: (header, arrays). `limit`: most bytes of arrays; `deadline`: a `time.monotonic()` value.

    Raises WireError for anything malformed or too large, TimeoutError at the deadline, EOFError when closed.
    """
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size, deadline))
    if length > HEADER_LIMIT:
        raise WireError(f"a header of {length} bytes")
    try:
        message = json.loads(_exactly(connection, length, deadline))
        header, described = message["header"], message["arrays"]
        kinds = [(_dtype(d["dtype"]), _shape(d["shape"]), d["fortran"] is True) for d in described]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError(f"a malformed header: {type(error).__name__}") from error
    sizes = [dtype.itemsize * math.prod(shape) for dtype, shape, _ in kinds]
    if not isinstance(header, dict) or sum(sizes) > limit:
        raise WireError(f"{sum(sizes)} bytes of arrays, {limit} at most")
    if any(dtype.itemsize * math.prod(n or 1 for n in shape) > max(limit, EMPTY_LIMIT) for dtype, shape, _ in kinds):
        raise WireError("an empty array with too large axes")
    return header, tuple(
        np.frombuffer(_exactly(connection, size, deadline), dtype).reshape(shape, order="F" if fortran else "C")
        for (dtype, shape, fortran), size in zip(kinds, sizes, strict=True)
    )


def _is_fortran(array: np.ndarray) -> bool:
    return array.flags.f_contiguous and not array.flags.c_contiguous


def _dtype(text: str) -> np.dtype:
    """Only plain numbers, as every machine has them: no objects, no text, nothing that NumPy would parse."""
    if not isinstance(text, str) or text not in _DTYPES:
        raise ValueError("dtype")
    return np.dtype(text)


def _shape(values: list) -> tuple[int, ...]:
    if len(values) > 32 or not all(type(n) is int and 0 <= n < 2**48 for n in values):
        raise ValueError("shape")
    return tuple(values)


def _exactly(connection: socket.socket, count: int, deadline: float | None) -> bytearray:
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer before the time limit")
            connection.settimeout(left)
        received = connection.recv_into(view[done:])
        if not received:
            raise EOFError("the connection was closed")
        done += received
    return data
