"""Call a student's function on copies of the arguments and describe what happened.

The same code runs in the student's notebook and in the grading sandbox, so both see a function in the same way.
"""

import contextlib
import io
import linecache
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PRINTED_LIMIT = 2_000
MESSAGE_LIMIT = 500
INSTRUCTION_LIMIT = 300_000
SEED = 231


@dataclass(frozen=True)
class Raised:
    """An exception: its type and message, and the line of the student's own code it came through."""

    type: str
    message: str
    line_number: int = 0
    line: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a call did.

    status: "returned" (see `values`), "nothing" (None, or NotImplementedError), "object" (something that is no
    array; `returned_type` names it), "raised" (see `raised`) or "undefined" (no such function); from the judge also
    "timeout", "died", "garbled" (an unreadable answer) and "unanswerable" (the kernel could not be asked).
    changed: positions of the arguments that the function modified. printed: the first characters it printed.
    instructions: of the Python interpreter, at most INSTRUCTION_LIMIT, where the call was `counted`, else 0.
    """

    status: str
    values: tuple[np.ndarray, ...] = ()
    returned_type: str = ""
    raised: Raised | None = None
    changed: tuple[int, ...] = ()
    printed: str = ""
    instructions: int = 0


class _FirstCharacters(io.StringIO):
    """Keeps the first PRINTED_LIMIT characters written to it and drops the rest."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, PRINTED_LIMIT - self.tell())])
        return len(text)


class _InstructionCounter:
    """Counts the instructions that the Python interpreter executes in this thread, up to INSTRUCTION_LIMIT.

    A loop in Python needs more of them for more data; NumPy's own loops need none.
    """

    def __init__(self):
        self.count = 0

    def __enter__(self) -> "_InstructionCounter":
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *exception) -> None:
        sys.settrace(self._before)

    def _trace(self, frame, event, argument):
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.count += event == "opcode"
        if self.count < INSTRUCTION_LIMIT:
            return self._trace
        sys.settrace(None)
        return None


def call(function: Callable, arguments: tuple, counted: bool = False) -> Outcome:
    """Call `function` with fresh copies of `arguments`; never raises for what the function does.

    Output is captured, warnings are silenced, KeyboardInterrupt passes through. NumPy's global generator starts from a
    fixed seed, so that a second call gives the same, and is put back. counted: count the instructions too, which takes
    longer.
    """
    copies = tuple(_copy(value) for value in arguments)
    screen = _FirstCharacters()
    counter = _InstructionCounter()
    random_state = np.random.get_state()
    np.random.seed(SEED)
    try:
        with (
            contextlib.redirect_stdout(screen),
            contextlib.redirect_stderr(screen),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            with counter if counted else contextlib.nullcontext():
                result = function(*copies)
    except NotImplementedError:
        return Outcome("nothing", printed=screen.getvalue())
    except (Exception, SystemExit) as error:
        return Outcome("raised", raised=_describe(error, function), printed=screen.getvalue())
    finally:
        np.random.set_state(random_state)
    changed = tuple(i for i, (a, b) in enumerate(zip(arguments, copies, strict=True)) if not _same(a, b))
    if result is None:
        return Outcome("nothing", changed=changed, printed=screen.getvalue())
    parts = result if isinstance(result, tuple) else (result,)
    values = tuple(_as_array(part) for part in parts)
    for part, value in zip(parts, values, strict=True):
        if value is None:
            return Outcome("object", returned_type=type(part).__name__, printed=screen.getvalue())
    return Outcome("returned", values, changed=changed, printed=screen.getvalue(), instructions=counter.count)


def _copy(value):
    return np.array(value, order="K") if isinstance(value, np.ndarray) else value


def _same(before, after) -> bool:
    if not isinstance(before, np.ndarray):
        return True
    return before.shape == after.shape and np.array_equal(before, after, equal_nan=before.dtype.kind == "f")


def _as_array(value) -> np.ndarray | None:
    """`value` as an array of numbers (or text, to be told so), None when it is something else."""
    try:
        array = np.asarray(value)
    except Exception:
        return None
    return None if array.dtype.kind == "O" and not isinstance(value, list | np.ndarray) else array


def _describe(error: BaseException, function: Callable) -> Raised:
    """The exception, and the last line of the function's own module on the way to it."""
    own = getattr(function, "__globals__", None)
    frames = [(f, n) for f, n in traceback.walk_tb(error.__traceback__) if f.f_globals is own]
    number, line = 0, ""
    if frames:
        frame, number = frames[-1]
        line = linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()
    return Raised(type(error).__name__, str(error)[:MESSAGE_LIMIT], number, line[:MESSAGE_LIMIT])
