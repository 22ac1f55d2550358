"""NumPy or CuPy? The array decides: functions of the kit return the kind of array they were given."""

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from cs231n_kit import installation

OLDEST_CUDA, NEWEST_CUDA = 12, 13  # for which there is an extra, gpu-cuda12 and gpu-cuda13
_INTRODUCTION = "To use a GPU: "
_NEW_DRIVER = "install NVIDIA's newest driver"
_LOOK = "see what nvidia-smi says; in a container or a queue, ask for a GPU"


def array_module(*arrays: object) -> ModuleType:
    """The module, numpy or cupy, that the arrays belong to; lists and numbers count as NumPy's.

    Raises TypeError where host (NumPy) and device (CuPy) arrays are mixed.
    """
    on_device = [_is_device_array(array) for array in arrays]
    if not any(on_device):
        return np
    if any(isinstance(array, np.ndarray) for array in arrays):
        kinds = ", ".join("CuPy" if device else "NumPy" for device in on_device)
        raise TypeError(
            f"These arrays lie in different memories ({kinds}). Bring them together with "
            "cs231n_kit.arrays.to_device(array) or cs231n_kit.arrays.to_host(array)."
        )
    import cupy

    return cupy


def as_floats(name: str, array):
    """The array as float32 or float64, integers and booleans as float64.

    Raises TypeError, with the argument's ``name``, for anything else.
    """
    array = array_module(array).asarray(array)
    if array.dtype.kind in "biu":
        return array.astype("float64")
    if array.dtype.name not in ("float32", "float64"):
        raise TypeError(f"{name} must hold float32 or float64, not {array.dtype}")
    return array


def to_device(array):
    """The array as a CuPy array on the GPU. Raises RuntimeError with the way out where there is no GPU."""
    if _is_device_array(array):
        return array
    if not has_gpu():
        raise RuntimeError(f"There is no GPU to move the array to. {device_report().advice}")
    import cupy

    return cupy.asarray(array)


def to_host(array) -> np.ndarray:
    """The array as a NumPy array in main memory."""
    return array.get() if _is_device_array(array) else np.asarray(array)


def has_cupy() -> bool:
    """Whether CuPy is installed. That says nothing about a GPU: see ``has_gpu``."""
    return importlib.util.find_spec("cupy") is not None


def has_gpu() -> bool:
    """Whether CuPy is installed and a CUDA device answers."""
    return device_report().backend == "cupy"


@dataclass(frozen=True)
class DeviceReport:
    """Which backend computes, on what, and, where it is not a GPU, why not and what to do."""

    backend: str  # "numpy" or "cupy"
    device: str
    reason: str  # a sentence, empty when a GPU is in use
    mend: str = ""  # what to do, or the command to run, where there is something
    compute_capability: str = ""  # of the GPU in use, such as "9.0"

    @property
    def advice(self) -> str:
        """The reason with the mend behind it."""
        return f"{self.reason} {_INTRODUCTION}{self.mend}" if self.mend else self.reason

    def __str__(self) -> str:
        return f"Arrays: {self.backend} on {self.device}." + (f" {self.advice}" if self.reason else "")


def device_report() -> DeviceReport:
    """Look for a GPU. Never raises: a broken installation is what it reports."""
    if not has_cupy():
        return _without_cupy("CuPy is not installed")
    try:
        import cupy

        runtime = cupy.cuda.runtime
        driver, built_for = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    except Exception as error:  # a CuPy without its CUDA libraries fails on import, in several ways
        return _without_cupy(f"CuPy is installed but does not start ({_first_line(error)})")
    if driver == 0:
        return _cpu("CuPy is installed, but there is no NVIDIA driver; the course runs on the CPU.", _NEW_DRIVER)
    if driver // 1000 < built_for // 1000:
        return _cpu(
            f"CuPy is built for CUDA {_version(built_for)}, but the driver only reaches CUDA {_version(driver)}.",
            _NEW_DRIVER
            if driver // 1000 < OLDEST_CUDA
            else install_command(driver // 1000, instead_of=built_for // 1000),
        )
    try:
        if runtime.getDeviceCount() == 0:
            return _cpu("CuPy and an NVIDIA driver are installed, but the driver shows no GPU.", _LOOK)
        properties = runtime.getDeviceProperties(0)
    except Exception as error:
        return _cpu(f"CuPy is installed, but the NVIDIA driver shows no usable GPU ({_first_line(error)}).", _LOOK)
    name = properties["name"]
    capability = f"{properties['major']}.{properties['minor']}"
    return DeviceReport("cupy", name.decode() if isinstance(name, bytes) else str(name), "", "", capability)


def install_command(cuda: int, instead_of: int | None = None) -> str:
    """The command, to be run in the course's folder, that installs CuPy for this major version of CUDA."""
    install = installation.install_command(f"gpu-cuda{cuda}")
    remove = f'"{sys.executable}" -m pip uninstall --yes cupy-cuda{instead_of}x'
    return f"{remove} && {install}" if instead_of else install


def _cpu(reason: str, mend: str = "") -> DeviceReport:
    return DeviceReport("numpy", "the CPU", reason, mend)


def _is_device_array(array: object) -> bool:
    # By name, so that nothing imports CuPy until a CuPy array is there.
    return type(array).__module__.partition(".")[0] == "cupy" and type(array).__name__ == "ndarray"


def _without_cupy(what: str) -> DeviceReport:
    """The installation line that fits the driver, as far as nvidia-smi tells."""
    newest = _driver_cuda_version()
    if newest is None:
        mend = "" if sys.platform == "darwin" else f"{_NEW_DRIVER}, then {install_command(NEWEST_CUDA)}"
        return _cpu(f"{what}, and no NVIDIA driver was found; the course runs on the CPU.", mend)
    if newest < OLDEST_CUDA:
        return _cpu(f"{what}, and the NVIDIA driver is too old, for CUDA {newest}.", _NEW_DRIVER)
    return _cpu(f"{what}, though there is an NVIDIA driver.", install_command(min(newest, NEWEST_CUDA)))


def _driver_cuda_version() -> int | None:
    """The newest CUDA major version that the installed driver supports, or None without a driver."""
    if not shutil.which("nvidia-smi"):
        return None
    try:
        text = subprocess.run(["nvidia-smi"], capture_output=True, text=True, timeout=20).stdout
        return int(text.partition("CUDA Version:")[2].split()[0].partition(".")[0])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None


def _version(number: int) -> str:
    """CUDA writes 12.4 as 12040."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
