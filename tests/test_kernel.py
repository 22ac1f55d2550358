"""Sandboxed kernels as the judge uses them: through nbclient, with a line of its own."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from grader import kernel as kernel_module
from grader import sandbox_watch
from grader.kernel import ANSWER_FD, sandboxed_kernel_manager
from grader.sandbox import Limits, SandboxUnavailable


@contextlib.asynccontextmanager
async def kernel(manager=None, timeout=20, **settings):
    """(manager, run): `run(code)` executes a cell and returns what it printed, or the error's name and message."""
    manager = manager or sandboxed_kernel_manager(**settings)
    notebook = nbformat.v4.new_notebook()
    client = NotebookClient(notebook, km=manager, timeout=timeout, allow_errors=True)

    async def run(code):
        cell = nbformat.v4.new_code_cell(code)
        notebook.cells.append(cell)
        await client.async_execute_cell(cell, len(notebook.cells) - 1)
        said = [o.get("text") or f"{o.get('ename')}: {o.get('evalue')}" for o in cell.outputs]
        return "".join(said).strip()

    try:
        await client.async_start_new_kernel()
        await client.async_start_new_kernel_client()
        yield manager, run
    finally:
        await manager.shutdown_kernel(now=True)
        if client.kc is not None:
            client.kc.stop_channels()


def with_kernel(body, **settings):
    async def main():
        async with kernel(**settings) as (manager, run):
            return await body(manager, run)

    return asyncio.run(main())


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


def test_cells_run_and_the_channel_carries_bytes_both_ways():
    async def body(manager, run):
        assert await run("import os; print(os.getuid(), os.getcwd())") == "1000 /home/student/assignment"
        await run(f"import socket; line = socket.socket(fileno=int(os.environ['{ANSWER_FD}'])); line.sendall(b'ready')")
        channel = manager.provisioner.channel
        channel.settimeout(10)
        assert channel.recv(5) == b"ready"
        channel.sendall(b"2+2")
        assert await run("print(eval(line.recv(3)))") == "4"

    with_kernel(body)


def test_inline_plots_and_numba_work_within_the_limits(tmp_path):
    (tmp_path / "points.csv").write_text("1 2")

    async def body(manager, run):
        code = "%matplotlib inline\nimport matplotlib.pyplot as plt, numpy as np\nplt.plot(np.loadtxt('points.csv'))"
        assert "Error" not in await run(code)
        code = "import numba\n@numba.njit(cache=True)\ndef f(n):\n    return n + 1\nprint(f(2))"
        assert await run(code) == "3"

    with_kernel(body, folder=tmp_path, timeout=60)


def test_masks_reach_the_kernel():
    async def body(manager, run):
        assert "scikit-learn is not available while grading" in await run("import sklearn")

    with_kernel(body, masked=["sklearn"])


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel_module.tempfile, "tempdir", str(tmp_path))
    before, sandboxed = children(), set()

    async def body(manager, run):
        child = "import subprocess; p = subprocess.Popen(['sleep', '1000'], start_new_session=True); print(p.pid > 0)"
        assert await run(child) == "True"
        sandboxed.update(children() - before)
        return manager.provisioner.channel

    assert with_kernel(body).fileno() == -1
    assert len(sandboxed) >= 4  # bubblewrap twice, the kernel, its child
    deadline = time.monotonic() + 5
    while any(map(psutil.pid_exists, sandboxed)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(psutil.pid_exists, sandboxed))
    assert list(tmp_path.iterdir()) == []
    descriptors = os.listdir("/proc/self/fd")
    with_kernel(body)
    assert os.listdir("/proc/self/fd") == descriptors


@pytest.mark.parametrize("death", ["import os; os._exit(1)", "import os; os.kill(os.getpid(), 9)"])
def test_a_kernel_that_dies_is_noticed_at_once(death):
    async def body(manager, run):
        started = time.monotonic()
        with pytest.raises(DeadKernelError):
            await run(death)
        assert time.monotonic() - started < 10
        manager.provisioner.channel.settimeout(5)
        assert manager.provisioner.channel.recv(1) == b""

    with_kernel(body)


def test_a_cell_that_does_not_end_is_interrupted_and_the_kernel_goes_on():
    async def body(manager, run):
        with pytest.raises(CellTimeoutError):
            await run("while True: pass")

    with_kernel(body, timeout=2)

    async def body(manager, run):
        waiting = asyncio.create_task(run("import time; time.sleep(30)"))
        await asyncio.sleep(1)
        await manager.interrupt_kernel()
        assert "KeyboardInterrupt" in await waiting
        assert await run("print(1)") == "1"

    with_kernel(body)


def test_sockets_replaced_by_links_are_never_followed(tmp_path):
    """A kernel must not make the grader talk to another service on the host."""
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(tmp_path / "service"))
        service.listen()
        service.settimeout(2)

        async def body(manager, run):
            code = f"""
import glob, os
for path in glob.glob("/run/cs231n/kernel-*"):
    os.remove(path)
    os.symlink({str(tmp_path / "service")!r}, path)
for fd in os.listdir("/proc/self/fd"):
    if int(fd) > 2:
        try: os.close(int(fd))
        except OSError: pass
"""
            with contextlib.suppress(Exception):
                await run(code)
            with contextlib.suppress(Exception):
                await run("1")
            await asyncio.sleep(1)

        with_kernel(body, timeout=3)
        with pytest.raises(TimeoutError):
            service.accept()


