"""Jupyter kernels in the sandbox.

The host's Jupyter client reaches the kernel through unix sockets in a folder that exists only inside the
sandbox, in memory: the kernel writes nothing on the host's disks. A second, private line (`channel`) is there for
the judge's questions.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

import zmq.asyncio
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Bool, Instance, List, Unicode, default

from grader.sandbox import Limits, Sandbox, SandboxUnavailable, Unsandboxed, probe
from grader.sandbox_watch import MemoryWatch

ANSWER_FD = "CS231N_ANSWER_FD"
"""In the kernel's environment: the number of its end of `SandboxProvisioner.channel`."""
CHANNELS = ("shell", "iopub", "stdin", "hb", "control")
LARGEST_MESSAGE = 32 * 2**20
QUEUED_MESSAGES = 16
START_SECONDS = 60


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel inside a `Sandbox`; entry point `cs231n-sandbox`.

    A kernel specification names it in `metadata.kernel_provisioner`, or `sandboxed_kernel_manager` makes both. With
    a plain kernel manager the kernel sees copies of the files in the folder where it was started.
    """

    sandbox = Instance(Sandbox, allow_none=True)
    masked = List(Unicode(), help="Modules whose import fails.")
    allow_unsandboxed = Bool(False, help="Run with resource limits only where no sandbox works.")

    channel: socket.socket | None = None
    """The host's end of a stream socket whose other end the kernel inherits. Closed with the kernel."""
    _private: Path | None = None
    _folder: int | None = None
    _watch: MemoryWatch | None = None
    _errors: IO[bytes] | None = None

    @default("sandbox")
    def _sandbox_default(self):
        return getattr(self.parent, "sandbox", None)

    async def pre_launch(self, **kwargs):
        """Raises:
        SandboxUnavailable: no sandbox works here, and nobody allowed to do without.
        """
        await self._release()
        self._private = Path(tempfile.mkdtemp(prefix="cs231n-"))
        folder = kwargs.get("cwd")
        sandbox = self.sandbox or Sandbox(folder and Path(folder), masked=self.masked)
        if (reason := probe()) is not None:
            if not (self.allow_unsandboxed or getattr(self.parent, "allow_unsandboxed", False)):
                await self._release()
                raise SandboxUnavailable(reason)
            self.log.warning(
                "NO SANDBOX: a student's code runs with your rights on this machine. %s No module is masked.",
                reason,
            )
            settings = {name: getattr(sandbox, name) for name in Sandbox.__dataclass_fields__}
            sandbox = Unsandboxed(**settings, private=self._private)
        self._contained = sandbox
        self._inside = str(self._private / "run") if isinstance(sandbox, Unsandboxed) else "/run/cs231n"
        km = self.parent
        km.transport, km.connection_file = "ipc", str(self._private / "connection.json")
        for number, name in enumerate(CHANNELS, 1):
            setattr(km, f"{name}_port", number)
        arguments = [*self.kernel_spec.argv, *kwargs.get("extra_arguments", ())]
        there = {"{connection_file}": f"{self._inside}.json"}
        return {"cmd": [there.get(argument, argument) for argument in arguments]}

    async def launch_kernel(self, cmd, **kwargs):
        km = self.parent
        self.channel, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        connection = km.get_connection_info() | {"ip": f"{self._inside}/kernel", "kernel_name": "student"}
        connection["key"] = connection["key"].decode()
        with theirs:
            sandbox = replace(
                self._contained,
                variables={**self._contained.variables, ANSWER_FD: str(theirs.fileno())},
            )
            self.process = sandbox.popen(
                cmd,
                pass_fds=[theirs.fileno()],
                sockets=(self._inside, theirs.fileno()),
                texts={f"{self._inside}.json": json.dumps(connection)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
            )
        self._watch = MemoryWatch(self.process, sandbox.limits.memory)
        self._watch.start()
        self.pid = self.pgid = self.process.pid
        try:
            await asyncio.wait_for(self._listening(), START_SECONDS)
        except BaseException as error:
            reason = self.last_words()
            await self._release()
            if not isinstance(error, (OSError, asyncio.TimeoutError)):
                raise
            raise RuntimeError(f"The sandboxed kernel did not start: {reason or repr(error)}") from error
        self.connection_info = km.get_connection_info()
        return self.connection_info

    async def _listening(self):
        """Return when all of the kernel's sockets accept connections, and the host knows where they are.

        Until then only our own code has run. Clients connect once and never again (see `_context`), so it
        does not matter if a student's code later puts links to other sockets in their places.
        """
        self.channel.setblocking(False)
        while self._folder is None:
            with suppress(BlockingIOError):
                said, fds, *_ = socket.recv_fds(self.channel, 1, 1)
                if not said:
                    raise ConnectionError("it ended at once")
                self._folder = fds[0]
            await asyncio.sleep(0.005)
        self.channel.setblocking(True)
        self.parent.ip = f"/proc/self/fd/{self._folder}/kernel"
        if isinstance(self._contained, Unsandboxed):
            self.parent.ip = f"{self._inside}/kernel"
        for number in range(1, len(CHANNELS) + 1):
            while not _accepts(f"{self.parent.ip}-{number}"):
                if self.process.poll() is not None:
                    raise ConnectionError(f"it ended with {self.process.returncode}")
                await asyncio.sleep(0.01)

    def last_words(self) -> str:
        """Why the kernel died, if that is known: what the memory watch said, else the end of its stderr."""
        if self._watch is not None and self._watch.verdict:
            return self._watch.verdict
        if self._errors is None:
            return ""
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), 4000, max(0, size - 4000)).decode(errors="replace").strip()

    async def send_signal(self, signum):
        """SIGINT would end the sandbox: interrupts go to the kernel as messages."""
        if signum != signal.SIGINT:
            await super().send_signal(signum)

    async def cleanup(self, restart=False):
        await self._release()

    async def _release(self):
        """Close and remove all that this kernel needed on the host."""
        if self.process is not None:
            self.process.kill()
            await self.wait()
        if self._watch is not None:
            self._watch.__exit__()
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        if self._errors is not None:
            self._errors.close()
            self._errors = None
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
            self._private = None


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as attempt:
        return attempt.connect_ex(path) == 0


