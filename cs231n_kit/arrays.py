"""NumPy or CuPy? The array decides: functions of the kit return the kind of array they were given."""

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from types import ModuleType

import numpy as np

_INSTALL = "pip install cupy-cuda{version}x"


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
        raise RuntimeError(f"There is no GPU to move the array to. {device_report().reason}")
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
    reason: str  # empty when a GPU is in use

    def __str__(self) -> str:
        return f"Arrays: {self.backend} on {self.device}." + (f" {self.reason}" if self.reason else "")


def device_report() -> DeviceReport:
    """Look for a GPU. Never raises: a broken installation is what it reports."""
    if not has_cupy():
        return _cpu(_advice_without_cupy())
    try:
        import cupy

        runtime = cupy.cuda.runtime
        driver, built_for = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    except Exception as error:  # a CuPy without its CUDA libraries fails on import, in several ways
        return _cpu(f"CuPy is installed but does not start ({_first_line(error)}). {_advice_without_cupy()}")
    if driver == 0:
        return _cpu("CuPy is installed, but there is no NVIDIA driver on this machine. The CPU does it all.")
    if driver // 1000 < built_for // 1000:
        return _cpu(
            f"CuPy is built for CUDA {_version(built_for)}, but the NVIDIA driver only reaches CUDA "
            f"{_version(driver)}. Update the driver, or run: pip uninstall --yes cupy-cuda{built_for // 1000}x && "
            + _INSTALL.format(version=driver // 1000)
        )
    try:
        if runtime.getDeviceCount() == 0:
            return _cpu("CuPy and an NVIDIA driver are installed, but the driver shows no GPU.")
        name = runtime.getDeviceProperties(0)["name"]
    except Exception as error:
        return _cpu(f"CuPy is installed, but the NVIDIA driver shows no usable GPU ({_first_line(error)}).")
    return DeviceReport("cupy", name.decode() if isinstance(name, bytes) else str(name), "")


def _cpu(reason: str) -> DeviceReport:
    return DeviceReport("numpy", "the CPU", reason)


def _is_device_array(array: object) -> bool:
    # By name, so that nothing imports CuPy until a CuPy array is there.
    return type(array).__module__.partition(".")[0] == "cupy" and type(array).__name__ == "ndarray"


def _advice_without_cupy() -> str:
    """The installation line that fits the driver, as far as nvidia-smi tells."""
    newest = _driver_cuda_version()
    if newest is None:
        return (
            "CuPy is not in use and no NVIDIA driver was found; the course runs on the CPU. On a machine with an "
            f"NVIDIA GPU: {_INSTALL.format(version=13)} (cupy-cuda12x for drivers of CUDA 12)."
        )
    if newest < 12:
        return f"The NVIDIA driver is for CUDA {newest}; update it to CUDA 12 or newer first."
    return f"There is an NVIDIA driver. To use the GPU: {_INSTALL.format(version=min(newest, 13))}"


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
