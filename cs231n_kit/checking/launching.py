"""Kernels that students write as text are compiled and run in a process of their own, which they may take down.

A `Launcher` starts this module as that process, and asks it over a socket: the student's notebook on the student's own
machine, the judge in a sandbox. Kernels run in the emulation of CUDA, which finds what a GPU keeps quiet about;
where there is no C++ compiler but a GPU, on that.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from .answering import describe, read_outcome
from .arguments import Launch, Output, pack, unpack
from .calling import MESSAGE_LIMIT, Outcome, Raised
from .wire import WireError, receive, send

SOCKET = "CS231N_LAUNCH_FD"
"""In the environment of the process: the number of its end of the line."""
LAUNCH_SECONDS = 5.0
ANSWER_SECONDS = 30.0
START_SECONDS = 60.0
QUESTION_LIMIT = 2**28


class Launcher:
    """Runs the launches of one check, with the text that the student's function returns, asked for once.

    ask_text() calls that function (see `cs231n_kit.checking.calling.call_for_text`). start(module, socket) starts a
    module as a process that inherits the socket, and returns what can `kill` it. seconds: for all launches together.
    After a kernel that does not compile, or ended or blocked its process twice, no other launch is tried.

    A context manager; leaving it ends the process. Nothing of what that says is believed but arrays and short texts.
    """

    def __init__(self, ask_text: Callable[[], Outcome], start: Callable[[str, socket.socket], object], seconds=300.0):
        self._ask_text, self._start, self._left = ask_text, start, seconds
        self._text: Outcome | None = None
        self._process = self._line = None
        self._given_up: Outcome | None = None
        self._stops = 0

    def __enter__(self) -> "Launcher":
        return self

    def __exit__(self, *exception) -> None:
        self._kill()

    def run(self, launch: Launch) -> Outcome:
        """What the launch gives. Raises RuntimeError, saying what to install, where no kernel can be compiled."""
        if self._text is None:
            self._text = self._ask_text()
        if self._text.status != "returned" or self._given_up:
            return self._given_up or self._text
        started = time.monotonic()
        outcome = replace(self._answer(launch, started), printed=self._text.printed)
        self._left -= time.monotonic() - started
        kind = outcome.raised.type if outcome.raised else outcome.status
        self._stops += kind in ("crash", "interrupted", "garbled")
        if kind == "compile" or self._stops == 2 or self._left <= 0:
            self._given_up = outcome
        return outcome

    def _answer(self, launch: Launch, now: float) -> Outcome:
        if self._line is None:
            self._bring_up()
        size = sum(np.dtype(a.dtype).itemsize * int(np.prod(a.shape)) for a in launch.arguments if type(a) is Output)
        arrays = list(self._text.values)

        def put(array: np.ndarray) -> dict:
            arrays.append(array)
            return {"array": len(arrays) - 1}

        try:
            deadline = now + max(0.01, min(self._left, ANSWER_SECONDS))
            self._line.settimeout(max(0.01, deadline - time.monotonic()))
            send(self._line, {"launch": pack(launch, put), "limit": size, "seconds": LAUNCH_SECONDS}, tuple(arrays))
            return read_outcome(*receive(self._line, size, deadline))
        except TimeoutError:
            self._kill()
            return _finding("interrupted", "The process did not answer in time and was ended.")
        except (EOFError, OSError):
            self._kill()
            return _finding("crash", "The process ended while the kernel ran.")
        except WireError:
            self._kill()
            return Outcome("garbled")

    def _bring_up(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = self._start(__name__, theirs)
        try:
            greeting, _ = receive(self._line, 0, time.monotonic() + START_SECONDS)
        except (EOFError, OSError, WireError) as error:
            self._kill()
            raise RuntimeError(
                "The process that runs kernels does not start. Restart the notebook's kernel and try again; "
                "if that does not help, cs231n doctor says what is missing."
            ) from error
        if not greeting.get("ready"):
            from cs231n_kit.cuda_emulation import compiler_advice

            self._kill()
            raise RuntimeError(f"{compiler_advice()} Nothing was counted as wrong.")

    def _kill(self) -> None:
        line, process, self._line, self._process = self._line, self._process, None, None
        if line is not None:
            line.close()
        if process is not None:
            process.kill()
            process.wait()


class _WithChildren(subprocess.Popen):
    """A process in a session of its own, killed with what it started there, such as the compiler."""

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def start_here(module: str, theirs: socket.socket) -> subprocess.Popen:
    """Start a module on this machine, as oneself: for one's own kernels only."""
    if sys.platform == "win32":
        from cs231n_kit.cuda_emulation import compiler_advice

        raise RuntimeError(compiler_advice())
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    searched = os.pathsep.join(filter(None, sys.path))
    variables = {**os.environ, SOCKET: str(theirs.fileno()), "PYTHONPATH": searched}
    command = [sys.executable, "-m", module]
    return _WithChildren(command, pass_fds=[theirs.fileno()], env=variables, start_new_session=True, **quiet)


