"""Where submissions are examined: in this process, or in worker processes of this machine."""

import ctypes
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Protocol, Self

import psutil

from .errors import CourseError
from .sandbox import SandboxUnavailable
from .work import Judged, Work, examine

READY = "ready"
FAILED_STARTS = 3
"""So many workers in a row that end before they are ready: then there is no use in starting more."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Activity:
    """What a worker is doing. student: "" when nothing. since: a `time.monotonic()` value."""

    worker: str
    student: str = ""
    phase: str = ""
    since: float = 0.0


class Examiners(Protocol):
    """Where works are examined. A context manager: leaving it ends all that still runs there.

    Each work comes back exactly once, as a Judged whose `problem` says why where it could not be examined.
    """

    capacity: int
    """So many works keep it busy: submit no more than that, so that they need not be in memory."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception) -> None: ...

    def submit(self, work: Work) -> None: ...

    def finished(self, seconds: float) -> list[Judged]:
        """What is done since the last call; waits at most so long for the first. Raises CourseError."""

    def activity(self) -> list[Activity]:
        """Of each worker. May be called from another thread."""


def attempt(work: Work, tell: Callable[[str], None] = lambda phase: None) -> Judged:
    """As `examine`, with a refusal for want of a sandbox as the problem."""
    try:
        return examine(work, tell)
    except SandboxUnavailable as error:
        return Judged(work.student, problem=str(error))


class InThisProcess:
    """One after the other, when `finished` is called. Nothing guards against the death of this process."""

    capacity = 1

    def __init__(self):
        self._waiting: deque[Work] = deque()
        self._now = Activity("this process")

    def __enter__(self) -> "InThisProcess":
        return self

    def __exit__(self, *exception) -> None:
        self._waiting.clear()

    def submit(self, work: Work) -> None:
        self._waiting.append(work)

    def finished(self, seconds: float) -> list[Judged]:
        if not self._waiting:
            return []
        work, started = self._waiting.popleft(), time.monotonic()

        def tell(phase: str) -> None:
            self._now = Activity("this process", work.student, phase, started)

        judged = attempt(work, tell)
        self._now = Activity("this process")
        return [judged]

    def activity(self) -> list[Activity]:
        return [self._now]


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalWorkers:
    """Processes of this machine, each of which examines many submissions.

    A worker that is killed costs what it was examining one more try in a fresh one. One that is over the work's time
    limit is ended. Each has a pipe of its own, so that nothing of a killed one blocks the others. threads: that each
    may use, by default its share of the cores.
    """

    def __init__(self, count: int | None = None, threads: int | None = None):
        self.count = count or cores()
        self._threads = threads or max(1, cores() // self.count)
        self.capacity = 2 * self.count
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._waiting: deque[_Task] = deque()
        self._failed_starts = 0

    def __enter__(self) -> "LocalWorkers":
        self._place = tempfile.TemporaryDirectory(prefix="cs231n-workers-", ignore_cleanup_errors=True)
        self._workers = []
        try:
            for number in range(1, self.count + 1):
                self._workers.append(self._start(str(number)))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception) -> None:
        for worker in self._workers:
            worker.end()
        self._workers = []
        self._waiting.clear()
        self._place.cleanup()

    def submit(self, work: Work) -> None:
        self._waiting.append(_Task(work))
        self._hand_out()

    def finished(self, seconds: float) -> list[Judged]:
        handles = {worker.connection: worker for worker in self._workers}
        handles |= {worker.process.sentinel: worker for worker in self._workers}
        wait(list(handles), seconds)
        done = []
        for index, worker in enumerate(self._workers):
            dead = not worker.process.is_alive()  # asked first: what it said before it died is still heard
            judged = self._listen(worker)
            if judged is not None:
                done.append(judged)
            elif worker.is_overdue():
                done.append(Judged(worker.task.work.student, problem=_too_long(worker.task.work.time_limit)))
                worker.task = None
                dead = True
            if dead or worker.broken:
                done += self._lost(worker)
                self._workers[index] = self._start(worker.name)
        self._hand_out()
        return done

    def activity(self) -> list[Activity]:
        return [worker.activity() for worker in self._workers]

    def _start(self, name: str) -> "_Worker":
        return _Worker(name, self._context, self._place.name, self._threads)

    def _hand_out(self) -> None:
        for worker in self._workers:
            if self._waiting and worker.ready and worker.task is None:
                worker.give(self._waiting.popleft())

    def _listen(self, worker: "_Worker") -> Judged | None:
        """All that the worker says, up to a result."""
        try:
            while worker.connection.poll():
                said = worker.connection.recv()
                if isinstance(said, Judged):
                    worker.task = None
                    return said
                if said == READY:
                    worker.ready, self._failed_starts = True, 0
                else:
                    worker.phase = said
        except (EOFError, OSError):
            worker.broken = True
        return None

    def _lost(self, worker: "_Worker") -> list[Judged]:
        """After the end of a worker: its submission is tried once more, and is a problem the second time."""
        worker.end()
        code, task = worker.process.exitcode, worker.task
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= FAILED_STARTS:
                raise CourseError(
                    f"Worker processes end as soon as they start (exit code {code}); what they said is above. Is there "
                    "enough memory? Next: the same command with --workers 1"
                )
        if task is None:
            return []
        task.attempts += 1
        if task.attempts < 2:
            self._waiting.appendleft(task)
            return []
        return [Judged(task.work.student, problem=_killed(code))]


