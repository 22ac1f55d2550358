"""A module of the kit as a process of its own in the sandbox, which compiles and runs what students wrote in C++."""

import logging
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cs231n_kit.checking.launching import SOCKET

from .sandbox import Limits, Sandbox, SandboxUnavailable, Unsandboxed, probe
from .sandbox_watch import MemoryWatch

LOG = logging.getLogger(__name__)
MEMORY = 2 * 2**30


class Contained:
    """Starts `python -m module` with the socket `theirs`, whose number it finds in its environment.

    Raises:
        SandboxUnavailable: no sandbox works here, and nobody allowed to do without.
    """

    def __init__(
        self, module: str, theirs: socket.socket, masked: Sequence[str], limits: Limits, allow_unsandboxed: bool
    ):
        number = theirs.fileno()
        limits = replace(limits, memory=min(limits.memory, MEMORY))
        variables = {SOCKET: str(number)}
        self._private: Path | None = None
        if (reason := probe()) is None:
            sandbox = Sandbox(masked=masked, variables=variables, limits=limits)
        elif allow_unsandboxed:
            LOG.warning("NO SANDBOX: a student's kernels run with your rights on this machine. %s", reason)
            self._private = Path(tempfile.mkdtemp(prefix="cs231n-"))
            sandbox = Unsandboxed(variables=variables, limits=limits, private=self._private)
        else:
            raise SandboxUnavailable(reason)
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        self._process = sandbox.popen([sys.executable, "-m", module], pass_fds=[number], **quiet)
        self._watch = MemoryWatch(self._process, limits.memory)
        self._watch.start()

    def kill(self) -> None:
        """End the process and all that it started."""
        self._process.kill()

    def wait(self) -> None:
        """Until it has ended; nothing of it is left then."""
        self._process.wait()
        self._watch.join()
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
