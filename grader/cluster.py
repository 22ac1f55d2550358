"""Grading on several machines: submissions are examined by the workers of a Dask scheduler.

Each machine has the same kit installed, with the extra `cluster`, and a sandbox that works. One runs `dask scheduler`;
each that is to grade runs `dask worker tcp://SCHEDULER:8786`, in any folder: works and results travel whole, and no
file system is shared. A worker grades as many submissions at once as it has threads, each in a process of its own.

Dask sends pickles, between the instructor's own machines, which trust each other: what comes from a student's process
was read as plain arrays and text before, and is never unpickled. But whoever can reach the scheduler can run code on
all of these machines, and solutions and the course's secret travel to them: keep it within a private network, or use
tls:// addresses, with certificates as Dask's configuration has them (distributed.comm.tls).
"""

import asyncio
import logging
import time
import uuid
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field, replace

from .errors import CourseError
from .sandbox import SandboxUnavailable
from .work import Judged, Work
from .workers import Activity

try:
    import dask
    from distributed import Client, Future, KilledWorker, Security, wait
    from distributed.comm import connect

    from .cluster_worker import NO_SANDBOX, Refusal, admit, code_digest, dismiss, examine_here, kept
except ModuleNotFoundError as error:
    raise CourseError(
        f"Grading on a cluster needs Dask ({error}). Next, here and on each machine that is to grade: "
        "pip install 'cs231n-kit[cluster]', or in this folder .venv/bin/python -m pip install -c constraints.txt "
        "-e '.[grading,cluster]'"
    ) from error

CONNECTING = 5.0
"""Seconds in which a scheduler must answer."""
STARTING = 10.0
"""Seconds to wait for the first worker."""
PATIENCE = 30.0
"""Seconds to wait when there is none any more: one that died may come back, as Dask's nannies see to."""
LOOK = 1.0
"""Seconds between two looks at who is there."""
SAME = ("python", "cs231n-kit", "nbgrader", "distributed")
"""What must be of the same version on all machines."""