def _too_long(limit: float) -> str:
    return (
        f"examining it took longer than {limit:.0f} s, and was stopped. Is this machine overloaded? Next: the same "
        "command again, or longer limits (Judge.notebook_timeout in nbgrader_config.py)"
    )


def _killed(code: int | None) -> str:
    how = f"by {signal.Signals(-code).name}" if code and code < 0 else f"with exit code {code}"
    return (
        f"the process that examined it ended {how}, twice. Linux does that where memory runs out. Next: the same "
        "command with fewer --workers, or less memory for each (Judge.memory_gib in nbgrader_config.py)"
    )


@dataclass
class _Task:
    work: Work
    attempts: int = 0


class _Worker:
    """A process that examines one work at a time."""

    def __init__(self, name: str, context, place: str, threads: int):
        self.name = name
        self.ready = self.broken = False
        self.task: _Task | None = None
        self.phase, self._since = "", time.monotonic()
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=serve, args=(theirs, os.getpid(), place, threads), name=f"cs231n-worker-{name}", daemon=True
        )
        with _interrupts_blocked():
            self.process.start()
        theirs.close()
        self._tree = psutil.Process(self.process.pid)

    def give(self, task: _Task) -> None:
        self.task, self.phase, self._since = task, "intake", time.monotonic()
        try:
            self.connection.send(task.work)
        except OSError:
            self.broken = True

    def is_overdue(self) -> bool:
        return self.task is not None and time.monotonic() - self._since > self.task.work.time_limit

    def activity(self) -> Activity:
        task = self.task
        phase = self.phase if task else "" if self.ready else "starting"
        return Activity(self.name, task.work.student if task else "", phase, self._since)

    def end(self) -> None:
        """Kill it and all that it started."""
        with suppress(psutil.NoSuchProcess):
            self._tree.suspend()  # so that it starts nothing more
            for process in [*self._tree.children(recursive=True), self._tree]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.join()
        self.connection.close()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C reaches every process of the terminal; one that is started in here does not hear it from the first."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(connection: Connection, parent: int, place: str, threads: int) -> None:
    """What a worker process does until its parent is gone. place: for temporary files.

    Submissions are examined in the main thread: sandboxes end with the thread that started them.
    """
    signal.signal(signal.SIGINT, lambda *_: None)  # unlike SIG_IGN and a mask it is not handed down to kernels
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    tempfile.tempdir = place
    _use_threads(threads)
    with suppress(EOFError, BrokenPipeError):
        connection.send(READY)
        while True:
            work = connection.recv()
            connection.send(attempt(work, connection.send))


def _use_threads(count: int) -> None:
    """Workers share the cores: more threads than cores make all of them slow."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(count)
    for library in ("OPENBLAS", "OMP", "MKL", "NUMBA"):  # for those that are loaded later
        os.environ.setdefault(f"{library}_NUM_THREADS", str(count))