class SandboxedKernelClient(AsyncKernelClient):
    """A client without a heartbeat, whose reconnecting a student's code could misuse."""

    def start_channels(self, shell=True, iopub=True, stdin=True, hb=False, control=True):
        super().start_channels(shell, iopub, stdin, hb, control)


class SandboxedKernelManager(AsyncKernelManager):
    sandbox = Instance(Sandbox)
    allow_unsandboxed = Bool(False)

    @default("context")
    def _context_default(self):
        self._created_context = True
        return _context()

    @default("client_factory")
    def _client_factory_default(self):
        return SandboxedKernelClient

    def client(self, **kwargs):
        """A client under the same limits. After a restart of the kernel make a new one."""
        return super().client(context=self.context, **kwargs)

    async def _async_shutdown_kernel(self, now=True, restart=False):
        """End it at once, always: asking politely gives a student's code time, and a dead one never answers."""
        self.shutting_down = True
        if not restart and not self.context.closed:
            self._close_control_socket()
            self.context.destroy(linger=0)  # before the kernel's end, which would make it linger a second
        await self._async_kill_kernel(restart=restart)
        await self._async_cleanup_resources(restart=restart)

    shutdown_kernel = _async_shutdown_kernel


def _context() -> zmq.asyncio.Context:
    """A kernel that floods its client must not fill the grader's memory, nor one that is deaf block it.

    Sending to a kernel that closed its sockets raises `zmq.Again` after a few seconds.
    """
    context = zmq.asyncio.Context()
    context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
    context.setsockopt(zmq.RCVHWM, QUEUED_MESSAGES)
    # Days, so never. Turned off (-1), libzmq drops the pipe of a kernel that dies in mid-message and aborts us.
    context.setsockopt(zmq.RECONNECT_IVL, 10**9)
    context.setsockopt(zmq.SNDTIMEO, 5000)
    return context


def sandboxed_kernel_manager(
    folder: str | os.PathLike | None = None,
    masked: Sequence[str] = (),
    limits: Limits | None = None,
    allow_unsandboxed: bool = False,
    sandbox: Sandbox | None = None,
) -> SandboxedKernelManager:
    """A kernel manager for `nbclient.NotebookClient(notebook, km=...)`; installs no kernel specification.

    Start it from a thread that lives as long as the kernel shall: the kernel ends with that thread. Always end
    with `await manager.shutdown_kernel(now=True)`.

    Args:
        folder: whose regular files are copied into the kernel's working folder.
        masked: modules whose import fails.
        allow_unsandboxed: where no sandbox works, warn and run with resource limits only.
        sandbox: instead of the former, for all of its settings.

    Raises (when started):
        SandboxUnavailable: no sandbox works here.
        RuntimeError: the kernel did not start; says what it printed.
    """
    sandbox = sandbox or Sandbox(folder and Path(folder), masked=tuple(masked), limits=limits or Limits())
    manager = SandboxedKernelManager(kernel_name="cs231n-sandbox", sandbox=sandbox, allow_unsandboxed=allow_unsandboxed)
    manager._kernel_spec = KernelSpec(
        # -P: a student's numpy.py must not be taken for NumPy while the kernel itself starts
        argv=[sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "{connection_file}",
              "--HistoryManager.hist_file=:memory:"],
        display_name="Sandboxed Python",
        language="python",
        interrupt_mode="message",
        metadata={"kernel_provisioner": {"provisioner_name": "cs231n-sandbox"}},
    )  # fmt: skip
    return manager
