"""The races of the GPU benchmark, at small sizes: CuPy's stand-in with emulated kernels against PyTorch on the CPU."""

import sys
import time
import types

import fake_cupy
import pytest
import torch

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import (
    activation,
    convolution,
    device,
    families,
    loss,
    neighbors,
    normalization,
    pooling,
    timing,
    update,
)
from benchmarks.gpu.families import SIZES, all_races
from cs231n_kit.arrays import DeviceReport
from cs231n_kit.cuda_emulation import find_compiler

SMALL = {
    activation: dict(elements=4000),
    pooling: dict(shape=(2, 3, 7, 8)),
    normalization: dict(vectors=(37, 12), images=(3, 8, 5, 6), groups=4),
    loss: dict(N=33, C=11),
    update: dict(layers=3, inputs=4, outputs=7),
    convolution: dict(shape=(2, 3, 6, 5), filters=4, size=3),
    neighbors: dict(queries=7, training_points=60, features=20, k=4, l1=(5, 9, 30), plane=11, votes=50),
}
RACES = {race.name: race for race in all_races(SMALL)}

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="needs a C++ compiler")


@pytest.fixture(autouse=True)
def cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module())
    monkeypatch.setattr(torch, "from_dlpack", lambda array: torch.from_numpy(array._memory))


def test_all_families_are_there_with_different_names():
    assert SMALL.keys() == SIZES.keys()
    names = [race.name for race in all_races()]
    assert len(set(names)) == len(names) == len(RACES) > 50


@pytest.mark.parametrize("name", RACES)
def test_both_sides_agree(name):
    race = RACES[name]
    ours, theirs = race.sides()
    for _ in range(2):  # update rules have a memory
        race.check(race, ours(), theirs())
    assert race.bytes > 0


@pytest.mark.parametrize(
    "name, module, kernel",
    [
        ("ELU backward", activation.activation_cuda, "elu_backward"),
        ("softmax loss", loss.loss_cuda, "softmax_loss"),
        ("dropout", activation.dropout_cuda, "dropout"),
        ("votes", neighbors.distance_cuda, "count_votes"),
    ],
)
def test_a_wrong_kernel_is_not_timed(name, module, kernel, monkeypatch):
    right = getattr(module, kernel)

    def wrong(*args):
        result = right(*args)
        if isinstance(result, tuple):
            return (*result[:-1], result[-1] * 1.1)
        return result + 0.1

    monkeypatch.setattr(module, kernel, wrong)
    race = next(race for race in all_races(SMALL) if race.name.startswith(name))
    with pytest.raises(AssertionError):
        timing.run(race, StoppedClock())


class StoppedClock:
    cache_bytes = 0

    def forget(self):
        pass

    def out_of_memory(self):
        return (MemoryError,)


class Event:
    def record(self):
        self.time = time.perf_counter()

    def synchronize(self):
        pass


@pytest.fixture
def gpu(cupy, monkeypatch, tmp_path):
    """A device of a few numbers' memory: what the benchmark asks CuPy's and PyTorch's runtimes for."""
    module, properties = fake_cupy.module(), {"l2CacheSize": 1 << 20, "totalGlobalMem": 80 << 30}
    module.__version__ = "14.2.0"
    module.RawKernel = lambda code, name: lambda grid, block, args: None
    module.get_default_memory_pool = lambda: types.SimpleNamespace(free_all_blocks=lambda: None)
    vars(module.cuda).update(
        Event=Event,
        get_elapsed_time=lambda start, end: 1e3 * (end.time - start.time),
        memory=types.SimpleNamespace(OutOfMemoryError=MemoryError),
        runtime=types.SimpleNamespace(
            getDeviceProperties=lambda _: {**properties, "multiProcessorCount": 132}, driverGetVersion=lambda: 13000
        ),
    )
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    for name, value in {"is_available": True, "synchronize": None, "empty_cache": None}.items():
        monkeypatch.setattr(torch.cuda, name, lambda value=value: value)
    monkeypatch.setattr(device, "device_report", lambda: DeviceReport("cupy", "Test GPU", "", "", "9.0"))
    monkeypatch.setattr(device, "COPY_BYTES", 1 << 20)
    monkeypatch.setattr(device, "FLOPS_SIZE", 64)
    monkeypatch.setattr(timing, "SECONDS", 0)
    small = {family: SMALL[family] for family in (loss, neighbors)}
    monkeypatch.setattr(families, "all_races", lambda: all_races(small))
    monkeypatch.setenv("CUPY_TF32", "1")
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    return tmp_path


def test_a_complete_run_writes_the_page(gpu, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks.gpu"])
    command.main()
    (path,) = gpu.iterdir()
    page = path.read_text(encoding="utf-8")
    assert path.name == "gpu-test-gpu.md" and capsys.readouterr().out == page + "\n"
    assert page.count("| PyTorch") == 8 and "Test GPU, compute capability 9.0, 132 multiprocessors, 80 GB" in page


def test_a_part_is_printed_and_not_written(gpu, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks.gpu", "--only", "votes", "--repeat", "2"])
    command.main()
    assert "| votes of 4 neighbours" in capsys.readouterr().out and not list(gpu.iterdir())


def test_nothing_is_written_when_sides_disagree(gpu, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks.gpu"])
    monkeypatch.setattr(loss.loss_cuda, "svm_loss", lambda x, y: (0.0, x))
    with pytest.raises(AssertionError, match="hinge loss"):
        command.main()
    assert not list(gpu.iterdir())
