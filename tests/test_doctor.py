"""What the doctor says about where arrays are computed with and where CUDA kernels run."""

import re
import sys

import fake_cupy
import numpy as np
import pytest

from cs231n_kit import arrays, cuda_emulation, doctor
from cs231n_kit.arrays import DeviceReport
from cs231n_kit.cuda_emulation import compiling

GPU = DeviceReport("cupy", "Test GPU", "", "", "9.0")


@pytest.fixture
def on(monkeypatch):
    """``on(report)``: what the doctor finds on such a machine, by subject."""

    def look(report):
        monkeypatch.setattr(arrays, "device_report", lambda: report)
        return {finding.subject: finding for finding in doctor._device()}

    return look


@pytest.fixture
def cupy(monkeypatch):
    module = fake_cupy.module()
    module.__version__ = "14.2.0"
    module.cuda = type("cuda", (), {"runtime": type("runtime", (), {"runtimeGetVersion": lambda: 12090})})
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def test_a_gpu_is_named_with_its_compute_capability(on, cupy):
    findings = on(GPU)
    assert list(findings) == ["Computing on"]
    assert findings["Computing on"].status == doctor.OK
    assert "Test GPU (compute capability 9.0), by CuPy 14.2.0" in findings["Computing on"].found
    assert f"NumPy {np.__version__}" in findings["Computing on"].found


@pytest.mark.parametrize("missing, function", [("libnvrtc.so.12", "ones"), ("libcublas.so.12", "__matmul__")])
def test_a_gpu_whose_libraries_are_missing_is_broken(on, cupy, monkeypatch, missing, function):
    def fail(*_):
        raise RuntimeError(f"{missing} is not found")

    monkeypatch.setattr(cupy if function == "ones" else fake_cupy.ndarray, function, fail)
    finding = on(GPU)["Computing on"]
    assert finding.status == doctor.BROKEN and f"RuntimeError: {missing} is not found" in finding.found
    assert finding.mend == f'"{sys.executable}" -m pip install -c constraints.txt -e ".[gpu-cuda12]"'


def test_without_a_gpu_it_says_why_and_what_runs_the_kernels(on, monkeypatch):
    monkeypatch.setattr(cuda_emulation, "compiler_name", lambda: "g++ 12.2.0")
    findings = on(DeviceReport("numpy", "the CPU", "There is none.", "buy one"))
    assert findings["Computing on"].found.startswith(f"the CPU, by NumPy {np.__version__}")
    gpu = findings["GPU"]
    assert (gpu.status, gpu.found, gpu.mend) == (doctor.NOTE, "not in use: There is none.", "buy one")
    kernels = findings["CUDA kernels"]
    assert (kernels.status, kernels.mend) == (doctor.OK, "")
    assert kernels.found == "run on the CPU, in an emulation compiled by g++ 12.2.0"


@pytest.mark.parametrize("version, expected", [("0.68.1", r"machine code of Numba 0\.68\.1"), (None, r"NumPy [\d.]+$")])
def test_numba_is_named_where_it_is_installed(on, monkeypatch, version, expected):
    monkeypatch.setattr(doctor, "_version", lambda name: version if name == "numba" else "2.4.6")
    assert re.search(expected, on(DeviceReport("numpy", "the CPU", "None."))["Computing on"].found)


def test_where_nothing_can_be_done_no_mark_of_warning(on):
    assert on(DeviceReport("numpy", "the CPU", "This is a Mac."))["GPU"].status == doctor.OK


@pytest.mark.parametrize(
    "platform, advice",
    [("linux", "sudo apt install g++"), ("darwin", "xcode-select --install"), ("win32", "wsl --install")],
)
def test_without_a_compiler_it_says_how_to_get_one(on, monkeypatch, platform, advice):
    monkeypatch.setattr(compiling.sys, "platform", platform)
    monkeypatch.setattr(compiling.shutil, "which", lambda name: None)
    finding = on(DeviceReport("numpy", "the CPU", "None."))["CUDA kernels"]
    assert finding.status == doctor.NOTE and advice in finding.mend


def test_a_compiler_that_only_asks_to_be_installed_is_none(monkeypatch, tmp_path):
    """As /usr/bin/g++ of a Mac without the command line tools."""
    stub = tmp_path / "g++"
    stub.write_text("#!/bin/sh\necho 'xcode-select: note: no developer tools were found' >&2\nexit 1\n")
    stub.chmod(0o755)
    monkeypatch.setattr(compiling, "find_compiler", lambda: str(stub))
    assert compiling.compiler_name() is None


def test_the_tests_need_npm_and_the_course_does_not(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    (finding,) = doctor._npm()
    assert finding.status == doctor.BROKEN and finding.mend == doctor.npm_command()
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    (finding,) = doctor._npm()
    assert (finding.status, finding.found) == (doctor.OK, "/usr/bin/npm")
    for look in ("_python", "_packages", "_kernel", "_course", "_device", "_data", "_others", "_chromium", "_npm"):
        subject = doctor.Finding(look, doctor.OK, "")
        monkeypatch.setattr(doctor, look, lambda *_, subject=subject, **__: iter([subject]))
    assert "_npm" in [finding.subject for finding in doctor.examine(for_tests=True)]
    assert "_npm" not in [finding.subject for finding in doctor.examine()]