def test_a_kernel_that_does_not_listen_does_not_block_the_grader():
    async def body(manager, run):
        with contextlib.suppress(Exception):
            await run("import os\nfor n in range(3, 200):\n  try: os.close(n)\n  except OSError: pass")
        started = time.monotonic()
        for _ in range(3):
            with contextlib.suppress(Exception):
                await run("x = '" + "y" * 10**6 + "'")
        assert time.monotonic() - started < 30

    with_kernel(body, timeout=4)


def test_a_flood_of_output_ends_the_kernel_not_the_grader(monkeypatch):
    monkeypatch.setattr(sandbox_watch, "GRADER_GROWTH", 150 * 2**20)

    async def body(manager, run):
        with pytest.raises(DeadKernelError):
            await run("import sys\nwhile True:\n    sys.stdout.write('x' * 10**6); sys.stdout.flush()")
        assert manager.provisioner.last_words() == "it flooded the grader with output"

    with_kernel(body, timeout=60)


def test_memory_of_all_children_together_is_bounded():
    async def body(manager, run):
        code = "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n        x = os.urandom(1) * 300_000_000\n"
        code += "        time.sleep(100)\ntime.sleep(100)"
        with pytest.raises(DeadKernelError):
            await run(code)
        assert "together took more than 1 GiB" in manager.provisioner.last_words()

    with_kernel(body, limits=Limits(memory=2**30), timeout=60)


def test_a_students_numpy_py_does_not_keep_the_kernel_from_starting(tmp_path):
    for name in ("numpy", "ipykernel", "ipykernel_launcher", "sitecustomize", "usercustomize", "socket"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hostile')")

    async def body(manager, run):
        assert await run("print(2)") == "2"

    with_kernel(body, folder=tmp_path)


def test_a_kernel_that_does_not_start_says_why(monkeypatch):
    manager = sandboxed_kernel_manager()
    manager._kernel_spec.argv[1:] = ["-c", "raise SystemExit('no such kernel')"]
    with pytest.raises(RuntimeError, match="did not start: no such kernel"):
        asyncio.run(manager.start_kernel())


def test_the_kernel_can_be_restarted():
    async def main():
        async with kernel() as (manager, run):
            assert await run("x = 1; print(x)") == "1"
            await manager.restart_kernel(now=True)
            client = manager.client()
            client.start_channels()
            await client.wait_for_ready(timeout=30)
            reply = await client.execute_interactive("assert 'x' not in globals()", timeout=20)
            assert reply["content"]["status"] == "ok"
            client.stop_channels()

    asyncio.run(main())


def test_a_plain_manager_with_the_entry_point_gets_a_sandbox_too(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    model = sandboxed_kernel_manager()._kernel_spec.to_dict()
    model["metadata"]["kernel_provisioner"]["config"] = {"masked": ["sklearn"]}
    manager = AsyncKernelManager(kernel_name="plain")
    manager._kernel_spec = KernelSpec(**model)

    async def main():
        await manager.start_kernel(cwd=str(tmp_path))
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=30)
            code = "import os; assert os.getuid() == 1000 and os.listdir() == ['notes.txt']"
            reply = await client.execute_interactive(code, timeout=20)
            assert reply["content"]["status"] == "ok", reply
            reply = await client.execute_interactive("import sklearn", timeout=20, output_hook=lambda message: None)
            assert "not available while grading" in reply["content"]["evalue"]
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)

    asyncio.run(main())


def test_without_a_sandbox_nothing_starts(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel_module, "probe", lambda: "no user namespaces.")
    monkeypatch.setattr(kernel_module.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match=r"no user namespaces.*\n.*--allow-unsandboxed"):
        asyncio.run(sandboxed_kernel_manager().start_kernel())
    assert list(tmp_path.iterdir()) == []


def test_allowed_in_so_many_words_it_runs_with_limits_and_a_warning(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(kernel_module, "probe", lambda: "no user namespaces.")
    monkeypatch.setenv("DATABASE_PASSWORD", "open-sesame")
    (tmp_path / "notes.txt").write_text("hello")
    before = children()

    async def body(manager, run):
        assert await run("import os; print(os.listdir(), 'DATABASE_PASSWORD' in os.environ)") == "['notes.txt'] False"
        assert "MemoryError" in await run("bytearray(3 * 2**30)")
        await run(f"os.write(int(os.environ['{ANSWER_FD}']), b'ready')")
        assert manager.provisioner.channel.recv(5) == b"ready"
        return manager.provisioner._private

    with caplog.at_level(logging.WARNING, logger="traitlets"):
        private = with_kernel(body, folder=tmp_path, allow_unsandboxed=True, limits=Limits(memory=2 * 2**30))
    assert "NO SANDBOX" in caplog.text
    assert not Path(private).exists()
    assert children() <= before