def run_text(code: str, launch: Launch, seconds: float = LAUNCH_SECONDS) -> Outcome:
    """Compile a kernel's text and run it in this process: for text that is trusted, and in a process made for it."""
    made = _compiled(code, launch.kernel, seconds)
    if isinstance(made, Outcome):
        return made
    outcome = _run(made, code, launch)
    if not launch.twice or outcome.status != "returned":
        return outcome
    from cs231n_kit.cuda_emulation import thread_order

    with thread_order("reverse"):
        again = _run(made, code, launch)
    if again.status == "returned" and not all(
        a.tobytes() == b.tobytes() for a, b in zip(outcome.values, again.values, strict=True)
    ):
        return _finding("unsteady", "Run again with the threads in reverse order, it gave other bits.")
    return again if again.status != "returned" else outcome


@lru_cache(maxsize=4)
def _compiled(code: str, name: str, seconds: float):
    """The kernel, or an Outcome that says why there is none."""
    from cs231n_kit.cuda_emulation import CompileError, find_compiler
    from cs231n_kit.cuda_kernel import CudaKernel

    try:
        return CudaKernel(code, name, time_limit=seconds, emulate=find_compiler() is not None)
    except CompileError as error:
        found = re.search(r"^kernel\.cu[:(](\d+)[):\d]*\s*(?:fatal )?(?:error:)?\s*(.*)", str(error), re.MULTILINE)
        errors = re.search(r"^kernel\.cu[:(](\d+)[):\d]*\s*(?:fatal )?error:\s*(.*)", str(error), re.MULTILINE) or found
        message = errors[2] if errors else str(error).removeprefix("kernel.cu: ")
        return _finding("compile", message, int(errors[1]) if errors else 0, code)
    except ValueError as error:
        return _finding("name", str(error))


def _run(kernel, code: str, launch: Launch) -> Outcome:
    from cs231n_kit.cuda_emulation import KernelError, empty
    from cs231n_kit.cuda_emulation.compiling import parameter_names
    from cs231n_kit.cuda_emulation.memory import written_bytes

    arguments = [_argument(a, empty) for a in launch.arguments]
    try:
        kernel(launch.grid, launch.block, tuple(arguments))
    except KernelError as error:
        message = re.sub(r"^kernel\.cu(:\d+)?: ", "", str(error))
        return _finding(error.failure, message, error.line or 0, code)
    except (TypeError, ValueError) as error:
        return _finding("signature", str(error))
    results = [(i, a) for i, a in enumerate(arguments) if isinstance(launch.arguments[i], Output)]
    for i, array in results:
        written = written_bytes(array)
        if written is not None and not written.all():
            missing = np.flatnonzero(~written.reshape(array.size, -1).all(axis=1))
            name = parameter_names(code, launch.kernel)[i]
            words = f"{len(missing)} of the {array.size} elements of {name} are not written, the first is {name}"
            return _finding("unwritten", f"{words}[{missing[0]}].")
    return Outcome("returned", tuple(array for _, array in results))


def _argument(value, empty):
    match value:
        case Output():
            return empty(value.shape, value.dtype)
        case np.ndarray():
            return np.array(value)
    return np.int32(value)


def _finding(kind: str, message: str, number: int = 0, code: str = "") -> Outcome:
    """number: of the line in the kernel's text, 0 where it is not known."""
    lines: Sequence[str] = code.splitlines()
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return Outcome("finding", raised=Raised(kind, message[:MESSAGE_LIMIT], number if line else 0, line[:200]))


def _serve() -> None:
    """Answer questions until the other side closes the line."""
    from cs231n_kit.arrays import has_gpu
    from cs231n_kit.cuda_emulation import find_compiler

    with socket.socket(fileno=int(os.environ.pop(SOCKET))) as line:
        send(line, {"ready": find_compiler() is not None or has_gpu()})
        while True:
            try:
                question, arrays = receive(line, QUESTION_LIMIT)
            except EOFError:
                return
            launch = unpack(question["launch"], lambda place, arrays=arrays: arrays[place["array"]])
            outcome = run_text(arrays[0].tobytes().decode(errors="replace"), launch, question["seconds"])
            header, values = describe(outcome, question["limit"])
            send(line, header, values)


if __name__ == "__main__":
    _serve()
