"""Call a student's function on copies of the arguments and describe what happened.

The same code runs in the student's notebook and in the grading sandbox, so both see a function in the same way.
"""

import contextlib
import io
import linecache
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from .arguments import Kept, Network

PRINTED_LIMIT = 2_000
MESSAGE_LIMIT = 500
INSTRUCTION_LIMIT = 300_000
TEXT_LIMIT = 50_000  # bytes of a text that a function returns
SEED = 231

Take = tuple[int | str | tuple[int, str], ...] | None


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
    array; `returned_type` names it), "lacks" (a part that was asked for, named there, is not in it), "unset" (an entry
    is not in a dictionary that was an argument), "raised" (see `raised`), "unkept" (an earlier call kept nothing such),
    "undefined" (no such function), "no_text" (a text was asked for, and this is none) or "finding" (a kernel that was
    written as text does not compile or is at fault, `raised` says how: see `cs231n_kit.checking.findings`);
    from the judge also "timeout", "died", "garbled" (an unreadable answer) and "unanswerable" (the kernel could not be
    asked).
    changed: positions of the arguments that the function modified. printed: the first characters it printed.
    instructions: of the Python interpreter, at most INSTRUCTION_LIMIT, where the call was `counted`, else 0.
    kept: what it returned, as it is, for later calls; from the judge, a handle to it.
    """

    status: str
    values: tuple[np.ndarray, ...] = ()
    returned_type: str = ""
    raised: Raised | None = None
    changed: tuple[int, ...] = ()
    printed: str = ""
    instructions: int = 0
    kept: object = field(default=None, compare=False, repr=False)


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


def in_turn(cases: Sequence, ask: Callable[..., Outcome]) -> list[Outcome]:
    """Make the calls of a property in order, and hand on what a case keeps to those that ask for it.

    cases: `Case` objects. ask(case, keep): makes one call; keep says whether its result will be needed.
    """
    needed = {a.of for case in cases for a in case.arguments if isinstance(a, Kept)}
    outcomes: list[Outcome] = []
    for number, case in enumerate(cases):
        if any(isinstance(a, Kept) and outcomes[a.of].kept is None for a in case.arguments):
            outcomes.append(Outcome("unkept", returned_type="value"))
            continue
        arguments = tuple(replace(a, of=outcomes[a.of].kept) if isinstance(a, Kept) else a for a in case.arguments)
        outcomes.append(ask(replace(case, arguments=arguments), number in needed))
    return outcomes


def as_take(listed: list | None) -> Take:
    """`take` as it was before it became JSON values."""
    return None if listed is None else tuple(tuple(which) if isinstance(which, list) else which for which in listed)


def call_named(namespace: Mapping, name: str, arguments: tuple, take: Take = None, counted: bool = False) -> Outcome:
    """Call the function `name` of a notebook's `namespace`, or the method "Class.method"; see `call`."""
    function = find(namespace, name)
    return Outcome("undefined") if function is None else call(function, arguments, take, counted, namespace)


def call_for_text(namespace: Mapping, name: str) -> Outcome:
    """Call a notebook's function, without arguments, for a text: its UTF-8 bytes are the value of the outcome."""
    outcome = call_named(namespace, name, ())
    if outcome.status == "object":
        return replace(outcome, status="no_text")
    if outcome.status != "returned":
        return outcome
    value = outcome.kept
    if not isinstance(value, str):
        return Outcome("no_text", returned_type=type(value).__name__, printed=outcome.printed)
    content = str(value[:TEXT_LIMIT]).encode(errors="replace")
    if len(value) > TEXT_LIMIT or len(content) > TEXT_LIMIT:
        return Outcome("no_text", returned_type=f"text of {len(value):,} characters", printed=outcome.printed)
    return replace(outcome, values=(np.frombuffer(content, np.uint8),), kept=None)


def find(namespace: Mapping, name: str) -> Callable | None:
    """The function, class or method ("Class.method") called `name`; None where there is none."""
    first, *rest = name.split(".")
    found = namespace.get(first)
    for attribute in rest:
        found = getattr(found, attribute, None)
    return found if callable(found) else None


def namespace_of(function: Callable) -> Mapping:
    """The names of the notebook or module that a function or class was written in."""
    if isinstance(function, type):
        function = next((f for f in vars(function).values() if hasattr(f, "__globals__")), None)
    return getattr(function, "__globals__", {})