class ClusterWorkers:
    """The workers of the scheduler at `address`, as `Examiners`.

    A worker that has another version of the kit, or no working sandbox, gets no work. The works of one that goes away
    are given to another; one that joins later is put to use. tell: is told which worker gets none, and why.

    Raises (on entering, or later from `finished`):
        CourseError: the scheduler does not answer, or has no worker that can grade. It says what to do.
    """

    def __init__(
        self, address: str, allow_unsandboxed: bool = False, tell: Callable[[str], None] = lambda refusal: None
    ):
        self.address = address
        self._tell = tell  # once of each worker
        self._allow_unsandboxed = allow_unsandboxed
        self._run = uuid.uuid4().hex
        self._threads: dict[str, int] = {}
        self._refused: dict[str, str] = {}
        self._crew = _Crew()
        self._unsent: list[Work] = []
        self._sent: dict[Future, _Sent] = {}
        self._looked = self._alone_since = 0.0
        self._activity: list[Activity] = []

    def __enter__(self) -> "ClusterWorkers":
        self._client = _connected(self.address)
        try:
            self._alone_since = time.monotonic()
            while not self._threads:
                self._look()
                self._require_workers(0 if self._refused else STARTING)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception) -> None:
        with suppress(Exception):  # the scheduler may be gone
            self._client.cancel(list(self._sent))
            self._client.run(dismiss, self._run, workers=list(self._threads), on_error="ignore")
        self._sent.clear()
        self._crew = _Crew()
        with suppress(Exception):
            self._client.close(timeout=CONNECTING)

    @property
    def capacity(self) -> int:
        """Two works for each thread, so that none waits for the network."""
        return max(1, 2 * sum(self._threads.values()))

    def submit(self, work: Work) -> None:
        self._unsent.append(work)
        self._send()

    def finished(self, seconds: float) -> list[Judged]:
        try:
            if time.monotonic() - self._looked > LOOK:
                self._look()
                self._require_workers(PATIENCE)
            if not self._sent:
                time.sleep(seconds if self._unsent else 0)
                return []
            with suppress(TimeoutError, CancelledError), self._client.as_current():
                wait(list(self._sent), timeout=seconds, return_when="FIRST_COMPLETED")
            done = [self._outcome(future) for future in list(self._sent) if future.done()]
        except OSError as error:
            raise self._lost(error) from error
        self._send()
        return [judged for judged in done if judged is not None]

    def activity(self) -> list[Activity]:
        return self._activity

    def _look(self) -> None:
        """Who is there and what they do: newcomers are tried, and the works of those who went are sent again."""
        self._looked = time.monotonic()
        if self._client.status != "running":
            raise self._lost(None)
        there = {address: info["nthreads"] for address, info in self._client.scheduler_info()["workers"].items()}
        self._threads = {address: n for address, n in self._threads.items() if address in there}
        self._refused = {address: why for address, why in self._refused.items() if address in there}
        newcomers = [address for address in there if address not in {**self._threads, **self._refused}]
        for address, reason in self._tried(newcomers).items():
            if reason:
                self._refuse(address, reason)
            else:
                self._threads[address] = there[address]
        if self._threads.keys() != set(self._crew.members):
            self._crew = _Crew(tuple(self._threads))
        for future, sent in list(self._sent.items()):
            if not self._threads.keys() & set(sent.crew.members):
                self._send_again(future)
        self._send()
        self._activity = self._busy()

    def _tried(self, workers: list[str]) -> dict[str, str]:
        """Why each of these workers cannot grade; "" for those that can, and from now on do."""
        if not workers:
            return {}
        found = self._client.get_versions(packages=list(SAME[1:]))
        here = found["client"]["packages"]
        reasons = {w: _difference(here, found["workers"][w]["packages"]) for w in workers if w in found["workers"]}
        equal = [worker for worker, reason in reasons.items() if not reason]
        if equal:
            arguments = self._run, code_digest(), self._allow_unsandboxed
            answers = self._client.run(admit, *arguments, workers=equal, on_error="return")
            reasons |= {w: a if isinstance(a, str) else f"it failed: {a!r:.300}" for w, a in answers.items()}
        return reasons

    def _refuse(self, worker: str, reason: str) -> None:
        if worker not in self._refused:
            self._tell(f"{worker} gets no work: {reason}")
        self._refused[worker] = reason

    def _require_workers(self, patience: float) -> None:
        """Raises CourseError when there has been none that can grade for longer than so many seconds."""
        now = time.monotonic()
        if self._threads:
            self._alone_since = now
        elif now - self._alone_since >= patience:
            raise CourseError(self._nobody())
        else:
            time.sleep(0.2)

    def _nobody(self) -> str:
        if not self._refused:
            return (
                f"The scheduler at {self.address} has no workers. Next, on each machine that is to grade: "
                f"dask worker {self.address}"
            )
        lines = [f"No worker of the scheduler at {self.address} can grade."]
        lines += [f"{worker}: {reason}" for worker, reason in self._refused.items()]
        if any(reason.startswith(NO_SANDBOX) for reason in self._refused.values()):
            lines.append(str(SandboxUnavailable("")).partition("\n")[2])
        return "\n".join(lines)

    def _lost(self, error: OSError | None) -> CourseError:
        told = f" ({error})" if error else ""
        return CourseError(
            f"The connection to the scheduler at {self.address} is lost{told}. What came back is recorded. Next: see "
            "that it runs, then the same command again, which goes on from there."
        )

    def _send(self) -> None:
        while self._threads and self._unsent:
            work = self._unsent.pop(0)
            future = self._client.submit(
                examine_here,
                self._run,
                self._crew.common(self._client, work),
                work.student,
                work.files,
                key=f"examine-{uuid.uuid4().hex}",
                workers=list(self._crew.members),
                pure=False,
            )
            self._sent[future] = _Sent(work, self._crew)

    def _send_again(self, future: Future) -> None:
        self._unsent.insert(0, self._sent.pop(future).work)
        self._client.cancel([future])

    def _outcome(self, future: Future) -> Judged | None:
        """What came of a work; None where it has to be done again."""
        student = self._sent[future].work.student
        if future.status == "finished":
            try:
                result = future.result(timeout=CONNECTING)
            except TimeoutError:  # its worker died with the result: Dask has another make it
                return None
            if isinstance(result, Refusal):
                self._threads.pop(result.worker, None)
                self._refuse(result.worker, result.reason)
                self._crew = _Crew(tuple(self._threads))
                self._send_again(future)
                return None
            del self._sent[future]
            return result
        if future.status == "error":
            del self._sent[future]
            return Judged(student, problem=_explained(future.exception()))
        self._send_again(future)
        return None

    def _busy(self) -> list[Activity]:
        """Of each thread of each worker, as far as Dask knows: works begin in the order in which they were sent."""
        students = {future.key: sent.work.student for future, sent in self._sent.items()}
        since = {(activity.worker, activity.student): activity.since for activity in self._activity}
        busy = []
        for worker, keys in self._client.processing(list(self._threads)).items():
            mine = [students[key] for key in keys if key in students][: self._threads[worker]]
            for student in mine or [""]:
                started = since.get((worker, student), time.monotonic())
                busy.append(Activity(worker, student, "", started))
        return busy


