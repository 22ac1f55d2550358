"""Run a command as if this machine had a few more accounts, without creating them: for root, on Linux.

It runs in namespaces of its own: mounts made here are seen by it and its children alone, and all of them end with it,
whatever they do.

    unshare --mount --pid --fork --kill-child --mount-proc python private_machine.py '{"accounts": ...}' COMMAND ...
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def command_line(accounts: dict[str, tuple[int, Path]], readable: list[Path], command: list[str]) -> list[str]:
    """accounts: {name: (uid, home)}; the group has the same number. readable: what they must be able to reach."""
    settings = {
        "accounts": {name: (uid, str(home)) for name, (uid, home) in accounts.items()},
        "readable": [str(path.resolve()) for path in readable],
    }
    return [*UNSHARE, sys.executable, __file__, json.dumps(settings), *command]


def add_accounts(accounts: dict[str, tuple[int, str]]) -> None:
    lines = {
        "/etc/passwd": [f"{name}:x:{uid}:{uid}::{home}:/bin/sh\n" for name, (uid, home) in accounts.items()],
        "/etc/group": [f"{name}:x:{uid}:\n" for name, (uid, _) in accounts.items()],
    }
    for path, added in lines.items():
        text = Path(path).read_text()
        with tempfile.NamedTemporaryFile("w") as copy:
            copy.write(text + "".join(added))
            copy.flush()
            os.chmod(copy.name, 0o644)
            mount("--bind", copy.name, path)


def open_up(readable: list[str]) -> None:
    """Make folders reachable that lie in a closed one, like root's: an open one with nothing else in it covers it."""
    closed: dict[Path, list[Path]] = {}
    for path in map(Path, readable):
        for folder in reversed(path.parents):
            if not folder.stat().st_mode & 0o001:
                closed.setdefault(folder, []).append(path)
                break
    for folder, paths in closed.items():
        with tempfile.TemporaryDirectory() as aside:
            mount("--bind", folder, aside)
            mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
            for path in paths:
                path.mkdir(parents=True, exist_ok=True)
                mount("--bind", Path(aside) / path.relative_to(folder), path)
            subprocess.run(["umount", aside], check=True)


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    add_accounts(settings["accounts"])
    open_up(settings["readable"])
    os.execvp(sys.argv[2], sys.argv[2:])
