"""Examine an installation of the course: what works, what is broken, and how to mend it."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from cs231n_kit import installation
from cs231n_kit.installation import is_package
from cs231n_kit.laboratory import course_folder

OK, NOTE, BROKEN = "ok", "note", "broken"
CHECKOUT = 'make install (on Windows: .venv\\Scripts\\python -m pip install -c constraints.txt -e ".[grading,test]")'
INSTALL = installation.install_command() if is_package() else CHECKOUT
CHANGE = "change to the folder that holds notebooks/" + (", or make one: cs231n start mycourse" * is_package())
EXAMINATIONS = "cs231n.examinations"  # entry points: functions of `required` that yield findings
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report. status: OK, NOTE (worth knowing) or BROKEN; mend: what to do about it."""

    subject: str
    status: str
    found: str
    mend: str = ""


def examine(for_tests: bool = False) -> Iterator[Finding]:
    """Look at everything in turn. for_tests: also require what the test suite needs."""
    yield from _guarded("Python", _python)
    yield from _guarded("Packages", _packages)
    yield from _guarded("Kernel", _kernel)
    yield from _guarded("Course", _course)
    yield from _guarded("Computing on", _device)
    yield from _guarded("Data", _data)
    yield from _guarded("Grading", lambda: _others(required=for_tests))
    yield from _guarded("Chromium", lambda: _chromium(required=for_tests))
    if for_tests:
        yield from _guarded("PostgreSQL", _postgresql)
        yield from _guarded("npm", _npm)


def find_browser() -> str | None:
    """The path of a Chromium for the browser tests: $CHROMIUM, the system's, or the one Playwright installed."""
    for name in filter(None, [os.environ.get("CHROMIUM"), *BROWSERS]):
        if path := shutil.which(name):
            return path
    if util.find_spec("playwright") is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def find_postgresql() -> Path | None:
    """The folder of PostgreSQL's server programs: of Debian's newest version, or one on the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _guarded(subject: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A part that cannot even be looked at is a finding like any other."""
    try:
        yield from look()
    except Exception as error:
        yield Finding(subject, BROKEN, f"{type(error).__name__}: {error}", INSTALL)


