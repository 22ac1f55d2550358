"""The judge's questions on the side of the student's kernel: call a function, send back what it returned.

It holds no expected value and no check; whatever a student does to it changes only the student's own answers.
"""

import os
import socket
from dataclasses import replace

import numpy as np

from .arguments import Kept, unpack
from .calling import (
    INSTRUCTION_LIMIT,
    MESSAGE_LIMIT,
    PRINTED_LIMIT,
    Outcome,
    Raised,
    as_take,
    call_for_text,
    call_named,
)
from .wire import WireError, receive, send

QUESTION_LIMIT = 2**30
KEPT_LIMIT = 32
_PLAIN = {np.dtype(np.longdouble): np.float64, np.dtype(np.clongdouble): np.complex128}
STARTED = {"started": True}
STATUSES = "returned nothing object lacks unset raised unkept undefined no_text finding".split()


def serve(namespace: dict) -> None:
    """Answer questions about the functions in `namespace` until the judge closes the connection.

    The connection is the socket whose file number is in the environment as CS231N_ANSWER_FD. What a function returned
    can be kept here for later questions, under the number of the question; of more than KEPT_LIMIT the oldest goes.
    """
    kept: dict[int, object] = {}
    with socket.socket(fileno=int(os.environ["CS231N_ANSWER_FD"])) as connection:
        send(connection, STARTED)
        while True:
            try:
                question, arrays = receive(connection, QUESTION_LIMIT)
            except EOFError:
                return
            outcome = _answer(question, arrays, namespace, kept)
            if question["keep"] and outcome.kept is not None:
                kept[question["id"]] = outcome.kept
                if len(kept) > KEPT_LIMIT:
                    del kept[min(kept)]
            header, values = describe(outcome, question["limit"])
            send(connection, {"id": question["id"], **header}, values)


def _answer(question: dict, arrays: tuple[np.ndarray, ...], namespace: dict, kept: dict[int, object]) -> Outcome:
    """Call the function that the question names, with what earlier calls kept in the place of their handles."""
    arguments = [unpack(packed, lambda place: arrays[place["array"]]) for packed in question["arguments"]]
    for i, value in enumerate(arguments):
        if isinstance(value, Kept):
            if value.of not in kept:
                return Outcome("unkept", returned_type="value any more")
            arguments[i] = replace(value, of=kept[value.of])
    if question["text"]:
        return call_for_text(namespace, question["function"])
    return call_named(namespace, question["function"], tuple(arguments), as_take(question["take"]), question["counted"])


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
    if outcome.returned_type:
        header["returned_type"] = outcome.returned_type
    if outcome.raised is not None:
        header["raised"] = vars(outcome.raised)
    return header, ()


def _plain(value: np.ndarray) -> np.ndarray:
    value = np.asarray(value)
    return value.astype(_PLAIN.get(value.dtype, value.dtype), copy=False)


def read_outcome(header: dict, values: tuple[np.ndarray, ...]) -> Outcome:
    """The Outcome that an untrusted answer describes; raises WireError for anything unexpected."""
    status = header.get("status")
    if status not in STATUSES or (values and status != "returned"):
        raise WireError("an unknown status")
    changed = header.get("changed", [])
    if not isinstance(changed, list) or not all(type(i) is int and 0 <= i < 20 for i in changed):
        raise WireError("an unknown list of changed arguments")
    instructions = header.get("instructions", 0)
    if type(instructions) is not int or not 0 <= instructions <= INSTRUCTION_LIMIT:
        raise WireError("an unknown number of instructions")
    raised = None
    if status in ("raised", "finding"):
        told = header.get("raised")
        if not isinstance(told, dict):
            raise WireError("an unknown error")
        number = told.get("line_number")
        raised = Raised(
            _text(told.get("type"), 80),
            _text(told.get("message"), MESSAGE_LIMIT),
            number if type(number) is int and 0 <= number < 10**6 else 0,
            _text(told.get("line"), 200),
        )
    return Outcome(
        status,
        values,
        _text(header.get("returned_type"), 80),
        raised,
        tuple(changed),
        _text(header.get("printed"), PRINTED_LIMIT),
        instructions,
    )


def _text(value, limit: int) -> str:
    """Printable characters of an untrusted text: no control characters, so no terminal escapes."""
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value[:limit] if c.isprintable() or c == "\n")
