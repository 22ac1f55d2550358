"""Start JupyterLab on the course."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

SETTINGS = Path(__file__).with_name("jupyter")  # no questions about news, no look for updates: versions are pinned
FOR_STUDENTS = Path(__file__).with_name("jupyter_students")  # none of nbgrader's menus
GRADING = "nbgrader_config.py"  # in the folder of those who grade
# NumPy's threads (OpenBLAS) and Numba's (OpenMP) take turns. By default those whose turn it is not wait in a loop,
# OpenBLAS's for some 25 ms, and leave the others half of a small machine: let them sleep after 2²⁰ cycles, and at once.
# GNU's OpenMP is woken slowly: it may first look 30,000 times, some 0.1 ms.
IDLE_THREADS_SLEEP = {"OPENBLAS_THREAD_TIMEOUT": "20", "OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "30000"}
FRONT_PAGE = Path("notebooks", "00_start_here.ipynb")


def course_folder(start: Path | None = None) -> Path | None:
    """The folder that holds notebooks/00_start_here.ipynb: `start` (default: the current folder) or one above it,
    else the folder this kit was installed from; None if there is none."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parent.parent):
        if (folder / FRONT_PAGE).is_file():
            return folder
    return None


def has_screen() -> bool:
    """Whether a browser that is started here would be seen."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def lab_command(folder: Path, notebook: Path, *, browser: bool | None, port: int) -> list[str]:
    """The command line that serves `folder` and opens `notebook`; browser=None: only where there is a screen."""
    folder, place = _rooted(folder, notebook)
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{quote(place.as_posix())}",
        f"--ServerApp.port={port}",
        "--Application.log_level=WARN",
    ]
    if not (has_screen() if browser is None else browser):
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def open_lab(folder: Path, notebook: Path, *, browser: bool | None, port: int) -> int:
    """Serve until the user stops it; returns the exit code (on POSIX this process becomes the server)."""
    command = lab_command(folder, notebook, browser=browser, port=port)
    served, _ = _rooted(folder, notebook)
    environment = {
        **os.environ,
        "PATH": _before("PATH", Path(sys.executable).parent),  # so that `cs231n` works in Lab's own terminals
        "JUPYTER_CONFIG_PATH": _before("JUPYTER_CONFIG_PATH", *settings(served)),
    }
    for variable, value in IDLE_THREADS_SLEEP.items():
        environment.setdefault(variable, value)
    print("Starting JupyterLab; Ctrl-C, then y, stops it.", flush=True)
    os.chdir(served)  # where formgrader looks for nbgrader_config.py
    if os.name == "posix":
        os.execve(command[0], command, environment)
    try:
        return subprocess.run(command, env=environment).returncode
    except KeyboardInterrupt:
        return 0


def settings(served: Path) -> list[Path]:
    """Folders with Jupyter's settings: nbgrader's menus, formgrader among them, only for those who grade here."""
    return [SETTINGS] if (served / GRADING).is_file() else [SETTINGS, FOR_STUDENTS]


def _before(variable: str, *folders: Path) -> str:
    """The search path in an environment variable with `folders` in front."""
    return os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get(variable)])])


def _rooted(folder: Path, notebook: Path) -> tuple[Path, Path]:
    """A notebook from elsewhere is served from its own folder."""
    if notebook.is_relative_to(folder):
        return folder, notebook.relative_to(folder)
    return notebook.parent, Path(notebook.name)