def _python() -> Iterator[Finding]:
    found = f"{sys.version.split()[0]} in {sys.prefix}"
    if sys.version_info >= (3, 14):
        yield Finding("Python", NOTE, found, "the course is tested with Python 3.11 to 3.13")
    else:
        yield Finding("Python", OK, found)


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    requirements = [Requirement(line) for line in metadata.requires("cs231n-kit") or []]
    needed = [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    versions = {name: _version(name) for name in needed}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        yield Finding("Packages", BROKEN, f"missing: {', '.join(missing)}", INSTALL)
        return
    pins = _pins()
    other = [f"{name} {v} (tested: {pins[name]})" for name, v in versions.items() if pins.get(name, v) != v]
    if other:
        yield Finding("Packages", NOTE, f"not the tested versions: {', '.join(other)}", INSTALL)
    else:
        shown = ", ".join(f"{name} {versions[name]}" for name in ("numpy", "jupyterlab", "anywidget", "matplotlib"))
        yield Finding("Packages", OK, f"all {len(versions)} are here ({shown}, ...)")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _pins() -> dict[str, str]:
    path = installation.course_file("constraints.txt")
    lines = path.read_text().splitlines() if path.is_file() else []
    return dict(line.split("==") for line in lines if "==" in line)


def _kernel() -> Iterator[Finding]:
    """Notebooks must run in this Python, not in one that an old kernel specification points to."""
    from jupyter_client.kernelspec import KernelSpecManager

    specification = KernelSpecManager().get_kernel_spec("python3")
    program = specification.argv[0]
    if os.path.isabs(program) and Path(program).parent != Path(sys.executable).parent:
        mend = f'"{sys.executable}" -m ipykernel install --sys-prefix'
        yield Finding("Kernel", NOTE, f"notebooks run in another Python, {program}", mend)
    else:
        yield Finding("Kernel", OK, "notebooks run in this Python")


def _course() -> Iterator[Finding]:
    folder = course_folder()
    if folder is None:
        yield Finding("Course", NOTE, "this is not the course's folder", CHANGE)
    else:
        free = shutil.disk_usage(folder).free / 1e9
        mend = "" if free > 2 else "make some room: the data sets need about 1 GB"
        yield Finding("Course", NOTE if mend else OK, f"{folder}, {free:,.0f} GB free", mend)


def _device() -> Iterator[Finding]:
    """Where arrays are computed with, and where CUDA kernels run."""
    from cs231n_kit.arrays import device_report

    report = device_report()
    if report.backend == "cupy":
        yield _gpu(report)
        return
    yield Finding("Computing on", OK, f"the CPU, {_cpu_backends()}")
    yield Finding("GPU", NOTE if report.mend else OK, f"not in use: {report.reason}", report.mend)
    yield _emulation()


def _gpu(report) -> Finding:
    """CuPy finds its compiler and its libraries when they are first used, so use them."""
    from cs231n_kit.arrays import install_command

    name = f"{report.device} (compute capability {report.compute_capability})"
    try:
        import cupy

        square = cupy.ones((32, 32), "float32")
        float((square @ square).sum())
    except Exception as error:
        mend = install_command(cupy.cuda.runtime.runtimeGetVersion() // 1000)
        return Finding("Computing on", BROKEN, f"{name}, but CuPy fails there: {type(error).__name__}: {error}", mend)
    return Finding(
        "Computing on", OK, f"{name}, by CuPy {cupy.__version__}; NumPy arrays on the CPU, {_cpu_backends()}"
    )


def _cpu_backends() -> str:
    """NumPy, and Numba where it is installed."""
    numba = _version("numba")
    return f"by NumPy {_version('numpy')}" + (f" and machine code of Numba {numba}" if numba else "")


def _emulation() -> Finding:
    from cs231n_kit.cuda_emulation import compiler_advice, compiler_name

    compiler = compiler_name()
    if compiler is None:
        return Finding("CUDA kernels", NOTE, "cannot run: no GPU, and no C++ compiler for the CPU", compiler_advice())
    return Finding("CUDA kernels", OK, f"run on the CPU, in an emulation compiled by {compiler}")


def _data() -> Iterator[Finding]:
    from cs231n_kit.datasets import status

    for row in status():
        if row.present:
            yield Finding(row.title, OK, str(row.folder or "comes with scikit-learn"))
        else:
            yield Finding(row.title, NOTE, "not on this machine", f"cs231n data {row.name}")


def _others(required: bool) -> Iterator[Finding]:
    """What installed packages beside the kit have to say: the grader looks at its sandbox."""
    for entry_point in metadata.entry_points(group=EXAMINATIONS):
        if util.find_spec(entry_point.module.partition(".")[0]):
            yield from entry_point.load()(required)


def _chromium(required: bool) -> Iterator[Finding]:
    if path := find_browser():
        yield Finding("Chromium", OK, path)
    else:
        yield Finding("Chromium", BROKEN if required else NOTE, "not found; only the tests need it", browser_command())


def _postgresql() -> Iterator[Finding]:
    if folder := find_postgresql():
        yield Finding("PostgreSQL", OK, str(folder))
    else:
        yield Finding("PostgreSQL", BROKEN, "no server programs; only the tests need them", _postgresql_command())


def _postgresql_command() -> str:
    if sys.platform == "linux":
        return ("" if os.geteuid() == 0 else "sudo ") + "apt-get install postgresql"
    return "brew install postgresql" if sys.platform == "darwin" else "winget install PostgreSQL.PostgreSQL"


def browser_command() -> str:
    """The one command that installs a browser for the tests."""
    if Path("/etc/debian_version").exists() and not Path("/snap").exists():
        return ("" if os.geteuid() == 0 else "sudo ") + "apt-get install chromium"
    options = " --with-deps" if sys.platform == "linux" else ""
    return f'"{sys.executable}" -m playwright install{options} chromium'


def _npm() -> Iterator[Finding]:
    """JupyterHub's proxy runs in Node.js, and is installed by npm."""
    if shutil.which("node") and (path := shutil.which("npm")):
        yield Finding("npm", OK, path)
    else:
        yield Finding("npm", BROKEN, "not found; the tests need it for JupyterHub's proxy", npm_command())


def npm_command() -> str:
    """How to install npm, with Node.js."""
    if Path("/etc/debian_version").exists():
        return ("" if os.geteuid() == 0 else "sudo ") + "apt-get install npm"
    return "install Node.js, which brings it, from https://nodejs.org"
