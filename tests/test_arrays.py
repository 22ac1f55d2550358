import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import numpy as np
import pytest

from cs231n_kit import arrays

ROOT = Path(__file__).resolve().parent.parent


class StubArray:
    """Stands for cupy.ndarray; the kit recognises it by its type's module and name."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def get(self):
        return self.values


StubArray.__module__, StubArray.__name__ = "cupy", "ndarray"


class NoDevice(Exception):
    pass


@pytest.fixture
def install_cupy(monkeypatch):
    """Puts a stub of CuPy in place, with the given driver and runtime versions and number of devices."""

    def install(driver=13000, runtime=13000, devices=1):
        def count():
            if not devices:
                raise NoDevice("cudaErrorNoDevice: no CUDA-capable device is detected\nmore lines")
            return devices

        cupy = types.ModuleType("cupy")
        cupy.__spec__ = types.SimpleNamespace(name="cupy")
        cupy.ndarray = StubArray
        cupy.asarray = StubArray
        cupy.cuda = types.SimpleNamespace(
            runtime=types.SimpleNamespace(
                driverGetVersion=lambda: driver,
                runtimeGetVersion=lambda: runtime,
                getDeviceCount=count,
                getDeviceProperties=lambda i: {"name": b"Test GPU", "major": 9, "minor": 0},
            )
        )
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        return cupy

    return install


@pytest.fixture
def no_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(arrays.importlib.util, "find_spec", lambda name: None)


def test_numpy_arrays_lists_and_numbers_are_numpys(no_cupy):
    assert arrays.array_module(np.ones(3), [1, 2], 3.0) is np
    assert arrays.array_module() is np


def test_cupy_arrays_are_cupys(install_cupy):
    cupy = install_cupy()
    assert arrays.array_module(StubArray([1]), 2.0) is cupy


def test_mixed_arrays_are_refused_with_the_way_out(install_cupy):
    install_cupy()
    with pytest.raises(TypeError, match=r"different memories \(NumPy, CuPy\).*to_device.*to_host"):
        arrays.array_module(np.ones(2), StubArray([1]))


def test_there_and_back(install_cupy):
    install_cupy()
    on_device = arrays.to_device(np.arange(3))
    assert isinstance(on_device, StubArray)
    assert arrays.to_device(on_device) is on_device
    assert arrays.to_host(on_device).tolist() == [0, 1, 2]
    host = np.arange(3)
    assert arrays.to_host(host) is host


def test_to_device_without_a_gpu_says_why(no_cupy):
    with pytest.raises(RuntimeError, match=r"no GPU.*not installed, and no NVIDIA driver was found"):
        arrays.to_device(np.ones(2))


def test_a_working_gpu(install_cupy):
    install_cupy()
    report = arrays.device_report()
    assert (report.backend, report.device, report.reason, report.mend) == ("cupy", "Test GPU", "", "")
    assert report.compute_capability == "9.0"
    assert str(report) == "Arrays: cupy on Test GPU."
    assert arrays.has_cupy() and arrays.has_gpu()


PIP = f'"{sys.executable}" -m pip'
EXTRAS = {cuda: f'{PIP} install -c constraints.txt -e ".[gpu-cuda{cuda}]"' for cuda in (12, 13)}
DRIVER = "install NVIDIA's newest driver"


@pytest.mark.parametrize(
    "setup, message, mend",
    [
        (dict(driver=0), "there is no NVIDIA driver", DRIVER),
        (dict(devices=0), r"no usable GPU \(cudaErrorNoDevice: no CUDA-capable device is detected\)", "nvidia-smi"),
        (
            dict(driver=12040, runtime=13000),
            r"built for CUDA 13.0, but the driver only reaches CUDA 12.4",
            f"{PIP} uninstall --yes cupy-cuda13x && {EXTRAS[12]}",
        ),
        (
            dict(driver=11080, runtime=12090),
            r"built for CUDA 12.9, but the driver only reaches CUDA 11.8",
            DRIVER,
        ),
    ],
)
def test_cupy_without_a_usable_gpu(install_cupy, setup, message, mend):
    install_cupy(**setup)
    assert arrays.has_cupy() and not arrays.has_gpu()
    report = arrays.device_report()
    assert report.backend == "numpy"
    assert re.search(message, report.reason)
    assert mend in report.mend and str(report).endswith(f"{report.reason} To use a GPU: {report.mend}")


def test_a_driver_that_is_newer_than_cupy_will_do(install_cupy):
    install_cupy(driver=13010, runtime=12090)
    assert arrays.has_gpu()


def test_a_cupy_that_does_not_start(install_cupy):
    cupy = install_cupy()
    del cupy.cuda
    assert "CuPy is installed but does not start" in arrays.device_report().reason


@pytest.mark.parametrize(
    "nvidia_smi, reason, mend",
    [
        (None, "no NVIDIA driver was found; the course runs on the CPU", f"{DRIVER}, then {EXTRAS[13]}"),
        ("| Driver Version: 550.54  CUDA Version: 12.4 |", "there is an NVIDIA driver", EXTRAS[12]),
        ("| Driver Version: 590.01  CUDA Version: 13.1 |", "there is an NVIDIA driver", EXTRAS[13]),
        ("| Driver Version: 650.01  CUDA Version: 14.0 |", "there is an NVIDIA driver", EXTRAS[13]),
        ("| Driver Version: 450.01  CUDA Version: 11.8 |", "too old, for CUDA 11", DRIVER),
        ("NVIDIA-SMI has failed", "no NVIDIA driver was found", f"{DRIVER}, then {EXTRAS[13]}"),
    ],
)
def test_without_cupy_the_mend_fits_the_driver(no_cupy, monkeypatch, nvidia_smi, reason, mend):
    monkeypatch.setattr(arrays.sys, "platform", "linux")
    monkeypatch.setattr(arrays.shutil, "which", lambda name: nvidia_smi and "/usr/bin/nvidia-smi")
    monkeypatch.setattr(arrays.subprocess, "run", lambda *a, **k: types.SimpleNamespace(stdout=nvidia_smi))
    assert not arrays.has_cupy() and not arrays.has_gpu()
    report = arrays.device_report()
    assert report.reason.startswith("CuPy is not installed") and reason in report.reason
    assert report.mend == mend


def test_a_mac_is_not_asked_for_a_driver(no_cupy, monkeypatch):
    monkeypatch.setattr(arrays.sys, "platform", "darwin")
    monkeypatch.setattr(arrays.shutil, "which", lambda name: None)
    assert arrays.device_report().mend == ""


def test_the_extras_that_are_named_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for cuda in (arrays.OLDEST_CUDA, arrays.NEWEST_CUDA):
        (extra,) = re.findall(r"\.\[(.+)\]", arrays.install_command(cuda))
        assert any(line.startswith(f"cupy-cuda{cuda}x") for line in project["optional-dependencies"][extra])
    assert (ROOT / "constraints.txt").is_file()


def test_numpy_users_never_import_cupy_numba_or_matplotlib():
    program = (
        "import sys, numpy as np\n"
        "import cs231n_kit.neighbors, cs231n_kit.cross_validation, cs231n_kit.arrays as a\n"
        "a.array_module(np.ones(2))\n"
        "assert not {'cupy', 'numba', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_as_floats_keeps_floats_widens_integers_and_names_what_it_refuses():
    small = np.ones(2, np.float32)
    assert arrays.as_floats("x", small) is small
    assert arrays.as_floats("x", [1, 2]).dtype == np.float64
    with pytest.raises(TypeError, match="w must hold float32 or float64, not complex128"):
        arrays.as_floats("w", np.ones(2, complex))
