"""The side of the judge's questions that runs in the student's kernel: call a function, send back what it returned.

It holds no expected value and no check; whatever a student does to it changes only the student's own answers.
"""

import os
import socket

import numpy as np

from .calling import Outcome, call
from .wire import receive, send

QUESTION_LIMIT = 2**30
STARTED = {"started": True}


def serve(namespace: dict) -> None:
    """Answer questions about the functions in `namespace` until the judge closes the connection.

    The connection is the socket whose file number is in the environment as CS231N_ANSWER_FD.
    """
    with socket.socket(fileno=int(os.environ["CS231N_ANSWER_FD"])) as connection:
        send(connection, STARTED)
        while True:
            try:
                question, arrays = receive(connection, QUESTION_LIMIT)
            except EOFError:
                return
            arguments = tuple(arrays[v["array"]] if isinstance(v, dict) else v for v in question["arguments"])
            function = namespace.get(question["function"])
            counted = question["counted"]
            outcome = call(function, arguments, counted) if callable(function) else Outcome("undefined")
            header, values = describe(outcome, question["limit"])
            send(connection, {"id": question["id"], **header}, values)


def describe(outcome: Outcome, limit: int) -> tuple[dict, tuple[np.ndarray, ...]]:
    """`outcome` as a header of plain values and a tuple of arrays of numbers, at most `limit` bytes."""
    header = {name: getattr(outcome, name) for name in ("status", "changed", "printed", "instructions")}
    if outcome.status == "returned":
        values = tuple(_plain(v) for v in outcome.values)
        strange = next((v for v in values if v.dtype.kind not in "biufc"), None)
        if strange is not None:
            return {**header, "status": "object", "returned_type": f"{strange.dtype} array"}, ()
        if (size := sum(v.nbytes for v in values)) > limit:
            return {**header, "status": "object", "returned_type": f"value of {size:.1e} bytes"}, ()
        return header, values
    if outcome.status == "object":
        header["returned_type"] = outcome.returned_type
    if outcome.raised is not None:
        header["raised"] = vars(outcome.raised)
    return header, ()


def _plain(value: np.ndarray) -> np.ndarray:
    value = np.asarray(value)
    return value.astype(np.float64) if value.dtype == np.longdouble else value
