"""All kernels compile for real GPUs, with warnings as errors; that takes NVIDIA's compiler, but no GPU."""

from pathlib import Path

import pytest

from cs231n_kit.cuda_emulation import EmulatedModule, find_compiler
from cs231n_kit.kernels import nvrtc

SOURCES = sorted(Path(nvrtc.__file__).parent.glob("*.cu"))

pytestmark = pytest.mark.skipif(nvrtc.find_nvrtc() is None, reason="needs the package nvidia-cuda-nvrtc")


@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
@pytest.mark.parametrize("real", ["float", "double"])
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_kernels_compile_and_spill_nothing(path, real, architecture):
    source = path.read_text(encoding="utf-8")
    code, log = nvrtc.compile_for(source, path.name, architecture, (f"-Dreal={real}",))
    assert code.startswith(b"\x7fELF")
    found = nvrtc.resources(log)
    assert {f"{path.stem}.{name}": kernel["spills"] for name, kernel in found.items() if kernel["spills"]} == {}
    assert all(0 < kernel["registers"] <= 255 for kernel in found.values())
    if find_compiler():
        assert set(found) == set(EmulatedModule(source, (f"-Dreal={real}",), filename=path.name).names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_sources_are_ascii(path):
    """CuPy writes them to files in the encoding of the machine, whatever that is."""
    assert path.read_text(encoding="utf-8").isascii()


def test_errors_and_warnings_are_reported_with_their_line():
    with pytest.raises(RuntimeError, match=r"bad.cu\(2\): error: identifier \"y\" is undefined"):
        nvrtc.compile_for('extern "C" __global__ void k(float *x) {\nx[0] = y; }', "bad.cu", "sm_80")
    with pytest.raises(RuntimeError, match=r"bad.cu\(2\).*never referenced"):
        nvrtc.compile_for('extern "C" __global__ void k(float *x) {\nint unused; x[0] = 1; }', "bad.cu", "sm_80")


def test_spills_are_seen():
    body = "".join(f"x[{i}] = a{i};" for i in range(64))
    loads = "".join(f"volatile float *p{i} = x + {i}; float a{i} = *p{i};" for i in range(64))
    source = f'extern "C" __global__ void __launch_bounds__(1024, 2) k(float *x) {{ {loads} __syncthreads(); {body} }}'
    _, log = nvrtc.compile_for(source, "spill.cu", "sm_80")
    assert nvrtc.resources(log)["k"]["spills"] > 0
