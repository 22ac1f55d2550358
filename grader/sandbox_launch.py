"""The first program of every sandbox: `python -I -S sandbox_launch.py SPEC COMMAND...`, standard library only.

It turns into bubblewrap. When the grader is root it first becomes an ordinary user, because to the kernel root's
code in a user namespace is still root: it owns root's files and no process limit counts it. That user may not reach a
Python under /root or a private home, and bubblewrap needs paths, so while still root this shows every source on
a fresh /tmp in a mount namespace of its own, which nobody else sees.
"""

import ctypes
import json
import os
import stat
import sys

STAGE = "/tmp"
CLONE_NEWNS, MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 2, 4, 0x1000, 0x4000, 0x40000


def mount(source, target, kind, flags, data=None):
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = [text and os.fsencode(text) for text in (source, target, kind)]
    if libc.mount(*arguments, ctypes.c_ulong(flags), data and os.fsencode(data)):
        raise OSError(ctypes.get_errno(), f"mount: {os.strerror(ctypes.get_errno())}", target)


def stage(sources):
    """Bind `sources[i]` on STAGE/i for this process and its descendants alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), f"mount namespace: {os.strerror(ctypes.get_errno())}")
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    opened = [os.open(source, os.O_PATH) for source in sources]  # before STAGE, where some may lie, is covered
    mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m")
    for i, fd in enumerate(opened):
        target = f"{STAGE}/{i}"
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            os.mkdir(target)
        else:
            os.close(os.open(target, os.O_CREAT, 0o644))
        mount(f"/proc/self/fd/{fd}", target, None, MS_BIND | MS_REC)
        os.close(fd)


def main():
    spec = json.loads(sys.argv[1])
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # when memory runs out the kernel ends this, not the grader
    except OSError:
        pass
    if spec["user"] is not None:
        stage(spec["sources"])
        os.setgroups([])
        os.setresgid(*[spec["user"]] * 3)
        os.setresuid(*[spec["user"]] * 3)
    if os.getppid() != spec["parent"]:
        sys.exit("sandbox: whoever started it is gone")  # bubblewrap would not notice
    environment = {"LD_LIBRARY_PATH": spec["libraries"]} if spec["libraries"] else {}
    os.execve(spec["bwrap"], ["bwrap", "--args", str(spec["arguments"]), "--", *sys.argv[2:]], environment)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"sandbox: {error}")
