"""A student's notebook, alive in a sandboxed kernel, to be asked for what its functions return.

Nothing the kernel sends is believed: outputs are kept within a budget, answers are plain arrays and text read by
`cs231n_kit.checking.wire`.
"""

import contextlib
import copy
import itertools
import logging
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output

from cs231n_kit.checking.answering import STARTED, read_outcome
from cs231n_kit.checking.arguments import Kept, pack
from cs231n_kit.checking.calling import Outcome, Take
from cs231n_kit.checking.wire import WireError, receive, send

from .contained import Contained
from .display import recorded
from .kernel import sandboxed_kernel_manager
from .reference import is_answer
from .sandbox import Limits

SERVE = "from cs231n_kit.checking.answering import serve as _serve; _serve(globals())"
LEAST_COST = 1000
RUNS = 3  # of the notebook, in time, after functions or cells that ended their kernel


@dataclass(frozen=True)
class SessionSettings:
    """Limits of a session: seconds for a cell, for all cells (see RUNS), and for the kernel to begin answering."""

    cell_timeout: int = 30
    notebook_timeout: int = 300
    answer_timeout: int = 10
    output_bytes: int = 10 * 2**20
    restarts: int = 8
    limits: Limits = field(default_factory=Limits)
    allow_unsandboxed: bool = False


@dataclass(frozen=True)
class Question:
    """A call to be made in the student's notebook. arguments, take, counted: see `cs231n_kit.checking.calling.call`.

    keep: have the kernel keep what the function returns. The outcome then has a Handle to it, to be passed on as an
    argument, Kept(handle, part). text: the function is called for a text, whose UTF-8 bytes are the outcome's value.
    """

    function: str
    arguments: tuple
    take: Take = None
    keep: bool = False
    counted: bool = False
    text: bool = False


@dataclass(frozen=True)
class Handle:
    """What the kernel kept of the answer to a question, which never leaves it.

    The judge makes handles and no kernel ever sends one, so there is nothing to forge. The number is the question's,
    which never occurs again: a handle ends with its kernel.
    """

    number: int


class _Client(NotebookClient):
    """Runs cells and keeps outputs within a budget; widgets are not tracked."""

    def __init__(self, notebook: NotebookNode, budget: int, **options):
        super().__init__(notebook, **options)
        self._budget = budget

    async def _async_check_alive(self):
        """The task that asks goes on for a moment after a kernel was ended here, and must not complain."""
        if self.kc is None:
            raise DeadKernelError("its kernel was ended")
        await super()._async_check_alive()

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"].startswith("comm"):
            return None
        if msg["msg_type"] not in ("status", "execute_input", "clear_output"):
            if self._budget <= 0:
                return None
            self._budget -= _cost(msg["content"])
            if self._budget <= 0:
                cell.outputs.append(new_output("stream", name="stdout", text="\n[further output is not kept]\n"))
                return None
        return super().process_message(msg, cell, cell_index)


def _cost(content: dict) -> int:
    """Of an output, in bytes of the budget: the time to show it grows with its number, and most with its markup."""
    size = max(LEAST_COST, len(repr(content)))
    return 10 * size if "text/html" in content.get("data", {}) else size