def call(
    function: Callable,
    arguments: tuple,
    take: Take = None,
    counted: bool = False,
    namespace: Mapping = MappingProxyType({}),
) -> Outcome:
    """Call `function` with fresh copies of `arguments`; never raises for what the function does.

    Output is captured, warnings are silenced, KeyboardInterrupt passes through. NumPy's global generator starts from a
    fixed seed, so that a second call gives the same, and is put back. A call that gets something kept has a seed of
    its own: what a backward pass draws is not what the forward pass drew.

    take: which parts of the result become `values`, all of them where it is None: places in a tuple, names in a
    dictionary that is returned (or in the `params` of a network), and (position, name) for an entry of a dictionary
    that was an argument, as it is after the call. counted: count the instructions too, which takes longer and a
    second call. namespace: where the classes of `Network` arguments are.
    """
    screen = _FirstCharacters()
    counter = _InstructionCounter()
    random_state = np.random.get_state()
    seed = SEED + any(isinstance(a, Kept) for a in arguments)
    np.random.seed(seed)
    try:
        with (
            contextlib.redirect_stdout(screen),
            contextlib.redirect_stderr(screen),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            if counted:  # since Python 3.12 not all instructions of a function's first traced call are seen
                with _InstructionCounter():
                    function(*_fresh(arguments, namespace))
                np.random.seed(seed)
            made = _fresh(arguments, namespace)
            with counter if counted else contextlib.nullcontext():
                result = function(*made)
            changed = tuple(i for i, (a, b) in enumerate(zip(arguments, made, strict=True)) if not _same(a, b))
            parts = _parts(result, take, made)
    except NotImplementedError:
        return Outcome("nothing", printed=screen.getvalue())
    except _Lacking as error:
        return Outcome(error.status, returned_type=str(error), printed=screen.getvalue())
    except (Exception, SystemExit) as error:
        return Outcome("raised", raised=_describe(error, function), printed=screen.getvalue())
    finally:
        np.random.set_state(random_state)
    if result is None:
        return Outcome("nothing", changed=changed, printed=screen.getvalue())
    values = tuple(_as_array(part) for part in parts)
    for part, value in zip(parts, values, strict=True):
        if value is None:
            return Outcome("object", returned_type=type(part).__name__, printed=screen.getvalue())
    return Outcome("returned", values, "", None, changed, screen.getvalue(), counter.count, kept=result)


class _Lacking(Exception):
    """A part is missing: of the result ("lacks"), an argument ("unset"), or what an earlier call kept ("unkept")."""

    def __init__(self, status: str, what: str):
        super().__init__(what)
        self.status = status


def _copy(value):
    """A copy of an array, also inside of plain tuples, lists, dictionaries and networks."""
    if isinstance(value, np.ndarray):
        return np.array(value, order="K")
    if type(value) in (tuple, list):
        return type(value)(_copy(part) for part in value)
    if type(value) is dict:
        return {name: _copy(part) for name, part in value.items()}
    if isinstance(value, Network):
        return replace(value, settings=_copy(value.settings), params=_copy(value.params))
    return value


def _fresh(arguments: tuple, namespace: Mapping) -> tuple:
    """What to call a function with: copies of its arguments, and the objects that some of them stand for."""
    return tuple(_made(_copy(value), namespace) for value in arguments)


def _made(value, namespace: Mapping):
    """The argument itself: of a network or of something kept, the object."""
    if isinstance(value, Network):
        network = namespace[value.name](**value.settings)
        network.params.update(value.params)
        return network
    if isinstance(value, Kept):
        parts = value.of if isinstance(value.of, tuple | list) else (value.of,)
        if len(parts) <= value.part:
            raise _Lacking("unkept", f"{_ORDINALS[value.part]} value")
        return parts[value.part]
    return value


def _same(before, after) -> bool:
    if isinstance(before, np.ndarray):
        after = np.asarray(after)
        return before.shape == after.shape and np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
    if isinstance(before, Network):
        return all(name in after.params and _same(array, after.params[name]) for name, array in before.params.items())
    if isinstance(before, tuple) and isinstance(after, tuple):
        return all(_same(a, b) for a, b in zip(before, after, strict=True))
    return True


_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def _parts(result, take: Take, arguments: tuple) -> tuple:
    """What is in a result: the parts that are asked for, all of a tuple where nothing is said."""
    if result is None:
        return ()
    parts = tuple(result) if isinstance(result, tuple) or (take and isinstance(result, list)) else (result,)
    return parts if take is None else tuple(_part(parts, which, arguments) for which in take)


def _part(parts: tuple, which: int | str | tuple[int, str], arguments: tuple):
    if isinstance(which, int):
        if which >= len(parts):
            raise _Lacking("lacks", f"{_ORDINALS[which]} value")
        return parts[which]
    if not isinstance(which, str):
        position, name = which
        if name not in arguments[position]:
            raise _Lacking("unset", f"entry {name!r}")
        return arguments[position][name]
    found = (entries for part in parts for entries in (part, getattr(part, "params", None)))
    entries = next((entries for entries in found if isinstance(entries, dict)), {})
    if which not in entries:
        raise _Lacking("lacks", f"dictionary with the entry {which!r}")
    return entries[which]


def _as_array(value) -> np.ndarray | None:
    """A copy of `value` as an array of numbers (or text, to be told so), None when it is something else.

    (Later calls may change what this one returned.)
    """
    try:
        array = np.array(value)
    except Exception:
        return None
    return None if array.dtype.kind == "O" and not isinstance(value, list | np.ndarray) else array


def _describe(error: BaseException, function: Callable) -> Raised:
    """The exception, and the last line of the function's own module on the way to it."""
    own = namespace_of(function)
    frames = [(f, n) for f, n in traceback.walk_tb(error.__traceback__) if f.f_globals is own]
    number, line = 0, ""
    if frames:
        frame, number = frames[-1]
        line = linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()
    return Raised(type(error).__name__, str(error)[:MESSAGE_LIMIT], number, line[:MESSAGE_LIMIT])
