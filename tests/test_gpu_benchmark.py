"""The GPU benchmark as far as it can be tested without one: it refuses, takes turns, and writes what it was given."""

import re
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from test_packaging import loaded_by

from benchmarks.gpu import device, report, timing
from benchmarks.gpu.device import Ceilings
from benchmarks.gpu.race import DeviceRace, memory_bound
from benchmarks.harness import Time
from cs231n_kit.arrays import DeviceReport, has_gpu
from cs231n_kit.kernels import nvrtc

ROOT = Path(__file__).resolve().parent.parent
GPU = DeviceReport("cupy", "Test GPU", "", "", "9.0")


@pytest.mark.skipif(has_gpu(), reason="there is a GPU to measure")
def test_without_a_gpu_it_says_what_is_missing_and_writes_nothing():
    before = set((ROOT / "benchmarks").iterdir())
    done = subprocess.run([sys.executable, "-m", "benchmarks.gpu"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("There is nothing to measure, so no page was written.\n- ")
    assert "Traceback" not in done.stderr
    assert set((ROOT / "benchmarks").iterdir()) == before


def stub_of_torch(cuda="13.0", available=True):
    return types.SimpleNamespace(
        __version__="2.13.0",
        version=types.SimpleNamespace(cuda=cuda),
        cuda=types.SimpleNamespace(is_available=lambda: available),
    )


@pytest.mark.parametrize(
    "found, torch, message",
    [
        (DeviceReport("numpy", "the CPU", "There is none.", "buy one"), stub_of_torch(), "There is none. .*: buy one"),
        (GPU, None, r'PyTorch.* not installed: ".*" -m pip install -c constraints.txt -e ".\[torch\]"'),
        (GPU, stub_of_torch(cuda=None), "built without CUDA"),
        (GPU, stub_of_torch(available=False), "built for CUDA 13.0, finds no GPU"),
    ],
)
def test_it_names_what_is_missing(monkeypatch, found, torch, message):
    monkeypatch.setattr(device, "device_report", lambda: found)
    monkeypatch.setattr(device, "torch", torch)
    (line,) = device.what_is_missing()
    assert re.search(message, line)


def test_nothing_is_missing_on_a_gpu_server(monkeypatch):
    monkeypatch.setattr(device, "device_report", lambda: GPU)
    monkeypatch.setattr(device, "torch", stub_of_torch())
    assert device.what_is_missing() == []


@pytest.mark.parametrize("module", ["families", "report"])
def test_it_imports_with_cupy_torch_and_numpy_alone(module):
    needed = {"cs231n_kit", "benchmarks", "numpy", "cupy", "torch"}
    other = {name for name in metadata.packages_distributions() if name.isidentifier()} - needed
    blocked = {"numba", "sklearn", "scipy", "threadpoolctl", "rich", "tqdm", "matplotlib", "IPython", "platformdirs"}
    assert blocked <= other
    assert "benchmarks" in loaded_by(f"benchmarks.gpu.{module}", blocked=blocked)


class Clock:
    """Counts calls instead of time; a call takes as many seconds as its side's name has letters."""

    cache_bytes = 50 << 20

    def __init__(self):
        self.turns, self.forgotten = [], 0

    def seconds(self, calls, lead=0.0):
        names = [str(call().item()) for call in calls]
        self.turns.append((*names, lead))
        return 1.0 if names[0] == "1" else 2.0

    def host_seconds(self, calls):
        return 0.25 * len([call() for call in calls])

    def forget(self):
        self.forgotten += 1

    def out_of_memory(self):
        return (MemoryError,)


def race(ours, theirs, bytes=1 << 40, **more):
    return DeviceRace("work", "peer", lambda: (lambda: np.array(ours), lambda: np.array(theirs)), bytes=bytes, **more)


def test_sides_take_turns_and_the_device_waits_for_the_host():
    clock = Clock()
    time = timing.run(race(1, 2, check=lambda *_: None), clock, repeat=3)
    assert time == Time(1.0, 2.0)
    assert clock.turns == [("1", "1", 0.75), ("2", "2", 0.75)] * 4  # to see how long they take, and three times
    assert clock.forgotten == 1


@pytest.mark.parametrize("bytes, buffers", [(1 << 40, 2), (100 << 20, 2), (50 << 20, 4), (40 << 20, 5), (1 << 20, 16)])
def test_buffers_together_outgrow_the_cache(bytes, buffers):
    assert timing.buffers(race(1, 1, bytes), cache_bytes=50 << 20) == buffers


def test_sides_that_disagree_are_not_timed():
    clock = Clock()
    with pytest.raises(AssertionError):
        timing.run(race(1, 2), clock)
    assert clock.turns == [] and clock.forgotten == 1


def test_a_device_with_too_little_memory_leaves_the_race_out():
    def sides():
        raise MemoryError

    clock = Clock()
    assert timing.run(DeviceRace("work", "peer", sides, bytes=1), clock) is None
    assert clock.forgotten == 1


CEILINGS = Ceilings(sgemm=50e12, copy=2.5e12)


def test_the_page_says_what_was_met_and_what_was_missed():
    races = [
        memory_bound("fast", None, 0.5e9),
        memory_bound("slow", None, 0.5e9, bound="bound by launches"),
        DeviceRace("conv", "cuDNN", None, 2.0, flops=1e12, bytes=1),
        DeviceRace("kNN", "cdist", None, flops=1e12, bytes=1, share=0.7),
        DeviceRace("huge", "cdist", None, bytes=1),
    ]
    times = {
        "fast, PyTorch": Time(1e-3, 1e-3),
        "slow, PyTorch": Time(1.25e-3, 1e-3),
        "conv, cuDNN": Time(40e-3, 20e-3),
        "kNN, cdist": Time(28.8e-3, 40e-3),
        "huge, cdist": None,
    }
    page = report.page(races, times, CEILINGS, "Test GPU")
    assert "| fast | PyTorch | 1 | 1 | 1.00 | 1.00 | met | 2000 GB/s | 80% | 80% | met |" in page
    assert "| slow | PyTorch | 1.25 | 1 | 1.25 | 1.00 | **missed** | 1600 GB/s | 64% | 80% | **missed** |" in page
    assert "| conv | cuDNN | 40 | 20 | 2.00 | 2.00 | met | 25.0 Tflop/s | 50% |  |  |" in page
    assert "| kNN | cdist | 28.8 | 40 | 0.72 |  |  | 34.7 Tflop/s | 69% | 70% | **missed** |" in page
    assert "- slow, PyTorch (goal 1.00, got 1.25; goal 80%, got 64%): bound by launches." in page
    assert "## Left out" in page and page.endswith("\n- huge, cdist\n")
    assert "**50.0 Tflop/s** and copies 1 GB at **2500 GB/s**" in page and "Test GPU" in page


def test_a_page_without_misses_says_so():
    page = report.page([memory_bound("fast", None, 1e9)], {"fast, PyTorch": Time(1e-3, 1e-3)}, CEILINGS, "Test GPU")
    assert "All goals are met." in page and "Left out" not in page


def test_the_file_is_named_after_the_device():
    assert report.file_name("NVIDIA H100 80GB HBM3") == "gpu-nvidia-h100-80gb-hbm3.md"
    assert report.file_name("../../GeForce (TM)") == "gpu-geforce-tm.md"


@pytest.mark.skipif(nvrtc.find_nvrtc() is None, reason="needs the package nvidia-cuda-nvrtc")
@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
def test_the_kernel_that_keeps_the_device_busy_compiles(architecture):
    code, _ = nvrtc.compile_for(device.SPIN, "spin.cu", architecture)
    assert code.startswith(b"\x7fELF")