class Session:
    """Runs the answer cells of `notebook` (their outputs go into it), then answers `ask`.

    A cell that ends or blocks the kernel is noted in its output and left out from then on, with a fresh kernel.
    Use as a context manager: leaving it kills the kernel.
    """

    def __init__(
        self,
        notebook: NotebookNode,
        folder: Path,
        masked: Sequence[str],
        settings: SessionSettings,
        log: logging.Logger,
    ):
        self._notebook = notebook
        self._folder, self._masked, self._settings, self._log = folder, tuple(masked), settings, log
        self._client: _Client | None = None
        self._channel: socket.socket | None = None
        self._recorded = 0
        self._lethal: set[int] = set()
        self._seconds_left = RUNS * settings.notebook_timeout
        self._numbers = itertools.count(1)
        self._answers = True
        self._leaving = False

    def __enter__(self) -> "Session":
        self._bring_up()
        return self

    def __exit__(self, *exception) -> None:
        self._kill()

    def ask(self, question: Question, size: int, deadline: float) -> Outcome:
        """What the call does in the student's notebook, by the `time.monotonic()` value `deadline`.

        size: most bytes of arrays to accept. Call `ready` first.
        """
        number, arrays = next(self._numbers), []

        def put(array: np.ndarray) -> dict:
            arrays.append(array)
            return {"array": len(arrays) - 1}

        packed = []
        for value in question.arguments:
            if isinstance(value, Kept):
                value = replace(value, of=value.of.number)
            packed.append(pack(value, put))
        header = {"id": number, "limit": size, **asdict(replace(question, arguments=packed))}
        try:
            self._channel.settimeout(max(0.01, deadline - time.monotonic()))
            send(self._channel, header, tuple(arrays))
            answer, values = receive(self._channel, size, deadline)
            if answer.get("id") != number:
                raise WireError("an answer to another question")
            outcome = read_outcome(answer, values)
            keeps = question.keep and outcome.status == "returned"
            return replace(outcome, kept=Handle(number)) if keeps else outcome
        except TimeoutError:
            self._kill()
            return Outcome("timeout")
        except (EOFError, OSError):
            self._kill()
            return Outcome("died")
        except WireError as error:
            self._log.warning("%s: unreadable answer (%s)", question.function, error)
            self._kill()
            return Outcome("garbled")

    def run_apart(self, module: str, theirs: socket.socket) -> Contained:
        """Start a module of the kit in a sandbox of its own, with the same masks and limits, and this socket."""
        return Contained(module, theirs, self._masked, self._settings.limits, self._settings.allow_unsandboxed)

    def ready(self) -> bool:
        """Whether the kernel can be asked; starts its answering loop, and a new kernel where the old one is gone."""
        if not self._answers or self._channel is not None:
            return self._answers
        try:
            if self._client is None:
                self._bring_up()
            self._client.kc.execute(SERVE, silent=True, store_history=False)
            self._channel = self._client.km.provisioner.channel
            header, _ = receive(self._channel, 0, time.monotonic() + self._settings.answer_timeout)
            if header != STARTED:
                raise WireError("no greeting")
        except Exception as error:
            self._log.warning("the notebook's kernel does not answer (%s: %s)", type(error).__name__, error)
            self._kill()
            self._answers = False
        return self._answers

    def _bring_up(self) -> None:
        """A fresh kernel in which all answer cells ran, but those that end it."""
        for _ in range(self._settings.restarts + 1):
            if self._seconds_left <= 0:
                self._log.warning(
                    "the notebook's cells took more than %g s, again and again", self._settings.notebook_timeout
                )
                break
            self._start()
            started = time.monotonic()
            lethal = self._run_cells(started + self._settings.notebook_timeout)
            self._seconds_left -= time.monotonic() - started
            if lethal is None:
                return
            self._kill()
            self._lethal.add(lethal)
        self._answers = False

    def _start(self) -> None:
        manager = sandboxed_kernel_manager(
            self._folder,
            masked=self._masked,
            limits=self._settings.limits,
            allow_unsandboxed=self._settings.allow_unsandboxed,
        )
        self._client = _Client(
            copy.deepcopy(self._notebook),
            self._settings.output_bytes,
            km=manager,
            timeout=self._settings.cell_timeout,
            startup_timeout=60,
            allow_errors=True,
            store_widget_state=False,
            record_timing=False,
            coalesce_streams=False,  # its way of joining them takes hours for a line of a few megabytes
            shutdown_kernel="immediate",
            on_cell_executed=self._watch_exits,
        )
        try:
            self._client.start_new_kernel()
            self._client.start_new_kernel_client()
        except BaseException:
            self._kill()
            raise

    def _run_cells(self, deadline: float) -> int | None:
        """Run the answer cells; the index of the one that ended the kernel, None when all is well."""
        for index, cell in enumerate(self._client.nb.cells):
            if index in self._lethal or not is_answer(cell):
                continue
            if time.monotonic() > deadline:
                self._note(index, f"not run: the notebook took longer than {self._settings.notebook_timeout} s")
                return None
            self._leaving = False
            try:
                self._client.execute_cell(cell, index)
                if self._leaving:
                    raise DeadKernelError("it was told to exit, and will in a moment")
            except CellTimeoutError:
                self._note(index, f"this cell was stopped after {self._settings.cell_timeout} s and is left out")
                return index
            except Exception as error:
                self._log.debug("cell %d: %s", index, error)
                self._note(index, "this cell ended the Python process (out of memory, or an exit call); it is left out")
                return index
            if index >= self._recorded:
                self._notebook.cells[index].outputs = recorded(cell.outputs)
                number = cell.execution_count  # what the kernel says
                self._notebook.cells[index].execution_count = number if type(number) is int else None
                self._recorded = index + 1
        return None

    def _watch_exits(self, execute_reply: dict, **_) -> None:
        """Notice `exit()`: the kernel goes on for a moment, and would die in a cell that has no part in it."""
        payload = execute_reply["content"].get("payload", [])
        self._leaving = any(entry.get("source") == "ask_exit" for entry in payload if isinstance(entry, dict))

    def _note(self, index: int, words: str) -> None:
        self._log.warning("cell %d: %s", index + 1, words)
        note = new_output("error", ename="NotRun", evalue=words, traceback=[f"Grader: {words}."])
        self._notebook.cells[index].outputs = [note]
        self._recorded = max(self._recorded, index + 1)

    def _kill(self) -> None:
        client, self._client, self._channel = self._client, None, None
        if client is not None:
            with contextlib.suppress(Exception):
                client._cleanup_kernel()
