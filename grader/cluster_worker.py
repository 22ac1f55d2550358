"""What grading on a cluster runs on each Dask worker: see `grader.cluster`."""

import asyncio
import hashlib
import itertools
import multiprocessing
import queue
import threading
from collections.abc import Mapping
from concurrent.futures import Future as Promise
from dataclasses import dataclass, replace
from pathlib import Path

from distributed import get_worker

import cs231n_kit

from .errors import CourseError
from .sandbox import probe
from .work import Judged, Work
from .workers import LocalWorkers

NO_SANDBOX = "no working sandbox"
IDLE = 600
"""Seconds without a work after which processes are ended: whoever sent works may have been killed."""


@dataclass(frozen=True)
class Refusal:
    """In place of a result: this worker cannot grade any more."""

    worker: str
    reason: str


def code_digest() -> str:
    """Of the program text of kit and grader, checks included: what grades here and there has to be the same."""
    digest = hashlib.sha256()
    for package in (Path(cs231n_kit.__file__).parent, Path(__file__).parent):
        paths = itertools.chain(package.rglob("*.py"), package.rglob("*.cu"))
        for name, path in sorted((path.relative_to(package.parent).as_posix(), path) for path in paths):
            digest.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


_benches: dict[str, "_Bench"] = {}


async def admit(run: str, digest: str, allow_unsandboxed: bool, dask_worker) -> str:
    """Make a worker ready to grade; returns why it cannot, or ""."""
    if code_digest() != digest:
        return (
            "its kit or its checks are not the same as here, though of the same version. Install the same there and "
            "start it again"
        )
    if not allow_unsandboxed and (reason := await asyncio.to_thread(_no_sandbox)):
        return reason
    if run not in _benches:
        _benches[run] = _Bench(dask_worker.state.nthreads, allow_unsandboxed)
    return ""


def dismiss(run: str) -> None:
    """End what a run left on a worker."""
    if bench := _benches.pop(run, None):
        bench.close()


def examine_here(run: str, common: Work, student: str, files: Mapping[str, bytes]) -> Judged | Refusal:
    """Examine a submission on this worker."""
    bench = _benches[run]
    if not bench.allow_unsandboxed and (reason := _no_sandbox()):
        return Refusal(get_worker().address, reason)
    try:
        return bench.examine(replace(common, student=student, files=files))
    except CourseError as error:
        return Refusal(get_worker().address, str(error))


def kept(common: Work) -> Work:
    """`common`, for `examine_here`."""
    return common


def _no_sandbox() -> str:
    """Tried anew each time: it can go away."""
    probe.cache_clear()
    reason = probe()
    return f"{NO_SANDBOX}: {reason}" if reason else ""


class _Bench(threading.Thread):
    """The processes in which a Dask worker examines, and the thread that they live and die with."""

    def __init__(self, count: int, allow_unsandboxed: bool):
        super().__init__(name="cs231n-bench", daemon=True)
        self.allow_unsandboxed = allow_unsandboxed
        self._count = count
        self._asked: queue.SimpleQueue[tuple[Work, Promise] | None] = queue.SimpleQueue()
        self.start()

    def examine(self, work: Work) -> Judged:
        """Called from Dask's threads. Raises CourseError when no process can be started here."""
        promise: Promise = Promise()
        self._asked.put((work, promise))
        return promise.result()

    def close(self) -> None:
        self._asked.put(None)
        self.join()

    def run(self) -> None:
        multiprocessing.current_process()._config["daemon"] = False  # Dask's nannies start daemons: no children
        while (asked := self._asked.get()) is not None:
            promised: dict[str, Promise] = {}
            ended: BaseException = CourseError("the run was ended")
            try:
                with LocalWorkers(self._count, threads=1) as workers:
                    over = self._serve(workers, asked, promised)
            except BaseException as error:
                ended, over = error, False
            for promise in promised.values():
                promise.set_exception(ended)
            if over:
                return

    def _serve(self, workers: LocalWorkers, asked: tuple, promised: dict[str, Promise]) -> bool:
        """Have works examined until that is all over (True), or for a long time nothing was asked for (False)."""
        while asked is not None:
            if asked:
                work, promised[work.student] = asked
                workers.submit(work)
            for judged in workers.finished(0.1) if promised else ():
                promised.pop(judged.student).set_result(judged)
            try:
                asked = self._asked.get(block=not promised, timeout=IDLE)
            except queue.Empty:
                if not promised:
                    return False
                asked = ()
        return True