@dataclass
class _Crew:
    """Workers that a work is sent to, one of which does it. What is the same in all works is sent to each once."""

    members: tuple[str, ...] = ()
    _of: Work | None = None
    _common: Future | None = field(default=None, repr=False)

    def common(self, client: Client, work: Work) -> Future:
        """The work without its submission; the scheduler keeps it for whoever needs it again."""
        common = replace(work, student="", files={})
        if self._common is None or common != self._of:
            key = f"assignment-{uuid.uuid4().hex}"
            self._common = client.submit(kept, common, key=key, workers=list(self.members), pure=False)
            self._of = common
        return self._common


@dataclass(frozen=True)
class _Sent:
    work: Work
    crew: _Crew


def _connected(address: str) -> Client:
    """Raises CourseError."""
    for name in ("distributed", *filter(_is_dask, logging.root.manager.loggerDict)):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is said here
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})  # submissions may be large

    async def answers() -> None:
        comm = await connect(address, timeout=CONNECTING, **Security().get_connection_args("client"))
        comm.abort()

    try:
        asyncio.run(answers())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of different versions, which are compared later
            return Client(address, timeout=2 * CONNECTING, set_as_default=False)
    except ValueError as error:
        raise CourseError(
            f"{address!r} is no address ({error}). A scheduler's looks like tcp://10.0.0.5:8786"
        ) from None
    except TypeError as error:
        raise CourseError(
            f"{address} needs certificates: name them in Dask's configuration, as distributed.comm.tls ({error})"
        ) from None
    except OSError as error:
        raise CourseError(
            f"No Dask scheduler answers at {address} ({error}). Next: start one there with: dask scheduler\n"
            f"and on each machine that is to grade: dask worker {address}"
        ) from None


def _is_dask(logger: str) -> bool:
    return logger.startswith("distributed.")


def _difference(here: Mapping[str, str | None], there: Mapping[str, str | None]) -> str:
    """What is of another version there, "" when nothing is."""
    for name in SAME:
        ours, theirs = (_short(name, packages.get(name)) for packages in (here, there))
        if ours != theirs:
            what = f"it has {name} {theirs}" if theirs else f"it has no {name}"
            return f"{what}, and here is {ours}. Install the same there (constraints.txt pins it) and start it again"
    return ""


def _short(name: str, version: str | None) -> str | None:
    """Of Python, versions that differ in the third place are equal."""
    return ".".join(version.split(".")[:2]) if version and name == "python" else version


def _explained(error: BaseException) -> str:
    if isinstance(error, KilledWorker):
        return (
            f"{error.allowed_failures + 1} workers in a row died while they had it. Does their memory suffice? "
            "Next: the same command again, or Judge.memory_gib in nbgrader_config.py"
        )
    return f"{type(error).__name__}: {error}"[:500]
